/* SPDX-License-Identifier: Apache-2.0
 *
 * Upload-Metadata (tus 1.0.0): "key base64,key base64,flag". Private to src/doors/tus.
 */
#ifndef ALB_DOORS_TUS_METADATA_H
#define ALB_DOORS_TUS_METADATA_H

#include "ingest/ingest.h"

/* Checks the whole header and takes what albumen understands into *h (views in the arena). INVALID: a key is
 * empty, twice there or not printable ASCII, or a value is not base64; *err says which in words for the
 * client. */
enum alb_code alb_tus_metadata(struct alb_str header, struct alb_arena *a, struct alb_ingest_hints *h,
                               struct alb_err *err) ALB_MUST_CHECK;

/* One pair of the header as it is, without complaints: value decoded into the arena, `broken` if it is no
 * base64. */
struct alb_tus_pair {
    struct alb_str key, value;
    bool broken;
};
bool alb_tus_metadata_next(struct alb_str *rest, struct alb_arena *a,
                           struct alb_tus_pair *pair) ALB_MUST_CHECK;
/* The value of a key, decoded; p == NULL: it is not there, or broken. */
struct alb_str alb_tus_metadata_find(struct alb_str header, struct alb_str key, struct alb_arena *a);

#endif
