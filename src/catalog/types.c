/* SPDX-License-Identifier: Apache-2.0
 *
 * Small pure functions on the words of the model (contract: types.h).
 */
#include "catalog/types.h"

#include <stdlib.h>

#include <unicase.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#define MS_PER_MIN ((int64_t)60000)
#define MS_PER_DAY ((int64_t)86400000)

bool alb_level_valid(int level)
{
    return level == 0 || level == 1 || level == 2 || level == 4 || level == 8;
}

struct alb_capture alb_capture_local(int64_t local_ms, bool has_offset, int32_t offset_min)
{
    struct alb_capture c = {.local_ms = local_ms, .has_offset = has_offset};

    c.offset_min = has_offset ? offset_min : 0;
    c.utc_ms = local_ms - c.offset_min * MS_PER_MIN;
    return c;
}

struct alb_capture alb_capture_utc(int64_t utc_ms, bool has_offset, int32_t offset_min)
{
    struct alb_capture c = {.utc_ms = utc_ms, .has_offset = has_offset};

    c.offset_min = has_offset ? offset_min : 0;
    c.local_ms = utc_ms + c.offset_min * MS_PER_MIN;
    return c;
}

/* NFKC case folding by libunistring. Its result goes into our room whenever it fits; text hardly ever grows,
 * and where it does (ligatures, squared letters) the library allocates, and its own memory is freed. */
static bool fold_part(struct alb_str text, struct alb_buf *out)
{
    size_t room = text.n * 3 + 32, n = room;
    char *to = alb_buf_reserve(out, room);
    uint8_t *folded;

    if (to == NULL)
        return true; /* sticks to the buffer */
    folded = u8_casefold((const uint8_t *)text.p, text.n, NULL, UNINORM_NFKC, (uint8_t *)to, &n);
    if (folded == NULL)
        return false;
    if ((char *)folded == to) {
        alb_buf_commit(out, n);
    } else {
        alb_buf_add(out, folded, n);
        free(folded); /* allowed: free, libunistring's own memory */
    }
    return true;
}

void alb_fold(struct alb_str text, struct alb_buf *out)
{
    size_t before = out->n;

    if (text.n == 0)
        return;
    if (alb_str_is_utf8(text) && fold_part(text, out))
        return;
    /* Not UTF-8 (old file names): ASCII only, so that equal names still have equal keys. */
    out->n = before;
    for (size_t i = 0; i < text.n; i++)
        alb_buf_char(out, alb_lower(text.p[i]));
}

int32_t alb_month_of(int64_t local_ms)
{
    int64_t days = local_ms / MS_PER_DAY - (local_ms % MS_PER_DAY < 0 ? 1 : 0);
    int year, month, day;

    alb_civil_from_days(days, &year, &month, &day);
    return year * 12 + month - 1;
}

int64_t alb_month_start(int32_t month)
{
    int year = month / 12 - (month % 12 < 0 ? 1 : 0);

    return alb_days_from_civil(year, month - year * 12 + 1, 1) * MS_PER_DAY;
}
