/* SPDX-License-Identifier: Apache-2.0
 *
 * The timeline: months with counts (from counters, O(months), when nothing but owner, visibility and trash is
 * asked; else counted), the columns of one month, and statistics.
 */
#ifndef ALB_LIBRARY_TIMELINE_H
#define ALB_LIBRARY_TIMELINE_H

#include "catalog/timeline.h" /* struct alb_bucket, alb_columns, alb_statistics */
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

/* Empty months do not appear. FORBIDDEN / NOT_FOUND for albums that the principal does not see. */
enum alb_code alb_library_buckets(struct alb_library *lib, const struct alb_principal *p,
                                  const struct alb_timeline *t, struct alb_arena *a, struct alb_bucket **list,
                                  size_t *count, struct alb_err *err) ALB_MUST_CHECK;

/* One month as parallel arrays (struct alb_columns), ordered by (sort_local, id). */
enum alb_code alb_library_bucket(struct alb_library *lib, const struct alb_principal *p,
                                 const struct alb_timeline *t, int32_t month, struct alb_arena *a,
                                 struct alb_columns *out, struct alb_err *err) ALB_MUST_CHECK;

/* Own assets. visibility: mask (0 = timeline and archive); trashed 0, 1; favorites: -1 any, 0, 1. */
enum alb_code alb_library_statistics(struct alb_library *lib, const struct alb_principal *p,
                                     uint32_t visibility, bool trashed, int favorites,
                                     struct alb_statistics *out, struct alb_err *err) ALB_MUST_CHECK;

#endif
