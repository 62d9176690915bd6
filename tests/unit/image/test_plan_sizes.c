/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes: what imgproxy's own tests expect of a picture of 200 x 100, samples of single rules, and the steps of 500
 * random asks (plan_cases.txt, given as argument).
 */
#include <stdio.h>

#include "plan_simple.h"
#include "test.h"

#define INSIDE ALB_FIT_INSIDE
#define COVER ALB_FIT_COVER
#define DOWN ALB_FIT_COVER_DOWN
#define FORCE ALB_FIT_FORCE
#define AUTO ALB_FIT_AUTO

static struct alb_plan_limits limits;
static const char *cases_path;

static struct alb_image_header header(enum alb_type type, uint32_t w, uint32_t h)
{
    return (struct alb_image_header){
        .type = type, .width = w, .height = h, .orientation = 1, .pages = 1, .bits = 8, .bytes = 1000};
}

static const struct alb_plan *plan(const struct alb_image_header *h, const struct alb_plan_options *o)
{
    static struct alb_plan p;
    struct alb_err err = ALB_ERR_INIT;
    if (plan_make(h, o, &limits, &p, &err) != ALB_OK || alb_plan_check(&p, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    return &p;
}

/* flags: e enlarge, x extend, a extend to the aspect. */
static const struct {
    enum alb_fit fit;
    uint32_t width, height;
    const char *flags;
    uint32_t side_max;
    uint16_t turn;
    uint32_t padding[4], to_width, to_height;
} sizes[] = {
    {INSIDE, 50, 50, "", 0, 0, {0, 0, 0, 0}, 50, 25},
    {INSIDE, 50, 20, "", 0, 0, {0, 0, 0, 0}, 40, 20},
    {INSIDE, 20, 50, "", 0, 0, {0, 0, 0, 0}, 20, 10},
    {INSIDE, 300, 300, "", 0, 0, {0, 0, 0, 0}, 200, 100},
    {INSIDE, 300, 50, "", 0, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 100, 300, "", 0, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 0, 50, "", 0, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 50, 0, "", 0, 0, {0, 0, 0, 0}, 50, 25},
    {INSIDE, 0, 200, "", 0, 0, {0, 0, 0, 0}, 200, 100},
    {INSIDE, 300, 0, "", 0, 0, {0, 0, 0, 0}, 200, 100},
    {INSIDE, 50, 50, "e", 0, 0, {0, 0, 0, 0}, 50, 25},
    {INSIDE, 50, 20, "e", 0, 0, {0, 0, 0, 0}, 40, 20},
    {INSIDE, 20, 50, "e", 0, 0, {0, 0, 0, 0}, 20, 10},
    {INSIDE, 300, 300, "e", 0, 0, {0, 0, 0, 0}, 300, 150},
    {INSIDE, 300, 125, "e", 0, 0, {0, 0, 0, 0}, 250, 125},
    {INSIDE, 250, 300, "e", 0, 0, {0, 0, 0, 0}, 250, 125},
    {INSIDE, 0, 50, "e", 0, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 50, 0, "e", 0, 0, {0, 0, 0, 0}, 50, 25},
    {INSIDE, 0, 200, "e", 0, 0, {0, 0, 0, 0}, 400, 200},
    {INSIDE, 300, 0, "e", 0, 0, {0, 0, 0, 0}, 300, 150},
    {INSIDE, 50, 50, "x", 0, 0, {0, 0, 0, 0}, 50, 50},
    {INSIDE, 50, 20, "x", 0, 0, {0, 0, 0, 0}, 50, 20},
    {INSIDE, 20, 50, "x", 0, 0, {0, 0, 0, 0}, 20, 50},
    {INSIDE, 300, 300, "x", 0, 0, {0, 0, 0, 0}, 300, 300},
    {INSIDE, 300, 125, "x", 0, 0, {0, 0, 0, 0}, 300, 125},
    {INSIDE, 250, 300, "x", 0, 0, {0, 0, 0, 0}, 250, 300},
    {INSIDE, 0, 50, "x", 0, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 50, 0, "x", 0, 0, {0, 0, 0, 0}, 50, 25},
    {INSIDE, 0, 200, "x", 0, 0, {0, 0, 0, 0}, 200, 200},
    {INSIDE, 300, 0, "x", 0, 0, {0, 0, 0, 0}, 300, 100},
    {INSIDE, 50, 50, "a", 0, 0, {0, 0, 0, 0}, 50, 50},
    {INSIDE, 50, 20, "a", 0, 0, {0, 0, 0, 0}, 50, 20},
    {INSIDE, 20, 50, "a", 0, 0, {0, 0, 0, 0}, 20, 50},
    {INSIDE, 300, 300, "a", 0, 0, {0, 0, 0, 0}, 200, 200},
    {INSIDE, 300, 125, "a", 0, 0, {0, 0, 0, 0}, 240, 100},
    {INSIDE, 250, 500, "a", 0, 0, {0, 0, 0, 0}, 200, 400},
    {INSIDE, 0, 50, "a", 0, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 50, 0, "a", 0, 0, {0, 0, 0, 0}, 50, 25},
    {INSIDE, 0, 200, "a", 0, 0, {0, 0, 0, 0}, 200, 100},
    {INSIDE, 300, 0, "a", 0, 0, {0, 0, 0, 0}, 200, 100},
    {COVER, 50, 50, "", 0, 0, {0, 0, 0, 0}, 50, 50},
    {COVER, 50, 20, "", 0, 0, {0, 0, 0, 0}, 50, 20},
    {COVER, 20, 50, "", 0, 0, {0, 0, 0, 0}, 20, 50},
    {COVER, 300, 300, "", 0, 0, {0, 0, 0, 0}, 200, 100},
    {COVER, 300, 50, "", 0, 0, {0, 0, 0, 0}, 200, 50},
    {COVER, 100, 300, "", 0, 0, {0, 0, 0, 0}, 100, 100},
    {COVER, 0, 50, "", 0, 0, {0, 0, 0, 0}, 100, 50},
    {COVER, 50, 0, "", 0, 0, {0, 0, 0, 0}, 50, 25},
    {COVER, 0, 200, "", 0, 0, {0, 0, 0, 0}, 200, 100},
    {COVER, 300, 0, "", 0, 0, {0, 0, 0, 0}, 200, 100},
    {COVER, 50, 50, "e", 0, 0, {0, 0, 0, 0}, 50, 50},
    {COVER, 50, 20, "e", 0, 0, {0, 0, 0, 0}, 50, 20},
    {COVER, 20, 50, "e", 0, 0, {0, 0, 0, 0}, 20, 50},
    {COVER, 300, 300, "e", 0, 0, {0, 0, 0, 0}, 300, 300},
    {COVER, 300, 125, "e", 0, 0, {0, 0, 0, 0}, 300, 125},
    {COVER, 250, 300, "e", 0, 0, {0, 0, 0, 0}, 250, 300},
    {COVER, 0, 50, "e", 0, 0, {0, 0, 0, 0}, 100, 50},
    {COVER, 50, 0, "e", 0, 0, {0, 0, 0, 0}, 50, 25},
    {COVER, 0, 200, "e", 0, 0, {0, 0, 0, 0}, 400, 200},
    {COVER, 300, 0, "e", 0, 0, {0, 0, 0, 0}, 300, 150},
    {COVER, 50, 50, "x", 0, 0, {0, 0, 0, 0}, 50, 50},
    {COVER, 50, 20, "x", 0, 0, {0, 0, 0, 0}, 50, 20},
    {COVER, 20, 50, "x", 0, 0, {0, 0, 0, 0}, 20, 50},
    {COVER, 300, 300, "x", 0, 0, {0, 0, 0, 0}, 300, 300},
    {COVER, 300, 125, "x", 0, 0, {0, 0, 0, 0}, 300, 125},
    {COVER, 250, 300, "x", 0, 0, {0, 0, 0, 0}, 250, 300},
    {COVER, 300, 50, "x", 0, 0, {0, 0, 0, 0}, 300, 50},
    {COVER, 100, 300, "x", 0, 0, {0, 0, 0, 0}, 100, 300},
    {COVER, 0, 50, "x", 0, 0, {0, 0, 0, 0}, 100, 50},
    {COVER, 50, 0, "x", 0, 0, {0, 0, 0, 0}, 50, 25},
    {COVER, 0, 200, "x", 0, 0, {0, 0, 0, 0}, 200, 200},
    {COVER, 300, 0, "x", 0, 0, {0, 0, 0, 0}, 300, 100},
    {COVER, 50, 50, "a", 0, 0, {0, 0, 0, 0}, 50, 50},
    {COVER, 50, 20, "a", 0, 0, {0, 0, 0, 0}, 50, 20},
    {COVER, 20, 50, "a", 0, 0, {0, 0, 0, 0}, 20, 50},
    {COVER, 300, 300, "a", 0, 0, {0, 0, 0, 0}, 200, 200},
    {COVER, 300, 125, "a", 0, 0, {0, 0, 0, 0}, 240, 100},
    {COVER, 250, 500, "a", 0, 0, {0, 0, 0, 0}, 200, 400},
    {COVER, 300, 50, "a", 0, 0, {0, 0, 0, 0}, 300, 50},
    {COVER, 100, 300, "a", 0, 0, {0, 0, 0, 0}, 100, 300},
    {COVER, 0, 50, "a", 0, 0, {0, 0, 0, 0}, 100, 50},
    {COVER, 50, 0, "a", 0, 0, {0, 0, 0, 0}, 50, 25},
    {COVER, 0, 200, "a", 0, 0, {0, 0, 0, 0}, 200, 100},
    {COVER, 300, 0, "a", 0, 0, {0, 0, 0, 0}, 200, 100},
    {DOWN, 50, 50, "", 0, 0, {0, 0, 0, 0}, 50, 50},
    {DOWN, 50, 20, "", 0, 0, {0, 0, 0, 0}, 50, 20},
    {DOWN, 20, 50, "", 0, 0, {0, 0, 0, 0}, 20, 50},
    {DOWN, 300, 300, "", 0, 0, {0, 0, 0, 0}, 100, 100},
    {DOWN, 300, 125, "", 0, 0, {0, 0, 0, 0}, 200, 83},
    {DOWN, 250, 300, "", 0, 0, {0, 0, 0, 0}, 83, 100},
    {DOWN, 0, 50, "", 0, 0, {0, 0, 0, 0}, 100, 50},
    {DOWN, 50, 0, "", 0, 0, {0, 0, 0, 0}, 50, 25},
    {DOWN, 0, 200, "", 0, 0, {0, 0, 0, 0}, 200, 100},
    {DOWN, 300, 0, "", 0, 0, {0, 0, 0, 0}, 200, 100},
    {DOWN, 50, 50, "e", 0, 0, {0, 0, 0, 0}, 50, 50},
    {DOWN, 50, 20, "e", 0, 0, {0, 0, 0, 0}, 50, 20},
    {DOWN, 20, 50, "e", 0, 0, {0, 0, 0, 0}, 20, 50},
    {DOWN, 300, 300, "e", 0, 0, {0, 0, 0, 0}, 300, 300},
    {DOWN, 300, 125, "e", 0, 0, {0, 0, 0, 0}, 300, 125},
    {DOWN, 250, 300, "e", 0, 0, {0, 0, 0, 0}, 250, 300},
    {DOWN, 0, 50, "e", 0, 0, {0, 0, 0, 0}, 100, 50},
    {DOWN, 50, 0, "e", 0, 0, {0, 0, 0, 0}, 50, 25},
    {DOWN, 0, 200, "e", 0, 0, {0, 0, 0, 0}, 400, 200},
    {DOWN, 300, 0, "e", 0, 0, {0, 0, 0, 0}, 300, 150},
    {DOWN, 50, 50, "x", 0, 0, {0, 0, 0, 0}, 50, 50},
    {DOWN, 50, 20, "x", 0, 0, {0, 0, 0, 0}, 50, 20},
    {DOWN, 20, 50, "x", 0, 0, {0, 0, 0, 0}, 20, 50},
    {DOWN, 300, 300, "x", 0, 0, {0, 0, 0, 0}, 300, 300},
    {DOWN, 300, 125, "x", 0, 0, {0, 0, 0, 0}, 300, 125},
    {DOWN, 250, 300, "x", 0, 0, {0, 0, 0, 0}, 250, 300},
    {DOWN, 300, 50, "x", 0, 0, {0, 0, 0, 0}, 300, 50},
    {DOWN, 100, 300, "x", 0, 0, {0, 0, 0, 0}, 100, 300},
    {DOWN, 0, 50, "x", 0, 0, {0, 0, 0, 0}, 100, 50},
    {DOWN, 50, 0, "x", 0, 0, {0, 0, 0, 0}, 50, 25},
    {DOWN, 0, 200, "x", 0, 0, {0, 0, 0, 0}, 200, 200},
    {DOWN, 300, 0, "x", 0, 0, {0, 0, 0, 0}, 300, 100},
    {DOWN, 50, 50, "a", 0, 0, {0, 0, 0, 0}, 50, 50},
    {DOWN, 50, 20, "a", 0, 0, {0, 0, 0, 0}, 50, 20},
    {DOWN, 20, 50, "a", 0, 0, {0, 0, 0, 0}, 20, 50},
    {DOWN, 300, 300, "a", 0, 0, {0, 0, 0, 0}, 100, 100},
    {DOWN, 300, 125, "a", 0, 0, {0, 0, 0, 0}, 200, 83},
    {DOWN, 250, 300, "a", 0, 0, {0, 0, 0, 0}, 83, 100},
    {DOWN, 0, 50, "a", 0, 0, {0, 0, 0, 0}, 100, 50},
    {DOWN, 50, 0, "a", 0, 0, {0, 0, 0, 0}, 50, 25},
    {DOWN, 0, 200, "a", 0, 0, {0, 0, 0, 0}, 200, 100},
    {DOWN, 300, 0, "a", 0, 0, {0, 0, 0, 0}, 200, 100},
    {INSIDE, 100, 100, "", 1000, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 100, 100, "", 50, 0, {0, 0, 0, 0}, 50, 25},
    {INSIDE, 0, 0, "", 50, 0, {0, 0, 0, 0}, 50, 25},
    {INSIDE, 0, 100, "", 100, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 150, 0, "", 50, 0, {0, 0, 0, 0}, 50, 25},
    {INSIDE, 1000, 1000, "", 100, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 1000, 1000, "e", 100, 0, {0, 0, 0, 0}, 100, 50},
    {INSIDE, 1000, 2000, "x", 100, 0, {0, 0, 0, 0}, 50, 100},
    {INSIDE, 1000, 2000, "a", 100, 0, {0, 0, 0, 0}, 50, 100},
    {INSIDE, 100, 150, "", 100, 90, {0, 0, 0, 0}, 50, 100},
    {INSIDE, 0, 0, "", 100, 90, {0, 0, 0, 0}, 50, 100},
    {INSIDE, 100, 100, "", 200, 0, {100, 200, 300, 400}, 200, 129},
    {COVER, 100, 100, "", 1000, 0, {0, 0, 0, 0}, 100, 100},
    {COVER, 100, 100, "", 50, 0, {0, 0, 0, 0}, 50, 50},
    {COVER, 1000, 50, "", 50, 0, {0, 0, 0, 0}, 50, 13},
    {COVER, 100, 1000, "", 50, 0, {0, 0, 0, 0}, 50, 50},
    {COVER, 0, 0, "", 50, 0, {0, 0, 0, 0}, 50, 25},
    {COVER, 0, 100, "", 100, 0, {0, 0, 0, 0}, 100, 50},
    {COVER, 150, 0, "", 50, 0, {0, 0, 0, 0}, 50, 25},
    {COVER, 1000, 1000, "", 100, 0, {0, 0, 0, 0}, 100, 50},
    {COVER, 1000, 1000, "e", 100, 0, {0, 0, 0, 0}, 100, 100},
    {COVER, 1000, 2000, "x", 100, 0, {0, 0, 0, 0}, 50, 100},
    {COVER, 1000, 2000, "a", 100, 0, {0, 0, 0, 0}, 50, 100},
    {COVER, 100, 150, "", 100, 90, {0, 0, 0, 0}, 67, 100},
    {COVER, 0, 0, "", 100, 90, {0, 0, 0, 0}, 50, 100},
    {COVER, 100, 100, "", 200, 0, {100, 200, 300, 400}, 200, 144},
    {DOWN, 100, 100, "", 1000, 0, {0, 0, 0, 0}, 100, 100},
    {DOWN, 100, 100, "", 50, 0, {0, 0, 0, 0}, 50, 50},
    {DOWN, 1000, 50, "", 50, 0, {0, 0, 0, 0}, 50, 3},
    {DOWN, 100, 1000, "", 50, 0, {0, 0, 0, 0}, 5, 50},
    {DOWN, 0, 0, "", 50, 0, {0, 0, 0, 0}, 50, 25},
    {DOWN, 0, 100, "", 100, 0, {0, 0, 0, 0}, 100, 50},
    {DOWN, 150, 0, "", 50, 0, {0, 0, 0, 0}, 50, 25},
    {DOWN, 1000, 1000, "", 100, 0, {0, 0, 0, 0}, 100, 100},
    {DOWN, 1000, 1000, "e", 100, 0, {0, 0, 0, 0}, 100, 100},
    {DOWN, 1000, 2000, "x", 100, 0, {0, 0, 0, 0}, 50, 100},
    {DOWN, 1000, 2000, "a", 100, 0, {0, 0, 0, 0}, 50, 100},
    {DOWN, 1000, 1500, "", 100, 90, {0, 0, 0, 0}, 67, 100},
    {DOWN, 0, 0, "", 100, 90, {0, 0, 0, 0}, 50, 100},
    {DOWN, 100, 100, "", 200, 0, {100, 200, 300, 400}, 200, 144},
    {DOWN, 1000, 1000, "", 200, 0, {100, 200, 300, 400}, 200, 144},
    /* further samples of single rules */
    {FORCE, 300, 300, "", 0, 0, {0, 0, 0, 0}, 100, 100}, /* no axis enlarged, proportions as asked */
    {FORCE, 50, 0, "", 0, 0, {0, 0, 0, 0}, 50, 100},
    {FORCE, 0, 0, "", 0, 0, {0, 0, 0, 0}, 200, 100},
    {AUTO, 50, 80, "", 0, 0, {0, 0, 0, 0}, 50, 25},
    {AUTO, 80, 50, "", 0, 0, {0, 0, 0, 0}, 80, 50},
    {INSIDE, 33, 33, "", 0, 0, {0, 0, 0, 0}, 33, 17}, /* 16.5: half away from zero */
    {INSIDE, 33, 33, "", 0, 90, {0, 0, 0, 0}, 17, 33},
    {COVER, 100, 150, "", 100, 90, {0, 0, 0, 0}, 67, 100},
    {COVER, 100, 100, "", 200, 0, {100, 200, 300, 400}, 200, 144},
};

static void test_sizes(void **state)
{
    struct alb_image_header h = header(ALB_TYPE_PNG, 200, 100);
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.fit = sizes[i].fit;
        o.width = sizes[i].width;
        o.height = sizes[i].height;
        o.enlarge = strchr(sizes[i].flags, 'e') != NULL;
        o.extend.on = strchr(sizes[i].flags, 'x') != NULL;
        o.extend_aspect.on = strchr(sizes[i].flags, 'a') != NULL;
        o.side_max = sizes[i].side_max;
        o.turn = sizes[i].turn;
        memcpy(o.padding, sizes[i].padding, sizeof(o.padding));
        const struct alb_plan *p = plan(&h, &o);
        if (p->width != sizes[i].to_width || p->height != sizes[i].to_height)
            fail_msg("row %zu: %ux%u", i, p->width, p->height);
    }
}

static void test_dpr_and_zoom(void **state)
{
    static const struct {
        enum alb_fit fit;
        uint32_t width, height;
        double dpr, zoom_x, zoom_y;
        uint32_t padding, min_width, to_width, to_height;
    } cases[] = {
        {INSIDE, 150, 150, 2, 1, 1, 0, 0, 200, 100},   /* no more than there is */
        {INSIDE, 400, 400, 0.5, 1, 1, 0, 0, 200, 100}, /* what is short of the size takes it up */
        {COVER, 50, 50, 2, 1, 1, 10, 0, 140, 140},
        {INSIDE, 50, 50, 1, 2, 2, 0, 0, 100, 50},
        {FORCE, 50, 50, 1, 2, 1, 0, 0, 100, 50},
        {INSIDE, 50, 50, 1, 1, 1, 0, 80, 50, 40}, /* made as wide as 80, then cut to 50 */
        {INSIDE, 20, 20, 1, 0.001, 0.001, 0, 0, 1, 1},
    };
    struct alb_image_header h = header(ALB_TYPE_PNG, 200, 100);
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.fit = cases[i].fit;
        o.width = cases[i].width;
        o.height = cases[i].height;
        o.dpr = cases[i].dpr;
        o.zoom_x = cases[i].zoom_x;
        o.zoom_y = cases[i].zoom_y;
        o.min_width = cases[i].min_width;
        for (size_t k = 0; k < 4; k++)
            o.padding[k] = cases[i].padding;
        const struct alb_plan *p = plan(&h, &o);
        if (p->width != cases[i].to_width || p->height != cases[i].to_height)
            fail_msg("row %zu: %ux%u", i, p->width, p->height);
    }
}

