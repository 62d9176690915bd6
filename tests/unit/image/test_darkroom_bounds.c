/* SPDX-License-Identifier: Apache-2.0
 *
 * The darkroom: the bounds of memory, results, queues and lives, and a storm after which nothing is left.
 */
#include "dark_world.h"

static void test_out_of_memory(void **state)
{
    struct alb_darkroom_config old = config, small = config;
    struct slow s;
    uint64_t ticket;
    (void)state;
    if (ALB_SANITIZED) { /* its allocator ends the process by itself, and needs more */
        print_message("# a sanitizer has its own way with memory\n");
        return;
    }
    int64_t before = alb_stat_get(ALB_STAT_DARKROOM_OOM);
    small.memory = 100 << 20;
    reopen(&small);
    slow_start(&s, ALB_NEVER, &ticket);
    slow_end(&s);
    if (s.job.code != ALB_E_TOO_LARGE)
        fail_msg("%s: %s", alb_code_name(s.job.code), s.job.err.msg);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_OOM), before + 1);
    works();
    reopen(&old);
}

static void test_result_too_large(void **state)
{
    struct alb_darkroom_config old = config, small = config;
    struct alb_str s = sample(300, 200, ".jpg");
    struct alb_darkroom_job job;
    static struct alb_plan large, fits;
    (void)state;
    int64_t before = alb_stat_get(ALB_STAT_DARKROOM_FSIZE);
    assert_int_equal(plan_with(s, ALB_FORMAT_PNG, &large), ALB_OK); /* what a probe tells is larger */
    assert_int_equal(plan_with(s, ALB_FORMAT_WEBP, &fits), ALB_OK);
    small.result_max = 700;
    reopen(&small);
    assert_int_equal(run_plan(s, &large, ALB_NEVER, &job), ALB_E_TOO_LARGE);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_FSIZE), before + 1);
    assert_int_equal(run_plan(s, &fits, ALB_NEVER, &job), ALB_OK);
    alb_bytes_unref(job.result);
    reopen(&old);
    g_free((void *)(uintptr_t)s.p);
}

static void test_queue_is_bounded(void **state)
{
    struct alb_darkroom_config old = config, small = config;
    struct slow s[8];
    uint64_t ticket[8];
    unsigned busy = 0, accepted = 0;
    (void)state;
    small.queue_max = 2;
    small.render_workers = 1;
    reopen(&small);
    struct alb_str png = sample(100, 100, ".png");
    slow_start(&s[0], ALB_NEVER, &ticket[0]);
    await("a running job", is_running, NULL);
    for (int i = 1; i < 8; i++) {
        s[i].job = s[0].job;
        atomic_store(&s[i].done, 0);
        enum alb_code code = alb_darkroom_submit(dr, &s[i].job, &ticket[i], NULL);
        assert_true(code == ALB_OK || code == ALB_E_BUSY);
        if (code == ALB_OK)
            accepted++;
        else
            busy++;
        if (code != ALB_OK)
            ticket[i] = 0;
    }
    assert_int_equal(accepted, 2);
    assert_int_equal(busy, 5);
    struct alb_probe *p; /* the other lane goes on */
    assert_int_equal(probe_bytes(png, ALB_TYPE_PNG, &p), ALB_OK);
    alb_probe_free(&p);
    for (int i = 0; i < 8; i++) {
        if (ticket[i])
            alb_darkroom_cancel(dr, ticket[i]);
    }
    for (int i = 1; i < 8; i++) {
        if (ticket[i])
            await("the end of a job", is_done, &s[i]);
    }
    slow_end(&s[0]);
    reopen(&old);
    g_free((void *)(uintptr_t)png.p);
}

