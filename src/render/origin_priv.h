/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of origin.h share. Private to src/render.
 *
 *   origin.c        the room: open, close, start, view
 *   origin_made.c   struct alb_origin, its reader
 *   origin_job.c    one flight, stage by stage
 *   origin_http.c   hops, redirects, judging answers
 *   origin_local.c  local://
 *   origin_pipe.c   from the fetch loop to the job
 *   origin_spool.c  bytes on their way to a file
 *   origin_note.c   what is kept beside a body
 *   origin_kept.c   headers that a policy wants kept, pure
 *   origin_fresh.c  RFC 9111, pure
 *   origin_hot.c    fresh ones in memory
 */
#ifndef ALB_RENDER_ORIGIN_PRIV_H
#define ALB_RENDER_ORIGIN_PRIV_H

#include "base/lock.h"
#include "blob/cache.h"
#include "render/origin.h"

struct alb_origin_hot;
struct alb_origin_job;

/* ---- bytes that lie in memory files and spool files, all together ---- */

struct alb_origin_budget { /* counted: origins outlive their room */
    struct alb_obj obj;
    /* fixed after create */
    int64_t memory_max, spool_max;
    /* atomic */
    _Atomic int64_t memory, spool;
};
/* False: it would be more than the maximum, and is not. */
bool alb_origin_charge(_Atomic int64_t *sum, int64_t n, int64_t max);

/* ---- a source that is known: what is kept of it, and what is handed out ---- */

/* What a file was when it was opened; inode and times in ns; changed_ns 0: is not looked at again, for a file that is
 * never written into changes when another takes its name. False: it is no regular file, or cannot be looked at. */
struct alb_origin_stamp {
    int64_t size, inode, modified_ns, changed_ns;
};
bool alb_origin_stamp_take(int fd, struct alb_origin_stamp *stamp) ALB_MUST_CHECK;

struct alb_origin_note {
    struct alb_origin o;           /* a value: its object is unused; views into memory of whoever filled it */
    struct alb_str sums;           /* of blocks (blob/sums.h) */
    bool worded;                   /* the origin has said how long it is fresh: o.fresh_until_ms */
    bool always;                   /* it has said: ask every time */
    struct alb_origin_stamp stamp; /* local: the file that o.identity is about */
};
/* As text, with its own checksum from derived.h around it. */
void alb_origin_note_write(const struct alb_origin_note *note, struct alb_buf *out);
/* The views of *note point into text. False: not a note of this version. */
bool alb_origin_note_read(struct alb_str text, struct alb_origin_note *note) ALB_MUST_CHECK;
/* Whether it may be used at wall time `now` without asking the origin. */
bool alb_origin_note_is_fresh(const struct alb_origin_note *note, int64_t now_ms, int64_t recheck_ms);

/* The bytes of an origin and what goes back when it goes. */
struct alb_origin_body {
    int fd;
    struct alb_origin_budget *budget; /* a reference, or NULL */
    int64_t memory, spool;            /* charged */
    bool is_kept;                     /* a file in the cache's folder: its bytes may be damaged later */
    struct alb_origin_stamp stamp;    /* then: as it was before they were looked at */
};
#define ALB_ORIGIN_BODY_NONE {.fd = -1}
void alb_origin_body_fini(struct alb_origin_body *b); /* safe twice */

/* Copies the note, takes the body (also on failure; NULL: none, only what is known). NULL: no memory. */
struct alb_origin *alb_origin_make(const struct alb_origin_note *note,
                                   struct alb_origin_body *body) ALB_MUST_CHECK;
/* What it was asked for by, before anybody else sees it. */
void alb_origin_mark(struct alb_origin *o, struct alb_str asked, uint64_t purged, uint64_t known);
/* A failed one. */
struct alb_origin *alb_origin_make_failure(enum alb_origin_failure failure, int status,
                                           const struct alb_err *why) ALB_MUST_CHECK;
/* What is known of one that was made, for alb_origin_hot; valid as long as o. */
const struct alb_origin_note *alb_origin_note_of(const struct alb_origin *o);

/* ---- files of others ---- */

/* A regular file beneath root, whatever links there are; nothing else is ever opened. */
enum alb_code alb_origin_open_regular(int root, const char *path, int *fd, struct alb_origin_stamp *stamp,
                                      struct alb_err *err) ALB_MUST_CHECK;
/* Whether it is no trouble of this machine's that a file could not be opened. */
bool alb_origin_is_missing(const struct alb_err *err);
/* From path and stamp: see alb_origin.identity. */
void alb_origin_identify(struct alb_origin_note *note, struct alb_str path);
/* One that is_local, from type, identity and stamp of the note; its content_type if it has one. As alb_origin_make. */
struct alb_origin *alb_origin_make_local(struct alb_origin_note *note, struct alb_str path, int64_t now_ms,
                                         struct alb_origin_body *body) ALB_MUST_CHECK;

/* ---- headers that are kept ---- */

#define ALB_ORIGIN_KEEP "keep "
/* Lines for struct alb_origin's `kept`. */
void alb_origin_kept_gather(const struct alb_origin_policy *policy, struct alb_str head, struct alb_buf *out);

/* ---- keys ---- */

/* Under which a copy is kept, and (with what the ask limits) under which it is fetched once. */
void alb_origin_keys(const struct alb_origin_ask *ask, uint64_t purged, struct alb_derived_key *copy,
                     unsigned char flight[32]);

/* ---- fresh ones in memory ---- */

/* max 0 is fine: remembers nothing. NULL: no memory. */
struct alb_origin_hot *alb_origin_hot_new(unsigned max) ALB_MUST_CHECK;
void alb_origin_hot_free(struct alb_origin_hot **hot);
/* Keeps a reference to an origin without bytes, instead of an older one of that key. */
void alb_origin_hot_put(struct alb_origin_hot *hot, const struct alb_derived_key *key, struct alb_origin *o);
struct alb_origin *alb_origin_hot_get(struct alb_origin_hot *hot,
                                      const struct alb_derived_key *key); /* a reference, or NULL */
void alb_origin_hot_purge(struct alb_origin_hot *hot);
uint64_t alb_origin_hot_changes(struct alb_origin_hot *hot); /* raised after each of them */

/* ---- the room ---- */

#define ALB_ORIGIN_NOTES "sources/notes"
#define ALB_ORIGIN_BODIES "sources/bodies"
#define ALB_ORIGIN_BUCKETS 256

struct alb_origins {
    /* fixed after create */
    struct alb_origins_config config;
    struct alb_cache *notes, *bodies; /* both or none */
    struct alb_origin_hot *hot;
    struct alb_origin_budget *budget;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond none_left;
    struct alb_origin_job *buckets[ALB_ORIGIN_BUCKETS]; /* flights that may be joined */
    unsigned jobs;                                      /* that are not freed */
    bool closing;
    /* atomic */
    atomic_uint_fast64_t hot_hits, disk_hits, revalidated, fetched, joined, failed;
};

#endif
