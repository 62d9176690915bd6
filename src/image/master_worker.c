/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers and the jobs in them, on the master thread. The slot's state and job change under the lock (others
 * look and cancel); sockets, files and processes are touched without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/stat.h"
#include "image/darkroom_priv.h"

#define MAGIC (ALB_DARKROOM_MAGIC | ALB_DARKROOM_ABI)
#define START_PATIENCE (10 * ALB_NS_PER_S)
#define LEAVE_PATIENCE (2 * ALB_NS_PER_S)
#define ROOM (300ULL << 20) /* of memory, beside three times what is expected */
#define FAILURES_TOLD 3     /* workers in a row that do not come up, before start-up is called off */

void alb_dr_slot_set(struct alb_darkroom *dr, struct alb_slot *s, enum alb_slot_state state, int64_t patience)
{
    int64_t now = alb_dr_now();
    s->deadline = patience == ALB_NEVER ? ALB_NEVER : alb_deadline(now, patience);
    alb_mutex_lock(&dr->mtx);
    s->state = state;
    s->since = now;
    alb_mutex_unlock(&dr->mtx);
}

/* ---- coming ---- */

/* The page of flags: its size is sealed, so that looking at it can never fault here. */
static int new_page(void)
{
    int fd = memfd_create("albumen-flags", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (ftruncate(fd, ALB_FLAG_PAGE_BYTES) != 0 ||
                    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0))
        alb_fs_close(&fd);
    return fd;
}

static void close_all(struct alb_slot *s)
{
    alb_fs_close(&s->sock);
    alb_fs_close(&s->page_fd);
    alb_fs_close(&s->pidfd);
    alb_fs_close(&s->result_fd);
}

static bool request(struct alb_darkroom *dr, struct alb_slot *s, int child_sock)
{
    bool fonts = s->lane == ALB_LANE_FONTS || s->lane == ALB_LANE_PROBE_FONTS;
    struct alb_control_packet p = {
        .magic = MAGIC,
        .kind = ALB_PACKET_SPAWN,
        .worker = s->id,
        .profile = fonts ? ALB_PROFILE_FONTS : ALB_PROFILE_STRICT,
        .memory = dr->config.memory,
        .result_max = dr->config.result_max,
    };
    int fds[2] = {child_sock, s->page_fd};
    return alb_packet_send(dr->control, &p, sizeof(p), fds, 2);
}

static void start_failed(struct alb_darkroom *dr, struct alb_slot *s, const char *why)
{
    struct alb_lane_state *lane = &dr->lanes[s->lane];
    struct alb_err err = ALB_ERR_INIT;
    unsigned shift = lane->failures < 7 ? lane->failures : 7;
    lane->failures++;
    lane->retry_at = alb_deadline(alb_dr_now(), (50 * ALB_NS_PER_MS) << shift);
    alb_stat_inc(ALB_STAT_DARKROOM_START_FAILED);
    alb_fail(&err, ALB_E_INTERNAL, "a worker of the darkroom did not start: %s", why);
    if (lane->failures == 1 || lane->failures % 16 == 0)
        alb_log_err("darkroom worker", &err);
    if (lane->failures >= FAILURES_TOLD && lane->eager)
        alb_dr_boot(dr, ALB_BOOT_FAILED, &err);
}

void alb_dr_slot_spawn(struct alb_darkroom *dr, struct alb_slot *s)
{
    int pair[2];
    s->id = ++dr->next_worker;
    s->jobs = 0;
    s->why = ALB_WHY_NONE;
    s->page_fd = new_page();
    if (s->page_fd < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        alb_fs_close(&s->page_fd);
        start_failed(dr, s, "no descriptors");
        return;
    }
    s->sock = pair[0];
    bool ok = alb_dr_watch(dr, s->sock, ALB_TAG_SLOT | (uint64_t)(s - dr->slots)) && request(dr, s, pair[1]);
    close(pair[1]);
    if (ok) {
        alb_dr_slot_set(dr, s, ALB_SLOT_STARTING, START_PATIENCE);
        return;
    }
    close_all(s);
    start_failed(dr, s, "the zygote cannot be reached");
}

void alb_dr_slot_spawned(struct alb_darkroom *dr, struct alb_slot *s, pid_t pid, int pidfd)
{
    s->pidfd = pidfd;
    alb_mutex_lock(&dr->mtx);
    s->pid = pid;
    dr->started_total++;
    alb_mutex_unlock(&dr->mtx);
    alb_stat_inc(ALB_STAT_DARKROOM_STARTED);
    if (s->state == ALB_SLOT_LEAVING) /* it was given up before we knew its process */
        alb_dr_slot_end(dr, s, s->why);
}

