/* SPDX-License-Identifier: Apache-2.0
 *
 * Options (contract: options.h): defaults, then flags, then the environment, then the file. The file comes
 * last because the others say where it is; strength is kept per value, so the order of reading does not
 * matter. A list is replaced as a whole by a stronger source and grows within one.
 * Everything that was read is checked, also where a stronger source overrules it: a mistake in albumen.conf
 * is told at the first start after it was made.
 */
#include "base/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/options_priv.h"

#define ARENA_CAP ((size_t)8 << 20)
#define FILE_MAX ((size_t)1 << 20)
#define ENV_PREFIX ALB_STR("ALBUMEN_")
#define PLACE_MAX 160

/* At most this much of a wrong value is repeated in an error. */
#define SHOW(s) (int)((s).n > 60 ? 60 : (s).n), ((s).p != NULL ? (s).p : "")

/* ---- one value ---- */

static enum alb_code bad(struct alb_err *err, const char *place, struct alb_str text, const char *right)
{
    return alb_fail(err, ALB_E_INVALID, "%s: \"%.*s\" is not %s", place, SHOW(text), right);
}

static enum alb_code no_memory(struct alb_err *err)
{
    return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the options");
}

static enum alb_code read_number(enum alb_param_type type, struct alb_str text, int64_t *number,
                                 const char *place, struct alb_err *err)
{
    bool yes;

    switch (type) {
    case ALB_T_BOOL:
        if (!alb_option_bool(text, &yes))
            return bad(err, place, text, "true or false");
        *number = yes ? 1 : 0;
        break;
    case ALB_T_INT:
        if (!alb_str_i64(text, number))
            return bad(err, place, text, "a whole number");
        break;
    case ALB_T_SIZE:
        if (!alb_option_size(text, number))
            return bad(err, place, text, "a size: a whole number, alone or with k, M, G or T, such as 512M");
        break;
    case ALB_T_DURATION:
        if (!alb_option_duration(text, number))
            return bad(err, place, text, "a time: a whole number with ms, s, m, h or d, such as 30s");
        break;
    case ALB_T_STRING:
    case ALB_T_LIST:
        break;
    }
    return ALB_OK;
}

static enum alb_code add_item(struct alb_options *o, struct alb_option_value *v, struct alb_str text,
                              struct alb_err *err)
{
    if ((v->count & (v->count - 1)) == 0) { /* 0, 1, 2, 4, …: the room is full */
        size_t room = v->count == 0 ? 1 : v->count * 2;
        const char **items = alb_arena_calloc(o->arena, room, sizeof(*items));
        if (items == NULL)
            return no_memory(err);
        if (v->count > 0)
            memcpy(items, v->items, v->count * sizeof(*items));
        v->items = items;
    }
    const char *item = alb_arena_cstr(o->arena, text);
    if (item == NULL)
        return no_memory(err);
    v->items[v->count++] = item;
    return ALB_OK;
}

static enum alb_code set_list(struct alb_options *o, struct alb_option_value *v,
                              enum alb_option_source source, struct alb_str text, struct alb_err *err)
{
    struct alb_str item;
    enum alb_code code = ALB_OK;

    if (v->source != source)
        v->count = 0; /* a stronger source starts afresh */
    if (source == ALB_SRC_FLAG || source == ALB_SRC_FILE)
        return add_item(o, v, text, err);
    v->count = 0;
    while (code == ALB_OK && alb_str_next(&text, ',', &item)) {
        item = alb_str_trim(item);
        if (item.n > 0)
            code = add_item(o, v, item, err);
    }
    return code;
}

enum alb_code alb_options_set(struct alb_options *o, enum alb_param p, enum alb_option_source source,
                              struct alb_str text, const char *place, struct alb_err *err)
{
    const struct alb_param_spec *spec = &alb_param_specs[p];
    struct alb_option_value *v = &o->value[p];
    int64_t number = 0;

