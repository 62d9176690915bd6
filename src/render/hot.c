/* SPDX-License-Identifier: Apache-2.0 */
#include "render/hot.h"

#include <string.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/mem.h"
#include "render/render.h"

#define SHARDS 16
#define ENTRY_COST 256 /* what an entry costs beside its body, about */
#define TRIAL_SHARE 10 /* the trial queue gets one tenth */
#define MOST_HITS 3    /* counted hits; each buys one more round in the main queue */

enum queue_id { TRIAL, MAIN, QUEUES };

struct entry {
    struct alb_flight_key key;
    struct alb_picture *picture; /* a reference */
    size_t cost;
    unsigned hits;
    enum queue_id queue;
    struct entry *chain;         /* bucket */
    struct entry *older, *newer; /* queue */
};

struct queue {
    struct entry *oldest, *newest;
    size_t bytes;
};

struct shard {
    struct alb_mutex mtx;
    /* under mtx */
    struct entry **buckets;
    struct queue q[QUEUES];
    /* fixed after create */
    size_t bucket_mask, max;
};

struct alb_hot_cache {
    struct shard shards[SHARDS];
};

static uint64_t key_word(const struct alb_flight_key *key, size_t at)
{
    uint64_t w;
    memcpy(&w, key->b + at, sizeof(w));
    return w;
}

static struct shard *shard_of(struct alb_hot_cache *c, const struct alb_flight_key *key)
{
    return &c->shards[key->b[31] % SHARDS];
}

static struct entry **slot_of(struct shard *s, const struct alb_flight_key *key)
{
    struct entry **slot = &s->buckets[key_word(key, 0) & s->bucket_mask];
    while (*slot && memcmp((*slot)->key.b, key->b, sizeof(key->b)) != 0)
        slot = &(*slot)->chain;
    return slot;
}

static void queue_push(struct shard *s, enum queue_id id, struct entry *e)
{
    struct queue *q = &s->q[id];
    e->queue = id;
    e->older = q->newest;
    e->newer = NULL;
    if (q->newest)
        q->newest->newer = e;
    else
        q->oldest = e;
    q->newest = e;
    q->bytes += e->cost;
}

static void queue_remove(struct shard *s, struct entry *e)
{
    struct queue *q = &s->q[e->queue];
    if (e->older)
        e->older->newer = e->newer;
    else
        q->oldest = e->newer;
    if (e->newer)
        e->newer->older = e->older;
    else
        q->newest = e->older;
    q->bytes -= e->cost;
}

/* Out of the shard; freed later, unlocked. */
static void take_out(struct shard *s, struct entry *e, struct entry **dead)
{
    queue_remove(s, e);
    *slot_of(s, &e->key) = e->chain;
    e->chain = *dead;
    *dead = e;
}

/* Takes one entry out, or moves one on; an entry taken out is put on *dead for the caller to free unlocked.
 */
static void evict_step(struct shard *s, struct entry **dead)
{
    bool from_trial = s->q[TRIAL].bytes > s->max / TRIAL_SHARE || s->q[MAIN].oldest == NULL;
    struct entry *e = s->q[from_trial ? TRIAL : MAIN].oldest;
    if (e->hits == 0) {
        take_out(s, e, dead);
        return;
    }
    queue_remove(s, e);
    e->hits = from_trial ? 0 : e->hits - 1;
    queue_push(s, MAIN, e);
}

static void free_dead(struct entry *dead)
{
    while (dead) {
        struct entry *next = dead->chain;
        alb_obj_unref(&dead->picture->obj);
        alb_mem_free(dead);
        dead = next;
    }
}

struct alb_hot_cache *alb_hot_cache_new(size_t max_bytes)
{
    struct alb_hot_cache *c = alb_mem_calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    size_t per_shard = max_bytes / SHARDS;
    size_t buckets = 64;
    while (buckets * 16384 < per_shard)
        buckets *= 2;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];
        alb_mutex_init(&s->mtx, ALB_LOCK_HOT_CACHE);
        s->max = per_shard;
        s->bucket_mask = buckets - 1;
        s->buckets = alb_mem_calloc(buckets, sizeof(struct entry *));
        if (!s->buckets) {
            for (size_t k = 0; k <= i; k++) {
                alb_mutex_fini(&c->shards[k].mtx);
                alb_mem_free(c->shards[k].buckets);
            }
            alb_mem_free(c);
            return NULL;
        }
    }
    return c;
}

void alb_hot_cache_clear(struct alb_hot_cache *c)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];
        struct entry *dead = NULL;
        alb_mutex_lock(&s->mtx);
        for (int id = TRIAL; id < QUEUES; id++) {
            while (s->q[id].oldest)
                take_out(s, s->q[id].oldest, &dead);
        }
        alb_mutex_unlock(&s->mtx);
        free_dead(dead);
    }
}

void alb_hot_cache_free(struct alb_hot_cache **cache)
{
    struct alb_hot_cache *c = *cache;
    if (!c)
        return;
    *cache = NULL;
    alb_hot_cache_clear(c);
    for (size_t i = 0; i < SHARDS; i++) {
        alb_mutex_fini(&c->shards[i].mtx);
        alb_mem_free(c->shards[i].buckets);
    }
    alb_mem_free(c);
}

struct alb_picture *alb_hot_cache_get(struct alb_hot_cache *c, const struct alb_flight_key *key, int64_t oldest_ms)
{
    struct shard *s = shard_of(c, key);
    struct alb_picture *found = NULL;
    struct entry *dead = NULL;
    alb_mutex_lock(&s->mtx);
    struct entry *e = *slot_of(s, key);
    if (e && e->picture->made_ms < oldest_ms) {
        take_out(s, e, &dead);
    } else if (e) {
        if (e->hits < MOST_HITS)
            e->hits++;
        alb_obj_ref(&e->picture->obj);
        found = e->picture;
    }
    alb_mutex_unlock(&s->mtx);
    free_dead(dead);
    return found;
}

/* A tenth of a shard, so that a newcomer is never the one that has to go. */
static bool fits(const struct shard *s, size_t cost)
{
    return cost <= s->max / TRIAL_SHARE;
}

bool alb_hot_cache_takes(const struct alb_hot_cache *c, size_t n)
{
    return fits(&c->shards[0], n + ENTRY_COST);
}

bool alb_hot_cache_put(struct alb_hot_cache *c, const struct alb_flight_key *key, struct alb_picture *p)
{
    struct shard *s = shard_of(c, key);
    size_t cost = p->bytes->n + ENTRY_COST;
    if (!fits(s, cost))
        return false;
    struct entry *e = alb_mem_calloc(1, sizeof(*e));
    if (!e)
        return false;
    e->key = *key;
    e->cost = cost;
    e->picture = p;
    alb_obj_ref(&p->obj);

    struct entry *dead = NULL;
    alb_mutex_lock(&s->mtx);
    struct entry **slot = slot_of(s, key);
    if (*slot) { /* somebody was faster: equal keys mean equal bytes */
        e->chain = NULL;
        dead = e;
    } else {
        *slot = e;
        queue_push(s, TRIAL, e);
        while (s->q[TRIAL].bytes + s->q[MAIN].bytes > s->max)
            evict_step(s, &dead);
    }
    alb_mutex_unlock(&s->mtx);
    free_dead(dead);
    return true;
}

size_t alb_hot_cache_bytes(struct alb_hot_cache *c)
{
    size_t sum = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];
        alb_mutex_lock(&s->mtx);
        sum += s->q[TRIAL].bytes + s->q[MAIN].bytes;
        alb_mutex_unlock(&s->mtx);
    }
    return sum;
}
