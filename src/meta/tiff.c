/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories of TIFF files and of raw files with TIFF's shape. Such a file may be large and its tags far
 * apart; so the entries that matter are gathered, through the source's read function, into one small EXIF
 * block for the EXIF reader. Previews, strips, maker notes and other pointers stay behind.
 */
#include <string.h>

#include "meta/priv.h"

#define DIRS 3
#define TAGS_MAX 96            /* per directory that are kept */
#define ENTRIES_MAX 1024       /* per directory that are looked at */
#define VALUE_MAX (64 * 1024)  /* bytes of one value */
#define BLOCK_MAX (512 * 1024) /* bytes of all */
#define TAG_EXIF 0x8769
#define TAG_GPS 0x8825

struct entry {
    uint16_t tag, type;
    uint32_t count;
    struct alb_str data;
};

struct alb_tiff_gather {
    struct alb_arena *a;
    bool big, begun;
    struct entry e[DIRS][TAGS_MAX];
    size_t n[DIRS];
    size_t bytes;
};

struct file {
    const struct alb_meta_source *src;
    bool big;
};

struct alb_tiff_gather *alb_tiff_gather_new(struct alb_arena *a)
{
    struct alb_tiff_gather *g = ALB_ARENA_NEW(a, struct alb_tiff_gather);
    if (g)
        g->a = a;
    return g;
}

static uint32_t get(bool big, const unsigned char *p, size_t bytes)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint32_t)p[i] << (8 * (big ? bytes - 1 - i : i));
    return v;
}

static void put(bool big, char *p, uint32_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (char)(unsigned char)(v >> (8 * (big ? bytes - 1 - i : i)));
}

/* The first directory's place; false if this is no (classic) TIFF. The raw families change the magic number.
 */
static bool open_file(const struct alb_meta_source *src, struct file *f, uint32_t *ifd)
{
    unsigned char h[8];
    if (src->read(src->arg, 0, h, 8) != 8)
        return false;
    f->src = src;
    f->big = h[0] == 'M' && h[1] == 'M';
    if (!f->big && !(h[0] == 'I' && h[1] == 'I'))
        return false;
    uint32_t magic = get(f->big, h + 2, 2);
    *ifd = get(f->big, h + 4, 4);
    return (magic == 42 || magic == 0x4f52 || magic == 0x5352 || magic == 0x55) && *ifd >= 8;
}

static size_t unit_of(uint16_t type)
{
    static const uint8_t sizes[14] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};
    return type < 14 ? sizes[type] : 0;
}

/* Tags of the first directory that say something about the picture as a whole. */
static bool wanted_ifd0(uint16_t tag)
{
    static const uint16_t tags[] = {0x10e, 0x10f, 0x110, 0x112, 0x131, 0x132, 0x13b, 0x8298, 0x4746, 0x9c9b,
                                    0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f,
                                    /* TIFF/EP keeps exposure here */
                                    0x829a, 0x829d, 0x8827, 0x9003, 0x920a};
    for (size_t i = 0; i < ALB_ARRAY_LEN(tags); i++) {
        if (tags[i] == tag)
            return true;
    }
    return false;
}

static bool wanted(enum alb_tiff_dir dir, uint16_t tag)
{
    if (dir == ALB_TIFF_IFD0)
        return wanted_ifd0(tag);
    return tag != 0x927c && tag != 0xa005 && tag != TAG_EXIF && tag != TAG_GPS; /* maker note, pointers */
}

