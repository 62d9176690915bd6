/* SPDX-License-Identifier: Apache-2.0
 *
 * See loop.h. One turn: wait for events, run what they concern, then the mail, the timers, and the
 * connections that had more to do than one turn allows. The loop ends when the server drains and nothing is
 * left here.
 */
#include "http/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/stat.h"
#include "http/hand.h"

#define EVENTS 128 /* per wait; what does not fit comes with the next one */

/* ---- letters ------------------------------------------------------------------------------------- */

static void post_locked(struct alb_loop *l, struct alb_mail *m, unsigned bits) ALB_REQUIRES(l->wake_mtx);
static void post_locked(struct alb_loop *l, struct alb_mail *m, unsigned bits)
{
    bool first = l->box == NULL, lies_there = m->bits != 0;

    m->bits |= bits;
    if (lies_there)
        return; /* the loop will see these bits too */
    m->next = l->box;
    l->box = m;
    if (first) {
        uint64_t one = 1;

        alb_ignore(write(l->wake, &one, sizeof(one)) < 0, "a full counter wakes as well");
    }
}

void alb_loop_post(struct alb_loop *l, struct alb_mail *m, unsigned bits)
{
    alb_mutex_lock(&l->wake_mtx);
    post_locked(l, m, bits);
    alb_mutex_unlock(&l->wake_mtx);
}

void alb_loop_post_conn(struct alb_loop *l, struct alb_conn *c)
{
    alb_mutex_lock(&l->wake_mtx);
    c->inbox_next = l->inbox;
    l->inbox = c;
    post_locked(l, &l->control, ALB_MAIL_CONN);
    alb_mutex_unlock(&l->wake_mtx);
}

static void wait_fired(struct alb_wheel_entry *e, int64_t now)
{
    alb_hand_timeout(ALB_CONTAINER_OF(e, struct alb_req, timer), now);
}

static void arm_wait(struct alb_loop *l, struct alb_req *r)
{
    int64_t due;

    alb_mutex_lock(&r->mtx);
    due = r->wait_until;
    alb_mutex_unlock(&r->mtx);
    r->timer.fire = wait_fired;
    alb_wheel_set(&l->wheel, &r->timer, due);
}

/* A letter about a request. */
static void request_mail(struct alb_loop *l, struct alb_req *r, unsigned bits)
{
    struct alb_conn *c = r->conn;

    if (bits & ALB_MAIL_ENDED) {
        alb_req_record(r, l->now);
        alb_req_recycle(r);
        return;
    }
    if (bits & ALB_MAIL_TIMER)
        arm_wait(l, r);
    if (c) {
        if (bits & ALB_MAIL_ANSWER)
            alb_conn_answered(c);
        alb_conn_run(c);
    } else if (bits & ALB_MAIL_ANSWER) { /* nobody is there to read it */
        alb_req_record(r, l->now);
        alb_req_recycle(r);
    }
}

static void begin_inbox(struct alb_loop *l)
{
    struct alb_conn *c;

    alb_mutex_lock(&l->wake_mtx);
    c = l->inbox;
    l->inbox = NULL;
    alb_mutex_unlock(&l->wake_mtx);
    while (c) {
        struct alb_conn *next = c->inbox_next;

        alb_conn_begin(c);
        c = next;
    }
}

static void stop_listening(struct alb_loop *l)
{
    struct alb_http *s = l->server;

    if (l->stopped)
        return;
    l->stopped = true;
    for (size_t i = 0; i < s->listener_n && l->listening > 0; i++) {
        alb_listen_accept(l, &s->listeners[i]); /* who has connected already is not sent away */
        (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->listeners[i].fd, NULL);
    }
    l->listening = 0;
    if (atomic_fetch_sub(&s->loops_listening, 1) == 1) {
        alb_listen_close(s); /* the last one: from now on nobody can connect, and no loop gets any more */
        for (unsigned i = 0; i < s->loop_n; i++)
            alb_loop_post(&s->loops[i], &s->loops[i].control, ALB_MAIL_CONTROL);
    }
    begin_inbox(l);
}

