/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/imgproxy/negotiate.h"

/* ---- Accept ---- */

/* "q=0", "q=0.000" mean: not this one. What is no number counts as 1. */
static bool is_refused(struct alb_str params)
{
    struct alb_str param, name, value;
    double q = 1;
    while (alb_str_next(&params, ';', &param)) {
        if (!alb_str_cut(alb_str_trim(param), '=', &name, &value) ||
            !alb_str_eq_ci(alb_str_trim(name), ALB_STR("q")))
            continue;
        if (alb_str_double(alb_str_trim(value), &q))
            return q <= 0;
    }
    return false;
}

static uint32_t format_bit(struct alb_str type)
{
    static const struct {
        const char *type;
        enum alb_imgproxy_format format;
    } known[] = {{"image/webp", ALB_IMGPROXY_WEBP},
                 {"image/avif", ALB_IMGPROXY_AVIF},
                 {"image/jxl", ALB_IMGPROXY_JXL}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(known); i++)
        if (alb_str_eq_ci(type, alb_str_c(known[i].type)))
            return ALB_IMGPROXY_FORMAT_BIT(known[i].format);
    return 0;
}

uint32_t alb_imgproxy_accepts(struct alb_str accept)
{
    struct alb_str piece, type, params;
    uint32_t taken = 0, refused = 0;
    while (alb_str_next(&accept, ',', &piece)) {
        (void)alb_str_cut(piece, ';', &type, &params);
        uint32_t bit = format_bit(alb_str_trim(type));
        if (bit && is_refused(params))
            refused |= bit;
        else
            taken |= bit;
    }
    return taken & ~refused;
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

const char *alb_imgproxy_vary(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r)
{
    bool offers = c->auto_webp || c->auto_avif || c->auto_jxl;
    bool enforces = c->enforce_webp || c->enforce_avif || c->enforce_jxl;
    bool open = r->format == ALB_IMGPROXY_FORMAT_NONE;
    bool best = r->format == ALB_IMGPROXY_BEST || (open && c->best_by_default);
    bool accept = enforces || best || (offers && open);
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
