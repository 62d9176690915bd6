/* SPDX-License-Identifier: Apache-2.0
 *
 * /metrics in the Prometheus text format 0.0.4: the table, the histograms, the locks, the process and the
 * build. Names and units of the process block are those that every Prometheus client library uses.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/build.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/stat_priv.h"

enum kind { COUNTER, GAUGE };

static const struct {
    enum kind kind;
    const char *name, *labels, *help;
} table[ALB_STAT_COUNT] = {
#define ALB_X(id, kind, name, labels, help) [ALB_STAT_##id] = {kind, name, labels, help},
#include "tbl/stats.h"
#undef ALB_X
};

static const struct {
    const char *name, *help, *labels; /* labels: "key=\"value\"," with a comma at the end, or NULL */
} histograms[ALB_HIST_COUNT] = {
    [ALB_HIST_HTTP_REQUEST] = {"albumen_http_request_seconds",
                               "Time of a request, from the first byte of its head to the last of the answer",
                               NULL},
    [ALB_HIST_HTTP_STEP] = {"albumen_http_step_seconds", "Time of one step of a request on the io pool",
                            NULL},
    [ALB_HIST_RENDER] = {"albumen_render_seconds",
                         "Time of a picture that was in no cache, from request to result", NULL},
    [ALB_HIST_DARKROOM_RENDER] = {"albumen_darkroom_seconds", "Time of one job in a darkroom worker",
                                  "work=\"render\","},
    [ALB_HIST_DARKROOM_PROBE] = {"albumen_darkroom_seconds", "Time of one job in a darkroom worker",
                                 "work=\"probe\","},
    [ALB_HIST_COMMIT] = {"albumen_catalog_commit_seconds", "Time of one group commit", NULL},
    [ALB_HIST_RENDER_QUEUE] = {"albumen_render_queue_seconds", "Wait of a picture for its slot", NULL},
    [ALB_HIST_SOURCE] = {"albumen_source_seconds", "Time until a remote or local source was there, or failed",
                         NULL},
    [ALB_HIST_IMGPROXY] = {"albumen_imgproxy_request_seconds",
                           "Time of a request for a picture by imgproxy's URLs", NULL},
    [ALB_HIST_IMGPROXY_SEND] = {"albumen_imgproxy_send_seconds", "Time that its answer took to be sent",
                                NULL},
};

static void write_head(struct alb_buf *out, const char *name, const char *type, const char *help)
{
    alb_buf_printf(out, "# HELP %s ", name);
    for (; *help != '\0'; help++) {
        if (*help == '\\')
            alb_buf_c(out, "\\\\");
        else if (*help == '\n')
            alb_buf_c(out, "\\n");
        else
            alb_buf_char(out, *help);
    }
    alb_buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void write_table(struct alb_buf *out)
{
    for (unsigned s = 0; s < ALB_STAT_COUNT; s++) {
        /* Lines that differ only in labels stand together in the table and share one head. */
        if (s == 0 || strcmp(table[s].name, table[s - 1].name) != 0)
            write_head(out, table[s].name, table[s].kind == COUNTER ? "counter" : "gauge", table[s].help);
        alb_buf_c(out, table[s].name);
        if (table[s].labels[0] != '\0')
            alb_buf_printf(out, "{%s}", table[s].labels);
        alb_buf_char(out, ' ');
        alb_buf_i64(out, alb_stat_get((enum alb_stat)s));
        alb_buf_char(out, '\n');
    }
}

/* By integers: the decimal point must not depend on a locale. */
static void write_seconds(struct alb_buf *out, int64_t ns)
{
    alb_buf_printf(out, "%lld.%09lld", (long long)(ns / ALB_NS_PER_S), (long long)(ns % ALB_NS_PER_S));
}

void alb_stat_write_as(struct alb_buf *out, const char *name, const char *labels, enum alb_histogram h)
{
    int label_n = (int)strlen(labels); /* with the comma that the bounds need behind it */
    struct alb_hist_view v;
    int64_t up_to = 0;

    alb_hist_look(h, &v);
    for (unsigned b = 0; b < ALB_HIST_BUCKETS; b++) {
        up_to += v.bucket[b];
        /* Bounds are whole microseconds. */
        int64_t us = alb_hist_bound_ns(b) / 1000;
        alb_buf_printf(out, "%s_bucket{%sle=\"%lld.%06lld\"} %lld\n", name, labels, (long long)(us / 1000000),
                       (long long)(us % 1000000), (long long)up_to);
    }
    alb_buf_printf(out, "%s_bucket{%sle=\"+Inf\"} %lld\n", name, labels, (long long)v.count);
    const char *open = label_n > 0 ? "{" : "", *close = label_n > 0 ? "}" : "";
    label_n = label_n > 0 ? label_n - 1 : 0;
    alb_buf_printf(out, "%s_sum%s%.*s%s ", name, open, label_n, labels, close);
    write_seconds(out, v.sum_ns);
    alb_buf_printf(out, "\n%s_count%s%.*s%s %lld\n", name, open, label_n, labels, close, (long long)v.count);
}

static void write_histogram(struct alb_buf *out, enum alb_histogram h)
{
    const char *name = histograms[h].name;

    /* Those that differ only in labels stand together and share one head. */
    if (h == 0 || strcmp(name, histograms[h - 1].name) != 0)
        write_head(out, name, "histogram", histograms[h].help);
    alb_stat_write_as(out, name, histograms[h].labels ? histograms[h].labels : "", h);
}

static void write_locks(struct alb_buf *out)
{
    write_head(out, "albumen_lock_taken_total", "counter", "Locks taken, by class");
    for (unsigned c = 0; c < ALB_LOCK_CLASS_COUNT; c++) {
        struct alb_lock_stat s = alb_lock_stat((enum alb_lock_class)c);
        alb_buf_printf(out, "albumen_lock_taken_total{lock=\"%s\"} %llu\n", s.name,
                       (unsigned long long)s.taken);
    }
    write_head(out, "albumen_lock_contended_total", "counter",
               "Locks that were held by another when asked for");
    for (unsigned c = 0; c < ALB_LOCK_CLASS_COUNT; c++) {
        struct alb_lock_stat s = alb_lock_stat((enum alb_lock_class)c);
        alb_buf_printf(out, "albumen_lock_contended_total{lock=\"%s\"} %llu\n", s.name,
                       (unsigned long long)s.contended);
    }
}

static void write_number(struct alb_buf *out, const char *name, const char *type, const char *help, int64_t v)
{
    write_head(out, name, type, help);
    alb_buf_printf(out, "%s %lld\n", name, (long long)v);
}

/* The n-th number (from 0) of a /proc file that is one line of numbers and words; -1 if it is not there. The
 * second field of stat is a name in parentheses that may hold anything: counting begins after it. */
static int64_t proc_number(const char *path, unsigned n)
{
    char text[1024];
    size_t got;
    int fd;
    int64_t v;

    if (alb_fs_open(AT_FDCWD, path, O_RDONLY, 0, &fd, NULL) != ALB_OK)
        return -1;
    enum alb_code code = alb_fs_pread_all(fd, text, sizeof(text), 0, &got, NULL);
    alb_fs_close(&fd);
    if (code != ALB_OK)
        return -1;
    struct alb_str rest = alb_str_n(text, got), piece = ALB_STR_NONE;
    size_t name_end = alb_str_rfind(rest, ')');
    if (name_end != ALB_STR_NPOS)
        rest = alb_str_from(rest, name_end + 2);
    for (unsigned i = 0; i <= n; i++) {
        if (!alb_str_next(&rest, ' ', &piece))
            return -1;
    }
    return alb_str_i64(piece, &v) ? v : -1;
}

static int64_t count_open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    int64_t n = 0;

    if (d == NULL)
        return -1;
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n - 3; /* ".", ".." and the folder itself */
}

