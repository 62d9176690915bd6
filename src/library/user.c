/* SPDX-License-Identifier: Apache-2.0
 *
 * Users and their passwords (contract: auth.h).
 */
#include "catalog/user.h"

#include <string.h>

#include "library/lane.h"

struct user_args {
    struct alb_user row;
    int64_t id, keep_session;
    bool only_first;
    struct alb_str name, email;
    char hash[ALB_HASH_TEXT_LEN];
};

static enum alb_code user_add_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                   struct alb_err *err)
{
    const struct user_args *args = alb_args_of(obj);
    struct alb_uuid uuid;
    int64_t id;
    enum alb_code code = alb_catalog_user_insert(tx, &args->row, alb_str_c(args->hash), &id, &uuid, err);

    return code == ALB_OK ? alb_done_give(result, id, 1, &uuid, err) : code;
}

enum alb_code alb_library_user_add(struct alb_library *lib, const struct alb_user_new *user,
                                   struct alb_future **future, struct alb_err *err)
{
    struct alb_lane_job job = {.name = "user-add", .run = user_add_unit};
    struct user_args *args;

    *future = NULL;
    job.call = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(*args));
    if (job.call != NULL) {
        args = job.call->args;
        args->row.name = alb_call_str(job.call, user->name);
        args->row.email = alb_call_str(job.call, user->email);
        args->row.role = user->role;
        args->row.level = user->level;
        args->row.quota_bytes = user->quota_bytes;
        args->row.should_change_password = user->should_change_password;
        job.hash_to = args->hash;
    }
    if (user->password.n == 0)
        return alb_call_write(&job.call, job.name, job.run, future, err);
    return alb_lane_submit(lib, &job, user->password, future, err);
}

static enum alb_code password_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                   struct alb_err *err)
{
    const struct user_args *args = alb_args_of(obj);
    int64_t n;
    enum alb_code code =
        alb_catalog_user_set_hash(tx, args->id, alb_str_c(args->hash), args->only_first, err);

    if (code == ALB_OK && (args->name.n > 0 || args->email.n > 0))
        code = alb_catalog_user_set_names(tx, args->id, args->name, args->email, err);
    if (code == ALB_OK)
        code = alb_catalog_session_end_others(tx, args->id, args->keep_session, &n, err);
    return code == ALB_OK ? alb_done_give(result, args->id, 1, NULL, err) : code;
}

static enum alb_code set_password(struct alb_library *lib, const struct user_args *what,
                                  struct alb_str password, struct alb_future **future, struct alb_err *err)
{
    struct alb_lane_job job = {.name = "user-password", .run = password_unit};
    struct user_args *args;

    *future = NULL;
    size_t least = what->only_first ? ALB_PASSWORD_FIRST_MIN : ALB_PASSWORD_MIN;
    if (password.n < least)
        return alb_fail(err, ALB_E_INVALID, "the password is too short: %zu bytes at least", least);
    job.call = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(*args));
    if (job.call != NULL) {
        args = job.call->args;
        args->id = what->id;
        args->keep_session = what->keep_session;
        args->only_first = what->only_first;
        args->name = alb_call_str(job.call, what->name);
        args->email = alb_call_str(job.call, what->email);
        job.hash_to = args->hash;
    }
    return alb_lane_submit(lib, &job, password, future, err);
}

enum alb_code alb_library_user_password(struct alb_library *lib, int64_t user_id, struct alb_str password,
                                        int64_t keep_session, struct alb_future **future, struct alb_err *err)
{
    struct user_args what = {.id = user_id, .keep_session = keep_session};

    return set_password(lib, &what, password, future, err);
}

enum alb_code alb_library_first_password(struct alb_library *lib, struct alb_str name, struct alb_str email,
                                         struct alb_str password, struct alb_future **future,
                                         struct alb_err *err)
{
    struct user_args what = {.id = ALB_USER_ADMIN, .only_first = true, .name = name, .email = email};

    return set_password(lib, &what, password, future, err);
}

/* ---- reading ---- */

enum alb_code alb_library_first_run(struct alb_library *lib, bool *first, struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(65536);
    struct alb_user u;
    enum alb_code code;

    *first = false;
    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to look at a user");
    code = alb_library_user_get(lib, ALB_USER_ADMIN, a, &u, err);
    if (code == ALB_OK)
        *first = !u.has_password;
    alb_arena_free(&a);
    return code;
}

enum alb_code alb_library_user_list(struct alb_library *lib, struct alb_arena *a, struct alb_user **list,
                                    size_t *count, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_user_list(s, a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_user_get(struct alb_library *lib, int64_t id, struct alb_arena *a,
                                   struct alb_user *out, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    memset(out, 0, sizeof(*out));
    if (code != ALB_OK)
        return code;
    code = alb_catalog_user_get(s, id, a, out, err);
    alb_catalog_read_end(&s);
    return code;
}

enum alb_code alb_library_user_find(struct alb_library *lib, struct alb_str login, struct alb_arena *a,
                                    struct alb_user *out, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    memset(out, 0, sizeof(*out));
    if (code != ALB_OK)
        return code;
    code = alb_catalog_user_by_login(s, login, a, out, err);
    alb_catalog_read_end(&s);
    return code;
}
