/* SPDX-License-Identifier: Apache-2.0
 *
 * Test routes that wait: for a timer, for a single flight that may resign, for events without end.
 */
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/stat.h"
#include "serverd.h"

/* ---- work that takes time: a future that a timer ends ---------------------------------------------- */

/* What else a work waits for, however long that takes: a test that waited for a time would not know whether
 * what it wants to see has happened by then. */
struct until {
    long joins;        /* so many requests have ever joined a flight */
    int64_t abandoned; /* so many requests have been abandoned */
    bool freed;        /* an upload with free=1 has come to its end */
};

struct work {
    struct alb_timer timer;
    struct alb_owner owner;
    struct until until;
    bool resign;
    struct work *prev, *next; /* of all that are not done, under serverd.mtx */
};
static struct work *works;

static atomic_long joins;
static atomic_bool freed;

static bool come_about(const struct until *u)
{
    return atomic_load(&joins) >= u->joins && alb_stat_get(ALB_STAT_HTTP_ABANDONED) >= u->abandoned &&
           (!u->freed || atomic_load(&freed));
}

static void end_work(struct work *w)
{
    struct alb_err err = ALB_ERR_INIT;

    alb_mutex_lock(&serverd.mtx);
    if (w->prev)
        w->prev->next = w->next;
    else
        works = w->next;
    if (w->next)
        w->next->prev = w->prev;
    alb_mutex_unlock(&serverd.mtx);
    if (w->resign) {
        (void)alb_fail(&err, ALB_E_BUSY, "the owner resigned and nobody took over");
        alb_ignore(alb_future_resign(&w->owner, &err), "nobody else ends it");
    } else {
        struct alb_bytes *b = alb_bytes_copy("made\n", 5);

        ALB_CHECK(b != NULL);
        alb_ignore(alb_future_settle(&w->owner, &b->obj), "nobody else ends it");
    }
    alb_mem_free(w);
}

static void set_timer(struct work *w, int64_t ms)
{
    ALB_CHECK(alb_timer_set(serverd.timers, &w->timer,
                            alb_deadline(alb_mono(alb_clock_real()), ms * ALB_NS_PER_MS)) == ALB_OK);
}

static void time_over(struct alb_timer *t)
{
    struct work *w = ALB_CONTAINER_OF(t, struct work, timer);

    if (come_about(&w->until))
        end_work(w);
    else
        set_timer(w, 2);
}

void serverd_finish_works(void)
{
    while (works) /* the timers have ended: nobody else is here */
        end_work(works);
}

void serverd_free_works(void)
{
    atomic_store(&freed, true);
}

static struct until until_of(struct alb_req *req)
{
    return (struct until){.joins = (long)serverd_number(req, "joins", 0),
                          .abandoned = serverd_number(req, "abandoned", 0),
                          .freed = serverd_number(req, "held", 0) != 0};
}

static void start_work(struct alb_owner *owner, int64_t ms, struct until until, bool resign)
{
    struct work *w = alb_mem_calloc(1, sizeof(*w));

    ALB_CHECK(w != NULL);
    w->timer.fire = time_over;
    w->owner = *owner;
    w->until = until;
    w->resign = resign;
    *owner = ALB_OWNER_NONE;
    atomic_fetch_add(&serverd.builds, 1);
    alb_mutex_lock(&serverd.mtx);
    w->next = works;
    if (works)
        works->prev = w;
    works = w;
    alb_mutex_unlock(&serverd.mtx);
    alb_future_describe_owner(&w->owner, "a timer of the test server");
    set_timer(w, ms);
}

static enum alb_step answer(struct alb_req *req, struct alb_future *f)
{
    struct alb_err err = ALB_ERR_INIT;

