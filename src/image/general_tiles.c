/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames of a video beside and below each other. The sheet is in memory from the start, as large as the plan says; one
 * frame at a time is decoded, made to fit its tile and copied there.
 */
#include "image/general_tiles.h"

#include <math.h>
#include <string.h>

#include "image/general_steps.h"

struct sheet {
    const struct alb_plan_step *load;
    const struct alb_plan_tiles *t;
    struct alb_film *film;
    struct alb_err *err;
    VipsImage *all, *tile; /* tile: the last one that was made */
    double start, step;    /* us */
    uint32_t used;         /* tiles that have a time within the video, at least one */
};

static void find_times(struct sheet *s)
{
    const struct alb_plan_tiles *t = s->t;
    double duration = (double)alb_film_us(s->film);
    s->start = s->load->u.load.video_second * 1e6;
    s->step = t->step < 0 ? duration / t->of : t->step * 1e6;
    double within = s->step > 0 ? ceil((duration - s->start) / s->step) : 1;
    double most = t->columns * t->rows;
    s->used = within < 1 ? 1 : (uint32_t)fmin(within, most);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Columns or rows without a frame are left out. */
static VipsImage *size_of(const struct sheet *s)
{
    const struct alb_plan_tiles *t = s->t;
    bool moves = s->load->u.load.animated;
    uint32_t columns = moves ? 1 : least(s->used, t->columns),
             rows = moves ? s->used : (s->used + t->columns - 1) / t->columns;
    return alb_load_hollow(columns * t->cell_width, rows * t->cell_height, 3, VIPS_FORMAT_UCHAR, s->err);
}

static enum alb_code not_as_planned(const struct sheet *s)
{
    return alb_fail(s->err, ALB_E_UNPROCESSABLE, "the source is not what the plan was made for");
}

/* The frame that the film is at, to s->tile. */
static enum alb_code make_tile(struct sheet *s)
{
    const struct alb_plan_tiles *t = s->t;
    enum alb_code code = ALB_OK;
    g_clear_object(&s->tile);
    VipsImage *image = alb_film_image(s->film, s->err);
    if (!image)
        return s->err->code;
    if (t->orientation != 1)
        code = alb_step_turn(&image, t->orientation, s->err);
    if (code == ALB_OK && ((uint64_t)t->part.left + t->part.width > (uint64_t)vips_image_get_width(image) ||
                           (uint64_t)t->part.top + t->part.height > (uint64_t)vips_image_get_height(image)))
        code = not_as_planned(s);
    if (code == ALB_OK)
        code = alb_step_crop(&image, t->part.left, t->part.top, t->part.width, t->part.height, s->err);
    if (code == ALB_OK)
        code = alb_step_resize(&image, t->inner_width, t->inner_height, ALB_KERNEL_LANCZOS3, s->err);
    if (code == ALB_OK)
        code = alb_step_hold(&image, s->err);
    if (code == ALB_OK && (image->Bands != 3 || image->BandFmt != VIPS_FORMAT_UCHAR))
        code = not_as_planned(s);
    if (code == ALB_OK)
        s->tile = image;
    else
        g_clear_object(&image);
    return code;
}

static void put_tile(const struct sheet *s, uint32_t i)
{
    const struct alb_plan_tiles *t = s->t;
    bool moves = s->load->u.load.animated;
    size_t width = (size_t)s->all->Xsize, row = (size_t)t->inner_width * 3,
           left = (size_t)(moves ? 0 : i % t->columns) * t->cell_width + t->left,
           top = (size_t)(moves ? i : i / t->columns) * t->cell_height + t->top;
    for (size_t y = 0; y < t->inner_height; y++)
        memcpy((unsigned char *)s->all->data + ((top + y) * width + left) * 3,
               (const unsigned char *)s->tile->data + y * row, row);
}

static enum alb_code fill(struct sheet *s)
{
    bool any = false;
    for (uint32_t i = 0; i < s->used; i++) {
        double us = s->start + i * s->step;
        bool same;
        if (!alb_film_go(s->film, (int64_t)us, s->load->u.load.video_keyframe, &same))
            continue; /* nothing can be decoded there */
        enum alb_code code = same && s->tile ? ALB_OK : make_tile(s);
        if (code != ALB_OK)
            return code;
        put_tile(s, i);
        any = true;
    }
    return any ? ALB_OK : alb_fail(s->err, ALB_E_UNPROCESSABLE, "video: no frame can be decoded");
}

static void set_times(const struct sheet *s)
{
    const struct alb_plan_tiles *t = s->t;
    int n = (int)t->columns, *delays = g_new(int, t->columns);
    for (int i = 0; i < n; i++)
        delays[i] = (int)t->delay;
    vips_image_set_int(s->all, VIPS_META_N_PAGES, n);
    vips_image_set_int(s->all, VIPS_META_PAGE_HEIGHT, (int)t->cell_height);
    vips_image_set_int(s->all, "loop", 0);
    vips_image_set_array_int(s->all, "delay", delays, n);
    g_free(delays);
}

static VipsImage *make_all(struct sheet *s)
{
    const struct alb_plan_tiles *t = s->t;
    bool moves = s->load->u.load.animated;
    s->all = alb_load_blank(t->cell_width * (moves ? 1 : t->columns),
                            t->cell_height * (moves ? t->columns : t->rows), 3, VIPS_FORMAT_UCHAR, s->err);
    if (!s->all)
        return NULL;
    if (moves)
        set_times(s);
    if (fill(s) != ALB_OK)
        g_clear_object(&s->all);
    g_clear_object(&s->tile);
    return s->all;
}

VipsImage *alb_tiles_open(const struct alb_plan_step *load, struct alb_str bytes, bool size_only,
                          struct alb_err *err)
{
    struct sheet s = {.load = load, .t = &load->u.load.tiles, .err = err};
    if (alb_film_open(load->u.load.type, bytes, &s.film, err) != ALB_OK)
        return NULL;
    find_times(&s);
    VipsImage *out = size_only ? size_of(&s) : make_all(&s);
    alb_film_close(&s.film);
    return out;
}
