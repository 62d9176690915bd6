/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks on pictures of few pixels: where they come to lie, how they are repeated, turned, shadowed and made faint, on
 * every kind of picture; texts, and what is no text.
 */
#include "pixel_world.h"

struct mark_world {
    struct alb_plan_step step;
    struct alb_str bytes;
};

/* A mark of w x h: a PNG of one colour. */
static struct mark_world mark_of(int w, int h, int bands, const unsigned *v)
{
    struct mark_world m = {.step = {.kind = ALB_STEP_MARK}};
    VipsImage *x = pixels_flat(w, h, bands, false, v);
    void *p = NULL;
    size_t n = 0;
    assert_int_equal(vips_pngsave_buffer(x, &p, &n, NULL), 0);
    g_object_unref(x);
    m.bytes = (struct alb_str){p, n};
    m.step.u.mark.input = 1;
    m.step.u.mark.opacity = 1;
    m.step.u.mark.width = m.step.u.mark.source_width = (uint32_t)w;
    m.step.u.mark.height = m.step.u.mark.source_height = (uint32_t)h;
    m.step.u.mark.type = ALB_TYPE_PNG;
    m.step.u.mark.eighths = 8;
    m.step.u.mark.orientation = 1;
    return m;
}

static void mark_free(struct mark_world *m)
{
    g_free((void *)(uintptr_t)m->bytes.p);
}

static void run(VipsImage **x, const struct mark_world *m, const char *what)
{
    struct alb_err err = ALB_ERR_INIT;
    if (alb_step_mark(x, &m->step, NULL, m->bytes, &err) != ALB_OK)
        fail_msg("%s: %s", what, err.msg);
    if (alb_step_hold(x, &err) != ALB_OK)
        fail_msg("%s: %s", what, err.msg);
}

/* One row of text per row of pixels: '#' where the mark is, '.' where it is not. */
static void check_drawing(VipsImage *x, const char *drawing, const char *what)
{
    char got[600];
    size_t n = 0;
    for (int j = 0; j < x->Ysize; j++) {
        for (int i = 0; i < x->Xsize; i++)
            got[n++] = pixels_at(x, i, j, 0) > 127 ? '#' : '.';
        got[n++] = '/';
    }
    got[n - 1] = 0;
    if (strcmp(got, drawing) != 0)
        fail_msg("%s: %s, not %s", what, got, drawing);
}

static const unsigned white[4] = {255, 255, 255, 255}, black[4] = {0, 0, 0, 255};

static const struct {
    enum alb_gravity_kind kind;
    double x, y;
    const char *drawing; /* 2 x 1 on 5 x 3 */
} places[] = {
    /* in the middle: half to even of (side - part + 1) / 2 */
    {ALB_GRAVITY_CENTRE, 0, 0, "...../...../..##."},
    {ALB_GRAVITY_NORTH, 0, 0, "..##./...../....."},
    {ALB_GRAVITY_SOUTH, 0, 0, "...../...../..##."},
    {ALB_GRAVITY_EAST, 0, 0, "...../...../...##"},
    {ALB_GRAVITY_WEST, 0, 0, "...../...../##..."},
    {ALB_GRAVITY_NORTH_EAST, 0, 0, "...##/...../....."},
    {ALB_GRAVITY_NORTH_WEST, 0, 0, "##.../...../....."},
    {ALB_GRAVITY_SOUTH_EAST, 0, 0, "...../...../...##"},
    {ALB_GRAVITY_SOUTH_WEST, 0, 0, "...../...../##..."},
    {ALB_GRAVITY_NORTH_WEST, 1, 2, "...../...../.##.."},
    {ALB_GRAVITY_SOUTH_EAST, 1, 1, "...../..##./....."},
    {ALB_GRAVITY_NORTH_WEST, -1, 0, "#..../...../....."},
    {ALB_GRAVITY_SOUTH_EAST, -1, 0, "...../...../....#"},
    {ALB_GRAVITY_NORTH_WEST, -50, 0, "#..../...../....."},
    {ALB_GRAVITY_NORTH_WEST, 50, 1, "...../....#/....."},
    {ALB_GRAVITY_CENTRE, -1, -1, "...../.##../....."},
};

