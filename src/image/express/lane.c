/* SPDX-License-Identifier: Apache-2.0
 *
 * One picture through the lane: open the source, see whether it is what the lane does exactly, choose what is to pass
 * through (planes as they lie in the file, if the sink can use them; else interleaved samples), and drive rows from one
 * end to the other. The file is written when it is whole.
 */
#include "image/express/lane.h"

#include <string.h>

#include "base/fs.h"
#include "image/express/lane_priv.h"
#include "image/icc.h"
#include "meta/meta.h"
#include "meta/rights.h"

#define AHEAD_PIXELS (200u * 1000) /* smaller sources are not worth a thread */
#define KERNEL_REACH 3             /* lobes of the widest kernel */
#define HALVE_FROM 3.5             /* reduction in linear light from which on pixels are halved first */

struct plane {
    struct alb_lane_plane map;
    struct alb_resize *resize; /* NULL: copied */
    size_t skip, bytes;        /* of a row of the source: before, and in the part that is needed */
    uint32_t row;              /* of the source plane, that comes next */
    uint32_t used;             /* rows of the band */
};

struct render {
    struct alb_express *x;
    struct alb_lane_plan plan;
    struct alb_source *source;
    struct alb_sink *sink;
    struct alb_lane_out *out;
    struct alb_lane_out_ask shape;
    struct alb_buf file, exif, xmp, iptc;
    bool light; /* what comes are rows of light (lane_light.c) */
    unsigned planes;
    struct plane plane[ALB_PLANES];
    struct alb_band band;
    struct alb_err *err;
};

static enum alb_code not_ours(struct render *r, const char *why)
{
    return alb_fail(r->err, ALB_E_UNSUPPORTED, "for the general executor: %s", why);
}

/* ---- the two ends ---- */

static enum alb_code open_source(struct render *r, struct alb_str bytes)
{
    const struct alb_plan_step *l = r->plan.load;
    const struct alb_rect *c = &r->plan.crop;
    double x = (double)c->width / r->plan.scaled_w * l->u.load.source_width / l->width;
    double y = (double)c->height / r->plan.scaled_h * l->u.load.source_height / l->height;
    const struct alb_source_ask ask = {
        .bytes = bytes,
        .eighths = l->u.load.eighths,
        .width = l->width,
        .height = l->height,
        .source_width = l->u.load.source_width,
        .source_height = l->u.load.source_height,
        .reduction = x < y ? x : y,
        .strict = l->u.load.strict,
        .metadata = r->plan.encode->u.encode.output.keep_copyright,
    };
    return alb_lane_type(l->u.load.type)->source(r->x, &ask, &r->source, r->err);
}

/* Of the metadata only what says whose work it is. */
static void keep_rights(struct render *r)
{
    if (!r->plan.encode->u.encode.output.keep_copyright)
        return;
    struct alb_buf artist = ALB_BUF_INIT(ALB_META_BLOCK_MAX), copyright = ALB_BUF_INIT(ALB_META_BLOCK_MAX);
    if (r->source->exif.n > 0)
        alb_meta_rights_exif(r->source->exif, &r->exif, &artist, &copyright);
    if (r->source->xmp.n > 0)
        alb_meta_rights_xmp(r->source->xmp, &r->xmp);
    if (r->source->iptc.n > 0)
        alb_meta_rights_iptc(r->source->iptc, &r->iptc);
    alb_buf_fini(&artist);
    alb_buf_fini(&copyright);
}

static struct alb_str kept(const struct alb_buf *b)
{
    return alb_buf_code(b) == ALB_OK ? alb_buf_view(b) : ALB_STR_NONE;
}

static enum alb_code open_sink(struct render *r)
{
    const struct alb_rows_format *n = &r->source->native;
    const struct alb_output *o = &r->plan.encode->u.encode.output;
    uint8_t q = o->quality[o->format] ? o->quality[o->format] : o->quality[ALB_FORMAT_SAME];
    const struct alb_sink_ask ask = {
        .format = alb_lane_out_format(&r->shape),
        .output = o,
        .quality = q,
        .palette_bits = r->source->palette_bits,
        .sharper = r->plan.load->u.load.how == ALB_LOAD_SCALED && n->width > r->plan.load->width,
        .out = &r->file,
        .exif = kept(&r->exif),
        .xmp = kept(&r->xmp),
        .iptc = kept(&r->iptc),
    };
    return alb_lane_format(o->format)->sink(r->x, &ask, &r->sink, r->err);
}

/* ---- what passes through ---- */

/* A small part of a large picture: decoders of lines can leave out the rest, those of planes cannot. */
static bool is_detail(const struct render *r)
{
    const struct alb_rows_format *n = &r->source->native;
    struct alb_rect w = alb_lane_window(&r->plan, n);
    return (uint64_t)w.width * w.height * 2 < (uint64_t)n->width * n->height;
}

