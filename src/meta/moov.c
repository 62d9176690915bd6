/* SPDX-License-Identifier: Apache-2.0
 *
 * The box tree of QuickTime, MP4 and CR3. Boxes are looked at where they lie, through the source's read
 * function; no level is followed by recursion, every loop is counted, and only small boxes are read whole.
 *
 *   moov -> mvhd                          creation, duration
 *        -> trak -> tkhd                  size, turn          (the first video track)
 *                -> mdia -> mdhd, hdlr, minf/stbl/{stsd, stsz}
 *        -> udta -> ©xyz ©day ©mak ©mod, meta
 *        -> meta -> keys, ilst            Apple: content identifier, creation date, place
 *        -> uuid (Canon) -> CMT1 CMT2 CMT4   EXIF blocks
 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "meta/priv.h"

#define BOXES_MAX 4096
#define SMALL_MAX (64 * 1024)
#define MAC_TO_UNIX 2082844800LL

struct walk {
    struct alb_arena *a;
    struct alb_meta *m;
    const struct alb_meta_source *src;
    unsigned boxes; /* looked at so far */
    bool have_video, have_date;
    int64_t created_ms;
};

struct box {
    char kind[4];
    int64_t body, end;
};

static size_t read_at(const struct walk *w, int64_t off, void *p, size_t n)
{
    return w->src->read(w->src->arg, off, p, n);
}

