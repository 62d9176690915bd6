/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters by name (contract: filters.h). One function for each that is done to the picture, one table for what is set.
 */
#include "doors/thumbor/filters.h"

#include <math.h>
#include <string.h>

#define ARGS_MAX 16
#define FAR 1e6 /* no number that a filter works with is larger */

struct call { /* one filter, its arguments split */
    struct alb_arena *arena;
    struct alb_thumbor_filters *f;
    struct alb_thumbor_op *op; /* the next one; `done` keeps it */
    struct alb_str args, arg[ARGS_MAX];
    size_t n;
};

/* ---- arguments ---- */

static double number(const struct call *c, size_t i)
{
    double v = i < c->n ? alb_thumbor_float(c->arg[i]) : 0;
    return fmin(fmax(v, -FAR), FAR);
}

static int64_t whole(const struct call *c, size_t i)
{
    int64_t v = i < c->n ? alb_thumbor_int(c->arg[i]) : 0;
    return v > (int64_t)FAR ? (int64_t)FAR : v < -(int64_t)FAR ? -(int64_t)FAR : v;
}

static struct alb_thumbor_op *done(struct call *c, enum alb_thumbor_op_kind kind)
{
    struct alb_thumbor_op *op = c->op;
    op->kind = kind;
    c->f->count++;
    return op;
}

static void linear(struct call *c, double factor, double r, double g, double b)
{
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_LINEAR);
    op->v[0] = op->v[1] = op->v[2] = factor;
    op->v[3] = r;
    op->v[4] = g;
    op->v[5] = b;
}

/* ---- filters that work on the picture ---- */

static void background_color(struct call *c)
{
    if (c->n > 0)
        done(c, ALB_THUMBOR_BACKGROUND)->colour = alb_thumbor_colour(c->arg[0]);
}

static void fill(struct call *c)
{
    done(c, ALB_THUMBOR_FILL)->colour = alb_thumbor_colour(c->args);
}

/* 2 arguments: all sides; 3: left and right, top and bottom; a fourth one alone does not count. */
static void padding(struct call *c)
{
    if (c->n < 2)
        return;
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_PADDING);
    op->colour = alb_thumbor_colour(c->arg[0]);
    op->n[0] = op->n[2] = whole(c, 1);
    op->n[1] = op->n[3] = c->n > 2 ? whole(c, 2) : op->n[0];
    if (c->n > 4) {
        op->n[2] = whole(c, 3);
        op->n[3] = whole(c, 4);
    }
}

static void blur(struct call *c)
{
    double sigma = c->n == 2 ? number(c, 1) : c->n == 1 ? number(c, 0) / 2 : 0;
    if (sigma > 0)
        done(c, ALB_THUMBOR_BLUR)->v[0] = fmin(sigma, 1000);
}

static void sharpen(struct call *c)
{
    double sigma = 1 + 2 * (c->n >= 2 && c->n <= 3 ? number(c, 1) : c->n == 1 ? number(c, 0) : 0);
    if (sigma > 0)
        done(c, ALB_THUMBOR_SHARPEN)->v[0] = fmin(sigma, 10); /* as far as libvips goes */
}

static void brightness(struct call *c)
{
    double by = number(c, 0) * 255 / 100;
    if (c->n > 0)
        linear(c, 1, by, by, by);
}

static void contrast(struct call *c)
{
    double a = fmin(fmax(number(c, 0) * 255 / 100, -255), 255), f = 259 * (a + 255) / (255 * (259 - a));
    if (c->n > 0)
        linear(c, f, 128 - 128 * f, 128 - 128 * f, 128 - 128 * f);
}

static void rgb(struct call *c)
{
    if (c->n == 3)
        linear(c, 1, number(c, 0) * 255 / 100, number(c, 1) * 255 / 100, number(c, 2) * 255 / 100);
}

static void invert(struct call *c)
{
    linear(c, -1, 255, 255, 255);
}

/* thumbor: colorize(red %, green %, blue %, RRGGBB). */
static void colorize(struct call *c)
{
    if (c->n < 4)
        return;
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_LINEAR);
    uint32_t to = alb_thumbor_colour(c->arg[3]).rgb;
    for (size_t i = 0; i < 3; i++) {
        double share = fmin(fmax(number(c, i) / 100, 0), 1);
        op->v[i] = 1 - share;
        op->v[3 + i] = share * (to >> (16 - 8 * i) & 0xff);
    }
}

