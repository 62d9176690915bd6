/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishing and removing originals on a local file system (contract: store.h).
 *
 *   VERIFY_SOURCE --good--> LOOK --absent------------------> PLACE --named, durable--> PINNED
 *                            |                                |
 *                            +--present--> VERIFY_EXISTING ---+  good: PLACE only pins it
 *                            ^                                |  bad: PLACE sends it to quarantine first
 *                            +------- somebody changed it ----+
 *
 * Reading happens without the lock, in slices; PLACE takes the stripe's lock, sees whether what was read is
 * still what is there, and gives the name. Only that, the fsync of the folder and the unlink of a removal
 * happen under the lock.
 */
#include "blob/disk/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/stat.h"
#include "blob/publish.h"
#include "blob/scan.h"

#define ROUNDS_MAX 16 /* of looking again because somebody else was at it: more is no race but a bug */

static enum alb_code verify_source(struct alb_blob_publish *p, int64_t budget, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    bool done = false;
    enum alb_code code = ALB_OK;

    if (p->scan == NULL) {
        int fd;
        alb_disk_key(p->source.sha256, p->key);
        code = alb_fs_open(p->source.from_dirfd, p->source.from_name, O_RDONLY | O_NOFOLLOW, 0, &fd, &why);
        if (code == ALB_E_NOT_FOUND) {
            p->source_absent = true;
            p->state = ALB_BLOB_LOOK;
            return ALB_OK;
        }
        if (code == ALB_OK)
            code = alb_blob_scan_open(&fd, p->source.size, p->source.sums, &p->scan, &why);
    }
    if (code == ALB_OK)
        code = alb_blob_scan_step(p->scan, budget, &done, &why);
    if (code == ALB_OK && done && !p->source.synced)
        code = alb_fs_sync(p->scan->fd, &why);
    if (code != ALB_OK)
        return alb_fail_sys(err, code, why.sys, "publish %s: %s", p->source.from_name, why.msg);
    if (done) {
        alb_blob_scan_close(&p->scan);
        p->state = ALB_BLOB_LOOK;
    }
    return ALB_OK;
}

static void identity(const struct stat *st, uint64_t id[4])
{
    id[0] = (uint64_t)st->st_dev;
    id[1] = (uint64_t)st->st_ino;
    id[2] = (uint64_t)st->st_mtim.tv_sec * 1000000000U + (uint64_t)st->st_mtim.tv_nsec;
    id[3] = (uint64_t)st->st_size;
}

static enum alb_code look(struct alb_blob_publish *p, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    struct stat st;
    int fd;

    p->existed = p->existing_bad = false;
    memset(p->existing_id, 0, sizeof(p->existing_id));
    if (++p->rounds > ROUNDS_MAX)
        return alb_fail(err, ALB_E_BUSY, "original %s changes all the time", p->key);
    enum alb_code code =
        alb_fs_open(alb_disk_of(p->store)->rootfd, p->key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, &why);
    if (code == ALB_E_NOT_FOUND) {
        p->state = ALB_BLOB_PLACE;
        return ALB_OK;
    }
    if (code == ALB_OK && fstat(fd, &st) != 0)
        code = alb_fail_sys(&why, alb_code_of_errno(errno), errno, "stat");
    if (code != ALB_OK) {
        alb_fs_close(&fd);
        return alb_fail_sys(err, code, why.sys, "%s: %s", p->key, why.msg);
    }
    p->existed = true;
    identity(&st, p->existing_id);
    code = alb_blob_scan_open(&fd, p->source.size, p->source.sums, &p->scan, &why);
    if (code == ALB_E_CORRUPT) {
        p->existing_bad = true;
        p->state = ALB_BLOB_PLACE;
        return ALB_OK;
    }
    if (code != ALB_OK)
        return alb_fail_sys(err, code, why.sys, "%s: %s", p->key, why.msg);
    p->state = ALB_BLOB_VERIFY_EXISTING;
    return ALB_OK;
}

static enum alb_code verify_existing(struct alb_blob_publish *p, int64_t budget, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    bool done = false;
    enum alb_code code = alb_blob_scan_step(p->scan, budget, &done, &why);

    if (code == ALB_E_CORRUPT || (why.sys == EIO && !p->source_absent)) /* nobody can read it: no better */
        p->existing_bad = done = true;
    else if (code != ALB_OK)
        return alb_fail_sys(err, code, why.sys, "%s: %s", p->key, why.msg);
    if (done) {
        alb_blob_scan_close(&p->scan);
        p->state = ALB_BLOB_PLACE;
    }
    return ALB_OK;
}

static enum alb_code open_folder(struct alb_disk *d, const char *key, int *fd, struct alb_err *err)
{
    const char folder[ALB_DISK_FOLDER_LEN + 1] = {key[0], key[1], '\0'};

    return alb_fs_open(d->rootfd, folder, O_RDONLY | O_DIRECTORY, 0, fd, err);
}

/* Under the lock. Gives the source its final name; a damaged original in its place leaves first. */
static enum alb_code give_place(struct alb_disk *d, struct alb_blob_publish *p, bool present,
                                struct alb_err *err)
{
    int folder = -1;
    enum alb_code code = ALB_OK;

    if (p->source_absent)
        return present ? alb_fail(err, ALB_E_CORRUPT, "%s is damaged and there is no good copy", p->key)
                       : alb_fail(err, ALB_E_NOT_FOUND, "neither %s nor its source is there", p->key);
    if (present)
        code = alb_quarantine_take(d->quarantine, d->rootfd, p->key, "a good copy was uploaded", true, err);
    if (code == ALB_OK)
        code = open_folder(d, p->key, &folder, err);
    if (code == ALB_OK)
        code = alb_publish_adopt(
            p->source.from_dirfd, p->source.from_name, -1, folder, p->key + ALB_DISK_FOLDER_LEN + 1,
            ALB_PUBLISH_DURABLE | ALB_PUBLISH_SYNCED | ALB_PUBLISH_LINK, NULL, NULL, err);
    alb_fs_close(&folder);
    p->healed = code == ALB_OK && present;
    return code;
}

