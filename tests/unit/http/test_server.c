/* SPDX-License-Identifier: Apache-2.0
 *
 * The server from the inside: what doors rely on and a wire cannot show exactly. Each test runs a server of
 * its own (served.h).
 */
#include "http_test.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "served.h"

/* ---- start --------------------------------------------------------------------------------------- */

static enum alb_step say_ok(struct alb_req *req)
{
    alb_res_literal(req, ALB_STR("ok"));
    return ALB_STEP_DONE;
}

static const struct alb_route plain[] = {{.pattern = "/", .methods = ALB_M_GET, .step = say_ok}};

static enum alb_code try_listen(const char *spec, struct alb_err *err)
{
    const char *list[] = {spec};
    enum alb_code code;

    alb_err_clear(err);
    config.listen = list;
    assert_int_equal(alb_http_server_new(&config, &server, err), ALB_OK);
    code = alb_http_server_start(server, err);
    if (code == ALB_OK)
        assert_int_equal(alb_http_server_stop(server, soon(120000)), ALB_OK);
    alb_http_server_free(&server);
    return code;
}

static void test_refuses_to_start(void **state)
{
    static const char *const bad_proxy[] = {"10.0.0.0/99"};
    static const struct alb_route twice[] = {{.pattern = "/a", .methods = ALB_M_GET, .step = say_ok},
                                             {.pattern = "/a", .methods = ALB_M_GET, .step = say_ok}};
    struct alb_err err = ALB_ERR_INIT;
    char text[200];

    (void)state;
    prepare(1, 16);
    assert_int_equal(try_listen("nonsense", &err), ALB_E_INVALID);
    assert_int_equal(try_listen("127.0.0.1:99999", &err), ALB_E_INVALID);
    assert_int_equal(try_listen("192.0.2.1:80", &err), ALB_E_IO); /* not an address of this machine */
    assert_has(err.msg, "192.0.2.1:80");
    assert_int_equal(try_listen("unix:", &err), ALB_E_INVALID);
    assert_int_equal(try_listen("unix:/tmp/x,0999", &err), ALB_E_INVALID);
    memset(text, 'x', sizeof(text));
    memcpy(text, "unix:/", 6);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(try_listen(text, &err), ALB_E_INVALID);
    assert_int_equal(try_listen("systemd", &err), ALB_E_INVALID);
    config.listen_count = 0;
    assert_int_equal(alb_http_server_new(&config, &server, NULL), ALB_OK);
    assert_int_equal(alb_http_server_start(server, NULL), ALB_E_INVALID);
    assert_int_equal(alb_http_routes(server, &group, twice, 2, NULL), ALB_E_CONFLICT);
    alb_http_server_free(&server);
    config.trusted_proxies = bad_proxy;
    config.trusted_proxy_count = 1;
    assert_int_equal(alb_http_server_new(&config, &server, &err), ALB_E_INVALID);
    assert_null(server);
    config.trusted_proxy_count = 0;
    config.limits.ring_bytes = 1;
    assert_int_equal(alb_http_server_new(&config, &server, NULL), ALB_E_INVALID);
    alb_pool_free(&pool);
}

/* A live socket of another server stays; a stale file is replaced; the mode is set; the file goes at the end.
 */
