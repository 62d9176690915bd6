/* SPDX-License-Identifier: Apache-2.0
 *
 * Each orientation is the map from a shown pixel to the stored one: change x and y over (swap), then count
 * from the other side in x and in y. Composition follows from moving the mirrors past a swap.
 */
#include "image/turn.h"

struct map {
    bool swap, fx, fy;
};

static const struct map maps[9] = {
    {false, false, false}, {false, false, false}, {false, true, false},
    {false, true, true},   {false, false, true},  {true, false, false},
    {true, false, true},   {true, true, true},    {true, true, false},
};

static uint8_t code_of(struct map m)
{
    for (uint8_t i = 1; i <= 8; i++) {
        if (maps[i].swap == m.swap && maps[i].fx == m.fx && maps[i].fy == m.fy)
            return i;
    }
    return 1;
}

uint8_t alb_turn_valid(unsigned orientation)
{
    return orientation >= 1 && orientation <= 8 ? (uint8_t)orientation : 1;
}

uint8_t alb_turn_compose(uint8_t first, uint8_t second)
{
    struct map a = maps[alb_turn_valid(first)], b = maps[alb_turn_valid(second)];
    bool bx = a.swap ? b.fy : b.fx, by = a.swap ? b.fx : b.fy;
    return code_of((struct map){a.swap != b.swap, a.fx != bx, a.fy != by});
}

uint8_t alb_turn_of(unsigned degrees, bool flip_h, bool flip_v)
{
    static const uint8_t quarter[4] = {1, 6, 3, 8};
    uint8_t flip = code_of((struct map){false, flip_h, flip_v});
    return alb_turn_compose(quarter[degrees / 90 % 4], flip);
}

bool alb_turn_swaps(uint8_t orientation)
{
    return maps[alb_turn_valid(orientation)].swap;
}

struct alb_rect alb_turn_to_stored(uint8_t orientation, uint32_t stored_width, uint32_t stored_height,
                                   struct alb_rect r)
{
    struct map m = maps[alb_turn_valid(orientation)];
    struct alb_rect s = r;
    if (m.swap)
        s = (struct alb_rect){r.top, r.left, r.height, r.width};
    if (m.fx)
        s.left = stored_width - s.left - s.width;
    if (m.fy)
        s.top = stored_height - s.top - s.height;
    return s;
}
