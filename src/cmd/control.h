/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: DATA/control.sock (mode 0600), how commands reach a running server. Who may open it may
 * do everything to the data folder anyway, so it knows no further rights.
 *
 * A call: "ALBD", u32 count, u32 variables, then count + 1 times u32 length + bytes: command name, arguments
 * …, the caller's ALBUMEN_* variables (so many of the count), and last the secret (may be empty). Native byte
 * order; at most 64 KiB. The answer: frames of u8 kind, u32 length, bytes: kind 1 and 2 go to the caller's
 * streams, kind 0 (4 bytes) is the exit status and the end.
 *
 * Server side: one thread that accepts, and one for each of at most four calls; a caller that does not read
 * is cut after 10 s. A fifth one is told that the server is busy, and keeps nobody waiting by not reading that.
 * Stopping tells the calls to end soon (alb_console_over) and waits for them.
 */
#ifndef ALB_CMD_CONTROL_H
#define ALB_CMD_CONTROL_H

#include "cmd/admin.h"

struct alb_control;

enum alb_code alb_control_start(const char *data, struct alb_admin *admin, struct alb_control **out,
                                struct alb_err *err) ALB_MUST_CHECK;
void alb_control_stop(struct alb_control **control);

/* Calls the server of `data`. False: nobody listens there (run the command here instead). */
bool alb_control_call(const char *data, const char *command, int argc, char **argv, struct alb_str secret,
                      struct alb_console *console, int *status);

#endif
