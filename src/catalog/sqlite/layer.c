/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers of an asset and what follows from them (law 6). Stored: one row per layer that states something,
 * tags by layer. Derived here and nowhere else: the effective columns of `asset`, the rows of `asset_tag`.
 */
#include <string.h>

#include "base/buf.h"
#include "catalog/sqlite/derive.h"

#define LAYER_COLUMNS                                                                                        \
    "layer, stated, empty, taken_utc, taken_local, taken_offset, title, description, author, latitude,"      \
    " longitude, rating, rotation"

static void read_layer(struct alb_q *q, struct alb_arena *a, struct alb_layer *l)
{
    l->stated = (uint32_t)alb_q_int(q, 1);
    l->empty = (uint32_t)alb_q_int(q, 2);
    l->capture.utc_ms = alb_q_int(q, 3);
    l->capture.local_ms = alb_q_int(q, 4);
    l->capture.has_offset = !alb_q_is_null(q, 5);
    l->capture.offset_min = (int32_t)alb_q_int(q, 5);
    l->title = alb_q_keep(q, 6, a);
    l->description = alb_q_keep(q, 7, a);
    l->author = alb_q_keep(q, 8, a);
    l->latitude = alb_q_double(q, 9);
    l->longitude = alb_q_double(q, 10);
    l->rating = (int)alb_q_int(q, 11);
    l->rotation = (int)alb_q_int(q, 12);
}

enum alb_code alb_catalog_layer_get(struct alb_snap *s, int64_t asset, enum alb_layer_id layer,
                                    struct alb_arena *a, struct alb_layer *out, struct alb_err *err)
{
    struct alb_q q;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s, "SELECT " LAYER_COLUMNS " FROM asset_layer WHERE asset_id = ? AND layer = ?");
    alb_q_i64(&q, asset);
    alb_q_i64(&q, layer);
    if (alb_q_first(&q))
        read_layer(&q, a, out);
    return alb_q_end(&q, err);
}

static bool says(const struct alb_layer *l, enum alb_field f)
{
    return (l->stated & ALB_FIELD_BIT(f)) && !(l->empty & ALB_FIELD_BIT(f));
}

static void bind_fields(struct alb_q *q, const struct alb_layer *l)
{
    bool capture = says(l, ALB_FIELD_CAPTURE), gps = says(l, ALB_FIELD_GPS);

    alb_q_i64_or_null(q, l->capture.utc_ms, !capture);
    alb_q_i64_or_null(q, l->capture.local_ms, !capture);
    alb_q_i64_or_null(q, l->capture.offset_min, !capture || !l->capture.has_offset);
    alb_q_str_or_null(q, says(l, ALB_FIELD_TITLE) ? l->title : ALB_STR_NONE);
    alb_q_str_or_null(q, says(l, ALB_FIELD_DESCRIPTION) ? l->description : ALB_STR_NONE);
    alb_q_str_or_null(q, says(l, ALB_FIELD_AUTHOR) ? l->author : ALB_STR_NONE);
    alb_q_double_or_null(q, l->latitude, !gps);
    alb_q_double_or_null(q, l->longitude, !gps);
    alb_q_i64_or_null(q, l->rating, !says(l, ALB_FIELD_RATING));
    alb_q_i64_or_null(q, l->rotation, !says(l, ALB_FIELD_ROTATION));
}

/* A text field that states "" states nothing. */
static uint32_t empty_texts(const struct alb_layer *l)
{
    uint32_t empty = l->empty;

    if ((l->stated & ALB_FIELD_BIT(ALB_FIELD_TITLE)) && l->title.n == 0)
        empty |= ALB_FIELD_BIT(ALB_FIELD_TITLE);
    if ((l->stated & ALB_FIELD_BIT(ALB_FIELD_DESCRIPTION)) && l->description.n == 0)
        empty |= ALB_FIELD_BIT(ALB_FIELD_DESCRIPTION);
    if ((l->stated & ALB_FIELD_BIT(ALB_FIELD_AUTHOR)) && l->author.n == 0)
        empty |= ALB_FIELD_BIT(ALB_FIELD_AUTHOR);
    return empty & l->stated;
}

