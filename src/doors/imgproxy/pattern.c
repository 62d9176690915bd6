/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns on source URLs (contract: source.h): prefixes with "*" for replacements, which work on text as
 * imgproxy's do, and allowed sources, which work on the parsed URL. Matching goes back at most over
 * ALB_IMGPROXY_GROUPS_MAX stars; text and patterns are bounded, and both are walked without recursion.
 */
#include <string.h>

#include "doors/imgproxy/source.h"

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

bool alb_imgproxy_prefix_match(struct alb_str pattern, struct alb_str url, size_t *end,
                               struct alb_str group[ALB_IMGPROXY_GROUPS_MAX], size_t *groups)
{
    struct star stars[ALB_IMGPROXY_GROUPS_MAX];
    size_t count = 0, p = 0, u = 0, budget = 4 * ALB_IMGPROXY_SOURCE_MAX;

    *groups = 0;
    *end = 0;
    while (p < pattern.n) {
        if (budget-- == 0)
            return false; /* a pattern of many stars against a text made for it */
        if (pattern.p[p] == '*') {
            if (count == ALB_IMGPROXY_GROUPS_MAX)
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

struct parts {
    struct alb_str scheme, user, host, port, path; /* path: with its query, without fragment */
    bool authority;                                /* "//" was there */
};

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

/* "[::1]:80", "host:80", "host" */
static void split_port(struct alb_str s, struct alb_str *host, struct alb_str *port)
{
    size_t close = alb_str_rfind(s, ']'), colon = alb_str_rfind(s, ':');

    *host = s;
    *port = ALB_STR_NONE;
    if (colon != ALB_STR_NPOS && (close == ALB_STR_NPOS || colon > close)) {
        *host = alb_str_sub(s, 0, colon);
        *port = alb_str_from(s, colon + 1);
    }
}

/* False: there is no scheme, or the host is written so that two programs may read two hosts out of it ("\\",
 * "%"). */
static bool take_apart(struct alb_str url, struct parts *out)
{
    size_t colon = until(url, ":/?#");

    *out = (struct parts){.authority = false};
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
        split_port(authority, &out->host, &out->port);
        if (until(authority, "\\% \t\r\n") < authority.n || until(out->user, "\\ \t\r\n") < out->user.n)
            return false;
        out->authority = true;
    }
    out->path = alb_str_sub(url, 0, until(url, "#"));
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

static struct alb_str port_of(const struct parts *u)
{
    if (u->port.n > 0)
        return u->port;
    if (alb_str_eq_ci(u->scheme, ALB_STR("http")))
        return ALB_STR("80");
    return alb_str_eq_ci(u->scheme, ALB_STR("https")) ? ALB_STR("443") : ALB_STR_NONE;
}

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

/* The path without dot segments, into out[path.n]; its query stays. */
static struct alb_str resolve_dots(struct alb_str path, char *out)
{
    size_t n = 0, query = until(path, "?");
    struct alb_str rest = alb_str_sub(path, 0, query), segment;
    bool first = true;

    while (rest.p != NULL && alb_str_next(&rest, '/', &segment)) {
        int kind = first ? 0 : dots(segment);
        while (kind == 2 && n > 0 && out[--n] != '/')
            ;
        if (kind == 0) {
            if (!first)
                out[n++] = '/';
            memcpy(out + n, segment.p, segment.n);
            n += segment.n;
        } else if (rest.p == NULL) {
            out[n++] = '/';
        }
        first = false;
    }
    memcpy(out + n, path.p + query, path.n - query);
    return alb_str_n(out, n + path.n - query);
}

static bool path_allows(struct alb_str pattern, struct alb_str path)
{
    char room[ALB_IMGPROXY_SOURCE_MAX > 8192 ? 8192 : ALB_IMGPROXY_SOURCE_MAX];

    if (pattern.n == 0)
        return true;
    if (path.n == 0)
        path = ALB_STR("/"); /* http://host means http://host/ */
    if (path.n > sizeof(room) || alb_str_find(path, '\\') != ALB_STR_NPOS)
        return false;
    return glob(&any_path, pattern, resolve_dots(path, room));
}

bool alb_imgproxy_pattern_allows(struct alb_str pattern, struct alb_str url)
{
    struct parts want, have;

    if (!take_apart(url, &have))
        return false;
    if (!take_apart(pattern, &want))
        return false;
    if (!glob(&any_scheme, want.scheme, have.scheme))
        return false;
    if (want.authority && want.host.n == 0 && want.path.n == 0)
        return true; /* "s3://": all of them */
    if (want.authority != have.authority)
        return false;
    bool local = alb_str_eq_ci(have.scheme, ALB_STR("local")); /* its host means nothing */
    if (!local && !glob(&any_host, want.host, have.host))
        return false;
    if (!glob(&any_text, want.user, have.user))
        return false;
    want.scheme = have.scheme;
    if (!local && !glob(&any_text, port_of(&want), port_of(&have)))
        return false;
    return path_allows(want.path, have.path);
}
