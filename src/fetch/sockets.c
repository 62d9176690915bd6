/* SPDX-License-Identifier: Apache-2.0
 *
 * Kept connections (contract: sockets.h). curl names a connection to us by its ends only; which descriptor
 * that is, is found at its first use, among those that the transfer has opened. From then on curl tells us
 * when it closes it; a connection that was given up before its first use it closes without a word (7.88).
 */
#include "fetch/sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"

void alb_fetch_sockets_fini(struct alb_fetch_sockets *s)
{
    alb_mem_free(s->list);
    *s = (struct alb_fetch_sockets){0};
}

static void forget(struct alb_fetch_sockets *s, int fd)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i].fd == fd)
            s->list[i--] = s->list[--s->n];
}

int alb_fetch_sockets_close(void *arg, int fd)
{
    forget(arg, fd);
    return close(fd);
}

static uint64_t ends_of(const char *peer, int peer_port, int own_port)
{
    uint64_t host = peer ? alb_xxh3(peer, alb_str_c(peer).n) : 0;
    return host << 32 ^ (uint64_t)(uint16_t)peer_port << 16 ^ (uint16_t)own_port;
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t n = sizeof(at);
    if (getsockname(fd, &at.any, &n) != 0)
        return -1;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

static void add(struct alb_fetch_sockets *s, int fd, uint64_t ends)
{
    forget(s, fd); /* that number belongs to another connection now */
    if (s->n == s->cap) {
        size_t cap = s->cap == 0 ? 64 : s->cap * 2;
        struct alb_fetch_socket *list = alb_mem_realloc(s->list, cap * sizeof(*list));
        if (!list)
            return; /* it is not looked at, then */
        s->list = list;
        s->cap = cap;
    }
    s->list[s->n++] = (struct alb_fetch_socket){.fd = fd, .ends = ends};
}

bool alb_fetch_sockets_use(struct alb_fetch_sockets *s, const struct alb_fetch_opened *opened,
                           const char *peer, int peer_port, int own_port)
{
    uint64_t ends = ends_of(peer, peer_port, own_port);
    unsigned known = opened->n < ALB_FETCH_OPENED ? opened->n : ALB_FETCH_OPENED;
    char byte;
    for (unsigned i = 0; i < known; i++)
        if (port_of(opened->fd[i]) == own_port) {
            add(s, opened->fd[i], ends); /* a new one */
            return true;
        }
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i].ends == ends)
            return recv(s->list[i].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
    return true;
}
