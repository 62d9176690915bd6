/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes. SHA-256, SHA-512, SHA-1, MD5 (nettle): streaming, and their mid-state can be stored and taken up
 * again by another process of the same architecture and library version (uploads resume after a crash without
 * reading again); the stored form carries a tag and is refused when it does not fit. XXH3-64/128 for
 * integrity of our own files. Pure; one thread per state.
 */
#ifndef ALB_BASE_HASH_H
#define ALB_BASE_HASH_H

#include "base/str.h"

#define ALB_SHA256_LEN 32
#define ALB_SHA512_LEN 64
#define ALB_SHA1_LEN 20
#define ALB_MD5_LEN 16
#define ALB_HASH_MAX_LEN 64
#define ALB_HASH_STATE_MAX 256 /* bytes of a stored mid-state */

/* Numbers are part of stored mid-states. */
enum alb_hash_kind { ALB_HASH_SHA256, ALB_HASH_SHA1, ALB_HASH_MD5, ALB_HASH_SHA512 };

struct alb_hash {
    enum alb_hash_kind kind;
    union {
        uint64_t align;
        unsigned char room[256];
    } state;
};
void alb_hash_init(struct alb_hash *h, enum alb_hash_kind kind);
void alb_hash_update(struct alb_hash *h, const void *p, size_t n);
/* Writes the digest; the state may go on being updated (a copy is finished). Returns the digest's length. */
size_t alb_hash_final(const struct alb_hash *h, unsigned char out[ALB_HASH_MAX_LEN]);
size_t alb_hash_len(enum alb_hash_kind kind);
size_t alb_hash_save(const struct alb_hash *h, unsigned char out[ALB_HASH_STATE_MAX]);
bool alb_hash_load(struct alb_hash *h, enum alb_hash_kind kind, const unsigned char *p,
                   size_t n) ALB_MUST_CHECK;

void alb_sha256(const void *p, size_t n, unsigned char out[ALB_SHA256_LEN]);
void alb_sha1(const void *p, size_t n, unsigned char out[ALB_SHA1_LEN]);
void alb_hmac_sha256(struct alb_str key, struct alb_str text, unsigned char out[ALB_SHA256_LEN]);
/* The same with any hash; returns the digest's length. */
size_t alb_hmac(enum alb_hash_kind kind, struct alb_str key, struct alb_str text,
                unsigned char out[ALB_HASH_MAX_LEN]);

uint64_t alb_xxh3(const void *p, size_t n);
struct alb_xxh3_state;
struct alb_xxh3_state *alb_xxh3_new(void) ALB_MUST_CHECK;
void alb_xxh3_update(struct alb_xxh3_state *s, const void *p, size_t n);
uint64_t alb_xxh3_digest(const struct alb_xxh3_state *s);
void alb_xxh3_reset(struct alb_xxh3_state *s);
void alb_xxh3_free(struct alb_xxh3_state *s);

/* From the system's generator (getrandom); panics if there is none. */
void alb_random(void *out, size_t n);

#endif
