/* SPDX-License-Identifier: Apache-2.0
 *
 * The fetch loop. A transfer (transfer.h) is made by its caller, handed to the thread through the inbox, and
 * from then on only the thread touches it.
 *
 *   inbox (under mtx) -> waiting -> active (in the multi handle) -> its title ends -> freed
 *
 * curl_multi_wakeup is the one function of a multi handle that other threads may call.
 */
#include "fetch/fetch.h"

#include <limits.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "fetch/priv.h"
#include "fetch/transfer.h"

#define POLL_MAX_MS 60000
#define IDLE_MAX 64 /* connections that are kept */

struct alb_fetch {
    /* fixed after create */
    struct alb_fetch_config config;
    struct alb_buf no_proxy;
    CURLM *multi;
    struct alb_thread thread;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_transfer *inbox; /* newest first */
    bool stopping;
    /* atomic */
    atomic_uint count;                    /* transfers that are not freed */
    atomic_uint by_host[ALB_FETCH_HOSTS]; /* ...of each host */
    /* owned by the thread */
    struct alb_transfer *waiting, *active; /* waiting: oldest first */
    unsigned running, running_by_host[ALB_FETCH_HOSTS];
    struct alb_fetch_sockets sockets;
};

static int64_t now_ns(void)
{
    return alb_mono(alb_clock_real());
}

static void drop(struct alb_fetch *f, struct alb_transfer *t)
{
    atomic_fetch_sub(&f->by_host[t->host], 1);
    alb_transfer_free(t);
    atomic_fetch_sub(&f->count, 1);
}

static void begin(struct alb_fetch *f, struct alb_transfer *t)
{
    if (alb_transfer_prepare(t, alb_buf_cstr(&f->no_proxy), &f->sockets) &&
        curl_multi_add_handle(f->multi, t->easy) == CURLM_OK) {
        t->next = f->active;
        f->active = t;
        f->running++;
        f->running_by_host[t->host]++;
        return;
    }
    alb_transfer_fail(t, ALB_E_NO_MEMORY, "no memory for a transfer");
    drop(f, t);
}

/* Takes out the transfer that `at` is a link of: of the waiting ones. */
static struct alb_transfer *take_out(struct alb_transfer **at)
{
    struct alb_transfer *t = *at;
    *at = t->next;
    t->next = NULL;
    return t;
}

/* ...and of the active ones: out of curl too. */
static struct alb_transfer *take_down(struct alb_fetch *f, struct alb_transfer **at)
{
    struct alb_transfer *t = take_out(at);
    if (t->easy) {
        curl_multi_remove_handle(f->multi, t->easy);
        f->running--;
        f->running_by_host[t->host]--;
    }
    return t;
}

/* ---- the loop ---- */

static void on_forsaken(void *arg)
{
    struct alb_transfer *t = arg;
    atomic_store(&t->forsaken, true);
    (void)curl_multi_wakeup(t->multi);
}

/* Ends what is over its time or nobody's. Returns the next deadline. */
static int64_t prune(struct alb_fetch *f, struct alb_transfer **list, int64_t now, bool stopping)
{
    int64_t next = ALB_NEVER;
    for (struct alb_transfer **at = list; *at;) {
        struct alb_transfer *t = *at;
        bool over = now >= t->deadline, left = stopping || atomic_load(&t->forsaken);
        if (!over && !left) {
            next = t->deadline < next ? t->deadline : next;
            alb_transfer_go_on(t);
            at = &t->next;
            continue;
        }
        t = take_down(f, at);
        alb_transfer_fail(t, left ? ALB_E_CANCELLED : ALB_E_TIMEOUT,
                          left ? "nobody waits for it" : "no answer in time");
        drop(f, t);
    }
    return next;
}

static bool take_inbox(struct alb_fetch *f)
{
    alb_mutex_lock(&f->mtx);
    struct alb_transfer *in = f->inbox, *oldest = NULL;
    bool stopping = f->stopping;
    f->inbox = NULL;
    alb_mutex_unlock(&f->mtx);
    while (in) {
        struct alb_transfer *t = in;
        in = t->next;
        t->next = oldest;
        oldest = t;
    }
    struct alb_transfer **at = &f->waiting;
    while (*at)
        at = &(*at)->next;
    *at = oldest;
    return stopping;
}

/* The oldest one first whose host has not its share already. */
static void begin_all(struct alb_fetch *f)
{
    for (struct alb_transfer **at = &f->waiting; *at && f->running < f->config.transfers;) {
        if (f->config.per_host && f->running_by_host[(*at)->host] >= f->config.per_host)
            at = &(*at)->next;
        else
            begin(f, take_out(at));
    }
}

/* True: one was begun anew. */
static bool reap(struct alb_fetch *f)
{
    CURLMsg *m;
    int left = 0;
    bool begun = false;
    while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = m->data.result; /* m is gone once the handle is removed */
        char *private = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        struct alb_transfer *t = (struct alb_transfer *)(void *)private, **at = &f->active;
        while (*at != t)
            at = &(*at)->next;
        (void)take_down(f, at);
        if (alb_transfer_rewind(t, rc)) {
            begin(f, t);
            begun = true;
            continue;
        }
        alb_transfer_end(t, rc);
        drop(f, t);
    }
    return begun;
}

