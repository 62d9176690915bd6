/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/tus_hooks.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http.h"

#define UPLOAD_MAX ((size_t)512 * 1024)
#define HEADERS_MAX 128
#define REQUEST_MAX ((size_t)512 * 1024)
#define FORWARD_MAX ((size_t)16 * 1024)

static const enum alb_hook_type types[ALB_TUS_HOOK_COUNT] = {
    [ALB_TUS_AUTHORISE] = ALB_HOOK_AUTHORISE,         [ALB_TUS_PRE_CREATE] = ALB_HOOK_PRE_CREATE,
    [ALB_TUS_POST_CREATE] = ALB_HOOK_POST_CREATE,     [ALB_TUS_POST_RECEIVE] = ALB_HOOK_POST_RECEIVE,
    [ALB_TUS_PRE_FINISH] = ALB_HOOK_PRE_FINISH,       [ALB_TUS_POST_FINISH] = ALB_HOOK_POST_FINISH,
    [ALB_TUS_PRE_TERMINATE] = ALB_HOOK_PRE_TERMINATE, [ALB_TUS_POST_TERMINATE] = ALB_HOOK_POST_TERMINATE,
};

static bool hide_credentials; /* fixed before the server starts */

/* ---- events ---- */

static bool is_credential(struct alb_str name)
{
    static const char *const secret[] = {
        "authorization",      "cookie", "x-api-key", "x-immich-user-token", "x-immich-session-token",
        "proxy-authorization"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(secret); i++)
        if (alb_str_eq_ci(name, alb_str_c(secret[i])))
            return true;
    return false;
}

static struct alb_str method_of(const struct alb_req *req)
{
    static const struct {
        unsigned bit;
        const char *name;
    } methods[] = {{ALB_M_GET, "GET"},        {ALB_M_HEAD, "HEAD"},   {ALB_M_POST, "POST"},
                   {ALB_M_PUT, "PUT"},        {ALB_M_PATCH, "PATCH"}, {ALB_M_DELETE, "DELETE"},
                   {ALB_M_OPTIONS, "OPTIONS"}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(methods); i++)
        if (alb_req_method(req) == methods[i].bit)
            return alb_str_c(methods[i].name);
    return ALB_STR("");
}

/* "192.0.2.1:4711", "[2001:db8::1]:4711"; "@" for a Unix socket, as Go says. */
static struct alb_str remote_of(const struct alb_req *req, struct alb_buf *out)
{
    struct alb_str client = alb_req_client(req);
    if (alb_str_eq_c(client, "unix"))
        return ALB_STR("@");
    bool v6 = alb_str_find(client, ':') != ALB_STR_NPOS;
    alb_buf_printf(out, v6 ? "[" ALB_STR_FMT "]:%u" : ALB_STR_FMT ":%u", ALB_STR_ARG(client),
                   alb_req_client_port(req));
    return alb_buf_view(out);
}

struct translation {
    struct alb_hook_event event;
    struct alb_hook_pair headers[HEADERS_MAX];
    struct alb_buf upload, remote;
};

/* What hooks see of a request; views of it, and of *t. */
static void describe(const struct alb_req *req, struct translation *t)
{
    struct alb_hook_pair pair;
    size_t n = 0;
    for (size_t i = 0; n < HEADERS_MAX && alb_req_header_at(req, i, &pair.key, &pair.value); i++)
        if (!hide_credentials || !is_credential(pair.key))
            t->headers[n++] = pair;
    alb_buf_init(&t->remote, 128);
    t->event = (struct alb_hook_event){.method = method_of(req),
                                       .uri = hide_credentials ? alb_req_path(req) : alb_req_target(req),
                                       .remote = remote_of(req, &t->remote),
                                       .host = alb_req_host(req),
                                       .headers = t->headers,
                                       .header_count = n};
}

struct remembered { /* the same, copied; immutable */
    struct alb_obj obj;
    struct alb_arena *arena; /* in which it lies */
    struct alb_hook_event event;
};

