/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources over real sockets: one transfer for all who ask, copies and their freshness, what is shared with
 * whom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fetch/wire.h"
#include "base/hash.h"
#include "origins.h"

#define N ((size_t)3 << 20) /* goes by the disk */

static unsigned char *large, *small, *other;
#define SMALL ((size_t)20000)

struct script {
    const char *lines;   /* headers of a 200 */
    const char *changed; /* of a 304 */
    bool changes;        /* other bytes, whatever is asked */
    atomic_bool hold;    /* the answer waits... */
    sem_t go;            /* ...for this */
    atomic_uint conditional;
    char seen[512]; /* the last If-None-Match and If-Modified-Since */
};

static bool talk(struct wire_conn *c, void *arg)
{
    struct script *s = arg;
    char tag[256] = "", date[256] = "";
    bool has_tag = wire_header(c, "if-none-match", tag, sizeof(tag));
    bool has_date = wire_header(c, "if-modified-since", date, sizeof(date));
    if (atomic_load(&s->hold))
        while (sem_wait(&s->go) != 0)
            ;
    if (has_tag || has_date) {
        atomic_fetch_add(&s->conditional, 1);
        snprintf(s->seen, sizeof(s->seen), "%s|%s", tag, date);
        if (!s->changes)
            return wire_sayf(c, "HTTP/1.1 304 Not Modified\r\n%s\r\n", s->changed ? s->changed : "");
    }
    if (strcmp(c->path, "/temporary") == 0)
        return wire_say(c, "HTTP/1.1 302 Found\r\nLocation: /small\r\nContent-Length: 0\r\n\r\n");
    if (strcmp(c->path, "/lasting") == 0)
        return wire_say(c, "HTTP/1.1 301 Moved\r\nLocation: /small\r\nContent-Length: 0\r\n\r\n");
    if (s->changes)
        return wire_answer(c, s->lines, other, SMALL);
    return strcmp(c->path, "/large") == 0 ? wire_answer(c, s->lines, large, N)
                                          : wire_answer(c, s->lines, small, SMALL);
}

struct stage {
    struct room room;
    struct wire wire;
    struct script script;
    struct alb_origin_policy *policy;
    char url[256], url_large[256];
};

static void begin(struct stage *s, const char *lines)
{
    memset(&s->script, 0, sizeof(s->script));
    s->script.lines = lines;
    (void)sem_init(&s->script.go, 0, 0);
    room_open(&s->room);
    room_begin(&s->room);
    wire_start(&s->wire, talk, &s->script);
    s->policy = policy_new();
    wire_url(&s->wire, "/small", s->url);
    wire_url(&s->wire, "/large", s->url_large);
}

static void end(struct stage *s)
{
    room_close(&s->room);
    wire_stop(&s->wire);
    alb_obj_unref(&s->policy->obj);
}

static void later(struct stage *s, int64_t seconds)
{
    atomic_fetch_add(&s->room.wall, seconds * SECOND_MS);
}

static struct alb_origin *good(struct stage *s, const struct alb_origin_ask *ask, const void *p, size_t n)
{
    enum alb_code code;
    struct alb_origin *o = get(&s->room, ask, &code);
    if (!o)
        fail_msg("%s", alb_code_name(code));
    assert_true(has_bytes(o, p, n));
    return o;
}

#define REQUESTS(s) atomic_load(&(s)->wire.requests)

static struct stage st; /* large: not for the stack */

