/* SPDX-License-Identifier: Apache-2.0
 *
 * Which bytes are written: one encoding as asked, or the result of a search
 *   max_bytes     down from the asked quality until it fits (imgproxy's steps)
 *   autoquality   SIZE: the best quality that fits the target; DSSIM: the least quality that looks as good as asked
 *   best          of several formats, the smallest that looks as good as the first one with a quality does at its
 *                 own; of a picture of few tones the smallest without loss
 * A search encodes in memory, at most ALB_TRIES times for each format; it is one job with one deadline.
 */
#include "image/general_encode.h"

#include "base/fs.h"
#include "image/general_steps.h"
#include "image/load.h"
#include "image/score.h"

#define ALB_TRIES 8
#define QUALITY_FLOOR 10 /* of max_bytes */

struct search {
    VipsImage *image;
    const struct alb_output *output;
    enum alb_format format;
    struct alb_err *err;
    struct alb_str pixels; /* of image, 8 bits: what tries are compared with; read when first needed */
};

/* A try: its bytes (owned) and quality. */
struct attempt {
    struct alb_str bytes;
    enum alb_format format;
    unsigned quality;
};

static void drop(struct attempt *a)
{
    g_free((void *)(uintptr_t)a->bytes.p);
    *a = (struct attempt){.bytes = ALB_STR_NONE};
}

static void take(struct attempt *best, struct attempt *a)
{
    drop(best);
    *best = *a;
    *a = (struct attempt){.bytes = ALB_STR_NONE};
}

static enum alb_code attempt(struct search *s, unsigned quality, struct attempt *a)
{
    *a = (struct attempt){.format = s->format, .quality = quality};
    return alb_encode_memory(s->image, s->output, s->format, quality, &a->bytes, s->err);
}

static unsigned quality_of(const struct alb_output *o, enum alb_format f)
{
    return o->quality[f] ? o->quality[f] : o->quality[ALB_FORMAT_SAME];
}

/* ---- max_bytes ---- */

static unsigned lower(unsigned quality, double ratio)
{
    double by = ratio > 3 ? 0.25 : ratio > 1.5 ? 0.5 : 0.75;
    unsigned next = (unsigned)(quality * by);
    return next < quality - 1 ? next : quality - 1;
}

static enum alb_code fit_bytes(struct search *s, struct attempt *best)
{
    unsigned q = best->quality;
    enum alb_code code = ALB_OK;
    uint64_t most = s->output->max_bytes;
    if (!alb_format_quality(s->format))
        return ALB_OK;
    while (code == ALB_OK && best->bytes.n > most && q > QUALITY_FLOOR) {
        struct attempt a;
        q = lower(q, (double)best->bytes.n / (double)most);
        q = q > QUALITY_FLOOR ? q : QUALITY_FLOOR;
        code = attempt(s, q, &a);
        if (code == ALB_OK)
            take(best, &a);
        drop(&a);
    }
    return code;
}

/* ---- how good a try looks ---- */

static enum alb_code pixels_of(VipsImage *image, struct alb_str *pixels, struct alb_err *err)
{
    size_t n = 0;
    VipsImage *look = g_object_ref(image);
    enum alb_code code = alb_step_colour(&look, ALB_COLOUR_SRGB, false, err);
    if (code != ALB_OK)
        return code;
    char *p = vips_image_write_to_memory(look, &n);
    g_object_unref(look);
    if (!p)
        return alb_load_fail(err, ALB_E_UNPROCESSABLE, "score");
    *pixels = (struct alb_str){p, n};
    return ALB_OK;
}