static void test_crop_aspect(void **state)
{
    static const struct {
        double width, height, aspect;
        bool enlarge;
        uint32_t to_width, to_height;
    } cases[] = {
        {0, 0, 1, false, 100, 100},  {0, 0, 4, false, 200, 50},     {50, 50, 2, false, 50, 25},
        {50, 50, 2, true, 100, 50},  {50, 50, 0.5, true, 50, 100},  {150, 80, 0.5, true, 50, 100},
        {150, 50, 4, true, 200, 50}, {0.5, 0.5, 0, false, 100, 50}, {1000, 0.001, 0, false, 200, 1},
        {2, 2, 100000, false, 2, 1},
    };
    struct alb_image_header h = header(ALB_TYPE_PNG, 200, 100);
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.crop = (struct alb_crop){.on = true,
                                   .width = cases[i].width,
                                   .height = cases[i].height,
                                   .aspect = cases[i].aspect,
                                   .aspect_enlarge = cases[i].enlarge};
        const struct alb_plan *p = plan(&h, &o);
        if (p->width != cases[i].to_width || p->height != cases[i].to_height)
            fail_msg("row %zu: %ux%u", i, p->width, p->height);
    }
}

/* What a format cannot hold is made smaller. */
static void test_side_limits(void **state)
{
    static const struct {
        uint32_t width, height;
        enum alb_format format;
        uint32_t to_width, to_height;
        enum alb_format to;
    } cases[] = {
        {20000, 100, ALB_FORMAT_WEBP, 16383, 82, ALB_FORMAT_WEBP},
        {100, 20000, ALB_FORMAT_AVIF, 82, 16384, ALB_FORMAT_AVIF},
        {16384, 100, ALB_FORMAT_HEIC, 16384, 100, ALB_FORMAT_HEIC},
        {512, 128, ALB_FORMAT_ICO, 256, 64, ALB_FORMAT_ICO},
        {65535, 2, ALB_FORMAT_GIF, 65535, 2, ALB_FORMAT_GIF},
        {70000, 100, ALB_FORMAT_GIF, 65535, 94, ALB_FORMAT_GIF},
        {40, 15, ALB_FORMAT_AVIF, 40, 15, ALB_FORMAT_JPEG},
        {40, 16, ALB_FORMAT_AVIF, 40, 16, ALB_FORMAT_AVIF},
    };
    (void)state;
    limits.result_side = 100000;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_image_header h = header(ALB_TYPE_PNG, cases[i].width, cases[i].height);
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.output.format = cases[i].format;
        const struct alb_plan *p = plan(&h, &o);
        if (p->width != cases[i].to_width || p->height != cases[i].to_height || p->format != cases[i].to)
            fail_msg("row %zu: %ux%u %s", i, p->width, p->height, alb_format_name(p->format));
    }
    alb_plan_limits_default(&limits);
}