static void remembered_free(struct alb_obj *obj)
{
    struct remembered *r = ALB_CONTAINER_OF(obj, struct remembered, obj);
    struct alb_arena *arena = r->arena;
    alb_arena_free(&arena);
}

static void copy_request(struct remembered *r, const struct alb_hook_event *from)
{
    struct alb_hook_pair *headers = alb_arena_calloc(r->arena, from->header_count + 1, sizeof(*headers));
    for (size_t i = 0; headers && i < from->header_count; i++)
        headers[i] = (struct alb_hook_pair){alb_arena_str(r->arena, from->headers[i].key),
                                            alb_arena_str(r->arena, from->headers[i].value)};
    r->event = (struct alb_hook_event){.method = alb_arena_str(r->arena, from->method),
                                       .uri = alb_arena_str(r->arena, from->uri),
                                       .remote = alb_arena_str(r->arena, from->remote),
                                       .host = alb_arena_str(r->arena, from->host),
                                       .headers = headers,
                                       .header_count = from->header_count};
}

static struct alb_obj *remember(void *ctx, const struct alb_req *req)
{
    struct translation t;
    struct alb_arena *arena = alb_arena_new(REQUEST_MAX);
    struct remembered *r = arena ? ALB_ARENA_NEW(arena, struct remembered) : NULL;
    (void)ctx;
    if (!r) {
        alb_arena_free(&arena);
        return NULL;
    }
    alb_obj_init(&r->obj, remembered_free);
    r->arena = arena;
    describe(req, &t);
    copy_request(r, &t.event);
    alb_buf_fini(&t.remote);
    if (alb_arena_code(arena) == ALB_OK)
        return &r->obj;
    alb_obj_unref(&r->obj);
    return NULL;
}

static enum alb_code translate(const struct alb_tus_event *e, struct translation *t)
{
    struct alb_json j;
    alb_buf_init(&t->remote, 0);
    t->event = (struct alb_hook_event){.method = ALB_STR_NONE};
    if (e->req)
        describe(e->req, t);
    else if (e->request)
        t->event = ALB_CONTAINER_OF(e->request, struct remembered, obj)->event;
    alb_buf_init(&t->upload, UPLOAD_MAX);
    alb_json_init(&j, &t->upload);
    alb_tus_event_json(&j, e);
    t->event.upload = alb_buf_view(&t->upload);
    t->event.id = e->id;
    t->event.size = e->size == ALB_UPLOAD_DEFERRED ? 0 : e->size;
    t->event.offset = e->offset;
    return alb_buf_code(&t->upload);
}

static void translation_fini(struct translation *t)
{
    alb_buf_fini(&t->upload);
    alb_buf_fini(&t->remote);
}

static enum alb_code ask(void *ctx, const struct alb_tus_event *e, struct alb_future **future,
                         struct alb_err *err)
{
    struct translation t;
    *future = NULL;
    enum alb_code code = translate(e, &t);
    if (code == ALB_OK)
        code = alb_hooks_ask(ctx, types[e->hook], &t.event, future, err);
    else
        code = alb_fail(err, code, "no memory for a hook");
    translation_fini(&t);
    return code;
}

static void *keep(void *ctx, const struct alb_tus_event *e)
{
    struct translation t;
    struct alb_hook_run *run = NULL;
    if (translate(e, &t) == ALB_OK)
        run = alb_hooks_keep(ctx, types[e->hook], &t.event);
    else
        alb_log(ALB_LOG_ERROR, "a hook was not told: no memory",
                ALB_LOG_C("type", alb_hook_name(types[e->hook])));
    translation_fini(&t);
    return run;
}

static void let_go(void *ctx, void *kept, bool tell)
{
    (void)ctx;
    alb_hooks_let_go(kept, tell);
}

static void tell(void *ctx, const struct alb_tus_event *e)
{
    void *kept = keep(ctx, e);
    if (kept)
        let_go(ctx, kept, true);
}

