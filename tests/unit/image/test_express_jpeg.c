/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG out of the express lane: the transform against its definition in double precision, what is quantised and
 * what a quality means, coefficients that are the same on every processor, files of odd sizes as libjpeg reads
 * them, and that it is worth it: a better score with no more bytes than libjpeg's own tables make.
 */
#include <math.h>

#include "express_ends.h"
#include "image/express/jpeg_code.h"
#include "image/express/jpeg_ends.h"
#include "image/score.h"

#define PI 3.14159265358979323846
#define SIDE_MOST 65500

static struct alb_express x;
static uint32_t seed = 20261122;

static int dice(int n)
{
    seed = seed * 1664525 + 1013904223;
    return (int)((uint64_t)(seed >> 8) * (uint32_t)n >> 24);
}

/* ---- blocks ---- */

struct strip {
    int16_t sample[8][16];
    int16_t *row[8];
};

/* Noise, two levels, ramps; of all that samples can be. */
static void fill(struct strip *s, int how)
{
    for (int y = 0; y < 8; y++) {
        s->row[y] = s->sample[y];
        for (int i = 0; i < 16; i++)
            s->sample[y][i] = (int16_t)(how % 3 == 0   ? dice(4081) - 2048
                                        : how % 3 == 1 ? (dice(2) ? 2032 : -2048)
                                                       : (i * how + y * (how >> 3)) % 4081 - 2048);
    }
}

static double defined(const struct strip *s, int block, int down, int across)
{
    double sum = 0;
    for (int y = 0; y < 8; y++) {
        for (int i = 0; i < 8; i++)
            sum += s->sample[y][8 * block + i] / 16.0 * cos((2 * i + 1) * across * PI / 16) *
                   cos((2 * y + 1) * down * PI / 16);
    }
    return sum / 4 * (down ? 1 : sqrt(0.5)) * (across ? 1 : sqrt(0.5));
}

static void test_transform(void **state)
{
    struct alb_jpeg_quant q;
    uint16_t table[ALB_JPEG_BLOCK];
    struct alb_jpeg_block out[2];
    (void)state;
    alb_jpeg_quant(100, false, &q, table);
    for (int k = 0; k < 300; k++) {
        struct strip s;
        fill(&s, k);
        alb_jpeg_blocks(s.row, 2, &q, out);
        for (int i = 0; i < 2 * ALB_JPEG_BLOCK; i++) {
            double want = defined(&s, i / ALB_JPEG_BLOCK, i % ALB_JPEG_BLOCK / 8, i % 8);
            assert_true(fabs(out[i / ALB_JPEG_BLOCK].v[i % ALB_JPEG_BLOCK] - want) < 0.502);
        }
    }
}

/* A coefficient is rounded, or 0 where it was near enough to that. */
static void test_quantised(void **state)
{
    struct alb_jpeg_block out[2];
    unsigned dropped = 0;
    (void)state;
    for (unsigned quality = 5; quality < 100; quality += 3) {
        for (int k = 0; k < 20; k++) {
            struct alb_jpeg_quant q;
            uint16_t table[ALB_JPEG_BLOCK];
            struct strip s;
            fill(&s, k);
            alb_jpeg_quant(quality, k % 2 == 1, &q, table);
            alb_jpeg_blocks(s.row, 2, &q, out);
            for (int i = 0; i < 2 * ALB_JPEG_BLOCK; i++) {
                int at = i % ALB_JPEG_BLOCK, got = out[i / ALB_JPEG_BLOCK].v[at];
                double want = defined(&s, i / ALB_JPEG_BLOCK, at / 8, at % 8) / table[at];
                bool zero = got == 0 && at > 0 && fabs(want) < 1;
                assert_true(fabs(got - want) < 0.502 || zero);
                dropped += zero && fabs(want) > 0.51;
            }
        }
    }
    assert_true(dropped > 0);
}

