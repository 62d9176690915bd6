/* SPDX-License-Identifier: Apache-2.0
 *
 * Three readers, three writers. EXIF is read by libexif and written as a directory of two entries; IPTC data sets are
 * copied one by one; XMP is parsed by exempi, and what may not stay is deleted from it. Hostile blocks are dropped.
 */
#include "meta/rights.h"

#include <exempi/xmp.h>
#include <exempi/xmpconsts.h>
#include <libexif/exif-data.h>
#include <string.h>

#include "meta/meta.h"

#define TEXT_MAX 4096 /* bytes of one value */
#define BLOCK_MAX ((size_t)64 << 10)

/* ---- EXIF ---- */

static struct alb_str exif_text(ExifData *d, ExifTag tag)
{
    ExifEntry *e = exif_content_get_entry(d->ifd[EXIF_IFD_0], tag);
    if (!e || e->format != EXIF_FORMAT_ASCII || !e->data || e->size > TEXT_MAX)
        return ALB_STR_NONE;
    return (struct alb_str){(const char *)e->data, strnlen((const char *)e->data, e->size)};
}

static void le(struct alb_buf *b, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        alb_buf_char(b, (char)(v >> (8 * i)));
}

/* One entry of ASCII; values of up to four bytes lie in it, others at *at. */
static void exif_entry(struct alb_buf *b, uint32_t tag, struct alb_str text, uint32_t *at)
{
    uint32_t n = (uint32_t)text.n + 1;
    le(b, tag, 2);
    le(b, 2, 2);
    le(b, n, 4);
    if (n <= 4) {
        alb_buf_add(b, text.p, text.n);
        le(b, 0, 4 - (unsigned)text.n);
        return;
    }
    le(b, *at, 4);
    *at += n;
}

static void exif_write(struct alb_buf *b, struct alb_str artist, struct alb_str copyright)
{
    uint32_t count = (artist.n > 0 ? 1u : 0u) + (copyright.n > 0 ? 1u : 0u), at = 8 + 2 + 12 * count + 4;
    alb_buf_add(b, "Exif\0\0II\x2a\0\x08\0\0\0", 14);
    le(b, count, 2);
    if (artist.n > 0)
        exif_entry(b, EXIF_TAG_ARTIST, artist, &at);
    if (copyright.n > 0)
        exif_entry(b, EXIF_TAG_COPYRIGHT, copyright, &at);
    le(b, 0, 4);
    const struct alb_str texts[2] = {artist, copyright};
    for (int i = 0; i < 2; i++) {
        if (texts[i].n > 3) {
            alb_buf_add(b, texts[i].p, texts[i].n);
            le(b, 0, 1);
        }
    }
}

/* PNG has the block without its six bytes in front, which libexif wants. */
static ExifData *exif_parse(struct alb_str s)
{
    static const struct alb_str front = {"Exif\0\0", 6};
    struct alb_buf b = ALB_BUF_INIT(ALB_META_BLOCK_MAX + 6);
    ExifData *d = NULL;
    if (s.n == 0 || s.n > ALB_META_BLOCK_MAX)
        return NULL;
    if (!alb_str_starts(s, front)) {
        alb_buf_str(&b, front);
        alb_buf_str(&b, s);
        s = alb_buf_view(&b);
    }
    if (alb_buf_code(&b) == ALB_OK)
        d = exif_data_new_from_data((const unsigned char *)s.p, (unsigned)s.n);
    alb_buf_fini(&b);
    return d;
}

void alb_meta_rights_exif(struct alb_str block, struct alb_buf *out, struct alb_buf *artist,
                          struct alb_buf *copyright)
{
    ExifData *d = exif_parse(block);
    if (!d)
        return;
    struct alb_str who = exif_text(d, EXIF_TAG_ARTIST), whose = exif_text(d, EXIF_TAG_COPYRIGHT);
    if (who.n > 0 || whose.n > 0)
        exif_write(out, who, whose);
    alb_buf_str(artist, who);
    alb_buf_str(copyright, whose);
    exif_data_unref(d);
}

/* ---- IPTC ---- */

static uint32_t be(struct alb_str s, size_t off, size_t bytes)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (off + i < s.n ? (unsigned char)s.p[off + i] : 0);
    return v;
}

/* The records inside a Photoshop block, where they are resource 0x0404; or all of it. */
static struct alb_str iptc_records(struct alb_str s, bool *photoshop)
{
    *photoshop = alb_str_starts(s, ALB_STR("Photoshop 3.0"));
    if (!*photoshop)
        return s;
    s = alb_str_from(s, 14);
    while (alb_str_starts(s, ALB_STR("8BIM")) && s.n >= 12) {
        size_t name = ((size_t)be(s, 6, 1) + 2) & ~(size_t)1, n = be(s, 6 + name, 4);
        struct alb_str body = alb_str_sub(s, 10 + name, n);
        if (be(s, 4, 2) == 0x0404)
            return body;
        s = alb_str_from(s, 10 + name + n + (n & 1));
    }
    return ALB_STR_NONE;
}

