/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns on addresses (contract: pattern.h). Matching goes back at most over ALB_DOOR_GROUPS_MAX stars; text and
 * patterns are bounded, and both are walked without recursion.
 */
#include "doors/common/pattern.h"

#include <string.h>

#include "base/buf.h"
#include "base/codec.h"

/* ---- prefixes ---- */

struct star {
    size_t pattern, from, to; /* behind the "*"; what it took */
};

static size_t run_without_slash(struct alb_str s, size_t from)
{
    while (from < s.n && s.p[from] != '/')
        from++;
    return from;
}

/* Gives the last star that can give one byte back, and goes on behind it; false: none can. */
static bool give_back(struct star *stars, size_t *count, size_t *p, size_t *u)
{
    while (*count > 0) {
        struct star *last = &stars[*count - 1];
        if (last->to > last->from) {
            last->to--;
            *p = last->pattern;
            *u = last->to;
            return true;
        }
        (*count)--;
    }
    return false;
}

bool alb_door_prefix_match(struct alb_str pattern, struct alb_str url, size_t *end,
                           struct alb_str group[ALB_DOOR_GROUPS_MAX], size_t *groups)
{
    struct star stars[ALB_DOOR_GROUPS_MAX];
    size_t count = 0, p = 0, u = 0, budget = 4 * ALB_DOOR_SOURCE_MAX;

    *groups = 0;
    *end = 0;
    while (p < pattern.n) {
        if (budget-- == 0)
            return false; /* a pattern of many stars against a text made for it */
        if (pattern.p[p] == '*') {
            if (count == ALB_DOOR_GROUPS_MAX)
                return false;
            stars[count++] = (struct star){p + 1, u, run_without_slash(url, u)};
            u = stars[count - 1].to;
            p++;
        } else if (u < url.n && url.p[u] == pattern.p[p]) {
            p++;
            u++;
        } else if (!give_back(stars, &count, &p, &u)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++)
        group[i] = alb_str_sub(url, stars[i].from, stars[i].to - stars[i].from);
    *groups = count;
    *end = u;
    return true;
}

/* ---- parsed URLs ---- */

#define PATH_MAX_BYTES 8192 /* of a path that a pattern with a path looks at */

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static size_t until(struct alb_str s, const char *set)
{
    size_t n = 0;
    while (n < s.n && !is_one_of(s.p[n], set))
        n++;
    return n;
}

/* "[::1]:80", "host:80", "host"; a host without its brackets */
static void split_port(struct alb_str s, struct alb_str *host, struct alb_str *port)
{
    size_t close = alb_str_rfind(s, ']'), colon = alb_str_rfind(s, ':');

    *host = s;
    *port = ALB_STR_NONE;
    if (colon != ALB_STR_NPOS && (close == ALB_STR_NPOS || colon > close)) {
        *host = alb_str_sub(s, 0, colon);
        *port = alb_str_from(s, colon + 1);
    }
    if (host->n >= 2 && host->p[0] == '[' && host->p[host->n - 1] == ']')
        *host = alb_str_sub(*host, 1, host->n - 2);
}

/* False: there is no scheme, or the host is written so that two programs may read two hosts out of it ("\",
 * "%"). */
static bool take_apart(struct alb_str url, struct alb_door_address *out, struct alb_str *port)
{
    size_t colon = until(url, ":/?#");

    *out = (struct alb_door_address){.authority = false};
    *port = ALB_STR_NONE;
    if (colon == 0 || colon == url.n || url.p[colon] != ':')
        return false;
    out->scheme = alb_str_sub(url, 0, colon);
    url = alb_str_from(url, colon + 1);
    if (alb_str_starts(url, ALB_STR("//"))) {
        url = alb_str_from(url, 2);
        struct alb_str authority = alb_str_sub(url, 0, until(url, "/?#"));
        url = alb_str_from(url, authority.n);
        size_t at = alb_str_rfind(authority, '@');
        if (at != ALB_STR_NPOS) {
            out->user = alb_str_sub(authority, 0, at);
            authority = alb_str_from(authority, at + 1);
        }
        split_port(authority, &out->host, port);
        if (until(authority, "\\% \t\r\n") < authority.n || until(out->user, "\\ \t\r\n") < out->user.n)
            return false;
        out->authority = true;
    }
    out->path = alb_str_sub(url, 0, until(url, "?#"));
    url = alb_str_from(url, out->path.n);
    if (url.n > 0 && url.p[0] == '?')
        out->query = alb_str_sub(url, 1, until(url, "#") - 1);
    return true;
}

struct glob {
    const char *stop;  /* what "*" does not take */
    bool prefix, fold; /* the pattern may end before the text; case does not matter */
};

static bool same(char a, char b, bool fold)
{
    return a == b || (fold && alb_lower(a) == alb_lower(b));
}

/* The text against a pattern with "*". One star to go back to is enough: what the last one cannot mend an
 * earlier one cannot either, unless a stop byte lies between, and then it could not have got past it. */
static bool glob(const struct glob *g, struct alb_str pattern, struct alb_str text)
{
    size_t p = 0, t = 0, star = ALB_STR_NPOS, from = 0;

    while (p < pattern.n || (!g->prefix && t < text.n)) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = ++p;
            from = t;
        } else if (p < pattern.n && t < text.n && same(pattern.p[p], text.p[t], g->fold)) {
            p++;
            t++;
        } else {
            if (star == ALB_STR_NPOS || from >= text.n || is_one_of(text.p[from], g->stop))
                return false;
            t = ++from;
            p = star;
        }
    }
    return true;
}

