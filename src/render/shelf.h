/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of plain files that other programs know too: pictures and results under paths that somebody else has laid
 * down (imagor's file loaders and storages). What lies there is used as it is; what we put there others can read.
 *
 *   - A file comes whole or not at all: temporary name in ".albumen/tmp" of the folder, fsync, rename, fsync of the
 *     folder. A live file is never written into. What a crash leaves there goes at the next start.
 *   - What we have put is checked whenever it is taken: its checksum is in the extended attribute "user.albumen",
 *     together with its path in the folder, and size and time of the file (shelf_seal.h). Where the file system has no
 *     attributes, and for files of others, the file must end where its own structure says (image/whole.h). What is not
 *     whole, damaged, or was put under another name and came to this one with its attribute, is as if it were not
 *     there: it is made again and replaced, never handed out, never removed.
 *   - A disk that is full or read-only costs the shelf, not the request. The trouble is told by alb_shelf_look and goes
 *     when the disk does its work again (alb_shelf_tend, or the next file).
 *
 * Several processes, and imagor itself, may use a folder at the same time. A file that somebody else writes into while
 * it is read is no longer "the same" (alb_origin_is_same, alb_origin_read), and not handed on.
 *
 * Threads: any that may touch a disk. Lock: SHELF.
 */
#ifndef ALB_RENDER_SHELF_H
#define ALB_RENDER_SHELF_H

#include <sys/types.h>

#include "base/clock.h"
#include "base/pool.h"
#include "render/origin.h"

#define ALB_SHELF_LATER_MAX 1024                  /* files that wait to be put; more are not put */
#define ALB_SHELF_LATER_BYTES ((size_t)256 << 20) /* of all of them */
#define ALB_SHELF_JSON "application/json"

struct alb_shelf;
struct alb_shelf_config {
    const char *name; /* for log, metrics and seals; lives as long as the shelf */
    /* Of a folder that is only read: the shelf that keeps files in there, too, and whose seals hold here as well.
     * NULL: none */
    const char *sealer;
    const char *folder;
    bool
        keeps; /* files are put here; else the folder is only read, and what lies there is taken without a look at its
                 * end: pictures of people, which a decoder looks at more strictly */
    mode_t dir_mode, file_mode; /* the process' umask is taken off */
    int64_t expire_ns;          /* older files (time of last change) are not taken; 0: all are */
    const struct alb_clock *clock;
    struct alb_pool *pool;     /* io: alb_shelf_put_later */
    struct alb_purges *purges; /* NULL: none */
};
/* Makes the folder if it keeps. One that cannot be written to is a trouble, not an error; one that is not there is. */
enum alb_code alb_shelf_open(const struct alb_shelf_config *config, struct alb_shelf **out,
                             struct alb_err *err) ALB_MUST_CHECK;
void alb_shelf_close(struct alb_shelf **shelf); /* what waits is put first. Blocks */

/* path: beneath the folder, NUL-terminated, without "." and ".." (nothing outside is ever reached). asked: what the
 * origin is to be known by, for purges. *out, a reference: is_local, with bytes; its identity is the SHA-256 of the
 * bytes of what we have put, worked out here, and path and stamp of files of others. NOT_FOUND: nothing that may be
 * used. NO_MEMORY, IO. */
enum alb_code alb_shelf_get(struct alb_shelf *shelf, const char *path, struct alb_str asked,
                            struct alb_origin **out, struct alb_err *err) ALB_MUST_CHECK;
/* Time of last change, wall ms, of what alb_shelf_get would look at; false: nothing there. */
bool alb_shelf_modified(struct alb_shelf *shelf, const char *path, int64_t *modified_ms);
/* Puts the bytes of an origin, or others; best effort. The first blocks on the disk; the second is done on the pool,
 * once for all who ask for it at the same time; of several under one path the last is there in the end. What is not
 * whole is not put. */
void alb_shelf_put(struct alb_shelf *shelf, const char *path, struct alb_origin *o);
void alb_shelf_put_later(struct alb_shelf *shelf, const char *path, struct alb_bytes *bytes);

struct alb_shelf_view {
    const char *name;
    uint64_t hits, misses, expired;
    uint64_t unsound;            /* looked at and not used: cut off, or damaged */
    uint64_t put, unfit, failed; /* unfit: a name that the file system cannot have */
    uint64_t dropped;            /* too much waited to be put */
    unsigned waiting;
    int reading, writing;           /* errno of what keeps from it now; 0: nothing */
    int64_t reading_ms, writing_ms; /* wall: since when */
};
struct alb_shelf_view alb_shelf_look(struct alb_shelf *shelf);
/* If it cannot be written to: tries, so that one may be told of it though nothing is put. Else does nothing. */
void alb_shelf_tend(struct alb_shelf *shelf);

#endif
