/* SPDX-License-Identifier: Apache-2.0
 *
 * Bugs end the process. ALB_CHECK stays on in every build; input can never reach one (a fuzzer that does
 * has found a bug). alb_panic writes expression, place, thread name, the locks this thread holds, the
 * request or job it works on and the last log records, then aborts; the supervisor starts us again.
 * Any thread; async-signal-safe except for the log records it prints.
 */
#ifndef ALB_BASE_CHECK_H
#define ALB_BASE_CHECK_H

#include "base/attr.h"

ALB_NORETURN ALB_COLD void alb_panic(const char *where, const char *fmt, ...) ALB_PRINTF(2, 3);

#define ALB_CHECK(expr)                                                                                      \
    do {                                                                                                     \
        if (__builtin_expect(!(expr), 0))                                                                    \
            alb_panic(__FILE__, "line %d: %s", __LINE__, #expr);                                             \
    } while (0)

/* What the calling thread is working on, shown by alb_panic; a literal or memory that outlives the work. */
void alb_thread_working_on(const char *what);
/* Names the calling thread (15 bytes are shown by the system) and its role in panics and logs. */
void alb_thread_name(const char *name);

/* Objects that threads share begin with a magic number; a stale pointer is caught here. */
#define ALB_MAGIC_CHECK(obj, m) ALB_CHECK((obj) != NULL && (obj)->magic == (m))

#endif
