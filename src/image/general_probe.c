/* SPDX-License-Identifier: Apache-2.0
 *
 * The probe. In order: correct the sniffed type where only seeking can tell; header; metadata; then, within
 * the limits, the whole picture once at about 100 pixels, which gives the placeholder and tells whether the
 * content can be read to its end. Each part may fail on its own: what was found is kept.
 */
#include "image/general.h"

#include <stdio.h>
#include <string.h>

#include "image/general_steps.h"
#include "image/icc.h"
#include "image/load.h"
#include "image/thumbhash.h"
#include "image/turn.h"

struct probing {
    struct alb_str source;
    const struct alb_plan_limits *limits;
    bool pixels; /* are to be looked at */
    struct alb_probe *p;
    struct alb_raw *raw;
    struct alb_str preview; /* RAW: the JPEG that is shown, */
    VipsImage *developed;   /* or, without one, the developed picture */
    bool have_exif, have_xmp, have_iptc;
    struct alb_meta exif, iptc, xmp, container;
};

static void note(struct alb_probe *p, const struct alb_err *err)
{
    size_t n = strnlen(err->msg, sizeof(p->note) - 1);
    memcpy(p->note, err->msg, n);
    p->note[n] = 0;
}

static void damaged(struct probing *g, const struct alb_err *err)
{
    g->p->damaged = true;
    note(g->p, err);
}

/* A kind that we have no decoder for may be whole. */
static void not_seen(struct probing *g, const struct alb_err *err)
{
    if (err->code == ALB_E_TOO_LARGE || err->code == ALB_E_UNSUPPORTED) {
        g->p->not_looked = true;
        note(g->p, err);
    } else {
        damaged(g, err);
    }
}

/* ---- metadata ---- */

/* One block of each kind, the first that is found. A reader fails only when the arena is full: what fitted
 * stays. */
static void read_exif(struct probing *g, struct alb_str b)
{
    if (b.n > 0 && !g->have_exif)
        alb_ignore(alb_meta_exif(g->p->arena, &g->exif, b.p, b.n, NULL), "what fitted stays");
    g->have_exif = g->have_exif || b.n > 0;
}

static void read_xmp(struct probing *g, struct alb_str b)
{
    if (b.n > 0 && !g->have_xmp)
        alb_ignore(alb_meta_xmp(g->p->arena, &g->xmp, b.p, b.n, NULL), "what fitted stays");
    g->have_xmp = g->have_xmp || b.n > 0;
}

static void read_iptc(struct probing *g, struct alb_str b)
{
    if (b.n > 0 && !g->have_iptc)
        alb_ignore(alb_meta_iptc(g->p->arena, &g->iptc, b.p, b.n, NULL), "what fitted stays");
    g->have_iptc = g->have_iptc || b.n > 0;
}

#define HEIF_ITEMS_MAX 16

/* libvips hands over the XMP of a HEIF file under the kind and number of its item. */
static void read_heif_xmp(struct probing *g, VipsImage *image)
{
    for (int i = 0; i < HEIF_ITEMS_MAX && !g->have_xmp; i++) {
        char name[32];
        snprintf(name, sizeof(name), "heif-mime-%d", i);
        struct alb_str item = alb_image_blob(image, name);
        if (alb_str_find_str(item, ALB_STR("<rdf:RDF")) != ALB_STR_NPOS)
            read_xmp(g, item);
    }
}

static void read_blocks(struct probing *g, VipsImage *image)
{
    read_exif(g, alb_image_blob(image, VIPS_META_EXIF_NAME));
    read_xmp(g, alb_image_blob(image, VIPS_META_XMP_NAME));
    read_heif_xmp(g, image);
    read_iptc(g, alb_image_blob(image, VIPS_META_IPTC_NAME));
}

/* The directories of a TIFF-shaped file are its EXIF. */
static void read_tiff(struct probing *g, struct alb_meta_tiff *seen)
{
    struct alb_meta_source src = alb_meta_source_mem(&g->source);
    alb_ignore(alb_meta_tiff(g->p->arena, &g->exif, &src, seen, NULL), "what fitted stays");
    g->have_exif = g->exif.make.n > 0 || g->exif.taken.known;
    read_xmp(g, seen->xmp);
    read_iptc(g, seen->iptc);
}

static bool read_moov(struct probing *g)
{
    bool found = false;
    struct alb_meta_source src = alb_meta_source_mem(&g->source);
    alb_ignore(alb_meta_moov(g->p->arena, &g->container, &src, &found, NULL), "what fitted stays");
    return found;
}

