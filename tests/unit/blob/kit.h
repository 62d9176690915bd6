/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of blob and upload share: cmocka with its includes, a data directory of one's own, bytes
 * that are a function of a seed, and small file helpers that do not go through the code under test.
 */
#ifndef ALB_TESTS_BLOB_KIT_H
#define ALB_TESTS_BLOB_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/disk/disk.h"
#include "blob/store.h"
#include "blob/sums.h"

#define KIT_UNUSED __attribute__((unused))

/* A folder below $TMPDIR, else /dev/shm (no disk to wait for), else /tmp. */
KIT_UNUSED static void kit_dir_new_in(const char *base, char out[64])
{
    (void)snprintf(out, 64, "%s/alb-test-XXXXXX", base);
    assert_non_null(mkdtemp(out));
}

KIT_UNUSED static void kit_dir_new(char out[64])
{
    const char *base = getenv("ALB_TEST_DIR");

    if (base == NULL || strlen(base) > 40)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    kit_dir_new_in(base, out);
}

static int kit_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

KIT_UNUSED static void kit_dir_remove(const char *path)
{
    (void)nftw(path, kit_remove, 16, FTW_DEPTH | FTW_PHYS);
}

KIT_UNUSED static int kit_dir_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* Byte i of stream `seed`: any range can be made again without the rest. */
KIT_UNUSED static void kit_fill(unsigned char *p, size_t n, int64_t from, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)from + i;
        uint64_t v = (x / 8 + 1) * 0x9e3779b97f4a7c15U ^ seed * 0xc2b2ae3d27d4eb4fU;
        v ^= v >> 29;
        v *= 0xbf58476d1ce4e5b9U;
        v ^= v >> 32;
        p[i] = (unsigned char)(v >> (8 * (x % 8)));
    }
}

KIT_UNUSED static unsigned char *kit_bytes(size_t n, uint64_t seed)
{
    unsigned char *p = alb_mem_alloc_nofail(n);

    kit_fill(p, n, 0, seed);
    return p;
}

KIT_UNUSED static void kit_write_file(int dirfd, const char *name, const void *p, size_t n)
{
    int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    for (size_t at = 0; at < n;) {
        ssize_t w = write(fd, (const char *)p + at, n - at);
        assert_true(w > 0);
        at += (size_t)w;
    }
    assert_int_equal(close(fd), 0);
}

