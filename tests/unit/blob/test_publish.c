/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishing originals: the primitive, equal and damaged ones, races of publishers with each other and with
 * removal, full disks, sums.
 */
#include "kit.h"

#include <pthread.h>

#include "blob/publish.h"

static struct alb_err err;

static int setup(void **state)
{
    struct kit_store *k = calloc(1, sizeof(*k));

    alb_err_clear(&err);
    kit_store_new(k);
    *state = k;
    return 0;
}

static int teardown(void **state)
{
    struct kit_store *k = *state;

    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    kit_store_end(k);
    free(k);
    return 0;
}

/* ---- the primitive ---- */

static enum alb_code refuse(void *arg, int fd, struct alb_err *e)
{
    (void)arg;
    (void)fd;
    return alb_fail(e, ALB_E_CORRUPT, "no");
}

static void commit_names_the_file(void **state)
{
    struct kit_store *k = *state;
    struct alb_publish p;
    int tmp = openat(k->fd, "tmp", O_RDONLY | O_DIRECTORY);

    assert_ok(alb_publish_begin(&p, tmp, &err));
    assert_int_equal(kit_count(k->fd, "tmp"), 1);
    assert_ok(alb_fs_write_all(p.fd, "hello", 5, &err));
    assert_ok(alb_publish_commit(&p, k->fd, "kept", ALB_PUBLISH_DURABLE, NULL, NULL, &err));
    assert_int_equal(kit_count(k->fd, "tmp"), 0);
    assert_int_equal(kit_file_size(k->fd, "kept"), 5);
    alb_publish_end(&p);
    alb_publish_end(&p);

    assert_ok(alb_publish_begin(&p, tmp, &err));
    assert_code(alb_publish_commit(&p, k->fd, "kept", 0, NULL, NULL, &err), ALB_E_CONFLICT);
    assert_code(alb_publish_commit(&p, k->fd, "kept", ALB_PUBLISH_LINK, NULL, NULL, &err), ALB_E_CONFLICT);
    assert_int_equal(kit_file_size(k->fd, "kept"), 5);
    assert_code(alb_publish_commit(&p, k->fd, "kept", ALB_PUBLISH_REPLACE, refuse, NULL, &err),
                ALB_E_CORRUPT);
    assert_int_equal(kit_file_size(k->fd, "kept"), 5);
    assert_ok(alb_publish_commit(&p, k->fd, "kept", ALB_PUBLISH_REPLACE, NULL, NULL, &err));
    assert_int_equal(kit_file_size(k->fd, "kept"), 0);
    alb_publish_end(&p);
    assert_int_equal(kit_count(k->fd, "tmp"), 0);
    (void)close(tmp);
}

static void every_failing_call_leaves_nothing(void **state)
{
    struct kit_store *k = *state;
    int tmp = openat(k->fd, "tmp", O_RDONLY | O_DIRECTORY);

    for (unsigned n = 1;; n++) {
        struct alb_publish p;
        alb_fs_fault(ALB_FS_ANY, n, EIO, true);
        enum alb_code code = alb_publish_begin(&p, tmp, NULL);
        if (code == ALB_OK)
            code = alb_fs_write_all(p.fd, "hello", 5, NULL);
        if (code == ALB_OK)
            code = alb_publish_commit(&p, k->fd, "kept", ALB_PUBLISH_DURABLE | ALB_PUBLISH_REPLACE, NULL,
                                      NULL, NULL);
        bool fired = alb_fs_fault_fired();
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        alb_publish_end(&p);
        assert_true((code != ALB_OK) == fired);
        assert_int_equal(kit_count(k->fd, "tmp"), 0);
        if (kit_exists(k->fd, "kept"))
            assert_int_equal(kit_file_size(k->fd, "kept"), 5);
        if (!fired) {
            assert_true(n > 3);
            break;
        }
    }
    (void)close(tmp);
}

/* ---- sums ---- */

