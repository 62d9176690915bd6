/* SPDX-License-Identifier: Apache-2.0
 *
 * What a cache knows without looking at its files: across restarts in order and out of order, with a journal that is
 * missing, cut or flipped, and with several processes on one folder (two caches in one process are as far apart as two
 * processes: they share nothing but the folder; one test has real ones).
 */
#include "kit.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "blob/cache.h"
#include "blob/cache_index.h"
#include "blob/cache_journal.h"
#include "blob/keeper.h"

static struct alb_err err;

struct world {
    char path[64];
    int fd;
    struct alb_quarantine *q;
    int64_t limit, max_age_ms;
    struct alb_manual_clock clock;
};

static struct alb_cache *open_cache(struct world *w)
{
    struct alb_cache *c;
    const struct alb_cache_config config = {.data_dirfd = w->fd,
                                            .folder = "cache",
                                            .limit = w->limit,
                                            .clock = &w->clock.clock,
                                            .quarantine = w->q,
                                            .shared = true,
                                            .max_age_ms = w->max_age_ms};
    assert_ok(alb_cache_open(&config, &c, &err));
    return c;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    alb_err_clear(&err);
    kit_quiet();
    kit_dir_new(w->path);
    alb_manual_clock_init(&w->clock, ALB_NS_PER_S, 1000000);
    w->fd = kit_dir_open(w->path);
    assert_ok(alb_fs_mkdirs(w->fd, "tmp", 0700, &err));
    assert_ok(alb_quarantine_open(w->fd, 8 << 20, 1000, alb_clock_real(), &w->q, &err));
    w->limit = 400 * ALB_INDEX_PAGE;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_quarantine_close(&w->q);
    (void)close(w->fd);
    kit_dir_remove(w->path);
    free(w);
    return 0;
}

static struct alb_derived_key key_of(uint64_t i)
{
    struct alb_derived_key k;

    kit_fill(k.b, sizeof(k.b), 0, i + 5000);
    return k;
}

static void path_of(uint64_t i, char out[64])
{
    struct alb_derived_key k = key_of(i);
    char name[ALB_DERIVED_NAME_MAX];

    alb_derived_name(&k, name);
    (void)snprintf(out, 64, "cache/%s", name);
}

static enum alb_code put(struct alb_cache *c, uint64_t i, size_t n)
{
    struct alb_derived_key k = key_of(i);
    unsigned char *b = kit_bytes(n, i);
    const struct alb_derived_front front = {.meta = ALB_STR("m"), .kind = 7};
    enum alb_code code = alb_cache_put(c, &k, &front, alb_str_n((const char *)b, n), NULL);

    alb_mem_free(b);
    return code;
}

static bool get(struct alb_cache *c, uint64_t i, size_t n)
{
    struct alb_derived_key k = key_of(i);
    struct alb_derived d;

    if (alb_cache_get(c, &k, &d, NULL) != ALB_OK)
        return false;
    unsigned char *b = kit_bytes(n, i);
    assert_int_equal(d.body->n, n);
    assert_memory_equal(d.body->p, b, n);
    assert_int_equal(d.kind, 7);
    alb_mem_free(b);
    alb_derived_fini(&d);
    return true;
}

static bool has(struct alb_cache *c, uint64_t i)
{
    struct alb_derived_key k = key_of(i);

    return alb_cache_has(c, &k);
}

static int64_t pages_on_disk(struct world *w, int *files)
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
            pages += size >= 0 ? alb_index_pages(size) : 0;
            *files += size >= 0;
        }
        (void)closedir(d);
    }
    return pages;
}

static void check_books(struct world *w, struct alb_cache *c)
{
    struct alb_cache_view v = alb_cache_look(c);
    int files;
    int64_t pages = pages_on_disk(w, &files);

    assert_true(v.complete);
    assert_int_equal(v.bytes, pages * ALB_INDEX_PAGE);
    assert_int_equal(v.files, files);
    assert_true(v.bytes <= w->limit);
}

/* As a kill would: what is open is let go of, and nothing is written any more. */
static void kill_cache(struct alb_cache **c)
{
    alb_fs_fault(ALB_FS_ANY, 1, EIO, false);
    alb_cache_close(c);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
}

