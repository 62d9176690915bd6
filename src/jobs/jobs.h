/* SPDX-License-Identifier: Apache-2.0
 *
 * Background work that never fights the people using albumen.
 *
 * Runners lease jobs from the durable queue of the catalog (library/job.h) and run them, one at a time each,
 * on threads of their own. What they render is of the background class: it takes at most half of the render
 * slots, and none while somebody waits for a picture. A job writes only its own layer, compare-and-set on the
 * revision it read (law 6). A lease that a dead process held comes back by itself.
 * The janitor does what comes round: ends old sessions and overdue leases, expires uploads and offers
 * complete ones again, purges the trash, forgets old changes, operations and failed jobs, buries and removes
 * originals that nobody refers to, sweeps files without a row.
 *
 * Kinds of jobs: one file each, registered in tbl_kinds (runner.c).
 * Threads: start, stop, notice and look from any; runners and the janitor are threads of this room, which may
 * wait. Lock: JOBS (the runners' sleep).
 */
#ifndef ALB_JOBS_JOBS_H
#define ALB_JOBS_JOBS_H

#include "base/clock.h"
#include "base/err.h"

struct alb_blob_store;
struct alb_jobs;
struct alb_library;
struct alb_render;
struct alb_uploads;

#define ALB_HISTORY_ROWS_MAX 1000000 /* changes, operations and failed jobs that are kept at most, of each   \
                                      */

struct alb_jobs_config {
    const struct alb_clock *clock;
    struct alb_library *library;
    struct alb_render *render;
    struct alb_blob_store *store;
    struct alb_uploads *uploads;
    unsigned runners; /* 0: half of the processors, at least 1 */
    int64_t trash_ms; /* an asset is purged after this time in the trash; <= 0: never */
    int64_t grace_ms; /* a file without a row is swept after this time */
    int64_t
        keep_ms; /* changes, ended operations and failed jobs are forgotten after this time; <= 0: never */
};
enum alb_code alb_jobs_start(const struct alb_jobs_config *config, struct alb_jobs **out,
                             struct alb_err *err) ALB_MUST_CHECK;
/* Runners leave what they wait for and give back what they hold, then end; joins them. Blocks, shortly.
 * Notices may still come. */
void alb_jobs_stop(struct alb_jobs *jobs);
void alb_jobs_free(struct alb_jobs **jobs); /* stopped, and no notice comes any more */
/* There are new or released jobs: for alb_library_on_notice. Short. */
void alb_jobs_notice(struct alb_jobs *jobs);

struct alb_jobs_view {
    unsigned runners, busy;
    uint64_t done, failed;
};
struct alb_jobs_view alb_jobs_look(struct alb_jobs *jobs);

#endif
