/* SPDX-License-Identifier: Apache-2.0
 *
 * `albumen import`: options, hello, run, watch, report. The main thread owns signals (through a signalfd: no
 * handler, nothing interrupted) and the screen; everything else happens in the threads of the run.
 */
#include "import/import.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/fs.h"
#include "import/pipeline.h"
#include "import/progress.h"
#include "import/report.h"

#define TICK_MS 200
#define REPORT_MAX ((size_t)64 << 20)

struct import {
    struct alb_import_config config;
    struct alb_run run;
    sigset_t watched, before;
    int signal_fd;
    int64_t began_ns;
    int signal; /* the first that came; 0 = none */
    int64_t abort_at_ns;
};

static void print(int fd, struct alb_str text)
{
    alb_ignore(alb_fs_write_all(fd, text.p, text.n, NULL), "nobody reads it then");
}

static void message(const char *kind, const char *text)
{
    struct alb_buf line = ALB_BUF_INIT(8192);
    alb_buf_printf(&line, "albumen import: %s", kind);
    alb_tally_safe_text(&line, alb_str_c(text));
    alb_buf_char(&line, '\n');
    print(STDERR_FILENO, alb_buf_view(&line));
    alb_buf_fini(&line);
}

/* --- signals -----------------------------------------------------------------------------------------------
 */

