/* SPDX-License-Identifier: Apache-2.0 */
#include "express_ends.h"
#include "image/express/png_filter.h"

static struct alb_express x;

/* ---- filters ---- */

#define WIDE 300

/* As the specification has it. */
static unsigned paeth(int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return (unsigned)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

static unsigned predicted(int f, unsigned a, unsigned b, unsigned c)
{
    return f == 0 ? 0 : f == 1 ? a : f == 2 ? b : f == 3 ? (a + b) / 2 : paeth((int)a, (int)b, (int)c);
}

struct row {
    uint8_t slack[ALB_PNG_SLACK], p[WIDE], behind[64];
};

static void check_row(const struct row *now, const struct row *above, size_t n, unsigned bpp)
{
    static struct row out;
    uint64_t costs[ALB_PNG_FILTERS], other[ALB_PNG_FILTERS];
    alb_png_costs(now->p, above->p, n, bpp, costs);
    alb_png_costs_plain(now->p, above->p, n, bpp, other);
    for (int f = 0; f < ALB_PNG_FILTERS; f++) {
        uint64_t sum = 0;
        memset(&out, 0xa5, sizeof(out));
        alb_png_filter((enum alb_png_filter)f, now->p, above->p, n, bpp, out.p);
        for (size_t i = 0; i < n; i++) {
            unsigned a = i < bpp ? 0 : now->p[i - bpp], c = i < bpp ? 0 : above->p[i - bpp];
            uint8_t d = (uint8_t)(now->p[i] - predicted(f, a, above->p[i], c));
            if (out.p[i] != d)
                fail_msg("filter %d, %u bytes a pixel, byte %zu of %zu: %u for %u", f, bpp, i, n, out.p[i],
                         d);
            sum += d < 128 ? d : 256u - d;
        }
        assert_int_equal(costs[f], sum);
        assert_int_equal(other[f], sum);
        alb_png_unfilter_plain((enum alb_png_filter)f, out.p, above->p, n, bpp);
        assert_memory_equal(out.p, now->p, n);
        assert_int_equal(out.behind[0], 0xa5); /* the next row's filter */
        if (n < WIDE)
            assert_int_equal(out.p[n], 0xa5);
    }
}

static void test_filters(void **state)
{
    static struct row now, above;
    struct noise random = {7};
    (void)state;
    for (unsigned bpp = 1; bpp <= 4; bpp++) {
        for (size_t pixels = 1; pixels * bpp <= WIDE; pixels += pixels < 40 ? 1 : 13) {
            for (size_t i = 0; i < pixels * bpp; i++) {
                now.p[i] = noise(&random);
                above.p[i] = noise(&random);
            }
            check_row(&now, &above, pixels * bpp, bpp);
        }
    }
}

/* Every a, b and c; in pixels of four bytes 64 at a time. */
static void test_paeth(void **state)
{
    static uint8_t now[ALB_PNG_SLACK + 512 + 64], above[ALB_PNG_SLACK + 512 + 64], out[512 + 64];
    uint8_t *n = now + ALB_PNG_SLACK, *u = above + ALB_PNG_SLACK;
    (void)state;
    for (unsigned bc = 0; bc < 1u << 16; bc += 1) {
        uint8_t b = (uint8_t)bc, c = (uint8_t)(bc >> 8);
        if ((bc * 2654435761u >> 28) != 0 && b > 3 && c > 3 && b < 252 && c < 252 && abs(b - c) > 2)
            continue; /* all edges, and one in 16 of the rest */
        for (unsigned i = 0; i < 256; i++) {
            unsigned at = (i / 4) * 8 + i % 4;
            n[at] = (uint8_t)i;
            n[at + 4] = 0;
            u[at] = c;
            u[at + 4] = b;
        }
        alb_png_filter(ALB_PNG_PAETH, n, u, 512, 4, out);
        for (unsigned i = 0; i < 256; i++) {
            uint8_t want = (uint8_t)-paeth((int)i, b, c);
            if (out[(i / 4) * 8 + i % 4 + 4] != want)
                fail_msg("%u %u %u", i, b, c);
        }
        alb_png_unfilter_plain(ALB_PNG_PAETH, out, u, 512, 4);
        assert_memory_equal(out, n, 512);
    }
}

/* Rows of all filters, or of one, of all widths and numbers: undone together as they are one by one. */
#define ROWS 19 /* more than two times what goes together */

static void check_rows(size_t pixels, unsigned bpp, uint32_t count, int filter, struct noise *random)
{
    static uint8_t rows[ROWS * (WIDE + 1) + 64], plain[sizeof(rows)], first[WIDE + 64];
    size_t n = pixels * bpp, line = n + 1;
    for (size_t i = 0; i < sizeof(rows); i++)
        rows[i] = noise(random);
    for (size_t i = 0; i < n; i++)
        first[i] = noise(random);
    for (uint32_t y = 0; y < count; y++)
        rows[y * line] = (uint8_t)(filter < ALB_PNG_FILTERS ? filter : noise(random) % ALB_PNG_FILTERS);
    memcpy(plain, rows, sizeof(rows));
    const uint8_t *above = first;
    for (uint32_t y = 0; y < count; y++) {
        uint8_t *row = plain + y * line;
        alb_png_unfilter_plain((enum alb_png_filter)row[0], row + 1, above, n, bpp);
        above = row + 1;
    }
    assert_true(alb_png_unfilter(rows, line, count, first, bpp));
    if (memcmp(rows, plain, sizeof(rows)) != 0)
        fail_msg("%zu pixels of %u bytes, %u rows, filter %d", pixels, bpp, count, filter);
}

static void test_rows(void **state)
{
    struct noise random = {9};
    (void)state;
    for (unsigned bpp = 1; bpp <= 4; bpp++) {
        for (size_t pixels = 1; pixels * bpp <= WIDE; pixels += pixels < 40 ? 1 : 7) {
            for (int filter = 0; filter <= ALB_PNG_FILTERS; filter++) {
                for (uint32_t count = 0; count <= ROWS; count++)
                    check_rows(pixels, bpp, count, filter, &random);
            }
        }
    }
}

/* Every a, b and c of Paeth, in four rows and in eight: what stands above is one row of b, left of it c. */
static void test_rows_paeth(void **state)
{
    enum { N = 256 * 2 * 3, MOST = 8 };
    static uint8_t rows[MOST * (N + 1) + 64], again[sizeof(rows)], want[MOST * (N + 1)], first[N + 64];
    (void)state;
    for (unsigned bc = 0; bc < 1u << 16; bc++) {
        uint8_t b = (uint8_t)bc, c = (uint8_t)(bc >> 8);
        if ((bc * 2654435761u >> 28) != 0 && b > 3 && c > 3 && b < 252 && c < 252 && abs(b - c) > 2)
            continue; /* all edges, and one in 16 of the rest */
        for (unsigned i = 0; i < N; i++)
            first[i] = i / 3 % 2 == 0 ? c : b;
        for (unsigned y = 0; y < MOST; y++) {
            uint8_t *row = rows + y * (N + 1), *to = want + y * (N + 1);
            const uint8_t *up = y == 0 ? first : to - N;
            row[0] = to[0] = ALB_PNG_PAETH;
            for (unsigned i = 0; i < N; i++) { /* rows of a, as they are to come out, and their differences */
                to[i + 1] = (uint8_t)(y % 2 == 1 ? first[i] : i / 6 + y);
                unsigned left = i < 3 ? 0 : to[i - 2], corner = i < 3 ? 0 : up[i - 3];
                row[i + 1] = (uint8_t)(to[i + 1] - paeth((int)left, up[i], (int)corner));
            }
        }
        memcpy(again, rows, sizeof(rows));
        assert_true(alb_png_unfilter(rows, N + 1, 4, first, 3));
        assert_true(alb_png_unfilter(again, N + 1, MOST, first, 3));
        if (memcmp(rows, want, 4 * (N + 1)) != 0 || memcmp(again, want, sizeof(want)) != 0)
            fail_msg("%u %u", b, c);
    }
}

static void test_rows_bad(void **state)
{
    uint8_t rows[6 * 49 + 64] = {0}, first[48 + 64] = {0};
    (void)state;
    for (unsigned bad = 0; bad < 6; bad++) {
        for (unsigned y = 0; y < 6; y++)
            rows[y * 49] = y == bad ? ALB_PNG_FILTERS : ALB_PNG_PAETH;
        assert_false(alb_png_unfilter(rows, 49, 6, first, 3));
        assert_true(alb_png_unfilter(rows, 49, bad, first, 3));
    }
}

/* ---- reading ---- */

static const struct png_kind kinds[] = {{1, 0, 0}, {2, 0, 0}, {4, 0, 0}, {8, 0, 0}, {8, 4, 0}, {8, 2, 0},
                                        {8, 6, 0}, {1, 3, 0}, {2, 3, 0}, {4, 3, 0}, {8, 3, 0}};

/* Bytes of a stream are noise: any bytes are some picture. Filters too, or all the same one. */
static void make_png(struct alb_buf *b, uint32_t w, uint32_t h, const struct png_kind *k, bool transparent,
                     int filter, unsigned parts, struct noise *r)
{
    size_t line = png_line(w, k), n = line * h;
    uint8_t *rows = alb_mem_alloc(n), palette[256 * 3];
    png_start(b, w, h, k);
    for (size_t i = 0; i < sizeof(palette); i++)
        palette[i] = noise(r);
    size_t colours = k->depth == 8 ? 256 : (size_t)1 << k->depth;
    if (k->colour == 3)
        png_chunk(b, "PLTE", palette, colours * 3);
    if (transparent && k->colour == 3)
        png_chunk(b, "tRNS", palette, colours - colours / 3);
    for (size_t i = 0; i < n; i++)
        rows[i] = i % line == 0 ? (uint8_t)(filter < 0 ? noise(r) % 5 : filter)
                                : noise(r) & (transparent ? 1 : 255);
    const uint8_t key[6] = {0, 1, 0, 1, 0, 1};
    if (transparent && k->colour != 3)
        png_chunk(b, "tRNS", key, k->colour == 0 ? 2 : 6);
    png_end(b, rows, n, parts);
    alb_mem_free(rows);
}

static void check_like_vips(struct alb_str s, uint32_t w, uint32_t h, const char *what)
{
    struct pixels p;
    uint32_t vw, vh;
    int bands;
    uint8_t *want = by_vips(s, ALB_TYPE_PNG, &vw, &vh, &bands);
    assert_non_null(want);
    enum alb_code code = read_all(alb_png_source_open, &x, s, w, h, false, (struct alb_rect){0}, &p);
    if (code != ALB_OK)
        fail_msg("%s: %s", what, alb_code_name(code));
    assert_int_equal(p.rows[0], vh);
    assert_int_equal(alb_layout_samples(p.format.layout), bands);
    if (memcmp(p.plane[0], want, (size_t)vw * vh * (size_t)bands) != 0)
        fail_msg("%s: other pixels", what);
    g_free(want);
    pixels_free(&p);
}

static void test_kinds(void **state)
{
    struct noise r = {1};
    char what[80];
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        for (uint32_t w = 1; w <= 41; w += w < 10 ? 1 : 5) {
            for (int t = 0; t < 2; t++) {
                struct alb_buf b = ALB_BUF_INIT(1 << 20);
                if (t == 1 && (kinds[i].colour == 4 || kinds[i].colour == 6))
                    continue;
                make_png(&b, w, 37, &kinds[i], t == 1, -1, 1 + w % 4, &r);
                snprintf(what, sizeof(what), "colour %u depth %u width %u%s", kinds[i].colour, kinds[i].depth,
                         w, t ? " transparent" : "");
                check_like_vips(alb_buf_view(&b), w, 37, what);
                alb_buf_fini(&b);
            }
        }
    }
}

