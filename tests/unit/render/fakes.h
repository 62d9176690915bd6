/* SPDX-License-Identifier: Apache-2.0
 *
 * A world for render without a disk, a codec or a database: the darkroom, the store of originals and the
 * result cache are taken by fakes with the same symbols, which do what the test tells them and count.
 *
 *   darkroom  jobs end at once (AUTO), when the test says so (HELD), or at random by a thread (STORM)
 *   store     any key opens, unless it says "missing"; verification takes as many calls as the test wants,
 *             waits at a gate if there is one, and fails for the key "corrupt"
 *   cache     a small table; may be switched off
 *   origins   are there, until the test says that their file has changed
 */
#ifndef ALB_TESTS_RENDER_FAKES_H
#define ALB_TESTS_RENDER_FAKES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/stat.h"
#include "image/darkroom.h"
#include "image/probe.h"
#include "library/source.h"
#include "render/origin.h"
#include "render/render.h"

enum fake_mode { FAKE_AUTO, FAKE_HELD, FAKE_STORM };

struct fake_darkroom {
    enum fake_mode mode;
    enum alb_code answer; /* of AUTO jobs */
    enum alb_code submit; /* what submit says; ALB_OK */
    size_t result_bytes;  /* of pictures, at least 1 */
    bool starved;         /* jobs end without having got to a worker */
    bool late;            /* they waited for it most of their time */
    bool short_of_memory; /* the machine lacked it */
    int64_t run_ns;       /* 0: 1 ms */
    struct alb_rect trim; /* what plans that look for one find */
    unsigned headers;     /* HEADER orders; the others are counted as submitted */
    unsigned submitted, running, most_running, cancels;
};
extern struct fake_darkroom fake_darkroom; /* under its own lock while threads run: use the functions */

void fake_reset(enum fake_mode mode); /* starts the master thread in STORM */
void fake_stop(void);                 /* joins it; nothing may run */
unsigned fake_running(void);
unsigned fake_submitted(void);
unsigned fake_headers(void);
unsigned fake_cancels(void); /* cancels that met a job that runs */
/* HELD: ends the oldest running job; ALB_OK gives a picture. Its code is CANCELLED if it was cancelled. */
void fake_finish(enum alb_code code);
void fake_finish_cancelled(void); /* HELD: ends all that were cancelled */

extern atomic_uint fake_readers, fake_verify_slices /* per verification, at least 1 */, fake_at_gate;
extern atomic_bool fake_gate_closed;
extern atomic_uint fake_cache_puts, fake_cache_gets;
extern atomic_bool fake_cache_off;
struct alb_cache *fake_cache(void);
void fake_cache_empty(void);
extern atomic_uint fake_sources, fake_origins;
extern atomic_bool fake_origin_changed;

/* A JPEG of 4000 x 3000 with this content number; key "k", or what is given. */
struct alb_source *fake_source(unsigned content, const char *key);
struct alb_source *fake_picture(unsigned content, enum alb_type type, uint32_t width, uint32_t height);
/* A JPEG of 4000 x 3000 from elsewhere; its header is known to nobody. */
struct alb_origin *fake_origin(unsigned content);

struct world {
    struct alb_manual_clock clock;
    struct alb_timers *timers;
    struct alb_pool *pool;
    struct alb_render *render;
};
struct world_options {
    unsigned slots, vector_slots, queue_max, threads;
    uint64_t budget; /* 0: unlimited */
    size_t hot_bytes;
    bool pyramid, ahead;
};
void world_open(struct world *w, const struct world_options *o);
void world_close(struct world *w);  /* and sees that everything is back at zero */
void world_settle(struct world *w); /* until the pool has nothing to do */
int64_t world_now(struct world *w);
void world_pass(struct world *w, int64_t ns); /* time, with its timers, until all is quiet */

/* One who asks: a waiter that remembers what it was told. */
struct asker {
    struct alb_waiter waiter;
    struct alb_future *future;
    atomic_uint settled, promoted;
};
struct alb_render_ask ask_of(struct alb_source *source, const struct alb_plan_options *o,
                             enum alb_lease_class cls, int64_t deadline);
struct alb_plan_options small_picture(void);
/* Asks in the foreground with an everlasting deadline. */
enum alb_code ask(struct world *w, struct asker *a, struct alb_source *source);
enum alb_code ask_until(struct world *w, struct asker *a, struct alb_source *source, int64_t deadline);
void asker_leave(struct asker *a);                              /* hangs up: leaves and lets go */
void asker_end(struct asker *a);                                /* lets go of what has ended */
const struct alb_picture *asker_picture(const struct asker *a); /* NULL: none */
enum alb_code asker_code(const struct asker *a);

#define until(expr)                                                                                          \
    do {                                                                                                     \
        while (!(expr))                                                                                      \
            (void)sched_yield();                                                                             \
    } while (0)

#endif
