/* SPDX-License-Identifier: Apache-2.0
 *
 * How a cache begins and ends, and what keeps its books true in between (contract: cache.h): the journal's records on
 * their way into the index, and the walk through the folders that sets right what the journal does not know.
 */
#include "blob/cache_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/list.h"
#include "blob/publish.h"

#define REPAIR_NS (5 * ALB_NS_PER_S) /* a disk that failed is tried again after so long */
#define PASSED_MAX 128               /* entries of one bucket */

/* ---- records ---- */

static void put_row(struct alb_cache *c, const struct alb_cache_journal_record *r, enum alb_index_place place)
{
    const struct alb_index_row row = {.key = r->key, .item = r->item, .place = place, .hits = r->hits};

    alb_ignore(alb_index_put(c->index, &row, NULL),
               "without memory it is a miss, and found again by the next walk");
}

/* In the journal's order, under its lock. */
static void apply(void *arg, const struct alb_cache_journal_record *r)
{
    struct alb_cache *c = arg;
    const uint32_t ghost[2] = {r->item.pages, r->item.made_s};

    alb_mutex_lock(&c->mtx);
    int64_t before = alb_index_look(c->index).pages;
    switch (r->op) {
    case ALB_JOURNAL_KEEP_SMALL:
        put_row(c, r, ALB_INDEX_SMALL);
        break;
    case ALB_JOURNAL_KEEP_MAIN:
        put_row(c, r, ALB_INDEX_MAIN);
        break;
    case ALB_JOURNAL_PUT:
        put_row(c, r, ALB_INDEX_NEW);
        break;
    case ALB_JOURNAL_GONE:
        (void)alb_index_remove(c->index, &r->key);
        break;
    case ALB_JOURNAL_GHOST:
        alb_index_put_ghost(c->index, ghost);
        break;
    case ALB_JOURNAL_HEAD:
    case ALB_JOURNAL_HERE:
    case ALB_JOURNAL_CLEAN:
    case ALB_JOURNAL_MOVED:
        break;
    }
    int64_t after = alb_index_look(c->index).pages;
    alb_mutex_unlock(&c->mtx);
    if (after != before)
        alb_stat_add(ALB_STAT_CACHE_BYTES, (after - before) * ALB_INDEX_PAGE);
}

/* ---- the walk ---- */

bool alb_cache_key_of_name(const char *name, struct alb_index_key *key)
{
    return strlen(name) == ALB_CACHE_NAME_HEX && strspn(name, "0123456789abcdef") == ALB_CACHE_NAME_HEX &&
           alb_hex_decode(alb_str_c(name), key->b, ALB_INDEX_KEY_LEN);
}

