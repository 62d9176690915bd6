/* SPDX-License-Identifier: Apache-2.0
 *
 * Derived files (contract and format: derived.h). Reading costs open, fstat, pread, close and one allocation
 * for the whole file; the body that is handed out keeps that memory alive.
 */
#include "blob/derived.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/publish.h"

#define MAGIC "ALBDERV2"
#define OLD_MAGIC "ALBDERV1"
#define SUM_AT 8
#define SUMMED_AT ALB_DERIVED_SUMMED_AT
#define KEY_AT 16
#define BODY_LEN_AT 48
#define CREATED_AT 56
#define META_LEN_AT 64
#define LABELS_LEN_AT 68
#define PURGES_AT 72
#define KIND_AT 80
#define RESERVED_AT 81

_Static_assert(RESERVED_AT + 7 == ALB_DERIVED_HEAD, "the header is what the contract says");

static uint64_t get_le(const unsigned char *p, int bytes)
{
    uint64_t v = 0;

    while (bytes-- > 0)
        v = v << 8 | p[bytes];
    return v;
}

static void put_le(unsigned char *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++, v >>= 8)
        p[i] = (unsigned char)v;
}

enum alb_code alb_derived_parse_front(const unsigned char *p, size_t n, uint64_t file_n,
                                      struct alb_derived_view *view, struct alb_err *err)
{
    memset(view, 0, sizeof(*view));
    if (n >= 8 && memcmp(p, OLD_MAGIC, 8) == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "derived file of an older version");
    if (n < ALB_DERIVED_HEAD || memcmp(p, MAGIC, 8) != 0)
        return alb_fail(err, ALB_E_CORRUPT, "not a derived file");
    uint64_t body_n = get_le(p + BODY_LEN_AT, 8), meta_n = get_le(p + META_LEN_AT, 4);
    uint64_t labels_n = get_le(p + LABELS_LEN_AT, 4);
    if (meta_n > ALB_DERIVED_META_MAX || labels_n > ALB_DERIVED_LABELS_MAX ||
        body_n > (uint64_t)ALB_DERIVED_BODY_MAX || file_n != ALB_DERIVED_HEAD + meta_n + labels_n + body_n ||
        n < ALB_DERIVED_HEAD + meta_n + labels_n)
        return alb_fail(err, ALB_E_CORRUPT, "derived file of %llu bytes says %llu + %llu + %llu",
                        (unsigned long long)file_n, (unsigned long long)meta_n, (unsigned long long)labels_n,
                        (unsigned long long)body_n);
    memcpy(view->key.b, p + KEY_AT, ALB_DERIVED_KEY_LEN);
    view->checksum = get_le(p + SUM_AT, 8);
    view->created_ms = (int64_t)get_le(p + CREATED_AT, 8);
    view->front.purges = get_le(p + PURGES_AT, 8);
    view->front.kind = p[KIND_AT];
    view->front.meta = alb_str_n((const char *)p + ALB_DERIVED_HEAD, (size_t)meta_n);
    view->front.labels = alb_str_n(view->front.meta.p + meta_n, (size_t)labels_n);
    view->body = alb_str_n(view->front.labels.p + labels_n, (size_t)body_n);
    return ALB_OK;
}

enum alb_code alb_derived_parse(const unsigned char *p, size_t n, const struct alb_derived_key *key,
                                struct alb_derived_view *view, struct alb_err *err)
{
    enum alb_code code = alb_derived_parse_front(p, n, n, view, err);

    if (code != ALB_OK)
        return code;
    if (get_le(p + SUM_AT, 8) != alb_xxh3(p + SUMMED_AT, n - SUMMED_AT))
        return alb_fail(err, ALB_E_CORRUPT, "derived file with a wrong checksum");
    if (get_le(p + RESERVED_AT, 7) != 0)
        return alb_fail(err, ALB_E_CORRUPT, "derived file of another version");
    if (key != NULL && memcmp(p + KEY_AT, key->b, ALB_DERIVED_KEY_LEN) != 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "derived file of another key");
    return ALB_OK;
}

void alb_derived_name(const struct alb_derived_key *key, char out[ALB_DERIVED_NAME_MAX])
{
    alb_hex(key->b, 16, out + 3);
    out[0] = out[3];
    out[1] = out[4];
    out[2] = '/';
}

