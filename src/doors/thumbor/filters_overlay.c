/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters that lay something over the picture: watermark(), image(), label(), text(), frame() (contract: filters.h).
 */
#include <math.h>
#include <string.h>

#include "doors/thumbor/filters_priv.h"

#define FAR ALB_THUMBOR_FAR
#define A_LITTLE 1e-7 /* 29 percent of 100 pixels are 29 of them, whatever a double makes of 0.29 */

/* ---- words that several of them have ---- */

static double percent_of(struct alb_str digits)
{
    double v = fmin(fmax((double)alb_thumbor_int(digits), -FAR), FAR);
    return (v + copysign(A_LITTLE, v)) / 100;
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
        p.value = percent_of(alb_str_sub(s, 0, s.n - 1));
    } else {
        p.value = (double)alb_thumbor_int(s);
    }
    p.value = fmin(fmax(p.value, -FAR), FAR);
    return p;
}

/* In percent of the picture; "none" is all of it. */
static double percent(const struct alb_thumbor_call *c, size_t i)
{
    if (alb_str_eq_c(c->arg[i], "none"))
        return 1;
    return fmin(fmax((double)alb_thumbor_call_whole(c, i) / 100, 0), 1000);
}

static void read_places(const struct alb_thumbor_call *c, struct alb_thumbor_op *op)
{
    op->at[0] = read_place(c->n > 1 ? c->arg[1] : ALB_STR_NONE, false);
    op->at[1] = read_place(c->n > 2 ? c->arg[2] : ALB_STR_NONE, true);
}

/* Of so many percent of transparency. */
static double opacity(const struct alb_thumbor_call *c, size_t i)
{
    return 1 - fmin(fmax(alb_thumbor_call_number(c, i), 0), 100) / 100;
}

static struct alb_str image_of(const struct alb_thumbor_call *c)
{
    bool is_base64;
    return alb_thumbor_debase64(c->arena, alb_thumbor_unescape(c->arena, c->arg[0]), &is_base64);
}

static enum alb_thumbor_blend read_blend(const struct alb_thumbor_call *c, size_t i)
{
    static const char *const names[ALB_THUMBOR_BLENDS] = {
        "normal",     "multiply",    "screen",     "overlay",    "darken",
        "lighten",    "color-dodge", "color-burn", "hard-light", "soft-light",
        "difference", "exclusion",   "add",        "mask",       "mask-out"};
    for (size_t k = 0; i < c->n && k < ALB_ARRAY_LEN(names); k++) {
        if (alb_str_eq_ci(c->arg[i], alb_str_c(names[k])))
            return (enum alb_thumbor_blend)k;
    }
    return ALB_THUMBOR_NORMAL;
}

/* ---- pictures ---- */

/* watermark(image,x,y,alpha[,width %[,height %]]) */
static void watermark(struct alb_thumbor_call *c)
{
    if (c->n == 0)
        return;
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_WATERMARK);
    op->data = image_of(c);
    op->at[0] = read_place(c->n > 2 ? c->arg[1] : ALB_STR_NONE, false);
    op->at[1] = read_place(c->n > 2 ? c->arg[2] : ALB_STR_NONE, true);
    op->v[0] = opacity(c, 3);
    op->v[1] = c->n > 4 ? percent(c, 4) : 0;
    op->v[2] = c->n > 5 ? percent(c, 5) : 0;
}

/* image(path,x,y,alpha,blend) */
static void image(struct alb_thumbor_call *c)
{
    if (c->n == 0)
        return;
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_IMAGE);
    op->data = alb_thumbor_unescape(c->arena, c->arg[0]);
    read_places(c, op);
    op->v[0] = opacity(c, 3);
    op->blend = read_blend(c, 4);
}

static void frame(struct alb_thumbor_call *c)
{
    if (c->n > 0)
        alb_thumbor_call_done(c, ALB_THUMBOR_FRAME)->data = image_of(c);
}

/* ---- texts ---- */

static void refuse(struct alb_thumbor_call *c, const char *why)
{
    c->f->wrong = c->f->wrong ? c->f->wrong : why;
}

static bool is_blank(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != ' ' && (s.p[i] < '\t' || s.p[i] > '\r'))
            return false;
    }
    return true;
}

/* No number in it is larger than letters may be. */
static bool has_large_number(struct alb_str s)
{
    uint32_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        v = s.p[i] >= '0' && s.p[i] <= '9' ? 10 * v + (uint32_t)(s.p[i] - '0') : 0;
        if (v > ALB_THUMBOR_LETTER_MAX)
            return true;
    }
    return false;
}

static bool is_text(struct alb_str s, size_t most)
{
    return s.n <= most && alb_str_is_utf8(s) && alb_str_find(s, '\0') == ALB_STR_NPOS;
}

/* "sans-bold-24"; empty: `usual`. */
static struct alb_str read_font(struct alb_thumbor_call *c, size_t i, struct alb_str usual)
{
    if (i >= c->n || c->arg[i].n == 0)
        return usual;
    struct alb_str name = alb_thumbor_unescape(c->arena, c->arg[i]);
    char *copy = alb_arena_alloc(c->arena, name.n + 1);
    if (!copy || !is_text(name, ALB_THUMBOR_FONT_MAX) || has_large_number(name)) {
        refuse(c, "a font is its name and a size of at most 2000, in UTF-8");
        return usual;
    }
    for (size_t k = 0; k < name.n; k++)
        copy[k] = name.p[k] == '-' ? ' ' : name.p[k];
    return alb_str_n(copy, name.n);
}

