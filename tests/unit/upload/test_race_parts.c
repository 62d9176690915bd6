/* SPDX-License-Identifier: Apache-2.0
 *
 * Races of parts, each a thousand times: parts that are uploaded side by side over bad networks and disks,
 * with a restart (T13); a whole of one part twice that others look at (T14); a part that is terminated while
 * it is read (T5).
 */
#include "race.h"

#define PARTS 3
#define LENGTH_MAX 9000

static const char *const part_ids[PARTS] = {"p0", "p1", "p2"};

/* What the sink was given, by id. */
struct taken {
    pthread_mutex_t m;
    /* under m */
    unsigned count;
    char id[16];
    unsigned char sha256[32];
    int64_t size;
};

static struct taken taken = {.m = PTHREAD_MUTEX_INITIALIZER};

static enum alb_code take_and_tell(void *ctx, const struct alb_upload_parcel *p, struct alb_future **future,
                                   struct alb_err *why)
{
    (void)pthread_mutex_lock(&taken.m);
    taken.count++;
    (void)snprintf(taken.id, sizeof(taken.id), "%.*s", (int)p->id.n, p->id.p);
    memcpy(taken.sha256, p->sha256, sizeof(taken.sha256));
    taken.size = p->size;
    (void)pthread_mutex_unlock(&taken.m);
    return test_sink_take(ctx, p, future, why);
}

/* The sink's last parcel is this upload, with these bytes. */
static void check_taken(const char *id, const unsigned char *bytes, int64_t n)
{
    unsigned char sha256[32];

    alb_sha256(bytes, (size_t)n, sha256);
    assert_true(taken.count > 0);
    assert_string_equal(taken.id, id);
    assert_int_equal(taken.size, n);
    assert_memory_equal(taken.sha256, sha256, sizeof(sha256));
}

static void wait_finished(struct world *w, const char *id)
{
    struct alb_upload_brief brief = {.state = ALB_UPLOAD_OPEN};
    int64_t deadline = alb_deadline(alb_mono(alb_clock_real()), 60 * ALB_NS_PER_S);

    while (brief.state != ALB_UPLOAD_FINISHED) {
        assert_ok(alb_upload_brief(w->u, alb_str_c(id), OWNER, &brief, &err));
        assert_int_not_equal(brief.state, ALB_UPLOAD_REJECTED);
        assert_true(alb_mono(alb_clock_real()) < deadline);
        (void)sched_yield();
    }
}

/* ---- T13: parts side by side, failures, restarts ---- */

struct parts {
    uint64_t seed[PARTS];
    int64_t length[PARTS];
    _Atomic int64_t said[PARTS]; /* the largest offset that a client was told of */
    _Atomic bool complete[PARTS];
    bool asked; /* the whole was asked for before its parts were there, and that was confirmed */
};

static void seen(struct parts *p, int i, const struct alb_upload_session *s)
{
    struct alb_upload_view v;

    alb_upload_look(s, &v);
    int64_t before = atomic_load(&p->said[i]);
    ALB_CHECK(v.offset >= before);
    while (before < v.offset && !atomic_compare_exchange_weak(&p->said[i], &before, v.offset))
        continue;
}