static void test_each_filter(void **state)
{
    struct noise r = {2};
    (void)state;
    for (int f = 0; f < 5; f++) {
        for (size_t i = 3; i < 7; i++) {
            struct alb_buf b = ALB_BUF_INIT(1 << 20);
            make_png(&b, 133, 40, &kinds[i], false, f, 2, &r);
            check_like_vips(alb_buf_view(&b), 133, 40, "a filter");
            alb_buf_fini(&b);
        }
    }
}

static void test_window(void **state)
{
    const struct png_kind rgb = {8, 2, 0};
    struct noise r = {3};
    struct alb_buf b = ALB_BUF_INIT(1 << 20);
    struct pixels all, part;
    (void)state;
    make_png(&b, 50, 90, &rgb, false, -1, 1, &r);
    assert_int_equal(
        read_all(alb_png_source_open, &x, alb_buf_view(&b), 50, 90, false, (struct alb_rect){0}, &all),
        ALB_OK);
    struct alb_rect window = {7, 33, 20, 31};
    assert_int_equal(read_all(alb_png_source_open, &x, alb_buf_view(&b), 50, 90, false, window, &part),
                     ALB_OK);
    assert_true(part.area.left <= 7 && part.area.left + part.area.width >= 27);
    assert_true(part.area.top <= 33 && part.area.top + part.area.height >= 64);
    assert_int_equal(part.rows[0], part.area.height);
    assert_memory_equal(part.plane[0], all.plane[0] + (size_t)part.area.top * 150,
                        (size_t)part.rows[0] * 150);
    pixels_free(&all);
    pixels_free(&part);
    alb_buf_fini(&b);
}

