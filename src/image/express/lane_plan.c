/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps to geometry. A plan of the lane has its steps in one order, each at most once:
 *     LOAD, [CROP], [COLOUR linear], [RESIZE], [COLOUR encoded], [CROP], [COLOUR sRGB], [TURN], [FLATTEN], ENCODE
 * Where nothing is resized a second CROP is a part of the first one.
 */
#include <string.h>

#include "image/express/lane_priv.h"

/* ---- reading ---- */

struct reader {
    const struct alb_plan *plan;
    uint32_t at;
    uint32_t width, height; /* of the picture after the steps so far */
};

/* The next step if it is of that kind, which is then taken. */
static const struct alb_plan_step *next(struct reader *r, enum alb_step_kind kind)
{
    const struct alb_plan_step *s = &r->plan->steps[r->at];
    if (r->at >= r->plan->count || s->kind != kind)
        return NULL;
    r->at++;
    r->width = s->width;
    r->height = s->height;
    return s;
}

static bool next_colour(struct reader *r, enum alb_colour_to to)
{
    const struct alb_plan_step *s = &r->plan->steps[r->at];
    if (r->at >= r->plan->count || s->kind != ALB_STEP_COLOUR || s->u.colour.to != to || s->u.colour.deep)
        return false;
    r->at++;
    return true;
}

static bool can_load(const struct alb_plan_step *s)
{
    enum alb_load_how how = s->u.load.how;
    if (s->u.load.page != 0 || s->u.load.pages != 1 || s->u.load.animated || !alb_lane_type(s->u.load.type))
        return false;
    return how == ALB_LOAD_FULL || (how == ALB_LOAD_EIGHTHS && s->u.load.type == ALB_TYPE_JPEG) ||
           (how == ALB_LOAD_SCALED && s->u.load.type == ALB_TYPE_WEBP);
}

static bool can_encode(const struct alb_plan_step *s)
{
    const struct alb_output *o = &s->u.encode.output;
    const struct alb_lane_format *f = alb_lane_format(o->format);
    if (s->u.encode.animate || o->best != 0 || o->max_bytes > 0 || o->autoquality != ALB_AUTOQUALITY_OFF ||
        o->keep_metadata || o->profile != ALB_PROFILE_SRGB || o->deep)
        return false;
    return f && f->takes(o);
}

static struct alb_rect rect_of(const struct alb_plan_step *s)
{
    return (struct alb_rect){s->u.crop.left, s->u.crop.top, s->width, s->height};
}

/* Cuts before and after resizing, and the sizes between. */
static void read_geometry(struct reader *r, struct alb_lane_plan *out)
{
    const struct alb_plan_step *s = next(r, ALB_STEP_CROP);
    out->crop = s ? rect_of(s) : (struct alb_rect){0, 0, r->width, r->height};
    out->linear = next_colour(r, ALB_COLOUR_LINEAR);
    s = next(r, ALB_STEP_RESIZE);
    out->kernel = s ? s->u.resize.kernel : ALB_KERNEL_LANCZOS3;
    out->scaled_w = r->width;
    out->scaled_h = r->height;
    if (out->linear && !next_colour(r, ALB_COLOUR_ENCODED))
        out->load = NULL;
    s = next(r, ALB_STEP_CROP);
    out->cut = s ? rect_of(s) : (struct alb_rect){0, 0, r->width, r->height};
    if (out->scaled_w != out->crop.width || out->scaled_h != out->crop.height)
        return;
    out->crop = (struct alb_rect){out->crop.left + out->cut.left, out->crop.top + out->cut.top,
                                  out->cut.width, out->cut.height};
    out->scaled_w = out->cut.width;
    out->scaled_h = out->cut.height;
    out->cut.left = out->cut.top = 0;
}

bool alb_lane_read(const struct alb_plan *plan, struct alb_lane_plan *out)
{
    struct reader r = {.plan = plan};
    const struct alb_plan_step *s;
    memset(out, 0, sizeof(*out));
    out->load = next(&r, ALB_STEP_LOAD);
    if (!out->load || !can_load(out->load))
        return false;
    read_geometry(&r, out);
    if (!out->load || !next_colour(&r, ALB_COLOUR_SRGB))
        return false;
    s = next(&r, ALB_STEP_TURN);
    out->orientation = s ? s->u.turn.orientation : 1;
    s = next(&r, ALB_STEP_FLATTEN);
    if (s && s->u.flatten.alpha < 1)
        return false;
    out->flatten = s != NULL;
    out->ground = s ? s->u.flatten.rgb : 0;
    out->encode = next(&r, ALB_STEP_ENCODE);
    return out->encode && r.at == plan->count && can_encode(out->encode);
}

