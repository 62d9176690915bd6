/* SPDX-License-Identifier: Apache-2.0
 *
 * Fresh sources in memory (origin_priv.h), so that an event loop knows what a URL stands for without a file
 * call. A table of sets of WAYS places, a set by the key; in a full set who was used longest ago goes.
 * Bound: its places, each with what is known of a source (a few hundred bytes to a few KiB), never with its
 * bytes. Threads: any. Lock: ORIGIN_HOT; references are dropped outside of it.
 */
#include <string.h>

#include "base/mem.h"
#include "render/origin_priv.h"

#define WAYS 8

struct place {
    struct alb_derived_key key;
    struct alb_origin *o; /* a reference; NULL: free */
    uint64_t used;
};

struct alb_origin_hot {
    /* fixed after create */
    size_t sets;
    /* atomic */
    atomic_uint_fast64_t changes;
    /* under mtx */
    struct alb_mutex mtx;
    uint64_t tick;
    struct place places[];
};

struct alb_origin_hot *alb_origin_hot_new(unsigned max)
{
    size_t sets = (max + WAYS - 1) / WAYS;
    struct alb_origin_hot *hot = alb_mem_calloc(1, sizeof(*hot) + sets * WAYS * sizeof(hot->places[0]));
    if (!hot)
        return NULL;
    hot->sets = sets;
    alb_mutex_init(&hot->mtx, ALB_LOCK_ORIGIN_HOT);
    return hot;
}

void alb_origin_hot_free(struct alb_origin_hot **h)
{
    struct alb_origin_hot *hot = *h;
    *h = NULL;
    if (!hot)
        return;
    alb_origin_hot_purge(hot);
    alb_mutex_fini(&hot->mtx);
    alb_mem_free(hot);
}

static struct place *set_of(struct alb_origin_hot *hot, const struct alb_derived_key *key)
{
    uint64_t word;
    memcpy(&word, key->b + 8, sizeof(word));
    return &hot->places[word % hot->sets * WAYS];
}

/* Where key is, or else what it may take: a free place, or the one used longest ago. */
static struct place *place_for(struct place *set, const struct alb_derived_key *key)
{
    struct place *best = set;
    for (struct place *p = set; p < set + WAYS; p++) {
        if (p->o && memcmp(&p->key, key, sizeof(*key)) == 0)
            return p;
        if (best->o && (!p->o || p->used < best->used))
            best = p;
    }
    return best;
}

void alb_origin_hot_put(struct alb_origin_hot *hot, const struct alb_derived_key *key, struct alb_origin *o)
{
    if (hot->sets == 0)
        return;
    alb_mutex_lock(&hot->mtx);
    struct place *p = place_for(set_of(hot, key), key);
    struct alb_origin *old = p->o;
    *p = (struct place){.key = *key, .o = alb_origin_ref(o), .used = ++hot->tick};
    atomic_fetch_add(&hot->changes, 1);
    alb_mutex_unlock(&hot->mtx);
    alb_origin_unref(old);
}

struct alb_origin *alb_origin_hot_get(struct alb_origin_hot *hot, const struct alb_derived_key *key)
{
    struct alb_origin *o = NULL;
    if (hot->sets == 0)
        return NULL;
    alb_mutex_lock(&hot->mtx);
    struct place *p = place_for(set_of(hot, key), key);
    if (p->o && memcmp(&p->key, key, sizeof(*key)) == 0) {
        p->used = ++hot->tick;
        o = alb_origin_ref(p->o);
    }
    alb_mutex_unlock(&hot->mtx);
    return o;
}

void alb_origin_hot_purge(struct alb_origin_hot *hot)
{
    for (size_t i = 0; i < hot->sets * WAYS; i++) {
        alb_mutex_lock(&hot->mtx);
        struct alb_origin *old = hot->places[i].o;
        hot->places[i].o = NULL;
        atomic_fetch_add(&hot->changes, 1);
        alb_mutex_unlock(&hot->mtx);
        alb_origin_unref(old);
    }
}

uint64_t alb_origin_hot_changes(struct alb_origin_hot *hot)
{
    return atomic_load(&hot->changes);
}
