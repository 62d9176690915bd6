/* SPDX-License-Identifier: Apache-2.0
 *
 * See select.h. The built-in ban list is the one of immich-go, so that a person who changes over gets the
 * same files.
 */
#include "import/select.h"

#include <fnmatch.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

static const char *const built_in_bans[] = {
    "@eaDir/", "@__thumb/",        "SYNOFILE_THUMB_*.*", "Lightroom Catalog/", "thumbnails/", ".DS_Store",
    "/._*",    ".Spotlight-V100/", ".photostructure/",   "Recently Deleted/",  ".Trash-*/",   ".Trashes/",
};

static const struct {
    const char *key, *text;
} skip_words[ALB_SKIP_COUNT] = {
    [ALB_SKIP_NONE] = {"none", "none"},
    [ALB_SKIP_TYPE] = {"unknownType", "not a kind the server takes"},
    [ALB_SKIP_SIDECAR] = {"sidecar", "sidecar file"},
    [ALB_SKIP_EXCLUDED] = {"excluded", "excluded by extension"},
    [ALB_SKIP_BANNED] = {"banned", "banned name"},
    [ALB_SKIP_DATE] = {"date", "outside the date range"},
    [ALB_SKIP_EMPTY] = {"empty", "empty file"},
    [ALB_SKIP_LINK] = {"link", "another name of the same file"},
    [ALB_SKIP_SPECIAL] = {"special", "no regular file"},
    [ALB_SKIP_TRASHED] = {"trashed", "in the trash of the server"},
};

const char *alb_skip_text(enum alb_skip why)
{
    return skip_words[why].text;
}

const char *alb_skip_key(enum alb_skip why)
{
    return skip_words[why].key;
}

/* --- extensions --------------------------------------------------------------------------------------------
 */

void alb_select_fini(struct alb_select *s)
{
    alb_mem_free(s->types.items);
    alb_mem_free(s->include.items);
    alb_mem_free(s->exclude.items);
    *s = (struct alb_select){.bans = NULL};
}

static const struct alb_extension *find_extension(const struct alb_extension_set *set, struct alb_str ext)
{
    for (size_t i = 0; i < set->n; i++)
        if (alb_str_eq_c(ext, set->items[i].text))
            return &set->items[i];
    return NULL;
}

bool alb_extension_has(const struct alb_extension_set *set, struct alb_str ext)
{
    return find_extension(set, ext) != NULL;
}

enum alb_code alb_extension_add(struct alb_extension_set *set, struct alb_str ext, enum alb_kind kind,
                                struct alb_err *err)
{
    struct alb_extension e = {.kind = kind};
    size_t n = 0;
    ext = alb_str_trim(ext);
    if (ext.n == 0 || ext.p[0] != '.')
        e.text[n++] = '.';
    if (ext.n == 0 || ext.n + n >= sizeof(e.text) || alb_str_find(ext, '/') != ALB_STR_NPOS)
        return alb_fail(err, ALB_E_INVALID, "\"" ALB_STR_FMT "\" is not a file extension", ALB_STR_ARG(ext));
    for (size_t i = 0; i < ext.n; i++)
        e.text[n++] = alb_lower(ext.p[i]);
    if (alb_extension_has(set, alb_str_n(e.text, n)))
        return ALB_OK;
    if (set->n >= ALB_IMPORT_TYPES_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "more than %u extensions", ALB_IMPORT_TYPES_MAX);
    if (!set->items) {
        set->items = alb_mem_calloc(ALB_IMPORT_TYPES_MAX, sizeof(*set->items));
        if (!set->items)
            return alb_fail(err, ALB_E_NO_MEMORY, "no memory for extensions");
    }
    set->items[set->n++] = e;
    return ALB_OK;
}

static struct alb_str base_name(struct alb_str path)
{
    size_t slash = alb_str_rfind(path, '/');
    return slash == ALB_STR_NPOS ? path : alb_str_from(path, slash + 1);
}

struct alb_str alb_extension_of(struct alb_str path, char out[16])
{
    struct alb_str name = base_name(path);
    size_t dot = alb_str_rfind(name, '.');
    if (dot == ALB_STR_NPOS || dot == 0)
        return ALB_STR("");
    struct alb_str ext = alb_str_from(name, dot);
    if (ext.n < 2 || ext.n >= 16)
        return ALB_STR("");
    for (size_t i = 0; i < ext.n; i++)
        out[i] = alb_lower(ext.p[i]);
    return alb_str_n(out, ext.n);
}

/* --- banned names ------------------------------------------------------------------------------------------
 */

/* The last parts of a path, as many as the pattern has. */
static struct alb_str last_parts(struct alb_str path, size_t slashes)
{
    size_t at = path.n;
    while (at > 0) {
        if (path.p[at - 1] == '/') {
            if (slashes == 0)
                break;
            slashes--;
        }
        at--;
    }
    return alb_str_from(path, at);
}

