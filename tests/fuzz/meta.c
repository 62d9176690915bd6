/* SPDX-License-Identifier: Apache-2.0
 *
 * The metadata readers. First byte: which one; a small letter takes the rest as the file itself, a capital
 * takes a well-formed file made here and applies the rest to it as changes of three bytes each (place, place,
 * value), and so do those that leave only what says whose work it is. Promise: whatever a reader makes of it can be packed, and what was packed is accepted on the other
 * side.
 */
#include "../unit/meta/build.h"
#include "base/check.h"
#include "fuzz.h"
#include "meta/meta.h"
#include "meta/rights.h"

static void make_tiff(struct alb_buf *b, bool big)
{
    const struct tag ifd0[] = {
        TAG_LONG(0xfe, 1),
        TAG_SHORT(0x106, 32803),
        TAG_TEXT(0x10e, "A walk\nby the sea"),
        TAG_TEXT(0x10f, "Canon"),
        TAG_SHORT(0x112, 6),
        TAG_TEXT(0x13b, "Ann"),
        TAG_SHORT(0x4746, 4),
        {0x2bc, 1, 20, "<x:xmpmeta></x:xmpm>"},
        {0x9c9b, 1, 10, "T\0i\0\x3d\xd8\x00\xde\0\0"},
        {0x83bb, 7, 12, "\x1c\x02\x05\0\x05Title\0\0"},
    };
    const struct tag exif[] = {
        TAG_RATIONAL(0x829a, 1, 250),
        TAG_RATIONAL(0x829d, 28, 10),
        TAG_SHORT(0x8827, 400),
        TAG_TEXT(0x9003, "2020:02:29 23:59:58"),
        TAG_TEXT(0x9011, "+02:00"),
        TAG_TEXT(0x9291, "75"),
        {0x9286, 7, 16, "UNICODE\0a\0b\0c\0d\0"},
        {0x927c, 7, 34,
         "Apple iOS\0\0\x01MM\0\x01\0\x11\0\x02\0\0\0\x04"
         "abc\0\0\0\0\0\0\0"},
    };
    const struct tag gps[] = {TAG_TEXT(1, "S"),
                              TAG_RATIONAL3(2, 33, 1, 51, 1, 24, 1),
                              TAG_TEXT(3, "E"),
                              TAG_RATIONAL3(4, 151, 1, 12, 1, 34, 1),
                              TAG_RATIONAL3(7, 21, 1, 59, 1, 58, 1),
                              TAG_TEXT(0x1d, "2020:02:29")};
    put_tiff(b, big, ifd0, ALB_ARRAY_LEN(ifd0), exif, ALB_ARRAY_LEN(exif), gps, ALB_ARRAY_LEN(gps));
}

static void make_movie(struct alb_buf *b)
{
    size_t moov = box_open(b, "moov"), at = box_open(b, "mvhd");
    put_be(b, 0, 4);
    put_be(b, 3662844800, 4);
    put_be(b, 0, 4);
    put_be(b, 600, 4);
    put_be(b, 6000, 4);
    box_close(b, at);
    size_t trak = box_open(b, "trak"), tkhd = box_open(b, "tkhd");
    put_be(b, 0, 76);
    put_be(b, 1920u << 16, 4);
    put_be(b, 1080u << 16, 4);
    box_close(b, tkhd);
    size_t mdia = box_open(b, "mdia"), hdlr = box_open(b, "hdlr");
    put_be(b, 0, 8);
    alb_buf_c(b, "vide");
    box_close(b, hdlr);
    box_close(b, mdia);
    box_close(b, trak);
    size_t meta = box_open(b, "meta"), keys;
    hdlr = box_open(b, "hdlr");
    put_be(b, 0, 24);
    box_close(b, hdlr);
    keys = box_open(b, "keys");
    put_be(b, 1, 8);
    put_be(b, 8 + 33, 4);
    alb_buf_c(b, "mdtacom.apple.quicktime.creationdate");
    box_close(b, keys);
    size_t ilst = box_open(b, "ilst"), item = b->n;
    put_be(b, 0, 4);
    put_be(b, 1, 4);
    at = box_open(b, "data");
    put_be(b, 1, 8);
    alb_buf_c(b, "2020-01-25T19:53:20-0500");
    box_close(b, at);
    box_close(b, item);
    box_close(b, ilst);
    box_close(b, meta);
    size_t uuid = box_open(b, "uuid");
    alb_buf_add(b, "\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48", 16);
    at = box_open(b, "CMT1");
    make_tiff(b, false);
    box_close(b, at);
    box_close(b, uuid);
    box_close(b, moov);
}

