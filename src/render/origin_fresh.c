/* SPDX-License-Identifier: Apache-2.0
 *
 * Freshness (contract: origin_fresh.h). Ages are computed as RFC 9111 §4.2.3 says; a number that cannot be
 * read is taken for 0, one that is too large for a year.
 */
#include "render/origin_fresh.h"

#include "base/clock.h"

#define LONGEST_S ((int64_t)366 * 86400)
#define MS 1000

struct directives {
    bool no_store, no_cache, has_max, has_shared;
    int64_t max_s, shared_s;
};

/* "delta-seconds", perhaps quoted. */
static int64_t seconds(struct alb_str text)
{
    uint64_t v;
    text = alb_str_trim(text);
    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
        text = alb_str_sub(text, 1, text.n - 2);
    for (size_t i = 0; i < text.n; i++)
        if (!alb_is_digit(text.p[i]))
            return 0;
    if (text.n == 0)
        return 0;
    return !alb_str_u64(text, &v) || v > (uint64_t)LONGEST_S ? LONGEST_S : (int64_t)v;
}

/* Takes the next directive; commas in quoted strings do not part. */
static bool next_directive(struct alb_str *rest, struct alb_str *name, struct alb_str *value)
{
    size_t i = 0;
    bool quoted = false;
    if (rest->n == 0)
        return false;
    for (; i < rest->n && (quoted || rest->p[i] != ','); i++) {
        if (quoted && rest->p[i] == '\\' && i + 1 < rest->n)
            i++;
        else if (rest->p[i] == '"')
            quoted = !quoted;
    }
    struct alb_str one = alb_str_sub(*rest, 0, i);
    *rest = alb_str_from(*rest, i < rest->n ? i + 1 : i);
    (void)alb_str_cut(one, '=', name, value);
    *name = alb_str_trim(*name);
    return true;
}

static struct directives parse(struct alb_str cache_control)
{
    struct directives d = {0};
    struct alb_str name, value;
    while (next_directive(&cache_control, &name, &value)) {
        if (alb_str_eq_ci(name, ALB_STR("no-store"))) {
            d.no_store = true;
        } else if (alb_str_eq_ci(name, ALB_STR("no-cache"))) {
            d.no_cache = true; /* also with field names: asking again is always right */
        } else if (alb_str_eq_ci(name, ALB_STR("max-age")) && !d.has_max) {
            d.has_max = true;
            d.max_s = seconds(value);
        } else if (alb_str_eq_ci(name, ALB_STR("s-maxage")) && !d.has_shared) {
            d.has_shared = true;
            d.shared_s = seconds(value);
        }
    }
    return d;
}

static bool has_star(struct alb_str vary)
{
    struct alb_str name, value;
    while (next_directive(&vary, &name, &value))
        if (alb_str_eq(name, ALB_STR("*")))
            return true;
    return false;
}

/* How old it was when it came, ms. */
static int64_t initial_age(const struct alb_origin_words *w, int64_t asked_ms, int64_t answered_ms)
{
    int64_t date_ms, apparent = 0, delay = answered_ms - asked_ms;
    if (w->date.p && alb_time_http_parse(w->date.p, w->date.n, &date_ms) && answered_ms > date_ms)
        apparent = answered_ms - date_ms;
    int64_t told = (w->age.p ? seconds(w->age) * MS : 0) + (delay > 0 ? delay : 0);
    if (apparent < 2 * MS) /* seconds are all that a Date can tell */
        apparent = 0;
    return apparent > told ? apparent : told;
}

struct alb_origin_fresh alb_origin_fresh_of(const struct alb_origin_words *w, bool shared, int64_t asked_ms,
                                            int64_t answered_ms)
{
    struct directives d = parse(w->cache_control);
    struct alb_origin_fresh f = {.no_store = d.no_store, .always = d.no_cache || has_star(w->vary)};
    int64_t lifetime = 0, expires_ms, date_ms;
    if (!w->cache_control.p && w->pragma.p && parse(w->pragma).no_cache)
        f.always = true;
    if (d.has_shared && shared) {
        f.worded = true;
        lifetime = d.shared_s * MS;
    } else if (d.has_max) {
        f.worded = true;
        lifetime = d.max_s * MS;
    } else if (w->expires.p) {
        f.worded = true; /* one that cannot be read has passed */
        if (!w->date.p || !alb_time_http_parse(w->date.p, w->date.n, &date_ms))
            date_ms = answered_ms;
        if (alb_time_http_parse(w->expires.p, w->expires.n, &expires_ms) && expires_ms > date_ms)
            lifetime = expires_ms - date_ms;
    }
    if (lifetime > LONGEST_S * MS)
        lifetime = LONGEST_S * MS;
    if (f.worded)
        f.until_ms = answered_ms + lifetime - initial_age(w, asked_ms, answered_ms);
    return f;
}

struct alb_origin_fresh alb_origin_fresh_least(struct alb_origin_fresh a, struct alb_origin_fresh other)
{
    a.always = a.always || other.always || other.no_store;
    if (!other.worded) { /* a redirect that says nothing is as good as now */
        a.worded = false;
        a.until_ms = 0;
    } else if (a.worded && other.until_ms < a.until_ms) {
        a.until_ms = other.until_ms;
    }
    return a;
}