/* The server drains or cuts. */
static void control(struct alb_loop *l)
{
    struct alb_http *s = l->server;
    struct alb_conn *c, *next;
    bool cut = atomic_load_explicit(&s->cutting, memory_order_acquire);

    if (!atomic_load_explicit(&s->draining, memory_order_acquire))
        return;
    stop_listening(l);
    for (c = l->conns; c; c = next) {
        next = c->next; /* draining c closes at most c */
        if (cut)
            alb_conn_close(c);
        else
            alb_conn_drain(c);
    }
    if (cut)
        for (struct alb_req *r = l->flights; r; r = r->next) /* only this thread changes the list */
            alb_hand_cut(r);
}

static void read_letter(struct alb_loop *l, struct alb_mail *m, unsigned bits)
{
    if (m != &l->control) {
        request_mail(l, ALB_CONTAINER_OF(m, struct alb_req, mail), bits);
        return;
    }
    if (bits & ALB_MAIL_CONN)
        begin_inbox(l);
    if (bits & ALB_MAIL_CONTROL)
        control(l);
}

static void read_mail(struct alb_loop *l)
{
    struct alb_mail *first = NULL, *m;

    alb_mutex_lock(&l->wake_mtx);
    for (m = l->box; m; m = m->next) { /* turns the list: oldest first */
        m->after = first;
        m->taken = m->bits;
        m->bits = 0; /* from now on it may be posted again */
        first = m;
    }
    l->box = NULL;
    alb_mutex_unlock(&l->wake_mtx);
    for (m = first; m; m = first) {
        first = m->after;
        read_letter(l, m, m->taken);
    }
}

/* ---- lists --------------------------------------------------------------------------------------- */

void alb_loop_again(struct alb_loop *l, struct alb_conn *c)
{
    if (c->in_again)
        return;
    c->in_again = true;
    c->again_next = l->again;
    l->again = c;
}

static void run_again(struct alb_loop *l)
{
    struct alb_conn *c = l->again, *next;

    l->again = NULL; /* who comes back waits for the next turn */
    for (; c; c = next) {
        next = c->again_next; /* running c closes at most c */
        c->in_again = false;
        alb_conn_run(c);
    }
}

void alb_loop_flight_add(struct alb_loop *l, struct alb_req *r)
{
    if (r->in_flight)
        return;
    r->in_flight = true;
    alb_mutex_lock(&l->mtx);
    r->prev = NULL;
    r->next = l->flights;
    if (r->next)
        r->next->prev = r;
    l->flights = r;
    l->flight_count++;
    alb_mutex_unlock(&l->mtx);
}

void alb_loop_flight_remove(struct alb_loop *l, struct alb_req *r)
{
    if (!r->in_flight)
        return;
    r->in_flight = false;
    alb_mutex_lock(&l->mtx);
    if (r->prev)
        r->prev->next = r->next;
    else
        l->flights = r->next;
    if (r->next)
        r->next->prev = r->prev;
    l->flight_count--;
    alb_mutex_unlock(&l->mtx);
    r->next = r->prev = NULL;
}

const char *alb_loop_date(struct alb_loop *l, size_t *n)
{
    int64_t wall = alb_wall(l->server->config.clock);

    if (wall / 1000 != l->date_at) {
        l->date_at = wall / 1000;
        memcpy(l->date, "Date: ", 6);
        alb_time_http(wall, l->date + 6);
        memcpy(l->date + 35, "\r\n", 3);
    }
    *n = 37;
    return l->date;
}

/* ---- the loop ------------------------------------------------------------------------------------ */

static int timeout(struct alb_loop *l)
{
    return l->again ? 0 : alb_wheel_timeout(&l->wheel, l->now);
}

static bool finished(struct alb_loop *l)
{
    bool empty;

    if (!l->stopped || l->conns || l->flights || atomic_load(&l->server->loops_listening) > 0)
        return false;
    alb_mutex_lock(&l->wake_mtx);
    empty = !l->inbox && !l->box;
    alb_mutex_unlock(&l->wake_mtx);
    return empty;
}

