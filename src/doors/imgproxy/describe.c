/* SPDX-License-Identifier: Apache-2.0
 *
 * A request in words (contract: explain.h). What is as in an empty request is not told.
 */
#include <stdarg.h>
#include <stdio.h>

#include "doors/imgproxy/explain.h"
#include "doors/imgproxy/options_priv.h"

static void line(struct alb_buf *out, const char *label, const char *fmt, ...) ALB_PRINTF(3, 4);
static void line(struct alb_buf *out, const char *label, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    alb_buf_printf(out, "  %-17s %s\n", label, text);
}

static const char *yes(bool b)
{
    return b ? "yes" : "no";
}

static const char *place(const struct alb_imgproxy_gravity *g, char out[static 80])
{
    const char *name = alb_imgproxy_word_name(alb_imgproxy_places, (int)g->place);

    if (g->x < 0 || g->x > 0 || g->y < 0 || g->y > 0)
        (void)snprintf(out, 80, "%s at %g, %g", name, g->x, g->y);
    else
        (void)snprintf(out, 80, "%s", name);
    return out;
}

static void extend(struct alb_buf *out, const char *label, const struct alb_imgproxy_extend *e)
{
    char where[80];

    if (e->on)
        line(out, label, "yes, picture %s", place(&e->gravity, where));
}

static bool is_one(double v)
{
    return !(v < 1 || v > 1);
}

static void geometry(const struct alb_imgproxy_pipeline *p, struct alb_buf *out)
{
    if (p->width > 0 || p->height > 0 || p->resize != ALB_IMGPROXY_FIT)
        line(out, "resize", "%s to %lld x %lld%s",
             alb_imgproxy_word_name(alb_imgproxy_resizes, (int)p->resize), (long long)p->width,
             (long long)p->height, p->enlarge ? ", enlarge" : "");
    else if (p->enlarge)
        line(out, "enlarge", "yes");
    if (p->min_width > 0 || p->min_height > 0)
        line(out, "at least", "%lld x %lld", (long long)p->min_width, (long long)p->min_height);
    if (p->kernel != ALB_IMGPROXY_LANCZOS3)
        line(out, "resizing algorithm", "%s", alb_imgproxy_word_name(alb_imgproxy_kernels, (int)p->kernel));
    if (!is_one(p->zoom_x) || !is_one(p->zoom_y))
        line(out, "zoom", "%g x %g", p->zoom_x, p->zoom_y);
    if (!is_one(p->dpr))
        line(out, "dpr", "%g", p->dpr);
    extend(out, "extend", &p->extend);
    extend(out, "extend to ratio", &p->extend_ar);
}

static void cutting(const struct alb_imgproxy_pipeline *p, struct alb_buf *out)
{
    char where[80];

    if (p->gravity.place != ALB_IMGPROXY_CE || p->gravity.x < 0 || p->gravity.x > 0)
        line(out, "gravity", "%s", place(&p->gravity, where));
    if ((p->given & ALB_IMGPROXY_GIVEN_CROP) != 0)
        line(out, "crop", "%g x %g, %s", p->crop.width, p->crop.height,
             p->crop.gravity.place == ALB_IMGPROXY_NOWHERE ? "by gravity" : place(&p->crop.gravity, where));
    if (p->crop.ratio > 0)
        line(out, "crop to ratio", "%g%s", p->crop.ratio, p->crop.ratio_enlarge ? ", enlarge" : "");
    if (p->trim.on && p->trim.coloured)
        line(out, "trim", "threshold %g, colour %06x", p->trim.threshold, (unsigned)p->trim.colour);
    else if (p->trim.on)
        line(out, "trim", "threshold %g", p->trim.threshold);
}

static void turning(const struct alb_imgproxy_pipeline *p, struct alb_buf *out)
{
    if (p->padding.top + p->padding.right + p->padding.bottom + p->padding.left > 0)
        line(out, "padding", "%lld %lld %lld %lld", (long long)p->padding.top, (long long)p->padding.right,
             (long long)p->padding.bottom, (long long)p->padding.left);
    if ((p->given & ALB_IMGPROXY_GIVEN_AUTO_ROTATE) != 0)
        line(out, "auto rotate", "%s", yes(p->auto_rotate));
    if (p->rotate != 0)
        line(out, "rotate", "%u degrees clockwise", p->rotate);
    if (p->flip_h || p->flip_v)
        line(out, "flip", "%s%s", p->flip_h ? "horizontally " : "", p->flip_v ? "vertically" : "");
}

