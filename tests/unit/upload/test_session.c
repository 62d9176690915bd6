/* SPDX-License-Identifier: Apache-2.0
 *
 * One client at a time: create, append, commit, resume, roll back, declare, finish, terminate, expire;
 * limits; full disks.
 */
#include "world.h"

/* ---- bytes in ---- */

static void bytes_survive_restarts(void **state)
{
    struct world *w = *state;
    const int64_t n = 5000000;
    const int64_t stops[] = {1, 500, 1048575, 1048576, 1048577, 3000000, n};

    announce(w, "a", n);
    for (size_t i = 0; i < ALB_ARRAY_LEN(stops); i++) {
        struct alb_upload_view v;
        struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
        assert_ok(feed(s, 1, stops[i], 70000));
        assert_ok(alb_upload_commit(s, &err));
        alb_upload_look(s, &v);
        assert_int_equal(v.offset, stops[i]);
        assert_int_equal(v.length, n);
        assert_int_equal(v.owner, OWNER);
        assert_true(alb_str_eq_c(v.metadata, "filename YS5qcGc="));
        assert_true(alb_str_eq_c(v.note, "n"));
        assert_true(v.announced);
        alb_upload_release(&s);
        assert_int_equal(alb_uploads_look(w->u).stored_bytes, stops[i]);
        world_again(w);
        assert_int_equal(offset_of(w, "a"), stops[i]);
        assert_int_equal(alb_uploads_look(w->u).stored_bytes, stops[i]);
    }
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_int_equal(finish(&s), ALB_OK);
    check_original(w, (size_t)n, 1);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
    assert_int_equal(alb_uploads_look(w->u).unfinished, 0);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 1); /* the record with the answer */
    world_again(w);
    assert_int_equal(state_of(w, "a"), ALB_UPLOAD_FINISHED);
    assert_int_equal(offset_of(w, "a"), n);
    s = take(w, "a", ALB_UPLOAD_WRITE); /* the client that lost the answer */
    assert_code(alb_upload_append(s, n, "x", 1, &err), ALB_E_CONFLICT);
    assert_int_equal(finish(&s), ALB_OK);
    assert_int_equal(w->sink.takes, 0); /* of this process */
}

static void pieces_are_checked(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s = create_id(w, "a", 10);
    struct alb_future *f;

    assert_ok(alb_upload_append(s, 0, "01234", 5, &err));
    assert_code(alb_upload_append(s, 4, "4", 1, &err), ALB_E_CONFLICT);
    assert_code(alb_upload_append(s, 6, "6", 1, &err), ALB_E_CONFLICT);
    assert_code(alb_upload_append(s, 5, "567890", 6, &err), ALB_E_TOO_LARGE); /* and nothing of it is taken */
    assert_int_equal(alb_upload_position(s), 5);
    assert_ok(alb_upload_append(s, 5, NULL, 0, &err));
    assert_code(alb_upload_finish(&s, &f, &err), ALB_E_CONFLICT);
    assert_non_null(s);
    assert_ok(alb_upload_append(s, 5, "56789", 5, &err));
    assert_int_equal(finish(&s), ALB_OK);
}

static void empty_uploads_are_complete_at_once(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s = create_id(w, "a", 0);

    assert_int_equal(finish(&s), ALB_OK);
    check_original(w, 0, 1);
    announce(w, "b", 0);
    s = take(w, "b", ALB_UPLOAD_WRITE);
    assert_int_equal(finish(&s), ALB_OK);
    assert_int_equal(state_of(w, "b"), ALB_UPLOAD_FINISHED);
}

