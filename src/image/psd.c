/* SPDX-License-Identifier: Apache-2.0
 *
 * Photoshop's files, small (PSD) and large (PSB): the picture as it looked when it was saved, which lies behind the
 * layers. Adobe Photoshop File Formats Specification: header, palette, resources, layers, then the samples of one
 * channel after the other, as they are or in runs (PackBits). Every read is bounded by the file, every write by the
 * picture; nothing is allocated for a picture that the file cannot hold.
 */
#include "image/load.h"

#include <string.h>

#include "base/mem.h"

enum {
    MODE_BITMAP = 0,
    MODE_GREY = 1,
    MODE_INDEXED = 2,
    MODE_RGB = 3,
    MODE_CMYK = 4,
    MODE_DUOTONE = 8,
    MODE_LAB = 9
};
enum {
    RESOURCE_RESOLUTION = 1005,
    RESOURCE_ICC = 1039,
    RESOURCE_EXIF = 1058,
    RESOURCE_XMP = 1060,
    RESOURCE_IPTC = 1028,
    RESOURCE_VERSION = 1057
};
#define HEADER 26
#define RUN_GAIN 64 /* two bytes of runs are at most 128 samples */

struct psd {
    struct alb_str s;
    bool large; /* PSB */
    uint32_t width, height, channels, depth, mode;
    struct alb_str palette, icc, exif, xmp, iptc;
    double per_mm;
    bool empty; /* was saved without the picture */
    bool alpha; /* the first extra channel is the transparency of the picture */
    size_t data;
    unsigned runs;
    unsigned colours; /* channels of colour that are read */
};

static uint64_t be(struct alb_str s, size_t off, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes && off < s.n && bytes <= s.n - off; i++)
        v = v << 8 | (unsigned char)s.p[off + i];
    return v;
}

/* A section with its length before it (bytes of that: 4 or 8); `off` goes behind it. */
static bool section(const struct psd *p, size_t *off, size_t bytes, struct alb_str *out)
{
    if (*off > p->s.n || bytes > p->s.n - *off)
        return false;
    uint64_t n = be(p->s, *off, bytes);
    *off += bytes;
    if (n > p->s.n - *off)
        return false;
    *out = alb_str_sub(p->s, *off, (size_t)n);
    *off += (size_t)n;
    return true;
}

static void take_resource(struct psd *p, unsigned id, struct alb_str data)
{
    switch (id) {
    case RESOURCE_RESOLUTION: /* pixels per inch, 16.16 */
        p->per_mm = data.n >= 4 ? (double)be(data, 0, 4) / 65536 / 25.4 : 0;
        break;
    case RESOURCE_ICC:
        p->icc = data;
        break;
    case RESOURCE_EXIF:
        p->exif = data;
        break;
    case RESOURCE_XMP:
        p->xmp = data;
        break;
    case RESOURCE_IPTC:
        p->iptc = data;
        break;
    case RESOURCE_VERSION:
        p->empty = data.n >= 5 && data.p[4] == 0;
        break;
    default:
        break;
    }
}

/* "8BIM", number, name (padded to even), length, data (padded to even). */
static void read_resources(struct psd *p, struct alb_str all)
{
    size_t off = 0;
    while (off + 12 <= all.n && memcmp(all.p + off, "8BIM", 4) == 0) {
        unsigned id = (unsigned)be(all, off + 4, 2);
        size_t at = off + 6 + (((size_t)be(all, off + 6, 1) + 2) & ~(size_t)1);
        size_t n = (size_t)be(all, at, 4);
        if (at + 4 > all.n || n > all.n - at - 4)
            return;
        take_resource(p, id, alb_str_sub(all, at + 4, n));
        off = at + 4 + ((n + 1) & ~(size_t)1);
    }
}

/* A negative number of layers says that the first extra channel is the transparency of the whole. */
static void read_layers(struct psd *p, struct alb_str all)
{
    size_t wide = p->large ? 8 : 4;
    p->alpha = be(all, 0, wide) >= 2 && (be(all, wide, 2) & 0x8000) != 0;
}

static bool read_sections(struct psd *p)
{
    size_t off = HEADER;
    struct alb_str resources, layers;
    if (!section(p, &off, 4, &p->palette) || !section(p, &off, 4, &resources) ||
        !section(p, &off, p->large ? 8 : 4, &layers) || off + 2 > p->s.n)
        return false;
    read_resources(p, resources);
    read_layers(p, layers);
    p->runs = (unsigned)be(p->s, off, 2);
    p->data = off + 2;
    return true;
}