/* A TIFF whose directory lies beyond the sniffer's window may be a raw file. */
static void correct_type(struct probing *g)
{
    struct alb_meta_tiff seen;
    enum alb_type_class cls = alb_type_class(g->p->type);
    if (g->p->type != ALB_TYPE_TIFF && cls != ALB_CLASS_RAW)
        return;
    read_tiff(g, &seen);
    if (g->p->type != ALB_TYPE_TIFF || !seen.ok)
        return;
    struct alb_tiff_hint hint = {seen.dng, seen.cr2, seen.sub_ifds, seen.reduced, seen.cfa, {0}};
    memcpy(hint.make, seen.make, sizeof(hint.make));
    g->p->type = alb_sniff_tiff(&hint);
}

/* ---- header ---- */

static uint8_t bits_of(VipsImage *image)
{
    int bits = 0;
    if (vips_image_get_typeof(image, "bits-per-sample") &&
        vips_image_get_int(image, "bits-per-sample", &bits) == 0 && bits > 0 && bits <= 32)
        return (uint8_t)bits;
    vips_error_clear();
    size_t bytes = vips_format_sizeof(vips_image_get_format(image));
    return bytes <= 4 ? (uint8_t)(8 * bytes) : 32;
}

static enum alb_space space_of(VipsImage *image)
{
    switch ((int)vips_image_get_interpretation(image)) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
        return ALB_SPACE_GREY;
    case VIPS_INTERPRETATION_CMYK:
        return ALB_SPACE_CMYK;
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_scRGB:
        return ALB_SPACE_RGB;
    default:
        return ALB_SPACE_OTHER;
    }
}

static bool flag_of(VipsImage *image, const char *name)
{
    int v = 0;
    return vips_image_get_typeof(image, name) != 0 && vips_image_get_int(image, name, &v) == 0 && v != 0;
}

/* Files of stills may have several pages too; only frames have times. */
static bool is_sequence(VipsImage *image)
{
    return vips_image_get_typeof(image, "delay") != 0;
}

static void read_header(struct alb_image_header *h, VipsImage *image)
{
    h->width = (uint32_t)vips_image_get_width(image);
    h->height = (uint32_t)vips_image_get_page_height(image);
    h->pages = h->type == ALB_TYPE_JP2 ? 1 : (uint32_t)vips_image_get_n_pages(image); /* there: resolutions */
    h->animated = h->pages > 1 && (h->type == ALB_TYPE_GIF || h->type == ALB_TYPE_WEBP || is_sequence(image));
    h->alpha = vips_image_hasalpha(image) != 0;
    h->progressive = flag_of(image, "jpeg-multiscan") || flag_of(image, "interlaced");
    h->bits = bits_of(image);
    h->icc = alb_icc_kind(alb_image_blob(image, VIPS_META_ICC_NAME));
    h->space = space_of(image);
    h->orientation = alb_turn_valid((unsigned)vips_image_get_orientation(image));
    /* loaders of these turn the picture themselves */
    if (h->type == ALB_TYPE_HEIC || h->type == ALB_TYPE_AVIF || h->type == ALB_TYPE_JXL)
        h->orientation = 1;
}

/* The embedded thumbnail, if it shows the whole picture the same way round: some are padded, some not turned. */
static void read_thumbnail(struct alb_image_header *h, VipsImage *thumb)
{
    uint32_t w = (uint32_t)vips_image_get_width(thumb), hh = (uint32_t)vips_image_get_height(thumb);
    int64_t off = (int64_t)w * h->height - (int64_t)hh * h->width;
    uint32_t longest = h->width > h->height ? h->width : h->height;
    if (w >= h->width || hh >= h->height || off > longest || off < -(int64_t)longest)
        return;
    h->thumb_width = w;
    h->thumb_height = hh;
}

static bool is_halved(const struct alb_image_header *h, VipsImage *page, uint32_t times)
{
    return (uint32_t)vips_image_get_width(page) == h->width >> times &&
           (uint32_t)vips_image_get_height(page) == h->height >> times;
}

