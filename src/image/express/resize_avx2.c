/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels for processors with AVX2. A pair of rows has, for every 16 samples, two vectors of (upper, lower) next to
 * each other: samples 0-3 and 8-11, then 4-7 and 12-15, which is how the sums come out in order when they are packed.
 */
#include "image/express/resize_priv.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))
#define PART(j) _mm256_madd_epi16(load(w + 16 * (j)), load(row + f[j])) /* of the sums of one result */
#define FLIP _mm256_set1_epi16(INT16_MIN)                               /* 0..65535 to around 0, and back */

AVX2 static inline __m256i load(const void *p)
{
    return _mm256_loadu_si256(p);
}

AVX2 static inline void store(void *p, __m256i v)
{
    _mm256_storeu_si256(p, v);
}

/* ---- bytes in ---- */

/* 16 bytes as samples */
AVX2 static inline __m256i wide_of(__m128i bytes)
{
    return _mm256_xor_si256(_mm256_slli_epi16(_mm256_cvtepu8_epi16(bytes), 8), FLIP);
}

AVX2 static void widen1(const uint8_t *row, size_t n, int16_t *const *plane)
{
    for (size_t x = 0; x < n; x += 16)
        store(plane[0] + x, wide_of(_mm_loadu_si128((const void *)(row + x))));
}

/* Of 16 pixels RGB (3 times 16 bytes in each half): where the bytes of a colour lie in each third. */
struct thirds {
    __m256i of[3][3];
};

AVX2 static inline struct thirds thirds_make(void)
{
    static const int8_t where[3][3][16] = {{{0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
                                            {-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1},
                                            {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13}},
                                           {{1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
                                            {-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1},
                                            {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14}},
                                           {{2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
                                            {-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1},
                                            {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15}}};
    struct thirds t;
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 3; i++)
            t.of[c][i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)where[c][i]));
    }
    return t;
}

AVX2 static inline __m256i both(const uint8_t *low, const uint8_t *high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)low)),
                                   _mm_loadu_si128((const void *)high), 1);
}

AVX2 static inline __m256i colour_of(const __m256i v[3], const __m256i where[3])
{
    return _mm256_or_si256(
        _mm256_shuffle_epi8(v[0], where[0]),
        _mm256_or_si256(_mm256_shuffle_epi8(v[1], where[1]), _mm256_shuffle_epi8(v[2], where[2])));
}

AVX2 static void widen3(const uint8_t *row, size_t n, int16_t *const *plane)
{
    struct thirds t = thirds_make();
    for (size_t x = 0; x < n; x += 16, row += 48) {
        __m256i v[3];
        for (int i = 0; i < 3; i++)
            v[i] = _mm256_castsi128_si256(_mm_loadu_si128((const void *)(row + 16 * i)));
        for (int c = 0; c < 3; c++)
            store(plane[c] + x, wide_of(_mm256_castsi256_si128(colour_of(v, t.of[c]))));
    }
}

AVX2 static void zip_bytes1(const uint8_t *a, const uint8_t *b, size_t n, int16_t *const *pair)
{
    int16_t *out = pair[0];
    __m256i zero = _mm256_setzero_si256(), flip = FLIP;
    for (size_t x = 0; x < n; x += 32, out += 64) {
        __m256i upper = _mm256_permute4x64_epi64(load(a + x), 0xd8); /* 0-7 and 16-23, 8-15 and 24-31 */
        __m256i lower = _mm256_permute4x64_epi64(load(b + x), 0xd8);
        __m256i low = _mm256_unpacklo_epi8(upper, lower), high = _mm256_unpackhi_epi8(upper, lower);
        store(out, _mm256_xor_si256(_mm256_unpacklo_epi8(zero, low), flip));
        store(out + 16, _mm256_xor_si256(_mm256_unpackhi_epi8(zero, low), flip));
        store(out + 32, _mm256_xor_si256(_mm256_unpacklo_epi8(zero, high), flip));
        store(out + 48, _mm256_xor_si256(_mm256_unpackhi_epi8(zero, high), flip));
    }
}

