/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/tus/digest.h"

#include <string.h>

#include "base/check.h"
#include "base/codec.h"
#include "doors/tus/field.h"

#define CRC_LEN 4

static const struct {
    const char *tus, *http; /* names in Upload-Checksum, and in RFC 9530's registry (NULL: none) */
    size_t n;
} kinds[ALB_DIGEST_COUNT] = {
    [ALB_DIGEST_SHA1] = {"sha1", "sha", ALB_SHA1_LEN},
    [ALB_DIGEST_SHA256] = {"sha256", "sha-256", ALB_SHA256_LEN},
    [ALB_DIGEST_MD5] = {"md5", "md5", ALB_MD5_LEN},
    [ALB_DIGEST_CRC32C] = {"crc32c", "crc32c", CRC_LEN},
    [ALB_DIGEST_CRC32] = {"crc32", NULL, CRC_LEN},
};

/* ---- fields ---- */

bool alb_checksum_parse(struct alb_str field, struct alb_digest_value *out)
{
    struct alb_str name, text;
    unsigned char bytes[ALB_HASH_MAX_LEN];

    if (!alb_str_cut(alb_str_trim(field), ' ', &name, &text))
        return false;
    for (size_t i = 0; i < ALB_DIGEST_COUNT; i++) {
        if (!alb_str_eq_c(name, kinds[i].tus))
            continue;
        int64_t n = alb_b64_decode(alb_str_trim(text), bytes, sizeof(bytes), ALB_B64_STD);
        if (n != (int64_t)kinds[i].n)
            return false;
        out->kind = (enum alb_digest)i;
        out->n = kinds[i].n;
        memcpy(out->p, bytes, out->n);
        return true;
    }
    return false;
}

static int strength(enum alb_digest kind)
{
    static const enum alb_digest order[] = {ALB_DIGEST_CRC32, ALB_DIGEST_CRC32C, ALB_DIGEST_MD5,
                                            ALB_DIGEST_SHA1, ALB_DIGEST_SHA256};
    int i = 0;

    while (order[i] != kind)
        i++;
    return i;
}

int alb_digest_field_parse(struct alb_str field, struct alb_digest_value *out)
{
    struct alb_str rest = field, key, value;
    unsigned char bytes[ALB_HASH_MAX_LEN];
    bool broken = false, found = false;

    while (alb_sf_dict_next(&rest, &key, &value, &broken)) {
        for (size_t i = 0; i < ALB_DIGEST_COUNT; i++) {
            if (kinds[i].http == NULL || !alb_str_eq_c(key, kinds[i].http))
                continue;
            if (alb_sf_bytes(value, bytes, sizeof(bytes)) != (int64_t)kinds[i].n)
                return -1;
            if (found && strength((enum alb_digest)i) <= strength(out->kind))
                continue;
            out->kind = (enum alb_digest)i;
            out->n = kinds[i].n;
            memcpy(out->p, bytes, out->n);
            found = true;
        }
    }
    if (broken)
        return -1;
    return found ? 1 : 0;
}

/* ---- cyclic redundancy checks: reflected, as in zlib and iSCSI ---- */

#define CRC32_POLY 0xedb88320U
#define CRC32C_POLY 0x82f63b78U

struct crc_table {
    uint32_t t[8][256];
};

static void crc_fill(struct crc_table *table, uint32_t poly)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = (c & 1) != 0 ? poly ^ c >> 1 : c >> 1;
        table->t[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (size_t k = 1; k < 8; k++)
            table->t[k][i] = table->t[0][table->t[k - 1][i] & 255] ^ table->t[k - 1][i] >> 8;
    }
}

static struct crc_table crc32_table, crc32c_table; /* written once, before main */

__attribute__((constructor)) static void crc_init(void)
{
    crc_fill(&crc32_table, CRC32_POLY);
    crc_fill(&crc32c_table, CRC32C_POLY);
}

/* Eight bytes at a time: a byte at a time would be slower than the disk. */
static uint32_t crc_update(const struct crc_table *table, uint32_t crc, const unsigned char *p, size_t n)
{
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t low =
            crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = table->t[7][low & 255] ^ table->t[6][low >> 8 & 255] ^ table->t[5][low >> 16 & 255] ^
              table->t[4][low >> 24] ^ table->t[3][p[4]] ^ table->t[2][p[5]] ^ table->t[1][p[6]] ^
              table->t[0][p[7]];
    }
    for (; n > 0; n--, p++)
        crc = table->t[0][(crc ^ *p) & 255] ^ crc >> 8;
    return ~crc;
}

/* ---- the digests of a body ---- */

void alb_digests_want(struct alb_tus_digests *d, unsigned wanted)
{
    unsigned fresh = wanted & ~d->wanted;

    d->wanted |= wanted;
    if ((fresh & 1U << ALB_DIGEST_SHA1) != 0)
        alb_hash_init(&d->sha1, ALB_HASH_SHA1);
    if ((fresh & 1U << ALB_DIGEST_SHA256) != 0)
        alb_hash_init(&d->sha256, ALB_HASH_SHA256);
    if ((fresh & 1U << ALB_DIGEST_MD5) != 0)
        alb_hash_init(&d->md5, ALB_HASH_MD5);
}

void alb_digests_expect(struct alb_tus_digests *d, const struct alb_digest_value *v)
{
    ALB_CHECK(d->count < ALB_ARRAY_LEN(d->values));
    d->values[d->count++] = *v;
    alb_digests_want(d, 1U << v->kind);
}

void alb_digests_update(struct alb_tus_digests *d, const void *p, size_t n)
{
    if ((d->wanted & 1U << ALB_DIGEST_SHA1) != 0)
        alb_hash_update(&d->sha1, p, n);
    if ((d->wanted & 1U << ALB_DIGEST_SHA256) != 0)
        alb_hash_update(&d->sha256, p, n);
    if ((d->wanted & 1U << ALB_DIGEST_MD5) != 0)
        alb_hash_update(&d->md5, p, n);
    if ((d->wanted & 1U << ALB_DIGEST_CRC32C) != 0)
        d->crc32c = crc_update(&crc32c_table, d->crc32c, p, n);
    if ((d->wanted & 1U << ALB_DIGEST_CRC32) != 0)
        d->crc32 = crc_update(&crc32_table, d->crc32, p, n);
}

static void put_crc(uint32_t crc, unsigned char out[ALB_HASH_MAX_LEN])
{
    for (int i = 0; i < CRC_LEN; i++)
        out[i] = (unsigned char)(crc >> (24 - 8 * i)); /* network order */
}

static bool holds(const struct alb_tus_digests *d, const struct alb_digest_value *v)
{
    unsigned char is[ALB_HASH_MAX_LEN];

    switch (v->kind) {
    case ALB_DIGEST_SHA1:
        (void)alb_hash_final(&d->sha1, is);
        break;
    case ALB_DIGEST_SHA256:
        (void)alb_hash_final(&d->sha256, is);
        break;
    case ALB_DIGEST_MD5:
        (void)alb_hash_final(&d->md5, is);
        break;
    case ALB_DIGEST_CRC32C:
        put_crc(d->crc32c, is);
        break;
    case ALB_DIGEST_CRC32:
        put_crc(d->crc32, is);
        break;
    case ALB_DIGEST_COUNT:
        return false;
    }
    return memcmp(is, v->p, v->n) == 0;
}

bool alb_digests_hold(const struct alb_tus_digests *d)
{
    for (size_t i = 0; i < d->count; i++) {
        if (!holds(d, &d->values[i]))
            return false;
    }
    return true;
}
