/* SPDX-License-Identifier: Apache-2.0
 *
 * The delimiter is CRLF "--" boundary. Boundaries hold no CR, so a failed match can only begin anew at the
 * byte that failed: no table is needed, and what was held back is a prefix of the delimiter itself.
 *
 *   PREAMBLE --delimiter--> AFTER --CRLF--> HEAD --empty line--> DATA --delimiter--> AFTER
 *                             \--"--"--> EPILOGUE
 * PREAMBLE begins as if CRLF had been seen: the first delimiter may be the first line.
 */
#include "http/multipart.h"

#include <string.h>

#include "base/codec.h"
#include "http/parse.h"

enum { PREAMBLE, AFTER, AFTER_DASH, AFTER_CR, AFTER_PADDING, HEAD, DATA, EPILOGUE, BAD };

/* ---- header parameters --------------------------------------------------------------------------- */

/* Reads a quoted string at the front of *s (behind the quote) into out; cuts it off. Only \" and \\ are
 * escapes: old browsers send Windows paths with single backslashes. */
static bool take_quoted(struct alb_str *s, char *out, size_t cap, size_t *n)
{
    size_t i = 0;

    for (*n = 0; i < s->n; i++) {
        char c = s->p[i];

        if (c == '"') {
            *s = alb_str_from(*s, i + 1);
            return true;
        }
        if (c == '\\' && i + 1 < s->n && (s->p[i + 1] == '"' || s->p[i + 1] == '\\'))
            c = s->p[++i];
        if (*n == cap)
            return false;
        out[(*n)++] = c;
    }
    return false;
}

static bool take_token(struct alb_str *s, char *out, size_t cap, size_t *n)
{
    size_t end = alb_str_find(*s, ';');
    struct alb_str v = alb_str_trim(alb_str_sub(*s, 0, end == ALB_STR_NPOS ? s->n : end));

    *s = alb_str_from(*s, end == ALB_STR_NPOS ? s->n : end);
    *n = v.n;
    if (v.n > cap)
        return false;
    memcpy(out, v.p, v.n);
    return true;
}

bool alb_header_param(struct alb_str header, const char *name, char *out, size_t cap, struct alb_str *value)
{
    struct alb_str rest, key;
    size_t semi = alb_str_find(header, ';');

    *value = ALB_STR_NONE;
    if (semi == ALB_STR_NPOS)
        return false;
    rest = alb_str_from(header, semi);
    while (rest.n > 0) {
        size_t n, eq;
        bool ok;

        while (rest.n > 0 && (rest.p[0] == ';' || rest.p[0] == ' ' || rest.p[0] == '\t'))
            rest = alb_str_from(rest, 1);
        eq = alb_str_find(rest, '=');
        if (eq == ALB_STR_NPOS)
            return false;
        key = alb_str_trim(alb_str_sub(rest, 0, eq));
        rest = alb_str_from(rest, eq + 1);
        if (rest.n > 0 && rest.p[0] == '"') {
            rest = alb_str_from(rest, 1);
            ok = take_quoted(&rest, out, cap, &n);
        } else {
            ok = take_token(&rest, out, cap, &n);
        }
        if (!ok)
            return false;
        if (alb_str_eq_ci(key, alb_str_c(name))) {
            *value = alb_str_n(out, n);
            return true;
        }
    }
    return false;
}

/* ---- part headers -------------------------------------------------------------------------------- */

bool alb_multipart_init(struct alb_multipart *m, struct alb_str content_type)
{
    struct alb_str type, rest, boundary;

    memset(m, 0, offsetof(struct alb_multipart, head));
    (void)alb_str_cut(content_type, ';', &type, &rest);
    if (!alb_str_eq_ci(alb_str_trim(type), ALB_STR("multipart/form-data")))
        return false;
    if (!alb_header_param(content_type, "boundary", m->delimiter + 4, 70, &boundary) || boundary.n == 0)
        return false;
    for (size_t i = 0; i < boundary.n; i++)
        if ((unsigned char)boundary.p[i] < 0x20 || (unsigned char)boundary.p[i] >= 0x7f)
            return false;
    memcpy(m->delimiter, "\r\n--", 4);
    m->delimiter_n = 4 + boundary.n;
    m->state = PREAMBLE;
    m->matched = 2;
    return true;
}