static void nothing_is_left_of_what_nobody_was_told(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s = create_id(w, "a", 100);

    assert_ok(alb_upload_append(s, 0, "0123", 4, &err));
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 4);
    assert_false(alb_upload_known(w->u, ALB_STR("a")));
    alb_upload_release(&s);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
    assert_int_equal(alb_uploads_look(w->u).known, 0);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
    alb_upload_release(&s); /* NULL */

    struct alb_upload_spec spec = {.owner = OWNER, .length = 5, .transient = true};
    struct alb_upload_view v;
    struct alb_future *f;
    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    alb_upload_look(s, &v);
    assert_int_equal(v.id.n, 32);
    char id[33];
    assert_true(alb_str_to_c(v.id, id, sizeof(id)));
    assert_ok(alb_upload_append(s, 0, "hello", 5, &err));
    assert_ok(alb_upload_commit(s, &err)); /* durable bytes, and nothing to find */
    struct alb_upload_session *none;
    assert_code(alb_upload_acquire(w->u, alb_str_c(id), OWNER, ALB_UPLOAD_LOOK, &none, &f, &err),
                ALB_E_NOT_FOUND);
    assert_int_equal(finish(&s), ALB_OK);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
    assert_int_equal(alb_uploads_look(w->u).known, 0);
    for (int refusal = 0; refusal < 2; refusal++) {
        w->sink.fail = refusal ? ALB_E_UNPROCESSABLE : ALB_E_BUSY;
        assert_ok(alb_upload_create(w->u, &spec, &s, &err));
        assert_ok(alb_upload_append(s, 0, "hello", 5, &err));
        assert_int_equal(finish(&s), w->sink.fail);
        assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
        assert_int_equal(alb_uploads_look(w->u).known, 0);
        assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
    }
}

static void ids_and_owners(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s;
    struct alb_future *f;
    const char *const bad[] = {"a/b", "..", "a.b", "a b", "\xc3\xa4"};

    announce(w, "a", 10);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_upload_spec spec = {.id = alb_str_c(bad[i]), .owner = OWNER, .length = 1};
        assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_INVALID);
        assert_code(alb_upload_acquire(w->u, alb_str_c(bad[i]), OWNER, ALB_UPLOAD_LOOK, &s, &f, &err),
                    ALB_E_NOT_FOUND);
        assert_null(s);
    }
    struct alb_upload_spec spec = {.id = ALB_STR("a"), .owner = 8, .length = 1};
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_CONFLICT);
    assert_code(alb_upload_acquire(w->u, ALB_STR("a"), 8, ALB_UPLOAD_WRITE, &s, &f, &err), ALB_E_NOT_FOUND);
    assert_code(alb_upload_acquire(w->u, ALB_STR(""), 8, ALB_UPLOAD_WRITE, &s, &f, &err), ALB_E_NOT_FOUND);
    assert_ok(alb_upload_acquire(w->u, ALB_STR("a"), ALB_UPLOAD_ANYONE, ALB_UPLOAD_LOOK, &s, &f, &err));
    alb_upload_release(&s); /* not even loaded */
    spec = (struct alb_upload_spec){.owner = -1, .length = 1};
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_INVALID);
    spec = (struct alb_upload_spec){.owner = 1, .length = -2};
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_INVALID);
    /* A stranger does not even stop the writer. */
    struct alb_upload_session *writer = take(w, "a", ALB_UPLOAD_WRITE);
    assert_code(alb_upload_acquire(w->u, ALB_STR("a"), 8, ALB_UPLOAD_WRITE, &s, &f, &err), ALB_E_NOT_FOUND);
    assert_false(alb_upload_interrupted(writer));
    alb_upload_release(&writer);
}

static void a_deferred_length_is_declared_once(void **state)
{
    struct world *w = *state;
    struct alb_upload_view v;

    announce(w, "a", ALB_UPLOAD_DEFERRED);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    struct alb_future *f;
    assert_ok(feed(s, 1, 1000, 300));
    assert_ok(alb_upload_commit(s, &err));
    assert_code(alb_upload_finish(&s, &f, &err), ALB_E_CONFLICT);
    assert_code(alb_upload_declare(s, 999, &err), ALB_E_INVALID);
    assert_code(alb_upload_declare(s, w->limits.max_bytes + 1, &err), ALB_E_TOO_LARGE);
    assert_ok(alb_upload_declare(s, 2000, &err));
    assert_ok(alb_upload_declare(s, 2000, &err));
    assert_code(alb_upload_declare(s, 2001, &err), ALB_E_CONFLICT);
    alb_upload_release(&s); /* never committed: nobody was told */
    s = take(w, "a", ALB_UPLOAD_WRITE);
    alb_upload_look(s, &v);
    assert_int_equal(v.length, ALB_UPLOAD_DEFERRED);
    assert_ok(alb_upload_declare(s, 1500, &err));
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
    world_again(w);
    s = take(w, "a", ALB_UPLOAD_WRITE);
    alb_upload_look(s, &v);
    assert_int_equal(v.length, 1500);
    assert_ok(feed(s, 1, 1500, 300));
    assert_int_equal(finish(&s), ALB_OK);
    check_original(w, 1500, 1);
}

