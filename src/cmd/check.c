/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen check [--repair]: reads everything that is kept and says what is wrong with it: the catalog against
 * itself, every original against its checksums, every file of the result cache and every copy of other servers'
 * pictures. Problems are named as they are found, in words of the people whose photos they are; progress is
 * shown on a terminal; a summary ends it.
 *
 * Damaged cache files and copies go to quarantine in any case (they are made, or fetched, again when asked
 * for). A damaged original stays where it is, is marked and named: the same photo, uploaded again (the importer
 * and the page send what is marked), or a backup brings it back. What cannot be read for another reason (a right
 * is missing) is named, and not marked: nothing is known about it.
 */
#include <string.h>

#include "base/codec.h"
#include "blob/cache.h"
#include "blob/store.h"
#include "cmd/admin.h"
#include "import/human.h"
#include "library/blob.h"
#include "render/origin.h"

#define ARENA_CAP ((size_t)64 << 20)
#define ROW_CAP ((size_t)160 << 20) /* the block sums of a file of 16 TiB */
#define PAGE 200
#define USERS_MAX 50 /* photos that are named for one original */
#define PROGRESS_NS (ALB_NS_PER_S / 5)
#define NAME_MAX_SHOWN 512

struct check {
    struct alb_admin *admin;
    struct alb_console *c;
    const char *data;
    bool repair;
    int64_t all, all_bytes; /* originals that there are, as the catalog says */
    int64_t originals, original_bytes, damaged, missing, unreadable;
    uint64_t catalog_problems;
    struct alb_cache_checked cache, sources;
    int64_t files_without_row;
    int64_t begun_ns, shown_ns;
};

static void report(void *ctx, const char *what, const char *text)
{
    struct check *k = ctx;
    alb_console_out(k->c, "catalog  %s: %s\n", what, text);
}

/* ---- progress ---- */

static bool is_time(struct check *k)
{
    int64_t now = alb_mono(k->admin->clock);
    if (now - k->shown_ns < PROGRESS_NS)
        return false;
    k->shown_ns = now;
    return true;
}

static void show_originals(struct check *k)
{
    char n[ALB_HUMAN_MAX], all[ALB_HUMAN_MAX], bytes[ALB_HUMAN_MAX], all_bytes[ALB_HUMAN_MAX],
        left[ALB_HUMAN_MAX] = "";
    if (!is_time(k))
        return;
    int64_t spent = k->shown_ns - k->begun_ns;
    if (k->original_bytes > 0 && k->original_bytes < k->all_bytes && spent > 2 * ALB_NS_PER_S)
        (void)alb_human_duration(
            (int64_t)((double)spent * (double)(k->all_bytes - k->original_bytes) / (double)k->original_bytes),
            left);
    alb_console_progress(k->c, "originals: %s of %s, %s of %s%s%s%s",
                         alb_human_count((uint64_t)k->originals, n), alb_human_count((uint64_t)k->all, all),
                         alb_human_bytes(k->original_bytes, bytes), alb_human_bytes(k->all_bytes, all_bytes),
                         left[0] ? ", " : "", left, left[0] ? " left" : "");
}

/* ---- originals ---- */

static enum alb_code note(struct check *k, const struct alb_blob *b, bool good, struct alb_err *err)
{
    struct alb_future *future = NULL;
    enum alb_code code =
        alb_library_blob_verified(k->admin->library, b->id, b->verified_at, good, &future, err);
    return code == ALB_OK ? alb_library_await(&future, NULL, err) : code;
}

/* A name that somebody gave, on somebody else's terminal: control characters (also those of two bytes) go. */
static const char *shown(struct alb_str name, char out[NAME_MAX_SHOWN])
{
    size_t n = 0;
    for (size_t i = 0; i < name.n && n + 1 < NAME_MAX_SHOWN; i++) {
        unsigned char c = (unsigned char)name.p[i], next = i + 1 < name.n ? (unsigned char)name.p[i + 1] : 0;
        bool two = c == 0xc2 && next >= 0x80 && next < 0xa0;
        out[n++] = c < 0x20 || c == 0x7f || two ? '?' : name.p[i];
        i += two;
    }
    out[n] = '\0';
    return out;
}

static void name_user(struct check *k, const char *what, const struct alb_blob_user *u)
{
    char name[NAME_MAX_SHOWN], owner[NAME_MAX_SHOWN], when[25];
    alb_time_rfc3339(u->local_ms, when);
    alb_console_out(k->c, "%-10s %s (%s, %.10s %.5s%s%s)\n", what, shown(u->name, name),
                    shown(u->owner, owner), when, when + 11, u->trashed ? ", in the trash" : "",
                    u->extra ? ", a file beside it" : "");
}