static void what_is_known(void **state)
{
    unsigned char sum[ALB_SHA256_LEN];
    (void)state;
    begin(&st, "ETag: \"a\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/html\r\n"
               "Cache-Control: max-age=60\r\nCache-Control: public\r\n");
    struct alb_origin_ask ask = ask_of(st.url_large, st.policy);
    struct alb_origin *o = good(&st, &ask, large, N);
    alb_sha256(large, N, sum);
    assert_memory_equal(o->identity, sum, sizeof(sum));
    assert_int_equal(o->type, ALB_TYPE_PNG);
    assert_int_equal(o->status, 200);
    assert_true(alb_str_eq_c(o->etag, "\"a\""));
    assert_true(alb_str_eq_c(o->last_modified, "Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_int_equal(o->modified_ms, 784111777000);
    assert_true(alb_str_eq_c(o->content_type, "text/html"));
    assert_true(alb_str_eq_c(o->cache_control, "max-age=60, public"));
    assert_true(alb_str_eq_c(o->url, st.url_large));
    assert_int_equal(o->fresh_until_ms, atomic_load(&st.room.wall) + 60 * SECOND_MS);
    assert_true(o->is_shared && !o->no_store && !o->is_local && alb_origin_is_same(o));
    alb_origin_unref(o);
    assert_int_equal(alb_origins_look(st.room.origins).memory, 0);
    assert_int_equal(alb_origins_look(st.room.origins).spool, 0);
    end(&st);
}

/* A fresh copy costs no connection: not while it runs, not after a restart. */
static void copies(void **state)
{
    (void)state;
    begin(&st, "Cache-Control: max-age=60\r\n");
    struct alb_origin_ask ask = ask_of(st.url, st.policy), ask_large = ask_of(st.url_large, st.policy);
    assert_null(alb_origin_hot(st.room.origins, &ask));
    alb_origin_unref(good(&st, &ask, small, SMALL));
    alb_origin_unref(good(&st, &ask_large, large, N));
    alb_origin_unref(good(&st, &ask, small, SMALL));
    struct alb_origin *hot = alb_origin_hot(st.room.origins, &ask);
    assert_non_null(hot);
    assert_true(!hot->has_bytes && alb_origin_fd(hot) == -1 && hot->size == SMALL);
    alb_origin_unref(hot);
    struct alb_origin *held = good(&st, &ask_large, large, N);
    room_end(&st.room);
    room_begin(&st.room);
    assert_null(alb_origin_hot(st.room.origins, &ask));
    alb_origin_unref(good(&st, &ask, small, SMALL));
    alb_origin_unref(good(&st, &ask_large, large, N));
    hot = alb_origin_hot(st.room.origins, &ask_large);
    assert_non_null(hot);
    alb_origin_unref(hot);
    assert_int_equal(REQUESTS(&st), 2);
    assert_int_equal(alb_origins_look(st.room.origins).disk_hits, 2);
    alb_origins_purge(st.room.origins);
    assert_null(alb_origin_hot(st.room.origins, &ask_large));
    assert_true(has_bytes(held, large, N)); /* who has it keeps it */
    alb_origin_unref(held);
    alb_origin_unref(good(&st, &ask, small, SMALL));
    assert_int_equal(REQUESTS(&st), 3);
    ask.max_bytes = SMALL - 1; /* of a copy as well */
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_TOO_LARGE);
    assert_null(alb_origin_hot(st.room.origins, &ask));
    assert_int_equal(REQUESTS(&st), 3);
    end(&st);
}

static void revalidation(void **state)
{
    (void)state;
    begin(&st,
          "ETag: \"a\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: max-age=60\r\n");
    struct alb_origin_ask ask = ask_of(st.url, st.policy);
    alb_origin_unref(good(&st, &ask, small, SMALL));
    later(&st, 59);
    alb_origin_unref(good(&st, &ask, small, SMALL));
    assert_int_equal(REQUESTS(&st), 1);
    later(&st, 1);
    assert_null(alb_origin_hot(st.room.origins, &ask));
    struct alb_origin *o = good(&st, &ask, small, SMALL); /* 304 without a word: as before */
    assert_int_equal(o->validated_ms - o->fetched_ms, 60 * SECOND_MS);
    assert_int_equal(o->fresh_until_ms, atomic_load(&st.room.wall) + 60 * SECOND_MS);
    alb_origin_unref(o);
    assert_int_equal(atomic_load(&st.script.conditional), 1);
    assert_string_equal(st.script.seen, "\"a\"|Sun, 06 Nov 1994 08:49:37 GMT");
    later(&st, 30);
    alb_origin_unref(good(&st, &ask, small, SMALL));
    room_end(&st.room);
    room_begin(&st.room);
    alb_origin_unref(good(&st, &ask, small, SMALL)); /* what was said with the 304 outlives a restart */
    assert_int_equal(REQUESTS(&st), 2);
    later(&st, 30);
    st.script.changed = "ETag: \"b\"\r\nCache-Control: max-age=10\r\n";
    o = good(&st, &ask, small, SMALL);
    assert_true(alb_str_eq_c(o->etag, "\"b\""));
    assert_true(alb_str_eq_c(o->cache_control, "max-age=10"));
    assert_int_equal(o->fresh_until_ms, atomic_load(&st.room.wall) + 10 * SECOND_MS);
    alb_origin_unref(o);
    ask.reload = true; /* fresh, and asked nevertheless */
    assert_null(alb_origin_hot(st.room.origins, &ask));
    alb_origin_unref(good(&st, &ask, small, SMALL));
    ask.reload = false;
    assert_int_equal(REQUESTS(&st), 4);
    assert_int_equal(atomic_load(&st.script.conditional), 3);
    later(&st, 10);
    st.script.changes = true;
    alb_origin_unref(good(&st, &ask, other, SMALL));
    st.script.changes = false;
    alb_origin_unref(good(&st, &ask, other, SMALL));
    assert_int_equal(REQUESTS(&st), 5);
    assert_int_equal(alb_origins_look(st.room.origins).revalidated, 2);
    end(&st);
}

/* Nothing was said: asked again, but not more often than every few seconds. */
static void recheck(void **state)
{
    (void)state;
    begin(&st, "ETag: \"a\"\r\n");
    struct alb_origin_ask ask = ask_of(st.url, st.policy);
    for (int i = 0; i < 4; i++) {
        struct alb_origin *o = good(&st, &ask, small, SMALL);
        assert_int_equal(o->fresh_until_ms, 0);
        alb_origin_unref(o);
    }
    assert_int_equal(REQUESTS(&st), 1);
    later(&st, 5);
    alb_origin_unref(good(&st, &ask, small, SMALL));
    assert_int_equal(REQUESTS(&st), 2);
    st.script.lines = "Cache-Control: no-cache\r\nETag: \"a\"\r\n"; /* no-cache: every time */
    alb_origins_purge(st.room.origins);
    for (int i = 0; i < 3; i++)
        alb_origin_unref(good(&st, &ask, small, SMALL));
    assert_int_equal(REQUESTS(&st), 5);
    assert_int_equal(atomic_load(&st.script.conditional), 3);
    st.script.lines =
        "Cache-Control: no-store, max-age=60\r\nETag: \"a\"\r\n"; /* no-store: nothing is kept */
    st.script.changes = true;
    for (int i = 0; i < 3; i++) {
        struct alb_origin *o = good(&st, &ask, other, SMALL);
        assert_true(o->no_store);
        alb_origin_unref(o);
    }
    assert_int_equal(REQUESTS(&st), 8);
    assert_int_equal(atomic_load(&st.script.conditional), 4);
    assert_int_equal(room_files(&st.room, "sources/notes"), 0);
    end(&st);
}

static void redirected(void **state)
{
    char url[256];
    (void)state;
    begin(&st, "ETag: \"a\"\r\nCache-Control: max-age=600\r\n");
    wire_url(&st.wire, "/lasting", url);
    struct alb_origin_ask ask = ask_of(url, st.policy);
    struct alb_origin *o = good(&st, &ask, small, SMALL);
    assert_true(alb_str_eq_c(o->url, st.url));
    assert_true(o->fresh_until_ms > 0);
    alb_origin_unref(o);
    later(&st, 599);
    alb_origin_unref(good(&st, &ask, small, SMALL));
    assert_int_equal(REQUESTS(&st), 2);
    wire_url(&st.wire, "/temporary", url); /* the way there says nothing of how long it leads there */
    ask = ask_of(url, st.policy);
    o = good(&st, &ask, small, SMALL);
    assert_int_equal(o->fresh_until_ms, 0);
    alb_origin_unref(o);
    alb_origin_unref(good(&st, &ask, small, SMALL));
    assert_int_equal(REQUESTS(&st), 4);
    later(&st, 5);
    alb_origin_unref(good(&st, &ask, small, SMALL)); /* validators are for where they came from */
    assert_int_equal(REQUESTS(&st), 6);
    assert_int_equal(atomic_load(&st.script.conditional), 1);
    end(&st);
}

static bool nothing_here(const struct alb_origin_policy *p, const struct alb_url *url, struct alb_str path)
{
    (void)p;
    (void)path;
    return !alb_str_eq_c(url->path, "/small");
}

/* A copy that came from where this one may not go is no copy for it; nor one that only another may reach. */
static void policies(void **state)
{
    char url[256];
    (void)state;
    begin(&st, "Cache-Control: max-age=600\r\n");
    struct alb_origin_policy *strict = policy_new(), *far = policy_new();
    strict->may = nothing_here;
    far->reach = ALB_FETCH_PUBLIC;
    wire_url(&st.wire, "/lasting", url);
    struct alb_origin_ask ask = ask_of(url, st.policy), no = ask_of(url, strict), out = ask_of(url, far);
    alb_origin_unref(good(&st, &ask, small, SMALL));
    assert_null(alb_origin_hot(st.room.origins, &no));
    assert_int_equal(get_failure(&st.room, &no, ALB_ORIGIN_BLOCKED), 301);
    assert_int_equal(REQUESTS(&st), 3); /* not the last hop */
    no.url = alb_str_c(st.url);
    (void)get_failure(&st.room, &no, ALB_ORIGIN_BLOCKED);
    assert_int_equal(REQUESTS(&st), 3);
    assert_null(alb_origin_hot(st.room.origins, &out));
    (void)get_failure(&st.room, &out, ALB_ORIGIN_BLOCKED);
    assert_int_equal(REQUESTS(&st), 3);
    alb_obj_unref(&strict->obj);
    alb_obj_unref(&far->obj);
    end(&st);
}

/* What was told to one set of credentials is for nobody else. */
static void credentials(void **state)
{
    const struct alb_str mine[] = {ALB_STR("Cookie: me=1")}, yours[] = {ALB_STR("Cookie: me=2")};
    (void)state;
    begin(&st, "Cache-Control: max-age=600, s-maxage=0\r\nETag: \"a\"\r\n");
    struct alb_origin_ask ask = ask_of(st.url, st.policy);
    ask.headers = mine;
    ask.header_count = 1;
    struct alb_origin *o = good(&st, &ask, small, SMALL);
    assert_true(!o->is_shared && o->fresh_until_ms > atomic_load(&st.room.wall)); /* s-maxage is for others */
    alb_origin_unref(o);
    alb_origin_unref(good(&st, &ask, small, SMALL));
    assert_int_equal(REQUESTS(&st), 1);
    st.script.changes = true;
    ask.headers = yours;
    alb_origin_unref(good(&st, &ask, other, SMALL));
    assert_int_equal(REQUESTS(&st), 2);
    ask.header_count = 0;
    assert_null(alb_origin_hot(st.room.origins, &ask));
    o = good(&st, &ask, other, SMALL);
    assert_true(o->is_shared && o->fresh_until_ms <= atomic_load(&st.room.wall));
    alb_origin_unref(o);
    assert_int_equal(REQUESTS(&st), 3);
    assert_int_equal(atomic_load(&st.script.conditional), 0);
    ask.headers = mine;
    ask.header_count = 1;
    alb_origin_unref(good(&st, &ask, small, SMALL));
    assert_int_equal(REQUESTS(&st), 3);
    end(&st);
}

/* ---- flights ---- */

#define CROWD 200

static void one_transfer_for_all(void **state)
{
    static struct asker crowd[CROWD];
    (void)state;
    begin(&st, "Cache-Control: max-age=60\r\n");
    atomic_store(&st.script.hold, true);
    struct alb_origin_ask ask = ask_of(st.url_large, st.policy);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(asker_start(&st.room, &crowd[i], &ask), ALB_OK);
    for (size_t i = 0; i < CROWD / 2; i++)
        asker_leave(&crowd[2 * i]); /* some do not wait */
    (void)sem_post(&st.script.go);
    struct alb_origin *first = NULL;
    for (size_t i = 0; i < CROWD / 2; i++) {
        struct alb_origin *o = asker_end(&crowd[2 * i + 1], NULL);
        if (!first) {
            assert_true(has_bytes(o, large, N));
            first = alb_origin_ref(o);
        }
        assert_ptr_equal(o, first);
        alb_origin_unref(o);
    }
    alb_origin_unref(first);
    assert_int_equal(REQUESTS(&st), 1);
    assert_int_equal(alb_origins_look(st.room.origins).joined, CROWD - 1);
    end(&st);
}

/* Fresh copies are verified once for all who ask at the same time, too; and different URLs do not wait for
 * each other. */
static void many_urls(void **state)
{
    static struct asker crowd[CROWD];
    static char urls[CROWD][256];
    (void)state;
    begin(&st, "Cache-Control: max-age=60\r\n");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < CROWD; i++) {
            char path[32];
            snprintf(path, sizeof(path), "/small?%zu", i % 50);
            wire_url(&st.wire, path, urls[i]);
            struct alb_origin_ask ask = ask_of(urls[i], st.policy);
            assert_int_equal(asker_start(&st.room, &crowd[i], &ask), ALB_OK);
        }
        for (size_t i = 0; i < CROWD; i++) {
            struct alb_origin *o = asker_end(&crowd[i], NULL);
            assert_true(has_bytes(o, small, SMALL));
            alb_origin_unref(o);
        }
        until_no_jobs(&st.room);
        assert_int_equal(REQUESTS(&st), 50);
    }
    end(&st);
}

