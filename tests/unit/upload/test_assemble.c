/* SPDX-License-Identifier: Apache-2.0
 *
 * Concatenation: parts in any order of completion, the same part twice, parts and wholes that are terminated
 * meanwhile (T5), looking while it goes on (T14), restarts, failures; and reading without holding (T6).
 */
#include "world.h"

#include <pthread.h>

#include "base/check.h"

#define PART 3000000 /* not a whole number of blocks */

static enum alb_code finish_partial(struct alb_upload_session **s)
{
    struct alb_future *f;

    assert_ok(alb_upload_finish(s, &f, &err));
    enum alb_code code = wait_for(f);
    alb_future_unref(f);
    return code;
}

static void partial(struct world *w, const char *id, uint64_t seed, int64_t n, int64_t until)
{
    struct alb_upload_session *s;
    struct alb_upload_spec spec = {
        .id = alb_str_c(id), .owner = OWNER, .length = n, .kind = ALB_UPLOAD_PARTIAL};

    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_ok(feed(s, seed, until, 1 << 20));
    assert_ok(alb_upload_commit(s, &err));
    if (until == n)
        assert_int_equal(finish_partial(&s), ALB_OK);
    alb_upload_release(&s);
}

static struct alb_upload_session *whole(struct world *w, const char *id, const char *parts)
{
    struct alb_upload_session *s;
    struct alb_upload_spec spec = {.id = alb_str_c(id),
                                   .owner = OWNER,
                                   .length = ALB_UPLOAD_DEFERRED,
                                   .kind = ALB_UPLOAD_FINAL,
                                   .parts = alb_str_c(parts)};

    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    return s;
}

static struct alb_future *assemble(struct world *w, const char *id, const char *parts)
{
    struct alb_upload_session *s = whole(w, id, parts);
    struct alb_future *f;

    assert_ok(alb_upload_assemble(&s, &f, &err));
    assert_null(s);
    return f;
}

static enum alb_code end_of(struct alb_future *f)
{
    enum alb_code code = wait_for(f);

    alb_future_unref(f);
    return code;
}

/* n parts of PART bytes with these seeds, one after the other, are an original. */
static void check_whole(struct world *w, const uint64_t *seeds, size_t n)
{
    unsigned char *bytes = alb_mem_alloc_nofail(n * PART);
    struct alb_blob_ref ref = {.size = (int64_t)n * PART};
    char key[ALB_BLOB_KEY_MAX];

    for (size_t i = 0; i < n; i++)
        kit_fill(bytes + i * PART, PART, 0, seeds[i]);
    alb_sha256(bytes, n * PART, ref.sha256);
    kit_key(&ref, key);
    assert_ok(alb_blob_scrub(w->k.store, &ref, NULL, &err));
    alb_mem_free(bytes);
}

static void parts_become_a_whole(void **state)
{
    struct world *w = *state;
    struct alb_upload_view v;

    partial(w, "a", 1, PART, PART);
    partial(w, "b", 2, PART, PART);
    assert_int_equal(end_of(assemble(w, "c", "a b a")), ALB_OK);
    check_whole(w, (const uint64_t[]){1, 2, 1}, 3);
    struct alb_upload_session *s = take(w, "c", ALB_UPLOAD_LOOK);
    alb_upload_look(s, &v);
    assert_int_equal(v.state, ALB_UPLOAD_FINISHED);
    assert_int_equal(v.length, 3 * PART);
    assert_int_equal(v.offset, 3 * PART);
    assert_true(alb_str_eq_c(v.parts, "a b a"));
    assert_true(alb_str_eq_c(v.result, "asset of c"));
    alb_upload_release(&s);
    assert_int_equal(state_of(w, "a"), ALB_UPLOAD_COMPLETE); /* it may be a part of others too */
    assert_int_equal(end_of(assemble(w, "d", "b")), ALB_OK);
}

static void an_empty_part_is_a_part(void **state)
{
    struct world *w = *state;

    partial(w, "a", 1, PART, PART);
    partial(w, "none", 2, 0, 0);
    assert_int_equal(end_of(assemble(w, "c", "none a none")), ALB_OK);
    check_whole(w, (const uint64_t[]){1}, 1);
}

