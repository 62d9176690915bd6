/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts on a folder in which things went wrong: what is damaged is put away, what counts is all there.
 */
#include "world.h"

#include "upload/priv.h"

static void half_done(struct world *w, const char *id, int64_t offset, int64_t length)
{
    announce(w, id, length);
    struct alb_upload_session *s = take(w, id, ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, offset, 100000));
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
}

static void complete(struct world *w, const char *id, int64_t length)
{
    struct alb_upload_session *s = take(w, id, ALB_UPLOAD_WRITE);

    if (s->length == ALB_UPLOAD_DEFERRED)
        assert_ok(alb_upload_declare(s, length, &err));
    assert_ok(feed(s, 1, length, 100000));
    assert_int_equal(finish(&s), ALB_OK);
    check_original(w, (size_t)length, 1);
}

static void strange_files_do_not_disturb(void **state)
{
    struct world *w = *state;

    half_done(w, "a", 500000, 1500000);
    kit_write_file(w->k.fd, "uploads/orphan.data", "bytes", 5);
    kit_write_file(w->k.fd, "uploads/a.copy", "bytes", 5);
    kit_write_file(w->k.fd, "uploads/README", "mine", 4);
    kit_write_file(w->k.fd, "uploads/empty.state", "", 0);
    kit_write_file(w->k.fd, "uploads/bad.state", "garbage", 7);
    kit_write_file(w->k.fd, "uploads/bad.data", "bytes", 5);
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 1);
    assert_false(kit_exists(w->k.fd, "uploads/orphan.data"));
    assert_false(kit_exists(w->k.fd, "uploads/a.copy"));
    assert_false(kit_exists(w->k.fd, "uploads/empty.state"));
    assert_false(kit_exists(w->k.fd, "uploads/bad.state"));
    assert_false(kit_exists(w->k.fd, "uploads/bad.data"));
    assert_true(kit_exists(w->k.fd, "uploads/README"));
    assert_int_equal(kit_count(w->k.fd, "quarantine"), 2);
    complete(w, "a", 1500000);
}

/* A sector that cannot be read, or a folder in which nothing can be put away, stops no start and costs no bytes:
 * the next start may have more luck. */
static void what_cannot_be_read_is_left(void **state)
{
    struct world *w = *state;

    half_done(w, "a", 500000, 600000);
    half_done(w, "b", 400000, 600000);
    half_done(w, "c", 300000, 600000);
    world_close(w);
    alb_fs_fault(ALB_FS_READ, 1, EIO, true);
    world_open(w, false);
    assert_true(alb_fs_fault_fired());
    assert_int_equal(alb_uploads_look(w->u).known, 2);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 6);
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 3);
    assert_int_equal(offset_of(w, "a"), 500000);

    kit_write_file(w->k.fd, "uploads/a.state", "garbage", 7);
    world_close(w);
    alb_fs_fault(ALB_FS_RENAME, 1, ENOSPC, false);
    world_open(w, false);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    assert_int_equal(alb_uploads_look(w->u).known, 2);
    assert_int_equal(kit_file_size(w->k.fd, "uploads/a.data"), 500000);
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 2);
    assert_false(kit_exists(w->k.fd, "uploads/a.data"));
    assert_int_equal(kit_count(w->k.fd, "quarantine"), 2);
}

/* A record under another name is not believed: it would speak of other bytes. */
static void a_renamed_record_is_damage(void **state)
{
    struct world *w = *state;

    half_done(w, "a", 500000, 1500000);
    assert_int_equal(renameat(w->k.fd, "uploads/a.state", w->k.fd, "uploads/b.state"), 0);
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 0);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
}

/* Bytes behind the durable offset (a crash) are cut, also when the upload ends there. */
static void a_tail_that_nobody_vouches_for_is_cut(void **state)
{
    struct world *w = *state;
    unsigned char junk[1000];

    for (int offset = 0; offset < 2; offset++) {
        const char *id = offset ? "a" : "b";
        int64_t at = offset ? 500000 : 0;
        char path[32];
        half_done(w, id, at, ALB_UPLOAD_DEFERRED);
        (void)snprintf(path, sizeof(path), "uploads/%s.data", id);
        int fd = openat(w->k.fd, path, O_WRONLY);
        memset(junk, 'j', sizeof(junk));
        assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
        (void)close(fd);
        if (offset)
            world_again(w);
        complete(w, id, at);
    }
}

