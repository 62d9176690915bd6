/* SPDX-License-Identifier: Apache-2.0
 *
 * The ends of files (contract: whole.h). One walk per family of formats over a window that moves through the file.
 */
#include "image/whole.h"

#include <string.h>

#include "base/fs.h"
#include "base/mem.h"

#define WINDOW ((size_t)64 << 10)
#define STEPS_MAX 1000000 /* chunks, boxes, blocks: of more nobody has seen a file */
#define TAIL ((size_t)4096)
#define DIRECTORIES_MAX 1024
#define PIECES 1024 /* of a TIFF's list, read at a time */
#define JSON_MAX ((int64_t)1 << 20)

struct window {
    int fd;
    int64_t size, at; /* of the file; of what is in room */
    size_t n;
    unsigned char *room;
    struct alb_err *err;
};

/* n bytes at off, n <= WINDOW / 2; NULL: the file is not so long, or cannot be read (then *err says so). */
static const unsigned char *look(struct window *w, int64_t off, size_t n)
{
    if (off < 0 || off > w->size || (int64_t)n > w->size - off)
        return NULL;
    if (off >= w->at && off + (int64_t)n <= w->at + (int64_t)w->n)
        return w->room + (off - w->at);
    w->at = off;
    w->n = 0;
    if (alb_fs_pread_all(w->fd, w->room, WINDOW, off, &w->n, w->err) != ALB_OK)
        w->n = 0;
    return w->n >= n ? w->room : NULL;
}

static uint32_t big16(const unsigned char *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t big32(const unsigned char *p)
{
    return big16(p) << 16 | big16(p + 2);
}

static uint32_t little16(const unsigned char *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static uint32_t little32(const unsigned char *p)
{
    return little16(p + 2) << 16 | little16(p);
}

/* ---- JPEG ---- */

/* The place of the next marker in what is entropy-coded from `off` on; -1: there is none. */
static int64_t next_marker(struct window *w, int64_t off)
{
    while (look(w, off, 2)) {
        const unsigned char *p = w->room + (off - w->at), *end = w->room + w->n;
        const unsigned char *ff = memchr(p, 0xff, (size_t)(end - p));
        if (!ff) {
            off = w->at + (int64_t)w->n;
            continue;
        }
        off = w->at + (ff - w->room);
        const unsigned char *m = look(w, off, 2);
        if (!m)
            break;
        if (m[1] != 0 && m[1] != 0xff && (m[1] < 0xd0 || m[1] > 0xd7))
            return off;
        off += m[1] == 0xff ? 1 : 2;
    }
    return -1;
}

static bool jpeg(struct window *w)
{
    int64_t off = 2;
    for (int i = 0; i < STEPS_MAX; i++) {
        const unsigned char *m = look(w, off, 2);
        if (!m || m[0] != 0xff)
            return false;
        unsigned char kind = m[1];
        if (kind == 0xd9)
            return true;
        if (kind == 0xff) {
            off++;
            continue;
        }
        off += 2;
        if (kind == 0x01 || (kind >= 0xd0 && kind <= 0xd8))
            continue;
        m = look(w, off, 2);
        if (!m || big16(m) < 2)
            return false;
        off += big16(m);
        off = kind == 0xda ? next_marker(w, off) : off;
        if (off < 0)
            return false;
    }
    return false;
}

/* ---- chunks ---- */

static bool png(struct window *w)
{
    int64_t off = 8;
    for (int i = 0; i < STEPS_MAX; i++) {
        const unsigned char *c = look(w, off, 12); /* an empty chunk is so long */
        if (!c)
            return false;
        bool last = memcmp(c + 4, "IEND", 4) == 0;
        off += 12 + (int64_t)big32(c);
        if (last)
            return off <= w->size;
    }
    return false;
}

static bool webp(struct window *w)
{
    const unsigned char *c = look(w, 0, 12);
    int64_t end = c ? 8 + (int64_t)little32(c + 4) : 0, off = 12;
    if (!c || end > w->size || end < 20)
        return false;
    for (int i = 0; i < STEPS_MAX && off < end; i++) {
        c = look(w, off, 8);
        if (!c)
            return false;
        off += 8 + (int64_t)little32(c + 4);
        off += off % 2;
    }
    return off == end || off == end + 1;
}

static int64_t sub_blocks(struct window *w, int64_t off)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        const unsigned char *n = look(w, off, 1);
        if (!n)
            return -1;
        off += 1 + n[0];
        if (n[0] == 0)
            return off;
    }
    return -1;
}

