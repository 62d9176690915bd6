/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/goflag.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"

#define FLAGS_MAX 128

/* ---- values ---- */

static bool parse_bool(struct alb_str s, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"}, *const no[] = {
                                                                                  "0",     "f",     "F",
                                                                                  "false", "FALSE", "False"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(yes); i++) {
        if (alb_str_eq_c(s, yes[i]) || alb_str_eq_c(s, no[i])) {
            *out = alb_str_eq_c(s, yes[i]);
            return true;
        }
    }
    return false;
}

static unsigned digit_of(char c)
{
    if (alb_is_digit(c))
        return (unsigned)(c - '0');
    c = alb_lower(c);
    return c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 10 : 99;
}

static unsigned base_of(struct alb_str *s)
{
    static const struct {
        char letter;
        unsigned base;
    } prefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};
    if (s->n < 2 || s->p[0] != '0')
        return 10;
    for (size_t i = 0; i < ALB_ARRAY_LEN(prefixes); i++) {
        if (alb_lower(s->p[1]) == prefixes[i].letter) {
            *s = alb_str_from(*s, 2);
            return prefixes[i].base;
        }
    }
    *s = alb_str_from(*s, 1);
    return 8;
}

/* Digits of that base; `_` between them if the number had, or could have had, a prefix. */
static bool parse_digits(struct alb_str s, unsigned base, uint64_t *out)
{
    uint64_t v = 0;
    bool after_digit = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '_' && after_digit && i + 1 < s.n) {
            after_digit = false;
            continue;
        }
        unsigned d = digit_of(s.p[i]);
        if (d >= base || __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v))
            return false;
        after_digit = true;
    }
    *out = v;
    return s.n > 0 && after_digit;
}

static bool parse_int(struct alb_str s, int64_t *out)
{
    uint64_t v;
    bool minus = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (minus || s.p[0] == '+'))
        s = alb_str_from(s, 1);
    if (alb_str_eq_c(s, "0")) {
        *out = 0;
        return true;
    }
    unsigned base = base_of(&s);
    if (!parse_digits(s, base, &v) || v > (uint64_t)INT64_MAX + (minus ? 1 : 0))
        return false;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

/* One "1.5h" from the front of *s. */
static bool take_span(struct alb_str *s, double *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
                 {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9}};
    double value = 0, place = 1;
    size_t i = 0, digits = 0;
    for (; i < s->n && alb_is_digit(s->p[i]); i++, digits++)
        value = value * 10 + (s->p[i] - '0');
    if (i < s->n && s->p[i] == '.')
        for (i++; i < s->n && alb_is_digit(s->p[i]); i++, digits++) {
            place /= 10;
            value += (s->p[i] - '0') * place;
        }
    size_t unit = i;
    while (i < s->n && s->p[i] != '.' && !alb_is_digit(s->p[i]))
        i++;
    struct alb_str name = alb_str_sub(*s, unit, i - unit);
    for (size_t k = 0; k < ALB_ARRAY_LEN(units) && digits > 0; k++) {
        if (alb_str_eq_c(name, units[k].name)) {
            *ns += value * units[k].ns;
            *s = alb_str_from(*s, i);
            return true;
        }
    }
    return false;
}

bool alb_goflag_duration(struct alb_str s, int64_t *ns)
{
    double sum = 0;
    bool minus = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (minus || s.p[0] == '+'))
        s = alb_str_from(s, 1);
    if (alb_str_eq_c(s, "0")) {
        *ns = 0;
        return true;
    }
    if (s.n == 0)
        return false;
    while (s.n > 0)
        if (!take_span(&s, &sum))
            return false;
    if (sum > 9.2e18)
        return false;
    *ns = (int64_t)(minus ? -sum : sum);
    return true;
}

static bool set_value(const struct alb_goflag *f, void *values, const char *text)
{
    void *at = (char *)values + f->offset;
    uint64_t mode = 0;
    bool ok = true;
    switch (f->type) {
    case ALB_GOFLAG_STRING:
        *(const char **)at = text;
        break;
    case ALB_GOFLAG_BOOL:
        ok = parse_bool(alb_str_c(text), at);
        break;
    case ALB_GOFLAG_INT:
        ok = parse_int(alb_str_c(text), at);
        break;
    case ALB_GOFLAG_DURATION:
        ok = alb_goflag_duration(alb_str_c(text), at);
        break;
    case ALB_GOFLAG_OCTAL:
        ok = parse_digits(alb_str_c(text), 8, &mode) && mode <= UINT32_MAX && !strchr(text, '_');
        if (ok)
            *(int64_t *)at = (int64_t)mode;
        break;
    }
    return ok;
}

/* ---- the command line ---- */

static const struct alb_goflag *find(const struct alb_goflag *flags, size_t count, struct alb_str name)
{
    for (size_t i = 0; i < count; i++)
        if (alb_str_eq_c(name, flags[i].name))
            return &flags[i];
    return NULL;
}

