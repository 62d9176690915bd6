/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder of caches of a program that stands in another's place (`albumen imgproxy`, `albumen imagor`): results
 * below cache/, copies of sources below sources/, both derived and of no use to anybody else: it may be removed
 * whenever nobody runs. Several processes may share it (blob/cache.h); one without a place to write works from memory
 * alone. Opened and closed on the main thread.
 */
#ifndef ALB_CMD_HOUSE_CACHE_H
#define ALB_CMD_HOUSE_CACHE_H

#include "base/options.h"
#include "blob/cache.h"
#include "blob/quarantine.h"

struct alb_house_cache {
    int dirfd, tmpfd; /* -1: memory alone */
    struct alb_quarantine *quarantine;
    struct alb_cache *results; /* NULL: none */
    struct alb_purges *purges; /* NULL: nothing can be purged */
    struct alb_claims *claims; /* NULL: nobody waits for another process */
};

/* A folder that was named must be usable; the default one, of that name among the user's caches, may be missing, which
 * is logged. */
enum alb_code alb_house_cache_open(const struct alb_options *options, const char *name,
                                   struct alb_house_cache *cache, struct alb_err *err) ALB_MUST_CHECK;
void alb_house_cache_close(struct alb_house_cache *cache); /* also after a failure */

#endif
