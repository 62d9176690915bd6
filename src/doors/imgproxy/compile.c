/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/imgproxy/compile_priv.h"

#include <math.h>
#include <string.h>

/* ---- words ---- */

enum alb_format alb_imgproxy_to_format(enum alb_imgproxy_format f)
{
    static const enum alb_format formats[ALB_IMGPROXY_FORMATS] = {
        [ALB_IMGPROXY_JPEG] = ALB_FORMAT_JPEG, [ALB_IMGPROXY_JXL] = ALB_FORMAT_JXL,
        [ALB_IMGPROXY_PNG] = ALB_FORMAT_PNG,   [ALB_IMGPROXY_WEBP] = ALB_FORMAT_WEBP,
        [ALB_IMGPROXY_GIF] = ALB_FORMAT_GIF,   [ALB_IMGPROXY_ICO] = ALB_FORMAT_ICO,
        [ALB_IMGPROXY_HEIC] = ALB_FORMAT_HEIC, [ALB_IMGPROXY_AVIF] = ALB_FORMAT_AVIF,
        [ALB_IMGPROXY_BMP] = ALB_FORMAT_BMP,   [ALB_IMGPROXY_TIFF] = ALB_FORMAT_TIFF,
    };
    return (unsigned)f < ALB_IMGPROXY_FORMATS ? formats[f] : ALB_FORMAT_SAME;
}

enum alb_imgproxy_format alb_imgproxy_of_type(enum alb_type t)
{
    static const enum alb_imgproxy_format formats[ALB_TYPE_COUNT] = {
        [ALB_TYPE_JPEG] = ALB_IMGPROXY_JPEG, [ALB_TYPE_JXL] = ALB_IMGPROXY_JXL,
        [ALB_TYPE_PNG] = ALB_IMGPROXY_PNG,   [ALB_TYPE_WEBP] = ALB_IMGPROXY_WEBP,
        [ALB_TYPE_GIF] = ALB_IMGPROXY_GIF,   [ALB_TYPE_ICO] = ALB_IMGPROXY_ICO,
        [ALB_TYPE_SVG] = ALB_IMGPROXY_SVG,   [ALB_TYPE_HEIC] = ALB_IMGPROXY_HEIC,
        [ALB_TYPE_AVIF] = ALB_IMGPROXY_AVIF, [ALB_TYPE_BMP] = ALB_IMGPROXY_BMP,
        [ALB_TYPE_TIFF] = ALB_IMGPROXY_TIFF, [ALB_TYPE_PDF] = ALB_IMGPROXY_PDF,
        [ALB_TYPE_MP4] = ALB_IMGPROXY_MP4,
    };
    return (unsigned)t < ALB_TYPE_COUNT ? formats[t] : ALB_IMGPROXY_FORMAT_NONE;
}

struct alb_gravity alb_imgproxy_to_gravity(const struct alb_imgproxy_gravity *g)
{
    static const enum alb_gravity_kind kinds[] = {
        [ALB_IMGPROXY_NOWHERE] = ALB_GRAVITY_CENTRE,  [ALB_IMGPROXY_CE] = ALB_GRAVITY_CENTRE,
        [ALB_IMGPROXY_NO] = ALB_GRAVITY_NORTH,        [ALB_IMGPROXY_EA] = ALB_GRAVITY_EAST,
        [ALB_IMGPROXY_SO] = ALB_GRAVITY_SOUTH,        [ALB_IMGPROXY_WE] = ALB_GRAVITY_WEST,
        [ALB_IMGPROXY_NOWE] = ALB_GRAVITY_NORTH_WEST, [ALB_IMGPROXY_NOEA] = ALB_GRAVITY_NORTH_EAST,
        [ALB_IMGPROXY_SOWE] = ALB_GRAVITY_SOUTH_WEST, [ALB_IMGPROXY_SOEA] = ALB_GRAVITY_SOUTH_EAST,
        [ALB_IMGPROXY_SM] = ALB_GRAVITY_SMART,        [ALB_IMGPROXY_FP] = ALB_GRAVITY_POINT,
        [ALB_IMGPROXY_RE] = ALB_GRAVITY_CENTRE,       [ALB_IMGPROXY_CH] = ALB_GRAVITY_CENTRE,
    };
    return (struct alb_gravity){kinds[g->place], g->x, g->y};
}

