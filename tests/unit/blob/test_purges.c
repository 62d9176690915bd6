/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of purges: what one touches, that it holds after a restart, that processes see each other's, that it is never
 * full for good, and what is told of it.
 */
#include "purges_kit.h"

static void whole_labels_and_beginnings(void **state)
{
    struct alb_purges *p = open_list(*state);
    const struct alb_str both[] = {ALB_STR("t:x"), ALB_STR("http://a/1")};
    uint64_t first = alb_purges_now(p), n;

    assert_int_equal(newest(p, "http://a/1"), 0);
    uint64_t one = add(p, "http://a/1", false);
    assert_true(one > first);
    assert_int_equal(newest(p, "http://a/1"), one);
    assert_int_equal(newest(p, "http://a/2"), 0);
    assert_int_equal(newest(p, "http://a/10"), 0);
    assert_int_equal(newest(p, "http://a/"), 0);
    uint64_t two = add(p, "http://a/", true);
    assert_true(two > one);
    assert_int_equal(newest(p, "http://a/1"), two);
    assert_int_equal(newest(p, "http://a/"), two);
    assert_int_equal(newest(p, "http://a"), 0);
    uint64_t three = add(p, "t:x", false);
    assert_int_equal(alb_purges_newest(p, both, 2), three);
    assert_int_equal(newest(p, ALB_LABEL_ANY), three); /* who does not know its labels is touched by all */
    assert_code(alb_purges_add(p, ALB_STR(""), true, ALB_STR("ann"), &n, &err), ALB_E_INVALID);
    assert_int_equal(alb_purges_newest(NULL, both, 2), 0);
    alb_purges_close(&p);
}

/* Long labels differ by their ends, and begin as they begin. */
static void long_labels(void **state)
{
    struct alb_purges *p = open_list(*state);
    char a[5001], b[5001], begin[101];
    struct alb_str read[ALB_LABELS_MAX];
    struct alb_buf out = ALB_BUF_INIT(ALB_DERIVED_LABELS_MAX);

    memset(a, 'x', 5000);
    a[5000] = '\0';
    memcpy(b, a, sizeof(b));
    b[4999] = 'y';
    memcpy(begin, a, 100);
    begin[100] = '\0';
    uint64_t one = add(p, a, false);
    assert_int_equal(newest(p, a), one);
    assert_int_equal(newest(p, b), 0);
    const struct alb_str two[] = {alb_str_c(b), alb_str_c(a)};
    alb_labels_write(two, 2, &out);
    assert_int_equal(alb_labels_read(alb_buf_view(&out), read), 2);
    assert_int_equal(alb_purges_newest(p, &read[0], 1), 0); /* the same, as a file has it */
    assert_int_equal(alb_purges_newest(p, &read[1], 1), one);
    uint64_t all = add(p, begin, true);
    assert_int_equal(alb_purges_newest(p, read, 1), all);
    alb_buf_fini(&out);
    struct alb_str many[100];
    for (size_t i = 0; i < 100; i++)
        many[i] = alb_str_c(a);
    struct alb_buf small = ALB_BUF_INIT(ALB_DERIVED_LABELS_MAX);
    alb_labels_write(many, 100, &small);
    assert_int_equal(alb_buf_code(&small), ALB_OK);
    size_t n = alb_labels_read(alb_buf_view(&small), read);
    assert_true(n > 3 && n < 100);
    assert_true(alb_str_eq_c(read[n - 1], ALB_LABEL_ANY));
    alb_buf_fini(&small);
    alb_purges_close(&p);
}

static void they_hold_after_a_restart_and_for_all(void **state)
{
    struct alb_purges *p = open_list(*state), *other = open_list(*state);
    uint64_t one = add(p, "t:a", false);

    assert_int_equal(newest(other, "t:a"), one);
    uint64_t two = add(other, "http://", true);
    assert_int_equal(newest(p, "http://x"), two);
    alb_purges_close(&p);
    p = open_list(*state);
    assert_int_equal(newest(p, "t:a"), one);
    assert_int_equal(newest(p, "http://x"), two);
    assert_int_equal(alb_purges_now(p), two);
    alb_purges_retire(other, one);
    assert_int_equal(newest(other, "t:a"), 0);
    assert_int_equal(newest(p, "t:a"), one); /* its memory may hold things of then */
    assert_int_equal(alb_purges_look(p).offered, one);
    alb_purges_forget(p);
    assert_int_equal(newest(p, "t:a"), 0);
    assert_int_equal(newest(p, "http://x"), two);
    assert_int_equal(alb_purges_look(p).in_force, 1);
    alb_purges_close(&p);
    alb_purges_close(&other);
    p = open_list(*state);
    assert_int_equal(newest(p, "t:a"), 0);
    assert_int_equal(newest(p, "http://x"), two);
    assert_true(add(p, "t:a", false) > two);
    alb_purges_close(&p);
}

