/* SPDX-License-Identifier: Apache-2.0
 *
 * Rights (contract and rules: catalog/rights.h). Every function reads one snapshot; nothing is kept.
 */
#include "catalog/rights.h"

#include <string.h>

#include "catalog/sqlite/engine.h"
#include "catalog/sqlite/rights_sql.h"

/* ---- viewers ---- */

static const char *viewer_query(enum alb_viewer_by by)
{
    /* user, role, level, elevated_until, share */
    switch (by) {
    case ALB_VIEWER_SESSION:
        return "SELECT u.id, u.role, u.level, c.elevated_until, 0 FROM session c"
               " JOIN account u ON u.id = c.account_id WHERE c.id = ?1 AND c.expires_at > ?2"
               " AND u.deleted_at IS NULL";
    case ALB_VIEWER_KEY:
        return "SELECT u.id, u.role, u.level, 0, 0 FROM api_key c JOIN account u ON u.id = c.account_id"
               " WHERE c.id = ?1 AND (c.expires_at IS NULL OR c.expires_at > ?2) AND c.revoked_at IS NULL"
               " AND u.deleted_at IS NULL";
    case ALB_VIEWER_SHARE:
        return "SELECT u.id, u.role, u.level, 0, c.id FROM share c JOIN account u ON u.id = c.account_id"
               " WHERE c.id = ?1 AND (c.expires_at IS NULL OR c.expires_at > ?2) AND c.ended_at IS NULL"
               " AND u.deleted_at IS NULL";
    case ALB_VIEWER_USER:
    default:
        return "SELECT u.id, u.role, u.level, 0, 0 FROM account u WHERE u.id = ?1 AND ?2 IS NOT NULL"
               " AND u.deleted_at IS NULL";
    }
}

enum alb_code alb_catalog_viewer(struct alb_snap *s, enum alb_viewer_by by, int64_t id, int64_t now_ms,
                                 struct alb_viewer *out, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s, viewer_query(by));
    alb_q_i64(&q, id);
    alb_q_i64(&q, now_ms);
    if (alb_q_first(&q)) {
        out->user_id = alb_q_int(&q, 0);
        out->admin = alb_q_int(&q, 1) == ALB_ROLE_ADMIN;
        out->guest = alb_q_int(&q, 1) == ALB_ROLE_GUEST;
        out->level = (int)alb_q_int(&q, 2);
        out->elevated = alb_q_int(&q, 3) > now_ms;
        out->share_id = alb_q_int(&q, 4);
    }
    code = alb_q_end(&q, err);
    if (code == ALB_OK && out->user_id == 0)
        return alb_fail(err, ALB_E_UNAUTHENTICATED, "the credential has ended");
    return code;
}

/* ---- assets ---- */

struct subject {
    int64_t id, owner_id;
    int visibility, level;
    bool gallery, trashed;
};

static enum alb_code load_subject(struct alb_snap *s, int64_t id, struct subject *a, struct alb_err *err)
{
    struct alb_q q;

    memset(a, 0, sizeof(*a));
    alb_q_open(&q, s, "SELECT id, owner_id, visibility, level, gallery, trashed FROM asset WHERE id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q)) {
        a->id = alb_q_int(&q, 0);
        a->owner_id = alb_q_int(&q, 1);
        a->visibility = (int)alb_q_int(&q, 2);
        a->level = (int)alb_q_int(&q, 3);
        a->gallery = alb_q_int(&q, 4) != 0;
        a->trashed = alb_q_int(&q, 5) != 0;
    }
    return alb_q_end(&q, err);
}

/* Does the query (?1 viewer, ?2 administrator, ?3 asset) have a row? */
static enum alb_code any(struct alb_snap *s, const char *sql, const struct alb_viewer *v, int64_t asset,
                         bool *yes, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, s, sql);
    alb_q_i64(&q, v->user_id);
    alb_q_i64(&q, v->admin);
    alb_q_i64(&q, asset);
    *yes = alb_q_first(&q);
    return alb_q_end(&q, err);
}

