/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "build.h"
#include "meta/meta.h"
#include "test.h"

#define IS(view, text) assert_true(alb_str_eq_c((view), (text)))

static struct alb_str words_a[] = {{"Places/Rome", 11}, {"sun", 3}},
                      words_b[] = {{"Rome", 4}, {"sea", 3}, {"sun", 3}};

static void test_who_wins(void **state)
{
    struct alb_arena *a = alb_arena_new(1 << 20);
    struct alb_meta exif, iptc, xmp, box, m;
    (void)state;
    alb_meta_init(&exif);
    alb_meta_init(&iptc);
    alb_meta_init(&xmp);
    alb_meta_init(&box);
    exif.title = ALB_STR("exif title");
    iptc.city = ALB_STR("Bern");
    iptc.country = ALB_STR("Schweiz");
    box.state = ALB_STR("Lazio");
    iptc.title = ALB_STR("iptc title");
    xmp.description = ALB_STR("xmp text");
    exif.description = ALB_STR("exif text");
    exif.make = ALB_STR("exif make");
    xmp.make = ALB_STR("xmp make");
    xmp.lens = ALB_STR("xmp lens");
    exif.has_rating = true;
    exif.rating = 3;
    xmp.has_rating = true;
    xmp.rating = 0; /* an explicit nothing wins too */
    exif.f_number = 2.8;
    xmp.f_number = 4;
    box.duration_ms = 5;
    box.turn = 90;
    box.width = 3;
    box.height = 4;
    xmp.keywords = words_a;
    xmp.keyword_count = 2;
    iptc.keywords = words_b;
    iptc.keyword_count = 3;
    assert_int_equal(alb_meta_merge(a, &m, &exif, &iptc, &xmp, &box, NULL), ALB_OK);
    IS(m.title, "iptc title");
    IS(m.city, "Bern");
    assert_int_equal(m.state.n, 0); /* places are not mixed */
    IS(m.country, "Schweiz");
    IS(m.description, "xmp text");
    IS(m.make, "exif make");
    IS(m.lens, "xmp lens");
    assert_true(m.has_rating && m.rating == 0);
    NEAR(m.f_number, 2.8, 0);
    assert_int_equal(m.turn, 90);
    assert_int_equal(m.width, 3);
    assert_int_equal(m.keyword_count, 3);
    IS(m.keywords[0], "Places/Rome");
    IS(m.keywords[1], "sun");
    IS(m.keywords[2], "sea");
    assert_int_equal(alb_meta_merge(a, &m, NULL, NULL, NULL, NULL, NULL), ALB_OK);
    assert_int_equal(m.keyword_count, 0);
    alb_arena_free(&a);
}

static void test_times(void **state)
{
    struct alb_arena *a = alb_arena_new(1 << 20);
    struct alb_meta exif, xmp, box, m;
    (void)state;
    alb_meta_init(&exif);
    alb_meta_init(&xmp);
    alb_meta_init(&box);
    box.taken = (struct alb_meta_time){.known = true, .local_ms = 1000, .utc_ms = 1000};
    box.taken_is_weak = true;
    assert_int_equal(alb_meta_merge(a, &m, &exif, NULL, &xmp, &box, NULL), ALB_OK);
    assert_true(m.taken.known && m.taken_is_weak && m.taken.local_ms == 1000);
    exif.taken = (struct alb_meta_time){.known = true, .local_ms = 7200500, .utc_ms = 7200500};
    assert_int_equal(alb_meta_merge(a, &m, &exif, NULL, &xmp, &box, NULL), ALB_OK);
    assert_true(!m.taken_is_weak && m.taken.local_ms == 7200500 && !m.taken.has_offset);
    /* the same second with an offset: the camera's milliseconds, the program's offset */
    xmp.taken = (struct alb_meta_time){
        .known = true, .has_offset = true, .offset_min = 60, .local_ms = 7200000, .utc_ms = 3600000};
    assert_int_equal(alb_meta_merge(a, &m, &exif, NULL, &xmp, &box, NULL), ALB_OK);
    assert_true(m.taken.has_offset && m.taken.local_ms == 7200500 && m.taken.utc_ms == 3600500);
    xmp.taken.local_ms += 60000; /* another time: nothing is taken from it */
    assert_int_equal(alb_meta_merge(a, &m, &exif, NULL, &xmp, &box, NULL), ALB_OK);
    assert_false(m.taken.has_offset);
    alb_arena_free(&a);
}

