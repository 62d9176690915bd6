/* SPDX-License-Identifier: Apache-2.0
 *
 * Arguments of options (contract: options_priv.h), and the parsers of rows that have one value only.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doors/common/lenient.h"
#include "doors/imgproxy/options_priv.h"

#define SHOWN 60 /* bytes of an argument in an error's text */
#define WARNING_MAX 200

enum alb_imgproxy_refusal alb_imgproxy_arg_wrong(struct alb_imgproxy_option *o, size_t i,
                                                 const char *expected)
{
    struct alb_str v = i < o->args ? alb_str_sub(o->arg[i], 0, SHOWN) : ALB_STR_NONE;

    return alb_imgproxy_refuse(o->parser->err, ALB_IMGPROXY_BAD_URL,
                               "%s: argument %zu is \"%.*s\"; %s is wanted", o->row->name[0], i + 1,
                               ALB_STR_ARG(v), expected);
}

enum alb_imgproxy_refusal alb_imgproxy_args_wrong(struct alb_imgproxy_option *o, const char *expected)
{
    return alb_imgproxy_refuse(o->parser->err, ALB_IMGPROXY_BAD_URL, "%s: %zu arguments; %s", o->row->name[0],
                               o->args, expected);
}

enum alb_imgproxy_refusal alb_imgproxy_out_of_memory(struct alb_imgproxy_option *o)
{
    return alb_imgproxy_refuse(o->parser->err, ALB_IMGPROXY_NO_MEMORY, "%s: no memory", o->row->name[0]);
}

void alb_imgproxy_warn(struct alb_imgproxy_parser *p, const char *fmt, ...)
{
    char text[WARNING_MAX];
    va_list ap;

    if (p->request->warnings == ALB_IMGPROXY_WARNINGS_MAX)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    struct alb_str kept = alb_arena_str(p->arena, alb_str_c(text));
    if (kept.p != NULL)
        p->request->warning[p->request->warnings++] = kept;
}

enum alb_imgproxy_refusal alb_imgproxy_arg_int(struct alb_imgproxy_option *o, size_t i, int64_t low,
                                               int64_t high, int64_t *out)
{
    char expected[80];
    int64_t v;

    if (i < o->args && alb_imgproxy_int(o->arg[i], &v) && v >= low && v <= high) {
        *out = v;
        return ALB_IMGPROXY_FINE;
    }
    if (high == INT64_MAX)
        (void)snprintf(expected, sizeof(expected), "a whole number of at least %lld", (long long)low);
    else
        (void)snprintf(expected, sizeof(expected), "a whole number in %lld..%lld", (long long)low,
                       (long long)high);
    return alb_imgproxy_arg_wrong(o, i, expected);
}

enum alb_imgproxy_refusal alb_imgproxy_arg_float(struct alb_imgproxy_option *o, size_t i, double low,
                                                 double high, double *out)
{
    char expected[80];
    double v;

    if (i < o->args && alb_imgproxy_float(o->arg[i], &v) && v >= low && v <= high) {
        *out = v;
        return ALB_IMGPROXY_FINE;
    }
    if (isinf(high) && isinf(low))
        (void)snprintf(expected, sizeof(expected), "a number");
    else if (isinf(high))
        (void)snprintf(expected, sizeof(expected), "a number of at least %g", low);
    else
        (void)snprintf(expected, sizeof(expected), "a number in %g..%g", low, high);
    return alb_imgproxy_arg_wrong(o, i, expected);
}

enum alb_imgproxy_refusal alb_imgproxy_arg_above(struct alb_imgproxy_option *o, size_t i, double *out)
{
    double v;

    if (i < o->args && alb_imgproxy_float(o->arg[i], &v) && v > 0) {
        *out = v;
        return ALB_IMGPROXY_FINE;
    }
    return alb_imgproxy_arg_wrong(o, i, "a number above 0");
}

