/* SPDX-License-Identifier: Apache-2.0 */
#include "build.h"
#include "meta/meta.h"
#include "test.h"

static struct alb_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = alb_arena_new(8 << 20);
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    alb_arena_free(&arena);
    return 0;
}

#define IS(view, text) assert_true(alb_str_eq_c((view), (text)))
#define MAC 2082844800ULL

static void put_mvhd(struct alb_buf *b, int version, uint64_t created, uint32_t scale, uint64_t duration)
{
    size_t at = box_open(b, "mvhd");
    put_be(b, (uint64_t)version << 24, 4);
    put_be(b, created, version ? 8 : 4);
    put_be(b, created, version ? 8 : 4);
    put_be(b, scale, 4);
    put_be(b, duration, version ? 8 : 4);
    for (int i = 0; i < 20; i++)
        put_be(b, 0, 4);
    box_close(b, at);
}

static void put_track(struct alb_buf *b, const char *handler, int turn)
{
    static const int32_t matrices[4][4] = {{1, 0, 0, 1}, {0, 1, -1, 0}, {-1, 0, 0, -1}, {0, -1, 1, 0}};
    size_t trak = box_open(b, "trak"), at = box_open(b, "tkhd");
    for (int i = 0; i < 10; i++)
        put_be(b, 0, 4);
    for (int i = 0; i < 2; i++) {
        put_be(b, (uint32_t)matrices[turn / 90][2 * i] << 16, 4);
        put_be(b, (uint32_t)matrices[turn / 90][2 * i + 1] << 16, 4);
        put_be(b, 0, 4);
    }
    for (int i = 0; i < 3; i++)
        put_be(b, i == 2 ? 1u << 30 : 0, 4);
    put_be(b, 1920u << 16, 4);
    put_be(b, 1080u << 16, 4);
    box_close(b, at);
    size_t mdia = box_open(b, "mdia");
    at = box_open(b, "mdhd");
    put_be(b, 0, 12);
    put_be(b, 600, 4);
    put_be(b, 6000, 4);
    put_be(b, 0, 4);
    box_close(b, at);
    at = box_open(b, "hdlr");
    put_be(b, 0, 8);
    alb_buf_c(b, handler);
    put_be(b, 0, 13);
    box_close(b, at);
    size_t minf = box_open(b, "minf"), stbl = box_open(b, "stbl");
    at = box_open(b, "stsd");
    put_be(b, 1, 8);
    size_t entry = box_open(b, "hvc1");
    put_be(b, 0, 16);
    box_close(b, entry);
    box_close(b, at);
    at = box_open(b, "stsz");
    put_be(b, 0, 8);
    put_be(b, 300, 4);
    box_close(b, at);
    box_close(b, stbl);
    box_close(b, minf);
    box_close(b, mdia);
    box_close(b, trak);
}

static void put_keys(struct alb_buf *b)
{
    static const char *const keys[][2] = {
        {"com.apple.quicktime.make", "Apple"},
        {"com.apple.quicktime.content.identifier", "ABC-123"},
        {"com.apple.quicktime.creationdate", "2020-01-25T19:53:20-0500"},
        {"com.apple.quicktime.location.ISO6709", "+48.8577+002.2950+035.200/"},
    };
    size_t meta = box_open(b, "meta"), at = box_open(b, "hdlr");
    put_be(b, 0, 24);
    box_close(b, at);
    at = box_open(b, "keys");
    put_be(b, 4, 8);
    for (size_t i = 0; i < 4; i++) {
        put_be(b, 8 + strlen(keys[i][0]), 4);
        alb_buf_c(b, "mdta");
        alb_buf_c(b, keys[i][0]);
    }
    box_close(b, at);
    size_t ilst = box_open(b, "ilst");
    for (size_t i = 0; i < 4; i++) {
        at = b->n;
        put_be(b, 0, 4);
        put_be(b, i + 1, 4);
        size_t data = box_open(b, "data");
        put_be(b, 1, 4);
        put_be(b, 0, 4);
        alb_buf_c(b, keys[i][1]);
        box_close(b, data);
        box_close(b, at);
    }
    box_close(b, ilst);
    box_close(b, meta);
}

static bool read_moov(const struct alb_buf *b, struct alb_meta *m)
{
    struct alb_str s = alb_buf_view(b);
    struct alb_meta_source src = alb_meta_source_mem(&s);
    bool found;
    alb_meta_init(m);
    assert_int_equal(alb_meta_moov(arena, m, &src, &found, NULL), ALB_OK);
    return found;
}

static void put_movie(struct alb_buf *b, int version, int turn, bool keys)
{
    size_t at = box_open(b, "ftyp");
    alb_buf_c(b, "qt  ");
    put_be(b, 0, 4);
    box_close(b, at);
    at = box_open(b, "mdat");
    put_be(b, 0, 8);
    box_close(b, at);
    size_t moov = box_open(b, "moov");
    put_mvhd(b, version, MAC + 1580000000, 600, 6006);
    put_track(b, "soun", 0);
    put_track(b, "vide", turn);
    put_track(b, "vide", 0); /* a second one is not looked at */
    if (keys)
        put_keys(b);
    box_close(b, moov);
}

