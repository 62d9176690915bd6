/* SPDX-License-Identifier: Apache-2.0
 *
 * The library: assets, layers, albums, tags, rights, people and their keys (one data model under five doors).
 * The only room that doors, ingest and jobs ask for data; they never see the catalog's functions, only its
 * types. Rules live here: who may see and do what, what a duplicate is, what deleting means.
 *
 * Reads are short synchronous functions for io threads and threads of their own: one snapshot each, results
 * in the caller's arena (its cap bounds a page). Never on an event loop. The `_hot` functions are for event
 * loops: memory only, no SQL, no wait.
 * Writes return a future (`struct alb_future **future`, a reference for the caller) that is settled after the
 * change is durable; its result object is named at the function (struct alb_done if nothing is). Arguments
 * are copied before the function returns. BUSY when the catalog's queue is full. Refusals by rule (FORBIDDEN,
 * NOT_FOUND, CONFLICT …) come through the future, because rules are checked inside the transaction.
 * Command lines and tests wait with alb_library_await.
 *
 * Rights memo: positive answers of resolve and of token look-ups are remembered in memory, tagged with the
 * rights epoch and the asset's generation as they were before the snapshot was opened. The writer raises both
 * after each commit, before it acknowledges (hook of catalog.h): an answer that a finished write has made
 * wrong is never given again.
 *
 * Threads: any, unless said. Locks: LIBRARY_MEMO (shards, short). Absent data is always "no".
 */
#ifndef ALB_LIBRARY_LIBRARY_H
#define ALB_LIBRARY_LIBRARY_H

#include "catalog/catalog.h"
#include "catalog/compact.h" /* struct alb_keep */
#include "catalog/types.h"
#include "library/throttle.h"

struct alb_library;

struct alb_library_config {
    struct alb_catalog *catalog;   /* borrow; closed after the library */
    const struct alb_clock *clock; /* NULL = real */
    bool guests;                   /* guests see the public gallery */
    unsigned memo_entries;         /* rights memo; 0 = 16384 */
    unsigned password_threads;     /* lane for argon2id; 0 = 1 */
    unsigned password_queue;       /* sign-ins that may wait; 0 = 64 */
    uint64_t password_ops;         /* argon2id passes; 0 = libsodium's interactive limits */
    uint64_t password_mem;         /* bytes */
    int64_t session_ms;            /* a session ends after this time without use; 0 = 400 days */
    struct alb_throttle_config throttle; /* of wrong passwords */
};
/* Takes over the catalog's commit hook, gives back leases of jobs that a dead process held, and takes up
 * unfinished operations. Where waiting is allowed. */
enum alb_code alb_library_open(const struct alb_library_config *config, struct alb_library **lib,
                               struct alb_err *err) ALB_MUST_CHECK;
void alb_library_close(struct alb_library **lib); /* ends the password lane, flushes what is written behind */

/* Call about every 30 s (timer + a thread that may read): writes last-used times, ends expired sessions, returns
 * overdue job leases, takes up operations that a failed write left half done. Queues units, does not wait. */
void alb_library_tick(struct alb_library *lib);

/* Forgets what was kept long enough: changes of the feed, ended operations, failed jobs; in slices, until
 * nothing more is to go. Result alb_done. */
enum alb_code alb_library_compact(struct alb_library *lib, const struct alb_keep *keep,
                                  struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* Told after commits that added or released jobs / changed anything. On the writer thread, short. Set once,
 * before the first write. */
typedef void alb_library_notice_fn(void *ctx, bool jobs, int64_t last_change);
void alb_library_on_notice(struct alb_library *lib, alb_library_notice_fn *fn, void *ctx);

/* The plain result of a write. */
struct alb_done {
    struct alb_obj obj;
    int64_t id;    /* of what was made or changed, 0 if there is none */
    int64_t count; /* things changed */
    struct alb_uuid uuid;
};
/* Waits for *future (take), gives its result (a reference; NULL pointer = not wanted). Not on io threads. */
enum alb_code alb_library_await(struct alb_future **future, struct alb_obj **result,
                                struct alb_err *err) ALB_MUST_CHECK;

/* Checks the catalog (catalog.h, alb_catalog_check) through the library; for `albumen check`. */
enum alb_code alb_library_check(struct alb_library *lib, bool repair, alb_catalog_report_fn *report,
                                void *ctx, uint64_t *problems, struct alb_err *err) ALB_MUST_CHECK;
/* Health: state of the writer and the queue. */
struct alb_catalog_view alb_library_look(struct alb_library *lib);

#endif