static uint64_t be(const unsigned char *p, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* The box at *off inside [*off, end); moves *off behind it. */
static bool next(struct walk *w, int64_t *off, int64_t end, struct box *b)
{
    unsigned char h[16];
    if (end - *off < 8 || w->boxes++ >= BOXES_MAX || read_at(w, *off, h, 8) != 8)
        return false;
    uint64_t size = be(h, 4);
    int64_t head = 8;
    if (size == 1) {
        if (end - *off < 16 || read_at(w, *off + 8, h + 8, 8) != 8)
            return false;
        size = be(h + 8, 8);
        head = 16;
    } else if (size == 0) {
        size = (uint64_t)(end - *off);
    }
    if (size < (uint64_t)head || size > (uint64_t)(end - *off))
        return false;
    memcpy(b->kind, h + 4, 4);
    b->body = *off + head;
    b->end = *off + (int64_t)size;
    *off = b->end;
    return true;
}

static bool is(const struct box *b, const char *kind)
{
    return memcmp(b->kind, kind, 4) == 0;
}

static bool find(struct walk *w, const struct box *in, const char *kind, struct box *out)
{
    int64_t off = in->body;
    while (next(w, &off, in->end, out)) {
        if (is(out, kind))
            return true;
    }
    return false;
}

/* The whole body of a small box; the empty view if it is too large or cannot be read. */
static struct alb_str body_of(struct walk *w, const struct box *b)
{
    int64_t n = b->end - b->body;
    if (n <= 0 || n > SMALL_MAX)
        return ALB_STR_NONE;
    char *p = alb_arena_alloc(w->a, (size_t)n);
    if (!p || read_at(w, b->body, p, (size_t)n) != (size_t)n)
        return ALB_STR_NONE;
    return (struct alb_str){p, (size_t)n};
}

static size_t head_of(struct walk *w, const struct box *b, unsigned char *p, size_t n)
{
    int64_t have = b->end - b->body;
    return read_at(w, b->body, p, have < (int64_t)n ? (size_t)have : n);
}

/* ---- headers ---- */

/* Seconds since 1904, or (by mistake of the writer) since 1970. */
static bool mac_time(uint64_t t, int64_t *ms)
{
    if (t == 0 || t > (uint64_t)MAC_TO_UNIX + 7258118400ULL) /* beyond 2200 */
        return false;
    int64_t unix_s = (int64_t)t >= MAC_TO_UNIX ? (int64_t)t - MAC_TO_UNIX : (int64_t)t;
    if (unix_s == 0)
        return false;
    *ms = unix_s * 1000;
    return true;
}

static void set_duration(struct walk *w, uint64_t units, uint64_t scale)
{
    if (scale == 0 || units == 0 || units == UINT32_MAX || units == UINT64_MAX)
        return;
    double ms = (double)units * 1000 / (double)scale;
    if (ms < 1e12)
        w->m->duration_ms = (int64_t)(ms + 0.5);
}

static void read_mvhd(struct walk *w, const struct box *b)
{
    unsigned char p[32];
    size_t n = head_of(w, b, p, sizeof(p));
    if (n >= 20 && p[0] == 0) {
        w->have_date = mac_time(be(p + 4, 4), &w->created_ms);
        set_duration(w, be(p + 16, 4), be(p + 12, 4));
    } else if (n >= 32 && p[0] == 1) {
        w->have_date = mac_time(be(p + 4, 8), &w->created_ms);
        set_duration(w, be(p + 24, 8), be(p + 20, 4));
    }
}

/* The matrix of a track turns by quarters: (a b / c d) in 16.16. */
static uint16_t matrix_turn(const unsigned char *p)
{
    int32_t a = (int32_t)be(p, 4), b = (int32_t)be(p + 4, 4), c = (int32_t)be(p + 12, 4),
            d = (int32_t)be(p + 16, 4);
    if (a == 0 && d == 0)
        return b > 0 && c < 0 ? 90 : b < 0 && c > 0 ? 270 : 0;
    return a < 0 && d < 0 ? 180 : 0;
}

static void read_tkhd(struct walk *w, const struct box *b)
{
    unsigned char p[96];
    size_t n = head_of(w, b, p, sizeof(p));
    if (n < 84 || p[0] > 1 || (p[0] == 1 && n < 96))
        return;
    const unsigned char *matrix = p + (p[0] == 1 ? 52 : 40);
    w->m->turn = matrix_turn(matrix);
    uint32_t width = (uint32_t)be(matrix + 36, 2), height = (uint32_t)be(matrix + 40, 2);
    if (width && height) {
        w->m->width = width;
        w->m->height = height;
    }
}

static double media_seconds(struct walk *w, const struct box *mdia)
{
    struct box b;
    unsigned char p[32];
    size_t n = find(w, mdia, "mdhd", &b) ? head_of(w, &b, p, sizeof(p)) : 0;
    if (n >= 20 && p[0] == 0 && be(p + 12, 4) > 0)
        return (double)be(p + 16, 4) / (double)be(p + 12, 4);
    if (n >= 32 && p[0] == 1 && be(p + 20, 4) > 0)
        return (double)be(p + 24, 8) / (double)be(p + 20, 4);
    return 0;
}

static void read_video(struct walk *w, const struct box *trak, const struct box *mdia)
{
    struct box b, minf, stbl;
    unsigned char p[32];
    if (w->have_video)
        return;
    w->have_video = true;
    if (find(w, trak, "tkhd", &b))
        read_tkhd(w, &b);
    double seconds = media_seconds(w, mdia);
    if (!find(w, mdia, "minf", &minf) || !find(w, &minf, "stbl", &stbl))
        return;
    if (find(w, &stbl, "stsd", &b) && head_of(w, &b, p, 16) == 16)
        w->m->codec = alb_meta_text(w->a, (struct alb_str){(const char *)p + 12, 4}, 4, false);
    if (find(w, &stbl, "stsz", &b) && head_of(w, &b, p, 12) == 12 && seconds > 0.01) {
        double fps = (double)be(p + 8, 4) / seconds;
        w->m->fps = fps > 0.01 && fps < 100000 ? fps : 0;
    }
}

static void read_trak(struct walk *w, const struct box *trak)
{
    struct box mdia, hdlr;
    unsigned char p[12];
    if (!find(w, trak, "mdia", &mdia) || !find(w, &mdia, "hdlr", &hdlr) || head_of(w, &hdlr, p, 12) != 12)
        return;
    if (memcmp(p + 8, "vide", 4) == 0)
        read_video(w, trak, &mdia);
    else if (memcmp(p + 8, "soun", 4) == 0)
        w->m->has_audio = true;
}

/* ---- words ---- */

static void set_text(struct alb_str *field, struct alb_arena *a, struct alb_str s, size_t max)
{
    if (field->n == 0)
        *field = alb_meta_text(a, s, max, false);
}

static void set_date(struct walk *w, struct alb_str s)
{
    struct alb_meta_time t;
    if (alb_meta_time_parse(s, &t)) {
        w->m->taken = t;
        w->m->taken_is_weak = false;
    }
}

static void apply_key(struct walk *w, struct alb_str key, struct alb_str value)
{
    struct alb_meta *m = w->m;
    if (alb_str_eq_c(key, "com.apple.quicktime.content.identifier"))
        set_text(&m->content_id, w->a, value, ALB_META_NAME_MAX);
    else if (alb_str_eq_c(key, "com.apple.quicktime.creationdate"))
        set_date(w, value);
    else if (alb_str_eq_c(key, "com.apple.quicktime.location.ISO6709"))
        alb_ignore(!alb_meta_iso6709(value, m), "no place is fine");
    else if (alb_str_eq_c(key, "com.apple.quicktime.make"))
        set_text(&m->make, w->a, value, ALB_META_NAME_MAX);
    else if (alb_str_eq_c(key, "com.apple.quicktime.model"))
        set_text(&m->model, w->a, value, ALB_META_NAME_MAX);
    else if (alb_str_eq_c(key, "com.apple.quicktime.software"))
        set_text(&m->software, w->a, value, ALB_META_NAME_MAX);
    else if (alb_str_eq_c(key, "com.apple.quicktime.title"))
        set_text(&m->title, w->a, value, ALB_META_TITLE_MAX);
    else if (alb_str_eq_c(key, "com.apple.quicktime.description"))
        set_text(&m->description, w->a, value, ALB_META_TEXT_MAX);
    else if (alb_str_eq_c(key, "com.apple.quicktime.author"))
        set_text(&m->author, w->a, value, ALB_META_NAME_MAX);
}

/* The index-th (from 1) name in a keys box: size, space, name. */
static struct alb_str key_name(struct alb_str keys, uint64_t index)
{
    const unsigned char *p = (const unsigned char *)keys.p;
    size_t off = 8;
    for (uint64_t i = 1; off + 8 <= keys.n && i < BOXES_MAX; i++) {
        size_t size = (size_t)be(p + off, 4);
        if (size < 8 || size > keys.n - off)
            break;
        if (i == index)
            return alb_str_sub(keys, off + 8, size - 8);
        off += size;
    }
    return ALB_STR_NONE;
}

static void read_meta(struct walk *w, struct box meta)
{
    struct box keys, ilst, item, data;
    unsigned char p[8];
    /* QuickTime's has boxes at once, MP4's a version before them */
    if (head_of(w, &meta, p, 8) == 8 && memcmp(p + 4, "hdlr", 4) != 0)
        meta.body += 4;
    if (!find(w, &meta, "keys", &keys) || !find(w, &meta, "ilst", &ilst))
        return;
    struct alb_str names = body_of(w, &keys);
    int64_t off = ilst.body;
    while (names.n > 0 && next(w, &off, ilst.end, &item)) {
        struct alb_str name = key_name(names, be((const unsigned char *)item.kind, 4));
        if (name.n == 0 || !find(w, &item, "data", &data))
            continue;
        struct alb_str value = alb_str_from(body_of(w, &data), 8); /* type, locale */
        apply_key(w, name, value);
    }
}

static void read_udta(struct walk *w, const struct box *udta)
{
    struct box b;
    int64_t off = udta->body;
    while (next(w, &off, udta->end, &b)) {
        if (is(&b, "meta")) {
            read_meta(w, b);
            continue;
        }
        if (b.kind[0] != '\xa9')
            continue;
        struct alb_str s = body_of(w, &b);
        if (s.n < 4)
            continue;
        s = alb_str_sub(s, 4, (size_t)be((const unsigned char *)s.p, 2)); /* length, language */
        if (is(&b, "\xa9xyz"))
            alb_ignore(!alb_meta_iso6709(s, w->m), "no place is fine");
        else if (is(&b, "\xa9"
                        "day") &&
                 s.n > 10)
            set_date(w, s);
        else if (is(&b, "\xa9mak"))
            set_text(&w->m->make, w->a, s, ALB_META_NAME_MAX);
        else if (is(&b, "\xa9mod"))
            set_text(&w->m->model, w->a, s, ALB_META_NAME_MAX);
    }
}

/* ---- CR3 ---- */

static enum alb_code read_canon(struct walk *w, const struct box *uuid, struct alb_err *err)
{
    static const unsigned char canon[16] = {0x85, 0xc0, 0xb6, 0x87, 0x82, 0x0f, 0x11, 0xe0,
                                            0x81, 0x11, 0xf4, 0xce, 0x46, 0x2b, 0x6a, 0x48};
    unsigned char id[16];
    if (head_of(w, uuid, id, 16) != 16 || memcmp(id, canon, 16) != 0)
        return ALB_OK;
    struct box b;
    int64_t off = uuid->body + 16;
    struct alb_tiff_gather *g = alb_tiff_gather_new(w->a);
    while (g && next(w, &off, uuid->end, &b)) {
        static const char kinds[3][5] = {"CMT1", "CMT2", "CMT4"}; /* CMT3 is the maker note */
        for (size_t i = 0; i < 3; i++) {
            struct alb_str block = is(&b, kinds[i]) ? body_of(w, &b) : ALB_STR_NONE;
            struct alb_meta_source src = alb_meta_source_mem(&block);
            if (block.n > 0)
                alb_ignore(!alb_tiff_gather_file(g, (enum alb_tiff_dir)i, &src), "a bad block adds nothing");
        }
    }
    struct alb_str block = g ? alb_tiff_gather_block(g) : ALB_STR_NONE;
    struct alb_meta exif, container = *w->m;
    alb_meta_init(&exif);
    enum alb_code code = alb_meta_exif(w->a, &exif, block.p, block.n, err);
    if (code == ALB_OK)
        code = alb_meta_merge(w->a, w->m, &exif, NULL, NULL, &container, err);
    return code;
}

static enum alb_code read_moov(struct walk *w, const struct box *moov, struct alb_err *err)
{
    struct box b;
    int64_t off = moov->body;
    enum alb_code code = ALB_OK;
    while (code == ALB_OK && next(w, &off, moov->end, &b)) {
        if (is(&b, "mvhd"))
            read_mvhd(w, &b);
        else if (is(&b, "trak"))
            read_trak(w, &b);
        else if (is(&b, "udta"))
            read_udta(w, &b);
        else if (is(&b, "meta"))
            read_meta(w, b);
        else if (is(&b, "uuid"))
            code = read_canon(w, &b, err);
    }
    return code;
}

enum alb_code alb_meta_moov(struct alb_arena *a, struct alb_meta *m, const struct alb_meta_source *src,
                            bool *found_moov, struct alb_err *err)
{
    struct walk w = {.a = a, .m = m, .src = src};
    struct box b;
    int64_t off = 0;
    *found_moov = false;
    while (next(&w, &off, src->size, &b)) {
        if (!is(&b, "moov"))
            continue;
        *found_moov = true;
        enum alb_code code = read_moov(&w, &b, err);
        if (code != ALB_OK)
            return code;
        break;
    }
    if (!m->taken.known && w.have_date) {
        m->taken = (struct alb_meta_time){.known = true, .local_ms = w.created_ms, .utc_ms = w.created_ms};
        m->taken_is_weak = true;
    }
    return alb_meta_done(a, err);
}