static int64_t colours(unsigned flags)
{
    return flags & 0x80 ? (int64_t)3 << ((flags & 7) + 1) : 0;
}

static bool gif(struct window *w)
{
    const unsigned char *p = look(w, 0, 13);
    int64_t off = p ? 13 + colours(p[10]) : -1;
    for (int i = 0; i < STEPS_MAX && off >= 0; i++) {
        p = look(w, off, 1);
        if (!p)
            return false;
        if (p[0] == 0x3b)
            return true;
        if (p[0] == 0x21) {
            off = sub_blocks(w, off + 2);
            continue;
        }
        p = p[0] == 0x2c ? look(w, off, 11) : NULL;
        off = p ? sub_blocks(w, off + 11 + colours(p[9])) : -1;
    }
    return false;
}

/* ---- boxes ---- */

struct boxes {
    bool media, head, code; /* mdat; meta or moov; jp2c, jxlc, or the last of jxlp */
};

static void note_box(struct window *w, struct boxes *b, const unsigned char *name, int64_t inside)
{
    b->media = b->media || memcmp(name, "mdat", 4) == 0;
    b->head = b->head || memcmp(name, "meta", 4) == 0 || memcmp(name, "moov", 4) == 0;
    b->code = b->code || memcmp(name, "jp2c", 4) == 0 || memcmp(name, "jxlc", 4) == 0;
    if (memcmp(name, "jxlp", 4) == 0) {
        const unsigned char *n = look(w, inside, 4);
        b->code = b->code || (n && (n[0] & 0x80));
    }
}

static bool walk_boxes(struct window *w, struct boxes *b)
{
    int64_t off = 0;
    for (int i = 0; i < STEPS_MAX && off < w->size; i++) {
        unsigned char name[4];
        const unsigned char *p = look(w, off, 8);
        if (!p)
            return false;
        uint64_t n = big32(p);
        int64_t inside = off + 8;
        memcpy(name, p + 4, sizeof(name));
        if (n == 1) {
            p = look(w, off, 16);
            n = p ? (uint64_t)big32(p + 8) << 32 | big32(p + 12) : 0;
            inside = off + 16;
        } else if (n == 0) { /* to the end */
            n = (uint64_t)(w->size - off);
        }
        if (n < (uint64_t)(inside - off) || n > (uint64_t)(w->size - off))
            return false;
        note_box(w, b, name, inside);
        off += (int64_t)n;
    }
    return off == w->size;
}

static bool ends_with_eoc(struct window *w)
{
    const unsigned char *p = look(w, w->size - 2, 2);
    return p && p[0] == 0xff && p[1] == 0xd9;
}

static bool boxed(struct window *w, enum alb_type type)
{
    struct boxes b = {0};
    const unsigned char *p = look(w, 0, 12);
    bool bare = p && p[0] == 0xff; /* a codestream alone */
    if (bare)
        return type != ALB_TYPE_JP2 || ends_with_eoc(w);
    if (!walk_boxes(w, &b))
        return false;
    if (type == ALB_TYPE_JXL)
        return b.code;
    return type == ALB_TYPE_JP2 ? b.code && ends_with_eoc(w) : b.media && b.head;
}

/* ---- TIFF ---- */

struct tiff {
    struct window *w;
    bool little;
    uint32_t left; /* entries and pieces: directories may name the same ones again and again */
};

static uint32_t number(const struct tiff *t, const unsigned char *p, unsigned bytes)
{
    if (bytes == 2)
        return t->little ? little16(p) : big16(p);
    return t->little ? little32(p) : big32(p);
}

struct list { /* the values of one entry: 16 or 32 bits each */
    uint32_t count;
    unsigned bytes; /* 0: not there */
    int64_t at;
};