/* A request whose checksum does not fit takes its bytes back. */
static void bytes_can_be_taken_back(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s = create_id(w, "a", 3000000);

    assert_ok(alb_upload_hold_back(s, &err)); /* in the request that creates it */
    assert_ok(feed(s, 99, 1200000, 100000));
    assert_ok(alb_upload_rollback(s, &err));
    assert_int_equal(alb_upload_position(s), 0);
    assert_ok(feed(s, 1, 1500000, 100000));
    assert_ok(alb_upload_hold_back(s, &err)); /* commits what came before */
    assert_ok(feed(s, 98, 2900000, 100000));
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 2900000);
    assert_ok(alb_upload_rollback(s, &err));
    assert_int_equal(alb_upload_position(s), 1500000);
    assert_ok(alb_upload_rollback(s, &err)); /* twice is nothing */
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 1500000);
    assert_ok(alb_upload_hold_back(s, &err));
    assert_ok(feed(s, 97, 1600000, 100000));
    alb_upload_release(&s); /* interrupted before its checksum came: the same */
    assert_int_equal(offset_of(w, "a"), 1500000);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 1500000);
    s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(alb_upload_hold_back(s, &err));
    assert_ok(feed(s, 1, 2000000, 100000));
    assert_ok(alb_upload_commit(s, &err)); /* checked, and kept */
    assert_ok(feed(s, 1, 3000000, 100000));
    assert_int_equal(finish(&s), ALB_OK);
    check_original(w, 3000000, 1);
}

static void a_release_keeps_what_came(void **state)
{
    struct world *w = *state;

    announce(w, "a", 100000);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 60000, 7000));
    alb_upload_release(&s);
    assert_int_equal(offset_of(w, "a"), 60000);
}

static void long_uploads_commit_by_themselves(void **state)
{
    struct world *w = *state;
    struct alb_upload_view v;

    announce(w, "a", 20 << 20);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 10 << 20, 1 << 20));
    alb_upload_look(s, &v);
    assert_int_equal(v.offset, 8 << 20);
    alb_upload_release(&s);
    s = create_id(w, "b", 20 << 20); /* not announced: it stays so */
    assert_ok(feed(s, 1, 10 << 20, 1 << 20));
    alb_upload_look(s, &v);
    assert_int_equal(v.offset, 0);
    assert_false(v.announced);
    alb_upload_release(&s);
}

/* ---- the sink ---- */

static void a_refusal_is_kept(void **state)
{
    struct world *w = *state;
    struct alb_upload_view v;

    announce(w, "a", 1000);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 1000, 1000));
    w->sink.fail = ALB_E_UNPROCESSABLE;
    assert_int_equal(finish(&s), ALB_E_UNPROCESSABLE);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
    assert_int_equal(alb_uploads_look(w->u).unfinished, 0);
    for (int again = 0; again < 2; again++) {
        s = take(w, "a", ALB_UPLOAD_WRITE);
        alb_upload_look(s, &v);
        assert_int_equal(v.state, ALB_UPLOAD_REJECTED);
        assert_int_equal(v.rejected, ALB_E_UNPROCESSABLE);
        assert_true(alb_str_eq_c(v.reason, "told to fail"));
        assert_int_equal(v.offset, 1000);
        assert_int_equal(finish(&s), ALB_E_UNPROCESSABLE);
        assert_int_equal(kit_count(w->k.fd, "uploads"), 1);
        world_again(w);
    }
}

