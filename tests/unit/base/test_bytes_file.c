/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes in sealed memory files: the same bytes, which nobody can change, and never more descriptors than allowed.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes_file.h"
#include "base/mem.h"
#include "test.h"

#define LARGE (2 * ALB_BYTES_FILE_LEAST)

static struct alb_bytes *some(size_t n)
{
    char *p = alb_mem_alloc(n);

    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 >> 3);
    struct alb_bytes *b = alb_bytes_copy(p, n);
    alb_mem_free(p);
    assert_non_null(b);
    return b;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void test_moves(void **state)
{
    struct alb_bytes *b = some(LARGE), *want = some(LARGE);
    char byte = 'x';

    (void)state;
    struct alb_bytes *same = alb_bytes_ref(b);
    b = alb_bytes_into_file(b);
    assert_ptr_not_equal(b, same);
    alb_bytes_unref(same); /* whoever has the old ones keeps them */
    assert_int_equal(b->n, LARGE);
    assert_memory_equal(b->p, want->p, LARGE);
    int fd = b->fd;
    assert_true(fd >= 0);
    char *text = alb_mem_alloc(LARGE);
    assert_int_equal(pread(fd, text, LARGE, 0), LARGE);
    assert_memory_equal(text, want->p, LARGE);
    alb_mem_free(text);
    assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, LARGE + 1), -1);
    same = alb_bytes_into_file(b); /* again: nothing to do */
    assert_ptr_equal(same, b);
    alb_bytes_unref(alb_bytes_ref(b));
    assert_true(is_open(fd));
    alb_bytes_unref(b);
    assert_false(is_open(fd));
    alb_bytes_unref(want);
}

static void test_small_stay(void **state)
{
    struct alb_bytes *b = some(ALB_BYTES_FILE_LEAST - 1);

    (void)state;
    assert_ptr_equal(alb_bytes_into_file(b), b);
    assert_int_equal(b->fd, -1);
    alb_bytes_unref(b);
    b = alb_bytes_into_file(some(ALB_BYTES_FILE_LEAST));
    assert_true(b->fd >= 0);
    alb_bytes_unref(b);
}

static void test_of_file(void **state)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    (void)state;
    assert_int_equal(write(fd, "sealed", 6), 6);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), 0);
    alb_mem_fault(1, true);
    assert_null(alb_bytes_of_file(fd, 6));
    struct alb_bytes *b = alb_bytes_of_file(fd, 6);
    assert_int_not_equal(b->fd, fd);
    (void)close(fd);
    assert_memory_equal(b->p, "sealed", 6);
    assert_true(is_open(b->fd));
    alb_bytes_unref(b);
    assert_null(alb_bytes_of_file(fd, 6));
}

/* Every failure of memory leaves the bytes as they were, and nothing open. */
static void test_no_memory(void **state)
{
    struct alb_bytes *b = some(LARGE);
    int next = dup(STDERR_FILENO);

    (void)state;
    (void)close(next);
    alb_mem_fault(1, true);
    assert_ptr_equal(alb_bytes_into_file(b), b);
    alb_mem_fault(0, false);
    assert_int_equal(b->fd, -1);
    assert_int_equal(dup(STDERR_FILENO), next);
    (void)close(next);
    alb_bytes_unref(b);
}

/* A quarter of the descriptors that there may be; all come back. */
static void test_bound(void **state)
{
    struct rlimit was, few = {.rlim_cur = 64};
    struct alb_bytes *all[40];
    unsigned filed = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few.rlim_max = was.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int round = 0; round < 2; round++) {
        filed = 0;
        for (size_t i = 0; i < ALB_ARRAY_LEN(all); i++) {
            all[i] = alb_bytes_into_file(some(LARGE));
            filed += all[i]->fd >= 0;
        }
        assert_int_equal(filed, 16);
        for (size_t i = 0; i < ALB_ARRAY_LEN(all); i++)
            alb_bytes_unref(all[i]);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),     cmocka_unit_test(test_small_stay), cmocka_unit_test(test_of_file),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
