/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"

#define WIDTH_MAX 200u
#define TRIES 3

/* ---- words ---- */

static bool put(int fd, struct alb_str text)
{
    return alb_fs_write_all(fd, text.p, text.n, NULL) == ALB_OK;
}

/* The last column stays free: some terminals go to the next line when it is written. */
static size_t width(void)
{
    struct winsize size;
    size_t columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80u;
    return columns < WIDTH_MAX ? columns - 1 : WIDTH_MAX;
}

static bool take_back(struct alb_terminal *t)
{
    bool was = t->line;
    t->line = false;
    return !was || put(STDERR_FILENO, ALB_STR("\r\x1b[K"));
}

static bool terminal_write(struct alb_console *c, int stream, struct alb_str text)
{
    struct alb_terminal *t = ALB_CONTAINER_OF(c, struct alb_terminal, console);
    if (stream != ALB_STREAM_PROGRESS)
        return take_back(t) && put(stream == ALB_STREAM_OUT ? STDOUT_FILENO : STDERR_FILENO, text);
    if (!t->shows)
        return true;
    if (!take_back(t))
        return false;
    t->line = text.n > 0;
    return put(STDERR_FILENO, alb_str_sub(text, 0, width()));
}

void alb_terminal_init(struct alb_terminal *t)
{
    const char *kind = getenv("TERM");
    *t = (struct alb_terminal){.console = {.write = terminal_write},
                               .shows = isatty(STDERR_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0};
}

void alb_terminal_end(struct alb_terminal *t)
{
    (void)take_back(t);
}

/* ---- passwords ---- */

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU};
#define WATCHED (sizeof(watched) / sizeof(watched[0]))

static volatile sig_atomic_t caught;

static void catch_it(int number)
{
    caught = number;
}

struct prompt {
    struct termios before;
    sigset_t mask; /* as it was */
    struct sigaction old[WATCHED];
};

/* No echo; the signals that end or stop a process come only while we wait (ppoll), so none is missed. What is
 * ignored (nohup) stays so. */
static void quiet(struct prompt *p)
{
    struct sigaction act = {.sa_handler = catch_it};
    struct termios silent = p->before;
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < WATCHED; i++)
        (void)sigaddset(&set, watched[i]);
    (void)sigprocmask(SIG_BLOCK, &set, &p->mask);
    for (size_t i = 0; i < WATCHED; i++)
        if (sigaction(watched[i], NULL, &p->old[i]) == 0 && p->old[i].sa_handler != SIG_IGN)
            (void)sigaction(watched[i], &act, NULL);
    silent.c_lflag &= (tcflag_t)~ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &silent);
}

static void loud(const struct prompt *p)
{
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &p->before);
    for (size_t i = 0; i < WATCHED; i++)
        (void)sigaction(watched[i], &p->old[i], NULL);
    (void)sigprocmask(SIG_SETMASK, &p->mask, NULL);
}

enum line { LINE_WHOLE, LINE_NONE, LINE_SIGNAL };

/* Until there is something to read; false: a signal came that wants us. */
static bool wait_for_input(const sigset_t *mask)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    while (ppoll(&in, 1, NULL, mask) < 0 && errno == EINTR)
        if (caught)
            return false;
    return true;
}

/* Byte by byte: what comes behind the line belongs to the next one, or to somebody else. mask NULL: no
 * terminal. */
static enum line read_line(char *room, size_t cap, size_t *n, const sigset_t *mask)
{
    for (*n = 0;;) {
        char c = 0;
        if (mask && !wait_for_input(mask))
            return LINE_SIGNAL;
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 && *n == 0)
            return LINE_NONE;
        if (got <= 0 || c == '\n')
            break;
        if (*n < cap)
            room[(*n)++] = c;
    }
    if (*n > 0 && *n < cap && room[*n - 1] == '\r')
        --*n;
    return LINE_WHOLE;
}

/* A signal ends or stops us in its own way, on a terminal that is as it was; after a stop it is asked again.
 */
static enum line ask(struct prompt *p, struct alb_str question, char *room, size_t cap, size_t *n)
{
    for (;;) {
        (void)put(STDERR_FILENO, question);
        enum line line = read_line(room, cap, n, &p->mask);
        (void)put(STDERR_FILENO, ALB_STR("\n"));
        if (line != LINE_SIGNAL)
            return line;
        int number = caught;
        caught = 0;
        loud(p);
        (void)kill(getpid(), number);
        quiet(p);
    }
}

static bool ask_twice(struct prompt *p, char *room, size_t cap, char *again, struct alb_str *password)
{
    size_t n, m;
    for (int i = 0; i < TRIES; i++) {
        if (ask(p, ALB_STR("New password: "), room, cap, &n) != LINE_WHOLE ||
            ask(p, ALB_STR("The same again: "), again, cap, &m) != LINE_WHOLE) {
            (void)put(STDERR_FILENO, ALB_STR("albumen: no password was given, nothing is changed\n"));
            return false;
        }
        *password = alb_str_n(room, n);
        if (alb_str_eq(*password, alb_str_n(again, m)))
            return true;
        (void)put(STDERR_FILENO, ALB_STR("The two are not the same.\n"));
    }
    (void)put(STDERR_FILENO, ALB_STR("albumen: nothing is changed\n"));
    return false;
}

bool alb_terminal_password(char *room, size_t cap, struct alb_str *password)
{
    struct prompt p;
    char again[4096];
    size_t n = 0;
    *password = ALB_STR("");
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &p.before) != 0) {
        if (read_line(room, cap, &n, NULL) == LINE_WHOLE)
            *password = alb_str_n(room, n);
        return true;
    }
    quiet(&p);
    bool given = ask_twice(&p, room, cap < sizeof(again) ? cap : sizeof(again), again, password);
    loud(&p);
    alb_wipe(again, sizeof(again));
    return given;
}