static void a_sink_that_fails_for_now_is_asked_again(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;
    const enum alb_code codes[] = {ALB_E_BUSY, ALB_E_NO_SPACE, ALB_E_IO, ALB_E_INTERNAL, ALB_E_CANCELLED};

    for (int announced = 0; announced < 2; announced++) {
        char id[8] = "a0";
        id[1] = (char)('0' + announced);
        if (announced)
            announce(w, id, 2000000);
        struct alb_upload_session *s = announced ? take(w, id, ALB_UPLOAD_WRITE) : create_id(w, id, 2000000);
        assert_ok(feed(s, 1, 2000000, 100000));
        for (size_t i = 0; i < ALB_ARRAY_LEN(codes); i++) {
            w->sink.fail = codes[i];
            assert_int_equal(finish(&s), codes[i]);
            assert_int_equal(state_of(w, id), ALB_UPLOAD_COMPLETE);
            assert_int_equal(offset_of(w, id), 2000000);
            assert_true(alb_upload_known(w->u, alb_str_c(id)));
            assert_int_equal(alb_uploads_look(w->u).stored_bytes, 2000000);
            if (i == 2)
                world_again(w);
            w->sink.fail = codes[i];
            alb_uploads_sweep(w->u, 5, &swept);
            assert_int_equal(swept.offered, 1);
            s = NULL;
            struct alb_future *f;
            s = acquire(w, id, ALB_UPLOAD_WRITE, &f); /* the sweep's finish may still run */
            if (f != NULL) {
                assert_int_equal(wait_for(f), ALB_OK);
                alb_future_unref(f);
            }
            assert_ok(alb_upload_load(s, &err));
        }
        alb_upload_release(&s);
        w->sink.fail = ALB_OK;
        alb_uploads_sweep(w->u, 0, &swept);
        assert_int_equal(swept.offered, 0);
        alb_uploads_sweep(w->u, 5, &swept);
        assert_int_equal(swept.offered, 1);
        struct alb_future *f;
        s = acquire(w, id, ALB_UPLOAD_LOOK, &f);
        if (f != NULL) {
            assert_int_equal(wait_for(f), ALB_OK);
            alb_future_unref(f);
        }
        assert_ok(alb_upload_load(s, &err));
        alb_upload_release(&s);
        assert_int_equal(state_of(w, id), ALB_UPLOAD_FINISHED);
        check_original(w, 2000000, 1);
    }
}

static int64_t offered(struct world *w, const char *id)
{
    struct alb_upload_swept swept;
    struct alb_future *f;

    alb_uploads_sweep(w->u, 5, &swept);
    struct alb_upload_session *s = acquire(w, id, ALB_UPLOAD_LOOK, &f); /* until it is over */
    if (f != NULL) {
        assert_int_equal(wait_for(f), ALB_OK);
        alb_future_unref(f);
    }
    assert_ok(alb_upload_load(s, &err));
    alb_upload_release(&s);
    return swept.offered;
}

/* It is not asked every minute for ever: each time all the bytes may be read. Who comes himself is not put off. */
static void a_sink_that_goes_on_failing_has_its_rest(void **state)
{
    struct world *w = *state;
    int64_t n = 0;
    const int minutes = 24 * 60;

    struct alb_upload_session *s = create_id(w, "a", 3000);
    assert_ok(feed(s, 1, 3000, 1000));
    w->sink.fail = ALB_E_BUSY;
    assert_int_equal(finish(&s), ALB_E_BUSY);
    for (int i = 0; i < minutes; i++) {
        n += offered(w, "a");
        if (i == 4)
            assert_int_equal(n, 5);
        alb_manual_clock_advance(&w->clock, 60 * ALB_NS_PER_S);
    }
    assert_in_range(n, 24, 60);
    w->sink.fail = ALB_OK;
    s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_int_equal(finish(&s), ALB_OK);
}

