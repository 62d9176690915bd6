/* SPDX-License-Identifier: Apache-2.0
 *
 * Per block of TOKENS literals and repeats: search, count, make codes, write. What the search remembers fits
 * into the processor's first cache, and hardly ever makes it look at the bytes themselves: of photographs,
 * nearly all are literals. Words are read and written as they lie in memory, so byte orders other than
 * little-endian turn them.
 */
#include "image/express/png_pack.h"

#include <libdeflate.h>
#include <string.h>

#define TOKENS 16384
#define REPEAT_MIN 8
#define REPEAT_MAX 258
#define NAMING 16 /* bits that the codes of length and distance take, about */
#define DISTANCE_MAX 32768
#define HASH_BITS 12
#define NEAR 16
#define STEP 3
#define REPEATS 3 /* of so many bytes one must repeat itself to make a drawing */
#define PARTS 4
#define SMALL 8192 /* bytes below which another packer's care is worth more than time */

#define LITERALS 286
#define DISTANCES 30
#define LENGTHS 19 /* the code that code lengths are written in */
#define END 256
#define CODE_MAX 15
#define LENGTHS_MAX 7

/* What a block needs beside its tokens, at most: 316 code lengths of up to 14 bits, and the codes of those. */
#define HEAD_BYTES 1024

struct code {
    uint16_t bits[LITERALS]; /* reversed: first bit lowest */
    uint8_t length[LITERALS];
};

struct repeat {
    uint16_t literals, length, distance; /* of literals, how many stand before it */
};

struct alb_png_pack {
    /* Where the last eight bytes with that hash began: the low 16 bits of the place, above 16 more of the hash. */
    uint32_t head[1 << HASH_BITS];
    struct repeat repeat[TOKENS];
    uint32_t literal_count[LITERALS], distance_count[DISTANCES];
    uint32_t part_count[PARTS][256]; /* counting equal bytes in one place would make one wait for the other */
    uint32_t literal[256];           /* of each byte the code's bits, above 16 its length */
    struct code literals, distances;
    size_t at, from, repeats, repeated; /* from: where the block begins */
};

size_t alb_png_pack_size(void)
{
    return sizeof(struct alb_png_pack);
}

size_t alb_png_pack_bound(size_t n)
{
    return n + n / 8 + 2 * HEAD_BYTES;
}

/* ---- the search ---- */

