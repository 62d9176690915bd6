/* SPDX-License-Identifier: Apache-2.0
 *
 * Origins that mean no good, or are broken: every one of them is an answer in its time, of the right kind,
 * and the room holds nothing afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "../fetch/wire.h"
#include "origins.h"

#define N ((size_t)50000)
#define LIMIT ((int64_t)2 << 20)

static unsigned char *body;
static unsigned char packed[2 * N], bomb[1 << 20];
static size_t packed_n, bomb_n;

/* ---- names: this program brings its own getaddrinfo, which curl then calls ---- */

typedef int look_up_fn(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);

static atomic_uint look_ups;
static sem_t release, released; /* of a look-up that hangs */

/* An address inside, and one of this machine behind it. */
static int two_addresses(look_up_fn *real, const char *service, const struct addrinfo *hints,
                         struct addrinfo **list)
{
    struct addrinfo **end = list;
    int rc = real("10.255.255.1", service, hints, list);
    if (rc != 0)
        return rc;
    while (*end)
        end = &(*end)->ai_next;
    return real("127.0.0.1", service, hints, end);
}

/* Names of this test lead where they say; flips.invalid leads to this machine first, then inside.
 * NOLINTNEXTLINE: the name is libc's */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **list)
{
    union { /* a function from a pointer to data */
        void *p;
        look_up_fn *f;
    } real = {dlsym(RTLD_NEXT, "getaddrinfo")};

    if (node && strcmp(node, "private.invalid") == 0)
        node = "10.255.255.1";
    else if (node && strcmp(node, "loop.invalid") == 0)
        node = "127.0.0.1";
    else if (node && strcmp(node, "stuck.invalid") == 0) {
        while (sem_wait(&release) != 0)
            ;
        (void)sem_post(&released);
        return EAI_AGAIN;
    } else if (node && strcmp(node, "two.invalid") == 0)
        return two_addresses(real.f, service, hints, list);
    else if (node && strcmp(node, "flips.invalid") == 0)
        node = atomic_fetch_add(&look_ups, 1) == 0 ? "127.0.0.1" : "169.254.169.254";
    return real.f(node, service, hints, list);
}

/* ---- what the server says ---- */

static bool head_and(struct wire_conn *c, const char *head, const void *p, size_t n)
{
    (void)(wire_say(c, head) && wire_send(c, p, n));
    return false; /* closes */
}

static bool forever(struct wire_conn *c)
{
    char head[] = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n";
    if (!wire_say(c, head))
        return false;
    while (wire_send(c, body, N))
        ;
    return false;
}

