/* SPDX-License-Identifier: Apache-2.0
 *
 * http and https: the copy that is kept, hops and redirects, what an answer means (origin_job.h).
 * Everything here runs in turns of the job's actor, but for the wake, which only posts.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/stat.h"
#include "render/origin_job.h"

#define LINE_MAX_N ((size_t)16 * 1024)

static bool fail_code(struct alb_origin_job *job, enum alb_code code, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, code, "%s", text);
    return alb_origin_job_fail(job, &err);
}

/* ---- asking ---- */

static void on_fetched(struct alb_waiter *w, enum alb_wake why)
{
    struct alb_origin_job *job = ALB_CONTAINER_OF(w, struct alb_origin_job, waiter);
    (void)why;
    alb_actor_post(&job->actor, ALB_ORIGIN_EV_FETCHED);
}

/* One of our own headers; its text lies in *b. */
static bool add_line(struct alb_buf *b, struct alb_str *headers, size_t *count, const char *name,
                     struct alb_str value)
{
    alb_buf_c(b, name);
    alb_buf_str(b, value);
    if (value.n == 0 || alb_str_has_control(value) || alb_buf_code(b) != ALB_OK)
        return false;
    headers[(*count)++] = alb_buf_view(b);
    return true;
}

static size_t gather_headers(struct alb_origin_job *job, struct alb_buf lines[2],
                             struct alb_str headers[ALB_ORIGIN_HEADERS_MAX + 2])
{
    size_t count = 0;
    if (job->ask.headers_follow || alb_url_may_tell(&job->first, &job->hop))
        for (; count < job->ask.header_count; count++)
            headers[count] = job->ask.headers[count];
    job->conditional = false;
    if (job->has_note && alb_str_eq(job->note.o.url, job->hop.text)) {
        bool tag = add_line(&lines[0], headers, &count, "If-None-Match: ", job->note.o.etag);
        bool date = add_line(&lines[1], headers, &count, "If-Modified-Since: ", job->note.o.last_modified);
        job->conditional = tag || date;
    }
    return count;
}

/* A limit that is not smaller than that of everything together never comes first: that one is TIMEOUT. */
static int64_t connect_time(const struct alb_origin_policy *p)
{
    return p->connect_ns < p->timeout_ns ? p->connect_ns : alb_deadline(p->timeout_ns, ALB_NS_PER_S);
}

/* Asks job->hop. */
static bool fetch(struct alb_origin_job *job)
{
    struct alb_origins *r = job->origins;
    const struct alb_origin_policy *policy = job->ask.policy;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_str headers[ALB_ORIGIN_HEADERS_MAX + 2];
    struct alb_buf lines[2] = {ALB_BUF_INIT(LINE_MAX_N), ALB_BUF_INIT(LINE_MAX_N)};
    job->stage = ALB_ORIGIN_FETCHING;
    job->asked_ms = alb_wall(r->config.clock);
    job->pipe = alb_origin_pipe_new(r->config.fetch, &job->actor, ALB_ORIGIN_EV_DATA, job->ask.max_bytes);
    if (!job->pipe)
        return fail_code(job, ALB_E_NO_MEMORY, "no memory for a source");
    struct alb_fetch_request request = {.method = "GET",
                                        .url = job->hop.text,
                                        .headers = headers,
                                        .header_count = gather_headers(job, lines, headers),
                                        .connect_ns = connect_time(policy),
                                        .deadline = job->deadline,
                                        .insecure = policy->insecure,
                                        .reach = policy->reach,
                                        .blocked = policy->blocked,
                                        .blocked_count = policy->blocked_count,
                                        .agent = policy->agent,
                                        .sink = &job->pipe->sink,
                                        .jar = true,
                                        .cookies = alb_buf_view(&job->jar)};
    enum alb_code code = alb_fetch_start(r->config.fetch, &request, &job->fetch, &err);
    alb_buf_fini(&lines[0]);
    alb_buf_fini(&lines[1]);
    if (code == ALB_E_INVALID)
        return alb_origin_job_failure(job, ALB_ORIGIN_UNREACHABLE, 0, err.msg);
    if (code != ALB_OK)
        return alb_origin_job_fail(job, &err);
    job->waiter = (struct alb_waiter){.wake = on_fetched};
    job->pending = true;
    if (!alb_future_wait(job->fetch, &job->waiter))
        alb_actor_post(&job->actor, ALB_ORIGIN_EV_FETCHED);
    return true;
}

