/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters, gauges and histograms (contract: stat.h). All numbers are relaxed atomics in shards of the adding
 * threads; a reader sums the shards. The texts of /metrics are in stat_write.c.
 */
#include "base/stat.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/shard.h"
#include "base/stat_priv.h"

/* atomic */
static struct {
    _Alignas(ALB_CACHE_LINE) atomic_int_fast64_t value[ALB_STAT_COUNT];
    atomic_int_fast64_t sum[ALB_HIST_COUNT];
    atomic_int_fast64_t bucket[ALB_HIST_COUNT][ALB_HIST_BUCKETS + 1]; /* the last: above all bounds */
} shards[ALB_SHARDS];

void alb_stat_add(enum alb_stat s, int64_t n)
{
    ALB_CHECK((unsigned)s < ALB_STAT_COUNT);
    atomic_fetch_add_explicit(&shards[alb_shard_of_thread()].value[s], n, memory_order_relaxed);
}

int64_t alb_stat_get(enum alb_stat s)
{
    int64_t sum = 0;

    ALB_CHECK((unsigned)s < ALB_STAT_COUNT);
    for (unsigned i = 0; i < ALB_SHARDS; i++)
        sum += atomic_load_explicit(&shards[i].value[s], memory_order_relaxed);
    return sum;
}

int64_t alb_hist_bound_ns(unsigned bucket)
{
    return ALB_HIST_FIRST_NS << bucket;
}

/* The first bucket whose bound is not below ns; the bounds double. */
static unsigned bucket_of(int64_t ns)
{
    if (ns <= ALB_HIST_FIRST_NS)
        return 0;
    unsigned b = 64 - (unsigned)__builtin_clzll((uint64_t)(ns - 1) / (uint64_t)ALB_HIST_FIRST_NS);
    return b < ALB_HIST_BUCKETS ? b : ALB_HIST_BUCKETS;
}

void alb_stat_observe(enum alb_histogram h, int64_t ns)
{
    ALB_CHECK((unsigned)h < ALB_HIST_COUNT);
    if (ns < 0)
        ns = 0; /* a clock that was set back must not make a sum shrink */
    unsigned shard = alb_shard_of_thread();
    atomic_fetch_add_explicit(&shards[shard].bucket[h][bucket_of(ns)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&shards[shard].sum[h], ns, memory_order_relaxed);
}

void alb_hist_look(enum alb_histogram h, struct alb_hist_view *v)
{
    *v = (struct alb_hist_view){0};
    for (unsigned i = 0; i < ALB_SHARDS; i++) {
        v->sum_ns += atomic_load_explicit(&shards[i].sum[h], memory_order_relaxed);
        for (unsigned b = 0; b <= ALB_HIST_BUCKETS; b++) {
            int64_t n = atomic_load_explicit(&shards[i].bucket[h][b], memory_order_relaxed);
            v->bucket[b] += n;
            v->count += n;
        }
    }
}

void alb_stat_reset_for_tests(void)
{
    for (unsigned i = 0; i < ALB_SHARDS; i++) {
        for (unsigned s = 0; s < ALB_STAT_COUNT; s++)
            atomic_store_explicit(&shards[i].value[s], 0, memory_order_relaxed);
        for (unsigned h = 0; h < ALB_HIST_COUNT; h++) {
            atomic_store_explicit(&shards[i].sum[h], 0, memory_order_relaxed);
            for (unsigned b = 0; b <= ALB_HIST_BUCKETS; b++)
                atomic_store_explicit(&shards[i].bucket[h][b], 0, memory_order_relaxed);
        }
    }
}
