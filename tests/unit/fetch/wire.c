/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

bool wire_send(struct wire_conn *c, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) {
        ssize_t did = send(c->fd, at, n, MSG_NOSIGNAL);
        if (did <= 0) {
            if (!atomic_load(&c->wire->stopping))
                atomic_fetch_add(&c->wire->left, 1);
            return false;
        }
        at += did;
        n -= (size_t)did;
    }
    return true;
}

bool wire_say(struct wire_conn *c, const char *text)
{
    return wire_send(c, text, strlen(text));
}

bool wire_sayf(struct wire_conn *c, const char *fmt, ...)
{
    char text[4096];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return n > 0 && (size_t)n < sizeof(text) && wire_send(c, text, (size_t)n);
}

bool wire_answer(struct wire_conn *c, const char *lines, const void *body, size_t n)
{
    return wire_sayf(c, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", lines, n) &&
           wire_send(c, body, n);
}

bool wire_wait(struct wire_conn *c)
{
    char rest[256];
    while (recv(c->fd, rest, sizeof(rest), 0) > 0)
        ;
    if (!atomic_load(&c->wire->stopping))
        atomic_fetch_add(&c->wire->left, 1);
    return false;
}

bool wire_header(const struct wire_conn *c, const char *name, char *out, size_t cap)
{
    size_t n = strlen(name);
    for (const char *line = strstr(c->head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
        const char *at = line + 2;
        if (strncasecmp(at, name, n) != 0 || at[n] != ':')
            continue;
        at += n + 1;
        while (*at == ' ')
            at++;
        size_t len = strcspn(at, "\r");
        snprintf(out, cap, "%.*s", (int)len, at);
        return true;
    }
    return false;
}

static bool read_head(struct wire_conn *c)
{
    size_t n = 0;
    c->head[0] = '\0';
    while (!strstr(c->head, "\r\n\r\n")) {
        ssize_t got = n + 1 < sizeof(c->head) ? recv(c->fd, c->head + n, sizeof(c->head) - 1 - n, 0) : 0;
        if (got <= 0)
            return false;
        n += (size_t)got;
        c->head[n] = '\0';
    }
    return sscanf(c->head, "%*s %1023s", c->path) == 1;
}

static void *converse(void *arg)
{
    struct wire_conn *c = arg;
    while (read_head(c)) {
        c->nth = atomic_fetch_add(&c->wire->requests, 1) + 1;
        if (!c->wire->talk(c, c->wire->arg))
            break;
    }
    shutdown(c->fd, SHUT_RDWR); /* closed when the server is stopped: its number stays ours until then */
    return NULL;
}

static void *listen_on(void *arg)
{
    struct wire *w = arg;
    for (;;) {
        int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&w->accepted, 1);
        pthread_mutex_lock(&w->mtx);
        struct wire_conn *c = w->count < WIRE_CONNS ? calloc(1, sizeof(*c)) : NULL;
        if (c) {
            *c = (struct wire_conn){.wire = w, .fd = fd};
            if (pthread_create(&c->thread, NULL, converse, c) == 0)
                w->conns[w->count++] = c;
        }
        pthread_mutex_unlock(&w->mtx);
        if (!c)
            close(fd);
    }
}

void wire_start(struct wire *w, wire_talk_fn *talk, void *arg)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(at);
    memset(w, 0, sizeof(*w));
    w->talk = talk;
    w->arg = arg;
    pthread_mutex_init(&w->mtx, NULL);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(w->fd >= 0);
    assert_int_equal(bind(w->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(w->fd, 256), 0);
    assert_int_equal(getsockname(w->fd, (struct sockaddr *)&at, &n), 0);
    w->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&w->thread, NULL, listen_on, w), 0);
}

void wire_stop(struct wire *w)
{
    atomic_store(&w->stopping, true);
    shutdown(w->fd, SHUT_RDWR);
    pthread_join(w->thread, NULL);
    for (unsigned i = 0; i < w->count; i++)
        shutdown(w->conns[i]->fd, SHUT_RDWR);
    for (unsigned i = 0; i < w->count; i++) {
        pthread_join(w->conns[i]->thread, NULL);
        close(w->conns[i]->fd);
        free(w->conns[i]);
    }
    close(w->fd);
    pthread_mutex_destroy(&w->mtx);
}

void wire_url(const struct wire *w, const char *path, char out[256])
{
    snprintf(out, 256, "http://127.0.0.1:%d%s", w->port, path);
}
