/* SPDX-License-Identifier: Apache-2.0
 *
 * Options as values: the beginning, a copy that owns itself, the check of every range, and the names of formats.
 * The check keeps numbers so small that no arithmetic behind it can leave 64 bits, whatever a client sends.
 */
#include "image/options.h"

#include <math.h>
#include <string.h>

#include "image/plan_priv.h"

#define FACTOR_MAX 100000.0 /* zoom, dpr, scale: and not below 1 / FACTOR_MAX */
#define OFFSET_MAX 100000000.0
#define AMOUNT_MAX 100000.0

/* ---- formats ---- */

static const struct {
    const char *name, *mime;
    enum alb_type type;
    uint32_t side;
    bool alpha, animation, quality;
} formats[ALB_FORMAT_COUNT] = {
    [ALB_FORMAT_SAME] = {"same", "application/octet-stream", ALB_TYPE_UNKNOWN, 65535, true, false, false},
    [ALB_FORMAT_JPEG] = {"jpeg", "image/jpeg", ALB_TYPE_JPEG, 65500, false, false, true},
    [ALB_FORMAT_PNG] = {"png", "image/png", ALB_TYPE_PNG, 1000000, true, false, false},
    [ALB_FORMAT_WEBP] = {"webp", "image/webp", ALB_TYPE_WEBP, 16383, true, true, true},
    [ALB_FORMAT_AVIF] = {"avif", "image/avif", ALB_TYPE_AVIF, 16384, true, true, true},
    [ALB_FORMAT_JXL] = {"jxl", "image/jxl", ALB_TYPE_JXL, 1000000, true, false, true},
    [ALB_FORMAT_HEIC] = {"heic", "image/heic", ALB_TYPE_HEIC, 16384, true, false, true},
    [ALB_FORMAT_GIF] = {"gif", "image/gif", ALB_TYPE_GIF, 65535, true, true, false},
    [ALB_FORMAT_TIFF] = {"tiff", "image/tiff", ALB_TYPE_TIFF, 1000000, true, false, true},
    [ALB_FORMAT_BMP] = {"bmp", "image/bmp", ALB_TYPE_BMP, 1000000, true, false, false},
    [ALB_FORMAT_ICO] = {"ico", "image/vnd.microsoft.icon", ALB_TYPE_ICO, 256, true, false, false},
    [ALB_FORMAT_JP2] = {"jp2", "image/jp2", ALB_TYPE_JP2, 1000000, true, false, true},
};

static enum alb_format known(enum alb_format f)
{
    return (unsigned)f < ALB_FORMAT_COUNT ? f : ALB_FORMAT_SAME;
}

const char *alb_format_name(enum alb_format f)
{
    return formats[known(f)].name;
}

const char *alb_format_mime(enum alb_format f)
{
    return formats[known(f)].mime;
}

enum alb_type alb_format_type(enum alb_format f)
{
    return formats[known(f)].type;
}

bool alb_format_alpha(enum alb_format f)
{
    return formats[known(f)].alpha;
}

bool alb_format_animation(enum alb_format f)
{
    return formats[known(f)].animation;
}

bool alb_format_quality(enum alb_format f)
{
    return formats[known(f)].quality;
}

uint32_t alb_format_side(enum alb_format f)
{
    return formats[known(f)].side;
}

enum alb_format alb_format_of_name(struct alb_str name)
{
    if (alb_str_eq_c(name, "jpg"))
        return ALB_FORMAT_JPEG;
    for (unsigned i = 1; i < ALB_FORMAT_COUNT; i++) {
        if (alb_str_eq_c(name, formats[i].name))
            return (enum alb_format)i;
    }
    return ALB_FORMAT_SAME;
}

/* ---- beginning and copy ---- */

void alb_plan_options_init(struct alb_plan_options *o)
{
    *o = (struct alb_plan_options){
        .zoom_x = 1,
        .zoom_y = 1,
        .dpr = 1,
        .background = 0xffffff,
        .background_alpha = 1,
        .output = {.preferred = {ALB_FORMAT_JPEG, ALB_FORMAT_PNG, ALB_FORMAT_WEBP},
                   .keep = ALB_FORMAT_BIT(ALB_FORMAT_JPEG) | ALB_FORMAT_BIT(ALB_FORMAT_PNG) |
                           ALB_FORMAT_BIT(ALB_FORMAT_WEBP) | ALB_FORMAT_BIT(ALB_FORMAT_AVIF) |
                           ALB_FORMAT_BIT(ALB_FORMAT_JXL)},
    };
}