/* One request: pieces of any size, then it ends well, is cut off, or hangs up. */
static void send_some(struct race *r, int i, uint64_t *random)
{
    struct parts *p = r->more;
    unsigned char piece[3000];
    struct alb_upload_session *s;
    struct alb_future *f = NULL;

    if (alb_upload_acquire(r->w->u, alb_str_c(part_ids[i]), OWNER, ALB_UPLOAD_WRITE, &s, &f, NULL) != ALB_OK)
        return;
    if (f != NULL && dice(random, 8) != 0)
        (void)wait_for(f);
    bool mine = f == NULL || alb_future_done(f);
    alb_future_unref(f);
    if (!mine || alb_upload_load(s, NULL) != ALB_OK) {
        alb_upload_release(&s);
        return;
    }
    seen(p, i, s);
    for (uint32_t left = dice(random, 8); left > 0 && alb_upload_position(s) < p->length[i]; left--) {
        int64_t at = alb_upload_position(s), room = p->length[i] - at;
        size_t n = 1 + dice(random, sizeof(piece));
        n = (int64_t)n > room ? (size_t)room : n;
        kit_fill(piece, n, at, p->seed[i]);
        if (alb_upload_append(s, at, piece, n, NULL) != ALB_OK)
            break;
        if (dice(random, 3) == 0 && alb_upload_commit(s, NULL) == ALB_OK)
            seen(p, i, s);
    }
    if (alb_upload_position(s) == p->length[i] && alb_upload_finish(&s, &f, NULL) == ALB_OK) {
        ALB_CHECK(wait_for(f) == ALB_OK);
        alb_future_unref(f);
        atomic_store(&p->said[i], p->length[i]);
        atomic_store(&p->complete[i], true);
    }
    alb_upload_release(&s);
}

/* Every client has a part of its own, and now and then one of another's. */
static void upload_parts(struct race *r, int mine)
{
    uint64_t random = (uint64_t)r->round * 31 + (uint64_t)mine;

    for (int n = 0; n < 4; n++)
        send_some(r, dice(&random, 4) == 0 ? (int)dice(&random, PARTS) : mine, &random);
}

static void upload_0(struct race *r)
{
    upload_parts(r, 0);
}

static void upload_1(struct race *r)
{
    upload_parts(r, 1);
}

static void upload_2_and_ask(struct race *r)
{
    struct parts *p = r->more;
    enum alb_code code;

    if (r->round % 2 == 0) {
        struct alb_future *f = assemble(r->w, r->id, "p2 p0 p1 p0", &code);
        p->asked = f != NULL;
        alb_future_unref(f); /* its client goes */
    }
    upload_parts(r, 2);
}

static void parts_begin(struct race *r)
{
    struct parts *p = r->more;
    uint64_t random = (uint64_t)r->round + 77;

    taken.count = 0;
    p->asked = false;
    for (int i = 0; i < PARTS; i++) {
        p->seed[i] = (uint64_t)r->round * PARTS + (uint64_t)i;
        p->length[i] = 1 + dice(&random, LENGTH_MAX);
        p->said[i] = 0;
        p->complete[i] = false;
        struct alb_upload_session *s;
        struct alb_upload_spec spec = {
            .id = alb_str_c(part_ids[i]), .owner = OWNER, .length = p->length[i], .kind = ALB_UPLOAD_PARTIAL};
        assert_ok(alb_upload_create(r->w->u, &spec, &s, &err));
        assert_ok(alb_upload_commit(s, &err));
        alb_upload_release(&s);
    }
    if (r->round % 4 != 0) /* from some moment on the disk is gone, as when the process is killed there */
        alb_fs_fault(ALB_FS_ANY, 1 + dice(&random, 60), 5 /* EIO */, r->round % 4 == 3);
}

/* What a write leaves that no commit has followed. */
static void leave_a_tail(struct world *w, const char *id)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "uploads/%s.data", id);
    int fd = openat(w->k.fd, name, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return;
    assert_int_equal(write(fd, "never confirmed", 15), 15);
    assert_int_equal(close(fd), 0);
}

static void check_prefix(struct world *w, const struct parts *p, int i, int64_t offset)
{
    static unsigned char want[LENGTH_MAX], is[LENGTH_MAX];
    char name[64];

    assert_true(offset >= p->said[i] && offset <= p->length[i]);
    if (offset == 0)
        return;
    (void)snprintf(name, sizeof(name), "uploads/%s.data", part_ids[i]);
    int fd = openat(w->k.fd, name, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, is, (size_t)offset, 0), offset);
    assert_int_equal(close(fd), 0);
    kit_fill(want, (size_t)offset, 0, p->seed[i]);
    assert_memory_equal(is, want, (size_t)offset);
}

