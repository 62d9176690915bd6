/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes (contract: hash.h). SHA-256, SHA-512, SHA-1 and MD5 are nettle's, whose contexts are plain structs;
 * that is what makes a mid-state storable. XXH3 is compiled in from its header.
 *
 * A stored mid-state is: magic and form (4 bytes), kind (1), three zeros, layout (8), context, checksum (8).
 * "layout" is a hash of a context after a fixed text: a library that keeps its state in another way has
 * another layout, whatever its version says, and its states are refused; the upload is then read again.
 */
#include "base/hash.h"

#include <errno.h>
#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/check.h"
#include "base/mem.h"

#define MAGIC "aHs1"
#define HEAD_LEN 16
#define SUM_LEN 8

union context {
    struct sha256_ctx sha256;
    struct sha1_ctx sha1;
    struct md5_ctx md5;
    struct sha512_ctx sha512;
};
_Static_assert(sizeof(union context) <= sizeof(((struct alb_hash *)0)->state), "room for every context");
_Static_assert(HEAD_LEN + sizeof(union context) + SUM_LEN <= ALB_HASH_STATE_MAX, "room for a stored state");

static const struct {
    size_t context, digest;
} kinds[] = {
    [ALB_HASH_SHA256] = {sizeof(struct sha256_ctx), SHA256_DIGEST_SIZE},
    [ALB_HASH_SHA1] = {sizeof(struct sha1_ctx), SHA1_DIGEST_SIZE},
    [ALB_HASH_MD5] = {sizeof(struct md5_ctx), MD5_DIGEST_SIZE},
    [ALB_HASH_SHA512] = {sizeof(struct sha512_ctx), SHA512_DIGEST_SIZE},
};

static union context *context_of(struct alb_hash *h)
{
    return (union context *)(void *)&h->state;
}

void alb_hash_init(struct alb_hash *h, enum alb_hash_kind kind)
{
    union context *c = context_of(h);

    ALB_CHECK((unsigned)kind < ALB_ARRAY_LEN(kinds));
    h->kind = kind;
    memset(&h->state, 0, sizeof(h->state)); /* so that what is stored has no stray bytes */
    switch (kind) {
    case ALB_HASH_SHA256:
        sha256_init(&c->sha256);
        break;
    case ALB_HASH_SHA1:
        sha1_init(&c->sha1);
        break;
    case ALB_HASH_MD5:
        md5_init(&c->md5);
        break;
    case ALB_HASH_SHA512:
        sha512_init(&c->sha512);
        break;
    }
}

void alb_hash_update(struct alb_hash *h, const void *p, size_t n)
{
    union context *c = context_of(h);

    if (n == 0)
        return;
    switch (h->kind) {
    case ALB_HASH_SHA256:
        sha256_update(&c->sha256, n, p);
        break;
    case ALB_HASH_SHA1:
        sha1_update(&c->sha1, n, p);
        break;
    case ALB_HASH_MD5:
        md5_update(&c->md5, n, p);
        break;
    case ALB_HASH_SHA512:
        sha512_update(&c->sha512, n, p);
        break;
    }
}

size_t alb_hash_final(const struct alb_hash *h, unsigned char out[ALB_HASH_MAX_LEN])
{
    struct alb_hash copy = *h;
    union context *c = context_of(&copy);

    switch (h->kind) {
    case ALB_HASH_SHA256:
        sha256_digest(&c->sha256, SHA256_DIGEST_SIZE, out);
        break;
    case ALB_HASH_SHA1:
        sha1_digest(&c->sha1, SHA1_DIGEST_SIZE, out);
        break;
    case ALB_HASH_MD5:
        md5_digest(&c->md5, MD5_DIGEST_SIZE, out);
        break;
    case ALB_HASH_SHA512:
        sha512_digest(&c->sha512, SHA512_DIGEST_SIZE, out);
        break;
    }
    return kinds[h->kind].digest;
}

size_t alb_hash_len(enum alb_hash_kind kind)
{
    ALB_CHECK((unsigned)kind < ALB_ARRAY_LEN(kinds));
    return kinds[kind].digest;
}

/* ---- stored mid-states ---- */

static uint64_t layout_of(enum alb_hash_kind kind)
{
    unsigned char text[201]; /* ends in the middle of a block, after at least one */
    struct alb_hash h;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (unsigned char)(i * 7 + 1);
    alb_hash_init(&h, kind);
    alb_hash_update(&h, text, sizeof(text));
    return alb_xxh3(&h.state, kinds[kind].context);
}

static void head_of(enum alb_hash_kind kind, unsigned char head[HEAD_LEN])
{
    uint64_t layout = layout_of(kind);

    memset(head, 0, HEAD_LEN);
    memcpy(head, MAGIC, 4);
    head[4] = (unsigned char)kind;
    memcpy(head + 8, &layout, sizeof(layout));
}

