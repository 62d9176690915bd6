/* SPDX-License-Identifier: Apache-2.0
 *
 * The check that both sides of the darkroom's socket run over a plan (invariants P1 and P2 of plan.h): sizes
 * follow from each other, every rectangle lies in its picture, every word is known. Limits (P3) are the
 * maker's; the worker's own limits are of the kernel.
 */
#include <math.h>

#include "image/plan_priv.h"

static bool within(double v, double least, double most) /* false for NaN */
{
    return v >= least && v <= most;
}

static bool text_ok(const struct alb_plan *p, const struct alb_plan_text *t)
{
    return t->at <= p->text_bytes && t->n <= p->text_bytes - t->at;
}

static bool tiles_lie_well(const struct alb_plan_tiles *t)
{
    return t->inner_width > 0 && t->inner_height > 0 && t->cell_width <= ALB_TILE_SIDE_MAX &&
           t->cell_height <= ALB_TILE_SIDE_MAX && t->left <= t->cell_width && t->top <= t->cell_height &&
           t->inner_width <= t->cell_width - t->left && t->inner_height <= t->cell_height - t->top &&
           t->part.width > 0 && t->part.height > 0 && t->part.left <= ALB_PLAN_SIDE_MAX &&
           t->part.top <= ALB_PLAN_SIDE_MAX && t->part.width <= ALB_PLAN_SIDE_MAX &&
           t->part.height <= ALB_PLAN_SIDE_MAX;
}

static bool tiles_in_range(const struct alb_plan_tiles *t)
{
    return t->rows > 0 && t->columns <= ALB_TILES_MAX && t->rows <= ALB_TILES_MAX / t->columns && t->of > 0 &&
           t->of <= ALB_TILES_MAX && within(t->step, -1e9, 1e9) && t->delay <= 60000 && t->orientation >= 1 &&
           t->orientation <= 8;
}

/* The picture is as large as all of them, or one of them where they move. */
static bool tiles_ok(const struct alb_plan_step *s)
{
    const struct alb_plan_tiles *t = &s->u.load.tiles;
    if (t->columns == 0)
        return true;
    if (alb_type_class(s->u.load.type) != ALB_CLASS_VIDEO || s->u.load.how != ALB_LOAD_FULL || !tiles_in_range(t) ||
        !tiles_lie_well(t))
        return false;
    if (s->u.load.animated)
        return t->rows == 1 && s->u.load.pages == t->columns && s->width == t->cell_width &&
               s->height == t->cell_height;
    return s->u.load.pages == 1 && s->width == t->columns * t->cell_width &&
           s->height == t->rows * t->cell_height;
}

/* A picture; the source comes first, layers later, and only the source is a film. */
static bool input_ok(const struct alb_plan *p, const struct alb_plan_step *s)
{
    uint32_t input = s->u.load.input;
    if ((unsigned)s->u.load.type >= ALB_TYPE_COUNT || !alb_type_can_show(s->u.load.type))
        return false;
    return s == p->steps ? input == 0 : input > 0 && input < ALB_PLAN_INPUTS && s->u.load.tiles.columns == 0;
}

static bool load_ok(const struct alb_plan *p, const struct alb_plan_step *s)
{
    uint8_t n = s->u.load.eighths;
    if (!input_ok(p, s))
        return false;
    if ((unsigned)s->u.load.how >= ALB_LOAD_HOW_COUNT)
        return false;
    if (n < 1 || n > 8 || (s->u.load.how != ALB_LOAD_EIGHTHS && n != 8))
        return false;
    if (s->u.load.source_width == 0 || s->u.load.source_height == 0 || !text_ok(p, &s->u.load.style) ||
        !tiles_ok(s))
        return false;
    return within(s->u.load.video_second, 0, 1e9) && s->u.load.pages >= 1 && s->u.load.pages <= 100000 &&
           s->u.load.page <= 1000000;
}

static bool encode_ok(const struct alb_plan *p, const struct alb_plan_step *s)
{
    const struct alb_output *o = &s->u.encode.output;
    if (!alb_output_ok(o) || s->u.encode.animate != p->steps[0].u.load.animated)
        return false;
    return o->format == ALB_FORMAT_SAME ? o->best != 0 : o->best == 0 && o->quality[o->format] > 0;
}

/* Offsets of marks are whole pixels or fractions, far inside what an int of libvips holds. */
static bool gravity_ok(const struct alb_gravity *g)
{
    return (unsigned)g->kind < ALB_GRAVITY_POINT && within(g->x, -1e9, 1e9) && within(g->y, -1e9, 1e9);
}

