/* SPDX-License-Identifier: Apache-2.0
 *
 * systemd's watchdog (WatchdogSec=): as long as the server answers on its own port, the main thread says so in
 * half the time that systemd allows. It asks like a client, so that a loop that hangs is noticed and not only
 * a main thread that does. Slow pictures are no reason to be restarted: they are /health's business.
 */
#ifndef ALB_CMD_WATCHDOG_H
#define ALB_CMD_WATCHDOG_H

#include <stdint.h>

struct alb_http;

struct alb_watchdog {
    int64_t every_ns; /* 0: systemd does not want to know */
    char address[160];
};

/* From WATCHDOG_USEC and WATCHDOG_PID; the server must listen. */
void alb_watchdog_init(struct alb_watchdog *w, const struct alb_http *http);
/* Asks, and tells systemd if there was an answer of any kind (also a refusal). Blocks for half the interval
 * at most. */
void alb_watchdog_beat(const struct alb_watchdog *w);

#endif
