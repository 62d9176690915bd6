/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG out (jpeg_blocks.h, jpeg_code.h): rows of a picture of 512 pixels to quantised blocks, and those to a file.
 * There is one version of each for each processor: no other ways.
 */
#include "base/mem.h"
#include "image/express/jpeg_code.h"
#include "image/express/rows.h"
#include "kernels.h"

#define WIDTH 512u
#define HEIGHT 336u /* whole units: no ends */
#define SIDE 8
#define FILE_MOST (8u << 20)

struct what {
    unsigned quality;
    bool half;   /* chroma */
    bool planes; /* come as such; else pixels */
    bool progressive;
};

struct coding {
    const struct what *what;
    uint8_t *in[ALB_PLANES]; /* pixels are the first */
    int16_t *row[ALB_PLANES][SIDE];
    struct alb_jpeg_quant quant[ALB_PLANES];
    struct alb_jpeg_file file;
    struct alb_buf out;
};

static uint32_t width_of(const struct coding *c, unsigned p)
{
    return p > 0 && c->what->half ? WIDTH / 2 : WIDTH;
}

static uint32_t height_of(const struct coding *c, unsigned p)
{
    return p > 0 && c->what->half ? HEIGHT / 2 : HEIGHT;
}

/* ---- rows to blocks ---- */

/* Row y of the plane is there. */
static void row_done(struct coding *c, unsigned p, uint32_t y)
{
    const struct alb_jpeg_plane *to = &c->file.plane[p];
    if (y % SIDE == SIDE - 1)
        alb_jpeg_blocks(c->row[p], to->across, &c->quant[p], to->block + (size_t)(y / SIDE) * to->across);
}

static void put_planes(struct coding *c)
{
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        size_t width = width_of(c, p);
        for (uint32_t y = 0; y < height_of(c, p); y++) {
            alb_jpeg_widen(c->in[p] + y * width, width, c->row[p][y % SIDE]);
            row_done(c, p, y);
        }
    }
}

static void put_pixels(struct coding *c)
{
    const uint8_t *rgb = c->in[0];
    for (uint32_t y = 0; y < HEIGHT; y++, rgb += WIDTH * 3) {
        uint32_t to = c->what->half ? y / 2 : y;
        alb_jpeg_luma(rgb, WIDTH, c->row[0][y % SIDE]);
        row_done(c, 0, y);
        if (c->what->half && y % 2 == 0)
            continue;
        if (c->what->half)
            alb_jpeg_chroma_half(rgb - WIDTH * 3, rgb, WIDTH, c->row[1][to % SIDE], c->row[2][to % SIDE]);
        else
            alb_jpeg_chroma(rgb, WIDTH, c->row[1][to % SIDE], c->row[2][to % SIDE]);
        row_done(c, 1, to);
        row_done(c, 2, to);
    }
}

static void run_blocks(struct job *j)
{
    struct coding *c = j->own;
    if (c->what->planes)
        put_planes(c);
    else
        put_pixels(c);
}

/* ---- blocks to a file ---- */

static void run_code(struct job *j)
{
    struct coding *c = j->own;
    alb_buf_reset(&c->out);
    alb_jpeg_begin(&c->out, 0);
    alb_jpeg_code(&c->out, &c->file);
    if (alb_buf_code(&c->out) != ALB_OK)
        kernel_die("no room for the file");
}

/* ---- life ---- */

static void make_plane(struct coding *c, unsigned p)
{
    struct alb_jpeg_plane *to = &c->file.plane[p];
    alb_jpeg_quant(c->what->quality, p > 0, &c->quant[p], c->file.step[p > 0]);
    to->across = width_of(c, p) / SIDE;
    to->down = height_of(c, p) / SIDE;
    to->sub = p == 0 && c->what->half ? 2 : 1;
    to->block = alb_mem_alloc_nofail((size_t)to->across * to->down * sizeof(*to->block));
    for (unsigned y = 0; y < SIDE; y++)
        c->row[p][y] = alb_mem_alloc_nofail(WIDTH * sizeof(*c->row[p][y]));
    c->in[p] = alb_mem_alloc_nofail((size_t)WIDTH * HEIGHT * 3 + ALB_ROW_SLACK);
    if (c->what->planes)
        kernel_photo(c->in[p], width_of(c, p), height_of(c, p), 1, p + 1);
    else if (p == 0)
        kernel_photo(c->in[p], WIDTH, HEIGHT, 3, 1);
}

static void make(struct job *j)
{
    const struct what *w = j->kernel->what;
    struct coding *c = alb_mem_alloc_nofail(sizeof(*c));
    *c = (struct coding){
        .what = w,
        .file = {.width = WIDTH, .height = HEIGHT, .planes = ALB_PLANES, .progressive = w->progressive},
        .out = ALB_BUF_INIT(FILE_MOST)};
    for (unsigned p = 0; p < ALB_PLANES; p++)
        make_plane(c, p);
    j->own = c;
    run_blocks(j); /* what is to be coded */
    if (!alb_buf_reserve(&c->out, FILE_MOST / 2))
        kernel_die("no memory");
}

static void drop(struct job *j)
{
    struct coding *c = j->own;
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        alb_mem_free(c->in[p]);
        alb_mem_free(c->file.plane[p].block);
        for (unsigned y = 0; y < SIDE; y++)
            alb_mem_free(c->row[p][y]);
    }
    alb_buf_fini(&c->out);
    alb_mem_free(c);
}

static const struct kind blocks = {make, run_blocks, drop}, code = {make, run_code, drop};

const struct kernel kernels_jpeg[] = {
    {"jpeg-blocks-rgb-420", BEST, &blocks, &(const struct what){.quality = 80, .half = true}},
    {"jpeg-blocks-rgb-444", BEST, &blocks, &(const struct what){.quality = 90}},
    {"jpeg-blocks-ycc-420", BEST, &blocks, &(const struct what){.quality = 80, .half = true, .planes = true}},
    {"jpeg-baseline", BEST, &code, &(const struct what){.quality = 80, .half = true}},
    {"jpeg-progressive", BEST, &code, &(const struct what){.quality = 80, .half = true, .progressive = true}},
    {.name = NULL},
};
