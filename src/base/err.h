/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors are values. A function that can fail returns an enum alb_code (0 = success) and fills a
 * struct alb_err that lies on its caller's stack; no allocation, so telling "out of memory" cannot fail.
 * Rules:
 *  - the first error wins: alb_fail() on an err that is already set keeps it and returns its code;
 *  - callers may add context with alb_err_context(); the code stays;
 *  - `err` may be NULL everywhere;
 *  - on failure every out parameter is NULL or 0;
 *  - the text is for the log. What a client reads is made from the code (alb_code_client_text) and from
 *    words written for it by the door.
 * Bugs are not errors: see base/check.h.
 */
#ifndef ALB_BASE_ERR_H
#define ALB_BASE_ERR_H

#include "base/attr.h"

enum alb_code {
    ALB_OK = 0,
#define ALB_X(name, status, level, text) ALB_E_##name,
#include "tbl/codes.h"
#undef ALB_X
    ALB_CODE_COUNT
};

struct alb_err {
    enum alb_code code;
    int sys;           /* errno at the time, or 0 */
    const char *where; /* "file:line" of the alb_fail that set it, a literal */
    char msg[240];     /* NUL-terminated, cut when too long */
};

#define ALB_ERR_INIT {ALB_OK, 0, NULL, {0}}

#define ALB_WHERE_STR_(line) #line
#define ALB_WHERE_STR(line) ALB_WHERE_STR_(line)
#define ALB_WHERE __FILE__ ":" ALB_WHERE_STR(__LINE__)

/* Sets *err (unless it is set already) and returns the code it then holds; returns `code` if err is NULL.
 * alb_fail takes no errno; alb_fail_sys records `sys` and appends its text,
 * unless the message ends with it. Any thread.  */
#define alb_fail(err, code, ...) alb_err_set((err), (code), 0, ALB_WHERE, __VA_ARGS__)
#define alb_fail_sys(err, code, sys, ...) alb_err_set((err), (code), (sys), ALB_WHERE, __VA_ARGS__)
enum alb_code alb_err_set(struct alb_err *err, enum alb_code code, int sys, const char *where,
                          const char *fmt, ...) ALB_PRINTF(5, 6) ALB_COLD;

/* The code that stands for a failed system call: ENOSPC/EDQUOT -> NO_SPACE, ENOMEM -> NO_MEMORY,
 * ENOENT -> NOT_FOUND, else IO. */
enum alb_code alb_code_of_errno(int sys);

/* Puts "what: " before the message of a set error; does nothing to an unset one. */
void alb_err_context(struct alb_err *err, const char *fmt, ...) ALB_PRINTF(2, 3) ALB_COLD;
void alb_err_clear(struct alb_err *err);

enum alb_log_level { ALB_LOG_DEBUG, ALB_LOG_INFO, ALB_LOG_WARN, ALB_LOG_ERROR };

const char *alb_code_name(enum alb_code code);        /* "NOT_FOUND" */
int alb_code_status(enum alb_code code);              /* HTTP status; ALB_OK is 200 */
const char *alb_code_client_text(enum alb_code code); /* safe for anybody to read */
enum alb_log_level alb_code_level(enum alb_code code);

#endif
