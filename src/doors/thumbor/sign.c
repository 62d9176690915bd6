/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures (contract: sign.h).
 */
#include "doors/thumbor/sign.h"

#include <string.h>

#include "base/codec.h"

bool alb_thumbor_signer_kind(struct alb_str name, enum alb_hash_kind *kind)
{
    static const struct {
        const char *name;
        enum alb_hash_kind kind;
    } kinds[] = {{"sha1", ALB_HASH_SHA1}, {"sha256", ALB_HASH_SHA256}, {"sha512", ALB_HASH_SHA512}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        if (!alb_str_eq_c(name, kinds[i].name))
            continue;
        *kind = kinds[i].kind;
        return true;
    }
    return false;
}

struct alb_str alb_thumbor_sign(const struct alb_thumbor_signer *s, struct alb_str secret,
                                struct alb_str path, char out[ALB_THUMBOR_SIGNATURE_MAX + 1])
{
    unsigned char digest[ALB_HASH_MAX_LEN];
    struct alb_buf text = ALB_BUF_INIT(ALB_THUMBOR_SIGNATURE_MAX);
    alb_b64_encode(&text, digest, alb_hmac(s->kind, secret, path, digest), ALB_B64_URL);
    while (text.n % 4 != 0 && alb_buf_code(&text) == ALB_OK)
        alb_buf_char(&text, '=');
    size_t n = alb_buf_code(&text) == ALB_OK ? text.n : 0;
    if (s->truncate > 0 && s->truncate < n)
        n = s->truncate;
    if (n > 0)
        memcpy(out, text.p, n);
    out[n] = '\0';
    alb_buf_fini(&text);
    return alb_str_n(out, n);
}

int alb_thumbor_signed_by(const struct alb_thumbor_signer *s, struct alb_str hash, struct alb_str path)
{
    char right[ALB_THUMBOR_SIGNATURE_MAX + 1];
    int found = -1;
    for (size_t i = 0; i < s->secrets; i++) {
        struct alb_str mine = alb_thumbor_sign(s, s->secret[i], path, right);
        bool can = s->secret[i].n > 0 && mine.n > 0; /* without a secret anybody can make it */
        if (can && alb_str_eq_secret(mine, hash))
            found = (int)i;
    }
    return found;
}