/* Smaller pictures of the same that the file holds; only headers are read. */
static void read_smaller(struct probing *g)
{
    struct alb_image_header *h = &g->p->header;
    struct alb_load l = ALB_LOAD_INIT(h->type, g->source);
    struct alb_pages pages;
    if (h->type == ALB_TYPE_ICO && alb_ico_look(g->source, &pages)) {
        h->pages = pages.count;
        h->halvings = pages.halvings;
    }
    l.strict = false;
    l.thumbnail = h->type == ALB_TYPE_HEIC || h->type == ALB_TYPE_AVIF;
    uint32_t most = l.thumbnail ? 1 : h->type == ALB_TYPE_TIFF ? h->pages - 1 : 0;
    for (uint32_t i = 1; i <= most && i < 32; i++) {
        l.page = l.thumbnail ? 0 : i;
        VipsImage *image = alb_load_open(&l, NULL);
        bool same = image && (l.thumbnail || is_halved(h, image, i));
        if (same && l.thumbnail)
            read_thumbnail(h, image);
        else if (same)
            h->halvings = (uint8_t)i;
        g_clear_object(&image);
        if (!same)
            break;
    }
}

static bool too_large(struct probing *g)
{
    const struct alb_image_header *h = &g->p->header;
    uint64_t pixels = (uint64_t)h->width * h->height;
    bool vector = alb_type_class(h->type) == ALB_CLASS_VECTOR;
    if (vector) /* as small as the loader can make it */
        pixels = (uint64_t)((double)pixels * ALB_LOAD_SCALE_MIN * ALB_LOAD_SCALE_MIN);
    return h->bytes > g->limits->source_bytes || pixels > g->limits->source_pixels ||
           (uint64_t)h->raw_width * h->raw_height > g->limits->source_pixels;
}

static VipsImage *open_raw(struct probing *g, struct alb_err *err)
{
    struct alb_image_header *h = &g->p->header;
    if (alb_raw_open(g->source, &g->raw, err) != ALB_OK)
        return NULL;
    alb_raw_size(g->raw, &h->raw_width, &h->raw_height);
    if (too_large(g)) {
        alb_fail(err, ALB_E_TOO_LARGE, "more pixels than the limit");
        return NULL;
    }
    g->preview = alb_raw_preview(g->raw);
    read_xmp(g, alb_raw_xmp(g->raw));
    bool small = g->preview.n > 0 && alb_raw_is_thumbnail(g->raw, g->preview);
    if (g->preview.n == 0 || small)
        g->developed = alb_raw_develop(g->raw, small ? NULL : err);
    if (small && !g->developed) { /* more than nothing; libraw may have forgotten it */
        alb_raw_close(&g->raw);
        if (alb_raw_open(g->source, &g->raw, err) != ALB_OK)
            return NULL;
        g->preview = alb_raw_preview(g->raw);
    }
    h->preview = !g->developed && g->preview.n > 0;
    if (!h->preview)
        return g->developed ? g_object_ref(g->developed) : NULL;
    struct alb_load l = ALB_LOAD_INIT(ALB_TYPE_JPEG, g->preview);
    l.strict = false;
    return alb_load_open(&l, err);
}

/* What our own readers know of a size, even of a file that they cannot show. */
static bool size_before(struct probing *g)
{
    struct alb_image_header *h = &g->p->header;
    struct alb_pages pages = {0};
    switch ((int)h->type) {
    case ALB_TYPE_BMP:
        return alb_bmp_size(g->source, &h->width, &h->height);
    case ALB_TYPE_PSD:
        return alb_psd_size(g->source, &h->width, &h->height);
    case ALB_TYPE_ICO:
        if (!alb_ico_look(g->source, &pages))
            return false;
        h->width = pages.width;
        h->height = pages.height;
        return true;
    default:
        return false;
    }
}

/* The picture with its header read, no pixel decoded yet (those of RAW without a preview are). */
static VipsImage *open_picture(struct probing *g, struct alb_err *err)
{
    struct alb_image_header *h = &g->p->header;
    if (alb_type_class(h->type) == ALB_CLASS_RAW)
        return open_raw(g, err);
    if (size_before(g) && too_large(g)) {
        alb_fail(err, ALB_E_TOO_LARGE, "more pixels than the limit");
        return NULL;
    }
    struct alb_load l = ALB_LOAD_INIT(h->type, g->source);
    /* the header of a file that ends too early is worth having; the second opening is strict */
    l.strict = false;
    l.header = true;
    return alb_load_open(&l, err);
}

/* ---- pixels ---- */

