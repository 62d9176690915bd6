/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are packed when they are made (res.h, alb_res_buf_packed). On the io pool only: some 5 ms for
 * a megabyte. One call packs one whole body: in memory are the body, its packed form (never more than 7/8 of
 * it, else it is not used) and the tables of the compressor, about 200 KB; the body goes when the packed form
 * is there.
 *
 * Files of the program are packed when it is built (static.c); pictures are never packed.
 */
#include <libdeflate.h>

#include "base/mem.h"
#include "http/http_priv.h"

#define PACK_LEAST ((size_t)1024)    /* a smaller body fits into a packet as it is */
#define PACK_MOST ((size_t)16 << 20) /* a larger one goes as it is: time and memory of a step are bounded */
#define LEVEL 3

/* qvalue (RFC 9110 §12.4.2): is it more than nothing? */
static bool is_wanted(struct alb_str parameters)
{
    struct alb_str one;

    while (alb_str_next(&parameters, ';', &one)) {
        one = alb_str_trim(one);
        if (one.n < 2 || alb_lower(one.p[0]) != 'q' || one.p[1] != '=')
            continue;
        for (size_t i = 2; i < one.n; i++)
            if (one.p[i] >= '1' && one.p[i] <= '9')
                return true;
        return false;
    }
    return true;
}

bool alb_accepts_gzip(const struct alb_req *r)
{
    struct alb_str value, piece, name, parameters;
    size_t at = 0;

    while (alb_req_header_next(r, "accept-encoding", &at, &value)) {
        while (alb_str_next(&value, ',', &piece)) {
            bool more = alb_str_cut(piece, ';', &name, &parameters);

            if (alb_str_eq_ci(alb_str_trim(more ? name : piece), ALB_STR("gzip")))
                return !more || is_wanted(parameters);
        }
    }
    return false;
}

/* The packed form, or NULL if there is no memory for it or it would help little. */
static char *pack(const struct alb_buf *b, size_t *n)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(LEVEL);
    size_t most = b->n - b->n / 8;
    char *to = c ? alb_mem_alloc(most) : NULL, *fit;

    *n = to ? libdeflate_gzip_compress(c, b->p, b->n, to, most) : 0;
    libdeflate_free_compressor(c);
    if (*n == 0) {
        alb_mem_free(to);
        return NULL;
    }
    fit = alb_mem_realloc(to, *n);
    return fit ? fit : to;
}

void alb_res_buf_packed(struct alb_req *r, struct alb_buf *b)
{
    bool may = alb_buf_code(b) == ALB_OK && b->n >= PACK_LEAST && b->n <= PACK_MOST && alb_accepts_gzip(r);
    size_t n = 0;
    char *packed = may ? pack(b, &n) : NULL;

    if (alb_buf_code(b) == ALB_OK)
        alb_res_header_block(r, ALB_STR("Vary: Accept-Encoding\r\n"));
    if (!packed) {
        alb_res_buf(r, b);
        return;
    }
    alb_buf_fini(b);
    alb_res_header_block(r, ALB_STR("Content-Encoding: gzip\r\n"));
    if (r->res.etag.p) /* two encodings are two representations */
        r->res.etag = alb_arena_printf(r->arena, ALB_STR_FMT "-gz", ALB_STR_ARG(r->res.etag));
    alb_res_literal(r, alb_str_n(packed, n));
    r->res.owned = packed;
}
