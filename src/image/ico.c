/* SPDX-License-Identifier: Apache-2.0
 *
 * Icons and cursors of Windows: a list of pictures, each a whole PNG file or a bitmap with a mask. What the list says
 * of sizes is not believed (a byte is too small for them): the pictures themselves tell.
 *
 * The pages are in an order of our own: the largest picture with the most colours is the first one, then come its
 * halvings in turn, then all others by size.
 */
#include "image/load.h"

#include <string.h>

#define ENTRIES_MAX 255 /* more are no icon (sniff.c) */

struct entry {
    struct alb_str bytes;
    uint32_t width, height;
    unsigned bits;
    bool png;
};

struct icon {
    size_t count, halvings;
    struct entry entries[ENTRIES_MAX];
};

static uint32_t le(struct alb_str s, size_t off, size_t bytes)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes && off < s.n && bytes <= s.n - off; i++)
        v |= (uint32_t)(unsigned char)s.p[off + i] << (8 * i);
    return v;
}

static uint32_t be(struct alb_str s, size_t off)
{
    return __builtin_bswap32(le(s, off, 4));
}

/* PNG: the first chunk has width, height, depth and kind of colour. */
static bool read_png(struct entry *e)
{
    static const uint8_t channels[7] = {1, 0, 3, 1, 2, 0, 4};
    unsigned kind = le(e->bytes, 25, 1);
    if (e->bytes.n < 33 || memcmp(e->bytes.p, "\x89PNG\r\n\x1a\n", 8) != 0)
        return false;
    e->png = true;
    e->width = be(e->bytes, 16);
    e->height = be(e->bytes, 20);
    e->bits = le(e->bytes, 24, 1) * (kind < 7 ? channels[kind] : 0u);
    return e->width > 0 && e->height > 0 && e->width <= 100000 && e->height <= 100000;
}

static uint64_t area(const struct entry *e)
{
    return (uint64_t)e->width * e->height;
}

static bool comes_before(const struct entry *a, const struct entry *b)
{
    return area(a) != area(b) ? area(a) > area(b) : a->bits > b->bits;
}

static void insert(struct icon *icon, const struct entry *e)
{
    size_t at = icon->count++;
    for (; at > 0 && comes_before(e, &icon->entries[at - 1]); at--)
        icon->entries[at] = icon->entries[at - 1];
    icon->entries[at] = *e;
}

/* The one at `from` to `to`, those between one further. */
static void move(struct icon *icon, size_t from, size_t to)
{
    struct entry e = icon->entries[from];
    memmove(&icon->entries[to + 1], &icon->entries[to], (from - to) * sizeof(e));
    icon->entries[to] = e;
}

static void put_halvings_first(struct icon *icon)
{
    for (size_t i = 1; i < icon->count; i++) {
        size_t next = icon->halvings + 1;
        const struct entry *e = &icon->entries[i];
        if (next < 32 && e->width == icon->entries[0].width >> next &&
            e->height == icon->entries[0].height >> next) {
            move(icon, i, next);
            icon->halvings++;
        }
    }
}

static bool read_icon(struct icon *icon, struct alb_str s)
{
    size_t listed = le(s, 4, 2);
    icon->count = icon->halvings = 0;
    for (size_t i = 0; i < listed && icon->count < ENTRIES_MAX; i++) {
        size_t at = 6 + 16 * i, n = le(s, at + 8, 4), off = le(s, at + 12, 4);
        if (at + 16 > s.n)
            break;
        if (off >= s.n)
            continue;
        /* a length that is wrong harms nobody: the picture knows its own */
        struct entry e = {.bytes = alb_str_sub(s, off, n < s.n - off && n >= 40 ? n : s.n - off)};
        if (read_png(&e) || alb_bmp_icon_size(e.bytes, &e.width, &e.height, &e.bits))
            insert(icon, &e);
    }
    put_halvings_first(icon);
    return icon->count > 0;
}

bool alb_ico_look(struct alb_str bytes, struct alb_pages *out)
{
    struct icon icon;
    if (!read_icon(&icon, bytes))
        return false;
    *out = (struct alb_pages){.width = icon.entries[0].width,
                              .height = icon.entries[0].height,
                              .count = (uint32_t)icon.count,
                              .halvings = (uint8_t)icon.halvings};
    return true;
}

VipsImage *alb_ico_open(const struct alb_load *l, struct alb_err *err)
{
    struct icon icon;
    if (!read_icon(&icon, l->bytes) || l->page >= icon.count) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "ico: there is no such picture in it");
        return NULL;
    }
    const struct entry *e = &icon.entries[l->page];
    struct alb_load one = *l;
    one.type = ALB_TYPE_PNG;
    one.bytes = e->bytes;
    one.page = 0;
    return e->png ? alb_load_open(&one, err) : alb_bmp_icon_open(&one, err);
}
