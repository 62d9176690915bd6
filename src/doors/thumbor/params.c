/* SPDX-License-Identifier: Apache-2.0
 *
 * params/: what a path says, as imagor tells it.
 */
#include <jansson.h>
#include <math.h>

#include "doors/thumbor/job.h"

/* Only what the path says, as imagor tells it. */
static void put_text(json_t *o, const char *name, struct alb_str value)
{
    if (value.n > 0)
        (void)json_object_set_new(o, name, json_stringn(value.p, value.n));
}

static void put_true(json_t *o, const char *name, bool value)
{
    if (value)
        (void)json_object_set_new(o, name, json_true());
}

static void put_integer(json_t *o, const char *name, int64_t value)
{
    if (value != 0)
        (void)json_object_set_new(o, name, json_integer(value));
}

static void put_number(json_t *o, const char *name, double value)
{
    if (value > 0 && fabs(value - floor(value)) > 0)
        (void)json_object_set_new(o, name, json_real(value));
    else
        put_integer(o, name, (int64_t)value);
}

static void put_geometry(json_t *o, const struct alb_thumbor_url *u)
{
    static const char *const across[] = {"", "left", "center", "right"}, *const down[] = {"", "top", "middle",
                                                                                          "bottom"};
    static const char *const crop[] = {"crop_left", "crop_top", "crop_right", "crop_bottom"};
    static const char *const padding[] = {"padding_left", "padding_top", "padding_right", "padding_bottom"};
    put_true(o, "trim", u->trim);
    if (u->trim)
        put_text(o, "trim_by", u->trim_last ? ALB_STR("bottom-right") : ALB_STR("top-left"));
    put_integer(o, "trim_tolerance", u->trim_tolerance);
    for (size_t i = 0; i < 4; i++)
        put_number(o, crop[i], u->crop[i]);
    put_true(o, "fit_in", u->fit_in);
    put_true(o, "adaptive_fit_in", u->adaptive);
    put_true(o, "full_fit_in", u->full);
    put_true(o, "stretch", u->stretch);
    put_integer(o, "width", u->width);
    put_integer(o, "height", u->height);
    for (size_t i = 0; i < 4; i++)
        put_integer(o, padding[i], u->padding[i]);
    put_true(o, "h_flip", u->flip_h);
    put_true(o, "v_flip", u->flip_v);
    put_text(o, "h_align", alb_str_c(across[u->halign]));
    put_text(o, "v_align", alb_str_c(down[u->valign]));
    put_true(o, "smart", u->smart);
}

enum alb_thumbor_next alb_thumbor_tell_params(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_url *u = &job->url;
    json_t *o = json_object(), *list = json_array();
    put_text(o, "path", u->path);
    put_text(o, "image", u->image);
    put_true(o, "base64_image", u->is_base64);
    put_true(o, "unsafe", u->is_unsafe);
    put_text(o, "hash", u->hash);
    put_true(o, "debug", u->debug);
    put_true(o, "meta", u->meta);
    put_geometry(o, u);
    for (size_t i = 0; i < u->filter_count; i++) {
        json_t *filter = json_object();
        put_text(filter, "name", u->filters[i].name);
        put_text(filter, "args", u->filters[i].args);
        (void)json_array_append_new(list, filter);
    }
    if (u->filter_count > 0)
        (void)json_object_set(o, "filters", list);
    json_decref(list);
    const size_t flags = JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15);
    size_t n = o ? json_dumpb(o, NULL, 0, flags) : 0;
    char *text = n > 0 ? alb_arena_alloc(job->arena, n) : NULL;
    if (text)
        (void)json_dumpb(o, text, n, flags);
    json_decref(o);
    alb_res_type(job->req, "application/json");
    alb_res_literal(job->req, alb_str_n(text, text ? n : 0));
    return ALB_THUMBOR_DONE;
}
