/* SPDX-License-Identifier: Apache-2.0
 *
 * The size that an encoded picture states in its own header, for every format that is written. Runs in the server on
 * what a worker returned (a worker may have been taken over by its input), so: bounds on every look, loops
 * that always move forward, no allocation.
 */
#include <string.h>

#include "image/sniff.h"

struct view {
    const unsigned char *p;
    size_t n;
};

static bool has(struct view v, size_t off, size_t len)
{
    return off <= v.n && len <= v.n - off;
}

static uint32_t be(struct view v, size_t off, size_t bytes)
{
    uint32_t r = 0;
    for (size_t i = 0; i < bytes && has(v, off, bytes); i++)
        r = r << 8 | v.p[off + i];
    return r;
}

static uint32_t le(struct view v, size_t off, size_t bytes)
{
    uint32_t r = 0;
    for (size_t i = 0; i < bytes && has(v, off, bytes); i++)
        r |= (uint32_t)v.p[off + i] << (8 * i);
    return r;
}

static bool size_jpeg(struct view v, uint32_t *w, uint32_t *h)
{
    size_t off = 2;
    while (has(v, off, 4) && v.p[off] == 0xff) {
        unsigned marker = v.p[off + 1];
        if (marker == 0xff) { /* padding */
            off++;
            continue;
        }
        if (marker == 0xd9 || marker == 0xda)
            return false;
        /* SOF0..SOF15 without DHT, JPG and DAC */
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
            *h = be(v, off + 5, 2);
            *w = be(v, off + 7, 2);
            return has(v, off, 9);
        }
        off += 2 + (size_t)be(v, off + 2, 2);
    }
    return false;
}

static bool size_webp(struct view v, uint32_t *w, uint32_t *h)
{
    if (!has(v, 0, 30))
        return false;
    if (memcmp(v.p + 12, "VP8X", 4) == 0) {
        *w = le(v, 24, 3) + 1;
        *h = le(v, 27, 3) + 1;
        return true;
    }
    if (memcmp(v.p + 12, "VP8L", 4) == 0) {
        uint32_t bits = le(v, 21, 4);
        *w = (bits & 0x3fff) + 1;
        *h = (bits >> 14 & 0x3fff) + 1;
        return v.p[20] == 0x2f;
    }
    *w = le(v, 26, 2) & 0x3fff;
    *h = le(v, 28, 2) & 0x3fff;
    return memcmp(v.p + 12, "VP8 ", 4) == 0;
}

/* A box inside [off, end): its kind, payload and where the next one begins. */
struct box {
    size_t body, end;
    const unsigned char *kind;
};

static bool next_box(struct view v, size_t *off, size_t end, struct box *b)
{
    if (end > v.n || *off > end || end - *off < 8)
        return false;
    uint64_t size = be(v, *off, 4);
    size_t head = 8;
    if (size == 1) {
        if (end - *off < 16)
            return false;
        size = (uint64_t)be(v, *off + 8, 4) << 32 | be(v, *off + 12, 4);
        head = 16;
    } else if (size == 0) {
        size = end - *off;
    }
    if (size < head || size > end - *off)
        return false;
    b->kind = v.p + *off + 4;
    b->body = *off + head;
    b->end = *off + (size_t)size;
    *off = b->end;
    return true;
}

static bool find_box(struct view v, size_t off, size_t end, const char kind[static 5], struct box *b)
{
    while (next_box(v, &off, end, b)) {
        if (memcmp(b->kind, kind, 4) == 0)
            return true;
    }
    return false;
}

/* The n-th property (from 1) of an item, as ipma associates it; 0: there is none. */
static uint32_t property_of(struct view v, const struct box *ipma, uint32_t item, uint32_t n)
{
    size_t at = ipma->body + 8;
    bool wide_ids = has(v, ipma->body, 8) && v.p[ipma->body] > 0;
    size_t step = (be(v, ipma->body, 4) & 1) ? 2 : 1, id_len = wide_ids ? 4 : 2;
    uint32_t entries = be(v, ipma->body + 4, 4);
    for (uint32_t i = 0; i < entries && at + id_len + 1 <= ipma->end; i++) {
        uint32_t id = be(v, at, id_len), count = be(v, at + id_len, 1);
        at += id_len + 1;
        if (id == item)
            return n <= count && at + n * step <= ipma->end
                       ? be(v, at + (n - 1) * step, step) & (step == 2 ? 0x7fff : 0x7f)
                       : 0;
        at += count * step;
    }
    return 0;
}