/* ---- what is not for us ---- */

static enum alb_code code_of(struct alb_str s, uint32_t w, uint32_t h)
{
    struct pixels p;
    enum alb_code code = read_all(alb_png_source_open, &x, s, w, h, false, (struct alb_rect){0}, &p);
    pixels_free(&p);
    return code;
}

static void test_palette_told(void **state)
{
    struct noise r = {8};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        struct alb_buf b = ALB_BUF_INIT(1 << 20);
        struct alb_source *s;
        make_png(&b, 9, 5, &kinds[i], false, -1, 1, &r);
        const struct alb_source_ask ask = {
            .bytes = alb_buf_view(&b), .width = 9, .height = 5, .source_width = 9, .source_height = 5};
        assert_int_equal(alb_png_source_open(&x, &ask, &s, NULL), ALB_OK);
        assert_int_equal(s->palette_bits, kinds[i].colour == 3 ? kinds[i].depth : 0);
        s->ops->close(s);
        alb_scratch_reset(x.scratch);
        alb_buf_fini(&b);
    }
}

static void test_not_ours(void **state)
{
    const struct png_kind wide = {16, 2, 0}, interlaced = {8, 2, 1}, odd = {8, 5, 0}, deep = {16, 3, 0},
                          rgb = {8, 2, 0};
    const struct png_kind *const not[] = {&wide, &interlaced, &odd, &deep};
    const uint8_t rows[400] = {0};
    struct alb_buf b = ALB_BUF_INIT(1 << 20);
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(not); i++) {
        alb_buf_reset(&b);
        png_start(&b, 3, 2, not[i]);
        png_end(&b, rows, sizeof(rows), 1);
        assert_int_equal(code_of(alb_buf_view(&b), 3, 2), ALB_E_UNSUPPORTED);
    }
    static const size_t lengths[] = {19, 20, 21, 40}; /* too few pixels, just as many, too many */
    for (size_t i = 0; i < ALB_ARRAY_LEN(lengths); i++) {
        alb_buf_reset(&b);
        png_start(&b, 3, 2, &rgb);
        png_end(&b, rows, lengths[i], 1);
        enum alb_code want = lengths[i] < 20    ? ALB_E_UNPROCESSABLE
                             : lengths[i] == 20 ? ALB_OK
                                                : ALB_E_UNSUPPORTED;
        assert_int_equal(code_of(alb_buf_view(&b), 3, 2), want);
        assert_int_equal(code_of(alb_buf_view(&b), 2, 3), ALB_E_UNSUPPORTED); /* not what was planned */
    }
    alb_buf_fini(&b);
}

