/* SPDX-License-Identifier: Apache-2.0
 *
 * Header fields of the tus door: what the specifications give as examples, and what they forbid.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "base/codec.h"
#include "doors/tus/digest.h"
#include "doors/tus/field.h"

#define assert_text(s, literal)                                                                              \
    do {                                                                                                     \
        struct alb_str s_ = (s);                                                                             \
        if (!alb_str_eq(s_, ALB_STR(literal)))                                                               \
            fail_msg("\"%.*s\" is not \"%s\"", (int)s_.n, s_.p ? s_.p : "", literal);                        \
    } while (0)

static void booleans(void **state)
{
    static const char *const bad[] = {"",      "1",      "?2",    "?",    "? 1",   "true",
                                      "?1,?1", "\"?1\"", "?1 ;a", "?1;A", "?1;a=", "\t?1"};
    bool v;

    (void)state;
    assert_true(alb_sf_bool(ALB_STR("?1"), &v) && v);
    assert_true(alb_sf_bool(ALB_STR("  ?0 "), &v) && !v);
    assert_true(alb_sf_bool(ALB_STR("?1;a;b=2;c=\"x;y\""), &v) && v);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_sf_bool(alb_str_c(bad[i]), &v));
    assert_false(alb_sf_bool(ALB_STR_NONE, &v));
}

static void integers(void **state)
{
    static const char *const bad[] = {"",   "-", "1.0", "1e3", "0x1", "+1", "1 2", "1,2", "1234567890123456",
                                      "?1", "a1"};
    int64_t v;

    (void)state;
    assert_true(alb_sf_integer(ALB_STR("999999999999999"), &v) && v == 999999999999999);
    assert_true(alb_sf_integer(ALB_STR("-42;p"), &v) && v == -42);
    assert_true(alb_sf_integer(ALB_STR("007"), &v) && v == 7);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_sf_integer(alb_str_c(bad[i]), &v));
}

static void dictionaries(void **state)
{
    static const char *const bad[] = {"a=1,", "a=1,,b=2", "A=1", "a=", "a b", "=1", "a=1;;", "a=\"x"};
    struct alb_str rest = ALB_STR("max-size=10,\t flag, sha-256=:aGk=:;p=1 , s=\"a\\\"b\""), key, value;
    unsigned char bytes[8];
    bool broken;

    (void)state;
    assert_true(alb_sf_dict_next(&rest, &key, &value, &broken));
    assert_text(key, "max-size");
    assert_text(value, "10");
    assert_true(alb_sf_dict_next(&rest, &key, &value, &broken));
    assert_text(value, "?1");
    assert_true(alb_sf_dict_next(&rest, &key, &value, &broken));
    assert_int_equal(alb_sf_bytes(value, bytes, sizeof(bytes)), 2);
    assert_memory_equal(bytes, "hi", 2);
    assert_int_equal(alb_sf_bytes(value, bytes, 1), -1);
    assert_true(alb_sf_dict_next(&rest, &key, &value, &broken));
    assert_text(value, "\"a\\\"b\"");
    assert_false(alb_sf_dict_next(&rest, &key, &value, &broken));
    assert_false(broken);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        rest = alb_str_c(bad[i]);
        while (alb_sf_dict_next(&rest, &key, &value, &broken))
            continue;
        if (!broken)
            fail_msg("%s is a dictionary", bad[i]);
    }
}

static void checksums(void **state)
{
    struct alb_digest_value v;
    struct alb_tus_digests d = {0};

    (void)state;
    assert_true(alb_checksum_parse(ALB_STR("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="), &v)); /* "hello" */
    alb_digests_expect(&d, &v);
    assert_true(alb_checksum_parse(ALB_STR("crc32c 4waSgw=="), &v)); /* of "123456789" */
    assert_int_equal(v.kind, ALB_DIGEST_CRC32C);
    alb_digests_update(&d, "hel", 3);
    assert_false(alb_digests_hold(&d));
    alb_digests_update(&d, "lo", 2);
    assert_true(alb_digests_hold(&d));
    alb_digests_expect(&d, &v); /* only from here on */
    assert_false(alb_digests_hold(&d));
    alb_digests_update(&d, "123456789", 9);
    assert_false(alb_digests_hold(&d)); /* now the sha1 is wrong */
    struct alb_tus_digests crc = {0};
    alb_digests_expect(&crc, &v);
    assert_true(alb_checksum_parse(ALB_STR("crc32 y/Q5Jg=="), &v)); /* of the same */
    alb_digests_expect(&crc, &v);
    alb_digests_update(&crc, "1", 1);
    alb_digests_update(&crc, "23456789", 8);
    assert_true(alb_digests_hold(&crc));
    static const char *const bad[] = {"",
                                      "sha1",
                                      "sha1 ",
                                      "sha1 AAAA",
                                      "sha512 AAAA",
                                      "SHA1 qvTGHdzF6KLavt4PO0gs2a6pQ00=",
                                      "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00",
                                      "crc32c AAAAAAA="};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_checksum_parse(alb_str_c(bad[i]), &v));
}