/* What both have; NULL: there is nothing to be shown. */
static struct alb_thumbor_op *begin_text(struct alb_thumbor_call *c, struct alb_thumbor_text **set)
{
    if (c->n == 0)
        return NULL;
    struct alb_str words = image_of(c);
    if (is_blank(words))
        return NULL;
    if (!is_text(words, ALB_THUMBOR_TEXT_MAX)) {
        refuse(c, "a text is UTF-8 and has at most 1024 bytes");
        return NULL;
    }
    *set = ALB_ARENA_NEW(c->arena, struct alb_thumbor_text);
    if (!*set)
        return NULL;
    struct alb_thumbor_op *op = alb_thumbor_call_done(c, ALB_THUMBOR_TEXT);
    op->data = words;
    op->text = *set;
    op->colour = alb_thumbor_colour(c->n > 4 ? c->arg[4] : ALB_STR("black"));
    op->v[0] = opacity(c, 5);
    read_places(c, op);
    return op;
}

/* label(text,x,y,size,colour,alpha,font) */
static void label(struct alb_thumbor_call *c)
{
    struct alb_thumbor_text *set = NULL;
    int64_t size = c->n > 3 ? alb_thumbor_call_whole(c, 3) : 20;
    if (size <= 0 || !begin_text(c, &set))
        return;
    if (size > ALB_THUMBOR_LETTER_MAX)
        refuse(c, "a label is at most 2000 pixels high");
    set->label = size;
    set->font = read_font(c, 6, ALB_STR("sans"));
}

/* "300", "80p", "0.8", "f", "full-20" */
static void read_width(struct alb_thumbor_text *set, struct alb_str s)
{
    struct alb_str rest = s;
    if (alb_str_starts(s, ALB_STR("full")))
        rest = alb_str_from(s, 4);
    else if (alb_str_starts(s, ALB_STR("f")))
        rest = alb_str_from(s, 1);
    if (rest.n < s.n) {
        set->share = 1;
        set->more = rest.n > 0 && rest.p[0] == '-' ? alb_thumbor_int(rest) : 0;
    } else if (s.n > 0 && s.p[s.n - 1] == 'p') {
        set->share = fmax(percent_of(alb_str_sub(s, 0, s.n - 1)), 0);
    } else if (alb_str_starts(s, ALB_STR("0."))) {
        set->share = fmax(alb_thumbor_float(s), 0);
    } else {
        set->more = alb_thumbor_int(s);
    }
    set->share = fmin(set->share, 100);
    set->more = set->more > (int64_t)FAR    ? (int64_t)FAR
                : set->more < -(int64_t)FAR ? -(int64_t)FAR
                                            : set->more;
}

static enum alb_thumbor_text_align read_text_align(struct alb_str s)
{
    if (alb_str_eq_ci(s, ALB_STR("centre")) || alb_str_eq_ci(s, ALB_STR("center")))
        return ALB_THUMBOR_CENTRE;
    return alb_str_eq_ci(s, ALB_STR("high")) || alb_str_eq_ci(s, ALB_STR("right")) ? ALB_THUMBOR_HIGH
                                                                                   : ALB_THUMBOR_LOW;
}

static enum alb_thumbor_wrap read_wrap(struct alb_str s)
{
    if (alb_str_eq_ci(s, ALB_STR("char")))
        return ALB_THUMBOR_CHAR;
    if (alb_str_eq_ci(s, ALB_STR("wordchar")) || alb_str_eq_ci(s, ALB_STR("word_char")))
        return ALB_THUMBOR_WORD_CHAR;
    return alb_str_eq_ci(s, ALB_STR("none")) ? ALB_THUMBOR_NO_WRAP : ALB_THUMBOR_WORD;
}

static int64_t up_to(int64_t v, int64_t most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

/* text(text,x,y,font,colour,alpha,blend,width,align,justify,wrap,spacing,dpi) */
static void text(struct alb_thumbor_call *c)
{
    struct alb_thumbor_text *set = NULL;
    struct alb_thumbor_op *op = begin_text(c, &set);
    if (!op)
        return;
    op->blend = read_blend(c, 6);
    set->font = read_font(c, 3, ALB_STR("sans 20"));
    if (c->n > 7)
        read_width(set, c->arg[7]);
    set->align = read_text_align(c->n > 8 ? c->arg[8] : ALB_STR_NONE);
    set->justify = alb_thumbor_call_true(c, 9);
    set->wrap = read_wrap(c->n > 10 ? c->arg[10] : ALB_STR_NONE);
    set->spacing = up_to(alb_thumbor_call_whole(c, 11), ALB_THUMBOR_LETTER_MAX);
    set->dpi = up_to(alb_thumbor_call_whole(c, 12), ALB_THUMBOR_DPI_MAX);
}

bool alb_thumbor_filter_lays(struct alb_thumbor_call *c, struct alb_str name)
{
    static const struct {
        const char *name;
        void (*fn)(struct alb_thumbor_call *c);
    } filters[] = {
        {"frame", frame}, {"image", image}, {"label", label}, {"text", text}, {"watermark", watermark}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(filters); i++) {
        if (!alb_str_eq_c(name, filters[i].name))
            continue;
        filters[i].fn(c);
        return true;
    }
    return false;
}
