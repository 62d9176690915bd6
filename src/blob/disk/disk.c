/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of originals on a local file system (contract: disk.h, store.h): start and recovery, opening,
 * walking. Publishing and removing are in place.c.
 */
#include "blob/disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/disk/priv.h"
#include "blob/list.h"
#include "blob/publish.h"

#define HEX_LEN ((size_t)2 * ALB_SHA256_LEN)
#define FOLDERS 256

void alb_disk_key(const unsigned char sha256[ALB_SHA256_LEN], char out[ALB_BLOB_KEY_MAX])
{
    char hex[2 * ALB_SHA256_LEN + 1];

    alb_hex(sha256, ALB_SHA256_LEN, hex);
    out[0] = hex[0];
    out[1] = hex[1];
    out[2] = '/';
    memcpy(out + ALB_DISK_FOLDER_LEN + 1, hex, sizeof(hex));
}

/* ---- opening ---- */

static enum alb_code disk_open(struct alb_blob_store *s, const struct alb_blob_ref *ref, int *fd,
                               struct alb_err *err)
{
    char key[ALB_BLOB_KEY_MAX];

    /* The key is a function of the hash here; a row that says otherwise is damaged, and no path. */
    alb_disk_key(ref->sha256, key);
    if (!alb_str_eq_c(ref->key, key)) {
        *fd = -1;
        return alb_fail(err, ALB_E_CORRUPT, "the key does not fit the hash");
    }
    return alb_fs_open(alb_disk_of(s)->rootfd, key, O_RDONLY | O_NOFOLLOW, 0, fd, err);
}

/* ---- walking: one folder ab/ per step ---- */

struct walk {
    alb_blob_file_fn *fn;
    void *arg;
    char above[3]; /* "ab" */
};

static enum alb_code walk_file(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct walk *w = arg;
    struct alb_blob_file f = {.foreign = true};
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return ALB_OK; /* removed meanwhile */
    if (S_ISREG(st.st_mode) && strlen(name) == HEX_LEN && memcmp(name, w->above, ALB_DISK_FOLDER_LEN) == 0 &&
        strspn(name, "0123456789abcdef") == HEX_LEN &&
        alb_hex_decode(alb_str_c(name), f.sha256, ALB_SHA256_LEN)) {
        struct timespec t = st.st_mtim;
        if (st.st_ctim.tv_sec > t.tv_sec)
            t = st.st_ctim; /* the link or rename that gave it its name */
        f.foreign = false;
        f.size = st.st_size;
        f.changed_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    }
    return w->fn(w->arg, &f, err);
}

static enum alb_code disk_walk_step(struct alb_blob_store *s, int64_t *cursor, alb_blob_file_fn *fn,
                                    void *arg, struct alb_err *err)
{
    struct walk w = {.fn = fn, .arg = arg};
    struct alb_err why = ALB_ERR_INIT;

    if (*cursor < 0 || *cursor >= FOLDERS) {
        *cursor = -1;
        return ALB_OK;
    }
    unsigned char byte = (unsigned char)*cursor;
    alb_hex(&byte, 1, w.above);
    enum alb_code code = alb_list_folder(alb_disk_of(s)->rootfd, w.above, walk_file, &w, &why);
    if (code != ALB_OK && code != ALB_E_NOT_FOUND)
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    *cursor = *cursor + 1 < FOLDERS ? *cursor + 1 : -1;
    return ALB_OK;
}

/* ---- start and end ---- */

/* All folders are there, and durable, from the start: publishing makes none. One level is enough (a million
 * originals are 4000 names in each), and a second one would mean a new folder, with its fsync and its block,
 * for nearly every photo of a library below 65 536. */
static enum alb_code make_folders(int rootfd, struct alb_err *err)
{
    for (unsigned i = 0; i < FOLDERS; i++) {
        char name[3];
        unsigned char byte = (unsigned char)i;
        alb_hex(&byte, 1, name);
        if (mkdirat(rootfd, name, 0700) != 0 && errno != EEXIST)
            return alb_fail_sys(err, alb_code_of_errno(errno), errno, "make folder originals/%s", name);
    }
    return alb_fs_sync_dir(rootfd, err);
}

static void disk_free(struct alb_blob_store *s)
{
    struct alb_disk *d = alb_disk_of(s);

    for (size_t i = 0; i < ALB_DISK_STRIPES; i++)
        alb_mutex_fini(&d->stripes[i].mtx);
    alb_fs_close(&d->rootfd);
    alb_mem_free(d);
}

static const struct alb_blob_ops ops = {
    .name = "disk",
    .open = disk_open,
    .publish_step = alb_disk_publish_step,
    .publish_end = alb_disk_publish_end,
    .remove = alb_disk_remove,
    .walk_step = disk_walk_step,
    .free = disk_free,
};

enum alb_code alb_blob_disk_open(int data_dirfd, struct alb_quarantine *quarantine,
                                 struct alb_blob_store **store, struct alb_err *err)
{
    int fd = -1;
    enum alb_code code = alb_publish_recover(data_dirfd, err);

    *store = NULL;
    if (code == ALB_OK)
        code = alb_fs_mkdirs(data_dirfd, "originals", 0700, err);
    if (code == ALB_OK)
        code = alb_fs_open(data_dirfd, "originals", O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (code == ALB_OK)
        code = make_folders(fd, err);
    struct alb_disk *d = code == ALB_OK ? alb_mem_calloc(1, sizeof(*d)) : NULL;
    if (d == NULL) {
        alb_fs_close(&fd);
        return code != ALB_OK ? code : alb_fail(err, ALB_E_NO_MEMORY, "no memory for the store");
    }
    d->store.ops = &ops;
    d->rootfd = fd;
    d->quarantine = quarantine;
    for (size_t i = 0; i < ALB_DISK_STRIPES; i++)
        alb_mutex_init(&d->stripes[i].mtx, ALB_LOCK_BLOB_HASH);
    *store = &d->store;
    return ALB_OK;
}
