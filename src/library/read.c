/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading assets, lists and feeds: each function is one snapshot, one viewer, one answer (contracts: asset.h,
 * timeline.h, search.h, change.h).
 */
#include <string.h>

#include "catalog/album.h"
#include "catalog/tag.h"
#include "library/asset.h"
#include "library/change.h"
#include "library/priv.h"
#include "library/search.h"
#include "library/timeline.h"

/* ---- one asset ---- */

/* user 0: nobody's favourites, and only the gallery's tags unless `all`. */
static enum alb_code read_asset(struct alb_snap *s, int64_t id, int64_t user, bool all, struct alb_arena *a,
                                struct alb_asset *out, struct alb_err *err)
{
    enum alb_code code = alb_catalog_asset_get(s, id, user, a, out, err);

    if (code == ALB_OK)
        code =
            alb_catalog_asset_tags(s, id, all || out->owner_id == user, a, &out->tags, &out->tag_count, err);
    if (code != ALB_OK)
        memset(out, 0, sizeof(*out));
    return code;
}

enum alb_code alb_library_asset_get(struct alb_library *lib, const struct alb_principal *p,
                                    const struct alb_uuid *id, struct alb_arena *a, struct alb_asset *out,
                                    struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    int64_t asset = 0;
    bool sees = false;
    enum alb_code code = alb_view_open(lib, p, false, &s, &v, err);

    memset(out, 0, sizeof(*out));
    if (code != ALB_OK)
        return code;
    code = alb_catalog_asset_id(s, id, &asset, err);
    if (code == ALB_OK)
        code = alb_catalog_see(s, &v, asset, &sees, err);
    if (code == ALB_OK && !sees)
        code = alb_fail(err, ALB_E_NOT_FOUND, "no such asset");
    if (code == ALB_OK) /* whoever looks through a share has no favourites of its own */
        code = read_asset(s, asset, v.share_id != 0 ? 0 : v.user_id, v.all, a, out, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_asset_by_id(struct alb_library *lib, int64_t id, struct alb_arena *a,
                                      struct alb_asset *out, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    memset(out, 0, sizeof(*out));
    if (code != ALB_OK)
        return code;
    code = read_asset(s, id, 0, true, a, out, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_layer_get(struct alb_library *lib, int64_t asset_id, enum alb_layer_id layer,
                                    struct alb_arena *a, struct alb_layer *out, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    memset(out, 0, sizeof(*out));
    if (code != ALB_OK)
        return code;
    code = alb_catalog_layer_get(s, asset_id, layer, a, out, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_check_sums(struct alb_library *lib, const struct alb_principal *p,
                                     const unsigned char (*sha1)[ALB_SHA1_LEN], size_t count,
                                     struct alb_arena *a, struct alb_sum_answer **answers,
                                     struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    enum alb_code code;

    *answers = NULL;
    if (count > ALB_SUMS_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "at most %d checksums at once", ALB_SUMS_MAX);
    *answers = alb_arena_calloc(a, count > 0 ? count : 1, sizeof(**answers));
    if (*answers == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for %zu answers", count);
    code = alb_view_open(lib, p, true, &s, &v, err);
    if (code != ALB_OK) {
        *answers = NULL;
        return code;
    }
    for (size_t i = 0; code == ALB_OK && i < count; i++) {
        struct alb_sum_answer *x = &(*answers)[i];

        code = alb_catalog_asset_by_sha1(s, v.user_id, sha1[i], &x->asset_id, &x->uuid, &x->trashed, err);
        if (code == ALB_OK && x->asset_id != 0)
            code = alb_catalog_asset_original_bad(s, x->asset_id, &x->bad, err);
    }
    alb_catalog_read_end(&s);
    if (code != ALB_OK)
        *answers = NULL;
    return code;
}

/* ---- timeline ---- */

struct alb_timeline alb_timeline_default(void)
{
    return (struct alb_timeline){.visibility = ALB_VIS_BIT(ALB_VIS_TIMELINE)};
}

/* Who looks at an album through a share is nobody's owner and has no favourites. */
static void as_stranger(struct alb_viewer *v)
{
    v->user_id = -1;
    v->elevated = false;
}

static enum alb_code scope_album(struct alb_snap *s, struct alb_viewer *v, const struct alb_timeline *t,
                                 struct alb_timeline_scope *scope, struct alb_err *err)
{
    struct alb_album_access access;
    enum alb_code code = alb_catalog_album_id(s, &t->album, &scope->album, err);

    if (code == ALB_OK)
        code = alb_catalog_album_access(s, v, scope->album, &access, err);
    if (code == ALB_OK && !access.sees)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such album");
    scope->album_kind = (enum alb_album_kind)access.kind;
    if (v->share_id != 0)
        as_stranger(v);
    return code;
}

/* The snapshot is open when this succeeds. */
static enum alb_code open_scope(struct alb_library *lib, const struct alb_principal *p,
                                const struct alb_timeline *t, struct alb_snap **s, struct alb_viewer *v,
                                struct alb_timeline_scope *scope, struct alb_err *err)
{
    enum alb_code code = alb_catalog_read(lib->cat, s, err);

    if (code != ALB_OK)
        return code;
    *scope = (struct alb_timeline_scope){.viewer = v,
                                         .trashed = t->trashed,
                                         .favorites = t->favorites,
                                         .with_stacked = t->with_stacked,
                                         .ascending = t->ascending};
    if (t->has_album) {
        code = alb_viewer_of(lib, *s, p, v, err);
        if (code == ALB_OK)
            code = scope_album(*s, v, t, scope, err);
    } else {
        code = alb_viewer_user(lib, *s, p, v, err);
    }
    if (code == ALB_OK && t->has_tag)
        code = alb_catalog_tag_id(*s, &t->tag, v->user_id, &scope->tag, err);
    scope->visibility = t->trashed ? ~0u : t->visibility;
    if (!v->elevated && !v->all)
        scope->visibility &= ~ALB_VIS_BIT(ALB_VIS_LOCKED);
    if (code != ALB_OK)
        alb_catalog_read_end(s);
    return code;
}

enum alb_code alb_library_buckets(struct alb_library *lib, const struct alb_principal *p,
                                  const struct alb_timeline *t, struct alb_arena *a, struct alb_bucket **list,
                                  size_t *count, struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    struct alb_timeline_scope scope;
    enum alb_code code;

    *list = NULL;
    *count = 0;
    code = open_scope(lib, p, t, &s, &v, &scope, err);
    if (code != ALB_OK)
        return code;
    code = alb_catalog_buckets(s, &scope, a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_bucket(struct alb_library *lib, const struct alb_principal *p,
                                 const struct alb_timeline *t, int32_t month, struct alb_arena *a,
                                 struct alb_columns *out, struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    struct alb_timeline_scope scope;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    code = open_scope(lib, p, t, &s, &v, &scope, err);
    if (code != ALB_OK)
        return code;
    code = alb_catalog_bucket(s, &scope, month, a, out, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_statistics(struct alb_library *lib, const struct alb_principal *p,
                                     uint32_t visibility, bool trashed, int favorites,
                                     struct alb_statistics *out, struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    enum alb_code code = alb_view_open(lib, p, true, &s, &v, err);

    memset(out, 0, sizeof(*out));
    if (code != ALB_OK)
        return code;
    if (visibility == 0)
        visibility = ALB_VIS_BIT(ALB_VIS_TIMELINE) | ALB_VIS_BIT(ALB_VIS_ARCHIVE);
    if (!v.elevated && !v.all)
        visibility &= ~ALB_VIS_BIT(ALB_VIS_LOCKED);
    code = alb_catalog_statistics(s, v.user_id, visibility, trashed, favorites, out, err);
    alb_catalog_read_end(&s);
    return code;
}

/* ---- search ---- */

struct alb_search alb_search_default(void)
{
    return (struct alb_search){
        .favorite = -1,
        .kind = -1,
        .in_album = -1,
        .rating = ALB_RATING_ANY,
        .min_rating = ALB_RATING_ANY,
        .has_live = -1,
        .damaged = -1,
        .taken_after = ALB_TIME_UNSET,
        .taken_before = ALB_TIME_UNSET,
        .created_after = ALB_TIME_UNSET,
        .created_before = ALB_TIME_UNSET,
        .updated_after = ALB_TIME_UNSET,
        .updated_before = ALB_TIME_UNSET,
        .trashed_after = ALB_TIME_UNSET,
        .trashed_before = ALB_TIME_UNSET,
    };
}

struct search_scope {
    struct alb_viewer v;
    struct alb_search_album albums[ALB_SEARCH_LIST_MAX];
    size_t album_count;
    int64_t tags[ALB_SEARCH_LIST_MAX];
    bool impossible; /* a tag that nobody has */
};

/* Albums that the viewer does not see are left out, as if they were empty. */
static enum alb_code search_albums(struct alb_snap *s, const struct alb_search *q, struct search_scope *x,
                                   struct alb_err *err)
{
    for (size_t i = 0; i < q->album_count; i++) {
        struct alb_album_access access = {0};
        int64_t id;
        enum alb_code code = alb_catalog_album_id(s, &q->albums[i], &id, NULL);

        if (code == ALB_E_NOT_FOUND)
            continue;
        if (code == ALB_OK)
            code = alb_catalog_album_access(s, &x->v, id, &access, err);
        if (code != ALB_OK)
            return alb_fail(err, code, "looking for an album");
        if (access.sees)
            x->albums[x->album_count++] =
                (struct alb_search_album){.id = id, .kind = (enum alb_album_kind)access.kind};
    }
    return ALB_OK;
}

static enum alb_code search_tags(struct alb_snap *s, const struct alb_search *q, struct search_scope *x,
                                 struct alb_err *err)
{
    for (size_t i = 0; i < q->tag_count; i++) {
        enum alb_code code = alb_catalog_tag_id(s, &q->tags[i], x->v.user_id, &x->tags[i], NULL);

        if (code == ALB_E_NOT_FOUND)
            x->impossible = true;
        else if (code != ALB_OK)
            return alb_fail(err, code, "looking for a tag");
    }
    return ALB_OK;
}

enum alb_code alb_library_search(struct alb_library *lib, const struct alb_principal *p,
                                 const struct alb_search *q, struct alb_arena *a, struct alb_found *out,
                                 struct alb_err *err)
{
    struct search_scope x = {.album_count = 0};
    struct alb_snap *s;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    if (q->album_count > ALB_SEARCH_LIST_MAX || q->tag_count > ALB_SEARCH_LIST_MAX)
        return alb_fail(err, ALB_E_INVALID, "at most %d albums or tags in one search", ALB_SEARCH_LIST_MAX);
    code = alb_catalog_read(lib->cat, &s, err);
    if (code != ALB_OK)
        return code;
    code = alb_viewer_user(lib, s, p, &x.v, err);
    if (code == ALB_OK)
        code = search_albums(s, q, &x, err);
    if (code == ALB_OK)
        code = search_tags(s, q, &x, err);
    if (code == ALB_OK && !x.impossible)
        code = alb_catalog_search(s, &x.v, q, x.albums, x.album_count, x.tags, q->tag_count, a, out, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_suggest(struct alb_library *lib, const struct alb_principal *p,
                                  enum alb_suggest what, struct alb_arena *a, struct alb_str **list,
                                  size_t *count, struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    enum alb_code code = alb_view_open(lib, p, true, &s, &v, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_suggest(s, v.user_id, what, a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}

/* ---- the change feed ---- */

#define CHANGES_MAX 1000

enum alb_code alb_library_changes(struct alb_library *lib, const struct alb_principal *p, int64_t after,
                                  size_t limit, struct alb_arena *a, struct alb_change **list, size_t *count,
                                  struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    int64_t first = 0;
    enum alb_code code = alb_view_open(lib, p, p != NULL, &s, &v, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    if (limit == 0 || limit > CHANGES_MAX)
        limit = CHANGES_MAX;
    code = alb_catalog_first_change(s, &first, err);
    if (code == ALB_OK && after < first - 1)
        code = alb_fail(err, ALB_E_GONE, "the feed begins with %lld", (long long)first);
    if (code == ALB_OK)
        code = alb_catalog_changes(s, v.all ? 0 : v.user_id, after, limit, a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}

int64_t alb_library_last_change(struct alb_library *lib)
{
    return atomic_load(&lib->last_change);
}
