/* SPDX-License-Identifier: Apache-2.0
 *
 * AES in CBC mode with PKCS#7 padding (nettle), for names that are hidden in URLs. It hides, it does not
 * protect against change: what is decrypted must have been signed. Pure; any thread.
 */
#ifndef ALB_BASE_CIPHER_H
#define ALB_BASE_CIPHER_H

#include "base/str.h"

#define ALB_AES_BLOCK 16

/* key: 16, 24 or 32 bytes; in: IV and ciphertext. `out` has room for in.n - 16 bytes and may be in.p + 16.
 * Returns the length of the plaintext, or -1: a key or a text of impossible length, or bad padding. */
int64_t alb_aes_cbc_decrypt(struct alb_str key, struct alb_str in, unsigned char *out) ALB_MUST_CHECK;
/* The bytes that encryption of n bytes gives, the IV included. */
static inline size_t alb_aes_cbc_room(size_t n)
{
    return ALB_AES_BLOCK + n - n % ALB_AES_BLOCK + ALB_AES_BLOCK;
}
/* Writes IV and ciphertext, alb_aes_cbc_room(text.n) bytes. False: a key of impossible length. */
bool alb_aes_cbc_encrypt(struct alb_str key, const unsigned char iv[ALB_AES_BLOCK], struct alb_str text,
                         unsigned char *out) ALB_MUST_CHECK;

#endif
