/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to base: numbers that every thread adds to are kept in shards, one cache line apart, so that
 * counting never makes two cores wait for each other. Each thread gets a shard at its first count.
 */
#ifndef ALB_BASE_SHARD_H
#define ALB_BASE_SHARD_H

#include "base/attr.h"

#define ALB_SHARDS 16U
#define ALB_CACHE_LINE 64

unsigned alb_shard_of_thread(void); /* < ALB_SHARDS, the same for the life of the thread */

#endif
