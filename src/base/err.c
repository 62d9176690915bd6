/* SPDX-License-Identifier: Apache-2.0
 *
 * Error values (contract: err.h). The code table is expanded here once; everything else about a code
 * follows from its line in tbl/codes.h. Nothing here allocates or locks.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int status;
    enum alb_log_level level;
    const char *text;
} codes[ALB_CODE_COUNT] = {
    [ALB_OK] = {"OK", 200, ALB_LOG_INFO, "ok"},
#define ALB_X(name, status, level, text) [ALB_E_##name] = {#name, status, ALB_LOG_##level, text},
#include "tbl/codes.h"
#undef ALB_X
};

/* A code from anywhere, made safe as an index: an unknown one is a mistake of the server. */
static enum alb_code known(enum alb_code code)
{
    return (unsigned)code < ALB_CODE_COUNT ? code : ALB_E_INTERNAL;
}

const char *alb_code_name(enum alb_code code)
{
    return codes[known(code)].name;
}

int alb_code_status(enum alb_code code)
{
    return codes[known(code)].status;
}

const char *alb_code_client_text(enum alb_code code)
{
    return codes[known(code)].text;
}

enum alb_log_level alb_code_level(enum alb_code code)
{
    return codes[known(code)].level;
}

enum alb_code alb_code_of_errno(int sys)
{
    switch (sys) {
    case ENOSPC:
    case EDQUOT:
        return ALB_E_NO_SPACE;
    case ENOMEM:
        return ALB_E_NO_MEMORY;
    case EMFILE:
    case ENFILE:
        return ALB_E_BUSY; /* descriptors come back */
    case ENOENT:
        return ALB_E_NOT_FOUND;
    default:
        return ALB_E_IO;
    }
}

enum alb_code alb_err_set(struct alb_err *err, enum alb_code code, int sys, const char *where,
                          const char *fmt, ...)
{
    va_list ap;

    if (code == ALB_OK)
        code = ALB_E_INTERNAL; /* a failure that says "ok" would be taken for a success */
    if (err == NULL)
        return code;
    if (err->code != ALB_OK)
        return err->code;
    err->code = code;
    err->sys = sys;
    err->where = where;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    if (n < 0)
        err->msg[0] = '\0';
    if (sys != 0 && n >= 0 && (size_t)n < sizeof(err->msg)) {
        char text[96];
        const char *word = strerror_r(sys, text, sizeof(text));
        size_t len = strlen(word);
        /* An error that is passed on with its message and its errno says it already. */
        if ((size_t)n < len || memcmp(err->msg + n - len, word, len) != 0)
            (void)snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s", word);
    }
    return code;
}

void alb_err_context(struct alb_err *err, const char *fmt, ...)
{
    char old[sizeof(err->msg)];
    va_list ap;

    if (err == NULL || err->code == ALB_OK)
        return;
    memcpy(old, err->msg, sizeof(old));
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    /* A context longer than the field leaves at least half of it to the message. */
    size_t at = (size_t)n < sizeof(err->msg) / 2 ? (size_t)n : sizeof(err->msg) / 2;
    size_t room = sizeof(err->msg) - at - 3, len = strnlen(old, sizeof(old) - 1);
    if (len > room)
        len = room;
    memcpy(err->msg + at, ": ", 2);
    memcpy(err->msg + at + 2, old, len);
    err->msg[at + 2 + len] = '\0';
}

void alb_err_clear(struct alb_err *err)
{
    if (err != NULL)
        *err = (struct alb_err)ALB_ERR_INIT;
}