/* ---- verdicts ---- */

struct verdict {
    struct alb_tus_verdict v; /* first */
    struct alb_hook_reply *reply;
    struct alb_buf metadata;
    struct alb_header headers[]; /* names are views with a NUL behind them (arena) */
};

static void verdict_free(struct alb_obj *obj)
{
    struct verdict *d = ALB_CONTAINER_OF(obj, struct verdict, v.obj);
    alb_obj_unref(&d->reply->obj);
    alb_buf_fini(&d->metadata);
    alb_mem_free(d);
}

/* Names that are no tokens are passed over, as Go's server does not send them either. */
static bool is_token(struct alb_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = alb_lower(name.p[i]);
        if (!alb_is_digit(c) && !(c >= 'a' && c <= 'z') &&
            alb_str_find(ALB_STR("!#$%&'*+-.^_`|~"), c) == ALB_STR_NPOS)
            return false;
    }
    return name.n > 0;
}

static struct alb_str path_of(const struct alb_hook_reply *reply)
{
    for (size_t i = 0; i < reply->storage_count; i++)
        if (alb_str_eq_c(reply->storage[i].key, "Path"))
            return reply->storage[i].value;
    return ALB_STR_NONE;
}

static void take_headers(struct verdict *d)
{
    const struct alb_hook_reply *reply = d->reply;
    for (size_t i = 0; i < reply->header_count; i++)
        if (is_token(reply->headers[i].key))
            d->headers[d->v.header_count++] =
                (struct alb_header){reply->headers[i].key.p, reply->headers[i].value};
    d->v.headers = d->headers;
}

static bool is_rejected(enum alb_hook_type type, const struct alb_hook_reply *reply)
{
    return (type == ALB_HOOK_PRE_CREATE && reply->reject_upload) ||
           (type == ALB_HOOK_PRE_TERMINATE && reply->reject_termination) ||
           (type == ALB_HOOK_AUTHORISE && reply->reject_request);
}

/* False: no memory. */
static bool take_changes(struct verdict *d)
{
    const struct alb_hook_reply *reply = d->reply;
    d->v.id = reply->change_id.n > 0 ? reply->change_id : ALB_STR_NONE;
    d->v.path = path_of(reply);
    for (size_t i = 0; i < reply->metadata_count; i++)
        alb_tus_metadata_add(&d->metadata, reply->metadata[i].key, reply->metadata[i].value);
    if (reply->change_metadata)
        d->v.metadata = d->metadata.n > 0 ? alb_buf_view(&d->metadata) : ALB_STR("");
    return alb_buf_code(&d->metadata) == ALB_OK;
}

static struct alb_obj *verdict_of(enum alb_hook_type type, struct alb_hook_reply *reply)
{
    struct verdict *d = alb_mem_calloc(1, sizeof(*d) + reply->header_count * sizeof(d->headers[0]));
    if (!d)
        return NULL;
    alb_obj_init(&d->v.obj, verdict_free);
    d->reply = reply;
    (void)alb_obj_ref(&reply->obj);
    alb_buf_init(&d->metadata, UPLOAD_MAX);
    take_headers(d);
    d->v.reject = is_rejected(type, reply);
    d->v.stop = type == ALB_HOOK_POST_RECEIVE && reply->stop_upload;
    d->v.status = reply->status;
    d->v.body = reply->body.n > 0 ? reply->body : ALB_STR_NONE;
    if (type != ALB_HOOK_PRE_CREATE || take_changes(d))
        return &d->v.obj;
    alb_obj_unref(&d->v.obj);
    return NULL;
}

/* ---- opening ---- */

