/* SPDX-License-Identifier: Apache-2.0
 *
 * A streaming JSON writer (RFC 8259) into an alb_buf: places commas, escapes strings, replaces bytes that are
 * not UTF-8 by U+FFFD, never builds a tree. Misuse (a value without a key inside an object, too many ends,
 * nesting deeper than 32, a second value after the first is complete) is a bug and panics; a full buffer
 * sticks to the alb_buf. Long answers are written by flushing the buffer between elements. One thread.
 * Reading: jansson, for bounded requests only (doors).
 */
#ifndef ALB_BASE_JSON_H
#define ALB_BASE_JSON_H

#include "base/buf.h"

struct alb_json {
    struct alb_buf *out;
    uint64_t in_object; /* bit per level */
    uint64_t has_items;
    unsigned depth;
    bool after_key;
};

void alb_json_init(struct alb_json *j, struct alb_buf *out);
void alb_json_object(struct alb_json *j);
void alb_json_array(struct alb_json *j);
void alb_json_end(struct alb_json *j);
void alb_json_key(struct alb_json *j, const char *key);
void alb_json_str(struct alb_json *j, struct alb_str v); /* p == NULL writes null */
void alb_json_c(struct alb_json *j, const char *v);      /* NULL writes null */
void alb_json_i64(struct alb_json *j, int64_t v);
void alb_json_u64(struct alb_json *j, uint64_t v);
void alb_json_double(struct alb_json *j, double v); /* shortest form that reads back; not finite = null */
void alb_json_bool(struct alb_json *j, bool v);
void alb_json_null(struct alb_json *j);
void alb_json_raw(struct alb_json *j, struct alb_str v); /* a complete JSON value */
/* key and value in one call */
void alb_json_kstr(struct alb_json *j, const char *key, struct alb_str v);
void alb_json_kc(struct alb_json *j, const char *key, const char *v);
void alb_json_ki64(struct alb_json *j, const char *key, int64_t v);
void alb_json_kbool(struct alb_json *j, const char *key, bool v);
void alb_json_knull(struct alb_json *j, const char *key);

#endif
