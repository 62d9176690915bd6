/* SPDX-License-Identifier: Apache-2.0
 *
 * sd_notify(3) without the library: one datagram to the socket that systemd names.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/http.h"

void alb_http_notify(const char *state)
{
    struct alb_str path = alb_str_c(getenv("NOTIFY_SOCKET"));
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n);
    int fd;

    if (path.n < 2 || (path.p[0] != '/' && path.p[0] != '@') ||
        !alb_str_to_c(path, un.sun_path, sizeof(un.sun_path)))
        return;
    if (un.sun_path[0] == '@') /* the abstract name space */
        un.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    alb_ignore(sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&un, n) < 0,
               "systemd is not there to hear it");
    (void)close(fd);
}
