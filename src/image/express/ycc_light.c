/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of ycc_light.h: what comes in goes through light and is halved in width at once; three pairs of such rows are
 * kept, for a result is made of four, one above its own pair and one below it.
 */
#include "image/express/ycc_light.h"

#include <string.h>

#include "image/express/ycc_light_priv.h"

#define BLOCK ALB_YCC_BLOCK
#define PAIRS 3

struct alb_ycc {
    struct alb_ycc_ask ask;
    struct alb_ycc_mix mix;
    const struct alb_ycc_ops *ops;
    size_t out;                            /* results in a row */
    struct alb_ycc_lit lit[2][ALB_PLANES]; /* of the pair that comes */
    uint16_t *kept[PAIRS][2][ALB_PLANES];  /* halved in width */
    uint32_t pushed, pulled;               /* pairs, results */
    bool ended;
};

static void mix_init(struct alb_ycc_mix *c, enum alb_matrix matrix, bool limited)
{
    static const double kr[] = {[ALB_MATRIX_601] = 0.299, [ALB_MATRIX_709] = 0.2126};
    static const double kb[] = {[ALB_MATRIX_601] = 0.114, [ALB_MATRIX_709] = 0.0722};
    double r = kr[matrix], b = kb[matrix], g = 1 - r - b;
    double luma = (YCC_WHITE - YCC_BLACK) * 256.0 / (limited ? 219 : 255);
    double chroma = (YCC_WHITE - YCC_BLACK) * 128.0 / (limited ? 224 : 255);
    c->luma = (uint16_t)(luma + 0.5);
    c->base = (int16_t)(limited ? YCC_BLACK - (int)(luma / 256 * 16 + 0.5) : YCC_BLACK);
    c->red = (int16_t)(2 * (1 - r) * chroma + 0.5);
    c->blue = (int16_t)(2 * (1 - b) * chroma + 0.5);
    c->green_r = (int16_t)(-2 * (1 - r) * r / g * chroma - 0.5);
    c->green_b = (int16_t)(-2 * (1 - b) * b / g * chroma - 0.5);
}

static const struct alb_ycc_ops *ops_of(enum alb_resize_path path)
{
#if defined(__x86_64__)
    if (path == ALB_RESIZE_AVX2 || (path == ALB_RESIZE_BEST && __builtin_cpu_supports("avx2")))
        return &alb_ycc_avx2;
#endif
    (void)path;
    return &alb_ycc_plain;
}

/* With a block of room on both sides. */
static uint16_t *take_row(struct alb_express *x, size_t room)
{
    uint16_t *p = alb_scratch_take(x->scratch, room + 2 * BLOCK, sizeof(*p));
    return p ? p + BLOCK : NULL;
}

static bool take_rows(struct alb_express *x, struct alb_ycc *y)
{
    size_t room = alb_ycc_room(y->ask.width);
    bool all = true;
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned p = 0; p < ALB_PLANES; p++) {
            y->lit[k][p] = (struct alb_ycc_lit){take_row(x, room), take_row(x, room)};
            all = all && y->lit[k][p].even && y->lit[k][p].odd;
            for (unsigned i = 0; i < PAIRS; i++) {
                y->kept[i][k][p] = take_row(x, room);
                all = all && y->kept[i][k][p];
            }
        }
    }
    return all;
}

struct alb_ycc *alb_ycc_open(struct alb_express *x, const struct alb_ycc_ask *ask)
{
    struct alb_ycc *y = alb_scratch_take(x->scratch, 1, sizeof(*y));
    if (!y)
        return NULL;
    memset(y, 0, sizeof(*y));
    y->ask = *ask;
    y->out = ((size_t)ask->width + 1) / 2;
    y->ops = ops_of(ask->path);
    mix_init(&y->mix, ask->matrix, ask->limited);
    return take_rows(x, y) ? y : NULL;
}

/* ---- in ---- */

/* n samples, and the last one as often as there is room. */
static void pad(const uint8_t *row, size_t n, uint8_t *to)
{
    memcpy(to, row, n);
    memset(to + n, row[n - 1], 2 * BLOCK - n);
}

/* What is left of the rows behind `done` pairs of pixels. */
static void light_rest(const struct alb_ycc *y, const struct alb_ycc_rows *rows, size_t done)
{
    uint8_t padded[2][ALB_PLANES][2 * BLOCK];
    struct alb_ycc_rows r;
    struct alb_ycc_lit to[2][ALB_PLANES];
    bool wide = y->ask.sub_x == 0, same = rows->row[0][1] == rows->row[1][1];
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned p = 0; p < ALB_PLANES; p++) {
            bool full = p == 0 || wide;
            size_t from = full ? 2 * done : done, n = full ? y->ask.width : y->out;
            pad(rows->row[k][p] + from, n - from, padded[k][p]);
            r.row[k][p] = padded[p > 0 && same ? 0 : k][p];
            to[k][p] = (struct alb_ycc_lit){y->lit[k][p].even + done, y->lit[k][p].odd + done};
        }
    }
    y->ops->light(&y->mix, &r, wide, BLOCK, to);
}

void alb_ycc_push(struct alb_ycc *y, const struct alb_ycc_rows *rows)
{
    size_t done = y->ask.width / 2 / BLOCK * BLOCK, n = y->out;
    if (done > 0)
        y->ops->light(&y->mix, rows, y->ask.sub_x == 0, done, y->lit);
    if (2 * done < y->ask.width)
        light_rest(y, rows, done);
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned p = 0; p < ALB_PLANES; p++) {
            const struct alb_ycc_lit *lit = &y->lit[k][p];
            lit->odd[-1] = lit->even[0];
            lit->even[n] = lit->odd[n - 1];
            y->ops->across(lit, n, y->kept[y->pushed % PAIRS][k][p]);
        }
    }
    y->pushed++;
}

void alb_ycc_end(struct alb_ycc *y)
{
    y->ended = true;
}

/* ---- out ---- */

bool alb_ycc_pull(struct alb_ycc *y, int16_t *const out[ALB_PLANES])
{
    uint32_t at = y->pulled;
    bool last = at + 1 == y->pushed;
    if (at == y->pushed || (last && !y->ended))
        return false;
    uint16_t *(*own)[ALB_PLANES] = y->kept[at % PAIRS];
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        const uint16_t *row[4] = {own[0][p], own[0][p], own[1][p], own[1][p]};
        if (at > 0)
            row[0] = y->kept[(at - 1) % PAIRS][1][p];
        if (!last)
            row[3] = y->kept[(at + 1) % PAIRS][0][p];
        y->ops->down(row, y->out, out[p]);
    }
    y->pulled++;
    return true;
}
