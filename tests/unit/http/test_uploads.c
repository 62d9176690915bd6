/* SPDX-License-Identifier: Apache-2.0
 *
 * What upload doors rely on: steps that are told of a hang-up and keep what has come (ALB_ROUTE_TOLD), and
 * waits for the body that end when a future is done (nudge.h).
 */
#include "http_test.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/stat.h"
#include "served.h"

static atomic_int calls, kept, keeps, code, nudges, cleaned;
static struct alb_future *future;
static struct alb_owner owner;

static void clear(void)
{
    atomic_store(&calls, 0);
    atomic_store(&kept, 0);
    atomic_store(&keeps, 0);
    atomic_store(&code, 0);
    atomic_store(&nudges, 0);
    atomic_store(&cleaned, 0);
}

static void new_future(void)
{
    assert_int_equal(alb_future_new(&future, &owner), ALB_OK);
}

static void settle(void)
{
    struct alb_bytes *yes = alb_bytes_copy("yes", 3);

    assert_non_null(yes);
    assert_true(alb_future_settle(&owner, &yes->obj));
}

static void await(atomic_int *what, int n)
{
    int64_t until = soon(120000);

    while (atomic_load(what) < n) {
        assert_true(alb_mono(alb_clock_real()) < until);
        sched_yield();
    }
}

static void await_waiters(unsigned n)
{
    int64_t until = soon(120000);

    while (alb_future_look(future).waiters != n) {
        assert_true(alb_mono(alb_clock_real()) < until);
        sched_yield();
    }
}

static void close_fd(int fd)
{
    (void)close(fd);
}