static void test_movie(void **state)
{
    (void)state;
    for (int version = 0; version < 2; version++) {
        for (int turn = 0; turn < 360; turn += 90) {
            struct alb_buf b = ALB_BUF_INIT(100000);
            struct alb_meta m;
            put_movie(&b, version, turn, false);
            assert_true(read_moov(&b, &m));
            assert_int_equal(m.width, 1920);
            assert_int_equal(m.height, 1080);
            assert_int_equal(m.turn, turn);
            assert_int_equal(m.duration_ms, 10010);
            NEAR(m.fps, 30, 1e-9);
            assert_true(m.has_audio);
            IS(m.codec, "hvc1");
            assert_true(m.taken.known && m.taken_is_weak);
            assert_int_equal(m.taken.utc_ms, 1580000000000);
            alb_buf_fini(&b);
        }
    }
}

static void test_apple_keys(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(100000);
    struct alb_meta m;
    (void)state;
    put_movie(&b, 0, 90, true);
    assert_true(read_moov(&b, &m));
    IS(m.make, "Apple");
    IS(m.content_id, "ABC-123");
    assert_true(m.taken.known && m.taken.has_offset && !m.taken_is_weak);
    assert_int_equal(m.taken.utc_ms, 1580000000000);
    assert_int_equal(m.taken.offset_min, -300);
    NEAR(m.latitude, 48.8577, 1e-9);
    NEAR(m.longitude, 2.295, 1e-9);
    NEAR(m.altitude_m, 35.2, 1e-9);
    alb_buf_fini(&b);
}

static void test_creation_times(void **state)
{
    static const struct {
        uint64_t stored;
        int version;
        bool known;
        int64_t ms;
    } cases[] = {
        {0, 0, false, 0},
        {1580000000, 0, true, 1580000000000},       /* counted from 1970 by mistake */
        {MAC + 1580000000, 1, true, 1580000000000}, /* 64 bits */
        {MAC + 4102444800, 1, true, 4102444800000}, /* 2100: needs them */
        {UINT64_MAX, 1, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_buf b = ALB_BUF_INIT(1000);
        struct alb_meta m;
        size_t moov = box_open(&b, "moov");
        put_mvhd(&b, cases[i].version, cases[i].stored, 600, 600);
        box_close(&b, moov);
        assert_true(read_moov(&b, &m));
        assert_int_equal(m.taken.known, cases[i].known);
        if (cases[i].known)
            assert_int_equal(m.taken.utc_ms, cases[i].ms);
        alb_buf_fini(&b);
    }
}

static void test_cr3(void **state)
{
    const struct tag cmt1[] = {TAG_TEXT(0x10f, "Canon"), TAG_TEXT(0x110, "EOS R6"), TAG_SHORT(0x112, 8)};
    const struct tag cmt2[] = {TAG_TEXT(0x9003, "2020:02:29 23:59:58"), TAG_TEXT(0x9011, "+01:00"),
                               TAG_SHORT(0x8827, 800)};
    const struct tag cmt4[] = {TAG_TEXT(1, "N"), TAG_RATIONAL3(2, 48, 1, 30, 1, 0, 1), TAG_TEXT(3, "W"),
                               TAG_RATIONAL3(4, 2, 1, 15, 1, 0, 1)};
    const struct {
        const char *kind;
        const struct tag *tags;
        size_t n;
    } blocks[3] = {{"CMT1", cmt1, 3}, {"CMT2", cmt2, 3}, {"CMT4", cmt4, 4}};
    struct alb_buf b = ALB_BUF_INIT(100000);
    struct alb_meta m;
    (void)state;
    size_t moov = box_open(&b, "moov"), uuid = box_open(&b, "uuid");
    alb_buf_add(&b, "\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48", 16);
    for (size_t i = 0; i < 3; i++) {
        size_t at = box_open(&b, blocks[i].kind);
        put_tiff(&b, false, blocks[i].tags, blocks[i].n, NULL, 0, NULL, 0);
        box_close(&b, at);
    }
    box_close(&b, uuid);
    put_mvhd(&b, 0, MAC + 5, 600, 600);
    box_close(&b, moov);
    assert_true(read_moov(&b, &m));
    IS(m.make, "Canon");
    IS(m.model, "EOS R6");
    assert_int_equal(m.orientation, 8);
    assert_int_equal(m.iso, 800);
    assert_true(m.taken.known && m.taken.has_offset && !m.taken_is_weak);
    assert_int_equal(m.taken.local_ms, 1583020798000);
    NEAR(m.latitude, 48.5, 1e-9);
    NEAR(m.longitude, -2.25, 1e-9);
    alb_buf_fini(&b);
}

static void test_broken(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(100000);
    struct alb_meta m;
    (void)state;
    assert_false(read_moov(&b, &m));
    put_movie(&b, 0, 0, true);
    size_t whole = b.n;
    for (size_t n = 1; n < whole; n++) {
        b.n = n;
        alb_ignore(read_moov(&b, &m), "whatever it says");
        b.n = whole;
        b.p[n] = (char)(b.p[n] ^ 0xff);
        alb_ignore(read_moov(&b, &m), "whatever it says");
        b.p[n] = (char)(b.p[n] ^ 0xff);
    }
    alb_buf_reset(&b);
    for (int i = 0; i < 10000; i++) { /* more boxes than are looked at */
        put_be(&b, 8, 4);
        alb_buf_c(&b, "free");
    }
    size_t moov = box_open(&b, "moov");
    box_close(&b, moov);
    assert_false(read_moov(&b, &m));
    alb_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_movie),          cmocka_unit_test(test_apple_keys),
        cmocka_unit_test(test_creation_times), cmocka_unit_test(test_cr3),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