/* One flag: `word` without its dashes, and the word behind it (NULL: none). *used: that one belongs to it. */
static enum alb_code take(const struct alb_goflag *flags, size_t count, void *values, const char *word,
                          const char *next, bool *used, struct alb_err *err)
{
    struct alb_str name, value;
    bool with_value = alb_str_cut(alb_str_c(word), '=', &name, &value);
    const struct alb_goflag *f = find(flags, count, name);
    const char *text = with_value ? value.p : NULL;
    *used = false;
    if (!f && (alb_str_eq_c(name, "help") || alb_str_eq_c(name, "h")))
        return ALB_E_CANCELLED;
    if (!f)
        return alb_fail(err, ALB_E_INVALID, "flag provided but not defined: -" ALB_STR_FMT,
                        ALB_STR_ARG(name));
    if (f->type == ALB_GOFLAG_BOOL) {
        if (!set_value(f, values, text ? text : "true"))
            return alb_fail(err, ALB_E_INVALID, "invalid boolean value \"%s\" for -%s: parse error", text,
                            f->name);
        return ALB_OK;
    }
    if (!text) {
        if (!next)
            return alb_fail(err, ALB_E_INVALID, "flag needs an argument: -%s", f->name);
        text = next;
        *used = true;
    }
    if (!set_value(f, values, text))
        return alb_fail(err, ALB_E_INVALID, "invalid value \"%s\" for flag -%s: parse error", text, f->name);
    return ALB_OK;
}

void alb_goflag_defaults(const struct alb_goflag *flags, size_t count, void *values)
{
    for (size_t i = 0; i < count; i++)
        ALB_CHECK(set_value(&flags[i], values, flags[i].otherwise));
}

enum alb_code alb_goflag_set(const struct alb_goflag *flags, size_t count, void *values, struct alb_str name,
                             const char *text, struct alb_err *err)
{
    const struct alb_goflag *f = find(flags, count, name);
    if (!f)
        return alb_fail(err, ALB_E_NOT_FOUND, "no flag: -" ALB_STR_FMT, ALB_STR_ARG(name));
    if (!set_value(f, values, text))
        return alb_fail(err, ALB_E_INVALID, "invalid value \"%s\" for flag -%s: parse error", text, f->name);
    return ALB_OK;
}

/* "-x", "--x"; false: no flag, or the end of them. */
static bool is_flag(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && strcmp(word, "--") != 0;
}

int alb_goflag_words(const struct alb_goflag *flags, size_t count, const char *word)
{
    struct alb_str name, value;
    if (!is_flag(word))
        return 0;
    bool with_value = alb_str_cut(alb_str_c(word + (word[1] == '-' ? 2 : 1)), '=', &name, &value);
    const struct alb_goflag *f = find(flags, count, name);
    if (!f)
        return 0;
    return with_value || f->type == ALB_GOFLAG_BOOL ? 1 : 2;
}

enum alb_code alb_goflag_arguments(const struct alb_goflag *flags, size_t count, void *values, int argc, char **argv,
                                   struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    for (int i = 0; i < argc && code == ALB_OK; i++) {
        const char *word = argv[i];
        bool used = false;
        if (!is_flag(word))
            break;
        word += word[1] == '-' ? 2 : 1;
        if (word[0] == '-' || word[0] == '=')
            return alb_fail(err, ALB_E_INVALID, "bad flag syntax: %s", argv[i]);
        code = take(flags, count, values, word, i + 1 < argc ? argv[i + 1] : NULL, &used, err);
        i += used ? 1 : 0;
    }
    return code;
}

enum alb_code alb_goflag_parse(const struct alb_goflag *flags, size_t count, void *values, int argc, char **argv,
                               struct alb_err *err)
{
    alb_goflag_defaults(flags, count, values);
    return alb_goflag_arguments(flags, count, values, argc, argv, err);
}

/* ---- help ---- */

static void write_flag(const struct alb_goflag *f, struct alb_buf *out)
{
    static const char *const kinds[] = {" string", "", " int", " duration", " value"};
    const char *d = f->otherwise;
    bool zero = strcmp(d, "") == 0 || strcmp(d, "0") == 0 || strcmp(d, "false") == 0;
    alb_buf_printf(out, "  -%s%s\n    \t%s", f->name, kinds[f->type], f->help);
    if (!zero)
        alb_buf_printf(out, f->type == ALB_GOFLAG_STRING ? " (default \"%s\")" : " (default %s)", d);
    alb_buf_char(out, '\n');
}

void alb_goflag_help(const struct alb_goflag *flags, size_t count, const char *program, struct alb_buf *out)
{
    alb_buf_printf(out, "Usage of %s:\n", program);
    for (size_t from = 0, to; from < count; from = to) {
        size_t order[FLAGS_MAX], n = 0;
        for (to = from; to < count && (to == from || flags[to].group == NULL) && n < FLAGS_MAX; to++) {
            size_t at = n++;
            for (; at > 0 && strcmp(flags[order[at - 1]].name, flags[to].name) > 0; at--)
                order[at] = order[at - 1];
            order[at] = to;
        }
        alb_buf_printf(out, "\n%s:\n", flags[from].group ? flags[from].group : "");
        for (size_t i = 0; i < n; i++)
            write_flag(&flags[order[i]], out);
    }
    alb_buf_char(out, '\n');
}
