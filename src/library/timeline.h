/* SPDX-License-Identifier: Apache-2.0
 *
 * The timeline: months with counts (from counters, O(months), when nothing but owner, visibility and trash is
 * asked; else counted), the columns of one month, and statistics.
 */
#ifndef ALB_LIBRARY_TIMELINE_H
#define ALB_LIBRARY_TIMELINE_H

#include "library/principal.h"

struct alb_timeline {
    uint32_t visibility; /* ALB_VIS_BIT mask; LOCKED only works after elevation; ignored with trashed */
    bool trashed;        /* the trash instead */
    bool favorites;      /* only the principal's favourites */
    bool with_stacked;   /* of a stack only the cover */
    bool ascending;      /* oldest first */
    bool has_album, has_tag;
    struct alb_uuid album; /* the album's assets (also of others) instead of the principal's own */
    struct alb_uuid tag;
};
struct alb_timeline alb_timeline_default(void); /* timeline and nothing else, newest first */

struct alb_bucket {
    int32_t month; /* year * 12 + month - 1 */
    int64_t count;
};
/* Empty months do not appear. FORBIDDEN / NOT_FOUND for albums that the principal does not see. */
enum alb_code alb_library_buckets(struct alb_library *lib, const struct alb_principal *p,
                                  const struct alb_timeline *t, struct alb_arena *a, struct alb_bucket **list,
                                  size_t *count, struct alb_err *err) ALB_MUST_CHECK;

/* One month as parallel arrays, ordered by (sort_local, id). */
struct alb_columns {
    size_t count;
    struct alb_uuid *id, *owner;
    double *ratio; /* as shown (oriented), 1 if unknown */
    int64_t *taken_utc, *taken_local, *created_at;
    int32_t *offset_min;  /* INT32_MIN = unknown */
    int64_t *duration_ms; /* 0 = none */
    unsigned char *kind, *visibility;
    bool *favorite, *trashed, *has_live, *has_stack, *has_gps;
    struct alb_uuid *live, *stack;
    int64_t *stack_count;
    struct alb_str *thumbhash; /* bytes, empty = none */
    struct alb_str *projection, *city, *country;
    double *latitude, *longitude;
};
enum alb_code alb_library_bucket(struct alb_library *lib, const struct alb_principal *p,
                                 const struct alb_timeline *t, int32_t month, struct alb_arena *a,
                                 struct alb_columns *out, struct alb_err *err) ALB_MUST_CHECK;

struct alb_statistics {
    int64_t images, videos, total; /* total: of any kind */
};
/* Own assets. visibility: mask (0 = timeline and archive); trashed 0, 1; favorites: -1 any, 0, 1. */
enum alb_code alb_library_statistics(struct alb_library *lib, const struct alb_principal *p,
                                     uint32_t visibility, bool trashed, int favorites,
                                     struct alb_statistics *out, struct alb_err *err) ALB_MUST_CHECK;

#endif
