/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures (contract: signature.h).
 */
#include "doors/imgproxy/signature.h"

#include <string.h>

#include "base/check.h"
#include "base/codec.h"

/* HMAC-SHA256(key, salt ‖ "/" ‖ path); false: no memory. */
static bool mac(struct alb_arena *arena, struct alb_str key, struct alb_str salt, struct alb_str path,
                unsigned char out[ALB_SHA256_LEN])
{
    struct alb_arena_mark mark = alb_arena_mark(arena);
    char *text = alb_arena_alloc(arena, salt.n + 1 + path.n);

    if (text == NULL)
        return false;
    if (salt.n > 0)
        memcpy(text, salt.p, salt.n);
    text[salt.n] = '/';
    if (path.n > 0)
        memcpy(text + salt.n + 1, path.p, path.n);
    alb_hmac_sha256(key, alb_str_n(text, salt.n + 1 + path.n), out);
    alb_arena_rewind(arena, mark);
    return true;
}

static bool is_trusted(const struct alb_imgproxy_config *c, struct alb_str signature)
{
    bool found = false;

    for (size_t i = 0; i < c->trusted.count; i++)
        found |= alb_str_eq_secret(c->trusted.item[i], signature);
    return found;
}

enum alb_imgproxy_refusal alb_imgproxy_signature_check(const struct alb_imgproxy_config *c,
                                                       struct alb_arena *arena, struct alb_str signature,
                                                       struct alb_str path, int *pair, struct alb_err *err)
{
    unsigned char given[ALB_SHA256_LEN], right[ALB_SHA256_LEN];
    struct alb_str mine = alb_str_n((const char *)given, 0);
    int matched = -1;

    if (pair != NULL)
        *pair = -1;
    if (!alb_imgproxy_config_signs(c)) {
        if (alb_str_find(signature, ':') == ALB_STR_NPOS)
            return ALB_IMGPROXY_FINE;
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_NO_SIGNATURE,
                                   "\"%.*s\" stands where the signature belongs and looks like an option",
                                   ALB_STR_ARG(signature));
    }
    if (is_trusted(c, signature))
        return ALB_IMGPROXY_FINE;
    int64_t n = alb_b64_decode(signature, given, sizeof(given), ALB_B64_URL);
    if (n < 0)
        return alb_imgproxy_refuse(
            err, ALB_IMGPROXY_BAD_SIGNATURE,
            "the signature is no URL-safe base64 of at most 32 bytes, without padding");
    mine.n = (size_t)n;
    for (size_t i = 0; i < c->keys.count; i++) {
        if (!mac(arena, c->keys.item[i], c->salts.item[i], path, right))
            return alb_imgproxy_refuse(err, ALB_IMGPROXY_NO_MEMORY, "no memory for the signature");
        if (alb_str_eq_secret(mine, alb_str_n((const char *)right, (size_t)c->signature_size)))
            matched = (int)i;
    }
    if (matched < 0)
        return alb_imgproxy_refuse(err, ALB_IMGPROXY_BAD_SIGNATURE,
                                   "the signature is not that of /%.*s under any of %zu keys",
                                   (int)(path.n > 100 ? 100 : path.n), path.p, c->keys.count);
    if (pair != NULL)
        *pair = matched;
    return ALB_IMGPROXY_FINE;
}

struct alb_str alb_imgproxy_signature_make(struct alb_arena *arena, struct alb_str key, struct alb_str salt,
                                           size_t size, struct alb_str path)
{
    unsigned char digest[ALB_SHA256_LEN];
    struct alb_buf text = ALB_BUF_INIT(64);
    struct alb_str out = ALB_STR_NONE;

    ALB_CHECK(size >= 1 && size <= sizeof(digest));
    if (!mac(arena, key, salt, path, digest))
        return out;
    alb_b64_encode(&text, digest, size, ALB_B64_URL);
    if (alb_buf_code(&text) == ALB_OK)
        out = alb_arena_str(arena, alb_buf_view(&text));
    alb_buf_fini(&text);
    return out;
}
