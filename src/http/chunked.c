/* SPDX-License-Identifier: Apache-2.0
 *
 *   SIZE --';'--> EXT --CR--> SIZE_LF --LF--> DATA ----> DATA_CR --> DATA_LF --LF--> SIZE
 *     \------------------CR-------^   \--size 0--> TRAILER --empty line--> END
 * Anything else is BAD, and stays so.
 */
#include "http/chunked.h"

#include <string.h>

#include "http/parse.h"

void alb_chunked_init(struct alb_chunked *c)
{
    memset(c, 0, sizeof(*c));
    alb_buf_init(&c->trailers, ALB_CHUNK_TRAILER_MAX);
}

void alb_chunked_fini(struct alb_chunked *c)
{
    alb_buf_fini(&c->trailers);
}

static int hex_value(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch = alb_lower(ch);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static enum alb_chunked_state size_byte(struct alb_chunked *c, char ch)
{
    int v = hex_value(ch);

    if (v >= 0) {
        if (++c->digits > 15)
            return ALB_CHUNK_BAD;
        c->left = c->left << 4 | (unsigned)v;
        return ALB_CHUNK_SIZE;
    }
    if (c->digits == 0)
        return ALB_CHUNK_BAD;
    if (ch == ';')
        return ALB_CHUNK_EXT;
    return ch == '\r' ? ALB_CHUNK_SIZE_LF : ALB_CHUNK_BAD;
}

static enum alb_chunked_state ext_byte(struct alb_chunked *c, char ch)
{
    unsigned char u = (unsigned char)ch;

    if (ch == '\r')
        return ALB_CHUNK_SIZE_LF;
    if (++c->ext > ALB_CHUNK_EXT_MAX || (u < 0x20 && u != '\t') || u == 0x7f)
        return ALB_CHUNK_BAD;
    return ALB_CHUNK_EXT;
}

static enum alb_chunked_state size_end(struct alb_chunked *c, char ch)
{
    c->digits = 0;
    if (ch != '\n')
        return ALB_CHUNK_BAD;
    return c->left ? ALB_CHUNK_DATA : ALB_CHUNK_TRAILER;
}

static bool trailers_good(const struct alb_chunked *c)
{
    static const char *const framing[] = {
        "host",    "content-length", "transfer-encoding", "connection", "te",
        "trailer", "expect",         "authorization"};
    struct alb_field fields[ALB_CHUNK_TRAILER_FIELDS];
    int count = alb_fields_parse(c->trailers.p, c->trailers.n, fields, ALB_CHUNK_TRAILER_FIELDS);

    for (int i = 0; i < count; i++)
        for (size_t k = 0; k < ALB_ARRAY_LEN(framing); k++)
            if (alb_str_eq_ci(fields[i].name, alb_str_c(framing[k])))
                return false;
    return count >= 0;
}

static enum alb_chunked_state trailer_byte(struct alb_chunked *c, char ch)
{
    struct alb_buf *b = &c->trailers;
    bool at_start;

    alb_buf_char(b, ch);
    if (alb_buf_code(b) != ALB_OK)
        return ALB_CHUNK_BAD;
    if (ch != '\n')
        return ALB_CHUNK_TRAILER;
    if (b->n < 2 || b->p[b->n - 2] != '\r')
        return ALB_CHUNK_BAD;
    at_start = b->n == 2 || b->p[b->n - 3] == '\n';
    if (!at_start)
        return ALB_CHUNK_TRAILER;
    return trailers_good(c) ? ALB_CHUNK_END : ALB_CHUNK_BAD;
}

static enum alb_chunked_state framing_byte(struct alb_chunked *c, char ch)
{
    switch (c->state) {
    case ALB_CHUNK_SIZE:
        return size_byte(c, ch);
    case ALB_CHUNK_EXT:
        return ext_byte(c, ch);
    case ALB_CHUNK_SIZE_LF:
        return size_end(c, ch);
    case ALB_CHUNK_DATA_CR:
        return ch == '\r' ? ALB_CHUNK_DATA_LF : ALB_CHUNK_BAD;
    case ALB_CHUNK_DATA_LF:
        return ch == '\n' ? ALB_CHUNK_SIZE : ALB_CHUNK_BAD;
    case ALB_CHUNK_TRAILER:
        return trailer_byte(c, ch);
    case ALB_CHUNK_DATA:
    case ALB_CHUNK_END:
    case ALB_CHUNK_BAD:
        break;
    }
    return ALB_CHUNK_BAD;
}

size_t alb_chunked_decode(struct alb_chunked *c, char *p, size_t n, size_t *payload)
{
    size_t in = 0, out = 0;

    while (in < n && c->state != ALB_CHUNK_END && c->state != ALB_CHUNK_BAD) {
        size_t k;

        if (c->state != ALB_CHUNK_DATA) {
            c->state = framing_byte(c, p[in++]);
            continue;
        }
        k = n - in < c->left ? n - in : (size_t)c->left;
        if (in != out)
            memmove(p + out, p + in, k);
        in += k;
        out += k;
        c->left -= k;
        if (c->left == 0)
            c->state = ALB_CHUNK_DATA_CR;
    }
    *payload = out;
    return in;
}