static enum alb_code take_signals(struct import *m, struct alb_err *err)
{
    sigemptyset(&m->watched);
    sigaddset(&m->watched, SIGINT);
    sigaddset(&m->watched, SIGTERM);
    sigaddset(&m->watched, SIGHUP);
    sigset_t block = m->watched;
    sigaddset(&block, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &block, &m->before); /* threads to come inherit it */
    m->signal_fd = signalfd(-1, &m->watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (m->signal_fd >= 0)
        return ALB_OK;
    int sys = errno;
    pthread_sigmask(SIG_SETMASK, &m->before, NULL);
    return alb_fail_sys(err, ALB_E_IO, sys, "cannot watch for signals");
}

static void give_signals_back(struct import *m)
{
    if (m->signal_fd < 0)
        return;
    alb_fs_close(&m->signal_fd);
    /* A SIGPIPE of ours that waits must not end the caller. */
    struct timespec none = {0, 0};
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    if (!sigismember(&m->before, SIGPIPE))
        while (sigtimedwait(&pipe_only, NULL, &none) == SIGPIPE) {
        }
    pthread_sigmask(SIG_SETMASK, &m->before, NULL);
}

/* First: nothing new, and a moment for what is nearly done. Second: now. Third: without a word. */
static void on_signal(struct import *m, int number, int64_t now_ns)
{
    if (m->signal == 0) {
        m->signal = number;
        m->abort_at_ns = now_ns + ALB_IMPORT_GRACE_NS;
        alb_run_stop(&m->run, ALB_STOP_DRAIN);
        return;
    }
    if (m->abort_at_ns == ALB_NEVER)
        _exit(128 + number);
    m->abort_at_ns = ALB_NEVER;
    alb_run_stop(&m->run, ALB_STOP_ABORT);
}

static void read_signals(struct import *m, int64_t now_ns)
{
    struct signalfd_siginfo info;
    while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        on_signal(m, (int)info.ssi_signo, now_ns);
}

/* --- watching ----------------------------------------------------------------------------------------------
 */

static void show(struct import *m, struct alb_screen *screen, struct alb_meter *meter, int64_t now_ns)
{
    struct alb_tally_view v;
    alb_tally_look(&m->run.tally, &v);
    int64_t since = alb_outage_since(&m->run.server.outage);
    struct alb_progress p = alb_progress_of(&v, meter, now_ns, since && now_ns > since ? now_ns - since : 0,
                                            alb_stop_asked(&m->run.stop));
    alb_meter_add(
        meter, (struct alb_meter_sample){
                   .at_ns = now_ns, .files = (int64_t)p.files_done, .bytes = p.bytes_done, .sent = v.sent});
    alb_screen_show(screen, &p, now_ns);
}

static void watch(struct import *m)
{
    const struct alb_clock *clock = alb_clock_real();
    struct alb_screen screen;
    struct alb_meter meter = {.n = 0};
    alb_screen_init(&screen, STDERR_FILENO, !m->config.quiet);
    for (;;) {
        struct pollfd fds[2] = {{.fd = m->run.done_fd, .events = POLLIN},
                                {.fd = m->signal_fd, .events = POLLIN}};
        int ready = poll(fds, 2, TICK_MS);
        int64_t now = alb_mono(clock);
        if (ready > 0 && fds[1].revents)
            read_signals(m, now);
        if (ready > 0 && fds[0].revents)
            break;
        if (m->signal != 0 && m->abort_at_ns != ALB_NEVER && now >= m->abort_at_ns) {
            m->abort_at_ns = ALB_NEVER;
            alb_run_stop(&m->run, ALB_STOP_ABORT);
        }
        show(m, &screen, &meter, now);
    }
    alb_screen_fini(&screen);
}

/* --- before and after --------------------------------------------------------------------------------------
 */

/* Is there a server, is the key good, what does it take? */
static enum alb_code hello(struct import *m, struct alb_err *err)
{
    struct alb_api api;
    struct alb_buf who = ALB_BUF_INIT(1024), line = ALB_BUF_INIT(4096);
    enum alb_code code = alb_api_init(&api, &m->run.server, err);
    if (code == ALB_OK)
        code = alb_api_hello(&api, &m->run.types, &who, err);
    if (code != ALB_OK)
        alb_err_context(err, "%s", alb_buf_cstr(&m->config.server));
    if (code == ALB_OK && !m->config.quiet) {
        alb_buf_printf(&line, "to %s", alb_buf_cstr(&m->config.server));
        if (who.n > 0)
            alb_buf_printf(&line, " as %s", alb_buf_cstr(&who));
        if (m->config.dry_run)
            alb_buf_c(&line, " (dry run)");
        message("", alb_buf_cstr(&line));
    }
    alb_api_fini(&api);
    alb_buf_fini(&who);
    alb_buf_fini(&line);
    return code;
}

/* Without a journal that was not asked for by name the import runs all the same, but two at a time on one
 * journal would send everything twice. */
static enum alb_code open_journal(struct import *m, struct alb_journal **journal, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    *journal = NULL;
    if (!m->config.has_journal)
        return ALB_OK;
    enum alb_journal_mode mode = m->config.dry_run ? ALB_JOURNAL_READ : ALB_JOURNAL_WRITE;
    enum alb_code code = alb_journal_open(alb_buf_cstr(&m->config.journal), mode, journal, &why);
    if (code == ALB_OK)
        return ALB_OK;
    if (code == ALB_E_CONFLICT || m->config.journal_asked) {
        *err = why;
        return code;
    }
    alb_err_context(&why, "goes on without a journal");
    message("", why.msg);
    return ALB_OK;
}

static enum alb_code begin(struct import *m, char **paths, struct alb_err *err)
{
    struct alb_folder_config folders = {.select = &m->run.select,
                                        .paths = paths,
                                        .recursive = m->config.recursive,
                                        .album_mode = m->config.folder_album,
                                        .album = m->config.album};
    struct alb_source *source = NULL;
    struct alb_journal *journal = NULL;
    if (!paths || !paths[0])
        return alb_fail(err, ALB_E_INVALID, "what is to be imported? Give folders or files");
    enum alb_code code = alb_source_folder_new(&folders, &source, err);
    if (code == ALB_OK)
        code = hello(m, err);
    if (code == ALB_OK)
        code = open_journal(m, &journal, err);
    /* From here on; before, a signal may simply end the process. */
    if (code == ALB_OK)
        code = take_signals(m, err);
    if (code == ALB_OK)
        return alb_run_start(&m->run, source, journal, err);
    alb_journal_close(&journal);
    if (source)
        source->free(source);
    return code;
}

static int exit_code(const struct import *m, const struct alb_tally_view *v)
{
    if (m->signal != 0)
        return 128 + m->signal;
    bool clean = v->outcome[ALB_OUTCOME_FAILED].files == 0 && v->folders_failed == 0 &&
                 v->outcome[ALB_OUTCOME_LEFT].files == 0 && m->run.fatal.code == ALB_OK;
    return clean ? ALB_IMPORT_EXIT_OK : ALB_IMPORT_EXIT_FAILED;
}

static int report(struct import *m)
{
    struct alb_tally_view v;
    struct alb_buf out = ALB_BUF_INIT(REPORT_MAX);
    struct alb_err why = ALB_ERR_INIT;
    alb_tally_look(&m->run.tally, &v);
    ALB_CHECK(alb_tally_adds_up(&v));
    struct alb_report r = {.view = &v,
                           .server = alb_buf_view(&m->config.server),
                           .dry_run = m->config.dry_run,
                           .took_ns = alb_mono(alb_clock_real()) - m->began_ns,
                           .signal = m->signal,
                           .exit_code = exit_code(m, &v)};
    r.failures = alb_tally_failures(&m->run.tally, &r.failures_n);
    if (m->signal != 0)
        r.note = m->signal == SIGINT ? "interrupted" : "ended by a signal";
    else if (m->run.fatal.code != ALB_OK)
        r.note = m->run.fatal.msg;
    if (alb_journal_broken(m->run.journal, &why))
        message("", why.msg);
    if (m->config.json)
        alb_report_json(&r, &out);
    else if (m->config.quiet)
        alb_report_failures(&r, ALB_IMPORT_FAILURES_MAX, &out);
    else
        alb_report_text(&r, &out);
    if (alb_buf_code(&out) == ALB_OK)
        print(STDOUT_FILENO, alb_buf_view(&out));
    else
        message("", "no memory for the report");
    if (m->config.quiet && !m->config.json && r.note)
        message("", r.note);
    alb_buf_fini(&out);
    return r.exit_code;
}

int alb_import_main(const struct alb_options *o, char **paths)
{
    struct import m = {.signal_fd = -1, .began_ns = alb_mono(alb_clock_real())};
    struct alb_err err = ALB_ERR_INIT;
    int rc = ALB_IMPORT_EXIT_USAGE;
    enum alb_code code = alb_import_config_init(&m.config, o, &err);
    if (code != ALB_OK) {
        message("", err.msg);
        return rc;
    }
    code = alb_run_init(&m.run, &m.config, &err);
    if (code == ALB_OK) {
        code = begin(&m, paths, &err);
        if (code == ALB_OK) {
            watch(&m);
            alb_run_join(&m.run);
            rc = report(&m);
        }
        alb_run_fini(&m.run);
        give_signals_back(&m);
    }
    if (code != ALB_OK)
        message("", err.msg);
    alb_import_config_fini(&m.config);
    return rc;
}
