/* SPDX-License-Identifier: Apache-2.0
 *
 * Where it ends: limits, full disks (planned at every call, and a real small one), no memory, what idle
 * uploads cost. Whatever runs out, no reported offset changes and everything can be resumed.
 */
#include "world.h"

#include <malloc.h>
#include <sched.h>
#include <sys/mount.h>

static void limits_are_said_at_once(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s;
    static char text[200000];

    world_close(w);
    w->limits.max_bytes = 1000;
    w->limits.max_per_owner = 2;
    w->limits.max_count = 3;
    w->limits.max_total = 1500;
    world_open(w, false);
    struct alb_upload_spec spec = {.owner = 1, .length = 1001};
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_TOO_LARGE);
    memset(text, 'x', sizeof(text));
    spec = (struct alb_upload_spec){.owner = 1, .length = 10, .metadata = alb_str_n(text, sizeof(text))};
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_TOO_LARGE);
    spec = (struct alb_upload_spec){.owner = 1, .length = 900};
    struct alb_upload_session *a, *b, *c;
    assert_ok(alb_upload_create(w->u, &spec, &a, &err));
    assert_ok(alb_upload_create(w->u, &spec, &b, &err));
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_TOO_MANY);
    spec.owner = 2;
    assert_ok(alb_upload_create(w->u, &spec, &c, &err));
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_BUSY);
    assert_ok(feed(a, 1, 900, 100));
    assert_int_equal(feed(b, 1, 900, 100), ALB_E_NO_SPACE);
    assert_int_equal(alb_upload_position(b), 600);
    alb_err_clear(&err);
    assert_ok(alb_upload_commit(b, &err)); /* and nothing is lost */
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 1500);
    alb_upload_release(&a);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 600);
    assert_ok(feed(b, 1, 900, 100));
    alb_upload_release(&b);
    alb_upload_release(&c);
    spec.length = 700;
    assert_code(alb_upload_create(w->u, &spec, &s, &err),
                ALB_E_NO_SPACE); /* 900 are there, 1500 are allowed */
    world_close(w);
    w->limits.min_free = INT64_MAX;
    world_open(w, false);
    spec.length = 1;
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_NO_SPACE);
}

/* Bytes of one user: at creation by what is announced, later by what comes; others have theirs. */
static void users_have_their_bytes(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *a, *b, *s;

    world_close(w);
    w->limits.max_owner_bytes = 1000;
    world_open(w, false);
    struct alb_upload_spec spec = {.owner = 1, .length = 1001};
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_NO_SPACE);
    spec.length = ALB_UPLOAD_DEFERRED;
    assert_ok(alb_upload_create(w->u, &spec, &a, &err));
    assert_ok(feed(a, 1, 700, 100));
    assert_ok(alb_upload_commit(a, &err));
    spec.length = 400;
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_NO_SPACE);
    spec.owner = 2;
    assert_ok(alb_upload_create(w->u, &spec, &b, &err));
    assert_ok(feed(b, 1, 400, 100));
    assert_int_equal(feed(a, 1, 1100, 100), ALB_E_NO_SPACE);
    assert_int_equal(alb_upload_position(a), 1000);
    alb_err_clear(&err);
    assert_ok(alb_upload_commit(a, &err));
    assert_ok(alb_upload_declare(a, 1000, &err));
    assert_int_equal(finish(&a), ALB_OK); /* finished: they count no more */
    spec.owner = 1;
    spec.length = 1000;
    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_ok(feed(s, 1, 1000, 500));
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
    alb_upload_release(&b);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 1000);
    world_again(w);
    spec.length = 1;
    assert_code(alb_upload_create(w->u, &spec, &s, &err),
                ALB_E_NO_SPACE); /* they count after a restart too */
}

/* Every file call fails once, at every point: the reported offset stays and is accepted, the rest is resumed.
 */