    if (alb_str_find(text, '\0') != ALB_STR_NPOS || !alb_str_is_utf8(text))
        return alb_fail(err, ALB_E_INVALID, "%s: the value is not valid UTF-8 text", place);
    enum alb_code code = read_number(spec->type, text, &number, place, err);
    if (code != ALB_OK || source < v->source)
        return code;
    if (spec->type == ALB_T_LIST) {
        code = set_list(o, v, source, text, err);
    } else if (spec->type == ALB_T_STRING) {
        v->text = alb_arena_cstr(o->arena, text);
        if (v->text == NULL)
            code = no_memory(err);
    }
    v->number = number;
    v->source = source;
    return code;
}

/* ---- the set ---- */

enum alb_code alb_options_new(struct alb_options **out, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    *out = NULL;
    struct alb_options *o = alb_mem_calloc(1, sizeof(*o));
    if (o == NULL)
        return no_memory(err);
    o->arena = alb_arena_new(ARENA_CAP);
    if (o->arena == NULL)
        code = no_memory(err);
    for (unsigned p = 0; p < ALB_PARAM_COUNT && code == ALB_OK; p++) {
        const struct alb_param_spec *spec = &alb_param_specs[p];
        code = alb_options_set(o, (enum alb_param)p, ALB_SRC_DEFAULT, alb_str_c(spec->def), spec->name, err);
    }
    if (code != ALB_OK)
        alb_options_free(&o);
    *out = o;
    return code;
}

void alb_options_free(struct alb_options **options)
{
    struct alb_options *o = *options;

    *options = NULL;
    if (o == NULL)
        return;
    alb_arena_free(&o->arena);
    alb_mem_free(o->rest);
    alb_mem_free(o);
}

/* ---- command line ---- */

struct words {
    unsigned command;
    int argc, at;
    char **argv;
};

static enum alb_code unknown(struct alb_err *err, struct alb_str name, unsigned command)
{
    const char *guess = alb_option_guess(name, command);

    if (alb_option_find(name) != ALB_PARAM_COUNT)
        return alb_fail(err, ALB_E_INVALID, "--%.*s is not an option of this command", SHOW(name));
    if (guess != NULL)
        return alb_fail(err, ALB_E_INVALID, "--%.*s is unknown; did you mean --%s?", SHOW(name), guess);
    return alb_fail(err, ALB_E_INVALID, "--%.*s is unknown", SHOW(name));
}

/* The parameter that a flag means; *negated for --no-NAME of a BOOL. */
static enum alb_param flag_param(struct alb_str name, unsigned command, bool *negated)
{
    enum alb_param p = alb_option_find(name);

    *negated = false;
    if (p == ALB_PARAM_COUNT && alb_str_starts(name, ALB_STR("no-"))) {
        p = alb_option_find(alb_str_from(name, 3));
        if (p != ALB_PARAM_COUNT && alb_param_specs[p].type != ALB_T_BOOL)
            p = ALB_PARAM_COUNT;
        *negated = p != ALB_PARAM_COUNT;
    }
    if (p != ALB_PARAM_COUNT && (alb_param_specs[p].commands & command) == 0)
        p = ALB_PARAM_COUNT;
    return p;
}

static enum alb_code read_flag(struct alb_options *o, struct words *w, struct alb_err *err)
{
    struct alb_str name, value, word = alb_str_from(alb_str_c(w->argv[w->at++]), 2);
    bool negated, has_value = alb_str_cut(word, '=', &name, &value);
    char place[PLACE_MAX] = "--";
    enum alb_param p = flag_param(name, w->command, &negated);

    if (p == ALB_PARAM_COUNT)
        return unknown(err, name, w->command);
    alb_ignore(!alb_str_to_c(name, place + 2, sizeof(place) - 2), "names in the table are short");
    if (alb_param_specs[p].type == ALB_T_BOOL) {
        if (negated && has_value)
            return alb_fail(err, ALB_E_INVALID, "%s takes no value", place);
        if (!has_value)
            value = negated ? ALB_STR("false") : ALB_STR("true");
    } else if (!has_value) {
        if (w->at == w->argc)
            return alb_fail(err, ALB_E_INVALID, "%s needs a value", place);
        value = alb_str_c(w->argv[w->at++]);
    }
    return alb_options_set(o, p, ALB_SRC_FLAG, value, place, err);
}

