/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that work on the data folder: user, key, check. They run inside the server when it runs (through
 * its control socket, cmd/control.h), else in a process of their own that holds the data folder's lock: the
 * same functions, on the same struct alb_admin, writing to the same console.
 */
#ifndef ALB_CMD_ADMIN_H
#define ALB_CMD_ADMIN_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/options.h"

struct alb_blob_store;
struct alb_cache;
struct alb_library;
struct alb_origins;
struct alb_purges;
struct alb_render;

/* Where a command writes: to the two streams of the person who called it, and one line that says how far it is,
 * which replaces the one before and is seen on a terminal only. False from write: nobody listens any more. Long
 * commands look at alb_console_over now and then and end early. */
enum { ALB_STREAM_OUT = 1, ALB_STREAM_ERR = 2, ALB_STREAM_PROGRESS = 3 };
struct alb_console {
    bool (*write)(struct alb_console *c, int stream, struct alb_str text);
    const atomic_bool *stop; /* NULL: never */
    bool closed;
};
bool alb_console_over(const struct alb_console *c);
void alb_console_out(struct alb_console *c, const char *fmt, ...) ALB_PRINTF(2, 3);
void alb_console_err(struct alb_console *c, const char *fmt, ...) ALB_PRINTF(2, 3);
void alb_console_progress(struct alb_console *c, const char *fmt, ...) ALB_PRINTF(2, 3);
/* "albumen: what: message" on the error stream; returns the exit status for it (1). */
int alb_console_fail(struct alb_console *c, const char *what, const struct alb_err *err);

struct alb_admin {
    const struct alb_clock *clock;
    struct alb_library *library;
    struct alb_blob_store *store;
    struct alb_cache *cache;
    struct alb_render *render;   /* NULL: no server runs here */
    struct alb_purges *purges;   /* of the cache; NULL: nothing can be purged */
    struct alb_origins *origins; /* NULL: no copies of other servers' pictures are kept */
    bool is_shared;              /* the caches are those of `albumen imgproxy` and `albumen imagor` */
};

/* What the person gave: parsed options, the words behind them, and a secret (a new password) if one was asked
 * for. */
struct alb_admin_call {
    const struct alb_options *options;
    char **words; /* NULL-terminated */
    struct alb_str secret;
};
/* Exit statuses: 0 done, 1 failed (or check found problems, or did not come to its end), 2 wrong usage. */
typedef int alb_admin_fn(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c);
alb_admin_fn alb_admin_user, alb_admin_key, alb_admin_check, alb_admin_cache;
/* What is purged by a "url", "source", "prefix" or "tag"; empty: the text is none, and *err says why. */
struct alb_arena;
struct alb_str alb_cache_label(struct alb_arena *a, const char *what, struct alb_str text,
                               struct alb_err *err);
/* `albumen cache` on a folder that processes of `albumen imgproxy` may share, beside them. */
int alb_cache_folder_run(const char *path, const struct alb_admin_call *call, struct alb_console *c);

struct alb_admin_command {
    const char *name;
    unsigned command; /* ALB_CMD_* */
    alb_admin_fn *run;
    bool (*wants_secret)(char **words); /* NULL: never */
};
const struct alb_admin_command *alb_admin_find(const char *name); /* NULL: none of that name */

#endif