static void colours(const struct alb_imgproxy_pipeline *p, struct alb_buf *out)
{
    if (p->background_on)
        line(out, "background", "%06x, alpha %g", (unsigned)p->background, p->background_alpha);
    if (p->brightness != 0 || !is_one(p->contrast) || !is_one(p->saturation))
        line(out, "adjust", "brightness %d, contrast %g, saturation %g", (int)p->brightness, p->contrast,
             p->saturation);
    if (p->monochrome.intensity > 0)
        line(out, "monochrome", "%g, %06x", p->monochrome.intensity, (unsigned)p->monochrome.colour);
    if (p->duotone.intensity > 0)
        line(out, "duotone", "%g, %06x to %06x", p->duotone.intensity, (unsigned)p->duotone.dark,
             (unsigned)p->duotone.light);
    if (p->colorize.opacity > 0)
        line(out, "colorize", "%g, %06x%s", p->colorize.opacity, (unsigned)p->colorize.colour,
             p->colorize.keep_alpha ? ", keeps alpha" : "");
    if (p->gradient.opacity > 0)
        line(out, "gradient", "%g, %06x, %g degrees, %g to %g", p->gradient.opacity,
             (unsigned)p->gradient.colour, p->gradient.ramp.angle, p->gradient.ramp.start,
             p->gradient.ramp.stop);
}

static void filters(const struct alb_imgproxy_pipeline *p, struct alb_buf *out)
{
    if (p->blur > 0)
        line(out, "blur", "%g", p->blur);
    if (p->blur_areas.sigma > 0)
        line(out, "blur areas", "%g, %zu areas", p->blur_areas.sigma, p->blur_areas.count);
    if (p->progressive_blur.sigma > 0)
        line(out, "progressive blur", "%g, %g degrees, %g to %g", p->progressive_blur.sigma,
             p->progressive_blur.ramp.angle, p->progressive_blur.ramp.start, p->progressive_blur.ramp.stop);
    if (p->sharpen > 0)
        line(out, "sharpen", "%g", p->sharpen);
    if (p->pixelate > 1)
        line(out, "pixelate", "%lld", (long long)p->pixelate);
    if ((p->given & ALB_IMGPROXY_GIVEN_UNSHARP) != 0)
        line(out, "unsharp masking", "%s, weight %g, divider %g",
             alb_imgproxy_word_name(alb_imgproxy_unsharps, (int)p->unsharp.mode), p->unsharp.weight,
             p->unsharp.divider);
}

static void watermark(const struct alb_imgproxy_pipeline *p, struct alb_buf *out)
{
    char where[80];

    if (p->watermark.opacity <= 0)
        return;
    line(out, "watermark", "opacity %g, %s, scale %g", p->watermark.opacity,
         place(&p->watermark.gravity, where), p->watermark.scale);
    if (p->watermark.source.url.p != NULL)
        line(out, "watermark url", "%.*s", ALB_STR_ARG(p->watermark.source.url));
    if (p->watermark.text.n > 0)
        line(out, "watermark text", "%.*s", ALB_STR_ARG(p->watermark.text));
    if (p->watermark.width > 0 || p->watermark.height > 0)
        line(out, "watermark size", "%lld x %lld", (long long)p->watermark.width,
             (long long)p->watermark.height);
    if (p->watermark.rotate > 0)
        line(out, "watermark rotate", "%g degrees", p->watermark.rotate);
    if (p->watermark.shadow > 0)
        line(out, "watermark shadow", "%g", p->watermark.shadow);
}

static void written(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r,
                    struct alb_buf *out)
{
    if (r->quality > 0)
        line(out, "quality", "%u", r->quality);
    for (int f = 1; f < ALB_IMGPROXY_FORMATS; f++) {
        if (r->format_quality[f] != c->format_quality[f])
            line(out, "quality", "%u for %s", r->format_quality[f],
                 alb_imgproxy_word_name(alb_imgproxy_formats, f));
    }
    if ((r->given & ALB_IMGPROXY_GIVEN_AUTOQUALITY) != 0)
        line(out, "autoquality", "%s, target %g, %lld to %lld, error %g",
             alb_imgproxy_word_name(alb_imgproxy_aqs, (int)r->autoquality.method), r->autoquality.target,
             (long long)r->autoquality.min, (long long)r->autoquality.max, r->autoquality.error);
    if (r->max_bytes > 0)
        line(out, "max bytes", "%lld", (long long)r->max_bytes);
    if ((r->given & ALB_IMGPROXY_GIVEN_STRIP) != 0)
        line(out, "strip metadata", "%s", yes(r->strip_metadata));
    if ((r->given & ALB_IMGPROXY_GIVEN_COPYRIGHT) != 0)
        line(out, "keep copyright", "%s", yes(r->keep_copyright));
    if ((r->given & ALB_IMGPROXY_GIVEN_PROFILE) != 0)
        line(out, "strip profile", "%s", yes(r->strip_profile));
    if ((r->given & ALB_IMGPROXY_GIVEN_HDR) != 0)
        line(out, "preserve hdr", "%s", yes(r->preserve_hdr));
    if (r->dpi > 0)
        line(out, "dpi", "%g", r->dpi);
    if (r->color_profile.n > 0)
        line(out, "color profile", "%.*s", ALB_STR_ARG(r->color_profile));
}

