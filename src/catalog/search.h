/* SPDX-License-Identifier: Apache-2.0
 *
 * Search by metadata (contract: library/search.h).
 */
#ifndef ALB_CATALOG_SEARCH_H
#define ALB_CATALOG_SEARCH_H

#include "catalog/asset.h"

#define ALB_SEARCH_PAGE_MAX 1000
#define ALB_SEARCH_LIST_MAX 100 /* albums, tags or ids in one query */
#define ALB_TIME_UNSET INT64_MIN
#define ALB_RATING_ANY INT32_MIN

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
    int rating;          /* ALB_RATING_ANY; else exact */
    int min_rating;      /* ALB_RATING_ANY */
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
    struct alb_str make, model, lens, city, state, country; /* exact, ASCII case ignored; p NULL = any */
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
struct alb_found {
    struct alb_asset *assets;
    size_t count;
    bool more;
    struct alb_search_key next; /* continue with this as `after` */
};

struct alb_search_album {
    int64_t id;
    enum alb_album_kind kind;
};
/* `albums` (visible ones) and `tags` stand for q->albums and q->tags. */
enum alb_code alb_catalog_search(struct alb_snap *s, const struct alb_viewer *v, const struct alb_search *q,
                                 const struct alb_search_album *albums, size_t album_count,
                                 const int64_t *tags, size_t tag_count, struct alb_arena *a,
                                 struct alb_found *out, struct alb_err *err) ALB_MUST_CHECK;

enum alb_suggest {
    ALB_SUGGEST_MAKE,
    ALB_SUGGEST_MODEL,
    ALB_SUGGEST_LENS,
    ALB_SUGGEST_CITY,
    ALB_SUGGEST_STATE,
    ALB_SUGGEST_COUNTRY
};
enum alb_code alb_catalog_suggest(struct alb_snap *s, int64_t owner, enum alb_suggest what,
                                  struct alb_arena *a, struct alb_str **list, size_t *count,
                                  struct alb_err *err) ALB_MUST_CHECK;

#endif
