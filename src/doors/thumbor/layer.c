/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths of layers (contract: filters.h). What stands for a side of what is below becomes a number that nobody
 * writes, the path is read as any other, and the number is taken out again; if it has not become the size, the path
 * meant something else by it, and is read as it is.
 */
#include <string.h>

#include "base/buf.h"
#include "doors/thumbor/filters.h"

#define STAND_IN 98765 /* short: a long segment would be taken for a signature */
#define STAND_IN_TEXT "98765"
#define LESS_MAX 100000000

struct token {
    bool flip, below;
    int64_t less;
    struct alb_str digits; /* if it is none */
};

static bool all_digits(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return true;
}

/* "-f-20", "full", "300", ""; false: none of these. */
static bool read_token(struct alb_str s, struct token *t)
{
    *t = (struct token){.flip = s.n > 0 && s.p[0] == '-'};
    t->digits = t->flip ? alb_str_from(s, 1) : s;
    if (all_digits(t->digits))
        return true;
    size_t n = alb_str_starts(t->digits, ALB_STR("full")) ? 4
               : alb_str_starts(t->digits, ALB_STR("f"))  ? 1
                                                          : 0;
    struct alb_str rest = alb_str_from(t->digits, n);
    t->below = n > 0;
    if (n == 0 || rest.n == 0)
        return t->below;
    struct alb_str less = alb_str_from(rest, 1);
    t->less = alb_thumbor_int(less);
    t->less = t->less < LESS_MAX ? t->less : LESS_MAX;
    return rest.p[0] == '-' && less.n > 0 && all_digits(less);
}

static bool read_size(struct alb_str piece, struct token *w, struct token *h)
{
    struct alb_str left, right;
    return alb_str_cut(piece, 'x', &left, &right) && read_token(left, w) && read_token(right, h);
}

static struct alb_str side(const struct token *t)
{
    return t->below ? ALB_STR(STAND_IN_TEXT) : t->digits;
}

/* The path with numbers instead of tokens; empty: it has none, or there is no memory. */
static struct alb_str with_numbers(struct alb_arena *arena, struct alb_str path, struct token *w,
                                   struct token *h)
{
    struct alb_str rest = path, piece, behind;
    while (alb_str_cut(rest, '/', &piece, &behind) && !alb_str_starts(piece, ALB_STR("filters:"))) {
        if (read_size(piece, w, h)) {
            if (!w->below && !h->below)
                break;
            struct alb_str before = alb_str_sub(path, 0, (size_t)(piece.p - path.p)), a = side(w),
                           b = side(h);
            return alb_arena_printf(arena, ALB_STR_FMT "%s" ALB_STR_FMT "x%s" ALB_STR_FMT "/" ALB_STR_FMT,
                                    ALB_STR_ARG(before), w->flip ? "-" : "", ALB_STR_ARG(a),
                                    h->flip ? "-" : "", ALB_STR_ARG(b), ALB_STR_ARG(behind));
        }
        rest = behind;
    }
    return ALB_STR_NONE;
}

bool alb_thumbor_layer_url(struct alb_thumbor_url *u, struct alb_arena *arena, struct alb_str path,
                           struct alb_thumbor_below *below)
{
    struct token w, h;
    struct alb_str numbers = with_numbers(arena, path, &w, &h);
    *u = (struct alb_thumbor_url){0};
    *below = (struct alb_thumbor_below){0};
    if (numbers.n == 0)
        return alb_arena_code(arena) == ALB_OK && alb_thumbor_url_apply(u, arena, path);
    if (!alb_thumbor_url_apply(u, arena, numbers))
        return false;
    if ((w.below && u->width != STAND_IN) || (h.below && u->height != STAND_IN)) {
        *u = (struct alb_thumbor_url){0};
        return alb_thumbor_url_apply(u, arena, path);
    }
    *below = (struct alb_thumbor_below){w.below, h.below, w.less, h.less};
    u->width = w.below ? 0 : u->width;
    u->height = h.below ? 0 : u->height;
    return true;
}
