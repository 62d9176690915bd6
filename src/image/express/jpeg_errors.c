/* SPDX-License-Identifier: Apache-2.0 */
#include "image/express/jpeg_errors.h"

#include <jerror.h>

static struct alb_jpeg_errors *of(j_common_ptr c)
{
    return (struct alb_jpeg_errors *)c->err;
}

static void on_error(j_common_ptr c)
{
    struct alb_jpeg_errors *e = of(c);
    c->err->format_message(c, e->text);
    longjmp(e->end, 1); /* allowed: longjmp, libjpeg has no other way out */
}

/* Damaged data are a warning to libjpeg, and so is an early end: that one counts. */
static void on_message(j_common_ptr c, int level)
{
    if (level < 0 && of(c)->strict && c->err->msg_code == JWRN_JPEG_EOF)
        on_error(c);
    c->err->num_warnings += level < 0;
}

static void on_output(j_common_ptr c)
{
    (void)c; /* says nothing */
}

void alb_jpeg_errors_init(struct alb_jpeg_errors *e, bool strict)
{
    jpeg_std_error(&e->mgr);
    e->mgr.error_exit = on_error;
    e->mgr.emit_message = on_message;
    e->mgr.output_message = on_output;
    e->strict = strict;
    e->code = ALB_E_UNPROCESSABLE;
    e->text[0] = 0;
}

void alb_jpeg_fail(j_common_ptr c, enum alb_code code)
{
    of(c)->code = code;
    c->err->msg_code = code == ALB_E_NO_MEMORY ? JERR_OUT_OF_MEMORY : JERR_FILE_WRITE;
    on_error(c);
    __builtin_unreachable();
}

enum alb_code alb_jpeg_failed(const struct alb_jpeg_errors *e, struct alb_err *err)
{
    return alb_fail(err, e->code, "jpeg: %s", e->text);
}
