/* SPDX-License-Identifier: Apache-2.0
 *
 * See parse.h. One table of byte classes drives everything; each refusal stands where it is decided.
 */
#include "http/parse.h"

#include <string.h>

#include "http/http.h"

enum { C_TOKEN = 1, C_VALUE = 2, C_TARGET = 4, C_HOST = 8 };

/* The or of the classes of each byte. TOKEN is tchar of RFC 9110. VALUE is what a field value may hold:
 * blank, tab, everything visible, bytes from 0x80 on. TARGET is everything visible but '#' (a fragment is
 * never sent), and bytes from 0x80 on, because clients send UTF-8 unescaped and signatures cover the raw
 * bytes. HOST is what names of hosts are made of in practice; RFC 3986 would allow more, and other parsers do
 * not. */
/* clang-format off */
static const unsigned char cls[256] = {
     0,  0,  0,  0,  0,  0,  0,  0,  0,  2,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     2,  7,  6,  3,  7,  7,  7,  7,  6,  6,  7,  7,  6, 15, 15,  6,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6,  6,  6,  6,  6,  6,
     6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6,  6,  6,  7, 15,
     7, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6,  7,  6,  7,  0,
     6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
     6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
     6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
     6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
     6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
     6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
     6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
     6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,
};
/* clang-format on */

static bool is(char c, unsigned char what)
{
    return (cls[(unsigned char)c] & what) != 0;
}

static bool all(struct alb_str s, unsigned char what)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is(s.p[i], what))
            return false;
    return true;
}

static const struct {
    const char *name;
    unsigned char n;
    bool once;
} known_names[ALB_H_COUNT] = {
#define ALB_X(id, name, once) {name, sizeof(name) - 1, once},
    ALB_HTTP_KNOWN_HEADERS(ALB_X)
#undef ALB_X
};

static const struct {
    const char *name;
    unsigned bit;
} methods[] = {
    {"GET", ALB_M_GET},     {"HEAD", ALB_M_HEAD},     {"POST", ALB_M_POST},       {"PUT", ALB_M_PUT},
    {"PATCH", ALB_M_PATCH}, {"DELETE", ALB_M_DELETE}, {"OPTIONS", ALB_M_OPTIONS},
};

unsigned alb_method_bit(struct alb_str name)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(methods); i++)
        if (alb_str_eq_c(name, methods[i].name))
            return methods[i].bit;
    return 0;
}

const char *alb_method_name(unsigned bit)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(methods); i++)
        if (methods[i].bit == bit)
            return methods[i].name;
    return "-";
}

bool alb_is_token(struct alb_str s)
{
    return s.n > 0 && all(s, C_TOKEN);
}

static bool is_digits(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!alb_is_digit(s.p[i]))
            return false;
    return true;
}

bool alb_is_host(struct alb_str s)
{
    struct alb_str host = s, port = ALB_STR_NONE;

    if (s.n > 0 && s.p[0] == '[') { /* IP literal: hex digits, colons and dots, at least "::" */
        size_t end = alb_str_find(s, ']');

        if (end == ALB_STR_NPOS || end < 3)
            return false;
        for (size_t i = 1; i < end; i++)
            if (!strchr("0123456789abcdefABCDEF:.", s.p[i]))
                return false;
        port = alb_str_from(s, end + 1);
        if (port.n > 0 && port.p[0] != ':')
            return false;
        return port.n <= 6 && is_digits(alb_str_from(port, 1));
    }
    (void)alb_str_cut(s, ':', &host, &port);
    return host.n > 0 && host.n <= 255 && all(host, C_HOST) && port.n <= 5 && is_digits(port);
}

bool alb_list_has(struct alb_str list, const char *token)
{
    struct alb_str piece, want = alb_str_c(token);

    while (alb_str_next(&list, ',', &piece))
        if (alb_str_eq_ci(alb_str_trim(piece), want))
            return true;
    return false;
}

/* ---- the end of the head ------------------------------------------------------------------------- */

/* The first bytes: one empty line may come before the request line (RFC 9112 §2.2), then a method begins. */
static int scan_begin(struct alb_head_scan *s, const char *p, size_t n)
{
    if (p[0] == '\r' && s->start == 0) {
        if (n < 2)
            return ALB_SCAN_MORE;
        if (p[1] != '\n')
            return 400;
        s->start = s->at = 2;
    }
    if (n > s->start && !is(p[s->start], C_TOKEN))
        return 400;
    return ALB_SCAN_MORE;
}

