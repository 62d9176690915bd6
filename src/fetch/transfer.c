/* SPDX-License-Identifier: Apache-2.0
 *
 * One transfer (transfer.h): the copy of its request, curl's options for it, what curl calls, its end.
 */
#include "fetch/transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "fetch/priv.h"

#define HEAD_MAX ((size_t)64 * 1024)
#define URL_MAX ((size_t)16 * 1024)
#define AGENT_MAX ((size_t)1024)
#define COOKIES_MAX ((size_t)64 * 1024)
#define PIECE (64 * 1024) /* for a sink, at most so much at once */

struct answer { /* what struct alb_fetch_answer is made of */
    struct alb_fetch_answer a;
    struct alb_buf head, body, cookies;
};

/* A buffer with secrets in it. */
static void wipe(struct alb_buf *b)
{
    if (b->p)
        alb_wipe(b->p, b->cap);
    alb_buf_fini(b);
}

/* ---- answers ---- */

static void answer_free(struct alb_obj *obj)
{
    struct answer *a = ALB_CONTAINER_OF(obj, struct answer, a.obj);
    alb_buf_fini(&a->head);
    alb_buf_fini(&a->body);
    wipe(&a->cookies);
    alb_mem_free(a);
}

bool alb_fetch_header(const struct alb_fetch_answer *a, const char *name, struct alb_str *value)
{
    return alb_fetch_header_in(a->head, name, value);
}

static void take_cookies(struct alb_transfer *t, struct alb_buf *out)
{
    struct curl_slist *list = NULL;
    alb_buf_init(out, COOKIES_MAX);
    if (!t->jar || curl_easy_getinfo(t->easy, CURLINFO_COOKIELIST, &list) != CURLE_OK)
        return;
    for (const struct curl_slist *c = list; c; c = c->next) {
        alb_buf_c(out, c->data);
        alb_buf_char(out, '\n');
    }
    alb_fetch_headers_free(list);
}

static struct answer *make_answer(struct alb_transfer *t)
{
    long status = 0;
    struct answer *a = alb_mem_calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    alb_obj_init(&a->a.obj, answer_free);
    take_cookies(t, &a->cookies);
    a->head = t->head; /* taken over */
    a->body = t->answer;
    alb_buf_init(&t->head, HEAD_MAX);
    alb_buf_init(&t->answer, 0);
    a->a.status = (int)status;
    a->a.cut = t->cut;
    a->a.head = alb_buf_view(&a->head);
    a->a.body = alb_buf_view(&a->body);
    if (alb_buf_code(&a->cookies) == ALB_OK) /* more than fit are none */
        a->a.cookies = alb_buf_view(&a->cookies);
    return a;
}

/* ---- what curl calls ---- */

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct alb_transfer *t = arg;
    long status = 0;
    if (size * n > 5 &&
        memcmp(p, "HTTP/", 5) == 0) { /* the answer before this one was interim, or a redirect */
        alb_buf_reset(&t->head);
        alb_buf_reset(&t->answer);
        t->cut = t->head_done = false;
    }
    if (t->head_done) /* trailers */
        return size * n;
    alb_buf_add(&t->head, p, size * n);
    if (alb_buf_code(&t->head) != ALB_OK)
        return 0;
    if (p[0] != '\r' && p[0] != '\n')
        return size * n;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->head_done = status >= 200;
    if (!t->head_done || !t->sink || t->sink->head(t->sink, (int)status, alb_buf_view(&t->head)))
        return size * n;
    t->cut = true;
    return 0; /* ends the transfer */
}

static size_t to_sink(struct alb_transfer *t, const char *p, size_t n)
{
    switch (t->sink->body(t->sink, p, n)) {
    case ALB_FETCH_TAKEN:
        return n;
    case ALB_FETCH_LATER:
        t->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    case ALB_FETCH_STOP:
        break;
    }
    t->cut = true;
    return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct alb_transfer *t = arg;
    size_t room = t->answer.max - t->answer.n;
    if (t->sink)
        return to_sink(t, p, size * n);
    if (size * n > room) {
        alb_buf_add(&t->answer, p, room);
        t->cut = true;
        return 0; /* ends the transfer */
    }
    alb_buf_add(&t->answer, p, size * n);
    return alb_buf_code(&t->answer) == ALB_OK ? size * n : 0;
}

/* `refused` stands until a request goes out: of several addresses that a name has, others may be fine. */
static bool may_reach(struct alb_transfer *t, const struct sockaddr *address)
{
    bool may = t->reach == ALB_FETCH_ANYWHERE || !(alb_fetch_needs(address) & ~t->reach);
    may = may && !alb_fetch_is_in(address, t->blocked, t->blocked_count);
    if (!may)
        t->refused = true;
    return may;
}

/* Called with the address that is about to be connected to. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct alb_transfer *t = arg;
    (void)purpose;
    if (!may_reach(t, &address->addr))
        return CURL_SOCKET_BAD;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    t->opened.fd[t->opened.n++ % ALB_FETCH_OPENED] = fd;
    return fd;
}

/* Called before the request is sent, with the address of the connection, which may be a kept one that was
 * opened for somebody with another reach. */
