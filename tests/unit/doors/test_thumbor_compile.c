/* SPDX-License-Identifier: Apache-2.0
 *
 * From paths of thumbor's language to plans: what steps are made of them, and how large the result is. What is marked
 * as golden is what imagor 1.9.5 makes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "doors/thumbor/compile.h"

static struct alb_plan plan;
static struct alb_thumbor_config config;
static struct alb_image_header header;
static const struct alb_image_header png_mark = {
    .type = ALB_TYPE_PNG, .width = 20, .height = 10, .orientation = 1, .pages = 1, .bits = 8, .bytes = 1000};
static struct alb_image_header mark;
static struct alb_rect answer[2];
static unsigned answers; /* to a trim of the source, if 0 */

static enum alb_code make(const char *path, struct alb_err *err)
{
    struct alb_arena *arena = alb_arena_new((size_t)4 << 20);
    struct alb_thumbor_url u = {0};
    struct alb_thumbor_filters f;
    struct alb_thumbor_wish wish;
    struct alb_plan_limits limits;
    alb_plan_limits_default(&limits);
    assert_true(alb_thumbor_url_apply(&u, arena, alb_str_c(path)));
    enum alb_code code = alb_thumbor_filters_read(&config.rules, &u, arena, &f, err);
    if (code == ALB_OK && !alb_thumbor_extract_focal(&u, arena, &f))
        code = ALB_E_NO_MEMORY;
    if (code == ALB_OK)
        code = alb_thumbor_compile(&config, &u, &f, &limits, arena, &wish, err);
    if (code == ALB_OK) {
        struct alb_rect trim = {10, 10, 80, 40};
        bool is_source = answers == 0 && strstr(path, "trim/") != NULL && strstr(path, "trim/") <= path + 6;
        const struct alb_image_header headers[ALB_PLAN_INPUTS] = {header, mark, mark, mark,
                                                                  mark,   mark, mark, mark};
        const struct alb_plan_ask ask = {headers,
                                         1 + wish.inputs,
                                         wish.options,
                                         &wish.limits,
                                         is_source ? &trim : answer,
                                         is_source ? 1 : answers};
        code = alb_plan_make(&ask, &plan, err);
    }
    if (code == ALB_OK)
        code = alb_plan_check(&plan, err);
    alb_arena_free(&arena);
    return code;
}

static void set_header(enum alb_type type, uint32_t w, uint32_t h)
{
    header = (struct alb_image_header){
        .type = type, .width = w, .height = h, .orientation = 1, .pages = 1, .bits = 8, .bytes = 1000};
}

static const char *steps(const char *path)
{
    static char text[2048];
    static const char letters[] = "?LRCTKFESGXMNB9";
    struct alb_err err = ALB_ERR_INIT;
    struct alb_buf b = ALB_BUF_INIT(sizeof(text) - 1);
    if (make(path, &err) != ALB_OK)
        fail_msg("%s: %s", path, err.msg);
    for (uint32_t i = 0; i < plan.count; i++) {
        const struct alb_plan_step *s = &plan.steps[i];
        if (s->kind == ALB_STEP_COLOUR) /* of layers; never of the picture */
            continue;
        alb_buf_printf(&b, "%s%c%ux%u", i > 0 ? " " : "", letters[s->kind], s->width, s->height);
        if (s->kind == ALB_STEP_CROP)
            alb_buf_printf(&b, "+%u+%u", s->u.crop.left, s->u.crop.top);
        if (s->kind == ALB_STEP_CANVAS)
            alb_buf_printf(&b, "+%u+%u/%d:%06x", s->u.canvas.left, s->u.canvas.top, (int)s->u.canvas.ground,
                           s->u.canvas.rgb);
        if (s->kind == ALB_STEP_MARK)
            alb_buf_printf(&b, "=%ux%u%+d%+d*%u*%u", s->u.mark.width, s->u.mark.height, s->u.mark.left,
                           s->u.mark.top, s->u.mark.across, s->u.mark.down);
        if (s->kind == ALB_STEP_BLEND)
            alb_buf_printf(&b, "%+d%+d*%u*%u/%d:%g", s->u.blend.left, s->u.blend.top, s->u.blend.across,
                           s->u.blend.down, (int)s->u.blend.blend, s->u.blend.opacity);
        if (s->kind == ALB_STEP_LOAD && s->u.load.input > 0)
            alb_buf_printf(&b, "#%u", s->u.load.input);
        if (s->kind == ALB_STEP_TURN)
            alb_buf_printf(&b, "/%u", s->u.turn.orientation);
        if (s->kind == ALB_STEP_FLATTEN)
            alb_buf_printf(&b, "/%06x", s->u.flatten.rgb);
        if (s->kind == ALB_STEP_EFFECT)
            alb_buf_printf(&b, "/%d:%g", (int)s->u.effect.kind, s->u.effect.amount);
        if (s->kind == ALB_STEP_EFFECT && s->u.effect.area.width > 0)
            alb_buf_printf(&b, "@%ux%u+%u+%u%s:%06x", s->u.effect.area.width, s->u.effect.area.height,
                           s->u.effect.area.left, s->u.effect.area.top, s->u.effect.keep ? "?" : "",
                           s->u.effect.rgb);
        if (s->kind == ALB_STEP_ENCODE)
            alb_buf_printf(&b, "/%s", alb_format_name(s->u.encode.output.format));
    }
    memcpy(text, alb_buf_cstr(&b), b.n + 1);
    alb_buf_fini(&b);
    return text;
}