/* A format may come back with other channels (grey as colour, no alpha): then it is brought to the original's. */
static enum alb_code same_bands(VipsImage **image, int bands, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = ALB_OK;
    if (vips_image_get_bands(*image) >= 3 && bands <= 2) {
        int rc = vips_colourspace(*image, &out, VIPS_INTERPRETATION_B_W, NULL);
        code = alb_step_replace(image, rc, out, "score", err);
    } else if (vips_image_get_bands(*image) <= 2 && bands >= 3) {
        int rc = vips_colourspace(*image, &out, VIPS_INTERPRETATION_sRGB, NULL);
        code = alb_step_replace(image, rc, out, "score", err);
    }
    if (code == ALB_OK && vips_image_get_bands(*image) < bands) {
        int rc = vips_addalpha(*image, &out, NULL);
        code = alb_step_replace(image, rc, out, "score", err);
    } else if (code == ALB_OK && vips_image_get_bands(*image) > bands) {
        int rc = vips_extract_band(*image, &out, 0, "n", bands, NULL);
        code = alb_step_replace(image, rc, out, "score", err);
    }
    return code;
}

static enum alb_code score(struct search *s, const struct attempt *a, double *dssim)
{
    struct alb_load l = ALB_LOAD_INIT(alb_format_type(a->format), a->bytes);
    l.pages = vips_image_get_n_pages(s->image); /* frames are looked at as they lie: below each other */
    struct alb_str pixels = ALB_STR_NONE;
    enum alb_code code = s->pixels.n > 0 ? ALB_OK : pixels_of(s->image, &s->pixels, s->err);
    if (code != ALB_OK)
        return code;
    uint32_t w = (uint32_t)s->image->Xsize, h = (uint32_t)s->image->Ysize;
    int bands = (int)(s->pixels.n / w / h);
    VipsImage *back = alb_load_open(&l, s->err);
    if (!back)
        return ALB_E_UNPROCESSABLE;
    code = same_bands(&back, bands, s->err);
    if (code == ALB_OK)
        code = pixels_of(back, &pixels, s->err);
    g_clear_object(&back);
    if (code == ALB_OK && pixels.n != s->pixels.n)
        code = alb_fail(s->err, ALB_E_UNPROCESSABLE, "a try came back in another size");
    if (code == ALB_OK) {
        *dssim =
            alb_score_dssim((const uint8_t *)s->pixels.p, (const uint8_t *)pixels.p, w, h, (unsigned)bands);
        if (*dssim < 0)
            code = alb_fail(s->err, ALB_E_NO_MEMORY, "score");
    }
    g_free((void *)(uintptr_t)pixels.p);
    return code;
}

/* ---- autoquality ---- */

/* Whether a quality that gave this try may go up (SIZE: room is left) or is good enough to go down (DSSIM). */
struct goal {
    bool by_size;
    double target, error;
};

/* good: it meets the goal; near: so closely that the search may end. */
static enum alb_code judge(struct search *s, const struct goal *g, const struct attempt *a, bool *good,
                           bool *near)
{
    double v = (double)a->bytes.n, from = g->target * (1 - g->error), to = g->target;
    enum alb_code code = ALB_OK;
    if (!g->by_size) {
        code = score(s, a, &v);
        from = g->target - g->error;
        to = g->target + g->error;
    }
    *good = v <= to;
    *near = v >= from && v <= to;
    return code;
}

/* Bisection: size and likeness both grow with the quality. What meets the goal is kept, by size the largest, by
 * likeness the smallest; if nothing does, the nearest end of the range is, and *met_goal is false. */
static enum alb_code bisect(struct search *s, const struct goal *g, unsigned least, unsigned most,
                            struct attempt *best, bool *met_goal)
{
    enum alb_code code = ALB_OK;
    bool met = false;
    for (int i = 0; code == ALB_OK && least <= most && i < ALB_TRIES; i++) {
        unsigned q = least + (most - least) / 2;
        bool good = false, near = false;
        struct attempt a;
        code = attempt(s, q, &a);
        if (code == ALB_OK)
            code = judge(s, g, &a, &good, &near);
        if (code == ALB_OK && (good || !met))
            take(best, &a);
        drop(&a);
        met = met || good;
        if (near || code != ALB_OK)
            break;
        if (good == g->by_size) /* may become larger, or must look better */
            least = q + 1;
        else
            most = q - 1;
    }
    *met_goal = met;
    return code;
}

