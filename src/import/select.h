/* SPDX-License-Identifier: Apache-2.0
 *
 * Which files an import takes. Rules, all pure functions of names and of what stat says:
 *  - banned names: the built-in list (what NAS boxes, macOS and catalogue programs leave behind) and
 * --ban-file; case does not matter; "name/" bans folders only, "/pat" and "pat" look at the last part of the
 * path, a pattern with a slash inside looks at as many last parts as it has itself;
 *  - the kind by extension: what the server lists, narrowed by --include-extensions (which may also name what
 * the server does not list) and --exclude-extensions. The server looks at the content later, in any case;
 *  - the day by the date in the name, else by the last change in local time, inside --date-range.
 * Filled at start by one thread, then read-only and safe for all.
 */
#ifndef ALB_IMPORT_SELECT_H
#define ALB_IMPORT_SELECT_H

#include "base/err.h"
#include "base/str.h"
#include "import/limits.h"

enum alb_skip {
    ALB_SKIP_NONE,
    ALB_SKIP_TYPE,     /* neither the server nor --include-extensions knows the extension */
    ALB_SKIP_SIDECAR,  /* belongs to a photo; not imported on its own */
    ALB_SKIP_EXCLUDED, /* by --include-extensions or --exclude-extensions */
    ALB_SKIP_BANNED,
    ALB_SKIP_DATE,
    ALB_SKIP_EMPTY,
    ALB_SKIP_LINK,    /* another name of a file or folder that was met before */
    ALB_SKIP_SPECIAL, /* socket, pipe, device, dangling link */
    ALB_SKIP_TRASHED, /* lies in the trash of the server */
    ALB_SKIP_COUNT
};
const char *alb_skip_text(enum alb_skip why); /* for the report */
const char *alb_skip_key(enum alb_skip why);  /* for JSON: "unknownType" */

enum alb_kind { ALB_KIND_NONE, ALB_KIND_MEDIA, ALB_KIND_SIDECAR };

struct alb_date_range {
    int from, to; /* yyyymmdd, both inclusive; 0 = open */
};
/* "2023", "2023-07", "2023-07-14" or "FROM,TO" of these (either side may be empty); "" = always. */
enum alb_code alb_date_range_parse(struct alb_str text, struct alb_date_range *out,
                                   struct alb_err *err) ALB_MUST_CHECK;
bool alb_date_range_has(const struct alb_date_range *r, int yyyymmdd);
/* The day that a camera or a person wrote into a file name (20230714, 2023-07-14, 2023_07_14), years 1900 to
 * 2099; 0 = none. */
int alb_date_from_name(struct alb_str name);
/* The local day of a time in nanoseconds since 1970. */
int alb_date_of_time(int64_t ns);

struct alb_extension {
    char text[16]; /* lower case, with its dot */
    enum alb_kind kind;
};
struct alb_extension_set {
    struct alb_extension *items;
    size_t n;
};

struct alb_select {
    struct alb_extension_set types;   /* of the server */
    struct alb_extension_set include; /* empty = all */
    struct alb_extension_set exclude;
    const char *const *bans; /* borrowed: --ban-file */
    size_t bans_n;
    struct alb_date_range dates;
};
void alb_select_fini(struct alb_select *s);
/* Adds an extension, with or without its dot, any case; twice is fine. */
enum alb_code alb_extension_add(struct alb_extension_set *set, struct alb_str ext, enum alb_kind kind,
                                struct alb_err *err) ALB_MUST_CHECK;
bool alb_extension_has(const struct alb_extension_set *set, struct alb_str ext);
/* ".jpg" of "a/b.c/X.JPG", in lower case; "" when there is none or it is too long to be one. */
struct alb_str alb_extension_of(struct alb_str path, char out[16]);

bool alb_select_banned(const struct alb_select *s, struct alb_str path, bool folder);
/* By the name alone (before any stat). */
enum alb_skip alb_select_name(const struct alb_select *s, struct alb_str path);
/* By what stat says. */
enum alb_skip alb_select_stat(const struct alb_select *s, struct alb_str path, int64_t size,
                              int64_t mtime_ns);
/* The MIME type that belongs to an extension; application/octet-stream when unknown. */
const char *alb_mime_of(struct alb_str ext);

#endif
