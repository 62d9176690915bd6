/* SPDX-License-Identifier: Apache-2.0
 *
 * Start: uploads/ becomes the table again. A record that is valid counts (its newest valid slot); data
 * without one was never reported and goes; a record that is damaged goes to quarantine with its data; what
 * cannot be read, or not be put away, stays as it is, and is not known until another start. One
 * syncfs before anything is read: what is seen now is durable, so it may be reported.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/list.h"
#include "upload/priv.h"
#include "upload/recover.h"

struct recovery {
    struct alb_uploads *u;
    int64_t known, recalled, leftover, damaged;
};

/* "<id><ending>" to id. */
static bool id_of(const char *name, const char *ending, struct alb_str *id)
{
    struct alb_str s = alb_str_c(name);

    if (!alb_str_ends(s, alb_str_c(ending)))
        return false;
    *id = alb_str_sub(s, 0, s.n - strlen(ending));
    return alb_upload_id_valid(*id);
}

/* An upload that the sink remembers is finished, whatever its record says. Rewrites the record. */
static void ask_sink(struct recovery *r, struct alb_upload_entry *e)
{
    struct alb_uploads *u = r->u;
    struct alb_bytes *result = NULL;
    struct alb_err err = ALB_ERR_INIT;
    int64_t owner = 0, size = 0;
    bool running = e->state == ALB_UPLOAD_OPEN || e->state == ALB_UPLOAD_COMPLETE;

    if (!running || u->sink->recall == NULL ||
        u->sink->recall(u->sink->ctx, alb_str_n(e->id, e->id_n), &owner, &size, &result, NULL) != ALB_OK)
        return;
    struct alb_upload_session *s = alb_upload_session_new(u, ALB_UPLOAD_LOOK);
    if (s != NULL && result->n <= ALB_UPLOAD_RESULT_MAX) {
        alb_upload_attach_locked(s, e);
        if (alb_upload_read_record(s, &err) == ALB_OK) {
            s->length = s->position = s->synced = size;
            s->slot.result_n = result->n;
            memcpy(s->slot.result, result->p, result->n);
            alb_upload_tell_finished(s); /* the crash came before that, or soon after */
            if (alb_upload_save(s, ALB_UPLOAD_FINISHED, true, &err) == ALB_OK)
                r->recalled++;
        }
        alb_upload_pass_on(s);
    } else if (s != NULL) {
        alb_upload_session_free(s);
    }
    if (err.code != ALB_OK)
        alb_log_err("upload not brought up to date", &err);
    alb_bytes_unref(result);
}

