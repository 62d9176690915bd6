/* SPDX-License-Identifier: Apache-2.0
 * asset.warm: which sizes, for whom, in which class; what its ends mean; stopping in the middle.
 */
#include "fakes.h"

#include "library/source.h"
#include "render/render.h"
#include "render/sizes.h"

void *alb_janitor_main(void *jobs)
{
    alb_jobs_rest(jobs, ALB_NEVER);
    return NULL;
}

/* ---- library and render ---- */

static enum alb_code resolve_code, start_code, render_code;
static bool render_hangs;
static unsigned started;
static uint32_t asked_widths[8];
static struct alb_principal machine;
static struct alb_source source;

static void nothing(struct alb_obj *obj)
{
    (void)obj;
}

void alb_principal_cleanup(struct alb_principal **p)
{
    alb_principal_unref(*p);
}

void alb_source_cleanup(struct alb_source **s)
{
    alb_source_unref(*s);
}

enum alb_code alb_library_principal_user(struct alb_library *lib, int64_t user_id,
                                         enum alb_credential credential, int64_t credential_id,
                                         int64_t expires_ms, struct alb_principal **p, struct alb_err *err)
{
    (void)lib;
    (void)user_id;
    (void)credential_id;
    (void)expires_ms;
    (void)err;
    assert_int_equal(credential, ALB_CRED_LOCAL); /* sees what it is told to make, whoever owns it */
    *p = alb_principal_ref(&machine);
    return ALB_OK;
}

enum alb_code alb_library_resolve(struct alb_library *lib, struct alb_principal *p, const struct alb_ref *ref,
                                  enum alb_purpose purpose, struct alb_source **out, struct alb_err *err)
{
    (void)lib;
    assert_ptr_equal(p, &machine);
    assert_int_equal(ref->id, 77);
    assert_int_equal(purpose, ALB_PURPOSE_VIEW);
    *out = NULL;
    if (resolve_code != ALB_OK)
        return alb_fail(err, resolve_code, "the fake library says so");
    *out = alb_source_ref(&source);
    return ALB_OK;
}

void alb_size_options(enum alb_size size, const struct alb_source *s, struct alb_plan_options *out)
{
    (void)s;
    memset(out, 0, sizeof(*out));
    out->width = size == ALB_SIZE_THUMBNAIL ? 512 : size == ALB_SIZE_PREVIEW ? 1440 : 1;
}

enum alb_code alb_render_start(struct alb_render *render, const struct alb_render_ask *ask,
                               struct alb_waiter *w, struct alb_future **future, struct alb_err *err)
{
    (void)render;
    assert_null(w);
    assert_int_equal(ask->cls, ALB_LEASE_BACKGROUND);
    assert_ptr_equal(ask->source, &source);
    *future = NULL;
    if (start_code != ALB_OK)
        return alb_fail(err, start_code, "the fake render says so");
    asked_widths[started++ % 8] = ask->options->width;
    *future = fake_pending();
    if (!render_hangs)
        fake_end_pending(render_code);
    return ALB_OK;
}

/* ---- tests ---- */

static enum alb_code warm(struct alb_jobs *jobs)
{
    const struct alb_job job = {.id = 1, .subject = 77};
    struct alb_err err = ALB_ERR_INIT;
    alb_obj_init(&machine.obj, nothing);
    alb_obj_init(&source.obj, nothing);
    started = 0;
    enum alb_code code = alb_job_warm(jobs, &job, &err);
    assert_int_equal(code, err.code); /* says why, and only then */
    assert_int_equal(atomic_load(&machine.obj.refs), 1);
    assert_int_equal(atomic_load(&source.obj.refs), 1);
    return code;
}

static struct alb_jobs *start(void)
{
    struct alb_jobs *jobs = NULL;
    struct alb_jobs_config config;
    memset(&config, 0, sizeof(config));
    config.clock = alb_clock_real();
    config.runners = 1;
    resolve_code = start_code = render_code = ALB_OK;
    render_hangs = false;
    fake_reset();
    assert_int_equal(alb_jobs_start(&config, &jobs, NULL), ALB_OK);
    return jobs;
}

static void test_both_sizes(void **state)
{
    struct alb_jobs *jobs = start();
    (void)state;
    assert_int_equal(warm(jobs), ALB_OK);
    assert_int_equal(started, 2);
    assert_int_equal(asked_widths[0], 512);
    assert_int_equal(asked_widths[1], 1440);
    alb_jobs_free(&jobs);
}

static void test_ends(void **state)
{
    struct alb_jobs *jobs = start();
    (void)state;
    for (int i = ALB_E_INVALID; i < ALB_CODE_COUNT; i++) {
        enum alb_code code = (enum alb_code)i;
        bool shown = code != ALB_E_UNPROCESSABLE && code != ALB_E_UNSUPPORTED && code != ALB_E_TOO_LARGE;
        resolve_code = code; /* deleted meanwhile: nothing to do */
        assert_int_equal(warm(jobs), code == ALB_E_NOT_FOUND || code == ALB_E_GONE || !shown ? ALB_OK : code);
        resolve_code = ALB_OK;
        start_code = code;
        assert_int_equal(warm(jobs), shown ? code : ALB_OK);
        start_code = ALB_OK;
        render_code = code;
        assert_int_equal(warm(jobs), shown ? code : ALB_OK);
        assert_int_equal(started, 1); /* the second size is not tried then */
        render_code = ALB_OK;
    }
    alb_jobs_free(&jobs);
}

static void *stop(void *arg)
{
    alb_jobs_stop(arg);
    return NULL;
}

static void test_stopping(void **state)
{
    struct alb_jobs *jobs = start();
    pthread_t id;
    (void)state;
    render_hangs = true;
    assert_int_equal(pthread_create(&id, NULL, stop, jobs), 0);
    assert_int_equal(warm(jobs), ALB_E_CANCELLED);
    assert_int_equal(pthread_join(id, NULL), 0);
    if (started > 0)
        fake_end_pending(ALB_OK);
    assert_int_equal(warm(jobs), ALB_E_CANCELLED); /* not even begun */
    assert_int_equal(started, 0);
    alb_jobs_free(&jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_sizes),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_stopping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
