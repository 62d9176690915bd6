/* SPDX-License-Identifier: Apache-2.0
 *
 * From the probe's words to the catalog's: facts of the medium, the file layer, the tags that the file
 * carries; and what is left out because the catalog would not take it.
 */
#include <math.h>
#include <string.h>

#include "ingest/parcel.h"

/* "1/250", "0.3", "2": as cameras show it. */
static struct alb_str exposure_text(struct alb_arena *a, double seconds)
{
    if (seconds <= 0 || !isfinite(seconds))
        return ALB_STR_NONE;
    if (seconds < 0.25)
        return alb_arena_printf(a, "1/%.0f", 1.0 / seconds);
    return alb_arena_printf(a, "%.4g", seconds);
}

static struct alb_str copy(struct alb_arena *a, const void *p, size_t n)
{
    return n == 0 ? ALB_STR_NONE : alb_arena_str(a, alb_str_n(p, n));
}

static void state(struct alb_layer *l, enum alb_field field)
{
    l->stated |= ALB_FIELD_BIT(field);
}

#define NAME_MAX_BYTES 255 /* what file systems take */
#define ENDING_MAX 16
#define TAG_MAX_BYTES 255 /* catalog/tag.h */

void alb_parcel_clean(struct alb_layer *layer)
{
    const char *why;
    for (int f = 0; f < ALB_FIELD_COUNT && !alb_layer_valid(layer, &why); f++) {
        struct alb_layer one = *layer;
        one.stated &= ALB_FIELD_BIT(f);
        one.empty &= ALB_FIELD_BIT(f);
        if (!alb_layer_valid(&one, &why)) {
            layer->stated &= ~ALB_FIELD_BIT(f);
            layer->empty &= ~ALB_FIELD_BIT(f);
        }
    }
}

bool alb_parcel_tag_ok(struct alb_str value)
{
    struct alb_str rest = value, part;
    if (value.n == 0 || value.n > TAG_MAX_BYTES || !alb_str_is_utf8(value) || alb_str_has_control(value))
        return false;
    while (alb_str_next(&rest, '/', &part))
        if (alb_str_trim(part).n == 0)
            return false;
    return true;
}

/* Cuts at most n bytes off, not through a character (a name that is not UTF-8 is cut anywhere). */
static struct alb_str cut(struct alb_str s, size_t n)
{
    while (n > 0 && n < s.n && alb_str_is_utf8(s) && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return alb_str_sub(s, 0, n);
}

struct alb_str alb_parcel_name(struct alb_str given, struct alb_str id, enum alb_type type,
                               struct alb_arena *a)
{
    struct alb_str ending = ALB_STR_NONE;
    size_t dot = alb_str_rfind(given, '.');
    if (given.n == 0)
        return alb_arena_printf(a, ALB_STR_FMT ".%s", ALB_STR_ARG(alb_str_sub(id, 0, 8)),
                                alb_type_ending(type));
    if (dot != ALB_STR_NPOS && given.n - dot <= ENDING_MAX)
        ending = alb_str_from(given, dot);
    if (given.n > NAME_MAX_BYTES)
        given = cut(given, NAME_MAX_BYTES - ending.n);
    else
        ending = ALB_STR_NONE;
    char *name = alb_arena_alloc(a, given.n + ending.n + 1);
    if (!name)
        return ALB_STR_NONE;
    memcpy(name, given.p, given.n);
    if (ending.n > 0)
        memcpy(name + given.n, ending.p, ending.n);
    for (size_t i = 0; i < given.n + ending.n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            name[i] = '_';
    return alb_str_n(name, given.n + ending.n);
}

static void fill_layer(const struct alb_meta *m, struct alb_layer *l)
{
    if (m->taken.known) {
        state(l, ALB_FIELD_CAPTURE);
        l->capture = alb_capture_local(m->taken.local_ms, m->taken.has_offset, m->taken.offset_min);
    }
    if (m->title.n > 0) {
        state(l, ALB_FIELD_TITLE);
        l->title = m->title;
    }
    if (m->description.n > 0) {
        state(l, ALB_FIELD_DESCRIPTION);
        l->description = m->description;
    }
    if (m->author.n > 0) {
        state(l, ALB_FIELD_AUTHOR);
        l->author = m->author;
    }
    if (m->has_gps) {
        state(l, ALB_FIELD_GPS);
        l->latitude = m->latitude;
        l->longitude = m->longitude;
    }
    if (m->has_rating) {
        state(l, ALB_FIELD_RATING);
        l->rating = m->rating;
    }
    alb_parcel_clean(l);
}

static void fill_media(const struct alb_probe *probe, struct alb_arena *a, struct alb_media *out)
{
    const struct alb_meta *m = &probe->meta;
    const struct alb_image_header *h = &probe->header;
    *out = (struct alb_media){
        .width = (int32_t)h->width,
        .height = (int32_t)h->height,
        .orientation = h->orientation,
        .duration_ms = m->duration_ms,
        .fps = m->fps > 0 ? m->fps : (double)NAN,
        .make = m->make,
        .model = m->model,
        .lens = m->lens,
        .projection = m->projection,
        .city = m->city,
        .state = m->state,
        .country = m->country,
        .exposure = exposure_text(a, m->exposure_s),
        .f_number = m->f_number > 0 ? m->f_number : (double)NAN,
        .focal_mm = m->focal_mm > 0 ? m->focal_mm : (double)NAN,
        .iso = (int32_t)(m->iso > INT32_MAX ? 0 : m->iso),
        .thumbhash = copy(a, probe->thumbhash, probe->thumbhash_len),
    };
    if (out->width == 0 && m->width <= INT32_MAX && m->height <= INT32_MAX) {
        out->width = (int32_t)m->width;
        out->height = (int32_t)m->height;
    }
}

enum alb_code alb_parcel_facts(const struct alb_probe *probe, struct alb_arena *a,
                               struct alb_parcel_facts *out, struct alb_err *err)
{
    const struct alb_meta *m = &probe->meta;
    *out = (struct alb_parcel_facts){.file = {.stated = 0}};
    fill_media(probe, a, &out->media);
    fill_layer(m, &out->file);
    if (probe->header.width > 0) {
        struct alb_buf packed = ALB_BUF_INIT(ALB_HEADER_PACKED_MAX);
        alb_header_pack(&probe->header, &packed);
        struct alb_str view = alb_buf_view(&packed);
        out->media.header = copy(a, view.p, view.n);
        enum alb_code code = alb_buf_code(&packed);
        alb_buf_fini(&packed);
        if (code != ALB_OK)
            return alb_fail(err, code, "header of a picture");
    }
    out->tags = alb_arena_calloc(a, m->keyword_count + 1, sizeof(*out->tags));
    if (!out->tags)
        return alb_fail(err, ALB_E_NO_MEMORY, "facts");
    for (size_t i = 0; i < m->keyword_count; i++)
        if (alb_parcel_tag_ok(m->keywords[i]))
            out->tags[out->tag_count++] =
                (struct alb_tag_name){.scope = ALB_TAG_USER, .value = m->keywords[i]};
    return alb_arena_code(a) == ALB_OK ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "facts");
}
