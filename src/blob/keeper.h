/* SPDX-License-Identifier: Apache-2.0
 *
 * The upkeep of caches of derived files: one thread that tends them (alb_cache_tend), and reads all that they keep,
 * slowly and again and again (the scrub), so that damage is found before somebody asks: the damaged file goes to
 * quarantine and is made again when it is wanted. Nobody waits for it.
 *
 * The scrub reads `scrub_rate` bytes a second at most, all caches together, in pieces; a round begins `scrub_pause_ns`
 * after the one before has ended. A process that is stopped in the middle of a round begins a new one. Of several
 * processes on one folder each has its own; that costs reading, no more.
 *
 * After a purge (blob/purges.h) it removes the files that it touches, and again when all that was in work then has
 * ended; then the purge is retired: not before a disk has let all of them go, durably.
 *
 * Thread: `cache-keeper`. Lock: CACHE_KEEPER, for its sleep and its counts only.
 */
#ifndef ALB_BLOB_KEEPER_H
#define ALB_BLOB_KEEPER_H

#include "blob/cache.h"
#include "blob/purges.h"

#define ALB_KEEPER_CACHES 4

struct alb_keeper;
struct alb_keeper_config {
    struct alb_cache *caches[ALB_KEEPER_CACHES]; /* borrowed; NULLs are passed over */
    struct alb_purges *purges;                   /* borrowed; NULL: none */
    void (*retired)(void *arg); /* purges are: what is kept in memory may be of their time */
    void *arg;
    int64_t scrub_rate; /* bytes a second; 0: no scrub */
    int64_t scrub_pause_ns;
};
enum alb_code alb_keeper_start(const struct alb_keeper_config *config, struct alb_keeper **keeper,
                               struct alb_err *err) ALB_MUST_CHECK;
/* Before the caches are closed. Ends within the reading of a piece. */
void alb_keeper_stop(struct alb_keeper **keeper);
/* A round of the scrub begins now, if it was pausing. */
void alb_keeper_hurry(struct alb_keeper *keeper);

struct alb_keeper_view {
    uint64_t rounds;                      /* ended */
    struct alb_cache_checked now, before; /* of the round that goes on, and of the one that ended last */
};
struct alb_keeper_view alb_keeper_look(struct alb_keeper *keeper);

#endif