static void gather_entry(struct alb_tiff_gather *g, enum alb_tiff_dir dir, const struct file *f,
                         const unsigned char *raw)
{
    struct entry e = {(uint16_t)get(f->big, raw, 2), (uint16_t)get(f->big, raw + 2, 2),
                      get(f->big, raw + 4, 4), ALB_STR_NONE};
    uint64_t n = (uint64_t)unit_of(e.type) * e.count;
    if (dir == ALB_TIFF_IFD0 && e.tag >= 0x829a && e.tag <= 0x920a && e.tag != 0x8298)
        dir = ALB_TIFF_EXIF;
    if (n == 0 || n > VALUE_MAX || g->n[dir] >= TAGS_MAX || g->bytes + n > BLOCK_MAX)
        return;
    for (size_t i = 0; i < g->n[dir]; i++) {
        if (g->e[dir][i].tag == e.tag)
            return;
    }
    char *p = alb_arena_alloc(g->a, (size_t)n);
    if (!p)
        return;
    if (n <= 4)
        memcpy(p, raw + 8, (size_t)n);
    else if (f->src->read(f->src->arg, get(f->big, raw + 8, 4), p, (size_t)n) != n)
        return;
    e.data = (struct alb_str){p, (size_t)n};
    g->bytes += (size_t)n;
    g->e[dir][g->n[dir]++] = e;
}

/* Pointers that a directory holds; 0 = none. */
struct pointers {
    uint32_t exif, gps;
};

typedef void look_fn(void *arg, const struct file *f, const unsigned char *raw);

static void gather_dir(struct alb_tiff_gather *g, enum alb_tiff_dir dir, const struct file *f, uint32_t ifd,
                       struct pointers *to, look_fn *look, void *arg)
{
    unsigned char raw[12];
    if (f->src->read(f->src->arg, ifd, raw, 2) != 2)
        return;
    uint32_t count = get(f->big, raw, 2);
    for (uint32_t i = 0; i < count && i < ENTRIES_MAX; i++) {
        if (f->src->read(f->src->arg, (int64_t)ifd + 2 + 12 * (int64_t)i, raw, 12) != 12)
            return;
        uint16_t tag = (uint16_t)get(f->big, raw, 2);
        if (tag == TAG_EXIF)
            to->exif = get(f->big, raw + 8, 4);
        else if (tag == TAG_GPS)
            to->gps = get(f->big, raw + 8, 4);
        else if (wanted(dir, tag))
            gather_entry(g, dir, f, raw);
        if (look)
            look(arg, f, raw);
    }
}

static bool gather(struct alb_tiff_gather *g, enum alb_tiff_dir as, const struct alb_meta_source *src,
                   look_fn *look, void *arg)
{
    struct file f;
    uint32_t ifd;
    struct pointers to = {0, 0}, ignored = {0, 0};
    if (!open_file(src, &f, &ifd) || (g->begun && g->big != f.big))
        return false;
    g->big = f.big;
    g->begun = true;
    gather_dir(g, as, &f, ifd, &to, look, arg);
    if (to.exif)
        gather_dir(g, ALB_TIFF_EXIF, &f, to.exif, &ignored, NULL, NULL);
    if (to.gps)
        gather_dir(g, ALB_TIFF_GPS, &f, to.gps, &ignored, NULL, NULL);
    return true;
}

bool alb_tiff_gather_file(struct alb_tiff_gather *g, enum alb_tiff_dir as, const struct alb_meta_source *src)
{
    return gather(g, as, src, NULL, NULL);
}

/* ---- the block ---- */

struct writer {
    char *p;
    size_t next; /* where the next long value goes */
    bool big;
};

static void write_entry(struct writer *w, size_t at, const struct entry *e)
{
    put(w->big, w->p + at, e->tag, 2);
    put(w->big, w->p + at + 2, e->type, 2);
    put(w->big, w->p + at + 4, e->count, 4);
    if (e->data.n <= 4) {
        memcpy(w->p + at + 8, e->data.p, e->data.n);
        return;
    }
    put(w->big, w->p + at + 8, (uint32_t)w->next, 4);
    memcpy(w->p + w->next, e->data.p, e->data.n);
    w->next += (e->data.n + 1) & ~(size_t)1;
}

static void write_pointer(struct writer *w, size_t at, uint16_t tag, size_t where)
{
    put(w->big, w->p + at, tag, 2);
    put(w->big, w->p + at + 2, 4, 2);
    put(w->big, w->p + at + 4, 1, 4);
    put(w->big, w->p + at + 8, (uint32_t)where, 4);
}

