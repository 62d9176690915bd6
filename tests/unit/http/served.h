/* SPDX-License-Identifier: Apache-2.0
 *
 * For unit tests that need a whole server: it runs on a loopback port, clients are blocking sockets. Included
 * by one file each, after http_test.h.
 */
#ifndef ALB_TESTS_HTTP_SERVED_H
#define ALB_TESTS_HTTP_SERVED_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "http/http.h"

static struct alb_http_config config;
static struct alb_pool *pool;
static struct alb_http *server;
static const char *any_port[] = {"127.0.0.1:0"};
static struct alb_http_group group;

static inline void prepare(unsigned threads, unsigned queue)
{
    struct alb_pool_config p = {.name = "io", .threads = threads, .queue_max = queue};

    alb_http_config_default(&config);
    assert_int_equal(alb_pool_new(&p, &pool, NULL), ALB_OK);
    config.pool = pool;
    config.listen = any_port;
    config.listen_count = 1;
    config.loops = 2;
    group = (struct alb_http_group){.name = "test"};
}

static inline void begin(const struct alb_route *routes, size_t n)
{
    struct alb_err err = ALB_ERR_INIT;

    assert_int_equal(alb_http_server_new(&config, &server, &err), ALB_OK);
    assert_int_equal(alb_http_routes(server, &group, routes, n, &err), ALB_OK);
    if (alb_http_server_start(server, &err) != ALB_OK)
        fail_msg("start: %s", err.msg);
}

static inline int64_t soon(int64_t ms)
{
    return alb_deadline(alb_mono(alb_clock_real()), ms * ALB_NS_PER_MS);
}

static inline void finish(void)
{
    assert_int_equal(alb_http_server_stop(server, soon(120000)), ALB_OK);
    alb_http_server_free(&server);
    alb_pool_free(&pool);
}

static inline int dial(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {120, 0};
    char text[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && alb_http_server_address(server, 0, text, sizeof(text)));
    in.sin_port = htons((uint16_t)atoi(strrchr(text, ':') + 1));
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static inline void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline const char *read_all(int fd)
{
    static char out[100000];
    size_t n = 0;
    ssize_t got;

    while (n < sizeof(out) - 1 && (got = recv(fd, out + n, sizeof(out) - 1 - n, 0)) != 0) {
        if (got < 0 && errno == EAGAIN)
            fail_msg("no end of an answer; so far: %.*s", (int)n, out);
        if (got < 0)
            break; /* reset */
        n += (size_t)got;
    }
    out[n] = '\0';
    (void)close(fd);
    return out;
}

static inline void ask(int fd, const char *method, const char *target, const char *headers)
{
    char text[1024];

    (void)snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", method,
                   target, headers);
    say(fd, text);
}

static inline const char *get(const char *target, const char *headers)
{
    int fd = dial();

    ask(fd, "GET", target, headers);
    return read_all(fd);
}

#define assert_has(text, part)                                                                               \
    do {                                                                                                     \
        const char *t_ = (text);                                                                             \
        if (!strstr(t_, part))                                                                               \
            fail_msg("\"%s\" is not in: %s", part, t_);                                                      \
    } while (0)

#endif
