/* SPDX-License-Identifier: Apache-2.0
 *
 * The room from outside (contract and invariants: hooks.h). Making a run copies everything, so that the
 * caller's request may go on, change or end (law 4); then it is the loop's.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "hooks/priv.h"

#define TEXT_MAX ((size_t)256 * 1024)
#define EVENT_MAX ((size_t)1024 * 1024)

static const char *const names[ALB_HOOK_COUNT] = {"pre-create",     "post-create", "post-receive",
                                                  "pre-finish",     "post-finish", "pre-terminate",
                                                  "post-terminate", "authorise"};

const char *alb_hook_name(enum alb_hook_type type)
{
    return names[type];
}

bool alb_hook_parse(struct alb_str name, enum alb_hook_type *type)
{
    *type = ALB_HOOK_COUNT;
    for (size_t i = 0; i < ALB_HOOK_COUNT; i++)
        if (alb_str_eq_c(name, names[i]))
            *type = (enum alb_hook_type)i;
    return *type != ALB_HOOK_COUNT;
}

void alb_hooks_config_default(struct alb_hooks_config *c)
{
    *c = (struct alb_hooks_config){.enabled = ALB_HOOK_ALL,
                                   .attempts = 3,
                                   .backoff_ns = ALB_NS_PER_S,
                                   .http_ns = 15 * ALB_NS_PER_S,
                                   .answer_max = 5 * 1024,
                                   .ask_ns = 300 * ALB_NS_PER_S,
                                   .tell_ns = 600 * ALB_NS_PER_S,
                                   .output_max = (size_t)1024 * 1024,
                                   .asks = 64,
                                   .progress = 64,
                                   .tells = 64,
                                   .ask_queue = 1024,
                                   .progress_queue = 1024,
                                   .tell_queue = 10000,
                                   .spool_dirfd = -1,
                                   .memory = (size_t)64 * 1024 * 1024};
}

/* ---- life ---- */

void alb_hooks_wake(struct alb_hooks *h)
{
    uint64_t one = 1;
    ssize_t put = write(h->wake, &one, sizeof(one));
    (void)put; /* a full counter wakes as well */
}

/* Headers that belong to our own request. */
static bool is_ours(struct alb_str name)
{
    static const char *const own[] = {"host",    "content-type", "content-length", "transfer-encoding",
                                      "trailer", "connection",   "expect"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(own); i++)
        if (alb_str_eq_ci(name, alb_str_c(own[i])))
            return true;
    return false;
}

static enum alb_code read_forward(struct alb_hooks *h, struct alb_err *err)
{
    struct alb_str rest = h->config.forward, name;
    while (rest.n > 0 && alb_str_next(&rest, ',', &name)) {
        name = alb_str_trim(name);
        if (name.n == 0 || is_ours(name))
            continue;
        if (h->forward_count == ALB_HOOKS_HEADERS_MAX)
            return alb_fail(err, ALB_E_INVALID, "at most %d headers can go along to a hook",
                            ALB_HOOKS_HEADERS_MAX);
        if (alb_str_has_control(name) || alb_str_find(name, ':') != ALB_STR_NPOS)
            return alb_fail(err, ALB_E_INVALID, "\"" ALB_STR_FMT "\" is not the name of a header",
                            ALB_STR_ARG(name));
        h->forward[h->forward_count++] = name;
    }
    return ALB_OK;
}

static enum alb_code copy_config(struct alb_hooks *h, const struct alb_hooks_config *c, struct alb_err *err)
{
    h->config = *c;
    h->text = alb_arena_new(TEXT_MAX);
    if (!h->text)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for hooks");
    h->config.dir = alb_arena_str(h->text, c->dir);
    h->config.url = alb_arena_str(h->text, c->url);
    h->config.forward = alb_arena_str(h->text, c->forward);
    h->dir = c->dir.n > 0 ? h->config.dir.p : NULL;
    h->lanes[ALB_LANE_ASK].places = c->asks;
    h->lanes[ALB_LANE_PROGRESS].places = c->progress;
    h->lanes[ALB_LANE_TELL].places = c->tells;
    for (size_t i = 0; i < ALB_LANE_COUNT; i++)
        h->lanes[i].waiting_end = &h->lanes[i].waiting;
    h->polls = alb_mem_calloc(1 + 2 * ((size_t)c->asks + c->progress + c->tells), sizeof(*h->polls));
    if (alb_arena_code(h->text) != ALB_OK || !h->polls)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for hooks");
    return read_forward(h, err);
}

/* A parent may have told us to ignore our children: then the system reaps them, and their status is lost. */
static void mind_children(void)
{
    struct sigaction act;
    if (sigaction(SIGCHLD, NULL, &act) == 0 && act.sa_handler == SIG_IGN) {
        act.sa_handler = SIG_DFL;
        (void)sigaction(SIGCHLD, &act, NULL);
    }
}