static bool mark_numbers_ok(const struct alb_plan_step *s)
{
    const uint32_t sides[] = {s->u.mark.width, s->u.mark.height, s->u.mark.gap_x, s->u.mark.gap_y};
    for (size_t i = 0; i < ALB_ARRAY_LEN(sides); i++) {
        if (sides[i] > ALB_PLAN_SIDE_MAX)
            return false;
    }
    return within(s->u.mark.opacity, 0, 1) && within(s->u.mark.rotate, -36000, 36000) &&
           within(s->u.mark.shadow, 0, 1e6) && within(s->u.mark.scale, 0, 1e6);
}

/* Some of a part lies on the picture, and it is not repeated beyond it. */
static bool lies_on(const struct alb_plan_step *s, uint32_t part_w, uint32_t part_h,
                    const struct alb_placing *p)
{
    int64_t w = (int64_t)part_w * p->across, h = (int64_t)part_h * p->down;
    return p->across >= 1 && p->down >= 1 && p->across <= ALB_PLAN_SIDE_MAX && p->down <= ALB_PLAN_SIDE_MAX &&
           w <= 2 * (int64_t)ALB_PLAN_SIDE_MAX && h <= 2 * (int64_t)ALB_PLAN_SIDE_MAX &&
           p->left < (int64_t)s->width && p->top < (int64_t)s->height && p->left + w > 0 && p->top + h > 0;
}

static bool spot_ok(const struct alb_spot *s)
{
    return (unsigned)s->from < ALB_SPOT_COUNT && within(s->value, -1e9, 1e9);
}

static bool placed_ok(const struct alb_plan_step *s)
{
    const struct alb_placing p = {s->u.mark.left, s->u.mark.top, s->u.mark.across, s->u.mark.down};
    if (!spot_ok(&s->u.mark.x) || !spot_ok(&s->u.mark.y))
        return false;
    if (!s->u.mark.placed || s->u.mark.input == 0)
        return p.left == 0 && p.top == 0 && p.across == 0 && p.down == 0;
    return lies_on(s, s->u.mark.width, s->u.mark.height, &p);
}

static bool typeset_ok(const struct alb_plan *p, const struct alb_plan_typeset *t)
{
    return t->rgb <= 0xffffff && text_ok(p, &t->font) && t->font.n <= ALB_FONT_MAX &&
           (unsigned)t->align < ALB_TEXT_ALIGN_COUNT && (unsigned)t->wrap < ALB_TEXT_WRAP_COUNT &&
           t->width <= ALB_PLAN_SIDE_MAX && t->spacing <= ALB_FONT_POINTS && t->dpi <= ALB_FONT_DPI;
}

static bool mark_picture_ok(const struct alb_plan_step *s)
{
    return s->u.mark.width > 0 && s->u.mark.height > 0 && s->u.mark.text.n == 0 &&
           (unsigned)s->u.mark.type < ALB_TYPE_COUNT && alb_type_can_show(s->u.mark.type) &&
           s->u.mark.eighths >= 1 && s->u.mark.eighths <= 8 && s->u.mark.source_width > 0 &&
           s->u.mark.source_height > 0 && s->u.mark.orientation >= 1 && s->u.mark.orientation <= 8;
}

static bool mark_ok(const struct alb_plan *p, const struct alb_plan_step *s)
{
    if (s->u.mark.input >= ALB_PLAN_INPUTS || (unsigned)s->u.mark.tiling >= ALB_TILING_COUNT ||
        (unsigned)s->u.mark.blend >= ALB_BLEND_COUNT || !gravity_ok(&s->u.mark.at) || !mark_numbers_ok(s) ||
        !placed_ok(s) || !typeset_ok(p, &s->u.mark.set))
        return false;
    if (s->u.mark.input > 0)
        return mark_picture_ok(s);
    return s->u.mark.text.n > 0 && s->u.mark.text.n <= ALB_MARK_TEXT_MAX && text_ok(p, &s->u.mark.text) &&
           s->u.mark.scale > 0;
}

static bool area_ok(const struct alb_plan_step *s)
{
    const struct alb_rect *a = &s->u.effect.area;
    if (a->width == 0)
        return a->height == 0 && a->left == 0 && a->top == 0;
    return a->height > 0 && a->left <= s->width && a->width <= s->width - a->left && a->top <= s->height &&
           a->height <= s->height - a->top;
}

static bool has_steps_of_its_own(enum alb_effect_kind kind)
{
    return kind == ALB_EFFECT_WATERMARK || kind == ALB_EFFECT_LAYER || kind == ALB_EFFECT_FRAME;
}