static uint32_t side(int64_t v)
{
    return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* ---- inputs ---- */

unsigned alb_imgproxy_input_of(struct alb_imgproxy_compiling *k, const struct alb_imgproxy_source *source,
                               struct alb_str profile)
{
    struct alb_imgproxy_wish *w = k->out;
    for (unsigned i = 0; i < w->inputs; i++) {
        const struct alb_imgproxy_input *in = &w->input[i];
        bool same = source && in->source ? alb_str_eq(in->source->url, source->url) : source == in->source;
        if (same && alb_str_eq(in->profile, profile))
            return i + 1;
    }
    if (w->inputs == ALB_ARRAY_LEN(w->input))
        return 0;
    w->input[w->inputs++] = (struct alb_imgproxy_input){source, profile};
    return w->inputs;
}

/* ---- effects ---- */

struct effects {
    struct alb_effect list[ALB_EFFECTS_MAX + 1]; /* the last one takes what is too many */
    uint32_t count;
    bool too_many;
};

static struct alb_effect *add(struct effects *e, enum alb_effect_kind kind, double amount)
{
    struct alb_effect *f = &e->list[e->count];
    if (e->count == ALB_EFFECTS_MAX)
        e->too_many = true;
    else
        e->count++;
    memset(f, 0, sizeof(*f));
    f->kind = kind;
    f->amount = amount;
    return f;
}

static void add_ramp(struct alb_effect *f, const struct alb_imgproxy_ramp *ramp)
{
    f->angle = ramp->angle;
    f->start = ramp->start;
    f->stop = ramp->stop;
}

static void add_blurs(struct effects *e, const struct alb_imgproxy_pipeline *p)
{
    if (p->blur > 0)
        add(e, ALB_EFFECT_BLUR, p->blur);
    if (p->progressive_blur.sigma > 0)
        add_ramp(add(e, ALB_EFFECT_BLUR_RAMP, p->progressive_blur.sigma), &p->progressive_blur.ramp);
    if (p->sharpen > 0)
        add(e, ALB_EFFECT_SHARPEN, p->sharpen);
    if ((p->given & ALB_IMGPROXY_GIVEN_UNSHARP) && p->unsharp.mode != ALB_IMGPROXY_UNSHARP_NONE) {
        struct alb_effect *f = add(e, ALB_EFFECT_UNSHARP, p->unsharp.weight);
        f->amount2 = p->unsharp.divider;
        f->keep = p->unsharp.mode == ALB_IMGPROXY_UNSHARP_AUTO;
    }
    if (p->pixelate > 1)
        add(e, ALB_EFFECT_PIXELATE, (double)p->pixelate);
    for (size_t i = 0; p->blur_areas.sigma > 0 && i < p->blur_areas.count; i++) {
        const struct alb_imgproxy_area *a = &p->blur_areas.area[i];
        struct alb_effect *f = add(e, ALB_EFFECT_BLUR, p->blur_areas.sigma);
        f->left = a->left;
        f->top = a->top;
        f->width = a->width;
        f->height = a->height;
    }
}

static void add_tones(struct effects *e, const struct alb_imgproxy_pipeline *p)
{
    if (p->brightness != 0)
        add(e, ALB_EFFECT_BRIGHTNESS, p->brightness);
    if (p->contrast != 1) /* NOLINT: as it was written */
        add(e, ALB_EFFECT_CONTRAST, p->contrast);
    if (p->saturation != 1) /* NOLINT: as it was written */
        add(e, ALB_EFFECT_SATURATION, p->saturation);
    if (p->monochrome.intensity > 0)
        add(e, ALB_EFFECT_MONOCHROME, p->monochrome.intensity)->rgb = p->monochrome.colour;
    if (p->duotone.intensity > 0) {
        struct alb_effect *f = add(e, ALB_EFFECT_DUOTONE, p->duotone.intensity);
        f->rgb = p->duotone.dark;
        f->rgb2 = p->duotone.light;
    }
    if (p->colorize.opacity > 0) {
        struct alb_effect *f = add(e, ALB_EFFECT_COLORIZE, p->colorize.opacity);
        f->rgb = p->colorize.colour;
        f->keep = p->colorize.keep_alpha;
    }
    if (p->gradient.opacity > 0) {
        struct alb_effect *f = add(e, ALB_EFFECT_GRADIENT, p->gradient.opacity);
        f->rgb = p->gradient.colour;
        add_ramp(f, &p->gradient.ramp);
    }
}

/* Is there anything to be laid over, and is it known what? Without a picture configured none is meant. */
static bool has_watermark(const struct alb_imgproxy_compiling *k, const struct alb_imgproxy_pipeline *p)
{
    bool configured = k->c->watermark_data.n > 0 || k->c->watermark_path.n > 0 || k->c->watermark_url.n > 0;
    return p->watermark.opacity > 0 && (p->watermark.text.n > 0 || p->watermark.source.url.p || configured);
}

static enum alb_imgproxy_refusal add_watermark(struct alb_imgproxy_compiling *k, struct effects *e,
                                               const struct alb_imgproxy_pipeline *p)
{
    struct alb_effect *f = add(e, ALB_EFFECT_WATERMARK, 0);
    struct alb_mark *m = &f->mark;
    m->opacity = p->watermark.opacity * k->c->watermark_opacity;
    m->at = alb_imgproxy_to_gravity(&p->watermark.gravity);
    m->tiling = p->watermark.gravity.place == ALB_IMGPROXY_RE   ? ALB_TILING_REPEAT
                : p->watermark.gravity.place == ALB_IMGPROXY_CH ? ALB_TILING_CHESS
                                                                : ALB_TILING_ONE;
    m->scale = p->watermark.scale;
    m->width = side(p->watermark.width);
    m->height = side(p->watermark.height);
    m->rotate = p->watermark.rotate;
    m->shadow = p->watermark.shadow;
    if (p->watermark.text.n > ALB_MARK_TEXT_MAX)
        return alb_imgproxy_refuse(k->err, ALB_IMGPROXY_TOO_LONG, "a watermark's text has at most %d bytes",
                                   ALB_MARK_TEXT_MAX);
    if (p->watermark.text.n > 0) {
        m->text = p->watermark.text;
        return ALB_IMGPROXY_FINE;
    }
    m->input = alb_imgproxy_input_of(k, p->watermark.source.url.p ? &p->watermark.source : NULL, ALB_STR_NONE);
    return m->input > 0 ? ALB_IMGPROXY_FINE
                        : alb_imgproxy_refuse(k->err, ALB_IMGPROXY_TOO_LONG,
                                              "at most %d other pictures may be used", ALB_PLAN_INPUTS - 1);
}

static enum alb_imgproxy_refusal keep_list(struct alb_imgproxy_compiling *k, const struct effects *e,
                                           const struct alb_effect **list, uint32_t *count)
{
    *count = e->count;
    *list = NULL;
    if (e->too_many)
        return alb_imgproxy_refuse(k->err, ALB_IMGPROXY_TOO_LONG, "more than %d effects in one pipeline",
                                   ALB_EFFECTS_MAX);
    if (e->count == 0)
        return ALB_IMGPROXY_FINE;
    struct alb_effect *copy = alb_arena_alloc(k->arena, e->count * sizeof(e->list[0]));
    if (!copy)
        return alb_imgproxy_compile_no_memory(k);
    memcpy(copy, e->list, e->count * sizeof(e->list[0]));
    *list = copy;
    return ALB_IMGPROXY_FINE;
}

static enum alb_imgproxy_refusal compile_effects(struct alb_imgproxy_compiling *k,
                                                 const struct alb_imgproxy_pipeline *p,
                                                 struct alb_plan_options *o)
{
    struct effects *e = ALB_ARENA_NEW(k->arena, struct effects);
    enum alb_imgproxy_refusal no;
    if (!e)
        return alb_imgproxy_compile_no_memory(k);
    add_blurs(e, p);
    add_tones(e, p);
    no = keep_list(k, e, &o->effects, &o->effect_count);
    e->count = 0;
    if (no == ALB_IMGPROXY_FINE && has_watermark(k, p))
        no = add_watermark(k, e, p);
    return no == ALB_IMGPROXY_FINE ? keep_list(k, e, &o->overlays, &o->overlay_count) : no;
}

/* ---- geometry ---- */

/* No picture is larger: a cut that is would be the whole side. */
static double cut_side(double v)
{
    return v < 1 ? v : fmin(floor(v), UINT16_MAX * 256.0);
}

static void compile_crop(const struct alb_imgproxy_pipeline *p, struct alb_plan_options *o)
{
    const struct alb_imgproxy_gravity *at =
        p->crop.gravity.place == ALB_IMGPROXY_NOWHERE ? &p->gravity : &p->crop.gravity;
    o->crop.on = p->crop.width > 0 || p->crop.height > 0 || p->crop.ratio > 0;
    o->crop.width = cut_side(p->crop.width);
    o->crop.height = cut_side(p->crop.height);
    o->crop.at = alb_imgproxy_to_gravity(at);
    o->crop.aspect = p->crop.ratio;
    o->crop.aspect_enlarge = p->crop.ratio_enlarge;
}

static void compile_size(const struct alb_imgproxy_pipeline *p, struct alb_plan_options *o)
{
    static const enum alb_fit fits[] = {
        [ALB_IMGPROXY_FIT] = ALB_FIT_INSIDE,
        [ALB_IMGPROXY_FILL] = ALB_FIT_COVER,
        [ALB_IMGPROXY_FILL_DOWN] = ALB_FIT_COVER_DOWN,
        [ALB_IMGPROXY_FORCE] = ALB_FIT_FORCE,
        [ALB_IMGPROXY_AUTO] = ALB_FIT_AUTO,
    };
    static const enum alb_kernel kernels[] = {
        [ALB_IMGPROXY_NEAREST] = ALB_KERNEL_NEAREST,   [ALB_IMGPROXY_LINEAR] = ALB_KERNEL_LINEAR,
        [ALB_IMGPROXY_CUBIC] = ALB_KERNEL_CUBIC,       [ALB_IMGPROXY_LANCZOS2] = ALB_KERNEL_LANCZOS2,
        [ALB_IMGPROXY_LANCZOS3] = ALB_KERNEL_LANCZOS3,
    };
    o->fit = fits[p->resize];
    o->kernel = kernels[p->kernel];
    o->width = side(p->width);
    o->height = side(p->height);
    o->min_width = side(p->min_width);
    o->min_height = side(p->min_height);
    o->zoom_x = p->zoom_x;
    o->zoom_y = p->zoom_y;
    o->dpr = p->dpr;
    o->enlarge = p->enlarge;
    o->gravity = alb_imgproxy_to_gravity(&p->gravity);
    o->extend = (struct alb_extend){p->extend.on, alb_imgproxy_to_gravity(&p->extend.gravity)};
    o->extend_aspect = (struct alb_extend){p->extend_ar.on, alb_imgproxy_to_gravity(&p->extend_ar.gravity)};
    o->padding[0] = side(p->padding.top);
    o->padding[1] = side(p->padding.right);
    o->padding[2] = side(p->padding.bottom);
    o->padding[3] = side(p->padding.left);
}

static enum alb_imgproxy_refusal compile_pipeline(struct alb_imgproxy_compiling *k,
                                                  const struct alb_imgproxy_pipeline *p,
                                                  struct alb_plan_options *o)
{
    o->ignore_orientation = !p->auto_rotate;
    o->trim.on = p->trim.on;
    o->trim.threshold = fmin(p->trim.threshold, UINT16_MAX); /* no two pixels differ by more */
    o->trim.has_color = p->trim.coloured;
    o->trim.color = p->trim.colour;
    o->trim.equal_h = p->trim.equal_hor;
    o->trim.equal_v = p->trim.equal_ver;
    compile_crop(p, o);
    compile_size(p, o);
    o->turn = p->rotate;
    o->flip_h = p->flip_h;
    o->flip_v = p->flip_v;
    o->side_max = side(k->r->limits.result_side);
    o->linear = k->c->linear;
    o->shrink_margin = k->c->no_shrink_on_load ? ALB_SHRINK_NEVER : 1000;
    o->flatten = p->background_on;
    o->background = p->background_on ? p->background : 0xffffff;
    o->background_alpha = p->background_on ? p->background_alpha : 1;
    return compile_effects(k, p, o);
}

/* ---- what is read ---- */

static struct alb_tiles compile_tiles(const struct alb_imgproxy_tiles *t)
{
    if (!(t->step < 0) && !(t->step > 0))
        return (struct alb_tiles){0};
    return (struct alb_tiles){.step = t->step < 0 ? -1 : fmin(t->step, 1e9),
                              .columns = side(t->columns),
                              .rows = side(t->rows),
                              .delay = side(t->delay),
                              .width = side(t->width),
                              .height = side(t->height),
                              .extend = t->extend,
                              .trim = t->trim,
                              .fill = t->fill,
                              .focus_x = t->fill ? t->focus_x : 0,
                              .focus_y = t->fill ? t->focus_y : 0};
}

static enum alb_imgproxy_refusal compile_source(struct alb_imgproxy_compiling *k, struct alb_plan_options *first)
{
    const struct alb_imgproxy_request *r = k->r;
    if (r->style.n > ALB_STYLE_MAX)
        return alb_imgproxy_refuse(k->err, ALB_IMGPROXY_TOO_LONG, "a style has at most %d bytes",
                                   ALB_STYLE_MAX);
    first->page = side(r->page);
    first->pages = side(r->pages);
    first->frames = r->disable_animation || r->limits.frames <= 1 ? 0 : side(r->limits.frames);
    first->video_second = r->video_second;
    first->video_keyframe = r->video_keyframes;
    first->sheet = compile_tiles(&r->video_tile);
    if (!r->disable_animation)
        first->film = compile_tiles(&r->video_animation);
    first->embedded = r->enforce_thumbnail;
    first->pdf_clear = k->c->pdf_no_background;
    first->style = r->style;
    return ALB_IMGPROXY_FINE;
}

/* ---- limits ---- */

static void compile_limits(const struct alb_imgproxy_request *r, const struct alb_plan_limits *server,
                           struct alb_plan_limits *l)
{
    *l = *server;
    if (r->limits.source_pixels > 0)
        l->source_pixels = (uint64_t)r->limits.source_pixels;
    if (r->limits.source_bytes > 0 && r->limits.source_bytes < l->source_bytes)
        l->source_bytes = r->limits.source_bytes;
    if (r->limits.frames > 0)
        l->frames = side(r->limits.frames);
    l->animation_pixels = l->source_pixels;
    if (r->limits.frame_pixels > 0)
        l->animation_pixels =
            (uint64_t)r->limits.frame_pixels * (uint64_t)(r->limits.frames > 0 ? r->limits.frames : 1);
}

/* ---- the whole ---- */

enum alb_imgproxy_refusal alb_imgproxy_compile(const struct alb_imgproxy_config *c,
                                               const struct alb_imgproxy_request *r,
                                               const struct alb_imgproxy_accept *accept,
                                               const struct alb_plan_limits *limits, struct alb_arena *arena,
                                               struct alb_imgproxy_wish *out, struct alb_err *err)
{
    struct alb_imgproxy_compiling k = {c, r, accept, arena, out, err};
    enum alb_imgproxy_refusal no = ALB_IMGPROXY_FINE;
    memset(out, 0, sizeof(*out));
    _Static_assert(ALB_IMGPROXY_PIPELINES_MAX <= ALB_PIPELINES_MAX, "every request fits into a plan");
    struct alb_plan_options *all = alb_arena_calloc(arena, r->pipelines, sizeof(*all));
    if (!all)
        return alb_imgproxy_compile_no_memory(&k);
    for (size_t i = 0; no == ALB_IMGPROXY_FINE && i < r->pipelines; i++) {
        alb_plan_options_init(&all[i]);
        no = compile_pipeline(&k, r->pipeline[i], &all[i]);
        all[i].next = i + 1 < r->pipelines ? &all[i + 1] : NULL;
    }
    if (no == ALB_IMGPROXY_FINE)
        no = compile_source(&k, &all[0]);
    if (no == ALB_IMGPROXY_FINE)
        no = alb_imgproxy_compile_output(&k, &all[0].output);
    compile_limits(r, limits, &out->limits);
    out->options = all;
    return no;
}
