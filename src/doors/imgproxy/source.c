/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources (contract: source.h): the three forms, replacements and base URL, and whether one may be asked for.
 */
#include "doors/imgproxy/source.h"

#include <string.h>

#include "base/cipher.h"
#include "base/codec.h"
#include "doors/common/lenient.h"

#define FORM_PLAIN "plain/"
#define FORM_ENC "enc/"

static enum alb_imgproxy_refusal no_memory(struct alb_err *err)
{
    return alb_imgproxy_refuse(err, ALB_IMGPROXY_NO_MEMORY, "no memory for the source");
}

enum alb_imgproxy_scheme alb_imgproxy_scheme_of(struct alb_str url)
{
    static const struct {
        const char *name;
        enum alb_imgproxy_scheme scheme;
    } schemes[] = {
        {"http", ALB_IMGPROXY_SOURCE_HTTP},   {"https", ALB_IMGPROXY_SOURCE_HTTPS},
        {"local", ALB_IMGPROXY_SOURCE_LOCAL}, {"s3", ALB_IMGPROXY_SOURCE_S3},
        {"gs", ALB_IMGPROXY_SOURCE_GS},       {"abs", ALB_IMGPROXY_SOURCE_ABS},
        {"swift", ALB_IMGPROXY_SOURCE_SWIFT},
    };
    struct alb_str name, rest;

    if (!alb_str_cut(url, ':', &name, &rest) || name.n == 0 || alb_str_find(name, '/') != ALB_STR_NPOS)
        return ALB_IMGPROXY_SOURCE_NONE;
    if (alb_str_eq_ci(name, ALB_STR("asset")))
        return ALB_IMGPROXY_SOURCE_ASSET;
    if (!alb_str_starts(rest, ALB_STR("//")))
        return ALB_IMGPROXY_SOURCE_NONE;
    for (size_t i = 0; i < ALB_ARRAY_LEN(schemes); i++) {
        if (alb_str_eq_ci(name, alb_str_c(schemes[i].name)))
            return schemes[i].scheme;
    }
    return ALB_IMGPROXY_SOURCE_OTHER;
}

/* ---- replacements and base URL ---- */

static bool is_word(char c)
{
    char l = alb_lower(c);
    return alb_is_digit(c) || (l >= 'a' && l <= 'z') || c == '_';
}

/* "${2}", "$2", "$$" as Go's Expand reads them: a group that does not exist is empty, a lonely "$" is itself.
 * How many bytes of `s`, which begins with "$", it took; 0: it is no reference. */
static size_t reference(struct alb_str s, struct alb_str *name)
{
    bool braces = s.n > 1 && s.p[1] == '{';
    size_t from = braces ? 2 : 1, n = from;

    while (n < s.n && is_word(s.p[n]))
        n++;
    *name = alb_str_sub(s, from, n - from);
    if (name->n == 0 || (braces && (n == s.n || s.p[n] != '}')))
        return 0;
    return n + (braces ? 1 : 0);
}

static void expand(struct alb_str text, struct alb_str whole, const struct alb_str *group, size_t groups,
                   struct alb_buf *out)
{
    struct alb_str name;
    uint64_t index;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '$') {
            alb_buf_char(out, text.p[i]);
            continue;
        }
        if (i + 1 < text.n && text.p[i + 1] == '$') {
            alb_buf_char(out, '$');
            i++;
            continue;
        }
        size_t taken = reference(alb_str_from(text, i), &name);
        if (taken == 0) {
            alb_buf_char(out, '$');
            continue;
        }
        if (alb_str_u64(name, &index) && index <= groups)
            alb_buf_str(out, index == 0 ? whole : group[index - 1]);
        i += taken - 1;
    }
}