static void test_qualities(void **state)
{
    uint16_t table[ALB_JPEG_BLOCK], better[ALB_JPEG_BLOCK];
    struct alb_jpeg_quant q;
    (void)state;
    for (int chroma = 0; chroma < 2; chroma++) {
        for (unsigned quality = 1; quality < 100; quality++) {
            alb_jpeg_quant(quality, chroma, &q, table);
            alb_jpeg_quant(quality + 1, chroma, &q, better);
            for (int i = 0; i < ALB_JPEG_BLOCK; i++)
                assert_true(better[i] >= 1 && better[i] <= table[i] && table[i] <= 255 &&
                            table[i] == table[i % 8 * 8 + i / 8]);
        }
        for (int i = 0; i < ALB_JPEG_BLOCK; i++)
            assert_int_equal(better[i], 1);
    }
}

static uint32_t mixed(uint32_t sum, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ b[i]) * 16777619u;
    return sum;
}

/* Found once; a processor, a compiler or a library that gives other coefficients fails here. */
static void test_same_everywhere(void **state)
{
    uint32_t sum = 2166136261u;
    (void)state;
    for (unsigned quality = 1; quality <= 100; quality++) {
        struct alb_jpeg_quant q;
        uint16_t table[ALB_JPEG_BLOCK];
        struct alb_jpeg_block out[2];
        for (int k = 0; k < 30; k++) {
            struct strip s;
            seed = quality * 100 + (uint32_t)k;
            fill(&s, k);
            alb_jpeg_quant(quality, k % 2 == 1, &q, table);
            alb_jpeg_blocks(s.row, 2, &q, out);
            sum = mixed(sum, out, sizeof(out));
        }
        sum = mixed(sum, table, sizeof(table));
    }
    assert_int_equal(sum, 0x4902ea20);
}

/* ---- rows ---- */

static double near(double want, int16_t got)
{
    return fabs(want * 16 - got);
}

static void test_colours(void **state)
{
    uint8_t rgb[2][3 * 61];
    int16_t y[61], cb[61], cr[61], half_cb[31], half_cr[31];
    (void)state;
    for (int k = 0; k < 200; k++) {
        size_t n = (size_t)(k % 61) + 1;
        for (size_t i = 0; i < sizeof(rgb); i++)
            rgb[i / (3 * 61)][i % (3 * 61)] = (uint8_t)(k % 2 ? dice(256) : dice(2) * 255);
        alb_jpeg_luma(rgb[0], n, y);
        alb_jpeg_chroma(rgb[0], n, cb, cr);
        alb_jpeg_chroma_half(rgb[0], rgb[1], n, half_cb, half_cr);
        for (size_t i = 0; i < n; i++) {
            double r = rgb[0][3 * i], g = rgb[0][3 * i + 1], b = rgb[0][3 * i + 2];
            assert_true(near(0.299 * r + 0.587 * g + 0.114 * b - 128, y[i]) < 0.55);
            assert_true(near(-0.168736 * r - 0.331264 * g + 0.5 * b, cb[i]) < 0.55);
            assert_true(near(0.5 * r - 0.418688 * g - 0.081312 * b, cr[i]) < 0.55);
        }
        for (size_t i = 0; i < (n + 1) / 2; i++) {
            double c[3] = {0, 0, 0};
            for (size_t j = 0; j < 12; j++) {
                size_t at = 2 * i + j / 3 % 2;
                c[j % 3] += rgb[j / 6][3 * (at < n ? at : n - 1) + j % 3] / 4.0;
            }
            assert_true(near(-0.168736 * c[0] - 0.331264 * c[1] + 0.5 * c[2], half_cb[i]) < 0.55);
            assert_true(near(0.5 * c[0] - 0.418688 * c[1] - 0.081312 * c[2], half_cr[i]) < 0.55);
        }
    }
    for (int v = 0; v < 256; v++) {
        uint8_t one = (uint8_t)v;
        alb_jpeg_widen(&one, 1, y);
        assert_int_equal(y[0], (v - 128) * 16);
    }
}

/* ---- coding ---- */

