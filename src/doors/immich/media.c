/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures and originals. A thumbnail whose rights are remembered and whose bytes are in memory is answered
 * on the event loop; otherwise the step resolves, joins the render and waits for it. Originals are read block
 * by block, each checked before it is sent; a damaged one is an error, never bytes.
 */
#include <string.h>

#include "doors/immich/door.h"
#include "library/original.h"
#include "render/books.h"
#include "render/sizes.h"

#define QUEUE_PATIENCE (20 * ALB_NS_PER_S) /* how long a person waits for a slot */

struct media {
    struct alb_source *source; /* a reference */
    struct alb_plan_options options;
    struct alb_future *future;     /* a reference, or NULL */
    struct alb_original *original; /* or NULL */
};

static void end_media(void *arg)
{
    struct media *m = arg;
    alb_source_unref(m->source);
    alb_future_unref(m->future);
    alb_original_close(&m->original);
}

static struct media *media_new(struct alb_req *req)
{
    struct media *m = ALB_ARENA_NEW(alb_req_arena(req), struct media);
    if (!m || !alb_arena_defer(alb_req_arena(req), end_media, m)) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return NULL;
    }
    alb_req_set_slot(req, m);
    return m;
}

/* ---- thumbnails ---- */

static bool size_of(struct alb_req *req, enum alb_size *size)
{
    struct alb_str word;
    *size = ALB_SIZE_THUMBNAIL;
    if (!alb_req_query_get(req, "size", &word) || alb_str_eq_c(word, "thumbnail"))
        return true;
    if (alb_str_eq_c(word, "preview"))
        *size = ALB_SIZE_PREVIEW;
    else if (alb_str_eq_c(word, "fullsize"))
        *size = ALB_SIZE_FULL;
    else
        return false;
    return true;
}

static void answer_picture(struct alb_req *req, const struct alb_picture *p)
{
    alb_res_status(req, 200);
    alb_res_type(req, p->content_type);
    alb_res_header_block(req, ALB_STR("Cache-Control: private, max-age=86400, no-transform\r\n"
                                      "X-Content-Type-Options: nosniff\r\n"));
    alb_res_etag(req, alb_arena_str(alb_req_arena(req), alb_str_c(p->etag)),
                 false); /* p may go before it is sent */
    alb_res_bytes(req, p->bytes);
}

static struct alb_render_ask ask_for(const struct alb_req *req, struct alb_source *source,
                                     const struct alb_plan_options *options)
{
    return (struct alb_render_ask){
        .source = source,
        .options = options,
        .door = ALB_RENDER_DOOR_IMMICH,
        .cls = ALB_LEASE_FOREGROUND,
        .queue_deadline = alb_deadline(alb_mono(alb_req_clock(req)), QUEUE_PATIENCE),
    };
}

enum alb_hot alb_immich_thumbnail_hot(struct alb_req *req)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_ref ref = {.by_uuid = true};
    struct alb_plan_options options;
    struct alb_flight_key key;
    enum alb_size size;
    if (!alb_uuid_parse(alb_req_param(req, "id"), &ref.uuid) || !size_of(req, &size))
        return ALB_HOT_MISS; /* the step says what is wrong */
    struct alb_source *source =
        alb_library_resolve_hot(door->auth.library, alb_auth_principal(req), &ref, ALB_PURPOSE_VIEW);
    if (!source)
        return ALB_HOT_MISS;
    alb_size_options(size, source, &options);
    const struct alb_render_ask ask = ask_for(req, source, &options);
    alb_render_key(door->render, &ask, &key);
    bool hot;
    struct alb_picture *p = alb_render_at_hand(door->render, ask.door, &key, &hot);
    if (!p) {
        alb_source_unref(source);
        return ALB_HOT_MISS;
    }
    answer_picture(req, p);
    alb_render_answered(door->render, &ask, p, hot, alb_res_decided(req));
    alb_obj_unref(&p->obj);
    alb_source_unref(source);
    return ALB_HOT_HIT;
}

