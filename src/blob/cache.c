/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded cache of derived files (contract: cache.h): the index (cache_index.h) under one lock, and file
 * calls outside of it. What one thread does to the index and then to the file, another may do in between in
 * the other order; the rules that make every such order harmless:
 *   - a file without an entry is never read, and is found by the next start's scan;
 *   - an entry without a file is a miss, and the miss takes the entry out;
 *   - pages on their way in (reserved) and on their way out (leaving) count, so the bound holds at any time.
 */
#include "blob/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/cache_index.h"
#include "blob/list.h"
#include "blob/publish.h"

#define FOLDERS 256
#define LARGEST_SHARE 8 /* no file larger than one part in so many of the limit */
#define VICTIMS 64
#define NAME_HEX ((size_t)2 * ALB_INDEX_KEY_LEN)

struct alb_cache {
    /* fixed after create */
    int dirfd, tmpfd;
    int64_t limit; /* pages */
    const struct alb_clock *clock;
    struct alb_quarantine *quarantine;
    bool plain;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_index *index;
    int64_t reserved, leaving; /* pages being written, pages being unlinked */
    uint64_t hits, misses, stored, evicted, corrupt, refused;
};

static struct alb_index_key index_key(const struct alb_derived_key *key)
{
    struct alb_index_key k;

    memcpy(k.b, key->b, sizeof(k.b));
    return k;
}

static void name_of(const struct alb_index_key *key, char out[ALB_DERIVED_NAME_MAX])
{
    struct alb_derived_key full = {{0}};

    memcpy(full.b, key->b, sizeof(key->b));
    alb_derived_name(&full, out);
}

static int64_t pages_locked(struct alb_cache *c)
{
    alb_mutex_assert_held(&c->mtx);
    return alb_index_look(c->index).pages;
}

/* ---- room ---- */

/* Evicts until `need` more pages fit, and reserves them. False: they do not (everything that could go went).
 */
static bool make_room(struct alb_cache *c, int64_t need)
{
    for (;;) {
        struct alb_index_key victims[VICTIMS];
        size_t count = 0;
        int64_t mine = 0;
        alb_mutex_lock(&c->mtx);
        int64_t before = pages_locked(c);
        int64_t over = before + c->reserved + c->leaving + need - c->limit;
        while (mine < over && count < VICTIMS) {
            uint32_t pages;
            if (!alb_index_evict(c->index, &victims[count], &pages))
                break;
            mine += pages;
            count++;
        }
        if (over <= 0)
            c->reserved += need;
        c->leaving += mine;
        c->evicted += count;
        alb_mutex_unlock(&c->mtx);
        if (over <= 0)
            return true;
        for (size_t i = 0; i < count; i++) {
            char name[ALB_DERIVED_NAME_MAX];
            name_of(&victims[i], name);
            alb_ignore(alb_fs_unlink(c->dirfd, name, NULL),
                       "gone already, or the next start counts it again");
        }
        alb_stat_add(ALB_STAT_CACHE_EVICTED, (int64_t)count);
        alb_stat_add(ALB_STAT_CACHE_BYTES, -mine * ALB_INDEX_PAGE);
        alb_mutex_lock(&c->mtx);
        c->leaving -= mine;
        alb_mutex_unlock(&c->mtx);
        if (count == 0)
            return false;
    }
}

/* ---- get and put ---- */

static void forget(struct alb_cache *c, const struct alb_index_key *key)
{
    alb_mutex_lock(&c->mtx);
    int64_t before = pages_locked(c);
    (void)alb_index_remove(c->index, key);
    int64_t after = pages_locked(c);
    alb_mutex_unlock(&c->mtx);
    alb_stat_add(ALB_STAT_CACHE_BYTES, (after - before) * ALB_INDEX_PAGE);
}

static void purge(struct alb_cache *c, const struct alb_index_key *key)
{
    char name[ALB_DERIVED_NAME_MAX];

    forget(c, key);
    name_of(key, name);
    alb_ignore(alb_fs_unlink(c->dirfd, name, NULL), "gone already, or the next start counts it again");
}

