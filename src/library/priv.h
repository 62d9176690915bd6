/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the library share: the room's struct, calls (units with copied arguments), viewers, and
 * the memory of rights answers.
 */
#ifndef ALB_LIBRARY_PRIV_H
#define ALB_LIBRARY_PRIV_H

#include <stdatomic.h>

#include "base/lock.h"
#include "base/pool.h"
#include "catalog/job.h"
#include "catalog/rights.h"
#include "library/principal.h"

/* ---- epochs: what memos are tagged with ----
 *
 * The rights epoch and one generation per slot of assets (an asset's slot is its id modulo ALB_ASSET_SLOTS).
 * A reader takes the tag BEFORE it opens its snapshot; the writer raises after COMMIT and before it
 * acknowledges. So an answer computed from older data always carries a tag older than the raise. Two assets
 * that share a slot only cost each other a miss. */
#define ALB_ASSET_SLOTS 8192
struct alb_tag_of_memo {
    uint64_t rights, generation;
};

/* ---- memo: bounded map from 32-byte key to a counted object ----  (memo.c) */
#define ALB_MEMO_KEY_LEN 32
struct alb_memo;
struct alb_memo *alb_memo_new(unsigned entries) ALB_MUST_CHECK;
void alb_memo_free(struct alb_memo **m);
/* A reference to the object under `key`, if `valid` (called under the shard's lock: atomics only) says so. */
struct alb_memo_value {
    struct alb_obj *obj;
    struct alb_tag_of_memo tag;
    int64_t asset_id; /* 0 = not about an asset */
    int64_t expires_ms;
};
typedef bool alb_memo_valid_fn(const void *ctx, const struct alb_memo_value *v);
struct alb_obj *alb_memo_get(struct alb_memo *m, const unsigned char key[ALB_MEMO_KEY_LEN],
                             alb_memo_valid_fn *valid, const void *ctx);
/* Takes no reference over: makes its own. Replaces the least recently used of its set. */
void alb_memo_put(struct alb_memo *m, const unsigned char key[ALB_MEMO_KEY_LEN],
                  const struct alb_memo_value *v);

/* ---- last use of credentials, written behind ---- (used.c) */
struct alb_used;
struct alb_used *alb_used_new(void) ALB_MUST_CHECK;
void alb_used_free(struct alb_used **u);
void alb_used_note(struct alb_used *u, enum alb_token kind, int64_t id, int64_t at_ms);

struct alb_library {
    /* fixed after open */
    struct alb_library_config config;
    const struct alb_clock *clock;
    struct alb_catalog *cat;
    struct alb_pool *lane; /* passwords */
    struct alb_throttle *throttle;
    struct alb_memo *sources, *tokens;
    struct alb_used *used;
    struct alb_blob_store *store; /* whose readers tell of damage, or NULL */
    alb_library_notice_fn *notice_fn;
    void *notice_ctx;

    atomic_bool closing; /* operations stop between slices */
    atomic_uint bulks;   /* operations that have a unit: queued, running, or ending */

    /* atomic; raised by the writer thread */
    _Atomic uint64_t rights_epoch,
        asset_epoch; /* asset_epoch: some asset was touched; raised before the slots */
    _Atomic int64_t last_change;
    _Atomic uint64_t generation[ALB_ASSET_SLOTS];
};

struct alb_tag_of_memo alb_library_tag_now(struct alb_library *lib, int64_t asset_id);
/* What the memo has under the key, if it still holds: it has not expired, and neither rights nor its asset have
 * changed since. A reference, or NULL. */
struct alb_obj *alb_library_remembered(struct alb_library *lib, struct alb_memo *memo,
                                       const unsigned char key[ALB_MEMO_KEY_LEN]);
/* Queues what was noted; with `wait` (closing) until it is durable. */
void alb_library_flush_used(struct alb_library *lib, bool wait);

/* ---- calls: a unit's arguments, copied ---- (call.c)
 *
 *     struct alb_call *c = alb_call_new(lib, p, cap, sizeof(struct my_args));
 *     struct my_args *args = alb_call_args(c);         NULL c gives NULL
 *     args->name = alb_call_str(c, name);
 *     return alb_call_write(&c, "my-unit", my_unit, &future, err);
 *
 * Copies that did not fit stick to the call and are told by alb_call_write. */
