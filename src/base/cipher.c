/* SPDX-License-Identifier: Apache-2.0
 *
 * AES-CBC (contract: cipher.h). Padding is looked at as a whole and without early exit, so that the time
 * taken does not tell which of its bytes was wrong.
 */
#include "base/cipher.h"

#include <string.h>

#include <nettle/aes.h>
#include <nettle/cbc.h>

union schedule {
    struct aes128_ctx a128;
    struct aes192_ctx a192;
    struct aes256_ctx a256;
};

static void wipe(void *p, size_t n)
{
    volatile unsigned char *v = p;

    while (n-- > 0)
        *v++ = 0;
}

static bool decrypt(const unsigned char *key, size_t key_n, unsigned char *iv, size_t n, unsigned char *out,
                    const unsigned char *in)
{
    union schedule s;
    nettle_cipher_func *f;

    if (key_n == AES128_KEY_SIZE) {
        aes128_set_decrypt_key(&s.a128, key);
        f = (nettle_cipher_func *)aes128_decrypt;
    } else if (key_n == AES192_KEY_SIZE) {
        aes192_set_decrypt_key(&s.a192, key);
        f = (nettle_cipher_func *)aes192_decrypt;
    } else if (key_n == AES256_KEY_SIZE) {
        aes256_set_decrypt_key(&s.a256, key);
        f = (nettle_cipher_func *)aes256_decrypt;
    } else {
        return false;
    }
    cbc_decrypt(&s, f, ALB_AES_BLOCK, iv, n, out, in);
    wipe(&s, sizeof(s));
    return true;
}

static bool encrypt(const unsigned char *key, size_t key_n, unsigned char *iv, size_t n, unsigned char *out,
                    const unsigned char *in)
{
    union schedule s;
    nettle_cipher_func *f;

    if (key_n == AES128_KEY_SIZE) {
        aes128_set_encrypt_key(&s.a128, key);
        f = (nettle_cipher_func *)aes128_encrypt;
    } else if (key_n == AES192_KEY_SIZE) {
        aes192_set_encrypt_key(&s.a192, key);
        f = (nettle_cipher_func *)aes192_encrypt;
    } else if (key_n == AES256_KEY_SIZE) {
        aes256_set_encrypt_key(&s.a256, key);
        f = (nettle_cipher_func *)aes256_encrypt;
    } else {
        return false;
    }
    cbc_encrypt(&s, f, ALB_AES_BLOCK, iv, n, out, in);
    wipe(&s, sizeof(s));
    return true;
}

int64_t alb_aes_cbc_decrypt(struct alb_str key, struct alb_str in, unsigned char *out)
{
    unsigned char iv[ALB_AES_BLOCK];
    unsigned bad = 0;

    if (in.n < 2 * (size_t)ALB_AES_BLOCK || in.n % ALB_AES_BLOCK != 0)
        return -1;
    size_t n = in.n - ALB_AES_BLOCK;
    memcpy(iv, in.p, sizeof(iv));
    if (!decrypt((const unsigned char *)key.p, key.n, iv, n, out,
                 (const unsigned char *)in.p + ALB_AES_BLOCK))
        return -1;
    unsigned pad = out[n - 1];
    bad |= pad - 1 >= ALB_AES_BLOCK ? 1U : 0U;
    for (unsigned i = 1; i <= ALB_AES_BLOCK; i++)
        bad |= i <= pad ? (unsigned)(out[n - i] ^ pad) : 0U;
    return bad != 0 ? -1 : (int64_t)(n - pad);
}

bool alb_aes_cbc_encrypt(struct alb_str key, const unsigned char iv[ALB_AES_BLOCK], struct alb_str text,
                         unsigned char *out)
{
    unsigned char chain[ALB_AES_BLOCK];
    size_t n = alb_aes_cbc_room(text.n) - ALB_AES_BLOCK;

    memcpy(chain, iv, sizeof(chain));
    memcpy(out, iv, ALB_AES_BLOCK);
    if (text.n > 0)
        memcpy(out + ALB_AES_BLOCK, text.p, text.n);
    memset(out + ALB_AES_BLOCK + text.n, (int)(n - text.n), n - text.n);
    return encrypt((const unsigned char *)key.p, key.n, chain, n, out + ALB_AES_BLOCK, out + ALB_AES_BLOCK);
}