static bool read_header(struct psd *p)
{
    unsigned version = (unsigned)be(p->s, 4, 2);
    if (p->s.n < HEADER || memcmp(p->s.p, "8BPS", 4) != 0 || (version != 1 && version != 2))
        return false;
    p->large = version == 2;
    p->channels = (uint32_t)be(p->s, 12, 2);
    p->height = (uint32_t)be(p->s, 14, 4);
    p->width = (uint32_t)be(p->s, 18, 4);
    p->depth = (uint32_t)be(p->s, 22, 2);
    p->mode = (uint32_t)be(p->s, 24, 2);
    uint32_t most = p->large ? 300000 : 30000;
    return p->width > 0 && p->height > 0 && p->width <= most && p->height <= most && p->channels > 0 &&
           p->channels <= 56 && (p->depth == 1 || p->depth == 8 || p->depth == 16 || p->depth == 32);
}

static bool is_consistent(const struct psd *p)
{
    bool indexed = p->mode == MODE_INDEXED;
    return (p->depth == 1) == (p->mode == MODE_BITMAP) && p->channels >= p->colours &&
           (!indexed || (p->depth == 8 && p->palette.n >= 768));
}

static enum alb_code check_kind(struct psd *p, struct alb_err *err)
{
    static const uint8_t colours[MODE_LAB + 1] = {[MODE_BITMAP] = 1, [MODE_GREY] = 1, [MODE_INDEXED] = 1,
                                                  [MODE_RGB] = 3,    [MODE_CMYK] = 4, [MODE_DUOTONE] = 1};
    p->colours = p->mode <= MODE_LAB ? colours[p->mode] : 0;
    if (p->mode == MODE_LAB)
        return alb_fail(err, ALB_E_UNSUPPORTED, "psd: pictures in Lab are not read");
    if (p->colours == 0)
        return alb_fail(err, ALB_E_UNSUPPORTED, "psd: pictures in mode %u are not read", p->mode);
    if (p->depth == 32)
        return alb_fail(err, ALB_E_UNSUPPORTED, "psd: pictures with 32 bits a channel are not read");
    if (!is_consistent(p))
        return alb_fail(err, ALB_E_UNPROCESSABLE, "psd: a header that contradicts itself");
    if (p->runs > 1)
        return alb_fail(err, ALB_E_UNSUPPORTED, "psd: compression %u is not read", p->runs);
    if (p->empty)
        return alb_fail(err, ALB_E_UNSUPPORTED, "psd: saved without the picture for other programs");
    p->alpha = p->alpha && p->channels > p->colours && p->mode != MODE_INDEXED && p->mode != MODE_BITMAP;
    return ALB_OK;
}

/* ---- samples ---- */

static size_t row_bytes(const struct psd *p)
{
    return p->depth == 1 ? ((size_t)p->width + 7) / 8 : (size_t)p->width * (p->depth / 8);
}

static unsigned bands_of(const struct psd *p)
{
    return (p->mode == MODE_INDEXED ? 3u : p->colours) + (p->alpha ? 1u : 0u);
}

/* One row of PackBits; the rest stays as it was. False if the runs end before the row does. */
static bool unpack(struct alb_str s, unsigned char *row, size_t n)
{
    size_t in = 0, out = 0;
    while (out < n && in < s.n) {
        int head = (signed char)s.p[in++];
        size_t count = head < 0 ? (size_t)(1 - head) : (size_t)head + 1;
        if (head == -128)
            continue;
        count = count < n - out ? count : n - out;
        if (head < 0 && in < s.n) {
            memset(row + out, (unsigned char)s.p[in++], count);
        } else if (head >= 0 && in < s.n) {
            count = count < s.n - in ? count : s.n - in;
            memcpy(row + out, s.p + in, count);
            in += count;
        } else {
            break;
        }
        out += count;
    }
    return out == n;
}

static void put_bytes(const unsigned char *row, unsigned char *out, size_t n, size_t bands,
                      unsigned char turned)
{
    for (size_t x = 0; x < n; x++)
        out[x * bands] = row[x] ^ turned;
}

static void put_words(const unsigned char *row, unsigned char *out, size_t n, size_t bands, unsigned turned)
{
    for (size_t x = 0; x < n; x++) {
        uint16_t v = (uint16_t)(((unsigned)row[2 * x] << 8 | row[2 * x + 1]) ^ turned);
        memcpy(out + 2 * x * bands, &v, 2);
    }
}

static void put_indexed(const struct psd *p, const unsigned char *row, unsigned char *out)
{
    for (size_t x = 0; x < p->width; x++) {
        for (size_t c = 0; c < 3; c++)
            out[x * 3 + c] = (unsigned char)p->palette.p[256 * c + row[x]];
    }
}

