/* SPDX-License-Identifier: Apache-2.0
 *
 * From a path to a value (contract: url.h). Each part takes its token off the front of what is left, or leaves it.
 */
#include "doors/thumbor/url.h"

#include <string.h>

#include "doors/thumbor/words.h"

#define FAR 1e15 /* no picture is larger; and nothing of one is smaller than: */
#define NEAR 1e-30

/* ---- line breaks ---- */

/* How many bytes of `s`, which begins with one, end a line; 0: none. */
static size_t line_break(struct alb_str s)
{
    unsigned char a = (unsigned char)s.p[0];
    if (a >= '\n' && a <= '\r')
        return 1;
    if (a == 0xc2 && s.n > 1 && (unsigned char)s.p[1] == 0x85)
        return 2;
    if (a == 0xe2 && s.n > 2 && (unsigned char)s.p[1] == 0x80 &&
        ((unsigned char)s.p[2] == 0xa8 || (unsigned char)s.p[2] == 0xa9))
        return 3;
    return 0;
}

struct alb_str alb_thumbor_url_clean(struct alb_arena *arena, struct alb_str path)
{
    size_t at = 0, n = 0;
    while (at < path.n && line_break(alb_str_from(path, at)) == 0)
        at++;
    if (at == path.n)
        return path;
    char *room = alb_arena_alloc(arena, path.n);
    for (at = 0; room && at < path.n;) {
        size_t skip = line_break(alb_str_from(path, at));
        if (skip == 0)
            room[n++] = path.p[at++];
        at += skip;
    }
    return alb_str_n(room, n);
}

/* ---- tokens ---- */

static void skip_slashes(struct alb_str *rest)
{
    while (rest->n > 0 && rest->p[0] == '/')
        *rest = alb_str_from(*rest, 1);
}

/* The first segment, which a "/" must follow. */
static bool segment(struct alb_str rest, struct alb_str *piece, struct alb_str *behind)
{
    return alb_str_cut(rest, '/', piece, behind);
}

static bool take(struct alb_str *rest, const char *word)
{
    struct alb_str piece, behind;
    if (!segment(*rest, &piece, &behind) || !alb_str_eq_c(piece, word))
        return false;
    *rest = behind;
    return true;
}

static size_t digits(struct alb_str s)
{
    size_t n = 0;
    while (n < s.n && alb_is_digit(s.p[n]))
        n++;
    return n;
}

static bool is_hash(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = alb_lower(s.p[i]);
        if (!alb_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_' && c != '=')
            return false;
    }
    return s.n >= ALB_THUMBOR_HASH_MIN && !alb_str_eq_c(s, "adaptive-full-fit-in");
}

/* ---- the parts, in their order ---- */

static void take_hash(struct alb_thumbor_url *u, struct alb_str *rest)
{
    struct alb_str piece, behind;
    if (take(rest, "params"))
        u->params = true;
    if (take(rest, "unsafe")) {
        u->is_unsafe = true;
    } else if (segment(*rest, &piece, &behind) && is_hash(piece)) {
        u->hash = piece;
        *rest = behind;
    }
}

/* "trim", "trim:bottom-right", "trim:50", "trim:top-left:50". */
static void take_trim(struct alb_thumbor_url *u, struct alb_str *rest)
{
    struct alb_str piece, behind, word, more;
    bool last = false;
    int64_t tolerance = 0;
    if (!segment(*rest, &piece, &behind) || !alb_str_starts(piece, ALB_STR("trim")))
        return;
    piece = alb_str_from(piece, 4);
    if (piece.n > 0 && piece.p[0] != ':')
        return;
    (void)alb_str_cut(alb_str_from(piece, 1), ':', &word, &more);
    if (alb_str_eq_c(word, "top-left") || alb_str_eq_c(word, "bottom-right")) {
        last = word.p[0] == 'b';
        piece = alb_str_from(piece, 1 + word.n);
    }
    if (piece.n > 0) {
        piece = alb_str_from(piece, 1);
        if (piece.n == 0 || digits(piece) != piece.n)
            return;
        tolerance = alb_thumbor_int(piece);
    }
    u->trim = true;
    u->trim_last = last;
    u->trim_tolerance = tolerance;
    *rest = behind;
}

/* A whole number, or one below 1 (`one`: below 2) with a point. */
static bool edge(struct alb_str s, bool one, double *out)
{
    struct alb_str whole = s;
    if (s.n > 1 && (s.p[0] == '0' || (one && s.p[0] == '1')) && s.p[1] == '.')
        s = alb_str_from(s, 2);
    else if (s.n > 0 && s.p[0] == '.')
        s = alb_str_from(s, 1);
    *out = alb_thumbor_float(whole);
    *out = *out > FAR ? FAR : *out < NEAR ? 0 : *out;
    return s.n > 0 && digits(s) == s.n;
}

