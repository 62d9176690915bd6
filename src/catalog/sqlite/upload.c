/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of uploads that became assets (contract: catalog/upload.h).
 */
#include "catalog/upload.h"

#include <string.h>

#include "catalog/sqlite/engine.h"

enum alb_code alb_catalog_taken_get(struct alb_snap *s, struct alb_str upload, struct alb_taken *out,
                                    struct alb_err *err)
{
    bool found = false;
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s, "SELECT owner_id, size, asset_uuid, made, trashed FROM upload_taken WHERE upload = ?");
    alb_q_str(&q, upload);
    if (alb_q_first(&q)) {
        found = true;
        out->owner_id = alb_q_int(&q, 0);
        out->size = alb_q_int(&q, 1);
        alb_q_get_uuid(&q, 2, &out->asset);
        out->made = (int)alb_q_int(&q, 3);
        out->trashed = alb_q_int(&q, 4) != 0;
    }
    code = alb_q_end(&q, err);
    return code != ALB_OK || found ? code : alb_fail(err, ALB_E_NOT_FOUND, "no such upload is remembered");
}

/* Two for each that comes: what a busy day left is gone after half a day like it. */
static enum alb_code forget_old(struct alb_tx *tx, int64_t before_ms, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap,
               "DELETE FROM upload_taken"
               " WHERE seq IN (SELECT seq FROM upload_taken ORDER BY seq LIMIT 2) AND at < ?");
    alb_q_i64(&q, before_ms);
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_taken_add(struct alb_tx *tx, struct alb_str upload, const struct alb_taken *taken,
                                    int64_t keep_ms, struct alb_err *err)
{
    int64_t now = alb_tx_now(tx);
    struct alb_q q;
    enum alb_code code;

    if (upload.n == 0 || upload.n > ALB_TAKEN_ID_MAX)
        return alb_fail(err, ALB_E_INVALID, "an id of %zu bytes", upload.n);
    code = forget_old(tx, now - keep_ms, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO upload_taken (upload, owner_id, asset_uuid, size, made, trashed, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (upload) DO UPDATE SET owner_id = excluded.owner_id,"
        " asset_uuid = excluded.asset_uuid, size = excluded.size, made = excluded.made,"
        " trashed = excluded.trashed, at = excluded.at WHERE asset_uuid <> excluded.asset_uuid");
    alb_q_str(&q, upload);
    alb_q_i64(&q, taken->owner_id);
    alb_q_uuid(&q, &taken->asset);
    alb_q_i64(&q, taken->size);
    alb_q_i64(&q, taken->made);
    alb_q_i64(&q, taken->trashed);
    alb_q_i64(&q, now);
    return alb_q_run(&q, err);
}