#define SHA512                                                                                               \
    "sha-512=:z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==:"

/* What is said of the whole, and its way through the note. */
static void digests_of_the_whole(void **state)
{
    static const struct {
        const char *repr, *want;
        int given, wanted; /* enum alb_digest, -1: not */
    } cases[] = {
        {"", "", -1, -1},
        {SHA512, "", ALB_DIGEST_SHA512, -1},
        {SHA512 ", sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:", "sha-512=2", ALB_DIGEST_SHA256,
         ALB_DIGEST_SHA512},
        {"md5=:XrY7u+Ae7tCTyyK7j1rNww==:, crc32c=:AAAAAA==:", "sha-512=2, sha-256=2", ALB_DIGEST_MD5,
         ALB_DIGEST_SHA256},
        {"crc32c=:AAAAAA==:", "sha-256=0, md5=10", -1, -1},
        {"unknown=:AA==:", "sha-512=1, sha-256=11", -1, -1},
    };
    struct alb_digest_whole w;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_buf note = ALB_BUF_INIT(1000);
        assert_true(alb_digest_whole_parse(alb_str_c(cases[i].repr), alb_str_c(cases[i].want), &w));
        alb_buf_c(&note, "name repr-digest\n");
        alb_digest_whole_write(&w, &note);
        memset(&w, 0xee, sizeof(w));
        alb_digest_whole_read(alb_buf_view(&note), &w);
        alb_buf_fini(&note);
        assert_int_equal(w.given ? (int)w.value.kind : -1, cases[i].given);
        assert_int_equal(w.wanted ? (int)w.want : -1, cases[i].wanted);
    }
    assert_false(alb_digest_whole_parse(ALB_STR("sha-512=:AAAA:"), ALB_STR_NONE, &w));
    assert_false(alb_digest_whole_parse(ALB_STR("sha-256"), ALB_STR("sha-256=1"), &w));
}

static void digest_fields(void **state)
{
    struct alb_digest_value v;

    (void)state;
    assert_int_equal(alb_digest_field_parse(
                         ALB_STR("md5=:XrY7u+Ae7tCTyyK7j1rNww==:, "
                                 "sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:, sha-999=:AAAA:"),
                         &v),
                     1);
    assert_int_equal(v.kind, ALB_DIGEST_SHA256); /* the strongest that is known */
    assert_int_equal(alb_digest_field_parse(
                         ALB_STR(SHA512 ", sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:"), &v),
                     1);
    assert_int_equal(v.kind, ALB_DIGEST_SHA512);
    assert_int_equal(v.n, 64);
    assert_int_equal(alb_digest_field_parse(ALB_STR("sha-999=:AAAA:"), &v), 0);
    assert_int_equal(alb_digest_field_parse(ALB_STR("sha-512=:AAAA:"), &v), -1);
    assert_int_equal(alb_digest_field_parse(ALB_STR(""), &v), 0);
    assert_int_equal(alb_digest_field_parse(ALB_STR("sha-256=:AAAA:"), &v), -1);
    assert_int_equal(alb_digest_field_parse(ALB_STR("sha-256=AAAA"), &v), -1);
    assert_int_equal(alb_digest_field_parse(ALB_STR("sha-256"), &v), -1);
}

