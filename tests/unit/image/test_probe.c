/* SPDX-License-Identifier: Apache-2.0 */
#include "image/probe.h"
#include "test.h"

static void fill(struct alb_probe *p)
{
    memset(p, 0, sizeof(*p));
    p->type = ALB_TYPE_NEF;
    p->damaged = true;
    p->header = (struct alb_image_header){.type = ALB_TYPE_NEF,
                                          .width = 1600,
                                          .height = 1000,
                                          .raw_width = 6000,
                                          .raw_height = 4000,
                                          .orientation = 8,
                                          .pages = 1,
                                          .progressive = true,
                                          .preview = true,
                                          .bits = 8,
                                          .icc = ALB_ICC_RGB,
                                          .bytes = 1LL << 33};
    alb_meta_init(&p->meta);
    p->meta.make = ALB_STR("NIKON");
    memcpy(p->thumbhash, "\x01\x02\x03", 3);
    p->thumbhash_len = 3;
    memcpy(p->note, "why", 4);
}

static void test_there_and_back(void **state)
{
    struct alb_probe p, *back;
    struct alb_buf a = ALB_BUF_INIT(ALB_PROBE_PACKED_MAX), b = ALB_BUF_INIT(ALB_PROBE_PACKED_MAX);
    (void)state;
    fill(&p);
    alb_probe_pack(&p, &a);
    assert_int_equal(alb_probe_unpack(alb_buf_view(&a), &back, NULL), ALB_OK);
    assert_int_equal(back->header.bytes, 1LL << 33);
    assert_int_equal(back->header.orientation, 8);
    assert_true(back->damaged && !back->not_looked && back->header.preview && back->header.progressive);
    assert_true(alb_str_eq_c(back->meta.make, "NIKON"));
    assert_string_equal(back->note, "why");
    alb_probe_pack(back, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
    alb_probe_free(&back);
    assert_null(back);
    alb_probe_free(&back);
    alb_buf_fini(&a);
    alb_buf_fini(&b);
}

static void test_refused(void **state)
{
    struct alb_probe p, *back;
    struct alb_buf b = ALB_BUF_INIT(ALB_PROBE_PACKED_MAX);
    (void)state;
    fill(&p);
    alb_probe_pack(&p, &b);
    for (size_t n = 0; n < b.n; n++) {
        assert_int_equal(alb_probe_unpack((struct alb_str){b.p, n}, &back, NULL), ALB_E_INVALID);
        assert_null(back);
        b.p[n] = (char)(b.p[n] ^ 0x80);
        if (alb_probe_unpack(alb_buf_view(&b), &back, NULL) == ALB_OK) {
            assert_true(back->header.orientation >= 1 && back->header.orientation <= 8);
            assert_true((unsigned)back->type < ALB_TYPE_COUNT);
            for (const char *c = back->note; *c; c++)
                assert_in_range(*c, ' ', '~');
        }
        alb_probe_free(&back);
        b.p[n] = (char)(b.p[n] ^ 0x80);
    }
    alb_buf_fini(&b);
}

static void test_header(void **state)
{
    struct alb_image_header h = {.type = ALB_TYPE_GIF,
                                 .width = 3,
                                 .height = 4,
                                 .orientation = 1,
                                 .pages = 7,
                                 .animated = true,
                                 .alpha = true,
                                 .bits = 8,
                                 .bytes = 99},
                            back;
    struct alb_buf b = ALB_BUF_INIT(ALB_HEADER_PACKED_MAX);
    (void)state;
    alb_header_pack(&h, &b);
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    assert_int_equal(alb_header_unpack(alb_buf_view(&b), &back, NULL), ALB_OK);
    assert_memory_equal(&h, &back, sizeof(h));
    h.orientation = 9;
    alb_buf_reset(&b);
    alb_header_pack(&h, &b);
    assert_int_equal(alb_header_unpack(alb_buf_view(&b), &back, NULL), ALB_E_INVALID);
    assert_int_equal(back.width, 0);
    alb_buf_fini(&b);
}

/* Rows of catalogs from before the header knew of smaller pictures inside a file. */
static void test_header_of_version_1(void **state)
{
    struct alb_image_header h = {.type = ALB_TYPE_HEIC,
                                 .width = 4000,
                                 .height = 3000,
                                 .orientation = 6,
                                 .pages = 1,
                                 .bits = 8,
                                 .thumb_width = 320,
                                 .thumb_height = 240,
                                 .halvings = 3,
                                 .bytes = 99},
                            back;
    struct alb_buf b = ALB_BUF_INIT(ALB_HEADER_PACKED_MAX);
    (void)state;
    alb_header_pack(&h, &b);
    assert_int_equal(alb_header_unpack(alb_buf_view(&b), &back, NULL), ALB_OK);
    assert_memory_equal(&h, &back, sizeof(h));
    b.p[0] = 1;
    assert_int_equal(alb_header_unpack(alb_buf_view(&b), &back, NULL), ALB_E_INVALID);
    b.n -= 9;
    assert_int_equal(alb_header_unpack(alb_buf_view(&b), &back, NULL), ALB_OK);
    h.thumb_width = h.thumb_height = h.halvings = 0;
    assert_memory_equal(&h, &back, sizeof(h));
    b.p[0] = 3;
    assert_int_equal(alb_header_unpack(alb_buf_view(&b), &back, NULL), ALB_E_INVALID);
    alb_buf_fini(&b);
}

static void unpack_all(void *arg, size_t *ok)
{
    struct alb_buf *b = arg;
    struct alb_probe *back;
    struct alb_err err = ALB_ERR_INIT;
    *ok = alb_probe_unpack(alb_buf_view(b), &back, &err) == ALB_OK;
    if (!*ok)
        assert_int_equal(err.code, ALB_E_NO_MEMORY);
    alb_probe_free(&back);
}

static void test_no_memory(void **state)
{
    struct alb_probe p;
    struct alb_buf b = ALB_BUF_INIT(ALB_PROBE_PACKED_MAX);
    size_t ok = 0;
    (void)state;
    fill(&p);
    alb_probe_pack(&p, &b);
    for (uint64_t n = 1; n < 100 && !ok; n++) {
        alb_mem_fault(n, false);
        unpack_all(&b, &ok);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        assert_int_equal(ok, !fired);
    }
    assert_true(ok);
    alb_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_header),         cmocka_unit_test(test_header_of_version_1),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
