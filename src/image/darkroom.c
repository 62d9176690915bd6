/* SPDX-License-Identifier: Apache-2.0
 *
 * The darkroom's API: opening and closing, and what any thread may ask. Everything that touches a process
 * happens on the master thread (master.c); here jobs are put into queues under the lock, and the master is
 * woken.
 */
#include "image/darkroom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/stat.h"
#include "image/darkroom_priv.h"

#define NOBODY 65534
#define BOOT_PATIENCE (30 * ALB_NS_PER_S)

void alb_darkroom_config_default(struct alb_darkroom_config *c)
{
    memset(c, 0, sizeof(*c));
    c->font_workers = 2; /* one may work for the background */
    c->queue_max = 1024;
    c->jobs_per_worker = 200;
    c->job_ns = 30 * ALB_NS_PER_S;
    c->memory = (uint64_t)4 << 30;
    c->result_max = (uint64_t)512 << 20;
    c->uid = NOBODY;
    alb_plan_limits_default(&c->limits);
}

/* ---- opening ---- */

/* The program: as configured, or beside the running one, or in its libexec folder. */
static enum alb_code find_program(struct alb_darkroom *dr, const char *configured, struct alb_err *err)
{
    static const char *const places[] = {"albumen-darkroom", "../libexec/albumen/albumen-darkroom"};
    char self[1024], path[1200];
    if (configured) {
        snprintf(path, sizeof(path), "%s", configured);
        dr->program_fd = open(path, O_PATH | O_CLOEXEC);
    } else {
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        self[n > 0 ? n : 0] = 0;
        char *slash = strrchr(self, '/');
        for (size_t i = 0; slash && i < ALB_ARRAY_LEN(places) && dr->program_fd < 0; i++) {
            snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - self), self, places[i]);
            dr->program_fd = open(path, O_PATH | O_CLOEXEC);
        }
    }
    if (dr->program_fd < 0)
        return alb_fail_sys(err, ALB_E_NOT_FOUND, errno,
                            "the program albumen-darkroom is not where it belongs: %s", path);
    /* out of the way of ALB_DARKROOM_FD, which the child of a spawn fills before it starts the program */
    int high = fcntl(dr->program_fd, F_DUPFD_CLOEXEC, 10);
    if (high < 0)
        return alb_fail_sys(err, ALB_E_INTERNAL, errno, "descriptors for the darkroom");
    close(dr->program_fd);
    dr->program_fd = high;
    size_t n = strlen(path) + 1;
    dr->program = alb_mem_alloc_nofail(n);
    memcpy(dr->program, path, n);
    return ALB_OK;
}

static void count_workers(struct alb_darkroom *dr)
{
    struct alb_darkroom_config *c = &dr->config;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (c->render_workers == 0)
        c->render_workers = cores > 0 ? (unsigned)cores : 1;
    if (c->probe_workers == 0)
        c->probe_workers = c->render_workers > 6 ? c->render_workers / 2 : 3;
    unsigned wanted[ALB_LANE_COUNT] = {
        [ALB_LANE_RENDER] = c->render_workers < 32 ? c->render_workers : 32,
        [ALB_LANE_FONTS] = c->font_workers > 8   ? 8
                           : c->font_workers > 0 ? c->font_workers
                                                 : 1,
        [ALB_LANE_PROBE] = c->probe_workers < 16 ? c->probe_workers : 16,
        [ALB_LANE_PROBE_FONTS] = 1,
    };
    for (unsigned lane = 0; lane < ALB_LANE_COUNT; lane++) {
        dr->lanes[lane].workers = wanted[lane];
        dr->lanes[lane].eager = lane == ALB_LANE_RENDER || lane == ALB_LANE_PROBE;
        for (unsigned i = 0; i < wanted[lane]; i++)
            dr->slots[dr->slot_count++].lane = (enum alb_lane)lane;
    }
}

