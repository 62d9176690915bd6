/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/imagor_flags.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"

#define FILE_MAX ((size_t)1 << 20)
#define SHOWN 80

#define F(type, name, field, otherwise, help)                                                                \
    {NULL, name, help, ALB_GOFLAG_##type, offsetof(struct alb_imagor_flags, field), otherwise}
#define G(group, type, name, field, otherwise, help)                                                         \
    {group, name, help, ALB_GOFLAG_##type, offsetof(struct alb_imagor_flags, field), otherwise}

/* Known, and without effect here. */
#define NO_TEXT(name, otherwise, help) F(STRING, name, ignored_text, otherwise, help)
#define NO_NUMBER(name, otherwise, help) F(INT, name, ignored_number, otherwise, help)
#define NO_TIME(name, help) F(DURATION, name, ignored_number, "0", help)
#define NO_BOOL(name, help) F(BOOL, name, ignored_bool, "false", help)

static const struct alb_goflag flags[] = {
    G("Server", INT, "port", port, "8000", "Port to listen on; 0: any that is free"),
    F(STRING, "bind", bind, "", "Address and port together, host:8888; wins over both"),
    F(STRING, "server-address", address, "", "Address to listen on; empty: all"),
    F(STRING, "server-path-prefix", path_prefix, "", "Path below which everything lies"),
    F(BOOL, "server-cors", cors, "false", "Answers may be read by every page"),
    F(BOOL, "server-strip-query-string", strip_query, "false",
      "Send requests with a query to where it has none"),
    F(BOOL, "server-access-log", access_log, "false", "One log line for each request"),
    F(STRING, "config", config, ".env", "File of NAME=value lines; may be missing unless it is named"),
    F(BOOL, "debug", debug, "false", "Log more, for people"),
    F(BOOL, "version", version, "false", "Print the version and exit"),
    NO_BOOL("log-ecs", "Log in Elastic's schema (no effect)"),
    NO_NUMBER("gomaxprocs", "0", "Threads of Go (no effect)"),
    NO_TEXT("sentry-dsn", "", "Sentry (no effect)"),

    G("Metrics", STRING, "prometheus-bind", prometheus_bind, "", "Address and port of metrics; empty: none"),
    F(STRING, "prometheus-path", prometheus_path, "/", "Path of metrics"),
    F(STRING, "prometheus-namespace", prometheus_namespace, "imagor", "Before the name of imagor's metric"),

    G("URLs and answers", STRING, "imagor-secret", secret, "", "Secret that URLs are signed with"),
    F(BOOL, "imagor-unsafe", is_unsafe, "false", "URLs need no signature"),
    F(STRING, "imagor-signer-type", signer_type, "sha1", "sha1, sha256 or sha512"),
    F(INT, "imagor-signer-truncate", signer_truncate, "0", "Characters of a signature; 0: all"),
    F(STRING, "imagor-base-params", base_params, "",
      "Applied on top of every URL: filters:watermark(logo.png)"),
    F(STRING, "imagor-base-path-redirect", base_redirect, "", "Where / leads to"),
    F(BOOL, "imagor-auto-webp", auto_webp, "false", "WebP for who accepts it"),
    F(BOOL, "imagor-auto-avif", auto_avif, "false", "AVIF for who accepts it"),
    F(BOOL, "imagor-auto-jpeg", auto_jpeg, "false", "JPEG for who accepts nothing better"),
    F(DURATION, "imagor-cache-header-ttl", ttl, "168h0m0s", "How long answers may be kept"),
    F(DURATION, "imagor-cache-header-swr", swr, "24h0m0s",
      "How long stale ones may be used while they are renewed"),
    F(BOOL, "imagor-cache-header-no-cache", no_cache, "false", "Answers may not be kept"),
    F(BOOL, "imagor-disable-error-body", disable_error_body, "false", "Errors without a body"),
    F(BOOL, "imagor-disable-params-endpoint", disable_params, "false", "No /params"),
    F(BOOL, "imagor-response-raw-on-error", raw_on_error, "false",
      "The source itself where no picture can be made"),

    G("Time and load", DURATION, "imagor-request-timeout", request_timeout, "30s", "One request; 0: an hour"),
    F(DURATION, "imagor-load-timeout", load_timeout, "0", "One source of another server; 0: 20s"),
    F(DURATION, "imagor-process-timeout", process_timeout, "0", "One picture in the making; 0: 20s"),
    F(DURATION, "imagor-save-timeout", save_timeout, "0",
      "Accepted and not needed: nobody waits for results"),
    F(INT, "imagor-process-concurrency", concurrency, "-1",
      "Pictures at once; never more than processors; -1: these"),
    F(INT, "imagor-process-queue-size", queue, "0", "Pictures that wait for that, more: 429; 0: 512"),

    G("Files", STRING, "file-safe-chars", safe_chars, "", "Characters of keys that are not escaped; --: all"),
    F(STRING, "file-loader-base-dir", loader_dir, "", "Folder of sources; empty: none"),
    F(STRING, "file-loader-path-prefix", loader_prefix, "", "Images that lie there begin so"),
    F(STRING, "file-storage-base-dir", storage_dir, "",
      "Folder that keeps sources of other servers; empty: none"),
    F(STRING, "file-storage-path-prefix", storage_prefix, "", "Images that are kept there begin so"),
    F(OCTAL, "file-storage-mkdir-permission", storage_mkdir, "0755", "Mode of new folders, octal"),
    F(OCTAL, "file-storage-write-permission", storage_write, "0666", "Mode of new files, octal"),
    F(DURATION, "file-storage-expiration", storage_expiration, "0", "Older ones are fetched again; 0: never"),
    F(STRING, "file-result-storage-base-dir", result_dir, "", "Folder that keeps results; empty: none"),
    F(STRING, "file-result-storage-path-prefix", result_prefix, "", "Results that are kept there begin so"),
    F(OCTAL, "file-result-storage-mkdir-permission", result_mkdir, "0755", "Mode of new folders, octal"),
    F(OCTAL, "file-result-storage-write-permission", result_write, "0666", "Mode of new files, octal"),
    F(DURATION, "file-result-storage-expiration", result_expiration, "0",
      "Older ones are made again; 0: never"),
    F(STRING, "imagor-storage-path-style", storage_style, "original", "Paths of sources: original, digest"),
    F(STRING, "imagor-result-storage-path-style", result_style, "original", "original, digest, suffix, size"),
    F(BOOL, "imagor-modified-time-check", modified_check, "false",
      "Results older than their source are made again"),

    G("Other servers", STRING, "http-loader-allowed-sources", sources, "",
      "Hosts that may be asked: *.example.com,host:8080; empty: all, unless the next says more"),
    F(STRING, "http-loader-allowed-source-regexp", sources_regexp, "", "Addresses that may be asked, too"),
    F(STRING, "http-loader-base-url", base_url, "", "Before every image"),
    F(STRING, "http-loader-default-scheme", scheme, "https", "Of images without one; nil: none"),
    F(INT, "http-loader-max-allowed-size", http_max, "0", "Bytes of a source; 0: picture-size"),
    F(STRING, "http-loader-accept", accept, "*/*", "Accept header, and types that an answer may have"),
    F(STRING, "http-loader-forward-headers", forward, "", "Headers of requests that sources are told"),
    F(BOOL, "http-loader-forward-client-headers", forward_client, "false", "All of them"),
    F(BOOL, "http-loader-forward-all-headers", forward_all, "false", "The same"),
    F(STRING, "http-loader-override-response-headers", keep, "", "Headers of sources that answers have"),
    F(BOOL, "http-loader-block-loopback-networks", block_loopback, "false", "Not this machine"),
    F(BOOL, "http-loader-block-private-networks", block_private, "false", "No private networks"),
    F(BOOL, "http-loader-block-link-local-networks", block_link_local, "false", "No link-local addresses"),
    F(STRING, "http-loader-block-networks", block_networks, "", "Nor these: 10.0.0.0/8,fd00::/8"),
    F(BOOL, "http-loader-insecure-skip-verify-transport", insecure, "false", "Certificates are not checked"),
    F(BOOL, "http-loader-disable", http_disable, "false", "No sources of other servers"),
    F(STRING, "http-loader-proxy-urls", proxies, "", "Proxies (not available yet)"),
    NO_TEXT("http-loader-proxy-allowed-sources", "", "Sources that are asked by these"),

    G("Uploads", BOOL, "upload-loader-enable", upload, "false", "POST of a picture; with -imagor-unsafe"),
    F(INT, "upload-loader-max-allowed-size", upload_max, "33554432", "Bytes of one"),
    F(STRING, "upload-loader-accept", upload_accept, "image/*", "Types of one"),
    F(STRING, "upload-loader-form-field-name", upload_field, "image", "Field of a form that it comes in"),

    G("Pictures", INT, "vips-max-width", max_width, "0", "Pixels of a result; 0: 9999"),
    F(INT, "vips-max-height", max_height, "0", "The same; 0: 9999"),
    F(INT, "vips-max-resolution", max_resolution, "0", "Pixels of a result and of a source; 0: 81000000"),
    F(INT, "vips-max-animation-frames", max_frames, "-1", "Of an animation; 1: none moves; -1: all"),
    F(INT, "vips-max-filter-ops", max_ops, "-1", "Filters of a URL that are done; -1: all"),
    F(STRING, "vips-disable-filters", disable_filters, "", "Filters that are not done"),
    F(BOOL, "vips-disable-blur", disable_blur, "false", "blur() and sharpen() are not done"),
    F(INT, "vips-avif-speed", avif_speed, "8", "0 (slow) to 9"),
    F(BOOL, "vips-mozjpeg", mozjpeg, "false", "Smaller JPEGs that take longer"),
    F(BOOL, "vips-strip-metadata", strip_metadata, "false", "Results without metadata"),
    F(BOOL, "vips-strip-color-profile", strip_icc, "false", "Results in sRGB without a profile"),
    NO_BOOL("vips-unlimited", "Readers without bounds (no effect)"),
    NO_NUMBER("vips-concurrency", "1", "Threads of libvips (no effect)"),
    NO_NUMBER("vips-vector", "0", "SIMD of libvips (no effect: it is on)"),
    NO_NUMBER("vips-detector-probe-size", "400", "Of detectors, which imagor has none of (no effect)"),
    NO_NUMBER("vips-max-cache-files", "0", "Cache of libvips (no effect)"),
    NO_NUMBER("vips-max-cache-size", "0", "The same"),
    NO_NUMBER("vips-max-cache-mem", "0", "The same"),
    NO_NUMBER("vips-cache-size", "0", "Cache of preview() (no effect)"),
    NO_NUMBER("vips-cache-max-width", "2400", "The same"),
    NO_NUMBER("vips-cache-max-height", "2000", "The same"),
    NO_TIME("vips-cache-ttl", "The same"),
    NO_TEXT("vips-cache-format", "pixel", "The same"),

    G("S3 (not available yet)", STRING, "s3-loader-bucket", s3_loader, "", "Bucket of sources"),
    F(STRING, "s3-storage-bucket", s3_storage, "", "Bucket that keeps sources"),
    F(STRING, "s3-result-storage-bucket", s3_result, "", "Bucket that keeps results"),
    NO_TEXT("s3-loader-base-dir", "", "Folder in it"),
    NO_TEXT("s3-loader-path-prefix", "", "Images there begin so"),
    NO_TEXT("s3-loader-endpoint", "", "Endpoint"),
    NO_TEXT("s3-loader-bucket-router-config", "", "File of rules"),
    NO_TEXT("s3-storage-base-dir", "", "Folder in it"),
    NO_TEXT("s3-storage-path-prefix", "", "Images there begin so"),
    NO_TEXT("s3-storage-endpoint", "", "Endpoint"),
    NO_TEXT("s3-storage-acl", "", "Rights of new objects"),
    NO_TEXT("s3-storage-tagging", "", "Tags of new objects"),
    NO_TIME("s3-storage-expiration", "Older ones are not used"),
    NO_TEXT("s3-result-storage-base-dir", "", "Folder in it"),
    NO_TEXT("s3-result-storage-path-prefix", "", "Results there begin so"),
    NO_TEXT("s3-result-storage-endpoint", "", "Endpoint"),
    NO_TEXT("s3-result-storage-acl", "", "Rights of new objects"),
    NO_TEXT("s3-result-storage-tagging", "", "Tags of new objects"),
    NO_TIME("s3-result-storage-expiration", "Older ones are not used"),
    NO_TEXT("s3-endpoint", "", "Endpoint"),
    NO_TEXT("s3-safe-chars", "", "Characters of keys that are not escaped"),
    NO_BOOL("s3-force-path-style", "Bucket in the path"),
    NO_TEXT("s3-storage-class", "STANDARD", "Class of new objects"),
    NO_NUMBER("s3-http-max-idle-conns-per-host", "100", "Idle connections"),
    NO_TEXT("aws-region", "", "Region"),
    NO_TEXT("aws-access-key-id", "", "Key"),
    NO_TEXT("aws-secret-access-key", "", "Secret of it"),
    NO_TEXT("aws-session-token", "", "Token"),
    NO_TEXT("aws-loader-region", "", "The same of the loader"),
    NO_TEXT("aws-loader-access-key-id", "", "Key"),
    NO_TEXT("aws-loader-secret-access-key", "", "Secret of it"),
    NO_TEXT("aws-loader-session-token", "", "Token"),
    NO_TEXT("aws-storage-region", "", "The same of the storage"),
    NO_TEXT("aws-storage-access-key-id", "", "Key"),
    NO_TEXT("aws-storage-secret-access-key", "", "Secret of it"),
    NO_TEXT("aws-storage-session-token", "", "Token"),
    NO_TEXT("aws-result-storage-region", "", "The same of the result storage"),
    NO_TEXT("aws-result-storage-access-key-id", "", "Key"),
    NO_TEXT("aws-result-storage-secret-access-key", "", "Secret of it"),
    NO_TEXT("aws-result-storage-session-token", "", "Token"),

    G("Google Cloud Storage (not available)", STRING, "gcloud-loader-bucket", gcs_loader, "",
      "Bucket of sources"),
    F(STRING, "gcloud-storage-bucket", gcs_storage, "", "Bucket that keeps sources"),
    F(STRING, "gcloud-result-storage-bucket", gcs_result, "", "Bucket that keeps results"),
    NO_TEXT("gcloud-safe-chars", "", "Characters of keys that are not escaped"),
    NO_TEXT("gcloud-loader-base-dir", "", "Folder in it"),
    NO_TEXT("gcloud-loader-path-prefix", "", "Images there begin so"),
    NO_TEXT("gcloud-storage-base-dir", "", "Folder in it"),
    NO_TEXT("gcloud-storage-path-prefix", "", "Images there begin so"),
    NO_TEXT("gcloud-storage-acl", "", "Rights of new objects"),
    NO_TIME("gcloud-storage-expiration", "Older ones are not used"),
    NO_TEXT("gcloud-result-storage-base-dir", "", "Folder in it"),
    NO_TEXT("gcloud-result-storage-path-prefix", "", "Results there begin so"),
    NO_TEXT("gcloud-result-storage-acl", "", "Rights of new objects"),
    NO_TIME("gcloud-result-storage-expiration", "Older ones are not used"),
};

const struct alb_goflag *alb_imagor_flags_table(size_t *count)
{
    *count = ALB_ARRAY_LEN(flags);
    return flags;
}

int alb_imagor_flags_words(const char *word)
{
    return alb_goflag_words(flags, ALB_ARRAY_LEN(flags), word);
}

/* ---- names ---- */

/* "FILE_LOADER_BASE_DIR" of "file-loader-base-dir", and the other way round. */
static struct alb_str swap_name(struct alb_str name, bool upper, char out[SHOWN])
{
    size_t n = name.n < SHOWN - 1 ? name.n : SHOWN - 1;
    for (size_t i = 0; i < n; i++) {
        char c = name.p[i];
        bool letter = alb_lower(c) >= 'a' && alb_lower(c) <= 'z';
        out[i] = c == (upper ? '-' : '_')
                     ? (upper ? '_' : '-')
                     : (upper && letter ? (char)(alb_lower(c) - 'a' + 'A') : alb_lower(c));
    }
    out[n] = '\0';
    return alb_str_n(out, n);
}

/* Names of variables that nobody but imagor has. */
static bool looks_like_ours(struct alb_str name)
{
    static const char *const beginnings[] = {
        "IMAGOR_",        "FILE_LOADER_", "FILE_STORAGE_", "FILE_RESULT_STORAGE_", "HTTP_LOADER_",
        "UPLOAD_LOADER_", "S3_LOADER_",   "S3_STORAGE_",   "S3_RESULT_STORAGE_",   "GCLOUD_",
        "PROMETHEUS_"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(beginnings); i++) {
        if (alb_str_starts(name, alb_str_c(beginnings[i])))
            return true;
    }
    return false;
}

static bool has_effect(struct alb_str name)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(flags); i++) {
        const size_t at = flags[i].offset;
        if (alb_str_eq_c(name, flags[i].name))
            return at != offsetof(struct alb_imagor_flags, ignored_text) &&
                   at != offsetof(struct alb_imagor_flags, ignored_number) &&
                   at != offsetof(struct alb_imagor_flags, ignored_bool);
    }
    return true;
}