static bool find(struct alb_cache *c, const struct alb_index_key *key)
{
    alb_mutex_lock(&c->mtx);
    bool known = alb_index_find(c->index, key, true);
    alb_mutex_unlock(&c->mtx);
    return known;
}

static void count(struct alb_cache *c, enum alb_code code)
{
    alb_mutex_lock(&c->mtx);
    c->hits += code == ALB_OK;
    c->misses += code != ALB_OK;
    c->corrupt += code == ALB_E_CORRUPT;
    alb_mutex_unlock(&c->mtx);
    alb_stat_inc(code == ALB_OK ? ALB_STAT_CACHE_HITS : ALB_STAT_CACHE_MISSES);
}

enum alb_code alb_cache_get(struct alb_cache *c, const struct alb_derived_key *key, struct alb_derived *out,
                            struct alb_err *err)
{
    struct alb_index_key k = index_key(key);
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = ALB_E_NOT_FOUND;

    ALB_CHECK(!c->plain);
    memset(out, 0, sizeof(*out));
    bool known = find(c, &k);
    if (known)
        code = alb_derived_read(c->dirfd, key, c->quarantine, out, &why);
    count(c, code);
    if (code == ALB_OK)
        return ALB_OK;
    if (known && (code == ALB_E_NOT_FOUND || code == ALB_E_CORRUPT))
        purge(c, &k); /* also a file that was put there meanwhile: none stays without an entry */
    if (code == ALB_E_CORRUPT)
        code = ALB_E_NOT_FOUND;
    return alb_fail_sys(err, code, why.sys, "%s", known ? why.msg : "not in the cache");
}

/* The file is there now; its entry is made, and what was reserved for it is given back. */
static enum alb_code settle(struct alb_cache *c, const struct alb_index_key *key, uint32_t pages,
                            bool written, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    alb_mutex_lock(&c->mtx);
    int64_t before = pages_locked(c);
    c->reserved -= pages;
    if (written)
        code = alb_index_put(c->index, key, pages, false, err);
    c->stored += written && code == ALB_OK;
    c->refused += !written || code != ALB_OK;
    int64_t after = pages_locked(c);
    alb_mutex_unlock(&c->mtx);
    alb_stat_add(ALB_STAT_CACHE_BYTES, (after - before) * ALB_INDEX_PAGE);
    alb_stat_inc(written && code == ALB_OK ? ALB_STAT_CACHE_STORED : ALB_STAT_CACHE_REFUSED);
    return code;
}

enum alb_code alb_cache_put(struct alb_cache *c, const struct alb_derived_key *key, struct alb_str meta,
                            struct alb_str body, struct alb_err *err)
{
    struct alb_index_key k = index_key(key);
    int64_t size = alb_derived_file_size(meta.n, body.n);

    uint32_t pages = alb_index_pages(size);

    ALB_CHECK(!c->plain);
    if (body.n > (uint64_t)ALB_DERIVED_BODY_MAX || pages > c->limit / LARGEST_SHARE)
        return alb_fail(err, ALB_E_TOO_LARGE, "%lld bytes are too many for this cache", (long long)size);
    if (!make_room(c, pages))
        return alb_fail(err, ALB_E_BUSY, "no room in the cache right now");
    enum alb_code code = alb_derived_write(c->dirfd, c->tmpfd, key, meta, body, alb_wall(c->clock), err);
    enum alb_code indexed = settle(c, &k, pages, code == ALB_OK, err);
    if (code == ALB_OK && indexed != ALB_OK) { /* a file that is not counted must not stay */
        char name[ALB_DERIVED_NAME_MAX];
        alb_derived_name(key, name);
        alb_ignore(alb_fs_unlink(c->dirfd, name, NULL), "the next start counts it");
        code = indexed;
    }
    return code;
}

/* ---- plain files ---- */

enum alb_code alb_cache_adopt(struct alb_cache *c, const struct alb_derived_key *key,
                              struct alb_publish *file, int64_t size, struct alb_err *err)
{
    struct alb_index_key k = index_key(key);
    uint32_t pages = alb_index_pages(size);
    char name[ALB_DERIVED_NAME_MAX];

