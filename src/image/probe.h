/* SPDX-License-Identifier: Apache-2.0
 *
 * What the darkroom's probe says of a file: its type by content, header, metadata and a placeholder. A probe
 * reads the whole picture once, at a reduced size where the format allows, so it also knows whether the
 * content is damaged: a known type is never thrown away (it may be the only copy), it is told to be damaged.
 *
 * A probe is an immutable value with its own memory; free it with alb_probe_free. One thread at a time until
 * it is shared read-only.
 */
#ifndef ALB_IMAGE_PROBE_H
#define ALB_IMAGE_PROBE_H

#include "image/look.h"
#include "image/plan.h"
#include "meta/meta.h"

#define ALB_THUMBHASH_MAX 32

struct alb_probe {
    enum alb_type type; /* UNKNOWN: nothing below is set */
    bool damaged;       /* the content cannot be decoded to its end (width may be 0) */
    bool not_looked;    /* pixels were not decoded: over a limit, a video, or a kind we cannot show */
    struct alb_image_header header;
    struct alb_meta meta;                 /* orientation as in the header */
    uint8_t thumbhash[ALB_THUMBHASH_MAX]; /* of the picture as shown */
    size_t thumbhash_len;                 /* 0 = none */
    /* The picture as shown, small: RGBA, 4 bytes a pixel, sRGB (look.h); 0 x 0 = none. In the arena. */
    uint32_t small_width, small_height;
    const uint8_t *small;
    char note[160]; /* why damaged or not looked at, for the log; printable */
    /* private */
    struct alb_arena *arena;
};
void alb_probe_free(struct alb_probe **p);

/* Worker to server. unpack checks every value; INVALID. */
#define ALB_PROBE_SMALL_MAX (4 * ALB_LOOK_SIDE * ALB_LOOK_SIDE)
#define ALB_PROBE_PACKED_MAX (ALB_META_PACKED_MAX + ALB_PROBE_SMALL_MAX + 4096)
void alb_probe_pack(const struct alb_probe *p, struct alb_buf *out);
enum alb_code alb_probe_unpack(struct alb_str s, struct alb_probe **out, struct alb_err *err) ALB_MUST_CHECK;

/* Header and back, for the catalog: a row keeps the header as these bytes. unpack checks every value. */
#define ALB_HEADER_PACKED_MAX 96
void alb_header_pack(const struct alb_image_header *h, struct alb_buf *out);
enum alb_code alb_header_unpack(struct alb_str s, struct alb_image_header *out,
                                struct alb_err *err) ALB_MUST_CHECK;

#endif
