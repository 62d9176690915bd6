/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks over HTTP, against a peer with answers that are written down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "hooks/hooks.h"
#include "peer.h"

#define LONG_NS (60 * ALB_NS_PER_S)
#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: "

static const struct alb_hook_pair headers[] = {{{"cookie", 6}, {"a=1", 3}},
                                               {{"authorization", 13}, {"Bearer x", 8}},
                                               {{"host", 4}, {"evil", 4}},
                                               {{"X-Empty", 7}, {"", 0}},
                                               {{"cookie", 6}, {"b=2", 3}}};
static const struct alb_hook_event event = {.upload = {"{}", 2},
                                            .id = {"abc", 3},
                                            .method = {"POST", 4},
                                            .uri = {"/files/", 7},
                                            .remote = {"127.0.0.1:1", 11},
                                            .host = {"h", 1},
                                            .headers = headers,
                                            .header_count = ALB_ARRAY_LEN(headers)};

static int64_t in(int64_t ns)
{
    return alb_deadline(alb_mono(alb_clock_real()), ns);
}

static struct alb_hooks *open_hooks(const char *url, int64_t http_ns)
{
    struct alb_hooks_config c;
    struct alb_hooks *h;
    struct alb_err err = ALB_ERR_INIT;
    alb_hooks_config_default(&c);
    c.url = alb_str_c(url);
    c.forward = ALB_STR("Cookie, AUTHORIZATION,Host,x-empty,X-None,Content-Type");
    c.backoff_ns = ALB_NS_PER_MS;
    c.http_ns = http_ns;
    assert_int_equal(alb_hooks_open(&c, &h, &err), ALB_OK);
    return h;
}

/* Asks a room that talks to a peer with these answers; *served: how many it had to give. */
static enum alb_code ask(const char *const *answers, unsigned count, struct peer *peer, int64_t http_ns,
                         struct alb_hook_reply **reply, struct alb_err *err)
{
    char url[128];
    struct alb_future *future;
    peer_start(peer, answers, count);
    peer_url(peer, "/hook?a=b", url);
    struct alb_hooks *h = open_hooks(url, http_ns);
    *reply = NULL;
    assert_int_equal(alb_hooks_ask(h, ALB_HOOK_PRE_CREATE, &event, &future, NULL), ALB_OK);
    enum alb_code code = alb_future_await(future, in(LONG_NS), err);
    struct alb_obj *obj = alb_future_result(future);
    if (obj)
        *reply = ALB_CONTAINER_OF(alb_obj_ref(obj), struct alb_hook_reply, obj);
    alb_future_unref(future);
    alb_hooks_close(&h, in(LONG_NS));
    peer_stop(peer);
    return code;
}

