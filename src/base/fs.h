/* SPDX-License-Identifier: Apache-2.0
 *
 * File calls that finish what they start: EINTR is retried, short reads and writes go on, errors become
 * alb_code with errno. The only place where albumen calls write, fsync and rename on files it keeps, so the
 * fault plan below reaches every one of them. Descriptors are close-on-exec. Any thread.
 */
#ifndef ALB_BASE_FS_H
#define ALB_BASE_FS_H

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

enum alb_code alb_fs_open(int dirfd, const char *path, int flags, mode_t mode, int *fd,
                          struct alb_err *err) ALB_MUST_CHECK;
/* As alb_fs_open, of an existing file, but nothing outside `dirfd` is reached, by "..", by an absolute path or
 * by any symbolic link on the way (openat2 of Linux 5.6). */
enum alb_code alb_fs_open_beneath(int dirfd, const char *path, int flags, int *fd,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* The same, but symbolic links are followed as long as they lead beneath `dirfd` (absolute ones never do). */
enum alb_code alb_fs_open_inside(int dirfd, const char *path, int flags, int *fd,
                                 struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_fs_write_all(int fd, const void *p, size_t n, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_fs_pwrite_all(int fd, const void *p, size_t n, int64_t off,
                                struct alb_err *err) ALB_MUST_CHECK;
/* Reads until n bytes or the end of the file; *got says how many. */
enum alb_code alb_fs_pread_all(int fd, void *p, size_t n, int64_t off, size_t *got,
                               struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_fs_size(int fd, int64_t *size, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_fs_truncate(int fd, int64_t size, struct alb_err *err) ALB_MUST_CHECK;
/* Makes [to, to + n) the same blocks as [from, from + n) of another file, where the file system shares blocks
 * (btrfs, XFS). UNSUPPORTED: it does not, or not there: all three lie on its blocks, but n may reach the end of
 * the file that is cloned. Then nothing has changed. */
enum alb_code alb_fs_clone(int from_fd, int64_t from, int to_fd, int64_t to, int64_t n,
                           struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_fs_sync(int fd, struct alb_err *err) ALB_MUST_CHECK;     /* fsync */
enum alb_code alb_fs_datasync(int fd, struct alb_err *err) ALB_MUST_CHECK; /* fdatasync */
enum alb_code alb_fs_sync_dir(int dirfd, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_fs_rename(int from_dirfd, const char *from, int to_dirfd, const char *to,
                            struct alb_err *err) ALB_MUST_CHECK;
/* A second name for the same file (link(2)). CONFLICT: `to` exists; UNSUPPORTED: not in this file system. */
enum alb_code alb_fs_link(int from_dirfd, const char *from, int to_dirfd, const char *to,
                          struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_fs_unlink(int dirfd, const char *path,
                            struct alb_err *err) ALB_MUST_CHECK; /* absent = NOT_FOUND */
/* mkdir -p below dirfd; every new directory's parent is fsynced. */
enum alb_code alb_fs_mkdirs(int dirfd, const char *path, mode_t mode, struct alb_err *err) ALB_MUST_CHECK;
/* A whole small file into memory (free with alb_mem_free); TOO_LARGE above max. */
enum alb_code alb_fs_read_file(int dirfd, const char *path, size_t max, char **p, size_t *n,
                               struct alb_err *err) ALB_MUST_CHECK;
/* The first n bytes of an existing file of this user, if the kernel has its name and them in memory: does not wait for
 * the disk (but if somebody unlinks it meanwhile), fit for an event loop. openat2 with RESOLVE_CACHED of Linux 5.12,
 * preadv2 with RWF_NOWAIT of 4.14. *got: how many there are; fewer also where those behind them are not in memory.
 * BUSY: read it where one may wait. UNSUPPORTED: the same, for all of this kernel's or file system's files. */
enum alb_code alb_fs_read_cached(int dirfd, const char *path, void *p, size_t n, size_t *got,
                                 struct alb_err *err) ALB_MUST_CHECK;
void alb_fs_close(int *fd); /* -1 inside is allowed; sets -1; for ALB_CLEANUP */

/* Fault plan, process-wide, for tests: the n-th matching call fails with `sys` (short: a write stores half
 * of its bytes first). n = 0 ends the plan. */
enum alb_fs_call { ALB_FS_OPEN, ALB_FS_WRITE, ALB_FS_SYNC, ALB_FS_RENAME, ALB_FS_READ, ALB_FS_ANY };
void alb_fs_fault(enum alb_fs_call call, uint64_t n, int sys, bool once);
bool alb_fs_fault_fired(void);

#endif
