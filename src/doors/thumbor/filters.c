/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters by name (contract: filters.h). One function for each that is done to the picture; what is
 * set lies in filters_set.c.
 */
#include <math.h>
#include <string.h>

#include "doors/thumbor/filters_priv.h"

#define ARGS_MAX 16
#define FAR ALB_THUMBOR_FAR

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

static bool cut_prefix(struct alb_str *s, const char *a, const char *b)
{
    struct alb_str long_one = alb_str_c(a), short_one = alb_str_c(b);
    bool is_long = alb_str_starts(*s, long_one), is_short = alb_str_starts(*s, short_one);
    if (is_long || is_short)
        *s = alb_str_from(*s, is_long ? long_one.n : short_one.n);
    return is_long || is_short;
}

/* An offset behind a word leads outwards: "right-20" is 20 pixels beyond the right edge. */
static struct alb_thumbor_place read_place(struct alb_str s, bool down)
{
    struct alb_thumbor_place p = {.from = ALB_THUMBOR_START};
    struct alb_str digits = s.n > 0 && s.p[0] == '-' ? alb_str_from(s, 1) : s;
    if (cut_prefix(&s, "left-", "l-") || cut_prefix(&s, "top-", "t-")) {
        p.fixed = true;
        p.value = -(double)alb_thumbor_int(s);
    } else if (cut_prefix(&s, "right-", "r-") || cut_prefix(&s, "bottom-", "b-")) {
        p.from = ALB_THUMBOR_END;
        p.value = (double)alb_thumbor_int(s);
    } else if (alb_str_eq_c(s, "center")) {
        p.from = ALB_THUMBOR_MIDDLE;
    } else if (alb_str_eq_c(s, down ? "bottom" : "right")) {
        p.from = ALB_THUMBOR_END;
    } else if (alb_str_eq_c(s, "repeat")) {
        p.from = ALB_THUMBOR_REPEAT;
    } else if (alb_str_starts(digits, ALB_STR("0."))) {
        p.part = true;
        p.value = alb_thumbor_float(s);
    } else if (s.n > 0 && s.p[s.n - 1] == 'p') {
        p.part = true;
        p.value = (double)alb_thumbor_int(alb_str_sub(s, 0, s.n - 1)) / 100;
    } else {
        p.value = (double)alb_thumbor_int(s);
    }
    p.value = fmin(fmax(p.value, -FAR), FAR);
    return p;
}

/* In percent of the picture; "none" is all of it. */
static double percent(const struct call *c, size_t i)
{
    if (alb_str_eq_c(c->arg[i], "none"))
        return 1;
    return fmin(fmax((double)whole(c, i) / 100, 0), 1000);
}

/* watermark(image,x,y,alpha[,width %[,height %]]) */
static void watermark(struct call *c)
{
    bool is_base64;
    if (c->n == 0)
        return;
    struct alb_thumbor_op *op = done(c, ALB_THUMBOR_WATERMARK);
    op->data = alb_thumbor_debase64(c->arena, alb_thumbor_unescape(c->arena, c->arg[0]), &is_base64);
    op->at[0] = read_place(c->n > 2 ? c->arg[1] : ALB_STR_NONE, false);
    op->at[1] = read_place(c->n > 2 ? c->arg[2] : ALB_STR_NONE, true);
    op->v[0] = 1 - fmin(fmax(number(c, 3), 0), 100) / 100;
    op->v[1] = c->n > 4 ? percent(c, 4) : 0;
    op->v[2] = c->n > 5 ? percent(c, 5) : 0;
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
    {"watermark", watermark},
};

/* ---- all of them ---- */

/* Known, and not done here. What needs a detector of faces does nothing, as with imagor without one. */
static bool is_missing(struct alb_str name)
{
    static const char *const names[] = {"image", "label", "text", "frame", "red_eye", "dpi"};
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
        if (is_disabled(rules, filter->name) || alb_thumbor_filter_sets(f, arena, filter))
            continue;
        if (rules->max_ops <= 0 || (int64_t)i < rules->max_ops)
            apply(arena, f, filter);
    }
    return alb_arena_code(arena) == ALB_OK ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for filters");
}
