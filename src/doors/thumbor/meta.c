/* SPDX-License-Identifier: Apache-2.0
 *
 * meta/: what is told of the finished picture, as imagor tells it. The picture is made, and kept, like any other; then
 * a worker looks at it.
 */
#include <jansson.h>
#include <stdio.h>

#include "base/codec.h"
#include "doors/thumbor/job.h"
#include "render/origin_given.h"

enum alb_code alb_thumbor_read_asked(const struct alb_thumbor_url *u, struct alb_thumbor_asked *w,
                                     struct alb_err *err)
{
    *w = (struct alb_thumbor_asked){0};
    for (size_t i = 0; i < u->filter_count; i++) {
        struct alb_str name = u->filters[i].name, rest = u->filters[i].args, arg[3];
        size_t n = 0;
        while (n < ALB_ARRAY_LEN(arg) && alb_thumbor_next_arg(&rest, &arg[n]))
            n++;
        bool good = true;
        if (alb_str_eq_c(name, "avgcolor")) {
            w->average = true;
            good = n == 0;
        } else if (alb_str_eq_c(name, "thumbhash")) {
            w->thumbhash = true;
            good = n == 0;
        } else if (alb_str_eq_c(name, "blurhash")) {
            for (size_t k = 0; k < 2 && n == 2; k++)
                w->blurhash[k] = alb_thumbor_int(arg[k]);
            good = n == 2 && w->blurhash[0] >= 1 && w->blurhash[0] <= 9 && w->blurhash[1] >= 1 &&
                   w->blurhash[1] <= 9;
        }
        if (!good)
            return alb_fail(err, ALB_E_INVALID, ALB_STR_FMT "(): %s", ALB_STR_ARG(name),
                            alb_str_eq_c(name, "blurhash") ? "two whole numbers from 1 to 9 are needed"
                                                           : "it takes no arguments");
    }
    return ALB_OK;
}

/* ---- ask ---- */

