/* SPDX-License-Identifier: Apache-2.0
 *
 * What does not come with a request: who may fetch what, the configured watermark and fallback picture, colour
 * profiles.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/build.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/mem.h"
#include "doors/common/headers.h"
#include "doors/imgproxy/job.h"
#include "render/origin_given.h"

/* ---- the policy ---- */

static void policy_free(struct alb_obj *obj)
{
    struct alb_imgproxy_policy *p = ALB_CONTAINER_OF(obj, struct alb_imgproxy_policy, base.obj);
    alb_imgproxy_config_unref(p->config);
    alb_mem_free(p->agent);
    alb_mem_free(p->keep);
    alb_mem_free(p);
}

/* Every hop is held to the list of allowed sources, not only the first. */
static bool may(const struct alb_origin_policy *base, const struct alb_url *url, struct alb_str path)
{
    const struct alb_imgproxy_policy *p = (const struct alb_imgproxy_policy *)(const void *)base;
    struct alb_buf local = ALB_BUF_INIT(ALB_IMGPROXY_SOURCE_MAX);
    struct alb_str text = url ? url->text : ALB_STR_NONE;
    if (url && !p->http)
        return false;
    if (!url) {
        alb_buf_c(&local, "local:///");
        alb_buf_str(&local, path);
        text = alb_buf_view(&local);
    }
    bool yes = alb_buf_code(&local) == ALB_OK &&
               alb_imgproxy_source_check(p->config, text, NULL) == ALB_IMGPROXY_FINE;
    alb_buf_fini(&local);
    return yes;
}

/* "imgproxy/%current_version" with what it stands for. */
static void write_agent(struct alb_str agent, struct alb_buf *out)
{
    static const struct alb_str mark = {"%current_version", sizeof("%current_version") - 1};
    for (size_t at; (at = alb_str_find_str(agent, mark)) != ALB_STR_NPOS; agent = alb_str_from(agent, at + mark.n)) {
        alb_buf_str(out, alb_str_sub(agent, 0, at));
        alb_buf_c(out, alb_version());
    }
    alb_buf_str(out, agent);
}

/* The texts are the configuration's; what is no name, or not to be handed on, was told at the start (env.c). */
static bool keep_headers(struct alb_imgproxy_policy *p)
{
    const struct alb_imgproxy_list *list = &p->config->pass_response;
    p->keep = alb_mem_calloc(list->count + 1, sizeof(*p->keep));
    for (size_t i = 0; p->keep && i < list->count; i++) {
        const char *name = alb_arena_cstr(p->config->arena, list->item[i]);
        if (!name)
            return false;
        if (alb_door_may_pass(list->item[i]))
            p->keep[p->base.keep_count++] = name;
    }
    p->base.keep = p->keep;
    return p->keep != NULL;
}

struct alb_imgproxy_policy *alb_imgproxy_policy_new(struct alb_imgproxy_config *c, bool http)
{
    struct alb_buf agent = ALB_BUF_INIT(4096);
    struct alb_imgproxy_policy *p = alb_mem_calloc(1, sizeof(*p));
    write_agent(c->user_agent, &agent);
    size_t n;
    char *text = alb_buf_give(&agent, &n);
    if (!p || !text) {
        alb_mem_free(p);
        alb_mem_free(text);
        return NULL;
    }
    alb_obj_init(&p->base.obj, policy_free);
    p->config = alb_imgproxy_config_ref(c);
    p->http = http;
    p->agent = text;
    p->base.reach = ALB_FETCH_PUBLIC | (c->allow_loopback ? ALB_FETCH_LOOPBACK : 0U) |
                    (c->allow_link_local ? ALB_FETCH_LINK_LOCAL : 0U) |
                    (c->allow_private ? ALB_FETCH_PRIVATE : 0U);
    p->base.local = c->local_root.n > 0;
    p->base.redirects = c->max_redirects > 1 ? (unsigned)(c->max_redirects - 1) : 0; /* N lets N-1 through */
    p->base.insecure = c->ignore_tls;
    p->base.agent = p->agent;
    p->base.connect_ns = p->base.timeout_ns = c->download_timeout;
    p->base.may = may;
    if (!keep_headers(p)) {
        alb_obj_unref(&p->base.obj);
        return NULL;
    }
    return p;
}

