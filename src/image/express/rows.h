/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: how the parts of the express lane (lane.h) hand pixels to each other.
 *
 *     row source (a decoder) --bands--> lane --rows--> resizers, one per plane --rows--> lane --bands--> row sink
 *
 * Pixels: samples of 8 bits in bytes, or of 10, 12 or 16 bits in uint16_t of the machine's order. Interleaved layouts
 * have one plane with 1 to 4 samples a pixel, alpha last and never premultiplied (the resizer does that for itself).
 * YCC has three planes, Y, Cb, Cr; the chroma planes have ceil(side / 2^sub) samples, each in the middle of the pixels
 * that it stands for (as JPEG and WebP lay them).
 *
 * Who owns what: rows of a band belong to the one who made it and are valid until his next call; strides are in bytes
 * and may be larger than a row, never negative. A reader may read up to ALB_ROW_SLACK bytes behind the end of the last
 * row (vector loads), so whoever makes rows leaves so much room; what lies there is of no account.
 *
 * Memory: nothing is allocated per row. What lives as long as one picture comes from the scratch (below), which a
 * worker keeps between pictures; a codec's own heap is released by close. Memory may grow with the width of a picture
 * and with the result, not with the source's height, wherever the format allows it.
 *
 * Errors: OK, or
 *   UNSUPPORTED    this part cannot do it exactly; the lane gives the plan to the general executor
 *   UNPROCESSABLE  damaged; the same: the general executor decides what a damaged picture is worth
 *   NO_MEMORY      likewise
 * so nobody needs to be clever about odd files: say UNSUPPORTED, at any time. No byte leaves before finish was OK.
 *
 * Scratch is taken from in open and start (a sink: also in write and finish), never in a source's read: that may run in
 * another thread than the rest.
 *
 * Time: none of these has a deadline; the server ends the worker. Threads: a source may be used by another thread than
 * the one that opened it, one thread at a time; so may a sink.
 *
 * Bytes never depend on the processor, the load or the number of threads.
 */
#ifndef ALB_IMAGE_EXPRESS_ROWS_H
#define ALB_IMAGE_EXPRESS_ROWS_H

#include "base/buf.h"
#include "base/err.h"
#include "image/plan.h"

/* ---- scratch: memory of one picture ---- */

struct alb_scratch;
#define ALB_SCRATCH_ALIGN 64

struct alb_scratch *alb_scratch_new(void) ALB_MUST_CHECK; /* NULL without memory */
void alb_scratch_free(struct alb_scratch **s);
/* Aligned, not cleared, lasts until the next reset. NULL without memory (or when count * size overflows). */
void *alb_scratch_take(struct alb_scratch *s, size_t count, size_t size) ALB_MUST_CHECK;
/* The picture is done: everything that was taken is gone; the memory is kept for the next one. */
void alb_scratch_reset(struct alb_scratch *s);
/* Gives the memory back too. Nothing may be taken at the time. */
void alb_scratch_trim(struct alb_scratch *s);

/* What every part is opened with; lives longer than they do. */
struct alb_express {
    struct alb_scratch *scratch;
    unsigned threads; /* that this picture may use: 1 = only the calling one */
    bool mapped;      /* the source's bytes are a mapped file: pages behind the reader may be given back */
};

/* ---- formats ---- */

#define ALB_ROW_SLACK 64
#define ALB_PLANES 3

enum alb_layout {
    ALB_LAYOUT_GREY,
    ALB_LAYOUT_GREY_ALPHA,
    ALB_LAYOUT_RGB,
    ALB_LAYOUT_RGB_ALPHA,
    ALB_LAYOUT_YCC,
    ALB_LAYOUT_COUNT
};
#define ALB_LAYOUT_BIT(l) (1u << (l))
enum alb_matrix { ALB_MATRIX_601, ALB_MATRIX_709 };

