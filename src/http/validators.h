/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditional requests (RFC 9110 §13). Services say what they have (struct alb_validators); what follows from
 * the request's conditions is decided here, in the order of §13.2.2. Pure; any thread.
 */
#ifndef ALB_HTTP_VALIDATORS_H
#define ALB_HTTP_VALIDATORS_H

#include "base/str.h"

struct alb_validators {
    bool exists;         /* there is a current representation */
    struct alb_str etag; /* opaque tag without quotes; p == NULL: none */
    bool weak;
    int64_t modified_ms; /* UTC; < 0: unknown. Compared in whole seconds */
};

/* The request's headers; p == NULL: absent. Several lines of one list are joined with commas. */
struct alb_conditions {
    struct alb_str if_match, if_none_match, if_modified_since, if_unmodified_since, if_range;
};

enum alb_decision {
    ALB_DECIDE_GO,           /* do what was asked */
    ALB_DECIDE_NOT_MODIFIED, /* 304 */
    ALB_DECIDE_FAILED,       /* 412 */
};

/* `safe`: the method is GET or HEAD. */
enum alb_decision alb_decide(const struct alb_conditions *c, bool safe, const struct alb_validators *v);
/* May the Range header be obeyed? True without If-Range; else only on a strong match. */
bool alb_if_range_holds(const struct alb_conditions *c, const struct alb_validators *v);
/* Is the tag in a list such as `"a", W/"b"` or "*"? strong: weak tags never match. */
bool alb_etag_in(struct alb_str list, struct alb_str tag, bool tag_weak, bool strong);
/* May this be between the quotes of an entity tag (etagc of RFC 9110)? */
bool alb_is_etag(struct alb_str tag);

#endif
