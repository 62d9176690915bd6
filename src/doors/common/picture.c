/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/common/picture.h"

#include "base/codec.h"
#include "base/hash.h"

#define RENDER_SHARE 8 /* one part in so many of a request's time is for the making */

/* ---- inputs ---- */

void alb_door_input_drop(struct alb_door_input *in)
{
    alb_source_unref(in->asset);
    alb_origin_unref(in->origin);
    *in = (struct alb_door_input){NULL, NULL};
}

enum alb_type alb_door_input_type(const struct alb_door_input *in)
{
    return in->origin ? in->origin->type : alb_type_of_mime(in->asset->mime);
}

int64_t alb_door_input_size(const struct alb_door_input *in)
{
    return in->asset ? in->asset->size : in->origin->size;
}

struct alb_str alb_door_input_name(const struct alb_door_input *in, struct alb_arena *arena)
{
    char text[2 * ALB_SHA256_LEN + 1];
    alb_hex(in->asset ? in->asset->sha256 : in->origin->identity, ALB_SHA256_LEN, text);
    return alb_arena_str(arena, alb_str_c(text));
}

bool alb_door_input_no_store(const struct alb_door_input *in)
{
    return in->origin && in->origin->no_store;
}

static void forget(struct alb_future **future)
{
    alb_future_unref(*future);
    *future = NULL;
}

enum alb_code alb_door_origin_start(struct alb_req *req, struct alb_origins *origins,
                                    const struct alb_origin_ask *ask, int64_t deadline,
                                    struct alb_future **future, struct alb_err *err)
{
    forget(future);
    alb_req_wait_until(req, deadline);
    enum alb_code code = alb_origin_start(origins, ask, alb_req_waiter(req, false), future, err);
    if (code != ALB_OK)
        return code;
    alb_req_doing(req, "waiting for a source");
    (void)alb_req_wait_joined(req, *future);
    return ALB_OK;
}

enum alb_code alb_door_origin_end(struct alb_req *req, struct alb_future *future, struct alb_origin **out,
                                  struct alb_err *err)
{
    *out = NULL;
    if (alb_req_timed_out(req))
        return alb_fail(err, ALB_E_TIMEOUT, "the source did not come in time");
    enum alb_code code = alb_future_error(future, err);
    if (code == ALB_OK)
        *out = alb_origin_ref(ALB_CONTAINER_OF(alb_future_result(future), struct alb_origin, obj));
    return code;
}

int alb_door_status_of_origin(int status)
{
    if (status >= 400 && status < 500)
        return status;
    return status >= 500 ? 502 : 404;
}

/* ---- bytes ---- */

enum alb_code alb_door_bytes_open(struct alb_door_bytes *b, struct alb_blob_store *store,
                                  const struct alb_door_input *in, struct alb_err *err)
{
    if (b->original || b->reader)
        return ALB_OK;
    return in->asset ? alb_original_open(store, in->asset, &b->original, err)
                     : alb_origin_reader_open(in->origin, &b->reader, err);
}

enum alb_code alb_door_bytes_read(void *ctx, uint64_t off, void *p, size_t n, size_t *got,
                                  struct alb_err *err)
{
    struct alb_door_bytes *b = ctx;
    return b->original ? alb_original_read(b->original, off, p, n, got, err)
                       : alb_origin_read(b->reader, (int64_t)off, p, n, got, err);
}

void alb_door_bytes_close(struct alb_door_bytes *b)
{
    alb_original_close(&b->original);
    alb_origin_reader_close(&b->reader);
}

/* ---- the picture ---- */

int64_t alb_door_end_of_line(int64_t begun, int64_t deadline)
{
    return deadline - (deadline - begun) / RENDER_SHARE;
}

struct alb_str alb_door_etag(struct alb_arena *arena, const struct alb_flight_key *key)
{
    char etag[33];
    alb_hex(key->b, 16, etag);
    return alb_arena_str(arena, alb_str_c(etag));
}

enum alb_code alb_door_picture_start(struct alb_req *req, struct alb_render *render,
                                     const struct alb_render_ask *ask, int64_t deadline,
                                     struct alb_future **future, struct alb_err *err)
{
    forget(future);
    alb_req_wait_until(req, deadline);
    enum alb_code code = alb_render_start(render, ask, alb_req_waiter(req, true), future, err);
    if (code != ALB_OK)
        return code;
    alb_req_doing(req, "waiting for a picture");
    (void)alb_req_wait_joined(req, *future);
    return ALB_OK;
}

enum alb_door_made alb_door_picture_end(struct alb_req *req, struct alb_render *render,
                                        const struct alb_render_ask *ask, int64_t deadline,
                                        struct alb_future *future, struct alb_picture **picture,
                                        struct alb_err *err)
{
    struct alb_owner title;
    *picture = NULL;
    if (alb_req_promoted(req, &title)) { /* whoever made it has given up: go on in its place */
        alb_req_wait_until(req, deadline);
        alb_render_inherit(render, ask, &title, alb_req_waiter(req, false));
        (void)alb_req_wait_joined(req, future);
        return ALB_DOOR_WAITS;
    }
    if (alb_req_timed_out(req)) {
        (void)alb_fail(err, ALB_E_TIMEOUT, "the picture was not made in time");
        return ALB_DOOR_FAILED;
    }
    enum alb_code code = alb_future_error(future, err);
    if (code == ALB_E_CONFLICT)
        return ALB_DOOR_CHANGED;
    if (code == ALB_E_BUSY &&
        alb_mono(alb_req_clock(req)) >= ask->queue_deadline) { /* its time ended in the line */
        alb_err_clear(err);
        code = alb_fail(err, ALB_E_TIMEOUT, "no slot came free in time");
    }
    if (code != ALB_OK)
        return ALB_DOOR_FAILED;
    *picture = ALB_CONTAINER_OF(alb_future_result(future), struct alb_picture, obj);
    return ALB_DOOR_MADE;
}
