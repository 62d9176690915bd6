/* SPDX-License-Identifier: Apache-2.0
 *
 * Months, the columns of a month, statistics (contract: library/timeline.h). Scope and rights of the album
 * are the caller's; what is not the viewer's own is filtered here by what albums show.
 */
#ifndef ALB_CATALOG_TIMELINE_H
#define ALB_CATALOG_TIMELINE_H

#include "catalog/rights.h"

struct alb_bucket {
    int32_t month; /* year * 12 + month - 1 */
    int64_t count;
};
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
    bool *damaged; /* its content, or its original since it came (blob.h) */
    struct alb_uuid *live, *stack;
    int64_t *stack_count;
    struct alb_str *thumbhash; /* bytes, empty = none */
    struct alb_str *projection, *city, *country;
    double *latitude, *longitude;
};
struct alb_statistics {
    int64_t images, videos, total; /* total: of any kind */
};

struct alb_timeline_scope {
    const struct alb_viewer *viewer;
    uint32_t visibility; /* mask; with trashed: which kinds of visibility of the trash */
    bool trashed, favorites, with_stacked, ascending;
    int64_t album; /* 0 = the viewer's own assets */
    enum alb_album_kind album_kind;
    int64_t tag; /* 0 = any */
};
enum alb_code alb_catalog_buckets(struct alb_snap *s, const struct alb_timeline_scope *t, struct alb_arena *a,
                                  struct alb_bucket **list, size_t *count,
                                  struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_bucket(struct alb_snap *s, const struct alb_timeline_scope *t, int32_t month,
                                 struct alb_arena *a, struct alb_columns *out,
                                 struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_statistics(struct alb_snap *s, int64_t owner, uint32_t visibility, bool trashed,
                                     int favorites, struct alb_statistics *out,
                                     struct alb_err *err) ALB_MUST_CHECK;

#endif
