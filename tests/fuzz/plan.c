/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans: any options over any headers give a plan that keeps its promises or a refusal; any bytes as a plan are
 * refused or are a plan.
 */
#include "fuzz.h"

#include "../unit/image/plan_random.h"

static void packed(struct alb_str s)
{
    static struct alb_plan p;
    struct alb_buf b = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    if (alb_plan_unpack(s, &p, NULL) == ALB_OK) {
        ALB_CHECK(alb_plan_check(&p, NULL) == ALB_OK);
        alb_plan_pack(&p, &b);
        ALB_CHECK(alb_str_eq(alb_buf_view(&b), s));
    }
    alb_buf_fini(&b);
}

/* A good one with changes: place, value. */
static void changed(const uint8_t *data, size_t size)
{
    static struct random_ask a;
    static struct alb_plan p;
    struct dice d = {.seed = 1 + fuzz_take_byte(&data, &size)};
    struct alb_buf b = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    do {
        dice_ask(&d, &a);
    } while (alb_plan_make(&a.ask, &p, NULL) != ALB_OK);
    alb_plan_pack(&p, &b);
    for (; size >= 3; data += 3, size -= 3)
        b.p[((size_t)data[0] << 8 | data[1]) % b.n] = (char)data[2];
    packed(alb_buf_view(&b));
    alb_buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct random_ask a;
    uint8_t kind = fuzz_take_byte(&data, &size);
    struct dice d = {.p = data, .n = size};
    if (kind == 'p') {
        packed((struct alb_str){(const char *)data, size});
    } else if (kind == 'c') {
        changed(data, size);
    } else if (kind == 'a' && data) {
        dice_ask(&d, &a);
        (void)hold_ask(&d, &a);
    }
    return 0;
}
