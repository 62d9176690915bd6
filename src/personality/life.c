/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/life.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "http/http.h"

/* ---- signals ---- */

/* Before any thread is there: all of them inherit it. */
static void block_signals(sigset_t *set)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGPIPE};
    (void)sigemptyset(set);
    for (size_t i = 0; i < ALB_ARRAY_LEN(numbers); i++)
        (void)sigaddset(set, numbers[i]);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
}

static const char *last_words; /* set before the handler is */

static void on_second_signal(int number)
{
    (void)number;
    ssize_t n = write(STDOUT_FILENO, last_words, strlen(last_words));
    (void)n; /* leaving anyway */
    _exit(1);
}

static void let_second_signal_through(const char *words)
{
    struct sigaction act = {.sa_handler = on_second_signal};
    sigset_t again;
    last_words = words;
    if (words) {
        (void)sigaction(SIGTERM, &act, NULL);
        (void)sigaction(SIGINT, &act, NULL);
    }
    (void)sigemptyset(&again);
    (void)sigaddset(&again, SIGTERM);
    (void)sigaddset(&again, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &again, NULL);
}

/* ---- life ---- */

/* The number of the signal that ends it. */
static int wait_for_end(const struct alb_life *life, void *ctx, const sigset_t *set)
{
    int64_t pause = life->beat ? life->beat(ctx) : 0;
    for (;;) {
        const struct timespec t = {.tv_sec = pause / ALB_NS_PER_S, .tv_nsec = pause % ALB_NS_PER_S};
        int number = pause > 0 ? sigtimedwait(set, NULL, &t) : sigwaitinfo(set, NULL);
        if (number == SIGTERM || number == SIGINT)
            return number;
        if (number == SIGQUIT && life->dump)
            life->dump(ctx, STDERR_FILENO);
        if (number < 0 && errno == EAGAIN)
            pause = life->beat(ctx);
    }
}

static void say_cannot_start(const struct alb_life *life, void *ctx, const struct alb_err *err)
{
    if (life->cannot_start)
        life->cannot_start(ctx, err);
    else
        alb_log(ALB_LOG_ERROR, "cannot start", ALB_LOG_C("error", err->msg));
}

static void say_ended(const struct alb_life *life, void *ctx, bool clean)
{
    if (life->ended)
        life->ended(ctx, clean);
    else if (!clean)
        alb_log_event(ALB_LOG_WARN, "some requests were cut: they had not ended in time");
}

int alb_life_run(const struct alb_life *life, void *ctx)
{
    struct alb_err err = ALB_ERR_INIT;
    sigset_t set;
    block_signals(&set);
    if (life->up(ctx, &err) != ALB_OK) {
        say_cannot_start(life, ctx, &err);
        (void)life->down(ctx);
        return 1;
    }
    if (life->ready)
        life->ready(ctx);
    alb_http_notify("READY=1");
    int number = wait_for_end(life, ctx, &set);
    if (life->ending)
        life->ending(ctx, number);
    alb_http_notify("STOPPING=1");
    let_second_signal_through(life->last_words);
    say_ended(life, ctx, life->down(ctx));
    return 0;
}