KIT_UNUSED static bool kit_exists(int dirfd, const char *name)
{
    return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

KIT_UNUSED static int64_t kit_file_size(int dirfd, const char *name)
{
    struct stat st;

    return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (int64_t)st.st_size : -1;
}

/* Changes one byte of a file. */
KIT_UNUSED static void kit_flip(int dirfd, const char *name, int64_t at)
{
    unsigned char c;
    int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x10;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

KIT_UNUSED static void kit_cut(int dirfd, const char *name, int64_t size)
{
    int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(close(fd), 0);
}

/* Regular files in a folder. */
KIT_UNUSED static int kit_count(int dirfd, const char *folder)
{
    int n = 0, fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    DIR *d = fdopendir(fd);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += e->d_type == DT_REG;
    (void)closedir(d);
    return n;
}

KIT_UNUSED static int kit_open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}

/* The log would be all over the test's output; errors that a test causes are wanted. */
KIT_UNUSED static void kit_quiet(void)
{
    static int null = -1;

    if (null < 0)
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    alb_log_setup(null, ALB_LOG_LOGFMT, ALB_LOG_ERROR);
}

#define assert_ok(call)                                                                                      \
    do {                                                                                                     \
        enum alb_code kit_code_ = (call);                                                                    \
        if (kit_code_ != ALB_OK)                                                                             \
            fail_msg("%s: %s %s (%s)", #call, alb_code_name(kit_code_), err.msg,                             \
                     err.where ? err.where : "");                                                            \
    } while (0)
#define assert_code(call, want)                                                                              \
    do {                                                                                                     \
        enum alb_code kit_code_ = (call);                                                                    \
        if (kit_code_ != (want))                                                                             \
            fail_msg("%s: %s, wanted %s (%s)", #call, kit_code_ == ALB_OK ? "OK" : alb_code_name(kit_code_), \
                     (want) == ALB_OK ? "OK" : alb_code_name(want), err.msg);                                \
        alb_err_clear(&err);                                                                                 \
    } while (0)

/* ---- a data directory with a store ---- */

struct kit_store {
    char path[64];
    int fd;
    struct alb_quarantine *quarantine;
    struct alb_blob_store *store;
};

KIT_UNUSED static void kit_store_open_at(struct kit_store *k)
{
    struct alb_err err = ALB_ERR_INIT;

    kit_quiet();
    k->fd = kit_dir_open(k->path);
    assert_ok(alb_quarantine_open(k->fd, 64 << 20, 100, alb_clock_real(), &k->quarantine, &err));
    assert_ok(alb_blob_disk_open(k->fd, k->quarantine, &k->store, &err));
}

KIT_UNUSED static void kit_store_close(struct kit_store *k)
{
    alb_blob_store_free(&k->store);
    alb_quarantine_close(&k->quarantine);
    (void)close(k->fd);
}

KIT_UNUSED static void kit_store_new(struct kit_store *k)
{
    kit_dir_new(k->path);
    kit_store_open_at(k);
}

KIT_UNUSED static void kit_store_end(struct kit_store *k)
{
    kit_store_close(k);
    kit_dir_remove(k->path);
}

/* A source below tmp/ of the store: bytes of `seed`, with everything that an upload would have computed. */
struct kit_source {
    struct alb_blob_source src;
    struct alb_bytes *sums;
    unsigned char *bytes;
    char name[32];
};

KIT_UNUSED static void kit_source_new(struct kit_source *s, struct kit_store *k, const char *name, size_t n,
                                      uint64_t seed)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_sums sums = {0};
    char path[64];

    memset(s, 0, sizeof(*s));
    (void)snprintf(s->name, sizeof(s->name), "tmp/%s", name);
    (void)snprintf(path, sizeof(path), "%s", s->name);
    s->bytes = kit_bytes(n, seed);
    kit_write_file(k->fd, path, s->bytes, n);
    assert_ok(alb_sums_init(&sums, &err));
    assert_ok(alb_sums_update(&sums, s->bytes, n, &err));
    s->sums = alb_sums_final(&sums);
    assert_non_null(s->sums);
    alb_sums_fini(&sums);
    s->src.from_dirfd = k->fd;
    s->src.from_name = s->name;
    s->src.size = (int64_t)n;
    s->src.sums = alb_bytes_view(s->sums);
    alb_sha256(s->bytes, n, s->src.sha256);
}

KIT_UNUSED static void kit_source_end(struct kit_source *s)
{
    alb_bytes_unref(s->sums);
    alb_mem_free(s->bytes);
    memset(s, 0, sizeof(*s));
}

KIT_UNUSED static struct alb_blob_ref kit_ref(const struct kit_source *s, const char *key)
{
    struct alb_blob_ref ref = {.size = s->src.size, .key = alb_str_c(key), .sums = s->src.sums};

    memcpy(ref.sha256, s->src.sha256, sizeof(ref.sha256));
    return ref;
}

/* Where the store keeps the bytes of this hash; ref->sha256 is set, `key` holds the text. */
KIT_UNUSED static void kit_key(struct alb_blob_ref *ref, char key[static ALB_BLOB_KEY_MAX])
{
    char hex[65];

    alb_hex(ref->sha256, 32, hex);
    (void)snprintf(key, ALB_BLOB_KEY_MAX, "%.2s/%s", hex, hex);
    ref->key = alb_str_c(key);
}

#endif