static void init(struct alb_darkroom *dr, const struct alb_darkroom_config *config)
{
    dr->config = *config;
    dr->program_fd = dr->wake_fd = dr->epoll_fd = dr->control = -1;
    dr->hello_by = ALB_NEVER;
    alb_mutex_init(&dr->mtx, ALB_LOCK_DARKROOM);
    alb_cond_init(&dr->boot_changed);
    count_workers(dr);
    for (unsigned i = 0; i < ALB_WORKERS_MAX; i++) {
        struct alb_slot *s = &dr->slots[i];
        s->sock = s->page_fd = s->pidfd = s->result_fd = -1;
        s->deadline = ALB_NEVER;
    }
}

static enum alb_code make_fds(struct alb_darkroom *dr, struct alb_err *err)
{
    dr->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    dr->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (dr->wake_fd < 0 || dr->epoll_fd < 0 || !alb_dr_watch(dr, dr->wake_fd, ALB_TAG_WAKE))
        return alb_fail_sys(err, ALB_E_INTERNAL, errno, "descriptors for the darkroom");
    return ALB_OK;
}

static enum alb_code await_boot(struct alb_darkroom *dr, struct alb_err *err)
{
    int64_t deadline = alb_deadline(alb_dr_now(), BOOT_PATIENCE);
    bool in_time = true;
    alb_mutex_lock(&dr->mtx);
    while (dr->boot == ALB_BOOT_STARTING && in_time)
        in_time = alb_cond_wait_until(&dr->boot_changed, &dr->mtx, deadline);
    enum alb_boot boot = dr->boot;
    struct alb_err why = dr->boot_err;
    alb_mutex_unlock(&dr->mtx);
    if (boot == ALB_BOOT_UP)
        return ALB_OK;
    if (boot == ALB_BOOT_STARTING)
        return alb_fail(err, ALB_E_TIMEOUT, "the darkroom's workers do not come up");
    return alb_fail_sys(err, why.code, why.sys, "%s", why.msg);
}

static void canary_done(struct alb_darkroom_job *job)
{
    struct alb_darkroom *dr = ALB_CONTAINER_OF(job, struct alb_darkroom, canary);
    alb_mutex_lock(&dr->mtx);
    dr->fonts_ok = job->code == ALB_OK;
    alb_mutex_unlock(&dr->mtx);
    if (job->code != ALB_OK && job->code != ALB_E_CANCELLED)
        alb_log_err("text in SVG and PDF will be missing", &job->err);
}

static void send_canary(struct alb_darkroom *dr)
{
    struct alb_err err = ALB_ERR_INIT;
    uint64_t ticket;
    dr->canary = (struct alb_darkroom_job){
        .work = ALB_WORK_CANARY, .source_fd = -1, .deadline = ALB_NEVER, .done = canary_done};
    if (alb_darkroom_submit(dr, &dr->canary, &ticket, &err) != ALB_OK)
        alb_log_err("SVG and PDF cannot be shown", &err);
}

static void destroy(struct alb_darkroom *dr)
{
    alb_fs_close(&dr->program_fd);
    alb_fs_close(&dr->wake_fd);
    alb_fs_close(&dr->epoll_fd);
    alb_cond_fini(&dr->boot_changed);
    alb_mutex_fini(&dr->mtx);
    alb_mem_free(dr->program);
    alb_mem_free(dr);
}

enum alb_code alb_darkroom_open(const struct alb_darkroom_config *config, struct alb_darkroom **out,
                                struct alb_err *err)
{
    *out = NULL;
    struct alb_darkroom *dr = alb_mem_calloc(1, sizeof(*dr));
    if (!dr)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    init(dr, config);
    enum alb_code code = find_program(dr, config->program, err);
    if (code == ALB_OK)
        code = make_fds(dr, err);
    if (code == ALB_OK)
        code = alb_thread_start(&dr->master, "darkroom", alb_dr_master, dr, err);
    if (code != ALB_OK) {
        destroy(dr);
        return code;
    }
    code = await_boot(dr, err);
    if (code != ALB_OK) {
        alb_darkroom_close(&dr);
        return code;
    }
    send_canary(dr);
    *out = dr;
    return ALB_OK;
}

void alb_darkroom_close(struct alb_darkroom **dr)
{
    if (!*dr)
        return;
    alb_mutex_lock(&(*dr)->mtx);
    (*dr)->closing = true;
    alb_mutex_unlock(&(*dr)->mtx);
    alb_dr_wake(*dr);
    alb_thread_join(&(*dr)->master);
    destroy(*dr);
    *dr = NULL;
}

