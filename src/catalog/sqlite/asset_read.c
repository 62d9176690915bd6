/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions about assets (contract: catalog/asset.h). The list of columns and its reader are used by search
 * as well (asset_row.h).
 */
#include <string.h>

#include "catalog/sqlite/asset_row.h"

static void read_media(struct alb_q *q, int col, struct alb_arena *a, struct alb_media *m)
{
    m->width = (int32_t)alb_q_int(q, col);
    m->height = (int32_t)alb_q_int(q, col + 1);
    m->orientation = (int)alb_q_int(q, col + 2);
    m->duration_ms = alb_q_int(q, col + 3);
    m->thumbhash = alb_q_keep(q, col + 4, a);
    m->make = alb_q_keep(q, col + 5, a);
    m->model = alb_q_keep(q, col + 6, a);
    m->lens = alb_q_keep(q, col + 7, a);
    m->f_number = alb_q_double(q, col + 8);
    m->exposure = alb_q_keep(q, col + 9, a);
    m->iso = (int32_t)alb_q_int(q, col + 10);
    m->focal_mm = alb_q_double(q, col + 11);
    m->fps = alb_q_double(q, col + 12);
    m->projection = alb_q_keep(q, col + 13, a);
    m->city = alb_q_keep(q, col + 14, a);
    m->state = alb_q_keep(q, col + 15, a);
    m->country = alb_q_keep(q, col + 16, a);
    m->time_zone = alb_q_keep(q, col + 17, a);
}

static void say(struct alb_layer *e, enum alb_field f, bool yes)
{
    if (yes)
        e->stated |= ALB_FIELD_BIT(f);
}

static void read_effective(struct alb_q *q, int col, struct alb_arena *a, struct alb_asset *out)
{
    struct alb_layer *e = &out->effective;

    say(e, ALB_FIELD_CAPTURE, !alb_q_is_null(q, col));
    e->capture.utc_ms = alb_q_int(q, col);
    e->capture.local_ms = alb_q_int(q, col + 1);
    e->capture.has_offset = !alb_q_is_null(q, col + 2);
    e->capture.offset_min = (int32_t)alb_q_int(q, col + 2);
    out->capture_source = (int)alb_q_int_or(q, col + 3, -1);
    out->sort_local = alb_q_int(q, col + 4);
    e->title = alb_q_keep(q, col + 5, a);
    say(e, ALB_FIELD_TITLE, e->title.n > 0);
    e->description = alb_q_keep(q, col + 6, a);
    say(e, ALB_FIELD_DESCRIPTION, e->description.n > 0);
    e->author = alb_q_keep(q, col + 7, a);
    say(e, ALB_FIELD_AUTHOR, e->author.n > 0);
    say(e, ALB_FIELD_GPS, !alb_q_is_null(q, col + 8));
    e->latitude = alb_q_double(q, col + 8);
    e->longitude = alb_q_double(q, col + 9);
    say(e, ALB_FIELD_RATING, !alb_q_is_null(q, col + 10));
    e->rating = (int)alb_q_int(q, col + 10);
    e->rotation = (int)alb_q_int(q, col + 11);
    say(e, ALB_FIELD_ROTATION, true);
}

static void read_places(struct alb_q *q, int col, struct alb_asset *out)
{
    out->has_live = !alb_q_is_null(q, col);
    alb_q_get_uuid(q, col, &out->live);
    out->has_stack = !alb_q_is_null(q, col + 1);
    alb_q_get_uuid(q, col + 1, &out->stack);
    alb_q_get_uuid(q, col + 2, &out->stack_primary);
    out->stack_count = alb_q_int(q, col + 3);
    out->stack_cover = out->has_stack && alb_q_int(q, col + 4) == 0;
}

