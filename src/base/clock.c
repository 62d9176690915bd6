/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks (contract: clock.h); the texts of times are in time.c.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/check.h"

static int64_t real_mono(void *ctx)
{
    struct timespec t;

    (void)ctx;
    ALB_CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (int64_t)t.tv_sec * ALB_NS_PER_S + t.tv_nsec;
}

static int64_t real_wall(void *ctx)
{
    struct timespec t;

    (void)ctx;
    ALB_CHECK(clock_gettime(CLOCK_REALTIME, &t) == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / ALB_NS_PER_MS;
}

const struct alb_clock *alb_clock_real(void)
{
    static const struct alb_clock real = {real_mono, real_wall, NULL};

    return &real;
}

int64_t alb_deadline(int64_t now, int64_t d)
{
    int64_t sum;

    if (now == ALB_NEVER || d == ALB_NEVER)
        return ALB_NEVER;
    if (__builtin_add_overflow(now, d, &sum))
        return d > 0 ? ALB_NEVER : INT64_MIN;
    return sum;
}

static int64_t manual_mono(void *ctx)
{
    struct alb_manual_clock *m = ctx;

    return atomic_load(&m->mono);
}

static int64_t manual_wall(void *ctx)
{
    struct alb_manual_clock *m = ctx;

    return atomic_load(&m->wall);
}

void alb_manual_clock_init(struct alb_manual_clock *m, int64_t mono_ns, int64_t wall_ms)
{
    m->clock = (struct alb_clock){manual_mono, manual_wall, m};
    atomic_init(&m->mono, mono_ns);
    atomic_init(&m->wall, wall_ms);
}

void alb_manual_clock_advance(struct alb_manual_clock *m, int64_t ns)
{
    /* The wall follows in whole milliseconds of the sum, so many small steps lose nothing. */
    int64_t before = atomic_fetch_add(&m->mono, ns);

    atomic_fetch_add(&m->wall, (before + ns) / ALB_NS_PER_MS - before / ALB_NS_PER_MS);
}