static void describe_tiles(const char *what, const struct alb_imgproxy_tiles *t, struct alb_buf *out)
{
    char every[48] = "spread over all of it";
    if (!(t->step < 0) && !(t->step > 0))
        return;
    if (t->step > 0)
        snprintf(every, sizeof(every), "every %g s", t->step);
    line(out, what, "%lld x %lld frames %s, %s %lld x %lld%s%s", (long long)t->columns, (long long)t->rows,
         every, t->fill ? "filling" : "within", (long long)t->width, (long long)t->height,
         t->extend ? ", on black" : "", t->trim ? ", without unused ones" : "");
}

static void read_from(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r,
                      struct alb_buf *out)
{
    if (r->raw)
        line(out, "raw", "yes: the source as it is, nothing else matters");
    if ((r->given & ALB_IMGPROXY_GIVEN_PAGE) != 0)
        line(out, "pages", "%lld from page %lld", (long long)r->pages, (long long)r->page);
    if (r->disable_animation)
        line(out, "animation", "disabled");
    if ((r->given & ALB_IMGPROXY_GIVEN_VIDEO) != 0)
        line(out, "video frame", "at %g s%s", r->video_second,
             r->video_keyframes ? ", nearest key frame" : "");
    describe_tiles("video sheet", &r->video_tile, out);
    describe_tiles("video animation", &r->video_animation, out);
    if (r->fallback.url.p != NULL)
        line(out, "fallback image", "%.*s", ALB_STR_ARG(r->fallback.url));
    for (int f = 1; f < ALB_IMGPROXY_FORMATS; f++) {
        if ((r->skip_formats & ~c->skip_formats & ALB_IMGPROXY_FORMAT_BIT(f)) != 0)
            line(out, "not processed", "%s", alb_imgproxy_word_name(alb_imgproxy_formats, f));
    }
    if (r->hash != ALB_IMGPROXY_HASH_NONE)
        line(out, "must hash to", "%s", alb_imgproxy_word_name(alb_imgproxy_hashes, (int)r->hash));
}

static void answer(const struct alb_imgproxy_request *r, struct alb_buf *out)
{
    if (r->cachebuster.n > 0)
        line(out, "cache buster", "%.*s", ALB_STR_ARG(r->cachebuster));
    if (r->filename.n > 0)
        line(out, "file name", "%.*s", ALB_STR_ARG(r->filename));
    if ((r->given & ALB_IMGPROXY_GIVEN_ATTACHMENT) != 0)
        line(out, "attachment", "%s", yes(r->attachment));
    if (r->expires > 0)
        line(out, "expires", "at Unix time %lld", (long long)r->expires);
    for (size_t i = 0; i < r->presets; i++)
        line(out, "preset", "%.*s", ALB_STR_ARG(r->preset[i]));
    for (size_t i = 0; i < r->warnings; i++)
        line(out, "warning", "%.*s", ALB_STR_ARG(r->warning[i]));
}

void alb_imgproxy_describe(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r,
                           struct alb_buf *out)
{
    static const char *const forms[] = {"plain", "base64", "encrypted"};

    line(out, "source", "%.*s (%s)", ALB_STR_ARG(alb_str_sub(r->source.url, 0, 320)), forms[r->source.form]);
    if (!alb_str_eq(r->source.url, r->source.written))
        line(out, "as written", "%.*s", ALB_STR_ARG(alb_str_sub(r->source.written, 0, 320)));
    if (r->is_info) {
        line(out, "asks for", "facts of the picture, as JSON");
    } else {
        line(out, "format", "%s",
             r->format == ALB_IMGPROXY_FORMAT_NONE
                 ? "that of the source, or what the client prefers"
                 : alb_imgproxy_word_name(alb_imgproxy_formats, (int)r->format));
    }
    for (size_t i = 0; i < r->pipelines && !r->is_info; i++) {
        if (r->pipelines > 1)
            line(out, "pipeline", "%zu", i + 1);
        geometry(r->pipeline[i], out);
        cutting(r->pipeline[i], out);
        turning(r->pipeline[i], out);
        colours(r->pipeline[i], out);
        filters(r->pipeline[i], out);
        watermark(r->pipeline[i], out);
    }
    if (!r->is_info)
        written(c, r, out);
    read_from(c, r, out);
    answer(r, out);
}
