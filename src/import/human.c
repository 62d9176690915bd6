/* SPDX-License-Identifier: Apache-2.0
 *
 * See human.h.
 */
#include "import/human.h"

#include <stdio.h>

#include "base/clock.h"

const char *alb_human_count(uint64_t n, char out[ALB_HUMAN_MAX])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    int o = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[o++] = ',';
        out[o++] = digits[i];
    }
    out[o] = '\0';
    return out;
}

const char *alb_human_bytes(int64_t n, char out[ALB_HUMAN_MAX])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)n;
    size_t u = 0;
    /* 999.95 would be shown as 1000. */
    while (u + 1 < ALB_ARRAY_LEN(units) && v >= (u == 0 ? 1000.0 : 999.5)) {
        v /= 1000.0;
        u++;
    }
    if (u == 0)
        snprintf(out, ALB_HUMAN_MAX, "%lld B", (long long)n);
    else
        snprintf(out, ALB_HUMAN_MAX, v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
    return out;
}

const char *alb_human_duration(int64_t ns, char out[ALB_HUMAN_MAX])
{
    if (ns < 0)
        ns = 0;
    long long s = (long long)(ns / ALB_NS_PER_S);
    if (s < 10)
        snprintf(out, ALB_HUMAN_MAX, "%.1f s", (double)ns / 1e9);
    else if (s < 60)
        snprintf(out, ALB_HUMAN_MAX, "%lld s", s);
    else if (s < 3600)
        snprintf(out, ALB_HUMAN_MAX, "%lldm %02llds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, ALB_HUMAN_MAX, "%lldh %02lldm", s / 3600, s / 60 % 60);
    else
        snprintf(out, ALB_HUMAN_MAX, "%lldd %lldh", s / 86400, s / 3600 % 24);
    return out;
}

const char *alb_human_rate(double per_s, char out[ALB_HUMAN_MAX])
{
    if (per_s < 0 || per_s > 1e15)
        per_s = 0;
    if (per_s < 9.95)
        snprintf(out, ALB_HUMAN_MAX, "%.1f", per_s);
    else
        alb_human_count((uint64_t)(per_s + 0.5), out);
    return out;
}
