/* SPDX-License-Identifier: Apache-2.0
 *
 * The tus door: resumable uploads, protocol 1.0.0 (https://tus.io/protocols/resumable-upload), mounted at
 * /files/. Core, creation, creation-with-upload and termination; the bytes and their durability are the
 * upload room's, what becomes of them is ingest's.
 *
 * The answer that finishes an upload (POST or PATCH), and every later HEAD or PATCH of it, names the photo:
 *     Albumen-Asset: <uuid>      Albumen-Result: created | duplicate | restored
 * An answer that reports an error after bytes were stored still carries Upload-Offset (and Location).
 * Upload-Metadata keys that albumen understands: filename (or name), filetype (ignored: content decides),
 * taken-at (RFC 3339: when the photo was taken, if the file does not say), modified-at (RFC 3339),
 * title, description, favorite (true), tags (paths, separated by commas), album (a personal album by name,
 * made in the same transaction if there is none).
 */
#ifndef ALB_DOORS_TUS_TUS_H
#define ALB_DOORS_TUS_TUS_H

#include "doors/common/auth.h"
#include "upload/upload.h"

struct alb_door_tus {
    struct alb_door_auth auth; /* first */
    struct alb_uploads *uploads;
    int64_t max_bytes; /* Tus-Max-Size */
};
/* Adds the routes; `door` must outlive the server. */
enum alb_code alb_door_tus(struct alb_http *http, struct alb_door_tus *door,
                           struct alb_err *err) ALB_MUST_CHECK;

#endif
