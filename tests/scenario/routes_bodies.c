/* SPDX-License-Identifier: Apache-2.0
 *
 * Test routes that read bodies: collected, streamed, refused early, drained first, multipart; interim
 * answers.
 */
#include <string.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "http/multipart.h"
#include "serverd.h"

static enum alb_step step_echo(struct alb_req *req)
{
    struct alb_str body = alb_req_body(req);

    serverd_hold(req);
    alb_res_header(req, "X-Trailer", alb_req_trailer(req, "x-sum"));
    alb_res_type(req, "application/octet-stream");
    alb_res_copy(req, body.p, body.n);
    return ALB_STEP_DONE;
}

/* /hot: collected, then answered on the loop; also for a client that has half-closed. */
static enum alb_hot hot_echo(struct alb_req *req)
{
    struct alb_str body = alb_req_body(req);

    alb_res_copy(req, body.p, body.n);
    return ALB_HOT_HIT;
}

/* ---- uploads --------------------------------------------------------------------------------------- */

struct upload {
    uint64_t n;
    struct alb_hash sha;
    bool hash, progress, large;
};

static enum alb_code read_zeros(void *ctx, uint64_t off, void *p, size_t n, size_t *got, struct alb_err *err)
{
    (void)ctx;
    (void)off;
    (void)err;
    memset(p, '0', n);
    *got = n;
    return ALB_OK;
}

static enum alb_step upload_done(struct alb_req *req, struct upload *u)
{
    unsigned char digest[ALB_HASH_MAX_LEN];
    char hex[2 * ALB_HASH_MAX_LEN + 1] = "";

    if (u->hash)
        alb_hex(digest, alb_hash_final(&u->sha, digest), hex);
    if (serverd_number(req, "free", 0) != 0)
        serverd_free_works();
    alb_res_header(req, "X-Trailer", alb_req_trailer(req, "x-sum"));
    if (u->large) {
        alb_res_source(req, 16000000, read_zeros, NULL);
        return ALB_STEP_DONE;
    }
    alb_res_literal(
        req, alb_arena_printf(alb_req_arena(req), "bytes=%llu sha256=%s\n", (unsigned long long)u->n, hex));
    return ALB_STEP_DONE;
}

static void tell_progress(struct alb_req *req, const struct upload *u)
{
    const struct alb_header offset[] = {
        {"Upload-Offset", alb_arena_printf(alb_req_arena(req), "%llu", (unsigned long long)u->n)}};

    alb_req_interim(req, 104, offset, 1);
}

/* /upload?hash=1&limit=N&wait=MS&free=1: counts (and hashes) what comes, after a while; then frees what is
 * held. */
static enum alb_step step_upload(struct alb_req *req)
{
    struct upload *u = alb_req_slot(req);
    struct alb_str view;

    if (!u) {
        serverd_hold(req);
        u = ALB_ARENA_NEW(alb_req_arena(req), struct upload);
        alb_req_set_slot(req, u);
        u->hash = serverd_number(req, "hash", 1) != 0;
        alb_hash_init(&u->sha, ALB_HASH_SHA256);
        if (serverd_number(req, "limit", 0) > 0)
            alb_req_body_limit(req, (uint64_t)serverd_number(req, "limit", 0));
        if (serverd_number(req, "wait", 0) > 0)
            return serverd_sleep(req, serverd_number(req, "wait", 0));
    }
    for (;;) {
        switch (alb_req_body_read(req, &view)) {
        case ALB_BODY_DATA:
            u->n += view.n;
            if (u->hash)
                alb_hash_update(&u->sha, view.p, view.n);
            alb_req_body_consume(req, view.n);
            if (u->progress)
                tell_progress(req, u);
            break;
        case ALB_BODY_AGAIN:
            return alb_req_wait_body(req);
        case ALB_BODY_END:
            return upload_done(req, u);
        case ALB_BODY_GONE:
            atomic_fetch_add(&serverd.told, 1);
            atomic_fetch_add(&serverd.gone_bytes, (long)u->n);
            alb_req_body_refuse(req);
            return ALB_STEP_DONE;
        }
    }
}

