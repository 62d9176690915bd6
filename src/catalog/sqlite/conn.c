/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections and queries (contract: conn.h).
 */
#include "catalog/sqlite/conn.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "catalog/types.h"

#include <errno.h>
#include <string.h>

/* Codes of this room that travel in q->rc beside SQLite's own (which are positive). */
#define RC_OF_CODE(code) (-(int)(code))

static bool is_error(int rc)
{
    return rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE;
}

static enum alb_code code_of(int rc)
{
    if (rc < 0)
        return (enum alb_code)(-rc);
    switch (rc) {
    case SQLITE_IOERR_NOMEM:
        return ALB_E_NO_MEMORY;
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return ALB_E_CONFLICT;
    default:
        break;
    }
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ALB_E_NO_SPACE;
    case SQLITE_NOMEM:
        return ALB_E_NO_MEMORY;
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return ALB_E_IO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ALB_E_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ALB_E_BUSY;
    case SQLITE_INTERRUPT:
        return ALB_E_TIMEOUT;
    case SQLITE_TOOBIG:
        return ALB_E_TOO_LARGE;
    case SQLITE_CONSTRAINT:
        return ALB_E_INVALID;
    default:
        return ALB_E_INTERNAL;
    }
}

static bool transaction_is_lost(int rc)
{
    int primary = rc & 0xff;

    return rc > 0 && (primary == SQLITE_FULL || primary == SQLITE_IOERR || primary == SQLITE_NOMEM ||
                      primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_READONLY);
}

enum alb_code alb_dbconn_fail(struct alb_dbconn *c, int rc, const char *what, struct alb_err *err)
{
    enum alb_code code = code_of(rc);

    if (transaction_is_lost(rc))
        c->lost = true;
    if (rc < 0)
        return alb_fail(err, code, "%.80s: gave up", what);
    int sys = c->db ? sqlite3_system_errno(c->db) : 0;
    if (code == ALB_E_NO_SPACE)
        sys = ENOSPC; /* SQLite takes the errno of a full disk for none of the system's */
    return alb_fail_sys(err, code, sys, "%.80s: %s (%d)", what,
                        c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc), rc);
}

static int past_deadline(void *arg)
{
    const struct alb_dbconn *c = arg;

    return c->deadline_ns != ALB_NEVER && alb_mono(alb_clock_real()) > c->deadline_ns;
}

/* month_of(local_ms): the month that counters use, for queries that count for themselves. */
static void sql_month_of(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    sqlite3_result_int(ctx, alb_month_of(sqlite3_value_int64(argv[0])));
}

static const char *settings_of(enum alb_dbconn_kind kind)
{
    switch (kind) {
    case ALB_CONN_WRITER:
        return "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
               "PRAGMA cache_size=-16384; PRAGMA trusted_schema=OFF; PRAGMA busy_timeout=30000";
    case ALB_CONN_READER:
        return "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-1024;"
               "PRAGMA trusted_schema=OFF; PRAGMA busy_timeout=2000";
    case ALB_CONN_CHECKPOINTER:
    default:
        return "PRAGMA synchronous=FULL; PRAGMA cache_size=-256; PRAGMA busy_timeout=200";
    }
}

enum alb_code alb_dbconn_open(const char *file, enum alb_dbconn_kind kind, bool create,
                              struct alb_dbconn **conn, struct alb_err *err)
{
    /* Readers need write access to the shared-memory index of the WAL; query_only keeps them from writing. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    struct alb_dbconn *c;
    enum alb_code code;
    int rc;

    *conn = NULL;
    c = alb_mem_calloc(1, sizeof(*c));
    if (c == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a connection");
    c->deadline_ns = ALB_NEVER;
    rc = sqlite3_open_v2(file, &c->db, flags | (create ? SQLITE_OPEN_CREATE : 0), NULL);
    if (rc != SQLITE_OK) {
        code = alb_dbconn_fail(c, rc, "opening the catalog", err);
        alb_dbconn_close(&c);
        return code;
    }
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)NULL);
    sqlite3_progress_handler(c->db, 2000, past_deadline, c);
    sqlite3_wal_autocheckpoint(c->db, 0);
    rc = sqlite3_create_function(c->db, "month_of", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, sql_month_of,
                                 NULL, NULL);
    if (rc != SQLITE_OK) {
        code = alb_dbconn_fail(c, rc, "month_of", err);
        alb_dbconn_close(&c);
        return code;
    }
    code = alb_dbconn_exec(c, settings_of(kind), err);
    if (code != ALB_OK) {
        alb_dbconn_close(&c);
        return code;
    }
    *conn = c;
    return ALB_OK;
}

void alb_dbconn_close(struct alb_dbconn **conn)
{
    struct alb_dbconn *c = *conn;

    *conn = NULL;
    if (c == NULL)
        return;
    for (unsigned i = 0; i < ALB_STMT_SLOTS; i++) {
        ALB_CHECK(!c->slots[i].busy);
        sqlite3_finalize(c->slots[i].st);
    }
    sqlite3_close_v2(c->db);
    alb_mem_free(c);
}

enum alb_code alb_dbconn_exec(struct alb_dbconn *c, const char *sql, struct alb_err *err)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? ALB_OK : alb_dbconn_fail(c, rc, sql, err);
}

/* ---- statements ---- */

/* The slot of a literal: taken, or free to take; NULL when the table is full enough. */
static struct alb_stmt_slot *find_slot(struct alb_dbconn *c, const char *literal)
{
    size_t i = ((uintptr_t)literal >> 3) * (uintptr_t)0x9e3779b97f4a7c15U >> 20;