    ALB_CHECK(c->plain);
    if (pages > c->limit / LARGEST_SHARE)
        return alb_fail(err, ALB_E_TOO_LARGE, "%lld bytes are too many for this cache", (long long)size);
    if (!make_room(c, pages))
        return alb_fail(err, ALB_E_BUSY, "no room in the cache right now");
    alb_derived_name(key, name);
    enum alb_code code = alb_publish_commit(file, c->dirfd, name, ALB_PUBLISH_REPLACE, NULL, NULL, err);
    enum alb_code indexed = settle(c, &k, pages, code == ALB_OK, err);
    if (code == ALB_OK && indexed != ALB_OK) { /* a file that is not counted must not stay */
        alb_ignore(alb_fs_unlink(c->dirfd, name, NULL), "the next start counts it");
        code = indexed;
    }
    return code;
}

enum alb_code alb_cache_open_file(struct alb_cache *c, const struct alb_derived_key *key, int *fd,
                                  struct alb_err *err)
{
    struct alb_index_key k = index_key(key);
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = ALB_E_NOT_FOUND;
    char name[ALB_DERIVED_NAME_MAX];

    ALB_CHECK(c->plain);
    *fd = -1;
    alb_derived_name(key, name);
    bool known = find(c, &k);
    if (known)
        code = alb_fs_open(c->dirfd, name, O_RDONLY | O_NOFOLLOW, 0, fd, &why);
    count(c, code);
    if (known && code == ALB_E_NOT_FOUND)
        purge(c, &k);
    if (code == ALB_OK)
        return ALB_OK;
    return alb_fail_sys(err, code, why.sys, "%s", known ? why.msg : "not in the cache");
}

void alb_cache_reject(struct alb_cache *c, const struct alb_derived_key *key, const char *why)
{
    struct alb_index_key k = index_key(key);
    char name[ALB_DERIVED_NAME_MAX];

    alb_derived_name(key, name);
    alb_mutex_lock(&c->mtx);
    c->corrupt++;
    alb_mutex_unlock(&c->mtx);
    alb_stat_inc(ALB_STAT_CACHE_CORRUPT);
    alb_ignore(alb_quarantine_take(c->quarantine, c->dirfd, name, why, false, NULL),
               "somebody else did; and a good one that took its place meanwhile is merely fetched again");
    purge(c, &k);
}

bool alb_cache_has(struct alb_cache *c, const struct alb_derived_key *key)
{
    struct alb_index_key k = index_key(key);

    alb_mutex_lock(&c->mtx);
    bool known = alb_index_find(c->index, &k, false);
    alb_mutex_unlock(&c->mtx);
    return known;
}

void alb_cache_purge(struct alb_cache *c, const struct alb_derived_key *key)
{
    struct alb_index_key k = index_key(key);

    purge(c, &k);
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
        purge(c, &key);
    }
}

struct alb_cache_view alb_cache_look(struct alb_cache *c)
{
    alb_mutex_lock(&c->mtx);
    struct alb_index_view v = alb_index_look(c->index);
    struct alb_cache_view view = {
        .files = v.files,
        .bytes = (v.pages + c->reserved + c->leaving) * ALB_INDEX_PAGE,
        .limit = c->limit * ALB_INDEX_PAGE,
        .small_bytes = v.small_pages * ALB_INDEX_PAGE,
        .main_bytes = v.main_pages * ALB_INDEX_PAGE,
        .index_bytes = v.memory,
        .hits = c->hits,
        .misses = c->misses,
        .stored = c->stored,
        .evicted = c->evicted,
        .corrupt = c->corrupt,
        .refused = c->refused,
    };
    alb_mutex_unlock(&c->mtx);
    return view;
}

/* ---- start: scan the folders ---- */

struct found {
    int64_t changed; /* ns */
    struct alb_index_key key;
    uint32_t pages;
};

struct scan {
    struct found *list;
    size_t count, cap;
    bool no_memory;
};

