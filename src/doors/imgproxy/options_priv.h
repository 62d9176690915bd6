/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to the grammar (options*.c): the table of options, and how a row's parser gets at its arguments.
 */
#ifndef ALB_DOORS_IMGPROXY_OPTIONS_PRIV_H
#define ALB_DOORS_IMGPROXY_OPTIONS_PRIV_H

#include "doors/imgproxy/options.h"

/* One parse. Life: one call of alb_imgproxy_request_parse or one preset's check. */
struct alb_imgproxy_parser {
    const struct alb_imgproxy_setting *set;
    const struct alb_imgproxy_config *config;
    struct alb_arena *arena;
    struct alb_imgproxy_request *request;
    struct alb_err *err;
    size_t applied;
    struct alb_str stack[ALB_IMGPROXY_NESTING_MAX]; /* presets that are being applied */
    size_t depth;
};

enum alb_imgproxy_scope { ALB_IMGPROXY_OF_PIPELINE, ALB_IMGPROXY_OF_REQUEST, ALB_IMGPROXY_OF_INFO };

struct alb_imgproxy_option {
    struct alb_imgproxy_parser *parser;
    const struct alb_imgproxy_row *row;
    struct alb_str name; /* as written */
    size_t index;        /* of the pipeline */
    struct alb_imgproxy_pipeline *pipe;
    struct alb_imgproxy_request *request;
    struct alb_str arg[ALB_IMGPROXY_ARGS_MAX];
    size_t args; /* >= 1 */
};
typedef enum alb_imgproxy_refusal alb_imgproxy_option_fn(struct alb_imgproxy_option *o);

#define ALB_IMGPROXY_NAMES 3
/* name[0] is the long one. A row with one value says where it goes (offset in its scope) and its range or
 * words. */
struct alb_imgproxy_row {
    const char *name[ALB_IMGPROXY_NAMES];
    uint8_t least, most; /* arguments; an option without any is no option but a source */
    enum alb_imgproxy_scope scope;
    uint32_t given; /* bits of the scope's `given` */
    alb_imgproxy_option_fn *parse;
    size_t offset;
    double low, high;
    const struct alb_imgproxy_word *words;
};
const struct alb_imgproxy_row *alb_imgproxy_row_find(bool info, struct alb_str name);

#define ALB_IMGPROXY_TRY(call)                                                                               \
    do {                                                                                                     \
        enum alb_imgproxy_refusal try_ = (call);                                                             \
        if (try_ != ALB_IMGPROXY_FINE)                                                                       \
            return try_;                                                                                     \
    } while (0)

/* Arguments by number; each refuses with a text that names option, argument and what would be right. */
static inline bool alb_imgproxy_has(const struct alb_imgproxy_option *o, size_t i)
{
    return i < o->args && o->arg[i].n > 0;
}
enum alb_imgproxy_refusal alb_imgproxy_arg_int(struct alb_imgproxy_option *o, size_t i, int64_t low,
                                               int64_t high, int64_t *out);
enum alb_imgproxy_refusal alb_imgproxy_arg_float(struct alb_imgproxy_option *o, size_t i, double low,
                                                 double high, double *out);
enum alb_imgproxy_refusal alb_imgproxy_arg_above(struct alb_imgproxy_option *o, size_t i,
                                                 double *out); /* > 0 */
/* What is no boolean is false, and a warning. */
enum alb_imgproxy_refusal alb_imgproxy_arg_bool(struct alb_imgproxy_option *o, size_t i, bool *out);
enum alb_imgproxy_refusal alb_imgproxy_arg_colour(struct alb_imgproxy_option *o, size_t i, uint32_t *out);
enum alb_imgproxy_refusal alb_imgproxy_arg_word(struct alb_imgproxy_option *o, size_t i,
                                                const struct alb_imgproxy_word *words, int *out);
/* base64url of at most max bytes; an empty argument gives the empty view. */
enum alb_imgproxy_refusal alb_imgproxy_arg_base64(struct alb_imgproxy_option *o, size_t i, size_t max,
                                                  struct alb_str *out);
enum alb_imgproxy_refusal alb_imgproxy_arg_angle(struct alb_imgproxy_option *o, size_t i,
                                                 double *out); /* 0..360 */
/* type[:x[:y]] from argument i on; `allowed`: bits 1 << place. */
enum alb_imgproxy_refusal alb_imgproxy_arg_gravity(struct alb_imgproxy_option *o, size_t i, uint32_t allowed,
                                                   struct alb_imgproxy_gravity *out);
enum alb_imgproxy_refusal alb_imgproxy_arg_wrong(struct alb_imgproxy_option *o, size_t i,
                                                 const char *expected);
enum alb_imgproxy_refusal alb_imgproxy_args_wrong(struct alb_imgproxy_option *o, const char *expected);
enum alb_imgproxy_refusal alb_imgproxy_out_of_memory(struct alb_imgproxy_option *o);
void alb_imgproxy_warn(struct alb_imgproxy_parser *p, const char *fmt, ...) ALB_PRINTF(2, 3);

