/* SPDX-License-Identifier: Apache-2.0
 *
 * Which filter a row should get, and making it. All bytes are known beforehand, so 16 go at once.
 */
#include "image/express/png_filter.h"

#include <string.h>

#include "image/express/png_vector.h"

void alb_png_costs_plain(const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                         uint64_t costs[ALB_PNG_FILTERS])
{
    for (int f = 0; f < ALB_PNG_FILTERS; f++) {
        const uint8_t *left = row - bpp, *corner = above - bpp;
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            uint8_t d =
                (uint8_t)(row[i] - alb_png_predicted((enum alb_png_filter)f, left[i], above[i], corner[i]));
            sum += d < 128 ? d : 256u - d;
        }
        costs[f] = sum;
    }
}

/* ---- vectors ---- */

#if VECTORS
static inline V v_paeth(V a, V b, V c)
{
    return v_add(c, v_paeth_less_c(a, b, c));
}

void alb_png_costs(const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                   uint64_t costs[ALB_PNG_FILTERS])
{
    uint64_t sum[ALB_PNG_FILTERS] = {0};
    const uint8_t *left = row - bpp, *corner = above - bpp;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        V x = v_load(row + i), a = v_load(left + i), b = v_load(above + i), c = v_load(corner + i);
        sum[ALB_PNG_NONE] += v_cost(x);
        sum[ALB_PNG_SUB] += v_cost(v_sub(x, a));
        sum[ALB_PNG_UP] += v_cost(v_sub(x, b));
        sum[ALB_PNG_AVERAGE] += v_cost(v_sub(x, v_average(a, b)));
        sum[ALB_PNG_PAETH] += v_cost(v_sub(x, v_paeth(a, b, c)));
    }
    alb_png_costs_plain(row + i, above + i, n - i, bpp, costs);
    for (int f = 0; f < ALB_PNG_FILTERS; f++)
        costs[f] += sum[f];
}
#else
void alb_png_costs(const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                   uint64_t costs[ALB_PNG_FILTERS])
{
    alb_png_costs_plain(row, above, n, bpp, costs);
}
#endif

static inline __attribute__((always_inline)) void
apply(enum alb_png_filter f, const uint8_t *row, const uint8_t *above, size_t n, size_t bpp, uint8_t *out)
{
    const uint8_t *left = row - bpp, *corner = above - bpp;
    size_t i = 0;
#if VECTORS
    for (; i + 16 <= n; i += 16) {
        V x = v_load(row + i), a = v_load(left + i), b = v_load(above + i), c = v_load(corner + i);
        V p = f == ALB_PNG_SUB       ? a
              : f == ALB_PNG_UP      ? b
              : f == ALB_PNG_AVERAGE ? v_average(a, b)
                                     : v_paeth(a, b, c);
        v_store(out + i, v_sub(x, p));
    }
#endif
    for (; i < n; i++)
        out[i] = (uint8_t)(row[i] - alb_png_predicted(f, left[i], above[i], corner[i]));
}

void alb_png_filter(enum alb_png_filter f, const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                    uint8_t *out)
{
    switch (f) {
    case ALB_PNG_SUB:
        apply(ALB_PNG_SUB, row, above, n, bpp, out);
        break;
    case ALB_PNG_UP:
        apply(ALB_PNG_UP, row, above, n, bpp, out);
        break;
    case ALB_PNG_AVERAGE:
        apply(ALB_PNG_AVERAGE, row, above, n, bpp, out);
        break;
    case ALB_PNG_PAETH:
        apply(ALB_PNG_PAETH, row, above, n, bpp, out);
        break;
    case ALB_PNG_NONE:
    case ALB_PNG_FILTERS:
        memcpy(out, row, n);
        break;
    }
}
