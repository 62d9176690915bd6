/* SPDX-License-Identifier: Apache-2.0
 *
 * A hook by program. Its standard input is a sealed memfd that holds the event, so nobody has to feed it and
 * a program that does not read blocks nobody; its standard output is a pipe that is read to the end (programs
 * may leave children behind that hold it, and are waited for, as tusd does); standard error is the server's.
 *
 * The child leads a process group of its own. It is reaped last of all, when nothing of the run is left: as
 * long as it is not, its number belongs to nobody else, and killing the group can hit no stranger (H1).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "hooks/priv.h"

#define READ_CHUNK 4096
#define ENV_OWN 3 /* TUS_ID, TUS_SIZE, TUS_OFFSET */
#define SHOWN_MAX 160
#define PASSWORD "ALBUMEN_ADMIN_PASSWORD=" /* of `albumen serve`, at its first start */

/* ---- starting ---- */

static int event_fd(const struct alb_hook_run *run, struct alb_err *err)
{
    int fd = memfd_create("hook", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        (void)alb_fail_sys(err, alb_code_of_errno(errno), errno, "no memory file for a hook");
        return -1;
    }
    if (alb_fs_write_all(fd, run->event->p, run->event->n, err) != ALB_OK) {
        alb_fs_close(&fd);
        return -1;
    }
    (void)lseek(fd, 0, SEEK_SET);
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return fd;
}

/* The server's environment, less its password, and ours on top. *room holds the three lines. */
static char **make_env(const struct alb_hook_run *run, struct alb_buf *room)
{
    static const char *const own[ENV_OWN] = {"TUS_ID=", "TUS_SIZE=", "TUS_OFFSET="};
    size_t n = 0, at[ENV_OWN], used = 0;
    while (environ[n])
        n++;
    char **env = alb_mem_calloc(n + ENV_OWN + 1, sizeof(*env));
    at[0] = 0;
    alb_buf_c(room, own[0]);
    alb_buf_str(room, alb_buf_view(&run->id));
    alb_buf_char(room, '\0');
    at[1] = room->n;
    alb_buf_printf(room, "%s%lld", own[1], (long long)run->size);
    alb_buf_char(room, '\0');
    at[2] = room->n;
    alb_buf_printf(room, "%s%lld", own[2], (long long)run->offset);
    alb_buf_char(room, '\0');
    if (!env || alb_buf_code(room) != ALB_OK) {
        alb_mem_free(env);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        /* Hooks are trusted, but what they start and log should not have what signs the administrator in. */
        bool ours = strncmp(environ[i], PASSWORD, sizeof(PASSWORD) - 1) == 0;
        for (size_t k = 0; k < ENV_OWN; k++)
            ours = ours || strncmp(environ[i], own[k], strlen(own[k])) == 0;
        if (!ours)
            env[used++] = environ[i];
    }
    for (size_t k = 0; k < ENV_OWN; k++)
        env[used++] = room->p + at[k];
    return env;
}

static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &all);
    if (rc == 0)
        rc = posix_spawnattr_setpgroup(attr, 0);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attr,
                                      POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return rc;
}

static int set_files(posix_spawn_file_actions_t *files, const char *dir, int in, int out)
{
    int rc = posix_spawn_file_actions_addchdir_np(files, dir);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    return rc;
}

/* 0, or an errno. */
static int spawn(struct alb_hook_run *run, const char *path, int in, int out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    struct alb_buf room = ALB_BUF_INIT(run->id.n + 256);
    char *argv[] = {(char *)(uintptr_t)path, NULL}, **env = make_env(run, &room);
    int rc = env ? posix_spawn_file_actions_init(&files) : ENOMEM;
    if (rc == 0) {
        rc = posix_spawnattr_init(&attr);
        if (rc == 0) {
            rc = set_attributes(&attr);
            if (rc == 0)
                rc = set_files(&files, run->room->dir, in, out);
            if (rc == 0)
                rc = posix_spawn(&run->pid, path, &files, &attr, argv, env);
            if (rc != 0)
                run->pid = 0;
            posix_spawnattr_destroy(&attr);
        }
        posix_spawn_file_actions_destroy(&files);
    }
    alb_mem_free(env);
    alb_buf_fini(&room);
    return rc;
}

static void stop(struct alb_hook_run *run);