/* ---- where values come from ---- */

struct reader {
    struct alb_imagor_flags *f;
    struct alb_arena *arena;
    struct alb_buf *remarks;
    struct alb_err *err;
};

static void remark(const struct reader *r, const char *place, struct alb_str name, const char *what)
{
    if (r->remarks)
        alb_buf_printf(r->remarks, "%s: " ALB_STR_FMT " %s\n", place,
                       ALB_STR_ARG(alb_str_sub(name, 0, SHOWN)), what);
}

/* One of the environment or of the file. all: every name is meant for us. */
static enum alb_code set_named(const struct reader *r, const char *place, struct alb_str variable,
                               const char *value, bool all)
{
    char lower[SHOWN], upper[SHOWN];
    struct alb_str name = swap_name(variable, false, lower);
    if (!all && (!alb_str_eq(swap_name(name, true, upper), variable) || alb_str_eq_c(variable, "VERSION")))
        return ALB_OK; /* "Port" is none of Go's; VERSION is what images of containers like to set */
    enum alb_code code = alb_goflag_set(flags, ALB_ARRAY_LEN(flags), r->f, name, value, r->err);
    if (code == ALB_E_NOT_FOUND) {
        alb_err_clear(r->err);
        if (all || looks_like_ours(variable))
            remark(r, place, variable, "is nothing that imagor or albumen knows");
        return ALB_OK;
    }
    if (code == ALB_OK && all && !has_effect(name))
        remark(r, place, variable, "has no effect in albumen");
    if (code != ALB_OK)
        alb_err_context(r->err, "%s", place);
    return code;
}

