/* SPDX-License-Identifier: Apache-2.0
 *
 * What imagor's flags mean for the thumbor door.
 */
#include "personality/imagor_priv.h"

#define ITEMS_MAX 256
#define DEFAULT_TIME (20 * ALB_NS_PER_S)
#define NO_TIME (3600 * ALB_NS_PER_S) /* where imagor has no limit: law 8 */

int64_t alb_imagor_process_time(const struct alb_imagor_flags *f)
{
    return f->process_timeout > 0 ? f->process_timeout : DEFAULT_TIME;
}

int64_t alb_imagor_request_time(const struct alb_imagor_flags *f)
{
    return f->request_timeout > 0 ? f->request_timeout : NO_TIME;
}

/* ---- lists ---- */

static enum alb_code read_list(struct alb_arena *arena, const char *flag, const char *text,
                               struct alb_thumbor_list *out, struct alb_err *err)
{
    struct alb_str rest = alb_str_c(text), item;
    struct alb_str *all = alb_arena_calloc(arena, ITEMS_MAX, sizeof(*all));
    *out = (struct alb_thumbor_list){all, 0};
    if (!all)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for -%s", flag);
    while (rest.n > 0 && alb_str_next(&rest, ',', &item)) {
        item = alb_str_trim(item);
        if (item.n > 0 && out->count == ITEMS_MAX)
            return alb_fail(err, ALB_E_INVALID, "-%s: at most %d items", flag, ITEMS_MAX);
        if (item.n > 0)
            all[out->count++] = item;
    }
    return ALB_OK;
}

static enum alb_code read_networks(struct alb_arena *arena, const char *text, struct alb_thumbor_http *http,
                                   struct alb_err *err)
{
    struct alb_thumbor_list list;
    enum alb_code code = read_list(arena, "http-loader-block-networks", text, &list, err);
    if (code != ALB_OK || list.count == 0)
        return code;
    struct alb_fetch_network *all = alb_arena_calloc(arena, list.count, sizeof(*all));
    if (!all)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for -http-loader-block-networks");
    for (size_t i = 0; i < list.count; i++) {
        if (!alb_fetch_network_parse(list.item[i], &all[i]))
            return alb_fail(err, ALB_E_INVALID, "-http-loader-block-networks: " ALB_STR_FMT " is no network",
                            ALB_STR_ARG(list.item[i]));
    }
    http->blocked = all;
    http->blocked_count = list.count;
    return ALB_OK;
}

static enum alb_code read_filters(const struct alb_imagor_flags *f, struct alb_arena *arena,
                                  struct alb_thumbor_rules *rules, struct alb_err *err)
{
    struct alb_thumbor_list list;
    enum alb_code code = read_list(arena, "vips-disable-filters", f->disable_filters, &list, err);
    if (code != ALB_OK)
        return code;
    if (list.count + 2 > ALB_ARRAY_LEN(rules->disabled))
        return alb_fail(err, ALB_E_INVALID, "-vips-disable-filters: too many names");
    for (size_t i = 0; i < list.count; i++)
        rules->disabled[rules->disabled_count++] = list.item[i];
    if (f->disable_blur) {
        rules->disabled[rules->disabled_count++] = ALB_STR("blur");
        rules->disabled[rules->disabled_count++] = ALB_STR("sharpen");
    }
    rules->max_ops = f->max_ops > 0 ? f->max_ops : 0;
    return ALB_OK;
}

/* ---- parts ---- */

static unsigned reach_of(const struct alb_imagor_flags *f)
{
    unsigned reach = ALB_FETCH_ANYWHERE;
    reach &= f->block_loopback ? ~(unsigned)ALB_FETCH_LOOPBACK : ~0u;
    reach &= f->block_private ? ~(unsigned)ALB_FETCH_PRIVATE : ~0u;
    reach &= f->block_link_local ? ~(unsigned)ALB_FETCH_LINK_LOCAL : ~0u;
    return reach;
}