AVX2 static void zip_bytes3(const uint8_t *a, const uint8_t *b, size_t n, int16_t *const *pair)
{
    struct thirds t = thirds_make();
    __m256i flip = FLIP;
    /* in each half 8 bytes of the upper row and 8 of the lower one: the first, the last four of both */
    const __m256i first =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(-1, 0, -1, 8, -1, 1, -1, 9, -1, 2, -1, 10, -1, 3, -1, 11));
    const __m256i last = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(-1, 4, -1, 12, -1, 5, -1, 13, -1, 6, -1, 14, -1, 7, -1, 15));
    for (size_t x = 0; x < n; x += 16, a += 48, b += 48) {
        __m256i v[3] = {both(a, b), both(a + 16, b + 16), both(a + 32, b + 32)};
        for (int c = 0; c < 3; c++) {
            __m256i u = _mm256_permute4x64_epi64(colour_of(v, t.of[c]), 0xd8);
            store(pair[c] + 2 * x, _mm256_xor_si256(_mm256_shuffle_epi8(u, first), flip));
            store(pair[c] + 2 * x + 16, _mm256_xor_si256(_mm256_shuffle_epi8(u, last), flip));
        }
    }
}

/* Tables of sixteen bytes, in both halves. */
AVX2 static inline __m256i parts_of(const uint8_t table[ALB_LIGHT_PARTS])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table));
}

struct curve {
    __m256i base[2], slope[2], bend;
};

/* Light of 32 bytes, in the order in which bytes are unpacked. */
AVX2 static inline void lit(const struct curve *c, __m256i v, __m256i out[2])
{
    const __m256i four = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), four);
    __m256i low = _mm256_slli_epi16(_mm256_and_si256(v, four), 4);
    __m256i base0 = _mm256_shuffle_epi8(c->base[0], high), base1 = _mm256_shuffle_epi8(c->base[1], high);
    __m256i slope0 = _mm256_shuffle_epi8(c->slope[0], high), slope1 = _mm256_shuffle_epi8(c->slope[1], high);
    __m256i bend = _mm256_shuffle_epi8(c->bend, high);
    __m256i l[2] = {_mm256_unpacklo_epi8(zero, low), _mm256_unpackhi_epi8(zero, low)}; /* times 4096 */
    __m256i base[2] = {_mm256_unpacklo_epi8(base0, base1), _mm256_unpackhi_epi8(base0, base1)};
    __m256i slope[2] = {_mm256_unpacklo_epi8(slope0, slope1), _mm256_unpackhi_epi8(slope0, slope1)};
    __m256i bends[2] = {_mm256_unpacklo_epi8(bend, zero), _mm256_unpackhi_epi8(bend, zero)};
    for (int i = 0; i < 2; i++) {
        __m256i rise = _mm256_add_epi16(slope[i], _mm256_mullo_epi16(bends[i], _mm256_srli_epi16(l[i], 12)));
        out[i] = _mm256_add_epi16(base[i], _mm256_mulhi_epu16(l[i], rise));
    }
}

AVX2 static void zip_light3(const struct alb_light *light, const uint8_t *a, const uint8_t *b, size_t n,
                            int16_t *const *pair)
{
    struct thirds t = thirds_make();
    const struct curve curve = {{parts_of(light->base[0]), parts_of(light->base[1])},
                                {parts_of(light->slope[0]), parts_of(light->slope[1])},
                                parts_of(light->bend)};
    const __m256i zipped =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
    for (size_t x = 0; x < n; x += 16, a += 48, b += 48) {
        __m256i v[3] = {both(a, b), both(a + 16, b + 16), both(a + 32, b + 32)}, out[2];
        for (int c = 0; c < 3; c++) {
            __m256i u = _mm256_permute4x64_epi64(colour_of(v, t.of[c]), 0xd8);
            lit(&curve, _mm256_shuffle_epi8(u, zipped), out);
            store(pair[c] + 2 * x, out[0]);
            store(pair[c] + 2 * x + 16, out[1]);
        }
    }
}

AVX2 static void zip(const int16_t *a, const int16_t *b, size_t n, int16_t *pair)
{
    for (size_t x = 0; x < n; x += 16) {
        __m256i upper = load(a + x), lower = load(b + x);
        store(pair + 2 * x, _mm256_unpacklo_epi16(upper, lower));
        store(pair + 2 * x + 16, _mm256_unpackhi_epi16(upper, lower));
    }
}

/* ---- sums ---- */

/* s += v where s lies: left alone, gcc 12 moves all eight sums about in every round. */
#define ADD_TO(s, v) __asm__("vpaddd %1, %0, %0" : "+x"(s) : "x"(v))

