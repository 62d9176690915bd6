/* SPDX-License-Identifier: Apache-2.0
 *
 * Views of bytes (contract: str.h). No function here allocates, keeps state, asks the locale or reads past
 * the end of a view. A view with n == 0 may have any p, NULL too, so memcmp and friends see only n > 0.
 */
#include "base/str.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOUBLE_TEXT_MAX 320 /* the longest finite double written out has 309 digits before the point */

struct alb_str alb_str_c(const char *c)
{
    return c != NULL ? alb_str_n(c, strlen(c)) : ALB_STR_NONE;
}

struct alb_str alb_str_from(struct alb_str s, size_t start)
{
    if (start == 0)
        return s; /* also keeps a NULL pointer free of arithmetic */
    if (start > s.n)
        start = s.n;
    return alb_str_n(s.p != NULL ? s.p + start : NULL, s.n - start);
}

struct alb_str alb_str_sub(struct alb_str s, size_t start, size_t n)
{
    s = alb_str_from(s, start);
    if (s.n > n)
        s.n = n;
    return s;
}

bool alb_str_eq(struct alb_str a, struct alb_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool eq_ci(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (alb_lower(a[i]) != alb_lower(b[i]))
            return false;
    }
    return true;
}

bool alb_str_eq_ci(struct alb_str a, struct alb_str b)
{
    return a.n == b.n && eq_ci(a.p, b.p, a.n);
}

bool alb_str_eq_c(struct alb_str a, const char *c)
{
    return alb_str_eq(a, alb_str_c(c));
}

bool alb_str_eq_secret(struct alb_str a, struct alb_str b)
{
    unsigned differ = 0;

    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        const volatile char *pa = a.p + i, *pb = b.p + i; /* every byte is read, whatever came before */
        differ |= (unsigned)(unsigned char)(*pa ^ *pb);
    }
    return differ == 0;
}

int alb_str_cmp(struct alb_str a, struct alb_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

    if (d != 0)
        return d < 0 ? -1 : 1;
    return a.n == b.n ? 0 : (a.n < b.n ? -1 : 1);
}