static bool key_of_name(const char *name, struct alb_index_key *key)
{
    return strlen(name) == NAME_HEX && strspn(name, "0123456789abcdef") == NAME_HEX &&
           alb_hex_decode(alb_str_c(name), key->b, ALB_INDEX_KEY_LEN);
}

static enum alb_code scan_file(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct scan *s = arg;
    struct found f;
    struct stat st;

    if (!key_of_name(name, &f.key) || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode))
        return ALB_OK;
    if (s->count == s->cap) {
        size_t cap = s->cap == 0 ? 1024 : s->cap * 2;
        struct found *list = alb_mem_realloc(s->list, cap * sizeof(*list));
        if (list == NULL)
            return alb_fail(err, ALB_E_NO_MEMORY, "no memory to scan the cache");
        s->list = list;
        s->cap = cap;
    }
    f.changed = (int64_t)st.st_mtim.tv_sec * ALB_NS_PER_S + st.st_mtim.tv_nsec;
    f.pages = alb_index_pages(st.st_size);
    s->list[s->count++] = f;
    return ALB_OK;
}

static int by_age(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    return (x->changed > y->changed) - (x->changed < y->changed);
}

static enum alb_code warm(struct alb_cache *c, struct alb_err *err)
{
    struct scan s = {0};
    enum alb_code code = ALB_OK;

    for (unsigned i = 0; i < FOLDERS && code == ALB_OK; i++) {
        char name[3];
        unsigned char byte = (unsigned char)i;
        alb_hex(&byte, 1, name);
        if (mkdirat(c->dirfd, name, 0700) == 0)
            continue;
        if (errno != EEXIST)
            code = alb_fail_sys(err, alb_code_of_errno(errno), errno, "make folder %s of the cache", name);
        else
            code = alb_list_folder(c->dirfd, name, scan_file, &s, err);
    }
    if (s.count > 0)
        qsort(s.list, s.count, sizeof(*s.list), by_age);
    alb_mutex_lock(&c->mtx);
    for (size_t i = 0; i < s.count && code == ALB_OK; i++)
        code = alb_index_put(c->index, &s.list[i].key, s.list[i].pages, true, err);
    int64_t pages = pages_locked(c);
    alb_mutex_unlock(&c->mtx);
    alb_stat_add(ALB_STAT_CACHE_BYTES, pages * ALB_INDEX_PAGE);
    alb_mem_free(s.list);
    if (code == ALB_OK)
        (void)make_room(c, 0); /* the limit may be lower than last time */
    return code;
}

enum alb_code alb_cache_open(const struct alb_cache_config *config, struct alb_cache **cache,
                             struct alb_err *err)
{
    struct alb_cache *c = alb_mem_calloc(1, sizeof(*c));

    *cache = NULL;
    if (c == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a cache");
    c->dirfd = c->tmpfd = -1;
    c->limit = config->limit / ALB_INDEX_PAGE;
    c->clock = config->clock;
    c->quarantine = config->quarantine;
    c->plain = config->plain;
    alb_mutex_init(&c->mtx, ALB_LOCK_RESULT_CACHE);
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
    if (code == ALB_OK)
        code = warm(c, err);
    if (code != ALB_OK) {
        alb_cache_close(&c);
        return code;
    }
    *cache = c;
    return ALB_OK;
}

void alb_cache_close(struct alb_cache **cache)
{
    struct alb_cache *c = *cache;

    *cache = NULL;
    if (c == NULL)
        return;
    if (c->index != NULL) {
        alb_stat_add(ALB_STAT_CACHE_BYTES, -alb_index_look(c->index).pages * ALB_INDEX_PAGE);
        alb_index_free(&c->index);
    }
    alb_fs_close(&c->dirfd);
    alb_fs_close(&c->tmpfd);
    alb_mutex_fini(&c->mtx);
    alb_mem_free(c);
}

/* ---- check ---- */

struct check {
    struct alb_cache *cache;
    struct alb_cache_checked *sum;
};

#define CHECK_PIECE ((size_t)256 * 1024)

/* A plain file is named by its bytes. */
static enum alb_code check_plain(int dirfd, const char *name, const struct alb_index_key *key, int64_t *bytes,
                                 struct alb_err *err)
{
    int fd ALB_CLEANUP(alb_fs_close) = -1;
    void *piece ALB_CLEANUP(alb_mem_cleanup) = alb_mem_alloc(CHECK_PIECE);
    unsigned char sum[ALB_HASH_MAX_LEN];
    struct alb_hash hash;
    size_t got = CHECK_PIECE;
    enum alb_code code = alb_fs_open(dirfd, name, O_RDONLY | O_NOFOLLOW, 0, &fd, err);