int64_t alb_derived_file_size(const struct alb_derived_front *front, size_t body_n)
{
    return (int64_t)ALB_DERIVED_HEAD + (int64_t)front->meta.n + (int64_t)front->labels.n + (int64_t)body_n;
}

void alb_derived_fini(struct alb_derived *d)
{
    alb_bytes_unref(d->body);
    alb_mem_free(d->meta);
    memset(d, 0, sizeof(*d));
}

/* ---- writing ---- */

static enum alb_code whole_on_disk(void *arg, int fd, struct alb_err *err)
{
    const int64_t *want = arg;
    int64_t size;
    enum alb_code code = alb_fs_size(fd, &size, err);

    if (code == ALB_OK && size != *want)
        return alb_fail(err, ALB_E_IO, "%lld of %lld bytes were written", (long long)size, (long long)*want);
    return code;
}

static size_t put_text(unsigned char *p, struct alb_str text)
{
    if (text.n > 0)
        memcpy(p, text.p, text.n);
    return text.n;
}

/* All that is in front of the body in one buffer, the body behind it, summed on the way. */
static enum alb_code write_parts(int fd, const struct alb_derived_key *key, const struct alb_derived_front *front,
                                 struct alb_str body, int64_t created_ms, struct alb_err *err)
{
    unsigned char head[ALB_DERIVED_FRONT_MAX] = {0};
    size_t head_n = ALB_DERIVED_HEAD;
    struct alb_xxh3_state *sum = alb_xxh3_new();

    if (sum == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a checksum");
    memcpy(head, MAGIC, 8);
    memcpy(head + KEY_AT, key->b, ALB_DERIVED_KEY_LEN);
    put_le(head + BODY_LEN_AT, body.n, 8);
    put_le(head + CREATED_AT, (uint64_t)created_ms, 8);
    put_le(head + META_LEN_AT, front->meta.n, 4);
    put_le(head + LABELS_LEN_AT, front->labels.n, 4);
    put_le(head + PURGES_AT, front->purges, 8);
    head[KIND_AT] = front->kind;
    head_n += put_text(head + head_n, front->meta);
    head_n += put_text(head + head_n, front->labels);
    alb_xxh3_update(sum, head + SUMMED_AT, head_n - SUMMED_AT);
    alb_xxh3_update(sum, body.p, body.n);
    put_le(head + SUM_AT, alb_xxh3_digest(sum), 8);
    alb_xxh3_free(sum);
    enum alb_code code = alb_fs_write_all(fd, head, head_n, err);
    if (code == ALB_OK)
        code = alb_fs_write_all(fd, body.p, body.n, err);
    return code;
}

enum alb_code alb_derived_write(int dirfd, int tmp_dirfd, const struct alb_derived_key *key,
                                const struct alb_derived_front *front, struct alb_str body, int64_t created_ms,
                                struct alb_err *err)
{
    struct alb_publish p;
    struct alb_err why = ALB_ERR_INIT;
    char name[ALB_DERIVED_NAME_MAX];
    int64_t size = alb_derived_file_size(front, body.n);

    if (front->meta.n > ALB_DERIVED_META_MAX || front->labels.n > ALB_DERIVED_LABELS_MAX ||
        body.n > (uint64_t)ALB_DERIVED_BODY_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "derived file of %zu + %zu + %zu bytes", front->meta.n,
                        front->labels.n, body.n);
    alb_derived_name(key, name);
    enum alb_code code = alb_publish_begin(&p, tmp_dirfd, &why);
    if (code == ALB_OK)
        code = write_parts(p.fd, key, front, body, created_ms, &why);
    if (code == ALB_OK)
        code = alb_publish_commit(&p, dirfd, name, ALB_PUBLISH_REPLACE, whole_on_disk, &size, &why);
    if (code == ALB_E_NOT_FOUND) { /* no such subfolder yet */
        const char folder[3] = {name[0], name[1], '\0'};
        alb_err_clear(&why);
        code = alb_fs_mkdirs(dirfd, folder, 0700, &why);
        if (code == ALB_OK)
            code = alb_publish_commit(&p, dirfd, name, ALB_PUBLISH_REPLACE, whole_on_disk, &size, &why);
    }
    alb_publish_end(&p);
    if (code != ALB_OK)
        return alb_fail_sys(err, code, why.sys, "derived file %s: %s", name, why.msg);
    return ALB_OK;
}

/* ---- reading ---- */

static void release_file(void *arg, const unsigned char *p, size_t n)
{
    (void)p;
    (void)n;
    alb_mem_free(arg);
}

/* The whole file; its size is bounded before anything is allocated. */
static enum alb_code read_all(int dirfd, const char *name, unsigned char **p, size_t *n, struct alb_err *err)
{
    char *file;
    enum alb_code code = alb_fs_read_file(dirfd, name, ALB_DERIVED_FILE_MAX, &file, n, err);