static void make_iptc(struct alb_buf *b)
{
    alb_buf_add(b,
                "Photoshop 3.0\0"
                "8BIM\x04\x04\0\0\0\0\0\x2a",
                26);
    put_iim(b, 2, 5, "Title");
    put_iim(b, 2, 25, "sea");
    put_iim(b, 2, 55, "20200125");
    put_iim(b, 2, 60, "195320-0500");
}

static void make(char kind, struct alb_buf *b)
{
    struct alb_meta m;
    struct alb_str words[2] = {{"a/b", 3}, {"c", 1}};
    switch (kind) {
    case 'E':
    case 'T':
        make_tiff(b, kind == 'E');
        break;
    case 'M':
        make_movie(b);
        break;
    case 'I':
        make_iptc(b);
        break;
    default:
        alb_meta_init(&m);
        m.title = ALB_STR("title");
        m.keywords = words;
        m.keyword_count = 2;
        m.taken.known = m.taken.has_offset = m.has_gps = true;
        alb_meta_pack(&m, b);
        break;
    }
}

static enum alb_code read_as(char kind, struct alb_arena *a, struct alb_meta *m, struct alb_str s)
{
    struct alb_meta_source src = alb_meta_source_mem(&s);
    struct alb_meta_tiff seen;
    bool found;
    switch (kind) {
    case 'e':
        return alb_meta_exif(a, m, s.p, s.n, NULL);
    case 'i':
        return alb_meta_iptc(a, m, s.p, s.n, NULL);
    case 'x':
        return alb_meta_xmp(a, m, s.p, s.n, NULL);
    case 'm':
        return alb_meta_moov(a, m, &src, &found, NULL);
    case 't':
        return alb_meta_tiff(a, m, &src, &seen, NULL);
    default:
        return alb_meta_unpack(a, s, m, NULL);
    }
}

/* What is left of a block that says whose work it is is left of that again. */
static void check_rights(char kind, struct alb_str s)
{
    struct alb_buf once = ALB_BUF_INIT(1 << 20), twice = ALB_BUF_INIT(1 << 20), who = ALB_BUF_INIT(1 << 20),
                   whose = ALB_BUF_INIT(1 << 20);
    for (int i = 0; i < 2; i++) {
        struct alb_buf *out = i == 0 ? &once : &twice;
        struct alb_str in = i == 0 ? s : alb_buf_view(&once);
        if (kind == 'e')
            alb_meta_rights_exif(in, out, &who, &whose);
        else if (kind == 'i')
            alb_meta_rights_iptc(in, out);
        else if (kind == 'x')
            alb_meta_rights_xmp(in, out);
    }
    ALB_CHECK((once.n == 0) == (twice.n == 0) && once.n <= (1 << 20));
    alb_buf_fini(&once);
    alb_buf_fini(&twice);
    alb_buf_fini(&who);
    alb_buf_fini(&whose);
}

static void check(char kind, struct alb_str s)
{
    check_rights(kind, s);
    struct alb_arena *a = alb_arena_new(16 << 20);
    struct alb_meta m, merged, back;
    struct alb_buf b = ALB_BUF_INIT(ALB_META_PACKED_MAX);
    ALB_CHECK(a != NULL);
    alb_meta_init(&m);
    enum alb_code code = read_as(kind, a, &m, s);
    ALB_CHECK(code == ALB_OK || code == ALB_E_TOO_LARGE || (kind == 'u' && code == ALB_E_INVALID));
    if (code == ALB_OK && alb_meta_merge(a, &merged, &m, NULL, &m, &m, NULL) == ALB_OK) {
        alb_meta_pack(&merged, &b);
        if (alb_buf_code(&b) == ALB_OK)
            ALB_CHECK(alb_meta_unpack(a, alb_buf_view(&b), &back, NULL) != ALB_E_INVALID);
    }
    alb_buf_fini(&b);
    alb_arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    if (!ready)
        alb_meta_global_init();
    ready = true;
    char kind = (char)fuzz_take_byte(&data, &size);
    if (kind == 0 || !strchr("eixmtuETMIU", kind))
        return 0;
    if (kind < 'A' || kind > 'Z') {
        check(kind, (struct alb_str){(const char *)data, size});
        return 0;
    }
    struct alb_buf b = ALB_BUF_INIT(64 * 1024);
    make(kind, &b);
    for (; size >= 3 && b.n > 0; data += 3, size -= 3)
        b.p[(size_t)(data[0] << 8 | data[1]) % b.n] = (char)data[2];
    if (size == 2) /* and cut */
        b.n = (size_t)(data[0] << 8 | data[1]) % (b.n + 1);
    check((char)(kind - 'A' + 'a'), alb_buf_view(&b));
    alb_buf_fini(&b);
    return 0;
}
