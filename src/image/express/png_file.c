/* SPDX-License-Identifier: Apache-2.0
 *
 * One walk over the chunks. Lengths are checked before anything is read; every step moves on by at least 12
 * bytes.
 */
#include "image/express/png_file.h"

#include <libdeflate.h>
#include <string.h>

#define CHUNK 12 /* length, type, checksum */
#define HEAD 8
#define SIDE_MAX 0x7fffffffu

#define TYPE(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define IHDR TYPE('I', 'H', 'D', 'R')
#define PLTE TYPE('P', 'L', 'T', 'E')
#define IDAT TYPE('I', 'D', 'A', 'T')
#define IEND TYPE('I', 'E', 'N', 'D')
#define TRNS TYPE('t', 'R', 'N', 'S')
#define ICCP TYPE('i', 'C', 'C', 'P')
#define SRGB TYPE('s', 'R', 'G', 'B')
#define EXIF TYPE('e', 'X', 'I', 'f')
#define ITXT TYPE('i', 'T', 'X', 't')

struct chunk {
    uint32_t type;
    const unsigned char *p;
    size_t n;
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint16_t be16(const unsigned char *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static bool next_chunk(struct alb_str s, size_t *at, struct chunk *c)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    if (*at > s.n || s.n - *at < CHUNK)
        return false;
    c->n = be32(p);
    if (c->n > s.n - *at - CHUNK)
        return false;
    c->type = be32(p + 4);
    c->p = p + HEAD;
    *at += c->n + CHUNK;
    return true;
}

static bool is_whole(const struct chunk *c)
{
    return libdeflate_crc32(0, c->p - 4, c->n + 4) == be32(c->p + c->n);
}

/* ---- chunks ---- */

static bool colour_of(struct alb_png_file *f, unsigned depth, unsigned colour)
{
    static const uint8_t samples[7] = {1, 0, 3, 1, 2, 0, 4};
    bool small = depth == 1 || depth == 2 || depth == 4;
    if (colour > 6 || samples[colour] == 0 || (depth != 8 && !small))
        return false;
    if (small && colour != ALB_PNG_GREY && colour != ALB_PNG_PALETTE)
        return false;
    size_t bits = (size_t)depth * samples[colour];
    f->depth = depth;
    f->colour = (enum alb_png_colour)colour;
    f->bpp = bits < 8 ? 1 : (unsigned)(bits / 8);
    f->row = ((size_t)f->width * bits + 7) / 8;
    return true;
}

/* Neither 16 bits nor interlaced. */
static bool on_header(struct alb_png_file *f, const struct chunk *c)
{
    if (c->n != 13 || !is_whole(c))
        return false;
    f->width = be32(c->p);
    f->height = be32(c->p + 4);
    bool sized = f->width > 0 && f->height > 0 && f->width <= SIDE_MAX && f->height <= SIDE_MAX;
    return sized && c->p[10] == 0 && c->p[11] == 0 && c->p[12] == 0 && colour_of(f, c->p[8], c->p[9]);
}

static bool on_palette(struct alb_png_file *f, const struct chunk *c)
{
    if (c->n == 0 || c->n % 3 != 0 || c->n > 3 * sizeof(f->palette) / 4 || !is_whole(c))
        return false;
    if (f->colour == ALB_PNG_GREY || f->colour == ALB_PNG_GREY_ALPHA)
        return false;
    for (size_t i = 0; i < c->n / 3; i++)
        memcpy(f->palette[i], c->p + 3 * i, 3);
    return f->colour != ALB_PNG_PALETTE || c->n / 3 <= (size_t)1 << f->depth;
}

static bool on_transparency(struct alb_png_file *f, const struct chunk *c, size_t colours)
{
    if (!is_whole(c))
        return false;
    if (f->colour == ALB_PNG_PALETTE) {
        for (size_t i = 0; i < c->n && i < colours; i++) {
            f->palette[i][3] = c->p[i];
        }
        f->palette_alpha = true; /* as libpng has it, even if all is opaque */
        return c->n > 0 && c->n <= colours;
    }
    size_t samples = f->colour == ALB_PNG_GREY ? 1 : f->colour == ALB_PNG_RGB ? 3 : 0;
    if (samples == 0 || c->n != 2 * samples)
        return false;
    for (size_t i = 0; i < samples; i++) {
        f->key[i] = be16(c->p + 2 * i);
        if (f->key[i] >> f->depth != 0) /* what readers make of the bits above differs */
            return false;
    }
    f->keyed = true;
    return true;
}

/* A name of 1 to 79 bytes, a NUL, the method (0), and the deflated profile. */
static bool on_profile(struct alb_png_file *f, const struct chunk *c)
{
    const unsigned char *nul = memchr(c->p, 0, c->n < 80 ? c->n : 80);
    size_t head = nul ? (size_t)(nul - c->p) + 2 : 0;
    if (!nul || head <= 2 || head >= c->n || nul[1] != 0 || !is_whole(c))
        return false;
    f->profile_packed = (struct alb_str){(const char *)c->p + head, c->n - head};
    return true;
}

static bool on_exif(struct alb_png_file *f, const struct chunk *c)
{
    f->exif = (struct alb_str){(const char *)c->p, c->n};
    return is_whole(c);
}

/* XMP is a text of that name: NUL, packed or not, a method, language NUL, name in that language NUL, text. */
static bool on_text(struct alb_png_file *f, const struct chunk *c)
{
    static const char name[] = "XML:com.adobe.xmp";
    size_t at = sizeof(name) + 2;
    if (c->n < at || memcmp(c->p, name, sizeof(name)) != 0)
        return true;
    for (int i = 0; i < 2; i++) {
        const unsigned char *nul = memchr(c->p + at, 0, c->n - at);
        if (!nul)
            return false;
        at = (size_t)(nul - c->p) + 1;
    }
    f->xmp = (struct alb_str){(const char *)c->p + at, c->n - at};
    return c->p[sizeof(name)] == 0 && is_whole(c);
}

/* ---- the walk ---- */

struct walk {
    bool palette, transparency, profile, srgb, data_over;
    size_t colours;
};

/* Parts of the pixels follow each other. */
static bool on_data(struct alb_png_file *f, struct walk *w, const struct chunk *c)
{
    if (w->data_over || (f->colour == ALB_PNG_PALETTE && !w->palette))
        return false;
    if (f->parts == 0)
        f->data = (size_t)(c->p - HEAD - (const unsigned char *)f->bytes.p);
    f->parts++;
    f->packed += c->n;
    return true;
}

static bool once_before_data(const struct alb_png_file *f, bool *seen)
{
    bool first = !*seen && f->parts == 0;
    *seen = true;
    return first;
}

static bool on_chunk(struct alb_png_file *f, struct walk *w, const struct chunk *c)
{
    if (c->type != IDAT && f->parts > 0)
        w->data_over = true;
    switch (c->type) {
    case PLTE:
        w->colours = c->n / 3;
        return once_before_data(f, &w->palette) && !w->transparency && on_palette(f, c);
    case TRNS:
        return once_before_data(f, &w->transparency) && on_transparency(f, c, w->colours);
    case ICCP: /* sRGB is another word for the same: which one counts, readers see differently */
        return once_before_data(f, &w->profile) && !w->srgb && !w->palette && on_profile(f, c);
    case SRGB:
        w->srgb = true;
        return !w->profile;
    case EXIF:
        return on_exif(f, c);
    case ITXT:
        return on_text(f, c);
    case IDAT:
        return on_data(f, w, c);
    case IHDR:
        return false;
    default:
        return (c->type & 0x20000000) != 0; /* the small letter of what need not be understood */
    }
}

static enum alb_code not_ours(struct alb_err *err)
{
    return alb_fail(err, ALB_E_UNSUPPORTED, "png: not of the common kind, or not whole");
}

enum alb_code alb_png_look(struct alb_str bytes, struct alb_png_file *f, struct alb_err *err)
{
    static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    struct walk w = {.colours = 0};
    struct chunk c;
    size_t at = sizeof(signature);
    memset(f, 0, sizeof(*f));
    f->bytes = bytes;
    for (size_t i = 0; i < ALB_ARRAY_LEN(f->palette); i++)
        f->palette[i][3] = 255;
    if (bytes.n < sizeof(signature) || memcmp(bytes.p, signature, sizeof(signature)) != 0)
        return not_ours(err);
    if (!next_chunk(bytes, &at, &c) || c.type != IHDR || !on_header(f, &c))
        return not_ours(err);
    while (next_chunk(bytes, &at, &c)) {
        if (c.type == IEND)
            return f->parts > 0 && is_whole(&c) ? ALB_OK : not_ours(err);
        if (!on_chunk(f, &w, &c))
            return not_ours(err);
    }
    return not_ours(err);
}

bool alb_png_part(const struct alb_png_file *f, size_t *at, struct alb_str *part)
{
    struct chunk c;
    *part = ALB_STR_NONE;
    if (!next_chunk(f->bytes, at, &c) || c.type != IDAT || !is_whole(&c))
        return false;
    *part = (struct alb_str){(const char *)c.p, c.n};
    return true;
}
