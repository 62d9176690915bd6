/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment as a whole (contract: env.h): what is set is collected first, from environ and then from
 * the file that IMGPROXY_ENV_LOCAL_FILE_PATH names, and read row by row of env_table.c after that, so that
 * the order in which variables stand means nothing.
 */
#include "doors/imgproxy/env.h"

#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "doors/common/headers.h"
#include "doors/imgproxy/env_priv.h"
#include "doors/imgproxy/options_priv.h"

#define SHOWN 80

/* ---- collecting ---- */

static struct alb_imgproxy_found *find(const struct alb_imgproxy_env *e, struct alb_str name)
{
    for (size_t i = 0; i < e->count; i++) {
        if (alb_str_eq(e->item[i].name, name))
            return &e->item[i];
    }
    return NULL;
}

struct alb_str alb_imgproxy_env_get(const struct alb_imgproxy_env *e, const char *name)
{
    const struct alb_imgproxy_found *f = find(e, alb_str_c(name));

    return f != NULL ? f->value : ALB_STR_NONE;
}

static bool make_room(struct alb_imgproxy_env *e)
{
    size_t room = e->room == 0 ? 64 : 2 * e->room;

    if (e->count < e->room)
        return true;
    struct alb_imgproxy_found *all = alb_arena_calloc(e->config->arena, room, sizeof(*all));
    if (all == NULL)
        return false;
    if (e->count > 0)
        memcpy(all, e->item, e->count * sizeof(*all));
    e->item = all;
    e->room = room;
    return true;
}

/* PORT has no prefix, and its name here has one that no variable has. */
#define PORT_NAME "=PORT"

enum alb_code alb_imgproxy_env_keep(struct alb_imgproxy_env *e, struct alb_str name, struct alb_str value,
                                    struct alb_err *err)
{
    struct alb_str prefix = ALB_STR(ALB_IMGPROXY_ENV_PREFIX);

    if (alb_str_eq_c(name, "PORT"))
        name = ALB_STR(PORT_NAME);
    else if (alb_str_starts(name, prefix))
        name = alb_str_from(name, prefix.n);
    else
        return ALB_OK;
    if (alb_imgproxy_trim(value).n == 0 && !alb_str_eq_c(name, "SOURCE_URL_QUERY_SEPARATOR"))
        return ALB_OK; /* blank is not set, but for the one where it has a meaning */
    struct alb_imgproxy_found *f = find(e, name);
    if (f == NULL) {
        if (!make_room(e))
            return alb_fail(err, ALB_E_NO_MEMORY, "no room for the environment");
        f = &e->item[e->count++];
    }
    f->name = alb_arena_str(e->config->arena, name);
    f->value = alb_arena_str(e->config->arena, value);
    if (f->name.p == NULL || f->value.p == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no room for the environment");
    return ALB_OK;
}

/* ---- dotenv ---- */

/* 'as it is' or "with \n, \" and \\"; false: no closing quote, or something but a comment behind it. */
static bool unquote(struct alb_str s, struct alb_buf *out)
{
    char quote = s.p[0];

    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (c == quote) {
            struct alb_str tail = alb_imgproxy_trim(alb_str_from(s, i + 1));
            return tail.n == 0 || tail.p[0] == '#';
        }
        if (quote == '"' && c == '\\' && i + 1 < s.n) {
            c = s.p[++i];
            c = c == 'n' ? '\n' : (c == 'r' ? '\r' : c);
        }
        alb_buf_char(out, c);
    }
    return false;
}

static bool read_value(struct alb_str s, struct alb_buf *out)
{
    s = alb_imgproxy_trim(s);
    if (s.n > 0 && (s.p[0] == '"' || s.p[0] == '\''))
        return unquote(s, out);
    size_t comment = alb_str_find_str(s, ALB_STR(" #"));
    if (comment != ALB_STR_NPOS)
        s = alb_imgproxy_trim(alb_str_sub(s, 0, comment));
    alb_buf_str(out, s);
    return true;
}

