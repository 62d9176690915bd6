/* SPDX-License-Identifier: Apache-2.0
 *
 * Options as canonical bytes: every field of every pipeline in the order of options.h. What a key does not see,
 * two different pictures could share; a new field goes in here, and the test that walks all fields knows it.
 */
#include "image/plan_io.h"
#include "image/plan_priv.h"

#define OPTIONS_VERSION 8u

void alb_io_gravity(struct alb_plan_io *io, struct alb_gravity *g)
{
    ALB_IO_ENUM(io, g->kind, ALB_GRAVITY_COUNT);
    alb_io_f64(io, &g->x);
    alb_io_f64(io, &g->y);
}

static void formats(struct alb_plan_io *io, enum alb_format list[ALB_FORMAT_LIST])
{
    for (size_t i = 0; i < ALB_FORMAT_LIST; i++)
        ALB_IO_ENUM(io, list[i], ALB_FORMAT_COUNT);
}

static void encoders(struct alb_plan_io *io, struct alb_output *o)
{
    alb_io_bool(io, &o->lossless);
    alb_io_bool(io, &o->jpeg_progressive);
    alb_io_bool(io, &o->jpeg_trellis);
    alb_io_bool(io, &o->jpeg_overshoot);
    alb_io_bool(io, &o->jpeg_scans);
    alb_io_u8(io, &o->jpeg_table);
    ALB_IO_ENUM(io, o->chroma, ALB_CHROMA_COUNT);
    ALB_IO_ENUM(io, o->heif_chroma, ALB_CHROMA_COUNT);
    alb_io_bool(io, &o->png_interlaced);
    alb_io_bool(io, &o->png_quantize);
    alb_io_bool(io, &o->png_plain);
    alb_io_u16(io, &o->png_colors);
    ALB_IO_ENUM(io, o->webp_mode, ALB_WEBP_MODE_COUNT);
    alb_io_bool(io, &o->webp_smart_subsample);
    ALB_IO_ENUM(io, o->webp_preset, ALB_WEBP_PRESET_COUNT);
    for (size_t i = 0; i < ALB_FORMAT_COUNT; i++)
        alb_io_u8(io, &o->effort[i]);
}

void alb_io_output(struct alb_plan_io *io, struct alb_output *o)
{
    ALB_IO_ENUM(io, o->format, ALB_FORMAT_COUNT);
    formats(io, o->automatic);
    formats(io, o->preferred);
    alb_io_u16(io, &o->keep);
    alb_io_u16(io, &o->best);
    for (size_t i = 0; i < ALB_FORMAT_COUNT; i++)
        alb_io_u8(io, &o->quality[i]);
    alb_io_u64(io, &o->max_bytes);
    ALB_IO_ENUM(io, o->autoquality, ALB_AUTOQUALITY_COUNT);
    alb_io_f64(io, &o->target);
    alb_io_f64(io, &o->error);
    alb_io_u8(io, &o->least);
    alb_io_u8(io, &o->most);
    for (size_t i = 0; i < ALB_FORMAT_COUNT; i++) {
        alb_io_u8(io, &o->least_of[i]);
        alb_io_u8(io, &o->most_of[i]);
    }
    alb_io_u64(io, &o->autoquality_pixels);
    alb_io_u64(io, &o->best_pixels);
    alb_io_f64(io, &o->best_plain);
    alb_io_bool(io, &o->keep_metadata);
    alb_io_bool(io, &o->keep_copyright);
    ALB_IO_ENUM(io, o->profile, ALB_PROFILE_COUNT);
    alb_io_u32(io, &o->profile_input);
    alb_io_bool(io, &o->deep);
    alb_io_f64(io, &o->dpi);
    encoders(io, o);
}

void alb_io_spot(struct alb_plan_io *io, struct alb_spot *s)
{
    ALB_IO_ENUM(io, s->from, ALB_SPOT_COUNT);
    alb_io_bool(io, &s->part);
    alb_io_bool(io, &s->fixed);
    alb_io_f64(io, &s->value);
}

static void typeset(struct alb_plan_io *io, struct alb_typeset *t)
{
    alb_io_bool(io, &t->forgiving);
    alb_io_bool(io, &t->filled);
    alb_io_bool(io, &t->painted);
    alb_io_bool(io, &t->mean);
    alb_io_bool(io, &t->justify);
    alb_io_u32(io, &t->rgb);
    alb_io_put_bytes(io, t->font);
    ALB_IO_ENUM(io, t->align, ALB_TEXT_ALIGN_COUNT);
    ALB_IO_ENUM(io, t->wrap, ALB_TEXT_WRAP_COUNT);
    alb_io_f64(io, &t->share);
    uint32_t more = (uint32_t)t->more;
    alb_io_u32(io, &more);
    alb_io_u32(io, &t->spacing);
    alb_io_u32(io, &t->dpi);
}