static enum alb_code read_words(struct alb_options *o, struct words *w, struct alb_err *err)
{
    size_t n = 0;
    bool ended = false;

    o->rest = alb_mem_calloc((size_t)w->argc + 1, sizeof(*o->rest));
    if (o->rest == NULL)
        return no_memory(err);
    while (w->at < w->argc) {
        struct alb_str word = alb_str_c(w->argv[w->at]);
        if (ended || word.n < 2 || word.p[0] != '-') {
            o->rest[n++] = w->argv[w->at++];
        } else if (alb_str_eq(word, ALB_STR("--"))) {
            ended = true;
            w->at++;
        } else if (word.p[1] != '-') {
            return alb_fail(err, ALB_E_INVALID, "%.*s is unknown; options begin with two dashes", SHOW(word));
        } else {
            enum alb_code code = read_flag(o, w, err);
            if (code != ALB_OK)
                return code;
        }
    }
    return ALB_OK;
}

/* ---- environment ---- */

static enum alb_code read_env(struct alb_options *o, char **envp, struct alb_err *err)
{
    for (; envp != NULL && *envp != NULL; envp++) {
        struct alb_str name, value;
        char place[PLACE_MAX], env_name[ALB_OPTION_NAME_MAX];
        unsigned p = 0;

        if (!alb_str_cut(alb_str_c(*envp), '=', &name, &value) || !alb_str_starts(name, ENV_PREFIX))
            continue;
        struct alb_str bare = alb_str_from(name, ENV_PREFIX.n);
        for (; p < ALB_PARAM_COUNT; p++) {
            alb_option_env_name(alb_param_specs[p].name, env_name);
            if (alb_str_eq_c(bare, env_name))
                break;
        }
        if (p == ALB_PARAM_COUNT)
            return alb_fail(err, ALB_E_INVALID, "the environment variable %.*s is no option of albumen",
                            SHOW(name));
        alb_ignore(!alb_str_to_c(name, place, sizeof(place)), "names in the table are short");
        enum alb_code code = alb_options_set(o, (enum alb_param)p, ALB_SRC_ENV, value, place, err);
        if (code != ALB_OK)
            return code;
    }
    return ALB_OK;
}

/* ---- albumen.conf ---- */

static enum alb_code read_line(struct alb_options *o, struct alb_str line, const char *place, unsigned number,
                               bool in_data, struct alb_err *err)
{
    struct alb_str name, value;

    if (!alb_str_cut(line, '=', &name, &value))
        return alb_fail(err, ALB_E_INVALID, "%s: \"%.*s\" is not \"name = value\"", place, SHOW(line));
    name = alb_str_trim(name);
    enum alb_param p = alb_option_find(name);
    if (p == ALB_PARAM_COUNT) {
        const char *guess = alb_option_guess(name, ALB_CMD_ALL);
        return guess != NULL ? alb_fail(err, ALB_E_INVALID, "%s: \"%.*s\" is no option; did you mean \"%s\"?",
                                        place, SHOW(name), guess)
                             : alb_fail(err, ALB_E_INVALID, "%s: \"%.*s\" is no option", place, SHOW(name));
    }
    if (p == ALB_P_CONFIG || (p == ALB_P_DATA && in_data))
        return alb_fail(err, ALB_E_INVALID, "%s: %s says where this file is and cannot stand in it", place,
                        alb_param_specs[p].name);
    struct alb_option_value *v = &o->value[p];
    if (v->line != 0 && alb_param_specs[p].type != ALB_T_LIST)
        return alb_fail(err, ALB_E_INVALID, "%s: %s is set twice, first in line %u", place,
                        alb_param_specs[p].name, v->line);
    v->line = number;
    return alb_options_set(o, p, ALB_SRC_FILE, alb_str_trim(value), place, err);
}

enum alb_code alb_options_conf(struct alb_options *o, const char *file, bool in_data, struct alb_str text,
                               struct alb_err *err)
{
    struct alb_str line;
    enum alb_code code = ALB_OK;

