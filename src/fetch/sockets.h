/* SPDX-License-Identifier: Apache-2.0
 *
 * The connections to other servers that curl may keep and use again. Before a kept one is used it is looked
 * at: bytes that lie there already answer nothing that was asked (a server that sent more than it had said),
 * and RFC 9112 §9.2 forbids to take them for the next answer. Private to src/fetch; the loop's thread only.
 */
#ifndef ALB_FETCH_SOCKETS_H
#define ALB_FETCH_SOCKETS_H

#include "base/attr.h"

struct alb_fetch_sockets { /* zeroed before its first use */
    struct alb_fetch_socket {
        int fd;
        uint64_t ends; /* both ends in one number */
    } *list;           /* those over which a request has gone */
    size_t n, cap;
};
void alb_fetch_sockets_fini(struct alb_fetch_sockets *s);

#define ALB_FETCH_OPENED 4

/* What one transfer has opened lately: of several addresses one connects. */
struct alb_fetch_opened {
    int fd[ALB_FETCH_OPENED]; /* closed ones too: curl does not say when it gives up on a connection */
    unsigned n;               /* all that it has opened */
};

/* curl's CLOSESOCKETFUNCTION; arg is the table. */
int alb_fetch_sockets_close(void *arg, int fd);
/* A request is about to go over the connection with these ends. False: it is a kept one, and bytes lie there
 * unasked. */
bool alb_fetch_sockets_use(struct alb_fetch_sockets *s, const struct alb_fetch_opened *opened,
                           const char *peer, int peer_port, int own_port);

#endif
