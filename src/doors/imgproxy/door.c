/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/imgproxy/door.h"

#include "base/check.h"
#include "base/mem.h"
#include "doors/imgproxy/job.h"

#define MEMORY ((size_t)1 << 20)

/* ---- jobs ---- */

static void count_answer(struct alb_imgproxy_door *door, const struct alb_req *req)
{
    int hundreds = alb_res_get_status(req) / 100;
    if (hundreds >= 0 && hundreds < (int)ALB_ARRAY_LEN(door->status))
        atomic_fetch_add(&door->status[hundreds], 1);
}

static void list(struct alb_imgproxy_job *job)
{
    struct alb_imgproxy_door *door = job->door;
    if (job->listed)
        return;
    job->listed = true;
    alb_mutex_lock(&door->mtx);
    job->next = door->jobs;
    if (job->next)
        job->next->prev = job;
    door->jobs = job;
    alb_mutex_unlock(&door->mtx);
}

static void unlist(struct alb_imgproxy_job *job)
{
    struct alb_imgproxy_door *door = job->door;
    if (!job->listed)
        return;
    alb_mutex_lock(&door->mtx);
    if (job->prev)
        job->prev->next = job->next;
    else
        door->jobs = job->next;
    if (job->next)
        job->next->prev = job->prev;
    alb_mutex_unlock(&door->mtx);
}

static void job_end(void *arg)
{
    struct alb_imgproxy_job *job = arg;
    unlist(job);
    alb_imgproxy_sources_drop(job);
    alb_future_unref(job->future);
    alb_future_unref(job->pause);
    alb_principal_unref(job->signer);
}

static struct alb_imgproxy_job *job_new(struct alb_req *req)
{
    struct alb_imgproxy_door *door = alb_req_ctx(req);
    const struct alb_imgproxy_config *c = door->config.config;
    struct alb_imgproxy_job *job = ALB_ARENA_NEW(alb_req_arena(req), struct alb_imgproxy_job);
    atomic_fetch_add(&door->requests, 1);
    if (!job || !alb_arena_defer(alb_req_arena(req), job_end, job)) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return NULL;
    }
    job->door = door;
    job->req = req;
    job->arena = alb_req_arena(req);
    job->begun = alb_mono(alb_req_clock(req));
    job->deadline = alb_deadline(job->begun, c->timeout);
    alb_req_set_slot(req, job);
    return job;
}

/* At the end: what the hot entry sets is gone when the step goes on. */
static void say_cors(const struct alb_imgproxy_door *door, struct alb_req *req)
{
    const struct alb_imgproxy_config *c = door->config.config;
    if (c->allow_origin.n == 0)
        return;
    alb_res_header(req, "Access-Control-Allow-Origin", c->allow_origin);
    alb_res_header_c(req, "Access-Control-Allow-Methods", "GET, OPTIONS");
}

static enum alb_hot is_hit(struct alb_imgproxy_door *door, struct alb_req *req)
{
    say_cors(door, req);
    count_answer(door, req);
    return ALB_HOT_HIT;
}

/* ---- stages ---- */

static enum alb_imgproxy_next run(struct alb_imgproxy_job *job)
{
    switch (job->stage) {
    case ALB_IMGPROXY_TAKE:
        return alb_imgproxy_take(job, false);
    case ALB_IMGPROXY_SOURCES:
        return alb_imgproxy_sources(job);
    case ALB_IMGPROXY_FETCHING:
        return alb_imgproxy_fetched(job);
    case ALB_IMGPROXY_DECIDE:
        return alb_imgproxy_decide(job);
    case ALB_IMGPROXY_HASH:
        return alb_imgproxy_check_hash(job);
    case ALB_IMGPROXY_CHOSEN:
        return alb_imgproxy_choose(job);
    case ALB_IMGPROXY_RENDERING:
        return alb_imgproxy_rendered(job);
    case ALB_IMGPROXY_ASKED:
        return alb_imgproxy_told(job);
    case ALB_IMGPROXY_SUMMING:
        return alb_imgproxy_sum_up(job);
    }
    alb_panic(__FILE__, "no such stage: %d", (int)job->stage);
}

