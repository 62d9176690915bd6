/* SPDX-License-Identifier: Apache-2.0
 *
 * What only a worker can tell: the facts of /info, and an SVG without what could run in a browser. The order outlives
 * its request if the client leaves: then nobody waits for its future, and it is cancelled.
 */
#include "base/codec.h"
#include "base/fs.h"
#include "base/mem.h"
#include "doors/imgproxy/info.h"
#include "doors/imgproxy/job.h"
#include "image/darkroom.h"

/* ---- an order ---- */

struct order { /* what its future settles with */
    struct alb_obj obj;
    struct alb_darkroom *darkroom;
    struct alb_darkroom_job job;
    uint64_t ticket;
    struct alb_owner owner;
    struct alb_origin *origin; /* the bytes that are looked at: a reference, or a descriptor of our own */
    int fd;
};

static void order_free(struct alb_obj *obj)
{
    struct order *o = ALB_CONTAINER_OF(obj, struct order, obj);
    alb_bytes_unref(o->job.result);
    alb_probe_free(&o->job.probe);
    alb_origin_unref(o->origin);
    alb_fs_close(&o->fd);
    alb_mem_free(o);
}

static void on_done(struct alb_darkroom_job *job)
{
    struct order *o = ALB_CONTAINER_OF(job, struct order, job);
    struct alb_owner owner = o->owner;
    if (job->code == ALB_OK) {
        (void)alb_future_settle(&owner, &o->obj);
        return;
    }
    (void)alb_fail(&job->err, job->code, "the darkroom");
    (void)alb_future_fail(&owner, &job->err);
    alb_obj_unref(&o->obj);
}

static void on_forsaken(void *arg)
{
    struct order *o = arg;
    alb_darkroom_cancel(o->darkroom, o->ticket);
}

/* A descriptor that stays open as long as the order: of an asset after all its blocks were checked. */
static enum alb_code lend(struct alb_imgproxy_job *job, struct order *o, struct alb_err *err)
{
    const struct alb_imgproxy_held *h = &job->input[0];
    o->job.source_bytes = alb_imgproxy_bytes_size(job);
    if (h->origin) {
        o->origin = alb_origin_ref(h->origin);
        o->job.source_fd = alb_origin_fd(h->origin);
        return o->job.source_fd >= 0 ? ALB_OK : alb_fail(err, ALB_E_IO, "a source without bytes");
    }
    enum alb_code code = alb_imgproxy_open_bytes(job, err);
    if (code == ALB_OK)
        code = alb_original_lend(job->original, &o->fd, err);
    o->job.source_fd = o->fd;
    return code;
}

static enum alb_code place(struct alb_imgproxy_job *job, struct order *o, struct alb_err *err)
{
    struct alb_future *future = NULL;
    enum alb_code code = lend(job, o, err);
    if (code == ALB_OK)
        code = alb_future_new(&future, &o->owner);
    if (code != ALB_OK)
        return code;
    const struct alb_owner title =
        o->owner; /* a copy: o's is used up by on_done, which may have run by then */
    struct alb_owner mine = title;
    alb_obj_ref(&o->obj); /* on_done's */
    code = alb_darkroom_submit(o->darkroom, &o->job, &o->ticket, err);
    if (code == ALB_OK) {
        alb_future_on_forsaken(&title, on_forsaken, o);
    } else {
        (void)alb_future_fail(&mine, err);
        alb_future_unref(future);
        future = NULL;
        alb_obj_unref(&o->obj);
    }
    alb_future_unref(job->future);
    job->future = future;
    return code;
}

enum alb_imgproxy_next alb_imgproxy_ask_worker(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct order *o = alb_mem_calloc(1, sizeof(*o));
    enum alb_code code = o ? ALB_OK : alb_fail(&err, ALB_E_NO_MEMORY, "no memory for an order");
    if (o) {
        alb_obj_init(&o->obj, order_free);
        o->fd = -1;
        o->darkroom = job->door->config.darkroom;
        o->job = (struct alb_darkroom_job){.work = job->want.is_info ? ALB_WORK_PROBE : ALB_WORK_SANITISE,
                                           .source_fd = -1,
                                           .type = alb_imgproxy_source_type(job),
                                           .deadline = job->deadline,
                                           .done = on_done};
        code = place(job, o, &err);
        alb_obj_unref(&o->obj);
    }
    if (code != ALB_OK) {
        const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(code, &err);
        return alb_imgproxy_fail(job, &wrong);
    }
    job->stage = ALB_IMGPROXY_ASKED;
    alb_req_doing(job->req, "waiting for a worker's words");
    alb_req_wait_until(job->req, job->deadline);
    (void)alb_req_wait_future(job->req, job->future, false);
    return ALB_IMGPROXY_WAIT;
}