static bool iptc_stays(uint32_t record, uint32_t set)
{
    return (record == 2 && (set == 80 || set == 110 || set == 116)) || (record == 1 && set == 90);
}

static void iptc_copy(struct alb_str s, struct alb_buf *out)
{
    bool any = false;
    struct alb_buf sets = ALB_BUF_INIT(BLOCK_MAX);
    while (s.n >= 5 && s.p[0] == 0x1c) {
        size_t n = be(s, 3, 2);
        if (n > s.n - 5) /* cut, or an extended one: nothing here is so long */
            break;
        if (iptc_stays(be(s, 1, 1), be(s, 2, 1))) {
            any = any || be(s, 1, 1) == 2;
            alb_buf_add(&sets, s.p, n + 5);
        }
        s = alb_str_from(s, n + 5);
    }
    if (any && alb_buf_code(&sets) == ALB_OK)
        alb_buf_add(out, alb_buf_view(&sets).p, alb_buf_view(&sets).n);
    alb_buf_fini(&sets);
}

void alb_meta_rights_iptc(struct alb_str block, struct alb_buf *out)
{
    struct alb_buf sets = ALB_BUF_INIT(BLOCK_MAX);
    bool photoshop;
    iptc_copy(iptc_records(block, &photoshop), &sets);
    struct alb_str s = alb_buf_code(&sets) == ALB_OK ? alb_buf_view(&sets) : ALB_STR_NONE;
    if (s.n > 0 && photoshop) {
        alb_buf_add(out,
                    "Photoshop 3.0\0"
                    "8BIM\x04\x04\0\0",
                    22);
        for (int i = 3; i >= 0; i--)
            alb_buf_char(out, (char)(s.n >> (8 * i)));
    }
    alb_buf_str(out, s);
    if (photoshop && (s.n & 1))
        alb_buf_char(out, 0);
    alb_buf_fini(&sets);
}

/* ---- XMP ---- */

#define NS_RIGHTS "http://ns.adobe.com/xap/1.0/rights/"
#define NS_CREATIVE_COMMONS "http://creativecommons.org/ns#"
#define XMP_PROPERTIES_MAX 10000

static bool xmp_stays(const char *ns, const char *name)
{
    static const char *const dc[] = {"rights", "contributor", "creator", "publisher"};
    const char *local = strchr(name, ':');
    if (strcmp(ns, NS_RIGHTS) == 0 || strcmp(ns, NS_CREATIVE_COMMONS) == 0)
        return true;
    for (size_t i = 0; strcmp(ns, NS_DC) == 0 && i < ALB_ARRAY_LEN(dc); i++) {
        if (strcmp(local ? local + 1 : name, dc[i]) == 0)
            return true;
    }
    return false;
}

/* The first property that may not stay, into ns and name; *any: there is one that may. */
static bool xmp_next_other(XmpPtr xmp, XmpStringPtr ns, XmpStringPtr name, bool *any)
{
    bool found = false;
    uint32_t options = 0;
    XmpIteratorPtr it = xmp_iterator_new(xmp, NULL, NULL, XMP_ITER_OMITQUALIFIERS);
    *any = false;
    while (it && !found && xmp_iterator_next(it, ns, name, NULL, &options)) {
        const char *path = xmp_string_cstr(name);
        if (*path == 0) /* the namespace itself */
            continue;
        if (strpbrk(path, "[/") == NULL && !xmp_stays(xmp_string_cstr(ns), path))
            found = true;
        else
            *any = true;
    }
    if (it)
        xmp_iterator_free(it);
    return found;
}

void alb_meta_rights_xmp(struct alb_str block, struct alb_buf *out)
{
    struct alb_str s = block;
    XmpPtr xmp = alb_meta_xmp_harmless(&s) ? xmp_new_empty() : NULL;
    XmpStringPtr ns = xmp_string_new(), name = xmp_string_new(), text = xmp_string_new();
    bool any = false, ok = xmp && xmp_parse(xmp, s.p, s.n);
    int left = XMP_PROPERTIES_MAX;
    while (ok && left-- > 0 && xmp_next_other(xmp, ns, name, &any))
        ok = xmp_delete_property(xmp, xmp_string_cstr(ns), xmp_string_cstr(name));
    if (ok && left > 0 && any &&
        xmp_serialize(xmp, text, XMP_SERIAL_OMITPACKETWRAPPER | XMP_SERIAL_USECOMPACTFORMAT, 0))
        alb_buf_c(out, xmp_string_cstr(text));
    xmp_string_free(ns);
    xmp_string_free(name);
    xmp_string_free(text);
    if (xmp)
        xmp_free(xmp);
}
