/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/house_cache.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"
#include "blob/claims.h"
#include "blob/publish.h"
#include "cmd/upkeep.h"

#define QUARANTINE_FILES 1000

/* False: there is no such place. */
static bool default_folder(const char *name, struct alb_buf *path)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/')
        alb_buf_printf(path, "%s/albumen/%s", cache, name);
    else if (home && home[0] == '/')
        alb_buf_printf(path, "%s/.cache/albumen/%s", home, name);
    return path->n > 0;
}

static enum alb_code open_folder(struct alb_house_cache *c, const char *path, struct alb_err *err)
{
    enum alb_code code = alb_fs_mkdirs(AT_FDCWD, path, 0700, err);
    if (code == ALB_OK)
        code = alb_fs_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &c->dirfd, err);
    if (code == ALB_OK)
        code = alb_publish_recover_shared(c->dirfd, err);
    if (code == ALB_OK)
        code = alb_fs_open(c->dirfd, "tmp", O_RDONLY | O_DIRECTORY, 0, &c->tmpfd, err);
    if (code != ALB_OK)
        alb_err_context(err, "cache folder %s", path);
    return code;
}

static enum alb_code open_caches(struct alb_house_cache *c, const struct alb_options *o,
                                 struct alb_err *err)
{
    const struct alb_clock *clock = alb_clock_real();
    enum alb_code code = alb_quarantine_open(c->dirfd, alb_opt_size(o, ALB_P_QUARANTINE_SIZE),
                                             QUARANTINE_FILES, clock, &c->quarantine, err);
    const struct alb_cache_config results = {.data_dirfd = c->dirfd,
                                             .folder = "cache",
                                             .limit = alb_opt_size(o, ALB_P_CACHE_SIZE),
                                             .clock = clock,
                                             .quarantine = c->quarantine,
                                             .shared = true,
                                             .max_age_ms = alb_opt_duration(o, ALB_P_CACHE_MAX_AGE) / ALB_NS_PER_MS};
    if (code == ALB_OK)
        code = alb_cache_open(&results, &c->results, err);
    if (code == ALB_OK)
        alb_upkeep_open_purges(c->dirfd, true, &c->purges);
    if (code == ALB_OK)
        alb_upkeep_open_claims(c->dirfd, &c->claims);
    return code;
}

enum alb_code alb_house_cache_open(const struct alb_options *o, const char *name, struct alb_house_cache *c,
                                      struct alb_err *err)
{
    struct alb_buf path = ALB_BUF_INIT(4096);
    struct alb_err why = ALB_ERR_INIT;
    const char *named = alb_opt_string(o, ALB_P_CACHE_DIR);
    *c = (struct alb_house_cache){.dirfd = -1, .tmpfd = -1};
    if (alb_opt_size(o, ALB_P_CACHE_SIZE) == 0 && alb_opt_size(o, ALB_P_SOURCE_CACHE_SIZE) == 0)
        return ALB_OK;
    if (named[0])
        alb_buf_c(&path, named);
    else if (!default_folder(name, &path))
        (void)alb_fail(&why, ALB_E_NOT_FOUND, "neither XDG_CACHE_HOME nor HOME is set");
    if (why.code == ALB_OK && open_folder(c, alb_buf_cstr(&path), &why) == ALB_OK)
        alb_ignore(open_caches(c, o, &why), "looked at below");
    alb_buf_fini(&path);
    if (why.code == ALB_OK)
        return ALB_OK;
    alb_house_cache_close(c);
    if (named[0])
        return alb_fail(err, why.code, "%s", why.msg);
    alb_log(ALB_LOG_WARN, "nothing is cached on disk", ALB_LOG_C("error", why.msg));
    return ALB_OK;
}

void alb_house_cache_close(struct alb_house_cache *c)
{
    alb_claims_close(&c->claims);
    alb_purges_close(&c->purges);
    if (c->results)
        alb_cache_close(&c->results);
    if (c->quarantine)
        alb_quarantine_close(&c->quarantine);
    alb_fs_close(&c->tmpfd);
    alb_fs_close(&c->dirfd);
}