enum alb_code alb_tus_hooks_open(struct alb_hooks_config *config, struct alb_hooks **hooks,
                                 struct alb_tus_hooks *table, struct alb_err *err)
{
    static const enum alb_tus_hook told[] = {ALB_TUS_POST_CREATE, ALB_TUS_POST_FINISH,
                                             ALB_TUS_POST_TERMINATE};
    config->result = verdict_of;
    enum alb_code code = alb_hooks_open(config, hooks, err);
    if (code != ALB_OK)
        return code;
    *table = (struct alb_tus_hooks){
        .ctx = *hooks, .ask = ask, .tell = tell, .remember = remember, .keep = keep, .let_go = let_go};
    for (unsigned i = 0; i < ALB_TUS_HOOK_COUNT; i++)
        if (alb_hooks_on(*hooks, types[i]))
            table->asks |= 1u << i;
    for (size_t i = 0; i < ALB_ARRAY_LEN(told); i++) {
        table->tells |= table->asks & 1u << told[i];
        table->asks &= ~(1u << told[i]);
    }
    table->tells |= table->asks & 1u << ALB_TUS_POST_RECEIVE;
    return ALB_OK;
}

static enum alb_code events_of(const struct alb_options *o, unsigned *bits, struct alb_err *err)
{
    const char *const *names;
    size_t n = alb_opt_list(o, ALB_P_HOOKS_EVENTS, &names);
    enum alb_hook_type type;
    *bits = 0;
    for (size_t i = 0; i < n; i++) {
        struct alb_str rest = alb_str_c(names[i]), name; /* one, or several with commas */
        while (rest.n > 0 && alb_str_next(&rest, ',', &name)) {
            if (!alb_hook_parse(alb_str_trim(name), &type))
                return alb_fail(err, ALB_E_INVALID, "--hooks-events: there is no event \"" ALB_STR_FMT "\"",
                                ALB_STR_ARG(name));
            *bits |= ALB_HOOK_BIT(type);
        }
    }
    return ALB_OK;
}

enum alb_code alb_tus_hooks_serve(const struct alb_options *o, int data_dirfd, struct alb_hooks **hooks,
                                  struct alb_tus_hooks *table, struct alb_err *err)
{
    struct alb_hooks_config c;
    struct alb_buf forward = ALB_BUF_INIT(FORWARD_MAX);
    const char *const *names;
    *hooks = NULL;
    alb_hooks_config_default(&c);
    c.dir = alb_str_c(alb_opt_string(o, ALB_P_HOOKS_DIR));
    c.url = alb_str_c(alb_opt_string(o, ALB_P_HOOKS_URL));
    if (c.dir.n == 0 && c.url.n == 0)
        return ALB_OK;
    if (c.dir.n > 0 && c.url.n > 0)
        return alb_fail(err, ALB_E_INVALID, "--hooks-dir or --hooks-url: one of the two");
    if (c.dir.n > 0 && c.dir.p[0] != '/')
        return alb_fail(err, ALB_E_INVALID, "--hooks-dir is a path that begins with /");
    size_t n = alb_opt_list(o, ALB_P_HOOKS_HEADERS, &names);
    enum alb_code code = ALB_OK;
    for (size_t i = 0; i < n && code == ALB_OK; i++) {
        if (is_credential(alb_str_c(names[i])))
            code = alb_fail(err, ALB_E_INVALID, "--hooks-headers: %s does not leave the server", names[i]);
        alb_buf_printf(&forward, i > 0 ? ",%s" : "%s", names[i]);
    }
    c.forward = alb_buf_view(&forward);
    c.ask_ns = c.http_ns = alb_opt_duration(o, ALB_P_HOOKS_TIMEOUT);
    c.tell_ns = alb_opt_duration(o, ALB_P_HOOKS_TELL_TIMEOUT);
    c.spool_dirfd = data_dirfd;
    c.spool = "hooks";
    hide_credentials = true;
    if (code == ALB_OK)
        code = alb_buf_code(&forward);
    if (code == ALB_OK)
        code = events_of(o, &c.enabled, err);
    if (code == ALB_OK)
        code = alb_tus_hooks_open(&c, hooks, table, err);
    alb_buf_fini(&forward);
    return code;
}
