/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/imgproxy.h"

#include <fcntl.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "doors/imgproxy/env.h"
#include "library/auth.h"

#define USER_ARENA ((size_t)1 << 20)
#define KEY_MAX 512

/* ---- what the options say ---- */

static enum alb_code no_memory(struct alb_err *err)
{
    return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the imgproxy door");
}

/* But for those on keys, which are for the other home of the door: here they belong to users. */
static void tell_remarks(struct alb_buf *remarks)
{
    struct alb_str rest = alb_buf_view(remarks), line;
    while (rest.n > 0 && alb_str_next(&rest, '\n', &line))
        if (line.n > 0 && !alb_str_starts(line, ALB_STR("IMGPROXY_KEY")) &&
            !alb_str_starts(line, ALB_STR("IMGPROXY_SOURCE_URL_ENCRYPTION_KEY")))
            alb_log(ALB_LOG_WARN, "imgproxy settings", ALB_LOG_STR("text", line));
}

/* imgproxy's own variables from a file, in its own words; else its defaults, which are for the open internet: here
 * they are milder. */
static enum alb_code read_settings(const struct alb_options *o, struct alb_imgproxy_config **out,
                                   struct alb_err *err)
{
    const char *file = alb_opt_string(o, ALB_P_IMGPROXY_SETTINGS);
    struct alb_buf text = ALB_BUF_INIT(8192), remarks = ALB_BUF_INIT(ALB_IMGPROXY_REMARKS_MAX);
    enum alb_code code;
    if (file[0] == '\0') {
        *out = alb_imgproxy_config_new();
        if (!*out)
            return no_memory(err);
        (*out)->auto_webp = true;
        (*out)->ttl = 86400;
        return ALB_OK;
    }
    alb_buf_printf(&text, "IMGPROXY_ENV_LOCAL_FILE_PATH=%s", file);
    const char *const envp[] = {alb_buf_cstr(&text), NULL};
    code = alb_imgproxy_config_from_env(envp, out, &remarks, err);
    if (code == ALB_OK && ((*out)->png_unlimited || (*out)->svg_unlimited))
        alb_buf_c(&remarks, "IMGPROXY_PNG_UNLIMITED, IMGPROXY_SVG_UNLIMITED: workers here are everybody's, their "
                            "readers keep their bounds\n");
    if (code == ALB_OK)
        tell_remarks(&remarks);
    alb_buf_fini(&text);
    alb_buf_fini(&remarks);
    return code;
}

static struct alb_str *list_new(struct alb_imgproxy_config *c, struct alb_imgproxy_list *list, size_t n)
{
    struct alb_str *items = alb_arena_calloc(c->arena, n, sizeof(*items));
    list->item = items;
    list->count = items ? n : 0;
    return items;
}

static bool hex_bytes(struct alb_arena *a, struct alb_str hex, struct alb_str *out)
{
    unsigned char *p = hex.n > 0 && hex.n % 2 == 0 ? alb_arena_alloc(a, hex.n / 2) : NULL;
    *out = alb_str_n((const char *)p, hex.n / 2);
    return p && alb_hex_decode(hex, p, hex.n / 2);
}

