/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: giving up everything that reading pictures does not need. Order matters and is explained in
 * seal.c. The caller has exactly one thread: others would stay unsealed.
 */
#ifndef ALB_IMAGE_SEAL_H
#define ALB_IMAGE_SEAL_H

#include "base/err.h"
#include "image/filter.h"

/* Landlock's version on this system, 0 if it has none. */
unsigned alb_seal_landlock(void);

struct alb_seal {
    enum alb_profile profile;
    struct alb_filter *filter;
    pid_t parent;        /* who must be alive */
    uid_t uid;           /* whom to become if root */
    uint64_t memory;     /* hard limit of growth */
    uint64_t result_max; /* hard limit of a file's size */
    uint64_t data_now;   /* bytes of data the process has now */
};
/* On success *reached has the ALB_SEAL_ bits. On failure the process must end. */
enum alb_code alb_seal_process(const struct alb_seal *s, uint32_t *reached,
                               struct alb_err *err) ALB_MUST_CHECK;

#endif
