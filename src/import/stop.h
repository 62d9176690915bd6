/* SPDX-License-Identifier: Apache-2.0
 *
 * How a run is ended before its time, in two steps that only go up:
 *   ALB_STOP_DRAIN  nothing new is begun, pauses end at once; transfers that run may finish
 *   ALB_STOP_ABORT  transfers are cut off as well (the server keeps what it has; the journal knows where)
 * Each step makes a descriptor readable for ever, so that every wait for a socket or a pause can include it.
 * Threads: any; atomics only.
 */
#ifndef ALB_IMPORT_STOP_H
#define ALB_IMPORT_STOP_H

#include <stdatomic.h>

#include "base/err.h"

enum alb_stop_step { ALB_STOP_NONE, ALB_STOP_DRAIN, ALB_STOP_ABORT };

struct alb_stop {
    int drain_fd, abort_fd; /* fixed after init */
    _Atomic int step;
};
enum alb_code alb_stop_init(struct alb_stop *s, struct alb_err *err) ALB_MUST_CHECK;
void alb_stop_fini(struct alb_stop *s);
void alb_stop_raise(struct alb_stop *s, enum alb_stop_step step);
static inline bool alb_stop_asked(const struct alb_stop *s)
{
    return atomic_load(&s->step) != ALB_STOP_NONE;
}

#endif