static inline uint64_t load8(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static size_t same_bytes(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t n = 0;
    for (; n + 8 <= most; n += 8) {
        uint64_t d = load8(a + n) ^ load8(b + n);
        if (d != 0)
            return n + (size_t)__builtin_ctzll(d) / 8;
    }
    while (n < most && a[n] == b[n])
        n++;
    return n;
}

static inline unsigned length_code(unsigned length) /* 3..258 */
{
    unsigned v = length - 3;
    if (length == REPEAT_MAX)
        return 285;
    if (v < 8)
        return 257 + v;
    unsigned extra = 29 - (unsigned)__builtin_clz(v); /* bits below the three highest */
    return 257 + 4 * extra + (v >> extra);
}

static inline unsigned distance_code(unsigned distance) /* 1..32768 */
{
    unsigned v = distance - 1;
    if (v < 4)
        return v;
    unsigned extra = 30 - (unsigned)__builtin_clz(v);
    return 2 * extra + (v >> extra);
}

/* Whether naming a repeat takes fewer bits than its bytes, as the codes of the block before tell. */
static bool is_worth(const struct alb_png_pack *p, const uint8_t *in, size_t length, unsigned distance)
{
    unsigned bits = 0, cost = NAMING + 32 - (unsigned)__builtin_clz(distance);
    for (size_t i = 0; i < length && bits <= cost; i++)
        bits += p->literals.length[in[i]];
    return bits > cost;
}

/* The repeat at p->at of what began at a place with those low bits, or 0. */
static unsigned repeat_of(const struct alb_png_pack *p, const uint8_t *in, size_t n, uint32_t low,
                          unsigned *distance)
{
    size_t back = (p->at - low) & 0xffff;
    if (back == 0 || back > DISTANCE_MAX || back > p->at || load8(in + p->at - back) != load8(in + p->at))
        return 0;
    size_t most = n - p->at < REPEAT_MAX ? n - p->at : REPEAT_MAX;
    size_t length = same_bytes(in + p->at, in + p->at - back, most);
    *distance = (unsigned)back;
    return length >= REPEAT_MIN && is_worth(p, in + p->at, length, *distance) ? (unsigned)length : 0;
}

static void count_literals(struct alb_png_pack *p, const uint8_t *in, size_t n)
{
    size_t i = 0;
    for (; i + PARTS <= n; i += PARTS) {
        for (size_t k = 0; k < PARTS; k++)
            p->part_count[k][in[i + k]]++;
    }
    for (; i < n; i++)
        p->part_count[0][in[i]]++;
}

/* The next place from p->at on, before `end`, that may be a repeat, or `end`; *low: of what. Behind a repeat
 * there is often another one; the farther from it, the less is it worth to look at every place. */
static inline size_t look(struct alb_png_pack *p, const uint8_t *in, size_t end, size_t far, uint32_t *low)
{
    for (size_t at = p->at; at < end; at += at < far ? 1 : STEP) {
        uint64_t hash = load8(in + at) * 0x9e3779b97f4a7c15u;
        uint32_t *head = &p->head[hash >> (64 - HASH_BITS)];
        uint32_t was = *head, is = (uint32_t)(hash >> (32 - HASH_BITS)) & 0xffff0000u;
        *head = is | (at & 0xffff);
        *low = was & 0xffff;
        if ((was ^ is) >> 16 == 0)
            return at;
    }
    return end;
}

static void search(struct alb_png_pack *p, const uint8_t *in, size_t n)
{
    size_t tokens = 0, literals = p->at; /* where those began that no repeat stands behind */
    uint32_t low = 0;
    memset(p->literal_count, 0, sizeof(p->literal_count));
    memset(p->distance_count, 0, sizeof(p->distance_count));
    memset(p->part_count, 0, sizeof(p->part_count));
    p->from = p->at;
    p->repeats = 0;
    for (;;) {
        size_t room = TOKENS - tokens - (p->at - literals), end = n - p->at < room ? n : p->at + room;
        unsigned distance = 0;
        p->at = look(p, in, end, literals + NEAR, &low);
        if (p->at == end)
            break;
        unsigned length = repeat_of(p, in, n, low, &distance);
        if (length == 0) {
            p->at++;
            continue;
        }
        size_t before = p->at - literals;
        count_literals(p, in + literals, before);
        p->literal_count[length_code(length)]++;
        p->distance_count[distance_code(distance)]++;
        p->repeat[p->repeats++] =
            (struct repeat){(uint16_t)before, (uint16_t)length, (uint16_t)(distance - 1)};
        tokens += before + 1;
        p->at += length;
        p->repeated += length;
        literals = p->at;
    }
    count_literals(p, in + literals, p->at - literals);
    for (size_t k = 0; k < PARTS; k++) {
        for (size_t i = 0; i < 256; i++)
            p->literal_count[i] += p->part_count[k][i];
    }
    p->literal_count[END]++;
}

/* ---- codes ---- */

struct leaf {
    uint32_t count;
    uint16_t symbol;
};

/* By count, then symbol: stable, byte by byte. */
static void sort_leaves(struct leaf *leaves, size_t n)
{
    struct leaf other[LITERALS];
    for (unsigned shift = 0; shift < 16; shift += 8) {
        size_t at[257] = {0};
        for (size_t i = 0; i < n; i++)
            at[(leaves[i].count >> shift & 0xff) + 1]++;
        for (size_t i = 0; i < 256; i++)
            at[i + 1] += at[i];
        for (size_t i = 0; i < n; i++)
            other[at[leaves[i].count >> shift & 0xff]++] = leaves[i];
        memcpy(leaves, other, n * sizeof(*leaves));
    }
}

/* How many codes have each length, for counts in rising order: Huffman's two queues, leaves and nodes. */
static void count_lengths(const struct leaf *leaves, size_t n, unsigned per_length[32])
{
    uint32_t weight[LITERALS];
    uint16_t parent[2 * LITERALS];
    uint8_t depth[2 * LITERALS];
    size_t leaf = 0, node = 0;
    for (size_t made = 0; made + 1 < n; made++) {
        weight[made] = 0;
        for (int two = 0; two < 2; two++) {
            bool is_leaf = leaf < n && (node >= made || leaves[leaf].count <= weight[node]);
            weight[made] += is_leaf ? leaves[leaf].count : weight[node];
            parent[is_leaf ? leaf : n + node] = (uint16_t)(n + made);
            leaf += is_leaf;
            node += !is_leaf;
        }
    }
    depth[2 * n - 2] = 0;
    for (size_t i = 2 * n - 2; i-- > 0;) {
        depth[i] = (uint8_t)(depth[parent[i]] + 1);
        if (i < n)
            per_length[depth[i] < 31 ? depth[i] : 31]++;
    }
}

/* Longer codes become `most` bits; what that takes of the code space is taken from shorter ones. */
static void limit_lengths(unsigned per_length[32], unsigned most)
{
    uint64_t used = 0;
    for (unsigned i = most + 1; i < 32; i++) {
        per_length[most] += per_length[i];
        per_length[i] = 0;
    }
    for (unsigned i = 1; i <= most; i++)
        used += (uint64_t)per_length[i] << (most - i);
    for (; used > 1u << most; used--) {
        unsigned i = most - 1;
        per_length[most]--;
        while (per_length[i] == 0)
            i--;
        per_length[i]--;
        per_length[i + 1] += 2;
    }
}

static unsigned reversed(unsigned v, unsigned bits)
{
    unsigned r = 0;
    for (unsigned i = 0; i < bits; i++)
        r |= (v >> i & 1) << (bits - 1 - i);
    return r;
}

static void number_codes(struct code *c, size_t symbols)
{
    unsigned next[CODE_MAX + 2] = {0}, per_length[CODE_MAX + 1] = {0};
    for (size_t i = 0; i < symbols; i++)
        per_length[c->length[i]]++;
    per_length[0] = 0;
    for (unsigned i = 1; i <= CODE_MAX; i++)
        next[i + 1] = (next[i] + per_length[i]) << 1;
    for (size_t i = 0; i < symbols; i++) {
        c->bits[i] = 0;
        if (c->length[i] > 0)
            c->bits[i] = (uint16_t)reversed(next[c->length[i]]++, c->length[i]);
    }
}

static void make_code(struct code *c, const uint32_t *counts, size_t symbols, unsigned most)
{
    struct leaf leaves[LITERALS];
    unsigned per_length[32] = {0};
    size_t n = 0;
    memset(c->length, 0, symbols);
    for (size_t i = 0; i < symbols; i++) {
        if (counts[i] > 0)
            leaves[n++] = (struct leaf){counts[i], (uint16_t)i};
    }
    if (n < 2) { /* a code must have two, or one of one bit */
        c->length[n == 1 ? leaves[0].symbol : 0] = 1;
    } else {
        sort_leaves(leaves, n);
        count_lengths(leaves, n, per_length);
        limit_lengths(per_length, most);
        size_t at = 0;
        for (unsigned length = most; length > 0; length--) {
            for (unsigned i = 0; i < per_length[length]; i++)
                c->length[leaves[at++].symbol] = (uint8_t)length;
        }
    }
    number_codes(c, symbols);
}

/* ---- writing ---- */

struct bits {
    uint8_t *out;
    uint64_t held;
    unsigned n;
};

static inline void put(struct bits *b, uint64_t v, unsigned n)
{
    b->held |= v << b->n;
    b->n += n;
}

/* Leaves fewer than 8 bits; at most 56 may be put before the next. */
static inline void spill(struct bits *b)
{
    uint64_t v = b->held;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(b->out, &v, 8);
    b->out += b->n / 8;
    b->held >>= b->n & 56;
    b->n &= 7;
}

/* Code lengths with their repeats: of each item the symbol, and how often. */
struct item {
    uint8_t symbol, extra, bits;
};

static size_t squeeze(const uint8_t *lengths, size_t n, struct item *items, uint32_t counts[LENGTHS])
{
    size_t made = 0;
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && lengths[i + run] == lengths[i] && run < 138)
            run++;
        struct item it = {lengths[i], 0, 0};
        if (lengths[i] == 0 && run >= 11)
            it = (struct item){18, (uint8_t)(run - 11), 7};
        else if (lengths[i] == 0 && run >= 3)
            it = (struct item){17, (uint8_t)(run - 3), 3};
        else if (i > 0 && lengths[i] == lengths[i - 1] && run >= 3)
            it = (struct item){16, (uint8_t)((run = run < 6 ? run : 6) - 3), 2};
        else
            run = 1;
        counts[it.symbol]++;
        items[made++] = it;
        i += run;
    }
    return made;
}

