/* SPDX-License-Identifier: Apache-2.0
 *
 * One SQLite connection: its settings, its cache of prepared statements, and the small language in which
 * every question and command of this room is written:
 *
 *     struct alb_q q;
 *     alb_q_open(&q, snap, "SELECT name FROM tag WHERE id = ?");
 *     alb_q_i64(&q, id);                      binds the next parameter
 *     while (alb_q_row(&q))
 *         name = alb_q_text(&q, 0);           borrowed until the next alb_q_row
 *     return alb_q_end(&q, err);              puts the statement back, says what went wrong first
 *
 * Errors stick to the query: after one, binding does nothing and alb_q_row says false. So there is one check,
 * at the end. The text must be a literal: its address is the key of the cache. A statement that is running
 * already (the same function further up the stack) is prepared a second time.
 * A connection belongs to one thread at a time (the writer; the checkpointer; whoever took it to read).
 */
#ifndef ALB_CATALOG_SQLITE_CONN_H
#define ALB_CATALOG_SQLITE_CONN_H

#include <sqlite3.h>

#include "base/arena.h"
#include "base/codec.h"
#include "catalog/catalog.h"

#define ALB_STMT_SLOTS 512 /* power of two; more distinct statements than 3/4 of it run uncached */

struct alb_stmt_slot {
    const char *sql;
    sqlite3_stmt *st;
    bool busy;
};

struct alb_dbconn;
struct alb_snap { /* lies in its connection or in the writer's transaction: no allocation per read */
    struct alb_dbconn *conn;
    struct alb_catalog *cat;
};

struct alb_dbconn {
    sqlite3 *db;
    struct alb_snap snap;
    bool lost;           /* a failure after which the whole transaction must go (full, I/O, memory, damage) */
    int64_t deadline_ns; /* real monotonic; statements are interrupted past it */
    unsigned cached;
    struct alb_stmt_slot slots[ALB_STMT_SLOTS];
    struct alb_dbconn *next; /* under CATALOG_READERS: free list */
};

enum alb_dbconn_kind { ALB_CONN_WRITER, ALB_CONN_READER, ALB_CONN_CHECKPOINTER };
enum alb_code alb_dbconn_open(const char *file, enum alb_dbconn_kind kind, bool create,
                              struct alb_dbconn **conn, struct alb_err *err) ALB_MUST_CHECK;
void alb_dbconn_close(struct alb_dbconn **conn);
/* Runs statements without parameters. */
enum alb_code alb_dbconn_exec(struct alb_dbconn *c, const char *sql, struct alb_err *err) ALB_MUST_CHECK;
/* Maps an SQLite result; notes on the connection what cannot be survived. */
enum alb_code alb_dbconn_fail(struct alb_dbconn *c, int rc, const char *what, struct alb_err *err);

struct alb_q {
    struct alb_dbconn *conn;
    struct alb_stmt_slot *slot; /* NULL: uncached */
    sqlite3_stmt *st;
    const char *sql;
    int rc;   /* SQLITE_OK, SQLITE_ROW, SQLITE_DONE, or the first error */
    int next; /* parameter to bind next */
};
void alb_q_open(struct alb_q *q, struct alb_snap *s, const char *literal);
/* Text that was built: prepared for this one use. It must outlive the query. */
void alb_q_open_built(struct alb_q *q, struct alb_snap *s, struct alb_buf *sql);
/* There is nothing to ask: the query fails with the code, so that the caller goes its usual way. */
void alb_q_open_failed(struct alb_q *q, struct alb_snap *s, enum alb_code code);
void alb_q_i64(struct alb_q *q, int64_t v);
void alb_q_i64_or_null(struct alb_q *q, int64_t v, bool null);
void alb_q_double_or_null(struct alb_q *q, double v, bool null);
void alb_q_str(struct alb_q *q, struct alb_str v);         /* text; the empty view is '' */
void alb_q_str_or_null(struct alb_q *q, struct alb_str v); /* empty = NULL */
void alb_q_blob(struct alb_q *q, const void *p, size_t n);
void alb_q_blob_or_null(struct alb_q *q, struct alb_str v); /* empty = NULL */
void alb_q_uuid(struct alb_q *q, const struct alb_uuid *u);
void alb_q_null(struct alb_q *q);

bool alb_q_row(struct alb_q *q);
bool alb_q_is_null(const struct alb_q *q, int col);
int64_t alb_q_int(const struct alb_q *q, int col); /* NULL reads as 0 */
int64_t alb_q_int_or(const struct alb_q *q, int col, int64_t none);
double alb_q_double(const struct alb_q *q, int col);
struct alb_str alb_q_text(const struct alb_q *q, int col); /* text or blob, borrowed; NULL = empty */
void alb_q_get_uuid(const struct alb_q *q, int col, struct alb_uuid *out);
/* Exactly n bytes into out; zeroes (and false) if there are not that many. */
bool alb_q_get_bytes(const struct alb_q *q, int col, void *out, size_t n);
/* A copy in the arena; a full arena makes the query fail (TOO_LARGE / NO_MEMORY). */
struct alb_str alb_q_keep(struct alb_q *q, int col, struct alb_arena *a);
/* The caller met an error of its own while reading rows (arena full): the query ends with it. */
void alb_q_give_up(struct alb_q *q, enum alb_code code);

enum alb_code alb_q_end(struct alb_q *q, struct alb_err *err) ALB_MUST_CHECK;
/* Ends a query that counts rows (column 0) and makes room for them, at most `max` elements of `size`. NULL
 * and *room 0 if there are none, or on failure, which *code tells. */
void *alb_q_end_room(struct alb_q *q, size_t max, size_t size, struct alb_arena *a, size_t *room,
                     enum alb_code *code, struct alb_err *err);
/* Steps to the end, then as alb_q_end. For commands. */
enum alb_code alb_q_run(struct alb_q *q, struct alb_err *err) ALB_MUST_CHECK;
/* As alb_q_run; how many rows the command changed, and the rowid it inserted last. */
enum alb_code alb_q_run_count(struct alb_q *q, int64_t *changed, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_q_run_id(struct alb_q *q, int64_t *rowid, struct alb_err *err) ALB_MUST_CHECK;
/* Reads at most one row: found says whether there was one (then columns may be read until alb_q_end). */
bool alb_q_first(struct alb_q *q);

#endif
