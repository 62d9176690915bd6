/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "personality/tusd_priv.h"

#define LINE_MAX_BYTES ((size_t)8192)

static bool as_json; /* set at start, before any thread */

void alb_tusd_words_setup(bool json)
{
    as_json = json;
}

static void put_plain(struct alb_buf *out, const char *text)
{
    struct timespec now;
    struct tm t;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (!localtime_r(&now.tv_sec, &t)) /* people's own time, as Go's log package writes it */
        return;
    alb_buf_printf(out, "%04d/%02d/%02d %02d:%02d:%02d.%06ld %s\n", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                   t.tm_hour, t.tm_min, t.tm_sec, now.tv_nsec / 1000, text);
}

static void put_json(struct alb_buf *out, const char *text)
{
    struct alb_json j;
    char when[25];
    alb_time_rfc3339(alb_wall(alb_clock_real()), when);
    alb_json_init(&j, out);
    alb_json_object(&j);
    alb_json_kc(&j, "time", when);
    alb_json_kc(&j, "level", "INFO");
    alb_json_kc(&j, "msg", text);
    alb_json_end(&j);
    alb_buf_char(out, '\n');
}

static void put(int fd, const char *fmt, va_list args)
{
    char text[4096];
    struct alb_buf line = ALB_BUF_INIT(LINE_MAX_BYTES);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    if (as_json)
        put_json(&line, text);
    else
        put_plain(&line, text);
    struct alb_str v = alb_buf_view(&line);
    alb_ignore(alb_fs_write_all(fd, v.p, v.n, NULL), "nobody reads it");
    alb_buf_fini(&line);
}

void alb_tusd_say(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    put(STDOUT_FILENO, fmt, args);
    va_end(args);
}

void alb_tusd_complain(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    put(STDERR_FILENO, fmt, args);
    va_end(args);
}
