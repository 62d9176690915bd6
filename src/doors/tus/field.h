/* SPDX-License-Identifier: Apache-2.0
 *
 * Header fields of the tus door as values. Pure; every parser reads hostile bytes and is fuzzed. Private to
 * src/doors/tus.
 */
#ifndef ALB_DOORS_TUS_FIELD_H
#define ALB_DOORS_TUS_FIELD_H

#include "base/arena.h"
#include "base/str.h"

/* Structured fields (RFC 9651): items with their parameters, which are skipped. False: absent, or of another
 * type: then the field is to be ignored. */
bool alb_sf_bool(struct alb_str field, bool *value) ALB_MUST_CHECK;       /* ?0, ?1 */
bool alb_sf_integer(struct alb_str field, int64_t *value) ALB_MUST_CHECK; /* up to 15 digits */
/* A dictionary: takes the next member of *rest. `value` is the raw bare item behind '=' (a string with its
 * quotes, a byte sequence with its colons), "?1" if there is none. False at the end; *broken: it is no
 * dictionary. */
bool alb_sf_dict_next(struct alb_str *rest, struct alb_str *key, struct alb_str *value,
                      bool *broken) ALB_MUST_CHECK;
/* :base64: into out[cap]; its length, or -1. */
int64_t alb_sf_bytes(struct alb_str item, unsigned char *out, size_t cap) ALB_MUST_CHECK;

/* The type of a Content-Type value without its parameters, blanks trimmed; p == NULL: it is no media type. */
struct alb_str alb_media_type(struct alb_str value);
/* The file name of a Content-Disposition (filename*, else filename), decoded into the arena; p == NULL: none.
 */
struct alb_str alb_disposition_name(struct alb_str value, struct alb_arena *a);

/* Upload-Concat. */
enum alb_concat { ALB_CONCAT_NONE, ALB_CONCAT_PARTIAL, ALB_CONCAT_FINAL, ALB_CONCAT_BROKEN };
enum alb_concat alb_concat_kind(struct alb_str value, struct alb_str *urls);
/* The next URL of a final's list as an id: what stands behind `base` ("/files/") in a URL or path,
 * percent-decoded into the arena. False at the end, or *broken. */
bool alb_concat_next(struct alb_str *urls, struct alb_str base, struct alb_arena *a, struct alb_str *id,
                     bool *broken) ALB_MUST_CHECK;

#endif
