/* SPDX-License-Identifier: Apache-2.0
 *
 * The one way in which a file that albumen keeps comes into being (law 3): a temporary name in the same file
 * system, write, verify, (durable files: fsync), rename, (durable files: fsync of the directory). A reader
 * sees the whole file under its final name or no file; a crash leaves a temporary file that recovery removes
 * or a complete one. Originals, derived files and everything else that is kept go through alb_publish_commit.
 *
 *   FRESH --write--> (caller writes to fd) --commit--> PUBLISHED   fd stays open, read it or close it
 *                                         \--abandon-> GONE        temporary file unlinked
 *
 * Threads: one struct belongs to one thread at a time; any number of publications run side by side, also of
 * the same name (the last rename wins with REPLACE; without it the caller holds the lock of that name).
 */
#ifndef ALB_BLOB_PUBLISH_H
#define ALB_BLOB_PUBLISH_H

#include "base/err.h"

#define ALB_TMP_NAME_MAX 48

struct alb_publish {
    int dirfd;                   /* borrowed: where the temporary name is */
    int fd;                      /* open for reading and writing; -1 when closed */
    bool named;                  /* the temporary name still exists */
    char name[ALB_TMP_NAME_MAX]; /* the temporary name */
};
#define ALB_PUBLISH_INIT {-1, -1, false, {0}}

enum {
    ALB_PUBLISH_DURABLE = 1u << 0, /* fsync the file before and the directory after the rename */
    ALB_PUBLISH_SYNCED = 1u << 1,  /* with DURABLE: the bytes are durable already, only the name is not */
    ALB_PUBLISH_REPLACE = 1u << 2, /* an older file of that name may be replaced; else it is CONFLICT */
    ALB_PUBLISH_LINK = 1u << 3,    /* the old name stays too (hard link), where the file system can do that */
};

/* Looks at the complete file before it gets its name: ALB_OK, or why it must not be published. */
typedef enum alb_code alb_publish_verify_fn(void *arg, int fd, struct alb_err *err);

/* A new empty temporary file in tmp_dirfd (names are unique across threads and restarts), open for reading
 * and writing. NO_SPACE, IO. */
enum alb_code alb_publish_begin(struct alb_publish *p, int tmp_dirfd, struct alb_err *err) ALB_MUST_CHECK;

/* verify (may be NULL: verified by the caller before) -> fsync -> rename to `name` in dirfd -> fsync dirfd.
 * On failure nothing is published under `name`, except that a failed directory fsync may leave the complete,
 * verified file there. The temporary name is gone after success; after failure the caller abandons. */
enum alb_code alb_publish_commit(struct alb_publish *p, int dirfd, const char *name, unsigned flags,
                                 alb_publish_verify_fn *verify, void *arg,
                                 struct alb_err *err) ALB_MUST_CHECK;

/* The same for a complete file that lies under from/from_name in the same file system (a finished upload). */
enum alb_code alb_publish_adopt(int from_dirfd, const char *from_name, int fd, int dirfd, const char *name,
                                unsigned flags, alb_publish_verify_fn *verify, void *arg,
                                struct alb_err *err) ALB_MUST_CHECK;

/* At start: makes data_dirfd/tmp and empties it, for everything there is of a process that is no more. Whoever calls
 * this holds the lock of that directory. */
enum alb_code alb_publish_recover(int data_dirfd, struct alb_err *err) ALB_MUST_CHECK;

/* The same for a directory that other processes may use at this moment: only what nobody writes to any more (the writer
 * of a temporary file holds a flock on it). Nothing durable may lie there: nothing is synced. */
enum alb_code alb_publish_recover_shared(int data_dirfd, struct alb_err *err) ALB_MUST_CHECK;

/* Closes fd and, unless published, removes the temporary file. Safe on ALB_PUBLISH_INIT and twice. */
void alb_publish_end(struct alb_publish *p);

#endif
