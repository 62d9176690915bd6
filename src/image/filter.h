/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: the list of system calls that a worker may make, as a seccomp program. Written as BPF by hand:
 * the same call gets different answers by argument (mmap without PROT_EXEC works, with it EPERM), and one
 * constant (the worker's own pid) is known only after the fork; libseccomp offers neither. Built once in the
 * zygote for each profile, installed in every worker as the last thing before READY.
 */
#ifndef ALB_IMAGE_FILTER_H
#define ALB_IMAGE_FILTER_H

#include "base/attr.h"
#include "image/protocol.h"

#define ALB_FILTER_MAX 1024

struct sock_filter;
struct alb_filter {
    size_t count;
    uint64_t code[ALB_FILTER_MAX]; /* struct sock_filter, 8 bytes each */
};
/* False on an architecture that the list was not written for. */
bool alb_filter_build(struct alb_filter *f, enum alb_profile profile) ALB_MUST_CHECK;
/* Needs no_new_privs. For the calling (only) thread. 0, or errno. */
int alb_filter_install(struct alb_filter *f) ALB_MUST_CHECK;
/* Whether this build's list is longer because a sanitizer needs it. */
bool alb_filter_relaxed(void);

#endif
