/* SPDX-License-Identifier: Apache-2.0
 *
 * Time is injected: rooms that keep deadlines or stamps hold a `const struct alb_clock *`. Production uses
 * alb_clock_real(); tests use a manual one and move it by hand, so that no test sleeps.
 * Monotonic times are nanoseconds since an arbitrary start; wall times are UTC milliseconds since 1970.
 */
#ifndef ALB_BASE_CLOCK_H
#define ALB_BASE_CLOCK_H

#include "base/attr.h"

#define ALB_NS_PER_MS ((int64_t)1000000)
#define ALB_NS_PER_S ((int64_t)1000000000)
#define ALB_NEVER INT64_MAX /* a deadline that never comes */

struct alb_clock {
    int64_t (*mono_ns)(void *ctx);
    int64_t (*wall_ms)(void *ctx);
    void *ctx;
};

const struct alb_clock *alb_clock_real(void);
static inline int64_t alb_mono(const struct alb_clock *c)
{
    return c->mono_ns(c->ctx);
}
static inline int64_t alb_wall(const struct alb_clock *c)
{
    return c->wall_ms(c->ctx);
}

/* now + d without overflow; ALB_NEVER stays ALB_NEVER. */
int64_t alb_deadline(int64_t now, int64_t d);

/* A clock that moves only when told. Safe from any thread (atomics). */
struct alb_manual_clock {
    struct alb_clock clock;
    _Atomic int64_t mono, wall;
};
void alb_manual_clock_init(struct alb_manual_clock *m, int64_t mono_ns, int64_t wall_ms);
void alb_manual_clock_advance(struct alb_manual_clock *m, int64_t ns);

/* IMF-fixdate of RFC 9110 §5.6.7, 29 bytes and a NUL; and its three accepted forms read back (UTC ms). */
void alb_time_http(int64_t wall_ms, char out[30]);
bool alb_time_http_parse(const char *p, size_t n, int64_t *wall_ms) ALB_MUST_CHECK;
/* "YYYY-MM-DDTHH:MM:SS.mmmZ", 24 bytes and a NUL; and RFC 3339 with any offset read back. offset_min
 * receives the minutes east of UTC (may be NULL); years 0001..9999. */
void alb_time_rfc3339(int64_t wall_ms, char out[25]);
bool alb_time_rfc3339_parse(const char *p, size_t n, int64_t *wall_ms, int *offset_min) ALB_MUST_CHECK;
/* Days since 1970-01-01 of a proleptic Gregorian date, and back. No locale, no time zone database. */
int64_t alb_days_from_civil(int year, int month, int day);
void alb_civil_from_days(int64_t days, int *year, int *month, int *day);

#endif