static bool drip(struct wire_conn *c)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    if (!wire_sayf(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", N))
        return false;
    for (size_t i = 0; i < N && wire_send(c, body + i, 1); i++)
        (void)nanosleep(&pause, NULL); /* it is a slow server */
    return false;
}

/* In one piece: what came later than the next request would be that one's answer, and nobody could tell. */
static bool longer(struct wire_conn *c)
{
    static const char more[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    char *all = malloc(N + 200);
    int n = snprintf(all, 200, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", N);
    memcpy(all + n, body, N);
    memcpy(all + n + N, more, sizeof(more) - 1);
    bool fine = wire_send(c, all, (size_t)n + N + sizeof(more) - 1);
    free(all);
    return fine;
}

static bool huge_head(struct wire_conn *c)
{
    if (!wire_say(c, "HTTP/1.1 200 OK\r\n"))
        return false;
    for (int i = 0; i < 1000; i++)
        if (!wire_sayf(c, "X-%d: %0200d\r\n", i, i))
            return false;
    return wire_answer(c, "", body, N);
}

static bool html(struct wire_conn *c)
{
    char text[8192];
    memset(text, ' ', sizeof(text));
    memcpy(text, "<!doctype html><html>", 21);
    (void)(wire_say(c, "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1000000\r\n\r\n") &&
           wire_send(c, text, sizeof(text)));
    return wire_wait(c); /* the rest is not waited for */
}

static bool talk_status(struct wire_conn *c, int status)
{
    return wire_sayf(c, "HTTP/1.1 %d X\r\nContent-Length: 3\r\n\r\nbad", status);
}

static bool talk_redirect(struct wire_conn *c, const char *to)
{
    return wire_sayf(c, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nmove", to);
}

static bool talk_encoded(struct wire_conn *c, const char *encoding, const void *p, size_t n)
{
    char line[64];
    snprintf(line, sizeof(line), "Content-Encoding: %s\r\n", encoding);
    return wire_answer(c, line, p, n);
}

static bool talk_cookie(struct wire_conn *c)
{
    char cookie[128];
    if (wire_header(c, "cookie", cookie, sizeof(cookie)) && strstr(cookie, "challenge=passed"))
        return wire_answer(c, "", body, N);
    return wire_sayf(c,
                     "HTTP/1.1 302 Found\r\nSet-Cookie: challenge=passed\r\nLocation: %s\r\n"
                     "Content-Length: 0\r\n\r\n",
                     c->path);
}

static bool is(const struct wire_conn *c, const char *path)
{
    return strcmp(c->path, path) == 0;
}

static bool talk_bodies(struct wire_conn *c)
{
    char half[128];
    snprintf(half, sizeof(half), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", N);
    if (is(c, "/half"))
        return head_and(c, half, body, N / 2);
    if (is(c, "/chunk-cut"))
        return head_and(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", body, 100);
    if (is(c, "/chunk-bad"))
        return head_and(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", body, 100);
    if (is(c, "/longer"))
        return longer(c);
    if (is(c, "/until-close"))
        return head_and(c, "HTTP/1.1 200 OK\r\n\r\n", body, N);
    if (is(c, "/over"))
        return wire_sayf(c, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", (long long)LIMIT + 1) &&
               wire_wait(c);
    if (is(c, "/whole-206"))
        return wire_sayf(c, "HTTP/1.1 206 P\r\nContent-Range: bytes 0-%zu/%zu\r\nContent-Length: %zu\r\n\r\n",
                         N - 1, N, N) &&
               wire_send(c, body, N);
    if (is(c, "/part-206"))
        return wire_sayf(c, "HTTP/1.1 206 P\r\nContent-Range: bytes 0-99/%zu\r\nContent-Length: 100\r\n\r\n",
                         N) &&
               wire_send(c, body, 100);
    if (is(c, "/gzip"))
        return talk_encoded(c, "gzip", packed, packed_n);
    if (is(c, "/gzip-cut"))
        return talk_encoded(c, "gzip", packed, packed_n / 2);
    if (is(c, "/gzip-bad"))
        return talk_encoded(c, "gzip", body, N);
    if (is(c, "/bomb"))
        return talk_encoded(c, "gzip", bomb, bomb_n);
    return talk_encoded(c, "br", body, N);
}

static bool talk_redirects(struct wire_conn *c)
{
    char to[256];
    if (is(c, "/circle"))
        return talk_redirect(c, "/circle");
    if (is(c, "/to/nowhere"))
        return wire_say(c, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    if (is(c, "/to/private"))
        snprintf(to, sizeof(to), "http://private.invalid:%d/good", c->wire->port);
    else if (is(c, "/to/numbers"))
        snprintf(to, sizeof(to), "http://[::ffff:10.0.0.1]:%d/good", c->wire->port);
    else if (is(c, "/to/metadata"))
        snprintf(to, sizeof(to), "http://169.254.169.254/latest/");
    else if (is(c, "/to/loop"))
        snprintf(to, sizeof(to), "http://loop.invalid:%d/good", c->wire->port);
    else
        snprintf(to, sizeof(to), "%s", c->path + strlen("/to?"));
    return talk_redirect(c, to);
}

static bool talk(struct wire_conn *c, void *arg)
{
    (void)arg;
    if (is(c, "/good"))
        return wire_answer(c, "", body, N);
    if (is(c, "/silent"))
        return wire_wait(c);
    if (is(c, "/hang-up"))
        return false;
    if (is(c, "/junk"))
        return head_and(c, "What do you want?\r\n\r\n", body, 10);
    if (is(c, "/forever"))
        return forever(c);
    if (is(c, "/drip"))
        return drip(c);
    if (is(c, "/huge-head"))
        return huge_head(c);
    if (is(c, "/html"))
        return html(c);
    if (is(c, "/cookie"))
        return talk_cookie(c);
    if (is(c, "/204"))
        return wire_say(c, "HTTP/1.1 204 No Content\r\n\r\n");
    if (is(c, "/304"))
        return wire_say(c, "HTTP/1.1 304 Not Modified\r\n\r\n");
    if (strncmp(c->path, "/status/", 8) == 0)
        return talk_status(c, atoi(c->path + 8));
    if (strncmp(c->path, "/to", 3) == 0 || is(c, "/circle"))
        return talk_redirects(c);
    return talk_bodies(c);
}

/* ---- the stage ---- */

static struct {
    struct room room;
    struct wire wire;
    struct alb_origin_policy *policy;
} st;

static void begin(void)
{
    room_open(&st.room);
    room_begin(&st.room);
    wire_start(&st.wire, talk, NULL);
    st.policy = policy_new();
}

static void end(void)
{
    until_no_jobs(&st.room);
    assert_int_equal(alb_origins_look(st.room.origins).memory, 0);
    assert_int_equal(alb_origins_look(st.room.origins).spool, 0);
    assert_int_equal(room_files(&st.room, "tmp"), 0);
    room_close(&st.room);
    wire_stop(&st.wire);
    alb_obj_unref(&st.policy->obj);
}

static int fails(const char *path, enum alb_origin_failure failure)
{
    char url[256];
    wire_url(&st.wire, path, url);
    struct alb_origin_ask ask = ask_of(url, st.policy);
    ask.max_bytes = LIMIT;
    int status = get_failure(&st.room, &ask, failure);
    assert_int_equal(room_files(&st.room, "sources"), 0); /* nothing of it is kept */
    return status;
}

static void succeeds(const char *path)
{
    char url[256];
    wire_url(&st.wire, path, url);
    struct alb_origin_ask ask = ask_of(url, st.policy);
    struct alb_origin *o = get(&st.room, &ask, NULL);
    if (!has_bytes(o, body, N))
        fail_msg("%s", path);
    alb_origin_unref(o);
}

static void broken(void **state)
{
    (void)state;
    begin();
    (void)fails("/hang-up", ALB_ORIGIN_UNREACHABLE);
    (void)fails("/junk", ALB_ORIGIN_UNREACHABLE);
    (void)fails("/huge-head", ALB_ORIGIN_UNREACHABLE);
    (void)fails("/half", ALB_ORIGIN_INCOMPLETE);
    (void)fails("/chunk-cut", ALB_ORIGIN_INCOMPLETE);
    (void)fails("/chunk-bad", ALB_ORIGIN_INCOMPLETE);
    (void)fails("/gzip-cut", ALB_ORIGIN_INCOMPLETE);
    (void)fails("/gzip-bad", ALB_ORIGIN_ENCODING);
    (void)fails("/br", ALB_ORIGIN_ENCODING);
    (void)fails("/bomb", ALB_ORIGIN_TOO_LARGE);
    (void)fails("/forever", ALB_ORIGIN_TOO_LARGE);
    (void)fails("/over", ALB_ORIGIN_TOO_LARGE);
    (void)fails("/html", ALB_ORIGIN_TYPE);
    assert_int_equal(fails("/part-206", ALB_ORIGIN_STATUS), 206);
    assert_int_equal(fails("/204", ALB_ORIGIN_STATUS), 204);
    assert_int_equal(fails("/304", ALB_ORIGIN_STATUS), 304);
    assert_int_equal(fails("/status/300", ALB_ORIGIN_STATUS), 300);
    assert_int_equal(fails("/status/403", ALB_ORIGIN_STATUS), 403);
    assert_int_equal(fails("/status/404", ALB_ORIGIN_STATUS), 404);
    assert_int_equal(fails("/status/500", ALB_ORIGIN_STATUS), 500);
    succeeds("/whole-206");
    succeeds("/longer");
    succeeds("/good"); /* what was too much is no answer to this */
    succeeds("/until-close");
    succeeds("/gzip");
    succeeds("/cookie");
    end();
}

static void slow(void **state)
{
    static const char *const paths[] = {"/silent", "/drip"};
    (void)state;
    begin();
    st.policy->timeout_ns = 300 * ALB_NS_PER_MS;
    for (size_t i = 0; i < ALB_ARRAY_LEN(paths); i++) {
        int64_t before = alb_mono(alb_clock_real());
        (void)fails(paths[i], ALB_ORIGIN_TIMEOUT);
        assert_true(alb_mono(alb_clock_real()) - before >= st.policy->timeout_ns);
    }
    end();
}

/* A name server that does not answer: a time-out of everything together, or of the connection if that is shorter. */
static void stuck_names(void **state)
{
    static const struct {
        int64_t connect_ms, timeout_ms;
        enum alb_origin_failure failure;
    } table[] = {{200, 60000, ALB_ORIGIN_UNREACHABLE},
                 {200, 200, ALB_ORIGIN_TIMEOUT},
                 {60000, 200, ALB_ORIGIN_TIMEOUT}};
    (void)state;
    (void)sem_init(&release, 0, 0);
    (void)sem_init(&released, 0, 0);
    begin();
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        st.policy->connect_ns = table[i].connect_ms * ALB_NS_PER_MS;
        st.policy->timeout_ns = table[i].timeout_ms * ALB_NS_PER_MS;
        struct alb_origin_ask ask = ask_of("http://stuck.invalid/", st.policy);
        (void)get_failure(&st.room, &ask, table[i].failure);
        until_no_jobs(&st.room);
        (void)sem_post(&release);
        while (sem_wait(&released) != 0)
            ;
    }
    end();
}

static void redirects(void **state)
{
    (void)state;
    begin();
    assert_int_equal(fails("/circle", ALB_ORIGIN_REDIRECTS), 302);
    assert_int_equal(atomic_load(&st.wire.requests), 6); /* five were followed */
    (void)fails("/to/nowhere", ALB_ORIGIN_REDIRECTS);
    static const char *const schemes[] = {
        "/to?local:///etc/passwd", "/to?file:///etc/passwd", "/to?s3://bucket/key", "/to?gopher://127.0.0.1/",
        "/to?javascript:alert(1)", "/to?http:///etc",        "/to?ftp://127.0.0.1/"};
    room_file(&st.room, "local/good.png", body, N);
    for (size_t i = 0; i < ALB_ARRAY_LEN(schemes); i++)
        (void)fails(schemes[i], ALB_ORIGIN_REDIRECTS);
    (void)fails("/to/private", ALB_ORIGIN_BLOCKED);
    (void)fails("/to/numbers", ALB_ORIGIN_BLOCKED);
    (void)fails("/to/metadata", ALB_ORIGIN_BLOCKED);
    st.policy->redirects = 0;
    (void)fails("/to/loop", ALB_ORIGIN_REDIRECTS);
    st.policy->redirects = 1;
    succeeds("/to/loop");
    end();
}

/* A name that was good when it was looked at is looked at again, by its numbers, when it is connected to. */
static void rebinding(void **state)
{
    char url[256];
    (void)state;
    begin();
    snprintf(url, sizeof(url), "http://flips.invalid:%d/hang-up", st.wire.port);
    struct alb_origin_ask ask = ask_of(url, st.policy);
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_UNREACHABLE);
    unsigned before = atomic_load(&st.wire.accepted);
    assert_true(before >= 1);
    room_end(&st.room); /* names are remembered for a minute; another loop remembers nothing */
    room_begin(&st.room);
    snprintf(url, sizeof(url), "http://flips.invalid:%d/good", st.wire.port);
    ask = ask_of(url, st.policy);
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_BLOCKED);
    assert_int_equal(atomic_load(&st.wire.accepted), before);
    end();
}

/* One address that may not be reached does not spoil the other; and a name that has none but such is blocked. */
static void several_addresses(void **state)
{
    char url[256];
    (void)state;
    begin();
    snprintf(url, sizeof(url), "http://two.invalid:%d/good", st.wire.port);
    struct alb_origin_ask ask = ask_of(url, st.policy);
    struct alb_origin *o = get(&st.room, &ask, NULL);
    assert_true(has_bytes(o, body, N));
    alb_origin_unref(o);
    assert_int_equal(atomic_load(&st.wire.accepted), 1);
    st.policy->reach = ALB_FETCH_PUBLIC;
    ask.policy = st.policy;
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_BLOCKED);
    assert_int_equal(atomic_load(&st.wire.accepted), 1);
    end();
}

/* Headers that were forwarded go to the first host, and on only if the ask says so. */
static bool talk_headers(struct wire_conn *c, void *arg)
{
    char secret[64];
    bool has = wire_header(c, "cookie", secret, sizeof(secret));
    atomic_uint *told = arg;
    if (has)
        atomic_fetch_add(told, 1);
    if (is(c, "/same"))
        return talk_redirect(c, "/good");
    if (is(c, "/other")) {
        char to[128];
        snprintf(to, sizeof(to), "http://loop.invalid:%d/good", c->wire->port);
        return talk_redirect(c, to);
    }
    return wire_answer(c, "", body, N);
}

static void secrets(void **state)
{
    const struct alb_str headers[] = {ALB_STR("Cookie: secret=1"), ALB_STR("Authorization: Bearer x")};
    static atomic_uint told;
    static const struct {
        const char *path;
        bool follow;
        unsigned told;
    } table[] = {{"/same", false, 2}, {"/other", false, 1}, {"/other", true, 2}};
    (void)state;
    begin();
    st.wire.talk = talk_headers;
    st.wire.arg = &told;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        char url[256];
        atomic_store(&told, 0);
        wire_url(&st.wire, table[i].path, url);
        struct alb_origin_ask ask = ask_of(url, st.policy);
        ask.headers = headers;
        ask.header_count = 2;
        ask.headers_follow = table[i].follow;
        struct alb_origin *o = get(&st.room, &ask, NULL);
        assert_true(has_bytes(o, body, N));
        assert_true(!o->is_shared);
        alb_origin_unref(o);
        assert_int_equal(atomic_load(&told), table[i].told);
    }
    end();
}

static void not_http(void **state)
{
    static const char *const urls[] = {"s3://bucket/key",  "gs://bucket/key",    "abs://c/b",  "swift://c/o",
                                       "ftp://127.0.0.1/", "file:///etc/passwd", "nonsense",   "",
                                       "http://",          "http:///x",          "http://a b/"};
    (void)state;
    begin();
    for (size_t i = 0; i < ALB_ARRAY_LEN(urls); i++) {
        struct alb_origin_ask ask = ask_of(urls[i], st.policy);
        (void)get_failure(&st.room, &ask, ALB_ORIGIN_SCHEME);
    }
    struct alb_origin_ask ask = ask_of("http://no.such.name.invalid/", st.policy);
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_UNREACHABLE);
    ask = ask_of("http://127.0.0.1:1/", st.policy);
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_UNREACHABLE);
    end();
}

/* For raw answers any bytes will do. */
static void any_type(void **state)
{
    char url[256];
    (void)state;
    begin();
    wire_url(&st.wire, "/status/200", url);
    struct alb_origin_ask ask = ask_of(url, st.policy);
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_TYPE);
    ask.any_type = true;
    for (int i = 0; i < 2; i++) {
        struct alb_origin *o = get(&st.room, &ask, NULL);
        assert_true(has_bytes(o, "bad", 3));
        assert_int_equal(o->type, ALB_TYPE_UNKNOWN);
        alb_origin_unref(o);
    }
    ask.any_type = false; /* the copy is no picture either */
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_TYPE);
    assert_null(alb_origin_hot(st.room.origins, &ask));
    assert_int_equal(atomic_load(&st.wire.requests), 2);
    end();
}

