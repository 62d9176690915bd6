/* SPDX-License-Identifier: Apache-2.0
 *
 * The darkroom: the only place where albumen meets a codec. Decoders and encoders work on hostile bytes,
 * cannot be interrupted and leak; so they run in small sandboxed processes. The server hands a worker two
 * descriptors (the source, read-only, and a memory file for the result) and a plan, and gets a short reply.
 *
 *   server                                     albumen-darkroom (a program of its own: the server links no codec)
 *   master thread --control socket-->          zygote: libraries loaded, one thread, never touches a picture
 *        |                                       | fork
 *        +--job socket (descriptors, plan)-->  worker: sealed (uid, rlimits, Landlock, seccomp), one job at a time
 *
 * Lanes, each with its own workers and its own bounded queue:
 *   RENDER  rasters, RAW; profile STRICT: no file can be opened at all
 *   FONTS   SVG, PDF; profile FONTS: font folders can be read, nothing else
 *   PROBE   probes of rasters, RAW, video, sidecars; never behind renders; STRICT
 *   PROBE_FONTS  probes of SVG and PDF
 * Workers of RENDER and PROBE are started with the darkroom, the others with their first job.
 *
 * Life of a job:   submit -> QUEUED -> RUNNING -> done(job), exactly once, on the master thread
 *   queue full           submit returns BUSY, done is never called
 *   cancel               QUEUED: done(CANCELLED); RUNNING: the worker is killed and reaped, then done(CANCELLED)
 *   deadline             QUEUED or RUNNING: the same with TIMEOUT
 *   worker dies          done(UNPROCESSABLE), or TOO_LARGE if it ran out of memory or of room for the result
 *   worker says no       UNPROCESSABLE (damaged), TOO_LARGE (a limit), UNSUPPORTED
 *   zygote dies          done(BUSY) for running jobs; it is started again, with a growing pause
 * A worker is replaced after `jobs_per_worker` jobs and after every failure. A result is sealed before it is
 * read, and its header is checked against the plan.
 *
 * Laws: 7 (queues, memory, pixels, output, time), 8 (cancel = kill; the process is gone before done is
 * called). No process outlives the server: the zygote and each worker ask for SIGKILL on the death of their
 * parent, and leave when their socket closes.
 *
 * Threads: any may submit and cancel. Lock: DARKROOM; callbacks run without it and must be short (push to a
 * pool).
 */
#ifndef ALB_IMAGE_DARKROOM_H
#define ALB_IMAGE_DARKROOM_H

#include <sys/types.h>

#include "base/clock.h"
#include "base/obj.h"
#include "image/plan.h"
#include "image/probe.h"

struct alb_darkroom;

enum alb_lane { ALB_LANE_RENDER, ALB_LANE_FONTS, ALB_LANE_PROBE, ALB_LANE_PROBE_FONTS, ALB_LANE_COUNT };

struct alb_darkroom_config {
    const char *program; /* path of albumen-darkroom; NULL: beside the running program, else in its libexec */
    unsigned render_workers; /* 0 = number of processors */
    unsigned probe_workers;  /* 0 = half of that, at least 3: one is free for headers (order.h of render) */
    unsigned font_workers;   /* 0 = 1 */
    unsigned queue_max;      /* jobs waiting, per lane */
    unsigned jobs_per_worker;
    int64_t job_ns;                /* longest run of one job */
    uint64_t memory;               /* most that one worker may take, bytes */
    uint64_t result_max;           /* largest result, bytes */
    struct alb_plan_limits limits; /* what a probe may decode */
    uid_t uid;                     /* whom workers become when the server is root */
};
void alb_darkroom_config_default(struct alb_darkroom_config *c);
/* The limits of the option table, checked: INVALID names the option. Workers, times and program stay as they
 * are. */
struct alb_options;
enum alb_code alb_darkroom_config_options(struct alb_darkroom_config *c, const struct alb_options *o,
                                          struct alb_err *err) ALB_MUST_CHECK;

/* Starts the zygote and the first workers and waits until one of each lane that starts now is ready, or says
 * why not. Call at start-up, before or after threads exist. */
