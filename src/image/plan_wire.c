/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans as bytes. The worker trusts a plan no more than the server trusts a result: unpack goes through
 * alb_plan_check.
 */
#include "image/plan_io.h"
#include "image/plan_priv.h"

#define PLAN_VERSION 7u

static void io_text(struct alb_plan_io *io, struct alb_plan_text *t)
{
    alb_io_u32(io, &t->at);
    alb_io_u32(io, &t->n);
}

static void io_tiles(struct alb_plan_io *io, struct alb_plan_tiles *t)
{
    alb_io_u32(io, &t->columns);
    alb_io_u32(io, &t->rows);
    alb_io_u32(io, &t->of);
    alb_io_f64(io, &t->step);
    alb_io_u32(io, &t->delay);
    alb_io_u8(io, &t->orientation);
    alb_io_u32(io, &t->part.left);
    alb_io_u32(io, &t->part.top);
    alb_io_u32(io, &t->part.width);
    alb_io_u32(io, &t->part.height);
    alb_io_u32(io, &t->cell_width);
    alb_io_u32(io, &t->cell_height);
    alb_io_u32(io, &t->inner_width);
    alb_io_u32(io, &t->inner_height);
    alb_io_u32(io, &t->left);
    alb_io_u32(io, &t->top);
}

static void io_load(struct alb_plan_io *io, struct alb_plan_step *s)
{
    alb_io_u32(io, &s->u.load.input);
    s->u.load.type = (enum alb_type)alb_io_int(io, s->u.load.type, 2);
    ALB_IO_ENUM(io, s->u.load.how, ALB_LOAD_HOW_COUNT);
    alb_io_u8(io, &s->u.load.eighths);
    alb_io_u32(io, &s->u.load.page);
    alb_io_u32(io, &s->u.load.pages);
    alb_io_bool(io, &s->u.load.strict);
    alb_io_bool(io, &s->u.load.animated);
    alb_io_f64(io, &s->u.load.video_second);
    alb_io_bool(io, &s->u.load.video_keyframe);
    io_tiles(io, &s->u.load.tiles);
    alb_io_bool(io, &s->u.load.pdf_clear);
    io_text(io, &s->u.load.style);
    alb_io_u32(io, &s->u.load.source_width);
    alb_io_u32(io, &s->u.load.source_height);
}

static void io_effect(struct alb_plan_io *io, struct alb_plan_step *s)
{
    ALB_IO_ENUM(io, s->u.effect.kind, ALB_EFFECT_COUNT);
    alb_io_f64(io, &s->u.effect.amount);
    alb_io_f64(io, &s->u.effect.amount2);
    alb_io_f64(io, &s->u.effect.angle);
    alb_io_f64(io, &s->u.effect.start);
    alb_io_f64(io, &s->u.effect.stop);
    alb_io_u32(io, &s->u.effect.rgb);
    alb_io_u32(io, &s->u.effect.rgb2);
    alb_io_bool(io, &s->u.effect.keep);
    for (size_t i = 0; i < ALB_ARRAY_LEN(s->u.effect.v); i++)
        alb_io_f64(io, &s->u.effect.v[i]);
    io_text(io, &s->u.effect.data);
    alb_io_u32(io, &s->u.effect.area.left);
    alb_io_u32(io, &s->u.effect.area.top);
    alb_io_u32(io, &s->u.effect.area.width);
    alb_io_u32(io, &s->u.effect.area.height);
}

static void io_canvas(struct alb_plan_io *io, struct alb_plan_step *s)
{
    alb_io_u32(io, &s->u.canvas.left);
    alb_io_u32(io, &s->u.canvas.top);
    ALB_IO_ENUM(io, s->u.canvas.ground, ALB_GROUND_COUNT);
    alb_io_u32(io, &s->u.canvas.rgb);
    alb_io_f64(io, &s->u.canvas.sigma);
}