static enum alb_code read_line(struct alb_imgproxy_env *e, struct alb_str line, const char *place,
                               unsigned number, struct alb_err *err)
{
    struct alb_buf value = ALB_BUF_INIT(ALB_IMGPROXY_FILE_MAX);
    struct alb_str name, rest;
    enum alb_code code;

    line = alb_imgproxy_trim(line);
    if (line.n == 0 || line.p[0] == '#')
        return ALB_OK;
    if (alb_str_starts(line, ALB_STR("export ")))
        line = alb_imgproxy_trim(alb_str_from(line, 7));
    if (!alb_str_cut(line, '=', &name, &rest) && !alb_str_cut(line, ':', &name, &rest))
        return alb_fail(err, ALB_E_INVALID, "%s:%u: NAME=value is wanted", place, number);
    if (!read_value(rest, &value))
        code = alb_fail(err, ALB_E_INVALID, "%s:%u: the quotes do not match", place, number);
    else if (alb_buf_code(&value) != ALB_OK)
        code = alb_fail(err, alb_buf_code(&value), "%s:%u: the value is too long", place, number);
    else
        code = alb_imgproxy_env_keep(e, alb_imgproxy_trim(name), alb_buf_view(&value), err);
    alb_buf_fini(&value);
    return code;
}

enum alb_code alb_imgproxy_env_text(struct alb_imgproxy_env *e, struct alb_str text, const char *place,
                                    struct alb_err *err)
{
    struct alb_str line;
    enum alb_code code = ALB_OK;

    for (unsigned number = 1; code == ALB_OK && alb_str_next(&text, '\n', &line); number++)
        code = read_line(e, line, place, number, err);
    return code;
}

enum alb_code alb_imgproxy_env_file(struct alb_imgproxy_env *e, struct alb_str path, struct alb_err *err)
{
    char name[4096], *p;
    size_t n;

    if (!alb_str_to_c(path, name, sizeof(name)))
        return alb_fail(err, ALB_E_INVALID, "IMGPROXY_ENV_LOCAL_FILE_PATH is no path");
    enum alb_code code = alb_fs_read_file(AT_FDCWD, name, ALB_IMGPROXY_FILE_MAX, &p, &n, err);
    if (code != ALB_OK) {
        alb_err_context(err, "IMGPROXY_ENV_LOCAL_FILE_PATH");
        return code;
    }
    code = alb_imgproxy_env_text(e, alb_str_n(p, n), name, err);
    alb_mem_free(p);
    return code;
}

/* ---- remarks ---- */

static void remark_names(const struct alb_imgproxy_env *e)
{
    for (size_t i = 0; i < e->count; i++) {
        struct alb_str name = alb_str_sub(e->item[i].name, 0, SHOWN);
        if (alb_str_eq_c(name, PORT_NAME))
            continue;
        const struct alb_imgproxy_variable *v = alb_imgproxy_variable_find(e->item[i].name);
        if (v == NULL)
            alb_buf_printf(e->remarks, "IMGPROXY_%.*s is no variable that imgproxy or albumen knows\n",
                           ALB_STR_ARG(name));
        else if (v->kind == ALB_IMGPROXY_ENV_NOTHING)
            alb_buf_printf(e->remarks, "IMGPROXY_%.*s has no effect in albumen\n", ALB_STR_ARG(name));
        else if (v->kind == ALB_IMGPROXY_ENV_STORE)
            alb_buf_printf(e->remarks,
                           "IMGPROXY_%.*s: albumen has no object stores yet; such sources are unreachable\n",
                           ALB_STR_ARG(name));
    }
}

static void remark_options(const struct alb_imgproxy_env *e, bool info, const struct alb_imgproxy_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (alb_imgproxy_row_find(info, list->item[i]) == NULL)
            alb_buf_printf(e->remarks, "IMGPROXY_ALLOWED_%s_OPTIONS: there is no option \"%.*s\"\n",
                           info ? "INFO" : "PROCESSING", ALB_STR_ARG(alb_str_sub(list->item[i], 0, SHOWN)));
    }
}

static void remark_headers(const struct alb_imgproxy_env *e, const struct alb_imgproxy_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!alb_door_may_pass(list->item[i]))
            alb_buf_printf(e->remarks, "IMGPROXY_RESPONSE_HEADERS_PASSTHROUGH: \"%.*s\" is not handed on\n",
                           ALB_STR_ARG(alb_str_sub(list->item[i], 0, SHOWN)));
    }
}

