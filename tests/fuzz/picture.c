/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own readers of pixels and profiles in the worker: Windows bitmaps, icons, Photoshop, ICC; the style that is put into a
 * drawing, the edit lists of AVIF animations, and EXIF that goes into a TIFF. (Codecs of others are fuzzed by their makers;
 * they live in the sandbox.) First byte: a AVIF, b bitmap, c icon, i profile, p Photoshop, s style (up to the first NUL) and
 * drawing, t EXIF, B a good bitmap with changes.
 */
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "image/frames.h"
#include "image/icc.h"
#include "image/load.h"

#define PIXELS_MAX (1u << 20)

/* Header and pixels agree; a header alone has the same size. */
static void open_it(enum alb_type type, struct alb_str s, uint32_t w, uint32_t h)
{
    struct alb_load l = ALB_LOAD_INIT(type, s);
    for (int how = 0; how < 4; how++) {
        l.strict = (how & 1) != 0;
        l.header = (how & 2) != 0;
        VipsImage *image = alb_load_open(&l, NULL);
        if (image)
            ALB_CHECK((uint32_t)vips_image_get_width(image) == w &&
                      (uint32_t)vips_image_get_height(image) == h);
        g_clear_object(&image);
    }
    vips_error_clear();
}

static void bitmap(struct alb_str s)
{
    uint32_t w, h;
    if (alb_bmp_size(s, &w, &h) && (uint64_t)w * h <= PIXELS_MAX)
        open_it(ALB_TYPE_BMP, s, w, h);
}

static void icon(struct alb_str s)
{
    struct alb_pages pages;
    if (!alb_ico_look(s, &pages))
        return;
    ALB_CHECK(pages.count > 0 && pages.count <= 255 && pages.halvings < pages.count);
    if ((uint64_t)pages.width * pages.height <= PIXELS_MAX)
        open_it(ALB_TYPE_ICO, s, pages.width, pages.height);
}

static void photoshop(struct alb_str s)
{
    uint32_t w, h;
    if (alb_psd_size(s, &w, &h) && (uint64_t)w * h <= PIXELS_MAX)
        open_it(ALB_TYPE_PSD, s, w, h);
}

static size_t count(struct alb_str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

/* Whatever the style says: one element more, its start and its end. */
static void style(struct alb_str s)
{
    size_t nul = alb_str_find(s, '\0');
    if (nul == ALB_STR_NPOS)
        return;
    struct alb_str css = alb_str_sub(s, 0, nul), svg = alb_str_sub(s, nul + 1, s.n);
    struct alb_buf out = ALB_BUF_INIT(2 * svg.n + 16 * css.n + 1024);
    if (alb_svg_style(svg, css, &out)) {
        ALB_CHECK(count(alb_buf_view(&out), '<') == count(svg, '<') + 2);
        ALB_CHECK(count(alb_buf_view(&out), '>') == count(svg, '>') + 2);
        ALB_CHECK(alb_buf_view(&out).p[out.n - 1] == svg.p[svg.n - 1] || svg.p[svg.n - 1] == '>');
    }
    alb_buf_fini(&out);
}

/* What is put in can be read again, and only once. */
static void animation(struct alb_str s)
{
    struct alb_buf out = ALB_BUF_INIT(s.n + 1024), twice = ALB_BUF_INIT(s.n + 2048);
    ALB_CHECK(alb_avif_plays(s) >= 0);
    if (alb_avif_set_plays(s, 3, &out)) {
        ALB_CHECK(out.n > s.n && out.n <= s.n + 88);
        ALB_CHECK(!alb_avif_set_plays(alb_buf_view(&out), 3, &twice));
    }
    alb_buf_fini(&out);
    alb_buf_fini(&twice);
}

/* What was there stays, but for the place of the directory, which lies within. */
static void exif(struct alb_str s)
{
    static const char tiff[] = "II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x05\0\0\0\0\0\0";
    struct alb_str file = {tiff, sizeof(tiff)};
    struct alb_buf block = ALB_BUF_INIT(s.n + 6), out = ALB_BUF_INIT(2 * s.n + 16384);
    alb_buf_add(&block, "Exif\0", 6);
    alb_buf_str(&block, s);
    if (alb_tiff_add_exif(file, alb_buf_view(&block), &out)) {
        const unsigned char *p = (const unsigned char *)out.p;
        size_t at = p[4] | (size_t)p[5] << 8 | (size_t)p[6] << 16 | (size_t)p[7] << 24;
        ALB_CHECK(memcmp(p, tiff, 4) == 0 && memcmp(p + 8, tiff + 8, sizeof(tiff) - 8) == 0);
        ALB_CHECK(at >= sizeof(tiff) && at + 2 + 12 * (size_t)(p[at] | p[at + 1] << 8) + 4 == out.n);
    }
    alb_buf_fini(&block);
    alb_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char good[] = "BM\x66\0\0\0\0\0\0\0\x46\0\0\0\x28\0\0\0\x04\0\0\0\x04\0\0\0\x01\0\x04\0\0\0"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\x04\0\0\0\0\0\0\0\0\0\xe0\0\xe0\0\0\0\x40\0\0\0\x02\x12\0\0\x04\x31\0\x03"
                               "\x12\x30\0\0\0\x02\x01\x01\x03\x22\0\x01";
    static bool ready;
    if (!ready && VIPS_INIT("fuzz") != 0)
        return 0;
    ready = true;
    uint8_t kind = fuzz_take_byte(&data, &size);
    struct alb_str s = {(const char *)data, size};
    if (kind == 'a') {
        animation(s);
    } else if (kind == 'b') {
        bitmap(s);
    } else if (kind == 'c') {
        icon(s);
    } else if (kind == 'p') {
        photoshop(s);
    } else if (kind == 's') {
        style(s);
    } else if (kind == 't') {
        exif(s);
    } else if (kind == 'i') {
        ALB_CHECK((unsigned)alb_icc_kind(s) <= ALB_ICC_OTHER);
    } else if (kind == 'B') {
        char copy[sizeof(good) - 1];
        memcpy(copy, good, sizeof(copy));
        for (; size >= 2; data += 2, size -= 2)
            copy[data[0] % sizeof(copy)] = (char)data[1];
        bitmap((struct alb_str){copy, sizeof(copy)});
    }
    return 0;
}
