/* SPDX-License-Identifier: Apache-2.0
 *
 * The client on libcurl. Each conn owns one curl multi handle with one easy handle in it: the multi interface
 * is what lets a transfer wait for the cancel descriptor and for our own stall clock beside its socket,
 * without signals and without a thread. Its connection cache is the keep-alive. curl would silently send a
 * request again when a kept connection turns out to be dead; the seek function refuses once bytes have gone
 * out, so that such a request comes back to the caller as a broken connection.
 */
#include "fetch/client.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fetch/fetch.h"
#include "fetch/priv.h"

#define HEAD_MAX ((size_t)64 * 1024)
#define URL_MAX ((size_t)16 * 1024)
#define SEND_CHUNK (256L * 1024)
#define NOTSENT_LOWAT (256 * 1024) /* bytes; keeps "handed to the system" close to "on the wire" */
#define POLL_NS (500 * ALB_NS_PER_MS)
#define EXPECT_ABOVE ((int64_t)1024 * 1024)

struct alb_client {
    /* fixed after create */
    struct alb_buf base;
    struct alb_secret key_header; /* "x-api-key: ..." with its NUL */
    struct alb_buf no_proxy;
    const char *agent;
    int64_t connect_ns, stall_ns;
    size_t answer_max;
    int cancel_fd;
};

struct alb_client_conn {
    /* owned by the thread that uses the conn */
    const struct alb_client *client;
    CURLM *multi;
    CURL *easy;
    struct alb_buf url;
    char error[CURL_ERROR_SIZE];
    /* of the transfer that runs */
    const struct alb_client_request *request;
    struct alb_client_answer *answer;
    int64_t moved; /* bytes that came in */
};

static enum alb_code make_key_header(struct alb_client *c, struct alb_str key, struct alb_err *err)
{
    if (key.n == 0)
        return ALB_OK;
    if (alb_str_has_control(key))
        return alb_fail(err, ALB_E_INVALID, "the key contains control characters");
    struct alb_buf line = ALB_BUF_INIT(HEAD_MAX);
    alb_buf_c(&line, "x-api-key: ");
    alb_buf_str(&line, key);
    alb_buf_char(&line, '\0');
    bool ok = alb_buf_code(&line) == ALB_OK && alb_secret_set(&c->key_header, alb_buf_view(&line));
    if (line.p)
        alb_wipe(line.p, line.cap);
    alb_buf_fini(&line);
    return ok ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for the key");
}

