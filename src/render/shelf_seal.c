/* SPDX-License-Identifier: Apache-2.0 */
#include "render/shelf_seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/mem.h"

#define ATTRIBUTE "user.albumen"
#define PIECE ((size_t)256 << 10)
#define TEXT_MAX 160
#define KNOWN 2048

/* ---- what it says ---- */

uint64_t alb_seal_place(const char *shelf, struct alb_str path)
{
    const uint64_t sums[] = {alb_xxh3(shelf, strlen(shelf)), alb_xxh3(path.p, path.n)};
    return alb_xxh3(sums, sizeof(sums));
}

static struct alb_str word(struct alb_str *rest)
{
    struct alb_str w = ALB_STR_NONE;
    return rest->n > 0 && alb_str_next(rest, ' ', &w) ? w : ALB_STR_NONE;
}

enum alb_seal_kind alb_seal_read(int fd, const struct alb_origin_stamp *stamp, uint64_t place,
                                 struct alb_seal *seal)
{
    char text[TEXT_MAX];
    int64_t size, modified_ns;
    ssize_t n = fgetxattr(fd, ATTRIBUTE, text, sizeof(text));
    struct alb_str rest = alb_str_n(text, n > 0 ? (size_t)n : 0), version = word(&rest);
    bool is_old = alb_str_eq_c(version, "1");
    seal->place = place;
    if ((!is_old && !alb_str_eq_c(version, "2")) || !alb_str_i64(word(&rest), &size) ||
        !alb_str_i64(word(&rest), &modified_ns) || (!is_old && !alb_str_hex_u64(word(&rest), &seal->place)) ||
        !alb_str_hex_u64(word(&rest), &seal->xxh3) || rest.n != (is_old ? 2 * (size_t)ALB_SHA256_LEN : 0))
        return ALB_SEAL_NONE;
    if (seal->place != place)
        return ALB_SEAL_ELSEWHERE;
    if (size != stamp->size || modified_ns != stamp->modified_ns)
        return ALB_SEAL_NONE;
    return is_old ? ALB_SEAL_OLD : ALB_SEAL_HERE;
}

enum alb_code alb_seal_write(int fd, const struct alb_origin_stamp *stamp, const struct alb_seal *seal,
                             struct alb_err *err)
{
    char text[TEXT_MAX];
    int n = snprintf(text, sizeof(text), "2 %lld %lld %016llx %016llx", (long long)stamp->size,
                     (long long)stamp->modified_ns, (unsigned long long)seal->place,
                     (unsigned long long)seal->xxh3);
    if (fsetxattr(fd, ATTRIBUTE, text, (size_t)n, 0) == 0 || errno == ENOTSUP || errno == EPERM ||
        errno == ENOSYS)
        return ALB_OK;
    return alb_fail_sys(err, errno == ENOSPC || errno == EDQUOT ? ALB_E_NO_SPACE : ALB_E_IO, errno,
                        "extended attribute");
}

/* ---- what is known of files ---- */

struct known {
    bool used;
    struct alb_origin_stamp stamp;
    uint64_t xxh3;
    unsigned char sha256[ALB_SHA256_LEN];
};

struct alb_seal_memo {
    struct alb_mutex mtx;
    struct known at[KNOWN]; /* under mtx */
};

struct alb_seal_memo *alb_seal_memo_new(void)
{
    struct alb_seal_memo *m = alb_mem_calloc(1, sizeof(*m));
    if (m)
        alb_mutex_init(&m->mtx, ALB_LOCK_SHELF);
    return m;
}

void alb_seal_memo_free(struct alb_seal_memo **memo)
{
    if (*memo)
        alb_mutex_fini(&(*memo)->mtx);
    alb_mem_free(*memo);
    *memo = NULL;
}

static struct known *place_of(struct alb_seal_memo *m, const struct alb_origin_stamp *stamp)
{
    return &m->at[(uint64_t)stamp->inode % KNOWN];
}

