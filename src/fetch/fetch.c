/* SPDX-License-Identifier: Apache-2.0
 *
 * The fetch loop. A transfer is made by its caller, handed to the thread through the inbox, and from then on
 * only the thread touches it; the one exception is `forsaken`, an atomic that the future's hook raises.
 *
 *   inbox (under mtx) -> waiting -> active (in the multi handle) -> its title ends -> freed
 *
 * curl_multi_wakeup is the one function of a multi handle that other threads may call.
 */
#include "fetch/fetch.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "fetch/priv.h"

#define HEAD_MAX ((size_t)64 * 1024)
#define URL_MAX ((size_t)16 * 1024)
#define POLL_MAX_MS 60000

struct transfer {
    struct transfer *next;
    struct alb_fetch *fetch; /* fixed */
    struct alb_owner title;
    atomic_bool forsaken;
    /* fixed after start */
    const char *method;
    struct alb_buf url;
    struct curl_slist *headers;
    struct alb_bytes *body;
    int64_t connect_ns, deadline;
    unsigned redirects;
    bool insecure;
    enum alb_fetch_reach reach;
    /* owned by the thread */
    CURL *easy; /* NULL: waiting */
    bool refused;
    struct alb_buf head, answer;
    bool cut;
    char error[CURL_ERROR_SIZE];
};

struct answer { /* what struct alb_fetch_answer is made of */
    struct alb_fetch_answer a;
    struct alb_buf head, body;
};

struct alb_fetch {
    /* fixed after create */
    struct alb_fetch_config config;
    struct alb_buf no_proxy;
    CURLM *multi;
    struct alb_thread thread;
    /* under mtx */
    struct alb_mutex mtx;
    struct transfer *inbox; /* newest first */
    bool stopping;
    /* atomic */
    atomic_uint count; /* transfers that are not freed */
    /* owned by the thread */
    struct transfer *waiting, *active; /* waiting: oldest first */
    unsigned running;
};

static int64_t now_ns(void)
{
    return alb_mono(alb_clock_real());
}

/* ---- answers ---- */

static void answer_free(struct alb_obj *obj)
{
    struct answer *a = ALB_CONTAINER_OF(obj, struct answer, a.obj);
    alb_buf_fini(&a->head);
    alb_buf_fini(&a->body);
    alb_mem_free(a);
}

bool alb_fetch_header(const struct alb_fetch_answer *a, const char *name, struct alb_str *value)
{
    return alb_fetch_header_in(a->head, name, value);
}

static struct answer *make_answer(struct transfer *t)
{
    long status = 0;
    struct answer *a = alb_mem_calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    alb_obj_init(&a->a.obj, answer_free);
    a->head = t->head; /* taken over */
    a->body = t->answer;
    alb_buf_init(&t->head, HEAD_MAX);
    alb_buf_init(&t->answer, 0);
    a->a.status = (int)status;
    a->a.cut = t->cut;
    a->a.head = alb_buf_view(&a->head);
    a->a.body = alb_buf_view(&a->body);
    return a;
}

/* ---- one transfer ---- */

static void transfer_free(struct transfer *t)
{
    ALB_CHECK(t->title.future == NULL);
    if (t->easy)
        curl_easy_cleanup(t->easy);
    alb_fetch_headers_free(t->headers);
    alb_bytes_unref(t->body);
    alb_buf_fini(&t->url);
    alb_buf_fini(&t->head);
    alb_buf_fini(&t->answer);
    atomic_fetch_sub(&t->fetch->count, 1);
    alb_mem_free(t);
}

static void fail(struct transfer *t, enum alb_code code, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, code, "%s", text);
    (void)alb_future_fail(&t->title, &err);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    if (size * n > 5 &&
        memcmp(p, "HTTP/", 5) == 0) { /* the answer before this one was interim, or a redirect */
        alb_buf_reset(&t->head);
        alb_buf_reset(&t->answer);
        t->cut = false;
    }
    alb_buf_add(&t->head, p, size * n);
    return alb_buf_code(&t->head) == ALB_OK ? size * n : 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t room = t->answer.max - t->answer.n;
    if (size * n > room) {
        alb_buf_add(&t->answer, p, room);
        t->cut = true;
        return 0; /* ends the transfer */
    }
    alb_buf_add(&t->answer, p, size * n);
    return alb_buf_code(&t->answer) == ALB_OK ? size * n : 0;
}