enum alb_code alb_layer_store(struct alb_tx *tx, int64_t asset, enum alb_layer_id layer,
                              const struct alb_layer *values, int64_t input_rev, struct alb_err *err)
{
    const char *why;
    struct alb_q q;

    if (values->stated == 0) {
        alb_q_open(&q, &tx->snap, "DELETE FROM asset_layer WHERE asset_id = ? AND layer = ?");
        alb_q_i64(&q, asset);
        alb_q_i64(&q, layer);
        return alb_q_run(&q, err);
    }
    if (!alb_layer_valid(values, &why))
        return alb_fail(err, ALB_E_INVALID, "layer %d: %s", (int)layer, why);
    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO asset_layer (asset_id, layer, stated, empty, rev, input_rev, updated_at, taken_utc,"
        " taken_local, taken_offset, title, description, author, latitude, longitude, rating, rotation)"
        " VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET stated = excluded.stated, empty = excluded.empty, rev = rev + 1,"
        " input_rev = excluded.input_rev, updated_at = excluded.updated_at, taken_utc = excluded.taken_utc,"
        " taken_local = excluded.taken_local, taken_offset = excluded.taken_offset, title = excluded.title,"
        " description = excluded.description, author = excluded.author, latitude = excluded.latitude,"
        " longitude = excluded.longitude, rating = excluded.rating, rotation = excluded.rotation");
    alb_q_i64(&q, asset);
    alb_q_i64(&q, layer);
    alb_q_i64(&q, values->stated);
    alb_q_i64(&q, empty_texts(values));
    alb_q_i64(&q, input_rev);
    alb_q_i64(&q, alb_tx_now(tx));
    bind_fields(&q, values);
    return alb_q_run(&q, err);
}

enum alb_code alb_layer_tags_store(struct alb_tx *tx, int64_t asset, enum alb_layer_id layer,
                                   const int64_t *tags, size_t count, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap, "DELETE FROM layer_tag WHERE asset_id = ? AND layer = ? AND removed = 0");
    alb_q_i64(&q, asset);
    alb_q_i64(&q, layer);
    code = alb_q_run(&q, err);
    for (size_t i = 0; code == ALB_OK && i < count; i++) {
        alb_q_open(&q, &tx->snap,
                   "INSERT INTO layer_tag (asset_id, tag_id, layer, removed) VALUES (?, ?, ?, 0)"
                   " ON CONFLICT DO UPDATE SET removed = 0");
        alb_q_i64(&q, asset);
        alb_q_i64(&q, tags[i]);
        alb_q_i64(&q, layer);
        code = alb_q_run(&q, err);
    }
    return code;
}

enum alb_code alb_media_store(struct alb_tx *tx, int64_t asset, const struct alb_media *m,
                              struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO asset_media (asset_id, make, model, lens, f_number, exposure, iso, focal_mm,"
        " fps, projection, city, state, country, time_zone, header)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET make = excluded.make, model = excluded.model, lens = excluded.lens,"
        " f_number = excluded.f_number, exposure = excluded.exposure, iso = excluded.iso,"
        " focal_mm = excluded.focal_mm, fps = excluded.fps, projection = excluded.projection,"
        " city = excluded.city, state = excluded.state, country = excluded.country,"
        " time_zone = excluded.time_zone, header = coalesce(excluded.header, header)");
    alb_q_i64(&q, asset);
    alb_q_str_or_null(&q, m->make);
    alb_q_str_or_null(&q, m->model);
    alb_q_str_or_null(&q, m->lens);
    alb_q_double_or_null(&q, m->f_number, !(m->f_number > 0));
    alb_q_str_or_null(&q, m->exposure);
    alb_q_i64_or_null(&q, m->iso, m->iso <= 0);
    alb_q_double_or_null(&q, m->focal_mm, !(m->focal_mm > 0));
    alb_q_double_or_null(&q, m->fps, !(m->fps > 0));
    alb_q_str_or_null(&q, m->projection);
    alb_q_str_or_null(&q, m->city);
    alb_q_str_or_null(&q, m->state);
    alb_q_str_or_null(&q, m->country);
    alb_q_str_or_null(&q, m->time_zone);
    alb_q_blob_or_null(&q, m->header);
    code = alb_q_run(&q, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap,
               "UPDATE asset SET width = ?, height = ?, orientation = ?, duration_ms = ?,"
               " thumbhash = coalesce(?, thumbhash) WHERE id = ?");
    alb_q_i64(&q, m->width);
    alb_q_i64(&q, m->height);
    alb_q_i64(&q, m->orientation >= 0 && m->orientation <= 8 ? m->orientation : 0);
    alb_q_i64(&q, m->duration_ms);
    alb_q_blob_or_null(&q, m->thumbhash);
    alb_q_i64(&q, asset);
    return alb_q_run(&q, err);
}

