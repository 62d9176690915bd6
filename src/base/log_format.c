/* SPDX-License-Identifier: Apache-2.0
 *
 * One log record as logfmt or JSON (contract: log_format.h). This is the only place where values that users
 * can influence are escaped for the log: quotes, control characters of ASCII and of Unicode (a terminal obeys
 * them), line and paragraph separators, and the characters that turn the direction of writing, which can make
 * a record read as something else. Bytes that are not UTF-8 show as U+FFFD in JSON, as \xNN in logfmt.
 */
#include "base/log_format.h"

#include <string.h>

#include "base/clock.h"

#define TAIL_ROOM 16 /* always left for ,"cut":true} and the end of line */

enum when { WHEN_MS, WHEN_S, WHEN_WORDS }; /* 2026-01-02T03:04:05.678Z; without the milliseconds; with a blank */

struct style {
    bool json;
    bool braces; /* a group stands in braces; else its name stands before each of its fields, with a point */
    bool quoted; /* every text, whether it needs it or not */
    enum when when;
    const char *time, *level, *event; /* keys; NULL: the values stand bare */
    const char *levels[4];
};
#define SMALL_LEVELS {"debug", "info", "warn", "error"}
#define SLOG_LEVELS {"DEBUG", "INFO", "WARNING", "ERROR"}
static const struct style styles[ALB_LOG_FORMAT_COUNT] = {
    [ALB_LOG_AUTO] = {false, false, false, WHEN_MS, "time", "level", "event", SMALL_LEVELS},
    [ALB_LOG_LOGFMT] = {false, false, false, WHEN_MS, "time", "level", "event", SMALL_LEVELS},
    [ALB_LOG_JSON] = {true, true, false, WHEN_MS, "time", "level", "event", SMALL_LEVELS},
    [ALB_LOG_PRETTY] = {false, true, false, WHEN_WORDS, NULL, NULL, NULL, {"[DBG]", "[INF]", "[WRN]", "[ERR]"}},
    [ALB_LOG_STRUCTURED] = {false, false, true, WHEN_WORDS, "time", "level", "msg", SLOG_LEVELS},
    [ALB_LOG_SLOG] = {true, true, false, WHEN_S, "time", "level", "msg", SLOG_LEVELS},
    [ALB_LOG_GCP] = {true, true, false, WHEN_S, "time", "severity", "message", SLOG_LEVELS},
};

struct line {
    char *p;
    size_t n, limit;
    bool json, quoted, braces;
    bool cut;
    const char *within[ALB_LOG_NESTED_MAX]; /* names of the groups that are open */
    unsigned depth;
};

static const char hex[] = "0123456789abcdef";

static bool put(struct line *l, const char *p, size_t n)
{
    if (n > l->limit - l->n) {
        l->cut = true;
        return false;
    }
    memcpy(l->p + l->n, p, n);
    l->n += n;
    return true;
}

static bool put_c(struct line *l, const char *text)
{
    return put(l, text, strlen(text));
}

static bool put_u64(struct line *l, uint64_t v, int least_digits)
{
    char text[20];
    size_t at = sizeof(text);

    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
        least_digits--;
    } while (v > 0 || least_digits > 0);
    return put(l, text + at, sizeof(text) - at);
}

static bool put_i64(struct line *l, int64_t v)
{
    return (v >= 0 || put(l, "-", 1)) && put_u64(l, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 1);
}

/* Milliseconds with three places, by integers: the decimal point must not depend on a locale. */
static bool put_ms(struct line *l, double ms)
{
    if (!(ms > -1e15 && ms < 1e15))
        return put_c(l, l->json ? "null" : "-");
    int64_t us = (int64_t)(ms * 1000.0 + (ms < 0 ? -0.5 : 0.5));
    uint64_t abs_us = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

    return (us >= 0 || put(l, "-", 1)) && put_u64(l, abs_us / 1000, 1) && put(l, ".", 1) &&
           put_u64(l, abs_us % 1000, 3);
}

static bool needs_escape(uint32_t c)
{
    return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f ||
           c == 0x061c;
}