/* Called with the address that is about to be connected to. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = arg;
    (void)purpose;
    if (t->reach == ALB_FETCH_PUBLIC && !alb_fetch_is_public(&address->addr)) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_options(struct transfer *t)
{
    CURL *e = t->easy;
    bool post = strcmp(t->method, "POST") == 0;
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_URL, alb_buf_cstr(&t->url));
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* Else ending a transfer waits for its look-up: one dead name server would hold all others. The thread of
     * the look-up frees what it has when it is through. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_USERAGENT, t->fetch->config.agent);
    if (t->reach == ALB_FETCH_PUBLIC) {
        curl_easy_setopt(e, CURLOPT_PROXY, "");         /* a proxy would look names up, and connect, for us */
        curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L); /* not one that was opened for another reach */
        curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    } else {
        curl_easy_setopt(e, CURLOPT_NOPROXY, alb_buf_cstr(&t->fetch->no_proxy));
    }
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(t->connect_ns / ALB_NS_PER_MS));
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, t->redirects > 0 ? 1L : 0L);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)t->redirects);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    if (t->insecure) {
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (post) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(t->body ? t->body->n : 0));
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->body ? (const char *)t->body->p : "");
    }
}

static void begin(struct transfer *t)
{
    struct alb_fetch *f = t->fetch;
    t->easy = curl_easy_init();
    if (t->easy) {
        set_options(t);
        if (curl_multi_add_handle(f->multi, t->easy) == CURLM_OK) {
            t->next = f->active;
            f->active = t;
            f->running++;
            return;
        }
    }
    fail(t, ALB_E_NO_MEMORY, "no memory for a transfer");
    transfer_free(t);
}

static void end(struct transfer *t, CURLcode rc)
{
    if (rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && t->cut)) {
        struct answer *a = make_answer(t);
        if (a)
            (void)alb_future_settle(&t->title, &a->a.obj);
        else
            fail(t, ALB_E_NO_MEMORY, "no memory for an answer");
    } else if (t->refused) {
        fail(t, ALB_E_FORBIDDEN, "the address is not one of the open internet");
    } else if (rc == CURLE_OUT_OF_MEMORY) {
        fail(t, ALB_E_NO_MEMORY, "no memory for a transfer");
    } else {
        fail(t, alb_fetch_is_hopeless((int)rc) ? ALB_E_INVALID : ALB_E_BUSY,
             t->error[0] ? t->error : curl_easy_strerror(rc));
    }
}

/* Takes t out of the list that `at` is a link of, and out of curl. */
static struct transfer *take_out(struct transfer **at)
{
    struct transfer *t = *at;
    *at = t->next;
    t->next = NULL;
    if (t->easy) {
        curl_multi_remove_handle(t->fetch->multi, t->easy);
        t->fetch->running--;
    }
    return t;
}

/* ---- the loop ---- */

static void on_forsaken(void *arg)
{
    struct transfer *t = arg;
    atomic_store(&t->forsaken, true);
    (void)curl_multi_wakeup(t->fetch->multi);
}

/* Ends what is over its time or nobody's. Returns the next deadline. */
static int64_t prune(struct transfer **list, int64_t now, bool stopping)
{
    int64_t next = ALB_NEVER;
    for (struct transfer **at = list; *at;) {
        struct transfer *t = *at;
        bool over = now >= t->deadline, left = stopping || atomic_load(&t->forsaken);
        if (!over && !left) {
            next = t->deadline < next ? t->deadline : next;
            at = &t->next;
            continue;
        }
        t = take_out(at);
        fail(t, left ? ALB_E_CANCELLED : ALB_E_TIMEOUT, left ? "nobody waits for it" : "no answer in time");
        transfer_free(t);
    }
    return next;
}

static bool take_inbox(struct alb_fetch *f)
{
    alb_mutex_lock(&f->mtx);
    struct transfer *in = f->inbox, *oldest = NULL;
    bool stopping = f->stopping;
    f->inbox = NULL;
    alb_mutex_unlock(&f->mtx);
    while (in) {
        struct transfer *t = in;
        in = t->next;
        t->next = oldest;
        oldest = t;
    }
    struct transfer **at = &f->waiting;
    while (*at)
        at = &(*at)->next;
    *at = oldest;
    return stopping;
}

static void reap(struct alb_fetch *f)
{
    CURLMsg *m;
    int left = 0;
    while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = m->data.result; /* m is gone once the handle is removed */
        char *private = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        struct transfer *t = (struct transfer *)(void *)private, **at = &f->active;
        while (*at != t)
            at = &(*at)->next;
        (void)take_out(at);
        end(t, rc);
        transfer_free(t);
    }
}

