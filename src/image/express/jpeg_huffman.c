/* SPDX-License-Identifier: Apache-2.0
 *
 * Huffman tables as JPEG wants them (T.81, annex K.2): at most 16 bits, and no code of ones only, which is kept
 * free by a symbol more that comes once.
 */
#include <string.h>

#include "base/check.h"
#include "image/express/jpeg_code.h"

#define LEAVES 257
#define DEEPEST 64 /* counts are below 2^32, so trees are not deeper than about 46 */
#define NOBODY 256

struct leaf {
    uint32_t often;
    uint16_t symbol;
};

/* The rarest first; of equals the higher symbol. */
static unsigned sort(const uint32_t *often, struct leaf *leaf)
{
    unsigned n = 1;
    leaf[0] = (struct leaf){1, NOBODY};
    for (unsigned s = 256; s-- > 0;) {
        unsigned at = n;
        if (often[s] == 0)
            continue;
        for (; at > 0 && leaf[at - 1].often > often[s]; at--)
            leaf[at] = leaf[at - 1];
        leaf[at] = (struct leaf){often[s], (uint16_t)s};
        n++;
    }
    return n;
}

/* How many leaves lie how deep: nodes are made in the order of their weight, so two queues are enough. */
static void depths(const struct leaf *leaf, unsigned n, unsigned *count)
{
    uint64_t weight[LEAVES];
    unsigned parent[2 * LEAVES], depth[2 * LEAVES], next_leaf = 0, next_node = 0;
    for (unsigned made = 0; made + 1 < n; made++) {
        weight[made] = 0;
        for (int k = 0; k < 2; k++) {
            bool is_leaf = next_node == made || (next_leaf < n && leaf[next_leaf].often <= weight[next_node]);
            parent[is_leaf ? next_leaf : n + next_node] = made;
            weight[made] += is_leaf ? leaf[next_leaf].often : weight[next_node];
            next_leaf += is_leaf;
            next_node += !is_leaf;
        }
    }
    depth[n + n - 2] = 0;
    for (unsigned i = n - 2; i-- > 0;)
        depth[n + i] = depth[n + parent[n + i]] + 1;
    for (unsigned i = 0; i < n; i++)
        count[depth[n + parent[i]] + 1]++;
}

/* Pairs that lie too deep go up: one takes the place of what was above them, the other that of a shorter code,
 * which makes room by going down. */
static void shorten(unsigned *count)
{
    for (unsigned i = DEEPEST - 1; i > 16; i--) {
        while (count[i] > 0) {
            unsigned j = i - 2;
            while (count[j] == 0)
                j--;
            count[i] -= 2;
            count[i - 1]++;
            count[j + 1] += 2;
            count[j]--;
        }
    }
}

void alb_jpeg_huffman(const uint32_t often[256], struct alb_jpeg_huffman *h)
{
    struct leaf leaf[LEAVES];
    unsigned count[DEEPEST] = {0}, n = sort(often, leaf), code = 0, longest = 16;
    ALB_CHECK(n > 1);
    memset(h, 0, sizeof(*h));
    depths(leaf, n, count);
    shorten(count);
    while (count[longest] == 0)
        longest--;
    count[longest]--; /* the code of ones only */
    for (unsigned i = n; i-- > 0;) {
        if (leaf[i].symbol != NOBODY)
            h->symbol[h->symbols++] = (uint8_t)leaf[i].symbol;
    }
    for (unsigned bits = 1, at = 0; bits <= 16; bits++, code <<= 1) {
        h->count[bits] = (uint8_t)count[bits];
        for (unsigned k = 0; k < count[bits]; k++, at++, code++) {
            h->code[h->symbol[at]] = (uint16_t)code;
            h->bits[h->symbol[at]] = (uint8_t)bits;
        }
    }
}
