/* SPDX-License-Identifier: Apache-2.0
 *
 * struct alb_origin as it is handed out (origin.h): one allocation with all its texts behind it; its
 * descriptor and what is charged for it go when the last reference goes. And the checked reader over one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"
#include "blob/purges.h"
#include "blob/store.h"
#include "render/origin_priv.h"

struct made {
    struct alb_origin o;
    struct alb_origin_note note; /* the same again, for the memory of fresh ones */
    struct alb_origin_body body;
    char *asked;         /* alb_mem, or NULL */
    atomic_bool claimed; /* alb_origin_claim */
    char text[];
};

static const struct made *made_of(const struct alb_origin *o)
{
    union { /* drops const, which the callers put back */
        const struct alb_origin *from;
        struct alb_origin *to;
    } cast = {.from = o};
    return ALB_CONTAINER_OF(cast.to, struct made, o);
}

static void made_free(struct alb_obj *obj)
{
    struct made *m = ALB_CONTAINER_OF(obj, struct made, o.obj);
    alb_origin_body_fini(&m->body);
    alb_mem_free(m->asked);
    alb_mem_free(m);
}

void alb_origin_mark(struct alb_origin *o, struct alb_str asked, uint64_t purged, uint64_t known)
{
    struct made *m = ALB_CONTAINER_OF(o, struct made, o);
    o->purged = purged;
    o->known = known;
    m->asked = alb_mem_alloc(asked.n + 1);
    o->asked = ALB_STR(ALB_LABEL_ANY); /* without memory */
    if (m->asked) {
        memcpy(m->asked, asked.p, asked.n);
        o->asked = alb_str_n(m->asked, asked.n);
    }
}

static void move_text(char **at, struct alb_str *text)
{
    if (!text->p)
        return;
    if (text->n > 0)
        memcpy(*at, text->p, text->n);
    (*at)[text->n] = '\0';
    text->p = *at;
    *at += text->n + 1;
}

struct alb_origin *alb_origin_make(const struct alb_origin_note *note, struct alb_origin_body *body)
{
    struct alb_origin_note copy = *note;
    struct alb_origin *o = &copy.o;
    struct alb_str *const texts[] = {&o->url,     &o->etag,         &o->last_modified, &o->cache_control,
                                     &o->expires, &o->content_type, &o->kept,          &copy.sums};
    size_t n = sizeof(struct made);
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++)
        n += texts[i]->n + 1;
    struct made *m = alb_mem_calloc(1, n);
    if (!m) {
        if (body)
            alb_origin_body_fini(body);
        return NULL;
    }
    char *at = m->text;
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++)
        move_text(&at, texts[i]);
    m->note = copy;
    m->o = copy.o;
    m->o.asked = ALB_STR_NONE; /* alb_origin_mark */
    m->body = body ? *body : (struct alb_origin_body)ALB_ORIGIN_BODY_NONE;
    if (body)
        *body = (struct alb_origin_body)ALB_ORIGIN_BODY_NONE;
    m->o.has_bytes = m->body.fd >= 0;
    alb_obj_init(&m->o.obj, made_free);
    return &m->o;
}

struct alb_origin *alb_origin_make_failure(enum alb_origin_failure failure, int status,
                                           const struct alb_err *why)
{
    struct alb_origin_note note = {.o = {.failure = failure, .status = status}};
    if (why)
        note.o.err = *why;
    return alb_origin_make(&note, NULL);
}

const struct alb_origin_note *alb_origin_note_of(const struct alb_origin *o)
{
    return &made_of(o)->note;
}

const char *alb_origin_failure_name(enum alb_origin_failure f)
{
    static const char *const names[ALB_ORIGIN_FAILURE_COUNT] = {
        [ALB_ORIGIN_GOOD] = "good",
        [ALB_ORIGIN_BLOCKED] = "blocked",
        [ALB_ORIGIN_SCHEME] = "scheme",
        [ALB_ORIGIN_UNREACHABLE] = "unreachable",
        [ALB_ORIGIN_REDIRECTS] = "redirects",
        [ALB_ORIGIN_STATUS] = "status",
        [ALB_ORIGIN_MISSING] = "missing",
        [ALB_ORIGIN_TIMEOUT] = "timeout",
        [ALB_ORIGIN_INCOMPLETE] = "incomplete",
        [ALB_ORIGIN_TOO_LARGE] = "too large",
        [ALB_ORIGIN_TYPE] = "type",
        [ALB_ORIGIN_ENCODING] = "encoding",
    };
    return f < ALB_ORIGIN_FAILURE_COUNT ? names[f] : "unknown";
}

