/* SPDX-License-Identifier: Apache-2.0
 *
 * What the race tests of upload share: a few threads that do one thing each at the same time, a thousand
 * times; before and after each round there is only one.
 */
#ifndef ALB_TESTS_UPLOAD_RACE_H
#define ALB_TESTS_UPLOAD_RACE_H

#include "world.h"

#include <pthread.h>
#include <sched.h>

#include "base/check.h"

#define ROUNDS 1000
#define PIECE 100
#define ACTORS 3

struct race {
    struct world *w;
    pthread_barrier_t start, end;
    void (*act[ACTORS])(struct race *r);
    char id[16];
    int round;
    bool over;
    bool has_rest;          /* other uploads than `id` live through the rounds */
    int64_t seen;           /* what the HEAD said */
    _Atomic int takes_told; /* clients that were told of a finished upload */
    _Atomic int wins;
    void *more; /* the test's own */
};

struct actor {
    struct race *r;
    int which;
};

static void *run_actor(void *arg)
{
    struct actor *a = arg;

    for (;;) {
        (void)pthread_barrier_wait(&a->r->start);
        if (a->r->over)
            return NULL;
        if (a->r->act[a->which] != NULL)
            a->r->act[a->which](a->r);
        (void)pthread_barrier_wait(&a->r->end);
    }
}

/* Terminates it, if it is there; nobody holds it. */
KIT_UNUSED static void remove_upload(struct world *w, const char *id)
{
    struct alb_upload_session *s;
    struct alb_future *f;

    if (alb_upload_acquire(w->u, alb_str_c(id), OWNER, ALB_UPLOAD_TERMINATE, &s, &f, NULL) != ALB_OK)
        return;
    assert_null(f);
    assert_ok(alb_upload_load(s, &err));
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
}

/* prepare and check run alone, between the rounds; of a round nothing is left. */
static void race(struct world *w, struct race *r, void (*prepare)(struct race *),
                 void (*check)(struct race *))
{
    pthread_t threads[ACTORS];
    struct actor actors[ACTORS];

    r->w = w;
    (void)pthread_barrier_init(&r->start, NULL, ACTORS + 1);
    (void)pthread_barrier_init(&r->end, NULL, ACTORS + 1);
    for (int i = 0; i < ACTORS; i++) {
        actors[i] = (struct actor){r, i};
        assert_int_equal(pthread_create(&threads[i], NULL, run_actor, &actors[i]), 0);
    }
    for (r->round = 0; r->round < ROUNDS; r->round++) {
        (void)snprintf(r->id, sizeof(r->id), "r%d", r->round);
        r->seen = -1;
        r->wins = r->takes_told = 0;
        prepare(r);
        (void)pthread_barrier_wait(&r->start);
        (void)pthread_barrier_wait(&r->end);
        check(r);
        remove_upload(w, r->id);
        struct alb_uploads_view v = alb_uploads_look(w->u);
        assert_int_equal(v.held + v.waiting, 0);
        if (!r->has_rest)
            assert_int_equal(v.known + v.stored_bytes, 0);
    }
    r->over = true;
    (void)pthread_barrier_wait(&r->start);
    for (int i = 0; i < ACTORS; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_barrier_destroy(&r->start);
    (void)pthread_barrier_destroy(&r->end);
}

/* ---- what clients do ---- */

/* Takes hold and loads; NULL: somebody else has ended it. */
static struct alb_upload_session *hold_id(struct world *w, const char *id, enum alb_upload_intent intent)
{
    struct alb_upload_session *s;
    struct alb_future *f;
    enum alb_code code = alb_upload_acquire(w->u, alb_str_c(id), OWNER, intent, &s, &f, NULL);

    if (code != ALB_OK) {
        ALB_CHECK(code == ALB_E_NOT_FOUND);
        return NULL;
    }
    if (f != NULL)
        (void)wait_for(f);
    alb_future_unref(f);
    code = alb_upload_load(s, NULL);
    if (code == ALB_OK)
        return s;
    ALB_CHECK(code == ALB_E_GONE);
    alb_upload_release(&s);
    return NULL;
}

KIT_UNUSED static struct alb_upload_session *hold(struct race *r, enum alb_upload_intent intent)
{
    return hold_id(r->w, r->id, intent);
}

/* Pieces of `letter` until it is stopped, or `until` is reached. */
KIT_UNUSED static enum alb_code push(struct alb_upload_session *s, char letter, int64_t until)
{
    char piece[PIECE];
    enum alb_code code = ALB_OK;

    memset(piece, letter, sizeof(piece));
    while (code == ALB_OK && alb_upload_position(s) < until)
        code = alb_upload_append(s, alb_upload_position(s), piece, sizeof(piece), NULL);
    return code;
}

KIT_UNUSED static void end_write(struct alb_upload_session *s)
{
    (void)!alb_upload_commit(s, NULL);
    alb_upload_release(&s);
}

KIT_UNUSED static uint32_t dice(uint64_t *random, uint32_t n)
{
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*random >> 33) % n;
}

KIT_UNUSED static void make_partial(struct world *w, const char *id, uint64_t seed, int64_t n)
{
    struct alb_upload_session *s;
    struct alb_future *f;
    struct alb_upload_spec spec = {
        .id = alb_str_c(id), .owner = OWNER, .length = n, .kind = ALB_UPLOAD_PARTIAL};

    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_ok(feed(s, seed, n, 1 << 20));
    assert_ok(alb_upload_finish(&s, &f, &err));
    assert_int_equal(wait_for(f), ALB_OK);
    alb_future_unref(f);
}

/* NULL: it could not be made; the code says why. */
KIT_UNUSED static struct alb_future *assemble(struct world *w, const char *id, const char *parts,
                                              enum alb_code *code)
{
    struct alb_upload_session *s = NULL;
    struct alb_future *f = NULL;
    struct alb_err why = ALB_ERR_INIT; /* the threads have one each */
    struct alb_upload_spec spec = {.id = alb_str_c(id),
                                   .owner = OWNER,
                                   .length = ALB_UPLOAD_DEFERRED,
                                   .kind = ALB_UPLOAD_FINAL,
                                   .parts = alb_str_c(parts)};

    *code = alb_upload_create(w->u, &spec, &s, &why);
    if (*code == ALB_OK)
        *code = alb_upload_assemble(&s, &f, &why);
    alb_upload_release(&s);
    return f;
}

/* T15: after all that no descriptor is left open. */
static int descriptors;

KIT_UNUSED static int races_setup(void **state)
{
    (void)world_setup(state);
    struct world *w = *state;
    w->sink.store = NULL; /* the same bytes a thousand times */
    descriptors = kit_open_fds();
    return 0;
}

KIT_UNUSED static int races_teardown(void **state)
{
    int now = kit_open_fds();
    bool leaked = now > descriptors;

    if (leaked)
        (void)fprintf(stderr, "%d descriptors, %d before\n", now, descriptors);
    return world_teardown(state) != 0 || leaked;
}

#endif