/* A line ends at p[at]. */
static int scan_line(struct alb_head_scan *s, const char *p, size_t at, const struct alb_head_limits *limits)
{
    if (at == s->start || p[at - 1] != '\r')
        return 400; /* a bare LF ends no line of ours */
    s->at = at + 1;
    if (s->at - s->start > limits->bytes)
        return 431;
    if (at == s->start + 1)
        return 400; /* a second empty line */
    if (p[at - 2] == '\n')
        return ALB_SCAN_DONE;
    return ++s->lines > limits->fields + 1 ? 431 : ALB_SCAN_MORE;
}

int alb_head_scan(struct alb_head_scan *s, const char *p, size_t n, const struct alb_head_limits *limits)
{
    int said = n > 0 ? scan_begin(s, p, n) : 0;
    size_t have;

    while (said == ALB_SCAN_MORE && s->at < n) {
        const char *lf = memchr(p + s->at, '\n', n - s->at);

        if (!lf)
            s->at = n;
        else
            said = scan_line(s, p, (size_t)(lf - p), limits);
    }
    if (said != ALB_SCAN_MORE)
        return said;
    have = n > s->start ? n - s->start : 0;
    if (s->lines == 0 && have > limits->target + 64)
        return 414; /* 64: the method, the version and the blanks */
    return have > limits->bytes ? 431 : ALB_SCAN_MORE;
}

/* ---- request line -------------------------------------------------------------------------------- */

static bool starts_ci(struct alb_str s, const char *prefix)
{
    return alb_str_eq_ci(alb_str_sub(s, 0, strlen(prefix)), alb_str_c(prefix));
}

/* Splits the target into path and query, and takes the host of an absolute one. */
static int split_target(struct alb_head *h)
{
    struct alb_str rest = h->target;
    size_t q;

    if (alb_str_eq_c(rest, "*")) {
        h->path = rest;
        return h->method_bit == ALB_M_OPTIONS ? 0 : 400;
    }
    if (rest.p[0] != '/') {
        size_t end = 0;

        if (starts_ci(rest, "http://"))
            rest = alb_str_from(rest, 7);
        else if (starts_ci(rest, "https://"))
            rest = alb_str_from(rest, 8);
        else
            return 400;
        while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
            end++;
        h->host = alb_str_sub(rest, 0, end);
        if (!alb_is_host(h->host))
            return 400;
        rest = alb_str_from(rest, end);
    }
    q = alb_str_find(rest, '?');
    h->path = alb_str_sub(rest, 0, q == ALB_STR_NPOS ? rest.n : q);
    if (q != ALB_STR_NPOS)
        h->query = alb_str_from(rest, q + 1);
    if (h->path.n == 0) /* "http://host" and "http://host?q" */
        h->path = ALB_STR("/");
    return 0;
}

static int parse_request_line(struct alb_str line, const struct alb_head_limits *limits, struct alb_head *h)
{
    struct alb_str rest, version;

    if (!alb_str_cut(line, ' ', &h->method, &rest) || !alb_is_token(h->method) || h->method.n > 32)
        return 400;
    h->method_bit = alb_method_bit(h->method);
    if (!alb_str_cut(rest, ' ', &h->target, &version))
        return 400;
    if (h->target.n > limits->target)
        return 414;
    if (h->target.n == 0 || !all(h->target, C_TARGET))
        return 400;
    if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || !alb_is_digit(version.p[5]) ||
        version.p[6] != '.' || !alb_is_digit(version.p[7]))
        return 400;
    if (version.p[5] != '1' || version.p[7] > '1')
        return 505;
    h->v11 = version.p[7] == '1';
    return split_target(h);
}

/* ---- fields -------------------------------------------------------------------------------------- */

