/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of an upload are called, and where they lie (contract: struct alb_upload_layout).
 *
 *   serve    uploads/<id>.data          uploads/<id>.state
 *   plain    <folder>/<path or id>      <folder>/.albumen/<id>.state, or ~<sha256 of the id>.state
 *            <folder>/<id>.info
 *
 * In the plain layout the folder is other people's too: a file that no record speaks of is left alone there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "upload/priv.h"

#define STATES ".albumen"
#define SIDECAR_MAX ((size_t)512 << 10)

/* ---- ids ---- */

static bool is_segment(struct alb_str s)
{
    return s.n > 0 && !alb_str_eq_c(s, ".") && !alb_str_eq_c(s, "..") && !alb_str_eq_c(s, STATES);
}

/* Bytes of a client under such a name would be taken for what a sidecar says, or be overwritten by one. */
static bool is_sidecar(struct alb_str name)
{
    return alb_str_ends_ci(name, ALB_STR(".info"));
}

static bool plain_id_valid(struct alb_str id)
{
    static const char others[] = "-._~%!$'()*+,;=/:@";
    struct alb_str rest = id, segment;

    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (!alb_is_digit(c) && !(alb_lower(c) >= 'a' && alb_lower(c) <= 'z') &&
            memchr(others, c, sizeof(others) - 1) == NULL)
            return false;
    }
    if (id.n == 0 || id.n > ALB_UPLOAD_ID_PLAIN_MAX || is_sidecar(id))
        return false;
    while (alb_str_next(&rest, '/', &segment)) {
        if (!is_segment(segment))
            return false;
    }
    return true;
}

bool alb_upload_id_usable(const struct alb_uploads *u, struct alb_str id)
{
    return u->plain ? plain_id_valid(id) : alb_upload_id_valid(id);
}

bool alb_upload_path_usable(const struct alb_uploads *u, struct alb_str path)
{
    struct alb_str rest = path, segment;

    if (!u->plain || path.n > ALB_UPLOAD_PATH_MAX || memchr(path.p, '\0', path.n) != NULL || is_sidecar(path))
        return false;
    while (alb_str_next(&rest, '/', &segment)) {
        if (alb_str_eq_c(segment, STATES))
            return false;
    }
    return true;
}

/* ---- names ---- */

void alb_upload_state_name_of(const struct alb_uploads *u, struct alb_str id, const char *ending,
                              char out[ALB_UPLOAD_NAME_MAX])
{
    unsigned char digest[ALB_SHA256_LEN];
    char hex[2 * ALB_SHA256_LEN + 1];

    ALB_CHECK(id.n < ALB_UPLOAD_NAME_MAX - 16);
    if (!u->plain || alb_upload_id_valid(id)) {
        (void)snprintf(out, ALB_UPLOAD_NAME_MAX, ALB_STR_FMT "%s", ALB_STR_ARG(id), ending);
        return;
    }
    alb_sha256(id.p, id.n, digest);
    alb_hex(digest, sizeof(digest), hex);
    (void)snprintf(out, ALB_UPLOAD_NAME_MAX, "~%s%s", hex, ending);
}

void alb_upload_state_name(const struct alb_uploads *u, const struct alb_upload_entry *e, const char *ending,
                           char out[ALB_UPLOAD_NAME_MAX])
{
    alb_upload_state_name_of(u, alb_str_n(e->id, e->id_n), ending, out);
}

void alb_upload_data_name(const struct alb_uploads *u, const struct alb_upload_entry *e,
                          char out[ALB_UPLOAD_NAME_MAX])
{
    const struct alb_str id = alb_str_n(e->id, e->id_n);

    if (e->path != NULL)
        (void)snprintf(out, ALB_UPLOAD_NAME_MAX, "%s", e->path);
    else
        (void)snprintf(out, ALB_UPLOAD_NAME_MAX, ALB_STR_FMT "%s", ALB_STR_ARG(id), u->plain ? "" : ".data");
}

static void sidecar_name(const struct alb_upload_entry *e, char out[ALB_UPLOAD_NAME_MAX])
{
    (void)snprintf(out, ALB_UPLOAD_NAME_MAX, "%.*s.info", (int)e->id_n, e->id);
}

/* ---- folders ---- */

enum alb_code alb_upload_open_folders(struct alb_uploads *u, const struct alb_uploads_config *config,
                                      struct alb_err *err)
{
    const char *folder = config->layout.folder != NULL ? config->layout.folder : "uploads";

    u->folder = folder;
    u->plain = config->layout.plain;
    u->unhashed = config->layout.unhashed;
    u->file_mode = config->layout.file_mode != 0 ? config->layout.file_mode : 0600;
    u->dir_mode = config->layout.dir_mode != 0 ? config->layout.dir_mode : 0700;
    u->sidecar = config->layout.sidecar;
    u->adopt = config->layout.adopt;
    u->sidecar_ctx = config->layout.ctx;
    enum alb_code code = alb_fs_mkdirs(config->data_dirfd, folder, u->dir_mode, err);
    if (code == ALB_OK)
        code = alb_fs_open(config->data_dirfd, folder, O_RDONLY | O_DIRECTORY, 0, &u->dirfd, err);
    if (code == ALB_OK && u->plain)
        code = alb_fs_mkdirs(u->dirfd, STATES, 0700, err);
    if (code == ALB_OK)
        code =
            alb_fs_open(u->dirfd, u->plain ? STATES : ".", O_RDONLY | O_DIRECTORY, 0, &u->state_dirfd, err);
    return code;
}