static void remark(const struct alb_imgproxy_env *e)
{
    const struct alb_imgproxy_config *c = e->config;

    if (e->remarks == NULL)
        return;
    remark_names(e);
    remark_options(e, false, &c->allowed_options);
    remark_options(e, true, &c->allowed_info);
    remark_headers(e, &c->pass_response);
    if (!alb_imgproxy_config_signs(c))
        alb_buf_c(e->remarks,
                  "IMGPROXY_KEY and IMGPROXY_SALT are not set: every signature passes, and anybody can ask "
                  "for any picture in any form\n");
    if (c->encryption_key.n > 0 && !alb_imgproxy_config_signs(c))
        alb_buf_c(e->remarks,
                  "IMGPROXY_SOURCE_URL_ENCRYPTION_KEY without keys: unsigned URLs can be tried until the "
                  "source is known\n");
    if (c->ignore_tls)
        alb_buf_c(e->remarks,
                  "IMGPROXY_IGNORE_SSL_VERIFICATION: certificates of sources are not looked at\n");
}

/* ---- the whole ---- */

static enum alb_code collect(struct alb_imgproxy_env *e, const char *const *envp, struct alb_err *err)
{
    struct alb_str name, value;
    enum alb_code code = ALB_OK;

    for (; *envp != NULL && code == ALB_OK; envp++) {
        if (alb_str_cut(alb_str_c(*envp), '=', &name, &value))
            code = alb_imgproxy_env_keep(e, name, value, err);
    }
    struct alb_str file = alb_imgproxy_env_get(e, "ENV_LOCAL_FILE_PATH");
    if (code == ALB_OK && file.p != NULL)
        code = alb_imgproxy_env_file(e, file, err);
    return code;
}

static enum alb_code set_all(struct alb_imgproxy_env *e, struct alb_err *err)
{
    struct alb_imgproxy_config *c = e->config;

    for (size_t i = 0; i < alb_imgproxy_variable_count; i++) {
        const struct alb_imgproxy_variable *v = &alb_imgproxy_variables[i];
        struct alb_str value = alb_imgproxy_env_get(e, v->name);
        if (value.p == NULL)
            continue;
        enum alb_code code = alb_imgproxy_env_set(e, v, value, err);
        if (code != ALB_OK)
            return code;
    }
    struct alb_str port = alb_imgproxy_env_get(e, PORT_NAME);
    int64_t number;
    if (port.p != NULL && alb_imgproxy_env_get(e, "BIND").p == NULL) {
        if (!alb_imgproxy_int(port, &number) || number < 0 || number > 65535)
            return alb_fail(err, ALB_E_INVALID, "PORT: \"%.*s\" is not right; 0..65535 is wanted",
                            ALB_STR_ARG(alb_str_sub(port, 0, SHOWN)));
        c->bind = alb_arena_printf(c->arena, ":%d", (int)number);
        if (c->bind.p == NULL)
            return alb_fail(err, ALB_E_NO_MEMORY, "no room for the environment");
    }
    if (alb_imgproxy_env_get(e, "INFO_ONLY_PRESETS").p == NULL)
        c->info_only_presets = c->only_presets;
    return ALB_OK;
}

enum alb_code alb_imgproxy_config_from_env(const char *const *envp, struct alb_imgproxy_config **out,
                                           struct alb_buf *remarks, struct alb_err *err)
{
    struct alb_imgproxy_env e = {.config = alb_imgproxy_config_new(), .remarks = remarks};
    enum alb_code code;

    *out = NULL;
    if (e.config == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the configuration");
    code = collect(&e, envp, err);
    if (code == ALB_OK)
        code = set_all(&e, err);
    if (code == ALB_OK)
        code = alb_imgproxy_config_check(e.config, err);
    if (code != ALB_OK) {
        alb_imgproxy_config_unref(e.config);
        return code;
    }
    remark(&e);
    *out = e.config;
    return ALB_OK;
}