static const struct glob any_host = {".:", false, true}, any_scheme = {":", false, true},
                         any_text = {"", false, false}, any_path = {"/?#", true, false};

static bool is_web(struct alb_str scheme)
{
    return alb_str_eq_ci(scheme, ALB_STR("http")) || alb_str_eq_ci(scheme, ALB_STR("https"));
}

static uint16_t port_of_scheme(struct alb_str scheme)
{
    if (alb_str_eq_ci(scheme, ALB_STR("http")))
        return 80;
    return alb_str_eq_ci(scheme, ALB_STR("https")) ? 443 : 0;
}

/* The port of a pattern: a number, "*", or nothing: that of the scheme. */
static bool port_allows(struct alb_str pattern, const struct alb_door_address *a)
{
    uint64_t port;

    if (alb_str_eq_c(pattern, "*"))
        return true;
    if (pattern.n == 0)
        return a->port == port_of_scheme(a->scheme);
    return alb_str_u64(pattern, &port) && port == a->port;
}

/* ---- paths ---- */

static size_t dot_length(struct alb_str s)
{
    if (s.n > 0 && s.p[0] == '.')
        return 1;
    return s.n > 2 && s.p[0] == '%' && s.p[1] == '2' && alb_lower(s.p[2]) == 'e' ? 3 : 0;
}

/* 1: ".", 2: "..", both also as %2e; 0: a name */
static int dots(struct alb_str segment)
{
    size_t one = dot_length(segment), two = one > 0 ? dot_length(alb_str_from(segment, one)) : 0;

    if (one > 0 && one == segment.n)
        return 1;
    return two > 0 && one + two == segment.n ? 2 : 0;
}

/* The path without dot segments, into out[path.n]. */
static size_t resolve_dots(struct alb_str path, char *out)
{
    size_t n = 0;
    struct alb_str rest = path, segment;
    bool first = true;

    while (rest.p != NULL && alb_str_next(&rest, '/', &segment)) {
        int kind = first ? 0 : dots(segment);
        while (kind == 2 && n > 0 && out[--n] != '/')
            ;
        if (kind == 0) {
            if (!first)
                out[n++] = '/';
            if (segment.n > 0)
                memcpy(out + n, segment.p, segment.n);
            n += segment.n;
        } else if (rest.p == NULL) {
            out[n++] = '/';
        }
        first = false;
    }
    return n;
}

/* As it goes over the wire: blanks and bytes above 0x7f percent-encoded. False: there is no room. */
static bool put(struct alb_buf *out, struct alb_str s, bool web)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (web && (c <= ' ' || c >= 0x7f))
            alb_percent_encode(out, alb_str_sub(s, i, 1));
        else
            alb_buf_char(out, s.p[i]);
    }
    return alb_buf_code(out) == ALB_OK;
}

/* pattern: path and query of it */
static bool path_allows(struct alb_str pattern, const struct alb_door_address *a)
{
    struct alb_buf want = ALB_BUF_INIT(PATH_MAX_BYTES), have = ALB_BUF_INIT(PATH_MAX_BYTES);
    bool web = is_web(a->scheme), allowed;
    char room[PATH_MAX_BYTES];

    if (a->path.n > sizeof(room) || alb_str_find(a->path, '\\') != ALB_STR_NPOS)
        return false;
    struct alb_str path = alb_str_n(room, resolve_dots(a->path, room));
    if (path.n == 0 && a->authority)
        path = ALB_STR("/"); /* http://host means http://host/ */
    allowed = put(&want, pattern, web) && put(&have, path, web);
    if (a->query.p != NULL)
        allowed = allowed && put(&have, ALB_STR("?"), web) && put(&have, a->query, web);
    allowed = allowed && glob(&any_path, alb_buf_view(&want), alb_buf_view(&have));
    alb_buf_fini(&want);
    alb_buf_fini(&have);
    return allowed;
}

