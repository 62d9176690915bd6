/* SPDX-License-Identifier: Apache-2.0
 *
 * What a bulk action does to one asset, and what it writes down to undo it (contract: bulk.h).
 *
 * Deleting (model.md, "Deleting and keeping"): through Piwigo's door an asset of the gallery that its owner
 * also keeps only leaves the gallery; everything else goes to the trash of its owner. Undo puts a field back
 * only if it still holds what the operation left there: later edits of people win.
 */
#include <string.h>

#include "catalog/album.h"
#include "catalog/blob.h"
#include "library/bulk.h"

enum alb_code alb_bulk_viewer(struct alb_tx *tx, const struct alb_operation *op, struct alb_viewer *v,
                              struct alb_err *err)
{
    enum alb_code code =
        alb_catalog_viewer(alb_tx_snap(tx), ALB_VIEWER_USER, op->user_id, alb_tx_now(tx), v, err);

    v->all = op->drain == ALB_DRAIN_ALL_TRASH;
    return code;
}

static enum alb_code undo(struct alb_bulk_step *x, enum alb_undo_field field, int64_t before, int64_t after,
                          int64_t other, struct alb_err *err)
{
    struct alb_undo u = {
        .asset_id = x->asset, .field = field, .before = before, .after = after, .other_id = other};

    return alb_catalog_undo_add(x->tx, x->op->id, &u, err);
}

static enum alb_code need(enum alb_edit right, enum alb_edit least, struct alb_err *err)
{
    if (right < least)
        return alb_fail(err, ALB_E_FORBIDDEN, "not the user's to change");
    return ALB_OK;
}

/* ---- actions ---- */

static enum alb_code leave_gallery(struct alb_bulk_step *x, const struct alb_asset_core *core,
                                   struct alb_err *err)
{
    int64_t *albums;
    size_t count;
    enum alb_code code = alb_catalog_albums_of(alb_tx_snap(x->tx), core->id, ALB_ALBUM_GALLERY, x->arena,
                                               &albums, &count, err);

    for (size_t i = 0; code == ALB_OK && i < count; i++) {
        bool changed;

        code = alb_catalog_album_unlink(x->tx, albums[i], core->id, &changed, err);
        if (code == ALB_OK)
            code = undo(x, ALB_UNDO_ALBUM_LINK, 1, 0, albums[i], err);
    }
    if (code == ALB_OK)
        code = alb_catalog_asset_set_places(x->tx, core->id, false, true, err);
    return code == ALB_OK ? undo(x, ALB_UNDO_GALLERY, 1, 0, 0, err) : code;
}

static enum alb_code trash(struct alb_bulk_step *x, const struct alb_asset_core *core, enum alb_edit right,
                           struct alb_err *err)
{
    bool through_gallery = x->op->door == ALB_DOOR_PIWIGO && core->gallery;
    int64_t now = alb_tx_now(x->tx);
    enum alb_code code = need(right, through_gallery ? ALB_EDIT_GALLERY : ALB_EDIT_OWN, err);

    if (code != ALB_OK || core->trashed)
        return code;
    if (through_gallery && core->personal)
        return leave_gallery(x, core, err);
    code = alb_catalog_asset_set_trashed(x->tx, core->id, now, err);
    return code == ALB_OK ? undo(x, ALB_UNDO_TRASHED_AT, 0, now, 0, err) : code;
}

static enum alb_code restore(struct alb_bulk_step *x, const struct alb_asset_core *core, enum alb_edit right,
                             struct alb_err *err)
{
    enum alb_code code = need(right, ALB_EDIT_OWN, err);

    if (code != ALB_OK || !core->trashed)
        return code;
    code = alb_catalog_asset_set_trashed(x->tx, core->id, 0, err);
    return code == ALB_OK ? undo(x, ALB_UNDO_TRASHED_AT, core->trashed_at, 0, 0, err) : code;
}

/* With the motion part that no other still has. */
static enum alb_code purge(struct alb_bulk_step *x, const struct alb_asset_core *core, enum alb_edit right,
                           struct alb_err *err)
{
    struct alb_asset_core motion = {0};
    int64_t uses = 0;
    enum alb_code code = need(right, ALB_EDIT_OWN, err);

    if (code == ALB_OK && core->live_id != 0) {
        code = alb_catalog_live_uses(alb_tx_snap(x->tx), core->live_id, &uses, err);
        if (code == ALB_OK)
            code = alb_catalog_asset_core(alb_tx_snap(x->tx), core->live_id, &motion, err);
    }
    if (code == ALB_OK)
        code = alb_catalog_asset_purge(x->tx, core->id, err);
    if (code == ALB_OK && uses == 1 && motion.visibility == ALB_VIS_HIDDEN &&
        motion.owner_id == core->owner_id)
        code = alb_catalog_asset_purge(x->tx, motion.id, err);
    return code;
}

