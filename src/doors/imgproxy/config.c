/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration's life and its defaults (contract: config.h).
 */
#include "doors/imgproxy/config.h"

#include "base/check.h"
#include "base/mem.h"
#include "doors/imgproxy/options.h"

#define SECOND INT64_C(1000000000)

static void config_free(struct alb_obj *obj)
{
    struct alb_imgproxy_config *c = (struct alb_imgproxy_config *)(void *)obj;

    alb_arena_free(&c->arena);
    alb_mem_free(c);
}

static void default_request(struct alb_imgproxy_config *c)
{
    c->limits = (struct alb_imgproxy_limits){.source_pixels = 50000000, .frames = 1};
    c->quality = 80;
    c->format_quality[ALB_IMGPROXY_WEBP] = 79;
    c->format_quality[ALB_IMGPROXY_AVIF] = 63;
    c->format_quality[ALB_IMGPROXY_JXL] = 77;
    c->autoquality = (struct alb_imgproxy_autoquality){.target = 0.02, .min = 70, .max = 80, .error = 0.002};
    c->aq_format_min[ALB_IMGPROXY_AVIF] = 60;
    c->aq_format_max[ALB_IMGPROXY_AVIF] = 65;
    c->png.colours = 256;
    c->avif_speed = -1;
    c->jxl_effort = 4;
    c->unsharp = (struct alb_imgproxy_unsharp_mask){.weight = 1, .divider = 24};
    c->strip_metadata = c->keep_copyright = c->strip_profile = c->auto_rotate = true;
    c->strip_dpi = 72;
    c->profiles_dir = ALB_STR("/usr/share/color/icc");
    c->sanitize_svg = true;
    c->video = c->raw_photos = true;
    c->video_second = 1;
    c->preferred[0] = ALB_IMGPROXY_JPEG;
    c->preferred[1] = ALB_IMGPROXY_PNG;
    c->preferred[2] = ALB_IMGPROXY_GIF;
    c->preferred_count = 3;
    c->best_complexity = 5.5;
    c->watermark_opacity = 1;
    c->fallback_status = 200;
}

static void default_server(struct alb_imgproxy_config *c)
{
    c->bind = ALB_STR(":8080");
    c->network = ALB_STR("tcp");
    c->max_clients = 2048;
    c->timeout = c->read_timeout = c->write_timeout = c->keep_alive = 10 * SECOND;
    c->graceful_stop = 20 * SECOND;
    c->download_timeout = 5 * SECOND;
    c->client_keep_alive = 90 * SECOND;
    c->max_redirects = 10;
    c->user_agent = ALB_STR("imgproxy/%current_version");
    c->query_separator = ALB_STR("?");
    c->allow_private = true;
    c->ttl = 31536000;
    c->etag = c->last_modified = true;
    c->last_modified_buster = INT64_MIN;
    c->health_message = ALB_STR("imgproxy is running");
    c->server_name = ALB_STR("imgproxy");
    c->cache_tags_format = ALB_STR("all");
    c->log_level = ALB_STR("info");
}

struct alb_imgproxy_config *alb_imgproxy_config_new(void)
{
    struct alb_imgproxy_config *c = alb_mem_calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->arena = alb_arena_new(ALB_IMGPROXY_CONFIG_MEMORY);
    if (c->arena == NULL) {
        alb_mem_free(c);
        return NULL;
    }
    alb_obj_init(&c->obj, config_free);
    c->signature_size = 32;
    c->separator = ALB_STR(":");
    default_request(c);
    default_server(c);
    return c;
}

static enum alb_code check_keys(const struct alb_imgproxy_config *c, struct alb_err *err)
{
    if (c->keys.count != c->salts.count)
        return alb_fail(err, ALB_E_INVALID,
                        "IMGPROXY_KEY has %zu keys and IMGPROXY_SALT %zu salts: they go in pairs",
                        c->keys.count, c->salts.count);
    if (c->keys.count > ALB_IMGPROXY_PAIRS_MAX)
        return alb_fail(err, ALB_E_INVALID, "IMGPROXY_KEY has %zu keys; at most %d are tried", c->keys.count,
                        ALB_IMGPROXY_PAIRS_MAX);
    for (size_t i = 0; i < c->keys.count; i++) {
        if (c->keys.item[i].n == 0)
            return alb_fail(err, ALB_E_INVALID, "IMGPROXY_KEY has an empty key");
    }
    if (c->encryption_key.n != 0 && c->encryption_key.n != 16 && c->encryption_key.n != 24 &&
        c->encryption_key.n != 32)
        return alb_fail(err, ALB_E_INVALID,
                        "IMGPROXY_SOURCE_URL_ENCRYPTION_KEY has %zu bytes; AES takes 16, 24 or 32",
                        c->encryption_key.n);
    return ALB_OK;
}

static enum alb_code check_replacements(const struct alb_imgproxy_config *c, struct alb_err *err)
{
    for (size_t i = 0; i < c->replacement_count; i++) {
        size_t stars = 0;
        for (size_t k = 0; k < c->replacements[i].pattern.n; k++)
            stars += c->replacements[i].pattern.p[k] == '*' ? 1 : 0;
        if (stars > ALB_DOOR_GROUPS_MAX)
            return alb_fail(err, ALB_E_INVALID, "IMGPROXY_URL_REPLACEMENTS: a pattern has more than %d \"*\"",
                            ALB_DOOR_GROUPS_MAX);
    }
    return ALB_OK;
}

enum alb_code alb_imgproxy_config_check(const struct alb_imgproxy_config *c, struct alb_err *err)
{
    enum alb_code code = check_keys(c, err);

    if (code != ALB_OK)
        return code;
    if (c->separator.n == 0)
        return alb_fail(err, ALB_E_INVALID, "IMGPROXY_ARGUMENTS_SEPARATOR cannot be empty");
    if (alb_str_find(c->separator, '/') != ALB_STR_NPOS)
        return alb_fail(err, ALB_E_INVALID, "IMGPROXY_ARGUMENTS_SEPARATOR cannot contain \"/\"");
    if (c->preferred_count == 0)
        return alb_fail(err, ALB_E_INVALID, "IMGPROXY_PREFERRED_FORMATS names no format that can be written");
    if (c->fallback_status > 0 && c->fallback_status < 100)
        return alb_fail(err, ALB_E_INVALID, "IMGPROXY_FALLBACK_IMAGE_HTTP_CODE: %lld is no status",
                        (long long)c->fallback_status);
    if (c->prometheus_bind.n > 0 && alb_str_eq(c->prometheus_bind, c->bind))
        return alb_fail(err, ALB_E_INVALID, "IMGPROXY_PROMETHEUS_BIND must differ from IMGPROXY_BIND");
    code = check_replacements(c, err);
    if (code == ALB_OK)
        code = alb_imgproxy_presets_check(c, false, err);
    return code != ALB_OK ? code : alb_imgproxy_presets_check(c, true, err);
}
