/* SPDX-License-Identifier: Apache-2.0
 *
 * Migrations: src/catalog/migrations/NNNN_name.sql, embedded at build time, applied in order, each in a
 * transaction of its own together with the number that says so (PRAGMA user_version, which a transaction
 * protects like any other page) and a row in `migration`. A database that is newer than this program, or not
 * albumen's, is refused untouched.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "catalog/sqlite/engine.h"

#define APPLICATION_ID 0x616c626d /* "albm" */

static void sql_now_ms(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    sqlite3_result_int64(ctx, alb_wall(sqlite3_user_data(ctx)));
}

static void sql_uuid7(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct alb_uuid u = alb_uuid_v7(sqlite3_user_data(ctx));

    (void)argc;
    (void)argv;
    sqlite3_result_blob(ctx, u.b, sizeof(u.b), SQLITE_TRANSIENT);
}

static enum alb_code lend_functions(struct alb_dbconn *c, const struct alb_clock *clock, struct alb_err *err)
{
    void *arg = (void *)(uintptr_t)clock; /* given back as const */
    int rc = sqlite3_create_function(c->db, "now_ms", 0, SQLITE_UTF8, arg, sql_now_ms, NULL, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_create_function(c->db, "uuid7", 0, SQLITE_UTF8, arg, sql_uuid7, NULL, NULL);
    return rc == SQLITE_OK ? ALB_OK : alb_dbconn_fail(c, rc, "functions for migrations", err);
}

static enum alb_code ask(struct alb_dbconn *c, const char *sql, int64_t *value, struct alb_err *err)
{
    struct alb_snap snap = {.conn = c};
    struct alb_q q;

    *value = 0;
    alb_q_open(&q, &snap, sql);
    if (alb_q_first(&q))
        *value = alb_q_int(&q, 0);
    return alb_q_end(&q, err);
}

static enum alb_code apply(struct alb_dbconn *c, const struct alb_migration *m, struct alb_err *err)
{
    char sql[512];
    int n = snprintf(sql, sizeof(sql),
                     "PRAGMA user_version=%d;"
                     "CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
                     " applied_at INTEGER NOT NULL) STRICT;"
                     "INSERT INTO migration VALUES (%d, '%s', now_ms());"
                     "COMMIT",
                     m->version, m->version, m->name);
    enum alb_code code;

    if (n < 0 || (size_t)n >= sizeof(sql))
        return alb_fail(err, ALB_E_INTERNAL, "migration %d has a long name", m->version);
    code = alb_dbconn_exec(c, "BEGIN IMMEDIATE", err);
    if (code == ALB_OK)
        code = alb_dbconn_exec(c, m->sql, err);
    if (code == ALB_OK)
        code = alb_dbconn_exec(c, sql, err);
    if (code != ALB_OK) {
        alb_err_context(err, "migration %d (%s)", m->version, m->name);
        if (sqlite3_get_autocommit(c->db) == 0)
            alb_ignore(alb_dbconn_exec(c, "ROLLBACK", NULL), "the first error is told");
    }
    return code;
}

/* Ours and not newer than us? *version 0 = empty file. */
static enum alb_code recognise(struct alb_dbconn *c, int64_t *version, struct alb_err *err)
{
    int64_t id = 0, tables = 0;
    enum alb_code code = ask(c, "PRAGMA user_version", version, err);

    if (code == ALB_OK)
        code = ask(c, "PRAGMA application_id", &id, err);
    if (code == ALB_OK)
        code = ask(c, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (code != ALB_OK)
        return code;
    if (tables > 0 && id != APPLICATION_ID)
        return alb_fail(err, ALB_E_UNSUPPORTED, "catalog.db is not a catalog of albumen");
    if (*version > alb_catalog_schema_version())
        return alb_fail(err, ALB_E_UNSUPPORTED,
                        "the catalog has schema %lld, made by a newer albumen; this one knows up to %d",
                        (long long)*version, alb_catalog_schema_version());
    return ALB_OK;
}

int alb_catalog_schema_version(void)
{
    return alb_migrations[alb_migration_count - 1].version;
}

enum alb_code alb_migrate(struct alb_dbconn *c, const struct alb_clock *clock, struct alb_err *err)
{
    int64_t version;
    char sql[64];
    enum alb_code code = recognise(c, &version, err);

    if (code == ALB_OK && version == 0) {
        snprintf(sql, sizeof(sql), "PRAGMA application_id=%d", APPLICATION_ID);
        code = alb_dbconn_exec(c, sql, err);
    }
    if (code == ALB_OK)
        code = lend_functions(c, clock, err);
    for (int i = 0; code == ALB_OK && i < alb_migration_count; i++) {
        if (alb_migrations[i].version <= version)
            continue;
        code = apply(c, &alb_migrations[i], err);
        if (code == ALB_OK)
            alb_log(ALB_LOG_INFO, "catalog-migrated", ALB_LOG_INT("schema", alb_migrations[i].version),
                    ALB_LOG_C("name", alb_migrations[i].name));
    }
    return code;
}