#define ALB_IMGPROXY_PLACES_COMMON                                                                           \
    (1U << ALB_IMGPROXY_CE | 1U << ALB_IMGPROXY_NO | 1U << ALB_IMGPROXY_EA | 1U << ALB_IMGPROXY_SO |         \
     1U << ALB_IMGPROXY_WE | 1U << ALB_IMGPROXY_NOWE | 1U << ALB_IMGPROXY_NOEA | 1U << ALB_IMGPROXY_SOWE |   \
     1U << ALB_IMGPROXY_SOEA)
#define ALB_IMGPROXY_PLACES_CROP (ALB_IMGPROXY_PLACES_COMMON | 1U << ALB_IMGPROXY_SM | 1U << ALB_IMGPROXY_FP)
#define ALB_IMGPROXY_PLACES_EXTEND (ALB_IMGPROXY_PLACES_COMMON | 1U << ALB_IMGPROXY_FP)
#define ALB_IMGPROXY_PLACES_MARK (ALB_IMGPROXY_PLACES_COMMON | 1U << ALB_IMGPROXY_RE | 1U << ALB_IMGPROXY_CH)

/* Rows of one value: range and place are in the row. */
alb_imgproxy_option_fn alb_imgproxy_take_int, alb_imgproxy_take_float, alb_imgproxy_take_above,
    alb_imgproxy_take_bool, alb_imgproxy_take_word;
/* options_size.c */
alb_imgproxy_option_fn alb_imgproxy_take_resize, alb_imgproxy_take_size, alb_imgproxy_take_zoom,
    alb_imgproxy_take_extend, alb_imgproxy_take_gravity, alb_imgproxy_take_crop, alb_imgproxy_take_crop_ratio,
    alb_imgproxy_take_trim, alb_imgproxy_take_padding, alb_imgproxy_take_rotate, alb_imgproxy_take_flip;
/* options_effect.c */
alb_imgproxy_option_fn alb_imgproxy_take_background, alb_imgproxy_take_adjust, alb_imgproxy_take_brightness,
    alb_imgproxy_take_monochrome, alb_imgproxy_take_duotone, alb_imgproxy_take_unsharp,
    alb_imgproxy_take_blur_areas, alb_imgproxy_take_progressive_blur, alb_imgproxy_take_colorize,
    alb_imgproxy_take_gradient, alb_imgproxy_take_watermark, alb_imgproxy_take_watermark_url,
    alb_imgproxy_take_watermark_text, alb_imgproxy_take_watermark_size, alb_imgproxy_take_watermark_rotate;
/* options_save.c */
alb_imgproxy_option_fn alb_imgproxy_take_quality, alb_imgproxy_take_format_quality, alb_imgproxy_take_format,
    alb_imgproxy_take_autoquality, alb_imgproxy_take_jpeg, alb_imgproxy_take_png, alb_imgproxy_take_webp,
    alb_imgproxy_take_style, alb_imgproxy_take_profile;
/* options_request.c */
alb_imgproxy_option_fn alb_imgproxy_take_video_tile, alb_imgproxy_take_video_animation,
    alb_imgproxy_take_fallback, alb_imgproxy_take_skip, alb_imgproxy_take_text, alb_imgproxy_take_bypass,
    alb_imgproxy_take_tags, alb_imgproxy_take_expires, alb_imgproxy_take_filename, alb_imgproxy_take_hashsum,
    alb_imgproxy_take_limit, alb_imgproxy_take_resolution, alb_imgproxy_take_learning;
/* options_info.c */
alb_imgproxy_option_fn alb_imgproxy_take_two_bools, alb_imgproxy_take_info_off, alb_imgproxy_take_info_crop,
    alb_imgproxy_take_palette, alb_imgproxy_take_blurhash, alb_imgproxy_take_hashes;
/* preset.c */
alb_imgproxy_option_fn alb_imgproxy_take_preset;
/* The named preset, at pipeline `index`. */
enum alb_imgproxy_refusal alb_imgproxy_apply_preset(struct alb_imgproxy_parser *p, struct alb_str name,
                                                    size_t index);
/* Segments with "/" between, the first of them in pipeline `index`; trusted: the list of allowed options does
 * not hold (presets). */
enum alb_imgproxy_refusal alb_imgproxy_apply(struct alb_imgproxy_parser *p, struct alb_str options,
                                             size_t index, bool trusted);
enum alb_imgproxy_refusal alb_imgproxy_request_init(const struct alb_imgproxy_setting *set, bool info,
                                                    struct alb_imgproxy_request *r, struct alb_err *err);

/* A format of results, by name; pdf and mp4 are refused. */
enum alb_imgproxy_refusal alb_imgproxy_set_format(struct alb_imgproxy_parser *p, struct alb_str name);

#endif
