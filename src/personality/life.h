/* SPDX-License-Identifier: Apache-2.0
 *
 * What every program that stands in another's place shares: where it listens, and the signals that end it.
 * One thread, at start and at the end.
 */
#ifndef ALB_PERSONALITY_LIFE_H
#define ALB_PERSONALITY_LIFE_H

#include <signal.h>

#include "base/arena.h"

#define ALB_LIFE_LISTEN_MAX 2

/* What http is to listen on for a host and a port as text. No host, or 0.0.0.0: every address of both families, as
 * Go's net package means it. Texts lie in the arena. NO_MEMORY. */
enum alb_code alb_life_listen(struct alb_arena *text, const char *host, const char *port,
                              const char *listen[ALB_LIFE_LISTEN_MAX], size_t *n,
                              struct alb_err *err) ALB_MUST_CHECK;
/* Blocks TERM, INT, QUIT, HUP, PIPE, before any thread is there: all of them inherit it. */
void alb_life_block_signals(sigset_t *set);
/* From here on TERM or INT ends the process at once: `text` (a literal) to standard output, exit 1. */
void alb_life_arm_second_signal(const char *text);

#endif