static enum alb_code set_visibility(struct alb_bulk_step *x, const struct alb_asset_core *core,
                                    enum alb_edit right, struct alb_err *err)
{
    enum alb_code code = need(right, ALB_EDIT_OWN, err);

    if (code != ALB_OK || x->op->value == (int64_t)core->visibility)
        return code;
    code = alb_catalog_asset_set_visibility(x->tx, core->id, (enum alb_visibility)x->op->value, err);
    return code == ALB_OK ? undo(x, ALB_UNDO_VISIBILITY, core->visibility, x->op->value, 0, err) : code;
}

static enum alb_code set_level(struct alb_bulk_step *x, const struct alb_asset_core *core,
                               enum alb_edit right, struct alb_err *err)
{
    enum alb_code code = need(right, ALB_EDIT_GALLERY, err);

    if (code != ALB_OK || x->op->value == core->level)
        return code;
    code = alb_catalog_asset_set_level(x->tx, core->id, (int)x->op->value, err);
    return code == ALB_OK ? undo(x, ALB_UNDO_LEVEL, core->level, x->op->value, 0, err) : code;
}

static enum alb_code set_favorite(struct alb_bulk_step *x, const struct alb_asset_core *core,
                                  struct alb_err *err)
{
    bool sees, changed;
    enum alb_code code = alb_catalog_see(alb_tx_snap(x->tx), &x->v, core->id, &sees, err);

    if (code == ALB_OK && !sees)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such asset");
    if (code == ALB_OK)
        code = alb_catalog_favorite_set(x->tx, x->v.user_id, core->id, x->op->value != 0, &changed, err);
    if (code != ALB_OK || !changed)
        return code;
    return undo(x, ALB_UNDO_FAVORITE, x->op->value == 0, x->op->value != 0, x->v.user_id, err);
}

/* Into a personal album goes what is one's own; into the gallery what one may edit there. */
static enum alb_code set_link(struct alb_bulk_step *x, const struct alb_asset_core *core, enum alb_edit right,
                              bool on, struct alb_err *err)
{
    int64_t album = x->op->value;
    struct alb_album_access access;
    bool changed;
    enum alb_code code = alb_catalog_album_access(alb_tx_snap(x->tx), &x->v, album, &access, err);

    if (code == ALB_OK && !access.sees)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such album");
    if (code == ALB_OK && !access.edits)
        return alb_fail(err, ALB_E_FORBIDDEN, "the album may not be changed");
    if (code == ALB_OK && on)
        code = need(right, access.kind == ALB_ALBUM_PERSONAL ? ALB_EDIT_OWN : ALB_EDIT_GALLERY, err);
    if (code != ALB_OK)
        return code;
    code = on ? alb_catalog_album_link(x->tx, album, core->id, x->v.user_id, &changed, err)
              : alb_catalog_album_unlink(x->tx, album, core->id, &changed, err);
    return code == ALB_OK && changed ? undo(x, ALB_UNDO_ALBUM_LINK, !on, on, album, err) : code;
}

static enum alb_code act(struct alb_bulk_step *x, const struct alb_asset_core *core, enum alb_edit right,
                         struct alb_err *err)
{
    switch ((enum alb_bulk_action)x->op->action) {
    case ALB_BULK_TRASH:
        return trash(x, core, right, err);
    case ALB_BULK_RESTORE:
        return restore(x, core, right, err);
    case ALB_BULK_PURGE:
        return purge(x, core, right, err);
    case ALB_BULK_VISIBILITY:
        return set_visibility(x, core, right, err);
    case ALB_BULK_FAVORITE:
        return set_favorite(x, core, err);
    case ALB_BULK_LEVEL:
        return set_level(x, core, right, err);
    case ALB_BULK_ALBUM_ADD:
        return set_link(x, core, right, true, err);
    case ALB_BULK_ALBUM_REMOVE:
        return set_link(x, core, right, false, err);
    case ALB_BULK_UNDO:
    default:
        return alb_fail(err, ALB_E_INVALID, "no such action");
    }
}

/* ---- undo ---- */

static enum alb_code undo_link(struct alb_bulk_step *x, const struct alb_undo *u, struct alb_err *err)
{
    bool changed;

    return u->before != 0
               ? alb_catalog_album_link(x->tx, u->other_id, u->asset_id, x->v.user_id, &changed, err)
               : alb_catalog_album_unlink(x->tx, u->other_id, u->asset_id, &changed, err);
}