bool alb_door_pattern_fits(struct alb_str pattern, const struct alb_door_address *have)
{
    struct alb_door_address want;
    struct alb_str port;

    if (!take_apart(pattern, &want, &port) || !glob(&any_scheme, want.scheme, have->scheme))
        return false;
    size_t path = want.path.n + (want.query.p != NULL ? want.query.n + 1 : 0);
    if (want.authority && want.host.n == 0 && path == 0)
        return true; /* "s3://": all of them */
    if (want.authority != have->authority || !glob(&any_text, want.user, have->user))
        return false;
    bool local = alb_str_eq_ci(have->scheme, ALB_STR("local")); /* its host means nothing */
    if (!local && (!glob(&any_host, want.host, have->host) || !port_allows(port, have)))
        return false;
    /* path and query of the pattern lie side by side in its text */
    return path == 0 || path_allows(alb_str_n(want.path.p, path), have);
}

static bool read_address(struct alb_str url, struct alb_door_address *out)
{
    struct alb_str port;
    uint64_t number;

    if (!take_apart(url, out, &port))
        return false;
    number = port_of_scheme(out->scheme);
    if (port.n > 0 && (!alb_str_u64(port, &number) || number > UINT16_MAX))
        return false;
    out->port = (uint16_t)number;
    return true;
}

bool alb_door_pattern_allows(struct alb_str pattern, struct alb_str url)
{
    struct alb_door_address have;

    return read_address(url, &have) && alb_door_pattern_fits(pattern, &have);
}

/* ---- Go's path.Match ---- */

/* One character of a class or a pattern, escapes undone; false: the pattern ends too early. */
static bool take_char(struct alb_str *pattern, char *c)
{
    if (pattern->n > 0 && pattern->p[0] == '\\')
        *pattern = alb_str_from(*pattern, 1);
    if (pattern->n == 0)
        return false;
    *c = pattern->p[0];
    *pattern = alb_str_from(*pattern, 1);
    return true;
}

/* "a", "a-z"; false: it is broken. */
static bool take_range(struct alb_str *pattern, unsigned char *low, unsigned char *high)
{
    char a, b;

    if (pattern->n == 0 || pattern->p[0] == '-' || pattern->p[0] == ']' || !take_char(pattern, &a))
        return false;
    b = a;
    if (pattern->n > 0 && pattern->p[0] == '-') {
        *pattern = alb_str_from(*pattern, 1);
        if (pattern->n == 0 || pattern->p[0] == '-' || pattern->p[0] == ']' || !take_char(pattern, &b))
            return false;
    }
    *low = (unsigned char)a;
    *high = (unsigned char)b;
    return true;
}

/* "[a-z]", "[^ab]" behind its "["; false: it is broken. */
static bool in_class(struct alb_str *pattern, char c, bool *is_in)
{
    bool negated = pattern->n > 0 && pattern->p[0] == '^', found = false;
    unsigned char low, high, it = (unsigned char)c;
    size_t ranges = 0;

    if (negated)
        *pattern = alb_str_from(*pattern, 1);
    for (; pattern->n > 0 && (pattern->p[0] != ']' || ranges == 0); ranges++) {
        if (!take_range(pattern, &low, &high))
            return false;
        found = found || (low <= it && it <= high);
    }
    if (pattern->n == 0)
        return false;
    *pattern = alb_str_from(*pattern, 1);
    *is_in = found != negated;
    return true;
}

/* One character against what the pattern begins with, which it takes; *broken: it cannot be read. */
static bool one_fits(struct alb_str *pattern, char c, bool *broken)
{
    char want;
    bool fits = false;

    if (pattern->p[0] == '?') {
        *pattern = alb_str_from(*pattern, 1);
        return c != '/';
    }
    if (pattern->p[0] == '[') {
        *pattern = alb_str_from(*pattern, 1);
        *broken = !in_class(pattern, c, &fits);
        return fits && !*broken;
    }
    *broken = !take_char(pattern, &want);
    return !*broken && want == c;
}

bool alb_door_glob(struct alb_str pattern, struct alb_str text)
{
    struct alb_str star = ALB_STR_NONE;
    size_t at = 0, from = 0;
    bool starred = false, broken = false;

    while (pattern.n > 0 || at < text.n) {
        if (pattern.n > 0 && pattern.p[0] == '*') {
            pattern = star = alb_str_from(pattern, 1);
            starred = true;
            from = at;
        } else if (pattern.n > 0 && at < text.n && one_fits(&pattern, text.p[at], &broken)) {
            at++;
        } else {
            if (broken || !starred || from >= text.n || text.p[from] == '/')
                return false;
            at = ++from;
            pattern = star;
        }
    }
    return true;
}