enum alb_code alb_darkroom_open(const struct alb_darkroom_config *config, struct alb_darkroom **out,
                                struct alb_err *err) ALB_MUST_CHECK;
/* Ends every job with CANCELLED, then every process and the master. Nobody may submit any more. */
void alb_darkroom_close(struct alb_darkroom **dr);

enum alb_darkroom_work {
    ALB_WORK_PROBE,   /* -> job->probe */
    ALB_WORK_HEADER,  /* the same without looking at pixels: header and metadata -> job->probe */
    ALB_WORK_RENDER,  /* plan -> job->result */
    ALB_WORK_SANITISE, /* the source is an SVG -> job->result: the same without what could run (general_svg.h) */
    ALB_WORK_SIDECAR, /* the source is an XMP file -> job->probe with type XMP and its metadata */
    ALB_WORK_CANARY, /* draws a word in lane FONTS: OK, or UNPROCESSABLE if fonts cannot be reached; no source
                      */
};

struct alb_darkroom_job;
typedef void alb_job_done_fn(struct alb_darkroom_job *job);

/* Lies in its user's struct; the darkroom holds it from submit until done is called. */
struct alb_darkroom_job {
    /* set by the user */
    enum alb_darkroom_work work;
    int source_fd;        /* borrowed until done: a regular file or memory file; workers get it read-only */
    int64_t source_bytes; /* its size */
    enum alb_type type;   /* PROBE: as sniffed (chooses the lane); RENDER: taken from the plan */
    const struct alb_plan *plan; /* RENDER: borrowed; checked at submit */
    /* RENDER: the plan's further inputs, [0] is input 1; as source_fd */
    struct {
        int fd;
        int64_t bytes;
    } more[ALB_PLAN_INPUTS - 1];
    unsigned more_count;
    int64_t deadline;            /* real monotonic ns, queue and run together; ALB_NEVER allowed */
    alb_job_done_fn *done;
    /* set when done is called */
    enum alb_code code;
    struct alb_err err;
    struct alb_bytes *result;          /* give: a reference of the user's, RENDER and SANITISE */
    enum alb_format format;            /* of the result */
    struct alb_rect trim;              /* RENDER of a plan that ends in FIND_TRIM: no result, but this */
    struct alb_probe *probe;           /* give, PROBE, HEADER and SIDECAR */
    int64_t queued_ns, run_ns, cpu_ns; /* run_ns 0: it never got to a worker */
    bool short_of_memory; /* TOO_LARGE: the kernel took the worker, for the machine had no more */
    /* private */
    uint64_t ticket;
    enum alb_lane lane;
    bool cancelled, again;
    int64_t since;
    struct alb_darkroom_job *next;
};

/* INVALID (a plan that does not check), UNSUPPORTED (FONTS is not available on this system), BUSY (queue full
 * or closing): done will not be called. *ticket names this submission for cancel. done may be called before
 * this returns. */
enum alb_code alb_darkroom_submit(struct alb_darkroom *dr, struct alb_darkroom_job *job, uint64_t *ticket,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* Asks for the end of a job; done is still called, once. A ticket whose job is done is ignored, so this needs
 * no care about races. */
void alb_darkroom_cancel(struct alb_darkroom *dr, uint64_t ticket);

/* Submits and waits: for command lines and tests, never from the io pool (law 1). Returns job->code. */
enum alb_code alb_darkroom_run(struct alb_darkroom *dr, struct alb_darkroom_job *job,
                               struct alb_err *err) ALB_MUST_CHECK;

struct alb_darkroom_view {
    struct {
        unsigned workers, idle, busy, queued;
        int64_t oldest_wait_ns, longest_run_ns;
    } lane[ALB_LANE_COUNT];
    uint64_t jobs_total, started_total; /* workers */
    bool zygote_alive;
    bool fonts_ok;  /* the canary text came out with ink */
    char level[96]; /* how far the sandbox goes here: "uid landlock:7 seccomp" */
    pid_t zygote_pid;
    pid_t worker_pids[64]; /* 0-terminated if fewer; for dumps and tests */
};
struct alb_darkroom_view alb_darkroom_look(struct alb_darkroom *dr);

#endif
