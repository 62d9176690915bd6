/* SPDX-License-Identifier: Apache-2.0
 *
 * The constants are those of Rec. ITU-R BT.2100-2 (PQ: table 4, HLG: table 5) and of BT.2087-0 (BT.2020 to BT.709).
 */
#include "image/hdr.h"

#include <math.h>

#include "base/mem.h"

#define WHITE 203.0 /* cd/m2 */
#define HLG_PEAK 1000.0
#define HLG_GAMMA 1.2
#define KNEE 0.6f
#define STEPS 65536
#define SRGB_STEPS 4096

struct alb_hdr_tables {
    enum alb_hdr how;
    float light[STEPS];           /* PQ: in units of white; HLG: of the scene, 0..1 */
    uint8_t srgb[SRGB_STEPS + 1]; /* of the root of linear light, which is fine where eyes are */
};

static double pq(double v)
{
    const double m1 = 2610.0 / 16384, m2 = 2523.0 / 4096 * 128, c1 = 3424.0 / 4096, c2 = 2413.0 / 4096 * 32,
                 c3 = 2392.0 / 4096 * 32;
    double p = pow(v, 1 / m2);
    return 10000.0 / WHITE * pow(fmax(p - c1, 0) / (c2 - c3 * p), 1 / m1);
}

static double hlg(double v)
{
    const double a = 0.17883277, b = 1 - 4 * a, c = 0.5 - a * log(4 * a);
    return v <= 0.5 ? v * v / 3 : (exp((v - c) / a) + b) / 12;
}

struct alb_hdr_tables *alb_hdr_new(enum alb_hdr how)
{
    struct alb_hdr_tables *t = alb_mem_calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->how = how;
    for (unsigned i = 0; i < STEPS; i++)
        t->light[i] = (float)(how == ALB_HDR_PQ ? pq(i / 65535.0) : hlg(i / 65535.0));
    for (unsigned i = 0; i <= SRGB_STEPS; i++) {
        double root = (double)i / SRGB_STEPS, v = root * root;
        v = v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055;
        t->srgb[i] = (uint8_t)(v * 255 + 0.5);
    }
    return t;
}

void alb_hdr_free(struct alb_hdr_tables **t)
{
    alb_mem_free(*t);
    *t = NULL;
}

/* Of the scene to that of a display, in units of white. */
static void show(float c[3])
{
    float y = 0.2627f * c[0] + 0.6780f * c[1] + 0.0593f * c[2];
    float k = y > 0 ? (float)(HLG_PEAK / WHITE) * powf(y, (float)(HLG_GAMMA - 1)) : 0;
    for (int i = 0; i < 3; i++)
        c[i] *= k;
}

static void bend(float c[3])
{
    float most = fmaxf(c[0], fmaxf(c[1], c[2]));
    if (most <= KNEE)
        return;
    float k = (KNEE + (1 - KNEE) * (1 - expf((KNEE - most) / (1 - KNEE)))) / most;
    for (int i = 0; i < 3; i++)
        c[i] *= k;
}

static uint8_t encoded(const struct alb_hdr_tables *t, float v)
{
    return t->srgb[v <= 0 ? 0 : v >= 1 ? SRGB_STEPS : (int)(sqrtf(v) * SRGB_STEPS + 0.5f)];
}

void alb_hdr_run(const struct alb_hdr_tables *t, const uint16_t *in, uint8_t *out, size_t n, unsigned bands)
{
    for (size_t i = 0; i < n; i++, in += bands, out += bands) {
        float c[3] = {t->light[in[0]], t->light[in[1]], t->light[in[2]]};
        if (t->how == ALB_HDR_HLG)
            show(c);
        bend(c);
        out[0] = encoded(t, 1.6605f * c[0] - 0.5876f * c[1] - 0.0728f * c[2]);
        out[1] = encoded(t, -0.1246f * c[0] + 1.1329f * c[1] - 0.0083f * c[2]);
        out[2] = encoded(t, -0.0182f * c[0] - 0.1006f * c[1] + 1.1187f * c[2]);
        if (bands == 4)
            out[3] = (uint8_t)(in[3] >> 8);
    }
}
