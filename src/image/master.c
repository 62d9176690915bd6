/* SPDX-License-Identifier: Apache-2.0
 *
 * The master thread: one loop that hears from submitters (an eventfd), the zygote and the workers, gives
 * queued jobs to idle workers, and ends what is over its deadline. It never exits while processes are there:
 * the kernel ties their death signal to this thread. It is the only caller of done.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/stat.h"
#include "image/darkroom_priv.h"

#define EVENTS_MAX 32

int64_t alb_dr_now(void)
{
    return alb_mono(alb_clock_real());
}

bool alb_dr_watch(struct alb_darkroom *dr, int fd, uint64_t tag)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = tag};
    return epoll_ctl(dr->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

void alb_dr_boot(struct alb_darkroom *dr, enum alb_boot state, const struct alb_err *err)
{
    alb_mutex_lock(&dr->mtx);
    if (dr->boot == ALB_BOOT_STARTING) {
        dr->boot = state;
        if (err)
            dr->boot_err = *err;
        alb_cond_broadcast(&dr->boot_changed);
    }
    alb_mutex_unlock(&dr->mtx);
}

/* ---- queues ---- */

struct ended {
    struct alb_darkroom_job *head, **tail;
};

static void end_later(struct ended *e, struct alb_darkroom_job *job, enum alb_code code)
{
    job->code = code;
    job->next = NULL;
    *e->tail = job;
    e->tail = &job->next;
}

/* Takes out what nobody waits for and what waited too long; with `all`, everything. */
static void sweep_lane_locked(struct alb_lane_state *lane, int64_t now, bool all, struct ended *ended)
{
    struct alb_darkroom_job **at = &lane->head;
    lane->tail = NULL;
    while (*at) {
        struct alb_darkroom_job *job = *at;
        if (!all && !job->cancelled && job->deadline > now) {
            lane->tail = job;
            at = &job->next;
            continue;
        }
        *at = job->next;
        lane->queued--;
        alb_stat_dec(ALB_STAT_DARKROOM_QUEUED);
        end_later(ended, job, all || job->cancelled ? ALB_E_CANCELLED : ALB_E_TIMEOUT);
    }
}

static struct alb_darkroom_job *pop_locked(struct alb_lane_state *lane)
{
    struct alb_darkroom_job *job = lane->head;
    if (!job)
        return NULL;
    lane->head = job->next;
    if (!lane->head)
        lane->tail = NULL;
    lane->queued--;
    alb_stat_dec(ALB_STAT_DARKROOM_QUEUED);
    job->next = NULL;
    return job;
}

/* Gives queue heads to idle workers; bit i of the answer: slot i has a job to start. */
static uint64_t assign_locked(struct alb_darkroom *dr, int64_t now)
{
    uint64_t start = 0;
    for (unsigned i = 0; i < dr->slot_count; i++) {
        struct alb_slot *s = &dr->slots[i];
        if (s->state != ALB_SLOT_IDLE)
            continue;
        s->job = pop_locked(&dr->lanes[s->lane]);
        if (!s->job)
            continue;
        s->state = ALB_SLOT_BUSY;
        s->since = now;
        s->job->queued_ns = now - s->job->since;
        start |= 1ULL << i;
    }
    return start;
}

static void finish(struct alb_darkroom *dr, struct alb_darkroom_job *job)
{
    while (job) {
        struct alb_darkroom_job *next = job->next;
        struct alb_err err = ALB_ERR_INIT;
        alb_fail(&err, job->code,
                 job->code == ALB_E_TIMEOUT ? "it waited too long for a worker" : "nobody waits for it");
        job->queued_ns = alb_dr_now() - job->since;
        job->since = 0;
        alb_dr_job_done(dr, job, err.code, &err);
        job = next;
    }
}

/* ---- one turn ---- */

/* A worker's process is at its end, or never began, and long after that the zygote has not said so. (A worker
 * that is killed but waits for a dead disk is not the zygote's fault.) */
