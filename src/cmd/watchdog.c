/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/watchdog.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "http/http.h"

#define LEAST_US 20000 /* shorter ones are a mistake of the unit */

void alb_watchdog_init(struct alb_watchdog *w, const struct alb_http *http)
{
    struct alb_str pid = alb_str_c(getenv("WATCHDOG_PID"));
    int64_t us = 0, who = 0;
    *w = (struct alb_watchdog){.every_ns = 0};
    if (!alb_str_i64(alb_str_c(getenv("WATCHDOG_USEC")), &us) || us < LEAST_US || us > INT64_MAX / 1000)
        return;
    if (pid.p && (!alb_str_i64(pid, &who) || who != getpid())) /* meant for another process */
        return;
    if (alb_http_server_address(http, 0, w->address, sizeof(w->address)))
        w->every_ns = us * 1000 / 2;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd;
    if (!alb_str_to_c(alb_str_c(path), a.sun_path, sizeof(a.sun_path)))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        alb_fs_close(&fd);
    return fd;
}

static int connect_tcp(const char *address)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(address, ':');
    char host[128];
    int fd = -1;
    bool brackets = address[0] == '[';
    if (!colon || colon - address < 2 * brackets ||
        !alb_str_to_c(alb_str_n(address + brackets, (size_t)(colon - address) - 2u * brackets), host,
                      sizeof(host)) ||
        getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)
        alb_fs_close(&fd);
    freeaddrinfo(found);
    return fd;
}

/* False: nothing happened in time. */
static bool answers(int fd, int64_t ns)
{
    static const char ask[] = "GET /health?live HTTP/1.1\r\nHost: watchdog\r\nConnection: close\r\n\r\n";
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int ms = (int)(ns / 2 / ALB_NS_PER_MS);
    if (poll(&p, 1, ms) <= 0)
        return false;
    if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) < 0)
        return true; /* it has already hung up on us */
    p.events = POLLIN;
    return poll(&p, 1, ms) > 0;
}

void alb_watchdog_beat(const struct alb_watchdog *w)
{
    bool is_unix = strncmp(w->address, "unix:", 5) == 0;
    int fd = is_unix ? connect_unix(w->address + 5) : connect_tcp(w->address);
    /* No connection at all: descriptors are short, or the backlog is full. Then others are being served. */
    bool alive = fd < 0 || answers(fd, w->every_ns / 2);
    alb_fs_close(&fd);
    if (alive)
        alb_http_notify("WATCHDOG=1");
    else
        alb_log_event(ALB_LOG_ERROR, "the server does not answer itself: systemd is not told that it lives");
}