static void take_crop(struct alb_thumbor_url *u, struct alb_str *rest)
{
    struct alb_str piece, behind, corner[2], part[4];
    double v[4];
    if (!segment(*rest, &piece, &behind) || !alb_str_cut(piece, ':', &corner[0], &corner[1]))
        return;
    for (size_t i = 0; i < 2; i++) {
        if (!alb_str_cut(corner[i], 'x', &part[2 * i], &part[2 * i + 1]))
            return;
    }
    for (size_t i = 0; i < 4; i++) {
        if (!edge(part[i], i >= 2, &v[i]))
            return;
    }
    memcpy(u->crop, v, sizeof(v));
    *rest = behind;
}

static void take_fit(struct alb_thumbor_url *u, struct alb_str *rest)
{
    if (take(rest, "adaptive-full-fit-in"))
        u->fit_in = u->adaptive = u->full = true;
    else if (take(rest, "adaptive-fit-in"))
        u->fit_in = u->adaptive = true;
    else if (take(rest, "full-fit-in"))
        u->fit_in = u->full = true;
    else if (take(rest, "fit-in"))
        u->fit_in = true;
    if (take(rest, "stretch"))
        u->stretch = true;
}

/* "-300", "", "orig"; false: none of these. */
static bool side(struct alb_str s, bool *flip, int64_t *pixels, bool *orig)
{
    *flip = s.n > 0 && s.p[0] == '-';
    if (*flip)
        s = alb_str_from(s, 1);
    *orig = alb_str_eq_c(s, "orig");
    *pixels = *orig ? 0 : alb_thumbor_int(s);
    return *orig || digits(s) == s.n;
}

static void take_size(struct alb_thumbor_url *u, struct alb_str *rest)
{
    struct alb_str piece, behind, w, h;
    bool flip_h, flip_v, orig_w, orig_h;
    int64_t width, height;
    /* of "origxorig" the first x is the one */
    if (!segment(*rest, &piece, &behind) || !alb_str_cut(piece, 'x', &w, &h) ||
        !side(w, &flip_h, &width, &orig_w) || !side(h, &flip_v, &height, &orig_h))
        return;
    u->width = width;
    u->height = height;
    u->flip_h = flip_h;
    u->flip_v = flip_v;
    u->orig_width = orig_w;
    u->orig_height = orig_h;
    *rest = behind;
}

static bool pair(struct alb_str s, int64_t v[2])
{
    struct alb_str a, b;
    if (!alb_str_cut(s, 'x', &a, &b) || a.n == 0 || b.n == 0 || digits(a) != a.n || digits(b) != b.n)
        return false;
    v[0] = alb_thumbor_int(a);
    v[1] = alb_thumbor_int(b);
    return true;
}

static void take_padding(struct alb_thumbor_url *u, struct alb_str *rest)
{
    struct alb_str piece, behind, near, far;
    int64_t v[4];
    if (!segment(*rest, &piece, &behind))
        return;
    bool both = alb_str_cut(piece, ':', &near, &far);
    if (!pair(near, v))
        return;
    v[2] = v[0];
    v[3] = v[1];
    if (both && !pair(far, v + 2))
        return;
    memcpy(u->padding, v, sizeof(v));
    *rest = behind;
}

static void take_place(struct alb_thumbor_url *u, struct alb_str *rest)
{
    static const struct {
        const char *word;
        enum alb_thumbor_align align;
    } across[] = {{"left", ALB_THUMBOR_ALIGN_START},
                  {"right", ALB_THUMBOR_ALIGN_END},
                  {"center", ALB_THUMBOR_ALIGN_MIDDLE}},
      down[] = {{"top", ALB_THUMBOR_ALIGN_START},
                {"bottom", ALB_THUMBOR_ALIGN_END},
                {"middle", ALB_THUMBOR_ALIGN_MIDDLE}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(across); i++) {
        if (!take(rest, across[i].word))
            continue;
        u->halign = across[i].align;
        break;
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(down); i++) {
        if (!take(rest, down[i].word))
            continue;
        u->valign = down[i].align;
        break;
    }
    if (take(rest, "smart"))
        u->smart = true;
}

/* ---- filters ---- */

struct filters {
    struct alb_thumbor_filter *list;
    size_t count;
};

