/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies that went bad are never given, and a disk that takes nothing costs the cache, not the request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fetch/wire.h"
#include "origins.h"

#define N ((size_t)2500000)
#define SMALL ((size_t)30000)

static unsigned char *large, *small;
static bool may_mount;

static bool talk(struct wire_conn *c, void *arg)
{
    (void)arg;
    const char *lines = "Cache-Control: max-age=600\r\nETag: \"a\"\r\n";
    if (wire_header(c, "if-none-match", (char[64]){0}, 64))
        return wire_say(c, "HTTP/1.1 304 Not Modified\r\n\r\n");
    return strncmp(c->path, "/large", 6) == 0 ? wire_answer(c, lines, large, N)
                                              : wire_answer(c, lines, small, SMALL);
}

static struct {
    struct room room;
    struct wire wire;
    struct alb_origin_policy *policy;
    char url[256], url_large[256];
} st;

static void begin(void)
{
    room_open(&st.room);
    room_begin(&st.room);
    wire_start(&st.wire, talk, NULL);
    st.policy = policy_new();
    wire_url(&st.wire, "/small", st.url);
    wire_url(&st.wire, "/large", st.url_large);
}

static void restart(void)
{
    room_end(&st.room);
    room_begin(&st.room);
}

static void end(void)
{
    until_no_jobs(&st.room);
    assert_int_equal(alb_origins_look(st.room.origins).memory, 0);
    assert_int_equal(alb_origins_look(st.room.origins).spool, 0);
    assert_int_equal(room_files(&st.room, "tmp"), 0);
    room_close(&st.room);
    wire_stop(&st.wire);
    alb_obj_unref(&st.policy->obj);
}

static struct alb_origin *get_good(const char *url, const void *p, size_t n)
{
    enum alb_code code;
    struct alb_origin_ask ask = ask_of(url, st.policy);
    struct alb_origin *o = get(&st.room, &ask, &code);
    if (!o)
        fail_msg("%s: %s", url, alb_code_name(code));
    assert_true(has_bytes(o, p, n));
    return o;
}

static void good(const char *url, const void *p, size_t n)
{
    alb_origin_unref(get_good(url, p, n));
}

#define REQUESTS atomic_load(&st.wire.requests)

/* One byte of the copy: found before it is given, put aside, fetched again. */
static void damaged_bodies(void **state)
{
    static const long at[] = {0, 1500000, -1};
    (void)state;
    begin();
    good(st.url_large, large, N);
    unsigned requests = 1;
    for (size_t i = 0; i < ALB_ARRAY_LEN(at); i++) {
        assert_int_equal(room_damage(&st.room, "sources/bodies", at[i]), 1);
        good(st.url_large, large, N);
        assert_int_equal(REQUESTS, ++requests);
        assert_int_equal(room_files(&st.room, "quarantine"), i + 1);
        good(st.url_large, large, N);
        assert_int_equal(REQUESTS, requests);
    }
    /* stale and damaged: the origin says it is right, and it is not */
    atomic_fetch_add(&st.room.wall, 700 * SECOND_MS);
    assert_int_equal(room_damage(&st.room, "sources/bodies", 5), 1);
    good(st.url_large, large, N);
    assert_int_equal(REQUESTS, requests + 2);
    end();
}

static void damaged_notes(void **state)
{
    static const long at[] = {0, 30, 80, 120, -1};
    (void)state;
    begin();
    good(st.url, small, SMALL);
    for (size_t i = 0; i < ALB_ARRAY_LEN(at); i++) {
        assert_int_equal(room_damage(&st.room, "sources/notes", at[i]), 1);
        good(st.url, small, SMALL);
        assert_int_equal(REQUESTS, i + 2);
    }
    end();
}

static void all_were_written_long_ago(void)
{
    char command[160];
    snprintf(command, sizeof(command), "find %s/sources/bodies -type f -exec touch -d @1000000000 {} +", st.room.path);
    assert_int_equal(system(command), 0);
}

/* Between the look at all of it and the end of who reads it: what was made of it is not to be used. Eviction is no
 * damage. And whoever asks anew gets the right bytes. */