static bool zygote_is_silent(const struct alb_slot *s, int64_t now)
{
    struct pollfd p = {.fd = s->pidfd, .events = POLLIN};
    if (s->deadline > now || (s->state != ALB_SLOT_STARTING && s->state != ALB_SLOT_LEAVING))
        return false;
    return s->pid == 0 || (s->state == ALB_SLOT_LEAVING && s->pidfd >= 0 && poll(&p, 1, 0) == 1);
}

static void check_slots(struct alb_darkroom *dr, int64_t now, uint64_t cancelled)
{
    for (unsigned i = 0; i < dr->slot_count; i++) {
        struct alb_slot *s = &dr->slots[i];
        if (zygote_is_silent(s, now)) {
            alb_dr_zygote_lost(dr, "it does not answer");
            return; /* no slot is left in use */
        }
        if (s->state == ALB_SLOT_BUSY && s->why == ALB_WHY_NONE && (cancelled >> i & 1))
            alb_dr_slot_end(dr, s, ALB_WHY_CANCELLED);
        else if (s->deadline <= now && s->state == ALB_SLOT_BUSY)
            alb_dr_slot_end(dr, s, ALB_WHY_TIMEOUT);
        else if (s->deadline <= now && s->state != ALB_SLOT_EMPTY)
            alb_dr_slot_end(dr, s,
                            s->why == ALB_WHY_NONE || s->why == ALB_WHY_RECYCLED ? ALB_WHY_FAILED : s->why);
    }
}

static void fill_slots(struct alb_darkroom *dr, int64_t now)
{
    for (unsigned i = 0; dr->hello && i < dr->slot_count; i++) {
        struct alb_slot *s = &dr->slots[i];
        struct alb_lane_state *lane = &dr->lanes[s->lane];
        if (s->state == ALB_SLOT_EMPTY && lane->active && lane->retry_at <= now &&
            !alb_dr_profile_missing(dr, s->lane))
            alb_dr_slot_spawn(dr, s);
    }
}

/* Start-up is over when each lane that starts at once has a worker. */
static void check_boot(struct alb_darkroom *dr)
{
    unsigned ready = 0, wanted = 0;
    if (dr->boot != ALB_BOOT_STARTING)
        return;
    for (unsigned lane = 0; lane < ALB_LANE_COUNT; lane++) {
        bool one = false;
        for (unsigned i = 0; i < dr->slot_count; i++)
            one = one || (dr->slots[i].lane == lane &&
                          (dr->slots[i].state == ALB_SLOT_IDLE || dr->slots[i].state == ALB_SLOT_BUSY));
        wanted += dr->lanes[lane].eager;
        ready += dr->lanes[lane].eager && one;
    }
    if (ready == wanted)
        alb_dr_boot(dr, ALB_BOOT_UP, NULL);
}

/* A zygote, and a worker in every slot that should have one. */
static void keep_up(struct alb_darkroom *dr, int64_t now, bool closing)
{
    if (!closing && dr->control < 0 && dr->zygote_retry_at <= now)
        alb_dr_zygote_start(dr);
    if (dr->control >= 0 && dr->hello_by <= now)
        alb_dr_zygote_lost(dr, "it says nothing");
    if (!closing)
        fill_slots(dr, now);
}

static void schedule(struct alb_darkroom *dr)
{
    int64_t now = alb_dr_now();
    struct ended ended = {NULL, &ended.head};
    uint64_t cancelled = 0;
    alb_mutex_lock(&dr->mtx);
    bool closing = dr->closing;
    for (unsigned i = 0; i < ALB_LANE_COUNT; i++) {
        dr->lanes[i].active = dr->lanes[i].eager || dr->lanes[i].used;
        sweep_lane_locked(&dr->lanes[i], now, closing, &ended);
    }
    uint64_t start = closing ? 0 : assign_locked(dr, now);
    for (unsigned i = 0; i < dr->slot_count; i++) {
        if (dr->slots[i].job && (dr->slots[i].job->cancelled || closing))
            cancelled |= 1ULL << i;
    }
    alb_mutex_unlock(&dr->mtx);
    for (unsigned i = 0; i < dr->slot_count; i++) {
        if (start >> i & 1)
            alb_dr_slot_start_job(dr, &dr->slots[i]);
    }
    check_slots(dr, now, cancelled & ~start);
    finish(dr, ended.head);
    keep_up(dr, now, closing);
    check_boot(dr);
}