static bool clone_text(struct alb_str *s, size_t max, struct alb_arena *arena)
{
    if (s->n == 0) {
        *s = ALB_STR_NONE;
        return true;
    }
    if (s->n > max)
        return false;
    *s = alb_arena_str(arena, *s);
    return s->n > 0;
}

static struct alb_plan_options *clone_chain(const struct alb_plan_options *o, struct alb_arena *arena,
                                            unsigned depth);

static bool clone_layer(struct alb_effect *e, struct alb_arena *arena, unsigned depth)
{
    if (!e->layer)
        return true;
    e->layer = depth < ALB_LAYER_DEPTH ? clone_chain(e->layer, arena, depth + 1) : NULL;
    return e->layer != NULL;
}

static bool clone_effects(const struct alb_effect **list, uint32_t count, struct alb_arena *arena,
                          unsigned depth)
{
    if (count == 0) {
        *list = NULL;
        return true;
    }
    if (count > ALB_EFFECTS_MAX)
        return false;
    struct alb_effect *copy = alb_arena_alloc(arena, count * sizeof(*copy));
    if (!copy)
        return false;
    memcpy(copy, *list, count * sizeof(*copy));
    *list = copy;
    for (uint32_t i = 0; i < count; i++) {
        if (!clone_text(&copy[i].mark.text, ALB_MARK_TEXT_MAX, arena) ||
            !clone_text(&copy[i].mark.set.font, ALB_FONT_MAX, arena) ||
            !clone_text(&copy[i].data, ALB_EFFECT_DATA_MAX, arena) || !clone_layer(&copy[i], arena, depth))
            return false;
    }
    return true;
}

static bool clone_focus(struct alb_plan_options *o, struct alb_arena *arena)
{
    if (o->focus_count == 0) {
        o->focus = NULL;
        return true;
    }
    struct alb_focus *copy =
        o->focus_count <= ALB_FOCUS_MAX ? alb_arena_alloc(arena, o->focus_count * sizeof(*copy)) : NULL;
    if (copy)
        memcpy(copy, o->focus, o->focus_count * sizeof(*copy));
    o->focus = copy;
    return copy != NULL;
}

static struct alb_plan_options *clone_chain(const struct alb_plan_options *o, struct alb_arena *arena,
                                            unsigned depth)
{
    struct alb_plan_options *first = NULL;
    const struct alb_plan_options **link = NULL;
    unsigned count = 0;
    for (const struct alb_plan_options *from = o; from; from = from->next) {
        struct alb_plan_options *to =
            count++ < ALB_PIPELINES_MAX ? ALB_ARENA_NEW(arena, struct alb_plan_options) : NULL;
        if (!to)
            return NULL;
        *to = *from;
        to->next = NULL;
        if (!clone_text(&to->style, ALB_STYLE_MAX, arena) ||
            !clone_effects(&to->effects, to->effect_count, arena, depth) ||
            !clone_effects(&to->overlays, to->overlay_count, arena, depth) || !clone_focus(to, arena))
            return NULL;
        if (link)
            *link = to;
        else
            first = to;
        link = &to->next;
    }
    return first;
}

struct alb_plan_options *alb_plan_options_clone(const struct alb_plan_options *o, struct alb_arena *arena)
{
    return clone_chain(o, arena, 0);
}

/* ---- ranges ---- */

static bool within(double v, double least, double most) /* false for NaN */
{
    return v >= least && v <= most;
}

static bool factor_ok(double v)
{
    return within(v, 1 / FACTOR_MAX, FACTOR_MAX);
}

static bool gravity_ok(const struct alb_gravity *g, bool smart)
{
    if ((unsigned)g->kind >= ALB_GRAVITY_COUNT || (g->kind == ALB_GRAVITY_SMART && !smart))
        return false;
    if (g->kind == ALB_GRAVITY_POINT)
        return within(g->x, 0, 1) && within(g->y, 0, 1);
    return within(g->x, -OFFSET_MAX, OFFSET_MAX) && within(g->y, -OFFSET_MAX, OFFSET_MAX);
}

static bool spot_ok(const struct alb_spot *s)
{
    return (unsigned)s->from < ALB_SPOT_COUNT && within(s->value, -OFFSET_MAX, OFFSET_MAX);
}

static bool mark_place_ok(const struct alb_mark *m)
{
    return spot_ok(&m->x) && spot_ok(&m->y) && within(m->share_x, 0, 1000) && within(m->share_y, 0, 1000) &&
           (unsigned)m->blend < ALB_BLEND_COUNT && (unsigned)m->tiling < ALB_TILING_COUNT &&
           gravity_ok(&m->at, false) && m->at.kind != ALB_GRAVITY_POINT;
}

