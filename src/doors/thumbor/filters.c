/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters by name (contract: filters.h). One function for each that is done to the picture; what is laid over it
 * lies in filters_overlay.c, what is set in filters_set.c.
 */
#include <math.h>
#include <string.h>

#include "doors/thumbor/filters_priv.h"

#define FAR ALB_THUMBOR_FAR

/* ---- arguments ---- */

double alb_thumbor_call_number(const struct alb_thumbor_call *c, size_t i)
{
    double v = i < c->n ? alb_thumbor_float(c->arg[i]) : 0;
    return fmin(fmax(v, -FAR), FAR);
}

int64_t alb_thumbor_call_whole(const struct alb_thumbor_call *c, size_t i)
{
    int64_t v = i < c->n ? alb_thumbor_int(c->arg[i]) : 0;
    return v > (int64_t)FAR ? (int64_t)FAR : v < -(int64_t)FAR ? -(int64_t)FAR : v;
}

bool alb_thumbor_call_true(const struct alb_thumbor_call *c, size_t i)
{
    return i < c->n && (alb_str_eq_c(c->arg[i], "1") || alb_str_eq_ci(c->arg[i], ALB_STR("true")));
}

struct alb_thumbor_op *alb_thumbor_call_done(struct alb_thumbor_call *c, enum alb_thumbor_op_kind kind)
{
    struct alb_thumbor_op *op = c->op;
    op->kind = kind;
    c->f->count++;
    return op;
}

static void linear(struct alb_thumbor_call *c, double factor, double r, double g, double b)
{
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_LINEAR);
    op->v[0] = op->v[1] = op->v[2] = factor;
    op->v[3] = r;
    op->v[4] = g;
    op->v[5] = b;
}

/* ---- filters that work on the picture ---- */

static void background_color(struct alb_thumbor_call *c)
{
    if (c->n > 0)
        alb_thumbor_call_done(c, ALB_THUMBOR_BACKGROUND)->colour = alb_thumbor_colour(c->arg[0]);
}

static void fill(struct alb_thumbor_call *c)
{
    alb_thumbor_call_done(c, ALB_THUMBOR_FILL)->colour = alb_thumbor_colour(c->args);
}

/* 2 arguments: all sides; 3: left and right, top and bottom; a fourth one alone does not count. */
static void padding(struct alb_thumbor_call *c)
{
    if (c->n < 2)
        return;
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_PADDING);
    op->colour = alb_thumbor_colour(c->arg[0]);
    op->n[0] = op->n[2] = alb_thumbor_call_whole(c, 1);
    op->n[1] = op->n[3] = c->n > 2 ? alb_thumbor_call_whole(c, 2) : op->n[0];
    if (c->n > 4) {
        op->n[2] = alb_thumbor_call_whole(c, 3);
        op->n[3] = alb_thumbor_call_whole(c, 4);
    }
}

static void blur(struct alb_thumbor_call *c)
{
    double sigma = c->n == 2   ? alb_thumbor_call_number(c, 1)
                   : c->n == 1 ? alb_thumbor_call_number(c, 0) / 2
                               : 0;
    if (sigma > 0)
        alb_thumbor_call_done(c, ALB_THUMBOR_BLUR)->v[0] = fmin(sigma, 1000);
}

static void sharpen(struct alb_thumbor_call *c)
{
    double sigma = 1 + 2 * (c->n >= 2 && c->n <= 3 ? alb_thumbor_call_number(c, 1)
                            : c->n == 1            ? alb_thumbor_call_number(c, 0)
                                                   : 0);
    if (sigma > 0)
        alb_thumbor_call_done(c, ALB_THUMBOR_SHARPEN)->v[0] = fmin(sigma, 10); /* as far as libvips goes */
}

static void brightness(struct alb_thumbor_call *c)
{
    double by = alb_thumbor_call_number(c, 0) * 255 / 100;
    if (c->n > 0)
        linear(c, 1, by, by, by);
}

static void contrast(struct alb_thumbor_call *c)
{
    double a = fmin(fmax(alb_thumbor_call_number(c, 0) * 255 / 100, -255), 255),
           f = 259 * (a + 255) / (255 * (259 - a));
    if (c->n > 0)
        linear(c, f, 128 - 128 * f, 128 - 128 * f, 128 - 128 * f);
}