/* The index comes from the journal: no file is looked at, and it is as it was, hits, queues and ghosts. */
static void a_start_believes_a_clean_journal(void **state)
{
    struct world *w = *state;
    struct alb_cache *c = open_cache(w);
    char path[64];

    for (int round = 0; round < 3; round++) /* the working set */
        for (uint64_t i = 0; i < 100; i++)
            if (!get(c, i, 3900))
                assert_int_equal(put(c, i, 3900), ALB_OK);
    for (uint64_t i = 1000; i < 1600; i++) /* passes through, and leaves ghosts */
        assert_int_equal(put(c, i, 3900), ALB_OK);
    struct alb_cache_view was = alb_cache_look(c);
    uint64_t lost = 1000;
    while (has(c, lost))
        lost++;
    alb_cache_close(&c);
    path_of(5, path);
    assert_int_equal(unlinkat(w->fd, path, 0), 0);
    c = open_cache(w);
    assert_false(alb_cache_tend(c));
    struct alb_cache_view now = alb_cache_look(c);
    assert_true(now.complete);
    assert_int_equal(now.files, was.files); /* file 5 was not missed: nobody looked */
    assert_int_equal(now.bytes, was.bytes);
    assert_int_equal(now.main_bytes, was.main_bytes);
    assert_true(has(c, 5));
    assert_false(get(c, 5, 3900)); /* who asks for it finds out */
    assert_false(has(c, 5));
    int64_t files, bytes;
    alb_cache_look_kind(c, 7, &files, &bytes);
    assert_int_equal(files, now.files - 1);
    assert_int_equal(put(c, lost, 3900), ALB_OK); /* its ghost is known */
    assert_true(alb_cache_look(c).main_bytes > now.main_bytes - ALB_INDEX_PAGE);
    for (uint64_t i = 3000; i < 4000; i++)
        assert_int_equal(put(c, i, 3900), ALB_OK);
    int alive = 0;
    for (uint64_t i = 0; i < 100; i++)
        alive += get(c, i, 3900);
    assert_true(alive > 90); /* the scan after the restart has not thrown the working set out */
    check_books(w, c);
    alb_cache_close(&c);
}

/* After a kill everything works at once; what the journal does not know is found by the walk. */
static void a_crash_is_followed_by_a_walk(void **state)
{
    struct world *w = *state;
    struct alb_cache *c = open_cache(w);
    char path[64], other[64];

    for (uint64_t i = 0; i < 50; i++)
        assert_int_equal(put(c, i, 9000), ALB_OK);
    kill_cache(&c);
    path_of(1, path);
    path_of(100, other);
    assert_int_equal(renameat(w->fd, path, w->fd, other), 0); /* one too few, one too many */
    c = open_cache(w);
    assert_true(alb_cache_look(c).complete);
    assert_int_equal(alb_cache_look(c).files, 50);
    assert_true(get(c, 2, 9000));
    assert_int_equal(put(c, 60, 9000), ALB_OK);
    alb_cache_tend_all(c);
    assert_false(has(c, 1));
    assert_true(has(c, 100));
    check_books(w, c);
    alb_cache_close(&c);
    c = open_cache(w);
    assert_false(alb_cache_tend(c));
    check_books(w, c);
    alb_cache_close(&c);
}

static void without_a_journal_files_are_found_by_trying(void **state)
{
    struct world *w = *state;
    struct alb_cache *c = open_cache(w);

    for (uint64_t i = 0; i < 30; i++)
        assert_int_equal(put(c, i, 9000), ALB_OK);
    alb_cache_close(&c);
    assert_int_equal(unlinkat(w->fd, "cache/journal", 0), 0);
    c = open_cache(w);
    assert_false(alb_cache_look(c).complete);
    assert_true(get(c, 3, 9000));
    assert_false(get(c, 1000, 1));
    assert_int_equal(put(c, 500, 9000), ALB_E_BUSY); /* the bound could not be kept */
    assert_true(alb_cache_tend(c));                  /* in steps */
    assert_false(alb_cache_look(c).complete);
    alb_cache_tend_all(c);
    assert_int_equal(alb_cache_look(c).files, 30);
    assert_int_equal(put(c, 500, 9000), ALB_OK);
    for (uint64_t i = 0; i < 30; i++)
        assert_true(get(c, i, 9000));
    check_books(w, c);
    alb_cache_close(&c);
}

