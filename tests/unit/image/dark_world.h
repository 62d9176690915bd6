/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the darkroom share: one darkroom with its real program and real processes, jobs that are
 * done at once and jobs that take long, and what is counted afterwards. Included once by each of them.
 */
#ifndef ALB_TESTS_IMAGE_DARK_WORLD_H
#define ALB_TESTS_IMAGE_DARK_WORLD_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "test.h"
#include "plan_simple.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/stat_priv.h"
#include "image/darkroom.h"
#include "image/protocol.h"
#include "sample.h"

static struct alb_darkroom_config config;
static struct alb_darkroom *dr;

static inline int64_t now(void)
{
    return alb_mono(alb_clock_real());
}

/* A few milliseconds for what the kernel does by itself; every wait on it is a loop with a deadline. */
static inline void breathe(void)
{
    struct timespec t = {0, 2000000};
    nanosleep(&t, NULL);
}

static inline int file_of(struct alb_str s)
{
    int fd = memfd_create("source", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, s.p, s.n), s.n);
    return fd;
}

static inline enum alb_code probe_bytes(struct alb_str s, enum alb_type type, struct alb_probe **out)
{
    int fd = file_of(s);
    struct alb_darkroom_job job = {.work = ALB_WORK_PROBE,
                                   .source_fd = fd,
                                   .source_bytes = (int64_t)s.n,
                                   .type = type,
                                   .deadline = ALB_NEVER};
    enum alb_code code = alb_darkroom_run(dr, &job, NULL);
    close(fd);
    *out = job.probe;
    return code;
}

/* Probes and renders to 64 pixels; the code of what failed first. */
static inline enum alb_code plan_with(struct alb_str s, enum alb_format format, struct alb_plan *plan)
{
    struct alb_probe *p;
    struct alb_plan_options o;
    enum alb_code code = probe_bytes(s, alb_sniff(s.p, s.n), &p);
    if (code != ALB_OK)
        return code;
    alb_plan_options_init(&o);
    o.width = o.height = 64;
    o.output.format = format;
    code = plan_make(&p->header, &o, &config.limits, plan, NULL);
    alb_probe_free(&p);
    return code;
}

static inline enum alb_code run_plan(struct alb_str s, const struct alb_plan *plan, int64_t deadline,
                                     struct alb_darkroom_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    int fd = file_of(s);
    *job = (struct alb_darkroom_job){.work = ALB_WORK_RENDER,
                                     .source_fd = fd,
                                     .source_bytes = (int64_t)s.n,
                                     .plan = plan,
                                     .deadline = deadline};
    enum alb_code code = alb_darkroom_run(dr, job, &err);
    close(fd);
    return code;
}

static inline enum alb_code render_with(struct alb_str s, enum alb_format format, int64_t deadline,
                                        struct alb_darkroom_job *job)
{
    static struct alb_plan plan;
    memset(job, 0, sizeof(*job));
    enum alb_code code = plan_with(s, format, &plan);
    return code == ALB_OK ? run_plan(s, &plan, deadline, job) : code;
}

static inline void works(void)
{
    struct alb_str s = sample(300, 200, ".jpg");
    struct alb_darkroom_job job;
    char corners[5];
    if (render_with(s, ALB_FORMAT_PNG, ALB_NEVER, &job) != ALB_OK)
        fail_msg("%s", job.err.msg);
    sample_corners(alb_bytes_view(job.result), corners);
    assert_string_equal(corners, "rgbw");
    alb_bytes_unref(job.result);
    g_free((void *)(uintptr_t)s.p);
}

