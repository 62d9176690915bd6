/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen serve: builds the house from its rooms, runs it, takes it down in reverse order.
 *
 * Up:    data folder (lock, catalog, library, originals, cache) - timers - io pool - darkroom - render -
 *        ingest - uploads (recovery) - jobs - doors (that of imgproxy with fetch loop and sources) - http -
 *        control socket - ready
 * Down:  control socket - http (drained: no request is left) - imgproxy door, its sources and fetch loop - jobs -
 *        uploads (finishes are waited for) - hooks - ingest - render - io pool - darkroom - timers - data folder
 *
 * The main thread waits for signals: TERM and INT end it (a second one at once), QUIT prints what is in
 * flight, HUP does nothing (the log goes to standard error: there is no file to open again). Between them it
 * feeds systemd's watchdog, if there is one (cmd/watchdog.h).
 */
#ifndef ALB_CMD_SERVE_H
#define ALB_CMD_SERVE_H

#include "base/options.h"

int alb_serve(const struct alb_options *options); /* exit status */

#endif
