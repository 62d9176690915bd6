/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the list of purges share (contract: purges.h). Private to blob.
 *
 *   purges.c         the list, in its file and in memory
 *   purges_start.c   its file: made, opened, shortened, and opened again when the disk lets it
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

#define ALB_PURGES_STEP 16
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
/* The writer's lock is held: the record of a purge of everything. */
enum alb_code alb_purges_append_everything(struct alb_purges *p, struct alb_err *err) ALB_MUST_CHECK;

/* What the disk says to a write: kept for /health until it works again. */
void alb_purges_note(struct alb_purges *p, enum alb_code code, int sys);

/* purges_start.c. The writer's lock is held: there is a file that can be written to, and it is the one that bears the
 * name. */
enum alb_code alb_purges_ready(struct alb_purges *p, struct alb_err *err) ALB_MUST_CHECK;
/* mtx is held: whether the file that is open is not the one of that name any more. */
bool alb_purges_is_lost(const struct alb_purges *p);
/* mtx is held: goes over to the file of that name, if there is one. */
enum alb_code alb_purges_load_locked(struct alb_purges *p, struct alb_err *err) ALB_MUST_CHECK;
/* The writer's lock is held: begins a long list anew of which nothing is in force, if no other process has it open. */
void alb_purges_shrink(struct alb_purges *p);

#endif