static bool recall(struct alb_seal_memo *m, const struct alb_origin_stamp *stamp, uint64_t xxh3,
                   unsigned char sha256[ALB_SHA256_LEN])
{
    const struct known *k = place_of(m, stamp);
    alb_mutex_lock(&m->mtx);
    bool found = k->used && k->xxh3 == xxh3 && k->stamp.size == stamp->size &&
                 k->stamp.inode == stamp->inode && k->stamp.modified_ns == stamp->modified_ns &&
                 k->stamp.changed_ns == stamp->changed_ns;
    if (found)
        memcpy(sha256, k->sha256, sizeof(k->sha256));
    alb_mutex_unlock(&m->mtx);
    return found;
}

static void remember(struct alb_seal_memo *m, const struct alb_origin_stamp *stamp, uint64_t xxh3,
                     const unsigned char sha256[ALB_SHA256_LEN])
{
    struct known *k = place_of(m, stamp);
    alb_mutex_lock(&m->mtx);
    *k = (struct known){.used = true, .stamp = *stamp, .xxh3 = xxh3};
    memcpy(k->sha256, sha256, sizeof(k->sha256));
    alb_mutex_unlock(&m->mtx);
}

/* ---- bytes ---- */

/* sha256: NULL, or begun. Of as many bytes as there are, up to size; *n: how many. */
static enum alb_code sum_up(int fd, int64_t size, struct alb_xxh3_state *sum, struct alb_hash *sha256,
                            int64_t *n, struct alb_err *err)
{
    unsigned char *piece = alb_mem_alloc(PIECE);
    enum alb_code code = piece ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory to check a file");
    size_t got = 1;
    *n = 0;
    while (code == ALB_OK && *n < size && got > 0) {
        code = alb_fs_pread_all(fd, piece, PIECE, *n, &got, err);
        if (code != ALB_OK)
            break;
        alb_xxh3_update(sum, piece, got);
        if (sha256)
            alb_hash_update(sha256, piece, got);
        *n += (int64_t)got;
    }
    alb_mem_free(piece);
    return code;
}

enum alb_code alb_seal_check(struct alb_seal_memo *memo, int fd, const struct alb_origin_stamp *stamp,
                             const struct alb_seal *seal, unsigned char sha256[ALB_SHA256_LEN], bool *good,
                             struct alb_err *err)
{
    struct alb_xxh3_state *sum = alb_xxh3_new();
    unsigned char digest[ALB_HASH_MAX_LEN];
    struct alb_hash hash;
    int64_t n = 0;
    bool known = recall(memo, stamp, seal->xxh3, sha256);
    enum alb_code code = ALB_E_NO_MEMORY;
    *good = false;
    if (!sum)
        return alb_fail(err, code, "no memory to check a file");
    alb_hash_init(&hash, ALB_HASH_SHA256);
    code = sum_up(fd, stamp->size, sum, known ? NULL : &hash, &n, err);
    *good = code == ALB_OK && n == stamp->size && alb_xxh3_digest(sum) == seal->xxh3;
    if (*good && !known) {
        (void)alb_hash_final(&hash, digest);
        memcpy(sha256, digest, ALB_SHA256_LEN);
        remember(memo, stamp, seal->xxh3, sha256);
    }
    alb_xxh3_free(sum);
    return code;
}

enum alb_code alb_seal_copy(int fd, int64_t size, alb_seal_source_fn *source, void *ctx, uint64_t *xxh3,
                            struct alb_err *err)
{
    struct alb_xxh3_state *sum = alb_xxh3_new();
    unsigned char *piece = alb_mem_alloc(PIECE);
    enum alb_code code = ALB_OK;
    if (!sum || !piece)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory to write a file");
    for (int64_t off = 0; code == ALB_OK && off < size;) {
        size_t n = size - off < (int64_t)PIECE ? (size_t)(size - off) : PIECE;
        if (!source(ctx, off, piece, n, err))
            code = err->code;
        else
            code = alb_fs_pwrite_all(fd, piece, n, off, err);
        if (code != ALB_OK)
            break;
        alb_xxh3_update(sum, piece, n);
        off += (int64_t)n;
    }
    if (code == ALB_OK)
        *xxh3 = alb_xxh3_digest(sum);
    alb_xxh3_free(sum);
    alb_mem_free(piece);
    return code;
}