static void answers(void **state)
{
    (void)state;
    static struct peer peer;
    static const char *const text[] = {OK_JSON "21\r\n\r\n{\"RejectUpload\":true}"};
    struct alb_hook_reply *reply;
    struct alb_err err = ALB_ERR_INIT;
    assert_int_equal(ask(text, 1, &peer, LONG_NS, &reply, &err), ALB_OK);
    assert_true(reply->reject_upload);
    alb_obj_unref(&reply->obj);
    const char *r = peer.requests[0];
    assert_int_equal(strncmp(r, "POST /hook?a=b HTTP/1.1\r\n", 25), 0);
    assert_non_null(strstr(r, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(r, "\r\nCookie: a=1\r\nCookie: b=2\r\n"));
    assert_non_null(strstr(r, "\r\nAUTHORIZATION: Bearer x\r\n"));
    assert_non_null(strstr(r, "\r\nx-empty:"));
    assert_null(strstr(r, "evil\r\n"));
    assert_null(strstr(r, "Expect:"));
    assert_non_null(strstr(r, "\r\n\r\n{\"Type\":\"pre-create\",\"Event\":{\"Upload\":{},"));
}

/* 5xx and broken connections are tried again, up to three times in all. */
static void attempts(void **state)
{
    (void)state;
    static struct peer peer;
    static const char *const mends[] = {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "",
                                        OK_JSON "2\r\n\r\n{}"};
    static const char *const fails[] = {"", "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n",
                                        "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops",
                                        OK_JSON "2\r\n\r\n{}"};
    struct alb_hook_reply *reply;
    struct alb_err err = ALB_ERR_INIT;
    assert_int_equal(ask(mends, 3, &peer, LONG_NS, &reply, &err), ALB_OK);
    assert_int_equal(peer.served, 3);
    assert_string_equal(strstr(peer.requests[0], "\r\n\r\n"), strstr(peer.requests[2], "\r\n\r\n"));
    alb_obj_unref(&reply->obj);
    assert_int_equal(ask(fails, 4, &peer, LONG_NS, &reply, &err), ALB_E_INTERNAL);
    assert_int_equal(peer.served, 3);
    assert_string_equal(err.msg, "unexpected response code from hook endpoint (500): oops");
}

static void failures(void **state)
{
    (void)state;
    static struct peer peer;
    static const struct {
        const char *answer, *message;
    } bad[] = {
        {"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone",
         "unexpected response code from hook endpoint (404): gone"},
        {"HTTP/1.1 304 No\r\n\r\n", "unexpected response code from hook endpoint (304): "},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
         "hook response does not contain the 'Content-Type: application/json' header"},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/json\r\nContent-Length: 2\r\n\r\n{}",
         "hook response does not contain the 'Content-Type: application/json' header"},
        {OK_JSON "0\r\n\r\n", "failed to parse hook response: it is empty"},
        {OK_JSON "3\r\n\r\nyes", "the hook's answer is not JSON: invalid token near 'yes'"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_hook_reply *reply;
        struct alb_err err = ALB_ERR_INIT;
        assert_int_equal(ask(&bad[i].answer, 1, &peer, LONG_NS, &reply, &err), ALB_E_INTERNAL);
        assert_string_equal(err.msg, bad[i].message);
    }
    static char big[8192];
    const char *answer = big;
    struct alb_hook_reply *reply;
    struct alb_err err = ALB_ERR_INIT;
    snprintf(big, sizeof(big), OK_JSON "6000\r\n\r\n%*s", 6000, "{}");
    assert_int_equal(ask(&answer, 1, &peer, LONG_NS, &reply, &err), ALB_E_INTERNAL);
    assert_string_equal(err.msg, "hook response exceeded maximum size of 5120 bytes");
}

/* All attempts share one deadline, a silent server's too. */
static void deadline(void **state)
{
    (void)state;
    static struct peer peer;
    static const char *const silent[] = {NULL};
    struct alb_hook_reply *reply;
    struct alb_err err = ALB_ERR_INIT;
    assert_int_equal(ask(silent, 1, &peer, 300 * ALB_NS_PER_MS, &reply, &err), ALB_E_TIMEOUT);
}

static void never(struct alb_waiter *w, enum alb_wake why)
{
    (void)w;
    (void)why;
}

/* Nobody waits any more: the connection is closed (the peer's silent hold ends), the future fails. Closing
 * the room with a deadline that has passed does the same. */
static void forsaken(void **state)
{
    static const char *const silent[] = {NULL};
    (void)state;
    for (int by_close = 0; by_close < 2; by_close++) {
        static struct peer peer;
        char url[128];
        struct alb_future *future;
        struct alb_waiter w = {.wake = never};
        struct alb_err err = ALB_ERR_INIT;
        peer_start(&peer, silent, 1);
        peer_url(&peer, "/", url);
        struct alb_hooks *h = open_hooks(url, LONG_NS);
        assert_int_equal(alb_hooks_ask(h, ALB_HOOK_PRE_CREATE, &event, &future, NULL), ALB_OK);
        if (by_close) {
            alb_hooks_close(&h, in(0));
        } else {
            assert_true(alb_future_wait(future, &w));
            assert_true(alb_future_leave(future, &w));
        }
        assert_int_equal(alb_future_await(future, in(LONG_NS), &err), ALB_E_CANCELLED);
        alb_future_unref(future);
        alb_hooks_close(&h, in(LONG_NS));
        peer_stop(&peer);
    }
}

static void configuration(void **state)
{
    (void)state;
    struct alb_hooks_config c;
    struct alb_hooks *h;
    alb_hooks_config_default(&c);
    assert_int_equal(alb_hooks_open(&c, &h, NULL), ALB_E_INVALID);
    c.url = ALB_STR("http://127.0.0.1:1/");
    c.dir = ALB_STR("/x");
    assert_int_equal(alb_hooks_open(&c, &h, NULL), ALB_E_INVALID);
    c.dir = ALB_STR("");
    c.forward = ALB_STR("A: b");
    assert_int_equal(alb_hooks_open(&c, &h, NULL), ALB_E_INVALID);
    assert_null(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),  cmocka_unit_test(attempts), cmocka_unit_test(failures),
        cmocka_unit_test(deadline), cmocka_unit_test(forsaken), cmocka_unit_test(configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