static bool typeset_ok(const struct alb_typeset *t)
{
    return t->rgb <= 0xffffff && t->font.n <= ALB_FONT_MAX && (unsigned)t->align < ALB_TEXT_ALIGN_COUNT &&
           (unsigned)t->wrap < ALB_TEXT_WRAP_COUNT && within(t->share, 0, 100) &&
           t->more >= -(int32_t)ALB_PLAN_SIDE_MAX && t->more <= (int32_t)ALB_PLAN_SIDE_MAX &&
           t->spacing <= ALB_FONT_POINTS && t->dpi <= ALB_FONT_DPI;
}

static bool mark_ok(const struct alb_mark *m)
{
    if (m->input >= ALB_PLAN_INPUTS || (m->input == 0) != (m->text.n > 0) || m->text.n > ALB_MARK_TEXT_MAX)
        return false;
    return mark_place_ok(m) && typeset_ok(&m->set) && within(m->opacity, 0, 1) &&
           (within(m->scale, 0, 0) || factor_ok(m->scale)) && m->width <= ALB_PLAN_SIDE_MAX &&
           m->height <= ALB_PLAN_SIDE_MAX && within(m->rotate, -36000, 36000) && within(m->shadow, 0, 1000);
}

static bool area_ok(const struct alb_effect *e)
{
    if (within(e->width, 0, 0))
        return within(e->left, 0, 0) && within(e->top, 0, 0) && within(e->height, 0, 0);
    return (e->kind == ALB_EFFECT_BLUR || e->kind == ALB_EFFECT_PIXELATE || e->kind == ALB_EFFECT_OUTLINE) &&
           within(e->left, 0, 1) && within(e->top, 0, 1) && within(e->width, 0, 1) && e->height > 0 &&
           e->height <= 1;
}

/* What is laid over is so by overlays only. */
static bool over_ok(const struct alb_effect *e, bool overlay)
{
    bool layer = e->kind == ALB_EFFECT_LAYER, frame = e->kind == ALB_EFFECT_FRAME;
    if (layer != (e->layer != NULL) || (layer && !e->mark.placed))
        return false;
    if ((layer || frame) && e->mark.input == 0)
        return false;
    return (e->kind != ALB_EFFECT_WATERMARK && !layer && !frame) || (overlay && mark_ok(&e->mark));
}

static bool effect_ok(const struct alb_effect *e, bool overlay)
{
    if (!alb_effect_amount_ok(e->kind, e->amount, e->amount2) || e->rgb > 0xffffff || e->rgb2 > 0xffffff ||
        !area_ok(e) || !alb_effect_values_ok(e->kind, e->amount, e->v, e->data))
        return false;
    if (!within(e->angle, -36000, 36000) || !within(e->start, 0, 1) || !within(e->stop, 0, 1))
        return false;
    return over_ok(e, overlay);
}

static bool effects_ok(const struct alb_effect *list, uint32_t count, bool overlays)
{
    if (count > ALB_EFFECTS_MAX || (count > 0 && !list))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!effect_ok(&list[i], overlays))
            return false;
    }
    return true;
}

static bool crop_ok(const struct alb_plan_options *o)
{
    const struct alb_crop *c = &o->crop;
    if (!within(o->trim.threshold, 0, 65535) || o->trim.color > 0xffffff)
        return false;
    return within(c->width, 0, OFFSET_MAX) && within(c->height, 0, OFFSET_MAX) && gravity_ok(&c->at, true) &&
           (within(c->aspect, 0, 0) || factor_ok(c->aspect));
}

static bool window_ok(const struct alb_window *w)
{
    return w->fractions <= 15 && within(w->left, 0, 1e15) && within(w->top, 0, 1e15) &&
           within(w->right, 0, 1e15) && within(w->bottom, 0, 1e15);
}

static bool focus_ok(const struct alb_plan_options *o)
{
    if (o->focus_count > ALB_FOCUS_MAX || (o->focus_count > 0 && !o->focus))
        return false;
    for (uint32_t i = 0; i < o->focus_count; i++) {
        const struct alb_focus *f = &o->focus[i];
        bool area = f->point || (f->right > f->left && f->bottom > f->top);
        if (!area || !within(f->left, -1e9, 1e9) || !within(f->top, -1e9, 1e9) ||
            !within(f->right, -1e9, 1e9) || !within(f->bottom, -1e9, 1e9))
            return false;
    }
    return true;
}