static bool is_lossless(const struct alb_output *o)
{
    return o->format == ALB_FORMAT_PNG || (o->format == ALB_FORMAT_WEBP && o->webp_mode != ALB_WEBP_LOSSY);
}

/* Whether pixels may be halved on their way to light. A decoder that shrinks has done as much, and better. */
static bool is_light(const struct render *r)
{
    const struct alb_rows_format *n = &r->source->native;
    const struct alb_plan_step *l = r->plan.load;
    const struct alb_rect *c = &r->plan.crop;
    bool whole = n->width == l->u.load.source_width && n->height == l->u.load.source_height;
    double x = (double)c->width * n->width / l->width / r->plan.scaled_w;
    double y = (double)c->height * n->height / l->height / r->plan.scaled_h;
    bool known = n->layout == ALB_LAYOUT_YCC && n->bits == 8 && n->sub_x < 2 && n->sub_y < 2,
         far = x >= HALVE_FROM && y >= HALVE_FROM && !is_detail(r);
    return r->plan.linear && whole && known && far && r->plan.kernel != ALB_KERNEL_NEAREST &&
           !is_lossless(&r->plan.encode->u.encode.output);
}

/* Layout of the source, and in *to what the sink gets before the turn. */
static enum alb_layout choose(const struct render *r, struct alb_rows_format *to)
{
    const struct alb_rows_format *n = &r->source->native;
    const struct alb_output *o = &r->plan.encode->u.encode.output;
    const struct alb_lane_format *f = alb_lane_format(o->format);
    *to = (struct alb_rows_format){.layout = n->layout, .bits = 8};
    if (n->layout != ALB_LAYOUT_YCC)
        return n->layout;
    bool rgb = (r->source->layouts & ALB_LAYOUT_BIT(ALB_LAYOUT_RGB)) != 0;
    if (!r->plan.linear && (!rgb || !is_detail(r)) && f->planes && f->planes(o, n, to))
        return ALB_LAYOUT_YCC;
    to->layout = ALB_LAYOUT_RGB;
    return is_light(r) ? ALB_LAYOUT_YCC : ALB_LAYOUT_RGB;
}

static enum alb_code check_source(struct render *r)
{
    const struct alb_rows_format *n = &r->source->native;
    const struct alb_plan_step *l = r->plan.load;
    bool as_planned = n->width == l->width && n->height == l->height,
         whole = n->width == l->u.load.source_width && n->height == l->u.load.source_height;
    if (!as_planned && !(whole && l->u.load.how == ALB_LOAD_SCALED))
        return not_ours(r, "the source has another size");
    enum alb_icc icc = alb_icc_kind(r->source->icc);
    if (icc != ALB_ICC_NONE && icc != ALB_ICC_SRGB)
        return not_ours(r, "a profile");
    return ALB_OK;
}

/* In pairs of rows and columns where they are to be halved. */
static struct alb_rect window_of(const struct render *r)
{
    const struct alb_rows_format *n = &r->source->native;
    struct alb_rect w = alb_lane_window(&r->plan, n);
    if (!r->light)
        return w;
    uint32_t right = (w.left + w.width + 1) & ~1u, bottom = (w.top + w.height + 1) & ~1u;
    w.left &= ~1u;
    w.top &= ~1u;
    w.width = (right < n->width ? right : n->width) - w.left;
    w.height = (bottom < n->height ? bottom : n->height) - w.top;
    return w;
}

static enum alb_code start(struct render *r)
{
    struct alb_rows_format to;
    enum alb_code code = check_source(r);
    if (code != ALB_OK)
        return code;
    enum alb_layout layout = choose(r, &to);
    if ((r->source->layouts & ALB_LAYOUT_BIT(layout)) == 0)
        return not_ours(r, "a layout");
    keep_rights(r);
    r->light = layout == ALB_LAYOUT_YCC && to.layout != layout;
    code = r->source->ops->start(r->source, layout, window_of(r), r->err);
    if (code != ALB_OK)
        return code;
    struct alb_lane_turn turn = alb_lane_turn_of(r->plan.orientation);
    if (turn.swap) {
        uint8_t sub = to.sub_x;
        to.sub_x = to.sub_y;
        to.sub_y = sub;
    }
    to.width = r->plan.cut.width;
    to.height = r->plan.cut.height;
    r->shape = (struct alb_lane_out_ask){
        .rows = to, .turn = turn, .flatten = r->plan.flatten, .ground = r->plan.ground};
    r->planes = alb_layout_planes(to.layout);
    return ALB_OK;
}

/* ---- resizers ---- */