static bool effect_ok(const struct alb_plan *p, const struct alb_plan_step *s)
{
    const struct alb_str data = {p->texts + s->u.effect.data.at, s->u.effect.data.n};
    if (has_steps_of_its_own(s->u.effect.kind) ||
        !alb_effect_amount_ok(s->u.effect.kind, s->u.effect.amount, s->u.effect.amount2))
        return false;
    if (s->u.effect.rgb > 0xffffff || s->u.effect.rgb2 > 0xffffff ||
        !within(s->u.effect.angle, -36000, 36000) || !within(s->u.effect.start, 0, 1) ||
        !within(s->u.effect.stop, 0, 1))
        return false;
    return text_ok(p, &s->u.effect.data) &&
           alb_effect_values_ok(s->u.effect.kind, s->u.effect.amount, s->u.effect.v, data) && area_ok(s);
}

static bool inside(const struct alb_plan_step *s, const struct alb_plan_step *before)
{
    return s->u.crop.left <= before->width && s->width <= before->width - s->u.crop.left &&
           s->u.crop.top <= before->height && s->height <= before->height - s->u.crop.top;
}

static bool around(const struct alb_plan_step *s, const struct alb_plan_step *before)
{
    if ((unsigned)s->u.canvas.ground >= ALB_GROUND_COUNT || s->u.canvas.rgb > 0xffffff ||
        !within(s->u.canvas.sigma, 0, 1000))
        return false;
    return s->u.canvas.left <= s->width && before->width <= s->width - s->u.canvas.left &&
           s->u.canvas.top <= s->height && before->height <= s->height - s->u.canvas.top;
}

static bool turn_ok(const struct alb_plan_step *s, const struct alb_plan_step *before)
{
    if (s->u.turn.orientation < 1 || s->u.turn.orientation > 8)
        return false;
    if (alb_turn_swaps(s->u.turn.orientation))
        return s->width == before->height && s->height == before->width;
    return s->width == before->width && s->height == before->height;
}

/* A step that changes no size. */
static bool plain_ok(const struct alb_plan *p, const struct alb_plan_step *s)
{
    switch ((int)s->kind) {
    case ALB_STEP_COLOUR:
        return (unsigned)s->u.colour.to < ALB_COLOUR_TO_COUNT;
    case ALB_STEP_FLATTEN:
        return s->u.flatten.rgb <= 0xffffff && within(s->u.flatten.alpha, 0, 1);
    case ALB_STEP_MARK:
        return mark_ok(p, s);
    case ALB_STEP_FIND_TRIM:
        return within(s->u.find_trim.threshold, 0, 65535) && s->u.find_trim.color <= 0xffffff &&
               s->u.find_trim.corner <= 3;
    case ALB_STEP_ENCODE:
        return encode_ok(p, s);
    default:
        return false;
    }
}

static bool same_size(const struct alb_plan_step *s, const struct alb_plan_step *before)
{
    return s->width == before->width && s->height == before->height;
}

/* A picture that has become a whole number of blocks. */
static bool in_blocks(const struct alb_plan_step *s, const struct alb_plan_step *before)
{
    return s->u.effect.kind == ALB_EFFECT_PIXELATE && s->u.effect.keep &&
           s->width == alb_whole_blocks(before->width, s->u.effect.amount) &&
           s->height == alb_whole_blocks(before->height, s->u.effect.amount);
}

/* One step after the first, given the one before it. */
static bool step_ok(const struct alb_plan *p, const struct alb_plan_step *s,
                    const struct alb_plan_step *before)
{
    switch ((int)s->kind) {
    case ALB_STEP_RESIZE:
        return (unsigned)s->u.resize.kernel < ALB_KERNEL_COUNT;
    case ALB_STEP_CROP:
        return inside(s, before);
    case ALB_STEP_SMART_CROP:
        return s->width <= before->width && s->height <= before->height;
    case ALB_STEP_CANVAS:
        return around(s, before);
    case ALB_STEP_TURN:
        return turn_ok(s, before);
    case ALB_STEP_EFFECT:
        return (same_size(s, before) || in_blocks(s, before)) && effect_ok(p, s);
    default:
        return same_size(s, before) && plain_ok(p, s);
    }
}

/* ---- levels ---- */

/* The last step of each picture that is open. */
struct levels {
    const struct alb_plan_step *last[ALB_LAYER_DEPTH + 1];
    bool animated[ALB_LAYER_DEPTH + 1];
    unsigned depth, layers;
};

static bool open_level(struct levels *l, const struct alb_plan *p, const struct alb_plan_step *s)
{
    if (l->depth == ALB_LAYER_DEPTH || ++l->layers > ALB_LAYERS_MAX || !load_ok(p, s) ||
        (s->u.load.animated && !l->animated[l->depth]))
        return false;
    l->depth++;
    l->last[l->depth] = s;
    l->animated[l->depth] = s->u.load.animated;
    return true;
}

