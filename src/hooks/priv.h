/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to src/hooks: one run, and the room with its thread.
 *
 *   hooks.c    from outside: configuration, ask, tell, close, counters
 *   event.c    event -> JSON                reply.c    JSON -> reply
 *   loop.c     the thread: lanes, deadlines, what ends a run
 *   command.c  one program, from posix_spawn to waitid
 *   guard.c    a process that ends programs if the server has come to a bad end
 *   web.c      one HTTP call with its attempts
 *   spool.c    notifications that survive a crash
 *
 * A run is made on the caller's thread, handed over through the inbox, and from then on the loop's own,
 * except for its `signals`, by which futures tell it of something (callback.h: short, any thread).
 */
#ifndef ALB_HOOKS_PRIV_H
#define ALB_HOOKS_PRIV_H

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "fetch/fetch.h"
#include "hooks/hooks.h"

#define ALB_HOOKS_HEADERS_MAX 32 /* names that go along to the URL */

enum alb_hook_lane { ALB_LANE_ASK, ALB_LANE_PROGRESS, ALB_LANE_TELL, ALB_LANE_COUNT };

enum {                             /* signals */
       ALB_RUN_FORSAKEN = 1u << 0, /* nobody waits for its answer any more */
       ALB_RUN_WOKEN = 1u << 1,    /* the future of its HTTP attempt is done */
};

struct alb_hook_run {
    struct alb_hook_run *next;
    atomic_uint refs; /* the loop's, and one of a waiter that is registered */
    /* fixed after it was made */
    struct alb_hooks *room;
    enum alb_hook_type type;
    enum alb_hook_lane lane;
    struct alb_bytes *event; /* JSON */
    struct alb_buf id;
    int64_t size, offset;
    struct alb_buf headers; /* that go along: lines, each with "\n" */
    struct alb_owner title; /* none for tell */
    size_t memory;          /* counted for config.memory */
    bool spooled;           /* it has a file */
    uint64_t seq;
    unsigned tries;
    atomic_uint signals;
    /* owned by the loop */
    int64_t deadline; /* of a question since it was made, of a tell since it starts */
    bool hurried;     /* nobody waits, or it is told again: its deadline is near */
    bool ended;       /* answered; it keeps its place until nothing is left of it */
    /* command */
    pid_t pid;      /* 0: none to be reaped */
    int pidfd, out; /* -1: closed */
    bool exited;
    struct alb_buf output;
    /* web */
    unsigned attempt;
    struct alb_future *fetch; /* NULL: none under way */
    struct alb_waiter waiter; /* on fetch */
    int64_t resume_at;        /* of the next attempt, while none is under way */
};

struct alb_spool_entry {
    uint64_t seq;
    unsigned tries;
    bool taken;  /* being written, or a run has it */
    int64_t due; /* monotonic */
};

struct alb_hook_queue { /* owned by the loop */
    struct alb_hook_run *waiting, **waiting_end, *running;
    unsigned running_count, places;
};

struct alb_hook_guard { /* owned by the loop, between open and close */
    pid_t pid;          /* 0: none */
    int fd;             /* or -1 */
};

struct alb_hooks {
    /* fixed after open */
    struct alb_hooks_config config; /* its strings lie in `text` */
    struct alb_arena *text;
    const char *dir; /* or NULL: over HTTP */
    struct alb_str forward[ALB_HOOKS_HEADERS_MAX];
    size_t forward_count;
    struct alb_fetch *fetch;
    int wake;  /* eventfd */
    int spool; /* folder, or -1: none */
    struct alb_thread thread;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_hook_run *inbox; /* newest first */
    bool stopping;
    int64_t stop_by;
    struct alb_spool_entry *spooled; /* the files of the spool, in the order in which they came */
    size_t spooled_count, spooled_room;
    uint64_t spool_seq; /* of the next */
    /* atomic */
    atomic_uint count[ALB_LANE_COUNT]; /* runs that are not freed */
    atomic_uint running;
    atomic_bool spool_news; /* there may be files that are due and that nobody has looked at */
    atomic_size_t memory;
    _Atomic uint64_t invocations[ALB_HOOK_COUNT], errors[ALB_HOOK_COUNT], dropped[ALB_HOOK_COUNT];
    /* owned by the loop */
    struct alb_hook_guard guard; /* of programs */
    struct alb_hook_queue lanes[ALB_LANE_COUNT];
    int64_t spool_next;   /* when to look again */
    struct pollfd *polls; /* room for every run's two descriptors, and the wake */
};

static inline int64_t alb_hooks_now(void)
{
    return alb_mono(alb_clock_real());
}
void *alb_hooks_loop(void *room);
void alb_hooks_wake(struct alb_hooks *h);
/* Any thread: raises the signal and wakes the loop. */
void alb_hook_signal(struct alb_hook_run *run, unsigned signal);
void alb_hook_run_unref(struct alb_hook_run *run); /* the last one frees it; its title has ended */

/* count[lane] has been raised for it. NULL: no memory, and lowered again. */
struct alb_hook_run *alb_hook_run_new(struct alb_hooks *h, enum alb_hook_type type, enum alb_hook_lane lane,
                                      int64_t size, int64_t offset);

/* ---- spool.c ---- */

enum alb_code alb_spool_open(struct alb_hooks *h, int dirfd, const char *folder, struct alb_err *err);
/* Durable, and taken; false: it is not, and why is logged. */
bool alb_spool_put(struct alb_hook_run *run);
/* What was put is to be told now, or never. */
void alb_spool_release(struct alb_hook_run *run, bool tell);
void alb_spool_fill(struct alb_hooks *h, int64_t now); /* takes what is due into the lane, if that is empty */
void alb_spool_ended(struct alb_hook_run *run, enum alb_code code);

/* ---- guard.c ---- */

void alb_hook_guard_open(struct alb_hook_guard *g);
void alb_hook_guard_add(struct alb_hook_guard *g, pid_t group);
void alb_hook_guard_drop(struct alb_hook_guard *g, pid_t group); /* before its leader is reaped */
void alb_hook_guard_close(struct alb_hook_guard *g);             /* those that are left are killed */

/* One way to call. All on the loop's thread.
 * start: begins. False: it is over already, with *reply (a reference) or *err.
 * go_on: looks whether it is over. True: it is, with *reply or *err.
 * stop:  ends it at once (deadline, forsaken, closing).
 * gone:  after it is over or stopped: nothing of it is left (a killed program may take a moment).
 * polls: what to wait for; at most 2, says how many. */
struct alb_hook_way {
    bool (*start)(struct alb_hook_run *run, struct alb_hook_reply **reply, struct alb_err *err);
    bool (*go_on)(struct alb_hook_run *run, struct alb_hook_reply **reply, struct alb_err *err);
    void (*stop)(struct alb_hook_run *run);
    bool (*gone)(struct alb_hook_run *run);
    unsigned (*polls)(const struct alb_hook_run *run, struct pollfd *fds);
};
extern const struct alb_hook_way alb_hook_by_command, alb_hook_by_web;

#endif
