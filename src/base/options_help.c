/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of a command as text for a terminal, as man-page source and as Markdown, from the one table.
 * Groups appear in the order in which the table names them first. Pure.
 */
#include <string.h>

#include "base/options_priv.h"

#define HELP_COLUMN 28 /* where explanations begin in --help */
#define HELP_WIDTH 80

struct help {
    struct alb_buf *out;
    unsigned command;
    enum alb_help_form form;
};

static const char *value_word(enum alb_param_type type)
{
    switch (type) {
    case ALB_T_BOOL:
        return "";
    case ALB_T_INT:
        return "N";
    case ALB_T_SIZE:
        return "SIZE";
    case ALB_T_DURATION:
        return "TIME";
    case ALB_T_STRING:
    case ALB_T_LIST:
        break;
    }
    return "TEXT";
}

/* What is said of the value besides the help text. */
static void add_notes(struct alb_buf *b, const struct alb_param_spec *s)
{
    if (s->type == ALB_T_BOOL && strcmp(s->def, "true") == 0)
        alb_buf_printf(b, " (on unless --no-%s)", s->name);
    else if (s->type != ALB_T_BOOL && s->def[0] != '\0')
        alb_buf_printf(b, " (default %s)", s->def);
    if (s->type == ALB_T_LIST)
        alb_buf_c(b, " (may be given again)");
}

/* ---- text ---- */

static void pad(struct alb_buf *out, size_t from, size_t to)
{
    for (; from < to; from++)
        alb_buf_char(out, ' ');
}

/* Words of `text` from column `at` on, broken at HELP_WIDTH, each further line from HELP_COLUMN on. */
static void wrap(struct alb_buf *out, size_t at, struct alb_str text)
{
    struct alb_str word;
    bool first = true;

    while (alb_str_next(&text, ' ', &word)) {
        if (!first && at + 1 + word.n > HELP_WIDTH) {
            alb_buf_char(out, '\n');
            pad(out, 0, HELP_COLUMN);
            at = HELP_COLUMN;
        } else if (!first) {
            alb_buf_char(out, ' ');
            at++;
        }
        alb_buf_str(out, word);
        at += word.n;
        first = false;
    }
    alb_buf_char(out, '\n');
}

static void text_option(struct alb_buf *out, const struct alb_param_spec *s)
{
    struct alb_buf help = ALB_BUF_INIT(4096);
    const char *word = value_word(s->type);
    size_t at = 2 + 2 + strlen(s->name) + (word[0] != '\0' ? 1 + strlen(word) : 0);

    alb_buf_printf(out, "  --%s%s%s", s->name, word[0] != '\0' ? " " : "", word);
    if (at + 2 > HELP_COLUMN) {
        alb_buf_char(out, '\n');
        at = 0;
    }
    pad(out, at, HELP_COLUMN);
    alb_buf_c(&help, s->help);
    add_notes(&help, s);
    wrap(out, HELP_COLUMN, alb_buf_view(&help));
    if (alb_buf_code(&help) != ALB_OK)
        out->code = alb_buf_code(&help);
    alb_buf_fini(&help);
}

/* ---- man ---- */

static void man_escaped(struct alb_buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        alb_buf_c(out, "\\&"); /* else a request at the start of a line */
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            alb_buf_c(out, "\\e");
        else if (*text == '-')
            alb_buf_c(out, "\\-");
        else
            alb_buf_char(out, *text);
    }
}

static void man_option(struct alb_buf *out, const struct alb_param_spec *s)
{
    struct alb_buf notes = ALB_BUF_INIT(1024);
    const char *word = value_word(s->type);

    alb_buf_c(out, ".TP\n\\fB\\-\\-");
    man_escaped(out, s->name);
    alb_buf_c(out, "\\fR");
    if (word[0] != '\0')
        alb_buf_printf(out, " \\fI%s\\fR", word);
    alb_buf_char(out, '\n');
    man_escaped(out, s->help);
    add_notes(&notes, s);
    man_escaped(out, alb_buf_cstr(&notes));
    alb_buf_char(out, '\n');
    if (alb_buf_code(&notes) != ALB_OK)
        out->code = alb_buf_code(&notes);
    alb_buf_fini(&notes);
}

