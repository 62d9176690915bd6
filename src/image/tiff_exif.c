/* SPDX-License-Identifier: Apache-2.0
 *
 * EXIF in TIFF files. libvips writes none there (8.14), for EXIF is itself a TIFF: its first directory belongs
 * among the entries of the picture's own, its others hang on that one. So the picture's directory is written once
 * more behind the file, with what EXIF adds to it, and the header points there. EXIF comes in either byte order and
 * leaves in the file's. Left out: what describes the JPEG that it was made for, and what works by file offsets of a
 * file that is no more (maker notes, the embedded thumbnail, interoperability).
 */
#include <string.h>

#include "image/frames.h"

#define ENTRIES_MAX 512
#define EXIF_DIRECTORY 34665u
#define GPS_DIRECTORY 34853u

struct from {
    struct alb_str s;
    bool big;
};

static uint32_t get(const struct from *f, size_t at, unsigned bytes)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < bytes; i++) {
        size_t place = at + (f->big ? i : bytes - 1 - i);
        v = v << 8 | (place < f->s.n ? (unsigned char)f->s.p[place] : 0u);
    }
    return v;
}

/* Files are written little-endian here. */
static void put(struct alb_buf *b, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        alb_buf_char(b, (char)(v >> 8 * i & 0xff));
}

struct entry {
    uint16_t tag, type;
    uint32_t count;
    uint32_t place; /* of its value in `from`, wherever that lies */
    uint32_t size;
    const struct from *from;
    uint32_t directory; /* not 0: where the directory that it names was written */
};

struct directory {
    struct entry e[ENTRIES_MAX];
    unsigned n;
};

/* Bytes of one value, and of the words whose order matters. */
static unsigned value_size(uint16_t type, unsigned *word)
{
    static const uint8_t sizes[14] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4},
                         words[14] = {0, 1, 1, 2, 4, 4, 1, 1, 2, 4, 4, 4, 8, 4};
    *word = type < 14 ? words[type] : 0;
    return type < 14 ? sizes[type] : 0;
}

static bool has_tag(const struct directory *d, uint16_t tag)
{
    for (unsigned i = 0; i < d->n; i++)
        if (d->e[i].tag == tag)
            return true;
    return false;
}

/* Of the picture's own directory: text that people wrote, times, cameras. The rest describes pixels. */
static bool belongs_in_first(uint16_t tag)
{
    static const uint16_t tags[] = {270,   271,   272,   305,   306,   315,   316,  33432,
                                    18246, 18249, 40091, 40092, 40093, 40094, 40095};
    for (size_t i = 0; i < ALB_ARRAY_LEN(tags); i++)
        if (tags[i] == tag)
            return true;
    return false;
}

static bool belongs_below(uint16_t tag)
{
    return tag != 37500 && tag != 40965; /* maker's notes, interoperability */
}

static bool any(uint16_t tag)
{
    (void)tag;
    return true;
}

/* Adds what the directory at `at` has and `keep` wants. False: it is not whole. */
static bool read_directory(const struct from *f, size_t at, bool (*keep)(uint16_t tag), struct directory *out)
{
    uint32_t n = get(f, at, 2);
    if (at < 8 || at > f->s.n || n == 0 || n > (f->s.n - at) / 12)
        return false;
    for (uint32_t i = 0; i < n && out->n < ENTRIES_MAX; i++) {
        size_t here = at + 2 + 12 * (size_t)i;
        unsigned word;
        struct entry e = {
            (uint16_t)get(f, here, 2), (uint16_t)get(f, here + 2, 2), get(f, here + 4, 4), 0, 0, f, 0};
        uint64_t size = (uint64_t)value_size(e.type, &word) * e.count;
        e.place = size <= 4 ? (uint32_t)here + 8 : get(f, here + 8, 4);
        if (!keep(e.tag) || has_tag(out, e.tag) || size == 0 || e.place > f->s.n || size > f->s.n - e.place)
            continue;
        e.size = (uint32_t)size;
        out->e[out->n++] = e;
    }
    return true;
}

