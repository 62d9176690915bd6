/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the steps of a plan in order. A single picture is one lazy libvips pipeline that the encoder pulls
 * through, so memory stays small. An animation is held in memory, each frame goes through the steps alone
 * (nothing bleeds over its edges), and the frames are joined again. A layer is made once, all frames of it, before
 * it is first laid over; layers have layers, ALB_LAYER_DEPTH deep.
 */
#include "image/general.h"

#include <string.h>

#include "image/general_effects.h"
#include "image/general_layers.h"
#include "image/general_steps.h"
#include "image/general_tiles.h"
#include "image/load.h"

struct job {
    const struct alb_plan *plan;
    const struct alb_str *inputs;
    struct alb_raw *raws[ALB_LAYERS_MAX + 1]; /* stay alive behind their pictures until the end */
    unsigned raw_count;
    struct alb_layers *layers;
    struct alb_err *err;
};

static enum alb_code not_as_planned(struct alb_err *err)
{
    return alb_fail(err, ALB_E_UNPROCESSABLE, "the source is not what the plan was made for");
}

static bool within_one(uint32_t a, int b)
{
    int64_t d = (int64_t)a - b;
    return d >= -1 && d <= 1;
}

static bool keeps_metadata(const struct alb_plan_step *last)
{
    return last->kind == ALB_STEP_ENCODE &&
           (last->u.encode.output.keep_metadata || last->u.encode.output.keep_copyright);
}

static bool asks_size(const struct alb_plan *p)
{
    const struct alb_plan_step *last = &p->steps[p->count - 1];
    return last->kind == ALB_STEP_FIND_TRIM && last->u.find_trim.size_only;
}

/* Developed, or its preview as what is to be loaded: then *out stays NULL. */
static enum alb_code load_raw(struct job *j, const struct alb_plan_step *s, struct alb_load *l,
                              VipsImage **out)
{
    if (j->raw_count == ALB_ARRAY_LEN(j->raws))
        return not_as_planned(j->err);
    struct alb_raw **raw = &j->raws[j->raw_count++];
    enum alb_code code = alb_raw_open(l->bytes, raw, j->err);
    if (code != ALB_OK)
        return code;
    if (s->u.load.how == ALB_LOAD_DEVELOP) {
        *out = alb_raw_develop(*raw, j->err);
        return *out ? ALB_OK : ALB_E_UNPROCESSABLE;
    }
    l->type = ALB_TYPE_JPEG;
    l->bytes = alb_raw_preview(*raw);
    return l->bytes.n > 0 ? ALB_OK : not_as_planned(j->err);
}

/* The picture that a LOAD step names, with the size it promises. */
static enum alb_code load(struct job *j, const struct alb_plan_step *s, VipsImage **out)
{
    struct alb_load l = ALB_LOAD_INIT(s->u.load.type, j->inputs[s->u.load.input]);
    *out = NULL;
    if (s->u.load.tiles.columns > 0) {
        *out = alb_tiles_open(s, l.bytes, asks_size(j->plan), j->err);
        return *out ? ALB_OK : j->err->code;
    }
    if (alb_type_class(l.type) == ALB_CLASS_RAW) {
        enum alb_code code = load_raw(j, s, &l, out);
        if (code != ALB_OK || *out)
            return code;
    }
    l.eighths = s->u.load.eighths;
    l.page = s->u.load.page;
    l.pages = (int)s->u.load.pages;
    l.random = s->u.load.pages > 1;
    l.strict = s->u.load.strict;
    l.thumbnail = s->u.load.how == ALB_LOAD_THUMBNAIL;
    l.style = (struct alb_str){j->plan->texts + s->u.load.style.at, s->u.load.style.n};
    l.second = s->u.load.video_second;
    l.keyframe = s->u.load.video_keyframe;
    l.clear = s->u.load.pdf_clear;
    l.plain = s->u.load.input > 0 || !keeps_metadata(&j->plan->steps[j->plan->count - 1]);
    if (s->u.load.how == ALB_LOAD_SCALED)
        l.scale = (double)s->width / s->u.load.source_width;
    *out = alb_load_open(&l, j->err);
    if (*out)
        return ALB_OK;
    return j->err->code != ALB_OK ? j->err->code : ALB_E_UNPROCESSABLE;
}

