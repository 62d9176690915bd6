/* SPDX-License-Identifier: Apache-2.0
 *
 * The bounded cache: hits and misses, what is at hand, the bound, scan resistance, warm start, damage, full disks,
 * threads.
 */
#include "kit.h"

#include <pthread.h>

#include "blob/cache.h"
#include "blob/cache_index.h"

static struct alb_err err;

struct world {
    char path[64];
    int fd;
    struct alb_quarantine *q;
    struct alb_cache *c;
    int64_t limit;
};

static void open_cache(struct world *w)
{
    struct alb_cache_config config = {.data_dirfd = w->fd,
                                      .folder = "cache",
                                      .limit = w->limit,
                                      .clock = alb_clock_real(),
                                      .quarantine = w->q};

    assert_ok(alb_cache_open(&config, &w->c, &err));
}

static void open_world(struct world *w)
{
    alb_err_clear(&err);
    kit_quiet();
    w->fd = kit_dir_open(w->path);
    assert_ok(alb_fs_mkdirs(w->fd, "tmp", 0700, &err));
    assert_ok(alb_quarantine_open(w->fd, 1 << 20, 1000, alb_clock_real(), &w->q, &err));
    w->limit = 400 * ALB_INDEX_PAGE;
    open_cache(w);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    kit_dir_new(w->path);
    open_world(w);
    *state = w;
    return 0;
}

/* In a file system that has a disk, as far as one can know. */
static int setup_on_disk(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    kit_dir_new_in("/tmp", w->path);
    open_world(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_cache_close(&w->c);
    alb_cache_close(&w->c);
    alb_quarantine_close(&w->q);
    (void)close(w->fd);
    kit_dir_remove(w->path);
    free(w);
    return 0;
}

static struct alb_derived_key key_of(uint64_t i)
{
    struct alb_derived_key k;

    kit_fill(k.b, sizeof(k.b), 0, i + 1000);
    return k;
}

static enum alb_code put(struct world *w, uint64_t i, size_t n)
{
    struct alb_derived_key k = key_of(i);
    unsigned char *b = kit_bytes(n, i);
    const struct alb_derived_front front = {.meta = ALB_STR("image/webp"), .kind = (uint8_t)(i % 5)};
    enum alb_code code = alb_cache_put(w->c, &k, &front, alb_str_n((const char *)b, n), NULL);

    alb_mem_free(b);
    return code;
}

/* True = hit (and the bytes are right). */
static bool get(struct world *w, uint64_t i, size_t n)
{
    struct alb_derived_key k = key_of(i);
    struct alb_derived d;
    unsigned char *b;

    if (alb_cache_get(w->c, &k, &d, NULL) != ALB_OK)
        return false;
    b = kit_bytes(n, i);
    assert_int_equal(d.body->n, n);
    assert_memory_equal(d.body->p, b, n);
    assert_int_equal(d.meta_n, 10);
    alb_mem_free(b);
    alb_derived_fini(&d);
    return true;
}

/* Bytes in files, as disks count. */
static int64_t on_disk(struct world *w, int *files)
{
    int64_t pages = 0;

    *files = 0;
    for (unsigned i = 0; i < 256; i++) {
        char folder[16];
        (void)snprintf(folder, sizeof(folder), "cache/%02x", i);
        int fd = openat(w->fd, folder, O_RDONLY | O_DIRECTORY);
        assert_true(fd >= 0);
        DIR *d = fdopendir(fd);
        for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
            int64_t size = e->d_type == DT_REG ? kit_file_size(fd, e->d_name) : -1;
            if (size >= 0) {
                pages += alb_index_pages(size);
                ++*files;
            }
        }
        (void)closedir(d);
    }
    return pages * ALB_INDEX_PAGE;
}

static void check_books(struct world *w)
{
    struct alb_cache_view v = alb_cache_look(w->c);
    int files;
    int64_t bytes = on_disk(w, &files);

    assert_int_equal(v.bytes, bytes);
    assert_int_equal(v.files, files);
    assert_true(v.bytes <= w->limit);
}

