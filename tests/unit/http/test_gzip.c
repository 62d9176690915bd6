/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are packed for the way: who gets them, and that they say the same.
 */
#include "http_test.h"

#include <libdeflate.h>

#include "served.h"

static size_t wanted_n; /* of the next answer */
static bool tagged, noisy;

static void fill(struct alb_buf *b)
{
    static const char same[] = "the same again, the same again, the same again, the same again, ";
    uint64_t x = 88172645463325252ULL;

    for (size_t left = wanted_n, n; left > 0; left -= n) { /* in pieces: a sanitizer looks at each call */
        n = left < sizeof(same) - 1 ? left : sizeof(same) - 1;
        if (noisy) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            n = left < sizeof(x) ? left : sizeof(x);
        }
        alb_buf_add(b, noisy ? (const char *)&x : same, n);
    }
}

static enum alb_step send_packed(struct alb_req *req)
{
    struct alb_buf b = ALB_BUF_INIT(64 << 20);

    fill(&b);
    alb_res_type(req, "text/plain");
    if (tagged)
        alb_res_etag(req, ALB_STR("tag"), false);
    alb_res_buf_packed(req, &b);
    alb_buf_fini(&b);
    return ALB_STEP_DONE;
}

static const struct alb_route routes[] = {{.pattern = "/", .methods = ALB_M_GET, .step = send_packed}};

static bool is_packed(const char *headers)
{
    const char *answer = get("/", headers);

    assert_has(answer, "HTTP/1.1 200 ");
    return strstr(answer, "Content-Encoding: gzip\r\n") != NULL;
}

static void test_who_gets_it(void **state)
{
    (void)state;
    prepare(1, 16);
    begin(routes, 1);
    wanted_n = 5000;
    assert_true(is_packed("Accept-Encoding: gzip\r\n"));
    assert_true(is_packed("Accept-Encoding: br;q=1.0, GZIP;q=0.8, *;q=0.1\r\n"));
    assert_true(is_packed("Accept-Encoding: deflate\r\nAccept-Encoding: gzip ; q=0.001\r\n"));
    assert_false(is_packed(""));
    assert_false(is_packed("Accept-Encoding: identity\r\n"));
    assert_false(is_packed("Accept-Encoding: gzip;q=0\r\n"));
    assert_false(is_packed("Accept-Encoding: gzip; Q=0.000, br\r\n"));
    assert_false(is_packed("Accept-Encoding: gzipped\r\n"));
    assert_has(get("/", ""), "Vary: Accept-Encoding\r\n"); /* a cache must know, whatever this one got */
    assert_has(get("/", "Accept-Encoding: gzip\r\n"), "Vary: Accept-Encoding\r\n");
    wanted_n = 1023; /* not worth while */
    assert_false(is_packed("Accept-Encoding: gzip\r\n"));
    wanted_n = (16 << 20) + 1; /* more than a step should do */
    assert_false(is_packed("Accept-Encoding: gzip\r\n"));
    wanted_n = 50000; /* nothing to win */
    noisy = true;
    assert_false(is_packed("Accept-Encoding: gzip\r\n"));
    noisy = false;
    finish();
}

static void test_says_the_same(void **state)
{
    struct alb_buf plain = ALB_BUF_INIT(1 << 20);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    static char out[1 << 20];
    size_t length = 0, n = 0;

    (void)state;
    prepare(1, 16);
    begin(routes, 1);
    wanted_n = 700001;
    fill(&plain);
    const char *answer = get("/", "Accept-Encoding: gzip\r\n");
    const char *body = strstr(answer, "\r\n\r\n"), *header = strstr(answer, "Content-Length: ");
    assert_non_null(body);
    assert_non_null(header);
    length = (size_t)atol(header + 16);
    assert_true(length < 50000);
    assert_int_equal(libdeflate_gzip_decompress(d, body + 4, length, out, sizeof(out), &n),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(n, plain.n);
    assert_memory_equal(out, plain.p, n);
    libdeflate_free_decompressor(d);
    alb_buf_fini(&plain);
    finish();
}

/* Two encodings are two representations: what a client got in one does not stand for the other. */
static void test_etag(void **state)
{
    (void)state;
    prepare(1, 16);
    begin(routes, 1);
    tagged = true;
    wanted_n = 5000;
    assert_has(get("/", ""), "ETag: \"tag\"\r\n");
    assert_has(get("/", "Accept-Encoding: gzip\r\n"), "ETag: \"tag-gz\"\r\n");
    assert_has(get("/", "Accept-Encoding: gzip\r\nIf-None-Match: \"tag-gz\"\r\n"), "304 ");
    assert_has(get("/", "If-None-Match: \"tag-gz\"\r\n"), "200 ");
    assert_has(get("/", "If-None-Match: \"tag\"\r\n"), "304 ");
    tagged = false;
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_gets_it),
        cmocka_unit_test(test_says_the_same),
        cmocka_unit_test(test_etag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
