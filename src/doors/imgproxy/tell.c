/* SPDX-License-Identifier: Apache-2.0
 *
 * What the log tells of a request that was answered: image_url and processing_options, in imgproxy's names and order.
 * What is as in an empty request is not told. Everything lies in the request's arena, as the fields of its record must.
 */
#include "base/codec.h"
#include "doors/imgproxy/job.h"

#define FIELDS 56 /* of one group; the longest list is that of a pipeline with what belongs to the request */

struct teller {
    struct alb_arena *arena;
    struct alb_log_field *field; /* NULL: no memory; nothing is told */
    size_t n;
};

static struct teller begin(struct alb_arena *arena, size_t most)
{
    return (struct teller){arena, alb_arena_calloc(arena, most + 1, sizeof(struct alb_log_field)), 0};
}

static void add(struct teller *t, struct alb_log_field f)
{
    if (t->field && t->n < FIELDS)
        t->field[t->n++] = f;
}

static void number(struct teller *t, const char *key, double v, double plain)
{
    if (v < plain || v > plain)
        add(t, ALB_LOG_F64(key, v));
}

static void flag(struct teller *t, const char *key, bool v, bool is_told)
{
    if (is_told)
        add(t, ALB_LOG_BOOL(key, v));
}

static void text(struct teller *t, const char *key, struct alb_str v)
{
    if (v.n > 0)
        add(t, ALB_LOG_STR(key, v));
}

static void word(struct teller *t, const char *key, const struct alb_imgproxy_word *words, int v, int plain)
{
    if (v != plain)
        add(t, ALB_LOG_C(key, alb_imgproxy_word_name(words, v)));
}

static void colour(struct teller *t, const char *key, uint32_t rgb, bool is_told)
{
    if (is_told)
        text(t, key, alb_arena_printf(t->arena, "#%06x", (unsigned)rgb));
}

static void group(struct teller *t, const char *key, const struct teller *inner)
{
    if (inner->field && inner->n > 0) /* calloc: the field behind the last one ends the list */
        add(t, ALB_LOG_GROUP(key, inner->field));
}

/* ---- groups ---- */

static void gravity(struct teller *t, const struct alb_imgproxy_gravity *g, enum alb_imgproxy_place plain)
{
    struct teller in;
    bool moved = g->x < 0 || g->x > 0 || g->y < 0 || g->y > 0;
    if ((g->place == plain && !moved) || g->place == ALB_IMGPROXY_NOWHERE)
        return;
    in = begin(t->arena, 3);
    add(&in, ALB_LOG_C("type", alb_imgproxy_word_name(alb_imgproxy_places, (int)g->place)));
    number(&in, "x_offset", g->x, 0);
    number(&in, "y_offset", g->y, 0);
    group(t, "gravity", &in);
}

static void crop(struct teller *t, const struct alb_imgproxy_pipeline *p)
{
    struct teller in;
    if (!(p->given & ALB_IMGPROXY_GIVEN_CROP) && p->crop.ratio <= 0)
        return;
    in = begin(t->arena, 4);
    number(&in, "aspect_ratio", p->crop.ratio, 0);
    gravity(&in, &p->crop.gravity, ALB_IMGPROXY_NOWHERE);
    number(&in, "height", p->crop.height, 0);
    number(&in, "width", p->crop.width, 0);
    group(t, "crop", &in);
}

static void extend(struct teller *t, const char *key, const struct alb_imgproxy_extend *e)
{
    struct teller in;
    if (!e->on)
        return;
    in = begin(t->arena, 2);
    flag(&in, "enabled", true, true);
    gravity(&in, &e->gravity, ALB_IMGPROXY_CE);
    group(t, key, &in);
}

static void flip(struct teller *t, const struct alb_imgproxy_pipeline *p)
{
    struct teller in;
    if (!p->flip_h && !p->flip_v)
        return;
    in = begin(t->arena, 2);
    flag(&in, "horizontal", true, p->flip_h);
    flag(&in, "vertical", true, p->flip_v);
    group(t, "flip", &in);
}

static void padding(struct teller *t, const struct alb_imgproxy_pipeline *p)
{
    struct teller in;
    if (p->padding.top + p->padding.right + p->padding.bottom + p->padding.left <= 0)
        return;
    in = begin(t->arena, 4);
    number(&in, "bottom", (double)p->padding.bottom, 0);
    number(&in, "left", (double)p->padding.left, 0);
    number(&in, "right", (double)p->padding.right, 0);
    number(&in, "top", (double)p->padding.top, 0);
    group(t, "padding", &in);
}

