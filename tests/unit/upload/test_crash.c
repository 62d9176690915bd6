/* SPDX-License-Identifier: Apache-2.0
 *
 * Kill -9 and power cuts at every file call (crash.h) of a process that uploads; then a start on what is
 * left: every reported offset is accepted, every acknowledged upload is finished with its answer, originals
 * are whole and have the right names, and whatever was unfinished can be uploaded to its end. (laws 3 and 5)
 */
#include "sink.h"

#include <signal.h>
#include <sys/wait.h>

#include "../blob/crash.h"

static struct alb_err err;

enum { A, B, C, D, E, UPLOADS };
enum said { NOTHING, OFFSET, FINISHED, MAY_BE_GONE, GONE };

static const char *const ids[UPLOADS] = {"upload-a", "upload-b", "upload-c", "upload-d", "upload-e"};
static const int64_t lengths[UPLOADS] = {(5 << 19) + 17, 40000, 30000, 900000, 40000};
static const uint64_t seeds[UPLOADS] = {1, 2, 3, 4, 2}; /* E has the bytes of B */

struct report {
    int64_t offset;
    uint8_t upload, said;
};

struct world {
    struct kit_store k;
    struct test_sink sink;
    struct alb_uploads *u;
    struct alb_manual_clock clock;
};

static void open_world(struct world *w, bool recall)
{
    kit_store_open_at(&w->k);
    test_sink_init(&w->sink, &w->k, recall);
    alb_manual_clock_init(&w->clock, 0, 1700000000000);
    struct alb_uploads_config config = {.data_dirfd = w->k.fd,
                                        .clock = &w->clock.clock,
                                        .sink = &w->sink.sink,
                                        .quarantine = w->k.quarantine};
    alb_upload_limits_default(&config.limits);
    config.limits.checkpoint = 1 << 20;
    config.limits.min_free = 0;
    assert_ok(alb_uploads_open(&config, &w->u, &err));
}

static void close_world(struct world *w)
{
    alb_uploads_free(&w->u);
    kit_store_close(&w->k);
}

/* ---- the process that will die ---- */

static int report_fd = -1;

