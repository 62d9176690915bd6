/* SPDX-License-Identifier: Apache-2.0
 * The fakes (fakes.h).
 */
#include "fakes.h"

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "blob/store.h"

/* What every source is. */
static const struct alb_image_header jpeg_header = {.type = ALB_TYPE_JPEG,
                                                    .width = 4000,
                                                    .height = 3000,
                                                    .orientation = 1,
                                                    .pages = 1,
                                                    .bits = 8,
                                                    .space = ALB_SPACE_RGB,
                                                    .bytes = 1000000};

/* ---- darkroom ---- */

struct fake_darkroom fake_darkroom;

#define RUNNING_MAX 512

static struct {
    pthread_mutex_t mtx;
    pthread_cond_t news;
    struct {
        struct alb_darkroom_job *job;
        uint64_t ticket;
        bool cancelled;
    } at[RUNNING_MAX]; /* what runs, oldest first */
    uint64_t next_ticket;
    pthread_t master;
    bool master_runs, stop;
} dark = {.mtx = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

static void release_result(void *arg, const unsigned char *p, size_t n)
{
    (void)arg;
    (void)n;
    alb_mem_free((void *)(uintptr_t)p);
}

static struct alb_bytes *picture_bytes(size_t n)
{
    unsigned char *p = alb_mem_calloc(1, n ? n : 1);
    struct alb_bytes *b = p ? alb_bytes_wrap(p, n ? n : 1, release_result, NULL) : NULL;
    ALB_CHECK(b != NULL);
    return b;
}

static struct alb_darkroom_job *take_out_locked(unsigned i)
{
    struct alb_darkroom_job *job = dark.at[i].job;
    fake_darkroom.running--;
    memmove(&dark.at[i], &dark.at[i + 1], (fake_darkroom.running - i) * sizeof(dark.at[0]));
    return job;
}

static struct alb_probe *probe_of_jpeg(void)
{
    struct alb_probe *p = alb_mem_calloc(1, sizeof(*p));
    ALB_CHECK(p != NULL);
    p->type = ALB_TYPE_JPEG;
    p->header = jpeg_header;
    return p;
}

static void end_job(struct alb_darkroom_job *job, enum alb_code code)
{
    job->code = code;
    job->run_ns = fake_darkroom.run_ns ? fake_darkroom.run_ns : 1000000;
    job->run_ns = fake_darkroom.starved ? 0 : job->run_ns;
    job->queued_ns = fake_darkroom.late ? job->run_ns * 2 : 0;
    job->short_of_memory = fake_darkroom.short_of_memory;
    if (code == ALB_OK && (job->work == ALB_WORK_HEADER || job->work == ALB_WORK_PROBE)) {
        job->probe = probe_of_jpeg();
    } else if (code == ALB_OK && alb_plan_is_trim(job->plan)) {
        job->trim = fake_darkroom.trim;
    } else if (code == ALB_OK) {
        job->result = picture_bytes(fake_darkroom.result_bytes);
        job->format = job->plan->format;
    } else
        (void)alb_fail(&job->err, code, "the fake darkroom says so");
    job->done(job);
}

/* STORM: ends what runs, in any order, in any way. */
static void *storm(void *arg)
{
    static const enum alb_code codes[] = {ALB_OK, ALB_OK, ALB_OK, ALB_OK, ALB_E_UNPROCESSABLE, ALB_E_BUSY};
    uint32_t seed = 7;
    (void)arg;
    (void)pthread_mutex_lock(&dark.mtx);
    while (!dark.stop || fake_darkroom.running > 0) {
        if (fake_darkroom.running == 0) {
            (void)pthread_cond_wait(&dark.news, &dark.mtx);
            continue;
        }
        seed = seed * 1664525u + 1013904223u;
        unsigned i = (seed >> 28) % fake_darkroom.running;
        enum alb_code code = codes[(seed >> 16) % ALB_ARRAY_LEN(codes)];
        if (dark.at[i].cancelled)
            code = ALB_E_CANCELLED;
        struct alb_darkroom_job *job = take_out_locked(i);
        (void)pthread_mutex_unlock(&dark.mtx);
        if ((seed >> 24) & 1)
            (void)sched_yield();
        end_job(job, code);
        (void)pthread_mutex_lock(&dark.mtx);
    }
    (void)pthread_mutex_unlock(&dark.mtx);
    return NULL;
}

void fake_reset(enum fake_mode mode)
{
    fake_darkroom = (struct fake_darkroom){.mode = mode, .result_bytes = 100};
    dark.stop = false;
    atomic_store(&fake_verify_slices, 1);
    atomic_store(&fake_gate_closed, false);
    atomic_store(&fake_cache_puts, 0);
    atomic_store(&fake_cache_gets, 0);
    atomic_store(&fake_cache_off, false);
    atomic_store(&fake_origin_changed, false);
    dark.master_runs = mode == FAKE_STORM;
    if (dark.master_runs)
        ALB_CHECK(pthread_create(&dark.master, NULL, storm, NULL) == 0);
}

void fake_stop(void)
{
    (void)pthread_mutex_lock(&dark.mtx);
    dark.stop = true;
    (void)pthread_cond_broadcast(&dark.news);
    (void)pthread_mutex_unlock(&dark.mtx);
    if (dark.master_runs)
        (void)pthread_join(dark.master, NULL);
    dark.master_runs = false;
}

static unsigned look_at(const unsigned *field)
{
    (void)pthread_mutex_lock(&dark.mtx);
    unsigned n = *field;
    (void)pthread_mutex_unlock(&dark.mtx);
    return n;
}

unsigned fake_running(void)
{
    return look_at(&fake_darkroom.running);
}

unsigned fake_submitted(void)
{
    return look_at(&fake_darkroom.submitted);
}

unsigned fake_headers(void)
{
    return look_at(&fake_darkroom.headers);
}

unsigned fake_cancels(void)
{
    return look_at(&fake_darkroom.cancels);
}

void fake_finish(enum alb_code code)
{
    (void)pthread_mutex_lock(&dark.mtx);
    ALB_CHECK(fake_darkroom.running > 0);
    bool cancelled = dark.at[0].cancelled;
    struct alb_darkroom_job *job = take_out_locked(0);
    (void)pthread_mutex_unlock(&dark.mtx);
    end_job(job, cancelled ? ALB_E_CANCELLED : code);
}

void fake_finish_cancelled(void)
{
    for (;;) {
        (void)pthread_mutex_lock(&dark.mtx);
        unsigned i = 0;
        while (i < fake_darkroom.running && !dark.at[i].cancelled)
            i++;
        struct alb_darkroom_job *job = i < fake_darkroom.running ? take_out_locked(i) : NULL;
        (void)pthread_mutex_unlock(&dark.mtx);
        if (!job)
            return;
        end_job(job, ALB_E_CANCELLED);
    }
}

enum alb_code alb_darkroom_submit(struct alb_darkroom *dr, struct alb_darkroom_job *job, uint64_t *ticket,
                                  struct alb_err *err)
{
    (void)dr;
    *ticket = 0;
    ALB_CHECK(job->source_fd >= 0 && (job->work == ALB_WORK_HEADER || job->work == ALB_WORK_PROBE ||
                                      (job->work == ALB_WORK_RENDER && job->plan)));
    (void)pthread_mutex_lock(&dark.mtx);
    if (fake_darkroom.submit != ALB_OK) {
        (void)pthread_mutex_unlock(&dark.mtx);
        return alb_fail(err, fake_darkroom.submit, "the fake darkroom takes nothing");
    }
    ALB_CHECK(fake_darkroom.running < RUNNING_MAX);
    *ticket = ++dark.next_ticket;
    unsigned i = fake_darkroom.running++;
    dark.at[i].job = job;
    dark.at[i].ticket = *ticket;
    dark.at[i].cancelled = false;
    if (job->work == ALB_WORK_HEADER)
        fake_darkroom.headers++;
    else
        fake_darkroom.submitted++;
    if (fake_darkroom.running > fake_darkroom.most_running)
        fake_darkroom.most_running = fake_darkroom.running;
    bool now = fake_darkroom.mode == FAKE_AUTO;
    if (now)
        (void)take_out_locked(i);
    (void)pthread_cond_broadcast(&dark.news);
    (void)pthread_mutex_unlock(&dark.mtx);
    if (now)
        end_job(job, fake_darkroom.answer);
    return ALB_OK;
}

void alb_darkroom_cancel(struct alb_darkroom *dr, uint64_t ticket)
{
    (void)dr;
    (void)pthread_mutex_lock(&dark.mtx);
    for (unsigned i = 0; i < fake_darkroom.running; i++)
        if (dark.at[i].ticket == ticket) {
            fake_darkroom.cancels += !dark.at[i].cancelled;
            dark.at[i].cancelled = true;
        }
    (void)pthread_mutex_unlock(&dark.mtx);
}

/* ---- store ---- */

struct alb_blob_reader {
    unsigned slices;
    bool corrupt;
};

atomic_uint fake_readers, fake_verify_slices = 1, fake_at_gate;
atomic_bool fake_gate_closed;

enum alb_code alb_blob_open(struct alb_blob_store *store, const struct alb_blob_ref *ref,
                            struct alb_blob_reader **reader, struct alb_err *err)
{
    (void)store;
    *reader = NULL;
    if (alb_str_eq_c(ref->key, "missing"))
        return alb_fail(err, ALB_E_NOT_FOUND, "no such original");
    struct alb_blob_reader *r = alb_mem_calloc(1, sizeof(*r));
    if (!r)
        return alb_fail(err, ALB_E_NO_MEMORY, "reader");
    r->slices = atomic_load(&fake_verify_slices);
    r->corrupt = alb_str_eq_c(ref->key, "corrupt");
    (void)atomic_fetch_add(&fake_readers, 1);
    *reader = r;
    return ALB_OK;
}

void alb_blob_close(struct alb_blob_reader **reader)
{
    if (*reader)
        (void)atomic_fetch_sub(&fake_readers, 1);
    alb_mem_free(*reader);
    *reader = NULL;
}

enum alb_code alb_blob_verify_step(struct alb_blob_reader *r, int64_t budget, bool *done, struct alb_err *err)
{
    (void)budget;
    (void)atomic_fetch_add(&fake_at_gate, 1);
    until(!atomic_load(&fake_gate_closed));
    (void)atomic_fetch_sub(&fake_at_gate, 1);
    r->slices--;
    *done = r->slices == 0;
    return *done && r->corrupt ? alb_fail(err, ALB_E_CORRUPT, "block 0 is damaged") : ALB_OK;
}

enum alb_code alb_blob_verify_all(struct alb_blob_reader *r, int *fd, struct alb_err *err)
{
    (void)err;
    ALB_CHECK(r->slices == 0); /* never reads while a slot is held */
    *fd = 0;
    return ALB_OK;
}

/* ---- sources ---- */

atomic_uint fake_sources;

struct source {
    struct alb_source source;
    char header[ALB_HEADER_PACKED_MAX];
};

static void free_source(struct alb_obj *obj)
{
    (void)atomic_fetch_sub(&fake_sources, 1);
    alb_mem_free(obj);
}

struct alb_source *fake_source(unsigned content, const char *key)
{
    struct alb_source *s = fake_picture(content, ALB_TYPE_JPEG, 4000, 3000);
    s->key = alb_str_c(key);
    return s;
}

struct alb_source *fake_picture(unsigned content, enum alb_type type, uint32_t width, uint32_t height)
{
    struct alb_image_header header = jpeg_header;
    header.type = type;
    header.width = width;
    header.height = height;
    struct alb_buf packed = ALB_BUF_INIT(ALB_HEADER_PACKED_MAX);
    struct source *s = alb_mem_calloc(1, sizeof(*s));
    ALB_CHECK(s != NULL);
    alb_obj_init(&s->source.obj, free_source);
    alb_header_pack(&header, &packed);
    ALB_CHECK(alb_buf_code(&packed) == ALB_OK);
    memcpy(s->header, packed.p, packed.n);
    s->source.header = alb_str_n(s->header, packed.n);
    alb_buf_fini(&packed);
    s->source.size = 1000000;
    s->source.key = ALB_STR("k");
    memcpy(s->source.sha256, &content, sizeof(content));
    (void)atomic_fetch_add(&fake_sources, 1);
    return &s->source;
}

/* ---- origins ---- */

atomic_uint fake_origins;
atomic_bool fake_origin_changed;

static void free_origin(struct alb_obj *obj)
{
    (void)atomic_fetch_sub(&fake_origins, 1);
    alb_mem_free(obj);
}

struct alb_origin *fake_origin(unsigned content)
{
    struct alb_origin *o = alb_mem_calloc(1, sizeof(*o));
    ALB_CHECK(o != NULL);
    alb_obj_init(&o->obj, free_origin);
    o->has_bytes = true;
    o->type = ALB_TYPE_JPEG;
    o->size = 1000000;
    memcpy(o->identity, &content, sizeof(content));
    (void)atomic_fetch_add(&fake_origins, 1);
    return o;
}

int alb_origin_fd(const struct alb_origin *o)
{
    return o->has_bytes ? 0 : -1;
}

bool alb_origin_is_same(const struct alb_origin *o)
{
    (void)o;
    return !atomic_load(&fake_origin_changed);
}

/* ---- world ---- */

void world_open(struct world *w, const struct world_options *o)
{
    const struct alb_pool_config pool = {
        .name = "io", .threads = o->threads ? o->threads : 3, .queue_max = 1000};
    struct alb_render_config config;
    memset(w, 0, sizeof(*w));
    memset(&config, 0, sizeof(config));
    alb_manual_clock_init(&w->clock, ALB_NS_PER_S, 1000);
    w->timers = alb_timers_new(&w->clock.clock, 16);
    ALB_CHECK(w->timers && alb_pool_new(&pool, &w->pool, NULL) == ALB_OK);
    config.clock = &w->clock.clock;
    config.pool = w->pool;
    config.timers = w->timers;
    config.darkroom = (struct alb_darkroom *)(void *)&fake_darkroom; /* only handed on */
    config.store = (struct alb_blob_store *)(void *)&fake_darkroom;
    config.cache = fake_cache();
    config.slots = o->slots;
    config.queue_max = o->queue_max ? o->queue_max : 64;
    config.vector_slots = o->vector_slots;
    config.budget_bytes = o->budget ? o->budget : UINT64_MAX;
    config.deadline_ns = 30 * ALB_NS_PER_S;
    config.pyramid = o->pyramid;
    config.ahead = o->ahead;
    config.hot_bytes = o->hot_bytes ? o->hot_bytes : (size_t)1 << 20;
    alb_plan_limits_default(&config.limits);
    ALB_CHECK(alb_render_new(&config, &w->render, NULL) == ALB_OK);
}

void world_settle(struct world *w)
{
    struct alb_pool_view v;
    do {
        (void)sched_yield();
        v = alb_pool_look(w->pool);
    } while (v.busy > 0 || v.queued > 0);
}

int64_t world_now(struct world *w)
{
    return alb_mono(&w->clock.clock);
}

void world_pass(struct world *w, int64_t ns)
{
    alb_manual_clock_advance(&w->clock, ns);
    (void)alb_timers_run(w->timers);
    world_settle(w);
}

void world_close(struct world *w)
{
    if (w->render) {
        world_settle(w);
        struct alb_render_view v = alb_render_look(w->render);
        assert_int_equal(v.jobs, 0);
        assert_int_equal(v.lease.held + v.vectors.held, 0);
        assert_int_equal(v.lease.queued[0] + v.lease.queued[1], 0);
        assert_int_equal(v.vectors.queued[0] + v.vectors.queued[1], 0);
        assert_int_equal(v.lease.budget_used + v.vectors.budget_used, 0);
        alb_render_free(&w->render);
    }
    alb_pool_free(&w->pool);
    alb_timers_free(&w->timers);
    fake_stop();
    fake_cache_empty();
    assert_int_equal(fake_running(), 0);
    assert_int_equal(atomic_load(&fake_readers), 0);
    assert_int_equal(atomic_load(&fake_sources), 0);
    assert_int_equal(atomic_load(&fake_origins), 0);
}

/* ---- askers ---- */

static void wake(struct alb_waiter *w, enum alb_wake why)
{
    struct asker *a = ALB_CONTAINER_OF(w, struct asker, waiter);
    (void)atomic_fetch_add(why == ALB_WAKE_PROMOTED ? &a->promoted : &a->settled, 1);
}

struct alb_plan_options small_picture(void)
{
    struct alb_plan_options o;
    alb_plan_options_init(&o);
    o.width = o.height = 256;
    o.output.format = ALB_FORMAT_JPEG;
    return o;
}

struct alb_render_ask ask_of(struct alb_source *source, const struct alb_plan_options *o,
                             enum alb_lease_class cls, int64_t deadline)
{
    return (struct alb_render_ask){.source = source, .options = o, .cls = cls, .queue_deadline = deadline};
}

enum alb_code ask_until(struct world *w, struct asker *a, struct alb_source *source, int64_t deadline)
{
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask ask = ask_of(source, &o, ALB_LEASE_FOREGROUND, deadline);
    memset(a, 0, sizeof(*a));
    a->waiter.wake = wake;
    a->waiter.heir = true;
    return alb_render_start(w->render, &ask, &a->waiter, &a->future, NULL);
}

enum alb_code ask(struct world *w, struct asker *a, struct alb_source *source)
{
    return ask_until(w, a, source, ALB_NEVER);
}

void asker_leave(struct asker *a)
{
    if (!alb_future_leave(a->future, &a->waiter)) {
        until(atomic_load(&a->settled) + atomic_load(&a->promoted) > 0);
        if (atomic_load(&a->promoted) > 0)
            (void)alb_future_resign(&a->waiter.owner, NULL);
    }
    asker_end(a);
}

void asker_end(struct asker *a)
{
    alb_future_unref(a->future);
    a->future = NULL;
}

const struct alb_picture *asker_picture(const struct asker *a)
{
    struct alb_obj *obj = alb_future_result(a->future);
    return obj ? ALB_CONTAINER_OF(obj, struct alb_picture, obj) : NULL;
}

enum alb_code asker_code(const struct asker *a)
{
    return alb_future_error(a->future, NULL);
}
