/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded cache of derived files (contract: cache.h; how its parts fit: cache_priv.h).
 */
#include "blob/cache_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/stat.h"
#include "blob/publish.h"

#define LARGEST_SHARE 8 /* no file larger than one part in so many of the limit */

struct alb_index_key alb_cache_index_key(const struct alb_derived_key *key)
{
    struct alb_index_key k;

    memcpy(k.b, key->b, sizeof(k.b));
    return k;
}

void alb_cache_name(const struct alb_index_key *key, char out[ALB_DERIVED_NAME_MAX])
{
    struct alb_derived_key full = {{0}};

    memcpy(full.b, key->b, sizeof(key->b));
    alb_derived_name(&full, out);
}

/* ---- what the disk says ---- */

static bool is_fault(enum alb_code code, int sys)
{
    return code == ALB_E_NO_SPACE || code == ALB_E_IO || sys == EIO || sys == EROFS;
}

static void tell_fault(struct alb_cache *c, const char *doing, int sys)
{
    const char *error = strerrorname_np(sys);

    alb_stat_inc(ALB_STAT_CACHE_FAULTY);
    alb_log(ALB_LOG_ERROR, "a disk cache cannot be used", ALB_LOG_C("folder", c->folder),
            ALB_LOG_C("doing", doing), ALB_LOG_C("error", error != NULL ? error : ""));
}

void alb_cache_note(struct alb_cache *c, enum alb_cache_doing doing, enum alb_code code, int sys)
{
    static const char *const names[] = {"read", "write"};
    bool is = is_fault(code, sys);

    if (!is && code != ALB_OK)
        return; /* that says nothing of the disk */
    alb_mutex_lock(&c->mtx);
    struct alb_cache_fault *f = &c->faults[doing];
    bool was = f->code != ALB_OK;
    is |= was && doing == ALB_CACHE_WRITES && c->wants_here; /* pictures are kept without fsync: that heals nothing */
    if (is && !was)
        *f = (struct alb_cache_fault){.code = code, .sys = sys, .since_ms = alb_wall(c->clock)};
    if (!is && was)
        *f = (struct alb_cache_fault){.code = ALB_OK};
    alb_mutex_unlock(&c->mtx);
    if (is == was)
        return;
    if (is) {
        tell_fault(c, names[doing], sys);
        return;
    }
    alb_stat_dec(ALB_STAT_CACHE_FAULTY);
    alb_log(ALB_LOG_INFO, "a disk cache can be used again", ALB_LOG_C("folder", c->folder),
            ALB_LOG_C("doing", names[doing]));
}

/* ---- changes of the index ---- */

static struct alb_cache_journal_record gone(const struct alb_index_key *key)
{
    return (struct alb_cache_journal_record){.op = ALB_JOURNAL_GONE, .key = *key};
}

/* After follow: others' records are applied, so the books are those of all processes. How many more pages must go. */
static int64_t over(struct alb_cache *c, int64_t need)
{
    alb_mutex_lock(&c->mtx);
    int64_t pages = alb_index_look(c->index).pages + c->leaving + need - c->limit;
    alb_mutex_unlock(&c->mtx);
    return pages;
}

struct victims {
    struct alb_index_key keys[ALB_JOURNAL_BATCH];
    struct alb_cache_journal_record records[ALB_JOURNAL_BATCH];
    size_t count;
    int64_t pages;
};

