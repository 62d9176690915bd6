/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures: base64url, with padding, of HMAC(secret, path behind the hash), cut to so many characters. The path as it
 * was received is tried first, then as it reads when it is percent-decoded: clients sign either form. Compared in
 * constant time. Several secrets may match, so that keys can be changed while old URLs live. Pure; any thread.
 */
#ifndef ALB_DOORS_THUMBOR_SIGN_H
#define ALB_DOORS_THUMBOR_SIGN_H

#include "base/arena.h"
#include "base/hash.h"

#define ALB_THUMBOR_SIGNATURE_MAX 88 /* characters, of SHA-512 */
#define ALB_THUMBOR_SECRETS_MAX 16

struct alb_thumbor_signer {
    enum alb_hash_kind kind; /* SHA1, SHA256, SHA512 */
    size_t truncate;         /* characters; 0: all */
    struct alb_str secret[ALB_THUMBOR_SECRETS_MAX];
    size_t secrets; /* none: no URL is signed. An empty secret signs nothing */
};

/* "sha1", "sha256", "sha512". */
bool alb_thumbor_signer_kind(struct alb_str name, enum alb_hash_kind *kind) ALB_MUST_CHECK;
/* The signature of a path with one secret, in `out`; empty: no memory. */
struct alb_str alb_thumbor_sign(const struct alb_thumbor_signer *s, struct alb_str secret,
                                struct alb_str path, char out[ALB_THUMBOR_SIGNATURE_MAX + 1]);
/* Which secret has signed `path`; -1: none. */
int alb_thumbor_signed_by(const struct alb_thumbor_signer *s, struct alb_str hash, struct alb_str path);

#endif
