/* SPDX-License-Identifier: Apache-2.0 */
#include "image/sniff.h"
#include "../meta/build.h"
#include "test.h"

static const struct {
    const char *p;
    size_t n;
    enum alb_type type;
} cases[] = {
#define CASE(bytes, type) {bytes, sizeof(bytes) - 1, ALB_TYPE_##type}
    CASE("", UNKNOWN),
    CASE("\xff\xd8\xff", UNKNOWN), /* three bytes are no file */
    CASE("\xff\xd8\xff\xe0\0\x10JFIF", JPEG),
    CASE("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", PNG),
    CASE("\x89PNG\n\x1a\n\0\0\0\rIHDR", UNKNOWN), /* line ends were changed on the way */
    CASE("GIF89a", GIF),
    CASE("GIF88a", UNKNOWN),
    CASE("RIFF\x10\0\0\0WEBPVP8 ", WEBP),
    CASE("RIFF\x10\0\0\0WEBPVP8X", WEBP),
    CASE("RIFF\x10\0\0\0AVI LIST", AVI),
    CASE("RIFF\x10\0\0\0WAVEfmt ", UNKNOWN),
    CASE("II*\0\x08\0\0\0\0\0", TIFF),
    CASE("MM\0*\0\0\0\x08\0\0", TIFF),
    CASE("II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", TIFF),
    CASE("II*\0\x04\0\0\0\0\0", UNKNOWN),
    CASE("II*\0\xff\xff\xff\x7f", TIFF), /* its directory lies elsewhere */
    CASE("II*\0\x10\0\0\0CR\x02\0", CR2),
    CASE("IIRO\x08\0\0\0", ORF),
    CASE("IIU\0\x08\0\0\0", RW2),
    CASE("FUJIFILMCCD-RAW 0201", RAF),
    CASE("II\x1a\0\0\0HEAPCCDR", CRW),
    CASE("FOVb\0\0\0\0", X3F),
    CASE("\0MRM\0\0\0\0", RAW),
    CASE("\0\0\0\x18"
         "ftypheic\0\0\0\0mif1heic",
         HEIC),
    CASE("\0\0\0\x18"
         "ftypmif1\0\0\0\0mif1heic",
         HEIC),
    CASE("\0\0\0\x18"
         "ftypmif1\0\0\0\0mif1avif",
         AVIF),
    CASE("\0\0\0\x14"
         "ftypmif1\0\0\0\0mif1",
         HEIC),
    CASE("\0\0\0\x1c"
         "ftypavif\0\0\0\0avifmif1miaf",
         AVIF),
    CASE("\0\0\0\x18"
         "ftypavis\0\0\0\0avisavif",
         AVIF),
    CASE("\0\0\0\x18"
         "ftypcrx \0\0\0\x01"
         "crx isom",
         CR3),
    CASE("\0\0\0\x14"
         "ftypqt  \0\0\0\0qt  ",
         MOV),
    CASE("\0\0\0\x18"
         "ftypmp42\0\0\0\0mp42isom",
         MP4),
    CASE("\0\0\0\x14"
         "ftypisom\0\0\x02\0avc1",
         MP4),
    CASE("\0\0\0\x14"
         "ftypXXXX\0\0\0\0isom",
         MP4),
    CASE("\0\0\0\x14"
         "ftyp3gp4\0\0\0\0"
         "3gp4",
         GPP),
    CASE("\0\0\0\x14"
         "ftypM4A \0\0\0\0M4A ",
         UNKNOWN), /* sound */
    CASE("\0\0\0\x14"
         "ftypXXXX\0\0\0\0YYYY",
         UNKNOWN),
    CASE("\0\0\0\x04"
         "ftypheic",
         UNKNOWN),
    CASE("\0\0\x10\0moov\0\0\0\x6cmvhd", MOV),
    CASE("\0\0\0\x08wide\0\0\x10\0mdat", MOV),
    CASE("\0\0\0\x0cjP  \r\n\x87\n", JP2),
    CASE("\xff\x4f\xff\x51", JP2),
    CASE("\0\0\0\x0cJXL \r\n\x87\n", JXL),
    CASE("\xff\x0a\0\0", JXL),
    CASE("8BPS\0\x01\0\0", PSD),
    CASE("8BPS\0\x03\0\0", UNKNOWN),
    CASE("%PDF-1.7\n", PDF),
    CASE("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0", BMP),
    CASE("BM is how this text begins, and it is none", UNKNOWN),
    CASE("\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x16\0\0\0", ICO),
    CASE("\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x01\0\0\0", UNKNOWN),
    CASE("\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm\x42\x87", WEBM),
    CASE("\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska\x42\x87", MKV),
    CASE("\x1a\x45\xdf\xa3\x93\x42\x82\x84"
         "else\x42\x87",
         UNKNOWN),
    CASE("\0\0\x01\xba\x44\0", MPEG),
    CASE("\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", WMV),
    CASE("<svg xmlns='http://www.w3.org/2000/svg'/>", SVG),
    CASE("\xef\xbb\xbf  <?xml version='1.0'?>\n<!-- <html> --><!DOCTYPE svg [<!ENTITY a '>'>]>\n<svg>", SVG),
    CASE("<svg:svg xmlns:svg='http://www.w3.org/2000/svg'>", SVG),
    CASE("<svgx>", UNKNOWN),
    CASE("<html><svg></svg></html>", UNKNOWN),
    CASE("<!-- <svg> ", UNKNOWN),
    CASE("<!DOCTYPE svg [ <svg>", UNKNOWN),
    CASE("<?xml version='1.0'?><html>", UNKNOWN),
    CASE("<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>", XMP),
    CASE("<?xml version='1.0'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>", XMP),
    CASE("\x1f\x8b\x08\0\0\0\0\0\0\0", UNKNOWN), /* gzip: also a compressed SVG */
    CASE("#!/bin/sh\nrm -rf /\n", UNKNOWN),
    CASE("just text that somebody named .jpg", UNKNOWN),
    CASE("push graphic-context\nviewbox 0 0 640 480\n", UNKNOWN), /* ImageMagick's language */
    CASE("P6 1 1 255 abc", UNKNOWN),
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        enum alb_type t = alb_sniff(cases[i].p, cases[i].n);
        if (t != cases[i].type)
            fail_msg("case %zu: %s, not %s", i, alb_type_name(t), alb_type_name(cases[i].type));
    }
    assert_int_equal(alb_sniff(NULL, 0), ALB_TYPE_UNKNOWN);
}