static enum alb_code make_http(const struct alb_imagor_flags *f, struct alb_arena *arena,
                               struct alb_imagor_config *c, struct alb_err *err)
{
    struct alb_thumbor_http *h = &c->door.http;
    h->on = !f->http_disable;
    h->default_scheme = alb_str_c(f->scheme);
    h->base_url = alb_str_c(f->base_url);
    h->reach = reach_of(f);
    h->insecure = f->insecure;
    h->agent = ALB_STR("imagor/albumen");
    h->accept = alb_str_c(f->accept);
    h->forward_all = f->forward_client || f->forward_all;
    h->max_bytes = f->http_max;
    h->timeout = f->load_timeout > 0 ? f->load_timeout : DEFAULT_TIME;
    enum alb_code code = read_list(arena, "http-loader-allowed-sources", f->sources, &h->allowed, err);
    if (code == ALB_OK)
        code = read_list(arena, "http-loader-forward-headers", f->forward, &h->forward, err);
    if (code == ALB_OK)
        code = read_list(arena, "http-loader-override-response-headers", f->keep, &h->keep, err);
    if (code == ALB_OK)
        code = read_networks(arena, f->block_networks, h, err);
    if (code != ALB_OK || !f->sources_regexp[0])
        return code;
    if (alb_regex_of_sources_new(f->sources_regexp, &c->regex, err) != ALB_OK) {
        alb_err_context(err, "-http-loader-allowed-source-regexp");
        return err->code;
    }
    h->matches = alb_regex_of_sources_matches;
    h->matches_ctx = c->regex;
    return ALB_OK;
}

static enum alb_code make_signer(const struct alb_imagor_flags *f, struct alb_thumbor_signer *signer,
                                 struct alb_err *err)
{
    char kind[16];
    if (!alb_str_to_c(alb_str_c(f->signer_type), kind, sizeof(kind)))
        kind[0] = '\0';
    for (char *p = kind; *p; p++)
        *p = alb_lower(*p);
    if (!alb_thumbor_signer_kind(alb_str_c(kind), &signer->kind))
        return alb_fail(err, ALB_E_INVALID, "-imagor-signer-type: sha1, sha256 or sha512, not \"%s\"",
                        f->signer_type);
    if (f->signer_truncate > 0 && f->signer_truncate < ALB_THUMBOR_HASH_MIN)
        return alb_fail(err, ALB_E_INVALID,
                        "-imagor-signer-truncate: shorter than %d characters is no signature in a URL",
                        ALB_THUMBOR_HASH_MIN);
    signer->truncate = (size_t)f->signer_truncate;
    signer->secret[0] = alb_str_c(f->secret);
    signer->secrets = f->secret[0] ? 1 : 0;
    return ALB_OK;
}

enum alb_code alb_imagor_config_make(const struct alb_imagor_flags *f, struct alb_arena *arena,
                                     struct alb_imagor_config *c, struct alb_err *err)
{
    struct alb_thumbor_config *d = &c->door;
    *c = (struct alb_imagor_config){.regex = NULL};
    alb_thumbor_config_init(d);
    d->allow_unsafe = f->is_unsafe;
    d->base_params = alb_str_c(f->base_params);
    d->auto_webp = f->auto_webp;
    d->auto_avif = f->auto_avif;
    d->auto_jpeg = f->auto_jpeg;
    d->strip_metadata = f->strip_metadata;
    d->strip_icc = f->strip_icc;
    d->mozjpeg = f->mozjpeg;
    d->avif_speed = f->avif_speed;
    d->max_width = f->max_width > 0 ? f->max_width : d->max_width;
    d->max_height = f->max_height > 0 ? f->max_height : d->max_height;
    d->max_resolution = f->max_resolution > 0 ? f->max_resolution : d->max_resolution;
    d->max_frames = f->max_frames < -1 || f->max_frames == 0 ? 1 : f->max_frames;
    d->upload = (struct alb_thumbor_upload){.on = f->upload && f->is_unsafe,
                                            .max_bytes = f->upload_max,
                                            .accept = alb_str_c(f->upload_accept),
                                            .field = alb_str_c(f->upload_field)};
    d->ttl = f->ttl / ALB_NS_PER_S;
    d->swr = f->swr / ALB_NS_PER_S;
    d->timeout = alb_imagor_request_time(f) / ALB_NS_PER_MS;
    d->no_cache = f->no_cache;
    d->disable_error_body = f->disable_error_body;
    d->disable_params = f->disable_params;
    d->raw_on_error = f->raw_on_error;
    d->strip_query = f->strip_query;
    enum alb_code code = make_signer(f, &d->signer, err);
    if (code == ALB_OK)
        code = read_filters(f, arena, &d->rules, err);
    return code == ALB_OK ? make_http(f, arena, c, err) : code;
}

void alb_imagor_config_fini(struct alb_imagor_config *c)
{
    alb_regex_of_sources_free(&c->regex);
}
