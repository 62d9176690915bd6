/* SPDX-License-Identifier: Apache-2.0
 *
 * A server of HTTP for tests that misbehaves on purpose: it listens on loopback, each connection has a
 * thread of its own, and what is said to each request is up to the test's `talk`, which may also hold still
 * until the other side leaves. Requests are counted by path.
 */
#ifndef ALB_TESTS_FETCH_WIRE_H
#define ALB_TESTS_FETCH_WIRE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define WIRE_CONNS 512
#define WIRE_HEAD 16384

struct wire;
struct wire_conn {
    struct wire *wire;
    int fd;
    unsigned nth;         /* request of this server, from 1 */
    char head[WIRE_HEAD]; /* of the request, NUL-terminated */
    char path[1024];
    pthread_t thread;
};
/* True: the connection stays open for another request. */
typedef bool wire_talk_fn(struct wire_conn *c, void *arg);

struct wire {
    int fd, port;
    wire_talk_fn *talk;
    void *arg;
    pthread_t thread;
    pthread_mutex_t mtx;
    struct wire_conn *conns[WIRE_CONNS];
    unsigned count;
    atomic_uint accepted, requests, left; /* left: connections that the other side has closed before we did */
    atomic_bool stopping;
};
void wire_start(struct wire *w, wire_talk_fn *talk, void *arg);
void wire_stop(struct wire *w); /* cuts what is open, joins */
void wire_url(const struct wire *w, const char *path, char out[256]);

/* False: the other side has gone. */
bool wire_send(struct wire_conn *c, const void *p, size_t n);
bool wire_say(struct wire_conn *c, const char *text);
bool wire_sayf(struct wire_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* 200 with that body, after these header lines ("Name: value\r\n…"; may be ""). */
bool wire_answer(struct wire_conn *c, const char *lines, const void *body, size_t n);
/* Until the other side closes (or the server is stopped); false, so that talk may return it. */
bool wire_wait(struct wire_conn *c);
/* The value of a header of the request, cut at out's size; false: absent. */
bool wire_header(const struct wire_conn *c, const char *name, char *out, size_t cap);

#endif