static void damaged_while_it_is_lent(void **state)
{
    (void)state;
    begin();
    struct alb_origin *first = get_good(st.url_large, large, N); /* as it came */
    assert_true(alb_origin_is_same(first));
    all_were_written_long_ago(); /* clocks of files are coarse */
    struct alb_origin *kept = get_good(st.url_large, large, N);
    assert_int_equal(REQUESTS, 1);
    assert_true(alb_origin_is_same(kept));
    assert_false(alb_origin_is_same(first)); /* its file has another time than it had */
    assert_int_equal(room_damage(&st.room, "sources/bodies", 1500000), 1);
    assert_false(alb_origin_is_same(kept));
    struct alb_origin *anew = get_good(st.url_large, large, N);
    assert_int_equal(REQUESTS, 2);
    assert_false(alb_origin_is_same(kept));
    assert_int_equal(room_remove(&st.room, "sources/bodies"), 1);
    assert_true(alb_origin_is_same(anew));
    assert_true(has_bytes(anew, large, N));
    alb_origin_unref(first);
    alb_origin_unref(kept);
    alb_origin_unref(anew);
    end();
}

/* Files that are gone, or cut. */
static void lost(void **state)
{
    (void)state;
    begin();
    good(st.url_large, large, N);
    struct alb_origin *held = get_good(st.url_large, large, N);
    assert_int_equal(room_remove(&st.room, "sources/bodies"), 1);
    assert_true(has_bytes(held, large, N));
    alb_origin_unref(held);
    good(st.url_large, large, N);
    assert_int_equal(REQUESTS, 2);
    restart();
    good(st.url_large, large, N);
    assert_int_equal(REQUESTS, 2);
    end();
}

/* The same bytes under two addresses lie there once. */
static void equal_bodies(void **state)
{
    char url[256];
    (void)state;
    begin();
    good(st.url_large, large, N);
    wire_url(&st.wire, "/large?2", url);
    good(url, large, N);
    assert_int_equal(room_files(&st.room, "sources/bodies"), 1);
    assert_int_equal(room_files(&st.room, "sources/notes"), 2);
    assert_int_equal(REQUESTS, 2);
    end();
}

static void small_cache(void **state)
{
    (void)state;
    begin();
    room_end(&st.room);
    st.room.config.cache_bytes = 2 << 20; /* the large one is more than its share */
    room_begin(&st.room);
    good(st.url_large, large, N);
    good(st.url_large, large, N);
    assert_int_equal(REQUESTS, 2);
    for (int i = 0; i < 150; i++) {
        char path[32], url[256];
        snprintf(path, sizeof(path), "/small?%d", i);
        wire_url(&st.wire, path, url);
        good(url, small, SMALL);
    }
    assert_true(alb_origins_look(st.room.origins).cache_bytes <= st.room.config.cache_bytes);
    room_end(&st.room);
    st.room.config.cache_bytes = 0;
    room_begin(&st.room);
    good(st.url, small, SMALL);
    good(st.url, small, SMALL);
    end();
}

/* Every write fails from the n-th on: what fits in memory is given all the same. */
static void failing_writes(void **state)
{
    static const enum alb_fs_call calls[] = {ALB_FS_OPEN, ALB_FS_RENAME};
    (void)state;
    begin();
    for (size_t i = 0; i < ALB_ARRAY_LEN(calls); i++)
        for (uint64_t n = 1; n < 4; n++) {
            char path[64], url[256];
            enum alb_code code;
            snprintf(path, sizeof(path), "/large?%zu-%d", i, (int)n);
            wire_url(&st.wire, path, url);
            struct alb_origin_ask ask = ask_of(url, st.policy);
            alb_fs_fault(calls[i], n, ENOSPC, true);
            struct alb_origin *o = get(&st.room, &ask, &code);
            alb_fs_fault(ALB_FS_ANY, 0, 0, false);
            if (o)
                assert_true(has_bytes(o, large, N));
            else
                assert_true(code == ALB_E_NO_SPACE); /* the descriptor for reading could not be had */
            alb_origin_unref(o);
            until_no_jobs(&st.room);
        }
    end();
}

