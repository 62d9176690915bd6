/* SPDX-License-Identifier: Apache-2.0 */
#include "image/express/lane_priv.h"

static const struct alb_lane_format formats[] = {
    {ALB_TYPE_JPEG, ALB_FORMAT_JPEG, true, alb_jpeg_source_open, alb_jpeg_sink_open, alb_jpeg_sink_planes,
     alb_jpeg_sink_takes},
    {ALB_TYPE_PNG, ALB_FORMAT_PNG, true, alb_png_source_open, alb_png_sink_open, NULL, alb_png_sink_takes},
    {ALB_TYPE_WEBP, ALB_FORMAT_WEBP, true, alb_webp_source_open, alb_webp_sink_open, alb_webp_sink_planes,
     alb_webp_sink_takes},
    {ALB_TYPE_AVIF, ALB_FORMAT_AVIF, false, alb_avif_source_open, alb_avif_sink_open, alb_avif_sink_planes,
     alb_avif_sink_takes},
};

const struct alb_lane_format *alb_lane_type(enum alb_type type)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(formats); i++) {
        if (formats[i].type == type)
            return &formats[i];
    }
    return NULL;
}

const struct alb_lane_format *alb_lane_format(enum alb_format format)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(formats); i++) {
        if (formats[i].format == format)
            return &formats[i];
    }
    return NULL;
}
