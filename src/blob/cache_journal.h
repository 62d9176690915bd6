/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to blob: the journal of a cache, CACHE/journal. It is how a start knows what lies in the cache without
 * looking at each file, and how processes that share a cache know of each other's files: each appends what it does,
 * and each brings its index to the end of the journal before it decides anything. Nothing that is served depends on it:
 * files are the truth and carry their own checksums; a journal that is lost or lies costs a walk through the folders.
 *
 * Records of 32 bytes, little-endian; appended with O_APPEND, so records of all processes stand in one order; 32
 * divides a page, so none is ever seen in half:
 *
 *   0  u32 low half of XXH3-64 of what follows     4 u8 op   5 u8 hits   6 u8 kind   7 u8 0
 *   8  u32 pages                                  12 u32 made_s         16 key
 *
 *   HEAD   the first one; "ALBINDX1" and the number of records of the snapshot behind it
 *   KEEP_SMALL, KEEP_MAIN, GHOST   the snapshot
 *   PUT    a file comes (written before the file is, so that its room is taken)    GONE   a file goes
 *   HERE   a process begins    CLEAN  the last one has left in order; nothing follows
 *   MOVED  what follows does not count: a new journal takes this one's place (rename)
 *
 * It is written anew when it is much longer than what it says. Power cuts: a CLEAN at the end is trusted, so HERE is
 * fsynced before anything else changes, and CLEAN with everything before it.
 *
 * Threads: one at a time; the cache holds CACHE_JOURNAL around every call (file calls allowed).
 */
#ifndef ALB_BLOB_CACHE_JOURNAL_H
#define ALB_BLOB_CACHE_JOURNAL_H

#include "base/lock.h"
#include "blob/cache_index.h"

enum alb_cache_journal_op {
    ALB_JOURNAL_HEAD = 1,
    ALB_JOURNAL_KEEP_SMALL,
    ALB_JOURNAL_KEEP_MAIN,
    ALB_JOURNAL_GHOST, /* pages, made_s: the two numbers */
    ALB_JOURNAL_PUT,
    ALB_JOURNAL_GONE,
    ALB_JOURNAL_HERE,
    ALB_JOURNAL_CLEAN,
    ALB_JOURNAL_MOVED,
};
struct alb_cache_journal_record {
    enum alb_cache_journal_op op;
    struct alb_index_key key;
    struct alb_index_item item;
    uint8_t hits;
};
#define ALB_JOURNAL_RECORD 32
#define ALB_JOURNAL_BATCH 64 /* records in one append, at most */

/* Each record, in the journal's order. */
typedef void alb_cache_journal_apply_fn(void *arg, const struct alb_cache_journal_record *record);

enum alb_cache_journal_found {
    ALB_JOURNAL_NEW,     /* there was none */
    ALB_JOURNAL_DAMAGED, /* something in it is not as it was written */
    ALB_JOURNAL_UNCLEAN, /* good, but a process ended without saying so, or is still there */
    ALB_JOURNAL_TRUSTED, /* nothing can have happened since */
};

struct alb_cache_journal {
    /* fixed after open */
    int dirfd, tmpfd; /* borrowed */
    alb_cache_journal_apply_fn *apply;
    void *arg;
    /* of the caller's lock */
    int fd;                    /* -1: there is none, nothing can be written */
    int64_t at;                /* applied up to here */
    int64_t records;           /* in the file, about */
    bool damaged;              /* it should be written anew, and the folders looked through */
    bool moved;                /* its end is reached for good */
    const unsigned char *mine; /* while appending: the last record, */
    bool mine_seen;            /* and whether it was met in what counts */
};
#define ALB_JOURNAL_NONE {.fd = -1}

/* Reads what is there and applies it. *found is set in any case. NEW and DAMAGED: alb_cache_journal_renew makes one;
 * else append HERE and fsync. An error: there is one, and it cannot be opened or read now (fd -1, or damaged). */
enum alb_code alb_cache_journal_open(struct alb_cache_journal *j, enum alb_cache_journal_found *found,
                                     struct alb_err *err) ALB_MUST_CHECK;
void alb_cache_journal_close(struct alb_cache_journal *j);
/* Applies what others have written. */
enum alb_code alb_cache_journal_follow(struct alb_cache_journal *j, struct alb_err *err) ALB_MUST_CHECK;
/* Writes n records, then follows, which applies them in their order among others'. Failure: none of them is applied (on
 * a full disk the caller does what must be done without). */
enum alb_code alb_cache_journal_append(struct alb_cache_journal *j,
                                       const struct alb_cache_journal_record *records, size_t n,
                                       struct alb_err *err) ALB_MUST_CHECK;
/* Whether it is worth while to write it anew. */
bool alb_cache_journal_is_long(const struct alb_cache_journal *j, int64_t files);
/* A new journal takes its place: the index's rows and ghosts (each look at it under mtx), then HERE, or CLEAN if nobody
 * is left (fsynced). BUSY: another process is at it. */
enum alb_code alb_cache_journal_renew(struct alb_cache_journal *j, const struct alb_index *ix,
                                      struct alb_mutex *mtx, bool clean, struct alb_err *err) ALB_MUST_CHECK;

#endif