/* ---- Markdown ---- */

static void markdown_escaped(struct alb_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("\\|<>*_`[]", *text) != NULL)
            alb_buf_char(out, '\\');
        alb_buf_char(out, *text);
    }
}

static void markdown_option(struct alb_buf *out, const struct alb_param_spec *s)
{
    char env[ALB_OPTION_NAME_MAX];
    const char *word = value_word(s->type);

    alb_option_env_name(s->name, env);
    alb_buf_printf(out, "| `--%s%s%s` | `ALBUMEN_%s` | ", s->name, word[0] != '\0' ? " " : "", word, env);
    if (s->def[0] != '\0')
        alb_buf_printf(out, "`%s` ", s->def);
    alb_buf_c(out, "| ");
    markdown_escaped(out, s->help);
    if (s->type == ALB_T_LIST)
        alb_buf_c(out, " (may be given again)");
    alb_buf_c(out, " |\n");
}

/* ---- all of them ---- */

static bool is_shown(const struct help *h, unsigned p)
{
    return (alb_param_specs[p].commands & h->command) != 0;
}

static void group_head(const struct help *h, const char *group, bool first)
{
    switch (h->form) {
    case ALB_HELP_TEXT:
        alb_buf_printf(h->out, "%s%s:\n", first ? "" : "\n", group);
        break;
    case ALB_HELP_MAN:
        alb_buf_c(h->out, ".SS ");
        man_escaped(h->out, group);
        alb_buf_char(h->out, '\n');
        break;
    case ALB_HELP_MARKDOWN:
        alb_buf_printf(h->out,
                       "%s### %s\n\n| Option | Environment | Default | Meaning |\n|---|---|---|---|\n",
                       first ? "" : "\n", group);
        break;
    }
}

static void option(const struct help *h, const struct alb_param_spec *s)
{
    switch (h->form) {
    case ALB_HELP_TEXT:
        text_option(h->out, s);
        break;
    case ALB_HELP_MAN:
        man_option(h->out, s);
        break;
    case ALB_HELP_MARKDOWN:
        markdown_option(h->out, s);
        break;
    }
}

/* Whether p is the first shown option of its group. */
static bool opens_group(const struct help *h, unsigned p)
{
    for (unsigned q = 0; q < p; q++) {
        if (is_shown(h, q) && strcmp(alb_param_specs[q].group, alb_param_specs[p].group) == 0)
            return false;
    }
    return true;
}

void alb_options_help(unsigned command, enum alb_help_form form, struct alb_buf *out)
{
    struct help h = {out, command, form};
    bool first = true;

    for (unsigned p = 0; p < ALB_PARAM_COUNT; p++) {
        if (!is_shown(&h, p) || !opens_group(&h, p))
            continue;
        group_head(&h, alb_param_specs[p].group, first);
        first = false;
        for (unsigned q = p; q < ALB_PARAM_COUNT; q++) {
            if (is_shown(&h, q) && strcmp(alb_param_specs[q].group, alb_param_specs[p].group) == 0)
                option(&h, &alb_param_specs[q]);
        }
    }
    if (form != ALB_HELP_TEXT || first)
        return;
    bool has_file =
        ((alb_param_specs[ALB_P_DATA].commands | alb_param_specs[ALB_P_CONFIG].commands) & command) != 0;
    alb_buf_c(out, has_file
                       ? "\nEvery option is also an environment variable (--log-level: ALBUMEN_LOG_LEVEL)\n"
                         "and a line of albumen.conf (log-level = info). Flags are stronger than the\n"
                         "environment, the environment is stronger than the file.\n"
                       : "\nEvery option is also an environment variable (--cache-dir: ALBUMEN_CACHE_DIR).\n"
                         "Flags are stronger than the environment.\n");
}
