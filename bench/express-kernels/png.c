/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG in: filters of rows of 2040 pixels undone, each one by itself (png_filter.h). PNG out: filters chosen and applied
 * for a picture of 512 pixels, and what they leave packed (png_pack.h).
 */
#include <string.h>

#include "base/mem.h"
#include "image/express/png_filter.h"
#include "image/express/png_pack.h"
#include "image/express/rows.h"
#include "kernels.h"

struct what {
    uint32_t width, height;
    unsigned bpp;
    enum alb_png_filter filter; /* to be undone */
};

struct rows {
    const struct what *what;
    size_t n, line;  /* bytes of a row's pixels, and with its filter */
    uint8_t *pixels; /* a row of zeros, then the picture's, with room around each */
    size_t stride;
    uint8_t *filtered;
    uint8_t *packed;
    struct alb_png_pack *work;
};

/* The row before the first one is -1. */
static uint8_t *row_of(const struct rows *r, size_t y)
{
    return r->pixels + (y + 1) * r->stride + ALB_PNG_SLACK;
}

static void make(struct job *j)
{
    const struct what *w = j->kernel->what;
    struct rows *r = alb_mem_alloc_nofail(sizeof(*r));
    uint8_t *photo = alb_mem_alloc_nofail((size_t)w->width * w->height * w->bpp);
    *r = (struct rows){.what = w, .n = (size_t)w->width * w->bpp};
    r->line = r->n + 1;
    r->stride = ALB_PNG_SLACK + r->n + ALB_ROW_SLACK;
    r->pixels = alb_mem_calloc(w->height + 1, r->stride);
    r->filtered = alb_mem_calloc(1, r->line * w->height + ALB_ROW_SLACK);
    r->packed = alb_mem_alloc_nofail(alb_png_pack_bound(r->line * w->height));
    r->work = alb_mem_alloc_nofail(alb_png_pack_size());
    if (!r->pixels || !r->filtered)
        kernel_die("no memory");
    kernel_photo(photo, w->width, w->height, w->bpp, 1);
    for (uint32_t y = 0; y < w->height; y++)
        memcpy(row_of(r, y), photo + y * r->n, r->n);
    alb_mem_free(photo);
    j->own = r;
}

static void drop(struct job *j)
{
    struct rows *r = j->own;
    alb_mem_free(r->pixels);
    alb_mem_free(r->filtered);
    alb_mem_free(r->packed);
    alb_mem_free(r->work);
    alb_mem_free(r);
}

/* ---- filters undone ---- */

static void make_undo(struct job *j)
{
    make(j);
    struct rows *r = j->own;
    for (uint32_t y = 0; y < r->what->height; y++) {
        uint8_t *to = r->filtered + y * r->line;
        to[0] = (uint8_t)r->what->filter;
        alb_png_filter(r->what->filter, row_of(r, y), row_of(r, y) - r->stride, r->n, r->what->bpp, to + 1);
    }
}

/* In place: a second time undoes what is undone already, which takes as long. */
static void run_undo(struct job *j)
{
    struct rows *r = j->own;
    const uint8_t *above = r->pixels + ALB_PNG_SLACK;
    if (j->way == WAY_BEST) {
        if (!alb_png_unfilter(r->filtered, r->line, r->what->height, above, r->what->bpp))
            kernel_die("no such filter");
        return;
    }
    for (uint32_t y = 0; y < r->what->height; y++) {
        uint8_t *row = r->filtered + y * r->line + 1;
        alb_png_unfilter_plain(r->what->filter, row, above, r->n, r->what->bpp);
        above = row;
    }
}

/* ---- filters, and packing ---- */

static void run_filter(struct job *j)
{
    struct rows *r = j->own;
    for (uint32_t y = 0; y < r->what->height; y++) {
        const uint8_t *row = row_of(r, y), *above = row - r->stride;
        uint8_t *to = r->filtered + y * r->line;
        uint64_t costs[ALB_PNG_FILTERS];
        enum alb_png_filter best = ALB_PNG_NONE;
        if (j->way == WAY_PLAIN)
            alb_png_costs_plain(row, above, r->n, r->what->bpp, costs);
        else
            alb_png_costs(row, above, r->n, r->what->bpp, costs);
        for (enum alb_png_filter f = ALB_PNG_SUB; f < ALB_PNG_FILTERS; f++)
            best = costs[f] < costs[best] ? f : best;
        to[0] = (uint8_t)best;
        alb_png_filter(best, row, above, r->n, r->what->bpp, to + 1);
    }
}

static void make_pack(struct job *j)
{
    make(j);
    run_filter(j);
}

static void run_pack(struct job *j)
{
    struct rows *r = j->own;
    bool repeats;
    if (alb_png_pack(r->work, r->filtered, r->line * r->what->height, r->packed, &repeats) == 0 || repeats)
        kernel_die("not taken for a photograph");
}

static const struct kind undo = {make_undo, run_undo, drop}, filter = {make, run_filter, drop},
                         pack = {make_pack, run_pack, drop};
#define UNDO(bpp, filter)                                                                                    \
    BEST | PLAIN, &undo, &(const struct what)                                                                \
    {                                                                                                        \
        2040, 64, bpp, filter                                                                                \
    }

const struct kernel kernels_png[] = {
    {"png-none-3", UNDO(3, ALB_PNG_NONE)},
    {"png-sub-3", UNDO(3, ALB_PNG_SUB)},
    {"png-up-3", UNDO(3, ALB_PNG_UP)},
    {"png-average-3", UNDO(3, ALB_PNG_AVERAGE)},
    {"png-paeth-3", UNDO(3, ALB_PNG_PAETH)},
    {"png-none-4", UNDO(4, ALB_PNG_NONE)},
    {"png-sub-4", UNDO(4, ALB_PNG_SUB)},
    {"png-up-4", UNDO(4, ALB_PNG_UP)},
    {"png-average-4", UNDO(4, ALB_PNG_AVERAGE)},
    {"png-paeth-4", UNDO(4, ALB_PNG_PAETH)},
    {"png-filter-rgb", BEST | PLAIN, &filter, &(const struct what){512, 340, 3, ALB_PNG_NONE}},
    {"png-filter-rgba", BEST | PLAIN, &filter, &(const struct what){512, 340, 4, ALB_PNG_NONE}},
    {"png-pack-rgb", BEST, &pack, &(const struct what){512, 340, 3, ALB_PNG_NONE}},
    {"png-pack-rgba", BEST, &pack, &(const struct what){512, 340, 4, ALB_PNG_NONE}},
    {.name = NULL},
};
