/* SPDX-License-Identifier: Apache-2.0
 *
 * Edits of one asset: layers by machines (compare-and-set on the input revision), the person layer, flags
 * (contract: asset.h).
 */
#include <string.h>

#include "catalog/blob.h"
#include "catalog/tag.h"
#include "library/asset.h"
#include "library/priv.h"

/* ---- machines ---- */

static enum alb_code finish_job(struct alb_tx *tx, const struct alb_layer_write *w, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    if (w->job_id != 0)
        code = alb_catalog_job_done(tx, w->job_id, w->job_owner, err);
    for (size_t i = 0; code == ALB_OK && i < w->job_count; i++) {
        struct alb_job_new job = w->jobs[i];

        if (job.subject == 0) {
            job.subject = w->asset_id;
            job.input_rev = w->input_rev;
        }
        code = alb_catalog_job_add(tx, &job, err);
    }
    return code;
}

static enum alb_code layer_steps(struct alb_tx *tx, const struct alb_layer_write *w, struct alb_arena *a,
                                 struct alb_asset_core *core, struct alb_err *err)
{
    struct alb_machine_write mw = {.layer = w->layer,
                                   .values = &w->values,
                                   .media = w->media,
                                   .thumbhash = w->thumbhash,
                                   .mime = w->mime,
                                   .damaged = w->damaged};
    int64_t *tags;
    enum alb_code code = alb_catalog_asset_core(alb_tx_snap(tx), w->asset_id, core, err);

    if (code == ALB_OK && core->input_rev != w->input_rev)
        code = alb_fail(err, ALB_E_CONFLICT, "asset %lld has input %lld by now, this was made from %lld",
                        (long long)w->asset_id, (long long)core->input_rev, (long long)w->input_rev);
    if (code == ALB_OK)
        code = alb_tags_ensure(tx, a, w->tags, w->tag_count, core->owner_id, true, &tags, &mw.tag_count, err);
    if (code != ALB_OK)
        return code;
    mw.tags = tags;
    code = alb_catalog_layer_write(tx, w->asset_id, &mw, err);
    if (code == ALB_OK && w->has_md5)
        code = alb_catalog_blob_set_md5(tx, core->blob_id, w->md5, err);
    return code == ALB_OK ? finish_job(tx, w, err) : code;
}

static enum alb_code layer_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                struct alb_err *err)
{
    const struct alb_layer_write *w = alb_args_of(obj);
    struct alb_arena *a = alb_unit_arena(err);
    struct alb_asset_core core;
    enum alb_code code = a != NULL ? layer_steps(tx, w, a, &core, err) : ALB_E_NO_MEMORY;

    alb_arena_free(&a);
    return code == ALB_OK ? alb_done_give(result, core.id, 1, &core.uuid, err) : code;
}

enum alb_code alb_library_layer_write(struct alb_library *lib, const struct alb_layer_write *w,
                                      struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c;

    *future = NULL;
    if (w->layer == ALB_LAYER_PERSON || (unsigned)w->layer >= ALB_LAYER_COUNT)
        return alb_fail(err, ALB_E_INVALID, "machines do not write the person layer");
    c = alb_call_new(lib, NULL, ALB_CALL_LARGE, sizeof(*w));
    if (c != NULL) {
        struct alb_layer_write *to = c->args;
        struct alb_layer *values = alb_call_layer(c, &w->values);

        *to = *w;
        if (values != NULL) {
            alb_layer_sanitize(values);
            to->values = *values;
        }
        to->tags = alb_call_tags(c, w->tags, w->tag_count);
        to->media = alb_call_media(c, w->media);
        to->thumbhash = alb_call_str(c, w->thumbhash);
        to->mime = alb_call_str(c, w->mime);
        to->job_owner = alb_call_str(c, w->job_owner);
        to->jobs = alb_call_jobs(c, w->jobs, w->job_count);
    }
    return alb_call_write_background(&c, "layer-write", layer_unit, future, err);
}

/* ---- persons ---- */

struct update_args {
    struct alb_uuid asset;
    struct alb_asset_update u;
};

struct update {
    struct alb_tx *tx;
    const struct alb_asset_update *u;
    struct alb_viewer v;
    struct alb_asset_core core;
    enum alb_edit right;
    struct alb_arena *arena;
};

