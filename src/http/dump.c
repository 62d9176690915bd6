/* SPDX-License-Identifier: Apache-2.0
 *
 * What is going on: counts for /health, and every request in flight for SIGQUIT. Any thread, at any time,
 * also when loops or pool are stuck, which is when it is wanted: only the short locks of lists and requests
 * are taken, and a request is looked at in place, then let go before anything is written.
 */
#include <unistd.h>

#include "base/mem.h"
#include "http/http_priv.h"

/* A copy of what is said of one request. */
struct line {
    char id[ALB_REQ_ID_MAX + 1];
    char method[12], path[120], client[ALB_ADDR_TEXT];
    const char *route, *group, *doing, *state;
    int64_t age, waiting;
    unsigned steps;
    struct alb_future *on;
};

static const char *state_name(const struct alb_req *r)
{
    switch (r->hand) {
    case ALB_HAND_LOOP:
        return "reads its body";
    case ALB_HAND_QUEUED:
        return "waits for a thread";
    case ALB_HAND_RUNNING:
        return "runs";
    case ALB_HAND_LEAVING:
        return "leaves a future";
    case ALB_HAND_DONE:
        return "sends its answer";
    case ALB_HAND_WAITING:
        break;
    }
    switch (r->wait) {
    case ALB_WAIT_FUTURE:
        return "waits for a future";
    case ALB_WAIT_BODY:
        return "waits for its body";
    case ALB_WAIT_DRAIN:
        return "waits for its client to read";
    case ALB_WAIT_NONE:
        break;
    }
    return "waits";
}

static void look(struct alb_req *r, int64_t now, struct line *l)
{
    struct alb_str path = alb_str_sub(r->head.path, 0, sizeof(l->path) - 1);

    *l = (struct line){.route = "-", .group = r->group->name};
    alb_ignore(!alb_str_to_c(alb_req_id(r), l->id, sizeof(l->id)), "ids have no NUL");
    alb_ignore(!alb_str_to_c(path, l->path, sizeof(l->path)), "neither have targets");
    alb_ignore(!alb_str_to_c(alb_str_sub(r->head.method, 0, 11), l->method, sizeof(l->method)),
               "nor methods");
    alb_ignore(!alb_str_to_c(alb_req_client(r), l->client, sizeof(l->client)), "nor addresses");
    if (r->match.entry)
        l->route = r->match.entry->route->pattern;
    l->age = now - r->t_first;
    l->doing = atomic_load_explicit(&r->doing, memory_order_relaxed);
    alb_mutex_lock(&r->mtx);
    l->state = state_name(r);
    if (r->hand == ALB_HAND_WAITING) { /* parked: nobody changes these */
        l->waiting = now - r->wait_since;
        l->steps = r->steps;
        if (r->wait == ALB_WAIT_FUTURE)
            l->on = alb_future_ref(r->on);
    }
    alb_mutex_unlock(&r->mtx);
}

static void print(const struct line *l, struct alb_buf *b)
{
    alb_buf_printf(b, "request %s %s %s client=%s route=%s/%s age=%.3fs: %s", l->id, l->method, l->path,
                   l->client, l->group, l->route, (double)l->age / 1e9, l->state);
    if (l->waiting > 0)
        alb_buf_printf(b, " since %.3fs", (double)l->waiting / 1e9);
    if (l->doing)
        alb_buf_printf(b, " (%s)", l->doing);
    if (l->on) {
        struct alb_future_view v = alb_future_look(l->on);

        alb_buf_printf(b, "; future %s term=%u waiters=%u owner=%s", v.state, (unsigned)v.term,
                       (unsigned)v.waiters, v.owner[0] ? v.owner : "-");
    }
    alb_buf_char(b, '\n');
}

static void flush(struct alb_buf *b, int fd)
{
    alb_ignore(b->n > 0 && write(fd, b->p, b->n) < 0, "there is nobody to tell");
    alb_buf_reset(b);
}

static void dump_loop(struct alb_loop *l, int64_t now, int fd, struct alb_buf *b)
{
    struct line *lines = NULL;
    unsigned n = 0, cap;

    alb_mutex_lock(&l->mtx);
    cap = l->flight_count;
    alb_mutex_unlock(&l->mtx);
    if (cap > 0)
        lines = alb_mem_calloc(cap, sizeof(*lines)); /* not under the lock; who comes later is not shown */
    alb_mutex_lock(&l->mtx);
    for (struct alb_req *r = l->flights; r && lines && n < cap; r = r->next)
        look(r, now, &lines[n++]);
    cap = l->flight_count;
    alb_mutex_unlock(&l->mtx);
    alb_buf_printf(b, "loop %u: connections=%u requests=%u\n", l->index,
                   atomic_load_explicit(&l->conn_count, memory_order_relaxed), cap);
    flush(b, fd);
    for (unsigned i = 0; i < n; i++) {
        print(&lines[i], b);
        flush(b, fd);
        alb_future_unref(lines[i].on);
    }
    alb_mem_free(lines);
}

void alb_http_dump(struct alb_http *s, int fd)
{
    struct alb_buf b = ALB_BUF_INIT(4096);
    int64_t now = alb_mono(s->config.clock);

    for (unsigned i = 0; i < s->loop_n; i++)
        dump_loop(&s->loops[i], now, fd, &b);
    alb_buf_fini(&b);
}

struct alb_http_view alb_http_look(struct alb_http *s)
{
    struct alb_http_view v = {.connections = atomic_load_explicit(&s->connections, memory_order_relaxed)};
    int64_t now = alb_mono(s->config.clock);

    for (unsigned i = 0; i < s->loop_n; i++) {
        struct alb_loop *l = &s->loops[i];

        alb_mutex_lock(&l->mtx);
        for (struct alb_req *r = l->flights; r; r = r->next) {
            bool waits, with_pool;

            alb_mutex_lock(&r->mtx);
            waits = r->hand == ALB_HAND_WAITING;
            with_pool = waits || r->hand == ALB_HAND_QUEUED || r->hand == ALB_HAND_RUNNING;
            /* Who waits for its own client is as old as the client makes it. */
            if (waits && r->wait != ALB_WAIT_FUTURE)
                with_pool = false;
            alb_mutex_unlock(&r->mtx);
            v.requests++;
            v.waiting += waits;
            if (with_pool && now - r->t_head > v.oldest_ns)
                v.oldest_ns = now - r->t_head;
        }
        alb_mutex_unlock(&l->mtx);
    }
    return v;
}