static void *loop(void *arg)
{
    struct alb_fetch *f = arg;
    int running = 0;
    alb_thread_working_on("outbound HTTP");
    for (;;) {
        bool stopping = take_inbox(f);
        int64_t now = now_ns();
        int64_t next = prune(&f->waiting, now, stopping), other = prune(&f->active, now, stopping);
        next = other < next ? other : next;
        if (stopping && !f->waiting && !f->active)
            return NULL;
        while (f->waiting && f->running < f->config.transfers) {
            struct transfer *t = take_out(&f->waiting);
            begin(t);
        }
        if (curl_multi_perform(f->multi, &running) != CURLM_OK)
            alb_log_event(ALB_LOG_ERROR, "outbound HTTP: curl failed");
        reap(f);
        int64_t left = next == ALB_NEVER ? ALB_NEVER : (next - now_ns()) / ALB_NS_PER_MS + 1;
        if (f->waiting && f->running < f->config.transfers)
            left = 0; /* reap has made room */
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
    alb_buf_fini(&f->no_proxy);
    alb_mutex_fini(&f->mtx);
    alb_mem_free(f);
    curl_global_cleanup();
}

static bool copy_headers(struct transfer *t, const struct alb_fetch_request *r)
{
    bool ok = true;
    struct alb_buf line = ALB_BUF_INIT(HEAD_MAX);
    for (size_t i = 0; i < r->header_count && ok; i++) {
        alb_buf_reset(&line);
        alb_buf_str(&line, r->headers[i]);
        const char *text = alb_buf_cstr(&line);
        ok = alb_buf_code(&line) == ALB_OK && alb_fetch_headers_add(&t->headers, text);
    }
    /* Small bodies: asking first would cost a round trip. */
    ok = ok && alb_fetch_headers_add(&t->headers, "Expect:");
    if (line.p)
        alb_wipe(line.p, line.cap);
    alb_buf_fini(&line);
    return ok;
}

static enum alb_code check_request(const struct alb_fetch_request *r, struct alb_err *err)
{
    if (alb_str_has_control(r->url) ||
        !(alb_str_starts(r->url, ALB_STR("http://")) || alb_str_starts(r->url, ALB_STR("https://"))))
        return alb_fail(err, ALB_E_INVALID, "not an address: it begins with http:// or https://");
    for (size_t i = 0; i < r->header_count; i++)
        if (alb_str_has_control(r->headers[i]))
            return alb_fail(err, ALB_E_INVALID, "a header with control characters");
    return ALB_OK;
}

/* Everything of the request, copied. count has been raised; transfer_free lowers it. */
static struct transfer *make_transfer(struct alb_fetch *f, const struct alb_fetch_request *r)
{
    struct transfer *t = alb_mem_calloc(1, sizeof(*t));
    if (!t) {
        atomic_fetch_sub(&f->count, 1);
        return NULL;
    }
    t->fetch = f;
    t->method = r->method;
    alb_buf_init(&t->url, URL_MAX);
    alb_buf_str(&t->url, r->url);
    (void)alb_buf_cstr(&t->url);
    alb_buf_init(&t->head, HEAD_MAX);
    alb_buf_init(&t->answer, r->answer_max);
    t->body = alb_bytes_ref(r->body);
    t->connect_ns = r->connect_ns;
    t->deadline = r->deadline;
    t->redirects = r->redirects;
    t->insecure = r->insecure;
    t->reach = r->reach;
    if (!copy_headers(t, r) || alb_buf_code(&t->url) != ALB_OK) {
        transfer_free(t);
        return NULL;
    }
    return t;
}

enum alb_code alb_fetch_start(struct alb_fetch *f, const struct alb_fetch_request *request,
                              struct alb_future **future, struct alb_err *err)
{
    *future = NULL;
    enum alb_code code = check_request(request, err);
    if (code != ALB_OK)
        return code;
    if (atomic_fetch_add(&f->count, 1) >= f->config.transfers + f->config.queue) {
        atomic_fetch_sub(&f->count, 1);
        return alb_fail(err, ALB_E_BUSY, "too many requests to other servers wait");
    }
    struct transfer *t = make_transfer(f, request);
    if (!t)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a transfer");
    if (alb_future_new(future, &t->title) != ALB_OK) {
        transfer_free(t);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a transfer");
    }
    alb_future_on_forsaken(&t->title, on_forsaken, t);
    alb_mutex_lock(&f->mtx);
    t->next = f->inbox;
    f->inbox = t;
    alb_mutex_unlock(&f->mtx);
    (void)curl_multi_wakeup(f->multi);
    return ALB_OK;
}
