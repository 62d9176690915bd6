/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows bitmaps, as files and as pictures of an icon. libvips would pass them to ImageMagick, which a sealed
 * worker does not have; the format is small. Every read is bounded by the file, every write by the picture.
 * Pixels that a run-length stream skips stay black.
 */
#include "image/load.h"

#include <string.h>

struct bmp {
    struct alb_str s;
    size_t info;   /* where the second header is: behind the one of the file, or at the start in an icon */
    size_t pixels; /* where they begin */
    uint32_t width, height;
    bool top_down;
    unsigned bits, compression;
    size_t palette, colours; /* where, how many entries */
    unsigned entry;          /* bytes of one: 3 or 4 */
    uint32_t mask[4];        /* red, green, blue, alpha */
    bool alpha;
};

static uint32_t le(struct alb_str s, size_t off, size_t bytes)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes && off < s.n && bytes <= s.n - off; i++)
        v |= (uint32_t)(unsigned char)s.p[off + i] << (8 * i);
    return v;
}

static void default_masks(struct bmp *b)
{
    static const uint32_t m16[4] = {0x7c00, 0x3e0, 0x1f, 0}, m32[4] = {0xff0000, 0xff00, 0xff, 0};
    memcpy(b->mask, b->bits == 16 ? m16 : m32, sizeof(b->mask));
}

static bool read_masks(struct bmp *b, size_t header)
{
    default_masks(b);
    if (b->compression != 3 && b->compression != 6)
        return true;
    bool with_alpha = header >= 56 || b->compression == 6;
    for (size_t i = 0; i < (with_alpha ? 4u : 3u); i++)
        b->mask[i] = le(b->s, b->info + 40 + 4 * i, 4);
    b->alpha = b->mask[3] != 0;
    return b->mask[0] && b->mask[1] && b->mask[2];
}

/* OS/2's first header. */
static bool read_core(struct bmp *b)
{
    b->width = le(b->s, b->info + 4, 2);
    b->height = le(b->s, b->info + 6, 2);
    b->bits = le(b->s, b->info + 10, 2);
    b->entry = 3;
    return true;
}

static bool read_info(struct bmp *b)
{
    int32_t w = (int32_t)le(b->s, b->info + 4, 4), h = (int32_t)le(b->s, b->info + 8, 4);
    if (w <= 0 || h == 0 || h == INT32_MIN)
        return false;
    b->width = (uint32_t)w;
    b->height = (uint32_t)(h < 0 ? -h : h);
    b->top_down = h < 0;
    b->bits = le(b->s, b->info + 14, 2);
    b->compression = le(b->s, b->info + 16, 4);
    b->colours = le(b->s, b->info + 32, 4);
    b->entry = 4;
    return true;
}

/* Which depths go with which compression: bit n of the set stands for n bits. */
static bool depth_ok(const struct bmp *b)
{
    static const uint64_t sets[7] = {
        1ULL << 1 | 1ULL << 4 | 1ULL << 8 | 1ULL << 16 | 1ULL << 24 | 1ULL << 32, /* none */
        1ULL << 8,                                                                /* runs of bytes */
        1ULL << 4,                                                                /* runs of half bytes */
        1ULL << 16 | 1ULL << 32,                                                  /* masks */
        0,
        0,                       /* JPEG and PNG inside: for printers */
        1ULL << 16 | 1ULL << 32, /* masks with alpha */
    };
    return b->compression < 7 && b->bits <= 32 && (sets[b->compression] >> b->bits & 1) != 0;
}

static bool read_header(struct bmp *b)
{
    size_t header = le(b->s, b->info, 4);
    b->palette = b->info + header;
    if (header != 12 && header < 40)
        return false;
    if (!(header == 12 ? read_core(b) : read_info(b)) || !depth_ok(b))
        return false;
    if (b->bits <= 8 && (b->colours == 0 || b->colours > (1u << b->bits)))
        b->colours = 1u << b->bits;
    return b->width && b->height && b->width <= 100000 && b->height <= 100000 && read_masks(b, header);
}