static enum alb_code read_environment(const struct reader *r, char **envp)
{
    struct alb_str name, value;
    enum alb_code code = ALB_OK;
    for (; *envp && code == ALB_OK; envp++) {
        if (alb_str_cut(alb_str_c(*envp), '=', &name, &value) && value.n > 0)
            code = set_named(r, "environment", name, value.p, false);
    }
    return code;
}

/* Go's ff.EnvParser: both sides trimmed, "..." with escapes. */
static char *unquote(struct alb_arena *arena, struct alb_str s)
{
    bool quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
    char *out = alb_arena_alloc(arena, s.n + 1);
    size_t n = 0;
    for (size_t i = quoted ? 1 : 0; out && i < s.n - (quoted ? 1 : 0); i++) {
        char c = s.p[i];
        if (quoted && c == '\\' && i + 2 < s.n) {
            c = s.p[++i];
            c = c == 'n' ? '\n' : (c == 't' ? '\t' : (c == 'r' ? '\r' : c));
        }
        out[n++] = c;
    }
    if (out)
        out[n] = '\0';
    return out;
}

static enum alb_code read_lines(const struct reader *r, const char *place, struct alb_str text)
{
    struct alb_str line, name, value;
    enum alb_code code = ALB_OK;
    for (unsigned number = 1; code == ALB_OK && text.n > 0 && alb_str_next(&text, '\n', &line); number++) {
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        line = alb_str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (!alb_str_cut(line, '=', &name, &value) || alb_str_trim(name).n == 0)
            return alb_fail(r->err, ALB_E_INVALID, "%s:%u: NAME=value is wanted", place, number);
        char *copy = unquote(r->arena, alb_str_trim(value));
        if (!copy)
            return alb_fail(r->err, ALB_E_NO_MEMORY, "no memory for %s", place);
        if (copy[0])
            code = set_named(r, place, alb_str_trim(name), copy, true);
    }
    return code;
}

