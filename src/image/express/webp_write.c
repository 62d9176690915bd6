/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows to WebP. Where a plan asks for an effort, libwebp gets the very settings that the general executor
 * gives it. Where it leaves that open, lossy pictures are written by libwebp's method 2: 3 and 4 (4 is its
 * default) take 2.4 times the time. Two things keep bytes and looks where method 4 has them:
 *
 * - RGB is turned into planes here (webp_planes.h): 0.35 points of SSIMULACRA2 more, 0.4 % fewer bytes.
 * - The quality is lowered, until the bytes of planes that come as they are coded are those of method 4. What
 *   was RGB is lowered less: it is at the bytes of method 4 and 1.5 % with a score above it. A result that is
 *   sharper than its plan says (struct alb_sink_ask) gives some of that for as many bytes as the plan's own
 *   way would take.
 *
 * Nothing else that libwebp offers pays (docs/architecture.md has the numbers). The encoder looks at the
 * whole picture (it divides it into segments first), so the sink holds the result's pixels. Metadata, if
 * there are any, make the file an extended one.
 */
#include <string.h>
#include <webp/encode.h>

#include "image/express/rows.h"
#include "image/express/webp_planes.h"

#define SIDE_MAX 16383  /* of the format */
#define CHEAPER_MOST 95 /* quality up to which method 2 does the work of 4 */
#define OF_RGB 0.75f    /* part of what planes are lowered by, that RGB is */
#define RESULT_MAX ((uint64_t)64 << 20)

struct webp {
    struct alb_sink base;
    struct alb_rows_format format;
    const struct alb_output *output;
    struct alb_buf *out;
    struct alb_str exif, xmp;
    unsigned quality;
    bool sharper;
    bool converts;    /* RGB into planes, as it comes */
    unsigned samples; /* of a pixel as held: 3 or 4; planes: 1 */
    uint8_t *plane[ALB_PLANES];
    size_t stride[ALB_PLANES];
    uint32_t next[ALB_PLANES]; /* rows that came */
    uint8_t *upper;            /* converts: a row that waits for the next one */
};

static struct webp *of(struct alb_sink *s)
{
    return ALB_CONTAINER_OF(s, struct webp, base);
}

static enum alb_code no_memory(struct alb_err *err)
{
    return alb_fail(err, ALB_E_NO_MEMORY, "webp: no memory");
}

/* ---- rows ---- */

static void take_grey(const struct webp *w, const uint8_t *from, uint8_t *to)
{
    for (uint32_t x = 0; x < w->format.width; x++, to += w->samples) {
        to[0] = to[1] = to[2] = *from++;
        if (w->samples == 4)
            to[3] = *from++;
    }
}

/* In pairs; a last row alone is its own. */
static void convert(const struct webp *w, const uint8_t *from, uint32_t y)
{
    size_t line = (size_t)w->format.width * 3, at = y / 2;
    bool is_lower = y % 2 == 1;
    if (!is_lower && y + 1 < w->format.height) {
        memcpy(w->upper, from, line);
        return;
    }
    uint8_t *luma = w->plane[0] + y * w->stride[0];
    const struct alb_webp_pair rows = {
        .rgb = {is_lower ? w->upper : from, from},
        .luma = {is_lower ? luma - w->stride[0] : luma, luma},
        .blue = w->plane[1] + at * w->stride[1],
        .red = w->plane[2] + at * w->stride[2],
    };
    alb_webp_planes(&rows, w->format.width);
}

static enum alb_code write_band(struct alb_sink *s, const struct alb_band *band, struct alb_err *err)
{
    struct webp *w = of(s);
    bool grey = w->format.layout == ALB_LAYOUT_GREY || w->format.layout == ALB_LAYOUT_GREY_ALPHA;
    for (unsigned i = 0; i < alb_layout_planes(w->format.layout); i++) {
        if (band->rows[i] > alb_plane_height(&w->format, i) - w->next[i])
            return alb_fail(err, ALB_E_INTERNAL, "webp: more rows than the picture has");
        for (uint32_t y = 0; y < band->rows[i]; y++, w->next[i]++) {
            const uint8_t *from = band->plane[i] + y * band->stride[i];
            uint8_t *to = w->plane[i] + w->next[i] * w->stride[i];
            if (w->converts)
                convert(w, from, w->next[0]);
            else if (grey)
                take_grey(w, from, to);
            else
                memcpy(to, from, w->stride[i]);
        }
    }
    return ALB_OK;
}

