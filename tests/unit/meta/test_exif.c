/* SPDX-License-Identifier: Apache-2.0 */
#include "build.h"
#include "meta/meta.h"
#include "test.h"

static struct alb_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = alb_arena_new(1 << 20);
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    alb_arena_free(&arena);
    return 0;
}

static void read_exif(struct alb_meta *m, const struct alb_buf *b)
{
    alb_meta_init(m);
    assert_int_equal(alb_meta_exif(arena, m, b->p, b->n, NULL), ALB_OK);
}

#define IS(view, text) assert_true(alb_str_eq_c((view), (text)))

/* The same block in both byte orders, with and without the mark. */
static void test_all_fields(void **state)
{
    const struct tag ifd0[] = {
        TAG_TEXT(0x10e, "A walk\nby the sea"),
        TAG_TEXT(0x10f, "Canon "),
        TAG_TEXT(0x110, "EOS R5"),
        TAG_SHORT(0x112, 6),
        TAG_TEXT(0x131, "darktable"),
        TAG_TEXT(0x13b, "Ann"),
        TAG_SHORT(0x4746, 4),
        TAG_TEXT(0x8298, "(c) Ann"),
    };
    const struct tag exif[] = {
        TAG_RATIONAL(0x829a, 1, 250),     TAG_RATIONAL(0x829d, 28, 10),
        TAG_SHORT(0x8827, 400),           TAG_TEXT(0x9003, "2020:02:29 23:59:58"),
        TAG_TEXT(0x9011, "+02:00"),       TAG_RATIONAL(0x920a, 50, 1),
        TAG_TEXT(0x9291, "75"),           TAG_LONG(0xa002, 8192),
        TAG_LONG(0xa003, 5464),           TAG_SHORT(0xa405, 51),
        TAG_TEXT(0xa434, "RF 50mm F1.2"),
    };
    const struct tag gps[] = {
        TAG_TEXT(1, "S"),  TAG_RATIONAL3(2, 33, 1, 51, 1, 2454, 100),
        TAG_TEXT(3, "E"),  TAG_RATIONAL3(4, 151, 1, 12, 1, 3456, 100),
        {5, 1, 1, "\x01"}, TAG_RATIONAL(6, 125, 10),
    };
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct alb_buf b = ALB_BUF_INIT(10000);
        struct alb_meta m;
        if (i & 1)
            alb_buf_add(&b, "Exif\0\0", 6);
        put_tiff(&b, (i & 2) != 0, ifd0, ALB_ARRAY_LEN(ifd0), exif, ALB_ARRAY_LEN(exif), gps,
                 ALB_ARRAY_LEN(gps));
        read_exif(&m, &b);
        IS(m.description, "A walk\nby the sea");
        IS(m.make, "Canon");
        IS(m.model, "EOS R5");
        IS(m.software, "darktable");
        IS(m.author, "Ann");
        IS(m.copyright, "(c) Ann");
        IS(m.lens, "RF 50mm F1.2");
        assert_int_equal(m.orientation, 6);
        assert_true(m.has_rating && m.rating == 4);
        NEAR(m.exposure_s, 0.004, 1e-12);
        NEAR(m.f_number, 2.8, 1e-12);
        NEAR(m.focal_mm, 50, 0);
        NEAR(m.focal_35mm, 51, 0);
        assert_int_equal(m.iso, 400);
        assert_int_equal(m.width, 8192);
        assert_int_equal(m.height, 5464);
        assert_true(m.taken.known && m.taken.has_offset && !m.taken_is_weak);
        assert_int_equal(m.taken.offset_min, 120);
        assert_int_equal(m.taken.local_ms, 1583020798750);
        assert_int_equal(m.taken.utc_ms, 1583020798750 - 7200000);
        assert_true(m.has_gps && m.has_altitude);
        NEAR(m.latitude, -(33 + 51.0 / 60 + 24.54 / 3600), 1e-9);
        NEAR(m.longitude, 151 + 12.0 / 60 + 34.56 / 3600, 1e-9);
        NEAR(m.altitude_m, -12.5, 1e-9);
        alb_buf_fini(&b);
    }
}