static void names(void **state)
{
    struct alb_arena *a = alb_arena_new(1 << 20);

    (void)state;
    assert_text(alb_disposition_name(ALB_STR("attachment; filename=\"a;b \\\"c\\\".jpg\""), a),
                "a;b \"c\".jpg");
    assert_text(
        alb_disposition_name(ALB_STR("attachment; filename=x.jpg; FileName*=UTF-8''%e2%82%ac.jpg"), a),
        "\xe2\x82\xac.jpg");
    assert_text(alb_disposition_name(ALB_STR("inline;filename*=iso-8859-1''%a3.jpg;filename=y"), a), "y");
    assert_null(alb_disposition_name(ALB_STR("attachment"), a).p);
    assert_null(alb_disposition_name(ALB_STR("attachment; filename*=utf-8''%ff"), a).p);
    assert_text(alb_media_type(ALB_STR(" image/jpeg ; q=1")), "image/jpeg");
    assert_null(alb_media_type(ALB_STR("image")).p);
    assert_null(alb_media_type(ALB_STR("image/")).p);
    assert_null(alb_media_type(ALB_STR("a b/c")).p);
    assert_null(alb_media_type(ALB_STR_NONE).p);
    alb_arena_free(&a);
}

static void concatenations(void **state)
{
    struct alb_arena *a = alb_arena_new(1 << 20);
    struct alb_str urls, id;
    bool broken;

    (void)state;
    assert_int_equal(alb_concat_kind(ALB_STR_NONE, &urls), ALB_CONCAT_NONE);
    assert_int_equal(alb_concat_kind(ALB_STR(" partial "), &urls), ALB_CONCAT_PARTIAL);
    assert_int_equal(alb_concat_kind(ALB_STR("final"), &urls), ALB_CONCAT_BROKEN);
    assert_int_equal(alb_concat_kind(ALB_STR("final; "), &urls), ALB_CONCAT_BROKEN);
    assert_int_equal(
        alb_concat_kind(ALB_STR("final;/files/a  https://h/files/b%2Bc/ http://h/proxy/files/d"), &urls),
        ALB_CONCAT_FINAL);
    assert_true(alb_concat_next(&urls, ALB_STR("/files/"), a, &id, &broken));
    assert_text(id, "a");
    assert_true(alb_concat_next(&urls, ALB_STR("/files/"), a, &id, &broken));
    assert_text(id, "b+c");
    assert_true(alb_concat_next(&urls, ALB_STR("/files/"), a, &id, &broken));
    assert_text(id, "d");
    assert_false(alb_concat_next(&urls, ALB_STR("/files/"), a, &id, &broken));
    assert_false(broken);
    static const char *const bad[] = {"/other/a",     "/files/",    "/files/%zz",
                                      "/files/a%20b", "/files/%00", "http://h"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        urls = alb_str_c(bad[i]);
        assert_false(alb_concat_next(&urls, ALB_STR("/files/"), a, &id, &broken));
        assert_true(broken);
    }
    alb_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(booleans),
        cmocka_unit_test(integers),
        cmocka_unit_test(dictionaries),
        cmocka_unit_test(checksums),
        cmocka_unit_test(digest_fields),
        cmocka_unit_test(names),
        cmocka_unit_test(digests_of_the_whole),
        cmocka_unit_test(concatenations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
