/* SPDX-License-Identifier: Apache-2.0 */
#include "render/origin_given.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "render/origin_priv.h"

enum alb_code alb_origin_given(struct alb_str bytes, struct alb_origin **out, struct alb_err *err)
{
    struct alb_origin_note note = {0};
    struct alb_origin_body body = ALB_ORIGIN_BODY_NONE;
    *out = NULL;
    body.fd = memfd_create("albumen-given", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (body.fd < 0)
        return alb_fail_sys(err, ALB_E_NO_MEMORY, errno, "memory file");
    enum alb_code code = alb_fs_pwrite_all(body.fd, bytes.p, bytes.n, 0, err);
    if (code == ALB_OK && !alb_origin_stamp_take(body.fd, &note.stamp))
        code = alb_fail(err, ALB_E_IO, "a memory file cannot be looked at");
    if (code != ALB_OK) {
        alb_origin_body_fini(&body);
        return code;
    }
    note.o.is_local = note.o.is_shared = true;
    note.o.size = (int64_t)bytes.n;
    note.o.type = alb_sniff(bytes.p, bytes.n < ALB_SNIFF_LEN ? bytes.n : ALB_SNIFF_LEN);
    note.o.content_type = alb_str_c(alb_type_mime(note.o.type));
    alb_sha256(bytes.p, bytes.n, note.o.identity);
    *out = alb_origin_make(&note, &body);
    return *out ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for a given picture");
}

enum alb_code alb_origin_given_file(int fd, struct alb_origin **out, struct alb_err *err)
{
    struct stat st;
    size_t got = 0;
    *out = NULL;
    if (fstat(fd, &st) != 0)
        return alb_fail_sys(err, ALB_E_IO, errno, "fstat");
    if (!S_ISREG(st.st_mode))
        return alb_fail(err, ALB_E_NOT_FOUND, "not a regular file");
    if (st.st_size > ALB_ORIGIN_GIVEN_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "larger than %lld bytes", (long long)ALB_ORIGIN_GIVEN_MAX);
    char *bytes = alb_mem_alloc((size_t)st.st_size + 1);
    if (!bytes)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a given picture");
    enum alb_code code = alb_fs_pread_all(fd, bytes, (size_t)st.st_size, 0, &got, err);
    if (code == ALB_OK)
        code = alb_origin_given(alb_str_n(bytes, got), out, err);
    alb_mem_free(bytes);
    return code;
}
