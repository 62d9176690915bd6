/* SPDX-License-Identifier: Apache-2.0
 *
 * Making an asset: one transaction from the blob row to the follow-up jobs, idempotent by (owner, SHA-1).
 *
 *   owner has these bytes?  no   -> insert                                             ALB_CREATED
 *                           yes  -> in the trash, and not through the Immich door?
 *                                     yes -> restore                                   ALB_RESTORED
 *                                     no  -> as it is                                  ALB_DUPLICATE
 *                                   links, a person's tags, favourite, sums are added; the door decides
 *                                   whether it belongs to the gallery or to its owner's library now as well
 */
#include <string.h>

#include "base/mem.h"
#include "catalog/album.h"
#include "catalog/tag.h"
#include "catalog/user.h"
#include "library/asset.h"
#include "library/priv.h"

enum alb_code alb_tags_ensure(struct alb_tx *tx, struct alb_arena *a, const struct alb_tag_name *names,
                              size_t count, int64_t owner, bool lenient, int64_t **ids, size_t *made,
                              struct alb_err *err)
{
    *ids = NULL;
    *made = 0;
    if (count == 0)
        return ALB_OK;
    *ids = alb_arena_calloc(a, count, sizeof(**ids));
    if (*ids == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for %zu tags", count);
    for (size_t i = 0; i < count; i++) {
        enum alb_code code;

        if (lenient && !alb_tag_name_valid(names[i].value))
            continue;
        code = alb_catalog_tag_ensure(tx, &names[i], owner, &(*ids)[*made], err);
        if (code != ALB_OK)
            return code;
        ++*made;
    }
    return ALB_OK;
}

/* What the parts of the transaction hand to each other. */
struct creation {
    struct alb_tx *tx;
    const struct alb_asset_new *in;
    struct alb_created *out;
    struct alb_arena *arena;
    struct alb_viewer actor;
    int64_t album;             /* for try_link */
    struct alb_str album_name; /* for try_link_named */
};

static enum alb_code check_quota(struct creation *c, struct alb_err *err)
{
    struct alb_user owner;
    enum alb_code code = alb_catalog_user_get(alb_tx_snap(c->tx), c->in->owner_id, c->arena, &owner, err);

    if (code != ALB_OK)
        return code;
    if (owner.role == ALB_ROLE_GUEST)
        return alb_fail(err, ALB_E_FORBIDDEN, "the guest owns nothing");
    if (owner.quota_bytes >= 0 && owner.used_bytes + c->in->blob.size > owner.quota_bytes)
        return alb_fail(err, ALB_E_TOO_LARGE, "the quota of user %lld is used up", (long long)owner.id);
    return ALB_OK;
}

/* ---- links ---- */

static enum alb_code try_link(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct creation *c = arg;
    struct alb_album_access access;
    bool changed;
    enum alb_code code = alb_catalog_album_access(alb_tx_snap(tx), &c->actor, c->album, &access, err);

    if (code == ALB_OK && !access.edits)
        return alb_fail(err, ALB_E_FORBIDDEN, "the album may not be changed");
    if (code == ALB_OK)
        code = alb_catalog_album_link(tx, c->album, c->out->asset_id, c->in->actor_id, &changed, err);
    return code;
}

static bool refusal(enum alb_code code)
{
    return code == ALB_E_NOT_FOUND || code == ALB_E_FORBIDDEN || code == ALB_E_CONFLICT ||
           code == ALB_E_INVALID;
}

/* An album that the upload names: found, or made in the same transaction. */
static enum alb_code try_link_named(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct creation *c = arg;
    struct alb_uuid uuid;
    bool changed;
    int64_t id = 0;
    enum alb_code code = alb_catalog_album_named(alb_tx_snap(tx), c->in->owner_id, c->album_name, &id, err);

    if (code == ALB_OK && id == 0) {
        const struct alb_album_new album = {.kind = ALB_ALBUM_PERSONAL, .name = c->album_name};

        code = alb_catalog_album_insert(tx, &album, c->in->owner_id, c->in->actor_id, &id, &uuid, err);
    }
    if (code == ALB_OK)
        code = alb_catalog_album_link(tx, id, c->out->asset_id, c->in->actor_id, &changed, err);
    return code;
}

/* An album that cannot be had does not keep the photo out: it is skipped, and counted. */
static enum alb_code link_one(struct creation *c, alb_catalog_try_fn *link, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = alb_tx_try(c->tx, link, c, &why);

    if (code == ALB_OK)
        return ALB_OK;
    if (!refusal(code))
        return alb_fail(err, code, "linking: %s", why.msg);
    c->out->albums_skipped++;
    return ALB_OK;
}

static enum alb_code link_albums(struct creation *c, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    for (size_t i = 0; code == ALB_OK && i < c->in->album_name_count; i++) {
        c->album_name = c->in->album_names[i];
        code = link_one(c, try_link_named, err);
    }
    for (size_t i = 0; code == ALB_OK && i < c->in->album_count; i++) {
        c->album = c->in->albums[i];
        code = link_one(c, try_link, err);
    }
    return code;
}

/* The still gets its motion part; that is hidden from lists. Both must belong to the owner. */
static enum alb_code join_live(struct creation *c, int64_t still, int64_t motion, struct alb_err *err)
{
    struct alb_asset_core s, m;
    enum alb_code code = alb_catalog_asset_core(alb_tx_snap(c->tx), still, &s, err);

