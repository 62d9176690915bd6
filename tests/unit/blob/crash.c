/* SPDX-License-Identifier: Apache-2.0
 *
 * The crash shim (crash.h).
 */
#include "crash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define SECTOR 512

struct name {
    char text[128];
    ino_t ino;
    bool folder;
};

struct inode { /* as it is on the disk */
    ino_t ino;
    unsigned char *p; /* of a file */
    size_t n;
    struct name *names; /* of a folder */
    size_t count;
};

static struct {
    bool on;
    enum crash_mode mode;
    uint64_t at, calls, fsyncs, random;
    char data[256], image[256];
    struct inode *inodes;
    size_t count, cap;
} c;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "crash shim: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static uint32_t random32(void)
{
    c.random = c.random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(c.random >> 33);
}

/* ---- what the disk holds ---- */

static struct inode *inode_of(ino_t ino, bool make)
{
    for (size_t i = 0; i < c.count; i++) {
        if (c.inodes[i].ino == ino)
            return &c.inodes[i];
    }
    if (!make)
        return NULL;
    if (c.count == c.cap) {
        c.cap = c.cap == 0 ? 512 : c.cap * 2;
        c.inodes = realloc(c.inodes, c.cap * sizeof(*c.inodes));
        must(c.inodes != NULL, "memory");
    }
    memset(&c.inodes[c.count], 0, sizeof(*c.inodes));
    c.inodes[c.count].ino = ino;
    return &c.inodes[c.count++];
}

static unsigned char *contents(int fd, size_t *n)
{
    struct stat st;

    must(fstat(fd, &st) == 0, "stat");
    unsigned char *p = malloc((size_t)st.st_size + 1);
    must(p != NULL, "memory");
    *n = (size_t)st.st_size;
    must(pread(fd, p, *n, 0) == (ssize_t)*n, "read");
    return p;
}

static void file_reaches_disk(int fd)
{
    struct stat st;

    if (!c.on)
        return;
    must(fstat(fd, &st) == 0, "stat");
    struct inode *i = inode_of(st.st_ino, true);
    free(i->p);
    i->p = contents(fd, &i->n);
}

static struct name *list(int fd, size_t *count)
{
    struct name *names = NULL;
    DIR *d = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY));

    *count = 0;
    must(d != NULL, "list");
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        names = realloc(names, (*count + 1) * sizeof(*names));
        must(names != NULL && strlen(e->d_name) < sizeof(names->text), "memory");
        struct name *n = &names[(*count)++];
        memset(n, 0, sizeof(*n));
        memcpy(n->text, e->d_name, strlen(e->d_name) + 1);
        n->ino = e->d_ino;
        n->folder = e->d_type == DT_DIR;
    }
    (void)closedir(d);
    return names;
}

static void folder_reaches_disk(int fd)
{
    struct stat st;

    if (!c.on)
        return;
    must(fstat(fd, &st) == 0, "stat");
    struct inode *i = inode_of(st.st_ino, true);
    free(i->names);
    i->names = list(fd, &i->count);
}

static void all_reaches_disk(int fd)
{
    size_t count;
    struct name *names = list(fd, &count);

    folder_reaches_disk(fd);
    for (size_t i = 0; i < count; i++) {
        int sub = openat(fd, names[i].text, O_RDONLY | (names[i].folder ? O_DIRECTORY : 0));
        must(sub >= 0, "open");
        if (names[i].folder)
            all_reaches_disk(sub);
        else
            file_reaches_disk(sub);
        (void)close(sub);
    }
    free(names);
}

/* ---- the disk as it is found ---- */

static void write_file(int dirfd, const char *name, const unsigned char *p, size_t n)
{
    int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    must(fd >= 0, "image file");
    must(write(fd, p, n) == (ssize_t)n, "image write");
    (void)close(fd);
}