    if (alb_future_error(f, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_res_type(req, "text/plain");
    alb_res_bytes(req, ALB_CONTAINER_OF(alb_future_result(f), struct alb_bytes, obj));
    return ALB_STEP_DONE;
}

static void unref_future(void *f)
{
    alb_future_unref(f);
}

static void hold_future(struct alb_req *req, struct alb_future *f)
{
    alb_req_set_slot(req, f);
    serverd_hold(req);
    alb_ignore(!alb_arena_defer(alb_req_arena(req), unref_future, f), "the test server has memory");
}

/* /slow?ms=N&deadline=MS&held=1&abandoned=N: waits for its own work. */
static enum alb_step step_slow(struct alb_req *req)
{
    struct alb_future *f = alb_req_slot(req);
    struct alb_owner owner;
    int64_t deadline;

    if (alb_req_timed_out(req)) {
        alb_res_error(req, ALB_E_TIMEOUT, "its own deadline");
        return ALB_STEP_DONE;
    }
    if (f)
        return answer(req, f);
    ALB_CHECK(alb_future_new(&f, &owner) == ALB_OK);
    hold_future(req, f);
    start_work(&owner, serverd_number(req, "ms", 50), until_of(req), false);
    alb_req_doing(req, "slow work");
    deadline = serverd_number(req, "deadline", -1);
    if (deadline >= 0)
        alb_req_wait_until(req, alb_deadline(alb_mono(alb_req_clock(req)), deadline * ALB_NS_PER_MS));
    return alb_req_wait_future(req, f, false);
}

/* /flight/{key}?ms=N&resign=N&joins=N&tell=1: one work per key. The first `resign` owners give up; a waiter
 * inherits. Says 102 when it has joined. */
static enum alb_step step_flight(struct alb_req *req)
{
    struct alb_future *f = alb_req_slot(req);
    struct alb_str key = alb_req_param(req, "key");
    struct alb_flight_key k = {{0}};
    enum alb_flight_role role;
    struct alb_owner owner;
    int64_t ms = serverd_number(req, "ms", 20);
    struct alb_err err = ALB_ERR_INIT;

    if (alb_req_promoted(req, &owner)) {
        alb_req_log(req, ALB_LOG_BOOL("promoted", true));
        start_work(&owner, ms, until_of(req), false);
        return alb_req_wait_future(req, f, true);
    }
    if (f)
        return answer(req, f);
    memcpy(k.b, key.p, key.n < sizeof(k.b) ? key.n : sizeof(k.b));
    if (alb_flight_join(serverd.flight, &k, alb_req_waiter(req, true), &f, &owner, &role, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    hold_future(req, f);
    if (role == ALB_FLIGHT_OWNER)
        start_work(&owner, ms, until_of(req), serverd_number(req, "resign", 0) > 0);
    atomic_fetch_add(&joins, 1);
    if (serverd_number(req, "tell", 0) != 0)
        alb_req_interim(req, 102, NULL, 0);
    return alb_req_wait_joined(req, f);
}

enum alb_step serverd_sleep(struct alb_req *req, int64_t ms)
{
    struct alb_future *f;
    struct alb_owner owner;
    enum alb_step said;

    ALB_CHECK(alb_future_new(&f, &owner) == ALB_OK);
    start_work(&owner, ms, (struct until){0}, false);
    said = alb_req_wait_future(req, f, false);
    alb_future_unref(f);
    return said;
}

/* /told?ms=N&abandoned=N: waits to the end even if its client leaves. Says 102 once it has begun. */
static enum alb_step step_told(struct alb_req *req)
{
    bool first = alb_req_slot(req) == NULL;
    enum alb_step said;

    if (!first && alb_req_gone(req))
        atomic_fetch_add(&serverd.told, 1);
    said = step_slow(req);
    if (first)
        alb_req_interim(req, 102, NULL, 0);
    return said;
}

/* /events?n=N&ms=N: an event now and every ms. */
struct events {
    int64_t left, ms;
};

static enum alb_step step_events(struct alb_req *req)
{
    struct events *e = alb_req_slot(req);

    if (!e) {
        serverd_hold(req);
        e = ALB_ARENA_NEW(alb_req_arena(req), struct events);
        alb_req_set_slot(req, e);
        e->left = serverd_number(req, "n", 3);
        e->ms = serverd_number(req, "ms", 20);
        alb_res_type(req, "text/event-stream");
        alb_res_stream(req);
    }
    if (e->left == 0)
        return ALB_STEP_DONE;
    e->left--;
    if (alb_res_write(req, "data: tick\n\n", 12) != 12)
        alb_res_abort(req);
    return serverd_sleep(req, e->ms);
}

/* /quiet: answers when no other request is open: every hook has run. */
static enum alb_step step_quiet(struct alb_req *req)
{
    struct alb_future *f = alb_req_slot(req);
    struct alb_owner owner;
    enum alb_step said;
    bool now;

    if (f)
        return answer(req, alb_req_future(req));
    ALB_CHECK(alb_future_new(&f, &owner) == ALB_OK);
    alb_req_set_slot(req, f);
    said = alb_req_wait_future(req, f, false);
    alb_future_unref(f);
    alb_mutex_lock(&serverd.mtx);
    now = serverd.open == 0 || serverd.quiet_n == ALB_ARRAY_LEN(serverd.quiet);
    if (!now)
        serverd.quiet[serverd.quiet_n++] = owner;
    alb_mutex_unlock(&serverd.mtx);
    if (now) {
        struct alb_bytes *b = alb_bytes_copy("quiet\n", 6);

        ALB_CHECK(b != NULL);
        alb_ignore(alb_future_settle(&owner, &b->obj), "nobody else ends it");
    }
    return said;
}

/* /until?abandoned=N&requests=N: answers when so many requests were abandoned, and so many others are in
 * flight. */
static enum alb_step step_until(struct alb_req *req)
{
    struct until until = until_of(req);

    if (!come_about(&until) || alb_http_look(serverd.http).requests < serverd_number(req, "requests", 0) + 1)
        return serverd_sleep(req, 2);
    alb_res_literal(req, ALB_STR("so it is\n"));
    return ALB_STEP_DONE;
}

static const struct alb_route routes[] = {
    {.pattern = "/until", .methods = ALB_M_GET, .step = step_until},
    {.pattern = "/quiet", .methods = ALB_M_GET, .step = step_quiet},
    {.pattern = "/slow", .methods = ALB_M_GET | ALB_M_POST, .step = step_slow},
    {.pattern = "/slow/upload", .methods = ALB_M_POST, .body = ALB_BODY_STREAM, .step = step_slow},
    {.pattern = "/flight/{key}", .methods = ALB_M_GET, .step = step_flight},
    {.pattern = "/told", .methods = ALB_M_GET, .flags = ALB_ROUTE_TOLD, .step = step_told},
    {.pattern = "/events", .methods = ALB_M_GET, .step = step_events},
};

enum alb_code serverd_routes_waits(struct alb_http *s, struct alb_err *err)
{
    return alb_http_routes(s, &serverd_group, routes, ALB_ARRAY_LEN(routes), err);
}