static void put_colour(const struct bmp *b, unsigned char *out, size_t index)
{
    size_t at = b->palette + index * b->entry;
    if (index >= b->colours || at + 3 > b->s.n)
        return;
    out[0] = (unsigned char)b->s.p[at + 2];
    out[1] = (unsigned char)b->s.p[at + 1];
    out[2] = (unsigned char)b->s.p[at];
}

static unsigned char masked(uint32_t v, uint32_t mask)
{
    if (mask == 0)
        return 255;
    unsigned shift = (unsigned)__builtin_ctz(mask);
    uint64_t top = mask >> shift;
    return (unsigned char)(((uint64_t)((v & mask) >> shift) * 255 + top / 2) / top);
}

static void put_pixel(const struct bmp *b, unsigned char *out, size_t row, uint32_t x)
{
    size_t bit = (size_t)x * b->bits;
    if (b->bits <= 8) {
        unsigned byte = le(b->s, row + bit / 8, 1);
        put_colour(b, out, byte >> (8 - b->bits - bit % 8) & ((1u << b->bits) - 1));
    } else if (b->bits == 24) {
        for (size_t c = 0; c < 3; c++)
            out[c] = (unsigned char)le(b->s, row + bit / 8 + 2 - c, 1);
    } else {
        uint32_t v = le(b->s, row + bit / 8, b->bits / 8);
        for (size_t c = 0; c < (b->alpha ? 4u : 3u); c++)
            out[c] = masked(v, b->mask[c]);
    }
}

/* Rows of fixed size. False if the file ends before them. */
static bool read_rows(const struct bmp *b, unsigned char *out, size_t bands)
{
    size_t stride = ((size_t)b->width * b->bits + 31) / 32 * 4;
    for (uint32_t y = 0; y < b->height; y++) {
        size_t row = b->pixels + (size_t)y * stride;
        if (row > b->s.n || ((size_t)b->width * b->bits + 7) / 8 > b->s.n - row)
            return false;
        uint32_t to = b->top_down ? y : b->height - 1 - y;
        for (uint32_t x = 0; x < b->width; x++)
            put_pixel(b, out + ((size_t)to * b->width + x) * bands, row, x);
    }
    return true;
}

struct run {
    const struct bmp *b;
    unsigned char *out;
    size_t bands;
    uint32_t x, y;
};

static void put_run(struct run *r, size_t index)
{
    const struct bmp *b = r->b;
    if (r->x < b->width && r->y < b->height) {
        uint32_t to = b->top_down ? r->y : b->height - 1 - r->y;
        put_colour(b, r->out + ((size_t)to * b->width + r->x) * r->bands, index);
    }
    r->x++;
}

static size_t nibble(unsigned byte, bool four, size_t i)
{
    return !four ? byte : i % 2 ? byte & 15 : byte >> 4;
}

/* Literal pixels: as many bytes as they need, padded to even. */
static size_t put_literal(struct run *r, size_t off, size_t count, bool four)
{
    for (size_t i = 0; i < count; i++)
        put_run(r, nibble(le(r->b->s, off + (four ? i / 2 : i), 1), four, i));
    size_t bytes = four ? (count + 1) / 2 : count;
    return off + ((bytes + 1) & ~(size_t)1);
}

static bool read_runs(const struct bmp *b, unsigned char *out, size_t bands)
{
    struct run r = {b, out, bands, 0, 0};
    bool four = b->compression == 2;
    size_t off = b->pixels;
    while (r.y < b->height && off + 2 <= b->s.n) {
        unsigned count = le(b->s, off, 1), value = le(b->s, off + 1, 1);
        off += 2;
        if (count > 0) {
            for (size_t i = 0; i < count; i++)
                put_run(&r, nibble(value, four, i));
        } else if (value == 0) {
            r.x = 0;
            r.y++;
        } else if (value == 1) {
            return true;
        } else if (value == 2) {
            r.x += le(b->s, off, 1);
            r.y += le(b->s, off + 1, 1);
            off += 2;
        } else {
            off = put_literal(&r, off, value, four);
        }
    }
    return r.y >= b->height;
}

static bool read_file(struct bmp *b, struct alb_str bytes)
{
    *b = (struct bmp){.s = bytes, .info = 14, .pixels = le(bytes, 10, 4)};
    return read_header(b);
}

