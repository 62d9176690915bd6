/* SPDX-License-Identifier: Apache-2.0 */
#include "build.h"
#include "meta/meta.h"
#include "test.h"

static struct alb_arena *arena;

static int set_up(void **state)
{
    (void)state;
    alb_meta_global_init();
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

static void put_records(struct alb_buf *b)
{
    put_iim(b, 2, 5, "Title");
    put_iim(b, 2, 25, "sea");
    put_iim(b, 2, 25, "sun");
    put_iim(b, 2, 25, "sea");
    put_iim(b, 2, 55, "20200125");
    put_iim(b, 2, 60, "195320-0500");
    put_iim(b, 2, 80, "Ann");
    put_iim(b, 2, 90, "Z\xfcrich");
    put_iim(b, 2, 95, "ZH");
    put_iim(b, 2, 101, "Switzerland");
    put_iim(b, 2, 116, "(c) Ann");
    put_iim(b, 2, 120, "Caf\xe9 au lait");
}

static void check_iptc(const struct alb_meta *m)
{
    IS(m->title, "Title");
    IS(m->author, "Ann");
    IS(m->copyright, "(c) Ann");
    IS(m->description, "Caf\xc3\xa9 au lait");
    IS(m->city, "Z\xc3\xbcrich");
    IS(m->state, "ZH");
    IS(m->country, "Switzerland");
    assert_int_equal(m->keyword_count, 2);
    IS(m->keywords[0], "sea");
    IS(m->keywords[1], "sun");
    assert_true(m->taken.known && m->taken.has_offset);
    assert_int_equal(m->taken.utc_ms, 1580000000000);
}

static void test_iptc(void **state)
{
    struct alb_buf iim = ALB_BUF_INIT(1000), ps = ALB_BUF_INIT(2000);
    struct alb_meta m;
    (void)state;
    put_records(&iim);
    alb_meta_init(&m);
    assert_int_equal(alb_meta_iptc(arena, &m, iim.p, iim.n, NULL), ALB_OK);
    check_iptc(&m);
    /* inside a Photoshop block, behind another resource with an odd length */
    alb_buf_add(&ps,
                "Photoshop 3.0\0"
                "8BIM\x03\xed\0\0\0\0\0\x03"
                "abc\0"
                "8BIM\x04\x04\0\0",
                38);
    put_be(&ps, iim.n, 4);
    alb_buf_add(&ps, iim.p, iim.n);
    alb_meta_init(&m);
    assert_int_equal(alb_meta_iptc(arena, &m, ps.p, ps.n, NULL), ALB_OK);
    check_iptc(&m);
    for (size_t n = 0; n < ps.n; n++) {
        alb_meta_init(&m);
        assert_int_equal(alb_meta_iptc(arena, &m, ps.p, n, NULL), ALB_OK);
    }
    alb_buf_fini(&iim);
    alb_buf_fini(&ps);
}

#define HEAD                                                                                                 \
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"  \
    "<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' "                             \
    "xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' "                   \
    "xmlns:tiff='http://ns.adobe.com/tiff/1.0/' xmlns:lr='http://ns.adobe.com/lightroom/1.0/' "              \
    "xmlns:digiKam='http://www.digikam.org/ns/1.0/' "                                                        \
    "xmlns:GPano='http://ns.google.com/photos/1.0/panorama/' "                                               \
    "xmlns:GCamera='http://ns.google.com/photos/1.0/camera/' "                                               \
    "xmlns:Container='http://ns.google.com/photos/1.0/container/' "                                          \
    "xmlns:Item='http://ns.google.com/photos/1.0/container/item/' "
#define TAIL "</rdf:Description></rdf:RDF></x:xmpmeta>"

static void read_xmp(struct alb_meta *m, const char *text)
{
    alb_meta_init(m);
    assert_int_equal(alb_meta_xmp(arena, m, text, strlen(text), NULL), ALB_OK);
}

static void test_xmp_words(void **state)
{
    struct alb_meta m;
    (void)state;
    read_xmp(
        &m, HEAD
        "xmp:Rating='-1'>"
        "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Title &amp; more</rdf:li></rdf:Alt></dc:title>"
        "<dc:description><rdf:Alt><rdf:li xml:lang='x-default'>Two\nlines</rdf:li></rdf:Alt></dc:description>"
        "<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>"
        "<lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Italy|Rome</rdf:li><rdf:li>AC/DC</rdf:li></rdf:Bag>"
        "</lr:hierarchicalSubject>"
        "<digiKam:TagsList><rdf:Seq><rdf:li>Places/Italy/Rome</rdf:li><rdf:li>People/Ann</rdf:li></rdf:Seq>"
        "</digiKam:TagsList>"
        "<dc:subject><rdf:Bag><rdf:li>Rome</rdf:li><rdf:li>Italy</rdf:li><rdf:li>holiday</rdf:li></rdf:Bag>"
        "</dc:subject>" TAIL);
    IS(m.title, "Title & more");
    IS(m.description, "Two\nlines");
    IS(m.author, "Ann, Bob");
    assert_true(m.has_rating && m.rating == -1);
    assert_int_equal(m.keyword_count, 4);
    IS(m.keywords[0], "Places/Italy/Rome");
    IS(m.keywords[1], "People/Ann");
    IS(m.keywords[2], "AC\xe2\x88\x95"
                      "DC");
    IS(m.keywords[3], "holiday");
}

#define PLACES                                                                                               \
    "xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' "                                                  \
    "xmlns:Iptc4xmpExt='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' "
#define PLACE(field, city, country)                                                                          \
    "<Iptc4xmpExt:" field "><rdf:Bag><rdf:li rdf:parseType='Resource'><Iptc4xmpExt:City>" city               \
    "</Iptc4xmpExt:City><Iptc4xmpExt:CountryName>" country                                                   \
    "</Iptc4xmpExt:CountryName></rdf:li></rdf:Bag></Iptc4xmpExt:" field ">"

static void test_xmp_places(void **state)
{
    struct alb_meta m;
    (void)state;
    read_xmp(&m, HEAD PLACES "photoshop:City='Bern' photoshop:State='BE' photoshop:Country='Schweiz'>" PLACE(
                                 "LocationCreated", "Thun", "CH") TAIL);
    IS(m.city, "Bern"); /* what every program knows goes first */
    IS(m.state, "BE");
    IS(m.country, "Schweiz");
    read_xmp(&m, HEAD PLACES ">" PLACE("LocationShown", "Paris", "France")
                     PLACE("LocationCreated", "Lyon", "France") TAIL);
    IS(m.city, "Lyon"); /* where the camera stood, not what it looked at; never mixed */
    assert_int_equal(m.state.n, 0);
    IS(m.country, "France");
    read_xmp(&m, HEAD PLACES ">" PLACE("LocationShown", "Paris", "France") TAIL);
    IS(m.city, "Paris");
}

static void test_xmp_facts(void **state)
{
    struct alb_meta m;
    (void)state;
    read_xmp(&m, HEAD "exif:DateTimeOriginal='2020-01-25T19:53:20.5-05:00' exif:GPSLatitude='51,30.25N' "
                      "exif:GPSLongitude='0,7,30W' exif:GPSAltitude='355/10' exif:GPSAltitudeRef='0' "
                      "exif:FNumber='28/10' tiff:Make='Google' tiff:Orientation='8' "
                      "GPano:ProjectionType='equirectangular'>" TAIL);
    assert_true(m.taken.known && m.taken.has_offset);
    assert_int_equal(m.taken.utc_ms, 1580000000500);
    assert_int_equal(m.taken.offset_min, -300);
    NEAR(m.latitude, 51 + 30.25 / 60, 1e-9);
    NEAR(m.longitude, -(7.5 / 60), 1e-9);
    NEAR(m.altitude_m, 35.5, 1e-9);
    NEAR(m.f_number, 2.8, 1e-9);
    assert_int_equal(m.orientation, 8);
    IS(m.make, "Google");
    IS(m.projection, "equirectangular");
}

static void test_motion_photo(void **state)
{
    struct alb_meta m;
    (void)state;
    read_xmp(&m, HEAD "GCamera:MicroVideo='1' GCamera:MicroVideoOffset='4022143' "
                      "GCamera:MicroVideoPresentationTimestampUs='900000'>" TAIL);
    assert_true(m.motion_photo);
    assert_int_equal(m.motion_from_end, 4022143);
    assert_int_equal(m.motion_still_us, 900000);
    read_xmp(
        &m, HEAD
        "GCamera:MotionPhoto='1'><Container:Directory><rdf:Seq>"
        "<rdf:li rdf:parseType='Resource'><Container:Item Item:Mime='image/jpeg' "
        "Item:Semantic='Primary'/></rdf:li>"
        "<rdf:li rdf:parseType='Resource'><Container:Item Item:Mime='video/mp4' Item:Semantic='MotionPhoto' "
        "Item:Length='12345'/></rdf:li></rdf:Seq></Container:Directory>" TAIL);
    assert_true(m.motion_photo);
    assert_int_equal(m.motion_from_end, 12345);
    assert_int_equal(m.motion_still_us, -1);
}

/* What could keep a parser busy, or make it open something, is not given to it. */
static void test_xmp_hostile(void **state)
{
    struct alb_meta m;
    struct alb_buf deep = ALB_BUF_INIT(1 << 20);
    (void)state;
    read_xmp(&m, "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" HEAD "tiff:Make='&e;'>" TAIL);
    assert_int_equal(m.make.n, 0);
    read_xmp(&m, "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>" HEAD
                 "tiff:Make='&b;'>" TAIL);
    assert_int_equal(m.make.n, 0);
    for (int i = 0; i < 20000; i++)
        alb_buf_c(&deep, "<a>");
    read_xmp(&m, alb_buf_cstr(&deep));
    read_xmp(&m, "<x:xmpmeta xmlns:x='adobe:ns:meta/'>not closed");
    read_xmp(&m, "\xff\xfe<\0x\0:\0x\0m\0p\0m\0e\0t\0a\0");
    read_xmp(&m, HEAD "tiff:Make='good'>" TAIL);
    IS(m.make, "good");
    alb_buf_fini(&deep);
}

static void test_bounds(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(1 << 20);
    struct alb_meta m;
    (void)state;
    alb_buf_c(&b, HEAD "tiff:Make='");
    for (int i = 0; i < 3000; i++)
        alb_buf_c(&b, "\xc3\xa9");
    alb_buf_c(&b, "'><dc:subject><rdf:Bag>");
    for (int i = 0; i < 2000; i++)
        alb_buf_printf(&b, "<rdf:li>word%d</rdf:li>", i);
    alb_buf_c(&b, "</rdf:Bag></dc:subject>" TAIL);
    read_xmp(&m, alb_buf_cstr(&b));
    assert_int_equal(m.make.n, ALB_META_NAME_MAX); /* 256 is even: no character is cut */
    assert_true(alb_str_is_utf8(m.make));
    assert_int_equal(m.keyword_count, ALB_META_KEYWORDS_MAX);
    alb_buf_fini(&b);
}

/* A headline is a title where there is no other. */
static void test_headline(void **state)
{
    static const char packet[] =
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
        "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description rdf:about='' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'"
        " photoshop:Headline='Harbour'/></rdf:RDF></x:xmpmeta>";
    struct alb_meta m;
    (void)state;
    alb_meta_init(&m);
    assert_int_equal(alb_meta_xmp(arena, &m, packet, sizeof(packet) - 1, NULL), ALB_OK);
    IS(m.title, "Harbour");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iptc),        cmocka_unit_test(test_xmp_words),
        cmocka_unit_test(test_xmp_places),
        cmocka_unit_test(test_xmp_facts),   cmocka_unit_test(test_motion_photo),
        cmocka_unit_test(test_xmp_hostile), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_headline),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
