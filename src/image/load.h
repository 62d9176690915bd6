/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: bytes to a libvips image, with the loader that the sniffed type names; libvips never chooses
 * one itself (its own guessing reaches ImageMagick and formats that nobody audits). Only inside a sealed
 * worker.
 */
#ifndef ALB_IMAGE_LOAD_H
#define ALB_IMAGE_LOAD_H

#include <vips/vips.h>

#include "base/buf.h"
#include "base/err.h"
#include "image/plan.h"

/* Blocks every loader and saver of libvips but the ones we name. Once, after vips_init. */
void alb_load_block_others(void);

struct alb_load {
    enum alb_type type;
    struct alb_str bytes; /* must outlive the image */
    uint8_t eighths;      /* JPEG: 1..8; other than 1, 2, 4 and 8 only if plain */
    double scale;   /* WebP, SVG, PDF: 1 = natural size; at least ALB_LOAD_SCALE_MIN for the latter two */
    uint32_t page;  /* first page; ICO: in the order of alb_ico_look */
    int pages;      /* how many; -1 = all */
    bool header;    /* only what a header tells is wanted: formats that are decoded at once are not */
    bool strict;    /* truncated content is an error when pixels are read */
    bool random;    /* pixels will be read in any order: hold the whole picture */
    bool plain;     /* JPEG: metadata are not needed, only pixels and profile */
    bool thumbnail; /* HEIC, AVIF: the embedded one */
    struct alb_str style; /* SVG: CSS that is added */
    double second;        /* video: the frame nearest to this time; 0: one that shows what it is about */
    bool keyframe;        /* video: the key frame before it */
    bool clear;           /* PDF: without a white ground */
};
/* The smallest scale that libvips takes for vectors: below it they come out larger than asked for. */
#define ALB_LOAD_SCALE_MIN 0.001
#define ALB_LOAD_INIT(t, b) {.type = (t), .bytes = (b), .eighths = 8, .scale = 1, .pages = 1, .strict = true}

/* Of the decoders' own bounds (struct alb_plan_limits); holds for what is opened from now on. One thread. */
void alb_load_unlimit(bool png, bool svg);

/* The header is read now, pixels when asked for. NULL: UNPROCESSABLE, or UNSUPPORTED. */
VipsImage *alb_load_open(const struct alb_load *l, struct alb_err *err) ALB_MUST_CHECK;

/* Fails *err with what libvips has to say (printable, cut), and empties its error buffer. */
enum alb_code alb_load_fail(struct alb_err *err, enum alb_code code, const char *what);

/* A picture of our own in memory, all 0, for readers to fill at image->data (rows without gaps): B_W, sRGB or CMYK by
 * its bands. NULL: NO_MEMORY. */
VipsImage *alb_load_blank(uint32_t width, uint32_t height, unsigned bands, VipsBandFormat format,
                          struct alb_err *err) ALB_MUST_CHECK;
/* The same for a header only: takes no memory, cannot be written to. */
VipsImage *alb_load_hollow(uint32_t width, uint32_t height, unsigned bands, VipsBandFormat format,
                           struct alb_err *err) ALB_MUST_CHECK;

/* Own reader for Windows bitmaps: 1, 4, 8, 16, 24, 32 bits, runs of 4 and 8 bits. */
bool alb_bmp_size(struct alb_str bytes, uint32_t *width, uint32_t *height) ALB_MUST_CHECK;
VipsImage *alb_bmp_open(const struct alb_load *l, struct alb_err *err) ALB_MUST_CHECK;
/* The same as a picture of an icon, with its mask: four channels. */
bool alb_bmp_icon_size(struct alb_str bytes, uint32_t *width, uint32_t *height, unsigned *bits) ALB_MUST_CHECK;
VipsImage *alb_bmp_icon_open(const struct alb_load *l, struct alb_err *err) ALB_MUST_CHECK;

/* Pages that are not alike. `halvings`: so many behind the first one are each half as large as the one before. */
struct alb_pages {
    uint32_t width, height, count; /* of the first page */
    uint8_t halvings;
};

