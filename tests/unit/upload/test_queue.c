/* SPDX-License-Identifier: Apache-2.0
 *
 * Many clients of one upload: who holds it, who waits, who is asked to stop; finishing while others come;
 * terminating and expiring under a writer; stopping. The T numbers are those of the race tests that every tus
 * server should pass (docs: upload.h, U1 to U3). Then the same from many threads, for ThreadSanitizer.
 */
#include "world.h"

#include <pthread.h>

/* ---- one thread, exact orders ---- */

/* T1: a HEAD stops a running PATCH, and what it says is accepted. */
static void a_look_stops_the_writer_and_is_true(void **state)
{
    struct world *w = *state;
    struct alb_future *f;
    struct alb_upload_view v;

    announce(w, "a", 1000000);
    struct alb_upload_session *patch = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(patch, 1, 300000, 50000));
    assert_false(alb_upload_interrupted(patch));
    assert_false(alb_future_done(alb_upload_interrupt(patch)));
    struct alb_upload_session *head = acquire(w, "a", ALB_UPLOAD_LOOK, &f);
    assert_non_null(f);
    assert_false(alb_future_done(f));
    assert_true(alb_upload_interrupted(patch));
    assert_true(alb_future_done(alb_upload_interrupt(patch)));
    assert_int_equal(alb_future_error(alb_upload_interrupt(patch), NULL), ALB_E_CONFLICT);
    assert_code(alb_upload_append(patch, 300000, "x", 1, &err), ALB_E_CONFLICT);
    assert_ok(alb_upload_commit(patch, &err));
    assert_false(alb_future_done(f));
    alb_upload_release(&patch);
    assert_true(alb_future_done(f));
    assert_int_equal(alb_future_error(f, NULL), ALB_OK);
    alb_future_unref(f);
    assert_ok(alb_upload_load(head, &err));
    alb_upload_look(head, &v);
    assert_int_equal(v.offset, 300000);
    assert_int_equal(kit_file_size(w->k.fd, "uploads/a.data"), 300000);
    alb_upload_release(&head);
    patch = take(w, "a", ALB_UPLOAD_WRITE);
    assert_int_equal(alb_upload_position(patch), 300000);
    assert_ok(feed(patch, 1, 1000000, 50000));
    assert_int_equal(finish(&patch), ALB_OK);
    check_original(w, 1000000, 1);
}

/* T2: the request to stop comes between grant and first byte. */
static void an_interrupt_before_the_first_byte_is_seen(void **state)
{
    struct world *w = *state;
    struct alb_future *f;

    announce(w, "a", 1000);
    struct alb_upload_session *first = acquire(w, "a", ALB_UPLOAD_WRITE, &f);
    assert_null(f);
    struct alb_upload_session *second = acquire(w, "a", ALB_UPLOAD_WRITE, &f);
    assert_ok(alb_upload_load(first, &err));
    assert_code(alb_upload_append(first, 0, "x", 1, &err), ALB_E_CONFLICT);
    alb_upload_release(&first);
    assert_int_equal(wait_for(f), ALB_OK);
    alb_future_unref(f);
    assert_ok(alb_upload_load(second, &err));
    assert_false(alb_upload_interrupted(second)); /* the old request was for the old holder */
    assert_ok(feed(second, 1, 1000, 100));
    assert_int_equal(finish(&second), ALB_OK);
}

/* T3: the request to stop comes with the last byte: finished once, and the newcomer sees it. */
static void an_interrupt_at_the_last_byte_finishes_once(void **state)
{
    struct world *w = *state;
    struct alb_future *f, *end;
    struct alb_upload_view v;

    for (int before = 0; before < 2; before++) {
        char id[2] = {(char)('a' + before), '\0'};
        announce(w, id, 1000);
        struct alb_upload_session *patch = take(w, id, ALB_UPLOAD_WRITE), *head;
        assert_ok(feed(patch, 1, 1000, 100));
        w->sink.hold = true;
        w->sink.takes = 0;
        if (before)
            head = acquire(w, id, ALB_UPLOAD_WRITE, &f);
        assert_ok(alb_upload_finish(&patch, &end, &err));
        if (!before)
            head = acquire(w, id, ALB_UPLOAD_WRITE, &f);
        assert_non_null(f);
        assert_true(alb_uploads_look(w->u).finishing >= 1); /* the one before may still be tidying up */
        assert_false(alb_future_done(f));
        assert_false(alb_future_done(end));
        alb_future_unref(end); /* its client has gone: it goes on */
        test_sink_let_go(&w->sink);
        assert_int_equal(wait_for(f), ALB_OK);
        alb_future_unref(f);
        assert_ok(alb_upload_load(head, &err));
        alb_upload_look(head, &v);
        assert_int_equal(v.state, ALB_UPLOAD_FINISHED);
        assert_int_equal(finish(&head), ALB_OK);
        assert_int_equal(w->sink.takes, 1);
    }
}

