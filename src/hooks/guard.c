/* SPDX-License-Identifier: Apache-2.0
 *
 * What ends programs when the server cannot any more: killed by kill -9 or for want of memory, it leaves them
 * to nobody. The guard is a process of its own, forked when the room opens. It is told of each program that
 * starts and of each that is over, and when the other end of its socket is closed, by whatever end of the
 * server, it kills the process groups of those that are left, and ends.
 *
 * A process group rather than PR_SET_PDEATHSIG, which reaches the program alone: most are shells, and what
 * takes long is their child. What a program leaves behind when it is over, and that has let go of its standard
 * output, was meant to go on, and does.
 *
 *   G1  a number is taken off the list before its child is reaped: until then it is nobody else's.
 *   G2  between fork and _exit the guard calls only what is safe after fork in a process with threads: its
 *       list is an array, and it keeps no descriptor but its own (so no lock and no port of the server's).
 *
 * A program that starts in the very moment in which the server is killed may be missed. Without a guard (no
 * process can be made) hooks work all the same. Threads: open and close: the room's opener; add and drop: the
 * room's thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "hooks/priv.h"

#define PROGRAMS_MAX 2048

struct word { /* one message */
    pid_t group;
    bool begins;
};

/* ---- the guard's side ---- */

static void note(pid_t list[PROGRAMS_MAX], size_t *n, const struct word *w)
{
    size_t i = 0;
    if (w->begins && *n < PROGRAMS_MAX)
        list[(*n)++] = w->group;
    if (w->begins)
        return;
    while (i < *n && list[i] != w->group)
        i++;
    if (i < *n)
        list[i] = list[--*n];
}

static void guard(int in)
{
    pid_t list[PROGRAMS_MAX];
    struct word w;
    size_t n = 0;
    ssize_t got;
    (void)setsid(); /* what is sent to the server's group, by a terminal say, is not meant for us */
    (void)prctl(PR_SET_NAME, "albumen-guard");
    if (in != STDIN_FILENO && dup2(in, STDIN_FILENO) < 0)
        _exit(1);
    if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
        _exit(1);
    (void)close(STDOUT_FILENO);
    (void)close(STDERR_FILENO);
    while ((got = recv(STDIN_FILENO, &w, sizeof(w), 0)) > 0 || (got < 0 && errno == EINTR))
        if (got == (ssize_t)sizeof(w))
            note(list, &n, &w);
    for (size_t i = 0; i < n; i++)
        (void)kill(-list[i], SIGKILL);
    _exit(0);
}

/* ---- the server's side ---- */

void alb_hook_guard_open(struct alb_hook_guard *g)
{
    int ends[2];
    sigset_t all, before;
    *g = (struct alb_hook_guard){.fd = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        alb_log(ALB_LOG_WARN, "no guard for the programs of hooks", ALB_LOG_INT("errno", errno));
        return;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the guard's; only SIGKILL ends it before its time */
    g->pid = fork();
    if (g->pid == 0)
        guard(ends[1]);
    int why = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    alb_fs_close(&ends[1]);
    g->fd = ends[0];
    if (g->pid > 0)
        return;
    alb_log(ALB_LOG_WARN, "no guard for the programs of hooks", ALB_LOG_INT("errno", why));
    alb_fs_close(&g->fd);
    g->pid = 0;
}

/* Never waits: one that does not listen (stopped, or killed by hand) is given up, before it acts on old news. */
static void say(struct alb_hook_guard *g, pid_t group, bool begins)
{
    const struct word w = {.group = group, .begins = begins};
    if (g->fd < 0 || send(g->fd, &w, sizeof(w), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(w))
        return;
    alb_log(ALB_LOG_WARN, "the guard for the programs of hooks is lost", ALB_LOG_INT("errno", errno));
    (void)kill(g->pid, SIGKILL);
    alb_fs_close(&g->fd);
}

void alb_hook_guard_add(struct alb_hook_guard *g, pid_t group)
{
    say(g, group, true);
}

void alb_hook_guard_drop(struct alb_hook_guard *g, pid_t group)
{
    say(g, group, false);
}

void alb_hook_guard_close(struct alb_hook_guard *g)
{
    alb_fs_close(&g->fd);
    if (g->pid > 0)
        (void)waitpid(g->pid, NULL, 0); /* it has nothing to do but to end */
    g->pid = 0;
}