static void sooner(int64_t *when, int64_t other)
{
    if (other < *when)
        *when = other;
}

static int64_t next_deadline(struct alb_darkroom *dr)
{
    int64_t when = ALB_NEVER;
    sooner(&when, dr->control < 0 ? dr->zygote_retry_at : dr->hello_by);
    for (unsigned i = 0; i < dr->slot_count; i++) {
        const struct alb_slot *s = &dr->slots[i];
        const struct alb_lane_state *lane = &dr->lanes[s->lane];
        sooner(&when, s->deadline);
        if (s->state == ALB_SLOT_EMPTY && dr->hello && lane->failures > 0 && lane->active)
            sooner(&when, lane->retry_at);
    }
    alb_mutex_lock(&dr->mtx);
    for (unsigned i = 0; i < ALB_LANE_COUNT; i++) {
        for (const struct alb_darkroom_job *job = dr->lanes[i].head; job; job = job->next)
            sooner(&when, job->deadline);
    }
    alb_mutex_unlock(&dr->mtx);
    return when;
}

static int wait_ms(struct alb_darkroom *dr)
{
    int64_t when = next_deadline(dr), now = alb_dr_now();
    if (when == ALB_NEVER)
        return -1;
    if (when <= now)
        return 0;
    int64_t ms = (when - now + ALB_NS_PER_MS - 1) / ALB_NS_PER_MS;
    return ms > 3600000 ? 3600000 : (int)ms;
}

static void dispatch(struct alb_darkroom *dr, uint64_t tag)
{
    uint64_t drained;
    if (tag == ALB_TAG_WAKE)
        alb_ignore(read(dr->wake_fd, &drained, sizeof(drained)) < 0, "an empty counter is fine");
    else if (tag == ALB_TAG_CONTROL && dr->control >= 0)
        alb_dr_zygote_event(dr);
    else if ((tag & ALB_TAG_SLOT) == ALB_TAG_SLOT)
        alb_dr_slot_event(dr, &dr->slots[(uint32_t)tag % dr->slot_count]);
}

/* Closing: nothing queued (schedule has seen to it), no process left. */
static bool is_over(struct alb_darkroom *dr)
{
    alb_mutex_lock(&dr->mtx);
    bool over = dr->closing;
    for (unsigned i = 0; i < ALB_LANE_COUNT; i++)
        over = over && !dr->lanes[i].head;
    alb_mutex_unlock(&dr->mtx);
    for (unsigned i = 0; i < dr->slot_count; i++)
        over = over && (dr->slots[i].state == ALB_SLOT_EMPTY);
    return over;
}

static void dismiss(struct alb_darkroom *dr)
{
    alb_mutex_lock(&dr->mtx);
    bool closing = dr->closing;
    alb_mutex_unlock(&dr->mtx);
    for (unsigned i = 0; closing && i < dr->slot_count; i++) {
        struct alb_slot *s = &dr->slots[i];
        if (s->state == ALB_SLOT_IDLE || s->state == ALB_SLOT_STARTING)
            alb_dr_slot_end(dr, s, ALB_WHY_CANCELLED);
    }
}

void *alb_dr_master(void *arg)
{
    struct alb_darkroom *dr = arg;
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        schedule(dr);
        dismiss(dr);
        if (is_over(dr))
            break;
        int n = epoll_wait(dr->epoll_fd, events, EVENTS_MAX, wait_ms(dr));
        ALB_CHECK(n >= 0 || errno == EINTR);
        for (int i = 0; i < n; i++)
            dispatch(dr, events[i].data.u64);
    }
    alb_dr_zygote_end(dr);
    return NULL;
}