/* T4: two at the same offset: one wins, the other stores nothing. */
static void two_writers_do_not_mix(void **state)
{
    struct world *w = *state;
    struct alb_future *f;

    announce(w, "a", 1000);
    struct alb_upload_session *one = take(w, "a", ALB_UPLOAD_WRITE);
    struct alb_upload_session *two = acquire(w, "a", ALB_UPLOAD_WRITE, &f);
    assert_int_equal(feed(one, 1, 500, 100), ALB_E_CONFLICT); /* newcomers win */
    alb_err_clear(&err);
    alb_upload_release(&one);
    assert_int_equal(wait_for(f), ALB_OK);
    alb_future_unref(f);
    assert_ok(alb_upload_load(two, &err));
    assert_ok(feed(two, 1, 500, 100));
    assert_code(alb_upload_append(two, 0, "x", 1, &err), ALB_E_CONFLICT);
    alb_upload_release(&two);
    assert_int_equal(offset_of(w, "a"), 500);
}

/* T5: DELETE against PATCH; those who wait are told at once. */
static void a_terminated_upload_refuses_who_waits(void **state)
{
    struct world *w = *state;
    struct alb_future *f, *g, *h;

    announce(w, "a", 1000);
    struct alb_upload_session *patch = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(patch, 1, 500, 100));
    struct alb_upload_session *del = acquire(w, "a", ALB_UPLOAD_TERMINATE, &f);
    struct alb_upload_session *head = acquire(w, "a", ALB_UPLOAD_LOOK, &g);
    struct alb_upload_session *left = acquire(w, "a", ALB_UPLOAD_LOOK, &h);
    assert_int_equal(alb_uploads_look(w->u).waiting, 3);
    alb_upload_release(&left); /* hangs up while it waits */
    assert_true(alb_future_done(h));
    alb_future_unref(h);
    assert_int_equal(alb_uploads_look(w->u).waiting, 2);
    alb_upload_release(&patch);
    assert_int_equal(wait_for(f), ALB_OK);
    assert_false(alb_future_done(g));
    assert_ok(alb_upload_load(del, &err));
    assert_true(alb_upload_interrupted(del)); /* head waits behind it; that does not keep it from its work */
    assert_ok(alb_upload_terminate(del, &err));
    assert_int_equal(wait_for(g), ALB_E_GONE);
    assert_code(alb_upload_load(head, &err), ALB_E_GONE);
    alb_upload_release(&head);
    struct alb_upload_session *late;
    struct alb_future *none;
    assert_code(alb_upload_acquire(w->u, ALB_STR("a"), OWNER, ALB_UPLOAD_LOOK, &late, &none, &err),
                ALB_E_NOT_FOUND);
    struct alb_upload_session *anew =
        create_id(w, "a", 5); /* the same id, while the old holder is still there */
    alb_upload_release(&del);
    alb_upload_release(&anew);
    alb_future_unref(f);
    alb_future_unref(g);
    assert_int_equal(alb_uploads_look(w->u).held, 0);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
}

/* T11: several wait: first come, first served; nobody is lost; nobody obeys a request that was for another.
 */
static void waiters_are_served_in_order(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s[6];
    struct alb_future *f[6];
    char id[] = "a";

    announce(w, id, 1000);
    s[0] = take(w, id, ALB_UPLOAD_WRITE);
    for (int i = 1; i < 6; i++)
        s[i] = acquire(w, id, i % 2 ? ALB_UPLOAD_WRITE : ALB_UPLOAD_LOOK, &f[i]);
    alb_upload_release(&s[3]); /* leaves the middle of the queue */
    assert_int_equal(alb_future_error(f[3], NULL), ALB_E_CANCELLED);
    for (int i = 1; i < 6; i++) {
        if (i == 3)
            continue;
        for (int later = i; later < 6; later++)
            assert_true(alb_future_done(f[later]) == (later == 3));
        int before = i == 1 ? 0 : i == 4 ? 2 : i - 1;
        alb_upload_release(&s[before]);
        assert_int_equal(wait_for(f[i]), ALB_OK);
        assert_ok(alb_upload_load(s[i], &err));
        assert_true(alb_upload_interrupted(s[i]) == (i < 5)); /* others wait behind it */
    }
    assert_ok(feed(s[5], 1, 1000, 100));
    assert_int_equal(finish(&s[5]), ALB_OK);
    for (int i = 1; i < 6; i++)
        alb_future_unref(f[i]);
    assert_int_equal(alb_uploads_look(w->u).waiting, 0);
}

