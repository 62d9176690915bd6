/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that end where they say, and the same ones cut anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "image/whole.h"
#include "sample.h"

static bool is_whole(struct alb_str s, enum alb_type type)
{
    struct alb_err err = ALB_ERR_INIT;
    bool whole = false;
    int fd = memfd_create("whole", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(alb_fs_pwrite_all(fd, s.p, s.n, 0, &err), ALB_OK);
    assert_int_equal(alb_whole(fd, (int64_t)s.n, type, &whole, &err), ALB_OK);
    (void)close(fd);
    return whole;
}

/* Whole as it is; cut at places all over it and near its end: not. */
static void cut(struct alb_str s, enum alb_type type, const char *name)
{
    assert_int_equal(alb_sniff(s.p, s.n), type);
    if (!is_whole(s, type))
        fail_msg("%s: it is whole", name);
    for (size_t n = 1; n < 200; n++) {
        size_t length = n < 100 ? s.n * n / 100 : s.n - (n - 99);
        if (is_whole(alb_str_sub(s, 0, length), type))
            fail_msg("%s: %zu of %zu are not whole", name, length, s.n);
    }
}

static void test_pictures(void **state)
{
    static const struct {
        const char *how;
        enum alb_type type;
    } cases[] = {
        {".jpg[Q=90]", ALB_TYPE_JPEG},
        {".jpg[interlace]", ALB_TYPE_JPEG},
        {".png", ALB_TYPE_PNG},
        {".webp", ALB_TYPE_WEBP},
        {".webp[lossless]", ALB_TYPE_WEBP},
        {".tif", ALB_TYPE_TIFF},
        {".tif[tile]", ALB_TYPE_TIFF},
        {".gif", ALB_TYPE_GIF},
        {".avif", ALB_TYPE_AVIF},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_str s = sample(120, 90, cases[i].how);
        cut(s, cases[i].type, cases[i].how);
        g_free((void *)(uintptr_t)s.p);
    }
}

static void test_animations(void **state)
{
    static const struct {
        const char *how;
        enum alb_type type;
    } cases[] = {{".gif", ALB_TYPE_GIF}, {".webp", ALB_TYPE_WEBP}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_str s = sample_animation(40, 30, 4, cases[i].how);
        cut(s, cases[i].type, cases[i].how);
        g_free((void *)(uintptr_t)s.p);
    }
}

/* A window's worth of entropy-coded bytes and more, and something behind the end. */
static void test_long(void **state)
{
    struct alb_str s = sample(1500, 1200, ".jpg[Q=98]");
    (void)state;
    assert_true(s.n > 200000);
    cut(s, ALB_TYPE_JPEG, "long");
    char *more = g_malloc(s.n + 100);
    memcpy(more, s.p, s.n);
    memset(more + s.n, 'x', 100);
    assert_true(is_whole(alb_str_n(more, s.n + 100), ALB_TYPE_JPEG));
    memset(more + s.n / 2, 0, s.n + 100 - s.n / 2); /* as a file system leaves it after a power cut */
    assert_false(is_whole(alb_str_n(more, s.n + 100), ALB_TYPE_JPEG));
    g_free(more);
    g_free((void *)(uintptr_t)s.p);
}

static void test_texts(void **state)
{
    static const struct {
        const char *text;
        enum alb_type type;
        bool whole;
    } cases[] = {
        {"", ALB_TYPE_UNKNOWN, false},
        {"{\"a\":[1,{\"b\":\"}\\\"\"}]}\n", ALB_TYPE_UNKNOWN, true},
        {"{\"a\":[1,{\"b\":\"}\\\"\"}]", ALB_TYPE_UNKNOWN, false},
        {"{\"a\":\"}", ALB_TYPE_UNKNOWN, false},
        {"{}{}", ALB_TYPE_UNKNOWN, false},
        {"[1]", ALB_TYPE_UNKNOWN, false},
        {"hello", ALB_TYPE_UNKNOWN, false},
        {"", ALB_TYPE_JPEG, false},
        {"<svg xmlns=\"http://www.w3.org/2000/svg\"><g/></svg>\n<!-- end -->\n", ALB_TYPE_SVG, true},
        {"<svg xmlns=\"http://www.w3.org/2000/svg\"><g/></sv", ALB_TYPE_SVG, false},
        {"%PDF-1.4\n1 0 obj\n%%EOF\n", ALB_TYPE_PDF, true},
        {"%PDF-1.4\n1 0 obj\n", ALB_TYPE_PDF, false},
        {"anything", ALB_TYPE_ORF, true}, /* whose structure says nothing */
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        if (is_whole(alb_str_c(cases[i].text), cases[i].type) != cases[i].whole)
            fail_msg("case %zu: %s", i, cases[i].text);
    }
}

/* What this thread has read so far; 0: nobody counts here. */
static uint64_t bytes_read(void)
{
    FILE *f = fopen("/proc/thread-self/io", "re");
    unsigned long long n = 0;
    if (f && fscanf(f, "rchar: %llu", &n) != 1)
        n = 0;
    if (f)
        (void)fclose(f);
    return n;
}

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

static void put_entry(unsigned char *p, uint32_t tag, uint32_t count, uint32_t at)
{
    put32(p, tag | 4U << 16); /* of 32 bits each */
    put32(p + 4, count);
    put32(p + 8, at);
}

/* Directories that all name the same strips, whose places and lengths lie far apart. */
static struct alb_str many_strips(uint32_t directories, uint32_t strips)
{
    enum { HEAD = 8, DIRECTORY = 2 + 2 * 12 + 4 };
    uint32_t lists = HEAD + directories * DIRECTORY;
    size_t n = lists + (size_t)2 * 4 * strips;
    unsigned char *p = g_malloc0(n);
    memcpy(p, "II*", 3);
    put32(p + 4, HEAD);
    for (uint32_t i = 0; i < directories; i++) {
        unsigned char *d = p + HEAD + (size_t)i * DIRECTORY;
        d[0] = 2;
        put_entry(d + 2, 273, strips, lists);
        put_entry(d + 14, 279, strips, lists + 4 * strips);
        put32(d + 26, i + 1 < directories ? HEAD + (i + 1) * DIRECTORY : 0);
    }
    return alb_str_n((const char *)p, n);
}

/* A strip costs no window of its own, and a small file of directories that share theirs no hours. */
static void test_many_strips(void **state)
{
    struct alb_str s = many_strips(1, 20000);
    uint64_t before = bytes_read();
    (void)state;
    assert_int_equal(alb_sniff(s.p, s.n), ALB_TYPE_TIFF);
    assert_true(is_whole(s, ALB_TYPE_TIFF));
    assert_true(bytes_read() - before < 64 * s.n);
    g_free((void *)(uintptr_t)s.p);
    s = many_strips(1000, 20000);
    before = bytes_read();
    assert_false(is_whole(s, ALB_TYPE_TIFF));
    assert_true(bytes_read() - before < (uint64_t)256 << 20);
    g_free((void *)(uintptr_t)s.p);
}

/* Whatever stands in it, the walk ends within the file. */
static void test_noise(void **state)
{
    unsigned char junk[700];
    uint32_t x = 1;
    (void)state;
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof(junk); i++) {
            x = x * 1664525 + 1013904223;
            junk[i] = (unsigned char)(x >> 24);
        }
        for (unsigned t = 0; t < ALB_TYPE_COUNT; t += 1 + (unsigned)(round % 3))
            (void)is_whole(alb_str_n((const char *)junk, x % sizeof(junk)), (enum alb_type)t);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures), cmocka_unit_test(test_animations),
        cmocka_unit_test(test_long),     cmocka_unit_test(test_texts),
        cmocka_unit_test(test_noise),    cmocka_unit_test(test_many_strips),
    };
    (void)argc;
    if (VIPS_INIT(argv[0]) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return failed;
}
