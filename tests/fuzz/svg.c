/* SPDX-License-Identifier: Apache-2.0
 *
 * An SVG that somebody sends and a browser shall read. Promises: what comes out is an SVG again, is clean (looking
 * through it a second time changes nothing), and has no script in it.
 */
#include "base/check.h"
#include "fuzz.h"
#include "image/general_svg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alb_buf once = ALB_BUF_INIT((size_t)4 << 20), twice = ALB_BUF_INIT((size_t)4 << 20);
    if (alb_svg_sanitise((struct alb_str){(const char *)data, size}, &once, NULL) == ALB_OK) {
        struct alb_str text = alb_buf_view(&once);
        ALB_CHECK(alb_str_find_str(text, ALB_STR("<script")) == ALB_STR_NPOS);
        ALB_CHECK(alb_str_find_str(text, ALB_STR("<!")) == ALB_STR_NPOS);
        ALB_CHECK(alb_svg_sanitise(text, &twice, NULL) == ALB_OK);
        ALB_CHECK(alb_str_eq(text, alb_buf_view(&twice)));
    }
    alb_buf_fini(&once);
    alb_buf_fini(&twice);
    return 0;
}
