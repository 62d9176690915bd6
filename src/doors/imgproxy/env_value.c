/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of variables (contract: env_priv.h), as imgproxy's configuration reads them.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/mem.h"
#include "doors/imgproxy/env_priv.h"
#include "doors/imgproxy/options.h"
#include "doors/imgproxy/source.h"

#define SHOWN 80
#define SECOND INT64_C(1000000000)
#define SECONDS_MAX INT64_C(1000000000)

struct value {
    struct alb_imgproxy_env *env;
    const struct alb_imgproxy_variable *v;
    struct alb_str text;
    struct alb_err *err;
};

static enum alb_code wrong(const struct value *x, struct alb_str part, const char *expected)
{
    part = alb_str_sub(part, 0, SHOWN);
    return alb_fail(x->err, ALB_E_INVALID, "IMGPROXY_%s: \"%.*s\" is not right; %s", x->v->name,
                    ALB_STR_ARG(part), expected);
}

/* Of what is secret nothing is shown. */
static enum alb_code wrong_secret(const struct value *x, const char *expected)
{
    return alb_fail(x->err, ALB_E_INVALID, "IMGPROXY_%s: %s", x->v->name, expected);
}

static enum alb_code no_memory(const struct value *x)
{
    return alb_fail(x->err, ALB_E_NO_MEMORY, "IMGPROXY_%s: no room for its value", x->v->name);
}

static void *target(const struct value *x)
{
    return (char *)x->env->config + x->v->offset;
}

struct alb_str alb_imgproxy_trim(struct alb_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r')))
        s = alb_str_from(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || (s.p[s.n - 1] >= '\t' && s.p[s.n - 1] <= '\r')))
        s.n--;
    return s;
}

/* ---- single values ---- */

static enum alb_code set_int(const struct value *x, int64_t scale, int64_t most)
{
    char expected[80];
    int64_t n;

    if (x->v->high < (double)most)
        most = (int64_t)x->v->high;
    if (alb_imgproxy_int(x->text, &n) && n >= (int64_t)x->v->low && n <= most) {
        *(int64_t *)target(x) = n * scale;
        return ALB_OK;
    }
    if (isinf(x->v->high))
        (void)snprintf(expected, sizeof(expected), "a whole number of at least %lld%s is wanted",
                       (long long)x->v->low, scale > 1 ? " (seconds)" : "");
    else
        (void)snprintf(expected, sizeof(expected), "a whole number in %lld..%lld is wanted",
                       (long long)x->v->low, (long long)most);
    return wrong(x, x->text, expected);
}

static enum alb_code read_float(const struct value *x, double *out)
{
    char expected[80];

    if (alb_imgproxy_float(x->text, out) && *out >= x->v->low && *out <= x->v->high)
        return ALB_OK;
    if (isinf(x->v->high))
        (void)snprintf(expected, sizeof(expected), "a number of at least %g is wanted", x->v->low);
    else
        (void)snprintf(expected, sizeof(expected), "a number in %g..%g is wanted", x->v->low, x->v->high);
    return wrong(x, x->text, expected);
}

/* low is in units of the result, so that 1 means "more than nothing". */
static enum alb_code set_mega(const struct value *x)
{
    double mega;

    if (!alb_imgproxy_float(x->text, &mega) || mega * 1e6 < x->v->low || mega > 1e12)
        return wrong(x, x->text, x->v->low > 0 ? "megapixels above 0 are wanted" : "megapixels are wanted");
    *(int64_t *)target(x) = (int64_t)(mega * 1e6);
    return ALB_OK;
}

static enum alb_code set_bool(const struct value *x)
{
    if (alb_imgproxy_bool(x->text, target(x)))
        return ALB_OK;
    return wrong(x, x->text, "true or false is wanted");
}

static enum alb_code set_word(const struct value *x)
{
    char expected[160] = "it is to be one of", low[32];
    size_t n = strlen(expected);
    int word;