static enum alb_code met(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct alb_cache *c = arg;
    struct alb_index_row row = {.place = ALB_INDEX_NEW};
    struct stat st;

    (void)err;
    if (!alb_cache_key_of_name(name, &row.key))
        return ALB_OK;
    alb_mutex_lock(&c->mtx);
    bool known = alb_index_see(c->index, &row.key);
    alb_mutex_unlock(&c->mtx);
    if (known || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return ALB_OK;
    row.item = (struct alb_index_item){alb_index_pages(st.st_size), (uint32_t)st.st_mtim.tv_sec, 0};
    alb_cache_adopt_found(c, &row);
    return ALB_OK;
}

/* Entries of the folder whose files were not met. One that is just being written may be among them: its writer looks
 * again when it is done. */
static void drop_unmet(struct alb_cache *c, unsigned folder)
{
    struct alb_index_row rows[PASSED_MAX];
    uint32_t place = 0;
    size_t n = PASSED_MAX;

    while (n > 0) {
        alb_mutex_lock(&c->mtx);
        n = alb_index_folder(c->index, folder, true, &place, rows, PASSED_MAX);
        alb_mutex_unlock(&c->mtx);
        for (size_t i = 0; i < n; i++) {
            char name[ALB_DERIVED_NAME_MAX];
            struct stat st;
            alb_cache_name(&rows[i].key, name);
            if (fstatat(c->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
                alb_cache_forget(c, &rows[i].key);
        }
    }
}

/* False: the disk does not let it. */
static bool walk_folder(struct alb_cache *c, unsigned folder)
{
    struct alb_err err = ALB_ERR_INIT;
    unsigned char byte = (unsigned char)folder;
    char name[3];

    alb_hex(&byte, 1, name);
    alb_mutex_lock(&c->mtx);
    alb_index_unsee(c->index, folder);
    alb_mutex_unlock(&c->mtx);
    enum alb_code code = alb_list_folder(c->dirfd, name, met, c, &err);
    if (code == ALB_E_NOT_FOUND)
        code = ALB_OK;
    alb_cache_note(c, ALB_CACHE_READS, code, err.sys);
    if (code == ALB_OK)
        drop_unmet(c, folder);
    return code == ALB_OK;
}

static void end_walk(struct alb_cache *c)
{
    alb_mutex_lock(&c->mtx);
    c->walk = false;
    c->complete = true;
    alb_mutex_unlock(&c->mtx);
    alb_ignore(alb_cache_make_room(c, NULL, NULL),
               "what is found may be more than the limit; nothing is put by this");
}

/* ---- upkeep ---- */

/* ---- whether the disk works again ---- */

#define PROBE_BYTES ((size_t)64 * 1024)
#define READ_FAULT_MS 60000 /* so long at least a file that could not be read is told of */

static enum alb_code probe_write(struct alb_cache *c, struct alb_err *err)
{
    struct alb_publish p;
    void *zeros = alb_mem_calloc(1, PROBE_BYTES);
    enum alb_code code = zeros != NULL ? alb_publish_begin(&p, c->tmpfd, err) : ALB_E_NO_MEMORY;

    if (code == ALB_OK)
        code = alb_fs_write_all(p.fd, zeros, PROBE_BYTES, err);
    if (code == ALB_OK)
        code = alb_fs_datasync(p.fd, err);
    if (zeros != NULL)
        alb_publish_end(&p);
    alb_mem_free(zeros);
    return code;
}

static enum alb_code found(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    (void)arg;
    (void)dirfd;
    (void)name;
    (void)err;
    return ALB_OK;
}

/* Only while there is a fault: without anybody asking it is seen when the disk is well again. */
static void probe(struct alb_cache *c)
{
    struct alb_err err = ALB_ERR_INIT;

    alb_mutex_lock(&c->mtx);
    bool writes = c->faults[ALB_CACHE_WRITES].code != ALB_OK;
    bool reads = c->faults[ALB_CACHE_READS].code != ALB_OK &&
                 alb_wall(c->clock) - c->faults[ALB_CACHE_READS].since_ms >= READ_FAULT_MS;
    alb_mutex_unlock(&c->mtx);
    if (writes) {
        enum alb_code code = probe_write(c, &err);
        alb_cache_note(c, ALB_CACHE_WRITES, code, err.sys);
    }
    alb_err_clear(&err);
    if (reads) {
        enum alb_code code = alb_list_folder(c->dirfd, "00", found, NULL, &err);
        alb_cache_note(c, ALB_CACHE_READS, code, err.sys);
    }
}

static void set_wants_here(struct alb_cache *c, bool wants) ALB_NO_LOCK_ANALYSIS
{
    alb_mutex_assert_held(&c->jmtx);
    alb_mutex_lock(&c->mtx);
    c->wants_here = wants;
    alb_mutex_unlock(&c->mtx);
}

/* Without a durable HERE a power cut leaves a journal behind that is trusted, and tells nothing of what came since. It
 * is written again after a failure: a disk may say of the first one that it is there, then, and not have it. */
static enum alb_code say_here(struct alb_cache *c, struct alb_err *err)
{
    const struct alb_cache_journal_record here = {.op = ALB_JOURNAL_HERE};
    enum alb_code code = alb_cache_journal_append(&c->journal, &here, 1, err);

    if (code == ALB_OK)
        code = alb_fs_datasync(c->journal.fd, err);
    set_wants_here(c, code != ALB_OK);
    return code;
}

static enum alb_code begin_anew(struct alb_cache *c, struct alb_err *err)
{
    enum alb_code code = alb_cache_journal_renew(&c->journal, c->index, &c->mtx, false, err);

    if (code == ALB_OK)
        set_wants_here(c, false);
    return code;
}

static bool is_bad(const struct alb_cache_journal *j)
{
    return j->fd < 0 || j->damaged || j->moved;
}

/* Of the journal, under its lock: what must be done about it, if it is time. *walk: the folders tell what it lost. */
static enum alb_code mend(struct alb_cache *c, bool *walk, struct alb_err *err) ALB_NO_LOCK_ANALYSIS
{
    struct alb_cache_journal *j = &c->journal;
    enum alb_code code = ALB_OK;

    alb_mutex_assert_held(&c->jmtx);
    if (j->fd >= 0 && !j->damaged)
        code = alb_cache_journal_follow(j, err);
    bool due = is_bad(j) && alb_mono(c->clock) >= c->repair_at;
    if (due) {
        c->repair_at = alb_mono(c->clock) + REPAIR_NS;
        c->wants_walk = true; /* nobody knows what was missed */
    }
    if (due || (!is_bad(j) && alb_cache_journal_is_long(j, alb_index_look(c->index).files)))
        code = begin_anew(c, err);
    else if (code == ALB_OK && !is_bad(j) && c->wants_here)
        code = say_here(c, err);
    *walk = !is_bad(j) && c->wants_walk;
    if (*walk)
        c->wants_walk = false;
    return code;
}

/* True: the journal is good. */
static bool repair(struct alb_cache *c)
{
    struct alb_err err = ALB_ERR_INIT;
    bool walk;

    alb_mutex_lock(&c->jmtx);
    enum alb_code code = mend(c, &walk, &err);
    bool good = !is_bad(&c->journal);
    alb_mutex_unlock(&c->jmtx);
    if (code != ALB_OK)
        alb_cache_note(c, ALB_CACHE_WRITES, code, err.sys);
    else
        probe(c);
    if (walk)
        alb_cache_want_walk(c);
    return good;
}

/* What is too old goes, one folder per call, by the index alone. */
static void expire_folder(struct alb_cache *c)
{
    struct alb_index_row rows[PASSED_MAX];
    int64_t oldest_s = (alb_wall(c->clock) - c->max_age_ms) / 1000;
    uint32_t place = 0;
    size_t n = PASSED_MAX;

    while (n > 0) {
        alb_mutex_lock(&c->mtx);
        n = alb_index_folder(c->index, c->expire_folder, false, &place, rows, PASSED_MAX);
        alb_mutex_unlock(&c->mtx);
        for (size_t i = 0; i < n; i++)
            if (rows[i].item.made_s < oldest_s)
                alb_cache_expire(c, &rows[i].key);
    }
    c->expire_folder = (c->expire_folder + 1) % ALB_CACHE_FOLDERS;
}

void alb_cache_want_walk(struct alb_cache *c)
{
    alb_mutex_lock(&c->mtx);
    c->walk = true;
    alb_mutex_unlock(&c->mtx);
}

bool alb_cache_tend(struct alb_cache *c)
{
    bool good = c->at_folder > 0 || repair(c); /* not between any two folders */

    if (good && c->at_folder == 0 && c->max_age_ms > 0)
        expire_folder(c);
    alb_mutex_lock(&c->mtx);
    bool walk = c->walk;
    alb_mutex_unlock(&c->mtx);
    if (!good || !walk)
        return false;
    if (!walk_folder(c, c->at_folder)) {
        c->at_folder = 0; /* from the beginning, when the disk works again */
        return false;
    }
    c->at_folder = (c->at_folder + 1) % ALB_CACHE_FOLDERS;
    if (c->at_folder == 0)
        end_walk(c);
    return c->at_folder != 0;
}

void alb_cache_tend_all(struct alb_cache *c)
{
    while (alb_cache_tend(c)) {
    }
}

/* ---- open ---- */

/* *fresh: there was none of them, so nothing can lie in them. */
static enum alb_code make_folders(struct alb_cache *c, bool *fresh, struct alb_err *err)
{
    *fresh = true;
    for (unsigned i = 0; i < ALB_CACHE_FOLDERS; i++) {
        char name[3];
        unsigned char byte = (unsigned char)i;
        alb_hex(&byte, 1, name);
        if (mkdirat(c->dirfd, name, 0700) == 0)
            continue;
        *fresh = false;
        if (errno != EEXIST)
            return alb_fail_sys(err, alb_code_of_errno(errno), errno, "make folder %s of the cache", name);
    }
    return ALB_OK;
}

static void begin(struct alb_cache *c)
{
    enum alb_cache_journal_found found = ALB_JOURNAL_DAMAGED;
    struct alb_err err = ALB_ERR_INIT;
    bool fresh = false, alone = flock(c->dirfd, LOCK_EX | LOCK_NB) == 0;

    alb_mutex_lock(&c->jmtx);
    enum alb_code made = make_folders(c, &fresh, &err);
    enum alb_code code = alb_cache_journal_open(&c->journal, &found, &err);
    bool good = code == ALB_OK && (found == ALB_JOURNAL_TRUSTED || found == ALB_JOURNAL_UNCLEAN);
    if (code == ALB_OK)
        code = good ? say_here(c, &err) : begin_anew(c, &err);
    alb_mutex_unlock(&c->jmtx);
    c->complete = good || fresh;
    c->walk =
        !fresh && (found != ALB_JOURNAL_TRUSTED || code != ALB_OK) && (alone || found != ALB_JOURNAL_UNCLEAN);
    alb_cache_note(c, ALB_CACHE_WRITES, made != ALB_OK ? made : code, err.sys);
    alb_ignore(flock(c->dirfd, LOCK_SH | LOCK_NB) != 0,
               "without it others do not know of us, and trust less");
    if (c->complete)
        alb_ignore(alb_cache_make_room(c, NULL, NULL), "the limit may be lower than last time");
}

enum alb_code alb_cache_open(const struct alb_cache_config *config, struct alb_cache **cache,
                             struct alb_err *err)
{
    struct alb_cache *c = alb_mem_calloc(1, sizeof(*c));

    *cache = NULL;
    if (c == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a cache");
    c->dirfd = c->tmpfd = -1;
    c->folder = config->folder;
    c->limit = config->limit / ALB_INDEX_PAGE;
    c->max_age_ms = config->max_age_ms;
    c->clock = config->clock;
    c->quarantine = config->quarantine;
    c->plain = config->plain;
    c->shared = config->shared;
    alb_mutex_init(&c->jmtx, ALB_LOCK_CACHE_JOURNAL);
    alb_mutex_init(&c->mtx, ALB_LOCK_RESULT_CACHE);
    c->journal = (struct alb_cache_journal)ALB_JOURNAL_NONE;
    c->index = alb_index_new(c->limit);
    enum alb_code code = ALB_OK;
    if (c->index == NULL)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for the index of a cache");
    if (code == ALB_OK)
        code = alb_fs_mkdirs(config->data_dirfd, config->folder, 0700, err);
    if (code == ALB_OK)
        code = alb_fs_open(config->data_dirfd, config->folder, O_RDONLY | O_DIRECTORY, 0, &c->dirfd, err);
    if (code == ALB_OK)
        code = alb_fs_open(config->data_dirfd, "tmp", O_RDONLY | O_DIRECTORY, 0, &c->tmpfd, err);
    if (code != ALB_OK) {
        alb_cache_close(&c);
        return code;
    }
    c->journal.dirfd = c->dirfd;
    c->journal.tmpfd = c->tmpfd;
    c->journal.apply = apply;
    c->journal.arg = c;
    begin(c);
    *cache = c;
    return ALB_OK;
}

/* The last one leaves a journal behind that the next start trusts. */
static void end(struct alb_cache *c)
{
    bool alone = flock(c->dirfd, LOCK_EX | LOCK_NB) == 0;

    alb_mutex_lock(&c->jmtx);
    if (alone && c->complete && !c->walk && c->journal.fd >= 0 && !c->journal.damaged)
        alb_ignore(alb_cache_journal_renew(&c->journal, c->index, &c->mtx, true, NULL),
                   "the next start looks through the folders");
    alb_cache_journal_close(&c->journal);
    alb_mutex_unlock(&c->jmtx);
}

void alb_cache_close(struct alb_cache **cache)
{
    struct alb_cache *c = *cache;

    *cache = NULL;
    if (c == NULL)
        return;
    if (c->dirfd >= 0 && c->index != NULL)
        end(c);
    for (int i = 0; i < ALB_CACHE_DOINGS; i++)
        if (c->faults[i].code != ALB_OK)
            alb_stat_dec(ALB_STAT_CACHE_FAULTY);
    if (c->index != NULL) {
        alb_stat_add(ALB_STAT_CACHE_BYTES, -alb_index_look(c->index).pages * ALB_INDEX_PAGE);
        alb_index_free(&c->index);
    }
    alb_fs_close(&c->dirfd);
    alb_fs_close(&c->tmpfd);
    alb_mutex_fini(&c->mtx);
    alb_mutex_fini(&c->jmtx);
    alb_mem_free(c);
}
