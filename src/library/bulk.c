/* SPDX-License-Identifier: Apache-2.0
 *
 * Bulk edits (law 6): an operation is a row with its items, worked off in slices of at most 20 ms, each one
 * transaction with its undo rows, others' writes in between.
 *
 *   first run of the unit: row and items are written (one slice); then, and in every further run:
 *     item after item until the slice is over; progress stored in the row; again
 *   the last slice ends the row; the future is settled with what the row says
 *   a crash leaves the row running: alb_library_open starts the unit again with the row's id; so does
 *   alb_library_tick when a slice was lost with its group (disk full) and no unit is left
 *
 * Items are UUIDs fixed at the start, or "the trash": then each slice takes what is there, and the operation
 * ends when nothing (that was trashed before it began) is left.
 */
#include <string.h>

#include "base/mem.h"
#include "library/bulk.h"

struct bulk_args {
    int64_t operation; /* of a resumed one; else 0 */
    struct alb_operation op;
    const struct alb_uuid *ids;
    /* owned by the writer: the row this call has made. A unit runs again after a failed group only in that
     * its future has failed, so this is never stale. */
    int64_t made;
};

static void bulk_release(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct alb_bulk, obj));
}

static enum alb_code give_result(const struct alb_operation *op, struct alb_obj **result, struct alb_err *err)
{
    struct alb_bulk *b = alb_mem_calloc(1, sizeof(*b));

    if (b == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a result");
    alb_obj_init(&b->obj, bulk_release);
    b->operation_id = op->id;
    b->uuid = op->uuid;
    b->done = op->done;
    b->skipped = op->skipped;
    *result = &b->obj;
    return ALB_OK;
}

/* ---- the first slice ---- */

static enum alb_code store_items(struct alb_tx *tx, const struct bulk_args *args, int64_t op,
                                 struct alb_err *err)
{
    int64_t total = args->op.total;
    enum alb_code code = ALB_OK;

    for (int64_t at = 0; args->ids != NULL && code == ALB_OK && at < total; at += ALB_OPERATION_CHUNK) {
        int64_t n = total - at < ALB_OPERATION_CHUNK ? total - at : ALB_OPERATION_CHUNK;

        code =
            alb_catalog_operation_items_add(tx, op, at / ALB_OPERATION_CHUNK, args->ids + at, (size_t)n, err);
    }
    return code;
}

/* Undoing: the items are the undo rows of the other operation, which must be the principal's. */
static enum alb_code check_undo(struct alb_tx *tx, const struct alb_viewer *v, struct alb_operation *op,
                                struct alb_err *err)
{
    struct alb_operation other;
    enum alb_code code = alb_catalog_operation_get(alb_tx_snap(tx), op->value, &other, err);

    if (code != ALB_OK)
        return code;
    if (other.user_id != v->user_id && !v->all)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such operation");
    if (other.state != ALB_OPERATION_ENDED)
        return alb_fail(err, ALB_E_CONFLICT, "the operation runs, or is undone already");
    code = alb_catalog_undo_count(alb_tx_snap(tx), op->value, &op->total, err);
    return code == ALB_OK ? alb_catalog_operation_set_undone(tx, op->value, err) : code;
}

static enum alb_code begin(struct alb_tx *tx, struct alb_call *c, int64_t *id, struct alb_err *err)
{
    const struct bulk_args *args = c->args;
    struct alb_operation op = args->op;
    struct alb_viewer v;
    struct alb_uuid uuid;
    enum alb_code code = ALB_OK;

    if (c->principal != NULL)
        code = alb_viewer_user(c->lib, alb_tx_snap(tx), c->principal, &v, err);
    else
        v = (struct alb_viewer){.all = true, .user_id = ALB_USER_ADMIN};
    if (code != ALB_OK)
        return code;
    op.user_id = v.user_id;
    if (op.action == ALB_BULK_UNDO)
        code = check_undo(tx, &v, &op, err);
    if (code == ALB_OK)
        code = alb_catalog_operation_insert(tx, &op, id, &uuid, err);
    return code == ALB_OK ? store_items(tx, args, *id, err) : code;
}

/* ---- items ---- */

/* The items of a slice come a chunk at a time. */
struct items {
    int64_t chunk; /* loaded, -1 = none */
    size_t count;
    struct alb_uuid ids[ALB_OPERATION_CHUNK];
};

static enum alb_code fixed_item(struct alb_bulk_step *x, struct items *items, int64_t n, struct alb_err *err)
{
    int64_t chunk = n / ALB_OPERATION_CHUNK;
    size_t at = (size_t)(n % ALB_OPERATION_CHUNK);
    struct alb_snap *s = alb_tx_snap(x->tx);
    enum alb_code code = ALB_OK;

