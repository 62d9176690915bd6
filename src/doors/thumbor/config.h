/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator of the thumbor door may say. A plain value; its texts and lists live as long as whoever made it
 * says. imagor's own defaults are what alb_thumbor_config_init sets.
 */
#ifndef ALB_DOORS_THUMBOR_CONFIG_H
#define ALB_DOORS_THUMBOR_CONFIG_H

#include "doors/thumbor/filters.h"
#include "doors/thumbor/sign.h"
#include "render/origin.h"

struct alb_thumbor_list {
    const struct alb_str *item;
    size_t count;
};

/* Pictures of other servers. What may be asked for is asked again of every redirect. */
struct alb_thumbor_http {
    bool on;
    struct alb_str default_scheme; /* of images without one; "nil": none, then such images are nobody's */
    struct alb_str
        base_url; /* stands before every image, its query stays; then default_scheme is not looked at */
    /* Who may be asked: any of these patterns on "host" or "host:port" (Go's path.Match: "*", "?", "[a-z]"), or what
     * `matches` says of the whole address. Neither given: everybody. */
    struct alb_thumbor_list allowed;
    bool (*matches)(const void *ctx, struct alb_str url); /* any thread; NULL: nothing more is allowed */
    const void *matches_ctx;
    unsigned reach;                          /* fetch.h; ALB_FETCH_ANYWHERE: imagor without its block flags */
    const struct alb_fetch_network *blocked; /* nor anything of these */
    size_t blocked_count;
    bool insecure;         /* certificates are not checked */
    struct alb_str agent;  /* User-Agent */
    struct alb_str accept; /* sent, and media types that an answer may have; of "*" and "?" as above */
    struct alb_thumbor_list forward; /* names of request headers that sources are told */
    bool forward_all;             /* all of them but what is of the connection, and credentials of albumen */
    struct alb_thumbor_list keep; /* names of a source's headers that an answer has instead of ours */
    int64_t max_bytes;            /* of a source; 0: those of the server */
    int64_t timeout;              /* ns, of a transfer, redirects and all */
    unsigned redirects;
};

struct alb_thumbor_upload {
    bool on; /* with allow_unsafe alone */
    int64_t max_bytes;
    struct alb_str accept; /* media types with "*" and "?", several by commas */
    struct alb_str field;  /* of a form */
};

struct alb_thumbor_config {
    struct alb_thumbor_signer signer;
    bool allow_unsafe;          /* "unsafe/" is as good as a signature. Not with a library (door.h) */
    struct alb_str base_params; /* applied on top of every URL; empty: none */
    bool auto_webp, auto_avif, auto_jpeg;
    struct alb_thumbor_rules rules;
    bool strip_metadata, strip_icc, mozjpeg;
    int64_t avif_speed;                            /* 0..9 */
    int64_t max_width, max_height, max_resolution; /* pixels, of results; the last one of sources too */
    int64_t max_frames;                            /* of an animation; below 0: all */
    struct alb_thumbor_http http;
    struct alb_thumbor_upload upload;
    /* answers */
    int64_t ttl, swr; /* s */
    int64_t timeout;  /* ms, of a request */
    bool no_cache, disable_error_body, disable_params;
    bool
        raw_on_error; /* a source that no picture can be made of is sent as it is, with the status of the error */
    bool strip_query; /* a request with a query is sent (307) to where it has none */
};

static inline void alb_thumbor_config_init(struct alb_thumbor_config *c)
{
    *c = (struct alb_thumbor_config){
        .signer = {.kind = ALB_HASH_SHA1},
        .avif_speed = 8,
        .max_width = 9999,
        .max_height = 9999,
        .max_resolution = 81000000,
        .max_frames = -1,
        .http = {.default_scheme = ALB_STR("https"),
                 .reach = ALB_FETCH_ANYWHERE,
                 .accept = ALB_STR("*/*"),
                 .timeout = (int64_t)20 * 1000000000,
                 .redirects = 10},
        .upload = {.max_bytes = (int64_t)32 << 20, .accept = ALB_STR("image/*"), .field = ALB_STR("image")},
        .ttl = (int64_t)7 * 24 * 3600,
        .swr = (int64_t)24 * 3600,
        .timeout = 30000,
    };
}

#endif
