/* SPDX-License-Identifier: Apache-2.0 */
#include "render/shelf_seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"

#define ATTRIBUTE "user.albumen"
#define PIECE ((size_t)256 << 10)
#define TEXT_MAX 160

static struct alb_str word(struct alb_str *rest)
{
    struct alb_str w = ALB_STR_NONE;
    return rest->n > 0 && alb_str_next(rest, ' ', &w) ? w : ALB_STR_NONE;
}

bool alb_seal_read(int fd, const struct alb_origin_stamp *stamp, struct alb_seal *seal)
{
    char text[TEXT_MAX];
    int64_t size, modified_ns;
    ssize_t n = fgetxattr(fd, ATTRIBUTE, text, sizeof(text));
    struct alb_str rest = alb_str_n(text, n > 0 ? (size_t)n : 0);
    if (n <= 0 || !alb_str_eq_c(word(&rest), "1") || !alb_str_i64(word(&rest), &size) ||
        !alb_str_i64(word(&rest), &modified_ns) || !alb_str_hex_u64(word(&rest), &seal->xxh3) ||
        rest.n != 2 * sizeof(seal->sha256) || !alb_hex_decode(rest, seal->sha256, sizeof(seal->sha256)))
        return false;
    return size == stamp->size && modified_ns == stamp->modified_ns;
}

enum alb_code alb_seal_write(int fd, const struct alb_seal *seal, struct alb_err *err)
{
    char text[TEXT_MAX], sha256[2 * ALB_ORIGIN_IDENTITY_LEN + 1];
    struct alb_origin_stamp stamp;
    if (!alb_origin_stamp_take(fd, &stamp))
        return alb_fail(err, ALB_E_IO, "a file that was written cannot be looked at");
    alb_hex(seal->sha256, sizeof(seal->sha256), sha256);
    int n = snprintf(text, sizeof(text), "1 %lld %lld %016llx %s", (long long)stamp.size,
                     (long long)stamp.modified_ns, (unsigned long long)seal->xxh3, sha256);
    if (fsetxattr(fd, ATTRIBUTE, text, (size_t)n, 0) == 0 || errno == ENOTSUP || errno == EPERM ||
        errno == ENOSYS)
        return ALB_OK;
    return alb_fail_sys(err, errno == ENOSPC || errno == EDQUOT ? ALB_E_NO_SPACE : ALB_E_IO, errno,
                        "extended attribute");
}

enum alb_code alb_seal_check(int fd, const struct alb_origin_stamp *stamp, const struct alb_seal *seal,
                             bool *good, struct alb_err *err)
{
    struct alb_xxh3_state *sum = alb_xxh3_new();
    unsigned char *piece = alb_mem_alloc(PIECE);
    enum alb_code code = ALB_OK;
    int64_t off = 0;
    size_t got = 1;
    *good = false;
    if (!sum || !piece)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory to check a file");
    while (code == ALB_OK && off < stamp->size && got > 0) {
        code = alb_fs_pread_all(fd, piece, PIECE, off, &got, err);
        if (code == ALB_OK)
            alb_xxh3_update(sum, piece, got);
        off += (int64_t)got;
    }
    if (code == ALB_OK)
        *good = off == stamp->size && alb_xxh3_digest(sum) == seal->xxh3;
    alb_xxh3_free(sum);
    alb_mem_free(piece);
    return code;
}

enum alb_code alb_seal_copy(int fd, int64_t size, alb_seal_source_fn *source, void *ctx,
                            struct alb_seal *seal, struct alb_err *err)
{
    struct alb_xxh3_state *sum = alb_xxh3_new();
    unsigned char *piece = alb_mem_alloc(PIECE), digest[ALB_HASH_MAX_LEN];
    struct alb_hash hash;
    enum alb_code code = ALB_OK;
    alb_hash_init(&hash, ALB_HASH_SHA256);
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
        alb_hash_update(&hash, piece, n);
        off += (int64_t)n;
    }
    if (code == ALB_OK) {
        seal->xxh3 = alb_xxh3_digest(sum);
        (void)alb_hash_final(&hash, digest);
        memcpy(seal->sha256, digest, sizeof(seal->sha256));
    }
    alb_xxh3_free(sum);
    alb_mem_free(piece);
    return code;
}