enum alb_code alb_hooks_open(const struct alb_hooks_config *config, struct alb_hooks **hooks,
                             struct alb_err *err)
{
    *hooks = NULL;
    if ((config->dir.n > 0) == (config->url.n > 0))
        return alb_fail(err, ALB_E_INVALID, "hooks need a folder or a URL, one of the two");
    struct alb_hooks *h = alb_mem_calloc(1, sizeof(*h));
    if (!h)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for hooks");
    alb_mutex_init(&h->mtx, ALB_LOCK_HOOKS);
    h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    h->spool = -1;
    h->guard.fd = -1;
    enum alb_code code = copy_config(h, config, err);
    if (code == ALB_OK && config->spool_dirfd >= 0)
        code = alb_spool_open(h, config->spool_dirfd, config->spool, err);
    if (code == ALB_OK && h->wake < 0)
        code = alb_fail_sys(err, ALB_E_IO, errno, "no eventfd for hooks");
    if (code == ALB_OK && !h->dir) {
        /* As many again: a transfer that was left ends a moment after its run, and must not refuse the next.
         */
        unsigned runs = config->asks + config->progress + config->tells;
        struct alb_fetch_config fetch = {.agent = "albumen-hooks", .transfers = runs, .queue = runs};
        code = alb_fetch_open(&fetch, &h->fetch, err);
    }
    mind_children();
    if (code == ALB_OK && h->dir)
        alb_hook_guard_open(&h->guard);
    if (code == ALB_OK)
        code = alb_thread_start(&h->thread, "hooks", alb_hooks_loop, h, err);
    if (code != ALB_OK)
        alb_hooks_close(&h, 0);
    *hooks = h;
    return code;
}

void alb_hooks_close(struct alb_hooks **hooks, int64_t deadline)
{
    struct alb_hooks *h = *hooks;
    *hooks = NULL;
    if (!h)
        return;
    alb_mutex_lock(&h->mtx);
    h->stopping = true;
    h->stop_by = deadline;
    alb_mutex_unlock(&h->mtx);
    if (h->thread.started)
        alb_hooks_wake(h);
    alb_thread_join(&h->thread);
    alb_hook_guard_close(&h->guard);
    alb_fetch_close(&h->fetch); /* its wakes have come, or were left */
    alb_fs_close(&h->wake);
    alb_fs_close(&h->spool);
    alb_mem_free(h->polls);
    alb_mem_free(h->spooled);
    alb_arena_free(&h->text);
    alb_mutex_fini(&h->mtx);
    alb_mem_free(h);
}

bool alb_hooks_on(const struct alb_hooks *h, enum alb_hook_type type)
{
    return h && (h->config.enabled & ALB_HOOK_BIT(type));
}

/* ---- runs ---- */

void alb_hook_signal(struct alb_hook_run *run, unsigned signal)
{
    struct alb_hooks *h = run->room;
    atomic_fetch_or(&run->signals, signal);
    alb_hooks_wake(h);
}

void alb_hook_run_unref(struct alb_hook_run *run)
{
    if (atomic_fetch_sub(&run->refs, 1) != 1)
        return;
    struct alb_hooks *h = run->room;
    ALB_CHECK(run->title.future == NULL && run->fetch == NULL);
    alb_fs_close(&run->out);
    alb_fs_close(&run->pidfd);
    alb_bytes_unref(run->event);
    alb_buf_fini(&run->id);
    alb_buf_fini(&run->headers);
    alb_buf_fini(&run->output);
    atomic_fetch_sub(&h->memory, run->memory);
    atomic_fetch_sub(&h->count[run->lane], 1);
    alb_mem_free(run);
}

static void on_forsaken(void *arg)
{
    alb_hook_signal(arg, ALB_RUN_FORSAKEN);
}

/* Lines of the headers that go along, in the writing of the configuration. */
static void copy_headers(struct alb_hook_run *run, const struct alb_hook_event *event)
{
    const struct alb_hooks *h = run->room;
    for (size_t k = 0; k < h->forward_count; k++) {
        for (size_t i = 0; i < event->header_count; i++) {
            const struct alb_hook_pair *p = &event->headers[i];
            if (!alb_str_eq_ci(p->key, h->forward[k]) || alb_str_has_control(p->value))
                continue;
            alb_buf_str(&run->headers, h->forward[k]);
            alb_buf_c(&run->headers, p->value.n > 0 ? ": " : ";"); /* curl's way to send an empty value */
            alb_buf_str(&run->headers, p->value);
            alb_buf_char(&run->headers, '\n');
        }
    }
}