static void one_exif(struct alb_meta *m, const struct tag *ifd0, size_t n0, const struct tag *exif, size_t n1,
                     const struct tag *gps, size_t n2)
{
    struct alb_buf b = ALB_BUF_INIT(10000);
    put_tiff(&b, false, ifd0, n0, exif, n1, gps, n2);
    read_exif(m, &b);
    alb_buf_fini(&b);
}

static void test_time(void **state)
{
    static const struct {
        const char *original, *offset, *modified;
        bool known, weak, has_offset;
        int offset_min;
        int64_t local_ms;
    } cases[] = {
        {"2021:06:01 10:00:00", "", "", true, false, false, 0, 1622541600000},
        {"2021:06:01 10:00:00", "-03:30", "", true, false, true, -210, 1622541600000},
        {"2021:06:01 10:00:00", "+0530", "", true, false, true, 330, 1622541600000},
        {"2021:06:01 10:00:00", "nonsense", "", true, false, false, 0, 1622541600000},
        {"0000:00:00 00:00:00", "", "2021:06:01 10:00:00", true, true, false, 0, 1622541600000},
        {"    :  :     :  :  ", "", "", false, false, false, 0, 0},
        {"2021:02:29 10:00:00", "", "", false, false, false, 0, 0},
        {"2021:13:01 10:00:00", "", "", false, false, false, 0, 0},
        {"2021-06-01T10:00:00", "", "", true, false, false, 0, 1622541600000},
        {"1969:12:31 23:59:59", "", "", true, false, false, 0, -1000},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_meta m;
        struct tag ifd0[] = {{0x132, 2, (uint32_t)strlen(cases[i].modified) + 1, cases[i].modified}};
        struct tag exif[] = {{0x9003, 2, (uint32_t)strlen(cases[i].original) + 1, cases[i].original},
                             {0x9011, 2, (uint32_t)strlen(cases[i].offset) + 1, cases[i].offset}};
        one_exif(&m, ifd0, 1, exif, 2, NULL, 0);
        assert_int_equal(m.taken.known, cases[i].known);
        if (!cases[i].known)
            continue;
        assert_int_equal(m.taken_is_weak, cases[i].weak);
        assert_int_equal(m.taken.has_offset, cases[i].has_offset);
        assert_int_equal(m.taken.offset_min, cases[i].offset_min);
        assert_int_equal(m.taken.local_ms, cases[i].local_ms);
        assert_int_equal(m.taken.utc_ms, cases[i].local_ms - cases[i].offset_min * 60000);
    }
}

/* Satellite time gives the offset only if it is a quarter of an hour away, within two minutes. */
static void test_offset_from_gps(void **state)
{
    static const struct {
        uint32_t h, min;
        bool known;
        int offset;
    } cases[] = {
        {8, 0, true, 120}, {8, 1, true, 120}, {7, 59, true, 120}, {4, 30, true, 330}, {8, 6, false, 0}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_meta m;
        uint32_t stamp[] = {cases[i].h, 1, cases[i].min, 1, 0, 1};
        struct tag exif[] = {TAG_TEXT(0x9003, "2021:06:01 10:00:00")};
        struct tag gps[] = {{7, 5, 3, stamp}, TAG_TEXT(0x1d, "2021:06:01")};
        one_exif(&m, NULL, 0, exif, 1, gps, 2);
        assert_int_equal(m.taken.has_offset, cases[i].known);
        assert_int_equal(m.taken.offset_min, cases[i].offset);
    }
}

static void test_implausible_is_dropped(void **state)
{
    const struct tag ifd0[] = {TAG_SHORT(0x112, 9), TAG_SHORT(0x4746, 99),
                               TAG_TEXT(0x10e, "OLYMPUS DIGITAL CAMERA")};
    const struct tag exif[] = {TAG_RATIONAL(0x829a, 1, 0), TAG_RATIONAL(0x829d, 0, 1),
                               TAG_SHORT(0x8827, 65535), TAG_LONG(0x8832, 102400),
                               TAG_RATIONAL(0x920a, 0, 0)};
    const struct tag gps[] = {TAG_TEXT(1, "N"), TAG_RATIONAL3(2, 0, 1, 0, 1, 0, 1), TAG_TEXT(3, "E"),
                              TAG_RATIONAL3(4, 0, 1, 0, 1, 0, 1)};
    struct alb_meta m;
    (void)state;
    one_exif(&m, ifd0, 3, exif, 5, gps, 4);
    assert_int_equal(m.orientation, 0);
    assert_false(m.has_rating);
    assert_int_equal(m.description.n, 0);
    NEAR(m.exposure_s, 0, 0);
    NEAR(m.f_number, 0, 0);
    NEAR(m.focal_mm, 0, 0);
    assert_int_equal(m.iso, 102400);
    assert_false(m.has_gps);
}