/* "USER:KEY:SALT"; a user's name may have colons in it. */
static enum alb_code read_key(const struct alb_serve_imgproxy_config *in, struct alb_imgproxy_config *c,
                              const char *text, struct alb_str *key, struct alb_str *salt, int64_t *owner,
                              struct alb_err *err)
{
    struct alb_str s = alb_str_c(text);
    struct alb_arena *a = NULL;
    struct alb_user user;
    size_t second = alb_str_rfind(s, ':');
    size_t first = second == ALB_STR_NPOS ? second : alb_str_rfind(alb_str_sub(s, 0, second), ':');
    if (s.n > KEY_MAX || first == ALB_STR_NPOS || first == 0 ||
        !hex_bytes(c->arena, alb_str_sub(s, first + 1, second - first - 1), key) ||
        !hex_bytes(c->arena, alb_str_from(s, second + 1), salt))
        return alb_fail(err, ALB_E_INVALID,
                        "imgproxy-key: USER:KEY:SALT is wanted, key and salt as hexadecimal digits");
    a = alb_arena_new(USER_ARENA);
    if (!a)
        return no_memory(err);
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = alb_library_user_find(in->folder->library, alb_str_sub(s, 0, first), a, &user, &why);
    *owner = code == ALB_OK ? user.id : 0;
    alb_arena_free(&a);
    if (code == ALB_E_NOT_FOUND)
        return alb_fail(err, ALB_E_INVALID, "imgproxy-key: there is no user " ALB_STR_FMT,
                        ALB_STR_ARG(alb_str_sub(s, 0, first)));
    return code == ALB_OK ? code : alb_fail(err, code, "%s", why.msg);
}

static enum alb_code read_keys(const struct alb_serve_imgproxy_config *in, struct alb_imgproxy_config *c,
                               int64_t owners[ALB_IMGPROXY_PAIRS_MAX], struct alb_err *err)
{
    const char *const *items;
    size_t n = alb_opt_list(in->options, ALB_P_IMGPROXY_KEY, &items);
    enum alb_code code = ALB_OK;
    if (c->keys.count > 0 || c->trusted.count > 0)
        return alb_fail(
            err, ALB_E_INVALID,
            "imgproxy-settings: keys belong to users here: give them by imgproxy-key, trusted signatures "
            "not at all");
    if (n == 0)
        return ALB_OK;
    if (n > ALB_IMGPROXY_PAIRS_MAX)
        return alb_fail(err, ALB_E_INVALID, "imgproxy-key: at most %d keys are tried",
                        ALB_IMGPROXY_PAIRS_MAX);
    struct alb_str *keys = list_new(c, &c->keys, n), *salts = list_new(c, &c->salts, n);
    if (!keys || !salts)
        return no_memory(err);
    for (size_t i = 0; i < n && code == ALB_OK; i++)
        code = read_key(in, c, items[i], &keys[i], &salts[i], &owners[i], err);
    return code;
}

/* Which sources there are: http ones that were named, and always those that this server owns. */
static enum alb_code read_sources(const struct alb_options *o, struct alb_imgproxy_config *c, bool *http,
                                  struct alb_err *err)
{
    static const char *const own[] = {"local://", "asset://", "asset:"};
    const char *const *items, *root = alb_opt_string(o, ALB_P_LOCAL_ROOT);
    size_t n = alb_opt_list(o, ALB_P_IMGPROXY_SOURCES, &items);
    *http = n > 0;
    c->allow_private = c->allow_loopback = alb_opt_bool(o, ALB_P_IMGPROXY_PRIVATE_SOURCES);
    c->allow_link_local = false;
    c->local_root = alb_arena_str(c->arena, alb_str_c(root));
    c->download_timeout = alb_opt_duration(o, ALB_P_SOURCE_TIMEOUT);
    if (n == 0) /* nothing is fetched at all */
        return alb_arena_code(c->arena);
    struct alb_str *list = list_new(c, &c->allowed_sources, n + ALB_ARRAY_LEN(own));
    if (!list)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        list[i] = alb_arena_str(c->arena, alb_str_c(items[i]));
    for (size_t i = 0; i < ALB_ARRAY_LEN(own); i++)
        list[n + i] = alb_str_c(own[i]);
    return alb_arena_code(c->arena);
}

