/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that make, change and remove assets (contract: catalog/asset.h; brackets: derive.h).
 */
#include <string.h>

#include "base/buf.h"
#include "catalog/album.h"
#include "catalog/blob.h"
#include "catalog/sqlite/derive.h"

/* ---- making ---- */

static void bind_row(struct alb_q *q, const struct alb_tx *tx, const struct alb_asset_row *row,
                     const struct alb_uuid *uuid, struct alb_str name_key)
{
    alb_q_uuid(q, uuid);
    alb_q_i64(q, row->owner_id);
    alb_q_i64(q, row->blob_id);
    alb_q_blob(q, row->sha1, ALB_SHA1_LEN);
    alb_q_i64(q, row->kind);
    alb_q_str(q, row->mime);
    alb_q_str(q, row->name);
    alb_q_str(q, name_key);
    alb_q_i64(q, row->damaged);
    alb_q_i64(q, row->door);
    alb_q_i64(q, row->added_by);
    alb_q_str(q, row->device_id);
    alb_q_str(q, row->device_asset_id);
    alb_q_i64(q, alb_tx_now(tx));
    alb_q_i64(q, alb_tx_now(tx));
    alb_q_i64_or_null(q, row->file_modified_at, row->file_modified_at == 0);
    alb_q_i64(q, row->gallery);
    alb_q_i64(q, row->personal);
    alb_q_i64(q, row->visibility);
    alb_q_i64(q, row->level);
}

static enum alb_code insert_row(struct alb_tx *tx, const struct alb_asset_row *row,
                                const struct alb_uuid *uuid, int64_t *id, struct alb_err *err)
{
    struct alb_buf name_key = ALB_BUF_INIT((size_t)64 << 10), keys = ALB_BUF_INIT((size_t)1 << 20);
    struct alb_layer effective;
    int source[ALB_FIELD_COUNT];
    struct alb_q q;
    enum alb_code code;

    alb_layer_merge(row->layers, &effective, source);
    alb_fold(row->name, &name_key);
    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO asset (uuid, owner_id, blob_id, sha1, kind, mime, name, name_key, damaged, door,"
        " added_by, device_id, device_asset_id, created_at, updated_at, file_modified_at, gallery, personal,"
        " visibility, level, " ALB_EFFECTIVE_COLUMNS
        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, " ALB_EFFECTIVE_MARKS ")");
    if (alb_buf_code(&name_key) != ALB_OK)
        alb_q_give_up(&q, alb_buf_code(&name_key));
    bind_row(&q, tx, row, uuid, alb_buf_view(&name_key));
    alb_effective_bind(&q, &effective, source[ALB_FIELD_CAPTURE], alb_tx_now(tx), &keys);
    code = alb_q_run_id(&q, id, err);
    alb_buf_fini(&name_key);
    alb_buf_fini(&keys);
    return code;
}

enum alb_code alb_catalog_asset_insert(struct alb_tx *tx, const struct alb_asset_row *row, int64_t *id,
                                       struct alb_uuid *uuid, struct alb_err *err)
{
    bool changed;
    enum alb_code code;

    *uuid = alb_uuid_v7(alb_tx_clock(tx));
    code = insert_row(tx, row, uuid, id, err);
    for (int i = 0; code == ALB_OK && i < ALB_LAYER_COUNT; i++) {
        if (row->layers[i] != NULL)
            code = alb_layer_store(tx, *id, (enum alb_layer_id)i, row->layers[i], 1, err);
        if (code == ALB_OK && row->tag_count[i] > 0)
            code = alb_layer_tags_store(tx, *id, (enum alb_layer_id)i, row->tags[i], row->tag_count[i], err);
    }
    if (code == ALB_OK)
        code = alb_media_store(tx, *id, &row->media, err);
    if (code == ALB_OK)
        code = alb_asset_apply_tags(tx, *id, &changed, err);
    /* What is stored decides, not what was handed in: an empty text is an explicit empty. */
    if (code == ALB_OK)
        code = alb_asset_apply_layers(tx, *id, &changed, err);
    return code == ALB_OK ? alb_asset_created(tx, *id, err) : code;
}