/* named: by a person; else it may be missing. */
static enum alb_code read_config(const struct reader *r, const char *path, bool named)
{
    struct alb_err why = ALB_ERR_INIT;
    char *p = NULL;
    size_t n = 0;
    enum alb_code code = alb_fs_read_file(AT_FDCWD, path, FILE_MAX, &p, &n, &why);
    if (code != ALB_OK && !named && (why.sys == ENOENT || why.sys == EISDIR))
        return ALB_OK;
    if (code != ALB_OK)
        return alb_fail_sys(r->err, code, why.sys, "-config %s: %s", path, why.msg);
    code = read_lines(r, path, alb_str_n(p, n));
    alb_mem_free(p);
    return code;
}

/* Go's flags end at the first word that is none. */
static void remark_rest(const struct reader *r, int argc, char **argv)
{
    int i = 0;
    for (int n; i < argc && (n = alb_imagor_flags_words(argv[i])) > 0;)
        i += n;
    if (i < argc)
        remark(r, "arguments", alb_str_c(argv[i]), "is no flag: it is passed over, and all behind it");
}

enum alb_code alb_imagor_flags_parse(int argc, char **argv, char **envp, struct alb_arena *arena,
                                     struct alb_imagor_flags *f, struct alb_buf *remarks, struct alb_err *err)
{
    const struct reader first = {.f = f, .arena = arena, .err = err},
                        second = {.f = f, .arena = arena, .remarks = remarks, .err = err};
    memset(f, 0, sizeof(*f));
    alb_goflag_defaults(flags, ALB_ARRAY_LEN(flags), f);
    /* Which file, is said by what is stronger than the file. */
    enum alb_code code = read_environment(&first, envp);
    if (code == ALB_OK)
        code = alb_goflag_arguments(flags, ALB_ARRAY_LEN(flags), f, argc, argv, err);
    if (code != ALB_OK)
        return code;
    const char *file = f->config;
    memset(f, 0, sizeof(*f));
    alb_goflag_defaults(flags, ALB_ARRAY_LEN(flags), f);
    bool named = strcmp(file, f->config) != 0;
    if (file[0])
        code = read_config(&second, file, named);
    if (code == ALB_OK)
        code = read_environment(&second, envp);
    if (code == ALB_OK)
        code = alb_goflag_arguments(flags, ALB_ARRAY_LEN(flags), f, argc, argv, err);
    if (code == ALB_OK)
        remark_rest(&second, argc, argv);
    return code;
}

