/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies that go to a sink as they come, what a transfer may set for itself, and kept connections.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fetch/fetch.h"
#include "wire.h"

#define LONG_NS (60 * ALB_NS_PER_S)

struct drain {
    struct alb_fetch_sink sink;
    atomic_int status, heads, bodies;
    atomic_size_t bytes;
    atomic_bool full, stop, unwanted;
    sem_t was_full;
};

static void drain_free(struct alb_obj *obj)
{
    struct drain *d = ALB_CONTAINER_OF(obj, struct drain, sink.obj);
    (void)sem_destroy(&d->was_full);
    free(d);
}

static bool on_head(struct alb_fetch_sink *sink, int status, struct alb_str head)
{
    struct drain *d = ALB_CONTAINER_OF(sink, struct drain, sink);
    struct alb_str value;
    atomic_store(&d->status, status);
    atomic_fetch_add(&d->heads, 1);
    assert_true(alb_fetch_header_in(head, "X-Head", &value));
    return !atomic_load(&d->unwanted);
}

static enum alb_fetch_take on_body(struct alb_fetch_sink *sink, const void *p, size_t n)
{
    struct drain *d = ALB_CONTAINER_OF(sink, struct drain, sink);
    (void)p;
    atomic_fetch_add(&d->bodies, 1);
    if (atomic_load(&d->stop))
        return ALB_FETCH_STOP;
    if (atomic_load(&d->full)) {
        (void)sem_post(&d->was_full);
        return ALB_FETCH_LATER;
    }
    atomic_fetch_add(&d->bytes, n);
    return ALB_FETCH_TAKEN;
}

static struct drain *drain_new(void)
{
    struct drain *d = calloc(1, sizeof(*d));
    assert_non_null(d);
    alb_obj_init(&d->sink.obj, drain_free);
    d->sink.head = on_head;
    d->sink.body = on_body;
    (void)sem_init(&d->was_full, 0, 0);
    return d;
}

/* The one of before is let go, a new one is in the request. */
static struct drain *another(struct alb_fetch_request *r, struct drain *d)
{
    alb_obj_unref(&d->sink.obj);
    d = drain_new();
    r->sink = &d->sink;
    return d;
}

static struct alb_fetch *open_fetch(void)
{
    struct alb_fetch *f;
    struct alb_fetch_config c = {.agent = "test/1", .transfers = 8, .queue = 8, .per_host = 4};
    assert_int_equal(alb_fetch_open(&c, &f, NULL), ALB_OK);
    return f;
}

static struct alb_fetch_request get(const char *url, struct drain *d)
{
    return (struct alb_fetch_request){.method = "GET",
                                      .url = alb_str_c(url),
                                      .connect_ns = LONG_NS,
                                      .deadline = alb_deadline(alb_mono(alb_clock_real()), LONG_NS),
                                      .reach = ALB_FETCH_LOOPBACK,
                                      .answer_max = 1000,
                                      .sink = d ? &d->sink : NULL};
}

static enum alb_code end(struct alb_future *future, struct alb_fetch_answer **a)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_future_await(future, alb_deadline(alb_mono(alb_clock_real()), LONG_NS), &err);
    struct alb_obj *obj = alb_future_result(future);
    *a = obj ? ALB_CONTAINER_OF(alb_obj_ref(obj), struct alb_fetch_answer, obj) : NULL;
    alb_future_unref(future);
    return code;
}

static enum alb_code fetch(struct alb_fetch *f, const struct alb_fetch_request *r,
                           struct alb_fetch_answer **a)
{
    struct alb_future *future;
    *a = NULL;
    enum alb_code code = alb_fetch_start(f, r, &future, NULL);
    return code == ALB_OK ? end(future, a) : code;
}

#define BIG ((size_t)4 << 20)
static char big[BIG];

static bool talk_big(struct wire_conn *c, void *arg)
{
    (void)arg;
    return wire_say(c, "HTTP/1.1 103 Early\r\nX-Head: no\r\n\r\n") &&
           wire_answer(c, "X-Head: 1\r\n", big, BIG);
}