/* Where a plane's values lie: black or no colour, and as many from there to the other end. */
static double values_of(const struct alb_rows_format *f, unsigned plane, double *span)
{
    double unit = (double)(1u << (f->bits - 8)), full = (double)((1u << f->bits) - 1);
    *span = !f->limited ? full : plane == 0 ? 219 * unit : 224 * unit;
    return plane > 0 ? 128 * unit : f->limited ? 16 * unit : 0;
}

/* From the source's range and depth to the sink's: the resizer alone takes largest value to largest value. */
static void range(const struct alb_rows_format *from, const struct alb_rows_format *to, unsigned plane,
                  struct alb_resize_ask *ask)
{
    double span_in, span_out, low_in = values_of(from, plane, &span_in),
                              low_out = values_of(to, plane, &span_out);
    double most_in = (double)((1u << from->bits) - 1), most_out = (double)((1u << to->bits) - 1);
    ask->gain = 1;
    ask->bias = 0;
    if (from->layout != ALB_LAYOUT_YCC || (from->limited == to->limited && from->bits == to->bits))
        return;
    ask->gain = (float)(span_out / span_in * most_in / most_out);
    ask->bias = (float)(low_out - low_in * span_out / span_in);
}

static enum alb_code open_plane(struct render *r, unsigned i)
{
    struct plane *p = &r->plane[i];
    const struct alb_rows_format *from = &r->source->format;
    struct alb_rows_format to = alb_lane_out_format(&r->shape);
    unsigned samples = alb_layout_samples(from->layout);
    struct alb_resize_ask ask = {
        .samples = samples,
        .alpha = alb_layout_alpha(from->layout),
        .bits_in = from->bits,
        .bits_out = r->shape.rows.bits,
        .kernel = r->plan.kernel,
        .linear = r->plan.linear,
        .lit = r->light,
    };
    unsigned like = r->light ? 1 : i; /* rows of light lie as chroma does */
    alb_lane_plane(&r->plan, from, &to, like, &p->map);
    range(from, &to, i, &ask);
    const struct alb_rect *area = &r->source->area;
    unsigned sub_x = like == 0 ? 0u : from->sub_x, sub_y = like == 0 ? 0u : from->sub_y;
    size_t pixel = (r->light ? 1 : samples) * alb_rows_sample(from);
    p->skip = (size_t)(p->map.left - (area->left >> sub_x)) * pixel;
    p->bytes = p->map.x.in * pixel;
    p->row = area->top >> sub_y;
    ask.x = p->map.x;
    ask.y = p->map.y;
    ask.x.halved = ask.y.halved = r->light;
    bool same = ask.bits_in == ask.bits_out && from->limited == to.limited;
    if (p->map.copy && same)
        return ALB_OK;
    return alb_resize_open(r->x, &ask, &p->resize, r->err);
}

/* Result rows by which luma may be ahead of chroma: as much as the wider kernel reaches further, and a sample. */
static uint32_t rows_ahead(const struct render *r)
{
    double step = (double)r->plan.crop.height / r->plan.scaled_h;
    step *= (double)r->source->format.height / r->plan.load->height;
    double from = (double)(1u << r->source->format.sub_y), to = (double)(1u << r->shape.rows.sub_y);
    double wide = step * to > from ? step * to : from;
    double ahead = ((KERNEL_REACH + 1) * wide + from) / step + 2 * to;
    return r->planes == 1 ? 0 : ahead < 1e6 ? (uint32_t)ahead + 1 : 1000000u;
}

static enum alb_code open_parts(struct render *r)
{
    enum alb_code code = ALB_OK;
    for (unsigned i = 0; code == ALB_OK && i < r->planes; i++)
        code = open_plane(r, i);
    r->shape.ahead = rows_ahead(r);
    if (code == ALB_OK)
        code = open_sink(r);
    if (code == ALB_OK)
        code = alb_lane_out_open(r->x, &r->shape, r->sink, &r->out, r->err);
    return code;
}

/* ---- rows ---- */

static bool make_row(struct render *r, unsigned i)
{
    struct plane *p = &r->plane[i];
    if (!p->resize)
        return false;
    uint8_t *to = alb_lane_out_row(r->out, i);
    if (!to || !alb_resize_pull(p->resize, to))
        return false;
    alb_lane_out_add(r->out, i);
    return true;
}

static void push_row(struct render *r, unsigned i, const uint8_t *from)
{
    const uint8_t *lit[ALB_PLANES] = {from};
    for (unsigned k = 1; r->light && k < ALB_PLANES; k++)
        lit[k] = r->band.plane[k] + (from - r->band.plane[0]);
    alb_resize_push(r->plane[i].resize, r->light ? (const void *)lit : from);
}