static int on_request(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {.any = {.sa_family = AF_UNSPEC}};
    struct alb_transfer *t = arg;
    (void)local;
    if (peer && inet_pton(AF_INET, peer, &at.v4.sin_addr) == 1)
        at.any.sa_family = AF_INET;
    else if (peer && inet_pton(AF_INET6, peer, &at.v6.sin6_addr) == 1)
        at.any.sa_family = AF_INET6;
    t->refused = false;
    t->unclean = !alb_fetch_sockets_use(t->sockets, &t->opened, peer, peer_port, local_port);
    return may_reach(t, &at.any) && !t->unclean ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* ---- options ---- */

static void set_reach(struct alb_transfer *t, const char *no_proxy)
{
    CURL *e = t->easy;
    if (t->reach == ALB_FETCH_ANYWHERE && t->blocked_count == 0) {
        curl_easy_setopt(e, CURLOPT_NOPROXY, no_proxy);
        return;
    }
    curl_easy_setopt(e, CURLOPT_PROXY, ""); /* a proxy would look names up, and connect, for us */
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, alb_fetch_sockets_close);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, t->sockets);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, t->again ? 1L : 0L);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
}

static void set_cookies(struct alb_transfer *t)
{
    struct alb_str rest = alb_buf_view(&t->cookies), line;
    struct alb_buf text = ALB_BUF_INIT(COOKIES_MAX);
    if (!t->jar)
        return;
    curl_easy_setopt(t->easy, CURLOPT_COOKIEFILE, ""); /* cookies are understood; none are read */
    while (alb_str_next(&rest, '\n', &line)) {
        alb_buf_reset(&text);
        alb_buf_str(&text, line);
        if (line.n > 0)
            curl_easy_setopt(t->easy, CURLOPT_COOKIELIST, alb_buf_cstr(&text));
    }
    if (t->cookie.n > 0)
        curl_easy_setopt(t->easy, CURLOPT_COOKIE, alb_buf_cstr(&t->cookie));
    wipe(&text);
}

bool alb_transfer_prepare(struct alb_transfer *t, const char *no_proxy, struct alb_fetch_sockets *sockets)
{
    t->sockets = sockets;
    CURL *e = t->easy = curl_easy_init();
    if (!e)
        return false;
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_URL, alb_buf_cstr(&t->url));
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* Else ending a transfer waits for its look-up: one dead name server would hold all others. The thread of
     * the look-up frees what it has when it is through. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_USERAGENT, alb_buf_cstr(&t->agent));
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, t->idle_s);
    if (t->sink)
        curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)PIECE);
    set_reach(t, no_proxy);
    set_cookies(t);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(t->connect_ns / ALB_NS_PER_MS));
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, t->redirects > 0 ? 1L : 0L);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)t->redirects);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    if (t->insecure) {
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (strcmp(t->method, "POST") == 0) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(t->body ? t->body->n : 0));
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->body ? (const char *)t->body->p : "");
    }
    return true;
}

/* ---- the end ---- */

void alb_transfer_fail(struct alb_transfer *t, enum alb_code code, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, code, "%s", text);
    (void)alb_future_fail(&t->title, &err);
}

bool alb_transfer_rewind(struct alb_transfer *t, CURLcode rc)
{
    if (rc != CURLE_ABORTED_BY_CALLBACK || !t->unclean || t->refused || t->again)
        return false;
    t->again = true;
    t->opened.n = 0;
    t->error[0] = '\0';
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    return true;
}

void alb_transfer_end(struct alb_transfer *t, CURLcode rc)
{
    if (rc == CURLE_OK && !t->head_done) { /* curl takes what there was for a whole head */
        alb_transfer_fail(t, ALB_E_BUSY, "the answer ended within its head");
    } else if (rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && t->cut)) {
        struct answer *a = make_answer(t);
        if (a)
            (void)alb_future_settle(&t->title, &a->a.obj);
        else
            alb_transfer_fail(t, ALB_E_NO_MEMORY, "no memory for an answer");
    } else if (t->refused) {
        alb_transfer_fail(t, ALB_E_FORBIDDEN, "the address is none that may be reached");
    } else if (rc == CURLE_OUT_OF_MEMORY) {
        alb_transfer_fail(t, ALB_E_NO_MEMORY, "no memory for a transfer");
    } else {
        alb_transfer_fail(t, alb_fetch_is_hopeless((int)rc) ? ALB_E_INVALID : ALB_E_BUSY,
                          t->error[0] ? t->error : curl_easy_strerror(rc));
    }
}