static void send_bytes(int fd, size_t n)
{
    static char text[65536];

    memset(text, 'x', sizeof(text));
    assert_true(n <= sizeof(text));
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

static void patch(int fd, const char *target, const char *headers)
{
    ask(fd, "PATCH", target, headers);
}

/* ---- told ------------------------------------------------------------------------------------------ */

static void count_clean(void *arg)
{
    (void)arg;
    atomic_fetch_add(&cleaned, 1);
}

static void keep(struct alb_req *req, uint64_t n)
{
    atomic_store(&kept, (int)n);
    atomic_store(&code, (int)alb_req_body_code(req));
    atomic_fetch_add(&keeps, 1);
}

/* Reads at most 1000 bytes in one call, and keeps what it has when no more will come. */
static enum alb_step read_some(struct alb_req *req)
{
    uint64_t *n = alb_req_slot(req);
    struct alb_str view;

    switch (alb_req_body_read(req, &view)) {
    case ALB_BODY_DATA:
        view.n = view.n < 1000 ? view.n : 1000;
        *n += view.n;
        alb_req_body_consume(req, view.n);
        return alb_req_wait_body(req);
    case ALB_BODY_AGAIN:
        return alb_req_wait_body(req);
    case ALB_BODY_END:
        keep(req, *n);
        alb_res_status(req, 204);
        return ALB_STEP_DONE;
    case ALB_BODY_GONE:
        keep(req, *n);
        alb_req_body_refuse(req);
        return ALB_STEP_DONE;
    }
    return ALB_STEP_DONE;
}

/* First waits for the future, as for the upload's lock. */
static enum alb_step step_locked(struct alb_req *req)
{
    atomic_fetch_add(&calls, 1);
    if (alb_req_slot(req))
        return read_some(req);
    alb_req_set_slot(req, alb_arena_calloc(alb_req_arena(req), 1, sizeof(uint64_t)));
    alb_ignore(!alb_arena_defer(alb_req_arena(req), count_clean, NULL), "then it runs at once");
    return alb_req_wait_future(req, future, false);
}

/* The same, but nothing is there yet that would have to be kept. */
static enum alb_step step_asks(struct alb_req *req)
{
    if (!alb_req_slot(req))
        alb_req_wait_for_client(req);
    return step_locked(req);
}

/* Runs until its client has gone, and only then begins to read. */
static enum alb_step step_late(struct alb_req *req)
{
    atomic_fetch_add(&calls, 1);
    if (!alb_req_slot(req)) {
        alb_req_set_slot(req, alb_arena_calloc(alb_req_arena(req), 1, sizeof(uint64_t)));
        while (!alb_req_gone(req))
            sched_yield();
    }
    return read_some(req);
}

/* Something that must be done, whoever still listens. */
static enum alb_step step_remove(struct alb_req *req)
{
    atomic_fetch_add(&keeps, 1);
    alb_res_status(req, 204);
    return ALB_STEP_DONE;
}

static sem_t gate;

static enum alb_step step_gate(struct alb_req *req)
{
    atomic_fetch_add(&calls, 1);
    (void)sem_wait(&gate); /* a misbehaving step; the test wants the pool's only thread to be busy */
    alb_res_literal(req, ALB_STR("ok"));
    return ALB_STEP_DONE;
}

static const struct alb_route routes[] = {
    {"/told", ALB_M_PATCH, ALB_BODY_STREAM, ALB_ROUTE_TOLD, 0, NULL, step_locked},
    {"/left", ALB_M_PATCH, ALB_BODY_STREAM, 0, 0, NULL, step_locked},
    {"/asks", ALB_M_PATCH, ALB_BODY_STREAM, ALB_ROUTE_TOLD, 0, NULL, step_asks},
    {"/late/told", ALB_M_PATCH, ALB_BODY_STREAM, ALB_ROUTE_TOLD, 0, NULL, step_late},
    {"/late/left", ALB_M_PATCH, ALB_BODY_STREAM, 0, 0, NULL, step_late},
    {"/file/told", ALB_M_DELETE, ALB_BODY_NONE, ALB_ROUTE_TOLD, 0, NULL, step_remove},
    {"/file/left", ALB_M_DELETE, ALB_BODY_NONE, 0, 0, NULL, step_remove},
    {"/gate", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, step_gate},
};

static void await_abandoned(int64_t n)
{
    int64_t until = soon(120000);

    while (alb_stat_get(ALB_STAT_HTTP_ABANDONED) < n) {
        assert_true(alb_mono(alb_clock_real()) < until);
        sched_yield();
    }
}

/* The client leaves while the step waits for something else: who is told goes on and keeps what came; who is
 * not is ended by its hooks. */
static void test_hang_up_while_waiting(void **state)
{
    static const char *const targets[] = {"/left", "/told", "/asks"};

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(targets); i++) {
        int64_t gone = alb_stat_get(ALB_STAT_HTTP_ABANDONED);
        bool told = i == 1;
        int fd;

        clear();
        prepare(2, 16);
        new_future();
        begin(routes, ALB_ARRAY_LEN(routes));
        fd = dial();
        patch(fd, targets[i], "Content-Length: 100000\r\n");
        send_bytes(fd, 50000);
        await_waiters(1);
        close_fd(fd);
        if (told) {
            await_abandoned(gone + 1);
            assert_int_equal(alb_future_look(future).waiters, 1);
            settle();
            await(&keeps, 1);
            assert_int_equal(atomic_load(&kept), 50000);
            assert_int_equal(atomic_load(&code), ALB_E_CANCELLED);
        } else {
            await(&cleaned, 1);
            assert_int_equal(atomic_load(&calls), 1);
            settle();
        }
        finish();
        assert_int_equal(atomic_load(&cleaned), 1);
        alb_future_unref(future);
    }
}

/* Only that one wait ends with the client: who is told is told again when it is over. */
static void test_hang_up_after_asking(void **state)
{
    int64_t gone = alb_stat_get(ALB_STAT_HTTP_ABANDONED);
    int fd;

    (void)state;
    clear();
    prepare(2, 16);
    new_future();
    begin(routes, ALB_ARRAY_LEN(routes));
    fd = dial();
    patch(fd, "/asks", "Content-Length: 100000\r\n");
    await_waiters(1);
    settle();
    await(&calls, 2); /* it reads */
    send_bytes(fd, 50000);
    close_fd(fd);
    await_abandoned(gone + 1);
    await(&keeps, 1);
    assert_int_equal(atomic_load(&kept), 50000);
    assert_int_equal(atomic_load(&code), ALB_E_CANCELLED);
    finish();
    alb_future_unref(future);
}