    if (code == ALB_OK)
        code = alb_catalog_asset_core(alb_tx_snap(c->tx), motion, &m, err);
    if (code != ALB_OK)
        return code;
    if (s.owner_id != c->in->owner_id || m.owner_id != c->in->owner_id)
        return alb_fail(err, ALB_E_FORBIDDEN, "the motion part is somebody else's");
    /* It becomes hidden, and would come out of the locked folder so; an upload has no elevation. */
    if (m.visibility == ALB_VIS_LOCKED)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such motion part");
    code = alb_catalog_asset_set_live(c->tx, still, motion, err);
    if (code == ALB_OK && m.visibility != ALB_VIS_HIDDEN)
        code = alb_catalog_asset_set_visibility(c->tx, motion, ALB_VIS_HIDDEN, err);
    return code;
}

/* What is added whether the asset is new or was there. */
static enum alb_code add_common(struct creation *c, struct alb_err *err)
{
    int64_t id = c->out->asset_id;
    bool changed;
    enum alb_code code = ALB_OK;

    for (size_t i = 0; code == ALB_OK && i < c->in->declared_count; i++)
        code = alb_catalog_declared_add(c->tx, id, &c->in->declared[i], err);
    if (code == ALB_OK && c->in->favorite)
        code = alb_catalog_favorite_set(c->tx, c->in->actor_id, id, true, &changed, err);
    if (code == ALB_OK && c->in->live != 0)
        code = join_live(c, id, c->in->live, err);
    if (code == ALB_OK && c->in->motion_of != 0)
        code = join_live(c, c->in->motion_of, id, err);
    return code == ALB_OK ? link_albums(c, err) : code;
}

/* ---- a new one ---- */

static enum alb_code gather_tags(struct creation *c, struct alb_asset_row *row, struct alb_err *err)
{
    const struct alb_asset_new *in = c->in;
    const struct {
        enum alb_layer_id layer;
        const struct alb_tag_name *names;
        size_t count;
    } by_layer[] = {
        {ALB_LAYER_FILE, in->file_tags, in->file_tag_count},
        {ALB_LAYER_SIDECAR, in->sidecar_tags, in->sidecar_tag_count},
        {ALB_LAYER_PERSON, in->person_tags, in->person_tag_count},
    };
    enum alb_code code = ALB_OK;

    for (size_t i = 0; code == ALB_OK && i < ALB_ARRAY_LEN(by_layer); i++) {
        int64_t *ids;

        code = alb_tags_ensure(c->tx, c->arena, by_layer[i].names, by_layer[i].count, in->owner_id,
                               by_layer[i].layer != ALB_LAYER_PERSON, &ids,
                               &row->tag_count[by_layer[i].layer], err);
        row->tags[by_layer[i].layer] = ids;
    }
    return code;
}

static enum alb_code add_jobs(struct creation *c, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    for (size_t i = 0; code == ALB_OK && i < c->in->job_count; i++) {
        struct alb_job_new job = c->in->jobs[i];

        if (job.subject == 0) {
            job.subject = c->out->asset_id;
            job.input_rev = 1;
        }
        code = alb_catalog_job_add(c->tx, &job, err);
    }
    return code;
}

static enum alb_code create_new(struct creation *c, struct alb_err *err)
{
    const struct alb_asset_new *in = c->in;
    struct alb_asset_row row = {
        .owner_id = in->owner_id,
        .added_by = in->actor_id,
        .blob_id = c->out->blob_id,
        .size = in->blob.size,
        .kind = in->kind,
        .name = in->name,
        .mime = in->mime,
        .device_id = in->device_id,
        .device_asset_id = in->device_asset_id,
        .damaged = in->damaged,
        .gallery = in->door == ALB_DOOR_PIWIGO,
        .personal = in->door != ALB_DOOR_PIWIGO,
        .door = in->door,
        .visibility = in->visibility,
        .level = in->level,
        .file_modified_at = in->file_modified_ms,
        .media = in->media,
        .layers = {in->hint, in->file, in->sidecar, in->person},
    };
    enum alb_code code;