    if (alb_str_to_c(x->text, low, sizeof(low))) {
        for (char *c = low; *c != '\0'; c++)
            *c = alb_lower(*c);
        if (alb_imgproxy_word(x->v->words, alb_str_c(low), &word)) {
            if (x->v->kind == ALB_IMGPROXY_ENV_WORD)
                memcpy(target(x), &word, sizeof(word));
            else
                *(struct alb_str *)target(x) = alb_str_c(alb_imgproxy_word_name(x->v->words, word));
            return ALB_OK;
        }
    }
    for (const struct alb_imgproxy_word *w = x->v->words; w->name != NULL; w++)
        n += (size_t)snprintf(expected + n, sizeof(expected) - n, " %s", w->name);
    return wrong(x, x->text, expected);
}

static enum alb_code set_time(const struct value *x)
{
    int offset;

    if (alb_time_rfc3339_parse(x->text.p, x->text.n, target(x), &offset))
        return ALB_OK;
    return wrong(x, x->text, "a time such as 2024-01-02T15:04:05Z is wanted");
}

/* "/…" without query, fragment and slash at the end. */
static enum alb_code set_path(const struct value *x)
{
    struct alb_str s = x->text, tail;

    (void)alb_str_cut(s, '?', &s, &tail);
    (void)alb_str_cut(s, '#', &s, &tail);
    if (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    if (s.n > 0 && s.p[0] != '/')
        s = alb_arena_printf(x->env->config->arena, "/%.*s", ALB_STR_ARG(s));
    if (s.p == NULL)
        return no_memory(x);
    *(struct alb_str *)target(x) = s;
    return ALB_OK;
}

/* ---- lists ---- */

typedef enum alb_code item_fn(const struct value *x, struct alb_str piece, struct alb_str *out);

static enum alb_code keep_item(const struct value *x, struct alb_str piece, struct alb_str *out)
{
    (void)x;
    *out = piece;
    return ALB_OK;
}

static enum alb_code hex_item(const struct value *x, struct alb_str piece, struct alb_str *out)
{
    unsigned char *bytes = alb_arena_alloc(x->env->config->arena, piece.n / 2 + 1);

    if (bytes == NULL)
        return no_memory(x);
    if (piece.n % 2 != 0 || !alb_hex_decode(piece, bytes, piece.n / 2))
        return wrong_secret(
            x, "it is to be an even number of hexadecimal digits, several keys with commas between");
    *out = alb_str_n((const char *)bytes, piece.n / 2);
    return ALB_OK;
}

/* An empty pattern would be a prefix of everything: a comma too many would open every door. */
static enum alb_code source_item(const struct value *x, struct alb_str piece, struct alb_str *out)
{
    size_t colon = alb_str_find(piece, ':');

    if (colon == ALB_STR_NPOS || colon == 0 ||
        alb_str_find(alb_str_sub(piece, 0, colon), '/') != ALB_STR_NPOS)
        return wrong(x, piece, "a pattern begins with a scheme: https://example.com/");
    *out = piece;
    return ALB_OK;
}

static size_t count_of(struct alb_str text, char sep)
{
    size_t n = 1;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == sep ? 1 : 0;
    return n;
}

static enum alb_code set_list(const struct value *x, item_fn *item)
{
    struct alb_imgproxy_list *list = target(x);
    struct alb_str rest = x->text, piece;
    size_t count = count_of(x->text, ','), at = 0;

    if (count > ALB_IMGPROXY_ITEMS_MAX)
        return wrong(x, x->text, "it has too many items");
    struct alb_str *items = alb_arena_calloc(x->env->config->arena, count, sizeof(*items));
    if (items == NULL)
        return no_memory(x);
    while (alb_str_next(&rest, ',', &piece)) {
        enum alb_code code = item(x, alb_imgproxy_trim(piece), &items[at++]);
        if (code != ALB_OK)
            return code;
    }
    *list = (struct alb_imgproxy_list){items, at};
    return ALB_OK;
}

static enum alb_code set_replacements(const struct value *x)
{
    size_t count = count_of(x->text, ';'), at = 0;
    struct alb_str rest = x->text, piece;