static void report(int upload, enum said said, int64_t offset)
{
    struct report r = {.offset = offset, .upload = (uint8_t)upload, .said = (uint8_t)said};

    if (write(report_fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
        _exit(98);
}

#define child_ok(call)                                                                                       \
    do {                                                                                                     \
        if ((call) != ALB_OK) {                                                                              \
            (void)fprintf(stderr, "line %d: %s (%s)\n", __LINE__, err.msg, err.where ? err.where : "");      \
            _exit(97);                                                                                       \
        }                                                                                                    \
    } while (0)

static struct alb_upload_session *create(struct world *w, int i, bool transient)
{
    struct alb_upload_session *s;
    struct alb_upload_spec spec = {.id = alb_str_c(ids[i]),
                                   .owner = 7,
                                   .length = lengths[i],
                                   .md5 = i == B,
                                   .transient = transient,
                                   .metadata = ALB_STR("filename d29ybGQ="),
                                   .note = ALB_STR("note")};

    child_ok(alb_upload_create(w->u, &spec, &s, &err));
    return s;
}

static struct alb_upload_session *resume(struct world *w, int i)
{
    struct alb_upload_session *s;
    struct alb_future *f;

    child_ok(alb_upload_acquire(w->u, alb_str_c(ids[i]), 7, ALB_UPLOAD_WRITE, &s, &f, &err));
    if (f != NULL)
        _exit(96);
    child_ok(alb_upload_load(s, &err));
    return s;
}

static void append(struct alb_upload_session *s, int i, int64_t until)
{
    static unsigned char piece[60000];

    while (alb_upload_position(s) < until) {
        int64_t at = alb_upload_position(s);
        size_t n = until - at < (int64_t)sizeof(piece) ? (size_t)(until - at) : sizeof(piece);
        kit_fill(piece, n, at, seeds[i]);
        child_ok(alb_upload_append(s, at, piece, n, &err));
    }
}

static void commit(struct alb_upload_session *s, int i)
{
    struct alb_upload_view v;

    child_ok(alb_upload_commit(s, &err));
    alb_upload_look(s, &v);
    report(i, OFFSET, v.offset);
}

static void finish(struct alb_upload_session *s, int i)
{
    struct alb_future *f;

    child_ok(alb_upload_finish(&s, &f, &err));
    if (alb_future_result(f) == NULL)
        _exit(95);
    alb_future_unref(f);
    report(i, FINISHED, lengths[i]);
}

static void live(struct world *w)
{
    struct alb_upload_session *s = create(w, A, false);
    commit(s, A);
    append(s, A, 700000);
    commit(s, A);
    append(s, A, 2000000);  /* passes a checkpoint */
    alb_upload_release(&s); /* hang-up: kept, as far as it can be */

    s = create(w, B, false);
    append(s, B, lengths[B]);
    finish(s, B);

    s = create(w, C, true);
    append(s, C, lengths[C]);
    finish(s, C);

    s = resume(w, A);
    append(s, A, 2100000);
    commit(s, A);

    struct alb_upload_session *d = create(w, D, false);
    commit(d, D);
    child_ok(alb_upload_hold_back(d, &err));
    append(d, D, 300000);
    child_ok(alb_upload_rollback(d, &err));
    append(d, D, 500000);
    commit(d, D);
    child_ok(alb_upload_hold_back(d, &err));
    append(d, D, 600000);
    alb_upload_release(&d); /* not verified: taken back */

    append(s, A, lengths[A]);
    finish(s, A);

    s = create(w, E, false);
    commit(s, E);
    alb_upload_release(&s);
    s = resume(w, E);
    append(s, E, lengths[E]);
    finish(s, E);

    d = resume(w, D);
    report(D, MAY_BE_GONE, 0);
    child_ok(alb_upload_terminate(d, &err));
    report(D, GONE, 0);
    alb_upload_release(&d);

    s = create(w, C, true); /* life goes on, without a reason to sync that folder */
    append(s, C, lengths[C]);
    finish(s, C);
}

/* ---- after the crash ---- */

static void check_prefix(struct world *w, int i, int64_t n)
{
    char path[64];
    unsigned char *want = kit_bytes((size_t)n, seeds[i]), *got = alb_mem_alloc_nofail((size_t)n);
    (void)snprintf(path, sizeof(path), "uploads/%s.data", ids[i]);
    int fd = openat(w->k.fd, path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, got, (size_t)n, 0), n);
    if (n > 0)
        assert_memory_equal(got, want, (size_t)n);
    (void)close(fd);
    alb_mem_free(want);
    alb_mem_free(got);
}

static void check_finished(struct alb_future *f, int i)
{
    char text[64];

    assert_true(alb_future_done(f));
    assert_non_null(alb_future_result(f));
    struct alb_str result = alb_bytes_view(ALB_CONTAINER_OF(alb_future_result(f), struct alb_bytes, obj));
    (void)snprintf(text, sizeof(text), "asset of %s", ids[i]);
    assert_true(alb_str_eq_c(result, text));
}

/* Uploads what is missing, from where the server says; the end is a finished upload with the right bytes. */
static void go_on(struct world *w, int i, int64_t reported, bool said_finished)
{
    struct alb_upload_session *s;
    struct alb_upload_view v;
    struct alb_future *f;

    assert_ok(alb_upload_acquire(w->u, alb_str_c(ids[i]), 7, ALB_UPLOAD_WRITE, &s, &f, &err));
    assert_null(f);
    assert_ok(alb_upload_load(s, &err));
    alb_upload_look(s, &v);
    assert_true(v.offset >= reported);
    assert_int_equal(v.length, lengths[i]);
    if (said_finished)
        assert_int_equal(v.state, ALB_UPLOAD_FINISHED);
    if (v.state == ALB_UPLOAD_OPEN) {
        assert_true(alb_str_eq_c(v.metadata, "filename d29ybGQ="));
        assert_int_equal(alb_upload_position(s), v.offset);
        check_prefix(w, i, v.offset);
        append(s, i, lengths[i]);
    }
    assert_ok(alb_upload_finish(&s, &f, &err));
    assert_null(s);
    check_finished(f, i);
    alb_future_unref(f);
}

static void check_taken(struct world *w, int i)
{
    unsigned char sha[32], want[32];
    int64_t size;
    unsigned char *bytes = kit_bytes((size_t)lengths[i], seeds[i]);

    assert_true(catalog_find(w->k.fd, alb_str_c(ids[i]), sha, &size));
    assert_int_equal(size, lengths[i]);
    alb_sha256(bytes, (size_t)lengths[i], want);
    assert_memory_equal(sha, want, 32);
    struct alb_blob_ref ref = {.size = size};
    char key[ALB_BLOB_KEY_MAX];
    memcpy(ref.sha256, sha, 32);
    kit_key(&ref, key);
    assert_ok(alb_blob_scrub(w->k.store, &ref, NULL, &err));
    alb_mem_free(bytes);
}

static enum alb_code whole(void *arg, const struct alb_blob_file *file, struct alb_err *e)
{
    struct world *w = arg;
    struct alb_blob_ref ref = {.size = file->size};
    char key[ALB_BLOB_KEY_MAX];

    assert_false(file->foreign);
    memcpy(ref.sha256, file->sha256, 32);
    kit_key(&ref, key);
    return alb_blob_scrub(w->k.store, &ref, NULL, e); /* its bytes have the SHA-256 that its name says */
}

static void check_after(const char *path, const struct report *last, bool recall)
{
    struct world w = {0};
    struct alb_upload_swept swept;

    assert_true(strlen(path) < sizeof(w.k.path));
    memcpy(w.k.path, path, strlen(path) + 1);
    open_world(&w, recall);
    assert_int_equal(kit_count(w.k.fd, "tmp"), 0);
    for (int64_t cursor = 0; cursor >= 0;)
        assert_ok(alb_blob_walk_step(w.k.store, &cursor, whole, &w, &err));
    alb_uploads_sweep(w.u, 10, &swept);
    for (int i = 0; i < UPLOADS; i++) {
        bool known = alb_upload_known(w.u, alb_str_c(ids[i]));
        switch ((enum said)last[i].said) {
        case NOTHING:
            if (known)
                go_on(&w, i, 0, false);
            break;
        case MAY_BE_GONE:
            if (known)
                go_on(&w, i, last[i].offset, false);
            break;
        case OFFSET:
            assert_true(known);
            go_on(&w, i, last[i].offset, false);
            check_taken(&w, i);
            break;
        case FINISHED:
            check_taken(&w, i);
            if (i != C)
                go_on(&w, i, lengths[i], true);
            break;
        case GONE:
            assert_false(known); /* complete ones that came back would be finished */
            break;
        }
    }
    assert_int_equal(alb_uploads_look(w.u).held, 0);
    assert_int_equal(alb_uploads_look(w.u).finishing, 0);
    close_world(&w);
}

/* ---- one crash ---- */

static uint64_t one_crash(enum crash_mode mode, uint64_t at, uint64_t seed, bool recall)
{
    struct world w = {0};
    struct report last[UPLOADS] = {{0}}, r;
    char image[80];
    int fds[2], status;
    uint64_t calls = 0;

    kit_dir_new(w.k.path);
    (void)snprintf(image, sizeof(image), "%s-image", w.k.path);
    open_world(&w, recall);
    close_world(&w);
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        report_fd = fds[1];
        open_world(&w, recall);
        crash_begin(mode, at, w.k.path, image, seed);
        live(&w);
        calls = crash_calls();
        crash_end();
        close_world(&w);
        if (write(fds[1], &(struct report){.offset = (int64_t)calls, .upload = UPLOADS}, sizeof(r)) !=
            sizeof(r))
            _exit(94);
        _exit(0);
    }
    (void)close(fds[1]);
    while (read(fds[0], &r, sizeof(r)) == (ssize_t)sizeof(r)) {
        if (r.upload == UPLOADS) {
            calls = (uint64_t)r.offset;
            continue;
        }
        int64_t before = last[r.upload].offset;
        last[r.upload] = r;
        if (r.said == MAY_BE_GONE)
            last[r.upload].offset = before;
    }
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool unplugged = WIFEXITED(status) && WEXITSTATUS(status) == CRASH_EXIT;
    if (!killed && !unplugged && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        fail_msg("mode %d at %llu: status %d", (int)mode, (unsigned long long)at, status);
    check_after(unplugged ? image : w.k.path, last, recall);
    kit_dir_remove(w.k.path);
    kit_dir_remove(image);
    return killed || unplugged ? 0 : calls;
}

/* ALB_TEST_FULL=1: at every single call, with more seeds; else a share of them, another one for each seed. */
static void crash_everywhere(enum crash_mode mode, unsigned few, unsigned many)
{
    bool full = getenv("ALB_TEST_FULL") != NULL;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const unsigned share = 13;
#else
    const unsigned share = 4;
#endif
    uint64_t stride = full ? 1 : share;
    uint64_t total = one_crash(CRASH_NEVER, 0, 0, false);

    assert_true(total > 80);
    for (unsigned seed = 0; seed < (full ? many : few); seed++) {
        for (uint64_t at = 1 + (seed + (unsigned)mode) % stride; at <= total; at += stride)
            (void)one_crash(mode, at, seed * 1000 + at, (at / stride + seed) % 2 == 0);
    }
}

static void killed_at_every_call(void **state)
{
    (void)state;
    crash_everywhere(CRASH_KILL, 1, 2);
}

static void killed_in_every_write(void **state)
{
    (void)state;
    crash_everywhere(CRASH_KILL_HALF, 1, 2);
}

static void power_cut_at_every_call(void **state)
{
    (void)state;
    crash_everywhere(CRASH_POWER, 2, 2); /* with and without a sink that recalls */
}

static void power_cut_with_a_busy_disk(void **state)
{
    (void)state;
    crash_everywhere(CRASH_POWER_MIXED, 2, 8);
}

/* What things cost. The numbers in upload.h are these; a change here is a change of the contract. */
static void fsyncs_are_counted(void **state)
{
    struct world w = {0};
    struct alb_upload_session *s;

    (void)state;
    for (int recall = 0; recall < 2; recall++) {
        kit_dir_new(w.k.path);
        open_world(&w, recall != 0);
        w.sink.store = NULL; /* only what upload itself does */
        report_fd = open("/dev/null", O_WRONLY);
        crash_begin(CRASH_NEVER, 0, w.k.path, "", 0);
        s = create(&w, B, false);
        append(s, B, lengths[B]);
        finish(s, B);
        assert_int_equal(crash_fsyncs(), recall ? 1 : 3);
        print_message("# 40 kB in one request: %d fsyncs, %d other changing calls\n", (int)crash_fsyncs(),
                      (int)(crash_calls() - crash_fsyncs()));

        crash_begin(CRASH_NEVER, 0, w.k.path, "", 0);
        s = create(&w, C, true);
        append(s, C, lengths[C]);
        finish(s, C);
        assert_int_equal(crash_fsyncs(), 1);
        print_message("# transient: %d fsyncs, %d other changing calls\n", (int)crash_fsyncs(),
                      (int)(crash_calls() - crash_fsyncs()));

        crash_begin(CRASH_NEVER, 0, w.k.path, "", 0);
        s = create(&w, E, false);
        commit(s, E);
        alb_upload_release(&s);
        assert_int_equal(crash_fsyncs(), 2);
        s = resume(&w, E);
        append(s, E, 1000);
        commit(s, E);
        assert_int_equal(crash_fsyncs(), 4);
        append(s, E, lengths[E]);
        finish(s, E);
        assert_int_equal(crash_fsyncs(), 6);
        (void)close(report_fd);
        crash_end();
        close_world(&w);
        kit_dir_remove(w.k.path);
    }
}

/* And what an original costs in the store: its folder's fsync. */
static void fsyncs_of_a_publication_are_counted(void **state)
{
    struct world w = {0};
    struct kit_source a, b;
    struct alb_blob_publish p;

    (void)state;
    kit_dir_new(w.k.path);
    open_world(&w, false);
    kit_source_new(&a, &w.k, "a", 40000, 1);
    kit_source_new(&b, &w.k, "b", 40000, 2);
    a.src.synced = b.src.synced = true;
    crash_begin(CRASH_NEVER, 0, w.k.path, "", 0);
    assert_ok(alb_blob_publish_path(&p, w.k.store, &a.src, &err));
    alb_blob_publish_end(&p);
    assert_int_equal(crash_fsyncs(), 1);
    assert_ok(alb_blob_publish_path(&p, w.k.store, &b.src, &err));
    alb_blob_publish_end(&p);
    assert_int_equal(crash_fsyncs(), 2);
    crash_end();
    kit_source_end(&a);
    kit_source_end(&b);
    close_world(&w);
    kit_dir_remove(w.k.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fsyncs_are_counted),      cmocka_unit_test(fsyncs_of_a_publication_are_counted),
        cmocka_unit_test(killed_at_every_call),    cmocka_unit_test(killed_in_every_write),
        cmocka_unit_test(power_cut_at_every_call), cmocka_unit_test(power_cut_with_a_busy_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
