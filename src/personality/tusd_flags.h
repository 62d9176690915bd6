/* SPDX-License-Identifier: Apache-2.0
 *
 * The flags of tusd 2, as `albumen tusd` takes them. A flag of what albumen does not do (yet) is known, so
 * that it is answered by a clear word instead of "not defined". Private to src/personality.
 */
#ifndef ALB_PERSONALITY_TUSD_FLAGS_H
#define ALB_PERSONALITY_TUSD_FLAGS_H

#include "hooks/hooks.h"
#include "personality/goflag.h"

struct alb_tusd_flags {
    const char *host, *port, *unix_sock, *base_path;
    bool behind_proxy, enable_h2c;
    const char *tls_certificate, *tls_key, *tls_mode;
    bool experimental, disable_download, disable_termination, disable_concatenation;
    int64_t max_size;
    bool disable_cors, cors_credentials;
    const char *cors_origin, *cors_methods, *cors_headers, *cors_max_age, *cors_expose;
    const char *upload_dir;
    int64_t holder_poll, acquirer_poll, dir_perms, file_perms; /* polls: accepted, nothing polls here */
    const char *s3_bucket, *gcs_bucket, *azure_storage;
    const char *ignored_text; /* of stores that are not there */
    int64_t ignored_number;
    bool ignored_bool;
    const char *hooks_events, *hooks_dir, *hooks_http, *hooks_http_forward, *hooks_grpc, *hooks_plugin;
    int64_t hooks_dir_timeout, progress_interval, hooks_http_retry, hooks_http_backoff, hooks_http_timeout,
        hooks_http_size;
    bool hooks_http_skip_verify;
    bool expose_metrics, expose_pprof, show_greeting, version, verbose, startup_logs;
    const char *metrics_path, *pprof_path, *log_format;
    int64_t network_timeout, shutdown_timeout, acquire_lock_timeout, completion_timeout;
    unsigned hook_bits; /* ALB_HOOK_BIT of hooks_events */
};

/* As alb_goflag_parse. */
enum alb_code alb_tusd_flags_parse(int argc, char **argv, struct alb_tusd_flags *f,
                                   struct alb_err *err) ALB_MUST_CHECK;
void alb_tusd_flags_help(struct alb_buf *out);
/* What the flags ask for and cannot have: *err says it as tusd would. */
enum alb_code alb_tusd_flags_check(struct alb_tusd_flags *f, struct alb_err *err) ALB_MUST_CHECK;

#endif