static void hits_and_misses(void **state)
{
    struct world *w = *state;

    assert_false(get(w, 1, 100));
    assert_int_equal(put(w, 1, 100), ALB_OK);
    assert_true(get(w, 1, 100));
    assert_int_equal(put(w, 1, 9000), ALB_OK); /* replaced */
    assert_true(get(w, 1, 9000));
    check_books(w);
    struct alb_derived_key k = key_of(1);
    assert_true(alb_cache_has(w->c, &k));
    alb_cache_purge(w->c, &k);
    alb_cache_purge(w->c, &k);
    assert_false(alb_cache_has(w->c, &k));
    assert_false(get(w, 1, 9000));
    assert_int_equal(put(w, 2, (size_t)w->limit / 8 + 1), ALB_E_TOO_LARGE);
    for (uint64_t i = 0; i < 50; i++)
        assert_int_equal(put(w, i, 5000), ALB_OK);
    alb_cache_purge_all(w->c);
    struct alb_cache_view v = alb_cache_look(w->c);
    assert_int_equal(v.files, 0);
    assert_int_equal(v.bytes, 0);
    assert_int_equal(v.hits, 2);
    assert_int_equal(v.misses, 2);
    check_books(w);
}

static void the_bound_holds(void **state)
{
    struct world *w = *state;
    uint64_t random = 1;

    for (uint64_t i = 0; i < 1500; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        assert_int_equal(put(w, i % 700, (size_t)(random >> 40) % 30000), ALB_OK);
        assert_true(alb_cache_look(w->c).bytes <= w->limit);
        if (i % 100 == 0)
            check_books(w);
        if (i % 3 == 0)
            (void)alb_cache_has(w->c, &(struct alb_derived_key){{0}});
    }
    check_books(w);
    assert_true(alb_cache_look(w->c).evicted > 500);
    assert_true(alb_cache_look(w->c).bytes > w->limit * 8 / 10);
}

/* The working set (asked for twice) survives a scan of five times the cache's size; with LRU it would not. */
static void a_scan_leaves_the_working_set(void **state)
{
    struct world *w = *state;
    int alive = 0;

    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 200; i++) {
            if (!get(w, i, 3900))
                assert_int_equal(put(w, i, 3900), ALB_OK);
        }
    }
    for (uint64_t i = 10000; i < 12000; i++) {
        assert_false(get(w, i, 3900));
        assert_int_equal(put(w, i, 3900), ALB_OK);
    }
    for (uint64_t i = 0; i < 200; i++)
        alive += get(w, i, 3900);
    assert_true(alive > 190);
    check_books(w);
}

/* Who was thrown out of the small queue and comes back goes to the main one. */
static void ghosts_come_back_to_main(void **state)
{
    struct world *w = *state;

    for (uint64_t i = 0; i < 500; i++)
        assert_int_equal(put(w, i, 3900), ALB_OK);
    struct alb_derived_key k = key_of(0);
    assert_false(alb_cache_has(w->c, &k));
    int64_t before = alb_cache_look(w->c).main_bytes;
    assert_int_equal(put(w, 0, 3900), ALB_OK);
    assert_true(alb_cache_look(w->c).main_bytes > before);
}

static void a_start_finds_what_was_there(void **state)
{
    struct world *w = *state;

    for (uint64_t i = 0; i < 60; i++)
        assert_int_equal(put(w, i, 10000), ALB_OK);
    kit_write_file(w->fd, "cache/ab/README", "mine", 4);
    alb_cache_close(&w->c);
    open_cache(w);
    assert_int_equal(alb_cache_look(w->c).files, 60);
    for (uint64_t i = 0; i < 60; i++)
        assert_true(get(w, i, 10000));
    assert_int_equal(unlinkat(w->fd, "cache/ab/README", 0), 0);
    check_books(w);
    alb_cache_close(&w->c);
    w->limit = 100 * ALB_INDEX_PAGE; /* a smaller one than last time */
    open_cache(w);
    check_books(w);
    assert_true(alb_cache_look(w->c).files <= 33);
    alb_cache_close(&w->c);
    w->limit = 0;
    open_cache(w);
    check_books(w);
    assert_int_equal(put(w, 1, 1), ALB_E_TOO_LARGE);
    assert_false(get(w, 1, 1));
}

