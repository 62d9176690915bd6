/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator of the thumbor door may say. A plain value; its texts live as long as whoever made it says. imagor's
 * own defaults are what alb_thumbor_config_init sets.
 */
#ifndef ALB_DOORS_THUMBOR_CONFIG_H
#define ALB_DOORS_THUMBOR_CONFIG_H

#include "doors/thumbor/filters.h"
#include "doors/thumbor/sign.h"

struct alb_thumbor_config {
    struct alb_thumbor_signer signer;
    bool allow_unsafe;          /* "unsafe/" is as good as a signature */
    struct alb_str base_params; /* applied on top of every URL; empty: none */
    bool auto_webp, auto_avif, auto_jpeg;
    struct alb_thumbor_rules rules;
    bool strip_metadata, strip_icc, mozjpeg;
    int64_t avif_speed;                            /* 0..9 */
    int64_t max_width, max_height, max_resolution; /* pixels, of results; the last one of sources too */
    int64_t max_frames;                            /* of an animation; below 0: all */
    int64_t ttl, swr;                              /* s, of answers */
    int64_t timeout;                               /* ms, of a request */
    bool no_cache, disable_error_body, disable_params;
    struct alb_str default_scheme; /* of images without one; "nil": none */
};

static inline void alb_thumbor_config_init(struct alb_thumbor_config *c)
{
    *c = (struct alb_thumbor_config){
        .signer = {.kind = ALB_HASH_SHA1},
        .avif_speed = 8,
        .max_width = 9999,
        .max_height = 9999,
        .max_resolution = 81000000,
        .max_frames = -1,
        .ttl = (int64_t)7 * 24 * 3600,
        .swr = (int64_t)24 * 3600,
        .timeout = 30000,
        .default_scheme = ALB_STR("https"),
    };
}

#endif
