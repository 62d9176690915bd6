/* SPDX-License-Identifier: Apache-2.0
 *
 * EXIF blocks, parsed by libexif, read by tag. libexif's own value strings are for people; we read the raw
 * values of each entry with its stated format and count, and drop what is not plausible.
 */
#include <libexif/exif-data.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "meta/priv.h"

/* Tags that libexif has no name for. */
#define TAG_RATING 0x4746
/* "no number": fails every comparison */
#define NONE ((double)NAN)

struct reader {
    struct alb_arena *a;
    struct alb_meta *m;
    ExifData *d;
    ExifByteOrder order;
};

static const ExifEntry *find(const struct reader *r, ExifIfd ifd, unsigned tag)
{
    const ExifEntry *e = exif_content_get_entry(r->d->ifd[ifd], (ExifTag)tag);
    return e && e->data && e->size > 0 ? e : NULL;
}

static struct alb_str raw(const struct reader *r, ExifIfd ifd, unsigned tag)
{
    const ExifEntry *e = find(r, ifd, tag);
    return e ? (struct alb_str){(const char *)e->data, e->size} : ALB_STR_NONE;
}

static struct alb_str text(const struct reader *r, ExifIfd ifd, unsigned tag, size_t max, bool lines)
{
    const ExifEntry *e = find(r, ifd, tag);
    if (!e || (e->format != EXIF_FORMAT_ASCII && e->format != EXIF_FORMAT_BYTE &&
               e->format != EXIF_FORMAT_UNDEFINED))
        return ALB_STR_NONE;
    return alb_meta_text(r->a, (struct alb_str){(const char *)e->data, e->size}, max, lines);
}

/* The i-th value of an entry as a number; NAN if there is none. */
static double number_at(const struct reader *r, const ExifEntry *e, size_t i)
{
    if (!e || i >= e->components || (i + 1) * exif_format_get_size(e->format) > e->size)
        return NONE;
    const unsigned char *p = e->data + i * exif_format_get_size(e->format);
    switch ((int)e->format) {
    case EXIF_FORMAT_BYTE:
        return *p;
    case EXIF_FORMAT_SHORT:
        return exif_get_short(p, r->order);
    case EXIF_FORMAT_SSHORT:
        return exif_get_sshort(p, r->order);
    case EXIF_FORMAT_LONG:
        return exif_get_long(p, r->order);
    case EXIF_FORMAT_SLONG:
        return exif_get_slong(p, r->order);
    case EXIF_FORMAT_RATIONAL: {
        ExifRational q = exif_get_rational(p, r->order);
        return q.denominator ? (double)q.numerator / q.denominator : NONE;
    }
    case EXIF_FORMAT_SRATIONAL: {
        ExifSRational q = exif_get_srational(p, r->order);
        return q.denominator ? (double)q.numerator / q.denominator : NONE;
    }
    default:
        return NONE;
    }
}

static double number(const struct reader *r, ExifIfd ifd, unsigned tag)
{
    return number_at(r, find(r, ifd, tag), 0);
}

/* v if it lies in [least, most], else 0. NAN fails both comparisons. */
static double within(double v, double least, double most)
{
    return v >= least && v <= most ? v : 0;
}

/* ---- groups of tags ---- */

/* "24-70mm f/2.8" from the lens specification, for lenses that state no name. */
static struct alb_str lens_of_numbers(const struct reader *r)
{
    const ExifEntry *e = find(r, EXIF_IFD_EXIF, EXIF_TAG_LENS_SPECIFICATION);
    double least = number_at(r, e, 0), most = number_at(r, e, 1), open = number_at(r, e, 2);
    double tele = number_at(r, e, 3);
    struct alb_buf b = ALB_BUF_INIT(ALB_META_NAME_MAX);
    if (!(least >= 1 && least <= most && most < 10000))
        return ALB_STR_NONE;
    alb_buf_printf(&b, "%g", least);
    if (most > least)
        alb_buf_printf(&b, "-%g", most);
    alb_buf_c(&b, "mm");
    if (open >= 0.5 && open <= 64)
        alb_buf_printf(&b, " f/%g", open);
    if (open >= 0.5 && tele > open && tele <= 64)
        alb_buf_printf(&b, "-%g", tele);
    struct alb_str s = alb_meta_text(r->a, alb_buf_view(&b), ALB_META_NAME_MAX, false);
    alb_buf_fini(&b);
    return s;
}