static enum alb_code get_small(struct world *w, uint64_t i, int64_t most)
{
    struct alb_derived_key k = key_of(i);
    struct alb_derived d;
    enum alb_code code = alb_cache_get_small(w->c, &k, most, &d, NULL);

    assert_int_equal(d.body != NULL, code == ALB_OK);
    alb_derived_fini(&d);
    return code;
}

/* What is not known, or large, or bad is no miss: who wants it asks for it again. */
static void small_ones_are_read_at_once(void **state)
{
    struct world *w = *state;
    char name[ALB_DERIVED_NAME_MAX], path[64];
    struct alb_derived_key k = key_of(1);

    assert_int_equal(put(w, 1, 3000), ALB_OK);
    assert_int_equal(put(w, 2, 9000), ALB_OK);
    assert_int_equal(get_small(w, 1, 8192), ALB_OK);
    assert_int_equal(get_small(w, 2, 8192), ALB_E_NOT_FOUND);
    assert_int_equal(get_small(w, 2, 16384), ALB_OK);
    assert_int_equal(get_small(w, 3, 8192), ALB_E_NOT_FOUND);
    alb_derived_name(&k, name);
    (void)snprintf(path, sizeof(path), "cache/%s", name);
    kit_flip(w->fd, path, 1000);
    assert_int_equal(get_small(w, 1, 8192), ALB_E_NOT_FOUND);
    assert_false(kit_exists(w->fd, path));
    struct alb_cache_view v = alb_cache_look(w->c);
    assert_int_equal(v.hits, 2);
    assert_int_equal(v.misses, 0);
    assert_int_equal(v.corrupt, 1);
    check_books(w);
}

static enum alb_code get_at_hand(struct world *w, uint64_t i, int64_t most, size_t n)
{
    struct alb_derived_key k = key_of(i);
    struct alb_derived d;
    enum alb_code code = alb_cache_get_at_hand(w->c, &k, most, &d, NULL);

    assert_int_equal(d.body != NULL, code == ALB_OK);
    if (code == ALB_OK) {
        unsigned char *b = kit_bytes(n, i);
        assert_int_equal(d.body->n, n);
        assert_memory_equal(d.body->p, b, n);
        alb_mem_free(b);
    }
    alb_derived_fini(&d);
    return code;
}

/* What was written or read just now is in memory, but where that is short, or where the file system cannot tell. */
static bool is_at_hand(struct world *w, uint64_t i, size_t n)
{
    struct alb_derived_key k = key_of(i);
    struct alb_derived d;

    for (int again = 0; again < 1000; again++) {
        if (get_at_hand(w, i, 65536, n) == ALB_OK)
            return true;
        assert_ok(alb_cache_get_aside(w->c, &k, false, &d, &err));
        alb_derived_fini(&d);
    }
    return false;
}

/* The event loop's way: what it cannot have at once it leaves as it is, to who may wait. */
static void what_is_in_memory_is_at_hand(void **state)
{
    struct world *w = *state;
    char name[ALB_DERIVED_NAME_MAX], path[64];
    struct alb_derived_key k = key_of(1);

    assert_int_equal(put(w, 1, 3000), ALB_OK);
    assert_int_equal(put(w, 2, 9000), ALB_OK);
    if (!is_at_hand(w, 1, 3000)) {
        print_message("# this file system cannot tell what is in memory\n");
        return;
    }
    assert_int_equal(get_at_hand(w, 2, 8192, 9000), ALB_E_NOT_FOUND);
    assert_true(is_at_hand(w, 2, 9000));
    assert_int_equal(get_at_hand(w, 3, 65536, 0), ALB_E_NOT_FOUND);
    assert_int_equal(alb_cache_look(w->c).hits, 2);
    alb_derived_name(&k, name);
    (void)snprintf(path, sizeof(path), "cache/%s", name);
    kit_flip(w->fd, path, 1000);
    assert_int_equal(get_at_hand(w, 1, 65536, 3000), ALB_E_NOT_FOUND);
    assert_true(kit_exists(w->fd, path));
    assert_int_equal(alb_cache_look(w->c).corrupt, 0);
    assert_false(get(w, 1, 3000));
    assert_false(kit_exists(w->fd, path));
    assert_int_equal(alb_cache_look(w->c).corrupt, 1);
    check_books(w);
    /* A file system that cannot tell is not asked again. */
    alb_fs_fault(ALB_FS_READ, 1, EOPNOTSUPP, true);
    assert_int_equal(get_at_hand(w, 2, 65536, 9000), ALB_E_NOT_FOUND);
    assert_true(alb_fs_fault_fired());
    assert_false(is_at_hand(w, 2, 9000));
    assert_true(get(w, 2, 9000));
}

