/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of purges on a disk that fails or lies: damage purges too much, never too little, and all of it heals.
 */
#include "purges_kit.h"

/* Any byte of the file: what was purged stays purged. */
static void damage_purges_too_much(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w);

    uint64_t one = add(p, "t:a", false), two = add(p, "http://b/", true);
    alb_purges_close(&p);
    int64_t size = kit_file_size(w->dir, "purges");
    for (int64_t at = 0; at < size; at++) {
        kit_flip(w->dir, "purges", at);
        alb_manual_clock_advance(&w->clock, ALB_NS_PER_S);
        p = open_list(w);
        assert_true(newest(p, "t:a") >= one);
        assert_true(newest(p, "http://b/c") >= two);
        uint64_t more = add(p, "t:c", false);
        assert_int_equal(newest(p, "t:c"), more);
        alb_purges_close(&p);
        assert_int_equal(unlinkat(w->dir, "purges", 0), 0);
        p = open_list(w);
        alb_manual_clock_advance(&w->clock, ALB_NS_PER_S);
        one = add(p, "t:a", false);
        two = add(p, "http://b/", true);
        alb_purges_close(&p);
    }
}

/* Much of what cannot be read is one purge, not many: it leaves room. */
static void much_damage_leaves_room(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w);
    unsigned char garbage[16 * (ALB_PURGE_PREFIXES_MAX + 10)];
    uint64_t one = add(p, "t:a", false);

    memset(garbage, 'x', sizeof(garbage));
    int fd = openat(w->dir, "purges", O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
    (void)close(fd);
    uint64_t two = add(p, "http://b/", true);
    assert_true(newest(p, "t:a") > one && newest(p, "t:a") < two);
    assert_int_equal(newest(p, "http://b/c"), two);
    assert_int_equal(alb_purges_look(p).in_force, 2);
    alb_purges_close(&p);
    p = open_list(w);
    assert_int_equal(alb_purges_look(p).in_force, 2);
    assert_int_equal(newest(p, "http://b/c"), two);
    alb_purges_close(&p);
}

/* Its file under another name, bytes of another one under its own, cut off at any place: what was said to be durable is,
 * what is said after that too, and for all. */
static void damage_of_a_list_that_is_open(void **state)
{
    struct world *w = *state;

    for (int64_t at = -1; at <= 96; at += at < 0 ? 1 : 8) {
        struct alb_purges *p = open_list(w), *other = open_list(w);
        uint64_t one = add(p, "t:a", false), two = add(other, "http://b/", true);
        assert_int_equal(newest(p, "http://b/c"), two);
        alb_manual_clock_advance(&w->clock, ALB_NS_PER_S);
        assert_int_equal(kit_file_size(w->dir, "purges"), 16 + 4 * 32);
        if (at >= 0) {
            int fd = openat(w->dir, "purges", O_WRONLY);
            assert_int_equal(ftruncate(fd, at), 0);
            (void)close(fd);
        } else {
            assert_int_equal(renameat(w->dir, "purges", w->dir, "moved"), 0);
            kit_write_file(w->dir, "purges", (const unsigned char *)"these are no purges", 19);
        }
        uint64_t three = add(other, "t:c", false);
        assert_true(three > two);
        assert_int_equal(newest(p, "t:c"), three);
        assert_true(newest(p, "t:a") >= one && newest(p, "http://b/c") >= two);
        struct alb_purges *third = open_list(w);
        assert_int_equal(newest(third, "t:c"), three);
        assert_true(newest(third, "t:a") >= one && newest(third, "http://b/c") >= two);
        uint64_t four = add(p, "t:d", false);
        assert_int_equal(newest(other, "t:d"), four);
        assert_int_equal(newest(third, "t:d"), four);
        assert_true(newest(third, "t:c") < four);
        alb_purges_close(&p);
        alb_purges_close(&other);
        alb_purges_close(&third);
        assert_int_equal(unlinkat(w->dir, "purges", 0), 0);
    }
}

