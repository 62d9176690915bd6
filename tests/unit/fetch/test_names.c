/* SPDX-License-Identifier: Apache-2.0
 *
 * Name servers that do not answer: this program brings its own getaddrinfo, which curl then calls. A look-up
 * of a name that hangs neither delays the end of its own transfer, nor any other one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "fetch/client.h"
#include "fetch/fetch.h"
#include "peer.h"

#define LONG_NS (20 * ALB_NS_PER_S)

typedef int look_up_fn(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);

static sem_t asked, release, released;

/* NOLINTNEXTLINE: the name is libc's */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **list)
{
    union { /* a function from a pointer to data */
        void *p;
        look_up_fn *f;
    } real = {dlsym(RTLD_NEXT, "getaddrinfo")};

    if (!node || strcmp(node, "stuck.invalid") != 0)
        return real.f(node, service, hints, list);
    (void)sem_post(&asked);
    while (sem_wait(&release) != 0)
        ;
    (void)sem_post(&released);
    return EAI_AGAIN;
}

static int64_t in(int64_t ns)
{
    return alb_deadline(alb_mono(alb_clock_real()), ns);
}

static struct alb_future *start(struct alb_fetch *f, const char *url, int64_t deadline)
{
    struct alb_fetch_request r = {.method = "GET",
                                  .url = alb_str_c(url),
                                  .connect_ns = LONG_NS,
                                  .deadline = deadline,
                                  .answer_max = 100,
                                  .reach = ALB_FETCH_ANYWHERE};
    struct alb_future *future;

    assert_int_equal(alb_fetch_start(f, &r, &future, NULL), ALB_OK);
    return future;
}

/* The look-up ends, and so does the thread in which curl makes it. */
static void let_go(void)
{
    (void)sem_post(&release);
    while (sem_wait(&released) != 0)
        ;
}

static void test_fetch(void **state)
{
    static const char *const texts[] = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"};
    static struct peer peer;
    struct alb_fetch_config c = {.agent = "test/1", .transfers = 2, .queue = 2};
    struct alb_future *stuck, *fine;
    struct alb_fetch *f;
    enum alb_code first, second;
    char url[128];

    (void)state;
    assert_int_equal(alb_fetch_open(&c, &f, NULL), ALB_OK);
    peer_start(&peer, texts, 1);
    peer_url(&peer, "/", url);
    stuck = start(f, "http://stuck.invalid/", in(100 * ALB_NS_PER_MS));
    while (sem_wait(&asked) != 0)
        ;
    first = alb_future_await(stuck, in(LONG_NS), NULL);
    first = alb_future_done(stuck) ? first : ALB_OK; /* not our own patience */
    fine = start(f, url, in(LONG_NS));
    second = alb_future_await(fine, in(LONG_NS), NULL);
    let_go();
    assert_int_equal(first, ALB_E_TIMEOUT);
    assert_int_equal(second, ALB_OK);
    alb_future_unref(stuck);
    alb_future_unref(fine);
    alb_fetch_close(&f);
    peer_stop(&peer);
}

/* The client as well: stopping does not wait for the name server. */
static void test_client(void **state)
{
    struct alb_client_config c = {.base = ALB_STR("http://stuck.invalid"),
                                  .agent = "test/1",
                                  .connect_ns = LONG_NS,
                                  .stall_ns = LONG_NS,
                                  .answer_max = 100};
    struct alb_client_request r = {.method = "GET", .target = ALB_STR("/")};
    struct alb_client_answer a;
    struct alb_client_conn *conn;
    struct alb_client *client;
    int64_t until = in(LONG_NS);
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1); /* stopped already */
    c.cancel_fd = ends[0];
    alb_client_answer_init(&a);
    assert_int_equal(alb_client_new(&c, &client, NULL), ALB_OK);
    assert_int_equal(alb_client_conn_new(client, &conn, NULL), ALB_OK);
    assert_int_equal(alb_client_do(conn, &r, &a, NULL), ALB_E_CANCELLED);
    assert_true(alb_mono(alb_clock_real()) < until);
    let_go();
    alb_client_conn_free(&conn);
    alb_client_free(&client);
    alb_client_answer_fini(&a);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetch),
        cmocka_unit_test(test_client),
    };

    (void)sem_init(&asked, 0, 0);
    (void)sem_init(&release, 0, 0);
    (void)sem_init(&released, 0, 0);
    alarm(90); /* without the mend the second test would wait for ever */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