enum alb_code alb_client_new(const struct alb_client_config *config, struct alb_client **client,
                             struct alb_err *err)
{
    *client = NULL;
    /* Counted and, since libcurl 7.84, safe from any thread. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return alb_fail(err, ALB_E_NO_MEMORY, "libcurl cannot be set up");
    struct alb_client *c = alb_mem_calloc(1, sizeof(*c));
    if (!c) {
        curl_global_cleanup();
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a client");
    }
    alb_buf_init(&c->base, URL_MAX);
    alb_buf_str(&c->base, config->base);
    alb_fetch_no_proxy(&c->no_proxy);
    c->agent = config->agent;
    c->connect_ns = config->connect_ns;
    c->stall_ns = config->stall_ns;
    c->answer_max = config->answer_max;
    c->cancel_fd = config->cancel_fd;
    enum alb_code code = make_key_header(c, config->key, err);
    if (code == ALB_OK && (alb_buf_code(&c->base) != ALB_OK || alb_buf_code(&c->no_proxy) != ALB_OK))
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a client");
    if (code != ALB_OK)
        alb_client_free(&c);
    *client = c;
    return code;
}

void alb_client_free(struct alb_client **client)
{
    struct alb_client *c = *client;
    *client = NULL;
    if (!c)
        return;
    alb_secret_fini(&c->key_header);
    alb_buf_fini(&c->no_proxy);
    alb_buf_fini(&c->base);
    alb_mem_free(c);
    curl_global_cleanup();
}

enum alb_code alb_client_conn_new(struct alb_client *client, struct alb_client_conn **conn,
                                  struct alb_err *err)
{
    *conn = NULL;
    struct alb_client_conn *c = alb_mem_calloc(1, sizeof(*c));
    if (!c)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a connection");
    c->client = client;
    alb_buf_init(&c->url, URL_MAX);
    c->multi = curl_multi_init();
    c->easy = curl_easy_init();
    if (!c->multi || !c->easy) {
        alb_client_conn_free(&c);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a connection");
    }
    *conn = c;
    return ALB_OK;
}

void alb_client_conn_free(struct alb_client_conn **conn)
{
    struct alb_client_conn *c = *conn;
    *conn = NULL;
    if (!c)
        return;
    if (c->easy)
        curl_easy_cleanup(c->easy);
    if (c->multi)
        curl_multi_cleanup(c->multi);
    alb_buf_fini(&c->url);
    alb_mem_free(c);
}

/* --- answers -----------------------------------------------------------------------------------------------
 */

void alb_client_answer_init(struct alb_client_answer *a)
{
    *a = (struct alb_client_answer){.status = 0};
    alb_buf_init(&a->head, HEAD_MAX);
    alb_buf_init(&a->body, 0);
}

void alb_client_answer_fini(struct alb_client_answer *a)
{
    alb_buf_fini(&a->head);
    alb_buf_fini(&a->body);
}

static void answer_reset(struct alb_client_answer *a, size_t body_max)
{
    alb_buf_reset(&a->head);
    alb_buf_reset(&a->body);
    a->body.max = body_max;
    a->status = 0;
    a->sent = 0;
    a->connected = false;
}

bool alb_client_header(const struct alb_client_answer *a, const char *name, struct alb_str *value)
{
    return alb_fetch_header_in(alb_buf_view(&a->head), name, value);
}

/* --- callbacks of curl -------------------------------------------------------------------------------------
 */

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct alb_client_conn *c = arg;
    size_t bytes = size * n;
    c->moved += (int64_t)bytes;
    /* Interim answers (100, 103) come first; each status line begins a new head. */
    if (bytes > 5 && memcmp(p, "HTTP/", 5) == 0)
        alb_buf_reset(&c->answer->head);
    alb_buf_add(&c->answer->head, p, bytes);
    return alb_buf_code(&c->answer->head) == ALB_OK ? bytes : 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct alb_client_conn *c = arg;
    size_t bytes = size * n;
    c->moved += (int64_t)bytes;
    alb_buf_add(&c->answer->body, p, bytes);
    return alb_buf_code(&c->answer->body) == ALB_OK ? bytes : 0;
}

static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
    struct alb_client_conn *c = arg;
    const struct alb_client_body *body = c->request->body;
    int64_t left = body->length - c->answer->sent;
    size_t room = size * n;
    if (left < (int64_t)room)
        room = (size_t)left;
    if (room == 0)
        return 0;
    size_t got = body->read(body->ctx, p, room);
    if (got == 0 || got > room)
        return CURL_READFUNC_ABORT;
    c->answer->sent += (int64_t)got;
    return got;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct alb_client_conn *c = arg;
    return c->answer->sent == 0 && offset == 0 && origin == SEEK_SET ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

/* No TCP_USER_TIMEOUT: it would also cut off a server that takes its time to read (a zero window). */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    (void)arg;
    (void)purpose;
    int lowat = NOTSENT_LOWAT;
    alb_ignore(setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat)), "a nicer progress bar only");
    return CURL_SOCKOPT_OK;
}

/* --- one attempt -------------------------------------------------------------------------------------------
 */

static bool make_headers(const struct alb_client_conn *c, struct curl_slist **list)
{
    const struct alb_client_request *r = c->request;
    bool ok = true;
    for (const char *const *h = r->headers; h && *h && ok; h++)
        ok = alb_fetch_headers_add(list, *h);
    if (ok && c->client->key_header.n > 0)
        ok = alb_fetch_headers_add(list, c->client->key_header.p);
    /* Asking first costs a round trip; it pays when a refusal would waste much. */
    if (ok && (!r->body || r->body->length <= EXPECT_ABOVE))
        ok = alb_fetch_headers_add(list, "Expect:");
    return ok;
}

