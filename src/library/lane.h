/* SPDX-License-Identifier: Apache-2.0
 *
 * The password lane: one hash or verification on a thread of its own, then a unit of the catalog that ends
 * the same future. password.c; used by signin.c and user.c.
 */
#ifndef ALB_LIBRARY_LANE_H
#define ALB_LIBRARY_LANE_H

#include "library/auth.h"
#include "library/priv.h"
#include "library/throttle.h"

#define ALB_HASH_TEXT_LEN 128

struct alb_lane_job {
    bool verify;                  /* else: hash the password into hash_to */
    char hash[ALB_HASH_TEXT_LEN]; /* verify against this; "" = nobody, fails after equal work */
    char *hash_to;                /* in the call's arguments, ALB_HASH_TEXT_LEN bytes */
    bool counted;                 /* by the throttle, under the ticket */
    struct alb_throttle_ticket ticket;
    const char *name; /* the unit that follows */
    alb_catalog_unit_fn *run;
    struct alb_call *call; /* take */
};
/* BUSY when the lane is full. */
enum alb_code alb_lane_submit(struct alb_library *lib, struct alb_lane_job *job, struct alb_str password,
                              struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* A principal from the hash of a token, in a snapshot or inside a unit (principal.c). */
enum alb_code alb_principal_load(struct alb_library *lib, struct alb_snap *s, enum alb_token kind,
                                 const unsigned char hash[ALB_SHA256_LEN], struct alb_principal **p,
                                 struct alb_err *err) ALB_MUST_CHECK;
/* A new random token: base64url text and the SHA-256 of that text. */
void alb_token_new(const char *prefix, char text[ALB_TOKEN_TEXT_MAX], unsigned char hash[ALB_SHA256_LEN]);

#endif