static void test_text_is_clean(void **state)
{
    const struct tag ifd0[] = {
        TAG_TEXT(0x10f, "Caf\xe9"),                   /* Latin-1 */
        TAG_TEXT(0x110, " \x1b[31mred\x07 \xc2\x9b"), /* controls of both kinds */
        TAG_TEXT(0x131, "\xc3\xa9t\xc3\xa9\0hidden"),
        {0x9c9b, 1, 10, "T\0i\0\x3d\xd8\x00\xde\0\0"}, /* UTF-16 with a surrogate pair */
        {0x9c9e, 1, 10, "a\0;\0 \0b\0\0\0"},
    };
    struct alb_meta m;
    (void)state;
    one_exif(&m, ifd0, ALB_ARRAY_LEN(ifd0), NULL, 0, NULL, 0);
    IS(m.make, "Caf\xc3\xa9");
    IS(m.model, "[31mred");
    IS(m.software, "\xc3\xa9t\xc3\xa9");
    IS(m.title, "Ti\xf0\x9f\x98\x80");
    assert_int_equal(m.keyword_count, 2);
    IS(m.keywords[0], "a");
    IS(m.keywords[1], "b");
}

/* What exiftool reads as well: text of Windows, text that a fixed length cut in two, comments in the byte
 * order of the machine and not of the block, lenses without a name. */
static void test_text_of_programs(void **state)
{
    static const char little[] = "UNICODE\0G\0r\0\xfc\0\xdf\0e\0 \0\x71\x67";
    static const char big[] = "UNICODE\0\0G\0r\0\xfc\0\xdf\0e\0 \x67\x71";
    static const char marked[] = "UNICODE\0\xff\xfe\x71\x67\xac\x4e";
    static const struct {
        const char *bytes;
        uint32_t n;
        const char *text;
    } comments[] = {
        {little, sizeof(little) - 1,
         "Gr\xc3\xbc\xc3\x9f"
         "e \xe6\x9d\xb1"},
        {big, sizeof(big) - 1,
         "Gr\xc3\xbc\xc3\x9f"
         "e \xe6\x9d\xb1"},
        {marked, sizeof(marked) - 1, "\xe6\x9d\xb1\xe4\xba\xac"},
    };
    const struct tag ifd0[] = {
        TAG_TEXT(0x10f, "It\x92s \x80 5 \x96 \x93"
                        "caf\xe9\x94"), /* Windows-1252 */
        TAG_TEXT(0x110, "Z\xc3\xbcrich und Gen\xc3"),
        TAG_TEXT(0x131, "Gen\xc3"), /* nothing says that this was meant to be UTF-8 */
    };
    struct alb_meta m;
    (void)state;
    for (size_t i = 0; i < 2 * ALB_ARRAY_LEN(comments); i++) {
        struct tag exif[] = {{0x9286, 7, comments[i / 2].n, comments[i / 2].bytes}};
        struct alb_buf b = ALB_BUF_INIT(10000);
        put_tiff(&b, (i & 1) != 0, ifd0, ALB_ARRAY_LEN(ifd0), exif, 1, NULL, 0);
        read_exif(&m, &b);
        IS(m.description, comments[i / 2].text);
        IS(m.make, "It\xe2\x80\x99s \xe2\x82\xac 5 \xe2\x80\x93 \xe2\x80\x9c"
                   "caf\xc3\xa9\xe2\x80\x9d");
        IS(m.model, "Z\xc3\xbcrich und Gen");
        IS(m.software, "Gen\xc3\x83");
        alb_buf_fini(&b);
    }
}

