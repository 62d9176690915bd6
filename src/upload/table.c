/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of uploads: by id, and how many unfinished ones each owner has. Everything here runs under
 * UPLOAD_TABLE and makes no file calls.
 */
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/stat.h"
#include "upload/priv.h"

#define FIRST_BUCKETS 256
#define OWNER_BUCKETS 256

enum alb_code alb_upload_table_init(struct alb_uploads *u, struct alb_err *err)
{
    u->bucket_count = FIRST_BUCKETS;
    u->owner_buckets = OWNER_BUCKETS;
    u->buckets = alb_mem_calloc(u->bucket_count, sizeof(struct alb_upload_entry *));
    u->owners = alb_mem_calloc(u->owner_buckets, sizeof(struct alb_upload_owner *));
    if (u->buckets == NULL || u->owners == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the table of uploads");
    return ALB_OK;
}

void alb_upload_table_fini(struct alb_uploads *u)
{
    for (size_t i = 0; u->buckets != NULL && i < u->bucket_count; i++) {
        struct alb_upload_entry *e = u->buckets[i];
        while (e != NULL) {
            struct alb_upload_entry *next = e->next;
            ALB_CHECK(e->refs == 1);
            alb_upload_uncount_locked(u, e);
            alb_upload_entry_unref(e);
            alb_stat_dec(ALB_STAT_UPLOADS);
            e = next;
        }
    }
    alb_mem_free(u->buckets);
    alb_mem_free(u->owners);
    u->buckets = NULL;
    u->owners = NULL;
}

bool alb_upload_id_valid(struct alb_str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (!alb_is_digit(c) && !(alb_lower(c) >= 'a' && alb_lower(c) <= 'z') && c != '-' && c != '_')
            return false;
    }
    return id.n > 0 && id.n <= ALB_UPLOAD_ID_MAX;
}

struct alb_upload_entry *alb_upload_entry_new(struct alb_str id, int64_t owner, struct alb_str path)
{
    struct alb_upload_entry *e = alb_mem_calloc(1, sizeof(*e) + id.n);

    if (e == NULL)
        return NULL;
    if (path.n > 0) {
        e->path = alb_mem_calloc(1, path.n + 1);
        if (e->path == NULL) {
            alb_mem_free(e);
            return NULL;
        }
        memcpy(e->path, path.p, path.n);
    }
    e->owner_id = owner;
    e->refs = 1;
    e->id_n = (uint8_t)id.n;
    memcpy(e->id, id.p, id.n);
    return e;
}

void alb_upload_entry_unref(struct alb_upload_entry *e)
{
    ALB_CHECK(e->refs > 0);
    if (--e->refs > 0)
        return;
    ALB_CHECK(e->owner == NULL && e->holder == NULL && e->first == NULL && e->pins == 0);
    alb_mem_free(e->path);
    alb_mem_free(e);
}

static size_t bucket_of(const struct alb_uploads *u, const char *id, size_t n)
{
    return (size_t)alb_xxh3(id, n) & (u->bucket_count - 1);
}

struct alb_upload_entry *alb_upload_find_locked(struct alb_uploads *u, struct alb_str id)
{
    struct alb_upload_entry *e = u->buckets[bucket_of(u, id.p, id.n)];

    while (e != NULL && (e->id_n != id.n || memcmp(e->id, id.p, id.n) != 0))
        e = e->next;
    return e;
}

/* Twice as many buckets; without memory for them the chains get longer. */
static void grow_locked(struct alb_uploads *u)
{
    size_t old_count = u->bucket_count;
    struct alb_upload_entry **old = u->buckets;
    struct alb_upload_entry **buckets = alb_mem_calloc(old_count * 2, sizeof(struct alb_upload_entry *));

    if (buckets == NULL)
        return;
    u->buckets = buckets;
    u->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        for (struct alb_upload_entry *e = old[i], *next; e != NULL; e = next) {
            size_t b = bucket_of(u, e->id, e->id_n);
            next = e->next;
            e->next = buckets[b];
            buckets[b] = e;
        }
    }
    alb_mem_free(old);
}

static struct alb_upload_owner **owner_link(struct alb_uploads *u, int64_t id)
{
    struct alb_upload_owner **at = &u->owners[(uint64_t)id % u->owner_buckets];

    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static enum alb_code count_locked(struct alb_uploads *u, struct alb_upload_entry *e, bool limited,
                                  struct alb_err *err)
{
    struct alb_upload_owner **at = owner_link(u, e->owner_id);