    for (unsigned number = 1; code == ALB_OK && alb_str_next(&text, '\n', &line); number++) {
        char place[PLACE_MAX];
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        line = alb_str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        (void)snprintf(place, sizeof(place), "%.120s:%u", file, number);
        code = read_line(o, line, place, number, in_data, err);
    }
    return code;
}

static enum alb_code read_file(struct alb_options *o, unsigned command, struct alb_err *err)
{
    struct alb_buf path = ALB_BUF_INIT(4096);
    bool in_data = !alb_opt_given(o, ALB_P_CONFIG);
    char *text;
    size_t n;
    struct alb_err why = ALB_ERR_INIT;

    if (!in_data)
        alb_buf_c(&path, alb_opt_string(o, ALB_P_CONFIG));
    else if ((alb_param_specs[ALB_P_DATA].commands & command) != 0)
        alb_buf_printf(&path, "%s/albumen.conf", alb_opt_string(o, ALB_P_DATA));
    else
        return ALB_OK;
    enum alb_code code = alb_buf_code(&path);
    if (code != ALB_OK) {
        alb_buf_fini(&path);
        return alb_fail(err, code, "the path of albumen.conf");
    }
    code = alb_fs_read_file(AT_FDCWD, alb_buf_cstr(&path), FILE_MAX, &text, &n, &why);
    if (code == ALB_OK) {
        code = alb_options_conf(o, alb_buf_cstr(&path), in_data, alb_str_n(text, n), err);
        alb_mem_free(text);
    } else if (in_data && (code == ALB_E_NOT_FOUND || why.sys == ENOTDIR)) {
        code = ALB_OK; /* it need not be there; who opens a data folder that is none says so better */
    } else {
        code = alb_err_set(err, code, 0, why.where, "%s", why.msg); /* has the text of errno already */
    }
    alb_buf_fini(&path);
    return code;
}

enum alb_code alb_options_parse(unsigned command, int argc, char **argv, char **envp,
                                struct alb_options **out, char ***rest, struct alb_err *err)
{
    struct words w = {.command = command, .argc = argc, .argv = argv};

    *rest = NULL;
    enum alb_code code = alb_options_new(out, err);
    if (code == ALB_OK)
        code = read_words(*out, &w, err);
    if (code == ALB_OK)
        code = read_env(*out, envp, err);
    if (code == ALB_OK)
        code = read_file(*out, command, err);
    if (code != ALB_OK)
        alb_options_free(out);
    else
        *rest = (*out)->rest;
    return code;
}

/* ---- reading ---- */

static const struct alb_option_value *value_of(const struct alb_options *o, enum alb_param p,
                                               enum alb_param_type type)
{
    ALB_CHECK((unsigned)p < ALB_PARAM_COUNT && alb_param_specs[p].type == type);
    return &o->value[p];
}

const char *alb_opt_string(const struct alb_options *o, enum alb_param p)
{
    return value_of(o, p, ALB_T_STRING)->text;
}

bool alb_opt_bool(const struct alb_options *o, enum alb_param p)
{
    return value_of(o, p, ALB_T_BOOL)->number != 0;
}

int64_t alb_opt_int(const struct alb_options *o, enum alb_param p)
{
    return value_of(o, p, ALB_T_INT)->number;
}

int64_t alb_opt_size(const struct alb_options *o, enum alb_param p)
{
    return value_of(o, p, ALB_T_SIZE)->number;
}

int64_t alb_opt_duration(const struct alb_options *o, enum alb_param p)
{
    return value_of(o, p, ALB_T_DURATION)->number;
}

size_t alb_opt_list(const struct alb_options *o, enum alb_param p, const char *const **items)
{
    const struct alb_option_value *v = value_of(o, p, ALB_T_LIST);

    *items = (const char *const *)v->items;
    return v->count;
}

bool alb_opt_given(const struct alb_options *o, enum alb_param p)
{
    ALB_CHECK((unsigned)p < ALB_PARAM_COUNT);
    return o->value[p].source != ALB_SRC_DEFAULT;
}