static const struct {
    const char *path, *steps;
} table[] = {
    /* of a PNG of 100 x 68 */
    {"i", "L100x68 E100x68/png"},
    {"50x50/i", "L100x68 R74x50 C50x50+12+0 E50x50/png"},
    {"50x50/left/i", "L100x68 R74x50 C50x50+0+0 E50x50/png"},
    {"50x50/right/top/i", "L100x68 R74x50 C50x50+24+0 E50x50/png"},
    {"100x20/top/i", "L100x68 C100x20+0+0 E100x20/png"},
    {"100x20/bottom/i", "L100x68 C100x20+0+48 E100x20/png"},
    {"50x50/smart/i", "L100x68 R74x50 S50x50 E50x50/png"},
    {"300x/i", "L100x68 R300x204 E300x204/png"},
    {"fit-in/300x300/i", "L100x68 E100x68/png"},
    {"fit-in/300x300/filters:upscale()/i", "L100x68 R300x204 E300x204/png"},
    {"300x300/filters:no_upscale()/i", "L100x68 E100x68/png"},
    {"full-fit-in/102x30/i", "L100x68 R102x69 E102x69/png"}, /* golden */
    {"stretch/20x90/i", "L100x68 R20x90 E20x90/png"},
    {"-50x-50/left/i", "L100x68 R74x50 C50x50+0+0 T50x50/3 E50x50/png"},
    {"10x10:60x60/25x25/i", "L100x68 C50x50+10+10 R25x25 E25x25/png"},
    {"trim/i", "L100x68 C80x40+10+10 E80x40/png"},
    {"trim/50x0:0x0/i", "L100x68 C40x40+50+10 E40x40/png"},
    {"50x50/filters:focal(90x34)/i", "L100x68 R74x50 C50x50+24+0 E50x50/png"},
    {"50x50/filters:extract_focal()/h/unsafe/90x0:91x1/i", "L100x68 R74x50 C50x50+24+0 E50x50/png"},
    {"fit-in/50x50/filters:fill(red)/i", "L100x68 R50x34 G50x50+0+8/1:ff0000 E50x50/png"},
    {"fit-in/50x50/10x5/filters:fill(none)/i", "L100x68 R50x34 G70x60+10+13/0:000000 E70x60/png"},
    {"fit-in/50x50/filters:fill(blur,true)/i", "L100x68 R50x34 G50x50+0+8/3:000000 E50x50/png"},
    {"fit-in/50x50/filters:fill(auto)/i", "L100x68 R50x34 G50x50+0+8/2:000000 E50x50/png"},
    {"fit-in/100x40/1x2:3x4/filters:rotate(90):fill(yellow)/i",
     "L100x68 R59x40 T40x59/8 G46x104+2+21/1:ffff00 E46x104/png"},
    {"filters:rotate(90)/i", "L100x68 T68x100/8 E68x100/png"},
    {"filters:rotate(90):rotate(270):rotate(180)/i", "L100x68 T68x100/8 T100x68/6 T100x68/3 E100x68/png"},
    {"50x0/left/filters:orient(90)/i", "L100x68 R74x50 T50x74/8 E50x74/png"},
    {"filters:proportion(50)/i", "L100x68 R50x34 E50x34/png"},
    {"filters:proportion(0.5):rotate(180)/i", "L100x68 R50x34 T50x34/3 E50x34/png"},
    {"filters:crop(0.1,10,0.5,20)/i", "L100x68 C50x20+10+10 E50x20/png"},
    {"filters:padding(white,10,20,30,40)/i", "L100x68 G140x128+10+20/1:ffffff E140x128/png"},
    {"filters:brightness(20):contrast(30):grayscale():invert()/i",
     "L100x68 X100x68/13:0 X100x68/14:0 X100x68/13:0 E100x68/png"},
    {"filters:blur(4):fill(red):blur(1,2):sharpen(1)/i",
     "L100x68 X100x68/0:2 X100x68/0:2 X100x68/1:3 E100x68/png"},
    {"filters:pixelate()/i", "L100x68 X100x70/3:10 E100x70/png"},
    {"filters:round_corner(20)/i", "L100x68 X100x68/16:20 E100x68/png"},
    {"filters:round_corner(20,30,green)/i", "L100x68 X100x68/16:20 F100x68/008000 E100x68/png"},
    {"filters:round_corner(20|30,255,0,1)/i", "L100x68 X100x68/16:20 F100x68/ff0001 E100x68/png"},
    {"filters:round_corner(20):background_color(blue):grayscale()/i",
     "L100x68 X100x68/16:20 F100x68/0000ff X100x68/14:0 E100x68/png"},
    {"filters:noise(40):equalize()/i", "L100x68 X100x68/17:40 X100x68/18:0 E100x68/png"},
    {"filters:curve([(0,0),(255,255)],[(0,50),(255,100)],[],[])/i", "L100x68 X100x68/19:0 E100x68/png"},
    {"filters:convolution(1;2;1;2;4;2;1;2;1,3,true)/i", "L100x68 X100x68/20:3 E100x68/png"},
    {"filters:convolution(1;2;1;2,2,true):nonsense(1):blur():rotate(45):proportion(-1)/i",
     "L100x68 E100x68/png"},
    {"origx34/i", "L100x68 C100x34+0+17 E100x34/png"},
    {"filters:watermark(w)/i", "L100x68 M100x68=20x10+0+0*1*1 E100x68/png"},
    {"filters:watermark(w,-5,10p)/i", "L100x68 M100x68=20x10+75+6*1*1 E100x68/png"},
    {"filters:watermark(w,center,-0.1)/i", "L100x68 M100x68=20x10+40+52*1*1 E100x68/png"},
    {"filters:watermark(w,right,bottom)/i", "L100x68 M100x68=20x10+80+58*1*1 E100x68/png"},
    {"filters:watermark(w,left-5,b-3)/i", "L100x68 M100x68=20x10-5+61*1*1 E100x68/png"},
    {"filters:watermark(w,repeat,repeat,50)/i", "L100x68 M100x68=20x10+0+0*6*7 E100x68/png"},
    {"filters:watermark(w,0,0,0,50,50)/i", "L100x68 M100x68=50x25+0+0*1*1 E100x68/png"},
    {"filters:watermark(w,0,0,0,none,10)/i", "L100x68 M100x68=12x6+0+0*1*1 E100x68/png"},
    {"filters:watermark(w,0,0,0,50)/i", "L100x68 M100x68=50x25+0+0*1*1 E100x68/png"},
    {"filters:watermark(w,100,0)/i", "L100x68 E100x68/png"},
    {"filters:watermark(w,-500,0)/i", "L100x68 E100x68/png"},
    {"filters:watermark(w,0,0,100)/i", "L100x68 E100x68/png"},
    {"filters:format(jpg)/i", "L100x68 E100x68/jpeg"},
    {"filters:round_corner(5):format(jpg)/i", "L100x68 X100x68/16:5 F100x68/000000 E100x68/jpeg"},
    {"filters:format(heif)/i", "L100x68 E100x68/heic"},
    {"filters:format(avif):fallback_format(webp)/i", "L100x68 E100x68/avif"},
    {"filters:format(jp2)/i", "L100x68 E100x68/jp2"},
    {"filters:red_eye()/i", "L100x68 X100x68/23:0 E100x68/png"},
    /* outlines: red of what would be left, green of what is to stay */
    {"debug/i", "L100x68 E100x68/png"},
    {"debug/50x50/i", "L100x68 X100x68/24:2@68x68+16+0:ff2020 E100x68/png"},
    {"debug/-50x-50/right/i", "L100x68 X100x68/24:2@68x68+32+0:ff2020 E100x68/png"},
    {"debug/100x20/bottom/i", "L100x68 X100x68/24:2@100x20+0+48:ff2020 E100x68/png"},
    {"debug/200x40/bottom/i", "L100x68 X100x68/24:2@100x20+0+48:ff2020 E100x68/png"},
    {"debug/50x50/smart/i", "L100x68 X100x68/24:2@68x68+0+0?:ff2020 E100x68/png"},
    {"debug/fit-in/50x50/i", "L100x68 E100x68/png"},
    {"debug/fit-in/50x50/filters:focal(10x20:30x30)/i",
     "L100x68 X100x68/24:2@20x10+10+20:20ff20 E100x68/png"},
    {"debug/50x50/filters:focal(90x34)/i",
     "L100x68 X100x68/24:2@68x68+32+0:ff2020 X100x68/24:2@17x17+82+26:20ff20 E100x68/png"},
    {"debug/20x10:80x50/15x20/filters:focal(0x0:30x30):focal(60x0:100x40):focal(0x0:9x9):blur(4)/i",
     "L100x68 C60x40+20+10 X60x40/24:2@30x40+18+0:ff2020 X60x40/24:2@10x20+0+0:20ff20 "
     "X60x40/24:2@20x30+40+0:20ff20 X60x40/0:2 E60x40/png"},
    {"debug/0.5x0:1x1/10x68/left/filters:focal(0.75x0:1x1)/i",
     "L100x68 C50x68+50+0 X50x68/24:2@10x68+32+0:ff2020 X50x68/24:2@25x68+25+0:20ff20 E50x68/png"},
    {"debug/trim/10x40/filters:focal(12x12:20x20):fill(red)/i",
     "L100x68 C80x40+10+10 X80x40/24:2@10x40+1+0:ff2020 X80x40/24:2@8x8+2+2:20ff20 E80x40/png"},
    /* of a layer of 20 x 10 */
    {"filters:image(w)/i", "L100x68 L20x10#1 B100x68+0+0*1*1/0:1 E100x68/png"},
    {"filters:image(10x10/w,-5,center,20,multiply)/i",
     "L100x68 L20x10#1 C10x10+5+0 B100x68+85+29*1*1/1:0.8 E100x68/png"},
    {"filters:image(fxf/w)/i", "L100x68 L20x10#1 R136x68 C100x68+18+0 B100x68+0+0*1*1/0:1 E100x68/png"},
    {"filters:image(fit-in/f-20xf-8/filters:fill(red)/w,center,center)/i",
     "L100x68 L20x10#1 G80x60+30+25/1:ff0000 B100x68+10+4*1*1/0:1 E100x68/png"},
    {"filters:image(stretch/-fullx5/w)/i",
     "L100x68 L20x10#1 R100x5 T100x5/2 B100x68+0+0*1*1/0:1 E100x68/png"},
    {"filters:image(f-500x4/w)/i", "L100x68 L20x10#1 R8x4 C1x4+3+0 B100x68+0+0*1*1/0:1 E100x68/png"},
    {"50x34/filters:image(fxf/w)/i",
     "L100x68 R50x34 L20x10#1 R68x34 C50x34+9+0 B50x34+0+0*1*1/0:1 E50x34/png"},
    {"filters:image(filters:image(5x5/v,right,bottom):blur(2)/w,repeat,repeat)/i",
     "L100x68 L20x10#1 L20x10#2 R10x5 C5x5+2+0 B20x10+15+5*1*1/0:1 X20x10/0:1 B100x68+0+0*6*7/0:1 "
     "E100x68/png"},
    {"filters:image(fit-in/30x20/color:red)/i", "L100x68 L20x10#1 R30x20 B100x68+0+0*1*1/0:1 E100x68/png"},
    {"filters:image(w,100,0):image(w,5,5)/i", "L100x68 L20x10#1 B100x68+5+5*1*1/0:1 E100x68/png"},
    {"filters:image(w):image(10x10/w):watermark(w)/i",
     "L100x68 L20x10#1 B100x68+0+0*1*1/0:1 L20x10#1 C10x10+5+0 B100x68+0+0*1*1/0:1 "
     "M100x68=20x10+0+0*1*1 E100x68/png"},
    {"filters:image(w,0,0,0,mask):format(jpg)/i",
     "L100x68 L20x10#1 B100x68+0+0*1*1/13:1 F100x68/000000 E100x68/jpeg"},
    {"filters:image(w,0,0,0,mask)/i", "L100x68 L20x10#1 B100x68+0+0*1*1/13:1 E100x68/png"},
    {"filters:image(trim/w)/i", "L100x68 L20x10#1 N20x10"},
    {"filters:frame(w)/i", "L100x68 L20x10#1 N20x10"},
    {"filters:label(hello,5,5)/i", "L100x68 M100x68=9999x20+0+0*0*0 E100x68/png"},
    {"filters:text(hello,5,5)/i", "L100x68 M100x68=0x0+0+0*0*0 E100x68/png"},
};