/* ---- the file ---- */

static bool is_lossless(const struct alb_output *o)
{
    return o->webp_mode != ALB_WEBP_LOSSY;
}

static int method(const struct alb_output *o)
{
    unsigned e = o->effort[ALB_FORMAT_WEBP];
    return e == 0 ? 4 : (int)((e - 1) * 6 + 4) / 9;
}

/* What the effort is ours to choose for. */
static bool is_open(const struct alb_output *o)
{
    return o->effort[ALB_FORMAT_WEBP] == 0 && !is_lossless(o);
}

/* The quality at which method 2 writes as many bytes as method 4 does at the one that is asked for: `less` by
 * so much. `sharper`: as many as the general executor's whole way would take, which lets libwebp shrink.
 * (Means of photographs to 512 pixels.) */
static float cheaper(const struct webp *w)
{
    static const struct {
        float q, less, sharper;
    } t[] = {{0, 0, 0},        {10, 1.2f, 2.7f}, {30, 2.2f, 5.2f},
             {50, 3, 7},       {65, 2.7f, 7},    {75, 2.33f, 6.6f},
             {79, 0.9f, 2.1f}, {85, 0.4f, 1.6f}, {CHEAPER_MOST, 0.1f, 0.6f}};
    float q = (float)w->quality;
    size_t i = 1;
    while (i + 1 < ALB_ARRAY_LEN(t) && q > t[i].q)
        i++;
    float part = (q - t[i - 1].q) / (t[i].q - t[i - 1].q);
    float less = t[i - 1].less + part * (t[i].less - t[i - 1].less),
          sharper = t[i - 1].sharper + part * (t[i].sharper - t[i - 1].sharper);
    return q - (w->sharper ? sharper : less) * (w->converts ? OF_RGB : 1);
}

static bool configure(const struct webp *w, WebPConfig *c)
{
    static const WebPPreset presets[ALB_WEBP_PRESET_COUNT] = {
        [ALB_WEBP_DEFAULT] = WEBP_PRESET_DEFAULT, [ALB_WEBP_PHOTO] = WEBP_PRESET_PHOTO,
        [ALB_WEBP_PICTURE] = WEBP_PRESET_PICTURE, [ALB_WEBP_DRAWING] = WEBP_PRESET_DRAWING,
        [ALB_WEBP_ICON] = WEBP_PRESET_ICON,       [ALB_WEBP_TEXT] = WEBP_PRESET_TEXT,
    };
    const struct alb_output *o = w->output;
    bool ours = is_open(o) && w->quality <= CHEAPER_MOST;
    float q = ours ? cheaper(w) : (float)w->quality;
    if (!(is_lossless(o) ? WebPConfigInit(c) : WebPConfigPreset(c, presets[o->webp_preset], q)))
        return false;
    c->method = ours ? 2 : method(o);
    c->lossless = is_lossless(o);
    if (o->webp_mode == ALB_WEBP_LOSSLESS)
        c->quality = q;
    if (o->webp_mode == ALB_WEBP_NEAR_LOSSLESS)
        c->near_lossless = (int)w->quality;
    c->use_sharp_yuv = o->webp_smart_subsample;
    return WebPValidateConfig(c) != 0;
}

static int to_buf(const uint8_t *data, size_t n, const WebPPicture *picture)
{
    struct alb_buf *out = picture->custom_ptr;
    alb_buf_add(out, data, n);
    return alb_buf_code(out) == ALB_OK;
}