static bool copy_event(struct alb_hook_run *run, const struct alb_hook_event *event)
{
    struct alb_buf json = ALB_BUF_INIT(EVENT_MAX);
    bool ok = alb_hook_event_json(run->type, event, &json) == ALB_OK;
    if (ok)
        run->event = alb_bytes_copy(json.p, json.n);
    alb_buf_fini(&json);
    alb_buf_str(&run->id, event->id);
    for (size_t i = 0; i < run->id.n; i++)
        if (run->id.p[i] == '\0')
            run->id.p[i] = ' '; /* it goes into an environment */
    if (!run->room->dir)
        copy_headers(run, event);
    return ok && run->event && alb_buf_code(&run->id) == ALB_OK && alb_buf_code(&run->headers) == ALB_OK;
}

struct alb_hook_run *alb_hook_run_new(struct alb_hooks *h, enum alb_hook_type type, enum alb_hook_lane lane,
                                      int64_t size, int64_t offset)
{
    struct alb_hook_run *run = alb_mem_calloc(1, sizeof(*run));
    atomic_fetch_add(&h->count[lane], 1);
    if (!run) {
        atomic_fetch_sub(&h->count[lane], 1);
        return NULL;
    }
    atomic_init(&run->refs, 1);
    run->room = h;
    run->type = type;
    run->lane = lane;
    run->size = size;
    run->offset = offset;
    run->pidfd = run->out = -1;
    run->deadline = lane != ALB_LANE_TELL
                        ? alb_deadline(alb_hooks_now(), h->dir ? h->config.ask_ns : h->config.http_ns)
                        : ALB_NEVER;
    alb_buf_init(&run->id, EVENT_MAX);
    alb_buf_init(&run->headers, EVENT_MAX);
    alb_buf_init(&run->output, h->config.output_max);
    return run;
}

/* BUSY: too many wait, of this lane or in bytes. */
static enum alb_code make_run(struct alb_hooks *h, enum alb_hook_type type, enum alb_hook_lane lane,
                              const struct alb_hook_event *event, struct alb_hook_run **out)
{
    const struct alb_hooks_config *c = &h->config;
    const unsigned max[ALB_LANE_COUNT] = {[ALB_LANE_ASK] = c->asks + c->ask_queue,
                                          [ALB_LANE_PROGRESS] = c->progress + c->progress_queue,
                                          [ALB_LANE_TELL] = c->tells + c->tell_queue};
    /* What may be dropped leaves room for what may not. */
    size_t memory = lane == ALB_LANE_PROGRESS ? c->memory / 2 : c->memory;
    *out = NULL;
    struct alb_hook_run *run = alb_hook_run_new(h, type, lane, event->size, event->offset);
    if (!run)
        return ALB_E_NO_MEMORY;
    enum alb_code code = atomic_load(&h->count[lane]) > max[lane] ? ALB_E_BUSY : ALB_OK;
    if (code == ALB_OK && !copy_event(run, event))
        code = ALB_E_NO_MEMORY;
    if (code == ALB_OK) {
        run->memory = sizeof(*run) + run->event->n + run->id.cap + run->headers.cap;
        if (atomic_fetch_add(&h->memory, run->memory) + run->memory > memory)
            code = ALB_E_BUSY;
    }
    if (code != ALB_OK)
        alb_hook_run_unref(run);
    else
        *out = run;
    return code;
}

/* False: closing. */
static bool push(struct alb_hooks *h, struct alb_hook_run *run)
{
    alb_mutex_lock(&h->mtx);
    bool open = !h->stopping;
    if (open) {
        run->next = h->inbox;
        h->inbox = run;
    }
    alb_mutex_unlock(&h->mtx);
    if (open) {
        atomic_fetch_add(&h->invocations[run->type], 1);
        alb_hooks_wake(h);
    }
    return open;
}

/* A program may come and go while the server runs: looked for each time, before anything else is done. */
static bool is_there(const struct alb_hooks *h, enum alb_hook_type type)
{
    char path[4096];
    if (!h->dir)
        return true;
    int n = snprintf(path, sizeof(path), "%s/%s", h->dir, names[type]);
    return n < 0 || (size_t)n >= sizeof(path) || access(path, F_OK) == 0 || errno != ENOENT;
}

/* The future of a question that nobody is there to be asked. */
static enum alb_code ask_nobody(struct alb_hooks *h, enum alb_hook_type type, struct alb_future **future,
                                struct alb_err *err)
{
    struct alb_owner title;
    struct alb_hook_reply *reply = NULL;
    enum alb_code code = alb_hook_reply_parse(ALB_STR(""), &reply, err);
    if (code != ALB_OK)
        return code;
    struct alb_obj *result = h->config.result ? h->config.result(type, reply) : alb_obj_ref(&reply->obj);
    alb_obj_unref(&reply->obj);
    if (!result || alb_future_new(future, &title) != ALB_OK) {
        alb_obj_unref(result);
        *future = NULL;
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a hook");
    }
    atomic_fetch_add(&h->invocations[type], 1);
    (void)alb_future_settle(&title, result);
    return ALB_OK;
}