    x->asset = 0;
    if (chunk != items->chunk)
        code = alb_catalog_operation_items(s, x->op->id, chunk, items->ids, &items->count, err);
    items->chunk = chunk;
    if (code != ALB_OK || at >= items->count)
        return code;
    code = alb_catalog_asset_id(s, &items->ids[at], &x->asset, NULL);
    return code == ALB_E_NOT_FOUND ? ALB_OK : code;
}

static bool refusal(enum alb_code code)
{
    return code == ALB_E_NOT_FOUND || code == ALB_E_FORBIDDEN || code == ALB_E_CONFLICT ||
           code == ALB_E_INVALID;
}

static enum alb_code one_item(struct alb_bulk_step *x, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = alb_tx_try(x->tx, alb_bulk_apply, x, &why);

    if (code == ALB_OK) {
        x->op->done++;
        return ALB_OK;
    }
    if (!refusal(code))
        return alb_fail(err, code, "%s", why.msg);
    x->op->skipped++;
    return ALB_OK;
}

static enum alb_code fixed_slice(struct alb_bulk_step *x, struct alb_err *err)
{
    struct items items = {.chunk = -1};
    enum alb_code code = ALB_OK;

    while (code == ALB_OK && x->op->cursor < x->op->total && !alb_tx_slice_over(x->tx)) {
        x->item = x->op->cursor;
        if (x->op->action != ALB_BULK_UNDO)
            code = fixed_item(x, &items, x->op->cursor, err);
        if (code == ALB_OK)
            code = one_item(x, err);
        x->op->cursor++;
    }
    return code;
}

#define DRAIN_STEP 32

static enum alb_code drain_slice(struct alb_bulk_step *x, struct alb_err *err)
{
    int64_t owner = x->op->drain == ALB_DRAIN_OWN_TRASH ? x->op->user_id : 0;
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = ALB_OK;
    bool more = true;

    x->v.elevated = true;             /* the trash is emptied whole, locked ones too */
    x->op->total = x->op->cursor + 1; /* open end */
    while (code == ALB_OK && more && !alb_tx_slice_over(x->tx)) {
        struct alb_arena_mark mark = alb_arena_mark(x->arena);
        int64_t *ids;
        size_t count;

        code = alb_catalog_trash_ids(alb_tx_snap(x->tx), owner, x->op->value, DRAIN_STEP, x->arena, &ids,
                                     &count, err);
        for (size_t i = 0; code == ALB_OK && i < count; i++) {
            x->asset = ids[i];
            /* What cannot be drained would come again for ever: an error, unless it went with another one. */
            code = alb_bulk_apply(x->tx, x, &why);
            if (code == ALB_E_NOT_FOUND)
                code = ALB_OK;
            else
                x->op->done++;
            if (code != ALB_OK)
                code = alb_fail(err, code, "%s", why.msg);
            alb_err_clear(&why);
        }
        more = count > 0;
        alb_arena_rewind(x->arena, mark);
    }
    if (!more)
        x->op->cursor = x->op->total; /* ended */
    return code;
}

/* ---- the unit ---- */

static enum alb_code slice(struct alb_tx *tx, struct alb_call *c, int64_t id, struct alb_obj **result,
                           struct alb_err *err)
{
    struct alb_operation op;
    struct alb_bulk_step x = {.tx = tx, .op = &op};
    enum alb_code code = alb_catalog_operation_get(alb_tx_snap(tx), id, &op, err);

    if (code == ALB_OK && op.state != ALB_OPERATION_RUNNING)
        return give_result(&op, result, err);
    if (code != ALB_OK)
        return code;
    /* What was authorised when it began goes on for its user when the session ends meanwhile; what the user
     * may do to each asset is asked anew. */
    if (c->principal == NULL || alb_viewer_user(c->lib, alb_tx_snap(tx), c->principal, &x.v, NULL) != ALB_OK)
        code = alb_bulk_viewer(tx, &op, &x.v, err);
    if (code != ALB_OK)
        return code;
    x.arena = alb_unit_arena(err);
    if (x.arena == NULL)
        return ALB_E_NO_MEMORY;
    code = op.drain != ALB_DRAIN_NONE ? drain_slice(&x, err) : fixed_slice(&x, err);
    alb_arena_free(&x.arena);
    if (code == ALB_OK)
        code = alb_catalog_operation_progress(tx, &op, err);
    if (code != ALB_OK)
        return code;
    if (op.cursor < op.total) {
        alb_tx_again(tx);
        return ALB_OK;
    }
    return give_result(&op, result, err);
}

/* The nightly purge mostly finds nothing: no row, no change for that. */
static enum alb_code nothing_to_drain(struct alb_tx *tx, const struct alb_operation *op, bool *nothing,
                                      struct alb_err *err)
{
    struct alb_arena *a = alb_unit_arena(err);
    int64_t *ids;
    size_t count = 1;
    enum alb_code code = a != NULL ? ALB_OK : ALB_E_NO_MEMORY;

