/* SPDX-License-Identifier: Apache-2.0
 *
 * Text, times and positions as files write them. Nothing here trusts a length or an encoding.
 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "meta/priv.h"

/* ---- text ---- */

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* The length up to max that does not cut a character. */
static size_t cut_utf8(const char *p, size_t n, size_t max)
{
    if (n <= max)
        return n;
    while (max > 0 && ((unsigned char)p[max] & 0xc0) == 0x80)
        max--;
    return max;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

static struct alb_str trimmed(const char *p, size_t n, size_t max)
{
    size_t from = 0;
    while (from < n && is_space(p[from]))
        from++;
    n = from + cut_utf8(p + from, n - from, max);
    while (n > from && is_space(p[n - 1]))
        n--;
    return (struct alb_str){p + from, n - from};
}

/* Valid UTF-8 into clean UTF-8: controls out, blanks at the ends out. */
static struct alb_str clean(struct alb_arena *a, struct alb_str s, size_t max, bool lines)
{
    char *out = alb_arena_alloc(a, s.n + 1);
    size_t n = 0;
    if (!out)
        return ALB_STR_NONE;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0) { /* C1 controls */
            i++;
            continue;
        }
        if (c >= 0x20 && c != 0x7f)
            out[n++] = (char)c;
        else if (c == '\n' || c == '\t')
            out[n++] = lines ? (char)c : ' ';
    }
    return trimmed(out, n, max);
}

/* A byte of Windows-1252: Latin-1 with quotes, dashes and the euro where Latin-1 has controls. */
static uint32_t of_byte(unsigned char c)
{
    static const uint16_t high[32] = {
        0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
        0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
    };
    return c >= 0x80 && c < 0xa0 && high[c - 0x80] != 0 ? high[c - 0x80] : c;
}

/* Fields of a fixed length cut the last character of UTF-8 in two. Without that piece it is UTF-8, if there
 * are other characters beyond ASCII to show that it was meant to be. */
static struct alb_str without_half(struct alb_str s)
{
    for (size_t cut = 1; cut <= 3 && cut < s.n; cut++) {
        struct alb_str head = alb_str_sub(s, 0, s.n - cut);
        if ((unsigned char)s.p[head.n] < 0x80)
            break;
        if ((unsigned char)s.p[head.n] < 0xc0 || !alb_str_is_utf8(head))
            continue;
        for (size_t i = 0; i < head.n; i++)
            if ((unsigned char)head.p[i] >= 0x80)
                return head;
        break;
    }
    return s;
}

struct alb_str alb_meta_text(struct alb_arena *a, struct alb_str raw, size_t max, bool lines)
{
    size_t nul = alb_str_find(raw, '\0');
    if (nul != ALB_STR_NPOS)
        raw.n = nul;
    raw.n = cut_utf8(raw.p, raw.n, 4 * max);
    if (raw.n == 0)
        return ALB_STR_NONE;
    if (!alb_str_is_utf8(raw))
        raw = without_half(raw);
    if (alb_str_is_utf8(raw))
        return clean(a, raw, max, lines);
    char *wide = alb_arena_alloc(a, 3 * raw.n);
    if (!wide)
        return ALB_STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++)
        n += put_utf8(wide + n, of_byte((unsigned char)raw.p[i]));
    return clean(a, (struct alb_str){wide, n}, max, lines);
}

struct alb_str alb_meta_text_utf16(struct alb_arena *a, struct alb_str raw, bool big, size_t max, bool lines)
{
    size_t units = raw.n / 2 < 2 * max ? raw.n / 2 : 2 * max, n = 0;
    const unsigned char *p = (const unsigned char *)raw.p;
    char *wide = alb_arena_alloc(a, 3 * units + 1);
    if (!wide)
        return ALB_STR_NONE;
    for (size_t i = 0; i < units; i++) {
        uint32_t c = big ? (uint32_t)p[2 * i] << 8 | p[2 * i + 1] : (uint32_t)p[2 * i + 1] << 8 | p[2 * i];
        if (c == 0)
            break;
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < units) {
            uint32_t low =
                big ? (uint32_t)p[2 * i + 2] << 8 | p[2 * i + 3] : (uint32_t)p[2 * i + 3] << 8 | p[2 * i + 2];
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i++;
            }
        }
        if (c == 0xfeff || (c >= 0xd800 && c < 0xe000)) /* a mark, or half a character */
            continue;
        n += put_utf8(wide + n, c);
    }
    return clean(a, (struct alb_str){wide, n}, max, lines);
}