static bool close_level(struct levels *l, const struct alb_plan_step *s)
{
    const struct alb_placing p = {s->u.blend.left, s->u.blend.top, s->u.blend.across, s->u.blend.down};
    if (l->depth == 0)
        return false;
    const struct alb_plan_step *layer = l->last[l->depth--], *below = l->last[l->depth];
    l->last[l->depth] = s;
    return same_size(s, below) && (unsigned)s->u.blend.blend < ALB_BLEND_COUNT &&
           within(s->u.blend.opacity, 0, 1) && lies_on(s, layer->width, layer->height, &p);
}

/* One step after the first; what is open is that before it. */
static bool level_ok(struct levels *l, const struct alb_plan *p, const struct alb_plan_step *s)
{
    const struct alb_plan_step *before = l->last[l->depth];
    if (s->kind == ALB_STEP_LOAD)
        return open_level(l, p, s);
    if (s->kind == ALB_STEP_BLEND)
        return close_level(l, s);
    l->last[l->depth] = s;
    if (s->kind == ALB_STEP_NINE)
        return l->depth > 0 && before->width >= ALB_FRAME_SIDE_MIN && before->height >= ALB_FRAME_SIDE_MIN;
    return (s->kind != ALB_STEP_ENCODE || l->depth == 0) && step_ok(p, s, before);
}

static bool is_end(const struct alb_plan_step *s)
{
    return s->kind == ALB_STEP_ENCODE || s->kind == ALB_STEP_FIND_TRIM;
}

/* Step i, given that the steps before it are good. */
static const char *step_fault(const struct alb_plan *p, uint32_t i, struct levels *l)
{
    const struct alb_plan_step *s = &p->steps[i];
    if (s->width == 0 || s->height == 0 || s->width > ALB_PLAN_SIDE_MAX || s->height > ALB_PLAN_SIDE_MAX)
        return "has no proper size";
    if (i > 0 && !level_ok(l, p, s))
        return "does not fit";
    return is_end(s) != (i + 1 == p->count) ? "ends too early or too late" : NULL;
}

bool alb_plan_needs_fonts(const struct alb_plan *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct alb_plan_step *s = &p->steps[i];
        if (s->kind == ALB_STEP_LOAD && alb_type_class(s->u.load.type) == ALB_CLASS_VECTOR)
            return true;
        if (s->kind == ALB_STEP_MARK &&
            (s->u.mark.input == 0 || alb_type_class(s->u.mark.type) == ALB_CLASS_VECTOR))
            return true;
    }
    return false;
}

uint32_t alb_plan_inputs(const struct alb_plan *p)
{
    uint32_t highest = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct alb_plan_step *s = &p->steps[i];
        if (s->kind == ALB_STEP_LOAD && s->u.load.input > highest)
            highest = s->u.load.input;
        if (s->kind == ALB_STEP_MARK && s->u.mark.input > highest)
            highest = s->u.mark.input;
        if (s->kind == ALB_STEP_ENCODE && s->u.encode.output.profile == ALB_PROFILE_INPUT &&
            s->u.encode.output.profile_input > highest)
            highest = s->u.encode.output.profile_input;
    }
    return highest + 1;
}

enum alb_code alb_plan_check(const struct alb_plan *p, struct alb_err *err)
{
    if (p->count < 2 || p->count > ALB_PLAN_STEPS || p->text_bytes > ALB_PLAN_TEXTS)
        return alb_fail(err, ALB_E_INVALID, "a plan of %u steps", p->count);
    if (p->steps[0].kind != ALB_STEP_LOAD || !load_ok(p, &p->steps[0]))
        return alb_fail(err, ALB_E_INVALID, "a plan without a proper beginning");
    struct levels l = {.last = {&p->steps[0]}, .animated = {p->steps[0].u.load.animated}};
    for (uint32_t i = 0; i < p->count; i++) {
        const char *fault = step_fault(p, i, &l);
        if (fault)
            return alb_fail(err, ALB_E_INVALID, "step %u of the plan %s", i, fault);
    }
    const struct alb_plan_step *last = &p->steps[p->count - 1];
    enum alb_format format = last->kind == ALB_STEP_ENCODE ? last->u.encode.output.format : ALB_FORMAT_SAME;
    if (p->width != last->width || p->height != last->height || p->format != format ||
        p->fonts != alb_plan_needs_fonts(p))
        return alb_fail(err, ALB_E_INVALID, "the plan's result is not that of its last step");
    return ALB_OK;
}