/* Old and new sectors, at random; fd < 0: the file is gone, only the old is left. */
static void find_file(int image, const char *name, ino_t ino, int fd)
{
    static const struct inode nothing;
    const struct inode *old = inode_of(ino, false);
    size_t n = 0;
    unsigned char *now = fd >= 0 ? contents(fd, &n) : NULL;

    if (old == NULL)
        old = &nothing;
    if (c.mode == CRASH_POWER || now == NULL) {
        write_file(image, name, old->p, old->n);
        free(now);
        return;
    }
    size_t size = (random32() & 1) != 0 ? n : old->n;
    unsigned char *mix = calloc(1, size + 1);
    must(mix != NULL, "memory");
    uint32_t mood = random32() % 3; /* all old, all new, mixed */
    for (size_t at = 0; at < size; at += SECTOR) {
        bool fresh = mood == 1 || (mood == 2 && (random32() & 1) != 0);
        const unsigned char *from = fresh ? now : old->p;
        size_t most = fresh ? n : old->n, len = size - at < SECTOR ? size - at : SECTOR;
        if (at < most)
            memcpy(mix + at, from + at, most - at < len ? most - at : len);
    }
    write_file(image, name, mix, size);
    free(mix);
    free(now);
}

static const struct name *in(const struct name *names, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i].text, text) == 0)
            return &names[i];
    }
    return NULL;
}

static void find_folder(int image, const char *name, ino_t ino, int now);

static void find_name(int image, const struct name *n, int now)
{
    int fd = openat(now, n->text, O_RDONLY | O_NOFOLLOW);
    struct stat st;

    if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_ino != n->ino)) { /* another one has this name now */
        (void)close(fd);
        fd = -1;
    }
    if (n->folder)
        find_folder(image, n->text, n->ino, fd);
    else
        find_file(image, n->text, n->ino, fd);
    if (fd >= 0)
        (void)close(fd);
}

static void find_folder(int image, const char *name, ino_t ino, int now)
{
    const struct inode *old = inode_of(ino, false);
    size_t count = 0;
    struct name *names = now >= 0 ? list(now, &count) : NULL;

    must(mkdirat(image, name, 0700) == 0, "image folder");
    int fd = openat(image, name, O_RDONLY | O_DIRECTORY);
    must(fd >= 0, "image folder");
    for (size_t i = 0; old != NULL && i < old->count; i++) {
        const struct name *n = &old->names[i];
        const struct name *fresh = in(names, count, n->text);
        bool same = fresh != NULL && fresh->ino == n->ino;
        if (c.mode == CRASH_POWER || same || (random32() & 1) != 0)
            find_name(fd, n, now);
        else if (fresh != NULL)
            find_name(fd, fresh, now);
    }
    for (size_t i = 0; c.mode == CRASH_POWER_MIXED && i < count; i++) {
        if ((old == NULL || in(old->names, old->count, names[i].text) == NULL) && (random32() & 1) != 0)
            find_name(fd, &names[i], now);
    }
    (void)close(fd);
    free(names);
}

static void crash(void)
{
    struct stat st;

    if (c.mode == CRASH_KILL || c.mode == CRASH_KILL_HALF)
        (void)kill(getpid(), SIGKILL);
    int data = open(c.data, O_RDONLY | O_DIRECTORY);
    must(data >= 0 && fstat(data, &st) == 0, "data");
    find_folder(AT_FDCWD, c.image, st.st_ino, data);
    _exit(CRASH_EXIT);
}

/* True: this is the call, and the caller is a write that is to be half done first. */
static bool step(bool write)
{
    if (!c.on || ++c.calls != c.at || c.mode == CRASH_NEVER)
        return false;
    if (write && c.mode == CRASH_KILL_HALF)
        return true;
    crash();
    return false;
}

void crash_end(void)
{
    for (size_t i = 0; i < c.count; i++) {
        free(c.inodes[i].p);
        free(c.inodes[i].names);
    }
    free(c.inodes);
    memset(&c, 0, sizeof(c));
}

void crash_begin(enum crash_mode mode, uint64_t at, const char *data, const char *image, uint64_t seed)
{
    crash_end();
    c.on = true;
    c.mode = mode;
    c.at = at;
    c.random = seed * 0x9e3779b97f4a7c15U + 1;
    (void)snprintf(c.data, sizeof(c.data), "%s", data);
    (void)snprintf(c.image, sizeof(c.image), "%s", image);
    int fd = open(data, O_RDONLY | O_DIRECTORY);
    must(fd >= 0, "data");
    all_reaches_disk(fd);
    (void)close(fd);
}

