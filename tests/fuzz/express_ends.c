/* SPDX-License-Identifier: Apache-2.0
 *
 * The decoders of the express lane, for bytes of strangers, and its packer. First byte: p a PNG file whose
 * checksums are made right first, w WebP, a AVIF: a source must give all rows of its area or an error, and
 * for PNG the pixels that libvips gives; r rows of a PNG, which are made a file: it must be taken; k
 * anything that is packed: it must come back.
 */
#include <string.h>
#include <vips/vips.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "fuzz.h"
#include "image/express/png_pack.h"
#include "image/express/rows.h"
#include "image/load.h"
#include "image/sniff.h"

#define PIXELS_MAX (1u << 18)
#define PACK_MAX (1u << 18)

static struct alb_express x = {.threads = 1};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* ---- sources ---- */

/* Pixels without gaps, alb_mem_free; NULL: not taken. Rows that are handed out are read to their ends. */
static uint8_t *read_rows(struct alb_source *s, size_t *n)
{
    struct alb_band b;
    size_t line = (size_t)s->format.width * alb_layout_samples(s->format.layout), at = 0;
    uint8_t *all = alb_mem_calloc(s->area.height, line);
    ALB_CHECK(all);
    for (;;) {
        if (s->ops->read(s, &b, NULL) != ALB_OK) {
            alb_mem_free(all);
            return NULL;
        }
        if (b.rows[0] == 0)
            break;
        ALB_CHECK(at + b.rows[0] * line <= s->area.height * line);
        for (uint32_t y = 0; y < b.rows[0]; y++, at += line)
            memcpy(all + at, b.plane[0] + y * b.stride[0], line);
        for (unsigned p = 1; p < alb_layout_planes(s->format.layout); p++) {
            unsigned sum = 0;
            for (uint32_t y = 0; y < b.rows[p]; y++)
                sum += b.plane[p][y * b.stride[p] + alb_plane_width(&s->format, p) - 1];
            ALB_CHECK(sum <= 255 * b.rows[p]);
        }
    }
    ALB_CHECK(at == s->area.height * line);
    *n = at;
    return all;
}

static uint8_t *decode(alb_source_open_fn *open, struct alb_str s, uint32_t w, uint32_t h, size_t *n)
{
    const struct alb_source_ask ask = {.bytes = s,
                                       .eighths = 8,
                                       .width = w,
                                       .height = h,
                                       .source_width = w,
                                       .source_height = h,
                                       .strict = true,
                                       .metadata = true};
    struct alb_source *source;
    uint8_t *all = NULL;
    if (open(&x, &ask, &source, NULL) == ALB_OK) {
        struct alb_rect window = {w / 3, h / 3, w - w / 3, h - h / 3};
        if (source->native.layout != ALB_LAYOUT_YCC)
            window = (struct alb_rect){0, 0, w, h};
        if (source->ops->start(source, source->native.layout, window, NULL) == ALB_OK)
            all = read_rows(source, n);
        source->ops->close(source);
    }
    alb_scratch_reset(x.scratch);
    return all;
}

static void other(alb_source_open_fn *open, enum alb_type type, struct alb_str s)
{
    uint32_t w, h;
    size_t n;
    if (alb_sniff_size(type, s.p, s.n, &w, &h) && w > 0 && h > 0 && (uint64_t)w * h <= PIXELS_MAX)
        alb_mem_free(decode(open, s, w, h, &n));
}

/* ---- PNG ---- */

static void as_libvips(struct alb_str s, uint32_t w, uint32_t h, bool must)
{
    size_t n = 0, vn = 0;
    uint8_t *ours = decode(alb_png_source_open, s, w, h, &n);
    struct alb_load l = ALB_LOAD_INIT(ALB_TYPE_PNG, s);
    ALB_CHECK(ours || !must);
    VipsImage *image = ours ? alb_load_open(&l, NULL) : NULL;
    uint8_t *theirs = image ? vips_image_write_to_memory(image, &vn) : NULL;
    ALB_CHECK(theirs || !must);
    if (theirs)
        ALB_CHECK(vn == n && memcmp(ours, theirs, n) == 0);
    g_free(theirs);
    g_clear_object(&image);
    vips_error_clear();
    alb_mem_free(ours);
}

