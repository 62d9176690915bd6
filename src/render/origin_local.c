/* SPDX-License-Identifier: Apache-2.0
 *
 * local:///path: a regular file beneath the local root (origin_job.h). The host is ignored; "%", "?" and
 * "#" are characters like any other, but for the separator of the room's config, from which on it is a
 * query. The path is cleaned first, as imgproxy does it ("." and ".." by their names), and then opened so
 * that nothing outside of the root can be reached, by whatever links there are; links inside are followed
 * as long as they stay beneath.
 *
 * Nothing is opened before it is known to be a regular file: a FIFO would wait, a device might do something.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/stat.h"
#include "render/origin_job.h"

#define PREFIX "local://"

/* The path without its slash at the beginning, NUL-terminated; false: too long, or with a NUL in it. */
static bool clean(struct alb_str text, char separator, char out[PATH_MAX], size_t *out_n)
{
    struct alb_str host, rest, piece;
    size_t n = 0;
    if (!alb_str_cut(alb_str_from(text, sizeof(PREFIX) - 1), '/', &host, &rest))
        return false;
    if (separator) {
        struct alb_str query;
        (void)alb_str_cut(rest, separator, &rest, &query);
    }
    if (rest.n >= PATH_MAX || (rest.n > 0 && memchr(rest.p, '\0', rest.n)))
        return false;
    while (alb_str_next(&rest, '/', &piece)) {
        if (piece.n == 0 || alb_str_eq(piece, ALB_STR(".")))
            continue;
        if (alb_str_eq(piece, ALB_STR(".."))) {
            while (n > 0 && out[--n] != '/')
                ;
            continue;
        }
        if (n > 0)
            out[n++] = '/';
        memcpy(out + n, piece.p, piece.n);
        n += piece.n;
    }
    out[n] = '\0';
    *out_n = n;
    return n > 0;
}

enum alb_code alb_origin_open_regular(int root, const char *path, int *fd, struct alb_origin_stamp *stamp,
                                      struct alb_err *err)
{
    int found ALB_CLEANUP(alb_fs_close) = -1;
    char self[40];
    *fd = -1;
    enum alb_code code = alb_fs_open_inside(root, path, O_PATH, &found, err);
    if (code == ALB_OK && !alb_origin_stamp_take(found, stamp))
        code = alb_fail(err, ALB_E_NOT_FOUND, "not a regular file");
    if (code != ALB_OK)
        return code;
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", found);
    code = alb_fs_open(AT_FDCWD, self, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, fd, err);
    if (code == ALB_OK && !alb_origin_stamp_take(*fd, stamp))
        code = alb_fail(err, ALB_E_NOT_FOUND, "not a regular file");
    if (code != ALB_OK)
        alb_fs_close(fd);
    return code;
}

bool alb_origin_is_missing(const struct alb_err *err)
{
    static const int sys[] = {ENOENT, ENOTDIR,      EXDEV, ELOOP,  EACCES,
                              EPERM,  ENAMETOOLONG, ENXIO, ENODEV, EINVAL};
    for (size_t i = 0; i < ALB_ARRAY_LEN(sys); i++)
        if (err->sys == sys[i])
            return true;
    return err->code == ALB_E_NOT_FOUND;
}

void alb_origin_identify(struct alb_origin_note *note, struct alb_str path)
{
    const struct alb_origin_stamp *s = &note->stamp;
    const int64_t numbers[] = {s->size, s->inode, s->modified_ns, s->changed_ns};
    unsigned char sum[ALB_HASH_MAX_LEN];
    struct alb_hash hash;
    alb_hash_init(&hash, ALB_HASH_SHA256);
    alb_hash_update(&hash, "albumen local 1", 16);
    alb_hash_update(&hash, numbers, sizeof(numbers));
    alb_hash_update(&hash, path.p, path.n);
    (void)alb_hash_final(&hash, sum);
    memcpy(note->o.identity, sum, sizeof(note->o.identity));
}

