/* SPDX-License-Identifier: Apache-2.0
 *
 * Type by content. One table of fixed marks, and a function for each family whose mark is not enough: boxes
 * (HEIC, AVIF, CR3, MP4), TIFF shapes, RIFF, EBML and the two XML kinds. Every look goes through at() or the
 * be/le readers, which answer "no" outside the buffer.
 */
#include "image/sniff.h"

#include <string.h>

static const struct {
    const char *name, *mime, *ending;
    enum alb_type_class cls;
} types[ALB_TYPE_COUNT] = {
    [ALB_TYPE_UNKNOWN] = {"unknown", "application/octet-stream", "bin", ALB_CLASS_NONE},
#define ALB_X(id, name, mime, ending, cls) [ALB_TYPE_##id] = {name, mime, ending, ALB_CLASS_##cls},
#include "tbl/types.h"
#undef ALB_X
};

struct view {
    const unsigned char *p;
    size_t n;
};

static bool at(struct view v, size_t off, const char *mark, size_t len)
{
    return off <= v.n && len <= v.n - off && memcmp(v.p + off, mark, len) == 0;
}

static bool has(struct view v, size_t off, size_t len)
{
    return off <= v.n && len <= v.n - off;
}

static uint32_t be32(struct view v, size_t off)
{
    if (!has(v, off, 4))
        return 0;
    const unsigned char *p = v.p + off;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- fixed marks ---- */

static const struct {
    size_t off;
    uint8_t len;
    char mark[17];
    enum alb_type type;
} marks[] = {
    {0, 3, "\xff\xd8\xff", ALB_TYPE_JPEG},
    {0, 8, "\x89PNG\r\n\x1a\n", ALB_TYPE_PNG},
    {0, 6, "GIF87a", ALB_TYPE_GIF},
    {0, 6, "GIF89a", ALB_TYPE_GIF},
    {0, 12, "\0\0\0\x0cjP  \r\n\x87\n", ALB_TYPE_JP2},
    {0, 4, "\xff\x4f\xff\x51", ALB_TYPE_JP2},
    {0, 12, "\0\0\0\x0cJXL \r\n\x87\n", ALB_TYPE_JXL},
    {0, 2, "\xff\x0a", ALB_TYPE_JXL},
    {0, 6, "8BPS\0\x01", ALB_TYPE_PSD},
    {0, 6, "8BPS\0\x02", ALB_TYPE_PSD},
    {0, 5, "%PDF-", ALB_TYPE_PDF},
    {0, 16, "FUJIFILMCCD-RAW ", ALB_TYPE_RAF},
    {0, 14, "II\x1a\0\0\0HEAPCCDR", ALB_TYPE_CRW},
    {0, 4, "IIRO", ALB_TYPE_ORF},
    {0, 4, "IIRS", ALB_TYPE_ORF},
    {0, 4, "MMOR", ALB_TYPE_ORF},
    {0, 4, "IIU\0", ALB_TYPE_RW2},
    {0, 4, "FOVb", ALB_TYPE_X3F},
    {0, 4, "\0MRM", ALB_TYPE_RAW},
    {0, 4, "\0\0\x01\xba", ALB_TYPE_MPEG},
    {0, 4, "\0\0\x01\xb3", ALB_TYPE_MPEG},
    {0, 16, "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", ALB_TYPE_WMV},
};

/* Two weak marks that need a plausible header behind them. */
static bool is_bmp(struct view v)
{
    if (!at(v, 0, "BM", 2) || !has(v, 0, 26) || !at(v, 6, "\0\0\0\0", 4))
        return false;
    static const uint8_t sizes[] = {12, 40, 52, 56, 64, 108, 124};
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        if (v.p[14] == sizes[i] && at(v, 15, "\0\0\0", 3))
            return true;
    }
    return false;
}

static bool is_ico(struct view v)
{
    bool cursor = at(v, 0, "\0\0\x02\0", 4);
    if ((!cursor && !at(v, 0, "\0\0\x01\0", 4)) || !has(v, 0, 22) || v.p[5] != 0 || v.p[4] == 0 || v.p[9] != 0)
        return false;
    uint32_t offset =
        (uint32_t)v.p[18] | (uint32_t)v.p[19] << 8 | (uint32_t)v.p[20] << 16 | (uint32_t)v.p[21] << 24;
    /* TGA begins like a cursor: a cursor's first picture must be there to see */
    return offset >= 6u + 16u * v.p[4] && (!cursor || at(v, offset, "\x28\0\0\0", 4) || at(v, offset, "\x89PNG", 4));
}

static bool is_mts(struct view v)
{
    static const size_t strides[2] = {188, 192};
    for (size_t i = 0; i < 2; i++) {
        size_t first = strides[i] - 188, seen = 0;
        for (size_t off = first; off < v.n && seen < 5 && v.p[off] == 0x47; off += strides[i])
            seen++;
        if (seen >= 5)
            return true;
    }
    return false;
}