static void png(const uint8_t *data, size_t n)
{
    uint8_t *copy = alb_mem_alloc(n);
    ALB_CHECK(copy);
    memcpy(copy, data, n);
    for (size_t at = 8; at + 12 <= n && be32(copy + at) <= n - at - 12; at += be32(copy + at) + 12) {
        size_t length = be32(copy + at);
        put_be32(copy + at + 8 + length, (uint32_t)crc32(crc32(0, NULL, 0), copy + at + 4, (uInt)length + 4));
    }
    if (n > 24) {
        uint64_t w = be32(copy + 16), h = be32(copy + 20);
        if (w > 0 && h > 0 && w <= PIXELS_MAX && h <= PIXELS_MAX && w * h <= PIXELS_MAX)
            as_libvips((struct alb_str){(const char *)copy, n}, (uint32_t)w, (uint32_t)h, false);
    }
    alb_mem_free(copy);
}

static void add_chunk(struct alb_buf *b, const char *type, const void *p, size_t n)
{
    uint8_t word[4];
    uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)type, 4);
    put_be32(word, (uint32_t)n);
    alb_buf_add(b, word, 4);
    alb_buf_add(b, type, 4);
    alb_buf_add(b, p, n);
    put_be32(word, (uint32_t)(n > 0 ? crc32(crc, p, (uInt)n) : crc));
    alb_buf_add(b, word, 4);
}

/* Kind, width, and rows with any filter. */
static void rows(const uint8_t *data, size_t n)
{
    static const uint8_t kinds[][3] = {{1, 0, 1}, {2, 0, 1}, {4, 0, 1}, {8, 0, 1},
                                       {8, 4, 2}, {8, 2, 3}, {8, 6, 4}};
    uint8_t head[13] = {0};
    if (n < 3)
        return;
    const uint8_t *k = kinds[data[0] % ALB_ARRAY_LEN(kinds)];
    uint32_t w = 1u + data[1];
    size_t line = ((size_t)w * k[0] * k[2] + 7) / 8 + 1, h = (n - 2) / line;
    if (h == 0 || h * w > PIXELS_MAX)
        return;
    uint8_t *copy = alb_mem_alloc(h * line);
    uLongf room = compressBound(h * line);
    uint8_t *packed = alb_mem_alloc(room);
    struct alb_buf b = ALB_BUF_INIT(room + 256);
    ALB_CHECK(copy && packed);
    memcpy(copy, data + 2, h * line);
    for (size_t y = 0; y < h; y++)
        copy[y * line] = copy[y * line] % 5;
    ALB_CHECK(compress2(packed, &room, copy, h * line, 1) == Z_OK);
    put_be32(head, w);
    put_be32(head + 4, (uint32_t)h);
    head[8] = k[0];
    head[9] = k[1];
    alb_buf_add(&b, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&b, "IHDR", head, sizeof(head));
    add_chunk(&b, "IDAT", packed, room);
    add_chunk(&b, "IEND", "", 0);
    as_libvips(alb_buf_view(&b), w, (uint32_t)h, true);
    alb_buf_fini(&b);
    alb_mem_free(packed);
    alb_mem_free(copy);
}

/* The input over and over, so that blocks are filled. */
static void pack(const uint8_t *data, size_t n)
{
    size_t all = n * (1 + n % 7) + 8192;
    bool repeats;
    if (n == 0 || all > PACK_MAX)
        return;
    uint8_t *in = alb_mem_alloc(all + 8), *out = alb_mem_alloc(alb_png_pack_bound(all)),
            *back = alb_mem_alloc(all);
    struct alb_png_pack *work = alb_mem_alloc(alb_png_pack_size());
    ALB_CHECK(in && out && back && work);
    for (size_t i = 0; i < all + 8; i++)
        in[i] = (uint8_t)(data[i % n] + i / n * (n & 3));
    size_t size = alb_png_pack(work, in, all, out, &repeats);
    uLongf made = all;
    ALB_CHECK(size > 0 && size <= alb_png_pack_bound(all));
    ALB_CHECK(uncompress(back, &made, out, size) == Z_OK && made == all && memcmp(in, back, all) == 0);
    alb_mem_free(work);
    alb_mem_free(back);
    alb_mem_free(out);
    alb_mem_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!x.scratch) {
        ALB_CHECK(VIPS_INIT("fuzz") == 0);
        vips_concurrency_set(1);
        x.scratch = alb_scratch_new();
        ALB_CHECK(x.scratch);
    }
    uint8_t kind = fuzz_take_byte(&data, &size);
    if (kind == 'p')
        png(data, size);
    else if (kind == 'w')
        other(alb_webp_source_open, ALB_TYPE_WEBP, (struct alb_str){(const char *)data, size});
    else if (kind == 'a')
        other(alb_avif_source_open, ALB_TYPE_AVIF, (struct alb_str){(const char *)data, size});
    else if (kind == 'r')
        rows(data, size);
    else if (kind == 'k')
        pack(data, size);
    return 0;
}
