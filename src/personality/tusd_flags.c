/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/tusd_flags.h"

#include <string.h>

#define F(type, name, field, otherwise, help)                                                                \
    {NULL, name, help, ALB_GOFLAG_##type, offsetof(struct alb_tusd_flags, field), otherwise}
#define G(group, type, name, field, otherwise, help)                                                         \
    {group, name, help, ALB_GOFLAG_##type, offsetof(struct alb_tusd_flags, field), otherwise}

/* Of what is not there: a command line that has them is read all the same. */
#define IGNORED_TEXT(name, help) F(STRING, name, ignored_text, "", help)
#define IGNORED_NUMBER(name, otherwise, help) F(INT, name, ignored_number, otherwise, help)
#define IGNORED_BOOL(name, help) F(BOOL, name, ignored_bool, "false", help)

static const struct alb_goflag flags[] = {
    G("Listening", STRING, "host", host, "0.0.0.0", "Address to listen on"),
    F(STRING, "port", port, "8080", "Port to listen on; 0: any that is free"),
    F(STRING, "unix-sock", unix_sock, "", "Listen on a Unix socket at this path instead"),
    F(STRING, "base-path", base_path, "/files/", "Path of the uploads"),
    F(BOOL, "behind-proxy", behind_proxy, "false", "Believe X-Forwarded-* and Forwarded, of everybody"),
    F(BOOL, "enable-h2c", enable_h2c, "false", "HTTP/2 without TLS (not available yet)"),

    G("TLS (not available yet: put a proxy in front)", STRING, "tls-certificate", tls_certificate, "",
      "Certificate file"),
    F(STRING, "tls-key", tls_key, "", "Key file of the certificate"),
    F(STRING, "tls-mode", tls_mode, "tls12", "tls12, tls12-strong or tls13"),

    G("Protocol", BOOL, "enable-experimental-protocol", experimental, "false",
      "Also speak the IETF's Resumable Uploads for HTTP"),
    F(BOOL, "disable-download", disable_download, "false", "No GET of uploads"),
    F(BOOL, "disable-termination", disable_termination, "false", "No DELETE of uploads"),
    F(BOOL, "disable-concatenation", disable_concatenation, "false", "No concatenation of uploads"),
    F(INT, "max-size", max_size, "0", "Largest upload in bytes; 0: no limit"),

    G("CORS", BOOL, "disable-cors", disable_cors, "false", "No CORS headers"),
    F(STRING, "cors-allow-origin", cors_origin, ".*", "Regular expression of origins that are allowed"),
    F(BOOL, "cors-allow-credentials", cors_credentials, "false",
      "Send Access-Control-Allow-Credentials: true"),
    F(STRING, "cors-allow-methods", cors_methods, "", "Methods to allow besides those that are needed"),
    F(STRING, "cors-allow-headers", cors_headers, "", "Headers to allow besides those that are needed"),
    F(STRING, "cors-max-age", cors_max_age, "86400", "Value of Access-Control-Max-Age"),
    F(STRING, "cors-expose-headers", cors_expose, "", "Headers to expose besides those that are needed"),

    G("Files", STRING, "upload-dir", upload_dir, "./data", "Folder of the uploads"),
    F(DURATION, "filelock-holder-poll-interval", holder_poll, "5s",
      "Accepted and not needed: nothing polls here"),
    F(DURATION, "filelock-acquirer-poll-interval", acquirer_poll, "2s",
      "Accepted and not needed: nothing polls here"),
    F(OCTAL, "dir-perms", dir_perms, "775", "Mode of new folders, octal"),
    F(OCTAL, "file-perms", file_perms, "664", "Mode of new files, octal"),

    G("S3 (not available yet)", STRING, "s3-bucket", s3_bucket, "", "Bucket"),
    IGNORED_TEXT("s3-object-prefix", "Prefix of object names"),
    IGNORED_TEXT("s3-endpoint", "Endpoint"),
    IGNORED_NUMBER("s3-part-size", "52428800", "Size of parts"),
    IGNORED_NUMBER("s3-min-part-size", "5242880", "Smallest size of parts"),
    IGNORED_NUMBER("s3-max-buffered-parts", "20", "Parts that are buffered"),
    IGNORED_BOOL("s3-disable-content-hashes", "No hashes of parts"),
    IGNORED_BOOL("s3-disable-ssl", "HTTP instead of HTTPS"),
    IGNORED_NUMBER("s3-concurrent-part-uploads", "10", "Parts that are sent at the same time"),
    IGNORED_BOOL("s3-transfer-acceleration", "Use transfer acceleration"),
    IGNORED_BOOL("s3-log-api-calls", "Log calls"),

    G("Google Cloud Storage (not available)", STRING, "gcs-bucket", gcs_bucket, "", "Bucket"),
    IGNORED_TEXT("gcs-object-prefix", "Prefix of object names"),
    IGNORED_TEXT("gcs-endpoint", "Endpoint"),

    G("Azure (not available)", STRING, "azure-storage", azure_storage, "", "Container"),
    IGNORED_TEXT("azure-container-access-type", "Access type of a new container"),
    IGNORED_TEXT("azure-blob-access-tier", "Access tier"),
    IGNORED_TEXT("azure-object-prefix", "Prefix of object names"),
    IGNORED_TEXT("azure-endpoint", "Endpoint"),

    G("Hooks", STRING, "hooks-enabled-events", hooks_events,
      "pre-create,post-create,post-receive,post-terminate,post-finish",
      "Events that are told, separated by commas; empty: all of them. albumen adds authorise"),
    F(DURATION, "progress-hooks-interval", progress_interval, "1s",
      "Time between two post-receive of an upload"),
    F(STRING, "hooks-dir", hooks_dir, "", "Folder of programs, each named like its event"),
    F(DURATION, "hooks-dir-timeout", hooks_dir_timeout, "24h0m0s",
      "Longest run of a program that is told what happened; then it is killed (albumen's own flag)"),
    F(STRING, "hooks-http", hooks_http, "", "URL that events are sent to"),
    F(STRING, "hooks-http-forward-headers", hooks_http_forward, "",
      "Request headers that go along, separated by commas"),
    F(INT, "hooks-http-retry", hooks_http_retry, "3", "Attempts when the answer is a 5xx or there is none"),
    F(DURATION, "hooks-http-backoff", hooks_http_backoff, "1s", "Pause between attempts"),
    F(DURATION, "hooks-http-timeout", hooks_http_timeout, "15s",
      "Time for all attempts of one event together"),
    F(INT, "hooks-http-size-limit", hooks_http_size, "5120", "Largest answer in bytes"),
    F(BOOL, "hooks-http-skip-verify", hooks_http_skip_verify, "false", "Do not check the URL's certificate"),

    G("Hooks by gRPC and Go plugins (not available)", STRING, "hooks-grpc", hooks_grpc, "", "Endpoint"),
    IGNORED_NUMBER("hooks-grpc-retry", "3", "Attempts"),
    F(DURATION, "hooks-grpc-backoff", ignored_number, "1s", "Pause between attempts"),
    IGNORED_BOOL("hooks-grpc-secure", "Use TLS"),
    IGNORED_TEXT("hooks-grpc-server-tls-certificate", "Certificate of the endpoint"),
    IGNORED_TEXT("hooks-grpc-client-tls-certificate", "Certificate to show"),
    IGNORED_TEXT("hooks-grpc-client-tls-key", "Key of that certificate"),
    IGNORED_TEXT("hooks-grpc-forward-headers", "Request headers that go along"),
    F(STRING, "hooks-plugin", hooks_plugin, "", "Plugin"),

    G("Monitoring and logs", BOOL, "expose-metrics", expose_metrics, "true", "Answer at the metrics path"),
    F(STRING, "metrics-path", metrics_path, "/metrics", "Path of the metrics"),
    F(BOOL, "expose-pprof", expose_pprof, "false", "Go's profiler (not available)"),
    F(STRING, "pprof-path", pprof_path, "/debug/pprof/", "Path of the profiler"),
    IGNORED_NUMBER("pprof-block-profile-rate", "0", "Rate of the profiler"),
    IGNORED_NUMBER("pprof-mutex-profile-rate", "0", "Rate of the profiler"),
    F(BOOL, "show-greeting", show_greeting, "true", "A word of welcome outside of the base path"),
    F(BOOL, "version", version, "false", "Print the version and exit"),
    F(BOOL, "verbose", verbose, "true", "Log hooks too"),
    F(BOOL, "show-startup-logs", startup_logs, "true", "Print the configuration at the start"),
    F(STRING, "log-format", log_format, "text", "text or json"),

    G("Timeouts", DURATION, "network-timeout", network_timeout, "1m0s", "Longest silence of a client"),
    F(DURATION, "shutdown-timeout", shutdown_timeout, "10s", "How long requests may go on after SIGTERM"),
    F(DURATION, "acquire-lock-timeout", acquire_lock_timeout, "20s",
      "Longest wait for an upload that is in use"),
    F(DURATION, "request-completion-timeout", completion_timeout, "10s",
      "Accepted and not needed: what has come is stored at once"),
};

enum alb_code alb_tusd_flags_parse(int argc, char **argv, struct alb_tusd_flags *f, struct alb_err *err)
{
    memset(f, 0, sizeof(*f));
    return alb_goflag_parse(flags, ALB_ARRAY_LEN(flags), f, argc, argv, err);
}

void alb_tusd_flags_help(struct alb_buf *out)
{
    alb_goflag_help(flags, ALB_ARRAY_LEN(flags), "albumen tusd", out);
}

static enum alb_code check_hooks(struct alb_tusd_flags *f, struct alb_err *err)
{
    struct alb_str rest = alb_str_c(f->hooks_events), name;
    enum alb_hook_type type;
    while (rest.n > 0 && alb_str_next(&rest, ',', &name)) {
        if (!alb_hook_parse(alb_str_trim(name), &type))
            return alb_fail(err, ALB_E_INVALID,
                            "Unknown hook event type in -hooks-enabled-events flag: " ALB_STR_FMT,
                            ALB_STR_ARG(name));
        f->hook_bits |= ALB_HOOK_BIT(type);
    }
    /* "All" is all that tusd has: a hook of ours would surprise programs that do not know it. */
    if (f->hook_bits == 0)
        f->hook_bits = ALB_HOOK_ALL & ~ALB_HOOK_BIT(ALB_HOOK_AUTHORISE);
    if (f->hooks_http_retry < 1 || f->hooks_http_retry > 100)
        return alb_fail(err, ALB_E_INVALID, "-hooks-http-retry must be from 1 to 100");
    if (f->hooks_http_size < 1 || f->hooks_http_size > 8 << 20)
        return alb_fail(err, ALB_E_INVALID, "-hooks-http-size-limit must be from 1 to 8388608");
    return ALB_OK;
}

static enum alb_code check_times(const struct alb_tusd_flags *f, struct alb_err *err)
{
    const struct {
        const char *name;
        int64_t ns;
    } times[] = {{"network-timeout", f->network_timeout},
                 {"acquire-lock-timeout", f->acquire_lock_timeout},
                 {"progress-hooks-interval", f->progress_interval},
                 {"hooks-dir-timeout", f->hooks_dir_timeout},
                 {"hooks-http-timeout", f->hooks_http_timeout}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(times); i++)
        if (times[i].ns <= 0)
            return alb_fail(err, ALB_E_INVALID, "-%s must be more than 0", times[i].name);
    if (f->shutdown_timeout < 0 || f->hooks_http_backoff < 0 || f->max_size < 0)
        return alb_fail(err, ALB_E_INVALID,
                        "-shutdown-timeout, -hooks-http-backoff and -max-size must not be below 0");
    return ALB_OK;
}

enum alb_code alb_tusd_flags_check(struct alb_tusd_flags *f, struct alb_err *err)
{
    const struct {
        bool asked;
        const char *text;
    } missing[] = {
        {f->s3_bucket[0], "-s3-bucket: albumen tusd stores uploads in files only; there is no S3 store yet"},
        {f->gcs_bucket[0],
         "-gcs-bucket: albumen tusd stores uploads in files only; there is no Google Cloud store"},
        {f->azure_storage[0],
         "-azure-storage: albumen tusd stores uploads in files only; there is no Azure store"},
        {f->tls_certificate[0] || f->tls_key[0], "-tls-certificate, -tls-key: albumen does not speak TLS "
                                                 "yet; put a proxy in front, with -behind-proxy"},
        {f->enable_h2c, "-enable-h2c: albumen does not speak HTTP/2 yet"},
        {f->hooks_grpc[0] && !f->hooks_dir[0] && !f->hooks_http[0],
         "-hooks-grpc: hooks are called by program (-hooks-dir) or over HTTP (-hooks-http); there is no "
         "gRPC"},
        {f->hooks_plugin[0] && !f->hooks_dir[0] && !f->hooks_http[0],
         "-hooks-plugin: hooks are called by program (-hooks-dir) or over HTTP (-hooks-http); Go plugins "
         "cannot be"},
        {f->expose_pprof, "-expose-pprof: it is Go's profiler, and albumen is not written in Go"},
        {strcmp(f->log_format, "text") != 0 && strcmp(f->log_format, "json") != 0,
         "-log-format is text or json"},
        {f->expose_metrics && f->metrics_path[0] != '/', "-metrics-path begins with /"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(missing); i++)
        if (missing[i].asked)
            return alb_fail(err, ALB_E_INVALID, "%s", missing[i].text);
    enum alb_code code = check_hooks(f, err);
    return code == ALB_OK ? check_times(f, err) : code;
}