void alb_asset_row_read(struct alb_q *q, struct alb_arena *a, struct alb_asset *out)
{
    memset(out, 0, sizeof(*out));
    out->id = alb_q_int(q, 0);
    alb_q_get_uuid(q, 1, &out->uuid);
    out->owner_id = alb_q_int(q, 2);
    alb_q_get_uuid(q, 3, &out->owner_uuid);
    out->blob_id = alb_q_int(q, 4);
    out->size = alb_q_int(q, 5);
    alb_ignore(!alb_q_get_bytes(q, 6, out->sha1, ALB_SHA1_LEN), "a CHECK of the table");
    alb_ignore(!alb_q_get_bytes(q, 7, out->sha256, ALB_SHA256_LEN), "a CHECK of the table");
    out->has_md5 = alb_q_get_bytes(q, 8, out->md5, ALB_MD5_LEN);
    out->name = alb_q_keep(q, 9, a);
    out->mime = alb_q_keep(q, 10, a);
    out->device_id = alb_q_keep(q, 11, a);
    out->device_asset_id = alb_q_keep(q, 12, a);
    out->kind = (enum alb_kind)alb_q_int(q, 13);
    out->damaged = alb_q_int(q, 14) != 0;
    out->gallery = alb_q_int(q, 15) != 0;
    out->personal = alb_q_int(q, 16) != 0;
    out->trashed_at = alb_q_int(q, 17);
    out->trashed = !alb_q_is_null(q, 17);
    out->favorite = alb_q_int(q, 18) != 0;
    out->visibility = (enum alb_visibility)alb_q_int(q, 19);
    out->level = (int)alb_q_int(q, 20);
    out->created_at = alb_q_int(q, 21);
    out->updated_at = alb_q_int(q, 22);
    out->file_modified_at = alb_q_int(q, 23);
    out->rev = alb_q_int(q, 24);
    out->input_rev = alb_q_int(q, 25);
    out->render_rev = alb_q_int(q, 26);
    read_effective(q, 27, a, out);
    read_media(q, 39, a, &out->media);
    read_places(q, 57, out);
    out->original_bad = alb_q_int(q, 62) != 0;
}

enum alb_code alb_catalog_asset_get(struct alb_snap *s, int64_t id, int64_t favorite_of, struct alb_arena *a,
                                    struct alb_asset *out, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s, "SELECT " ALB_ASSET_COLUMNS " FROM asset a " ALB_ASSET_JOINS " WHERE a.id = ?2");
    alb_q_i64(&q, favorite_of);
    alb_q_i64(&q, id);
    if (alb_q_first(&q))
        alb_asset_row_read(&q, a, out);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && out->id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no asset %lld", (long long)id);
    return code;
}

enum alb_code alb_catalog_asset_tags(struct alb_snap *s, int64_t id, bool own, struct alb_arena *a,
                                     const struct alb_asset_tag **tags, size_t *count, struct alb_err *err)
{
    struct alb_asset_tag *list = NULL;
    size_t n = 0, room = 0;
    struct alb_q q;
    enum alb_code code;

    *tags = NULL;
    *count = 0;
    alb_q_open(&q, s, "SELECT count(*) FROM asset_tag WHERE asset_id = ?");
    alb_q_i64(&q, id);
    list = alb_q_end_room(&q, SIZE_MAX, sizeof(*list), a, &room, &code, err);
    if (room == 0)
        return code;
    alb_q_open(&q, s,
               "SELECT t.id, t.uuid, t.scope, t.value FROM asset_tag l JOIN tag t ON t.id = l.tag_id"
               " WHERE l.asset_id = ? AND (? OR t.owner_id IS NULL) ORDER BY t.value_key, t.id");
    alb_q_i64(&q, id);
    alb_q_i64(&q, own);
    while (n < room && alb_q_row(&q)) {
        struct alb_asset_tag *t = &list[n++];

        t->id = alb_q_int(&q, 0);
        alb_q_get_uuid(&q, 1, &t->uuid);
        t->scope = (enum alb_tag_scope)alb_q_int(&q, 2);
        t->value = alb_q_keep(&q, 3, a);
    }
    code = alb_q_end(&q, err);
    if (code == ALB_OK) {
        *tags = list;
        *count = n;
    }
    return code;
}

