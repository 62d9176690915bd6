/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written: format, quality, encoders, profile (contract: compile.h).
 */
#include <string.h>

#include "doors/imgproxy/compile_priv.h"

/* Our efforts are 1..10 for every format; imgproxy's are those of the encoders. */
static uint8_t effort_of(int64_t v, int64_t least, int64_t most)
{
    int64_t in = v < least ? least : v > most ? most : v;
    return (uint8_t)(1 + ((in - least) * 9 + (most - least) / 2) / (most - least));
}

static void compile_quality(const struct alb_imgproxy_compiling *k, struct alb_output *o)
{
    o->quality[ALB_FORMAT_SAME] = k->r->quality ? k->r->quality : (uint8_t)k->c->quality;
    for (int f = 1; f < ALB_IMGPROXY_FORMATS && k->r->quality == 0; f++) {
        enum alb_format to = alb_imgproxy_to_format((enum alb_imgproxy_format)f);
        uint8_t q = k->r->format_quality[f] ? k->r->format_quality[f] : k->c->format_quality[f];
        if (to != ALB_FORMAT_SAME)
            o->quality[to] = q;
    }
    o->effort[ALB_FORMAT_WEBP] = k->c->webp_effort == 0 ? 0 : effort_of(k->c->webp_effort, 0, 6);
    o->effort[ALB_FORMAT_AVIF] = k->c->avif_speed < 0 ? 0 : effort_of(9 - k->c->avif_speed, 0, 9);
    o->effort[ALB_FORMAT_JXL] = effort_of(k->c->jxl_effort, 3, 9);
}

static void compile_encoders(const struct alb_imgproxy_request *r, struct alb_output *o)
{
    o->jpeg_progressive = r->jpeg.progressive;
    o->jpeg_trellis = r->jpeg.trellis;
    o->jpeg_overshoot = r->jpeg.overshoot;
    o->jpeg_scans = r->jpeg.scans;
    o->jpeg_table = (uint8_t)r->jpeg.table;
    o->chroma = r->jpeg.no_subsample ? ALB_CHROMA_FULL : ALB_CHROMA_AUTO;
    o->heif_chroma = r->avif_subsample == ALB_IMGPROXY_SUBSAMPLE_ON    ? ALB_CHROMA_HALF
                     : r->avif_subsample == ALB_IMGPROXY_SUBSAMPLE_OFF ? ALB_CHROMA_FULL
                                                                       : ALB_CHROMA_AUTO;
    o->png_interlaced = r->png.interlaced;
    o->png_quantize = r->png.quantize;
    o->png_colors = (uint16_t)r->png.colours;
    o->webp_mode = r->webp_compression == ALB_IMGPROXY_LOSSLESS        ? ALB_WEBP_LOSSLESS
                   : r->webp_compression == ALB_IMGPROXY_NEAR_LOSSLESS ? ALB_WEBP_NEAR_LOSSLESS
                                                                       : ALB_WEBP_LOSSY;
    static const enum alb_webp_preset presets[] = {
        [ALB_IMGPROXY_PRESET_DEFAULT] = ALB_WEBP_DEFAULT, [ALB_IMGPROXY_PRESET_PICTURE] = ALB_WEBP_PICTURE,
        [ALB_IMGPROXY_PRESET_PHOTO] = ALB_WEBP_PHOTO,     [ALB_IMGPROXY_PRESET_DRAWING] = ALB_WEBP_DRAWING,
        [ALB_IMGPROXY_PRESET_ICON] = ALB_WEBP_ICON,       [ALB_IMGPROXY_PRESET_TEXT] = ALB_WEBP_TEXT,
    };
    o->webp_preset = presets[r->webp_preset];
    o->webp_smart_subsample = r->webp_smart_subsample;
}

static void compile_autoquality(const struct alb_imgproxy_compiling *k, struct alb_output *o)
{
    const struct alb_imgproxy_autoquality *a = &k->r->autoquality;
    if (a->method == ALB_IMGPROXY_AQ_NONE)
        return;
    o->autoquality = a->method == ALB_IMGPROXY_AQ_SIZE ? ALB_AUTOQUALITY_SIZE : ALB_AUTOQUALITY_DSSIM;
    o->target = a->target;
    o->error = a->error;
    o->least = (uint8_t)a->min;
    o->most = (uint8_t)a->max;
    o->autoquality_pixels = (uint64_t)k->c->aq_max_pixels;
    if (k->r->given & ALB_IMGPROXY_GIVEN_AUTOQUALITY) /* what a URL says holds for every format */
        return;
    for (int f = 1; f < ALB_IMGPROXY_FORMATS; f++) {
        enum alb_format to = alb_imgproxy_to_format((enum alb_imgproxy_format)f);
        uint8_t least = k->c->aq_format_min[f] ? k->c->aq_format_min[f] : o->least;
        uint8_t most = k->c->aq_format_max[f] ? k->c->aq_format_max[f] : o->most;
        if (to == ALB_FORMAT_SAME)
            continue;
        o->least_of[to] = least;
        o->most_of[to] = most > least ? most : least; /* one of the two may come from each variable */
    }
}