static void io_typeset(struct alb_plan_io *io, struct alb_plan_typeset *t)
{
    alb_io_bool(io, &t->forgiving);
    alb_io_bool(io, &t->filled);
    alb_io_bool(io, &t->painted);
    alb_io_bool(io, &t->mean);
    alb_io_bool(io, &t->justify);
    alb_io_u32(io, &t->rgb);
    io_text(io, &t->font);
    ALB_IO_ENUM(io, t->align, ALB_TEXT_ALIGN_COUNT);
    ALB_IO_ENUM(io, t->wrap, ALB_TEXT_WRAP_COUNT);
    alb_io_u32(io, &t->width);
    alb_io_u32(io, &t->spacing);
    alb_io_u32(io, &t->dpi);
}

static void io_i32(struct alb_plan_io *io, int32_t *v)
{
    *v = (int32_t)alb_io_int(io, (uint32_t)*v, 4);
}

static void io_mark(struct alb_plan_io *io, struct alb_plan_step *s)
{
    alb_io_u32(io, &s->u.mark.input);
    io_text(io, &s->u.mark.text);
    alb_io_f64(io, &s->u.mark.opacity);
    alb_io_f64(io, &s->u.mark.rotate);
    alb_io_f64(io, &s->u.mark.shadow);
    alb_io_u32(io, &s->u.mark.width);
    alb_io_u32(io, &s->u.mark.height);
    alb_io_f64(io, &s->u.mark.scale);
    ALB_IO_ENUM(io, s->u.mark.tiling, ALB_TILING_COUNT);
    alb_io_gravity(io, &s->u.mark.at);
    alb_io_u32(io, &s->u.mark.gap_x);
    alb_io_u32(io, &s->u.mark.gap_y);
    ALB_IO_ENUM(io, s->u.mark.blend, ALB_BLEND_COUNT);
    io_typeset(io, &s->u.mark.set);
    alb_io_spot(io, &s->u.mark.x);
    alb_io_spot(io, &s->u.mark.y);
    alb_io_bool(io, &s->u.mark.placed);
    io_i32(io, &s->u.mark.left);
    io_i32(io, &s->u.mark.top);
    alb_io_u32(io, &s->u.mark.across);
    alb_io_u32(io, &s->u.mark.down);
    s->u.mark.type = (enum alb_type)alb_io_int(io, s->u.mark.type, 2);
    alb_io_u8(io, &s->u.mark.eighths);
    alb_io_u32(io, &s->u.mark.source_width);
    alb_io_u32(io, &s->u.mark.source_height);
    alb_io_u8(io, &s->u.mark.orientation);
}

static void io_blend(struct alb_plan_io *io, struct alb_plan_step *s)
{
    alb_io_f64(io, &s->u.blend.opacity);
    ALB_IO_ENUM(io, s->u.blend.blend, ALB_BLEND_COUNT);
    io_i32(io, &s->u.blend.left);
    io_i32(io, &s->u.blend.top);
    alb_io_u32(io, &s->u.blend.across);
    alb_io_u32(io, &s->u.blend.down);
}