/* Under the lock. Not every file system may keep the order of an earlier publisher's fsync and ours. */
static enum alb_code keep_place(struct alb_disk *d, const struct alb_blob_publish *p, struct alb_err *err)
{
    int folder = -1;
    enum alb_code code = open_folder(d, p->key, &folder, err);

    if (code == ALB_OK)
        code = alb_fs_sync_dir(folder, err);
    alb_fs_close(&folder);
    return code;
}

static enum alb_code place(struct alb_blob_publish *p, bool *done, struct alb_err *err)
{
    struct alb_disk *d = alb_disk_of(p->store);
    struct alb_disk_stripe *stripe = alb_disk_stripe_of(d, p->source.sha256);
    struct stat st;
    uint64_t id[4] = {0};
    enum alb_code code;

    alb_mutex_lock(&stripe->mtx);
    bool present = fstatat(d->rootfd, p->key, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (present)
        identity(&st, id);
    if (present && memcmp(id, p->existing_id, sizeof(id)) != 0) {
        alb_mutex_unlock(&stripe->mtx);
        p->state = ALB_BLOB_LOOK;
        return ALB_OK;
    }
    if (!present)
        p->existed = false; /* removed since we looked */
    if (present && !p->existing_bad)
        code = keep_place(d, p, err);
    else
        code = give_place(d, p, present, err);
    if (code == ALB_OK) {
        stripe->published++;
        p->next_pin = stripe->pins;
        stripe->pins = p;
        p->pinned = true;
    }
    alb_mutex_unlock(&stripe->mtx);
    if (code != ALB_OK)
        return code;
    if (p->healed)
        p->existed = false;
    alb_stat_inc(p->existed ? ALB_STAT_BLOB_DEDUPED : ALB_STAT_BLOB_PUBLISHED);
    if (p->healed)
        alb_stat_inc(ALB_STAT_BLOB_HEALED);
    p->state = ALB_BLOB_PINNED;
    *done = true;
    return ALB_OK;
}

enum alb_code alb_disk_publish_step(struct alb_blob_publish *p, int64_t budget, bool *done,
                                    struct alb_err *err)
{
    switch (p->state) {
    case ALB_BLOB_VERIFY_SOURCE:
        return verify_source(p, budget, err);
    case ALB_BLOB_LOOK:
        return look(p, err);
    case ALB_BLOB_VERIFY_EXISTING:
        return verify_existing(p, budget, err);
    case ALB_BLOB_PLACE:
        return place(p, done, err);
    case ALB_BLOB_PINNED:
    case ALB_BLOB_FAILED:
    default:
        break;
    }
    alb_panic(__FILE__, "publish in state %d", (int)p->state);
}

void alb_disk_publish_end(struct alb_blob_publish *p)
{
    alb_blob_scan_close(&p->scan);
    if (!p->pinned)
        return;
    struct alb_disk_stripe *stripe = alb_disk_stripe_of(alb_disk_of(p->store), p->source.sha256);
    alb_mutex_lock(&stripe->mtx);
    for (struct alb_blob_publish **at = &stripe->pins; *at != NULL; at = &(*at)->next_pin) {
        if (*at == p) {
            *at = p->next_pin;
            p->pinned = false;
            break;
        }
    }
    alb_mutex_unlock(&stripe->mtx);
    ALB_CHECK(!p->pinned);
}

/* ---- removing ---- */

static bool pinned_locked(struct alb_disk_stripe *stripe, const unsigned char *sha256) ALB_NO_LOCK_ANALYSIS
{
    alb_mutex_assert_held(&stripe->mtx);
    for (const struct alb_blob_publish *p = stripe->pins; p != NULL; p = p->next_pin) {
        if (memcmp(p->source.sha256, sha256, ALB_SHA256_LEN) == 0)
            return true;
    }
    return false;
}

enum alb_code alb_disk_remove(struct alb_blob_store *s, const unsigned char sha256[ALB_SHA256_LEN],
                              alb_blob_ask_fn *ask, bool unlink_if, void *arg, bool *removed,
                              struct alb_err *err)
{
    struct alb_disk *d = alb_disk_of(s);
    struct alb_disk_stripe *stripe = alb_disk_stripe_of(d, sha256);
    char key[ALB_BLOB_KEY_MAX];

    *removed = false;
    alb_disk_key(sha256, key);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct alb_err why = ALB_ERR_INIT;
        bool answer = false;
        alb_mutex_lock(&stripe->mtx);
        bool pinned = pinned_locked(stripe, sha256);
        uint64_t published = stripe->published;
        alb_mutex_unlock(&stripe->mtx);
        if (pinned)
            return ALB_OK;
        enum alb_code code = ask(arg, sha256, &answer, err); /* without the lock: it asks the catalog */
        if (code != ALB_OK || answer != unlink_if)
            return code;
        alb_mutex_lock(&stripe->mtx);
        bool again = stripe->published != published;
        if (!again)
            code = alb_fs_unlink(d->rootfd, key, &why);
        alb_mutex_unlock(&stripe->mtx);
        if (again)
            continue;
        if (code != ALB_OK && code != ALB_E_NOT_FOUND)
            return alb_fail_sys(err, code, why.sys, "%s", why.msg);
        if (code == ALB_OK)
            alb_stat_inc(ALB_STAT_BLOB_REMOVED);
        *removed = true;
        return ALB_OK;
    }
    return ALB_OK; /* published over and over: in use */
}