static void test_unix_socket(void **state)
{
    char folder[] = "/tmp/alb-http-XXXXXX", path[64], spec[80];
    const char *list[] = {spec};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct alb_err err = ALB_ERR_INIT;
    struct alb_http *first;
    struct stat st;
    int stale;

    (void)state;
    prepare(1, 16);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    (void)snprintf(spec, sizeof(spec), "unix:%s,0640", path);
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&un, sizeof(un)), 0);
    (void)close(stale);
    config.listen = list;
    begin(plain, 1);
    first = server;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(try_listen(spec, &err), ALB_E_IO);
    assert_int_equal(stat(path, &st), 0);
    server = first;
    finish();
    assert_int_not_equal(stat(path, &st), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Sockets that systemd passes, and what it is told. */
static void test_systemd(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const char *list[] = {"systemd"};
    socklen_t n = sizeof(un);
    char text[64], folder[] = "/tmp/alb-http-XXXXXX";
    int fd = socket(AF_INET, SOCK_STREAM, 0), notify = socket(AF_UNIX, SOCK_DGRAM, 0), third = dup(3);

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(fd, 5), 0);
    prepare(1, 16);
    assert_int_equal(dup2(fd, 3), 3); /* what was there is put back below */
    (void)snprintf(text, sizeof(text), "%d", (int)getpid());
    (void)setenv("LISTEN_PID", text, 1);
    (void)setenv("LISTEN_FDS", "1", 1);
    config.listen = list;
    begin(plain, 1);
    assert_has(get("/", ""), "\r\n\r\nok");
    finish();
    (void)unsetenv("LISTEN_FDS");
    (void)close(fd);
    if (third >= 0) {
        assert_int_equal(dup2(third, 3), 3);
        (void)close(third);
    }

    assert_non_null(mkdtemp(folder));
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/n", folder);
    assert_int_equal(bind(notify, (struct sockaddr *)&un, sizeof(un)), 0);
    (void)setenv("NOTIFY_SOCKET", un.sun_path, 1);
    alb_http_notify("READY=1");
    assert_int_equal(recvfrom(notify, text, sizeof(text), 0, (struct sockaddr *)&un, &n), 7);
    (void)unsetenv("NOTIFY_SOCKET");
    alb_http_notify("nobody hears this");
    (void)close(notify);
    (void)snprintf(text, sizeof(text), "%s/n", folder);
    assert_int_equal(unlink(text), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* ---- answers ------------------------------------------------------------------------------------- */

static enum alb_step step_headers(struct alb_req *req)
{
    const struct alb_cookie cookie = {"sid", NULL, ALB_STR("abc"), 60, true, true, "Lax"};
    const struct alb_cookie bad = {"sid", NULL, ALB_STR("a;b"), -1, false, false, NULL};

    alb_res_header_c(req, "X-A", "one\r\nX-Evil: yes");
    alb_res_header_c(req, "X-B", "old");
    alb_res_header_set(req, "x-b", ALB_STR("new"));
    alb_res_header_c(req, "X-C", "gone");
    alb_res_header_set(req, "X-C", ALB_STR_NONE);
    alb_res_header_i64(req, "X-N", -5);
    alb_res_cookie(req, &cookie);
    alb_res_cookie(req, &bad);
    alb_res_disposition(req, true, ALB_STR("a \"b\" \xc3\xa4.jpg"));
    alb_res_type(req, "text/plain");
    alb_res_copy(req, "body", 4);
    return ALB_STEP_DONE;
}

/* An error takes back what described the body that will not come. */
static enum alb_step step_late_error(struct alb_req *req)
{
    struct alb_err err = ALB_ERR_INIT;

    alb_res_header_c(req, "Content-Language", "de");
    alb_res_header_c(req, "Cache-Control", "max-age=3600");
    alb_res_header_c(req, "X-Kept", "yes");
    alb_res_etag(req, ALB_STR("tag"), false);
    (void)alb_fail(&err, ALB_E_TOO_MANY, "secret reason");
    alb_res_fail(req, &err);
    return ALB_STEP_DONE;
}

static enum alb_step step_huge(struct alb_req *req)
{
    alb_res_copy(req, "x", 1);
    alb_ignore(alb_arena_alloc(alb_req_arena(req), 100 << 20) != NULL, "more than the arena may have");
    return ALB_STEP_DONE;
}

static enum alb_step step_buffer(struct alb_req *req)
{
    struct alb_buf b = ALB_BUF_INIT(4);

    alb_buf_c(&b, "far too long");
    alb_res_buf(req, &b);
    return ALB_STEP_DONE;
}

static void own_error(struct alb_req *req, int status, struct alb_str text)
{
    (void)status;
    alb_res_type(req, "text/x-own");
    alb_res_copy(req, text.p, text.n);
}

static void test_answers(void **state)
{
    static const struct alb_route routes[] = {
        {.pattern = "/headers", .methods = ALB_M_GET, .step = step_headers},
        {.pattern = "/late", .methods = ALB_M_GET, .step = step_late_error},
        {.pattern = "/huge", .methods = ALB_M_GET, .step = step_huge},
        {.pattern = "/buffer", .methods = ALB_M_GET, .step = step_buffer},
    };
    const char *out;

    (void)state;
    prepare(2, 16);
    begin(routes, ALB_ARRAY_LEN(routes));
    out = get("/headers", "");
    assert_has(out, "HTTP/1.1 200 OK\r\n");
    assert_has(out, "\r\nX-A: one  X-Evil: yes\r\n");
    assert_has(out, "\r\nx-b: new\r\n");
    assert_null(strstr(out, "old"));
    assert_null(strstr(out, "X-C"));
    assert_has(out, "\r\nX-N: -5\r\n");
    assert_has(out, "\r\nSet-Cookie: sid=abc; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax\r\n");
    assert_null(strstr(out, "a;b"));
    assert_has(out, "filename=\"a _b_ __.jpg\"; filename*=UTF-8''a%20%22b%22%20%C3%A4.jpg\r\n");
    assert_has(out, "\r\nContent-Length: 4\r\n");
    out = get("/late", "");
    assert_has(out, "HTTP/1.1 429 Too Many Requests\r\n");
    assert_has(out, "\r\nRetry-After: 5\r\n");
    assert_has(out, "\r\nX-Kept: yes\r\n");
    assert_has(out, "\r\nCache-Control: no-store\r\n");
    assert_null(strstr(out, "max-age"));
    assert_null(strstr(out, "Content-Language"));
    assert_null(strstr(out, "ETag"));
    assert_null(strstr(out, "secret"));
    assert_has(get("/huge", ""), "HTTP/1.1 500 ");
    assert_has(get("/buffer", ""), "HTTP/1.1 500 ");
    finish();

    prepare(2, 16);
    group.error = own_error;
    begin(routes, ALB_ARRAY_LEN(routes));
    out = get("/late", "");
    assert_has(out, "\r\nContent-Type: text/x-own\r\n");
    assert_has(out, "\r\n\r\ntoo many requests");
    out = get("/nowhere", ""); /* nobody's path: the server's own writer */
    assert_has(out, "\r\nContent-Type: application/json; charset=utf-8\r\n");
    finish();
}

/* ---- before, users, the pool ----------------------------------------------------------------------- */

static struct alb_future *signed_in;
static struct alb_owner sign_in;
static atomic_int asked_on_loop, asked_on_pool;

static enum alb_before who(struct alb_req *req, bool on_loop)
{
    struct alb_str key = alb_req_header(req, "x-key");

    atomic_fetch_add(on_loop ? &asked_on_loop : &asked_on_pool, 1);
    if (!key.p) {
        alb_res_error(req, ALB_E_UNAUTHENTICATED, NULL);
        return ALB_BEFORE_ANSWERED;
    }
    if (alb_str_eq_c(key, "slow")) {
        if (on_loop)
            return ALB_BEFORE_LATER;
        if (!alb_future_done(signed_in)) {
            (void)alb_req_wait_future(req, signed_in, false);
            return ALB_BEFORE_WAIT;
        }
    }
    alb_req_set_principal(req, &signed_in);
    return ALB_BEFORE_GO;
}

static enum alb_hot hot_who(struct alb_req *req)
{
    alb_res_literal(req, alb_req_principal(req) == &signed_in ? ALB_STR("hot") : ALB_STR("nobody"));
    return ALB_HOT_HIT;
}

static enum alb_step step_who(struct alb_req *req)
{
    alb_res_literal(req, alb_req_principal(req) == &signed_in ? ALB_STR("step") : ALB_STR("nobody"));
    return ALB_STEP_DONE;
}

static void test_before(void **state)
{
    static const struct alb_route routes[] = {
        {.pattern = "/hot", .methods = ALB_M_GET, .hot = hot_who, .step = step_who},
        {.pattern = "/step", .methods = ALB_M_GET, .step = step_who},
    };
    struct alb_bytes *yes = alb_bytes_copy("yes", 3);
    struct alb_http_view v;
    int fd;

    (void)state;
    prepare(2, 16);
    config.before = who;
    assert_int_equal(alb_future_new(&signed_in, &sign_in), ALB_OK);
    begin(routes, 2);
    assert_has(get("/hot", ""), "HTTP/1.1 401 ");
    assert_has(get("/step", ""), "HTTP/1.1 401 ");
    assert_has(get("/hot", "X-Key: k\r\n"), "\r\n\r\nhot");
    assert_has(get("/step", "X-Key: k\r\n"), "\r\n\r\nstep");
    assert_int_equal(atomic_load(&asked_on_loop), 2);
    assert_int_equal(atomic_load(&asked_on_pool), 2);
    fd = dial();
    ask(fd, "GET", "/hot", "X-Key: slow\r\n");
    do
        v = alb_http_look(server);
    while (v.waiting == 0);
    assert_int_equal(v.requests, 1);
    assert_non_null(yes);
    assert_true(alb_future_settle(&sign_in, &yes->obj));
    assert_has(read_all(fd), "\r\n\r\nstep"); /* what the loop could not decide goes to the step */
    finish();
    alb_future_unref(signed_in);
}

static sem_t gate;

static enum alb_step step_gate(struct alb_req *req)
{
    (void)sem_wait(&gate); /* a misbehaving step; the test wants a full pool */
    return say_ok(req);
}

static void test_full_pool(void **state)
{
    static const struct alb_route routes[] = {
        {.pattern = "/gate", .methods = ALB_M_GET, .step = step_gate},
        {.pattern = "/", .methods = ALB_M_GET, .step = say_ok},
    };
    int first, second;

    (void)state;
    prepare(1, 1);
    (void)sem_init(&gate, 0, 0);
    begin(routes, 2);
    first = dial();
    ask(first, "GET", "/gate", "");
    while (alb_pool_look(pool).busy == 0)
        ;
    second = dial();
    ask(second, "GET", "/", "");
    while (alb_pool_look(pool).queued == 0)
        ;
    assert_has(get("/", ""), "HTTP/1.1 503 ");
    (void)sem_post(&gate);
    assert_has(read_all(first), "\r\n\r\nok");
    assert_has(read_all(second), "\r\n\r\nok");
    finish();
    (void)sem_destroy(&gate);
}

static enum alb_step step_user(struct alb_req *req)
{
    if (!alb_req_slot(req)) {
        alb_req_set_slot(req, req);
        if (!alb_req_count_user(req, 7)) {
            alb_res_error(req, ALB_E_TOO_MANY, NULL);
            return ALB_STEP_DONE;
        }
        return alb_req_wait_future(req, signed_in, false);
    }
    return say_ok(req);
}

static void test_users(void **state)
{
    static const struct alb_route routes[] = {{.pattern = "/", .methods = ALB_M_GET, .step = step_user}};
    struct alb_err err = ALB_ERR_INIT;
    int fd[2];

    (void)state;
    prepare(2, 16);
    config.limits.requests_per_user = 2;
    assert_int_equal(alb_future_new(&signed_in, &sign_in), ALB_OK);
    begin(routes, 1);
    for (int i = 0; i < 2; i++) {
        fd[i] = dial();
        ask(fd[i], "GET", "/", "");
    }
    while (alb_http_look(server).waiting < 2)
        ;
    assert_has(get("/", ""), "HTTP/1.1 429 ");
    (void)alb_fail(&err, ALB_E_GONE, "x");
    assert_true(alb_future_fail(&sign_in, &err));
    assert_has(read_all(fd[0]), "\r\n\r\nok");
    assert_has(read_all(fd[1]), "\r\n\r\nok");
    assert_has(get("/", ""), "\r\n\r\nok"); /* the future is done: the wait ends at once */
    finish();
    alb_future_unref(signed_in);
}

/* ---- waits that are not honoured ------------------------------------------------------------------- */

static struct alb_future *shared;

/* Registers and is done all the same: http takes the request off, or finishes after the wake. */
static enum alb_step step_hasty(struct alb_req *req)
{
    (void)alb_req_wait_future(req, shared, true);
    return say_ok(req);
}

static enum alb_step step_heir(struct alb_req *req)
{
    struct alb_err err = ALB_ERR_INIT;

    if (!alb_req_slot(req)) {
        alb_req_set_slot(req, req);
        return alb_req_wait_future(req, shared, true);
    }
    /* Does not look whether it was promoted: http resigns for it. */
    if (!alb_future_done(shared))
        return alb_req_wait_future(req, shared, false);
    (void)alb_future_error(shared, &err);
    alb_res_literal(req, err.code != ALB_OK ? ALB_STR("failed") : ALB_STR("settled"));
    return ALB_STEP_DONE;
}

static void test_hasty_steps(void **state)
{
    static const struct alb_route routes[] = {
        {.pattern = "/hasty", .methods = ALB_M_GET, .step = step_hasty},
        {.pattern = "/heir", .methods = ALB_M_GET, .step = step_heir},
    };
    struct alb_err err = ALB_ERR_INIT;
    struct alb_owner owner;
    int fd;

    (void)state;
    prepare(2, 64);
    begin(routes, 2);
    (void)alb_fail(&err, ALB_E_BUSY, "resigned");
    /* A future that nobody ends: the request leaves it. */
    assert_int_equal(alb_future_new(&shared, &owner), ALB_OK);
    assert_has(get("/hasty", ""), "\r\n\r\nok");
    assert_int_equal(alb_future_look(shared).waiters, 0);
    /* A promotion that the step does not notice is given back: nobody else is there, so it fails. */
    fd = dial();
    ask(fd, "GET", "/heir", "");
    while (alb_future_look(shared).waiters == 0)
        ;
    assert_true(alb_future_resign(&owner, &err));
    assert_has(read_all(fd), "\r\n\r\nfailed");
    alb_future_unref(shared);
    /* Hasty ones while the owner resigns, again and again: whoever inherits gives it back, nobody is stuck.
     */
    for (int i = 0; i < 200; i++) {
        assert_int_equal(alb_future_new(&shared, &owner), ALB_OK);
        fd = dial();
        ask(fd, "GET", i % 2 ? "/hasty" : "/heir", "");
        if (i % 3)
            while (alb_future_look(shared).waiters == 0 && alb_http_look(server).requests > 0)
                ;
        (void)alb_future_resign(&owner, &err);
        assert_has(read_all(fd), i % 2 ? "\r\n\r\nok" : "\r\n\r\nfailed");
        alb_future_unref(shared);
    }
    finish();
}

/* ---- end ----------------------------------------------------------------------------------------- */

static atomic_int cleaned;

static void clean(void *arg)
{
    (void)arg;
    atomic_fetch_add(&cleaned, 1);
}

static enum alb_step step_large(struct alb_req *req)
{
    struct alb_buf b = ALB_BUF_INIT(32 << 20);
    char *p = alb_buf_reserve(&b, 16 << 20);

    if (!p || !alb_arena_defer(alb_req_arena(req), clean, NULL))
        return say_ok(req);
    memset(p, 'x', 16 << 20);
    alb_buf_commit(&b, 16 << 20);
    alb_res_buf(req, &b);
    return ALB_STEP_DONE;
}

/* Law 1: what hangs on a request is let go before its client has read the answer. */
static void test_hooks_do_not_wait_for_clients(void **state)
{
    static const struct alb_route routes[] = {{.pattern = "/", .methods = ALB_M_GET, .step = step_large}};
    static char piece[65536];
    size_t got = 0;
    ssize_t n;
    int fd;

    (void)state;
    prepare(2, 16);
    begin(routes, 1);
    fd = dial();
    ask(fd, "GET", "/", "");
    while (atomic_load(&cleaned) == 0)
        ;
    while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
        got += (size_t)n;
    assert_true(got > 16 << 20);
    (void)close(fd);
    finish();
    assert_int_equal(atomic_exchange(&cleaned, 0), 1);
}

static enum alb_step step_forever(struct alb_req *req)
{
    if (!alb_arena_defer(alb_req_arena(req), clean, NULL))
        return say_ok(req);
    return alb_req_wait_future(req, signed_in, false);
}

/* Stopping cuts what does not end by itself, takes it off its futures and runs the hooks. */
static void test_cut(void **state)
{
    static const struct alb_route routes[] = {
        {.pattern = "/", .methods = ALB_M_GET, .step = step_forever},
        {.pattern = "/told", .methods = ALB_M_GET, .flags = ALB_ROUTE_TOLD, .step = step_forever},
    };
    struct alb_err err = ALB_ERR_INIT;
    char text[4096];
    int fds[2], a, b;
    ssize_t n;

    (void)state;
    prepare(2, 16);
    assert_int_equal(alb_future_new(&signed_in, &sign_in), ALB_OK);
    begin(routes, 2);
    a = dial();
    ask(a, "GET", "/", "");
    b = dial();
    ask(b, "GET", "/told?with=query", "");
    while (alb_http_look(server).waiting < 2)
        ;
    assert_int_equal(pipe(fds), 0);
    alb_future_describe_owner(&sign_in, "the test");
    alb_http_dump(server, fds[1]);
    (void)close(fds[1]);
    for (size_t got = 0; (n = read(fds[0], text + got, sizeof(text) - 1 - got)) > 0;)
        text[got += (size_t)n] = '\0';
    (void)close(fds[0]);
    assert_has(text, "GET /told client=127.0.0.1 route=test//told");
    assert_has(text, "waiters=2 owner=the test");
    assert_null(strstr(text, "query")); /* queries may hold keys */
    assert_int_equal(alb_http_server_stop(server, soon(50)), ALB_E_TIMEOUT);
    assert_int_equal(atomic_load(&cleaned), 2);
    assert_int_equal(alb_future_look(signed_in).waiters, 0);
    assert_string_equal(read_all(a), "");
    assert_string_equal(read_all(b), "");
    alb_http_server_free(&server);
    alb_pool_free(&pool);
    (void)alb_fail(&err, ALB_E_CANCELLED, "end of the test");
    assert_true(alb_future_fail(&sign_in, &err));
    alb_future_unref(signed_in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_to_start),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_systemd),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_before),
        cmocka_unit_test(test_full_pool),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_hasty_steps),
        cmocka_unit_test(test_hooks_do_not_wait_for_clients),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