enum alb_code alb_hooks_ask(struct alb_hooks *h, enum alb_hook_type type, const struct alb_hook_event *event,
                            struct alb_future **future, struct alb_err *err)
{
    struct alb_hook_run *run;
    bool is_progress = type == ALB_HOOK_POST_RECEIVE;
    *future = NULL;
    ALB_CHECK(alb_hooks_on(h, type));
    if (!is_there(h, type))
        return ask_nobody(h, type, future, err);
    enum alb_code code = make_run(h, type, is_progress ? ALB_LANE_PROGRESS : ALB_LANE_ASK, event, &run);
    if (code != ALB_OK && is_progress)
        atomic_fetch_add(&h->dropped[type], 1);
    if (code != ALB_OK)
        return alb_fail(err, code, "the hook %s cannot be asked: too many wait", alb_hook_name(type));
    if (alb_future_new(future, &run->title) != ALB_OK) {
        alb_hook_run_unref(run);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a hook");
    }
    alb_future_on_forsaken(&run->title, on_forsaken, run);
    if (push(h, run))
        return ALB_OK;
    code = alb_fail(err, ALB_E_BUSY, "the server is stopping");
    (void)alb_future_fail(&run->title, err);
    alb_future_unref(*future);
    *future = NULL;
    alb_hook_run_unref(run);
    return code;
}

static void lost(struct alb_hooks *h, enum alb_hook_type type, struct alb_str id)
{
    atomic_fetch_add(&h->dropped[type], 1);
    if (type == ALB_HOOK_POST_RECEIVE)
        return; /* the next one says more */
    alb_log(ALB_LOG_WARN, "a hook was not told: too many wait, or the server is stopping",
            ALB_LOG_C("type", alb_hook_name(type)), ALB_LOG_STR("id", id));
}

/* How far an upload has come is old news after a crash. */
static bool is_durable(const struct alb_hook_run *run)
{
    return run->room->spool >= 0 && run->lane == ALB_LANE_TELL;
}

/* False: it is not on, or it is lost. *kept NULL: nobody is there to hear of it. */
static bool keep(struct alb_hooks *h, enum alb_hook_type type, const struct alb_hook_event *event,
                 struct alb_hook_run **kept)
{
    enum alb_hook_lane lane = type == ALB_HOOK_POST_RECEIVE ? ALB_LANE_PROGRESS : ALB_LANE_TELL;
    struct alb_hook_run *run = NULL;
    *kept = NULL;
    if (!alb_hooks_on(h, type))
        return false;
    if (!is_there(h, type)) {
        atomic_fetch_add(&h->invocations[type], 1);
        return true;
    }
    if (make_run(h, type, lane, event, &run) == ALB_OK && (!is_durable(run) || alb_spool_put(run))) {
        *kept = run;
        return true;
    }
    if (run)
        alb_hook_run_unref(run);
    lost(h, type, event->id);
    return false;
}

struct alb_hook_run *alb_hooks_keep(struct alb_hooks *h, enum alb_hook_type type,
                                    const struct alb_hook_event *event)
{
    struct alb_hook_run *run;
    return keep(h, type, event, &run) ? run : NULL;
}

void alb_hooks_let_go(struct alb_hook_run *run, bool tell)
{
    struct alb_hooks *h = run->room;
    if (is_durable(run))
        alb_spool_release(run, tell);
    else if (tell && push(h, run))
        return; /* it is the loop's */
    else if (tell)
        lost(h, run->type, alb_buf_view(&run->id));
    alb_hook_run_unref(run); /* the loop makes its own of what is in the spool */
    alb_hooks_wake(h);
}

bool alb_hooks_tell(struct alb_hooks *h, enum alb_hook_type type, const struct alb_hook_event *event)
{
    struct alb_hook_run *run;
    bool ok = keep(h, type, event, &run);
    if (run)
        alb_hooks_let_go(run, true);
    return ok;
}

struct alb_hooks_view alb_hooks_look(struct alb_hooks *h)
{
    struct alb_hooks_view v = {.running = 0};
    unsigned known = 0;
    for (size_t i = 0; i < ALB_HOOK_COUNT; i++) {
        v.invocations[i] = atomic_load(&h->invocations[i]);
        v.errors[i] = atomic_load(&h->errors[i]);
        v.dropped[i] = atomic_load(&h->dropped[i]);
    }
    v.running = atomic_load(&h->running);
    for (size_t i = 0; i < ALB_LANE_COUNT; i++)
        known += atomic_load(&h->count[i]);
    v.waiting = known > v.running ? known - v.running : 0;
    return v;
}
