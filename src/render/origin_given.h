/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures that the person who runs the server has given (a watermark, a fallback picture, a colour profile): as
 * origins, so that render takes them like any other input. Kept in a memory file, named by the SHA-256 of their
 * bytes. Any thread; files are read, so not on an event loop.
 */
#ifndef ALB_RENDER_ORIGIN_GIVEN_H
#define ALB_RENDER_ORIGIN_GIVEN_H

#include "render/origin.h"

#define ALB_ORIGIN_GIVEN_MAX ((int64_t)64 << 20)

/* The bytes are copied. *out: one reference. NO_MEMORY, IO. */
enum alb_code alb_origin_given(struct alb_str bytes, struct alb_origin **out,
                               struct alb_err *err) ALB_MUST_CHECK;
/* The whole of an open file. TOO_LARGE: more than ALB_ORIGIN_GIVEN_MAX. */
enum alb_code alb_origin_given_file(int fd, struct alb_origin **out, struct alb_err *err) ALB_MUST_CHECK;

#endif