static enum alb_step is_done(struct alb_imgproxy_door *door, struct alb_req *req)
{
    say_cors(door, req);
    count_answer(door, req);
    return ALB_STEP_DONE;
}

/* Its sources are what they are known as: nobody is asked for them, if the picture is there. */
static bool is_kept(struct alb_imgproxy_job *job)
{
    if (!job->has_key)
        return false;
    job->has_key = false;
    if (alb_imgproxy_answer_kept(job))
        return true;
    alb_imgproxy_sources_drop(job); /* a render needs their bytes */
    return false;
}

static enum alb_step step(struct alb_req *req)
{
    struct alb_imgproxy_door *door = alb_req_ctx(req);
    struct alb_imgproxy_job *job = alb_req_slot(req);
    enum alb_imgproxy_next next = ALB_IMGPROXY_ON;
    if (!job) {
        struct alb_imgproxy_moment moment;
        alb_imgproxy_moment_now(door, req, &moment);
        if (alb_imgproxy_memo_answer(door, req, &moment, false) == ALB_IMGPROXY_MEMO_ANSWER) {
            atomic_fetch_add(&door->requests, 1);
            return is_done(door, req);
        }
        job = job_new(req);
        if (!job)
            return ALB_STEP_DONE;
        job->moment = moment;
    }
    if (is_kept(job))
        return is_done(door, req);
    list(job);
    while (next == ALB_IMGPROXY_ON)
        next = run(job);
    return next == ALB_IMGPROXY_WAIT ? ALB_STEP_WAIT : is_done(door, req);
}

/* From memory alone: who it is, the sources, the picture. */
static enum alb_hot hot(struct alb_req *req)
{
    struct alb_imgproxy_door *door = alb_req_ctx(req);
    struct alb_imgproxy_moment moment;
    alb_imgproxy_moment_now(door, req, &moment);
    switch (alb_imgproxy_memo_answer(door, req, &moment, true)) {
    case ALB_IMGPROXY_MEMO_ANSWER:
        atomic_fetch_add(&door->requests, 1);
        return is_hit(door, req);
    case ALB_IMGPROXY_MEMO_KEY: /* the step finds it on the disk by the same */
        return ALB_HOT_MISS;
    case ALB_IMGPROXY_MEMO_NOTHING:
        break;
    }
    struct alb_imgproxy_job *job = job_new(req);
    if (!job)
        return ALB_HOT_HIT;
    job->moment = moment;
    enum alb_imgproxy_next next = alb_imgproxy_take(job, true);
    if (next == ALB_IMGPROXY_LATER)
        return ALB_HOT_MISS;
    if (next == ALB_IMGPROXY_ON && !job->want.raw && !job->want.is_info && alb_imgproxy_sources_hot(job)) {
        if (alb_imgproxy_answer_hot(job))
            next = ALB_IMGPROXY_DONE;
        else if (!job->has_key)
            alb_imgproxy_sources_drop(job); /* the step needs their bytes */
    }
    return next == ALB_IMGPROXY_ON ? ALB_HOT_MISS : is_hit(door, req);
}

/* Browsers ask before they fetch; the answer is the same for every URL. */
static enum alb_hot options(struct alb_req *req)
{
    const struct alb_imgproxy_job *job = job_new(req);
    if (!job)
        return ALB_HOT_HIT;
    say_cors(job->door, req);
    alb_res_type(req, "text/plain");
    alb_res_literal(req, ALB_STR(" "));
    return ALB_HOT_HIT;
}

/* ---- open, close ---- */

/* Who they are is asked with each request: a user may go while the door is open. */
static void keep_owners(struct alb_imgproxy_door *door)
{
    size_t n = door->config.config->keys.count;
    for (size_t i = 0; door->config.key_owner && i < n && i < ALB_IMGPROXY_PAIRS_MAX; i++)
        door->owners[i] = door->config.key_owner[i];
    door->config.key_owner = NULL; /* the caller's */
}

