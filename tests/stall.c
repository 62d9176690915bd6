/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into a test: makes its threads and processes late at random, where a busy machine would, so that
 * what relies on an order that nobody guarantees shows itself. Use: CONTRIBUTING.md, "Tests that fail
 * sometimes". No part of any build.
 *
 * STALL_SEED=N       which stalls (default 1; 0: none); the seed also decides which calls are often late, and
 *                    which threads are slow
 * STALL_MAX_US=N     the longest usual stall (default 20000); one in 200 takes fifteen times as long
 * STALL_BUDGET_MS=N  how long one thread is held up in all (default 4000): a test ends all the same
 * STALL_EXCEPT=a:b   programs that are left alone
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum kind {
    ACCEPT,
    EPOLL,
    RECV,
    SEND,
    READ,
    WRITE,
    CONNECT,
    CLOSE,
    SYNC,
    NAMES,
    LOCK,
    COND,
    WAKE,
    THREAD,
    PROCESS,
    KINDS
};

static struct {
    _Atomic int state; /* 0: not read yet, 1: off, 2: on */
    uint64_t seed;
    uint32_t max_us;
    int64_t budget_ns;
    uint32_t chance[KINDS][2]; /* of a million, before and after */
} conf;
static _Atomic uint32_t threads;

static __thread struct {
    uint64_t x;
    int64_t used_ns;
    uint32_t slow; /* of 16: how many of the stalls it is to take */
    int busy;
} me __attribute__((tls_model("initial-exec")));

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t draw(void)
{
    return mix(me.x++);
}

static uint64_t number(const char *name, uint64_t fallback)
{
    const char *s = getenv(name);

    return s && *s ? strtoull(s, NULL, 10) : fallback;
}

static int excepted(void)
{
    const char *list = getenv("STALL_EXCEPT"), *name = program_invocation_short_name;
    size_t n = strlen(name);

    for (const char *p = list; p && *p; p += strcspn(p, ":"), p += *p == ':')
        if (strcspn(p, ":") == n && memcmp(p, name, n) == 0)
            return 1;
    return 0;
}

static void configure(void)
{
    /* Per million calls; locks are taken so often that little is much. */
    static const uint32_t usual[] = {100, 1000, 5000, 20000, 100000, 400000};
    static const uint32_t locks[] = {0, 10, 50, 200, 1000, 5000};

    conf.seed = number("STALL_SEED", 1);
    conf.max_us = (uint32_t)number("STALL_MAX_US", 20000);
    conf.budget_ns = (int64_t)number("STALL_BUDGET_MS", 4000) * 1000000;
    for (int k = 0; k < KINDS; k++)
        for (int after = 0; after < 2; after++) {
            uint64_t r = mix(conf.seed * 1000003 + (uint64_t)(k * 2 + after));

            conf.chance[k][after] = (k == LOCK ? locks : usual)[r % 6];
        }
    atomic_store(&conf.state, excepted() || conf.seed == 0 ? 1 : 2);
}

/* Threads that were forked have their maker's state: the pid is what tells them apart. */
static void begin(void)
{
    uint64_t r;

    me.x = mix(conf.seed ^ mix(((uint64_t)getpid() << 20) + atomic_fetch_add(&threads, 1)));
    r = draw() % 8;
    me.slow = r < 4 ? 16 : r < 6 ? 4 : r < 7 ? 1 : 0;
}

static void stall(enum kind kind, int after)
{
    int saved = errno;
    uint64_t r;
    int64_t us;
    struct timespec t;

    if (__builtin_expect(me.busy, 0))
        return;
    me.busy = 1;
    if (atomic_load(&conf.state) == 0)
        configure();
    if (atomic_load(&conf.state) == 2) {
        if (me.x == 0)
            begin();
        if (draw() % 1000000 < conf.chance[kind][after] * me.slow / 16 && me.used_ns < conf.budget_ns) {
            /* Mostly short, now and then the whole length, rarely as long as a machine that swaps. */
            r = draw();
            us = (int64_t)(conf.max_us >> (r % 10));
            us = us / 2 + (int64_t)(draw() % (uint64_t)(us / 2 + 1));
            if (draw() % 200 == 0)
                us = (int64_t)conf.max_us * 15;
            t.tv_sec = us / 1000000;
            t.tv_nsec = us % 1000000 * 1000;
            me.used_ns += us * 1000 + 50000;
            if (us == 0)
                syscall(SYS_sched_yield);
            else
                syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
        }
    }
    me.busy = 0;
    errno = saved;
}

