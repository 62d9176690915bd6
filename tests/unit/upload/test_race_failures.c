/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever fails, nothing is left behind (T15): three clients at the same time, memory and disk that fail at
 * any call, for once or for good, a thousand times; then neither bytes that are counted, nor descriptors, nor,
 * after a restart, files are there that no upload has.
 */
#include "race.h"

/* The sink's memory is not what fails. */
static enum alb_code take_with_memory(void *ctx, const struct alb_upload_parcel *p,
                                      struct alb_future **future, struct alb_err *why)
{
    alb_mem_fault(0, false);
    return test_sink_take(ctx, p, future, why);
}

static const char *const own_ids[ACTORS] = {"e0", "e1", "e2"};

static void write_some(struct alb_upload_session *s, uint64_t *random)
{
    char piece[700] = {0};

    if (dice(random, 3) == 0)
        (void)!alb_upload_hold_back(s, NULL);
    for (uint32_t n = dice(random, 6); n > 0; n--)
        (void)!alb_upload_append(s, alb_upload_position(s), piece, 1 + dice(random, sizeof(piece) - 1), NULL);
    switch (dice(random, 4)) {
    case 0:
        (void)!alb_upload_rollback(s, NULL);
        break;
    case 1:
        (void)!alb_upload_declare(s, alb_upload_position(s), NULL);
        break;
    default:
        (void)!alb_upload_commit(s, NULL);
    }
}

/* What a client of it may do once it holds it; whatever of it fails. */
static void live(struct alb_upload_session **s, uint64_t *random)
{
    struct alb_future *f = NULL;
    struct alb_upload_view v;

    alb_upload_look(*s, &v);
    if (v.kind == ALB_UPLOAD_FINAL) { /* the assembler's */
        alb_upload_release(s);
        return;
    }
    write_some(*s, random);
    (void)!alb_upload_declare(*s, alb_upload_position(*s), NULL);
    if (dice(random, 3) == 0) {
        if (alb_upload_finish(s, &f, NULL) == ALB_OK && dice(random, 2) == 0)
            (void)wait_for(f);
        alb_future_unref(f);
    }
    alb_upload_release(s);
}

static void come_again(struct race *r, const char *id, uint64_t *random)
{
    struct alb_upload_session *s;
    struct alb_future *f = NULL;
    struct alb_upload_reader *reader;
    struct alb_upload_view v;
    char bytes[500];
    size_t n;

    enum alb_upload_intent intent = dice(random, 6) == 0 ? ALB_UPLOAD_TERMINATE : ALB_UPLOAD_WRITE;

    if (alb_upload_acquire(r->w->u, alb_str_c(id), OWNER, intent, &s, &f, NULL) == ALB_OK) {
        if (f != NULL && dice(random, 3) > 0)
            (void)wait_for(f);
        bool mine = f == NULL || alb_future_done(f);
        alb_future_unref(f);
        bool there = mine && alb_upload_load(s, NULL) == ALB_OK;
        if (there && intent == ALB_UPLOAD_TERMINATE)
            (void)!alb_upload_terminate(s, NULL);
        else if (there)
            live(&s, random);
        alb_upload_release(&s);
    }
    if (alb_upload_reader_open(r->w->u, alb_str_c(id), OWNER, &reader, &v, NULL) != ALB_OK)
        return;
    (void)!alb_upload_reader_read(reader, 0, bytes, sizeof(bytes), &n, NULL);
    alb_upload_reader_close(&reader);
}

static void fail_anywhere(struct race *r, int which)
{
    uint64_t random = (uint64_t)r->round * 7 + (uint64_t)which;
    struct alb_upload_session *s = NULL;
    struct alb_upload_spec spec = {.id = alb_str_c(own_ids[which]),
                                   .owner = OWNER,
                                   .length = ALB_UPLOAD_DEFERRED,
                                   .kind = dice(&random, 3) == 0 ? ALB_UPLOAD_PARTIAL : ALB_UPLOAD_NORMAL};

    if (dice(&random, 3) == 0)
        alb_mem_fault(1 + dice(&random, 60), dice(&random, 2) == 0);
    if (dice(&random, 4) == 0) {
        enum alb_code code;
        struct alb_future *f = assemble(r->w, own_ids[which], "a a", &code);
        if (f != NULL && dice(&random, 2) == 0)
            (void)wait_for(f);
        alb_future_unref(f);
    } else if (alb_upload_create(r->w->u, &spec, &s, NULL) == ALB_OK) {
        live(&s, &random);
    }
    come_again(r, own_ids[which], &random);
    come_again(r, own_ids[dice(&random, ACTORS)], &random);
    alb_mem_fault(0, false);
}

static void fail_0(struct race *r)
{
    fail_anywhere(r, 0);
}

static void fail_1(struct race *r)
{
    fail_anywhere(r, 1);
}

static void fail_2(struct race *r)
{
    fail_anywhere(r, 2);
}

static void a_part_and_a_bad_disk(struct race *r)
{
    static const int errors[] = {5 /* EIO */, 28 /* ENOSPC */};
    static const enum alb_fs_call calls[] = {ALB_FS_ANY,  ALB_FS_WRITE, ALB_FS_SYNC,  ALB_FS_OPEN,
                                             ALB_FS_READ, ALB_FS_ANY,   ALB_FS_RENAME};
    uint64_t random = (uint64_t)r->round + 5;

    make_partial(r->w, "a", 1, 5000);
    alb_fs_fault(calls[dice(&random, ALB_ARRAY_LEN(calls))], 1 + dice(&random, 50), errors[dice(&random, 2)],
                 dice(&random, 2) == 0);
}

static void remove_all(struct world *w)
{
    struct alb_upload_swept swept;

    alb_uploads_sweep(w->u, 10, &swept);
    for (int i = 0; i < ACTORS; i++) {
        struct alb_upload_session *s = hold_id(w, own_ids[i], ALB_UPLOAD_TERMINATE);
        if (s == NULL)
            continue;
        assert_ok(alb_upload_terminate(s, &err));
        alb_upload_release(&s);
    }
    remove_upload(w, "a");
}

/* No descriptor, no byte that is counted, and after a restart no file, but of those that are known. */
static void nothing_is_left(struct race *r)
{
    struct world *w = r->w;
    int closed = *(const int *)r->more;

    if (r->round % 2 == 0) {
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        remove_all(w);
        struct alb_uploads_view v = alb_uploads_look(w->u);
        assert_int_equal(v.known + v.unfinished + v.stored_bytes, 0);
    }
    world_close(w);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    assert_int_equal(kit_open_fds(), closed);
    world_open(w, false);
    w->sink.store = NULL;
    w->sink.sink.take = take_with_memory;
    remove_all(w);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
}

static void t15_failures_leave_nothing(void **state)
{
    struct world *w = *state;
    struct race r = {.act = {fail_0, fail_1, fail_2}};
    int closed;

    world_close(w);
    closed = kit_open_fds();
    world_open(w, false);
    w->sink.store = NULL;
    w->sink.sink.take = take_with_memory;
    r.more = &closed;
    race(w, &r, a_part_and_a_bad_disk, nothing_is_left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t15_failures_leave_nothing, races_setup, races_teardown),
    };

    kit_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
