/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of /info (rows: options_table.c).
 */
#include <math.h>

#include "doors/imgproxy/options_priv.h"

/* The second boolean lies right behind the first one in the struct. */
enum alb_imgproxy_refusal alb_imgproxy_take_two_bools(struct alb_imgproxy_option *o)
{
    char *flags = (char *)&o->request->info + o->row->offset;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_bool(o, 0, (bool *)flags));
    return alb_imgproxy_has(o, 1) ? alb_imgproxy_arg_bool(o, 1, (bool *)(flags + 1)) : ALB_IMGPROXY_FINE;
}
#define NEXT_TO(a, b)                                                                                        \
    _Static_assert(offsetof(struct alb_imgproxy_info, b) == offsetof(struct alb_imgproxy_info, a) + 1,       \
                   "pairs")
NEXT_TO(exif, exif_canonical);
NEXT_TO(alpha, alpha_check);
NEXT_TO(average, average_ignore_transparent);
NEXT_TO(dominant, dominant_build_missed);

/* detect_objects, classify: switched off is all they can be. */
enum alb_imgproxy_refusal alb_imgproxy_take_info_off(struct alb_imgproxy_option *o)
{
    int64_t number;
    bool on;

    if (alb_imgproxy_int(o->arg[0], &number) ? number == 0 : alb_imgproxy_bool(o->arg[0], &on) && !on)
        return ALB_IMGPROXY_FINE;
    return alb_imgproxy_take_learning(o);
}

enum alb_imgproxy_refusal alb_imgproxy_take_info_crop(struct alb_imgproxy_option *o)
{
    struct alb_imgproxy_info *info = &o->request->info;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, HUGE_VAL, &info->crop_width));
    if (o->args > 1)
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 1, 0, HUGE_VAL, &info->crop_height));
    if (o->args > 2)
        return alb_imgproxy_arg_gravity(o, 2, ALB_IMGPROXY_PLACES_CROP, &info->crop_gravity);
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_palette(struct alb_imgproxy_option *o)
{
    int64_t colours = 0;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 0, 0, 256, &colours));
    if (colours == 1)
        return alb_imgproxy_arg_wrong(o, 0, "0, or 2 to 256 colours");
    o->request->info.palette = colours;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_blurhash(struct alb_imgproxy_option *o)
{
    int64_t x = 0, y = 0;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 0, 0, 9, &x));
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 1, 0, 9, &y));
    o->request->info.blurhash_x = x;
    o->request->info.blurhash_y = y;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_hashes(struct alb_imgproxy_option *o)
{
    uint32_t hashes = 0;
    int hash;

    for (size_t i = 0; i < o->args; i++) {
        if (!alb_imgproxy_has(o, i))
            continue;
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, i, alb_imgproxy_hashes, &hash));
        hashes |= hash != ALB_IMGPROXY_HASH_NONE ? 1U << hash : 0U;
    }
    o->request->info.hashes = hashes;
    return ALB_IMGPROXY_FINE;
}