#define REAL(ret, name, args)                                                                                \
    static ret(*real) args;                                                                                  \
    if (!real)                                                                                               \
    real = (ret(*) args)dlsym(RTLD_NEXT, #name)

#define WRAP(kind, ret, name, args, call)                                                                    \
    ret name args                                                                                            \
    {                                                                                                        \
        REAL(ret, name, args);                                                                               \
        stall(kind, 0);                                                                                      \
        ret got = real call;                                                                                 \
        stall(kind, 1);                                                                                      \
        return got;                                                                                          \
    }

WRAP(ACCEPT, int, accept, (int fd, struct sockaddr *restrict a, socklen_t *restrict n), (fd, a, n))
WRAP(ACCEPT, int, accept4, (int fd, struct sockaddr *restrict a, socklen_t *restrict n, int f), (fd, a, n, f))
WRAP(CONNECT, int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(EPOLL, int, epoll_wait, (int fd, struct epoll_event *e, int n, int ms), (fd, e, n, ms))
WRAP(EPOLL, int, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))
WRAP(EPOLL, int, ppoll, (struct pollfd * p, nfds_t n, const struct timespec *t, const sigset_t *s),
     (p, n, t, s))
WRAP(EPOLL, int, __poll_chk, (struct pollfd * p, nfds_t n, int ms, size_t len), (p, n, ms, len))
WRAP(RECV, ssize_t, recv, (int fd, void *p, size_t n, int f), (fd, p, n, f))
WRAP(RECV, ssize_t, __recv_chk, (int fd, void *p, size_t n, size_t room, int f), (fd, p, n, room, f))
WRAP(RECV, ssize_t, recvfrom,
     (int fd, void *restrict p, size_t n, int f, struct sockaddr *restrict a, socklen_t *restrict k),
     (fd, p, n, f, a, k))
WRAP(RECV, ssize_t, recvmsg, (int fd, struct msghdr *m, int f), (fd, m, f))
WRAP(SEND, ssize_t, send, (int fd, const void *p, size_t n, int f), (fd, p, n, f))
WRAP(SEND, ssize_t, sendto, (int fd, const void *p, size_t n, int f, const struct sockaddr *a, socklen_t k),
     (fd, p, n, f, a, k))
WRAP(SEND, ssize_t, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f))
WRAP(SEND, int, shutdown, (int fd, int how), (fd, how))
WRAP(READ, ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
WRAP(READ, ssize_t, __read_chk, (int fd, void *p, size_t n, size_t room), (fd, p, n, room))
WRAP(READ, ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(READ, ssize_t, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at))
WRAP(WRITE, ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(WRITE, ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(WRITE, ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
WRAP(WAKE, int, eventfd_write, (int fd, eventfd_t v), (fd, v))
WRAP(CLOSE, int, close, (int fd), (fd))
WRAP(SYNC, int, fsync, (int fd), (fd))
WRAP(SYNC, int, fdatasync, (int fd), (fd))
WRAP(SYNC, int, syncfs, (int fd), (fd))
WRAP(NAMES, int, rename, (const char *a, const char *b), (a, b))
WRAP(NAMES, int, renameat, (int fd, const char *a, int fd2, const char *b), (fd, a, fd2, b))
WRAP(NAMES, int, unlink, (const char *a), (a))
WRAP(NAMES, int, unlinkat, (int fd, const char *a, int f), (fd, a, f))
WRAP(NAMES, int, linkat, (int fd, const char *a, int fd2, const char *b, int f), (fd, a, fd2, b, f))
WRAP(NAMES, int, mkdirat, (int fd, const char *a, mode_t m), (fd, a, m))
WRAP(NAMES, int, flock, (int fd, int how), (fd, how))
WRAP(LOCK, int, pthread_mutex_lock, (pthread_mutex_t * m), (m))
WRAP(LOCK, int, pthread_mutex_trylock, (pthread_mutex_t * m), (m))
WRAP(LOCK, int, pthread_mutex_unlock, (pthread_mutex_t * m), (m))
WRAP(PROCESS, pid_t, fork, (void), ())
WRAP(PROCESS, pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
WRAP(PROCESS, int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options), (type, id, info, options))
WRAP(PROCESS, int, kill, (pid_t pid, int sig), (pid, sig))
WRAP(PROCESS, int, posix_spawn,
     (pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *f,
      const posix_spawnattr_t *restrict attr, char *const argv[], char *const env[]),
     (pid, path, f, attr, argv, env))
WRAP(THREAD, int, pthread_join, (pthread_t t, void **value), (t, value))

/* Conditions have two versions in glibc, and dlsym may find the one of twenty years ago; a sanitizer's come
 * first. */
static void *next_cond(const char *name)
{
    Dl_info info;
    void *p = dlsym(RTLD_NEXT, name), *q;

    if (p && dladdr(p, &info) && info.dli_fname && strstr(info.dli_fname, "/libtsan"))
        return p;
    q = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    return q ? q : p;
}

#define REAL_COND(name, args)                                                                                \
    static int(*real) args;                                                                                  \
    if (!real)                                                                                               \
    real = (int(*) args)next_cond(#name)
#define WRAP_COND(kind, name, args, call)                                                                    \
    int name args                                                                                            \
    {                                                                                                        \
        REAL_COND(name, args);                                                                               \
        stall(kind, 0);                                                                                      \
        int got = real call;                                                                                 \
        stall(kind, 1);                                                                                      \
        return got;                                                                                          \
    }
WRAP_COND(COND, pthread_cond_wait, (pthread_cond_t *restrict c, pthread_mutex_t *restrict m), (c, m))
WRAP_COND(COND, pthread_cond_timedwait,
          (pthread_cond_t *restrict c, pthread_mutex_t *restrict m, const struct timespec *restrict t),
          (c, m, t))
WRAP_COND(WAKE, pthread_cond_signal, (pthread_cond_t * c), (c))
WRAP_COND(WAKE, pthread_cond_broadcast, (pthread_cond_t * c), (c))

struct start {
    void *(*run)(void *);
    void *arg;
};

static void *started(void *p)
{
    struct start s = *(struct start *)p;

    free(p);
    stall(THREAD, 0);
    return s.run(s.arg);
}

int pthread_create(pthread_t *restrict t, const pthread_attr_t *restrict attr, void *(*run)(void *),
                   void *restrict arg)
{
    REAL(int, pthread_create,
         (pthread_t *restrict, const pthread_attr_t *restrict, void *(*)(void *), void *restrict));
    struct start *s = malloc(sizeof(*s));
    int rc;

    if (!s)
        return EAGAIN;
    *s = (struct start){run, arg};
    rc = real(t, attr, started, s);
    if (rc != 0)
        free(s);
    stall(THREAD, 1);
    return rc;
}

/* A program that starts is late as well. */
__attribute__((constructor)) static void start_of_program(void)
{
    stall(PROCESS, 1);
}
