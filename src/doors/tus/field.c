/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/tus/field.h"

#include <string.h>

#include "base/codec.h"

#define SF_DIGITS 15

static bool is_alpha(char c)
{
    return alb_lower(c) >= 'a' && alb_lower(c) <= 'z';
}

static bool is_tchar(char c)
{
    return is_alpha(c) || alb_is_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_tchar(s.p[i]))
            return false;
    }
    return s.n > 0;
}

/* ---- structured fields ---- */

/* Spaces only: tabs are no part of them, except between members. */
static struct alb_str sp_trim(struct alb_str s)
{
    while (s.n > 0 && s.p[0] == ' ')
        s = alb_str_from(s, 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

static size_t key_length(struct alb_str s)
{
    size_t n = 0;

    if (s.n == 0 || !((s.p[0] >= 'a' && s.p[0] <= 'z') || s.p[0] == '*'))
        return 0;
    while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || alb_is_digit(s.p[n]) ||
                       (s.p[n] != '\0' && strchr("_-.*", s.p[n]) != NULL)))
        n++;
    return n;
}

/* Of a string with its quotes; 0: it is broken. */
static size_t string_length(struct alb_str s)
{
    for (size_t n = 1; n < s.n; n++) {
        if (s.p[n] == '"')
            return n + 1;
        if (s.p[n] == '\\')
            n++;
        if (n < s.n && ((unsigned char)s.p[n] < 0x20 || (unsigned char)s.p[n] > 0x7e))
            return 0;
    }
    return 0;
}

static size_t bytes_length(struct alb_str s)
{
    size_t n = alb_str_find(alb_str_from(s, 1), ':');

    return n == ALB_STR_NPOS ? 0 : n + 2;
}

/* Numbers, dates and tokens: where they end is enough here. */
static size_t plain_length(struct alb_str s)
{
    size_t n = 1;

    if (!alb_is_digit(s.p[0]) && !is_alpha(s.p[0]) && memchr("-@*", s.p[0], 3) == NULL)
        return 0;
    while (n < s.n && (is_tchar(s.p[n]) || s.p[n] == ':' || s.p[n] == '/'))
        n++;
    return n;
}

/* Length of a bare item; 0: there is none. */
static size_t item_length(struct alb_str s)
{
    if (s.n == 0)
        return 0;
    if (s.p[0] == '"')
        return string_length(s);
    if (s.p[0] == ':')
        return bytes_length(s);
    if (s.p[0] == '?')
        return s.n >= 2 && (s.p[1] == '0' || s.p[1] == '1') ? 2 : 0;
    return plain_length(s);
}

/* Skips ";key=item" as often as it is there. False: broken. */
static bool skip_parameters(struct alb_str *s)
{
    while (s->n > 0 && s->p[0] == ';') {
        *s = alb_str_from(*s, 1);
        while (s->n > 0 && s->p[0] == ' ')
            *s = alb_str_from(*s, 1);
        size_t n = key_length(*s);
        if (n == 0)
            return false;
        *s = alb_str_from(*s, n);
        if (s->n > 0 && s->p[0] == '=') {
            *s = alb_str_from(*s, 1);
            n = item_length(*s);
            if (n == 0)
                return false;
            *s = alb_str_from(*s, n);
        }
    }
    return true;
}

/* The bare item that is the whole field. */
static bool whole_item(struct alb_str field, struct alb_str *item)
{
    struct alb_str s = sp_trim(field);
    size_t n = item_length(s);

    *item = alb_str_sub(s, 0, n);
    s = alb_str_from(s, n);
    return n > 0 && skip_parameters(&s) && s.n == 0;
}

bool alb_sf_bool(struct alb_str field, bool *value)
{
    struct alb_str item;

    *value = false;
    if (field.p == NULL || !whole_item(field, &item) || item.n != 2 || item.p[0] != '?')
        return false;
    *value = item.p[1] == '1';
    return true;
}

bool alb_sf_integer(struct alb_str field, int64_t *value)
{
    struct alb_str item;

    *value = 0;
    if (field.p == NULL || !whole_item(field, &item))
        return false;
    return item.n <= SF_DIGITS + (size_t)(item.p[0] == '-') && alb_str_i64(item, value);
}

static void skip_ows(struct alb_str *s)
{
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
        *s = alb_str_from(*s, 1);
}

static bool break_off(struct alb_str *rest, bool *broken)
{
    *rest = ALB_STR_NONE;
    *broken = true;
    return false;
}

bool alb_sf_dict_next(struct alb_str *rest, struct alb_str *key, struct alb_str *value, bool *broken)
{
    struct alb_str s = *rest;

    *broken = false;
    skip_ows(&s);
    if (s.n == 0) {
        *rest = ALB_STR_NONE;
        return false;
    }
    size_t n = key_length(s);
    if (n == 0)
        return break_off(rest, broken);
    *key = alb_str_sub(s, 0, n);
    *value = ALB_STR("?1");
    s = alb_str_from(s, n);
    if (s.n > 0 && s.p[0] == '=') {
        s = alb_str_from(s, 1);
        n = item_length(s);
        if (n == 0)
            return break_off(rest, broken);
        *value = alb_str_sub(s, 0, n);
        s = alb_str_from(s, n);
    }
    if (!skip_parameters(&s))
        return break_off(rest, broken);
    skip_ows(&s);
    if (s.n > 0) {
        if (s.p[0] != ',')
            return break_off(rest, broken);
        s = alb_str_from(s, 1);
        skip_ows(&s);
        if (s.n == 0) /* a comma at the end */
            return break_off(rest, broken);
    }
    *rest = s;
    return true;
}