/* The rounds of what only pixels tell. */
static void questions(void **state)
{
    (void)state;
    set_header(ALB_TYPE_PNG, 100, 68);
    answers = 1;
    answer[0] = (struct alb_rect){3, 2, 10, 5}; /* of 20 x 10 */
    assert_string_equal(steps("filters:frame(w)/i"),
                        "L100x68 G110x73+3+2/1:ffffff L20x10#1 9110x73 B110x73+0+0*1*1/0:1 E110x73/png");
    assert_string_equal(steps("filters:image(trim/w)/i"),
                        "L100x68 L20x10#1 C10x5+3+2 B100x68+0+0*1*1/0:1 E100x68/png");
    assert_string_equal(steps("filters:image(trim/w):frame(v)/i"),
                        "L100x68 L20x10#1 C10x5+3+2 B100x68+0+0*1*1/0:1 L20x10#2 N20x10");
    answers = 2;
    answer[1] = (struct alb_rect){0, 0, 20, 10};
    assert_string_equal(steps("filters:image(trim/w):frame(v)/i"),
                        "L100x68 L20x10#1 C10x5+3+2 B100x68+0+0*1*1/0:1 L20x10#2 9100x68 "
                        "B100x68+0+0*1*1/0:1 E100x68/png");
    answers = 0;
}