/* ---- effective values ---- */

void alb_effective_bind(struct alb_q *q, const struct alb_layer *e, int capture_source, int64_t created_at,
                        struct alb_buf *keys)
{
    bool capture = says(e, ALB_FIELD_CAPTURE), gps = says(e, ALB_FIELD_GPS);
    struct alb_str title = says(e, ALB_FIELD_TITLE) ? e->title : ALB_STR_NONE;
    struct alb_str description = says(e, ALB_FIELD_DESCRIPTION) ? e->description : ALB_STR_NONE;
    size_t cut;

    alb_buf_reset(keys);
    alb_fold(title, keys);
    cut = keys->n;
    alb_fold(description, keys);
    if (alb_buf_code(keys) != ALB_OK) {
        alb_q_give_up(q, alb_buf_code(keys));
        return;
    }
    alb_q_i64_or_null(q, e->capture.utc_ms, !capture);
    alb_q_i64_or_null(q, e->capture.local_ms, !capture);
    alb_q_i64_or_null(q, e->capture.offset_min, !capture || !e->capture.has_offset);
    alb_q_i64_or_null(q, capture_source, !capture);
    alb_q_i64(q, capture ? e->capture.local_ms : created_at);
    alb_q_str_or_null(q, title);
    alb_q_str_or_null(q, alb_str_sub(alb_buf_view(keys), 0, cut));
    alb_q_str_or_null(q, description);
    alb_q_str_or_null(q, alb_str_from(alb_buf_view(keys), cut));
    alb_q_str_or_null(q, says(e, ALB_FIELD_AUTHOR) ? e->author : ALB_STR_NONE);
    alb_q_double_or_null(q, e->latitude, !gps);
    alb_q_double_or_null(q, e->longitude, !gps);
    alb_q_i64_or_null(q, e->rating, !says(e, ALB_FIELD_RATING));
    alb_q_i64(q, says(e, ALB_FIELD_ROTATION) ? e->rotation : 0);
}

/* The columns that merging decides; a row that holds these already is not written (IS also compares NULL). */
#define EFFECTIVE_SAME                                                                                       \
    "taken_utc IS ?1 AND taken_local IS ?2 AND taken_offset IS ?3 AND taken_layer IS ?4 AND sort_local IS "  \
    "?5"                                                                                                     \
    " AND title IS ?6 AND title_key IS ?7 AND description IS ?8 AND description_key IS ?9 AND author IS ?10" \
    " AND latitude IS ?11 AND longitude IS ?12 AND rating IS ?13 AND rotation IS ?14"

static enum alb_code store_effective(struct alb_tx *tx, int64_t id, const struct alb_layer *e,
                                     int capture_source, int64_t created_at, bool *changed,
                                     struct alb_err *err)
{
    struct alb_buf keys = ALB_BUF_INIT((size_t)1 << 20);
    int64_t n = 0;
    struct alb_q q;
    enum alb_code code;

    /* render_rev: rotation is part of what derived pictures look like. */
    alb_q_open(
        &q, &tx->snap,
        "UPDATE asset SET taken_utc = ?1, taken_local = ?2, taken_offset = ?3, taken_layer = ?4,"
        " sort_local = ?5, title = ?6, title_key = ?7, description = ?8, description_key = ?9, author = ?10,"
        " latitude = ?11, longitude = ?12, rating = ?13,"
        " render_rev = render_rev + (rotation IS NOT ?14), rotation = ?14"
        " WHERE id = ?15 AND NOT (" EFFECTIVE_SAME ")");
    alb_effective_bind(&q, e, capture_source, created_at, &keys);
    alb_q_i64(&q, id);
    code = alb_q_run_count(&q, &n, err);
    alb_buf_fini(&keys);
    *changed = n > 0;
    return code;
}

#define MERGE_ARENA ((size_t)1 << 20)

