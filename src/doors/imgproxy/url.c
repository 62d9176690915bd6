/* SPDX-License-Identifier: Apache-2.0
 *
 * The outer shape of a request (contract: url.h).
 */
#include "doors/imgproxy/url.h"

#include <string.h>

#define PLAIN "plain/"
#define INFO "info/"

/* "%3A" becomes ":" in the part before the source. */
static size_t mend_options(struct alb_str s, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.n - i >= 3 && memcmp(s.p + i, "%3A", 3) == 0) {
            out[n++] = ':';
            i += 2;
        } else {
            out[n++] = s.p[i];
        }
    }
    return n;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

/* Where the "/" of the last lonely ":/" lies, after text without blanks; ALB_STR_NPOS: nowhere. */
static size_t lonely_slash(struct alb_str s)
{
    size_t found = ALB_STR_NPOS;

    for (size_t i = 0; i + 2 < s.n && !is_blank(s.p[i]); i++) {
        if (i > 0 && s.p[i] == ':' && s.p[i + 1] == '/' && s.p[i + 2] != '/')
            found = i + 1;
    }
    return found;
}

static size_t mend_source(struct alb_str s, char *out)
{
    size_t slash = lonely_slash(s), n = 0;

    if (slash == ALB_STR_NPOS)
        slash = s.n;
    memcpy(out, s.p, slash);
    n = slash;
    if (slash < s.n) {
        bool local = alb_str_eq_c(alb_str_sub(s, 0, slash - 1), "local");
        memcpy(out + n, "//", local ? 2 : 1);
        n += local ? 2 : 1;
        memcpy(out + n, s.p + slash, s.n - slash);
        n += s.n - slash;
    }
    return n;
}

struct alb_str alb_imgproxy_url_mend(struct alb_arena *arena, struct alb_str path)
{
    struct alb_str options = path, source = ALB_STR_NONE;
    char *out = alb_arena_alloc(arena, path.n + 3); /* two slashes may be added, and one stands in front */
    size_t n;

    if (out == NULL)
        return ALB_STR_NONE;
    if (alb_str_starts(path, ALB_STR(PLAIN))) {
        options = alb_str_n(path.p, 0);
        source = path;
    } else {
        size_t at = alb_str_find_str(path, ALB_STR("/" PLAIN));
        if (at != ALB_STR_NPOS) {
            options = alb_str_sub(path, 0, at);
            source = alb_str_from(path, at + 1);
        }
    }
    n = mend_options(options, out);
    if (source.p != NULL) {
        out[n++] = '/';
        memcpy(out + n, PLAIN, sizeof(PLAIN) - 1);
        n += sizeof(PLAIN) - 1;
        n += mend_source(alb_str_from(source, sizeof(PLAIN) - 1), out + n);
    }
    bool slash = n > 0 && out[0] == '/';
    return alb_str_n(out + (slash ? 1 : 0), n - (slash ? 1 : 0));
}

enum alb_imgproxy_refusal alb_imgproxy_url_split(const struct alb_imgproxy_config *c, struct alb_arena *arena,
                                                 struct alb_str target, struct alb_imgproxy_url *out,
                                                 struct alb_err *err)
{
    struct alb_str rest, query;

    *out = (struct alb_imgproxy_url){.info = false};
    if (target.n > ALB_IMGPROXY_TARGET_MAX)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_TOO_LONG, "the URL has %zu bytes; at most %zu are read",
                                   target.n, ALB_IMGPROXY_TARGET_MAX);
    (void)alb_str_cut(target, '?', &rest, &query);
    if (c->path_prefix.n > 0) {
        struct alb_str after = alb_str_from(rest, c->path_prefix.n);
        if (!alb_str_starts(rest, c->path_prefix) || after.n == 0 || after.p[0] != '/')
            return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_URL, "the path does not begin with %.*s/",
                                       ALB_STR_ARG(c->path_prefix));
        rest = after;
    }
    while (rest.n > 0 && rest.p[0] == '/') /* more than one: some proxy's */
        rest = alb_str_from(rest, 1);
    if (alb_str_starts(rest, ALB_STR(INFO))) {
        out->info = true;
        rest = alb_str_from(rest, sizeof(INFO) - 1);
    }
    (void)alb_str_cut(rest, '/', &out->signature, &out->received);
    if (out->signature.n == 0)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_URL,
                                   "no signature: the path is to be "
                                   "/SIGNATURE/OPTIONS/SOURCE");
    if (out->received.n == 0)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_URL, "nothing stands behind the signature \"%.*s\"",
                                   ALB_STR_ARG(out->signature));
    out->path = alb_imgproxy_url_mend(arena, out->received);
    if (out->path.p == NULL)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_NO_MEMORY, "no memory for the path");
    if (out->path.n == 0)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_URL, "the path is empty");
    return ALB_IMGPROXY_FINE;
}

bool alb_imgproxy_next(struct alb_str *rest, struct alb_str separator, struct alb_str *piece)
{
    if (rest->p == NULL) {
        *piece = ALB_STR_NONE;
        return false;
    }
    size_t at = alb_str_find_str(*rest, separator);
    if (at == ALB_STR_NPOS) {
        *piece = *rest;
        *rest = ALB_STR_NONE;
    } else {
        *piece = alb_str_sub(*rest, 0, at);
        *rest = alb_str_from(*rest, at + separator.n);
    }
    return true;
}

void alb_imgproxy_path_split(struct alb_str path, struct alb_str separator, bool only_presets,
                             struct alb_imgproxy_path *out)
{
    struct alb_str rest = path, segment;
    bool first = true;

    *out = (struct alb_imgproxy_path){.options = path, .source = ALB_STR_NONE};
    while (rest.p != NULL) {
        struct alb_str here = rest;
        (void)alb_str_next(&rest, '/', &segment);
        bool option =
            only_presets ? first
                         : alb_str_eq_c(segment, "-") || alb_str_find_str(segment, separator) != ALB_STR_NPOS;
        first = false;
        if (!option) {
            size_t at = (size_t)(here.p - path.p);
            out->options = alb_str_sub(path, 0, at > 0 ? at - 1 : 0);
            out->source = here;
            return;
        }
    }
}