/* A layer moves if what it is laid over does. */
static void moving_layers(void **state)
{
    (void)state;
    set_header(ALB_TYPE_GIF, 100, 68);
    mark = (struct alb_image_header){.type = ALB_TYPE_GIF,
                                     .width = 20,
                                     .height = 10,
                                     .orientation = 1,
                                     .pages = 7,
                                     .animated = true,
                                     .bits = 8,
                                     .bytes = 1000};
    (void)steps("filters:image(w)/i");
    assert_int_equal(plan.steps[1].u.load.pages, 1);
    header.animated = true;
    header.pages = 3;
    (void)steps("filters:image(w)/i");
    assert_int_equal(plan.steps[1].u.load.pages, 7);
    assert_true(plan.steps[1].u.load.animated);
    (void)steps("filters:image(filters:max_frames(2)/w)/i");
    assert_int_equal(plan.steps[1].u.load.pages, 2);
    (void)steps("filters:image(filters:page(4)/w)/i");
    assert_int_equal(plan.steps[1].u.load.page, 3);
    assert_false(plan.steps[1].u.load.animated);
    (void)steps("filters:format(png):image(w)/i");
    assert_false(plan.steps[1].u.load.animated);
    mark = png_mark;
}

static void resolution(void **state)
{
    (void)state;
    set_header(ALB_TYPE_PDF, 100, 68);
    assert_string_equal(steps("filters:dpi(144)/i"), "L200x136 E200x136/jpeg");
    assert_string_equal(steps("50x34/filters:dpi(144)/i"), "L50x34 E50x34/jpeg");
    assert_string_equal(steps("filters:dpi(36)/i"), "L50x34 E50x34/jpeg");
    assert_string_equal(steps("filters:dpi(0)/i"), "L100x68 E100x68/jpeg");
    set_header(ALB_TYPE_PNG, 100, 68);
    assert_string_equal(steps("filters:dpi(144)/i"), "L100x68 E100x68/png");
}