static enum alb_code autoquality(struct search *s, struct attempt *best)
{
    const struct alb_output *o = s->output;
    struct goal g = {o->autoquality == ALB_AUTOQUALITY_SIZE, o->target, o->error};
    unsigned least = o->least_of[s->format] ? o->least_of[s->format] : o->least;
    unsigned most = o->most_of[s->format] ? o->most_of[s->format] : o->most;
    bool met;
    return bisect(s, &g, least ? least : 1, most ? most : 100, best, &met);
}

/* ---- best ---- */

/* The first with a quality: what all others are to look like, and its tolerance. */
static enum alb_code reference(struct search *s, struct goal *g, struct attempt *best)
{
    enum alb_code code = attempt(s, quality_of(s->output, s->format), best);
    if (code == ALB_OK)
        code = score(s, best, &g->target);
    g->error = g->target / 20;
    return code;
}

/* Takes the format's bytes if they look as good and are fewer. One without a quality (PNG; GIF or a palette, which may
 * look worse) has one try. */
static enum alb_code challenge(struct search *s, const struct goal *g, struct attempt *best)
{
    struct attempt a = {.bytes = ALB_STR_NONE};
    bool good = false, near;
    enum alb_code code;
    if (alb_format_quality(s->format)) {
        code = bisect(s, g, 1, 100, &a, &good);
    } else {
        code = attempt(s, quality_of(s->output, s->format), &a);
        if (code == ALB_OK && (best->bytes.n == 0 || a.bytes.n < best->bytes.n))
            code = judge(s, g, &a, &good, &near);
    }
    if (code == ALB_OK && good && (best->bytes.n == 0 || a.bytes.n < best->bytes.n))
        take(best, &a);
    drop(&a);
    return code;
}

static enum alb_format first_with_quality(uint16_t formats)
{
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        if ((formats & ALB_FORMAT_BIT(f)) != 0 && alb_format_quality((enum alb_format)f))
            return (enum alb_format)f;
    }
    return ALB_FORMAT_SAME;
}

/* The first one at all; where no format has a quality, that is what others must equal. */
static enum alb_format first_of(uint16_t formats)
{
    unsigned f = 1;
    while (f < ALB_FORMAT_COUNT && (formats & ALB_FORMAT_BIT(f)) == 0)
        f++;
    return (enum alb_format)f;
}

#define LOSSLESS (ALB_FORMAT_BIT(ALB_FORMAT_PNG) | ALB_FORMAT_BIT(ALB_FORMAT_WEBP) | ALB_FORMAT_BIT(ALB_FORMAT_JXL))

/* Drawings and screens have few tones of brightness: loss shows on them, and saves nothing. */
static enum alb_code is_plain(struct search *s, bool *plain)
{
    VipsImage *grey = NULL, *tones = NULL;
    double bits = 0;
    *plain = false;
    if (s->output->best_plain <= 0 || (s->output->best & LOSSLESS) == 0)
        return ALB_OK;
    int rc = vips_colourspace(s->image, &grey, VIPS_INTERPRETATION_B_W, NULL);
    if (rc == 0)
        rc = vips_hist_find(grey, &tones, "band", 0, NULL);
    if (rc == 0)
        rc = vips_hist_entropy(tones, &bits, NULL);
    g_clear_object(&grey);
    g_clear_object(&tones);
    *plain = rc == 0 && bits < s->output->best_plain;
    return rc == 0 ? ALB_OK : alb_load_fail(s->err, ALB_E_UNPROCESSABLE, "tones");
}