/* ---- jobs ---- */

void alb_dr_wake(struct alb_darkroom *dr)
{
    uint64_t one = 1;
    alb_ignore(write(dr->wake_fd, &one, sizeof(one)) < 0, "a full counter wakes as well");
}

static enum alb_lane lane_of(const struct alb_darkroom_job *job)
{
    if (job->work == ALB_WORK_CANARY)
        return ALB_LANE_FONTS;
    if (job->work == ALB_WORK_RENDER)
        return job->plan->fonts ? ALB_LANE_FONTS : ALB_LANE_RENDER;
    return alb_type_class(job->type) == ALB_CLASS_VECTOR ? ALB_LANE_PROBE_FONTS : ALB_LANE_PROBE;
}

static enum alb_code check_job(struct alb_darkroom_job *job, struct alb_err *err)
{
    job->result = NULL;
    job->probe = NULL;
    job->code = ALB_OK;
    alb_err_clear(&job->err);
    job->run_ns = job->queued_ns = job->cpu_ns = 0;
    job->cancelled = job->again = job->short_of_memory = false;
    job->next = NULL;
    if (job->work == ALB_WORK_CANARY)
        return ALB_OK;
    if (job->source_fd < 0 || job->source_bytes < 0)
        return alb_fail(err, ALB_E_INVALID, "a job without a source");
    if (job->work == ALB_WORK_RENDER) {
        enum alb_code code = alb_plan_check(job->plan, err);
        if (code == ALB_OK && alb_plan_inputs(job->plan) > job->more_count + 1)
            code = alb_fail(err, ALB_E_INVALID, "an input of the plan is missing");
        job->type = code == ALB_OK ? job->plan->steps[0].u.load.type : ALB_TYPE_UNKNOWN;
        return code;
    }
    if (job->work == ALB_WORK_SIDECAR)
        job->type = ALB_TYPE_XMP;
    else if (job->type == ALB_TYPE_UNKNOWN || (unsigned)job->type >= ALB_TYPE_COUNT)
        return alb_fail(err, ALB_E_INVALID, "a probe of an unknown type");
    return ALB_OK;
}

enum alb_code alb_darkroom_submit(struct alb_darkroom *dr, struct alb_darkroom_job *job, uint64_t *ticket,
                                  struct alb_err *err)
{
    enum alb_code code = check_job(job, err);
    *ticket = 0;
    if (code != ALB_OK)
        return code;
    job->lane = lane_of(job);
    job->since = alb_dr_now();
    struct alb_lane_state *lane = &dr->lanes[job->lane];
    bool fonts = job->lane == ALB_LANE_FONTS || job->lane == ALB_LANE_PROBE_FONTS, busy = true, possible;
    alb_mutex_lock(&dr->mtx);
    possible = !fonts || dr->fonts_possible;
    if (possible && !dr->closing && lane->queued < dr->config.queue_max) {
        busy = false;
        job->ticket = ++dr->next_ticket;
        *ticket = job->ticket;
        lane->used = true;
        lane->queued++;
        if (lane->tail)
            lane->tail->next = job;
        else
            lane->head = job;
        lane->tail = job;
        alb_stat_inc(ALB_STAT_DARKROOM_QUEUED);
    }
    alb_mutex_unlock(&dr->mtx);
    if (!possible)
        return alb_fail(err, ALB_E_UNSUPPORTED, "this kernel has no Landlock: SVG and PDF are not opened");
    if (busy)
        return alb_fail(err, ALB_E_BUSY, "the darkroom's queue is full");
    alb_dr_wake(dr);
    return ALB_OK;
}

void alb_darkroom_cancel(struct alb_darkroom *dr, uint64_t ticket)
{
    bool found = false;
    alb_mutex_lock(&dr->mtx);
    for (unsigned i = 0; i < dr->slot_count && !found; i++) {
        struct alb_darkroom_job *job = dr->slots[i].job;
        found = job && job->ticket == ticket;
        if (found)
            job->cancelled = true;
    }
    for (unsigned i = 0; i < ALB_LANE_COUNT && !found; i++) {
        for (struct alb_darkroom_job *job = dr->lanes[i].head; job && !found; job = job->next) {
            found = job->ticket == ticket;
            if (found)
                job->cancelled = true;
        }
    }
    alb_mutex_unlock(&dr->mtx);
    if (found)
        alb_dr_wake(dr);
}