static void replace(const struct alb_imgproxy_replacement *rule, struct alb_str url, struct alb_buf *out)
{
    struct alb_str group[ALB_DOOR_GROUPS_MAX];
    size_t end, groups;

    if (!alb_door_prefix_match(rule->pattern, url, &end, group, &groups)) {
        alb_buf_str(out, url);
        return;
    }
    expand(rule->text, alb_str_sub(url, 0, end), group, groups, out);
    alb_buf_str(out, alb_str_from(url, end));
}

/* Replacements in their order, then the base URL. */
static enum alb_imgproxy_refusal preprocess(const struct alb_imgproxy_config *c, struct alb_arena *arena,
                                            struct alb_str *url, struct alb_err *err)
{
    for (size_t i = 0; i <= c->replacement_count; i++) {
        struct alb_buf out = ALB_BUF_INIT(ALB_IMGPROXY_SOURCE_MAX);
        if (i < c->replacement_count) {
            replace(&c->replacements[i], *url, &out);
        } else {
            if (!alb_str_starts(*url, c->base_url))
                alb_buf_str(&out, c->base_url);
            alb_buf_str(&out, *url);
        }
        enum alb_code code = alb_buf_code(&out);
        if (code == ALB_OK)
            *url = alb_arena_str(arena, alb_buf_view(&out));
        alb_buf_fini(&out);
        if (code == ALB_E_TOO_LARGE)
            return alb_imgproxy_refuse(err, ALB_IMGPROXY_TOO_LONG, "the source URL has more than %zu bytes",
                                       ALB_IMGPROXY_SOURCE_MAX);
        if (code != ALB_OK || url->p == NULL)
            return no_memory(err);
    }
    return ALB_IMGPROXY_FINE;
}

/* Schemes know no case (RFC 3986, 3.1); what looks for them may. */
static bool small_scheme(struct alb_arena *arena, struct alb_str *url)
{
    size_t n = alb_str_find(*url, ':');
    char *copy;
    bool small = true;

    for (size_t i = 0; n != ALB_STR_NPOS && i < n; i++)
        small = small && alb_lower(url->p[i]) == url->p[i];
    if (small || n == ALB_STR_NPOS)
        return true;
    copy = alb_arena_alloc(arena, url->n);
    for (size_t i = 0; copy != NULL && i < url->n; i++)
        copy[i] = i < n ? alb_lower(url->p[i]) : url->p[i];
    *url = alb_str_n(copy, copy != NULL ? url->n : 0);
    return copy != NULL;
}

enum alb_imgproxy_refusal alb_imgproxy_source_of(const struct alb_imgproxy_config *c, struct alb_arena *arena,
                                                 struct alb_str url, bool with_rules,
                                                 struct alb_imgproxy_source *out, struct alb_err *err)
{
    enum alb_imgproxy_refusal r = ALB_IMGPROXY_FINE;

    *out = (struct alb_imgproxy_source){.written = url};
    if (url.n == 0)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_URL, "the source URL is empty");
    if (alb_str_has_control(url))
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_URL, "the source URL has a control character in it");
    if (url.n > ALB_IMGPROXY_SOURCE_MAX)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_TOO_LONG,
                                   "the source URL has %zu bytes; at most %zu are taken", url.n,
                                   ALB_IMGPROXY_SOURCE_MAX);
    if (with_rules)
        r = preprocess(c, arena, &url, err);
    out->scheme = alb_imgproxy_scheme_of(url);
    if (r == ALB_IMGPROXY_FINE && !small_scheme(arena, &url))
        return no_memory(err);
    out->url = url;
    return r;
}

/* ---- forms ---- */

/* "text", "text<mark>ext", and no second mark. */
static enum alb_imgproxy_refusal cut_extension(struct alb_str *text, char mark, struct alb_str *extension,
                                               struct alb_err *err)
{
    struct alb_str whole = *text;

    (void)alb_str_cut(whole, mark, text, extension);
    if (text->n == 0)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_URL, "the source URL is empty");
    if (alb_str_find(*extension, mark) != ALB_STR_NPOS)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_URL,
                                   "more than one format behind the source (\"%c\" stands in it twice): %.*s",
                                   mark, ALB_STR_ARG(*extension));
    return ALB_IMGPROXY_FINE;
}