static bool talk_endless(struct wire_conn *c, void *arg)
{
    struct script *s = arg;
    (void)sem_post(&s->go);
    if (strcmp(c->path, "/silent") == 0)
        return wire_wait(c);
    if (!wire_sayf(c, "HTTP/1.1 200 OK\r\n\r\n") || !wire_send(c, large, N))
        return false;
    return wire_wait(c);
}

/* When the last one leaves, the other side sees it: before the head, and in the middle of the body. */
static void leaving(void **state)
{
    static const char *const paths[] = {"/silent", "/body"};
    struct asker a[3];
    (void)state;
    begin(&st, "");
    st.wire.talk = talk_endless;
    for (size_t i = 0; i < ALB_ARRAY_LEN(paths); i++) {
        char url[256];
        wire_url(&st.wire, paths[i], url);
        struct alb_origin_ask ask = ask_of(url, st.policy);
        for (size_t k = 0; k < ALB_ARRAY_LEN(a); k++)
            assert_int_equal(asker_start(&st.room, &a[k], &ask), ALB_OK);
        while (sem_wait(&st.script.go) != 0)
            ;
        asker_leave(&a[1]);
        asker_leave(&a[0]);
        assert_int_equal(atomic_load(&st.wire.left), i);
        assert_int_equal(alb_origins_look(st.room.origins).jobs, 1);
        asker_leave(&a[2]);
        until_no_jobs(&st.room);
        while (atomic_load(&st.wire.left) != i + 1)
            sched_yield();
        assert_int_equal(alb_origins_look(st.room.origins).spool, 0);
        assert_int_equal(alb_origins_look(st.room.origins).memory, 0);
    }
    assert_int_equal(room_files(&st.room, "tmp"), 0);
    end(&st);
}