uint64_t crash_calls(void)
{
    return c.calls;
}

uint64_t crash_fsyncs(void)
{
    return c.fsyncs;
}

/* ---- the wrapped calls ---- */

#define WRAP(ret, name, params)                                                                              \
    ret __real_##name params;                                                                                \
    ret __wrap_##name params;                                                                                \
    ret __wrap_##name params

WRAP(enum alb_code, alb_fs_open,
     (int dirfd, const char *path, int flags, mode_t mode, int *fd, struct alb_err *err))
{
    if ((flags & O_CREAT) != 0)
        (void)step(false);
    return __real_alb_fs_open(dirfd, path, flags, mode, fd, err);
}

WRAP(enum alb_code, alb_fs_write_all, (int fd, const void *p, size_t n, struct alb_err *err))
{
    if (step(true)) {
        must(write(fd, p, n / 2) >= 0, "half a write");
        crash();
    }
    return __real_alb_fs_write_all(fd, p, n, err);
}

WRAP(enum alb_code, alb_fs_pwrite_all, (int fd, const void *p, size_t n, int64_t off, struct alb_err *err))
{
    if (step(true)) {
        must(pwrite(fd, p, n / 2, off) >= 0, "half a write");
        crash();
    }
    return __real_alb_fs_pwrite_all(fd, p, n, off, err);
}

WRAP(enum alb_code, alb_fs_truncate, (int fd, int64_t size, struct alb_err *err))
{
    (void)step(false);
    return __real_alb_fs_truncate(fd, size, err);
}

WRAP(enum alb_code, alb_fs_sync, (int fd, struct alb_err *err))
{
    (void)step(false);
    c.fsyncs++;
    file_reaches_disk(fd);
    return __real_alb_fs_sync(fd, err);
}

WRAP(enum alb_code, alb_fs_datasync, (int fd, struct alb_err *err))
{
    (void)step(false);
    c.fsyncs++;
    file_reaches_disk(fd);
    return __real_alb_fs_datasync(fd, err);
}

WRAP(enum alb_code, alb_fs_sync_dir, (int dirfd, struct alb_err *err))
{
    (void)step(false);
    c.fsyncs++;
    folder_reaches_disk(dirfd);
    return __real_alb_fs_sync_dir(dirfd, err);
}

WRAP(enum alb_code, alb_fs_rename,
     (int from_dirfd, const char *from, int to_dirfd, const char *to, struct alb_err *err))
{
    (void)step(false);
    return __real_alb_fs_rename(from_dirfd, from, to_dirfd, to, err);
}

WRAP(enum alb_code, alb_fs_link,
     (int from_dirfd, const char *from, int to_dirfd, const char *to, struct alb_err *err))
{
    (void)step(false);
    return __real_alb_fs_link(from_dirfd, from, to_dirfd, to, err);
}

WRAP(enum alb_code, alb_fs_unlink, (int dirfd, const char *path, struct alb_err *err))
{
    (void)step(false);
    return __real_alb_fs_unlink(dirfd, path, err);
}

/* It fsyncs the parent of each folder that it makes. */
WRAP(enum alb_code, alb_fs_mkdirs, (int dirfd, const char *path, mode_t mode, struct alb_err *err))
{
    char part[256];

    (void)step(false);
    c.fsyncs++;
    enum alb_code code = __real_alb_fs_mkdirs(dirfd, path, mode, err);
    for (const char *slash = path; c.on && code == ALB_OK && slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof(part), "./%.*s", (int)(slash - path), path);
        int fd = openat(dirfd, part, O_RDONLY | O_DIRECTORY);
        must(fd >= 0, "made folder");
        folder_reaches_disk(fd);
        (void)close(fd);
    }
    return code;
}

WRAP(int, syncfs, (int fd))
{
    (void)step(false);
    int data = c.on ? open(c.data, O_RDONLY | O_DIRECTORY) : -1;
    if (data >= 0) {
        all_reaches_disk(data);
        (void)close(data);
    }
    return __real_syncfs(fd);
}
