/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows the answer to a person for whom a large photo had to be decoded: the others of albumen's own sizes, made
 * in the background of the levels that are there now. Who looks at the one will look at the other, and finds it. So it
 * was when the photo came (src/jobs/warm.c); this is for photos whose pictures have left the cache since.
 *
 * It begins when the answer is out, in the background share of slots, behind everybody who waits. It waits for nothing
 * and nobody waits for it; what fails, or is too much at once, is made when somebody asks. Invariant: at most AT_ONCE
 * of a render, counted under its mtx from before the answer is out until all that follows has ended; render_free waits
 * for none.
 *
 * Threads: any. Lock: RENDER.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/stat.h"
#include "library/source.h"
#include "render/job.h"
#include "render/sizes.h"

#define AT_ONCE 16
#define PATIENCE_NS (60 * ALB_NS_PER_S) /* for a slot */

struct alb_render_ahead {
    struct alb_render *render;
    struct alb_source *source; /* a reference */
    atomic_uint left;          /* parts that have not ended, and the starting of them */
    unsigned count;
    struct ahead_part {
        struct alb_render_ahead *of;
        enum alb_size size;
        struct alb_waiter waiter;
        struct alb_future *future; /* a reference, or NULL */
    } parts[ALB_SIZE_FULL];        /* that one is of every pixel: no level helps */
};

static bool enter(struct alb_render *r)
{
    alb_mutex_lock(&r->mtx);
    bool may = !r->closing && r->ahead_count < AT_ONCE;
    r->ahead_count += may;
    alb_mutex_unlock(&r->mtx);
    if (may)
        alb_stat_inc(ALB_STAT_AHEAD);
    return may;
}

static void leave(struct alb_render *r)
{
    alb_stat_dec(ALB_STAT_AHEAD);
    alb_mutex_lock(&r->mtx);
    if (--r->ahead_count == 0)
        alb_cond_broadcast(&r->none_left);
    alb_mutex_unlock(&r->mtx);
}

/* The last one out ends it all. */
static void part_ended(struct alb_render_ahead *a)
{
    struct alb_render *r = a->render;
    if (atomic_fetch_sub(&a->left, 1) != 1)
        return;
    for (unsigned i = 0; i < a->count; i++)
        alb_future_unref(a->parts[i].future);
    alb_source_unref(a->source);
    alb_mem_free(a);
    leave(r);
}

static void on_end(struct alb_waiter *w, enum alb_wake why)
{
    (void)why; /* no heir */
    part_ended(ALB_CONTAINER_OF(w, struct ahead_part, waiter)->of);
}

static struct alb_render_ask ask_of(const struct alb_render *r, struct alb_source *source, enum alb_size size,
                                    struct alb_plan_options *o)
{
    alb_size_options(size, source, o);
    return (struct alb_render_ask){.source = source,
                                   .options = o,
                                   .door = ALB_RENDER_DOOR_JOBS,
                                   .cls = ALB_LEASE_BACKGROUND,
                                   .queue_deadline = alb_deadline(alb_mono(r->config.clock), PATIENCE_NS)};
}

/* All sizes but the one that the job has made. */
static void choose(struct alb_render_ahead *a, const struct alb_render_job *job)
{
    for (enum alb_size size = 0; size < ALB_SIZE_FULL; size++) {
        struct alb_plan_options o;
        struct alb_flight_key key;
        const struct alb_render_ask ask = ask_of(a->render, a->source, size, &o);
        alb_render_key(a->render, &ask, &key);
        if (memcmp(&key, &job->key, sizeof(key)) != 0)
            a->parts[a->count++] = (struct ahead_part){.of = a, .size = size, .waiter.wake = on_end};
    }
}

struct alb_render_ahead *alb_render_ahead_of(const struct alb_render_job *job)
{
    struct alb_render *r = job->render;
    struct alb_source *source = job->inputs.in[0].source;
    bool shown = !job->is_level && job->lease.cls == ALB_LEASE_FOREGROUND;
    if (!r->config.ahead || !job->anew || !shown || !source || !enter(r))
        return NULL;
    struct alb_render_ahead *a = alb_mem_calloc(1, sizeof(*a));
    if (!a) {
        leave(r);
        return NULL;
    }
    a->render = r;
    a->source = alb_source_ref(source);
    choose(a, job);
    atomic_init(&a->left, a->count + 1);
    return a;
}

void alb_render_ahead_go(struct alb_render_ahead *a)
{
    if (!a)
        return;
    for (unsigned i = 0; i < a->count; i++) {
        struct ahead_part *part = &a->parts[i];
        struct alb_plan_options o;
        const struct alb_render_ask ask = ask_of(a->render, a->source, part->size, &o);
        if (alb_render_start(a->render, &ask, &part->waiter, &part->future, NULL) != ALB_OK)
            part_ended(a);
    }
    part_ended(a);
}
