/* SPDX-License-Identifier: Apache-2.0
 *
 * The path behind the signature -> a request (contract: options.h; rows: options_table.c; presets: preset.c).
 */
#include "doors/imgproxy/options.h"

#include <math.h>
#include <string.h>

#include "doors/imgproxy/options_priv.h"

#define SHOWN 60

/* ---- an empty request ---- */

static void pipeline_init(const struct alb_imgproxy_config *c, struct alb_imgproxy_pipeline *p)
{
    const struct alb_imgproxy_gravity centre = {.place = ALB_IMGPROXY_CE};

    p->kernel = ALB_IMGPROXY_LANCZOS3;
    p->zoom_x = p->zoom_y = p->dpr = 1;
    p->extend.gravity = p->extend_ar.gravity = p->gravity = p->watermark.gravity = centre;
    p->auto_rotate = c->auto_rotate;
    p->background_alpha = p->contrast = p->saturation = 1;
    p->monochrome.colour = 0xb3b3b3;
    p->duotone.light = 0xffffff;
    p->unsharp = c->unsharp;
    p->progressive_blur.ramp.stop = p->gradient.ramp.stop = 1;
}

static struct alb_imgproxy_pipeline *
add_pipeline(struct alb_arena *arena, const struct alb_imgproxy_config *c, struct alb_imgproxy_request *r)
{
    struct alb_imgproxy_pipeline *p = ALB_ARENA_NEW(arena, struct alb_imgproxy_pipeline);

    if (p != NULL) {
        pipeline_init(c, p);
        if (r->pipelines > 0) /* a file's orientation is gone after the first one */
            p->auto_rotate = false;
        r->pipeline[r->pipelines++] = p;
    }
    return p;
}

static void info_init(struct alb_imgproxy_info *i)
{
    i->size = i->format = i->dimensions = i->exif = i->iptc = i->xmp = i->video_meta = true;
    i->average_ignore_transparent = true;
    i->crop_gravity.place = ALB_IMGPROXY_CE;
}

enum alb_imgproxy_refusal alb_imgproxy_request_init(const struct alb_imgproxy_setting *set, bool info,
                                                    struct alb_imgproxy_request *r, struct alb_err *err)
{
    const struct alb_imgproxy_config *c = set->config;

    memset(r, 0, sizeof(*r));
    r->is_info = info;
    info_init(&r->info);
    memcpy(r->format_quality, c->format_quality, sizeof(r->format_quality));
    r->autoquality = c->autoquality;
    r->jpeg = c->jpeg;
    r->png = c->png;
    r->webp_compression = c->webp_compression;
    r->webp_smart_subsample = c->webp_smart_subsample;
    r->webp_preset = c->webp_preset;
    r->avif_subsample = c->avif_subsample;
    r->strip_metadata = c->strip_metadata;
    r->keep_copyright = c->keep_copyright;
    r->strip_profile = c->strip_profile;
    r->preserve_hdr = c->preserve_hdr;
    r->enforce_thumbnail = c->enforce_thumbnail;
    r->pages = 1;
    r->video_second = c->video_second;
    r->video_keyframes = c->video_keyframes;
    r->skip_formats = c->skip_formats;
    r->limits = c->limits;
    r->attachment = c->attachment;
    if (add_pipeline(set->arena, c, r) == NULL)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_NO_MEMORY, "no memory for a pipeline");
    return ALB_IMGPROXY_FINE;
}

/* ---- options ---- */

static enum alb_imgproxy_refusal split_arguments(struct alb_imgproxy_option *o, struct alb_str segment)
{
    struct alb_str rest = segment, piece;
    struct alb_err *err = o->parser->err;

    (void)alb_imgproxy_next(&rest, o->parser->config->separator, &o->name);
    o->args = 0;
    while (alb_imgproxy_next(&rest, o->parser->config->separator, &piece)) {
        if (o->args == ALB_IMGPROXY_ARGS_MAX)
            return alb_imgproxy_refuse(err, ALB_IMGPROXY_TOO_LONG, "%.*s: more than %d arguments",
                                       (int)(o->name.n > SHOWN ? SHOWN : o->name.n), o->name.p,
                                       ALB_IMGPROXY_ARGS_MAX);
        o->arg[o->args++] = piece;
    }
    return ALB_IMGPROXY_FINE;
}