static void a_queue_has_a_bound(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s[18], *more;
    struct alb_future *f[18], *none;

    announce(w, "a", 1000);
    for (unsigned i = 0; i < 1 + w->limits.waiters_max; i++)
        s[i] = acquire(w, "a", ALB_UPLOAD_LOOK, &f[i]);
    assert_code(alb_upload_acquire(w->u, ALB_STR("a"), OWNER, ALB_UPLOAD_LOOK, &more, &none, &err),
                ALB_E_BUSY);
    assert_null(more);
    for (unsigned i = 0; i < 1 + w->limits.waiters_max; i++) {
        alb_upload_release(&s[i]);
        alb_future_unref(f[i]);
    }
    assert_int_equal(alb_uploads_look(w->u).held, 0);
}

/* T19: the sweeper never takes an upload from under its writer or its queue; T12: it ends once. */
static void expiry_waits_for_the_holder(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;

    announce(w, "a", 1000);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    alb_manual_clock_advance(&w->clock, 2 * w->limits.keep_ms * ALB_NS_PER_MS);
    alb_uploads_sweep(w->u, 5, &swept);
    assert_int_equal(swept.expired, 0);
    assert_ok(feed(s, 1, 500, 100));
    assert_ok(alb_upload_commit(s, &err)); /* progress: it may stay */
    alb_upload_release(&s);
    alb_upload_release(&s);
    alb_uploads_sweep(w->u, 5, &swept);
    assert_int_equal(swept.expired, 0);
    assert_int_equal(offset_of(w, "a"), 500);
}

static void stop_ends_every_wait(void **state)
{
    struct world *w = *state;
    struct alb_future *f, *g, *end;

    announce(w, "a", 1000);
    announce(w, "b", 1000);
    announce(w, "c", 100);
    struct alb_upload_session *a = take(w, "a", ALB_UPLOAD_WRITE), *b = take(w, "b", ALB_UPLOAD_WRITE);
    assert_ok(feed(a, 1, 500, 100));
    struct alb_upload_session *waits = acquire(w, "a", ALB_UPLOAD_LOOK, &f);
    struct alb_upload_session *c = take(w, "c", ALB_UPLOAD_WRITE);
    assert_ok(feed(c, 1, 100, 100));
    w->sink.hold = true;
    assert_ok(alb_upload_finish(&c, &end, &err));
    struct alb_upload_session *waits_for_end = acquire(w, "c", ALB_UPLOAD_LOOK, &g);
    alb_uploads_stop(w->u);
    assert_true(alb_upload_interrupted(a));
    assert_true(alb_upload_interrupted(b));
    assert_int_equal(wait_for(f), ALB_E_BUSY);
    assert_int_equal(wait_for(g), ALB_E_BUSY);
    assert_code(alb_upload_load(waits, &err), ALB_E_BUSY);
    struct alb_upload_session *none;
    struct alb_future *no;
    assert_code(alb_upload_acquire(w->u, ALB_STR("b"), OWNER, ALB_UPLOAD_LOOK, &none, &no, &err), ALB_E_BUSY);
    struct alb_upload_spec spec = {.owner = 1, .length = 1};
    assert_code(alb_upload_create(w->u, &spec, &none, &err), ALB_E_BUSY);
    alb_upload_release(&a);
    alb_upload_release(&b);
    alb_upload_release(&waits);
    alb_upload_release(&waits_for_end);
    alb_future_unref(f);
    alb_future_unref(g);
    test_sink_let_go(&w->sink);
    assert_int_equal(wait_for(end), ALB_OK);
    alb_future_unref(end);
    world_again(w);
    assert_int_equal(offset_of(w, "a"), 500);
    assert_int_equal(state_of(w, "c"), ALB_UPLOAD_FINISHED);
}

/* ---- many threads ---- */

#define THREADS 8
#define UPLOADS 5
#define LENGTH 400000

struct crowd {
    struct world *w;
    atomic_uint finished, interrupted, terminated, conflicts, broken;
    _Atomic int64_t reported[UPLOADS]; /* largest offset that anybody was told, per life of the upload */
    atomic_uint life[UPLOADS];
};
struct one {
    struct crowd *c;
    uint64_t random;
};

