/* SPDX-License-Identifier: Apache-2.0
 *
 * The log (contract: log.h; the text of a record: log_format.c). Nobody ever waits for the output: pipes and
 * terminals are opened again for ourselves without blocking (the flag lies on the open file, which we share
 * with whoever started us), sockets are asked per call, files do not block. What cannot be written at once
 * is dropped and counted.
 *
 * Struct out: fixed after alb_log_setup, which runs before other threads log. Struct ring: under mtx (LOG).
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/lock.h"
#include "base/log_format.h"
#include "base/mem.h"
#include "base/stat.h"

enum way { WAY_POLL, WAY_PLAIN, WAY_SOCKET };

static struct {
    int fd;
    int own_fd; /* opened by us, or -1 */
    enum way way;
    enum alb_log_format format;
    enum alb_log_level least;
} out = {STDERR_FILENO, -1, WAY_POLL, ALB_LOG_LOGFMT, ALB_LOG_INFO};

#define RING_RECORDS 64
#define RING_BYTES 512 /* kept of each record */

static struct {
    pthread_once_t once;
    struct alb_mutex mtx;
    unsigned next; /* where the next record goes */
    struct {
        size_t n;
        char p[RING_BYTES];
    } record[RING_RECORDS];
} ring = {.once = PTHREAD_ONCE_INIT};

static void ring_init(void)
{
    alb_mutex_init(&ring.mtx, ALB_LOCK_LOG);
}

static enum way way_of(int fd, int *own_fd)
{
    struct stat st;
    char path[32];

    *own_fd = -1;
    if (fstat(fd, &st) != 0)
        return WAY_POLL;
    if (S_ISREG(st.st_mode))
        return WAY_PLAIN;
    if (S_ISSOCK(st.st_mode))
        return WAY_SOCKET;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *own_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return *own_fd >= 0 ? WAY_PLAIN : WAY_POLL;
}

void alb_log_setup(int fd, enum alb_log_format format, enum alb_log_level least)
{
    alb_fs_close(&out.own_fd);
    out.way = way_of(fd, &out.own_fd);
    out.fd = out.own_fd >= 0 ? out.own_fd : fd;
    out.format = format != ALB_LOG_AUTO ? format : (isatty(fd) == 0 ? ALB_LOG_JSON : ALB_LOG_LOGFMT);
    out.least = least;
}

bool alb_log_on(enum alb_log_level level)
{
    return level >= out.least;
}

static bool write_now(const char *p, size_t n)
{
    if (out.way == WAY_SOCKET)
        return send(out.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
    if (out.way == WAY_POLL) {
        /* Another writer may take the room between the two calls; this way is only for descriptors that
         * cannot be opened again. */
        struct pollfd pfd = {.fd = out.fd, .events = POLLOUT};
        if (poll(&pfd, 1, 0) != 1 || (pfd.revents & POLLOUT) == 0)
            return false;
    }
    ssize_t w;
    do {
        w = write(out.fd, p, n);
    } while (w < 0 && errno == EINTR);
    return w == (ssize_t)n;
}

static void remember(const char *p, size_t n)
{
    (void)pthread_once(&ring.once, ring_init);
    if (n > RING_BYTES)
        n = RING_BYTES;
    alb_mutex_lock(&ring.mtx);
    memcpy(ring.record[ring.next].p, p, n);
    ring.record[ring.next].p[n - 1] = '\n';
    ring.record[ring.next].n = n;
    ring.next = (ring.next + 1) % RING_RECORDS;
    alb_mutex_unlock(&ring.mtx);
}

void alb_log_write(enum alb_log_level level, const char *event, const struct alb_log_field *fields)
{
    char line[ALB_LOG_LINE_MAX];

    if (!alb_log_on(level))
        return;
    size_t n = alb_log_format(line, out.format, level, event, fields);
    remember(line, n);
    if (!write_now(line, n))
        alb_stat_inc(ALB_STAT_LOG_DROPPED);
}

void alb_log_err(const char *event, const struct alb_err *err)
{
    alb_log(alb_code_level(err->code), event, ALB_LOG_C("code", alb_code_name(err->code)),
            ALB_LOG_INT("errno", err->sys), ALB_LOG_C("at", err->where), ALB_LOG_C("message", err->msg));
}

void alb_log_dump_ring(int fd)
{
    /* Without the lock: the caller may hold it. A torn record is better than none. */
    unsigned next = ring.next;

    for (unsigned i = 0; i < RING_RECORDS; i++) {
        unsigned at = (next + i) % RING_RECORDS;
        size_t n = ring.record[at].n;
        if (n == 0 || n > RING_BYTES)
            continue;
        if (write(fd, ring.record[at].p, n) < 0)
            return;
    }
}

bool alb_secret_set(struct alb_secret *s, struct alb_str value)
{
    char *p = alb_mem_alloc(value.n + 1);

    if (p == NULL)
        return false;
    if (value.n > 0)
        memcpy(p, value.p, value.n);
    p[value.n] = '\0';
    alb_secret_fini(s);
    s->p = p;
    s->n = value.n;
    return true;
}

void alb_secret_fini(struct alb_secret *s)
{
    if (s->p != NULL)
        alb_wipe(s->p, s->n);
    alb_mem_free(s->p);
    s->p = NULL;
    s->n = 0;
}

void alb_wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
}
