/* SPDX-License-Identifier: Apache-2.0
 *
 * The one merge function (law 6): what an asset is, from what its layers say. Pure.
 *
 * For each field the strongest layer that states it decides, also when what it states is "nothing". So the
 * result depends only on the set of layers and never on the order in which they were written.
 */
#include <math.h>
#include <string.h>

#include "catalog/types.h"

#define TEXT_MAX ((size_t)64 << 10)
#define NAME_MAX_BYTES ((size_t)4 << 10)
#define YEAR_1_MS (-62135596800000LL)
#define YEAR_10000_MS 253402300800000LL

static void take_field(struct alb_layer *to, const struct alb_layer *from, enum alb_field f)
{
    switch (f) {
    case ALB_FIELD_CAPTURE:
        to->capture = from->capture;
        break;
    case ALB_FIELD_TITLE:
        to->title = from->title;
        break;
    case ALB_FIELD_DESCRIPTION:
        to->description = from->description;
        break;
    case ALB_FIELD_AUTHOR:
        to->author = from->author;
        break;
    case ALB_FIELD_GPS:
        to->latitude = from->latitude;
        to->longitude = from->longitude;
        break;
    case ALB_FIELD_RATING:
        to->rating = from->rating;
        break;
    case ALB_FIELD_ROTATION:
        to->rotation = from->rotation;
        break;
    case ALB_FIELD_COUNT:
    default:
        break;
    }
}

void alb_layer_merge(const struct alb_layer *const layers[ALB_LAYER_COUNT], struct alb_layer *effective,
                     int source[ALB_FIELD_COUNT])
{
    memset(effective, 0, sizeof(*effective));
    for (int f = 0; f < ALB_FIELD_COUNT; f++) {
        int from = -1;

        for (int i = ALB_LAYER_COUNT - 1; i >= 0 && from < 0; i--)
            if (layers[i] != NULL && (layers[i]->stated & ALB_FIELD_BIT(f)))
                from = i;
        if (from >= 0 && !(layers[from]->empty & ALB_FIELD_BIT(f))) {
            take_field(effective, layers[from], (enum alb_field)f);
            effective->stated |= ALB_FIELD_BIT(f);
        }
        if (source != NULL)
            source[f] = from;
    }
}

void alb_layer_overlay(struct alb_layer *base, const struct alb_layer *over, uint32_t forget)
{
    for (int f = 0; f < ALB_FIELD_COUNT; f++) {
        uint32_t bit = ALB_FIELD_BIT(f);

        if (over->stated & bit) {
            take_field(base, over, (enum alb_field)f);
            base->stated |= bit;
            base->empty = (base->empty & ~bit) | (over->empty & bit);
        } else if (forget & bit) {
            base->stated &= ~bit;
            base->empty &= ~bit;
        }
    }
}

static bool says(const struct alb_layer *l, enum alb_field f)
{
    return (l->stated & ALB_FIELD_BIT(f)) && !(l->empty & ALB_FIELD_BIT(f));
}

static bool text_ok(struct alb_str s, size_t max)
{
    return s.n <= max && alb_str_is_utf8(s) && (s.n == 0 || memchr(s.p, 0, s.n) == NULL);
}

static bool capture_ok(const struct alb_capture *c)
{
    if (c->has_offset && (c->offset_min < -1080 || c->offset_min > 1080))
        return false;
    return c->utc_ms >= YEAR_1_MS && c->utc_ms < YEAR_10000_MS && c->local_ms >= YEAR_1_MS &&
           c->local_ms < YEAR_10000_MS;
}

static bool gps_ok(double latitude, double longitude)
{
    return isfinite(latitude) && isfinite(longitude) && fabs(latitude) <= 90 && fabs(longitude) <= 180;
}

/* NULL if the value of the field is fine. */
static const char *wrong_with(const struct alb_layer *l, enum alb_field f)
{
    switch (f) {
    case ALB_FIELD_CAPTURE:
        return capture_ok(&l->capture) ? NULL : "the date is out of range";
    case ALB_FIELD_TITLE:
        return text_ok(l->title, NAME_MAX_BYTES) ? NULL : "the title is too long or not UTF-8";
    case ALB_FIELD_DESCRIPTION:
        return text_ok(l->description, TEXT_MAX) ? NULL : "the description is too long or not UTF-8";
    case ALB_FIELD_AUTHOR:
        return text_ok(l->author, NAME_MAX_BYTES) ? NULL : "the author is too long or not UTF-8";
    case ALB_FIELD_GPS:
        return gps_ok(l->latitude, l->longitude) ? NULL : "the position is out of range";
    case ALB_FIELD_RATING:
        return l->rating >= -1 && l->rating <= 5 ? NULL : "the rating is out of range";
    case ALB_FIELD_ROTATION:
        return l->rotation >= 0 && l->rotation < 360 && l->rotation % 90 == 0 ? NULL : "not a quarter turn";
    case ALB_FIELD_COUNT:
    default:
        return "unknown field";
    }
}

bool alb_layer_valid(const struct alb_layer *l, const char **why)
{
    *why = NULL;
    if ((l->stated & ~ALB_FIELDS_ALL) || (l->empty & ~l->stated))
        *why = "unknown field";
    for (int f = 0; *why == NULL && f < ALB_FIELD_COUNT; f++)
        if (says(l, (enum alb_field)f))
            *why = wrong_with(l, (enum alb_field)f);
    return *why == NULL;
}

void alb_layer_sanitize(struct alb_layer *l)
{
    l->stated &= ALB_FIELDS_ALL;
    l->empty &= l->stated;
    for (int f = 0; f < ALB_FIELD_COUNT; f++)
        if (says(l, (enum alb_field)f) && wrong_with(l, (enum alb_field)f) != NULL)
            l->stated &= ~ALB_FIELD_BIT(f);
}
