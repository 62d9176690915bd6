/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading originals: no byte leaves unchecked, whatever piece is asked for and wherever the damage is;
 * walking, sweeping, scrubbing; start.
 */
#include "kit.h"

static struct alb_err err;

struct world {
    struct kit_store k;
    struct kit_source s;
    struct alb_blob_publish p;
    char path[128];
};
#define SIZE ((size_t)3 * ALB_BLOCK_SIZE + 70001)

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    alb_err_clear(&err);
    kit_store_new(&w->k);
    kit_source_new(&w->s, &w->k, "a", SIZE, 77);
    assert_ok(alb_blob_publish_path(&w->p, w->k.store, &w->s.src, &err));
    alb_blob_publish_end(&w->p);
    (void)snprintf(w->path, sizeof(w->path), "originals/%s", w->p.key);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    kit_source_end(&w->s);
    kit_store_end(&w->k);
    free(w);
    return 0;
}

static struct alb_blob_reader *open_reader(struct world *w)
{
    struct alb_blob_ref ref = kit_ref(&w->s, w->p.key);
    struct alb_blob_reader *r;

    assert_ok(alb_blob_open(w->k.store, &ref, &r, &err));
    return r;
}

static void any_range_is_right(void **state)
{
    struct world *w = *state;
    struct alb_blob_reader *r = open_reader(w);
    unsigned char *buf = alb_mem_alloc_nofail(SIZE);
    uint64_t random = 12345;

    for (int i = 0; i < 2000; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        size_t off = (size_t)(random >> 20) % (SIZE + 10);
        size_t n = (i % 4 == 0) ? (size_t)(random >> 33) % SIZE : (size_t)(random >> 33) % 70000;
        size_t got, want = off >= SIZE ? 0 : (n < SIZE - off ? n : SIZE - off);
        assert_ok(alb_blob_read(r, (int64_t)off, buf, n, &got, &err));
        assert_int_equal(got, want);
        if (got > 0)
            assert_memory_equal(buf, w->s.bytes + off, got);
    }
    /* as a download reads: from the start, in pieces */
    for (size_t piece = 1000; piece <= 262144; piece *= 4) {
        size_t off = 0, got = 1;
        for (; got > 0; off += got) {
            assert_ok(alb_blob_read(r, (int64_t)off, buf, piece, &got, &err));
            if (got > 0)
                assert_memory_equal(buf, w->s.bytes + off, got);
        }
        assert_int_equal(off, SIZE);
    }
    alb_mem_free(buf);
    alb_blob_close(&r);
    alb_blob_close(&r);
}

/* A flip anywhere makes every read that touches its block fail, and no other. */
static void damage_is_found_by_who_touches_it(void **state)
{
    struct world *w = *state;
    const size_t places[] = {0,
                             65535,
                             65536,
                             (size_t)ALB_BLOCK_SIZE - 1,
                             (size_t)ALB_BLOCK_SIZE,
                             (size_t)2 * ALB_BLOCK_SIZE + 500000,
                             SIZE - 1};
    unsigned char *buf = alb_mem_alloc_nofail(SIZE);
    size_t got;
    int fd;

    for (size_t i = 0; i < ALB_ARRAY_LEN(places); i++) {
        int64_t bad = (int64_t)places[i] / ALB_BLOCK_SIZE;
        kit_flip(w->k.fd, w->path, (int64_t)places[i]);
        for (int64_t block = 0; block < 4; block++) {
            const size_t offs[] = {0, 100, 65536, (size_t)ALB_BLOCK_SIZE - 70000};
            const size_t lens[] = {(size_t)ALB_BLOCK_SIZE, 10, 65536, 60000};
            for (size_t k = 0; k < ALB_ARRAY_LEN(offs); k++) {
                struct alb_blob_reader *r = open_reader(w);
                int64_t off = block * ALB_BLOCK_SIZE + (int64_t)offs[k];
                memset(buf, 0xee, lens[k]);
                enum alb_code want = block == bad && off < (int64_t)SIZE ? ALB_E_CORRUPT : ALB_OK;
                assert_code(alb_blob_read(r, off, buf, lens[k], &got, &err), want);
                if (want != ALB_OK) {
                    assert_int_equal(got, 0);
                    for (size_t b = 0; b < lens[k] && off + (int64_t)b < (int64_t)SIZE; b++)
                        assert_int_equal(buf[b], 0);
                }
                alb_blob_close(&r);
            }
        }
        struct alb_blob_reader *r = open_reader(w);
        assert_code(alb_blob_verify_all(r, &fd, &err), ALB_E_CORRUPT);
        assert_int_equal(fd, -1);
        alb_blob_close(&r);
        kit_flip(w->k.fd, w->path, (int64_t)places[i]);
    }
    alb_mem_free(buf);
}

