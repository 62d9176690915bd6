/* SPDX-License-Identifier: Apache-2.0
 *
 * Several frames of a video: which of them, how large, and where they lie. All frames of a video have one size, so a
 * sheet's size follows from the header; only how many of them there are, if those behind the end are to be left out, is
 * asked of a worker.
 */
#include <math.h>

#include "image/plan_priv.h"

static bool is_on(const struct alb_draft *d, const struct alb_tiles *t)
{
    return alb_type_class(d->h->type) == ALB_CLASS_VIDEO && (t->step < 0 || t->step > 0);
}

bool alb_tiles_may_move(const struct alb_draft *d)
{
    const struct alb_tiles *t = &d->ask->options->film;
    return is_on(d, t) && t->columns > 1;
}

void alb_tiles_choose(struct alb_draft *d)
{
    const struct alb_plan_options *o = d->ask->options;
    d->page = 0;
    d->pages = 1;
    if (is_on(d, &o->film) && alb_format_animation(d->format))
        d->tiles = &o->film;
    else if (is_on(d, &o->sheet))
        d->tiles = &o->sheet;
    if (d->animated && d->tiles)
        d->pages = d->tiles->columns;
}

/* ---- one tile ---- */

static uint32_t side_of(double v, uint32_t most)
{
    double r = round(v);
    return r < 1 ? 1 : r > most ? most : (uint32_t)r;
}

static void lay_filled(struct alb_plan_tiles *l, const struct alb_tiles *t, uint32_t w, uint32_t h)
{
    double scale = fmax((double)t->width / w, (double)t->height / h);
    struct alb_gravity at = {ALB_GRAVITY_POINT, t->focus_x, t->focus_y};
    l->part.width = side_of(t->width / scale, w);
    l->part.height = side_of(t->height / scale, h);
    l->part.left = (uint32_t)alb_place_x(&at, w, l->part.width, 1, false);
    l->part.top = (uint32_t)alb_place_y(&at, h, l->part.height, 1, false);
    l->cell_width = l->inner_width = t->width;
    l->cell_height = l->inner_height = t->height;
}

static void lay_whole(struct alb_plan_tiles *l, const struct alb_tiles *t, uint32_t w, uint32_t h)
{
    double scale = fmin((double)t->width / w, (double)t->height / h);
    struct alb_gravity middle = {ALB_GRAVITY_CENTRE, 0, 0};
    l->part = (struct alb_rect){0, 0, w, h};
    l->cell_width = l->inner_width = side_of(w * scale, t->width);
    l->cell_height = l->inner_height = side_of(h * scale, t->height);
    if (!t->extend)
        return;
    l->cell_width = t->width;
    l->cell_height = t->height;
    l->left = (uint32_t)alb_place_x(&middle, t->width, l->inner_width, 1, false);
    l->top = (uint32_t)alb_place_y(&middle, t->height, l->inner_height, 1, false);
}

/* ---- all of them ---- */

static enum alb_code check(const struct alb_draft *d)
{
    const struct alb_plan_tiles *l = &d->laid;
    uint64_t count = (uint64_t)l->columns * l->rows, limit = d->ask->limits->result_pixels,
             width = (uint64_t)l->cell_width * (d->animated ? 1 : l->columns),
             height = (uint64_t)l->cell_height * (d->animated ? l->columns : l->rows);
    if (count > ALB_TILES_MAX)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "more than %u frames of a video", ALB_TILES_MAX);
    if (width > ALB_PLAN_SIDE_MAX || height > ALB_PLAN_SIDE_MAX || width * height > limit)
        return alb_fail(d->err, ALB_E_TOO_LARGE,
                        "the frames of the video have more than %llu pixels together",
                        (unsigned long long)limit);
    return ALB_OK;
}

/* What the loader gives. */
static void size_up(struct alb_draft *d)
{
    const struct alb_plan_tiles *l = &d->laid;
    d->natural_width = l->cell_width * (d->animated ? 1 : l->columns);
    d->natural_height = l->cell_height * (d->animated ? 1 : l->rows);
}

/* So many of them are there, as the worker has told. One frame does not move. */
static enum alb_code leave_out(struct alb_draft *d, struct alb_rect r)
{
    struct alb_plan_tiles *l = &d->laid;
    uint32_t columns = r.width / l->cell_width, rows = r.height / l->cell_height;
    if (columns == 0 || rows == 0 || r.width % l->cell_width != 0 || r.height % l->cell_height != 0 ||
        columns > (d->animated ? 1 : l->columns) || rows > (d->animated ? l->columns : l->rows))
        return alb_fail(d->err, ALB_E_INVALID, "other frames of a video than those that were asked for");
    l->columns = d->animated ? rows : columns;
    l->rows = d->animated ? 1 : rows;
    d->animated = d->animated && l->columns > 1;
    d->pages = d->animated ? l->columns : 1;
    size_up(d);
    return ALB_OK;
}

enum alb_code alb_tiles_lay(struct alb_draft *d, bool *done)
{
    const struct alb_tiles *t = d->tiles;
    struct alb_plan_tiles *l = &d->laid;
    bool swap = alb_turn_swaps(d->orientation);
    uint32_t w = swap ? d->h->height : d->h->width, h = swap ? d->h->width : d->h->height;
    *l = (struct alb_plan_tiles){.columns = t->columns,
                                 .rows = t->rows,
                                 .of = t->columns * t->rows,
                                 .step = t->step,
                                 .delay = t->delay,
                                 .orientation = d->orientation};
    d->orientation = 1;
    if (t->fill)
        lay_filled(l, t, w, h);
    else
        lay_whole(l, t, w, h);
    enum alb_code code = check(d);
    if (code != ALB_OK)
        return code;
    size_up(d);
    if (!t->trim)
        return ALB_OK;
    if (d->trims < d->ask->trim_count)
        return leave_out(d, d->ask->trims[d->trims++]);
    d->width = d->natural_width;
    d->height = d->natural_height;
    alb_plan_load_full(d);
    alb_draft_add(d, ALB_STEP_FIND_TRIM, d->width, d->height)->u.find_trim.size_only = true;
    *done = true;
    return ALB_OK;
}
