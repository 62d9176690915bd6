/* SPDX-License-Identifier: Apache-2.0
 *
 * See twins.h.
 */
#include "import/twins.h"

#include <string.h>

#include "base/check.h"

void alb_twins_init(struct alb_twins *t)
{
    memset(t->buckets, 0, sizeof(t->buckets));
    alb_mutex_init(&t->lock, ALB_LOCK_IMPORT_TWINS);
}

void alb_twins_fini(struct alb_twins *t)
{
    for (size_t i = 0; i < ALB_TWINS_BUCKETS; i++)
        ALB_CHECK(t->buckets[i] == NULL);
    alb_mutex_fini(&t->lock);
}

/* Where the item in work with this content hangs, or the end of its chain. */
static struct alb_item **find_locked(struct alb_twins *t, const unsigned char *sha1)
{
    uint32_t h;
    memcpy(&h, sha1, sizeof(h));
    struct alb_item **at = &t->buckets[h % ALB_TWINS_BUCKETS];
    while (*at && memcmp((*at)->sha1, sha1, ALB_SHA1_LEN) != 0)
        at = &(*at)->bucket;
    return at;
}

bool alb_twins_enter(struct alb_twins *t, struct alb_item *item)
{
    item->bucket = NULL;
    item->twin = NULL;
    alb_mutex_lock(&t->lock);
    struct alb_item **at = find_locked(t, item->sha1);
    bool first = *at == NULL;
    if (first) {
        *at = item;
    } else {
        struct alb_item **end = &(*at)->twin;
        while (*end)
            end = &(*end)->twin;
        *end = item;
    }
    alb_mutex_unlock(&t->lock);
    return first;
}

struct alb_item *alb_twins_leave(struct alb_twins *t, struct alb_item *item)
{
    alb_mutex_lock(&t->lock);
    struct alb_item **at = find_locked(t, item->sha1);
    ALB_CHECK(*at == item);
    struct alb_item *twin = item->twin;
    if (twin) {
        twin->bucket = item->bucket;
        *at = twin; /* its own ->twin are the other twins */
    } else {
        *at = item->bucket;
    }
    item->twin = NULL;
    item->bucket = NULL;
    alb_mutex_unlock(&t->lock);
    return twin;
}