/* ---- removing ---- */

static enum alb_code unlink_all(struct alb_tx *tx, int64_t id, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code = ALB_OK;

    for (;;) {
        int64_t album = 0;
        bool changed;

        alb_q_open(&q, &tx->snap, "SELECT album_id FROM album_asset WHERE asset_id = ? LIMIT 1");
        alb_q_i64(&q, id);
        if (alb_q_first(&q))
            album = alb_q_int(&q, 0);
        code = alb_q_end(&q, err);
        if (code != ALB_OK || album == 0)
            return code;
        code = alb_catalog_album_unlink(tx, album, id, &changed, err);
        if (code != ALB_OK)
            return code;
    }
}

/* Stills lose their motion part: a change of theirs. */
static enum alb_code leave_stills(struct alb_tx *tx, int64_t motion, struct alb_err *err)
{
    for (;;) {
        int64_t still = 0;
        struct alb_q q;
        enum alb_code code;

        alb_q_open(&q, &tx->snap, "SELECT id FROM asset WHERE live_id = ? LIMIT 1");
        alb_q_i64(&q, motion);
        if (alb_q_first(&q))
            still = alb_q_int(&q, 0);
        code = alb_q_end(&q, err);
        if (code != ALB_OK || still == 0)
            return code;
        code = alb_catalog_asset_set_live(tx, still, 0, err);
        if (code != ALB_OK)
            return code;
    }
}

/* Blobs of the asset, itself and its further files, that are to be buried afterwards. */
#define BLOBS_MAX 64

static enum alb_code blobs_of(struct alb_tx *tx, int64_t id, int64_t blobs[BLOBS_MAX], size_t *count,
                              struct alb_err *err)
{
    struct alb_q q;

    *count = 0;
    alb_q_open(
        &q, &tx->snap,
        "SELECT blob_id FROM asset WHERE id = ?1 UNION SELECT blob_id FROM asset_file WHERE asset_id = ?1");
    alb_q_i64(&q, id);
    while (*count < BLOBS_MAX && alb_q_row(&q)) /* what does not fit is found by bury_some */
        blobs[(*count)++] = alb_q_int(&q, 0);
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_asset_purge(struct alb_tx *tx, int64_t id, struct alb_err *err)
{
    struct alb_asset_core core;
    int64_t blobs[BLOBS_MAX];
    size_t count = 0;
    struct alb_q q;
    enum alb_code code = alb_catalog_asset_core(&tx->snap, id, &core, err);

    if (code == ALB_OK)
        code = unlink_all(tx, id, err);
    if (code == ALB_OK)
        code = leave_stills(tx, id, err);
    if (code == ALB_OK)
        code = blobs_of(tx, id, blobs, &count, err);
    if (code == ALB_OK)
        code = alb_asset_deleting(tx, id, err);
    if (code == ALB_OK) {
        alb_q_open(&q, &tx->snap, "DELETE FROM asset WHERE id = ?");
        alb_q_i64(&q, id);
        code = alb_q_run(&q, err);
    }
    if (code == ALB_OK && core.stack_id != 0)
        code = alb_stack_settle(tx, core.stack_id, err);
    for (size_t i = 0; code == ALB_OK && i < count; i++) {
        bool buried;

        code = alb_catalog_blob_bury(tx, blobs[i], &buried, err);
    }
    return code;
}

/* ---- state ---- */

/* One bracketed UPDATE of one column. */
static enum alb_code set_column(struct alb_tx *tx, int64_t id, const char *sql, int64_t value, bool null,
                                struct alb_err *err)
{
    struct alb_counted before;
    struct alb_q q;
    enum alb_code code = alb_asset_change_begin(tx, id, &before, err);

    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, sql);
    alb_q_i64_or_null(&q, value, null);
    alb_q_i64(&q, id);
    code = alb_q_run(&q, err);
    return code == ALB_OK ? alb_asset_change_end(tx, id, &before, err) : code;
}

