/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths of thumbor's language, all the way to a plan. Whatever the path says: what is made of it are options that are in
 * range and have one key, and a plan that passes the check; or there is a reason why not.
 */
#include <string.h>

#include "base/check.h"
#include "doors/thumbor/compile.h"
#include "fuzz.h"

#define MEMORY ((size_t)16 << 20)

/* The first byte chooses what the source is. */
static struct alb_image_header header_of(uint8_t byte)
{
    static const enum alb_type types[] = {ALB_TYPE_JPEG, ALB_TYPE_PNG, ALB_TYPE_WEBP, ALB_TYPE_GIF,
                                          ALB_TYPE_SVG,  ALB_TYPE_PDF, ALB_TYPE_AVIF, ALB_TYPE_TIFF};
    struct alb_image_header h = {.type = types[byte & 7],
                                 .width = 1 + (byte >> 3) * 61u,
                                 .height = 1 + (byte >> 4) * 97u,
                                 .orientation = (uint8_t)(1 + (byte >> 2) % 8),
                                 .pages = 1,
                                 .bits = 8,
                                 .bytes = 1000};
    h.alpha = (byte & 64) != 0 && h.type != ALB_TYPE_JPEG;
    h.animated = h.type == ALB_TYPE_GIF;
    h.pages = h.animated ? 3 : 1;
    return h;
}

static void make(const struct alb_thumbor_wish *wish, uint8_t byte)
{
    static struct alb_plan plan;
    struct alb_image_header h[ALB_PLAN_INPUTS];
    for (unsigned i = 0; i < ALB_ARRAY_LEN(h); i++)
        h[i] = header_of((uint8_t)(byte + 29 * i));
    const struct alb_rect trims[] = {{0, 0, h[0].width, h[0].height}, {0, 0, 1, 1}, {0, 0, 1, 1}};
    struct alb_plan_ask ask = {h, 1 + wish->inputs, wish->options, &wish->limits, trims, 0};
    struct alb_err err = ALB_ERR_INIT;
    for (ask.trim_count = 0; ask.trim_count < ALB_ARRAY_LEN(trims); ask.trim_count++) {
        alb_err_clear(&err);
        enum alb_code code = alb_plan_make(&ask, &plan, &err);
        ALB_CHECK((code == ALB_OK) == (err.msg[0] == '\0'));
        ALB_CHECK(code != ALB_OK || alb_plan_check(&plan, NULL) == ALB_OK);
        if (code != ALB_OK || !alb_plan_is_trim(&plan))
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t byte = fuzz_take_byte(&data, &size);
    struct alb_str path = alb_str_n((const char *)data, size);
    struct alb_arena *arena = alb_arena_new(MEMORY);
    struct alb_thumbor_config config;
    struct alb_thumbor_filters f;
    struct alb_thumbor_wish wish;
    struct alb_plan_limits limits;
    struct alb_thumbor_url u = {0};
    struct alb_err err = ALB_ERR_INIT;

    ALB_CHECK(arena != NULL);
    alb_thumbor_config_init(&config);
    alb_plan_limits_default(&limits);
    enum alb_code code = size <= ALB_THUMBOR_PATH_MAX && alb_thumbor_url_apply(&u, arena, path)
                             ? alb_thumbor_filters_read(&config.rules, &u, arena, &f, &err)
                             : ALB_E_NO_MEMORY;
    if (code == ALB_OK && !alb_thumbor_extract_focal(&u, arena, &f))
        code = ALB_E_NO_MEMORY;
    if (code == ALB_OK)
        code = alb_thumbor_compile(&config, &u, &f, &limits, arena, &wish, &err);
    if (code == ALB_OK) {
        struct alb_buf key = ALB_BUF_INIT(ALB_OPTIONS_KEY_MAX);
        ALB_CHECK(alb_plan_options_check(wish.options, &err) == ALB_OK);
        alb_plan_options_key(wish.options, &key);
        ALB_CHECK(alb_buf_code(&key) == ALB_OK);
        alb_buf_fini(&key);
        make(&wish, byte);
    }
    alb_arena_free(&arena);
    return 0;
}
