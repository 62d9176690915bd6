/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the list of purges share (contract: purges.h). Private to blob.
 *
 *   purges.c         the list, in its file and in memory
 *   purges_start.c   its file: made, opened, and opened again when the disk lets it
 *   purges_anew.c    a file that has become long, or is not what was read of it any more, is written anew
 *   purges_labels.c  labels as they are written into files
 *   purges_recent.c  what is told of the newest purges
 */
#ifndef ALB_BLOB_PURGES_PRIV_H
#define ALB_BLOB_PURGES_PRIV_H

#include <stdatomic.h>

#include "base/lock.h"
#include "blob/purges.h"

/* Bytes of a file, the least significant first. */
void alb_purges_put_le(unsigned char *p, uint64_t v, int n);
uint64_t alb_purges_get_le(const unsigned char *p, int n);

/* A long label is its beginning and a hash of it all. */
#define ALB_LABEL_CUT_HEX 32
struct alb_str alb_label_shorten(struct alb_str label, char room[ALB_LABEL_MAX]);

/* ---- the newest purges: pure memory, under the lock of the list ---- */

struct alb_purge_note {
    struct alb_purge_told told; /* files: what the list's file says */
    char *text;                 /* alb_mem, of the texts of told */
    int64_t fresh;              /* files that this process has removed and that file does not know of */
};
struct alb_purge_notes {
    struct alb_purge_note list[ALB_PURGES_RECENT]; /* the newest is the last */
    size_t count;
    char by[ALB_PURGE_BY_MAX]; /* who asks for the one that comes next */
    size_t by_n;
};

/* The beginning of a name that fits, in whole characters. */
struct alb_str alb_purge_by_cut(struct alb_str by);
void alb_purge_notes_by(struct alb_purge_notes *notes, struct alb_str by);
/* Without memory it is not told of. */
void alb_purge_notes_add(struct alb_purge_notes *notes, uint64_t number, struct alb_str label, bool prefix,
                         int64_t wall_ms);
/* This process has removed a file by it. */
void alb_purge_notes_count(struct alb_purge_notes *notes, uint64_t number);
/* Of one up to `up_to` the file is to be told: then it is done, and what this process has removed is taken out. */
bool alb_purge_notes_due(struct alb_purge_notes *notes, uint64_t up_to, uint64_t *number, int64_t *files);
/* A process has looked for the files that it touches, and removed so many. */
void alb_purge_notes_done(struct alb_purge_notes *notes, uint64_t number, int64_t files);
void alb_purge_notes_fini(struct alb_purge_notes *notes);

/* ---- the list ---- */

#define ALB_PURGES_MAGIC "ALP2"
#define ALB_PURGES_STEP 16
#define ALB_PURGES_RECORD_MAX (ALB_PURGES_STEP + ALB_LABEL_MAX + ALB_PURGES_STEP)
#define ALB_PURGES_TABLE (2 * (size_t)ALB_PURGES_MAX)

struct alb_purge {
    uint64_t hash, number; /* number 0: free */
    int64_t wall_ms;
};
struct alb_purge_prefix {
    char *text; /* alb_mem */
    size_t n;
    uint64_t number;
    int64_t wall_ms;
};

struct alb_purges {
    /* fixed after open */
    const struct alb_clock *clock;
    int dirfd, tmpfd;
    bool shared;
    /* of who writes, one at a time; file calls allowed; taken before mtx */
    struct alb_mutex writer;
    /* under mtx */
    struct alb_mutex mtx;
    uint64_t base;
    int64_t at; /* read up to here */
    struct alb_purge *table;
    size_t wholes, prefix_count;
    struct alb_purge_prefix prefixes[ALB_PURGE_PREFIXES_MAX];
    uint64_t now, retired;
    uint64_t
        offered; /* others have nothing left to touch up to here; this process may still know things of then */
    unsigned generation; /* files that were read */
    bool writable;
    bool broken;            /* the file is not what was read of it: it is to be written anew */
    int fault;              /* errno of the disk; 0: none */
    int64_t fault_since_ms; /* wall */
    struct alb_purge_notes notes;
    /* atomic */
    atomic_int fd;        /* -1: none yet; later the same number, also when it is another file (dup3) */
    _Atomic int64_t seen; /* = at */
    atomic_bool any;      /* one is in force */
};

/* purges.c. mtx is held. Reads on; a purge of everything; none up to this number is in force any more. */
enum alb_code alb_purges_follow_locked(struct alb_purges *p, struct alb_err *err) ALB_MUST_CHECK;
void alb_purges_everything_locked(struct alb_purges *p, uint64_t number);
void alb_purges_forget_locked(struct alb_purges *p, uint64_t number);
/* Records (purges.c says what is in them); the bytes of one. */
enum alb_purges_kind {
    ALB_PURGES_WHOLE = 1,
    ALB_PURGES_PREFIX,
    ALB_PURGES_RETIRED,
    ALB_PURGES_BY,
    ALB_PURGES_LOOKED,
    ALB_PURGES_KEPT_WHOLE,
    ALB_PURGES_KEPT_PREFIX,
};
size_t alb_purges_encode(enum alb_purges_kind kind, struct alb_str text, int64_t value,
                         unsigned char out[ALB_PURGES_RECORD_MAX]);

/* What the disk says to a write: kept for /health until it works again. */
void alb_purges_note(struct alb_purges *p, enum alb_code code, int sys);

/* purges_start.c. The writer's lock is held: there is a file that can be written to, and it is the one that bears the
 * name. */
enum alb_code alb_purges_ready(struct alb_purges *p, struct alb_err *err) ALB_MUST_CHECK;
/* mtx is held: whether the file that is open is not the one of that name any more. */
bool alb_purges_is_lost(const struct alb_purges *p);
/* mtx is held: whether somebody has cut the file off. What it said may be lost: then all that is older is purged. */
bool alb_purges_is_broken(struct alb_purges *p);
void alb_purges_break_locked(struct alb_purges *p);
/* mtx is held: reads the one that is open to its end, and goes over to the one of that name, if there is one. */
enum alb_code alb_purges_load_locked(struct alb_purges *p, struct alb_err *err) ALB_MUST_CHECK;
/* Larger than any number that was given until now, if the clock is about right. */
uint64_t alb_purges_fresh_base(const struct alb_purges *p);

/* purges_anew.c. The writer's lock is held: a new file with what is in force takes the place of the one that is
 * open, or becomes the first of its name; `publish` as in publish.h. BUSY: another process is writing at this
 * moment. */
enum alb_code alb_purges_anew(struct alb_purges *p, unsigned publish, struct alb_err *err) ALB_MUST_CHECK;
/* The same, if the file is much longer than what is in force. */
void alb_purges_shrink(struct alb_purges *p);
/* Held around what must not be forgotten by who writes the list anew in this moment. */
void alb_purges_hold(struct alb_purges *p);
void alb_purges_let_go(struct alb_purges *p);

#endif