    for (;; i++) {
        struct alb_stmt_slot *slot = &c->slots[i & (ALB_STMT_SLOTS - 1)];

        if (slot->sql == literal)
            return slot;
        if (slot->sql == NULL)
            return c->cached < ALB_STMT_SLOTS / 4 * 3 ? slot : NULL;
    }
}

static void prepare(struct alb_q *q, const char *sql, size_t n, unsigned flags)
{
    q->rc = sqlite3_prepare_v3(q->conn->db, sql, (int)n, flags, &q->st, NULL);
}

void alb_q_open(struct alb_q *q, struct alb_snap *s, const char *literal)
{
    struct alb_stmt_slot *slot = find_slot(s->conn, literal);

    *q = (struct alb_q){.conn = s->conn, .sql = literal, .next = 1, .rc = SQLITE_OK};
    if (slot != NULL && !slot->busy) {
        if (slot->sql == NULL) {
            prepare(q, literal, strlen(literal) + 1, SQLITE_PREPARE_PERSISTENT);
            if (q->rc != SQLITE_OK)
                return;
            *slot = (struct alb_stmt_slot){.sql = literal, .st = q->st};
            s->conn->cached++;
        }
        slot->busy = true;
        q->slot = slot;
        q->st = slot->st;
        return;
    }
    prepare(q, literal, strlen(literal) + 1, 0);
}

void alb_q_open_failed(struct alb_q *q, struct alb_snap *s, enum alb_code code)
{
    *q = (struct alb_q){.conn = s->conn, .sql = "query", .next = 1, .rc = RC_OF_CODE(code)};
}

void alb_q_open_built(struct alb_q *q, struct alb_snap *s, struct alb_buf *sql)
{
    *q = (struct alb_q){.conn = s->conn, .sql = "", .next = 1, .rc = SQLITE_OK};
    if (alb_buf_code(sql) != ALB_OK) {
        q->rc = RC_OF_CODE(alb_buf_code(sql));
        return;
    }
    q->sql = alb_buf_cstr(sql);
    prepare(q, q->sql, sql->n, 0);
}

static bool may_bind(struct alb_q *q)
{
    return q->rc == SQLITE_OK;
}

static void bound(struct alb_q *q, int rc)
{
    q->rc = rc;
    q->next++;
}

void alb_q_i64(struct alb_q *q, int64_t v)
{
    if (may_bind(q))
        bound(q, sqlite3_bind_int64(q->st, q->next, v));
}

void alb_q_null(struct alb_q *q)
{
    if (may_bind(q))
        bound(q, sqlite3_bind_null(q->st, q->next));
}

void alb_q_i64_or_null(struct alb_q *q, int64_t v, bool null)
{
    if (null)
        alb_q_null(q);
    else
        alb_q_i64(q, v);
}

void alb_q_double_or_null(struct alb_q *q, double v, bool null)
{
    if (null)
        alb_q_null(q);
    else if (may_bind(q))
        bound(q, sqlite3_bind_double(q->st, q->next, v));
}

void alb_q_str(struct alb_q *q, struct alb_str v)
{
    if (may_bind(q))
        bound(q, sqlite3_bind_text64(q->st, q->next, v.p ? v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8));
}

void alb_q_str_or_null(struct alb_q *q, struct alb_str v)
{
    if (v.n == 0)
        alb_q_null(q);
    else
        alb_q_str(q, v);
}

void alb_q_blob(struct alb_q *q, const void *p, size_t n)
{
    if (may_bind(q))
        bound(q, sqlite3_bind_blob64(q->st, q->next, p ? p : "", n, SQLITE_STATIC));
}

void alb_q_blob_or_null(struct alb_q *q, struct alb_str v)
{
    if (v.n == 0)
        alb_q_null(q);
    else
        alb_q_blob(q, v.p, v.n);
}

void alb_q_uuid(struct alb_q *q, const struct alb_uuid *u)
{
    alb_q_blob(q, u->b, sizeof(u->b));
}

bool alb_q_row(struct alb_q *q)
{
    if (is_error(q->rc) || q->rc == SQLITE_DONE)
        return false;
    q->rc = sqlite3_step(q->st);
    return q->rc == SQLITE_ROW;
}

bool alb_q_first(struct alb_q *q)
{
    return alb_q_row(q);
}

bool alb_q_is_null(const struct alb_q *q, int col)
{
    return sqlite3_column_type(q->st, col) == SQLITE_NULL;
}

int64_t alb_q_int(const struct alb_q *q, int col)
{
    return sqlite3_column_int64(q->st, col);
}

int64_t alb_q_int_or(const struct alb_q *q, int col, int64_t none)
{
    return alb_q_is_null(q, col) ? none : sqlite3_column_int64(q->st, col);
}

double alb_q_double(const struct alb_q *q, int col)
{
    return sqlite3_column_double(q->st, col);
}

struct alb_str alb_q_text(const struct alb_q *q, int col)
{
    /* column_blob of a text column gives its bytes without conversion; pointer first, then length. */
    const void *p = sqlite3_column_blob(q->st, col);
    int n = sqlite3_column_bytes(q->st, col);