static bool is_in(const struct alb_imgproxy_list *list, struct alb_str name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (alb_str_eq(list->item[i], name))
            return true;
    }
    return list->count == 0;
}

static enum alb_imgproxy_refusal apply_one(struct alb_imgproxy_parser *p, struct alb_str segment,
                                           size_t index, bool trusted)
{
    struct alb_imgproxy_option o = {.parser = p, .index = index, .request = p->request};
    bool info = p->request->is_info;

    o.pipe = p->request->pipeline[index];
    if (++p->applied > ALB_IMGPROXY_APPLIED_MAX)
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_TOO_LONG,
                                   "more than %d options, those of presets included",
                                   ALB_IMGPROXY_APPLIED_MAX);
    ALB_IMGPROXY_TRY(split_arguments(&o, segment));
    struct alb_str shown = alb_str_sub(o.name, 0, SHOWN);
    if (!trusted && !is_in(info ? &p->config->allowed_info : &p->config->allowed_options, o.name))
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_BAD_URL,
                                   "the option %.*s is not in the list of allowed ones", ALB_STR_ARG(shown));
    o.row = alb_imgproxy_row_find(info, o.name);
    if (o.row == NULL)
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_BAD_URL, "there is no %s option \"%.*s\"",
                                   info ? "info" : "processing", ALB_STR_ARG(shown));
    if (o.args < o.row->least || o.args > o.row->most)
        return alb_imgproxy_args_wrong(&o, o.args < o.row->least ? "more are wanted" : "fewer are wanted");
    ALB_IMGPROXY_TRY(o.row->parse(&o));
    if (o.row->scope == ALB_IMGPROXY_OF_PIPELINE)
        o.pipe->given |= o.row->given;
    else
        p->request->given |= o.row->given;
    return ALB_IMGPROXY_FINE;
}

static enum alb_imgproxy_refusal next_pipeline(struct alb_imgproxy_parser *p, size_t *index)
{
    struct alb_imgproxy_request *r = p->request;

    if (r->is_info)
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_BAD_URL,
                                   "/info has no pipelines to chain with \"-\"");
    if (++*index < r->pipelines)
        return ALB_IMGPROXY_FINE;
    if (r->pipelines == ALB_IMGPROXY_PIPELINES_MAX)
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_TOO_LONG, "more than %d chained pipelines",
                                   ALB_IMGPROXY_PIPELINES_MAX);
    if (add_pipeline(p->arena, p->config, r) == NULL)
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_NO_MEMORY, "no memory for a pipeline");
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_apply(struct alb_imgproxy_parser *p, struct alb_str options,
                                             size_t index, bool trusted)
{
    struct alb_str rest = options, segment;

    if (options.n == 0)
        return ALB_IMGPROXY_FINE;
    while (alb_str_next(&rest, '/', &segment)) {
        if (alb_str_eq_c(segment, "-"))
            ALB_IMGPROXY_TRY(next_pipeline(p, &index));
        else
            ALB_IMGPROXY_TRY(apply_one(p, segment, index, trusted));
    }
    return ALB_IMGPROXY_FINE;
}

/* ---- requests ---- */

static void apply_hints(const struct alb_imgproxy_setting *set, struct alb_imgproxy_pipeline *p)
{
    double dpr = 1;

    if (set->hint_dpr > 0) {
        p->dpr = dpr = set->hint_dpr;
        p->given |= ALB_IMGPROXY_GIVEN_DPR;
    }
    if (set->hint_width > 0) {
        p->width = (int64_t)round(set->hint_width / dpr);
        p->given |= ALB_IMGPROXY_GIVEN_SIZE;
    }
}

static size_t count_pipelines(struct alb_str options)
{
    struct alb_str rest = options, segment;
    size_t n = 1;

    while (rest.p != NULL && alb_str_next(&rest, '/', &segment))
        n += alb_str_eq_c(segment, "-") ? 1 : 0;
    return n;
}

