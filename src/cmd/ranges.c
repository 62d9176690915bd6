/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ranges.h"

#include "base/clock.h"

#define K ((int64_t)1 << 10)
#define M ((int64_t)1 << 20)
#define T ((int64_t)1 << 40)
#define SECOND ALB_NS_PER_S
#define YEAR (366 * 86400 * ALB_NS_PER_S)

struct range {
    enum alb_param param;
    int64_t least, most;
};

/* Whole numbers. 0 for threads and the like: as many as the machine has processors for. */
static const struct range counts[] = {
    {ALB_P_IO_THREADS, 0, 1024},
    {ALB_P_IO_QUEUE, 1, 1000000},
    {ALB_P_RENDERS, 0, 64},
    {ALB_P_RENDER_QUEUE, 1, 100000},
    {ALB_P_UPLOAD_COUNT, 1, 100000000},
    {ALB_P_UPLOADS_PER_USER, 1, 100000000},
    {ALB_P_SIGN_IN_TRIES, 1, 1000},
    {ALB_P_SIGN_IN_ENTRIES, 64, 1000000},
    {ALB_P_HTTP_LOOPS, 0, 64},
    {ALB_P_MAX_CONNECTIONS, 1, 1000000},
    {ALB_P_MAX_CONNECTIONS_PER_ADDRESS, 1, 1000000},
    {ALB_P_MAX_REQUESTS_PER_USER, 1, 1000000},
    {ALB_P_MAX_HEADERS, 8, 128},
    {ALB_P_SOURCE_FETCHES, 1, 10000},
    {ALB_P_SOURCE_FETCHES_PER_HOST, 1, 10000},
    {ALB_P_SOURCE_ENTRIES, 0, 1000000},
};

static const struct range sizes[] = {
    {ALB_P_RENDER_MEMORY, 64 * M, INT64_MAX}, {ALB_P_UPLOAD_SIZE, 1, INT64_MAX},
    {ALB_P_UPLOAD_SPACE, 1, INT64_MAX},       {ALB_P_HOT_CACHE_SIZE, 0, T},
    {ALB_P_SOURCE_CACHE_SIZE, 0, INT64_MAX},  {ALB_P_MAX_HEAD_SIZE, K, 16 * M},
    {ALB_P_MAX_TARGET_SIZE, 256, 16 * M},     {ALB_P_MAX_SMALL_BODY, K, T},
    {ALB_P_BODY_BUFFER, 16 * K, 1024 * M},    {ALB_P_BODY_MEMORY, M, T},
    {ALB_P_REQUEST_MEMORY, 256 * K, T},       {ALB_P_SOURCE_MEMORY, M, T},
    {ALB_P_SOURCE_SPOOL, 0, INT64_MAX},       {ALB_P_CACHE_SCRUB_RATE, 0, T},
};

static const struct range times[] = {
    {ALB_P_RENDER_TIMEOUT, SECOND, YEAR},
    {ALB_P_PROBE_TIMEOUT, SECOND, YEAR},
    {ALB_P_STUCK_AFTER, SECOND, YEAR},
    {ALB_P_SIGN_IN_DELAY, SECOND, YEAR},
    {ALB_P_SIGN_IN_MEMORY, SECOND, YEAR},
    {ALB_P_UPLOAD_KEEP, SECOND, 100 * YEAR},
    {ALB_P_UPLOAD_KEEP_DONE, 0, 100 * YEAR},
    {ALB_P_TRASH, 0, 100 * YEAR},
    {ALB_P_SHUTDOWN_TIMEOUT, 0, YEAR},
    {ALB_P_HEAD_TIMEOUT, SECOND, YEAR},
    {ALB_P_BODY_TIMEOUT, SECOND, YEAR},
    {ALB_P_IDLE_TIMEOUT, SECOND, YEAR},
    {ALB_P_REQUEST_TIMEOUT, SECOND, YEAR},
    {ALB_P_RATE_WINDOW, SECOND, YEAR},
    {ALB_P_DRAIN_TIMEOUT, 0, YEAR},
    {ALB_P_LINGER_TIMEOUT, 0, YEAR},
    {ALB_P_HOOKS_TIMEOUT, ALB_NS_PER_MS, YEAR},
    {ALB_P_IMGPROXY_TIMEOUT, SECOND, YEAR},
    {ALB_P_SOURCE_TIMEOUT, SECOND, YEAR},
    {ALB_P_SOURCE_RECHECK, 0, YEAR},
    {ALB_P_CACHE_MAX_AGE, 0, 100 * YEAR},
    {ALB_P_CACHE_SCRUB_PAUSE, SECOND, YEAR},
};

