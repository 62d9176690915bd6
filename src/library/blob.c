/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of originals for ingest, the janitor, the scrubber and check (contract: library/blob.h).
 */
#include "library/blob.h"

#include <string.h>

#include "library/priv.h"

enum alb_code alb_library_blob_find(struct alb_library *lib, const unsigned char sha256[ALB_SHA256_LEN],
                                    struct alb_arena *a, struct alb_blob *out, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    memset(out, 0, sizeof(*out));
    if (code != ALB_OK)
        return code;
    code = alb_catalog_blob_by_sha256(s, sha256, a, out, err);
    alb_catalog_read_end(&s);
    return code;
}

static enum alb_code page(struct alb_library *lib, int state, int64_t after, size_t limit,
                          struct alb_arena *a, struct alb_blob **list, size_t *count, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_blob_page(s, state, after, limit, a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_blob_page(struct alb_library *lib, int64_t after, size_t limit, struct alb_arena *a,
                                    struct alb_blob **list, size_t *count, struct alb_err *err)
{
    return page(lib, -1, after, limit, a, list, count, err);
}

enum alb_code alb_library_blob_dying_page(struct alb_library *lib, int64_t after, size_t limit,
                                          struct alb_arena *a, struct alb_blob **list, size_t *count,
                                          struct alb_err *err)
{
    return page(lib, ALB_BLOB_DYING, after, limit, a, list, count, err);
}

enum alb_code alb_library_blob_totals(struct alb_library *lib, int64_t *count, int64_t *bytes,
                                      struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    *count = *bytes = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_blob_totals(s, count, bytes, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_blob_users(struct alb_library *lib, int64_t blob_id, size_t limit,
                                     struct alb_arena *a, struct alb_blob_user **list, size_t *count,
                                     struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_blob_users(s, blob_id, limit, a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}

bool alb_library_blob_dying(struct alb_library *lib, int64_t blob_id)
{
    struct alb_snap *s;
    bool dying = false;

    if (alb_catalog_read(lib->cat, &s, NULL) != ALB_OK)
        return false;
    if (alb_catalog_blob_is_dying(s, blob_id, &dying, NULL) != ALB_OK)
        dying = false; /* what cannot be known is not removed */
    alb_catalog_read_end(&s);
    return dying;
}

/* ---- writes ---- */

struct blob_args {
    int64_t id, seen;
    size_t limit;
    bool good;
};

static enum alb_code write_blob(struct alb_library *lib, const struct blob_args *what, const char *name,
                                alb_catalog_unit_fn *run, struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(*what));

    *future = NULL;
    if (c != NULL)
        *(struct blob_args *)c->args = *what;
    return alb_call_write_background(&c, name, run, future, err);
}

static enum alb_code bury_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                               struct alb_err *err)
{
    const struct blob_args *args = alb_args_of(obj);
    int64_t n;
    enum alb_code code = alb_catalog_blob_bury_some(tx, args->limit, &n, err);

    return code == ALB_OK ? alb_done_give(result, 0, n, NULL, err) : code;
}

enum alb_code alb_library_blob_bury(struct alb_library *lib, size_t limit, struct alb_future **future,
                                    struct alb_err *err)
{
    struct blob_args what = {.limit = limit};

    return write_blob(lib, &what, "blob-bury", bury_unit, future, err);
}

static enum alb_code gone_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                               struct alb_err *err)
{
    const struct blob_args *args = alb_args_of(obj);
    int64_t n;
    enum alb_code code = alb_catalog_blob_remove_dying(tx, args->id, &n, err);

    return code == ALB_OK ? alb_done_give(result, args->id, n, NULL, err) : code;
}

enum alb_code alb_library_blob_gone(struct alb_library *lib, int64_t blob_id, struct alb_future **future,
                                    struct alb_err *err)
{
    struct blob_args what = {.id = blob_id};

    return write_blob(lib, &what, "blob-gone", gone_unit, future, err);
}

static enum alb_code verified_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                   struct alb_err *err)
{
    const struct blob_args *args = alb_args_of(obj);
    int64_t n;
    enum alb_code code = alb_catalog_blob_verified(tx, args->id, args->seen, args->good, &n, err);

    return code == ALB_OK ? alb_done_give(result, args->id, n, NULL, err) : code;
}

enum alb_code alb_library_blob_verified(struct alb_library *lib, int64_t blob_id, int64_t seen, bool good,
                                        struct alb_future **future, struct alb_err *err)
{
    struct blob_args what = {.id = blob_id, .seen = seen, .good = good};

    return write_blob(lib, &what, "blob-verified", verified_unit, future, err);
}
