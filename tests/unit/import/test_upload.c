/* SPDX-License-Identifier: Apache-2.0
 *
 * The pure half of uploads and reports. The wire is tested in tests/e2e/test_import.py.
 */
#include <jansson.h>

#include "base/clock.h"
#include "import/report.h"
#include "import/upload.h"
#include "test.h"

static void expect_target(const char *base, const char *location, const char *want)
{
    struct alb_buf b = ALB_BUF_INIT(4096);
    bool ok = alb_upload_target(alb_str_c(base), alb_str_c(location), &b);
    assert_int_equal(ok, want != NULL);
    if (want)
        assert_string_equal(alb_buf_cstr(&b), want);
    alb_buf_fini(&b);
}

static void test_target(void **state)
{
    (void)state;
    expect_target("http://h:1", "http://h:1/files/a", "/files/a");
    expect_target("http://h:1", "https://evil.example/files/a?b=c", "/files/a?b=c"); /* our host, always */
    expect_target("http://h:1", "/files/a", "/files/a");
    expect_target("http://h:1", "a", "/files/a");
    expect_target("http://h:1", " /files/a ", "/files/a");
    expect_target("https://h/photos", "https://h/photos/files/a", "/files/a");
    expect_target("https://h/photos", "http://inner:8080/files/a",
                  "/files/a"); /* the proxy cuts the prefix */
    expect_target("https://h/photos", "/photosfiles/a", "/photosfiles/a");
    expect_target("http://h:1", "http://h:1", "/");
    expect_target("http://h:1", "", NULL);
    expect_target("http://h:1", "/files/a b", NULL);
    expect_target("http://h:1", "/files/a\r\nx: y", NULL);
    char longer[3000];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    expect_target("http://h:1", longer, NULL);
}

static void expect_metadata(const char *path, int64_t mtime_ns, const char *album, const char *tags,
                            const char *want)
{
    struct alb_item *item = test_item(path, 1, 1, album);
    struct alb_buf b = ALB_BUF_INIT(8192);
    item->mtime_ns = mtime_ns;
    alb_upload_metadata(item, alb_str_c(tags), &b);
    assert_string_equal(alb_buf_cstr(&b), want);
    alb_buf_fini(&b);
    alb_item_free(&item);
}

static void test_metadata(void **state)
{
    (void)state;
    expect_metadata("/p/a.jpg", 1580000000999999999, "", "",
                    "filename YS5qcGc=,filetype aW1hZ2UvanBlZw==,taken-at MjAyMC0wMS0yNlQwMDo1MzoyMC45OTla,"
                    "modified-at MjAyMC0wMS0yNlQwMDo1MzoyMC45OTla");
    expect_metadata("/p/\xe4.jpg", -1, "A", "a/b,c",
                    "filename w6QuanBn,filetype aW1hZ2UvanBlZw==,taken-at MTk2OS0xMi0zMVQyMzo1OTo1OS45OTla,"
                    "modified-at MTk2OS0xMi0zMVQyMzo1OTo1OS45OTla,album QQ==,tags YS9iLGM=");
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *type, *body, *want;
    } cases[] = {
        {422, "application/json; charset=utf-8", "{\"message\":\"no picture\"}", "422: no picture"},
        {400, "application/json", "{\"message\":[\"first\",\"second\"],\"error\":\"Bad Request\"}",
         "400: first"},
        {403, "application/json", "{\"error\":\"Forbidden\"}", "403: Forbidden"},
        {500, "application/json", "not json", "500"},
        {413, "text/plain; charset=utf-8", "ERR_MAX: too large\nmore", "413: ERR_MAX: too large"},
        {502, "text/html", "<html>", "502"},
        {507, "", "", "507: the disk of the server is full"},
        {400, "text/plain", "\033[2Jboo", "400: \\x1b[2Jboo"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_client_answer a;
        struct alb_buf out = ALB_BUF_INIT(4096);
        alb_client_answer_init(&a);
        a.body.max = 4096;
        a.status = cases[i].status;
        alb_buf_printf(&a.head, "HTTP/1.1 %d X\r\nContent-Type: %s\r\n\r\n", a.status, cases[i].type);
        alb_buf_c(&a.body, cases[i].body);
        alb_api_refusal(&a, &out);
        assert_string_equal(alb_buf_cstr(&out), cases[i].want);
        alb_buf_fini(&out);
        alb_client_answer_fini(&a);
    }
}

static struct alb_tally_view view(void)
{
    struct alb_tally_view v = {.scanned = true, .sent = 3000000};
    v.found = (struct alb_count){20, 5000000};
    v.outcome[ALB_OUTCOME_UPLOADED] = (struct alb_count){10, 3000000};
    v.outcome[ALB_OUTCOME_SKIPPED] = (struct alb_count){9, 1000};
    v.outcome[ALB_OUTCOME_FAILED] = (struct alb_count){1, 1000};
    v.skip[ALB_SKIP_TYPE] = (struct alb_count){9, 1000};
    v.types[0] = (struct alb_type_count){".txt", 8};
    v.types[1] = (struct alb_type_count){".doc", 1};
    return v;
}

static void test_report(void **state)
{
    (void)state;
    struct alb_tally_view v = view();
    char path[] = "/p/bad\n.jpg", reason[] = "the server refused it: 422";
    struct alb_failure f = {.path = path, .reason = reason};
    struct alb_report r = {.view = &v,
                           .failures = &f,
                           .failures_n = 1,
                           .server = ALB_STR("http://h:1"),
                           .took_ns = 2 * ALB_NS_PER_S,
                           .exit_code = 1};
    struct alb_buf b = ALB_BUF_INIT(1 << 16);
    alb_report_text(&r, &b);
    const char *text = alb_buf_cstr(&b);
    assert_non_null(strstr(text, "failed: /p/bad\\x0a.jpg: the server refused it: 422\n"));
    assert_non_null(strstr(text, "\nuploaded                                     10     3.0 MB\n"));
    assert_non_null(
        strstr(text, "\n  not a kind the server takes                 9     1.0 kB\n    .txt 8, .doc 1\n"));
    assert_non_null(strstr(text, "took 2.0 s, 10 files/s, 3.0 MB sent, 1.5 MB/s\n"));
    assert_null(strstr(text, "not everything"));

    alb_buf_reset(&b);
    alb_report_json(&r, &b);
    json_t *j = json_loadb(b.p, b.n, 0, NULL);
    assert_non_null(j);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "uploaded"), "files")), 10);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(j, "failures"), 0), "path")), path);
    assert_true(json_is_true(json_object_get(j, "complete")));
    assert_true(json_is_null(json_object_get(j, "note")));
    json_decref(j);

    /* Stopped, with more failures than are shown. */
    v.scanned = false;
    v.outcome[ALB_OUTCOME_FAILED].files = 500;
    v.folders_failed = 2;
    r.note = "interrupted";
    alb_buf_reset(&b);
    alb_report_text(&r, &b);
    text = alb_buf_cstr(&b);
    assert_non_null(strstr(text, "and 501 more (--json lists them)"));
    assert_non_null(strstr(text, "2 folders or links could not be read\n"));
    assert_non_null(strstr(text, "interrupted\nnot everything was done"));
    alb_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
