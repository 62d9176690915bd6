/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: several frames of a video as one picture, or as the frames of an animation (struct alb_plan_tiles).
 */
#ifndef ALB_IMAGE_GENERAL_TILES_H
#define ALB_IMAGE_GENERAL_TILES_H

#include <vips/vips.h>

#include "image/load.h"

/* What a LOAD step with tiles says: a sheet, or one tall picture with page height and delays. Tiles for which there is
 * no frame are black. size_only: a picture without pixels, as large as the tiles that have a time within the video.
 * NULL: UNPROCESSABLE if no frame can be decoded at all, or the code of what failed. */
VipsImage *alb_tiles_open(const struct alb_plan_step *load, struct alb_str bytes, bool size_only,
                          struct alb_err *err) ALB_MUST_CHECK;

#endif