static void write_process(struct alb_buf *out)
{
    int64_t page = sysconf(_SC_PAGESIZE), tick = sysconf(_SC_CLK_TCK);
    struct rlimit files;
    struct rusage use;

    write_number(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size",
                 proc_number("/proc/self/statm", 0) * page);
    write_number(out, "process_resident_memory_bytes", "gauge", "Resident memory size",
                 proc_number("/proc/self/statm", 1) * page);
    write_number(out, "process_open_fds", "gauge", "Open file descriptors", count_open_files());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        write_number(out, "process_max_fds", "gauge", "Most file descriptors that may be open",
                     files.rlim_cur > INT64_MAX ? -1 : (int64_t)files.rlim_cur);
    /* Fields 20 and 22 of proc(5) stat; the first after the name is field 3. */
    write_number(out, "process_threads", "gauge", "Threads", proc_number("/proc/self/stat", 17));
    if (getrusage(RUSAGE_SELF, &use) == 0) {
        int64_t us = ((int64_t)use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec +
                     use.ru_stime.tv_usec;
        write_head(out, "process_cpu_seconds_total", "counter", "User and system time");
        alb_buf_c(out, "process_cpu_seconds_total ");
        write_seconds(out, us * 1000);
        alb_buf_char(out, '\n');
    }
    /* The start is told in ticks since boot: boot = now - uptime. */
    struct timespec up;
    int64_t ticks = proc_number("/proc/self/stat", 19);
    if (ticks >= 0 && clock_gettime(CLOCK_BOOTTIME, &up) == 0) {
        int64_t boot_ms = alb_wall(alb_clock_real()) - ((int64_t)up.tv_sec * 1000 + up.tv_nsec / 1000000);
        int64_t start_ms = boot_ms + ticks * 1000 / tick;
        write_head(out, "process_start_time_seconds", "gauge", "Start of the process since 1970");
        alb_buf_printf(out, "process_start_time_seconds %lld.%03lld\n", (long long)(start_ms / 1000),
                       (long long)(start_ms % 1000));
    }
}

void alb_stat_write(struct alb_buf *out)
{
    write_table(out);
    for (unsigned h = 0; h < ALB_HIST_COUNT; h++)
        write_histogram(out, (enum alb_histogram)h);
    write_locks(out);
    write_process(out);
    write_head(out, "albumen_build_info", "gauge", "Always 1; the labels name the build");
    alb_buf_printf(out, "albumen_build_info{version=\"%s\",build_id=\"%s\"} 1\n", alb_version(),
                   alb_build_id());
}