/* ---- keywords ---- */

void alb_meta_keyword(struct alb_arena *a, struct alb_meta *m, struct alb_str path)
{
    if (path.n == 0 || path.n > ALB_META_KEYWORD_MAX || m->keyword_count >= ALB_META_KEYWORDS_MAX)
        return;
    for (size_t i = 0; i < m->keyword_count; i++) {
        if (alb_str_eq(m->keywords[i], path))
            return;
    }
    if (!m->keywords)
        m->keywords = alb_arena_calloc(a, ALB_META_KEYWORDS_MAX, sizeof(*m->keywords));
    if (m->keywords)
        m->keywords[m->keyword_count++] = path;
}

struct alb_str alb_meta_path(struct alb_arena *a, struct alb_str raw, char sep)
{
    struct alb_str rest = alb_meta_text(a, raw, ALB_META_KEYWORD_MAX, false), part;
    char *out = alb_arena_alloc(a, 3 * rest.n + 1);
    size_t n = 0;
    if (!out || rest.n == 0)
        return ALB_STR_NONE;
    while (alb_str_next(&rest, sep, &part)) {
        part = alb_str_trim(part);
        if (part.n == 0)
            continue;
        if (n > 0)
            out[n++] = '/';
        for (size_t i = 0; i < part.n; i++) {
            if (part.p[i] == '/')
                n += put_utf8(out + n, 0x2215);
            else
                out[n++] = part.p[i];
        }
    }
    return (struct alb_str){out, n <= ALB_META_KEYWORD_MAX ? n : 0};
}

/* ---- times ---- */