/* The next row of the band goes into the plane. False: there is none, or no room for what comes of it. */
static bool use_row(struct render *r, unsigned i)
{
    struct plane *p = &r->plane[i];
    if (p->used == r->band.rows[i])
        return false;
    bool needed = p->row >= p->map.top && p->row - p->map.top < p->map.y.in;
    uint8_t *to = needed ? alb_lane_out_row(r->out, i) : NULL;
    bool done = needed && p->resize && alb_resize_done(p->resize);
    if (needed && !to && !done)
        return false;
    const uint8_t *from = r->band.plane[i] + p->used * r->band.stride[i] + p->skip;
    if (needed && !done && p->resize)
        push_row(r, i, from);
    if (needed && !p->resize) {
        memcpy(to, from, p->bytes);
        alb_lane_out_add(r->out, i);
    }
    p->used++;
    p->row++;
    return true;
}

/* As far as the band and the room in the lines allow. */
static bool drive(struct render *r)
{
    bool moved = false;
    for (unsigned i = 0; i < r->planes; i++) {
        while (make_row(r, i) || use_row(r, i))
            moved = true;
    }
    return moved;
}

static bool is_band_used(const struct render *r)
{
    for (unsigned i = 0; i < r->planes; i++) {
        if (r->plane[i].used < r->band.rows[i])
            return false;
    }
    return true;
}

static enum alb_code next_band(struct render *r)
{
    for (unsigned i = 0; i < r->planes; i++)
        r->plane[i].used = 0;
    return r->source->ops->read(r->source, &r->band, r->err);
}

static enum alb_code pump(struct render *r)
{
    enum alb_code code = next_band(r);
    while (code == ALB_OK && !alb_lane_out_done(r->out)) {
        bool moved = drive(r);
        code = alb_lane_out_flush(r->out, r->err);
        if (code != ALB_OK || alb_lane_out_done(r->out))
            break;
        bool end = r->band.rows[0] == 0;
        if (is_band_used(r) && !end)
            code = next_band(r);
        else if (!moved) /* rows are missing, or planes too far apart */
            return not_ours(r, "rows that do not fit together");
    }
    while (code == ALB_OK && r->band.rows[0] > 0) /* to the end of the file: is it whole? */
        code = next_band(r);
    return code;
}

static enum alb_code light(struct render *r)
{
    struct alb_source *lit;
    if (!r->light)
        return ALB_OK;
    enum alb_code code = alb_lane_light_open(r->x, r->source, &lit, r->err);
    if (code == ALB_OK)
        r->source = lit;
    return code;
}

static enum alb_code decode_ahead(struct render *r)
{
    const struct alb_rect *a = &r->source->area;
    bool streams = alb_lane_type(r->plan.load->u.load.type)->streams;
    struct alb_source *ahead;
    if (r->x->threads < 2 || !streams || (uint64_t)a->width * a->height < AHEAD_PIXELS)
        return ALB_OK;
    enum alb_code code = alb_lane_ahead_open(r->x, r->source, &ahead, r->err);
    if (code == ALB_OK)
        r->source = ahead;
    return code;
}

/* ---- the whole ---- */

static enum alb_code run(struct render *r, struct alb_str bytes)
{
    enum alb_code code = open_source(r, bytes);
    if (code == ALB_OK)
        code = start(r);
    if (code == ALB_OK)
        code = decode_ahead(r);
    if (code == ALB_OK)
        code = light(r);
    if (code == ALB_OK)
        code = open_parts(r);
    if (code == ALB_OK)
        code = pump(r);
    if (code == ALB_OK)
        code = r->sink->ops->finish(r->sink, r->err);
    if (r->sink)
        r->sink->ops->close(r->sink);
    if (r->source)
        r->source->ops->close(r->source);
    if (code == ALB_OK)
        code = alb_buf_code(&r->file);
    return code;
}

enum alb_code alb_express_render(struct alb_express *x, const struct alb_plan *plan, struct alb_str source,
                                 int result_fd, uint64_t result_max, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    struct render r = {.x = x,
                       .file = ALB_BUF_INIT(result_max),
                       .exif = ALB_BUF_INIT(ALB_META_BLOCK_MAX),
                       .xmp = ALB_BUF_INIT(ALB_META_BLOCK_MAX),
                       .iptc = ALB_BUF_INIT(ALB_META_BLOCK_MAX),
                       .err = &why};
    enum alb_code code = alb_lane_read(plan, &r.plan) ? run(&r, source) : not_ours(&r, "its steps");
    if (code == ALB_OK)
        code = alb_fs_write_all(result_fd, r.file.p, r.file.n, err);
    else
        code = alb_fail(err, ALB_E_UNSUPPORTED, "%s",
                        why.msg); /* whatever it was: the general executor decides */
    alb_buf_fini(&r.file);
    alb_buf_fini(&r.exif);
    alb_buf_fini(&r.xmp);
    alb_buf_fini(&r.iptc);
    alb_scratch_reset(x->scratch);
    return code;
}