/* What the loader may give when `side` was asked for. */
static int64_t most(uint32_t side, uint32_t source_side)
{
    int64_t least = (int64_t)(source_side * ALB_LOAD_SCALE_MIN);
    return 2 * (side > least ? (int64_t)side : least) + 16;
}

/* Whether the loader gives the very size that the plan says. */
static bool is_exact(const struct alb_plan_step *s)
{
    bool power = (s->u.load.eighths & (s->u.load.eighths - 1)) == 0; /* else libvips may have to stand in */
    return s->u.load.how == ALB_LOAD_FULL || (s->u.load.how == ALB_LOAD_EIGHTHS && power) ||
           s->u.load.how == ALB_LOAD_DEVELOP;
}

/* Loaders round; a vector may have a natural size between two pixels. What is off by little is made to fit.
 */
static enum alb_code fit_to_plan(const struct job *j, const struct alb_plan_step *s, VipsImage **image,
                                 int page_height)
{
    int w = vips_image_get_width(*image);
    bool exact = is_exact(s);
    if (exact && (s->width != (uint32_t)w || s->height != (uint32_t)page_height))
        return not_as_planned(j->err);
    if (s->u.load.type == ALB_TYPE_WEBP && (!within_one(s->width, w) || !within_one(s->height, page_height)))
        return not_as_planned(j->err);
    if (exact || (s->width == (uint32_t)w && s->height == (uint32_t)page_height))
        return ALB_OK;
    if (w > most(s->width, s->u.load.source_width) || page_height > most(s->height, s->u.load.source_height))
        return not_as_planned(j->err);
    return alb_step_resize(image, s->width, s->height, ALB_KERNEL_LANCZOS3, j->err);
}

/* What a mark is made of: a picture, or words. */
static struct alb_str mark_bytes(const struct job *j, const struct alb_plan_step *s)
{
    if (s->u.mark.input > 0)
        return j->inputs[s->u.mark.input];
    return (struct alb_str){j->plan->texts + s->u.mark.text.at, s->u.mark.text.n};
}

static enum alb_code flatten(const struct job *j, const struct alb_plan_step *s, VipsImage **image)
{
    uint32_t rgb = s->u.flatten.rgb;
    enum alb_code code = ALB_OK;
    if (s->u.flatten.mean && vips_image_hasalpha(*image)) {
        code = alb_step_hold(image, j->err); /* it is read twice */
        if (code == ALB_OK)
            code = alb_image_mean(*image, &rgb, j->err);
        if (code != ALB_OK)
            g_clear_object(image);
    }
    return code == ALB_OK ? alb_step_flatten(image, rgb, s->u.flatten.alpha, j->err) : code;
}

static enum alb_code run_step(const struct job *j, const struct alb_plan_step *s, VipsImage **image)
{
    switch (s->kind) {
    case ALB_STEP_RESIZE:
        return alb_step_resize(image, s->width, s->height, s->u.resize.kernel, j->err);
    case ALB_STEP_CROP:
        return alb_step_crop(image, s->u.crop.left, s->u.crop.top, s->width, s->height, j->err);
    case ALB_STEP_SMART_CROP:
        return alb_step_smart_crop(image, s, j->err);
    case ALB_STEP_TURN:
        return alb_step_turn(image, s->u.turn.orientation, j->err);
    case ALB_STEP_COLOUR:
        return alb_step_colour(image, s->u.colour.to, s->u.colour.deep, j->err);
    case ALB_STEP_EFFECT:
        return alb_step_effect(image, s, (struct alb_str){j->plan->texts + s->u.effect.data.at, s->u.effect.data.n},
                               j->err);
    case ALB_STEP_CANVAS:
        return alb_step_canvas(image, s, j->err);
    case ALB_STEP_FLATTEN:
        return flatten(j, s, image);
    case ALB_STEP_MARK:
        return alb_step_mark(image, s, j->plan->texts, mark_bytes(j, s), j->err);
    case ALB_STEP_NINE:
        return alb_step_nine(image, s->width, s->height, j->err);
    case ALB_STEP_BLEND:
    case ALB_STEP_LOAD:
    case ALB_STEP_ENCODE:
    case ALB_STEP_FIND_TRIM:
        break;
    }
    g_clear_object(image);
    return alb_fail(j->err, ALB_E_INVALID, "a plan in disorder");
}

