/* SPDX-License-Identifier: Apache-2.0
 *
 * libjpeg's errors: it reports fatal ones by a function that must not return. The handler jumps back to the one who
 * called libjpeg; all that lives across the jump lies in structs that outlive it.
 */
#ifndef ALB_IMAGE_EXPRESS_JPEG_ERRORS_H
#define ALB_IMAGE_EXPRESS_JPEG_ERRORS_H

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "image/express/rows.h"

struct alb_jpeg_errors {
    struct jpeg_error_mgr mgr; /* first: libjpeg holds a pointer to it */
    jmp_buf end;
    bool strict;        /* an early end counts as an error */
    enum alb_code code; /* of the failure, if the one who failed had one */
    char text[JMSG_LENGTH_MAX];
};
/* Whoever calls libjpeg afterwards does it under setjmp(errors->end). */
void alb_jpeg_errors_init(struct alb_jpeg_errors *e, bool strict);
/* Ends the call with a code of our own. */
ALB_NORETURN void alb_jpeg_fail(j_common_ptr c, enum alb_code code);
/* What to return when the jump came. */
enum alb_code alb_jpeg_failed(const struct alb_jpeg_errors *e, struct alb_err *err);

#endif
