/* SPDX-License-Identifier: Apache-2.0
 *
 * The head parser against the table heads.txt, every case split at every byte, and what it understood.
 */
#include "http_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/http.h"
#include "http/parse.h"

static const char *table_path;
static const struct alb_head_limits limits = {65536, 32768, 100};

/* Feeds p[0..n) in two pieces (or byte by byte: cut = SIZE_MAX). Bytes beyond what was fed are poison, so a
 * parser that looks at them answers wrongly. Returns 0, a status, or -1: not complete. */
static int feed(const char *p, size_t n, size_t cut, struct alb_head *head)
{
    char *copy = malloc(n + 1);
    struct alb_head_scan scan = {0};
    int said = ALB_SCAN_MORE;

    assert_non_null(copy);
    for (size_t have = cut == SIZE_MAX ? 1 : cut; said == ALB_SCAN_MORE;
         have = cut == SIZE_MAX ? have + 1 : n) {
        memset(copy, '\n', n + 1);
        memcpy(copy, p, have);
        said = alb_head_scan(&scan, copy, have, &limits);
        if (have == n)
            break;
    }
    if (said == ALB_SCAN_DONE)
        said = alb_head_parse(p + scan.start, scan.at - scan.start, &limits, head);
    else if (said == ALB_SCAN_MORE)
        said = -1;
    free(copy);
    return said;
}

static size_t unescape(const char *s, char *out)
{
    size_t n = 0;

    for (; *s && *s != '\n'; s++) {
        char hex[3];

        if (*s != '\\') {
            out[n++] = *s;
            continue;
        }
        switch (*++s) {
        case 'r':
            out[n++] = '\r';
            break;
        case 'n':
            out[n++] = '\n';
            break;
        case 't':
            out[n++] = '\t';
            break;
        case '0':
            out[n++] = '\0';
            break;
        case 'x':
            hex[0] = s[1];
            hex[1] = s[2];
            hex[2] = '\0';
            out[n++] = (char)strtoul(hex, NULL, 16);
            s += 2;
            break;
        default:
            out[n++] = *s;
            break;
        }
    }
    return n;
}

static void test_table(void **state)
{
    static struct alb_head head;
    char line[4096], bytes[4096];
    FILE *f = fopen(table_path, "r");
    int cases = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        char *text;
        long want = strtol(line, &text, 10);
        size_t n;

        if (line[0] == '#' || line[0] == '\n')
            continue;
        text += *text == '!';
        n = unescape(text + 1, bytes);
        cases++;
        for (size_t cut = 1; cut <= n; cut++) {
            int said = feed(bytes, n, cut == n ? SIZE_MAX : cut, &head);

            if (said != (int)want)
                fail_msg("%s: split at %zu: %d", line, cut, said);
        }
    }
    (void)fclose(f);
    assert_true(cases > 100);
}

static int parse(const char *text, struct alb_head *head)
{
    return feed(text, strlen(text), SIZE_MAX, head);
}

