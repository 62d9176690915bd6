/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/ingest.h"

#include "base/mem.h"
#include "ingest/parcel.h"

static enum alb_code take(void *ctx, const struct alb_upload_parcel *parcel, struct alb_future **future,
                          struct alb_err *err)
{
    struct alb_owner owner;
    enum alb_code code = alb_future_new(future, &owner);
    if (code != ALB_OK)
        return alb_fail(err, code, "ingest");
    alb_parcel_begin(ctx, parcel, &owner);
    return ALB_OK;
}

static enum alb_code recall(void *ctx, struct alb_str id, int64_t *owner, int64_t *size,
                            struct alb_bytes **result, struct alb_err *err)
{
    const struct alb_ingest *ingest = ctx;
    struct alb_taken taken;
    *result = NULL;
    enum alb_code code = alb_library_upload_taken(ingest->config.library, id, &taken, err);
    if (code != ALB_OK)
        return code;
    const struct alb_ingest_result r = {(enum alb_created_as)taken.made, taken.asset, taken.trashed};
    *owner = taken.owner_id;
    *size = taken.size;
    *result = alb_ingest_result_text(&r);
    return *result ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "result of an upload");
}

enum alb_code alb_ingest_new(const struct alb_ingest_config *config, struct alb_ingest **out,
                             struct alb_err *err)
{
    *out = alb_mem_calloc(1, sizeof(**out));
    if (!*out)
        return alb_fail(err, ALB_E_NO_MEMORY, "ingest");
    (*out)->config = *config;
    (*out)->sink =
        (struct alb_upload_sink){.ctx = *out, .take = take, .recall = config->keep_ms > 0 ? recall : NULL};
    return ALB_OK;
}

void alb_ingest_free(struct alb_ingest **ingest)
{
    alb_mem_free(*ingest);
    *ingest = NULL;
}

const struct alb_upload_sink *alb_ingest_sink(struct alb_ingest *ingest)
{
    return &ingest->sink;
}
