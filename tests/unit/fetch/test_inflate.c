/* SPDX-License-Identifier: Apache-2.0
 *
 * Content-Encoding undone: in any pieces, several members, without wrapper, cut, damaged, bombs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "fetch/inflate.h"

#define TEXT_N ((size_t)300000)
static char text[TEXT_N];

static size_t pack(const void *p, size_t n, int bits, unsigned char *out, size_t cap)
{
    z_stream z = {0};
    union {
        const void *from;
        unsigned char *to;
    } in = {.from = p};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = in.to;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t made = cap - z.avail_out;
    (void)deflateEnd(&z);
    return made;
}

static enum alb_code take(void *arg, const void *p, size_t n, struct alb_err *err)
{
    struct alb_buf *b = arg;
    alb_buf_add(b, p, n);
    return alb_buf_code(b) == ALB_OK ? ALB_OK : alb_fail(err, alb_buf_code(b), "full");
}

/* Fed in pieces of `piece`; false: an error. */
static bool unpack(const char *encoding, const unsigned char *p, size_t n, size_t piece, struct alb_buf *out,
                   bool *whole)
{
    struct alb_inflate *in;
    enum alb_code code = ALB_OK;
    assert_int_equal(alb_inflate_new(alb_str_c(encoding), &in, NULL), ALB_OK);
    assert_non_null(in);
    for (size_t at = 0; at < n && code == ALB_OK; at += piece)
        code = alb_inflate_feed(in, p + at, n - at < piece ? n - at : piece, take, out, NULL);
    *whole = alb_inflate_is_whole(in);
    alb_inflate_free(&in);
    return code == ALB_OK;
}

static bool is_text(const struct alb_buf *b, size_t times)
{
    for (size_t i = 0; i < times; i++)
        if (b->n != times * TEXT_N || memcmp(b->p + i * TEXT_N, text, TEXT_N) != 0)
            return false;
    return true;
}

static void good(void **state)
{
    static const struct {
        const char *encoding;
        int bits;
    } kinds[] = {{"gzip", 31}, {" X-GZIP ", 31}, {"deflate", 15}, {"deflate", -15}};
    static const size_t pieces[] = {1, 7, 4096, TEXT_N};
    unsigned char *packed = malloc(2 * TEXT_N);
    bool whole;
    (void)state;
    for (size_t k = 0; k < ALB_ARRAY_LEN(kinds); k++) {
        size_t n = pack(text, TEXT_N, kinds[k].bits, packed, 2 * TEXT_N);
        for (size_t i = 0; i < ALB_ARRAY_LEN(pieces); i++) {
            if (kinds[k].bits < 0 && pieces[i] == 1)
                continue; /* one byte does not tell */
            struct alb_buf out = ALB_BUF_INIT(4 * TEXT_N);
            assert_true(unpack(kinds[k].encoding, packed, n, pieces[i], &out, &whole));
            assert_true(whole && is_text(&out, 1));
            alb_buf_fini(&out);
        }
        struct alb_buf out = ALB_BUF_INIT(4 * TEXT_N);
        (void)unpack(kinds[k].encoding, packed, n - 5, 4096, &out, &whole);
        assert_false(whole); /* cut */
        alb_buf_fini(&out);
    }
    size_t n = pack(text, TEXT_N, 31, packed, TEXT_N);
    n += pack(text, TEXT_N, 31, packed + n, TEXT_N);
    for (size_t i = 0; i < ALB_ARRAY_LEN(pieces); i++) { /* two members */
        struct alb_buf out = ALB_BUF_INIT(4 * TEXT_N);
        assert_true(unpack("gzip", packed, n, pieces[i], &out, &whole));
        assert_true(whole && is_text(&out, 2));
        alb_buf_fini(&out);
    }
    free(packed);
}

static void bad(void **state)
{
    unsigned char *packed = malloc(2 * TEXT_N), *zeros = calloc(1, (size_t)64 << 20);
    struct alb_inflate *in;
    bool whole;
    (void)state;
    assert_int_equal(alb_inflate_new(ALB_STR(""), &in, NULL), ALB_OK);
    assert_null(in);
    assert_int_equal(alb_inflate_new(ALB_STR("identity"), &in, NULL), ALB_OK);
    assert_null(in);
    assert_int_equal(alb_inflate_new(ALB_STR("br"), &in, NULL), ALB_E_UNSUPPORTED);
    assert_int_equal(alb_inflate_new(ALB_STR("gzip, gzip"), &in, NULL), ALB_E_UNSUPPORTED);
    struct alb_buf out = ALB_BUF_INIT(4 * TEXT_N);
    assert_false(unpack("gzip", (const unsigned char *)text, 1000, 100, &out, &whole)); /* not gzip */
    size_t n = pack(text, TEXT_N, 31, packed, 2 * TEXT_N);
    packed[n - 6] ^= 1; /* its checksum */
    alb_buf_reset(&out);
    assert_false(unpack("gzip", packed, n, 4096, &out, &whole));
    /* a bomb is stopped by who takes, after what was taken */
    n = pack(zeros, (size_t)64 << 20, 31, packed, 2 * TEXT_N);
    alb_buf_reset(&out);
    assert_false(unpack("gzip", packed, n, n, &out, &whole));
    assert_true(out.n <= 4 * TEXT_N);
    alb_buf_fini(&out);
    free(packed);
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(bad)};
    uint32_t x = 1;
    for (size_t i = 0; i < TEXT_N; i++) {
        x = x * 1664525 + 1013904223;
        text[i] = (char)(i % 7 == 0 ? (x >> 24) : 'a');
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
