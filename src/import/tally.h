/* SPDX-License-Identifier: Apache-2.0
 *
 * What has happened so far. Every file that a source names ends in exactly one outcome, so the rows of the
 * report always add up to what was found (alb_tally_check). Failures are kept with path and reason up to a
 * bound and counted above it. Threads: any. Lock: IMPORT_TALLY for short additions; the bytes in motion are
 * an atomic.
 */
#ifndef ALB_IMPORT_TALLY_H
#define ALB_IMPORT_TALLY_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/lock.h"
#include "import/limits.h"
#include "import/select.h"

enum alb_outcome {
    ALB_OUTCOME_UPLOADED,
    ALB_OUTCOME_WOULD_UPLOAD, /* dry run */
    ALB_OUTCOME_RESTORED,     /* was in the trash of the server */
    ALB_OUTCOME_DUPLICATE,    /* the server has it, or the same bytes came earlier in this run */
    ALB_OUTCOME_SKIPPED,
    ALB_OUTCOME_FAILED,
    ALB_OUTCOME_LEFT, /* the run was stopped before it was its turn */
    ALB_OUTCOME_COUNT
};

struct alb_count {
    uint64_t files;
    int64_t bytes;
};
struct alb_failure {
    char *path, *reason;
    bool folder; /* a folder that could not be read, not a file */
};
#define ALB_TALLY_TYPES 8
struct alb_type_count {
    char ext[16];
    uint64_t files;
};

struct alb_tally_view {
    struct alb_count outcome[ALB_OUTCOME_COUNT];
    struct alb_count skip[ALB_SKIP_COUNT];
    struct alb_type_count types[ALB_TALLY_TYPES]; /* of ALB_SKIP_TYPE, most frequent first; "" = none */
    struct alb_count found;                       /* files told by the source */
    uint64_t folders_failed;
    uint64_t resumed; /* uploads that went on where an earlier run had stopped */
    uint64_t known;   /* files whose hash came from the journal */
    bool scanned;     /* nothing more will be found */
    int64_t moving;   /* bytes of unfinished files that the server has taken */
    int64_t sent;     /* bytes sent in all, repetitions included */
};

struct alb_tally {
    struct alb_mutex lock;
    /* under lock */
    struct alb_tally_view view;
    struct alb_type_count all_types[64];
    struct alb_failure *failures;
    size_t failures_n, failures_cap;
    /* atomic */
    _Atomic int64_t moving, sent;
};
void alb_tally_init(struct alb_tally *t);
void alb_tally_fini(struct alb_tally *t);

void alb_tally_found(struct alb_tally *t, int64_t bytes);
void alb_tally_end(struct alb_tally *t, enum alb_outcome how, int64_t bytes);
/* Ends it as skipped. path is looked at for its extension only. */
void alb_tally_skip(struct alb_tally *t, enum alb_skip why, struct alb_str path, int64_t bytes);
/* Ends it as failed (a folder is no file: it is only listed). Returns how many have failed. */
uint64_t alb_tally_fail(struct alb_tally *t, struct alb_str path, int64_t bytes, bool folder,
                        struct alb_str reason);
void alb_tally_resumed(struct alb_tally *t);
void alb_tally_known(struct alb_tally *t);
void alb_tally_scanned(struct alb_tally *t);
/* Bytes of an unfinished file went out. */
void alb_tally_sent(struct alb_tally *t, int64_t bytes);
/* Corrects what the server has of unfinished files: up when an upload goes on, down when it ends or starts
 * anew. */
void alb_tally_moved(struct alb_tally *t, int64_t bytes);

void alb_tally_look(struct alb_tally *t, struct alb_tally_view *out);
/* Found = the sum of all outcomes; true at the end of every run. */
bool alb_tally_adds_up(const struct alb_tally_view *v);
/* After all threads have ended. */
const struct alb_failure *alb_tally_failures(const struct alb_tally *t, size_t *n);

/* Text that is safe on a terminal: control characters and bytes that are no UTF-8 become \xNN. */
void alb_tally_safe_text(struct alb_buf *out, struct alb_str s);

#endif