static bool two(struct alb_str s, size_t off, int *out)
{
    if (s.n < off + 2 || !alb_is_digit(s.p[off]) || !alb_is_digit(s.p[off + 1]))
        return false;
    *out = (s.p[off] - '0') * 10 + (s.p[off + 1] - '0');
    return true;
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool parse_date(struct alb_str s, int64_t *days)
{
    int c, y, mo, d;
    if (s.n < 10 || !two(s, 0, &c) || !two(s, 2, &y) || !two(s, 5, &mo) || !two(s, 8, &d))
        return false;
    if (s.p[4] != s.p[7] || !memchr(":-/.", s.p[4], 4))
        return false;
    y += c * 100;
    if (y < 1800 || mo < 1 || mo > 12 || d < 1 || d > days_in_month(y, mo))
        return false;
    *days = alb_days_from_civil(y, mo, d);
    return true;
}

/* Digits behind a dot as milliseconds; *used tells how many bytes. */
static int64_t parse_fraction(struct alb_str s, size_t *used)
{
    int64_t ms = 0, unit = 100;
    size_t i = 0;
    for (; i < s.n && alb_is_digit(s.p[i]); i++, unit /= 10)
        ms += (s.p[i] - '0') * unit;
    *used = i;
    return ms;
}

bool alb_meta_offset_parse(struct alb_str s, int16_t *minutes)
{
    int h, m = 0;
    s = alb_str_trim(s);
    if (alb_str_eq_c(s, "Z")) {
        *minutes = 0;
        return true;
    }
    if (s.n < 3 || (s.p[0] != '+' && s.p[0] != '-') || !two(s, 1, &h))
        return false;
    size_t off = s.n > 3 && s.p[3] == ':' ? 4 : 3;
    if (s.n > 3 && (!two(s, off, &m) || s.n > off + 2))
        return false;
    if (h > 18 || m > 59)
        return false;
    *minutes = (int16_t)(s.p[0] == '-' ? -(h * 60 + m) : h * 60 + m);
    return true;
}

void alb_meta_time_set_offset(struct alb_meta_time *t, int16_t minutes)
{
    t->has_offset = true;
    t->offset_min = minutes;
    t->utc_ms = t->local_ms - (int64_t)minutes * 60000;
}

/* " 19:53[:20[.5]]" behind the date, in milliseconds; *used: how many bytes. False: not a time of day. */
static bool parse_clock(struct alb_str s, int64_t *ms, size_t *used)
{
    int h, m, sec = 0;
    if (s.n < 6 || (s.p[0] != ' ' && s.p[0] != 'T') || !two(s, 1, &h) || s.p[3] != ':' || !two(s, 4, &m))
        return false;
    *used = 6;
    *ms = 0;
    if (s.n > 6 && s.p[6] == ':') {
        if (!two(s, 7, &sec))
            return false;
        *used = 9;
    }
    if (s.n > *used && (s.p[*used] == '.' || s.p[*used] == ',')) {
        size_t digits;
        *ms = parse_fraction(alb_str_from(s, *used + 1), &digits);
        *used += 1 + digits;
    }
    *ms += (h * 60 + m) * (int64_t)60000 + sec * (int64_t)1000;
    return h <= 23 && m <= 59 && sec <= 60;
}

bool alb_meta_time_parse(struct alb_str s, struct alb_meta_time *t)
{
    int64_t days, ms = 0;
    size_t used = 0;
    int16_t offset;
    s = alb_str_trim(s);
    memset(t, 0, sizeof(*t));
    if (!parse_date(s, &days) || (s.n > 10 && !parse_clock(alb_str_from(s, 10), &ms, &used)))
        return false;
    t->known = true;
    t->local_ms = days * 86400000 + ms;
    t->utc_ms = t->local_ms;
    struct alb_str rest = alb_str_from(s, 10 + used);
    if (rest.n > 0 && alb_meta_offset_parse(rest, &offset))
        alb_meta_time_set_offset(t, offset);
    return true;
}

/* ---- positions and ratings ---- */

void alb_meta_set_gps(struct alb_meta *m, double latitude, double longitude)
{
    if (!isfinite(latitude) || !isfinite(longitude) || fabs(latitude) > 90 || fabs(longitude) > 180)
        return;
    if (fabs(latitude) < 1e-9 && fabs(longitude) < 1e-9)
        return;
    m->has_gps = true;
    m->latitude = latitude;
    m->longitude = longitude;
}

void alb_meta_set_rating(struct alb_meta *m, int64_t rating)
{
    if (rating < -1 || rating > 5)
        return;
    m->has_rating = true;
    m->rating = (int8_t)rating;
}

/* One signed number at the front of *s. */
static bool take_signed(struct alb_str *s, double *out)
{
    size_t n = 1;
    if (s->n < 2 || (s->p[0] != '+' && s->p[0] != '-'))
        return false;
    while (n < s->n && (alb_is_digit(s->p[n]) || s->p[n] == '.'))
        n++;
    bool ok = alb_str_double(alb_str_sub(*s, 0, n), out);
    *s = alb_str_from(*s, n);
    return ok;
}

bool alb_meta_iso6709(struct alb_str s, struct alb_meta *m)
{
    double lat, lon, alt;
    if (!take_signed(&s, &lat) || !take_signed(&s, &lon))
        return false;
    alb_meta_set_gps(m, lat, lon);
    if (m->has_gps && take_signed(&s, &alt) && fabs(alt) < 100000) {
        m->has_altitude = true;
        m->altitude_m = alt;
    }
    return m->has_gps;
}

enum alb_code alb_meta_done(const struct alb_arena *a, struct alb_err *err)
{
    enum alb_code code = alb_arena_code(a);
    return code == ALB_OK ? ALB_OK : alb_fail(err, code, "metadata does not fit into its memory");
}
