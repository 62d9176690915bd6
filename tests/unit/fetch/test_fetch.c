/* SPDX-License-Identifier: Apache-2.0
 *
 * The fetch loop: what it sends and settles with, its bounds, and what it refuses to connect to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "fetch/fetch.h"
#include "fetch/priv.h"
#include "peer.h"

#define LONG_NS (60 * ALB_NS_PER_S)

static int64_t in(int64_t ns)
{
    return alb_deadline(alb_mono(alb_clock_real()), ns);
}

static struct alb_fetch *open_fetch(unsigned transfers, unsigned queue)
{
    struct alb_fetch *f;
    struct alb_fetch_config c = {.agent = "test/1", .transfers = transfers, .queue = queue};
    assert_int_equal(alb_fetch_open(&c, &f, NULL), ALB_OK);
    return f;
}

static struct alb_fetch_request get(const char *url)
{
    return (struct alb_fetch_request){.method = "GET",
                                      .url = alb_str_c(url),
                                      .connect_ns = LONG_NS,
                                      .deadline = in(LONG_NS),
                                      .answer_max = 100,
                                      .reach = ALB_FETCH_ANYWHERE};
}

static enum alb_code fetch(struct alb_fetch *f, const struct alb_fetch_request *r,
                           struct alb_fetch_answer **a)
{
    struct alb_future *future;
    struct alb_err err = ALB_ERR_INIT;
    *a = NULL;
    enum alb_code code = alb_fetch_start(f, r, &future, &err);
    if (code != ALB_OK)
        return code;
    code = alb_future_await(future, in(LONG_NS), &err);
    struct alb_obj *obj = alb_future_result(future);
    if (obj)
        *a = ALB_CONTAINER_OF(alb_obj_ref(obj), struct alb_fetch_answer, obj);
    alb_future_unref(future);
    return code;
}

static void answers(void **state)
{
    (void)state;
    static struct peer peer;
    static const char *const texts[] = {
        "HTTP/1.1 404 No\r\nX-A:  b \r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nConnection: "
        "close\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789"
        "01234567890123456789012345678901234567890123456789",
        "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 3\r\nConnection: close\r\n\r\nold",
        "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 3\r\nConnection: close\r\n\r\nold",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nnew"};
    char url[128];
    struct alb_fetch_answer *a;
    struct alb_str value;
    struct alb_fetch *f = open_fetch(2, 0);
    peer_start(&peer, texts, 5);
    peer_url(&peer, "/a", url);
    struct alb_fetch_request r = get(url);
    const struct alb_str headers[] = {ALB_STR("X-Mine: 1")};
    r.headers = headers;
    r.header_count = 1;
    assert_int_equal(fetch(f, &r, &a), ALB_OK);
    assert_int_equal(a->status, 404);
    assert_true(alb_str_eq_c(a->body, "body") && !a->cut);
    assert_true(alb_fetch_header(a, "x-a", &value) && alb_str_eq_c(value, "b"));
    alb_obj_unref(&a->obj);
    assert_int_equal(fetch(f, &r, &a), ALB_OK); /* longer than answer_max */
    assert_true(a->cut && a->body.n == 100);
    alb_obj_unref(&a->obj);
    assert_int_equal(fetch(f, &r, &a), ALB_OK); /* no redirects */
    assert_int_equal(a->status, 302);
    alb_obj_unref(&a->obj);
    r.redirects = 1;
    assert_int_equal(fetch(f, &r, &a), ALB_OK);
    assert_int_equal(a->status, 200);
    assert_true(alb_str_eq_c(a->body, "new"));
    alb_obj_unref(&a->obj);
    alb_fetch_close(&f);
    peer_stop(&peer);
    assert_non_null(strstr(peer.requests[0], "GET /a HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.requests[0], "\r\nX-Mine: 1\r\n"));
    assert_non_null(strstr(peer.requests[0], "\r\nUser-Agent: test/1\r\n"));
    assert_non_null(strstr(peer.requests[4], "GET /b HTTP/1.1\r\n"));
}

static void refusals(void **state)
{
    (void)state;
    static struct peer peer;
    static const char *const texts[] = {"not http at all\r\n\r\n"};
    struct alb_fetch_answer *a;
    struct alb_fetch *f = open_fetch(2, 0);
    static const char *const bad[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1", "http://a\r\nb/",
                                      "http://"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_fetch_request r = get(bad[i]);
        assert_int_equal(fetch(f, &r, &a), ALB_E_INVALID);
    }
    static const struct alb_str smuggled[] = {{"X: a\r\nY: b", 10}};
    struct alb_fetch_request r = get("http://127.0.0.1:1/");
    r.headers = smuggled;
    r.header_count = 1;
    assert_int_equal(fetch(f, &r, &a), ALB_E_INVALID);
    r = get("http://127.0.0.1:1/"); /* nobody listens on the reserved port */
    assert_int_equal(fetch(f, &r, &a), ALB_E_BUSY);
    char url[128];
    peer_start(&peer, texts, 1);
    peer_url(&peer, "/", url);
    r = get(url);
    assert_int_equal(fetch(f, &r, &a), ALB_E_INVALID);
    alb_fetch_close(&f);
    peer_stop(&peer);
}

/* It closes in the middle of its head: that is no answer, although curl takes it for one. */
static void half_a_head(void **state)
{
    (void)state;
    static const char *const texts[] = {"HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 20"};
    struct alb_fetch_answer *a;
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++) {
        static struct peer peer;
        struct alb_fetch *f = open_fetch(2, 0);
        char url[128];
        peer_start(&peer, texts + i, 1);
        peer_url(&peer, "/", url);
        struct alb_fetch_request r = get(url);
        enum alb_code code = fetch(f, &r, &a);
        assert_true(code == ALB_E_BUSY || code == ALB_E_INVALID);
        alb_fetch_close(&f);
        peer_stop(&peer);
    }
}

