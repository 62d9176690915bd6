/* SPDX-License-Identifier: Apache-2.0
 *
 * What hooks read and what they may answer. The expected texts were printed by Go's encoding/json, which the
 * hooks of tusd users have been written against.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "hooks/hooks.h"

#define S(text) {(text), sizeof(text) - 1}

static struct alb_hook_event event_of(struct alb_str uri)
{
    return (struct alb_hook_event){.upload = ALB_STR("{\"ID\":\"x\"}"),
                                   .id = ALB_STR("x"),
                                   .method = ALB_STR("PATCH"),
                                   .uri = uri,
                                   .remote = ALB_STR("[::1]:80"),
                                   .host = ALB_STR("h:1")};
}

static void assert_json(enum alb_hook_type type, const struct alb_hook_event *event, const char *want)
{
    struct alb_buf out = ALB_BUF_INIT(65536);
    assert_int_equal(alb_hook_event_json(type, event, &out), ALB_OK);
    assert_string_equal(alb_buf_cstr(&out), want);
    alb_buf_fini(&out);
}

static void event_headers(void **state)
{
    (void)state;
    static const struct alb_hook_pair headers[] = {
        {S("x-b"), S("2")},
        {S("X-B"), S("3")},
        {S("HOST"), S("other")},
        {S("accept"), S("*/*")},
        {S("x-\xc3\xa9t\xc3\xa9"), S("q")},
        {S("content_type-foo"), S("<a>&b")},
        {S("x_y-1z"), S("\"q\\\"")},
    };
    struct alb_hook_event event = event_of(ALB_STR("/files/x"));
    event.headers = headers;
    event.header_count = ALB_ARRAY_LEN(headers);
    assert_json(ALB_HOOK_POST_RECEIVE, &event,
                "{\"Type\":\"post-receive\",\"Event\":{\"Upload\":{\"ID\":\"x\"},\"HTTPRequest\":{\"Method\":"
                "\"PATCH\","
                "\"URI\":\"/files/x\",\"RemoteAddr\":\"[::1]:80\",\"Header\":{\"Accept\":[\"*/*\"],"
                "\"Content_type-Foo\":[\"\\u003ca\\u003e\\u0026b\"],\"Host\":[\"h:1\"],\"X-B\":[\"2\",\"3\"],"
                "\"X_y-1z\":[\"\\\"q\\\\\\\"\"],\"x-\xc3\xa9t\xc3\xa9\":[\"q\"]}}}}");
}

static void event_escapes(void **state)
{
    (void)state;
    static const char uri[] = "a\0\x01\x1f\x7f\b\f\n\r\t/\\\"'<>&\xe2\x80\xa8\xe2\x80\xa9\xff\xc3\x28\xc3\xa9"
                              "\xf0\x9f\x98\x80\xed\xa0\x80";
    struct alb_hook_event event = event_of(alb_str_n(uri, sizeof(uri) - 1));
    assert_json(
        ALB_HOOK_PRE_CREATE, &event,
        "{\"Type\":\"pre-create\",\"Event\":{\"Upload\":{\"ID\":\"x\"},\"HTTPRequest\":{\"Method\":\"PATCH\","
        "\"URI\":\"a\\u0000\\u0001\\u001f\x7f\\b\\f\\n\\r\\t/"
        "\\\\\\\"'\\u003c\\u003e\\u0026\\u2028\\u2029\\ufffd"
        "\\ufffd(\xc3\xa9\xf0\x9f\x98\x80\\ufffd\\ufffd\\ufffd\",\"RemoteAddr\":\"[::1]:80\","
        "\"Header\":{\"Host\":[\"h:1\"]}}}}");
}

static void event_upload(void **state)
{
    (void)state;
    struct alb_hook_event event = event_of(ALB_STR("/"));
    event.upload = ALB_STR("{\"MetaData\":{\"a<\":\"&>\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\\\"\"}}");
    assert_json(ALB_HOOK_POST_FINISH, &event,
                "{\"Type\":\"post-finish\",\"Event\":{\"Upload\":{\"MetaData\":{\"a\\u003c\":"
                "\"\\u0026\\u003e\\u2028\\u2029"
                "\xe2\x80\xaa\\\"\"}},\"HTTPRequest\":{\"Method\":\"PATCH\",\"URI\":\"/"
                "\",\"RemoteAddr\":\"[::1]:80\","
                "\"Header\":{\"Host\":[\"h:1\"]}}}}");
}

static struct alb_hook_reply *parse(const char *json)
{
    struct alb_hook_reply *reply;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_hook_reply_parse(alb_str_c(json), &reply, &err);
    if (code != ALB_OK)
        fail_msg("%s: %s", json, err.msg);
    return reply;
}

