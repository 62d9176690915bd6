/* SPDX-License-Identifier: Apache-2.0
 *
 * The size that an encoded picture states in its own header: JPEG, PNG, WebP, AVIF, JXL. Runs in the server
 * on what a worker returned (a worker may have been taken over by its input), so: bounds on every look, loops
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

/* meta / iprp / ipco / ispe: the largest of the sizes (an alpha plane or a tile never exceeds the picture).
 */
static bool size_avif(struct view v, uint32_t *w, uint32_t *h)
{
    struct box meta, iprp, ipco, ispe;
    if (!find_box(v, 0, v.n, "meta", &meta) || meta.end - meta.body < 4 ||
        !find_box(v, meta.body + 4, meta.end, "iprp", &iprp) ||
        !find_box(v, iprp.body, iprp.end, "ipco", &ipco))
        return false;
    size_t off = ipco.body;
    *w = *h = 0;
    while (find_box(v, off, ipco.end, "ispe", &ispe)) {
        off = ispe.end;
        if (ispe.end - ispe.body < 12)
            return false;
        uint32_t iw = be(v, ispe.body + 4, 4), ih = be(v, ispe.body + 8, 4);
        if ((uint64_t)iw * ih > (uint64_t)*w * *h) {
            *w = iw;
            *h = ih;
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

bool alb_sniff_size(enum alb_type t, const void *p, size_t n, uint32_t *width, uint32_t *height)
{
    struct view v = {p, n};
    bool ok = false;
    *width = *height = 0;
    if (alb_sniff(p, n) != t)
        return false;
    if (t == ALB_TYPE_JPEG)
        ok = size_jpeg(v, width, height);
    else if (t == ALB_TYPE_PNG && has(v, 0, 24)) {
        *width = be(v, 16, 4);
        *height = be(v, 20, 4);
        ok = true;
    } else if (t == ALB_TYPE_WEBP)
        ok = size_webp(v, width, height);
    else if (t == ALB_TYPE_AVIF)
        ok = size_avif(v, width, height);
    else if (t == ALB_TYPE_JXL)
        ok = size_jxl(v, width, height);
    if (ok && *width != 0 && *height != 0)
        return true;
    *width = *height = 0;
    return false;
}
