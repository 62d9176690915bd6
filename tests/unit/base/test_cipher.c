/* SPDX-License-Identifier: Apache-2.0
 *
 * AES-CBC: the vectors of NIST SP 800-38A, F.2, padding, and what is refused.
 */
#include "base/cipher.h"
#include "base/codec.h"
#include "test.h"

#define PLAIN "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
#define IV "000102030405060708090a0b0c0d0e0f"

static const struct {
    const char *key, *cipher;
} vectors[] = {
    {"2b7e151628aed2a6abf7158809cf4f3c", "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"},
    {"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"},
    {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"},
};

static struct alb_str unhex(const char *text, unsigned char *out)
{
    size_t n = strlen(text) / 2;

    assert_true(alb_hex_decode(alb_str_c(text), out, n));
    return alb_str_n((const char *)out, n);
}

static void test_vectors(void **state)
{
    unsigned char key[32], iv[16], plain[32], out[64], back[64], want[32];

    (void)state;
    (void)unhex(IV, iv);
    struct alb_str text = unhex(PLAIN, plain);
    for (size_t i = 0; i < ALB_ARRAY_LEN(vectors); i++) {
        struct alb_str k = unhex(vectors[i].key, key);
        assert_int_equal(alb_aes_cbc_room(text.n), 64); /* IV, two blocks, one of padding */
        assert_true(alb_aes_cbc_encrypt(k, iv, text, out));
        (void)unhex(vectors[i].cipher, want);
        assert_memory_equal(out, iv, 16);
        assert_memory_equal(out + 16, want, 32);
        assert_int_equal(alb_aes_cbc_decrypt(k, alb_str_n((char *)out, 64), back), 32);
        assert_memory_equal(back, plain, 32);
        assert_int_equal(alb_aes_cbc_decrypt(k, alb_str_n((char *)out, 64), out + 16), 32); /* in place */
        assert_memory_equal(out + 16, plain, 32);
    }
}

static void test_lengths(void **state)
{
    unsigned char iv[16] = {0}, out[80], back[80];
    static const char text[] = "0123456789abcdef0123456789abcdef";
    struct alb_str key = ALB_STR("0123456789abcdef");

    (void)state;
    for (size_t n = 0; n <= 32; n++) {
        assert_true(alb_aes_cbc_encrypt(key, iv, alb_str_n(text, n), out));
        size_t room = alb_aes_cbc_room(n);
        assert_true(room % 16 == 0 && room > n + 16 && room <= n + 32);
        assert_int_equal(alb_aes_cbc_decrypt(key, alb_str_n((char *)out, room), back), (int64_t)n);
        assert_memory_equal(back, text, n);
        assert_int_equal(alb_aes_cbc_decrypt(key, alb_str_n((char *)out, room - 1), back), -1);
    }
    assert_int_equal(alb_aes_cbc_decrypt(key, alb_str_n((char *)out, 16), back), -1);
    assert_int_equal(alb_aes_cbc_decrypt(key, ALB_STR_NONE, back), -1);
    assert_int_equal(alb_aes_cbc_decrypt(ALB_STR("short"), alb_str_n((char *)out, 32), back), -1);
    assert_false(alb_aes_cbc_encrypt(ALB_STR("short"), iv, key, out));
}

/* Every last byte that is no right padding is refused. */
static void test_padding(void **state)
{
    unsigned char iv[16] = {0}, out[48], back[48];
    struct alb_str key = ALB_STR("0123456789abcdef01234567");
    unsigned good = 0;

    (void)state;
    assert_true(alb_aes_cbc_encrypt(key, iv, ALB_STR("0123456789"), out));
    for (unsigned last = 0; last < 256; last++) { /* the IV changes the first block of plaintext */
        out[15] = (unsigned char)last;
        good += alb_aes_cbc_decrypt(key, alb_str_n((char *)out, 32), back) >= 0 ? 1 : 0;
    }
    assert_int_equal(good, 2); /* the right one, and a single 01 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_lengths),
                                       cmocka_unit_test(test_padding)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