/* The folder of a name, cut off; false: it lies in the folder of uploads itself. */
static bool folder_of(char name[ALB_UPLOAD_NAME_MAX])
{
    char *slash = strrchr(name, '/');

    if (slash == NULL || slash == name)
        return false;
    *slash = '\0';
    return true;
}

/* Those above a file of the plain layout whose name has slashes. */
static enum alb_code make_folders(const struct alb_uploads *u, char name[ALB_UPLOAD_NAME_MAX],
                                  struct alb_err *err)
{
    return folder_of(name) ? alb_fs_mkdirs(u->dirfd, name, u->dir_mode, err) : ALB_OK;
}

/* Names that hooks choose may be somebody's already, or lead through a file: not the storage's fault. */
static enum alb_code name_taken(enum alb_code code, const struct alb_err *why, struct alb_err *err)
{
    if (code == ALB_OK)
        return ALB_OK;
    if (why->sys == EEXIST)
        code = ALB_E_CONFLICT;
    else if (why->sys == ENOTDIR || why->sys == EISDIR || why->sys == ENAMETOOLONG)
        code = ALB_E_INVALID;
    return alb_fail_sys(err, code, why->sys, "%s", why->msg);
}

enum alb_code alb_upload_make_data(const struct alb_uploads *u, const struct alb_upload_entry *e, int *fd,
                                   struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    char name[ALB_UPLOAD_NAME_MAX];
    enum alb_code code = ALB_OK;

    alb_upload_data_name(u, e, name);
    if (u->plain)
        code = make_folders(u, name, &why);
    alb_upload_data_name(u, e, name);
    if (code != ALB_OK)
        return name_taken(code, &why, err);
    return name_taken(
        alb_fs_open(u->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, u->file_mode, fd, &why), &why,
        err);
}

static enum alb_code sync_folder_of(const struct alb_uploads *u, char name[ALB_UPLOAD_NAME_MAX],
                                    struct alb_err *err)
{
    int fd = -1;

    if (!folder_of(name))
        return alb_fs_sync_dir(u->dirfd, err);
    enum alb_code code = alb_fs_open(u->dirfd, name, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (code == ALB_OK)
        code = alb_fs_sync_dir(fd, err);
    alb_fs_close(&fd);
    return code;
}

enum alb_code alb_upload_sync_names(const struct alb_uploads *u, const struct alb_upload_entry *e,
                                    struct alb_err *err)
{
    char name[ALB_UPLOAD_NAME_MAX];
    enum alb_code code = alb_fs_sync_dir(u->state_dirfd, err);

    if (code != ALB_OK || !u->plain)
        return code;
    alb_upload_data_name(u, e, name);
    return sync_folder_of(u, name, err);
}

/* ---- sidecar ---- */

/* The first one takes a name that nobody has; later ones replace their own. */
static enum alb_code put_sidecar(struct alb_upload_session *s, const char *fresh, const char *name,
                                 struct alb_err *err)
{
    const struct alb_uploads *u = s->u;
    struct alb_err why = ALB_ERR_INIT;

