/* SPDX-License-Identifier: Apache-2.0
 *
 * Derived files: what is written comes back; a flipped byte, a cut tail, a strange file never does.
 */
#include "kit.h"

#include "blob/derived.h"

static struct alb_err err;

struct world {
    char path[64];
    int fd, dir, tmp;
    struct alb_quarantine *q;
    struct alb_derived_key key;
    char name[ALB_DERIVED_NAME_MAX];
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    alb_err_clear(&err);
    kit_quiet();
    kit_dir_new(w->path);
    w->fd = kit_dir_open(w->path);
    assert_ok(alb_fs_mkdirs(w->fd, "cache", 0700, &err));
    assert_ok(alb_fs_mkdirs(w->fd, "tmp", 0700, &err));
    w->dir = openat(w->fd, "cache", O_RDONLY | O_DIRECTORY);
    w->tmp = openat(w->fd, "tmp", O_RDONLY | O_DIRECTORY);
    assert_ok(alb_quarantine_open(w->fd, 1 << 20, 1000, alb_clock_real(), &w->q, &err));
    kit_fill(w->key.b, sizeof(w->key.b), 0, 1);
    alb_derived_name(&w->key, w->name);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_quarantine_close(&w->q);
    (void)close(w->dir);
    (void)close(w->tmp);
    (void)close(w->fd);
    kit_dir_remove(w->path);
    free(w);
    return 0;
}

static int64_t file_size(size_t meta_n, size_t body_n)
{
    const struct alb_derived_front front = {.meta = {"", meta_n}, .labels = {"", meta_n / 2}};

    return alb_derived_file_size(&front, body_n);
}

static void put(struct world *w, size_t meta_n, size_t body_n)
{
    unsigned char *b = kit_bytes(body_n, 5);
    char meta[ALB_DERIVED_META_MAX];

    memset(meta, 'm', sizeof(meta));
    const struct alb_derived_front front = {
        .meta = alb_str_n(meta, meta_n), .labels = alb_str_n(meta, meta_n / 2), .purges = 7, .kind = 3};
    assert_ok(alb_derived_write(w->dir, w->tmp, &w->key, &front,
                                alb_str_n((const char *)b, body_n), 42, &err));
    alb_mem_free(b);
}

static void check(struct world *w, size_t meta_n, size_t body_n)
{
    struct alb_derived d;
    unsigned char *b = kit_bytes(body_n, 5);

    assert_ok(alb_derived_read(w->dir, &w->key, w->q, &d, &err));
    assert_int_equal(d.meta_n, meta_n);
    assert_int_equal(d.body->n, body_n);
    assert_int_equal(d.created_ms, 42);
    assert_int_equal(d.purges, 7);
    assert_int_equal(d.kind, 3);
    if (body_n > 0)
        assert_memory_equal(d.body->p, b, body_n);
    for (size_t i = 0; i < meta_n; i++)
        assert_int_equal(d.meta[i], 'm');
    struct alb_bytes *kept = alb_bytes_ref(d.body); /* outlives what was read */
    alb_derived_fini(&d);
    alb_derived_fini(&d);
    if (body_n > 0)
        assert_memory_equal(kept->p, b, body_n);
    alb_bytes_unref(kept);
    alb_mem_free(b);
}

static void what_is_written_comes_back(void **state)
{
    struct world *w = *state;
    const size_t sizes[][2] = {{0, 0}, {10, 0}, {0, 1}, {10, 20000}, {ALB_DERIVED_META_MAX, 3000000}};

    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        put(*state, sizes[i][0], sizes[i][1]);
        check(*state, sizes[i][0], sizes[i][1]);
        assert_int_equal(kit_file_size(w->dir, w->name), file_size(sizes[i][0], sizes[i][1]));
        assert_int_equal(kit_count(w->fd, "tmp"), 0);
    }
    const struct alb_derived_front much_meta = {.meta = alb_str_n(w->path, ALB_DERIVED_META_MAX + 1)};
    const struct alb_derived_front many_labels = {.labels = alb_str_n(w->path, ALB_DERIVED_LABELS_MAX + 1)};
    assert_code(alb_derived_write(w->dir, w->tmp, &w->key, &much_meta, ALB_STR_NONE, 1, &err), ALB_E_TOO_LARGE);
    assert_code(alb_derived_write(w->dir, w->tmp, &w->key, &many_labels, ALB_STR_NONE, 1, &err), ALB_E_TOO_LARGE);
}