static void read_camera(const struct reader *r)
{
    struct alb_meta *m = r->m;
    m->make = text(r, EXIF_IFD_0, EXIF_TAG_MAKE, ALB_META_NAME_MAX, false);
    m->model = text(r, EXIF_IFD_0, EXIF_TAG_MODEL, ALB_META_NAME_MAX, false);
    m->software = text(r, EXIF_IFD_0, EXIF_TAG_SOFTWARE, ALB_META_NAME_MAX, false);
    m->lens = text(r, EXIF_IFD_EXIF, EXIF_TAG_LENS_MODEL, ALB_META_NAME_MAX, false);
    if (m->lens.n == 0)
        m->lens = lens_of_numbers(r);
    double orientation = within(number(r, EXIF_IFD_0, EXIF_TAG_ORIENTATION), 1, 8);
    m->orientation = (uint8_t)orientation;
    m->width = (uint32_t)within(number(r, EXIF_IFD_EXIF, EXIF_TAG_PIXEL_X_DIMENSION), 1, 1e6);
    m->height = (uint32_t)within(number(r, EXIF_IFD_EXIF, EXIF_TAG_PIXEL_Y_DIMENSION), 1, 1e6);
    if (m->width == 0 || m->height == 0)
        m->width = m->height = 0;
}

static void read_exposure(const struct reader *r)
{
    struct alb_meta *m = r->m;
    double v = within(number(r, EXIF_IFD_EXIF, EXIF_TAG_EXPOSURE_TIME), 1e-7, 1e6);
    if (v == 0) { /* APEX: 2^-Tv */
        double tv = number(r, EXIF_IFD_EXIF, EXIF_TAG_SHUTTER_SPEED_VALUE);
        v = tv > -20 && tv < 20 ? exp2(-tv) : 0;
    }
    m->exposure_s = v;
    v = within(number(r, EXIF_IFD_EXIF, EXIF_TAG_FNUMBER), 0.1, 1000);
    if (v == 0) { /* APEX: 2^(Av/2) */
        double av = number(r, EXIF_IFD_EXIF, EXIF_TAG_APERTURE_VALUE);
        v = av > -5 && av < 20 ? exp2(av / 2) : 0;
    }
    m->f_number = v;
    m->focal_mm = within(number(r, EXIF_IFD_EXIF, EXIF_TAG_FOCAL_LENGTH), 0.01, 100000);
    m->focal_35mm = within(number(r, EXIF_IFD_EXIF, EXIF_TAG_FOCAL_LENGTH_IN_35MM_FILM), 1, 100000);
    double iso = number(r, EXIF_IFD_EXIF, EXIF_TAG_ISO_SPEED_RATINGS);
    if (!(iso > 0) || iso >= 65535) /* the 16-bit tag is full: the long one counts */
        iso = number(r, EXIF_IFD_EXIF, EXIF_TAG_RECOMMENDED_EXPOSURE_INDEX);
    if (!(iso > 0))
        iso = number(r, EXIF_IFD_EXIF, EXIF_TAG_ISO_SPEED);
    m->iso = (uint32_t)within(iso, 1, 1e8);
}

