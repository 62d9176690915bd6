/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/origin.h"

#include <string.h>

#define PATTERN_MAX ((size_t)4096)

static const char *class_of(char c)
{
    switch (c) {
    case 'd':
        return "[:digit:]";
    case 'w':
        return "[:alnum:]_";
    case 's':
        return "[:space:]";
    default:
        return NULL;
    }
}

static enum alb_code refuse(struct alb_err *err, const char *pattern)
{
    return alb_fail(err, ALB_E_INVALID, "`%s` uses what albumen's matcher does not know", pattern);
}

/* Behind the "[" at *p, up to and with its "]". A literal "-", "]" or "^" cannot be escaped in POSIX: the
 * first moves to the end, the others are refused. */
static bool put_brackets(const char **p, struct alb_buf *out)
{
    const char *at = *p;
    bool dash = false;
    alb_buf_char(out, '[');
    if (*at == '^')
        alb_buf_char(out, *at++);
    if (*at == ']')
        return false;
    for (; *at && *at != ']'; at++) {
        if (*at == '[')
            return false;
        if (*at != '\\') {
            alb_buf_char(out, *at);
            continue;
        }
        at++;
        const char *set = class_of(*at);
        if (set)
            alb_buf_c(out, set);
        else if (*at == '-')
            dash = true;
        else if (*at && strchr("./+*?(){}|$\\", *at))
            alb_buf_char(out, *at);
        else
            return false;
    }
    if (*at != ']')
        return false;
    alb_buf_c(out, dash ? "-]" : "]");
    *p = at;
    return true;
}

static bool put_escape(char c, struct alb_buf *out)
{
    const char *set = class_of(alb_lower(c));
    if (set) {
        alb_buf_printf(out, c == alb_lower(c) ? "[%s]" : "[^%s]", set);
        return true;
    }
    if (c == '\0' || alb_is_digit(c) || (alb_lower(c) >= 'a' && alb_lower(c) <= 'z'))
        return false;
    if (strchr(".[]{}()*+?^$|\\", c))
        alb_buf_char(out, '\\');
    alb_buf_char(out, c);
    return true;
}

/* What a "?", "*", "+" or "{" means behind what came before it: `repeated` is 1 behind one of them, 2 behind
 * a lazy one. Two in a row are an error in Go, and would only cost memory here. False: refused. */
static bool put_repeat(char c, unsigned *repeated, struct alb_buf *out)
{
    if (*repeated == 1 && c == '?') {
        *repeated = 2; /* lazy: it matches the same strings */
        return true;
    }
    if (*repeated > 0)
        return false;
    *repeated = 1;
    alb_buf_char(out, c);
    return true;
}

static bool is_repeat(char c)
{
    return c == '*' || c == '+' || c == '?' || c == '{';
}

/* One piece from *p on, which is moved to its last byte. */
static bool put_piece(const char **p, struct alb_buf *out)
{
    const char *at = *p;
    bool ok = true;
    if (at[0] == '(' && at[1] == '?') {
        ok = at[2] == ':'; /* a group is a group */
        alb_buf_char(out, '(');
        *p = at + (ok ? 2 : 1);
    } else if (*at == '[') {
        *p = at + 1;
        ok = put_brackets(p, out);
    } else if (*at == '\\') {
        *p = at + 1;
        ok = put_escape(at[1], out);
    } else {
        alb_buf_char(out, *at);
    }
    return ok;
}

static bool translate(const char *pattern, struct alb_buf *out)
{
    unsigned repeated = 2; /* nothing to repeat yet */
    for (const char *p = pattern; *p; p++) {
        if (is_repeat(*p)) {
            if (!put_repeat(*p, &repeated, out))
                return false;
            if (*p != '{')
                continue;
            for (p++; *p && *p != '}'; p++)
                alb_buf_char(out, *p);
            if (!*p)
                return false;
            alb_buf_char(out, '}');
            continue;
        }
        repeated = *p == '(' || *p == '|' ? 2 : 0;
        if (!put_piece(&p, out))
            return false;
    }
    return true;
}

enum alb_code alb_origin_compile(struct alb_origin *o, const char *pattern, struct alb_err *err)
{
    struct alb_buf text = ALB_BUF_INIT(PATTERN_MAX);
    o->everything = strcmp(pattern, ".*") == 0;
    enum alb_code code = translate(pattern, &text) ? ALB_OK : refuse(err, pattern);
    const char *posix = alb_buf_cstr(&text);
    if (code == ALB_OK && alb_buf_code(&text) != ALB_OK)
        code = alb_fail(err, alb_buf_code(&text), "the pattern is too long");
    /* An empty expression is everything in Go and an error in POSIX. */
    if (code == ALB_OK && regcomp(&o->regex, posix[0] ? posix : "^", REG_EXTENDED | REG_NOSUB) != 0)
        code = refuse(err, pattern);
    alb_buf_fini(&text);
    return code;
}

void alb_origin_fini(struct alb_origin *o)
{
    regfree(&o->regex);
}

bool alb_origin_allows(const struct alb_origin *o, struct alb_str origin)
{
    char text[ALB_ORIGIN_MAX + 1];
    if (o->everything)
        return true;
    return alb_str_to_c(origin, text, sizeof(text)) && regexec(&o->regex, text, 0, NULL, 0) == 0;
}