    if (count > ALB_IMGPROXY_ITEMS_MAX)
        return wrong(x, x->text, "it has too many rules");
    struct alb_imgproxy_replacement *rules = alb_arena_calloc(x->env->config->arena, count, sizeof(*rules));
    if (rules == NULL)
        return no_memory(x);
    while (alb_str_next(&rest, ';', &piece)) {
        if (!alb_str_cut(piece, '=', &rules[at].pattern, &rules[at].text))
            return wrong(x, piece, "a rule is PATTERN=REPLACEMENT, with \";\" between rules");
        at++;
    }
    x->env->config->replacements = rules;
    x->env->config->replacement_count = at;
    return ALB_OK;
}

/* ---- formats ---- */

static enum alb_code each_format(const struct value *x, void (*fn)(const struct value *x, int format))
{
    struct alb_str rest = x->text, piece;
    int format;

    while (alb_str_next(&rest, ',', &piece)) {
        piece = alb_imgproxy_trim(piece);
        if (!alb_imgproxy_word(alb_imgproxy_formats, piece, &format))
            return wrong(x, piece, "it is no format");
        fn(x, format);
    }
    return ALB_OK;
}

static void add_bit(const struct value *x, int format)
{
    *(uint32_t *)target(x) |= ALB_IMGPROXY_FORMAT_BIT(format);
}

/* Formats that are never written cannot be preferred: imgproxy warns and leaves them out. */
static void add_preferred(const struct value *x, int format)
{
    struct alb_imgproxy_config *c = x->env->config;

    if (format == ALB_IMGPROXY_SVG || format == ALB_IMGPROXY_PDF || format == ALB_IMGPROXY_MP4 ||
        format == ALB_IMGPROXY_BEST) {
        if (x->env->remarks != NULL)
            alb_buf_printf(x->env->remarks,
                           "IMGPROXY_PREFERRED_FORMATS: %s is not written, so it is left out\n",
                           alb_imgproxy_word_name(alb_imgproxy_formats, format));
        return;
    }
    for (size_t i = 0; i < c->preferred_count; i++) {
        if ((int)c->preferred[i] == format)
            return;
    }
    c->preferred[c->preferred_count++] = (enum alb_imgproxy_format)format;
}

static enum alb_code set_qualities(const struct value *x)
{
    struct alb_str rest = x->text, piece, name, number;
    int64_t quality;
    int format;

    while (alb_str_next(&rest, ',', &piece)) {
        if (!alb_str_cut(piece, '=', &name, &number) ||
            !alb_imgproxy_word(alb_imgproxy_formats, alb_imgproxy_trim(name), &format) ||
            !alb_imgproxy_int(alb_imgproxy_trim(number), &quality) || quality < 1 || quality > 100)
            return wrong(x, alb_imgproxy_trim(piece), "FORMAT=1..100 is wanted, with commas between");
        ((uint8_t *)target(x))[format] = (uint8_t)quality;
    }
    return ALB_OK;
}

/* ---- presets ---- */

static enum alb_code add_presets(const struct value *x, struct alb_str text, struct alb_str separator)
{
    struct alb_imgproxy_presets *presets = target(x);
    struct alb_imgproxy_preset one, *all;
    struct alb_str rest = text, piece;
    size_t count = presets->count;

    for (size_t i = 0; i + separator.n <= text.n; i++)
        count += memcmp(text.p + i, separator.p, separator.n) == 0 ? 1 : 0;
    if (count >= ALB_IMGPROXY_ITEMS_MAX)
        return wrong(x, ALB_STR("…"), "too many presets");
    all = alb_arena_calloc(x->env->config->arena, count + 1, sizeof(*all));
    if (all == NULL)
        return no_memory(x);
    if (presets->count > 0)
        memcpy(all, presets->item, presets->count * sizeof(*all));
    count = presets->count;
    while (alb_imgproxy_next(&rest, separator, &piece)) {
        enum alb_code code = alb_imgproxy_preset_parse(alb_imgproxy_trim(piece), &one, x->err);
        if (code != ALB_OK) {
            alb_err_context(x->err, "IMGPROXY_%s", x->v->name);
            return code;
        }
        if (one.name.n > 0)
            all[count++] = one;
    }
    *presets = (struct alb_imgproxy_presets){all, count};
    return ALB_OK;
}

static enum alb_code set_presets(const struct value *x)
{
    struct alb_str separator = alb_imgproxy_env_get(x->env, "PRESETS_SEPARATOR");