static void rgb(struct alb_thumbor_call *c)
{
    if (c->n == 3)
        linear(c, 1, alb_thumbor_call_number(c, 0) * 255 / 100, alb_thumbor_call_number(c, 1) * 255 / 100,
               alb_thumbor_call_number(c, 2) * 255 / 100);
}

static void invert(struct alb_thumbor_call *c)
{
    linear(c, -1, 255, 255, 255);
}

/* thumbor: colorize(red %, green %, blue %, RRGGBB). */
static void colorize(struct alb_thumbor_call *c)
{
    if (c->n < 4)
        return;
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_LINEAR);
    uint32_t to = alb_thumbor_colour(c->arg[3]).rgb;
    for (size_t i = 0; i < 3; i++) {
        double share = fmin(fmax(alb_thumbor_call_number(c, i) / 100, 0), 1);
        op->v[i] = 1 - share;
        op->v[3 + i] = share * (to >> (16 - 8 * i) & 0xff);
    }
}

static void grayscale(struct alb_thumbor_call *c)
{
    (void)alb_thumbor_call_done(c, ALB_THUMBOR_GREY);
}

static void set_modulate(struct alb_thumbor_call *c, double light, double chroma, double hue)
{
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_MODULATE);
    op->v[0] = light;
    op->v[1] = chroma;
    op->v[2] = hue;
}

static void hue(struct alb_thumbor_call *c)
{
    if (c->n > 0)
        set_modulate(c, 1, 1, alb_thumbor_call_number(c, 0));
}

static void saturation(struct alb_thumbor_call *c)
{
    if (c->n > 0)
        set_modulate(c, 1, 1 + alb_thumbor_call_number(c, 0) / 100, 0);
}

static void modulate(struct alb_thumbor_call *c)
{
    if (c->n == 3)
        set_modulate(c, 1 + alb_thumbor_call_number(c, 0) / 100, 1 + alb_thumbor_call_number(c, 1) / 100,
                     alb_thumbor_call_number(c, 2));
}

static void rotate(struct alb_thumbor_call *c)
{
    int64_t angle = alb_thumbor_call_whole(c, 0);
    if (angle == 90 || angle == 180 || angle == 270)
        alb_thumbor_call_done(c, ALB_THUMBOR_ROTATE)->n[0] = angle;
}

static void proportion(struct alb_thumbor_call *c)
{
    double share = fmin(alb_thumbor_call_number(c, 0), 100);
    if (share > 0)
        alb_thumbor_call_done(c, ALB_THUMBOR_PROPORTION)->v[0] = share > 1 ? share / 100 : share;
}

static void crop(struct alb_thumbor_call *c)
{
    if (c->n < 4 || !(alb_thumbor_call_number(c, 2) > 0) || !(alb_thumbor_call_number(c, 3) > 0))
        return;
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_CROP);
    for (size_t i = 0; i < 4; i++)
        op->v[i] = fmax(alb_thumbor_call_number(c, i), 0);
}

static void trim(struct alb_thumbor_call *c)
{
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_TRIM);
    op->n[0] = alb_thumbor_call_whole(c, 0);
    op->last = c->n > 1 && alb_str_eq_c(c->arg[1], "bottom-right");
}

static void pixelate(struct alb_thumbor_call *c)
{
    int64_t side = alb_thumbor_call_whole(c, 0);
    side = side > 0 ? side : 10;
    if (side > 1)
        alb_thumbor_call_done(c, ALB_THUMBOR_PIXELATE)->n[0] = side < 100000 ? side : 100000;
}

static double radius(int64_t v)
{
    return fmin(fmax((double)v, 0), 100000);
}

