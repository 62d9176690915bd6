/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/tus/digest.h"

#include <string.h>

#include "base/check.h"
#include "base/codec.h"
#include "doors/tus/field.h"

#define CRC_LEN 4

static const struct {
    const char *tus, *http; /* names in Upload-Checksum, and in RFC 9530's registry; NULL: none */
    size_t n;
} kinds[ALB_DIGEST_COUNT] = {
    [ALB_DIGEST_SHA1] = {"sha1", "sha", ALB_SHA1_LEN},
    [ALB_DIGEST_SHA256] = {"sha256", "sha-256", ALB_SHA256_LEN},
    [ALB_DIGEST_MD5] = {"md5", "md5", ALB_MD5_LEN},
    [ALB_DIGEST_CRC32C] = {"crc32c", "crc32c", CRC_LEN},
    [ALB_DIGEST_CRC32] = {"crc32", NULL, CRC_LEN},
    [ALB_DIGEST_SHA512] = {NULL, "sha-512", ALB_SHA512_LEN},
};

/* ---- fields ---- */

bool alb_checksum_parse(struct alb_str field, struct alb_digest_value *out)
{
    struct alb_str name, text;
    unsigned char bytes[ALB_HASH_MAX_LEN];

    if (!alb_str_cut(alb_str_trim(field), ' ', &name, &text))
        return false;
    for (size_t i = 0; i < ALB_DIGEST_COUNT; i++) {
        if (kinds[i].tus == NULL || !alb_str_eq_c(name, kinds[i].tus))
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

/* By its name in RFC 9530's registry; ALB_DIGEST_COUNT: not known. */
static enum alb_digest kind_of(struct alb_str name)
{
    for (size_t i = 0; i < ALB_DIGEST_COUNT; i++) {
        if (kinds[i].http != NULL && alb_str_eq_c(name, kinds[i].http))
            return (enum alb_digest)i;
    }
    return ALB_DIGEST_COUNT;
}

/* The one of the highest rank; 0: not to be taken. */
static int parse_field(struct alb_str field, const unsigned char rank[ALB_DIGEST_COUNT],
                       struct alb_digest_value *out)
{
    struct alb_str rest = field, key, value;
    unsigned char bytes[ALB_HASH_MAX_LEN];
    bool broken = false;
    unsigned best = 0;

    while (alb_sf_dict_next(&rest, &key, &value, &broken)) {
        enum alb_digest kind = kind_of(key);
        if (kind == ALB_DIGEST_COUNT)
            continue;
        if (alb_sf_bytes(value, bytes, sizeof(bytes)) != (int64_t)kinds[kind].n)
            return -1;
        if (rank[kind] <= best)
            continue;
        best = rank[kind];
        out->kind = kind;
        out->n = kinds[kind].n;
        memcpy(out->p, bytes, out->n);
    }
    if (broken)
        return -1;
    return best > 0 ? 1 : 0;
}

int alb_digest_field_parse(struct alb_str field, struct alb_digest_value *out)
{
    static const unsigned char strength[ALB_DIGEST_COUNT] = {
        [ALB_DIGEST_CRC32C] = 1, [ALB_DIGEST_MD5] = 2,    [ALB_DIGEST_SHA1] = 3,
        [ALB_DIGEST_SHA256] = 4, [ALB_DIGEST_SHA512] = 5,
    };

    return parse_field(field, strength, out);
}

void alb_digest_field_write(struct alb_buf *out, enum alb_digest kind, const unsigned char *digest)
{
    alb_buf_c(out, kinds[kind].http);
    alb_buf_c(out, "=:");
    alb_b64_encode(out, digest, kinds[kind].n, ALB_B64_STD);
    alb_buf_c(out, ":");
}

/* ---- of the whole ---- */

#define NOTE_DIGEST "repr-digest "
#define NOTE_WANT "want-repr-digest "
#define WEIGHT_MAX 10

enum alb_hash_kind alb_digest_hash(enum alb_digest kind)
{
    static const enum alb_hash_kind hashes[ALB_DIGEST_COUNT] = {
        [ALB_DIGEST_SHA1] = ALB_HASH_SHA1,
        [ALB_DIGEST_SHA256] = ALB_HASH_SHA256,
        [ALB_DIGEST_MD5] = ALB_HASH_MD5,
        [ALB_DIGEST_SHA512] = ALB_HASH_SHA512,
    };

    return hashes[kind];
}

/* SHA-256 is computed anyway: it is as good as what would cost a pass of its own. */
static int parse_repr(struct alb_str field, struct alb_digest_value *out)
{
    static const unsigned char rank[ALB_DIGEST_COUNT] = {
        [ALB_DIGEST_MD5] = 1,
        [ALB_DIGEST_SHA1] = 2,
        [ALB_DIGEST_SHA512] = 3,
        [ALB_DIGEST_SHA256] = 4,
    };

    return parse_field(field, rank, out);
}

/* Of the algorithms that RFC 9530 calls active, the one with the highest weight (1 to 10). */
static bool parse_want(struct alb_str field, enum alb_digest *kind)
{
    struct alb_str rest = field, key, value;
    bool broken = false;
    int64_t weight, best = 0;

    while (alb_sf_dict_next(&rest, &key, &value, &broken)) {
        enum alb_digest k = kind_of(key);
        if (!alb_sf_integer(value, &weight) || weight < 0 || weight > WEIGHT_MAX)
            return false;
        if ((k != ALB_DIGEST_SHA256 && k != ALB_DIGEST_SHA512) || weight < best || weight == 0 ||
            (weight == best && k == ALB_DIGEST_SHA512))
            continue;
        best = weight;
        *kind = k;
    }
    return !broken && best > 0;
}

bool alb_digest_whole_parse(struct alb_str repr, struct alb_str want, struct alb_digest_whole *out)
{
    *out = (struct alb_digest_whole){0};
    int found = parse_repr(repr, &out->value);
    out->given = found > 0;
    out->wanted = parse_want(want, &out->want);
    return found >= 0;
}

void alb_digest_whole_write(const struct alb_digest_whole *w, struct alb_buf *note)
{
    if (w->given) {
        alb_buf_c(note, NOTE_DIGEST);
        alb_digest_field_write(note, w->value.kind, w->value.p);
        alb_buf_c(note, "\n");
    }
    if (w->wanted) {
        alb_buf_c(note, NOTE_WANT);
        alb_buf_c(note, kinds[w->want].http);
        alb_buf_c(note, "=1\n");
    }
}

void alb_digest_whole_read(struct alb_str note, struct alb_digest_whole *out)
{
    struct alb_str line;

    *out = (struct alb_digest_whole){0};
    while (alb_str_next(&note, '\n', &line)) {
        if (alb_str_starts(line, ALB_STR(NOTE_DIGEST)))
            out->given = parse_repr(alb_str_from(line, sizeof(NOTE_DIGEST) - 1), &out->value) > 0;
        else if (alb_str_starts(line, ALB_STR(NOTE_WANT)))
            out->wanted = parse_want(alb_str_from(line, sizeof(NOTE_WANT) - 1), &out->want);
    }
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
    if ((fresh & 1U << ALB_DIGEST_SHA512) != 0)
        alb_hash_init(&d->sha512, ALB_HASH_SHA512);
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
    if ((d->wanted & 1U << ALB_DIGEST_SHA512) != 0)
        alb_hash_update(&d->sha512, p, n);
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
    case ALB_DIGEST_SHA512:
        (void)alb_hash_final(&d->sha512, is);
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
