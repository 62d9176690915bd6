/* SPDX-License-Identifier: Apache-2.0
 *
 * `albumen tusd`: the tus door alone, at tusd's place, with tusd's flags, words and files, so that scripts,
 * hooks and clients made for tusd run unchanged (docs/doors/tusd.md says what differs).
 *
 * Up:   flags - upload folder - io pool - hooks - uploads (recovery) - door, pages - http
 * Down: http (drained) - uploads - hooks (what was told is waited for) - io pool
 *
 * The main thread waits for signals and sweeps: INT and TERM end it (a second one at once, exit 1), QUIT
 * prints what is in flight.
 */
#ifndef ALB_PERSONALITY_TUSD_H
#define ALB_PERSONALITY_TUSD_H

/* argv: what stands behind "tusd". The exit status: 0, 1 (cannot start), 2 (wrong flags). */
int alb_tusd(int argc, char **argv, const char *version);

#endif