static enum alb_code sniff(int fd, enum alb_type *type, struct alb_err *err)
{
    unsigned char head[ALB_SNIFF_LEN];
    size_t got;
    enum alb_code code = alb_fs_pread_all(fd, head, sizeof(head), 0, &got, err);
    *type = code == ALB_OK ? alb_sniff(head, got) : ALB_TYPE_UNKNOWN;
    return code;
}

struct alb_origin *alb_origin_make_local(struct alb_origin_note *note, struct alb_str path, int64_t now_ms,
                                         struct alb_origin_body *body)
{
    struct alb_origin *o = &note->o;
    char modified[30];
    struct alb_buf etag = ALB_BUF_INIT(64);
    alb_buf_char(&etag, '"');
    alb_b64_encode(&etag, o->identity, sizeof(o->identity), ALB_B64_URL);
    alb_buf_char(&etag, '"');
    o->is_local = o->is_shared = true;
    o->size = note->stamp.size;
    o->url = path;
    o->etag = alb_buf_view(&etag);
    o->modified_ms = note->stamp.modified_ns / ALB_NS_PER_MS;
    alb_time_http(o->modified_ms, modified);
    o->last_modified = alb_str_c(modified);
    if (o->content_type.n == 0)
        o->content_type = alb_str_c(alb_type_mime(o->type));
    o->fetched_ms = o->validated_ms = now_ms;
    struct alb_origin *made = alb_origin_make(note, body);
    alb_buf_fini(&etag);
    return made;
}

static bool give(struct alb_origin_job *job, struct alb_str path, struct alb_origin_note *note,
                 struct alb_origin_body *body)
{
    alb_origin_identify(note, path);
    alb_stat_inc(ALB_STAT_SOURCE_LOCAL);
    return alb_origin_job_settle(
        job, alb_origin_make_local(note, path, alb_wall(job->origins->config.clock), body));
}

bool alb_origin_local(struct alb_origin_job *job)
{
    const struct alb_origins_config *config = &job->origins->config;
    const struct alb_origin_policy *policy = job->ask.policy;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_origin_note note = {0};
    struct alb_origin_body body = ALB_ORIGIN_BODY_NONE;
    char path[PATH_MAX];
    size_t n = 0;
    if (!policy->local || config->local_dirfd < 0)
        return alb_origin_job_failure(job, ALB_ORIGIN_SCHEME, 0,
                                      "local:// needs --local-root, which is not set");
    if (!clean(job->ask.url, config->local_separator, path, &n))
        return alb_origin_job_failure(job, ALB_ORIGIN_MISSING, 0, "not a path");
    if (policy->may && !policy->may(policy, NULL, alb_str_n(path, n)))
        return alb_origin_job_failure(job, ALB_ORIGIN_BLOCKED, 0, "the path is not allowed");
    enum alb_code code = alb_origin_open_regular(config->local_dirfd, path, &body.fd, &note.stamp, &err);
    if (code == ALB_OK && note.stamp.size <= job->ask.max_bytes)
        code = sniff(body.fd, &note.o.type, &err);
    if (code == ALB_OK && note.stamp.size <= job->ask.max_bytes &&
        (note.o.type != ALB_TYPE_UNKNOWN || job->ask.any_type))
        return give(job, alb_str_n(path, n), &note, &body);
    alb_origin_body_fini(&body);
    if (code != ALB_OK)
        return alb_origin_is_missing(&err) ? alb_origin_job_failure(job, ALB_ORIGIN_MISSING, 0, err.msg)
                                           : alb_origin_job_fail(job, &err);
    if (note.stamp.size > job->ask.max_bytes)
        return alb_origin_job_failure(job, ALB_ORIGIN_TOO_LARGE, 0, "larger than the limit");
    return alb_origin_job_failure(job, ALB_ORIGIN_TYPE, 0, "not a kind of file that is known here");
}