/* Newer formats that the client takes and the configuration offers: what the client likes best first, of equals the
 * one that imgproxy would take. */
static void automatic(const struct alb_imgproxy_compiling *k, struct alb_output *o)
{
    const struct alb_imgproxy_config *c = k->c;
    bool asked = k->r->format != ALB_IMGPROXY_FORMAT_NONE;
    uint32_t accepted = alb_imgproxy_accepted(k->accept);
    const struct {
        enum alb_imgproxy_format format;
        bool offered, enforced;
    } all[] = {{ALB_IMGPROXY_JXL, c->auto_jxl, c->enforce_jxl},
               {ALB_IMGPROXY_AVIF, c->auto_avif, c->enforce_avif},
               {ALB_IMGPROXY_WEBP, c->auto_webp, c->enforce_webp}};
    uint16_t weight[ALB_ARRAY_LEN(all)];
    size_t n = 0, at;
    for (size_t i = 0; i < ALB_ARRAY_LEN(all); i++) {
        if (!(accepted & ALB_IMGPROXY_FORMAT_BIT(all[i].format)) ||
            !(all[i].enforced || (all[i].offered && !asked)))
            continue;
        uint16_t own = k->accept->weight[all[i].format];
        for (at = n++; at > 0 && weight[at - 1] < own; at--) {
            weight[at] = weight[at - 1];
            o->automatic[at] = o->automatic[at - 1];
        }
        weight[at] = own;
        o->automatic[at] = alb_imgproxy_to_format(all[i].format);
    }
}

static void compile_best(const struct alb_imgproxy_compiling *k, struct alb_output *o)
{
    const struct alb_imgproxy_config *c = k->c;
    uint32_t accepted = alb_imgproxy_accepted(k->accept);
    if (!alb_imgproxy_wants_best(c, k->r))
        return;
    o->best = o->keep;
    if ((accepted & ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_JXL)) && (c->auto_jxl || c->enforce_jxl))
        o->best |= ALB_FORMAT_BIT(ALB_FORMAT_JXL);
    if ((accepted & ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_AVIF)) && (c->auto_avif || c->enforce_avif))
        o->best |= ALB_FORMAT_BIT(ALB_FORMAT_AVIF);
    if ((accepted & ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_WEBP)) && (c->auto_webp || c->enforce_webp))
        o->best |= ALB_FORMAT_BIT(ALB_FORMAT_WEBP);
    o->best_pixels = (uint64_t)c->best_max_pixels;
    o->best_plain = c->best_complexity;
}

static void compile_format(const struct alb_imgproxy_compiling *k, struct alb_output *o)
{
    const struct alb_imgproxy_config *c = k->c;
    size_t n = 0;
    memset(o->automatic, 0, sizeof(o->automatic));
    memset(o->preferred, 0, sizeof(o->preferred));
    o->keep = o->best = 0;
    o->format = alb_imgproxy_to_format(k->r->format);
    automatic(k, o);
    for (size_t i = 0; i < c->preferred_count; i++) {
        enum alb_format f = alb_imgproxy_to_format(c->preferred[i]);
        if (f == ALB_FORMAT_SAME)
            continue;
        o->keep |= ALB_FORMAT_BIT(f);
        if (n + 1 < ALB_FORMAT_LIST)
            o->preferred[n++] = f;
    }
    compile_best(k, o);
}

static enum alb_imgproxy_refusal compile_profile(struct alb_imgproxy_compiling *k, struct alb_output *o)
{
    const struct alb_imgproxy_request *r = k->r;
    o->profile = r->strip_profile ? ALB_PROFILE_SRGB : ALB_PROFILE_KEEP;
    if (r->color_profile.n == 0)
        return ALB_IMGPROXY_FINE;
    if (alb_str_eq_c(r->color_profile, "srgb")) {
        o->profile = ALB_PROFILE_SRGB;
    } else if (alb_str_eq_c(r->color_profile, "cmyk")) {
        o->profile = ALB_PROFILE_CMYK;
    } else {
        o->profile = ALB_PROFILE_INPUT;
        o->profile_input = alb_imgproxy_input_of(k, NULL, r->color_profile);
        if (o->profile_input == 0)
            return alb_imgproxy_refuse(k->err, ALB_IMGPROXY_TOO_LONG, "at most %d other files may be used",
                                       ALB_PLAN_INPUTS - 1);
    }
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_compile_output(struct alb_imgproxy_compiling *k, struct alb_output *o)
{
    const struct alb_imgproxy_request *r = k->r;
    compile_format(k, o);
    compile_quality(k, o);
    compile_encoders(r, o);
    compile_autoquality(k, o);
    o->max_bytes = (uint64_t)r->max_bytes;
    o->keep_metadata = !r->strip_metadata;
    o->keep_copyright = r->keep_copyright;
    o->deep = r->preserve_hdr;
    o->dpi = r->dpi > 0 ? r->dpi : k->c->strip_dpi;
    return compile_profile(k, o);
}
