/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/thumbor.h"

#include "library/auth.h"

#define USER_ARENA ((size_t)1 << 20)

/* "sha256", "sha256:40". */
static enum alb_code read_signer(const struct alb_options *o, struct alb_thumbor_signer *signer,
                                 struct alb_err *err)
{
    struct alb_str kind, length;
    uint64_t n = 0;
    bool cut = alb_str_cut(alb_str_c(alb_opt_string(o, ALB_P_IMAGOR_SIGNER)), ':', &kind, &length);
    if (!alb_thumbor_signer_kind(kind, &signer->kind) ||
        (cut && (!alb_str_u64(length, &n) || n < ALB_THUMBOR_HASH_MIN || n > ALB_THUMBOR_SIGNATURE_MAX)))
        return alb_fail(
            err, ALB_E_INVALID,
            "imagor-signer: sha1, sha256 or sha512 is wanted, and how many characters of it (%d to %d)",
            ALB_THUMBOR_HASH_MIN, ALB_THUMBOR_SIGNATURE_MAX);
    signer->truncate = (size_t)n;
    return ALB_OK;
}

/* "USER:SECRET"; the first colon parts them, for secrets may have any character. */
static enum alb_code read_key(const struct alb_serve_thumbor_config *in, const char *text,
                              struct alb_str *secret, int64_t *owner, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    struct alb_user user;
    struct alb_str name;
    if (!alb_str_cut(alb_str_c(text), ':', &name, secret) || name.n == 0 || secret->n == 0)
        return alb_fail(err, ALB_E_INVALID, "imagor-key: USER:SECRET is wanted");
    struct alb_arena *a = alb_arena_new(USER_ARENA);
    if (!a)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the thumbor door");
    enum alb_code code = alb_library_user_find(in->folder->library, name, a, &user, &why);
    *owner = code == ALB_OK ? user.id : 0;
    alb_arena_free(&a);
    if (code == ALB_E_NOT_FOUND)
        return alb_fail(err, ALB_E_INVALID, "imagor-key: there is no user " ALB_STR_FMT, ALB_STR_ARG(name));
    return code == ALB_OK ? code : alb_fail(err, code, "%s", why.msg);
}

static enum alb_code read_keys(const struct alb_serve_thumbor_config *in, struct alb_serve_thumbor *s,
                               struct alb_err *err)
{
    const char *const *items;
    size_t n = alb_opt_list(in->options, ALB_P_IMAGOR_KEY, &items);
    enum alb_code code = ALB_OK;
    if (n > ALB_THUMBOR_SECRETS_MAX)
        return alb_fail(err, ALB_E_INVALID, "imagor-key: at most %d secrets are tried",
                        ALB_THUMBOR_SECRETS_MAX);
    for (size_t i = 0; i < n && code == ALB_OK; i++)
        code = read_key(in, items[i], &s->config.signer.secret[i], &s->owner[i], err);
    s->config.signer.secrets = n;
    return code;
}

bool alb_serve_thumbor_fetches(const struct alb_options *options)
{
    const char *const *items;
    return alb_opt_list(options, ALB_P_IMAGOR_SOURCES, &items) > 0;
}

/* Other servers: those that were named. */
static enum alb_code read_sources(const struct alb_options *o, struct alb_serve_thumbor *s,
                                  struct alb_err *err)
{
    struct alb_thumbor_http *h = &s->config.http;
    const char *const *items;
    size_t n = alb_opt_list(o, ALB_P_IMAGOR_SOURCES, &items);
    if (n > ALB_ARRAY_LEN(s->source))
        return alb_fail(err, ALB_E_INVALID, "imagor-sources: at most %zu servers are named",
                        ALB_ARRAY_LEN(s->source));
    for (size_t i = 0; i < n; i++)
        s->source[i] = alb_str_c(items[i]);
    h->on = n > 0;
    h->allowed = (struct alb_thumbor_list){s->source, n};
    h->reach = ALB_FETCH_PUBLIC;
    if (alb_opt_bool(o, ALB_P_IMAGOR_PRIVATE_SOURCES))
        h->reach |= ALB_FETCH_PRIVATE | ALB_FETCH_LOOPBACK;
    h->timeout = alb_opt_duration(o, ALB_P_SOURCE_TIMEOUT);
    return ALB_OK;
}

enum alb_code alb_serve_thumbor_open(const struct alb_serve_thumbor_config *in, struct alb_serve_thumbor *s,
                                     struct alb_err *err)
{
    alb_thumbor_config_init(&s->config);
    s->config.max_width = s->config.max_height = s->config.max_resolution = 0; /* those of the server hold */
    enum alb_code code = read_signer(in->options, &s->config.signer, err);
    if (code == ALB_OK)
        code = read_keys(in, s, err);
    if (code == ALB_OK)
        code = read_sources(in->options, s, err);
    const struct alb_thumbor_door_config door = {.config = &s->config,
                                                 .prefix = "/imagor",
                                                 .render = in->render,
                                                 .origins = in->origins,
                                                 .local =
                                                     alb_opt_string(in->options, ALB_P_LOCAL_ROOT)[0] != '\0',
                                                 .limits = *in->limits,
                                                 .library = in->folder->library,
                                                 .store = in->folder->store,
                                                 .owner = s->owner};
    return code == ALB_OK ? alb_thumbor_door_open(&door, &s->door, err) : code;
}

void alb_serve_thumbor_close(struct alb_serve_thumbor *s)
{
    alb_thumbor_door_close(&s->door);
}