/* The kernel had to fetch the bytes again, and the disk gave others: also noticed. */
static void damage_after_the_first_look_is_found(void **state)
{
    struct world *w = *state;
    struct alb_blob_reader *r = open_reader(w);
    unsigned char buf[1000];
    size_t got;

    assert_ok(alb_blob_read(r, 10, buf, sizeof(buf), &got, &err));
    kit_flip(w->k.fd, w->path, 200000);
    assert_ok(alb_blob_read(r, 1010, buf, sizeof(buf), &got, &err)); /* another piece of the block */
    assert_code(alb_blob_read(r, 199500, buf, sizeof(buf), &got, &err), ALB_E_CORRUPT);
    alb_blob_close(&r);
}

static void a_cut_tail_is_no_original(void **state)
{
    struct world *w = *state;
    struct alb_blob_ref ref = kit_ref(&w->s, w->p.key);
    struct alb_blob_reader *r = open_reader(w), *none;
    unsigned char buf[100];
    size_t got;

    kit_cut(w->k.fd, w->path, (int64_t)SIZE - 1);
    assert_code(alb_blob_read(r, (int64_t)SIZE - 100, buf, sizeof(buf), &got, &err), ALB_E_CORRUPT);
    assert_code(alb_blob_read(r, (int64_t)3 * ALB_BLOCK_SIZE, buf, sizeof(buf), &got, &err), ALB_E_CORRUPT);
    alb_blob_close(&r);
    assert_code(alb_blob_open(w->k.store, &ref, &none, &err), ALB_E_CORRUPT);
    assert_null(none);
    assert_code(alb_blob_scrub(w->k.store, &ref, NULL, &err), ALB_E_CORRUPT);
    assert_int_equal(unlinkat(w->k.fd, w->path, 0), 0);
    assert_code(alb_blob_open(w->k.store, &ref, &none, &err), ALB_E_NOT_FOUND);
}

static void rows_that_lie_are_damage(void **state)
{
    struct world *w = *state;
    struct alb_blob_reader *r;
    struct alb_blob_ref ref = kit_ref(&w->s, "../../etc/passwd");

    assert_code(alb_blob_open(w->k.store, &ref, &r, &err), ALB_E_CORRUPT);
    ref = kit_ref(&w->s, w->p.key);
    ref.size++;
    assert_code(alb_blob_open(w->k.store, &ref, &r, &err), ALB_E_CORRUPT);
    ref = kit_ref(&w->s, w->p.key);
    ref.sums.n -= 8;
    assert_code(alb_blob_open(w->k.store, &ref, &r, &err), ALB_E_CORRUPT);
    ref.sums = ALB_STR_NONE;
    assert_code(alb_blob_open(w->k.store, &ref, &r, &err), ALB_E_CORRUPT);
    ref.size = -5;
    assert_code(alb_blob_open(w->k.store, &ref, &r, &err), ALB_E_CORRUPT);
    ref.size = INT64_MAX;
    assert_code(alb_blob_open(w->k.store, &ref, &r, &err), ALB_E_CORRUPT);
}