static void grayscale(struct call *c)
{
    (void)done(c, ALB_THUMBOR_GREY);
}

static void set_modulate(struct call *c, double light, double chroma, double hue)
{
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_MODULATE);
    op->v[0] = light;
    op->v[1] = chroma;
    op->v[2] = hue;
}

static void hue(struct call *c)
{
    if (c->n > 0)
        set_modulate(c, 1, 1, number(c, 0));
}

static void saturation(struct call *c)
{
    if (c->n > 0)
        set_modulate(c, 1, 1 + number(c, 0) / 100, 0);
}

static void modulate(struct call *c)
{
    if (c->n == 3)
        set_modulate(c, 1 + number(c, 0) / 100, 1 + number(c, 1) / 100, number(c, 2));
}

static void rotate(struct call *c)
{
    int64_t angle = whole(c, 0);
    if (angle == 90 || angle == 180 || angle == 270)
        done(c, ALB_THUMBOR_ROTATE)->n[0] = angle;
}

static void proportion(struct call *c)
{
    double share = fmin(number(c, 0), 100);
    if (share > 0)
        done(c, ALB_THUMBOR_PROPORTION)->v[0] = share > 1 ? share / 100 : share;
}

static void crop(struct call *c)
{
    if (c->n < 4 || !(number(c, 2) > 0) || !(number(c, 3) > 0))
        return;
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_CROP);
    for (size_t i = 0; i < 4; i++)
        op->v[i] = fmax(number(c, i), 0);
}

static void trim(struct call *c)
{
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_TRIM);
    op->n[0] = whole(c, 0);
    op->last = c->n > 1 && alb_str_eq_c(c->arg[1], "bottom-right");
}

static void pixelate(struct call *c)
{
    int64_t side = whole(c, 0);
    side = side > 0 ? side : 10;
    if (side > 1)
        done(c, ALB_THUMBOR_PIXELATE)->n[0] = side < 100000 ? side : 100000;
}

static double radius(int64_t v)
{
    return fmin(fmax((double)v, 0), 100000);
}

/* Arguments 1 to 3 as a colour. */
static uint32_t three_bytes(const struct call *c)
{
    uint32_t rgb = 0;
    for (size_t i = 1; i < 4; i++) {
        int64_t v = whole(c, i);
        rgb = rgb << 8 | (uint32_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    return rgb;
}

static bool is_true(const struct call *c, size_t i)
{
    return i < c->n && (alb_str_eq_c(c->arg[i], "1") || alb_str_eq_ci(c->arg[i], ALB_STR("true")));
}

/* imagor's rx[,ry[,colour]], and thumbor's rx|ry,red,green,blue[,transparent]. */
static void round_corner(struct call *c)
{
    struct alb_str first, second;
    if (c->n == 0)
        return;
    bool both = alb_str_cut(alb_thumbor_unescape(c->arena, c->arg[0]), '|', &first, &second);
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_ROUND);
    op->v[0] = op->v[1] = radius(alb_thumbor_int(first));
    if (both || c->n >= 4) {
        op->v[1] = both ? radius(alb_thumbor_int(second)) : op->v[0];
        op->last = c->n >= 4 && !is_true(c, 4);
        op->colour.rgb = op->last ? three_bytes(c) : 0;
        return;
    }
    if (c->n > 1)
        op->v[1] = radius(whole(c, 1));
    op->last = c->n == 3;
    if (op->last)
        op->colour = alb_thumbor_colour(c->arg[2]);
}

static void noise(struct call *c)
{
    int64_t amount = whole(c, 0);
    if (amount <= 0)
        return;
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_NOISE);
    op->n[0] = amount < 1000 ? amount : 1000;
    op->n[1] = whole(c, 1) % 100000;
}

static void equalize(struct call *c)
{
    (void)done(c, ALB_THUMBOR_EQUALIZE);
}

static void curve(struct call *c)
{
    if (alb_thumbor_curve(c->arena, c->args, &c->op->data))
        (void)done(c, ALB_THUMBOR_CURVE);
}

/* "1;2;1": how many; -1: more than there is room for. */
static int64_t read_weights(struct alb_str list, double *w, double *sum)
{
    struct alb_str item;
    int64_t n = 0;
    for (*sum = 0; alb_str_next(&list, ';', &item); n++) {
        if (n == ALB_THUMBOR_WEIGHTS_MAX)
            return -1;
        w[n] = fmin(fmax(alb_thumbor_float(item), -FAR), FAR);
        *sum += w[n];
    }
    return n;
}