static void reply_everything(void **state)
{
    (void)state;
    struct alb_hook_reply *r =
        parse("{\"HTTPResponse\":{\"StatusCode\":418,\"Body\":\"a\\u0000b\",\"Header\":{\"X-B\":\"2\",\"X-"
              "A\":\"1\"}},"
              "\"RejectUpload\":true,\"RejectTermination\":true,\"StopUpload\":true,\"RejectRequest\":true,"
              "\"ChangeFileInfo\":{\"ID\":\"new\",\"MetaData\":{\"b\":\"2\",\"a\":\"1\"},\"Storage\":{"
              "\"Path\":\"p/q\"}},"
              "\"Unknown\":[1,2]}");
    assert_int_equal(r->status, 418);
    assert_true(alb_str_eq(r->body, alb_str_n("a\0b", 3)));
    assert_int_equal(r->header_count, 2);
    assert_true(alb_str_eq_c(r->headers[0].key, "X-A") && alb_str_eq_c(r->headers[0].value, "1"));
    assert_true(r->reject_upload && r->reject_termination && r->stop_upload && r->reject_request);
    assert_true(alb_str_eq_c(r->change_id, "new"));
    assert_true(r->change_metadata);
    assert_int_equal(r->metadata_count, 2);
    assert_true(alb_str_eq_c(r->metadata[1].key, "b") && alb_str_eq_c(r->metadata[1].value, "2"));
    assert_int_equal(r->storage_count, 1);
    assert_true(alb_str_eq_c(r->storage[0].value, "p/q"));
    alb_obj_unref(&r->obj);
}

static void reply_nothing(void **state)
{
    (void)state;
    static const char *const empty[] = {
        "",
        "null",
        "{}",
        " {} \n",
        "{\"HTTPResponse\":null,\"RejectUpload\":null}",
        "{\"ChangeFileInfo\":{\"ID\":null,\"MetaData\":null,\"Storage\":null}}"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(empty); i++) {
        struct alb_hook_reply *r = parse(empty[i]);
        assert_int_equal(r->status, 0);
        assert_int_equal(r->body.n, 0);
        assert_int_equal(r->change_id.n, 0);
        assert_false(r->reject_upload || r->change_metadata || r->stop_upload);
        alb_obj_unref(&r->obj);
    }
    /* An empty map is not the same as none: it takes all metadata away. */
    struct alb_hook_reply *r = parse("{\"ChangeFileInfo\":{\"MetaData\":{}}}");
    assert_true(r->change_metadata);
    assert_int_equal(r->metadata_count, 0);
    alb_obj_unref(&r->obj);
}

static void reply_in_any_case(void **state)
{
    (void)state;
    struct alb_hook_reply *r = parse("{\"rejectupload\":true,\"httpResponse\":{\"statuscode\":403}}");
    assert_true(r->reject_upload);
    assert_int_equal(r->status, 403);
    alb_obj_unref(&r->obj);
    r = parse("{\"REJECTUPLOAD\":true,\"RejectUpload\":false}");
    assert_false(r->reject_upload);
    alb_obj_unref(&r->obj);
}

static void reply_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"ok",
                                      "\"ok\"",
                                      "[]",
                                      "{} {}",
                                      "{\"RejectUpload\":1}",
                                      "{\"HTTPResponse\":[]}",
                                      "{\"HTTPResponse\":{\"StatusCode\":\"400\"}}",
                                      "{\"HTTPResponse\":{\"StatusCode\":400.5}}",
                                      "{\"HTTPResponse\":{\"StatusCode\":101}}",
                                      "{\"HTTPResponse\":{\"StatusCode\":9999999999}}",
                                      "{\"HTTPResponse\":{\"Header\":{\"A\":[\"b\"]}}}",
                                      "{\"HTTPResponse\":{\"Body\":{}}}",
                                      "{\"ChangeFileInfo\":{\"MetaData\":{\"a\":1}}}"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_hook_reply *reply;
        struct alb_err err = ALB_ERR_INIT;
        assert_int_equal(alb_hook_reply_parse(alb_str_c(bad[i]), &reply, &err), ALB_E_INVALID);
        assert_null(reply);
        assert_true(err.msg[0] != '\0');
    }
}

static void names(void **state)
{
    (void)state;
    enum alb_hook_type type;
    for (unsigned i = 0; i < ALB_HOOK_COUNT; i++) {
        assert_true(alb_hook_parse(alb_str_c(alb_hook_name((enum alb_hook_type)i)), &type));
        assert_int_equal(type, i);
    }
    assert_false(alb_hook_parse(ALB_STR("pre-creat"), &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_headers),     cmocka_unit_test(event_escapes),
        cmocka_unit_test(reply_everything),  cmocka_unit_test(reply_nothing),
        cmocka_unit_test(reply_in_any_case), cmocka_unit_test(reply_refused),
        cmocka_unit_test(event_upload),      cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
