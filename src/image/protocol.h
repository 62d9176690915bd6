/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes over the sockets of the darkroom. Both ends are built from one tree, but a worker may be in the
 * hands of whoever made the picture: the server checks every field of a reply. SOCK_SEQPACKET, one struct per
 * packet, native layout; ALB_DARKROOM_ABI changes with any of it and is checked in the first packet.
 *
 *   control socket (fd 3 of the zygote)     server -> zygote  SPAWN {worker id, profile} + [job socket, flag page]
 *                                           zygote -> server  HELLO, SPAWNED + [pidfd], EXITED
 *   job socket (fd 3 of a worker)           server -> worker  JOB {plan bytes behind it} + [result, inputs ...]
 *                                           worker -> server  READY, REPLY
 */
#ifndef ALB_IMAGE_PROTOCOL_H
#define ALB_IMAGE_PROTOCOL_H

#include <sys/types.h>

#include "image/plan.h"

#define ALB_DARKROOM_ABI 6u
#define ALB_DARKROOM_MAGIC 0xda4c0000u
#define ALB_DARKROOM_FD 3 /* the socket, in zygote and worker */
#define ALB_DARKROOM_ARG                                                                                     \
    "--zygote" /* argv[1] of the zygote; argv[2] is the server's pid, argv[3] the uid                        \
                */

/* A build with a sanitizer: its run-time needs more system calls and has its own allocator. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALB_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ALB_SANITIZED 1
#endif
#endif
#ifndef ALB_SANITIZED
#define ALB_SANITIZED 0
#endif

enum alb_profile { ALB_PROFILE_STRICT = 0, ALB_PROFILE_FONTS = 1 };

enum alb_packet {
    ALB_PACKET_HELLO = 1,
    ALB_PACKET_SPAWN,
    ALB_PACKET_SPAWNED,
    ALB_PACKET_EXITED,
    ALB_PACKET_READY,
    ALB_PACKET_JOB,
    ALB_PACKET_REPLY,
};

struct alb_control_packet {
    uint32_t magic; /* ALB_DARKROOM_MAGIC | ALB_DARKROOM_ABI */
    uint32_t kind;
    uint64_t worker;     /* id given by the server */
    uint32_t profile;    /* SPAWN */
    int32_t pid;         /* SPAWNED, EXITED */
    int32_t status;      /* EXITED: as of wait(2) */
    uint32_t landlock;   /* HELLO: its version, 0 = none */
    uint64_t memory;     /* SPAWN: hard limit of growth; EXITED: largest resident size; bytes */
    uint64_t result_max; /* SPAWN: largest file it may write, bytes */
};

/* How far the seal goes; a worker that cannot reach what is needed does not say READY. */
enum {
    ALB_SEAL_UID = 1,      /* another user without capabilities */
    ALB_SEAL_LANDLOCK = 2, /* no file but the profile's can be opened, enforced by the kernel */
    ALB_SEAL_SECCOMP = 4,  /* system calls by list */
    ALB_SEAL_RELAXED = 8,  /* a sanitizer build: a longer list */
};

struct alb_ready_packet {
    uint32_t magic, kind;
    uint32_t seal;
    uint32_t reserved;
};

enum alb_darkroom_order {
    ALB_ORDER_RENDER = 1,
    ALB_ORDER_PROBE,
    ALB_ORDER_SIDECAR,
    ALB_ORDER_CANARY,
    ALB_ORDER_HEADER,
    ALB_ORDER_SANITISE,
};

struct alb_job_packet {
    uint32_t magic, kind;
    uint32_t order;
    uint32_t type; /* PROBE */
    uint64_t seq;
    int64_t input_bytes[ALB_PLAN_INPUTS]; /* of each descriptor; [0] is the source */
    uint32_t inputs;                      /* how many there are; 0: CANARY */
    uint32_t threads; /* RENDER: processors that it may keep busy: 2 if nothing else is to be done, else 1 */
    uint64_t memory; /* may grow by so much */
    uint32_t cpu_s;  /* processor time of this job */
    uint32_t plan_bytes;
    struct alb_plan_limits limits;
    unsigned char plan[ALB_PLAN_PACKED_MAX]; /* only plan_bytes of it are sent */
};

/* Who made a render. FALLBACK: the express lane gave it to the general executor when it had seen the file. */
enum alb_executor { ALB_EXECUTOR_NONE, ALB_EXECUTOR_GENERAL, ALB_EXECUTOR_EXPRESS, ALB_EXECUTOR_FALLBACK };

struct alb_reply_packet {
    uint32_t magic, kind;
    uint64_t seq;
    uint32_t code;   /* enum alb_code */
    uint32_t format; /* RENDER: enum alb_format that was written */
    int64_t cpu_ns;
    uint32_t executor; /* RENDER: enum alb_executor */
    uint32_t reserved;
    struct alb_rect trim; /* RENDER of a plan that ends in FIND_TRIM */
    char text[160];       /* why not; printable after checking */
};

/* The page that a worker shares with the server, for what it can no longer say when it has died. */
struct alb_flag_page {
    uint64_t begun;         /* seq of the last job it took up */
    uint32_t out_of_memory; /* an allocation has failed */
    uint32_t reserved;
};
#define ALB_FLAG_PAGE_BYTES 4096

/* One packet with up to ALB_PACKET_FDS descriptors. send: false with errno. recv: bytes, 0 at the end, -1 with errno;
 * fds that are not there become -1; descriptors nobody asked for are closed. */
#define ALB_PACKET_FDS (ALB_PLAN_INPUTS + 1)
bool alb_packet_send(int sock, const void *p, size_t n, const int *fds, size_t fd_count) ALB_MUST_CHECK;
ssize_t alb_packet_recv(int sock, void *p, size_t n, int *fds, size_t fd_count) ALB_MUST_CHECK;

#endif
