/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen user add NAME | list | passwd NAME
 */
#include <string.h>

#include "cmd/admin.h"
#include "library/auth.h"

#define ARENA_CAP ((size_t)16 << 20)

static const char *role_name(enum alb_role role)
{
    switch (role) {
    case ALB_ROLE_ADMIN:
        return "admin";
    case ALB_ROLE_USER:
        return "user";
    case ALB_ROLE_GUEST:
        return "guest";
    }
    return "user";
}

static int usage(struct alb_console *c)
{
    alb_console_err(c, "usage: albumen user add NAME | list | passwd NAME    (albumen user --help)\n");
    return 2;
}

static int add(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    bool is_admin = alb_opt_bool(call->options, ALB_P_ADMIN);
    int64_t quota = alb_opt_size(call->options, ALB_P_QUOTA);
    struct alb_user_new user = {
        .name = alb_str_c(call->words[1]),
        .email = alb_str_c(alb_opt_string(call->options, ALB_P_EMAIL)),
        .password = call->secret,
        .role = is_admin ? ALB_ROLE_ADMIN : ALB_ROLE_USER,
        .level = is_admin ? 8 : 0,
        .quota_bytes = quota > 0 ? quota : -1,
    };
    enum alb_code code = alb_library_user_add(admin->library, &user, &future, &err);
    if (code == ALB_OK)
        code = alb_library_await(&future, NULL, &err);
    if (code != ALB_OK)
        return alb_console_fail(c, "user add", &err);
    alb_console_err(c, "user %s added%s\n", call->words[1],
                    call->secret.n ? "" : " (no password: set one with passwd)");
    return 0;
}

static int list(struct alb_admin *admin, struct alb_console *c)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    struct alb_user *users = NULL;
    size_t count = 0;
    enum alb_code code = arena ? alb_library_user_list(admin->library, arena, &users, &count, &err)
                               : alb_fail(&err, ALB_E_NO_MEMORY, "list of users");
    if (code == ALB_OK)
        alb_console_out(c, "%-5s %-20s %-6s %-30s %s\n", "id", "name", "role", "e-mail", "bytes");
    for (size_t i = 0; i < count; i++)
        if (users[i].deleted_at == 0)
            alb_console_out(c, "%-5lld %-20.*s %-6s %-30.*s %lld%s\n", (long long)users[i].id,
                            ALB_STR_ARG(users[i].name), role_name(users[i].role), ALB_STR_ARG(users[i].email),
                            (long long)users[i].used_bytes, users[i].has_password ? "" : "  (no password)");
    alb_arena_free(&arena);
    return code == ALB_OK ? 0 : alb_console_fail(c, "user list", &err);
}

static int passwd(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    struct alb_future *future = NULL;
    struct alb_user user;
    enum alb_code code =
        arena ? alb_library_user_find(admin->library, alb_str_c(call->words[1]), arena, &user, &err)
              : alb_fail(&err, ALB_E_NO_MEMORY, "user");
    if (code == ALB_E_NOT_FOUND) {
        alb_err_clear(&err);
        (void)alb_fail(&err, code, "there is no user %s", call->words[1]);
    }
    if (code == ALB_OK)
        code = alb_library_user_password(admin->library, user.id, call->secret, 0, &future, &err);
    if (code == ALB_OK)
        code = alb_library_await(&future, NULL, &err);
    alb_arena_free(&arena);
    if (code != ALB_OK)
        return alb_console_fail(c, "user passwd", &err);
    alb_console_err(c, "password of %s changed, sessions ended\n", call->words[1]);
    return 0;
}

int alb_admin_user(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    const char *verb = call->words[0];
    if (!verb)
        return usage(c);
    if (strcmp(verb, "list") == 0 && !call->words[1])
        return list(admin, c);
    if (!call->words[1] || call->words[2])
        return usage(c);
    if (strcmp(verb, "add") == 0)
        return add(admin, call, c);
    if (strcmp(verb, "passwd") == 0)
        return passwd(admin, call, c);
    return usage(c);
}