bool alb_str_starts(struct alb_str s, struct alb_str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool alb_str_ends(struct alb_str s, struct alb_str suffix)
{
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

bool alb_str_ends_ci(struct alb_str s, struct alb_str suffix)
{
    return s.n >= suffix.n && (suffix.n == 0 || eq_ci(s.p + s.n - suffix.n, suffix.p, suffix.n));
}

size_t alb_str_find(struct alb_str s, char c)
{
    const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

    return at != NULL ? (size_t)(at - s.p) : ALB_STR_NPOS;
}

size_t alb_str_rfind(struct alb_str s, char c)
{
    const char *at = s.n > 0 ? memrchr(s.p, c, s.n) : NULL;

    return at != NULL ? (size_t)(at - s.p) : ALB_STR_NPOS;
}

size_t alb_str_find_str(struct alb_str s, struct alb_str what)
{
    if (what.n == 0)
        return 0;
    const char *at = s.n > 0 ? memmem(s.p, s.n, what.p, what.n) : NULL;
    return at != NULL ? (size_t)(at - s.p) : ALB_STR_NPOS;
}

bool alb_str_cut(struct alb_str s, char sep, struct alb_str *head, struct alb_str *tail)
{
    size_t at = alb_str_find(s, sep);

    if (at == ALB_STR_NPOS) {
        *head = s;
        *tail = ALB_STR_NONE;
        return false;
    }
    *head = alb_str_n(s.p, at);
    *tail = alb_str_n(s.p + at + 1, s.n - at - 1);
    return true;
}

bool alb_str_next(struct alb_str *rest, char sep, struct alb_str *piece)
{
    if (rest->p == NULL) {
        *piece = ALB_STR_NONE;
        return false;
    }
    alb_str_cut(*rest, sep, piece, rest); /* the last piece leaves NULL in rest */
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct alb_str alb_str_trim(struct alb_str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool alb_str_u64(struct alb_str s, uint64_t *out)
{
    uint64_t v = 0;

    *out = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!alb_is_digit(s.p[i]) || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    *out = v;
    return true;
}

bool alb_str_i64(struct alb_str s, int64_t *out)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    uint64_t v;

    *out = 0;
    if (!alb_str_u64(minus ? alb_str_from(s, 1) : s, &v) || v > (uint64_t)INT64_MAX + (minus ? 1 : 0))
        return false;
    if (!minus)
        *out = (int64_t)v;
    else if (v > 0)
        *out = -(int64_t)(v - 1) - 1; /* INT64_MIN has no positive twin */
    return true;
}

static size_t count_digits(struct alb_str s)
{
    size_t n = 0;

    while (n < s.n && alb_is_digit(s.p[n]))
        n++;
    return n;
}

/* [sign] digits [. digits], and nothing else */
static bool is_decimal(struct alb_str s)
{
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = alb_str_from(s, 1);
    size_t whole = count_digits(s);
    s = alb_str_from(s, whole);
    if (whole == 0 || s.n == 0)
        return whole > 0;
    size_t fraction = s.p[0] == '.' ? count_digits(alb_str_from(s, 1)) : 0;
    return fraction > 0 && fraction + 1 == s.n;
}

/* Digits of the base with at most one point among them, at least one digit; how long they are. */
static size_t count_mantissa(struct alb_str s, bool hex)
{
    size_t n = 0, digits = 0, points = 0;

    for (; n < s.n; n++) {
        char c = alb_lower(s.p[n]);
        if (alb_is_digit(c) || (hex && c >= 'a' && c <= 'f'))
            digits++;
        else if (c != '.' || points++ > 0)
            break;
    }
    return digits > 0 ? n : 0;
}

static bool is_exponent(struct alb_str s)
{
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = alb_str_from(s, 1);
    return s.n > 0 && count_digits(s) == s.n;
}

static bool is_number(struct alb_str s)
{
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = alb_str_from(s, 1);
    bool hex = s.n > 2 && s.p[0] == '0' && alb_lower(s.p[1]) == 'x';
    s = alb_str_from(s, hex ? 2 : 0);
    size_t mantissa = count_mantissa(s, hex);
    s = alb_str_from(s, mantissa);
    if (mantissa == 0 || s.n == 0)
        return mantissa > 0 && !hex; /* a hexadecimal one needs its exponent */
    return alb_lower(s.p[0]) == (hex ? 'p' : 'e') && is_exponent(alb_str_from(s, 1));
}

/* s is a number as strtod reads it; it may be too large. */
static bool read_double(struct alb_str s, double *out)
{
    char text[DOUBLE_TEXT_MAX + 1];

    if (!alb_str_to_c(s, text, sizeof(text)))
        return false;
    /* The C locale is static in libc: no allocation, and the decimal point is a point whatever a library did
     * to the locale of the process. */
    double v = strtod_l(text, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0));
    if (!__builtin_isfinite(v))
        return false;
    *out = v;
    return true;
}

bool alb_str_double(struct alb_str s, double *out)
{
    *out = 0;
    return is_decimal(s) && read_double(s, out);
}

bool alb_str_number(struct alb_str s, double *out)
{
    *out = 0;
    return is_number(s) && read_double(s, out);
}

void alb_str_of_double(double v, char out[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(out, 32, "%.*g", digits, v);
        if (strtod(out, NULL) == v)
            break;
    }
    /* A library may have set a locale whose decimal point is a comma. */
    char *point = strchr(out, ',');
    if (point != NULL)
        *point = '.';
}

bool alb_str_hex_u64(struct alb_str s, uint64_t *out)
{
    uint64_t v = 0;

    *out = 0;
    if (s.n == 0 || s.n > 16)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = alb_lower(s.p[i]);
        if (alb_is_digit(c))
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

/* What the first byte of a character says: bytes in all (0: no first byte), its own bits, the least value
 * that needs so many bytes. */
struct utf8_lead {
    size_t len;
    uint32_t bits, least;
};

static struct utf8_lead utf8_lead(unsigned char c)
{
    if (c < 0x80)
        return (struct utf8_lead){1, c, 0};
    if (c >= 0xc2 && c < 0xe0)
        return (struct utf8_lead){2, c & 0x1fU, 0x80};
    if (c >= 0xe0 && c < 0xf0)
        return (struct utf8_lead){3, c & 0x0fU, 0x800};
    if (c >= 0xf0 && c < 0xf5)
        return (struct utf8_lead){4, c & 0x07U, 0x10000};
    return (struct utf8_lead){0, 0, 0};
}

size_t alb_utf8_next(struct alb_str s, uint32_t *code_point)
{
    *code_point = 0;
    if (s.n == 0)
        return 0;
    const unsigned char *p = (const unsigned char *)s.p;
    struct utf8_lead lead = utf8_lead(p[0]);
    if (lead.len == 0 || s.n < lead.len)
        return 0;
    uint32_t v = lead.bits;
    for (size_t i = 1; i < lead.len; i++) {
        if ((p[i] & 0xc0U) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3fU);
    }
    if (v < lead.least || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    *code_point = v;
    return lead.len;
}

bool alb_str_is_utf8(struct alb_str s)
{
    size_t i = 0;
    uint32_t unused;

    while (i < s.n) {
        uint64_t eight;
        if (s.n - i >= sizeof(eight)) { /* eight ASCII bytes in one step */
            memcpy(&eight, s.p + i, sizeof(eight));
            if ((eight & 0x8080808080808080ULL) == 0) {
                i += sizeof(eight);
                continue;
            }
        }
        size_t len = alb_utf8_next(alb_str_n(s.p + i, s.n - i), &unused);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

bool alb_str_has_control(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f)
            return true;
    }
    return false;
}

bool alb_str_to_c(struct alb_str s, char *out, size_t cap)
{
    if (cap == 0)
        return false;
    out[0] = '\0';
    if (s.n >= cap || alb_str_find(s, '\0') != ALB_STR_NPOS)
        return false;
    if (s.n > 0)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}
