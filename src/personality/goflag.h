/* SPDX-License-Identifier: Apache-2.0
 *
 * Flags as programs written in Go read them, so that command lines and scripts made for such a program work
 * unchanged: -x, --x, -x=v, -x v; a boolean takes its value only with "="; the first word that is no flag,
 * or "--", ends them and what follows is not looked at. The same words of complaint, the same exit statuses.
 *
 * Flags come in a table of the personality's; values go where the table says. One thread, at start.
 */
#ifndef ALB_PERSONALITY_GOFLAG_H
#define ALB_PERSONALITY_GOFLAG_H

#include "base/buf.h"

enum alb_goflag_type {
    ALB_GOFLAG_STRING,   /* const char *: borrowed from argv */
    ALB_GOFLAG_BOOL,     /* bool */
    ALB_GOFLAG_INT,      /* int64_t; 0x, 0o, 0b and "_" as in Go */
    ALB_GOFLAG_DURATION, /* int64_t, nanoseconds: "1h30m", "1.5s", "300ms", "0" */
    ALB_GOFLAG_OCTAL,    /* int64_t: file modes */
};

struct alb_goflag {
    const char *group; /* title of the group in the help; NULL: that of the one before */
    const char *name, *help;
    enum alb_goflag_type type;
    size_t offset;         /* of the value in the struct that is filled */
    const char *otherwise; /* the default, as it would be written */
};

/* Fills `values` with the defaults and then with argv (without the program's name). ALB_OK; or INVALID: *err
 * is the complaint; or CANCELLED: help was asked for. */
enum alb_code alb_goflag_parse(const struct alb_goflag *flags, size_t count, void *values, int argc,
                               char **argv, struct alb_err *err) ALB_MUST_CHECK;
/* The same in steps, where values come from elsewhere too (environment, files): defaults; one by its name, NOT_FOUND if
 * there is none; the command line over what is there. */
void alb_goflag_defaults(const struct alb_goflag *flags, size_t count, void *values);
enum alb_code alb_goflag_set(const struct alb_goflag *flags, size_t count, void *values, struct alb_str name,
                             const char *text, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_goflag_arguments(const struct alb_goflag *flags, size_t count, void *values, int argc,
                                   char **argv, struct alb_err *err) ALB_MUST_CHECK;
/* Of a word of the command line ("-x", "--x=v"): how many words it takes with its value, 1 or 2; 0: no flag of the
 * table. */
int alb_goflag_words(const struct alb_goflag *flags, size_t count, const char *word);
/* The groups, each with its flags by name. */
void alb_goflag_help(const struct alb_goflag *flags, size_t count, const char *program, struct alb_buf *out);
/* Go's time.ParseDuration. */
bool alb_goflag_duration(struct alb_str text, int64_t *ns) ALB_MUST_CHECK;

#endif
