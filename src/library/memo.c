/* SPDX-License-Identifier: Apache-2.0
 *
 * The memo (contract: priv.h): a set-associative table. The key's hash chooses a shard and in it a set of
 * eight places; a place is taken over from the least recently used. So the size is fixed, a look-up touches
 * one short lock and at most eight keys, and nothing is allocated after the start.
 *
 * Threads: any, event loops included. Lock: LIBRARY_MEMO (one per shard). Objects are released without it.
 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "library/priv.h"

#define SHARDS 64 /* power of two */
#define WAYS 8

struct place {
    unsigned char key[ALB_MEMO_KEY_LEN];
    struct alb_memo_value value; /* obj NULL = free */
    uint64_t used;
};
struct shard {
    struct alb_mutex mtx;
    uint64_t ticks; /* under mtx */
    struct place *places;
};
struct alb_memo {
    unsigned sets; /* per shard, power of two */
    struct shard shards[SHARDS];
};

struct alb_memo *alb_memo_new(unsigned entries)
{
    struct alb_memo *m = alb_mem_calloc(1, sizeof(*m));

    if (m == NULL)
        return NULL;
    m->sets = 1;
    while (m->sets * WAYS * SHARDS < entries && m->sets < (1u << 16))
        m->sets *= 2;
    for (unsigned i = 0; i < SHARDS; i++) {
        alb_mutex_init(&m->shards[i].mtx, ALB_LOCK_LIBRARY_MEMO);
        m->shards[i].places = alb_mem_calloc((size_t)m->sets * WAYS, sizeof(struct place));
        if (m->shards[i].places == NULL) {
            for (unsigned k = i + 1; k < SHARDS; k++)
                alb_mutex_init(&m->shards[k].mtx, ALB_LOCK_LIBRARY_MEMO);
            alb_memo_free(&m);
            return NULL;
        }
    }
    return m;
}

void alb_memo_free(struct alb_memo **memo)
{
    struct alb_memo *m = *memo;

    *memo = NULL;
    if (m == NULL)
        return;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *s = &m->shards[i];

        for (unsigned k = 0; s->places != NULL && k < m->sets * WAYS; k++)
            alb_obj_unref(s->places[k].value.obj);
        alb_mem_free(s->places);
        alb_mutex_fini(&s->mtx);
    }
    alb_mem_free(m);
}

static struct place *set_of(struct alb_memo *m, const unsigned char key[ALB_MEMO_KEY_LEN],
                            struct shard **shard)
{
    uint64_t h = alb_xxh3(key, ALB_MEMO_KEY_LEN);

    *shard = &m->shards[h & (SHARDS - 1)];
    return &(*shard)->places[(size_t)((h >> 8) & (m->sets - 1)) * WAYS];
}

struct alb_obj *alb_memo_get(struct alb_memo *m, const unsigned char key[ALB_MEMO_KEY_LEN],
                             alb_memo_valid_fn *valid, const void *ctx)
{
    struct shard *shard;
    struct place *set = set_of(m, key, &shard);
    struct alb_obj *found = NULL, *stale = NULL;

    alb_mutex_lock(&shard->mtx);
    for (unsigned i = 0; i < WAYS; i++) {
        struct place *p = &set[i];

        if (p->value.obj == NULL || memcmp(p->key, key, ALB_MEMO_KEY_LEN) != 0)
            continue;
        if (valid(ctx, &p->value)) {
            found = alb_obj_ref(p->value.obj);
            p->used = ++shard->ticks;
        } else {
            stale = p->value.obj;
            p->value.obj = NULL;
        }
        break;
    }
    alb_mutex_unlock(&shard->mtx);
    alb_obj_unref(stale);
    return found;
}

void alb_memo_put(struct alb_memo *m, const unsigned char key[ALB_MEMO_KEY_LEN],
                  const struct alb_memo_value *v)
{
    struct shard *shard;
    struct place *set = set_of(m, key, &shard), *to = NULL;
    struct alb_obj *old;

    alb_obj_ref(v->obj);
    alb_mutex_lock(&shard->mtx);
    for (unsigned i = 0; i < WAYS; i++) {
        struct place *p = &set[i];

        if (p->value.obj != NULL && memcmp(p->key, key, ALB_MEMO_KEY_LEN) == 0) {
            to = p;
            break;
        }
        if (to == NULL || (to->value.obj != NULL && (p->value.obj == NULL || p->used < to->used)))
            to = p;
    }
    old = to->value.obj;
    memcpy(to->key, key, ALB_MEMO_KEY_LEN);
    to->value = *v;
    to->used = ++shard->ticks;
    alb_mutex_unlock(&shard->mtx);
    alb_obj_unref(old);
}
