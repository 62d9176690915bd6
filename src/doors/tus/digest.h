/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests that clients send of what they send: Upload-Checksum (tus), Content-Digest and Repr-Digest (RFC
 * 9530). Private to src/doors/tus.
 */
#ifndef ALB_DOORS_TUS_DIGEST_H
#define ALB_DOORS_TUS_DIGEST_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"

enum alb_digest {
    ALB_DIGEST_SHA1,
    ALB_DIGEST_SHA256,
    ALB_DIGEST_MD5,
    ALB_DIGEST_CRC32C,
    ALB_DIGEST_CRC32,
    ALB_DIGEST_SHA512, /* not in Upload-Checksum */
    ALB_DIGEST_COUNT
};
#define ALB_TUS_CHECKSUM_ALGORITHMS "sha1,sha256,md5,crc32c,crc32"
#define ALB_TUS_CHECKSUM_KINDS ((1U << ALB_DIGEST_SHA512) - 1)

struct alb_digest_value {
    enum alb_digest kind;
    size_t n;
    unsigned char p[ALB_HASH_MAX_LEN];
};

/* "sha1 base64". False: not of this form, an algorithm that is not known, or a digest of a wrong length. */
bool alb_checksum_parse(struct alb_str field, struct alb_digest_value *out) ALB_MUST_CHECK;
/* The strongest digest of a Content-Digest that is known here. 1: found; 0: none of those that are there is
 * known (then the field is ignored); -1: it is no such field. */
int alb_digest_field_parse(struct alb_str field, struct alb_digest_value *out) ALB_MUST_CHECK;

/* What a creation says of the whole upload, in any number of requests: the digest that it has (Repr-Digest),
 * and the algorithm that its client wants to hear at the end (Want-Repr-Digest). Kinds are those that the
 * upload room computes on the way. It is kept in the upload's note, where no client's words go. */
struct alb_digest_whole {
    bool given, wanted;
    struct alb_digest_value value;
    enum alb_digest want;
};
/* False: `repr` is there, and no such field. A `want` that is none is ignored. */
bool alb_digest_whole_parse(struct alb_str repr, struct alb_str want,
                            struct alb_digest_whole *out) ALB_MUST_CHECK;
void alb_digest_whole_write(const struct alb_digest_whole *w, struct alb_buf *note); /* lines "key value" */
void alb_digest_whole_read(struct alb_str note, struct alb_digest_whole *out);
/* "sha-256=:base64:", as fields of RFC 9530 have it. */
void alb_digest_field_write(struct alb_buf *out, enum alb_digest kind, const unsigned char *digest);
/* The kinds of alb_digest_whole as hashes. */
enum alb_hash_kind alb_digest_hash(enum alb_digest kind);

/* The digests of one body, computed as it comes. */
struct alb_tus_digests {
    unsigned wanted; /* bits 1u << kind; 0: nothing is computed */
    struct alb_hash sha1, sha256, md5, sha512;
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
