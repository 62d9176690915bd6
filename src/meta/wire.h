/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers and texts in a fixed little-endian layout, between server and worker. Reading is sticky: past the
 * end everything is 0 and `bad` is set, so a decoder checks once at the end. Pure; any thread.
 */
#ifndef ALB_META_WIRE_H
#define ALB_META_WIRE_H

#include "base/buf.h"

struct alb_wire {
    const unsigned char *p;
    size_t n, off;
    bool bad;
};

static inline struct alb_wire alb_wire_open(struct alb_str s)
{
    return (struct alb_wire){(const unsigned char *)s.p, s.n, 0, false};
}

static inline uint64_t alb_wire_get(struct alb_wire *w, unsigned bytes)
{
    uint64_t v = 0;
    if (w->bad || w->n - w->off < bytes) {
        w->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)w->p[w->off + i] << (8 * i);
    w->off += bytes;
    return v;
}

static inline uint8_t alb_wire_u8(struct alb_wire *w)
{
    return (uint8_t)alb_wire_get(w, 1);
}

static inline uint16_t alb_wire_u16(struct alb_wire *w)
{
    return (uint16_t)alb_wire_get(w, 2);
}

static inline uint32_t alb_wire_u32(struct alb_wire *w)
{
    return (uint32_t)alb_wire_get(w, 4);
}

static inline uint64_t alb_wire_u64(struct alb_wire *w)
{
    return alb_wire_get(w, 8);
}

static inline int64_t alb_wire_i64(struct alb_wire *w)
{
    return (int64_t)alb_wire_get(w, 8);
}

/* 0 or 1; anything else is bad. */
static inline bool alb_wire_bool(struct alb_wire *w)
{
    uint64_t v = alb_wire_get(w, 1);
    if (v > 1)
        w->bad = true;
    return v == 1;
}

/* A view of n bytes with their length before them (u32, at most max). */
static inline struct alb_str alb_wire_bytes(struct alb_wire *w, size_t max)
{
    size_t n = alb_wire_u32(w);
    if (n > max || w->bad || w->n - w->off < n) {
        w->bad = true;
        return ALB_STR_NONE;
    }
    struct alb_str s = {(const char *)w->p + w->off, n};
    w->off += n;
    return s;
}

/* Nothing was missing and nothing is left. */
static inline bool alb_wire_end(const struct alb_wire *w)
{
    return !w->bad && w->off == w->n;
}

static inline void alb_wire_put(struct alb_buf *b, uint64_t v, unsigned bytes)
{
    unsigned char t[8];
    for (unsigned i = 0; i < bytes; i++)
        t[i] = (unsigned char)(v >> (8 * i));
    alb_buf_add(b, t, bytes);
}

static inline void alb_wire_put_bytes(struct alb_buf *b, struct alb_str s)
{
    alb_wire_put(b, s.n, 4);
    alb_buf_add(b, s.p, s.n);
}

#endif