static void a_full_disk_loses_nothing(void **state)
{
    struct world *w = *state;
    const int codes[] = {ENOSPC, EIO, EDQUOT};
    const int64_t length = 2500000;

    for (unsigned n = 1, quiet = 0; quiet < 2; n++) {
        char id[16];
        int64_t reported = 0;
        struct alb_future *f;
        (void)snprintf(id, sizeof(id), "u%u", n);
        announce(w, id, length);
        alb_fs_fault(ALB_FS_ANY, n, codes[n % 3], n % 2 == 0);
        struct alb_upload_session *s = acquire(w, id, ALB_UPLOAD_WRITE, &f);
        enum alb_code code = alb_upload_load(s, &err);
        for (int64_t to = 600000; code == ALB_OK && to < length; to += 600000) {
            struct alb_upload_view v;
            code = feed(s, 1, to, 200000);
            if (code == ALB_OK)
                code = alb_upload_commit(s, &err);
            alb_upload_look(s, &v);
            assert_true(v.offset >= reported);
            reported = v.offset;
        }
        bool fired = alb_fs_fault_fired();
        if (code != ALB_OK) {
            assert_true(fired);
            assert_true(code == alb_code_of_errno(codes[n % 3]) || code == ALB_E_IO);
            alb_err_clear(&err);
        }
        alb_upload_release(&s);
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        if (n % 5 == 0)
            world_again(w);
        assert_true(offset_of(w, id) >= reported);
        s = take(w, id, ALB_UPLOAD_WRITE);
        assert_ok(feed(s, 1, length, 300000));
        assert_int_equal(finish(&s), ALB_OK);
        assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
        s = take(w, id, ALB_UPLOAD_TERMINATE);
        assert_ok(alb_upload_terminate(s, &err));
        alb_upload_release(&s);
        quiet += !fired;
        assert_true(n < 200);
    }
    check_original(w, (size_t)length, 1);
    assert_int_equal(kit_count(w->k.fd, "uploads"), 0);
}

/* The same while it is finished: an error, or the answer; never half. */
static void a_full_disk_while_finishing(void **state)
{
    struct world *w = *state;

    for (unsigned n = 1, quiet = 0; quiet < 2; n++) {
        char id[16];
        struct alb_future *f;
        bool one_request = n % 2 == 0;
        (void)snprintf(id, sizeof(id), "u%u", n);
        if (!one_request)
            announce(w, id, 5000);
        struct alb_upload_session *s = one_request ? create_id(w, id, 5000) : take(w, id, ALB_UPLOAD_WRITE);
        assert_ok(feed(s, n, 5000, 5000));
        alb_fs_fault(ALB_FS_ANY, (n + 1) / 2, ENOSPC, false);
        enum alb_code code = alb_upload_finish(&s, &f, &err);
        if (code == ALB_OK) {
            code = wait_for(f);
            alb_future_unref(f);
        }
        bool fired = alb_fs_fault_fired();
        alb_fs_fault(ALB_FS_ANY, 0, 0, false);
        alb_err_clear(&err);
        alb_upload_release(&s);
        if (n % 7 == 0)
            world_again(w);
        if (alb_upload_known(w->u, alb_str_c(id))) {
            s = take(w, id, ALB_UPLOAD_WRITE);
            assert_ok(feed(s, n, 5000, 5000));
            assert_int_equal(finish(&s), ALB_OK);
            check_original(w, 5000, n);
        } else {
            assert_true(one_request); /* nothing was reported of it, or it was taken and the answer is lost */
        }
        if (code == ALB_OK)
            check_original(w, 5000, n);
        quiet += !fired;
        assert_true(n < 200);
    }
}

static void no_memory_is_an_error_each_time(void **state)
{
    struct world *w = *state;
    int fds = kit_open_fds();

    for (unsigned n = 1;; n++) {
        struct alb_upload_session *s = NULL;
        struct alb_future *f = NULL;
        struct alb_upload_spec spec = {.id = ALB_STR("a"), .owner = OWNER, .length = 1200000};
        static unsigned char bytes[600000];
        alb_mem_fault(n, true);
        enum alb_code code = alb_upload_create(w->u, &spec, &s, NULL);
        if (code == ALB_OK)
            code = alb_upload_append(s, 0, bytes, 600000, NULL);
        if (code == ALB_OK)
            code = alb_upload_commit(s, NULL);
        alb_upload_release(&s);
        if (code == ALB_OK)
            code = alb_upload_acquire(w->u, ALB_STR("a"), OWNER, ALB_UPLOAD_WRITE, &s, &f, NULL);
        if (code == ALB_OK)
            code = alb_upload_load(s, NULL);
        if (code == ALB_OK)
            code = alb_upload_append(s, 600000, bytes, 600000, NULL);
        if (code == ALB_OK)
            code = alb_upload_commit(s, NULL);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        alb_upload_release(&s);
        if (fired && code == ALB_OK)
            continue; /* a table that could not grow: not an error */
        assert_int_equal(code, fired ? ALB_E_NO_MEMORY : ALB_OK);
        if (alb_upload_known(w->u, ALB_STR("a"))) {
            s = take(w, "a", ALB_UPLOAD_TERMINATE);
            assert_ok(alb_upload_terminate(s, &err));
            alb_upload_release(&s);
        }
        assert_int_equal(alb_uploads_look(w->u).known, 0);
        assert_int_equal(alb_uploads_look(w->u).stored_bytes, 0);
        assert_int_equal(kit_open_fds(), fds);
        if (!fired) {
            assert_true(n > 15);
            break;
        }
    }
}

