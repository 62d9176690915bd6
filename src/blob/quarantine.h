/* SPDX-License-Identifier: Apache-2.0
 *
 * quarantine/: where damaged files go instead of being served or silently lost, so that a person can see what
 * the disk did. Bounded by bytes and by number: the oldest go first. Names: <UTC time>-<n>-<old name>.
 * Any thread; no lock (renames and unlinks are atomic; two threads that prune at once unlink the same
 * oldest).
 */
#ifndef ALB_BLOB_QUARANTINE_H
#define ALB_BLOB_QUARANTINE_H

#include "base/clock.h"
#include "base/err.h"

struct alb_quarantine;

enum alb_code alb_quarantine_open(int data_dirfd, int64_t max_bytes, int64_t max_files,
                                  const struct alb_clock *clock, struct alb_quarantine **q,
                                  struct alb_err *err) ALB_MUST_CHECK;
void alb_quarantine_close(struct alb_quarantine **q);

/* Moves dirfd/name here, logs `why` and counts it. NOT_FOUND: somebody else did. If the move
 * fails for another reason the file is unlinked: a damaged file never stays where it can be read again,
 * unless `keep` (originals), then it stays and the code says why. */
enum alb_code alb_quarantine_take(struct alb_quarantine *q, int dirfd, const char *name, const char *why,
                                  bool keep, struct alb_err *err) ALB_MUST_CHECK;

struct alb_quarantine_view {
    int64_t files, bytes, taken_total;
};
enum alb_code alb_quarantine_look(struct alb_quarantine *q, struct alb_quarantine_view *view,
                                  struct alb_err *err) ALB_MUST_CHECK;

#endif
