/* SPDX-License-Identifier: Apache-2.0 */
#include "library/original.h"

#include <string.h>

#include "base/mem.h"
#include "blob/store.h"

struct alb_original {
    struct alb_blob_reader *reader;
};

enum alb_code alb_original_open(struct alb_blob_store *store, const struct alb_source *source,
                                struct alb_original **original, struct alb_err *err)
{
    struct alb_blob_ref ref = {.size = source->size, .key = source->key, .sums = source->sums};
    struct alb_err why = ALB_ERR_INIT;
    struct alb_original *o = alb_mem_calloc(1, sizeof(*o));

    *original = NULL;
    if (!o)
        return alb_fail(err, ALB_E_NO_MEMORY, "original");
    memcpy(ref.sha256, source->sha256, sizeof(ref.sha256));
    enum alb_code code = alb_blob_open(store, &ref, &o->reader, &why);
    if (code != ALB_OK) {
        alb_mem_free(o);
        return alb_fail(err, code == ALB_E_NOT_FOUND ? ALB_E_CORRUPT : code, "%s", why.msg);
    }
    *original = o;
    return ALB_OK;
}

void alb_original_close(struct alb_original **original)
{
    struct alb_original *o = *original;

    *original = NULL;
    if (!o)
        return;
    alb_blob_close(&o->reader);
    alb_mem_free(o);
}

enum alb_code alb_original_read(struct alb_original *original, uint64_t off, void *p, size_t n, size_t *got,
                                struct alb_err *err)
{
    return alb_blob_read(original->reader, (int64_t)off, p, n, got, err);
}