static void fill(struct alb_meta *m)
{
    alb_meta_init(m);
    m->taken = (struct alb_meta_time){.known = true,
                                      .has_offset = true,
                                      .offset_min = -210,
                                      .local_ms = 1583020798750,
                                      .utc_ms = 1583020798750 + 210 * 60000};
    m->make = ALB_STR("Canon");
    m->description = ALB_STR("two\nlines");
    m->title = ALB_STR("\xc3\xa9t\xc3\xa9");
    m->city = ALB_STR("Z\xc3\xbcrich");
    m->state = ALB_STR("ZH");
    m->country = ALB_STR("Schweiz");
    m->f_number = 2.8;
    m->has_gps = true;
    m->latitude = -33.5;
    m->longitude = 151.25;
    m->has_altitude = true;
    m->altitude_m = -3;
    m->orientation = 8;
    m->has_rating = true;
    m->rating = -1;
    m->iso = 102400;
    m->keywords = words_a;
    m->keyword_count = 2;
    m->motion_photo = true;
    m->motion_from_end = 1LL << 40;
    m->duration_ms = 12345;
    m->turn = 270;
    m->content_id = ALB_STR("ABC");
}

static void test_pack_and_back(void **state)
{
    struct alb_arena *a = alb_arena_new(1 << 20);
    struct alb_buf b = ALB_BUF_INIT(ALB_META_PACKED_MAX), c = ALB_BUF_INIT(ALB_META_PACKED_MAX);
    struct alb_meta m, back;
    (void)state;
    fill(&m);
    alb_meta_pack(&m, &b);
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    assert_int_equal(alb_meta_unpack(a, alb_buf_view(&b), &back, NULL), ALB_OK);
    assert_int_equal(back.taken.utc_ms, m.taken.utc_ms);
    assert_int_equal(back.rating, -1);
    IS(back.description, "two\nlines");
    IS(back.keywords[1], "sun");
    alb_meta_pack(&back, &c);
    assert_int_equal(b.n, c.n);
    assert_memory_equal(b.p, c.p, b.n);
    alb_buf_fini(&b);
    alb_buf_fini(&c);
    alb_arena_free(&a);
}

/* What a worker in foreign hands might send. */
static void test_unpack_refuses(void **state)
{
    struct alb_buf good = ALB_BUF_INIT(ALB_META_PACKED_MAX);
    struct alb_meta m, back;
    char big[ALB_META_NAME_MAX + 1];
    (void)state;
    fill(&m);
    alb_meta_pack(&m, &good);
    for (size_t n = 0; n < good.n; n++) {
        struct alb_arena *a = alb_arena_new(1 << 20);
        assert_int_equal(alb_meta_unpack(a, (struct alb_str){good.p, n}, &back, NULL), ALB_E_INVALID);
        alb_arena_free(&a);
    }
    memset(big, 'x', sizeof(big));
    for (int i = 0; i < 7; i++) {
        struct alb_arena *a = alb_arena_new(1 << 20);
        struct alb_buf b = ALB_BUF_INIT(ALB_META_PACKED_MAX);
        fill(&m);
        if (i == 0)
            m.make = (struct alb_str){big, sizeof(big)};
        else if (i == 1)
            m.title = ALB_STR("\xff\xfe");
        else if (i == 2)
            m.author = ALB_STR("\x1b[2J");
        else if (i == 3)
            m.latitude = 91;
        else if (i == 4)
            m.f_number = (double)NAN;
        else if (i == 5)
            m.rating = 6;
        else
            m.turn = 45;
        alb_meta_pack(&m, &b);
        assert_int_equal(alb_meta_unpack(a, alb_buf_view(&b), &back, NULL), ALB_E_INVALID);
        assert_int_equal(back.keyword_count, 0);
        alb_buf_fini(&b);
        alb_arena_free(&a);
    }
    struct alb_arena *small = alb_arena_new(256);
    alb_buf_reset(&good);
    alb_meta_init(&m);
    struct alb_str words[64];
    for (size_t i = 0; i < 64; i++)
        words[i] = (struct alb_str){big, 200 + i / 8};
    m.keywords = words;
    m.keyword_count = 64;
    alb_meta_pack(&m, &good);
    assert_int_equal(alb_meta_unpack(small, alb_buf_view(&good), &back, NULL), ALB_E_TOO_LARGE);
    alb_arena_free(&small);
    alb_buf_fini(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_wins),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_pack_and_back),
        cmocka_unit_test(test_unpack_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