static void test_recycling(void **state)
{
    struct alb_darkroom_config old = config, few = config;
    struct alb_str s = sample(100, 100, ".jpg");
    (void)state;
    few.jobs_per_worker = 3;
    few.render_workers = 1;
    reopen(&few);
    settle();
    uint64_t before = alb_darkroom_look(dr).started_total;
    int64_t crashes = alb_stat_get(ALB_STAT_DARKROOM_CRASH);
    for (int i = 0; i < 12; i++) {
        struct alb_darkroom_job job;
        assert_int_equal(render_with(s, ALB_FORMAT_JPEG, ALB_NEVER, &job), ALB_OK);
        alb_bytes_unref(job.result);
    }
    settle();
    assert_in_range(alb_darkroom_look(dr).started_total - before, 7,
                    8); /* 12 probes and 12 renders, 3 to a worker */
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_CRASH), crashes);
    reopen(&old);
    g_free((void *)(uintptr_t)s.p);
}

/* ---- storms ---- */

#define STORM 1000

struct drop {
    struct alb_darkroom_job job;
    uint64_t ticket;
};
static struct drop drops[STORM];
static atomic_uint ended, ended_ok, ended_cancelled;

static void drop_done(struct alb_darkroom_job *job)
{
    if (job->code == ALB_OK)
        atomic_fetch_add(&ended_ok, 1);
    else if (job->code == ALB_E_CANCELLED)
        atomic_fetch_add(&ended_cancelled, 1);
    alb_bytes_unref(job->result);
    job->result = NULL;
    atomic_fetch_add(&ended, 1);
}

static bool all_ended(void *arg)
{
    return atomic_load(&ended) == *(unsigned *)arg;
}

/* A thousand jobs, every third cancelled at some moment: afterwards everything is as it was. */
static void test_storm(void **state)
{
    struct alb_str s = sample(400, 300, ".jpg");
    struct alb_image_header h = {.type = ALB_TYPE_JPEG,
                                 .width = 400,
                                 .height = 300,
                                 .orientation = 1,
                                 .pages = 1,
                                 .bits = 8,
                                 .bytes = (int64_t)s.n};
    struct alb_plan_options o;
    static struct alb_plan plan;
    unsigned all = STORM, asked = 0;
    (void)state;
    alb_plan_options_init(&o);
    o.width = 100;
    assert_int_equal(plan_make(&h, &o, &config.limits, &plan, NULL), ALB_OK);
    works();
    settle();
    struct left before = look_what_is_left();
    int fd = file_of(s);
    uint32_t random = 12345;
    for (unsigned i = 0; i < STORM; i++) {
        drops[i].job = (struct alb_darkroom_job){.work = ALB_WORK_RENDER,
                                                 .source_fd = fd,
                                                 .source_bytes = h.bytes,
                                                 .plan = &plan,
                                                 .deadline = ALB_NEVER,
                                                 .done = drop_done};
        struct alb_err err = ALB_ERR_INIT;
        while (alb_darkroom_submit(dr, &drops[i].job, &drops[i].ticket, &err) != ALB_OK) {
            assert_int_equal(err.code, ALB_E_BUSY);
            alb_err_clear(&err);
            breathe();
        }
        random = random * 1664525 + 1013904223;
        if (random >> 16 & 1) { /* one that is queued, running or over */
            alb_darkroom_cancel(dr, drops[i - random % (i < 20 ? i + 1 : 20)].ticket);
            asked++;
        }
    }
    await("the end of the storm", all_ended, &all);
    assert_true(atomic_load(&ended_ok) > 0 && atomic_load(&ended_cancelled) > 0 && asked > 0);
    assert_int_equal(atomic_load(&ended_ok) + atomic_load(&ended_cancelled), STORM);
    settle();
    close(fd);
    await("the end of what was used", nothing_more_is_left, &before);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_BUSY), 0);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_QUEUED), 0);
    works();
    g_free((void *)(uintptr_t)s.p);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_result_too_large),
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_recycling),
        cmocka_unit_test(test_storm),
    };
    if (argc < 2 || !begin(argv[0], argv[1]))
        return 1;
    int rc = cmocka_run_group_tests(tests, start, stop);
    vips_shutdown();
    return rc;
}
