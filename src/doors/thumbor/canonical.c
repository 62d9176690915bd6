/* SPDX-License-Identifier: Apache-2.0
 *
 * From a value to its canonical path (contract: url.h): what imagor stores results under, so that a folder of its
 * results is used as it is.
 */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "doors/thumbor/url.h"

#define CANONICAL_MAX (4 * ALB_THUMBOR_PATH_MAX)

static void part(struct alb_buf *b, const char *text)
{
    if (b->n > 0)
        alb_buf_char(b, '/');
    alb_buf_c(b, text);
}

static void put_trim(struct alb_buf *b, const struct alb_thumbor_url *u)
{
    if (!u->trim)
        return;
    part(b, u->trim_last ? "trim:bottom-right" : "trim");
    if (u->trim_tolerance > 0) {
        alb_buf_char(b, ':');
        alb_buf_i64(b, u->trim_tolerance);
    }
}

/* The shortest decimals that read back to the same number, without an exponent. */
static void put_number(struct alb_buf *b, double v)
{
    char text[96];
    int digits = 0;
    double back = -1;
    do { /* grammar: only what is below 2 has decimals, of any length */
        (void)snprintf(text, sizeof(text), "%.*f", digits, v);
        if (!alb_str_double(alb_str_c(text), &back))
            back = v;
    } while ((back < v || back > v) && ++digits < 48);
    alb_buf_c(b, text);
}

static void put_crop(struct alb_buf *b, const struct alb_thumbor_url *u)
{
    static const char behind[] = "x:x";
    if (!alb_thumbor_url_crops(u))
        return;
    part(b, "");
    for (size_t i = 0; i < 4; i++) {
        put_number(b, u->crop[i]);
        if (i < 3)
            alb_buf_char(b, behind[i]);
    }
}

static void put_side(struct alb_buf *b, bool flip, int64_t pixels, bool orig)
{
    if (flip)
        alb_buf_char(b, '-');
    if (orig)
        alb_buf_c(b, "orig");
    else
        alb_buf_i64(b, pixels);
}

static void put_size(struct alb_buf *b, const struct alb_thumbor_url *u)
{
    const int64_t *p = u->padding;
    bool padded = p[0] > 0 || p[1] > 0 || p[2] > 0 || p[3] > 0;
    if (u->flip_h || u->flip_v || u->width > 0 || u->height > 0 || u->orig_width || u->orig_height ||
        p[0] > 0 || p[1] > 0) {
        part(b, "");
        put_side(b, u->flip_h, u->width, u->orig_width);
        alb_buf_char(b, 'x');
        put_side(b, u->flip_v, u->height, u->orig_height);
    }
    if (!padded)
        return;
    part(b, "");
    alb_buf_printf(b, "%lldx%lld", (long long)p[0], (long long)p[1]);
    if (p[0] != p[2] || p[1] != p[3])
        alb_buf_printf(b, ":%lldx%lld", (long long)p[2], (long long)p[3]);
}

static void put_place(struct alb_buf *b, const struct alb_thumbor_url *u)
{
    if (u->halign == ALB_THUMBOR_ALIGN_START)
        part(b, "left");
    else if (u->halign == ALB_THUMBOR_ALIGN_END)
        part(b, "right");
    if (u->valign == ALB_THUMBOR_ALIGN_START)
        part(b, "top");
    else if (u->valign == ALB_THUMBOR_ALIGN_END)
        part(b, "bottom");
    if (u->smart)
        part(b, "smart");
}

static void put_filters(struct alb_buf *b, const struct alb_thumbor_url *u)
{
    for (size_t i = 0; i < u->filter_count; i++) {
        if (i == 0)
            part(b, "filters");
        alb_buf_char(b, ':');
        alb_buf_str(b, u->filters[i].name);
        alb_buf_char(b, '(');
        alb_buf_str(b, u->filters[i].args);
        alb_buf_char(b, ')');
    }
}

/* ---- the image ---- */

static bool needs_escape(struct alb_str image)
{
    static const char *const words[] = {"trim/", "debug/", "meta/",   "fit-in/", "stretch/", "top/",
                                        "left/", "right/", "bottom/", "center/", "smart/"};
    for (size_t i = 0; i < image.n; i++) {
        if (memchr("?(),", image.p[i], 4))
            return true;
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(words); i++) {
        if (alb_str_starts(image, alb_str_c(words[i])))
            return true;
    }
    return false;
}

/* As one segment of a path (Go's PathEscape). */
static void put_escaped(struct alb_buf *b, struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char l = alb_lower((char)c);
        bool plain = alb_is_digit((char)c) || (l >= 'a' && l <= 'z') || (c != 0 && strchr("-_.~$&+=:@", c));
        if (plain)
            alb_buf_char(b, (char)c);
        else
            alb_buf_printf(b, "%%%02X", c);
    }
}

struct alb_str alb_thumbor_url_canonical(struct alb_arena *arena, const struct alb_thumbor_url *u)
{
    struct alb_buf b = ALB_BUF_INIT(CANONICAL_MAX);
    struct alb_str out = ALB_STR_NONE;
    if (u->debug)
        part(&b, "debug");
    if (u->meta)
        part(&b, "meta");
    put_trim(&b, u);
    put_crop(&b, u);
    if (u->fit_in)
        part(&b, u->adaptive ? (u->full ? "adaptive-full-fit-in" : "adaptive-fit-in")
                             : (u->full ? "full-fit-in" : "fit-in"));
    if (u->stretch)
        part(&b, "stretch");
    put_size(&b, u);
    put_place(&b, u);
    put_filters(&b, u);
    part(&b, "");
    if (u->is_base64)
        alb_buf_c(&b, "b64:");
    if (u->is_base64)
        alb_b64_encode(&b, u->image.p, u->image.n, ALB_B64_URL);
    else if (needs_escape(u->image))
        put_escaped(&b, u->image);
    else
        alb_buf_str(&b, u->image);
    if (alb_buf_code(&b) == ALB_OK)
        out = alb_arena_str(arena, alb_buf_view(&b));
    alb_buf_fini(&b);
    return out;
}