static void sums_of_any_pieces_are_the_same(void **state)
{
    const size_t n = (size_t)3 * ALB_BLOCK_SIZE + 4321;
    unsigned char *p = kit_bytes(n, 9);
    struct alb_bytes *whole = NULL;
    const size_t steps[] = {n, 1 << 20, 65536, 999999, 7777};

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(steps); i++) {
        struct alb_sums s = {0};
        assert_ok(alb_sums_init(&s, &err));
        for (size_t at = 0; at < n; at += steps[i])
            assert_ok(alb_sums_update(&s, p + at, n - at < steps[i] ? n - at : steps[i], &err));
        struct alb_bytes *b = alb_sums_final(&s);
        assert_int_equal(b->n, 4 * ALB_BLOCK_SUM_LEN);
        if (whole == NULL)
            whole = alb_bytes_ref(b);
        assert_memory_equal(b->p, whole->p, b->n);
        for (int64_t k = 0; k < 4; k++) {
            size_t len = k < 3 ? (size_t)ALB_BLOCK_SIZE : 4321;
            assert_true(alb_block_sum(b->p, k) == alb_xxh3(p + k * ALB_BLOCK_SIZE, len));
        }
        alb_bytes_unref(b);
        alb_sums_fini(&s);
        alb_sums_fini(&s);
    }
    alb_bytes_unref(whole);
    alb_mem_free(p);
}

/* ---- originals ---- */

static void check_original(struct kit_store *k, const struct kit_source *s, const char *key)
{
    struct alb_blob_ref ref = kit_ref(s, key);
    struct alb_blob_reader *r;
    unsigned char *back = alb_mem_alloc_nofail((size_t)ref.size + 1);
    size_t got;
    int fd;

    assert_ok(alb_blob_open(k->store, &ref, &r, &err));
    assert_int_equal(alb_blob_size(r), ref.size);
    assert_ok(alb_blob_read(r, 0, back, (size_t)ref.size + 1, &got, &err));
    assert_int_equal(got, ref.size);
    assert_memory_equal(back, s->bytes, got);
    assert_ok(alb_blob_verify_all(r, &fd, &err));
    assert_true(fd >= 0);
    alb_blob_close(&r);
    assert_ok(alb_blob_scrub(k->store, &ref, NULL, &err));
    alb_mem_free(back);
}

static void an_original_is_published_once(void **state)
{
    struct kit_store *k = *state;
    struct kit_source a, b;
    struct alb_blob_publish p, q;
    int fds = kit_open_fds();

    kit_source_new(&a, k, "a", 2500000, 1);
    kit_source_new(&b, k, "b", 2500000, 1);
    assert_ok(alb_blob_publish_path(&p, k->store, &a.src, &err));
    assert_false(p.existed);
    assert_true(kit_exists(k->fd, "tmp/a")); /* it stays until the caller has committed */
    assert_int_equal(strlen(p.key), 67);
    check_original(k, &a, p.key);
    assert_ok(alb_blob_publish_path(&q, k->store, &b.src, &err));
    assert_true(q.existed);
    assert_string_equal(p.key, q.key);
    alb_blob_publish_end(&p);
    alb_blob_publish_end(&p);
    alb_blob_publish_end(&q);

    /* After a crash: the source has gone, the original is there. */
    assert_int_equal(unlinkat(k->fd, "tmp/a", 0), 0);
    assert_ok(alb_blob_publish_path(&p, k->store, &a.src, &err));
    assert_true(p.existed);
    check_original(k, &a, p.key);
    alb_blob_publish_end(&p);
    kit_source_end(&a);
    kit_source_end(&b);
    assert_int_equal(kit_open_fds(), fds);
}

static void slices_read_no_more_than_their_budget(void **state)
{
    struct kit_store *k = *state;
    struct kit_source a;
    struct alb_blob_publish p;
    bool done = false;
    int steps = 0;

    kit_source_new(&a, k, "a", (size_t)8 * ALB_BLOCK_SIZE, 2);
    alb_blob_publish_begin(&p, k->store, &a.src);
    while (!done) {
        assert_ok(alb_blob_publish_step(&p, 2 * ALB_BLOCK_SIZE, &done, &err));
        steps++;
    }
    assert_int_equal(steps, 4 + 1 + 1); /* four slices, look, place */
    alb_blob_publish_end(&p);
    kit_source_end(&a);
}

