/* SPDX-License-Identifier: Apache-2.0
 *
 * Small encodings: hex, base64 (RFC 4648 §4 and the URL alphabet of §5), percent (RFC 3986), UUID (RFC 9562,
 * version 7: time-ordered, monotonic within one process). Pure; any thread.
 */
#ifndef ALB_BASE_CODEC_H
#define ALB_BASE_CODEC_H

#include "base/buf.h"
#include "base/clock.h"

/* out receives 2n lower-case digits and a NUL. */
void alb_hex(const void *p, size_t n, char *out);
bool alb_hex_decode(struct alb_str s, unsigned char *out,
                    size_t n) ALB_MUST_CHECK; /* exactly 2n digits, any case */

enum alb_b64 { ALB_B64_STD, ALB_B64_URL }; /* STD pads, URL does not */
void alb_b64_encode(struct alb_buf *out, const void *p, size_t n, enum alb_b64 alphabet);
/* Strict: no blanks, no stray bits; padding required in STD, refused in URL. Returns the length or -1. */
int64_t alb_b64_decode(struct alb_str s, unsigned char *out, size_t cap,
                       enum alb_b64 alphabet) ALB_MUST_CHECK;

/* Decodes %XX (and '+' as space if form). False on a broken escape or when it does not fit. */
bool alb_percent_decode(struct alb_str s, bool form, char *out, size_t cap, size_t *n) ALB_MUST_CHECK;
void alb_percent_encode(struct alb_buf *out, struct alb_str s); /* keeps the unreserved characters */

struct alb_uuid {
    unsigned char b[16];
};
struct alb_uuid alb_uuid_v7(const struct alb_clock *clock);
void alb_uuid_text(const struct alb_uuid *u, char out[37]);
bool alb_uuid_parse(struct alb_str s,
                    struct alb_uuid *out) ALB_MUST_CHECK; /* 8-4-4-4-12, any case, any version */

#endif
