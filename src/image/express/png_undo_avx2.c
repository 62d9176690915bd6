/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters undone for eight rows at once (png_undo.c says how rows go together), four pixels of each at a time:
 * sixteen bytes of a row are one load, and shuffles lay pixels that are made in one turn beside each other. Pixels
 * have four bytes inside, of which RGB leaves the last one 0.
 */
#include "image/express/png_filter.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))
#define INLINE AVX2 static inline __attribute__((always_inline))
#define LANES ALB_PNG_UNDO_LANES
#define LAG 2
#define LEAD ((LANES - 1) * LAG)
#define STEPS 4

struct lanes {
    uint8_t *row[LANES];
    const uint8_t *above;
    enum alb_png_filter filter[LANES];
    __m256i left, up, corner, average; /* masks: whose filter looks there, whose is Average */
};

INLINE __m256i load(const uint8_t *low, const uint8_t *high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)low)),
                                   _mm_loadu_si128((const void *)high), 1);
}

AVX2 static __m256i mask_of(const struct lanes *l, unsigned filters)
{
    int32_t m[LANES];
    for (int i = 0; i < LANES; i++)
        m[i] = -(int32_t)(filters >> l->filter[i] & 1);
    return _mm256_loadu_si256((const void *)m);
}

/* Pixels from..to - 1 of one row, one after the other: the corners that the lanes do not reach. */
static void undo_part(const struct lanes *l, int lane, size_t from, size_t to, size_t bpp)
{
    uint8_t *row = l->row[lane];
    const uint8_t *above = lane == 0 ? l->above : l->row[lane - 1];
    for (size_t i = from * bpp; i < to * bpp; i++) {
        unsigned a = i < bpp ? 0 : row[i - bpp], c = i < bpp ? 0 : above[i - bpp];
        row[i] = (uint8_t)(row[i] + alb_png_predicted(l->filter[lane], a, above[i], c));
    }
}

/* ---- pixels ---- */

INLINE __m256i at_most(__m256i a, __m256i b) /* a <= b: all bits */
{
    return _mm256_cmpeq_epi8(_mm256_min_epu8(a, b), a);
}

/* What is added to a filtered pixel (png_vector.h explains Paeth). */
INLINE __m256i predicted(__m256i a, __m256i b, __m256i c)
{
    __m256i low = _mm256_min_epu8(a, b), high = _mm256_max_epu8(a, b);
    __m256i over = _mm256_subs_epu8(c, low), under = _mm256_subs_epu8(high, c);
    __m256i is_high = at_most(_mm256_adds_epu8(over, over), under);
    __m256i is_low = at_most(_mm256_adds_epu8(under, under), over);
    __m256i more = _mm256_sub_epi8(_mm256_and_si256(is_high, under), _mm256_and_si256(is_low, over));
    return _mm256_add_epi8(c, more);
}

INLINE __m256i averaged(__m256i a, __m256i b) /* rounded down */
{
    __m256i odd = _mm256_and_si256(_mm256_xor_si256(a, b), _mm256_set1_epi8(1));
    return _mm256_sub_epi8(_mm256_avg_epu8(a, b), odd);
}

INLINE __m256i undone(const struct lanes *l, bool all_paeth, __m256i x, __m256i a, __m256i b, __m256i c)
{
    if (all_paeth)
        return _mm256_add_epi8(x, predicted(a, b, c));
    a = _mm256_and_si256(a, l->left);
    b = _mm256_and_si256(b, l->up);
    c = _mm256_and_si256(c, l->corner);
    return _mm256_add_epi8(x, _mm256_blendv_epi8(predicted(a, b, c), averaged(a, b), l->average));
}

/* ---- blocks: STEPS pixels of each lane ---- */

/* Pixels of a lane after each other to pixels of all lanes beside each other, and back. */
INLINE void transpose(__m256i v[STEPS])
{
    __m256i a = _mm256_unpacklo_epi32(v[0], v[1]), b = _mm256_unpackhi_epi32(v[0], v[1]);
    __m256i c = _mm256_unpacklo_epi32(v[2], v[3]), d = _mm256_unpackhi_epi32(v[2], v[3]);
    v[0] = _mm256_unpacklo_epi64(a, c);
    v[1] = _mm256_unpackhi_epi64(a, c);
    v[2] = _mm256_unpacklo_epi64(b, d);
    v[3] = _mm256_unpackhi_epi64(b, d);
}

INLINE void get(uint8_t *const at[LANES], size_t ahead, __m256i raw[STEPS])
{
    for (int i = 0; i < STEPS; i++)
        raw[i] = load(at[i] + ahead, at[i + STEPS] + ahead);
}

/* Of RGB, four bytes more than the pixels have are written: those of the next one, which was read before. */
INLINE void put(uint8_t *const at[LANES], const __m256i v[STEPS])
{
    for (int i = 0; i < STEPS; i++) {
        _mm_storeu_si128((void *)at[i], _mm256_castsi256_si128(v[i]));
        _mm_storeu_si128((void *)at[i + STEPS], _mm256_extracti128_si256(v[i], 1));
    }
}

