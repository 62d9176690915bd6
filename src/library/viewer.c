/* SPDX-License-Identifier: Apache-2.0
 *
 * From a principal to who it is in one snapshot, and what it may change (contract: priv.h).
 */
#include <string.h>

#include "catalog/asset.h"
#include "library/asset.h"
#include "library/priv.h"

enum alb_code alb_viewer_guest(struct alb_library *lib, struct alb_snap *s, struct alb_viewer *v,
                               struct alb_err *err)
{
    memset(v, 0, sizeof(*v));
    if (!lib->config.guests)
        return ALB_OK; /* nobody */
    return alb_catalog_viewer(s, ALB_VIEWER_USER, ALB_USER_GUEST, alb_wall(lib->clock), v, err);
}

enum alb_code alb_viewer_of(struct alb_library *lib, struct alb_snap *s, const struct alb_principal *p,
                            struct alb_viewer *v, struct alb_err *err)
{
    int64_t now = alb_wall(lib->clock);
    enum alb_code code;

    memset(v, 0, sizeof(*v));
    if (p == NULL) {
        v->all = true;
        return ALB_OK;
    }
    if (p->expires_ms <= now)
        return alb_fail(err, ALB_E_UNAUTHENTICATED, "the credential has expired");
    switch (p->credential) {
    case ALB_CRED_SESSION:
        return alb_catalog_viewer(s, ALB_VIEWER_SESSION, p->credential_id, now, v, err);
    case ALB_CRED_KEY:
        return alb_catalog_viewer(s, ALB_VIEWER_KEY, p->credential_id, now, v, err);
    case ALB_CRED_SHARE:
        return alb_catalog_viewer(s, ALB_VIEWER_SHARE, p->credential_id, now, v, err);
    case ALB_CRED_SIGNED:
        return alb_catalog_viewer(s, ALB_VIEWER_USER, p->user_id, now, v, err);
    case ALB_CRED_LOCAL:
        code = alb_catalog_viewer(s, ALB_VIEWER_USER, p->user_id, now, v, err);
        v->all = code == ALB_OK;
        return code;
    case ALB_CRED_GUEST:
    default:
        return alb_viewer_guest(lib, s, v, err);
    }
}

enum alb_code alb_viewer_user(struct alb_library *lib, struct alb_snap *s, const struct alb_principal *p,
                              struct alb_viewer *v, struct alb_err *err)
{
    enum alb_code code = alb_viewer_of(lib, s, p, v, err);

    if (code == ALB_OK && (p == NULL || v->user_id == 0 || v->guest || v->share_id != 0))
        return alb_fail(err, ALB_E_UNAUTHENTICATED, "sign in first");
    return code;
}

enum alb_code alb_view_open(struct alb_library *lib, const struct alb_principal *p, bool user,
                            struct alb_snap **s, struct alb_viewer *v, struct alb_err *err)
{
    enum alb_code code = alb_catalog_read(lib->cat, s, err);

    if (code != ALB_OK)
        return code;
    code = user ? alb_viewer_user(lib, *s, p, v, err) : alb_viewer_of(lib, *s, p, v, err);
    if (code != ALB_OK)
        alb_catalog_read_end(s);
    return code;
}

enum alb_code alb_edit_right(struct alb_snap *s, const struct alb_viewer *v,
                             const struct alb_asset_core *core, enum alb_edit *right, struct alb_err *err)
{
    bool sees, locked;
    enum alb_code code;

    *right = ALB_EDIT_NONE;
    if (v->all) {
        *right = ALB_EDIT_OWN;
        return ALB_OK;
    }
    if (v->user_id == 0 || v->guest || v->share_id != 0)
        return ALB_OK;
    if (core->owner_id == v->user_id) {
        code = alb_catalog_locked(s, core->id, &locked, err);
        if (code == ALB_OK && (v->elevated || !locked))
            *right = ALB_EDIT_OWN;
        return code;
    }
    if (!v->admin || !core->gallery)
        return ALB_OK;
    code = alb_catalog_see(s, v, core->id, &sees, err);
    if (code == ALB_OK && sees)
        *right = ALB_EDIT_GALLERY;
    return code;
}

static enum alb_code may(struct alb_library *lib, struct alb_snap *s, const struct alb_principal *p,
                         int64_t asset_id, enum alb_right right, bool *yes)
{
    struct alb_viewer v;
    struct alb_asset_core core;
    enum alb_edit edit;
    enum alb_code code = alb_viewer_of(lib, s, p, &v, NULL);

    *yes = false;
    if (code != ALB_OK)
        return code;
    if (right == ALB_RIGHT_SEE)
        return alb_catalog_see(s, &v, asset_id, yes, NULL);
    code = alb_catalog_asset_core(s, asset_id, &core, NULL);
    if (code == ALB_OK)
        code = alb_edit_right(s, &v, &core, &edit, NULL);
    if (code != ALB_OK)
        return code;
    if (right == ALB_RIGHT_OWN || right == ALB_RIGHT_EDIT)
        *yes = edit == ALB_EDIT_OWN;
    else
        *yes = edit == ALB_EDIT_OWN || edit == ALB_EDIT_GALLERY;
    return ALB_OK;
}

bool alb_library_may(struct alb_library *lib, const struct alb_principal *p, int64_t asset_id,
                     enum alb_right right)
{
    struct alb_snap *s;
    bool yes = false;

    if (alb_catalog_read(lib->cat, &s, NULL) != ALB_OK)
        return false;
    if (may(lib, s, p, asset_id, right, &yes) != ALB_OK)
        yes = false; /* what cannot be known is no */
    alb_catalog_read_end(&s);
    return yes;
}