static void idle_uploads_cost_memory_only(void **state)
{
    struct world *w = *state;
    int fds = kit_open_fds();
    char id[16];

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    size_t before = mallinfo2().uordblks;
#endif
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof(id), "idle-upload-%d", i);
        announce(w, id, 1000000);
    }
    struct alb_uploads_view v = alb_uploads_look(w->u);
    assert_int_equal(v.known, 1000);
    assert_int_equal(kit_open_fds(), fds);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    size_t each = (mallinfo2().uordblks - before) / 1000;
    print_message("# idle upload: %zu bytes of heap, %lld counted\n", each, (long long)v.memory_bytes / 1000);
    assert_true(each < 256);
#endif
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 1000);
    assert_int_equal(offset_of(w, "idle-upload-500"), 0);
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return written;
}

/* Becomes root of name spaces of its own, if the kernel lets it. Before the first thread. */
static bool own_name_spaces(void)
{
    char uid[48], gid[48];

    snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
    snprintf(gid, sizeof(gid), "0 %u 1", getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/setgroups", "deny") &&
           write_file("/proc/self/uid_map", uid) && write_file("/proc/self/gid_map", gid);
}

static bool may_mount(void)
{
    char path[] = "/tmp/albumen-mount-XXXXXX";

    if (geteuid() != 0 && !own_name_spaces())
        return false;
    if (!mkdtemp(path))
        return false;
    bool may = mount("none", path, "tmpfs", 0, "size=1m") == 0;
    if (may && umount(path) != 0)
        may = false;
    return rmdir(path) == 0 && may;
}

/* A file system of 3 MB. */
static void a_small_disk_fills_up(void **state)
{
    struct world *w = *state;
    const int64_t length = 4 << 20;
    struct alb_upload_session *s;

    world_close(w);
    assert_int_equal(mount("none", w->k.path, "tmpfs", 0, "size=3m"), 0);
    world_open(w, false);
    announce(w, "small", 100000);
    s = take(w, "small", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 2, 60000, 10000));
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
    struct alb_upload_spec spec = {.owner = OWNER, .length = length};
    assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_NO_SPACE); /* said before a byte is sent */
    announce(w, "big", ALB_UPLOAD_DEFERRED);
    s = take(w, "big", ALB_UPLOAD_WRITE);
    assert_int_equal(feed(s, 1, length, 50000), ALB_E_NO_SPACE);
    alb_err_clear(&err);
    int64_t got = alb_upload_position(s);
    assert_true(got > 2000000 && got < length);
    enum alb_code code = alb_upload_commit(s, NULL); /* its record was there before the disk was full */
    assert_int_equal(code, ALB_OK);
    alb_upload_release(&s);
    assert_int_equal(offset_of(w, "big"), got);
    assert_int_equal(offset_of(w, "small"), 60000);
    world_again(w);
    assert_int_equal(offset_of(w, "big"), got);
    s = take(w, "big", ALB_UPLOAD_TERMINATE);
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
    s = take(w, "small", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 2, 100000, 10000));
    assert_int_equal(finish(&s), ALB_OK);
    check_original(w, 100000, 2);
    world_close(w);
    assert_int_equal(umount(w->k.path), 0);
    world_open(w, false);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(limits_are_said_at_once),     T(users_have_their_bytes),          T(a_full_disk_loses_nothing),
        T(a_full_disk_while_finishing), T(no_memory_is_an_error_each_time), T(idle_uploads_cost_memory_only),
        T(a_small_disk_fills_up),
    };

    /* The last one only where it can be; cmocka's skip() would be a failure in TAP. */
    return _cmocka_run_group_tests("limits", tests, ALB_ARRAY_LEN(tests) - !may_mount(), NULL, NULL);
}