/* The four bytes behind, as they were. */
INLINE void put_back(uint8_t *const at[LANES], const __m256i raw[STEPS])
{
    for (int i = 0; i < STEPS; i++) {
        int32_t low = _mm256_extract_epi32(raw[i], 0), high = _mm256_extract_epi32(raw[i], 4);
        memcpy(at[i], &low, sizeof(low));
        memcpy(at[i + STEPS], &high, sizeof(high));
    }
}

struct made { /* a turn ago, two turns ago; what stood above the former */
    __m256i last, before, above;
};

/* The first turn's, of lanes whose corners are done. */
INLINE struct made begin(const struct lanes *l, size_t bpp, uint8_t *at[LANES])
{
    uint32_t last[LANES], before[LANES], corner[LANES];
    for (int i = 0; i < LANES; i++) {
        bool first = i == LANES - 1;
        size_t x = (size_t)(LEAD - LAG * i) * bpp;
        const uint8_t *above = i == 0 ? l->above : l->row[i - 1];
        at[i] = l->row[i] + x;
        last[i] = before[i] = corner[i] = 0;
        if (first)
            continue;
        memcpy(&last[i], at[i] - bpp, bpp);
        memcpy(&before[i], at[i] - 2 * bpp, bpp);
        memcpy(&corner[i], above + x - bpp, bpp);
    }
    return (struct made){_mm256_loadu_si256((const void *)last), _mm256_loadu_si256((const void *)before),
                         _mm256_loadu_si256((const void *)corner)};
}

/* In turn t lane i makes pixel t - LAG * i. */
INLINE void undo_lanes(const struct lanes *l, size_t w, size_t bpp, bool all_paeth)
{
    const __m256i wide =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
    const __m256i narrow =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    const __m256i down = _mm256_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6);
    uint8_t *at[LANES];
    struct made m = begin(l, bpp, at);
    const uint8_t *above = l->above + LEAD * bpp;
    __m256i raw[STEPS];
    size_t t = LEAD;
    get(at, 0, raw);
    for (; t + STEPS + 2 <= w; t += STEPS, above += STEPS * bpp) {
        __m256i v[STEPS], over = _mm256_castsi128_si256(_mm_loadu_si128((const void *)above));
        over = bpp == 3 ? _mm256_shuffle_epi8(over, wide) : over;
        for (int i = 0; i < STEPS; i++)
            v[i] = bpp == 3 ? _mm256_shuffle_epi8(raw[i], wide) : raw[i];
        transpose(v);
        get(at, STEPS * bpp, raw);
        for (int i = 0; i < STEPS; i++) {
            __m256i b = _mm256_blend_epi32(_mm256_permutevar8x32_epi32(m.before, down), over, 1);
            v[i] = undone(l, all_paeth, v[i], m.last, b, m.above);
            m = (struct made){v[i], m.last, b};
            over = _mm256_srli_si256(over, 4);
        }
        transpose(v);
        for (int i = 0; bpp == 3 && i < STEPS; i++)
            v[i] = _mm256_shuffle_epi8(v[i], narrow);
        put(at, v);
        for (int i = 0; i < LANES; i++)
            at[i] += STEPS * bpp;
    }
    if (bpp == 3)
        put_back(at, raw);
    for (int i = 0; i < LANES; i++)
        undo_part(l, i, t - (size_t)(LAG * i), w, bpp);
}

AVX2 void alb_png_undo_avx2(uint8_t *rows, size_t line, const uint8_t *above, unsigned bpp)
{
    const unsigned left = 1u << ALB_PNG_SUB | 1u << ALB_PNG_AVERAGE | 1u << ALB_PNG_PAETH,
                   up = 1u << ALB_PNG_UP | 1u << ALB_PNG_AVERAGE | 1u << ALB_PNG_PAETH;
    struct lanes l = {.above = above};
    size_t w = (line - 1) / bpp;
    bool all_paeth = true;
    for (int i = 0; i < LANES; i++, rows += line) {
        l.filter[i] = (enum alb_png_filter)rows[0];
        l.row[i] = rows + 1;
        all_paeth = all_paeth && rows[0] == ALB_PNG_PAETH;
    }
    l.left = mask_of(&l, left);
    l.up = mask_of(&l, up);
    l.corner = mask_of(&l, 1u << ALB_PNG_PAETH); /* where both are looked at, by Average without it */
    l.average = mask_of(&l, 1u << ALB_PNG_AVERAGE);
    for (int i = 0; i < LANES - 1; i++)
        undo_part(&l, i, 0, (size_t)(LEAD - LAG * i), bpp);
    if (bpp == 3 && all_paeth)
        undo_lanes(&l, w, 3, true);
    else if (bpp == 3)
        undo_lanes(&l, w, 3, false);
    else if (all_paeth)
        undo_lanes(&l, w, 4, true);
    else
        undo_lanes(&l, w, 4, false);
}

#else
typedef int alb_png_undo_avx2_is_elsewhere;
#endif
