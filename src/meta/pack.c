/* SPDX-License-Identifier: Apache-2.0
 *
 * struct alb_meta as bytes, from a worker to the server. The worker may have been taken over by the file it
 * read: unpack checks lengths, encodings and ranges again and refuses the whole if one is off.
 */
#include <math.h>
#include <string.h>

#include "meta/meta.h"
#include "meta/wire.h"

#define META_VERSION 2u
#define MS_MAX 253402300800000LL /* year 10000 */

enum {
    HAS_TIME = 1 << 0,
    HAS_OFFSET = 1 << 1,
    WEAK_TIME = 1 << 2,
    HAS_GPS = 1 << 3,
    HAS_ALTITUDE = 1 << 4,
    HAS_RATING = 1 << 5,
    MOTION = 1 << 6,
    HAS_AUDIO = 1 << 7,
};

/* Every text field, with its longest length and whether it may have lines. */
static const struct {
    size_t field, max;
    bool lines;
} texts[] = {
    {offsetof(struct alb_meta, make), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, model), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, lens), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, software), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, title), ALB_META_TITLE_MAX, false},
    {offsetof(struct alb_meta, description), ALB_META_TEXT_MAX, true},
    {offsetof(struct alb_meta, author), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, copyright), ALB_META_TITLE_MAX, false},
    {offsetof(struct alb_meta, city), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, state), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, country), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, content_id), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, projection), ALB_META_NAME_MAX, false},
    {offsetof(struct alb_meta, codec), ALB_META_NAME_MAX, false},
};

/* Every number with a fraction, with its range; 0 is allowed everywhere. */
static const struct {
    size_t field;
    double least, most;
} doubles[] = {
    {offsetof(struct alb_meta, f_number), 0, 1e6},      {offsetof(struct alb_meta, focal_mm), 0, 1e6},
    {offsetof(struct alb_meta, focal_35mm), 0, 1e6},    {offsetof(struct alb_meta, exposure_s), 0, 1e7},
    {offsetof(struct alb_meta, latitude), -90, 90},     {offsetof(struct alb_meta, longitude), -180, 180},
    {offsetof(struct alb_meta, altitude_m), -1e6, 1e6}, {offsetof(struct alb_meta, fps), 0, 1e6},
};

static void put_double(struct alb_buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    alb_wire_put(out, bits, 8);
}

void alb_meta_pack(const struct alb_meta *m, struct alb_buf *out)
{
    unsigned flags = (m->taken.known ? HAS_TIME : 0u) | (m->taken.has_offset ? HAS_OFFSET : 0u) |
                     (m->taken_is_weak ? WEAK_TIME : 0u) | (m->has_gps ? HAS_GPS : 0u) |
                     (m->has_altitude ? HAS_ALTITUDE : 0u) | (m->has_rating ? HAS_RATING : 0u) |
                     (m->motion_photo ? MOTION : 0u) | (m->has_audio ? HAS_AUDIO : 0u);
    alb_wire_put(out, META_VERSION, 1);
    alb_wire_put(out, flags, 1);
    alb_wire_put(out, (uint64_t)m->taken.local_ms, 8);
    alb_wire_put(out, (uint16_t)m->taken.offset_min, 2);
    for (size_t i = 0; i < ALB_ARRAY_LEN(doubles); i++) {
        double v;
        memcpy(&v, (const char *)m + doubles[i].field, sizeof(v));
        put_double(out, v);
    }
    alb_wire_put(out, m->iso, 4);
    alb_wire_put(out, m->orientation, 1);
    alb_wire_put(out, (uint8_t)m->rating, 1);
    alb_wire_put(out, m->width, 4);
    alb_wire_put(out, m->height, 4);
    alb_wire_put(out, (uint64_t)m->motion_from_end, 8);
    alb_wire_put(out, (uint64_t)m->motion_still_us, 8);
    alb_wire_put(out, (uint64_t)m->duration_ms, 8);
    alb_wire_put(out, m->turn, 2);
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++) {
        struct alb_str s;
        memcpy(&s, (const char *)m + texts[i].field, sizeof(s));
        alb_wire_put_bytes(out, s);
    }
    alb_wire_put(out, m->keyword_count, 2);
    for (size_t i = 0; i < m->keyword_count; i++)
        alb_wire_put_bytes(out, m->keywords[i]);
}

