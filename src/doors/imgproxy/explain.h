/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs in words, for people: what a request asks for, and why its signature does not fit. The second tries
 * the usual mistakes (another spelling of the path, of the key, of the signature) and names those under which
 * the signature is right. Slow on purpose of completeness: for the command line and development mode, not for
 * the hot path, and never shown to strangers. Pure; any thread.
 */
#ifndef ALB_DOORS_IMGPROXY_EXPLAIN_H
#define ALB_DOORS_IMGPROXY_EXPLAIN_H

#include "base/buf.h"
#include "doors/imgproxy/options.h"

/* One line per thing that differs from an empty request: "  resize   fill 300x200, enlarge". */
void alb_imgproxy_describe(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r,
                           struct alb_buf *out);
/* One or more lines. `target`: the whole request target, query and prefix included; `origin`: "http://host"
 * if it was known, else empty. False: no usual mistake matches, and a line says that. */
bool alb_imgproxy_explain_signature(const struct alb_imgproxy_config *c, struct alb_arena *arena,
                                    const struct alb_imgproxy_url *url, struct alb_str target,
                                    struct alb_str origin, struct alb_buf *out);

#endif