static void on_ready(struct alb_darkroom *dr, struct alb_slot *s, const struct alb_ready_packet *p)
{
    dr->lanes[s->lane].failures = 0;
    dr->zygote_pause = 0;
    alb_mutex_lock(&dr->mtx);
    dr->seal = p->seal;
    alb_mutex_unlock(&dr->mtx);
    alb_dr_slot_set(dr, s, ALB_SLOT_IDLE, ALB_NEVER);
}

/* ---- going ---- */

/* Asks for the worker's end; EXITED finishes it. Recycled ones leave by themselves, others are killed. */
void alb_dr_slot_end(struct alb_darkroom *dr, struct alb_slot *s, enum alb_slot_why why)
{
    s->why = why;
    if (why == ALB_WHY_RECYCLED) {
        alb_stat_inc(ALB_STAT_DARKROOM_RECYCLED);
        alb_fs_close(&s->sock);
    } else if (s->pidfd >= 0) {
        syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
    } else if (s->pid > 0) {
        kill(s->pid, SIGKILL);
    }
    alb_dr_slot_set(dr, s, ALB_SLOT_LEAVING, LEAVE_PATIENCE);
}

static struct alb_darkroom_job *take_job(struct alb_darkroom *dr, struct alb_slot *s)
{
    alb_mutex_lock(&dr->mtx);
    struct alb_darkroom_job *job = s->job;
    s->job = NULL;
    alb_mutex_unlock(&dr->mtx);
    if (job)
        alb_stat_dec(ALB_STAT_DARKROOM_BUSY);
    return job;
}

static struct alb_flag_page flags_of(const struct alb_slot *s)
{
    struct alb_flag_page page = {0};
    if (s->page_fd < 0 || pread(s->page_fd, &page, sizeof(page), 0) != (ssize_t)sizeof(page))
        memset(&page, 0, sizeof(page));
    return page;
}

static bool ran_out_of_memory(const struct alb_slot *s)
{
    return flags_of(s).out_of_memory != 0;
}

/* The worker had died before it took the job up: not the picture's fault. Once, for a worker may lie; as
 * often as it takes (and the deadline allows) if the job never left this process. */
static bool may_try_again(struct alb_darkroom *dr, const struct alb_slot *s, struct alb_darkroom_job *job)
{
    if (s->why != ALB_WHY_GONE && (s->why != ALB_WHY_NONE || job->again || flags_of(s).begun == job->ticket))
        return false;
    struct alb_lane_state *lane = &dr->lanes[job->lane];
    job->again = job->again || s->why != ALB_WHY_GONE;
    alb_mutex_lock(&dr->mtx);
    bool closing = dr->closing;
    if (!closing) {
        job->next = lane->head;
        lane->head = job;
        if (!lane->tail)
            lane->tail = job;
        lane->queued++;
    }
    alb_mutex_unlock(&dr->mtx);
    if (!closing)
        alb_stat_inc(ALB_STAT_DARKROOM_QUEUED);
    return !closing;
}

