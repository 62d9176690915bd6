/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of what is read, of limits and of the answer (rows: options_table.c).
 */
#include <math.h>
#include <string.h>

#include "base/codec.h"
#include "doors/imgproxy/options_priv.h"

#define TILES_MAX 1000
#define TILE_SIDE_MAX 16384

static enum alb_imgproxy_refusal security(struct alb_imgproxy_option *o, bool allowed, const char *variable)
{
    if (allowed)
        return ALB_IMGPROXY_FINE;
    return alb_imgproxy_refuse(o->parser->err, ALB_IMGPROXY_SECURITY_OPTION, "%s needs %s=true",
                               o->row->name[0], variable);
}

enum alb_imgproxy_refusal alb_imgproxy_take_learning(struct alb_imgproxy_option *o)
{
    return alb_imgproxy_refuse(o->parser->err, ALB_IMGPROXY_BAD_URL,
                               "%s: object detection and machine learning are no part of albumen",
                               o->row->name[0]);
}

/* ---- video ---- */

/* width:height:extend:trim:fill:x:y from argument 3 on. */
static enum alb_imgproxy_refusal take_tile(struct alb_imgproxy_option *o, struct alb_imgproxy_tiles *t)
{
    bool *const flags[] = {&t->extend, &t->trim, &t->fill};

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 3, 1, TILE_SIDE_MAX, &t->width));
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 4, 1, TILE_SIDE_MAX, &t->height));
    for (size_t i = 0; i < 3; i++) {
        if (alb_imgproxy_has(o, 5 + i))
            ALB_IMGPROXY_TRY(alb_imgproxy_arg_bool(o, 5 + i, flags[i]));
    }
    if (alb_imgproxy_has(o, 8))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 8, 0, 1, &t->focus_x));
    return alb_imgproxy_has(o, 9) ? alb_imgproxy_arg_float(o, 9, 0, 1, &t->focus_y) : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_video_tile(struct alb_imgproxy_option *o)
{
    struct alb_imgproxy_tiles t = {.focus_x = 0.5, .focus_y = 0.5};

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, -HUGE_VAL, HUGE_VAL, &t.step));
    if (t.step < 0 || t.step > 0) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 1, 1, TILES_MAX, &t.columns));
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 2, 1, TILES_MAX, &t.rows));
        ALB_IMGPROXY_TRY(take_tile(o, &t));
    }
    o->request->video_tile = t;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_video_animation(struct alb_imgproxy_option *o)
{
    struct alb_imgproxy_tiles t = {.rows = 1, .focus_x = 0.5, .focus_y = 0.5};

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, -HUGE_VAL, HUGE_VAL, &t.step));
    if (t.step < 0 || t.step > 0) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 1, 1, 60000, &t.delay));
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 2, 1, TILES_MAX, &t.columns));
        ALB_IMGPROXY_TRY(take_tile(o, &t));
    }
    o->request->video_animation = t;
    return ALB_IMGPROXY_FINE;
}

/* ---- sources ---- */

enum alb_imgproxy_refusal alb_imgproxy_take_fallback(struct alb_imgproxy_option *o)
{
    struct alb_str url = ALB_STR_NONE;

    o->request->fallback = (struct alb_imgproxy_source){.url = ALB_STR_NONE};
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_base64(o, 0, ALB_IMGPROXY_SOURCE_MAX, &url));
    if (url.n == 0)
        return ALB_IMGPROXY_FINE;
    return alb_imgproxy_source_of(o->parser->config, o->parser->arena, url,
                                  o->parser->config->fallback_preprocess, &o->request->fallback,
                                  o->parser->err);
}

enum alb_imgproxy_refusal alb_imgproxy_take_skip(struct alb_imgproxy_option *o)
{
    int format;

    for (size_t i = 0; i < o->args; i++) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, i, alb_imgproxy_formats, &format));
        o->request->skip_formats |= ALB_IMGPROXY_FORMAT_BIT(format);
    }
    return ALB_IMGPROXY_FINE;
}

static size_t hash_length(int hash)
{
    static const size_t lengths[] = {0, 16, 20, 32, 64};
    return lengths[hash];
}

enum alb_imgproxy_refusal alb_imgproxy_take_hashsum(struct alb_imgproxy_option *o)
{
    int hash;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, 0, alb_imgproxy_hashes, &hash));
    size_t n = hash_length(hash);
    if (n > 0 && (o->args < 2 || !alb_hex_decode(o->arg[1], o->request->hash_bytes, n)))
        return alb_imgproxy_arg_wrong(o, 1, "the sum in hexadecimal digits");
    o->request->hash = (enum alb_imgproxy_hash)hash;
    o->request->hash_len = n;
    return ALB_IMGPROXY_FINE;
}