static void scrub_tells_file_and_row_apart(void **state)
{
    struct world *w = *state;
    struct alb_blob_ref ref = kit_ref(&w->s, w->p.key);
    struct alb_bytes *fresh = NULL;
    unsigned char wrong[32];

    assert_ok(alb_blob_scrub(w->k.store, &ref, &fresh, &err));
    assert_memory_equal(fresh->p, w->s.sums->p, w->s.sums->n);
    alb_bytes_unref(fresh);
    memcpy(wrong, w->s.sums->p, sizeof(wrong));
    wrong[9] ^= 1;
    ref.sums = alb_str_n((const char *)wrong, sizeof(wrong));
    assert_code(alb_blob_scrub(w->k.store, &ref, NULL, &err), ALB_E_CORRUPT);
    ref.sums = ALB_STR_NONE; /* the row's sums are lost: made anew from a good file */
    assert_ok(alb_blob_scrub(w->k.store, &ref, &fresh, &err));
    assert_memory_equal(fresh->p, w->s.sums->p, w->s.sums->n);
    alb_bytes_unref(fresh);
    kit_flip(w->k.fd, w->path, 5);
    assert_code(alb_blob_scrub(w->k.store, &ref, &fresh, &err), ALB_E_CORRUPT);
    assert_null(fresh);
}

static void a_failing_disk_is_not_damage(void **state)
{
    struct world *w = *state;
    struct alb_blob_reader *r = open_reader(w);
    unsigned char buf[100];
    size_t got;

    alb_fs_fault(ALB_FS_READ, 1, EIO, true);
    assert_code(alb_blob_read(r, 0, buf, sizeof(buf), &got, &err), ALB_E_IO);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    assert_ok(alb_blob_read(r, 0, buf, sizeof(buf), &got, &err));
    assert_memory_equal(buf, w->s.bytes, sizeof(buf));
    alb_blob_close(&r);
}

static void no_memory_is_an_error_each_time(void **state)
{
    struct world *w = *state;
    struct alb_blob_ref ref = kit_ref(&w->s, w->p.key);
    int fds = kit_open_fds();

    for (unsigned n = 1;; n++) {
        struct alb_blob_reader *r = NULL;
        struct alb_blob_publish p;
        struct alb_bytes *fresh = NULL;
        alb_mem_fault(n, true);
        enum alb_code code = alb_blob_open(w->k.store, &ref, &r, NULL);
        if (code == ALB_OK)
            code = alb_blob_scrub(w->k.store, &ref, &fresh, NULL);
        alb_blob_close(&r);
        alb_bytes_unref(fresh);
        if (code == ALB_OK)
            code = alb_blob_publish_path(&p, w->k.store, &w->s.src, NULL);
        else
            alb_blob_publish_begin(&p, w->k.store, &w->s.src);
        alb_blob_publish_end(&p);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        assert_int_equal(code, fired ? ALB_E_NO_MEMORY : ALB_OK);
        assert_int_equal(kit_open_fds(), fds);
        if (!fired) {
            assert_true(n > 10);
            break;
        }
    }
}

/* ---- sweep ---- */

static enum alb_code has_row(void *arg, const unsigned char *sha256, bool *answer, struct alb_err *e)
{
    const unsigned char *with_row = arg;

    (void)e;
    *answer = memcmp(sha256, with_row, ALB_SHA256_LEN) == 0;
    return ALB_OK;
}

static struct alb_blob_swept sweep(struct world *w, int64_t before_ms, const unsigned char *with_row)
{
    struct alb_blob_swept swept = {0};
    unsigned char sha[ALB_SHA256_LEN];
    int64_t cursor = 0;
    int steps = 0;

    memcpy(sha, with_row, sizeof(sha));
    while (cursor >= 0) {
        assert_ok(alb_blob_sweep_step(w->k.store, &cursor, before_ms, has_row, sha, &swept, &err));
        assert_true(++steps <= 256);
    }
    return swept;
}