/* ---- random asks ---- */

static void gravity(struct alb_gravity *g, const double *v)
{
    *g = (struct alb_gravity){(enum alb_gravity_kind)v[0], v[1], v[2]};
}

enum { NUMBERS = 37 };

static void options_of(const double *v, struct alb_plan_options *o)
{
    static const enum alb_fit fits[] = {INSIDE, COVER, DOWN, FORCE, AUTO};
    static const enum alb_format formats[] = {ALB_FORMAT_PNG,  ALB_FORMAT_JPEG, ALB_FORMAT_WEBP,
                                              ALB_FORMAT_SAME, ALB_FORMAT_HEIC, ALB_FORMAT_AVIF,
                                              ALB_FORMAT_GIF,  ALB_FORMAT_ICO};
    unsigned flags = (unsigned)v[14];
    alb_plan_options_init(o);
    o->fit = fits[(int)v[6]];
    o->width = (uint32_t)v[7];
    o->height = (uint32_t)v[8];
    o->min_width = (uint32_t)v[9];
    o->min_height = (uint32_t)v[10];
    o->zoom_x = v[11];
    o->zoom_y = v[12];
    o->dpr = v[13];
    o->enlarge = flags & 1;
    o->flip_h = flags & 2;
    o->flip_v = flags & 4;
    o->extend.on = flags & 8;
    o->extend_aspect.on = flags & 16;
    o->ignore_orientation = !(flags & 32);
    o->crop = (struct alb_crop){.on = true, .width = v[15], .height = v[16]};
    gravity(&o->crop.at, v + 17);
    gravity(&o->gravity, v + 20);
    gravity(&o->extend.at, v + 23);
    gravity(&o->extend_aspect.at, v + 26);
    o->turn = (uint16_t)v[29];
    for (int i = 0; i < 4; i++)
        o->padding[i] = (uint32_t)v[30 + i];
    o->side_max = (uint32_t)v[34];
    o->output.format = formats[(int)v[36]];
}

