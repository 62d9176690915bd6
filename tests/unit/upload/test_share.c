/* SPDX-License-Identifier: Apache-2.0
 *
 * Concatenation on file systems that share blocks (btrfs, XFS). Where the tests run there is none, mostly: then
 * alb_fs_clone, which is wrapped, makes a copy that nobody counts. ALB_TEST_DIR on XFS tries the real one.
 */
#include "world.h"

#define BLOCK 4096
#define PART (((int64_t)9 << 20) + BLOCK) /* more than a slice of the assembler's */

static struct {
    bool can;
    int64_t cloned, written;
} disk;

enum alb_code __wrap_alb_fs_clone(int from_fd, int64_t from, int to_fd, int64_t to, int64_t n,
                                  struct alb_err *e);
enum alb_code __real_alb_fs_clone(int from_fd, int64_t from, int to_fd, int64_t to, int64_t n,
                                  struct alb_err *e);
enum alb_code __wrap_alb_fs_pwrite_all(int fd, const void *p, size_t n, int64_t off, struct alb_err *e);
enum alb_code __real_alb_fs_pwrite_all(int fd, const void *p, size_t n, int64_t off, struct alb_err *e);

enum alb_code __wrap_alb_fs_clone(int from_fd, int64_t from, int to_fd, int64_t to, int64_t n,
                                  struct alb_err *e)
{
    struct stat st;

    if (!disk.can)
        return alb_fail(e, ALB_E_UNSUPPORTED, "no blocks are shared here");
    assert_int_equal(fstat(from_fd, &st), 0);
    if (from % BLOCK != 0 || to % BLOCK != 0 || (n % BLOCK != 0 && from + n != st.st_size))
        return alb_fail(e, ALB_E_UNSUPPORTED, "not on blocks");
    enum alb_code code = __real_alb_fs_clone(from_fd, from, to_fd, to, n, e);
    if (code == ALB_E_UNSUPPORTED) {
        unsigned char *p = alb_mem_alloc_nofail((size_t)n);
        assert_int_equal(pread(from_fd, p, (size_t)n, from), n);
        assert_int_equal(pwrite(to_fd, p, (size_t)n, to), n);
        alb_mem_free(p);
        code = ALB_OK;
    }
    disk.cloned += code == ALB_OK ? n : 0;
    return code;
}

enum alb_code __wrap_alb_fs_pwrite_all(int fd, const void *p, size_t n, int64_t off, struct alb_err *e)
{
    disk.written += (int64_t)n;
    return __real_alb_fs_pwrite_all(fd, p, n, off, e);
}

static void partial(struct world *w, const char *id, uint64_t seed, int64_t n)
{
    struct alb_upload_session *s;
    struct alb_future *f;
    struct alb_upload_spec spec = {
        .id = alb_str_c(id), .owner = OWNER, .length = n, .kind = ALB_UPLOAD_PARTIAL};

    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_ok(feed(s, seed, n, 1 << 20));
    assert_ok(alb_upload_commit(s, &err));
    assert_ok(alb_upload_finish(&s, &f, &err));
    alb_future_unref(f);
}

static enum alb_code whole(struct world *w, const char *id, const char *parts)
{
    struct alb_upload_session *s;
    struct alb_future *f;
    struct alb_upload_spec spec = {.id = alb_str_c(id),
                                   .owner = OWNER,
                                   .length = ALB_UPLOAD_DEFERRED,
                                   .kind = ALB_UPLOAD_FINAL,
                                   .parts = alb_str_c(parts)};

    disk.cloned = disk.written = 0;
    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_ok(alb_upload_assemble(&s, &f, &err));
    enum alb_code code = wait_for(f);
    alb_future_unref(f);
    return code;
}

static void check_original_of(struct world *w, const int64_t *lengths, const uint64_t *seeds, size_t n)
{
    int64_t size = 0;
    struct alb_blob_ref ref = {0};
    char key[ALB_BLOB_KEY_MAX];

    for (size_t i = 0; i < n; i++)
        size += lengths[i];
    unsigned char *bytes = alb_mem_alloc_nofail((size_t)size);
    for (size_t i = 0, at = 0; i < n; at += (size_t)lengths[i++])
        kit_fill(bytes + at, (size_t)lengths[i], 0, seeds[i]);
    alb_sha256(bytes, (size_t)size, ref.sha256);
    ref.size = size;
    kit_key(&ref, key);
    assert_ok(alb_blob_scrub(w->k.store, &ref, NULL, &err));
    alb_mem_free(bytes);
}

static void parts_on_blocks_are_shared(void **state)
{
    struct world *w = *state;
    const int64_t lengths[] = {PART, PART, PART - 77};

    partial(w, "a", 1, lengths[0]);
    partial(w, "b", 2, lengths[1]);
    partial(w, "c", 3, lengths[2]);
    disk.can = true;
    assert_int_equal(whole(w, "all", "a b c"), ALB_OK);
    assert_int_equal(disk.cloned, 3 * PART - 77);
    assert_true(disk.written < 100000); /* records */
    check_original_of(w, lengths, (const uint64_t[]){1, 2, 3}, 3);
}

static void the_others_are_copied(void **state)
{
    struct world *w = *state;
    const int64_t lengths[] = {PART + 1, PART, 10};

    partial(w, "a", 1, lengths[0]);
    partial(w, "b", 2, lengths[1]);
    partial(w, "c", 3, lengths[2]);
    disk.can = true;
    assert_int_equal(whole(w, "some", "a b c"), ALB_OK);
    assert_int_equal(disk.cloned, lengths[0]); /* up to its end */
    assert_true(disk.written >= PART + 10);
    check_original_of(w, lengths, (const uint64_t[]){1, 2, 3}, 3);
    disk.can = false;
    assert_int_equal(whole(w, "none", "a b c"), ALB_OK);
    assert_int_equal(disk.cloned, 0);
    assert_true(disk.written >= 2 * PART + 11);
}

/* What was shared ahead and not appended is taken back, and the upload goes on from there. */
static void a_limit_in_the_middle(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;
    struct alb_upload_brief brief = {.state = ALB_UPLOAD_OPEN};
    const int64_t lengths[] = {PART};

    partial(w, "a", 1, PART);
    w->limits.max_owner_bytes = PART + PART / 2;
    world_again(w);
    disk.can = true;
    assert_int_equal(whole(w, "all", "a"), ALB_E_NO_SPACE);
    assert_int_equal(kit_file_size(w->k.fd, "uploads/all.data"), offset_of(w, "all"));
    w->limits.max_owner_bytes = 0;
    world_again(w);
    alb_uploads_sweep(w->u, 5, &swept);
    while (brief.state != ALB_UPLOAD_FINISHED) {
        assert_ok(alb_upload_brief(w->u, ALB_STR("all"), OWNER, &brief, &err));
        sched_yield();
    }
    check_original_of(w, lengths, (const uint64_t[]){1}, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(parts_on_blocks_are_shared),
        T(the_others_are_copied),
        T(a_limit_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