bool alb_express_takes(const struct alb_plan *plan)
{
    struct alb_lane_plan p;
    return alb_lane_read(plan, &p);
}

/* ---- geometry ---- */

struct alb_lane_turn alb_lane_turn_of(uint8_t orientation)
{
    const struct alb_rect corner = {0, 0, 1, 1};
    struct alb_rect at = alb_turn_to_stored(orientation, 2, 2, corner);
    return (struct alb_lane_turn){alb_turn_swaps(orientation), at.left == 1, at.top == 1};
}

struct side {
    uint32_t crop_at, crop, scaled, cut_at, cut; /* one axis of struct alb_lane_plan */
    uint32_t loaded, native;                     /* what the plan loads, and what the source has of it */
    unsigned from_sub, to_sub;                   /* log2, of the plane */
    bool at_end; /* the grid of result samples begins at the far end: it will be mirrored */
};

/* The samples of the plane that pixels [at, at + n) of the loaded picture touch. */
static void samples_of(const struct side *s, uint32_t at, uint32_t n, uint32_t *first, uint32_t *end)
{
    uint64_t unit = (uint64_t)s->loaded << s->from_sub;
    *first = (uint32_t)((uint64_t)at * s->native / unit);
    *end = (uint32_t)((((uint64_t)at + n) * s->native + unit - 1) / unit);
}

/* Result sample i of the plane stands for result pixels [i, i + 1) << to_sub; pixels are `step` apart in the source. */
static void lay(const struct side *s, struct alb_axis *a, uint32_t *first)
{
    double unit = (double)s->native / ((double)s->loaded * (1u << s->from_sub));
    double step = (double)s->crop / s->scaled;
    uint32_t end;
    samples_of(s, s->crop_at, s->crop, first, &end);
    a->in = end - *first;
    a->out = (s->cut + (1u << s->to_sub) - 1) >> s->to_sub;
    double pixels = (double)((uint64_t)a->out << s->to_sub), begin = s->cut_at;
    if (s->at_end)
        begin = (double)s->cut_at + s->cut - pixels;
    a->from = (s->crop_at + begin * step) * unit - *first;
    a->span = pixels * step * unit;
}

struct alb_rect alb_lane_window(const struct alb_lane_plan *p, const struct alb_rows_format *native)
{
    struct side x = {.loaded = p->load->width, .native = native->width},
                y = {.loaded = p->load->height, .native = native->height};
    struct alb_rect r;
    samples_of(&x, p->crop.left, p->crop.width, &r.left, &r.width);
    samples_of(&y, p->crop.top, p->crop.height, &r.top, &r.height);
    r.width -= r.left;
    r.height -= r.top;
    return r;
}

static bool is_whole(const struct alb_axis *a)
{
    return a->from == 0.0 && a->span == (double)a->out && a->out == a->in;
}

void alb_lane_plane(const struct alb_lane_plan *p, const struct alb_rows_format *from,
                    const struct alb_rows_format *to, unsigned plane, struct alb_lane_plane *out)
{
    struct alb_lane_turn turn = alb_lane_turn_of(p->orientation);
    unsigned to_x = plane == 0  ? 0
                    : turn.swap ? to->sub_y
                                : to->sub_x,
             to_y = plane == 0  ? 0
                    : turn.swap ? to->sub_x
                                : to->sub_y;
    struct side x = {.crop_at = p->crop.left,
                     .crop = p->crop.width,
                     .scaled = p->scaled_w,
                     .cut_at = p->cut.left,
                     .cut = p->cut.width,
                     .loaded = p->load->width,
                     .native = from->width,
                     .from_sub = plane == 0 ? 0u : from->sub_x,
                     .to_sub = to_x,
                     .at_end = turn.mirror};
    struct side y = {.crop_at = p->crop.top,
                     .crop = p->crop.height,
                     .scaled = p->scaled_h,
                     .cut_at = p->cut.top,
                     .cut = p->cut.height,
                     .loaded = p->load->height,
                     .native = from->height,
                     .from_sub = plane == 0 ? 0u : from->sub_y,
                     .to_sub = to_y,
                     .at_end = turn.reverse};
    lay(&x, &out->x, &out->left);
    lay(&y, &out->y, &out->top);
    out->copy = is_whole(&out->x) && is_whole(&out->y) && !turn.mirror;
    if (turn.mirror) {
        out->x.from += out->x.span;
        out->x.span = -out->x.span;
    }
}