/* The planes are borrowed: libwebp does not write to planes that it is given, if there is no transparency. */
static bool import(const struct webp *w, WebPPicture *p)
{
    p->width = (int)w->format.width;
    p->height = (int)w->format.height;
    if (w->format.layout == ALB_LAYOUT_YCC || w->converts) {
        p->use_argb = 0;
        p->colorspace = WEBP_YUV420;
        p->y = w->plane[0];
        p->u = w->plane[1];
        p->v = w->plane[2];
        p->y_stride = (int)w->stride[0];
        p->uv_stride = (int)w->stride[1];
        return true;
    }
    p->use_argb = is_lossless(w->output) || w->output->webp_smart_subsample;
    return w->samples == 4 ? WebPPictureImportRGBA(p, w->plane[0], (int)w->stride[0])
                           : WebPPictureImportRGB(p, w->plane[0], (int)w->stride[0]);
}

static enum alb_code encode(struct webp *w, struct alb_err *err)
{
    WebPConfig config;
    WebPPicture picture;
    if (!configure(w, &config) || !WebPPictureInit(&picture))
        return alb_fail(err, ALB_E_UNSUPPORTED, "webp: settings");
    picture.writer = to_buf;
    picture.custom_ptr = w->out;
    bool ok = import(w, &picture) && WebPEncode(&config, &picture);
    WebPEncodingError why = picture.error_code;
    WebPPictureFree(&picture); /* frees what is its own only */
    if (ok)
        return ALB_OK;
    if (alb_buf_code(w->out) != ALB_OK)
        return alb_fail(err, alb_buf_code(w->out), "webp: the result is too large");
    return alb_fail(err, ALB_E_UNSUPPORTED, "webp: encoder error %d", (int)why);
}

/* ---- metadata ---- */