static enum alb_code lay_over(struct job *j, uint32_t begin, uint32_t frame, VipsImage **image);

/* Every step of [from, to) that is no end; layers in between as frame `frame` sees them. */
static enum alb_code run_steps(struct job *j, uint32_t from, uint32_t to, uint32_t frame, VipsImage **image)
{
    enum alb_code code = ALB_OK;
    for (uint32_t i = from; code == ALB_OK && i < to; i++) {
        const struct alb_plan_step *s = &j->plan->steps[i];
        if (s->kind != ALB_STEP_LOAD) {
            code = run_step(j, s, image);
            continue;
        }
        code = lay_over(j, i, frame, image);
        i = alb_layer_end(j->plan, i);
    }
    return code;
}

static enum alb_code still(struct job *j, uint32_t load, uint32_t to, VipsImage **image)
{
    enum alb_code code = fit_to_plan(j, &j->plan->steps[load], image, vips_image_get_height(*image));
    if (code == ALB_OK)
        code = run_steps(j, load + 1, to, 0, image);
    return code;
}

/* ---- frames ---- */

static enum alb_code frame(struct job *j, VipsImage *all, uint32_t load, uint32_t to, uint32_t i,
                           int page_height, VipsImage **out)
{
    if (vips_crop(all, out, 0, (int)i * page_height, vips_image_get_width(all), page_height, NULL) != 0)
        return alb_load_fail(j->err, ALB_E_UNPROCESSABLE, "frame");
    enum alb_code code = run_steps(j, load + 1, to, i, out);
    if (code == ALB_OK)
        code = alb_step_hold(out, j->err);
    return code;
}

/* Takes *all over; frames: as many as LOAD has pages. */
static enum alb_code make_frames(struct job *j, VipsImage **all, uint32_t load, uint32_t to,
                                 VipsImage **frames)
{
    const struct alb_plan_step *s = &j->plan->steps[load];
    int page_height = vips_image_get_page_height(*all);
    uint32_t n = s->u.load.pages;
    if ((uint64_t)n * (uint64_t)page_height != (uint64_t)vips_image_get_height(*all))
        return not_as_planned(j->err);
    enum alb_code code = fit_to_plan(j, s, all, page_height);
    for (uint32_t i = 0; code == ALB_OK && i < n; i++)
        code = frame(j, *all, load, to, i, page_height, &frames[i]);
    return code;
}

/* ---- layers ---- */

/* All frames of the layer that begins with step `begin`, held: they are laid over more than one frame. */
static enum alb_code make_layer(struct job *j, uint32_t begin, struct alb_layer *layer)
{
    const struct alb_plan_step *s = &j->plan->steps[begin];
    uint32_t to = alb_layer_end(j->plan, begin);
    VipsImage *image = NULL;
    enum alb_code code = alb_layer_new(layer, s->u.load.animated ? s->u.load.pages : 1, j->err);
    if (code == ALB_OK)
        code = load(j, s, &image);
    if (code == ALB_OK && s->u.load.animated) {
        code = make_frames(j, &image, begin, to, layer->frames);
    } else if (code == ALB_OK) {
        code = still(j, begin, to, &image);
        if (code == ALB_OK)
            code = alb_step_hold(&image, j->err);
        layer->frames[0] = code == ALB_OK ? g_object_ref(image) : NULL;
    }
    g_clear_object(&image);
    return code;
}

static enum alb_code lay_over(struct job *j, uint32_t begin, uint32_t frame, VipsImage **image)
{
    struct alb_layer *layer = alb_layers_at(j->layers, begin);
    enum alb_code code = layer->count > 0 ? ALB_OK : make_layer(j, begin, layer);
    if (code != ALB_OK) {
        g_clear_object(image);
        return code;
    }
    return alb_step_blend(image, layer->frames[frame % layer->count],
                          &j->plan->steps[alb_layer_end(j->plan, begin)], j->err);
}

/* ---- animations ---- */

/* The times of the file's frames become those of the frames that are here. */
static void fit_delays(const struct job *j, VipsImage *image, int n)
{
    int *all, have, from = (int)j->plan->steps[0].u.load.page;
    if (!vips_image_get_typeof(image, "delay") ||
        vips_image_get_array_int(image, "delay", &all, &have) != 0 || (from == 0 && have == n))
        return;
    int *some = g_new0(int, n);
    for (int i = 0; i < n && from + i < have; i++)
        some[i] = all[from + i];
    vips_image_set_array_int(image, "delay", some, n);
    g_free(some);
}

