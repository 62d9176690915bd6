/* SPDX-License-Identifier: Apache-2.0
 *
 * The upkeep of a server's disk caches, as its options want it: of results and of copies of sources (each may be NULL).
 */
#ifndef ALB_CMD_UPKEEP_H
#define ALB_CMD_UPKEEP_H

#include "base/options.h"
#include "blob/keeper.h"

struct alb_origins;

enum alb_code alb_upkeep_start(const struct alb_options *options, struct alb_cache *results,
                               struct alb_origins *origins, struct alb_keeper **keeper,
                               struct alb_err *err) ALB_MUST_CHECK;

#endif