/* ---- configured pictures ---- */

static enum alb_code given_data(struct alb_str base64, struct alb_origin **out, struct alb_err *err)
{
    unsigned char *bytes = alb_mem_alloc(base64.n + 1);
    if (!bytes)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a given picture");
    int64_t n = alb_b64_decode(base64, bytes, base64.n, ALB_B64_STD);
    enum alb_code code = n < 0 ? alb_fail(err, ALB_E_INVALID, "no base64")
                               : alb_origin_given(alb_str_n((const char *)bytes, (size_t)n), out, err);
    alb_mem_free(bytes);
    return code;
}

static enum alb_code given_file(int dirfd, const char *path, struct alb_origin **out, struct alb_err *err)
{
    int fd ALB_CLEANUP(alb_fs_close) = -1;
    *out = NULL;
    enum alb_code code = alb_fs_open(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd, err);
    return code == ALB_OK ? alb_origin_given_file(fd, out, err) : code;
}

/* Of data, path and URL the first that is set, as in imgproxy. */
static enum alb_code given(struct alb_imgproxy_door *door, const char *name, struct alb_str data,
                           struct alb_str path, struct alb_str url, bool preprocess,
                           struct alb_origin **picture, struct alb_imgproxy_source *source,
                           struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = ALB_OK;
    if (data.n > 0) {
        code = given_data(data, picture, &why);
    } else if (path.n > 0) {
        const char *text = alb_arena_cstr(door->memory, path);
        code = text ? given_file(AT_FDCWD, text, picture, &why) : ALB_E_NO_MEMORY;
    } else if (url.n > 0 && alb_imgproxy_source_of(door->config.config, door->memory, url, preprocess, source,
                                                   &why) != ALB_IMGPROXY_FINE) {
        code = why.code;
    }
    if (code == ALB_OK && *picture && (*picture)->type == ALB_TYPE_UNKNOWN)
        code = alb_fail(&why, ALB_E_INVALID, "this is no picture");
    return code == ALB_OK ? code : alb_fail(err, ALB_E_INVALID, "%s: %s", name, why.msg);
}

enum alb_code alb_imgproxy_given_open(struct alb_imgproxy_door *door, struct alb_err *err)
{
    const struct alb_imgproxy_config *c = door->config.config;
    enum alb_code code =
        given(door, "IMGPROXY_WATERMARK", c->watermark_data, c->watermark_path, c->watermark_url,
              c->watermark_preprocess, &door->watermark, &door->watermark_url, err);
    return code != ALB_OK
               ? code
               : given(door, "IMGPROXY_FALLBACK_IMAGE", c->fallback_data, c->fallback_path, c->fallback_url,
                       c->fallback_preprocess, &door->fallback, &door->fallback_url, err);
}

/* ---- profiles ---- */

static bool is_plain_name(struct alb_str name)
{
    return name.n > 0 && name.n <= 255 && name.p[0] != '.' && alb_str_find(name, '/') == ALB_STR_NPOS &&
           alb_str_find(name, '\0') == ALB_STR_NPOS;
}

enum alb_code alb_imgproxy_profile(const struct alb_imgproxy_config *c, struct alb_str name,
                                   struct alb_origin **out, struct alb_err *err)
{
    int dirfd ALB_CLEANUP(alb_fs_close) = -1;
    char file[256], folder[4096];
    *out = NULL;
    if (!is_plain_name(name) || !alb_str_to_c(name, file, sizeof(file)) ||
        !alb_str_to_c(c->profiles_dir, folder, sizeof(folder)))
        return alb_fail(err, ALB_E_NOT_FOUND, "a colour profile is named by the plain name of its file");
    enum alb_code code = alb_fs_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &dirfd, err);
    return code == ALB_OK ? given_file(dirfd, file, out, err) : code;
}