static enum alb_code join(const struct job *j, VipsImage **frames, int n, VipsImage **out)
{
    VipsImage *joined = NULL;
    if (vips_arrayjoin(frames, &joined, n, "across", 1, NULL) != 0)
        return alb_load_fail(j->err, ALB_E_UNPROCESSABLE, "frames");
    int rc = vips_copy(joined, out, NULL);
    g_object_unref(joined);
    if (rc != 0)
        return alb_load_fail(j->err, ALB_E_UNPROCESSABLE, "frames");
    vips_image_set_int(*out, VIPS_META_PAGE_HEIGHT, vips_image_get_height(frames[0]));
    fit_delays(j, *out, n);
    return ALB_OK;
}

static enum alb_code animation(struct job *j, uint32_t to, VipsImage **image)
{
    uint32_t n = j->plan->steps[0].u.load.pages;
    VipsImage *all = *image, *joined = NULL;
    *image = NULL;
    VipsImage **frames = g_new0(VipsImage *, n);
    enum alb_code code = make_frames(j, &all, 0, to, frames);
    if (code == ALB_OK)
        code = join(j, frames, (int)n, &joined);
    for (uint32_t i = 0; i < n; i++)
        g_clear_object(&frames[i]);
    g_free(frames);
    g_clear_object(&all);
    *image = joined;
    return code;
}

enum alb_code alb_general_render(const struct alb_plan *plan, const struct alb_str *inputs, int result_fd,
                                 struct alb_general_outcome *outcome, struct alb_err *err)
{
    struct job j = {.plan = plan, .inputs = inputs, .err = err};
    const struct alb_plan_step *last = &plan->steps[plan->count - 1];
    uint32_t first = alb_layer_open(plan), end = plan->count - 1;
    VipsImage *image = NULL;
    j.layers = alb_layers_new(plan);
    enum alb_code code = load(&j, &plan->steps[first], &image);
    bool size_only = asks_size(plan), moves = first == 0 && plan->steps[0].u.load.animated;
    if (code == ALB_OK && !size_only)
        code = moves ? animation(&j, end, &image) : still(&j, first, end, &image);
    if (code == ALB_OK && size_only)
        outcome->trim = (struct alb_rect){0, 0, (uint32_t)vips_image_get_width(image),
                                          (uint32_t)vips_image_get_height(image)};
    else if (code == ALB_OK && last->kind == ALB_STEP_FIND_TRIM && last->u.find_trim.frame)
        code = alb_step_find_frame(&image, &outcome->trim, err);
    else if (code == ALB_OK && last->kind == ALB_STEP_FIND_TRIM)
        code = alb_step_find_trim(image, last, &outcome->trim, err);
    else if (code == ALB_OK)
        code = alb_step_encode(&image, last, inputs[last->u.encode.output.profile_input], result_fd,
                               &outcome->format, err);
    g_clear_object(&image);
    alb_layers_free(&j.layers);
    for (unsigned i = 0; i < j.raw_count; i++)
        alb_raw_close(&j.raws[i]);
    return code;
}

enum alb_code alb_general_canary(struct alb_err *err)
{
    static const char svg[] =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"200\" height=\"60\">"
        "<text x=\"10\" y=\"40\" font-family=\"sans-serif\" font-size=\"30\">albumen</text></svg>";
    struct alb_load l = ALB_LOAD_INIT(ALB_TYPE_SVG, ((struct alb_str){svg, sizeof(svg) - 1}));
    VipsImage *image = alb_load_open(&l, err);
    double ink = 0;
    if (!image)
        return ALB_E_UNPROCESSABLE;
    int rc = vips_avg(image, &ink, NULL); /* everything is transparent black without it */
    g_object_unref(image);
    if (rc != 0)
        return alb_load_fail(err, ALB_E_UNPROCESSABLE, "canary");
    return ink > 0 ? ALB_OK
                   : alb_fail(err, ALB_E_UNPROCESSABLE, "text is drawn without ink: no fonts can be reached");
}