static bool put_escaped(struct line *l, uint32_t c)
{
    char u[6] = {'\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15]};

    switch (c) {
    case '"':
        return put(l, "\\\"", 2);
    case '\\':
        return put(l, "\\\\", 2);
    case '\n':
        return put(l, "\\n", 2);
    case '\r':
        return put(l, "\\r", 2);
    case '\t':
        return put(l, "\\t", 2);
    default:
        return put(l, u, sizeof(u));
    }
}

static bool put_bad_byte(struct line *l, unsigned char b)
{
    char x[4] = {'\\', 'x', hex[b >> 4], hex[b & 15]};

    return l->json ? put(l, "\xef\xbf\xbd", 3) : put(l, x, sizeof(x));
}

/* How many bytes at the start of s are printable ASCII that never needs an escape: nearly all of most values.
 */
static size_t plain_run(struct alb_str s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '"' && s.p[n] != '\\')
        n++;
    return n;
}

/* Puts as much of s as fits; false if something was left out. */
static bool put_chars(struct line *l, struct alb_str s)
{
    while (s.n > 0) {
        size_t len = plain_run(s), room = l->limit - l->n;
        if (len > 0) {
            if (!put(l, s.p, len < room ? len : room) || len > room) {
                l->cut = true;
                return false;
            }
            s = alb_str_from(s, len);
            continue;
        }
        uint32_t c;
        bool ok;
        len = alb_utf8_next(s, &c);
        if (len == 0)
            ok = put_bad_byte(l, (unsigned char)s.p[0]);
        else if (needs_escape(c))
            ok = put_escaped(l, c);
        else
            ok = put(l, s.p, len);
        if (!ok)
            return false;
        s = alb_str_from(s, len > 0 ? len : 1);
    }
    return true;
}

static bool needs_quotes(struct alb_str s)
{
    if (s.n == 0 || alb_str_find(s, ' ') != ALB_STR_NPOS || alb_str_find(s, '=') != ALB_STR_NPOS)
        return true;
    for (;;) {
        uint32_t c;
        s = alb_str_from(s, plain_run(s));
        if (s.n == 0)
            return false;
        size_t len = alb_utf8_next(s, &c);
        if (len == 0 || needs_escape(c))
            return true;
        s = alb_str_from(s, len);
    }
}

/* Where groups stand in braces, values have none of them bare, and colons as little as imgproxy's. */
static bool looks_like_a_group(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '{' || c == '}' || c == ':' || c == '\'' || c == '`' || (unsigned char)c >= 0x80)
            return true;
    }
    return false;
}

static bool put_string(struct line *l, struct alb_str s)
{
    bool quotes = l->json || l->quoted || needs_quotes(s) || (l->braces && looks_like_a_group(s));
    size_t start = l->n;

    if (l->json && s.p == NULL)
        return put_c(l, "null");
    if (!quotes)
        return put_chars(l, s) || l->n > start;
    /* Both quotes must fit; one byte is kept for the second, so a cut string still ends. */
    if (!put(l, "\"\"", 2))
        return false;
    l->n--;
    l->limit--;
    (void)put_chars(l, s);
    l->limit++;
    return put(l, "\"", 1);
}

static bool put_f64(struct line *l, double v)
{
    char text[32];

    if (!__builtin_isfinite(v))
        return put_c(l, l->json ? "null" : "-");
    alb_str_of_double(v, text);
    return put_c(l, text);
}

static bool put_value(struct line *l, const struct alb_log_field *f)
{
    switch (f->kind) {
    case ALB_F_STR:
        return put_string(l, f->v.s);
    case ALB_F_I64:
        return put_i64(l, f->v.i);
    case ALB_F_U64:
        return put_u64(l, f->v.u, 1);
    case ALB_F_MS:
        return put_ms(l, f->v.ms);
    case ALB_F_F64:
        return put_f64(l, f->v.ms);
    case ALB_F_BOOL:
        return put_c(l, f->v.b ? "true" : "false");
    case ALB_F_SECRET:
        return put_string(l, ALB_STR("[secret]"));
    case ALB_F_GROUP:
    case ALB_F_END:
        break;
    }
    return true;
}