static void bodies(void **state)
{
    static struct wire w;
    struct alb_fetch *f = open_fetch();
    struct alb_fetch_answer *a;
    struct alb_future *future;
    char url[256];
    (void)state;
    wire_start(&w, talk_big, NULL);
    wire_url(&w, "/", url);
    struct drain *d = drain_new();
    struct alb_fetch_request r = get(url, d);
    assert_int_equal(fetch(f, &r, &a), ALB_OK);
    assert_int_equal(a->status, 200);
    assert_true(a->body.n == 0 && !a->cut);
    assert_int_equal(atomic_load(&d->bytes), BIG);
    assert_int_equal(atomic_load(&d->heads), 1);
    alb_obj_unref(&a->obj);
    /* no room: nothing comes until there is */
    d = another(&r, d);
    atomic_store(&d->full, true);
    assert_int_equal(alb_fetch_start(f, &r, &future, NULL), ALB_OK);
    while (sem_wait(&d->was_full) != 0)
        ;
    assert_int_equal(atomic_load(&d->bodies), 1);
    assert_false(alb_future_done(future));
    alb_fetch_go_on(f, &d->sink); /* still full: stands again */
    while (sem_wait(&d->was_full) != 0)
        ;
    assert_int_equal(atomic_load(&d->bodies), 2);
    atomic_store(&d->full, false);
    alb_fetch_go_on(f, &d->sink);
    assert_int_equal(end(future, &a), ALB_OK);
    assert_int_equal(atomic_load(&d->bytes), BIG);
    alb_obj_unref(&a->obj);
    /* enough */
    d = another(&r, d);
    atomic_store(&d->stop, true);
    assert_int_equal(fetch(f, &r, &a), ALB_OK);
    assert_true(a->cut && a->status == 200);
    assert_int_equal(atomic_load(&d->bodies), 1);
    alb_obj_unref(&a->obj);
    /* only the head */
    d = another(&r, d);
    atomic_store(&d->unwanted, true);
    assert_int_equal(fetch(f, &r, &a), ALB_OK);
    assert_true(a->cut && a->status == 200);
    assert_int_equal(atomic_load(&d->bodies), 0);
    alb_obj_unref(&a->obj);
    alb_obj_unref(&d->sink.obj);
    alb_fetch_close(&f);
    wire_stop(&w);
}

/* Standing still does not stop the clock. */
static void paused_has_a_deadline(void **state)
{
    static struct wire w;
    struct alb_fetch *f = open_fetch();
    struct alb_fetch_answer *a;
    char url[256];
    (void)state;
    wire_start(&w, talk_big, NULL);
    wire_url(&w, "/", url);
    struct drain *d = drain_new();
    atomic_store(&d->full, true);
    struct alb_fetch_request r = get(url, d);
    r.deadline = alb_deadline(alb_mono(alb_clock_real()), 200 * ALB_NS_PER_MS);
    assert_int_equal(fetch(f, &r, &a), ALB_E_TIMEOUT);
    alb_obj_unref(&d->sink.obj);
    alb_fetch_close(&f);
    wire_stop(&w);
}

static bool talk_small(struct wire_conn *c, void *arg)
{
    char cookie[256] = "none", agent[64] = "";
    (void)arg;
    (void)wire_header(c, "cookie", cookie, sizeof(cookie));
    (void)wire_header(c, "user-agent", agent, sizeof(agent));
    if (strcmp(c->path, "/set") == 0)
        return wire_answer(c, "X-Head: 1\r\nSet-Cookie: pass=1; Path=/\r\n", "", 0);
    char text[512];
    snprintf(text, sizeof(text), "%s %s", agent, cookie);
    return wire_answer(c, "X-Head: 1\r\n", text, strlen(text));
}

/* A connection that one was allowed to open is not for everybody who asks for the same host. */
static void kept_connections(void **state)
{
    static struct wire w;
    struct alb_fetch *f = open_fetch();
    struct alb_fetch_answer *a;
    char url[256];
    (void)state;
    wire_start(&w, talk_small, NULL);
    wire_url(&w, "/", url);
    struct alb_fetch_request r = get(url, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fetch(f, &r, &a), ALB_OK);
        assert_true(alb_str_eq_c(a->body, "test/1 none"));
        alb_obj_unref(&a->obj);
    }
    assert_int_equal(atomic_load(&w.accepted), 1); /* kept */
    r.reach = ALB_FETCH_PUBLIC;
    assert_int_equal(fetch(f, &r, &a), ALB_E_FORBIDDEN);
    r.reach = ALB_FETCH_PRIVATE | ALB_FETCH_LINK_LOCAL;
    assert_int_equal(fetch(f, &r, &a), ALB_E_FORBIDDEN);
    assert_int_equal(atomic_load(&w.requests), 3);
    alb_fetch_close(&f);
    wire_stop(&w);
}

static bool talk_too_much(struct wire_conn *c, void *arg)
{
    sem_t *said = arg;
    bool fine = wire_answer(c, "X-Head: 1\r\n", "right", 5);
    if (strcmp(c->path, "/more") == 0) {
        fine = fine && wire_say(c, "HTTP/1.1 200 OK\r\nX-Head: 1\r\nContent-Length: 5\r\n\r\nwrong");
        (void)sem_post(said);
    }
    return fine;
}