static uint32_t dice(struct one *me, uint32_t n)
{
    me->random = me->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(me->random >> 33) % n;
}

static bool wait_or_leave(struct one *me, struct alb_upload_session **s, struct alb_future *f)
{
    if (f == NULL)
        return true;
    if (dice(me, 6) == 0) { /* hangs up */
        alb_future_unref(f);
        alb_upload_release(s);
        return false;
    }
    enum alb_code code = alb_future_await(f, alb_mono(alb_clock_real()) + 120 * ALB_NS_PER_S, NULL);
    alb_future_unref(f);
    if (code == ALB_E_TIMEOUT)
        atomic_fetch_add(&me->c->broken, 1);
    return true;
}

/* U1: in one life of an upload the offset never goes back behind what was reported. Called while it is held.
 */
static void told(struct crowd *c, unsigned i, int64_t offset)
{
    if (offset < atomic_load(&c->reported[i]))
        atomic_fetch_add(&c->broken, 1);
    atomic_store(&c->reported[i], offset);
}

static void patch(struct one *me, unsigned i, struct alb_upload_session **s)
{
    struct crowd *c = me->c;
    struct alb_upload_view v;
    unsigned char piece[9000];

    alb_upload_look(*s, &v);
    told(c, i, v.offset);
    int64_t until = v.offset + (int64_t)dice(me, 200000);
    bool all = until >= LENGTH;
    while (v.state == ALB_UPLOAD_OPEN && alb_upload_position(*s) < (all ? LENGTH : until)) {
        int64_t at = alb_upload_position(*s), left = (all ? LENGTH : until) - at;
        size_t n = left < (int64_t)sizeof(piece) ? (size_t)left : sizeof(piece);
        kit_fill(piece, n, at, i);
        if (alb_upload_append(*s, at, piece, n, NULL) != ALB_OK) {
            if (!alb_upload_interrupted(*s))
                atomic_fetch_add(&c->broken, 1);
            atomic_fetch_add(&c->interrupted, 1);
            break;
        }
    }
    if (alb_upload_position(*s) == LENGTH) {
        struct alb_future *f;
        told(c, i, LENGTH); /* before it is passed on; it will be, or the test fails */
        if (alb_upload_finish(s, &f, NULL) != ALB_OK) {
            atomic_fetch_add(&c->broken, 1);
            return;
        }
        if (dice(me, 2) == 0 &&
            alb_future_await(f, alb_mono(alb_clock_real()) + 120 * ALB_NS_PER_S, NULL) == ALB_OK)
            atomic_fetch_add(&c->finished, 1);
        alb_future_unref(f);
        return;
    }
    if (dice(me, 2) == 0 && alb_upload_commit(*s, NULL) == ALB_OK) {
        alb_upload_look(*s, &v);
        told(c, i, v.offset);
    }
}

static void make(struct one *me, unsigned i, const char *id)
{
    struct alb_upload_session *s;
    struct alb_upload_spec spec = {.id = alb_str_c(id), .owner = OWNER, .length = LENGTH};

    if (alb_upload_create(me->c->w->u, &spec, &s, NULL) != ALB_OK) {
        atomic_fetch_add(&me->c->conflicts, 1);
        return;
    }
    if (alb_upload_commit(s, NULL) != ALB_OK)
        atomic_fetch_add(&me->c->broken, 1);
    (void)i;
    alb_upload_release(&s);
}

static void visit(struct one *me)
{
    struct crowd *c = me->c;
    unsigned i = dice(me, UPLOADS), what = dice(me, 20);
    enum alb_upload_intent intent = what == 0  ? ALB_UPLOAD_TERMINATE
                                    : what < 8 ? ALB_UPLOAD_LOOK
                                               : ALB_UPLOAD_WRITE;
    struct alb_upload_session *s;
    struct alb_future *f;
    struct alb_upload_view v;
    char id[16];

    (void)snprintf(id, sizeof(id), "crowd-%u", i);
    enum alb_code code = alb_upload_acquire(c->w->u, alb_str_c(id), OWNER, intent, &s, &f, NULL);
    if (code == ALB_E_NOT_FOUND) {
        make(me, i, id);
        return;
    }
    if (code != ALB_OK) {
        if (code != ALB_E_BUSY)
            atomic_fetch_add(&c->broken, 1);
        return;
    }
    if (!wait_or_leave(me, &s, f))
        return;
    code = alb_upload_load(s, NULL);
    if (code == ALB_OK && intent == ALB_UPLOAD_WRITE) {
        patch(me, i, &s);
    } else if (code == ALB_OK && intent == ALB_UPLOAD_LOOK) {
        alb_upload_look(s, &v);
        told(c, i, v.offset);
    } else if (code == ALB_OK) {
        atomic_store(&c->reported[i], 0);
        if (alb_upload_terminate(s, NULL) != ALB_OK)
            atomic_fetch_add(&c->broken, 1);
        atomic_fetch_add(&c->terminated, 1);
    } else if (code != ALB_E_GONE) {
        atomic_fetch_add(&c->broken, 1);
    }
    alb_upload_release(&s);
}

