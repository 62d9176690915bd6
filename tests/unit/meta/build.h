/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the containers that the metadata readers read: TIFF directories, boxes, IIM records. For tests.
 */
#ifndef ALB_TESTS_META_BUILD_H
#define ALB_TESTS_META_BUILD_H

#include <math.h>
#include <string.h>

#include "base/buf.h"

#define NEAR(a, b, within) assert_true(fabs((a) - (b)) <= (within))

static inline void put_be(struct alb_buf *b, uint64_t v, unsigned n)
{
    for (unsigned i = n; i-- > 0;)
        alb_buf_char(b, (char)(unsigned char)(i < 8 ? v >> (8 * i) : 0));
}

static inline void put_int(struct alb_buf *b, uint64_t v, unsigned n, bool big)
{
    for (unsigned i = 0; i < n; i++)
        alb_buf_char(b, (char)(unsigned char)(v >> (8 * (big ? n - 1 - i : i))));
}

static inline void poke(struct alb_buf *b, size_t at, uint32_t v, unsigned n, bool big)
{
    for (unsigned i = 0; i < n; i++)
        b->p[at + i] = (char)(unsigned char)(v >> (8 * (big ? n - 1 - i : i)));
}

/* One value of a directory: text (ASCII), or numbers, or numerator/denominator pairs, or raw bytes. */
struct tag {
    uint16_t tag, type; /* 1 BYTE, 2 ASCII, 3 SHORT, 4 LONG, 5 RATIONAL, 7 UNDEFINED */
    uint32_t count;
    const void *data; /* ASCII, BYTE, UNDEFINED: bytes; else uint32_t[] */
};
#define TAG_TEXT(t, s) {(t), 2, sizeof(s), (s)}
#define TAG_SHORT(t, v)                                                                                      \
    {                                                                                                        \
        (t), 3, 1, (const uint32_t[])                                                                        \
        {                                                                                                    \
            v                                                                                                \
        }                                                                                                    \
    }
#define TAG_LONG(t, v)                                                                                       \
    {                                                                                                        \
        (t), 4, 1, (const uint32_t[])                                                                        \
        {                                                                                                    \
            v                                                                                                \
        }                                                                                                    \
    }
#define TAG_RATIONAL(t, a, b)                                                                                \
    {                                                                                                        \
        (t), 5, 1, (const uint32_t[])                                                                        \
        {                                                                                                    \
            a, b                                                                                             \
        }                                                                                                    \
    }
#define TAG_RATIONAL3(t, a, b, c, d, e, f)                                                                   \
    {                                                                                                        \
        (t), 5, 3, (const uint32_t[])                                                                        \
        {                                                                                                    \
            a, b, c, d, e, f                                                                                 \
        }                                                                                                    \
    }

static inline size_t tag_bytes(const struct tag *t)
{
    static const uint8_t unit[8] = {0, 1, 1, 2, 4, 8, 0, 1};
    return (size_t)unit[t->type] * t->count;
}

static inline void put_value(struct alb_buf *b, const struct tag *t, bool big)
{
    if (t->type == 3 || t->type == 4 || t->type == 5) {
        const uint32_t *v = t->data;
        for (uint32_t i = 0; i < t->count * (t->type == 5 ? 2u : 1u); i++)
            put_int(b, v[i], t->type == 3 ? 2 : 4, big);
    } else {
        alb_buf_add(b, t->data, t->count);
    }
}

/* A directory at the end of b (offsets count from `base`), its long values behind it. Returns where it
 * begins. */
static inline size_t put_dir(struct alb_buf *b, size_t base, const struct tag *tags, size_t n, bool big)
{
    size_t at = b->n - base;
    put_int(b, n, 2, big);
    size_t entries = b->n;
    for (size_t i = 0; i < n; i++) {
        put_int(b, tags[i].tag, 2, big);
        put_int(b, tags[i].type, 2, big);
        put_int(b, tags[i].count, 4, big);
        size_t before = b->n;
        if (tag_bytes(&tags[i]) <= 4)
            put_value(b, &tags[i], big);
        while (b->n < before + 4)
            alb_buf_char(b, '\0');
    }
    put_int(b, 0, 4, big);
    for (size_t i = 0; i < n; i++) {
        if (tag_bytes(&tags[i]) <= 4)
            continue;
        poke(b, entries + 12 * i + 8, (uint32_t)(b->n - base), 4, big);
        put_value(b, &tags[i], big);
        if ((b->n - base) & 1)
            alb_buf_char(b, '\0');
    }
    return at;
}

/* A TIFF structure with IFD0 and, if given, EXIF and GPS directories (ifd0 gets the pointers appended). */
static inline void put_tiff(struct alb_buf *b, bool big, const struct tag *ifd0, size_t n0,
                            const struct tag *exif, size_t n1, const struct tag *gps, size_t n2)
{
    struct tag first[40];
    uint32_t exif_at[1] = {0}, gps_at[1] = {0};
    size_t base = b->n, n = n0;
    alb_buf_add(b, big ? "MM\0*" : "II*\0", 4);
    put_int(b, 0, 4, big);
    if (n1 > 0) {
        exif_at[0] = (uint32_t)put_dir(b, base, exif, n1, big);
    }
    if (n2 > 0) {
        gps_at[0] = (uint32_t)put_dir(b, base, gps, n2, big);
    }
    if (n0 > 0)
        memcpy(first, ifd0, n0 * sizeof(*ifd0));
    if (n1 > 0)
        first[n++] = (struct tag){0x8769, 4, 1, exif_at};
    if (n2 > 0)
        first[n++] = (struct tag){0x8825, 4, 1, gps_at};
    size_t at = put_dir(b, base, first, n, big);
    poke(b, base + 4, (uint32_t)at, 4, big);
}

/* Boxes: open gives the place of the size, close fills it in. */
static inline size_t box_open(struct alb_buf *b, const char *kind)
{
    size_t at = b->n;
    put_be(b, 0, 4);
    alb_buf_add(b, kind, 4);
    return at;
}

static inline void box_close(struct alb_buf *b, size_t at)
{
    poke(b, at, (uint32_t)(b->n - at), 4, true);
}

static inline void put_iim(struct alb_buf *b, unsigned record, unsigned set, const char *text)
{
    alb_buf_char(b, 0x1c);
    put_be(b, record, 1);
    put_be(b, set, 1);
    put_be(b, strlen(text), 2);
    alb_buf_c(b, text);
}

#endif