    if (code == ALB_OK && piece == NULL)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory to check the cache");
    alb_hash_init(&hash, ALB_HASH_SHA256);
    *bytes = 0;
    while (code == ALB_OK && got == CHECK_PIECE) {
        code = alb_fs_pread_all(fd, piece, CHECK_PIECE, *bytes, &got, err);
        if (code == ALB_OK)
            alb_hash_update(&hash, piece, got);
        *bytes += code == ALB_OK ? (int64_t)got : 0;
    }
    (void)alb_hash_final(&hash, sum);
    if (code == ALB_OK && memcmp(sum, key->b, sizeof(key->b)) != 0)
        code = alb_fail(err, ALB_E_CORRUPT, "its bytes have another checksum than its name");
    return code;
}

static enum alb_code check_derived(int dirfd, const char *name, const struct alb_index_key *key,
                                   int64_t *bytes, struct alb_err *err)
{
    struct alb_derived_view view;
    char *file;
    size_t n;
    enum alb_code code = alb_fs_read_file(dirfd, name, ALB_DERIVED_FILE_MAX, &file, &n, err);

    if (code == ALB_E_TOO_LARGE)
        return ALB_E_CORRUPT;
    if (code != ALB_OK)
        return code;
    *bytes = (int64_t)n;
    code = alb_derived_parse((const unsigned char *)file, n, NULL, &view, err);
    if (code == ALB_OK && memcmp(view.key.b, key->b, sizeof(key->b)) != 0)
        code = alb_fail(err, ALB_E_CORRUPT, "it lies under the name of another key");
    alb_mem_free(file);
    return code;
}

static enum alb_code check_file(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct check *k = arg;
    struct alb_index_key key;
    struct alb_err why = ALB_ERR_INIT;
    int64_t bytes = 0;

    if (!key_of_name(name, &key)) {
        k->sum->foreign++;
        return ALB_OK;
    }
    enum alb_code code = k->cache->plain ? check_plain(dirfd, name, &key, &bytes, &why)
                                         : check_derived(dirfd, name, &key, &bytes, &why);
    if (code == ALB_E_NOT_FOUND)
        return ALB_OK; /* evicted meanwhile */
    if (why.sys == EIO)
        code = ALB_E_CORRUPT; /* the disk cannot read it */
    k->sum->seen++;
    k->sum->bytes += bytes;
    if (code != ALB_E_CORRUPT)
        return code == ALB_OK ? ALB_OK : alb_fail_sys(err, code, why.sys, "%s: %s", name, why.msg);
    k->sum->bad++;
    alb_stat_inc(ALB_STAT_CACHE_CORRUPT);
    alb_ignore(alb_quarantine_take(k->cache->quarantine, dirfd, name, why.msg, false, NULL),
               "counted; a miss anyway");
    forget(k->cache, &key);
    return ALB_OK;
}

enum alb_code alb_cache_check_step(struct alb_cache *c, int64_t *cursor, struct alb_cache_checked *sum,
                                   struct alb_err *err)
{
    struct check k = {c, sum};
    struct alb_err why = ALB_ERR_INIT;
    char name[3];

    if (*cursor < 0 || *cursor >= FOLDERS) {
        *cursor = -1;
        return ALB_OK;
    }
    unsigned char byte = (unsigned char)*cursor;
    alb_hex(&byte, 1, name);
    enum alb_code code = alb_list_folder(c->dirfd, name, check_file, &k, &why);
    if (code != ALB_OK && code != ALB_E_NOT_FOUND)
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    *cursor = *cursor + 1 < FOLDERS ? *cursor + 1 : -1;
    return ALB_OK;
}
