/* SPDX-License-Identifier: Apache-2.0
 *
 * The streaming JSON writer (contract: json.h). Level d (1 = outermost) has bit d-1 in `in_object` and
 * `has_items`. Level 0 is the document: exactly one value. Every misuse panics where it happens, so a broken
 * answer can never leave the house.
 */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define DEPTH_MAX 32

void alb_json_init(struct alb_json *j, struct alb_buf *out)
{
    *j = (struct alb_json){.out = out};
}

static uint64_t bit(const struct alb_json *j)
{
    return (uint64_t)1 << (j->depth - 1);
}

static bool in_object(const struct alb_json *j)
{
    return j->depth > 0 && (j->in_object & bit(j)) != 0;
}

static void comma(struct alb_json *j)
{
    if ((j->has_items & bit(j)) != 0)
        alb_buf_char(j->out, ',');
    j->has_items |= bit(j);
}

/* Before every value: the comma of an array; in an object a key must stand there. */
static void before_value(struct alb_json *j)
{
    if (j->depth == 0) {
        ALB_CHECK(j->has_items == 0); /* one value only */
        j->has_items = 1;             /* cleared again by the first begin() */
    } else if (in_object(j)) {
        ALB_CHECK(j->after_key);
        j->after_key = false;
    } else {
        comma(j);
    }
}

static void begin(struct alb_json *j, bool object)
{
    before_value(j);
    ALB_CHECK(j->depth < DEPTH_MAX);
    j->depth++;
    j->has_items &= ~bit(j);
    if (object)
        j->in_object |= bit(j);
    else
        j->in_object &= ~bit(j);
    alb_buf_char(j->out, object ? '{' : '[');
}

void alb_json_object(struct alb_json *j)
{
    begin(j, true);
}

void alb_json_array(struct alb_json *j)
{
    begin(j, false);
}

void alb_json_end(struct alb_json *j)
{
    ALB_CHECK(j->depth > 0 && !j->after_key);
    alb_buf_char(j->out, in_object(j) ? '}' : ']');
    j->depth--;
    if (j->depth == 0)
        j->has_items = 1; /* the document has its value */
}

static void put_escape(struct alb_buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    char two[2] = {'\\', (char)c};

    switch (c) {
    case '"':
    case '\\':
        break;
    case '\b':
        two[1] = 'b';
        break;
    case '\f':
        two[1] = 'f';
        break;
    case '\n':
        two[1] = 'n';
        break;
    case '\r':
        two[1] = 'r';
        break;
    case '\t':
        two[1] = 't';
        break;
    default:
        alb_buf_add(out, u, sizeof(u));
        return;
    }
    alb_buf_add(out, two, sizeof(two));
}

static void put_string(struct alb_buf *out, struct alb_str s)
{
    size_t from = 0, i = 0; /* [from, i) needs no change and is not written yet */

    alb_buf_char(out, '"');
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        uint32_t code_point;
        size_t len = c < 0x80 ? 1 : alb_utf8_next(alb_str_n(s.p + i, s.n - i), &code_point);
        if (len > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            i += len;
            continue;
        }
        alb_buf_add(out, s.p + from, i - from);
        if (len == 0)
            alb_buf_add(out, "\xef\xbf\xbd", 3);
        else
            put_escape(out, c);
        from = ++i;
    }
    alb_buf_add(out, s.p + from, i - from);
    alb_buf_char(out, '"');
}

void alb_json_key(struct alb_json *j, const char *key)
{
    ALB_CHECK(in_object(j) && !j->after_key);
    comma(j);
    put_string(j->out, alb_str_c(key));
    alb_buf_char(j->out, ':');
    j->after_key = true;
}

void alb_json_raw(struct alb_json *j, struct alb_str v)
{
    ALB_CHECK(v.n > 0);
    before_value(j);
    alb_buf_str(j->out, v);
}

void alb_json_str(struct alb_json *j, struct alb_str v)
{
    if (v.p == NULL) {
        alb_json_null(j);
        return;
    }
    before_value(j);
    put_string(j->out, v);
}

void alb_json_c(struct alb_json *j, const char *v)
{
    alb_json_str(j, alb_str_c(v));
}

void alb_json_i64(struct alb_json *j, int64_t v)
{
    before_value(j);
    alb_buf_i64(j->out, v);
}

void alb_json_u64(struct alb_json *j, uint64_t v)
{
    before_value(j);
    alb_buf_u64(j->out, v);
}

void alb_json_double(struct alb_json *j, double v)
{
    char text[32];

    if (!__builtin_isfinite(v)) {
        alb_json_null(j);
        return;
    }
    alb_str_of_double(v, text);
    alb_json_raw(j, alb_str_c(text));
}

void alb_json_bool(struct alb_json *j, bool v)
{
    alb_json_raw(j, v ? ALB_STR("true") : ALB_STR("false"));
}

void alb_json_null(struct alb_json *j)
{
    alb_json_raw(j, ALB_STR("null"));
}

void alb_json_kstr(struct alb_json *j, const char *key, struct alb_str v)
{
    alb_json_key(j, key);
    alb_json_str(j, v);
}

void alb_json_kc(struct alb_json *j, const char *key, const char *v)
{
    alb_json_key(j, key);
    alb_json_c(j, v);
}

void alb_json_ki64(struct alb_json *j, const char *key, int64_t v)
{
    alb_json_key(j, key);
    alb_json_i64(j, v);
}

void alb_json_kbool(struct alb_json *j, const char *key, bool v)
{
    alb_json_key(j, key);
    alb_json_bool(j, v);
}

void alb_json_knull(struct alb_json *j, const char *key)
{
    alb_json_key(j, key);
    alb_json_null(j);
}
