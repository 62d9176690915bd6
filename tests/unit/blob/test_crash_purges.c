/* SPDX-License-Identifier: Apache-2.0
 *
 * Kill -9 and power cuts at every file call of what ends purges: the keeper's thread, which removes what they touch, retires
 * them and reads all files, and the list written anew by one process while another has it open. Then a start on what is
 * left: what was purged does not come back, a purge that was acknowledged is in force or done with, nothing unfinished
 * lies around, and it all goes on by itself.
 */
#include "kit.h"

#include <poll.h>
#include <sys/mman.h>

#include "blob/cache.h"
#include "blob/keeper.h"
#include "blob/publish.h"
#include "blob/purges.h"
#include "story.h"

static struct alb_err err;

#define LABELS 3
#define OLD 6 /* files of before the purges, of all labels in turn */
#define NEW 2
#define START_MS 1700000000000
#define LATER_NS (ALB_PURGE_REST + ALB_NS_PER_S)
#define LONG 1100 /* purges of a list that is to be written anew */
#define LONG_LABELS 100
#define SECONDS_MAX 100 /* for what takes one */

struct world {
    int fd, dir, tmp;
    struct alb_manual_clock clock;
    struct alb_quarantine *q;
    struct alb_cache *c;
    struct alb_purges *purges, *others;
};

/* What the one that crashes was told is durable; shared memory. */
static struct told {
    uint64_t purged[LABELS + 1];
    bool retires;
} *told;

static struct alb_purges *open_list(struct world *w)
{
    struct alb_purges *p;
    const struct alb_purges_config config = {
        .dirfd = w->dir, .tmp_dirfd = w->tmp, .clock = &w->clock.clock, .shared = true};
    assert_ok(alb_purges_open(&config, &p, &err));
    return p;
}

static void open_world(struct world *w, const char *path, int64_t wall_ms)
{
    memset(w, 0, sizeof(*w));
    alb_manual_clock_init(&w->clock, ALB_NS_PER_S, wall_ms);
    kit_quiet();
    w->fd = kit_dir_open(path);
    assert_ok(alb_publish_recover_shared(w->fd, &err));
    assert_int_equal(kit_count(w->fd, "tmp"), 0);
    assert_ok(alb_quarantine_open(w->fd, 64 << 20, 100, alb_clock_real(), &w->q, &err));
    const struct alb_cache_config cache = {.data_dirfd = w->fd,
                                           .folder = "cache",
                                           .limit = 1 << 24,
                                           .clock = &w->clock.clock,
                                           .quarantine = w->q,
                                           .shared = true};
    assert_ok(alb_cache_open(&cache, &w->c, &err));
    w->dir = openat(w->fd, "cache", O_RDONLY | O_DIRECTORY);
    w->tmp = openat(w->fd, "tmp", O_RDONLY | O_DIRECTORY);
    w->purges = open_list(w);
    w->others = open_list(w);
}

static void close_world(struct world *w)
{
    alb_purges_close(&w->purges);
    alb_purges_close(&w->others);
    alb_cache_close(&w->c);
    alb_quarantine_close(&w->q);
    (void)close(w->dir);
    (void)close(w->tmp);
    (void)close(w->fd);
}

static struct alb_str label_of(unsigned i, char room[16])
{
    (void)snprintf(room, 16, "t:%u", i);
    return alb_str_c(room);
}

static struct alb_derived_key key_of(unsigned i)
{
    struct alb_derived_key k;

    kit_fill(k.b, sizeof(k.b), 0, i + 1);
    return k;
}

static void put(struct world *w, unsigned i, unsigned label)
{
    struct alb_derived_key k = key_of(i);
    struct alb_buf text = ALB_BUF_INIT(100);
    char room[16];
    const struct alb_str l = label_of(label, room);

    alb_labels_write(&l, 1, &text);
    const struct alb_derived_front front = {.labels = alb_buf_view(&text),
                                            .purges = alb_purges_now(w->purges)};
    alb_ignore(alb_cache_put(w->c, &k, &front, ALB_STR("body"), NULL), "a crash is on its way");
    alb_buf_fini(&text);
}