    if (limited && *at != NULL && (*at)->unfinished >= u->limits.max_per_owner)
        return alb_fail(err, ALB_E_TOO_MANY, "%lld unfinished uploads of one user",
                        (long long)(*at)->unfinished);
    int64_t most = u->limits.max_owner_bytes, need = e->length > 0 ? e->length : 0;
    if (limited && most > 0 && (need > most || (*at != NULL && atomic_load(&(*at)->bytes) > most - need)))
        return alb_fail(err, ALB_E_NO_SPACE, "the unfinished uploads of one user hold as much as they may");
    if (*at == NULL) {
        struct alb_upload_owner *o = alb_mem_calloc(1, sizeof(*o));
        if (o == NULL)
            return alb_fail(err, ALB_E_NO_MEMORY, "no memory for an upload");
        o->id = e->owner_id;
        *at = o;
    }
    (*at)->unfinished++;
    (*at)->finals += e->kind == ALB_UPLOAD_FINAL;
    u->unfinished++;
    e->owner = *at;
    return ALB_OK;
}

void alb_upload_uncount_locked(struct alb_uploads *u, struct alb_upload_entry *e)
{
    struct alb_upload_owner *o = e->owner;

    if (o == NULL)
        return;
    (void)atomic_fetch_sub(&u->stored, e->bytes);
    (void)atomic_fetch_sub(&o->bytes, e->bytes);
    e->bytes = 0;
    e->owner = NULL;
    u->unfinished--;
    o->finals -= e->kind == ALB_UPLOAD_FINAL;
    if (--o->unfinished > 0)
        return;
    *owner_link(u, o->id) = o->next;
    alb_mem_free(o);
}

void alb_upload_count_bytes(struct alb_uploads *u, struct alb_upload_entry *e, int64_t n)
{
    if (e->owner == NULL)
        return;
    e->bytes += n;
    (void)atomic_fetch_add(&u->stored, n);
    (void)atomic_fetch_add(&e->owner->bytes, n);
}

enum alb_code alb_upload_insert_locked(struct alb_uploads *u, struct alb_upload_entry *e, bool limited,
                                       struct alb_err *err)
{
    bool finished = e->state == ALB_UPLOAD_FINISHED || e->state == ALB_UPLOAD_REJECTED;

    if (alb_upload_find_locked(u, alb_str_n(e->id, e->id_n)) != NULL)
        return alb_fail(err, ALB_E_CONFLICT, "an upload of this id is there already");
    if (limited && u->known >= u->limits.max_count)
        return alb_fail(err, ALB_E_BUSY, "%lld uploads are known already", (long long)u->known);
    if (!finished) {
        enum alb_code code = count_locked(u, e, limited, err);
        if (code != ALB_OK)
            return code;
    }
    if ((size_t)u->known >= u->bucket_count)
        grow_locked(u);
    size_t b = bucket_of(u, e->id, e->id_n);
    e->next = u->buckets[b];
    u->buckets[b] = e;
    u->known++;
    u->id_bytes += e->id_n;
    alb_stat_inc(ALB_STAT_UPLOADS);
    return ALB_OK;
}

void alb_upload_remove_locked(struct alb_uploads *u, struct alb_upload_entry *e)
{
    struct alb_upload_entry **at = &u->buckets[bucket_of(u, e->id, e->id_n)];

    if (e->gone)
        return;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    e->next = NULL;
    e->gone = true;
    u->known--;
    u->id_bytes -= e->id_n;
    alb_stat_dec(ALB_STAT_UPLOADS);
    alb_upload_uncount_locked(u, e);
    if (e->kind == ALB_UPLOAD_PARTIAL)
        alb_upload_part_changed_locked(u, e);
    alb_upload_entry_unref(e);
}

bool alb_upload_known(struct alb_uploads *u, struct alb_str id)
{
    if (!alb_upload_id_usable(u, id))
        return false;
    alb_mutex_lock(&u->mtx);
    const struct alb_upload_entry *e = alb_upload_find_locked(u, id);
    bool known = e != NULL && !e->hidden && e->announced;
    alb_mutex_unlock(&u->mtx);
    return known;
}

enum alb_code alb_upload_brief(struct alb_uploads *u, struct alb_str id, int64_t owner,
                               struct alb_upload_brief *brief, struct alb_err *err)
{
    const struct alb_upload_entry *e = NULL;

    *brief = (struct alb_upload_brief){0};
    alb_mutex_lock(&u->mtx);
    if (alb_upload_id_usable(u, id))
        e = alb_upload_find_locked(u, id);
    if (e != NULL && (e->hidden || !e->announced || (owner != ALB_UPLOAD_ANYONE && e->owner_id != owner)))
        e = NULL;
    if (e != NULL)
        *brief = (struct alb_upload_brief){.kind = (enum alb_upload_kind)e->kind,
                                           .state = (enum alb_upload_state)e->state,
                                           .length = e->length,
                                           .offset = e->offset};
    alb_mutex_unlock(&u->mtx);
    return e != NULL ? ALB_OK : alb_fail(err, ALB_E_NOT_FOUND, "no such upload of this owner");
}
