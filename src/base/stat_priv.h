/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to base: histograms as stat_write.c reads them.
 */
#ifndef ALB_BASE_STAT_PRIV_H
#define ALB_BASE_STAT_PRIV_H

#include "base/stat.h"

#define ALB_HIST_FIRST_NS ((int64_t)64000) /* 64 us */
#define ALB_HIST_BUCKETS 21U               /* the last bound is 64 us * 2^20 = 67 s */

struct alb_hist_view {
    int64_t bucket[ALB_HIST_BUCKETS + 1]; /* not cumulated; the last: above all bounds */
    int64_t count, sum_ns;
};

int64_t alb_hist_bound_ns(unsigned bucket);
void alb_hist_look(enum alb_histogram h, struct alb_hist_view *v);

#endif