/* Until the file is longer than `size`: one label in turn of `labels`. The newest number. */
static uint64_t fill(struct world *w, struct alb_purges *p, int64_t size, unsigned labels)
{
    char label[ALB_LABEL_MAX];
    uint64_t last = 0;

    for (unsigned i = 0; kit_file_size(w->dir, "purges") <= size; i++) {
        memset(label, 'x', sizeof(label) - 1);
        (void)snprintf(label, 16, "t:%u", i % labels);
        label[strlen(label)] = 'x';
        label[sizeof(label) - 1] = '\0';
        last = add(p, label, false);
    }
    return last;
}

/* What is done with goes out of the file while it is in use, by others too; what is in force stays, with its number. */
static void a_long_list_is_written_anew(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w), *other = open_list(w);

    uint64_t last = fill(w, p, 1 << 20, 200);
    uint64_t one = add(other, "t:more", false), two = add(p, "http://a/", true);
    alb_purges_tend(p); /* nothing is done with; 200 labels are */
    assert_true(kit_file_size(w->dir, "purges") < (64 << 10));
    assert_int_equal(newest(p, "t:more"), one);
    assert_int_equal(newest(other, "http://a/b"), two);
    assert_int_equal(alb_purges_look(p).in_force, 202);
    assert_int_equal(alb_purges_look(other).in_force, 202);
    uint64_t three = add(other, "http://b/", true);
    assert_true(three > two);
    assert_int_equal(newest(p, "http://b/c"), three);
    struct alb_purges *third = open_list(w);
    assert_int_equal(alb_purges_look(third).in_force, 203);
    assert_int_equal(newest(third, "t:more"), one);
    assert_int_equal(newest(third, "http://a/b"), two);
    assert_int_equal(newest(third, "http://b/c"), three);
    alb_purges_retire(third, last);
    assert_int_equal(alb_purges_look(third).in_force, 3);
    assert_int_equal(alb_purges_look(p).offered, last);
    alb_purges_forget(p);
    assert_int_equal(alb_purges_look(p).in_force, 3);
    (void)fill(w, other, 1 << 20, 200);
    alb_purges_retire(third, alb_purges_now(third)); /* and all of it */
    assert_true(kit_file_size(w->dir, "purges") < 100);
    assert_int_equal(newest(third, "t:more"), 0);
    assert_int_equal(newest(p, "t:more"), one); /* its memory may hold things of then */
    alb_purges_forget(p);
    assert_int_equal(newest(p, "t:more"), 0);
    uint64_t next = add(p, "t:next", false);
    assert_true(next > three);
    assert_int_equal(newest(other, "t:next"), next);
    alb_purges_close(&third);
    alb_purges_close(&other);
    alb_purges_close(&p);
}

/* The most there can be, in a list that never stops: it is never full for good. */
static void the_most_fits(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w);
    char label[32];
    uint64_t first = 0, n = 0;

    for (unsigned i = 0; i < ALB_PURGES_MAX; i++) {
        (void)snprintf(label, sizeof(label), "t:%u", i);
        assert_ok(alb_purges_add(p, alb_str_c(label), false, ALB_STR_NONE, &n, &err));
        first = i == 0 ? n : first;
    }
    assert_code(alb_purges_add(p, ALB_STR("t:x"), false, ALB_STR_NONE, &n, &err), ALB_E_BUSY);
    alb_purges_tend(p);
    alb_purges_close(&p);
    p = open_list(w);
    assert_int_equal(alb_purges_look(p).in_force, ALB_PURGES_MAX);
    assert_int_equal(newest(p, "t:0"), first);
    alb_purges_close(&p);
}

/* Whoever has a list open that has lost its name goes over to the one that has it, and forgets nothing by that. */
static void a_list_that_lost_its_name_is_left(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w), *other = open_list(w), *third;
    uint64_t one = add(p, "t:a", false);

    assert_int_equal(newest(other, "t:a"), one);
    assert_int_equal(unlinkat(w->dir, "purges", 0), 0);
    alb_manual_clock_advance(&w->clock, ALB_NS_PER_S);
    third = open_list(w);
    uint64_t two = add(third, "t:b", false);
    assert_true(two > one);
    alb_purges_tend(p);
    assert_int_equal(newest(p, "t:b"), two);
    uint64_t three = add(other, "t:c", false);
    assert_true(three > two);
    assert_int_equal(newest(p, "t:c"), three);
    assert_int_equal(newest(third, "t:c"), three);
    alb_purges_forget(p);
    assert_int_equal(newest(p, "t:a"), one);
    assert_int_equal(newest(p, "t:b"), two);
    assert_int_equal(unlinkat(w->dir, "purges", 0), 0);
    alb_purges_tend(p); /* nobody has made one: it writes what it knows */
    assert_int_equal(newest(other, "t:c"), three);
    alb_purges_close(&third);
    third = open_list(w);
    assert_int_equal(newest(third, "t:a"), one);
    assert_int_equal(newest(third, "t:c"), three);
    alb_purges_close(&p);
    alb_purges_close(&other);
    alb_purges_close(&third);
}

