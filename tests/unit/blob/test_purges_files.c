/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that purges touch: which go, and that none is left when nothing is said of the purge any more.
 */
#include "purges_kit.h"

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
        assert_ok(alb_cache_purge_step(c, p, &cursor, &removed, &err));
    assert_int_equal(removed, 40); /* all odd ones, and every sixth: even and of that source */
    assert_int_equal(alb_cache_look(c).files, 80);
    assert_told(p, 0, "t:odd", false, 30, false); /* the newer one of two counts */
    assert_told(p, 1, "http://a/1", false, 10, false);
    (void)add(p, "http://a/", true);
    removed = 0;
    for (int cursor = 0; cursor >= 0;)
        assert_ok(alb_cache_purge_step(c, p, &cursor, &removed, &err));
    assert_int_equal(removed, 10 + 40);
    assert_told(p, 0, "http://a/", true, 50, false);
    alb_cache_close(&c);
    alb_quarantine_close(&q);
    alb_purges_close(&p);
    alb_arena_free(&arena);
}

/* ---- none is left ---- */

struct kept {
    struct alb_quarantine *q;
    struct alb_cache *c;
};

static void open_cache(struct world *w, struct kept *k)
{
    assert_ok(alb_quarantine_open(w->fd, 1 << 20, 100, alb_clock_real(), &k->q, &err));
    const struct alb_cache_config config = {.data_dirfd = w->fd,
                                            .folder = "cache",
                                            .limit = 1 << 24,
                                            .clock = alb_clock_real(),
                                            .quarantine = k->q};
    assert_ok(alb_cache_open(&config, &k->c, &err));
}

static void close_cache(struct kept *k)
{
    alb_cache_close(&k->c);
    alb_quarantine_close(&k->q);
}

/* Of the label "t:a"; where it lies in the data folder. */
static void put(struct kept *k, struct alb_purges *p, char path[64])
{
    struct alb_buf labels = ALB_BUF_INIT(100);
    const struct alb_str label = ALB_STR("t:a");
    struct alb_derived_key key;
    char name[ALB_DERIVED_NAME_MAX];

    kit_fill(key.b, sizeof(key.b), 0, 1);
    alb_labels_write(&label, 1, &labels);
    const struct alb_derived_front front = {.labels = alb_buf_view(&labels), .purges = alb_purges_now(p)};
    assert_ok(alb_cache_put(k->c, &key, &front, ALB_STR("body"), &err));
    alb_buf_fini(&labels);
    alb_derived_name(&key, name);
    (void)snprintf(path, 64, "cache/%s", name);
}

/* All folders. True: nothing that is purged can be left. */
static bool look_through(struct kept *k, struct alb_purges *p)
{
    size_t removed = 0;
    bool all = true;

    for (int cursor = 0; cursor >= 0;)
        all &= alb_cache_purge_step(k->c, p, &cursor, &removed, NULL) == ALB_OK;
    return all;
}

/* A disk that fails at any one call: either the file has gone, or it is said that it may be there; and then it goes. */
static void a_disk_that_does_not_let_them_go(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w);
    struct kept k;
    char path[64];
    bool fired = true, faulty = false;
    unsigned told_of = 0;

    for (uint64_t n = 1; fired; n++) {
        open_cache(w, &k); /* with a journal that is well */
        alb_cache_tend_all(k.c);
        put(&k, p, path);
        (void)add(p, "t:a", false);
        alb_fs_fault(ALB_FS_ANY, n, EIO, false);
        bool all = look_through(&k, p);
        fired = alb_fs_fault_fired();
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        assert_true(!all || !kit_exists(w->fd, path));
        told_of += !all;
        faulty |= alb_cache_look(k.c).writes.code != ALB_OK;
        assert_true(look_through(&k, p));
        assert_false(kit_exists(w->fd, path));
        close_cache(&k);
    }
    assert_true(told_of >= 256 && faulty); /* each folder, and the file */
    alb_purges_close(&p);
}

/* One that the index does not know; and what bears a file's name and is none. */
static void files_that_nobody_knows(void **state)
{
    struct world *w = *state;
    struct alb_purges *p = open_list(w);
    struct kept k;
    char path[64], other[64];

    open_cache(w, &k);
    put(&k, p, path);
    (void)add(p, "t:a", false);
    close_cache(&k);
    assert_int_equal(unlinkat(w->dir, "journal", 0), 0);
    memcpy(other, path, sizeof(other));
    for (int i = 0; i < 3; i++) {
        other[strlen(other) - 1] = (char)('0' + (path[strlen(path) - 1] - '0' + 1 + i) % 10);
        assert_int_equal(i == 0   ? mkdirat(w->fd, other, 0700)
                         : i == 1 ? mkfifoat(w->fd, other, 0600)
                                  : symlinkat("nowhere", w->fd, other),
                         0);
    }
    open_cache(w, &k);
    assert_int_equal(alb_cache_look(k.c).files, 0);
    assert_true(look_through(&k, p));
    assert_false(kit_exists(w->fd, path));
    assert_ok(alb_cache_sync(k.c, &err));
    close_cache(&k);
    alb_purges_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_go_by_their_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_does_not_let_them_go, setup, teardown),
        cmocka_unit_test_setup_teardown(files_that_nobody_knows, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