struct hasty {
    pthread_t thread;
    unsigned seed, got, left;
};

static void *come_and_go(void *arg)
{
    struct hasty *h = arg;
    struct alb_origin_ask ask = ask_of(st.url_large, st.policy);
    uint32_t x = h->seed;
    ask.reload = true; /* always a transfer */
    for (int i = 0; i < 60; i++) {
        struct asker a;
        enum alb_code code;
        x = x * 1664525 + 1013904223;
        assert_int_equal(asker_start(&st.room, &a, &ask), ALB_OK);
        for (unsigned spin = (x >> 16) % 64; spin > 0; spin--)
            sched_yield();
        if (x >> 31) {
            asker_leave(&a);
            h->left++;
            continue;
        }
        struct alb_origin *o = asker_end(&a, &code);
        if (!o)
            fail_msg("who waits gets it: %s", alb_code_name(code));
        if (o->failure != ALB_ORIGIN_GOOD || o->size != (int64_t)N)
            fail_msg("%s: %s", alb_origin_failure_name(o->failure), o->err.msg);
        alb_origin_unref(o);
        h->got++;
    }
    return NULL;
}

/* Newcomers meet flights that are about to be given up, and are served nevertheless. */
static void storm(void **state)
{
    struct hasty hasty[6];
    (void)state;
    begin(&st, "");
    for (unsigned i = 0; i < ALB_ARRAY_LEN(hasty); i++) {
        hasty[i] = (struct hasty){.seed = i * 7919 + 1};
        assert_int_equal(pthread_create(&hasty[i].thread, NULL, come_and_go, &hasty[i]), 0);
    }
    for (unsigned i = 0; i < ALB_ARRAY_LEN(hasty); i++) {
        pthread_join(hasty[i].thread, NULL);
        assert_true(hasty[i].got > 0 && hasty[i].left > 0);
    }
    until_no_jobs(&st.room);
    assert_int_equal(alb_origins_look(st.room.origins).spool, 0);
    assert_int_equal(alb_origins_look(st.room.origins).memory, 0);
    end(&st);
}

