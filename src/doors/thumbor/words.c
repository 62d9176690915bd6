/* SPDX-License-Identifier: Apache-2.0
 *
 * Lenient words (contract: words.h).
 */
#include "doors/thumbor/words.h"

#include "base/codec.h"
#include "doors/common/lenient.h"

int64_t alb_thumbor_int(struct alb_str s)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    int64_t v = 0;
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = alb_str_from(s, 1);
    for (size_t i = 0; i < s.n; i++) {
        if (!alb_is_digit(s.p[i]))
            return 0;
        int digit = s.p[i] - '0';
        v = v > (INT64_MAX - digit) / 10 ? INT64_MAX : v * 10 + digit;
    }
    return minus ? -v : v;
}

double alb_thumbor_float(struct alb_str s)
{
    double v;
    return alb_str_number(s, &v) ? v : 0;
}

struct alb_str alb_thumbor_unescape(struct alb_arena *arena, struct alb_str s)
{
    size_t n;
    if (alb_str_find(s, '%') == ALB_STR_NPOS && alb_str_find(s, '+') == ALB_STR_NPOS)
        return s;
    char *room = alb_arena_alloc(arena, s.n);
    if (!room)
        return ALB_STR_NONE;
    return alb_percent_decode(s, true, room, s.n, &n) ? alb_str_n(room, n) : s;
}

struct alb_str alb_thumbor_debase64(struct alb_arena *arena, struct alb_str s, bool *is_base64)
{
    struct alb_str code = s;
    *is_base64 = false;
    if (!alb_str_starts(s, ALB_STR("b64:")))
        return s;
    code = alb_str_from(s, 4);
    while (code.n > 0 && code.p[code.n - 1] == '/')
        code.n--;
    struct alb_str text = alb_lenient_base64(arena, code);
    *is_base64 = text.p != NULL;
    return text.p ? text : s;
}

/* ---- colours ---- */

static uint32_t hex(char c)
{
    if (alb_is_digit(c))
        return (uint32_t)(c - '0');
    return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : 0;
}

static bool read_hex(struct alb_str s, struct alb_thumbor_colour *out)
{
    uint32_t v = 0;
    if (s.n != 3 && s.n != 6 && s.n != 8)
        return false;
    for (size_t i = 0; i < s.n; i++)
        v = s.n == 3 ? v << 8 | hex(s.p[i]) * 17 : v << 4 | hex(s.p[i]);
    out->rgb = s.n == 8 ? v >> 8 : v;
    out->alpha = s.n == 8 ? (uint8_t)(v & 0xff) : 255;
    return true;
}

#define WORD_MAX 32 /* longer than every name */

/* In lower case, without "#"; what is too long is no colour. */
static struct alb_str word(struct alb_str s, char room[WORD_MAX])
{
    if (s.n > 0 && s.p[0] == '#')
        s = alb_str_from(s, 1);
    if (s.n > WORD_MAX)
        return ALB_STR_NONE;
    for (size_t i = 0; i < s.n; i++)
        room[i] = alb_lower(s.p[i]);
    return alb_str_n(room, s.n);
}

static bool is_clear(struct alb_str name)
{
    return alb_str_eq_c(name, "none") || alb_str_eq_c(name, "transparent");
}

struct alb_thumbor_colour alb_thumbor_colour(struct alb_str s)
{
    struct alb_thumbor_colour c = {ALB_THUMBOR_RGB, 0, 255};
    char room[WORD_MAX];
    struct alb_str first, rest;
    (void)alb_str_cut(s, ',', &first, &rest);
    struct alb_str name = word(first, room);
    if (alb_str_eq_c(first, "blur"))
        c.hue = ALB_THUMBOR_BLURRED;
    else if (is_clear(first))
        c = (struct alb_thumbor_colour){ALB_THUMBOR_CLEAR, 0, 0};
    else if (alb_str_eq_c(name, "auto"))
        c.hue = ALB_THUMBOR_AUTO;
    else if (!alb_thumbor_colour_name(name, &c.rgb) && read_hex(name, &c))
        c.alpha = 255; /* of grounds it is not asked for */
    return c;
}

bool alb_thumbor_colour_image(struct alb_str image, struct alb_thumbor_colour *out)
{
    char room[WORD_MAX];
    *out = (struct alb_thumbor_colour){ALB_THUMBOR_RGB, 0, 255};
    if (image.n < 6 || !alb_str_eq_ci(alb_str_sub(image, 0, 6), ALB_STR("color:")))
        return false;
    struct alb_str name = word(alb_str_trim(alb_str_from(image, 6)), room);
    if (name.n == 0)
        return false;
    if (is_clear(name)) {
        *out = (struct alb_thumbor_colour){ALB_THUMBOR_CLEAR, 0, 0};
        return true;
    }
    return alb_thumbor_colour_name(name, &out->rgb) || read_hex(name, out);
}