/* concatenation-unfinished: the whole is asked for before its parts are there. */
static void unfinished_parts_are_waited_for(void **state)
{
    struct world *w = *state;
    struct alb_future *f, *end;
    struct alb_upload_brief brief;

    partial(w, "a", 1, PART, 1000);
    partial(w, "b", 2, PART, 0);
    f = assemble(w, "c", "a b");
    assert_ok(alb_upload_brief(w->u, ALB_STR("c"), OWNER, &brief, &err));
    assert_int_equal(brief.kind, ALB_UPLOAD_FINAL);
    assert_int_equal(brief.state, ALB_UPLOAD_OPEN);
    assert_int_equal(brief.length, 2 * PART);
    struct alb_upload_session *s = take(w, "b", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 2, PART, 100000));
    assert_ok(alb_upload_finish(&s, &end, &err));
    alb_future_unref(end);
    assert_false(alb_future_done(f));
    s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, PART, 100000));
    assert_ok(alb_upload_finish(&s, &end, &err));
    alb_future_unref(end);
    assert_int_equal(end_of(f), ALB_OK);
    check_whole(w, (const uint64_t[]){1, 2}, 2);
}

/* Whoever looks does not stop it, does not wait for it, and may not write. */
static void others_look_while_it_goes_on(void **state)
{
    struct world *w = *state;
    struct alb_upload_view v;
    struct alb_future *end;

    partial(w, "a", 1, PART, 0);
    struct alb_future *f = assemble(w, "c", "a");
    for (int i = 0; i < 2; i++) {
        struct alb_upload_session *s = take(w, "c", i == 0 ? ALB_UPLOAD_LOOK : ALB_UPLOAD_WRITE);
        alb_upload_look(s, &v);
        assert_int_equal(v.kind, ALB_UPLOAD_FINAL);
        assert_int_equal(v.state, ALB_UPLOAD_OPEN);
        if (i == 1) {
            assert_code(alb_upload_append(s, 0, "x", 1, &err), ALB_E_CONFLICT);
            assert_code(alb_upload_commit(s, &err), ALB_E_CONFLICT);
            assert_code(alb_upload_finish(&s, &end, &err), ALB_E_CONFLICT);
        }
        assert_code(alb_upload_terminate(s, &err), ALB_E_CONFLICT);
        alb_upload_release(&s);
    }
    assert_false(alb_future_done(f));
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, PART, 100000));
    assert_ok(alb_upload_finish(&s, &end, &err));
    alb_future_unref(end);
    assert_int_equal(end_of(f), ALB_OK);
}

static void what_is_no_part_is_refused(void **state)
{
    struct world *w = *state;
    struct alb_future *f;
    const char *const lists[] = {"a missing", "normal", "a../b", "", " "};
    const enum alb_code codes[] = {ALB_E_NOT_FOUND, ALB_E_INVALID, ALB_E_NOT_FOUND, ALB_E_INVALID,
                                   ALB_E_NOT_FOUND};

    partial(w, "a", 1, PART, PART);
    announce(w, "normal", 10);
    for (size_t i = 0; i < ALB_ARRAY_LEN(lists); i++) {
        struct alb_upload_session *s = whole(w, "c", lists[i]);
        assert_code(alb_upload_assemble(&s, &f, &err), codes[i]);
        assert_non_null(s);
        alb_upload_release(&s); /* no trace is left */
        assert_int_equal(alb_upload_known(w->u, ALB_STR("c")), false);
    }
    w->clock.wall += 15LL * 24 * 3600 * 1000; /* not pinned by what was refused */
    struct alb_upload_swept swept;
    alb_uploads_sweep(w->u, 10, &swept);
    assert_int_equal(swept.expired, 2);
}

/* T5: a part goes before it was read. */
static void a_part_that_is_terminated_ends_it(void **state)
{
    struct world *w = *state;

    partial(w, "a", 1, PART, PART);
    partial(w, "b", 2, PART, 100);
    struct alb_future *f = assemble(w, "c", "a b");
    struct alb_upload_session *s = take(w, "b", ALB_UPLOAD_TERMINATE);
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
    assert_int_equal(end_of(f), ALB_E_GONE);
    assert_int_equal(state_of(w, "c"), ALB_UPLOAD_REJECTED);
    world_again(w);
    assert_int_equal(state_of(w, "c"), ALB_UPLOAD_REJECTED);
}

/* What was read is not needed any more. */
static void a_part_may_go_after_it_was_read(void **state)
{
    struct world *w = *state;
    struct alb_future *end;
    struct alb_upload_brief brief = {0};

    partial(w, "a", 1, PART, PART);
    partial(w, "b", 2, PART, 100);
    struct alb_future *f = assemble(w, "c", "a b");
    while (brief.offset < PART) { /* it commits when it has to wait for b */
        assert_ok(alb_upload_brief(w->u, ALB_STR("c"), OWNER, &brief, &err));
        sched_yield();
    }
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_TERMINATE);
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
    s = take(w, "b", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 2, PART, 100000));
    assert_ok(alb_upload_finish(&s, &end, &err));
    alb_future_unref(end);
    assert_int_equal(end_of(f), ALB_OK);
    check_whole(w, (const uint64_t[]){1, 2}, 2);
}

