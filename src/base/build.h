/* SPDX-License-Identifier: Apache-2.0
 *
 * What this binary is: its version (the file VERSION) and the linker's build id, which names exactly one
 * build and finds its debug symbols. For /metrics, `albumen version` and panics. Any thread.
 */
#ifndef ALB_BASE_BUILD_H
#define ALB_BASE_BUILD_H

#include "base/attr.h"

const char *alb_version(void);  /* "0.1.0" */
const char *alb_build_id(void); /* lower-case hex, or "unknown" */

#endif
