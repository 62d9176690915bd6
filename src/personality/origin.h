/* SPDX-License-Identifier: Apache-2.0
 *
 * Origins allowed by a regular expression in Go's syntax (RE2), matched by the C library. What both write
 * alike is taken as it is; \d, \w, \s and escapes inside brackets are translated; what the C library cannot
 * do ("(?i)", \pL, \b inside brackets ...) is refused with a clear word, never matched as something else.
 * Any thread may match; compiled once at start.
 */
#ifndef ALB_PERSONALITY_ORIGIN_H
#define ALB_PERSONALITY_ORIGIN_H

#include <regex.h>

#include "base/buf.h"

struct alb_origin {
    regex_t regex;
    bool everything; /* ".*" */
};
enum alb_code alb_origin_compile(struct alb_origin *o, const char *pattern,
                                 struct alb_err *err) ALB_MUST_CHECK;
void alb_origin_fini(struct alb_origin *o);
/* Whether it matches somewhere. Longer than ALB_ORIGIN_MAX: no. */
#define ALB_ORIGIN_MAX 512
bool alb_origin_allows(const struct alb_origin *o, struct alb_str origin);

#endif