static void write_steps(const struct alb_plan *p, struct alb_buf *b)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct alb_plan_step *s = &p->steps[i];
        if (s->kind == ALB_STEP_LOAD)
            alb_buf_printf(b, "L%u,%u", s->width, s->height);
        else if (s->kind == ALB_STEP_CROP)
            alb_buf_printf(b, ";C%u,%u,%u,%u", s->u.crop.left, s->u.crop.top, s->width, s->height);
        else if (s->kind == ALB_STEP_RESIZE)
            alb_buf_printf(b, ";R%u,%u", s->width, s->height);
        else if (s->kind == ALB_STEP_COLOUR) /* before the turn, whether there is one or not */
            alb_buf_c(b, ";T");
        else if (s->kind == ALB_STEP_CANVAS)
            alb_buf_printf(b, ";E%u,%u,%u,%u", s->width, s->height, s->u.canvas.left, s->u.canvas.top);
    }
    alb_buf_printf(b, ";=%u,%u", p->width, p->height);
}

static void check_case(char *line, int number)
{
    static const enum alb_type types[] = {ALB_TYPE_PNG, ALB_TYPE_JPEG, ALB_TYPE_WEBP,
                                          ALB_TYPE_SVG, ALB_TYPE_HEIC, ALB_TYPE_AVIF};
    double v[NUMBERS];
    struct alb_plan_options o;
    struct alb_buf b = ALB_BUF_INIT(1024);
    for (int i = 0; i < NUMBERS; i++)
        v[i] = strtod(line, &line);
    struct alb_image_header h = header(types[(int)v[0]], (uint32_t)v[1], (uint32_t)v[2]);
    h.orientation = (uint8_t)v[3];
    h.thumb_width = (uint32_t)v[4];
    h.thumb_height = (uint32_t)v[5];
    limits.source_pixels = (uint64_t)v[35];
    options_of(v, &o);
    write_steps(plan(&h, &o), &b);
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line + 1, alb_buf_cstr(&b)) != 0)
        fail_msg("case %d: %s instead of%s", number, alb_buf_cstr(&b), line);
    alb_buf_fini(&b);
}

static void test_random_asks(void **state)
{
    char line[1024];
    int number = 0;
    (void)state;
    FILE *f = fopen(cases_path, "re");
    assert_non_null(f);
    limits.result_side = 1000000;
    limits.result_pixels = (uint64_t)1 << 50;
    limits.memory = UINT64_MAX;
    while (fgets(line, sizeof(line), f)) {
        if (line[0] != '#')
            check_case(line, ++number);
    }
    assert_int_equal(number, 500);
    assert_int_equal(fclose(f), 0);
    alb_plan_limits_default(&limits);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),       cmocka_unit_test(test_dpr_and_zoom),
        cmocka_unit_test(test_crop_aspect), cmocka_unit_test(test_side_limits),
        cmocka_unit_test(test_random_asks),
    };
    if (argc < 2)
        return 1;
    cases_path = argv[1];
    alb_plan_limits_default(&limits);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
