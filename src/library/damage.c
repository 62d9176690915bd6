/* SPDX-License-Identifier: Apache-2.0
 *
 * Damage that readers of originals meet is noted in the catalog (blob.h, alb_library_watch_store): the row is
 * marked bad, once, so that its owner sees it and the same bytes are welcome again. `albumen check` finds the
 * rest, which nobody has read.
 *
 * A reader may speak of the past: while it reads, the good bytes may have been uploaded again and have taken
 * the place of the damaged file. So the order is
 *   1. read the row: when was its file last judged (verified_at)?
 *   2. look at the file that lies there now: the same damage?
 *   3. mark, if the row is still the one of 1.
 * A publication puts the file into its place before it commits, and its commit is a judgement. So if the good
 * file came before 2, it is seen there; if later, its commit comes after 1, and either 3 finds another row,
 * or that commit comes after 3 and takes the mark away.
 *
 * Threads: that of the reader (io pool, jobs), without locks: one short read of the catalog and of one block.
 * The write is queued and nobody waits for it; if the queue is full the next reader tells again.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/store.h"
#include "library/blob.h"
#include "library/priv.h"

#define ROW_ARENA ((size_t)160 << 20) /* the sums of a file of 16 TiB; grows only as needed */

/* Lives until the write has ended. */
struct marking {
    struct alb_waiter waiter;
    struct alb_future *future; /* a reference */
    char key[ALB_BLOB_KEY_MAX];
};

static void marking_end(struct marking *m)
{
    const struct alb_done *done = (const struct alb_done *)(const void *)alb_future_result(m->future);

    if (done != NULL && done->count > 0) { /* of many that saw it, one has marked it */
        alb_stat_inc(ALB_STAT_BLOB_MARKED);
        alb_log(ALB_LOG_ERROR, "original marked as damaged", ALB_LOG_C("key", m->key),
                ALB_LOG_C("help", "albumen check names the photos; uploading the same file again mends it"));
    }
    alb_future_unref(m->future);
    alb_mem_free(m);
}

static void wake(struct alb_waiter *w, enum alb_wake why)
{
    (void)why; /* no heir: never a promotion */
    marking_end(ALB_CONTAINER_OF(w, struct marking, waiter));
}

static void mark(struct alb_library *lib, const struct alb_blob *row)
{
    struct marking *m = alb_mem_calloc(1, sizeof(*m));

    if (m == NULL)
        return;
    m->waiter.wake = wake;
    alb_ignore(!alb_str_to_c(row->key, m->key, sizeof(m->key)), "for the log only");
    if (alb_library_blob_verified(lib, row->id, row->verified_at, false, &m->future, NULL) != ALB_OK)
        alb_mem_free(m);
    else if (!alb_future_wait(m->future, &m->waiter))
        marking_end(m);
}

static void look(struct alb_library *lib, const unsigned char sha256[ALB_SHA256_LEN], int64_t block,
                 struct alb_arena *a)
{
    struct alb_blob row;
    struct alb_blob_ref ref;

    if (alb_library_blob_find(lib, sha256, a, &row, NULL) != ALB_OK || row.state != ALB_BLOB_LIVE || row.bad)
        return;
    ref = (struct alb_blob_ref){.size = row.size, .key = row.key, .sums = row.sums};
    memcpy(ref.sha256, sha256, sizeof(ref.sha256));
    enum alb_code code = alb_blob_look_again(lib->store, &ref, block, NULL);
    if (code == ALB_E_CORRUPT || code == ALB_E_NOT_FOUND)
        mark(lib, &row);
}

static void met(void *ctx, const unsigned char sha256[ALB_SHA256_LEN], int64_t block)
{
    struct alb_arena *a = alb_arena_new(ROW_ARENA);

    if (a != NULL)
        look(ctx, sha256, block, a);
    alb_arena_free(&a);
}

void alb_library_watch_store(struct alb_library *lib, struct alb_blob_store *store)
{
    lib->store = store;
    alb_blob_on_damage(store, met, lib);
}
