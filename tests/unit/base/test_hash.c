/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codec.h"
#include "base/hash.h"
#include "test.h"

static void assert_hex(const unsigned char *p, size_t n, const char *hex)
{
    char text[2 * ALB_HASH_MAX_LEN + 1];

    alb_hex(p, n, text);
    assert_string_equal(text, hex);
}

static void test_known_answers(void **state)
{
    static const struct {
        enum alb_hash_kind kind;
        const char *text, *hex;
    } cases[] = {
        {ALB_HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {ALB_HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {ALB_HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {ALB_HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {ALB_HASH_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
        {ALB_HASH_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
        {ALB_HASH_SHA512, "abc",
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
        {ALB_HASH_SHA512, "",
         "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
         "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
    };
    unsigned char out[ALB_HASH_MAX_LEN];

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_hash h;
        size_t n = strlen(cases[i].text);
        alb_hash_init(&h, cases[i].kind);
        alb_hash_update(&h, cases[i].text, n);
        assert_int_equal(alb_hash_final(&h, out), alb_hash_len(cases[i].kind));
        assert_hex(out, alb_hash_len(cases[i].kind), cases[i].hex);
        assert_int_equal(alb_hash_final(&h, out), alb_hash_len(cases[i].kind)); /* and again */
        assert_hex(out, alb_hash_len(cases[i].kind), cases[i].hex);
    }
    alb_sha256("abc", 3, out);
    assert_hex(out, ALB_SHA256_LEN, cases[0].hex);
    alb_sha1(NULL, 0, out);
    assert_hex(out, ALB_SHA1_LEN, cases[3].hex);
    /* RFC 4231, cases 1 and 2 */
    alb_hmac_sha256(
        alb_str_n("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20),
        ALB_STR("Hi There"), out);
    assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    alb_hmac_sha256(ALB_STR("Jefe"), ALB_STR("what do ya want for nothing?"), out);
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    alb_hmac_sha256(ALB_STR_NONE, ALB_STR_NONE, out);
    assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 2202, case 2 of MD5 and SHA-1; RFC 4231, case 2; and a key that is longer than a block. */
static void test_hmac(void **state)
{
    static const struct {
        enum alb_hash_kind kind;
        const char *hex;
    } cases[] = {
        {ALB_HASH_MD5, "750c783e6ab0b503eaa86e310a5db738"},
        {ALB_HASH_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {ALB_HASH_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {ALB_HASH_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
                          "caeab1a34d4a6b4b636e070a38bce737"},
    };
    unsigned char out[ALB_HASH_MAX_LEN], key[131];

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        size_t n = alb_hmac(cases[i].kind, ALB_STR("Jefe"), ALB_STR("what do ya want for nothing?"), out);
        assert_int_equal(n, alb_hash_len(cases[i].kind));
        assert_hex(out, n, cases[i].hex);
    }
    memset(key, 0xaa, sizeof(key)); /* RFC 4231, case 6 */
    size_t n = alb_hmac(ALB_HASH_SHA256, alb_str_n((const char *)key, sizeof(key)),
                        ALB_STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_hex(out, n, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static unsigned char text[1000];

static void digest(enum alb_hash_kind kind, unsigned char *out)
{
    struct alb_hash h;

    alb_hash_init(&h, kind);
    alb_hash_update(&h, text, sizeof(text));
    (void)alb_hash_final(&h, out);
}

static void test_stored_states(void **state)
{
    static const enum alb_hash_kind kinds[] = {ALB_HASH_SHA256, ALB_HASH_SHA1, ALB_HASH_MD5, ALB_HASH_SHA512};

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (unsigned char)(i * 31);
    for (size_t k = 0; k < ALB_ARRAY_LEN(kinds); k++) {
        unsigned char whole[ALB_HASH_MAX_LEN], resumed[ALB_HASH_MAX_LEN], stored[ALB_HASH_STATE_MAX];
        digest(kinds[k], whole);
        for (size_t cut = 0; cut <= sizeof(text); cut += 13) {
            struct alb_hash h, later;
            alb_hash_init(&h, kinds[k]);
            alb_hash_update(&h, text, cut);
            size_t n = alb_hash_save(&h, stored);
            assert_true(n <= ALB_HASH_STATE_MAX);
            memset(&later, 0xee, sizeof(later));
            assert_true(alb_hash_load(&later, kinds[k], stored, n));
            alb_hash_update(&later, text + cut, sizeof(text) - cut);
            size_t len = alb_hash_final(&later, resumed);
            assert_memory_equal(whole, resumed, len);
            /* The same state has one stored form. */
            unsigned char twice[ALB_HASH_STATE_MAX];
            assert_true(alb_hash_load(&later, kinds[k], stored, n));
            assert_int_equal(alb_hash_save(&later, twice), n);
            assert_memory_equal(stored, twice, n);
        }
    }
}

static void test_damaged_states_are_refused(void **state)
{
    unsigned char stored[ALB_HASH_STATE_MAX + 1] = {0};
    struct alb_hash h;

    (void)state;
    alb_hash_init(&h, ALB_HASH_SHA256);
    alb_hash_update(&h, text, 100);
    size_t n = alb_hash_save(&h, stored);
    assert_true(alb_hash_load(&h, ALB_HASH_SHA256, stored, n));
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            stored[i] ^= (unsigned char)(1U << bit);
            assert_false(alb_hash_load(&h, ALB_HASH_SHA256, stored, n));
            stored[i] ^= (unsigned char)(1U << bit);
        }
        assert_false(alb_hash_load(&h, ALB_HASH_SHA256, stored, i));
    }
    assert_false(alb_hash_load(&h, ALB_HASH_SHA256, stored, n + 1));
    assert_false(alb_hash_load(&h, ALB_HASH_SHA1, stored, n));
    assert_false(alb_hash_load(&h, ALB_HASH_MD5, stored, n));
    /* A refused state is a fresh one. */
    unsigned char out[ALB_HASH_MAX_LEN];
    (void)alb_hash_final(&h, out);
    assert_hex(out, ALB_MD5_LEN, "d41d8cd98f00b204e9800998ecf8427e");
}

static void test_xxh3(void **state)
{
    (void)state;
    assert_true(alb_xxh3(NULL, 0) == 0x2d06800538d394c2U); /* the published value of XXH3_64bits("") */
    struct alb_xxh3_state *s = alb_xxh3_new();
    assert_non_null(s);
    for (size_t piece = 1; piece < 400; piece += 37) {
        alb_xxh3_reset(s);
        for (size_t at = 0; at < sizeof(text); at += piece)
            alb_xxh3_update(s, text + at, sizeof(text) - at < piece ? sizeof(text) - at : piece);
        alb_xxh3_update(s, NULL, 0);
        assert_true(alb_xxh3_digest(s) == alb_xxh3(text, sizeof(text)));
    }
    alb_xxh3_free(s);
    alb_xxh3_free(NULL);
    alb_mem_fault(1, true);
    assert_null(alb_xxh3_new());
}

static void test_random(void **state)
{
    unsigned char a[1000], b[1000];
    unsigned ones = 0;

    (void)state;
    alb_random(a, sizeof(a));
    alb_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    for (size_t i = 0; i < sizeof(a); i++)
        ones += (unsigned)__builtin_popcount(a[i]);
    assert_in_range(ones, 3600, 4400);
    alb_random(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_stored_states),
        cmocka_unit_test(test_damaged_states_are_refused),
        cmocka_unit_test(test_xxh3),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