/* The name, with those of the groups around it where these have no braces, and what stands before the value. */
static bool put_key(struct line *l, const char *key)
{
    bool first = l->n == 0 || (l->json && l->p[l->n - 1] == '{');

    if (l->json)
        return put(l, first ? "\"" : ",\"", first ? 1 : 2) && put_c(l, key) && put(l, "\":", 2);
    if (!first && !put(l, " ", 1))
        return false;
    for (unsigned i = 0; i < l->depth && !l->braces; i++) {
        if (!put_c(l, l->within[i]) || !put(l, ".", 1))
            return false;
    }
    return put_c(l, key) && put(l, "=", 1);
}

static void put_field(struct line *l, const struct alb_log_field *f)
{
    size_t start = l->n;

    if (!put_key(l, f->key) || !put_value(l, f))
        l->n = start; /* half a field is no field */
}

/* The record's fields and those of groups, one level after the other without recursion. A group in braces that does not
 * fit is left out as a whole. */
static void put_fields(struct line *l, const struct alb_log_field *fields)
{
    const struct alb_log_field *after[ALB_LOG_NESTED_MAX];
    size_t start[ALB_LOG_NESTED_MAX];

    for (const struct alb_log_field *f = fields;;) {
        if (l->cut || f->kind == ALB_F_END) {
            if (l->depth == 0)
                return;
            l->depth--;
            if (l->braces && (l->cut || !put_c(l, l->json ? "}" : " }")))
                l->n = start[l->depth];
            f = after[l->depth];
        } else if (f->kind != ALB_F_GROUP) {
            put_field(l, f++);
        } else if (l->depth == ALB_LOG_NESTED_MAX) {
            f++;
        } else {
            start[l->depth] = l->n;
            if (l->braces && (!put_key(l, f->key) || !put(l, "{", 1)))
                l->n = start[l->depth];
            l->within[l->depth] = f->key;
            after[l->depth++] = f + 1;
            f = f->v.group;
        }
    }
}

/* "YYYY-MM-DDTHH:MM:SS.mmmZ", or what the style makes of it. */
static void write_time(enum when when, char out[25])
{
    alb_time_rfc3339(alb_wall(alb_clock_real()), out);
    if (when == WHEN_MS)
        return;
    if (when == WHEN_WORDS)
        out[10] = ' ';
    out[19] = when == WHEN_S ? 'Z' : '\0';
    out[20] = '\0';
}

static void put_beginning(struct line *l, const struct style *style, enum alb_log_level level, const char *event)
{
    char now[25];

    write_time(style->when, now);
    if (style->time != NULL) {
        put_field(l, &ALB_LOG_C(style->time, now));
        put_field(l, &ALB_LOG_C(style->level, style->levels[level]));
        put_field(l, &ALB_LOG_C(style->event, event));
        return;
    }
    (void)put_c(l, now);
    (void)put(l, " ", 1);
    (void)put_c(l, style->levels[level]);
    (void)put(l, " ", 1);
    (void)put_chars(l, alb_str_c(event));
}

size_t alb_log_format(char out[ALB_LOG_LINE_MAX], enum alb_log_format format, enum alb_log_level level,
                      const char *event, const struct alb_log_field *fields)
{
    const struct style *style = &styles[format];
    bool json = style->json;
    struct line l = {
        .p = out,
        .limit = ALB_LOG_LINE_MAX - TAIL_ROOM,
        .json = json,
        .quoted = style->quoted,
        .braces = style->braces,
    };

    if (json)
        put(&l, "{", 1);
    put_beginning(&l, style, level, event);
    put_fields(&l, fields);

    /* TAIL_ROOM is kept free for this. */
    const char *tail = json ? (l.cut ? ",\"cut\":true}\n" : "}\n") : (l.cut ? " cut=true\n" : "\n");
    size_t n = strlen(tail);
    memcpy(out + l.n, tail, n);
    return l.n + n;
}