/* Opens again, as small as the decoder can make it. */
static VipsImage *open_small(struct probing *g, struct alb_err *err)
{
    const struct alb_image_header *h = &g->p->header;
    bool raw = alb_type_class(h->type) == ALB_CLASS_RAW;
    uint32_t longest = h->width > h->height ? h->width : h->height,
             shortest = h->width > h->height ? h->height : h->width;
    struct alb_load l = ALB_LOAD_INIT(raw ? ALB_TYPE_JPEG : h->type, raw ? g->preview : g->source);
    if (g->developed)
        return g_object_ref(g->developed);
    l.plain = true;
    /* a side shorter than 8 pixels would shrink to nothing */
    while (l.eighths > 1 && shortest * (l.eighths / 2) / 8 > 0 &&
           longest / 8 * (l.eighths / 2) >= ALB_THUMBHASH_SIDE)
        l.eighths /= 2;
    if (alb_type_class(h->type) == ALB_CLASS_VECTOR ||
        (h->type == ALB_TYPE_WEBP && longest > ALB_THUMBHASH_SIDE && !h->animated))
        l.scale = (double)ALB_THUMBHASH_SIDE / longest;
    return alb_load_open(&l, err);
}

static enum alb_code to_rgba(VipsImage **image, uint8_t orientation, struct alb_err *err)
{
    int w = vips_image_get_width(*image), h = vips_image_get_page_height(*image), longest = w > h ? w : h;
    uint32_t tw = (uint32_t)w, th = (uint32_t)h;
    if (longest > ALB_THUMBHASH_SIDE) {
        double f = (double)ALB_THUMBHASH_SIDE / longest;
        tw = (uint32_t)(w * f + 0.5) > 0 ? (uint32_t)(w * f + 0.5) : 1;
        th = (uint32_t)(h * f + 0.5) > 0 ? (uint32_t)(h * f + 0.5) : 1;
    }
    enum alb_code code = alb_step_resize(image, tw, th, ALB_KERNEL_LANCZOS3, err);
    if (code == ALB_OK)
        code = alb_step_colour(image, ALB_COLOUR_SRGB, false, err);
    if (code == ALB_OK)
        code = alb_step_hold(image, err);
    if (code == ALB_OK && orientation != 1)
        code = alb_step_turn(image, orientation, err);
    VipsImage *out = NULL;
    if (code == ALB_OK && vips_colourspace(*image, &out, VIPS_INTERPRETATION_sRGB, NULL) == 0) {
        g_object_unref(*image);
        *image = out;
        if (vips_image_hasalpha(*image))
            return ALB_OK;
        if (vips_addalpha(*image, &out, NULL) == 0) {
            g_object_unref(*image);
            *image = out;
            return ALB_OK;
        }
    }
    return code != ALB_OK ? code : alb_load_fail(err, ALB_E_UNPROCESSABLE, "placeholder");
}

static void keep_small(struct alb_probe *p, const uint8_t *rgba, unsigned w, unsigned h)
{
    p->thumbhash_len = alb_thumbhash(rgba, w, h, p->thumbhash);
    if (w > ALB_LOOK_SIDE || h > ALB_LOOK_SIDE)
        return;
    p->small = (const uint8_t *)alb_arena_str(p->arena, (struct alb_str){(const char *)rgba, 4 * (size_t)w * h}).p;
    p->small_width = p->small ? w : 0;
    p->small_height = p->small ? h : 0;
}

static void look_at_pixels(struct probing *g)
{
    struct alb_err err = ALB_ERR_INIT;
    VipsImage *image = open_small(g, &err), *out = NULL;
    if (!image || to_rgba(&image, g->p->header.orientation, &err) != ALB_OK) {
        not_seen(g, &err);
        g_clear_object(&image);
        return;
    }
    size_t n = 0;
    unsigned w = (unsigned)vips_image_get_width(image), h = (unsigned)vips_image_get_height(image);
    if (vips_cast(image, &out, VIPS_FORMAT_UCHAR, NULL) == 0 && vips_image_get_bands(out) == 4) {
        void *rgba = vips_image_write_to_memory(out, &n);
        if (rgba && n == (size_t)w * h * 4)
            keep_small(g->p, rgba, w, h);
        g_free(rgba);
    }
    vips_error_clear();
    g_clear_object(&out);
    g_object_unref(image);
}

/* ---- the whole ---- */

