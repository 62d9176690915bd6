/* SPDX-License-Identifier: Apache-2.0
 *
 * From resized rows to the sink. Two ways: a short line of rows per plane, handed on as soon as all planes have theirs;
 * or, where rows have to be reversed or become columns, the whole result, held until it is complete.
 */
#include <string.h>

#include "image/express/lane_priv.h"

#define LINE 32  /* rows waiting, besides those that one plane is ahead */
#define STRIP 16 /* rows that become columns together: a cache line of them */

struct line {
    uint8_t *rows; /* the line, or the whole result */
    size_t stride;
    uint8_t *stage; /* one row before the ground, or STRIP rows before they turn */
    size_t stage_stride;
    uint32_t width, height;  /* of the resized plane: samples and rows */
    uint32_t room, put, got; /* rows: there is space for, came, went to the sink */
};

struct alb_lane_out {
    struct alb_lane_out_ask ask;
    struct alb_rows_format format; /* of the sink */
    struct alb_sink *sink;
    unsigned planes;
    size_t pixel; /* bytes of one in `rows` */
    bool held, done;
    struct line line[ALB_PLANES];
};

static bool is_grey(uint32_t rgb)
{
    return (rgb >> 16 & 0xff) == (rgb >> 8 & 0xff) && (rgb >> 8 & 0xff) == (rgb & 0xff);
}

static bool is_flattened(const struct alb_lane_out_ask *ask)
{
    return ask->flatten && alb_layout_alpha(ask->rows.layout);
}

struct alb_rows_format alb_lane_out_format(const struct alb_lane_out_ask *ask)
{
    struct alb_rows_format f = ask->rows;
    if (ask->turn.swap) {
        f.width = ask->rows.height;
        f.height = ask->rows.width;
        f.sub_x = ask->rows.sub_y;
        f.sub_y = ask->rows.sub_x;
    }
    if (is_flattened(ask))
        f.layout =
            f.layout == ALB_LAYOUT_GREY_ALPHA && is_grey(ask->ground) ? ALB_LAYOUT_GREY : ALB_LAYOUT_RGB;
    return f;
}

/* ---- opening ---- */

static bool make_line(struct alb_express *x, struct alb_lane_out *o, unsigned plane)
{
    struct line *l = &o->line[plane];
    const struct alb_rows_format *r = &o->ask.rows;
    size_t raw = alb_layout_samples(r->layout) * alb_rows_sample(r); /* a pixel before the ground */
    l->width = alb_plane_width(r, plane);
    l->height = alb_plane_height(r, plane);
    l->stage_stride = l->width * (raw > o->pixel ? raw : o->pixel) + ALB_ROW_SLACK;
    l->stride = (o->ask.turn.swap ? l->height : l->width) * o->pixel + ALB_ROW_SLACK;
    l->room = o->held ? l->height : LINE + o->ask.ahead;
    size_t rows = o->held && o->ask.turn.swap ? l->width : l->room;
    l->rows = alb_scratch_take(x->scratch, rows + 1, l->stride);
    l->stage = alb_scratch_take(x->scratch, STRIP + 1, l->stage_stride);
    return l->rows && l->stage;
}

enum alb_code alb_lane_out_open(struct alb_express *x, const struct alb_lane_out_ask *ask,
                                struct alb_sink *sink, struct alb_lane_out **out, struct alb_err *err)
{
    struct alb_lane_out *o = alb_scratch_take(x->scratch, 1, sizeof(*o));
    *out = NULL;
    if (!o)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    memset(o, 0, sizeof(*o));
    o->ask = *ask;
    o->sink = sink;
    o->format = alb_lane_out_format(ask);
    o->planes = alb_layout_planes(o->format.layout);
    o->pixel = alb_layout_samples(o->format.layout) * alb_rows_sample(&o->format);
    o->held = ask->turn.swap || ask->turn.reverse;
    for (unsigned i = 0; i < o->planes; i++) {
        if (!make_line(x, o, i))
            return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a picture");
    }
    *out = o;
    return ALB_OK;
}

/* ---- rows come ---- */

/* Straight into place unless something is still to be done with it. */
static bool is_staged(const struct alb_lane_out *o)
{
    return o->ask.turn.swap || is_flattened(&o->ask);
}

static uint8_t *stage_row(const struct alb_lane_out *o, const struct line *l)
{
    return l->stage + (o->ask.turn.swap ? l->put % STRIP : 0) * l->stage_stride;
}

static uint8_t *final_row(const struct alb_lane_out *o, const struct line *l)
{
    if (o->held)
        return l->rows + (o->ask.turn.reverse ? l->height - 1 - l->put : l->put) * l->stride;
    return l->rows + (l->put - l->got) * l->stride;
}

