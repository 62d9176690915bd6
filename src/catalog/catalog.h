/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog: everything albumen knows, in one SQLite database (WAL, synchronous=FULL) below the data
 * folder. This header is the engine: open, write, read, check. The questions and commands themselves are
 * typed functions in catalog/user.h, asset.h, album.h …; no SQL exists outside this room, and only `library`
 * and `jobs` call it.
 *
 * Writing. A write is a *unit*: a function of (tx, args) without any other effect, so that it may be run
 * again. Units queue (bounded), one writer thread takes what has gathered and runs each unit in its own
 * SAVEPOINT inside one transaction: group commit. A unit that fails undoes only itself. When the COMMIT is on
 * disk, and not before, the commit hook is called and then every unit's future is settled (law 5). If the
 * transaction as a whole cannot go on (disk full, I/O error, no memory) every unit of the group fails with
 * the mapped code and the database is as it was before the group.
 *
 *   queued --taken--> running --ok--> in the open group --COMMIT durable--> hook, then settled
 *                        |                 |   \--COMMIT failed--> ROLLBACK, all of the group fail(code)
 *                        |                 \--asked for more (alb_tx_again)--> queued again after the COMMIT
 *                        \--error--> ROLLBACK TO its savepoint, fail(code) after the COMMIT of the others
 *
 * Reading. alb_catalog_read takes a connection from a bounded pool and opens a snapshot; the caller asks its
 * questions and gives it back at once. A snapshot is never held over a wait and never outlives a page; it is
 * interrupted (TIMEOUT) after read_limit_ns.
 *
 * Derived data (effective values, counters, change feed) is kept by the commands of this room inside the same
 * transaction: a caller cannot change a thing and forget what is counted from it (law 6).
 *
 * Threads: alb_catalog_write*, _read, _look from any; the writer and the checkpointer are threads of this
 * room. Locks: CATALOG_QUEUE (queue and writer's state), CATALOG_READERS (free connections); never nested.
 * Two processes: with `lock` the data folder is locked (flock on PATH/lock) as long as the catalog is open.
 */
#ifndef ALB_CATALOG_CATALOG_H
#define ALB_CATALOG_CATALOG_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/future.h"

struct alb_catalog;
struct alb_snap; /* a snapshot to read from */
struct alb_tx;   /* the transaction a unit runs in; only valid inside the unit */

struct alb_catalog_config {
    const char *path;         /* data folder, must exist; the database is PATH/catalog.db */
    const char *holder;       /* what the lock file tells others about us, e.g. "serve" */
    bool lock;                /* take the data folder's lock; CONFLICT (message names the holder) if taken */
    unsigned readers_max;     /* read connections; 0 = 32 */
    unsigned queue_max;       /* units that may wait; background ones get half; 0 = 4096 */
    unsigned group_max;       /* units in one transaction; 0 = 256 */
    int64_t group_ns;         /* a group takes no new unit after this time; 0 = 20 ms */
    int64_t read_limit_ns;    /* longest snapshot; 0 = 10 s */
    int64_t checkpoint_bytes; /* WAL size that wakes the checkpointer; 0 = 4 MiB */
    const struct alb_clock *clock; /* stamps; NULL = real */
};

/* Opens or creates the database, applies missing migrations (each in a transaction of its own), starts the
 * writer and the checkpointer. A database of a newer albumen is refused (UNSUPPORTED). */
enum alb_code alb_catalog_open(const struct alb_catalog_config *config, struct alb_catalog **cat,
                               struct alb_err *err) ALB_MUST_CHECK;
/* Runs what is queued, checkpoints, closes, unlocks. All snapshots have ended, nobody writes any more. */
void alb_catalog_close(struct alb_catalog **cat);
/* Who holds the data folder's lock: "serve (pid 712)"; false if nobody does. */
bool alb_catalog_lock_holder(const char *path, char *out, size_t cap);

/* ---- writing ---- */

/* May be called more than once for one unit (each time on the state before it). `args` is read-only.
 * *result (optional) is given to whoever waits; without one they get an object that says nothing. */
typedef enum alb_code alb_catalog_unit_fn(struct alb_tx *tx, struct alb_obj *args, struct alb_obj **result,
                                          struct alb_err *err);
struct alb_catalog_unit {
    const char *name; /* literal; for logs and dumps */
    alb_catalog_unit_fn *run;
    struct alb_obj *args; /* take: released when the unit has ended, also if it is refused; may be NULL */
    bool background;      /* jobs and write-behind: may use only half of the queue */
};
/* Queues a unit. BUSY when the queue is full, CANCELLED when the catalog closes. The unit runs even if nobody
 * waits any more. `future` may be NULL (write-behind). */
enum alb_code alb_catalog_write(struct alb_catalog *cat, const struct alb_catalog_unit *unit,
                                struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* The same, ending a future that exists already (takes the title in every case; fails it if refused). */
void alb_catalog_write_for(struct alb_catalog *cat, const struct alb_catalog_unit *unit,
                           struct alb_owner *owner);
/* Queues, waits, gives the result (a reference, may be NULL to drop it). Only where waiting is allowed:
 * start-up, command line, threads of their own. */
enum alb_code alb_catalog_write_now(struct alb_catalog *cat, const struct alb_catalog_unit *unit,
                                    struct alb_obj **result, struct alb_err *err) ALB_MUST_CHECK;

struct alb_snap *alb_tx_snap(struct alb_tx *tx); /* to ask questions inside the transaction */
int64_t alb_tx_now(const struct alb_tx *tx);     /* wall ms, one value for the whole unit */
const struct alb_clock *alb_tx_clock(const struct alb_tx *tx);
/* "This slice is done, run me again": the unit is queued behind the others after this COMMIT, its future
 * stays open. Its progress must be in the database. */
void alb_tx_again(struct alb_tx *tx);
/* True once the unit should end its slice (law 6: at most 20 ms in one transaction). */
bool alb_tx_slice_over(const struct alb_tx *tx);

/* Something that may fail without failing the unit: on failure all it changed is undone and its code
 * returned. A unit that goes on after NO_SPACE, IO, NO_MEMORY or CORRUPT is lost with its group all the same.
 */
typedef enum alb_code alb_catalog_try_fn(struct alb_tx *tx, void *arg, struct alb_err *err);
enum alb_code alb_tx_try(struct alb_tx *tx, alb_catalog_try_fn *fn, void *arg,
                         struct alb_err *err) ALB_MUST_CHECK;

/* What a group changed that caches depend on; told after the COMMIT, before anyone is acknowledged. */
struct alb_touched {
    bool rights;           /* somebody may see more or less than before */
    bool jobs;             /* new or released jobs */
    bool all_assets;       /* too many to list */
    const int64_t *assets; /* ids whose row or links changed */
    size_t asset_count;
    int64_t last_change; /* highest seq of the change feed, 0 = none new */
};
typedef void alb_catalog_commit_fn(void *ctx, const struct alb_touched *touched);
/* One hook; runs on the writer thread, must be short. Set before the first write; with fn NULL it returns
 * when the old one no longer runs (not from inside it). */
void alb_catalog_on_commit(struct alb_catalog *cat, alb_catalog_commit_fn *fn, void *ctx);

void alb_tx_touch_rights(struct alb_tx *tx);
void alb_tx_touch_asset(struct alb_tx *tx, int64_t asset_id);
void alb_tx_touch_jobs(struct alb_tx *tx);

/* ---- reading ---- */

/* BUSY when all readers_max connections are in use. */
enum alb_code alb_catalog_read(struct alb_catalog *cat, struct alb_snap **snap,
                               struct alb_err *err) ALB_MUST_CHECK;
void alb_catalog_read_end(struct alb_snap **snap); /* NULL inside is allowed; for ALB_CLEANUP */

/* ---- watching ---- */

struct alb_catalog_view {
    unsigned queued, readers_open, readers_busy;
    int64_t oldest_queued_ns; /* age of the unit that waits longest (running included), 0 = none */
    int64_t last_commit_ns;   /* monotonic time of the last successful commit, 0 = none yet */
    int64_t wal_bytes;
    uint64_t commits, units, units_failed, groups_failed, checkpoints, checkpoints_failed;
    char running[32]; /* name of the unit that runs now, or "" */
};
struct alb_catalog_view alb_catalog_look(struct alb_catalog *cat);

/* ---- checking (albumen check) ---- */

typedef void alb_catalog_report_fn(void *ctx, const char *what, const char *text);
/* integrity_check, foreign keys, counters against a recount, effective values against the layers, paths of
 * albums. Every problem is reported once; *problems counts them. With `repair`, what is derived is made
 * again (in slices, through the writer). Slow: only where waiting is allowed. */
enum alb_code alb_catalog_check(struct alb_catalog *cat, bool repair, alb_catalog_report_fn *report,
                                void *ctx, uint64_t *problems, struct alb_err *err) ALB_MUST_CHECK;
int alb_catalog_schema_version(void); /* of this program */

#endif