static enum alb_code through_gallery(struct alb_snap *s, const struct alb_viewer *v, const struct subject *a,
                                     bool *sees, struct alb_err *err)
{
    bool linked;
    enum alb_code code;

    *sees = false;
    if (!a->gallery || a->level > v->level)
        return ALB_OK;
    code = any(
        s,
        "SELECT 1 FROM album_asset l JOIN album b ON b.id = l.album_id WHERE l.asset_id = ?3 AND b.kind = 0"
        " AND " ALB_SQL_GALLERY_VISIBLE("b.id") " LIMIT 1",
        v, a->id, sees, err);
    if (code != ALB_OK || *sees || !v->admin)
        return code;
    code = any(s,
               "SELECT ?1, ?2 FROM album_asset l JOIN album b ON b.id = l.album_id WHERE l.asset_id = ?3"
               " AND b.kind = 0 LIMIT 1",
               v, a->id, &linked, err);
    *sees = code == ALB_OK && !linked;
    return code;
}

static enum alb_code through_shared_album(struct alb_snap *s, const struct alb_viewer *v,
                                          const struct subject *a, bool *sees, struct alb_err *err)
{
    *sees = false;
    if (v->guest)
        return ALB_OK;
    return any(
        s,
        "SELECT ?2 FROM album_asset l JOIN album b ON b.id = l.album_id WHERE l.asset_id = ?3 AND b.kind = 1"
        " AND " ALB_SQL_PERSONAL_VISIBLE("b") " LIMIT 1",
        v, a->id, sees, err);
}

/* What others than the owner see of an asset that is shown. */
static enum alb_code as_other(struct alb_snap *s, const struct alb_viewer *v, const struct subject *a,
                              bool *sees, struct alb_err *err)
{
    enum alb_code code;

    *sees = false;
    if (a->trashed || (a->visibility != ALB_VIS_TIMELINE && a->visibility != ALB_VIS_ARCHIVE))
        return ALB_OK;
    code = through_gallery(s, v, a, sees, err);
    if (code == ALB_OK && !*sees)
        code = through_shared_album(s, v, a, sees, err);
    return code;
}

enum alb_code alb_catalog_locked(struct alb_snap *s, int64_t asset_id, bool *locked, struct alb_err *err)
{
    struct alb_q q;

    *locked = false;
    alb_q_open(&q, s,
               "SELECT a.visibility = 3 OR (a.visibility = 2 AND " ALB_SQL_STILL_LOCKED(
                   "a") ")"
                        " FROM asset a WHERE a.id = ?");
    alb_q_i64(&q, asset_id);
    if (alb_q_first(&q))
        *locked = alb_q_int(&q, 0) != 0;
    return alb_q_end(&q, err);
}

static enum alb_code as_user(struct alb_snap *s, const struct alb_viewer *v, const struct subject *a,
                             bool *sees, struct alb_err *err)
{
    bool locked = false;
    enum alb_code code = ALB_OK;

    *sees = false;
    if (v->guest || a->owner_id != v->user_id)
        return as_other(s, v, a, sees, err);
    if (!v->elevated)
        code = alb_catalog_locked(s, a->id, &locked, err);
    *sees = code == ALB_OK && !locked;
    return code;
}

static enum alb_code in_share(struct alb_snap *s, const struct alb_viewer *v, const struct subject *a,
                              bool *in, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(
        &q, s,
        "SELECT 1 FROM share c WHERE c.id = ?1 AND CASE WHEN c.album_id IS NULL"
        " THEN EXISTS (SELECT 1 FROM share_asset l WHERE l.share_id = c.id AND l.asset_id = ?2)"
        " ELSE EXISTS (SELECT 1 FROM album_asset l WHERE l.album_id = c.album_id AND l.asset_id = ?2) END");
    alb_q_i64(&q, v->share_id);
    alb_q_i64(&q, a->id);
    *in = alb_q_first(&q);
    return alb_q_end(&q, err);
}

/* A share gives away what its maker sees, as far as lists show it. */
static enum alb_code as_share(struct alb_snap *s, const struct alb_viewer *v, const struct subject *a,
                              bool *sees, struct alb_err *err)
{
    struct alb_viewer maker = *v;
    bool in;
    enum alb_code code;

    *sees = false;
    if (a->trashed || (a->visibility != ALB_VIS_TIMELINE && a->visibility != ALB_VIS_ARCHIVE))
        return ALB_OK;
    code = in_share(s, v, a, &in, err);
    if (code != ALB_OK || !in)
        return code;
    maker.share_id = 0;
    maker.elevated = false;
    return as_user(s, &maker, a, sees, err);
}

static enum alb_code see_one(struct alb_snap *s, const struct alb_viewer *v, const struct subject *a,
                             bool *sees, struct alb_err *err)
{
    return v->share_id != 0 ? as_share(s, v, a, sees, err) : as_user(s, v, a, sees, err);
}

