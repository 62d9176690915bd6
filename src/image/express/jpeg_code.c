/* SPDX-License-Identifier: Apache-2.0
 *
 * The file (jpeg_code.h). Each scan is walked through twice, by the same code: it counts symbols, tables are
 * made of the counts, then it writes. Where coefficients are not 0 stands in a word for each block, so nobody
 * looks at zeros.
 *
 * Progressive: fewer scans than libjpeg's own progression, fewer bytes and less time. Colours come whole, and
 * of luma only the last bit by itself.
 */
#include "image/express/jpeg_code.h"

#include <string.h>

#define PIECE ((size_t)32 << 10) /* of the file, at a time */
#define BLOCK_MOST 2048          /* bytes that a block, and what waited for it, can become */
#define APP_MOST 65533
#define RUN_MOST 0x7fff
#define WAITING_MOST 937 /* bits: with those of one more block, as much as decoders expect */
#define ZEROS_16 0xf0
#define INLINE static inline __attribute__((always_inline))

enum { DC = 0, AC = 2, TABLES = 4 }; /* each for luma and chroma */

struct scan {
    uint8_t planes, plane; /* all, or which one */
    uint8_t first, last;   /* coefficients */
    uint8_t before, low;   /* bits that were and are left out */
};

struct coder {
    struct alb_buf *out;
    uint8_t *at, *end, *from;
    uint64_t bits;
    unsigned held; /* of bits */
    uint32_t often[TABLES][256];
    struct alb_jpeg_huffman table[TABLES];
    int last_dc[ALB_JPEG_PLANES];
    unsigned run, waiting; /* blocks that ended; bits that follow the word for these */
    uint8_t wait[1024];
    uint8_t nowhere[BLOCK_MOST]; /* where bytes go after a failure */
};

static const uint8_t natural[ALB_JPEG_BLOCK] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/* ---- bytes and bits ---- */

static void give(struct coder *c)
{
    if (c->from != c->nowhere)
        alb_buf_commit(c->out, (size_t)(c->at - c->from));
}

static void room(struct coder *c)
{
    if (c->end - c->at >= BLOCK_MOST)
        return;
    give(c);
    c->from = (uint8_t *)alb_buf_reserve(c->out, PIECE);
    c->end = c->from + PIECE;
    if (!c->from) {
        c->from = c->nowhere;
        c->end = c->nowhere + BLOCK_MOST;
    }
    c->at = c->from;
}

INLINE void put(struct coder *c, uint32_t value, unsigned n)
{
    c->bits = c->bits << n | value;
    for (c->held += n; c->held >= 8;) {
        uint8_t byte = (uint8_t)(c->bits >> (c->held -= 8));
        *c->at++ = byte;
        if (byte == 0xff)
            *c->at++ = 0;
    }
}

INLINE void symbol(struct coder *c, bool count, unsigned table, unsigned s)
{
    if (count)
        c->often[table][s]++;
    else
        put(c, c->table[table].code[s], c->table[table].bits[s]);
}

INLINE unsigned width_of(unsigned v)
{
    return v == 0 ? 0 : 32 - (unsigned)__builtin_clz(v);
}

/* The lowest n bits of v, or of what is 1 less than a negative one. */
INLINE void value(struct coder *c, bool count, int v, unsigned n)
{
    if (!count)
        put(c, (uint32_t)(v < 0 ? v - 1 : v) & ((1u << n) - 1), n);
}

/* ---- blocks ---- */

INLINE void dc(struct coder *c, bool count, unsigned plane, const struct alb_jpeg_block *b)
{
    int diff = b->v[0] - c->last_dc[plane];
    unsigned n = width_of((unsigned)(diff < 0 ? -diff : diff));
    c->last_dc[plane] = b->v[0];
    symbol(c, count, DC + (plane > 0), n);
    value(c, count, diff, n);
}

