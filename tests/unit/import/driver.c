/* SPDX-License-Identifier: Apache-2.0
 *
 * `albumen import` alone, without the rest of the program: what tests/e2e/test_import.py starts when there is
 * no whole albumen, and what runs under the sanitizers.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/options.h"
#include "import/import.h"

int main(int argc, char **argv)
{
    struct alb_options *o = NULL;
    struct alb_err err = ALB_ERR_INIT;
    char **paths = NULL;
    if (alb_options_parse(ALB_CMD_IMPORT, argc - 1, argv + 1, environ, &o, &paths, &err) != ALB_OK) {
        fprintf(stderr, "albumen import: %s\n", err.msg);
        return ALB_IMPORT_EXIT_USAGE;
    }
    int rc = alb_import_main(o, paths);
    alb_options_free(&o);
    return rc;
}
