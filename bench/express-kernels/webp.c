/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of RGB to the planes of a lossy WebP (webp_planes.h), of a picture of 512 pixels.
 */
#include "base/mem.h"
#include "image/express/rows.h"
#include "image/express/webp_planes.h"
#include "kernels.h"

#define WIDTH 512u
#define HEIGHT 340u

struct planes {
    uint8_t *rgb, *luma, *blue, *red;
};

static void make(struct job *j)
{
    struct planes *p = alb_mem_alloc_nofail(sizeof(*p));
    size_t n = (size_t)WIDTH * HEIGHT;
    p->rgb = alb_mem_alloc_nofail(n * 3 + ALB_ROW_SLACK);
    p->luma = alb_mem_alloc_nofail(n);
    p->blue = alb_mem_alloc_nofail(n / 4);
    p->red = alb_mem_alloc_nofail(n / 4);
    kernel_photo(p->rgb, WIDTH, HEIGHT, 3, 1);
    j->own = p;
}

static void run(struct job *j)
{
    const struct planes *p = j->own;
    for (size_t y = 0; y < HEIGHT; y += 2) {
        const uint8_t *rgb = p->rgb + y * WIDTH * 3;
        uint8_t *luma = p->luma + y * WIDTH;
        struct alb_webp_pair pair = {.rgb = {rgb, rgb + WIDTH * 3},
                                     .luma = {luma, luma + WIDTH},
                                     .blue = p->blue + y / 2 * (WIDTH / 2),
                                     .red = p->red + y / 2 * (WIDTH / 2)};
        alb_webp_planes(&pair, WIDTH);
    }
}

static void drop(struct job *j)
{
    struct planes *p = j->own;
    alb_mem_free(p->rgb);
    alb_mem_free(p->luma);
    alb_mem_free(p->blue);
    alb_mem_free(p->red);
    alb_mem_free(p);
}

static const struct kind planes = {make, run, drop};

const struct kernel kernels_webp[] = {
    {"webp-planes", BEST, &planes, NULL},
    {.name = NULL},
};