static enum alb_imgproxy_refusal decode_plain(struct alb_arena *arena, struct alb_str text,
                                              struct alb_str *url, struct alb_imgproxy_source *out,
                                              struct alb_err *err)
{
    enum alb_imgproxy_refusal r = cut_extension(&text, '@', &out->extension, err);

    if (r != ALB_IMGPROXY_FINE)
        return r;
    char *room = alb_arena_alloc(arena, text.n);
    if (room == NULL)
        return no_memory(err);
    if (!alb_percent_decode(text, false, room, text.n, &url->n))
        return alb_imgproxy_refuse(
            err, ALB_IMGPROXY_BAD_URL,
            "the source is not percent-encoded as it should be: a \"%%\" without two digits");
    url->p = room;
    return ALB_IMGPROXY_FINE;
}

/* base64 without its slashes, and without the file name behind it if there is one. */
static struct alb_str join(const struct alb_imgproxy_config *c, struct alb_arena *arena, struct alb_str text,
                           struct alb_str *filename)
{
    size_t n = 0, last = alb_str_rfind(text, '/');

    if (c->filename_in_base64 && last != ALB_STR_NPOS) {
        *filename = alb_str_from(text, last + 1);
        text = alb_str_sub(text, 0, last);
    }
    char *out = alb_arena_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n && out != NULL; i++) {
        if (text.p[i] != '/')
            out[n++] = text.p[i];
    }
    return alb_str_n(out, n);
}

static enum alb_imgproxy_refusal decode_base64(const struct alb_imgproxy_config *c, struct alb_arena *arena,
                                               struct alb_str text, struct alb_str *url,
                                               struct alb_imgproxy_source *out, struct alb_err *err)
{
    text = join(c, arena, text, &out->filename);
    if (text.p == NULL)
        return no_memory(err);
    enum alb_imgproxy_refusal r = cut_extension(&text, '.', &out->extension, err);
    if (r != ALB_IMGPROXY_FINE)
        return r;
    *url = alb_lenient_base64(arena, text);
    if (url->p != NULL)
        return ALB_IMGPROXY_FINE;
    if (alb_arena_code(arena) != ALB_OK)
        return no_memory(err);
    return alb_imgproxy_refuse(
        err, ALB_IMGPROXY_BAD_URL,
        "the source is no URL-safe base64 (an option without arguments is taken for one): %.*s",
        (int)(text.n > 80 ? 80 : text.n), text.p);
}

static enum alb_imgproxy_refusal decrypt(const struct alb_imgproxy_config *c, struct alb_arena *arena,
                                         struct alb_str *url, struct alb_err *err)
{
    unsigned char *room = alb_arena_alloc(arena, url->n + 1);

    if (room == NULL)
        return no_memory(err);
    int64_t n = alb_aes_cbc_decrypt(c->encryption_key, *url, room);
    if (n < 0)
        return alb_imgproxy_refuse(
            err, ALB_IMGPROXY_BAD_URL,
            "the encrypted source cannot be decrypted with IMGPROXY_SOURCE_URL_ENCRYPTION_KEY");
    *url = alb_str_n((const char *)room, (size_t)n);
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_source_parse(const struct alb_imgproxy_config *c,
                                                    struct alb_arena *arena, struct alb_str part,
                                                    struct alb_imgproxy_source *out, struct alb_err *err)
{
    struct alb_imgproxy_source found = {.form = ALB_IMGPROXY_BASE64};
    struct alb_str url = ALB_STR_NONE;
    enum alb_imgproxy_refusal r;