static bool edits_own(const struct alb_asset_update *u)
{
    return u->visibility >= 0 || u->set_live;
}

static bool edits_fields(const struct alb_asset_update *u)
{
    return u->values.stated != 0 || u->forget != 0 || u->tag_add_count > 0 || u->tag_remove_count > 0 ||
           u->level >= 0;
}

/* Tags of the gallery are the house's: administrators, on gallery assets. A user's tags are the owner's. */
static bool tags_allowed(const struct update *x, const struct alb_tag_name *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tags[i].scope == ALB_TAG_GALLERY && !(x->v.all || (x->v.admin && x->core.gallery)))
            return false;
        if (tags[i].scope == ALB_TAG_USER && x->right != ALB_EDIT_OWN)
            return false;
    }
    return true;
}

static bool edit_allowed(const struct update *x)
{
    const struct alb_asset_update *u = x->u;

    if ((edits_own(u) && x->right != ALB_EDIT_OWN) || (edits_fields(u) && x->right == ALB_EDIT_NONE))
        return false;
    return tags_allowed(x, u->tags_add, u->tag_add_count) &&
           tags_allowed(x, u->tags_remove, u->tag_remove_count);
}

static enum alb_code check_rights(struct update *x, struct alb_err *err)
{
    const struct alb_asset_update *u = x->u;
    bool sees;
    enum alb_code code = alb_catalog_see(alb_tx_snap(x->tx), &x->v, x->core.id, &sees, err);

    if (code == ALB_OK && !sees)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such asset");
    if (code == ALB_OK)
        code = alb_edit_right(alb_tx_snap(x->tx), &x->v, &x->core, &x->right, err);
    if (code != ALB_OK)
        return code;
    if (!edit_allowed(x))
        return alb_fail(err, ALB_E_FORBIDDEN, "asset %lld may not be edited by user %lld",
                        (long long)x->core.id, (long long)x->v.user_id);
    if (u->favorite >= 0 && (x->v.guest || x->v.share_id != 0 || x->v.user_id == 0))
        return alb_fail(err, ALB_E_FORBIDDEN, "only users have favourites");
    if (u->if_rev != ALB_ASSET_ANY_REV && u->if_rev != x->core.rev)
        return alb_fail(err, ALB_E_PRECONDITION, "the asset has revision %lld", (long long)x->core.rev);
    return ALB_OK;
}

/* Tags to remove are looked up, not made: removing one that does not exist changes nothing. */
static enum alb_code find_tags(struct update *x, const struct alb_tag_name *names, size_t count,
                               int64_t **ids, size_t *found, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    *found = 0;
    *ids = count > 0 ? alb_arena_calloc(x->arena, count, sizeof(**ids)) : NULL;
    if (count > 0 && *ids == NULL)
        return alb_fail(err, alb_arena_code(x->arena), "no room for %zu tags", count);
    for (size_t i = 0; code == ALB_OK && i < count; i++) {
        int64_t id;

        code = alb_catalog_tag_find(alb_tx_snap(x->tx), &names[i], x->core.owner_id, &id, err);
        if (code == ALB_OK && id != 0)
            (*ids)[(*found)++] = id;
    }
    return code;
}

static enum alb_code apply_person(struct update *x, struct alb_err *err)
{
    const struct alb_asset_update *u = x->u;
    struct alb_person_write w = {.values = &u->values, .forget = u->forget, .actor = x->v.user_id};
    int64_t *add, *remove;
    enum alb_code code;

    if (w.actor == 0)
        w.actor = x->core.owner_id;
    if (u->values.stated == 0 && u->forget == 0 && u->tag_add_count == 0 && u->tag_remove_count == 0)
        return ALB_OK;
    code = alb_tags_ensure(x->tx, x->arena, u->tags_add, u->tag_add_count, x->core.owner_id, false, &add,
                           &w.tag_add_count, err);
    if (code == ALB_OK)
        code = find_tags(x, u->tags_remove, u->tag_remove_count, &remove, &w.tag_remove_count, err);
    if (code != ALB_OK)
        return code;
    w.tags_add = add;
    w.tags_remove = remove;
    return alb_catalog_person_write(x->tx, x->core.id, &w, err);
}

static enum alb_code apply_live(struct update *x, struct alb_err *err)
{
    struct alb_asset_core motion;
    enum alb_edit right;
    enum alb_code code;

