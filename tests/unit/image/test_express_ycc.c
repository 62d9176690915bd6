/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of YCC to rows of light: against the definition in double precision, over random sizes, layouts and matrices;
 * every path against every other, to the byte.
 */
#include <math.h>

#include "image/express/ycc_light.h"
#include "test.h"

#define SIDE 150
#define GOLDEN 0xff99d81d1e1c127b
#define STATED 0.2 /* ycc_light.h, in 1/256 */

static uint32_t seed = 20261122;

static uint32_t dice(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

struct world {
    struct alb_ycc_ask ask;
    uint32_t height;
    unsigned sub_y;
    uint8_t *plane[ALB_PLANES]; /* as long as they must be, no byte more */
    double *light[ALB_PLANES];  /* of each pixel */
};

static uint32_t plane_width(const struct world *w, unsigned p)
{
    return p > 0 && w->ask.sub_x ? (w->ask.width + 1) / 2 : w->ask.width;
}

static uint32_t plane_height(const struct world *w, unsigned p)
{
    return p > 0 && w->sub_y ? (w->height + 1) / 2 : w->height;
}

static double clipped(double v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static double to_linear(double v)
{
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double to_encoded(double v)
{
    return v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

static void light_of(const struct world *w, uint32_t x, uint32_t y, double rgb[ALB_PLANES])
{
    double kr = w->ask.matrix == ALB_MATRIX_601 ? 0.299 : 0.2126;
    double kb = w->ask.matrix == ALB_MATRIX_601 ? 0.114 : 0.0722, kg = 1 - kr - kb, v[ALB_PLANES];
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        size_t at = (size_t)(p > 0 ? y >> w->sub_y : y) * plane_width(w, p) + (p > 0 ? x >> w->ask.sub_x : x);
        v[p] = w->plane[p][at] - (p > 0 ? 128.0 : w->ask.limited ? 16.0 : 0.0);
        v[p] /= !w->ask.limited ? 255.0 : p > 0 ? 224.0 : 219.0;
    }
    rgb[0] = v[0] + 2 * (1 - kr) * v[2];
    rgb[2] = v[0] + 2 * (1 - kb) * v[1];
    rgb[1] = v[0] - 2 * (1 - kb) * kb / kg * v[1] - 2 * (1 - kr) * kr / kg * v[2];
    for (unsigned c = 0; c < ALB_PLANES; c++)
        rgb[c] = to_linear(clipped(rgb[c]));
}

static void world_make(struct world *w)
{
    static const uint8_t still[ALB_PLANES] = {90, 140, 120};
    *w = (struct world){
        .ask = {.width = 1 + dice(SIDE), .sub_x = dice(2)}, .height = 1 + dice(20), .sub_y = dice(2)};
    w->ask.matrix = dice(2) ? ALB_MATRIX_601 : ALB_MATRIX_709;
    w->ask.limited = dice(2);
    unsigned kind = dice(3); /* noise; noise around a colour; the hardest edges */
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        size_t n = (size_t)plane_width(w, p) * plane_height(w, p);
        w->plane[p] = alb_mem_alloc_nofail(n);
        for (size_t i = 0; i < n; i++)
            w->plane[p][i] = (uint8_t)(kind == 0   ? dice(256)
                                       : kind == 1 ? still[p] + dice(40)
                                                   : (dice(2) ? 255 : 0));
        w->light[p] = alb_mem_alloc_nofail((size_t)w->ask.width * w->height * sizeof(double));
    }
    for (uint32_t y = 0; y < w->height; y++) {
        for (uint32_t x = 0; x < w->ask.width; x++) {
            double rgb[ALB_PLANES];
            light_of(w, x, y, rgb);
            for (unsigned c = 0; c < ALB_PLANES; c++)
                w->light[c][(size_t)y * w->ask.width + x] = rgb[c];
        }
    }
}

static void world_drop(struct world *w)
{
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        alb_mem_free(w->plane[p]);
        alb_mem_free(w->light[p]);
    }
}

/* The light of result (i, j). */
static double wanted(const struct world *w, unsigned c, uint32_t i, uint32_t j)
{
    static const double share[] = {1 / 8.0, 3 / 8.0, 3 / 8.0, 1 / 8.0};
    int64_t right = (int64_t)w->ask.width - 1, bottom = (int64_t)w->height - 1;
    double sum = 0;
    for (int dy = 0; dy < 4; dy++) {
        for (int dx = 0; dx < 4; dx++) {
            int64_t x = 2 * (int64_t)i + dx - 1, y = 2 * (int64_t)j + dy - 1;
            x = x < 0 ? 0 : x > right ? right : x;
            y = y < 0 ? 0 : y > bottom ? bottom : y;
            sum += share[dx] * share[dy] * w->light[c][y * w->ask.width + x];
        }
    }
    return sum;
}

static struct alb_ycc_rows rows_of(const struct world *w, uint32_t y)
{
    struct alb_ycc_rows r;
    uint32_t lower = y + 1 < w->height ? y + 1 : y;
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        unsigned sub = p > 0 ? w->sub_y : 0;
        r.row[0][p] = w->plane[p] + (size_t)(y >> sub) * plane_width(w, p);
        r.row[1][p] = w->plane[p] + (size_t)(lower >> sub) * plane_width(w, p);
    }
    return r;
}