/* Whose photos these are, then where the file lies and what is wrong with it. */
static enum alb_code name_it(struct check *k, const struct alb_blob *b, const char *what, struct alb_str why,
                             struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(ARENA_CAP);
    struct alb_blob_user *users = NULL;
    size_t count = 0;
    char size[ALB_HUMAN_MAX];
    enum alb_code code =
        a ? alb_library_blob_users(k->admin->library, b->id, USERS_MAX, a, &users, &count, err)
          : alb_fail(err, ALB_E_NO_MEMORY, "names of photos");
    for (size_t i = 0; i < count; i++)
        name_user(k, what, &users[i]);
    if (count == USERS_MAX)
        alb_console_out(k->c, "%-10s perhaps more photos with the same original\n", "");
    if (count == 0)
        alb_console_out(k->c, "%-10s an original that no photo refers to\n", what);
    if (alb_str_starts(why, b->key)) /* said already */
        why = alb_str_from(why, b->key.n);
    if (alb_str_starts(why, ALB_STR(": ")))
        why = alb_str_from(why, 2);
    alb_console_out(k->c, "%-10s %s/originals/" ALB_STR_FMT ", %s: " ALB_STR_FMT "\n", "", k->data,
                    ALB_STR_ARG(b->key), alb_human_bytes(b->size, size), ALB_STR_ARG(why));
    alb_arena_free(&a);
    return code;
}

static enum alb_code check_row(struct check *k, const struct alb_blob *b, struct alb_err *err)
{
    struct alb_blob_ref ref = {.size = b->size, .key = b->key, .sums = b->sums};
    struct alb_err why = ALB_ERR_INIT;
    if (b->state != ALB_BLOB_LIVE)
        return ALB_OK;
    memcpy(ref.sha256, b->sha256, sizeof(ref.sha256));
    enum alb_code code = alb_blob_scrub(k->admin->store, &ref, NULL, &why), named = ALB_OK;
    k->originals++;
    k->original_bytes += b->size;
    if (code == ALB_E_NOT_FOUND) {
        k->missing++;
        named = name_it(k, b, "missing", ALB_STR("the file is not there"), err);
    } else if (code == ALB_E_CORRUPT) {
        k->damaged++;
        named = name_it(k, b, "damaged", alb_str_c(why.msg), err);
    } else if (code == ALB_E_IO) {
        k->unreadable++;
        return name_it(k, b, "unreadable", alb_str_c(why.msg), err);
    } else if (code != ALB_OK) {
        *err = why;
        return code;
    }
    return named == ALB_OK ? note(k, b, code == ALB_OK, err) : named;
}

/* The row as it is now, not when its page was read: a judgement of it counts only then (catalog/blob.h). */
static enum alb_code check_original(struct check *k, const unsigned char sha256[ALB_SHA256_LEN],
                                    struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(ROW_CAP);
    struct alb_blob row;
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = a ? alb_library_blob_find(k->admin->library, sha256, a, &row, &why)
                           : alb_fail(&why, ALB_E_NO_MEMORY, "row of an original");
    if (code == ALB_OK)
        code = check_row(k, &row, err);
    else if (code == ALB_E_NOT_FOUND)
        code = ALB_OK; /* it has gone meanwhile */
    else
        *err = why;
    alb_arena_free(&a);
    return code;
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
        show_originals(k);
        code = check_original(k, list[i].sha256, err);
    }
    *more = code == ALB_OK && count == PAGE && !alb_console_over(k->c);
    alb_arena_free(&arena);
    return code;
}

static enum alb_code look_for_row(void *arg, const struct alb_blob_file *file, struct alb_err *err)
{
    struct check *k = arg;
    struct alb_blob row;
    struct alb_arena *arena = alb_arena_new(ROW_CAP);
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
    enum alb_code code = alb_library_blob_totals(k->admin->library, &k->all, &k->all_bytes, err);
    k->begun_ns = alb_mono(k->admin->clock);
    while (code == ALB_OK && more)
        code = check_page(k, &after, &more, err);
    while (code == ALB_OK && cursor >= 0 && !alb_console_over(k->c)) {
        if (is_time(k))
            alb_console_progress(k->c, "originals: looking for files that no photo refers to");
        code = alb_blob_walk_step(k->admin->store, &cursor, look_for_row, k, err);
    }
    return code;
}

/* ---- cache ---- */

static void show_files(struct check *k, const char *what, const struct alb_cache_checked *sum)
{
    char files[ALB_HUMAN_MAX], bytes[ALB_HUMAN_MAX];
    if (is_time(k))
        alb_console_progress(k->c, "%s: %s files, %s", what, alb_human_count((uint64_t)sum->seen, files),
                             alb_human_bytes(sum->bytes, bytes));
}

