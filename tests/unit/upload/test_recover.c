/* SPDX-License-Identifier: Apache-2.0
 *
 * The record: what is written is read, what is torn falls back to the older slot, what is damaged is not
 * believed. And starts on a folder in which things went wrong.
 */
#include "world.h"

#include "upload/priv.h"

/* ---- the record alone ---- */

struct file {
    unsigned char p[8192];
    size_t n;
    struct alb_record_head head;
};

static void fill_slot(struct alb_record_slot *slot, uint64_t seq, int64_t offset, const unsigned char *sums)
{
    struct alb_hash h;
    unsigned char bytes[100];

    memset(slot, 0, sizeof(*slot));
    slot->seq = seq;
    slot->length = 100 << 20;
    slot->offset = offset;
    slot->expires_ms = 12345;
    slot->state = ALB_UPLOAD_OPEN;
    slot->chain = alb_record_chain(
        0, alb_str_n((const char *)sums, (size_t)(offset / ALB_BLOCK_SIZE) * ALB_BLOCK_SUM_LEN));
    kit_fill(bytes, sizeof(bytes), 0, seq);
    const enum alb_hash_kind kinds[] = {ALB_HASH_SHA256, ALB_HASH_SHA1, ALB_HASH_MD5};
    for (size_t i = 0; i < 3; i++) {
        alb_hash_init(&h, kinds[i]);
        alb_hash_update(&h, bytes, sizeof(bytes));
        slot->hashes[i].n = alb_hash_save(&h, slot->hashes[i].p);
    }
}

/* Slots of seq 6 (5 blocks) and 7 (9 blocks and a half). */
static void build(struct file *f)
{
    struct alb_buf b = ALB_BUF_INIT(sizeof(f->p));
    struct alb_record_slot slot;
    unsigned char sums[10 * ALB_BLOCK_SUM_LEN];

    kit_fill(sums, sizeof(sums), 0, 3);
    f->head = (struct alb_record_head){.id = ALB_STR("the-id"),
                                       .metadata = ALB_STR("some metadata"),
                                       .note = ALB_STR("and a note"),
                                       .owner = 77,
                                       .created_ms = 99,
                                       .kind = ALB_UPLOAD_PARTIAL,
                                       .md5 = true};
    assert_ok(alb_record_head_write(&f->head, &b, &err));
    assert_int_equal(f->head.size, 512);
    memset(f->p, 0, sizeof(f->p));
    memcpy(f->p, b.p, b.n);
    fill_slot(&slot, 6, 5 * ALB_BLOCK_SIZE, sums);
    alb_record_slot_write(&slot, f->p + alb_record_slot_at(&f->head, 6));
    fill_slot(&slot, 7, 9 * ALB_BLOCK_SIZE + 500000, sums);
    alb_record_slot_write(&slot, f->p + alb_record_slot_at(&f->head, 7));
    memcpy(f->p + alb_record_sums_at(&f->head), sums, 9 * ALB_BLOCK_SUM_LEN);
    f->n = (size_t)alb_record_sums_at(&f->head) + 9 * ALB_BLOCK_SUM_LEN;
    alb_buf_fini(&b);
}

static enum alb_code read_file(const struct file *f, uint64_t newest, uint64_t *seq, bool *stale)
{
    struct alb_record_head head;
    struct alb_record_slot slot;
    struct alb_str sums;
    enum alb_code code = alb_record_read(f->p, f->n, newest, &head, &slot, &sums, stale, NULL);

    *seq = slot.seq;
    if (code == ALB_OK) {
        assert_true(alb_str_eq_c(head.id, "the-id"));
        assert_true(alb_str_eq_c(head.metadata, "some metadata"));
        assert_true(alb_str_eq_c(head.note, "and a note"));
        assert_int_equal(head.owner, 77);
        assert_int_equal(head.created_ms, 99);
        assert_int_equal(head.kind, ALB_UPLOAD_PARTIAL);
        assert_true(head.md5);
        assert_int_equal(sums.n, (size_t)(slot.offset / ALB_BLOCK_SIZE) * ALB_BLOCK_SUM_LEN);
        assert_int_equal(slot.expires_ms, 12345);
    }
    return code;
}

static void the_newest_valid_slot_counts(void **state)
{
    struct file *f = calloc(1, sizeof(*f));
    uint64_t seq;
    bool stale;

    (void)state;
    build(f);
    assert_int_equal(read_file(f, UINT64_MAX, &seq, &stale), ALB_OK);
    assert_int_equal(seq, 7);
    assert_false(stale);
    assert_int_equal(read_file(f, 6, &seq, &stale), ALB_OK); /* 7 was written, but its fsync failed */
    assert_int_equal(seq, 6);
    assert_true(stale);
    assert_int_equal(read_file(f, 5, &seq, &stale), ALB_E_CORRUPT);
    free(f);
}