/* As skewed as counts can be: without a bound codes would have 40 bits. */
static void test_huffman(void **state)
{
    (void)state;
    for (int k = 0; k < 300; k++) {
        uint32_t often[256] = {0}, a = 1, b = 1, used = 0, room = 0;
        struct alb_jpeg_huffman h;
        for (int i = 0; i < 256; i++) {
            if (k < 40 && i <= k) {
                often[i] = a;
                b += a;
                a = b - a;
            } else if (k >= 40 && dice(k) > 20) {
                often[i] = (uint32_t)dice(1 << dice(24)) + 1;
            }
            used += often[i] > 0;
        }
        if (used == 0)
            continue;
        alb_jpeg_huffman(often, &h);
        assert_int_equal(h.symbols, used);
        for (unsigned i = 0, last = 0; i < used; i++) {
            unsigned bits = h.bits[h.symbol[i]], end = (h.code[h.symbol[i]] + 1u) << (16 - bits);
            assert_true(often[h.symbol[i]] > 0 && bits >= 1 && bits <= 16);
            assert_int_equal((unsigned)h.code[h.symbol[i]] << (16 - bits), last);
            assert_true(i == 0 || often[h.symbol[i]] <= often[h.symbol[i - 1]]);
            last = end;
            room = end;
        }
        assert_true(room < 65536); /* no code of ones only */
    }
}

/* Of all densities; long runs of empty ones; values up to what can be said. */
static void fill_blocks(const struct alb_jpeg_plane *p, int density)
{
    struct alb_jpeg_quant q;
    uint16_t table[ALB_JPEG_BLOCK];
    struct strip s;
    alb_jpeg_quant(density < 4 ? (unsigned[]){1, 20, 70, 100}[density] : 50, false, &q, table);
    for (size_t i = 0; i < (size_t)p->across * p->down; i++) {
        if (density > 4 && (i % 400 > 3 || density > 5)) {
            memset(&p->block[i], 0, sizeof(p->block[i]));
            p->block[i].v[0] = (int16_t)(i % 7);
            continue;
        }
        struct alb_jpeg_block two[2];
        fill(&s, dice(9));
        for (int y = 0; density % 2 == 0 && y < 8; y++) {
            for (int k = 0; k < 16; k++)
                s.sample[y][k] /= 8;
        }
        alb_jpeg_blocks(s.row, 2, &q, two);
        p->block[i] = two[0];
    }
}

static void check_coded(const struct alb_jpeg_file *f)
{
    struct alb_buf out = ALB_BUF_INIT(64 << 20);
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr e;
    alb_jpeg_begin(&out, 0);
    alb_jpeg_code(&out, f);
    assert_int_equal(alb_buf_code(&out), ALB_OK);
    d.err = jpeg_std_error(&e);
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, (const unsigned char *)out.p, out.n);
    jpeg_read_header(&d, TRUE);
    jvirt_barray_ptr *all = jpeg_read_coefficients(&d);
    for (unsigned i = 0; i < f->planes; i++) {
        const struct alb_jpeg_plane *p = &f->plane[i];
        assert_int_equal(d.comp_info[i].width_in_blocks, p->across);
        assert_int_equal(d.comp_info[i].height_in_blocks, p->down);
        for (int k = 0; k < ALB_JPEG_BLOCK; k++)
            assert_int_equal(d.comp_info[i].quant_table->quantval[k], f->step[i > 0][k]);
        for (uint32_t y = 0; y < p->down; y++) {
            JBLOCKARRAY row = d.mem->access_virt_barray((j_common_ptr)&d, all[i], y, 1, FALSE);
            for (uint32_t k = 0; k < p->across; k++)
                assert_memory_equal(row[0][k], p->block[(size_t)y * p->across + k].v, sizeof(p->block->v));
        }
    }
    jpeg_finish_decompress(&d);
    assert_int_equal(e.num_warnings, 0);
    jpeg_destroy_decompress(&d);
    alb_buf_fini(&out);
}

static void test_coded(void **state)
{
    (void)state;
    for (int k = 0; k < 56; k++) {
        struct alb_jpeg_file f = {.planes = k % 4 == 0 ? 1 : 3, .progressive = k % 8 > 3};
        bool half = k % 4 > 1;
        int density = k / 8;
        f.width = density > 5 ? 1500 : (uint32_t)(1 + dice(200));
        f.height = density > 5 ? 1500 : (uint32_t)(1 + dice(200));
        for (int i = 0; i < 2 * ALB_JPEG_BLOCK; i++)
            f.step[i / ALB_JPEG_BLOCK][i % ALB_JPEG_BLOCK] = (uint16_t)(1 + dice(255));
        for (unsigned i = 0; i < f.planes; i++) {
            struct alb_jpeg_plane *p = &f.plane[i];
            uint32_t cut = half && i > 0 ? 2 : 1;
            p->across = ((f.width + cut - 1) / cut + 7) / 8;
            p->down = ((f.height + cut - 1) / cut + 7) / 8;
            p->sub = half && i == 0 ? 2 : 1;
            p->block = alb_mem_alloc_nofail((size_t)p->across * p->down * sizeof(*p->block));
            fill_blocks(p, density);
        }
        check_coded(&f);
        for (unsigned i = 0; i < f.planes; i++)
            alb_mem_free(f.plane[i].block);
    }
}

