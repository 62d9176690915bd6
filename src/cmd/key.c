/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen key new --user NAME | list [--user NAME] | revoke ID
 * `new` prints the key, and nothing else, on standard output: scripts read it from there.
 */
#include <string.h>

#include "cmd/admin.h"
#include "library/auth.h"

#define ARENA_CAP ((size_t)16 << 20)

static int usage(struct alb_console *c)
{
    alb_console_err(
        c, "usage: albumen key new --user NAME | list [--user NAME] | revoke ID    (albumen key --help)\n");
    return 2;
}

/* The id of --user; 0 when it was not given. */
static enum alb_code find_user(struct alb_admin *admin, const struct alb_options *o, struct alb_arena *a,
                               int64_t *id, struct alb_err *err)
{
    const char *name = alb_opt_string(o, ALB_P_USER);
    struct alb_user user;
    *id = 0;
    if (name[0] == '\0')
        return ALB_OK;
    enum alb_code code = alb_library_user_find(admin->library, alb_str_c(name), a, &user, err);
    if (code == ALB_E_NOT_FOUND) {
        alb_err_clear(err);
        return alb_fail(err, code, "there is no user %s", name);
    }
    if (code == ALB_OK)
        *id = user.id;
    return code;
}

static void join_permissions(const struct alb_options *o, struct alb_buf *out)
{
    const char *const *items;
    size_t n = alb_opt_list(o, ALB_P_PERMISSIONS, &items);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            alb_buf_char(out, ' ');
        alb_buf_c(out, items[i]);
    }
}

static enum alb_code make(struct alb_admin *admin, const struct alb_options *o, int64_t user,
                          struct alb_obj **made, struct alb_err *err)
{
    struct alb_buf permissions = ALB_BUF_INIT(4096);
    struct alb_future *future = NULL;
    int64_t valid = alb_opt_duration(o, ALB_P_EXPIRES);
    int64_t expires = valid > 0 ? alb_wall(admin->clock) + valid / ALB_NS_PER_MS : 0;
    join_permissions(o, &permissions);
    enum alb_code code = alb_buf_code(&permissions);
    if (code == ALB_OK)
        code = alb_library_key_new(admin->library, user, alb_str_c(alb_opt_string(o, ALB_P_NAME)),
                                   alb_buf_view(&permissions), expires, &future, err);
    else
        code = alb_fail(err, ALB_E_INVALID, "--permissions is too long");
    alb_buf_fini(&permissions);
    return code == ALB_OK ? alb_library_await(&future, made, err) : code;
}

static int new_key(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    struct alb_obj *made = NULL;
    int64_t user = 0;
    enum alb_code code =
        arena ? find_user(admin, call->options, arena, &user, &err) : alb_fail(&err, ALB_E_NO_MEMORY, "key");
    if (code == ALB_OK && user == 0) {
        alb_arena_free(&arena);
        alb_console_err(c, "albumen: key new needs --user NAME\n");
        return 2;
    }
    if (code == ALB_OK)
        code = make(admin, call->options, user, &made, &err);
    alb_arena_free(&arena);
    if (code != ALB_OK)
        return alb_console_fail(c, "key new", &err);
    alb_console_out(c, "%s\n", ALB_CONTAINER_OF(made, struct alb_key_made, obj)->key);
    alb_obj_unref(made);
    return 0;
}

static void print_time(struct alb_console *c, int64_t ms, const char *none)
{
    char text[25];
    if (ms <= 0) {
        alb_console_out(c, "%-24s ", none);
        return;
    }
    alb_time_rfc3339(ms, text);
    alb_console_out(c, "%-24s ", text);
}

static int list(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    struct alb_key *keys = NULL;
    size_t count = 0;
    int64_t user = 0;
    enum alb_code code = arena ? find_user(admin, call->options, arena, &user, &err)
                               : alb_fail(&err, ALB_E_NO_MEMORY, "list of keys");
    if (code == ALB_OK)
        code = alb_library_key_list(admin->library, user, arena, &keys, &count, &err);
    if (code == ALB_OK)
        alb_console_out(c, "%-5s %-5s %-12s %-20s %-24s %-24s %s\n", "id", "user", "begins", "name",
                        "last used", "expires", "permissions");
    for (size_t i = 0; i < count; i++) {
        const struct alb_key *k = &keys[i];
        alb_console_out(c, "%-5lld %-5lld %-12.*s %-20.*s ", (long long)k->id, (long long)k->user_id,
                        ALB_STR_ARG(k->prefix), ALB_STR_ARG(k->name));
        print_time(c, k->last_used_at, "never");
        print_time(c, k->expires_at, "never");
        alb_console_out(c, ALB_STR_FMT "%s\n", ALB_STR_ARG(k->permissions),
                        k->revoked_at ? " (revoked)" : "");
    }
    alb_arena_free(&arena);
    return code == ALB_OK ? 0 : alb_console_fail(c, "key list", &err);
}

static int revoke(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    int64_t id;
    if (!alb_str_i64(alb_str_c(call->words[1]), &id)) {
        alb_console_err(c, "albumen: key revoke needs the id that key list shows\n");
        return 2;
    }
    enum alb_code code = alb_library_key_revoke(admin->library, 0, id, &future, &err);
    if (code == ALB_OK)
        code = alb_library_await(&future, NULL, &err);
    if (code != ALB_OK)
        return alb_console_fail(c, "key revoke", &err);
    alb_console_err(c, "key %s revoked\n", call->words[1]);
    return 0;
}

int alb_admin_key(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    const char *verb = call->words[0];
    if (!verb)
        return usage(c);
    if (strcmp(verb, "new") == 0 && !call->words[1])
        return new_key(admin, call, c);
    if (strcmp(verb, "list") == 0 && !call->words[1])
        return list(admin, call, c);
    if (strcmp(verb, "revoke") == 0 && call->words[1] && !call->words[2])
        return revoke(admin, call, c);
    return usage(c);
}
