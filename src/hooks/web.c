/* SPDX-License-Identifier: Apache-2.0
 *
 * A hook by HTTP: POST of the event, again after a pause when the answer is a 5xx or there is none, as often
 * as the configuration says; all of it within one deadline. Any other status than 2xx, and an answer that is
 * not application/json, is a failure of the hook.
 */
#include "base/arena.h"
#include "hooks/priv.h"

#define CONNECT_NS (10 * ALB_NS_PER_S)
#define REDIRECTS 10
#define SHOWN_MAX 120

static void on_wake(struct alb_waiter *w, enum alb_wake why)
{
    struct alb_hook_run *run = ALB_CONTAINER_OF(w, struct alb_hook_run, waiter);
    (void)why; /* never an heir */
    alb_hook_signal(run, ALB_RUN_WOKEN);
    alb_hook_run_unref(run);
}

static enum alb_code attempt(struct alb_hook_run *run, struct alb_err *err)
{
    struct alb_hooks *h = run->room;
    struct alb_str lines[ALB_HOOKS_HEADERS_MAX * 4 + 1], rest = alb_buf_view(&run->headers), line;
    size_t n = 0;
    lines[n++] = ALB_STR("Content-Type: application/json");
    while (n < ALB_ARRAY_LEN(lines) && alb_str_next(&rest, '\n', &line))
        if (line.n > 0)
            lines[n++] = line;
    struct alb_fetch_request r = {.method = "POST",
                                  .url = h->config.url,
                                  .headers = lines,
                                  .header_count = n,
                                  .body = run->event,
                                  .connect_ns = CONNECT_NS,
                                  .deadline = run->deadline,
                                  .answer_max = h->config.answer_max,
                                  .redirects = REDIRECTS,
                                  .insecure = h->config.insecure,
                                  .reach = ALB_FETCH_ANYWHERE /* the person who runs the server chose it */};
    enum alb_code code = alb_fetch_start(h->fetch, &r, &run->fetch, err);
    if (code != ALB_OK)
        return code;
    run->attempt++;
    run->waiter = (struct alb_waiter){.wake = on_wake};
    atomic_fetch_add(&run->refs, 1);
    if (!alb_future_wait(run->fetch, &run->waiter)) {
        alb_hook_run_unref(run);
        alb_hook_signal(run, ALB_RUN_WOKEN);
    }
    return ALB_OK;
}

static bool start(struct alb_hook_run *run, struct alb_hook_reply **reply, struct alb_err *err)
{
    (void)reply;
    return attempt(run, err) == ALB_OK;
}

/* "application/json", with whatever parameters. */
static bool is_json(const struct alb_fetch_answer *a)
{
    struct alb_str value, type, rest;
    if (!alb_fetch_header(a, "content-type", &value))
        return false;
    (void)alb_str_cut(value, ';', &type, &rest);
    return alb_str_eq_ci(alb_str_trim(type), ALB_STR("application/json"));
}

static void judge(struct alb_hook_run *run, const struct alb_fetch_answer *a, struct alb_hook_reply **reply,
                  struct alb_err *err)
{
    if (a->status < 200 || a->status > 299)
        (void)alb_fail(err, ALB_E_INTERNAL, "unexpected response code from hook endpoint (%d): " ALB_STR_FMT,
                       a->status, ALB_STR_ARG(alb_str_sub(a->body, 0, SHOWN_MAX)));
    else if (a->cut)
        (void)alb_fail(err, ALB_E_INTERNAL, "hook response exceeded maximum size of %zu bytes",
                       run->room->config.answer_max);
    else if (!is_json(a))
        (void)alb_fail(err, ALB_E_INTERNAL,
                       "hook response does not contain the 'Content-Type: application/json' header");
    else if (a->body.n == 0)
        (void)alb_fail(err, ALB_E_INTERNAL, "failed to parse hook response: it is empty");
    else if (alb_hook_reply_parse(a->body, reply, err) == ALB_E_INVALID)
        err->code = ALB_E_INTERNAL;
}

/* Whether what came of the attempt may be better next time. */
static bool is_passing(const struct alb_fetch_answer *a, enum alb_code code)
{
    return a ? a->status >= 500 : code == ALB_E_BUSY;
}

static bool go_on(struct alb_hook_run *run, struct alb_hook_reply **reply, struct alb_err *err)
{
    struct alb_hooks *h = run->room;
    if (!run->fetch) { /* pausing */
        if (alb_hooks_now() < run->resume_at)
            return false;
        return attempt(run, err) != ALB_OK;
    }
    if (!(atomic_fetch_and(&run->signals, ~ALB_RUN_WOKEN) & ALB_RUN_WOKEN))
        return false;
    struct alb_obj *result = alb_future_result(run->fetch);
    const struct alb_fetch_answer *a = result ? ALB_CONTAINER_OF(result, struct alb_fetch_answer, obj) : NULL;
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = alb_future_error(run->fetch, &why);
    bool again = is_passing(a, code) && run->attempt < h->config.attempts;
    if (again)
        run->resume_at = alb_deadline(alb_hooks_now(), h->config.backoff_ns);
    else if (a)
        judge(run, a, reply, err);
    else
        (void)alb_fail(err, code == ALB_E_TIMEOUT ? ALB_E_TIMEOUT : ALB_E_INTERNAL, "%s", why.msg);
    alb_future_unref(run->fetch);
    run->fetch = NULL;
    return !again;
}

static void stop(struct alb_hook_run *run)
{
    if (!run->fetch)
        return;
    /* False: the wake has been called, or is about to be, and keeps its reference for as long. */
    if (alb_future_leave(run->fetch, &run->waiter))
        alb_hook_run_unref(run);
    alb_future_unref(run->fetch);
    run->fetch = NULL;
}

static bool gone(struct alb_hook_run *run)
{
    return run->fetch == NULL;
}

static unsigned polls(const struct alb_hook_run *run, struct pollfd *fds)
{
    (void)run;
    (void)fds;
    return 0;
}

const struct alb_hook_way alb_hook_by_web = {start, go_on, stop, gone, polls};
