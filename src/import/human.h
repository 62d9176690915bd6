/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers for people: thousands apart, bytes in powers of 1000 (as disks and networks are sold), durations in
 * two units. Pure; each writes at most `cap` bytes with a NUL and returns out.
 */
#ifndef ALB_IMPORT_HUMAN_H
#define ALB_IMPORT_HUMAN_H

#include "base/attr.h"

#define ALB_HUMAN_MAX 32
const char *alb_human_count(uint64_t n, char out[ALB_HUMAN_MAX]); /* "12,345" */
const char *alb_human_bytes(int64_t n, char out[ALB_HUMAN_MAX]);  /* "999 B", "1.2 MB", "345 MB" */
const char *alb_human_duration(int64_t ns,
                               char out[ALB_HUMAN_MAX]); /* "0.4 s", "42 s", "3m 05s", "2h 10m", "3d 4h" */
const char *alb_human_rate(double per_s, char out[ALB_HUMAN_MAX]); /* "0.4", "12", "1,234" */

#endif
