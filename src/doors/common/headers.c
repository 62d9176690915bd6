/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/common/headers.h"

static bool is_token(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = alb_lower(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return s.n > 0 && s.n <= 64;
}

bool alb_door_may_pass(struct alb_str header)
{
    static const char *const ours[] = {
        "accept-ranges",
        "cache-control",
        "connection",
        "content-disposition",
        "content-encoding",
        "content-length",
        "content-range",
        "content-security-policy",
        "content-type",
        "date",
        "etag",
        "expires",
        "keep-alive",
        "last-modified",
        "server",
        "set-cookie",
        "set-cookie2",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "x-content-type-options",
        "x-request-id",
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(ours); i++)
        if (alb_str_eq_ci(header, alb_str_c(ours[i])))
            return false;
    return is_token(header);
}

bool alb_door_may_forward(struct alb_str header)
{
    static const char *const ours[] = {
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-api-key",
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(ours); i++)
        if (alb_str_eq_ci(header, alb_str_c(ours[i])))
            return false;
    return is_token(header);
}