/* A text that may be shown: UTF-8 without control characters. */
static struct alb_str take_text(struct alb_arena *a, struct alb_wire *w, size_t max, bool lines)
{
    struct alb_str s = alb_wire_bytes(w, max);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && !(lines && (c == '\n' || c == '\t'))) || c == 0x7f)
            w->bad = true;
    }
    if (s.n == 0 || w->bad || !alb_str_is_utf8(s)) {
        w->bad = w->bad || s.n > 0;
        return ALB_STR_NONE;
    }
    return alb_arena_str(a, s);
}

static void take_doubles(struct alb_wire *w, struct alb_meta *out)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(doubles); i++) {
        uint64_t bits = alb_wire_u64(w);
        double v;
        memcpy(&v, &bits, sizeof(v));
        if (!(v >= doubles[i].least && v <= doubles[i].most)) { /* NAN too */
            w->bad = true;
            v = 0;
        }
        memcpy((char *)out + doubles[i].field, &v, sizeof(v));
    }
}

static void take_time(struct alb_wire *w, unsigned flags, struct alb_meta *out)
{
    out->taken.local_ms = alb_wire_i64(w);
    out->taken.offset_min = (int16_t)alb_wire_u16(w);
    if (out->taken.local_ms > MS_MAX || out->taken.local_ms < -MS_MAX || out->taken.offset_min > 1140 ||
        out->taken.offset_min < -1140) {
        w->bad = true;
        return;
    }
    out->taken.known = (flags & HAS_TIME) != 0;
    out->taken.has_offset = (flags & HAS_OFFSET) != 0;
    out->taken_is_weak = (flags & WEAK_TIME) != 0;
    out->taken.utc_ms =
        out->taken.local_ms - (out->taken.has_offset ? out->taken.offset_min * (int64_t)60000 : 0);
}

static void take_numbers(struct alb_wire *w, struct alb_meta *out)
{
    out->iso = alb_wire_u32(w);
    out->orientation = alb_wire_u8(w);
    out->rating = (int8_t)alb_wire_u8(w);
    out->width = alb_wire_u32(w);
    out->height = alb_wire_u32(w);
    out->motion_from_end = alb_wire_i64(w);
    out->motion_still_us = alb_wire_i64(w);
    out->duration_ms = alb_wire_i64(w);
    out->turn = alb_wire_u16(w);
    if (out->orientation > 8 || out->rating < -1 || out->rating > 5 || out->motion_from_end < 0 ||
        out->motion_still_us < -1 || out->duration_ms < 0 || out->turn % 90 != 0 || out->turn >= 360)
        w->bad = true;
}

static void take_keywords(struct alb_arena *a, struct alb_wire *w, struct alb_meta *out)
{
    size_t count = alb_wire_u16(w);
    if (count > ALB_META_KEYWORDS_MAX)
        w->bad = true;
    if (count == 0 || w->bad)
        return;
    out->keywords = alb_arena_calloc(a, count, sizeof(*out->keywords));
    for (size_t i = 0; out->keywords && i < count && !w->bad; i++) {
        out->keywords[i] = take_text(a, w, ALB_META_KEYWORD_MAX, false);
        if (out->keywords[i].n == 0)
            w->bad = true;
        out->keyword_count = i + 1;
    }
}

enum alb_code alb_meta_unpack(struct alb_arena *a, struct alb_str s, struct alb_meta *out,
                              struct alb_err *err)
{
    struct alb_wire w = alb_wire_open(s);
    alb_meta_init(out);
    if (alb_wire_u8(&w) != META_VERSION)
        return alb_fail(err, ALB_E_INVALID, "metadata of another version");
    unsigned flags = alb_wire_u8(&w);
    take_time(&w, flags, out);
    take_doubles(&w, out);
    take_numbers(&w, out);
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++) {
        struct alb_str t = take_text(a, &w, texts[i].max, texts[i].lines);
        memcpy((char *)out + texts[i].field, &t, sizeof(t));
    }
    take_keywords(a, &w, out);
    out->has_gps = (flags & HAS_GPS) != 0;
    out->has_altitude = (flags & HAS_ALTITUDE) != 0;
    out->has_rating = (flags & HAS_RATING) != 0;
    out->motion_photo = (flags & MOTION) != 0;
    out->has_audio = (flags & HAS_AUDIO) != 0;
    enum alb_code code = alb_arena_code(a);
    if (alb_wire_end(&w) && code == ALB_OK)
        return ALB_OK;
    alb_meta_init(out);
    return alb_fail(err, code == ALB_OK ? ALB_E_INVALID : code, "metadata that cannot be read");
}
