/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers and probes as bytes, and back with every value checked: they come from workers, which may have been
 * taken over by what they read.
 */
#include "image/probe.h"

#include <string.h>

#include "base/mem.h"
#include "meta/wire.h"

#define HEADER_VERSION 2u /* 1: without smaller pictures inside; catalogs have such rows */
#define PROBE_VERSION 2u
#define SIDE_MAX 100000000u
#define ARENA_CAP ((size_t)4 << 20)

enum { ANIMATED = 1, ALPHA = 2, PROGRESSIVE = 4, PREVIEW = 8 };

/* The type by name, so that stored headers survive a change of the enum. */
static void put_type(enum alb_type t, struct alb_buf *out)
{
    alb_wire_put_bytes(out, alb_str_c(alb_type_name(t)));
}

static enum alb_type take_type(struct alb_wire *w)
{
    struct alb_str name = alb_wire_bytes(w, 16);
    enum alb_type t = alb_type_of_name(name);
    if (t == ALB_TYPE_UNKNOWN && !alb_str_eq_c(name, alb_type_name(t)))
        w->bad = true;
    return t;
}

void alb_header_pack(const struct alb_image_header *h, struct alb_buf *out)
{
    unsigned flags = (h->animated ? ANIMATED : 0u) | (h->alpha ? ALPHA : 0u) |
                     (h->progressive ? PROGRESSIVE : 0u) | (h->preview ? PREVIEW : 0u);
    alb_wire_put(out, HEADER_VERSION, 1);
    put_type(h->type, out);
    alb_wire_put(out, h->width, 4);
    alb_wire_put(out, h->height, 4);
    alb_wire_put(out, h->raw_width, 4);
    alb_wire_put(out, h->raw_height, 4);
    alb_wire_put(out, h->orientation, 1);
    alb_wire_put(out, h->pages, 4);
    alb_wire_put(out, flags, 1);
    alb_wire_put(out, h->bits, 1);
    alb_wire_put(out, (uint64_t)h->icc, 1);
    alb_wire_put(out, (uint64_t)h->space, 1);
    alb_wire_put(out, (uint64_t)h->bytes, 8);
    alb_wire_put(out, h->thumb_width, 4);
    alb_wire_put(out, h->thumb_height, 4);
    alb_wire_put(out, h->halvings, 1);
}

static bool header_ok(const struct alb_image_header *h, unsigned flags)
{
    const uint32_t sides[] = {h->width,      h->height,      h->raw_width,
                              h->raw_height, h->thumb_width, h->thumb_height};
    for (size_t i = 0; i < ALB_ARRAY_LEN(sides); i++) {
        if (sides[i] > SIDE_MAX)
            return false;
    }
    return h->orientation >= 1 && h->orientation <= 8 && h->pages <= 1000000 && flags < 16 && h->bits <= 64 &&
           (unsigned)h->icc <= ALB_ICC_OTHER && (unsigned)h->space <= ALB_SPACE_OTHER && h->bytes >= 0 &&
           (h->thumb_width > 0) == (h->thumb_height > 0) && h->halvings < 32;
}

static void take_header(struct alb_wire *w, struct alb_image_header *h)
{
    memset(h, 0, sizeof(*h));
    uint8_t version = alb_wire_u8(w);
    if (version < 1 || version > HEADER_VERSION)
        w->bad = true;
    h->type = take_type(w);
    h->width = alb_wire_u32(w);
    h->height = alb_wire_u32(w);
    h->raw_width = alb_wire_u32(w);
    h->raw_height = alb_wire_u32(w);
    h->orientation = alb_wire_u8(w);
    h->pages = alb_wire_u32(w);
    unsigned flags = alb_wire_u8(w);
    h->animated = (flags & ANIMATED) != 0;
    h->alpha = (flags & ALPHA) != 0;
    h->progressive = (flags & PROGRESSIVE) != 0;
    h->preview = (flags & PREVIEW) != 0;
    h->bits = alb_wire_u8(w);
    h->icc = (enum alb_icc)alb_wire_u8(w);
    h->space = (enum alb_space)alb_wire_u8(w);
    h->bytes = alb_wire_i64(w);
    if (version >= 2) {
        h->thumb_width = alb_wire_u32(w);
        h->thumb_height = alb_wire_u32(w);
        h->halvings = alb_wire_u8(w);
    }
    if (!header_ok(h, flags))
        w->bad = true;
}

