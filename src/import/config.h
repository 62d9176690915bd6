/* SPDX-License-Identifier: Apache-2.0
 *
 * What a person asked for, checked and in the importer's own terms. Read-only after init.
 */
#ifndef ALB_IMPORT_CONFIG_H
#define ALB_IMPORT_CONFIG_H

#include "base/log.h"
#include "base/options.h"
#include "import/select.h"
#include "import/source.h"

struct alb_import_config {
    struct alb_buf server; /* the address, NUL-terminated */
    struct alb_secret key;
    unsigned jobs, hashers;
    int64_t retry_ns, stall_ns;
    uint64_t errors_max; /* stop after so many failures; 0 = never */
    bool dry_run, quiet, json, recursive, restore_trashed;
    bool has_journal;
    struct alb_buf journal; /* path */
    bool journal_asked;     /* --journal was given: without it no import */
    enum alb_folder_album folder_album;
    struct alb_str album;     /* borrowed from the options */
    struct alb_buf tags;      /* joined with commas */
    struct alb_select select; /* without the server's types */
};
/* err has the text for the person; the options outlive the config. */
enum alb_code alb_import_config_init(struct alb_import_config *c, const struct alb_options *o,
                                     struct alb_err *err) ALB_MUST_CHECK;
void alb_import_config_fini(struct alb_import_config *c);

#endif
