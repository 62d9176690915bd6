/* SPDX-License-Identifier: Apache-2.0
 *
 * The races that every tus server has to win (T1 to T20), each a thousand times between real threads that
 * begin together; then what must hold, holds. Here are those of one upload: T1 to T6, T11, T12, T17 to T19.
 * Parts of a whole (T5, T13, T14) are in test_race_parts.c, failures (T15) in test_race_failures.c; a
 * thousand idle holders (T16) and the same orders one step at a time in test_queue.c. In tests/unit/doors:
 * what ends a request (T7) in test_tus_race_ends.c, hooks and the log (T8 to T10) in test_tus_race_hooks.c,
 * the wire (T20, as far as HTTP/1.1 goes) in test_tus_race_wire.c.
 */
#include "race.h"

/* ---- what clients do ---- */

static void announce_1000(struct race *r)
{
    announce(r->w, r->id, 1000);
}

static void announce_open(struct race *r)
{
    announce(r->w, r->id, ALB_UPLOAD_DEFERRED);
}

static void nothing_to_check(struct race *r)
{
    (void)r;
}

static void look(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_LOOK);
    struct alb_upload_view v;

    if (s == NULL)
        return;
    alb_upload_look(s, &v);
    r->seen = v.offset;
    alb_upload_release(&s);
}

static void terminate(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_TERMINATE);

    if (s == NULL)
        return;
    ALB_CHECK(alb_upload_terminate(s, NULL) == ALB_OK);
    alb_upload_release(&s);
}

/* ---- T1: a HEAD and a PATCH ---- */

static void patch_500(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);

    enum alb_code code = push(s, 'a', 500);
    ALB_CHECK(code == ALB_OK || code == ALB_E_CONFLICT);
    end_write(s);
}

static void the_head_was_right(struct race *r)
{
    struct alb_upload_session *s = take(r->w, r->id, ALB_UPLOAD_WRITE);

    assert_true(r->seen >= 0 && r->seen <= alb_upload_position(s));
    assert_int_equal(push(s, 'a', 1000), ALB_OK);
    assert_int_equal(finish(&s), ALB_OK);
}

static void t1_head_and_patch(void **state)
{
    struct race r = {.act = {patch_500, look, look}};

    race(*state, &r, announce_1000, the_head_was_right);
}

static void patch_until_stopped(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);

    atomic_store(&r->wins, 1);
    if (push(s, 'a', 400000) == ALB_OK)
        ALB_CHECK(wait_for(alb_upload_interrupt(s)) == ALB_E_CONFLICT);
    end_write(s);
}

/* While the bytes come in: where HEAD says, there they end on the disk, and there the next PATCH goes on. */
static void look_and_go_on(struct race *r)
{
    char name[64];

    while (atomic_load(&r->wins) == 0)
        (void)sched_yield();
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_LOOK);
    struct alb_upload_view v;
    alb_upload_look(s, &v);
    (void)snprintf(name, sizeof(name), "uploads/%s.data", r->id);
    ALB_CHECK(kit_file_size(r->w->k.fd, name) == v.offset || v.offset == 0);
    alb_upload_release(&s);
    s = hold(r, ALB_UPLOAD_WRITE);
    ALB_CHECK(alb_upload_position(s) == v.offset);
    ALB_CHECK(push(s, 'a', v.offset + PIECE) == ALB_OK);
    ALB_CHECK(alb_upload_commit(s, NULL) == ALB_OK);
    alb_upload_release(&s);
    r->seen = v.offset;
}

static void it_went_on(struct race *r)
{
    assert_int_equal(offset_of(r->w, r->id), r->seen + PIECE);
}

static void t1_a_head_is_where_the_next_patch_begins(void **state)
{
    struct race r = {.act = {patch_until_stopped, look_and_go_on, NULL}};

    race(*state, &r, announce_open, it_went_on);
}

/* ---- T2: an interrupt at any moment between grant and first byte is seen ---- */

