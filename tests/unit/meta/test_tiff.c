/* SPDX-License-Identifier: Apache-2.0 */
#include "build.h"
#include "meta/meta.h"
#include "test.h"

#define IS(view, text) assert_true(alb_str_eq_c((view), (text)))

static struct alb_meta_tiff read_tiff(struct alb_arena *a, const struct alb_buf *b, struct alb_meta *m)
{
    struct alb_str s = alb_buf_view(b);
    struct alb_meta_source src = alb_meta_source_mem(&s);
    struct alb_meta_tiff seen;
    alb_meta_init(m);
    assert_int_equal(alb_meta_tiff(a, m, &src, &seen, NULL), ALB_OK);
    return seen;
}

/* A file as cameras make it: directories behind a megabyte of pixels. */
static void test_far_directories(void **state)
{
    static const char xmp[] = "<x:xmpmeta>far away</x:xmpmeta>";
    const struct tag exif[] = {TAG_TEXT(0x9003, "2020:02:29 23:59:58"),
                               TAG_SHORT(0x8827, 200),
                               {0x927c, 7, 20, "maker note stays out"}};
    const struct tag gps[] = {TAG_TEXT(1, "N"), TAG_RATIONAL3(2, 10, 1, 0, 1, 0, 1), TAG_TEXT(3, "E"),
                              TAG_RATIONAL3(4, 20, 1, 0, 1, 0, 1)};
    static const uint32_t sub[1] = {8};
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct alb_arena *a = alb_arena_new(4 << 20);
        struct alb_buf b = ALB_BUF_INIT(4 << 20);
        struct alb_meta m;
        uint32_t at[2];
        alb_buf_add(&b, big ? "MM\0*" : "II*\0", 4);
        put_int(&b, 0, 4, big);
        memset(alb_buf_reserve(&b, 1 << 20), 0xaa, 1 << 20);
        alb_buf_commit(&b, 1 << 20);
        at[0] = (uint32_t)put_dir(&b, 0, exif, 3, big);
        at[1] = (uint32_t)put_dir(&b, 0, gps, 4, big);
        struct tag ifd0[] = {
            TAG_LONG(0xfe, 1),      TAG_SHORT(0x106, 32803), TAG_TEXT(0x10f, "NIKON CORPORATION"),
            TAG_SHORT(0x112, 8),    {0x14a, 4, 1, sub},      {0x2bc, 1, sizeof(xmp) - 1, xmp},
            {0x8769, 4, 1, &at[0]}, {0x8825, 4, 1, &at[1]}};
        poke(&b, 4, (uint32_t)put_dir(&b, 0, ifd0, ALB_ARRAY_LEN(ifd0), big), 4, big);
        struct alb_meta_tiff seen = read_tiff(a, &b, &m);
        assert_true(seen.ok && seen.reduced && seen.cfa && seen.sub_ifds && !seen.dng && !seen.cr2);
        assert_string_equal(seen.make, "NIKON CORPORATION");
        IS(seen.xmp, xmp);
        IS(m.make, "NIKON CORPORATION");
        assert_int_equal(m.orientation, 8);
        assert_int_equal(m.iso, 200);
        assert_int_equal(m.taken.local_ms, 1583020798000);
        NEAR(m.latitude, 10, 1e-9);
        NEAR(m.longitude, 20, 1e-9);
        alb_buf_fini(&b);
        alb_arena_free(&a);
    }
}

static void test_broken(void **state)
{
    const struct tag ifd0[] = {TAG_TEXT(0x10f, "Canon EOS"), TAG_TEXT(0x10e, "a description"),
                               TAG_SHORT(0x112, 6)};
    const struct tag exif[] = {TAG_TEXT(0x9003, "2020:02:29 23:59:58")};
    struct alb_buf b = ALB_BUF_INIT(10000);
    struct alb_meta m;
    (void)state;
    put_tiff(&b, true, ifd0, 3, exif, 1, NULL, 0);
    size_t whole = b.n;
    for (size_t n = 0; n < whole; n++) {
        struct alb_arena *a = alb_arena_new(4 << 20);
        b.n = n;
        read_tiff(a, &b, &m);
        b.n = whole;
        b.p[n] = (char)(b.p[n] ^ 0xff);
        read_tiff(a, &b, &m);
        b.p[n] = (char)(b.p[n] ^ 0xff);
        alb_arena_free(&a);
    }
    alb_buf_fini(&b);
}

/* A directory that points to itself, and values that would be gigabytes. */
static void test_bombs(void **state)
{
    static const uint32_t self[1] = {8}, huge[1] = {0};
    struct tag ifd0[] = {{0x8769, 4, 1, self}, {0x8825, 4, 1, self}, {0x10e, 2, 1, huge}};
    struct alb_arena *a = alb_arena_new(4 << 20);
    struct alb_buf b = ALB_BUF_INIT(10000);
    struct alb_meta m;
    (void)state;
    alb_buf_add(&b, "II*\0", 4);
    put_int(&b, 8, 4, false);
    put_dir(&b, 0, ifd0, 3, false);
    poke(&b, 8 + 2 + 2 * 12 + 4, 0xfffffff0, 4, false);
    assert_true(read_tiff(a, &b, &m).ok);
    assert_int_equal(m.description.n, 0);
    assert_true(alb_arena_used(a) < (1 << 20));
    alb_buf_fini(&b);
    alb_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_far_directories),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_bombs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
