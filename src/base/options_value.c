/* SPDX-License-Identifier: Apache-2.0
 *
 * The option table as data, names, and values as people write them (options_priv.h). Pure.
 */
#include <string.h>

#include "base/clock.h"
#include "base/options_priv.h"

const struct alb_param_spec alb_param_specs[ALB_PARAM_COUNT] = {
#define ALB_X(id, name, type, def, cmds, group, help)                                                        \
    [ALB_P_##id] = {name, ALB_T_##type, def, cmds, group, help},
#include "tbl/params.h"
#undef ALB_X
};

/* A longer name fails here, at compile time. */
#define ALB_X(id, name, type, def, cmds, group, help)                                                        \
    _Static_assert(sizeof(name) <= ALB_OPTION_NAME_MAX - sizeof("ALBUMEN_"), "option name too long");
#include "tbl/params.h"
#undef ALB_X

bool alb_option_bool(struct alb_str s, bool *out)
{
    static const char *const words[] = {"false", "no", "off", "0", "true", "yes", "on", "1"};

    *out = false;
    for (size_t i = 0; i < ALB_ARRAY_LEN(words); i++) {
        if (alb_str_eq_ci(s, alb_str_c(words[i]))) {
            *out = i >= ALB_ARRAY_LEN(words) / 2;
            return true;
        }
    }
    return false;
}

/* Splits "90s" into 90 and "s". */
static bool number_and_unit(struct alb_str s, int64_t *number, struct alb_str *unit)
{
    size_t digits = 0;
    uint64_t v;

    while (digits < s.n && alb_is_digit(s.p[digits]))
        digits++;
    if (!alb_str_u64(alb_str_sub(s, 0, digits), &v) || v > INT64_MAX)
        return false;
    *number = (int64_t)v;
    *unit = alb_str_from(s, digits);
    return true;
}

bool alb_option_size(struct alb_str s, int64_t *bytes)
{
    static const char units[] = "kmgt";
    struct alb_str unit;
    int64_t v;

    *bytes = 0;
    if (!number_and_unit(s, &v, &unit) || unit.n > 1)
        return false;
    if (unit.n == 1) {
        const char *at = strchr(units, alb_lower(unit.p[0]));
        if (at == NULL || *at == '\0' || __builtin_mul_overflow(v, (int64_t)1 << (10 * (at - units + 1)), &v))
            return false;
    }
    *bytes = v;
    return true;
}

bool alb_option_duration(struct alb_str s, int64_t *ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        {"ms", ALB_NS_PER_MS},           {"s", ALB_NS_PER_S},
        {"m", 60 * ALB_NS_PER_S},        {"h", 3600 * ALB_NS_PER_S},
        {"d", 24 * 3600 * ALB_NS_PER_S},
    };
    struct alb_str unit;
    int64_t v;

    *ns = 0;
    if (!number_and_unit(s, &v, &unit))
        return false;
    if (unit.n == 0)
        return v == 0; /* nothing needs no unit */
    for (size_t i = 0; i < ALB_ARRAY_LEN(units); i++) {
        if (alb_str_eq_c(unit, units[i].name) && !__builtin_mul_overflow(v, units[i].ns, &v)) {
            *ns = v;
            return true;
        }
    }
    return false;
}

enum alb_param alb_option_find(struct alb_str name)
{
    for (unsigned p = 0; p < ALB_PARAM_COUNT; p++) {
        if (alb_str_eq_c(name, alb_param_specs[p].name))
            return (enum alb_param)p;
    }
    return ALB_PARAM_COUNT;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace) that make b of a; both shorter than ALB_OPTION_NAME_MAX. */
static unsigned edits(struct alb_str a, struct alb_str b)
{
    unsigned row[ALB_OPTION_NAME_MAX + 1];

    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned replace = corner + (a.p[i - 1] != b.p[j - 1]);
            corner = row[j];
            row[j] = least(replace, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.n];
}

const char *alb_option_guess(struct alb_str name, unsigned commands)
{
    const char *best = NULL;
    unsigned best_edits = 3; /* more is another word */

    if (name.n < 3 || name.n >= ALB_OPTION_NAME_MAX)
        return NULL;
    for (unsigned p = 0; p < ALB_PARAM_COUNT; p++) {
        if ((alb_param_specs[p].commands & commands) == 0)
            continue;
        unsigned e = edits(name, alb_str_c(alb_param_specs[p].name));
        if (e < best_edits) {
            best_edits = e;
            best = alb_param_specs[p].name;
        }
    }
    return best;
}

void alb_option_env_name(const char *name, char out[ALB_OPTION_NAME_MAX])
{
    size_t i = 0;

    for (; name[i] != '\0'; i++) {
        char c = name[i];
        out[i] = (char)(c == '-' ? '_' : c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    out[i] = '\0';
}
