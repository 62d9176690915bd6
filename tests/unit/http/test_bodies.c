/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsers of bodies: chunks and multipart, whole and split at every byte.
 */
#include "http_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/chunked.h"
#include "http/multipart.h"

/* ---- chunks -------------------------------------------------------------------------------------- */

/* Decodes text in pieces cut at `cut` (0: byte by byte). Returns the state; *out gets the payload, *left how
 * many bytes behind the body were not used. */
static enum alb_chunked_state decode(const char *text, size_t n, size_t cut, char *out, size_t *out_n,
                                     size_t *left)
{
    struct alb_chunked c;
    size_t at = 0;

    alb_chunked_init(&c);
    *out_n = 0;
    while (at < n && c.state != ALB_CHUNK_END && c.state != ALB_CHUNK_BAD) {
        size_t k = cut == 0 ? 1 : (at < cut ? cut : n - at), payload, used;
        char piece[512];

        if (k > n - at)
            k = n - at;
        memcpy(piece, text + at, k);
        used = alb_chunked_decode(&c, piece, k, &payload);
        assert_true(used <= k && payload <= used);
        memcpy(out + *out_n, piece, payload);
        *out_n += payload;
        at += used;
    }
    *left = n - at;
    alb_chunked_fini(&c);
    return c.state;
}