uint8_t *alb_lane_out_row(struct alb_lane_out *o, unsigned plane)
{
    struct line *l = &o->line[plane];
    if (l->put == l->height || l->put - l->got == l->room)
        return NULL;
    return is_staged(o) ? stage_row(o, l) : final_row(o, l);
}

/* Over the ground, in place: results are never longer. Grey under a ground in colour becomes colour, from the end. */
static void lay_ground(const struct alb_lane_out *o, uint8_t *row, uint32_t width)
{
    const unsigned from = alb_layout_samples(o->ask.rows.layout), to = alb_layout_samples(o->format.layout);
    const uint32_t ground[3] = {o->ask.ground >> 16 & 0xff, o->ask.ground >> 8 & 0xff, o->ask.ground & 0xff};
    bool longer = to > from;
    for (uint32_t i = 0; i < width; i++) {
        uint32_t x = longer ? width - 1 - i : i, a = row[x * from + from - 1];
        uint8_t pixel[3];
        for (unsigned k = 0; k < to; k++) {
            uint32_t v = row[x * from + (from > 2 ? k : 0)];
            pixel[k] = (uint8_t)((v * a + ground[k] * (255 - a) + 127) / 255);
        }
        memcpy(row + (size_t)x * to, pixel, to);
    }
}

/* The rows of the strip become columns. */
static void turn_strip(const struct alb_lane_out *o, const struct line *l)
{
    uint32_t n = (l->put - 1) % STRIP + 1, first = l->put - n;
    size_t pixel = o->pixel;
    for (uint32_t x = 0; x < l->width; x++) {
        uint8_t *to = l->rows + x * l->stride;
        for (uint32_t k = 0; k < n; k++) {
            uint32_t column = o->ask.turn.reverse ? l->height - 1 - (first + k) : first + k;
            const uint8_t *from = l->stage + k * l->stage_stride + x * pixel;
            for (size_t b = 0; b < pixel; b++)
                to[column * pixel + b] = from[b];
        }
    }
}

void alb_lane_out_add(struct alb_lane_out *o, unsigned plane)
{
    struct line *l = &o->line[plane];
    if (is_flattened(&o->ask)) {
        lay_ground(o, stage_row(o, l), l->width);
        if (!o->ask.turn.swap)
            memcpy(final_row(o, l), stage_row(o, l), l->width * o->pixel);
    }
    l->put++;
    if (o->ask.turn.swap && (l->put % STRIP == 0 || l->put == l->height))
        turn_strip(o, l);
}

/* ---- rows go ---- */

static bool all_here(const struct alb_lane_out *o)
{
    for (unsigned i = 0; i < o->planes; i++) {
        if (o->line[i].put < o->line[i].height)
            return false;
    }
    return true;
}

/* How many rows of a plane go with `units` of the coarsest. */
static uint32_t rows_of(const struct alb_lane_out *o, unsigned plane, uint32_t units)
{
    return o->planes == 1 || plane > 0 ? units : units << o->format.sub_y;
}

static uint32_t whole_units(const struct alb_lane_out *o)
{
    uint32_t units = UINT32_MAX;
    for (unsigned i = 0; i < o->planes; i++) {
        uint32_t n = (o->line[i].put - o->line[i].got) / rows_of(o, i, 1);
        units = n < units ? n : units;
    }
    return units;
}

static void next_band(struct alb_lane_out *o, uint32_t units, bool last, struct alb_band *band)
{
    memset(band, 0, sizeof(*band));
    for (unsigned i = 0; i < o->planes; i++) {
        struct line *l = &o->line[i];
        band->plane[i] = l->rows;
        band->stride[i] = l->stride;
        band->rows[i] = last ? l->put - l->got : rows_of(o, i, units);
        if (o->held)
            band->rows[i] = o->ask.turn.swap ? l->width : l->height;
    }
}

/* What is left moves to the front: at most what one plane is ahead of another. */
static void forget(struct alb_lane_out *o, const struct alb_band *band)
{
    for (unsigned i = 0; i < o->planes; i++) {
        struct line *l = &o->line[i];
        uint32_t gone = o->held ? l->height : band->rows[i];
        l->got += gone;
        if (l->put > l->got)
            memmove(l->rows, l->rows + gone * l->stride, (l->put - l->got) * l->stride);
    }
}

enum alb_code alb_lane_out_flush(struct alb_lane_out *o, struct alb_err *err)
{
    bool last = all_here(o);
    struct alb_band band;
    if (o->done || (o->held && !last))
        return ALB_OK;
    uint32_t units = whole_units(o);
    if (!last && rows_of(o, 0, units) < LINE / 2)
        return ALB_OK;
    next_band(o, units, last, &band);
    enum alb_code code = o->sink->ops->write(o->sink, &band, err);
    forget(o, &band);
    o->done = last;
    return code;
}

bool alb_lane_out_done(const struct alb_lane_out *o)
{
    return o->done;
}
