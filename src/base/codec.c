/* SPDX-License-Identifier: Apache-2.0
 *
 * Small encodings (contract: codec.h). Decoders are strict: one value has one text, so that nothing that is
 * compared or signed can be written in a second way.
 */
#include "base/codec.h"

#include <stdatomic.h>
#include <string.h>

#include "base/hash.h"

static const char hex_digits[] = "0123456789abcdef";

static int hex_value(char c)
{
    if (alb_is_digit(c))
        return c - '0';
    c = alb_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void alb_hex(const void *p, size_t n, char *out)
{
    const unsigned char *b = p;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex_digits[b[i] >> 4];
        out[2 * i + 1] = hex_digits[b[i] & 15];
    }
    out[2 * n] = '\0';
}

bool alb_hex_decode(struct alb_str s, unsigned char *out, size_t n)
{
    if (s.n % 2 != 0 || s.n / 2 != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(s.p[2 * i]), low = hex_value(s.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* ---- base64 ---- */

static const char b64_digits[2][65] = {
    [ALB_B64_STD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [ALB_B64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

static int b64_value(char c, enum alb_b64 alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (alb_is_digit(c))
        return c - '0' + 52;
    if (c == (alphabet == ALB_B64_STD ? '+' : '-'))
        return 62;
    return c == (alphabet == ALB_B64_STD ? '/' : '_') ? 63 : -1;
}

void alb_b64_encode(struct alb_buf *out, const void *p, size_t n, enum alb_b64 alphabet)
{
    const unsigned char *b = p;
    const char *digits = b64_digits[alphabet];

    for (; n >= 3; b += 3, n -= 3) {
        uint32_t v = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63], digits[v & 63]};
        alb_buf_add(out, four, 4);
    }
    if (n == 0)
        return;
    uint32_t v = (uint32_t)b[0] << 16 | (n == 2 ? (uint32_t)b[1] << 8 : 0);
    char rest[4] = {digits[v >> 18], digits[v >> 12 & 63], n == 2 ? digits[v >> 6 & 63] : '=', '='};
    alb_buf_add(out, rest, alphabet == ALB_B64_STD ? 4 : n + 1);
}

int64_t alb_b64_decode(struct alb_str s, unsigned char *out, size_t cap, enum alb_b64 alphabet)
{
    size_t n = s.n, at = 0;
    uint32_t bits = 0;
    unsigned have = 0;

    if (alphabet == ALB_B64_STD) {
        if (n % 4 != 0)
            return -1;
        if (n > 0 && s.p[n - 1] == '=')
            n -= s.p[n - 2] == '=' ? 2 : 1;
    }
    if (n % 4 == 1 || n / 4 * 3 + (n % 4 * 3) / 4 > cap)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int v = b64_value(s.p[i], alphabet);
        if (v < 0)
            return -1;
        bits = (bits << 6 | (uint32_t)v) & 0xffffffU;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[at++] = (unsigned char)(bits >> have);
        }
    }
    if ((bits & ((1U << have) - 1)) != 0)
        return -1; /* bits that belong to no byte: a second text for the same value */
    return (int64_t)at;
}

/* ---- percent ---- */

bool alb_percent_decode(struct alb_str s, bool form, char *out, size_t cap, size_t *n)
{
    size_t at = 0;

    *n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int high = s.n - i > 2 ? hex_value(s.p[i + 1]) : -1;
            int low = high >= 0 ? hex_value(s.p[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(unsigned char)(high << 4 | low);
            i += 2;
        } else if (form && c == '+') {
            c = ' ';
        }
        if (at == cap)
            return false;
        out[at++] = c;
    }
    *n = at;
    return true;
}

static bool is_unreserved(char c)
{
    char l = alb_lower(c);

    return alb_is_digit(c) || (l >= 'a' && l <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
}

void alb_percent_encode(struct alb_buf *out, struct alb_str s)
{
    static const char upper[] = "0123456789ABCDEF"; /* RFC 3986 §2.1 */

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char three[3] = {'%', upper[c >> 4], upper[c & 15]};
        if (is_unreserved(s.p[i]))
            alb_buf_char(out, s.p[i]);
        else
            alb_buf_add(out, three, 3);
    }
}

/* ---- UUID ---- */

struct alb_uuid alb_uuid_v7(const struct alb_clock *clock)
{
    /* Milliseconds and a 12-bit counter as one number that only grows: ids made in the same millisecond, or
     * after the clock was set back, still come out in order (RFC 9562 §6.2, method 1 with overflow into the
     * time). The counter starts low in each millisecond, at random, so that there is room above it. */
    static atomic_uint_fast64_t last;
    struct alb_uuid u;
    uint16_t start;

    alb_random(u.b, sizeof(u.b));
    memcpy(&start, u.b, sizeof(start));
    int64_t wall = alb_wall(clock);
    uint_fast64_t now = (wall > 0 ? (uint_fast64_t)wall : 0) << 12 | (start & 0x3ffU);
    uint_fast64_t before = atomic_load_explicit(&last, memory_order_relaxed), mine;
    do {
        mine = now > before ? now : before + 1;
    } while (!atomic_compare_exchange_weak_explicit(&last, &before, mine, memory_order_relaxed,
                                                    memory_order_relaxed));
    for (unsigned i = 0; i < 6; i++)
        u.b[i] = (unsigned char)(mine >> (52 - 8 * i));
    u.b[6] = (unsigned char)(0x70U | (mine >> 8 & 0x0fU));
    u.b[7] = (unsigned char)(mine & 0xffU);
    u.b[8] = (unsigned char)(0x80U | (u.b[8] & 0x3fU));
    return u;
}

void alb_uuid_text(const struct alb_uuid *u, char out[37])
{
    static const unsigned char group_end[] = {4, 6, 8, 10, 16};
    unsigned from = 0;

    for (size_t g = 0; g < sizeof(group_end); g++) {
        alb_hex(u->b + from, group_end[g] - from, out);
        out += 2 * (group_end[g] - from);
        from = group_end[g];
        *out++ = '-';
    }
    out[-1] = '\0';
}

bool alb_uuid_parse(struct alb_str s, struct alb_uuid *out)
{
    *out = (struct alb_uuid){{0}};
    if (s.n != 36 || s.p[8] != '-' || s.p[13] != '-' || s.p[18] != '-' || s.p[23] != '-')
        return false;
    if (alb_hex_decode(alb_str_n(s.p, 8), out->b, 4) &&
        alb_hex_decode(alb_str_n(s.p + 9, 4), out->b + 4, 2) &&
        alb_hex_decode(alb_str_n(s.p + 14, 4), out->b + 6, 2) &&
        alb_hex_decode(alb_str_n(s.p + 19, 4), out->b + 8, 2) &&
        alb_hex_decode(alb_str_n(s.p + 24, 12), out->b + 10, 6))
        return true;
    *out = (struct alb_uuid){{0}};
    return false;
}
