/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker: seal, READY, then one job after the other. Between jobs it holds nothing of any picture: the
 * source is unmapped, descriptors are closed, and a moment after the reply (libvips frees late) the heap is
 * given back. Whatever goes wrong in a library is allowed to end the process; the server sees it and starts
 * another.
 */
#include "image/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vips/vips.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "image/express/lane.h"
#include "image/general.h"
#include "image/general_svg.h"
#include "image/load.h"
#include "image/oom.h"
#include "image/seal.h"

static struct alb_flag_page *page;
static struct alb_express express = {.threads = 1, .mapped = true};
static uint64_t result_max;

#define STATM_FD 4
#define TRIM_AFTER_MS 250
/* Pictures come one after the other: fetching pages from the kernel anew for each costs up to a quarter of the time of
 * one. What is above is given back at once, the rest in the first quiet moment. */
#define HEAP_KEPT (64 << 20)
#define HEAP_PIECE (32 << 20) /* the most that glibc takes: larger blocks are mapped by themselves */
#define OOM_SCORE "500"
#define SVG_MAX ((size_t)256 << 20)
#define META_ARENA ((size_t)16 << 20)

/* Bytes of data that this process has: the measure of RLIMIT_DATA. */
static uint64_t data_now(void)
{
    char text[128];
    ssize_t n = pread(STATM_FD, text, sizeof(text) - 1, 0);
    struct alb_str s = {text, n > 0 ? (size_t)n : 0}, field = ALB_STR_NONE;
    uint64_t pages;
    for (int i = 0; i < 6; i++) {
        if (!alb_str_next(&s, ' ', &field))
            return 0;
    }
    return alb_str_u64(field, &pages) ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* When the machine runs out of memory, a worker goes, not the server: its picture is lost, nothing else. */
static void offer_for_oom(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    alb_ignore(write(fd, OOM_SCORE, sizeof(OOM_SCORE) - 1) < 0, "then the kernel chooses by size alone");
    close(fd);
}

static bool set_up(const struct alb_worker_start *start)
{
    sigset_t none;
    offer_for_oom();
    alb_ignore(!mallopt(M_TRIM_THRESHOLD, HEAP_KEPT) || !mallopt(M_MMAP_THRESHOLD, HEAP_PIECE),
               "only slower");
    int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    page = mmap(NULL, ALB_FLAG_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, start->page_fd, 0);
    if (statm < 0 || page == MAP_FAILED)
        return false;
    alb_oom_watch(page);
    /* both may lie where the other one is to go */
    int sock = fcntl(start->sock, F_DUPFD_CLOEXEC, 10);
    statm = fcntl(statm, F_DUPFD_CLOEXEC, 10);
    if (sock < 0 || statm < 0 || dup2(sock, ALB_DARKROOM_FD) < 0 || dup2(statm, STATM_FD) < 0)
        return false;
    sigemptyset(&none);
    return close_range(STATM_FD + 1, ~0U, 0) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* ---- one job ---- */

struct work {
    const struct alb_job_packet *job;
    struct alb_str inputs[ALB_PLAN_INPUTS]; /* mapped */
    int result_fd;
    struct alb_general_outcome outcome;
    enum alb_executor executor;
};

static void set_job_limits(const struct alb_job_packet *job)
{
    struct rlimit l;
    struct rusage used;
    if (getrlimit(RLIMIT_DATA, &l) == 0) {
        uint64_t want = data_now() + job->memory;
        l.rlim_cur = want < l.rlim_max ? want : l.rlim_max;
        alb_ignore(setrlimit(RLIMIT_DATA, &l) != 0, "the hard limit holds");
    }
    if (getrusage(RUSAGE_SELF, &used) == 0 && getrlimit(RLIMIT_CPU, &l) == 0) {
        l.rlim_cur = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + job->cpu_s + 1;
        alb_ignore(setrlimit(RLIMIT_CPU, &l) != 0, "the server's deadline holds");
    }
}

static enum alb_code send_probe(const struct alb_probe *probe, int result_fd, struct alb_err *err)
{
    struct alb_buf b = ALB_BUF_INIT(ALB_PROBE_PACKED_MAX);
    alb_probe_pack(probe, &b);
    enum alb_code code = alb_buf_code(&b);
    if (code == ALB_OK)
        code = alb_fs_write_all(result_fd, b.p, b.n, err);
    alb_buf_fini(&b);
    return code;
}

static enum alb_code do_probe(const struct work *w, struct alb_err *err)
{
    struct alb_probe *probe = alb_mem_calloc(1, sizeof(*probe));
    enum alb_code code = ALB_E_NO_MEMORY;
    if (probe)
        probe->arena = alb_arena_new(META_ARENA);
    if (probe && probe->arena) {
        if (w->job->order == ALB_ORDER_SIDECAR)
            code = alb_general_sidecar(w->inputs[0], probe, err);
        else
            code = alb_general_probe((enum alb_type)w->job->type, w->inputs[0], &w->job->limits,
                                     w->job->order == ALB_ORDER_PROBE, probe, err);
        if (code == ALB_OK)
            code = send_probe(probe, w->result_fd, err);
    }
    alb_probe_free(&probe);
    return code;
}

/* Through the express lane if the plan is one of those; else, and if it gives up, through libvips. */
static enum alb_code render(struct work *w, const struct alb_plan *plan, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    w->executor = ALB_EXECUTOR_GENERAL;
    if (express.scratch && alb_express_takes(plan)) {
        express.threads = w->job->threads;
        enum alb_code code = alb_express_render(&express, plan, w->inputs[0], w->result_fd, result_max, &why);
        if (code != ALB_E_UNSUPPORTED) {
            w->executor = ALB_EXECUTOR_EXPRESS;
            w->outcome.format = plan->format;
            return code == ALB_OK ? code : alb_fail(err, code, "%s", why.msg);
        }
        w->executor = ALB_EXECUTOR_FALLBACK;
    }
    return alb_general_render(plan, w->inputs, w->result_fd, &w->outcome, err);
}

static enum alb_code do_render(struct work *w, struct alb_err *err)
{
    static struct alb_plan plan; /* too large for a stack; one job at a time */
    enum alb_code code =
        alb_plan_unpack((struct alb_str){(const char *)w->job->plan, w->job->plan_bytes}, &plan, err);
    if (code == ALB_OK && alb_plan_inputs(&plan) > w->job->inputs)
        code = alb_fail(err, ALB_E_INVALID, "an input of the plan is missing");
    return code == ALB_OK ? render(w, &plan, err) : code;
}

static enum alb_code do_sanitise(const struct work *w, struct alb_err *err)
{
    struct alb_buf out = ALB_BUF_INIT(SVG_MAX);
    enum alb_code code = alb_svg_sanitise(w->inputs[0], &out, err);
    if (code == ALB_OK)
        code = alb_fs_write_all(w->result_fd, out.p, out.n, err);
    alb_buf_fini(&out);
    return code;
}

static enum alb_code do_order(struct work *w, struct alb_err *err)
{
    switch ((enum alb_darkroom_order)w->job->order) {
    case ALB_ORDER_RENDER:
        return do_render(w, err);
    case ALB_ORDER_PROBE:
    case ALB_ORDER_HEADER:
        if (w->job->type == ALB_TYPE_UNKNOWN || w->job->type >= ALB_TYPE_COUNT)
            break;
        return do_probe(w, err);
    case ALB_ORDER_SIDECAR:
        return do_probe(w, err);
    case ALB_ORDER_SANITISE:
        return do_sanitise(w, err);
    case ALB_ORDER_CANARY:
        return alb_general_canary(err);
    }
    return alb_fail(err, ALB_E_INVALID, "an unknown order");
}

static enum alb_code map_inputs(struct work *w, const int *fds, struct alb_err *err)
{
    for (uint32_t i = 0; i < w->job->inputs; i++) {
        int64_t n = w->job->input_bytes[i];
        if (n <= 0)
            return alb_fail(err, ALB_E_UNPROCESSABLE, "the source is empty");
        void *map = mmap(NULL, (size_t)n, PROT_READ, MAP_PRIVATE, fds[i], 0);
        if (map == MAP_FAILED)
            return alb_fail_sys(err, ALB_E_IO, errno, "the source cannot be mapped");
        w->inputs[i] = (struct alb_str){map, (size_t)n};
    }
    return ALB_OK;
}

static enum alb_code run(struct work *w, const int *fds, struct alb_err *err)
{
    if (w->job->inputs > ALB_PLAN_INPUTS || (w->job->inputs == 0) != (w->job->order == ALB_ORDER_CANARY))
        return alb_fail(err, ALB_E_INVALID, "a job with %u inputs", w->job->inputs);
    enum alb_code code = map_inputs(w, fds, err);
    if (code == ALB_OK)
        code = do_order(w, err);
    for (uint32_t i = 0; i < ALB_PLAN_INPUTS; i++) {
        if (w->inputs[i].n > 0)
            munmap((void *)(uintptr_t)w->inputs[i].p, w->inputs[i].n);
    }
    return code;
}

static int64_t cpu_ns(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return 0;
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * ALB_NS_PER_S +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

/* fds: the result's file, then the inputs. */
static bool serve(const struct alb_job_packet *job, int *fds)
{
    struct alb_err err = ALB_ERR_INIT;
    struct work w = {.job = job, .result_fd = fds[0]};
    struct alb_reply_packet reply = {
        .magic = ALB_DARKROOM_MAGIC | ALB_DARKROOM_ABI, .kind = ALB_PACKET_REPLY, .seq = job->seq};
    int64_t before = cpu_ns();
    page->begun = job->seq;
    set_job_limits(job);
    alb_load_unlimit(job->limits.png_unlimited, job->limits.svg_unlimited);
    reply.code = (uint32_t)run(&w, fds + 1, &err);
    reply.format = (uint32_t)w.outcome.format;
    reply.trim = w.outcome.trim;
    reply.executor = (uint32_t)w.executor;
    memcpy(reply.text, err.msg, sizeof(reply.text) - 1);
    vips_error_clear();
    for (size_t i = 0; i < ALB_PACKET_FDS; i++)
        alb_fs_close(&fds[i]);
    reply.cpu_ns = cpu_ns() - before;
    return alb_packet_send(ALB_DARKROOM_FD, &reply, sizeof(reply), NULL, 0);
}

/* Waits for the next packet; gives memory back in the first quiet moment. */
static void wait_quietly(void)
{
    struct pollfd p = {.fd = ALB_DARKROOM_FD, .events = POLLIN};
    if (poll(&p, 1, TRIM_AFTER_MS) != 0)
        return;
    if (express.scratch)
        alb_scratch_trim(express.scratch);
    malloc_trim(0);
}

static void loop(void)
{
    static struct alb_job_packet job; /* too large for a stack */
    const size_t head = offsetof(struct alb_job_packet, plan);
    for (;;) {
        int fds[ALB_PACKET_FDS];
        ssize_t n = alb_packet_recv(ALB_DARKROOM_FD, &job, sizeof(job), fds, ALB_PACKET_FDS);
        if (n == 0)
            return;
        if (n < (ssize_t)head || job.plan_bytes != (size_t)n - head ||
            job.magic != (ALB_DARKROOM_MAGIC | ALB_DARKROOM_ABI) || job.kind != ALB_PACKET_JOB ||
            !serve(&job, fds))
            _exit(ALB_WORKER_EXIT_SOCKET);
        wait_quietly();
    }
}

void alb_worker_main(const struct alb_worker_start *start)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_ready_packet ready = {.magic = ALB_DARKROOM_MAGIC | ALB_DARKROOM_ABI,
                                     .kind = ALB_PACKET_READY};
    prctl(PR_SET_NAME, start->profile == ALB_PROFILE_FONTS ? "darkroom-fonts" : "darkroom-strict", 0, 0, 0);
    if (!set_up(start))
        _exit(ALB_WORKER_EXIT_SETUP);
    struct alb_seal seal = {
        .profile = start->profile,
        .filter = start->filter,
        .parent = start->parent,
        .uid = start->uid,
        .memory = start->memory,
        .result_max = start->result_max,
        .data_now = data_now(),
    };
    if (alb_seal_process(&seal, &ready.seal, &err) != ALB_OK)
        _exit(ALB_WORKER_EXIT_SEAL);
    express.scratch = alb_scratch_new(); /* without it everything goes through libvips */
    result_max = start->result_max;
    if (!alb_packet_send(ALB_DARKROOM_FD, &ready, sizeof(ready), NULL, 0))
        _exit(ALB_WORKER_EXIT_SOCKET);
    loop();
    _exit(0);
}
