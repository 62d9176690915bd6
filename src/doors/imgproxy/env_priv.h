/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to env*.c: the table of variables, and how values are read.
 */
#ifndef ALB_DOORS_IMGPROXY_ENV_PRIV_H
#define ALB_DOORS_IMGPROXY_ENV_PRIV_H

#include "base/buf.h"
#include "doors/imgproxy/config.h"

#define ALB_IMGPROXY_ENV_PREFIX "IMGPROXY_"
#define ALB_IMGPROXY_FILE_MAX ((size_t)1 << 20) /* of presets, of an environment file */
#define ALB_IMGPROXY_ITEMS_MAX 4096             /* of one list */

enum alb_imgproxy_env_kind {
    ALB_IMGPROXY_ENV_STRING,
    ALB_IMGPROXY_ENV_BOOL,
    ALB_IMGPROXY_ENV_INT,
    ALB_IMGPROXY_ENV_FLOAT,
    ALB_IMGPROXY_ENV_MEGA,         /* a number of millions -> int64_t */
    ALB_IMGPROXY_ENV_SECONDS,      /* whole seconds -> int64_t, ns */
    ALB_IMGPROXY_ENV_WORD,         /* any case -> enum */
    ALB_IMGPROXY_ENV_CHOICE,       /* any case, one of the words -> alb_str, lower case */
    ALB_IMGPROXY_ENV_LIST,         /* commas -> struct alb_imgproxy_list, trimmed */
    ALB_IMGPROXY_ENV_HEX_LIST,     /* commas -> list of bytes */
    ALB_IMGPROXY_ENV_HEX,          /* -> alb_str of bytes */
    ALB_IMGPROXY_ENV_SOURCES,      /* commas -> list of patterns */
    ALB_IMGPROXY_ENV_REPLACEMENTS, /* ";" */
    ALB_IMGPROXY_ENV_PRESETS,      /* PRESETS_SEPARATOR; added to what is there */
    ALB_IMGPROXY_ENV_PRESET_FILE,  /* lines of a file; added */
    ALB_IMGPROXY_ENV_FORMATS,      /* -> preferred[] */
    ALB_IMGPROXY_ENV_FORMAT_BITS,  /* -> uint32_t */
    ALB_IMGPROXY_ENV_QUALITIES,    /* jpeg=70,avif=40 -> uint8_t[ALB_IMGPROXY_FORMATS], over what is there */
    ALB_IMGPROXY_ENV_PATH,         /* "/…" without a slash at the end */
    ALB_IMGPROXY_ENV_TIME,         /* RFC 3339 -> ms */
    ALB_IMGPROXY_ENV_STORE,        /* a boolean: an object store that is not there yet */
    ALB_IMGPROXY_ENV_NOTHING,      /* known, and without effect here */
};
struct alb_imgproxy_variable {
    const char *name; /* without the prefix */
    enum alb_imgproxy_env_kind kind;
    size_t offset;
    double low, high;
    const struct alb_imgproxy_word *words;
};
extern const struct alb_imgproxy_variable alb_imgproxy_variables[];
extern const size_t alb_imgproxy_variable_count;
const struct alb_imgproxy_variable *alb_imgproxy_variable_find(struct alb_str name); /* without the prefix */

/* What was found in the environment and in files: texts in the configuration's arena. */
struct alb_imgproxy_found {
    struct alb_str name, value; /* name without the prefix; blank values are not kept */
};
struct alb_imgproxy_env {
    struct alb_imgproxy_config *config;
    struct alb_imgproxy_found *item;
    size_t count, room;
    struct alb_buf *remarks;
};
struct alb_str alb_imgproxy_env_get(const struct alb_imgproxy_env *e,
                                    const char *name); /* p == NULL: not set */

/* The value of one variable into its field. */
enum alb_code alb_imgproxy_env_set(struct alb_imgproxy_env *e, const struct alb_imgproxy_variable *v,
                                   struct alb_str value, struct alb_err *err) ALB_MUST_CHECK;
/* A dotenv file: NAME=value, "export ", comments, quotes; only IMGPROXY_* and PORT are looked at. */
enum alb_code alb_imgproxy_env_file(struct alb_imgproxy_env *e, struct alb_str path,
                                    struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_imgproxy_env_text(struct alb_imgproxy_env *e, struct alb_str text, const char *place,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Keeps name (with prefix, or PORT) and value; later wins. Others are passed over. */
enum alb_code alb_imgproxy_env_keep(struct alb_imgproxy_env *e, struct alb_str name, struct alb_str value,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Blanks at both ends, line ends among them. */
struct alb_str alb_imgproxy_trim(struct alb_str s);

#endif