static void test_lens_without_a_name(void **state)
{
    static const struct {
        uint32_t numbers[8];
        const char *lens;
    } table[] = {
        {{24, 1, 70, 1, 28, 10, 28, 10}, "24-70mm f/2.8"},
        {{18, 1, 55, 1, 35, 10, 56, 10}, "18-55mm f/3.5-5.6"},
        {{50, 1, 50, 1, 0, 0, 0, 0}, "50mm"},
        {{0, 0, 0, 0, 0, 0, 0, 0}, ""},
        {{70, 1, 24, 1, 28, 10, 28, 10}, ""},
    };
    struct alb_meta m;
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        struct tag exif[] = {{0xa432, 5, 4, table[i].numbers}};
        one_exif(&m, NULL, 0, exif, 1, NULL, 0);
        IS(m.lens, table[i].lens);
    }
}

static void test_apple_content_id(void **state)
{
    struct alb_buf note = ALB_BUF_INIT(1000);
    struct alb_meta m;
    (void)state;
    alb_buf_add(&note, "Apple iOS\0\0\x01MM", 14);
    put_be(&note, 1, 2);
    put_be(&note, 0x11, 2);
    put_be(&note, 2, 2);
    put_be(&note, 37, 4);
    put_be(&note, 14 + 2 + 12 + 4, 4);
    put_be(&note, 0, 4);
    alb_buf_add(&note, "1E8A9A27-6E23-4F1C-9B8E-5F0D9A3C1B2D", 37);
    struct tag exif[] = {{0x927c, 7, (uint32_t)note.n, note.p}};
    struct tag ifd0[] = {TAG_TEXT(0x10f, "Apple")};
    one_exif(&m, ifd0, 1, exif, 1, NULL, 0);
    IS(m.content_id, "1E8A9A27-6E23-4F1C-9B8E-5F0D9A3C1B2D");
    alb_buf_fini(&note);
}

/* Every prefix and many flipped bytes of a good block: never more than a wrong answer. */
static void test_broken_blocks(void **state)
{
    const struct tag ifd0[] = {TAG_TEXT(0x10f, "Canon EOS long name"), TAG_SHORT(0x112, 6)};
    const struct tag exif[] = {TAG_TEXT(0x9003, "2020:02:29 23:59:58"), TAG_RATIONAL(0x829a, 1, 250)};
    struct alb_buf b = ALB_BUF_INIT(10000);
    struct alb_meta m;
    (void)state;
    put_tiff(&b, true, ifd0, 2, exif, 2, NULL, 0);
    for (size_t n = 0; n < b.n; n++) {
        struct alb_arena *a = alb_arena_new(1 << 20);
        alb_meta_init(&m);
        assert_int_equal(alb_meta_exif(a, &m, b.p, n, NULL), ALB_OK);
        b.p[n] = (char)(b.p[n] ^ 0xff);
        alb_meta_init(&m);
        assert_int_equal(alb_meta_exif(a, &m, b.p, b.n, NULL), ALB_OK);
        b.p[n] = (char)(b.p[n] ^ 0xff);
        alb_arena_free(&a);
    }
    alb_buf_fini(&b);
}

static void test_full_arena_is_told(void **state)
{
    static const char text[5000] = "a long description";
    const struct tag ifd0[] = {{0x10e, 1, sizeof(text), text}};
    struct alb_arena *small = alb_arena_new(256);
    struct alb_buf b = ALB_BUF_INIT(10000);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_meta m;
    (void)state;
    put_tiff(&b, true, ifd0, 1, NULL, 0, NULL, 0);
    alb_meta_init(&m);
    assert_int_equal(alb_meta_exif(small, &m, b.p, b.n, &err), ALB_E_TOO_LARGE);
    assert_int_equal(err.code, ALB_E_TOO_LARGE);
    alb_buf_fini(&b);
    alb_arena_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fields),          cmocka_unit_test(test_time),
        cmocka_unit_test(test_offset_from_gps),     cmocka_unit_test(test_implausible_is_dropped),
        cmocka_unit_test(test_text_is_clean),       cmocka_unit_test(test_text_of_programs),
        cmocka_unit_test(test_lens_without_a_name), cmocka_unit_test(test_apple_content_id),
        cmocka_unit_test(test_broken_blocks),       cmocka_unit_test(test_full_arena_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