/* The client leaves in the middle of a body that the step takes in small bites: it gets all of them. */
static void test_hang_up_in_body(void **state)
{
    (void)state;
    for (int told = 0; told < 2; told++) {
        int fd;

        clear();
        prepare(2, 16);
        begin(routes, ALB_ARRAY_LEN(routes));
        fd = dial();
        patch(fd, told ? "/late/told" : "/late/left", "Content-Length: 100000\r\n");
        send_bytes(fd, 50000);
        await(&calls, 1);
        close_fd(fd);
        await(&keeps, 1);
        assert_int_equal(atomic_load(&kept), 50000);
        assert_int_equal(atomic_load(&code), ALB_E_CANCELLED);
        finish();
    }
}

/* The client falls silent: measured from its last bytes, not from the long wait for the first ones. */
static void test_silence(void **state)
{
    int fd;

    (void)state;
    clear();
    prepare(2, 16);
    config.limits.rate_window_ns = 100 * ALB_NS_PER_MS;
    config.limits.rate_in = 1000000;
    new_future();
    settle();
    begin(routes, ALB_ARRAY_LEN(routes));
    fd = dial();
    patch(fd, "/told", "Content-Length: 100000\r\n");
    await(&calls, 2); /* it waits for the first byte */
    send_bytes(fd, 1234);
    assert_has(read_all(fd), "HTTP/1.1 408 ");
    assert_int_equal(atomic_load(&keeps), 1);
    assert_int_equal(atomic_load(&kept), 1234);
    assert_int_equal(atomic_load(&code), ALB_E_TIMEOUT);
    finish();
    alb_future_unref(future);
}

/* The client leaves before the first call: a removal is a removal all the same. */
static void test_hang_up_before(void **state)
{
    (void)state;
    (void)sem_init(&gate, 0, 0);
    for (int told = 0; told < 2; told++) {
        int64_t gone = alb_stat_get(ALB_STAT_HTTP_ABANDONED);
        int busy, fd;

        clear();
        prepare(1, 16);
        begin(routes, ALB_ARRAY_LEN(routes));
        busy = dial();
        ask(busy, "GET", "/gate", "");
        await(&calls, 1);
        fd = dial();
        ask(fd, "DELETE", told ? "/file/told" : "/file/left", "");
        while (alb_pool_look(pool).queued == 0)
            sched_yield();
        close_fd(fd);
        await_abandoned(gone + 1);
        (void)sem_post(&gate);
        assert_has(read_all(busy), "\r\n\r\nok");
        finish();
        assert_int_equal(atomic_load(&keeps), told);
    }
    (void)sem_destroy(&gate);
}

/* The server is cut while a body comes in: what came is kept. */
static void test_cut_in_body(void **state)
{
    int fd;

    (void)state;
    clear();
    prepare(2, 16);
    new_future();
    settle();
    begin(routes, ALB_ARRAY_LEN(routes));
    fd = dial();
    patch(fd, "/told", "Content-Length: 100000\r\n");
    send_bytes(fd, 5000);
    await(&calls, 6); /* 5000 bytes in bites */
    assert_int_equal(alb_http_server_stop(server, soon(50)), ALB_E_TIMEOUT);
    assert_int_equal(atomic_load(&keeps), 1);
    assert_int_equal(atomic_load(&kept), 5000);
    assert_int_equal(atomic_load(&cleaned), 1);
    close_fd(fd);
    alb_http_server_free(&server);
    alb_pool_free(&pool);
    alb_future_unref(future);
}

/* ---- nudges ---------------------------------------------------------------------------------------- */

#define RACES 400

static struct alb_future *second;

/* Reads; is done with a 409 when the future is. */
static enum alb_step read_nudged(struct alb_req *req, struct alb_future *nudge)
{
    struct alb_str view;

