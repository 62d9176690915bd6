/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of purges is written anew, with what is in force alone: when its file is much longer than that, when it
 * has been cut off or moved away, and when there is none. Numbers stay; those that come are larger than all before.
 *
 * Other processes may have the old file open. An exclusive flock on it keeps them from appending meanwhile (each
 * holds a shared one from before it appends until it has seen that the file still has its name, alb_purges_hold), so
 * nothing is appended that does not go over. One on tmp/ lets one process at a time do all this. Then the old file
 * grows by a record that says nothing, so that others look.
 */
#include "blob/purges_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "blob/publish.h"

#define NAME "purges"
#define STEP ALB_PURGES_STEP
#define NUMBER_LEN 8
#define WHOLE_SIZE ((size_t)2 * STEP)
#define SHRINK_FROM ((int64_t)1 << 20)
#define SHRINK_SHARE 4 /* so many times as long as what is in force */

void alb_purges_hold(struct alb_purges *p)
{
    alb_ignore(flock(atomic_load(&p->fd), LOCK_SH) != 0,
               "a file system without locks: then lists are not shortened");
}

void alb_purges_let_go(struct alb_purges *p)
{
    alb_ignore(flock(atomic_load(&p->fd), LOCK_UN) != 0, "it was not held");
}

/* At most so many bytes, with the head. */
static size_t room_for(const struct alb_purges *p)
{
    size_t n = (size_t)2 * STEP + p->wholes * WHOLE_SIZE;

    for (size_t i = 0; i < p->prefix_count; i++)
        n += (size_t)3 * STEP + p->prefixes[i].n;
    return n;
}

static size_t put(unsigned char *out, enum alb_purges_kind kind, uint64_t number, const void *text, size_t n,
                  int64_t wall_ms)
{
    unsigned char record[ALB_PURGES_RECORD_MAX], both[NUMBER_LEN + ALB_LABEL_MAX];

    alb_purges_put_le(both, number, NUMBER_LEN);
    if (n > 0)
        memcpy(both + NUMBER_LEN, text, n);
    size_t size = alb_purges_encode(kind, alb_str_n((const char *)both, NUMBER_LEN + n), wall_ms, record);
    memcpy(out, record, size);
    return size;
}

/* What is in force, as the records of a file that begins at `base`. mtx is held. */
static size_t write_down(const struct alb_purges *p, uint64_t base, unsigned char *out)
{
    uint64_t done = p->retired > p->offered ? p->retired : p->offered;
    size_t n = STEP;

    memcpy(out, ALB_PURGES_MAGIC, 4);
    alb_purges_put_le(out + 8, base, 8);
    alb_purges_put_le(out + 4, alb_xxh3(out + 8, 8), 4);
    if (done > 0)
        n += alb_purges_encode(ALB_PURGES_RETIRED, ALB_STR_NONE, (int64_t)done, out + n);
    for (size_t i = 0; p->wholes > 0 && i < ALB_PURGES_TABLE; i++) {
        unsigned char hash[NUMBER_LEN];
        alb_purges_put_le(hash, p->table[i].hash, NUMBER_LEN);
        if (p->table[i].number > done)
            n += put(out + n, ALB_PURGES_KEPT_WHOLE, p->table[i].number, hash, sizeof(hash),
                     p->table[i].wall_ms);
    }
    for (size_t i = 0; i < p->prefix_count; i++)
        if (p->prefixes[i].number > done)
            n += put(out + n, ALB_PURGES_KEPT_PREFIX, p->prefixes[i].number, p->prefixes[i].text,
                     p->prefixes[i].n, p->prefixes[i].wall_ms);
    return n;
}

