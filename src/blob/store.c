/* SPDX-License-Identifier: Apache-2.0
 *
 * What all stores have in common (contract: store.h): the calls through the table of functions, the sweep,
 * and the scrub.
 */
#include "blob/store.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/stat.h"

#define SCRUB_PIECE ((size_t)256 * 1024)

void alb_blob_publish_begin(struct alb_blob_publish *p, struct alb_blob_store *store,
                            const struct alb_blob_source *source)
{
    memset(p, 0, sizeof(*p));
    p->store = store;
    p->source = *source;
    p->state = ALB_BLOB_VERIFY_SOURCE;
}

enum alb_code alb_blob_publish_step(struct alb_blob_publish *p, int64_t budget, bool *done,
                                    struct alb_err *err)
{
    *done = false;
    if (p->state == ALB_BLOB_PINNED) {
        *done = true;
        return ALB_OK;
    }
    if (p->state == ALB_BLOB_FAILED)
        return alb_fail(err, ALB_E_INTERNAL, "step after a failure");
    enum alb_code code = p->store->ops->publish_step(p, budget, done, err);
    if (code != ALB_OK)
        p->state = ALB_BLOB_FAILED;
    return code;
}

enum alb_code alb_blob_publish_path(struct alb_blob_publish *p, struct alb_blob_store *store,
                                    const struct alb_blob_source *source, struct alb_err *err)
{
    bool done = false;
    enum alb_code code = ALB_OK;

    alb_blob_publish_begin(p, store, source);
    while (code == ALB_OK && !done)
        code = alb_blob_publish_step(p, INT64_MAX, &done, err);
    return code;
}

void alb_blob_publish_end(struct alb_blob_publish *p)
{
    if (p->store != NULL)
        p->store->ops->publish_end(p);
    p->store = NULL;
}

enum alb_code alb_blob_remove(struct alb_blob_store *store, const unsigned char sha256[ALB_SHA256_LEN],
                              alb_blob_ask_fn *still_dying, void *arg, bool *removed, struct alb_err *err)
{
    return store->ops->remove(store, sha256, still_dying, true, arg, removed, err);
}

enum alb_code alb_blob_walk_step(struct alb_blob_store *store, int64_t *cursor, alb_blob_file_fn *fn,
                                 void *arg, struct alb_err *err)
{
    return store->ops->walk_step(store, cursor, fn, arg, err);
}

struct sweep {
    struct alb_blob_store *store;
    int64_t before_ms;
    alb_blob_ask_fn *has_row;
    void *arg;
    struct alb_blob_swept *swept;
};

static enum alb_code sweep_one(void *arg, const struct alb_blob_file *file, struct alb_err *err)
{
    struct sweep *s = arg;
    bool removed = false;

    if (file->foreign) {
        s->swept->foreign++;
        return ALB_OK;
    }
    s->swept->seen++;
    if (file->changed_ms >= s->before_ms) {
        s->swept->young++;
        return ALB_OK;
    }
    enum alb_code code =
        s->store->ops->remove(s->store, file->sha256, s->has_row, false, s->arg, &removed, err);
    if (code == ALB_OK && removed) {
        s->swept->removed++;
        s->swept->removed_bytes += file->size;
    }
    return code;
}

enum alb_code alb_blob_sweep_step(struct alb_blob_store *store, int64_t *cursor, int64_t before_ms,
                                  alb_blob_ask_fn *has_row, void *arg, struct alb_blob_swept *swept,
                                  struct alb_err *err)
{
    struct sweep s = {store, before_ms, has_row, arg, swept};

    return store->ops->walk_step(store, cursor, sweep_one, &s, err);
}

struct scrub {
    struct alb_hash sha256;
    struct alb_sums sums;
    unsigned char *piece;
};