static bool property_box(struct view v, const struct box *ipco, uint32_t index, struct box *b)
{
    size_t off = ipco->body;
    while (index > 0 && next_box(v, &off, ipco->end, b))
        index--;
    return index == 0;
}

/* The boxes that say of what size the primary item is. */
struct heif {
    uint32_t item;
    struct box ipco, ipma;
};

static bool open_heif(struct view v, struct heif *f)
{
    struct box meta, pitm, iprp;
    if (!find_box(v, 0, v.n, "meta", &meta) || meta.end - meta.body < 4 ||
        !find_box(v, meta.body + 4, meta.end, "pitm", &pitm) || pitm.end - pitm.body < 6 ||
        !find_box(v, meta.body + 4, meta.end, "iprp", &iprp))
        return false;
    f->item = be(v, pitm.body + 4, v.p[pitm.body] ? 4 : 2);
    return find_box(v, iprp.body, iprp.end, "ipco", &f->ipco) && find_box(v, iprp.body, iprp.end, "ipma", &f->ipma);
}

/* A fraction of unsigned numbers at off, rounded down; 0: none. */
static uint32_t fraction(struct view v, size_t off)
{
    uint32_t down = be(v, off + 4, 4);
    return down ? be(v, off, 4) / down : 0;
}

/* What of the picture is shown (CleanApertureBox). */
static void cut_clap(struct view v, const struct box *b, uint32_t *w, uint32_t *h)
{
    uint32_t cw = fraction(v, b->body), ch = fraction(v, b->body + 8);
    *w = cw > 0 && cw < *w ? cw : *w;
    *h = ch > 0 && ch < *h ? ch : *h;
}

/* ISO 23008-12: the properties of the primary item, ispe and, behind it, clap. */
static bool size_heif(struct view v, uint32_t *w, uint32_t *h)
{
    struct heif f;
    struct box b;
    uint32_t index;
    if (!open_heif(v, &f))
        return false;
    for (uint32_t n = 1; (index = property_of(v, &f.ipma, f.item, n)) != 0; n++) {
        if (!property_box(v, &f.ipco, index, &b))
            continue;
        if (memcmp(b.kind, "ispe", 4) == 0 && b.end - b.body >= 12) {
            *w = be(v, b.body + 4, 4);
            *h = be(v, b.body + 8, 4);
        } else if (memcmp(b.kind, "clap", 4) == 0 && b.end - b.body >= 16 && *w != 0) {
            cut_clap(v, &b, w, h);
        }
    }
    return *w != 0;
}

/* Bits of a JPEG XL code stream, lowest first. */
struct bits {
    struct view v;
    size_t pos;
};

static uint32_t take(struct bits *b, unsigned n)
{
    uint32_t r = 0;
    for (unsigned i = 0; i < n; i++, b->pos++) {
        if (b->pos / 8 < b->v.n)
            r |= (uint32_t)(b->v.p[b->pos / 8] >> (b->pos % 8) & 1) << i;
    }
    return r;
}

static uint32_t take_side(struct bits *b)
{
    static const uint8_t lengths[4] = {9, 13, 18, 30};
    return take(b, lengths[take(b, 2)]) + 1;
}

/* ISO 18181-1, SizeHeader. */
static bool size_jxl_stream(struct view v, uint32_t *w, uint32_t *h)
{
    static const uint8_t ratio[8][2] = {{0, 1}, {1, 1}, {12, 10}, {4, 3}, {3, 2}, {16, 9}, {5, 4}, {2, 1}};
    if (!has(v, 0, 12) || v.p[0] != 0xff || v.p[1] != 0x0a)
        return false;
    struct bits b = {v, 16};
    bool small = take(&b, 1) != 0;
    *h = small ? (take(&b, 5) + 1) * 8 : take_side(&b);
    uint32_t r = take(&b, 3);
    if (r != 0)
        *w = (uint32_t)((uint64_t)*h * ratio[r][0] / ratio[r][1]);
    else
        *w = small ? (take(&b, 5) + 1) * 8 : take_side(&b);
    return true;
}