    atomic_fetch_add(&calls, 1);
    for (;;) {
        switch (alb_req_body_read(req, &view)) {
        case ALB_BODY_DATA:
            atomic_fetch_add(&kept, (int)view.n);
            alb_req_body_consume(req, view.n);
            break;
        case ALB_BODY_AGAIN:
            if (alb_future_done(nudge)) {
                atomic_fetch_add(&nudges, 1);
                alb_res_error(req, ALB_E_CONFLICT, NULL);
                return ALB_STEP_DONE;
            }
            return alb_req_wait_body_or(req, nudge);
        case ALB_BODY_END:
            alb_res_status(req, 204);
            atomic_fetch_add(&keeps, 1);
            return ALB_STEP_DONE;
        case ALB_BODY_GONE:
            alb_req_body_refuse(req);
            atomic_fetch_add(&keeps, 1);
            return ALB_STEP_DONE;
        }
    }
}

static enum alb_step step_nudged(struct alb_req *req)
{
    return read_nudged(req, future);
}

/* Notices the nudge, and then waits for the body alone, or with another future. */
static enum alb_step step_stays(struct alb_req *req)
{
    struct alb_str view;
    enum alb_body said = alb_req_body_read(req, &view);

    atomic_fetch_add(&calls, 1);
    if (said == ALB_BODY_DATA) {
        alb_req_body_consume(req, view.n);
        said = alb_req_body_read(req, &view);
    }
    if (said != ALB_BODY_AGAIN) {
        alb_res_status(req, 204);
        return ALB_STEP_DONE;
    }
    if (!alb_future_done(future))
        return alb_req_wait_body_or(req, future);
    atomic_fetch_add(&nudges, 1);
    return second ? alb_req_wait_body_or(req, second) : alb_req_wait_body(req);
}

/* No memory for the nudge: the body alone ends the wait. */
static enum alb_step step_poor(struct alb_req *req)
{
    enum alb_step said;

    alb_mem_fault(1, false);
    said = step_nudged(req);
    alb_mem_fault(0, false);
    return said;
}

/* Each race has a future of its own: a server that has not yet taken in the client that has gone already
 * comes to it whenever it likes. */
static struct race {
    struct alb_future *nudge;
    struct alb_owner owner;
    int yields;
} races[RACES];

static enum alb_step step_raced(struct alb_req *req)
{
    char number[16] = "";
    struct alb_str query = alb_req_query(req);
    int i;

    ALB_CHECK(query.n < sizeof(number));
    memcpy(number, query.p, query.n);
    i = atoi(number);
    ALB_CHECK(i >= 0 && i < RACES);
    return read_nudged(req, races[i].nudge);
}

static const struct alb_route nudge_routes[] = {
    {"/", ALB_M_PATCH, ALB_BODY_STREAM, 0, 0, NULL, step_nudged},
    {"/stays", ALB_M_PATCH, ALB_BODY_STREAM, 0, 0, NULL, step_stays},
    {"/poor", ALB_M_PATCH, ALB_BODY_STREAM, 0, 0, NULL, step_poor},
    {"/raced", ALB_M_PATCH, ALB_BODY_STREAM, 0, 0, NULL, step_raced},
};

static void begin_nudges(void)
{
    clear();
    prepare(2, RACES); /* all of them may lie in the queue */
    new_future();
    begin(nudge_routes, ALB_ARRAY_LEN(nudge_routes));
}

static void end_nudges(void)
{
    finish();
    alb_future_unref(future);
}

/* One after the other: nudge first, nudge while waiting, body first, hang-up while waiting. */
static void test_nudge_orders(void **state)
{
    int fd;

    (void)state;
    begin_nudges();
    fd = dial();
    patch(fd, "/", "Content-Length: 5\r\n");
    await_waiters(1);
    say(fd, "hello"); /* the body is first */
    assert_has(read_all(fd), "HTTP/1.1 204 ");
    await_waiters(0);
    assert_int_equal(atomic_load(&nudges), 0);

    fd = dial();
    patch(fd, "/", "Content-Length: 5\r\n");
    await_waiters(1);
    say(fd, "he");
    close_fd(fd); /* the hang-up is first */
    await(&keeps, 2);
    await_waiters(0);

    fd = dial();
    patch(fd, "/", "Content-Length: 5\r\n");
    await_waiters(1);
    say(fd, "he");
    await(&kept, 9);
    await_waiters(1);
    settle(); /* the nudge is first */
    assert_has(read_all(fd), "HTTP/1.1 409 ");
    assert_int_equal(atomic_load(&nudges), 1);

    fd = dial(); /* it has come already */
    patch(fd, "/", "Content-Length: 5\r\n");
    assert_has(read_all(fd), "HTTP/1.1 409 ");
    assert_int_equal(atomic_load(&nudges), 2);
    end_nudges();
}

