/* SPDX-License-Identifier: Apache-2.0
 *
 * The standard sizes of albumen's own page and of the doors that name sizes by word. One place, so that jobs
 * warm exactly what people will ask for. Pure; any thread.
 */
#ifndef ALB_RENDER_SIZES_H
#define ALB_RENDER_SIZES_H

#include "image/plan.h"

struct alb_source;

enum alb_size {
    ALB_SIZE_THUMBNAIL, /* inside 512 x 512 */
    ALB_SIZE_PREVIEW,   /* inside 1440 x 1440 */
    ALB_SIZE_FULL,      /* every pixel, as a format that every browser shows */
    ALB_SIZE_COUNT
};
/* JPEG for what is opaque, WebP for what has transparency or moves (above the thumbnail; an animation over
 * the default limits is shown by its first frame). */
void alb_size_options(enum alb_size size, const struct alb_source *source, struct alb_plan_options *out);

#endif
