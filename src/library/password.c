/* SPDX-License-Identifier: Apache-2.0
 *
 * Passwords: argon2id, and the lane it runs on (contract: auth.h). A task of the lane does one hash or one
 * verification and then hands the future on to a unit of the catalog; nobody waits in between.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/stat.h"
#include "library/lane.h"

_Static_assert(crypto_pwhash_STRBYTES <= ALB_HASH_TEXT_LEN, "the text form fits");

enum alb_code alb_password_hash(const struct alb_library *lib, struct alb_str password, char out[128],
                                struct alb_err *err)
{
    out[0] = '\0';
    if (password.n < ALB_PASSWORD_MIN || password.n > ALB_PASSWORD_MAX)
        return alb_fail(err, ALB_E_INVALID, "a password has %d to %d bytes", ALB_PASSWORD_MIN,
                        ALB_PASSWORD_MAX);
    if (crypto_pwhash_str_alg(out, password.p, password.n, lib->config.password_ops, lib->config.password_mem,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        out[0] = '\0';
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to hash a password");
    }
    return ALB_OK;
}

bool alb_password_verify(const char *hash, struct alb_str password)
{
    char unused[ALB_HASH_TEXT_LEN];

    if (password.n > ALB_PASSWORD_MAX)
        return false;
    if (hash != NULL && hash[0] != '\0')
        return crypto_pwhash_str_verify(hash, password.p ? password.p : "", password.n) == 0;
    /* Nobody of that name: hashing costs what verifying costs, so the time does not tell. */
    if (crypto_pwhash_str_alg(unused, password.p ? password.p : "", password.n,
                              crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return false;
    return false;
}

/* ---- the lane ---- */

struct lane_task {
    struct alb_task task;
    struct alb_library *lib;
    struct alb_lane_job job;
    struct alb_secret password;
    struct alb_owner owner;
};

static void lane_free(struct lane_task *t)
{
    alb_secret_fini(&t->password);
    alb_call_free(&t->job.call);
    alb_mem_free(t);
}

static enum alb_code verify_for(struct lane_task *t, struct alb_err *err)
{
    bool right;

    right = alb_password_verify(t->job.hash, alb_str_n(t->password.p, t->password.n)); /* "": equal work */
    if (t->job.counted && right)
        alb_throttle_good(t->lib->throttle, &t->job.ticket);
    if (t->job.counted)
        alb_stat_inc(right ? ALB_STAT_SIGN_IN_GOOD : ALB_STAT_SIGN_IN_WRONG);
    if (!right)
        return alb_fail(err, ALB_E_UNAUTHENTICATED,
                        t->job.hash[0] != '\0' ? "wrong password" : "no such user, or no password");
    return ALB_OK;
}

static void lane_run(struct alb_task *task)
{
    struct lane_task *t = ALB_CONTAINER_OF(task, struct lane_task, task);
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code;

    if (t->job.verify)
        code = verify_for(t, &err);
    else
        code = alb_password_hash(t->lib, alb_str_n(t->password.p, t->password.n), t->job.hash_to, &err);
    if (code != ALB_OK) {
        alb_future_fail(&t->owner, &err);
    } else {
        struct alb_catalog_unit unit = {.name = t->job.name, .run = t->job.run, .args = &t->job.call->obj};

        t->job.call = NULL;
        alb_catalog_write_for(t->lib->cat, &unit, &t->owner);
    }
    lane_free(t);
}

enum alb_code alb_lane_submit(struct alb_library *lib, struct alb_lane_job *job, struct alb_str password,
                              struct alb_future **future, struct alb_err *err)
{
    struct lane_task *t = alb_mem_calloc(1, sizeof(*t));
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = ALB_OK;

    *future = NULL;
    if (t == NULL || job->call == NULL || job->call->full || alb_arena_code(job->call->arena) != ALB_OK) {
        alb_call_free(&job->call);
        alb_mem_free(t);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a password");
    }
    t->lib = lib;
    t->job = *job;
    job->call = NULL;
    if (password.n > ALB_PASSWORD_MAX)
        code = alb_fail(err, ALB_E_INVALID, "the password is too long");
    else if (!alb_secret_set(&t->password, password))
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a password");
    if (code == ALB_OK && alb_future_new(future, &t->owner) != ALB_OK)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a password");
    if (code != ALB_OK) {
        lane_free(t);
        return code;
    }
    t->task.run = lane_run;
    code = alb_pool_submit(lib->lane, &t->task);
    if (code == ALB_OK)
        return ALB_OK;
    alb_ignore(alb_fail(&why, code, "too many sign-ins wait"), "in why");
    alb_future_fail(&t->owner, &why);
    alb_future_unref(*future);
    *future = NULL;
    lane_free(t);
    return alb_fail(err, code, "too many sign-ins wait");
}