/* ---- what cannot be had ---- */

static enum alb_code check_ranges(const struct alb_imagor_flags *f, struct alb_err *err)
{
    const struct {
        const char *name;
        int64_t value, low, high;
    } all[] = {
        {"port", f->port, 0, 65535},
        {"imagor-signer-truncate", f->signer_truncate, 0, 88},
        {"imagor-request-timeout", f->request_timeout, 0, INT64_MAX},
        {"imagor-load-timeout", f->load_timeout, 0, INT64_MAX},
        {"imagor-process-timeout", f->process_timeout, 0, INT64_MAX},
        {"imagor-cache-header-ttl", f->ttl, 0, INT64_MAX},
        {"imagor-cache-header-swr", f->swr, 0, INT64_MAX},
        {"imagor-process-concurrency", f->concurrency, -1, 1 << 20},
        {"imagor-process-queue-size", f->queue, 0, 1 << 20},
        {"file-storage-expiration", f->storage_expiration, 0, INT64_MAX},
        {"file-result-storage-expiration", f->result_expiration, 0, INT64_MAX},
        {"http-loader-max-allowed-size", f->http_max, 0, INT64_MAX},
        {"upload-loader-max-allowed-size", f->upload_max, 1, INT64_MAX},
        {"vips-max-width", f->max_width, 0, INT32_MAX},
        {"vips-max-height", f->max_height, 0, INT32_MAX},
        {"vips-max-resolution", f->max_resolution, 0, INT64_MAX},
        {"vips-avif-speed", f->avif_speed, 0, 9},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(all); i++) {
        if (all[i].value < all[i].low || all[i].value > all[i].high)
            return alb_fail(err, ALB_E_INVALID, "-%s: %lld is out of range", all[i].name,
                            (long long)all[i].value);
    }
    return ALB_OK;
}

