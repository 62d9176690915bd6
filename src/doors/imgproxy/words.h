/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of imgproxy's language as enums: formats, resize types, gravities and the rest, each with the
 * table that reads and prints it. Names are exact and lower case, as imgproxy's are. Pure; any thread.
 */
#ifndef ALB_DOORS_IMGPROXY_WORDS_H
#define ALB_DOORS_IMGPROXY_WORDS_H

#include "base/str.h"

/* Formats of results and of the lists that name formats; "jpg" and "jpeg" are one. */
enum alb_imgproxy_format {
    ALB_IMGPROXY_FORMAT_NONE, /* not said: decided by negotiation */
    ALB_IMGPROXY_JPEG,
    ALB_IMGPROXY_JXL,
    ALB_IMGPROXY_PNG,
    ALB_IMGPROXY_WEBP,
    ALB_IMGPROXY_GIF,
    ALB_IMGPROXY_ICO,
    ALB_IMGPROXY_SVG,
    ALB_IMGPROXY_HEIC,
    ALB_IMGPROXY_AVIF,
    ALB_IMGPROXY_BMP,
    ALB_IMGPROXY_TIFF,
    ALB_IMGPROXY_PDF,  /* of sources only: nothing writes it */
    ALB_IMGPROXY_MP4,  /* of sources only */
    ALB_IMGPROXY_BEST, /* try the candidates */
    ALB_IMGPROXY_FORMATS
};
#define ALB_IMGPROXY_FORMAT_BIT(f) ((uint32_t)1 << (f))

enum alb_imgproxy_resize {
    ALB_IMGPROXY_FIT,
    ALB_IMGPROXY_FILL,
    ALB_IMGPROXY_FILL_DOWN,
    ALB_IMGPROXY_FORCE,
    ALB_IMGPROXY_AUTO,
};
enum alb_imgproxy_kernel {
    ALB_IMGPROXY_NEAREST,
    ALB_IMGPROXY_LINEAR,
    ALB_IMGPROXY_CUBIC,
    ALB_IMGPROXY_LANCZOS2,
    ALB_IMGPROXY_LANCZOS3,
};
enum alb_imgproxy_place {
    ALB_IMGPROXY_NOWHERE, /* not said */
    ALB_IMGPROXY_CE,
    ALB_IMGPROXY_NO,
    ALB_IMGPROXY_EA,
    ALB_IMGPROXY_SO,
    ALB_IMGPROXY_WE,
    ALB_IMGPROXY_NOWE,
    ALB_IMGPROXY_NOEA,
    ALB_IMGPROXY_SOWE,
    ALB_IMGPROXY_SOEA,
    ALB_IMGPROXY_SM, /* smart */
    ALB_IMGPROXY_FP, /* focus point: x and y, 0..1 */
    ALB_IMGPROXY_RE, /* watermarks: tiles */
    ALB_IMGPROXY_CH, /* watermarks: tiles like a chessboard */
};
enum alb_imgproxy_unsharp {
    ALB_IMGPROXY_UNSHARP_AUTO,
    ALB_IMGPROXY_UNSHARP_NONE,
    ALB_IMGPROXY_UNSHARP_ALWAYS
};
enum alb_imgproxy_aq { ALB_IMGPROXY_AQ_NONE, ALB_IMGPROXY_AQ_SIZE, ALB_IMGPROXY_AQ_DSSIM };
enum alb_imgproxy_webp { ALB_IMGPROXY_LOSSY, ALB_IMGPROXY_NEAR_LOSSLESS, ALB_IMGPROXY_LOSSLESS };
enum alb_imgproxy_webp_preset {
    ALB_IMGPROXY_PRESET_DEFAULT,
    ALB_IMGPROXY_PRESET_PICTURE,
    ALB_IMGPROXY_PRESET_PHOTO,
    ALB_IMGPROXY_PRESET_DRAWING,
    ALB_IMGPROXY_PRESET_ICON,
    ALB_IMGPROXY_PRESET_TEXT,
};
enum alb_imgproxy_subsample {
    ALB_IMGPROXY_SUBSAMPLE_AUTO,
    ALB_IMGPROXY_SUBSAMPLE_ON,
    ALB_IMGPROXY_SUBSAMPLE_OFF
};
enum alb_imgproxy_hash {
    ALB_IMGPROXY_HASH_NONE,
    ALB_IMGPROXY_HASH_MD5,
    ALB_IMGPROXY_HASH_SHA1,
    ALB_IMGPROXY_HASH_SHA256,
    ALB_IMGPROXY_HASH_SHA512,
};

/* A list of words: name -> value; ends with a NULL name. The first name of a value is the one that is
 * printed. */
struct alb_imgproxy_word {
    const char *name;
    int value;
};
extern const struct alb_imgproxy_word alb_imgproxy_formats[], alb_imgproxy_resizes[], alb_imgproxy_kernels[],
    alb_imgproxy_places[], alb_imgproxy_unsharps[], alb_imgproxy_aqs[], alb_imgproxy_webps[],
    alb_imgproxy_webp_presets[], alb_imgproxy_subsamples[], alb_imgproxy_hashes[];

bool alb_imgproxy_word(const struct alb_imgproxy_word *words, struct alb_str s, int *value) ALB_MUST_CHECK;
const char *alb_imgproxy_word_name(const struct alb_imgproxy_word *words,
                                   int value); /* "?" if there is none */

/* Numbers as Go reads them. Integers: sign, digits, 64 bits. Floats: sign, digits, point, exponent,
 * hexadecimal, "_" between digits; never NaN, never an infinity. Booleans: 1 t T TRUE true True and their
 * opposites. */
bool alb_imgproxy_int(struct alb_str s, int64_t *out) ALB_MUST_CHECK;
bool alb_imgproxy_float(struct alb_str s, double *out) ALB_MUST_CHECK;
bool alb_imgproxy_bool(struct alb_str s, bool *out) ALB_MUST_CHECK;
/* fff or ffffff, any case: 0xRRGGBB */
bool alb_imgproxy_colour(struct alb_str s, uint32_t *out) ALB_MUST_CHECK;

#endif
