/* SPDX-License-Identifier: Apache-2.0
 *
 * Albums, groups, shares and tags for the doors: rights first, then the command (contract: library/album.h).
 */
#include "library/album.h"

#include <string.h>

#include "base/mem.h"
#include "catalog/asset.h"
#include "library/lane.h"

/* ---- albums ---- */

struct album_args {
    struct alb_album_new album;
    struct alb_str name;
    int64_t id, other;
    int is_private, locked, role;
    bool on;
};

static enum alb_code write_album(struct alb_library *lib, const struct alb_principal *p,
                                 const struct album_args *what, const char *name, alb_catalog_unit_fn *run,
                                 struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, p, ALB_CALL_LARGE, sizeof(*what));

    *future = NULL;
    if (c != NULL) {
        struct album_args *args = c->args;

        *args = *what;
        args->name = alb_call_str(c, what->name);
        args->album.name = alb_call_str(c, what->album.name);
        args->album.description = alb_call_str(c, what->album.description);
    }
    return alb_call_write(&c, name, run, future, err);
}

static enum alb_code need_admin(struct alb_tx *tx, struct alb_call *c, struct alb_viewer *v,
                                struct alb_err *err)
{
    enum alb_code code = alb_viewer_user(c->lib, alb_tx_snap(tx), c->principal, v, err);

    if (code == ALB_OK && !v->admin && !v->all)
        return alb_fail(err, ALB_E_FORBIDDEN, "administrators only");
    return code;
}

/* Everything but links: administrators in the gallery, the owner of a personal album. */
static enum alb_code need_own(struct alb_tx *tx, struct alb_call *c, int64_t album, struct alb_viewer *v,
                              struct alb_err *err)
{
    struct alb_album_access access;
    enum alb_code code = alb_viewer_user(c->lib, alb_tx_snap(tx), c->principal, v, err);

    if (code == ALB_OK)
        code = alb_catalog_album_access(alb_tx_snap(tx), v, album, &access, err);
    if (code != ALB_OK)
        return code;
    if (!access.sees)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such album");
    return access.owns ? ALB_OK : alb_fail(err, ALB_E_FORBIDDEN, "the album is somebody else's");
}

static enum alb_code album_new_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                    struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    const struct album_args *args = c->args;
    struct alb_viewer v;
    struct alb_uuid uuid;
    int64_t id;
    enum alb_code code;

    if (args->album.kind == ALB_ALBUM_GALLERY)
        code = need_admin(tx, c, &v, err);
    else
        code = alb_viewer_user(c->lib, alb_tx_snap(tx), c->principal, &v, err);
    if (code == ALB_OK)
        code = alb_catalog_album_insert(tx, &args->album, v.user_id, v.user_id, &id, &uuid, err);
    return code == ALB_OK ? alb_done_give(result, id, 1, &uuid, err) : code;
}

enum alb_code alb_library_album_new(struct alb_library *lib, const struct alb_principal *p,
                                    const struct alb_album_new *album, struct alb_future **future,
                                    struct alb_err *err)
{
    struct album_args what = {.album = *album};

    return write_album(lib, p, &what, "album-new", album_new_unit, future, err);
}

static enum alb_code privacy_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                  struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    const struct album_args *args = c->args;
    struct alb_viewer v;
    enum alb_code code = need_own(tx, c, args->id, &v, err);

    if (code == ALB_OK && args->is_private >= 0)
        code = alb_catalog_album_set_private(tx, args->id, args->is_private > 0, err);
    if (code == ALB_OK && args->locked >= 0)
        code = alb_catalog_album_set_locked(tx, args->id, args->locked > 0, err);
    return code == ALB_OK ? alb_done_give(result, args->id, 1, NULL, err) : code;
}

enum alb_code alb_library_album_privacy(struct alb_library *lib, const struct alb_principal *p, int64_t album,
                                        int is_private, int locked, struct alb_future **future,
                                        struct alb_err *err)
{
    struct album_args what = {.id = album, .is_private = is_private, .locked = locked};

    return write_album(lib, p, &what, "album-privacy", privacy_unit, future, err);
}

static enum alb_code grant_user_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                     struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    const struct album_args *args = c->args;
    struct alb_viewer v, to;
    enum alb_code code = need_own(tx, c, args->id, &v, err);

    if (code == ALB_OK && args->role >= 0) {
        code = alb_catalog_viewer(alb_tx_snap(tx), ALB_VIEWER_USER, args->other, alb_tx_now(tx), &to, NULL);
        if (code == ALB_E_UNAUTHENTICATED)
            code = alb_fail(err, ALB_E_NOT_FOUND, "no user %lld", (long long)args->other);
    }
    if (code == ALB_OK)
        code = alb_catalog_album_grant_user(tx, args->id, args->other, args->role, err);
    return code == ALB_OK ? alb_done_give(result, args->id, 1, NULL, err) : code;
}