/* Icons and cursors: the first page is the largest picture with the most colours, its halvings follow, then the rest
 * by size. */
bool alb_ico_look(struct alb_str bytes, struct alb_pages *out) ALB_MUST_CHECK;
VipsImage *alb_ico_open(const struct alb_load *l, struct alb_err *err) ALB_MUST_CHECK;

/* Photoshop: the flattened picture; bitmap, grey, indexed, duotone (as grey), RGB and CMYK of 8 and 16 bits. Lab, 32
 * bits and files saved without that picture: UNSUPPORTED. */
bool alb_psd_size(struct alb_str bytes, uint32_t *width, uint32_t *height) ALB_MUST_CHECK;
VipsImage *alb_psd_open(const struct alb_load *l, struct alb_err *err) ALB_MUST_CHECK;

/* svg with the style added to *out. False: there is nothing to style, or *out is full. */
bool alb_svg_style(struct alb_str svg, struct alb_str style, struct alb_buf *out) ALB_MUST_CHECK;

/* Videos through libav, which gets the bytes and nothing else: it may open no file and no address. */
struct alb_video {
    uint32_t width, height; /* as coded, pixels made square */
    int64_t duration_ms;    /* 0 = unknown */
    double fps;
    uint16_t turn;  /* 0, 90, 180, 270 clockwise to show it upright */
    char codec[24]; /* libav's name of it */
};
/* Once, before any video. */
void alb_video_global_init(void);
/* What the container says. UNSUPPORTED: no track that can be shown; UNPROCESSABLE: not what it seems. */
enum alb_code alb_video_look(enum alb_type type, struct alb_str bytes, struct alb_video *out,
                             struct alb_err *err) ALB_MUST_CHECK;
/* One frame, not turned, with the size that alb_video_look tells: sRGB, 8 bits. */
VipsImage *alb_video_open(const struct alb_load *l, struct alb_err *err) ALB_MUST_CHECK;

/* Several frames of one video: the decoder stays open. */
struct alb_film;
enum alb_code alb_film_open(enum alb_type type, struct alb_str bytes, struct alb_film **out,
                            struct alb_err *err) ALB_MUST_CHECK;
void alb_film_close(struct alb_film **film);
/* Its duration; where the container tells none, that of its packets. Before the first frame. 0: neither does. */
int64_t alb_film_us(struct alb_film *film);
/* To the frame nearest to a time, or the key frame before it; times should rise. False: there is none. *same: it is the
 * one of the call before. */
bool alb_film_go(struct alb_film *film, int64_t us, bool keyframe, bool *same) ALB_MUST_CHECK;
/* That frame, as alb_video_open gives it. */
VipsImage *alb_film_image(const struct alb_film *film, struct alb_err *err) ALB_MUST_CHECK;

/* Camera raw through libraw. */
struct alb_raw;
enum alb_code alb_raw_open(struct alb_str bytes, struct alb_raw **out, struct alb_err *err) ALB_MUST_CHECK;
void alb_raw_close(struct alb_raw **raw);
void alb_raw_size(const struct alb_raw *raw, uint32_t *width, uint32_t *height);
uint8_t alb_raw_orientation(const struct alb_raw *raw); /* EXIF 1..8 */
/* The largest embedded JPEG, borrowed from raw; empty if there is none. */
struct alb_str alb_raw_preview(struct alb_raw *raw);
/* Whether that is a small one, for lists: what the sensor has seen is to be shown then. Converters to DNG write such
 * ones, and old cameras. */
#define ALB_RAW_PREVIEW_SHARE 4 /* of the longer side of the sensor */
bool alb_raw_is_thumbnail(const struct alb_raw *raw, struct alb_str preview);
struct alb_str alb_raw_xmp(const struct alb_raw *raw);
/* Half-size demosaic, as shot white balance, sRGB, not turned. */
VipsImage *alb_raw_develop(struct alb_raw *raw, struct alb_err *err) ALB_MUST_CHECK;

#endif