static uint32_t place_of(const struct from *f, size_t at, uint16_t tag)
{
    uint32_t n = get(f, at, 2);
    for (uint32_t i = 0; i < n && at + 2 + 12 * (size_t)i + 12 <= f->s.n; i++)
        if (get(f, at + 2 + 12 * (size_t)i, 2) == tag)
            return get(f, at + 2 + 12 * (size_t)i + 8, 4);
    return 0;
}

static void put_value(struct alb_buf *b, const struct entry *e)
{
    unsigned word;
    if (e->directory != 0) {
        put(b, e->directory, 4);
        return;
    }
    value_size(e->type, &word);
    for (uint32_t at = 0; at < e->size; at++) {
        uint32_t in_word = at % word, place = e->place + at - in_word;
        alb_buf_char(b, e->from->s.p[place + (e->from->big ? word - 1 - in_word : in_word)]);
    }
}

static void sort(struct directory *d)
{
    for (unsigned i = 1; i < d->n; i++) {
        struct entry e = d->e[i];
        unsigned k = i;
        for (; k > 0 && d->e[k - 1].tag > e.tag; k--)
            d->e[k] = d->e[k - 1];
        d->e[k] = e;
    }
}

/* Values first, the directory behind them: where it begins. 0: there is nothing in it. */
static uint32_t write_directory(struct alb_buf *b, struct directory *d)
{
    uint32_t places[ENTRIES_MAX] = {0};
    sort(d);
    for (unsigned i = 0; i < d->n; i++) {
        if (d->e[i].size <= 4)
            continue;
        if (b->n % 2 != 0)
            alb_buf_char(b, '\0');
        places[i] = (uint32_t)b->n;
        put_value(b, &d->e[i]);
    }
    if (b->n % 2 != 0)
        alb_buf_char(b, '\0');
    uint32_t at = (uint32_t)b->n;
    put(b, d->n, 2);
    for (unsigned i = 0; i < d->n; i++) {
        const struct entry *e = &d->e[i];
        put(b, e->tag, 2);
        put(b, e->type, 2);
        put(b, e->count, 4);
        size_t value = b->n;
        if (e->size > 4)
            put(b, places[i], 4);
        else
            put_value(b, e);
        while (b->n < value + 4 && alb_buf_code(b) == ALB_OK)
            alb_buf_char(b, '\0');
    }
    put(b, 0, 4);
    return d->n > 0 ? at : 0;
}

/* What EXIF has in a directory of its own, hung under `tag` of `first`. */
static void hang(struct alb_buf *b, const struct from *exif, size_t first_at, uint16_t tag,
                 struct directory *first, struct directory *below)
{
    below->n = 0;
    if (first->n < ENTRIES_MAX && read_directory(exif, place_of(exif, first_at, tag), belongs_below, below) &&
        below->n > 0)
        first->e[first->n++] = (struct entry){tag, 4, 1, 0, 4, exif, write_directory(b, below)};
}

static bool merge(struct alb_str tiff, const struct from *exif, struct alb_buf *out)
{
    const struct from file = {tiff, false};
    struct directory *first = g_new0(struct directory, 2), *below = first + 1;
    size_t at = get(exif, 4, 4);
    uint32_t place = 0;
    alb_buf_str(out, tiff);
    if (get(&file, 0, 4) == 0x002a4949 && read_directory(&file, get(&file, 4, 4), any, first)) {
        alb_ignore(!read_directory(exif, at, belongs_in_first, first), "then there are the others");
        hang(out, exif, at, EXIF_DIRECTORY, first, below);
        hang(out, exif, at, GPS_DIRECTORY, first, below);
        place = write_directory(out, first);
    }
    g_free(first);
    if (place == 0 || alb_buf_code(out) != ALB_OK)
        return false;
    for (unsigned i = 0; i < 4; i++)
        out->p[4 + i] = (char)(place >> 8 * i & 0xff);
    return true;
}

bool alb_tiff_add_exif(struct alb_str tiff, struct alb_str exif, struct alb_buf *out)
{
    if (exif.n < 14 || tiff.n > UINT32_MAX - (16u << 20) || memcmp(exif.p, "Exif\0", 6) != 0)
        return false;
    struct from f = {alb_str_from(exif, 6), exif.p[6] == 'M'};
    return merge(tiff, &f, out);
}
