/* SPDX-License-Identifier: Apache-2.0
 *
 * What the options of `albumen serve` may say: rooms rely on it, so what is out of range is an error in the words of
 * the option, at once, and not a crash or a server that refuses everything (law 7). Ranges that belong to one
 * room alone are that room's (image/limits.c).
 */
#ifndef ALB_CMD_RANGES_H
#define ALB_CMD_RANGES_H

#include "base/options.h"

enum alb_code alb_ranges_check(const struct alb_options *options, struct alb_err *err) ALB_MUST_CHECK;

#endif