    if (p == NULL || n <= 0)
        return ALB_STR_NONE;
    return alb_str_n(p, (size_t)n);
}

bool alb_q_get_bytes(const struct alb_q *q, int col, void *out, size_t n)
{
    struct alb_str v = alb_q_text(q, col);

    if (v.n != n) {
        memset(out, 0, n);
        return false;
    }
    memcpy(out, v.p, n);
    return true;
}

void alb_q_get_uuid(const struct alb_q *q, int col, struct alb_uuid *out)
{
    alb_ignore(!alb_q_get_bytes(q, col, out->b, sizeof(out->b)), "no UUID reads as the nil UUID");
}

struct alb_str alb_q_keep(struct alb_q *q, int col, struct alb_arena *a)
{
    struct alb_str v = alb_q_text(q, col);

    if (v.n == 0)
        return ALB_STR_NONE;
    v = alb_arena_str(a, v);
    if (v.p == NULL || v.n == 0)
        alb_q_give_up(q, alb_arena_code(a));
    return v;
}

void alb_q_give_up(struct alb_q *q, enum alb_code code)
{
    if (!is_error(q->rc))
        q->rc = RC_OF_CODE(code != ALB_OK ? code : ALB_E_NO_MEMORY);
}

enum alb_code alb_q_end(struct alb_q *q, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    if (is_error(q->rc))
        code = alb_dbconn_fail(q->conn, q->rc, q->sql, err);
    if (q->slot != NULL) {
        sqlite3_reset(q->st);
        sqlite3_clear_bindings(q->st);
        q->slot->busy = false;
    } else {
        sqlite3_finalize(q->st);
    }
    q->st = NULL;
    q->slot = NULL;
    return code;
}

void *alb_q_end_room(struct alb_q *q, size_t max, size_t size, struct alb_arena *a, size_t *room,
                     enum alb_code *code, struct alb_err *err)
{
    size_t n = 0;
    void *list;

    *room = 0;
    if (alb_q_first(q))
        n = (size_t)alb_q_int(q, 0);
    *code = alb_q_end(q, err);
    if (*code != ALB_OK || n == 0)
        return NULL;
    n = n < max ? n : max;
    list = alb_arena_calloc(a, n, size);
    if (list == NULL)
        *code = alb_fail(err, alb_arena_code(a), "no room for %zu rows", n);
    else
        *room = n;
    return list;
}

enum alb_code alb_q_run(struct alb_q *q, struct alb_err *err)
{
    while (alb_q_row(q)) {
    }
    return alb_q_end(q, err);
}

enum alb_code alb_q_run_count(struct alb_q *q, int64_t *changed, struct alb_err *err)
{
    enum alb_code code;

    *changed = 0;
    while (alb_q_row(q)) {
    }
    if (!is_error(q->rc))
        *changed = sqlite3_changes64(q->conn->db);
    code = alb_q_end(q, err);
    return code;
}

enum alb_code alb_q_run_id(struct alb_q *q, int64_t *rowid, struct alb_err *err)
{
    *rowid = 0;
    while (alb_q_row(q)) {
    }
    if (!is_error(q->rc))
        *rowid = sqlite3_last_insert_rowid(q->conn->db);
    return alb_q_end(q, err);
}
