/* SPDX-License-Identifier: Apache-2.0
 *
 * The flags of imagor 1.9, as `albumen imagor` takes them: from a file of NAME=value lines, from the environment (upper
 * case, underscores), from the command line; the later wins. A flag of what albumen does not do is known, so that it is
 * answered by a clear word. One thread, at start.
 */
#ifndef ALB_PERSONALITY_IMAGOR_FLAGS_H
#define ALB_PERSONALITY_IMAGOR_FLAGS_H

#include "base/arena.h"
#include "personality/goflag.h"

struct alb_imagor_flags {
    /* server */
    int64_t port, gomaxprocs;
    const char *bind, *address, *path_prefix, *config;
    bool cors, strip_query, access_log, debug, log_ecs, version;
    const char *sentry, *prometheus_bind, *prometheus_path, *prometheus_namespace;
    /* imagor */
    const char *secret, *signer_type, *base_params, *base_redirect, *storage_style, *result_style;
    int64_t signer_truncate;
    bool is_unsafe, auto_webp, auto_avif, auto_jpeg, no_cache, modified_check, disable_error_body,
        disable_params, raw_on_error;
    int64_t request_timeout, load_timeout, save_timeout, process_timeout, concurrency, queue, ttl, swr;
    /* files */
    const char *safe_chars, *loader_dir, *loader_prefix, *storage_dir, *storage_prefix, *result_dir,
        *result_prefix;
    int64_t storage_mkdir, storage_write, result_mkdir, result_write; /* modes */
    int64_t storage_expiration, result_expiration;
    /* http, uploads */
    const char *forward, *keep, *sources_regexp, *sources, *base_url, *scheme, *accept, *proxies,
        *proxy_sources, *block_networks;
    bool forward_client, forward_all, insecure, block_loopback, block_private, block_link_local, http_disable;
    int64_t http_max;
    bool upload;
    int64_t upload_max;
    const char *upload_accept, *upload_field;
    /* pictures */
    bool disable_blur, mozjpeg, strip_icc, strip_metadata, unlimited;
    int64_t max_frames, max_ops, max_width, max_height, max_resolution, avif_speed;
    const char *disable_filters;
    /* of what is not there */
    const char *s3_loader, *s3_storage, *s3_result, *gcs_loader, *gcs_storage, *gcs_result, *ignored_text;
    int64_t ignored_number;
    bool ignored_bool;
};

#define ALB_IMAGOR_REMARKS_MAX ((size_t)16 << 10)

/* Texts lie in argv, in envp and in the arena. remarks: lines for the log, of names that nobody knows and of what has
 * no effect. INVALID: the complaint; CANCELLED: help is wanted; IO: the file that -config names. */
enum alb_code alb_imagor_flags_parse(int argc, char **argv, char **envp, struct alb_arena *arena,
                                     struct alb_imagor_flags *f, struct alb_buf *remarks,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* What they ask for and cannot have. */
enum alb_code alb_imagor_flags_check(const struct alb_imagor_flags *f, struct alb_err *err) ALB_MUST_CHECK;
/* alb_goflag_words of them: others are albumen's own. */
int alb_imagor_flags_words(const char *word);
/* Text, or source of a manual page. */
void alb_imagor_flags_help(bool man, struct alb_buf *out);
/* For tests. */
const struct alb_goflag *alb_imagor_flags_table(size_t *count);

#endif