/* A motion part goes with its stills. Their number is small; each is asked on its own. */
static enum alb_code through_still(struct alb_snap *s, const struct alb_viewer *v, int64_t motion, bool *sees,
                                   struct alb_err *err)
{
    int64_t after = 0;

    *sees = false;
    for (;;) {
        struct subject still;
        struct alb_q q;
        int64_t id = 0;
        enum alb_code code;

        alb_q_open(&q, s, "SELECT id FROM asset WHERE live_id = ? AND id > ? ORDER BY id LIMIT 1");
        alb_q_i64(&q, motion);
        alb_q_i64(&q, after);
        if (alb_q_first(&q))
            id = alb_q_int(&q, 0);
        code = alb_q_end(&q, err);
        if (code != ALB_OK || id == 0)
            return code;
        code = load_subject(s, id, &still, err);
        if (code == ALB_OK && still.visibility != ALB_VIS_HIDDEN)
            code = see_one(s, v, &still, sees, err);
        if (code != ALB_OK || *sees)
            return code;
        after = id;
    }
}

enum alb_code alb_catalog_see(struct alb_snap *s, const struct alb_viewer *v, int64_t asset_id, bool *sees,
                              struct alb_err *err)
{
    struct subject a;
    enum alb_code code;

    *sees = false;
    if (v->user_id == 0 && !v->all)
        return ALB_OK;
    code = load_subject(s, asset_id, &a, err);
    if (code != ALB_OK || a.id == 0)
        return code;
    if (v->all) {
        *sees = true;
        return ALB_OK;
    }
    code = see_one(s, v, &a, sees, err);
    if (code == ALB_OK && !*sees && a.visibility == ALB_VIS_HIDDEN && !a.trashed)
        code = through_still(s, v, asset_id, sees, err);
    return code;
}

/* ---- albums ---- */

static enum alb_code gallery_visible(struct alb_snap *s, const struct alb_viewer *v, int64_t album,
                                     bool *visible, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, s, "SELECT 1 FROM album b WHERE b.id = ?3 AND " ALB_SQL_GALLERY_VISIBLE("b.id"));
    alb_q_i64(&q, v->user_id);
    alb_q_i64(&q, v->admin);
    alb_q_i64(&q, album);
    *visible = alb_q_first(&q);
    return alb_q_end(&q, err);
}

static enum alb_code share_shows(struct alb_snap *s, const struct alb_viewer *v, int64_t album, bool *shows,
                                 struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, s, "SELECT 1 FROM share WHERE id = ? AND album_id = ?");
    alb_q_i64(&q, v->share_id);
    alb_q_i64(&q, album);
    *shows = alb_q_first(&q);
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_album_access(struct alb_snap *s, const struct alb_viewer *v, int64_t album_id,
                                       struct alb_album_access *out, struct alb_err *err)
{
    bool found = false, shows = true;
    int64_t owner = 0, role = -1;
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s,
               "SELECT b.kind, b.owner_id, g.role FROM album b LEFT JOIN album_account g ON g.album_id = b.id"
               " AND g.account_id = ?2 WHERE b.id = ?1");
    alb_q_i64(&q, album_id);
    alb_q_i64(&q, v->user_id);
    if (alb_q_first(&q)) {
        found = true;
        out->kind = (int)alb_q_int(&q, 0);
        owner = alb_q_int(&q, 1);
        role = alb_q_int_or(&q, 2, -1);
    }
    code = alb_q_end(&q, err);
    if (code != ALB_OK || !found)
        return code;
    if (v->all) {
        out->sees = out->edits = out->owns = true;
        return ALB_OK;
    }
    if (v->user_id == 0)
        return ALB_OK;
    if (v->share_id != 0)
        code = share_shows(s, v, album_id, &shows, err);
    if (code != ALB_OK || !shows)
        return code;
    if (out->kind == ALB_ALBUM_GALLERY) {
        code = gallery_visible(s, v, album_id, &out->sees, err);
        out->edits = out->owns = out->sees && v->admin;
    } else if (!v->guest) {
        out->owns = owner == v->user_id;
        out->sees = out->owns || role >= 0;
        out->edits = out->owns || role == ALB_ALBUM_EDITOR;
    }
    if (v->share_id != 0)
        out->edits = out->owns = false;
    return code;
}
