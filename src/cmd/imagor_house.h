/* SPDX-License-Identifier: Apache-2.0
 *
 * `albumen imagor`: flags, log, engines (house.h), folders of files, and the service on them (personality/imagor.h).
 *
 * Up:   flags - log - engines - folders - door, pages, http
 * Down: http (drained) - door - folders (what waits is put) - engines
 *
 * The main thread waits for signals: INT and TERM end it (a second one at once), QUIT prints what is in flight.
 */
#ifndef ALB_CMD_IMAGOR_HOUSE_H
#define ALB_CMD_IMAGOR_HOUSE_H

#include "base/buf.h"

extern const char alb_imagor_text[];

/* argv: what stands behind "imagor". The exit status: 0, 1 (cannot start), 2 (wrong usage). */
int alb_imagor(int argc, char **argv, char **envp);

#endif