/* What people write. Cameras fill some of it with their own name: that says nothing. */
static bool is_filler(struct alb_str s)
{
    static const char *const known[] = {"OLYMPUS DIGITAL CAMERA",
                                        "SONY DSC",
                                        "MINOLTA DIGITAL CAMERA",
                                        "KONICA MINOLTA DIGITAL CAMERA",
                                        "DIGITAL CAMERA",
                                        "Default",
                                        "SAMSUNG",
                                        "DCIM",
                                        "untitled"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(known); i++) {
        if (alb_str_eq_ci(s, alb_str_c(known[i])))
            return true;
    }
    return false;
}

/* Many programs write UTF-16 in the byte order of their machine, whatever the block says. A mark decides;
 * else the zeroes of Latin letters, if there are any, stand in front in big-endian text. */
static bool is_big(struct alb_str s, bool stated)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t front = 0, behind = 0;
    if (s.n >= 2 && ((p[0] == 0xfe && p[1] == 0xff) || (p[0] == 0xff && p[1] == 0xfe)))
        return p[0] == 0xfe;
    for (size_t i = 0; i + 1 < s.n; i += 2) {
        front += p[i] == 0 && p[i + 1] != 0;
        behind += p[i] != 0 && p[i + 1] == 0;
    }
    return front == behind ? stated : front > behind;
}

static struct alb_str user_comment(const struct reader *r)
{
    struct alb_str s = raw(r, EXIF_IFD_EXIF, EXIF_TAG_USER_COMMENT);
    struct alb_str body = alb_str_from(s, 8);
    if (alb_str_starts(s, ALB_STR("UNICODE\0")))
        return alb_meta_text_utf16(r->a, body, is_big(body, r->order == EXIF_BYTE_ORDER_MOTOROLA),
                                   ALB_META_TEXT_MAX, true);
    if (alb_str_starts(s, ALB_STR("ASCII\0\0\0")) || alb_str_starts(s, ALB_STR("\0\0\0\0\0\0\0\0")))
        return alb_meta_text(r->a, body, ALB_META_TEXT_MAX, true);
    return ALB_STR_NONE;
}

static struct alb_str windows_text(const struct reader *r, unsigned tag, size_t max, bool lines)
{
    return alb_meta_text_utf16(r->a, raw(r, EXIF_IFD_0, tag), false, max, lines);
}

static void read_words(const struct reader *r)
{
    struct alb_meta *m = r->m;
    m->description = text(r, EXIF_IFD_0, EXIF_TAG_IMAGE_DESCRIPTION, ALB_META_TEXT_MAX, true);
    if (is_filler(m->description))
        m->description = ALB_STR_NONE;
    if (m->description.n == 0)
        m->description = user_comment(r);
    if (m->description.n == 0)
        m->description = windows_text(r, EXIF_TAG_XP_COMMENT, ALB_META_TEXT_MAX, true);
    m->title = windows_text(r, EXIF_TAG_XP_TITLE, ALB_META_TITLE_MAX, false);
    m->author = text(r, EXIF_IFD_0, EXIF_TAG_ARTIST, ALB_META_NAME_MAX, false);
    if (m->author.n == 0)
        m->author = windows_text(r, EXIF_TAG_XP_AUTHOR, ALB_META_NAME_MAX, false);
    m->copyright = text(r, EXIF_IFD_0, EXIF_TAG_COPYRIGHT, ALB_META_TITLE_MAX, false);
    struct alb_str words = windows_text(r, EXIF_TAG_XP_KEYWORDS, ALB_META_TEXT_MAX, false), word;
    while (words.n > 0 && alb_str_next(&words, ';', &word))
        alb_meta_keyword(r->a, m, alb_str_trim(word));
    double rating = number(r, EXIF_IFD_0, TAG_RATING);
    if (rating >= 1 && rating <= 5)
        alb_meta_set_rating(m, (int64_t)rating);
}

/* ---- time ---- */

