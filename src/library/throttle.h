/* SPDX-License-Identifier: Apache-2.0
 *
 * Wrong passwords make the next one wait. Counted for the account, for the address that they come from (IPv6:
 * its /64), and for the two together:
 *   - a pair of account and address has `tries` wrong passwords without a wait; then 1 s, 2 s, 4 s … up to
 *     delay_ns, counted from the last one;
 *   - so has an address, whatever accounts it tries, after ADDRESS_TIMES as many;
 *   - an account at which many addresses guess (ACCOUNT_TIMES as many) leaves each address one try only.
 * So nobody is kept out by what others do from elsewhere, and who knows the password waits delay_ns at most.
 * An attempt counts from its beginning, so that many at once gain nothing, and is taken back when the
 * password was right, or was not looked at. Counts are forgotten window_ns after the last wrong password.
 * Accounts that do not exist are counted like others: nothing tells them apart.
 *
 * A table of fixed size, eight entries for each hash (keyed: nobody can aim). Full: the entry with the fewest
 * wrong passwords goes, of these the oldest.
 *
 * Threads: any. Locks: LIBRARY_THROTTLE. Time: the clock that was given.
 */
#ifndef ALB_LIBRARY_THROTTLE_H
#define ALB_LIBRARY_THROTTLE_H

#include "base/clock.h"
#include "base/str.h"

#define ALB_THROTTLE_ADDRESS_TIMES 4
#define ALB_THROTTLE_ACCOUNT_TIMES 4

struct alb_throttle;
struct alb_throttle_config { /* 0 = default */
    unsigned tries;          /* 5 */
    unsigned entries;        /* 4096 */
    int64_t delay_ns;        /* 30 s */
    int64_t window_ns;       /* 15 min */
};
struct alb_throttle_ticket {
    uint64_t pair[2], account[2], address[2];
};

struct alb_throttle *alb_throttle_new(const struct alb_throttle_config *config,
                                      const struct alb_clock *clock) ALB_MUST_CHECK;
void alb_throttle_free(struct alb_throttle **t);

/* Who asks; `login` as it was typed (folded here). No memory: an account of its own, by its bytes. */
void alb_throttle_ticket(const struct alb_throttle *t, struct alb_str login, struct alb_str address,
                         struct alb_throttle_ticket *ticket);
/* How long the next attempt must wait (ns); 0: not at all. */
int64_t alb_throttle_wait(struct alb_throttle *t, const struct alb_throttle_ticket *ticket);
/* As alb_throttle_wait; 0: the attempt is counted and must end in one of the three below. */
int64_t alb_throttle_begin(struct alb_throttle *t, const struct alb_throttle_ticket *ticket) ALB_MUST_CHECK;
/* The password was right: the pair begins anew, the attempt does not count for account and address. (Wrong:
 * nothing to do.) */
void alb_throttle_good(struct alb_throttle *t, const struct alb_throttle_ticket *ticket);
/* The password was not looked at. */
void alb_throttle_undo(struct alb_throttle *t, const struct alb_throttle_ticket *ticket);

#endif
