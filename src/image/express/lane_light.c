/* SPDX-License-Identifier: Apache-2.0
 *
 * Between a source of YCC and the resizer, for pictures that are reduced a good deal in linear light: rows of
 * light, halved (ycc_light.h). A source like any other, but for its rows, which are three planes of int16 (struct
 * alb_resize_ask: lit) and, like rows of chroma of 4:2:0, half as many as its format says.
 *
 * A source whose rows do not come in pairs is none for this: UNSUPPORTED.
 */
#include <string.h>

#include "image/express/lane_priv.h"
#include "image/express/ycc_light.h"

#define ROWS 16 /* handed on at a time, at most */

struct light {
    struct alb_source base;
    struct alb_source *inner;
    struct alb_ycc *ycc;
    bool ended;
    struct alb_band band;
    uint32_t used, seen; /* rows of luma: of the band, and of the area before it */
    size_t stride;       /* samples */
    int16_t *plane[ALB_PLANES];
};

static struct light *of(struct alb_source *s)
{
    return ALB_CONTAINER_OF(s, struct light, base);
}

static enum alb_code no_start(struct alb_source *s, enum alb_layout layout, struct alb_rect window,
                              struct alb_err *err)
{
    (void)s;
    (void)layout;
    (void)window;
    return alb_fail(err, ALB_E_INVALID, "a source that was started before");
}

static enum alb_code next_band(struct light *l, struct alb_err *err)
{
    l->seen += l->band.rows[0];
    l->used = 0;
    enum alb_code code = l->inner->ops->read(l->inner, &l->band, err);
    if (code != ALB_OK)
        return code;
    l->ended = l->band.rows[0] == 0;
    uint32_t n = l->band.rows[0], sub = l->inner->format.sub_y, chroma = (n + (1u << sub) - 1) >> sub;
    bool last = l->seen + n == l->base.area.height;
    if ((n % 2 != 0 && !last) || l->band.rows[1] < chroma || l->band.rows[2] < chroma)
        return alb_fail(err, ALB_E_UNSUPPORTED, "rows without their pair");
    return ALB_OK;
}

/* The next pair of rows: a last one alone is its own. */
static void push_pair(struct light *l)
{
    struct alb_ycc_rows rows;
    uint32_t lower = l->used + 1 < l->band.rows[0] ? l->used + 1 : l->used;
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        unsigned sub = p == 0 ? 0 : l->inner->format.sub_y;
        rows.row[0][p] = l->band.plane[p] + (l->used >> sub) * l->band.stride[p];
        rows.row[1][p] = l->band.plane[p] + (lower >> sub) * l->band.stride[p];
    }
    alb_ycc_push(l->ycc, &rows);
    l->used += 2;
}

/* The next row of light. */
static bool pull_row(struct light *l, uint32_t at)
{
    int16_t *to[ALB_PLANES];
    for (unsigned p = 0; p < ALB_PLANES; p++)
        to[p] = l->plane[p] + at * l->stride;
    return alb_ycc_pull(l->ycc, to);
}

static enum alb_code read_band(struct alb_source *s, struct alb_band *band, struct alb_err *err)
{
    struct light *l = of(s);
    memset(band, 0, sizeof(*band));
    uint32_t n = 0;
    while (n < ROWS && !l->ended) {
        enum alb_code code = l->used < l->band.rows[0] ? ALB_OK : next_band(l, err);
        if (code != ALB_OK)
            return code;
        if (l->ended)
            alb_ycc_end(l->ycc);
        else
            push_pair(l);
        n += pull_row(l, n);
    }
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        band->plane[p] = (const uint8_t *)l->plane[p];
        band->stride[p] = l->stride * sizeof(*l->plane[p]);
        band->rows[p] = n;
    }
    return ALB_OK;
}

static void close_light(struct alb_source *s)
{
    struct light *l = of(s);
    l->inner->ops->close(l->inner);
}

static const struct alb_source_ops ops = {no_start, read_band, close_light};

enum alb_code alb_lane_light_open(struct alb_express *x, struct alb_source *inner, struct alb_source **out,
                                  struct alb_err *err)
{
    const struct alb_rows_format *f = &inner->format;
    const struct alb_rect *a = &inner->area;
    struct light *l = alb_scratch_take(x->scratch, 1, sizeof(*l));
    *out = NULL;
    if (!l)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    bool to_right = a->left + a->width == f->width, to_bottom = a->top + a->height == f->height;
    if (a->left % 2 != 0 || a->top % 2 != 0 || (a->width % 2 != 0 && !to_right) ||
        (a->height % 2 != 0 && !to_bottom))
        return alb_fail(err, ALB_E_UNSUPPORTED, "an area at odd places");
    memset(l, 0, sizeof(*l));
    l->inner = inner;
    l->base = *inner;
    l->base.ops = &ops;
    l->base.format.layout = ALB_LAYOUT_RGB;
    l->base.format.bits = 16;
    l->base.format.sub_x = l->base.format.sub_y = 1;
    l->stride = alb_ycc_room(a->width);
    l->ycc = alb_ycc_open(x, &(struct alb_ycc_ask){.width = a->width,
                                                   .sub_x = f->sub_x,
                                                   .matrix = f->matrix,
                                                   .limited = f->limited,
                                                   .path = ALB_RESIZE_BEST});
    bool all = l->ycc != NULL;
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        l->plane[p] = alb_scratch_take(x->scratch, l->stride * ROWS, sizeof(int16_t));
        all = all && l->plane[p];
    }
    if (!all)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a picture");
    *out = &l->base;
    return ALB_OK;
}
