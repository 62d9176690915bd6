/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of purges: what one touches, that it holds after a restart and a crash, that processes see each other's, and
 * that damage purges too much, never too little. And what the keeper's pass removes.
 */
#include "kit.h"

#include "blob/cache.h"
#include "blob/purges.h"

static struct alb_err err;

struct world {
    char path[64];
    int fd, dir, tmp;
    struct alb_manual_clock clock;
};

static struct alb_purges *open_list(struct world *w)
{
    struct alb_purges *p;
    const struct alb_purges_config config = {
        .dirfd = w->dir, .tmp_dirfd = w->tmp, .clock = &w->clock.clock, .shared = true};
    assert_ok(alb_purges_open(&config, &p, &err));
    return p;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    alb_err_clear(&err);
    kit_quiet();
    kit_dir_new(w->path);
    alb_manual_clock_init(&w->clock, ALB_NS_PER_S, 1700000000000);
    w->fd = kit_dir_open(w->path);
    assert_ok(alb_fs_mkdirs(w->fd, "tmp", 0700, &err));
    assert_ok(alb_fs_mkdirs(w->fd, "cache", 0700, &err));
    w->dir = openat(w->fd, "cache", O_RDONLY | O_DIRECTORY);
    w->tmp = openat(w->fd, "tmp", O_RDONLY | O_DIRECTORY);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    (void)close(w->dir);
    (void)close(w->tmp);
    (void)close(w->fd);
    kit_dir_remove(w->path);
    free(w);
    return 0;
}

static uint64_t newest(struct alb_purges *p, const char *label)
{
    const struct alb_str l = alb_str_c(label);

    return alb_purges_newest(p, &l, 1);
}

static uint64_t add(struct alb_purges *p, const char *label, bool prefix)
{
    uint64_t number;

    assert_ok(alb_purges_add(p, alb_str_c(label), prefix, ALB_STR("ann"), &number, &err));
    assert_int_equal(number, alb_purges_now(p));
    return number;
}

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

/* Any byte of the file: what was purged stays purged. */
static void damage_purges_too_much(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w);

    uint64_t one = add(p, "t:a", false), two = add(p, "http://b/", true);
    alb_purges_close(&p);
    int64_t size = kit_file_size(w->dir, "purges");
    for (int64_t at = 0; at < size; at++) {
        if (at >= 8 && at < 16)
            continue; /* where numbers begin: no number is right then, and none is lost */
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
        assert_int_equal(alb_purges_now(p), 0); /* what is made now is older than any purge that will be known */
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

/* What is done with goes out of the file while it is in use, when nobody else has it open; numbers go on. */
static void a_long_list_is_begun_anew(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w), *other = open_list(w);
    char label[ALB_LABEL_MAX];
    uint64_t last = 0;

    for (unsigned i = 0; kit_file_size(w->dir, "purges") <= (1 << 20); i++) {
        memset(label, 'x', sizeof(label) - 1);
        (void)snprintf(label, 16, "t:%u", i % 200);
        label[strlen(label)] = 'x';
        label[sizeof(label) - 1] = '\0';
        last = add(p, label, false);
    }
    alb_purges_retire(p, last);
    assert_int_equal(alb_purges_look(p).in_force, 0);
    assert_true(kit_file_size(w->dir, "purges") > (1 << 20)); /* the other one reads it */
    uint64_t more = add(other, "t:more", false);
    assert_true(more > last);
    assert_int_equal(newest(p, "t:more"), more);
    alb_purges_close(&other);
    alb_purges_retire(p, last);
    assert_true(kit_file_size(w->dir, "purges") > (1 << 20)); /* one is in force */
    alb_purges_retire(p, more);
    assert_true(kit_file_size(w->dir, "purges") < 100);
    assert_int_equal(newest(p, "t:more"), 0);
    uint64_t next = add(p, "t:next", false);
    assert_true(next > more);
    other = open_list(w);
    assert_int_equal(newest(other, "t:next"), next);
    assert_int_equal(newest(p, "t:next"), next);
    alb_purges_close(&other);
    alb_purges_close(&p);
}