static void test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(places); i++) {
        struct mark_world m = mark_of(2, 1, 3, white);
        VipsImage *x = pixels_flat(5, 3, 3, false, black);
        char what[20];
        snprintf(what, sizeof(what), "place %zu", i);
        m.step.u.mark.at = (struct alb_gravity){places[i].kind, places[i].x, places[i].y};
        run(&x, &m, what);
        pixels_check_kind(x, 5, 3, 3, false, what);
        check_drawing(x, places[i].drawing, what);
        g_object_unref(x);
        mark_free(&m);
    }
}

/* What a mark knows of itself is nothing of the picture's: who made it and where, its profile, that it has a palette. */
static void test_tells_nothing(void **state)
{
    static const char *const fields[] = {"palette-bit-depth", "exif-data", "exif-ifd0-Artist", "xmp-data",
                                         "png-comment-0-a"};
    static const char *const own[] = {"exif-ifd0-Make", "png-comment-0-b"};
    struct mark_world m = mark_of(2, 2, 3, white);
    VipsImage *mark = vips_image_new_from_buffer(m.bytes.p, m.bytes.n, "", NULL),
              *x = pixels_flat(4, 4, 3, false, black);
    void *p = NULL;
    size_t n = 0;
    (void)state;
    vips_image_set_string(mark, "exif-ifd0-Artist", "Ada (Ada, ASCII, 4 components, 4 bytes)");
    vips_image_set_string(mark, "png-comment-0-a", "Ada");
    vips_image_set_blob_copy(mark, VIPS_META_XMP_NAME, "<x/>", 4);
    assert_int_equal(vips_pngsave_buffer(mark, &p, &n, "palette", TRUE, "bitdepth", 1, NULL), 0);
    g_object_unref(mark);
    mark_free(&m); /* which the other one was read from */
    m.bytes = (struct alb_str){p, n};
    for (size_t i = 0; i < ALB_ARRAY_LEN(own); i++)
        vips_image_set_string(x, own[i], "its own");
    run(&x, &m, "a mark that tells");
    check_drawing(x, "..../..../..##/..##", "a mark that tells");
    for (size_t i = 0; i < ALB_ARRAY_LEN(fields); i++) {
        if (vips_image_get_typeof(x, fields[i]) != 0)
            fail_msg("the picture has the mark's %s", fields[i]);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(own); i++)
        assert_true(vips_image_get_typeof(x, own[i]) != 0);
    g_object_unref(x);
    mark_free(&m);
}

static const struct {
    enum alb_tiling tiling;
    int w, h, mark_w, mark_h;
    uint32_t gap_x, gap_y;
    const char *drawing;
} tilings[] = {
    {ALB_TILING_REPEAT, 5, 3, 1, 1, 1, 1,
     "#.#.#/...../#.#.#"}, /* even numbers of cells on both sides of the middle */
    {ALB_TILING_REPEAT, 3, 3, 1, 1, 0, 0, "###/###/###"},
    {ALB_TILING_REPEAT, 7, 1, 1, 1, 2, 0, "#..#..#"},
    {ALB_TILING_REPEAT, 3, 3, 9, 9, 0, 0, "###/###/###"}, /* larger than the picture */
    {ALB_TILING_REPEAT, 3, 3, 1, 1, 50, 50, ".../.#./..."},
    {ALB_TILING_CHESS, 3, 3, 1, 1, 0, 0, "#.#/.#./#.#"},
    {ALB_TILING_CHESS, 5, 5, 1, 1, 0, 0, "#.#.#/.#.#./#.#.#/.#.#./#.#.#"},
    {ALB_TILING_CHESS, 6, 2, 2, 2, 0, 0, "..##../..##.."},
    {ALB_TILING_CHESS, 1, 1, 1, 1, 0, 0, "#"},
    {ALB_TILING_CHESS, 7, 3, 1, 1, 2, 0, "#.....#/...#.../#.....#"},
};