static void lost_bytes_deactivate_an_upload(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s;
    struct alb_future *f;

    for (int how = 0; how < 3; how++) {
        half_done(w, "a", 500000, 1500000);
        if (how == 0)
            kit_cut(w->k.fd, "uploads/a.data", 499999);
        else if (how == 1)
            assert_int_equal(unlinkat(w->k.fd, "uploads/a.data", 0), 0);
        else
            kit_cut(w->k.fd, "uploads/a.state", 600);
        s = acquire(w, "a", ALB_UPLOAD_WRITE, &f);
        assert_null(f);
        assert_code(alb_upload_load(s, &err), ALB_E_CORRUPT);
        alb_upload_release(&s);
        assert_code(alb_upload_acquire(w->u, ALB_STR("a"), OWNER, ALB_UPLOAD_LOOK, &s, &f, &err),
                    ALB_E_NOT_FOUND);
        assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
        assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
    }
    assert_int_equal(kit_count(w->k.fd, "quarantine"), 5);
}

/* The record was written by another build: its mid-states are refused, and the bytes are hashed again. */
static void foreign_hash_states_are_made_anew(void **state)
{
    struct world *w = *state;
    static unsigned char p[65536];

    half_done(w, "a", 1300000, 1500000);
    int fd = openat(w->k.fd, "uploads/a.state", O_RDWR);
    ssize_t n = pread(fd, p, sizeof(p), 0);
    struct alb_record_head head;
    struct alb_record_slot slot;
    struct alb_str sums;
    bool stale;
    assert_ok(alb_record_read(p, (size_t)n, UINT64_MAX, &head, &slot, &sums, &stale, &err));
    slot.hashes[0].p[4] ^= 1;
    unsigned char bytes[ALB_RECORD_SLOT];
    alb_record_slot_write(&slot, bytes);
    assert_int_equal(pwrite(fd, bytes, sizeof(bytes), alb_record_slot_at(&head, slot.seq)), sizeof(bytes));
    (void)close(fd);
    complete(w, "a", 1500000);
}

/* Somebody gave the file a second name (a backup; an original, after a crash): it is never written again. */
static void a_file_with_two_names_is_copied_first(void **state)
{
    struct world *w = *state;

    half_done(w, "a", 500000, 1500000);
    assert_int_equal(linkat(w->k.fd, "uploads/a.data", w->k.fd, "other", 0), 0);
    int fds = kit_open_fds();
    complete(w, "a", 1500000);
    assert_int_equal(kit_file_size(w->k.fd, "other"), 500000);
    announce(w, "b", 100);
    assert_int_equal(unlinkat(w->k.fd, "other", 0), 0);
    kit_write_file(w->k.fd, "other", "0123456789", 10);
    assert_int_equal(unlinkat(w->k.fd, "uploads/b.data", 0), 0);
    assert_int_equal(linkat(w->k.fd, "other", w->k.fd, "uploads/b.data", 0), 0);
    complete(w, "b", 100);
    assert_int_equal(kit_file_size(w->k.fd, "other"), 10);
    assert_int_equal(kit_open_fds(), fds);
}

/* A commit whose fsync failed: its slot may be valid on the disk, but it never counts. */
static void a_slot_whose_fsync_failed_never_counts(void **state)
{
    struct world *w = *state;

    half_done(w, "a", 500000, 3000000);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 2500000, 100000));
    alb_fs_fault(ALB_FS_SYNC, 2, EIO, true); /* the record's */
    assert_code(alb_upload_commit(s, &err), ALB_E_IO);
    assert_true(alb_fs_fault_fired());
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    assert_code(alb_upload_append(s, 2500000, "x", 1, &err), ALB_E_IO);
    assert_code(alb_upload_commit(s, &err), ALB_E_IO);
    alb_upload_release(&s);
    assert_int_equal(offset_of(w, "a"), 500000);
    s = take(w, "a", ALB_UPLOAD_WRITE); /* other bytes now; then the process dies before it commits */
    assert_ok(feed(s, 2, 2600000, 100000));
    assert_ok(alb_upload_hold_back(s, &err));
    s->spoilt = true;
    alb_upload_release(&s);
    world_again(w);
    assert_int_equal(offset_of(w, "a"), 2600000); /* hold_back committed */
    announce(w, "b", 3000000);
    s = take(w, "b", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 2500000, 100000));
    alb_fs_fault(ALB_FS_SYNC, 2, EIO, true);
    assert_code(alb_upload_commit(s, &err), ALB_E_IO);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    alb_upload_release(&s);
    s = take(w, "b", ALB_UPLOAD_WRITE); /* this wipes the slot */
    s->spoilt = true;                   /* and dies */
    alb_upload_release(&s);
    world_again(w);
    assert_int_equal(offset_of(w, "b"), 0);
    complete(w, "b", 3000000);
}