enum alb_imgproxy_refusal alb_imgproxy_arg_bool(struct alb_imgproxy_option *o, size_t i, bool *out)
{
    if (!alb_imgproxy_bool(o->arg[i], out)) {
        struct alb_str v = alb_str_sub(o->arg[i], 0, SHOWN);
        alb_imgproxy_warn(o->parser, "%s: \"%.*s\" is no boolean and was taken as false", o->row->name[0],
                          ALB_STR_ARG(v));
    }
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_arg_colour(struct alb_imgproxy_option *o, size_t i, uint32_t *out)
{
    uint32_t v;

    if (!alb_imgproxy_colour(o->arg[i], &v))
        return alb_imgproxy_arg_wrong(o, i, "a colour such as f80 or ff8800");
    *out = v;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_arg_word(struct alb_imgproxy_option *o, size_t i,
                                                const struct alb_imgproxy_word *words, int *out)
{
    char expected[160] = "one of";
    size_t n = strlen(expected);
    int v;

    if (alb_imgproxy_word(words, o->arg[i], &v)) {
        *out = v;
        return ALB_IMGPROXY_FINE;
    }
    for (; words->name != NULL && n + strlen(words->name) + 2 < sizeof(expected); words++)
        n += (size_t)snprintf(expected + n, sizeof(expected) - n, " %s", words->name);
    return alb_imgproxy_arg_wrong(o, i, expected);
}

enum alb_imgproxy_refusal alb_imgproxy_arg_base64(struct alb_imgproxy_option *o, size_t i, size_t max,
                                                  struct alb_str *out)
{
    struct alb_str v = alb_lenient_base64(o->parser->arena, o->arg[i]);

    if (v.p == NULL)
        return alb_arena_code(o->parser->arena) != ALB_OK ? alb_imgproxy_out_of_memory(o)
                                                          : alb_imgproxy_arg_wrong(o, i, "URL-safe base64");
    if (v.n > max)
        return alb_imgproxy_refuse(o->parser->err, ALB_IMGPROXY_TOO_LONG,
                                   "%s: %zu bytes; at most %zu are taken", o->row->name[0], v.n, max);
    *out = v;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_arg_angle(struct alb_imgproxy_option *o, size_t i, double *out)
{
    double v = 0;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, i, -HUGE_VAL, HUGE_VAL, &v));
    v = fmod(v, 360);
    if (v < 0)
        v += 360;
    *out = v >= 360 ? 0 : v; /* a tiny negative one rounds up to a whole turn */
    return ALB_IMGPROXY_FINE;
}

static bool is_learned(struct alb_str place)
{
    return alb_str_eq_c(place, "obj") || alb_str_eq_c(place, "objw");
}

static enum alb_imgproxy_refusal take_offset(struct alb_imgproxy_option *o, size_t i, bool focus, double *out)
{
    if (!alb_imgproxy_has(o, i))
        return ALB_IMGPROXY_FINE;
    return alb_imgproxy_arg_float(o, i, focus ? 0 : -HUGE_VAL, focus ? 1 : HUGE_VAL, out);
}

enum alb_imgproxy_refusal alb_imgproxy_arg_gravity(struct alb_imgproxy_option *o, size_t i, uint32_t allowed,
                                                   struct alb_imgproxy_gravity *out)
{
    int place;

    if (is_learned(o->arg[i]))
        return alb_imgproxy_take_learning(o);
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, i, alb_imgproxy_places, &place));
    if ((allowed & 1U << place) == 0)
        return alb_imgproxy_arg_wrong(o, i, "another kind of gravity");
    bool focus = place == ALB_IMGPROXY_FP;
    size_t more = o->args - i - 1;
    if (place == ALB_IMGPROXY_SM && more > 0)
        return alb_imgproxy_args_wrong(o, "sm has no offsets");
    if (more > 2 || (focus && more != 2))
        return alb_imgproxy_args_wrong(o, focus ? "fp takes x and y" : "a gravity takes at most x and y");
    out->place = (enum alb_imgproxy_place)place;
    if (place == ALB_IMGPROXY_SM)
        out->x = out->y = 0;
    ALB_IMGPROXY_TRY(take_offset(o, i + 1, focus, &out->x));
    return take_offset(o, i + 2, focus, &out->y);
}

/* ---- rows of one value ---- */

static void *target(struct alb_imgproxy_option *o)
{
    switch (o->row->scope) {
    case ALB_IMGPROXY_OF_PIPELINE:
        return (char *)o->pipe + o->row->offset;
    case ALB_IMGPROXY_OF_INFO:
        return (char *)&o->request->info + o->row->offset;
    case ALB_IMGPROXY_OF_REQUEST:
        break;
    }
    return (char *)o->request + o->row->offset;
}

enum alb_imgproxy_refusal alb_imgproxy_take_int(struct alb_imgproxy_option *o)
{
    int64_t high = isinf(o->row->high) ? INT64_MAX : (int64_t)o->row->high;

    return alb_imgproxy_arg_int(o, 0, (int64_t)o->row->low, high, target(o));
}

enum alb_imgproxy_refusal alb_imgproxy_take_float(struct alb_imgproxy_option *o)
{
    return alb_imgproxy_arg_float(o, 0, o->row->low, o->row->high, target(o));
}

enum alb_imgproxy_refusal alb_imgproxy_take_above(struct alb_imgproxy_option *o)
{
    return alb_imgproxy_arg_above(o, 0, target(o));
}

enum alb_imgproxy_refusal alb_imgproxy_take_bool(struct alb_imgproxy_option *o)
{
    return alb_imgproxy_arg_bool(o, 0, target(o));
}

enum alb_imgproxy_refusal alb_imgproxy_take_word(struct alb_imgproxy_option *o)
{
    int v;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, 0, o->row->words, &v));
    memcpy(target(o), &v, sizeof(v)); /* every enum of words.h is as large as int */
    return ALB_IMGPROXY_FINE;
}
_Static_assert(sizeof(enum alb_imgproxy_resize) == sizeof(int), "enums are as large as int");