struct alb_rows_format {
    enum alb_layout layout;
    uint8_t bits;           /* 8; 10, 12, 16 in uint16_t */
    uint32_t width, height; /* pixels */
    /* YCC only */
    uint8_t sub_x, sub_y; /* log2: 1, 1 is 4:2:0; 0, 0 is 4:4:4 */
    enum alb_matrix matrix;
    bool limited; /* 16..235 and 16..240 (of 8 bits); else full range */
};
static inline unsigned alb_layout_samples(enum alb_layout l) /* of one plane */
{
    static const uint8_t samples[ALB_LAYOUT_COUNT] = {1, 2, 3, 4, 1};
    return samples[l];
}
static inline bool alb_layout_alpha(enum alb_layout l)
{
    return l == ALB_LAYOUT_GREY_ALPHA || l == ALB_LAYOUT_RGB_ALPHA;
}
static inline unsigned alb_layout_planes(enum alb_layout l)
{
    return l == ALB_LAYOUT_YCC ? ALB_PLANES : 1;
}
static inline size_t alb_rows_sample(const struct alb_rows_format *f) /* bytes */
{
    return f->bits > 8 ? 2 : 1;
}
/* Sides of a plane in samples (times alb_layout_samples in a row). */
static inline uint32_t alb_plane_width(const struct alb_rows_format *f, unsigned plane)
{
    return plane == 0 ? f->width : (f->width + (1u << f->sub_x) - 1) >> f->sub_x;
}
static inline uint32_t alb_plane_height(const struct alb_rows_format *f, unsigned plane)
{
    return plane == 0 ? f->height : (f->height + (1u << f->sub_y) - 1) >> f->sub_y;
}

/* Rows that follow each other, from the top. YCC: planes may have different counts; all but the last band of a picture
 * have (rows[0] >> sub_y) rows of chroma, and rows[0] is a multiple of 2^sub_y. */
struct alb_band {
    const uint8_t *plane[ALB_PLANES];
    size_t stride[ALB_PLANES];
    uint32_t rows[ALB_PLANES];
};

/* ---- sources ---- */

/* What a decoder is asked for, from the plan's LOAD step. */
struct alb_source_ask {
    struct alb_str bytes;   /* the file, mapped; must outlive the source */
    uint8_t eighths;        /* JPEG: 1..8, sides are floor(side * eighths / 8) */
    uint32_t width, height; /* of what is to come out: as the LOAD step says (WebP may scale to it) */
    uint32_t source_width, source_height; /* of the file, as planned */
    double reduction; /* of both sides at least, from the file to the result; 0: not known */
    bool strict;                          /* truncated content is an error */
    bool metadata;                        /* the source tells its metadata too */
};

/* Life: open (reads the header: fills all but `format` and `area`) -> start (once) -> read ... -> close. */
struct alb_source {
    const struct alb_source_ops *ops;
    struct alb_rows_format native; /* what lies in the file, with the size that will come out */
    unsigned layouts;              /* ALB_LAYOUT_BIT of each that start can give; native's is one of them */
    struct alb_str icc;            /* profile, borrowed until close; empty: none */
    uint8_t palette_bits;          /* of an index, where the file has a palette; else 0 */
    /* If asked for, borrowed until close; empty: none. EXIF from its TIFF header on (an "Exif\0\0" before it is
     * allowed), XMP as its packet, IPTC as the bytes of a JPEG's APP13. */
    struct alb_str exif, xmp, iptc;
    /* set by start */
    struct alb_rows_format format;
    struct alb_rect
        area; /* the part that bands will bring: holds the window; left and top are multiples of 2^sub */
};
struct alb_source_ops {
    /* Which layout, and which part of the picture is needed at least: whole rows and columns outside of it may be left
     * out. Sets format (width and height stay those of the whole picture) and area. */
    enum alb_code (*start)(struct alb_source *s, enum alb_layout layout, struct alb_rect window,
                           struct alb_err *err);
    /* The next rows of the area, at least one of them; after the last one all counts are 0, and then the end of
     * the file has been checked as far as `strict` asks. */
    enum alb_code (*read)(struct alb_source *s, struct alb_band *band, struct alb_err *err);
    void (*close)(struct alb_source *s);
};
/* On failure *out is NULL and nothing is held. */
typedef enum alb_code alb_source_open_fn(struct alb_express *x, const struct alb_source_ask *ask,
                                         struct alb_source **out, struct alb_err *err);
alb_source_open_fn alb_jpeg_source_open ALB_MUST_CHECK;
alb_source_open_fn alb_png_source_open ALB_MUST_CHECK;
alb_source_open_fn alb_webp_source_open ALB_MUST_CHECK;
alb_source_open_fn alb_avif_source_open ALB_MUST_CHECK;

/* EXIF from its TIFF header on, as files other than JPEG have it. */
static inline struct alb_str alb_exif_bare(struct alb_str exif)
{
    const struct alb_str prefix = {"Exif\0\0", 6};
    return alb_str_starts(exif, prefix) ? alb_str_from(exif, prefix.n) : exif;
}

/* ---- sinks ---- */

