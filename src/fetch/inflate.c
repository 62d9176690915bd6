/* SPDX-License-Identifier: Apache-2.0
 *
 * Content-Encoding undone with zlib (contract: inflate.h).
 */
#include "fetch/inflate.h"

#include <zlib.h>

#include "base/mem.h"

#define PIECE ((size_t)64 * 1024)
#define GZIP_OR_ZLIB (32 + MAX_WBITS)
#define BARE (-MAX_WBITS)

struct alb_inflate {
    z_stream z;
    bool deflate;  /* may come without its wrapper */
    bool begun;    /* bytes have been fed */
    bool complete; /* a member has ended, nothing of another one has come */
    unsigned char room[PIECE];
};

enum alb_code alb_inflate_new(struct alb_str encoding, struct alb_inflate **out, struct alb_err *err)
{
    *out = NULL;
    encoding = alb_str_trim(encoding);
    bool deflate = alb_str_eq_ci(encoding, ALB_STR("deflate"));
    if (encoding.n == 0 || alb_str_eq_ci(encoding, ALB_STR("identity")))
        return ALB_OK;
    if (!deflate && !alb_str_eq_ci(encoding, ALB_STR("gzip")) && !alb_str_eq_ci(encoding, ALB_STR("x-gzip")))
        return alb_fail(err, ALB_E_UNSUPPORTED, "content encoding " ALB_STR_FMT,
                        ALB_STR_ARG(alb_str_sub(encoding, 0, 64)));
    struct alb_inflate *in = alb_mem_calloc(1, sizeof(*in));
    if (in && inflateInit2(&in->z, GZIP_OR_ZLIB) != Z_OK) {
        alb_mem_free(in);
        in = NULL;
    }
    if (!in)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to inflate");
    in->deflate = deflate;
    *out = in;
    return ALB_OK;
}

void alb_inflate_free(struct alb_inflate **inflate)
{
    struct alb_inflate *in = *inflate;
    *inflate = NULL;
    if (!in)
        return;
    (void)inflateEnd(&in->z);
    alb_mem_free(in);
}

/* The first two bytes of a zlib wrapper: RFC 1950 §2.2. A piece of one byte is taken for one. */
static bool is_bare(const unsigned char *p, size_t n)
{
    return n >= 2 && ((p[0] & 0x0f) != 8 || ((unsigned)p[0] << 8 | p[1]) % 31 != 0);
}

static enum alb_code one_round(struct alb_inflate *in, alb_inflate_fn *fn, void *arg, bool *more,
                               struct alb_err *err)
{
    if (in->complete) { /* another member */
        if (inflateReset(&in->z) != Z_OK)
            return alb_fail(err, ALB_E_CORRUPT, "compressed body");
        in->complete = false;
    }
    in->z.next_out = in->room;
    in->z.avail_out = (uInt)PIECE;
    int rc = inflate(&in->z, Z_NO_FLUSH);
    if (rc == Z_MEM_ERROR)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to inflate");
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return alb_fail(err, ALB_E_CORRUPT, "compressed body: %s", in->z.msg ? in->z.msg : "damaged");
    in->complete = rc == Z_STREAM_END;
    size_t n = PIECE - in->z.avail_out;
    *more = in->complete ? in->z.avail_in > 0 : in->z.avail_out == 0 || in->z.avail_in > 0;
    if (rc == Z_BUF_ERROR && n == 0)
        *more = false;
    return n > 0 ? fn(arg, in->room, n, err) : ALB_OK;
}

enum alb_code alb_inflate_feed(struct alb_inflate *in, const void *p, size_t n, alb_inflate_fn *fn, void *arg,
                               struct alb_err *err)
{
    union { /* zlib 1.2 takes what it only reads without const */
        const void *from;
        unsigned char *to;
    } input = {.from = p};
    bool more = n > 0;
    if (!in->begun && in->deflate && n > 0 && is_bare(p, n) && inflateReset2(&in->z, BARE) != Z_OK)
        return alb_fail(err, ALB_E_CORRUPT, "compressed body");
    in->begun = in->begun || n > 0;
    in->z.next_in = input.to;
    in->z.avail_in = (uInt)n;
    while (more) {
        enum alb_code code = one_round(in, fn, arg, &more, err);
        if (code != ALB_OK)
            return code;
    }
    return ALB_OK;
}

bool alb_inflate_is_whole(const struct alb_inflate *in)
{
    return !in->begun || in->complete;
}