/* All pictures count. */
static void limits_of_layers(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    char path[4096], *p = path;
    (void)state;
    set_header(ALB_TYPE_PNG, 8000, 8000);
    mark.width = mark.height = 4000; /* 64 of 81 megapixels, and 16 */
    assert_int_equal(make("100x100/filters:image(10x10/w)/i", &err), ALB_OK);
    assert_int_equal(make("100x100/filters:image(10x10/w):image(10x10/v)/i", &err), ALB_E_TOO_LARGE);
    alb_err_clear(&err);
    assert_int_equal(make("100x100/filters:image(filters:image(10x10/w)/v)/i", &err), ALB_E_TOO_LARGE);
    mark = png_mark;
    set_header(ALB_TYPE_PNG, 100, 68);
    alb_err_clear(&err);
    assert_int_equal(make("filters:image(filters:image(filters:image(filters:image(w)/w)/w)/w)/i", &err),
                     ALB_OK);
    assert_int_equal(
        make("filters:image(filters:image(filters:image(filters:image(filters:image(w)/w)/w)/w)/w)/i", &err),
        ALB_E_INVALID);
    assert_non_null(strstr(err.msg, "within each other"));
    p += sprintf(p, "filters:");
    for (int i = 0; i < 17; i++)
        p += sprintf(p, "%simage(w)", i > 0 ? ":" : "");
    sprintf(p, "/i");
    alb_err_clear(&err);
    assert_int_equal(make(path, &err), ALB_E_INVALID);
}

