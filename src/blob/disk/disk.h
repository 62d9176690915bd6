/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of originals on a local file system. Below the data directory (one file system for all):
 *
 *   originals/ab/<sha256>      the originals, named by their lower-case hex SHA-256
 *   tmp/                       temporary names of files that are being published; emptied at start
 *   quarantine/                damaged files, for a person to look at; bounded (blob/quarantine.h)
 *   cache/                     derived files (blob/cache.h)
 *
 * Opening is also recovery: folders are made, tmp/ is emptied, and one syncfs makes durable what an earlier
 * process left in the kernel, so that "the name is there" means "the name is durable" from then on.
 */
#ifndef ALB_BLOB_DISK_DISK_H
#define ALB_BLOB_DISK_DISK_H

#include "blob/quarantine.h"
#include "blob/store.h"

/* `data_dirfd` is duplicated; the caller holds the lock of the data directory. Start-up only. */
enum alb_code alb_blob_disk_open(int data_dirfd, struct alb_quarantine *quarantine,
                                 struct alb_blob_store **store, struct alb_err *err) ALB_MUST_CHECK;

#endif
