/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen sign imagor (contract: sign.h): URLs in the language of thumbor and imagor. The secret and how it signs come
 * from imagor's own variables, flags win over them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "cmd/sign.h"
#include "doors/thumbor/filters.h"
#include "doors/thumbor/sign.h"

#define MEMORY ((size_t)16 << 20)

struct call {
    const char *secret, *signer, *base, *explain; /* NULL: not given */
    char **word;
    int words;
    struct alb_arena *arena;
    struct alb_thumbor_signer how;
    struct alb_buf out;
};

static int usage(const char *text, const char *what)
{
    fprintf(stderr, "albumen: sign: %s%s\n(albumen sign --help shows the options)\n", text, what);
    return 2;
}

/* ---- what is given ---- */

static const char **flag_of(struct call *c, struct alb_str name)
{
    const struct {
        const char *name;
        const char **to;
    } flags[] = {
        {"secret", &c->secret}, {"signer", &c->signer}, {"base", &c->base}, {"explain", &c->explain}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(flags); i++) {
        if (alb_str_eq_c(name, flags[i].name))
            return flags[i].to;
    }
    return NULL;
}

/* Words are kept in argv. False: said why. */
static bool read_words(int argc, char **argv, struct call *c)
{
    c->word = argv;
    for (int i = 0; i < argc; i++) {
        struct alb_str name, value;
        if (strncmp(argv[i], "--", 2) != 0) {
            argv[c->words++] = argv[i];
            continue;
        }
        bool with_value = alb_str_cut(alb_str_c(argv[i] + 2), '=', &name, &value);
        const char **to = flag_of(c, name);
        if (!to)
            return usage("there is no option ", argv[i]) == 0;
        if (!with_value && i + 1 == argc)
            return usage("a value is wanted behind ", argv[i]) == 0;
        *to = with_value ? value.p : argv[++i];
    }
    return true;
}

static const char *variable(const char *flag, const char *name)
{
    return flag ? flag : getenv(name);
}

/* False: said why. */
static bool configure(struct call *c)
{
    const char *secret = variable(c->secret, "IMAGOR_SECRET"),
               *type = variable(c->signer, "IMAGOR_SIGNER_TYPE"),
               *cut = c->signer ? NULL : getenv("IMAGOR_SIGNER_TRUNCATE");
    struct alb_str kind, length;
    uint64_t n = 0;
    c->how = (struct alb_thumbor_signer){.kind = ALB_HASH_SHA1};
    bool behind = alb_str_cut(alb_str_c(type ? type : "sha1"), ':', &kind, &length);
    if (cut && *cut) {
        length = alb_str_c(cut);
        behind = true;
    }
    if (!alb_thumbor_signer_kind(kind, &c->how.kind) || (behind && !alb_str_u64(length, &n)))
        return usage("sha1, sha256 or sha512 is wanted, and how many characters of it: ",
                     type ? type : cut) == 0;
    c->how.truncate = (size_t)(n > ALB_THUMBOR_SIGNATURE_MAX ? 0 : n);
    if (!secret || !*secret)
        return usage("a secret is wanted: --secret, or IMAGOR_SECRET", "") == 0;
    c->how.secret[0] = alb_str_c(secret);
    c->how.secrets = 1;
    return true;
}

/* ---- making ---- */

/* What would end the source, or be read as something else, is escaped. */
static void put_source(struct alb_buf *out, struct alb_str source)
{
    for (size_t i = 0; i < source.n; i++) {
        unsigned char b = (unsigned char)source.p[i];
        if (b <= ' ' || b >= 0x7f || strchr("%?#(),+\"<>\\^`{|}", (char)b) != NULL)
            alb_percent_encode(out, alb_str_sub(source, i, 1));
        else
            alb_buf_char(out, (char)b);
    }
}

static int make(struct call *c)
{
    char signature[ALB_THUMBOR_SIGNATURE_MAX + 1];
    struct alb_buf path = ALB_BUF_INIT(ALB_THUMBOR_PATH_MAX);
    struct alb_str base = alb_str_c(c->base);
    for (int i = 0; i + 1 < c->words; i++) {
        alb_buf_c(&path, c->word[i]);
        alb_buf_char(&path, '/');
    }
    put_source(&path, alb_str_c(c->word[c->words - 1]));
    bool fits = alb_buf_code(&path) == ALB_OK;
    while (base.n > 0 && base.p[base.n - 1] == '/')
        base.n--;
    if (fits) {
        struct alb_str is = alb_thumbor_sign(&c->how, c->how.secret[0], alb_buf_view(&path), signature);
        alb_buf_printf(&c->out, "%.*s/%.*s/", ALB_STR_ARG(base), ALB_STR_ARG(is));
        alb_buf_str(&c->out, alb_buf_view(&path));
        alb_buf_char(&c->out, '\n');
    }
    alb_buf_fini(&path);
    return fits ? 0 : usage("the URL is too long", "");
}