static void partials_are_sealed_and_kept(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;
    struct alb_upload_spec spec = {
        .id = ALB_STR("p"), .owner = OWNER, .length = 1000, .kind = ALB_UPLOAD_PARTIAL};
    struct alb_upload_session *s;
    struct alb_upload_view v;
    struct alb_future *f;

    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_ok(feed(s, 1, 1000, 1000));
    assert_ok(alb_upload_finish(&s, &f, &err));
    assert_null(s);
    assert_non_null(alb_future_result(f));
    alb_future_unref(f);
    assert_int_equal(w->sink.takes, 0);
    world_again(w);
    alb_uploads_sweep(w->u, 5, &swept);
    assert_int_equal(swept.offered, 0);
    s = take(w, "p", ALB_UPLOAD_WRITE);
    alb_upload_look(s, &v);
    assert_int_equal(v.kind, ALB_UPLOAD_PARTIAL);
    assert_int_equal(v.state, ALB_UPLOAD_COMPLETE);
    assert_int_equal(v.offset, 1000);
    alb_upload_release(&s);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 2);
}

/* One more hash on the way goes on where it was, in another session and another process. */
static void further_hashes_go_on(void **state)
{
    struct world *w = *state;
    unsigned char all[3000], is[ALB_HASH_MAX_LEN], right[ALB_HASH_MAX_LEN];
    struct alb_upload_session *s;
    struct alb_hash h;

    kit_fill(all, sizeof(all), 0, 1);
    for (int sha512 = 0; sha512 < 2; sha512++) {
        struct alb_upload_spec spec = {.id = sha512 != 0 ? ALB_STR("b") : ALB_STR("a"),
                                       .owner = OWNER,
                                       .length = sizeof(all),
                                       .md5 = sha512 == 0,
                                       .sha512 = sha512 != 0};
        const enum alb_hash_kind kind = sha512 != 0 ? ALB_HASH_SHA512 : ALB_HASH_MD5;
        const enum alb_hash_kind other = sha512 != 0 ? ALB_HASH_MD5 : ALB_HASH_SHA512;
        assert_ok(alb_upload_create(w->u, &spec, &s, &err));
        assert_ok(feed(s, 1, 1000, 1000));
        assert_ok(alb_upload_commit(s, &err));
        alb_upload_release(&s);
        world_again(w);
        s = take(w, sha512 != 0 ? "b" : "a", ALB_UPLOAD_WRITE);
        assert_ok(feed(s, 1, sizeof(all), 500));
        alb_hash_init(&h, kind);
        alb_hash_update(&h, all, sizeof(all));
        size_t n = alb_hash_final(&h, right);
        assert_true(alb_upload_digest(s, kind, is));
        assert_memory_equal(is, right, n);
        assert_false(alb_upload_digest(s, other, is));
        assert_int_equal(finish(&s), ALB_OK);
    }
    struct alb_upload_spec both = {.owner = OWNER, .length = 1, .md5 = true, .sha512 = true};
    assert_code(alb_upload_create(w->u, &both, &s, &err), ALB_E_INVALID);
}

/* ---- end of life ---- */

static void a_terminated_upload_is_gone(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s, *none;
    struct alb_future *f;

    announce(w, "a", 1000);
    s = take(w, "a", ALB_UPLOAD_TERMINATE);
    assert_ok(alb_upload_terminate(s, &err));
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
    assert_code(alb_upload_acquire(w->u, ALB_STR("a"), OWNER, ALB_UPLOAD_LOOK, &none, &f, &err),
                ALB_E_NOT_FOUND);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
    assert_int_equal(alb_uploads_look(w->u).known, 0);
    s = create_id(w, "a", 10); /* the id is free again; and a writer may change its mind */
    assert_ok(feed(s, 1, 5, 5));
    assert_ok(alb_upload_commit(s, &err));
    assert_ok(feed(s, 1, 7, 5));
    assert_ok(alb_upload_terminate(s, &err));
    assert_code(alb_upload_append(s, 7, "x", 1, &err), ALB_E_IO);
    alb_upload_release(&s);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
    s = create_id(w, "a", 5);
    assert_ok(feed(s, 1, 5, 5));
    assert_int_equal(finish(&s), ALB_OK);
    s = take(w, "a",
             ALB_UPLOAD_TERMINATE); /* of a finished one: the answer goes, what was made of it stays */
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
    check_original(w, 5, 1);
}