static void trim(struct teller *t, const struct alb_imgproxy_pipeline *p)
{
    struct teller in;
    if (!p->trim.on)
        return;
    in = begin(t->arena, 4);
    colour(&in, "color", p->trim.colour, p->trim.coloured);
    flag(&in, "equal_horizontal", true, p->trim.equal_hor);
    flag(&in, "equal_vertical", true, p->trim.equal_ver);
    add(&in, ALB_LOG_F64("threshold", p->trim.threshold));
    group(t, "trim", &in);
}

static void watermark(struct teller *t, const struct alb_imgproxy_pipeline *p)
{
    struct teller in;
    if (p->watermark.opacity <= 0)
        return;
    in = begin(t->arena, 11);
    number(&in, "height", (double)p->watermark.height, 0);
    add(&in, ALB_LOG_F64("opacity", p->watermark.opacity));
    word(&in, "position", alb_imgproxy_places, (int)p->watermark.gravity.place, ALB_IMGPROXY_CE);
    number(&in, "rotate", p->watermark.rotate, 0);
    number(&in, "scale", p->watermark.scale, 0);
    number(&in, "shadow", p->watermark.shadow, 0);
    text(&in, "text", p->watermark.text);
    text(&in, "url", p->watermark.source.url);
    number(&in, "width", (double)p->watermark.width, 0);
    number(&in, "x_offset", p->watermark.gravity.x, 0);
    number(&in, "y_offset", p->watermark.gravity.y, 0);
    group(t, "watermark", &in);
}

/* ---- a pipeline ---- */

static void colours(struct teller *t, const struct alb_imgproxy_pipeline *p)
{
    colour(t, "background", p->background, p->background_on);
    number(t, "background_alpha", p->background_alpha, 1);
    number(t, "blur", p->blur, 0);
    number(t, "blur_areas", p->blur_areas.sigma, 0);
    number(t, "brightness", p->brightness, 0);
    number(t, "colorize", p->colorize.opacity, 0);
    number(t, "contrast", p->contrast, 1);
    number(t, "duotone", p->duotone.intensity, 0);
    number(t, "gradient", p->gradient.opacity, 0);
    number(t, "monochrome", p->monochrome.intensity, 0);
    number(t, "pixelate", (double)p->pixelate, 0);
    number(t, "progressive_blur", p->progressive_blur.sigma, 0);
    number(t, "saturation", p->saturation, 1);
    number(t, "sharpen", p->sharpen, 0);
    word(t, "unsharp_masking", alb_imgproxy_unsharps, (int)p->unsharp.mode,
         p->given & ALB_IMGPROXY_GIVEN_UNSHARP ? -1 : (int)p->unsharp.mode);
}

static void geometry(struct teller *t, const struct alb_imgproxy_pipeline *p)
{
    flag(t, "auto_rotate", p->auto_rotate, p->given & ALB_IMGPROXY_GIVEN_AUTO_ROTATE);
    crop(t, p);
    number(t, "dpr", p->dpr, 1);
    flag(t, "enlarge", true, p->enlarge);
    extend(t, "extend", &p->extend);
    extend(t, "extend_aspect_ratio", &p->extend_ar);
    flip(t, p);
    gravity(t, &p->gravity, ALB_IMGPROXY_CE);
    number(t, "height", (double)p->height, 0);
    number(t, "min-height", (double)p->min_height, 0);
    number(t, "min-width", (double)p->min_width, 0);
    padding(t, p);
    word(t, "resizing_algorithm", alb_imgproxy_kernels, (int)p->kernel, ALB_IMGPROXY_LANCZOS3);
    word(t, "resizing_type", alb_imgproxy_resizes, (int)p->resize, ALB_IMGPROXY_FIT);
    number(t, "rotate", p->rotate, 0);
    trim(t, p);
    watermark(t, p);
    number(t, "width", (double)p->width, 0);
    number(t, "zoom_height", p->zoom_y, 1);
    number(t, "zoom_width", p->zoom_x, 1);
}

/* ---- the request ---- */

static void qualities(struct teller *t, const struct alb_imgproxy_job *job)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    struct teller in = begin(t->arena, ALB_IMGPROXY_FORMATS);
    for (int f = 1; f < ALB_IMGPROXY_FORMATS; f++)
        if (job->want.format_quality[f] != c->format_quality[f])
            add(&in, ALB_LOG_INT(alb_imgproxy_word_name(alb_imgproxy_formats, f), job->want.format_quality[f]));
    group(t, "format_quality", &in);
}

