/* SPDX-License-Identifier: Apache-2.0
 * The fake cache of results (fakes.h).
 */
#include "fakes.h"

#include "blob/cache.h"

#define FILES 64

static struct {
    pthread_mutex_t mtx;
    struct {
        struct alb_derived_key key;
        char meta[64];
        size_t meta_n;
        struct alb_bytes *body;
    } files[FILES];
    unsigned count;
} disk = {.mtx = PTHREAD_MUTEX_INITIALIZER};

atomic_uint fake_cache_puts, fake_cache_gets;
atomic_bool fake_cache_off;

void alb_derived_fini(struct alb_derived *d)
{
    alb_bytes_unref(d->body);
    alb_mem_free(d->meta);
    *d = (struct alb_derived){0};
}

enum alb_code alb_cache_get(struct alb_cache *c, const struct alb_derived_key *key, struct alb_derived *out,
                            struct alb_err *err)
{
    (void)c;
    *out = (struct alb_derived){0};
    (void)atomic_fetch_add(&fake_cache_gets, 1);
    (void)pthread_mutex_lock(&disk.mtx);
    for (unsigned i = 0; i < disk.count && !out->body; i++)
        if (memcmp(&disk.files[i].key, key, sizeof(*key)) == 0) {
            out->body = alb_bytes_ref(disk.files[i].body);
            out->meta = alb_mem_alloc_nofail(disk.files[i].meta_n);
            memcpy(out->meta, disk.files[i].meta, disk.files[i].meta_n);
            out->meta_n = disk.files[i].meta_n;
        }
    (void)pthread_mutex_unlock(&disk.mtx);
    return out->body ? ALB_OK : alb_fail(err, ALB_E_NOT_FOUND, "a miss");
}

enum alb_code alb_cache_get_aside(struct alb_cache *c, const struct alb_derived_key *key, bool use,
                                  struct alb_derived *out, struct alb_err *err)
{
    (void)use;
    return alb_cache_get(c, key, out, err);
}

enum alb_code alb_cache_get_small(struct alb_cache *c, const struct alb_derived_key *key, int64_t most,
                                  struct alb_derived *out, struct alb_err *err)
{
    enum alb_code code = alb_cache_get(c, key, out, err);
    if (code != ALB_OK || (int64_t)out->body->n <= most)
        return code;
    alb_derived_fini(out);
    return alb_fail(err, ALB_E_NOT_FOUND, "not small");
}

enum alb_code alb_cache_get_at_hand(struct alb_cache *c, const struct alb_derived_key *key, int64_t most,
                                    struct alb_derived *out, struct alb_err *err)
{
    return alb_cache_get_small(c, key, most, out, err);
}

enum alb_code alb_cache_put(struct alb_cache *c, const struct alb_derived_key *key,
                            const struct alb_derived_front *front, struct alb_str body, struct alb_err *err)
{
    struct alb_str meta = front->meta;
    (void)c;
    (void)atomic_fetch_add(&fake_cache_puts, 1);
    if (atomic_load(&fake_cache_off))
        return alb_fail(err, ALB_E_NO_SPACE, "the fake disk is full");
    (void)pthread_mutex_lock(&disk.mtx);
    unsigned i = 0;
    while (i < disk.count && memcmp(&disk.files[i].key, key, sizeof(*key)) != 0)
        i++;
    if (i < FILES && meta.n < sizeof(disk.files[i].meta)) {
        alb_bytes_unref(disk.files[i].body);
        disk.files[i].key = *key;
        memcpy(disk.files[i].meta, meta.p, meta.n);
        disk.files[i].meta_n = meta.n;
        disk.files[i].body = alb_bytes_copy(body.p, body.n);
        disk.count += i == disk.count;
    }
    (void)pthread_mutex_unlock(&disk.mtx);
    return ALB_OK;
}

void fake_cache_empty(void)
{
    for (unsigned i = 0; i < disk.count; i++) {
        alb_bytes_unref(disk.files[i].body);
        disk.files[i].body = NULL;
    }
    disk.count = 0;
}

struct alb_cache *fake_cache(void)
{
    return (struct alb_cache *)(void *)&disk;
}