static void put_bits(const struct psd *p, const unsigned char *row, unsigned char *out)
{
    for (size_t x = 0; x < p->width; x++)
        out[x] = (row[x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255;
}

/* One row of one channel into the interleaved picture. */
static void put_row(const struct psd *p, const unsigned char *row, unsigned char *out, unsigned band)
{
    unsigned bands = bands_of(p);
    bool ink = p->mode == MODE_CMYK && band < 4; /* 0 is all of it there */
    if (p->depth == 16)
        put_words(row, out + 2 * (size_t)band, p->width, bands, ink ? 0xffff : 0);
    else if (p->mode == MODE_INDEXED)
        put_indexed(p, row, out);
    else if (p->depth == 1)
        put_bits(p, row, out);
    else
        put_bytes(row, out + band, p->width, bands, ink ? 0xff : 0);
}

/* The rows of all channels lie in one long sequence; the lengths of all runs stand before it. */
struct rows {
    size_t lengths, at;
};

static bool next_row(const struct psd *p, struct rows *r, struct alb_str *out)
{
    size_t n = row_bytes(p), wide = p->large ? 4 : 2;
    if (p->runs == 1) {
        n = (size_t)be(p->s, r->lengths, wide);
        r->lengths += wide;
    }
    bool whole = r->at <= p->s.n && n <= p->s.n - r->at;
    *out = alb_str_sub(p->s, r->at, n);
    r->at += whole ? n : p->s.n;
    return whole;
}

static bool read_channels(const struct psd *p, unsigned char *row, VipsImage *image)
{
    unsigned count = p->colours + (p->alpha ? 1u : 0u);
    size_t wide = p->large ? 4 : 2, line = (size_t)p->width * bands_of(p) * (p->depth == 16 ? 2 : 1),
           n = row_bytes(p);
    struct rows r = {p->data, p->data + (p->runs == 1 ? wide * p->height * p->channels : 0)};
    bool whole = true;
    for (unsigned c = 0; c < count; c++) {
        for (size_t y = 0; y < p->height; y++) {
            struct alb_str from;
            if (r.at >= p->s.n) /* what is missing stays 0 */
                return false;
            whole = next_row(p, &r, &from) && whole;
            memset(row, 0xff, n);
            if (p->runs == 1)
                whole = unpack(from, row, n) && whole;
            else
                memcpy(row, from.p, from.n);
            put_row(p, row, image->data + y * line, c);
        }
    }
    return whole;
}

/* Whether the file has room for its picture at all. */
static bool can_hold(const struct psd *p)
{
    uint64_t rows = (uint64_t)p->height * (p->colours + (p->alpha ? 1u : 0u)), left = p->s.n - p->data;
    uint64_t lengths = (p->large ? 4u : 2u) * (uint64_t)p->height * p->channels;
    if (p->runs == 0)
        return rows * row_bytes(p) <= left;
    return lengths <= left && rows * row_bytes(p) / RUN_GAIN <= left - lengths;
}

static void put_blob(VipsImage *image, const char *name, struct alb_str s)
{
    if (s.n > 0)
        vips_image_set_blob_copy(image, name, s.p, s.n);
}

static void put_metadata(const struct psd *p, VipsImage *image)
{
    unsigned bands = bands_of(p) - (p->alpha ? 1u : 0u);
    bool wide = p->depth == 16;
    if (bands == 1)
        image->Type = wide ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
    else if (bands == 4)
        image->Type = VIPS_INTERPRETATION_CMYK;
    else
        image->Type = wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB;
    if (p->per_mm > 0.01 && p->per_mm < 10000)
        image->Xres = image->Yres = p->per_mm;
    put_blob(image, VIPS_META_ICC_NAME, p->icc);
    put_blob(image, VIPS_META_EXIF_NAME, p->exif);
    put_blob(image, VIPS_META_XMP_NAME, p->xmp);
    put_blob(image, VIPS_META_IPTC_NAME, p->iptc);
}

bool alb_psd_size(struct alb_str bytes, uint32_t *width, uint32_t *height)
{
    struct psd p = {.s = bytes};
    bool ok = read_header(&p);
    *width = p.width;
    *height = p.height;
    return ok;
}

static VipsImage *decode(const struct psd *p, bool strict, struct alb_err *err)
{
    VipsBandFormat format = p->depth == 16 ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR;
    if (strict && !can_hold(p)) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "psd: the file ends too early");
        return NULL;
    }
    VipsImage *image = alb_load_blank(p->width, p->height, bands_of(p), format, err);
    unsigned char *row = image ? alb_mem_alloc(row_bytes(p)) : NULL;
    bool whole = row && read_channels(p, row, image);
    if (image && (!row || (strict && !whole))) {
        alb_fail(err, row ? ALB_E_UNPROCESSABLE : ALB_E_NO_MEMORY, "psd: %s",
                 row ? "the file ends too early" : "no memory");
        g_clear_object(&image);
    }
    alb_mem_free(row);
    return image;
}

VipsImage *alb_psd_open(const struct alb_load *l, struct alb_err *err)
{
    struct psd p = {.s = l->bytes};
    if (!read_header(&p) || !read_sections(&p)) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "psd: a header that cannot be read");
        return NULL;
    }
    if (check_kind(&p, err) != ALB_OK)
        return NULL;
    VipsBandFormat format = p.depth == 16 ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR;
    VipsImage *image = l->header ? alb_load_hollow(p.width, p.height, bands_of(&p), format, err)
                                 : decode(&p, l->strict, err);
    if (image)
        put_metadata(&p, image);
    return image;
}