static void a_failing_disk_is_told_of(void **state)
{
    struct alb_purges *p = open_list(*state);
    uint64_t n, before = alb_purges_now(p);

    for (unsigned call = 1; call <= 2; call++) {
        alb_fs_fault(call == 1 ? ALB_FS_WRITE : ALB_FS_SYNC, 1, call == 1 ? ENOSPC : EIO, true);
        assert_int_not_equal(alb_purges_add(p, ALB_STR("t:a"), false, ALB_STR_NONE, &n, NULL), ALB_OK);
    }
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    uint64_t good = add(p, "t:b", false);
    assert_true(good > before);
    assert_int_equal(newest(p, "t:b"), good);
    assert_int_equal(kit_file_size(((struct world *)*state)->dir, "purges") % 16, 0);
    /* Half a record purges all that is older; those that come behind it are read. */
    assert_int_equal(newest(p, "t:c"), before + 48);
    alb_purges_close(&p);
}

/* Opened on a disk that cannot be written to: what is known holds, and more can be purged when the disk is well. */
static void a_read_only_list_heals(void **state)
{
    struct alb_purges *p = open_list(*state);
    uint64_t one = add(p, "t:a", false), n;

    alb_purges_close(&p);
    alb_fs_fault(ALB_FS_OPEN, 1, EROFS, true);
    p = open_list(*state);
    assert_true(alb_fs_fault_fired());
    assert_false(alb_purges_look(p).writable);
    assert_int_equal(newest(p, "t:a"), one);
    alb_fs_fault(ALB_FS_OPEN, 1, EROFS, false);
    assert_int_not_equal(alb_purges_add(p, ALB_STR("t:b"), false, ALB_STR_NONE, &n, NULL), ALB_OK);
    alb_purges_tend(p);
    assert_false(alb_purges_look(p).writable);
    assert_int_equal(alb_purges_look(p).fault, EROFS);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_purges_tend(p);
    assert_true(alb_purges_look(p).writable);
    assert_int_equal(alb_purges_look(p).fault, 0);
    assert_true(add(p, "t:b", false) > one);
    assert_int_equal(newest(p, "t:a"), one);
    alb_purges_close(&p);
}

/* One that cannot be read may say anything: everything counts as purged until it can be, and then what it says. */
static void an_unreadable_list_heals(void **state)
{
    struct world *w = *state;

    for (int there = 0; there < 2; there++) {
        uint64_t one = 0, n;
        struct alb_purges *p, *other;
        if (there) {
            p = open_list(w);
            one = add(p, "t:a", false);
            alb_purges_close(&p);
        }
        alb_fs_fault(ALB_FS_ANY, 1, EIO, false);
        p = open_list(w);
        assert_int_equal(alb_purges_now(p),
                         0); /* what is made now is older than any purge that will be known */
        assert_true(there ? newest(p, "t:x") > 0 : newest(p, "t:x") == 0);
        assert_int_not_equal(alb_purges_add(p, ALB_STR("t:b"), false, ALB_STR_NONE, &n, NULL), ALB_OK);
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        other = open_list(w); /* another process is earlier */
        uint64_t two = add(other, "t:b", false);
        assert_int_equal(newest(p, "t:b"), two);
        assert_int_equal(newest(p, "t:x"), 0);
        assert_int_equal(newest(p, "t:a"), one);
        assert_int_equal(newest(other, "t:c"), 0);
        uint64_t three = add(p, "t:c", false);
        assert_true(three > two);
        assert_int_equal(newest(other, "t:c"), three);
        alb_purges_close(&p);
        alb_purges_close(&other);
        assert_int_equal(unlinkat(w->dir, "purges", 0), 0);
    }
}

/* Without memory for a beginning everything is purged: behind texts that are gone, too, and all of it ends well. */
static void without_memory_everything_is_purged(void **state)
{
    bool fired = true;

    for (uint64_t n = 1; fired && n < 10; n++) {
        struct alb_purges *p = open_list(*state);
        alb_purges_retire(p, add(p, "http://a/", true));
        alb_mem_fault(n, false);
        uint64_t number = add(p, "http://b/", true);
        fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        assert_int_equal(newest(p, "http://b/1"), number);
        alb_purges_retire(p, number);
        assert_int_equal(alb_purges_look(p).in_force, 0);
        alb_purges_close(&p);
    }
    assert_false(fired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(damage_purges_too_much, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failing_disk_is_told_of, setup, teardown),
        cmocka_unit_test_setup_teardown(a_read_only_list_heals, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_list_heals, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_of_a_list_that_is_open, setup, teardown),
        cmocka_unit_test_setup_teardown(much_damage_leaves_room, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_everything_is_purged, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