static void nothing_is_begun_while_stopping(void **state)
{
    struct world *w = *state;
    struct alb_future *f;

    partial(w, "a", 1, PART, PART);
    struct alb_upload_session *s = whole(w, "c", "a");
    alb_uploads_stop(w->u);
    assert_code(alb_upload_assemble(&s, &f, &err), ALB_E_BUSY);
    assert_non_null(s);
    alb_upload_release(&s);
}

/* T5: the whole goes. */
static void a_whole_that_is_terminated_ends_at_once(void **state)
{
    struct world *w = *state;
    struct alb_future *wait;

    partial(w, "a", 1, PART, 100);
    struct alb_future *f = assemble(w, "c", "a");
    struct alb_upload_session *s = acquire(w, "c", ALB_UPLOAD_TERMINATE, &wait);
    if (wait != NULL)
        assert_int_equal(end_of(wait), ALB_OK);
    assert_ok(alb_upload_load(s, &err));
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
    assert_int_equal(end_of(f), ALB_E_GONE);
    assert_false(alb_upload_known(w->u, ALB_STR("c")));
    s = take(w, "a", ALB_UPLOAD_TERMINATE);
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
}

/* Asked without holding it: its last holder may be on its way out. */
static void wait_finished(struct world *w, const char *id)
{
    struct alb_upload_brief brief = {.state = ALB_UPLOAD_OPEN};

    while (brief.state != ALB_UPLOAD_FINISHED) {
        assert_ok(alb_upload_brief(w->u, alb_str_c(id), OWNER, &brief, &err));
        sched_yield();
    }
}

static void a_restart_goes_on_with_it(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;
    struct alb_future *end;

    partial(w, "a", 1, PART, PART);
    partial(w, "b", 2, PART, 100);
    struct alb_future *f = assemble(w, "c", "a b");
    world_again(w);
    assert_int_equal(end_of(f), ALB_E_BUSY);
    alb_uploads_sweep(w->u, 10, &swept);
    struct alb_upload_session *s = take(w, "b", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 2, PART, 100000));
    assert_ok(alb_upload_finish(&s, &end, &err));
    alb_future_unref(end);
    wait_finished(w, "c");
    check_whole(w, (const uint64_t[]){1, 2}, 2);
}

/* It was broken off in the middle of a part. */
static void a_restart_goes_on_inside_a_part(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;

    partial(w, "a", 1, PART, PART);
    partial(w, "b", 2, PART, PART);
    struct alb_upload_session *s = whole(w, "c", "a b");
    assert_ok(feed(s, 1, PART, 1 << 20));
    unsigned char *more = kit_bytes(1500000, 2);
    assert_ok(alb_upload_append(s, PART, more, 1500000, &err));
    alb_mem_free(more);
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
    world_again(w);
    alb_uploads_sweep(w->u, 10, &swept);
    wait_finished(w, "c");
    check_whole(w, (const uint64_t[]){1, 2}, 2);
}

/* Law 3: bytes that rot between the parts and the whole are not taken for a photo. */
static void a_damaged_part_is_seen(void **state)
{
    struct world *w = *state;
    const int64_t places[] = {0, 1500000, PART - 1};

    for (size_t i = 0; i < ALB_ARRAY_LEN(places); i++) {
        char id[2] = {(char)('m' + i), '\0'}, part[2] = {(char)('a' + i), '\0'}, name[32];
        partial(w, part, 1, PART, PART);
        (void)snprintf(name, sizeof(name), "uploads/%s.data", part);
        int fd = openat(w->k.fd, name, O_RDWR | O_CLOEXEC);
        unsigned char byte;
        assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
        assert_int_equal(close(fd), 0);
        assert_int_equal(end_of(assemble(w, id, part)), ALB_E_CORRUPT);
        assert_int_equal(state_of(w, id), ALB_UPLOAD_REJECTED);
    }
    assert_int_equal(w->sink.takes, 0);
}

#define DAY (24LL * 3600 * 1000)