/* The sink remembers what our record does not say any more (its slot was not fsynced). */
static void what_the_sink_recalls_is_finished(void **state)
{
    struct world *w = *state;
    static unsigned char before[65536];
    struct alb_upload_view v;

    half_done(w, "a", 500000, 600000);
    int fd = openat(w->k.fd, "uploads/a.state", O_RDONLY);
    ssize_t n = read(fd, before, sizeof(before));
    (void)close(fd);
    complete(w, "a", 600000);
    assert_int_equal(atomic_load(&w->finished), 1);
    kit_write_file(w->k.fd, "uploads/a.state", before, (size_t)n); /* the power went */
    world_again(w);
    assert_int_equal(atomic_load(&w->finished), 2); /* it could be that nobody had heard of it */
    world_again(w);
    assert_int_equal(state_of(w, "a"), ALB_UPLOAD_FINISHED);
    assert_int_equal(offset_of(w, "a"), 600000);
    assert_int_equal(unlinkat(w->k.fd, "uploads/a.state", 0), 0); /* all of it */
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 0);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    alb_upload_look(s, &v);
    assert_int_equal(v.state, ALB_UPLOAD_FINISHED);
    assert_int_equal(v.offset, 600000);
    assert_int_equal(v.owner, OWNER);
    assert_true(alb_str_eq_c(v.id, "a"));
    assert_true(alb_str_eq_c(v.result, "asset of a"));
    assert_ok(alb_upload_commit(s, &err));
    assert_int_equal(finish(&s), ALB_OK);
    struct alb_future *f;
    assert_code(alb_upload_acquire(w->u, ALB_STR("a"), 8, ALB_UPLOAD_LOOK, &s, &f, &err), ALB_E_NOT_FOUND);
    assert_int_equal(w->sink.takes, 0);
    assert_int_equal(atomic_load(&w->finished), 2);
}

/* A thousand photos in an hour are no reason to refuse the next: finished ones leave the table to the others.
 */
static void finished_ones_leave_room(void **state)
{
    struct world *w = *state;
    char id[8];

    w->limits.max_count = 6;
    world_again(w);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(id, sizeof(id), "u%d", i);
        if (i % 2 == 0) { /* in one request, and in several */
            struct alb_upload_session *s = create_id(w, id, 5000);
            assert_ok(feed(s, 1, 5000, 5000));
            assert_int_equal(finish(&s), ALB_OK);
        } else {
            half_done(w, id, 3000, 5000);
            complete(w, id, 5000);
        }
        assert_true(alb_uploads_look(w->u).known <= 4);
        assert_int_equal(alb_uploads_look(w->u).unfinished, 0);
        assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
    }
    assert_int_equal(alb_uploads_look(w->u).known, 3);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 20; i++) {
            (void)snprintf(id, sizeof(id), "u%d", i);
            assert_int_equal(state_of(w, id), ALB_UPLOAD_FINISHED);
            assert_int_equal(offset_of(w, id), 5000);
        }
        world_again(w);
    }
    assert_int_equal(kit_count(w->k.fd, "uploads"), 3); /* records */
}

/* What the sink made of an upload is not the client's to remove, but the upload is: only the sink remembers it,
 * and from now on that it was removed is remembered here. */
