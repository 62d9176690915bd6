/* SPDX-License-Identifier: Apache-2.0
 *
 * See range.h.
 */
#include "http/range.h"

enum one { ONE_BAD, ONE_OUTSIDE, ONE_FOUND };

static bool digits(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!alb_is_digit(s.p[i]))
            return false;
    return true;
}

/* Positions beyond 64 bits are numbers too: they lie outside. */
static uint64_t number(struct alb_str s)
{
    uint64_t n;

    return s.n > 0 && alb_str_u64(s, &n) ? n : UINT64_MAX;
}

static enum one suffix(uint64_t wanted, uint64_t size, struct alb_range *r)
{
    if (wanted == 0 || size == 0)
        return ONE_OUTSIDE;
    r->len = wanted < size ? wanted : size;
    r->off = size - r->len;
    return ONE_FOUND;
}

/* "first-last", "first-", "-suffix". */
static enum one parse_one(struct alb_str s, uint64_t size, struct alb_range *r)
{
    struct alb_str a, b;
    uint64_t first, last;

    if (!alb_str_cut(s, '-', &a, &b) || (a.n == 0 && b.n == 0) || !digits(a) || !digits(b))
        return ONE_BAD;
    if (a.n == 0)
        return suffix(number(b), size, r);
    first = number(a);
    last = number(b);
    if (last < first)
        return ONE_BAD;
    if (first >= size)
        return ONE_OUTSIDE;
    r->off = first;
    r->len = (last < size ? last : size - 1) - first + 1;
    return ONE_FOUND;
}

enum alb_range_kind alb_range_parse(struct alb_str header, uint64_t size,
                                    struct alb_range out[ALB_RANGES_MAX], unsigned *n)
{
    struct alb_str unit, set, piece;
    uint64_t left = size;
    unsigned asked = 0, found = 0;
    bool greedy = false; /* wants more bytes than there are */

    *n = 0;
    if (!alb_str_cut(header, '=', &unit, &set) || !alb_str_eq_ci(unit, ALB_STR("bytes")))
        return ALB_RANGE_ALL;
    while (alb_str_next(&set, ',', &piece)) {
        struct alb_range r;

        piece = alb_str_trim(piece);
        if (piece.n == 0)
            continue; /* empty list elements are allowed (RFC 9110 §5.6.1) */
        if (++asked > ALB_RANGES_MAX)
            return ALB_RANGE_ALL;
        switch (parse_one(piece, size, &r)) {
        case ONE_BAD:
            return ALB_RANGE_ALL;
        case ONE_OUTSIDE:
            break;
        case ONE_FOUND:
            out[found++] = r;
            greedy = greedy || r.len > left;
            left -= r.len < left ? r.len : left;
            break;
        }
    }
    if (asked == 0 || greedy)
        return ALB_RANGE_ALL;
    *n = found;
    return found ? ALB_RANGE_PART : ALB_RANGE_NOT;
}
