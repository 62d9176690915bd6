/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the list of purges share (contract: purges.h). Private to blob.
 *
 *   purges.c         the list, in its file and in memory
 *   purges_labels.c  labels as they are written into files
 *   purges_recent.c  what is told of the newest purges
 */
#ifndef ALB_BLOB_PURGES_PRIV_H
#define ALB_BLOB_PURGES_PRIV_H

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

#endif