bool alb_bmp_size(struct alb_str bytes, uint32_t *width, uint32_t *height)
{
    struct bmp b;
    bool ok = read_file(&b, bytes);
    *width = b.width;
    *height = b.height;
    return ok;
}

static bool read_pixels(const struct bmp *b, unsigned char *out, size_t bands)
{
    return b->compression == 1 || b->compression == 2 ? read_runs(b, out, bands) : read_rows(b, out, bands);
}

VipsImage *alb_bmp_open(const struct alb_load *l, struct alb_err *err)
{
    struct bmp b;
    if (!read_file(&b, l->bytes)) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "bmp: a header that cannot be read");
        return NULL;
    }
    unsigned bands = b.alpha ? 4 : 3;
    if (l->header)
        return alb_load_hollow(b.width, b.height, bands, VIPS_FORMAT_UCHAR, err);
    VipsImage *image = alb_load_blank(b.width, b.height, bands, VIPS_FORMAT_UCHAR, err);
    if (image && !read_pixels(&b, image->data, bands) && l->strict) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "bmp: the file ends too early");
        g_clear_object(&image);
    }
    return image;
}

/* ---- pictures of an icon ---- */

/* No header of a file, twice the height, and behind the pixels a mask of one bit each. */
static bool read_icon(struct bmp *b, struct alb_str bytes)
{
    *b = (struct bmp){.s = bytes};
    if (!read_header(b) || b->height < 2 || b->entry != 4 || b->compression == 1 || b->compression == 2)
        return false;
    b->height /= 2;
    b->pixels = b->palette + (b->bits <= 8 ? b->colours * b->entry : 0);
    if (b->compression == 3 && le(b->s, 0, 4) == 40)
        b->pixels += 12;
    if (b->bits == 32 && !b->alpha) {
        b->mask[3] = ~(b->mask[0] | b->mask[1] | b->mask[2]);
        b->alpha = b->mask[3] != 0;
    }
    return true;
}

bool alb_bmp_icon_size(struct alb_str bytes, uint32_t *width, uint32_t *height, unsigned *bits)
{
    struct bmp b;
    bool ok = read_icon(&b, bytes);
    *width = b.width;
    *height = b.height;
    *bits = b.bits;
    return ok;
}

/* Pictures with 32 bits whose transparency is 0 everywhere are from before it was invented. */
static bool has_alpha(const struct bmp *b, const unsigned char *out)
{
    bool any = false;
    for (size_t i = 0; b->alpha && !any && i < (size_t)b->width * b->height; i++)
        any = out[4 * i + 3] != 0;
    return any;
}

/* A mask that is missing hides nothing. */
static void put_mask(const struct bmp *b, unsigned char *out)
{
    size_t stride = ((size_t)b->width + 31) / 32 * 4;
    size_t mask = b->pixels + ((size_t)b->width * b->bits + 31) / 32 * 4 * b->height;
    for (uint32_t y = 0; y < b->height; y++) {
        uint32_t to = b->top_down ? y : b->height - 1 - y;
        unsigned char *row = out + (size_t)to * b->width * 4;
        for (uint32_t x = 0; x < b->width; x++) {
            size_t at = mask + y * stride + x / 8;
            unsigned byte = at < b->s.n ? (unsigned char)b->s.p[at] : 0;
            row[4 * (size_t)x + 3] = (byte >> (7 - x % 8) & 1) != 0 ? 0 : 255;
        }
    }
}

VipsImage *alb_bmp_icon_open(const struct alb_load *l, struct alb_err *err)
{
    struct bmp b;
    if (!read_icon(&b, l->bytes)) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "ico: a picture that cannot be read");
        return NULL;
    }
    if (l->header)
        return alb_load_hollow(b.width, b.height, 4, VIPS_FORMAT_UCHAR, err);
    VipsImage *image = alb_load_blank(b.width, b.height, 4, VIPS_FORMAT_UCHAR, err);
    if (!image)
        return NULL;
    if (!read_rows(&b, image->data, 4) && l->strict) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "ico: the file ends too early");
        g_object_unref(image);
        return NULL;
    }
    if (!has_alpha(&b, image->data))
        put_mask(&b, image->data);
    return image;
}
