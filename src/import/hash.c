/* SPDX-License-Identifier: Apache-2.0
 *
 * See hash.h.
 */
#include "import/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "import/limits.h"
#include "import/source.h"

#define READ_AHEAD ((off_t)16 << 20)

int alb_hash_open(struct alb_item *item, struct alb_err *err)
{
    int fd = -1;
    if (item->source->open(item->source, item, &fd, err) != ALB_OK)
        return -1;
    alb_ignore(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), "advice");
    alb_ignore(posix_fadvise(fd, 0, READ_AHEAD, POSIX_FADV_WILLNEED), "advice");
    return fd;
}

static enum alb_code read_all(int fd, int64_t size, const struct alb_stop *stop, struct alb_hash *h,
                              unsigned char *room, int64_t *got, struct alb_err *err)
{
    *got = 0;
    for (;;) {
        size_t n = 0;
        if (alb_stop_asked(stop))
            return alb_fail(err, ALB_E_CANCELLED, "stopped");
        enum alb_code code = alb_fs_pread_all(fd, room, ALB_HASH_CHUNK, *got, &n, err);
        if (code != ALB_OK)
            return code;
        alb_hash_update(h, room, n);
        *got += (int64_t)n;
        /* A file that grows for ever must not keep us. */
        if (n < ALB_HASH_CHUNK || *got > size)
            return ALB_OK;
    }
}

static bool look(struct alb_item *item, int fd, struct alb_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        int sys = errno;
        return alb_fail_sys(err, alb_code_of_errno(sys), sys, "cannot be looked at") == ALB_OK;
    }
    item->size = st.st_size;
    item->mtime_ns = (int64_t)st.st_mtim.tv_sec * ALB_NS_PER_S + st.st_mtim.tv_nsec;
    item->ino = (uint64_t)st.st_ino;
    return true;
}

enum alb_code alb_hash_item(struct alb_item *item, int fd, const struct alb_stop *stop, unsigned char *room,
                            struct alb_err *err)
{
    unsigned char sum[ALB_HASH_MAX_LEN];
    if (!look(item, fd, err))
        return err->code;
    for (unsigned i = 0; i < ALB_IMPORT_CHANGED_MAX; i++) {
        struct alb_hash h;
        int64_t got, size = item->size, mtime_ns = item->mtime_ns;
        alb_hash_init(&h, ALB_HASH_SHA1);
        enum alb_code code = read_all(fd, size, stop, &h, room, &got, err);
        if (code != ALB_OK)
            return code;
        if (!look(item, fd, err))
            return err->code;
        if (got == size && item->size == size && item->mtime_ns == mtime_ns) {
            alb_hash_final(&h, sum);
            memcpy(item->sha1, sum, ALB_SHA1_LEN);
            item->hashed = true;
            return ALB_OK;
        }
    }
    return alb_fail(err, ALB_E_CONFLICT, "it is being changed; import it again when that is over");
}