static void test_tilings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(tilings); i++) {
        struct mark_world m = mark_of(tilings[i].mark_w, tilings[i].mark_h, 3, white);
        VipsImage *x = pixels_flat(tilings[i].w, tilings[i].h, 3, false, black);
        char what[20];
        snprintf(what, sizeof(what), "tiling %zu", i);
        m.step.u.mark.tiling = tilings[i].tiling;
        m.step.u.mark.gap_x = tilings[i].gap_x;
        m.step.u.mark.gap_y = tilings[i].gap_y;
        run(&x, &m, what);
        check_drawing(x, tilings[i].drawing, what);
        g_object_unref(x);
        mark_free(&m);
    }
}

/* Picture and mark of every kind: colours, depth and alpha of the picture come out right. */
static const struct {
    const char *name;
    int bands, mark_bands;
    unsigned in[4], mark[4];
    double opacity;
    int out_bands;
    unsigned out[4];
} kinds[] = {
    {"colour on colour", 3, 3, {0, 0, 200}, {200, 100, 0}, 1, 3, {200, 100, 0}},
    {"half", 3, 3, {0, 0, 200}, {200, 100, 0}, 0.5, 3, {100, 50, 100}},
    {"half alpha", 3, 4, {0, 0, 200}, {200, 100, 0, 128}, 1, 3, {100, 50, 100}},
    {"half of half", 3, 4, {0, 0, 200}, {200, 100, 0, 128}, 0.5, 3, {50, 25, 150}},
    {"nothing", 3, 4, {0, 0, 200}, {200, 100, 0, 0}, 1, 3, {0, 0, 200}},
    {"grey on colour", 3, 1, {0, 0, 200}, {90}, 1, 3, {90, 90, 90}},
    {"grey with alpha on colour", 3, 2, {0, 0, 200}, {90, 255}, 1, 3, {90, 90, 90}},
    {"grey on grey", 1, 1, {10}, {90}, 1, 1, {90}},
    {"grey with alpha on grey", 1, 2, {10}, {90, 0}, 1, 1, {10}},
    {"colour on grey", 1, 3, {10}, {200, 100, 0}, 1, 3, {200, 100, 0}},
    {"colour on grey with alpha", 2, 4, {10, 0}, {200, 100, 0, 128}, 1, 4, {200, 100, 0, 128}},
    {"on nothing", 4, 3, {1, 2, 3, 0}, {200, 100, 0}, 1, 4, {200, 100, 0, 255}},
    {"half on nothing", 4, 3, {1, 2, 3, 0}, {200, 100, 0}, 0.5, 4, {200, 100, 0, 128}},
    {"nothing on alpha", 4, 4, {1, 2, 3, 77}, {200, 100, 0, 0}, 1, 4, {1, 2, 3, 77}},
};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        for (int wide = 0; wide < 2; wide++) {
            unsigned in[4], out[4], k = wide ? 257 : 1;
            char what[100];
            snprintf(what, sizeof(what), "%s%s", kinds[i].name, wide ? ", 16 bits" : "");
            for (int b = 0; b < 4; b++) {
                in[b] = kinds[i].in[b] * k;
                out[b] = kinds[i].out[b] * k;
            }
            struct mark_world m = mark_of(3, 3, kinds[i].mark_bands, kinds[i].mark);
            VipsImage *x = pixels_flat(3, 3, kinds[i].bands, wide != 0, in);
            m.step.u.mark.opacity = kinds[i].opacity;
            run(&x, &m, what);
            pixels_check_kind(x, 3, 3, kinds[i].out_bands, wide != 0, what);
            pixels_check_flat(x, out, k, what);
            g_object_unref(x);
            mark_free(&m);
        }
    }
}

