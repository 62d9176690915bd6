/* SPDX-License-Identifier: Apache-2.0
 *
 * Kept connections (contract: sockets.h). curl names a connection to us by its ports only.
 */
#include "fetch/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

void alb_fetch_sockets_fini(struct alb_fetch_sockets *s)
{
    ALB_CHECK(s->n == 0);
    alb_mem_free(s->list);
    s->list = NULL;
    s->cap = 0;
}

int alb_fetch_sockets_open(struct alb_fetch_sockets *s, int family, int type, int protocol)
{
    if (s->n == s->cap) {
        size_t cap = s->cap == 0 ? 64 : s->cap * 2;
        struct alb_fetch_socket *list = alb_mem_realloc(s->list, cap * sizeof(*list));
        if (!list)
            return -1;
        s->list = list;
        s->cap = cap;
    }
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    if (fd >= 0)
        s->list[s->n++] = (struct alb_fetch_socket){.fd = fd};
    return fd;
}

int alb_fetch_sockets_close(void *arg, int fd)
{
    struct alb_fetch_sockets *s = arg;
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i].fd == fd) {
            s->list[i] = s->list[--s->n];
            break;
        }
    return close(fd);
}

static int own_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t n = sizeof(at);
    if (getsockname(fd, &at.any, &n) != 0)
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

/* Two connections may have one port, to different servers: then the stricter answer holds. */
bool alb_fetch_sockets_use(struct alb_fetch_sockets *s, int port)
{
    bool clean = true;
    for (size_t i = 0; i < s->n; i++) {
        struct alb_fetch_socket *k = &s->list[i];
        char byte;
        if (k->port == 0)
            k->port = own_port(k->fd);
        if (k->port != port)
            continue;
        if (k->used && recv(k->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
            clean = false;
        k->used = true;
    }
    return clean;
}