/* Whoever has a list open that has lost its name goes over to the one that has it. */
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
    assert_int_equal(newest(p, "t:a"), one); /* until its memory is clean */
    alb_purges_forget(p);
    assert_int_equal(newest(p, "t:a"), 0);
    assert_int_equal(newest(p, "t:b"), two);
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

static struct alb_arena *arena;

static size_t told(struct alb_purges *p, struct alb_purge_told **list)
{
    size_t n = 0;

    alb_arena_free(&arena);
    arena = alb_arena_new((size_t)1 << 20);
    assert_non_null(arena);
    assert_ok(alb_purges_recent(p, arena, list, &n, &err));
    return n;
}

static void assert_told(struct alb_purges *p, size_t at, const char *label, bool prefix, int64_t files,
                        bool done)
{
    struct alb_purge_told *list;

    assert_true(told(p, &list) > at);
    assert_true(alb_str_eq_c(list[at].label, label));
    assert_true(alb_str_eq_c(list[at].by, "ann"));
    assert_int_equal(list[at].prefix, prefix);
    assert_int_equal(list[at].files, files);
    assert_int_equal(list[at].done, done);
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

/* Files go by what is written in them, if they were begun before. */
static void files_go_by_their_labels(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w);
    struct alb_quarantine *q;
    struct alb_cache *c;
    const char *const sources[] = {"http://a/1", "http://a/2", "http://b/1"};

    assert_ok(alb_quarantine_open(w->fd, 1 << 20, 100, alb_clock_real(), &q, &err));
    const struct alb_cache_config config = {
        .data_dirfd = w->fd, .folder = "cache", .limit = 1 << 24, .clock = alb_clock_real(), .quarantine = q};
    assert_ok(alb_cache_open(&config, &c, &err));
    for (unsigned round = 0; round < 2; round++) {
        if (round == 1) {
            (void)add(p, "http://a/1", false);
            (void)add(p, "t:odd", false);
        }
        for (unsigned i = 0; i < 60; i++) { /* the second round's were begun after the purges */
            struct alb_derived_key key;
            struct alb_buf labels = ALB_BUF_INIT(ALB_DERIVED_LABELS_MAX);
            const struct alb_str all[] = {alb_str_c(sources[i % 3]),
                                          i % 2 == 1 ? ALB_STR("t:odd") : ALB_STR("t:even")};
            alb_labels_write(all, 2, &labels);
            const struct alb_derived_front front = {.labels = alb_buf_view(&labels),
                                                    .purges = alb_purges_now(p)};
            kit_fill(key.b, sizeof(key.b), 0, round * 1000 + i);
            assert_ok(alb_cache_put(c, &key, &front, ALB_STR("body"), &err));
            alb_buf_fini(&labels);
        }
    }
    size_t removed = 0;
    for (int cursor = 0; cursor >= 0;)
        removed += alb_cache_purge_step(c, p, &cursor);
    assert_int_equal(removed, 40); /* all odd ones, and every sixth: even and of that source */
    assert_int_equal(alb_cache_look(c).files, 80);
    assert_told(p, 0, "t:odd", false, 30, false); /* the newer one of two counts */
    assert_told(p, 1, "http://a/1", false, 10, false);
    (void)add(p, "http://a/", true);
    removed = 0;
    for (int cursor = 0; cursor >= 0;)
        removed += alb_cache_purge_step(c, p, &cursor);
    assert_int_equal(removed, 10 + 40);
    assert_told(p, 0, "http://a/", true, 50, false);
    alb_cache_close(&c);
    alb_quarantine_close(&q);
    alb_purges_close(&p);
    alb_arena_free(&arena);
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
        cmocka_unit_test_setup_teardown(whole_labels_and_beginnings, setup, teardown),
        cmocka_unit_test_setup_teardown(long_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(they_hold_after_a_restart_and_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_purges_too_much, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failing_disk_is_told_of, setup, teardown),
        cmocka_unit_test_setup_teardown(a_read_only_list_heals, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_list_heals, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_list_is_begun_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_that_lost_its_name_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_everything_is_purged, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_are_told_of, setup, teardown),
        cmocka_unit_test_setup_teardown(files_go_by_their_labels, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