enum alb_code alb_catalog_asset_core(struct alb_snap *s, int64_t id, struct alb_asset_core *out,
                                     struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(
        &q, s,
        "SELECT a.id, a.owner_id, a.blob_id, b.size, a.rev, a.input_rev, a.trashed_at, a.live_id, a.stack_id,"
        " a.created_at, a.sort_local, a.uuid, a.kind, a.visibility, a.level, a.gallery, a.personal, "
        "a.trashed,"
        " a.behind FROM asset a JOIN blob b ON b.id = a.blob_id WHERE a.id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q)) {
        out->id = alb_q_int(&q, 0);
        out->owner_id = alb_q_int(&q, 1);
        out->blob_id = alb_q_int(&q, 2);
        out->size = alb_q_int(&q, 3);
        out->rev = alb_q_int(&q, 4);
        out->input_rev = alb_q_int(&q, 5);
        out->trashed_at = alb_q_int(&q, 6);
        out->live_id = alb_q_int(&q, 7);
        out->stack_id = alb_q_int(&q, 8);
        out->created_at = alb_q_int(&q, 9);
        out->sort_local = alb_q_int(&q, 10);
        alb_q_get_uuid(&q, 11, &out->uuid);
        out->kind = (enum alb_kind)alb_q_int(&q, 12);
        out->visibility = (enum alb_visibility)alb_q_int(&q, 13);
        out->level = (int)alb_q_int(&q, 14);
        out->gallery = alb_q_int(&q, 15) != 0;
        out->personal = alb_q_int(&q, 16) != 0;
        out->trashed = alb_q_int(&q, 17) != 0;
        out->behind = alb_q_int(&q, 18) != 0;
    }
    code = alb_q_end(&q, err);
    if (code == ALB_OK && out->id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no asset %lld", (long long)id);
    return code;
}

enum alb_code alb_catalog_asset_id(struct alb_snap *s, const struct alb_uuid *uuid, int64_t *id,
                                   struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    *id = 0;
    alb_q_open(&q, s, "SELECT id FROM asset WHERE uuid = ?");
    alb_q_uuid(&q, uuid);
    if (alb_q_first(&q))
        *id = alb_q_int(&q, 0);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && *id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such asset");
    return code;
}

enum alb_code alb_catalog_asset_by_sha1(struct alb_snap *s, int64_t owner,
                                        const unsigned char sha1[ALB_SHA1_LEN], int64_t *id,
                                        struct alb_uuid *uuid, bool *trashed, struct alb_err *err)
{
    struct alb_q q;

    *id = 0;
    *trashed = false;
    memset(uuid, 0, sizeof(*uuid));
    alb_q_open(&q, s, "SELECT id, uuid, trashed FROM asset WHERE owner_id = ? AND sha1 = ?");
    alb_q_i64(&q, owner);
    alb_q_blob(&q, sha1, ALB_SHA1_LEN);
    if (alb_q_first(&q)) {
        *id = alb_q_int(&q, 0);
        alb_q_get_uuid(&q, 1, uuid);
        *trashed = alb_q_int(&q, 2) != 0;
    }
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_asset_original_bad(struct alb_snap *s, int64_t id, bool *bad, struct alb_err *err)
{
    struct alb_q q;

    *bad = false;
    alb_q_open(&q, s, "SELECT b.bad FROM asset a JOIN blob b ON b.id = a.blob_id WHERE a.id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q))
        *bad = alb_q_int(&q, 0) != 0;
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_trash_ids(struct alb_snap *s, int64_t owner, int64_t before_ms, size_t limit,
                                    struct alb_arena *a, int64_t **ids, size_t *count, struct alb_err *err)
{
    size_t n = 0;
    struct alb_q q;
    enum alb_code code;

    *count = 0;
    *ids = alb_arena_alloc(a, limit * sizeof(**ids));
    if (*ids == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for %zu ids", limit);
    alb_q_open(&q, s,
               "SELECT id FROM asset WHERE trashed_at < ?1 AND (?2 = 0 OR owner_id = ?2)"
               " ORDER BY trashed_at, id LIMIT ?3");
    alb_q_i64(&q, before_ms);
    alb_q_i64(&q, owner);
    alb_q_i64(&q, (int64_t)limit);
    while (n < limit && alb_q_row(&q))
        (*ids)[n++] = alb_q_int(&q, 0);
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

static enum alb_code ask_one(struct alb_q *q, int64_t *value, struct alb_err *err)
{
    *value = 0;
    if (alb_q_first(q))
        *value = alb_q_int(q, 0);
    return alb_q_end(q, err);
}

enum alb_code alb_catalog_live_uses(struct alb_snap *s, int64_t motion, int64_t *count, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, s, "SELECT count(*) FROM asset WHERE live_id = ?");
    alb_q_i64(&q, motion);
    return ask_one(&q, count, err);
}

enum alb_code alb_catalog_is_favorite(struct alb_snap *s, int64_t user, int64_t asset, bool *is,
                                      struct alb_err *err)
{
    int64_t n;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, s, "SELECT 1 FROM favorite WHERE account_id = ? AND asset_id = ?");
    alb_q_i64(&q, user);
    alb_q_i64(&q, asset);
    code = ask_one(&q, &n, err);
    *is = n != 0;
    return code;
}

enum alb_code alb_catalog_owner_usage(struct alb_snap *s, int64_t owner, int64_t *assets, int64_t *bytes,
                                      struct alb_err *err)
{
    struct alb_q q;

    *assets = *bytes = 0;
    alb_q_open(&q, s, "SELECT assets, bytes FROM count_owner WHERE owner_id = ?");
    alb_q_i64(&q, owner);
    if (alb_q_first(&q)) {
        *assets = alb_q_int(&q, 0);
        *bytes = alb_q_int(&q, 1);
    }
    return alb_q_end(&q, err);
}

#define BYTES_COLUMNS                                                                                        \
    "SELECT a.id, a.owner_id, a.blob_id, b.size, a.render_rev, a.created_at, a.duration_ms, a.uuid, "        \
    "b.state,"                                                                                               \
    " b.sha256, a.kind, a.width, a.height, a.orientation, a.rotation, a.damaged, b.store, b.key, b.sums, "   \
    "a.mime,"                                                                                                \
    " a.name, m.header, a.visibility FROM asset a JOIN blob b ON b.id = a.blob_id"                           \
    " LEFT JOIN asset_media m ON m.asset_id = a.id WHERE "

static void read_bytes(struct alb_q *q, struct alb_arena *a, struct alb_asset_bytes *out)
{
    out->asset_id = alb_q_int(q, 0);
    out->owner_id = alb_q_int(q, 1);
    out->blob_id = alb_q_int(q, 2);
    out->size = alb_q_int(q, 3);
    out->render_rev = alb_q_int(q, 4);
    out->created_at = alb_q_int(q, 5);
    out->duration_ms = alb_q_int(q, 6);
    alb_q_get_uuid(q, 7, &out->uuid);
    out->blob_state = (int)alb_q_int(q, 8);
    alb_ignore(!alb_q_get_bytes(q, 9, out->sha256, ALB_SHA256_LEN), "a CHECK of the table");
    out->kind = (enum alb_kind)alb_q_int(q, 10);
    out->width = (int32_t)alb_q_int(q, 11);
    out->height = (int32_t)alb_q_int(q, 12);
    out->orientation = (int)alb_q_int(q, 13);
    out->rotation = (int)alb_q_int(q, 14);
    out->damaged = alb_q_int(q, 15) != 0;
    out->store = alb_q_keep(q, 16, a);
    out->key = alb_q_keep(q, 17, a);
    out->sums = alb_q_keep(q, 18, a);
    out->mime = alb_q_keep(q, 19, a);
    out->name = alb_q_keep(q, 20, a);
    out->header = alb_q_keep(q, 21, a);
    out->visibility = (enum alb_visibility)alb_q_int(q, 22);
}

enum alb_code alb_catalog_asset_bytes(struct alb_snap *s, const struct alb_uuid *uuid, int64_t id,
                                      struct alb_arena *a, struct alb_asset_bytes *out, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    if (uuid != NULL) {
        alb_q_open(&q, s, BYTES_COLUMNS "a.uuid = ?");
        alb_q_uuid(&q, uuid);
    } else {
        alb_q_open(&q, s, BYTES_COLUMNS "a.id = ?");
        alb_q_i64(&q, id);
    }
    if (alb_q_first(&q))
        read_bytes(&q, a, out);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && out->asset_id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such asset");
    return code;
}
