/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a folder of the data directory: for recovery, sweeps and scans. Any thread.
 */
#ifndef ALB_BLOB_LIST_H
#define ALB_BLOB_LIST_H

#include "base/err.h"

/* One entry; "." and ".." are left out. Removing entries while the folder is read is fine. */
typedef enum alb_code alb_list_fn(void *arg, int dirfd, const char *name, struct alb_err *err);

/* Calls fn for every entry of dirfd/path until it fails. NOT_FOUND: no such folder. */
enum alb_code alb_list_folder(int dirfd, const char *path, alb_list_fn *fn, void *arg,
                              struct alb_err *err) ALB_MUST_CHECK;

#endif