enum alb_code alb_library_album_grant_user(struct alb_library *lib, const struct alb_principal *p,
                                           int64_t album, int64_t user, int role, struct alb_future **future,
                                           struct alb_err *err)
{
    struct album_args what = {.id = album, .other = user, .role = role};

    *future = NULL;
    if (role > ALB_ALBUM_EDITOR)
        return alb_fail(err, ALB_E_INVALID, "no such role");
    return write_album(lib, p, &what, "album-grant", grant_user_unit, future, err);
}

static enum alb_code grant_group_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                      struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    const struct album_args *args = c->args;
    struct alb_viewer v;
    enum alb_code code = need_own(tx, c, args->id, &v, err);

    if (code == ALB_OK)
        code = alb_catalog_album_grant_group(tx, args->id, args->other, args->on, err);
    return code == ALB_OK ? alb_done_give(result, args->id, 1, NULL, err) : code;
}

enum alb_code alb_library_album_grant_group(struct alb_library *lib, const struct alb_principal *p,
                                            int64_t album, int64_t group, bool grant,
                                            struct alb_future **future, struct alb_err *err)
{
    struct album_args what = {.id = album, .other = group, .on = grant};

    return write_album(lib, p, &what, "album-grant", grant_group_unit, future, err);
}

static enum alb_code delete_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                 struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    const struct album_args *args = c->args;
    struct alb_viewer v;
    bool ended = false;
    enum alb_code code = need_own(tx, c, args->id, &v, err);

    if (code == ALB_OK)
        code = alb_catalog_album_delete(tx, args->id, &ended, err);
    if (code == ALB_OK && !ended) {
        alb_tx_again(tx);
        return ALB_OK;
    }
    return code == ALB_OK ? alb_done_give(result, args->id, 1, NULL, err) : code;
}

enum alb_code alb_library_album_delete(struct alb_library *lib, const struct alb_principal *p, int64_t album,
                                       struct alb_future **future, struct alb_err *err)
{
    struct album_args what = {.id = album};

    return write_album(lib, p, &what, "album-delete", delete_unit, future, err);
}

/* ---- groups ---- */

static enum alb_code group_new_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                    struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    const struct album_args *args = c->args;
    struct alb_viewer v;
    struct alb_uuid uuid;
    int64_t id;
    enum alb_code code = need_admin(tx, c, &v, err);

    if (code == ALB_OK)
        code = alb_catalog_group_insert(tx, args->name, &id, &uuid, err);
    return code == ALB_OK ? alb_done_give(result, id, 1, &uuid, err) : code;
}

enum alb_code alb_library_group_new(struct alb_library *lib, const struct alb_principal *p,
                                    struct alb_str name, struct alb_future **future, struct alb_err *err)
{
    struct album_args what = {.name = name};

    return write_album(lib, p, &what, "group-new", group_new_unit, future, err);
}

static enum alb_code group_member_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                       struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    const struct album_args *args = c->args;
    struct alb_viewer v;
    enum alb_code code = need_admin(tx, c, &v, err);

    if (code == ALB_OK)
        code = alb_catalog_group_member(tx, args->id, args->other, args->on, err);
    return code == ALB_OK ? alb_done_give(result, args->id, 1, NULL, err) : code;
}

enum alb_code alb_library_group_member(struct alb_library *lib, const struct alb_principal *p, int64_t group,
                                       int64_t user, bool member, struct alb_future **future,
                                       struct alb_err *err)
{
    struct album_args what = {.id = group, .other = user, .on = member};

    return write_album(lib, p, &what, "group-member", group_member_unit, future, err);
}

/* ---- shares ---- */

struct share_args {
    struct alb_share_row row;
    const struct alb_uuid *assets;
    size_t asset_count;
    int64_t id;
    char token[ALB_TOKEN_TEXT_MAX];
    unsigned char hash[ALB_SHA256_LEN];
};

static void share_made_release(struct alb_obj *obj)
{
    struct alb_share_made *s = ALB_CONTAINER_OF(obj, struct alb_share_made, obj);

    alb_wipe(s->token, sizeof(s->token));
    alb_mem_free(s);
}

/* An album that one owns; or a set of one's own assets. */
static enum alb_code share_steps(struct alb_tx *tx, struct alb_call *c, struct alb_share_made *out,
                                 struct alb_err *err)
{
    const struct share_args *args = c->args;
    struct alb_share_row row = args->row;
    struct alb_viewer v;
    enum alb_code code;

