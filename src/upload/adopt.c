/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads that another program has left in a folder of the plain layout (struct alb_upload_layout.adopt): its
 * sidecars say what they are, the size of the data says how far they have come. Each gets a record of ours
 * and goes on. The bytes are not read, however many there are: nobody here has written them or said anything
 * of them, so there is nothing to check them against, and the sink asks for no hashes; their record says that
 * no sums are kept (record.h). They ask for no room and for no place under a limit either: they are there.
 * Nothing of what is found is removed or cut, whatever goes wrong: then it is left as it was, and the next
 * start tries again. A sidecar may be a forgery (bytes of a client, under a name that a hook chose): only
 * plain files beneath the folder are taken, each for one upload. At start only, one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/list.h"
#include "upload/priv.h"
#include "upload/recover.h"

#define SIDECAR_MAX ((size_t)512 << 10)
#define DEPTH_MAX 16 /* of folders: each is a descriptor meanwhile */

struct adoption {
    struct alb_uploads *u;
    int64_t adopted, left;
    char at[ALB_UPLOAD_NAME_MAX]; /* the folder that is being read, with a slash behind it */
    size_t at_n;
    unsigned depth;
};

static enum alb_upload_state state_of(const struct alb_upload_spec *spec, int64_t size)
{
    if (spec->length != size)
        return ALB_UPLOAD_OPEN;
    return spec->kind == ALB_UPLOAD_PARTIAL ? ALB_UPLOAD_COMPLETE : ALB_UPLOAD_FINISHED;
}

static enum alb_code open_found(struct alb_upload_session *s, int64_t *size, struct alb_err *err)
{
    char name[ALB_UPLOAD_NAME_MAX];
    struct stat st;

