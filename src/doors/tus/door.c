/* SPDX-License-Identifier: Apache-2.0
 *
 * The door itself: routes, the way into every method, taking hold of an upload.
 */
#include "doors/tus/door.h"

#include <stdio.h>
#include <string.h>

#define ALL_EXTENSIONS                                                                                       \
    "creation,creation-with-upload,termination,concatenation,creation-defer-length,expiration,checksum,"     \
    "checksum-trailer,concatenation-unfinished"
#define BASE_MAX 256

/* ---- the state of a request ---- */

static void end_state(void *arg)
{
    struct alb_tus *t = arg;

    alb_tus_alarm_dismiss(&t->alarm);
    alb_upload_release(&t->session);
    alb_upload_reader_close(&t->reader);
    alb_original_close(&t->original);
    alb_source_unref(t->source);
    alb_future_unref(t->future);
    alb_bytes_unref(t->result);
    alb_tus_notice_end(t, true);
    for (size_t i = 0; i < ALB_ARRAY_LEN(t->verdicts); i++) {
        if (t->verdicts[i] != NULL)
            alb_obj_unref(&t->verdicts[i]->obj);
    }
}

bool alb_tus_has_header(const struct alb_req *req, const char *name)
{
    return alb_req_header(req, name).p != NULL;
}

struct alb_str alb_tus_field(const struct alb_req *req, const char *name)
{
    struct alb_str first = alb_req_header(req, name), value;
    size_t at = 0;

    while (alb_req_header_next(req, name, &at, &value)) {
        if (!alb_str_eq(first, value))
            return ALB_STR_NONE;
    }
    return first;
}

bool alb_tus_take_id(struct alb_req *req, struct alb_tus *t)
{
    struct alb_str id;

    if (!alb_req_param_decoded(req, "id", &id))
        return false;
    while (alb_str_ends(id, ALB_STR("/")))
        id.n--;
    t->id = id;
    return id.n > 0;
}

/* 3..8; 0: none of these. */
static unsigned interop_of(const struct alb_req *req)
{
    int64_t n;

    return alb_sf_integer(alb_req_header(req, "upload-draft-interop-version"), &n) && n >= 3 && n <= 8
               ? (unsigned)n
               : 0;
}

static enum alb_tus_dialect dialect_of(const struct alb_req *req, const struct alb_tus *t)
{
    unsigned method = alb_req_method(req);

    if (alb_tus_has_header(req, "tus-resumable"))
        return ALB_TUS_V1;
    if (t->door->options.no_rufh)
        return (method & (ALB_M_HEAD | ALB_M_GET)) != 0 ? ALB_TUS_EITHER : ALB_TUS_V1;
    if ((method & (ALB_M_HEAD | ALB_M_DELETE)) != 0 && alb_tus_has_header(req, "upload-offset"))
        return ALB_TUS_RUFH; /* as if it were an append: refused there */
    if (alb_tus_has_header(req, "upload-draft-interop-version") ||
        alb_tus_has_header(req, "upload-complete") || alb_tus_has_header(req, "upload-incomplete") ||
        method == ALB_M_PUT || (method == ALB_M_PATCH && alb_tus_is_piece(req, "application/partial-upload")))
        return ALB_TUS_RUFH;
    return (method & (ALB_M_HEAD | ALB_M_GET | ALB_M_DELETE)) != 0 ? ALB_TUS_EITHER : ALB_TUS_V1;
}

static struct alb_tus *state_new(struct alb_req *req)
{
    struct alb_arena *a = alb_req_arena(req);
    struct alb_tus *t = ALB_ARENA_NEW(a, struct alb_tus);

    if (t == NULL || !alb_arena_defer(a, end_state, t)) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return NULL;
    }
    t->door = alb_req_ctx(req);
    alb_req_set_slot(req, t);
    t->dialect = dialect_of(req, t);
    t->interop = t->dialect == ALB_TUS_RUFH ? interop_of(req) : 0;
    t->owner = t->door->auth.library != NULL ? alb_auth_principal(req)->user_id : 0;
    return t;
}

/* ---- the way in ---- */

static bool version_is_right(const struct alb_req *req, const struct alb_tus *t)
{
    if (t->dialect != ALB_TUS_V1)
        return true;
    return alb_str_eq_c(alb_req_header(req, "tus-resumable"), ALB_TUS_VERSION) ||
           (t->door->options.like_tusd && (alb_req_method(req) & (ALB_M_HEAD | ALB_M_GET)) != 0);
}

static bool may(struct alb_req *req, const struct alb_tus *t)
{
    if (t->door->auth.library == NULL)
        return true;
    return alb_auth_may(req, t->first == alb_tus_get ? "asset.download" : "asset.upload");
}

/* The base path is for creations, and PUT for those of RUFH. */
static bool is_elsewhere(const struct alb_req *req, const struct alb_tus *t)
{
    if (t->first == alb_tus_post)
        return t->dialect == ALB_TUS_V1 && alb_req_method(req) == ALB_M_PUT;
    return alb_req_param(req, "id").n == 0;
}