static void probe_picture(struct probing *g)
{
    struct alb_err err = ALB_ERR_INIT;
    g->p->header.type = g->p->type;
    if (!alb_type_can_show(g->p->type)) {
        g->p->not_looked = true;
        return;
    }
    VipsImage *image = open_picture(g, &err);
    if (!image) {
        not_seen(g, &err);
        if (!size_before(g))
            alb_ignore(!alb_sniff_size(g->p->type, g->source.p, g->source.n, &g->p->header.width,
                                       &g->p->header.height),
                       "then the size stays unknown");
        return;
    }
    read_header(&g->p->header, image);
    if (g->raw)
        g->p->header.orientation = alb_raw_orientation(g->raw);
    read_blocks(g, image);
    g_object_unref(image);
    read_smaller(g);
    if (too_large(g)) {
        g->p->not_looked = true;
        alb_fail(&err, ALB_E_TOO_LARGE, "more pixels than the limit");
        note(g->p, &err);
        return;
    }
    if (g->pixels)
        look_at_pixels(g);
    else
        g->p->not_looked = true;
}

/* What the boxes of MP4 have not told. */
static void add_container(struct probing *g, const struct alb_video *v)
{
    struct alb_meta *m = &g->container;
    if (m->width == 0 || m->height == 0) {
        m->width = v->width;
        m->height = v->height;
    }
    if (m->duration_ms == 0)
        m->duration_ms = v->duration_ms;
    if (m->fps <= 0)
        m->fps = v->fps;
    if (m->codec.n == 0)
        m->codec = alb_arena_str(g->p->arena, alb_str_c(v->codec));
}

static void probe_video(struct probing *g)
{
    static const uint8_t turns[4] = {1, 6, 3, 8};
    struct alb_image_header *h = &g->p->header;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_video video;
    bool boxes = g->p->type == ALB_TYPE_MP4 || g->p->type == ALB_TYPE_MOV || g->p->type == ALB_TYPE_GPP;
    h->type = g->p->type;
    if (boxes && !read_moov(g)) {
        g->p->not_looked = true;
        alb_fail(&err, ALB_E_UNPROCESSABLE, "the index (moov) is missing");
        damaged(g, &err);
        return;
    }
    h->width = g->container.width;
    h->height = g->container.height;
    h->orientation = turns[g->container.turn / 90 % 4];
    if (alb_video_look(h->type, g->source, &video, &err) != ALB_OK) {
        g->p->not_looked = true;
        not_seen(g, &err);
        return;
    }
    add_container(g, &video);
    h->width = video.width;
    h->height = video.height;
    h->orientation = turns[video.turn / 90 % 4];
    g->p->not_looked = !g->pixels || too_large(g);
    if (!g->p->not_looked)
        look_at_pixels(g);
}

static void set_up(struct probing *g)
{
    struct alb_meta *all[] = {&g->exif, &g->iptc, &g->xmp, &g->container, &g->p->meta};
    for (size_t i = 0; i < ALB_ARRAY_LEN(all); i++)
        alb_meta_init(all[i]);
    g->p->header =
        (struct alb_image_header){.orientation = 1, .pages = 1, .bits = 8, .bytes = (int64_t)g->source.n};
}

enum alb_code alb_general_probe(enum alb_type type, struct alb_str source,
                                const struct alb_plan_limits *limits, bool pixels, struct alb_probe *out,
                                struct alb_err *err)
{
    struct probing g = {.source = source, .limits = limits, .pixels = pixels, .p = out};
    set_up(&g);
    out->type = type;
    correct_type(&g);
    if (alb_type_class(type) == ALB_CLASS_VIDEO)
        probe_video(&g);
    else
        probe_picture(&g);
    if (out->type == ALB_TYPE_CR3)
        alb_ignore(!read_moov(&g), "a CR3 without an index has no metadata");
    g_clear_object(&g.developed);
    alb_raw_close(&g.raw);
    enum alb_code code = alb_meta_merge(out->arena, &out->meta, &g.exif, &g.iptc, &g.xmp, &g.container, err);
    if (code == ALB_OK && alb_type_class(out->type) != ALB_CLASS_VIDEO)
        out->meta.orientation = out->header.orientation;
    return code == ALB_E_TOO_LARGE ? ALB_OK : code;
}

enum alb_code alb_general_sidecar(struct alb_str source, struct alb_probe *out, struct alb_err *err)
{
    out->type = ALB_TYPE_XMP;
    out->header = (struct alb_image_header){
        .type = ALB_TYPE_XMP, .orientation = 1, .pages = 1, .bits = 8, .bytes = (int64_t)source.n};
    out->not_looked = true;
    alb_meta_init(&out->meta);
    return alb_meta_xmp(out->arena, &out->meta, source.p, source.n, err);
}