static void test_understood(void **state)
{
    static struct alb_head h;

    (void)state;
    assert_int_equal(parse("PATCH /a/b?c=d?e HTTP/1.1\r\nHost: A:1\r\nX-One:  v w \r\nContent-Length: 12\r\n"
                           "x-one: 2\r\nExpect: 100-Continue\r\n\r\n",
                           &h),
                     0);
    assert_str(h.method, "PATCH");
    assert_int_equal(h.method_bit, ALB_M_PATCH);
    assert_str(h.target, "/a/b?c=d?e");
    assert_str(h.path, "/a/b");
    assert_str(h.query, "c=d?e");
    assert_str(h.host, "A:1");
    assert_true(h.v11 && h.keep_alive && h.expect && !h.chunked);
    assert_int_equal(h.length, 12);
    assert_int_equal(h.count, 5);
    assert_str(h.fields[1].value, "v w");
    assert_str(alb_head_known(&h, ALB_H_EXPECT), "100-Continue");
    assert_null(alb_head_known(&h, ALB_H_RANGE).p);

    assert_int_equal(parse("GET http://b.example:81?q HTTP/1.1\r\nHost: b.example:81\r\n\r\n", &h), 0);
    assert_str(h.path, "/");
    assert_str(h.query, "q");
    assert_str(h.host, "b.example:81");
    assert_str(h.target, "http://b.example:81?q");

    assert_int_equal(parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", &h), 0);
    assert_true(h.chunked);
    assert_int_equal(h.length, -1);
    assert_null(h.query.p);
    assert_int_equal(parse("GET /? HTTP/1.1\r\nHost: a\r\n\r\n", &h), 0);
    assert_true(h.query.p != NULL && h.query.n == 0);
}

static void test_connection(void **state)
{
    static struct alb_head h;

    (void)state;
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo ,CLOSE\r\n\r\n", &h), 0);
    assert_false(h.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", &h), 0);
    assert_false(h.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n", &h), 0);
    assert_false(h.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &h), 0);
    assert_true(h.keep_alive);
    /* An expectation of HTTP/1.0, or without a body, means nothing. */
    assert_int_equal(parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", &h), 0);
    assert_false(h.expect);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", &h), 0);
    assert_false(h.expect);
}

/* Limits are refused as soon as they are passed, not when the head is complete. */
static void test_limits(void **state)
{
    static char text[200000];
    static struct alb_head h;
    struct alb_head_scan scan = {0};
    const struct alb_head_limits few = {1024, 100, 3};
    size_t n;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /", 5);
    assert_int_equal(alb_head_scan(&scan, text, 32768 + 64, &limits), ALB_SCAN_MORE);
    assert_int_equal(alb_head_scan(&scan, text, 32768 + 65, &limits), 414);
    scan = (struct alb_head_scan){0};
    memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
    assert_int_equal(alb_head_scan(&scan, text, 65536, &limits), ALB_SCAN_MORE);
    assert_int_equal(alb_head_scan(&scan, text, 65537, &limits), 431);

    n = (size_t)snprintf(text, sizeof(text), "GET /%0100d HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    assert_int_equal(alb_head_parse(text, n, &few, &h), 414);
    scan = (struct alb_head_scan){0};
    n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nb: 1\r\nc: 1\r\n\r\n");
    assert_int_equal(alb_head_scan(&scan, text, n, &few), ALB_SCAN_DONE);
    assert_int_equal(alb_head_parse(text, n, &few, &h), 0);
    scan = (struct alb_head_scan){0};
    n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nb: 1\r\nc: 1\r\nd: 1\r\n");
    assert_int_equal(alb_head_scan(&scan, text, n, &few), 431);
}

static void test_words(void **state)
{
    (void)state;
    assert_true(alb_list_has(ALB_STR("a , B,c"), "b"));
    assert_false(alb_list_has(ALB_STR("ab, c d"), "b"));
    assert_true(alb_is_token(ALB_STR("X-a_b.c")));
    assert_false(alb_is_token(ALB_STR("")));
    assert_false(alb_is_token(ALB_STR("a b")));
    assert_true(alb_is_host(ALB_STR("a.b-c:65535")));
    assert_true(alb_is_host(ALB_STR("[2001:db8::1]")));
    assert_false(alb_is_host(ALB_STR("")));
    assert_false(alb_is_host(ALB_STR(":80")));
    assert_false(alb_is_host(ALB_STR("[]:80")));
    assert_int_equal(alb_method_bit(ALB_STR("DELETE")), ALB_M_DELETE);
    assert_int_equal(alb_method_bit(ALB_STR("get")), 0);
    assert_string_equal(alb_method_name(ALB_M_PUT), "PUT");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),  cmocka_unit_test(test_understood), cmocka_unit_test(test_connection),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_words),
    };

    table_path = argc > 1 ? argv[1] : "heads.txt";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
