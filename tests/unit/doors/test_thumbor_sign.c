/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures of thumbor's URLs: vectors, lengths, several secrets, none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "doors/thumbor/sign.h"

#define PATH "500x500/top/raw.githubusercontent.com/cshum/imagor/master/testdata/gopher.png"

static struct alb_thumbor_signer signer(enum alb_hash_kind kind, size_t truncate, const char *secret)
{
    return (struct alb_thumbor_signer){kind, truncate, {alb_str_c(secret)}, 1};
}

static void vectors(void **state)
{
    static const struct {
        const char *kind;
        size_t truncate;
        const char *secret, *path, *signature;
    } table[] = {
        {"sha1", 0, "mysecret", PATH, "cST4Ko5_FqwT3BDn-Wf4gO3RFSk="},
        {"sha256", 40, "mysecret", PATH, "IGEn3TxngivD0jy4uuiZim2bdUCvhcnVi1Nm0xGy"},
        {"sha1", 100, "mysecret", PATH, "cST4Ko5_FqwT3BDn-Wf4gO3RFSk="},
        {"sha1", 10, "mysecret", PATH, "cST4Ko5_Fq"},
        /* RFC 2202 and RFC 4231, test case 2 */
        {"sha1", 0, "Jefe", "what do ya want for nothing?", "7_zfauXrL6LSdBbV8YTfnCWafHk="},
        {"sha256", 0, "Jefe", "what do ya want for nothing?", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="},
        {"sha512", 0, "Jefe", "what do ya want for nothing?",
         "Fkt6e_z4GeLjlfvnO1bgo4e9ZCIugx_WECcM1-olBVSXWL91wFqZSm0DT2X48Ob9yuqxo01Ka0tjbgcKOLznNw=="},
    };
    char out[ALB_THUMBOR_SIGNATURE_MAX + 1];
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        struct alb_thumbor_signer s = signer(ALB_HASH_SHA1, table[i].truncate, table[i].secret);
        assert_true(alb_thumbor_signer_kind(alb_str_c(table[i].kind), &s.kind));
        struct alb_str is = alb_thumbor_sign(&s, s.secret[0], alb_str_c(table[i].path), out);
        if (!alb_str_eq_c(is, table[i].signature) || out[is.n] != '\0')
            fail_msg("%s: \"%s\" is not \"%s\"", table[i].kind, out, table[i].signature);
        assert_int_equal(alb_thumbor_signed_by(&s, is, alb_str_c(table[i].path)), 0);
        assert_int_equal(alb_thumbor_signed_by(&s, is, ALB_STR("another")), -1);
    }
    enum alb_hash_kind kind;
    assert_false(alb_thumbor_signer_kind(ALB_STR("md5"), &kind));
}

static void secrets(void **state)
{
    char out[ALB_THUMBOR_SIGNATURE_MAX + 1];
    struct alb_thumbor_signer s = {ALB_HASH_SHA1, 0, {ALB_STR("old"), ALB_STR("new")}, 2}, none = s,
                              empty = s;
    (void)state;
    struct alb_str is = alb_thumbor_sign(&s, ALB_STR("new"), ALB_STR("x"), out);
    assert_int_equal(alb_thumbor_signed_by(&s, is, ALB_STR("x")), 1);
    assert_int_equal(alb_thumbor_signed_by(&s, alb_str_sub(is, 0, 27), ALB_STR("x")), -1);
    assert_int_equal(alb_thumbor_signed_by(&s, ALB_STR(""), ALB_STR("x")), -1);
    none.secrets = 0;
    assert_int_equal(alb_thumbor_signed_by(&none, is, ALB_STR("x")), -1);
    empty.secret[1] = ALB_STR("");
    is = alb_thumbor_sign(&empty, ALB_STR(""), ALB_STR("x"), out);
    assert_int_equal(alb_thumbor_signed_by(&empty, is, ALB_STR("x")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(secrets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