static const char *name_of(enum alb_param p)
{
    static const char *const names[] = {
#define ALB_X(id, name, type, def, cmds, group, help) name,
#include "tbl/params.h"
#undef ALB_X
    };
    return names[p];
}

/* `unit`: 1, or what the numbers of the message count. */
static enum alb_code check(const struct range *r, int64_t value, int64_t unit, const char *unit_name,
                           struct alb_err *err)
{
    if (value >= r->least && value <= r->most)
        return ALB_OK;
    if (r->most == INT64_MAX)
        return alb_fail(err, ALB_E_INVALID, "--%s must be at least %lld%s", name_of(r->param),
                        (long long)(r->least / unit), unit_name);
    return alb_fail(err, ALB_E_INVALID, "--%s must be from %lld to %lld%s", name_of(r->param),
                    (long long)(r->least / unit), (long long)(r->most / unit), unit_name);
}

/* An origin as browsers write it: scheme and host, small letters, no path, no port that goes without saying.
 */
static bool is_origin(struct alb_str s)
{
    size_t at = alb_str_find_str(s, ALB_STR("://"));
    if (at == ALB_STR_NPOS || at == 0 || at + 3 == s.n)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((i >= at + 3 && s.p[i] == '/') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
            (unsigned char)s.p[i] <= ' ')
            return false;
    return !(alb_str_starts(s, ALB_STR("http://")) && alb_str_ends(s, ALB_STR(":80"))) &&
           !(alb_str_starts(s, ALB_STR("https://")) && alb_str_ends(s, ALB_STR(":443")));
}

/* One that no browser sends would let nobody in, and nobody would know why. */
static enum alb_code check_origins(const struct alb_options *o, struct alb_err *err)
{
    const char *const *origins;
    size_t n = alb_opt_list(o, ALB_P_CORS_ORIGIN, &origins);
    for (size_t i = 0; i < n; i++) {
        struct alb_str origin = alb_str_c(origins[i]);
        if (alb_str_eq_c(origin, "*") && n > 1)
            return alb_fail(err, ALB_E_INVALID, "--cors-origin * allows all origins: it stands alone");
        if (!alb_str_eq_c(origin, "*") && !is_origin(origin))
            return alb_fail(
                err, ALB_E_INVALID,
                "--cors-origin %s is no origin, such as https://app.example (small letters, no path)",
                origins[i]);
    }
    return ALB_OK;
}

enum alb_code alb_ranges_check(const struct alb_options *o, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    for (size_t i = 0; code == ALB_OK && i < ALB_ARRAY_LEN(counts); i++)
        code = check(&counts[i], alb_opt_int(o, counts[i].param), 1, "", err);
    for (size_t i = 0; code == ALB_OK && i < ALB_ARRAY_LEN(sizes); i++)
        code = check(&sizes[i], alb_opt_size(o, sizes[i].param), 1, " bytes", err);
    for (size_t i = 0; code == ALB_OK && i < ALB_ARRAY_LEN(times); i++)
        code = check(&times[i], alb_opt_duration(o, times[i].param), SECOND, " s", err);
    return code == ALB_OK ? check_origins(o, err) : code;
}