/* Any one byte wrong: the head's make it damaged, a slot's or its sums' give the other slot. */
static void no_flipped_byte_is_believed(void **state)
{
    struct file *f = calloc(1, sizeof(*f));
    uint64_t seq;
    bool stale;

    (void)state;
    build(f);
    size_t used7 = (size_t)alb_record_slot_at(&f->head, 7), used6 = (size_t)alb_record_slot_at(&f->head, 6);
    size_t sums = (size_t)alb_record_sums_at(&f->head);
    for (size_t at = 0; at < f->n; at++) {
        f->p[at] ^= 0x20;
        enum alb_code code = read_file(f, UINT64_MAX, &seq, &stale);
        if (at < f->head.size)
            assert_int_equal(code, ALB_E_CORRUPT);
        else if (at >= sums && at < sums + 5 * ALB_BLOCK_SUM_LEN)
            assert_int_equal(code, ALB_E_CORRUPT); /* both slots speak of it */
        else if (at >= sums || (at >= used7 && at < used7 + 400))
            assert_true(code == ALB_OK && seq == 6);
        else if (at >= used6 && at < used6 + 400)
            assert_true(code == ALB_OK && seq == 7);
        else
            assert_int_equal(code, ALB_OK); /* behind the used part of a slot */
        f->p[at] ^= 0x20;
    }
    for (size_t n = 0; n < f->n; n++) { /* cut anywhere */
        struct file cut = *f;
        cut.n = n;
        enum alb_code code = read_file(&cut, UINT64_MAX, &seq, &stale);
        if (n < sums + 5 * ALB_BLOCK_SUM_LEN)
            assert_int_equal(code, ALB_E_CORRUPT);
        else
            assert_true(code == ALB_OK && seq == 6);
    }
    free(f);
}

/* The slot reached the disk, its sums did not (one fdatasync covers both, in any order). */
static void a_slot_without_its_sums_does_not_count(void **state)
{
    struct file *f = calloc(1, sizeof(*f));
    uint64_t seq;
    bool stale;

    (void)state;
    build(f);
    memset(f->p + alb_record_sums_at(&f->head) + 5 * ALB_BLOCK_SUM_LEN, 0, 4 * ALB_BLOCK_SUM_LEN);
    assert_int_equal(read_file(f, UINT64_MAX, &seq, &stale), ALB_OK);
    assert_int_equal(seq, 6);
    free(f);
}

static void ends_are_kept(void **state)
{
    unsigned char p[ALB_RECORD_SLOT];
    struct alb_record_slot a = {.seq = 1, .length = 5, .offset = 5}, b;

    (void)state;
    a.state = ALB_UPLOAD_FINISHED;
    a.result_n = ALB_UPLOAD_RESULT_MAX;
    kit_fill(a.result, sizeof(a.result), 0, 1);
    alb_record_slot_write(&a, p);
    assert_true(alb_record_slot_read(p, &b));
    assert_int_equal(b.result_n, a.result_n);
    assert_memory_equal(a.result, b.result, a.result_n);
    a = (struct alb_record_slot){.seq = 1, .length = 5, .offset = 5, .state = ALB_UPLOAD_REJECTED};
    for (int code = 1; code < ALB_CODE_COUNT; code++) {
        a.rejected = (enum alb_code)code;
        a.reason_n = ALB_RECORD_REASON_MAX;
        memset(a.reason, 'r', sizeof(a.reason));
        alb_record_slot_write(&a, p);
        assert_true(alb_record_slot_read(p, &b));
        assert_int_equal(b.rejected, code);
        assert_memory_equal(a.reason, b.reason, a.reason_n);
    }
    a = (struct alb_record_slot){.seq = 1, .length = 9, .offset = 5, .state = ALB_UPLOAD_COMPLETE};
    alb_record_slot_write(&a, p);
    assert_false(alb_record_slot_read(p, &b)); /* complete, and bytes are missing */
    a = (struct alb_record_slot){.seq = 1, .length = 4, .offset = 5};
    alb_record_slot_write(&a, p);
    assert_false(alb_record_slot_read(p, &b));
    a = (struct alb_record_slot){.seq = 0, .length = 4, .offset = 4};
    alb_record_slot_write(&a, p);
    assert_false(alb_record_slot_read(p, &b));
}

/* ---- starts ---- */

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
        cmocka_unit_test(the_newest_valid_slot_counts),
        cmocka_unit_test(no_flipped_byte_is_believed),
        cmocka_unit_test(a_slot_without_its_sums_does_not_count),
        cmocka_unit_test(ends_are_kept),
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