    return add_presets(x, x->text, separator.p != NULL ? separator : ALB_STR(","));
}

static enum alb_code set_preset_file(const struct value *x)
{
    char path[4096], *p;
    size_t n;

    if (!alb_str_to_c(x->text, path, sizeof(path)))
        return wrong(x, x->text, "it is no path");
    enum alb_code code = alb_fs_read_file(AT_FDCWD, path, ALB_IMGPROXY_FILE_MAX, &p, &n, x->err);
    if (code != ALB_OK) {
        alb_err_context(x->err, "IMGPROXY_%s", x->v->name);
        return code;
    }
    struct alb_str text = alb_arena_str(x->env->config->arena, alb_str_n(p, n));
    alb_mem_free(p);
    return text.p != NULL ? add_presets(x, text, ALB_STR("\n")) : no_memory(x);
}

/* ---- by kind ---- */

static enum alb_code set_by_kind(const struct value *x)
{
    switch (x->v->kind) {
    case ALB_IMGPROXY_ENV_STRING:
        if (x->v->offset != 0)
            *(struct alb_str *)target(x) = x->text;
        return ALB_OK;
    case ALB_IMGPROXY_ENV_BOOL:
    case ALB_IMGPROXY_ENV_STORE:
        return set_bool(x);
    case ALB_IMGPROXY_ENV_INT:
        return set_int(x, 1, INT64_MAX);
    case ALB_IMGPROXY_ENV_SECONDS:
        return set_int(x, SECOND, SECONDS_MAX);
    case ALB_IMGPROXY_ENV_FLOAT:
        return read_float(x, target(x));
    case ALB_IMGPROXY_ENV_MEGA:
        return set_mega(x);
    case ALB_IMGPROXY_ENV_WORD:
    case ALB_IMGPROXY_ENV_CHOICE:
        return set_word(x);
    case ALB_IMGPROXY_ENV_TIME:
        return set_time(x);
    case ALB_IMGPROXY_ENV_PATH:
        return set_path(x);
    case ALB_IMGPROXY_ENV_NOTHING:
        return ALB_OK;
    case ALB_IMGPROXY_ENV_LIST:
        return set_list(x, keep_item);
    case ALB_IMGPROXY_ENV_HEX_LIST:
        return set_list(x, hex_item);
    case ALB_IMGPROXY_ENV_HEX:
        return hex_item(x, alb_imgproxy_trim(x->text), target(x));
    case ALB_IMGPROXY_ENV_SOURCES:
        return set_list(x, source_item);
    case ALB_IMGPROXY_ENV_REPLACEMENTS:
        return set_replacements(x);
    case ALB_IMGPROXY_ENV_PRESETS:
        return set_presets(x);
    case ALB_IMGPROXY_ENV_PRESET_FILE:
        return set_preset_file(x);
    case ALB_IMGPROXY_ENV_FORMATS:
        x->env->config->preferred_count = 0;
        return each_format(x, add_preferred);
    case ALB_IMGPROXY_ENV_FORMAT_BITS:
        return each_format(x, add_bit);
    case ALB_IMGPROXY_ENV_QUALITIES:
        return set_qualities(x);
    }
    return ALB_OK;
}

enum alb_code alb_imgproxy_env_set(struct alb_imgproxy_env *e, const struct alb_imgproxy_variable *v,
                                   struct alb_str value, struct alb_err *err)
{
    struct value x = {.env = e, .v = v, .text = value, .err = err};

    return set_by_kind(&x);
}