/* The smallest of those that lose nothing. */
static enum alb_code best_lossless(struct search *s, struct attempt *best)
{
    const struct alb_output *asked = s->output;
    struct alb_output exact = *asked;
    enum alb_code code = ALB_OK;
    exact.webp_mode = ALB_WEBP_LOSSLESS;
    exact.lossless = true;
    exact.png_quantize = false;
    s->output = &exact;
    for (unsigned f = 1; code == ALB_OK && f < ALB_FORMAT_COUNT; f++) {
        struct attempt a;
        if ((asked->best & LOSSLESS & ALB_FORMAT_BIT(f)) == 0)
            continue;
        s->format = (enum alb_format)f;
        code = attempt(s, 100, &a);
        if (code == ALB_OK && (best->bytes.n == 0 || a.bytes.n < best->bytes.n))
            take(best, &a);
        drop(&a);
    }
    s->output = asked;
    s->format = best->format;
    return code;
}

static enum alb_code best_format(struct search *s, struct attempt *best)
{
    uint16_t formats = s->output->best;
    struct goal g = {.by_size = false, .target = 0, .error = 0};
    enum alb_format first = first_with_quality(formats);
    s->format = first != ALB_FORMAT_SAME ? first : first_of(formats);
    enum alb_format measure = s->format;
    enum alb_code code = reference(s, &g, best);
    for (unsigned f = 1; code == ALB_OK && f < ALB_FORMAT_COUNT; f++) {
        if ((formats & ALB_FORMAT_BIT(f)) == 0 || f == (unsigned)measure)
            continue;
        s->format = (enum alb_format)f;
        code = challenge(s, &g, best);
    }
    s->format = best->format;
    return code;
}

/* ---- the whole ---- */

static enum alb_code search(struct search *s, int result_fd)
{
    struct attempt best = {.bytes = ALB_STR_NONE};
    enum alb_code code;
    bool plain = false;
    code = s->format == ALB_FORMAT_SAME ? is_plain(s, &plain) : ALB_OK;
    if (code != ALB_OK)
        return code;
    if (plain)
        code = best_lossless(s, &best);
    else if (s->format == ALB_FORMAT_SAME)
        code = best_format(s, &best);
    else if (s->output->autoquality != ALB_AUTOQUALITY_OFF && alb_format_quality(s->format))
        code = autoquality(s, &best);
    else
        code = attempt(s, quality_of(s->output, s->format), &best);
    if (code == ALB_OK && s->output->max_bytes > 0)
        code = fit_bytes(s, &best);
    if (code == ALB_OK)
        code = alb_fs_write_all(result_fd, best.bytes.p, best.bytes.n, s->err);
    s->format = best.format;
    drop(&best);
    return code;
}

static enum alb_code once(struct search *s, int result_fd)
{
    VipsTarget *target = vips_target_new_to_descriptor(result_fd);
    if (!target)
        return alb_load_fail(s->err, ALB_E_UNPROCESSABLE, "encode");
    enum alb_code code =
        alb_encode(s->image, s->output, s->format, quality_of(s->output, s->format), target, s->err);
    g_object_unref(target);
    return code;
}

enum alb_code alb_step_encode(VipsImage **image, const struct alb_plan_step *e, struct alb_str profile,
                              int result_fd, enum alb_format *format, struct alb_err *err)
{
    const struct alb_output *o = &e->u.encode.output;
    struct search s = {.output = o, .format = o->format, .err = err, .pixels = ALB_STR_NONE};
    bool several = o->best != 0 || o->max_bytes > 0 || o->autoquality != ALB_AUTOQUALITY_OFF;
    enum alb_code code = alb_encode_prepare(image, o, e->u.encode.animate, profile, err);
    if (code == ALB_OK && several)
        code = alb_step_hold(image, err);
    if (code != ALB_OK)
        return code;
    if (o->best != 0)
        s.format = ALB_FORMAT_SAME;
    s.image = *image;
    code = several ? search(&s, result_fd) : once(&s, result_fd);
    *format = s.format;
    g_free((void *)(uintptr_t)s.pixels.p);
    return code;
}