static void *loop(void *arg)
{
    struct alb_fetch *f = arg;
    int running = 0;
    alb_thread_working_on("outbound HTTP");
    for (;;) {
        bool stopping = take_inbox(f);
        int64_t now = now_ns();
        int64_t next = prune(f, &f->waiting, now, stopping), other = prune(f, &f->active, now, stopping);
        next = other < next ? other : next;
        if (stopping && !f->waiting && !f->active)
            return NULL;
        begin_all(f);
        if (curl_multi_perform(f->multi, &running) != CURLM_OK)
            alb_log_event(ALB_LOG_ERROR, "outbound HTTP: curl failed");
        unsigned before = f->running;
        bool begun = reap(f), ended = f->running < before;
        int64_t left = next == ALB_NEVER ? ALB_NEVER : (next - now_ns()) / ALB_NS_PER_MS + 1;
        if (begun || (f->waiting && ended))
            left = 0; /* reap has begun one anew, or made room */
        int wait_ms = left < 0 ? 0 : left > POLL_MAX_MS ? POLL_MAX_MS : (int)left;
        (void)curl_multi_poll(f->multi, NULL, 0, wait_ms, NULL);
    }
}

/* ---- from outside ---- */

enum alb_code alb_fetch_open(const struct alb_fetch_config *config, struct alb_fetch **fetch,
                             struct alb_err *err)
{
    *fetch = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return alb_fail(err, ALB_E_NO_MEMORY, "libcurl cannot be set up");
    struct alb_fetch *f = alb_mem_calloc(1, sizeof(*f));
    if (!f) {
        curl_global_cleanup();
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for outbound HTTP");
    }
    f->config = *config;
    alb_mutex_init(&f->mtx, ALB_LOCK_FETCH);
    alb_fetch_no_proxy(&f->no_proxy);
    f->multi = curl_multi_init();
    enum alb_code code = ALB_OK;
    if (!f->multi || alb_buf_code(&f->no_proxy) != ALB_OK)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for outbound HTTP");
    if (code == ALB_OK) {
        curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_MAX);
    }
    if (code == ALB_OK)
        code = alb_thread_start(&f->thread, "fetch", loop, f, err);
    if (code != ALB_OK)
        alb_fetch_close(&f);
    *fetch = f;
    return code;
}

void alb_fetch_close(struct alb_fetch **fetch)
{
    struct alb_fetch *f = *fetch;
    *fetch = NULL;
    if (!f)
        return;
    alb_mutex_lock(&f->mtx);
    f->stopping = true;
    alb_mutex_unlock(&f->mtx);
    if (f->thread.started)
        (void)curl_multi_wakeup(f->multi);
    alb_thread_join(&f->thread);
    ALB_CHECK(atomic_load(&f->count) == 0);
    if (f->multi)
        curl_multi_cleanup(f->multi);
    alb_fetch_sockets_fini(&f->sockets);
    alb_buf_fini(&f->no_proxy);
    alb_mutex_fini(&f->mtx);
    alb_mem_free(f);
    curl_global_cleanup();
}

static unsigned share_of_host(const struct alb_fetch_config *c)
{
    return c->per_host ? c->per_host + c->queue / 2 : UINT_MAX;
}

enum alb_code alb_fetch_start(struct alb_fetch *f, const struct alb_fetch_request *request,
                              struct alb_future **future, struct alb_err *err)
{
    *future = NULL;
    enum alb_code code = alb_transfer_check(request, err);
    if (code != ALB_OK)
        return code;
    if (atomic_fetch_add(&f->count, 1) >= f->config.transfers + f->config.queue) {
        atomic_fetch_sub(&f->count, 1);
        return alb_fail(err, ALB_E_BUSY, "too many requests to other servers wait");
    }
    struct alb_transfer *t = alb_transfer_new(request, &f->config);
    if (!t || alb_future_new(future, &t->title) != ALB_OK) {
        if (t)
            alb_transfer_free(t);
        atomic_fetch_sub(&f->count, 1);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a transfer");
    }
    if (atomic_fetch_add(&f->by_host[t->host], 1) >= share_of_host(&f->config)) {
        alb_transfer_fail(t, ALB_E_BUSY, "too many requests to this server wait");
        alb_future_unref(*future);
        *future = NULL;
        drop(f, t);
        return alb_fail(err, ALB_E_BUSY, "too many requests to this server wait");
    }
    t->multi = f->multi;
    alb_future_on_forsaken(&t->title, on_forsaken, t);
    alb_mutex_lock(&f->mtx);
    t->next = f->inbox;
    f->inbox = t;
    alb_mutex_unlock(&f->mtx);
    (void)curl_multi_wakeup(f->multi);
    return ALB_OK;
}

void alb_fetch_go_on(struct alb_fetch *f, struct alb_fetch_sink *sink)
{
    atomic_store(&sink->go_on, true);
    (void)curl_multi_wakeup(f->multi);
}
