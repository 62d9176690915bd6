/* SPDX-License-Identifier: Apache-2.0
 *
 * The zygote: every library loaded and set up once, so that a worker is a fork away (1.5 ms). It has one
 * thread and never runs an image pipeline: libvips would start threads that fork does not copy, and its
 * children would wait for them for ever. It is the parent of all workers and tells the server how each one
 * ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vips/vips.h>

#include "base/str.h"
#include "image/load.h"
#include "image/seal.h"
#include "image/worker.h"
#include "meta/meta.h"

#define MAGIC (ALB_DARKROOM_MAGIC | ALB_DARKROOM_ABI)
#define CHILDREN_MAX 256

enum {
    EXIT_USAGE = 64,
    EXIT_ORPHAN = 65,
    EXIT_LIBRARY = 66,
    EXIT_THREADS = 67,
    EXIT_FILTER = 68,
    EXIT_SOCKET = 69
};

struct zygote {
    uid_t uid;
    int signals; /* signalfd for SIGCHLD */
    struct alb_filter filters[2];
    struct {
        pid_t pid; /* 0 = free */
        uint64_t worker;
    } children[CHILDREN_MAX];
};
static struct zygote zy;

/* ---- set-up ---- */

static bool detach(pid_t server)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != server)
        return false;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || chdir("/") != 0)
        return false;
    for (int fd = 0; fd < 3; fd++) {
        if (!ALB_SANITIZED || fd < 2) /* a sanitizer's report goes where the server's log goes */
            dup2(null, fd);
    }
    close_range(ALB_DARKROOM_FD + 1, ~0U, 0);
    umask(077);
    return fcntl(ALB_DARKROOM_FD, F_SETFD, FD_CLOEXEC) == 0;
}

/* GLib's warnings are about pictures, and go nowhere; errors come back as return codes. */
static GLogWriterOutput say_nothing(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer arg)
{
    (void)level;
    (void)fields;
    (void)n;
    (void)arg;
    return G_LOG_WRITER_HANDLED;
}

static bool set_up_libraries(void)
{
    g_log_set_writer_func(say_nothing, NULL, NULL);
    mallopt(M_ARENA_MAX, 2);
    /* Planes of a picture are reused from job to job; a quiet worker gives all of it back (worker.c). Mapped anew each
     * time, they cost a fifth of a render in page faults. */
    mallopt(M_MMAP_THRESHOLD, 16 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    tzset();
    if (VIPS_INIT("albumen-darkroom") != 0)
        return false;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_cache_set_max_mem(0);
    alb_load_block_others();
    alb_meta_global_init();
    alb_video_global_init();
    return true;
}

/* Threads are what fork does not copy and what a seal does not reach. ThreadSanitizer has one of its own. */
static bool is_single_threaded(void)
{
    struct stat s;
    if (ALB_SANITIZED)
        return true;
    return stat("/proc/self/task", &s) == 0 && s.st_nlink == 3;
}

static bool watch_children(struct zygote *z)
{
    sigset_t set;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    z->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return z->signals >= 0 && sigprocmask(SIG_BLOCK, &set, NULL) == 0 &&
           sigaction(SIGPIPE, &ignore, NULL) == 0;
}

/* ---- children ---- */

static bool tell(const struct alb_control_packet *p, int fd)
{
    return alb_packet_send(ALB_DARKROOM_FD, p, sizeof(*p), &fd, fd >= 0 ? 1 : 0);
}

static int free_child(const struct zygote *z)
{
    for (int i = 0; i < CHILDREN_MAX; i++) {
        if (z->children[i].pid == 0)
            return i;
    }
    return -1;
}

static bool spawn(struct zygote *z, const struct alb_control_packet *p, int sock, int page_fd)
{
    struct alb_control_packet answer = {.magic = MAGIC, .kind = ALB_PACKET_SPAWNED, .worker = p->worker};
    int slot = free_child(z);
    struct alb_worker_start start = {
        .sock = sock,
        .page_fd = page_fd,
        .parent = getpid(),
        .uid = z->uid,
        .profile = p->profile == ALB_PROFILE_FONTS ? ALB_PROFILE_FONTS : ALB_PROFILE_STRICT,
        .memory = p->memory,
        .result_max = p->result_max,
        .filter = &z->filters[p->profile == ALB_PROFILE_FONTS ? 1 : 0],
    };
    pid_t pid = slot >= 0 ? fork() : -1;
    if (pid == 0)
        alb_worker_main(&start);
    if (pid < 0) { /* told as a child that ended at once */
        answer.kind = ALB_PACKET_EXITED;
        answer.status = ALB_WORKER_EXIT_SETUP << 8;
        return tell(&answer, -1);
    }
    z->children[slot].pid = pid;
    z->children[slot].worker = p->worker;
    answer.pid = pid;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool ok = tell(&answer, pidfd);
    if (pidfd >= 0)
        close(pidfd);
    return ok;
}

static bool reap(struct zygote *z)
{
    struct signalfd_siginfo info;
    struct rusage used;
    int status;
    pid_t pid;
    while (read(z->signals, &info, sizeof(info)) > 0)
        continue;
    while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
        for (int i = 0; i < CHILDREN_MAX; i++) {
            if (z->children[i].pid != pid)
                continue;
            z->children[i].pid = 0;
            struct alb_control_packet p = {.magic = MAGIC,
                                           .kind = ALB_PACKET_EXITED,
                                           .worker = z->children[i].worker,
                                           .pid = pid,
                                           .status = status,
                                           .memory = (uint64_t)used.ru_maxrss * 1024};
            if (!tell(&p, -1))
                return false;
        }
    }
    return true;
}

