/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests as objects: made, used again and freed by the loop (they keep their buffers and their arena, so a
 * request that is answered hot allocates nothing), and what doors ask of them.
 */
#include <string.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/mem.h"
#include "base/stat.h"
#include "http/hand.h"
#include "http/query.h"
#include "http/nudge.h"

#define KEEP_HEAD 16384 /* larger head buffers are not kept */
#define KEEP_OUT 16384
#define OUT_HEAD_REST 65536 /* status, type, validators, what the loop adds */

/* ---- life ---------------------------------------------------------------------------------------- */

static void reset(struct alb_req *r);

static struct alb_req *make(struct alb_loop *l)
{
    const struct alb_http_limits *limits = &l->server->config.limits;
    struct alb_req *r = alb_mem_calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->server = l->server;
    r->loop = l;
    r->in_buf = alb_mem_alloc(ALB_HEAD_FIRST);
    r->arena = alb_arena_new(limits->arena_bytes);
    if (!r->in_buf || !r->arena) {
        alb_mem_free(r->in_buf);
        alb_arena_free(&r->arena);
        alb_mem_free(r);
        return NULL;
    }
    r->in_cap = ALB_HEAD_FIRST;
    r->base = alb_arena_mark(r->arena);
    alb_mutex_init(&r->mtx, ALB_LOCK_HTTP_REQUEST);
    alb_buf_init(&r->res.lines, ALB_RES_LINES_MAX);
    alb_buf_init(&r->out_head, ALB_RES_LINES_MAX + OUT_HEAD_REST);
    alb_buf_init(&r->early, 65536);
    alb_buf_init(&r->interim, 65536);
    alb_buf_init(&r->small, SIZE_MAX / 2);
    alb_ring_init(&r->in_ring, limits->ring_bytes);
    alb_ring_init(&r->out_ring, limits->ring_bytes);
    reset(r);
    return r;
}

/* Everything that a request begins with; buffers and arena are kept. */
static void reset(struct alb_req *r)
{
    atomic_store_explicit(&r->gone, false, memory_order_relaxed);
    atomic_store_explicit(&r->doing, NULL, memory_order_relaxed);
    memset(&r->head, 0, offsetof(struct alb_head, fields));
    r->match = (struct alb_route_match){0};
    r->group = &r->server->bare;
    r->id_n = r->client_n = 0;
    r->id[0] = '\0';
    r->method = 0;
    r->scheme = r->host = ALB_STR_NONE;
    r->t_first = r->t_head = r->t_entry = r->t_answer = r->step_ns = 0;
    r->deadline = r->want_until = ALB_NEVER;
    r->principal = r->slot = NULL;
    r->segments = NULL;
    r->segment_n = r->segment_at = 0;
    r->segment_off = r->body_size = 0;
    r->pumping = r->head_made = r->head_only = r->before_done = r->entered = r->gone_told = false;
    r->lent = r->timed_out = r->promoted = r->pooled = r->untold = false;
    r->gone_left = SIZE_MAX;
    r->want = r->waited = ALB_WAIT_NONE;
    r->user_counted = false;
    r->log_n = r->steps = 0;
    r->small_at = 0;
    alb_err_clear(&r->err);
    r->trailer_n = 0;
    r->conn = NULL;
    r->in_n = 0;
    r->scan = (struct alb_head_scan){0};
    r->in = ALB_IN_DONE;
    r->in_left = 0;
    r->drained = 0;
    r->drain_until = ALB_NEVER;
    r->pace_in.since = r->pace_out.since = ALB_NEVER;
    r->in_begun = false;
    r->continued = r->held = r->closing = r->in_flight = r->settled = r->answered = r->recorded = false;
    r->gone_code = ALB_OK;
    r->out = ALB_OUT_NOTHING;
    r->head_sent = r->early_sent = r->frame_left = 0;
    r->body_sent = r->bytes_out = 0;
    r->frame_n = r->frame_at = r->frame_tail = 0;
    r->frame_last = false;
    r->registered = r->woken = r->nudged = r->timeout = r->ending = r->finishing = false;
    r->in_wanted = r->in_paused = r->in_end = r->head_ready = r->out_end = false;
    r->in_code = ALB_OK;
    r->in_seen = 0;
    r->in_max = UINT64_MAX;
    alb_res_clear_body(r);
    alb_req_reset_response(r);
    alb_hand_init(r);
}

struct alb_req *alb_req_take(struct alb_loop *l)
{
    struct alb_req *r = l->spare;

    if (!r)
        return make(l);
    l->spare = r->next;
    l->spare_count--;
    r->next = NULL;
    return r;
}

/* Gives back what one request may have made large. */
static void shrink(struct alb_req *r)
{
    struct alb_http *s = r->server;

    alb_ring_fini(&r->in_ring, s);
    alb_ring_fini(&r->out_ring, s);
    alb_chunked_fini(&r->chunked);
    alb_buf_fini(&r->small);
    alb_http_uncharge(s, r->small_charged);
    r->small_charged = 0;
    if (r->out_head.cap > KEEP_OUT)
        alb_buf_fini(&r->out_head);
    if (r->res.lines.cap > KEEP_OUT)
        alb_buf_fini(&r->res.lines);
    alb_buf_fini(&r->early);
    alb_buf_fini(&r->interim);
}