static void put_codes(struct alb_png_pack *p, struct bits *b)
{
    static const uint8_t order[LENGTHS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + DISTANCES];
    struct item items[LITERALS + DISTANCES];
    uint32_t counts[LENGTHS] = {0};
    struct code c;
    size_t literals = LITERALS, distances = DISTANCES, used = LENGTHS;
    while (literals > 257 && p->literals.length[literals - 1] == 0)
        literals--;
    while (distances > 1 && p->distances.length[distances - 1] == 0)
        distances--;
    memcpy(lengths, p->literals.length, literals);
    memcpy(lengths + literals, p->distances.length, distances);
    size_t n = squeeze(lengths, literals + distances, items, counts);
    make_code(&c, counts, LENGTHS, LENGTHS_MAX);
    while (used > 4 && c.length[order[used - 1]] == 0)
        used--;
    put(b, (literals - 257) | (distances - 1) << 5 | (used - 4) << 10, 14);
    spill(b);
    for (size_t i = 0; i < used; i++) {
        put(b, c.length[order[i]], 3);
        spill(b);
    }
    for (size_t i = 0; i < n; i++) {
        put(b, c.bits[items[i].symbol], c.length[items[i].symbol]);
        put(b, items[i].extra, items[i].bits);
        spill(b);
    }
}

