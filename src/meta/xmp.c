/* SPDX-License-Identifier: Apache-2.0
 *
 * XMP packets and sidecars, parsed by exempi. What could keep an XML parser busy is refused before it is
 * called: document types (entities), deep nesting, other encodings than UTF-8.
 */
#include <exempi/xmp.h>
#include <exempi/xmpconsts.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "meta/priv.h"

#define NS_DIGIKAM "http://www.digikam.org/ns/1.0/"
#define NS_MS_PHOTO "http://ns.microsoft.com/photo/1.0/"
#define NS_GPANO "http://ns.google.com/photos/1.0/panorama/"
#define NS_GCAMERA "http://ns.google.com/photos/1.0/camera/"
#define NS_CONTAINER "http://ns.google.com/photos/1.0/container/"
#define NS_ITEM "http://ns.google.com/photos/1.0/container/item/"
#define NS_EXIF_EX "http://cipa.jp/exif/1.0/"
#define NS_IPTC_EXT "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
#define DEPTH_MAX 48

struct reader {
    struct alb_arena *a;
    struct alb_meta *m;
    XmpPtr xmp;
    XmpStringPtr s; /* reused for every value */
};

void alb_meta_global_init(void)
{
    static const char *const spaces[][2] = {
        {NS_DIGIKAM, "digiKam"},     {NS_MS_PHOTO, "MicrosoftPhoto"},
        {NS_GPANO, "GPano"},         {NS_GCAMERA, "GCamera"},
        {NS_CONTAINER, "Container"}, {NS_ITEM, "Item"},
        {NS_EXIF_EX, "exifEX"},      {NS_LIGHTROOM, "lr"},
        {NS_IPTC_EXT, "Iptc4xmpExt"},
    };
    alb_ignore(!xmp_init(), "without it every packet fails to parse, which readers report as nothing found");
    for (size_t i = 0; i < ALB_ARRAY_LEN(spaces); i++)
        xmp_register_namespace(spaces[i][0], spaces[i][1], NULL);
}

/* ---- before the parser ---- */

static size_t skip_past(struct alb_str s, size_t from, struct alb_str mark)
{
    size_t at = alb_str_find_str(alb_str_from(s, from), mark);
    return at == ALB_STR_NPOS ? s.n : from + at + mark.n;
}

/* Behind the '>' of the tag that begins at `from`; *open: it has contents. */
static size_t skip_tag(struct alb_str s, size_t from, bool *open)
{
    char quote = 0;
    for (size_t i = from; i < s.n; i++) {
        char c = s.p[i];
        if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            *open = s.p[i - 1] != '/';
            return i + 1;
        }
    }
    *open = false;
    return s.n;
}

static bool is_harmless(struct alb_str s)
{
    unsigned depth = 0;
    size_t off = 0;
    while (off < s.n) {
        size_t lt = alb_str_find(alb_str_from(s, off), '<');
        if (lt == ALB_STR_NPOS)
            return true;
        off += lt;
        struct alb_str rest = alb_str_from(s, off);
        bool open = false;
        if (alb_str_starts(rest, ALB_STR("<!--"))) {
            off = skip_past(s, off + 4, ALB_STR("-->"));
        } else if (alb_str_starts(rest, ALB_STR("<![CDATA["))) {
            off = skip_past(s, off + 9, ALB_STR("]]>"));
        } else if (alb_str_starts(rest, ALB_STR("<!"))) {
            return false;
        } else if (alb_str_starts(rest, ALB_STR("<?"))) {
            off = skip_past(s, off + 2, ALB_STR("?>"));
        } else if (alb_str_starts(rest, ALB_STR("</"))) {
            depth -= depth > 0;
            off += 2;
        } else {
            off = skip_tag(s, off + 1, &open);
            depth += open;
        }
        if (depth > DEPTH_MAX)
            return false;
    }
    return true;
}

/* ---- values ---- */

static struct alb_str view(const struct reader *r)
{
    return alb_str_c(xmp_string_cstr(r->s));
}