enum alb_thumbor_next alb_thumbor_tell(struct alb_thumbor_job *job, const struct alb_picture *p)
{
    struct alb_err err = ALB_ERR_INIT;
    const struct alb_thumbor_asked w = job->asked;
    job->etag = alb_arena_printf(job->arena, "meta-" ALB_STR_FMT "-%d%d%lld.%lld", ALB_STR_ARG(job->etag),
                                 w.average, w.thumbhash, (long long)w.blurhash[0], (long long)w.blurhash[1]);
    alb_thumbor_head(job, p->no_store ? ALB_STR_NONE : job->etag, p->no_store, NULL);
    if (alb_res_decided(job->req))
        return ALB_THUMBOR_DONE;
    if (p->no_store)
        job->etag = ALB_STR_NONE;
    alb_door_input_drop(&job->told);
    if (alb_origin_given(alb_bytes_view(p->bytes), &job->told.origin, &err) != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    const struct alb_order_ask ask = {.kind = ALB_ORDER_FACTS,
                                      .origin = job->told.origin,
                                      .type = job->told.origin->type,
                                      .deadline = job->deadline};
    alb_future_unref(job->future);
    job->future = NULL;
    alb_req_wait_until(job->req, job->deadline);
    if (alb_render_order(job->door->config.render, &ask, alb_req_waiter(job->req, false), &job->future,
                         &err) != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    job->stage = ALB_THUMBOR_TELLING;
    alb_req_doing(job->req, "waiting for a worker's words");
    (void)alb_req_wait_joined(job->req, job->future);
    return ALB_THUMBOR_WAIT;
}

/* ---- tell ---- */

/* libvips' nick of the format, as imagor has it. */
static const char *nick(enum alb_type type)
{
    switch ((int)type) {
    case ALB_TYPE_HEIC:
        return "heif";
    case ALB_TYPE_JP2:
        return "jp2k";
    case ALB_TYPE_TIFF:
        return "tiff";
    default:
        return alb_type_name(type);
    }
}

static void put_text(json_t *o, const char *name, struct alb_str value)
{
    if (value.n > 0)
        (void)json_object_set_new(o, name, json_stringn(value.p, value.n));
}

static void put_number(json_t *o, const char *name, double value)
{
    char text[40];
    if (value <= 0)
        return;
    (void)snprintf(text, sizeof(text), "%.8g", value);
    (void)json_object_set_new(o, name, json_string(text));
}

/* "2024:05:06 07:08:09", as cameras write it. */
static void put_time(json_t *o, const char *name, const struct alb_meta_time *t)
{
    char text[25];
    if (!t->known)
        return;
    alb_time_rfc3339(t->local_ms, text);
    text[4] = text[7] = ':';
    text[10] = ' ';
    text[19] = '\0';
    (void)json_object_set_new(o, name, json_string(text));
}

static void put_degrees(json_t *o, const char *name, double v)
{
    char text[40];
    (void)snprintf(text, sizeof(text), "%.7f", v);
    (void)json_object_set_new(o, name, json_string(text));
}

/* What albumen's readers make of EXIF, under the names of its tags; every value is a text. */
static json_t *exif(const struct alb_meta *m)
{
    json_t *o = json_object();
    put_text(o, "Make", m->make);
    put_text(o, "Model", m->model);
    put_number(o, "Orientation",
               m->orientation > 1 ? m->orientation : 0); /* upright: there is nothing to tell */
    put_text(o, "Software", m->software);
    put_text(o, "Artist", m->author);
    put_text(o, "Copyright", m->copyright);
    put_text(o, "ImageDescription", m->description);
    put_number(o, "ExposureTime", m->exposure_s);
    put_number(o, "FNumber", m->f_number);
    put_number(o, "ISOSpeedRatings", m->iso);
    put_time(o, "DateTimeOriginal", &m->taken);
    put_number(o, "FocalLength", m->focal_mm);
    put_number(o, "FocalLengthIn35mmFilm", m->focal_35mm);
    put_text(o, "LensModel", m->lens);
    if (m->has_gps) {
        put_degrees(o, "GPSLatitude", m->latitude);
        put_degrees(o, "GPSLongitude", m->longitude);
    }
    return o;
}

static int bands(const struct alb_image_header *h)
{
    return (h->space == ALB_SPACE_GREY ? 1 : h->space == ALB_SPACE_CMYK ? 4 : 3) + (h->alpha ? 1 : 0);
}

/* The rounded mean over white. */
static json_t *average(const struct alb_look *l)
{
    uint64_t sum[3] = {0, 0, 0}, n = (uint64_t)l->width * l->height;
    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *p = l->rgba + 4 * i;
        for (size_t k = 0; k < 3; k++)
            sum[k] += (uint64_t)p[k] * p[3] + (uint64_t)255 * (255U - p[3]);
    }
    n = n > 0 ? n * 255 : 1;
    return json_pack("{s:i, s:i, s:i}", "r", (int)((sum[0] + n / 2) / n), "g", (int)((sum[1] + n / 2) / n),
                     "b", (int)((sum[2] + n / 2) / n));
}

/* Over black, as imagor has it. */
static json_t *blurhash(struct alb_arena *arena, const struct alb_look *l, const struct alb_thumbor_asked *w)
{
    char text[ALB_BLURHASH_MAX];
    size_t n = (size_t)l->width * l->height;
    uint8_t *flat = alb_arena_alloc(arena, 4 * n);
    for (size_t i = 0; flat && i < n; i++) {
        for (size_t k = 0; k < 3; k++)
            flat[4 * i + k] = (uint8_t)((l->rgba[4 * i + k] * l->rgba[4 * i + 3] + 127) / 255);
        flat[4 * i + 3] = 255;
    }
    if (!flat)
        return NULL;
    const struct alb_look look = {flat, l->width, l->height};
    alb_look_blurhash(&look, (unsigned)w->blurhash[0], (unsigned)w->blurhash[1], text);
    return json_string(text);
}

static json_t *thumbhash(const struct alb_probe *p)
{
    struct alb_buf text = ALB_BUF_INIT(64);
    alb_b64_encode(&text, p->thumbhash, p->thumbhash_len, ALB_B64_STD);
    while (text.n % 4 != 0 && alb_buf_code(&text) == ALB_OK)
        alb_buf_char(&text, '=');
    json_t *s = json_stringn(text.p, text.n);
    alb_buf_fini(&text);
    return s;
}

static json_t *facts(struct alb_arena *arena, const struct alb_probe *p, const struct alb_thumbor_asked *w)
{
    const struct alb_image_header *h = &p->header;
    const struct alb_look look = {p->small, p->small_width, p->small_height};
    json_t *o = json_object();
    (void)json_object_set_new(o, "format", json_string(nick(p->type)));
    (void)json_object_set_new(o, "content_type", json_string(alb_type_mime(p->type)));
    (void)json_object_set_new(o, "width", json_integer(h->width));
    (void)json_object_set_new(o, "height", json_integer(h->height));
    (void)json_object_set_new(o, "orientation", json_integer(h->orientation > 1 ? h->orientation : 0));
    (void)json_object_set_new(o, "pages", json_integer(h->pages));
    (void)json_object_set_new(o, "bands", json_integer(bands(h)));
    (void)json_object_set_new(o, "exif", exif(&p->meta));
    if (w->blurhash[0] > 0 && look.rgba)
        (void)json_object_set_new(o, "blurhash", blurhash(arena, &look, w));
    if (w->thumbhash && p->thumbhash_len > 0)
        (void)json_object_set_new(o, "thumbhash", thumbhash(p));
    if (w->average && look.rgba)
        (void)json_object_set_new(o, "average_color", average(&look));
    return o;
}

enum alb_thumbor_next alb_thumbor_told(struct alb_thumbor_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_req_timed_out(job->req)
                             ? alb_fail(&err, ALB_E_TIMEOUT, "a worker did not answer in time")
                             : alb_future_error(job->future, &err);
    if (code != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    const struct alb_order_answer *a =
        ALB_CONTAINER_OF(alb_future_result(job->future), struct alb_order_answer, obj);
    json_t *o = facts(job->arena, a->probe, &job->asked);
    size_t n = o ? json_dumpb(o, NULL, 0, JSON_COMPACT | JSON_PRESERVE_ORDER) : 0;
    char *text = n > 0 ? alb_arena_alloc(job->arena, n) : NULL;
    if (text)
        (void)json_dumpb(o, text, n, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(o);
    struct alb_bytes *bytes = text ? alb_bytes_copy(text, n) : NULL;
    if (!bytes) {
        (void)alb_fail(&err, ALB_E_NO_MEMORY, "no memory for what a picture is");
        return alb_thumbor_fail(job, &err, NULL);
    }
    if (job->etag.p)
        alb_thumbor_keep(job, bytes);
    alb_thumbor_head(job, job->etag, !job->etag.p, NULL);
    alb_res_header_set(job->req, "Content-Disposition", ALB_STR("inline"));
    alb_res_type(job->req, "application/json");
    alb_res_bytes(job->req, bytes);
    alb_bytes_unref(bytes);
    return ALB_THUMBOR_DONE;
}