static void a_wrong_source_is_not_published(void **state)
{
    struct kit_store *k = *state;
    struct kit_source a;
    struct alb_blob_publish p;

    kit_source_new(&a, k, "a", 1500000, 3);
    kit_flip(k->fd, "tmp/a", 1400000);
    assert_code(alb_blob_publish_path(&p, k->store, &a.src, &err), ALB_E_CORRUPT);
    assert_code(alb_blob_publish_step(&p, 1, &(bool){false}, &err), ALB_E_INTERNAL);
    alb_blob_publish_end(&p);
    kit_flip(k->fd, "tmp/a", 1400000);
    kit_cut(k->fd, "tmp/a", 1499999);
    assert_code(alb_blob_publish_path(&p, k->store, &a.src, &err), ALB_E_CORRUPT);
    alb_blob_publish_end(&p);
    a.src.sums.n -= 8;
    assert_code(alb_blob_publish_path(&p, k->store, &a.src, &err), ALB_E_INVALID);
    alb_blob_publish_end(&p);
    assert_int_equal(unlinkat(k->fd, "tmp/a", 0), 0);
    a.src.sums.n += 8;
    assert_code(alb_blob_publish_path(&p, k->store, &a.src, &err), ALB_E_NOT_FOUND);
    alb_blob_publish_end(&p);
    int64_t cursor = 0;
    struct alb_blob_swept swept = {0};
    while (cursor >= 0)
        assert_ok(alb_blob_sweep_step(k->store, &cursor, 0, NULL, NULL, &swept, &err));
    assert_int_equal(swept.seen, 0);
    kit_source_end(&a);
}

static void a_damaged_original_is_healed_by_the_same_upload(void **state)
{
    struct kit_store *k = *state;
    struct kit_source a;
    struct alb_blob_publish p;
    char path[128];

    kit_source_new(&a, k, "a", 1500000, 4);
    assert_ok(alb_blob_publish_path(&p, k->store, &a.src, &err));
    alb_blob_publish_end(&p);
    (void)snprintf(path, sizeof(path), "originals/%s", p.key);
    /* the original is the same file as the source: give the source a life of its own */
    assert_int_equal(unlinkat(k->fd, "tmp/a", 0), 0);
    kit_write_file(k->fd, "tmp/a", a.bytes, 1500000);
    kit_flip(k->fd, path, 1234567);
    assert_ok(alb_blob_publish_path(&p, k->store, &a.src, &err));
    assert_true(p.healed);
    assert_false(p.existed);
    alb_blob_publish_end(&p);
    check_original(k, &a, p.key);
    assert_int_equal(kit_count(k->fd, "quarantine"), 1);

    /* Without good bytes it stays where it is and is reported. */
    assert_int_equal(unlinkat(k->fd, "tmp/a", 0), 0);
    kit_flip(k->fd, path, 7);
    assert_code(alb_blob_publish_path(&p, k->store, &a.src, &err), ALB_E_CORRUPT);
    alb_blob_publish_end(&p);
    assert_true(kit_exists(k->fd, path));
    kit_source_end(&a);
}

/* Some file systems know one name per file: the upload's becomes the original's. */
static void a_file_system_without_hard_links(void **state)
{
    struct kit_store *k = *state;
    struct kit_source a, b;
    struct alb_blob_publish p;
    char path[128];

    kit_source_new(&a, k, "a", 1500000, 15);
    alb_fs_fault(ALB_FS_RENAME, 1, EPERM, true); /* link(2) */
    assert_ok(alb_blob_publish_path(&p, k->store, &a.src, &err));
    assert_true(alb_fs_fault_fired());
    assert_false(p.existed);
    assert_false(kit_exists(k->fd, "tmp/a"));
    check_original(k, &a, p.key);
    (void)snprintf(path, sizeof(path), "originals/%s", p.key);
    alb_blob_publish_end(&p);

    /* Once more after a crash, with an equal upload, and where a damaged one lies. */
    assert_ok(alb_blob_publish_path(&p, k->store, &a.src, &err));
    assert_true(p.existed);
    alb_blob_publish_end(&p);
    kit_source_new(&b, k, "b", 1500000, 15);
    assert_ok(alb_blob_publish_path(&p, k->store, &b.src, &err));
    assert_true(p.existed && kit_exists(k->fd, "tmp/b"));
    alb_blob_publish_end(&p);
    kit_flip(k->fd, path, 77);
    alb_fs_fault(ALB_FS_RENAME, 2, EPERM, true); /* 1: to quarantine */
    assert_ok(alb_blob_publish_path(&p, k->store, &b.src, &err));
    assert_true(p.healed);
    assert_false(kit_exists(k->fd, "tmp/b"));
    check_original(k, &b, p.key);
    alb_blob_publish_end(&p);
    kit_source_end(&a);
    kit_source_end(&b);
}