    *nothing = false;
    if (code == ALB_OK && op->drain == ALB_DRAIN_ALL_TRASH)
        code = alb_catalog_trash_ids(alb_tx_snap(tx), 0, op->value, 1, a, &ids, &count, err);
    *nothing = code == ALB_OK && count == 0;
    alb_arena_free(&a);
    return code;
}

static enum alb_code bulk_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                               struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    struct bulk_args *args = c->args;
    int64_t id = args->operation != 0 ? args->operation : args->made;
    bool nothing;
    enum alb_code code;

    if (atomic_load(&c->lib->closing))
        return alb_fail(err, ALB_E_CANCELLED, "interrupted; goes on at the next start");
    if (id != 0)
        return slice(tx, c, id, result, err);
    code = nothing_to_drain(tx, &args->op, &nothing, err);
    if (code == ALB_OK && nothing)
        return give_result(&args->op, result, err);
    if (code == ALB_OK)
        code = begin(tx, c, &id, err);
    if (code != ALB_OK)
        return code;
    args->made = id;
    return slice(tx, c, id, result, err); /* a small one is one commit */
}

static enum alb_code start(struct alb_library *lib, const struct alb_principal *p,
                           const struct bulk_args *what, struct alb_future **future, struct alb_err *err)
{
    size_t ids = what->ids != NULL ? (size_t)what->op.total * sizeof(*what->ids) : 0;
    struct alb_call *c = alb_call_new(lib, p, ALB_CALL_SMALL + ids, sizeof(*what));

    if (c != NULL) {
        struct bulk_args *to = c->args;

        *to = *what;
        if (what->ids != NULL)
            to->ids = alb_call_copy(c, what->ids, (size_t)what->op.total, sizeof(*what->ids));
        c->alive = &lib->bulks;
        atomic_fetch_add(&lib->bulks, 1);
    }
    return alb_call_write(&c, "bulk", bulk_unit, future, err);
}

enum alb_code alb_library_bulk(struct alb_library *lib, const struct alb_principal *p, enum alb_door door,
                               enum alb_bulk_action action, int64_t value, const struct alb_uuid *ids,
                               size_t count, struct alb_future **future, struct alb_err *err)
{
    struct bulk_args what = {
        .op = {.door = (int)door, .action = (int)action, .value = value, .total = (int64_t)count},
        .ids = ids};

    *future = NULL;
    if (count > ALB_BULK_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "at most %d assets in one operation", ALB_BULK_MAX);
    if ((action == ALB_BULK_VISIBILITY && (value < 0 || value >= ALB_VIS_COUNT)) ||
        (action == ALB_BULK_LEVEL && !alb_level_valid((int)value)) ||
        (action == ALB_BULK_FAVORITE && value != 0 && value != 1) || (action == ALB_BULK_UNDO && count > 0))
        return alb_fail(err, ALB_E_INVALID, "the operation has no such value");
    if (count == 0)
        what.ids = NULL;
    return start(lib, p, &what, future, err);
}

enum alb_code alb_library_trash_all(struct alb_library *lib, const struct alb_principal *p, bool restore,
                                    struct alb_future **future, struct alb_err *err)
{
    struct bulk_args what = {.op = {.door = ALB_DOOR_WEB,
                                    .action = restore ? ALB_BULK_RESTORE : ALB_BULK_PURGE,
                                    .value = alb_wall(lib->clock) + 1,
                                    .drain = ALB_DRAIN_OWN_TRASH,
                                    .total = 1}};

    *future = NULL;
    return start(lib, p, &what, future, err);
}

enum alb_code alb_library_purge_old(struct alb_library *lib, int64_t before_ms, struct alb_future **future,
                                    struct alb_err *err)
{
    struct bulk_args what = {.op = {.door = ALB_DOOR_LOCAL,
                                    .action = ALB_BULK_PURGE,
                                    .value = before_ms,
                                    .drain = ALB_DRAIN_ALL_TRASH,
                                    .total = 1}};

    *future = NULL;
    return start(lib, NULL, &what, future, err);
}

enum alb_code alb_bulk_resume(struct alb_library *lib, int64_t operation, struct alb_err *err)
{
    struct bulk_args what = {.operation = operation};

    return start(lib, NULL, &what, NULL, err);
}