    alb_upload_data_name(s->u, s->e, name);
    enum alb_code code = alb_fs_open_beneath(s->u->dirfd, name, O_RDWR | O_NONBLOCK, &s->datafd, err);
    if (code != ALB_OK)
        return code;
    if (fstat(s->datafd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
        return alb_fail(err, ALB_E_INVALID, "%s is no file of its own", name);
    code = alb_fs_size(s->datafd, size, err);
    if (code == ALB_OK && s->length >= 0 && *size > s->length)
        code = alb_fail(err, ALB_E_INVALID, "more bytes than it may have");
    return code;
}

/* The first syncfs was of the file system of the folder; others may be mounted beneath it. */
static enum alb_code make_durable(const struct alb_upload_session *s, struct alb_err *err)
{
    struct stat data, folder;

    if (fstat(s->datafd, &data) == 0 && fstat(s->u->state_dirfd, &folder) == 0 &&
        data.st_dev == folder.st_dev)
        return ALB_OK;
    return alb_fs_datasync(s->datafd, err);
}

static enum alb_code take_over(struct alb_upload_session *s, const struct alb_upload_spec *spec,
                               struct alb_err *err)
{
    int64_t size = 0;
    enum alb_code code = open_found(s, &size, err);

    if (code != ALB_OK)
        return code;
    enum alb_upload_state state = state_of(spec, size);
    if (state == ALB_UPLOAD_OPEN && spec->kind == ALB_UPLOAD_FINAL)
        return alb_fail(err, ALB_E_INVALID, "a concatenation that was broken off");
    code = make_durable(s, err);
    if (code != ALB_OK)
        return code;
    s->position = s->synced = size;
    s->slot.unsummed = size > 0;
    alb_upload_count_bytes(s->u, s->e, size);
    code = alb_upload_save(s, state, false, err); /* one syncfs for all of them, before anybody hears of it */
    if (code == ALB_OK && state == ALB_UPLOAD_FINISHED) {
        alb_mutex_lock(&s->u->mtx);
        alb_upload_uncount_locked(s->u, s->e);
        alb_mutex_unlock(&s->u->mtx);
    }
    return code;
}

/* Whether the path is one way, and the only one, to write a name beneath the folder. */
static bool is_straight(struct alb_str path)
{
    struct alb_str segment;

    while (alb_str_next(&path, '/', &segment)) {
        if (segment.n == 0 || alb_str_eq_c(segment, ".") || alb_str_eq_c(segment, ".."))
            return false;
    }
    return true;
}

/* Whether the bytes under that name are another upload's, or a sidecar of their own speaks of them. */
static bool is_anothers(struct alb_uploads *u, struct alb_str path)
{
    char sidecar[ALB_UPLOAD_NAME_MAX];
    bool is = alb_upload_known(u, path);

    (void)snprintf(sidecar, sizeof(sidecar), ALB_STR_FMT ".info", ALB_STR_ARG(path));
    is = is || faccessat(u->dirfd, sidecar, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    alb_mutex_lock(&u->mtx);
    for (size_t b = 0; b < u->bucket_count && !is; b++) {
        for (const struct alb_upload_entry *e = u->buckets[b]; e != NULL && !is; e = e->next)
            is = e->path != NULL && alb_str_eq_c(path, e->path);
    }
    alb_mutex_unlock(&u->mtx);
    return is;
}

static enum alb_code adopt(struct adoption *ad, struct alb_str text, struct alb_str id,
                           struct alb_arena *arena, struct alb_err *err)
{
    struct alb_uploads *u = ad->u;
    struct alb_upload_spec spec = {.length = ALB_UPLOAD_DEFERRED};
    struct alb_upload_session *s;

    if (!u->adopt(u->sidecar_ctx, text, arena, &spec) || !alb_str_eq(spec.id, id))
        return alb_fail(err, ALB_E_INVALID, "not a sidecar of this upload");
    /* What a sidecar says is not believed where it could lead to bytes that are not its own. */
    if (spec.path.n > 0 && (!is_straight(spec.path) || is_anothers(u, spec.path)))
        return alb_fail(err, ALB_E_INVALID, "its data are not its own");
    enum alb_code code = alb_upload_create_found(u, &spec, &s, err);
    if (code != ALB_OK)
        return code;
    code = take_over(s, &spec, err);
    if (code != ALB_OK && s->position > s->slot.offset)
        s->position = s->synced = s->slot.offset; /* never counted, or uncounted with the entry */
    alb_upload_release(&s);
    return code;
}

static void take_sidecar(struct adoption *ad, int dirfd, const char *name, struct alb_str id)
{
    struct alb_err why = ALB_ERR_INIT;
    char *p = NULL;
    size_t n = 0;
    struct alb_arena *arena = alb_arena_new(4 * SIDECAR_MAX);
    enum alb_code code = arena != NULL ? alb_fs_read_file(dirfd, name, SIDECAR_MAX, &p, &n, &why)
                                       : alb_fail(&why, ALB_E_NO_MEMORY, "no memory");

    if (code == ALB_OK)
        code = adopt(ad, alb_str_n(p, n), id, arena, &why);
    if (code == ALB_OK) {
        ad->adopted++;
    } else {
        ad->left++;
        alb_err_context(&why, ALB_STR_FMT, ALB_STR_ARG(id));
        alb_log_err("an upload that was found is left alone", &why);
    }
    alb_mem_free(p);
    alb_arena_free(&arena);
}

/* A folder may be the first part of an id with slashes. Links are not followed: what is seen is seen once. */
static enum alb_code see(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct adoption *ad = arg;
    struct alb_err why = ALB_ERR_INIT;
    struct stat st;
    size_t before = ad->at_n, n = strlen(name);

    (void)err;
    if (before + n + 2 > sizeof(ad->at) || strcmp(name, ".albumen") == 0 ||
        fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return ALB_OK;
    memcpy(ad->at + before, name, n);
    if (S_ISDIR(st.st_mode) && ad->depth < DEPTH_MAX) {
        ad->at[before + n] = '/';
        ad->at_n = before + n + 1;
        ad->depth++;
        if (alb_list_folder(dirfd, name, see, ad, &why) != ALB_OK)
            alb_log_err("a folder of uploads cannot be read", &why); /* the others can */
        ad->depth--;
        ad->at_n = before;
        return ALB_OK;
    }
    struct alb_str id = alb_str_n(ad->at, before + n);
    if (!S_ISREG(st.st_mode) || !alb_str_ends(id, ALB_STR(".info")))
        return ALB_OK;
    id.n -= sizeof(".info") - 1;
    if (alb_upload_id_usable(ad->u, id) && !alb_upload_known(ad->u, id))
        take_sidecar(ad, dirfd, name, id);
    return ALB_OK;
}

enum alb_code alb_uploads_adopt(struct alb_uploads *u, struct alb_err *err)
{
    struct adoption ad = {.u = u};

    if (u->adopt == NULL)
        return ALB_OK;
    enum alb_code code = alb_list_folder(u->dirfd, ".", see, &ad, err);
    if (code == ALB_OK && ad.adopted > 0 && syncfs(u->state_dirfd) != 0)
        code = alb_fail_sys(err, alb_code_of_errno(errno), errno, "syncfs");
    if (code == ALB_OK && (ad.adopted > 0 || ad.left > 0))
        alb_log(ALB_LOG_INFO, "uploads adopted", ALB_LOG_INT("adopted", ad.adopted),
                ALB_LOG_INT("left", ad.left));
    return code;
}