struct alb_sink_ask {
    struct alb_rows_format format;   /* what write will bring */
    const struct alb_output *output; /* outlives the sink */
    unsigned quality;                /* 1..100, already chosen */
    uint8_t palette_bits;            /* as the source tells: PNG gets a palette again, unless lossless */
    bool sharper; /* than the plan says: a source that was to shrink coarsely came whole */
    struct alb_buf *out;             /* gets the file; its cap is the limit of the result (TOO_LARGE) */
    struct alb_str exif, xmp,
        iptc; /* to be written along, as a source tells them; UNSUPPORTED if it cannot */
};
struct alb_sink {
    const struct alb_sink_ops *ops;
};
struct alb_sink_ops {
    /* Takes all rows of the band, from the top on; rows are not kept after the return. */
    enum alb_code (*write)(struct alb_sink *s, const struct alb_band *band, struct alb_err *err);
    enum alb_code (*finish)(struct alb_sink *s,
                            struct alb_err *err); /* every row was written; *out is whole */
    void (*close)(struct alb_sink *s);            /* also without finish */
};
/* Every sink takes 8-bit GREY and RGB, and alpha if its format has it. On failure *sink is NULL. */
typedef enum alb_code alb_sink_open_fn(struct alb_express *x, const struct alb_sink_ask *ask,
                                       struct alb_sink **sink, struct alb_err *err);
alb_sink_open_fn alb_jpeg_sink_open ALB_MUST_CHECK;
alb_sink_open_fn alb_png_sink_open ALB_MUST_CHECK;
alb_sink_open_fn alb_webp_sink_open ALB_MUST_CHECK;
alb_sink_open_fn alb_avif_sink_open ALB_MUST_CHECK;

/* Whether a sink would rather have planes when that is what the source has. *want is set to the format of them (layout,
 * bits, subsampling, matrix, range; sizes are left alone). The lane resizes each plane straight to its size there and
 * maps full to limited range on the way; it never changes the matrix. */
typedef bool alb_sink_planes_fn(const struct alb_output *output, const struct alb_rows_format *source,
                                struct alb_rows_format *want);
alb_sink_planes_fn alb_jpeg_sink_planes;
alb_sink_planes_fn alb_webp_sink_planes;
alb_sink_planes_fn alb_avif_sink_planes;
/* Whether the sink does all that the output asks for (palette, interlacing, lossless modes ...). Pure. */
typedef bool alb_sink_takes_fn(const struct alb_output *output);
alb_sink_takes_fn alb_jpeg_sink_takes;
alb_sink_takes_fn alb_png_sink_takes;
alb_sink_takes_fn alb_webp_sink_takes;
alb_sink_takes_fn alb_avif_sink_takes;

/* ---- the resizer: one plane ---- */

/* One axis: result sample i (0 .. out - 1) is centred at from + (i + 0.5) * span / out in source samples, of which
 * there are `in`; those outside are repeats of the outermost. from and span need not be whole (chroma of odd
 * sizes, cuts of the result), and `out / |span|` is the scale of the kernel. Across only: span < 0 mirrors (from
 * is then the right edge). */
struct alb_axis {
    uint32_t in, out;
    double from, span;
    bool halved; /* samples are halves (ycc_light.h): what that took away from fine detail is given back */
};
struct alb_resize_ask {
    struct alb_axis x, y;
    unsigned samples;          /* 1..4 in a pixel */
    bool alpha;                /* the last of them is alpha: premultiplied while resized */
    uint8_t bits_in, bits_out; /* 8, or up to 16 in uint16_t */
    enum alb_kernel kernel;
    bool linear; /* colour samples are sRGB; resized in linear light */
    /* linear, without alpha: rows are linear light already, a plane each (as ycc_light.h makes them): `row` is an array
     * of pointers to them, bits_in is 16 */
    bool lit;
    /* out = resized * gain + bias, in units of bits_out samples, where resized is 0 to the largest sample; 1, 0 with
     * alpha, and normally */
    float gain, bias;
};
struct alb_resize;
/* Everything lies in the scratch: there is no close. */
enum alb_code alb_resize_open(struct alb_express *x, const struct alb_resize_ask *ask,
                              struct alb_resize **out, struct alb_err *err) ALB_MUST_CHECK;
/* The next source row. Every row of y.in is pushed, in order, until alb_resize_done. */
void alb_resize_push(struct alb_resize *r, const void *row);
/* Makes the next result row if enough was pushed. To be asked after every push until it says false. `out` has room for
 * ALB_ROW_SLACK more. */
bool alb_resize_pull(struct alb_resize *r, void *out) ALB_MUST_CHECK;
bool alb_resize_done(const struct alb_resize *r); /* every result row was pulled */

#endif