static void paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        set_header(ALB_TYPE_PNG, 100, 68);
        if (strcmp(steps(table[i].path), table[i].steps) != 0)
            fail_msg("%s\n  is  %s\n  not %s", table[i].path, steps(table[i].path), table[i].steps);
    }
    set_header(ALB_TYPE_PNG, 202, 259);
    assert_string_equal(steps("filters:pixelate(10)/i"), "L202x259 X200x260/3:10 E200x260/png"); /* golden */
    set_header(ALB_TYPE_PNG, 121, 128); /* imagor: 70 x 107, it loses the last row */
    assert_string_equal(steps("30x20:100x150/i"), "L121x128 C70x108+30+20 E70x108/png");
    set_header(ALB_TYPE_JPEG, 4000, 3000); /* vips_thumbnail leaves a factor of two at least */
    assert_string_equal(steps("400x300/i"), "L1000x750 R400x300 E400x300/jpeg");
}

static void formats(void **state)
{
    static const struct {
        enum alb_type type;
        const char *path, *format;
    } rows[] = {
        {ALB_TYPE_SVG, "i", "jpeg"},
        {ALB_TYPE_PDF, "i", "jpeg"},
        {ALB_TYPE_BMP, "i", "jpeg"},
        {ALB_TYPE_WEBP, "i", "webp"},
        {ALB_TYPE_AVIF, "i", "avif"},
        {ALB_TYPE_HEIC, "i", "heic"},
        {ALB_TYPE_GIF, "i", "gif"},
        {ALB_TYPE_TIFF, "filters:autojpg()/i", "jpeg"},
        {ALB_TYPE_PNG, "filters:format(nonsense)/i", "png"},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(rows); i++) {
        set_header(rows[i].type, 100, 68);
        (void)steps(rows[i].path);
        if (strcmp(alb_format_name(plan.format), rows[i].format) != 0)
            fail_msg("%s of %s: %s", rows[i].path, alb_type_name(rows[i].type), alb_format_name(plan.format));
    }
}

static void animations(void **state)
{
    (void)state;
    set_header(ALB_TYPE_GIF, 100, 68);
    header.animated = true;
    header.pages = 5;
    (void)steps("50x50/smart/i");
    assert_int_equal(plan.steps[0].u.load.pages, 5);
    assert_int_equal(plan.format, ALB_FORMAT_GIF);
    assert_null(strchr(steps("50x50/smart/i"), 'S')); /* the middle, in all frames */
    (void)steps("filters:max_frames(3)/i");
    assert_int_equal(plan.steps[0].u.load.pages, 3);
    (void)steps("filters:page(4)/i");
    assert_int_equal(plan.steps[0].u.load.pages, 1);
    assert_int_equal(plan.steps[0].u.load.page, 3);
    (void)steps("filters:page(999)/i");
    assert_int_equal(plan.steps[0].u.load.page, 4);
    (void)steps("filters:format(jpeg)/i");
    assert_int_equal(plan.steps[0].u.load.pages, 1);
    (void)steps("filters:format(avif):fallback_format(webp)/i");
    assert_int_equal(plan.format, ALB_FORMAT_WEBP);
    assert_int_equal(plan.steps[0].u.load.pages, 5);
}

