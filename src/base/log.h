/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: one line per record, logfmt on a terminal and JSON (one object per line) otherwise, to standard
 * error. A record is an event name and typed fields; values that users can influence are escaped here and
 * nowhere else. Secrets have a type that cannot be printed: a struct alb_secret field logs as [secret].
 * One record per request is written by http; other rooms log state changes, not requests.
 * Records are formatted on the caller's stack (cut at 4 KiB) and written with one write(2) each; a stuck
 * output drops records and counts them, nobody waits. The last 64 records are kept for alb_panic.
 * Any thread; lock LOG (only around the ring).
 */
#ifndef ALB_BASE_LOG_H
#define ALB_BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

enum alb_log_format {
    ALB_LOG_AUTO,
    ALB_LOG_LOGFMT,
    ALB_LOG_JSON,
    /* As imgproxy writes them, for who stands in its place: */
    ALB_LOG_PRETTY,     /* time [INF] event key=value */
    ALB_LOG_STRUCTURED, /* logfmt with time, level, msg; every text in quotes */
    ALB_LOG_SLOG,       /* JSON with time, level, msg */
    ALB_LOG_GCP,        /* JSON with time, severity, message */
    ALB_LOG_FORMAT_COUNT
};
void alb_log_setup(int fd, enum alb_log_format format, enum alb_log_level least);
bool alb_log_on(enum alb_log_level level);

enum alb_log_kind {
    ALB_F_END,
    ALB_F_STR,
    ALB_F_I64,
    ALB_F_U64,
    ALB_F_MS,
    ALB_F_BOOL,
    ALB_F_SECRET,
    ALB_F_F64,
    ALB_F_GROUP
};
struct alb_log_field {
    const char *key; /* literal, [a-z_-]+ */
    enum alb_log_kind kind;
    union {
        struct alb_str s;
        int64_t i;
        uint64_t u;
        double ms; /* and of F64 */
        bool b;
        const struct alb_log_field *group; /* fields of their own, ended like a record's */
    } v;
};
#define ALB_LOG_NESTED_MAX 4 /* groups within groups; deeper ones are left out */
#define ALB_LOG_STR(key, value) ((struct alb_log_field){(key), ALB_F_STR, {.s = (value)}})
#define ALB_LOG_C(key, value) ((struct alb_log_field){(key), ALB_F_STR, {.s = alb_str_c(value)}})
#define ALB_LOG_INT(key, value) ((struct alb_log_field){(key), ALB_F_I64, {.i = (value)}})
#define ALB_LOG_UINT(key, value) ((struct alb_log_field){(key), ALB_F_U64, {.u = (value)}})
#define ALB_LOG_MS(key, ns) ((struct alb_log_field){(key), ALB_F_MS, {.ms = (double)(ns) / 1e6}})
#define ALB_LOG_BOOL(key, value) ((struct alb_log_field){(key), ALB_F_BOOL, {.b = (value)}})
#define ALB_LOG_F64(key, value) ((struct alb_log_field){(key), ALB_F_F64, {.ms = (value)}})
#define ALB_LOG_GROUP(key, fields) ((struct alb_log_field){(key), ALB_F_GROUP, {.group = (fields)}})
#define ALB_LOG_SECRET(key) ((struct alb_log_field){(key), ALB_F_SECRET, {.u = 0}})

/* alb_log(ALB_LOG_INFO, "listening", ALB_LOG_C("address", a), ALB_LOG_INT("port", p)); event is a literal
 * (in the words of another program: a text without NUL); at least one field (a record without one: alb_log_event). */
#define alb_log(level, event, ...)                                                                           \
    alb_log_write((level), (event), (const struct alb_log_field[]){__VA_ARGS__, {NULL, ALB_F_END, {.u = 0}}})
#define alb_log_event(level, event)                                                                          \
    alb_log_write((level), (event), (const struct alb_log_field[]){{NULL, ALB_F_END, {.u = 0}}})
void alb_log_write(enum alb_log_level level, const char *event, const struct alb_log_field *fields);
/* Logs an error value at the level of its code: fields code, errno, at, message. */
void alb_log_err(const char *event, const struct alb_err *err);
/* Writes the last records (oldest first) to fd; async-signal-safe enough for a panic. */
void alb_log_dump_ring(int fd);

/* A secret: passwords, tokens, keys. Wiped when it ends; there is no way to print it. */
struct alb_secret {
    char *p;
    size_t n;
};
bool alb_secret_set(struct alb_secret *s, struct alb_str value) ALB_MUST_CHECK; /* copies; false: no memory */
void alb_secret_fini(struct alb_secret *s);
void alb_wipe(void *p, size_t n); /* not optimised away */

#endif
