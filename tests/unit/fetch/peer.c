/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "peer.h"

/* Reads a head and as much of a body as its Content-Length says. */
static void read_request(int c, char *text, size_t cap)
{
    size_t n = 0, want = (size_t)-1;
    while (n + 1 < cap && n < want) {
        ssize_t got = recv(c, text + n, cap - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        text[n] = '\0';
        char *end = strstr(text, "\r\n\r\n");
        if (end && want == (size_t)-1) {
            const char *length = strcasestr(text, "content-length:");
            want = (size_t)(end + 4 - text) + (length && length < end ? (size_t)atoi(length + 15) : 0);
        }
    }
    text[n] = '\0';
}

static void *serve(void *arg)
{
    struct peer *p = arg;
    char rest[64];
    for (unsigned i = 0; i < p->count; i++) {
        int c = accept(p->fd, NULL, NULL);
        if (c < 0)
            break;
        read_request(c, p->requests[i], sizeof(p->requests[i]));
        p->served++;
        if (p->answers[i])
            (void)!send(c, p->answers[i], strlen(p->answers[i]), MSG_NOSIGNAL);
        else
            while (recv(c, rest, sizeof(rest), 0) > 0)
                ;
        close(c);
    }
    return NULL;
}

void peer_start(struct peer *p, const char *const *answers, unsigned count)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(at);
    memset(p, 0, sizeof(*p));
    p->answers = answers;
    p->count = count;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(p->fd >= 0);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(p->fd, 16), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &n), 0);
    p->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
}

void peer_stop(struct peer *p)
{
    shutdown(p->fd, SHUT_RDWR); /* ends an accept that waits */
    pthread_join(p->thread, NULL);
    close(p->fd);
}

void peer_url(const struct peer *p, const char *path, char out[128])
{
    snprintf(out, 128, "http://127.0.0.1:%d%s", p->port, path);
}
