/* SPDX-License-Identifier: Apache-2.0
 *
 * The connections to other servers that curl may keep and use again. Before a kept one is used it is looked
 * at: bytes that lie there already answer nothing that was asked (a server that sent more than it had
 * said), and RFC 9112 §9.6 forbids to take them for the next answer. Private to src/fetch; the loop's
 * thread only.
 */
#ifndef ALB_FETCH_SOCKETS_H
#define ALB_FETCH_SOCKETS_H

#include "base/attr.h"

struct alb_fetch_sockets { /* zeroed before its first use */
    struct alb_fetch_socket {
        int fd, port; /* port: our end's; 0: not known yet */
        bool used;    /* a request has gone over it */
    } *list;
    size_t n, cap;
};
void alb_fetch_sockets_fini(struct alb_fetch_sockets *s); /* all are closed */

/* A new socket, -1: it cannot be made. */
int alb_fetch_sockets_open(struct alb_fetch_sockets *s, int family, int type, int protocol);
/* curl's CLOSESOCKETFUNCTION; arg is the table. */
int alb_fetch_sockets_close(void *arg, int fd);
/* A request is about to go over the connection whose own port this is. False: bytes lie there unasked. */
bool alb_fetch_sockets_use(struct alb_fetch_sockets *s, int port);

#endif