static enum alb_step refuse_method(struct alb_req *req, struct alb_tus *t)
{
    const bool put = !t->door->options.no_rufh && !t->door->options.like_tusd;

    alb_res_error_status(req, 405, "method not allowed");
    alb_res_header_set(req, "Allow", put ? ALB_STR("POST, PUT, OPTIONS") : ALB_STR("POST"));
    if (t->door->options.like_tusd && t->dialect != ALB_TUS_RUFH)
        alb_res_literal(req, ALB_STR("method not allowed")); /* without an end of line */
    return ALB_STEP_DONE;
}

static enum alb_step authorised(struct alb_req *req, struct alb_tus *t)
{
    return t->first(req, t);
}

static enum alb_step begin(struct alb_req *req, struct alb_tus *t)
{
    struct alb_tus_event e = {.hook = ALB_TUS_AUTHORISE, .size = ALB_UPLOAD_DEFERRED};

    alb_tus_common_headers(req, t);
    if (!alb_tus_cors(req, t->door, false))
        return alb_tus_refuse(req, t, ALB_TUS_BAD_ORIGIN);
    if (!version_is_right(req, t))
        return alb_tus_refuse(req, t, ALB_TUS_BAD_VERSION);
    if (is_elsewhere(req, t))
        return refuse_method(req, t);
    if (!may(req, t))
        return ALB_STEP_DONE;
    if (alb_tus_take_id(req, t))
        e.id = t->id;
    return alb_tus_ask(req, t, &e, authorised);
}

static enum alb_step enter(struct alb_req *req, alb_tus_fn *method)
{
    struct alb_tus *t = alb_req_slot(req);
    alb_tus_fn *next;

    if (t == NULL) {
        t = state_new(req);
        if (t == NULL)
            return ALB_STEP_DONE;
        t->first = method;
        next = begin;
    } else {
        next = t->next;
        t->next = NULL;
    }
    enum alb_step step = next(req, t);
    const struct alb_tus_hooks *h = t->door->hooks;
    if (step == ALB_STEP_DONE && h != NULL && h->answered != NULL)
        h->answered(h->ctx, req, alb_res_get_status(req), alb_tus_word_name(t->word));
    return step;
}

enum alb_step alb_tus_wait(struct alb_req *req, struct alb_tus *t, const char *doing, alb_tus_fn *next)
{
    t->next = next;
    alb_req_doing(req, doing);
    return alb_req_wait_future(req, t->future, false);
}

/* ---- taking hold ---- */

static enum alb_step load(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;

    if (alb_upload_load(t->session, &err) == ALB_OK)
        return t->then(req, t);
    alb_upload_release(&t->session);
    return alb_tus_fail(req, t, &err);
}

static enum alb_step granted(struct alb_req *req, struct alb_tus *t)
{
    if (alb_future_done(t->future))
        return load(req, t);
    alb_upload_release(&t->session); /* out of the queue */
    return alb_tus_refuse(req, t, ALB_TUS_LOCKED);
}

enum alb_step alb_tus_acquire(struct alb_req *req, struct alb_tus *t, enum alb_upload_intent intent,
                              alb_tus_fn *then)
{
    struct alb_err err = ALB_ERR_INIT;

    t->then = then;
    alb_future_unref(t->future);
    t->future = NULL;
    if (!alb_tus_take_id(req, t))
        return alb_tus_refuse(req, t, ALB_TUS_NOT_FOUND);
    if (alb_upload_acquire(t->door->uploads, t->id, t->owner, intent, &t->session, &t->future, &err) !=
        ALB_OK)
        return alb_tus_fail(req, t, &err);
    if (t->future == NULL)
        return load(req, t);
    if (t->door->options.lock_ns > 0)
        alb_req_wait_until(req, alb_deadline(alb_mono(alb_req_clock(req)), t->door->options.lock_ns));
    return alb_tus_wait(req, t, "waiting for the upload", granted);
}

/* ---- routes ---- */

static enum alb_step post(struct alb_req *req)
{
    return enter(req, alb_tus_post);
}

static enum alb_step patch(struct alb_req *req)
{
    return enter(req, alb_tus_patch);
}

static enum alb_step head(struct alb_req *req)
{
    return enter(req, alb_tus_head);
}

static enum alb_step get(struct alb_req *req)
{
    return enter(req, alb_tus_get);
}

static enum alb_step terminate(struct alb_req *req)
{
    return enter(req, alb_tus_delete);
}

static const char *extensions(const struct alb_tus_options *o, char out[256])
{
    if (!o->like_tusd)
        (void)snprintf(out, 256, "%s", ALL_EXTENSIONS);
    else
        (void)snprintf(out, 256,
                       "creation,creation-with-upload%s%s,creation-defer-length,checksum,checksum-trailer",
                       o->no_termination ? "" : ",termination", o->no_concatenation ? "" : ",concatenation");
    return out;
}

