/* SPDX-License-Identifier: Apache-2.0
 *
 * Both executors over the same plan. First byte: p a random picture and random options from the rest (express_pair.h: the
 * results must look alike); d the same, but the file is damaged in places: the lane refuses, or both make a picture of
 * that size.
 */
#include "fuzz.h"
#include "../unit/image/express_pair.h"
#include "meta/meta.h"

static struct alb_scratch *scratch;

static void start(void)
{
    ALB_CHECK(VIPS_INIT("fuzz") == 0);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    alb_meta_global_init();
    scratch = alb_scratch_new();
    ALB_CHECK(scratch);
}

static void alike(struct dice *d)
{
    struct pair_counts counts = {0};
    ALB_CHECK(pair_run(d, scratch, &counts) <= 0);
}

/* Up to eight bytes are others, and the end may be missing. */
static void damage(struct dice *d, struct alb_str *s)
{
    char *p = (char *)(uintptr_t)s->p;
    for (uint32_t i = 0; i < dice_below(d, 9); i++)
        p[dice_word(d) % s->n] = (char)dice_word(d);
    if (dice_rare(d, 4))
        s->n -= dice_word(d) % s->n;
}

static void damaged(struct dice *d)
{
    static struct alb_plan plan;
    struct alb_plan_options o;
    struct alb_image_header h;
    struct alb_plan_limits limits;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code general;
    alb_plan_limits_default(&limits);
    limits.result_pixels = 400000;
    struct alb_str whole = pair_source(d, 1 + dice_below(d, 200), 1 + dice_below(d, 200)), s = whole;
    pair_header(whole, &h);
    pair_options(d, &o);
    o.lenient = dice_rare(d, 2);
    damage(d, &s);
    const struct alb_plan_ask ask = {.headers = &h, .header_count = 1, .options = &o, .limits = &limits};
    if (alb_plan_make(&ask, &plan, NULL) == ALB_OK && alb_express_takes(&plan))
        (void)pair_render(scratch, &plan, s, &general, &err);
    vips_error_clear();
    g_free((void *)(uintptr_t)whole.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!scratch)
        start();
    uint8_t kind = fuzz_take_byte(&data, &size);
    struct dice d = {data, size, 0};
    if (kind == 'p')
        alike(&d);
    else if (kind == 'd')
        damaged(&d);
    return 0;
}
