/* SPDX-License-Identifier: Apache-2.0
 *
 * Light at half size (ycc_light.h) of a photograph of 2040 pixels, with and without halved chroma, and of one so narrow
 * that the ends of its rows weigh.
 */
#include "base/mem.h"
#include "image/express/ycc_light.h"
#include "kernels.h"

struct what {
    uint32_t width, height; /* even */
    unsigned sub;
};

struct halving {
    const struct what *what;
    struct alb_express x;
    struct alb_ycc_ask ask;
    uint8_t *plane[ALB_PLANES];
    int16_t *out[ALB_PLANES]; /* a row; each comes to the same place */
};

static void make(struct job *j)
{
    const struct what *w = j->kernel->what;
    struct halving *h = alb_mem_alloc_nofail(sizeof(*h));
    *h = (struct halving){.what = w, .x = {.scratch = alb_scratch_new(), .threads = 1}};
    if (!h->x.scratch)
        kernel_die("no memory");
    h->ask = (struct alb_ycc_ask){.width = w->width,
                                  .sub_x = w->sub,
                                  .matrix = ALB_MATRIX_601,
                                  .path = j->way == WAY_PLAIN ? ALB_RESIZE_PLAIN : ALB_RESIZE_BEST};
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        uint32_t sub = p > 0 ? w->sub : 0;
        h->plane[p] = alb_mem_alloc_nofail((size_t)w->width * w->height);
        h->out[p] = alb_mem_alloc_nofail(alb_ycc_room(w->width) * sizeof(*h->out[p]));
        kernel_photo(h->plane[p], w->width >> sub, w->height >> sub, 1, p + 1);
    }
    j->own = h;
}

static void drop(struct job *j)
{
    struct halving *h = j->own;
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        alb_mem_free(h->plane[p]);
        alb_mem_free(h->out[p]);
    }
    alb_scratch_free(&h->x.scratch);
    alb_mem_free(h);
}

static struct alb_ycc_rows rows_of(const struct halving *h, uint32_t y)
{
    struct alb_ycc_rows r;
    size_t sub = h->what->sub, chroma = h->what->width >> sub;
    for (unsigned k = 0; k < 2; k++, y++) {
        r.row[k][0] = h->plane[0] + (size_t)y * h->what->width;
        r.row[k][1] = h->plane[1] + (y >> sub) * chroma;
        r.row[k][2] = h->plane[2] + (y >> sub) * chroma;
    }
    return r;
}

static void run(struct job *j)
{
    struct halving *h = j->own;
    uint32_t made = 0;
    alb_scratch_reset(h->x.scratch);
    struct alb_ycc *ycc = alb_ycc_open(&h->x, &h->ask);
    if (!ycc)
        kernel_die("no memory");
    for (uint32_t y = 0; y < h->what->height; y += 2) {
        struct alb_ycc_rows rows = rows_of(h, y);
        alb_ycc_push(ycc, &rows);
        made += alb_ycc_pull(ycc, h->out);
    }
    alb_ycc_end(ycc);
    made += alb_ycc_pull(ycc, h->out);
    if (made != h->what->height / 2)
        kernel_die("rows are missing");
}

static const struct kind light = {make, run, drop};

const struct kernel kernels_light[] = {
    {"light-420", BEST | PLAIN, &light, &(const struct what){2040, 1356, 1}},
    {"light-444", BEST | PLAIN, &light, &(const struct what){2040, 1356, 0}},
    {"light-narrow", BEST | PLAIN, &light, &(const struct what){202, 1356, 1}},
    {.name = NULL},
};