/* /stuck?ms=N: asks for the body, and does not read it (so at most the ring is held). */
static enum alb_step step_stuck(struct alb_req *req)
{
    struct alb_str view;

    if (alb_req_slot(req)) {
        alb_res_error(req, ALB_E_TIMEOUT, "nobody has read it");
        return ALB_STEP_DONE;
    }
    serverd_hold(req);
    alb_req_set_slot(req, &serverd);
    (void)alb_req_body_read(req, &view);
    return serverd_sleep(req, serverd_number(req, "ms", 100));
}

/* /refuse: a final answer without looking at the body. */
static enum alb_step step_refuse(struct alb_req *req)
{
    serverd_hold(req);
    alb_res_error(req, ALB_E_TOO_LARGE, "not here");
    return ALB_STEP_DONE;
}

/* /middle?after=N: reads N bytes, then refuses in the middle of the body. */
static enum alb_step step_middle(struct alb_req *req)
{
    struct upload *u = alb_req_slot(req);
    struct alb_str view;

    if (!u) {
        serverd_hold(req);
        u = ALB_ARENA_NEW(alb_req_arena(req), struct upload);
        alb_req_set_slot(req, u);
    }
    while (u->n < (uint64_t)serverd_number(req, "after", 1)) {
        switch (alb_req_body_read(req, &view)) {
        case ALB_BODY_DATA:
            u->n += view.n;
            alb_req_body_consume(req, view.n);
            break;
        case ALB_BODY_AGAIN:
            return alb_req_wait_body(req);
        case ALB_BODY_END:
            alb_res_error(req, ALB_E_INVALID, "too short");
            return ALB_STEP_DONE;
        case ALB_BODY_GONE:
            alb_req_body_refuse(req);
            return ALB_STEP_DONE;
        }
    }
    alb_res_error(req, ALB_E_CONFLICT, "enough");
    return ALB_STEP_DONE;
}

/* /progress?large=1: a 104 for each piece of the body, then an answer of 16 MB. */
static enum alb_step step_progress(struct alb_req *req)
{
    struct upload *u;

    if (!alb_req_slot(req)) {
        serverd_hold(req);
        u = ALB_ARENA_NEW(alb_req_arena(req), struct upload);
        u->progress = true;
        u->large = serverd_number(req, "large", 0) != 0;
        alb_req_set_slot(req, u);
    }
    return step_upload(req);
}

/* /interim?many=1: 103 and 104, the latter as often as asked for, then the body, then the answer. */
static enum alb_step step_interim(struct alb_req *req)
{
    const struct alb_header early[] = {{"Link", ALB_STR("</a.css>; rel=preload")}};
    const struct alb_header resume[] = {{"Location", ALB_STR("/files/1")},
                                        {"Upload-Limit", ALB_STR("max-size=9")}};

    if (!alb_req_slot(req)) {
        alb_req_interim(req, 103, early, 1);
        for (int64_t i = serverd_number(req, "many", 1); i > 0; i--)
            alb_req_interim(req, 104, resume, 2);
    }
    return step_upload(req);
}

/* ---- multipart ------------------------------------------------------------------------------------- */

struct form {
    struct alb_multipart m;
    struct alb_buf text;
    uint64_t part;
};

static void fini_text(void *b)
{
    alb_buf_fini(b);
}

