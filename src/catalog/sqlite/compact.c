/* SPDX-License-Identifier: Apache-2.0
 *
 * Forgetting in slices (contract: catalog/compact.h). Each kind has an order of age and is forgotten from its
 * old end, so that looking for more costs one step when there is none.
 */
#include "catalog/compact.h"

#include "catalog/change.h"
#include "catalog/job.h"
#include "catalog/sqlite/engine.h"

#define STEP 256 /* rows in one statement */

static enum alb_code ask(struct alb_q *q, int64_t *a, int64_t *b, struct alb_err *err)
{
    *a = *b = 0;
    if (alb_q_first(q)) {
        *a = alb_q_int(q, 0);
        *b = alb_q_int(q, 1);
    }
    return alb_q_end(q, err);
}

/* ---- the feed ---- */

/* The feed stays without holes: whoever asks for what came after N is told GONE if N + 1 is forgotten. */
static enum alb_code forget_changes(struct alb_tx *tx, const struct alb_keep *keep, bool *more,
                                    struct alb_err *err)
{
    int64_t last, upto = 0, n;
    struct alb_q q;
    enum alb_code code = alb_catalog_last_change(&tx->snap, &last, err);

    *more = false;
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "SELECT seq, at FROM change WHERE seq < ? ORDER BY seq LIMIT 256");
    alb_q_i64(&q, last);
    for (n = 0; alb_q_row(&q); n++) {
        if (alb_q_int(&q, 1) >= keep->since_ms && alb_q_int(&q, 0) > last - keep->rows_max)
            break;
        upto = alb_q_int(&q, 0);
    }
    code = alb_q_end(&q, err);
    if (code != ALB_OK || upto == 0)
        return code;
    *more = n == STEP;
    alb_q_open(&q, &tx->snap, "DELETE FROM change WHERE seq <= ?");
    alb_q_i64(&q, upto);
    return alb_q_run(&q, err);
}

/* ---- operations ---- */

/* Its undo rows first, which may be many; the row when they are gone. */
static enum alb_code forget_operation(struct alb_tx *tx, int64_t id, struct alb_err *err)
{
    int64_t n = 0;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap,
               "DELETE FROM operation_undo WHERE operation_id = ?1 AND n IN"
               " (SELECT n FROM operation_undo WHERE operation_id = ?1 LIMIT 256)");
    alb_q_i64(&q, id);
    code = alb_q_run_count(&q, &n, err);
    if (code != ALB_OK || n == STEP)
        return code;
    alb_q_open(&q, &tx->snap, "DELETE FROM operation WHERE id = ?");
    alb_q_i64(&q, id);
    return alb_q_run(&q, err);
}

static enum alb_code forget_operations(struct alb_tx *tx, const struct alb_keep *keep, bool *more,
                                       struct alb_err *err)
{
    int64_t id, created, last, unused;
    struct alb_q q;
    enum alb_code code;

    *more = false;
    alb_q_open(&q, &tx->snap, "SELECT max(id), 0 FROM operation");
    code = ask(&q, &last, &unused, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "SELECT id, created_at FROM operation WHERE state <> 0 ORDER BY id LIMIT 1");
    code = ask(&q, &id, &created, err);
    if (code != ALB_OK || id == 0 || (created >= keep->since_ms && id > last - keep->rows_max))
        return code;
    *more = true;
    return forget_operation(tx, id, err);
}

/* ---- failed jobs ---- */

static enum alb_code forget_jobs(struct alb_tx *tx, const struct alb_keep *keep, bool *more,
                                 struct alb_err *err)
{
    int64_t id, updated, failed, unused;
    struct alb_q q;
    enum alb_code code;

    *more = false;
    alb_q_open(&q, &tx->snap, "SELECT sum(failed), 0 FROM job_kind");
    code = ask(&q, &failed, &unused, err);
    if (code != ALB_OK || failed == 0)
        return code;
    alb_q_open(&q, &tx->snap,
               "SELECT id, updated_at FROM job WHERE state = 2 ORDER BY updated_at, id LIMIT 1");
    code = ask(&q, &id, &updated, err);
    if (code != ALB_OK || id == 0 || (updated >= keep->since_ms && failed <= keep->rows_max))
        return code;
    *more = true;
    return alb_catalog_job_drop(tx, id, err);
}

enum alb_code alb_catalog_compact(struct alb_tx *tx, const struct alb_keep *keep, bool *more,
                                  struct alb_err *err)
{
    typedef enum alb_code forget_fn(struct alb_tx *, const struct alb_keep *, bool *, struct alb_err *);
    static forget_fn *const kinds[] = {forget_changes, forget_operations, forget_jobs};
    enum alb_code code = ALB_OK;

    *more = false;
    for (size_t i = 0; code == ALB_OK && i < ALB_ARRAY_LEN(kinds); i++) {
        bool again = true;

        while (code == ALB_OK && again && !alb_tx_slice_over(tx))
            code = kinds[i](tx, keep, &again, err);
        *more = *more || again;
    }
    return code;
}
