/* SPDX-License-Identifier: Apache-2.0
 *
 * `albumen imgproxy`: the engines, and the service on them (personality/imgproxy.h).
 *
 * Up:   options, IMGPROXY_* - log - cache folder - timers, io pool - fetch - darkroom - render - origins - canary
 *       - door, pages, http
 * Down: http (drained) - door - origins - render - fetch - io pool - darkroom - canary - timers - cache folder
 *
 * The main thread waits for signals: INT and TERM end it (a second one at once), QUIT prints what is in flight.
 */
#ifndef ALB_CMD_IMGPROXY_HOUSE_H
#define ALB_CMD_IMGPROXY_HOUSE_H

#include "base/buf.h"

#define ALB_IMGPROXY_WORDS "[health | version]"
extern const char alb_imgproxy_text[];

/* argv: what stands behind "imgproxy". The exit status: 0, 1 (cannot start, not healthy), 2 (wrong usage). */
int alb_imgproxy(int argc, char **argv, char **envp);

#endif