/* Every prefix, in memory of its own: a look behind its end is an error for the sanitizer. */
static void test_prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        for (size_t n = 1; n <= cases[i].n; n++) {
            char *p = alb_mem_alloc_nofail(n);
            memcpy(p, cases[i].p, n);
            enum alb_type t = alb_sniff(p, n);
            assert_true((unsigned)t < ALB_TYPE_COUNT);
            alb_mem_free(p);
        }
    }
}

static void test_transport_stream(void **state)
{
    char p[188 * 6];
    (void)state;
    memset(p, 0, sizeof(p));
    for (size_t i = 0; i < 6; i++)
        p[188 * i] = 0x47;
    assert_int_equal(alb_sniff(p, sizeof(p)), ALB_TYPE_MTS);
    p[188 * 3] = 0;
    assert_int_equal(alb_sniff(p, sizeof(p)), ALB_TYPE_UNKNOWN);
}

/* Raw files by the shape of their first directory; an edited TIFF of the same maker stays TIFF. */
static void test_raw_shapes(void **state)
{
    static const struct {
        const char *make;
        bool dng, reduced, cfa, subs;
        enum alb_type type;
    } shapes[] = {
        {"NIKON CORPORATION", false, true, false, true, ALB_TYPE_NEF},
        {"NIKON CORPORATION", false, false, false, false, ALB_TYPE_TIFF},
        {"NIKON CORPORATION", false, false, false, true, ALB_TYPE_TIFF},
        {"SONY", false, true, false, true, ALB_TYPE_ARW},
        {"PENTAX Corporation", false, false, true, false, ALB_TYPE_PEF},
        {"SAMSUNG", false, true, false, true, ALB_TYPE_SRW},
        {"Google", true, true, false, true, ALB_TYPE_DNG},
        {"Hasselblad", false, false, true, false, ALB_TYPE_RAW},
        {"Hasselblad", false, true, false, true, ALB_TYPE_RAW},
        {"Eastman Kodak Company", false, true, false, true, ALB_TYPE_RAW},
        {"Kodak", false, false, false, true, ALB_TYPE_TIFF},
        {"", false, true, false, true, ALB_TYPE_TIFF},
        {"Epson scanner", false, false, false, false, ALB_TYPE_TIFF},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(shapes); i++) {
        for (int big = 0; big < 2; big++) {
            struct alb_buf b = ALB_BUF_INIT(4096);
            uint32_t where[1] = {8};
            struct tag tags[5] = {TAG_LONG(0xfe, shapes[i].reduced),
                                  TAG_SHORT(0x106, shapes[i].cfa ? 32803u : 2u),
                                  {0x10f, 2, (uint32_t)strlen(shapes[i].make) + 1, shapes[i].make}};
            size_t n = 3;
            if (shapes[i].subs)
                tags[n++] = (struct tag){0x14a, 4, 1, where};
            if (shapes[i].dng)
                tags[n++] = (struct tag){0xc612, 1, 4, "\x01\x04\0\0"};
            put_tiff(&b, big, tags, n, NULL, 0, NULL, 0);
            assert_int_equal(alb_sniff(b.p, b.n), shapes[i].type);
            alb_buf_fini(&b);
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned t = 1; t < ALB_TYPE_COUNT; t++) {
        assert_int_equal(alb_type_of_name(alb_str_c(alb_type_name((enum alb_type)t))), t);
        assert_int_not_equal(alb_type_class((enum alb_type)t), ALB_CLASS_NONE);
        assert_non_null(strchr(alb_type_mime((enum alb_type)t), '/'));
    }
    assert_string_equal(alb_type_name(ALB_TYPE_UNKNOWN), "unknown");
    assert_string_equal(alb_type_name((enum alb_type)9999), "unknown");
    assert_string_equal(alb_type_ending(ALB_TYPE_JPEG), "jpg");
    assert_int_equal(alb_type_of_name(ALB_STR("nothing")), ALB_TYPE_UNKNOWN);
    assert_int_equal(alb_type_of_mime(ALB_STR("image/vnd.adobe.photoshop")), ALB_TYPE_PSD);
    assert_int_equal(alb_type_of_mime(ALB_STR("image/jpeg")), ALB_TYPE_JPEG);
    assert_int_equal(alb_type_of_mime(ALB_STR("text/plain")), ALB_TYPE_UNKNOWN);
    assert_int_equal(alb_type_of_mime(ALB_STR_NONE), ALB_TYPE_UNKNOWN);
    assert_true(alb_type_can_show(ALB_TYPE_CR3) && alb_type_can_show(ALB_TYPE_PDF));
    assert_true(alb_type_can_show(ALB_TYPE_MP4) && alb_type_can_show(ALB_TYPE_PSD));
    assert_false(alb_type_can_show(ALB_TYPE_XMP) ||
                 alb_type_can_show(ALB_TYPE_UNKNOWN));
}

static void test_sizes(void **state)
{
    static const struct {
        const char *p;
        size_t n;
        enum alb_type type;
        uint32_t w, h;
    } sizes[] = {
#define SIZE(bytes, type, w, h) {bytes, sizeof(bytes) - 1, ALB_TYPE_##type, w, h}
        SIZE("\xff\xd8\xff\xe0\0\x04xx\xff\xc2\0\x0b\x08\x01\0\x02\0\x01\0\0\0", JPEG, 512, 256),
        SIZE("\xff\xd8\xff\xda\0\x04xx\xff\xc0\0\x0b\x08\x01\0\x02\0\x01\0\0\0", JPEG, 0,
             0), /* scan before frame */
        SIZE("\xff\xd8\xff\xe0\0\0\xff\xc0\0\x0b\x08\x01\0\x02\0\x01\0\0\0", JPEG, 0,
             0), /* a segment of length 0 */
        SIZE("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\x01\0\x08\x02", PNG, 512, 256),
        SIZE("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\0\0\x08\x02", PNG, 0, 0),
        SIZE("RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x01\0\xff\0\0", WEBP, 512, 256),
        SIZE("RIFF\x1e\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xc1\x3f\0\0\0\0\0\0", WEBP, 512, 256),
        SIZE("RIFF\x1e\0\0\0WEBPVP8 \x0a\0\0\0\x30\x01\0\x9d\x01\x2a\0\x02\0\x01", WEBP, 512, 256),
        SIZE("\xff\x0a\x41\x00\0\0\0\0\0\0\0\0", JXL, 8, 8), /* small: 8 x 8, ratio 1:1 */
        SIZE("\xff\x0a", JXL, 0, 0),
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        uint32_t w = 1, h = 1;
        bool ok = alb_sniff_size(sizes[i].type, sizes[i].p, sizes[i].n, &w, &h);
        if (ok != (sizes[i].w != 0) || w != sizes[i].w || h != sizes[i].h)
            fail_msg("size %zu: %d %ux%u", i, ok, w, h);
        assert_false(
            alb_sniff_size(ALB_TYPE_GIF, sizes[i].p, sizes[i].n, &w, &h)); /* another type than asked */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_transport_stream),
        cmocka_unit_test(test_raw_shapes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
