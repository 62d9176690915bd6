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

#endif
