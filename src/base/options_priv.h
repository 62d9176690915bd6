/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to base: the option table as data, and the parts of options*.c that tests and fuzzers call alone.
 */
#ifndef ALB_BASE_OPTIONS_PRIV_H
#define ALB_BASE_OPTIONS_PRIV_H

#include "base/arena.h"
#include "base/options.h"

struct alb_param_spec {
    const char *name;
    enum alb_param_type type;
    const char *def;
    unsigned commands;
    const char *group, *help;
};
extern const struct alb_param_spec alb_param_specs[ALB_PARAM_COUNT];

/* In order of strength. */
enum alb_option_source { ALB_SRC_DEFAULT, ALB_SRC_FILE, ALB_SRC_ENV, ALB_SRC_FLAG };

struct alb_option_value {
    enum alb_option_source source;
    unsigned line;      /* in the file, if it came from there */
    int64_t number;     /* BOOL, INT, SIZE, DURATION */
    const char *text;   /* STRING */
    const char **items; /* LIST; room for the next power of two */
    size_t count;
};

struct alb_options {
    struct alb_arena *arena; /* every text and list */
    char **rest;             /* a piece of heap of its own: as long as argv */
    struct alb_option_value value[ALB_PARAM_COUNT];
};

/* An empty set of options with every default. */
enum alb_code alb_options_new(struct alb_options **out, struct alb_err *err) ALB_MUST_CHECK;
/* One value from a source; ignored (but checked) if a stronger one spoke. `place` names it in errors. */
enum alb_code alb_options_set(struct alb_options *o, enum alb_param p, enum alb_option_source source,
                              struct alb_str text, const char *place, struct alb_err *err) ALB_MUST_CHECK;
/* The text of an albumen.conf. in_data: the file was found in DATA, so it cannot name it. */
enum alb_code alb_options_conf(struct alb_options *o, const char *file, bool in_data, struct alb_str text,
                               struct alb_err *err) ALB_MUST_CHECK;

/* Values as people write them; false if s is none. Never negative for sizes and durations. */
bool alb_option_bool(struct alb_str s, bool *out) ALB_MUST_CHECK;
bool alb_option_size(struct alb_str s, int64_t *bytes) ALB_MUST_CHECK;
bool alb_option_duration(struct alb_str s, int64_t *ns) ALB_MUST_CHECK;

/* The parameter of this name, or ALB_PARAM_COUNT. */
enum alb_param alb_option_find(struct alb_str name);
/* The name that a person most likely meant, or NULL. */
const char *alb_option_guess(struct alb_str name, unsigned commands);
/* "LISTEN" of "listen": the environment variable without its prefix. out has room for the longest name. */
#define ALB_OPTION_NAME_MAX 40
void alb_option_env_name(const char *name, char out[ALB_OPTION_NAME_MAX]);

#endif