static enum alb_imgproxy_refusal check_shape(const struct alb_imgproxy_parser *p, struct alb_str path,
                                             const struct alb_imgproxy_path *parts)
{
    struct alb_str first, rest;
    int64_t most = p->config->max_pipelines;
    int type;

    (void)alb_str_cut(path, '/', &first, &rest);
    if (alb_imgproxy_word(alb_imgproxy_resizes, first, &type))
        return alb_imgproxy_refuse(
            p->err, ALB_IMGPROXY_BAD_URL,
            "this looks like the basic URL format, /%.*s/WIDTH/HEIGHT/…, which imgproxy 3 "
            "gave up: write rs:%.*s:WIDTH:HEIGHT",
            ALB_STR_ARG(first), ALB_STR_ARG(first));
    if (most > 0 && count_pipelines(parts->options) > (size_t)most)
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_BAD_URL,
                                   "more than %lld chained pipelines (IMGPROXY_MAX_CHAINED_PIPELINES)",
                                   (long long)most);
    return ALB_IMGPROXY_FINE;
}

/* presets-only mode: "preset1:preset2" */
static enum alb_imgproxy_refusal apply_only_presets(struct alb_imgproxy_parser *p, struct alb_str names)
{
    struct alb_str rest = names, name;

    while (alb_imgproxy_next(&rest, p->config->separator, &name))
        ALB_IMGPROXY_TRY(alb_imgproxy_apply_preset(p, name, 0));
    return ALB_IMGPROXY_FINE;
}

/* Behind the options: it beats them, and the list of allowed options does not hold for it. */
static enum alb_imgproxy_refusal apply_extension(struct alb_imgproxy_parser *p)
{
    struct alb_imgproxy_request *r = p->request;
    int unused;

    if (r->raw || r->source.extension.n == 0)
        return ALB_IMGPROXY_FINE;
    if (!r->is_info)
        return alb_imgproxy_set_format(p, r->source.extension);
    if (!alb_imgproxy_word(alb_imgproxy_formats, r->source.extension, &unused))
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_BAD_URL, "\"%.*s\" is no format",
                                   ALB_STR_ARG(alb_str_sub(r->source.extension, 0, SHOWN)));
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_request_parse(const struct alb_imgproxy_setting *set,
                                                     const struct alb_imgproxy_url *url,
                                                     struct alb_imgproxy_request *out, struct alb_err *err)
{
    const struct alb_imgproxy_config *c = set->config;
    struct alb_imgproxy_parser p = {.set = set, .config = c, .arena = set->arena, .request = out, .err = err};
    bool only = url->info ? c->info_only_presets : c->only_presets;
    struct alb_imgproxy_path parts;

    ALB_IMGPROXY_TRY(alb_imgproxy_request_init(set, url->info, out, err));
    alb_imgproxy_path_split(url->path, c->separator, only, &parts);
    if (!only)
        ALB_IMGPROXY_TRY(check_shape(&p, url->path, &parts));
    if (!url->info)
        apply_hints(set, out->pipeline[0]);
    if (alb_imgproxy_preset_find(url->info ? &c->info_presets : &c->presets, ALB_STR("default")) != NULL)
        ALB_IMGPROXY_TRY(alb_imgproxy_apply_preset(&p, ALB_STR("default"), 0));
    if (only)
        ALB_IMGPROXY_TRY(apply_only_presets(&p, parts.options));
    else
        ALB_IMGPROXY_TRY(alb_imgproxy_apply(&p, parts.options, 0, false));
    ALB_IMGPROXY_TRY(alb_imgproxy_source_parse(c, set->arena, parts.source, &out->source, err));
    return apply_extension(&p);
}

enum alb_imgproxy_refusal alb_imgproxy_request_check_sources(const struct alb_imgproxy_config *c,
                                                             const struct alb_imgproxy_request *r,
                                                             struct alb_err *err)
{
    ALB_IMGPROXY_TRY(alb_imgproxy_source_check(c, r->source.url, err));
    if (r->fallback.url.p != NULL)
        ALB_IMGPROXY_TRY(alb_imgproxy_source_check(c, r->fallback.url, err));
    for (size_t i = 0; i < r->pipelines; i++) {
        if (r->pipeline[i]->watermark.source.url.p != NULL)
            ALB_IMGPROXY_TRY(alb_imgproxy_source_check(c, r->pipeline[i]->watermark.source.url, err));
    }
    return ALB_IMGPROXY_FINE;
}