/* All rows of results, ALB_PLANES after each other, as long as there must be room. */
static int16_t *run(struct world *w, enum alb_resize_path path)
{
    struct alb_express x = {.scratch = alb_scratch_new(), .threads = 1};
    size_t room = alb_ycc_room(w->ask.width);
    uint32_t rows = (w->height + 1) / 2, made = 0;
    int16_t *all = alb_mem_alloc_nofail(room * ALB_PLANES * rows * sizeof(*all));
    assert_non_null(x.scratch);
    w->ask.path = path;
    struct alb_ycc *ycc = alb_ycc_open(&x, &w->ask);
    assert_non_null(ycc);
    for (uint32_t y = 0; made < rows; y += 2) {
        if (y < w->height) {
            struct alb_ycc_rows r = rows_of(w, y);
            alb_ycc_push(ycc, &r);
        } else {
            alb_ycc_end(ycc);
        }
        int16_t *to = all + room * ALB_PLANES * made, *out[ALB_PLANES] = {to, to + room, to + 2 * room};
        if (alb_ycc_pull(ycc, out))
            made++;
        assert_true(y < w->height + 2);
    }
    alb_scratch_free(&x.scratch);
    return all;
}

static double check(const struct world *w, const int16_t *all)
{
    size_t room = alb_ycc_room(w->ask.width);
    double worst = 0;
    for (uint32_t j = 0; j < (w->height + 1) / 2; j++) {
        for (unsigned c = 0; c < ALB_PLANES; c++) {
            for (uint32_t i = 0; i < (w->ask.width + 1) / 2; i++) {
                double v = (all[(j * ALB_PLANES + c) * room + i] + 32768) / 65535.0;
                double off = fabs(to_encoded(v) - to_encoded(wanted(w, c, i, j))) * 256;
                worst = off > worst ? off : worst;
            }
        }
    }
    return worst;
}

static void test_random(void **state)
{
    double worst = 0;
    (void)state;
    for (int n = 0; n < 400; n++) {
        struct world w;
        world_make(&w);
        size_t room = alb_ycc_room(w.ask.width);
        int16_t *plain = run(&w, ALB_RESIZE_PLAIN);
        double off = check(&w, plain);
        worst = off > worst ? off : worst;
        if (off > STATED)
            fail_msg("%ux%u, sub %u %u, matrix %d%s: off by %f", w.ask.width, w.height, w.ask.sub_x, w.sub_y,
                     (int)w.ask.matrix, w.ask.limited ? ", limited" : "", off);
        for (enum alb_resize_path p = ALB_RESIZE_BEST; p < ALB_RESIZE_PATHS; p++) {
            if (p == ALB_RESIZE_PLAIN || !alb_resize_path_works(p))
                continue;
            int16_t *other = run(&w, p);
            for (uint32_t row = 0; row < (w.height + 1) / 2 * ALB_PLANES; row++)
                assert_memory_equal(other + row * room, plain + row * room,
                                    (w.ask.width + 1) / 2 * sizeof(*plain));
            alb_mem_free(other);
        }
        alb_mem_free(plain);
        world_drop(&w);
    }
    print_message("# off by at most %.4f / 256\n", worst);
}

/* The same bytes on every machine and with every compiler: these came from x86-64. */
static void test_bytes_for_ever(void **state)
{
    uint64_t hash = 0xcbf29ce484222325;
    (void)state;
    seed = 7;
    for (int n = 0; n < 60; n++) {
        struct world w;
        world_make(&w);
        size_t room = alb_ycc_room(w.ask.width);
        int16_t *all = run(&w, ALB_RESIZE_BEST);
        for (uint32_t row = 0; row < (w.height + 1) / 2 * ALB_PLANES; row++) {
            for (uint32_t i = 0; i < (w.ask.width + 1) / 2; i++)
                hash = (hash ^ (uint16_t)all[row * room + i]) * 0x100000001b3;
        }
        alb_mem_free(all);
        world_drop(&w);
    }
    assert_int_equal(hash, GOLDEN);
}

/* White and black come out as such: nothing overshoots or is left. */
static void test_ends(void **state)
{
    (void)state;
    for (int white = 0; white < 2; white++) {
        for (int limited = 0; limited < 2; limited++) {
            struct world w = {.ask = {.width = 40, .limited = limited}, .height = 2};
            w.plane[0] = alb_mem_alloc_nofail(80);
            w.plane[1] = w.plane[2] = alb_mem_alloc_nofail(80);
            memset(w.plane[0], limited ? (white ? 235 : 16) : (white ? 255 : 0), 80);
            memset(w.plane[1], 128, 80);
            int16_t *all = run(&w, ALB_RESIZE_BEST);
            for (unsigned i = 0; i < 20; i++)
                assert_in_range(all[i] + 32768, white ? 65500 : 0, white ? 65535 : 2);
            alb_mem_free(all);
            alb_mem_free(w.plane[0]);
            alb_mem_free(w.plane[1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_bytes_for_ever),
                                       cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