    memcpy(row.sha1, in->blob.sha1, ALB_SHA1_LEN);
    c->out->as = ALB_CREATED;
    code = check_quota(c, err);
    if (code == ALB_OK)
        code = gather_tags(c, &row, err);
    if (code == ALB_OK)
        code = alb_catalog_asset_insert(c->tx, &row, &c->out->asset_id, &c->out->asset_uuid, err);
    if (code == ALB_OK)
        code = add_jobs(c, err);
    return code;
}

/* ---- one that is there ---- */

static enum alb_code meet_again(struct creation *c, struct alb_err *err)
{
    const struct alb_asset_new *in = c->in;
    struct alb_asset_core core;
    struct alb_layer nothing = {0};
    struct alb_person_write w = {.values = &nothing, .actor = in->actor_id};
    int64_t *tags;
    bool piwigo = in->door == ALB_DOOR_PIWIGO;
    enum alb_code code = alb_catalog_asset_core(alb_tx_snap(c->tx), c->out->asset_id, &core, err);

    if (code != ALB_OK)
        return code;
    if (core.blob_id != c->out->blob_id)
        return alb_fail(err, ALB_E_UNPROCESSABLE, "asset %lld has the same SHA-1 and other bytes",
                        (long long)core.id);
    c->out->as = ALB_DUPLICATE;
    if (core.trashed && in->door != ALB_DOOR_IMMICH) {
        c->out->as = ALB_RESTORED;
        code = alb_catalog_asset_set_trashed(c->tx, core.id, 0, err);
    }
    c->out->trashed = core.trashed && in->door == ALB_DOOR_IMMICH;
    if (code == ALB_OK && (piwigo ? !core.gallery : !core.personal))
        code = alb_catalog_asset_set_places(c->tx, core.id, core.gallery || piwigo, core.personal || !piwigo,
                                            err);
    if (code == ALB_OK)
        code = alb_tags_ensure(c->tx, c->arena, in->person_tags, in->person_tag_count, core.owner_id, false,
                               &tags, &w.tag_add_count, err);
    if (code == ALB_OK && in->person_tag_count > 0) {
        w.tags_add = tags;
        code = alb_catalog_person_write(c->tx, core.id, &w, err);
    }
    return code;
}

/* For those who ask for this upload again. */
static enum alb_code remember(struct creation *c, struct alb_err *err)
{
    const struct alb_taken taken = {.owner_id = c->in->owner_id,
                                    .size = c->in->blob.size,
                                    .asset = c->out->asset_uuid,
                                    .made = (int)c->out->as,
                                    .trashed = c->out->trashed};

    if (c->in->upload_id.n == 0 || c->in->upload_keep_ms <= 0)
        return ALB_OK;
    return alb_catalog_taken_add(c->tx, c->in->upload_id, &taken, c->in->upload_keep_ms, err);
}

static enum alb_code create_steps(struct creation *c, struct alb_err *err)
{
    bool trashed;
    struct alb_snap *s = alb_tx_snap(c->tx);
    enum alb_code code =
        alb_catalog_viewer(s, ALB_VIEWER_USER, c->in->actor_id, alb_tx_now(c->tx), &c->actor, err);

    if (code == ALB_OK)
        code = alb_catalog_blob_ensure(c->tx, &c->in->blob, &c->out->blob_id, &c->out->blob_known,
                                       &c->out->blob_revived, err);
    if (code == ALB_OK)
        code = alb_catalog_asset_by_sha1(s, c->in->owner_id, c->in->blob.sha1, &c->out->asset_id,
                                         &c->out->asset_uuid, &trashed, err);
    if (code == ALB_OK)
        code = c->out->asset_id == 0 ? create_new(c, err) : meet_again(c, err);
    if (code == ALB_OK)
        code = add_common(c, err);
    return code == ALB_OK ? remember(c, err) : code;
}

static void created_release(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct alb_created, obj));
}

static enum alb_code create_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                 struct alb_err *err)
{
    struct creation c = {.tx = tx, .in = alb_args_of(obj)};
    enum alb_code code;

    c.out = alb_mem_calloc(1, sizeof(*c.out));
    if (c.out == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a result");
    alb_obj_init(&c.out->obj, created_release);
    c.arena = alb_unit_arena(err);
    code = c.arena != NULL ? create_steps(&c, err) : ALB_E_NO_MEMORY;
    alb_arena_free(&c.arena);
    if (code == ALB_OK)
        *result = &c.out->obj;
    else
        alb_obj_unref(&c.out->obj);
    return code;
}

/* ---- arguments ---- */

static void copy_media(struct alb_call *c, struct alb_media *m)
{
    m->make = alb_call_str(c, m->make);
    m->model = alb_call_str(c, m->model);
    m->lens = alb_call_str(c, m->lens);
    m->projection = alb_call_str(c, m->projection);
    m->exposure = alb_call_str(c, m->exposure);
    m->city = alb_call_str(c, m->city);
    m->state = alb_call_str(c, m->state);
    m->country = alb_call_str(c, m->country);
    m->time_zone = alb_call_str(c, m->time_zone);
    m->thumbhash = alb_call_str(c, m->thumbhash);
    m->header = alb_call_str(c, m->header);
}

struct alb_media *alb_call_media(struct alb_call *c, const struct alb_media *m)
{
    struct alb_media *copy = m != NULL ? alb_call_copy(c, m, 1, sizeof(*m)) : NULL;

