/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading an upload without holding it (contract: upload.h). What was durable when it was opened never
 * changes, and stays readable through the descriptor if the upload is removed meanwhile.
 * The bytes are not compared with the record's block sums: only the plain layout sends them to anybody, and there
 * the files are their owner's too, who may have changed them (law 3 is about those that only we write).
 */
#include <fcntl.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/mem.h"
#include "upload/priv.h"

struct alb_upload_reader {
    struct alb_upload_session *session; /* shared: it only looks */
    int64_t size;
    int fd;
};

static enum alb_code join(struct alb_uploads *u, struct alb_str id, int64_t owner,
                          struct alb_upload_session *s, struct alb_err *err)
{
    const char *why = NULL;

    alb_mutex_lock(&u->mtx);
    struct alb_upload_entry *e = alb_upload_id_usable(u, id) ? alb_upload_find_locked(u, id) : NULL;
    if (e == NULL || e->hidden || !e->announced || (owner != ALB_UPLOAD_ANYONE && e->owner_id != owner)) {
        why = "no such upload of this owner";
    } else {
        s->e = e;
        s->shared = s->granted = true;
        e->refs++;
    }
    alb_mutex_unlock(&u->mtx);
    return why == NULL ? ALB_OK : alb_fail(err, ALB_E_NOT_FOUND, "%s", why);
}

static enum alb_code open_data(struct alb_upload_reader *r, struct alb_err *err)
{
    const struct alb_upload_session *s = r->session;
    char name[ALB_UPLOAD_NAME_MAX];
    enum alb_upload_state state = s->slot.state;

    r->size = s->slot.offset;
    if (state == ALB_UPLOAD_REJECTED || (state == ALB_UPLOAD_FINISHED && !s->u->sink->keeps_data))
        return alb_fail(err, ALB_E_GONE, "the bytes are not here any more");
    alb_upload_data_name(s->u, s->e, name);
    enum alb_code code = alb_fs_open(s->u->dirfd, name, O_RDONLY | O_NOFOLLOW, 0, &r->fd, err);
    if (code == ALB_E_NOT_FOUND && err != NULL)
        err->code = code = ALB_E_GONE; /* removed, or taken by the sink, a moment ago */
    return code;
}

enum alb_code alb_upload_reader_open(struct alb_uploads *u, struct alb_str id, int64_t owner,
                                     struct alb_upload_reader **reader, struct alb_upload_view *view,
                                     struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    struct alb_upload_reader *r = alb_mem_calloc(1, sizeof(*r));
    enum alb_code code = ALB_OK;

    *reader = NULL;
    *view = (struct alb_upload_view){.length = ALB_UPLOAD_DEFERRED};
    if (r != NULL) {
        r->fd = -1;
        r->session = alb_upload_session_new(u, ALB_UPLOAD_LOOK);
    }
    if (r == NULL || r->session == NULL) {
        alb_mem_free(r);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to read an upload");
    }
    code = join(u, id, owner, r->session, &why);
    if (code != ALB_OK) {
        alb_upload_session_free(r->session);
        alb_mem_free(r);
        return alb_fail(err, code, "%s", why.msg);
    }
    code = alb_upload_load(r->session, &why);
    if (code == ALB_OK)
        code = open_data(r, &why);
    if (code != ALB_OK) {
        alb_upload_reader_close(&r);
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    }
    alb_upload_look(r->session, view);
    *reader = r;
    return ALB_OK;
}

void alb_upload_reader_close(struct alb_upload_reader **reader)
{
    struct alb_upload_reader *r = *reader;

    *reader = NULL;
    if (r == NULL)
        return;
    alb_fs_close(&r->fd);
    alb_upload_release(&r->session);
    alb_mem_free(r);
}

enum alb_code alb_upload_reader_read(struct alb_upload_reader *r, uint64_t off, void *p, size_t n,
                                     size_t *got, struct alb_err *err)
{
    uint64_t size = (uint64_t)r->size;

    *got = 0;
    if (off >= size)
        return ALB_OK;
    if (n > size - off)
        n = (size_t)(size - off);
    enum alb_code code = alb_fs_pread_all(r->fd, p, n, (int64_t)off, got, err);
    if (code == ALB_OK && *got < n)
        code = alb_fail(err, ALB_E_CORRUPT, "an upload is shorter than it was");
    return code;
}
