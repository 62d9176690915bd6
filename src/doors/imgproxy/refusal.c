/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes of refusal (contract: refusal.h). The words are imgproxy's own: clients and tests look for them.
 */
#include "doors/imgproxy/refusal.h"

#include "base/check.h"

static const struct {
    int status;
    enum alb_code code;
    const char *text;
} refusals[ALB_IMGPROXY_REFUSALS] = {
    [ALB_IMGPROXY_FINE] = {200, ALB_OK, "OK"},
    [ALB_IMGPROXY_BAD_URL] = {404, ALB_E_NOT_FOUND, "Invalid URL"},
    [ALB_IMGPROXY_SECURITY_OPTION] = {403, ALB_E_FORBIDDEN, "Invalid URL"},
    [ALB_IMGPROXY_BAD_SIGNATURE] = {403, ALB_E_FORBIDDEN, "Forbidden"},
    [ALB_IMGPROXY_NO_SIGNATURE] =
        {403, ALB_E_FORBIDDEN,
         "The signature appears to be a processing option. The signature section should "
         "always be present in the URL."},
    [ALB_IMGPROXY_BAD_SOURCE] = {404, ALB_E_NOT_FOUND, "Invalid source URL"},
    [ALB_IMGPROXY_SOURCE_OFF] = {404, ALB_E_NOT_FOUND, "Source is unreachable"},
    [ALB_IMGPROXY_TOO_LONG] = {404, ALB_E_NOT_FOUND, "Invalid URL"},
    [ALB_IMGPROXY_NO_MEMORY] = {503, ALB_E_NO_MEMORY, "Internal error"},
};

int alb_imgproxy_refusal_status(enum alb_imgproxy_refusal r)
{
    ALB_CHECK(r < ALB_IMGPROXY_REFUSALS);
    return refusals[r].status;
}

const char *alb_imgproxy_refusal_text(enum alb_imgproxy_refusal r)
{
    ALB_CHECK(r < ALB_IMGPROXY_REFUSALS);
    return refusals[r].text;
}

enum alb_code alb_imgproxy_refusal_code(enum alb_imgproxy_refusal r)
{
    ALB_CHECK(r < ALB_IMGPROXY_REFUSALS);
    return refusals[r].code;
}
