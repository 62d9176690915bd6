/* SPDX-License-Identifier: Apache-2.0
 *
 * What serve and the commands that run without a server have in common: opening the data folder under its
 * lock.
 */
#ifndef ALB_CMD_LOCAL_H
#define ALB_CMD_LOCAL_H

#include "cmd/admin.h"

struct alb_catalog;
struct alb_purges;
struct alb_quarantine;

/* The data folder, opened: lock, catalog, library, originals, result cache. */
struct alb_folder {
    int dirfd;
    struct alb_catalog *catalog;
    struct alb_library *library;
    struct alb_quarantine *quarantine;
    struct alb_blob_store *store;
    struct alb_cache *cache;
    struct alb_purges *purges; /* of the cache; NULL: nothing can be purged */
};
/* Makes the folder (mode 0700) if it is missing. `holder` is what others read who find it locked. On failure
 * everything is closed again; CONFLICT: somebody else has it. */
enum alb_code alb_folder_open(const struct alb_options *options, const char *data, const char *holder,
                              struct alb_folder *folder, struct alb_err *err) ALB_MUST_CHECK;
void alb_folder_close(struct alb_folder *folder);

int alb_local_run(const char *data, const struct alb_admin_command *command,
                  const struct alb_admin_call *call, struct alb_console *console);

#endif
