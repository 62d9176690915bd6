/* SPDX-License-Identifier: Apache-2.0
 *
 * Read connections: opened when first needed, kept in a free list (last used first: its page cache is warm),
 * never more than readers_max. A connection that met an error it may not survive is closed, not put back.
 *
 * Threads: any. Lock: CATALOG_READERS around the list; opening and SQL happen without it.
 */
#include "base/check.h"
#include "base/stat.h"
#include "catalog/sqlite/engine.h"

static enum alb_code take(struct alb_catalog *cat, struct alb_dbconn **conn, struct alb_err *err)
{
    bool open_one = false;
    enum alb_code code;

    alb_mutex_lock(&cat->readers_mtx);
    *conn = cat->free_readers;
    if (*conn != NULL) {
        cat->free_readers = (*conn)->next;
        cat->readers_busy++;
    } else if (cat->readers_open < cat->config.readers_max) {
        cat->readers_open++;
        cat->readers_busy++;
        open_one = true;
    }
    alb_mutex_unlock(&cat->readers_mtx);
    if (*conn != NULL)
        return ALB_OK;
    if (!open_one)
        return alb_fail(err, ALB_E_BUSY, "all %u read connections are in use", cat->config.readers_max);
    code = alb_dbconn_open(cat->file, ALB_CONN_READER, false, conn, err);
    if (code != ALB_OK) {
        alb_mutex_lock(&cat->readers_mtx);
        cat->readers_open--;
        cat->readers_busy--;
        alb_mutex_unlock(&cat->readers_mtx);
    }
    return code;
}

static void put_back(struct alb_catalog *cat, struct alb_dbconn *c, bool good)
{
    alb_mutex_lock(&cat->readers_mtx);
    cat->readers_busy--;
    if (good) {
        c->next = cat->free_readers;
        cat->free_readers = c;
        c = NULL;
    } else {
        cat->readers_open--;
    }
    alb_mutex_unlock(&cat->readers_mtx);
    alb_dbconn_close(&c);
}

enum alb_code alb_catalog_read(struct alb_catalog *cat, struct alb_snap **snap, struct alb_err *err)
{
    struct alb_dbconn *c;
    enum alb_code code = take(cat, &c, err);

    *snap = NULL;
    if (code != ALB_OK)
        return code;
    c->snap = (struct alb_snap){.conn = c, .cat = cat};
    c->deadline_ns = alb_deadline(alb_mono(alb_clock_real()), cat->config.read_limit_ns);
    code = alb_dbconn_exec(c, "BEGIN", err);
    if (code != ALB_OK) {
        put_back(cat, c, false);
        return code;
    }
    alb_stat_inc(ALB_STAT_CATALOG_READS);
    *snap = &c->snap;
    return ALB_OK;
}

void alb_catalog_read_end(struct alb_snap **snap)
{
    struct alb_dbconn *c;
    struct alb_catalog *cat;
    bool good;

    if (*snap == NULL)
        return;
    c = (*snap)->conn;
    cat = (*snap)->cat;
    *snap = NULL;
    c->deadline_ns = ALB_NEVER;
    good = alb_dbconn_exec(c, "COMMIT", NULL) == ALB_OK && !c->lost;
    put_back(cat, c, good);
}

void alb_readers_close(struct alb_catalog *cat)
{
    ALB_CHECK(cat->readers_busy == 0);
    while (cat->free_readers != NULL) {
        struct alb_dbconn *c = cat->free_readers;

        cat->free_readers = c->next;
        alb_dbconn_close(&c);
    }
    cat->readers_open = 0;
}