/* ---- size, turn, shadow ---- */

static void test_size_and_turn(void **state)
{
    static const struct {
        double rotate;
        const char *drawing;
    } turns[] = {
        {0, "......./......./..###../......./......."},   {90, "......./......./....#../....#../....#.."},
        {180, "......./......./..###../......./......."}, {-90, "......./......./....#../....#../....#.."},
        {360, "......./......./..###../......./......."}, {450, "......./......./....#../....#../....#.."}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(turns); i++) {
        struct mark_world m = mark_of(3, 1, 3, white);
        VipsImage *x = pixels_flat(7, 5, 3, false, black);
        m.step.u.mark.rotate = turns[i].rotate;
        run(&x, &m, "turn");
        check_drawing(x, turns[i].drawing, "turn");
        g_object_unref(x);
        mark_free(&m);
    }
    struct mark_world m =
        mark_of(40, 40, 3, white); /* drawn smaller, and turned by an odd angle: no dark fringe */
    VipsImage *x = pixels_flat(9, 9, 3, false, white);
    m.step.u.mark.width = m.step.u.mark.height = 5;
    m.step.u.mark.rotate = 30;
    run(&x, &m, "odd angle");
    pixels_check_flat(x, white, 2, "odd angle");
    g_object_unref(x);
    mark_free(&m);
}

static void test_clockwise(void **state)
{
    static const unsigned v[6] = {255, 0, 0, 0, 0, 255}; /* red left, blue right */
    VipsImage *two = pixels_of(2, 1, 3, false, v), *x = pixels_flat(1, 2, 3, false, white);
    void *p = NULL;
    size_t n = 0;
    (void)state;
    assert_int_equal(vips_pngsave_buffer(two, &p, &n, NULL), 0);
    struct mark_world m = mark_of(2, 1, 3, white);
    mark_free(&m);
    m.bytes = (struct alb_str){p, n};
    m.step.u.mark.rotate = 90;
    run(&x, &m, "clockwise");
    pixels_check(x, 0, 0, (const unsigned[]){255, 0, 0}, 0, "red goes up");
    pixels_check(x, 0, 1, (const unsigned[]){0, 0, 255}, 0, "blue goes down");
    g_object_unref(two);
    g_object_unref(x);
    mark_free(&m);
}

static void test_shadow(void **state)
{
    (void)state;
    for (int bands = 1; bands <= 4; bands++) {
        struct mark_world m = mark_of(9, 9, bands, white);
        VipsImage *x = pixels_flat(41, 41, 3, false, (const unsigned[]){200, 200, 200});
        m.step.u.mark.shadow = 3;
        run(&x, &m, "shadow");
        pixels_check_kind(x, 41, 41, 3, false, "shadow");
        pixels_check(x, 20, 20, white, 1, "the mark itself");
        unsigned beside = pixels_at(x, 20, 15, 0), far = pixels_at(x, 20, 10, 0);
        assert_true(beside < 165 && far > beside && far <= 200);
        pixels_check(x, 0, 0, (const unsigned[]){200, 200, 200}, 0, "far away");
        g_object_unref(x);
        mark_free(&m);
    }
}

static void test_vector(void **state)
{
    static const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' width='2' height='1'>"
                              "<rect width='2' height='1' fill='#fff'/></svg>";
    struct mark_world m = mark_of(2, 1, 3, white);
    VipsImage *x = pixels_flat(12, 8, 3, false, black);
    (void)state;
    mark_free(&m);
    m.bytes = (struct alb_str){svg, sizeof(svg) - 1};
    m.step.u.mark.type = ALB_TYPE_SVG;
    m.step.u.mark.width = 8;
    m.step.u.mark.height = 4;
    run(&x, &m, "vector");
    check_drawing(x,
                  "............/............/..########../..########../..########../..########../"
                  "............/............",
                  "vector");
    g_object_unref(x);
}

