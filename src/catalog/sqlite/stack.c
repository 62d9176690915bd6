/* SPDX-License-Identifier: Apache-2.0
 *
 * Stacks: a cover and what lies behind it. `asset.behind` is counted per month, so every change of a stack is
 * a bracketed change of its assets. A stack has at least two assets, all of one owner.
 */
#include <string.h>

#include "catalog/sqlite/derive.h"

static enum alb_code place(struct alb_tx *tx, int64_t asset, int64_t stack, bool behind, struct alb_err *err)
{
    struct alb_counted before;
    struct alb_q q;
    enum alb_code code = alb_asset_change_begin(tx, asset, &before, err);

    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "UPDATE asset SET stack_id = ?, behind = ? WHERE id = ?");
    alb_q_i64_or_null(&q, stack, stack == 0);
    alb_q_i64(&q, behind);
    alb_q_i64(&q, asset);
    code = alb_q_run(&q, err);
    return code == ALB_OK ? alb_asset_change_end(tx, asset, &before, err) : code;
}

static enum alb_code feed(struct alb_tx *tx, int64_t stack, const struct alb_uuid *uuid, int64_t owner,
                          enum alb_change_kind kind, struct alb_err *err)
{
    struct alb_change change = {
        .entity = ALB_ENTITY_STACK, .kind = kind, .id = stack, .uuid = *uuid, .owner_id = owner};

    return alb_catalog_change_add(tx, &change, err);
}

/* First member by id; 0 = none. *count: how many there are. */
static enum alb_code members(struct alb_tx *tx, int64_t stack, int64_t *first, int64_t *count,
                             struct alb_err *err)
{
    struct alb_q q;

    *first = *count = 0;
    alb_q_open(&q, &tx->snap, "SELECT count(*), coalesce(min(id), 0) FROM asset WHERE stack_id = ?");
    alb_q_i64(&q, stack);
    if (alb_q_first(&q)) {
        *count = alb_q_int(&q, 0);
        *first = alb_q_int(&q, 1);
    }
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_stack_new(struct alb_tx *tx, int64_t owner, const int64_t *ids, size_t count,
                                    int64_t *stack, struct alb_uuid *uuid, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    *stack = 0;
    if (count < 2)
        return alb_fail(err, ALB_E_INVALID, "a stack has at least two assets");
    *uuid = alb_uuid_v7(alb_tx_clock(tx));
    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO stack (uuid, owner_id, primary_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)");
    alb_q_uuid(&q, uuid);
    alb_q_i64(&q, owner);
    alb_q_i64(&q, ids[0]);
    alb_q_i64(&q, alb_tx_now(tx));
    code = alb_q_run_id(&q, stack, err);
    for (size_t i = 0; code == ALB_OK && i < count; i++) {
        struct alb_asset_core core;

        code = alb_catalog_asset_core(&tx->snap, ids[i], &core, err);
        if (code == ALB_OK && core.owner_id != owner)
            code = alb_fail(err, ALB_E_FORBIDDEN, "a stack is of one owner");
        if (code == ALB_OK)
            code = place(tx, ids[i], *stack, i > 0, err);
        if (code == ALB_OK && core.stack_id != 0 && core.stack_id != *stack)
            code = alb_stack_settle(tx, core.stack_id, err);
    }
    return code == ALB_OK ? feed(tx, *stack, uuid, owner, ALB_CHANGE_CREATE, err) : code;
}

enum alb_code alb_catalog_stack_dissolve(struct alb_tx *tx, int64_t stack, struct alb_err *err)
{
    struct alb_uuid uuid = {{0}};
    int64_t owner = 0;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap, "SELECT uuid, owner_id FROM stack WHERE id = ?");
    alb_q_i64(&q, stack);
    if (alb_q_first(&q)) {
        alb_q_get_uuid(&q, 0, &uuid);
        owner = alb_q_int(&q, 1);
    }
    code = alb_q_end(&q, err);
    while (code == ALB_OK) {
        int64_t first, count;

        code = members(tx, stack, &first, &count, err);
        if (code != ALB_OK || count == 0)
            break;
        code = place(tx, first, 0, false, err);
    }
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "DELETE FROM stack WHERE id = ?");
    alb_q_i64(&q, stack);
    code = alb_q_run(&q, err);
    return code == ALB_OK ? feed(tx, stack, &uuid, owner, ALB_CHANGE_DELETE, err) : code;
}

enum alb_code alb_stack_settle(struct alb_tx *tx, int64_t stack, struct alb_err *err)
{
    int64_t first, count, has_cover = 0;
    struct alb_q q;
    enum alb_code code = members(tx, stack, &first, &count, err);

    if (code != ALB_OK || count < 2)
        return code == ALB_OK ? alb_catalog_stack_dissolve(tx, stack, err) : code;
    alb_q_open(&q, &tx->snap, "SELECT count(*) FROM asset WHERE stack_id = ? AND behind = 0");
    alb_q_i64(&q, stack);
    if (alb_q_first(&q))
        has_cover = alb_q_int(&q, 0);
    code = alb_q_end(&q, err);
    if (code != ALB_OK || has_cover > 0)
        return code;
    code = place(tx, first, stack, false, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "UPDATE stack SET primary_id = ?, updated_at = ?, rev = rev + 1 WHERE id = ?");
    alb_q_i64(&q, first);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, stack);
    return alb_q_run(&q, err);
}