static enum alb_code merge_rows(struct alb_tx *tx, int64_t id, struct alb_arena *a, bool *changed,
                                struct alb_err *err)
{
    struct alb_layer rows[ALB_LAYER_COUNT], effective;
    const struct alb_layer *layers[ALB_LAYER_COUNT] = {NULL};
    int source[ALB_FIELD_COUNT];
    int64_t created_at = 0;
    struct alb_q q;
    enum alb_code code;

    memset(rows, 0, sizeof(rows));
    alb_q_open(&q, &tx->snap, "SELECT " LAYER_COLUMNS " FROM asset_layer WHERE asset_id = ?");
    alb_q_i64(&q, id);
    while (alb_q_row(&q)) {
        int64_t layer = alb_q_int(&q, 0);

        if (layer < 0 || layer >= ALB_LAYER_COUNT)
            continue;
        read_layer(&q, a, &rows[layer]);
        layers[layer] = &rows[layer];
    }
    code = alb_q_end(&q, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "SELECT created_at FROM asset WHERE id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q))
        created_at = alb_q_int(&q, 0);
    code = alb_q_end(&q, err);
    if (code != ALB_OK)
        return code;
    alb_layer_merge(layers, &effective, source);
    return store_effective(tx, id, &effective, source[ALB_FIELD_CAPTURE], created_at, changed, err);
}

enum alb_code alb_asset_apply_layers(struct alb_tx *tx, int64_t id, bool *changed, struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(MERGE_ARENA);
    enum alb_code code;

    *changed = false;
    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to merge layers");
    code = merge_rows(tx, id, a, changed, err);
    alb_arena_free(&a);
    return code;
}

#define EFFECTIVE_TAGS                                                                                       \
    "SELECT tag_id FROM layer_tag WHERE asset_id = ?1 GROUP BY tag_id HAVING max(removed) = 0"

enum alb_code alb_asset_apply_tags(struct alb_tx *tx, int64_t id, bool *changed, struct alb_err *err)
{
    int64_t gone = 0, added = 0;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap,
               "DELETE FROM asset_tag WHERE asset_id = ?1 AND tag_id NOT IN (" EFFECTIVE_TAGS ")");
    alb_q_i64(&q, id);
    code = alb_q_run_count(&q, &gone, err);
    if (code == ALB_OK) {
        alb_q_open(
            &q, &tx->snap,
            "INSERT OR IGNORE INTO asset_tag (asset_id, tag_id) SELECT ?1, tag_id FROM (" EFFECTIVE_TAGS ")");
        alb_q_i64(&q, id);
        code = alb_q_run_count(&q, &added, err);
    }
    *changed = gone > 0 || added > 0;
    return code;
}

/* ---- commands ---- */

/* What is derived, inside the caller's bracket. */
static enum alb_code apply_all(struct alb_tx *tx, int64_t asset, struct alb_err *err)
{
    bool changed;
    enum alb_code code = alb_asset_apply_layers(tx, asset, &changed, err);

    if (code == ALB_OK)
        code = alb_asset_apply_tags(tx, asset, &changed, err);
    return code;
}