static bool may(const struct alb_origin_job *job, const struct alb_url *url)
{
    const struct alb_origin_policy *p = job->ask.policy;
    return !p->may || p->may(p, url, ALB_STR_NONE);
}

bool alb_origin_http_again(struct alb_origin_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    alb_url_fini(&job->hop);
    job->hops = 0;
    job->redirected = false;
    alb_buf_reset(&job->jar);
    if (alb_url_parse(job->first.text, &job->hop, &err) != ALB_OK)
        return alb_origin_job_fail(job, &err);
    return fetch(job);
}

/* ---- the copy that is kept ---- */

static bool may_use_note(struct alb_origin_job *job)
{
    struct alb_url from;
    if (alb_str_eq(job->note.o.url, job->first.text) || !job->ask.policy->may)
        return true;
    bool ok = alb_url_parse(job->note.o.url, &from, NULL) == ALB_OK && may(job, &from);
    alb_url_fini(&from);
    return ok;
}

static void look_up_note(struct alb_origin_job *job)
{
    struct alb_origins *r = job->origins;
    struct alb_derived_key body;
    if (!r->notes || alb_cache_get(r->notes, &job->copy_key, &job->kept, NULL) != ALB_OK)
        return;
    job->has_note = alb_origin_note_read(alb_bytes_view(job->kept.body), &job->note) && may_use_note(job);
    memcpy(body.b, job->note.o.identity, sizeof(body.b));
    if (job->has_note)
        job->has_note = alb_cache_open_file(r->bodies, &body, &job->kept_fd, NULL) == ALB_OK;
    if (!job->has_note)
        alb_origin_job_drop_note(job);
}

/* What this ask does not allow, of bytes that are known. ALB_ORIGIN_GOOD: it does. */
static enum alb_origin_failure unwanted(const struct alb_origin_job *job, int64_t size, enum alb_type type)
{
    if (size > job->ask.max_bytes)
        return ALB_ORIGIN_TOO_LARGE;
    return type == ALB_TYPE_UNKNOWN && !job->ask.any_type ? ALB_ORIGIN_TYPE : ALB_ORIGIN_GOOD;
}

static bool use_note(struct alb_origin_job *job)
{
    enum alb_origin_failure no = unwanted(job, job->note.o.size, job->note.o.type);
    if (no != ALB_ORIGIN_GOOD)
        return alb_origin_job_failure(job, no, 0, "the copy that is kept is not what is wanted");
    return alb_origin_job_verify(job);
}