static inline unsigned count_fds(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Processes whose parent is `parent`. */
static inline unsigned count_children(pid_t parent)
{
    unsigned n = 0;
    DIR *d = opendir("/proc");
    struct dirent *e;
    assert_non_null(d);
    while ((e = readdir(d))) {
        char path[300], text[512], *p;
        int ppid = 0;
        char state = 0;
        snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
        int fd = e->d_name[0] >= '1' && e->d_name[0] <= '9' ? open(path, O_RDONLY) : -1;
        if (fd < 0)
            continue;
        ssize_t got = read(fd, text, sizeof(text) - 1);
        close(fd);
        text[got > 0 ? got : 0] = 0;
        p = strrchr(text, ')');
        if (p && sscanf(p + 1, " %c %d", &state, &ppid) == 2 && ppid == parent && state != 'Z')
            n++;
    }
    closedir(d);
    return n;
}

/* Until every worker of the lanes in use is idle again (replacements are up). */
static inline void settle(void)
{
    int64_t by = now() + 120 * ALB_NS_PER_S;
    for (;;) {
        struct alb_darkroom_view v = alb_darkroom_look(dr);
        unsigned idle = 0, wanted = config.render_workers + config.probe_workers;
        if (strstr(v.level, "landlock")) /* then the canary has called for those, too */
            wanted += config.font_workers;
        for (unsigned i = 0; i < ALB_LANE_COUNT; i++)
            idle += v.lane[i].idle;
        bool busy = false;
        for (unsigned i = 0; i < ALB_LANE_COUNT; i++)
            busy = busy || v.lane[i].busy || v.lane[i].queued || v.lane[i].workers != v.lane[i].idle;
        if (!busy && idle >= wanted)
            return;
        if (now() > by)
            fail_msg("the darkroom does not settle");
        breathe();
    }
}

/* ---- jobs that take long ---- */

struct slow {
    struct alb_darkroom_job job;
    atomic_int done;
};
static struct alb_str slow_source; /* made once */
static struct alb_plan slow_plan; /* the same for all; read by the darkroom while jobs run */
static int slow_fd = -1;

static inline void slow_done(struct alb_darkroom_job *job)
{
    struct slow *s = ALB_CONTAINER_OF(job, struct slow, job);
    atomic_store(&s->done, 1);
}

/* A job that keeps a worker busy for seconds: a large JPEG XL. */
static inline void slow_start(struct slow *s, int64_t deadline, uint64_t *ticket)
{
    struct alb_image_header h = {
        .type = ALB_TYPE_PNG, .width = 3000, .height = 3000, .orientation = 1, .pages = 1, .bits = 8};
    struct alb_plan_options o;
    struct alb_err err = ALB_ERR_INIT;
    memset(s, 0, sizeof(*s));
    h.bytes = (int64_t)slow_source.n;
    alb_plan_options_init(&o);
    o.output.format = ALB_FORMAT_JXL;
    if (slow_plan.count == 0)
        assert_int_equal(plan_make(&h, &o, &config.limits, &slow_plan, NULL), ALB_OK);
    s->job = (struct alb_darkroom_job){.work = ALB_WORK_RENDER,
                                       .source_fd = slow_fd,
                                       .source_bytes = h.bytes,
                                       .plan = &slow_plan,
                                       .deadline = deadline,
                                       .done = slow_done};
    if (alb_darkroom_submit(dr, &s->job, ticket, &err) != ALB_OK)
        fail_msg("%s", err.msg);
}

static inline void await(const char *what, bool (*is)(void *arg), void *arg)
{
    int64_t by = now() + 120 * ALB_NS_PER_S;
    while (!is(arg)) {
        if (now() > by)
            fail_msg("%s does not happen", what);
        breathe();
    }
}

/* The master closes what a job used, and the kernel takes away whom it has killed, a moment after the end. */
struct left {
    unsigned fds, children;
};

static inline struct left look_what_is_left(void)
{
    return (struct left){count_fds(), count_children(alb_darkroom_look(dr).zygote_pid)};
}

static inline bool nothing_more_is_left(void *arg)
{
    struct left is = look_what_is_left();
    const struct left *was = arg;
    return is.fds <= was->fds && is.children <= was->children;
}

static inline bool is_done(void *arg)
{
    return atomic_load(&((struct slow *)arg)->done) != 0;
}

static inline bool is_running(void *arg)
{
    (void)arg;
    /* long enough that the worker has surely taken it up: a job that was not even begun is given to another
     * one */
    return alb_darkroom_look(dr).lane[ALB_LANE_RENDER].longest_run_ns > 250 * ALB_NS_PER_MS;
}

static inline void slow_end(struct slow *s)
{
    await("the end of a job", is_done, s);
    alb_bytes_unref(s->job.result);
}

static inline void reopen(const struct alb_darkroom_config *c)
{
    struct alb_err err = ALB_ERR_INIT;
    alb_darkroom_close(&dr);
    config = *c;
    if (alb_darkroom_open(&config, &dr, &err) != ALB_OK)
        fail_msg("%s", err.msg);
}

/* ---- the whole ---- */

static inline int start(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    slow_source = sample(3000, 3000, ".png[compression=0,filter=none]");
    slow_fd = file_of(slow_source);
    if (alb_darkroom_open(&config, &dr, &err) != ALB_OK) {
        print_error("%s\n", err.msg);
        return -1;
    }
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    print_message("# sandbox: %s\n", v.level);
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    alb_darkroom_close(&dr);
    close(slow_fd);
    g_free((void *)(uintptr_t)slow_source.p);
    return 0;
}

/* Before the tests: `program` is albumen-darkroom. */
static inline bool begin(char *self, const char *program)
{
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_ERROR);
    alb_darkroom_config_default(&config);
    config.job_ns = 600 * ALB_NS_PER_S; /* a sanitizer on a busy machine takes its time */
    config.program = program;
    config.render_workers = 2;
    config.probe_workers = 1;
    return VIPS_INIT(self) == 0;
}

#endif