static void damage_is_a_miss_and_is_counted(void **state)
{
    struct world *w = *state;
    char name[ALB_DERIVED_NAME_MAX], path[64];
    struct alb_derived_key k = key_of(1);

    alb_derived_name(&k, name);
    (void)snprintf(path, sizeof(path), "cache/%s", name);
    for (int64_t at = 0; at < 5000; at += 97) {
        assert_int_equal(put(w, 1, 5000 - ALB_DERIVED_HEAD - 10), ALB_OK);
        if (at % 2 == 0)
            kit_flip(w->fd, path, at);
        else
            kit_cut(w->fd, path, at);
        assert_false(get(w, 1, 5000 - ALB_DERIVED_HEAD - 10));
        assert_false(kit_exists(w->fd, path));
        check_books(w);
    }
    assert_int_equal(alb_cache_look(w->c).corrupt, 52);
    assert_int_equal(kit_count(w->fd, "quarantine"), 52);
    /* removed by hand: a plain miss */
    assert_int_equal(put(w, 1, 10), ALB_OK);
    assert_int_equal(unlinkat(w->fd, path, 0), 0);
    assert_false(get(w, 1, 10));
    check_books(w);
}

static void check_finds_every_bad_file(void **state)
{
    struct world *w = *state;
    struct alb_cache_checked sum = {0};
    char name[ALB_DERIVED_NAME_MAX], path[64];

    for (uint64_t i = 0; i < 40; i++)
        assert_int_equal(put(w, i, 3000), ALB_OK);
    for (uint64_t i = 0; i < 40; i += 4) {
        struct alb_derived_key k = key_of(i);
        alb_derived_name(&k, name);
        (void)snprintf(path, sizeof(path), "cache/%s", name);
        kit_flip(w->fd, path, 1000);
    }
    kit_write_file(w->fd, "cache/00/foreign", "x", 1);
    for (int64_t cursor = 0; cursor >= 0;)
        assert_ok(alb_cache_check_step(w->c, &cursor, &sum, &err));
    assert_int_equal(sum.seen, 40);
    assert_int_equal(sum.bad, 10);
    assert_int_equal(sum.foreign, 1);
    assert_int_equal(alb_cache_look(w->c).files, 30);
    assert_int_equal(unlinkat(w->fd, "cache/00/foreign", 0), 0);
    check_books(w);
}

static void a_full_disk_means_not_cached(void **state)
{
    struct world *w = *state;

    assert_int_equal(put(w, 1, 5000), ALB_OK);
    for (unsigned n = 1; n < 4; n++) {
        alb_fs_fault(ALB_FS_ANY, n, ENOSPC, false);
        assert_int_equal(put(w, 2, 5000), ALB_E_NO_SPACE);
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        assert_false(get(w, 2, 5000));
        assert_true(get(w, 1, 5000));
        check_books(w);
    }
    assert_int_equal(alb_cache_look(w->c).refused, 3);
    assert_int_equal(alb_cache_look(w->c).writes.sys, ENOSPC);
    alb_cache_tend_all(w->c); /* half a record was written */
    assert_int_equal(alb_cache_look(w->c).writes.code, ALB_OK);
    assert_int_equal(put(w, 2, 5000), ALB_OK);
    assert_true(get(w, 2, 5000));
}

