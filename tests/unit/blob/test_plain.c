/* SPDX-License-Identifier: Apache-2.0
 *
 * A cache of plain files: what goes in comes out as a descriptor, also after a restart; the bound holds; check finds
 * what is not what its name says; and any file with sums can be read checked.
 */
#include "kit.h"

#include "blob/cache.h"
#include "blob/publish.h"

static struct {
    char dir[64];
    int dirfd, tmpfd;
    struct alb_quarantine *quarantine;
    struct alb_cache *cache;
} st;

static void open_cache(int64_t limit)
{
    struct alb_cache_config c = {.data_dirfd = st.dirfd,
                                 .folder = "bodies",
                                 .limit = limit,
                                 .clock = alb_clock_real(),
                                 .quarantine = st.quarantine,
                                 .plain = true};
    assert_int_equal(alb_cache_open(&c, &st.cache, NULL), ALB_OK);
}

static void begin(int64_t limit)
{
    kit_dir_new(st.dir);
    st.dirfd = open(st.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(st.dirfd, "tmp", 0700), 0);
    st.tmpfd = openat(st.dirfd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(alb_quarantine_open(st.dirfd, 1 << 24, 100, alb_clock_real(), &st.quarantine, NULL),
                     ALB_OK);
    open_cache(limit);
}

static void end(void)
{
    alb_cache_close(&st.cache);
    alb_quarantine_close(&st.quarantine);
    close(st.tmpfd);
    close(st.dirfd);
    kit_dir_remove(st.dir);
}

/* n bytes of that value; the key says what they are. */
static enum alb_code adopt(unsigned char value, size_t n, struct alb_derived_key *key)
{
    struct alb_publish p;
    unsigned char *bytes = malloc(n);
    memset(bytes, value, n);
    alb_sha256(bytes, n, key->b);
    assert_int_equal(alb_publish_begin(&p, st.tmpfd, NULL), ALB_OK);
    assert_int_equal(alb_fs_write_all(p.fd, bytes, n, NULL), ALB_OK);
    enum alb_code code = alb_cache_adopt(st.cache, key, &p, (int64_t)n, NULL);
    alb_publish_end(&p);
    free(bytes);
    return code;
}

/* Its size; -1: not there. */
static int64_t size_of(const struct alb_derived_key *key, unsigned char value)
{
    unsigned char byte = (unsigned char)~value;
    int64_t size = -1;
    int fd;
    if (alb_cache_open_file(st.cache, key, &fd, NULL) != ALB_OK) {
        assert_int_equal(fd, -1);
        return -1;
    }
    assert_int_equal(alb_fs_size(fd, &size, NULL), ALB_OK);
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    assert_int_equal(byte, value);
    assert_int_equal(write(fd, &byte, 1), -1); /* read-only */
    close(fd);
    return size;
}

static void in_and_out(void **state)
{
    struct alb_derived_key a, b;
    (void)state;
    begin(1 << 20);
    assert_int_equal(adopt('a', 5000, &a), ALB_OK);
    assert_int_equal(adopt('b', 9000, &b), ALB_OK);
    assert_int_equal(adopt('a', 5000, &a), ALB_OK); /* again: it lies there once */
    assert_int_equal(alb_cache_look(st.cache).files, 2);
    assert_int_equal(size_of(&a, 'a'), 5000);
    alb_cache_close(&st.cache);
    open_cache(1 << 20);
    assert_int_equal(size_of(&b, 'b'), 9000);
    assert_int_equal(alb_cache_look(st.cache).bytes, (2 + 3) * 4096);
    alb_cache_reject(st.cache, &a, "the test says so");
    assert_int_equal(size_of(&a, 'a'), -1);
    struct alb_quarantine_view view;
    assert_int_equal(alb_quarantine_look(st.quarantine, &view, NULL), ALB_OK);
    assert_int_equal(view.files, 1);
    alb_cache_purge(st.cache, &b);
    assert_int_equal(size_of(&b, 'b'), -1);
    assert_int_equal(alb_cache_look(st.cache).bytes, 0);
    assert_int_equal(adopt('c', (1 << 17) + 1, &a), ALB_E_TOO_LARGE);
    end();
}

static void bound(void **state)
{
    struct alb_derived_key keys[100];
    unsigned there = 0;
    (void)state;
    begin(1 << 20);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(adopt((unsigned char)i, 40000, &keys[i]), ALB_OK);
        assert_true(alb_cache_look(st.cache).bytes <= 1 << 20);
    }
    for (unsigned i = 0; i < 100; i++)
        there += size_of(&keys[i], (unsigned char)i) == 40000;
    assert_true(there > 10 && there < 30);
    assert_int_equal(alb_cache_look(st.cache).files, there);
    end();
}