void alb_req_free(struct alb_req *r)
{
    shrink(r);
    alb_res_clear_body(r);
    alb_buf_fini(&r->out_head);
    alb_buf_fini(&r->res.lines);
    alb_arena_free(&r->arena);
    alb_mem_free(r->in_buf);
    alb_mutex_fini(&r->mtx);
    alb_mem_free(r);
}

void alb_req_recycle(struct alb_req *r)
{
    struct alb_loop *l = r->loop;

    alb_wheel_clear(&l->wheel, &r->timer);
    alb_loop_flight_remove(l, r);
    alb_arena_rewind(r->arena, r->base); /* hooks are left only if the pool never had it */
    if (r->t_head)
        alb_stat_dec(ALB_STAT_HTTP_IN_FLIGHT);
    if (r->user_counted)
        alb_tally_down(r->server->users, &r->user);
    alb_future_unref(r->on);
    r->on = NULL;
    if (l->spare_count >= ALB_LOOP_SPARE_REQS || alb_arena_code(r->arena) != ALB_OK ||
        r->in_cap > KEEP_HEAD) {
        alb_req_free(r);
        return;
    }
    shrink(r);
    reset(r);
    r->next = l->spare;
    l->spare = r;
    l->spare_count++;
}

/* ---- what was asked ------------------------------------------------------------------------------ */

struct alb_arena *alb_req_arena(struct alb_req *r)
{
    return r->arena;
}

unsigned alb_req_method(const struct alb_req *r)
{
    return r->method;
}

struct alb_str alb_req_target(const struct alb_req *r)
{
    return r->head.target;
}

struct alb_str alb_req_path(const struct alb_req *r)
{
    return r->head.path;
}

struct alb_str alb_req_query(const struct alb_req *r)
{
    return r->head.query;
}

bool alb_req_header_at(const struct alb_req *r, size_t i, struct alb_str *name, struct alb_str *value)
{
    if (i >= r->head.count)
        return false;
    *name = r->head.fields[i].name;
    *value = r->head.fields[i].value;
    return true;
}

bool alb_req_header_next(const struct alb_req *r, const char *name, size_t *at, struct alb_str *value)
{
    struct alb_str want = alb_str_c(name);

    while (*at < r->head.count) {
        const struct alb_field *f = &r->head.fields[(*at)++];

        if (alb_str_eq_ci(f->name, want)) {
            *value = f->value;
            return true;
        }
    }
    *value = ALB_STR_NONE;
    return false;
}

struct alb_str alb_req_header(const struct alb_req *r, const char *name)
{
    struct alb_str value;
    size_t at = 0;

    (void)alb_req_header_next(r, name, &at, &value);
    return value;
}

struct alb_str alb_req_param(const struct alb_req *r, const char *name)
{
    int i = r->match.entry ? alb_route_param_index(r->match.entry->route->pattern, alb_str_c(name)) : -1;

    return i >= 0 && (unsigned)i < r->match.param_count ? r->match.params[i] : ALB_STR_NONE;
}

bool alb_req_param_decoded(struct alb_req *r, const char *name, struct alb_str *out)
{
    struct alb_str raw = alb_req_param(r, name);

    *out = ALB_STR_NONE;
    return raw.p && alb_query_decode(raw, false, r->arena, out);
}

bool alb_req_query_get(struct alb_req *r, const char *name, struct alb_str *out)
{
    return alb_query_value(r->head.query, name, r->arena, out);
}

struct alb_str alb_req_cookie(const struct alb_req *r, const char *name)
{
    struct alb_str line, value = ALB_STR_NONE;
    size_t at = 0;

    if (!r->head.known[ALB_H_COOKIE])
        return value;
    while (!value.p && alb_req_header_next(r, "cookie", &at, &line))
        value = alb_cookie_get(line, name);
    return value;
}

/* ---- who asked ----------------------------------------------------------------------------------- */

struct alb_str alb_req_id(const struct alb_req *r)
{
    return alb_str_n(r->id, r->id_n);
}

struct alb_str alb_req_client(const struct alb_req *r)
{
    return alb_str_n(r->client, r->client_n);
}

unsigned alb_req_client_port(const struct alb_req *r)
{
    return r->client_port;
}

struct alb_str alb_req_scheme(const struct alb_req *r)
{
    return r->scheme;
}

struct alb_str alb_req_host(const struct alb_req *r)
{
    return r->host;
}

struct alb_str alb_req_base_url(struct alb_req *r)
{
    const char *url = r->server->config.public_url;