int64_t alb_sf_bytes(struct alb_str item, unsigned char *out, size_t cap)
{
    if (item.n < 2 || item.p[0] != ':' || item.p[item.n - 1] != ':')
        return -1;
    return alb_b64_decode(alb_str_sub(item, 1, item.n - 2), out, cap, ALB_B64_STD);
}

/* ---- types and names ---- */

struct alb_str alb_media_type(struct alb_str value)
{
    struct alb_str type, rest, main_type, sub_type;

    (void)alb_str_cut(value, ';', &type, &rest);
    type = alb_str_trim(type);
    if (type.p == NULL || !alb_str_cut(type, '/', &main_type, &sub_type) || !is_token(main_type) ||
        !is_token(sub_type))
        return ALB_STR_NONE;
    return type;
}

static struct alb_str unquote(struct alb_str s, struct alb_arena *a)
{
    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
        return s;
    char *out = alb_arena_alloc(a, s.n);
    size_t n = 0;
    if (out == NULL)
        return ALB_STR_NONE;
    for (size_t i = 1; i + 1 < s.n; i++) {
        if (s.p[i] == '\\' && i + 2 < s.n)
            i++;
        out[n++] = s.p[i];
    }
    return alb_str_n(out, n);
}

/* utf-8'language'percent-encoded (RFC 8187). */
static struct alb_str extended(struct alb_str s, struct alb_arena *a)
{
    struct alb_str charset, language, text, rest;
    size_t n = 0;

    if (!alb_str_cut(s, '\'', &charset, &rest) || !alb_str_cut(rest, '\'', &language, &text) ||
        !alb_str_eq_ci(charset, ALB_STR("utf-8")))
        return ALB_STR_NONE;
    char *out = alb_arena_alloc(a, text.n + 1);
    if (out == NULL || !alb_percent_decode(text, false, out, text.n, &n))
        return ALB_STR_NONE;
    return alb_str_n(out, n);
}

/* The next ";name=value" of a header with quoted strings. */
static bool next_parameter(struct alb_str *rest, struct alb_str *name, struct alb_str *value)
{
    struct alb_str s = *rest;
    bool quoted = false;
    size_t n = 0;

    if (s.p == NULL || s.n == 0)
        return false;
    for (; n < s.n && (quoted || s.p[n] != ';'); n++) {
        if (quoted && s.p[n] == '\\' && n + 1 < s.n)
            n++;
        else if (s.p[n] == '"')
            quoted = !quoted;
    }
    (void)alb_str_cut(alb_str_sub(s, 0, n), '=', name, value);
    *name = alb_str_trim(*name);
    *value = alb_str_trim(*value);
    *rest = alb_str_from(s, n < s.n ? n + 1 : n);
    return true;
}

struct alb_str alb_disposition_name(struct alb_str value, struct alb_arena *a)
{
    struct alb_str rest = value, name, text, plain = ALB_STR_NONE, better = ALB_STR_NONE;

    while (next_parameter(&rest, &name, &text)) {
        if (alb_str_eq_ci(name, ALB_STR("filename")))
            plain = unquote(text, a);
        else if (alb_str_eq_ci(name, ALB_STR("filename*")))
            better = extended(text, a);
    }
    struct alb_str found = better.n > 0 ? better : plain;
    return found.n > 0 && alb_str_is_utf8(found) ? found : ALB_STR_NONE;
}

/* ---- Upload-Concat ---- */

enum alb_concat alb_concat_kind(struct alb_str value, struct alb_str *urls)
{
    *urls = ALB_STR_NONE;
    if (value.p == NULL)
        return ALB_CONCAT_NONE;
    value = alb_str_trim(value);
    if (alb_str_eq_c(value, "partial"))
        return ALB_CONCAT_PARTIAL;
    if (!alb_str_starts(value, ALB_STR("final;")))
        return ALB_CONCAT_BROKEN;
    *urls = alb_str_trim(alb_str_from(value, sizeof("final;") - 1));
    return urls->n > 0 ? ALB_CONCAT_FINAL : ALB_CONCAT_BROKEN;
}

bool alb_concat_next(struct alb_str *urls, struct alb_str base, struct alb_arena *a, struct alb_str *id,
                     bool *broken)
{
    struct alb_str url;
    size_t n = 0;

    *broken = false;
    do {
        if (!alb_str_next(urls, ' ', &url))
            return false;
        url = alb_str_trim(url);
    } while (url.n == 0);
    size_t scheme = alb_str_find_str(url, ALB_STR("://"));
    if (scheme != ALB_STR_NPOS) {
        size_t path = alb_str_find(alb_str_from(url, scheme + 3), '/');
        url = path == ALB_STR_NPOS ? ALB_STR_NONE : alb_str_from(url, scheme + 3 + path);
    }
    size_t at = alb_str_find_str(url, base); /* a proxy may have put something before it */
    if (at == ALB_STR_NPOS) {
        *broken = true;
        return false;
    }
    struct alb_str raw = alb_str_from(url, at + base.n);
    while (raw.n > 0 && raw.p[raw.n - 1] == '/')
        raw.n--;
    char *out = alb_arena_alloc(a, raw.n + 1);
    if (out == NULL || raw.n == 0 || !alb_percent_decode(raw, false, out, raw.n, &n) ||
        memchr(out, ' ', n) != NULL || memchr(out, '\0', n) != NULL) {
        *broken = true;
        return false;
    }
    *id = alb_str_n(out, n);
    return true;
}