static enum alb_multipart_event bad(struct alb_multipart *m, const char *why)
{
    m->state = BAD;
    m->why = why;
    return ALB_PARTS_BAD;
}

/* filename*=UTF-8''percent-encoded (RFC 8187) wins over filename; returns its length, or -1 if there is none.
 */
static int64_t extended_filename(struct alb_str disposition, char *out, size_t cap)
{
    struct alb_str v, charset, rest, language;
    size_t n;

    if (!alb_header_param(disposition, "filename*", out, cap, &v) || !alb_str_cut(v, '\'', &charset, &rest) ||
        !alb_str_cut(rest, '\'', &language, &v) || !alb_str_eq_ci(charset, ALB_STR("utf-8")) ||
        !alb_percent_decode(v, false, out, cap, &n))
        return -1;
    return (int64_t)n;
}

/* The part's headers are complete in m->head. Decoded values are put at the same place again: they are never
 * longer than the lines that they come from, and those are no longer needed once their value is read. */
static enum alb_multipart_event part_begin(struct alb_multipart *m)
{
    struct alb_field fields[16];
    struct alb_str disposition = ALB_STR_NONE, type = ALB_STR_NONE, kind, rest;
    char name[1024], file[2048];
    int64_t extended;
    int count = alb_fields_parse(m->head, m->head_n, fields, ALB_ARRAY_LEN(fields));

    if (count < 0)
        return bad(m, "broken part header");
    for (int i = 0; i < count; i++) {
        if (alb_str_eq_ci(fields[i].name, ALB_STR("content-disposition")))
            disposition = fields[i].value;
        else if (alb_str_eq_ci(fields[i].name, ALB_STR("content-type")))
            type = fields[i].value;
        else if (alb_str_eq_ci(fields[i].name, ALB_STR("content-transfer-encoding")) &&
                 !alb_str_eq_ci(fields[i].value, ALB_STR("binary")) &&
                 !alb_str_eq_ci(fields[i].value, ALB_STR("8bit")) &&
                 !alb_str_eq_ci(fields[i].value, ALB_STR("7bit")))
            return bad(m, "transfer encoding of a part is not supported");
    }
    (void)alb_str_cut(disposition, ';', &kind, &rest);
    if (!alb_str_eq_ci(alb_str_trim(kind), ALB_STR("form-data")) ||
        !alb_header_param(disposition, "name", name, sizeof(name), &m->name))
        return bad(m, "part without a name");
    extended = extended_filename(disposition, file, sizeof(file));
    if (extended >= 0)
        m->filename = alb_str_n(file, (size_t)extended);
    else if (!alb_header_param(disposition, "filename", file, sizeof(file), &m->filename))
        m->filename = ALB_STR_NONE;
    if (type.p) { /* first: it may lie behind or before the disposition, and stays what it is */
        memmove(m->head, type.p, type.n);
        m->type = alb_str_n(m->head, type.n);
    } else {
        m->type = ALB_STR_NONE;
    }
    memcpy(m->head + m->type.n, m->name.p, m->name.n);
    m->name.p = m->head + m->type.n;
    if (m->filename.p) {
        memcpy(m->head + m->type.n + m->name.n, file, m->filename.n);
        m->filename.p = m->head + m->type.n + m->name.n;
    }
    m->state = DATA;
    m->parts++;
    return ALB_PART_BEGIN;
}

/* ---- the machine --------------------------------------------------------------------------------- */

/* Looks for the delimiter in *in. Everything before it is handed out. */
static enum alb_multipart_event find_delimiter(struct alb_multipart *m, struct alb_str *in,
                                               struct alb_str *data)
{
    size_t i = 0, held = m->matched;