/* In every second round exactly in the gap: it is granted, and has not begun. */
static void push_for_ever(struct race *r)
{
    struct alb_upload_session *s;
    struct alb_future *f;

    ALB_CHECK(alb_upload_acquire(r->w->u, alb_str_c(r->id), OWNER, ALB_UPLOAD_WRITE, &s, &f, NULL) == ALB_OK);
    ALB_CHECK(f == NULL);
    while (r->round % 2 == 0 && alb_uploads_look(r->w->u).waiting == 0)
        (void)sched_yield();
    ALB_CHECK(alb_upload_load(s, NULL) == ALB_OK);
    ALB_CHECK(r->round % 2 != 0 || alb_upload_interrupted(s));
    if (push(s, 'a', 1000) == ALB_OK) /* a lost interrupt is never seen: wait_for gives up */
        ALB_CHECK(wait_for(alb_upload_interrupt(s)) == ALB_E_CONFLICT);
    ALB_CHECK(alb_upload_append(s, alb_upload_position(s), "x", 1, NULL) == ALB_E_CONFLICT);
    ALB_CHECK(alb_upload_interrupted(s));
    ALB_CHECK(wait_for(alb_upload_interrupt(s)) == ALB_E_CONFLICT);
    end_write(s);
}

static void wait_and_look(struct race *r)
{
    while (alb_uploads_look(r->w->u).held == 0 && atomic_load(&r->wins) == 0)
        (void)sched_yield();
    atomic_store(&r->wins, 1);
    look(r);
}

static void t2_no_interrupt_is_lost(void **state)
{
    struct world *w = *state;
    struct race r = {.act = {push_for_ever, wait_and_look, NULL}};

    race(w, &r, announce_open, nothing_to_check);
}

/* ---- T3: the last byte: finished once, whoever comes ---- */

static void patch_to_the_end(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);
    struct alb_future *f;

    if (s == NULL)
        return;
    if (push(s, 'a', 1000) == ALB_OK) {
        ALB_CHECK(alb_upload_finish(&s, &f, NULL) == ALB_OK);
        ALB_CHECK(wait_for(f) == ALB_OK);
        alb_future_unref(f);
        atomic_fetch_add(&r->takes_told, 1);
    } else {
        end_write(s);
    }
}

static void finished_at_most_once(struct race *r)
{
    assert_true(r->w->sink.takes <= 1);
    assert_true(r->takes_told == 0 || r->w->sink.takes == 1);
    if (r->takes_told > 0)
        assert_int_equal(state_of(r->w, r->id), ALB_UPLOAD_FINISHED);
    r->w->sink.takes = 0;
}

static void t3_finished_once(void **state)
{
    struct race r = {.act = {patch_to_the_end, patch_to_the_end, look}};

    race(*state, &r, announce_1000, finished_at_most_once);
}

/* ---- T4: two PATCHes of one offset ---- */

static void patch_with(struct race *r, char letter)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);

    if (alb_upload_position(s) == 0 && push(s, letter, 900) == ALB_OK)
        atomic_fetch_add(&r->wins, 1);
    end_write(s);
}

static void patch_a(struct race *r)
{
    patch_with(r, 'a');
}

static void patch_b(struct race *r)
{
    patch_with(r, 'b');
}

static void patch_c(struct race *r)
{
    patch_with(r, 'c');
}

static void of_one_letter(struct race *r)
{
    struct alb_upload_reader *reader;
    struct alb_upload_view v;
    char bytes[1000];
    size_t n;

    assert_true(r->wins <= 1);
    assert_ok(alb_upload_reader_open(r->w->u, alb_str_c(r->id), OWNER, &reader, &v, &err));
    assert_ok(alb_upload_reader_read(reader, 0, bytes, sizeof(bytes), &n, &err));
    assert_int_equal(n, v.offset);
    assert_true(r->wins == 0 || n == 900);
    for (size_t i = 1; i < n; i++)
        assert_int_equal(bytes[i], bytes[0]);
    alb_upload_reader_close(&reader);
}

static void t4_bytes_never_mix(void **state)
{
    struct race r = {.act = {patch_a, patch_b, patch_c}};

    race(*state, &r, announce_1000, of_one_letter);
}

/* ---- T5, T6: DELETE, GET and PATCH ---- */

static void patch_if_there(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);

    if (s == NULL)
        return;
    (void)!push(s, 'a', 900);
    end_write(s);
}