static bool ban_hits(const char *pattern, struct alb_str path, bool folder)
{
    struct alb_str p = alb_str_c(pattern);
    if (p.n > 0 && p.p[p.n - 1] == '/') {
        if (!folder)
            return false;
        p.n--;
    }
    while (p.n > 0 && p.p[0] == '/')
        p = alb_str_from(p, 1);
    size_t slashes = 0;
    for (size_t i = 0; i < p.n; i++)
        slashes += p.p[i] == '/';
    char glob[ALB_IMPORT_PATH_MAX], text[ALB_IMPORT_PATH_MAX];
    if (p.n == 0 || !alb_str_to_c(p, glob, sizeof(glob)) ||
        !alb_str_to_c(last_parts(path, slashes), text, sizeof(text)))
        return false;
    return fnmatch(glob, text, FNM_CASEFOLD | FNM_PATHNAME) == 0;
}

bool alb_select_banned(const struct alb_select *s, struct alb_str path, bool folder)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(built_in_bans); i++)
        if (ban_hits(built_in_bans[i], path, folder))
            return true;
    for (size_t i = 0; i < s->bans_n; i++)
        if (ban_hits(s->bans[i], path, folder))
            return true;
    return false;
}

/* --- dates -------------------------------------------------------------------------------------------------
 */

static int days_in_month(int y, int m)
{
    int64_t a = alb_days_from_civil(y, m, 1);
    int64_t b = m == 12 ? alb_days_from_civil(y + 1, 1, 1) : alb_days_from_civil(y, m + 1, 1);
    return (int)(b - a);
}

static bool number(struct alb_str s, size_t digits, uint64_t *out)
{
    return s.n == digits && alb_str_u64(s, out);
}

/* First and last day of "2023", "2023-07" or "2023-07-14". */
static bool parse_span(struct alb_str s, int *from, int *to)
{
    struct alb_str year, rest, month, day;
    uint64_t y, m, d;
    bool has_month = alb_str_cut(s, '-', &year, &rest);
    bool has_day = alb_str_cut(rest, '-', &month, &day);
    if (!number(year, 4, &y) || y < 1)
        return false;
    if (!has_month) {
        *from = (int)y * 10000 + 101;
        *to = (int)y * 10000 + 1231;
        return true;
    }
    if (!number(month, 2, &m) || m < 1 || m > 12)
        return false;
    *from = (int)(y * 10000 + m * 100) + 1;
    *to = (int)(y * 10000 + m * 100) + days_in_month((int)y, (int)m);
    if (!has_day)
        return true;
    if (!number(day, 2, &d) || d < 1 || (int)d > days_in_month((int)y, (int)m))
        return false;
    *from = *to = (int)(y * 10000 + m * 100 + d);
    return true;
}

/* One side of a range; an empty one is open, if it may be. */
static bool parse_side(struct alb_str s, bool may_be_open, int *from, int *to)
{
    *from = *to = 0;
    return s.n == 0 ? may_be_open : parse_span(s, from, to);
}

enum alb_code alb_date_range_parse(struct alb_str text, struct alb_date_range *out, struct alb_err *err)
{
    struct alb_str first, second;
    int from, to;
    *out = (struct alb_date_range){0, 0};
    text = alb_str_trim(text);
    if (text.n == 0)
        return ALB_OK;
    bool two = alb_str_cut(text, ',', &first, &second);
    bool ok = parse_side(alb_str_trim(first), two, &from, &to);
    *out = (struct alb_date_range){from, two ? 0 : to};
    if (ok && two) {
        ok = parse_side(alb_str_trim(second), from != 0, &from, &to);
        out->to = to;
    }
    if (ok && (out->to == 0 || out->from <= out->to))
        return ALB_OK;
    *out = (struct alb_date_range){0, 0};
    return alb_fail(err, ALB_E_INVALID,
                    "\"" ALB_STR_FMT
                    "\" is no date range; write 2023, 2023-07, 2023-07-14 or FROM,TO of these",
                    ALB_STR_ARG(text));
}

bool alb_date_range_has(const struct alb_date_range *r, int yyyymmdd)
{
    return (r->from == 0 || yyyymmdd >= r->from) && (r->to == 0 || yyyymmdd <= r->to);
}

/* yyyy mm dd at s[0..], with `sep` between them (0 = none); not followed by another digit when sep is used.
 */
