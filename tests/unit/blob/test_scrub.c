/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading everything that a cache keeps: files of any length, damage at any end of them, and from the disk, past what
 * memory remembers of it.
 */
#include "kit.h"

#include <sys/mman.h>

#include "blob/cache.h"
#include "blob/cache_index.h"

static struct alb_err err;

struct world {
    char path[64];
    int fd;
    struct alb_quarantine *q;
    struct alb_cache *c;
};

/* base: NULL is the usual place, which may have no disk. */
static void begin(struct world *w, const char *base)
{
    alb_err_clear(&err);
    kit_quiet();
    if (base == NULL)
        kit_dir_new(w->path);
    else
        (void)snprintf(w->path, sizeof(w->path), "%s/alb-test-XXXXXX", base);
    if (base != NULL)
        assert_non_null(mkdtemp(w->path));
    w->fd = kit_dir_open(w->path);
    assert_ok(alb_fs_mkdirs(w->fd, "tmp", 0700, &err));
    assert_ok(alb_quarantine_open(w->fd, 64 << 20, 1000, alb_clock_real(), &w->q, &err));
    const struct alb_cache_config config = {.data_dirfd = w->fd,
                                            .folder = "cache",
                                            .limit = 64 << 20,
                                            .clock = alb_clock_real(),
                                            .quarantine = w->q};
    assert_ok(alb_cache_open(&config, &w->c, &err));
}

static void end(struct world *w)
{
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_cache_close(&w->c);
    alb_quarantine_close(&w->q);
    (void)close(w->fd);
    kit_dir_remove(w->path);
}

static struct alb_derived_key key_of(uint64_t i)
{
    struct alb_derived_key k;

    kit_fill(k.b, sizeof(k.b), 0, i + 9000);
    return k;
}

/* Its file has `size` bytes in all. */
static void put(struct world *w, uint64_t i, size_t size)
{
    struct alb_derived_key k = key_of(i);
    const struct alb_derived_front front = {.meta = ALB_STR("m")};
    size_t n = size - (size_t)alb_derived_file_size(&front, 0);
    unsigned char *b = kit_bytes(n, i);

    assert_ok(alb_cache_put(w->c, &k, &front, alb_str_n((const char *)b, n), &err));
    alb_mem_free(b);
}

static void path_of(uint64_t i, char out[64])
{
    struct alb_derived_key k = key_of(i);
    char name[ALB_DERIVED_NAME_MAX];

    alb_derived_name(&k, name);
    (void)snprintf(out, 64, "cache/%s", name);
}

static struct alb_cache_checked scrub(struct world *w)
{
    struct alb_cache_checked sum = {0};
    struct alb_cache_scrub s;

    alb_cache_scrub_init(&s);
    while (alb_cache_scrub_step(w->c, &s, NULL, NULL, &sum)) {
    }
    return sum;
}

static const size_t sizes[] = {100,    4095,   4096,   4097,   8192,   131072,  262143,
                               262144, 262145, 266240, 524287, 524288, 1000000, 1048576};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* Good ones are good; the last byte and one of the middle of each are read. */
static void any_length(void **state)
{
    const char *const places[] = {NULL, "/var/tmp"};

    (void)state;
    for (size_t p = 0; p < ALB_ARRAY_LEN(places); p++) {
        struct world w;
        char path[64];
        int64_t all = 0;
        begin(&w, places[p]);
        for (size_t i = 0; i < SIZES; i++) {
            put(&w, i, sizes[i]);
            all += (int64_t)sizes[i];
        }
        struct alb_cache_checked sum = scrub(&w);
        assert_int_equal(sum.seen, SIZES);
        assert_int_equal(sum.bad, 0);
        assert_int_equal(sum.bytes, all);
        for (size_t i = 0; i < SIZES; i++) {
            path_of(i, path);
            kit_flip(w.fd, path, (int64_t)(i % 2 == 0 ? sizes[i] - 1 : sizes[i] / 2));
        }
        sum = scrub(&w);
        assert_int_equal(sum.bad, SIZES);
        assert_int_equal(alb_cache_look(w.c).files, 0);
        assert_int_equal(alb_cache_look(w.c).corrupt, SIZES);
        for (size_t i = 0; i < SIZES; i++) {
            put(&w, i, sizes[i]);
            path_of(i, path);
            kit_cut(w.fd, path, (int64_t)sizes[i] - 1);
        }
        sum = scrub(&w);
        assert_int_equal(sum.bad, SIZES);
        end(&w);
    }
}

/* Pages of the file that memory holds. */
static size_t resident(struct world *w, const char *path, size_t size)
{
    unsigned char pages[1024];
    size_t count = (size + 4095) / 4096, n = 0;
    int fd = openat(w->fd, path, O_RDONLY);

    assert_true(fd >= 0 && count <= sizeof(pages));
    void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(at != MAP_FAILED);
    assert_int_equal(mincore(at, size, pages), 0);
    for (size_t i = 0; i < count; i++)
        n += pages[i] & 1;
    (void)munmap(at, size);
    (void)close(fd);
    return n;
}

/* On a disk that can be read directly nothing of the file is in memory afterwards: so it was not read from there. */
static void from_the_disk(void **state)
{
    struct world w;
    const size_t size = 1000000;
    char path[64];

    (void)state;
    begin(&w, "/var/tmp");
    put(&w, 1, size);
    path_of(1, path);
    int fd = openat(w.fd, path, O_RDONLY | O_DIRECT);
    bool can = fd >= 0;
    if (!can)
        fd = openat(w.fd, path, O_RDONLY);
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    (void)close(fd);
    size_t cold = resident(&w, path, size);
    assert_int_equal(scrub(&w).bad, 0);
    size_t after = resident(&w, path, size);
    end(&w);
    if (!can || cold > 0) /* not what is meant here; what cmocka 1.1.5 skips it tells TAP as not ok */
        return;
    assert_int_equal(after, 0);
}

/* A disk that cannot read it is as good as damage; a call that is not possible there is tried in another way. */
static void what_the_disk_says(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "/var/tmp");
    put(&w, 1, 300000);
    put(&w, 2, 300000);
    alb_fs_fault(ALB_FS_READ, 1, EINVAL, true);
    struct alb_cache_checked sum = scrub(&w);
    assert_int_equal(sum.seen, 2);
    alb_fs_fault(ALB_FS_READ, 1, EIO, true);
    sum = scrub(&w);
    assert_int_equal(sum.bad, 1);
    assert_int_equal(alb_cache_look(w.c).files, 1);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_length),
        cmocka_unit_test(from_the_disk),
        cmocka_unit_test(what_the_disk_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