enum alb_code alb_catalog_asset_set_trashed(struct alb_tx *tx, int64_t id, int64_t at_ms, struct alb_err *err)
{
    return set_column(tx, id, "UPDATE asset SET trashed_at = ? WHERE id = ?", at_ms, at_ms == 0, err);
}

enum alb_code alb_catalog_asset_set_visibility(struct alb_tx *tx, int64_t id, enum alb_visibility v,
                                               struct alb_err *err)
{
    return set_column(tx, id, "UPDATE asset SET visibility = ? WHERE id = ?", v, false, err);
}

enum alb_code alb_catalog_asset_set_level(struct alb_tx *tx, int64_t id, int level, struct alb_err *err)
{
    return set_column(tx, id, "UPDATE asset SET level = ? WHERE id = ?", level, false, err);
}

enum alb_code alb_catalog_asset_set_live(struct alb_tx *tx, int64_t still, int64_t motion,
                                         struct alb_err *err)
{
    if (still == motion)
        return alb_fail(err, ALB_E_INVALID, "an asset cannot be its own motion part");
    return set_column(tx, still, "UPDATE asset SET live_id = ? WHERE id = ?", motion, motion == 0, err);
}

enum alb_code alb_catalog_asset_new_input(struct alb_tx *tx, int64_t asset, struct alb_err *err)
{
    return set_column(tx, asset, "UPDATE asset SET input_rev = input_rev + ? WHERE id = ?", 1, false, err);
}

enum alb_code alb_catalog_asset_set_places(struct alb_tx *tx, int64_t id, bool gallery, bool personal,
                                           struct alb_err *err)
{
    struct alb_counted before;
    struct alb_q q;
    enum alb_code code;

    if (!gallery && !personal)
        return alb_fail(err, ALB_E_INVALID, "an asset is in the gallery, or its owner's, or both");
    code = alb_asset_change_begin(tx, id, &before, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "UPDATE asset SET gallery = ?, personal = ? WHERE id = ?");
    alb_q_i64(&q, gallery);
    alb_q_i64(&q, personal);
    alb_q_i64(&q, id);
    code = alb_q_run(&q, err);
    return code == ALB_OK ? alb_asset_change_end(tx, id, &before, err) : code;
}

enum alb_code alb_catalog_favorite_set(struct alb_tx *tx, int64_t user, int64_t asset, bool on, bool *changed,
                                       struct alb_err *err)
{
    struct alb_change change = {.entity = ALB_ENTITY_FAVORITE,
                                .id = asset,
                                .other = user,
                                .owner_id = user,
                                .kind = on ? ALB_CHANGE_CREATE : ALB_CHANGE_DELETE};
    int64_t n;
    struct alb_q q;
    enum alb_code code;

    if (on)
        alb_q_open(&q, &tx->snap,
                   "INSERT OR IGNORE INTO favorite (account_id, asset_id, at) VALUES (?, ?, ?)");
    else
        alb_q_open(&q, &tx->snap, "DELETE FROM favorite WHERE account_id = ? AND asset_id = ?");
    alb_q_i64(&q, user);
    alb_q_i64(&q, asset);
    if (on)
        alb_q_i64(&q, alb_tx_now(tx));
    code = alb_q_run_count(&q, &n, err);
    *changed = n > 0;
    if (code != ALB_OK || n == 0)
        return code;
    return alb_catalog_change_add(tx, &change, err);
}

enum alb_code alb_catalog_declared_add(struct alb_tx *tx, int64_t asset, const struct alb_declared_sum *sum,
                                       struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap,
               "INSERT OR IGNORE INTO declared_sum (asset_id, algorithm, value) VALUES (?, ?, ?)");
    alb_q_i64(&q, asset);
    alb_q_i64(&q, sum->kind);
    alb_q_blob(&q, sum->value.p, sum->value.n);
    return alb_q_run(&q, err);
}