    *p = (unsigned char *)file;
    if (code == ALB_E_TOO_LARGE)
        code = ALB_E_CORRUPT;
    return code;
}

static enum alb_code hand_out(unsigned char *file, const struct alb_derived_view *view,
                              struct alb_derived *out, struct alb_err *err)
{
    struct alb_str meta = view->front.meta;

    out->meta = alb_mem_alloc(meta.n);
    if (out->meta != NULL)
        out->body = alb_bytes_wrap(view->body.p, view->body.n, release_file, file);
    if (out->body == NULL) {
        alb_derived_fini(out);
        alb_mem_free(file);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a derived file");
    }
    memcpy(out->meta, meta.p, meta.n);
    out->meta_n = meta.n;
    out->created_ms = view->created_ms;
    out->purges = view->front.purges;
    out->kind = view->front.kind;
    return ALB_OK;
}

enum alb_code alb_derived_read(int dirfd, const struct alb_derived_key *key,
                               struct alb_quarantine *quarantine, struct alb_derived *out,
                               struct alb_err *err)
{
    struct alb_derived_view view;
    struct alb_err why = ALB_ERR_INIT;
    char name[ALB_DERIVED_NAME_MAX];
    unsigned char *file = NULL;
    size_t n;

    memset(out, 0, sizeof(*out));
    alb_derived_name(key, name);
    enum alb_code code = read_all(dirfd, name, &file, &n, &why);
    if (code == ALB_OK)
        code = alb_derived_parse(file, n, key, &view, &why);
    if (code == ALB_OK)
        return hand_out(file, &view, out, err);
    alb_mem_free(file);
    if (code == ALB_E_IO && why.sys == EIO)
        code = ALB_E_CORRUPT; /* the disk has lost it: it is made again, elsewhere on it */
    if (code == ALB_E_CORRUPT) {
        alb_stat_inc(ALB_STAT_CACHE_CORRUPT);
        alb_ignore(alb_quarantine_take(quarantine, dirfd, name, why.msg, false, NULL),
                   "it is a miss, wherever the damaged file is; the next read finds it again if it stayed");
    }
    return alb_fail_sys(err, code, why.sys, "derived file %s: %s", name, why.msg);
}

enum alb_code alb_derived_read_cached(int dirfd, const struct alb_derived_key *key, size_t most,
                                      struct alb_derived *out, struct alb_err *err)
{
    struct alb_derived_view view;
    char name[ALB_DERIVED_NAME_MAX];
    unsigned char *file = alb_mem_alloc(most);
    size_t n = 0;

    memset(out, 0, sizeof(*out));
    if (file == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a derived file");
    alb_derived_name(key, name);
    enum alb_code code = alb_fs_read_cached(dirfd, name, file, most, &n, err);
    if (code == ALB_OK && n > 0) { /* who keeps it for long counts its bytes, not what was allocated */
        unsigned char *fit = alb_mem_realloc(file, n);
        file = fit != NULL ? fit : file;
    }
    if (code == ALB_OK)
        code = alb_derived_parse(file, n, key, &view, err);
    if (code == ALB_OK)
        return hand_out(file, &view, out, err);
    alb_mem_free(file);
    return code;
}

enum alb_code alb_derived_read_front(int dirfd, const char *name, unsigned char room[ALB_DERIVED_FRONT_MAX],
                                     struct alb_derived_view *view, struct alb_err *err)
{
    int fd ALB_CLEANUP(alb_fs_close) = -1;
    int64_t size = 0;
    size_t got = 0;
    enum alb_code code = alb_fs_open(dirfd, name, O_RDONLY | O_NOFOLLOW, 0, &fd, err);

    if (code == ALB_OK)
        code = alb_fs_size(fd, &size, err);
    if (code == ALB_OK)
        code = alb_fs_pread_all(fd, room, ALB_DERIVED_FRONT_MAX, 0, &got, err);
    if (code == ALB_OK)
        code = alb_derived_parse_front(room, got, (uint64_t)size, view, err);
    if (code == ALB_OK)
        view->body.n = 0; /* it was not read */
    return code;
}
