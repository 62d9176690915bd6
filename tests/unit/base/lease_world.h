/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread, one lease pool, a few leases, a manual clock, and a trace of what happens: the steps that the
 * lease tests are written in.
 */
#ifndef ALB_TESTS_BASE_LEASE_WORLD_H
#define ALB_TESTS_BASE_LEASE_WORLD_H

#include <stdio.h>

#include "base/clock.h"
#include "base/lease.h"
#include "test.h"

/* Steps are a letter and a digit (the lease):
 *   q  request        "h" held, "q" queued, "b" busy, "t" timeout, "l" too large
 *   c  cancel         "-" true, "x" false           a  abandon
 *   u  adopt          "-" true, "x" false           r  release
 *   k  the clock moves on by the digit, then tick   n  the clock moves on without a tick
 *   z  close (the digit says nothing)
 * Callbacks write a capital and the digit: "G" granted, "T" refused for time, "C" refused by close,
 * "O" reclaim overdue, "W" reclaim wanted. */
struct script {
    const char *name;
    unsigned slots, background;
    uint64_t budget;
    unsigned queue_max;
    const char *leases;        /* class and cost of each: "f1b2" */
    int64_t queue_ns, hold_ns; /* 0: never */
    const char *steps, *trace;
};

#define LEASES 10

static struct world {
    struct alb_manual_clock clock;
    struct alb_lease_pool *pool;
    struct alb_lease l[LEASES];
    bool busy[LEASES]; /* not IDLE, as the test sees it */
    char trace[160];
    size_t n;
} world;

static inline void note(char c)
{
    assert_true(world.n + 1 < sizeof(world.trace));
    world.trace[world.n++] = c;
    world.trace[world.n] = '\0';
}

static inline void note_of(char c, const struct alb_lease *l)
{
    note(c);
    note((char)('0' + (l - world.l)));
}

static inline void granted(struct alb_lease *l)
{
    note_of('G', l);
}

static inline void refused(struct alb_lease *l, enum alb_code code)
{
    world.busy[l - world.l] = false;
    assert_true(code == ALB_E_TIMEOUT || code == ALB_E_CANCELLED);
    note_of(code == ALB_E_TIMEOUT ? 'T' : 'C', l);
}

static inline void reclaim(struct alb_lease *l, enum alb_reclaim why)
{
    note_of(why == ALB_RECLAIM_OVERDUE ? 'O' : 'W', l);
}

static inline void request(struct alb_lease *l, const struct script *s)
{
    struct alb_err err = ALB_ERR_INIT;

    l->queue_deadline = s->queue_ns == 0 ? ALB_NEVER : alb_mono(&world.clock.clock) + s->queue_ns;
    l->hold_ns = s->hold_ns == 0 ? ALB_NEVER : s->hold_ns;
    world.busy[l - world.l] = true;
    enum alb_lease_answer answer = alb_lease_request(world.pool, l, &err);
    assert_int_equal(answer == ALB_LEASE_REFUSED, err.code != ALB_OK);
    if (answer != ALB_LEASE_REFUSED) {
        note(answer == ALB_LEASE_HELD ? 'h' : 'q');
        return;
    }
    world.busy[l - world.l] = false;
    note(err.code == ALB_E_BUSY ? 'b' : err.code == ALB_E_TIMEOUT ? 't' : 'l');
}

static inline void step(char c, char digit, const struct script *s)
{
    struct alb_lease *l = &world.l[digit - '0'];

    switch (c) {
    case 'q':
        request(l, s);
        break;
    case 'c':
        if (alb_lease_cancel(l)) {
            world.busy[digit - '0'] = false;
            note('-');
        } else {
            note('x');
        }
        break;
    case 'a':
        alb_lease_abandon(l);
        break;
    case 'u':
        note(alb_lease_adopt(l) ? '-' : 'x');
        break;
    case 'r':
        alb_lease_release(l);
        world.busy[digit - '0'] = false;
        break;
    case 'k':
    case 'n':
        alb_manual_clock_advance(&world.clock, digit - '0');
        if (c == 'k')
            (void)alb_lease_tick(world.pool);
        break;
    case 'z':
        alb_lease_close(world.pool);
        break;
    default:
        fail();
    }
}

#endif
