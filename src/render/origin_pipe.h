/* SPDX-License-Identifier: Apache-2.0
 *
 * From the fetch loop to a job: the loop's thread puts pieces of a body into a bounded buffer and wakes the
 * job's actor; the job takes them in its turns on the io pool, where hashing and the disk may take their
 * time. It is woken for the first pieces, which tell it what comes, and then whenever the buffer is half full: a
 * turn for each piece would cost as much as what is done in it. What is left at the end comes with the end.
 * A full buffer pauses the transfer. (Writing on the loop's thread would stop every transfer whenever
 * the kernel makes a writer wait for a slow disk.) Private to src/render.
 *
 * Counted: the transfer holds it a little longer than the job lives. Lock: ORIGIN_PIPE, POOL inside.
 */
#ifndef ALB_RENDER_ORIGIN_PIPE_H
#define ALB_RENDER_ORIGIN_PIPE_H

#include "base/actor.h"
#include "base/lock.h"
#include "fetch/fetch.h"

#define ALB_ORIGIN_PIPE_MAX ((size_t)256 * 1024)
#define ALB_ORIGIN_PIPE_TELL (ALB_ORIGIN_PIPE_MAX / 2) /* the job is woken for so much... */
#define ALB_ORIGIN_PIPE_EARLY ((size_t)64 * 1024)      /* ...and for every piece up to here: it has a look */

struct alb_origin_pipe {
    struct alb_fetch_sink sink;
    /* fixed after create */
    struct alb_fetch *fetch;
    int64_t max_bytes;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_actor *actor; /* NULL: detached */
    unsigned event;
    struct alb_buf in;
    size_t early; /* bytes that have come, as far as they are told of at once */
    bool full;
    bool accepted;     /* the head was one that bytes follow which we want */
    char encoding[32]; /* its Content-Encoding */
};

/* event: of the actor, posted when there is something to take. NULL: no memory. */
struct alb_origin_pipe *alb_origin_pipe_new(struct alb_fetch *fetch, struct alb_actor *actor, unsigned event,
                                            int64_t max_bytes) ALB_MUST_CHECK;
/* Swaps what has come with *empty (initialised, ALB_ORIGIN_PIPE_MAX); the transfer goes on. */
void alb_origin_pipe_take(struct alb_origin_pipe *p, struct alb_buf *empty);
/* Whether the head was one of bytes that we want; then encoding says how they come. */
bool alb_origin_pipe_accepted(struct alb_origin_pipe *p, char encoding[32]);
/* No event comes any more; drops the caller's reference and clears its pointer. NULL inside is allowed. */
void alb_origin_pipe_detach(struct alb_origin_pipe **p);

/* Whether an answer has the bytes of the whole entity: 200, or a 206 from the first to the last byte. */
bool alb_origin_is_whole(int status, struct alb_str head);
/* Content-Length; -1: none that can be read. */
int64_t alb_origin_length(struct alb_str head);

#endif