static enum alb_code store_facts(struct alb_tx *tx, int64_t asset, const struct alb_machine_write *w,
                                 struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code = ALB_OK;

    if (w->media != NULL)
        code = alb_media_store(tx, asset, w->media, err);
    if (code != ALB_OK || (w->mime.n == 0 && w->thumbhash.n == 0 && w->damaged < 0))
        return code;
    alb_q_open(&q, &tx->snap,
               "UPDATE asset SET mime = coalesce(?, mime), thumbhash = coalesce(?, thumbhash),"
               " damaged = coalesce(?, damaged) WHERE id = ?");
    alb_q_str_or_null(&q, w->mime);
    alb_q_blob_or_null(&q, w->thumbhash);
    alb_q_i64_or_null(&q, w->damaged > 0, w->damaged < 0);
    alb_q_i64(&q, asset);
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_layer_write(struct alb_tx *tx, int64_t asset, const struct alb_machine_write *w,
                                      struct alb_err *err)
{
    struct alb_counted before;
    struct alb_asset_core core;
    enum alb_code code = alb_catalog_asset_core(&tx->snap, asset, &core, err);

    if (code == ALB_OK)
        code = alb_asset_change_begin(tx, asset, &before, err);
    if (code == ALB_OK)
        code = alb_layer_store(tx, asset, w->layer, w->values, core.input_rev, err);
    if (code == ALB_OK)
        code = alb_layer_tags_store(tx, asset, w->layer, w->tags, w->tag_count, err);
    if (code == ALB_OK)
        code = store_facts(tx, asset, w, err);
    if (code == ALB_OK)
        code = apply_all(tx, asset, err);
    return code == ALB_OK ? alb_asset_change_end(tx, asset, &before, err) : code;
}

static enum alb_code note_person_fields(struct alb_tx *tx, int64_t asset, uint32_t fields, int64_t actor,
                                        struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    for (int f = 0; code == ALB_OK && f < ALB_FIELD_COUNT; f++) {
        struct alb_q q;

        if (!(fields & ALB_FIELD_BIT(f)))
            continue;
        alb_q_open(
            &q, &tx->snap,
            "INSERT INTO asset_person_field (asset_id, field, rev, actor_id, at) VALUES (?, ?, 1, ?, ?)"
            " ON CONFLICT DO UPDATE SET rev = rev + 1, actor_id = excluded.actor_id, at = excluded.at");
        alb_q_i64(&q, asset);
        alb_q_i64(&q, f);
        alb_q_i64(&q, actor);
        alb_q_i64(&q, alb_tx_now(tx));
        code = alb_q_run(&q, err);
    }
    return code;
}

static enum alb_code person_tags(struct alb_tx *tx, int64_t asset, const int64_t *tags, size_t count,
                                 bool removed, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    for (size_t i = 0; code == ALB_OK && i < count; i++) {
        struct alb_q q;

        alb_q_open(&q, &tx->snap,
                   "INSERT INTO layer_tag (asset_id, tag_id, layer, removed) VALUES (?, ?, 3, ?)"
                   " ON CONFLICT DO UPDATE SET removed = excluded.removed");
        alb_q_i64(&q, asset);
        alb_q_i64(&q, tags[i]);
        alb_q_i64(&q, removed);
        code = alb_q_run(&q, err);
    }
    return code;
}

static enum alb_code overlay_person(struct alb_tx *tx, int64_t asset, const struct alb_person_write *w,
                                    struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(MERGE_ARENA);
    struct alb_layer person;
    enum alb_code code;

    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the person layer");
    code = alb_catalog_layer_get(&tx->snap, asset, ALB_LAYER_PERSON, a, &person, err);
    if (code == ALB_OK) {
        alb_layer_overlay(&person, w->values, w->forget);
        code = alb_layer_store(tx, asset, ALB_LAYER_PERSON, &person, 0, err);
    }
    alb_arena_free(&a);
    return code;
}

enum alb_code alb_catalog_person_write(struct alb_tx *tx, int64_t asset, const struct alb_person_write *w,
                                       struct alb_err *err)
{
    uint32_t fields = (w->values->stated | w->forget) & ALB_FIELDS_ALL;
    struct alb_counted before;
    enum alb_code code = alb_asset_change_begin(tx, asset, &before, err);

    if (code == ALB_OK && fields != 0)
        code = overlay_person(tx, asset, w, err);
    if (code == ALB_OK)
        code = note_person_fields(tx, asset, fields, w->actor, err);
    if (code == ALB_OK)
        code = person_tags(tx, asset, w->tags_add, w->tag_add_count, false, err);
    if (code == ALB_OK)
        code = person_tags(tx, asset, w->tags_remove, w->tag_remove_count, true, err);
    if (code == ALB_OK)
        code = apply_all(tx, asset, err);
    return code == ALB_OK ? alb_asset_change_end(tx, asset, &before, err) : code;
}

enum alb_code alb_catalog_asset_remerge(struct alb_tx *tx, int64_t id, bool *differs, struct alb_err *err)
{
    struct alb_counted before;
    bool columns = false, tags = false;
    enum alb_code code = alb_asset_change_begin(tx, id, &before, err);

    *differs = false;
    if (code == ALB_OK)
        code = alb_asset_apply_layers(tx, id, &columns, err);
    if (code == ALB_OK)
        code = alb_asset_apply_tags(tx, id, &tags, err);
    if (code != ALB_OK || !(columns || tags))
        return code;
    *differs = true;
    return alb_asset_change_end(tx, id, &before, err);
}