static void download(struct race *r)
{
    struct alb_upload_reader *reader;
    struct alb_upload_view v;
    char bytes[1000];
    size_t n;
    enum alb_code code = alb_upload_reader_open(r->w->u, alb_str_c(r->id), OWNER, &reader, &v, NULL);

    if (code != ALB_OK) {
        ALB_CHECK(code == ALB_E_NOT_FOUND || code == ALB_E_GONE);
        return;
    }
    ALB_CHECK(alb_upload_reader_read(reader, 0, bytes, sizeof(bytes), &n, NULL) == ALB_OK);
    ALB_CHECK((int64_t)n == v.offset);
    for (size_t i = 0; i < n; i++)
        ALB_CHECK(bytes[i] == 'a');
    alb_upload_reader_close(&reader);
}

static void half_there(struct race *r)
{
    announce(r->w, r->id, 1000);
    struct alb_upload_session *s = take(r->w, r->id, ALB_UPLOAD_WRITE);
    assert_int_equal(push(s, 'a', 500), ALB_OK);
    end_write(s);
}

static void it_is_gone(struct race *r)
{
    char name[64];

    assert_false(alb_upload_known(r->w->u, alb_str_c(r->id)));
    (void)snprintf(name, sizeof(name), "uploads/%s.data", r->id);
    assert_false(kit_exists(r->w->k.fd, name));
    (void)snprintf(name, sizeof(name), "uploads/%s.state", r->id);
    assert_false(kit_exists(r->w->k.fd, name));
}

static void t5_delete_patch_and_get(void **state)
{
    struct race r = {.act = {patch_if_there, terminate, download}};

    race(*state, &r, half_there, it_is_gone);
}

/* Who reads stops nobody. */
static void patch_undisturbed(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);

    for (int64_t until = 100; until <= 500; until += 100) {
        ALB_CHECK(push(s, 'a', until) == ALB_OK);
        ALB_CHECK(alb_upload_commit(s, NULL) == ALB_OK);
    }
    alb_upload_release(&s);
}

static void half_is_there(struct race *r)
{
    assert_int_equal(offset_of(r->w, r->id), 500);
}

static void t6_gets_and_a_patch(void **state)
{
    struct race r = {.act = {patch_undisturbed, download, download}};

    race(*state, &r, announce_1000, half_is_there);
}

/* Those who read without holding, while it is finished: they see it before, or after. */
static void read_while_it_ends(struct race *r)
{
    struct alb_upload_reader *reader;
    struct alb_upload_view v;

    for (int i = 0; i < 3; i++) {
        enum alb_code code = alb_upload_reader_open(r->w->u, alb_str_c(r->id), OWNER, &reader, &v, NULL);
        ALB_CHECK(code == ALB_OK || code == ALB_E_GONE);
        alb_upload_reader_close(&reader);
    }
}

static void t6_gets_and_the_end(void **state)
{
    struct race r = {.act = {patch_to_the_end, read_while_it_ends, read_while_it_ends}};

    race(*state, &r, announce_1000, finished_at_most_once);
}

/* ---- T11, T12: waiters and those who give up ---- */

static void hold_shortly(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);

    ALB_CHECK(atomic_fetch_add(&r->takes_told, 1) == 0); /* nobody else holds it */
    (void)sched_yield();
    ALB_CHECK(atomic_fetch_sub(&r->takes_told, 1) == 1);
    atomic_fetch_add(&r->wins, 1);
    alb_upload_release(&s);
}

static void give_up(struct race *r)
{
    struct alb_upload_session *s;
    struct alb_future *f;

    ALB_CHECK(alb_upload_acquire(r->w->u, alb_str_c(r->id), OWNER, ALB_UPLOAD_WRITE, &s, &f, NULL) == ALB_OK);
    if (f != NULL && r->round % 2 == 0)
        ALB_CHECK(wait_for(f) == ALB_OK);
    alb_upload_release(&s); /* while it waits, at the moment of the grant, or soon after */
    alb_upload_release(&s);
    alb_future_unref(f);
}

static void two_have_held_it(struct race *r)
{
    assert_int_equal(r->wins, 2);
}

static void t11_t12_waiters(void **state)
{
    struct race r = {.act = {hold_shortly, hold_shortly, give_up}};

    race(*state, &r, announce_1000, two_have_held_it);
}

/* ---- T17: bytes that were not checked are taken back, however it ends ---- */

