/* SPDX-License-Identifier: Apache-2.0
 *
 * Search by metadata. Scope: the principal's own assets, or, with albums given, what those albums hold that
 * the principal may see. Order is (sort_local, id), stable; the next page continues after a key, so that
 * changes in between neither repeat nor skip others.
 */
#ifndef ALB_LIBRARY_SEARCH_H
#define ALB_LIBRARY_SEARCH_H

#include "library/asset.h"

#define ALB_SEARCH_PAGE_MAX 1000
#define ALB_SEARCH_LIST_MAX 100 /* albums or tags in one query */
#define ALB_TIME_UNSET INT64_MIN

struct alb_search_key { /* the last row of a page */
    int64_t sort_local;
    int64_t id; /* 0 = start */
};
struct alb_search {
    uint32_t visibility; /* ALB_VIS_BIT mask, 0 = timeline and archive; LOCKED only after elevation */
    bool with_trashed;   /* also what is in the trash */
    bool only_trashed;   /* implied by trashed_after / trashed_before */
    int favorite;        /* -1 any */
    int kind;            /* enum alb_kind, -1 any */
    int in_album;        /* -1 any, 0 in none (isNotInAlbum), 1 in at least one */
    int rating;          /* INT_MIN any; else exact */
    int min_rating;      /* INT_MIN any */
    int has_live;        /* -1 any */
    int damaged;         /* -1 any */
    const struct alb_uuid *albums, *tags; /* any of the albums; all of the tags */
    size_t album_count, tag_count;
    const struct alb_uuid *ids; /* only these */
    size_t id_count;
    int64_t taken_after, taken_before;     /* UTC ms, inclusive / exclusive; ALB_TIME_UNSET */
    int64_t created_after, created_before; /* added to the library */
    int64_t updated_after, updated_before;
    int64_t trashed_after, trashed_before;
    struct alb_str make, model, lens, city, state, country; /* exact, without case; p NULL = any */
    struct alb_str name;                                    /* part of the original file name, without case */
    struct alb_str description;                             /* part */
    struct alb_str text;                                    /* part of name, title or description */
    bool has_sha1;
    unsigned char sha1[ALB_SHA1_LEN];
    struct alb_str device_id, device_asset_id; /* exact; p NULL = any */
    bool with_tags;                            /* fill tags */
    bool with_stacked;                         /* of a stack only the cover */
    bool ascending;
    size_t limit; /* 1..ALB_SEARCH_PAGE_MAX, 0 = 250 */
    size_t skip;  /* rows to skip before the page: for doors that count pages; prefer `after` */
    struct alb_search_key after;
};
struct alb_search alb_search_default(void);

struct alb_found {
    struct alb_asset *assets;
    size_t count;
    bool more;
    struct alb_search_key next; /* continue with this as `after` */
};
enum alb_code alb_library_search(struct alb_library *lib, const struct alb_principal *p,
                                 const struct alb_search *q, struct alb_arena *a, struct alb_found *out,
                                 struct alb_err *err) ALB_MUST_CHECK;

/* Distinct values of one fact over the principal's own assets, sorted; for search suggestions. */
enum alb_suggest {
    ALB_SUGGEST_MAKE,
    ALB_SUGGEST_MODEL,
    ALB_SUGGEST_LENS,
    ALB_SUGGEST_CITY,
    ALB_SUGGEST_STATE,
    ALB_SUGGEST_COUNTRY
};
enum alb_code alb_library_suggest(struct alb_library *lib, const struct alb_principal *p,
                                  enum alb_suggest what, struct alb_arena *a, struct alb_str **list,
                                  size_t *count, struct alb_err *err) ALB_MUST_CHECK;

#endif
