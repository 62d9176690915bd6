/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets with descriptors over SOCK_SEQPACKET. Pure wrapping of sendmsg and recvmsg; any thread.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "image/protocol.h"

union room {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * ALB_PACKET_FDS)];
};

bool alb_packet_send(int sock, const void *p, size_t n, const int *fds, size_t fd_count)
{
    union room room;
    struct iovec io = {(void *)(uintptr_t)p, n};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
    ALB_CHECK(fd_count <= ALB_PACKET_FDS);
    if (fd_count > 0) {
        memset(&room, 0, sizeof(room));
        m.msg_control = room.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
    }
    ssize_t sent;
    do {
        sent = sendmsg(sock, &m, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)n;
}

static void take_fds(struct msghdr *m, int *fds, size_t fd_count)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < got; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (i < fd_count)
                fds[i] = fd;
            else
                close(fd);
        }
    }
}

ssize_t alb_packet_recv(int sock, void *p, size_t n, int *fds, size_t fd_count)
{
    union room room;
    struct iovec io = {p, n};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
    ALB_CHECK(fd_count <= ALB_PACKET_FDS);
    if (fd_count > 0) { /* without room for them the kernel drops descriptors */
        m.msg_control = room.bytes;
        m.msg_controllen = sizeof(room.bytes);
    }
    for (size_t i = 0; i < fd_count; i++)
        fds[i] = -1;
    ssize_t got;
    do {
        got = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got >= 0 && fd_count > 0)
        take_fds(&m, fds, fd_count);
    return got;
}
