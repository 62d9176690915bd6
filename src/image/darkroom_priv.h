/* SPDX-License-Identifier: Apache-2.0
 *
 * Server side of the darkroom, shared by its files: darkroom.c (the API: any thread), master.c (the master
 * thread's loop and scheduling), master_zygote.c (the zygote), master_worker.c (workers and their jobs),
 * result.c (what came out). Fields are grouped by who may touch them.
 *
 * A worker slot:
 *   EMPTY --spawn--> STARTING --READY--> IDLE --job--> BUSY --good REPLY--> IDLE
 *     ^                 |                 |             |
 *     +---- EXITED -----+---- LEAVING <---+-------------+   recycled, killed, failed, closing
 * A job leaves its slot (and done is called) at REPLY, or, when its worker is killed or dies, at EXITED:
 * never before the process is gone.
 */
#ifndef ALB_IMAGE_DARKROOM_PRIV_H
#define ALB_IMAGE_DARKROOM_PRIV_H

#include "base/lock.h"
#include "base/thread.h"
#include "image/darkroom.h"
#include "image/protocol.h"

#define ALB_WORKERS_MAX 64

enum alb_slot_state { ALB_SLOT_EMPTY, ALB_SLOT_STARTING, ALB_SLOT_IDLE, ALB_SLOT_BUSY, ALB_SLOT_LEAVING };

/* Why the master ended a worker; decides what its job is told. */
enum alb_slot_why {
    ALB_WHY_NONE,
    ALB_WHY_CANCELLED,
    ALB_WHY_TIMEOUT,
    ALB_WHY_RECYCLED,
    ALB_WHY_FAILED,
    ALB_WHY_GONE, /* it was dead before it could be given its job: another one gets it */
};

struct alb_slot {
    /* under mtx; changed by the master only, so the master may read without it */
    enum alb_slot_state state;
    enum alb_lane lane;
    struct alb_darkroom_job *job;
    pid_t pid;     /* 0 until SPAWNED */
    int64_t since; /* of the state */
    /* owned by the master */
    uint64_t id; /* of the worker in it */
    int sock, page_fd, pidfd, result_fd;
    unsigned jobs;
    int64_t deadline; /* of the state: start, job, leaving */
    enum alb_slot_why why;
};

struct alb_lane_state {
    /* fixed after create */
    unsigned workers; /* how many slots */
    bool eager;       /* workers from the beginning */
    /* under mtx */
    struct alb_darkroom_job *head, *tail;
    unsigned queued;
    bool used;
    /* owned by the master */
    bool active;       /* has its workers: eager, or used (copied from under the lock) */
    unsigned failures; /* workers in a row that did not get READY */
    int64_t retry_at;
};

enum alb_boot { ALB_BOOT_STARTING, ALB_BOOT_UP, ALB_BOOT_FAILED };

struct alb_darkroom {
    /* fixed after create */
    struct alb_darkroom_config config;
    char *program;
    int program_fd; /* the very file that was there at start: an upgrade does not mix versions */
    int wake_fd, epoll_fd;
    unsigned slot_count;
    struct alb_thread master;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond boot_changed;
    enum alb_boot boot;
    struct alb_err boot_err;
    bool closing;
    bool fonts_possible, fonts_ok;
    uint64_t next_ticket;
    uint64_t jobs_total, started_total;
    uint32_t seal; /* what the last worker reached */
    unsigned landlock;
    pid_t zygote_pid; /* 0 = none */
    struct alb_lane_state lanes[ALB_LANE_COUNT];
    struct alb_slot slots[ALB_WORKERS_MAX];
    /* owned by the master */
    int control;
    bool hello;
    uint64_t next_worker;
    int64_t zygote_retry_at, zygote_pause, hello_by;
    struct alb_darkroom_job canary;
    struct alb_job_packet packet; /* the next one to be sent: too large for a stack */
    bool canary_sent;
};

/* Tags in epoll data. */
#define ALB_TAG_WAKE (1ULL << 32)
#define ALB_TAG_CONTROL (2ULL << 32)
#define ALB_TAG_SLOT (3ULL << 32) /* or-ed with the slot's index */

int64_t alb_dr_now(void);
void alb_dr_wake(struct alb_darkroom *dr);

/* master.c */
void *alb_dr_master(void *arg);
bool alb_dr_watch(struct alb_darkroom *dr, int fd, uint64_t tag) ALB_MUST_CHECK;
void alb_dr_boot(struct alb_darkroom *dr, enum alb_boot state, const struct alb_err *err);

/* master_zygote.c; master thread */
void alb_dr_zygote_start(struct alb_darkroom *dr);
void alb_dr_zygote_event(struct alb_darkroom *dr);
void alb_dr_zygote_lost(struct alb_darkroom *dr, const char *why);
void alb_dr_zygote_end(struct alb_darkroom *dr); /* closing: no workers are left */
const char *alb_dr_profile_missing(const struct alb_darkroom *dr, enum alb_lane lane);

/* master_worker.c; master thread */
void alb_dr_slot_spawn(struct alb_darkroom *dr, struct alb_slot *s);
void alb_dr_slot_event(struct alb_darkroom *dr, struct alb_slot *s);
void alb_dr_slot_spawned(struct alb_darkroom *dr, struct alb_slot *s, pid_t pid, int pidfd);
void alb_dr_slot_exited(struct alb_darkroom *dr, struct alb_slot *s, int status);
void alb_dr_slot_start_job(struct alb_darkroom *dr, struct alb_slot *s);
void alb_dr_slot_end(struct alb_darkroom *dr, struct alb_slot *s, enum alb_slot_why why);
void alb_dr_slot_set(struct alb_darkroom *dr, struct alb_slot *s, enum alb_slot_state state,
                     int64_t patience);
/* Ends a job: fills it in, counts it, calls done. Without locks. */
void alb_dr_job_done(struct alb_darkroom *dr, struct alb_darkroom_job *job, enum alb_code code,
                     const struct alb_err *err);

/* result.c */
enum alb_code alb_dr_take_result(struct alb_darkroom_job *job, const struct alb_reply_packet *reply, int fd,
                                 struct alb_err *err) ALB_MUST_CHECK;
int alb_dr_result_new(void); /* memory file, or -1 */

#endif
