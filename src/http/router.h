/* SPDX-License-Identifier: Apache-2.0
 *
 * From path and method to a route. A tree of segments, built at start and read-only afterwards (any thread).
 * Literals win over {name}, {name} wins over {name*}; on a dead end the search goes back and tries the next
 * best. Work is bounded by the tree, not by the path.
 */
#ifndef ALB_HTTP_ROUTER_H
#define ALB_HTTP_ROUTER_H

#include "http/http.h"

#define ALB_ROUTE_PARAMS_MAX 6
#define ALB_ROUTE_METHODS 7 /* bits of ALB_M_ALL */

struct alb_router;

struct alb_route_entry {
    const struct alb_route *route;
    const struct alb_http_group *group;
};

struct alb_route_match {
    const struct alb_route_entry *entry; /* NULL: no route of that method (allow != 0) or no such path */
    unsigned allow;                      /* methods that the path knows */
    unsigned param_count;
    struct alb_str params[ALB_ROUTE_PARAMS_MAX]; /* views of the path, in order of the pattern */
};

struct alb_router *alb_router_new(void) ALB_MUST_CHECK; /* NULL: no memory */
void alb_router_free(struct alb_router **r);
/* INVALID: a bad pattern. CONFLICT: one of the methods is taken there. Both stay borrowed. */
enum alb_code alb_router_add(struct alb_router *r, const struct alb_route *route,
                             const struct alb_http_group *group, struct alb_err *err) ALB_MUST_CHECK;
void alb_router_find(const struct alb_router *r, struct alb_str path, unsigned method_bit,
                     struct alb_route_match *m);
/* Position of "{name}" among the pattern's parameters; -1: none. */
int alb_route_param_index(const char *pattern, struct alb_str name);

#endif
