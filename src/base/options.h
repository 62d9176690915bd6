/* SPDX-License-Identifier: Apache-2.0
 *
 * Options from one table (tbl/params.h). Order of strength: command line, environment, albumen.conf, default.
 * Parsing happens once at start; afterwards a struct alb_options is read-only and may be read by any thread.
 * Unknown options, bad values and values outside a type's range are refused with a text that names the
 * option, the place (flag, variable, file:line) and what would be right.
 */
#ifndef ALB_BASE_OPTIONS_H
#define ALB_BASE_OPTIONS_H

#include "base/buf.h"

enum alb_param {
#define ALB_X(id, name, type, def, cmds, group, help) ALB_P_##id,
#include "tbl/params.h"
#undef ALB_X
    ALB_PARAM_COUNT
};
enum alb_param_type { ALB_T_STRING, ALB_T_BOOL, ALB_T_INT, ALB_T_SIZE, ALB_T_DURATION, ALB_T_LIST };

enum {
    ALB_CMD_SERVE = 1u << 0,
    ALB_CMD_USER = 1u << 1,
    ALB_CMD_KEY = 1u << 2,
    ALB_CMD_IMPORT = 1u << 3,
    ALB_CMD_CHECK = 1u << 4,
    ALB_CMD_VERSION = 1u << 5,
    ALB_CMD_IMGPROXY = 1u << 6, /* beside IMGPROXY_* variables: what imgproxy has no word for */
    ALB_CMD_CACHE = 1u << 7,
    ALB_CMD_IMAGOR = 1u << 8,   /* the same beside imagor's flags */
    ALB_CMD_STAND_IN = ALB_CMD_IMGPROXY | ALB_CMD_IMAGOR,
    ALB_CMD_SERVER_SIDE = ALB_CMD_SERVE | ALB_CMD_USER | ALB_CMD_KEY | ALB_CMD_CHECK | ALB_CMD_CACHE,
    ALB_CMD_ALL = ((1u << 6) - 1) | ALB_CMD_CACHE, /* that take general options */
};

struct alb_options; /* opaque */

/* Reads argv (without program and command name), the environment and the file. Words that are no options go
 * to *rest (borrowed pointers into argv, NULL-terminated, in a list that *out owns; "--" ends the options).
 * --help is no option of the table: who offers it looks for it first. Variables ALBUMEN_* that are no option
 * are refused. */
enum alb_code alb_options_parse(unsigned command, int argc, char **argv, char **envp,
                                struct alb_options **out, char ***rest, struct alb_err *err) ALB_MUST_CHECK;
void alb_options_free(struct alb_options **o);

const char *alb_opt_string(const struct alb_options *o, enum alb_param p); /* never NULL */
bool alb_opt_bool(const struct alb_options *o, enum alb_param p);
int64_t alb_opt_int(const struct alb_options *o, enum alb_param p);
int64_t alb_opt_size(const struct alb_options *o, enum alb_param p);     /* bytes */
int64_t alb_opt_duration(const struct alb_options *o, enum alb_param p); /* nanoseconds */
size_t alb_opt_list(const struct alb_options *o, enum alb_param p, const char *const **items);
bool alb_opt_given(const struct alb_options *o, enum alb_param p); /* anything stronger than the default */

/* The options of `command` as text for --help, as man-page source, as Markdown. */
enum alb_help_form { ALB_HELP_TEXT, ALB_HELP_MAN, ALB_HELP_MARKDOWN };
void alb_options_help(unsigned command, enum alb_help_form form, struct alb_buf *out);

#endif
