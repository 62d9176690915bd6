/* SPDX-License-Identifier: Apache-2.0
 *
 * The master's side of the zygote: starting it, hearing from it, living on without it. Everything here runs
 * on the master thread: the zygote's death signal is tied to the thread that started it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/stat.h"
#include "image/darkroom_priv.h"

#define MAGIC (ALB_DARKROOM_MAGIC | ALB_DARKROOM_ABI)
#define PAUSE_MIN (100 * ALB_NS_PER_MS)
#define PAUSE_MAX (10 * ALB_NS_PER_S)
#define HELLO_PATIENCE (20 * ALB_NS_PER_S)
#define ENV_MAX 24

/* The zygote's environment: ours says nothing to it but what sanitizers and the loader need. */
static void make_env(char *env[ENV_MAX])
{
    static const char *const fixed[] = {
        "LC_ALL=C.UTF-8",
        "PATH=/usr/bin:/bin",
        "HOME=/nonexistent",
        "LD_BIND_NOW=1", /* symbols are looked up once, here, not in each worker */
        "XDG_CACHE_HOME=/nonexistent",
        "VIPS_NOVECTOR=1",          /* the JIT would need executable memory */
        "ORC_CODE=emulate",         /* and some operations would compile for it all the same */
        "VIPS_DISC_THRESHOLD=100g", /* else large pictures go through /tmp */
        "VIPS_WARNING=0",
        "OMP_NUM_THREADS=1", /* libraw: one worker, one processor */
        "GIO_USE_VFS=local",
        "MAGICK_CONFIGURE_PATH=/nonexistent",
    };
    static const char *const passed[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS",   "LSAN_OPTIONS",
                                         "TSAN_OPTIONS", "LD_LIBRARY_PATH", "TZ"};
    size_t n = 0;
    for (size_t i = 0; i < ALB_ARRAY_LEN(fixed); i++)
        env[n++] = (char *)(uintptr_t)fixed[i];
    for (char **e = environ; *e && n + 1 < ENV_MAX; e++) {
        for (size_t i = 0; i < ALB_ARRAY_LEN(passed); i++) {
            size_t len = strlen(passed[i]);
            if (strncmp(*e, passed[i], len) == 0 && (*e)[len] == '=')
                env[n++] = *e;
        }
    }
    env[n] = NULL;
}