/* ---- boxes ---- */

static enum alb_type of_brand(const unsigned char *b)
{
    static const struct {
        char brand[5];
        enum alb_type type;
    } brands[] = {
        {"crx ", ALB_TYPE_CR3},  {"avif", ALB_TYPE_AVIF}, {"avis", ALB_TYPE_AVIF}, {"heic", ALB_TYPE_HEIC},
        {"heix", ALB_TYPE_HEIC}, {"heim", ALB_TYPE_HEIC}, {"heis", ALB_TYPE_HEIC}, {"hevc", ALB_TYPE_HEIC},
        {"hevx", ALB_TYPE_HEIC}, {"hevm", ALB_TYPE_HEIC}, {"hevs", ALB_TYPE_HEIC}, {"jpx ", ALB_TYPE_JP2},
        {"jp2 ", ALB_TYPE_JP2},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(brands); i++) {
        if (memcmp(b, brands[i].brand, 4) == 0)
            return brands[i].type;
    }
    return ALB_TYPE_UNKNOWN;
}

static enum alb_type of_video_brand(const unsigned char *b)
{
    static const char mp4[][5] = {"isom", "mp41", "mp42", "avc1", "M4V ", "M4VH", "M4VP", "MSNV",
                                  "dash", "XAVC", "f4v ", "mmp4", "NDSC", "NDSH", "NDXC", "iso2",
                                  "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "av01",
                                  "hvc1", "cmfc", "mp71", "SDV ", "CAEP", "caqv"};
    if (memcmp(b, "qt  ", 4) == 0)
        return ALB_TYPE_MOV;
    if (memcmp(b, "3gp", 3) == 0 || memcmp(b, "3g2", 3) == 0 || memcmp(b, "3gg", 3) == 0)
        return ALB_TYPE_GPP;
    for (size_t i = 0; i < ALB_ARRAY_LEN(mp4); i++) {
        if (memcmp(b, mp4[i], 4) == 0)
            return ALB_TYPE_MP4;
    }
    return ALB_TYPE_UNKNOWN;
}

/* The brand list decides: an image brand anywhere in it beats "mif1" (any codec), which beats video. */
static enum alb_type sniff_ftyp(struct view v)
{
    size_t size = be32(v, 0);
    if (size < 12 || size > 4096)
        return ALB_TYPE_UNKNOWN;
    if (size > v.n)
        size = v.n;
    bool heif = false;
    enum alb_type video = ALB_TYPE_UNKNOWN;
    for (size_t off = 8; off + 4 <= size; off += off == 8 ? 8 : 4) { /* 12..15 is the minor version */
        enum alb_type t = of_brand(v.p + off);
        if (t != ALB_TYPE_UNKNOWN)
            return t;
        if (memcmp(v.p + off, "mif1", 4) == 0 || memcmp(v.p + off, "msf1", 4) == 0 ||
            memcmp(v.p + off, "mif2", 4) == 0)
            heif = true;
        if (video == ALB_TYPE_UNKNOWN)
            video = of_video_brand(v.p + off);
    }
    return heif ? ALB_TYPE_HEIC : video;
}

static enum alb_type sniff_boxes(struct view v)
{
    if (at(v, 4, "ftyp", 4))
        return sniff_ftyp(v);
    /* QuickTime from before ftyp */
    uint32_t size = be32(v, 0);
    if ((size == 1 || size >= 8) && (at(v, 4, "moov", 4) || at(v, 4, "mdat", 4)))
        return ALB_TYPE_MOV;
    if (size == 8 && at(v, 4, "wide", 4) && (at(v, 12, "mdat", 4) || at(v, 12, "moov", 4)))
        return ALB_TYPE_MOV;
    return ALB_TYPE_UNKNOWN;
}

static enum alb_type sniff_riff(struct view v)
{
    if (!at(v, 0, "RIFF", 4))
        return ALB_TYPE_UNKNOWN;
    if (at(v, 8, "WEBPVP8", 7))
        return ALB_TYPE_WEBP;
    return at(v, 8, "AVI ", 4) ? ALB_TYPE_AVI : ALB_TYPE_UNKNOWN;
}

/* EBML: DocType (0x4282, one size byte) stands in the first header. */
static enum alb_type sniff_ebml(struct view v)
{
    if (!at(v, 0, "\x1a\x45\xdf\xa3", 4))
        return ALB_TYPE_UNKNOWN;
    for (size_t off = 4; off < 64; off++) {
        if (at(v, off, "\x42\x82\x84webm", 7))
            return ALB_TYPE_WEBM;
        if (at(v, off, "\x42\x82\x88matroska", 11))
            return ALB_TYPE_MKV;
    }
    return ALB_TYPE_UNKNOWN;
}

