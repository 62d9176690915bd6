/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels, as they are written into the files that keep what bears them (contract: purges.h). Pure.
 */
#include "blob/purges_priv.h"

#include <string.h>

#include "base/codec.h"
#include "base/hash.h"

void alb_purges_put_le(unsigned char *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++, v >>= 8)
        p[i] = (unsigned char)v;
}

uint64_t alb_purges_get_le(const unsigned char *p, int n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

struct alb_str alb_label_shorten(struct alb_str label, char room[ALB_LABEL_MAX])
{
    unsigned char sum[ALB_SHA256_LEN];

    if (label.n <= ALB_LABEL_MAX)
        return label;
    size_t head = ALB_LABEL_MAX - ALB_LABEL_CUT_HEX - 1;
    char hex[ALB_LABEL_CUT_HEX + 1];
    alb_sha256(label.p, label.n, sum);
    memcpy(room, label.p, head);
    alb_hex(sum, ALB_LABEL_CUT_HEX / 2, hex);
    memcpy(room + head, hex, ALB_LABEL_CUT_HEX);
    room[ALB_LABEL_MAX - 1] = '#';
    return alb_str_n(room, ALB_LABEL_MAX);
}

void alb_labels_write(const struct alb_str *labels, size_t count, struct alb_buf *out)
{
    size_t room = out->max - out->n;

    for (size_t i = 0; i < count; i++) {
        char text[ALB_LABEL_MAX];
        struct alb_str label = alb_label_shorten(labels[i], text);
        unsigned char n[2];
        bool fits = i + 1 < ALB_LABELS_MAX && room >= sizeof(n) + label.n + sizeof(n) + 1;
        if (!fits)
            label = ALB_STR(ALB_LABEL_ANY);
        alb_purges_put_le(n, label.n, sizeof(n));
        alb_buf_add(out, n, sizeof(n));
        alb_buf_add(out, label.p, label.n);
        room -= sizeof(n) + label.n;
        if (!fits)
            return;
    }
}

size_t alb_labels_read(struct alb_str text, struct alb_str labels[ALB_LABELS_MAX])
{
    size_t count = 0;

    while (text.n >= 2 && count < ALB_LABELS_MAX) {
        size_t n = (size_t)alb_purges_get_le((const unsigned char *)text.p, 2);
        if (n > text.n - 2)
            break;
        labels[count++] = alb_str_sub(text, 2, n);
        text = alb_str_from(text, 2 + n);
    }
    return count;
}
