/* SPDX-License-Identifier: Apache-2.0
 *
 * IMGPROXY_* -> struct alb_imgproxy_config. One row of a table per variable: name, how it is written, where
 * it goes, its range. Go's notation (booleans, whole seconds, megapixels), blank = not set, a bad value is an
 * error that names variable, value and what would be right. Files: IMGPROXY_ENV_LOCAL_FILE_PATH (dotenv; wins
 * over the environment, as there), IMGPROXY_PRESETS_PATH, IMGPROXY_INFO_PRESETS_PATH. One thread, at start.
 */
#ifndef ALB_DOORS_IMGPROXY_ENV_H
#define ALB_DOORS_IMGPROXY_ENV_H

#include "base/buf.h"
#include "doors/imgproxy/config.h"

/* One remark per line: variables that nobody knows, that have no effect here, and what is unwise. */
#define ALB_IMGPROXY_REMARKS_MAX ((size_t)16 << 10)

/* envp: "NAME=value", NULL at the end, as environ. On success *out has one reference and has been checked;
 * `remarks` (may be NULL) gets text for the log. INVALID, IO or NO_MEMORY, with *err. */
enum alb_code alb_imgproxy_config_from_env(const char *const *envp, struct alb_imgproxy_config **out,
                                           struct alb_buf *remarks, struct alb_err *err) ALB_MUST_CHECK;

#endif