static bool is_there(struct world *w, unsigned i)
{
    struct alb_derived_key k = key_of(i);
    struct alb_derived d;
    bool is = alb_cache_get(w->c, &k, &d, NULL) == ALB_OK;

    if (is) {
        assert_memory_equal(d.body->p, "body", 4);
        alb_derived_fini(&d);
    }
    return is;
}

static void purge(struct alb_purges *p, unsigned label)
{
    char room[16];
    uint64_t number;

    if (alb_purges_add(p, label_of(label, room), false, ALB_STR("ann"), &number, NULL) == ALB_OK)
        told->purged[label] = number;
}

/* One round of all that it does. */
static void keep(struct world *w)
{
    struct alb_keeper *k;
    struct alb_keeper_config config = {
        .caches = {w->c}, .purges = w->purges, .scrub_rate = (int64_t)1 << 40, .scrub_pause_ns = 0};
    int64_t end = alb_mono(alb_clock_real()) + SECONDS_MAX * ALB_NS_PER_S;

    assert_ok(alb_keeper_start(&config, &k, &err));
    while (alb_keeper_look(k).rounds == 0 || alb_purges_look(w->purges).in_force > 0) {
        (void)poll(NULL, 0, 1);
        if (alb_mono(alb_clock_real()) > end)
            _exit(95);
    }
    alb_keeper_stop(&k);
}

static struct alb_str long_label(unsigned i, char room[ALB_LABEL_MAX])
{
    memset(room, 'x', ALB_LABEL_MAX);
    (void)snprintf(room, 16, "long:%u", i);
    return alb_str_n(room, ALB_LABEL_MAX);
}

/* Many purges of few labels, as they stand in a file. */
static struct alb_buf records = ALB_BUF_INIT((size_t)4 << 20);

static void gather_records(struct world *w)
{
    unsigned char piece[4096];
    char room[ALB_LABEL_MAX];
    uint64_t number;
    ssize_t n;
    int fd = openat(w->dir, "purges", O_RDONLY);
    off_t at = lseek(fd, 0, SEEK_END);

    for (unsigned i = 0; i < LONG; i++)
        assert_ok(
            alb_purges_add(w->purges, long_label(i % LONG_LABELS, room), false, ALB_STR_NONE, &number, &err));
    while ((n = pread(fd, piece, sizeof(piece), at)) > 0) {
        alb_buf_add(&records, piece, (size_t)n);
        at += n;
    }
    (void)close(fd);
    assert_true(records.n > 1 << 20 && alb_buf_code(&records) == ALB_OK);
}

/* Files, and a list that says nothing. */
static void begin(const char *path)
{
    struct world w;

    memset(told, 0, sizeof(*told));
    open_world(&w, path, START_MS);
    for (unsigned i = 0; i < OLD; i++)
        put(&w, i, i % LABELS);
    if (records.n == 0) {
        gather_records(&w);
        assert_int_equal(unlinkat(w.dir, "purges", 0), 0);
    }
    close_world(&w);
}

/* And then the list is much longer than what is in force; each of its labels is. (Open writes a long one anew.) */
static void *open_it(const char *path)
{
    static struct world w;

    open_world(&w, path, START_MS);
    int fd = openat(w.dir, "purges", O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, records.p, records.n), (ssize_t)records.n);
    (void)close(fd);
    return &w;
}

static bool long_one_is_in_force(struct alb_purges *p, unsigned i)
{
    char room[ALB_LABEL_MAX];
    const struct alb_str label = long_label(i, room);

    return alb_purges_newest(p, &label, 1) > 0;
}

/* Purges that were acknowledged, and not retired, have the numbers that they had. */
static void check_list(struct world *w)
{
    uint64_t all = 0;
    char room[16];

    for (unsigned i = 0; i <= LABELS; i++) {
        const struct alb_str l = label_of(i, room);
        uint64_t newest = alb_purges_newest(w->purges, &l, 1);
        all = told->purged[i] > all ? told->purged[i] : all;
        assert_true(newest >= told->purged[i] || (told->retires && newest == 0));
        assert_int_equal(alb_purges_newest(w->others, &l, 1), newest);
    }
    for (unsigned i = 0; i < LONG_LABELS; i++)
        assert_true(told->retires || long_one_is_in_force(w->purges, i));
    purge(w->others, LABELS);
    assert_true(told->purged[LABELS] > all);
}

