/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a program that serves until a signal ends it: albumen itself, and every program in another's place. What
 * it is made of is the program's; in which order it lives, and what systemd and signals have to do with it, is here.
 *
 *   signals blocked - up --fails--> cannot_start - down - 1
 *                      | ready - systemd: READY
 *                   WAITING   QUIT: dump; HUP, PIPE: nothing; between signals: beat
 *                      | TERM, INT
 *                   ending - systemd: STOPPING - a second TERM or INT ends the process at once - down - ended - 0
 *
 * Threads: all of it on the main thread, before there is any other; no locks are held in callbacks.
 */
#ifndef ALB_PERSONALITY_LIFE_H
#define ALB_PERSONALITY_LIFE_H

#include "base/err.h"

struct alb_life { /* all but up and down may be NULL */
    /* Opens everything, in its order, and listens at last. What a failure leaves is closed by `down`. */
    enum alb_code (*up)(void *ctx, struct alb_err *err);
    void (*cannot_start)(void *ctx, const struct alb_err *err); /* says why; NULL: an error in the log */
    void (*ready)(void *ctx);                                   /* it serves: says where */
    /* What the main thread does in between: once when it is ready, and again when as many ns have passed without a
     * signal as it returns; 0: never again. */
    int64_t (*beat)(void *ctx);
    void (*dump)(void *ctx, int fd); /* what is in flight, to standard error */
    void (*ending)(void *ctx, int number);
    /* Closes what is there, the other way round; no longer than the program's own time for it. False: something had to
     * be cut. */
    bool (*down)(void *ctx);
    void (*ended)(void *ctx, bool clean); /* NULL: a warning in the log where something was cut */
    /* To standard output when a second signal ends it, with status 1. NULL: that signal is what it dies of. */
    const char *last_words;
};

/* The exit status. */
int alb_life_run(const struct alb_life *life, void *ctx);

#endif