/* Any byte of it, before a start and while it is in use: never a wrong answer, and the books are right again. */
static void a_damaged_journal_heals(void **state)
{
    struct world *w = *state;
    struct alb_cache *c = open_cache(w);
    int64_t size = 0;

    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(put(c, i, 5000), ALB_OK);
    for (int64_t at = 0, round = 0; at < 1600; at += 37, round++) {
        bool running = round % 2 == 0;
        if (!running)
            alb_cache_close(&c);
        size = kit_file_size(w->fd, "cache/journal");
        if (round % 3 == 0)
            kit_cut(w->fd, "cache/journal", at % size);
        else
            kit_flip(w->fd, "cache/journal", at % size);
        if (!running)
            c = open_cache(w);
        for (uint64_t i = 0; i < 20; i++) {
            (void)get(c, i, 5000);
            enum alb_code code = put(c, i, 5000);
            assert_true(code == ALB_OK || code == ALB_E_BUSY);
        }
        alb_manual_clock_advance(&w->clock, 10 * ALB_NS_PER_S);
        alb_cache_want_walk(
            c); /* as the scrub does at times: a flip behind what was read is not met otherwise */
        alb_cache_tend_all(c);
        check_books(w, c);
        for (uint64_t i = 0; i < 20; i++)
            assert_int_equal(put(c, i, 5000), ALB_OK);
    }
    check_books(w, c);
    alb_cache_close(&c);
}

/* Somebody has removed everything, by hand, under a running process. */
static void a_folder_that_was_emptied_is_used_again(void **state)
{
    struct world *w = *state;
    struct alb_cache *c = open_cache(w);
    char path[64];

    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(put(c, i, 5000), ALB_OK);
    for (uint64_t i = 0; i < 20; i++) {
        path_of(i, path);
        assert_int_equal(unlinkat(w->fd, path, 0), 0);
    }
    assert_int_equal(unlinkat(w->fd, "cache/journal", 0), 0);
    alb_manual_clock_advance(&w->clock, 10 * ALB_NS_PER_S);
    alb_cache_tend_all(c);
    check_books(w, c);
    assert_int_equal(put(c, 1, 5000), ALB_OK);
    assert_true(get(c, 1, 5000));
    check_books(w, c);
    alb_cache_close(&c);
}

static void a_long_journal_is_written_anew(void **state)
{
    struct world *w = *state;
    struct alb_cache *c = open_cache(w), *other = open_cache(w);
    int64_t longest = 0;

    for (int i = 0; i < 40000; i++) {
        assert_int_equal(put(i % 2 == 0 ? c : other, 1, 10), ALB_OK);
        struct alb_derived_key k = key_of(1);
        alb_cache_purge(i % 2 == 0 ? c : other, &k);
        if (i % 1000 == 0)
            alb_cache_tend_all(i % 4000 == 0 ? c : other);
        int64_t size = kit_file_size(w->fd, "cache/journal");
        longest = size > longest ? size : longest;
    }
    assert_int_equal(put(c, 2, 10), ALB_OK);
    assert_true(longest > 65536 * 32);
    assert_true(kit_file_size(w->fd, "cache/journal") < longest);
    assert_true(get(other, 2, 10)); /* both went over to the new one */
    assert_int_equal(put(other, 3, 10), ALB_OK);
    assert_true(get(c, 3, 10));
    check_books(w, c);
    check_books(w, other);
    alb_cache_close(&other);
    alb_cache_close(&c);
}

/* ---- several on one folder ---- */