    if (!x->u->set_live)
        return ALB_OK;
    if (x->u->live != 0) {
        code = alb_catalog_asset_core(alb_tx_snap(x->tx), x->u->live, &motion, err);
        if (code == ALB_OK && motion.owner_id != x->core.owner_id)
            return alb_fail(err, ALB_E_FORBIDDEN, "the motion part is somebody else's");
        if (code == ALB_OK)
            code = alb_edit_right(alb_tx_snap(x->tx), &x->v, &motion, &right, err);
        if (code == ALB_OK && right != ALB_EDIT_OWN) /* locked: it must not come out by becoming hidden */
            return alb_fail(err, ALB_E_NOT_FOUND, "no such motion part");
        if (code == ALB_OK && motion.visibility != ALB_VIS_HIDDEN)
            code = alb_catalog_asset_set_visibility(x->tx, motion.id, ALB_VIS_HIDDEN, err);
        if (code != ALB_OK)
            return code;
    }
    return alb_catalog_asset_set_live(x->tx, x->core.id, x->u->live, err);
}

static enum alb_code apply(struct update *x, struct alb_err *err)
{
    const struct alb_asset_update *u = x->u;
    bool changed;
    enum alb_code code = apply_person(x, err);

    if (code == ALB_OK && u->favorite >= 0)
        code = alb_catalog_favorite_set(x->tx, x->v.user_id, x->core.id, u->favorite > 0, &changed, err);
    if (code == ALB_OK && u->visibility >= 0 && u->visibility != (int)x->core.visibility)
        code = alb_catalog_asset_set_visibility(x->tx, x->core.id, (enum alb_visibility)u->visibility, err);
    if (code == ALB_OK && u->level >= 0 && u->level != x->core.level)
        code = alb_catalog_asset_set_level(x->tx, x->core.id, u->level, err);
    return code == ALB_OK ? apply_live(x, err) : code;
}

static enum alb_code update_steps(struct alb_call *c, struct update *x, struct alb_err *err)
{
    const struct update_args *args = c->args;
    int64_t id;
    enum alb_code code = alb_viewer_of(c->lib, alb_tx_snap(x->tx), c->principal, &x->v, err);

    if (code == ALB_OK)
        code = alb_catalog_asset_id(alb_tx_snap(x->tx), &args->asset, &id, err);
    if (code == ALB_OK)
        code = alb_catalog_asset_core(alb_tx_snap(x->tx), id, &x->core, err);
    if (code == ALB_OK)
        code = check_rights(x, err);
    return code == ALB_OK ? apply(x, err) : code;
}

static enum alb_code update_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                 struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    const struct update_args *args = c->args;
    struct update x = {.tx = tx, .u = &args->u, .arena = alb_unit_arena(err)};
    enum alb_code code = x.arena != NULL ? update_steps(c, &x, err) : ALB_E_NO_MEMORY;

    alb_arena_free(&x.arena);
    return code == ALB_OK ? alb_done_give(result, x.core.id, 1, &x.core.uuid, err) : code;
}

enum alb_code alb_library_asset_update(struct alb_library *lib, const struct alb_principal *p,
                                       const struct alb_uuid *asset, const struct alb_asset_update *update,
                                       struct alb_future **future, struct alb_err *err)
{
    const char *why = NULL;
    struct alb_call *c;

    *future = NULL;
    if (!alb_layer_valid(&update->values, &why))
        return alb_fail(err, ALB_E_INVALID, "%s", why);
    if (update->visibility >= ALB_VIS_COUNT || (update->level >= 0 && !alb_level_valid(update->level)))
        return alb_fail(err, ALB_E_INVALID, "no such visibility or level");
    c = alb_call_new(lib, p, ALB_CALL_LARGE, sizeof(struct update_args));
    if (c != NULL) {
        struct update_args *to = c->args;
        struct alb_layer *values = alb_call_layer(c, &update->values);

        to->asset = *asset;
        to->u = *update;
        if (values != NULL)
            to->u.values = *values;
        to->u.tags_add = alb_call_tags(c, update->tags_add, update->tag_add_count);
        to->u.tags_remove = alb_call_tags(c, update->tags_remove, update->tag_remove_count);
    }
    return alb_call_write(&c, "asset-update", update_unit, future, err);
}