static void output(void **state)
{
    (void)state;
    set_header(ALB_TYPE_JPEG, 100, 68);
    (void)steps("i");
    const struct alb_output *o = &plan.steps[plan.count - 1].u.encode.output;
    assert_int_equal(o->quality[ALB_FORMAT_JPEG], 75);
    assert_true(o->keep_metadata);
    assert_int_equal(o->profile, ALB_PROFILE_KEEP);
    (void)steps("filters:quality(40):strip_metadata()/i");
    o = &plan.steps[plan.count - 1].u.encode.output;
    assert_int_equal(o->quality[ALB_FORMAT_JPEG], 40);
    assert_false(o->keep_metadata);
    assert_int_equal(o->profile, ALB_PROFILE_SRGB);
    (void)steps("filters:strip_exif():max_bytes(5000)/i");
    o = &plan.steps[plan.count - 1].u.encode.output;
    assert_false(o->keep_metadata);
    assert_int_equal(o->profile, ALB_PROFILE_KEEP);
    assert_int_equal(o->max_bytes, 5000);
    (void)steps("filters:format(webp):lossless():max_bytes(5000)/i");
    o = &plan.steps[plan.count - 1].u.encode.output;
    assert_int_equal(o->webp_mode, ALB_WEBP_LOSSLESS);
    assert_int_equal(o->max_bytes, 0);
    assert_true(o->png_plain && !o->png_quantize); /* whatever the source is */
    (void)steps("filters:palette():format(png)/i");
    o = &plan.steps[plan.count - 1].u.encode.output;
    assert_true(o->png_quantize && o->png_colors == 0);
    (void)steps("filters:bitdepth(2):format(png)/i");
    o = &plan.steps[plan.count - 1].u.encode.output;
    assert_true(o->png_quantize && o->png_colors == 4);
    (void)steps("filters:to_colorspace(P3)/i");
    assert_int_equal(plan.steps[plan.count - 1].u.encode.output.profile, ALB_PROFILE_P3);
    (void)steps("filters:to_colorspace(/etc/passwd)/i"); /* never a file */
    assert_int_equal(plan.steps[plan.count - 1].u.encode.output.profile, ALB_PROFILE_KEEP);
}

static void refused(void **state)
{
    static const struct {
        const char *path;
        enum alb_code code;
    } rows[] = {
        {"filters:watermark(a):watermark(b):watermark(c):watermark(d):watermark(e):watermark(f):watermark(g):"
         "watermark(h)/i",
         ALB_E_INVALID},
        {"filters:image(100x100)/i", ALB_OK},
        {"filters:image(100x100/)/i", ALB_E_INVALID},
        {"filters:label(%ff,0,0)/i", ALB_E_INVALID},
        {"filters:image(filters:label(%ff,0,0)/w)/i", ALB_E_INVALID},
        {"filters:image(20000x20000/w)/i", ALB_E_TOO_LARGE},
        {"filters:image(fxf/w)/i", ALB_OK},
        {"20000x20000/i", ALB_E_TOO_LARGE},
        {"99999999999x/i", ALB_E_TOO_LARGE},
        {"filters:rotate(90):rotate(90):rotate(90):rotate(90):rotate(90):rotate(90):rotate(90):rotate(90):"
         "rotate(90):"
         "rotate(90):rotate(90):rotate(90):rotate(90):rotate(90):rotate(90):rotate(90)/i",
         ALB_E_INVALID},
        {"filters:padding(red,-40)/i", ALB_E_UNPROCESSABLE},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(rows); i++) {
        struct alb_err err = ALB_ERR_INIT;
        set_header(ALB_TYPE_PNG, 100, 68);
        if (make(rows[i].path, &err) != rows[i].code)
            fail_msg("%s: %d, %s", rows[i].path, (int)err.code, err.msg);
    }
    config.rules.disabled[0] = ALB_STR("blur");
    config.rules.disabled_count = 1;
    config.rules.max_ops = 2;
    assert_string_equal(steps("filters:blur(4):grayscale():invert()/i"), "L100x68 X100x68/14:0 E100x68/png");
    memset(&config.rules, 0, sizeof(config.rules));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),      cmocka_unit_test(questions),        cmocka_unit_test(moving_layers),
        cmocka_unit_test(resolution), cmocka_unit_test(limits_of_layers), cmocka_unit_test(formats),
        cmocka_unit_test(animations), cmocka_unit_test(output),           cmocka_unit_test(refused)};
    alb_thumbor_config_init(&config);
    mark = png_mark;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