static bool gps_time(const struct reader *r, int64_t *utc_ms)
{
    struct alb_meta_time t;
    const ExifEntry *e = find(r, EXIF_IFD_GPS, EXIF_TAG_GPS_TIME_STAMP);
    double h = number_at(r, e, 0), mi = number_at(r, e, 1), s = number_at(r, e, 2);
    struct alb_str day = text(r, EXIF_IFD_GPS, EXIF_TAG_GPS_DATE_STAMP, 32, false);
    if (!(h >= 0 && h < 24) || !(mi >= 0 && mi < 60) || !(s >= 0 && s < 61) || !alb_meta_time_parse(day, &t))
        return false;
    *utc_ms = t.local_ms + (int64_t)((h * 3600 + mi * 60 + s) * 1000);
    return true;
}

/* The satellites' time is UTC: its distance from the wall clock, if it is close to a quarter of an hour, is
 * the offset. A stale fix gives an odd distance and tells nothing. */
static void offset_from_gps(const struct reader *r, struct alb_meta_time *t)
{
    int64_t utc, quarter = 15 * 60000;
    if (!gps_time(r, &utc))
        return;
    int64_t diff = t->local_ms - utc;
    int64_t steps = (diff + (diff >= 0 ? quarter / 2 : -quarter / 2)) / quarter;
    int64_t rest = diff - steps * quarter;
    if (steps >= -4 * 14 && steps <= 4 * 14 && rest > -120000 && rest < 120000)
        alb_meta_time_set_offset(t, (int16_t)(steps * 15));
}

static void add_subsec(struct alb_meta_time *t, struct alb_str s)
{
    int64_t ms = 0, unit = 100;
    for (size_t i = 0; i < s.n && i < 3 && alb_is_digit(s.p[i]); i++, unit /= 10)
        ms += (s.p[i] - '0') * unit;
    if (t->local_ms % 1000 == 0) {
        t->local_ms += ms;
        t->utc_ms += ms;
    }
}

static void read_time(const struct reader *r)
{
    static const struct {
        ExifIfd ifd;
        unsigned tag, subsec, offset;
    } times[3] = {
        {EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL, EXIF_TAG_SUB_SEC_TIME_ORIGINAL,
         EXIF_TAG_OFFSET_TIME_ORIGINAL},
        {EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_DIGITIZED, EXIF_TAG_SUB_SEC_TIME_DIGITIZED,
         EXIF_TAG_OFFSET_TIME_DIGITIZED},
        {EXIF_IFD_0, EXIF_TAG_DATE_TIME, EXIF_TAG_SUB_SEC_TIME, EXIF_TAG_OFFSET_TIME},
    };
    struct alb_meta_time *t = &r->m->taken;
    for (size_t i = 0; i < 3 && !t->known; i++) {
        if (!alb_meta_time_parse(text(r, times[i].ifd, times[i].tag, 64, false), t))
            continue;
        r->m->taken_is_weak = i == 2;
        add_subsec(t, text(r, EXIF_IFD_EXIF, times[i].subsec, 16, false));
        int16_t minutes;
        struct alb_str offset = text(r, EXIF_IFD_EXIF, times[i].offset, 16, false);
        if (offset.n == 0) /* some cameras state it once, for all */
            offset = text(r, EXIF_IFD_EXIF, EXIF_TAG_OFFSET_TIME, 16, false);
        if (!t->has_offset && alb_meta_offset_parse(offset, &minutes))
            alb_meta_time_set_offset(t, minutes);
        if (!t->has_offset && i == 0)
            offset_from_gps(r, t);
    }
}

/* ---- place ---- */

static double degrees(const struct reader *r, unsigned tag, unsigned ref_tag, const char *negative)
{
    const ExifEntry *e = find(r, EXIF_IFD_GPS, tag);
    double d = number_at(r, e, 0), min = number_at(r, e, 1), s = number_at(r, e, 2);
    if (isnan(d))
        return NONE;
    d += (isnan(min) ? 0 : min / 60) + (isnan(s) ? 0 : s / 3600);
    struct alb_str ref = text(r, EXIF_IFD_GPS, ref_tag, 8, false);
    return ref.n > 0 && alb_lower(ref.p[0]) == negative[0] ? -d : d;
}

