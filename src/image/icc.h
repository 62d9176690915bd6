/* SPDX-License-Identifier: Apache-2.0
 *
 * What kind of colour profile is this? Decides whether a picture must be converted at all: most say sRGB in
 * one of many ways, and are recognised by what they do (primaries and tone curve), not by their name. Pure,
 * for hostile bytes; any thread.
 */
#ifndef ALB_IMAGE_ICC_H
#define ALB_IMAGE_ICC_H

#include "base/str.h"
#include "image/plan.h"

enum alb_icc alb_icc_kind(struct alb_str profile); /* empty: ALB_ICC_NONE */

#endif
