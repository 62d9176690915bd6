/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters that set something, wherever they stand, and what extract_focal() finds (contract: filters.h).
 */
#include <math.h>
#include <string.h>

#include "doors/thumbor/filters_priv.h"

#define FAR ALB_THUMBOR_FAR

static void add_focus(struct alb_thumbor_filters *f, double l, double t, double r, double b, bool point)
{
    struct alb_thumbor_focus focus = {l, t, r, b, l < 1 && t < 1 && (point || (r <= 1 && b <= 1)), point};
    if (f->focuses < ALB_THUMBOR_FOCUS_MAX && (point || (r > l && b > t)))
        f->focus[f->focuses++] = focus;
}

/* "x", "," and ":" part the numbers, several at once as well. */
static void read_focal(struct alb_thumbor_filters *f, struct alb_str args)
{
    double v[5];
    size_t n = 0, from = 0;
    for (size_t i = 0; i <= args.n && n < 5; i++) {
        if (i < args.n && args.p[i] != 'x' && args.p[i] != ',' && args.p[i] != ':')
            continue;
        if (i > from)
            v[n++] = fmin(fmax(alb_thumbor_float(alb_str_sub(args, from, i - from)), -FAR), FAR);
        from = i + 1;
    }
    if (n == 4)
        add_focus(f, v[0], v[1], v[2], v[3], false);
    else if (n == 2)
        add_focus(f, v[0], v[1], 0, 0, true);
}

enum alb_thumbor_format alb_thumbor_format_of(struct alb_str name)
{
    static const struct {
        const char *name;
        enum alb_thumbor_format format;
    } formats[] = {
        {"jpeg", ALB_THUMBOR_JPEG}, {"jpg", ALB_THUMBOR_JPEG},  {"png", ALB_THUMBOR_PNG},
        {"webp", ALB_THUMBOR_WEBP}, {"gif", ALB_THUMBOR_GIF},   {"tiff", ALB_THUMBOR_TIFF},
        {"heif", ALB_THUMBOR_HEIF}, {"avif", ALB_THUMBOR_AVIF}, {"jxl", ALB_THUMBOR_JXL},
        {"jp2", ALB_THUMBOR_JP2},   {"pdf", ALB_THUMBOR_JPEG},  {"svg", ALB_THUMBOR_JPEG},
        {"bmp", ALB_THUMBOR_JPEG},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(formats); i++) {
        if (alb_str_eq_c(name, formats[i].name))
            return formats[i].format;
    }
    return ALB_THUMBOR_FORMAT_NONE;
}

static int64_t above_zero(struct alb_str s, int64_t else_value)
{
    int64_t v = alb_thumbor_int(s);
    return v > 0 ? v : else_value;
}

static bool set_number(struct alb_thumbor_filters *f, struct alb_str name, struct alb_str args)
{
    const struct {
        const char *name;
        int64_t *to;
        bool keeps; /* what is not above 0 changes nothing */
    } table[] = {
        {"quality", &f->quality, false},
        {"bitdepth", &f->bitdepth, false},
        {"compression", &f->compression, false},
        {"max_bytes", &f->max_bytes, true},
        {"max_frames", &f->max_frames, true},
        {"page", &f->page, true},
        {"orient", &f->orient, true},
        {"dpi", &f->dpi, true},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        if (!alb_str_eq_c(name, table[i].name))
            continue;
        *table[i].to = above_zero(args, table[i].keeps ? *table[i].to : 0);
        return true;
    }
    return false;
}

static bool set_switch(struct alb_thumbor_filters *f, struct alb_str name)
{
    const struct {
        const char *name;
        bool *to;
    } table[] = {
        {"palette", &f->palette},
        {"lossless", &f->lossless},
        {"strip_metadata", &f->strip_metadata},
        {"strip_icc", &f->strip_icc},
        {"strip_exif", &f->strip_exif},
        {"stretch", &f->stretch},
        {"raw", &f->raw},
        {"preview", &f->preview},
        {"extract_focal", &f->extract_focal},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        if (!alb_str_eq_c(name, table[i].name))
            continue;
        *table[i].to = true;
        return true;
    }
    if (!alb_str_eq_c(name, "upscale") && !alb_str_eq_c(name, "no_upscale"))
        return false;
    f->upscale = name.p[0] == 'u';
    f->no_upscale = !f->upscale;
    return true;
}

static bool set_format(struct alb_thumbor_filters *f, struct alb_str name, struct alb_str args)
{
    enum alb_thumbor_format format = alb_thumbor_format_of(args);
    if (alb_str_eq_c(name, "format")) {
        f->has_format = true;
        f->format = format != ALB_THUMBOR_FORMAT_NONE ? format : f->format;
    } else if (alb_str_eq_c(name, "fallback_format")) {
        f->fallback = format != ALB_THUMBOR_FORMAT_NONE ? format : f->fallback;
    } else if (alb_str_eq_c(name, "autojpg")) {
        f->format = ALB_THUMBOR_JPEG;
    } else {
        return false;
    }
    return true;
}

static bool set_http(struct alb_thumbor_filters *f, struct alb_arena *arena, struct alb_str name,
                     struct alb_str args)
{
    int64_t v;
    bool is_number = alb_str_i64(args, &v);
    if (alb_str_eq_c(name, "expire")) {
        f->has_expire = f->has_expire || is_number;
        f->expire = is_number ? v : f->expire;
    } else if (alb_str_eq_c(name, "max_age")) {
        f->has_max_age = f->has_max_age || (is_number && v >= 0);
        f->max_age = is_number && v >= 0 ? v : f->max_age;
    } else if (alb_str_eq_c(name, "attachment")) {
        f->attachment = true;
        f->name = alb_thumbor_unescape(arena, args);
    } else if (alb_str_eq_c(name, "focal")) {
        read_focal(f, args);
    } else if (alb_str_eq_c(name, "to_colorspace")) {
        f->colorspace = args.n > 0 ? args : ALB_STR("srgb");
    } else {
        return false;
    }
    return true;
}

bool alb_thumbor_filter_sets(struct alb_thumbor_filters *f, struct alb_arena *arena,
                             const struct alb_thumbor_filter *filter)
{
    return set_number(f, filter->name, filter->args) || set_switch(f, filter->name) ||
           set_format(f, filter->name, filter->args) || set_http(f, arena, filter->name, filter->args);
}

/* ---- extract_focal ---- */

#define LEVELS 10

static struct alb_str without_host(struct alb_str url)
{
    size_t scheme = alb_str_find_str(url, ALB_STR("://"));
    struct alb_str rest = scheme == ALB_STR_NPOS ? url : alb_str_from(url, scheme + 3), host, path;
    return alb_str_cut(rest, '/', &host, &path) ? path : ALB_STR_NONE;
}

bool alb_thumbor_extract_focal(struct alb_thumbor_url *u, struct alb_arena *arena,
                               struct alb_thumbor_filters *f)
{
    struct alb_str url = u->image;
    for (int level = 0; f->extract_focal && level < LEVELS; level++) {
        struct alb_thumbor_url inner = {0};
        struct alb_str path = without_host(url);
        if (path.n == 0)
            return true;
        if (!alb_thumbor_url_apply(&inner, arena, path))
            return false;
        if (inner.image.n == 0 || (!inner.is_unsafe && inner.hash.n == 0))
            return true;
        if (alb_thumbor_url_crops(&inner)) {
            add_focus(f, inner.crop[0], inner.crop[1], inner.crop[2], inner.crop[3], false);
            u->image = inner.image;
            return true;
        }
        url = inner.image;
    }
    return true;
}