static void mark(struct alb_plan_io *io, struct alb_mark *m)
{
    alb_io_u32(io, &m->input);
    alb_io_put_bytes(io, m->text);
    alb_io_f64(io, &m->opacity);
    ALB_IO_ENUM(io, m->tiling, ALB_TILING_COUNT);
    alb_io_gravity(io, &m->at);
    alb_io_f64(io, &m->scale);
    alb_io_u32(io, &m->width);
    alb_io_u32(io, &m->height);
    alb_io_f64(io, &m->rotate);
    alb_io_f64(io, &m->shadow);
    alb_io_bool(io, &m->placed);
    alb_io_spot(io, &m->x);
    alb_io_spot(io, &m->y);
    ALB_IO_ENUM(io, m->blend, ALB_BLEND_COUNT);
    typeset(io, &m->set);
    alb_io_f64(io, &m->share_x);
    alb_io_f64(io, &m->share_y);
}

static void chain(struct alb_plan_io *io, const struct alb_plan_options *first, unsigned depth);

static void effects(struct alb_plan_io *io, const struct alb_effect *list, uint32_t count, unsigned depth)
{
    alb_io_u32(io, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct alb_effect e = list[i];
        ALB_IO_ENUM(io, e.kind, ALB_EFFECT_COUNT);
        double *const numbers[] = {&e.amount, &e.amount2, &e.angle, &e.start, &e.stop,
                                   &e.left,   &e.top,     &e.width, &e.height};
        for (size_t k = 0; k < ALB_ARRAY_LEN(numbers); k++)
            alb_io_f64(io, numbers[k]);
        alb_io_u32(io, &e.rgb);
        alb_io_u32(io, &e.rgb2);
        alb_io_bool(io, &e.keep);
        mark(io, &e.mark);
        for (size_t k = 0; k < ALB_ARRAY_LEN(e.v); k++)
            alb_io_f64(io, &e.v[k]);
        alb_io_put_bytes(io, e.data);
        alb_io_put(io, e.layer != NULL, 1);
        if (e.layer && depth < ALB_LAYER_DEPTH) /* deeper ones are refused by the check */
            chain(io, e.layer, depth + 1);
    }
}

static void tiles(struct alb_plan_io *io, struct alb_tiles *t)
{
    alb_io_f64(io, &t->step);
    alb_io_u32(io, &t->columns);
    alb_io_u32(io, &t->rows);
    alb_io_u32(io, &t->delay);
    alb_io_u32(io, &t->width);
    alb_io_u32(io, &t->height);
    alb_io_bool(io, &t->extend);
    alb_io_bool(io, &t->trim);
    alb_io_bool(io, &t->fill);
    alb_io_f64(io, &t->focus_x);
    alb_io_f64(io, &t->focus_y);
}

static void source(struct alb_plan_io *io, struct alb_plan_options *o)
{
    alb_io_bool(io, &o->ignore_orientation);
    alb_io_u32(io, &o->page);
    alb_io_u32(io, &o->pages);
    alb_io_u32(io, &o->frames);
    alb_io_f64(io, &o->video_second);
    alb_io_bool(io, &o->video_keyframe);
    tiles(io, &o->sheet);
    tiles(io, &o->film);
    alb_io_bool(io, &o->embedded);
    alb_io_bool(io, &o->pdf_clear);
    alb_io_put_bytes(io, o->style);
    alb_io_bool(io, &o->lenient);
    alb_io_f64(io, &o->dpi);
}

static void cuts(struct alb_plan_io *io, struct alb_plan_options *o)
{
    alb_io_bool(io, &o->trim.on);
    alb_io_f64(io, &o->trim.threshold);
    alb_io_bool(io, &o->trim.has_color);
    alb_io_u32(io, &o->trim.color);
    alb_io_bool(io, &o->trim.last);
    alb_io_bool(io, &o->trim.equal_h);
    alb_io_bool(io, &o->trim.equal_v);
    alb_io_bool(io, &o->crop.on);
    alb_io_f64(io, &o->crop.width);
    alb_io_f64(io, &o->crop.height);
    alb_io_gravity(io, &o->crop.at);
    alb_io_f64(io, &o->crop.aspect);
    alb_io_bool(io, &o->crop.aspect_enlarge);
    alb_io_bool(io, &o->window.on);
    alb_io_bool(io, &o->window.extent);
    alb_io_u8(io, &o->window.fractions);
    alb_io_f64(io, &o->window.left);
    alb_io_f64(io, &o->window.top);
    alb_io_f64(io, &o->window.right);
    alb_io_f64(io, &o->window.bottom);
}

