/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to doors/ops: the handlers below /cache/ that are not in ops.c (what they answer: ops.h). On the pool.
 */
#ifndef ALB_DOORS_OPS_CACHE_H
#define ALB_DOORS_OPS_CACHE_H

#include "doors/ops/ops.h"

enum alb_step alb_ops_cache_stats(struct alb_req *req);

#endif
