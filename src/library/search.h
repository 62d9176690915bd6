/* SPDX-License-Identifier: Apache-2.0
 *
 * Search by metadata. Scope: the principal's own assets, or, with albums given, what those albums hold that
 * the principal may see. Order is (sort_local, id), stable; the next page continues after a key, so that
 * changes in between neither repeat nor skip others.
 */
#ifndef ALB_LIBRARY_SEARCH_H
#define ALB_LIBRARY_SEARCH_H

#include "catalog/search.h" /* struct alb_search, alb_found, enum alb_suggest */
#include "library/asset.h"

struct alb_search alb_search_default(void);

enum alb_code alb_library_search(struct alb_library *lib, const struct alb_principal *p,
                                 const struct alb_search *q, struct alb_arena *a, struct alb_found *out,
                                 struct alb_err *err) ALB_MUST_CHECK;

/* Distinct values of one fact over the principal's own assets, sorted; for search suggestions. */
enum alb_code alb_library_suggest(struct alb_library *lib, const struct alb_principal *p,
                                  enum alb_suggest what, struct alb_arena *a, struct alb_str **list,
                                  size_t *count, struct alb_err *err) ALB_MUST_CHECK;

#endif