/* Bytes behind the stream, in its last part or in one more; and a part without any is none. */
static void test_behind(void **state)
{
    const struct png_kind rgb = {8, 2, 0};
    const uint8_t rows[20] = {0};
    uint8_t packed[100];
    uLongf n = sizeof(packed) - 10;
    struct alb_buf b = ALB_BUF_INIT(1 << 20);
    (void)state;
    memset(packed, 0, sizeof(packed));
    assert_int_equal(compress(packed, &n, rows, sizeof(rows)), Z_OK);
    for (size_t last = 0; last <= 10; last++) {
        for (int apart = 0; apart < 2; apart++) {
            alb_buf_reset(&b);
            png_start(&b, 3, 2, &rgb);
            png_chunk(&b, "IDAT", packed, 0);
            png_chunk(&b, "IDAT", packed, apart ? n : n + last);
            if (apart)
                png_chunk(&b, "IDAT", packed + n, last);
            png_chunk(&b, "IEND", "", 0);
            assert_int_equal(code_of(alb_buf_view(&b), 3, 2), last == 0 ? ALB_OK : ALB_E_UNSUPPORTED);
        }
    }
    alb_buf_fini(&b);
}

/* No prefix and no flipped bit does harm; what is still taken has its pixels. */
static void test_damage(void **state)
{
    struct noise r = {4};
    struct pixels whole, p;
    (void)state;
    for (size_t k = 0; k < ALB_ARRAY_LEN(kinds); k += 5) {
        struct alb_buf b = ALB_BUF_INIT(1 << 20);
        make_png(&b, 11, 9, &kinds[k], false, -1, 3, &r);
        struct alb_str s = alb_buf_view(&b);
        assert_int_equal(read_all(alb_png_source_open, &x, s, 11, 9, false, (struct alb_rect){0}, &whole),
                         ALB_OK);
        size_t n = 99 * alb_layout_samples(whole.format.layout);
        for (size_t i = 0; i < s.n; i++) {
            char *copy = alb_mem_alloc(s.n);
            memcpy(copy, s.p, s.n);
            assert_int_not_equal(code_of((struct alb_str){copy, i}, 11, 9), ALB_OK);
            copy[i] = (char)(copy[i] ^ 1 << i % 8);
            if (read_all(alb_png_source_open, &x, (struct alb_str){copy, s.n}, 11, 9, false,
                         (struct alb_rect){0}, &p) == ALB_OK)
                assert_memory_equal(p.plane[0], whole.plane[0], n);
            pixels_free(&p);
            alb_mem_free(copy);
        }
        pixels_free(&whole);
        alb_buf_fini(&b);
    }
}

