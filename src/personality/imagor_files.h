/* SPDX-License-Identifier: Apache-2.0
 *
 * imagor's file loader, file storage and file result storage for the thumbor door (door.h, struct alb_thumbor_files):
 * shelves (render/shelf.h) under imagor's paths (doors/thumbor/storage_key.h).
 *
 * a source    storage - loader (under its escaped name, and as it is written) - other servers; what comes from these
 * is
 *               put into the storage before the request goes on
 *   a result    result storage - made; put there later, nobody waits
 *
 * A storage that is in trouble is as good as none. Threads: open and close on the main thread, the rest as door.h says.
 */
#ifndef ALB_PERSONALITY_IMAGOR_FILES_H
#define ALB_PERSONALITY_IMAGOR_FILES_H

#include "doors/thumbor/door.h"
#include "doors/thumbor/storage_key.h"
#include "personality/imagor_flags.h"
#include "render/shelf.h"

enum alb_imagor_folder { ALB_IMAGOR_LOADER, ALB_IMAGOR_STORAGE, ALB_IMAGOR_RESULTS, ALB_IMAGOR_FOLDERS };

struct alb_imagor_files {
    /* fixed after open */
    struct alb_thumbor_files hooks;
    struct alb_shelf *shelf[ALB_IMAGOR_FOLDERS]; /* NULL: not wanted */
    struct alb_thumbor_folder folder[ALB_IMAGOR_FOLDERS];
    enum alb_thumbor_style storage_style, result_style;
    bool modified_check;
};

/* INVALID, IO: names the flag. */
enum alb_code alb_imagor_files_open(const struct alb_imagor_flags *f, struct alb_pool *pool,
                                    struct alb_purges *purges, struct alb_imagor_files *files,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Whether they are still in trouble, before one tells of it. Blocks on disks that are. */
void alb_imagor_files_tend(const struct alb_imagor_files *files);
void alb_imagor_files_close(struct alb_imagor_files *files); /* safe twice */

#endif