static void focus(struct alb_plan_io *io, const struct alb_plan_options *o)
{
    uint32_t count = o->focus_count;
    alb_io_u32(io, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct alb_focus f = o->focus[i];
        alb_io_f64(io, &f.left);
        alb_io_f64(io, &f.top);
        alb_io_f64(io, &f.right);
        alb_io_f64(io, &f.bottom);
        alb_io_bool(io, &f.fractions);
        alb_io_bool(io, &f.point);
    }
}

static void canvas(struct alb_plan_io *io, struct alb_fill *f)
{
    alb_io_bool(io, &f->on);
    alb_io_bool(io, &f->box);
    alb_io_bool(io, &f->swap);
    for (size_t i = 0; i < ALB_ARRAY_LEN(f->padding); i++) {
        uint32_t bits = (uint32_t)f->padding[i];
        alb_io_u32(io, &bits);
    }
    ALB_IO_ENUM(io, f->ground, ALB_GROUND_COUNT);
    alb_io_u32(io, &f->color);
    alb_io_f64(io, &f->sigma);
}

static void geometry(struct alb_plan_io *io, struct alb_plan_options *o)
{
    ALB_IO_ENUM(io, o->sizing, ALB_SIZING_COUNT);
    ALB_IO_ENUM(io, o->fit, ALB_FIT_COUNT);
    alb_io_u32(io, &o->width);
    alb_io_u32(io, &o->height);
    alb_io_bool(io, &o->own_width);
    alb_io_bool(io, &o->own_height);
    alb_io_bool(io, &o->below_width);
    alb_io_bool(io, &o->below_height);
    alb_io_bool(io, &o->adaptive);
    alb_io_f64(io, &o->share);
    alb_io_u32(io, &o->min_width);
    alb_io_u32(io, &o->min_height);
    alb_io_f64(io, &o->zoom_x);
    alb_io_f64(io, &o->zoom_y);
    alb_io_f64(io, &o->dpr);
    alb_io_bool(io, &o->enlarge);
    alb_io_gravity(io, &o->gravity);
    focus(io, o);
    alb_io_bool(io, &o->outline);
    alb_io_u16(io, &o->turn);
    alb_io_bool(io, &o->flip_h);
    alb_io_bool(io, &o->flip_v);
    alb_io_bool(io, &o->extend.on);
    alb_io_gravity(io, &o->extend.at);
    alb_io_bool(io, &o->extend_aspect.on);
    alb_io_gravity(io, &o->extend_aspect.at);
    for (size_t i = 0; i < ALB_ARRAY_LEN(o->padding); i++)
        alb_io_u32(io, &o->padding[i]);
    canvas(io, &o->fill);
    alb_io_u32(io, &o->side_max);
    ALB_IO_ENUM(io, o->kernel, ALB_KERNEL_COUNT);
    alb_io_bool(io, &o->linear);
    alb_io_u16(io, &o->shrink_margin);
    uint32_t levels = o->levels ? ALB_LEVELS_VERSION : 0;
    alb_io_u32(io, &levels);
}

/* All pipelines of a picture, and so of each of its layers. */
static void chain(struct alb_plan_io *io, const struct alb_plan_options *first, unsigned depth)
{
    for (const struct alb_plan_options *next = first; next; next = next->next) {
        struct alb_plan_options o = *next;
        source(io, &o);
        cuts(io, &o);
        geometry(io, &o);
        effects(io, o.effects, o.effect_count, depth);
        effects(io, o.overlays, o.overlay_count, depth);
        alb_io_bool(io, &o.flatten);
        alb_io_u32(io, &o.background);
        alb_io_f64(io, &o.background_alpha);
        alb_io_bool(io, &o.background_mean);
        alb_io_output(io, &o.output);
        alb_io_put(io, o.next != NULL, 1);
    }
}

void alb_plan_options_key(const struct alb_plan_options *options, struct alb_buf *out)
{
    struct alb_plan_io io;
    alb_io_open(&io, out, NULL);
    alb_io_put(&io, OPTIONS_VERSION, 1);
    chain(&io, options, 0);
    alb_io_flush(&io);
}