/* Arguments 1 to 3 as a colour. */
static uint32_t three_bytes(const struct alb_thumbor_call *c)
{
    uint32_t rgb = 0;
    for (size_t i = 1; i < 4; i++) {
        int64_t v = alb_thumbor_call_whole(c, i);
        rgb = rgb << 8 | (uint32_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    return rgb;
}

/* imagor's rx[,ry[,colour]], and thumbor's rx|ry,red,green,blue[,transparent]. */
static void round_corner(struct alb_thumbor_call *c)
{
    struct alb_str first, second;
    if (c->n == 0)
        return;
    bool both = alb_str_cut(alb_thumbor_unescape(c->arena, c->arg[0]), '|', &first, &second);
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_ROUND);
    op->v[0] = op->v[1] = radius(alb_thumbor_int(first));
    if (both || c->n >= 4) {
        op->v[1] = both ? radius(alb_thumbor_int(second)) : op->v[0];
        op->last = c->n >= 4 && !alb_thumbor_call_true(c, 4);
        op->colour.rgb = op->last ? three_bytes(c) : 0;
        return;
    }
    if (c->n > 1)
        op->v[1] = radius(alb_thumbor_call_whole(c, 1));
    op->last = c->n == 3;
    if (op->last)
        op->colour = alb_thumbor_colour(c->arg[2]);
}

static void noise(struct alb_thumbor_call *c)
{
    int64_t amount = alb_thumbor_call_whole(c, 0);
    if (amount <= 0)
        return;
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_NOISE);
    op->n[0] = amount < 1000 ? amount : 1000;
    op->n[1] = alb_thumbor_call_whole(c, 1) % 100000;
}

static void equalize(struct alb_thumbor_call *c)
{
    (void)alb_thumbor_call_done(c, ALB_THUMBOR_EQUALIZE);
}

static void curve(struct alb_thumbor_call *c)
{
    if (alb_thumbor_curve(c->arena, c->args, &c->op->data))
        (void)alb_thumbor_call_done(c, ALB_THUMBOR_CURVE);
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
static void convolution(struct alb_thumbor_call *c)
{
    double *w = alb_arena_calloc(c->arena, ALB_THUMBOR_WEIGHTS_MAX, sizeof(*w)), sum;
    bool plain = c->n > 2 && !alb_thumbor_call_true(c, 2);
    if (!w || c->n == 0)
        return;
    int64_t n = read_weights(alb_thumbor_unescape(c->arena, c->arg[0]), w, &sum),
            columns = alb_thumbor_call_whole(c, 1);
    if (n <= 0 || columns < 1 || columns > 15 || columns % 2 == 0 || n % columns != 0 || n / columns % 2 == 0)
        return;
    for (int64_t i = 0; !plain && fabs(sum) > 1e-9 && i < n; i++)
        w[i] = fmin(fmax(w[i] / sum, -FAR), FAR);
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_CONVOLVE);
    op->n[0] = columns;
    op->n[1] = n;
    op->weight = w;
}

static void red_eye(struct alb_thumbor_call *c)
{
    (void)alb_thumbor_call_done(c, ALB_THUMBOR_RED_EYE);
}

typedef void filter_fn(struct alb_thumbor_call *c);
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
    {"red_eye", red_eye},
    {"rgb", rgb},
    {"rotate", rotate},
    {"round_corner", round_corner},
    {"saturation", saturation},
    {"sharpen", sharpen},
    {"trim", trim},
};

/* ---- all of them ---- */

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
    struct alb_thumbor_call c = {.arena = arena, .f = f, .op = &f->ops[f->count], .args = filter->args};
    struct alb_str rest = filter->args, arg;
    while (alb_thumbor_next_arg(&rest, &arg)) {
        if (c.n < ALB_THUMBOR_ARGS_MAX)
            c.arg[c.n++] = arg;
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(filters); i++) {
        if (alb_str_eq_c(filter->name, filters[i].name)) {
            filters[i].fn(&c);
            return;
        }
    }
    (void)alb_thumbor_filter_lays(&c, filter->name);
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
        if (is_disabled(rules, filter->name) || alb_thumbor_filter_sets(f, arena, filter))
            continue;
        if (rules->max_ops <= 0 || (int64_t)i < rules->max_ops)
            apply(arena, f, filter);
        if (f->wrong && !f->wrong_name.p)
            f->wrong_name = filter->name;
    }
    if (f->wrong)
        return alb_fail(err, ALB_E_INVALID, ALB_STR_FMT "(): %s", ALB_STR_ARG(f->wrong_name), f->wrong);
    return alb_arena_code(arena) == ALB_OK ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for filters");
}
