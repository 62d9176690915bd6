/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen sign: makes signed URLs, and explains them. Works on text alone: no server, no data folder, no network.
 */
#ifndef ALB_CMD_SIGN_H
#define ALB_CMD_SIGN_H

#include "base/attr.h"

/* Words behind "albumen sign". Exit status: 0 done; 1 the URL is not valid, or its signature is wrong; 2 wrong
 * usage. */
int alb_sign(int argc, char **argv);

/* For --help and the manual page: what stands behind the command's name, and the text. */
#define ALB_SIGN_WORDS "imgproxy OPTION... SOURCE | imagor PART... SOURCE | imgproxy|imagor --explain URL"
extern const char alb_sign_text[];

/* Words behind "albumen sign imagor" (sign_imagor.c). */
int alb_sign_imagor(int argc, char **argv);

#endif