static struct alb_str joined(struct alb_arena *arena, const struct alb_str *list, size_t n)
{
    struct alb_buf b = ALB_BUF_INIT(4096);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            alb_buf_char(&b, ',');
        alb_buf_str(&b, list[i]);
    }
    struct alb_str s = alb_buf_code(&b) == ALB_OK ? alb_arena_str(arena, alb_buf_view(&b)) : ALB_STR_NONE;
    alb_buf_fini(&b);
    return s;
}

static void limits(struct teller *t, const struct alb_imgproxy_job *job)
{
    const struct alb_imgproxy_limits *is = &job->want.limits, *was = &job->door->config.config->limits;
    number(t, "max_animation_frame_resolution", (double)is->frame_pixels, (double)was->frame_pixels);
    number(t, "max_animation_frames", (double)is->frames, (double)was->frames);
    number(t, "max_result_dimension", (double)is->result_side, (double)was->result_side);
    number(t, "max_src_file_size", (double)is->source_bytes, (double)was->source_bytes);
    number(t, "max_src_resolution", (double)is->source_pixels, (double)was->source_pixels);
}

static void request(struct teller *t, const struct alb_imgproxy_job *job, const char *format)
{
    const struct alb_imgproxy_request *r = &job->want;
    uint32_t given = r->given;
    text(t, "cachebuster", r->cachebuster);
    text(t, "cache_tags", joined(t->arena, r->tag, r->tags));
    if (r->expires > 0) {
        char at[25];
        alb_time_rfc3339(r->expires * 1000, at);
        text(t, "expires", alb_arena_printf(t->arena, "%.19sZ", at));
    }
    text(t, "filename", r->filename);
    if (format)
        add(t, ALB_LOG_C("format", format));
    qualities(t, job);
    flag(t, "enforce_thumbnail", r->enforce_thumbnail, given & ALB_IMGPROXY_GIVEN_THUMBNAIL);
    flag(t, "keep_copyright", r->keep_copyright, given & ALB_IMGPROXY_GIVEN_COPYRIGHT);
    limits(t, job);
    number(t, "max_bytes", (double)r->max_bytes, 0);
    number(t, "page", (double)r->page, 0);
    flag(t, "preserve_hdr", r->preserve_hdr, given & ALB_IMGPROXY_GIVEN_HDR);
    number(t, "quality", r->quality, 0);
    flag(t, "raw", true, r->raw);
    flag(t, "return_attachment", r->attachment, given & ALB_IMGPROXY_GIVEN_ATTACHMENT);
    flag(t, "strip_color_profile", r->strip_profile, given & ALB_IMGPROXY_GIVEN_PROFILE);
    flag(t, "strip_metadata", r->strip_metadata, given & ALB_IMGPROXY_GIVEN_STRIP);
    text(t, "used_presets", joined(t->arena, r->preset, r->presets));
}

/* ---- the whole ---- */

/* By name, as imgproxy sorts them. */
static void sort(struct teller *t)
{
    for (size_t i = 1; i < t->n; i++) {
        struct alb_log_field f = t->field[i];
        size_t at = i;
        for (; at > 0 && alb_str_cmp(alb_str_c(t->field[at - 1].key), alb_str_c(f.key)) > 0; at--)
            t->field[at] = t->field[at - 1];
        t->field[at] = f;
    }
}

static void pipeline(struct teller *t, const struct alb_imgproxy_pipeline *p)
{
    colours(t, p);
    geometry(t, p);
}

/* The names of chained pipelines are our own: imgproxy's paid edition has them, and its log is not known. */
static void more_pipelines(struct teller *t, const struct alb_imgproxy_request *r)
{
    static const char *const names[] = {"pipeline_2", "pipeline_3", "pipeline_4", "pipeline_5",
                                        "pipeline_6", "pipeline_7", "pipeline_8"};
    for (size_t i = 1; i < r->pipelines && i <= ALB_ARRAY_LEN(names); i++) {
        struct teller in = begin(t->arena, FIELDS);
        pipeline(&in, r->pipeline[i]);
        sort(&in);
        group(t, names[i - 1], &in);
    }
}

void alb_imgproxy_tell(struct alb_imgproxy_job *job, const char *format)
{
    struct teller t;
    if (job->told || !alb_log_on(ALB_LOG_INFO))
        return;
    job->told = true;
    t = begin(job->arena, FIELDS);
    if (!job->want.is_info) {
        pipeline(&t, job->want.pipeline[0]);
        more_pipelines(&t, &job->want);
    }
    request(&t, job, format);
    sort(&t);
    alb_req_log(job->req, ALB_LOG_STR("image_url", job->want.source.url));
    if (t.field)
        alb_req_log(job->req, ALB_LOG_GROUP("processing_options", t.field));
}