static struct alb_str property(const struct reader *r, const char *ns, const char *name)
{
    return xmp_get_property(r->xmp, ns, name, r->s, NULL) ? view(r) : ALB_STR_NONE;
}

static struct alb_str text(const struct reader *r, const char *ns, const char *name, size_t max)
{
    return alb_meta_text(r->a, property(r, ns, name), max, false);
}

static struct alb_str alt_text(const struct reader *r, const char *ns, const char *name, size_t max,
                               bool lines)
{
    if (xmp_get_localized_text(r->xmp, ns, name, "", "x-default", NULL, r->s, NULL))
        return alb_meta_text(r->a, view(r), max, lines);
    return alb_meta_text(r->a, property(r, ns, name), max, lines); /* plain text where a list belongs */
}

/* "28/10", "2.8", "+3" */
static double number(struct alb_str s)
{
    struct alb_str head, tail;
    double a, b;
    if (!alb_str_cut(s, '/', &head, &tail))
        return alb_str_double(s, &a) ? a : (double)NAN;
    if (!alb_str_double(head, &a) || !alb_str_double(tail, &b) || b == 0)
        return (double)NAN;
    return a / b;
}

static double number_in(const struct reader *r, const char *ns, const char *name, double least, double most)
{
    double v = number(property(r, ns, name));
    return v >= least && v <= most ? v : 0;
}

/* ---- keywords ---- */

static void paths(const struct reader *r, const char *ns, const char *name, char sep)
{
    for (int32_t i = 1; i <= ALB_META_KEYWORDS_MAX; i++) {
        if (!xmp_get_array_item(r->xmp, ns, name, i, r->s, NULL))
            return;
        alb_meta_keyword(r->a, r->m, alb_meta_path(r->a, view(r), sep));
    }
}

/* Programs write each part of a path again as a flat word: those say nothing new. */
static bool is_part(const struct alb_meta *m, size_t upto, struct alb_str word)
{
    for (size_t i = 0; i < upto; i++) {
        struct alb_str rest = m->keywords[i], part;
        while (alb_str_next(&rest, '/', &part)) {
            if (alb_str_eq(part, word))
                return true;
        }
    }
    return false;
}

static void read_keywords(const struct reader *r)
{
    paths(r, NS_DIGIKAM, "TagsList", '/');
    paths(r, NS_LIGHTROOM, "hierarchicalSubject", '|');
    paths(r, NS_MS_PHOTO, "LastKeywordXMP", '/');
    size_t hierarchical = r->m->keyword_count;
    for (int32_t i = 1; i <= ALB_META_KEYWORDS_MAX; i++) {
        if (!xmp_get_array_item(r->xmp, NS_DC, "subject", i, r->s, NULL))
            return;
        struct alb_str word = alb_meta_text(r->a, view(r), ALB_META_KEYWORD_MAX, false);
        if (!is_part(r->m, hierarchical, word))
            alb_meta_keyword(r->a, r->m, word);
    }
}

/* ---- the rest ---- */

static void read_words(const struct reader *r)
{
    struct alb_meta *m = r->m;
    m->title = alt_text(r, NS_DC, "title", ALB_META_TITLE_MAX, false);
    if (m->title.n == 0)
        m->title = text(r, NS_PHOTOSHOP, "Headline", ALB_META_TITLE_MAX);
    m->description = alt_text(r, NS_DC, "description", ALB_META_TEXT_MAX, true);
    m->copyright = alt_text(r, NS_DC, "rights", ALB_META_TITLE_MAX, false);
    struct alb_buf names = ALB_BUF_INIT(ALB_META_NAME_MAX);
    for (int32_t i = 1; i <= 16 && xmp_get_array_item(r->xmp, NS_DC, "creator", i, r->s, NULL); i++) {
        if (i > 1)
            alb_buf_c(&names, ", ");
        alb_buf_str(&names, view(r));
    }
    m->author = alb_meta_text(r->a, alb_buf_view(&names), ALB_META_NAME_MAX, false);
    alb_buf_fini(&names);
    struct alb_str rating = property(r, NS_XAP, "Rating");
    double v = number(rating);
    if (!isnan(v) && v >= -1 && v <= 5)
        alb_meta_set_rating(m, (int64_t)v);
}