/* convolution(1;2;1;2;4;2;1;2;1,3,true) */
static void convolution(struct call *c)
{
    double *w = alb_arena_calloc(c->arena, ALB_THUMBOR_WEIGHTS_MAX, sizeof(*w)), sum;
    bool plain = c->n > 2 && !is_true(c, 2);
    if (!w || c->n == 0)
        return;
    int64_t n = read_weights(alb_thumbor_unescape(c->arena, c->arg[0]), w, &sum), columns = whole(c, 1);
    if (n <= 0 || columns < 1 || columns > 15 || columns % 2 == 0 || n % columns != 0 || n / columns % 2 == 0)
        return;
    for (int64_t i = 0; !plain && fabs(sum) > 1e-9 && i < n; i++)
        w[i] = fmin(fmax(w[i] / sum, -FAR), FAR);
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_CONVOLVE);
    op->n[0] = columns;
    op->n[1] = n;
    op->weight = w;
}

typedef void filter_fn(struct call *c);
static const struct {
    const char *name;
    filter_fn *fn;
} filters[] = {
    {"background_color", background_color},
    {"blur", blur},
    {"brightness", brightness},
    {"colorize", colorize},
    {"contrast", contrast},
    {"convolution", convolution},
    {"crop", crop},
    {"curve", curve},
    {"equalize", equalize},
    {"fill", fill},
    {"grayscale", grayscale},
    {"hue", hue},
    {"invert", invert},
    {"modulate", modulate},
    {"noise", noise},
    {"padding", padding},
    {"pixelate", pixelate},
    {"proportion", proportion},
    {"rgb", rgb},
    {"rotate", rotate},
    {"round_corner", round_corner},
    {"saturation", saturation},
    {"sharpen", sharpen},
    {"trim", trim},
};

/* ---- filters that set something ---- */

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

/* ---- all of them ---- */

/* Known, and not done here. What needs a detector of faces does nothing, as with imagor without one. */
static bool is_missing(struct alb_str name)
{
    static const char *const names[] = {"image", "watermark", "label", "text", "frame", "red_eye", "dpi"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(names); i++) {
        if (alb_str_eq_c(name, names[i]))
            return true;
    }
    return false;
}

static bool is_disabled(const struct alb_thumbor_rules *rules, struct alb_str name)
{
    for (size_t i = 0; i < rules->disabled_count; i++) {
        if (alb_str_eq(rules->disabled[i], name))
            return true;
    }
    return false;
}

static void apply(struct alb_arena *arena, struct alb_thumbor_filters *f,
                  const struct alb_thumbor_filter *filter)
{
    struct call c = {.arena = arena, .f = f, .op = &f->ops[f->count], .args = filter->args};
    struct alb_str rest = filter->args, arg;
    while (alb_thumbor_next_arg(&rest, &arg)) {
        if (c.n < ARGS_MAX)
            c.arg[c.n++] = arg;
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(filters); i++) {
        if (alb_str_eq_c(filter->name, filters[i].name)) {
            filters[i].fn(&c);
            return;
        }
    }
    if (is_missing(filter->name) && f->missing.n == 0)
        f->missing = filter->name;
}

enum alb_code alb_thumbor_filters_read(const struct alb_thumbor_rules *rules, const struct alb_thumbor_url *u,
                                       struct alb_arena *arena, struct alb_thumbor_filters *f,
                                       struct alb_err *err)
{
    memset(f, 0, sizeof(*f));
    f->ops = alb_arena_calloc(arena, u->filter_count + 1, sizeof(*f->ops));
    if (!f->ops)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for filters");
    if (u->filter_count == ALB_THUMBOR_FILTERS_MAX)
        return alb_fail(err, ALB_E_INVALID, "more than %d filters", ALB_THUMBOR_FILTERS_MAX - 1);
    for (size_t i = 0; i < u->filter_count; i++) {
        const struct alb_thumbor_filter *filter = &u->filters[i];
        if (is_disabled(rules, filter->name) || set_number(f, filter->name, filter->args) ||
            set_switch(f, filter->name) || set_format(f, filter->name, filter->args) ||
            set_http(f, arena, filter->name, filter->args))
            continue;
        if (rules->max_ops <= 0 || (int64_t)i < rules->max_ops)
            apply(arena, f, filter);
    }
    return alb_arena_code(arena) == ALB_OK ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for filters");
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