struct waiting {
    struct alb_darkroom_job job; /* a copy: the user's `done` is not called */
    struct alb_mutex mtx;
    struct alb_cond cond;
    bool done;
};

static void run_done(struct alb_darkroom_job *job)
{
    struct waiting *w = ALB_CONTAINER_OF(job, struct waiting, job);
    alb_mutex_lock(&w->mtx);
    w->done = true;
    alb_cond_signal(&w->cond);
    alb_mutex_unlock(&w->mtx);
}

enum alb_code alb_darkroom_run(struct alb_darkroom *dr, struct alb_darkroom_job *job, struct alb_err *err)
{
    struct waiting w = {.job = *job};
    uint64_t ticket;
    ALB_CHECK(alb_thread_may_block());
    w.job.done = run_done;
    alb_mutex_init(&w.mtx, ALB_LOCK_DARKROOM_RUN);
    alb_cond_init(&w.cond);
    enum alb_code code = alb_darkroom_submit(dr, &w.job, &ticket, err);
    alb_mutex_lock(&w.mtx);
    while (code == ALB_OK && !w.done)
        alb_cond_wait(&w.cond, &w.mtx);
    alb_mutex_unlock(&w.mtx);
    alb_cond_fini(&w.cond);
    alb_mutex_fini(&w.mtx);
    if (code != ALB_OK)
        return code;
    alb_job_done_fn *done = job->done;
    *job = w.job;
    job->done = done;
    return job->code == ALB_OK ? ALB_OK : alb_fail_sys(err, job->code, job->err.sys, "%s", job->err.msg);
}

/* ---- looking ---- */

static void look_at_slots(struct alb_darkroom *dr, int64_t now, struct alb_darkroom_view *v)
{
    size_t pids = 0;
    for (unsigned i = 0; i < dr->slot_count; i++) {
        const struct alb_slot *s = &dr->slots[i];
        if (s->state == ALB_SLOT_EMPTY)
            continue;
        v->lane[s->lane].workers++;
        v->lane[s->lane].idle += s->state == ALB_SLOT_IDLE;
        v->lane[s->lane].busy += s->job != NULL;
        if (s->job && now - s->since > v->lane[s->lane].longest_run_ns)
            v->lane[s->lane].longest_run_ns = now - s->since;
        if (s->pid > 0 && pids < ALB_ARRAY_LEN(v->worker_pids))
            v->worker_pids[pids++] = s->pid;
    }
}

struct alb_darkroom_view alb_darkroom_look(struct alb_darkroom *dr)
{
    struct alb_darkroom_view v;
    memset(&v, 0, sizeof(v));
    int64_t now = alb_dr_now();
    alb_mutex_lock(&dr->mtx);
    look_at_slots(dr, now, &v);
    for (unsigned i = 0; i < ALB_LANE_COUNT; i++) {
        v.lane[i].queued = dr->lanes[i].queued;
        v.lane[i].oldest_wait_ns = dr->lanes[i].head ? now - dr->lanes[i].head->since : 0;
    }
    v.jobs_total = dr->jobs_total;
    v.started_total = dr->started_total;
    v.zygote_pid = dr->zygote_pid;
    v.zygote_alive = dr->zygote_pid != 0;
    v.fonts_ok = dr->fonts_ok;
    uint32_t seal = dr->seal;
    unsigned landlock = dr->landlock;
    alb_mutex_unlock(&dr->mtx);
    int n = 0;
    if (seal & ALB_SEAL_LANDLOCK)
        n = snprintf(v.level, sizeof(v.level), "landlock:%u ", landlock);
    snprintf(v.level + n, sizeof(v.level) - (size_t)n, "%s%s%s", seal & ALB_SEAL_SECCOMP ? "seccomp" : "none",
             seal & ALB_SEAL_UID ? " uid" : "", seal & ALB_SEAL_RELAXED ? " (relaxed for a sanitizer)" : "");
    return v;
}