static void too_many_are_refused(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w);
    uint64_t n;
    char label[32];

    for (int i = 0; i < ALB_PURGE_PREFIXES_MAX; i++) {
        (void)snprintf(label, sizeof(label), "http://%d/", i);
        (void)add(p, label, true);
    }
    assert_code(alb_purges_add(p, ALB_STR("http://more/"), true, ALB_STR("ann"), &n, &err), ALB_E_BUSY);
    assert_int_equal(alb_purges_older_than(p, ALB_PURGE_REST), 0);
    alb_manual_clock_advance(&w->clock, ALB_PURGE_REST + ALB_NS_PER_S);
    assert_int_equal(alb_purges_older_than(p, ALB_PURGE_REST), alb_purges_now(p));
    alb_purges_retire(p, alb_purges_now(p));
    assert_int_equal(alb_purges_look(p).in_force, 0);
    (void)add(p, "http://more/", true);
    alb_purges_close(&p);
}

/* Who asked, when, and what has gone: for all processes, after a restart too, and of the newest alone. */
static void the_newest_are_told_of(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w), *other = open_list(w);
    struct alb_purge_told *list;
    char name[ALB_PURGE_BY_MAX + 8], label[32];
    uint64_t n;

    assert_int_equal(told(p, &list), 0);
    uint64_t one = add(p, "t:a", false);
    alb_manual_clock_advance(&w->clock, ALB_NS_PER_S);
    uint64_t two = add(other, "http://", true);
    alb_purges_count(p, one);
    alb_purges_count(p, one);
    alb_purges_count(p, two + 16); /* there is none */
    alb_purges_count(other, two);
    assert_told(p, 1, "t:a", false, 2, false);
    assert_told(other, 1, "t:a", false, 0, false); /* what others remove is told when they have done */
    alb_purges_looked(p, one);
    assert_told(p, 1, "t:a", false, 2, true);
    assert_told(other, 1, "t:a", false, 2, true);
    assert_told(other, 0, "http://", true, 1, false);
    alb_purges_looked(other, two);
    alb_purges_count(p, two);
    assert_int_equal(alb_purges_now(p), two); /* none of this is a purge */
    alb_purges_retire(p, one);
    alb_purges_looked(p, two);
    alb_purges_looked(p, two);
    assert_told(other, 0, "http://", true, 2, true);
    assert_int_equal(told(p, &list), 2);
    assert_int_equal(list[0].wall_ms - list[1].wall_ms, 1000);
    assert_true(list[0].number == two && list[1].number == one);
    int64_t size = kit_file_size(w->dir, "purges");
    alb_purges_looked(p, two);
    alb_purges_looked(other, two);
    assert_int_equal(kit_file_size(w->dir, "purges"), size); /* nothing new is not told twice */
    alb_purges_close(&p);
    alb_purges_close(&other);
    p = open_list(w);
    assert_told(p, 0, "http://", true, 2, true);
    assert_told(p, 1, "t:a", false, 2, true);
    memset(name, 'n', sizeof(name)); /* a character does not fit whole */
    memcpy(name + ALB_PURGE_BY_MAX - 1, "\xc3\xa9", 2);
    assert_ok(alb_purges_add(p, ALB_STR("t:x"), false, alb_str_n(name, sizeof(name)), &n, &err));
    assert_int_equal(told(p, &list), 3);
    assert_int_equal(list[0].by.n, ALB_PURGE_BY_MAX - 1);
    for (int i = 0; i < 2 * ALB_PURGES_RECENT; i++) {
        (void)snprintf(label, sizeof(label), "t:%d", i);
        (void)add(p, label, false);
    }
    assert_int_equal(told(p, &list), ALB_PURGES_RECENT);
    assert_told(p, ALB_PURGES_RECENT - 1, "t:32", false, 0, false);
    alb_purges_looked(p, one); /* those that are not told of any more */
    alb_fs_fault(ALB_FS_WRITE, 1, ENOSPC, true);
    alb_purges_looked(p, alb_purges_now(p)); /* nobody else will know */
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    assert_told(p, 0, "t:63", false, 0, true);
    alb_purges_close(&p);
    alb_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_labels_and_beginnings, setup, teardown),
        cmocka_unit_test_setup_teardown(long_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(they_hold_after_a_restart_and_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_list_is_written_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(the_most_fits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_that_lost_its_name_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_are_told_of, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
