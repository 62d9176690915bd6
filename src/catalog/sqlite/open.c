/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing the catalog, and looking at it (contract: catalog.h).
 *
 * Order at start: lock of the data folder, writer's connection, WAL, migrations, checkpointer, writer. At the
 * end in reverse; closing the last connection lets SQLite copy the rest of the WAL and remove it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/stat.h"
#include "catalog/sqlite/engine.h"

static void defaults(struct alb_catalog_config *c)
{
    if (c->readers_max == 0)
        c->readers_max = 32;
    if (c->queue_max == 0)
        c->queue_max = 4096;
    if (c->group_max == 0)
        c->group_max = 256;
    if (c->group_ns == 0)
        c->group_ns = 20 * ALB_NS_PER_MS;
    if (c->read_limit_ns == 0)
        c->read_limit_ns = 10 * ALB_NS_PER_S;
    if (c->checkpoint_bytes == 0)
        c->checkpoint_bytes = (int64_t)4 << 20;
    if (c->clock == NULL)
        c->clock = alb_clock_real();
}

static struct alb_catalog *catalog_new(const struct alb_catalog_config *config)
{
    struct alb_catalog *cat = alb_mem_calloc(1, sizeof(*cat));

    if (cat == NULL)
        return NULL;
    cat->config = *config;
    defaults(&cat->config);
    cat->lock_fd = -1;
    cat->tail = &cat->head;
    alb_mutex_init(&cat->queue_mtx, ALB_LOCK_CATALOG_QUEUE);
    alb_cond_init(&cat->queue_cond);
    alb_cond_init(&cat->checkpoint_cond);
    alb_cond_init(&cat->hook_cond);
    alb_mutex_init(&cat->readers_mtx, ALB_LOCK_CATALOG_READERS);
    return cat;
}

/* WAL is a property of the file; asking for it answers with the mode that is in force. */
static enum alb_code use_wal(struct alb_dbconn *c, struct alb_err *err)
{
    struct alb_snap snap = {.conn = c};
    struct alb_q q;
    bool wal = false;
    enum alb_code code;

    alb_q_open(&q, &snap, "PRAGMA journal_mode=WAL");
    if (alb_q_first(&q))
        wal = alb_str_eq_c(alb_q_text(&q, 0), "wal");
    code = alb_q_end(&q, err);
    if (code == ALB_OK && !wal)
        return alb_fail(err, ALB_E_IO, "the file system of the data folder cannot hold a catalog (no WAL)");
    return code;
}

/* The writer cuts the file when it begins the WAL anew; without a limit it keeps the size of the worst day.
 */
static enum alb_code limit_wal(struct alb_catalog *cat, struct alb_err *err)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit=%lld",
             (long long)cat->config.checkpoint_bytes * ALB_WAL_LARGE);
    return alb_dbconn_exec(cat->writer, sql, err);
}

/* The database holds hashes of passwords and tokens: for us alone. SQLite gives its WAL the same mode. */
static enum alb_code make_file(const char *file, struct alb_err *err)
{
    int fd = -1;
    enum alb_code code = alb_fs_open(AT_FDCWD, file, O_RDWR | O_CREAT, 0600, &fd, err);

    alb_fs_close(&fd);
    return code;
}

static enum alb_code start(struct alb_catalog *cat, struct alb_err *err)
{
    int n = snprintf(cat->file, sizeof(cat->file), "%s/catalog.db", cat->config.path);
    enum alb_code code = ALB_OK;

    if (n < 0 || (size_t)n >= sizeof(cat->file))
        return alb_fail(err, ALB_E_INVALID, "the path of the data folder is too long");
    if (cat->config.lock)
        code = alb_data_lock(cat->config.path, cat->config.holder, &cat->lock_fd, err);
    if (code == ALB_OK)
        code = make_file(cat->file, err);
    if (code == ALB_OK)
        code = alb_dbconn_open(cat->file, ALB_CONN_WRITER, true, &cat->writer, err);
    if (code == ALB_OK)
        code = use_wal(cat->writer, err);
    if (code == ALB_OK)
        code = limit_wal(cat, err);
    if (code == ALB_OK)
        code = alb_migrate(cat->writer, cat->config.clock, err);
    if (code == ALB_OK)
        code = alb_dbconn_open(cat->file, ALB_CONN_CHECKPOINTER, false, &cat->checkpointer, err);
    if (code == ALB_OK)
        code = alb_checkpointer_start(cat, err);
    if (code == ALB_OK)
        code = alb_writer_start(cat, err);
    return code;
}

enum alb_code alb_catalog_open(const struct alb_catalog_config *config, struct alb_catalog **cat,
                               struct alb_err *err)
{
    enum alb_code code;

    *cat = catalog_new(config);
    if (*cat == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the catalog");
    code = start(*cat, err);
    if (code != ALB_OK)
        alb_catalog_close(cat);
    return code;
}

void alb_catalog_close(struct alb_catalog **cat)
{
    struct alb_catalog *c = *cat;

    *cat = NULL;
    if (c == NULL)
        return;
    alb_writer_stop(c);
    alb_checkpointer_stop(c);
    alb_readers_close(c);
    alb_dbconn_close(&c->checkpointer);
    alb_dbconn_close(&c->writer);
    alb_fs_close(&c->lock_fd);
    alb_mutex_fini(&c->queue_mtx);
    alb_mutex_fini(&c->readers_mtx);
    alb_cond_fini(&c->queue_cond);
    alb_cond_fini(&c->checkpoint_cond);
    alb_cond_fini(&c->hook_cond);
    alb_mem_free(c);
}

void alb_catalog_on_commit(struct alb_catalog *cat, alb_catalog_commit_fn *fn, void *ctx)
{
    alb_mutex_lock(&cat->queue_mtx);
    cat->commit_ctx = ctx;
    cat->commit_fn = fn;
    while (cat->in_hook)
        alb_cond_wait(&cat->hook_cond, &cat->queue_mtx);
    alb_mutex_unlock(&cat->queue_mtx);
}

struct alb_catalog_view alb_catalog_look(struct alb_catalog *cat)
{
    struct alb_catalog_view v = {0};
    int64_t since = 0;

    alb_mutex_lock(&cat->queue_mtx);
    v.queued = cat->queued;
    v.wal_bytes = cat->wal_bytes;
    if (cat->running != NULL) {
        snprintf(v.running, sizeof(v.running), "%s", cat->running);
        since = cat->group_since;
    }
    alb_mutex_unlock(&cat->queue_mtx);
    if (since != 0)
        v.oldest_queued_ns = alb_mono(alb_clock_real()) - since;
    alb_mutex_lock(&cat->readers_mtx);
    v.readers_open = cat->readers_open;
    v.readers_busy = cat->readers_busy;
    alb_mutex_unlock(&cat->readers_mtx);
    v.last_commit_ns = atomic_load(&cat->last_commit_ns);
    v.commits = atomic_load(&cat->commits);
    v.units = atomic_load(&cat->units);
    v.units_failed = atomic_load(&cat->units_failed);
    v.groups_failed = atomic_load(&cat->groups_failed);
    v.checkpoints = atomic_load(&cat->checkpoints);
    v.checkpoints_failed = atomic_load(&cat->checkpoints_failed);
    return v;
}