void alb_transfer_go_on(struct alb_transfer *t)
{
    if (!t->paused || !atomic_exchange(&t->sink->go_on, false))
        return;
    t->paused = false; /* the call below may come back to on_body and set it again */
    (void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

/* ---- made and freed ---- */

enum alb_code alb_transfer_check(const struct alb_fetch_request *r, struct alb_err *err)
{
    if (alb_str_has_control(r->url) ||
        !(alb_str_starts(r->url, ALB_STR("http://")) || alb_str_starts(r->url, ALB_STR("https://"))))
        return alb_fail(err, ALB_E_INVALID, "not an address: it begins with http:// or https://");
    for (size_t i = 0; i < r->header_count; i++)
        if (alb_str_has_control(r->headers[i]))
            return alb_fail(err, ALB_E_INVALID, "a header with control characters");
    if (r->sink && r->redirects > 0)
        return alb_fail(err, ALB_E_INVALID, "a sink takes the answer of one server");
    return ALB_OK;
}

static bool copy_text(struct alb_buf *to, size_t max, struct alb_str from)
{
    alb_buf_init(to, max);
    alb_buf_str(to, from);
    (void)alb_buf_cstr(to);
    return alb_buf_code(to) == ALB_OK;
}

static bool is_cookie(struct alb_str header, struct alb_str *value)
{
    struct alb_str name;
    bool is = alb_str_cut(header, ':', &name, value) && alb_str_eq_ci(name, ALB_STR("cookie"));
    *value = alb_str_trim(*value);
    return is;
}

static bool copy_headers(struct alb_transfer *t, const struct alb_fetch_request *r)
{
    bool ok = true;
    struct alb_str value;
    struct alb_buf line = ALB_BUF_INIT(HEAD_MAX);
    for (size_t i = 0; i < r->header_count && ok; i++) {
        alb_buf_reset(&line);
        alb_buf_str(&line, r->headers[i]);
        const char *text = alb_buf_cstr(&line);
        ok = alb_buf_code(&line) == ALB_OK;
        if (ok && r->jar && is_cookie(r->headers[i], &value)) /* curl joins it with those of the jar */
            ok = copy_text(&t->cookie, HEAD_MAX, value);
        else
            ok = ok && alb_fetch_headers_add(&t->headers, text);
    }
    /* Small bodies: asking first would cost a round trip. */
    ok = ok && alb_fetch_headers_add(&t->headers, "Expect:");
    wipe(&line);
    return ok;
}

static bool copy_blocked(struct alb_transfer *t, const struct alb_fetch_request *r)
{
    if (r->blocked_count == 0)
        return true;
    t->blocked = alb_mem_calloc(r->blocked_count, sizeof(*t->blocked));
    if (!t->blocked)
        return false;
    t->blocked_count = r->blocked_count;
    memcpy(t->blocked, r->blocked, r->blocked_count * sizeof(*t->blocked));
    return true;
}

/* Whom an address is about, in short: what stands between "//" and the path, without user and password. */
static unsigned host_of(struct alb_str url)
{
    struct alb_str host = alb_str_from(url, alb_str_find_str(url, ALB_STR("//")) + 2);
    uint32_t hash = 2166136261u; /* FNV-1a */
    size_t at;
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] == '/' || host.p[i] == '?' || host.p[i] == '#')
            host.n = i;
    while ((at = alb_str_find(host, '@')) != ALB_STR_NPOS)
        host = alb_str_from(host, at + 1);
    for (size_t i = 0; i < host.n; i++)
        hash = (hash ^ (unsigned char)alb_lower(host.p[i])) * 16777619u;
    return (hash ^ hash >> 16) % ALB_FETCH_HOSTS;
}

struct alb_transfer *alb_transfer_new(const struct alb_fetch_request *r,
                                      const struct alb_fetch_config *config)
{
    struct alb_transfer *t = alb_mem_calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->method = r->method;
    alb_buf_init(&t->head, HEAD_MAX);
    alb_buf_init(&t->answer, r->sink ? 0 : r->answer_max);
    t->body = alb_bytes_ref(r->body);
    if (r->sink) {
        alb_obj_ref(&r->sink->obj);
        t->sink = r->sink;
    }
    t->connect_ns = r->connect_ns;
    t->deadline = r->deadline;
    t->redirects = r->redirects;
    t->insecure = r->insecure;
    t->idle_s = config->idle_ns > 0 ? (long)(config->idle_ns / ALB_NS_PER_S) : ALB_FETCH_IDLE_S;
    t->reach = r->reach;
    t->jar = r->jar;
    t->host = host_of(r->url);
    bool ok = copy_blocked(t, r);
    ok = copy_text(&t->url, URL_MAX, r->url) && ok;
    ok = copy_text(&t->agent, AGENT_MAX, alb_str_c(r->agent ? r->agent : config->agent)) && ok;
    ok = copy_text(&t->cookies, COOKIES_MAX, r->cookies) && ok;
    if (ok && copy_headers(t, r))
        return t;
    alb_transfer_free(t);
    return NULL;
}

void alb_transfer_free(struct alb_transfer *t)
{
    ALB_CHECK(t->title.future == NULL);
    if (t->easy)
        curl_easy_cleanup(t->easy);
    alb_fetch_headers_free(t->headers);
    alb_bytes_unref(t->body);
    if (t->sink)
        alb_obj_unref(&t->sink->obj);
    wipe(&t->cookies);
    wipe(&t->cookie);
    alb_buf_fini(&t->url);
    alb_buf_fini(&t->agent);
    alb_buf_fini(&t->head);
    alb_buf_fini(&t->answer);
    alb_mem_free(t->blocked);
    alb_mem_free(t);
}