/* Takes out whose turn it is, up to a batch and `want` pages. Journal's lock held. */
static void choose(struct alb_cache *c, int64_t want, struct victims *v) ALB_NO_LOCK_ANALYSIS
{
    uint32_t pages;

    alb_mutex_assert_held(&c->jmtx);
    v->count = 0;
    v->pages = 0;
    alb_mutex_lock(&c->mtx);
    while (v->pages < want && v->count < ALB_JOURNAL_BATCH &&
           alb_index_evict(c->index, &v->keys[v->count], &pages)) {
        v->records[v->count] = gone(&v->keys[v->count]);
        v->count++;
        v->pages += pages;
    }
    c->leaving += v->pages;
    c->evicted += v->count;
    alb_mutex_unlock(&c->mtx);
    alb_stat_add(ALB_STAT_CACHE_EVICTED, (int64_t)v->count);
    alb_stat_add(ALB_STAT_CACHE_BYTES, -v->pages * ALB_INDEX_PAGE);
    alb_ignore(alb_cache_journal_append(&c->journal, v->records, v->count, NULL),
               "others count them still, and find them gone; so does the next walk");
}

static void unlink_all(struct alb_cache *c, const struct victims *v)
{
    for (size_t i = 0; i < v->count; i++) {
        char name[ALB_DERIVED_NAME_MAX];
        alb_cache_name(&v->keys[i], name);
        alb_ignore(alb_fs_unlink(c->dirfd, name, NULL), "gone already, or the next walk counts it again");
    }
    alb_mutex_lock(&c->mtx);
    c->leaving -= v->pages;
    alb_mutex_unlock(&c->mtx);
}

enum alb_code alb_cache_make_room(struct alb_cache *c, const struct alb_cache_journal_record *in,
                                  struct alb_err *err)
{
    int64_t need = in != NULL ? in->item.pages : 0;
    bool taken = in == NULL;

    for (;;) {
        struct victims v;
        enum alb_code code = ALB_OK;
        alb_mutex_lock(&c->jmtx);
        if (in != NULL)
            code = alb_cache_journal_follow(&c->journal, err);
        int64_t more = over(c, taken ? 0 : need);
        if (code == ALB_OK && more <= 0 && !taken) {
            code = alb_cache_journal_append(&c->journal, in, 1, err);
            taken = code == ALB_OK;
            more = over(c, 0); /* others may have taken the same room */
        }
        v.count = 0;
        if (code == ALB_OK && more > 0)
            choose(c, more, &v);
        alb_mutex_unlock(&c->jmtx);
        if (code != ALB_OK || more <= 0)
            return code;
        if (v.count == 0) /* what is on its way out is the others' */
            return taken ? ALB_OK : alb_fail(err, ALB_E_BUSY, "no room in the cache right now");
        unlink_all(c, &v);
    }
}

void alb_cache_forget(struct alb_cache *c, const struct alb_index_key *key)
{
    const struct alb_cache_journal_record r = gone(key);
    struct alb_index_item item = {0};

    alb_mutex_lock(&c->jmtx);
    alb_ignore(alb_cache_journal_append(&c->journal, &r, 1, NULL),
               "then this process alone forgets it; a walk tells others");
    alb_mutex_lock(&c->mtx); /* not applied, if it could not be written */
    bool there = alb_index_find(c->index, key, false, &item) && alb_index_remove(c->index, key);
    alb_mutex_unlock(&c->mtx);
    alb_mutex_unlock(&c->jmtx);
    if (there)
        alb_stat_add(ALB_STAT_CACHE_BYTES, -(int64_t)item.pages * ALB_INDEX_PAGE);
}

void alb_cache_remove(struct alb_cache *c, const struct alb_index_key *key)
{
    char name[ALB_DERIVED_NAME_MAX];

    alb_cache_forget(c, key);
    alb_cache_name(key, name);
    alb_ignore(alb_fs_unlink(c->dirfd, name, NULL), "gone already, or the next walk counts it again");
}

void alb_cache_expire(struct alb_cache *c, const struct alb_index_key *key)
{
    alb_cache_remove(c, key);
    alb_mutex_lock(&c->mtx);
    c->expired++;
    alb_mutex_unlock(&c->mtx);
    alb_stat_inc(ALB_STAT_CACHE_EXPIRED);
}