/* ---- large ones ---- */

#define LARGE_W 3001
#define LARGE_H 3801

static void make_large(struct alb_buf *b)
{
    const struct png_kind rgb = {8, 2, 0};
    size_t line = png_line(LARGE_W, &rgb);
    struct noise r = {5};
    uint8_t *rows = alb_mem_calloc(line, LARGE_H);
    assert_non_null(rows);
    for (size_t y = 0; y < LARGE_H; y++) {
        rows[y * line] = (uint8_t)(y % 5);
        for (size_t i = 1; i < 60; i++)
            rows[y * line + i * 31] = noise(&r);
    }
    png_start(b, LARGE_W, LARGE_H, &rgb);
    png_end(b, rows, line * LARGE_H, 5);
    alb_mem_free(rows);
}

static void test_large(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(8 << 20);
    (void)state;
    make_large(&b);
    check_like_vips(alb_buf_view(&b), LARGE_W, LARGE_H, "a large one");
    assert_int_not_equal(code_of((struct alb_str){b.p, b.n - 30}, LARGE_W, LARGE_H), ALB_OK);
    b.p[b.n / 2] = (char)(b.p[b.n / 2] ^ 1);
    assert_int_not_equal(code_of(alb_buf_view(&b), LARGE_W, LARGE_H), ALB_OK);
    alb_buf_fini(&b);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMITS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LIMITS 0
#endif
#endif
#ifndef LIMITS
#define LIMITS 1
#endif

static uint64_t data_now(void)
{
    unsigned long v[6] = {0};
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu %lu %lu %lu %lu", v, v + 1, v + 2, v + 3, v + 4, v + 5), 6);
    fclose(f);
    return v[5] * (uint64_t)getpagesize();
}

/* 34 MB of pixels in 2 MB: in a process that gets no more. */
static void test_memory(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(8 << 20);
    int status;
    (void)state;
    if (!LIMITS) { /* cmocka's skip() would be a failure in TAP */
        print_message("# no limits of memory under a sanitizer\n");
        return;
    }
    make_large(&b);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit l = {data_now() + (2 << 20), data_now() + (2 << 20)};
        const struct alb_source_ask ask = {.bytes = alb_buf_view(&b),
                                           .width = LARGE_W,
                                           .height = LARGE_H,
                                           .source_width = LARGE_W,
                                           .source_height = LARGE_H,
                                           .strict = true};
        struct alb_source *s;
        struct alb_band band = {.rows = {1}};
        bool ok =
            setrlimit(RLIMIT_DATA, &l) == 0 && alb_png_source_open(&x, &ask, &s, NULL) == ALB_OK &&
            s->ops->start(s, s->native.layout, (struct alb_rect){0, 0, LARGE_W, LARGE_H}, NULL) == ALB_OK;
        while (ok && band.rows[0] > 0)
            ok = s->ops->read(s, &band, NULL) == ALB_OK;
        child_exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    alb_buf_fini(&b);
}

/* ---- writing ---- */

static const int samples_of[4] = {1, 2, 3, 4};

static void test_written(void **state)
{
    const struct alb_output o = {.format = ALB_FORMAT_PNG};
    static uint8_t in[70 * 70 * 4];
    struct noise r = {6};
    uint32_t vw, vh;
    int bands;
    (void)state;
    for (uint32_t w = 1; w < 70; w += 1 + w / 4) {
        for (int layout = 0; layout < 4; layout++) {
            struct alb_buf b = ALB_BUF_INIT(1 << 20);
            size_t n = (size_t)w * 33 * (size_t)samples_of[layout];
            for (size_t i = 0; i < n; i++)
                in[i] = (uint8_t)(i * 3 + noise(&r) % (1 + w % 30));
            const struct alb_sink_ask ask = {
                .format = {.layout = (enum alb_layout)layout, .bits = 8, .width = w, .height = 33},
                .output = &o,
                .out = &b};
            const uint8_t *const planes[ALB_PLANES] = {in};
            assert_int_equal(write_all(alb_png_sink_open, &x, &ask, planes), ALB_OK);
            uint8_t *back = by_vips(alb_buf_view(&b), ALB_TYPE_PNG, &vw, &vh, &bands);
            assert_non_null(back);
            assert_true(vw == w && vh == 33 && bands == samples_of[layout]);
            assert_memory_equal(back, in, n);
            g_free(back);
            check_like_vips(alb_buf_view(&b), w, 33, "our own");
            struct alb_buf small = ALB_BUF_INIT(b.n - 1);
            struct alb_sink_ask less = ask;
            less.out = &small;
            assert_int_equal(write_all(alb_png_sink_open, &x, &less, planes), ALB_E_TOO_LARGE);
            alb_buf_fini(&small);
            alb_buf_fini(&b);
        }
    }
}

/* The same palette and indices as through libvips. */
static void test_palette(void **state)
{
    static uint8_t in[61 * 40 * 4];
    static const unsigned colours[] = {0, 2, 3, 16, 100, 256};
    uint32_t vw, vh;
    int bands, other;
    (void)state;
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = i % 4 == 3 ? (i % 12 == 3 ? 100 : 255) : (uint8_t)(i / 37 + (i % 4) * 50);
    VipsImage *image = vips_image_new_from_memory(in, sizeof(in), 61, 40, 4, VIPS_FORMAT_UCHAR);
    assert_non_null(image);
    image->Type = VIPS_INTERPRETATION_sRGB;
    for (size_t i = 0; i < ALB_ARRAY_LEN(colours); i++) {
        const struct alb_output o = {
            .format = ALB_FORMAT_PNG, .png_quantize = true, .png_colors = (uint16_t)colours[i]};
        struct alb_buf b = ALB_BUF_INIT(1 << 20);
        unsigned c = colours[i] ? colours[i] : 256;
        void *p = NULL;
        size_t n;
        const struct alb_sink_ask ask = {
            .format = {.layout = ALB_LAYOUT_RGB_ALPHA, .bits = 8, .width = 61, .height = 40},
            .output = &o,
            .out = &b};
        const uint8_t *const planes[ALB_PLANES] = {in};
        assert_int_equal(write_all(alb_png_sink_open, &x, &ask, planes), ALB_OK);
        assert_int_equal(vips_pngsave_buffer(image, &p, &n, "palette", TRUE, "bitdepth",
                                             c <= 2    ? 1
                                             : c <= 4  ? 2
                                             : c <= 16 ? 4
                                                       : 8,
                                             NULL),
                         0);
        struct alb_buf again = ALB_BUF_INIT(1 << 20); /* because the source had one */
        const struct alb_output plain = {.format = ALB_FORMAT_PNG},
                                others[] = {{.format = ALB_FORMAT_PNG, .lossless = true},
                                            {.format = ALB_FORMAT_PNG, .png_plain = true}};
        struct alb_sink_ask had = ask;
        had.output = &plain;
        had.out = &again;
        had.palette_bits = c <= 2 ? 1 : c <= 4 ? 2 : c <= 16 ? 4 : 8;
        assert_int_equal(write_all(alb_png_sink_open, &x, &had, planes), ALB_OK);
        assert_true(alb_str_eq(alb_buf_view(&again), alb_buf_view(&b)));
        for (size_t k = 0; k < ALB_ARRAY_LEN(others); k++) {
            alb_buf_reset(&again);
            had.output = &others[k];
            assert_int_equal(write_all(alb_png_sink_open, &x, &had, planes), ALB_OK);
            assert_int_equal(again.p[25], 6);
        }
        alb_buf_fini(&again);
        uint8_t *ours = by_vips(alb_buf_view(&b), ALB_TYPE_PNG, &vw, &vh, &bands);
        uint8_t *theirs = by_vips((struct alb_str){p, n}, ALB_TYPE_PNG, &vw, &vh, &other);
        assert_true(ours && theirs && bands == other);
        assert_memory_equal(ours, theirs, (size_t)vw * vh * (size_t)bands);
        g_free(ours);
        g_free(theirs);
        g_free(p);
        alb_buf_fini(&b);
    }
    g_object_unref(image);
}

static void test_metadata(void **state)
{
    const struct alb_output o = {.format = ALB_FORMAT_PNG, .dpi = 300};
    static const uint8_t in[30];
    static const char tiff[] = "II*\0\x08\0\0\0\0\0\0\0\0\0", xmp[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>";
    struct alb_buf b = ALB_BUF_INIT(1 << 20);
    struct alb_source *s;
    (void)state;
    const struct alb_sink_ask ask = {.format = {.layout = ALB_LAYOUT_RGB, .bits = 8, .width = 5, .height = 2},
                                     .output = &o,
                                     .out = &b,
                                     .exif = {tiff, sizeof(tiff) - 1},
                                     .xmp = {xmp, sizeof(xmp) - 1}};
    const uint8_t *const planes[ALB_PLANES] = {in};
    assert_int_equal(write_all(alb_png_sink_open, &x, &ask, planes), ALB_OK);
    struct alb_source_ask again = {.bytes = alb_buf_view(&b),
                                   .width = 5,
                                   .height = 2,
                                   .source_width = 5,
                                   .source_height = 2,
                                   .metadata = true};
    assert_int_equal(alb_png_source_open(&x, &again, &s, NULL), ALB_OK);
    assert_true(alb_str_eq(s->exif, ask.exif));
    assert_true(alb_str_eq(s->xmp, ask.xmp));
    s->ops->close(s);
    alb_scratch_reset(x.scratch);
    struct alb_load l = ALB_LOAD_INIT(ALB_TYPE_PNG, alb_buf_view(&b));
    VipsImage *image = alb_load_open(&l, NULL);
    assert_non_null(image);
    assert_true(vips_image_get_typeof(image, VIPS_META_XMP_NAME) != 0);
    assert_true(vips_image_get_typeof(image, VIPS_META_EXIF_NAME) != 0);
    assert_true(image->Xres > 11.81 && image->Xres < 11.812 && image->Yres > 11.81 && image->Yres < 11.812);
    g_object_unref(image);
    alb_buf_fini(&b);
}

static void test_no_memory(void **state)
{
    const struct png_kind rgb = {8, 2, 0};
    const struct alb_output o = {.format = ALB_FORMAT_PNG};
    struct noise r = {9};
    struct alb_buf b = ALB_BUF_INIT(1 << 20), out = ALB_BUF_INIT(1 << 20);
    bool ok = false;
    (void)state;
    make_png(&b, 40, 40, &rgb, false, -1, 2, &r);
    for (uint64_t n = 1; n < 40 && !ok; n++) {
        struct alb_source *s;
        const struct alb_source_ask ask = {.bytes = alb_buf_view(&b),
                                           .width = 40,
                                           .height = 40,
                                           .source_width = 40,
                                           .source_height = 40,
                                           .strict = true};
        static const uint8_t in[4800];
        const struct alb_sink_ask put = {
            .format = {.layout = ALB_LAYOUT_RGB, .bits = 8, .width = 40, .height = 40},
            .output = &o,
            .out = &out};
        const uint8_t *const planes[ALB_PLANES] = {in};
        alb_scratch_trim(x.scratch);
        alb_buf_fini(&out);
        alb_mem_fault(n, false);
        enum alb_code code = alb_png_source_open(&x, &ask, &s, NULL);
        if (code == ALB_OK) {
            code = s->ops->start(s, ALB_LAYOUT_RGB, (struct alb_rect){0, 0, 40, 40}, NULL);
            s->ops->close(s);
        }
        alb_scratch_reset(x.scratch);
        alb_scratch_trim(x.scratch);
        if (code == ALB_OK)
            code = write_all(alb_png_sink_open, &x, &put, planes);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        alb_scratch_reset(x.scratch);
        assert_int_equal(code, fired ? ALB_E_NO_MEMORY : ALB_OK);
        ok = !fired;
    }
    assert_true(ok);
    alb_buf_fini(&b);
    alb_buf_fini(&out);
}

static int set_up(void **state)
{
    (void)state;
    x = (struct alb_express){.scratch = alb_scratch_new(), .threads = 1};
    return x.scratch ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    alb_scratch_free(&x.scratch);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),   cmocka_unit_test(test_paeth),
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_rows_paeth),
        cmocka_unit_test(test_rows_bad),  cmocka_unit_test(test_behind),
        cmocka_unit_test(test_kinds),     cmocka_unit_test(test_each_filter),
        cmocka_unit_test(test_window),    cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_damage),    cmocka_unit_test(test_large),
        cmocka_unit_test(test_memory),    cmocka_unit_test(test_written),
        cmocka_unit_test(test_palette),   cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_palette_told),
    };
    (void)argc;
    if (VIPS_INIT(argv[0]) != 0)
        return 1;
    vips_concurrency_set(1);
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    vips_shutdown();
    return failed;
}