static void read_list(const struct tiff *t, const unsigned char *entry, int64_t at, struct list *l)
{
    uint32_t kind = number(t, entry + 2, 2);
    l->bytes = kind == 3 ? 2 : (kind == 4 ? 4 : 0);
    l->count = number(t, entry + 4, 4);
    l->at = (uint64_t)l->count * l->bytes <= 4 ? at + 8 : (int64_t)number(t, entry + 8, 4);
}

/* n values from the i-th on; the lists of one directory lie far apart, and a window is moved for each look. */
static bool values(const struct tiff *t, const struct list *l, uint32_t i, uint32_t n, uint32_t *out)
{
    const unsigned char *p = look(t->w, l->at + (int64_t)i * l->bytes, (size_t)n * l->bytes);
    for (uint32_t k = 0; p && k < n; k++)
        out[k] = number(t, p + (size_t)k * l->bytes, l->bytes);
    return p != NULL;
}

/* False: more than any picture has. */
static bool spend(struct tiff *t, uint32_t n)
{
    bool there = n <= t->left;
    t->left -= there ? n : 0;
    return there;
}

static bool pieces(struct tiff *t, const struct list *where, const struct list *length)
{
    uint32_t off[PIECES], size[PIECES];
    if (where->bytes == 0 || length->bytes == 0)
        return true;
    if (where->count != length->count || !spend(t, where->count))
        return false;
    for (uint32_t i = 0; i < where->count; i += PIECES) {
        uint32_t n = where->count - i < PIECES ? where->count - i : PIECES;
        if (!values(t, where, i, n, off) || !values(t, length, i, n, size))
            return false;
        for (uint32_t k = 0; k < n; k++)
            if ((int64_t)off[k] + (int64_t)size[k] > t->w->size)
                return false;
    }
    return true;
}

/* Whether what an entry points to is there. */
static bool has_values(const struct tiff *t, const unsigned char *entry)
{
    static const unsigned char sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};
    uint32_t kind = number(t, entry + 2, 2);
    uint64_t n = kind < sizeof(sizes) ? (uint64_t)number(t, entry + 4, 4) * sizes[kind] : 0;
    return n <= 4 || number(t, entry + 8, 4) + n <= (uint64_t)t->w->size;
}

/* One directory at `off`; the next one in *next, 0: none. */
static bool directory(struct tiff *t, int64_t off, int64_t *next)
{
    struct list strips = {0}, strip_bytes = {0}, tiles = {0}, tile_bytes = {0};
    const unsigned char *p = look(t->w, off, 2);
    uint32_t entries = p ? number(t, p, 2) : 0;
    if (!spend(t, entries))
        return false;
    for (uint32_t i = 0; i < entries; i++) {
        int64_t at = off + 2 + 12 * (int64_t)i;
        p = look(t->w, at, 12);
        if (!p || !has_values(t, p))
            return false;
        switch (number(t, p, 2)) {
        case 273:
            read_list(t, p, at, &strips);
            break;
        case 279:
            read_list(t, p, at, &strip_bytes);
            break;
        case 324:
            read_list(t, p, at, &tiles);
            break;
        case 325:
            read_list(t, p, at, &tile_bytes);
            break;
        default:
            break;
        }
    }
    p = entries > 0 ? look(t->w, off + 2 + 12 * (int64_t)entries, 4) : NULL;
    *next = p ? (int64_t)number(t, p, 4) : 0;
    return p && pieces(t, &strips, &strip_bytes) && pieces(t, &tiles, &tile_bytes);
}

static bool tiff(struct window *w)
{
    struct tiff t = {.w = w, .left = STEPS_MAX};
    const unsigned char *p = look(w, 0, 8);
    if (!p)
        return false;
    t.little = p[0] == 'I';
    if (number(&t, p + 2, 2) != 42) /* BigTIFF and its like say nothing here */
        return true;
    int64_t next = (int64_t)number(&t, p + 4, 4);
    for (int i = 0; i < DIRECTORIES_MAX && next != 0; i++) {
        if (!directory(&t, next, &next))
            return false;
    }
    return true;
}

/* ---- others ---- */

static bool bmp(struct window *w)
{
    const unsigned char *p = look(w, 0, 18);
    return p && (int64_t)little32(p + 2) <= w->size && (int64_t)little32(p + 10) <= w->size;
}

