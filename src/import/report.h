/* SPDX-License-Identifier: Apache-2.0
 *
 * What an import ends with: a table for a person, or one JSON object for a program. Pure: tally in, text out.
 */
#ifndef ALB_IMPORT_REPORT_H
#define ALB_IMPORT_REPORT_H

#include "import/tally.h"

struct alb_report {
    const struct alb_tally_view *view;
    const struct alb_failure *failures;
    size_t failures_n;
    struct alb_str server;
    bool dry_run, restore_trashed;
    int64_t took_ns;
    int signal;       /* that ended the run; 0 = none */
    const char *note; /* why it ended before its time, or NULL */
    int exit_code;
};
void alb_report_text(const struct alb_report *r, struct alb_buf *out);
/* One line of JSON. */
void alb_report_json(const struct alb_report *r, struct alb_buf *out);
/* Only the failures, one per line (--quiet). */
void alb_report_failures(const struct alb_report *r, size_t max, struct alb_buf *out);

#endif