static void keep(struct filters *f, struct alb_str name, struct alb_str args)
{
    if (f->count < ALB_THUMBOR_FILTERS_MAX)
        f->list[f->count++] = (struct alb_thumbor_filter){name, args};
}

/* What is read between two ":". */
struct chunk {
    struct alb_str name, args;
    size_t from; /* of the text that is being read */
    int64_t depth;
};

static void parenthesis(struct chunk *c, struct alb_str text, size_t at)
{
    struct alb_str read = alb_str_sub(text, c->from, at - c->from);
    bool opens = text.p[at] == '(';
    if (opens && c->depth == 0) {
        c->name = read;
        c->from = at + 1;
    } else if (!opens && c->depth == 1) {
        c->args = read;
        c->from = at + 1;
    }
    c->depth += opens ? 1 : -1;
}

/* From behind "filters:"; gives back what is behind the "/" that ends them. */
static struct alb_str read_filters(struct filters *f, struct alb_str text)
{
    struct chunk c = {ALB_STR_NONE, ALB_STR_NONE, 0, 0};
    struct alb_str image = ALB_STR_NONE;
    for (size_t at = 0; at < text.n; at++) {
        char ch = text.p[at];
        if (ch == '(' || ch == ')') {
            parenthesis(&c, text, at);
        } else if (ch == ':' && c.depth == 0) {
            keep(f, c.name, c.args);
            c = (struct chunk){ALB_STR_NONE, ALB_STR_NONE, at + 1, 0};
        } else if (ch == '/' && c.depth == 0) {
            image = alb_str_from(text, at + 1);
            break;
        }
    }
    if (c.name.n > 0)
        keep(f, c.name, c.args);
    return image;
}

static bool take_filters(struct alb_thumbor_url *u, struct alb_arena *arena, struct alb_str *rest)
{
    struct filters f = {NULL, 0};
    if (!alb_str_starts(*rest, ALB_STR("filters:")))
        return true;
    f.list = alb_arena_calloc(arena, ALB_THUMBOR_FILTERS_MAX, sizeof(*f.list));
    if (!f.list)
        return false;
    for (size_t i = 0; i < u->filter_count; i++)
        keep(&f, u->filters[i].name, u->filters[i].args);
    *rest = read_filters(&f, alb_str_from(*rest, 8));
    u->filters = f.list;
    u->filter_count = f.count;
    return true;
}

static bool take_image(struct alb_thumbor_url *u, struct alb_arena *arena, struct alb_str rest)
{
    bool is_base64;
    if (rest.n == 0)
        return true;
    struct alb_str image = alb_thumbor_unescape(arena, rest);
    image = alb_thumbor_debase64(arena, image, &is_base64);
    u->is_base64 = u->is_base64 || is_base64;
    u->image = image;
    return image.p != NULL;
}

bool alb_thumbor_url_apply(struct alb_thumbor_url *u, struct alb_arena *arena, struct alb_str path)
{
    struct alb_str rest = alb_thumbor_url_clean(arena, path);
    if (path.n > 0 && !rest.p)
        return false;
    skip_slashes(&rest);
    take_hash(u, &rest);
    u->path = rest;
    skip_slashes(&rest);
    if (take(&rest, "debug"))
        u->debug = true;
    if (take(&rest, "meta"))
        u->meta = true;
    take_trim(u, &rest);
    take_crop(u, &rest);
    take_fit(u, &rest);
    take_size(u, &rest);
    take_padding(u, &rest);
    take_place(u, &rest);
    return take_filters(u, arena, &rest) && take_image(u, arena, rest);
}

struct alb_str alb_thumbor_url_label(struct alb_arena *arena, struct alb_str path, bool is_decoded)
{
    if (!is_decoded)
        path = alb_thumbor_url_clean(arena, alb_thumbor_unescape(arena, path));
    if (path.n == 0)
        return ALB_STR_NONE;
    return alb_arena_printf(arena, "u:" ALB_STR_FMT, ALB_STR_ARG(path));
}

bool alb_thumbor_next_arg(struct alb_str *rest, struct alb_str *arg)
{
    int64_t depth = 0;
    size_t n = 0;
    if (!rest->p || rest->n == 0)
        return false;
    for (; n < rest->n; n++) {
        char c = rest->p[n];
        if (c == ',' && depth == 0)
            break;
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    }
    *arg = alb_str_sub(*rest, 0, n);
    *rest = n < rest->n ? alb_str_from(*rest, n + 1) : ALB_STR_NONE;
    return true;
}