    while (i < in->n && m->matched < m->delimiter_n) {
        if (in->p[i] == m->delimiter[m->matched]) {
            m->matched++;
            i++;
        } else if (m->matched > 0) {
            m->matched = 0;
            if (held) { /* a false beginning that came in an earlier piece: give it out, look at *in afresh */
                *data = alb_str_n(m->delimiter, held);
                return ALB_PART_DATA;
            }
        } else {
            const char *cr = memchr(in->p + i, '\r', in->n - i);

            i = cr ? (size_t)(cr - in->p) : in->n;
        }
    }
    /* i bytes were looked at; the last `matched` of them (less what came earlier) may be the delimiter. */
    *data = alb_str_sub(*in, 0, i - (m->matched - held));
    *in = alb_str_from(*in, i);
    if (data->n > 0)
        return ALB_PART_DATA;
    return m->matched == m->delimiter_n ? ALB_PART_END : ALB_PART_MORE;
}

/* The bytes behind a delimiter: blanks and CRLF, or "--". */
static enum alb_multipart_event after_delimiter(struct alb_multipart *m, char c)
{
    switch (m->state) {
    case AFTER:
        if (c == '-')
            m->state = AFTER_DASH;
        else if (c == '\r')
            m->state = AFTER_CR;
        else if (c == ' ' || c == '\t')
            m->state = AFTER_PADDING;
        else
            return bad(m, "rubbish behind a boundary");
        return ALB_PART_MORE;
    case AFTER_DASH:
        if (c != '-')
            return bad(m, "rubbish behind a boundary");
        m->state = EPILOGUE;
        return ALB_PARTS_END;
    case AFTER_PADDING:
        if (c == '\r')
            m->state = AFTER_CR;
        else if (c != ' ' && c != '\t')
            return bad(m, "rubbish behind a boundary");
        return ALB_PART_MORE;
    default:
        if (c != '\n')
            return bad(m, "bare CR behind a boundary");
        m->state = HEAD;
        m->head_n = 0;
        return ALB_PART_MORE;
    }
}

static enum alb_multipart_event head_byte(struct alb_multipart *m, char c)
{
    size_t n;

    if (m->head_n == sizeof(m->head))
        return bad(m, "part headers are too large");
    m->head[m->head_n++] = c;
    n = m->head_n;
    if (c != '\n')
        return ALB_PART_MORE;
    if (n < 2 || m->head[n - 2] != '\r')
        return bad(m, "bare LF in part headers");
    return n == 2 || m->head[n - 3] == '\n' ? part_begin(m) : ALB_PART_MORE;
}

/* PREAMBLE and DATA. */
static enum alb_multipart_event body_bytes(struct alb_multipart *m, struct alb_str *in, struct alb_str *data)
{
    bool preamble = m->state == PREAMBLE;
    enum alb_multipart_event ev = find_delimiter(m, in, data);

    if (m->matched == m->delimiter_n && ev == ALB_PART_END) {
        m->state = AFTER;
        m->matched = 0;
        return preamble ? ALB_PART_MORE : ALB_PART_END;
    }
    return preamble ? ALB_PART_MORE : ev;
}

enum alb_multipart_event alb_multipart_next(struct alb_multipart *m, struct alb_str *in, struct alb_str *data)
{
    *data = ALB_STR_NONE;
    for (;;) {
        enum alb_multipart_event ev;

        if (m->state == BAD)
            return ALB_PARTS_BAD;
        if (m->state == EPILOGUE)
            *in = alb_str_from(*in, in->n);
        /* A delimiter that ended exactly with the data before it was handed out still has to be told. */
        if (in->n == 0 && !(m->state == DATA && m->matched == m->delimiter_n))
            return ALB_PART_MORE;
        if (m->state == PREAMBLE || m->state == DATA) {
            ev = body_bytes(m, in, data);
        } else {
            char c = in->p[0];

            *in = alb_str_from(*in, 1);
            ev = m->state == HEAD ? head_byte(m, c) : after_delimiter(m, c);
        }
        if (ev != ALB_PART_MORE)
            return ev;
    }
}