static void turn(struct alb_loop *l)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(l->epoll, events, EVENTS, timeout(l));

    l->now = alb_mono(l->server->config.clock);
    for (int i = 0; i < n; i++) {
        struct alb_loop_source *source = events[i].data.ptr;

        switch (source->kind) {
        case ALB_SOURCE_MAIL:
            break; /* read below, whatever woke us; edge-triggered, so the counter need not be read */
        case ALB_SOURCE_LISTENER:
            alb_listen_accept(l, ALB_CONTAINER_OF(source, struct alb_listener, source));
            break;
        case ALB_SOURCE_CONN:
            alb_conn_events(ALB_CONTAINER_OF(source, struct alb_conn, source), events[i].events);
            break;
        }
    }
    read_mail(l);
    alb_wheel_run(&l->wheel, l->now);
    run_again(l);
}

static void *loop_main(void *arg)
{
    struct alb_loop *l = arg;
    struct alb_http *s = l->server;

    alb_thread_set_may_block(false);
    l->now = alb_mono(s->config.clock);
    while (!finished(l))
        turn(l);
    alb_mutex_lock(&s->mtx);
    s->loops_running--;
    alb_cond_broadcast(&s->idle);
    alb_mutex_unlock(&s->mtx);
    return NULL;
}

static void accept_again(struct alb_wheel_entry *e, int64_t now);

enum alb_code alb_loop_open(struct alb_loop *l, struct alb_http *s, unsigned index, struct alb_err *err)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.ptr = &l->mail_source};
    unsigned char noise[sizeof(l->id_prefix) / 2];
    char hex[sizeof(l->id_prefix) + 1];

    l->mail_source.kind = ALB_SOURCE_MAIL;
    l->server = s;
    l->index = index;
    alb_mutex_init(&l->mtx, ALB_LOCK_HTTP_SERVER);
    alb_mutex_init(&l->wake_mtx, ALB_LOCK_HTTP_WAKE);
    alb_wheel_init(&l->wheel, alb_mono(s->config.clock));
    l->resume_accept.fire = accept_again;
    l->resume_accept.due = ALB_NEVER;
    l->date_at = -1;
    alb_random(noise, sizeof(noise));
    alb_hex(noise, sizeof(noise), hex);
    memcpy(l->id_prefix, hex, sizeof(l->id_prefix));
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->scratch = alb_mem_alloc(ALB_LOOP_SCRATCH);
    if (l->epoll < 0 || l->wake < 0 || !l->scratch || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev) != 0)
        return alb_fail_sys(err, ALB_E_IO, errno, "event loop");
    return ALB_OK;
}

static enum alb_code listen_all(struct alb_loop *l, struct alb_err *err)
{
    struct alb_http *s = l->server;

    for (size_t i = 0; i < s->listener_n; i++) {
        /* EXCLUSIVE: one connection wakes one loop. Level-triggered: what one loop leaves the next one sees.
         */
        struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &s->listeners[i].source};

        if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->listeners[i].fd, &ev) != 0)
            return alb_fail_sys(err, ALB_E_IO, errno, "epoll: %s", s->listeners[i].text);
        l->listening++;
    }
    return ALB_OK;
}

static void accept_again(struct alb_wheel_entry *e, int64_t now)
{
    struct alb_loop *l = ALB_CONTAINER_OF(e, struct alb_loop, resume_accept);

    (void)now;
    l->paused = false;
    if (l->listening == 0 && !atomic_load_explicit(&l->server->draining, memory_order_relaxed))
        alb_ignore(listen_all(l, NULL), "tried again when the next connection is lost");
}

enum alb_code alb_loop_start(struct alb_loop *l, struct alb_err *err)
{
    enum alb_code code = listen_all(l, err);

    return code != ALB_OK ? code : alb_thread_start(&l->thread, "http", loop_main, l, err);
}

void alb_loop_close(struct alb_loop *l)
{
    while (l->spare) {
        struct alb_req *r = l->spare;

        l->spare = r->next;
        alb_req_free(r);
    }
    if (l->epoll >= 0)
        (void)close(l->epoll);
    if (l->wake >= 0)
        (void)close(l->wake);
    alb_mem_free(l->scratch);
    alb_mutex_fini(&l->wake_mtx);
    alb_mutex_fini(&l->mtx);
}