static bool ico(struct window *w)
{
    const unsigned char *p = look(w, 0, 6);
    uint32_t n = p ? little16(p + 4) : 0;
    for (uint32_t i = 0; i < n; i++) {
        p = look(w, 6 + 16 * (int64_t)i, 16);
        if (!p || (int64_t)little32(p + 8) + (int64_t)little32(p + 12) > w->size)
            return false;
    }
    return n > 0;
}

static struct alb_str tail(struct window *w)
{
    int64_t n = w->size < (int64_t)TAIL ? w->size : (int64_t)TAIL;
    const unsigned char *p = look(w, w->size - n, (size_t)n);
    struct alb_str s = alb_str_n((const char *)p, p ? (size_t)n : 0);
    while (s.n > 0 && (s.p[s.n - 1] == '\0' || strchr(" \t\r\n", s.p[s.n - 1])))
        s.n--;
    return s;
}

static bool svg(struct window *w)
{
    const unsigned char *p = look(w, 0, 2);
    struct alb_str end = tail(w);
    bool packed = p && p[0] == 0x1f && p[1] == 0x8b;
    return packed || alb_str_find_str(end, ALB_STR("svg>")) != ALB_STR_NPOS ||
           alb_str_ends(end, ALB_STR("/>"));
}

struct json {
    int depth;
    bool quoted, escaped;
};

/* False: more is closed than was opened. */
static bool json_byte(struct json *j, unsigned char c)
{
    bool was = j->escaped;
    j->escaped = j->quoted && !was && c == '\\';
    if (c == '"' && !was)
        j->quoted = !j->quoted;
    if (!j->quoted)
        j->depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    return j->depth >= 0;
}

/* One object: what opens is closed, at the very end. */
static bool json(struct window *w)
{
    struct json j = {0};
    struct alb_str end = tail(w);
    const unsigned char *c = look(w, 0, 1);
    if (w->size > JSON_MAX || end.n == 0 || !c || *c != '{')
        return false;
    int64_t n = w->size - (w->size < (int64_t)TAIL ? w->size : (int64_t)TAIL) + (int64_t)end.n;
    for (int64_t i = 0; i < n; i++) {
        c = look(w, i, 1);
        if (!c || !json_byte(&j, *c))
            return false;
        if (j.depth == 0 && !j.quoted)
            return i == n - 1;
    }
    return false;
}

static bool walk(struct window *w, enum alb_type type)
{
    switch ((unsigned)type) {
    case ALB_TYPE_UNKNOWN:
        return json(w);
    case ALB_TYPE_JPEG:
        return jpeg(w);
    case ALB_TYPE_PNG:
        return png(w);
    case ALB_TYPE_WEBP:
        return webp(w);
    case ALB_TYPE_GIF:
        return gif(w);
    case ALB_TYPE_TIFF:
    case ALB_TYPE_DNG:
        return tiff(w);
    case ALB_TYPE_AVIF:
    case ALB_TYPE_HEIC:
    case ALB_TYPE_JXL:
    case ALB_TYPE_JP2:
    case ALB_TYPE_MP4:
    case ALB_TYPE_MOV:
    case ALB_TYPE_GPP:
    case ALB_TYPE_CR3:
        return boxed(w, type);
    case ALB_TYPE_BMP:
        return bmp(w);
    case ALB_TYPE_ICO:
        return ico(w);
    case ALB_TYPE_SVG:
        return svg(w);
    case ALB_TYPE_PDF:
        return alb_str_find_str(tail(w), ALB_STR("%%EOF")) != ALB_STR_NPOS;
    default:
        return true;
    }
}

enum alb_code alb_whole(int fd, int64_t size, enum alb_type type, bool *whole, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    struct window w = {.fd = fd, .size = size, .room = alb_mem_alloc(WINDOW), .err = &why};
    *whole = false;
    if (!w.room)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to look at a file");
    *whole = walk(&w, type);
    alb_mem_free(w.room);
    return why.code == ALB_OK ? ALB_OK : alb_fail_sys(err, why.code, why.sys, "%s", why.msg);
}