static bool form_piece(struct form *f, struct alb_str in)
{
    struct alb_str data;
    enum alb_multipart_event ev;

    while ((ev = alb_multipart_next(&f->m, &in, &data)) != ALB_PART_MORE) {
        switch (ev) {
        case ALB_PART_BEGIN:
            f->part = 0;
            alb_buf_printf(&f->text, ALB_STR_FMT "(" ALB_STR_FMT ")=", ALB_STR_ARG(f->m.name),
                           ALB_STR_ARG(f->m.filename));
            break;
        case ALB_PART_DATA:
            f->part += data.n;
            break;
        case ALB_PART_END:
            alb_buf_printf(&f->text, "%llu\n", (unsigned long long)f->part);
            break;
        case ALB_PARTS_END:
            alb_buf_c(&f->text, "end\n");
            return true;
        case ALB_PARTS_BAD:
        case ALB_PART_MORE:
            return false;
        }
    }
    return true;
}

static enum alb_step step_form(struct alb_req *req)
{
    struct form *f = alb_req_slot(req);
    struct alb_str view;

    if (!f) {
        f = ALB_ARENA_NEW(alb_req_arena(req), struct form);
        alb_req_set_slot(req, f);
        alb_buf_init(&f->text, 65536);
        alb_ignore(!alb_arena_defer(alb_req_arena(req), fini_text, &f->text), "the test server has memory");
        serverd_hold(req);
        if (!alb_multipart_init(&f->m, alb_req_header(req, "content-type"))) {
            alb_res_error(req, ALB_E_UNSUPPORTED, NULL);
            return ALB_STEP_DONE;
        }
    }
    for (;;) {
        switch (alb_req_body_read(req, &view)) {
        case ALB_BODY_DATA:
            if (!form_piece(f, view)) {
                alb_res_error(req, ALB_E_INVALID, f->m.why);
                return ALB_STEP_DONE;
            }
            alb_req_body_consume(req, view.n);
            break;
        case ALB_BODY_AGAIN:
            return alb_req_wait_body(req);
        case ALB_BODY_END:
            alb_res_copy(req, f->text.p, f->text.n);
            return ALB_STEP_DONE;
        case ALB_BODY_GONE:
            alb_req_body_refuse(req);
            return ALB_STEP_DONE;
        }
    }
}

static const struct alb_route routes[] = {
    {.pattern = "/echo", .methods = ALB_M_POST | ALB_M_DELETE, .body = ALB_BODY_SMALL, .step = step_echo},
    {.pattern = "/hot", .methods = ALB_M_POST, .body = ALB_BODY_SMALL, .hot = hot_echo},
    {.pattern = "/upload",
     .methods = ALB_M_POST | ALB_M_PATCH,
     .body = ALB_BODY_STREAM,
     .flags = ALB_ROUTE_OVERRIDE,
     .step = step_upload},
    {.pattern = "/limited",
     .methods = ALB_M_POST,
     .body = ALB_BODY_STREAM,
     .body_max = 1000,
     .step = step_upload},
    {.pattern = "/stuck", .methods = ALB_M_POST, .body = ALB_BODY_STREAM, .step = step_stuck},
    {.pattern = "/refuse", .methods = ALB_M_POST, .body = ALB_BODY_STREAM, .step = step_refuse},
    {.pattern = "/middle", .methods = ALB_M_POST, .body = ALB_BODY_STREAM, .step = step_middle},
    {.pattern = "/drainfirst",
     .methods = ALB_M_POST,
     .body = ALB_BODY_STREAM,
     .flags = ALB_ROUTE_DRAIN_FIRST,
     .step = step_refuse},
    {.pattern = "/progress", .methods = ALB_M_POST, .body = ALB_BODY_STREAM, .step = step_progress},
    {.pattern = "/interim", .methods = ALB_M_POST, .body = ALB_BODY_STREAM, .step = step_interim},
    {.pattern = "/form", .methods = ALB_M_POST, .body = ALB_BODY_STREAM, .step = step_form},
};

enum alb_code serverd_routes_bodies(struct alb_http *s, struct alb_err *err)
{
    return alb_http_routes(s, &serverd_group, routes, ALB_ARRAY_LEN(routes), err);
}