/* ---- limits ---- */

enum alb_imgproxy_refusal alb_imgproxy_take_limit(struct alb_imgproxy_option *o)
{
    ALB_IMGPROXY_TRY(
        security(o, o->parser->config->allow_security_options, "IMGPROXY_ALLOW_SECURITY_OPTIONS"));
    return alb_imgproxy_take_int(o);
}

/* Megapixels; kept as pixels. */
enum alb_imgproxy_refusal alb_imgproxy_take_resolution(struct alb_imgproxy_option *o)
{
    double mega = 0;

    ALB_IMGPROXY_TRY(
        security(o, o->parser->config->allow_security_options, "IMGPROXY_ALLOW_SECURITY_OPTIONS"));
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, 1e12, &mega));
    int64_t pixels = (int64_t)(mega * 1e6);
    if (pixels == 0 && o->row->offset == offsetof(struct alb_imgproxy_request, limits.source_pixels))
        pixels = 1; /* none at all; 0 would be the server's */
    *(int64_t *)(void *)((char *)o->request + o->row->offset) = pixels;
    return ALB_IMGPROXY_FINE;
}

/* ---- the answer ---- */

static enum alb_imgproxy_refusal take_name(struct alb_imgproxy_option *o, size_t i, struct alb_str *out)
{
    if (o->arg[i].n > ALB_IMGPROXY_NAME_MAX)
        return alb_imgproxy_refuse(o->parser->err, ALB_IMGPROXY_TOO_LONG,
                                   "%s: %zu bytes; at most %d are taken", o->row->name[0], o->arg[i].n,
                                   ALB_IMGPROXY_NAME_MAX);
    *out = o->arg[i];
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_text(struct alb_imgproxy_option *o)
{
    return take_name(o, 0, (struct alb_str *)(void *)((char *)o->request + o->row->offset));
}

enum alb_imgproxy_refusal alb_imgproxy_take_bypass(struct alb_imgproxy_option *o)
{
    ALB_IMGPROXY_TRY(security(o, o->parser->config->allow_bypass_cache, "IMGPROXY_ALLOW_BYPASS_CACHE"));
    return alb_imgproxy_arg_bool(o, 0, &o->request->bypass_cache);
}

/* They go into headers of the answer, where "," and blanks separate. */
enum alb_imgproxy_refusal alb_imgproxy_take_tags(struct alb_imgproxy_option *o)
{
    o->request->tags = 0;
    for (size_t i = 0; i < o->args; i++) {
        if (o->arg[i].n == 0)
            continue;
        if (o->request->tags == ALB_IMGPROXY_TAGS_MAX)
            return alb_imgproxy_args_wrong(o, "at most 64 tags are taken");
        if (alb_str_has_control(o->arg[i]) || alb_str_find(o->arg[i], ' ') != ALB_STR_NPOS ||
            alb_str_find(o->arg[i], ',') != ALB_STR_NPOS)
            return alb_imgproxy_arg_wrong(o, i, "a tag without blanks and commas");
        ALB_IMGPROXY_TRY(take_name(o, i, &o->request->tag[o->request->tags]));
        o->request->tags++;
    }
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_expires(struct alb_imgproxy_option *o)
{
    int64_t at = 0;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 0, INT64_MIN, INT64_MAX, &at));
    if (at > 0 && at < o->parser->set->now)
        return alb_imgproxy_refuse(o->parser->err, ALB_IMGPROXY_BAD_URL, "the URL has expired (%lld s ago)",
                                   (long long)(o->parser->set->now - at));
    o->request->expires = at > 0 ? at : 0;
    return ALB_IMGPROXY_FINE;
}

/* Not percent-decoded, as in imgproxy: what a header needs is the answer's business. */
enum alb_imgproxy_refusal alb_imgproxy_take_filename(struct alb_imgproxy_option *o)
{
    struct alb_str name = ALB_STR_NONE;
    bool encoded = false;

    if (alb_imgproxy_has(o, 1) && alb_imgproxy_bool(o->arg[1], &encoded) && encoded)
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_base64(o, 0, ALB_IMGPROXY_NAME_MAX, &name));
    else
        ALB_IMGPROXY_TRY(take_name(o, 0, &name));
    if (alb_str_has_control(name))
        return alb_imgproxy_arg_wrong(o, 0, "a name without control characters");
    o->request->filename = name;
    return ALB_IMGPROXY_FINE;
}
