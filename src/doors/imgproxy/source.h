/* SPDX-License-Identifier: Apache-2.0
 *
 * The source in a URL: which picture is meant. Three forms, then replacements, the base URL and the list of
 * what is allowed.
 *   plain/<percent-encoded>[@ext]    two "@" are an error; "+" stays "+"
 *   <base64url>[.ext]                "/" anywhere, "=" at the end tolerated; with filename_in_base64 the last segment,
 *                                    if there is more than one, is a name for search engines and is dropped first
 *   enc/<base64url>[.ext]            AES-CBC, 16 bytes of IV before the ciphertext, PKCS#7; as base64 otherwise. Such
 *                                    URLs should be signed: answers tell good padding from bad
 * Allowed sources are patterns on the parsed URL (common/pattern.h). Pure; any thread.
 */
#ifndef ALB_DOORS_IMGPROXY_SOURCE_H
#define ALB_DOORS_IMGPROXY_SOURCE_H

#include "doors/common/pattern.h"
#include "doors/imgproxy/url.h"

#define ALB_IMGPROXY_SOURCE_MAX ALB_DOOR_SOURCE_MAX /* bytes of a source URL, after replacements */

enum alb_imgproxy_scheme {
    ALB_IMGPROXY_SOURCE_NONE, /* no scheme at all: unreachable without a base URL */
    ALB_IMGPROXY_SOURCE_HTTP,
    ALB_IMGPROXY_SOURCE_HTTPS,
    ALB_IMGPROXY_SOURCE_LOCAL,
    ALB_IMGPROXY_SOURCE_ASSET, /* albumen's own: asset://<uuid> or asset:<id> */
    ALB_IMGPROXY_SOURCE_S3,
    ALB_IMGPROXY_SOURCE_GS,
    ALB_IMGPROXY_SOURCE_ABS,
    ALB_IMGPROXY_SOURCE_SWIFT,
    ALB_IMGPROXY_SOURCE_OTHER,
};
enum alb_imgproxy_form { ALB_IMGPROXY_PLAIN, ALB_IMGPROXY_BASE64, ALB_IMGPROXY_ENCRYPTED };

struct alb_imgproxy_source {
    struct alb_str url;     /* after replacements and base URL; no control characters */
    struct alb_str written; /* as it was decoded, before them */
    enum alb_imgproxy_scheme scheme;
    enum alb_imgproxy_form form;
    struct alb_str extension; /* as written behind "@" or "."; empty: none */
    struct alb_str filename;  /* dropped in filename mode; empty: none */
};

/* From the part of the path behind the options. */
enum alb_imgproxy_refusal alb_imgproxy_source_parse(const struct alb_imgproxy_config *c,
                                                    struct alb_arena *arena, struct alb_str part,
                                                    struct alb_imgproxy_source *out,
                                                    struct alb_err *err) ALB_MUST_CHECK;
/* A URL that came decoded in an option (watermark_url, fallback_image_url); `preprocess`: replacements and
 * base URL apply. */
enum alb_imgproxy_refusal alb_imgproxy_source_of(const struct alb_imgproxy_config *c, struct alb_arena *arena,
                                                 struct alb_str url, bool preprocess,
                                                 struct alb_imgproxy_source *out,
                                                 struct alb_err *err) ALB_MUST_CHECK;
/* May it be asked for? BAD_SOURCE: not in the list. SOURCE_OFF: the scheme is unknown or not enabled (the
 * text names the variable). To be asked for every source of a request, and again for the target of every
 * redirect. asset: is never off here: the caller's rights decide. */
enum alb_imgproxy_refusal alb_imgproxy_source_check(const struct alb_imgproxy_config *c, struct alb_str url,
                                                    struct alb_err *err) ALB_MUST_CHECK;
enum alb_imgproxy_scheme alb_imgproxy_scheme_of(struct alb_str url);

/* An address that was taken apart already, by whoever will connect: the list alone is asked (redirects,
 * copies). */
bool alb_imgproxy_address_allowed(const struct alb_imgproxy_config *c, const struct alb_door_address *a);

#endif