/* What the disk cannot read any more is replaced as well; without good bytes it is left alone. */
static void an_unreadable_original_is_healed(void **state)
{
    struct kit_store *k = *state;
    struct kit_source a;
    struct alb_blob_publish p;
    bool done = false;
    struct alb_blob_ref ref;

    kit_source_new(&a, k, "a", 1500000, 14);
    assert_ok(alb_blob_publish_path(&p, k->store, &a.src, &err));
    alb_blob_publish_end(&p);
    ref = kit_ref(&a, p.key);
    alb_fs_fault(ALB_FS_READ, 2, EIO, true);
    assert_code(alb_blob_scrub(k->store, &ref, NULL, &err), ALB_E_CORRUPT);
    assert_int_equal(unlinkat(k->fd, "tmp/a", 0), 0);

    alb_blob_publish_begin(&p, k->store, &a.src);
    alb_fs_fault(ALB_FS_READ, 1, EIO, true);
    enum alb_code code = ALB_OK;
    while (code == ALB_OK && !done)
        code = alb_blob_publish_step(&p, INT64_MAX, &done, &err);
    assert_int_equal(code, ALB_E_IO);
    alb_blob_publish_end(&p);
    check_original(k, &a, p.key);

    kit_write_file(k->fd, "tmp/a", a.bytes, 1500000);
    alb_blob_publish_begin(&p, k->store, &a.src);
    done = false;
    assert_ok(alb_blob_publish_step(&p, INT64_MAX, &done, &err)); /* the source is good */
    alb_fs_fault(ALB_FS_READ, 1, EIO, true);
    while (!done)
        assert_ok(alb_blob_publish_step(&p, INT64_MAX, &done, &err));
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    assert_true(p.healed);
    alb_blob_publish_end(&p);
    check_original(k, &a, p.key);
    kit_source_end(&a);
}

static void a_full_disk_publishes_nothing(void **state)
{
    struct kit_store *k = *state;
    struct kit_source a;
    struct alb_blob_publish p;

    kit_source_new(&a, k, "a", 5000, 5);
    for (unsigned n = 1;; n++) {
        alb_fs_fault(ALB_FS_ANY, n, ENOSPC, false);
        enum alb_code code = alb_blob_publish_path(&p, k->store, &a.src, NULL);
        bool fired = alb_fs_fault_fired();
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        alb_blob_publish_end(&p);
        if (!fired) {
            assert_int_equal(code, ALB_OK);
            assert_true(n > 4);
            break;
        }
        assert_int_equal(code, ALB_E_NO_SPACE);
        assert_true(kit_exists(k->fd, "tmp/a"));
    }
    check_original(k, &a, p.key);
    kit_source_end(&a);
}

/* ---- races ---- */

#define PUBLISHERS 16

struct publisher {
    struct kit_store *k;
    struct kit_source source;
    pthread_barrier_t *barrier;
    bool existed;
    enum alb_code code;
};

static void *publish_one(void *arg)
{
    struct publisher *me = arg;
    struct alb_blob_publish p;

    (void)pthread_barrier_wait(me->barrier);
    me->code = alb_blob_publish_path(&p, me->k->store, &me->source.src, NULL);
    me->existed = p.existed;
    alb_blob_publish_end(&p);
    return NULL;
}