static void pinned_parts_do_not_expire(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;

    partial(w, "b", 1, PART, 100);
    partial(w, "a", 1, PART, PART);
    struct alb_future *f = assemble(w, "c", "b a");
    w->clock.wall += 10 * DAY;
    struct alb_upload_session *s = take(w, "b", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 200, 100));
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
    w->clock.wall += 10 * DAY;
    alb_uploads_sweep(w->u, 10, &swept);
    assert_int_equal(swept.expired, 0); /* "a" is pinned, and somebody goes on with "b" */
    assert_false(alb_future_done(f));
    w->clock.wall += 5 * DAY; /* not any more: nothing stays for ever */
    alb_uploads_sweep(w->u, 10, &swept);
    assert_int_equal(end_of(f), ALB_E_GONE);
    alb_uploads_sweep(w->u, 10, &swept);
    assert_false(alb_upload_known(w->u, ALB_STR("a")));
    assert_false(alb_upload_known(w->u, ALB_STR("b")));
}

/* All its bytes were sent, in parts; then the server was off for longer than parts are kept. */
static void a_long_rest_ends_no_concatenation(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;
    char ids[100] = "", id[8];

    for (int i = 0; i < 12; i++) {
        (void)snprintf(id, sizeof(id), "p%d", i);
        partial(w, id, 1, 1000, 1000);
        (void)snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s%s", i > 0 ? " " : "", id);
    }
    partial(w, "alone", 1, 1000, 1000);
    struct alb_upload_session *s = whole(w, "c", ids);
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
    w->clock.wall += 60 * DAY;
    world_again(w);
    alb_fs_fault(ALB_FS_READ, 1, EIO, false); /* nor does it begin at once */
    alb_uploads_sweep(w->u, 10, &swept);
    assert_int_equal(swept.expired, 0);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_uploads_sweep(w->u, 10, &swept);
    wait_finished(w, "c");
    alb_uploads_sweep(w->u, 10, &swept);
    assert_false(alb_upload_known(w->u, ALB_STR("p3"))); /* now they may go */
    assert_false(alb_upload_known(w->u, ALB_STR("alone")));
    assert_true(alb_upload_known(w->u, ALB_STR("c")));
}

/* A sink that fails for now, and a disk that does. */
static void failures_are_tried_again(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;

    partial(w, "a", 1, PART, PART);
    w->sink.fail = ALB_E_BUSY;
    assert_int_equal(end_of(assemble(w, "c", "a a")), ALB_E_BUSY);
    w->sink.fail = ALB_OK;
    alb_fs_fault(ALB_FS_READ, 1, 5 /* EIO */, true);
    assert_int_equal(end_of(assemble(w, "d", "a")), ALB_E_IO);
    alb_uploads_sweep(w->u, 10, &swept);
    wait_finished(w, "c");
    wait_finished(w, "d");
    check_whole(w, (const uint64_t[]){1, 1}, 2);
    check_whole(w, (const uint64_t[]){1}, 1);
}

/* ---- reading without holding ---- */

static void readers_share(void **state)
{
    struct world *w = *state;
    struct alb_upload_reader *r[3];
    struct alb_upload_view v;
    unsigned char got[2000], want[2000];
    size_t n;

    announce(w, "a", 5000);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 1000, 100));
    assert_ok(alb_upload_commit(s, &err));
    assert_ok(feed(s, 1, 1500, 100)); /* not durable yet */
    for (size_t i = 0; i < ALB_ARRAY_LEN(r); i++)
        assert_ok(alb_upload_reader_open(w->u, ALB_STR("a"), OWNER, &r[i], &v, &err));
    assert_int_equal(v.offset, 1000);
    assert_false(alb_upload_interrupted(s));
    assert_ok(feed(s, 1, 2000, 100));
    kit_fill(want, sizeof(want), 0, 1);
    for (size_t i = 0; i < ALB_ARRAY_LEN(r); i++) {
        assert_ok(alb_upload_reader_read(r[i], 10, got, sizeof(got), &n, &err));
        assert_int_equal(n, 990);
        assert_memory_equal(got, want + 10, n);
    }
    assert_ok(alb_upload_terminate(s, &err)); /* T5: those who read go on */
    alb_upload_release(&s);
    for (size_t i = 0; i < ALB_ARRAY_LEN(r); i++) {
        assert_ok(alb_upload_reader_read(r[i], 0, got, sizeof(got), &n, &err));
        assert_int_equal(n, 1000);
        assert_memory_equal(got, want, n);
        alb_upload_reader_close(&r[i]);
    }
    assert_code(alb_upload_reader_open(w->u, ALB_STR("a"), OWNER, &r[0], &v, &err), ALB_E_NOT_FOUND);
    announce(w, "b", 0);
    s = take(w, "b", ALB_UPLOAD_WRITE);
    assert_int_equal(finish(&s), ALB_OK);
    assert_code(alb_upload_reader_open(w->u, ALB_STR("b"), OWNER, &r[0], &v, &err), ALB_E_GONE);
    assert_code(alb_upload_reader_open(w->u, ALB_STR("b"), OWNER + 1, &r[0], &v, &err), ALB_E_NOT_FOUND);
}

