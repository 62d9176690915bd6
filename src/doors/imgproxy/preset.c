/* SPDX-License-Identifier: Apache-2.0
 *
 * Presets: named lists of options. A preset may use others: one that is being applied already is skipped with
 * a warning, nesting and the number of options are bounded (law 7). The list of allowed options does not hold
 * inside a preset; what configuration keeps to itself (security options) stays kept.
 */
#include <string.h>

#include "doors/imgproxy/options_priv.h"

#define SHOWN 80
#define CHECK_MEMORY ((size_t)1 << 20)

static struct alb_str trim(struct alb_str s)
{
    while (s.n > 0 && s.p[0] == ' ')
        s = alb_str_from(s, 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

enum alb_code alb_imgproxy_preset_parse(struct alb_str text, struct alb_imgproxy_preset *out,
                                        struct alb_err *err)
{
    struct alb_str name, options;

    *out = (struct alb_imgproxy_preset){.name = ALB_STR_NONE};
    text = trim(text);
    if (text.n == 0 || text.p[0] == '#')
        return ALB_OK;
    bool cut = alb_str_cut(text, '=', &name, &options);
    text = alb_str_sub(text, 0, SHOWN);
    if (!cut || alb_str_find(options, '=') != ALB_STR_NPOS)
        return alb_fail(err, ALB_E_INVALID, "preset \"%.*s\": it is to be NAME=OPTIONS, with one \"=\"",
                        ALB_STR_ARG(text));
    name = trim(name);
    options = trim(options);
    if (name.n == 0)
        return alb_fail(err, ALB_E_INVALID, "preset \"%.*s\" has no name", ALB_STR_ARG(text));
    if (options.n == 0)
        return alb_fail(err, ALB_E_INVALID, "preset \"%.*s\" has no options", ALB_STR_ARG(text));
    *out = (struct alb_imgproxy_preset){name, options};
    return ALB_OK;
}

/* The last one of a name counts. */
const struct alb_imgproxy_preset *alb_imgproxy_preset_find(const struct alb_imgproxy_presets *p,
                                                           struct alb_str name)
{
    for (size_t i = p->count; i > 0; i--) {
        if (alb_str_eq(p->item[i - 1].name, name))
            return &p->item[i - 1];
    }
    return NULL;
}

static bool is_running(const struct alb_imgproxy_parser *p, struct alb_str name)
{
    for (size_t i = 0; i < p->depth; i++) {
        if (alb_str_eq(p->stack[i], name))
            return true;
    }
    return false;
}

/* Calls itself through the options of the preset, at most ALB_IMGPROXY_NESTING_MAX deep. */
enum alb_imgproxy_refusal alb_imgproxy_apply_preset(struct alb_imgproxy_parser *p, struct alb_str name,
                                                    size_t index)
{
    struct alb_imgproxy_request *r = p->request;
    const struct alb_imgproxy_preset *preset =
        alb_imgproxy_preset_find(r->is_info ? &p->config->info_presets : &p->config->presets, name);
    struct alb_str shown = alb_str_sub(name, 0, SHOWN);

    if (preset == NULL)
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_BAD_URL, "there is no preset \"%.*s\"",
                                   ALB_STR_ARG(shown));
    if (is_running(p, name)) {
        alb_imgproxy_warn(p, "preset %.*s uses itself; that use was skipped", ALB_STR_ARG(shown));
        return ALB_IMGPROXY_FINE;
    }
    if (p->depth == ALB_IMGPROXY_NESTING_MAX)
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_TOO_LONG, "presets are nested more than %d deep",
                                   ALB_IMGPROXY_NESTING_MAX);
    if (r->presets < ALB_IMGPROXY_PRESETS_USED_MAX)
        r->preset[r->presets++] = preset->name;
    p->stack[p->depth++] = preset->name;
    enum alb_imgproxy_refusal done = alb_imgproxy_apply(p, preset->options, index, true);
    p->depth--;
    if (done != ALB_IMGPROXY_FINE)
        alb_err_context(p->err, "preset %.*s", ALB_STR_ARG(shown));
    return done;
}

enum alb_imgproxy_refusal alb_imgproxy_take_preset(struct alb_imgproxy_option *o)
{
    for (size_t i = 0; i < o->args; i++)
        ALB_IMGPROXY_TRY(alb_imgproxy_apply_preset(o->parser, o->arg[i], o->index));
    return ALB_IMGPROXY_FINE;
}

/* Nothing in it may be taken for a source. */
static enum alb_code check_one(const struct alb_imgproxy_config *c, bool info,
                               const struct alb_imgproxy_preset *preset, struct alb_err *err)
{
    struct alb_imgproxy_path parts;
    struct alb_arena *arena = alb_arena_new(CHECK_MEMORY);
    struct alb_imgproxy_request *r = arena != NULL ? ALB_ARENA_NEW(arena, struct alb_imgproxy_request) : NULL;
    struct alb_imgproxy_setting set = {.config = c, .arena = arena};
    struct alb_imgproxy_parser p = {.set = &set, .config = c, .arena = arena, .request = r, .err = err};
    enum alb_code code = ALB_OK;

    alb_imgproxy_path_split(preset->options, c->separator, false, &parts);
    if (r == NULL)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory to check presets");
    else if (parts.source.p != NULL)
        code = alb_fail(err, ALB_E_INVALID, "preset %.*s: \"%.*s\" is no option", ALB_STR_ARG(preset->name),
                        ALB_STR_ARG(alb_str_sub(parts.source, 0, SHOWN)));
    else if (alb_imgproxy_request_init(&set, info, r, err) != ALB_IMGPROXY_FINE ||
             alb_imgproxy_apply_preset(&p, preset->name, 0) != ALB_IMGPROXY_FINE)
        code = ALB_E_INVALID;
    alb_arena_free(&arena);
    if (code != ALB_OK)
        alb_err_context(err, info ? "IMGPROXY_INFO_PRESETS" : "IMGPROXY_PRESETS");
    return code;
}

enum alb_code alb_imgproxy_presets_check(const struct alb_imgproxy_config *c, bool info, struct alb_err *err)
{
    const struct alb_imgproxy_presets *p = info ? &c->info_presets : &c->presets;
    enum alb_code code = ALB_OK;

    for (size_t i = 0; i < p->count && code == ALB_OK; i++)
        code = check_one(c, info, &p->item[i], err);
    return code;
}