    if (url && url[0]) {
        struct alb_str s = alb_str_c(url);

        return s.p[s.n - 1] == '/' ? alb_str_sub(s, 0, s.n - 1) : s;
    }
    return alb_arena_printf(r->arena, ALB_STR_FMT "://" ALB_STR_FMT, ALB_STR_ARG(r->scheme),
                            ALB_STR_ARG(r->host));
}

const struct alb_clock *alb_req_clock(const struct alb_req *r)
{
    return r->server->config.clock;
}

int64_t alb_req_deadline(const struct alb_req *r)
{
    return r->deadline;
}

bool alb_req_gone(const struct alb_req *r)
{
    return atomic_load_explicit(&r->gone, memory_order_acquire);
}

void *alb_req_ctx(const struct alb_req *r)
{
    return r->group->ctx;
}

const struct alb_route *alb_req_route(const struct alb_req *r)
{
    return r->match.entry ? r->match.entry->route : NULL;
}

void alb_req_set_principal(struct alb_req *r, void *principal)
{
    r->principal = principal;
}

void *alb_req_principal(const struct alb_req *r)
{
    return r->principal;
}

void alb_req_set_slot(struct alb_req *r, void *state)
{
    r->slot = state;
}

void *alb_req_slot(const struct alb_req *r)
{
    return r->slot;
}

bool alb_req_count_user(struct alb_req *r, uint64_t user)
{
    if (r->user_counted)
        return true;
    memset(&r->user, 0, sizeof(r->user));
    memcpy(r->user.b, &user, sizeof(user));
    r->user_counted = alb_tally_up(r->server->users, &r->user, r->server->config.limits.requests_per_user);
    return r->user_counted;
}

void alb_req_log(struct alb_req *r, struct alb_log_field field)
{
    if (r->log_n < ALB_REQ_LOG_FIELDS)
        r->log[r->log_n++] = field;
}

void alb_req_log_err(struct alb_req *r, const struct alb_err *err)
{
    if (r->err.code == ALB_OK)
        r->err = *err;
}

/* ---- waiting ------------------------------------------------------------------------------------- */

static void wait_on(struct alb_req *r, struct alb_future *f)
{
    struct alb_future *before = r->on;

    r->on = alb_future_ref(f);
    alb_future_unref(before);
    r->want = ALB_WAIT_FUTURE;
}

enum alb_step alb_req_wait_future(struct alb_req *r, struct alb_future *f, bool heir)
{
    ALB_CHECK(!r->lent);
    wait_on(r, f);
    r->waiter.heir = heir;
    alb_mutex_lock(&r->mtx);
    r->registered = true;
    r->woken = false;
    alb_mutex_unlock(&r->mtx);
    if (!alb_future_wait(f, &r->waiter)) {
        alb_mutex_lock(&r->mtx);
        r->registered = false;
        r->woken = true;
        r->why = ALB_WAKE_SETTLED;
        alb_mutex_unlock(&r->mtx);
    }
    return ALB_STEP_WAIT;
}

struct alb_waiter *alb_req_waiter(struct alb_req *r, bool heir)
{
    r->waiter.heir = heir;
    r->lent = true;
    alb_mutex_lock(&r->mtx);
    r->woken = false;
    alb_mutex_unlock(&r->mtx);
    return &r->waiter;
}

enum alb_step alb_req_wait_joined(struct alb_req *r, struct alb_future *f)
{
    ALB_CHECK(r->lent);
    r->lent = false;
    wait_on(r, f);
    alb_mutex_lock(&r->mtx);
    r->registered = !r->woken; /* the wake may have come already */
    alb_mutex_unlock(&r->mtx);
    return ALB_STEP_WAIT;
}

enum alb_step alb_req_wait_body(struct alb_req *r)
{
    alb_nudge_detach(r); /* for the body alone */
    r->want = ALB_WAIT_BODY;
    return ALB_STEP_WAIT;
}

enum alb_step alb_req_wait_body_or(struct alb_req *r, struct alb_future *f)
{
    alb_nudge_aim(r, f);
    r->want = ALB_WAIT_BODY;
    return ALB_STEP_WAIT;
}

enum alb_step alb_req_wait_drain(struct alb_req *r)
{
    r->want = ALB_WAIT_DRAIN;
    return ALB_STEP_WAIT;
}

void alb_req_wait_until(struct alb_req *r, int64_t deadline_ns)
{
    r->want_until = deadline_ns;
}

void alb_req_wait_for_client(struct alb_req *r)
{
    r->untold = true;
}

bool alb_req_timed_out(const struct alb_req *r)
{
    return r->timed_out;
}

bool alb_req_promoted(struct alb_req *r, struct alb_owner *owner)
{
    *owner = ALB_OWNER_NONE;
    if (!r->promoted)
        return false;
    r->promoted = false;
    *owner = r->title;
    r->title = ALB_OWNER_NONE;
    return true;
}

struct alb_future *alb_req_future(const struct alb_req *r)
{
    return r->on;
}

void alb_req_doing(struct alb_req *r, const char *what)
{
    atomic_store_explicit(&r->doing, what, memory_order_relaxed);
}