AVX2 static void down(const int16_t *const *pair, const int16_t *weight, uint32_t pairs, unsigned shift,
                      size_t n, int16_t *out)
{
    __m128i by = _mm_cvtsi32_si128((int)shift);
    __m256i half = _mm256_set1_epi32(1 << (shift - 1));
    for (size_t x = 0; x < n; x += 64) {
        __m256i s0 = half, s1 = half, s2 = half, s3 = half, s4 = half, s5 = half, s6 = half, s7 = half;
        uint32_t k = 0;
        do {
            const int16_t *p = pair[k] + 2 * x;
            int32_t both_weights;
            memcpy(&both_weights, weight + 2 * k, sizeof(both_weights));
            __m256i w = _mm256_set1_epi32(both_weights);
            ADD_TO(s0, _mm256_madd_epi16(w, load(p)));
            ADD_TO(s1, _mm256_madd_epi16(w, load(p + 16)));
            ADD_TO(s2, _mm256_madd_epi16(w, load(p + 32)));
            ADD_TO(s3, _mm256_madd_epi16(w, load(p + 48)));
            ADD_TO(s4, _mm256_madd_epi16(w, load(p + 64)));
            ADD_TO(s5, _mm256_madd_epi16(w, load(p + 80)));
            ADD_TO(s6, _mm256_madd_epi16(w, load(p + 96)));
            ADD_TO(s7, _mm256_madd_epi16(w, load(p + 112)));
        } while (++k < pairs);
        store(out + x, _mm256_packs_epi32(_mm256_sra_epi32(s0, by), _mm256_sra_epi32(s1, by)));
        store(out + x + 16, _mm256_packs_epi32(_mm256_sra_epi32(s2, by), _mm256_sra_epi32(s3, by)));
        store(out + x + 32, _mm256_packs_epi32(_mm256_sra_epi32(s4, by), _mm256_sra_epi32(s5, by)));
        store(out + x + 48, _mm256_packs_epi32(_mm256_sra_epi32(s6, by), _mm256_sra_epi32(s7, by)));
    }
}

/* Up to 16 weights each. Room for a multiple of 8 results: the last ones may be sums of anything. */
AVX2 static void across16(const int16_t *row, const struct alb_taps *t, unsigned shift, int16_t *out)
{
    __m128i by = _mm_cvtsi32_si128((int)shift);
    __m256i half = _mm256_set1_epi32(1 << (shift - 1));
    const int16_t *w = t->weight;
    const uint32_t *f = t->first;
    for (uint32_t i = 0; i < t->out; i += 8, w += 128, f += 8) {
        __m256i a =
            _mm256_hadd_epi32(_mm256_hadd_epi32(PART(0), PART(1)), _mm256_hadd_epi32(PART(2), PART(3)));
        __m256i b =
            _mm256_hadd_epi32(_mm256_hadd_epi32(PART(4), PART(5)), _mm256_hadd_epi32(PART(6), PART(7)));
        __m256i s =
            _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
        s = _mm256_sra_epi32(_mm256_add_epi32(s, half), by);
        s = _mm256_permute4x64_epi64(_mm256_packs_epi32(s, s), 0xd8);
        _mm_storeu_si128((void *)(out + i), _mm256_castsi256_si128(s));
    }
}

/* More: four results at a time. */
AVX2 static void across_any(const int16_t *row, const struct alb_taps *t, unsigned shift, int16_t *out)
{
    __m128i by = _mm_cvtsi32_si128((int)shift), half = _mm_set1_epi32(1 << (shift - 1));
    size_t lanes = t->lanes;
    const int16_t *w0 = t->weight;
    const uint32_t *f = t->first;
    for (uint32_t i = 0; i < t->out; i += 4, w0 += 4 * lanes, f += 4) {
        const int16_t *w1 = w0 + lanes, *w2 = w1 + lanes, *w3 = w2 + lanes;
        const int16_t *p0 = row + f[0], *p1 = row + f[1], *p2 = row + f[2], *p3 = row + f[3];
        __m256i s0 = _mm256_madd_epi16(load(w0), load(p0)), s1 = _mm256_madd_epi16(load(w1), load(p1));
        __m256i s2 = _mm256_madd_epi16(load(w2), load(p2)), s3 = _mm256_madd_epi16(load(w3), load(p3));
        for (size_t k = 16; k < lanes; k += 16) {
            ADD_TO(s0, _mm256_madd_epi16(load(w0 + k), load(p0 + k)));
            ADD_TO(s1, _mm256_madd_epi16(load(w1 + k), load(p1 + k)));
            ADD_TO(s2, _mm256_madd_epi16(load(w2 + k), load(p2 + k)));
            ADD_TO(s3, _mm256_madd_epi16(load(w3 + k), load(p3 + k)));
        }
        s0 = _mm256_hadd_epi32(_mm256_hadd_epi32(s0, s1), _mm256_hadd_epi32(s2, s3));
        __m128i s = _mm_add_epi32(_mm256_castsi256_si128(s0), _mm256_extracti128_si256(s0, 1));
        s = _mm_sra_epi32(_mm_add_epi32(s, half), by);
        _mm_storel_epi64((void *)(out + i), _mm_packs_epi32(s, s));
    }
}