int alb_origin_fd(const struct alb_origin *o)
{
    return made_of(o)->body.fd;
}

bool alb_origin_claim(struct alb_origin *o)
{
    return !atomic_exchange(&ALB_CONTAINER_OF(o, struct made, o)->claimed, true);
}

/* ---- a local file is somebody else's ---- */

bool alb_origin_stamp_take(int fd, struct alb_origin_stamp *stamp)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    *stamp = (struct alb_origin_stamp){
        .size = st.st_size,
        .inode = (int64_t)st.st_ino,
        .modified_ns = (int64_t)st.st_mtim.tv_sec * ALB_NS_PER_S + st.st_mtim.tv_nsec,
        .changed_ns = (int64_t)st.st_ctim.tv_sec * ALB_NS_PER_S + st.st_ctim.tv_nsec,
    };
    return S_ISREG(st.st_mode);
}

bool alb_origin_is_same(const struct alb_origin *o)
{
    const struct made *m = made_of(o);
    struct alb_origin_stamp now;
    if (!o->is_local || m->body.fd < 0)
        return true;
    return alb_origin_stamp_take(m->body.fd, &now) && now.size == m->note.stamp.size &&
           now.modified_ns == m->note.stamp.modified_ns &&
           (m->note.stamp.changed_ns == 0 || now.changed_ns == m->note.stamp.changed_ns);
}

/* ---- reading ---- */

struct alb_origin_reader {
    struct alb_origin *o;
    struct alb_blob_reader *checked; /* NULL: local */
};

enum alb_code alb_origin_reader_open(struct alb_origin *o, struct alb_origin_reader **reader,
                                     struct alb_err *err)
{
    *reader = NULL;
    if (!o->has_bytes)
        return alb_fail(err, ALB_E_NOT_FOUND, "a source without bytes");
    struct alb_origin_reader *r = alb_mem_calloc(1, sizeof(*r));
    if (!r)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a reader");
    r->o = alb_origin_ref(o);
    enum alb_code code = ALB_OK;
    if (!o->is_local) {
        int fd = fcntl(alb_origin_fd(o), F_DUPFD_CLOEXEC, 0);
        code = fd < 0 ? alb_fail_sys(err, ALB_E_IO, errno, "another descriptor")
                      : alb_blob_open_file(&fd, o->size, made_of(o)->note.sums, ALB_STR("source"),
                                           &r->checked, err);
    }
    if (code != ALB_OK)
        alb_origin_reader_close(&r);
    *reader = r;
    return code;
}

enum alb_code alb_origin_read(struct alb_origin_reader *r, int64_t off, void *p, size_t n, size_t *got,
                              struct alb_err *err)
{
    *got = 0;
    if (r->checked)
        return alb_blob_read(r->checked, off, p, n, got, err);
    int64_t left = r->o->size - off;
    if (left <= 0)
        return ALB_OK;
    if ((uint64_t)left < n)
        n = (size_t)left;
    size_t have = 0;
    enum alb_code code = alb_fs_pread_all(alb_origin_fd(r->o), p, n, off, &have, err);
    if (code == ALB_OK && (have != n || !alb_origin_is_same(r->o)))
        code = alb_fail(err, ALB_E_CORRUPT, "the file was changed while it was read");
    if (code == ALB_OK)
        *got = n;
    return code;
}

void alb_origin_reader_close(struct alb_origin_reader **reader)
{
    struct alb_origin_reader *r = *reader;
    *reader = NULL;
    if (!r)
        return;
    alb_blob_close(&r->checked);
    alb_origin_unref(r->o);
    alb_mem_free(r);
}