static bool fill_ok(const struct alb_fill *f)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(f->padding); i++) {
        if (f->padding[i] < -ALB_FILL_PADDING_MAX || f->padding[i] > ALB_FILL_PADDING_MAX)
            return false;
    }
    return (unsigned)f->ground < ALB_GROUND_COUNT && f->color <= 0xffffff && within(f->sigma, 0, 1000);
}

static bool has_sides_of_others(const struct alb_plan_options *o)
{
    return o->own_width || o->own_height || o->below_width || o->below_height;
}

/* What belongs to one way of counting only. */
static bool sizing_ok(const struct alb_plan_options *o)
{
    bool of_others = has_sides_of_others(o);
    if (of_others && o->sizing == ALB_SIZING_IMGPROXY)
        return false;
    if (o->sizing == ALB_SIZING_IMGPROXY)
        return o->fit != ALB_FIT_OUTSIDE && !o->window.on && o->focus_count == 0 && !o->adaptive &&
               !o->outline && within(o->share, 0, 0);
    return o->sizing == ALB_SIZING_THUMBNAIL && o->fit != ALB_FIT_COVER_DOWN && o->fit != ALB_FIT_AUTO &&
           !o->crop.on && within(o->share, 0, 1) && window_ok(&o->window) && focus_ok(o);
}

static bool sides_ok(const struct alb_plan_options *o)
{
    const uint32_t sides[] = {o->width,      o->height,     o->min_width,  o->min_height,
                              o->padding[0], o->padding[1], o->padding[2], o->padding[3]};
    for (size_t i = 0; i < ALB_ARRAY_LEN(sides); i++) {
        if (sides[i] > OFFSET_MAX)
            return false;
    }
    return factor_ok(o->zoom_x) && factor_ok(o->zoom_y) && factor_ok(o->dpr);
}

static bool geometry_ok(const struct alb_plan_options *o)
{
    if ((unsigned)o->fit >= ALB_FIT_COUNT || (unsigned)o->kernel >= ALB_KERNEL_COUNT || o->turn % 90 != 0 ||
        o->turn >= 360)
        return false;
    if (o->shrink_margin != ALB_SHRINK_NEVER && o->shrink_margin != 0 &&
        (o->shrink_margin < 1000 || o->shrink_margin > 8000))
        return false;
    return sizing_ok(o) && fill_ok(&o->fill) && sides_ok(o) && gravity_ok(&o->gravity, true) &&
           gravity_ok(&o->extend.at, false) && gravity_ok(&o->extend_aspect.at, false);
}

static bool lists_ok(const struct alb_output *o)
{
    const uint16_t all =
        (uint16_t)((ALB_FORMAT_BIT(ALB_FORMAT_COUNT) - 1) & ~ALB_FORMAT_BIT(ALB_FORMAT_SAME));
    for (size_t i = 0; i < ALB_FORMAT_LIST; i++) {
        if ((unsigned)o->automatic[i] >= ALB_FORMAT_COUNT || (unsigned)o->preferred[i] >= ALB_FORMAT_COUNT)
            return false;
    }
    for (size_t i = 0; i < ALB_FORMAT_COUNT; i++) {
        if (o->quality[i] > 100 || o->effort[i] > 10)
            return false;
    }
    return (unsigned)o->format < ALB_FORMAT_COUNT && (o->keep & ~all) == 0 && (o->best & ~all) == 0;
}

static bool words_ok(const struct alb_output *o)
{
    return (unsigned)o->autoquality < ALB_AUTOQUALITY_COUNT && (unsigned)o->profile < ALB_PROFILE_COUNT &&
           (unsigned)o->chroma < ALB_CHROMA_COUNT && (unsigned)o->heif_chroma < ALB_CHROMA_COUNT &&
           (unsigned)o->webp_mode < ALB_WEBP_MODE_COUNT && (unsigned)o->webp_preset < ALB_WEBP_PRESET_COUNT;
}

/* Some quality is left for every format. */
static bool ranges_ok(const struct alb_output *o)
{
    for (size_t i = 0; i < ALB_FORMAT_COUNT; i++) {
        unsigned least = o->least_of[i] ? o->least_of[i] : o->least;
        unsigned most = o->most_of[i] ? o->most_of[i] : o->most;
        if (least > most || most > 100)
            return false;
    }
    return o->least >= 1 && o->least <= o->most;
}