AVX2 static inline __m256i two(const int16_t *row, const uint32_t *first)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)(row + first[0]))),
                                   _mm_loadu_si128((const void *)(row + first[1])), 1);
}

/* Up to 8 weights each: two results in a vector. */
AVX2 static void across8(const int16_t *row, const struct alb_taps *t, unsigned shift, int16_t *out)
{
    __m128i by = _mm_cvtsi32_si128((int)shift);
    __m256i half = _mm256_set1_epi32(1 << (shift - 1));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const int16_t *w = t->weight;
    const uint32_t *f = t->first;
    for (uint32_t i = 0; i < t->out; i += 8, w += 64, f += 8) {
        __m256i a = _mm256_hadd_epi32(_mm256_madd_epi16(load(w), two(row, f)),
                                      _mm256_madd_epi16(load(w + 16), two(row, f + 2)));
        __m256i b = _mm256_hadd_epi32(_mm256_madd_epi16(load(w + 32), two(row, f + 4)),
                                      _mm256_madd_epi16(load(w + 48), two(row, f + 6)));
        __m256i s = _mm256_permutevar8x32_epi32(_mm256_hadd_epi32(a, b), order);
        s = _mm256_sra_epi32(_mm256_add_epi32(s, half), by);
        s = _mm256_permute4x64_epi64(_mm256_packs_epi32(s, s), 0xd8);
        _mm_storeu_si128((void *)(out + i), _mm256_castsi256_si128(s));
    }
}

AVX2 static void across(const int16_t *row, const struct alb_taps *t, unsigned shift, int16_t *out)
{
    if (t->lanes == 8)
        across8(row, t, shift, out);
    else if (t->lanes == 16)
        across16(row, t, shift, out);
    else
        across_any(row, t, shift, out);
}

/* ---- bytes out ---- */

AVX2 static inline __m128i narrow_of(const int16_t *in)
{
    __m256i v = _mm256_adds_epu16(_mm256_xor_si256(load(in), FLIP), _mm256_set1_epi16(128));
    v = _mm256_srli_epi16(v, 8);
    return _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

AVX2 static void narrow1(const int16_t *const *plane, size_t n, uint8_t *row)
{
    for (size_t x = 0; x < n; x += 16)
        _mm_storeu_si128((void *)(row + x), narrow_of(plane[0] + x));
}

AVX2 static void narrow3(const int16_t *const *plane, size_t n, uint8_t *row)
{
    static const int8_t where[3][3][16] = {
        /* of third i: where it takes each colour's bytes from */
        {{0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5},
         {-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1},
         {-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1}},
        {{-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1},
         {5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10},
         {-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1}},
        {{-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1},
         {-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1},
         {10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15}}};
    __m128i m[3][3];
    for (int i = 0; i < 3; i++) {
        for (int c = 0; c < 3; c++)
            m[i][c] = _mm_loadu_si128((const void *)where[i][c]);
    }
    for (size_t x = 0; x < n; x += 16, row += 48) {
        __m128i r = narrow_of(plane[0] + x), g = narrow_of(plane[1] + x), b = narrow_of(plane[2] + x);
        for (int i = 0; i < 3; i++)
            _mm_storeu_si128(
                (void *)(row + 16 * i),
                _mm_or_si128(_mm_shuffle_epi8(r, m[i][0]),
                             _mm_or_si128(_mm_shuffle_epi8(g, m[i][1]), _mm_shuffle_epi8(b, m[i][2]))));
    }
}

const struct alb_resize_ops alb_resize_avx2 = {
    .widen = {widen1, widen3},
    .zip_bytes = {zip_bytes1, zip_bytes3},
    .zip_light3 = zip_light3,
    .zip = zip,
    .down = down,
    .across = across,
    .narrow = {narrow1, narrow3},
};

#else
typedef int alb_resize_avx2_is_elsewhere;
#endif
