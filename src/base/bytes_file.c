/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fs.h"

static atomic_uint files; /* descriptors that bytes hold */

/* Room for one more, which is counted from now on. */
static bool reserve(void)
{
    struct rlimit most;
    unsigned held = atomic_fetch_add(&files, 1);

    if (held < ALB_BYTES_FILES_MAX && getrlimit(RLIMIT_NOFILE, &most) == 0 && held < most.rlim_cur / 4)
        return true;
    atomic_fetch_sub(&files, 1);
    return false;
}

static void release(void *arg, const unsigned char *p, size_t n)
{
    const struct alb_bytes *b = arg;

    (void)munmap((void *)(uintptr_t)p, n);
    if (b->fd >= 0) {
        (void)close(b->fd);
        atomic_fetch_sub(&files, 1);
    }
}

static struct alb_bytes *map_bytes(int fd, size_t n)
{
    void *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0); /* shared ones are refused before Linux 6.7 */
    struct alb_bytes *b = map == MAP_FAILED ? NULL : alb_bytes_wrap(map, n, release, NULL);

    if (b != NULL)
        b->arg = b;
    else if (map != MAP_FAILED)
        (void)munmap(map, n);
    return b;
}

struct alb_bytes *alb_bytes_of_file(int fd, size_t n)
{
    struct alb_bytes *b = map_bytes(fd, n);

    if (b != NULL && reserve()) {
        b->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (b->fd < 0)
            atomic_fetch_sub(&files, 1);
    }
    return b;
}

struct alb_bytes *alb_bytes_into_file(struct alb_bytes *bytes)
{
    struct alb_bytes *filed = NULL;
    int fd;

    if (bytes->fd >= 0 || bytes->n < ALB_BYTES_FILE_LEAST || !reserve())
        return bytes;
    fd = memfd_create("albumen-bytes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && alb_fs_write_all(fd, bytes->p, bytes->n, NULL) == ALB_OK &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
        filed = map_bytes(fd, bytes->n);
    if (filed == NULL) {
        alb_fs_close(&fd);
        atomic_fetch_sub(&files, 1);
        return bytes;
    }
    filed->fd = fd;
    alb_bytes_unref(bytes);
    return filed;
}
