/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder that others know too: what we put is checked, what others put must be whole, nothing is ever half there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "render/origin_given.h"
#include "render/shelf.h"

/* The smallest PNG there is, and one that is cut off. */
static const unsigned char png[] = {
    0x89, 'P',  'N',  'G',  13,  10,  26,  10,   0,    0,    0,   13,  'I',  'H',  'D',  'R',  0,
    0,    0,    1,    0,    0,   0,   1,   8,    0,    0,    0,   0,   0x3a, 0x7e, 0x9b, 0x55, 0,
    0,    0,    10,   'I',  'D', 'A', 'T', 0x78, 0x9c, 0x63, 0,   1,   0,    0,    5,    0,    1,
    0x0d, 0x0a, 0x2d, 0xb4, 0,   0,   0,   0,    'I',  'E',  'N', 'D', 0xae, 0x42, 0x60, 0x82};

static struct {
    char folder[64];
    int dirfd;
    bool attributes;
    struct alb_pool *pool;
    struct alb_shelf *shelf;
    struct alb_shelf_config config;
    struct alb_origin *given; /* of png */
} st;

static void shelf_open(void)
{
    struct alb_err err = ALB_ERR_INIT;
    st.config.folder = st.folder;
    st.config.dir_mode = 0755;
    st.config.clock = alb_clock_real();
    st.config.pool = st.pool;
    if (alb_shelf_open(&st.config, &st.shelf, &err) != ALB_OK)
        fail_msg("%s", err.msg);
}

