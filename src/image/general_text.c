/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts as marks. Markup is Pango's: it names colours and fonts and nothing that could be opened. What is no markup is
 * an error, or, where the step forgives, shown as it is written.
 */
#include <math.h>

#include "image/general_effects.h"
#include "image/general_layers.h"
#include "image/general_steps.h"
#include "image/load.h"

#define TEXT_FONT "sans 24"
#define TEXT_DPI 72

struct setting {
    const struct alb_plan_step *s;
    const char *font;
};

static int draw(const struct setting *t, const char *markup, VipsImage **out)
{
    static const VipsAlign align[ALB_TEXT_ALIGN_COUNT] = {VIPS_ALIGN_LOW, VIPS_ALIGN_CENTRE, VIPS_ALIGN_HIGH};
    static const VipsTextWrap wrap[ALB_TEXT_WRAP_COUNT] = {VIPS_TEXT_WRAP_WORD, VIPS_TEXT_WRAP_CHAR,
                                                           VIPS_TEXT_WRAP_WORD_CHAR, VIPS_TEXT_WRAP_NONE};
    const struct alb_plan_step *s = t->s;
    const struct alb_plan_typeset *set = &s->u.mark.set;
    if (s->u.mark.width > 0 && s->u.mark.height > 0) /* as large as fits */
        return vips_text(out, markup, "font", t->font, "rgba", TRUE, "width", (int)s->u.mark.width, "height",
                         (int)s->u.mark.height, NULL);
    int dpi = set->dpi > 0 ? (int)set->dpi : (int)fmax(1, TEXT_DPI * s->u.mark.scale);
    return vips_text(out, markup, "font", t->font, "rgba", TRUE, "dpi", dpi, "width", (int)set->width,
                     "align", align[set->align], "justify", (gboolean)set->justify, "wrap", wrap[set->wrap],
                     "spacing", (int)set->spacing, NULL);
}

static enum alb_code shape(const struct setting *t, struct alb_str words, VipsImage **mark,
                           struct alb_err *err)
{
    VipsImage *out = NULL;
    char *markup = g_strndup(words.p, words.n);
    int rc = draw(t, markup, &out);
    if (rc != 0 && t->s->u.mark.set.forgiving) {
        char *plain = g_markup_escape_text(markup, -1);
        vips_error_clear();
        g_clear_object(&out);
        rc = draw(t, plain, &out);
        g_free(plain);
    }
    g_free(markup);
    if (rc != 0) {
        g_clear_object(&out);
        return alb_load_fail(err, ALB_E_UNPROCESSABLE, "text");
    }
    *mark = out;
    return alb_step_hold(mark, err);
}

/* Whatever its markup says; where it lies stays as it was. */
static enum alb_code paint(VipsImage **mark, uint32_t rgb, struct alb_err *err)
{
    const double times[4] = {0, 0, 0, 1}, plus[4] = {rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff, 0};
    VipsImage *out = NULL;
    int rc = vips_linear(*mark, &out, times, plus, 4, "uchar", TRUE, NULL);
    return alb_step_replace(mark, rc, out, "text", err);
}

static enum alb_code fill_up(VipsImage **mark, uint32_t height, struct alb_err *err)
{
    VipsImage *out = NULL;
    if ((uint32_t)vips_image_get_height(*mark) >= height)
        return ALB_OK;
    int rc = vips_embed(*mark, &out, 0, 0, vips_image_get_width(*mark), (int)height, "extend",
                        VIPS_EXTEND_BLACK, NULL);
    return alb_step_replace(mark, rc, out, "text", err);
}

static enum alb_code find_mean(VipsImage **image, uint32_t *rgb, struct alb_err *err)
{
    enum alb_code code = alb_step_hold(image, err); /* it is read twice */
    return code == ALB_OK ? alb_image_mean(*image, rgb, err) : code;
}

enum alb_code alb_mark_text(VipsImage **image, const struct alb_plan_step *s, const char *texts,
                            struct alb_str words, VipsImage **mark, struct alb_err *err)
{
    const struct alb_plan_typeset *set = &s->u.mark.set;
    char *font = set->font.n > 0 ? g_strndup(texts + set->font.at, set->font.n) : g_strdup(TEXT_FONT);
    const struct setting t = {s, font};
    uint32_t rgb = set->rgb;
    *mark = NULL;
    enum alb_code code = set->mean ? find_mean(image, &rgb, err) : ALB_OK;
    if (code == ALB_OK)
        code = shape(&t, words, mark, err);
    if (code == ALB_OK && set->painted)
        code = paint(mark, rgb, err);
    if (code == ALB_OK && set->filled)
        code = fill_up(mark, s->u.mark.height, err);
    g_free(font);
    return code;
}
