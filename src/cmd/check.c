/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen check [--repair]: reads everything that is kept and says what is wrong with it: the catalog against
 * itself, every original against its checksums, every file of the result cache. Exit 0: clean.
 * Damaged cache files go to quarantine in any case (they are made again when asked for). A damaged original
 * stays where it is, is marked and named: the same photo, uploaded again (the importer and the page send what
 * is marked), or a backup brings it back.
 */
#include <string.h>

#include "base/codec.h"
#include "blob/cache.h"
#include "blob/store.h"
#include "cmd/admin.h"
#include "library/blob.h"

#define ARENA_CAP ((size_t)64 << 20)
#define PAGE 200

struct check {
    struct alb_admin *admin;
    struct alb_console *c;
    bool repair;
    int64_t originals, original_bytes, bad_originals;
    uint64_t catalog_problems;
    struct alb_cache_checked cache;
    int64_t files_without_row;
};

static void report(void *ctx, const char *what, const char *text)
{
    struct check *k = ctx;
    alb_console_out(k->c, "catalog: %s: %s\n", what, text);
}

/* ---- originals ---- */

static enum alb_code note(struct check *k, const struct alb_blob *b, bool good, struct alb_err *err)
{
    struct alb_future *future = NULL;
    enum alb_code code = alb_library_blob_verified(k->admin->library, b->id, b->verified_at, good, &future, err);
    return code == ALB_OK ? alb_library_await(&future, NULL, err) : code;
}

static enum alb_code check_original(struct check *k, const struct alb_blob *b, struct alb_err *err)
{
    struct alb_blob_ref ref = {.size = b->size, .key = b->key, .sums = b->sums};
    struct alb_err why = ALB_ERR_INIT;
    char hex[2 * ALB_SHA256_LEN + 1];
    if (b->state != ALB_BLOB_LIVE)
        return ALB_OK;
    memcpy(ref.sha256, b->sha256, sizeof(ref.sha256));
    alb_hex(b->sha256, ALB_SHA256_LEN, hex);
    enum alb_code code = alb_blob_scrub(k->admin->store, &ref, NULL, &why);
    k->originals++;
    k->original_bytes += b->size;
    if (code != ALB_OK && code != ALB_E_CORRUPT && code != ALB_E_NOT_FOUND) {
        *err = why;
        return code;
    }
    if (code != ALB_OK) {
        k->bad_originals++;
        alb_console_out(k->c, "original %s: %s: %s\n", hex, code == ALB_E_NOT_FOUND ? "missing" : "damaged",
                        why.msg);
    }
    return note(k, b, code == ALB_OK, err);
}

static enum alb_code check_page(struct check *k, int64_t *after, bool *more, struct alb_err *err)
{
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    struct alb_blob *list = NULL;
    size_t count = 0;
    enum alb_code code =
        arena ? alb_library_blob_page(k->admin->library, *after, PAGE, arena, &list, &count, err)
              : alb_fail(err, ALB_E_NO_MEMORY, "page of originals");
    for (size_t i = 0; code == ALB_OK && i < count && !alb_console_over(k->c); i++) {
        *after = list[i].id;
        code = check_original(k, &list[i], err);
    }
    *more = code == ALB_OK && count == PAGE && !alb_console_over(k->c);
    alb_arena_free(&arena);
    return code;
}

static enum alb_code look_for_row(void *arg, const struct alb_blob_file *file, struct alb_err *err)
{
    struct check *k = arg;
    struct alb_blob row;
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    struct alb_err why = ALB_ERR_INIT;
    if (!arena)
        return alb_fail(err, ALB_E_NO_MEMORY, "row of an original");
    if (!file->foreign &&
        alb_library_blob_find(k->admin->library, file->sha256, arena, &row, &why) == ALB_E_NOT_FOUND)
        k->files_without_row++;
    alb_arena_free(&arena);
    return ALB_OK;
}

static enum alb_code check_originals(struct check *k, struct alb_err *err)
{
    int64_t after = 0, cursor = 0;
    bool more = true;
    enum alb_code code = ALB_OK;
    while (code == ALB_OK && more)
        code = check_page(k, &after, &more, err);
    while (code == ALB_OK && cursor >= 0 && !alb_console_over(k->c))
        code = alb_blob_walk_step(k->admin->store, &cursor, look_for_row, k, err);
    return code;
}

/* ---- cache ---- */

static enum alb_code check_cache(struct check *k, struct alb_err *err)
{
    int64_t cursor = 0;
    enum alb_code code = ALB_OK;
    while (code == ALB_OK && cursor >= 0 && !alb_console_over(k->c))
        code = alb_cache_check_step(k->admin->cache, &cursor, &k->cache, err);
    return code;
}

static int summary(const struct check *k)
{
    struct alb_console *c = k->c;
    uint64_t problems = k->catalog_problems + (uint64_t)k->bad_originals + (uint64_t)k->cache.bad;
    alb_console_out(c, "catalog    %llu problems%s\n", (unsigned long long)k->catalog_problems,
                    k->repair && k->catalog_problems ? " (what is derived was made again)" : "");
    alb_console_out(c, "originals  %lld checked, %lld bytes, %lld damaged or missing\n",
                    (long long)k->originals, (long long)k->original_bytes, (long long)k->bad_originals);
    if (k->files_without_row > 0)
        alb_console_out(c, "           %lld files that no photo refers to (removed after their grace time)\n",
                        (long long)k->files_without_row);
    alb_console_out(c, "cache      %lld files, %lld bytes, %lld damaged%s\n", (long long)k->cache.seen,
                    (long long)k->cache.bytes, (long long)k->cache.bad,
                    k->cache.bad ? " (moved to quarantine)" : "");
    if (problems)
        alb_console_out(c, "%llu problems\n", (unsigned long long)problems);
    else
        alb_console_out(c, "clean\n");
    return problems ? 1 : 0;
}

int alb_admin_check(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    struct alb_err err = ALB_ERR_INIT;
    struct check k = {.admin = admin, .c = c, .repair = alb_opt_bool(call->options, ALB_P_REPAIR)};
    if (call->words[0]) {
        alb_console_err(c, "usage: albumen check [--repair]    (albumen check --help)\n");
        return 2;
    }
    enum alb_code code = alb_library_check(admin->library, k.repair, report, &k, &k.catalog_problems, &err);
    if (code == ALB_OK)
        code = check_originals(&k, &err);
    if (code == ALB_OK)
        code = check_cache(&k, &err);
    if (code == ALB_OK && alb_console_over(c))
        code = alb_fail(&err, ALB_E_CANCELLED, "ended early: not everything was checked");
    if (code != ALB_OK)
        return alb_console_fail(c, "check", &err);
    return summary(&k);
}