/* What a server said without being asked is no answer to what it is asked next. */
static void unasked(void **state)
{
    static struct wire w;
    sem_t said;
    struct alb_fetch *f = open_fetch();
    struct alb_fetch_answer *a;
    char url[256], url_more[256];
    (void)state;
    (void)sem_init(&said, 0, 0);
    wire_start(&w, talk_too_much, &said);
    wire_url(&w, "/", url);
    wire_url(&w, "/more", url_more);
    struct alb_fetch_request r = get(url, NULL);
    for (int i = 0; i < 20; i++) {
        r.url = alb_str_c(url_more);
        assert_int_equal(fetch(f, &r, &a), ALB_OK);
        assert_true(alb_str_eq_c(a->body, "right"));
        alb_obj_unref(&a->obj);
        while (sem_wait(&said) != 0)
            ;
        for (int k = 0; k < 2; k++) {
            r.url = alb_str_c(url);
            assert_int_equal(fetch(f, &r, &a), ALB_OK);
            if (!alb_str_eq_c(a->body, "right"))
                fail_msg("the wrong answer, in round %d", i);
            alb_obj_unref(&a->obj);
        }
    }
    alb_fetch_close(&f);
    wire_stop(&w);
}

static void cookies(void **state)
{
    static struct wire w;
    const struct alb_str mine[] = {ALB_STR("Cookie: own=2")};
    struct alb_fetch *f = open_fetch();
    struct alb_fetch_answer *set, *a;
    char url[256], url_set[256];
    (void)state;
    wire_start(&w, talk_small, NULL);
    wire_url(&w, "/", url);
    wire_url(&w, "/set", url_set);
    struct alb_fetch_request r = get(url_set, NULL);
    r.jar = true;
    r.agent = "other/2";
    assert_int_equal(fetch(f, &r, &set), ALB_OK);
    assert_true(set->cookies.n > 0);
    r.url = alb_str_c(url);
    r.headers = mine;
    r.header_count = 1;
    assert_int_equal(fetch(f, &r, &a), ALB_OK); /* a jar of its own */
    assert_true(alb_str_eq_c(a->body, "other/2 own=2"));
    alb_obj_unref(&a->obj);
    r.cookies = set->cookies;
    assert_int_equal(fetch(f, &r, &a), ALB_OK);
    assert_true(alb_str_eq_c(a->body, "other/2 pass=1; own=2"));
    alb_obj_unref(&a->obj);
    alb_obj_unref(&set->obj);
    alb_fetch_close(&f);
    wire_stop(&w);
}

static bool talk_silence(struct wire_conn *c, void *arg)
{
    (void)arg;
    return strcmp(c->path, "/small") == 0 ? talk_small(c, NULL) : wire_wait(c);
}

/* A host that answers nobody takes its share of the transfers and of the queue, and no more. */
static void one_host(void **state)
{
    static struct wire silent, good;
    struct alb_fetch *f = open_fetch(); /* eight at a time, four to one host; eight wait, four for one host */
    struct alb_future *futures[8], *more;
    struct alb_fetch_answer *a;
    char url[256], url_good[256];
    (void)state;
    wire_start(&silent, talk_silence, NULL);
    wire_start(&good, talk_silence, NULL);
    wire_url(&silent, "/", url);
    wire_url(&good, "/small", url_good);
    struct alb_fetch_request r = get(url, NULL);
    for (size_t i = 0; i < ALB_ARRAY_LEN(futures); i++)
        assert_int_equal(alb_fetch_start(f, &r, &futures[i], NULL), ALB_OK);
    assert_int_equal(alb_fetch_start(f, &r, &more, NULL), ALB_E_BUSY);
    assert_null(more);
    r.url = alb_str_c(url_good);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(fetch(f, &r, &a), ALB_OK);
        alb_obj_unref(&a->obj);
    }
    while (atomic_load(&silent.accepted) < 4)
        sched_yield();
    assert_int_equal(atomic_load(&silent.accepted), 4);
    alb_fetch_close(&f);
    for (size_t i = 0; i < ALB_ARRAY_LEN(futures); i++) {
        assert_int_equal(alb_future_error(futures[i], NULL), ALB_E_CANCELLED);
        alb_future_unref(futures[i]);
    }
    wire_stop(&silent);
    wire_stop(&good);
}

/* When one of a host ends, the next of that host begins. */
static void turns(void **state)
{
    static struct wire w;
    struct alb_fetch_config c = {.agent = "test/1", .transfers = 8, .queue = 16, .per_host = 1};
    struct alb_fetch *f;
    struct alb_future *futures[9];
    struct alb_fetch_answer *a;
    char url[256];
    (void)state;
    assert_int_equal(alb_fetch_open(&c, &f, NULL), ALB_OK);
    wire_start(&w, talk_small, NULL);
    wire_url(&w, "/", url);
    for (size_t i = 0; i < ALB_ARRAY_LEN(futures); i++) {
        struct alb_fetch_request r = get(url, NULL);
        assert_int_equal(alb_fetch_start(f, &r, &futures[i], NULL), ALB_OK);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(futures); i++) {
        assert_int_equal(end(futures[i], &a), ALB_OK);
        alb_obj_unref(&a->obj);
    }
    assert_int_equal(atomic_load(&w.accepted), 1); /* one after the other, over one connection */
    alb_fetch_close(&f);
    wire_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(paused_has_a_deadline),
        cmocka_unit_test(kept_connections),
        cmocka_unit_test(unasked),
        cmocka_unit_test(cookies),
        cmocka_unit_test(one_host),
        cmocka_unit_test(turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