void alb_cache_adopt_found(struct alb_cache *c, const struct alb_index_row *row)
{
    const struct alb_cache_journal_record in = {.op = ALB_JOURNAL_PUT, .key = row->key, .item = row->item};

    alb_mutex_lock(&c->jmtx);
    alb_ignore(alb_cache_journal_append(&c->journal, &in, 1, NULL), "the next who meets it counts it");
    alb_mutex_unlock(&c->jmtx);
}

/* ---- get and put ---- */

/* Whether it is worth while to look at the disk. */
static bool find(struct alb_cache *c, const struct alb_index_key *key, bool use, bool *known)
{
    alb_mutex_lock(&c->mtx);
    *known = alb_index_find(c->index, key, use, NULL);
    bool complete = c->complete;
    alb_mutex_unlock(&c->mtx);
    if (*known || !complete)
        return true;
    if (!c->shared)
        return false;
    alb_mutex_lock(&c->jmtx); /* another process may have made it */
    alb_ignore(alb_cache_journal_follow(&c->journal, NULL), "what is not known is made again");
    alb_mutex_unlock(&c->jmtx);
    alb_mutex_lock(&c->mtx);
    *known = alb_index_find(c->index, key, use, NULL);
    alb_mutex_unlock(&c->mtx);
    return *known;
}

static void count(struct alb_cache *c, enum alb_code code, bool aside)
{
    alb_mutex_lock(&c->mtx);
    c->hits += !aside && code == ALB_OK;
    c->misses += !aside && code != ALB_OK;
    c->corrupt += code == ALB_E_CORRUPT;
    alb_mutex_unlock(&c->mtx);
    if (!aside)
        alb_stat_inc(code == ALB_OK ? ALB_STAT_CACHE_HITS : ALB_STAT_CACHE_MISSES);
}

/* It is older than things here may be. */
static bool is_expired(struct alb_cache *c, int64_t created_ms)
{
    return c->max_age_ms > 0 && alb_wall(c->clock) - created_ms >= c->max_age_ms;
}

static enum alb_code read_file(struct alb_cache *c, const struct alb_derived_key *key, bool known,
                               struct alb_derived *out, struct alb_err *why)
{
    struct alb_index_key k = alb_cache_index_key(key);
    enum alb_code code = alb_derived_read(c->dirfd, key, c->quarantine, out, why);

    alb_cache_note(c, ALB_CACHE_READS, code, why->sys);
    if (code == ALB_OK && is_expired(c, out->created_ms)) {
        alb_derived_fini(out);
        alb_cache_expire(c, &k);
        return alb_fail(why, ALB_E_NOT_FOUND, "it has expired");
    }
    if (code == ALB_OK && !known) {
        const struct alb_index_row row = {
            .key = k,
            .item = {alb_index_pages((int64_t)out->body->n), (uint32_t)(out->created_ms / 1000), out->kind}};
        alb_cache_adopt_found(c, &row);
    }
    return code;
}

static enum alb_code get(struct alb_cache *c, const struct alb_derived_key *key, bool use, bool aside,
                         struct alb_derived *out, struct alb_err *err)
{
    struct alb_index_key k = alb_cache_index_key(key);
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = ALB_E_NOT_FOUND;
    bool known = false;

    ALB_CHECK(!c->plain);
    memset(out, 0, sizeof(*out));
    bool look = find(c, &k, use, &known);
    if (look)
        code = read_file(c, key, known, out, &why);
    count(c, code, aside);
    if (code == ALB_OK)
        return ALB_OK;
    if (look && (known || code == ALB_E_CORRUPT) && (code == ALB_E_NOT_FOUND || code == ALB_E_CORRUPT))
        alb_cache_remove(c, &k); /* also a file that was put there meanwhile: none stays without an entry */
    if (code == ALB_E_CORRUPT)
        code = ALB_E_NOT_FOUND;
    return alb_fail_sys(err, code, why.sys, "%s", look ? why.msg : "not in the cache");
}

enum alb_code alb_cache_get(struct alb_cache *c, const struct alb_derived_key *key, struct alb_derived *out,
                            struct alb_err *err)
{
    return get(c, key, true, false, out, err);
}

