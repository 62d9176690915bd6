/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a process that found a bug in itself (contract: check.h). The report is built from what this
 * thread already knows, in fixed memory, and written straight to standard error: the log may be what broke.
 * A second panic, in the report itself or on another thread, does not start a second report.
 */
#include "base/check.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/build.h"
#include "base/lock.h"
#include "base/log.h"

static _Thread_local const char *working_on;
static _Thread_local char thread_name[16];
static atomic_flag panicking = ATOMIC_FLAG_INIT;
static _Thread_local bool panicking_here;

void alb_thread_working_on(const char *what)
{
    working_on = what;
}

void alb_thread_name(const char *name)
{
    (void)snprintf(thread_name, sizeof(thread_name), "%s", name);
    (void)prctl(PR_SET_NAME, thread_name);
}

static void put(const char *text)
{
    size_t n = strlen(text);

    while (n > 0) {
        ssize_t w = write(STDERR_FILENO, text, n);
        if (w <= 0)
            return;
        text += w;
        n -= (size_t)w;
    }
}

static void put_line(const char *name, const char *value)
{
    put(name);
    put(value);
    put("\n");
}

void alb_panic(const char *where, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (panicking_here)
        abort(); /* the report itself failed */
    panicking_here = true;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);

    if (atomic_flag_test_and_set(&panicking)) {
        /* Another thread reports and ends the process; this one adds its line and stays out of the way. */
        put("panic as well: ");
        put(where);
        put_line(" ", text);
        for (;;)
            (void)pause();
    }
    put("\npanic: ");
    put(where);
    put_line(" ", text);
    put_line("  thread: ", thread_name[0] != '\0' ? thread_name : "(unnamed)");
    put_line("  working on: ", working_on != NULL ? working_on : "(nothing named)");
    alb_lock_held_names(text, sizeof(text));
    put_line("  locks held: ", text[0] != '\0' ? text : "(none known)");
    put_line("  version: ", alb_version());
    put("last log records:\n");
    alb_log_dump_ring(STDERR_FILENO);
    abort();
}