static bool set_paths(struct alb_imgproxy_door *door)
{
    const struct alb_imgproxy_config *c = door->config.config;
    struct alb_str prefix = alb_str_c(door->config.prefix);
    door->prefix = alb_arena_cstr(door->memory, prefix);
    door->pattern = (char *)(uintptr_t)alb_arena_printf(door->memory, ALB_STR_FMT ALB_STR_FMT "/{path*}",
                                                        ALB_STR_ARG(prefix), ALB_STR_ARG(c->path_prefix))
                        .p;
    return door->prefix && door->pattern;
}

enum alb_code alb_imgproxy_door_open(const struct alb_imgproxy_door_config *config,
                                     struct alb_imgproxy_door **out, struct alb_err *err)
{
    struct alb_imgproxy_door *door = alb_mem_calloc(1, sizeof(*door));
    *out = NULL;
    if (!door)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the imgproxy door");
    alb_mutex_init(&door->mtx, ALB_LOCK_IMGPROXY_DOOR);
    door->config = *config;
    door->config.config = alb_imgproxy_config_ref(config->config);
    door->auth.library = config->library;
    door->memory = alb_arena_new(MEMORY);
    door->policy = alb_imgproxy_policy_new(config->config, config->http_sources);
    keep_owners(door);
    if (alb_imgproxy_memo_helps(config->config, config->library != NULL))
        door->memo = alb_imgproxy_memo_new(); /* without memory for it nothing is remembered */
    enum alb_code code = door->memory && door->policy && set_paths(door)
                             ? alb_imgproxy_given_open(door, err)
                             : alb_fail(err, ALB_E_NO_MEMORY, "no memory for the imgproxy door");
    if (code != ALB_OK)
        alb_imgproxy_door_close(&door);
    *out = door;
    return code;
}

void alb_imgproxy_door_close(struct alb_imgproxy_door **pointer)
{
    struct alb_imgproxy_door *door = *pointer;
    *pointer = NULL;
    if (!door)
        return;
    ALB_CHECK(!door->jobs);
    alb_imgproxy_memo_free(&door->memo);
    alb_origin_unref(door->watermark);
    alb_origin_unref(door->fallback);
    if (door->policy)
        alb_obj_unref(&door->policy->base.obj);
    alb_imgproxy_config_unref(door->config.config);
    alb_arena_free(&door->memory);
    alb_mutex_fini(&door->mtx);
    alb_mem_free(door);
}

enum alb_code alb_imgproxy_door_mount(struct alb_imgproxy_door *door, struct alb_http *http,
                                      struct alb_err *err)
{
    door->group = (struct alb_http_group){.name = "imgproxy", .ctx = door, .error = alb_imgproxy_error_page};
    door->routes[0] = (struct alb_route){
        .pattern = door->pattern, .methods = ALB_M_GET, .body = ALB_BODY_NONE, .hot = hot, .step = step};
    door->routes[1] = (struct alb_route){
        .pattern = door->pattern, .methods = ALB_M_OPTIONS, .body = ALB_BODY_NONE, .hot = options};
    return alb_http_routes(http, &door->group, door->routes, ALB_ARRAY_LEN(door->routes), err);
}

struct alb_imgproxy_view alb_imgproxy_door_look(struct alb_imgproxy_door *door)
{
    struct alb_imgproxy_view v = {.requests = atomic_load(&door->requests)};
    int64_t now = alb_mono(alb_clock_real());
    for (size_t i = 0; i < ALB_ARRAY_LEN(v.status); i++)
        v.status[i] = atomic_load(&door->status[i]);
    for (size_t i = 0; i < ALB_ARRAY_LEN(v.errors); i++)
        v.errors[i] = atomic_load(&door->errors[i]);
    alb_mutex_lock(&door->mtx);
    for (const struct alb_imgproxy_job *job = door->jobs; job; job = job->next) {
        v.in_progress++;
        if (now - job->begun > v.oldest_ns)
            v.oldest_ns = now - job->begun;
    }
    alb_mutex_unlock(&door->mtx);
    return v;
}
