/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/tusd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/thread.h"
#include "personality/life.h"
#include "personality/servers.h"
#include "personality/tusd_priv.h"

#define TEXT_MAX ((size_t)256 * 1024)
#define HELP_MAX ((size_t)128 * 1024)
#define SWEEP_PAUSE (60 * ALB_NS_PER_S)
#define SWEEP_FINISHES 16
#define QUEUE_MAX 4096
#define TOLD_AT_ONCE 512 /* programs that may take their time: tusd ends none, however long it runs */
#define UPLOADS_MAX ((int64_t)10 * 1000 * 1000)

struct house {
    struct alb_tusd_flags flags;
    const char *version;
    struct alb_arena *text; /* strings that live as long as the process */
    const char *folder, *hooks_dir;
    int dirfd;
    struct alb_pool *pool;
    struct alb_hooks *hooks;
    struct alb_tus_hooks table;
    struct alb_uploads *uploads;
    struct alb_http *http;
    struct alb_door_tus door;
    struct alb_tus_cors cors;
    struct alb_origin origin;
    bool has_origin;
    struct alb_tusd_pages pages;
    const char *listen[ALB_SERVERS_WHERE_MAX];
};

static struct house house; /* as long-lived as the process: what it holds is borrowed by the server */

/* ---- small things ---- */

static void say_at_start(const struct house *h, const char *what, const char *value, const char *rest)
{
    if (h->flags.startup_logs)
        alb_tusd_say("%s%s%s", what, value, rest);
}

/* The path from the root, without ".", ".." and double slashes, by text alone. NULL: no memory. */
static const char *absolute(struct alb_arena *a, const char *path)
{
    char here[4096];
    struct alb_buf out = ALB_BUF_INIT(16384);
    if (path[0] != '/' && !getcwd(here, sizeof(here)))
        return NULL;
    struct alb_str whole = path[0] == '/' ? alb_str_c(path) : alb_arena_printf(a, "%s/%s", here, path), piece;
    while (alb_str_next(&whole, '/', &piece)) {
        if (piece.n == 0 || alb_str_eq_c(piece, "."))
            continue;
        if (alb_str_eq_c(piece, "..")) {
            while (out.n > 0 && out.p[--out.n] != '/')
                ;
            continue;
        }
        alb_buf_char(&out, '/');
        alb_buf_str(&out, piece);
    }
    const char *made = alb_arena_cstr(a, out.n > 0 ? alb_buf_view(&out) : ALB_STR("/"));
    alb_buf_fini(&out);
    return made;
}

static enum alb_code no_memory(struct alb_err *err)
{
    return alb_fail(err, ALB_E_NO_MEMORY, "out of memory");
}

/* ---- up ---- */