struct alb_call {
    struct alb_obj obj;
    struct alb_library *lib;
    struct alb_principal *principal; /* a reference, or NULL: the room itself */
    struct alb_arena *arena;
    void *args;
    bool full;
    atomic_uint *alive; /* counted down when the call is gone; may be NULL */
};
#define ALB_CALL_SMALL ((size_t)64 << 10)
#define ALB_CALL_LARGE ((size_t)4 << 20)
struct alb_call *alb_call_new(struct alb_library *lib, const struct alb_principal *p, size_t cap,
                              size_t args);
void alb_call_free(struct alb_call **c);
struct alb_str alb_call_str(struct alb_call *c, struct alb_str s);
void *alb_call_copy(struct alb_call *c, const void *p, size_t count, size_t size); /* NULL for count 0 */
struct alb_layer *alb_call_layer(struct alb_call *c, const struct alb_layer *l);   /* NULL for NULL */
struct alb_tag_name *alb_call_tags(struct alb_call *c, const struct alb_tag_name *tags, size_t count);
struct alb_media *alb_call_media(struct alb_call *c, const struct alb_media *m); /* NULL for NULL */
struct alb_job_new *alb_call_jobs(struct alb_call *c, const struct alb_job_new *jobs, size_t count);
/* Takes the call. The unit finds it again with alb_call_of. */
enum alb_code alb_call_write(struct alb_call **c, const char *name, alb_catalog_unit_fn *run,
                             struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_call_write_background(struct alb_call **c, const char *name, alb_catalog_unit_fn *run,
                                        struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
static inline struct alb_call *alb_call_of(struct alb_obj *args)
{
    return ALB_CONTAINER_OF(args, struct alb_call, obj);
}
static inline void *alb_args_of(struct alb_obj *args)
{
    return alb_call_of(args)->args;
}
/* *result = struct alb_done. */
enum alb_code alb_done_give(struct alb_obj **result, int64_t id, int64_t count, const struct alb_uuid *uuid,
                            struct alb_err *err) ALB_MUST_CHECK;

/* ---- viewers ---- (viewer.c) */

/* Who the principal is now, in this snapshot. A guest that is not let in is nobody. UNAUTHENTICATED if the
 * credential has ended. p NULL = the room itself: sees everything. */
enum alb_code alb_viewer_of(struct alb_library *lib, struct alb_snap *s, const struct alb_principal *p,
                            struct alb_viewer *v, struct alb_err *err) ALB_MUST_CHECK;
/* Opens a snapshot and says who the principal is in it: alb_viewer_user if `user`, else alb_viewer_of. After
 * a failure there is no snapshot. */
enum alb_code alb_view_open(struct alb_library *lib, const struct alb_principal *p, bool user,
                            struct alb_snap **s, struct alb_viewer *v, struct alb_err *err) ALB_MUST_CHECK;
/* A user's own things: UNAUTHENTICATED for guests and shares. */
enum alb_code alb_viewer_user(struct alb_library *lib, struct alb_snap *s, const struct alb_principal *p,
                              struct alb_viewer *v, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_viewer_guest(struct alb_library *lib, struct alb_snap *s, struct alb_viewer *v,
                               struct alb_err *err) ALB_MUST_CHECK;

enum alb_edit { ALB_EDIT_NONE, ALB_EDIT_GALLERY, ALB_EDIT_OWN };
struct alb_asset_core;
/* May the viewer change this asset? OWN: the owner (locked only after elevation). GALLERY: an administrator
 * who sees a gallery asset. */
enum alb_code alb_edit_right(struct alb_snap *s, const struct alb_viewer *v,
                             const struct alb_asset_core *core, enum alb_edit *right,
                             struct alb_err *err) ALB_MUST_CHECK;

/* ---- sub-commands shared by files ---- */

struct alb_tag_name;
/* Ids of the tags, made if need be, in the arena; *made of them. owner: whose USER tags. lenient: names that
 * are no tags are skipped (what files say), else INVALID (what people say). */
enum alb_code alb_tags_ensure(struct alb_tx *tx, struct alb_arena *a, const struct alb_tag_name *names,
                              size_t count, int64_t owner, bool lenient, int64_t **ids, size_t *made,
                              struct alb_err *err) ALB_MUST_CHECK;
/* What an arena of a unit may hold (freed with the unit's call). */
struct alb_arena *alb_unit_arena(struct alb_err *err) ALB_MUST_CHECK;
/* Starts or goes on with an operation (bulk.c). */
enum alb_code alb_bulk_resume(struct alb_library *lib, int64_t operation, struct alb_err *err) ALB_MUST_CHECK;

#endif
