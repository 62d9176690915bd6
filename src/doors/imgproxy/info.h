/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON of /info: what a probe says of a source, as far as the request asks for it. Pure, io thread for the hash
 * sums (the source is read).
 */
#ifndef ALB_DOORS_IMGPROXY_INFO_H
#define ALB_DOORS_IMGPROXY_INFO_H

#include "base/buf.h"
#include "doors/imgproxy/options.h"
#include "render/order.h"

#define ALB_IMGPROXY_INFO_MAX ((size_t)1 << 20)

struct alb_imgproxy_sums { /* hex; empty: not asked for */
    char text[5][129];     /* by enum alb_imgproxy_hash */
};

struct alb_imgproxy_place_of { /* parts of the sides, 0..1 */
    double left, top, width, height;
};
/* False: not asked for. */
bool alb_imgproxy_info_crop(const struct alb_imgproxy_info *want, const struct alb_probe *probe,
                            struct alb_imgproxy_place_of *out);

/* UNPROCESSABLE: the source cannot be read at all. */
enum alb_code alb_imgproxy_info_write(const struct alb_imgproxy_info *want, const struct alb_probe *probe,
                                      int64_t size, const struct alb_imgproxy_sums *sums, struct alb_buf *out,
                                      struct alb_err *err) ALB_MUST_CHECK;

#endif