/* Coefficients in `at`, from `first` on, without their `low` bits; how far it came. */
INLINE unsigned coefficients(struct coder *c, bool count, unsigned table, const struct alb_jpeg_block *b,
                             uint64_t at, unsigned first, unsigned low)
{
    unsigned next = first;
    for (; at; at &= at - 1) {
        unsigned k = (unsigned)__builtin_ctzll(at), zeros = k - next;
        for (next = k + 1; zeros > 15; zeros -= 16)
            symbol(c, count, table, ZEROS_16);
        int v = b->v[natural[k]];
        int cut = v < 0 ? -(-v >> low) : v >> low;
        unsigned n = width_of((unsigned)(cut < 0 ? -cut : cut));
        symbol(c, count, table, zeros << 4 | n);
        value(c, count, cut, n);
    }
    return next;
}

INLINE void whole(struct coder *c, bool count, unsigned plane, const struct alb_jpeg_block *b)
{
    unsigned table = AC + (plane > 0);
    dc(c, count, plane, b);
    if (coefficients(c, count, table, b, b->some, 1, 0) < ALB_JPEG_BLOCK)
        symbol(c, count, table, 0);
}

/* Says how many blocks ended, and the bits that wait. */
INLINE void end_run(struct coder *c, bool count, unsigned table)
{
    if (c->run == 0)
        return;
    unsigned n = width_of(c->run) - 1;
    symbol(c, count, table, n << 4);
    if (!count) {
        put(c, c->run & ((1u << n) - 1), n);
        for (unsigned i = 0; i < c->waiting; i++)
            put(c, c->wait[i], 1);
    }
    c->run = c->waiting = 0;
}

INLINE uint64_t span_of(const struct scan *s)
{
    return (~(uint64_t)0 >> (63 - s->last)) & (~(uint64_t)0 << s->first);
}

INLINE void first_bits(struct coder *c, bool count, const struct scan *s, const struct alb_jpeg_block *b)
{
    uint64_t at = (s->low ? b->more : b->some) & span_of(s);
    unsigned table = AC + (s->plane > 0), next = s->first;
    if (at) {
        end_run(c, count, table);
        next = coefficients(c, count, table, b, at, s->first, s->low);
    }
    if (next <= s->last && ++c->run == RUN_MOST)
        end_run(c, count, table);
}

struct late {
    uint64_t bits;
    unsigned n;
};

INLINE void put_late(struct coder *c, bool count, struct late *l)
{
    for (; l->n > 0; l->n--) {
        if (!count)
            put(c, (uint32_t)(l->bits >> (l->n - 1) & 1), 1);
    }
}

/* One more block that ended, and what is to be said of it later. */
INLINE void end_later(struct coder *c, bool count, unsigned table, const struct late *l)
{
    c->run++;
    for (unsigned i = l->n; i > 0; i--)
        c->wait[c->waiting++] = (uint8_t)(l->bits >> (i - 1) & 1);
    if (c->run == RUN_MOST || c->waiting > WAITING_MOST)
        end_run(c, count, table);
}

/* The last bit of those that were there before, and those that come with it. */
INLINE void last_bits(struct coder *c, bool count, const struct scan *s, const struct alb_jpeg_block *b)
{
    uint64_t fresh = b->some & ~b->more & span_of(s), old = b->more & span_of(s);
    unsigned table = AC + (s->plane > 0), zeros = 0, next = s->first;
    unsigned end = fresh ? 63 - (unsigned)__builtin_clzll(fresh) : 0;
    struct late late = {0, 0};
    for (uint64_t at = fresh | old; at; at &= at - 1) {
        unsigned k = (unsigned)__builtin_ctzll(at);
        int v = b->v[natural[k]];
        zeros += k - next;
        next = k + 1;
        for (; zeros > 15 && k <= end; zeros -= 16) {
            end_run(c, count, table);
            symbol(c, count, table, ZEROS_16);
            put_late(c, count, &late);
        }
        if (old >> k & 1) { /* its lowest bit, the same of -v */
            late = (struct late){late.bits << 1 | ((unsigned)v & 1), late.n + 1};
            continue;
        }
        end_run(c, count, table);
        symbol(c, count, table, zeros << 4 | 1);
        value(c, count, v, 1);
        put_late(c, count, &late);
        zeros = 0;
    }
    if (zeros + (s->last + 1u - next) > 0 || late.n > 0)
        end_later(c, count, table, &late);
}