static void put_le(uint8_t *p, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void add_chunk(struct alb_buf *out, const char name[4], struct alb_str s)
{
    uint8_t n[4];
    if (s.n == 0)
        return;
    put_le(n, (uint32_t)s.n, 4);
    alb_buf_add(out, name, 4);
    alb_buf_add(out, n, 4);
    alb_buf_str(out, s);
    if (s.n & 1)
        alb_buf_char(out, 0);
}

/* Makes the file at `from` an extended one (if it is not already) and puts the chunks behind the picture. */
static enum alb_code extend(struct webp *w, size_t from, struct alb_err *err)
{
    enum { RIFF = 12, HEAD = 8, EXTENDED = 10 };
    uint8_t head[HEAD + EXTENDED] = {'V', 'P', '8', 'X', EXTENDED};
    if (w->exif.n == 0 && w->xmp.n == 0)
        return ALB_OK;
    bool is_extended = w->out->n - from > RIFF + HEAD && memcmp(w->out->p + from + RIFF, "VP8X", 4) == 0;
    if (!is_extended && alb_buf_reserve(w->out, sizeof(head))) {
        bool alpha = memcmp(w->out->p + from + RIFF, "VP8L", 4) == 0 && w->samples == 4;
        char *at = w->out->p + from + RIFF;
        memmove(at + sizeof(head), at, w->out->n - from - RIFF);
        head[HEAD] = alpha ? 0x10 : 0;
        put_le(head + HEAD + 4, w->format.width - 1, 3);
        put_le(head + HEAD + 7, w->format.height - 1, 3);
        memcpy(at, head, sizeof(head));
        alb_buf_commit(w->out, sizeof(head));
    }
    add_chunk(w->out, "EXIF", w->exif);
    add_chunk(w->out, "XMP ", w->xmp);
    if (alb_buf_code(w->out) != ALB_OK)
        return alb_fail(err, alb_buf_code(w->out), "webp: the result is too large");
    uint8_t *file = (uint8_t *)w->out->p + from;
    file[RIFF + HEAD] = (uint8_t)(file[RIFF + HEAD] | (w->exif.n > 0 ? 0x08 : 0) | (w->xmp.n > 0 ? 0x04 : 0));
    put_le(file + 4, (uint32_t)(w->out->n - from - HEAD), 4);
    return ALB_OK;
}

static enum alb_code finish(struct alb_sink *s, struct alb_err *err)
{
    struct webp *w = of(s);
    size_t from = w->out->n;
    for (unsigned i = 0; i < alb_layout_planes(w->format.layout); i++) {
        if (w->next[i] != alb_plane_height(&w->format, i))
            return alb_fail(err, ALB_E_INTERNAL, "webp: rows are missing");
    }
    enum alb_code code = encode(w, err);
    return code == ALB_OK ? extend(w, from, err) : code;
}

static void close_sink(struct alb_sink *s)
{
    (void)s; /* all of it lies in the scratch */
}

/* ---- opening ---- */

/* The format has no place for a resolution but EXIF, where 72 dpi is what readers assume anyway. */
bool alb_webp_sink_takes(const struct alb_output *o)
{
    return o->profile == ALB_PROFILE_SRGB && (o->dpi <= 0 || (o->dpi > 71.9 && o->dpi < 72.1)) &&
           !o->keep_metadata;
}

bool alb_webp_sink_planes(const struct alb_output *o, const struct alb_rows_format *source,
                          struct alb_rows_format *want)
{
    if (is_lossless(o) || o->webp_smart_subsample || source->layout != ALB_LAYOUT_YCC ||
        source->matrix != ALB_MATRIX_601)
        return false;
    want->layout = ALB_LAYOUT_YCC;
    want->bits = 8;
    want->sub_x = want->sub_y = 1;
    want->matrix = ALB_MATRIX_601;
    want->limited = true;
    return true;
}

static bool is_possible(const struct alb_rows_format *f, const struct alb_output *o)
{
    if (f->bits != 8 || f->width > SIDE_MAX || f->height > SIDE_MAX || !alb_webp_sink_takes(o) ||
        (uint64_t)f->width * f->height * 4 > RESULT_MAX)
        return false;
    bool as_coded = f->sub_x == 1 && f->sub_y == 1 && f->limited && f->matrix == ALB_MATRIX_601;
    return f->layout != ALB_LAYOUT_YCC || (as_coded && !is_lossless(o) && !o->webp_smart_subsample);
}

static bool prepare(struct webp *w, struct alb_express *x)
{
    struct alb_rows_format held = w->format;
    if (w->converts) {
        held.layout = ALB_LAYOUT_YCC;
        held.sub_x = held.sub_y = 1;
        w->upper = alb_scratch_take(x->scratch, held.width, 3);
        if (!w->upper)
            return false;
    }
    w->samples = held.layout == ALB_LAYOUT_YCC ? 1 : alb_layout_alpha(held.layout) ? 4 : 3;
    for (unsigned i = 0; i < alb_layout_planes(held.layout); i++) {
        w->stride[i] = (size_t)alb_plane_width(&held, i) * w->samples;
        w->plane[i] = alb_scratch_take(x->scratch, w->stride[i], alb_plane_height(&held, i));
        if (!w->plane[i])
            return false;
    }
    return true;
}

enum alb_code alb_webp_sink_open(struct alb_express *x, const struct alb_sink_ask *ask,
                                 struct alb_sink **sink, struct alb_err *err)
{
    static const struct alb_sink_ops ops = {write_band, finish, close_sink};
    *sink = NULL;
    if (!is_possible(&ask->format, ask->output))
        return alb_fail(err, ALB_E_UNSUPPORTED, "webp: not this one");
    struct webp *w = alb_scratch_take(x->scratch, 1, sizeof(*w));
    if (!w)
        return no_memory(err);
    *w = (struct webp){.base = {&ops},
                       .format = ask->format,
                       .output = ask->output,
                       .out = ask->out,
                       .exif = alb_exif_bare(ask->exif),
                       .xmp = ask->xmp,
                       .quality = ask->quality,
                       .sharper = ask->sharper};
    w->converts =
        is_open(ask->output) && !ask->output->webp_smart_subsample && ask->format.layout == ALB_LAYOUT_RGB;
    if (!prepare(w, x))
        return no_memory(err);
    *sink = &w->base;
    return ALB_OK;
}
