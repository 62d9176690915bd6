/* SPDX-License-Identifier: Apache-2.0
 *
 * `albumen imgproxy health`: asks the one that runs with the same environment, as containers do. Blocks; a
 * program of its own.
 */
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "personality/imgproxy.h"

#define PATIENCE_S 10 /* longer than a check takes to say no */
#define ANSWER_MAX 8192

static int connect_unix(struct alb_str path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (!alb_str_to_c(path, a.sun_path, sizeof(a.sun_path)) ||
                    connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0))
        alb_fs_close(&fd);
    return fd;
}

static int connect_tcp(struct alb_str bind)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[256], port[32];
    size_t colon = alb_str_rfind(bind, ':');
    int fd = -1;
    if (colon == ALB_STR_NPOS || !alb_str_to_c(alb_str_from(bind, colon + 1), port, sizeof(port)))
        return -1;
    struct alb_str name = alb_str_sub(bind, 0, colon);
    if (name.n > 1 && name.p[0] == '[')
        name = alb_str_sub(name, 1, name.n - 2);
    if (!alb_str_to_c(name, host, sizeof(host)) ||
        getaddrinfo(host[0] ? host : "localhost", port, &hints, &found) != 0)
        return -1;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0)
            alb_fs_close(&fd);
    }
    freeaddrinfo(found);
    return fd;
}

/* The whole answer, as long as it is short; its length. */
static size_t converse(int fd, const struct alb_imgproxy_config *config, char answer[ANSWER_MAX])
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct alb_buf ask = ALB_BUF_INIT(ANSWER_MAX);
    size_t n = 0;
    ssize_t got = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    alb_buf_printf(&ask, "GET " ALB_STR_FMT "/health HTTP/1.1\r\nHost: imgproxy\r\nConnection: close\r\n\r\n",
                   ALB_STR_ARG(config->path_prefix));
    if (send(fd, ask.p, ask.n, MSG_NOSIGNAL) == (ssize_t)ask.n)
        while (got > 0 && n < ANSWER_MAX - 1) {
            got = recv(fd, answer + n, ANSWER_MAX - 1 - n, 0);
            n += got > 0 ? (size_t)got : 0;
        }
    alb_buf_fini(&ask);
    return n;
}

int alb_imgproxy_ask_health(const struct alb_imgproxy_config *config)
{
    char answer[ANSWER_MAX];
    bool is_unix = alb_str_eq_c(config->network, "unix");
    int fd = is_unix ? connect_unix(config->bind) : connect_tcp(config->bind);
    if (fd < 0) {
        fprintf(stderr, "nobody listens at " ALB_STR_FMT "\n", ALB_STR_ARG(config->bind));
        return 1;
    }
    struct alb_str said = alb_str_n(answer, converse(fd, config, answer));
    alb_fs_close(&fd);
    size_t head = alb_str_find_str(said, ALB_STR("\r\n\r\n"));
    bool good = alb_str_starts(said, ALB_STR("HTTP/1.1 200 ")) && head != ALB_STR_NPOS;
    struct alb_str text = head != ALB_STR_NPOS ? alb_str_from(said, head + 4) : ALB_STR("no answer");
    fprintf(stderr, ALB_STR_FMT "\n", ALB_STR_ARG(text));
    return good ? 0 : 1;
}