/* ---- scans ---- */

INLINE void one_plane(struct coder *c, bool count, const struct scan *s, const struct alb_jpeg_plane *p)
{
    size_t n = (size_t)p->across * p->down;
    for (size_t i = 0; i < n; i++) {
        room(c);
        if (s->before)
            last_bits(c, count, s, &p->block[i]);
        else if (s->first > 0)
            first_bits(c, count, s, &p->block[i]);
        else if (s->last > 0)
            whole(c, count, s->plane, &p->block[i]);
        else
            dc(c, count, s->plane, &p->block[i]);
    }
    if (s->first > 0)
        end_run(c, count, AC + (s->plane > 0));
}

/* A block of a unit; those outside of the picture are as the one before, and say nothing else. */
INLINE void one_block(struct coder *c, bool count, const struct scan *s, const struct alb_jpeg_file *f,
                      unsigned plane, uint32_t x, uint32_t y)
{
    const struct alb_jpeg_plane *p = &f->plane[plane];
    bool inside = x < p->across && y < p->down;
    const struct alb_jpeg_block *b = &p->block[inside ? (size_t)y * p->across + x : 0];
    if (inside && s->last > 0) {
        whole(c, count, plane, b);
    } else if (inside) {
        dc(c, count, plane, b);
    } else {
        symbol(c, count, DC + (plane > 0), 0);
        if (s->last > 0)
            symbol(c, count, AC + (plane > 0), 0);
    }
}

INLINE void all_planes(struct coder *c, bool count, const struct scan *s, const struct alb_jpeg_file *f)
{
    uint32_t sub = f->plane[0].sub, across = (f->plane[0].across + sub - 1) / sub,
             down = (f->plane[0].down + sub - 1) / sub;
    for (uint32_t y = 0; y < down; y++) {
        for (uint32_t x = 0; x < across; x++) {
            for (unsigned i = 0; i < f->planes; i++) {
                room(c);
                for (uint32_t k = 0, n = f->plane[i].sub; k < n * n; k++)
                    one_block(c, count, s, f, i, x * n + k % n, y * n + k / n);
            }
        }
    }
}

INLINE void walk(struct coder *c, bool count, const struct scan *s, const struct alb_jpeg_file *f)
{
    memset(c->last_dc, 0, sizeof(c->last_dc));
    if (s->planes > 1)
        all_planes(c, count, s, f);
    else
        one_plane(c, count, s, &f->plane[s->plane]);
}

static void count_scan(struct coder *c, const struct scan *s, const struct alb_jpeg_file *f)
{
    walk(c, true, s, f);
}

static void write_scan(struct coder *c, const struct scan *s, const struct alb_jpeg_file *f)
{
    walk(c, false, s, f);
    put(c, 0x7f, 7); /* ones up to a whole byte */
    c->held = 0;
    c->bits = 0;
}

/* ---- headers ---- */

static void word(struct alb_buf *out, unsigned v)
{
    const char b[2] = {(char)(v >> 8), (char)v};
    alb_buf_add(out, b, 2);
}

static void byte(struct alb_buf *out, unsigned v)
{
    const char b = (char)v;
    alb_buf_add(out, &b, 1);
}

void alb_jpeg_begin(struct alb_buf *out, unsigned dpi)
{
    word(out, 0xffd8);
    if (dpi == 0)
        return;
    word(out, 0xffe0);
    word(out, 16);
    alb_buf_add(out, "JFIF\0\1\1\1", 8); /* version 1.01; dots per inch */
    word(out, dpi);
    word(out, dpi);
    word(out, 0); /* no picture within */
}

bool alb_jpeg_app(struct alb_buf *out, unsigned n, struct alb_str head, struct alb_str body)
{
    if (head.n + body.n > APP_MOST)
        return false;
    word(out, 0xffe0 + n);
    word(out, (unsigned)(head.n + body.n + 2));
    alb_buf_add(out, head.p, head.n);
    alb_buf_add(out, body.p, body.n);
    return true;
}