static void io_step(struct alb_plan_io *io, struct alb_plan_step *s)
{
    s->kind = (enum alb_step_kind)alb_io_int(io, s->kind, 1);
    alb_io_u32(io, &s->width);
    alb_io_u32(io, &s->height);
    switch (s->kind) {
    case ALB_STEP_LOAD:
        io_load(io, s);
        return;
    case ALB_STEP_RESIZE:
        ALB_IO_ENUM(io, s->u.resize.kernel, ALB_KERNEL_COUNT);
        return;
    case ALB_STEP_CROP:
        alb_io_u32(io, &s->u.crop.left);
        alb_io_u32(io, &s->u.crop.top);
        return;
    case ALB_STEP_CANVAS:
        io_canvas(io, s);
        return;
    case ALB_STEP_SMART_CROP:
        return;
    case ALB_STEP_TURN:
        alb_io_u8(io, &s->u.turn.orientation);
        return;
    case ALB_STEP_COLOUR:
        ALB_IO_ENUM(io, s->u.colour.to, ALB_COLOUR_TO_COUNT);
        alb_io_bool(io, &s->u.colour.deep);
        return;
    case ALB_STEP_FLATTEN:
        alb_io_u32(io, &s->u.flatten.rgb);
        alb_io_f64(io, &s->u.flatten.alpha);
        alb_io_bool(io, &s->u.flatten.mean);
        return;
    case ALB_STEP_EFFECT:
        io_effect(io, s);
        return;
    case ALB_STEP_MARK:
        io_mark(io, s);
        return;
    case ALB_STEP_FIND_TRIM:
        alb_io_f64(io, &s->u.find_trim.threshold);
        alb_io_bool(io, &s->u.find_trim.has_color);
        alb_io_u32(io, &s->u.find_trim.color);
        alb_io_u8(io, &s->u.find_trim.corner);
        alb_io_bool(io, &s->u.find_trim.size_only);
        alb_io_bool(io, &s->u.find_trim.frame);
        return;
    case ALB_STEP_BLEND:
        io_blend(io, s);
        return;
    case ALB_STEP_NINE:
        return;
    case ALB_STEP_ENCODE:
        alb_io_output(io, &s->u.encode.output);
        alb_io_bool(io, &s->u.encode.animate);
        return;
    }
    if (io->in)
        io->in->bad = true; /* a kind that this version does not know */
}

void alb_plan_pack(const struct alb_plan *p, struct alb_buf *out)
{
    struct alb_plan_io io;
    alb_io_open(&io, out, NULL);
    alb_io_put(&io, PLAN_VERSION, 2);
    alb_io_put(&io, p->count, 2);
    alb_io_put(&io, p->memory, 8);
    for (uint32_t i = 0; i < p->count && i < ALB_PLAN_STEPS; i++) {
        struct alb_plan_step s = p->steps[i];
        io_step(&io, &s);
    }
    alb_io_put_bytes(&io, (struct alb_str){p->texts, p->text_bytes});
    alb_io_flush(&io);
}

static bool unpack(struct alb_str bytes, struct alb_plan *out)
{
    struct alb_wire w = alb_wire_open(bytes);
    struct alb_plan_io io;
    alb_io_open(&io, NULL, &w);
    if (alb_wire_u16(&w) != PLAN_VERSION)
        return false;
    out->count = alb_wire_u16(&w);
    out->memory = alb_wire_u64(&w);
    if (out->count < 2 || out->count > ALB_PLAN_STEPS)
        return false;
    for (uint32_t i = 0; !w.bad && i < out->count; i++)
        io_step(&io, &out->steps[i]);
    struct alb_str texts = alb_wire_bytes(&w, ALB_PLAN_TEXTS);
    if (!alb_wire_end(&w))
        return false;
    if (texts.n > 0)
        memcpy(out->texts, texts.p, texts.n);
    out->text_bytes = (uint32_t)texts.n;
    return true;
}

enum alb_code alb_plan_unpack(struct alb_str s, struct alb_plan *out, struct alb_err *err)
{
    memset(out, 0, sizeof(*out));
    if (!unpack(s, out)) {
        memset(out, 0, sizeof(*out));
        return alb_fail(err, ALB_E_INVALID, "a plan that cannot be read");
    }
    const struct alb_plan_step *last = &out->steps[out->count - 1];
    out->width = last->width;
    out->height = last->height;
    if (last->kind == ALB_STEP_ENCODE)
        out->format = last->u.encode.output.format;
    out->fonts = alb_plan_needs_fonts(out);
    enum alb_code code = alb_plan_check(out, err);
    if (code != ALB_OK)
        memset(out, 0, sizeof(*out));
    return code;
}
