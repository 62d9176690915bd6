/* SPDX-License-Identifier: Apache-2.0
 *
 * What doors see and say of the disk caches (render.h).
 */
#include "blob/cache.h"
#include "blob/purges.h"
#include "render/job.h"
#include "render/origin.h"

static size_t add(const struct alb_cache_view *v, const char *doing, const struct alb_cache_fault *f,
                  struct alb_render_trouble *out)
{
    if (f->code == ALB_OK)
        return 0;
    *out = (struct alb_render_trouble){v->folder, doing, f->sys, f->since_ms};
    return 1;
}

size_t alb_render_troubles(struct alb_render *r, struct alb_origins *origins,
                           struct alb_render_trouble troubles[ALB_RENDER_TROUBLES])
{
    struct alb_cache *caches[(ALB_RENDER_TROUBLES - 1) / 2] = {r->config.cache};
    size_t n = 0;
    if (origins)
        alb_origins_caches(origins, &caches[1], &caches[2]);
    for (size_t i = 0; i < ALB_ARRAY_LEN(caches); i++) {
        if (!caches[i])
            continue;
        const struct alb_cache_view v = alb_cache_look(caches[i]);
        n += add(&v, "read", &v.reads, &troubles[n]);
        n += add(&v, "write", &v.writes, &troubles[n]);
    }
    const struct alb_purges_view p = r->config.purges ? alb_purges_look(r->config.purges)
                                                      : (struct alb_purges_view){.fault = 0};
    if (p.fault != 0)
        troubles[n++] = (struct alb_render_trouble){"cache", "purge", p.fault, p.fault_since_ms};
    return n;
}

enum alb_code alb_render_purge(struct alb_render *r, struct alb_str label, bool prefix, struct alb_str by,
                               uint64_t *number, struct alb_err *err)
{
    if (!r->config.purges)
        return alb_fail(err, ALB_E_IO, "there is no list of purges");
    return alb_purges_add(r->config.purges, label, prefix, by, number, err);
}

enum alb_code alb_render_purges(struct alb_render *r, struct alb_arena *a, struct alb_purge_told **list,
                                size_t *count, size_t *in_force, struct alb_err *err)
{
    *list = NULL;
    *count = 0;
    *in_force = 0;
    if (!r->config.purges)
        return ALB_OK;
    *in_force = alb_purges_look(r->config.purges).in_force;
    return alb_purges_recent(r->config.purges, a, list, count, err);
}