static void frame(struct alb_buf *out, const struct alb_jpeg_file *f)
{
    for (unsigned t = 0; t < (f->planes > 1 ? 2 : 1); t++) {
        word(out, 0xffdb);
        word(out, 3 + ALB_JPEG_BLOCK);
        byte(out, t);
        for (int k = 0; k < ALB_JPEG_BLOCK; k++)
            byte(out, f->step[t][natural[k]]);
    }
    word(out, f->progressive ? 0xffc2 : 0xffc0);
    word(out, 8 + 3 * f->planes);
    byte(out, 8);
    word(out, f->height);
    word(out, f->width);
    byte(out, f->planes);
    for (unsigned i = 0; i < f->planes; i++) {
        byte(out, i + 1);
        byte(out, f->plane[i].sub * 0x11u);
        byte(out, i > 0);
    }
}

static void table(struct alb_buf *out, unsigned t, const struct alb_jpeg_huffman *h)
{
    word(out, 0xffc4);
    word(out, 19 + h->symbols);
    byte(out, t / 2 << 4 | t % 2);
    alb_buf_add(out, h->count + 1, 16);
    alb_buf_add(out, h->symbol, h->symbols);
}

static void scan_head(struct alb_buf *out, const struct scan *s)
{
    word(out, 0xffda);
    word(out, 6 + 2u * s->planes);
    byte(out, s->planes);
    for (unsigned i = 0; i < s->planes; i++) {
        unsigned plane = s->plane + i, dc_table = s->first == 0 && plane > 0,
                 ac_table = s->last > 0 && plane > 0;
        byte(out, plane + 1);
        byte(out, dc_table << 4 | ac_table);
    }
    byte(out, s->first);
    byte(out, s->last);
    byte(out, (unsigned)s->before << 4 | s->low);
}

static void code_scan(struct coder *c, const struct scan *s, const struct alb_jpeg_file *f)
{
    memset(c->often, 0, sizeof(c->often));
    c->from = c->at = c->end = c->nowhere; /* counting writes nothing */
    c->end += BLOCK_MOST;
    count_scan(c, s, f);
    for (unsigned t = 0; t < TABLES; t++) {
        bool used = (t < AC ? s->first == 0 && s->before == 0 : s->last > 0) &&
                    (s->planes > 1 || (s->plane > 0) == t % 2);
        if (!used)
            continue;
        alb_jpeg_huffman(c->often[t], &c->table[t]);
        table(c->out, t, &c->table[t]);
    }
    scan_head(c->out, s);
    c->end = c->at; /* none yet */
    write_scan(c, s, f);
    give(c);
}

void alb_jpeg_code(struct alb_buf *out, const struct alb_jpeg_file *f)
{
    static const struct scan colour[] = {{3, 0, 0, 0, 0, 0},  {1, 0, 1, 5, 0, 1},  {1, 2, 1, 63, 0, 0},
                                         {1, 1, 1, 63, 0, 0}, {1, 0, 6, 63, 0, 1}, {1, 0, 1, 63, 1, 0}};
    static const struct scan grey[] = {
        {1, 0, 0, 0, 0, 0}, {1, 0, 1, 5, 0, 1}, {1, 0, 6, 63, 0, 1}, {1, 0, 1, 63, 1, 0}};
    const struct scan baseline = {(uint8_t)f->planes, 0, 0, 63, 0, 0}, *scan = &baseline;
    size_t scans = 1;
    struct coder c = {.out = out};
    if (f->progressive) {
        scan = f->planes > 1 ? colour : grey;
        scans = f->planes > 1 ? ALB_ARRAY_LEN(colour) : ALB_ARRAY_LEN(grey);
    }
    frame(out, f);
    for (size_t i = 0; i < scans; i++)
        code_scan(&c, &scan[i], f);
    word(out, 0xffd9);
}