/* What the field holds now; links and favourites are sets and cannot conflict. */
static int64_t field_now(const struct alb_asset_core *core, const struct alb_undo *u)
{
    switch (u->field) {
    case ALB_UNDO_TRASHED_AT:
        return core->trashed_at;
    case ALB_UNDO_VISIBILITY:
        return core->visibility;
    case ALB_UNDO_LEVEL:
        return core->level;
    case ALB_UNDO_GALLERY:
        return core->gallery;
    case ALB_UNDO_FAVORITE:
    case ALB_UNDO_ALBUM_LINK:
    default:
        return u->after;
    }
}

static enum alb_code put_back(struct alb_bulk_step *x, const struct alb_asset_core *core,
                              const struct alb_undo *u, struct alb_err *err)
{
    bool changed;

    switch (u->field) {
    case ALB_UNDO_TRASHED_AT:
        return alb_catalog_asset_set_trashed(x->tx, core->id, u->before, err);
    case ALB_UNDO_VISIBILITY:
        return alb_catalog_asset_set_visibility(x->tx, core->id, (enum alb_visibility)u->before, err);
    case ALB_UNDO_LEVEL:
        return alb_catalog_asset_set_level(x->tx, core->id, (int)u->before, err);
    case ALB_UNDO_GALLERY:
        return alb_catalog_asset_set_places(x->tx, core->id, u->before != 0, core->personal, err);
    case ALB_UNDO_FAVORITE:
        return alb_catalog_favorite_set(x->tx, u->other_id, core->id, u->before != 0, &changed, err);
    case ALB_UNDO_ALBUM_LINK:
    default:
        return undo_link(x, u, err);
    }
}

/* An undo is an edit of today: what the user may not do any more is not undone either. Two things are asked
 * differently than when they were done: an administrator does not see what the operation took out of the
 * gallery, and a link was there before, so that the album alone decides. */
static enum alb_code may_undo(struct alb_bulk_step *x, const struct alb_asset_core *core,
                              const struct alb_undo *u, struct alb_err *err)
{
    struct alb_snap *s = alb_tx_snap(x->tx);
    struct alb_album_access access = {0};
    enum alb_edit right;
    bool may = false;
    enum alb_code code = alb_edit_right(s, &x->v, core, &right, err);

    if (code != ALB_OK)
        return code;
    switch (u->field) {
    case ALB_UNDO_TRASHED_AT:
        may = right == ALB_EDIT_OWN || (x->v.admin && core->gallery);
        break;
    case ALB_UNDO_VISIBILITY:
        may = right == ALB_EDIT_OWN;
        break;
    case ALB_UNDO_LEVEL:
        may = right >= ALB_EDIT_GALLERY;
        break;
    case ALB_UNDO_GALLERY:
        may = right == ALB_EDIT_OWN || x->v.admin;
        break;
    case ALB_UNDO_FAVORITE:
        code = alb_catalog_see(s, &x->v, core->id, &may, err);
        may = (may || u->before == 0) && u->other_id == x->v.user_id;
        break;
    case ALB_UNDO_ALBUM_LINK:
    default:
        code = alb_catalog_album_access(s, &x->v, u->other_id, &access, err);
        may = access.edits;
        break;
    }
    return code == ALB_OK && !may ? alb_fail(err, ALB_E_FORBIDDEN, "not the user's to change any more")
                                  : code;
}

/* The last change is undone first. */
static enum alb_code undo_item(struct alb_bulk_step *x, struct alb_err *err)
{
    struct alb_asset_core core;
    struct alb_undo u;
    enum alb_code code =
        alb_catalog_undo_get(alb_tx_snap(x->tx), x->op->value, x->op->total - 1 - x->item, &u, err);

    if (code == ALB_OK)
        code = alb_catalog_asset_core(alb_tx_snap(x->tx), u.asset_id, &core, err);
    if (code != ALB_OK)
        return code;
    if (field_now(&core, &u) != u.after)
        return alb_fail(err, ALB_E_CONFLICT, "asset %lld was changed since", (long long)core.id);
    x->asset = core.id;
    code = may_undo(x, &core, &u, err);
    return code == ALB_OK ? put_back(x, &core, &u, err) : code;
}

enum alb_code alb_bulk_apply(struct alb_tx *tx, void *step, struct alb_err *err)
{
    struct alb_bulk_step *x = step;
    struct alb_asset_core core;
    enum alb_edit right;
    enum alb_code code;

    if (x->op->action == ALB_BULK_UNDO)
        return undo_item(x, err);
    if (x->asset == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such asset");
    code = alb_catalog_asset_core(alb_tx_snap(tx), x->asset, &core, err);
    if (code == ALB_OK)
        code = alb_edit_right(alb_tx_snap(tx), &x->v, &core, &right, err);
    return code == ALB_OK ? act(x, &core, right, err) : code;
}