/* ---- its answer ---- */

static struct alb_str identity(const struct alb_imgproxy_job *job, const char *what)
{
    char text[2 * ALB_SHA256_LEN + 1];
    const struct alb_imgproxy_held *h = &job->input[0];
    alb_hex(h->asset ? h->asset->sha256 : h->origin->identity, ALB_SHA256_LEN, text);
    text[32] = '\0';
    return alb_arena_printf(job->arena, "%s-%s", what, text);
}

static enum alb_imgproxy_next send_vector(struct alb_imgproxy_job *job, const struct order *o)
{
    alb_imgproxy_head(job, identity(job, "svg1"), job->input[0].origin && job->input[0].origin->no_store,
                      "svg");
    alb_res_type(job->req, "image/svg+xml");
    alb_res_bytes(job->req, o->job.result);
    return ALB_IMGPROXY_DONE;
}

static enum alb_hash_kind kind_of(int hash)
{
    static const enum alb_hash_kind kinds[] = {[ALB_IMGPROXY_HASH_MD5] = ALB_HASH_MD5,
                                               [ALB_IMGPROXY_HASH_SHA1] = ALB_HASH_SHA1,
                                               [ALB_IMGPROXY_HASH_SHA256] = ALB_HASH_SHA256,
                                               [ALB_IMGPROXY_HASH_SHA512] = ALB_HASH_SHA512};
    return kinds[hash];
}

#define SUM_FIRST ALB_IMGPROXY_HASH_MD5
#define SUM_LAST ALB_IMGPROXY_HASH_SHA512

static enum alb_code sum_up(struct alb_imgproxy_job *job, struct alb_imgproxy_sums *sums, struct alb_err *err)
{
    struct alb_hash hash[SUM_LAST + 1];
    unsigned char piece[8192], sum[ALB_HASH_MAX_LEN];
    int64_t size = alb_imgproxy_bytes_size(job), at = 0;
    size_t got = 1;
    enum alb_code code = alb_imgproxy_open_bytes(job, err);
    for (int i = SUM_FIRST; i <= SUM_LAST; i++)
        alb_hash_init(&hash[i], kind_of(i));
    while (code == ALB_OK && at < size && got > 0) {
        code = alb_imgproxy_read(job, (uint64_t)at, piece, sizeof(piece), &got, err);
        at += (int64_t)got;
        for (int i = SUM_FIRST; i <= SUM_LAST && code == ALB_OK; i++)
            if (job->want.info.hashes & (1u << i))
                alb_hash_update(&hash[i], piece, got);
    }
    for (int i = SUM_FIRST; i <= SUM_LAST; i++)
        alb_hex(sum, alb_hash_final(&hash[i], sum), sums->text[i]);
    return code;
}

static enum alb_imgproxy_next send_info(struct alb_imgproxy_job *job, const struct order *o)
{
    struct alb_buf out = ALB_BUF_INIT(ALB_IMGPROXY_INFO_MAX);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_imgproxy_sums sums = {{{0}}};
    enum alb_code code = job->want.info.hashes ? sum_up(job, &sums, &err) : ALB_OK;
    if (code == ALB_OK)
        code = alb_imgproxy_info_write(&job->want.info, o->job.probe, alb_imgproxy_bytes_size(job), &sums,
                                       &out, &err);
    if (code != ALB_OK) {
        const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(code, &err);
        alb_buf_fini(&out);
        return alb_imgproxy_fail(job, &wrong);
    }
    alb_imgproxy_head(job, ALB_STR_NONE, job->input[0].origin && job->input[0].origin->no_store, NULL);
    alb_res_type(job->req, "application/json");
    alb_res_buf(job->req, &out);
    return ALB_IMGPROXY_DONE;
}

enum alb_imgproxy_next alb_imgproxy_told(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_future_error(job->future, &err);
    if (alb_req_timed_out(job->req))
        code = alb_fail(&err, ALB_E_TIMEOUT, "a worker did not answer in time");
    if (code != ALB_OK) {
        struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(code, &err);
        if (code == ALB_E_UNPROCESSABLE && !job->want.is_info)
            wrong.text = "Broken or unsupported SVG image";
        return alb_imgproxy_fail(job, &wrong);
    }
    const struct order *o = ALB_CONTAINER_OF(alb_future_result(job->future), struct order, obj);
    return job->want.is_info ? send_info(job, o) : send_vector(job, o);
}