    if (s->e->announced || s->e->made_sidecar)
        return alb_fs_rename(u->state_dirfd, fresh, u->dirfd, name, err);
    enum alb_code code = alb_fs_link(u->state_dirfd, fresh, u->dirfd, name, &why);
    if (code == ALB_E_UNSUPPORTED && faccessat(u->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        code = alb_fs_rename(u->state_dirfd, fresh, u->dirfd, name, err); /* no hard links here */
    else if (code == ALB_OK)
        alb_ignore(alb_fs_unlink(u->state_dirfd, fresh, NULL), "it is removed at the next start");
    else
        (void)alb_fail_sys(err, code, why.sys, "%s", why.msg);
    s->e->made_sidecar = code == ALB_OK;
    return code;
}

enum alb_code alb_upload_write_sidecar(struct alb_upload_session *s, struct alb_err *err)
{
    const struct alb_uploads *u = s->u;
    char name[ALB_UPLOAD_NAME_MAX], fresh[ALB_UPLOAD_NAME_MAX];
    struct alb_buf text = ALB_BUF_INIT(SIDECAR_MAX);
    struct alb_upload_view v;
    int fd = -1;

    if (u->sidecar == NULL)
        return ALB_OK;
    alb_upload_describe_session(s, &v);
    u->sidecar(u->sidecar_ctx, &v, &text);
    enum alb_code code = alb_buf_code(&text);
    if (code != ALB_OK)
        (void)alb_fail(err, code, "the sidecar of an upload");
    alb_upload_state_name(u, s->e, ".fresh", fresh);
    sidecar_name(s->e, name);
    if (code == ALB_OK)
        code = make_folders(u, name, err);
    sidecar_name(s->e, name);
    if (code == ALB_OK)
        code = alb_fs_open(u->state_dirfd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, u->file_mode,
                           &fd, err);
    if (code == ALB_OK)
        code = alb_fs_write_all(fd, text.p, text.n, err);
    alb_fs_close(&fd);
    if (code == ALB_OK)
        code = put_sidecar(s, fresh, name, err);
    if (code != ALB_OK)
        alb_ignore(alb_fs_unlink(u->state_dirfd, fresh, NULL), "absent");
    alb_buf_fini(&text);
    return code;
}

/* ---- files that their owner takes away (plain layout) ---- */

static bool is_absent(const struct alb_uploads *u, const char *name)
{
    return faccessat(u->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

bool alb_upload_taken_away(const struct alb_uploads *u, const struct alb_upload_entry *e)
{
    char name[ALB_UPLOAD_NAME_MAX];

    if (!u->plain || u->sidecar == NULL || e->state == ALB_UPLOAD_REJECTED)
        return false;
    alb_upload_data_name(u, e, name);
    if (!is_absent(u, name))
        return false;
    sidecar_name(e, name);
    return is_absent(u, name);
}

enum alb_code alb_upload_check_data(struct alb_upload_session *s, struct alb_err *err)
{
    char name[ALB_UPLOAD_NAME_MAX];
    struct stat st;

    if (!s->u->plain || s->e == NULL || s->shared || s->slot.state == ALB_UPLOAD_REJECTED)
        return ALB_OK;
    alb_upload_data_name(s->u, s->e, name);
    if (is_absent(s->u, name)) {
        if (alb_upload_taken_away(s->u, s->e)) {
            alb_upload_close_files(s);
            alb_upload_state_name(s->u, s->e, ".state", name);
            alb_ignore(alb_fs_unlink(s->u->state_dirfd, name, NULL), "the next start does that");
            alb_upload_drop_entry(s, ALB_E_GONE);
        }
        return alb_fail(err, ALB_E_GONE, "its data were taken away");
    }
    if (fstatat(s->u->dirfd, name, &st, 0) == 0 && st.st_size < s->slot.offset)
        return alb_fail(err, ALB_E_CORRUPT, "%s has %lld bytes of %lld", name, (long long)st.st_size,
                        (long long)s->slot.offset);
    return ALB_OK;
}

/* ---- the end ---- */

void alb_upload_remove_data(const struct alb_uploads *u, const struct alb_upload_entry *e)
{
    char name[ALB_UPLOAD_NAME_MAX];

    alb_upload_data_name(u, e, name);
    alb_ignore(alb_fs_unlink(u->dirfd, name, NULL), "absent, or the next start removes it");
}

enum alb_code alb_upload_remove_files(const struct alb_uploads *u, const struct alb_upload_entry *e,
                                      struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    char name[ALB_UPLOAD_NAME_MAX];

    if (u->sidecar != NULL &&
        (e->announced ||
         e->made_sidecar)) { /* first: without a record it would be taken for another program's upload */
        sidecar_name(e, name);
        alb_ignore(alb_fs_unlink(u->dirfd, name, NULL), "absent: it was never announced");
    }
    alb_upload_state_name(u, e, ".state", name);
    enum alb_code code = alb_fs_unlink(u->state_dirfd, name, &why);
    if (code != ALB_OK && code != ALB_E_NOT_FOUND)
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    if (e->announced || e->made_data)
        alb_upload_remove_data(u, e);
    return ALB_OK;
}

/* The sidecar's folder too: alone with the data it would be taken for another program's upload. */
enum alb_code alb_upload_sync_removal(const struct alb_uploads *u, const struct alb_upload_entry *e,
                                      struct alb_err *err)
{
    char name[ALB_UPLOAD_NAME_MAX];
    enum alb_code code = e->announced ? alb_fs_sync_dir(u->state_dirfd, err) : ALB_OK;

    if (code != ALB_OK || !e->announced || u->sidecar == NULL)
        return code;
    sidecar_name(e, name);
    return sync_folder_of(u, name, err);
}

static void put_away(struct alb_uploads *u, int dirfd, const char *name, const char *why)
{
    if (u->quarantine != NULL)
        alb_ignore(alb_quarantine_take(u->quarantine, dirfd, name, why, true, NULL), "then it stays");
    else
        alb_ignore(alb_fs_unlink(dirfd, name, NULL), "absent");
}

void alb_upload_quarantine(struct alb_uploads *u, const char *state, const struct alb_upload_entry *e,
                           const char *why)
{
    char name[ALB_UPLOAD_NAME_MAX];

    put_away(u, u->state_dirfd, state, why);
    if (u->plain || e == NULL)
        return;
    alb_upload_data_name(u, e, name);
    put_away(u, u->dirfd, name, why);
}