    *out = found;
    if (part.n == 0)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_URL, "there is no source behind the options");
    if (alb_str_starts(part, ALB_STR(FORM_PLAIN))) {
        found.form = ALB_IMGPROXY_PLAIN;
        r = decode_plain(arena, alb_str_from(part, sizeof(FORM_PLAIN) - 1), &url, &found, err);
    } else if (alb_str_starts(part, ALB_STR(FORM_ENC))) {
        found.form = ALB_IMGPROXY_ENCRYPTED;
        if (c->encryption_key.n == 0)
            return alb_imgproxy_refuse(
                err, ALB_IMGPROXY_BAD_URL,
                "the source is encrypted, and IMGPROXY_SOURCE_URL_ENCRYPTION_KEY is not set");
        r = decode_base64(c, arena, alb_str_from(part, sizeof(FORM_ENC) - 1), &url, &found, err);
        if (r == ALB_IMGPROXY_FINE)
            r = decrypt(c, arena, &url, err);
    } else {
        r = decode_base64(c, arena, part, &url, &found, err);
    }
    if (r != ALB_IMGPROXY_FINE)
        return r;
    r = alb_imgproxy_source_of(c, arena, url, true, out, err);
    out->form = found.form;
    out->extension = found.extension;
    out->filename = found.filename;
    return r;
}

/* ---- allowed ---- */

/* The variable that a scheme waits for; NULL: it works, or is none that we know. */
static const char *switched_off(const struct alb_imgproxy_config *c, enum alb_imgproxy_scheme scheme)
{
    static const char *const stores[] = {
        [ALB_IMGPROXY_SOURCE_S3] = "IMGPROXY_USE_S3",
        [ALB_IMGPROXY_SOURCE_GS] = "IMGPROXY_USE_GCS",
        [ALB_IMGPROXY_SOURCE_ABS] = "IMGPROXY_USE_ABS",
        [ALB_IMGPROXY_SOURCE_SWIFT] = "IMGPROXY_USE_SWIFT",
    };

    if (scheme == ALB_IMGPROXY_SOURCE_LOCAL)
        return c->local_root.n == 0 ? "IMGPROXY_LOCAL_FILESYSTEM_ROOT" : NULL;
    return scheme < ALB_ARRAY_LEN(stores) ? stores[scheme] : NULL;
}

enum alb_imgproxy_refusal alb_imgproxy_source_check(const struct alb_imgproxy_config *c, struct alb_str url,
                                                    struct alb_err *err)
{
    enum alb_imgproxy_scheme scheme = alb_imgproxy_scheme_of(url);
    bool allowed = c->allowed_sources.count == 0;

    for (size_t i = 0; i < c->allowed_sources.count && !allowed; i++)
        allowed = alb_door_pattern_allows(c->allowed_sources.item[i], url);
    if (!allowed)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_SOURCE,
                                   "IMGPROXY_ALLOWED_SOURCES does not allow %.*s",
                                   (int)(url.n > 160 ? 160 : url.n), url.p);
    if (scheme == ALB_IMGPROXY_SOURCE_NONE)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_SOURCE_OFF,
                                   "the source has no scheme such as https://: %.*s",
                                   (int)(url.n > 160 ? 160 : url.n), url.p);
    if (scheme == ALB_IMGPROXY_SOURCE_OTHER)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_SOURCE_OFF,
                                   "the source's scheme is not known here: %.*s",
                                   (int)(url.n > 160 ? 160 : url.n), url.p);
    const char *variable = switched_off(c, scheme);
    if (variable != NULL)
        return alb_imgproxy_refuse(
            err, ALB_IMGPROXY_SOURCE_OFF, "sources of this kind are not enabled (%s)%s", variable,
            scheme == ALB_IMGPROXY_SOURCE_LOCAL ? "" : "; albumen has no object stores yet");
    return ALB_IMGPROXY_FINE;
}

bool alb_imgproxy_address_allowed(const struct alb_imgproxy_config *c, const struct alb_door_address *a)
{
    bool allowed = c->allowed_sources.count == 0;

    for (size_t i = 0; i < c->allowed_sources.count && !allowed; i++)
        allowed = alb_door_pattern_fits(c->allowed_sources.item[i], a);
    return allowed;
}
