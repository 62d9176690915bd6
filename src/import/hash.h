/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-1 of a file as it lies on the disk, read once from front to back with read-ahead.
 */
#ifndef ALB_IMPORT_HASH_H
#define ALB_IMPORT_HASH_H

#include "base/err.h"
#include "import/item.h"
#include "import/stop.h"

#define ALB_HASH_CHUNK ((size_t)1 << 20)

/* Opens the item's file and asks the system to begin reading it; -1 and err on failure. */
int alb_hash_open(struct alb_item *item, struct alb_err *err);
/* Fills size, mtime, inode and sha1 of the item from fd. `room` has ALB_HASH_CHUNK bytes. The numbers belong
 * to the bytes that were hashed: a file that changes meanwhile is read again, CONFLICT when it does not stop.
 * CANCELLED between two chunks when the run is stopped. */
enum alb_code alb_hash_item(struct alb_item *item, int fd, const struct alb_stop *stop, unsigned char *room,
                            struct alb_err *err) ALB_MUST_CHECK;

#endif
