/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures that are given at the start: origins like any other, that read back what was given, and stay what they are
 * when the file they came from does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "render/origin_given.h"

static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R',
                                    0,    0,   0,   1,   0,    0,    0,    1,    8, 2, 0, 0,  0};

static struct alb_str bytes_of(const void *p, size_t n)
{
    return alb_str_n(p, n);
}

static void assert_reads(struct alb_origin *o, const void *want, size_t n)
{
    struct alb_origin_reader *r;
    struct alb_err err = ALB_ERR_INIT;
    char *p = alb_mem_alloc(n + 1);
    size_t got;
    assert_non_null(p);
    assert_int_equal(alb_origin_reader_open(o, &r, &err), ALB_OK);
    assert_int_equal(alb_origin_read(r, 0, p, n + 1, &got, &err), ALB_OK);
    assert_int_equal(got, n);
    assert_memory_equal(p, want, n);
    if (n > 4) {
        assert_int_equal(alb_origin_read(r, (int64_t)n - 3, p, 100, &got, &err), ALB_OK);
        assert_int_equal(got, 3);
        assert_memory_equal(p, (const char *)want + n - 3, 3);
    }
    assert_int_equal(alb_origin_read(r, (int64_t)n + 5, p, 1, &got, &err), ALB_OK);
    assert_int_equal(got, 0);
    alb_origin_reader_close(&r);
    alb_mem_free(p);
}

static void test_bytes(void **state)
{
    struct alb_origin *o, *same, *other;
    struct alb_err err = ALB_ERR_INIT;
    unsigned char sum[ALB_SHA256_LEN], copy[sizeof(png)];
    (void)state;
    memcpy(copy, png, sizeof(png));
    assert_int_equal(alb_origin_given(bytes_of(copy, sizeof(copy)), &o, &err), ALB_OK);
    assert_int_equal(o->failure, ALB_ORIGIN_GOOD);
    assert_true(o->is_local && o->has_bytes && o->is_shared && !o->no_store && alb_origin_is_same(o));
    assert_int_equal(o->type, ALB_TYPE_PNG);
    assert_int_equal(o->size, sizeof(png));
    assert_true(alb_str_eq_c(o->content_type, "image/png"));
    alb_sha256(png, sizeof(png), sum);
    assert_memory_equal(o->identity, sum, sizeof(sum));
    memset(copy, 0, sizeof(copy)); /* it has its own */
    assert_reads(o, png, sizeof(png));
    assert_int_equal(alb_origin_given(bytes_of(png, sizeof(png)), &same, &err), ALB_OK);
    assert_int_equal(alb_origin_given(bytes_of(png, sizeof(png) - 1), &other, &err), ALB_OK);
    assert_memory_equal(o->identity, same->identity, sizeof(sum)); /* and so the same key of results */
    assert_memory_not_equal(o->identity, other->identity, sizeof(sum));
    alb_origin_unref(o);
    assert_reads(same, png, sizeof(png)); /* whoever goes first */
    alb_origin_unref(same);
    alb_origin_unref(other);
}

static void test_what_is_no_picture(void **state)
{
    struct alb_origin *o;
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    assert_int_equal(alb_origin_given(ALB_STR("words, not a picture"), &o, &err), ALB_OK);
    assert_int_equal(o->type, ALB_TYPE_UNKNOWN); /* a colour profile is none either: who asks decides */
    assert_reads(o, "words, not a picture", 20);
    alb_origin_unref(o);
    assert_int_equal(alb_origin_given(ALB_STR(""), &o, &err), ALB_OK);
    assert_int_equal(o->type, ALB_TYPE_UNKNOWN);
    assert_reads(o, "", 0);
    alb_origin_unref(o);
}

static int file_of(const void *p, size_t n)
{
    int fd = memfd_create("given", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    return fd;
}

static void test_file(void **state)
{
    struct alb_origin *o;
    struct alb_err err = ALB_ERR_INIT;
    int fd = file_of(png, sizeof(png)); /* its position is at the end: that means nothing */
    (void)state;
    assert_int_equal(alb_origin_given_file(fd, &o, &err), ALB_OK);
    assert_int_equal(ftruncate(fd, 0), 0);
    (void)close(fd);
    assert_true(alb_origin_is_same(o));
    assert_int_equal(o->type, ALB_TYPE_PNG);
    assert_reads(o, png, sizeof(png));
    alb_origin_unref(o);
}

static void test_what_is_no_file(void **state)
{
    struct alb_origin *o = (void *)1;
    struct alb_err err = ALB_ERR_INIT;
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), pipes[2];
    (void)state;
    assert_int_equal(alb_origin_given_file(fd, &o, &err), ALB_E_NOT_FOUND);
    assert_null(o);
    (void)close(fd);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(alb_origin_given_file(pipes[0], &o, NULL), ALB_E_NOT_FOUND); /* and nobody waits for it */
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    fd = file_of("", 0);
    assert_int_equal(ftruncate(fd, ALB_ORIGIN_GIVEN_MAX + 1), 0); /* a hole: takes no room */
    assert_int_equal(alb_origin_given_file(fd, &o, NULL), ALB_E_TOO_LARGE);
    (void)close(fd);
    assert_int_equal(alb_origin_given_file(-1, &o, NULL), ALB_E_IO);
    assert_null(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_what_is_no_picture),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_what_is_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