static void equal_content_from_many_threads(void **state)
{
    struct kit_store *k = *state;
    struct publisher all[PUBLISHERS];
    pthread_t threads[PUBLISHERS];
    pthread_barrier_t barrier;

    for (unsigned round = 0; round < 20; round++) {
        int made = 0;
        (void)pthread_barrier_init(&barrier, NULL, PUBLISHERS);
        for (unsigned i = 0; i < PUBLISHERS; i++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "s%u", i);
            all[i].k = k;
            all[i].barrier = &barrier;
            kit_source_new(&all[i].source, k, name, 100000, 100 + round);
        }
        for (unsigned i = 0; i < PUBLISHERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, publish_one, &all[i]), 0);
        for (unsigned i = 0; i < PUBLISHERS; i++) {
            (void)pthread_join(threads[i], NULL);
            assert_int_equal(all[i].code, ALB_OK);
            made += !all[i].existed;
        }
        assert_int_equal(made, 1);
        struct alb_blob_publish p;
        assert_ok(alb_blob_publish_path(&p, k->store, &all[0].source.src, &err));
        check_original(k, &all[0].source, p.key);
        alb_blob_publish_end(&p);
        for (unsigned i = 0; i < PUBLISHERS; i++)
            kit_source_end(&all[i].source);
        (void)pthread_barrier_destroy(&barrier);
    }
}

/* The catalog of one hash: a row that is absent, live or dying; the mutex is its transactions. */
struct row {
    pthread_mutex_t m;
    enum { ABSENT, LIVE, DYING } state;
    struct kit_store *k;
    struct kit_source source;
    atomic_bool stop;
    atomic_uint published, lost;
};

static enum alb_code still_dying(void *arg, const unsigned char *sha256, bool *answer, struct alb_err *e)
{
    struct row *r = arg;

    (void)sha256;
    (void)e;
    (void)pthread_mutex_lock(&r->m);
    *answer = r->state == DYING;
    (void)pthread_mutex_unlock(&r->m);
    return ALB_OK;
}

static void *reap(void *arg)
{
    struct row *r = arg;

    while (!atomic_load(&r->stop)) {
        bool removed = false;
        (void)pthread_mutex_lock(&r->m);
        if (r->state == LIVE)
            r->state = DYING; /* a transaction that saw no reference */
        (void)pthread_mutex_unlock(&r->m);
        if (alb_blob_remove(r->k->store, r->source.src.sha256, still_dying, r, &removed, NULL) != ALB_OK)
            atomic_fetch_add(&r->lost, 1);
        (void)pthread_mutex_lock(&r->m);
        if (removed && r->state == DYING)
            r->state = ABSENT;
        (void)pthread_mutex_unlock(&r->m);
    }
    return NULL;
}

static void *publish_and_commit(void *arg)
{
    struct row *r = arg;

    for (int i = 0; i < 300; i++) {
        struct alb_blob_publish p;
        char path[128];
        if (alb_blob_publish_path(&p, r->k->store, &r->source.src, NULL) != ALB_OK) {
            atomic_fetch_add(&r->lost, 1);
            alb_blob_publish_end(&p);
            continue;
        }
        (void)snprintf(path, sizeof(path), "originals/%s", p.key);
        (void)pthread_mutex_lock(&r->m);
        r->state = LIVE; /* insert, or revive */
        if (!kit_exists(r->k->fd, path))
            atomic_fetch_add(&r->lost, 1);
        (void)pthread_mutex_unlock(&r->m);
        alb_blob_publish_end(&p);
        /* While the row is live (in one of its transactions) the file is there. */
        (void)pthread_mutex_lock(&r->m);
        if (r->state == LIVE && !kit_exists(r->k->fd, path))
            atomic_fetch_add(&r->lost, 1);
        (void)pthread_mutex_unlock(&r->m);
        atomic_fetch_add(&r->published, 1);
    }
    return NULL;
}

/* Whatever order chance brings; that removals win too is what the next test is for. */
static void publishing_races_with_dying(void **state)
{
    struct kit_store *k = *state;
    struct row r = {.m = PTHREAD_MUTEX_INITIALIZER, .state = ABSENT, .k = k};
    pthread_t publishers[3], reaper;

    kit_source_new(&r.source, k, "a", 3000, 6);
    assert_int_equal(pthread_create(&reaper, NULL, reap, &r), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&publishers[i], NULL, publish_and_commit, &r), 0);
    for (int i = 0; i < 3; i++)
        (void)pthread_join(publishers[i], NULL);
    atomic_store(&r.stop, true);
    (void)pthread_join(reaper, NULL);
    assert_int_equal(atomic_load(&r.lost), 0);
    assert_int_equal(atomic_load(&r.published), 900);
    kit_source_end(&r.source);
}

