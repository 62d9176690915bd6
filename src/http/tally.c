/* SPDX-License-Identifier: Apache-2.0
 *
 * See tally.h. Chains in a fixed number of buckets, hashed with a secret so that nobody can aim at one chain.
 */
#include "http/tally.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"

#define BUCKETS 4096

struct entry {
    struct entry *next;
    struct alb_tally_key key;
    unsigned count;
};

struct alb_tally {
    struct alb_mutex mtx;
    unsigned char secret[16];
    /* under mtx */
    struct entry *buckets[BUCKETS];
};

struct alb_tally *alb_tally_new(void)
{
    struct alb_tally *t = alb_mem_calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    alb_mutex_init(&t->mtx, ALB_LOCK_HTTP_WAKE);
    alb_random(t->secret, sizeof(t->secret));
    return t;
}

void alb_tally_free(struct alb_tally **t)
{
    if (!*t)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        ALB_CHECK((*t)->buckets[i] == NULL); /* somebody forgot to count down */
    alb_mutex_fini(&(*t)->mtx);
    alb_mem_free(*t);
    *t = NULL;
}

static struct entry **bucket(struct alb_tally *t, const struct alb_tally_key *key)
{
    unsigned char text[32];

    memcpy(text, t->secret, 16);
    memcpy(text + 16, key->b, 16);
    return &t->buckets[alb_xxh3(text, sizeof(text)) % BUCKETS];
}

bool alb_tally_up(struct alb_tally *t, const struct alb_tally_key *key, unsigned max)
{
    struct entry **head = bucket(t, key), *e;
    bool ok = true;

    alb_mutex_lock(&t->mtx);
    for (e = *head; e; e = e->next)
        if (memcmp(&e->key, key, sizeof(*key)) == 0)
            break;
    if (!e) {
        e = max > 0 ? alb_mem_calloc(1, sizeof(*e)) : NULL;
        if (e) {
            e->key = *key;
            e->next = *head;
            *head = e;
        }
    }
    if (e && e->count < max)
        e->count++;
    else
        ok = false;
    alb_mutex_unlock(&t->mtx);
    return ok;
}

void alb_tally_down(struct alb_tally *t, const struct alb_tally_key *key)
{
    struct entry **p = bucket(t, key), *dead = NULL;

    alb_mutex_lock(&t->mtx);
    while (*p && memcmp(&(*p)->key, key, sizeof(*key)) != 0)
        p = &(*p)->next;
    ALB_CHECK(*p != NULL && (*p)->count > 0);
    if (--(*p)->count == 0) {
        dead = *p;
        *p = dead->next;
    }
    alb_mutex_unlock(&t->mtx);
    alb_mem_free(dead);
}