/* A nudge ends the waits that it was aimed for, and no others: a step that goes on does not spin. */
static void test_nudge_ends_with_its_wait(void **state)
{
    struct alb_owner second_owner;
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    (void)alb_fail(&err, ALB_E_GONE, "end of the test");
    assert_int_equal(alb_future_new(&second, &second_owner), ALB_OK);
    for (int i = 0; i < 2; i++) {
        struct alb_future *other = second;
        int fd;

        if (i == 0)
            second = NULL;
        begin_nudges();
        fd = dial();
        patch(fd, "/stays", "Content-Length: 5\r\n");
        await_waiters(1);
        settle();
        await(&nudges, 1);
        assert_has(get("/nowhere", ""), "HTTP/1.1 404 "); /* some time goes by */
        say(fd, "hello");
        assert_has(read_all(fd), "HTTP/1.1 204 ");
        assert_true(atomic_load(&calls) <= 4);
        end_nudges();
        second = other;
    }
    assert_true(alb_future_fail(&second_owner, &err));
    alb_future_unref(second);
    second = NULL;
}

static void test_nudge_without_memory(void **state)
{
    int fd;

    (void)state;
    begin_nudges();
    fd = dial();
    patch(fd, "/poor", "Content-Length: 5\r\n");
    await(&calls, 1);
    say(fd, "hello");
    assert_has(read_all(fd), "HTTP/1.1 204 ");
    settle();
    end_nudges();
}

static void *settle_soon(void *arg)
{
    struct race *r = arg;
    struct alb_bytes *yes = alb_bytes_copy("yes", 3);

    for (int i = r->yields; i > 0; i--)
        sched_yield();
    ALB_CHECK(yes && alb_future_settle(&r->owner, &yes->obj));
    return NULL;
}

static void run_race(int i)
{
    struct race *r = &races[i];
    int64_t until = soon(120000);
    char target[16];
    pthread_t thread;
    int fd = dial();

    r->yields = i % 37;
    assert_int_equal(alb_future_new(&r->nudge, &r->owner), ALB_OK);
    (void)snprintf(target, sizeof(target), "/raced?%d", i);
    patch(fd, target, "Content-Length: 5\r\n");
    while (i % 3 == 0 && alb_future_look(r->nudge).waiters == 0) {
        assert_true(alb_mono(alb_clock_real()) < until);
        sched_yield();
    }
    assert_int_equal(pthread_create(&thread, NULL, settle_soon, r), 0);
    if (i % 2)
        say(fd, "hello");
    if (i % 5 == 0) {
        close_fd(fd);
    } else {
        const char *out = read_all(fd);

        if (!strstr(out, "HTTP/1.1 409 "))
            assert_has(out, "HTTP/1.1 204 ");
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Body, hang-up and nudge at the same time, in every order that comes about. */
static void test_nudge_races(void **state)
{
    (void)state;
    begin_nudges();
    for (int i = 0; i < RACES; i++)
        run_race(i);
    end_nudges();
    for (int i = 0; i < RACES; i++) {
        assert_int_equal(alb_future_look(races[i].nudge).waiters, 0);
        alb_future_unref(races[i].nudge);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hang_up_while_waiting), cmocka_unit_test(test_hang_up_after_asking),
        cmocka_unit_test(test_hang_up_in_body),       cmocka_unit_test(test_silence),
        cmocka_unit_test(test_hang_up_before),        cmocka_unit_test(test_cut_in_body),
        cmocka_unit_test(test_nudge_orders),          cmocka_unit_test(test_nudge_ends_with_its_wait),
        cmocka_unit_test(test_nudge_without_memory),  cmocka_unit_test(test_nudge_races),
    };

    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
