/* SPDX-License-Identifier: Apache-2.0
 *
 * The express lane against the general executor, over random pictures and options.
 */
#include "test.h"

#include "express_pair.h"
#include "meta/meta.h"

#define ASKS 250

static struct alb_scratch *scratch;

static void test_any_plan(void **state)
{
    struct dice d = {.seed = 20261121};
    struct pair_counts counts = {0};
    unsigned bad = 0;
    (void)state;
    for (int i = 0; i < ASKS; i++) {
        double differ = pair_run(&d, scratch, &counts);
        if (differ > 0)
            fprintf(stderr, "# ask %d\n", i);
        bad += differ > 0;
    }
    fprintf(stderr, "# %u plans, %u of the lane, %u done, %.2f apart\n", counts.planned, counts.taken,
            counts.done, counts.sum / counts.done);
    assert_int_equal(bad, 0);
    assert_true(counts.taken > counts.planned / 2);
    assert_true(counts.done > counts.taken * 3 / 4);
    assert_true(counts.sum / counts.done < 2.5);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_plan)};
    (void)argc;
    if (VIPS_INIT(argv[0]) != 0)
        return 99;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    alb_meta_global_init();
    scratch = alb_scratch_new();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    alb_scratch_free(&scratch);
    return rc;
}