enum alb_code alb_cache_get_aside(struct alb_cache *c, const struct alb_derived_key *key, bool use,
                                  struct alb_derived *out, struct alb_err *err)
{
    return get(c, key, use, true, out, err);
}

/* Whether it is known to take `most` bytes on the disk at most; *bytes: those that it takes. */
static bool is_small(struct alb_cache *c, const struct alb_index_key *key, int64_t most, int64_t *bytes)
{
    struct alb_index_item item = {0};

    alb_mutex_lock(&c->mtx);
    bool known = alb_index_find(c->index, key, false, &item);
    alb_mutex_unlock(&c->mtx);
    *bytes = (int64_t)item.pages * ALB_INDEX_PAGE;
    return known && *bytes <= most;
}

enum alb_code alb_cache_get_small(struct alb_cache *c, const struct alb_derived_key *key, int64_t most,
                                  struct alb_derived *out, struct alb_err *err)
{
    struct alb_index_key k = alb_cache_index_key(key);
    int64_t bytes;

    memset(out, 0, sizeof(*out));
    if (!is_small(c, &k, most, &bytes))
        return alb_fail(err, ALB_E_NOT_FOUND, "not known, or larger");
    enum alb_code code = get(c, key, true, true, out, err);
    if (code == ALB_OK)
        count(c, code, false);
    return code;
}

enum alb_code alb_cache_get_at_hand(struct alb_cache *c, const struct alb_derived_key *key, int64_t most,
                                    struct alb_derived *out, struct alb_err *err)
{
    struct alb_index_key k = alb_cache_index_key(key);
    int64_t bytes;

    memset(out, 0, sizeof(*out));
    if (atomic_load_explicit(&c->cannot_tell, memory_order_relaxed) || !is_small(c, &k, most, &bytes))
        return alb_fail(err, ALB_E_NOT_FOUND, "not known, or larger");
    enum alb_code code = alb_derived_read_cached(c->dirfd, key, (size_t)bytes, out, NULL);
    if (code == ALB_OK && is_expired(c, out->created_ms)) {
        alb_derived_fini(out);
        code = ALB_E_NOT_FOUND;
    }
    if (code == ALB_OK) {
        alb_mutex_lock(&c->mtx);
        c->hits++;
        alb_ignore(alb_index_find(c->index, &k, true, NULL), "it may have gone meanwhile");
        alb_mutex_unlock(&c->mtx);
        alb_stat_inc(ALB_STAT_CACHE_HITS);
        return ALB_OK;
    }
    if (code == ALB_E_UNSUPPORTED)
        atomic_store_explicit(&c->cannot_tell, true, memory_order_relaxed);
    return alb_fail(err, ALB_E_NOT_FOUND, "not at hand");
}

static enum alb_code take_room(struct alb_cache *c, const struct alb_cache_journal_record *in,
                               struct alb_err *err)
{
    if (in->item.pages > c->limit / LARGEST_SHARE)
        return alb_fail(err, ALB_E_TOO_LARGE, "%lld bytes are too many for this cache",
                        (long long)in->item.pages * ALB_INDEX_PAGE);
    alb_mutex_lock(&c->mtx);
    bool complete = c->complete;
    alb_mutex_unlock(&c->mtx);
    if (!complete) /* the bound could not be kept */
        return alb_fail(err, ALB_E_BUSY, "it is not known yet what lies in the cache");
    return alb_cache_make_room(c, in, err);
}

/* The file was written, or not: then the room that was taken is given back. */
static enum alb_code settle(struct alb_cache *c, const struct alb_cache_journal_record *in,
                            enum alb_code code, struct alb_err *err)
{
    bool written = code == ALB_OK;

