/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

static atomic_uint files; /* descriptors that bytes hold */

static bool may_have_one(void)
{
    struct rlimit most;

    return atomic_fetch_add(&files, 1) < ALB_BYTES_FILES_MAX && getrlimit(RLIMIT_NOFILE, &most) == 0 &&
           atomic_load(&files) <= most.rlim_cur / 4;
}

/* One more descriptor of the file, or -1. */
static int keep(int fd)
{
    int mine = may_have_one() ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (mine < 0)
        atomic_fetch_sub(&files, 1);
    return mine;
}

static void let_go(int fd)
{
    if (fd < 0)
        return;
    (void)close(fd);
    atomic_fetch_sub(&files, 1);
}

static void release(void *arg, const unsigned char *p, size_t n)
{
    const struct alb_bytes *b = arg;

    (void)munmap((void *)(uintptr_t)p, n);
    let_go(b->fd);
}

struct alb_bytes *alb_bytes_of_file(int fd, size_t n)
{
    void *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0); /* shared ones are refused before Linux 6.7 */
    struct alb_bytes *b = map == MAP_FAILED ? NULL : alb_bytes_wrap(map, n, release, NULL);

    if (b == NULL) {
        if (map != MAP_FAILED)
            (void)munmap(map, n);
        errno = ENOMEM;
        return NULL;
    }
    b->arg = b;
    b->fd = keep(fd);
    return b;
}

static bool fill(int fd, const unsigned char *p, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = write(fd, p + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
}

struct alb_bytes *alb_bytes_into_file(struct alb_bytes *bytes)
{
    struct alb_bytes *filed = NULL;
    int fd;

    if (bytes->fd >= 0 || bytes->n < ALB_BYTES_FILE_LEAST || atomic_load(&files) >= ALB_BYTES_FILES_MAX)
        return bytes;
    fd = memfd_create("albumen-bytes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return bytes;
    if (fill(fd, bytes->p, bytes->n))
        filed = alb_bytes_of_file(fd, bytes->n);
    (void)close(fd);
    if (filed == NULL)
        return bytes;
    alb_bytes_unref(bytes);
    return filed;
}