struct alb_str alb_tiff_gather_block(struct alb_tiff_gather *g)
{
    size_t total = g->n[0] + g->n[1] + g->n[2], at[DIRS], off = 8;
    if (total == 0)
        return ALB_STR_NONE;
    for (size_t d = 0; d < DIRS; d++) {
        at[d] = off;
        off += 2 + 12 * (g->n[d] + (d == 0 ? 2 : 0)) + 4;
    }
    size_t cap = off + g->bytes + total;
    struct writer w = {alb_arena_calloc(g->a, cap, 1), off, g->big};
    if (!w.p)
        return ALB_STR_NONE;
    memcpy(w.p, g->big ? "MM" : "II", 2);
    put(g->big, w.p + 2, 42, 2);
    put(g->big, w.p + 4, 8, 4);
    for (size_t d = 0; d < DIRS; d++) {
        put(g->big, w.p + at[d], (uint32_t)(g->n[d] + (d == 0 ? 2 : 0)), 2);
        for (size_t i = 0; i < g->n[d]; i++)
            write_entry(&w, at[d] + 2 + 12 * i, &g->e[d][i]);
    }
    write_pointer(&w, at[0] + 2 + 12 * g->n[0], TAG_EXIF, at[1]);
    write_pointer(&w, at[0] + 2 + 12 * (g->n[0] + 1), TAG_GPS, at[2]);
    return (struct alb_str){w.p, w.next};
}

/* ---- a whole file ---- */

struct seen {
    struct alb_arena *a;
    struct alb_meta_tiff *out;
};

static struct alb_str long_value(struct alb_arena *a, const struct file *f, const unsigned char *raw)
{
    uint64_t n = (uint64_t)unit_of((uint16_t)get(f->big, raw + 2, 2)) * get(f->big, raw + 4, 4);
    if (n <= 4 || n > ALB_META_BLOCK_MAX / 4)
        return ALB_STR_NONE;
    char *p = alb_arena_alloc(a, (size_t)n);
    if (!p || f->src->read(f->src->arg, get(f->big, raw + 8, 4), p, (size_t)n) != n)
        return ALB_STR_NONE;
    return (struct alb_str){p, (size_t)n};
}

static void look_at(void *arg, const struct file *f, const unsigned char *raw)
{
    struct seen *s = arg;
    uint32_t value = get(f->big, raw + 8, get(f->big, raw + 2, 2) == 3 ? 2 : 4);
    switch (get(f->big, raw, 2)) {
    case 0xfe:
        s->out->reduced = (value & 1) != 0;
        break;
    case 0x106:
        s->out->cfa = value == 32803 || value == 34892;
        break;
    case 0x10f: {
        struct alb_str make = long_value(s->a, f, raw);
        alb_ignore(!alb_str_to_c(alb_str_sub(alb_meta_text(s->a, make, sizeof(s->out->make) - 1, false), 0,
                                             sizeof(s->out->make) - 1),
                                 s->out->make, sizeof(s->out->make)),
                   "an odd maker's name is no hint");
        break;
    }
    case 0x14a:
        s->out->sub_ifds = true;
        break;
    case 0x2bc:
        s->out->xmp = long_value(s->a, f, raw);
        break;
    case 0x83bb:
        s->out->iptc = long_value(s->a, f, raw);
        break;
    case 0xc612:
        s->out->dng = true;
        break;
    default:
        break;
    }
}

enum alb_code alb_meta_tiff(struct alb_arena *a, struct alb_meta *m, const struct alb_meta_source *src,
                            struct alb_meta_tiff *seen, struct alb_err *err)
{
    memset(seen, 0, sizeof(*seen));
    struct alb_tiff_gather *g = alb_tiff_gather_new(a);
    struct seen s = {.a = a, .out = seen};
    char mark[3] = {0};
    if (!g)
        return alb_meta_done(a, err);
    seen->ok = gather(g, ALB_TIFF_IFD0, src, look_at, &s);
    if (!seen->ok)
        return ALB_OK;
    seen->cr2 = src->read(src->arg, 8, mark, 3) == 3 && memcmp(mark, "CR\x02", 3) == 0;
    struct alb_str block = alb_tiff_gather_block(g);
    return alb_meta_exif(a, m, block.p, block.n, err);
}