    if (written) {
        alb_mutex_lock(&c->jmtx);
        code = alb_cache_journal_follow(&c->journal, err);
        alb_mutex_lock(&c->mtx);
        bool there = alb_index_find(c->index, &in->key, false, NULL);
        alb_mutex_unlock(&c->mtx);
        if (code == ALB_OK && !there) /* evicted or purged before it was there */
            code = alb_cache_journal_append(&c->journal, in, 1, err);
        alb_mutex_unlock(&c->jmtx);
    }
    if (code != ALB_OK)
        alb_cache_remove(c, &in->key); /* a file that is not counted must not stay */
    alb_mutex_lock(&c->mtx);
    c->stored += code == ALB_OK;
    c->refused += code != ALB_OK;
    alb_mutex_unlock(&c->mtx);
    alb_stat_inc(code == ALB_OK ? ALB_STAT_CACHE_STORED : ALB_STAT_CACHE_REFUSED);
    return code;
}

static enum alb_code refuse(struct alb_cache *c, enum alb_code code, const struct alb_err *why,
                            struct alb_err *err)
{
    if (code != ALB_E_TOO_LARGE) {
        alb_mutex_lock(&c->mtx);
        c->refused++;
        alb_mutex_unlock(&c->mtx);
        alb_stat_inc(ALB_STAT_CACHE_REFUSED);
        alb_cache_note(c, ALB_CACHE_WRITES, code, why->sys);
    }
    return alb_fail_sys(err, code, why->sys, "%s", why->msg);
}

enum alb_code alb_cache_put(struct alb_cache *c, const struct alb_derived_key *key,
                            const struct alb_derived_front *front, struct alb_str body, struct alb_err *err)
{
    int64_t now = alb_wall(c->clock);
    struct alb_err why = ALB_ERR_INIT;
    const struct alb_cache_journal_record in = {
        .op = ALB_JOURNAL_PUT,
        .key = alb_cache_index_key(key),
        .item = {alb_index_pages(alb_derived_file_size(front, body.n)), (uint32_t)(now / 1000), front->kind}};

    ALB_CHECK(!c->plain);
    if (body.n > (uint64_t)ALB_DERIVED_BODY_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "%zu bytes are too many for a cache", body.n);
    enum alb_code code = take_room(c, &in, &why);
    if (code != ALB_OK)
        return refuse(c, code, &why, err);
    code = alb_derived_write(c->dirfd, c->tmpfd, key, front, body, now, &why);
    alb_cache_note(c, ALB_CACHE_WRITES, code, why.sys);
    code = settle(c, &in, code, &why);
    return code == ALB_OK ? ALB_OK : alb_fail_sys(err, code, why.sys, "%s", why.msg);
}

/* ---- plain files ---- */

enum alb_code alb_cache_adopt(struct alb_cache *c, const struct alb_derived_key *key,
                              struct alb_publish *file, int64_t size, struct alb_err *err)
{
    const struct alb_cache_journal_record in = {
        .op = ALB_JOURNAL_PUT,
        .key = alb_cache_index_key(key),
        .item = {alb_index_pages(size), (uint32_t)(alb_wall(c->clock) / 1000), 0}};
    struct alb_err why = ALB_ERR_INIT;
    char name[ALB_DERIVED_NAME_MAX];

    ALB_CHECK(c->plain);
    enum alb_code code = take_room(c, &in, &why);
    if (code != ALB_OK)
        return refuse(c, code, &why, err);
    alb_derived_name(key, name);
    code = alb_publish_commit(file, c->dirfd, name, ALB_PUBLISH_REPLACE, NULL, NULL, &why);
    alb_cache_note(c, ALB_CACHE_WRITES, code, why.sys);
    code = settle(c, &in, code, &why);
    return code == ALB_OK ? ALB_OK : alb_fail_sys(err, code, why.sys, "%s", why.msg);
}

enum alb_code alb_cache_open_file(struct alb_cache *c, const struct alb_derived_key *key, int *fd,
                                  struct alb_err *err)
{
    struct alb_index_key k = alb_cache_index_key(key);
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = ALB_E_NOT_FOUND;
    char name[ALB_DERIVED_NAME_MAX];
    struct stat st;
    bool known = false;