/* From the disk, if it lies there and is small. */
static bool answer_kept(struct alb_req *req, const struct alb_render_ask *ask)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_flight_key key;
    alb_render_key(door->render, ask, &key);
    struct alb_picture *p = alb_render_kept(door->render, ask->door, &key);
    if (!p)
        return false;
    answer_picture(req, p);
    alb_render_answered(door->render, ask, p, false, alb_res_decided(req));
    alb_obj_unref(&p->obj);
    return true;
}

static enum alb_step picture_step(struct alb_req *req, struct media *m)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    const struct alb_render_ask ask = ask_for(req, m->source, &m->options);
    struct alb_owner title;
    struct alb_err err = ALB_ERR_INIT;
    if (alb_req_promoted(req, &title)) { /* whoever made it has given up: go on in its place */
        alb_render_inherit(door->render, &ask, &title, alb_req_waiter(req, false));
        return alb_req_wait_joined(req, m->future);
    }
    if (alb_future_error(m->future, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    const struct alb_picture *p = ALB_CONTAINER_OF(alb_future_result(m->future), struct alb_picture, obj);
    answer_picture(req, p);
    alb_render_answered(door->render, &ask, p, false, alb_res_decided(req));
    return ALB_STEP_DONE;
}

/* The asset of the path, as the principal may use it. False: an error is answered. */
static bool resolve(struct alb_req *req, enum alb_purpose purpose, struct media *m)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_ref ref = {.by_uuid = true};
    struct alb_err err = ALB_ERR_INIT;
    if (!alb_immich_path_id(req, &ref.uuid))
        return false;
    if (alb_library_resolve(door->auth.library, alb_auth_principal(req), &ref, purpose, &m->source, &err) ==
        ALB_OK)
        return true;
    alb_res_fail(req, &err);
    return false;
}

enum alb_step alb_immich_thumbnail(struct alb_req *req)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct media *m = alb_req_slot(req);
    struct alb_err err = ALB_ERR_INIT;
    enum alb_size size;
    if (m)
        return picture_step(req, m);
    if (!size_of(req, &size))
        return alb_immich_bad(req, "size must be thumbnail, preview or fullsize");
    m = media_new(req);
    if (!m || !resolve(req, ALB_PURPOSE_VIEW, m))
        return ALB_STEP_DONE;
    alb_size_options(size, m->source, &m->options);
    const struct alb_render_ask ask = ask_for(req, m->source, &m->options);
    if (answer_kept(req, &ask))
        return ALB_STEP_DONE;
    if (alb_render_start(door->render, &ask, alb_req_waiter(req, true), &m->future, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_req_doing(req, "waiting for a picture");
    return alb_req_wait_joined(req, m->future);
}

/* ---- originals ---- */

static enum alb_code read_original(void *ctx, uint64_t off, void *p, size_t n, size_t *got,
                                   struct alb_err *err)
{
    struct media *m = ctx;
    return alb_original_read(m->original, off, p, n, got, err);
}

static enum alb_step send_original(struct alb_req *req, bool attachment)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_err err = ALB_ERR_INIT;
    struct media *m = media_new(req);
    char etag[2 * ALB_SHA256_LEN + 1];
    if (!m || !resolve(req, ALB_PURPOSE_ORIGINAL, m))
        return ALB_STEP_DONE;
    const struct alb_source *s = m->source;
    if (alb_original_open(door->store, s, &m->original, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_hex(s->sha256, sizeof(s->sha256), etag);
    alb_res_type(req, s->mime.n > 0 ? s->mime.p : "application/octet-stream");
    alb_res_disposition(req, attachment, s->name);
    alb_res_header_block(req, ALB_STR("Cache-Control: private, no-cache, no-transform\r\n"
                                      "X-Content-Type-Options: nosniff\r\n"
                                      "Content-Security-Policy: sandbox\r\n"));
    alb_res_etag(req, alb_arena_str(alb_req_arena(req), alb_str_c(etag)), false);
    alb_res_modified(req, s->modified_ms);
    alb_res_source(req, (uint64_t)s->size, read_original, m);
    return ALB_STEP_DONE;
}

enum alb_step alb_immich_original(struct alb_req *req)
{
    return send_original(req, true);
}

enum alb_step alb_immich_playback(struct alb_req *req)
{
    return send_original(req, false);
}