enum alb_code alb_header_unpack(struct alb_str s, struct alb_image_header *out, struct alb_err *err)
{
    struct alb_wire w = alb_wire_open(s);
    take_header(&w, out);
    if (alb_wire_end(&w))
        return ALB_OK;
    memset(out, 0, sizeof(*out));
    return alb_fail(err, ALB_E_INVALID, "a picture header that cannot be read");
}

void alb_probe_pack(const struct alb_probe *p, struct alb_buf *out)
{
    struct alb_buf meta = ALB_BUF_INIT(ALB_META_PACKED_MAX);
    alb_wire_put(out, PROBE_VERSION, 1);
    put_type(p->type, out);
    alb_wire_put(out, p->damaged, 1);
    alb_wire_put(out, p->not_looked, 1);
    alb_header_pack(&p->header, out);
    alb_wire_put_bytes(out, (struct alb_str){(const char *)p->thumbhash, p->thumbhash_len});
    alb_wire_put_bytes(out, alb_str_c(p->note));
    alb_meta_pack(&p->meta, &meta);
    if (alb_buf_code(&meta) != ALB_OK) { /* more than anybody writes: nothing rather than a part */
        struct alb_meta none;
        alb_meta_init(&none);
        alb_buf_reset(&meta);
        alb_meta_pack(&none, &meta);
    }
    alb_wire_put_bytes(out, alb_buf_view(&meta));
    alb_wire_put(out, p->small_width, 1);
    alb_wire_put(out, p->small_height, 1);
    alb_wire_put_bytes(out, (struct alb_str){(const char *)p->small, 4u * p->small_width * p->small_height});
    alb_buf_fini(&meta);
}

/* Printable ASCII only: it goes to the log. */
static void take_note(struct alb_wire *w, struct alb_probe *p)
{
    struct alb_str note = alb_wire_bytes(w, sizeof(p->note) - 1);
    for (size_t i = 0; i < note.n; i++)
        p->note[i] = note.p[i] >= ' ' && note.p[i] <= '~' ? note.p[i] : '?';
}

static void take_small(struct alb_wire *w, struct alb_probe *p)
{
    p->small_width = alb_wire_u8(w);
    p->small_height = alb_wire_u8(w);
    struct alb_str pixels = alb_wire_bytes(w, ALB_PROBE_SMALL_MAX);
    if (p->small_width > ALB_LOOK_SIDE || p->small_height > ALB_LOOK_SIDE ||
        (p->small_width > 0) != (p->small_height > 0) ||
        pixels.n != 4 * (size_t)p->small_width * p->small_height)
        w->bad = true;
    if (!w->bad && pixels.n > 0)
        p->small = (const uint8_t *)alb_arena_str(p->arena, pixels).p;
    if (!p->small)
        p->small_width = p->small_height = 0;
}

static enum alb_code unpack(struct alb_wire *w, struct alb_probe *p, struct alb_err *err)
{
    if (alb_wire_u8(w) != PROBE_VERSION)
        w->bad = true;
    p->type = take_type(w);
    p->damaged = alb_wire_bool(w);
    p->not_looked = alb_wire_bool(w);
    take_header(w, &p->header);
    struct alb_str hash = alb_wire_bytes(w, sizeof(p->thumbhash));
    if (hash.n > 0)
        memcpy(p->thumbhash, hash.p, hash.n);
    p->thumbhash_len = hash.n;
    take_note(w, p);
    struct alb_str meta = alb_wire_bytes(w, ALB_META_PACKED_MAX);
    take_small(w, p);
    if (!alb_wire_end(w) || p->header.type != p->type)
        return alb_fail(err, ALB_E_INVALID, "a probe that cannot be read");
    return alb_meta_unpack(p->arena, meta, &p->meta, err);
}

enum alb_code alb_probe_unpack(struct alb_str s, struct alb_probe **out, struct alb_err *err)
{
    struct alb_wire w = alb_wire_open(s);
    struct alb_probe *p = alb_mem_calloc(1, sizeof(*p));
    enum alb_code code = ALB_E_NO_MEMORY;
    *out = NULL;
    if (p)
        p->arena = alb_arena_new(ARENA_CAP);
    if (p && p->arena)
        code = unpack(&w, p, err);
    if (code == ALB_OK) {
        *out = p;
        return ALB_OK;
    }
    alb_probe_free(&p);
    return alb_fail(err, code, "no memory for a probe");
}

void alb_probe_free(struct alb_probe **p)
{
    if (!*p)
        return;
    alb_arena_free(&(*p)->arena);
    alb_mem_free(*p);
    *p = NULL;
}