static void files_without_a_row_go_after_the_grace_period(void **state)
{
    struct world *w = *state;
    struct kit_source b, c;
    struct alb_blob_publish p, pinned;
    int64_t now = alb_wall(alb_clock_real());

    kit_source_new(&b, &w->k, "b", 5000, 2);
    kit_source_new(&c, &w->k, "c", 0, 2);
    assert_ok(alb_blob_publish_path(&p, w->k.store, &b.src, &err));
    alb_blob_publish_end(&p);
    assert_ok(alb_blob_publish_path(&pinned, w->k.store, &c.src, &err));
    kit_write_file(w->k.fd, "originals/ab/README", "mine", 4);
    kit_write_file(w->k.fd, "originals/stray", "mine", 4);

    struct alb_blob_swept s = sweep(w, now - 3600000, w->s.src.sha256);
    assert_int_equal(s.seen, 3);
    assert_int_equal(s.young, 3);
    assert_int_equal(s.removed, 0);
    s = sweep(w, now + 3600000, w->s.src.sha256);
    assert_int_equal(s.removed, 1); /* a has a row, c is pinned */
    assert_int_equal(s.removed_bytes, 5000);
    assert_int_equal(s.foreign, 1); /* what lies beside the 256 folders is not even looked at */
    assert_true(kit_exists(w->k.fd, "originals/ab/README"));
    assert_true(kit_exists(w->k.fd, w->path));
    alb_blob_publish_end(&pinned);
    s = sweep(w, now + 3600000, w->s.src.sha256);
    assert_int_equal(s.removed, 1);
    kit_source_end(&b);
    kit_source_end(&c);
}

static void start_empties_tmp_and_keeps_originals(void **state)
{
    struct world *w = *state;

    kit_write_file(w->k.fd, "tmp/123-4", "half", 4);
    kit_store_close(&w->k);
    kit_store_open_at(&w->k);
    assert_int_equal(kit_count(w->k.fd, "tmp"), 0);
    struct alb_blob_reader *r = open_reader(w);
    int fd;
    assert_ok(alb_blob_verify_all(r, &fd, &err));
    alb_blob_close(&r);
    assert_string_equal(alb_blob_store_name(w->k.store), "disk");
}

/* ---- quarantine ---- */

static void quarantine_is_bounded(void **state)
{
    struct world *w = *state;
    struct alb_quarantine *q;
    struct alb_quarantine_view v;
    struct alb_manual_clock clock;
    char name[32];

    alb_manual_clock_init(&clock, 0, 1700000000000);
    assert_ok(alb_quarantine_open(w->k.fd, 5000, 10, &clock.clock, &q, &err));
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof(name), "tmp/f%d", i);
        kit_write_file(w->k.fd, name, w->s.bytes, i < 20 ? 100 : 1000);
        assert_ok(alb_quarantine_take(q, w->k.fd, name, "test", false, &err));
        assert_false(kit_exists(w->k.fd, name));
        assert_ok(alb_quarantine_look(q, &v, &err));
        assert_true(v.files <= 10 && v.bytes <= 5000);
        alb_manual_clock_advance(&clock, ALB_NS_PER_S);
    }
    assert_int_equal(v.files, 5);
    assert_int_equal(v.taken_total, 30);
    assert_code(alb_quarantine_take(q, w->k.fd, "tmp/none", "test", false, &err), ALB_E_NOT_FOUND);
    alb_fs_fault(ALB_FS_RENAME, 1, EIO, false);
    kit_write_file(w->k.fd, "tmp/x", "x", 1);
    assert_code(alb_quarantine_take(q, w->k.fd, "tmp/x", "test", true, &err), ALB_E_IO);
    assert_true(kit_exists(w->k.fd, "tmp/x"));
    assert_ok(alb_quarantine_take(q, w->k.fd, "tmp/x", "test", false, &err));
    assert_false(kit_exists(w->k.fd, "tmp/x"));
    alb_quarantine_close(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_range_is_right, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_found_by_who_touches_it, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_after_the_first_look_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cut_tail_is_no_original, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_that_lie_are_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(scrub_tells_file_and_row_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failing_disk_is_not_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory_is_an_error_each_time, setup, teardown),
        cmocka_unit_test_setup_teardown(files_without_a_row_go_after_the_grace_period, setup, teardown),
        cmocka_unit_test_setup_teardown(start_empties_tmp_and_keeps_originals, setup, teardown),
        cmocka_unit_test_setup_teardown(quarantine_is_bounded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
