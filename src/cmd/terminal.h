/* SPDX-License-Identifier: Apache-2.0
 *
 * The person's end of a command: where its words appear, and where a password is typed. Main thread, before
 * any other thread is started.
 */
#ifndef ALB_CMD_TERMINAL_H
#define ALB_CMD_TERMINAL_H

#include "cmd/admin.h"

/* Standard output and error. The line of progress is shown on standard error if that is a terminal that can
 * take a line back, else not at all; whatever else is written first removes it. */
struct alb_terminal {
    struct alb_console console;
    bool shows, line; /* can show progress; some is there */
};
void alb_terminal_init(struct alb_terminal *t);
void alb_terminal_end(struct alb_terminal *t); /* removes what is there */

/* A new password into room[cap]: from a terminal asked for twice, without echo, until both are equal (three
 * times at most), and the terminal is as it was after every way out, signals and Ctrl-Z included; else the
 * first line of standard input. A line too long is given as cap bytes, which is longer than any password:
 * refused, never cut. False: there is none, and the person has been told. */
bool alb_terminal_password(char *room, size_t cap, struct alb_str *password) ALB_MUST_CHECK;

#endif
