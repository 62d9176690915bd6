/* SPDX-License-Identifier: Apache-2.0
 *
 * See query.h.
 */
#include "http/query.h"

#include <string.h>

#include "base/codec.h"

bool alb_query_next(struct alb_str *rest, struct alb_str *key, struct alb_str *value)
{
    struct alb_str piece;

    while (alb_str_next(rest, '&', &piece)) {
        if (piece.n == 0)
            continue;
        if (!alb_str_cut(piece, '=', key, value))
            *value = ALB_STR_NONE;
        return true;
    }
    return false;
}

bool alb_query_decode(struct alb_str s, bool form, struct alb_arena *a, struct alb_str *out)
{
    char *p = alb_arena_alloc(a, s.n + 1);
    size_t n;

    *out = ALB_STR_NONE;
    if (!p || !alb_percent_decode(s, form, p, s.n, &n) || memchr(p, '\0', n))
        return false;
    p[n] = '\0';
    *out = alb_str_n(p, n);
    return true;
}

/* Does the raw key decode to `name`? Without memory: at most as long as the name, byte by byte. */
static bool key_is(struct alb_str key, const char *name)
{
    char decoded[128];
    size_t n;

    if (alb_str_eq_c(key, name))
        return true;
    return alb_percent_decode(key, true, decoded, sizeof(decoded), &n) &&
           alb_str_eq_c(alb_str_n(decoded, n), name);
}

bool alb_query_value(struct alb_str query, const char *name, struct alb_arena *a, struct alb_str *out)
{
    struct alb_str key, value;

    *out = ALB_STR_NONE;
    while (alb_query_next(&query, &key, &value))
        if (key_is(key, name))
            return alb_query_decode(value, true, a, out);
    return false;
}

struct alb_str alb_cookie_get(struct alb_str header, const char *name)
{
    struct alb_str piece, key, value;

    while (alb_str_next(&header, ';', &piece)) {
        if (!alb_str_cut(alb_str_trim(piece), '=', &key, &value) || !alb_str_eq_c(key, name))
            continue;
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = alb_str_sub(value, 1, value.n - 2);
        return value;
    }
    return ALB_STR_NONE;
}

bool alb_is_cookie_value(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= 0x20 || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return true;
}