/* Nothing of this machine can be reached by an address that somebody else gave, whatever it is called. */
static void reach(void **state)
{
    (void)state;
    static struct peer peer;
    static const char *const texts[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    struct alb_fetch_answer *a;
    struct alb_fetch *f = open_fetch(2, 0);
    peer_start(&peer, texts, 1);
    static const char *const hosts[] = {"127.0.0.1",  "localhost", "0.0.0.0",
                                        "2130706433", "127.1",     "[::ffff:127.0.0.1]"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(hosts); i++) {
        char url[128];
        snprintf(url, sizeof(url), "http://%s:%d/", hosts[i], peer.port);
        struct alb_fetch_request r = get(url);
        r.reach = ALB_FETCH_PUBLIC;
        assert_int_equal(fetch(f, &r, &a), ALB_E_FORBIDDEN);
    }
    alb_fetch_close(&f);
    peer_stop(&peer);
    assert_int_equal(peer.served, 0);
}

static unsigned needs(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return alb_fetch_needs((const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return alb_fetch_needs((const struct sockaddr *)&v6);
}

static void addresses(void **state)
{
    enum { L = ALB_FETCH_LOOPBACK, N = ALB_FETCH_LINK_LOCAL, P = ALB_FETCH_PRIVATE, O = ALB_FETCH_OTHER };
    static const struct {
        const char *text;
        unsigned needs;
    } table[] = {
        {"1.1.1.1", 0},
        {"9.255.255.255", 0},
        {"11.0.0.0", 0},
        {"100.63.255.255", 0},
        {"100.128.0.0", 0},
        {"172.15.0.1", 0},
        {"172.32.0.1", 0},
        {"169.253.0.1", 0},
        {"192.169.0.1", 0},
        {"198.17.255.255", 0},
        {"198.20.0.1", 0},
        {"223.255.255.255", 0},
        {"2606:4700::1", 0},
        {"2a00::1", 0},
        {"::ffff:1.1.1.1", 0},
        {"64:ff9b::101:101", 0},
        {"0.0.0.0", L},
        {"0.0.0.1", O},
        {"10.1.2.3", P},
        {"100.64.0.1", P},
        {"100.127.255.255", P},
        {"127.0.0.1", L},
        {"127.255.255.255", L},
        {"169.254.169.254", N},
        {"172.16.0.1", P},
        {"172.31.255.255", P},
        {"192.0.0.8", P},
        {"192.168.1.1", P},
        {"198.18.0.1", P},
        {"198.19.0.1", P},
        {"224.0.0.1", N},
        {"224.0.1.1", O},
        {"240.0.0.1", P},
        {"255.255.255.255", O},
        {"::", L},
        {"::1", L},
        {"::ffff:10.0.0.1", P},
        {"::ffff:127.0.0.1", L},
        {"::ffff:169.254.169.254", N},
        {"::127.0.0.1", L | P},
        {"::1.1.1.1", P},
        {"64:ff9b::a00:1", P},
        {"64:ff9b::7f00:1", L},
        {"64:ff9b:1::1", O | P},
        {"64:ff9b:1::7f00:1", L | P},
        {"64:ff9b:1::a9fe:a9fe", N | P},
        {"fe80::1", N},
        {"fec0::1", P},
        {"fc00::1", P},
        {"fd12::1", P},
        {"ff01::1", L},
        {"ff02::1", N},
        {"ff05::1", O},
        {"2002:7f00:1::", L | P},
        {"2002:101:101::", P},
        {"2001:db8::1", P},
        {"2001:0:1:2:3:4:80ff:fffe", L | P}, /* Teredo of 127.0.0.1 */
        {"2001::fefe:fefe", P},              /* Teredo of 1.1.1.1 */
        {"2a00::5efe:7f00:1", L},            /* ISATAP */
        {"2a00::200:5efe:a9fe:a9fe", N},
        {"2a00::5efe:101:101", 0},
        {"3fff::1", P},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        if (needs(table[i].text) != table[i].needs)
            fail_msg("%s needs %x, not %x", table[i].text, table[i].needs, needs(table[i].text));
}

/* Each of the three kinds is allowed by its own switch only. */
static void switches(void **state)
{
    static struct peer peer;
    static const char *const texts[] = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
    struct alb_fetch_answer *a;
    struct alb_fetch *f = open_fetch(2, 0);
    char url[128];
    (void)state;
    peer_start(&peer, texts, 1);
    peer_url(&peer, "/", url);
    struct alb_fetch_request r = get(url);
    r.reach = ALB_FETCH_LINK_LOCAL | ALB_FETCH_PRIVATE;
    assert_int_equal(fetch(f, &r, &a), ALB_E_FORBIDDEN);
    r.reach = ALB_FETCH_LOOPBACK;
    assert_int_equal(fetch(f, &r, &a), ALB_OK);
    alb_obj_unref(&a->obj);
    struct alb_fetch_network network;
    assert_true(alb_fetch_network_parse(ALB_STR("127.0.0.0/8"), &network));
    r.blocked = &network;
    r.blocked_count = 1;
    for (int anywhere = 0; anywhere < 2; anywhere++) {
        r.reach = anywhere ? ALB_FETCH_ANYWHERE : ALB_FETCH_LOOPBACK;
        assert_int_equal(fetch(f, &r, &a), ALB_E_FORBIDDEN);
    }
    alb_fetch_close(&f);
    peer_stop(&peer);
}

static bool is_blocked(const char *address, const char *network)
{
    struct alb_fetch_network n;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    assert_true(alb_fetch_network_parse(alb_str_c(network), &n));
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return alb_fetch_is_in((const struct sockaddr *)&v4, &n, 1);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return alb_fetch_is_in((const struct sockaddr *)&v6, &n, 1);
}

/* Networks that somebody names, IPv4 in all its clothes. */
static void networks(void **state)
{
    struct alb_fetch_network n;
    (void)state;
    assert_true(is_blocked("10.1.2.3", "10.0.0.0/8"));
    assert_false(is_blocked("11.1.2.3", "10.0.0.0/8"));
    assert_true(is_blocked("::ffff:10.1.2.3", "10.0.0.0/8"));
    assert_true(is_blocked("64:ff9b::10.1.2.3", "10.0.0.0/8"));
    assert_true(is_blocked("2002:0a01:0203::1", "10.0.0.0/8"));
    assert_true(is_blocked("192.0.2.7", "192.0.2.7"));
    assert_false(is_blocked("192.0.2.8", "192.0.2.7"));
    assert_true(is_blocked("1.2.3.4", "0.0.0.0/0"));
    assert_false(is_blocked("2001:4860::1", "0.0.0.0/0"));
    assert_true(is_blocked("fd00::1", "fd00::/8"));
    assert_false(is_blocked("fc00::1", "fd00::/8"));
    static const char *const bad[] = {"", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "host", "10.0.0.0/-1"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_fetch_network_parse(alb_str_c(bad[i]), &n));
}

static void never(struct alb_waiter *w, enum alb_wake why)
{
    (void)w;
    (void)why;
}

static void ends(void **state)
{
    (void)state;
    static struct peer peer;
    static const char *const silent[] = {NULL, NULL, NULL};
    char url[128];
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *first, *second, *third;
    struct alb_waiter w = {.wake = never};
    struct alb_fetch_answer *a;
    struct alb_fetch *f = open_fetch(1, 1);
    peer_start(&peer, silent, 3);
    peer_url(&peer, "/", url);
    struct alb_fetch_request r = get(url);
    /* One runs, one waits, a third is refused. */
    assert_int_equal(alb_fetch_start(f, &r, &first, &err), ALB_OK);
    struct alb_fetch_request hasty = r;
    hasty.deadline = in(50 * ALB_NS_PER_MS);
    assert_int_equal(alb_fetch_start(f, &hasty, &second, &err), ALB_OK);
    assert_int_equal(alb_fetch_start(f, &r, &third, NULL), ALB_E_BUSY);
    assert_null(third);
    /* The one that waits has a deadline too. */
    assert_int_equal(alb_future_await(second, in(LONG_NS), &err), ALB_E_TIMEOUT);
    alb_future_unref(second);
    /* Forsaken: the transfer is cut, which ends the peer's silence. */
    assert_true(alb_future_wait(first, &w));
    assert_true(alb_future_leave(first, &w));
    alb_err_clear(&err);
    assert_int_equal(alb_future_await(first, in(LONG_NS), &err), ALB_E_CANCELLED);
    alb_future_unref(first);
    hasty.deadline = in(200 * ALB_NS_PER_MS);
    assert_int_equal(fetch(f, &hasty, &a), ALB_E_TIMEOUT);
    /* Closing ends what is under way. */
    assert_int_equal(alb_fetch_start(f, &r, &third, NULL), ALB_OK);
    alb_fetch_close(&f);
    assert_int_equal(alb_future_error(third, NULL), ALB_E_CANCELLED);
    alb_future_unref(third);
    peer_stop(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),   cmocka_unit_test(refusals), cmocka_unit_test(reach), cmocka_unit_test(networks),
        cmocka_unit_test(half_a_head),
        cmocka_unit_test(addresses), cmocka_unit_test(switches),
        cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