    if (row.album_id != 0)
        code = need_own(tx, c, row.album_id, &v, err);
    else
        code = alb_viewer_user(c->lib, alb_tx_snap(tx), c->principal, &v, err);
    row.user_id = v.user_id;
    if (code == ALB_OK)
        code = alb_catalog_share_insert(tx, &row, args->hash, &out->id, &out->uuid, err);
    for (size_t i = 0; code == ALB_OK && i < args->asset_count; i++) {
        struct alb_asset_core core;
        int64_t asset;

        code = alb_catalog_asset_id(alb_tx_snap(tx), &args->assets[i], &asset, err);
        if (code == ALB_OK)
            code = alb_catalog_asset_core(alb_tx_snap(tx), asset, &core, err);
        if (code == ALB_OK && core.owner_id != v.user_id)
            code = alb_fail(err, ALB_E_NOT_FOUND, "no such asset");
        if (code == ALB_OK)
            code = alb_catalog_share_add(tx, out->id, asset, err);
    }
    memcpy(out->token, args->token, sizeof(out->token));
    return code;
}

static enum alb_code share_new_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                    struct alb_err *err)
{
    struct alb_share_made *out = alb_mem_calloc(1, sizeof(*out));
    enum alb_code code;

    if (out == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a share");
    alb_obj_init(&out->obj, share_made_release);
    code = share_steps(tx, alb_call_of(obj), out, err);
    if (code == ALB_OK)
        *result = &out->obj;
    else
        alb_obj_unref(&out->obj);
    return code;
}

enum alb_code alb_library_share_new(struct alb_library *lib, const struct alb_principal *p,
                                    const struct alb_share_new *share, struct alb_future **future,
                                    struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, p, ALB_CALL_LARGE, sizeof(struct share_args));

    *future = NULL;
    if (c != NULL) {
        struct share_args *args = c->args;

        args->row = (struct alb_share_row){
            .album_id = share->album,
            .description = alb_call_str(c, share->description),
            .expires_at = share->expires_at,
            .may_download = share->may_download,
            .may_upload = share->may_upload,
        };
        args->assets = alb_call_copy(c, share->assets, share->asset_count, sizeof(*share->assets));
        args->asset_count = share->asset_count;
        alb_token_new("", args->token, args->hash);
    }
    return alb_call_write(&c, "share-new", share_new_unit, future, err);
}

static enum alb_code share_end_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                    struct alb_err *err)
{
    struct alb_call *c = alb_call_of(obj);
    const struct share_args *args = c->args;
    struct alb_viewer v;
    enum alb_code code = alb_viewer_user(c->lib, alb_tx_snap(tx), c->principal, &v, err);

    if (code == ALB_OK)
        code = alb_catalog_share_end(tx, v.user_id, args->id, err);
    return code == ALB_OK ? alb_done_give(result, args->id, 1, NULL, err) : code;
}

enum alb_code alb_library_share_end(struct alb_library *lib, const struct alb_principal *p, int64_t share,
                                    struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, p, ALB_CALL_SMALL, sizeof(struct share_args));

    *future = NULL;
    if (c != NULL)
        ((struct share_args *)c->args)->id = share;
    return alb_call_write(&c, "share-end", share_end_unit, future, err);
}

/* ---- reading ---- */

enum alb_code alb_library_album_list(struct alb_library *lib, const struct alb_principal *p,
                                     enum alb_album_kind kind, struct alb_arena *a, struct alb_album **list,
                                     size_t *count, struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    enum alb_code code = alb_view_open(lib, p, false, &s, &v, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_album_list(s, &v, kind, a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_album_get(struct alb_library *lib, const struct alb_principal *p,
                                    const struct alb_uuid *id, struct alb_arena *a, struct alb_album *out,
                                    struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    struct alb_album_access access = {0};
    int64_t album;
    enum alb_code code = alb_view_open(lib, p, false, &s, &v, err);

    memset(out, 0, sizeof(*out));
    if (code != ALB_OK)
        return code;
    code = alb_catalog_album_id(s, id, &album, err);
    if (code == ALB_OK)
        code = alb_catalog_album_access(s, &v, album, &access, err);
    if (code == ALB_OK && !access.sees)
        code = alb_fail(err, ALB_E_NOT_FOUND, "no such album");
    if (code == ALB_OK)
        code = alb_catalog_album_get(s, album, v.level, a, out, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_tag_list(struct alb_library *lib, const struct alb_principal *p,
                                   struct alb_arena *a, struct alb_tag **list, size_t *count,
                                   struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    enum alb_code code = alb_view_open(lib, p, true, &s, &v, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_tag_list(s, v.user_id, a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}
