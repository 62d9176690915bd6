/* SPDX-License-Identifier: Apache-2.0 */
#include "render/purged.h"

#include <string.h>

#include "base/codec.h"
#include "library/source.h"
#include "render/origin.h"

#define ASSET "asset://"

struct labels {
    char asset[ALB_PLAN_INPUTS][sizeof(ASSET) + 36];
    struct alb_str at[ALB_LABELS_MAX];
    size_t count;
};

static void add_input(struct labels *l, unsigned i, const struct alb_source *source,
                      const struct alb_origin *origin)
{
    if (source) {
        memcpy(l->asset[i], ASSET, sizeof(ASSET) - 1);
        alb_uuid_text(&source->asset_uuid, l->asset[i] + sizeof(ASSET) - 1);
        l->at[l->count++] = alb_str_c(l->asset[i]);
    } else if (origin && origin->asked.n > 0) {
        l->at[l->count++] = origin->asked;
    }
}

/* More labels than there is room for: the last one stands for any. */
static void gather(const struct alb_render_ask *ask, struct labels *l)
{
    l->count = 0;
    add_input(l, 0, ask->source, ask->origin);
    for (unsigned i = 0; i < ask->more_count; i++)
        add_input(l, i + 1, ask->more[i].source, ask->more[i].origin);
    for (size_t i = 0; i < ask->label_count; i++) {
        if (l->count == ALB_LABELS_MAX) {
            l->at[ALB_LABELS_MAX - 1] = ALB_STR(ALB_LABEL_ANY);
            return;
        }
        l->at[l->count++] = ask->labels[i];
    }
}

static uint64_t purged(const struct alb_origin *o)
{
    return o ? o->purged : 0;
}

void alb_render_purged_key(struct alb_purges *purges, const struct alb_render_ask *ask, struct alb_buf *out)
{
    struct labels l;
    uint64_t numbers[ALB_PLAN_INPUTS + 1], any;

    if (!purges)
        return;
    gather(ask, &l);
    any = numbers[0] = alb_purges_newest(purges, l.at, l.count);
    numbers[1] = purged(ask->origin); /* a copy that was fetched before it makes a picture of before it */
    any |= numbers[1];
    for (unsigned i = 0; i < ask->more_count; i++)
        any |= numbers[i + 2] = purged(ask->more[i].origin);
    if (any)
        alb_buf_add(out, numbers, (2 + ask->more_count) * sizeof(numbers[0]));
}

void alb_render_labels(const struct alb_render_ask *ask, struct alb_buf *out)
{
    struct labels l;

    gather(ask, &l);
    alb_labels_write(l.at, l.count, out);
}

static uint64_t least(uint64_t known, const struct alb_origin *o)
{
    return o && o->asked.n > 0 && o->known < known ? o->known : known;
}

uint64_t alb_render_purges_known(struct alb_purges *purges, const struct alb_render_ask *ask)
{
    uint64_t known = least(alb_purges_now(purges), ask->origin);

    for (unsigned i = 0; i < ask->more_count; i++)
        known = least(known, ask->more[i].origin);
    return known;
}
