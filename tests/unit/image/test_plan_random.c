/* SPDX-License-Identifier: Apache-2.0
 *
 * The promises of plan.h for a hundred thousand asks of any kind, and gravity seen through every turn.
 */
#include "plan_random.h"

#include "test.h"

static void test_promises(void **state)
{
    static struct random_ask a;
    struct dice d = {.seed = 0x9e3779b97f4a7c15u};
    unsigned ok = 0, codes[ALB_CODE_COUNT] = {0};
    (void)state;
    for (int i = 0; i < 100000; i++) {
        dice_ask(&d, &a);
        enum alb_code code = hold_ask(&d, &a);
        ok += code == ALB_OK;
        codes[code]++;
    }
    /* the dice are not loaded: all ends occur, and most of what is asked can be done */
    assert_true(ok > 30000);
    assert_true(codes[ALB_E_INVALID] > 0 && codes[ALB_E_TOO_LARGE] > 0 && codes[ALB_E_UNSUPPORTED] > 0 &&
                codes[ALB_E_UNPROCESSABLE] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