static void *crowd_thread(void *arg)
{
    struct one *me = arg;
    struct alb_upload_swept swept;

    for (int n = 0; n < 250; n++) {
        visit(me);
        if (dice(me, 50) == 0)
            alb_uploads_sweep(me->c->w->u, 2, &swept);
        (void)alb_uploads_look(me->c->w->u);
    }
    return NULL;
}

static void a_crowd_agrees(void **state)
{
    struct world *w = *state;
    struct crowd c = {.w = w};
    struct one ones[THREADS];
    pthread_t threads[THREADS];
    int fds = kit_open_fds();

    w->sink.store = NULL; /* it is about uploads; originals have their own races */
    for (unsigned i = 0; i < THREADS; i++) {
        ones[i] = (struct one){&c, i * 77 + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_thread, &ones[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&c.broken), 0);
    assert_true(atomic_load(&c.finished) > 0);
    assert_true(atomic_load(&c.interrupted) > 0);
    assert_true(atomic_load(&c.terminated) > 0);
    world_again(w); /* waits for what still finishes */
    assert_int_equal(kit_open_fds(), fds);
    for (unsigned i = 0; i < UPLOADS; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "crowd-%u", i);
        if (!alb_upload_known(w->u, alb_str_c(id)))
            continue;
        assert_true(offset_of(w, id) >= atomic_load(&c.reported[i]));
        struct alb_upload_session *s = take(w, id, ALB_UPLOAD_WRITE);
        struct alb_upload_view v;
        alb_upload_look(s, &v);
        if (v.state == ALB_UPLOAD_FINISHED) {
            alb_upload_release(&s);
            continue;
        }
        assert_ok(feed(s, i, LENGTH, 50000));
        assert_int_equal(finish(&s), ALB_OK);
        check_original(w, LENGTH, i); /* never interleaved, never half */
    }
    struct alb_uploads_view v = alb_uploads_look(w->u);
    assert_int_equal(v.held, 0);
    assert_int_equal(v.waiting, 0);
    assert_int_equal(v.finishing, 0);
    assert_int_equal(v.stored_bytes, 0);
}

/* T16: a thousand slow ones do not slow a fast one, a thousand times: nothing is held but their own upload, and
 * nothing that there is less of than of them. Some have sent their first bytes; nobody waits for any of them. */
static void a_thousand_idle_holders_are_in_nobodys_way(void **state)
{
    struct world *w = *state;
    static struct alb_upload_session *idle[1000];
    struct alb_future *f;
    char id[16];

    w->sink.store = NULL;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof(id), "slow-%d", i);
        announce(w, id, 1000);
        idle[i] = acquire(w, id, ALB_UPLOAD_WRITE, &f);
        assert_null(f);
        if (i % 5 > 0)
            continue;
        assert_ok(alb_upload_load(idle[i], &err));
        assert_ok(feed(idle[i], (uint64_t)i, 100, 100));
    }
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof(id), "fast-%d", i);
        struct alb_upload_session *s = create_id(w, id, 5000);
        assert_ok(feed(s, 1, 5000, 1000));
        assert_int_equal(finish(&s), ALB_OK);
    }
    assert_int_equal(alb_uploads_look(w->u).held, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_false(alb_upload_interrupted(idle[i]));
        alb_upload_release(&idle[i]);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(a_look_stops_the_writer_and_is_true),
        T(an_interrupt_before_the_first_byte_is_seen),
        T(an_interrupt_at_the_last_byte_finishes_once),
        T(two_writers_do_not_mix),
        T(a_terminated_upload_refuses_who_waits),
        T(waiters_are_served_in_order),
        T(a_queue_has_a_bound),
        T(expiry_waits_for_the_holder),
        T(stop_ends_every_wait),
        T(a_crowd_agrees),
        T(a_thousand_idle_holders_are_in_nobodys_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
