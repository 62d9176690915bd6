/* SPDX-License-Identifier: Apache-2.0
 *
 * The upkeep of a server's disk caches, as its options want it: of results and of copies of sources (each may be NULL).
 */
#ifndef ALB_CMD_UPKEEP_H
#define ALB_CMD_UPKEEP_H

#include "base/options.h"
#include "blob/keeper.h"

struct alb_origins;
struct alb_render;
struct alb_render_scrub;

/* Borrowed until the keeper has stopped; each may be NULL. */
struct alb_upkeep {
    struct alb_cache *results;
    struct alb_purges *purges;
    struct alb_render *render;
    struct alb_origins *origins;
};
enum alb_code alb_upkeep_start(const struct alb_options *options, struct alb_upkeep *upkeep,
                               struct alb_keeper **keeper, struct alb_err *err) ALB_MUST_CHECK;

/* For the doors: what the scrub of `keeper`, which is a struct alb_keeper ** (NULL: not yet), is at. */
struct alb_render_scrub alb_upkeep_scrub(void *keeper);

struct alb_claims;
/* Claims on what processes that share the caches below `dirfd` make there; NULL where the system has not what it takes,
 * which is logged. */
void alb_upkeep_open_claims(int dirfd, struct alb_claims **claims);
/* The list of purges of these caches; tmp/ exists. A disk that it cannot be made on is logged, and *purges is NULL:
 * then nothing can be purged. */
void alb_upkeep_open_purges(int dirfd, bool shared, struct alb_purges **purges);

#endif