static void read_gps(const struct reader *r)
{
    alb_meta_set_gps(r->m, degrees(r, EXIF_TAG_GPS_LATITUDE, EXIF_TAG_GPS_LATITUDE_REF, "s"),
                     degrees(r, EXIF_TAG_GPS_LONGITUDE, EXIF_TAG_GPS_LONGITUDE_REF, "w"));
    double alt = number(r, EXIF_IFD_GPS, EXIF_TAG_GPS_ALTITUDE);
    if (r->m->has_gps && alt >= 0 && alt < 100000) {
        r->m->has_altitude = true;
        r->m->altitude_m = number(r, EXIF_IFD_GPS, EXIF_TAG_GPS_ALTITUDE_REF) == 1 ? -alt : alt;
    }
}

/* ---- Apple's maker note: "Apple iOS\0", version, byte order, then a directory; offsets from its beginning
 * ---- */

static uint32_t be(struct alb_str s, size_t off, size_t bytes)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes && off < s.n && bytes <= s.n - off; i++)
        v = v << 8 | (unsigned char)s.p[off + i];
    return v;
}

static void read_apple(const struct reader *r)
{
    struct alb_str note = raw(r, EXIF_IFD_EXIF, EXIF_TAG_MAKER_NOTE);
    if (!alb_str_starts(note, ALB_STR("Apple iOS\0")) ||
        !alb_str_starts(alb_str_from(note, 12), ALB_STR("MM")))
        return;
    uint32_t count = be(note, 14, 2);
    for (uint32_t i = 0; i < count && i < 256; i++) {
        size_t e = 16 + 12 * (size_t)i;
        uint32_t n = be(note, e + 4, 4);
        if (be(note, e, 2) != 0x11 || be(note, e + 2, 2) != 2 || n > 128)
            continue;
        struct alb_str id = n > 4 ? alb_str_sub(note, be(note, e + 8, 4), n) : alb_str_sub(note, e + 8, n);
        r->m->content_id = alb_meta_text(r->a, id, ALB_META_NAME_MAX, false);
        return;
    }
}

static enum alb_code read_all(struct alb_arena *a, struct alb_meta *m, const unsigned char *p, size_t n,
                              struct alb_err *err)
{
    ExifData *d = exif_data_new();
    if (!d)
        return alb_fail(err, ALB_E_NO_MEMORY, "libexif has no memory");
    exif_data_unset_option(d, EXIF_DATA_OPTION_IGNORE_UNKNOWN_TAGS);
    exif_data_unset_option(d, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
    exif_data_load_data(d, p, (unsigned)n);
    struct reader r = {a, m, d, exif_data_get_byte_order(d)};
    read_camera(&r);
    read_exposure(&r);
    read_words(&r);
    read_time(&r);
    read_gps(&r);
    read_apple(&r);
    exif_data_unref(d);
    return alb_meta_done(a, err);
}

enum alb_code alb_meta_exif(struct alb_arena *a, struct alb_meta *m, const void *p, size_t n,
                            struct alb_err *err)
{
    struct alb_str s = {p, n};
    if (n < 8 || n > ALB_META_BLOCK_MAX)
        return ALB_OK;
    if (alb_str_starts(s, ALB_STR("Exif\0\0")))
        return read_all(a, m, p, n, err);
    if (!alb_str_starts(s, ALB_STR("II")) && !alb_str_starts(s, ALB_STR("MM")))
        return ALB_OK;
    /* libexif wants the mark */
    unsigned char *marked = alb_arena_alloc(a, n + 6);
    if (!marked)
        return alb_meta_done(a, err);
    memcpy(marked, "Exif\0\0", 6);
    memcpy(marked + 6, p, n);
    return read_all(a, m, marked, n + 6, err);
}
