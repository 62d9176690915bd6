/* SPDX-License-Identifier: Apache-2.0
 *
 * The importer: brings files of this machine to an albumen server, over its public HTTP only. This header is
 * all that the command line needs; how the room works is told in import/pipeline.h.
 */
#ifndef ALB_IMPORT_IMPORT_H
#define ALB_IMPORT_IMPORT_H

#include "base/options.h"

/* What `albumen import` ends with. 128 + signal number when a signal ended it (130 = Ctrl-C). */
enum alb_import_exit {
    ALB_IMPORT_EXIT_OK = 0,     /* nothing failed */
    ALB_IMPORT_EXIT_FAILED = 1, /* at least one file or folder failed; the others were done */
    ALB_IMPORT_EXIT_USAGE = 2,  /* nothing was begun: bad options, no such folder, wrong key, no server */
};

/* Runs a whole import; `paths` are the words behind the options (NULL-terminated). Prints progress and
 * messages on standard error, the report on standard output. To be called once per process, from its main
 * thread and before other threads exist: it takes SIGINT, SIGTERM and SIGHUP over while it runs and puts the
 * signal mask back. The key is never printed. */
int alb_import_main(const struct alb_options *o, char **paths);

#endif