static enum alb_code read_options(const struct alb_serve_imgproxy_config *in, struct alb_serve_imgproxy *s,
                                  int64_t owners[ALB_IMGPROXY_PAIRS_MAX], bool *http, struct alb_err *err)
{
    enum alb_code code = read_settings(in->options, &s->config, err);
    if (code == ALB_OK)
        code = read_keys(in, s->config, owners, err);
    if (code == ALB_OK)
        code = read_sources(in->options, s->config, http, err);
    if (code != ALB_OK)
        return code;
    s->config->path_prefix = ALB_STR_NONE;
    s->config->secret = ALB_STR_NONE;
    s->config->cookies = s->config->cookies_all = false; /* the session is one: it is for nobody else */
    s->config->pass_request.count = 0;
    s->config->timeout = alb_opt_duration(in->options, ALB_P_IMGPROXY_TIMEOUT);
    s->config->limits.source_pixels = 0; /* the limits of the server hold: picture-pixels and its like */
    return alb_imgproxy_config_check(s->config, err);
}

/* ---- up and down ---- */

static enum alb_code open_sources(const struct alb_serve_imgproxy_config *in, struct alb_serve_imgproxy *s,
                                  bool http, struct alb_err *err)
{
    const char *root = alb_opt_string(in->options, ALB_P_LOCAL_ROOT);
    unsigned transfers = (unsigned)alb_opt_int(in->options, ALB_P_SOURCE_FETCHES);
    const struct alb_fetch_config fetch = {
        .agent = "albumen/" ALB_VERSION,
        .transfers = transfers,
        .queue = transfers,
        .per_host = (unsigned)alb_opt_int(in->options, ALB_P_SOURCE_FETCHES_PER_HOST),
        .idle_ns = s->config->client_keep_alive};
    enum alb_code code = alb_fs_open(in->folder->dirfd, "tmp", O_RDONLY | O_DIRECTORY, 0, &s->tmp_dirfd, err);
    if (code == ALB_OK && root[0] != '\0')
        code = alb_fs_open(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, 0, &s->local_dirfd, err);
    if (code == ALB_OK && http)
        code = alb_fetch_open(&fetch, &s->fetch, err);
    if (code != ALB_OK)
        return code;
    struct alb_origins_config origins = {
        .clock = alb_clock_real(),
        .pool = in->pool,
        .fetch = s->fetch,
        .data_dirfd = in->folder->dirfd,
        .tmp_dirfd = s->tmp_dirfd,
        .quarantine = in->folder->quarantine,
        .purges = in->folder->purges,
        .local_dirfd = s->local_dirfd,
    };
    alb_origins_config_options(&origins, in->options);
    origins.local_separator = s->config->query_separator.n > 0 ? s->config->query_separator.p[0] : '\0';
    return alb_origins_open(&origins, &s->origins, err);
}

enum alb_code alb_serve_imgproxy_open(const struct alb_serve_imgproxy_config *in,
                                      struct alb_serve_imgproxy *s, struct alb_err *err)
{
    int64_t owners[ALB_IMGPROXY_PAIRS_MAX] = {0};
    bool http = false;
    enum alb_code code = read_options(in, s, owners, &http, err);
    if (code == ALB_OK)
        code = open_sources(in, s, http || in->others_fetch, err);
    if (code != ALB_OK)
        return code;
    const struct alb_imgproxy_door_config door = {.config = s->config,
                                                  .prefix = "/imgproxy",
                                                  .render = in->render,
                                                  .origins = s->origins,
                                                  .limits = *in->limits,
                                                  .library = in->folder->library,
                                                  .store = in->folder->store,
                                                  .key_owner = owners,
                                                  .http_sources = http,
                                                  .may_degrade = true};
    return alb_imgproxy_door_open(&door, &s->door, err);
}

void alb_serve_imgproxy_close(struct alb_serve_imgproxy *s)
{
    alb_imgproxy_door_close(&s->door);
    if (s->origins)
        alb_origins_close(&s->origins);
    if (s->fetch)
        alb_fetch_close(&s->fetch);
    alb_fs_close(&s->local_dirfd);
    alb_fs_close(&s->tmp_dirfd);
    alb_imgproxy_config_unref(s->config);
    s->config = NULL;
}