/* A result larger than it may be says so, whenever that is found out. */
static void test_bounded(void **state)
{
    enum { SIDE = 96 };
    static uint8_t rgb[SIDE * SIDE * 3 + ALB_ROW_SLACK];
    struct alb_output output = {.format = ALB_FORMAT_JPEG, .jpeg_progressive = true};
    const uint8_t *const planes[ALB_PLANES] = {rgb};
    (void)state;
    for (size_t i = 0; i < sizeof(rgb); i++)
        rgb[i] = (uint8_t)dice(256);
    for (size_t most = 1; most < 100000; most = most * 3 + 1) {
        struct alb_buf out = ALB_BUF_INIT(most);
        struct alb_sink_ask ask = {
            .format = {.layout = ALB_LAYOUT_RGB, .bits = 8, .width = SIDE, .height = SIDE},
            .output = &output,
            .quality = 100,
            .out = &out};
        enum alb_code code = write_all(alb_jpeg_sink_open, &x, &ask, planes);
        assert_int_equal(code, most < 80000 ? ALB_E_TOO_LARGE : ALB_OK);
        alb_buf_fini(&out);
    }
}

/* ---- files ---- */

struct file {
    struct alb_rows_format format;
    unsigned quality;
    bool progressive;
    enum alb_chroma chroma;
    double dpi;
};

static void written(const struct file *f, const uint8_t *const planes[ALB_PLANES], struct alb_buf *out)
{
    struct alb_output output = {
        .format = ALB_FORMAT_JPEG, .jpeg_progressive = f->progressive, .chroma = f->chroma, .dpi = f->dpi};
    struct alb_sink_ask ask = {.format = f->format, .output = &output, .quality = f->quality, .out = out};
    assert_int_equal(write_all(alb_jpeg_sink_open, &x, &ask, planes), ALB_OK);
    assert_int_equal(alb_buf_code(out), ALB_OK);
}

/* What libjpeg makes of it; rows of `components`, without gaps. Anything it would warn of fails. */
static uint8_t *decoded(struct alb_str s, const struct file *f)
{
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr e;
    d.err = jpeg_std_error(&e);
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, (const unsigned char *)s.p, s.n);
    assert_int_equal(jpeg_read_header(&d, TRUE), JPEG_HEADER_OK);
    bool grey = f->format.layout == ALB_LAYOUT_GREY;
    bool half = !grey && (f->format.layout == ALB_LAYOUT_YCC ? f->format.sub_x == 1
                          : f->chroma == ALB_CHROMA_AUTO     ? f->quality < 90
                                                             : f->chroma == ALB_CHROMA_HALF);
    assert_int_equal(d.image_width, f->format.width);
    assert_int_equal(d.image_height, f->format.height);
    assert_int_equal(d.num_components, grey ? 1 : 3);
    assert_int_equal(d.comp_info[0].h_samp_factor, half ? 2 : 1);
    assert_int_equal(d.comp_info[0].v_samp_factor, half ? 2 : 1);
    assert_int_equal(d.saw_JFIF_marker, f->dpi > 0);
    if (f->dpi > 0)
        assert_true(d.density_unit == 1 && d.X_density == 300 && d.Y_density == 300);
    assert_int_equal(jpeg_has_multiple_scans(&d), f->progressive);
    d.out_color_space = f->format.layout == ALB_LAYOUT_YCC ? JCS_YCbCr : grey ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&d);
    size_t line = (size_t)d.output_width * (size_t)d.output_components;
    uint8_t *rows = alb_mem_alloc_nofail(line * d.output_height);
    while (d.output_scanline < d.output_height) {
        JSAMPROW row = rows + d.output_scanline * line;
        jpeg_read_scanlines(&d, &row, 1);
    }
    jpeg_finish_decompress(&d);
    assert_int_equal(e.num_warnings, 0);
    jpeg_destroy_decompress(&d);
    return rows;
}