static bool command(struct zygote *z)
{
    struct alb_control_packet p;
    int fds[2];
    ssize_t n = alb_packet_recv(ALB_DARKROOM_FD, &p, sizeof(p), fds, 2);
    bool ok = n == (ssize_t)sizeof(p) && p.magic == MAGIC && p.kind == ALB_PACKET_SPAWN && fds[0] >= 0 &&
              fds[1] >= 0;
    if (ok)
        ok = spawn(z, &p, fds[0], fds[1]);
    for (int i = 0; i < 2; i++) {
        if (n >= 0 && fds[i] >= 0)
            close(fds[i]);
    }
    return ok; /* false: the server has gone, or speaks another language */
}

static void loop(struct zygote *z)
{
    for (;;) {
        struct pollfd p[2] = {{.fd = ALB_DARKROOM_FD, .events = POLLIN},
                              {.fd = z->signals, .events = POLLIN}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return;
        if (p[1].revents != 0 && !reap(z))
            return;
        if (p[0].revents != 0 && !command(z))
            return;
    }
}

static bool parse(int argc, char **argv, pid_t *server, uid_t *uid)
{
    uint64_t pid, id;
    if (argc != 4 || strcmp(argv[1], ALB_DARKROOM_ARG) != 0 || !alb_str_u64(alb_str_c(argv[2]), &pid) ||
        !alb_str_u64(alb_str_c(argv[3]), &id) || pid > INT32_MAX || id > UINT32_MAX)
        return false;
    *server = (pid_t)pid;
    *uid = (uid_t)id;
    return true;
}

int alb_zygote_main(int argc, char **argv)
{
    pid_t server;
    if (!parse(argc, argv, &server, &zy.uid))
        return EXIT_USAGE;
    prctl(PR_SET_NAME, "darkroom-zygote", 0, 0, 0);
    if (!detach(server))
        return EXIT_ORPHAN;
    if (!set_up_libraries())
        return EXIT_LIBRARY;
    if (!watch_children(&zy) || !is_single_threaded())
        return EXIT_THREADS;
    if (!alb_filter_build(&zy.filters[0], ALB_PROFILE_STRICT) ||
        !alb_filter_build(&zy.filters[1], ALB_PROFILE_FONTS))
        return EXIT_FILTER;
    struct alb_control_packet hello = {
        .magic = MAGIC, .kind = ALB_PACKET_HELLO, .landlock = alb_seal_landlock()};
    if (!tell(&hello, -1))
        return EXIT_SOCKET;
    loop(&zy);
    return 0; /* the workers get SIGKILL with our end */
}