/* ---- texts ---- */

static unsigned ink(VipsImage *x)
{
    unsigned n = 0;
    assert_int_equal(vips_image_get_format(x), VIPS_FORMAT_UCHAR);
    for (size_t i = 0; i < (size_t)x->Xsize * (size_t)x->Ysize; i++)
        n += x->data[i * (size_t)x->Bands] < 128;
    return n;
}

static struct mark_world text_of(const char *words)
{
    struct mark_world m = {.step = {.kind = ALB_STEP_MARK}, .bytes = alb_str_c(words)};
    m.step.u.mark.opacity = 1;
    m.step.u.mark.scale = 1;
    return m;
}

static void test_texts(void **state)
{
    static const char *const texts[] = {"word", "<b>bold</b> &amp; <span foreground='black'>black</span>",
                                        "two\nlines", "\xc3\xa4\xc3\xb6\xc3\xbc \xe4\xb8\xad"};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++) {
        for (int bands = 1; bands <= 4; bands++) {
            VipsImage *x = pixels_flat(200, 90, bands, false, white);
            struct mark_world m = text_of(texts[i]);
            run(&x, &m, texts[i]);
            if (ink(x) < 60)
                fail_msg("%s: %u pixels of ink", texts[i], ink(x));
            g_object_unref(x);
        }
    }
    unsigned was = 0;
    for (int i = 1; i <= 3; i++) { /* larger at a higher density */
        VipsImage *x = pixels_flat(300, 200, 3, false, white);
        struct mark_world m = text_of("word");
        m.step.u.mark.scale = i;
        run(&x, &m, "word");
        assert_true(ink(x) > was);
        was = ink(x);
        g_object_unref(x);
    }
    VipsImage *x = pixels_flat(300, 200, 3, false, white); /* into a box */
    struct mark_world m = text_of("word");
    m.step.u.mark.width = 290;
    m.step.u.mark.height = 190;
    run(&x, &m, "word");
    assert_true(ink(x) > was);
    g_object_unref(x);
}

static void test_no_texts(void **state)
{
    static const char *const texts[] = {"<b>never closed",
                                        "<nosuch>x</nosuch>",
                                        "a & b",
                                        "",
                                        " ",
                                        "</b>",
                                        "<span foreground='nocolour'>x</span>",
                                        "\xff\xfe"};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++) {
        struct alb_err err = ALB_ERR_INIT;
        VipsImage *x = pixels_flat(50, 50, 3, false, white);
        struct mark_world m = text_of(texts[i]);
        enum alb_code code = alb_step_mark(&x, &m.step, NULL, m.bytes, &err);
        if (code == ALB_OK && strcmp(texts[i], " ") != 0)
            fail_msg("%s was drawn", texts[i]);
        if (code == ALB_OK) {
            g_object_unref(x);
            continue;
        }
        assert_null(x);
        assert_int_equal(code, ALB_E_UNPROCESSABLE);
        if (!strstr(err.msg, "text") || strlen(err.msg) < 10)
            fail_msg("%s: %s", texts[i], err.msg);
    }
}

static void test_no_picture(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    struct mark_world m = mark_of(8, 8, 3, white), cut = m;
    (void)state;
    cut.bytes.n /= 2;
    VipsImage *x = pixels_flat(5, 3, 3, false, black);
    assert_int_equal(alb_step_mark(&x, &cut.step, NULL, cut.bytes, &err), ALB_E_UNPROCESSABLE);
    assert_null(x);
    mark_free(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),        cmocka_unit_test(test_tells_nothing),
        cmocka_unit_test(test_tilings),       cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_size_and_turn), cmocka_unit_test(test_clockwise),
        cmocka_unit_test(test_shadow),        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_texts),         cmocka_unit_test(test_no_texts),
        cmocka_unit_test(test_no_picture),
    };
    (void)argc;
    if (!pixels_begin(argv[0]))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return rc;
}
