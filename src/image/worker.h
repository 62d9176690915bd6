/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: the life of one worker between fork and exit, and the zygote that forks it. See darkroom.h for
 * the picture; nothing of this is linked into the server.
 */
#ifndef ALB_IMAGE_WORKER_H
#define ALB_IMAGE_WORKER_H

#include "image/filter.h"
#include "image/protocol.h"

/* main of the program albumen-darkroom when the server starts it. Returns the exit status. */
int alb_zygote_main(int argc, char **argv);

struct alb_worker_start {
    int sock;    /* job socket */
    int page_fd; /* flag page */
    pid_t parent;
    uid_t uid;
    enum alb_profile profile;
    uint64_t memory, result_max;
    struct alb_filter *filter;
};
/* In the forked child: seals itself and works until the socket closes. Never returns. */
ALB_NORETURN void alb_worker_main(const struct alb_worker_start *start);

/* Exit statuses of a worker that did not get as far as READY. */
enum { ALB_WORKER_EXIT_SETUP = 80, ALB_WORKER_EXIT_SEAL = 81, ALB_WORKER_EXIT_SOCKET = 82 };

#endif