/* Its checksum is wrong, or its client hangs up before it is known, or another request comes before. */
static void patch_checked(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);

    ALB_CHECK(alb_upload_hold_back(s, NULL) == ALB_OK);
    if (push(s, 'b', 600 + r->round % 4 * PIECE) == ALB_OK && r->round % 8 < 4)
        ALB_CHECK(alb_upload_rollback(s, NULL) == ALB_OK);
    alb_upload_release(&s);
}

static void still_half(struct race *r)
{
    assert_int_equal(offset_of(r->w, r->id), 500);
    struct alb_upload_session *s = take(r->w, r->id, ALB_UPLOAD_WRITE);
    assert_int_equal(push(s, 'a', 1000), ALB_OK);
    end_write(s);
    download(r); /* all of one letter */
}

static void t17_unchecked_bytes(void **state)
{
    struct race r = {.act = {patch_checked, look, patch_checked}};

    race(*state, &r, half_there, still_half);
}

/* ---- T18: a length is declared while others look ---- */

static void patch_and_declare(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);

    if (push(s, 'a', 500) == ALB_OK) {
        ALB_CHECK(alb_upload_commit(s, NULL) == ALB_OK);
        ALB_CHECK(alb_upload_declare(s, 1000, NULL) == ALB_OK);
        ALB_CHECK(alb_upload_commit(s, NULL) == ALB_OK);
        atomic_store(&r->wins, 1);
    }
    end_write(s);
}

static void what_was_declared_stays(struct race *r)
{
    struct alb_upload_session *s = take(r->w, r->id, ALB_UPLOAD_LOOK);
    struct alb_upload_view v;

    alb_upload_look(s, &v);
    assert_int_equal(v.length, r->wins > 0 ? 1000 : ALB_UPLOAD_DEFERRED);
    alb_upload_release(&s);
}

static void look_twice(struct race *r)
{
    int64_t known = ALB_UPLOAD_DEFERRED;
    struct alb_upload_view v;

    for (int i = 0; i < 2; i++) {
        struct alb_upload_session *s = hold(r, ALB_UPLOAD_LOOK);
        alb_upload_look(s, &v);
        ALB_CHECK(v.length == 1000 || v.length == known); /* once known it stays */
        known = v.length;
        alb_upload_release(&s);
    }
}

static void t18_declare_and_look(void **state)
{
    struct race r = {.act = {patch_and_declare, look_twice, look_twice}};

    race(*state, &r, announce_open, what_was_declared_stays);
}

/* ---- T19: the sweep and a client who comes back at the last moment ---- */

static void sweep(struct race *r)
{
    struct alb_upload_swept swept;

    alb_uploads_sweep(r->w->u, 10, &swept);
}

static void come_back(struct race *r)
{
    struct alb_upload_session *s = hold(r, ALB_UPLOAD_WRITE);

    if (s == NULL)
        return;
    ALB_CHECK(alb_upload_position(s) == 500);
    if (push(s, 'a', 900) == ALB_OK && alb_upload_commit(s, NULL) == ALB_OK)
        atomic_fetch_add(&r->wins, 1); /* told that it is there: it expires later */
    alb_upload_release(&s);
}

static void half_there_and_old(struct race *r)
{
    half_there(r);
    r->w->clock.wall += 15LL * 24 * 3600 * 1000;
}

static void who_was_told_has_it(struct race *r)
{
    if (r->wins > 0)
        assert_int_equal(offset_of(r->w, r->id), 900);
    else
        assert_false(alb_upload_known(r->w->u, alb_str_c(r->id)));
}

static void t19_expiry_and_resume(void **state)
{
    struct race r = {.act = {come_back, sweep, NULL}};

    race(*state, &r, half_there_and_old, who_was_told_has_it);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, races_setup, races_teardown)
    const struct CMUnitTest tests[] = {
        T(t1_head_and_patch),       T(t1_a_head_is_where_the_next_patch_begins),
        T(t2_no_interrupt_is_lost), T(t3_finished_once),
        T(t4_bytes_never_mix),      T(t5_delete_patch_and_get),
        T(t6_gets_and_a_patch),     T(t6_gets_and_the_end),
        T(t11_t12_waiters),         T(t17_unchecked_bytes),
        T(t18_declare_and_look),    T(t19_expiry_and_resume),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