/* `first`, n bytes, and then `rest` so many times. */
static size_t pack(const void *first, size_t first_n, const void *rest, size_t n, size_t times,
                   unsigned char *out, size_t cap)
{
    z_stream z = {0};
    union {
        const void *from;
        unsigned char *to;
    } in = {.from = first};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = out;
    z.avail_out = (uInt)cap;
    z.next_in = in.to;
    z.avail_in = (uInt)first_n;
    assert_int_equal(deflate(&z, Z_NO_FLUSH), Z_OK);
    in.from = rest;
    for (size_t i = 0; i < times; i++) {
        z.next_in = in.to;
        z.avail_in = (uInt)n;
        assert_int_equal(deflate(&z, Z_NO_FLUSH), Z_OK);
    }
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t made = cap - z.avail_out;
    (void)deflateEnd(&z);
    return made;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken),      cmocka_unit_test(slow),      cmocka_unit_test(redirects),
        cmocka_unit_test(stuck_names), cmocka_unit_test(rebinding), cmocka_unit_test(several_addresses),
        cmocka_unit_test(secrets),     cmocka_unit_test(not_http),  cmocka_unit_test(any_type),
    };
    static const unsigned char zeros[1 << 16];
    body = picture(N, 7);
    packed_n = pack(body, N, NULL, 0, 0, packed, sizeof(packed));
    bomb_n = pack(body, N, zeros, sizeof(zeros), 8192, bomb, sizeof(bomb)); /* half a GiB */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(body);
    return failed;
}