static int date_at(struct alb_str s, char sep)
{
    size_t w = sep ? 1 : 0;
    if (s.n < 8 + 2 * w || (sep && (s.p[4] != sep || s.p[7] != sep)))
        return 0;
    uint64_t y, m, d;
    if (!alb_str_u64(alb_str_sub(s, 0, 4), &y) || !alb_str_u64(alb_str_sub(s, 4 + w, 2), &m) ||
        !alb_str_u64(alb_str_sub(s, 6 + 2 * w, 2), &d))
        return 0;
    if (y < 1900 || y > 2099 || m < 1 || m > 12 || d < 1 || (int)d > days_in_month((int)y, (int)m))
        return 0;
    return (int)(y * 10000 + m * 100 + d);
}

int alb_date_from_name(struct alb_str name)
{
    name = base_name(name);
    for (size_t i = 0; i + 8 <= name.n; i++) {
        /* Only where a number begins, and only a number of 8, 14 (with time) or 17 (with milliseconds)
         * digits: 20 digits of an identifier are no date. */
        if (!alb_is_digit(name.p[i]) || (i > 0 && alb_is_digit(name.p[i - 1])))
            continue;
        struct alb_str s = alb_str_from(name, i);
        size_t digits = 0;
        while (digits < s.n && alb_is_digit(s.p[digits]))
            digits++;
        int day = 0;
        if (digits == 8 || digits == 14 || digits == 17)
            day = date_at(s, 0);
        else if (digits == 4)
            day = date_at(s, '-') ? date_at(s, '-') : date_at(s, '_') ? date_at(s, '_') : date_at(s, '.');
        if (day)
            return day;
    }
    return 0;
}

int alb_date_of_time(int64_t ns)
{
    time_t t = (time_t)(ns / ALB_NS_PER_S - (ns % ALB_NS_PER_S < 0 ? 1 : 0));
    struct tm tm;
    if (!localtime_r(&t, &tm))
        return 0;
    return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

/* --- the decision ------------------------------------------------------------------------------------------
 */

enum alb_skip alb_select_name(const struct alb_select *s, struct alb_str path)
{
    char room[16];
    struct alb_str ext = alb_extension_of(path, room);
    if (alb_select_banned(s, path, false))
        return ALB_SKIP_BANNED;
    const struct alb_extension *known = find_extension(&s->types, ext);
    bool asked = s->include.n > 0 && alb_extension_has(&s->include, ext);
    if (known && known->kind == ALB_KIND_SIDECAR && !asked)
        return ALB_SKIP_SIDECAR;
    if (!known && !asked)
        return ALB_SKIP_TYPE;
    if (alb_extension_has(&s->exclude, ext) || (s->include.n > 0 && !asked))
        return ALB_SKIP_EXCLUDED;
    return ALB_SKIP_NONE;
}

enum alb_skip alb_select_stat(const struct alb_select *s, struct alb_str path, int64_t size, int64_t mtime_ns)
{
    if (size == 0)
        return ALB_SKIP_EMPTY;
    if (s->dates.from == 0 && s->dates.to == 0)
        return ALB_SKIP_NONE;
    int day = alb_date_from_name(path);
    if (day == 0)
        day = alb_date_of_time(mtime_ns);
    return alb_date_range_has(&s->dates, day) ? ALB_SKIP_NONE : ALB_SKIP_DATE;
}

const char *alb_mime_of(struct alb_str ext)
{
    static const struct {
        const char *ext, *mime;
    } table[] = {
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".jpe", "image/jpeg"},
        {".png", "image/png"},
        {".webp", "image/webp"},
        {".gif", "image/gif"},
        {".tif", "image/tiff"},
        {".tiff", "image/tiff"},
        {".heic", "image/heic"},
        {".heif", "image/heif"},
        {".avif", "image/avif"},
        {".jxl", "image/jxl"},
        {".svg", "image/svg+xml"},
        {".bmp", "image/bmp"},
        {".pdf", "application/pdf"},
        {".dng", "image/x-adobe-dng"},
        {".cr2", "image/x-canon-cr2"},
        {".cr3", "image/x-canon-cr3"},
        {".nef", "image/x-nikon-nef"},
        {".arw", "image/x-sony-arw"},
        {".raf", "image/x-fuji-raf"},
        {".orf", "image/x-olympus-orf"},
        {".rw2", "image/x-panasonic-rw2"},
        {".pef", "image/x-pentax-pef"},
        {".mp4", "video/mp4"},
        {".mov", "video/quicktime"},
        {".m4v", "video/x-m4v"},
        {".mkv", "video/x-matroska"},
        {".webm", "video/webm"},
        {".avi", "video/x-msvideo"},
        {".3gp", "video/3gpp"},
        {".mpg", "video/mpeg"},
        {".mpeg", "video/mpeg"},
        {".mts", "video/mp2t"},
        {".m2ts", "video/mp2t"},
        {".insp", "image/jpeg"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        if (alb_str_eq_c(ext, table[i].ext))
            return table[i].mime;
    return "application/octet-stream";
}
