/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: tells "out of memory" from "crash". Libraries answer a failed allocation in every way there
 * is: an error, a trap, a null pointer used, even success with half a picture. So the first failure is
 * written down on a page that the server reads, before the library gets its NULL.
 */
#ifndef ALB_IMAGE_OOM_H
#define ALB_IMAGE_OOM_H

#include "image/protocol.h"

/* From now on failures are noted there. */
void alb_oom_watch(struct alb_flag_page *page);

#endif
