/* SPDX-License-Identifier: Apache-2.0
 *
 * A set of (device, inode, label): what a walk has met. Open addressing, 24 bytes per entry at most three
 * quarters full. One thread.
 */
#ifndef ALB_IMPORT_SEEN_H
#define ALB_IMPORT_SEEN_H

#include "base/err.h"

struct alb_seen_entry {
    uint64_t dev, ino, label;
};
struct alb_seen {
    struct alb_seen_entry *slots; /* ino 0 = free; the system gives no file the number 0 */
    size_t n, cap;
};
/* ALB_OK: it is new. ALB_E_CONFLICT: it was there. ALB_E_NO_MEMORY. */
enum alb_code alb_seen_add(struct alb_seen *s, uint64_t dev, uint64_t ino, uint64_t label) ALB_MUST_CHECK;
void alb_seen_fini(struct alb_seen *s);

#endif
