/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests that clients send of what they send: Upload-Checksum (tus), Content-Digest and Repr-Digest (RFC
 * 9530). Private to src/doors/tus.
 */
#ifndef ALB_DOORS_TUS_DIGEST_H
#define ALB_DOORS_TUS_DIGEST_H

#include "base/hash.h"
#include "base/str.h"

enum alb_digest {
    ALB_DIGEST_SHA1,
    ALB_DIGEST_SHA256,
    ALB_DIGEST_MD5,
    ALB_DIGEST_CRC32C,
    ALB_DIGEST_CRC32,
    ALB_DIGEST_COUNT
};
#define ALB_TUS_CHECKSUM_ALGORITHMS "sha1,sha256,md5,crc32c,crc32"

struct alb_digest_value {
    enum alb_digest kind;
    size_t n;
    unsigned char p[ALB_HASH_MAX_LEN];
};

/* "sha1 base64". False: not of this form, an algorithm that is not known, or a digest of a wrong length. */
bool alb_checksum_parse(struct alb_str field, struct alb_digest_value *out) ALB_MUST_CHECK;
/* The strongest digest of a Content-Digest or Repr-Digest that is known here. 1: found; 0: none of those that
 * are there is known (then the field is ignored); -1: it is no such field. */
int alb_digest_field_parse(struct alb_str field, struct alb_digest_value *out) ALB_MUST_CHECK;

/* The digests of one body, computed as it comes. */
struct alb_tus_digests {
    unsigned wanted; /* bits 1u << kind; 0: nothing is computed */
    struct alb_hash sha1, sha256, md5;
    uint32_t crc32c, crc32;
    bool in_trailer; /* Upload-Checksum comes behind the body */
    size_t count;
    struct alb_digest_value values[3]; /* what they must be */
};
void alb_digests_want(struct alb_tus_digests *d, unsigned kinds);
void alb_digests_expect(struct alb_tus_digests *d, const struct alb_digest_value *v);
void alb_digests_update(struct alb_tus_digests *d, const void *p, size_t n);
bool alb_digests_hold(const struct alb_tus_digests *d) ALB_MUST_CHECK;

#endif