/* After the restart: what is said is there; each client goes on, and the whole is right. */
static void parts_go_on(struct race *r)
{
    struct parts *p = r->more;
    struct world *w = r->w;
    static const int order[] = {2, 0, 1, 0};
    static unsigned char whole[4 * LENGTH_MAX];
    struct alb_upload_swept swept;
    int64_t n = 0;

    world_close(w); /* whatever it still tries fails, if the disk is gone */
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    for (int i = 0; i < PARTS; i++)
        if (!p->complete[i])
            leave_a_tail(w, part_ids[i]);
    world_open(w, false);
    w->sink.store = NULL;
    w->sink.sink.take = take_and_tell;
    bool known = alb_upload_known(w->u, alb_str_c(r->id));
    assert_true(known || !p->asked);
    alb_uploads_sweep(w->u, 10, &swept); /* takes up the whole again */
    for (int k = 0; k < PARTS; k++) {
        int i = (r->round + k) % PARTS;
        struct alb_upload_session *s = take(w, part_ids[i], ALB_UPLOAD_WRITE);
        check_prefix(w, p, i, alb_upload_position(s));
        assert_ok(feed(s, p->seed[i], p->length[i], 5000));
        struct alb_future *f;
        assert_ok(alb_upload_finish(&s, &f, &err));
        assert_int_equal(wait_for(f), ALB_OK);
        alb_future_unref(f);
    }
    if (!known) {
        enum alb_code code;
        struct alb_future *f = assemble(w, r->id, "p2 p0 p1 p0", &code);
        assert_non_null(f);
        assert_int_equal(wait_for(f), ALB_OK);
        alb_future_unref(f);
    }
    wait_finished(w, r->id);
    struct alb_upload_session *done = hold_id(w, r->id, ALB_UPLOAD_LOOK); /* its last holder has left */
    alb_upload_release(&done);
    for (size_t k = 0; k < ALB_ARRAY_LEN(order); n += p->length[order[k++]])
        kit_fill(whole + n, (size_t)p->length[order[k]], 0, p->seed[order[k]]);
    check_taken(r->id, whole, n);
    for (int i = 0; i < PARTS; i++)
        remove_upload(w, part_ids[i]);
}

static void t13_parts_side_by_side(void **state)
{
    struct parts parts = {0};
    struct race r = {.act = {upload_0, upload_1, upload_2_and_ask}, .more = &parts};
    struct world *w = *state;

    w->sink.sink.take = take_and_tell;
    race(w, &r, parts_begin, parts_go_on);
}

/* ---- T14: one part twice, looked at meanwhile ---- */

#define TWICE 5000

static void one_part_twice(struct race *r)
{
    enum alb_code code;
    struct alb_future *f = assemble(r->w, r->id, "a a", &code);

    ALB_CHECK(f != NULL && wait_for(f) == ALB_OK);
    alb_future_unref(f);
}

/* HEAD and GET of the part; nothing keeps it from being read. */
static void look_at_the_part(struct race *r)
{
    struct alb_upload_reader *reader;
    struct alb_upload_view v;
    static unsigned char bytes[TWICE];
    size_t n;

    for (int i = 0; i < 3; i++) {
        struct alb_upload_session *s = hold_id(r->w, "a", i == 1 ? ALB_UPLOAD_WRITE : ALB_UPLOAD_LOOK);
        alb_upload_look(s, &v);
        ALB_CHECK(v.state == ALB_UPLOAD_COMPLETE && v.offset == TWICE);
        alb_upload_release(&s);
    }
    ALB_CHECK(alb_upload_reader_open(r->w->u, ALB_STR("a"), OWNER, &reader, &v, NULL) == ALB_OK);
    ALB_CHECK(alb_upload_reader_read(reader, 0, bytes, sizeof(bytes), &n, NULL) == ALB_OK && n == TWICE);
    alb_upload_reader_close(&reader);
}

