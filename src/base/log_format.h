/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to base: the text of one log record. Pure but for the clock; any thread.
 */
#ifndef ALB_BASE_LOG_FORMAT_H
#define ALB_BASE_LOG_FORMAT_H

#include "base/log.h"

#define ALB_LOG_LINE_MAX 4096 /* = PIPE_BUF: a pipe takes a whole record or nothing */

/* AUTO is LOGFMT here. Writes one line with its '\n' into out and returns its length (never more than
 * ALB_LOG_LINE_MAX). What does not fit is cut: a string in the middle, other fields whole; then the field
 * cut=true ends the record. */
size_t alb_log_format(char out[ALB_LOG_LINE_MAX], enum alb_log_format format, enum alb_log_level level,
                      const char *event, const struct alb_log_field *fields);

#endif