static int spawn_program(struct alb_darkroom *dr, int sock, pid_t *pid)
{
    char path[64], server[16], uid[16];
    char *argv[] = {(char[]){"albumen-darkroom"}, (char[]){ALB_DARKROOM_ARG}, server, uid, NULL},
         *env[ENV_MAX];
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", dr->program_fd);
    snprintf(server, sizeof(server), "%d", (int)getpid());
    snprintf(uid, sizeof(uid), "%u", (unsigned)dr->config.uid);
    make_env(env);
    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attr) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    int rc = posix_spawn_file_actions_adddup2(&files, sock, ALB_DARKROOM_FD);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(&attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(&attr, &all);
    /* a session of its own: the terminal's ^C is for the server, which drains first */
    if (rc == 0)
        rc = posix_spawnattr_setflags(&attr,
                                      POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (rc == 0)
        rc = posix_spawn(pid, path, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

static void retry_later(struct alb_darkroom *dr)
{
    dr->zygote_pause = dr->zygote_pause == 0 ? PAUSE_MIN : dr->zygote_pause * 2;
    if (dr->zygote_pause > PAUSE_MAX)
        dr->zygote_pause = PAUSE_MAX;
    dr->zygote_retry_at = alb_deadline(alb_dr_now(), dr->zygote_pause);
}

void alb_dr_zygote_start(struct alb_darkroom *dr)
{
    int pair[2], rc;
    pid_t pid = 0;
    struct alb_err err = ALB_ERR_INIT;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        retry_later(dr);
        return;
    }
    rc = spawn_program(dr, pair[1], &pid);
    close(pair[1]);
    if (rc == 0 && !alb_dr_watch(dr, pair[0], ALB_TAG_CONTROL))
        rc = errno;
    if (rc != 0) {
        close(pair[0]);
        retry_later(dr);
        alb_fail_sys(&err, ALB_E_INTERNAL, rc, "starting %s", dr->program);
        alb_log_err("darkroom cannot start", &err);
        alb_dr_boot(dr, ALB_BOOT_FAILED, &err);
        return;
    }
    dr->control = pair[0];
    dr->hello = false;
    dr->hello_by = alb_deadline(alb_dr_now(), HELLO_PATIENCE);
    alb_mutex_lock(&dr->mtx);
    dr->zygote_pid = pid;
    alb_mutex_unlock(&dr->mtx);
}

static void on_hello(struct alb_darkroom *dr, const struct alb_control_packet *p)
{
    dr->hello = true;
    dr->hello_by = ALB_NEVER;
    alb_mutex_lock(&dr->mtx);
    dr->landlock = p->landlock;
    dr->fonts_possible = p->landlock > 0;
    alb_mutex_unlock(&dr->mtx);
}

static struct alb_slot *slot_of(struct alb_darkroom *dr, uint64_t worker)
{
    for (unsigned i = 0; i < dr->slot_count; i++) {
        if (dr->slots[i].state != ALB_SLOT_EMPTY && dr->slots[i].id == worker)
            return &dr->slots[i];
    }
    return NULL;
}

void alb_dr_zygote_event(struct alb_darkroom *dr)
{
    struct alb_control_packet p;
    int fd;
    ssize_t n = alb_packet_recv(dr->control, &p, sizeof(p), &fd, 1);
    if (n != (ssize_t)sizeof(p) || p.magic != MAGIC) {
        if (n > 0 && fd >= 0)
            close(fd);
        alb_dr_zygote_lost(dr, n > 0 ? "it is of another version" : "it ended");
        return;
    }
    struct alb_slot *s = slot_of(dr, p.worker);
    if (p.kind == ALB_PACKET_HELLO) {
        on_hello(dr, &p);
    } else if (p.kind == ALB_PACKET_SPAWNED && s) {
        alb_dr_slot_spawned(dr, s, p.pid, fd);
        fd = -1;
    } else if (p.kind == ALB_PACKET_EXITED && s) {
        alb_dr_slot_exited(dr, s, p.status);
    }
    if (fd >= 0)
        close(fd);
}

/* The workers die with the zygote; their jobs may end only when that is so. */
static void await_death(const struct alb_slot *s)
{
    if (s->pidfd >= 0) {
        struct pollfd p = {.fd = s->pidfd, .events = POLLIN};
        syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
        while (poll(&p, 1, 1000) < 0 && errno == EINTR)
            continue;
    }
    if (s->pid > 0) /* if we are init, or somebody's subreaper, it is ours now */
        waitpid(s->pid, NULL, WNOHANG);
}

void alb_dr_zygote_lost(struct alb_darkroom *dr, const char *why)
{
    struct alb_err err = ALB_ERR_INIT;
    int status = 0;
    if (dr->control < 0)
        return;
    close(dr->control);
    dr->control = -1;
    kill(dr->zygote_pid, SIGKILL);
    while (waitpid(dr->zygote_pid, &status, 0) < 0 && errno == EINTR)
        continue;
    alb_mutex_lock(&dr->mtx);
    dr->zygote_pid = 0;
    bool closing = dr->closing;
    alb_mutex_unlock(&dr->mtx);
    if (!closing) {
        alb_stat_inc(ALB_STAT_DARKROOM_ZYGOTES_LOST);
        alb_fail(&err, ALB_E_INTERNAL, "the darkroom's zygote is lost: %s (%s %d)", why,
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        alb_log_err("darkroom restarts", &err);
        if (!dr->hello)
            alb_dr_boot(dr, ALB_BOOT_FAILED, &err);
    }
    dr->hello = false;
    retry_later(dr);
    for (unsigned i = 0; i < dr->slot_count; i++) {
        struct alb_slot *s = &dr->slots[i];
        if (s->state == ALB_SLOT_EMPTY)
            continue;
        await_death(s);
        alb_dr_slot_exited(dr, s, -1);
    }
}

void alb_dr_zygote_end(struct alb_darkroom *dr)
{
    if (dr->control < 0)
        return;
    close(dr->control); /* it leaves when it reads the end */
    dr->control = -1;
    struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, dr->zygote_pid, 0), .events = POLLIN};
    if (p.fd >= 0) {
        while (poll(&p, 1, 2000) < 0 && errno == EINTR)
            continue;
        close(p.fd);
    }
    kill(dr->zygote_pid, SIGKILL);
    while (waitpid(dr->zygote_pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    alb_mutex_lock(&dr->mtx);
    dr->zygote_pid = 0;
    alb_mutex_unlock(&dr->mtx);
}

const char *alb_dr_profile_missing(const struct alb_darkroom *dr, enum alb_lane lane)
{
    bool fonts = lane == ALB_LANE_FONTS || lane == ALB_LANE_PROBE_FONTS;
    return fonts && !dr->fonts_possible ? "this kernel has no Landlock: SVG and PDF are not opened" : NULL;
}
