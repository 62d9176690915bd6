/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON that hooks read. Scripts written for tusd compare it as text now and then, so it is the same to
 * the byte: the order of keys, names of headers in their canonical form and sorted, and the escapes of Go's
 * encoder, which also hides <, > and & (base/json.h does not).
 */
#include "hooks/priv.h"

/* Bytes that Go escapes by a letter. */
static const char *short_escape(char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\' && c != '<' &&
           c != '>' && c != '&';
}

static void put_string(struct alb_buf *out, struct alb_str s)
{
    alb_buf_char(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t run = i;
        while (run < s.n && is_plain(s.p[run]))
            run++;
        alb_buf_add(out, s.p + i, run - i);
        i = run;
        if (i == s.n)
            break;
        uint32_t point = 0;
        size_t len = alb_utf8_next(alb_str_from(s, i), &point);
        const char *letter = short_escape(s.p[i]);
        if (letter)
            alb_buf_c(out, letter);
        else if (len == 0)
            alb_buf_c(out, "\\ufffd");
        else if (len == 1 || point == 0x2028 || point == 0x2029)
            alb_buf_printf(out, "\\u%04x", point);
        else
            alb_buf_add(out, s.p + i, len);
        i += len == 0 ? 1 : len;
    }
    alb_buf_char(out, '"');
}

/* JSON that is one already: what Go hides is hidden here too. These bytes stand in strings only. */
static void put_json(struct alb_buf *out, struct alb_str json)
{
    for (size_t i = 0; i < json.n; i++) {
        struct alb_str rest = alb_str_from(json, i);
        bool wide =
            alb_str_starts(rest, ALB_STR("\xe2\x80\xa8")) || alb_str_starts(rest, ALB_STR("\xe2\x80\xa9"));
        if (wide) {
            alb_buf_c(out, json.p[i + 2] == '\xa8' ? "\\u2028" : "\\u2029");
            i += 2;
        } else if (json.p[i] == '<' || json.p[i] == '>' || json.p[i] == '&') {
            alb_buf_printf(out, "\\u%04x", (unsigned)(unsigned char)json.p[i]);
        } else {
            alb_buf_char(out, json.p[i]);
        }
    }
}

static bool is_token_char(char c)
{
    return alb_is_digit(c) || (alb_lower(c) >= 'a' && alb_lower(c) <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* "content-type" -> "Content-Type"; a name that is no token stays as it is. */
static struct alb_str canonical(struct alb_arena *a, struct alb_str name)
{
    char *out = alb_arena_cstr(a, name);
    bool first = true;
    if (!out)
        return ALB_STR_NONE;
    for (size_t i = 0; i < name.n; i++)
        if (!is_token_char(name.p[i]))
            return name;
    for (size_t i = 0; i < name.n; i++) {
        out[i] = first ? upper(out[i]) : alb_lower(out[i]);
        first = out[i] == '-';
    }
    return alb_str_n(out, name.n);
}

/* Stable: equal names keep their order. Requests have a hundred lines at most, so inserting is fine. */
static void sort_headers(struct alb_hook_pair *list, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct alb_hook_pair pair = list[i];
        size_t at = i;
        for (; at > 0 && alb_str_cmp(list[at - 1].key, pair.key) > 0; at--)
            list[at] = list[at - 1];
        list[at] = pair;
    }
}

static size_t make_headers(const struct alb_hook_event *event, struct alb_arena *a,
                           struct alb_hook_pair **list)
{
    struct alb_hook_pair *all = alb_arena_calloc(a, event->header_count + 1, sizeof(*all));
    size_t n = 0;
    *list = all;
    if (!all)
        return 0;
    for (size_t i = 0; i < event->header_count; i++) {
        /* Go keeps Host apart from the others, and its value is the one of the request. */
        if (!alb_str_eq_ci(event->headers[i].key, ALB_STR("host")))
            all[n++] = (struct alb_hook_pair){canonical(a, event->headers[i].key), event->headers[i].value};
    }
    if (event->method.n > 0) /* there was a request */
        all[n++] = (struct alb_hook_pair){ALB_STR("Host"), event->host};
    sort_headers(all, n);
    return n;
}

static void put_headers(const struct alb_hook_event *event, struct alb_arena *a, struct alb_buf *out)
{
    struct alb_hook_pair *list;
    size_t n = make_headers(event, a, &list);
    alb_buf_char(out, '{');
    for (size_t i = 0; i < n; i++) {
        bool more = i > 0 && alb_str_eq(list[i].key, list[i - 1].key);
        if (!more) {
            alb_buf_c(out, i > 0 ? "]," : "");
            put_string(out, list[i].key);
            alb_buf_c(out, ":[");
        } else {
            alb_buf_char(out, ',');
        }
        put_string(out, list[i].value);
    }
    alb_buf_c(out, n > 0 ? "]}" : "}");
}

enum alb_code alb_hook_event_json(enum alb_hook_type type, const struct alb_hook_event *event,
                                  struct alb_buf *out)
{
    struct alb_arena *a = alb_arena_new(out->max + 4096);
    if (!a)
        return ALB_E_NO_MEMORY;
    alb_buf_c(out, "{\"Type\":\"");
    alb_buf_c(out, alb_hook_name(type));
    alb_buf_c(out, "\",\"Event\":{\"Upload\":");
    put_json(out, event->upload);
    alb_buf_c(out, ",\"HTTPRequest\":{\"Method\":");
    put_string(out, event->method);
    alb_buf_c(out, ",\"URI\":");
    put_string(out, event->uri);
    alb_buf_c(out, ",\"RemoteAddr\":");
    put_string(out, event->remote);
    alb_buf_c(out, ",\"Header\":");
    put_headers(event, a, out);
    alb_buf_c(out, "}}}");
    enum alb_code code = alb_arena_code(a);
    alb_arena_free(&a);
    return code != ALB_OK ? code : alb_buf_code(out);
}