/* ---- many at once ---- */

struct crowd {
    struct world *w;
    unsigned which;
};

/* T14: HEADs of the whole and DELETEs of parts and wholes while it is put together. */
/* Hundreds of downloads at once: each has the file, and nothing else. */
static void a_reader_costs_one_descriptor(void **state)
{
    struct world *w = *state;
    struct alb_upload_reader *r;
    struct alb_upload_view v;

    partial(w, "a", 1, 1000, 1000);
    partial(w, "b", 1, 1000, 500);
    int before = kit_open_fds();
    for (int i = 0; i < 2; i++) {
        assert_ok(alb_upload_reader_open(w->u, i == 0 ? ALB_STR("a") : ALB_STR("b"), OWNER, &r, &v, &err));
        assert_int_equal(kit_open_fds(), before + 1);
        alb_upload_reader_close(&r);
    }
    assert_int_equal(kit_open_fds(), before);
}

static void *look_on(void *arg)
{
    struct crowd *c = arg;
    char id[8];

    for (int i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof(id), "c%d", i % 20);
        struct alb_upload_session *s;
        struct alb_future *f;
        struct alb_upload_view v;
        enum alb_upload_intent intent =
            c->which == 1 && i % 50 == 49 ? ALB_UPLOAD_TERMINATE : ALB_UPLOAD_LOOK;
        if (alb_upload_acquire(c->w->u, alb_str_c(id), OWNER, intent, &s, &f, NULL) != ALB_OK)
            continue;
        if (f != NULL)
            (void)wait_for(f);
        alb_future_unref(f);
        if (alb_upload_load(s, NULL) == ALB_OK) {
            alb_upload_look(s, &v);
            ALB_CHECK(v.kind == ALB_UPLOAD_FINAL);
            ALB_CHECK(v.state != ALB_UPLOAD_FINISHED || v.offset == 2 * 5000);
            if (intent == ALB_UPLOAD_TERMINATE)
                ALB_CHECK(alb_upload_terminate(s, NULL) == ALB_OK);
        }
        alb_upload_release(&s);
    }
    return NULL;
}

static void crowds_do_no_harm(void **state)
{
    struct world *w = *state;
    struct crowd crowd[3] = {{w, 0}, {w, 1}, {w, 2}};
    pthread_t threads[3];
    struct alb_future *ends[200];
    unsigned finished = 0;

    w->sink.store = NULL;
    partial(w, "a", 1, 5000, 5000);
    for (size_t i = 0; i < ALB_ARRAY_LEN(threads); i++)
        (void)pthread_create(&threads[i], NULL, look_on, &crowd[i]);
    for (int i = 0; i < 200; i++) {
        char id[8];
        struct alb_upload_session *s;
        (void)snprintf(id, sizeof(id), "c%d", i % 20);
        struct alb_upload_spec spec = {.id = alb_str_c(id),
                                       .owner = OWNER,
                                       .length = ALB_UPLOAD_DEFERRED,
                                       .kind = ALB_UPLOAD_FINAL,
                                       .parts = ALB_STR("a a")};
        ends[i] = NULL;
        if (alb_upload_create(w->u, &spec, &s, NULL) == ALB_OK)
            assert_ok(alb_upload_assemble(&s, &ends[i], &err));
    }
    for (int i = 0; i < 200; i++) {
        if (ends[i] != NULL)
            finished += end_of(ends[i]) == ALB_OK;
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(threads); i++)
        (void)pthread_join(threads[i], NULL);
    assert_true(finished >= 1);
    assert_int_equal(alb_uploads_look(w->u).held, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(parts_become_a_whole),
        T(an_empty_part_is_a_part),
        T(unfinished_parts_are_waited_for),
        T(others_look_while_it_goes_on),
        T(what_is_no_part_is_refused),
        T(a_part_that_is_terminated_ends_it),
        T(a_part_may_go_after_it_was_read),
        T(nothing_is_begun_while_stopping),
        T(a_whole_that_is_terminated_ends_at_once),
        T(a_restart_goes_on_with_it),
        T(a_restart_goes_on_inside_a_part),
        T(a_damaged_part_is_seen),
        T(pinned_parts_do_not_expire),
        T(a_long_rest_ends_no_concatenation),
        T(failures_are_tried_again),
        T(readers_share),
        T(a_reader_costs_one_descriptor),
        T(crowds_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