static void the_index_is_small_and_keeps_its_books(void **state)
{
    struct alb_index *ix = alb_index_new(1000000);
    struct alb_index_row row = {.place = ALB_INDEX_NEW};
    struct alb_index_key k, victim;
    uint32_t pages;

    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        kit_fill(k.b, sizeof(k.b), 0, i);
        row.key = k;
        row.item = (struct alb_index_item){1 + (uint32_t)(i % 5), (uint32_t)i, (uint8_t)(i % 3)};
        row.place = i % 3 == 0 ? ALB_INDEX_MAIN : ALB_INDEX_NEW;
        assert_ok(alb_index_put(ix, &row, &err));
        if (i % 7 == 0)
            assert_true(alb_index_find(ix, &k, true, NULL));
    }
    struct alb_index_view v = alb_index_look(ix);
    assert_int_equal(v.files, 100000);
    assert_int_equal(v.pages, 300000);
    assert_true(v.memory < 100000 * 60);
    for (uint64_t i = 0; i < 100000; i += 2) {
        kit_fill(k.b, sizeof(k.b), 0, i);
        assert_true(alb_index_remove(ix, &k));
        assert_false(alb_index_remove(ix, &k));
    }
    int64_t left = 50000, left_pages = alb_index_look(ix).pages;
    while (alb_index_evict(ix, &victim, &pages)) {
        left--;
        left_pages -= pages;
        assert_false(alb_index_find(ix, &victim, false, NULL));
    }
    assert_int_equal(left, 0);
    assert_int_equal(left_pages, 0);
    assert_false(alb_index_any(ix, &k));
    assert_true(alb_index_look(ix).memory == v.memory); /* entries are used again */
    alb_index_free(&ix);
}

/* ---- threads ---- */

struct worker {
    struct world *w;
    unsigned no;
    atomic_uint *over;
};

static void *work(void *arg)
{
    struct worker *me = arg;
    uint64_t random = me->no + 1;

    for (int i = 0; i < 600; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        uint64_t k = (random >> 33) % 150;
        struct alb_derived_key key = key_of(k);
        switch ((random >> 50) % 8) {
        case 0:
            alb_cache_purge(me->w->c, &key);
            break;
        case 1:
        case 2:
        case 3:
            alb_ignore(put(me->w, k, 1000 + k * 97), "may find no room");
            break;
        default:
            (void)get(me->w, k, 1000 + k * 97);
            break;
        }
        if (alb_cache_look(me->w->c).bytes > me->w->limit)
            atomic_fetch_add(me->over, 1);
    }
    return NULL;
}

static void threads_agree(void **state)
{
    struct world *w = *state;
    pthread_t threads[6];
    struct worker workers[6];
    atomic_uint over = 0;

    for (unsigned i = 0; i < 6; i++) {
        workers[i] = (struct worker){w, i, &over};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < 6; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&over), 0);
    /* No file without an entry; an entry without a file is a miss that takes it out. */
    for (uint64_t k = 0; k < 150; k++)
        (void)get(w, k, 1000 + k * 97);
    check_books(w);
    assert_int_equal(kit_count(w->fd, "tmp"), 0);
    assert_int_equal(kit_count(w->fd, "quarantine"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hits_and_misses, setup, teardown),
        cmocka_unit_test_setup_teardown(the_bound_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(a_scan_leaves_the_working_set, setup, teardown),
        cmocka_unit_test_setup_teardown(ghosts_come_back_to_main, setup, teardown),
        cmocka_unit_test_setup_teardown(a_start_finds_what_was_there, setup, teardown),
        cmocka_unit_test_setup_teardown(small_ones_are_read_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_in_memory_is_at_hand, setup_on_disk, teardown),
        cmocka_unit_test_setup_teardown(damage_is_a_miss_and_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(check_finds_every_bad_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_means_not_cached, setup, teardown),
        cmocka_unit_test(the_index_is_small_and_keeps_its_books),
        cmocka_unit_test_setup_teardown(threads_agree, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
