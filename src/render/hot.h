/* SPDX-License-Identifier: Apache-2.0
 *
 * The hot cache: finished pictures in memory, so that the event loop can answer without any I/O.
 * Sixteen shards by key, each with two queues (after S3-FIFO, Yang et al., SOSP 2023, without its ghost
 * queue): a newcomer goes into a small trial queue and moves to the main queue only if it was asked for again
 * before its turn came, so one long scroll through the timeline cannot flush what people look at. Hits set a
 * counter and move nothing.
 * Bounded in bytes (bodies plus a fixed cost per entry), and in age by who asks. What is evicted lives on while
 * somebody sends it.
 * Threads: any. Lock: HOT_CACHE per shard; pictures are dropped outside of it.
 */
#ifndef ALB_RENDER_HOT_H
#define ALB_RENDER_HOT_H

#include "base/flight.h"

struct alb_hot_cache;
struct alb_picture;

struct alb_hot_cache *alb_hot_cache_new(size_t max_bytes) ALB_MUST_CHECK; /* NULL: no memory */
void alb_hot_cache_free(struct alb_hot_cache **cache);
/* A reference, or NULL. What was made before `oldest_ms` (wall; 0: any time will do) is thrown out. */
struct alb_picture *alb_hot_cache_get(struct alb_hot_cache *c, const struct alb_flight_key *key,
                                      int64_t oldest_ms);
/* Keeps a reference of its own. False: not kept, being too large (a tenth of a shard) or for lack of
 * memory. */
bool alb_hot_cache_put(struct alb_hot_cache *c, const struct alb_flight_key *key, struct alb_picture *p);
bool alb_hot_cache_takes(const struct alb_hot_cache *c, size_t n); /* n bytes are not too large */
void alb_hot_cache_clear(struct alb_hot_cache *c);
size_t alb_hot_cache_bytes(struct alb_hot_cache *c);

#endif