static bool size_jxl(struct view v, uint32_t *w, uint32_t *h)
{
    if (has(v, 0, 2) && v.p[0] == 0xff)
        return size_jxl_stream(v, w, h);
    struct box b;
    size_t skip = 0;
    if (!find_box(v, 0, v.n, "jxlc", &b)) {
        if (!find_box(v, 0, v.n, "jxlp", &b) || b.end - b.body < 4)
            return false;
        skip = 4;
    }
    return size_jxl_stream((struct view){v.p + b.body + skip, b.end - b.body - skip}, w, h);
}

static bool size_png(struct view v, uint32_t *w, uint32_t *h)
{
    *w = be(v, 16, 4);
    *h = be(v, 20, 4);
    return has(v, 0, 24);
}

static bool size_gif(struct view v, uint32_t *w, uint32_t *h)
{
    *w = le(v, 6, 2);
    *h = le(v, 8, 2);
    return has(v, 0, 10);
}

static bool size_bmp(struct view v, uint32_t *w, uint32_t *h)
{
    int32_t high = (int32_t)le(v, 22, 4);
    *w = le(v, 18, 4);
    *h = high < 0 ? 0u - (uint32_t)high : (uint32_t)high;
    return has(v, 0, 26) && le(v, 14, 4) >= 40;
}

/* The first picture; a side of 256 is written as 0. */
static bool size_ico(struct view v, uint32_t *w, uint32_t *h)
{
    if (!has(v, 0, 22))
        return false;
    *w = v.p[6] ? v.p[6] : 256;
    *h = v.p[7] ? v.p[7] : 256;
    return true;
}

/* JPEG 2000: the image header box of a file (ISO 15444-1, I.5.3.1), or the SIZ marker of a bare code stream (A.5.1). */
static bool size_jp2(struct view v, uint32_t *w, uint32_t *h)
{
    struct box head, image;
    if (has(v, 0, 24) && v.p[0] == 0xff) {
        *w = be(v, 8, 4) - be(v, 16, 4);
        *h = be(v, 12, 4) - be(v, 20, 4);
        return be(v, 8, 4) > be(v, 16, 4) && be(v, 12, 4) > be(v, 20, 4);
    }
    if (!find_box(v, 0, v.n, "jp2h", &head) || !find_box(v, head.body, head.end, "ihdr", &image) ||
        image.end - image.body < 8)
        return false;
    *h = be(v, image.body, 4);
    *w = be(v, image.body + 4, 4);
    return true;
}

/* Width and height in the first directory of a TIFF 6.0 file; both byte orders. */
static bool size_tiff(struct view v, uint32_t *w, uint32_t *h)
{
    if (!has(v, 0, 8))
        return false;
    uint32_t (*num)(struct view, size_t, size_t) = v.p[0] == 'M' ? be : le;
    size_t at = num(v, 4, 4);
    uint32_t entries = num(v, at, 2);
    if (num(v, 2, 2) != 42 || !has(v, at, 2 + 12 * (size_t)entries))
        return false;
    for (uint32_t i = 0; i < entries; i++) {
        size_t e = at + 2 + 12 * (size_t)i;
        uint32_t tag = num(v, e, 2), value = num(v, e + 8, num(v, e + 2, 2) == 3 ? 2 : 4);
        if (tag == 256)
            *w = value;
        if (tag == 257)
            *h = value;
    }
    return true;
}

bool alb_sniff_size(enum alb_type t, const void *p, size_t n, uint32_t *width, uint32_t *height)
{
    static bool (*const readers[ALB_TYPE_COUNT])(struct view, uint32_t *, uint32_t *) = {
        [ALB_TYPE_JPEG] = size_jpeg, [ALB_TYPE_PNG] = size_png,   [ALB_TYPE_WEBP] = size_webp,
        [ALB_TYPE_AVIF] = size_heif, [ALB_TYPE_HEIC] = size_heif, [ALB_TYPE_JXL] = size_jxl,
        [ALB_TYPE_GIF] = size_gif,   [ALB_TYPE_TIFF] = size_tiff, [ALB_TYPE_BMP] = size_bmp,
        [ALB_TYPE_ICO] = size_ico,   [ALB_TYPE_JP2] = size_jp2,
    };
    struct view v = {p, n};
    *width = *height = 0;
    if (alb_sniff(p, n) == t && readers[t] && readers[t](v, width, height) && *width != 0 && *height != 0)
        return true;
    *width = *height = 0;
    return false;
}