/* True: it runs, or there is no such program (pid 0). */
static bool launch(struct alb_hook_run *run, const char *path, int in, struct alb_err *err)
{
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0) {
        (void)alb_fail_sys(err, ALB_E_INTERNAL, errno, "no pipe for the hook %s", path);
        return false;
    }
    int rc = spawn(run, path, in, out[1]);
    alb_fs_close(&out[1]);
    if (rc != 0) {
        alb_fs_close(&out[0]);
        if (rc == ENOENT)
            return true;
        (void)alb_fail_sys(err, ALB_E_INTERNAL, rc, "the hook %s cannot be started", path);
        return false;
    }
    alb_hook_guard_add(&run->room->guard, run->pid);
    run->out = out[0];
    run->pidfd = pidfd_open(run->pid, 0);
    if (run->pidfd < 0 || fcntl(run->out, F_SETFL, O_NONBLOCK) != 0) {
        (void)alb_fail_sys(err, ALB_E_INTERNAL, errno, "the hook %s cannot be watched", path);
        stop(run);
        alb_hook_guard_drop(&run->room->guard, run->pid);
        (void)waitid(P_PID, (id_t)run->pid, &(siginfo_t){0}, WEXITED); /* killed at its start: at once */
        run->pid = 0;
        return false;
    }
    return true;
}

static bool start(struct alb_hook_run *run, struct alb_hook_reply **reply, struct alb_err *err)
{
    char path[4096];
    struct alb_hooks *h = run->room;
    int in = event_fd(run, err);
    int n = snprintf(path, sizeof(path), "%s/%s", h->dir, alb_hook_name(run->type));
    bool ok = in >= 0 && n > 0 && (size_t)n < sizeof(path) && launch(run, path, in, err);
    alb_fs_close(&in);
    if (ok && run->pid != 0)
        return true;
    if (ok) /* no such program: the person uses other hooks only */
        alb_ignore(alb_hook_reply_parse(ALB_STR(""), reply, err), "it left *err");
    else
        (void)alb_fail(err, ALB_E_INTERNAL, "the hook %s cannot be started", alb_hook_name(run->type));
    return false;
}

/* ---- ending ---- */

static void stop(struct alb_hook_run *run)
{
    alb_fs_close(&run->out);
    if (run->pid != 0)
        (void)kill(-run->pid, SIGKILL);
}

/* Reaps the child once it has exited. */
static bool gone(struct alb_hook_run *run)
{
    siginfo_t info = {0};
    if (run->pid == 0)
        return true;
    if (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        return false;
    alb_hook_guard_drop(&run->room->guard, run->pid);
    (void)waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG);
    run->pid = 0;
    alb_fs_close(&run->pidfd);
    return true;
}

/* False: the program prints too much. At the end of the pipe run->out is closed. */
static bool drain(struct alb_hook_run *run)
{
    char chunk[READ_CHUNK];
    for (;;) {
        ssize_t n = read(run->out, chunk, sizeof(chunk));
        if (n > 0) {
            alb_buf_add(&run->output, chunk, (size_t)n);
            if (alb_buf_code(&run->output) != ALB_OK)
                return false;
        } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            alb_fs_close(&run->out);
            return true;
        } else if (errno == EAGAIN) {
            return true;
        }
    }
}

static void judge(struct alb_hook_run *run, const siginfo_t *info, struct alb_hook_reply **reply,
                  struct alb_err *err)
{
    struct alb_str text = alb_buf_view(&run->output);
    int status = info->si_code == CLD_EXITED ? info->si_status : -1; /* -1: by a signal, as Go says */
    if (status != 0) {
        (void)alb_fail(err, ALB_E_INTERNAL, "unexpected return code %d from hook endpoint: " ALB_STR_FMT,
                       status, ALB_STR_ARG(alb_str_sub(text, 0, SHOWN_MAX)));
        return;
    }
    if (alb_hook_reply_parse(text, reply, err) == ALB_E_INVALID)
        err->code = ALB_E_INTERNAL;
}

static bool go_on(struct alb_hook_run *run, struct alb_hook_reply **reply, struct alb_err *err)
{
    siginfo_t info = {0};
    if (run->out >= 0 && !drain(run)) {
        (void)alb_fail(err, ALB_E_INTERNAL, "the hook %s printed more than %zu bytes",
                       alb_hook_name(run->type), run->room->config.output_max);
        stop(run);
        return true;
    }
    if (!run->exited) {
        struct pollfd p = {.fd = run->pidfd, .events = POLLIN, .revents = 0};
        run->exited = poll(&p, 1, 0) == 1;
    }
    if (!run->exited || run->out >= 0)
        return false;
    if (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        (void)alb_fail_sys(err, ALB_E_INTERNAL, errno, "the exit status of the hook %s is lost",
                           alb_hook_name(run->type));
    else
        judge(run, &info, reply, err);
    return true;
}

static unsigned polls(const struct alb_hook_run *run, struct pollfd *fds)
{
    unsigned n = 0;
    if (run->out >= 0)
        fds[n++] = (struct pollfd){.fd = run->out, .events = POLLIN, .revents = 0};
    if (run->pidfd >= 0 && (!run->exited || run->ended))
        fds[n++] = (struct pollfd){.fd = run->pidfd, .events = POLLIN, .revents = 0};
    return n;
}

const struct alb_hook_way alb_hook_by_command = {start, go_on, stop, gone, polls};