/* ---- TIFF shapes ---- */

static uint32_t tiff_int(struct view v, size_t off, size_t bytes, bool big)
{
    uint32_t r = 0;
    for (size_t i = 0; i < bytes && has(v, off, bytes); i++)
        r |= (uint32_t)v.p[off + i] << (8 * (big ? bytes - 1 - i : i));
    return r;
}

static void tiff_entry(struct view v, size_t e, bool big, struct alb_tiff_hint *hint)
{
    uint32_t tag = tiff_int(v, e, 2, big), type = tiff_int(v, e + 2, 2, big),
             count = tiff_int(v, e + 4, 4, big);
    uint32_t value = tiff_int(v, e + 8, type == 3 ? 2 : 4, big);
    switch (tag) {
    case 0xfe: /* NewSubfileType */
        hint->reduced = (value & 1) != 0;
        break;
    case 0x106: /* PhotometricInterpretation */
        hint->cfa = value == 32803 || value == 34892;
        break;
    case 0x14a:
        hint->sub_ifds = true;
        break;
    case 0xc612:
        hint->dng = true;
        break;
    case 0x10f: { /* Make */
        size_t from = count > 4 ? value : e + 8, i = 0;
        for (; i + 1 < sizeof(hint->make) && i < count && has(v, from + i, 1) && v.p[from + i] != 0; i++)
            hint->make[i] = (char)v.p[from + i];
        hint->make[i] = 0;
        break;
    }
    default:
        break;
    }
}

static enum alb_type sniff_tiff_shape(struct view v)
{
    bool big = at(v, 0, "MM\0", 3);
    if (!big && !at(v, 0, "II", 2))
        return ALB_TYPE_UNKNOWN;
    uint32_t magic = tiff_int(v, 2, 2, big);
    if (magic == 43 && tiff_int(v, 4, 2, big) == 8)
        return ALB_TYPE_TIFF;
    if (magic != 42)
        return ALB_TYPE_UNKNOWN;
    struct alb_tiff_hint hint = {.cr2 = at(v, 8, "CR\x02", 3)};
    size_t ifd = tiff_int(v, 4, 4, big);
    if (ifd < 8)
        return ALB_TYPE_UNKNOWN;
    if (has(v, ifd, 2)) {
        uint32_t entries = tiff_int(v, ifd, 2, big);
        for (uint32_t i = 0; i < entries && has(v, ifd + 2 + 12 * (size_t)i, 12); i++)
            tiff_entry(v, ifd + 2 + 12 * (size_t)i, big, &hint);
    }
    return alb_sniff_tiff(&hint);
}

enum alb_type alb_sniff_tiff(const struct alb_tiff_hint *hint)
{
    static const struct {
        char make[10];
        enum alb_type type;
    } makers[] = {{"nikon", ALB_TYPE_NEF},     {"sony", ALB_TYPE_ARW},      {"pentax", ALB_TYPE_PEF},
                  {"ricoh", ALB_TYPE_PEF},     {"samsung", ALB_TYPE_SRW},   {"olympus", ALB_TYPE_ORF},
                  {"om digita", ALB_TYPE_ORF}, {"eastman k", ALB_TYPE_RAW}, {"kodak", ALB_TYPE_RAW},
                  {"hasselbla", ALB_TYPE_RAW}, {"mamiya", ALB_TYPE_RAW},    {"leaf", ALB_TYPE_RAW},
                  {"phase one", ALB_TYPE_RAW}, {"seiko eps", ALB_TYPE_RAW}, {"imacon", ALB_TYPE_RAW},
                  {"sinar", ALB_TYPE_RAW}};
    if (hint->dng)
        return ALB_TYPE_DNG;
    if (hint->cr2)
        return ALB_TYPE_CR2;
    /* An edited TIFF keeps the maker's name: only the shape of a raw file counts. */
    if (!hint->cfa && !(hint->reduced && hint->sub_ifds))
        return ALB_TYPE_TIFF;
    struct alb_str make = alb_str_c(hint->make);
    for (size_t i = 0; i < ALB_ARRAY_LEN(makers); i++) {
        struct alb_str maker = alb_str_c(makers[i].make);
        if (alb_str_eq_ci(alb_str_sub(make, 0, maker.n), maker))
            return makers[i].type;
    }
    return hint->cfa ? ALB_TYPE_RAW : ALB_TYPE_TIFF;
}

/* ---- XML kinds ---- */

static size_t skip_to(struct view v, size_t off, const char *mark, size_t len)
{
    for (; off + len <= v.n; off++) {
        if (memcmp(v.p + off, mark, len) == 0)
            return off + len;
    }
    return v.n;
}