static enum alb_code scrub_read(struct scrub *s, int fd, int64_t size, struct alb_err *err)
{
    for (int64_t at = 0; at < size;) {
        size_t want = size - at < (int64_t)SCRUB_PIECE ? (size_t)(size - at) : SCRUB_PIECE, got;
        struct alb_err why = ALB_ERR_INIT;
        enum alb_code code = alb_fs_pread_all(fd, s->piece, want, at, &got, &why);
        if (code != ALB_OK) /* a bad sector is damage like any other: the other originals are looked at too */
            return alb_fail_sys(err, why.sys == EIO ? ALB_E_CORRUPT : code, why.sys,
                                "cannot be read at %lld: %s", (long long)at, why.msg);
        if (got != want)
            code = alb_fail(err, ALB_E_CORRUPT, "file became shorter");
        if (code == ALB_OK)
            code = alb_sums_update(&s->sums, s->piece, got, err);
        if (code != ALB_OK)
            return code;
        alb_hash_update(&s->sha256, s->piece, got);
        at += (int64_t)got;
    }
    return ALB_OK;
}

static enum alb_code scrub_compare(const struct scrub *s, const struct alb_blob_ref *ref,
                                   struct alb_bytes **sums, struct alb_err *err)
{
    unsigned char sha[ALB_HASH_MAX_LEN];
    struct alb_bytes *fresh = alb_sums_final(&s->sums);

    if (fresh == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for block sums");
    (void)alb_hash_final(&s->sha256, sha);
    enum alb_code code = ALB_OK;
    if (memcmp(sha, ref->sha256, ALB_SHA256_LEN) != 0)
        code = alb_fail(err, ALB_E_CORRUPT, "its SHA-256 is another one");
    else if (ref->sums.p != NULL && !alb_str_eq(ref->sums, alb_bytes_view(fresh)))
        code = alb_fail(err, ALB_E_CORRUPT, "its bytes are right, its block sums are not");
    if (code == ALB_OK && sums != NULL)
        *sums = alb_bytes_ref(fresh);
    alb_bytes_unref(fresh);
    return code;
}

enum alb_code alb_blob_scrub(struct alb_blob_store *store, const struct alb_blob_ref *ref,
                             struct alb_bytes **sums, struct alb_err *err)
{
    struct scrub s = {0};
    struct alb_err why = ALB_ERR_INIT;
    int fd = -1;
    int64_t size = 0;

    if (sums != NULL)
        *sums = NULL;
    alb_hash_init(&s.sha256, ALB_HASH_SHA256);
    enum alb_code code = alb_sums_init(&s.sums, &why);
    s.piece = alb_mem_alloc(SCRUB_PIECE);
    if (code == ALB_OK && s.piece == NULL)
        code = alb_fail(&why, ALB_E_NO_MEMORY, "no memory to read an original");
    if (code == ALB_OK)
        code = store->ops->open(store, ref, &fd, &why);
    if (code == ALB_OK)
        code = alb_fs_size(fd, &size, &why);
    if (code == ALB_OK && size != ref->size)
        code = alb_fail(&why, ALB_E_CORRUPT, "file has %lld bytes, not %lld", (long long)size,
                        (long long)ref->size);
    if (code == ALB_OK)
        code = scrub_read(&s, fd, size, &why);
    if (code == ALB_OK)
        code = scrub_compare(&s, ref, sums, &why);
    alb_fs_close(&fd);
    alb_sums_fini(&s.sums);
    alb_mem_free(s.piece);
    if (code == ALB_E_CORRUPT)
        alb_stat_inc(ALB_STAT_BLOB_CORRUPT); /* no record: who scrubs tells */
    if (code != ALB_OK)
        return alb_fail_sys(err, code, why.sys, ALB_STR_FMT ": %s", ALB_STR_ARG(ref->key), why.msg);
    return ALB_OK;
}

const char *alb_blob_store_name(const struct alb_blob_store *store)
{
    return store->ops->name;
}

void alb_blob_store_free(struct alb_blob_store **store)
{
    if (*store != NULL)
        (*store)->ops->free(*store);
    *store = NULL;
}