static enum alb_code check_cache(struct check *k, struct alb_err *err)
{
    int64_t cursor = 0;
    enum alb_code code = ALB_OK;
    while (code == ALB_OK && cursor >= 0 && !alb_console_over(k->c)) {
        show_files(k, "cache", &k->cache);
        code = alb_cache_check_step(k->admin->cache, &cursor, &k->cache, err);
    }
    for (cursor = 0; code == ALB_OK && k->admin->origins && cursor >= 0 && !alb_console_over(k->c);) {
        show_files(k, "sources", &k->sources);
        code = alb_origins_check_step(k->admin->origins, &cursor, &k->sources, err);
    }
    return code;
}

/* ---- the end ---- */

static const char *number(int64_t n, char out[ALB_HUMAN_MAX])
{
    return alb_human_count((uint64_t)n, out);
}

static void sum_up_originals(const struct check *k)
{
    char n[ALB_HUMAN_MAX], bytes[ALB_HUMAN_MAX];
    struct alb_buf bad = ALB_BUF_INIT(256);
    const struct {
        int64_t n;
        const char *what;
    } kinds[] = {{k->damaged, "damaged"}, {k->missing, "missing"}, {k->unreadable, "unreadable"}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++)
        if (kinds[i].n > 0)
            alb_buf_printf(&bad, "%s%s %s", bad.n > 0 ? ", " : "", number(kinds[i].n, n), kinds[i].what);
    alb_console_out(k->c, "originals  %s checked, %s: %s\n", number(k->originals, n),
                    alb_human_bytes(k->original_bytes, bytes), bad.n > 0 ? alb_buf_cstr(&bad) : "all good");
    if (k->files_without_row > 0)
        alb_console_out(k->c,
                        "           %s files that no photo refers to (removed after their grace time)\n",
                        number(k->files_without_row, n));
    alb_buf_fini(&bad);
}

/* What is not ours, or made from what is. */
static void sum_up_files(const struct check *k, const char *what, const struct alb_cache_checked *sum,
                         const char *again)
{
    char n[ALB_HUMAN_MAX], bytes[ALB_HUMAN_MAX], bad[ALB_HUMAN_MAX];
    alb_console_out(k->c, "%-10s %s files, %s: ", what, number(sum->seen, n), alb_human_bytes(sum->bytes, bytes));
    if (sum->bad)
        alb_console_out(k->c, "%s damaged, moved to quarantine (%s again when asked for)\n", number(sum->bad, bad),
                        again);
    else
        alb_console_out(k->c, "all good\n");
}

static int summary(const struct check *k)
{
    struct alb_console *c = k->c;
    char n[ALB_HUMAN_MAX];
    int64_t lost = k->damaged + k->missing;
    int64_t problems = (int64_t)k->catalog_problems + lost + k->unreadable + k->cache.bad + k->sources.bad;
    if (problems)
        alb_console_out(c, "\n");
    if (k->catalog_problems)
        alb_console_out(c, "catalog    %s problems%s\n", number((int64_t)k->catalog_problems, n),
                        k->repair ? " (what is derived was made again)"
                                  : " (--repair makes again what is derived)");
    else
        alb_console_out(c, "catalog    all good\n");
    sum_up_originals(k);
    sum_up_files(k, "cache", &k->cache, "made");
    if (k->admin->origins)
        sum_up_files(k, "sources", &k->sources, "fetched");
    if (lost > 0)
        alb_console_out(
            c, "\nWhat is damaged or missing comes back, with all that was done to it, when the same\n"
               "file is uploaded again (albumen import, or on the page), or copied from a backup to the\n"
               "path above. Then run albumen check again.\n\n");
    if (problems)
        alb_console_out(c, "%s problem%s\n", number(problems, n), problems == 1 ? "" : "s");
    else
        alb_console_out(c, "clean\n");
    return problems ? 1 : 0;
}

int alb_admin_check(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    struct alb_err err = ALB_ERR_INIT;
    struct check k = {.admin = admin,
                      .c = c,
                      .data = alb_opt_string(call->options, ALB_P_DATA),
                      .repair = alb_opt_bool(call->options, ALB_P_REPAIR)};
    if (call->words[0]) {
        alb_console_err(c, "usage: albumen check [--repair]    (albumen check --help)\n");
        return 2;
    }
    alb_console_progress(c, "catalog: comparing it with itself");
    enum alb_code code = alb_library_check(admin->library, k.repair, report, &k, &k.catalog_problems, &err);
    if (code == ALB_OK)
        code = check_originals(&k, &err);
    if (code == ALB_OK)
        code = check_cache(&k, &err);
    if (code == ALB_OK && alb_console_over(c))
        code = alb_fail(&err, ALB_E_CANCELLED, "ended early: not everything was checked");
    alb_console_progress(c, "%s", "");
    if (code != ALB_OK)
        return alb_console_fail(c, "check", &err);
    return summary(&k);
}