/* No folder for temporary files: as good as a disk that is read-only. */
static void no_disk(void **state)
{
    (void)state;
    begin();
    room_end(&st.room);
    char tmp[128];
    snprintf(tmp, sizeof(tmp), "%s/none", st.room.path);
    assert_int_equal(mkdir(tmp, 0700), 0);
    int fd = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(rmdir(tmp), 0); /* nothing can be made in it any more */
    st.room.config.tmp_dirfd = fd;
    room_begin(&st.room);
    struct alb_origin *o = get_good(st.url_large, large, N);
    assert_int_equal(alb_origins_look(st.room.origins).memory, N);
    alb_origin_unref(o);
    good(st.url, small, SMALL);
    room_end(&st.room);
    st.room.config.memory_max = (int64_t)N - 1;
    room_begin(&st.room);
    enum alb_code code;
    struct alb_origin_ask ask = ask_of(st.url_large, st.policy);
    assert_null(get(&st.room, &ask, &code));
    assert_int_equal(code, ALB_E_NO_SPACE);
    room_end(&st.room);
    st.room.config.tmp_dirfd = -1;
    st.room.config.data_dirfd = -1;
    room_begin(&st.room);
    good(st.url, small, SMALL);
    close(fd);
    end();
}

/* The bounds of what lies around: spool files first, then memory, then no more. */
static void bounds(void **state)
{
    (void)state;
    begin();
    room_end(&st.room);
    st.room.config.cache_bytes = 0;
    st.room.config.spool_max = (int64_t)N;
    st.room.config.memory_max = (int64_t)N;
    room_begin(&st.room);
    struct alb_origin *first = get_good(st.url_large, large, N);
    assert_int_equal(alb_origins_look(st.room.origins).spool, N);
    struct alb_origin *second = get_good(st.url_large, large, N);
    assert_int_equal(alb_origins_look(st.room.origins).spool, N);
    assert_int_equal(alb_origins_look(st.room.origins).memory, N);
    enum alb_code code;
    struct alb_origin_ask ask = ask_of(st.url_large, st.policy);
    assert_null(get(&st.room, &ask, &code));
    assert_int_equal(code, ALB_E_NO_SPACE);
    alb_origin_unref(second);
    second = get_good(st.url_large, large, N);
    alb_origin_unref(first);
    alb_origin_unref(second);
    end();
}

/* A real disk that is full. */
static void full_disk(void **state)
{
    char disk[128];
    (void)state;
    if (!may_mount) {
        print_message("# no right to mount: left out\n");
        return;
    }
    begin();
    room_end(&st.room);
    snprintf(disk, sizeof(disk), "%s/disk", st.room.path);
    assert_int_equal(mkdir(disk, 0700), 0);
    assert_int_equal(mount("none", disk, "tmpfs", 0, "size=2m"), 0);
    int fd = open(disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(fd, "tmp", 0700), 0);
    int tmp = openat(fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    st.room.config.data_dirfd = fd;
    st.room.config.tmp_dirfd = tmp;
    room_begin(&st.room);
    good(st.url_large, large, N); /* larger than the disk */
    good(st.url, small, SMALL);
    good(st.url, small, SMALL);
    assert_int_equal(REQUESTS, 2);
    good(st.url_large, large, N);
    assert_int_equal(REQUESTS, 3);
    room_end(&st.room);
    st.room.config.data_dirfd = st.room.dirfd;
    st.room.config.tmp_dirfd = st.room.tmpfd;
    close(tmp);
    close(fd);
    assert_int_equal(umount(disk), 0);
    room_begin(&st.room);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_bodies), cmocka_unit_test(damaged_while_it_is_lent), cmocka_unit_test(damaged_notes), cmocka_unit_test(lost),
        cmocka_unit_test(equal_bodies),   cmocka_unit_test(small_cache),   cmocka_unit_test(failing_writes),
        cmocka_unit_test(no_disk),        cmocka_unit_test(bounds),        cmocka_unit_test(full_disk),
    };
    may_mount = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    large = picture(N, 21);
    small = picture(SMALL, 22);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(large);
    free(small);
    return failed;
}