/* One field of the first place of a list of places. */
static struct alb_str place_text(const struct reader *r, const char *list, const char *field)
{
    struct alb_buf path = ALB_BUF_INIT(128);
    struct alb_str s = ALB_STR_NONE;
    alb_buf_printf(&path, "%s[1]/Iptc4xmpExt:%s", list, field);
    if (alb_buf_code(&path) == ALB_OK)
        s = text(r, NS_IPTC_EXT, alb_buf_cstr(&path), ALB_META_NAME_MAX);
    alb_buf_fini(&path);
    return s;
}

/* The three fields that every program writes; else the first list of places that says anything. Never fields
 * of two of them: a city of one and a country of the other is a place that does not exist. */
static void read_place(const struct reader *r)
{
    static const char *const lists[] = {"LocationCreated", "LocationShown"};
    struct alb_meta *m = r->m;
    m->city = text(r, NS_PHOTOSHOP, "City", ALB_META_NAME_MAX);
    m->state = text(r, NS_PHOTOSHOP, "State", ALB_META_NAME_MAX);
    m->country = text(r, NS_PHOTOSHOP, "Country", ALB_META_NAME_MAX);
    for (size_t i = 0; i < ALB_ARRAY_LEN(lists) && m->city.n + m->state.n + m->country.n == 0; i++) {
        m->city = place_text(r, lists[i], "City");
        m->state = place_text(r, lists[i], "ProvinceState");
        m->country = place_text(r, lists[i], "CountryName");
    }
}

static void read_camera(const struct reader *r)
{
    struct alb_meta *m = r->m;
    m->make = text(r, NS_TIFF, "Make", ALB_META_NAME_MAX);
    m->model = text(r, NS_TIFF, "Model", ALB_META_NAME_MAX);
    m->lens = text(r, NS_EXIF_EX, "LensModel", ALB_META_NAME_MAX);
    if (m->lens.n == 0)
        m->lens = text(r, NS_EXIF_AUX, "Lens", ALB_META_NAME_MAX);
    m->software = text(r, NS_XAP, "CreatorTool", ALB_META_NAME_MAX);
    m->f_number = number_in(r, NS_EXIF, "FNumber", 0.1, 1000);
    m->focal_mm = number_in(r, NS_EXIF, "FocalLength", 0.01, 100000);
    m->exposure_s = number_in(r, NS_EXIF, "ExposureTime", 1e-7, 1e6);
    if (xmp_get_array_item(r->xmp, NS_EXIF, "ISOSpeedRatings", 1, r->s, NULL)) {
        double iso = number(view(r));
        m->iso = iso >= 1 && iso <= 1e8 ? (uint32_t)iso : 0;
    }
    m->orientation = (uint8_t)number_in(r, NS_TIFF, "Orientation", 1, 8);
    m->width = (uint32_t)number_in(r, NS_EXIF, "PixelXDimension", 1, 1e6);
    m->height = (uint32_t)number_in(r, NS_EXIF, "PixelYDimension", 1, 1e6);
    if (m->width == 0 || m->height == 0)
        m->width = m->height = 0;
    m->projection = text(r, NS_GPANO, "ProjectionType", ALB_META_NAME_MAX);
}

