/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the operator's door share (contract: ops.h).
 */
#ifndef ALB_DOORS_OPS_PRIV_H
#define ALB_DOORS_OPS_PRIV_H

#include "doors/ops/ops.h"

/* cache.c: GET /cache/stats, of an administrator. */
enum alb_step alb_ops_cache_stats(struct alb_req *req);
/* purges.c: POST /cache/purge and GET /cache/purges, of an administrator. */
enum alb_step alb_ops_purge(struct alb_req *req);
enum alb_step alb_ops_purges(struct alb_req *req);

#endif