static unsigned extra_of_length(unsigned code)
{
    return code < 265 || code == 285 ? 0 : (code - 261) / 4;
}

static unsigned extra_of_distance(unsigned code)
{
    return code < 4 ? 0 : code / 2 - 1;
}

static void put_repeat(const struct alb_png_pack *p, struct bits *b, unsigned length, unsigned distance)
{
    unsigned l = length_code(length), d = distance_code(distance);
    unsigned l_bits = extra_of_length(l), d_bits = extra_of_distance(d);
    put(b, p->literals.bits[l], p->literals.length[l]);
    put(b, (length - 3) & ((1u << l_bits) - 1), l_bits);
    put(b, p->distances.bits[d], p->distances.length[d]);
    put(b, (distance - 1) & ((1u << d_bits) - 1), d_bits);
    spill(b);
}

static inline void put_literal(const struct alb_png_pack *p, struct bits *b, uint8_t byte)
{
    uint32_t code = p->literal[byte];
    put(b, code & 0xffff, code >> 16);
}

/* Three codes are 45 bits at most. */
static void put_literals(const struct alb_png_pack *p, struct bits *to, const uint8_t *in, size_t n)
{
    struct bits b = *to;
    size_t i = 0;
    for (; i + 3 <= n; i += 3) {
        put_literal(p, &b, in[i]);
        put_literal(p, &b, in[i + 1]);
        put_literal(p, &b, in[i + 2]);
        spill(&b);
    }
    for (; i < n; i++) {
        put_literal(p, &b, in[i]);
        spill(&b);
    }
    *to = b;
}

static void put_tokens(struct alb_png_pack *p, struct bits *b, const uint8_t *in)
{
    size_t at = p->from;
    for (size_t i = 0; i < 256; i++)
        p->literal[i] = p->literals.bits[i] | (uint32_t)p->literals.length[i] << 16;
    for (size_t i = 0; i < p->repeats; i++) {
        const struct repeat *r = &p->repeat[i];
        put_literals(p, b, in + at, r->literals);
        put_repeat(p, b, r->length, r->distance + 1u);
        at += (size_t)r->literals + r->length;
    }
    put_literals(p, b, in + at, p->at - at);
}

/* Bytes that the block takes, at most. */
static size_t block_bytes(const struct alb_png_pack *p)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < LITERALS; i++)
        bits += (uint64_t)p->literal_count[i] * (p->literals.length[i] + (i > END ? extra_of_length(i) : 0));
    for (unsigned i = 0; i < DISTANCES; i++)
        bits += (uint64_t)p->distance_count[i] * (p->distances.length[i] + extra_of_distance(i));
    return (size_t)(bits / 8) + HEAD_BYTES;
}

/* False: there is no room up to `end`. */
static bool put_block(struct alb_png_pack *p, struct bits *b, const uint8_t *in, bool last,
                      const uint8_t *end)
{
    make_code(&p->literals, p->literal_count, LITERALS, CODE_MAX);
    make_code(&p->distances, p->distance_count, DISTANCES, CODE_MAX);
    if (block_bytes(p) > (size_t)(end - b->out))
        return false;
    put(b, (last ? 1u : 0u) | 2u << 1, 3);
    put_codes(p, b);
    put_tokens(p, b, in);
    put(b, p->literals.bits[END], p->literals.length[END]);
    spill(b);
    return true;
}

size_t alb_png_pack(struct alb_png_pack *p, const uint8_t *in, size_t n, uint8_t *out, bool *repeats)
{
    struct bits b = {.out = out};
    const uint8_t *end = out + alb_png_pack_bound(n) - 16; /* checksum, and a word that is written whole */
    *repeats = true;
    if (n < SMALL || n >= UINT32_MAX)
        return 0;
    memset(p->head, 0, sizeof(p->head));
    memset(p->literals.length, 5, sizeof(p->literals.length)); /* a guess, for the first block */
    p->at = p->repeated = 0;
    put(&b, 0x0178, 16); /* 32 KiB window, "fastest" */
    spill(&b);
    while (p->at < n) {
        search(p, in, n);
        if (!put_block(p, &b, in, p->at == n, end))
            return 0;
    }
    put(&b, 0, (8 - b.n % 8) % 8);
    spill(&b);
    uint32_t sum = libdeflate_adler32(1, in, n);
    for (unsigned shift = 32; shift > 0; shift -= 8)
        *b.out++ = (uint8_t)(sum >> (shift - 8));
    *repeats = p->repeated > n / REPEATS;
    return (size_t)(b.out - out);
}
