/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans and options as bytes, and the check that both sides of the darkroom's socket run. The worker trusts a
 * plan no more than the server trusts a result: unpack goes through alb_plan_check.
 */
#include "image/plan.h"
#include "meta/wire.h"

#include <string.h>

#define PLAN_VERSION 1u
#define OPTIONS_VERSION 1u
#define SIDE_MAX 1000000u /* far above every limit: keeps products inside 64 bits */

/* ---- names of formats ---- */

static const struct {
    const char *name, *mime;
    enum alb_type type;
} formats[ALB_FORMAT_COUNT] = {
    [ALB_FORMAT_SAME] = {"same", "application/octet-stream", ALB_TYPE_UNKNOWN},
    [ALB_FORMAT_JPEG] = {"jpeg", "image/jpeg", ALB_TYPE_JPEG},
    [ALB_FORMAT_PNG] = {"png", "image/png", ALB_TYPE_PNG},
    [ALB_FORMAT_WEBP] = {"webp", "image/webp", ALB_TYPE_WEBP},
    [ALB_FORMAT_AVIF] = {"avif", "image/avif", ALB_TYPE_AVIF},
    [ALB_FORMAT_JXL] = {"jxl", "image/jxl", ALB_TYPE_JXL},
};

const char *alb_format_name(enum alb_format f)
{
    return formats[(unsigned)f < ALB_FORMAT_COUNT ? f : ALB_FORMAT_SAME].name;
}

const char *alb_format_mime(enum alb_format f)
{
    return formats[(unsigned)f < ALB_FORMAT_COUNT ? f : ALB_FORMAT_SAME].mime;
}

enum alb_type alb_format_type(enum alb_format f)
{
    return formats[(unsigned)f < ALB_FORMAT_COUNT ? f : ALB_FORMAT_SAME].type;
}

enum alb_format alb_format_of_name(struct alb_str name)
{
    if (alb_str_eq_c(name, "jpg"))
        return ALB_FORMAT_JPEG;
    for (unsigned i = 1; i < ALB_FORMAT_COUNT; i++) {
        if (alb_str_eq_c(name, formats[i].name))
            return (enum alb_format)i;
    }
    return ALB_FORMAT_SAME;
}

/* ---- options ---- */

void alb_plan_options_key(const struct alb_plan_options *o, struct alb_buf *out)
{
    alb_wire_put(out, OPTIONS_VERSION, 1);
    alb_wire_put(out, (uint64_t)o->fit, 1);
    alb_wire_put(out, o->width, 4);
    alb_wire_put(out, o->height, 4);
    uint64_t flags = (uint64_t)o->enlarge | (uint64_t)o->flip_h << 1 | (uint64_t)o->flip_v << 2 |
                     (uint64_t)o->ignore_orientation << 3 | (uint64_t)o->lossless << 4 |
                     (uint64_t)o->flatten << 5 | (uint64_t)o->keep_metadata << 6 |
                     (uint64_t)o->keep_profile << 7 | (uint64_t)o->animate << 8 | (uint64_t)o->lenient << 9;
    alb_wire_put(out, flags, 2);
    alb_wire_put(out, o->turn, 2);
    alb_wire_put(out, o->focus_x, 2);
    alb_wire_put(out, o->focus_y, 2);
    alb_wire_put(out, (uint64_t)o->format, 1);
    alb_wire_put(out, o->quality, 1);
    alb_wire_put(out, o->background, 4);
    alb_wire_put(out, o->page, 4);
    alb_wire_put(out, o->shrink_margin, 2);
}

/* ---- checking ---- */

static bool load_ok(const struct alb_plan_step *s)
{
    if ((unsigned)s->u.load.type >= ALB_TYPE_COUNT || !alb_type_can_show(s->u.load.type))
        return false;
    uint8_t n = s->u.load.eighths;
    if ((unsigned)s->u.load.how > ALB_LOAD_DEVELOP || (n != 1 && n != 2 && n != 4 && n != 8))
        return false;
    if (s->u.load.source_width == 0 || s->u.load.source_height == 0)
        return false;
    return s->u.load.pages >= 1 && s->u.load.pages <= 100000 && s->u.load.page <= 1000000;
}

