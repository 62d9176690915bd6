/* SPDX-License-Identifier: Apache-2.0
 *
 * An event loop: one thread, one epoll, a timer wheel, the connections that live here, and a mailbox by which
 * pool threads give requests back. Posting is a push under a lock of its own (HTTP_WAKE), and one write to an
 * eventfd if the box was empty; also under the lock, so that who finds a letter knows that its poster is
 * through with the loop (a server may be freed right after its last letter). Nothing in a loop blocks (law 1;
 * alb_thread_may_block() is false here).
 */
#ifndef ALB_HTTP_LOOP_H
#define ALB_HTTP_LOOP_H

#include <stdatomic.h>

#include "base/err.h"
#include "base/lock.h"
#include "base/thread.h"
#include "http/wheel.h"

struct alb_http;
struct alb_conn;
struct alb_req;
struct alb_loop;

/* What epoll points to. */
enum alb_source_kind { ALB_SOURCE_MAIL, ALB_SOURCE_LISTENER, ALB_SOURCE_CONN };
struct alb_loop_source {
    enum alb_source_kind kind;
};

/* A letter is embedded in what it is about and lies in at most one box: `bits` says what is to be done, and
 * who sets the first bit pushes the letter. */
struct alb_mail {
    struct alb_mail *next;  /* under wake_mtx */
    unsigned bits;          /* under wake_mtx; not 0: it lies in the box */
    struct alb_mail *after; /* the loop's: the next one to be read */
    unsigned taken;         /* the loop's: what it says */
};

enum {
    ALB_MAIL_CONN = 1u << 0,    /* on control: connections in the inbox */
    ALB_MAIL_CONTROL = 1u << 1, /* on control: the server drains, or cuts */
    ALB_MAIL_BODY = 1u << 2,    /* the step wants (more of) the body */
    ALB_MAIL_OUT = 1u << 3,     /* interim answers, or bytes of a stream */
    ALB_MAIL_ANSWER = 1u << 4,  /* the step is done */
    ALB_MAIL_TIMER = 1u << 5,   /* a wait has a deadline */
    ALB_MAIL_ENDED = 1u << 6,   /* the pool side is over and has cleaned up */
};

#define ALB_LOOP_SCRATCH 65536
#define ALB_LOOP_SPARE_REQS 64

struct alb_loop {
    /* fixed after create */
    struct alb_loop_source mail_source;
    struct alb_http *server;
    unsigned index;
    int epoll, wake;
    struct alb_thread thread;

    /* atomic */
    atomic_uint conn_count; /* that are or will be here; whoever accepts picks the emptiest loop */

    /* under wake_mtx (HTTP_WAKE) */
    struct alb_mutex wake_mtx;
    struct alb_mail *box; /* newest first */
    struct alb_mail control;
    struct alb_conn *inbox; /* connections that other loops have accepted for this one */

    /* owned by the loop's thread */
    int64_t now;
    struct alb_wheel wheel;
    struct alb_conn *conns, *again;
    struct alb_req *spare;
    unsigned spare_count;
    unsigned listening; /* listeners registered here */
    bool stopped;       /* accepts no more: the server drains */
    bool paused;        /* accepting is, because descriptors are short */
    struct alb_wheel_entry resume_accept;
    uint64_t id_next;
    char id_prefix[12];
    int64_t date_at; /* second of `date` */
    char date[40];   /* "Date: …\r\n" */
    unsigned char *scratch;

    /* under mtx (HTTP_SERVER): requests that are not answered within one turn, for dumps */
    struct alb_mutex mtx;
    struct alb_req *flights;
    unsigned flight_count;
};

enum alb_code alb_loop_open(struct alb_loop *l, struct alb_http *s, unsigned index, struct alb_err *err);
enum alb_code alb_loop_start(struct alb_loop *l, struct alb_err *err);
void alb_loop_close(struct alb_loop *l); /* not running */
/* Any thread. The letter must stay valid until the loop has looked at it. */
void alb_loop_post(struct alb_loop *l, struct alb_mail *m, unsigned bits);
void alb_loop_post_conn(struct alb_loop *l, struct alb_conn *c); /* accepted for l by another loop */
/* Puts c into the list of those that are run again before the loop sleeps. */
void alb_loop_again(struct alb_loop *l, struct alb_conn *c);
void alb_loop_flight_add(struct alb_loop *l, struct alb_req *r);
void alb_loop_flight_remove(struct alb_loop *l, struct alb_req *r);
/* "Date: …\r\n" of this second. */
const char *alb_loop_date(struct alb_loop *l, size_t *n);

#endif
