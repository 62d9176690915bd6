/* SPDX-License-Identifier: Apache-2.0
 *
 * Spools (contract: origin_spool.h).
 */
#include "render/origin_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "fetch/inflate.h"

#define COPY_PIECE ((size_t)256 * 1024)

bool alb_origin_charge(_Atomic int64_t *sum, int64_t n, int64_t max)
{
    if (atomic_fetch_add(sum, n) <= max - n)
        return true;
    atomic_fetch_sub(sum, n);
    return false;
}

static void uncharge(struct alb_origin_body *b)
{
    atomic_fetch_sub(&b->budget->memory, b->memory);
    atomic_fetch_sub(&b->budget->spool, b->spool);
    b->memory = b->spool = 0;
}

void alb_origin_body_fini(struct alb_origin_body *b)
{
    alb_fs_close(&b->fd);
    if (!b->budget)
        return;
    uncharge(b);
    alb_obj_unref(&b->budget->obj);
    b->budget = NULL;
}

static enum alb_code memory_file(int *fd, struct alb_err *err)
{
    *fd = memfd_create("albumen-source", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return *fd >= 0 ? ALB_OK : alb_fail_sys(err, ALB_E_NO_MEMORY, errno, "memory file");
}

enum alb_code alb_origin_spool_begin(struct alb_origin_spool *s, struct alb_origin_budget *budget,
                                     int tmp_dirfd, int64_t max_bytes, struct alb_str encoding,
                                     struct alb_err *err)
{
    memset(s, 0, sizeof(*s));
    s->publish = (struct alb_publish)ALB_PUBLISH_INIT;
    s->body = (struct alb_origin_body){.fd = -1, .budget = budget};
    alb_obj_ref(&budget->obj);
    s->tmp_dirfd = tmp_dirfd;
    s->no_disk = tmp_dirfd < 0;
    s->max_bytes = max_bytes;
    alb_hash_init(&s->hash, ALB_HASH_SHA256);
    enum alb_code code = alb_inflate_new(encoding, &s->inflate, err);
    if (code == ALB_OK)
        code = alb_sums_init(&s->sums, err);
    if (code == ALB_OK)
        code = memory_file(&s->body.fd, err);
    return code;
}

void alb_origin_spool_end(struct alb_origin_spool *s)
{
    alb_inflate_free(&s->inflate);
    alb_sums_fini(&s->sums);
    if (!s->body.budget) /* never begun, or ended, or finished */
        s->body.fd = -1;
    alb_origin_body_fini(&s->body);
    s->publish.fd = -1; /* it was the body's */
    if (s->publish.named)
        alb_publish_end(&s->publish);
}

/* ---- from one file to the other ---- */

static enum alb_code copy(int from, int to, int64_t size, struct alb_err *err)
{
    void *piece ALB_CLEANUP(alb_mem_cleanup) = alb_mem_alloc(COPY_PIECE);
    enum alb_code code = piece ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory to copy");
    for (int64_t at = 0; at < size && code == ALB_OK;) {
        size_t n = size - at < (int64_t)COPY_PIECE ? (size_t)(size - at) : COPY_PIECE, got;
        code = alb_fs_pread_all(from, piece, n, at, &got, err);
        if (code == ALB_OK && got != n)
            code = alb_fail(err, ALB_E_IO, "a spool file has become shorter");
        if (code == ALB_OK)
            code = alb_fs_pwrite_all(to, piece, n, at, err);
        at += (int64_t)n;
    }
    return code;
}

/* A failure leaves everything as it was, and the disk is not tried again. */
static enum alb_code to_disk(struct alb_origin_spool *s, struct alb_err *err)
{
    struct alb_origin_body *b = &s->body;
    struct alb_publish publish = ALB_PUBLISH_INIT;
    if (!alb_origin_charge(&b->budget->spool, s->size, b->budget->spool_max)) {
        s->no_disk = true;
        return alb_fail(err, ALB_E_NO_SPACE, "the room for spooled sources is full");
    }
    enum alb_code code = alb_publish_begin(&publish, s->tmp_dirfd, err);
    if (code == ALB_OK)
        code = copy(b->fd, publish.fd, s->size, err);
    if (code != ALB_OK) {
        atomic_fetch_sub(&b->budget->spool, s->size);
        alb_publish_end(&publish);
        s->no_disk = true;
        return code;
    }
    uncharge(b);
    b->spool = s->size;
    alb_fs_close(&b->fd);
    b->fd = publish.fd;
    s->publish = publish;
    s->in_file = true;
    return ALB_OK;
}

static enum alb_code to_memory(struct alb_origin_spool *s, struct alb_err *err)
{
    struct alb_origin_body *b = &s->body;
    int fd = -1;
    s->no_disk = true;
    if (!alb_origin_charge(&b->budget->memory, s->size, b->budget->memory_max))
        return alb_fail(err, ALB_E_NO_SPACE, "neither the disk nor memory has room for this source");
    enum alb_code code = memory_file(&fd, err);
    if (code == ALB_OK)
        code = copy(b->fd, fd, s->size, err);
    if (code != ALB_OK) {
        atomic_fetch_sub(&b->budget->memory, s->size);
        alb_fs_close(&fd);
        return code;
    }
    uncharge(b);
    b->memory = s->size;
    s->publish.fd = -1;
    alb_publish_end(&s->publish);
    alb_fs_close(&b->fd);
    b->fd = fd;
    s->in_file = false;
    return ALB_OK;
}

/* ---- writing ---- */

/* Where the next n bytes go is settled and charged. */
static enum alb_code make_room(struct alb_origin_spool *s, int64_t n, struct alb_err *err)
{
    struct alb_origin_body *b = &s->body;
    struct alb_origin_budget *all = b->budget;
    if (!s->in_file && !s->no_disk &&
        (s->size + n > ALB_ORIGIN_MEMORY || atomic_load(&all->memory) > all->memory_max - n))
        alb_ignore(to_disk(s, NULL), "memory may still have room");
    if (s->in_file) {
        if (alb_origin_charge(&all->spool, n, all->spool_max)) {
            b->spool += n;
            return ALB_OK;
        }
        enum alb_code code = to_memory(s, err);
        if (code != ALB_OK)
            return code;
    }
    if (!alb_origin_charge(&all->memory, n, all->memory_max))
        return alb_fail(err, ALB_E_NO_SPACE, "neither the disk nor memory has room for this source");
    b->memory += n;
    return ALB_OK;
}

static enum alb_code put(void *arg, const void *p, size_t n, struct alb_err *err)
{
    struct alb_origin_spool *s = arg;
    size_t sniffed = sizeof(s->head) - s->head_n < n ? sizeof(s->head) - s->head_n : n;
    if ((uint64_t)n > (uint64_t)(s->max_bytes - s->size))
        return alb_fail(err, ALB_E_TOO_LARGE, "a source of more than %lld bytes", (long long)s->max_bytes);
    enum alb_code code = make_room(s, (int64_t)n, err);
    if (code == ALB_OK && s->in_file && alb_fs_pwrite_all(s->body.fd, p, n, s->size, NULL) != ALB_OK) {
        code = to_memory(s, err); /* full, or broken */
        if (code == ALB_OK)
            code = make_room(s, (int64_t)n, err);
    }
    if (code == ALB_OK && !s->in_file)
        code = alb_fs_pwrite_all(s->body.fd, p, n, s->size, err);
    if (code == ALB_OK)
        code = alb_sums_update(&s->sums, p, n, err);
    if (code != ALB_OK)
        return code;
    alb_hash_update(&s->hash, p, n);
    memcpy(s->head + s->head_n, p, sniffed);
    s->head_n += sniffed;
    s->size += (int64_t)n;
    return ALB_OK;
}

enum alb_code alb_origin_spool_write(struct alb_origin_spool *s, const void *p, size_t n, struct alb_err *err)
{
    if (n == 0)
        return ALB_OK;
    return s->inflate ? alb_inflate_feed(s->inflate, p, n, put, s, err) : put(s, p, n, err);
}

bool alb_origin_spool_is_whole(const struct alb_origin_spool *s)
{
    return !s->inflate || alb_inflate_is_whole(s->inflate);
}

/* ---- the end ---- */

static void keep(struct alb_origin_spool *s, struct alb_cache *cache, const struct alb_derived_key *sha256,
                 bool *kept)
{
    struct alb_publish copied = ALB_PUBLISH_INIT;
    if (s->in_file) {
        s->body.is_kept = alb_origin_stamp_take(s->body.fd, &s->body.stamp);
        *kept = s->body.is_kept && alb_cache_adopt(cache, sha256, &s->publish, s->size, NULL) == ALB_OK;
        if (*kept)
            uncharge(&s->body); /* the cache counts it now */
        return;
    }
    if (s->tmp_dirfd < 0 || alb_publish_begin(&copied, s->tmp_dirfd, NULL) != ALB_OK)
        return;
    *kept = copy(s->body.fd, copied.fd, s->size, NULL) == ALB_OK &&
            alb_cache_adopt(cache, sha256, &copied, s->size, NULL) == ALB_OK;
    alb_publish_end(&copied);
}

/* Nobody writes to it any more, whoever gets it. */
static enum alb_code seal(struct alb_origin_spool *s, struct alb_err *err)
{
    char path[40];
    int fd = -1;
    if (!s->in_file &&
        fcntl(s->body.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
        return alb_fail_sys(err, ALB_E_IO, errno, "seal a memory file");
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s->body.fd);
    enum alb_code code = alb_fs_open(AT_FDCWD, path, O_RDONLY, 0, &fd, err);
    if (code != ALB_OK)
        return code;
    alb_fs_close(&s->body.fd);
    s->body.fd = fd;
    s->publish.fd = -1;
    return ALB_OK;
}

enum alb_code alb_origin_spool_finish(struct alb_origin_spool *s, struct alb_cache *cache,
                                      struct alb_derived_key *sha256, struct alb_bytes **sums,
                                      struct alb_origin_body *body, bool *kept, struct alb_err *err)
{
    unsigned char sum[ALB_HASH_MAX_LEN];
    *body = (struct alb_origin_body)ALB_ORIGIN_BODY_NONE;
    *kept = false;
    (void)alb_hash_final(&s->hash, sum);
    memcpy(sha256->b, sum, sizeof(sha256->b));
    *sums = alb_sums_final(&s->sums);
    if (!*sums)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the sums of a source");
    if (cache)
        keep(s, cache, sha256, kept);
    enum alb_code code = seal(s, err);
    if (code != ALB_OK) {
        alb_bytes_unref(*sums);
        *sums = NULL;
        return code;
    }
    *body = s->body;
    s->body = (struct alb_origin_body)ALB_ORIGIN_BODY_NONE;
    return ALB_OK;
}