    if (copy != NULL)
        copy_media(c, copy);
    return copy;
}

struct alb_job_new *alb_call_jobs(struct alb_call *c, const struct alb_job_new *jobs, size_t count)
{
    struct alb_job_new *copy = alb_call_copy(c, jobs, count, sizeof(*jobs));

    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i].kind = alb_call_str(c, jobs[i].kind);
        copy[i].args = alb_call_str(c, jobs[i].args);
    }
    return copy;
}

static void copy_sums(struct alb_call *c, struct alb_asset_new *to, const struct alb_asset_new *from)
{
    struct alb_declared_sum *sums =
        alb_call_copy(c, from->declared, from->declared_count, sizeof(*from->declared));

    for (size_t i = 0; sums != NULL && i < from->declared_count; i++)
        sums[i].value = alb_call_str(c, from->declared[i].value);
    to->declared = sums;
}

static void copy_album_names(struct alb_call *c, struct alb_asset_new *to, const struct alb_asset_new *from)
{
    struct alb_str *names =
        alb_call_copy(c, from->album_names, from->album_name_count, sizeof(*from->album_names));

    for (size_t i = 0; names != NULL && i < from->album_name_count; i++)
        names[i] = alb_call_str(c, from->album_names[i]);
    to->album_names = names;
}

static const struct alb_layer *copy_machine_layer(struct alb_call *c, const struct alb_layer *l)
{
    struct alb_layer *copy = alb_call_layer(c, l);

    if (copy != NULL)
        alb_layer_sanitize(copy);
    return copy;
}

static void copy_asset(struct alb_call *c, const struct alb_asset_new *from)
{
    struct alb_asset_new *to = c->args;

    *to = *from;
    to->blob.store = alb_call_str(c, from->blob.store);
    to->blob.key = alb_call_str(c, from->blob.key);
    to->blob.sums = alb_call_str(c, from->blob.sums);
    to->name = alb_call_str(c, from->name);
    to->mime = alb_call_str(c, from->mime);
    copy_media(c, &to->media);
    to->hint = copy_machine_layer(c, from->hint);
    to->file = copy_machine_layer(c, from->file);
    to->sidecar = copy_machine_layer(c, from->sidecar);
    to->person = alb_call_layer(c, from->person);
    to->file_tags = alb_call_tags(c, from->file_tags, from->file_tag_count);
    to->sidecar_tags = alb_call_tags(c, from->sidecar_tags, from->sidecar_tag_count);
    to->person_tags = alb_call_tags(c, from->person_tags, from->person_tag_count);
    to->albums = alb_call_copy(c, from->albums, from->album_count, sizeof(*from->albums));
    copy_album_names(c, to, from);
    to->jobs = alb_call_jobs(c, from->jobs, from->job_count);
    to->upload_id = alb_call_str(c, from->upload_id);
    to->device_id = alb_call_str(c, from->device_id);
    to->device_asset_id = alb_call_str(c, from->device_asset_id);
    copy_sums(c, to, from);
}

enum alb_code alb_library_asset_create(struct alb_library *lib, const struct alb_asset_new *asset,
                                       struct alb_future **future, struct alb_err *err)
{
    size_t cap = ALB_CALL_LARGE + asset->blob.sums.n * 2; /* 8 bytes for each MiB: large for a long video */
    const char *why = NULL;
    struct alb_call *c;

    *future = NULL;
    if (asset->person != NULL && !alb_layer_valid(asset->person, &why))
        return alb_fail(err, ALB_E_INVALID, "%s", why);
    if (!alb_level_valid(asset->level) || asset->name.n == 0 || asset->name.n > 1024 || asset->mime.n == 0)
        return alb_fail(err, ALB_E_INVALID, "an asset needs a name, a type and a valid level");
    c = alb_call_new(lib, NULL, cap, sizeof(struct alb_asset_new));
    if (c != NULL)
        copy_asset(c, asset);
    return alb_call_write(&c, "asset-create", create_unit, future, err);
}

enum alb_code alb_library_upload_taken(struct alb_library *lib, struct alb_str upload_id,
                                       struct alb_taken *out, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    memset(out, 0, sizeof(*out));
    if (code != ALB_OK)
        return code;
    code = alb_catalog_taken_get(s, upload_id, out, err);
    alb_catalog_read_end(&s);
    return code;
}
