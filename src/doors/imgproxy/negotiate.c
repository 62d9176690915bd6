/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/imgproxy/negotiate.h"

/* ---- Accept ---- */

/* In thousandths, as finely as q is written; 0: not this one. */
static uint16_t weight_of(struct alb_str params)
{
    struct alb_str param, name, value;
    double q;
    while (alb_str_next(&params, ';', &param)) {
        if (!alb_str_cut(alb_str_trim(param), '=', &name, &value) ||
            !alb_str_eq_ci(alb_str_trim(name), ALB_STR("q")))
            continue;
        if (!alb_str_double(alb_str_trim(value), &q) || q > 1)
            return 1000;
        if (q <= 0)
            return 0;
        return q < 0.001 ? 1 : (uint16_t)(q * 1000 + 0.5);
    }
    return 1000;
}

static enum alb_imgproxy_format format_of(struct alb_str type)
{
    static const struct {
        const char *type;
        enum alb_imgproxy_format format;
    } known[] = {{"image/webp", ALB_IMGPROXY_WEBP}, {"image/avif", ALB_IMGPROXY_AVIF},
                 {"image/jxl", ALB_IMGPROXY_JXL},   {"image/jpeg", ALB_IMGPROXY_JPEG},
                 {"image/png", ALB_IMGPROXY_PNG}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(known); i++)
        if (alb_str_eq_ci(type, alb_str_c(known[i].type)))
            return known[i].format;
    return ALB_IMGPROXY_FORMAT_NONE;
}

static void raise_to(uint16_t *weight, uint16_t to)
{
    if (*weight < to)
        *weight = to;
}

void alb_imgproxy_accept_add(struct alb_imgproxy_accept *a, struct alb_str line)
{
    struct alb_str piece, type, params;
    while (alb_str_next(&line, ',', &piece)) {
        (void)alb_str_cut(piece, ';', &type, &params);
        type = alb_str_trim(type);
        uint16_t weight = weight_of(params);
        enum alb_imgproxy_format f = format_of(type);
        if (alb_str_eq_c(type, "*/*"))
            raise_to(&a->any, weight);
        else if (alb_str_eq_ci(type, ALB_STR("image/*")))
            raise_to(&a->image, weight);
        else if (f != ALB_IMGPROXY_FORMAT_NONE && weight == 0)
            a->refused |= ALB_IMGPROXY_FORMAT_BIT(f);
        else if (f != ALB_IMGPROXY_FORMAT_NONE)
            raise_to(&a->weight[f], weight);
    }
}

/* The nearest word about a format decides (RFC 9110, 12.5.1). */
static uint16_t ordinary(const struct alb_imgproxy_accept *a, enum alb_imgproxy_format f)
{
    if ((a->refused & ALB_IMGPROXY_FORMAT_BIT(f)) || a->weight[f] > 0)
        return a->weight[f];
    return a->image > 0 ? a->image : a->any;
}

uint32_t alb_imgproxy_accepted(const struct alb_imgproxy_accept *a)
{
    static const enum alb_imgproxy_format newer[] = {ALB_IMGPROXY_WEBP, ALB_IMGPROXY_AVIF, ALB_IMGPROXY_JXL};
    uint16_t jpeg = ordinary(a, ALB_IMGPROXY_JPEG), png = ordinary(a, ALB_IMGPROXY_PNG);
    uint16_t least = jpeg > png ? jpeg : png;
    uint32_t bits = 0;
    for (size_t i = 0; i < ALB_ARRAY_LEN(newer); i++) {
        uint32_t bit = ALB_IMGPROXY_FORMAT_BIT(newer[i]);
        if (a->weight[newer[i]] > 0 && a->weight[newer[i]] >= least && !(a->refused & bit))
            bits |= bit;
    }
    return bits;
}

/* ---- client hints ---- */

#define DPR_MAX 8
#define DPR_MIN 0.01 /* smaller ones are nonsense, not a reason to refuse a URL */

double alb_imgproxy_hint_dpr(struct alb_str value)
{
    double d;
    return alb_str_double(alb_str_trim(value), &d) && d >= DPR_MIN && d <= DPR_MAX ? d : 0;
}

double alb_imgproxy_hint_width(struct alb_str value)
{
    int64_t n;
    return alb_str_i64(alb_str_trim(value), &n) && n > 0 && n <= UINT16_MAX ? (double)n : 0;
}

/* ---- Vary ---- */

bool alb_imgproxy_wants_best(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r)
{
    return r->format == ALB_IMGPROXY_BEST || (c->best_by_default && r->format == ALB_IMGPROXY_FORMAT_NONE);
}

const char *alb_imgproxy_vary(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r)
{
    bool offers = c->auto_webp || c->auto_avif || c->auto_jxl;
    bool enforces = c->enforce_webp || c->enforce_avif || c->enforce_jxl;
    bool open = r->format == ALB_IMGPROXY_FORMAT_NONE;
    bool accept = enforces || (offers && (open || r->format == ALB_IMGPROXY_BEST));
    if (r->raw)
        return NULL;
    if (c->client_hints)
        return accept ? "Accept, Sec-CH-DPR, DPR, Sec-CH-Width, Width"
                      : "Sec-CH-DPR, DPR, Sec-CH-Width, Width";
    return accept ? "Accept" : NULL;
}

/* ---- file names ---- */

/* Behind the last slash. The host alone is no name. */
static struct alb_str last_segment(struct alb_str url)
{
    size_t scheme = alb_str_find_str(url, ALB_STR("://"));
    struct alb_str path = scheme == ALB_STR_NPOS ? url : alb_str_from(url, scheme + 3);
    size_t slash = alb_str_rfind(path, '/');
    return slash == ALB_STR_NPOS ? ALB_STR_NONE : alb_str_from(path, slash + 1);
}

struct alb_str alb_imgproxy_filename(struct alb_arena *arena, const struct alb_imgproxy_request *r,
                                     struct alb_str own, const char *ending)
{
    struct alb_str name = own.n > 0 ? own : last_segment(r->source.url);
    size_t dot = alb_str_rfind(name, '.');
    if (dot != ALB_STR_NPOS)
        name = alb_str_sub(name, 0, dot);
    if (r->filename.n > 0)
        name = r->filename;
    if (name.n == 0)
        name = ALB_STR("image");
    return alb_arena_printf(arena, ALB_STR_FMT ".%s", ALB_STR_ARG(name), ending);
}