static bool qualities_ok(const struct alb_output *o)
{
    if (o->autoquality != ALB_AUTOQUALITY_OFF && (!(o->target > 0) || !ranges_ok(o)))
        return false;
    return within(o->best_plain, 0, 64) && within(o->target, 0, 1e15) && within(o->error, 0, 1e15) &&
           o->least <= 100 && o->most <= 100;
}

bool alb_output_ok(const struct alb_output *o)
{
    if (!lists_ok(o) || !words_ok(o) || !qualities_ok(o))
        return false;
    if ((o->profile == ALB_PROFILE_INPUT) != (o->profile_input > 0) || o->profile_input >= ALB_PLAN_INPUTS)
        return false;
    return within(o->dpi, 0, 100000) && o->jpeg_table <= 8 && o->png_colors <= 256 && o->png_colors != 1;
}

static bool tiles_ok(const struct alb_tiles *t)
{
    if (!within(t->step, -1e9, 1e9) || !within(t->focus_x, 0, 1) || !within(t->focus_y, 0, 1))
        return false;
    if (!(t->step < 0) && !(t->step > 0))
        return true;
    return t->columns > 0 && t->rows > 0 && t->columns <= ALB_TILES_MAX && t->rows <= ALB_TILES_MAX &&
           t->width > 0 && t->height > 0 && t->width <= ALB_TILE_SIDE_MAX && t->height <= ALB_TILE_SIDE_MAX &&
           t->delay <= 60000;
}

/* Layers and frames of all levels, as they are met. */
struct layers {
    unsigned depth, count;
};

static enum alb_code check_chain(const struct alb_plan_options *options, struct layers *l,
                                 struct alb_err *err);

static enum alb_code check_layers(const struct alb_plan_options *o, struct layers *l, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    for (uint32_t i = 0; code == ALB_OK && i < o->overlay_count; i++) {
        const struct alb_effect *e = &o->overlays[i];
        if (e->kind != ALB_EFFECT_LAYER && e->kind != ALB_EFFECT_FRAME)
            continue;
        if (++l->count > ALB_LAYERS_MAX || l->depth == ALB_LAYER_DEPTH)
            return alb_fail(err, ALB_E_INVALID,
                            "more than %u pictures on each other, or %d within each other", ALB_LAYERS_MAX,
                            ALB_LAYER_DEPTH);
        l->depth++;
        code = e->layer ? check_chain(e->layer, l, err) : ALB_OK;
        l->depth--;
    }
    return code;
}

static bool source_ok(const struct alb_plan_options *o)
{
    return within(o->video_second, 0, 1e9) && o->style.n <= ALB_STYLE_MAX && within(o->dpi, 0, ALB_FONT_DPI);
}

static enum alb_code check_pipeline(const struct alb_plan_options *o, struct layers *l, struct alb_err *err)
{
    if (!crop_ok(o))
        return alb_fail(err, ALB_E_INVALID, "trim or crop out of range");
    bool is_below = o->below_width || o->below_height;
    if (!geometry_ok(o) || (is_below && l->depth == 0))
        return alb_fail(err, ALB_E_INVALID, "size, gravity, turn or padding out of range");
    if (!effects_ok(o->effects, o->effect_count, false) || !effects_ok(o->overlays, o->overlay_count, true))
        return alb_fail(err, ALB_E_INVALID, "an effect or an overlay is out of range");
    if (o->background > 0xffffff || !within(o->background_alpha, 0, 1))
        return alb_fail(err, ALB_E_INVALID, "background out of range");
    if (!source_ok(o))
        return alb_fail(err, ALB_E_INVALID, "style, time or resolution out of range");
    if (!tiles_ok(&o->sheet) || !tiles_ok(&o->film) || o->film.rows > 1)
        return alb_fail(err, ALB_E_INVALID, "frames of a video out of range");
    return check_layers(o, l, err);
}

static enum alb_code check_chain(const struct alb_plan_options *options, struct layers *l,
                                 struct alb_err *err)
{
    unsigned count = 0;
    enum alb_code code = ALB_OK;
    for (const struct alb_plan_options *o = options; code == ALB_OK && o; o = o->next) {
        if (++count > ALB_PIPELINES_MAX)
            return alb_fail(err, ALB_E_INVALID, "more than %d pipelines", ALB_PIPELINES_MAX);
        code = check_pipeline(o, l, err);
    }
    return code;
}

enum alb_code alb_plan_options_check(const struct alb_plan_options *options, struct alb_err *err)
{
    struct layers l = {0, 0};
    if (!alb_output_ok(&options->output))
        return alb_fail(err, ALB_E_INVALID,
                        "format, quality or another option of the output is out of range");
    return check_chain(options, &l, err);
}