static bool encode_ok(const struct alb_plan_step *s, const struct alb_plan_step *before)
{
    return (unsigned)s->u.encode.format > ALB_FORMAT_SAME &&
           (unsigned)s->u.encode.format < ALB_FORMAT_COUNT && s->u.encode.quality >= 1 &&
           s->u.encode.quality <= 100 && s->width == before->width && s->height == before->height;
}

/* One step after the first, given the one before it. */
static bool step_ok(const struct alb_plan_step *s, const struct alb_plan_step *before)
{
    bool same = s->width == before->width && s->height == before->height;
    switch (s->kind) {
    case ALB_STEP_LOAD:
        return false;
    case ALB_STEP_RESIZE:
        return true;
    case ALB_STEP_CROP:
        return s->u.crop.left <= before->width && s->width <= before->width - s->u.crop.left &&
               s->u.crop.top <= before->height && s->height <= before->height - s->u.crop.top;
    case ALB_STEP_TURN:
        if (s->u.turn.orientation < 1 || s->u.turn.orientation > 8)
            return false;
        if (s->u.turn.orientation >= 5)
            return s->width == before->height && s->height == before->width;
        return same;
    case ALB_STEP_COLOUR:
        return same;
    case ALB_STEP_FLATTEN:
        return same && s->u.flatten.rgb <= 0xffffff;
    case ALB_STEP_ENCODE:
        return encode_ok(s, before);
    }
    return false;
}

/* Step i, given that the steps before it are good. */
static const char *step_fault(const struct alb_plan *p, uint32_t i)
{
    const struct alb_plan_step *s = &p->steps[i];
    if (s->width == 0 || s->height == 0 || s->width > SIDE_MAX || s->height > SIDE_MAX)
        return "has no proper size";
    if (i > 0 && !step_ok(s, s - 1))
        return "does not fit";
    return i + 1 < p->count && s->kind == ALB_STEP_ENCODE ? "ends too early" : NULL;
}

enum alb_code alb_plan_check(const struct alb_plan *p, struct alb_err *err)
{
    if (p->count < 2 || p->count > ALB_PLAN_STEPS)
        return alb_fail(err, ALB_E_INVALID, "a plan of %u steps", p->count);
    const struct alb_plan_step *last = &p->steps[p->count - 1];
    if (p->steps[0].kind != ALB_STEP_LOAD || last->kind != ALB_STEP_ENCODE || !load_ok(&p->steps[0]))
        return alb_fail(err, ALB_E_INVALID, "a plan without a proper beginning or end");
    for (uint32_t i = 0; i < p->count; i++) {
        const char *fault = step_fault(p, i);
        if (fault)
            return alb_fail(err, ALB_E_INVALID, "step %u of the plan %s", i, fault);
    }
    if (p->width != last->width || p->height != last->height || p->format != last->u.encode.format)
        return alb_fail(err, ALB_E_INVALID, "the plan's result is not that of its last step");
    return ALB_OK;
}

/* ---- packing ---- */

static void pack_step(const struct alb_plan_step *s, struct alb_buf *out)
{
    alb_wire_put(out, (uint64_t)s->kind, 1);
    alb_wire_put(out, s->width, 4);
    alb_wire_put(out, s->height, 4);
    switch (s->kind) {
    case ALB_STEP_LOAD:
        alb_wire_put(out, (uint64_t)s->u.load.type, 2);
        alb_wire_put(out, (uint64_t)s->u.load.how, 1);
        alb_wire_put(out, s->u.load.eighths, 1);
        alb_wire_put(out, s->u.load.page, 4);
        alb_wire_put(out, s->u.load.pages, 4);
        alb_wire_put(out, s->u.load.strict, 1);
        alb_wire_put(out, s->u.load.source_width, 4);
        alb_wire_put(out, s->u.load.source_height, 4);
        break;
    case ALB_STEP_RESIZE:
        break;
    case ALB_STEP_CROP:
        alb_wire_put(out, s->u.crop.left, 4);
        alb_wire_put(out, s->u.crop.top, 4);
        break;
    case ALB_STEP_TURN:
        alb_wire_put(out, s->u.turn.orientation, 1);
        break;
    case ALB_STEP_COLOUR:
        alb_wire_put(out, s->u.colour.to_srgb, 1);
        break;
    case ALB_STEP_FLATTEN:
        alb_wire_put(out, s->u.flatten.rgb, 4);
        break;
    case ALB_STEP_ENCODE:
        alb_wire_put(out, (uint64_t)s->u.encode.format, 1);
        alb_wire_put(out, s->u.encode.quality, 1);
        alb_wire_put(out, s->u.encode.lossless, 1);
        alb_wire_put(out, s->u.encode.animate, 1);
        alb_wire_put(out, s->u.encode.keep_metadata, 1);
        alb_wire_put(out, s->u.encode.keep_profile, 1);
        break;
    }
}