/* ---- explaining ---- */

/* "https://host/path" -> "/path". */
static struct alb_str path_of(struct alb_str url)
{
    size_t scheme = alb_str_find_str(url, ALB_STR("://"));
    if (url.n == 0 || url.p[0] == '/' || scheme == ALB_STR_NPOS ||
        alb_str_find(alb_str_sub(url, 0, scheme), '/') != ALB_STR_NPOS)
        return url;
    size_t slash = alb_str_find(alb_str_from(url, scheme + 3), '/');
    return slash == ALB_STR_NPOS ? ALB_STR_NONE : alb_str_from(url, scheme + 3 + slash);
}

/* 0: right, in one form or the other. */
static int explain_signature(struct call *c, struct alb_thumbor_url *u, struct alb_str path)
{
    char right[ALB_THUMBOR_SIGNATURE_MAX + 1];
    struct alb_thumbor_url decoded = {0};
    if (u->is_unsafe || u->hash.n == 0) {
        alb_buf_c(&c->out, u->is_unsafe ? "it is not signed: unsafe\n" : "it is not signed\n");
        return 1;
    }
    if (alb_thumbor_signed_by(&c->how, u->hash, u->path) >= 0) {
        alb_buf_c(&c->out, "its signature is right\n");
        return 0;
    }
    struct alb_str plain = alb_thumbor_unescape(c->arena, path);
    if (alb_thumbor_url_apply(&decoded, c->arena, plain) &&
        alb_thumbor_signed_by(&c->how, decoded.hash, decoded.path) >= 0) {
        alb_buf_c(&c->out, "its signature is right, made over the path without its escapes\n");
        *u = decoded;
        return 0;
    }
    struct alb_str is = alb_thumbor_sign(&c->how, c->how.secret[0], u->path, right);
    alb_buf_printf(&c->out, "its signature is wrong: %.*s is that of\n  %.*s\n", ALB_STR_ARG(is),
                   ALB_STR_ARG(u->path));
    return 1;
}

static int explain(struct call *c)
{
    static const struct alb_thumbor_rules none;
    struct alb_thumbor_url u = {0};
    struct alb_thumbor_filters f;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_str url = alb_str_c(c->explain), path, query;
    (void)alb_str_cut(path_of(url), '?', &path, &query);
    if (!alb_thumbor_url_apply(&u, c->arena, path))
        return usage("the URL is too long", "");
    int status = explain_signature(c, &u, path);
    if (alb_thumbor_filters_read(&none, &u, c->arena, &f, &err) != ALB_OK) {
        alb_buf_printf(&c->out, "refused: %s\n", err.msg);
        return 1;
    }
    if (query.p)
        alb_buf_c(&c->out, "what stands behind \"?\" is dropped: in a source it is written %3F\n");
    alb_buf_printf(&c->out, "it means\n  %.*s\nof the image\n  %.*s\n",
                   ALB_STR_ARG(alb_thumbor_url_canonical(c->arena, &u)), ALB_STR_ARG(u.image));
    return status;
}

/* ---- the command ---- */

static int run(struct call *c)
{
    if (c->explain ? c->words > 0 : c->words == 0)
        return c->explain ? usage("--explain takes one URL and no ", c->word[0])
                          : usage("a source is wanted", "");
    if (!configure(c))
        return 2;
    return c->explain ? explain(c) : make(c);
}

int alb_sign_imagor(int argc, char **argv)
{
    struct call c = {.out = ALB_BUF_INIT((size_t)1 << 20)};
    if (!read_words(argc, argv, &c))
        return 2;
    c.arena = alb_arena_new(MEMORY);
    int status = c.arena ? run(&c) : 1;
    struct alb_str text = alb_buf_view(&c.out);
    if (text.n > 0)
        (void)fwrite(text.p, 1, text.n, stdout);
    alb_buf_fini(&c.out);
    alb_arena_free(&c.arena);
    return status;
}