/* curl_easy_setopt is a macro with a variadic argument; its failures are "no memory" or bugs of ours. */
static void set_common(struct alb_client_conn *c)
{
    CURL *e = c->easy;
    const struct alb_client *k = c->client;
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* who stops does not wait for a name server */
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_USERAGENT, k->agent);
    curl_easy_setopt(e, CURLOPT_NOPROXY, k->no_proxy.p);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(k->connect_ns / ALB_NS_PER_MS));
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, SEND_CHUNK);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(e, CURLOPT_READDATA, c);
    curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(e, CURLOPT_SEEKDATA, c);
    curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket);
}

static void set_method(struct alb_client_conn *c)
{
    const struct alb_client_request *r = c->request;
    if (alb_str_eq_c(ALB_STR("GET"), r->method)) {
        curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
    } else if (alb_str_eq_c(ALB_STR("HEAD"), r->method)) {
        curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
    } else if (r->body || !alb_str_eq_c(ALB_STR("DELETE"), r->method)) {
        curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->body ? r->body->length : 0));
        if (!r->body)
            curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, "");
        curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method);
    } else {
        curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

/* Grows with every byte that came in or went into the socket (curl's own buffer is larger than one of these). */
static int64_t moved_so_far(const struct alb_client_conn *c)
{
    curl_off_t out = 0;
    curl_easy_getinfo(c->easy, CURLINFO_SIZE_UPLOAD_T, &out);
    return c->moved + (int64_t)out;
}

/* How long nothing may move. A server that has all of a body works on it (and may still read it out of the
 * system's buffers): cutting it off then would make it do the same work again. A dead machine is found by
 * keep-alive probes. */
static int64_t patience_now(const struct alb_client_conn *c)
{
    const struct alb_client_body *body = c->request->body;
    int64_t limit = c->client->stall_ns;
    if (moved_so_far(c) == 0)
        limit += c->client->connect_ns;
    if (body && c->answer->sent == body->length)
        limit *= ALB_CLIENT_ANSWER_FACTOR;
    return limit;
}

/* Drives the transfer to its end. CURLE_OK = there is an answer; *why tells why it was stopped by us. */
static CURLcode drive(struct alb_client_conn *c, enum alb_code *why)
{
    const struct alb_clock *clock = alb_clock_real();
    int64_t seen = 0, last = alb_mono(clock);
    int running = 1;
    for (;;) {
        if (curl_multi_perform(c->multi, &running) != CURLM_OK) {
            *why = ALB_E_NO_MEMORY;
            return CURLE_OUT_OF_MEMORY;
        }
        if (running == 0)
            break;
        int64_t now = alb_mono(clock), moved = moved_so_far(c);
        if (moved != seen) {
            seen = moved;
            last = now;
        }
        if (now - last >= patience_now(c)) {
            *why = ALB_E_TIMEOUT;
            return CURLE_OPERATION_TIMEDOUT;
        }
        struct curl_waitfd cancel = {.fd = c->client->cancel_fd, .events = CURL_WAIT_POLLIN, .revents = 0};
        curl_multi_poll(c->multi, &cancel, cancel.fd >= 0 ? 1 : 0, (int)(POLL_NS / ALB_NS_PER_MS), NULL);
        if (cancel.fd >= 0 && cancel.revents) {
            *why = ALB_E_CANCELLED;
            return CURLE_ABORTED_BY_CALLBACK;
        }
    }
    int left = 0;
    CURLMsg *m = curl_multi_info_read(c->multi, &left);
    return m && m->msg == CURLMSG_DONE ? m->data.result : CURLE_RECV_ERROR;
}

static enum alb_code explain(struct alb_client_conn *c, CURLcode rc, enum alb_code why, struct alb_err *err)
{
    const char *text = c->error[0] ? c->error : curl_easy_strerror(rc);
    if (why == ALB_E_TIMEOUT)
        return alb_fail(err, why, "no byte moved for %lld s", (long long)(patience_now(c) / ALB_NS_PER_S));
    if (why == ALB_E_CANCELLED || rc == CURLE_ABORTED_BY_CALLBACK)
        return alb_fail(err, ALB_E_CANCELLED, "stopped");
    if (rc == CURLE_OUT_OF_MEMORY)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a transfer");
    if (rc == CURLE_WRITE_ERROR)
        return alb_fail(err, ALB_E_TOO_LARGE, "the answer is longer than %zu bytes", c->client->answer_max);
    return alb_fail(err, alb_fetch_is_hopeless((int)rc) ? ALB_E_INVALID : ALB_E_BUSY, "%s", text);
}

enum alb_code alb_client_do(struct alb_client_conn *conn, const struct alb_client_request *request,
                            struct alb_client_answer *a, struct alb_err *err)
{
    struct curl_slist *headers = NULL;
    enum alb_code why = ALB_OK;
    answer_reset(a, conn->client->answer_max);
    conn->request = request;
    conn->answer = a;
    conn->moved = 0;
    conn->error[0] = '\0';
    alb_buf_reset(&conn->url);
    alb_buf_str(&conn->url, alb_buf_view(&conn->client->base));
    alb_buf_str(&conn->url, request->target);
    const char *url = alb_buf_cstr(&conn->url);
    if (alb_buf_code(&conn->url) != ALB_OK || !make_headers(conn, &headers)) {
        alb_fetch_headers_free(headers);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a request");
    }
    curl_easy_reset(conn->easy);
    set_common(conn);
    set_method(conn);
    curl_easy_setopt(conn->easy, CURLOPT_URL, url);
    curl_easy_setopt(conn->easy, CURLOPT_HTTPHEADER, headers);

    CURLcode rc =
        curl_multi_add_handle(conn->multi, conn->easy) == CURLM_OK ? drive(conn, &why) : CURLE_OUT_OF_MEMORY;
    curl_multi_remove_handle(conn->multi, conn->easy);
    long status = 0, uploaded = 0;
    curl_easy_getinfo(conn->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(conn->easy, CURLINFO_REQUEST_SIZE, &uploaded);
    a->connected = uploaded > 0;
    curl_easy_setopt(conn->easy, CURLOPT_HTTPHEADER, NULL);
    alb_fetch_headers_free(headers);
    /* A server that answers early and hangs up while we still send has told us what it thinks. */
    bool refused_early = rc == CURLE_SEND_ERROR && status >= 400;
    if (rc != CURLE_OK && !refused_early)
        return explain(conn, rc, why, err);
    a->status = (int)status;
    return ALB_OK;
}

/* --- addresses ---------------------------------------------------------------------------------------------
 */

enum alb_code alb_client_base(struct alb_str address, struct alb_buf *base, struct alb_err *err)
{
    struct alb_str s = alb_str_trim(address);
    while (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    alb_buf_reset(base);
    alb_buf_str(base, s);
    const char *text = alb_buf_cstr(base);
    if (alb_buf_code(base) != ALB_OK)
        return alb_fail(err, alb_buf_code(base), "the address is too long");
    CURLU *u = curl_url();
    if (!u)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for an address");
    char *scheme = NULL, *query = NULL, *user = NULL;
    enum alb_code code = ALB_OK;
    if (alb_str_find_str(s, ALB_STR("://")) == ALB_STR_NPOS ||
        curl_url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        code = alb_fail(err, ALB_E_INVALID, "not an address; write it as http://HOST:PORT or https://HOST");
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        code = alb_fail(err, ALB_E_INVALID, "only http:// and https:// are spoken");
    else if (curl_url_get(u, CURLUPART_QUERY, &query, 0) == CURLUE_OK ||
             curl_url_get(u, CURLUPART_FRAGMENT, &query, 0) == CURLUE_OK ||
             curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
        code = alb_fail(err, ALB_E_INVALID,
                        "give scheme, host, port and folder only; the key has its own option");
    curl_free(scheme);
    curl_free(query);
    curl_free(user);
    curl_url_cleanup(u);
    return code;
}