static void what_one_makes_the_other_finds(void **state)
{
    struct world *w = *state;
    struct alb_cache *a = open_cache(w), *b = open_cache(w);
    struct alb_derived_key k = key_of(3);

    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(put(i % 2 == 0 ? a : b, i, 5000), ALB_OK);
    for (uint64_t i = 0; i < 10; i++) {
        assert_true(get(a, i, 5000));
        assert_true(get(b, i, 5000));
    }
    alb_cache_purge(a, &k);
    assert_false(get(b, 3, 5000));
    assert_int_equal(put(b, 3, 7000), ALB_OK);
    assert_true(get(a, 3, 7000));
    check_books(w, a);
    for (uint64_t i = 100; i < 900; i++) { /* the bound is that of both */
        assert_int_equal(put(i % 3 == 0 ? a : b, i, 3900), ALB_OK);
        int files;
        if (i % 50 == 0)
            assert_true(pages_on_disk(w, &files) * ALB_INDEX_PAGE <= w->limit);
    }
    alb_cache_close(&a); /* the last one leaves in order */
    alb_cache_close(&b);
    a = open_cache(w);
    assert_false(alb_cache_tend(a));
    check_books(w, a);
    alb_cache_close(&a);
}

static void work(struct world *w, unsigned no, int rounds)
{
    struct alb_cache *c = open_cache(w);
    uint64_t random = no * 77 + 1;

    for (int i = 0; i < rounds; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        uint64_t k = (random >> 33) % 200;
        struct alb_derived_key key = key_of(k);
        if ((random >> 50) % 16 == 0)
            alb_cache_purge(c, &key);
        else if ((random >> 50) % 4 == 0)
            alb_ignore(put(c, k, 1000 + k * 97), "may find no room");
        else
            (void)get(c, k, 1000 + k * 97);
        if (i % 500 == 499)
            alb_cache_tend_all(c);
    }
    alb_cache_close(&c);
}

