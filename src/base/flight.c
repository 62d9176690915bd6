/* SPDX-License-Identifier: Apache-2.0
 *
 * The single-flight table (contract: flight.h). An entry is a future with its key, in one allocation. It is
 * in the table exactly while the future is OWNED, because the end of the future takes it out under the
 * shard's lock: found means OWNED. The table holds no reference: the title does.
 */
#include "base/flight.h"

#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "base/future_priv.h"
#include "base/hash.h"
#include "base/mem.h"

#define SHARDS 16U /* more cores than that do not start new keys at once */

struct shard;

struct entry {
    struct alb_future future; /* first: both are freed as one */
    /* fixed after create */
    struct shard *shard;
    size_t bucket;
    struct alb_flight_key key;
    /* under the shard's mtx */
    struct entry *prev, *next;
};

struct shard {
    struct alb_mutex mtx;
    struct alb_flight *fl;  /* fixed after create */
    struct entry **buckets; /* the array is fixed, the chains are under mtx */
};

struct alb_flight {
    struct shard shards[SHARDS];
    size_t mask; /* buckets per shard, less one */
    size_t max;
    uint64_t seed;
    atomic_size_t count; /* changed under the lock of the shard that gains or loses an entry */
    struct entry *buckets[];
};

struct alb_flight *alb_flight_new(size_t max)
{
    size_t per_shard = 1, bytes;

    ALB_CHECK(max >= 1);
    while (per_shard < max / SHARDS)
        per_shard *= 2;
    if (!alb_size_mul(per_shard, SHARDS * sizeof(struct entry *), &bytes) ||
        !alb_size_add(bytes, sizeof(struct alb_flight), &bytes))
        return NULL;
    struct alb_flight *fl = alb_mem_calloc(1, bytes);
    if (fl == NULL)
        return NULL;
    fl->mask = per_shard - 1;
    fl->max = max;
    alb_random(&fl->seed, sizeof(fl->seed));
    atomic_init(&fl->count, 0);
    for (size_t i = 0; i < SHARDS; i++) {
        alb_mutex_init(&fl->shards[i].mtx, ALB_LOCK_FLIGHT);
        fl->shards[i].fl = fl;
        fl->shards[i].buckets = &fl->buckets[i * per_shard];
    }
    return fl;
}

void alb_flight_free(struct alb_flight **flp)
{
    struct alb_flight *fl = *flp;

    *flp = NULL;
    if (fl == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        /* Whoever ended the last one may still be on its way out of the shard's lock. */
        alb_mutex_lock(&fl->shards[i].mtx);
        for (size_t b = 0; b <= fl->mask; b++)
            ALB_CHECK(fl->shards[i].buckets[b] == NULL);
        alb_mutex_unlock(&fl->shards[i].mtx);
        alb_mutex_fini(&fl->shards[i].mtx);
    }
    alb_mem_free(fl);
}

static void entry_free(struct alb_obj *obj)
{
    struct entry *e = ALB_CONTAINER_OF(obj, struct entry, future.obj);

    alb_future_fini(&e->future);
    alb_mem_free(e);
}

/* Called by the end of the future, under both locks. */
static void entry_ended(struct alb_future *f)
{
    struct entry *e = ALB_CONTAINER_OF(f, struct entry, future);

    if (e->prev != NULL)
        e->prev->next = e->next;
    else
        e->shard->buckets[e->bucket] = e->next;
    if (e->next != NULL)
        e->next->prev = e->prev;
    atomic_fetch_sub_explicit(&e->shard->fl->count, 1, memory_order_relaxed);
}

/* Where a key lives. Keys are mostly hashes already, but not of our choosing: the seed keeps chains short. */
static struct shard *place(struct alb_flight *fl, const struct alb_flight_key *key, size_t *bucket)
{
    struct {
        uint64_t seed;
        struct alb_flight_key key;
    } seeded = {fl->seed, *key};
    uint64_t h = alb_xxh3(&seeded, sizeof(seeded));

    *bucket = (size_t)(h / SHARDS) & fl->mask;
    return &fl->shards[h % SHARDS];
}

static enum alb_code new_entry_locked(struct shard *shard, const struct alb_flight_key *key, size_t bucket,
                                      struct alb_owner *owner, struct entry **out, struct alb_err *err)
{
    struct alb_flight *fl = shard->fl;

    if (atomic_fetch_add_explicit(&fl->count, 1, memory_order_relaxed) >= fl->max) {
        atomic_fetch_sub_explicit(&fl->count, 1, memory_order_relaxed);
        return alb_fail(err, ALB_E_BUSY, "%zu results are being made already", fl->max);
    }
    struct entry *e = alb_mem_alloc(sizeof(*e));
    if (e == NULL) {
        atomic_fetch_sub_explicit(&fl->count, 1, memory_order_relaxed);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for an entry of a flight");
    }
    alb_future_init(&e->future, entry_free, &shard->mtx, entry_ended, owner);
    e->shard = shard;
    e->bucket = bucket;
    e->key = *key;
    e->prev = NULL;
    e->next = shard->buckets[bucket];
    if (e->next != NULL)
        e->next->prev = e;
    shard->buckets[bucket] = e;
    *out = e;
    return ALB_OK;
}

enum alb_code alb_flight_join(struct alb_flight *fl, const struct alb_flight_key *key, struct alb_waiter *w,
                              struct alb_future **future, struct alb_owner *owner, enum alb_flight_role *role,
                              struct alb_err *err)
{
    size_t bucket;
    struct shard *shard = place(fl, key, &bucket);
    enum alb_code code = ALB_OK;

    *future = NULL;
    *owner = ALB_OWNER_NONE;
    *role = ALB_FLIGHT_WAITER;
    alb_mutex_lock(&shard->mtx);
    struct entry *e = shard->buckets[bucket];
    while (e != NULL && memcmp(&e->key, key, sizeof(*key)) != 0)
        e = e->next;
    if (e != NULL) {
        *future = alb_future_ref(&e->future);
    } else {
        code = new_entry_locked(shard, key, bucket, owner, &e, err);
        if (code == ALB_OK) {
            *future = &e->future;
            *role = ALB_FLIGHT_OWNER;
            if (w != NULL)
                w->heir = false;
        }
    }
    if (code == ALB_OK && w != NULL)
        ALB_CHECK(alb_future_wait(*future, w)); /* in the table, so it is OWNED */
    alb_mutex_unlock(&shard->mtx);
    return code;
}

size_t alb_flight_count(struct alb_flight *fl)
{
    return atomic_load_explicit(&fl->count, memory_order_relaxed);
}
