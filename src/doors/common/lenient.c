/* SPDX-License-Identifier: Apache-2.0
 *
 * Lenient readers (contract: lenient.h).
 */
#include "doors/common/lenient.h"

#include "base/codec.h"

static bool is_base64url(char c)
{
    char l = alb_lower(c);
    return alb_is_digit(c) || (l >= 'a' && l <= 'z') || c == '-' || c == '_';
}

static unsigned base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    return alb_is_digit(c) ? (unsigned)(c - '0') + 52 : (c == '-' ? 62 : 63);
}

struct alb_str alb_lenient_base64(struct alb_arena *arena, struct alb_str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    while (s.n > 0 && s.p[s.n - 1] == '=')
        s.n--;
    char *text = alb_arena_cstr(arena, s), *out = alb_arena_alloc(arena, s.n + 1);
    if (text == NULL || out == NULL)
        return ALB_STR_NONE;
    if (s.n % 4 > 1 && is_base64url(text[s.n - 1])) /* bits that belong to no byte */
        text[s.n - 1] = digits[base64url_value(text[s.n - 1]) & (s.n % 4 == 2 ? 0x30U : 0x3cU)];
    int64_t n = alb_b64_decode(alb_str_n(text, s.n), (unsigned char *)out, s.n, ALB_B64_URL);
    return n < 0 ? ALB_STR_NONE : alb_str_n(out, (size_t)n);
}
