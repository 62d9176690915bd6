/* SPDX-License-Identifier: Apache-2.0
 *
 * What doors read less strictly than base does, because the programs whose URLs they speak do so. Pure; any thread.
 */
#ifndef ALB_DOORS_COMMON_LENIENT_H
#define ALB_DOORS_COMMON_LENIENT_H

#include "base/arena.h"

/* base64url without the strictness of codec.h: "=" at the end and stray bits are tolerated, as Go does. Empty
 * view (p == NULL) if it is none or memory ended (alb_arena_code tells). */
struct alb_str alb_lenient_base64(struct alb_arena *arena, struct alb_str s);

#endif