/* Slow changes everywhere: little is lost of them, wherever blocks end. */
static uint8_t slow(size_t x_at, size_t y_at, size_t b)
{
    return (uint8_t)lround(128 +
                           90 * sin(0.021 * (double)x_at + 0.7 * (double)b) * cos(0.018 * (double)y_at));
}

static void check_file(const struct file *f)
{
    const struct alb_rows_format *r = &f->format;
    uint8_t *plane[ALB_PLANES] = {NULL, NULL, NULL};
    struct alb_buf out = ALB_BUF_INIT(64 << 20);
    unsigned samples = alb_layout_samples(r->layout);
    for (unsigned i = 0; i < alb_layout_planes(r->layout); i++) {
        size_t w = alb_plane_width(r, i), h = alb_plane_height(r, i), unit = i == 0 ? 1u : 1u << r->sub_x;
        plane[i] = alb_mem_alloc_nofail(w * h * samples + ALB_ROW_SLACK);
        for (size_t k = 0; k < w * h * samples; k++)
            plane[i][k] = slow(k / samples % w * unit, k / samples / w * unit, samples > 1 ? k % samples : i);
    }
    written(f, (const uint8_t *const *)plane, &out);
    uint8_t *back = decoded(alb_buf_view(&out), f);
    unsigned count = r->layout == ALB_LAYOUT_GREY ? 1 : 3;
    double sum = 0;
    size_t n = (size_t)r->width * r->height * count;
    for (size_t k = 0; k < n; k++) {
        double d = back[k] - slow(k / count % r->width, k / count / r->width, k % count);
        sum += d * d;
    }
    if (sqrt(sum / (double)n) > 4)
        fail_msg("%u x %u, layout %d, quality %u: off by %f", r->width, r->height, (int)r->layout, f->quality,
                 sqrt(sum / (double)n));
    for (int i = 0; i < ALB_PLANES; i++)
        alb_mem_free(plane[i]);
    alb_mem_free(back);
    alb_buf_fini(&out);
}

static void test_files(void **state)
{
    static const uint32_t sizes[][2] = {{1, 1},         {2, 1},         {1, 2},   {8, 8},   {7, 9},
                                        {9, 7},         {16, 16},       {17, 16}, {16, 17}, {15, 8},
                                        {SIDE_MOST, 1}, {1, SIDE_MOST}, {100, 75}};
    static const unsigned qualities[] = {75, 90, 100};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        for (unsigned k = 0; k < 24; k++) {
            static const enum alb_layout layouts[] = {ALB_LAYOUT_GREY, ALB_LAYOUT_RGB, ALB_LAYOUT_YCC,
                                                      ALB_LAYOUT_YCC};
            struct file f = {
                .format = {.layout = layouts[k % 4], .bits = 8, .width = sizes[i][0], .height = sizes[i][1]},
                .progressive = k % 8 > 3,
                .quality = qualities[k / 8],
                .dpi = k % 3 == 0 ? 300 : 0};
            f.format.sub_x = f.format.sub_y = k % 4 == 3;
            f.chroma = k < 16 ? ALB_CHROMA_AUTO : k % 8 == 1 ? ALB_CHROMA_HALF : ALB_CHROMA_FULL;
            check_file(&f);
        }
    }
}

/* Noise at full contrast has the largest coefficients, and all of them. */
static void test_wild(void **state)
{
    enum { SIDE = 120 };
    uint8_t *rgb = alb_mem_alloc_nofail((size_t)SIDE * SIDE * 3 + ALB_ROW_SLACK);
    const uint8_t *const planes[ALB_PLANES] = {rgb};
    (void)state;
    for (int k = 0; k < 12; k++) {
        struct file f = {.format = {.layout = ALB_LAYOUT_RGB, .bits = 8, .width = SIDE, .height = SIDE},
                         .quality = (unsigned[]){1, 100, 60}[k % 3],
                         .progressive = k % 2 == 1};
        struct alb_buf out = ALB_BUF_INIT(64 << 20);
        for (size_t i = 0; i < (size_t)SIDE * SIDE * 3; i++)
            rgb[i] =
                (uint8_t)(k < 6 ? (unsigned)dice(2) * 255 : (i / 3 % SIDE / 4 + i / 3 / SIDE / 4) % 2 * 255);
        written(&f, planes, &out);
        alb_mem_free(decoded(alb_buf_view(&out), &f));
        alb_buf_fini(&out);
    }
    alb_mem_free(rgb);
}