    ALB_CHECK(c->plain);
    *fd = -1;
    alb_derived_name(key, name);
    bool look = find(c, &k, true, &known);
    if (look)
        code = alb_fs_open(c->dirfd, name, O_RDONLY | O_NOFOLLOW, 0, fd, &why);
    count(c, code, false);
    if (known && code == ALB_E_NOT_FOUND)
        alb_cache_remove(c, &k);
    if (code == ALB_OK && !known && fstat(*fd, &st) == 0) {
        const struct alb_index_row row = {
            .key = k, .item = {alb_index_pages(st.st_size), (uint32_t)st.st_mtim.tv_sec, 0}};
        alb_cache_adopt_found(c, &row);
    }
    if (code == ALB_OK)
        return ALB_OK;
    return alb_fail_sys(err, code, why.sys, "%s", look ? why.msg : "not in the cache");
}

void alb_cache_reject(struct alb_cache *c, const struct alb_derived_key *key, const char *why)
{
    struct alb_index_key k = alb_cache_index_key(key);
    char name[ALB_DERIVED_NAME_MAX];

    alb_derived_name(key, name);
    alb_mutex_lock(&c->mtx);
    c->corrupt++;
    alb_mutex_unlock(&c->mtx);
    alb_stat_inc(ALB_STAT_CACHE_CORRUPT);
    alb_ignore(alb_quarantine_take(c->quarantine, c->dirfd, name, why, false, NULL),
               "somebody else did; and a good one that took its place meanwhile is merely fetched again");
    alb_cache_remove(c, &k);
}

bool alb_cache_has(struct alb_cache *c, const struct alb_derived_key *key)
{
    struct alb_index_key k = alb_cache_index_key(key);

    alb_mutex_lock(&c->mtx);
    bool known = alb_index_find(c->index, &k, false, NULL);
    alb_mutex_unlock(&c->mtx);
    return known;
}

void alb_cache_purge(struct alb_cache *c, const struct alb_derived_key *key)
{
    struct alb_index_key k = alb_cache_index_key(key);

    alb_cache_remove(c, &k);
}

void alb_cache_purge_all(struct alb_cache *c)
{
    struct alb_index_key key;

    for (;;) {
        alb_mutex_lock(&c->mtx);
        bool any = alb_index_any(c->index, &key);
        alb_mutex_unlock(&c->mtx);
        if (!any)
            return;
        alb_cache_remove(c, &key);
    }
}

struct alb_cache_view alb_cache_look(struct alb_cache *c)
{
    alb_mutex_lock(&c->mtx);
    struct alb_index_view v = alb_index_look(c->index);
    struct alb_cache_view view = {
        .files = v.files,
        .bytes = (v.pages + c->leaving) * ALB_INDEX_PAGE,
        .limit = c->limit * ALB_INDEX_PAGE,
        .small_bytes = v.small_pages * ALB_INDEX_PAGE,
        .main_bytes = v.main_pages * ALB_INDEX_PAGE,
        .index_bytes = v.memory,
        .folder = c->folder,
        .complete = c->complete,
        .reads = c->faults[ALB_CACHE_READS],
        .writes = c->faults[ALB_CACHE_WRITES],
        .hits = c->hits,
        .misses = c->misses,
        .stored = c->stored,
        .evicted = c->evicted,
        .corrupt = c->corrupt,
        .refused = c->refused,
        .expired = c->expired,
    };
    alb_mutex_unlock(&c->mtx);
    return view;
}

void alb_cache_look_kind(struct alb_cache *c, uint8_t kind, int64_t *files, int64_t *bytes)
{
    int64_t pages;

    alb_mutex_lock(&c->mtx);
    alb_index_look_kind(c->index, kind, files, &pages);
    alb_mutex_unlock(&c->mtx);
    *bytes = pages * ALB_INDEX_PAGE;
}
