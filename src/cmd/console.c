/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "cmd/admin.h"

#define LINE_MAX_BYTES 4096

static void say(struct alb_console *c, int stream, const char *fmt, va_list args)
{
    char line[LINE_MAX_BYTES];
    int n = vsnprintf(line, sizeof(line), fmt, args);
    if (n < 0 || c->closed)
        return;
    size_t len = (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;
    if (!c->write(c, stream, alb_str_n(line, len)))
        c->closed = true;
}

bool alb_console_over(const struct alb_console *c)
{
    return c->closed || (c->stop && atomic_load(c->stop));
}

void alb_console_out(struct alb_console *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(c, ALB_STREAM_OUT, fmt, args);
    va_end(args);
}

void alb_console_progress(struct alb_console *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(c, ALB_STREAM_PROGRESS, fmt, args);
    va_end(args);
}

void alb_console_err(struct alb_console *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(c, ALB_STREAM_ERR, fmt, args);
    va_end(args);
}

int alb_console_fail(struct alb_console *c, const char *what, const struct alb_err *err)
{
    alb_console_err(c, "albumen: %s: %s\n", what, err->msg[0] ? err->msg : alb_code_client_text(err->code));
    return 1;
}