static int up(void **state)
{
    const struct alb_pool_config pool = {.name = "io", .threads = 2, .queue_max = 100};
    (void)state;
    (void)snprintf(st.folder, sizeof(st.folder), "/tmp/albumen-shelf-XXXXXX");
    assert_non_null(mkdtemp(st.folder));
    st.dirfd = open(st.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(st.dirfd >= 0);
    st.attributes = fsetxattr(st.dirfd, "user.test", "x", 1, 0) == 0;
    assert_int_equal(alb_pool_new(&pool, &st.pool, NULL), ALB_OK);
    assert_int_equal(alb_origin_given(alb_str_n((const char *)png, sizeof(png)), &st.given, NULL), ALB_OK);
    st.config = (struct alb_shelf_config){.name = "test-storage", .keeps = true, .file_mode = 0666};
    shelf_open();
    return 0;
}

static int down(void **state)
{
    char command[128];
    (void)state;
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_shelf_close(&st.shelf);
    alb_pool_free(&st.pool);
    alb_origin_unref(st.given);
    (void)close(st.dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", st.folder);
    return system(command);
}

static void file(const char *path, const void *p, size_t n)
{
    int fd = openat(st.dirfd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644); /* in place, as imagor writes */
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    (void)close(fd);
}

static struct alb_origin *get(const char *path)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_origin *o = NULL;
    enum alb_code code = alb_shelf_get(st.shelf, path, ALB_STR("https://e/x.png"), &o, &err);
    assert_true(code == ALB_OK || code == ALB_E_NOT_FOUND);
    assert_true((code == ALB_OK) == (o != NULL));
    return o;
}

static bool is_there(const char *path)
{
    struct alb_origin *o = get(path);
    char bytes[sizeof(png)];
    bool there = o != NULL;
    if (o) {
        assert_int_equal(o->size, sizeof(png));
        assert_int_equal(pread(alb_origin_fd(o), bytes, sizeof(bytes), 0), sizeof(png));
        assert_memory_equal(bytes, png, sizeof(png));
        assert_true(alb_str_eq_c(o->asked, "https://e/x.png"));
    }
    alb_origin_unref(o);
    return there;
}

static void put(const char *path)
{
    alb_shelf_put(st.shelf, path, st.given);
}

static void identity(const char *path, unsigned char out[ALB_ORIGIN_IDENTITY_LEN])
{
    struct alb_origin *o = get(path);
    assert_non_null(o);
    memcpy(out, o->identity, ALB_ORIGIN_IDENTITY_LEN);
    alb_origin_unref(o);
}

static unsigned temporary_files(void)
{
    char command[128];
    unsigned n = 0;
    (void)snprintf(command, sizeof(command), "find %s/.albumen -type f | wc -l", st.folder);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%u", &n), 1);
    (void)pclose(f);
    return n;
}

/* ---- what others have put ---- */

static void test_theirs(void **state)
{
    (void)state;
    assert_false(is_there("a.png"));
    file("a.png", png, sizeof(png));
    assert_true(is_there("a.png"));
    for (size_t n = 0; n < sizeof(png); n++) {
        file("cut.png", png, n);
        assert_false(is_there("cut.png"));
    }
    assert_int_equal(mkdirat(st.dirfd, "folder", 0755), 0);
    assert_false(is_there("folder"));
    assert_false(is_there("a.png/b"));
    assert_int_equal(symlinkat("/etc/passwd", st.dirfd, "out"), 0);
    assert_false(is_there("out"));
    assert_int_equal(symlinkat("a.png", st.dirfd, "in"), 0);
    assert_true(is_there("in"));
    assert_int_equal(mkfifoat(st.dirfd, "fifo", 0600), 0);
    assert_false(is_there("fifo"));
    assert_true(alb_shelf_look(st.shelf).unsound >= sizeof(png) - 1);
}

/* A damaged one is made again in its place. */
static void test_replaced(void **state)
{
    (void)state;
    file("a.png", png, 20);
    assert_false(is_there("a.png"));
    put("a.png");
    assert_true(is_there("a.png"));
}

/* A source that its own server has only half of. */
static void test_half_is_not_put(void **state)
{
    struct alb_origin *half = NULL;
    (void)state;
    assert_int_equal(alb_origin_given(alb_str_n((const char *)png, sizeof(png) - 5), &half, NULL), ALB_OK);
    alb_shelf_put(st.shelf, "half.png", half);
    assert_int_equal(faccessat(st.dirfd, "half.png", F_OK, 0), -1);
    assert_int_equal(alb_shelf_look(st.shelf).put, 0);
    alb_origin_unref(half);
}

/* ---- what we have put ---- */

static void test_ours(void **state)
{
    unsigned char first[ALB_ORIGIN_IDENTITY_LEN], again[ALB_ORIGIN_IDENTITY_LEN];
    struct stat s;
    mode_t mask = umask(022);
    (void)umask(mask);
    (void)state;
    put("a/b/c.png");
    assert_true(is_there("a/b/c.png"));
    assert_int_equal(fstatat(st.dirfd, "a/b/c.png", &s, 0), 0);
    assert_int_equal(s.st_mode & 0777, 0666 & ~mask);
    assert_int_equal(temporary_files(), 0);
    if (!st.attributes)
        return;
    identity("a/b/c.png", first); /* of the bytes alone: what was made of them is found again */
    put("other.png");
    identity("other.png", again);
    assert_memory_equal(first, again, sizeof(first));
}

/* Links that an operator has laid lead on, but nothing is made where they leave the folder. */
static void test_links(void **state)
{
    char outside[] = "/tmp/albumen-outside-XXXXXX";
    struct stat s;
    (void)state;
    assert_non_null(mkdtemp(outside));
    assert_int_equal(mkdirat(st.dirfd, "deep", 0755), 0);
    assert_int_equal(symlinkat("deep", st.dirfd, "in"), 0);
    assert_int_equal(symlinkat(outside, st.dirfd, "out"), 0);
    put("in/new/folder/a.png");
    assert_true(is_there("in/new/folder/a.png"));
    assert_int_equal(faccessat(st.dirfd, "deep/new/folder/a.png", F_OK, 0), 0);
    put("out/new/folder/a.png");
    put("out/a.png");
    assert_int_equal(stat(outside, &s), 0);
    assert_int_equal(s.st_nlink, 2); /* no folder in it */
    assert_int_equal(rmdir(outside), 0);
    const struct alb_shelf_view v = alb_shelf_look(st.shelf);
    assert_int_equal(v.unfit, 2);
    assert_int_equal(v.writing, 0);
}

/* Files that nobody may write into have seals, too. Root may do everything: of this thread it is another who puts. */
static void test_read_only_files(void **state)
{
    static const char *const folders[] = {".", ".albumen", ".albumen/tmp"};
    enum { SOMEBODY = 12345 };
    bool root = geteuid() == 0;
    (void)state;
    alb_shelf_close(&st.shelf);
    st.config.file_mode = 0444;
    shelf_open();
    for (size_t i = 0; root && i < ALB_ARRAY_LEN(folders); i++)
        assert_int_equal(fchownat(st.dirfd, folders[i], SOMEBODY, SOMEBODY, 0), 0);
    if (root)
        (void)setfsuid(SOMEBODY);
    put("a.png");
    if (root)
        (void)setfsuid(0);
    assert_true(is_there("a.png"));
    const struct alb_shelf_view v = alb_shelf_look(st.shelf);
    assert_int_equal(v.put, 1);
    assert_int_equal(v.writing, 0);
    char text[200];
    int fd = openat(st.dirfd, "a.png", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(!st.attributes || fgetxattr(fd, "user.albumen", text, sizeof(text)) > 0);
    (void)close(fd);
}

/* Damage that leaves the structure as it is, at every byte, with the file's time as it was. */
static void test_damaged(void **state)
{
    unsigned char bad[sizeof(png)];
    struct stat s;
    (void)state;
    if (!st.attributes)
        return;
    for (size_t i = 0; i < sizeof(png); i += 7) {
        put("a.png");
        assert_int_equal(fstatat(st.dirfd, "a.png", &s, 0), 0);
        memcpy(bad, png, sizeof(png));
        bad[i] ^= 1;
        file("a.png", bad, sizeof(bad));
        const struct timespec times[2] = {s.st_atim, s.st_mtim};
        assert_int_equal(utimensat(st.dirfd, "a.png", times, 0), 0);
        assert_false(is_there("a.png"));
    }
}

/* imagor writes into a file of ours, in place: then it is one of theirs. */
static void test_overwritten(void **state)
{
    const struct timespec later[2] = {{1, 0}, {1, 0}};
    (void)state;
    put("a.png");
    file("a.png", png, 30);
    assert_int_equal(utimensat(st.dirfd, "a.png", later, 0), 0);
    assert_false(is_there("a.png"));
    file("a.png", png, sizeof(png));
    assert_int_equal(utimensat(st.dirfd, "a.png", later, 0), 0);
    assert_true(is_there("a.png"));
}

/* ---- under which name ---- */

/* Another picture, of the same size. */
static void put_other(const char *path)
{
    unsigned char bytes[sizeof(png)];
    struct alb_origin *other = NULL;
    memcpy(bytes, png, sizeof(png));
    bytes[sizeof(png) - 20] ^= 1; /* of its pixel's checksum: nobody looks at it */
    assert_int_equal(alb_origin_given(alb_str_n((const char *)bytes, sizeof(bytes)), &other, NULL), ALB_OK);
    alb_shelf_put(st.shelf, path, other);
    alb_origin_unref(other);
}

static void move(const char *from, const char *to)
{
    assert_int_equal(renameat(st.dirfd, from, st.dirfd, to), 0);
}

static void attribute(const char *path, char *text, size_t size)
{
    int fd = openat(st.dirfd, path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = fgetxattr(fd, "user.albumen", text, size - 1);
    assert_true(n > 0);
    text[n] = '\0';
    (void)close(fd);
}

static void set_attribute(const char *path, const char *text)
{
    int fd = openat(st.dirfd, path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fsetxattr(fd, "user.albumen", text, strlen(text), 0), 0);
    (void)close(fd);
}

/* With their attributes: a file under a name that is not its own is no file. */
static void test_swapped(void **state)
{
    (void)state;
    if (!st.attributes)
        return;
    put("a.png");
    put_other("deep/b.png");
    move("a.png", "away");
    move("deep/b.png", "a.png");
    move("away", "deep/b.png");
    assert_null(get("a.png"));
    assert_null(get("deep/b.png"));
    assert_int_equal(alb_shelf_look(st.shelf).unsound, 2);
    move("a.png", "away");
    move("deep/b.png", "a.png");
    move("away", "deep/b.png");
    assert_true(is_there("a.png")); /* nothing was lost */
    move("a.png", "deep/b.png");
    assert_null(get("deep/b.png"));
    put_other("deep/b.png"); /* made again */
    struct alb_origin *o = get("deep/b.png");
    assert_non_null(o);
    alb_origin_unref(o);
}

/* A copy with the attributes, and a time of its own. Without them it is a file like others' are. */
static void test_copied(void **state)
{
    char text[200];
    (void)state;
    if (!st.attributes)
        return;
    put("a.png");
    attribute("a.png", text, sizeof(text));
    file("b.png", png, sizeof(png));
    assert_true(is_there("b.png"));
    set_attribute("b.png", text);
    assert_null(get("b.png"));
    assert_true(is_there("a.png"));
}

/* Whole folders are moved as people like, but what one storage has kept is nothing to another. */
static void test_moved(void **state)
{
    char before[sizeof(st.folder)];
    (void)state;
    put("a/b.png");
    alb_shelf_close(&st.shelf);
    memcpy(before, st.folder, sizeof(before));
    (void)strcat(st.folder, "-moved");
    assert_int_equal(rename(before, st.folder), 0);
    shelf_open();
    assert_true(is_there("a/b.png"));
    if (!st.attributes)
        return;
    alb_shelf_close(&st.shelf);
    st.config.name = "other-storage";
    shelf_open();
    assert_null(get("a/b.png"));
}

/* What is in the attribute says nothing about which picture it is: the bytes do. Older seals have a SHA-256 in them, and
 * no path. */
static void test_old_seal(void **state)
{
    unsigned char found[ALB_ORIGIN_IDENTITY_LEN];
    char forged[2 * ALB_SHA256_LEN + 1], text[200];
    struct stat s;
    (void)state;
    if (!st.attributes)
        return;
    memset(found, 0x5a, sizeof(found));
    alb_hex(found, sizeof(found), forged);
    file("a.png", png, sizeof(png));
    assert_int_equal(fstatat(st.dirfd, "a.png", &s, 0), 0);
    long long ns = (long long)s.st_mtim.tv_sec * ALB_NS_PER_S + s.st_mtim.tv_nsec;
    unsigned long long sum = alb_xxh3(png, sizeof(png));
    (void)snprintf(text, sizeof(text), "1 %zu %lld %016llx %s", sizeof(png), ns, sum ^ 1, forged);
    set_attribute("a.png", text);
    assert_null(get("a.png"));
    (void)snprintf(text, sizeof(text), "1 %zu %lld %016llx %s", sizeof(png), ns, sum, forged);
    set_attribute("a.png", text);
    for (int i = 0; i < 3; i++) {
        assert_true(is_there("a.png"));
        identity("a.png", found);
        assert_memory_equal(found, st.given->identity, sizeof(found));
    }
    attribute("a.png", text, sizeof(text));
    assert_int_equal(text[0], '2');
    move("a.png", "b.png"); /* from now on it has one name */
    assert_null(get("b.png"));
}

/* Other bytes under one name, size and time, with a seal of their own, are another picture. */
static void test_forged(void **state)
{
    unsigned char first[ALB_ORIGIN_IDENTITY_LEN], bytes[sizeof(png)], found[ALB_ORIGIN_IDENTITY_LEN];
    char text[200];
    struct stat s;
    (void)state;
    if (!st.attributes)
        return;
    put("a.png");
    identity("a.png", first);
    assert_memory_equal(first, st.given->identity, sizeof(first));
    identity("a.png", found); /* remembered */
    assert_memory_equal(found, first, sizeof(first));
    assert_int_equal(fstatat(st.dirfd, "a.png", &s, 0), 0);
    memcpy(bytes, png, sizeof(png));
    bytes[sizeof(png) - 20] ^= 1;
    attribute("a.png", text, sizeof(text));
    (void)snprintf(text + strlen(text) - 16, 17, "%016llx",
                   (unsigned long long)alb_xxh3(bytes, sizeof(bytes)));
    file("a.png", bytes, sizeof(bytes));
    const struct timespec times[2] = {s.st_atim, s.st_mtim};
    assert_int_equal(utimensat(st.dirfd, "a.png", times, 0), 0);
    set_attribute("a.png", text);
    identity("a.png", found);
    assert_memory_not_equal(found, first, sizeof(first));
    alb_sha256(bytes, sizeof(bytes), first);
    assert_memory_equal(found, first, sizeof(first));
}

/* Whoever reads a file goes on reading it when another takes its name; not when it is written into. */
static void test_same(void **state)
{
    (void)state;
    if (!st.attributes)
        return;
    put("a.png");
    struct alb_origin *o = get("a.png");
    assert_non_null(o);
    put("a.png");
    assert_true(alb_origin_is_same(o));
    alb_origin_unref(o);
    o = get("a.png");
    assert_non_null(o);
    file("a.png", png, 10);
    assert_false(alb_origin_is_same(o));
    alb_origin_unref(o);
}

static void test_expires(void **state)
{
    struct timespec old[2];
    int64_t modified;
    (void)state;
    alb_shelf_close(&st.shelf);
    st.config.expire_ns = 3600 * ALB_NS_PER_S;
    shelf_open();
    put("a.png");
    assert_true(is_there("a.png"));
    assert_true(alb_shelf_modified(st.shelf, "a.png", &modified));
    old[0] = old[1] = (struct timespec){.tv_sec = modified / 1000 - 7200};
    assert_int_equal(utimensat(st.dirfd, "a.png", old, 0), 0);
    assert_false(is_there("a.png"));
    assert_false(alb_shelf_modified(st.shelf, "a.png", &modified));
    assert_int_equal(alb_shelf_look(st.shelf).expired, 1);
    put("a.png");
    assert_true(is_there("a.png"));
}

/* ---- trouble ---- */

static void test_trouble(void **state)
{
    static const enum alb_fs_call calls[] = {ALB_FS_WRITE, ALB_FS_SYNC, ALB_FS_RENAME};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(calls); i++) {
        alb_fs_fault(calls[i], 1, ENOSPC, false);
        put("a.png");
        assert_int_equal(alb_shelf_look(st.shelf).writing, ENOSPC);
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        assert_false(is_there("a.png")); /* nothing, rather than a half of it */
        assert_int_equal(temporary_files(), 0);
    }
    alb_fs_fault(ALB_FS_WRITE, 1, ENOSPC, false);
    alb_shelf_tend(st.shelf);
    assert_int_equal(alb_shelf_look(st.shelf).writing, ENOSPC);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_shelf_tend(st.shelf); /* without a file that wants to be put */
    assert_int_equal(alb_shelf_look(st.shelf).writing, 0);
    assert_int_equal(temporary_files(), 0);
    put("a.png");
    assert_int_equal(alb_shelf_look(st.shelf).writing, 0);
    assert_true(is_there("a.png"));
    alb_fs_fault(ALB_FS_READ, 1, EIO, false);
    struct alb_origin *o = NULL;
    assert_int_equal(alb_shelf_get(st.shelf, "a.png", ALB_STR_NONE, &o, NULL), ALB_E_IO);
    assert_int_equal(alb_shelf_look(st.shelf).reading, EIO);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    assert_true(is_there("a.png"));
    assert_int_equal(alb_shelf_look(st.shelf).reading, 0);
}

/* A name that no file can have is not the disk's fault. */
static void test_unfit(void **state)
{
    char name[400];
    (void)state;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    put(name);
    name[300] = '/';
    put(name);
    file("a", png, sizeof(png));
    put("a/b");
    put("c/d");
    put("c");
    const struct alb_shelf_view v = alb_shelf_look(st.shelf);
    assert_int_equal(v.unfit, 4);
    assert_int_equal(v.writing, 0);
    assert_true(is_there("a") && is_there("c/d"));
}

/* What a process that was killed has left goes at the next start; others' files stay. */
static void test_leftovers(void **state)
{
    (void)state;
    put("a.png");
    file(".albumen/tmp/9-9", png, 10);
    assert_int_equal(temporary_files(), 1);
    alb_shelf_close(&st.shelf);
    shelf_open();
    assert_int_equal(temporary_files(), 0);
    assert_true(is_there("a.png"));
}

/* ---- later ---- */

static void test_later(void **state)
{
    struct alb_bytes *bytes = alb_bytes_copy(png, sizeof(png));
    char path[32];
    (void)state;
    assert_non_null(bytes);
    for (int i = 0; i < 60; i++) {
        (void)snprintf(path, sizeof(path), "%d/x.png", i % 20);
        alb_shelf_put_later(st.shelf, path, bytes);
    }
    alb_bytes_unref(bytes);
    alb_shelf_close(&st.shelf); /* waits */
    shelf_open();
    for (int i = 0; i < 20; i++) {
        (void)snprintf(path, sizeof(path), "%d/x.png", i);
        assert_true(is_there(path));
    }
}

/* What was asked for last is there in the end, whatever was waiting or being written then. */
static void test_the_last_one_stays(void **state)
{
    static const unsigned char chunk[] = {0, 0, 0, 0, 't', 'E', 'X', 't', 0x80, 0, 0, 0};
    unsigned char bytes[sizeof(png) + sizeof(chunk)];
    enum { END = 12, TIMES = 300 };
    (void)state;
    memcpy(bytes, png, sizeof(png) - END);
    memcpy(bytes + sizeof(png) - END, chunk, sizeof(chunk));
    memcpy(bytes + sizeof(bytes) - END, png + sizeof(png) - END, END);
    for (int i = 0; i <= TIMES; i++) {
        bytes[sizeof(png) - END + 8] = (unsigned char)i; /* nobody looks at its sum */
        bytes[sizeof(png) - END + 9] = (unsigned char)(i >> 8);
        struct alb_bytes *one = alb_bytes_copy(bytes, sizeof(bytes));
        assert_non_null(one);
        alb_shelf_put_later(st.shelf, "a/x.png", one);
        alb_bytes_unref(one);
    }
    alb_shelf_close(&st.shelf); /* waits */
    shelf_open();
    unsigned char there[sizeof(bytes)];
    struct alb_origin *o = get("a/x.png");
    assert_non_null(o);
    assert_int_equal(pread(alb_origin_fd(o), there, sizeof(there), 0), sizeof(there));
    assert_memory_equal(there, bytes, sizeof(bytes));
    alb_origin_unref(o);
}

/* Folders of loaders are read as they are, and never written to. */
static void test_loader(void **state)
{
    (void)state;
    alb_shelf_close(&st.shelf);
    st.config.keeps = false;
    shelf_open();
    file("cut.png", png, 30);
    struct alb_origin *o = get("cut.png");
    assert_non_null(o);
    assert_int_equal(o->size, 30);
    alb_origin_unref(o);
    put("b.png");
    assert_false(is_there("b.png"));
    if (st.attributes) { /* another shelf keeps files in there */
        alb_shelf_close(&st.shelf);
        st.config.keeps = true;
        shelf_open();
        put("c.png");
        put("d.png");
        assert_int_equal(renameat(st.dirfd, "d.png", st.dirfd, "e.png"), 0);
        alb_shelf_close(&st.shelf);
        st.config.keeps = false;
        st.config.sealer = st.config.name;
        st.config.name = "test-loader";
        shelf_open();
        assert_true(is_there("c.png"));
        assert_null(get("e.png"));
        o = get("cut.png");
        assert_non_null(o);
        alb_origin_unref(o);
    }
    st.config.folder = "/nonexistent/folder";
    struct alb_shelf *other = NULL;
    assert_int_not_equal(alb_shelf_open(&st.config, &other, NULL), ALB_OK);
}

int main(void)
{
#define WITH(name) cmocka_unit_test_setup_teardown(name, up, down)
    const struct CMUnitTest tests[] = {
        WITH(test_theirs),
        WITH(test_replaced),
        WITH(test_ours),
        WITH(test_damaged),
        WITH(test_overwritten),
        WITH(test_same),
        WITH(test_expires),
        WITH(test_trouble),
        WITH(test_unfit),
        WITH(test_leftovers),
        WITH(test_later),
        WITH(test_loader),
        WITH(test_half_is_not_put),
        WITH(test_links),
        WITH(test_read_only_files),
        WITH(test_the_last_one_stays),
        WITH(test_swapped),
        WITH(test_copied),
        WITH(test_moved),
        WITH(test_old_seal),
        WITH(test_forged),
    };
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
