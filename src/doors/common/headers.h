/* SPDX-License-Identifier: Apache-2.0
 *
 * Which headers go from sources to clients, and from clients to sources. Pure; any thread.
 */
#ifndef ALB_DOORS_COMMON_HEADERS_H
#define ALB_DOORS_COMMON_HEADERS_H

#include "base/str.h"

/* A header of a source that may go to clients with a picture of it: a name, and none that says something of the bytes,
 * of the connection, of whether a browser may trust this server's answers, or that signs somebody in. */
bool alb_door_may_pass(struct alb_str header);
/* One of a client's that a source may be told where all of them are: none that is of this connection, of the body, a
 * condition, or that signs somebody in here. */
bool alb_door_may_forward(struct alb_str header);

#endif