static void unpack_step(struct alb_wire *w, struct alb_plan_step *s)
{
    s->kind = (enum alb_step_kind)alb_wire_u8(w);
    s->width = alb_wire_u32(w);
    s->height = alb_wire_u32(w);
    switch (s->kind) {
    case ALB_STEP_LOAD:
        s->u.load.type = (enum alb_type)alb_wire_u16(w);
        s->u.load.how = (enum alb_load_how)alb_wire_u8(w);
        s->u.load.eighths = alb_wire_u8(w);
        s->u.load.page = alb_wire_u32(w);
        s->u.load.pages = alb_wire_u32(w);
        s->u.load.strict = alb_wire_bool(w);
        s->u.load.source_width = alb_wire_u32(w);
        s->u.load.source_height = alb_wire_u32(w);
        return;
    case ALB_STEP_RESIZE:
        return;
    case ALB_STEP_CROP:
        s->u.crop.left = alb_wire_u32(w);
        s->u.crop.top = alb_wire_u32(w);
        return;
    case ALB_STEP_TURN:
        s->u.turn.orientation = alb_wire_u8(w);
        return;
    case ALB_STEP_COLOUR:
        s->u.colour.to_srgb = alb_wire_bool(w);
        return;
    case ALB_STEP_FLATTEN:
        s->u.flatten.rgb = alb_wire_u32(w);
        return;
    case ALB_STEP_ENCODE:
        s->u.encode.format = (enum alb_format)alb_wire_u8(w);
        s->u.encode.quality = alb_wire_u8(w);
        s->u.encode.lossless = alb_wire_bool(w);
        s->u.encode.animate = alb_wire_bool(w);
        s->u.encode.keep_metadata = alb_wire_bool(w);
        s->u.encode.keep_profile = alb_wire_bool(w);
        return;
    }
    w->bad = true; /* a kind that this version does not know */
}

void alb_plan_pack(const struct alb_plan *p, struct alb_buf *out)
{
    alb_wire_put(out, PLAN_VERSION, 2);
    alb_wire_put(out, p->count, 2);
    alb_wire_put(out, p->memory, 8);
    for (uint32_t i = 0; i < p->count && i < ALB_PLAN_STEPS; i++)
        pack_step(&p->steps[i], out);
}

enum alb_code alb_plan_unpack(struct alb_str s, struct alb_plan *out, struct alb_err *err)
{
    struct alb_wire w = alb_wire_open(s);
    memset(out, 0, sizeof(*out));
    if (alb_wire_u16(&w) != PLAN_VERSION)
        return alb_fail(err, ALB_E_INVALID, "a plan of another version");
    out->count = alb_wire_u16(&w);
    out->memory = alb_wire_u64(&w);
    if (out->count < 2 || out->count > ALB_PLAN_STEPS)
        w.bad = true;
    for (uint32_t i = 0; !w.bad && i < out->count; i++)
        unpack_step(&w, &out->steps[i]);
    if (!alb_wire_end(&w)) {
        memset(out, 0, sizeof(*out));
        return alb_fail(err, ALB_E_INVALID, "a plan that cannot be read");
    }
    out->width = out->steps[out->count - 1].width;
    out->height = out->steps[out->count - 1].height;
    out->format = out->steps[out->count - 1].u.encode.format;
    enum alb_code code = alb_plan_check(out, err);
    if (code != ALB_OK)
        memset(out, 0, sizeof(*out));
    return code;
}
