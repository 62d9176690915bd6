/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: copy what the WAL holds back into the database, on a thread and a connection of their own, so
 * that the writer never pays for it. Two kinds:
 *
 *   PASSIVE  whenever the WAL has grown by checkpoint_bytes: waits for nobody and holds up nobody. When it
 *            has copied everything the writer starts the WAL from the beginning by itself.
 *   RESTART  only when commits came faster than PASSIVE could finish and the WAL is eight times too large:
 *            right after a PASSIVE, so that little is left to copy while the writer is held up.
 *
 * A reader that stays long (another process, a check) keeps the WAL growing; when it begins anew afterwards
 * the writer cuts the file to those eight times (journal_size_limit).
 *
 * Threads: own. Lock: CATALOG_QUEUE for the size of the WAL and the signal; never held over SQL.
 */
#include "base/check.h"
#include "base/log.h"
#include "base/stat.h"
#include "catalog/sqlite/engine.h"

#define RETRY_NS ALB_NS_PER_S /* after a checkpoint that a reader kept from finishing */

/* Returns how many bytes of the WAL are not in the database yet. */
static int64_t checkpoint(struct alb_catalog *cat, int mode)
{
    int in_log = 0, copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(cat->checkpointer->db, NULL, mode, &in_log, &copied);

    if (rc != SQLITE_OK && rc != SQLITE_BUSY) {
        struct alb_err err = ALB_ERR_INIT;

        alb_ignore(alb_dbconn_fail(cat->checkpointer, rc, "checkpoint", &err), "logged");
        alb_log_err("catalog-checkpoint-failed", &err);
        atomic_fetch_add(&cat->checkpoints_failed, 1);
        return cat->config.checkpoint_bytes;
    }
    atomic_fetch_add(&cat->checkpoints, 1);
    alb_stat_inc(ALB_STAT_CATALOG_CHECKPOINTS);
    return in_log > copied ? (in_log - copied) * ALB_WAL_FRAME : 0;
}

static void *checkpoint_main(void *arg)
{
    struct alb_catalog *cat = arg;
    int64_t limit = cat->config.checkpoint_bytes;
    int64_t again_at = 0; /* no new try before, if the last one left something */

    alb_mutex_lock(&cat->queue_mtx);
    while (!cat->checkpoint_closing) {
        int64_t left;
        bool large;

        if (cat->wal_bytes < limit) {
            alb_cond_wait(&cat->checkpoint_cond, &cat->queue_mtx);
            continue;
        }
        if (again_at != 0 && alb_cond_wait_until(&cat->checkpoint_cond, &cat->queue_mtx, again_at))
            continue;
        large = cat->wal_bytes >= limit * ALB_WAL_LARGE;
        cat->wal_bytes = 0; /* the writer's next commit says what it is then */
        alb_mutex_unlock(&cat->queue_mtx);

        left = checkpoint(cat, SQLITE_CHECKPOINT_PASSIVE);
        if (large)
            left = checkpoint(cat, SQLITE_CHECKPOINT_RESTART);

        alb_mutex_lock(&cat->queue_mtx);
        again_at = left >= limit ? alb_deadline(alb_mono(alb_clock_real()), RETRY_NS) : 0;
        if (again_at != 0 && cat->wal_bytes < left)
            cat->wal_bytes = left;
    }
    alb_mutex_unlock(&cat->queue_mtx);
    return NULL;
}

enum alb_code alb_checkpointer_start(struct alb_catalog *cat, struct alb_err *err)
{
    return alb_thread_start(&cat->checkpoint_thread, "checkpointer", checkpoint_main, cat, err);
}

void alb_checkpointer_stop(struct alb_catalog *cat)
{
    alb_mutex_lock(&cat->queue_mtx);
    cat->checkpoint_closing = true;
    alb_cond_signal(&cat->checkpoint_cond);
    alb_mutex_unlock(&cat->queue_mtx);
    alb_thread_join(&cat->checkpoint_thread);
}
