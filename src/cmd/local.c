/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/local.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "blob/cache.h"
#include "blob/disk/disk.h"
#include "cmd/upkeep.h"
#include "library/blob.h"
#include "render/origin.h"

#define QUARANTINE_FILES 10000
#define DEFAULT_CACHE (INT64_MAX / 4) /* a command that does not know the limit evicts nothing */
#define DEFAULT_QUARANTINE ((int64_t)256 << 20)

static enum alb_code open_dir(const char *data, int *dirfd, struct alb_err *err)
{
    enum alb_code code = alb_fs_mkdirs(AT_FDCWD, data, 0700, err);
    if (code == ALB_OK)
        code = alb_fs_open(AT_FDCWD, data, O_RDONLY | O_DIRECTORY, 0, dirfd, err);
    alb_err_context(err, "data folder %s", data);
    return code;
}

static enum alb_code open_catalog(struct alb_folder *f, const struct alb_options *o, const char *data,
                                  const char *holder, struct alb_err *err)
{
    const struct alb_catalog_config catalog = {
        .path = data, .holder = holder, .lock = true, .clock = alb_clock_real()};
    enum alb_code code = alb_catalog_open(&catalog, &f->catalog, err);
    if (code != ALB_OK)
        return code;
    struct alb_library_config library = {.catalog = f->catalog, .clock = alb_clock_real()};
    if (o) {
        library.throttle =
            (struct alb_throttle_config){.tries = (unsigned)alb_opt_int(o, ALB_P_SIGN_IN_TRIES),
                                         .entries = (unsigned)alb_opt_int(o, ALB_P_SIGN_IN_ENTRIES),
                                         .delay_ns = alb_opt_duration(o, ALB_P_SIGN_IN_DELAY),
                                         .window_ns = alb_opt_duration(o, ALB_P_SIGN_IN_MEMORY)};
    }
    return alb_library_open(&library, &f->library, err);
}

static enum alb_code open_stores(struct alb_folder *f, const struct alb_options *o, struct alb_err *err)
{
    int64_t cache_size = o ? alb_opt_size(o, ALB_P_CACHE_SIZE) : DEFAULT_CACHE;
    int64_t quarantine_size = o ? alb_opt_size(o, ALB_P_QUARANTINE_SIZE) : DEFAULT_QUARANTINE;
    int64_t max_age_ms = o ? alb_opt_duration(o, ALB_P_CACHE_MAX_AGE) / ALB_NS_PER_MS : 0;
    enum alb_code code = alb_quarantine_open(f->dirfd, quarantine_size, QUARANTINE_FILES, alb_clock_real(),
                                             &f->quarantine, err);
    if (code == ALB_OK)
        code = alb_blob_disk_open(f->dirfd, f->quarantine, &f->store, err);
    if (code != ALB_OK)
        return code;
    alb_library_watch_store(f->library, f->store);
    const struct alb_cache_config cache = {.data_dirfd = f->dirfd,
                                           .folder = "cache",
                                           .limit = cache_size,
                                           .clock = alb_clock_real(),
                                           .quarantine = f->quarantine,
                                           .max_age_ms = max_age_ms};
    code = alb_cache_open(&cache, &f->cache, err);
    if (code == ALB_OK)
        alb_upkeep_open_purges(f->dirfd, false, &f->purges);
    return code;
}

enum alb_code alb_folder_open(const struct alb_options *options, const char *data, const char *holder,
                              struct alb_folder *f, struct alb_err *err)
{
    *f = (struct alb_folder){.dirfd = -1};
    enum alb_code code = open_dir(data, &f->dirfd, err);
    if (code == ALB_OK)
        code = open_catalog(f, options, data, holder, err);
    if (code == ALB_OK)
        code = open_stores(f, options, err);
    if (code != ALB_OK)
        alb_folder_close(f);
    return code;
}

void alb_folder_close(struct alb_folder *f)
{
    alb_purges_close(&f->purges);
    if (f->cache)
        alb_cache_close(&f->cache);
    if (f->store)
        alb_blob_store_free(&f->store);
    if (f->quarantine)
        alb_quarantine_close(&f->quarantine);
    if (f->library)
        alb_library_close(&f->library);
    if (f->catalog)
        alb_catalog_close(&f->catalog);
    alb_fs_close(&f->dirfd);
}

/* To check them: nothing is fetched, and where none were ever kept nothing is made. */
static enum alb_code open_origins(const struct alb_folder *f, const struct alb_options *o, struct alb_origins **out,
                                  struct alb_err *err)
{
    const struct alb_origins_config config = {.clock = alb_clock_real(),
                                              .data_dirfd = f->dirfd,
                                              .tmp_dirfd = -1,
                                              .local_dirfd = -1,
                                              .cache_bytes = alb_opt_size(o, ALB_P_SOURCE_CACHE_SIZE),
                                              .quarantine = f->quarantine};
    return faccessat(f->dirfd, "sources", F_OK, 0) == 0 ? alb_origins_open(&config, out, err) : ALB_OK;
}

int alb_local_run(const char *data, const struct alb_admin_command *command,
                  const struct alb_admin_call *call, struct alb_console *console)
{
    struct alb_folder f;
    struct alb_origins *origins = NULL;
    struct alb_err err = ALB_ERR_INIT;
    const struct alb_options *with_limits = command->command == ALB_CMD_CHECK ? call->options : NULL;
    if (access(data, F_OK) != 0) {
        alb_console_err(console, "albumen: there is no data folder %s (--data says where it is)\n", data);
        return 1;
    }
    if (alb_folder_open(with_limits, data, command->name, &f, &err) != ALB_OK)
        return alb_console_fail(console, "data folder", &err);
    if (with_limits && open_origins(&f, with_limits, &origins, &err) != ALB_OK) {
        alb_folder_close(&f);
        return alb_console_fail(console, "copies of other servers' pictures", &err);
    }
    struct alb_admin admin = {.clock = alb_clock_real(),
                              .library = f.library,
                              .store = f.store,
                              .cache = f.cache,
                              .purges = f.purges,
                              .origins = origins};
    int status = command->run(&admin, call, console);
    if (origins)
        alb_origins_close(&origins);
    alb_folder_close(&f);
    return status;
}