enum alb_code alb_imagor_flags_check(const struct alb_imagor_flags *f, struct alb_err *err)
{
    const struct {
        const char *name, *value, *text;
    } missing[] = {
        {"s3-loader-bucket", f->s3_loader, "albumen has no S3 store yet; files and http are there"},
        {"s3-storage-bucket", f->s3_storage, "albumen has no S3 store yet; -file-storage-base-dir is there"},
        {"s3-result-storage-bucket", f->s3_result,
         "albumen has no S3 store yet; -file-result-storage-base-dir is there"},
        {"gcloud-loader-bucket", f->gcs_loader,
         "albumen has no Google Cloud store; files and http are there"},
        {"gcloud-storage-bucket", f->gcs_storage,
         "albumen has no Google Cloud store; -file-storage-base-dir is there"},
        {"gcloud-result-storage-bucket", f->gcs_result,
         "albumen has no Google Cloud store; -file-result-storage-base-dir is there"},
        {"http-loader-proxy-urls", f->proxies, "albumen asks sources without a proxy"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(missing); i++) {
        if (missing[i].value[0])
            return alb_fail(err, ALB_E_UNSUPPORTED, "-%s: %s", missing[i].name, missing[i].text);
    }
    if (f->prometheus_path[0] != '/')
        return alb_fail(err, ALB_E_INVALID, "-prometheus-path begins with /");
    return check_ranges(f, err);
}

/* ---- help ---- */

static void as_manual(const struct alb_goflag *f, struct alb_buf *out)
{
    const struct alb_str parts[] = {alb_str_c(f->name), alb_str_c(f->help)};
    if (f->group)
        alb_buf_printf(out, ".SS %s\n", f->group);
    for (size_t i = 0; i < ALB_ARRAY_LEN(parts); i++) {
        alb_buf_c(out, i == 0 ? ".TP\n.B \\-" : "");
        for (size_t k = 0; k < parts[i].n; k++) { /* a dash that is typed must not become a hyphen */
            if (parts[i].p[k] == '-')
                alb_buf_char(out, '\\');
            alb_buf_char(out, parts[i].p[k]);
        }
        alb_buf_char(out, '\n');
    }
}

void alb_imagor_flags_help(bool man, struct alb_buf *out)
{
    if (!man) {
        alb_goflag_help(flags, ALB_ARRAY_LEN(flags), "albumen imagor", out);
        return;
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(flags); i++)
        as_manual(&flags[i], out);
}