size_t alb_hash_save(const struct alb_hash *h, unsigned char out[ALB_HASH_STATE_MAX])
{
    size_t n = HEAD_LEN + kinds[h->kind].context;

    head_of(h->kind, out);
    memcpy(out + HEAD_LEN, &h->state, kinds[h->kind].context);
    uint64_t sum = alb_xxh3(out, n);
    memcpy(out + n, &sum, sizeof(sum));
    return n + SUM_LEN;
}

bool alb_hash_load(struct alb_hash *h, enum alb_hash_kind kind, const unsigned char *p, size_t n)
{
    unsigned char head[HEAD_LEN];
    uint64_t sum;

    alb_hash_init(h, kind);
    size_t body = HEAD_LEN + kinds[kind].context;
    if (n != body + SUM_LEN)
        return false;
    head_of(kind, head);
    memcpy(&sum, p + body, sizeof(sum));
    if (memcmp(p, head, HEAD_LEN) != 0 || sum != alb_xxh3(p, body))
        return false;
    memcpy(&h->state, p + HEAD_LEN, kinds[kind].context);
    return true;
}

/* ---- in one call ---- */

void alb_sha256(const void *p, size_t n, unsigned char out[ALB_SHA256_LEN])
{
    struct sha256_ctx c;

    sha256_init(&c);
    if (n > 0)
        sha256_update(&c, n, p);
    sha256_digest(&c, ALB_SHA256_LEN, out);
}

void alb_sha1(const void *p, size_t n, unsigned char out[ALB_SHA1_LEN])
{
    struct sha1_ctx c;

    sha1_init(&c);
    if (n > 0)
        sha1_update(&c, n, p);
    sha1_digest(&c, ALB_SHA1_LEN, out);
}

static void hmac(const struct nettle_hash *hash, struct alb_str key, struct alb_str text, unsigned char *out)
{
    static const uint8_t none;
    union {
        struct md5_ctx md5;
        struct sha1_ctx sha1;
        struct sha256_ctx sha256;
        struct sha512_ctx sha512;
    } outer, inner, state;

    hmac_set_key(&outer, &inner, &state, hash, key.n, key.n > 0 ? (const uint8_t *)key.p : &none);
    if (text.n > 0)
        hmac_update(&state, hash, text.n, (const uint8_t *)text.p);
    hmac_digest(&outer, &inner, &state, hash, hash->digest_size, out);
    explicit_bzero(&outer, sizeof(outer)); /* they hold the key */
    explicit_bzero(&inner, sizeof(inner));
    explicit_bzero(&state, sizeof(state));
}

void alb_hmac_sha256(struct alb_str key, struct alb_str text, unsigned char out[ALB_SHA256_LEN])
{
    hmac(&nettle_sha256, key, text, out);
}

size_t alb_hmac(enum alb_hash_kind kind, struct alb_str key, struct alb_str text,
                unsigned char out[ALB_HASH_MAX_LEN])
{
    static const struct nettle_hash *const hashes[] = {[ALB_HASH_SHA256] = &nettle_sha256,
                                                       [ALB_HASH_SHA1] = &nettle_sha1,
                                                       [ALB_HASH_MD5] = &nettle_md5,
                                                       [ALB_HASH_SHA512] = &nettle_sha512};
    hmac(hashes[kind], key, text, out);
    return alb_hash_len(kind);
}

/* ---- XXH3 ---- */

uint64_t alb_xxh3(const void *p, size_t n)
{
    static const unsigned char none;

    return XXH3_64bits(n > 0 ? p : &none, n);
}

struct alb_xxh3_state {
    void *piece; /* of the heap; the state inside it wants 64-byte alignment */
    XXH3_state_t *xxh;
};

struct alb_xxh3_state *alb_xxh3_new(void)
{
    size_t align = _Alignof(XXH3_state_t);
    void *piece = alb_mem_alloc(sizeof(struct alb_xxh3_state) + align + sizeof(XXH3_state_t));

    if (piece == NULL)
        return NULL;
    struct alb_xxh3_state *s = piece;
    uintptr_t at = ((uintptr_t)(s + 1) + align - 1) & ~(uintptr_t)(align - 1);
    s->piece = piece;
    s->xxh = (XXH3_state_t *)at;
    XXH3_INITSTATE(s->xxh);
    alb_xxh3_reset(s);
    return s;
}

void alb_xxh3_update(struct alb_xxh3_state *s, const void *p, size_t n)
{
    if (n > 0)
        ALB_CHECK(XXH3_64bits_update(s->xxh, p, n) == XXH_OK);
}

uint64_t alb_xxh3_digest(const struct alb_xxh3_state *s)
{
    return XXH3_64bits_digest(s->xxh);
}

void alb_xxh3_reset(struct alb_xxh3_state *s)
{
    ALB_CHECK(XXH3_64bits_reset(s->xxh) == XXH_OK);
}

void alb_xxh3_free(struct alb_xxh3_state *s)
{
    if (s != NULL)
        alb_mem_free(s->piece);
}

/* ---- random ---- */

void alb_random(void *out, size_t n)
{
    unsigned char *p = out;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            alb_panic(__FILE__, "no random numbers: %s", strerrordesc_np(errno));
        p += got;
        n -= (size_t)got;
    }
}