static bool other_scheme(struct alb_origin_job *job)
{
    static const struct {
        const char *scheme, *text;
    } known[] = {
        {"s3://", "s3:// needs an S3 store, which this server has not enabled"},
        {"gs://", "gs:// needs Google Cloud Storage, which this server has not enabled"},
        {"abs://", "abs:// needs Azure Blob Storage, which this server has not enabled"},
        {"swift://", "swift:// needs OpenStack Swift, which this server has not enabled"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(known); i++)
        if (alb_str_starts(job->ask.url, alb_str_c(known[i].scheme)))
            return alb_origin_job_failure(job, ALB_ORIGIN_SCHEME, 0, known[i].text);
    return alb_origin_job_failure(job, ALB_ORIGIN_SCHEME, 0, "not an address of http, https or local");
}

bool alb_origin_http_look(struct alb_origin_job *job)
{
    struct alb_origins *r = job->origins;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_url_parse(job->ask.url, &job->first, &err);
    if (code == ALB_E_INVALID)
        return other_scheme(job);
    if (code != ALB_OK)
        return alb_origin_job_fail(job, &err);
    if (!r->config.fetch)
        return alb_origin_job_failure(job, ALB_ORIGIN_SCHEME, 0, "sources of other servers are not enabled");
    if (!may(job, &job->first))
        return alb_origin_job_failure(job, ALB_ORIGIN_BLOCKED, 0, "the address is not allowed");
    look_up_note(job);
    if (job->has_note && !job->ask.reload &&
        alb_origin_note_is_fresh(&job->note, alb_wall(r->config.clock), r->config.recheck_ns / ALB_NS_PER_MS))
        return use_note(job);
    return alb_origin_http_again(job);
}

/* ---- the body as it comes ---- */

/* What the spool had to say of the body. */
static bool spool_failed(struct alb_origin_job *job, const struct alb_err *err)
{
    switch ((unsigned)err->code) {
    case ALB_E_TOO_LARGE:
        return alb_origin_job_failure(job, ALB_ORIGIN_TOO_LARGE, 0, err->msg);
    case ALB_E_CORRUPT:
    case ALB_E_UNSUPPORTED:
        return alb_origin_job_failure(job, ALB_ORIGIN_ENCODING, 0, err->msg);
    default:
        return alb_origin_job_fail(job, err);
    }
}

static enum alb_code begin_spool(struct alb_origin_job *job, struct alb_err *err)
{
    char encoding[32];
    if (job->spooling)
        return ALB_OK;
    job->spooling = true;
    (void)alb_origin_pipe_accepted(job->pipe, encoding);
    return alb_origin_spool_begin(&job->spool, job->origins->budget, job->origins->config.tmp_dirfd,
                                  job->ask.max_bytes, alb_str_c(encoding), err);
}

/* Takes what has come. */
static enum alb_code take_data(struct alb_origin_job *job, struct alb_err *err)
{
    alb_buf_reset(&job->drain);
    alb_origin_pipe_take(job->pipe, &job->drain);
    enum alb_code code = alb_buf_code(&job->drain);
    if (code != ALB_OK)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a piece of a source");
    if (job->drain.n == 0)
        return ALB_OK;
    code = begin_spool(job, err);
    if (code == ALB_OK)
        code = alb_origin_spool_write(&job->spool, job->drain.p, job->drain.n, err);
    alb_stat_add(ALB_STAT_SOURCE_BYTES, (int64_t)job->drain.n);
    return code;
}

static bool is_nothing_known(const struct alb_origin_job *job)
{
    const struct alb_origin_spool *s = &job->spool;
    return job->spooling && !job->ask.any_type && s->head_n == sizeof(s->head) &&
           alb_sniff(s->head, s->head_n) == ALB_TYPE_UNKNOWN;
}

bool alb_origin_http_data(struct alb_origin_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    if (take_data(job, &err) != ALB_OK)
        return spool_failed(job, &err);
    if (is_nothing_known(job))
        return alb_origin_job_failure(job, ALB_ORIGIN_TYPE, 0, "not a kind of file that is known here");
    return true;
}

/* ---- what an answer says ---- */

/* All values of a header, joined: RFC 9110 §5.3. p == NULL: absent. */
static struct alb_str joined(struct alb_buf *b, struct alb_str head, const char *name)
{
    struct alb_str value;
    bool any = false;
    alb_buf_reset(b);
    while (alb_fetch_header_next(&head, name, &value)) {
        if (any)
            alb_buf_c(b, ", ");
        alb_buf_str(b, value);
        any = true;
    }
    if (!any)
        return ALB_STR_NONE;
    return b->n > 0 ? alb_buf_view(b) : ALB_STR("");
}

struct said { /* by an answer, with the memory of what had to be joined */
    struct alb_buf control, vary, kept;
    struct alb_origin_words words;
};

static void listen(struct said *s, struct alb_str head)
{
    alb_buf_init(&s->control, LINE_MAX_N);
    alb_buf_init(&s->vary, LINE_MAX_N);
    alb_buf_init(&s->kept, ALB_ORIGIN_KEPT_MAX);
    s->words = (struct alb_origin_words){
        .cache_control = joined(&s->control, head, "Cache-Control"),
        .vary = joined(&s->vary, head, "Vary"),
    };
    (void)alb_fetch_header_in(head, "Expires", &s->words.expires);
    (void)alb_fetch_header_in(head, "Date", &s->words.date);
    (void)alb_fetch_header_in(head, "Age", &s->words.age);
    (void)alb_fetch_header_in(head, "Pragma", &s->words.pragma);
}

static void said_fini(struct said *s)
{
    alb_buf_fini(&s->control);
    alb_buf_fini(&s->vary);
    alb_buf_fini(&s->kept);
}

static struct alb_origin_fresh freshness(struct alb_origin_job *job, const struct alb_origin_words *words)
{
    int64_t now = alb_wall(job->origins->config.clock);
    struct alb_origin_fresh f = alb_origin_fresh_of(words, job->ask.header_count == 0, job->asked_ms, now);
    return job->redirected ? alb_origin_fresh_least(f, job->way) : f;
}

static void set_fresh(struct alb_origin_job *job, struct alb_origin_note *note, struct alb_origin_fresh f)
{
    note->o.validated_ms = alb_wall(job->origins->config.clock);
    note->o.fresh_until_ms = f.worded ? f.until_ms : 0;
    note->o.no_store = f.no_store;
    note->worded = f.worded;
    note->always = f.always;
}

static void read_validators(struct alb_origin *o, struct alb_str head)
{
    struct alb_str value;
    if (alb_fetch_header_in(head, "ETag", &value))
        o->etag = value;
    if (alb_fetch_header_in(head, "Last-Modified", &value)) {
        o->last_modified = value;
        if (!alb_time_http_parse(value.p, value.n, &o->modified_ms))
            o->modified_ms = 0;
    }
    if (alb_fetch_header_in(head, "Content-Type", &value))
        o->content_type = value;
}

/* 200: the spool has all of it. */
static bool whole(struct alb_origin_job *job, const struct alb_fetch_answer *a)
{
    struct alb_origins *r = job->origins;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_origin_spool *s = &job->spool;
    struct said said;
    if (!alb_origin_spool_is_whole(s))
        return alb_origin_job_failure(job, ALB_ORIGIN_INCOMPLETE, 0, "the compressed body ends too early");
    enum alb_type type = alb_sniff(s->head, s->head_n);
    if (unwanted(job, s->size, type) != ALB_ORIGIN_GOOD)
        return alb_origin_job_failure(job, ALB_ORIGIN_TYPE, 0, "not a kind of file that is known here");
    listen(&said, a->head);
    alb_origin_kept_gather(job->ask.policy, a->head, &said.kept);
    struct alb_origin_note note = {.o = {.status = a->status,
                                         .type = type,
                                         .size = s->size,
                                         .url = job->hop.text,
                                         .is_shared = job->ask.header_count == 0,
                                         .cache_control = said.words.cache_control,
                                         .expires = said.words.expires,
                                         .kept = alb_buf_view(&said.kept)}};
    struct alb_origin_body body;
    struct alb_derived_key sha256;
    struct alb_bytes *sums = NULL;
    struct alb_origin *made = NULL;
    bool kept;
    read_validators(&note.o, a->head);
    set_fresh(job, &note, freshness(job, &said.words));
    note.o.fetched_ms = note.o.validated_ms;
    enum alb_code code =
        alb_origin_spool_finish(s, note.o.no_store ? NULL : r->bodies, &sha256, &sums, &body, &kept, &err);
    if (code == ALB_OK) {
        memcpy(note.o.identity, sha256.b, sizeof(note.o.identity));
        note.sums = alb_bytes_view(sums);
        atomic_fetch_add(&r->fetched, 1);
        alb_stat_inc(ALB_STAT_SOURCE_FETCHED);
        alb_origin_job_remember(job, &note, kept);
        if (!kept && r->notes)
            alb_cache_purge(r->notes, &job->copy_key);
        made = alb_origin_make(&note, &body);
    }
    said_fini(&said);
    alb_bytes_unref(sums);
    return code == ALB_OK ? alb_origin_job_settle(job, made) : alb_origin_job_fail(job, &err);
}

/* 304: the bytes that are kept are still right; what was said with it is news. */
static bool not_modified(struct alb_origin_job *job, const struct alb_fetch_answer *a)
{
    struct said said;
    struct alb_origin *o = &job->note.o;
    listen(&said, a->head);
    if (!said.words.cache_control.p && !said.words.expires.p) { /* then what was said before holds on */
        said.words.cache_control = o->cache_control.n > 0 ? o->cache_control : ALB_STR_NONE;
        said.words.expires = o->expires.n > 0 ? o->expires : ALB_STR_NONE;
    } else {
        o->cache_control = said.words.cache_control;
        o->expires = said.words.expires;
    }
    read_validators(o, a->head);
    alb_origin_kept_gather(job->ask.policy, a->head, &said.kept);
    if (said.kept.n > 0)
        o->kept = alb_buf_view(&said.kept);
    set_fresh(job, &job->note, freshness(job, &said.words));
    job->revalidated = true;
    /* The views point into the answer: the note takes a text of its own. */
    struct alb_buf text = ALB_BUF_INIT(job->kept.body->n + 4 * LINE_MAX_N);
    bool no_store = o->no_store;
    alb_origin_note_write(&job->note, &text);
    struct alb_bytes *copy = alb_buf_code(&text) == ALB_OK ? alb_bytes_copy(text.p, text.n) : NULL;
    alb_buf_fini(&text);
    said_fini(&said);
    if (!copy || !alb_origin_note_read(alb_bytes_view(copy), &job->note)) {
        alb_bytes_unref(copy);
        return fail_code(job, ALB_E_NO_MEMORY, "no memory for a note");
    }
    job->note.o.no_store = no_store;
    alb_bytes_unref(job->kept.body);
    job->kept.body = copy;
    return use_note(job);
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool follow(struct alb_origin_job *job, const struct alb_fetch_answer *a)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_str location;
    struct alb_url next;
    if (!alb_fetch_header_in(a->head, "Location", &location) || location.n == 0)
        return alb_origin_job_failure(job, ALB_ORIGIN_REDIRECTS, a->status,
                                      "a redirect that says not where to");
    if (++job->hops > job->ask.policy->redirects)
        return alb_origin_job_failure(job, ALB_ORIGIN_REDIRECTS, a->status, "too many redirects");
    if (alb_url_resolve(&job->hop, location, &next, &err) != ALB_OK)
        return alb_origin_job_failure(job, ALB_ORIGIN_REDIRECTS, a->status,
                                      "a redirect to what is no address of http or https");
    alb_url_fini(&job->hop);
    job->hop = next;
    if (!may(job, &job->hop))
        return alb_origin_job_failure(job, ALB_ORIGIN_BLOCKED, a->status,
                                      "a redirect to where is not allowed");
    if (a->status != 301 && a->status != 308) {
        struct said said;
        listen(&said, a->head);
        job->way = freshness(job, &said.words);
        job->redirected = true;
        said_fini(&said);
    }
    alb_buf_reset(&job->jar);
    alb_buf_str(&job->jar, a->cookies);
    return fetch(job);
}

static bool answered(struct alb_origin_job *job, const struct alb_fetch_answer *a)
{
    char text[64];
    if (a->status == 200 && a->cut)
        return alb_origin_job_failure(job, ALB_ORIGIN_TOO_LARGE, 0,
                                      "larger than the limit, by its own words");
    if (alb_origin_is_whole(a->status, a->head))
        return whole(job, a);
    if (a->status == 304 && job->conditional)
        return not_modified(job, a);
    if (is_redirect(a->status))
        return follow(job, a);
    if ((a->status == 404 || a->status == 410) && job->origins->notes)
        alb_cache_purge(job->origins->notes, &job->copy_key);
    (void)snprintf(text, sizeof(text), "the origin answered %d", a->status);
    return alb_origin_job_failure(job, ALB_ORIGIN_STATUS, a->status, text);
}

static bool not_answered(struct alb_origin_job *job, const struct alb_err *err, bool accepted)
{
    switch ((unsigned)err->code) {
    case ALB_E_TIMEOUT:
        return alb_origin_job_failure(job, ALB_ORIGIN_TIMEOUT, 0, err->msg);
    case ALB_E_FORBIDDEN:
        return alb_origin_job_failure(job, ALB_ORIGIN_BLOCKED, 0, err->msg);
    case ALB_E_BUSY:
    case ALB_E_INVALID:
        return alb_origin_job_failure(job, accepted ? ALB_ORIGIN_INCOMPLETE : ALB_ORIGIN_UNREACHABLE, 0,
                                      err->msg);
    case ALB_E_CANCELLED:
        return fail_code(job, ALB_E_BUSY, "closing");
    default:
        return alb_origin_job_fail(job, err);
    }
}

bool alb_origin_http_fetched(struct alb_origin_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = job->fetch;
    char encoding[32];
    bool accepted = alb_origin_pipe_accepted(job->pipe, encoding), going;
    if (accepted &&
        (take_data(job, &err) != ALB_OK || begin_spool(job, &err) != ALB_OK)) /* it may be empty */
        return spool_failed(job, &err);
    alb_origin_pipe_detach(&job->pipe);
    job->fetch = NULL; /* the reference is ours now */
    struct alb_obj *result = alb_future_result(future);
    if (result) {
        going = answered(job, ALB_CONTAINER_OF(result, struct alb_fetch_answer, obj));
    } else {
        (void)alb_future_error(future, &err);
        going = not_answered(job, &err, accepted);
    }
    alb_future_unref(future);
    return going;
}
