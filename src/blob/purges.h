/* SPDX-License-Identifier: Apache-2.0
 *
 * What has been purged: a durable list, CACHE/purges, that says "whatever bears this label and was begun before now
 * is not to be used any more". Nothing is looked for when a purge comes; it holds at once:
 *
 *   - the newest purge that touches a thing is part of its key (of caches in memory and on disk, and of flights), so
 *     what was made before it, or is being made, is under another key and never found again;
 *   - the keeper then looks through the caches and removes files by the labels that are written in them.
 *
 * When that has been done for all that can have been begun before (ALB_PURGE_REST later), the purge is retired.
 *
 * A label is the URL of a source ("https://example.com/a.jpg", "local:///a.jpg", "asset://UUID"), "t:" and a tag, or
 * "u:" and the URL of an answer, as its door knows it. A purge names a whole label, or the beginning of some. A purge
 * is a number that only grows; 0: none.
 *
 * Several processes may have the same list open (`shared`): each appends, and follows the others at the cost of one
 * fstat per question. A record that is damaged purges everything that is older: too much, never too little.
 *
 * A disk that cannot be read or written to is no error of open: what is known holds, purges are refused (IO, NO_SPACE),
 * and the list is usable as soon as the disk is (asked by each purge, and by alb_purges_tend). As long as a list that
 * is there cannot be read, everything counts as purged.
 *
 * Threads: any. Locks: CACHE_PURGES; around reading what others have written, too. CACHE_PURGES_FILE around it for who
 * writes.
 */
#ifndef ALB_BLOB_PURGES_H
#define ALB_BLOB_PURGES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define ALB_LABEL_MAX 1000   /* bytes; longer ones are cut, with a hash behind */
#define ALB_LABEL_ANY "*"    /* of a thing whose labels are not all known: any purge touches it */
#define ALB_LABELS_MAX 64    /* of one thing */
#define ALB_PURGES_MAX 65536 /* in force at once; more: BUSY until the keeper has retired some */
#define ALB_PURGE_PREFIXES_MAX 256
#define ALB_PURGES_RECENT 32 /* that are told of */
#define ALB_PURGE_BY_MAX 64  /* bytes of a name */
#define ALB_PURGES_FILE_MAX ((int64_t)64 << 20) /* more: BUSY until it has been written anew */
#define ALB_PURGE_REST (3600 * ALB_NS_PER_S) /* longer than anything is in work */

struct alb_purges;
struct alb_purges_config {
    int dirfd, tmp_dirfd; /* borrowed during open: of the cache's folder; tmp/ of the same file system */
    const struct alb_clock *clock;
    bool shared;
};
/* Start-up only. */
enum alb_code alb_purges_open(const struct alb_purges_config *config, struct alb_purges **out,
                              struct alb_err *err) ALB_MUST_CHECK;
void alb_purges_close(struct alb_purges **purges);

/* Durable when it returns OK. prefix: every label that begins so; by: who asks, to be told of (cut at
 * ALB_PURGE_BY_MAX). INVALID: no label; BUSY: too many; NO_SPACE, IO. */
enum alb_code alb_purges_add(struct alb_purges *p, struct alb_str label, bool prefix, struct alb_str by,
                             uint64_t *number, struct alb_err *err) ALB_MUST_CHECK;
/* The newest there is: what begins now is not touched by it. p may be NULL here and below: 0. */
uint64_t alb_purges_now(struct alb_purges *p);
/* The newest that touches one of them. No I/O, unless another process has just purged something. */
uint64_t alb_purges_newest(struct alb_purges *p, const struct alb_str *labels, size_t count);

/* Those up to `number` have nothing left to touch: they are forgotten, here at once, and by other processes when they
 * say so (alb_purges_forget, up to view.offered). Before that nothing of before them may be left in memory: it would be
 * found again. */
void alb_purges_retire(struct alb_purges *p, uint64_t number);
void alb_purges_forget(struct alb_purges *p);
/* Upkeep: tries whether the list can be read and written to, if it could not. */
void alb_purges_tend(struct alb_purges *p);
/* The newest one that is at least so old; 0: none. */
uint64_t alb_purges_older_than(struct alb_purges *p, int64_t age_ns);

struct alb_purges_view {
    uint64_t now, retired, offered;
    size_t in_force;
    bool writable;
    int fault; /* errno of the last write, if the disk failed then; 0: none */
    int64_t fault_since_ms;
};
struct alb_purges_view alb_purges_look(struct alb_purges *p);

/* ---- what people are told of the newest purges ---- */

struct alb_purge_told {
    uint64_t number;
    struct alb_str label, by; /* as they were given, long ones cut; by may be empty */
    int64_t wall_ms,
        files;         /* files removed until now, by all processes: of several purges the newest counts */
    bool prefix, done; /* done: the files of its time have been looked through */
};
/* The newest ones, the newest first, in the arena; they are in the list's file, as far as it has not been begun anew.
 * NO_MEMORY. */
enum alb_code alb_purges_recent(struct alb_purges *p, struct alb_arena *a, struct alb_purge_told **list,
                                size_t *count, struct alb_err *err) ALB_MUST_CHECK;
/* The keeper: a file was removed by this purge; all files have been looked through for purges up to this one. */
void alb_purges_count(struct alb_purges *p, uint64_t number);
void alb_purges_looked(struct alb_purges *p, uint64_t up_to);

/* ---- labels as they are written into a file ---- */

/* As much as fits; if not all do, a mark that lets any purge take the file. */
void alb_labels_write(const struct alb_str *labels, size_t count, struct alb_buf *out);
/* The labels of a file (views); their number. */
size_t alb_labels_read(struct alb_str text, struct alb_str labels[ALB_LABELS_MAX]);

#endif