/* Not by us: the kernel was out of memory. */
static bool killed_by_kernel(const struct alb_slot *s, int status)
{
    return s->why == ALB_WHY_NONE && status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* A worker that ended by itself, with memory left. */
static enum alb_code judge_signal(int sig, int status, struct alb_err *err)
{
    switch (sig) {
    case SIGXFSZ:
        alb_stat_inc(ALB_STAT_DARKROOM_FSIZE);
        return alb_fail(err, ALB_E_TOO_LARGE, "the result is larger than the limit");
    case SIGXCPU:
        alb_stat_inc(ALB_STAT_DARKROOM_CPU);
        return alb_fail(err, ALB_E_TIMEOUT, "it took too much processor time");
    case SIGSYS:
        alb_stat_inc(ALB_STAT_DARKROOM_SIGSYS);
        return alb_fail(err, ALB_E_UNPROCESSABLE, "a worker tried a forbidden system call");
    default:
        alb_stat_inc(ALB_STAT_DARKROOM_CRASH);
        return alb_fail(err, ALB_E_UNPROCESSABLE, "a worker crashed (%s %d)", sig ? "signal" : "status",
                        sig ? sig : WEXITSTATUS(status));
    }
}

/* What the end of a process means for its job. The order matters: our own reasons first. */
static enum alb_code judge(const struct alb_slot *s, int status, bool closing, struct alb_err *err)
{
    bool lost = s->why == ALB_WHY_GONE || (s->why == ALB_WHY_NONE && status < 0);
    int sig = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (s->why == ALB_WHY_CANCELLED || (lost && closing)) /* closing: there will be no other worker */
        return alb_fail(err, ALB_E_CANCELLED, "nobody waits for it");
    if (s->why == ALB_WHY_TIMEOUT) {
        alb_stat_inc(ALB_STAT_DARKROOM_TIMEOUT);
        return alb_fail(err, ALB_E_TIMEOUT, "it took too long");
    }
    if (s->why == ALB_WHY_FAILED)
        return alb_fail(err, ALB_E_UNPROCESSABLE, "a worker spoke out of turn");
    if (s->why == ALB_WHY_GONE)
        return alb_fail(err, ALB_E_BUSY, "the worker has gone");
    if (status < 0)
        return alb_fail(err, ALB_E_BUSY, "the darkroom restarts");
    if (ran_out_of_memory(s) || killed_by_kernel(s, status)) {
        alb_stat_inc(ALB_STAT_DARKROOM_OOM);
        return alb_fail(err, ALB_E_TOO_LARGE, "a worker ran out of memory (signal %d)", sig);
    }
    return judge_signal(sig, status, err);
}

static void log_end(const struct alb_slot *s, const struct alb_darkroom_job *job, const struct alb_err *err)
{
    alb_log(err->code == ALB_E_CANCELLED ? ALB_LOG_DEBUG : ALB_LOG_WARN, "darkroom worker ended",
            ALB_LOG_INT("pid", s->pid), ALB_LOG_INT("lane", (int64_t)s->lane),
            ALB_LOG_C("type", alb_type_name(job->type)), ALB_LOG_INT("bytes", job->source_bytes),
            ALB_LOG_C("why", err->msg));
}

void alb_dr_slot_exited(struct alb_darkroom *dr, struct alb_slot *s, int status)
{
    struct alb_err err = ALB_ERR_INIT;
    if (s->state == ALB_SLOT_BUSY && s->sock >= 0 && status >= 0)
        alb_dr_slot_event(dr, s); /* its last word may still lie in the socket */
    if (s->state == ALB_SLOT_STARTING && status >= 0) {
        char why[64];
        snprintf(why, sizeof(why), "%s %d", WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        start_failed(dr, s, why);
    }
    struct alb_darkroom_job *job = take_job(dr, s);
    if (job && may_try_again(dr, s, job))
        job = NULL;
    alb_mutex_lock(&dr->mtx);
    bool closing = dr->closing;
    alb_mutex_unlock(&dr->mtx);
    enum alb_code code = job ? judge(s, status, closing, &err) : ALB_OK;
    if (job) {
        job->short_of_memory = killed_by_kernel(s, status) && !ran_out_of_memory(s);
        log_end(s, job, &err);
    }
    close_all(s);
    alb_dr_slot_set(dr, s, ALB_SLOT_EMPTY, ALB_NEVER);
    alb_mutex_lock(&dr->mtx);
    s->pid = 0;
    alb_mutex_unlock(&dr->mtx);
    if (job)
        alb_dr_job_done(dr, job, code, &err);
}

/* ---- jobs ---- */

void alb_dr_job_done(struct alb_darkroom *dr, struct alb_darkroom_job *job, enum alb_code code,
                     const struct alb_err *err)
{
    int64_t now = alb_dr_now();
    job->code = code;
    job->err = *err;
    job->run_ns = job->since ? now - job->since : 0;
    if (code != ALB_OK) {
        alb_bytes_unref(job->result);
        job->result = NULL;
        alb_probe_free(&job->probe);
        alb_stat_inc(ALB_STAT_DARKROOM_FAILED);
    }
    alb_stat_inc(ALB_STAT_DARKROOM_JOBS);
    if (job->since != 0 && job->work != ALB_WORK_CANARY) /* 0: it never got to a worker */
        alb_stat_observe(job->work == ALB_WORK_RENDER ? ALB_HIST_DARKROOM_RENDER : ALB_HIST_DARKROOM_PROBE,
                         job->run_ns);
    alb_mutex_lock(&dr->mtx);
    dr->jobs_total++;
    alb_mutex_unlock(&dr->mtx);
    job->done(job);
}

/* A descriptor for the worker that cannot be written through. */
static int read_only(int fd)
{
    char path[40];
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY)
        return fcntl(fd, F_DUPFD_CLOEXEC, 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static enum alb_darkroom_order order_of(enum alb_darkroom_work work)
{
    switch (work) {
    case ALB_WORK_RENDER:
        return ALB_ORDER_RENDER;
    case ALB_WORK_PROBE:
        return ALB_ORDER_PROBE;
    case ALB_WORK_HEADER:
        return ALB_ORDER_HEADER;
    case ALB_WORK_SANITISE:
        return ALB_ORDER_SANITISE;
    case ALB_WORK_SIDECAR:
        return ALB_ORDER_SIDECAR;
    case ALB_WORK_CANARY:
        break;
    }
    return ALB_ORDER_CANARY;
}

/* One picture may have two processors if nobody else wants one: the job's own slot is the only busy one. */
static uint32_t threads_for(const struct alb_darkroom *dr)
{
    unsigned busy = 0;
    for (unsigned i = 0; i < dr->slot_count; i++)
        busy += dr->slots[i].state == ALB_SLOT_BUSY;
    return busy <= 1 && dr->config.render_workers > 1 ? 2 : 1;
}

static void fill_packet(struct alb_darkroom *dr, const struct alb_darkroom_job *job)
{
    struct alb_job_packet *p = &dr->packet;
    memset(p, 0, offsetof(struct alb_job_packet, plan));
    p->magic = MAGIC;
    p->kind = ALB_PACKET_JOB;
    p->order = order_of(job->work);
    p->type = job->type;
    p->seq = job->ticket;
    if (job->work != ALB_WORK_CANARY) {
        p->inputs = 1;
        p->input_bytes[0] = job->source_bytes;
    }
    p->memory = dr->config.memory;
    p->cpu_s =
        (uint32_t)(dr->config.job_ns / ALB_NS_PER_S) * 4 + 4; /* several threads; the deadline comes first */
    p->limits = dr->config.limits;
    if (job->work != ALB_WORK_RENDER)
        return;
    p->threads = threads_for(dr);
    for (unsigned i = 0; i < job->more_count; i++)
        p->input_bytes[p->inputs++] = job->more[i].bytes;
    struct alb_buf b = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    alb_plan_pack(job->plan, &b);
    if (3 * job->plan->memory + ROOM < p->memory)
        p->memory = 3 * job->plan->memory + ROOM;
    memcpy(p->plan, b.p, b.n);
    p->plan_bytes = (uint32_t)b.n;
    alb_buf_fini(&b);
}

/* The result's memory file and the inputs, as the worker expects them; *count of them, even after a failure. */
static bool open_files(const struct alb_darkroom_job *job, struct alb_slot *s, int *fds, size_t *count)
{
    s->result_fd = alb_dr_result_new();
    fds[0] = s->result_fd;
    fds[1] = read_only(job->source_fd);
    *count = 2;
    for (unsigned i = 0; job->work == ALB_WORK_RENDER && i < job->more_count; i++)
        fds[(*count)++] = read_only(job->more[i].fd);
    for (size_t i = 0; i < *count; i++) {
        if (fds[i] < 0)
            return false;
    }
    return true;
}

/* The job that the scheduler put into s. It ends here if there are no descriptors for it; if the worker turns
 * out to be dead, it waits in the slot for EXITED, and goes to another. */
void alb_dr_slot_start_job(struct alb_darkroom *dr, struct alb_slot *s)
{
    struct alb_darkroom_job *job = s->job;
    struct alb_err err = ALB_ERR_INIT;
    int fds[ALB_PACKET_FDS];
    size_t count = 0;
    bool ok = true, sent = false;
    alb_stat_inc(ALB_STAT_DARKROOM_BUSY);
    job->since = alb_dr_now();
    if (job->work != ALB_WORK_CANARY)
        ok = open_files(job, s, fds, &count);
    if (!ok) {
        alb_fail_sys(&err, ALB_E_IO, errno, "descriptors for a worker");
    } else {
        fill_packet(dr, job);
        sent = alb_packet_send(s->sock, &dr->packet,
                               offsetof(struct alb_job_packet, plan) + dr->packet.plan_bytes, fds, count);
    }
    for (size_t i = 1; i < count; i++)
        alb_fs_close(&fds[i]);
    if (sent) {
        int64_t by = alb_deadline(job->since, dr->config.job_ns);
        s->deadline = job->deadline < by ? job->deadline : by;
        return;
    }
    alb_fs_close(&s->result_fd);
    if (ok) {
        alb_dr_slot_end(dr, s, ALB_WHY_GONE);
        return;
    }
    take_job(dr, s);
    alb_dr_slot_set(dr, s, ALB_SLOT_IDLE, ALB_NEVER); /* the worker has seen nothing of it */
    alb_dr_job_done(dr, job, err.code, &err);
}

/* A worker's own words are only believed as far as they do no harm. */
static enum alb_code reply_code(const struct alb_slot *s, const struct alb_reply_packet *p,
                                struct alb_err *err)
{
    char text[sizeof(p->text)];
    size_t n = 0;
    for (; n + 1 < sizeof(text) && p->text[n]; n++)
        text[n] = p->text[n] >= ' ' && p->text[n] <= '~' ? p->text[n] : '?';
    text[n] = 0;
    if (ran_out_of_memory(s)) {
        alb_stat_inc(ALB_STAT_DARKROOM_OOM);
        return alb_fail(err, ALB_E_TOO_LARGE, "a worker ran out of memory: %s", text);
    }
    switch (p->code) {
    case ALB_OK:
        return ALB_OK;
    case ALB_E_TOO_LARGE:
    case ALB_E_UNSUPPORTED:
    case ALB_E_IO:
        return alb_fail(err, (enum alb_code)p->code, "%s", text);
    case ALB_E_INVALID:
        return alb_fail(err, ALB_E_INTERNAL, "%s", text);
    default:
        return alb_fail(err, ALB_E_UNPROCESSABLE, "%s", text);
    }
}

static void count_executor(uint32_t executor)
{
    static const enum alb_stat counters[] = {
        [ALB_EXECUTOR_GENERAL] = ALB_STAT_DARKROOM_GENERAL,
        [ALB_EXECUTOR_EXPRESS] = ALB_STAT_DARKROOM_EXPRESS,
        [ALB_EXECUTOR_FALLBACK] = ALB_STAT_DARKROOM_FALLBACK,
    };
    if (executor != ALB_EXECUTOR_NONE && executor < ALB_ARRAY_LEN(counters))
        alb_stat_inc(counters[executor]);
}

static void on_reply(struct alb_darkroom *dr, struct alb_slot *s, const struct alb_reply_packet *p)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_darkroom_job *job = s->job;
    if (s->why != ALB_WHY_NONE)
        return; /* it is being killed: EXITED ends the job */
    enum alb_code code = reply_code(s, p, &err);
    if (code == ALB_OK)
        code = alb_dr_take_result(job, p, s->result_fd, &err);
    if (code == ALB_OK && job->work == ALB_WORK_RENDER)
        count_executor(p->executor);
    alb_fs_close(&s->result_fd);
    job->cpu_ns = p->cpu_ns >= 0 ? p->cpu_ns : 0;
    s->jobs++;
    take_job(dr, s);
    if (code != ALB_OK)
        alb_dr_slot_end(dr, s, ALB_WHY_FAILED);
    else if (s->jobs >= dr->config.jobs_per_worker)
        alb_dr_slot_end(dr, s, ALB_WHY_RECYCLED);
    else
        alb_dr_slot_set(dr, s, ALB_SLOT_IDLE, ALB_NEVER);
    alb_dr_job_done(dr, job, code, &err);
}

/* Every packet begins with its magic and its kind. */
static bool is_packet(const void *p, size_t n, enum alb_packet kind, size_t size)
{
    const uint32_t *head = p;
    return n == size && head[0] == MAGIC && head[1] == (uint32_t)kind;
}

void alb_dr_slot_event(struct alb_darkroom *dr, struct alb_slot *s)
{
    union {
        struct alb_ready_packet ready;
        struct alb_reply_packet reply;
    } p;
    if (s->sock < 0)
        return;
    ssize_t n = recv(s->sock, &p, sizeof(p), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* it has gone: EXITED comes over the control socket */
        alb_fs_close(&s->sock);
        if (s->state == ALB_SLOT_IDLE) /* and gets no job until then */
            alb_dr_slot_end(dr, s, ALB_WHY_GONE);
        return;
    }
    if (is_packet(&p, (size_t)n, ALB_PACKET_READY, sizeof(p.ready)) && s->state == ALB_SLOT_STARTING) {
        on_ready(dr, s, &p.ready);
    } else if (is_packet(&p, (size_t)n, ALB_PACKET_REPLY, sizeof(p.reply)) && s->state == ALB_SLOT_BUSY &&
               p.reply.seq == s->job->ticket) {
        on_reply(dr, s, &p.reply);
    } else if (s->state != ALB_SLOT_LEAVING) { /* it speaks out of turn: not ours any more */
        alb_stat_inc(ALB_STAT_DARKROOM_CRASH);
        alb_dr_slot_end(dr, s, ALB_WHY_FAILED);
    }
}