static void closing(void **state)
{
    struct asker a, b;
    enum alb_code code;
    char url[256];
    (void)state;
    begin(&st, "");
    st.wire.talk = talk_endless;
    wire_url(&st.wire, "/body", url);
    struct alb_origin_ask ask = ask_of(url, st.policy);
    assert_int_equal(asker_start(&st.room, &a, &ask), ALB_OK);
    wire_url(&st.wire, "/silent", url);
    assert_int_equal(asker_start(&st.room, &b, &ask), ALB_OK);
    while (sem_wait(&st.script.go) != 0)
        ;
    alb_origins_close(&st.room.origins);
    assert_null(asker_end(&a, &code));
    assert_int_equal(code, ALB_E_BUSY);
    assert_null(asker_end(&b, &code));
    assert_int_equal(code, ALB_E_BUSY);
    end(&st);
}

static void bounds(void **state)
{
    struct asker a, b;
    char url[256];
    (void)state;
    begin(&st, "");
    room_end(&st.room);
    st.room.config.jobs_max = 1;
    room_begin(&st.room);
    st.wire.talk = talk_endless;
    wire_url(&st.wire, "/silent", url);
    struct alb_origin_ask ask = ask_of(url, st.policy), more = ask_of(st.url, st.policy);
    assert_int_equal(asker_start(&st.room, &a, &ask), ALB_OK);
    assert_int_equal(asker_start(&st.room, &b, &more), ALB_E_BUSY);
    assert_null(b.future);
    assert_int_equal(asker_start(&st.room, &b, &ask), ALB_OK); /* joining is no new one */
    asker_leave(&a);
    asker_leave(&b);
    until_no_jobs(&st.room);
    for (uint64_t n = 1;; n++) {
        alb_mem_fault(n, true);
        enum alb_code code = asker_start(&st.room, &a, &ask);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        if (code == ALB_OK)
            asker_leave(&a);
        until_no_jobs(&st.room);
        if (!fired)
            break;
        assert_int_equal(code, ALB_E_NO_MEMORY);
        assert_null(a.future);
    }
    end(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known), cmocka_unit_test(copies),
        cmocka_unit_test(revalidation),  cmocka_unit_test(recheck),
        cmocka_unit_test(redirected),    cmocka_unit_test(policies),
        cmocka_unit_test(credentials),   cmocka_unit_test(one_transfer_for_all),
        cmocka_unit_test(many_urls),     cmocka_unit_test(leaving),
        cmocka_unit_test(storm),         cmocka_unit_test(closing),
        cmocka_unit_test(bounds),
    };
    large = picture(N, 1);
    small = picture(SMALL, 2);
    other = picture(SMALL, 3);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(large);
    free(small);
    free(other);
    return failed;
}