static enum alb_code open_folder(struct house *h, struct alb_err *err)
{
    const struct alb_tusd_flags *f = &h->flags;
    h->folder = absolute(h->text, f->upload_dir);
    if (!h->folder)
        return no_memory(err);
    say_at_start(h, "Using '", h->folder, "' as directory storage.");
    if (alb_fs_mkdirs(AT_FDCWD, h->folder, (mode_t)f->dir_perms & 0777, err) != ALB_OK ||
        alb_fs_open(AT_FDCWD, h->folder, O_RDONLY | O_DIRECTORY, 0, &h->dirfd, err) != ALB_OK) {
        alb_err_context(err, "Unable to ensure directory exists");
        return err->code;
    }
    /* tusd shares a folder by files with numbers of processes in them; here one process knows all of it. */
    if (flock(h->dirfd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? alb_fail(err, ALB_E_CONFLICT, "Another albumen tusd uses '%s'", h->folder)
                   : alb_fail_sys(err, ALB_E_IO, errno, "Unable to lock '%s'", h->folder);
    if (f->startup_logs)
        alb_tusd_say("Using %.2fMB as maximum size.", (double)f->max_size / 1024 / 1024);
    return ALB_OK;
}

static void say_events(const struct house *h)
{
    struct alb_buf list = ALB_BUF_INIT(1024);
    for (unsigned i = 0; i < ALB_HOOK_COUNT; i++) {
        if (!(h->flags.hook_bits & 1u << i))
            continue;
        alb_buf_c(&list, list.n > 0 ? ", " : "");
        alb_buf_c(&list, alb_hook_name((enum alb_hook_type)i));
    }
    say_at_start(h, "Enabled hook events: ", alb_buf_cstr(&list), "");
    alb_buf_fini(&list);
}

static void answered(void *ctx, const struct alb_req *req, int status, const char *code)
{
    (void)ctx; /* the hooks room, or nothing */
    alb_tusd_pages_answered(&house.pages, req, status, code);
}

static enum alb_code open_hooks(struct house *h, struct alb_err *err)
{
    const struct alb_tusd_flags *f = &h->flags;
    struct alb_hooks_config c;
    if (!f->hooks_dir[0] && !f->hooks_http[0])
        return ALB_OK;
    alb_hooks_config_default(&c);
    c.enabled = f->hook_bits;
    if (f->hooks_dir[0]) {
        h->hooks_dir = absolute(h->text, f->hooks_dir);
        if (!h->hooks_dir)
            return no_memory(err);
        c.dir = alb_str_c(h->hooks_dir);
        c.tells = TOLD_AT_ONCE;
        say_at_start(h, "Using '", h->hooks_dir, "' for hooks");
    } else {
        c.url = alb_str_c(f->hooks_http);
        say_at_start(h, "Using '", f->hooks_http, "' as the endpoint for hooks");
    }
    c.forward = alb_str_c(f->hooks_http_forward);
    c.tell_ns = f->hooks_dir_timeout;
    c.attempts = (unsigned)f->hooks_http_retry;
    c.backoff_ns = f->hooks_http_backoff;
    c.http_ns = f->hooks_http_timeout;
    c.answer_max = (size_t)f->hooks_http_size;
    c.insecure = f->hooks_http_skip_verify;
    enum alb_code code = alb_tus_hooks_open(&c, &h->hooks, &h->table, err);
    if (code == ALB_OK)
        say_events(h);
    return code;
}

static enum alb_code open_uploads(struct house *h, struct alb_err *err)
{
    const struct alb_tusd_flags *f = &h->flags;
    struct alb_uploads_config c = {.data_dirfd = h->dirfd,
                                   .clock = alb_clock_real(),
                                   .pool = h->pool,
                                   .sink = alb_upload_keep(),
                                   .finished = alb_tus_upload_finished,
                                   .finished_ctx = &h->table,
                                   .layout = {.folder = h->folder,
                                              .plain = true,
                                              .unhashed = true,
                                              .file_mode = (unsigned)f->file_perms & 0777,
                                              .dir_mode = (unsigned)f->dir_perms & 0777,
                                              .sidecar = alb_tus_sidecar,
                                              .adopt = alb_tus_adopt}};
    alb_upload_limits_default(&c.limits);
    /* tusd knows one limit, and keeps everything for ever. */
    c.limits.max_bytes = f->max_size > 0 ? f->max_size : INT64_MAX;
    c.limits.max_total = INT64_MAX;
    c.limits.max_count = c.limits.max_per_owner = UPLOADS_MAX;
    c.limits.min_free = 0;
    c.limits.keep_ms = c.limits.keep_done_ms = 0;
    return alb_uploads_open(&c, &h->uploads, err);
}

static bool allows(void *ctx, struct alb_str origin)
{
    return alb_origin_allows(ctx, origin);
}

static const char *list(struct alb_arena *a, const char *fixed, const char *more)
{
    return alb_arena_cstr(a, alb_arena_printf(a, more[0] ? "%s, %s" : "%s%s", fixed, more));
}

static enum alb_code make_cors(struct house *h, struct alb_err *err)
{
    const struct alb_tusd_flags *f = &h->flags;
    if (f->disable_cors)
        return ALB_OK;
    if (alb_origin_compile(&h->origin, f->cors_origin, err) != ALB_OK) {
        alb_err_context(err, "Invalid regular expression for -cors-allow-origin flag");
        return err->code;
    }
    h->has_origin = true;
    h->cors = (struct alb_tus_cors){
        .allows = allows,
        .ctx = &h->origin,
        .credentials = f->cors_credentials,
        .methods = list(h->text, "POST, HEAD, PATCH, OPTIONS, GET, DELETE", f->cors_methods),
        .headers = list(h->text,
                        "Authorization, Origin, X-Requested-With, X-Request-ID, X-HTTP-Method-Override, "
                        "Content-Type, Upload-Length, Upload-Offset, Tus-Resumable, Upload-Metadata, "
                        "Upload-Defer-Length, Upload-Concat, Upload-Incomplete, Upload-Complete, "
                        "Upload-Draft-Interop-Version, Upload-Checksum",
                        f->cors_headers),
        .expose =
            list(h->text,
                 "Upload-Offset, Location, Upload-Length, Tus-Version, Tus-Resumable, Tus-Max-Size, "
                 "Tus-Extension, Upload-Metadata, Upload-Defer-Length, Upload-Concat, Upload-Incomplete, "
                 "Upload-Complete, Upload-Draft-Interop-Version",
                 f->cors_expose),
        .max_age = f->cors_max_age};
    return alb_arena_code(h->text) == ALB_OK ? ALB_OK : no_memory(err);
}

static enum alb_code open_door(struct house *h, struct alb_err *err)
{
    const struct alb_tusd_flags *f = &h->flags;
    h->table.answered = answered;
    h->door = (struct alb_door_tus){.uploads = h->uploads,
                                    .options = {.base = f->base_path,
                                                .max_bytes = f->max_size,
                                                .no_download = f->disable_download,
                                                .no_termination = f->disable_termination,
                                                .no_concatenation = f->disable_concatenation,
                                                .no_rufh = !f->experimental,
                                                .like_tusd = true,
                                                .forwarded = f->behind_proxy,
                                                .body_ns = f->network_timeout,
                                                .lock_ns = f->acquire_lock_timeout,
                                                .progress_ns = f->progress_interval,
                                                .cors = h->has_origin ? &h->cors : NULL},
                                    .hooks = &h->table};
    return alb_door_tus(h->http, &h->door, err);
}

static enum alb_code make_listen(struct house *h, size_t *n, struct alb_err *err)
{
    const struct alb_tusd_flags *f = &h->flags;
    struct stat st;
    *n = 0;
    if (f->unix_sock[0]) {
        if (stat(f->unix_sock, &st) == 0 && !S_ISSOCK(st.st_mode))
            return alb_fail(err, ALB_E_CONFLICT, "specified path is not a socket");
        h->listen[(*n)++] = alb_arena_cstr(h->text, alb_arena_printf(h->text, "unix:%s", f->unix_sock));
        say_at_start(h, "Using ", f->unix_sock, " as socket to listen.");
    } else {
        if (alb_servers_where(h->text, f->host, f->port, h->listen, n, err) != ALB_OK)
            return err->code;
        if (f->startup_logs)
            alb_tusd_say("Using %s:%s as address to listen.", f->host, f->port);
    }
    return alb_arena_code(h->text) == ALB_OK ? ALB_OK : no_memory(err);
}

static enum alb_code open_http(struct house *h, struct alb_err *err)
{
    const struct alb_tusd_flags *f = &h->flags;
    struct alb_http_config c;
    alb_http_config_default(&c);
    c.listen = h->listen;
    c.pool = h->pool;
    c.limits.head_ns = c.limits.idle_ns = c.limits.body_first_ns = c.limits.rate_window_ns =
        f->network_timeout;
    c.limits.rate_in = c.limits.rate_out = 1; /* a byte now and then is a client that lives */
    c.limits.request_ns = ALB_NEVER;
    c.limits.connections_per_address = c.limits.connections;
    say_at_start(h, "Supported tus extensions: creation,creation-with-upload",
                 f->disable_termination ? "" : ",termination",
                 f->disable_concatenation ? ",creation-defer-length,checksum,checksum-trailer"
                                          : ",concatenation,creation-defer-length,checksum,checksum-trailer");
    enum alb_code code = make_listen(h, &c.listen_count, err);
    if (code == ALB_OK)
        code = alb_http_server_new(&c, &h->http, err);
    if (code == ALB_OK)
        code = open_door(h, err);
    if (code == ALB_OK)
        code = alb_tusd_pages_add(&h->pages, f, h->http, h->text, h->version, err);
    if (code != ALB_OK)
        return code;
    say_at_start(h, "Using ", f->base_path, " as the base path.");
    if (f->expose_metrics)
        say_at_start(h, "Using ", f->metrics_path, " as the metrics path.");
    if (alb_http_server_start(h->http, err) != ALB_OK)
        alb_err_context(err, "Unable to create listener");
    return err->code;
}

/* A path that begins and ends with a slash. */
static enum alb_code make_base(struct house *h, struct alb_err *err)
{
    const char *base = h->flags.base_path;
    size_t n = strlen(base);
    if (base[0] != '/' || strpbrk(base, "{}?#"))
        return alb_fail(err, ALB_E_INVALID, "-base-path is a path that begins with /, without { } ? #");
    if (base[n - 1] != '/')
        h->flags.base_path = alb_arena_cstr(h->text, alb_arena_printf(h->text, "%s/", base));
    return h->flags.base_path ? ALB_OK : no_memory(err);
}

static enum alb_code up(void *ctx, struct alb_err *err)
{
    struct house *h = ctx;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct alb_pool_config pool = {
        .name = "io", .threads = cores < 2 ? 8 : (unsigned)cores * 4, .queue_max = QUEUE_MAX};
    enum alb_code code = make_base(h, err);
    if (code == ALB_OK)
        code = make_cors(h, err);
    if (code == ALB_OK)
        code = open_folder(h, err);
    if (code == ALB_OK)
        code = alb_pool_new(&pool, &h->pool, err);
    if (code == ALB_OK)
        code = open_hooks(h, err);
    if (code == ALB_OK)
        code = open_uploads(h, err);
    h->pages.hooks = h->hooks; /* before anybody can ask */
    if (code == ALB_OK)
        code = open_http(h, err);
    return code;
}

static void announce(void *ctx)
{
    const struct house *h = ctx;
    char address[160];
    if (!h->flags.unix_sock[0] && h->flags.startup_logs &&
        alb_http_server_address(h->http, 0, address, sizeof(address)))
        alb_tusd_say("You can now upload files to: http://%s%s", address, h->flags.base_path);
}

/* ---- down ---- */

static bool down(void *ctx)
{
    struct house *h = ctx;
    int64_t deadline = alb_deadline(alb_mono(alb_clock_real()), h->flags.shutdown_timeout);
    bool clean = true;
    if (h->uploads)
        alb_uploads_stop(h->uploads);
    if (h->http)
        clean = alb_http_server_stop(h->http, deadline) == ALB_OK;
    alb_http_server_free(&h->http);
    if (h->uploads)
        alb_uploads_free(&h->uploads);
    alb_hooks_close(&h->hooks, deadline);
    if (h->pool)
        alb_pool_free(&h->pool);
    alb_fs_close(&h->dirfd);
    if (h->has_origin)
        alb_origin_fini(&h->origin);
    return clean;
}

/* ---- life ---- */

/* What the last end broke off goes on at once. */
static int64_t sweep(void *ctx)
{
    const struct house *h = ctx;
    struct alb_upload_swept swept;
    alb_uploads_sweep(h->uploads, SWEEP_FINISHES, &swept);
    return SWEEP_PAUSE;
}

static void dump(void *ctx, int fd)
{
    const struct house *h = ctx;
    alb_http_dump(h->http, fd);
}

static void cannot_start(void *ctx, const struct alb_err *err)
{
    (void)ctx;
    alb_tusd_complain("%s", err->msg);
}

static void ending(void *ctx, int number)
{
    (void)ctx;
    (void)number;
    alb_tusd_say("Received interrupt signal. Shutting down tusd...");
}

static void ended(void *ctx, bool clean)
{
    (void)ctx;
    if (clean)
        alb_tusd_say("Shutdown completed. Goodbye!");
    else
        alb_tusd_complain("Shutdown timeout exceeded. Exiting immediately!");
}

static const struct alb_life life = {
    .up = up,
    .cannot_start = cannot_start,
    .ready = announce,
    .beat = sweep,
    .dump = dump,
    .ending = ending,
    .down = down,
    .ended = ended,
    .last_words = "Received second interrupt signal. Exiting immediately!\n",
};

/* ---- the command ---- */

static int help(const char *complaint)
{
    struct alb_buf out = ALB_BUF_INIT(HELP_MAX);
    if (complaint)
        alb_buf_printf(&out, "%s\n", complaint);
    alb_tusd_flags_help(&out);
    struct alb_str v = alb_buf_view(&out);
    (void)fwrite(v.p, 1, v.n, stderr);
    alb_buf_fini(&out);
    return complaint ? 2 : 0;
}

int alb_tusd(int argc, char **argv, const char *version)
{
    struct house *h = &house;
    struct alb_err err = ALB_ERR_INIT;
    h->dirfd = -1;
    enum alb_code code = alb_tusd_flags_parse(argc, argv, &h->flags, &err);
    if (code != ALB_OK)
        return help(code == ALB_E_CANCELLED ? NULL : err.msg);
    if (h->flags.version) {
        printf("Version: albumen %s\nCommit: n/a\nDate: n/a\n", version);
        return 0;
    }
    bool json = strcmp(h->flags.log_format, "json") == 0;
    alb_tusd_words_setup(json);
    alb_log_setup(STDOUT_FILENO, json ? ALB_LOG_JSON : ALB_LOG_LOGFMT,
                  h->flags.verbose ? ALB_LOG_DEBUG : ALB_LOG_INFO);
    h->text = alb_arena_new(TEXT_MAX);
    alb_mutex_init(&h->pages.mtx, ALB_LOCK_TUSD_PAGES);
    code = h->text ? alb_tusd_flags_check(&h->flags, &err) : no_memory(&err);
    if (code != ALB_OK) {
        alb_tusd_complain("%s", err.msg);
        return 1;
    }
    h->version = version;
    return alb_life_run(&life, h);
}