/* HEAD and PATCH of the whole: never half of it, and nobody writes. */
static void look_at_the_whole(struct race *r)
{
    struct alb_upload_view v = {.state = ALB_UPLOAD_OPEN};

    for (int i = 0; i < 20 && v.state != ALB_UPLOAD_FINISHED; i++) {
        struct alb_upload_session *s = hold_id(r->w, r->id, i % 2 ? ALB_UPLOAD_WRITE : ALB_UPLOAD_LOOK);
        if (s == NULL)
            continue; /* not asked for yet */
        alb_upload_look(s, &v);
        ALB_CHECK(v.kind == ALB_UPLOAD_FINAL && v.state != ALB_UPLOAD_REJECTED);
        ALB_CHECK(v.state != ALB_UPLOAD_FINISHED || v.offset == 2 * TWICE);
        if (i % 2)
            ALB_CHECK(alb_upload_append(s, v.offset, "x", 1, NULL) == ALB_E_CONFLICT);
        alb_upload_release(&s);
    }
}

static void none_was_taken(struct race *r)
{
    (void)r;
    taken.count = 0;
}

static void it_is_twice_the_part(struct race *r)
{
    static unsigned char whole[2 * TWICE];

    kit_fill(whole, TWICE, 0, 1);
    kit_fill(whole + TWICE, TWICE, 0, 1);
    check_taken(r->id, whole, sizeof(whole));
    assert_int_equal(taken.count, 1);
    assert_int_equal(state_of(r->w, r->id), ALB_UPLOAD_FINISHED);
}

static void t14_one_part_twice(void **state)
{
    struct world *w = *state;
    struct race r = {.act = {one_part_twice, look_at_the_part, look_at_the_whole}, .has_rest = true};

    w->sink.sink.take = take_and_tell;
    make_partial(w, "a", 1, TWICE);
    race(w, &r, none_was_taken, it_is_twice_the_part);
    assert_int_equal(alb_uploads_look(w->u).known, 1);
}

/* ---- T5: a part is terminated while it is read ---- */

static void assemble_both(struct race *r)
{
    enum alb_code code;
    struct alb_future *f = assemble(r->w, r->id, "p0 p1 p0", &code);

    if (f != NULL)
        code = wait_for(f);
    alb_future_unref(f);
    ALB_CHECK(code == ALB_OK || code == ALB_E_GONE || code == ALB_E_NOT_FOUND);
    r->seen = (int64_t)code;
}

static void terminate_a_part(struct race *r)
{
    struct alb_upload_session *s = hold_id(r->w, part_ids[r->round % 2], ALB_UPLOAD_TERMINATE);

    ALB_CHECK(s != NULL && alb_upload_terminate(s, NULL) == ALB_OK);
    alb_upload_release(&s);
}

static void two_parts(struct race *r)
{
    taken.count = 0;
    make_partial(r->w, part_ids[0], 1, TWICE);
    make_partial(r->w, part_ids[1], 2, TWICE);
}

static void whole_or_not_at_all(struct race *r)
{
    static unsigned char whole[3 * TWICE];

    for (int i = 0; i < 3; i++)
        kit_fill(whole + (size_t)i * TWICE, TWICE, 0, i == 1 ? 2 : 1);
    if (r->seen == (int64_t)ALB_OK)
        check_taken(r->id, whole, sizeof(whole));
    else if (r->seen == (int64_t)ALB_E_GONE)
        assert_int_equal(state_of(r->w, r->id), ALB_UPLOAD_REJECTED);
    else
        assert_false(alb_upload_known(r->w->u, alb_str_c(r->id)));
    assert_int_equal(taken.count, r->seen == (int64_t)ALB_OK ? 1 : 0);
    assert_false(alb_upload_known(r->w->u, alb_str_c(part_ids[r->round % 2])));
    remove_upload(r->w, part_ids[1 - r->round % 2]);
}

static void t5_delete_and_a_whole(void **state)
{
    struct race r = {.act = {assemble_both, terminate_a_part, NULL}};
    struct world *w = *state;

    w->sink.sink.take = take_and_tell;
    race(w, &r, two_parts, whole_or_not_at_all);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, races_setup, races_teardown)
    const struct CMUnitTest tests[] = {
        T(t13_parts_side_by_side),
        T(t14_one_part_twice),
        T(t5_delete_and_a_whole),
    };

    kit_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