static void read_time(const struct reader *r)
{
    static const char *const places[][2] = {
        {NS_EXIF, "DateTimeOriginal"},
        {NS_PHOTOSHOP, "DateCreated"},
        {NS_XAP, "CreateDate"},
        {NS_EXIF, "DateTimeDigitized"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(places); i++) {
        if (alb_meta_time_parse(property(r, places[i][0], places[i][1]), &r->m->taken))
            return;
    }
}

/* "51,30.25N", "51,30,15N" */
static double degrees(struct alb_str s, char negative)
{
    struct alb_str part;
    double v = 0, unit = 1;
    if (s.n < 2)
        return (double)NAN;
    char ref = alb_lower(s.p[s.n - 1]);
    s.n--;
    for (int i = 0; i < 3 && alb_str_next(&s, ',', &part); i++, unit /= 60) {
        double n;
        if (!alb_str_double(part, &n))
            return (double)NAN;
        v += n * unit;
    }
    return ref == negative ? -v : v;
}

static void read_gps(const struct reader *r)
{
    double lat = degrees(property(r, NS_EXIF, "GPSLatitude"), 's');
    double lon = degrees(property(r, NS_EXIF, "GPSLongitude"), 'w');
    alb_meta_set_gps(r->m, lat, lon);
    double alt = number(property(r, NS_EXIF, "GPSAltitude"));
    if (r->m->has_gps && alt >= 0 && alt < 100000) {
        r->m->has_altitude = true;
        r->m->altitude_m = alb_str_eq_c(property(r, NS_EXIF, "GPSAltitudeRef"), "1") ? -alt : alt;
    }
}

static int64_t whole(struct alb_str s)
{
    int64_t v;
    return alb_str_i64(s, &v) ? v : -1;
}

/* Motion photos: MicroVideoOffset, or a container directory whose last item is the video. */
static void read_motion(const struct reader *r)
{
    struct alb_meta *m = r->m;
    m->motion_photo = whole(property(r, NS_GCAMERA, "MotionPhoto")) == 1 ||
                      whole(property(r, NS_GCAMERA, "MicroVideo")) == 1;
    if (!m->motion_photo)
        return;
    int64_t from_end = whole(property(r, NS_GCAMERA, "MicroVideoOffset"));
    for (int i = 1; i <= 16 && from_end <= 0; i++) {
        struct alb_buf path = ALB_BUF_INIT(128);
        alb_buf_printf(&path, "Container:Directory[%d]/Container:Item/Item:", i);
        size_t stem = path.n;
        alb_buf_c(&path, "Semantic");
        bool video = alb_str_eq_c(property(r, NS_CONTAINER, alb_buf_cstr(&path)), "MotionPhoto");
        path.n = stem;
        alb_buf_c(&path, "Length");
        if (video)
            from_end = whole(property(r, NS_CONTAINER, alb_buf_cstr(&path)));
        alb_buf_fini(&path);
    }
    m->motion_from_end = from_end > 0 ? from_end : 0;
    int64_t us = whole(property(r, NS_GCAMERA, "MotionPhotoPresentationTimestampUs"));
    if (us < 0)
        us = whole(property(r, NS_GCAMERA, "MicroVideoPresentationTimestampUs"));
    m->motion_still_us = us >= 0 ? us : -1;
}

bool alb_meta_xmp_harmless(struct alb_str *s)
{
    if (s->n < 16 || s->n > ALB_META_BLOCK_MAX)
        return false;
    while (s->n > 0 && s->p[s->n - 1] == '\0')
        s->n--;
    return alb_str_is_utf8(*s) && alb_str_find(*s, '\0') == ALB_STR_NPOS && is_harmless(*s);
}

enum alb_code alb_meta_xmp(struct alb_arena *a, struct alb_meta *m, const void *p, size_t n,
                           struct alb_err *err)
{
    struct alb_str s = {p, n};
    if (!alb_meta_xmp_harmless(&s))
        return ALB_OK;
    struct reader r = {a, m, xmp_new_empty(), xmp_string_new()};
    bool ok = r.xmp && r.s && xmp_parse(r.xmp, s.p, s.n);
    if (ok) {
        read_words(&r);
        read_keywords(&r);
        read_place(&r);
        read_camera(&r);
        read_time(&r);
        read_gps(&r);
        read_motion(&r);
    }
    if (r.s)
        xmp_string_free(r.s);
    if (r.xmp)
        xmp_free(r.xmp);
    return alb_meta_done(a, err);
}
