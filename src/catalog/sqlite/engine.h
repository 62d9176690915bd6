/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the engine share: writer.c, readers.c, checkpoint.c, open.c, check.c.
 */
#ifndef ALB_CATALOG_SQLITE_ENGINE_H
#define ALB_CATALOG_SQLITE_ENGINE_H

#include <stdatomic.h>

#include "base/lock.h"
#include "base/thread.h"
#include "catalog/sqlite/conn.h"

#define ALB_TOUCH_MAX 4096 /* ids told to the commit hook one by one */
#define ALB_WAL_FRAME ((int64_t)4096 + 24)
#define ALB_WAL_LARGE                                                                                        \
    8 /* times checkpoint_bytes: the WAL is made to begin anew, and its file is cut to that */

struct alb_unit; /* a queued unit, writer.c */

struct alb_tx {
    struct alb_snap snap; /* first: a transaction can be read */
    struct alb_catalog *cat;
    int64_t now_ms, slice_end_ns;
    bool again;
    bool rights, jobs, all_assets;
    size_t asset_count;
    int64_t last_change;
    int64_t assets[ALB_TOUCH_MAX];
};

struct alb_catalog {
    /* fixed after open */
    struct alb_catalog_config config;
    char file[4096]; /* path of the database */
    int lock_fd;
    struct alb_thread writer_thread, checkpoint_thread;

    /* owned by the writer thread */
    struct alb_dbconn *writer;
    struct alb_tx tx;

    /* owned by the checkpointer */
    struct alb_dbconn *checkpointer;

    /* under queue_mtx (CATALOG_QUEUE) */
    struct alb_mutex queue_mtx;
    struct alb_cond queue_cond, checkpoint_cond, hook_cond;
    struct alb_unit *head, **tail;
    unsigned queued;
    int64_t group_since; /* queued_at of the oldest unit of the open group, 0 = none */
    const char *running;
    bool closing, checkpoint_closing, in_hook;
    alb_catalog_commit_fn *commit_fn;
    void *commit_ctx;
    int64_t wal_bytes;

    /* under readers_mtx (CATALOG_READERS) */
    struct alb_mutex readers_mtx;
    struct alb_dbconn *free_readers;
    unsigned readers_open, readers_busy;

    /* atomic */
    _Atomic int64_t last_commit_ns;
    _Atomic uint64_t commits, units, units_failed, groups_failed, checkpoints, checkpoints_failed;
};

struct alb_migration {
    int version;
    const char *name, *sql;
};
extern const struct alb_migration alb_migrations[];
extern const int alb_migration_count;

enum alb_code alb_migrate(struct alb_dbconn *c, const struct alb_clock *clock,
                          struct alb_err *err) ALB_MUST_CHECK;

enum alb_code alb_writer_start(struct alb_catalog *cat, struct alb_err *err) ALB_MUST_CHECK;
void alb_writer_stop(struct alb_catalog *cat); /* runs the queue to its end */
enum alb_code alb_checkpointer_start(struct alb_catalog *cat, struct alb_err *err) ALB_MUST_CHECK;
void alb_checkpointer_stop(struct alb_catalog *cat);
void alb_readers_close(struct alb_catalog *cat);

enum alb_code alb_data_lock(const char *path, const char *holder, int *fd,
                            struct alb_err *err) ALB_MUST_CHECK;

/* For commands: remembers the highest seq of the feed for the hook. */
void alb_tx_note_change(struct alb_tx *tx, int64_t seq);

#endif