static void test_chunked(void **state)
{
    static const struct {
        const char *text, *payload;
        enum alb_chunked_state want;
        size_t left;
    } cases[] = {
        {"0\r\n\r\n", "", ALB_CHUNK_END, 0},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", ALB_CHUNK_END, 0},
        {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /", "hello world", ALB_CHUNK_END, 5},
        {"00000a\r\n0123456789\r\n000\r\n\r\n", "0123456789", ALB_CHUNK_END, 0},
        {"A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", "0123456789", ALB_CHUNK_END, 0},
        {"5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", "hello", ALB_CHUNK_END, 0},
        {"5\r\nhel", "hel", ALB_CHUNK_DATA, 0},
        {"5\r\nhello", "hello", ALB_CHUNK_DATA_CR, 0},
        {"0\r\n", "", ALB_CHUNK_TRAILER, 0},
        {"5\nhello\r\n0\r\n\r\n", "", ALB_CHUNK_BAD, 12},
        {"5\r\nhello\n0\r\n\r\n", "hello", ALB_CHUNK_BAD, 5},
        {"5\r\nhelloX\r\n", "hello", ALB_CHUNK_BAD, 2},
        {"\r\nhello", "", ALB_CHUNK_BAD, 6},
        {"+5\r\nhello\r\n", "", ALB_CHUNK_BAD, 10},
        {"-5\r\n", "", ALB_CHUNK_BAD, 3},
        {"0x5\r\nhello\r\n", "", ALB_CHUNK_BAD, 10},
        {" 5\r\nhello\r\n", "", ALB_CHUNK_BAD, 10},
        {"5 \r\nhello\r\n", "", ALB_CHUNK_BAD, 9},
        {"5 ;x\r\n", "", ALB_CHUNK_BAD, 4},
        {"g\r\n", "", ALB_CHUNK_BAD, 2},
        {"1111111111111111\r\n", "", ALB_CHUNK_BAD, 2},
        {"5;a\x01\r\n", "", ALB_CHUNK_BAD, 2},
        {"5;a\r\r\n", "", ALB_CHUNK_BAD, 1},
        {"0\r\nX: 1\n\r\n", "", ALB_CHUNK_BAD, 2},
        {"0\r\nX : 1\r\n\r\n", "", ALB_CHUNK_BAD, 0},
        {"0\r\nContent-Length: 1\r\n\r\n", "", ALB_CHUNK_BAD, 0},
        {"0\r\nTransfer-Encoding: chunked\r\n\r\n", "", ALB_CHUNK_BAD, 0},
        {"0\r\nHost: a\r\n\r\n", "", ALB_CHUNK_BAD, 0},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        size_t n = strlen(cases[i].text);

        for (size_t cut = 0; cut <= n; cut++) {
            char out[512];
            size_t out_n, left;
            enum alb_chunked_state said = decode(cases[i].text, n, cut, out, &out_n, &left);

            if (said != cases[i].want || out_n != strlen(cases[i].payload) ||
                memcmp(out, cases[i].payload, out_n) != 0 || left != cases[i].left)
                fail_msg("%s, cut at %zu: state %d, %zu bytes, %zu left", cases[i].text, cut, (int)said,
                         out_n, left);
        }
    }
}

static void test_chunked_bounds(void **state)
{
    struct alb_chunked c;
    char text[300];
    size_t payload, ext = 0;

    (void)state;
    alb_chunked_init(&c);
    while (c.state != ALB_CHUNK_BAD) { /* extensions, a little per chunk, for ever */
        memset(text, 'e', sizeof(text));
        memcpy(text, "1;", 2);
        memcpy(text + 250, "\r\nx\r\n", 5);
        (void)alb_chunked_decode(&c, text, 255, &payload);
        ext += 248;
        assert_true(ext < 2 * ALB_CHUNK_EXT_MAX);
    }
    alb_chunked_fini(&c);
    alb_chunked_init(&c);
    memcpy(text, "0\r\n", 3);
    (void)alb_chunked_decode(&c, text, 3, &payload);
    for (int i = 0; c.state == ALB_CHUNK_TRAILER; i++) { /* trailers without end */
        (void)snprintf(text, sizeof(text), "t%05d: %0100d\r\n", i, i);
        (void)alb_chunked_decode(&c, text, strlen(text), &payload);
        assert_true(i < 1000);
    }
    assert_int_equal(c.state, ALB_CHUNK_BAD);
    alb_chunked_fini(&c);
}

/* ---- multipart ----------------------------------------------------------------------------------- */

/* What came out, as text: "name|filename|type=data;" per part, then "." for a good end, "!" for a bad one,
 * "…" for an end that never came. */
static void parse_form(const char *type, const char *body, size_t n, size_t cut, char *out, size_t cap)
{
    struct alb_multipart m;
    size_t at = 0, len = 0;
    bool over = false;

    out[0] = '\0';
    if (!alb_multipart_init(&m, alb_str_c(type))) {
        (void)snprintf(out, cap, "?");
        return;
    }
    while (!over && at < n) {
        size_t k = cut == 0 ? 1 : (at < cut ? cut : n - at);
        char *copy = malloc(k > n - at ? n - at : k); /* of its own, so that ASan sees reads beyond a piece */
        struct alb_str in, data;
        enum alb_multipart_event ev;

        if (k > n - at)
            k = n - at;
        assert_non_null(copy);
        memcpy(copy, body + at, k);
        in = alb_str_n(copy, k);
        while (!over && (ev = alb_multipart_next(&m, &in, &data)) != ALB_PART_MORE) {
            if (ev == ALB_PART_BEGIN)
                len += (size_t)snprintf(out + len, cap - len, "%.*s|%.*s|%.*s=", (int)m.name.n, m.name.p,
                                        (int)m.filename.n, m.filename.p ? m.filename.p : "", (int)m.type.n,
                                        m.type.p ? m.type.p : "");
            else if (ev == ALB_PART_DATA)
                len += (size_t)snprintf(out + len, cap - len, "%.*s", (int)data.n, data.p);
            else if (ev == ALB_PART_END)
                len += (size_t)snprintf(out + len, cap - len, ";");
            else
                over = true;
            if (over)
                (void)snprintf(out + len, cap - len, "%s", ev == ALB_PARTS_END ? "." : "!");
        }
        free(copy);
        at += k;
    }
    if (!over)
        (void)snprintf(out + len, cap - len, "...");
}

#define FD "Content-Disposition: form-data; name="
#define TYPE "multipart/form-data; boundary=XX"

static void test_multipart(void **state)
{
    static const struct {
        const char *type, *body, *want;
    } cases[] = {
        {TYPE, "--XX\r\n" FD "\"a\"\r\n\r\n1\r\n--XX--\r\n", "a||=1;."},
        {TYPE, "--XX\r\n" FD "a\r\n\r\n\r\n--XX--", "a||=;."},
        {TYPE, "preamble\r\n--XX\r\n" FD "a\r\n\r\n1\r\n--XX\r\n" FD "b\r\n\r\n2\r\n--XX--\r\nepilogue",
         "a||=1;b||=2;."},
        {TYPE, "--XX \t\r\n" FD "a; filename=\"x.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n1\r\n--XX--",
         "a|x.jpg|image/jpeg=1;."},
        {TYPE, "--XX\r\nContent-Type: image/jpeg\r\n" FD "a; filename=\"x.jpg\"\r\n\r\n1\r\n--XX--",
         "a|x.jpg|image/jpeg=1;."},
        {TYPE, "--XX\r\n" FD "\"q\\\"\\\\\"; filename=\"C:\\dir\\f\"\r\n\r\n1\r\n--XX--",
         "q\"\\|C:\\dir\\f|=1;."},
        {TYPE, "--XX\r\n" FD "a; filename=\"b\"; filename*=UTF-8''%c3%a4%20x\r\n\r\n1\r\n--XX--",
         "a|\xc3\xa4 x|=1;."},
        /* Beginnings of a delimiter that are none. */
        {TYPE, "--XX\r\n" FD "a\r\n\r\n\r\n--X\r\n--\r\n-\r\n\r\r\n--XY\r\n--XX--",
         "a||=\r\n--X\r\n--\r\n-\r\n\r\r\n--XY;."},
        {TYPE, "--XX\r\n" FD "a\r\n\r\n\r\r\n\r\n--XX--", "a||=\r\r\n;."},
        {"multipart/form-data; boundary=\"a b\"", "--a b\r\n" FD "a\r\n\r\n1\r\n--a b--", "a||=1;."},
        {"Multipart/Form-Data; charset=x; BOUNDARY=XX", "--XX\r\n" FD "a\r\n\r\n1\r\n--XX--", "a||=1;."},
        /* Cut bodies. */
        {TYPE, "--XX\r\n" FD "a\r\n\r\n1", "a||=1..."},
        {TYPE, "--XX\r\n" FD "a\r\n\r\n1\r\n--XX", "a||=1;..."},
        {TYPE, "no delimiter at all", "..."},
        /* Broken ones. */
        {TYPE, "--XX\r\n\r\n1\r\n--XX--", "!"},
        {TYPE, "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--XX--", "!"},
        {TYPE, "--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--", "!"},
        {TYPE, "--XX\r\n" FD "a\n\r\n1\r\n--XX--", "!"},
        {TYPE, "--XX\r\n" FD "a\r\n folded\r\n\r\n1\r\n--XX--", "!"},
        {TYPE, "--XX\r\n" FD "a\r\nContent-Transfer-Encoding: base64\r\n\r\n1\r\n--XX--", "!"},
        {TYPE, "--XXrubbish\r\n" FD "a\r\n\r\n1\r\n--XX--", "!"},
        {TYPE, "--XX\r\n" FD "\"a\r\n\r\n1\r\n--XX--", "!"},
        {TYPE, "--XX-x", "!"},
        {"multipart/form-data", "", "?"},
        {"multipart/form-data; boundary=", "", "?"},
        {"multipart/mixed; boundary=XX", "", "?"},
        {"multipart/form-data; boundary=\"a\x01\"", "", "?"},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        size_t n = strlen(cases[i].body);

        for (size_t cut = 0; cut <= n; cut++) {
            char out[1024];

            parse_form(cases[i].type, cases[i].body, n, cut, out, sizeof(out));
            if (strcmp(out, cases[i].want) != 0)
                fail_msg("%s, cut at %zu: %s", cases[i].body, cut, out);
        }
    }
}

static void test_multipart_bounds(void **state)
{
    struct alb_multipart m;
    char *big = malloc(20000);
    struct alb_str in, data;
    enum alb_multipart_event ev;

    (void)state;
    assert_non_null(big);
    memset(big, 'h', 20000);
    memcpy(big, "--XX\r\nX: ", 9);
    assert_true(alb_multipart_init(&m, ALB_STR(TYPE)));
    in = alb_str_n(big, 20000);
    while ((ev = alb_multipart_next(&m, &in, &data)) == ALB_PART_DATA)
        ;
    assert_int_equal(ev, ALB_PARTS_BAD);
    assert_non_null(m.why);
    free(big);
}

static void test_header_param(void **state)
{
    char out[16];
    struct alb_str v;

    (void)state;
    assert_true(alb_header_param(ALB_STR("x; a=1; b=\"2;3\" ; c=4"), "b", out, sizeof(out), &v));
    assert_str(v, "2;3");
    assert_true(alb_header_param(ALB_STR("x; a=1; b=\"2;3\" ; c=4"), "C", out, sizeof(out), &v));
    assert_str(v, "4");
    assert_false(alb_header_param(ALB_STR("x; a=1"), "b", out, sizeof(out), &v));
    assert_false(alb_header_param(ALB_STR("x; a=\"1"), "a", out, sizeof(out), &v));
    assert_false(alb_header_param(ALB_STR("x; a=12345678901234567"), "a", out, sizeof(out), &v));
    assert_false(alb_header_param(ALB_STR("x"), "a", out, sizeof(out), &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunked),      cmocka_unit_test(test_chunked_bounds),
        cmocka_unit_test(test_multipart),    cmocka_unit_test(test_multipart_bounds),
        cmocka_unit_test(test_header_param),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