static void check(void **state)
{
    struct alb_derived_key a, b;
    struct alb_cache_checked sum = {0};
    char name[ALB_DERIVED_NAME_MAX];
    int64_t cursor = 0;
    (void)state;
    begin(8 << 20);
    assert_int_equal(adopt('a', 300000, &a), ALB_OK);
    assert_int_equal(adopt('b', 9000, &b), ALB_OK);
    alb_derived_name(&a, name);
    int dir = openat(st.dirfd, "bodies", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, 299999), 1);
    close(fd);
    close(dir);
    while (cursor >= 0)
        assert_int_equal(alb_cache_check_step(st.cache, &cursor, &sum, NULL), ALB_OK);
    assert_int_equal(sum.seen, 2);
    assert_int_equal(sum.bad, 1);
    assert_int_equal(size_of(&a, 'a'), -1);
    assert_int_equal(size_of(&b, 'b'), 9000);
    end();
}

static void read_checked(void **state)
{
    struct alb_sums sums;
    struct alb_blob_reader *reader;
    unsigned char *bytes = malloc(3000000), *got = malloc(3000000);
    size_t n;
    (void)state;
    begin(1 << 20);
    for (size_t i = 0; i < 3000000; i++)
        bytes[i] = (unsigned char)(i * i >> 7);
    assert_int_equal(alb_sums_init(&sums, NULL), ALB_OK);
    assert_int_equal(alb_sums_update(&sums, bytes, 3000000, NULL), ALB_OK);
    struct alb_bytes *all = alb_sums_final(&sums);
    int fd = openat(st.tmpfd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600), mine = dup(fd);
    assert_int_equal(write(fd, bytes, 3000000), 3000000);
    assert_int_equal(alb_blob_open_file(&fd, 3000000, alb_bytes_view(all), ALB_STR("it"), &reader, NULL),
                     ALB_OK);
    assert_int_equal(fd, -1);
    assert_int_equal(alb_blob_read(reader, 1000000, got, 1500000, &n, NULL), ALB_OK);
    assert_true(n == 1500000 && memcmp(got, bytes + 1000000, n) == 0);
    assert_int_equal(pwrite(mine, "?", 1, 2999999), 1);
    struct alb_err err = ALB_ERR_INIT;
    assert_int_equal(alb_blob_read(reader, 2999990, got, 10, &n, &err), ALB_E_CORRUPT);
    alb_blob_close(&reader);
    fd = dup(mine); /* not as many sums as it has blocks */
    assert_int_equal(alb_blob_open_file(&fd, 3000000, alb_str_sub(alb_bytes_view(all), 0, 8), ALB_STR("it"),
                                        &reader, NULL),
                     ALB_E_CORRUPT);
    assert_true(fd == -1 && !reader);
    fd = dup(mine);
    assert_int_equal(alb_blob_open_file(&fd, 2999999, alb_bytes_view(all), ALB_STR("it"), &reader, NULL),
                     ALB_E_CORRUPT);
    close(mine);
    alb_bytes_unref(all);
    alb_sums_fini(&sums);
    free(bytes);
    free(got);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_and_out),
        cmocka_unit_test(bound),
        cmocka_unit_test(check),
        cmocka_unit_test(read_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
