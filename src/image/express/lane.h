/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: the express lane, the second executor of plans beside general.h. It does the common ones only (one
 * page, crop, resize, turn, ground, between JPEG, PNG, WebP and AVIF), row by row through code of our own (rows.h), and
 * does them exactly: sizes and places are the plan's, pixels are those of the general executor within rounding (or
 * better where that one shrinks coarsely).
 *
 * Linear light of whole pictures: where JPEG, WebP or AVIF of 8 bits in YCC are reduced by 3.5 and more in both
 * directions for a lossy result, pixels are halved first on their way to light (ycc_light.h), with a quarter of the
 * work left after it. That takes nothing from photographs of 2040 pixels reduced to 512 as JPEG of quality 80
 * (SSIMULACRA2, 8 of them); a lossless result would lose 1.1 points of 96.8.
 *
 * Falling back: alb_express_takes looks at the plan alone. What only the file tells (CMYK, a profile that needs a
 * transform, odd subsampling, damage in the middle) makes alb_express_render say UNSUPPORTED, at any time before the
 * first byte of the result is written; the caller then gives the same plan to the general executor.
 */
#ifndef ALB_IMAGE_EXPRESS_LANE_H
#define ALB_IMAGE_EXPRESS_LANE_H

#include "image/express/rows.h"

/* Pure: the steps are all of those that the lane knows. */
bool alb_express_takes(const struct alb_plan *plan);

/* Writes the encoded picture to result_fd. Nothing was written unless OK or an error of the file itself.
 * UNSUPPORTED: not for this lane, ask the general executor. Resets the scratch. */
enum alb_code alb_express_render(struct alb_express *x, const struct alb_plan *plan, struct alb_str source,
                                 int result_fd, uint64_t result_max, struct alb_err *err) ALB_MUST_CHECK;

#endif
