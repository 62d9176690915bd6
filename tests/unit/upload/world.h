/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of upload share: a data directory with store, sink, io pool, a clock moved by hand, and
 * short forms of the steps that doors make.
 */
#ifndef ALB_TESTS_UPLOAD_WORLD_H
#define ALB_TESTS_UPLOAD_WORLD_H

#include "sink.h"

#include "base/pool.h"

#define OWNER 7

static struct alb_err err;

struct world {
    struct kit_store k;
    struct test_sink sink;
    struct alb_pool *pool;
    struct alb_uploads *u;
    struct alb_manual_clock clock;
    struct alb_upload_limits limits;
    struct alb_upload_layout layout;
    bool keep;            /* the keep sink instead of the test's */
    atomic_uint finished; /* good ends that were heard of, over restarts */
};

static void world_finished(void *ctx, const struct alb_upload_view *view, struct alb_obj *witness)
{
    struct world *w = ctx;

    (void)witness;
    assert_int_equal(view->offset, view->length);
    atomic_fetch_add(&w->finished, 1);
}

KIT_UNUSED static void world_open(struct world *w, bool recall)
{
    struct alb_pool_config pool = {.name = "io", .threads = 2, .queue_max = 64};

    kit_store_open_at(&w->k);
    test_sink_init(&w->sink, &w->k, recall);
    assert_ok(alb_pool_new(&pool, &w->pool, &err));
    struct alb_uploads_config config = {.data_dirfd = w->k.fd,
                                        .clock = &w->clock.clock,
                                        .pool = w->pool,
                                        .sink = w->keep ? alb_upload_keep() : &w->sink.sink,
                                        .quarantine = w->k.quarantine,
                                        .limits = w->limits,
                                        .layout = w->layout,
                                        .finished = world_finished,
                                        .finished_ctx = w};
    assert_ok(alb_uploads_open(&config, &w->u, &err));
}

KIT_UNUSED static void world_close(struct world *w)
{
    test_sink_let_go(&w->sink); /* a test that failed half-way must not wait for itself */
    alb_uploads_free(&w->u);
    alb_pool_free(&w->pool);
    kit_store_close(&w->k);
}

/* As after a restart. */
KIT_UNUSED static void world_again(struct world *w)
{
    bool recall = w->sink.sink.recall != NULL;

    world_close(w);
    world_open(w, recall);
}

static int world_setup_with(void **state, bool recall)
{
    struct world *w = calloc(1, sizeof(*w));

    alb_err_clear(&err);
    kit_dir_new(w->k.path);
    alb_manual_clock_init(&w->clock, 0, 1700000000000);
    alb_upload_limits_default(&w->limits);
    w->limits.min_free = 0;
    w->limits.checkpoint = 4 << 20;
    world_open(w, recall);
    *state = w;
    return 0;
}

KIT_UNUSED static int world_setup(void **state)
{
    return world_setup_with(state, false);
}

KIT_UNUSED static int world_setup_recall(void **state)
{
    return world_setup_with(state, true);
}

KIT_UNUSED static int world_teardown(void **state)
{
    struct world *w = *state;

    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_mem_fault(0, false);
    world_close(w);
    kit_dir_remove(w->k.path);
    free(w);
    return 0;
}

/* ---- steps ---- */

KIT_UNUSED static struct alb_upload_session *create_id(struct world *w, const char *id, int64_t length)
{
    struct alb_upload_session *s;
    struct alb_upload_spec spec = {.id = alb_str_c(id),
                                   .owner = OWNER,
                                   .length = length,
                                   .metadata = ALB_STR("filename YS5qcGc="),
                                   .note = ALB_STR("n")};

    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    return s;
}

/* Created and announced, as after a POST without a body. */
KIT_UNUSED static void announce(struct world *w, const char *id, int64_t length)
{
    struct alb_upload_session *s = create_id(w, id, length);

    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
    assert_null(s);
}

KIT_UNUSED static struct alb_upload_session *
acquire(struct world *w, const char *id, enum alb_upload_intent intent, struct alb_future **future)
{
    struct alb_upload_session *s;

    assert_ok(alb_upload_acquire(w->u, alb_str_c(id), OWNER, intent, &s, future, &err));
    return s;
}

KIT_UNUSED static struct alb_upload_session *take(struct world *w, const char *id,
                                                  enum alb_upload_intent intent)
{
    struct alb_future *f;
    struct alb_upload_session *s = acquire(w, id, intent, &f);

    assert_null(f);
    assert_ok(alb_upload_load(s, &err));
    return s;
}

/* Bytes of `seed` up to `until`. */
KIT_UNUSED static enum alb_code feed(struct alb_upload_session *s, uint64_t seed, int64_t until, size_t piece)
{
    unsigned char *p = alb_mem_alloc_nofail(piece);
    enum alb_code code = ALB_OK;

    while (code == ALB_OK && alb_upload_position(s) < until) {
        int64_t at = alb_upload_position(s);
        size_t n = until - at < (int64_t)piece ? (size_t)(until - at) : piece;
        kit_fill(p, n, at, seed);
        code = alb_upload_append(s, at, p, n, &err);
    }
    alb_mem_free(p);
    return code;
}

/* What a HEAD would say. */
KIT_UNUSED static int64_t offset_of(struct world *w, const char *id)
{
    struct alb_upload_session *s = take(w, id, ALB_UPLOAD_LOOK);
    struct alb_upload_view v;

    alb_upload_look(s, &v);
    alb_upload_release(&s);
    return v.offset;
}

KIT_UNUSED static enum alb_upload_state state_of(struct world *w, const char *id)
{
    struct alb_upload_session *s = take(w, id, ALB_UPLOAD_LOOK);
    struct alb_upload_view v;

    alb_upload_look(s, &v);
    alb_upload_release(&s);
    return v.state;
}

KIT_UNUSED static enum alb_code wait_for(struct alb_future *f)
{
    int64_t deadline = alb_deadline(alb_mono(alb_clock_real()), 120 * ALB_NS_PER_S);
    enum alb_code code = alb_future_await(f, deadline, NULL);

    assert_true(code != ALB_E_TIMEOUT);
    return code;
}

/* Finishes; the code of the end. */
KIT_UNUSED static enum alb_code finish(struct alb_upload_session **s)
{
    struct alb_future *f;

    assert_ok(alb_upload_finish(s, &f, &err));
    assert_null(*s);
    enum alb_code code = wait_for(f);
    if (code == ALB_OK) {
        struct alb_str result = alb_bytes_view(ALB_CONTAINER_OF(alb_future_result(f), struct alb_bytes, obj));
        assert_true(alb_str_starts(result, ALB_STR("asset of ")));
    }
    alb_future_unref(f);
    return code;
}

/* The original of these bytes is in the store, and right. */
KIT_UNUSED static void check_original(struct world *w, size_t n, uint64_t seed)
{
    unsigned char *bytes = kit_bytes(n, seed);
    struct alb_blob_ref ref = {.size = (int64_t)n};
    char key[ALB_BLOB_KEY_MAX];

    alb_sha256(bytes, n, ref.sha256);
    kit_key(&ref, key);
    assert_ok(alb_blob_scrub(w->k.store, &ref, NULL, &err));
    alb_mem_free(bytes);
}

#endif