/* ---- the keeper ---- */

static void is_kept(void *world)
{
    struct world *w = world;

    purge(w->purges, 0);
    purge(w->others, 1);
    alb_manual_clock_advance(&w->clock, LATER_NS);
    for (unsigned i = 0; i < NEW; i++)
        put(w, OLD + i, i);
    told->retires = true;
    keep(w); /* its thread alone makes file calls now */
    purge(w->purges, 2);
    close_world(w);
}

/* In memory, on the disk and in the journal: a file under its old name is an answer only if nothing was purged, or if the
 * purge still gives what is asked for another name. */
static void check_old(struct world *w, bool done)
{
    char room[16];

    for (unsigned i = 0; i < OLD; i++) {
        const struct alb_str l = label_of(i % LABELS, room);
        if (told->purged[i % LABELS] > 0 && (done || alb_purges_newest(w->purges, &l, 1) == 0))
            assert_false(is_there(w, i));
    }
}

static void check_keeper(const char *path)
{
    struct world w;

    open_world(&w, path, START_MS + LATER_NS / ALB_NS_PER_MS);
    check_old(&w, false);
    alb_cache_tend_all(w.c); /* what the journal does not know is found */
    check_old(&w, false);
    check_list(&w);
    alb_manual_clock_advance(&w.clock, LATER_NS);
    told->retires = true;
    keep(&w);
    assert_int_equal(alb_purges_look(w.purges).in_force, 0);
    alb_cache_want_walk(w.c);
    alb_cache_tend_all(w.c);
    check_old(&w, true);
    assert_int_equal(alb_cache_look(w.c).writes.code, ALB_OK);
    assert_true(kit_file_size(w.dir, "purges") < 1 << 16);
    put(&w, 100, 0);
    assert_true(is_there(&w, 100));
    assert_int_equal(kit_count(w.fd, "tmp"), 0);
    close_world(&w);
}

static void a_crash_of_the_keeper(void **state)
{
    (void)state;
    story_crash_anywhere(&(struct story){begin, open_it, is_kept, check_keeper, 3});
}

/* ---- the list ---- */

static void is_written_anew(void *world)
{
    struct world *w = world;
    uint64_t before = alb_purges_now(w->purges);

    purge(w->purges, 0);
    alb_purges_tend(w->purges); /* nothing is done with */
    purge(w->others, 1);        /* goes over to the new one */
    purge(w->purges, 2);
    told->retires = true;
    alb_purges_retire(w->others, before);
    alb_purges_forget(w->purges);
    purge(w->others, 0);
    alb_purges_retire(w->purges, alb_purges_now(w->purges));
}

static void check_anew(const char *path)
{
    struct world w;

    open_world(&w, path, START_MS + 1);
    check_list(&w);
    alb_purges_tend(w.purges);
    assert_true(kit_file_size(w.dir, "purges") < 1 << 16);
    check_list(&w);
    alb_purges_retire(w.purges, alb_purges_now(w.purges));
    assert_int_equal(alb_purges_look(w.purges).in_force, 0);
    assert_int_equal(alb_purges_look(w.others).offered, alb_purges_now(w.purges));
    alb_purges_forget(w.others);
    assert_int_equal(alb_purges_look(w.others).in_force, 0);
    assert_int_equal(kit_count(w.fd, "tmp"), 0);
    close_world(&w);
}

static void a_crash_of_a_list_that_is_written_anew(void **state)
{
    (void)state;
    story_crash_anywhere(&(struct story){begin, open_it, is_written_anew, check_anew, 2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_of_the_keeper),
        cmocka_unit_test(a_crash_of_a_list_that_is_written_anew),
    };

    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        return 99;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    alb_buf_fini(&records);
    return failed;
}