static enum alb_hot options_hot(struct alb_req *req)
{
    const struct alb_door_tus *door = alb_req_ctx(req);
    const struct alb_tus t = {.door = alb_req_ctx(req)};
    int64_t max = alb_tus_max_bytes(door);
    char list[256];

    if (!alb_tus_cors(req, door, true)) {
        alb_res_error_status(req, 403, "ERR_ORIGIN_NOT_ALLOWED: request origin is not allowed");
        return ALB_HOT_HIT;
    }
    (void)alb_res_preflight(req,
                            ALB_M_GET | ALB_M_HEAD | ALB_M_POST | ALB_M_PATCH | ALB_M_DELETE | ALB_M_OPTIONS);
    alb_res_status(req, 200);
    alb_res_header_set(req, "X-Content-Type-Options", ALB_STR("nosniff"));
    alb_res_header_c(req, "Tus-Resumable", ALB_TUS_VERSION);
    alb_res_header_c(req, "Tus-Version", ALB_TUS_VERSION);
    alb_res_header_c(req, "Tus-Extension", extensions(&door->options, list));
    if (max > 0)
        alb_res_header_i64(req, "Tus-Max-Size", max);
    alb_res_header_c(req, "Tus-Checksum-Algorithm", ALB_TUS_CHECKSUM_ALGORITHMS);
    if (!door->options.no_rufh) {
        alb_res_header(req, "Upload-Limit", alb_tus_limits(req, &t, 0));
        alb_res_header_c(req, "Accept-Patch", "application/partial-upload, application/offset+octet-stream");
    }
    return ALB_HOT_HIT;
}

/* "/files/" and what follows from it; the door's for the life of the server. */
static struct {
    char base[BASE_MAX], root[BASE_MAX], below[BASE_MAX];
} paths;

static enum alb_code set_paths(struct alb_door_tus *door, struct alb_err *err)
{
    const char *base = door->options.base != NULL ? door->options.base : "/files/";
    size_t n = strlen(base);

    if (n == 0 || n > BASE_MAX - 16 || base[0] != '/' || base[n - 1] != '/')
        return alb_fail(err, ALB_E_INVALID, "a base path begins and ends with a slash");
    (void)snprintf(paths.base, sizeof(paths.base), "%s", base);
    (void)snprintf(paths.root, sizeof(paths.root), "%.*s", (int)(n > 1 ? n - 1 : n), base);
    (void)snprintf(paths.below, sizeof(paths.below), "%s{id*}", base);
    door->options.base = paths.base;
    return ALB_OK;
}

static enum alb_code add_routes(struct alb_http *http, struct alb_door_tus *door,
                                const struct alb_http_group *group, struct alb_err *err)
{
    static struct alb_route routes[8];
    const unsigned flags = ALB_ROUTE_OVERRIDE;
    const unsigned creates = ALB_M_POST | (door->options.no_rufh ? 0U : ALB_M_PUT);
    size_t n = 0;

    routes[n++] = (struct alb_route){paths.root, creates, ALB_BODY_STREAM, ALB_ROUTE_TOLD, 0, NULL, post};
    if (strcmp(paths.root, paths.base) != 0)
        routes[n++] = (struct alb_route){paths.base, creates, ALB_BODY_STREAM, ALB_ROUTE_TOLD, 0, NULL, post};
    routes[n++] = (struct alb_route){paths.below, ALB_M_HEAD, ALB_BODY_NONE, flags, 0, NULL, head};
    routes[n++] =
        (struct alb_route){paths.below, ALB_M_PATCH, ALB_BODY_STREAM, flags | ALB_ROUTE_TOLD, 0, NULL, patch};
    if (!door->options.no_download)
        routes[n++] = (struct alb_route){paths.below, ALB_M_GET, ALB_BODY_NONE, flags, 0, NULL, get};
    if (!door->options.no_termination)
        routes[n++] = (struct alb_route){paths.below, ALB_M_DELETE, ALB_BODY_NONE, flags, 0, NULL, terminate};
    return alb_http_routes(http, group, routes, n, err);
}

enum alb_code alb_door_tus(struct alb_http *http, struct alb_door_tus *door, struct alb_err *err)
{
    static struct alb_http_group open_group = {.name = "tus", .error = alb_tus_error};
    static struct alb_http_group group = {.name = "tus", .error = alb_tus_error};
    static struct alb_route open_routes[] = {
        {paths.root, ALB_M_OPTIONS, ALB_BODY_NONE, ALB_ROUTE_OVERRIDE, 0, options_hot, NULL},
        {paths.below, ALB_M_OPTIONS, ALB_BODY_NONE, ALB_ROUTE_OVERRIDE, 0, options_hot, NULL},
    };

    open_group.ctx = group.ctx = door;
    group.before = door->auth.library != NULL ? alb_auth_require : NULL;
    enum alb_code code = set_paths(door, err);
    if (code == ALB_OK)
        code = alb_http_routes(http, &open_group, open_routes, ALB_ARRAY_LEN(open_routes), err);
    if (code == ALB_OK)
        code = add_routes(http, door, &group, err);
    return code;
}