static void a_removed_one_is_not_recalled(void **state)
{
    struct world *w = *state;
    struct alb_upload_swept swept;
    struct alb_upload_session *s, *other;
    struct alb_upload_view v;

    half_done(w, "a", 500000, 600000);
    complete(w, "a", 600000);
    alb_manual_clock_advance(&w->clock, 2 * w->limits.keep_done_ms * ALB_NS_PER_MS);
    alb_uploads_sweep(w->u, 10, &swept);
    assert_int_equal(alb_uploads_look(w->u).known, 0);
    assert_int_equal(state_of(w, "a"), ALB_UPLOAD_FINISHED);
    s = take(w, "a", ALB_UPLOAD_TERMINATE);
    other = take(w, "a", ALB_UPLOAD_TERMINATE); /* two at once */
    assert_ok(alb_upload_terminate(s, &err));
    assert_ok(alb_upload_terminate(other, &err));
    alb_upload_release(&s);
    alb_upload_release(&other);
    for (int again = 0; again < 3; again++) {
        s = take(w, "a", ALB_UPLOAD_LOOK);
        alb_upload_look(s, &v);
        assert_int_equal(v.state, ALB_UPLOAD_REJECTED);
        assert_int_equal(v.rejected, ALB_E_GONE);
        assert_int_equal(v.length, 600000);
        alb_upload_release(&s);
        if (again == 0)
            world_again(w);
        s = take(w, "a", ALB_UPLOAD_TERMINATE); /* and once more */
        assert_ok(alb_upload_terminate(s, &err));
        alb_upload_release(&s);
    }
    assert_int_equal(alb_uploads_look(w->u).unfinished, 0);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
    alb_manual_clock_advance(&w->clock, 2 * w->limits.keep_done_ms * ALB_NS_PER_MS);
    alb_uploads_sweep(w->u, 10, &swept);
    assert_int_equal(swept.expired, 1);
    check_original(w, 600000, 1);
}

/* That cannot be used to take the table from those who upload. */
static void what_was_removed_leaves_room(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s;
    char id[8];
    int refused = 0;

    w->limits.max_count = 8;
    world_again(w);
    for (int i = 0; i < 12; i++) {
        (void)snprintf(id, sizeof(id), "u%d", i);
        half_done(w, id, 300, 600);
        complete(w, id, 600);
    }
    for (int i = 0; i < 12; i++) {
        (void)snprintf(id, sizeof(id), "u%d", i);
        s = take(w, id, ALB_UPLOAD_TERMINATE);
        enum alb_code code = alb_upload_terminate(s, &err);
        assert_true(code == ALB_OK || code == ALB_E_BUSY);
        refused += code == ALB_E_BUSY;
        alb_upload_release(&s);
        assert_int_equal(state_of(w, id), code == ALB_OK ? ALB_UPLOAD_REJECTED : ALB_UPLOAD_FINISHED);
    }
    assert_int_equal(refused, 6);
    s = create_id(w, "one", 1000);
    alb_upload_release(&s);
}

/* What the sweep has made of it. */
static enum alb_upload_state swept_state(struct world *w, const char *id)
{
    struct alb_upload_session *s;
    struct alb_upload_swept swept;
    struct alb_upload_view v;
    struct alb_future *f;

    alb_uploads_sweep(w->u, 10, &swept);
    s = acquire(w, id, ALB_UPLOAD_LOOK, &f);
    if (f)
        assert_int_equal(wait_for(f), ALB_OK);
    alb_future_unref(f);
    assert_ok(alb_upload_load(s, &err));
    alb_upload_look(s, &v);
    alb_upload_release(&s);
    return v.state;
}

/* Its client never heard of the last byte, and may not come again. */
static void all_bytes_are_enough(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s;

    for (int again = 0; again < 2; again++) {
        const char *id = again ? "again" : "at-once";
        s = create_id(w, id, 5000);
        assert_ok(feed(s, 4, 5000, 1000));
        assert_ok(alb_upload_commit(s, &err)); /* and nobody calls finish */
        alb_upload_release(&s);
        if (again)
            world_again(w);
        assert_int_equal(swept_state(w, id), ALB_UPLOAD_FINISHED);
        check_original(w, 5000, 4);
    }
    s = create_id(w, "short", 5000);
    assert_ok(feed(s, 4, 4999, 1000));
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
    assert_int_equal(swept_state(w, "short"), ALB_UPLOAD_OPEN);
}

int main(void)
{
#define R(name) cmocka_unit_test_setup_teardown(name, world_setup_recall, world_teardown)
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(strange_files_do_not_disturb),
        T(what_cannot_be_read_is_left),
        T(a_renamed_record_is_damage),
        T(a_tail_that_nobody_vouches_for_is_cut),
        T(lost_bytes_deactivate_an_upload),
        T(foreign_hash_states_are_made_anew),
        T(a_file_with_two_names_is_copied_first),
        T(a_slot_whose_fsync_failed_never_counts),
        R(what_the_sink_recalls_is_finished),
        R(finished_ones_leave_room),
        R(a_removed_one_is_not_recalled),
        R(what_was_removed_leaves_room),
        T(all_bytes_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