static void uploads_expire(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;
    struct alb_upload_view v;

    announce(w, "idle", 1000);
    announce(w, "busy", 1000);
    struct alb_upload_session *s = create_id(w, "done", 5);
    assert_ok(feed(s, 1, 5, 5));
    assert_int_equal(finish(&s), ALB_OK);
    alb_uploads_sweep(w->u, 5, &swept);
    assert_int_equal(swept.expired, 0);
    alb_manual_clock_advance(&w->clock, w->limits.keep_done_ms * ALB_NS_PER_MS);
    alb_uploads_sweep(w->u, 5, &swept);
    assert_int_equal(swept.expired, 1); /* done */
    alb_manual_clock_advance(&w->clock, (w->limits.keep_ms - w->limits.keep_done_ms - 1000) * ALB_NS_PER_MS);
    s = take(w, "busy", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 5, 5));
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_look(s, &v);
    assert_int_equal(v.expires_ms, alb_wall(&w->clock.clock) + w->limits.keep_ms);
    alb_upload_release(&s);
    world_again(w);
    s = take(w, "idle", ALB_UPLOAD_WRITE); /* held: its client is there */
    alb_manual_clock_advance(&w->clock, 2000 * ALB_NS_PER_MS);
    alb_uploads_sweep(w->u, 5, &swept);
    assert_int_equal(swept.expired, 0);
    alb_upload_release(&s);
    alb_uploads_sweep(w->u, 5, &swept);
    assert_int_equal(swept.expired, 1);
    assert_false(alb_upload_known(w->u, ALB_STR("idle")));
    assert_true(alb_upload_known(w->u, ALB_STR("busy")));
    alb_manual_clock_advance(&w->clock, w->limits.keep_ms * ALB_NS_PER_MS);
    alb_uploads_sweep(w->u, 5, &swept);
    assert_int_equal(swept.expired, 1);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
}

/* Who has sent all bytes has done all he can: they wait for the sink, however long that takes and however long
 * the server was off meanwhile. */
static void all_bytes_never_expire(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;
    struct alb_upload_view v;

    for (int sealed = 0; sealed < 2; sealed++) {
        const char *id = sealed != 0 ? "sealed" : "open";
        announce(w, id, 3000);
        struct alb_upload_session *s = take(w, id, ALB_UPLOAD_WRITE);
        assert_ok(feed(s, 1, 3000, 1000));
        assert_ok(alb_upload_commit(s, &err));
        w->sink.fail = ALB_E_BUSY;
        if (sealed != 0)
            assert_int_equal(finish(&s), ALB_E_BUSY);
        alb_upload_release(&s);
    }
    alb_manual_clock_advance(&w->clock, 3 * w->limits.keep_ms * ALB_NS_PER_MS);
    alb_uploads_sweep(w->u, 0, &swept);
    assert_int_equal(swept.expired, 0);
    world_again(w);
    alb_uploads_sweep(w->u, 0, &swept);
    assert_int_equal(swept.expired, 0);
    struct alb_upload_session *s = take(w, "sealed", ALB_UPLOAD_LOOK);
    alb_upload_look(s, &v);
    assert_int_equal(v.expires_ms, 0);
    alb_upload_release(&s);
    alb_uploads_sweep(w->u, 2, &swept);
    assert_int_equal(swept.offered, 2);
    check_original(w, 3000, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(bytes_survive_restarts),
        cmocka_unit_test_setup_teardown(pieces_are_checked, world_setup_recall, world_teardown),
        T(empty_uploads_are_complete_at_once),
        T(nothing_is_left_of_what_nobody_was_told),
        T(ids_and_owners),
        T(a_deferred_length_is_declared_once),
        T(bytes_can_be_taken_back),
        T(a_release_keeps_what_came),
        T(long_uploads_commit_by_themselves),
        T(a_refusal_is_kept),
        T(a_sink_that_fails_for_now_is_asked_again),
        T(a_sink_that_goes_on_failing_has_its_rest),
        T(partials_are_sealed_and_kept),
        T(further_hashes_go_on),
        T(a_terminated_upload_is_gone),
        T(uploads_expire),
        T(all_bytes_never_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