static enum alb_code add(struct recovery *r, const struct alb_record_head *head,
                         const struct alb_record_slot *slot, struct alb_err *err)
{
    struct alb_uploads *u = r->u;
    struct alb_upload_entry *e = alb_upload_entry_new(head->id, head->owner, head->path);

    if (e == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for an upload");
    e->seq = slot->seq;
    e->length = slot->length;
    e->offset = slot->offset;
    e->expires_ms = slot->expires_ms;
    e->state = (uint8_t)slot->state;
    e->kind = (uint8_t)head->kind;
    e->announced = true;
    if (alb_upload_taken_away(u, e)) {
        char name[ALB_UPLOAD_NAME_MAX];
        alb_upload_state_name(u, e, ".state", name);
        alb_upload_entry_unref(e);
        r->leftover++;
        return alb_fs_unlink(u->state_dirfd, name, err);
    }
    ask_sink(r, e);
    alb_mutex_lock(&u->mtx);
    enum alb_code code = alb_upload_insert_locked(u, e, false, err);
    alb_mutex_unlock(&u->mtx);
    if (code != ALB_OK) {
        alb_upload_entry_unref(e);
        return code;
    }
    r->known++;
    if (e->state == ALB_UPLOAD_FINISHED || e->state == ALB_UPLOAD_REJECTED) {
        if (e->state == ALB_UPLOAD_REJECTED || !u->sink->keeps_data)
            alb_upload_remove_data(u, e);
    } else {
        alb_upload_count_bytes(u, e, e->offset);
    }
    return ALB_OK;
}

/* A record that says nothing. Its data is found by the name, if it is certain whose it is. */
static void put_away(struct alb_uploads *u, const char *name, const char *why)
{
    struct alb_upload_entry *e = NULL;
    struct alb_str id;

    if (id_of(name, ".state", &id))
        e = alb_upload_entry_new(id, 0, ALB_STR_NONE);
    alb_upload_quarantine(u, name, e, why);
    if (e != NULL)
        alb_upload_entry_unref(e);
}

static enum alb_code see_record(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct recovery *r = arg;
    struct alb_record_head head;
    struct alb_record_slot slot;
    struct alb_str sums;
    struct alb_err why = ALB_ERR_INIT;
    char its_name[ALB_UPLOAD_NAME_MAX];
    bool stale;
    char *p;
    size_t n;

    if (alb_str_ends(alb_str_c(name), ALB_STR(".fresh"))) { /* of a sidecar that was not put in its place */
        r->leftover++;
        return alb_fs_unlink(dirfd, name, err);
    }
    if (!alb_str_ends(alb_str_c(name), ALB_STR(".state")))
        return ALB_OK;
    enum alb_code code = alb_fs_read_file(dirfd, name, ALB_RECORD_FILE_MAX, &p, &n, &why);
    if (code == ALB_E_TOO_LARGE)
        code = ALB_E_CORRUPT;
    if (code == ALB_OK && n == 0) { /* a creation that was not answered */
        alb_mem_free(p);
        r->leftover++;
        return alb_fs_unlink(dirfd, name, err);
    }
    if (code == ALB_OK)
        code = alb_record_read((const unsigned char *)p, n, UINT64_MAX, &head, &slot, &sums, &stale, &why);
    if (code == ALB_OK) {
        alb_upload_state_name_of(r->u, head.id, ".state", its_name);
        if (strcmp(name, its_name) != 0)
            code = alb_fail(&why, ALB_E_CORRUPT, "the state of another upload lies here");
    }
    if (code == ALB_OK)
        code = add(r, &head, &slot, &why);
    alb_mem_free(p);
    if (code == ALB_E_IO) { /* a bad sector is no reason not to start: perhaps the next start can read it */
        r->damaged++;
        alb_err_context(&why, "%s", name);
        alb_log_err("an upload cannot be read, and is left as it is", &why);
        return ALB_OK;
    }
    if (code == ALB_E_CORRUPT) {
        r->damaged++;
        put_away(r->u, name, why.msg);
        return ALB_OK;
    }
    return code == ALB_OK ? ALB_OK : alb_fail_sys(err, code, why.sys, "%s: %s", name, why.msg);
}

/* After all records: data without a record, and copies that were not completed. */
static enum alb_code see_data(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct recovery *r = arg;
    char record[ALB_UPLOAD_NAME_MAX];
    struct alb_str id;
    bool known = false;

    (void)err;
    if (id_of(name, ".data", &id)) {
        alb_upload_state_name_of(r->u, id, ".state", record);
        alb_mutex_lock(&r->u->mtx);
        known = alb_upload_find_locked(r->u, id) != NULL;
        alb_mutex_unlock(&r->u->mtx);
        known = known || faccessat(r->u->state_dirfd, record, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    } else if (!id_of(name, ".copy", &id)) {
        return ALB_OK;
    }
    if (!known && alb_fs_unlink(dirfd, name, NULL) == ALB_OK)
        r->leftover++;
    return ALB_OK;
}

enum alb_code alb_uploads_recover(struct alb_uploads *u, struct alb_err *err)
{
    struct recovery r = {.u = u};

    if (syncfs(u->state_dirfd) != 0)
        return alb_fail_sys(err, alb_code_of_errno(errno), errno, "syncfs");
    enum alb_code code = alb_list_folder(u->state_dirfd, ".", see_record, &r, err);
    if (code == ALB_OK && !u->plain)
        code = alb_list_folder(u->dirfd, ".", see_data, &r, err);
    if (code == ALB_OK && (r.known > 0 || r.leftover > 0 || r.damaged > 0))
        alb_log(r.damaged > 0 ? ALB_LOG_ERROR : ALB_LOG_INFO, "uploads recovered",
                ALB_LOG_INT("known", r.known), ALB_LOG_INT("finished_by_sink", r.recalled),
                ALB_LOG_INT("removed", r.leftover), ALB_LOG_INT("damaged", r.damaged));
    return code;
}