/* One field line without its CRLF; 0 or 400. */
static int parse_field(const char *p, const char *end, struct alb_field *f)
{
    const char *q = p;

    while (q < end && is(*q, C_TOKEN))
        q++;
    if (q == p || q == end || *q != ':')
        return 400; /* also: a folded line, a blank before the colon */
    f->name = alb_str_n(p, (size_t)(q - p));
    q++;
    while (q < end && (*q == ' ' || *q == '\t'))
        q++;
    while (end > q && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    f->value = alb_str_n(q, (size_t)(end - q));
    return all(f->value, C_VALUE) ? 0 : 400;
}

int alb_fields_parse(const char *p, size_t n, struct alb_field *fields, unsigned cap)
{
    const char *end = p + n;
    unsigned count = 0;

    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));

        if (!lf || lf == p || lf[-1] != '\r')
            return -400;
        if (lf - p == 1) /* the empty line; nothing may follow */
            return lf + 1 == end ? (int)count : -400;
        if (count == cap)
            return -431;
        if (parse_field(p, lf - 1, &fields[count]))
            return -400;
        count++;
        p = lf + 1;
    }
    return (int)count;
}

/* Which header of ours has this name; ALB_H_COUNT: none. */
static unsigned know(struct alb_str name)
{
    char first = alb_lower(name.p[0]);

    for (unsigned i = 0; i < ALB_H_COUNT; i++)
        if (known_names[i].n == name.n && known_names[i].name[0] == first &&
            alb_str_eq_ci(name, alb_str_n(known_names[i].name, name.n)))
            return i;
    return ALB_H_COUNT;
}

static int index_fields(struct alb_head *h)
{
    for (unsigned i = 0; i < h->count; i++) {
        unsigned id = know(h->fields[i].name);

        if (id == ALB_H_COUNT)
            continue;
        if (h->known[id] == 0)
            h->known[id] = (unsigned char)(i + 1);
        else if (known_names[id].once)
            return 400;
    }
    return 0;
}

static int check_host(struct alb_head *h)
{
    struct alb_str host = alb_head_known(h, ALB_H_HOST);

    if (!host.p)
        return h->v11 ? 400 : 0;
    if (!alb_is_host(host))
        return 400;
    if (h->host.p && !alb_str_eq_ci(h->host, host))
        return 400; /* two names for one request */
    h->host = host;
    return 0;
}

static int check_framing(struct alb_head *h)
{
    struct alb_str te = alb_head_known(h, ALB_H_TRANSFER_ENCODING);
    struct alb_str cl = alb_head_known(h, ALB_H_CONTENT_LENGTH);

    if (te.p) {
        if (cl.p || !h->v11 || !alb_str_eq_ci(te, ALB_STR("chunked")))
            return 400;
        h->chunked = true;
        h->length = -1;
    } else if (cl.p) {
        uint64_t n;

        if (!alb_str_u64(cl, &n) || n > INT64_MAX)
            return 400;
        h->length = (int64_t)n;
    }
    return 0;
}

static int check_connection(struct alb_head *h)
{
    struct alb_str expect = alb_head_known(h, ALB_H_EXPECT);
    bool close = false, keep = false;

    for (unsigned i = 0; h->known[ALB_H_CONNECTION] && i < h->count; i++)
        if (alb_str_eq_ci(h->fields[i].name, ALB_STR("connection"))) {
            close = close || alb_list_has(h->fields[i].value, "close");
            keep = keep || alb_list_has(h->fields[i].value, "keep-alive");
        }
    h->keep_alive = !close && (h->v11 || keep);
    if (!expect.p || !h->v11)
        return 0;
    if (!alb_str_eq_ci(expect, ALB_STR("100-continue")))
        return 417;
    h->expect = h->length != 0;
    return 0;
}

int alb_head_parse(const char *p, size_t n, const struct alb_head_limits *limits, struct alb_head *h)
{
    const char *lf = memchr(p, '\n', n);
    unsigned cap = limits->fields < ALB_HEAD_FIELDS_MAX ? limits->fields : ALB_HEAD_FIELDS_MAX;
    size_t line;
    int status, count;

    memset(h, 0, offsetof(struct alb_head, fields));
    if (!lf || lf == p || lf[-1] != '\r')
        return 400;
    line = (size_t)(lf - p);
    status = parse_request_line(alb_str_n(p, line - 1), limits, h);
    if (status)
        return status;
    count = alb_fields_parse(lf + 1, n - line - 1, h->fields, cap);
    if (count < 0)
        return -count;
    h->count = (unsigned)count;
    status = index_fields(h);
    if (!status)
        status = check_host(h);
    if (!status)
        status = check_framing(h);
    if (!status)
        status = check_connection(h);
    return status;
}
