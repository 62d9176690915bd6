/* SPDX-License-Identifier: Apache-2.0
 *
 * File systems without hard links: there an original is made by renaming the upload's file, so that from then
 * on, until the catalog has taken it, the file in the store is the only copy. Nothing may remove it, though it
 * has no row. alb_fs_link is wrapped: as on such a file system.
 */
#include "world.h"

#include "blob/list.h"

enum alb_code __wrap_alb_fs_link(int from_dirfd, const char *from, int to_dirfd, const char *to,
                                 struct alb_err *e);

enum alb_code __wrap_alb_fs_link(int from_dirfd, const char *from, int to_dirfd, const char *to,
                                 struct alb_err *e)
{
    (void)from_dirfd;
    (void)from;
    (void)to_dirfd;
    (void)to;
    return alb_fail_sys(e, ALB_E_UNSUPPORTED, EPERM, "link");
}

/* As the janitor asks. */
static enum alb_code has_row(void *arg, const unsigned char sha256[ALB_SHA256_LEN], bool *answer,
                             struct alb_err *e)
{
    struct world *w = arg;

    (void)sha256;
    (void)e;
    *answer = alb_uploads_bytes_away(w->u);
    return ALB_OK;
}

static int64_t sweep_store(struct world *w)
{
    struct alb_blob_swept swept = {0};
    int64_t cursor = 0;

    while (cursor >= 0)
        assert_ok(alb_blob_sweep_step(w->k.store, &cursor, INT64_MAX, has_row, w, &swept, &err));
    return swept.removed;
}

static void end_of_sweep(struct world *w, const char *id)
{
    struct alb_future *f;
    struct alb_upload_session *s = acquire(w, id, ALB_UPLOAD_LOOK, &f);

    if (f != NULL) {
        assert_int_equal(wait_for(f), ALB_OK);
        alb_future_unref(f);
    }
    assert_ok(alb_upload_load(s, &err));
    alb_upload_release(&s);
}

static void the_only_copy_is_never_swept(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;

    for (int announced = 0; announced < 2; announced++) {
        const char *id = announced != 0 ? "b" : "a";
        const uint64_t seed = (uint64_t)announced + 1;
        if (announced != 0)
            announce(w, id, 3000000);
        struct alb_upload_session *s =
            announced != 0 ? take(w, id, ALB_UPLOAD_WRITE) : create_id(w, id, 3000000);
        assert_ok(feed(s, seed, 3000000, 100000));
        assert_false(alb_uploads_bytes_away(w->u));
        w->sink.fail_late = ALB_E_BUSY;
        assert_int_equal(finish(&s), ALB_E_BUSY);
        assert_int_equal(state_of(w, id), ALB_UPLOAD_COMPLETE);
        assert_true(alb_uploads_bytes_away(w->u));
        assert_int_equal(sweep_store(w), 0);
        alb_manual_clock_advance(&w->clock, 10 * w->limits.keep_ms * ALB_NS_PER_MS);
        world_again(w);
        w->sink.fail_late = ALB_E_BUSY;
        assert_true(alb_uploads_bytes_away(w->u));
        assert_int_equal(sweep_store(w), 0);
        alb_uploads_sweep(w->u, 5, &swept);
        assert_int_equal(swept.expired, announced); /* the answer for the first one */
        end_of_sweep(w, id);
        assert_int_equal(sweep_store(w), 0);
        w->sink.fail_late = ALB_OK;
        alb_uploads_sweep(w->u, 5, &swept);
        assert_int_equal(swept.offered, 1);
        end_of_sweep(w, id);
        assert_int_equal(state_of(w, id), ALB_UPLOAD_FINISHED);
        assert_false(alb_uploads_bytes_away(w->u));
        check_original(w, 3000000, seed);
    }
}

/* While the sink is at work nobody knows yet. */
static void nor_while_the_sink_is_at_work(void **state)
{
    struct world *w = *state;
    struct alb_future *f;
    struct alb_upload_session *s = create_id(w, "a", 3000);

    assert_ok(feed(s, 1, 3000, 1000));
    w->sink.hold = true;
    assert_ok(alb_upload_finish(&s, &f, &err));
    assert_true(alb_uploads_bytes_away(w->u));
    test_sink_let_go(&w->sink);
    assert_int_equal(wait_for(f), ALB_OK);
    alb_future_unref(f);
    assert_false(alb_uploads_bytes_away(w->u));
}

/* Its client does not want it any more: then it may go. */
static void what_is_terminated_is_nobodys(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s = create_id(w, "a", 3000);

    assert_ok(feed(s, 1, 3000, 1000));
    w->sink.fail_late = ALB_E_BUSY;
    assert_int_equal(finish(&s), ALB_E_BUSY);
    s = take(w, "a", ALB_UPLOAD_TERMINATE);
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
    assert_false(alb_uploads_bytes_away(w->u));
    assert_int_equal(sweep_store(w), 1);
}

/* Many uploads whose bytes lie where they were are looked at in several goes. */
static void others_are_no_reason(void **state)
{
    struct world *w = *state;
    char id[20];

    for (int i = 0; i < 200; i++) {
        (void)snprintf(id, sizeof(id), "u%d", i);
        struct alb_upload_session *s = create_id(w, id, 3);
        assert_ok(feed(s, (uint64_t)i, 3, 3));
        w->sink.fail = i < 199 ? ALB_E_BUSY : ALB_OK;
        w->sink.fail_late = ALB_E_BUSY;
        assert_false(alb_uploads_bytes_away(w->u));
        assert_int_equal(finish(&s), ALB_E_BUSY);
    }
    assert_true(alb_uploads_bytes_away(w->u));
}

static enum alb_code check_name(void *arg, int dirfd, const char *name, struct alb_err *e)
{
    int *n = arg;

    (void)dirfd;
    (void)e;
    assert_null(strpbrk(name, ":\"*<>?|\\"));
    ++*n;
    return ALB_OK;
}

/* Such file systems know fewer names, too. */
static void names_are_good_everywhere(void **state)
{
    struct world *w = *state;
    int fd, n = 0;

    kit_write_file(w->k.fd, "uploads/bad.state", "junk", 4);
    world_again(w);
    assert_ok(alb_fs_open(w->k.fd, "quarantine", O_RDONLY | O_DIRECTORY, 0, &fd, &err));
    assert_ok(alb_list_folder(fd, ".", check_name, &n, &err));
    alb_fs_close(&fd);
    assert_int_equal(n, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(the_only_copy_is_never_swept), T(nor_while_the_sink_is_at_work), T(what_is_terminated_is_nobodys),
        T(others_are_no_reason),         T(names_are_good_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