/* ---- what it is for ---- */

static struct alb_str by_libjpeg(uint8_t *rgb, uint32_t w, uint32_t h, unsigned quality)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    unsigned char *out = NULL;
    unsigned long n = 0;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &n);
    c.image_width = w;
    c.image_height = h;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, (int)quality, TRUE);
    c.write_JFIF_header = FALSE;
    c.optimize_coding = TRUE;
    jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < h) {
        JSAMPROW row = rgb + (size_t)c.next_scanline * w * 3;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return (struct alb_str){(char *)out, n};
}

static int grain(unsigned i, unsigned j, unsigned b)
{
    uint32_t n = i * 374761393u + j * 668265263u + b * 2246822519u;
    n = (n ^ (n >> 13)) * 1274126177u;
    return (int)((n ^ (n >> 16)) & 0xff) - 128;
}

/* Much like a photograph: detail of all sizes, less of the fine one; edges; shade. */
static uint8_t scene(unsigned i, unsigned j, unsigned b)
{
    double v = 110 + 50 * sin(0.013 * i + 0.4 * b) * cos(0.017 * j), much = 40;
    for (unsigned size = 32; size > 0; size /= 2, much *= 0.66)
        v += much * grain(i / size, j / size, size) / 128;
    v += grain(i, j, b) / 40;
    if ((i - 90) * (i - 90) + (j - 120) * (j - 120) < 3600)
        v = v / 3 + 20.0 * b;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void test_worth(void **state)
{
    enum { W = 256, H = 240 };
    static const unsigned qualities[] = {40, 60, 80};
    uint8_t *rgb = alb_mem_alloc_nofail((size_t)W * H * 3 + ALB_ROW_SLACK);
    const uint8_t *const planes[ALB_PLANES] = {rgb};
    (void)state;
    for (unsigned k = 0; k < W * H * 3; k++)
        rgb[k] = scene(k / 3 % W, k / 3 / W, k % 3);
    for (size_t i = 0; i < ALB_ARRAY_LEN(qualities); i++) {
        struct file f = {.format = {.layout = ALB_LAYOUT_RGB, .bits = 8, .width = W, .height = H},
                         .quality = qualities[i],
                         .progressive = true};
        struct alb_buf out = ALB_BUF_INIT(64 << 20);
        struct alb_str theirs = by_libjpeg(rgb, W, H, qualities[i]);
        double score, their_score;
        written(&f, planes, &out);
        uint8_t *a = decoded(alb_buf_view(&out), &f), *b = decoded(theirs, &f);
        assert_true(alb_score_ssimulacra2(rgb, a, W, H, 3, &score));
        assert_true(alb_score_ssimulacra2(rgb, b, W, H, 3, &their_score));
        print_message("# quality %u: %zu bytes, %.2f; libjpeg %zu, %.2f\n", qualities[i], out.n, score,
                      theirs.n, their_score);
        assert_true(out.n <= theirs.n);
        assert_true(score > their_score);
        alb_mem_free(a);
        alb_mem_free(b);
        free((void *)(uintptr_t)theirs.p);
        alb_buf_fini(&out);
    }
    alb_mem_free(rgb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transform), cmocka_unit_test(test_quantised),
        cmocka_unit_test(test_qualities), cmocka_unit_test(test_same_everywhere),
        cmocka_unit_test(test_colours),   cmocka_unit_test(test_files),
        cmocka_unit_test(test_huffman),   cmocka_unit_test(test_coded),
        cmocka_unit_test(test_bounded),   cmocka_unit_test(test_wild),
        cmocka_unit_test(test_worth),
    };
    x = (struct alb_express){.scratch = alb_scratch_new(), .threads = 1};
    assert_non_null(x.scratch);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    alb_scratch_free(&x.scratch);
    return failed;
}
