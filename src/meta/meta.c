/* SPDX-License-Identifier: Apache-2.0
 *
 * The struct itself, and the one rule of which source wins. What people write is looked for where their
 * programs write it last (XMP, then IPTC, then EXIF); what the camera measured is believed from the camera's
 * own block first. Keywords are the union.
 */
#include "meta/meta.h"

#include <string.h>

#include "meta/priv.h"

void alb_meta_init(struct alb_meta *m)
{
    memset(m, 0, sizeof(*m));
    m->motion_still_us = -1;
}

static size_t read_mem(void *arg, int64_t off, void *p, size_t n)
{
    const struct alb_str *s = arg;
    if (off < 0 || (uint64_t)off >= s->n)
        return 0;
    if (n > s->n - (size_t)off)
        n = s->n - (size_t)off;
    memcpy(p, s->p + off, n);
    return n;
}

struct alb_meta_source alb_meta_source_mem(struct alb_str *bytes)
{
    return (struct alb_meta_source){read_mem, bytes, (int64_t)bytes->n};
}

/* ---- merging: the first source, in the given order, that has a field ---- */

#define SOURCES 4

static void text_from(struct alb_str *out, const struct alb_meta *const order[SOURCES], size_t field)
{
    for (size_t i = 0; i < SOURCES && out->n == 0; i++) {
        if (order[i])
            memcpy(out, (const char *)order[i] + field, sizeof(*out));
    }
}

static void double_from(double *out, const struct alb_meta *const order[SOURCES], size_t field)
{
    for (size_t i = 0; i < SOURCES && !(*out > 0); i++) {
        if (order[i])
            memcpy(out, (const char *)order[i] + field, sizeof(*out));
    }
}

#define TEXT(field) text_from(&out->field, order, offsetof(struct alb_meta, field))
#define DOUBLE(field) double_from(&out->field, order, offsetof(struct alb_meta, field))

static void merge_words(struct alb_meta *out, const struct alb_meta *const order[SOURCES])
{
    TEXT(title);
    TEXT(description);
    TEXT(author);
    TEXT(copyright);
    for (size_t i = 0; i < SOURCES && !out->has_rating; i++) {
        if (order[i] && order[i]->has_rating) {
            out->has_rating = true;
            out->rating = order[i]->rating;
        }
    }
}

/* One place, whole: fields of two sources together may name a place that does not exist. */
static void merge_place(struct alb_meta *out, const struct alb_meta *const order[SOURCES])
{
    for (size_t i = 0; i < SOURCES; i++) {
        const struct alb_meta *m = order[i];
        if (!m || m->city.n + m->state.n + m->country.n == 0)
            continue;
        out->city = m->city;
        out->state = m->state;
        out->country = m->country;
        return;
    }
}

static void merge_camera(struct alb_meta *out, const struct alb_meta *const order[SOURCES])
{
    TEXT(make);
    TEXT(model);
    TEXT(lens);
    TEXT(software);
    TEXT(content_id);
    TEXT(projection);
    TEXT(codec);
    DOUBLE(f_number);
    DOUBLE(focal_mm);
    DOUBLE(focal_35mm);
    DOUBLE(exposure_s);
    DOUBLE(fps);
    for (size_t i = 0; i < SOURCES; i++) {
        const struct alb_meta *m = order[i];
        if (!m)
            continue;
        if (out->iso == 0)
            out->iso = m->iso;
        if (out->orientation == 0)
            out->orientation = m->orientation;
        if (out->width == 0) {
            out->width = m->width;
            out->height = m->height;
        }
        if (out->duration_ms == 0) {
            out->duration_ms = m->duration_ms;
            out->turn = m->turn;
        }
        out->has_audio = out->has_audio || m->has_audio;
        if (m->motion_photo && !out->motion_photo) {
            out->motion_photo = true;
            out->motion_from_end = m->motion_from_end;
            out->motion_still_us = m->motion_still_us;
        }
    }
}

static void merge_gps(struct alb_meta *out, const struct alb_meta *const order[SOURCES])
{
    for (size_t i = 0; i < SOURCES; i++) {
        const struct alb_meta *m = order[i];
        if (!m || !m->has_gps)
            continue;
        out->has_gps = true;
        out->latitude = m->latitude;
        out->longitude = m->longitude;
        out->has_altitude = m->has_altitude;
        out->altitude_m = m->altitude_m;
        return;
    }
}

/* A weak time only if nobody has a proper one; a missing offset is taken from a source that tells the same
 * second. */
static void merge_time(struct alb_meta *out, const struct alb_meta *const order[SOURCES])
{
    for (int weak = 0; weak < 2 && !out->taken.known; weak++) {
        for (size_t i = 0; i < SOURCES && !out->taken.known; i++) {
            if (order[i] && order[i]->taken.known && order[i]->taken_is_weak == (weak == 1)) {
                out->taken = order[i]->taken;
                out->taken_is_weak = weak == 1;
            }
        }
    }
    for (size_t i = 0; i < SOURCES && out->taken.known && !out->taken.has_offset; i++) {
        if (order[i] && order[i]->taken.known && order[i]->taken.has_offset &&
            order[i]->taken.local_ms / 1000 == out->taken.local_ms / 1000)
            alb_meta_time_set_offset(&out->taken, order[i]->taken.offset_min);
    }
}

static bool is_part(const struct alb_meta *m, struct alb_str word)
{
    for (size_t i = 0; i < m->keyword_count; i++) {
        struct alb_str rest = m->keywords[i], part;
        while (alb_str_next(&rest, '/', &part)) {
            if (alb_str_eq(part, word))
                return true;
        }
    }
    return false;
}

static void merge_keywords(struct alb_arena *a, struct alb_meta *out,
                           const struct alb_meta *const order[SOURCES])
{
    for (size_t i = 0; i < SOURCES; i++) {
        for (size_t k = 0; order[i] && k < order[i]->keyword_count; k++) {
            if (!is_part(out, order[i]->keywords[k]))
                alb_meta_keyword(a, out, order[i]->keywords[k]);
        }
    }
}

enum alb_code alb_meta_merge(struct alb_arena *a, struct alb_meta *out, const struct alb_meta *exif,
                             const struct alb_meta *iptc, const struct alb_meta *xmp,
                             const struct alb_meta *container, struct alb_err *err)
{
    const struct alb_meta *const people[SOURCES] = {xmp, iptc, exif, container};
    const struct alb_meta *const camera[SOURCES] = {exif, xmp, container, iptc};
    alb_meta_init(out);
    merge_words(out, people);
    merge_place(out, people);
    merge_camera(out, camera);
    merge_gps(out, camera);
    merge_time(out, camera);
    merge_keywords(a, out, people);
    return alb_meta_done(a, err);
}
