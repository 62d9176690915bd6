/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether to try again, and after how long. One struct alb_patience per piece of work (a file, a question),
 * one struct alb_outage for all that talk to the same server.
 *  - 408, 425, 429, 502, 503, 504, a broken connection and a stall are tried again for `retry_ns` since the
 * first failure after the last progress; other 5xx five times at most; everything else never.
 *  - The pause doubles from 250 ms to 15 s, half of it random; Retry-After (seconds or date) makes it longer.
 *  - When nobody has had an answer for `retry_ns`, nobody waits any more: one attempt each, until one
 * succeeds. The decision is pure (time is an argument); waiting is the caller's (alb_patience_wait ends when
 * fd is readable). Threads: a patience belongs to one; an outage is atomic.
 */
#ifndef ALB_FETCH_PATIENCE_H
#define ALB_FETCH_PATIENCE_H

#include <stdatomic.h>

#include "base/clock.h"
#include "fetch/client.h"

struct alb_outage {
    _Atomic int64_t
        since; /* monotonic ns of the first failure since the last answer; 0 = the server answers */
};
void alb_outage_init(struct alb_outage *o);
int64_t alb_outage_since(const struct alb_outage *o);

struct alb_patience {
    struct alb_outage *outage;
    const struct alb_clock *clock;
    int64_t retry_ns;
    int64_t began; /* 0 = no failure since the last progress */
    unsigned tries, hard_tries;
};
void alb_patience_init(struct alb_patience *p, struct alb_outage *outage, const struct alb_clock *clock,
                       int64_t retry_ns);
/* The work went on (bytes were accepted): the time starts again. */
void alb_patience_progress(struct alb_patience *p);

enum alb_verdict { ALB_VERDICT_ANSWER, ALB_VERDICT_AGAIN, ALB_VERDICT_GIVE_UP };
/* Judges what alb_client_do returned. ANSWER: a status that trying again would not change (look at it);
 * AGAIN: pause *pause_ns and try; GIVE_UP: it has been tried long enough. */
enum alb_verdict alb_patience_judge(struct alb_patience *p, enum alb_code code,
                                    const struct alb_client_answer *a, int64_t *pause_ns);
/* The same without an answer of its own: a state that will pass (a lock, a conflict). */
enum alb_verdict alb_patience_again(struct alb_patience *p, int64_t *pause_ns);
/* Sleeps; false when fd (-1: none) became readable before. */
bool alb_patience_wait(int fd, int64_t pause_ns);

#endif