static void absent_is_a_miss(void **state)
{
    struct world *w = *state;
    struct alb_derived d;

    assert_code(alb_derived_read(w->dir, &w->key, w->q, &d, &err), ALB_E_NOT_FOUND);
    assert_null(d.body);
    put(w, 1, 1);
    struct alb_derived_key other = w->key; /* same name, another second half */
    other.b[31] ^= 1;
    assert_code(alb_derived_read(w->dir, &other, w->q, &d, &err), ALB_E_NOT_FOUND);
    check(w, 1, 1);
    assert_int_equal(kit_count(w->fd, "quarantine"), 0);
}

static void every_flip_and_every_cut_is_found(void **state)
{
    struct world *w = *state;
    struct alb_derived d;
    int64_t size = file_size(5, 100);
    int bad = 0;

    for (int64_t at = 0; at < size; at++) {
        put(w, 5, 100);
        kit_flip(w->dir, w->name, at);
        assert_code(alb_derived_read(w->dir, &w->key, w->q, &d, &err), ALB_E_CORRUPT);
        assert_null(d.body);
        assert_false(kit_exists(w->dir, w->name));
        bad++;
        put(w, 5, 100);
        kit_cut(w->dir, w->name, at);
        assert_code(alb_derived_read(w->dir, &w->key, w->q, &d, &err), ALB_E_CORRUPT);
        assert_false(kit_exists(w->dir, w->name));
        bad++;
    }
    put(w, 5, 100);
    kit_cut(w->dir, w->name, size + 1);
    assert_code(alb_derived_read(w->dir, &w->key, w->q, &d, &err), ALB_E_CORRUPT);
    assert_int_equal(kit_count(w->fd, "quarantine"), bad + 1);
    put(w, 5, 100);
    check(w, 5, 100);
}

static void a_failing_write_leaves_the_old_file(void **state)
{
    struct world *w = *state;
    unsigned char *b = kit_bytes(50000, 6);

    for (unsigned n = 1;; n++) {
        put(w, 3, 3000);
        alb_fs_fault(ALB_FS_ANY, n, ENOSPC, false);
        const struct alb_derived_front front = {.meta = ALB_STR("m")};
        enum alb_code code = alb_derived_write(w->dir, w->tmp, &w->key, &front,
                                               alb_str_n((const char *)b, 50000), 1, NULL);
        bool fired = alb_fs_fault_fired();
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        if (!fired) {
            assert_int_equal(code, ALB_OK);
            assert_true(n > 3);
            break;
        }
        assert_int_equal(code, ALB_E_NO_SPACE);
        check(w, 3, 3000);
    }
    alb_mem_free(b);
}

static void no_memory_is_an_error_each_time(void **state)
{
    struct world *w = *state;
    unsigned n = 1;

    put(w, 3, 3000);
    for (bool fired = true; fired; n++) {
        struct alb_derived d;
        alb_mem_fault(n, true);
        enum alb_code code = alb_derived_read(w->dir, &w->key, w->q, &d, NULL);
        fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        assert_int_equal(code, fired ? ALB_E_NO_MEMORY : ALB_OK);
        alb_derived_fini(&d);
    }
    assert_true(n > 3);
    assert_int_equal(kit_count(w->fd, "quarantine"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(absent_is_a_miss, setup, teardown),
        cmocka_unit_test_setup_teardown(every_flip_and_every_cut_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failing_write_leaves_the_old_file, setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory_is_an_error_each_time, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
