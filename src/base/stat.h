/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters and gauges from one table (tbl/stats.h) to /metrics. Adding is one relaxed atomic add on a shard
 * of the calling thread, reading sums the shards: counters are exact, and a snapshot of several is not one
 * instant. Any thread, no locks.
 */
#ifndef ALB_BASE_STAT_H
#define ALB_BASE_STAT_H

#include "base/buf.h"

enum alb_stat {
#define ALB_X(id, kind, name, labels, help) ALB_STAT_##id,
#include "tbl/stats.h"
#undef ALB_X
    ALB_STAT_COUNT
};

void alb_stat_add(enum alb_stat s, int64_t n);
static inline void alb_stat_inc(enum alb_stat s)
{
    alb_stat_add(s, 1);
}
static inline void alb_stat_dec(enum alb_stat s)
{
    alb_stat_add(s, -1);
}
int64_t alb_stat_get(enum alb_stat s);
void alb_stat_reset_for_tests(void);

/* Durations and sizes are also kept as histograms: base-2 buckets from 64 us to 64 s. */
enum alb_histogram {
    ALB_HIST_HTTP_REQUEST,    /* first byte of the head to last byte of the answer */
    ALB_HIST_HTTP_STEP,       /* one step on the io pool */
    ALB_HIST_RENDER,          /* a miss, from join to result */
    ALB_HIST_DARKROOM_RENDER, /* one picture made by a worker, queue excluded */
    ALB_HIST_DARKROOM_PROBE,  /* one file looked at by a worker, queue excluded */
    ALB_HIST_COMMIT,          /* one group commit */
    ALB_HIST_RENDER_QUEUE,    /* a picture's wait for a slot, those that get one */
    ALB_HIST_SOURCE,          /* one remote or local source, from its ask to its bytes or its failure */
    ALB_HIST_IMGPROXY,        /* a request that the imgproxy door answers, as HTTP_REQUEST */
    ALB_HIST_IMGPROXY_SEND,   /* of it, sending the answer */
    ALB_HIST_COUNT
};
void alb_stat_observe(enum alb_histogram h, int64_t ns);

/* Prometheus text exposition format 0.0.4: the table, the histograms, and base's own (locks, memory,
 * open files, start time, build). Rooms with views of their own append after it. */
void alb_stat_write(struct alb_buf *out);
/* One histogram's numbers under another name, for programs that stand in another's place; the head (HELP, TYPE) is
 * the caller's. labels: "key=\"value\"," with the comma, or "". */
void alb_stat_write_as(struct alb_buf *out, const char *name, const char *labels, enum alb_histogram h);

#endif
