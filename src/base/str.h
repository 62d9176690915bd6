/* SPDX-License-Identifier: Apache-2.0
 *
 * A view of bytes: pointer and length, by value, never NUL-terminated by contract. All parsing, keys and
 * header values use it; NUL appears only at the border to libc, SQL and libvips. Functions here never
 * allocate and never read past n. A view is valid as long as the memory it looks at.
 */
#ifndef ALB_BASE_STR_H
#define ALB_BASE_STR_H

#include "base/attr.h"

struct alb_str {
    const char *p;
    size_t n;
};

#define ALB_STR(literal) ((struct alb_str){"" literal, sizeof(literal) - 1})
#define ALB_STR_NONE ((struct alb_str){NULL, 0})
#define ALB_STR_FMT "%.*s"
#define ALB_STR_ARG(s) (int)((s).n > 100000 ? 100000 : (s).n), ((s).p ? (s).p : "")

struct alb_str alb_str_c(const char *c); /* NULL gives the empty view */
static inline struct alb_str alb_str_n(const char *p, size_t n)
{
    return (struct alb_str){p, n};
}
struct alb_str alb_str_from(struct alb_str s, size_t start);          /* s[start..], clamped */
struct alb_str alb_str_sub(struct alb_str s, size_t start, size_t n); /* clamped */

bool alb_str_eq(struct alb_str a, struct alb_str b);
bool alb_str_eq_ci(struct alb_str a, struct alb_str b); /* ASCII case only */
bool alb_str_eq_c(struct alb_str a, const char *c);
/* Same time for any content of equal length: for secrets. */
bool alb_str_eq_secret(struct alb_str a, struct alb_str b);
int alb_str_cmp(struct alb_str a, struct alb_str b); /* bytewise, shorter first */
bool alb_str_starts(struct alb_str s, struct alb_str prefix);
bool alb_str_ends(struct alb_str s, struct alb_str suffix);
bool alb_str_ends_ci(struct alb_str s, struct alb_str suffix);

#define ALB_STR_NPOS ((size_t)-1)
size_t alb_str_find(struct alb_str s, char c);  /* ALB_STR_NPOS = absent */
size_t alb_str_rfind(struct alb_str s, char c); /* ALB_STR_NPOS = absent */
size_t alb_str_find_str(struct alb_str s, struct alb_str what);
/* Cuts at the first `sep`: head before it, tail after it. Returns false (head = s, tail empty) if absent. */
bool alb_str_cut(struct alb_str s, char sep, struct alb_str *head, struct alb_str *tail);
/* Takes the next piece of *rest up to `sep`; false when *rest is exhausted (p == NULL). "a,,b" has 3 pieces.
 */
bool alb_str_next(struct alb_str *rest, char sep, struct alb_str *piece);
struct alb_str alb_str_trim(struct alb_str s); /* spaces and tabs at both ends */

/* Strict decimal: digits only, at least one, no sign (u64) or one '-' (i64), whole view, no overflow. */
bool alb_str_u64(struct alb_str s, uint64_t *out) ALB_MUST_CHECK;
bool alb_str_i64(struct alb_str s, int64_t *out) ALB_MUST_CHECK;
/* Strict decimal number: optional sign, digits, optionally a point and digits; at most 320 bytes. No
 * exponent, no NaN, no infinity. */
bool alb_str_double(struct alb_str s, double *out) ALB_MUST_CHECK;
/* As C and Go write numbers: alb_str_double, and a missing side of the point (.5, 5.), an exponent (1e3), or
 * hexadecimal with its exponent (0x1.8p3). Still no NaN and no infinity. */
bool alb_str_number(struct alb_str s, double *out) ALB_MUST_CHECK;
bool alb_str_hex_u64(struct alb_str s, uint64_t *out) ALB_MUST_CHECK; /* 1..16 hex digits */
/* A finite number in as few digits as read back to the same one; the point is a point in every locale. */
void alb_str_of_double(double v, char out[32]);

/* Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool alb_str_is_utf8(struct alb_str s);
/* Length (1..4) of the well-formed UTF-8 character that s begins with, and its code point; 0 = there is none.
 */
size_t alb_utf8_next(struct alb_str s, uint32_t *code_point);
bool alb_str_has_control(struct alb_str s); /* any byte < 0x20 or 0x7f */

/* Copies with a NUL into out[cap]; false (out = "") when it does not fit or s contains a NUL. */
bool alb_str_to_c(struct alb_str s, char *out, size_t cap) ALB_MUST_CHECK;

/* One byte: ASCII only, no locale. */
static inline bool alb_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline char alb_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c + 32) : c;
}

#endif