/* Real processes, one of which is killed at some point. */
static void processes_agree(void **state)
{
    struct world *w = *state;
    pid_t pids[4];
    int status;

    for (unsigned i = 0; i < 4; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            work(w, i, i == 3 ? 1 << 30 : 1500);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(kill(pids[3], SIGKILL), 0);
    assert_int_equal(waitpid(pids[3], &status, 0), pids[3]);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    struct alb_cache *c = open_cache(w);
    alb_cache_tend_all(c);
    for (uint64_t k = 0; k < 200; k++)
        (void)get(c, k, 1000 + k * 97);
    check_books(w, c);
    assert_int_equal(kit_count(w->fd, "quarantine"), 0);
    alb_cache_close(&c);
}

/* ---- age ---- */

static void what_is_too_old_is_a_miss(void **state)
{
    struct world *w = *state;
    w->max_age_ms = 60000;
    struct alb_cache *c = open_cache(w);

    assert_int_equal(put(c, 1, 5000), ALB_OK);
    alb_manual_clock_advance(&w->clock, 59 * ALB_NS_PER_S);
    assert_true(get(c, 1, 5000));
    alb_manual_clock_advance(&w->clock, 2 * ALB_NS_PER_S);
    assert_false(get(c, 1, 5000));
    assert_int_equal(alb_cache_look(c).expired, 1);
    assert_int_equal(put(c, 1, 5000), ALB_OK);
    assert_true(get(c, 1, 5000));
    check_books(w, c);
    alb_cache_close(&c);
}

/* By the index alone, without reading and without anybody asking. */
static void what_is_too_old_goes_by_itself(void **state)
{
    struct world *w = *state;
    w->max_age_ms = 60000;
    struct alb_cache *c = open_cache(w);

    for (uint64_t i = 0; i < 40; i++) {
        assert_int_equal(put(c, i, 5000), ALB_OK);
        alb_manual_clock_advance(&w->clock, 2 * ALB_NS_PER_S);
    }
    for (int i = 0; i < 256; i++)
        alb_cache_tend_all(c);
    assert_int_equal(alb_cache_look(c).files, 30); /* of the last 60 seconds */
    assert_int_equal(alb_cache_look(c).expired, 10);
    check_books(w, c);
    alb_cache_close(&c);
}

/* ---- the scrub ---- */

struct meter {
    int64_t bytes, calls, stop_at;
};

static bool meter(void *arg, int64_t bytes)
{
    struct meter *m = arg;

    m->bytes += bytes;
    m->calls++;
    return m->calls != m->stop_at;
}

static struct alb_cache_checked scrub(struct alb_cache *c, struct meter *m)
{
    struct alb_cache_checked sum = {0};
    struct alb_cache_scrub s;

    alb_cache_scrub_init(&s);
    while (alb_cache_scrub_step(c, &s, meter, m, &sum)) {
    }
    return sum;
}

static void the_scrub_reads_everything_in_pieces(void **state)
{
    struct world *w = *state;
    struct alb_cache *c = open_cache(w);
    struct meter m = {0};
    char path[64];

    w->limit = 4000 * ALB_INDEX_PAGE;
    alb_cache_close(&c);
    c = open_cache(w);
    for (uint64_t i = 0; i < 30; i++)
        assert_int_equal(put(c, i, 5000), ALB_OK);
    assert_int_equal(put(c, 99, 1500000), ALB_OK);
    struct alb_cache_checked sum = scrub(c, &m);
    assert_int_equal(sum.seen, 31);
    assert_int_equal(sum.bad, 0);
    assert_int_equal(sum.bytes, m.bytes);
    assert_true(sum.bytes > 1500000 + 30 * 5000);
    assert_true(m.calls >= 30 + 1500000 / 262144);
    path_of(7, path);
    kit_flip(w->fd, path, 4000);
    path_of(8, path);
    kit_cut(w->fd, path, 100);
    path_of(99, path);
    kit_flip(w->fd, path, 1400000);
    path_of(9, path);
    char other[64];
    path_of(10, other);
    assert_int_equal(renameat2(w->fd, path, w->fd, other, RENAME_EXCHANGE), 0);
    m = (struct meter){.stop_at = 3}; /* stopped in between: not counted, not called bad */
    sum = scrub(c, &m);
    assert_true(sum.seen < 31);
    sum = scrub(c, &m);
    assert_true(sum.bad <= 5);
    assert_int_equal(alb_cache_look(c).files, 31 - 5);
    assert_int_equal(kit_count(w->fd, "quarantine"), 5);
    assert_false(get(c, 7, 5000));
    assert_int_equal(put(c, 7, 5000), ALB_OK);
    assert_true(get(c, 7, 5000));
    check_books(w, c);
    alb_cache_close(&c);
}

/* The thread: finds damage by itself, tends, and stops in the middle of a slow round. */
static void the_keeper_finds_damage(void **state)
{
    struct world *w = *state;
    struct alb_cache *c = open_cache(w);
    struct alb_keeper *keeper;
    char path[64];

    for (uint64_t i = 0; i < 30; i++)
        assert_int_equal(put(c, i, 5000), ALB_OK);
    path_of(7, path);
    kit_flip(w->fd, path, 4000);
    struct alb_keeper_config config = {
        .caches = {NULL, c}, .scrub_rate = 100 << 20, .scrub_pause_ns = 3600 * ALB_NS_PER_S};
    assert_ok(alb_keeper_start(&config, &keeper, &err));
    alb_keeper_hurry(keeper);
    while (alb_keeper_look(keeper).rounds == 0)
        (void)sched_yield();
    struct alb_keeper_view v = alb_keeper_look(keeper);
    assert_int_equal(v.before.seen, 30);
    assert_int_equal(v.before.bad, 1);
    alb_keeper_stop(&keeper);
    assert_false(kit_exists(w->fd, path));
    config.scrub_rate = 1; /* a byte a second: stopped in the middle of it, or before */
    assert_ok(alb_keeper_start(&config, &keeper, &err));
    alb_keeper_hurry(keeper);
    alb_keeper_stop(&keeper);
    alb_cache_tend_all(c);
    check_books(w, c);
    alb_cache_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_start_believes_a_clean_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_crash_is_followed_by_a_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_journal_files_are_found_by_trying, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_journal_heals, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_was_emptied_is_used_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_journal_is_written_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_one_makes_the_other_finds, setup, teardown),
        cmocka_unit_test_setup_teardown(processes_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_old_is_a_miss, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_old_goes_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(the_scrub_reads_everything_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(the_keeper_finds_damage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