/* A removal before each step of a publication, of bytes that are there and of bytes that are not: it wins
 * until the publication is pinned, never after, and the publication ends well in any case. */
static void a_removal_between_any_two_steps(void **state)
{
    struct kit_store *k = *state;
    struct row r = {.m = PTHREAD_MUTEX_INITIALIZER, .state = DYING, .k = k};
    int won = 0, lost = 0;

    kit_source_new(&r.source, k, "a", (size_t)3 * ALB_BLOCK_SIZE, 8);
    for (int there = 0; there < 2; there++) {
        bool pinned = false;
        for (int before = 0; !pinned; before++) {
            struct alb_blob_publish p;
            bool removed = false;
            if (there) {
                assert_ok(alb_blob_publish_path(&p, k->store, &r.source.src, &err));
                alb_blob_publish_end(&p);
            }
            alb_blob_publish_begin(&p, k->store, &r.source.src);
            for (int i = 0; i < before && !pinned; i++)
                assert_ok(alb_blob_publish_step(&p, ALB_BLOCK_SIZE, &pinned, &err));
            assert_ok(alb_blob_remove(k->store, r.source.src.sha256, still_dying, &r, &removed, &err));
            assert_int_equal(removed, !pinned);
            won += removed;
            lost += !removed;
            for (bool done = pinned; !done;)
                assert_ok(alb_blob_publish_step(&p, ALB_BLOCK_SIZE, &done, &err));
            assert_int_equal(p.existed, there && pinned);
            check_original(k, &r.source, p.key);
            alb_blob_publish_end(&p);
            assert_ok(alb_blob_remove(k->store, r.source.src.sha256, still_dying, &r, &removed, &err));
            assert_true(removed);
        }
    }
    assert_int_equal(lost, 2);
    assert_int_equal(won, (3 + 2) + (3 + 1 + 3 + 1)); /* source, look, (existing,) place */
    kit_source_end(&r.source);
}

static enum alb_code revive_meanwhile(void *arg, const unsigned char *sha256, bool *answer, struct alb_err *e)
{
    struct row *r = arg;

    (void)sha256;
    (void)e;
    *answer = r->state == DYING;
    if (r->state == DYING) { /* between this answer and the unlink, a publisher comes and goes */
        struct alb_blob_publish p;
        assert_ok(alb_blob_publish_path(&p, r->k->store, &r->source.src, &err));
        r->state = LIVE;
        alb_blob_publish_end(&p);
    }
    return ALB_OK;
}

static void a_revival_after_the_question_is_seen(void **state)
{
    struct kit_store *k = *state;
    struct row r = {.m = PTHREAD_MUTEX_INITIALIZER, .state = DYING, .k = k};
    struct alb_blob_publish p;
    bool removed = true;

    kit_source_new(&r.source, k, "a", 3000, 7);
    assert_ok(alb_blob_publish_path(&p, k->store, &r.source.src, &err));
    assert_ok(alb_blob_remove(k->store, r.source.src.sha256, still_dying, &r, &removed, &err));
    assert_false(removed); /* pinned */
    alb_blob_publish_end(&p);
    assert_ok(alb_blob_remove(k->store, r.source.src.sha256, revive_meanwhile, &r, &removed, &err));
    assert_false(removed);
    check_original(k, &r.source, p.key);
    r.state = DYING;
    assert_ok(alb_blob_remove(k->store, r.source.src.sha256, still_dying, &r, &removed, &err));
    assert_true(removed);
    assert_ok(alb_blob_remove(k->store, r.source.src.sha256, still_dying, &r, &removed, &err));
    assert_true(removed); /* no file: the row may go */
    kit_source_end(&r.source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commit_names_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(every_failing_call_leaves_nothing, setup, teardown),
        cmocka_unit_test(sums_of_any_pieces_are_the_same),
        cmocka_unit_test_setup_teardown(an_original_is_published_once, setup, teardown),
        cmocka_unit_test_setup_teardown(slices_read_no_more_than_their_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_source_is_not_published, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_original_is_healed_by_the_same_upload, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_system_without_hard_links, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_original_is_healed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_publishes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_content_from_many_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(publishing_races_with_dying, setup, teardown),
        cmocka_unit_test_setup_teardown(a_removal_between_any_two_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(a_revival_after_the_question_is_seen, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