static size_t skip_blanks(struct view v, size_t off)
{
    while (off < v.n && (v.p[off] == ' ' || v.p[off] == '\t' || v.p[off] == '\r' || v.p[off] == '\n'))
        off++;
    return off;
}

/* Behind a <!DOCTYPE ...> with an optional [internal subset]; quotes are respected. */
static size_t skip_doctype(struct view v, size_t off)
{
    bool subset = false;
    unsigned char quote = 0;
    for (; off < v.n; off++) {
        unsigned char c = v.p[off];
        if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '[' || c == ']') {
            subset = c == '[';
        } else if (c == '>' && !subset) {
            return off + 1;
        }
    }
    return v.n;
}

/* The root element decides. Text, HTML and anything that does not get to its root in the window are unknown.
 */
static enum alb_type sniff_xml(struct view v)
{
    size_t off = at(v, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
    for (;;) {
        off = skip_blanks(v, off);
        if (at(v, off, "<?xpacket", 9))
            return ALB_TYPE_XMP;
        if (at(v, off, "<?", 2))
            off = skip_to(v, off + 2, "?>", 2);
        else if (at(v, off, "<!--", 4))
            off = skip_to(v, off + 4, "-->", 3);
        else if (at(v, off, "<!DOCTYPE", 9))
            off = skip_doctype(v, off + 9);
        else
            break;
    }
    static const struct {
        char root[12];
        uint8_t len;
        enum alb_type type;
    } roots[] = {{"<svg", 4, ALB_TYPE_SVG},
                 {"<svg:svg", 8, ALB_TYPE_SVG},
                 {"<x:xmpmeta", 10, ALB_TYPE_XMP},
                 {"<rdf:RDF", 8, ALB_TYPE_XMP}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(roots); i++) {
        size_t end = off + roots[i].len;
        if (at(v, off, roots[i].root, roots[i].len) && has(v, end, 1) && memchr(" \t\r\n/>", v.p[end], 6))
            return roots[i].type;
    }
    return ALB_TYPE_UNKNOWN;
}

enum alb_type alb_sniff(const void *p, size_t n)
{
    static enum alb_type (*const families[])(struct view) = {sniff_boxes, sniff_riff, sniff_ebml,
                                                             sniff_tiff_shape, sniff_xml};
    struct view v = {p, n};
    if (n < 4)
        return ALB_TYPE_UNKNOWN;
    for (size_t i = 0; i < ALB_ARRAY_LEN(marks); i++) {
        if (at(v, marks[i].off, marks[i].mark, marks[i].len))
            return marks[i].type;
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(families); i++) {
        enum alb_type t = families[i](v);
        if (t != ALB_TYPE_UNKNOWN)
            return t;
    }
    if (is_bmp(v))
        return ALB_TYPE_BMP;
    if (is_ico(v))
        return ALB_TYPE_ICO;
    return is_mts(v) ? ALB_TYPE_MTS : ALB_TYPE_UNKNOWN;
}

/* ---- names ---- */

const char *alb_type_name(enum alb_type t)
{
    return types[(unsigned)t < ALB_TYPE_COUNT ? t : ALB_TYPE_UNKNOWN].name;
}

const char *alb_type_mime(enum alb_type t)
{
    return types[(unsigned)t < ALB_TYPE_COUNT ? t : ALB_TYPE_UNKNOWN].mime;
}

const char *alb_type_ending(enum alb_type t)
{
    return types[(unsigned)t < ALB_TYPE_COUNT ? t : ALB_TYPE_UNKNOWN].ending;
}

enum alb_type_class alb_type_class(enum alb_type t)
{
    return types[(unsigned)t < ALB_TYPE_COUNT ? t : ALB_TYPE_UNKNOWN].cls;
}

enum alb_type alb_type_of_name(struct alb_str name)
{
    for (unsigned i = 1; i < ALB_TYPE_COUNT; i++) {
        if (alb_str_eq_c(name, types[i].name))
            return (enum alb_type)i;
    }
    return ALB_TYPE_UNKNOWN;
}

enum alb_type alb_type_of_mime(struct alb_str mime)
{
    for (unsigned i = 1; i < ALB_TYPE_COUNT; i++) {
        if (alb_str_eq_c(mime, types[i].mime))
            return (enum alb_type)i;
    }
    return ALB_TYPE_UNKNOWN;
}

bool alb_type_can_show(enum alb_type t)
{
    switch (alb_type_class(t)) {
    case ALB_CLASS_RASTER:
    case ALB_CLASS_RAW:
    case ALB_CLASS_VECTOR:
    case ALB_CLASS_VIDEO:
        return true;
    case ALB_CLASS_NONE:
    case ALB_CLASS_SIDECAR:
        return false;
    }
    return false;
}
