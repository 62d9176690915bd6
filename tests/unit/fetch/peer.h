/* SPDX-License-Identifier: Apache-2.0
 *
 * A server of answers that the test has written down, for tests of what goes out: one thread, one connection
 * at a time, each answered with the next text and closed. An empty text: the connection is closed without an
 * answer. NULL: it is held open, silent, until the client closes it.
 */
#ifndef ALB_TESTS_FETCH_PEER_H
#define ALB_TESTS_FETCH_PEER_H

#include <pthread.h>

struct peer {
    int fd, port;
    const char *const *answers;
    unsigned count;
    char requests[8][16384]; /* what came, each as text */
    unsigned served;         /* valid after peer_stop */
    pthread_t thread;
};
void peer_start(struct peer *p, const char *const *answers, unsigned count);
void peer_stop(struct peer *p); /* after as many connections as there are answers */
void peer_url(const struct peer *p, const char *path, char out[128]);

#endif