/* All there is to be written. */
static enum alb_code gather(struct alb_purges *p, unsigned char **bytes, size_t *n, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    alb_mutex_lock(&p->mtx);
    bool lost = alb_purges_is_lost(p), whole = !lost && !alb_purges_is_broken(p);
    if (whole)
        code = alb_purges_follow_locked(p, err);
    uint64_t base = whole ? p->base + (uint64_t)p->at : alb_purges_fresh_base(p);
    *bytes = alb_mem_alloc(room_for(p) + ALB_PURGES_RECORD_MAX);
    if (code == ALB_OK && *bytes == NULL)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory to write the list of purges");
    if (code == ALB_OK)
        *n = write_down(p, base, *bytes);
    alb_mutex_unlock(&p->mtx);
    return code;
}

static enum alb_code publish(struct alb_purges *p, const unsigned char *bytes, size_t n, unsigned how,
                             struct alb_err *err)
{
    struct alb_publish f;
    enum alb_code code = alb_publish_begin(&f, p->tmpfd, err);

    if (code == ALB_OK)
        code = alb_fs_write_all(f.fd, bytes, n, err);
    if (code == ALB_OK)
        code = alb_publish_commit(&f, p->dirfd, NAME, ALB_PUBLISH_DURABLE | how, NULL, NULL, err);
    alb_publish_end(&f);
    return code;
}

/* Nobody appends to the old one. */
static enum alb_code replace(struct alb_purges *p, unsigned how, struct alb_err *err)
{
    unsigned char more[ALB_PURGES_RECORD_MAX], *bytes = NULL;
    int fd = atomic_load(&p->fd);
    size_t n = 0;
    enum alb_code code = gather(p, &bytes, &n, err);

    if (code == ALB_OK)
        code = publish(p, bytes, n, how, err);
    alb_mem_free(bytes);
    if (code == ALB_OK && fd >= 0)
        alb_ignore(
            alb_fs_write_all(fd, more, alb_purges_encode(ALB_PURGES_RETIRED, ALB_STR_NONE, 0, more), NULL),
            "who has it open sees that it has lost its name with the next purge");
    return code;
}

/* Whether another process has done it meanwhile. */
static bool is_done(struct alb_purges *p)
{
    alb_mutex_lock(&p->mtx);
    bool done = alb_purges_is_lost(p) && alb_purges_load_locked(p, NULL) == ALB_OK;
    alb_mutex_unlock(&p->mtx);
    return done;
}

/* The lock of tmp/ is held. */
static enum alb_code take_over(struct alb_purges *p, unsigned how, struct alb_err *err)
{
    int fd = atomic_load(&p->fd);

    if (is_done(p))
        return ALB_OK;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return alb_fail(err, ALB_E_BUSY, "another process writes to the list of purges");
    enum alb_code code = replace(p, how, err);
    if (code == ALB_E_CONFLICT) { /* one that begins has been faster */
        alb_err_clear(err);
        code = ALB_OK;
    }
    if (fd >= 0)
        alb_purges_let_go(p);
    if (code != ALB_OK)
        return code;
    alb_mutex_lock(&p->mtx);
    code = alb_purges_load_locked(p, err);
    alb_mutex_unlock(&p->mtx);
    return code;
}

enum alb_code alb_purges_anew(struct alb_purges *p, unsigned how, struct alb_err *err) ALB_NO_LOCK_ANALYSIS
{
    alb_mutex_assert_held(&p->writer);
    if (flock(p->tmpfd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return alb_fail(err, ALB_E_BUSY, "another process writes the list of purges anew");
    enum alb_code code = take_over(p, how, err);
    alb_ignore(flock(p->tmpfd, LOCK_UN) != 0, "it was not held");
    return code;
}

static bool is_long(struct alb_purges *p)
{
    alb_mutex_lock(&p->mtx);
    bool is = p->at > SHRINK_FROM && p->writable && (size_t)p->at / SHRINK_SHARE > room_for(p);
    alb_mutex_unlock(&p->mtx);
    return is;
}

void alb_purges_shrink(struct alb_purges *p) ALB_NO_LOCK_ANALYSIS
{
    alb_mutex_assert_held(&p->writer);
    if (atomic_load(&p->fd) >= 0 && is_long(p))
        alb_ignore(alb_purges_anew(p, ALB_PUBLISH_REPLACE, NULL), "the next pass of the keeper tries again");
}
