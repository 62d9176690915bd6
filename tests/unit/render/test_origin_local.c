/* SPDX-License-Identifier: Apache-2.0
 *
 * local://: what lies beneath the root can be had, by whatever way of writing; nothing else can, and
 * nothing waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "origins.h"

#define N ((size_t)70000)

static unsigned char *body, *outside;

static struct {
    struct room room;
    struct alb_origin_policy *policy;
} st;

static void begin(void)
{
    room_open(&st.room);
    room_begin(&st.room);
    st.policy = policy_new();
    assert_int_equal(mkdirat(st.room.localfd, "a", 0700), 0);
    assert_int_equal(mkdirat(st.room.localfd, "a/b", 0700), 0);
    room_file(&st.room, "local/a/b/c.png", body, N);
    room_file(&st.room, "outside.png", outside, N);
}

static void end(void)
{
    until_no_jobs(&st.room);
    room_close(&st.room);
    alb_obj_unref(&st.policy->obj);
}

static struct alb_origin *found(const char *url, const char *path)
{
    struct alb_origin_ask ask = ask_of(url, st.policy);
    struct alb_origin *o = get(&st.room, &ask, NULL);
    if (!has_bytes(o, body, N))
        fail_msg("%s", url);
    assert_true(o->is_local && alb_str_eq_c(o->url, path));
    return o;
}

static void missing(const char *url)
{
    struct alb_origin_ask ask = ask_of(url, st.policy);
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_MISSING);
}

static void paths(void **state)
{
    static const char *const good[] = {"local:///a/b/c.png",      "local://host/a/b/c.png",
                                       "local:////a//b/./c.png",  "local:///../../a/b/c.png",
                                       "local:///a/x/../b/c.png", "local:///a/b/c.png?v=1",
                                       "local:///a/b/c.png?",     "local:///a/b/c.png?/../../x"};
    static const char *const bad[] = {"local://",
                                      "local:///",
                                      "local:///a",
                                      "local:///a/b/",
                                      "local:///a/b/C.png",
                                      "local:///a/b/c.png/x",
                                      "local:///a/b/c%2Epng",
                                      "local:///a/b/c.png#x",
                                      "local://a",
                                      "local:///%2e%2e/outside.png",
                                      "local:///../outside.png",
                                      "local:///a/../../outside.png"};
    (void)state;
    begin();
    for (size_t i = 0; i < ALB_ARRAY_LEN(good); i++)
        alb_origin_unref(found(good[i], "a/b/c.png"));
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        missing(bad[i]);
    room_file(&st.room, "local/100% #1+2@3.png", body, N); /* characters like any other */
    alb_origin_unref(found("local:///100% #1+2@3.png", "100% #1+2@3.png"));
    room_end(&st.room);
    st.room.config.local_separator = 0;
    room_begin(&st.room);
    missing("local:///a/b/c.png?v=1");
    room_file(&st.room, "local/what?.png", body, N);
    alb_origin_unref(found("local:///what?.png", "what?.png"));
    char lengthy[6000];
    memset(lengthy, 'a', sizeof(lengthy));
    memcpy(lengthy, "local:///", 9);
    lengthy[sizeof(lengthy) - 1] = '\0';
    missing(lengthy);
    lengthy[400] = '\0';
    missing(lengthy);
    struct alb_origin_ask nul = ask_of("", st.policy);
    nul.url = (struct alb_str){"local:///a/b/c.png\0.jpg", 23};
    (void)get_failure(&st.room, &nul, ALB_ORIGIN_MISSING);
    end();
}

static void links(void **state)
{
    char absolute[128];
    (void)state;
    begin();
    int root = st.room.localfd;
    assert_int_equal(symlinkat("b/c.png", root, "a/inside.png"), 0);
    assert_int_equal(symlinkat("../a/b", root, "a/up"), 0);
    assert_int_equal(symlinkat("../outside.png", root, "out.png"), 0);
    assert_int_equal(symlinkat("../local/../outside.png", root, "out2.png"), 0);
    assert_int_equal(symlinkat("..", root, "dir"), 0);
    assert_int_equal(symlinkat("/proc/self/root", root, "magic"), 0);
    assert_int_equal(symlinkat("loop", root, "loop"), 0);
    snprintf(absolute, sizeof(absolute), "%s/local/a/b/c.png", st.room.path);
    assert_int_equal(symlinkat(absolute, root, "absolute.png"), 0);
    alb_origin_unref(found("local:///a/inside.png", "a/inside.png"));
    alb_origin_unref(found("local:///a/up/c.png", "a/up/c.png"));
    missing("local:///out.png");
    missing("local:///out2.png");
    missing("local:///dir/outside.png");
    missing("local:///magic/etc/passwd");
    missing("local:///loop");
    missing("local:///absolute.png");
    end();
}

/* What would wait, or do something, is not opened. */
static void special(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)state;
    begin();
    assert_int_equal(mkfifoat(st.room.localfd, "fifo.png", 0600), 0);
    missing("local:///fifo.png");
    snprintf(at.sun_path, sizeof(at.sun_path), "%s/local/sock.png", st.room.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    missing("local:///sock.png");
    close(fd);
    room_file(&st.room, "local/secret.png", body, N);
    assert_int_equal(fchmodat(st.room.localfd, "secret.png", 0, 0), 0);
    if (geteuid() != 0)
        missing("local:///secret.png");
    end();
}

static bool only_a(const struct alb_origin_policy *p, const struct alb_url *url, struct alb_str path)
{
    (void)p;
    assert_null(url);
    return alb_str_starts(path, ALB_STR("a/"));
}

static void refusals(void **state)
{
    (void)state;
    begin();
    struct alb_origin_ask ask = ask_of("local:///a/b/c.png", st.policy);
    ask.max_bytes = N - 1;
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_TOO_LARGE);
    ask.max_bytes = N;
    room_file(&st.room, "local/a/text.png", "hello", 5);
    ask.url = ALB_STR("local:///a/text.png");
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_TYPE);
    ask.any_type = true;
    struct alb_origin *o = get(&st.room, &ask, NULL);
    assert_true(has_bytes(o, "hello", 5));
    alb_origin_unref(o);
    struct alb_origin_policy *strict = policy_new();
    strict->may = only_a;
    ask.policy = strict;
    o = get(&st.room, &ask, NULL);
    assert_true(has_bytes(o, "hello", 5));
    alb_origin_unref(o);
    room_file(&st.room, "local/b.png", body, N);
    ask.url = ALB_STR("local:///a/../b.png"); /* what is asked for is the cleaned path */
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_BLOCKED);
    strict->may = NULL;
    strict->local = false;
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_SCHEME);
    alb_obj_unref(&strict->obj);
    room_end(&st.room);
    st.room.config.local_dirfd = -1;
    room_begin(&st.room);
    ask = ask_of("local:///a/b/c.png", st.policy);
    (void)get_failure(&st.room, &ask, ALB_ORIGIN_SCHEME);
    end();
}

/* Another content is another identity, by whichever way it came; and who reads on is told. */
static void changes(void **state)
{
    struct alb_origin_reader *reader;
    char byte;
    size_t got;
    (void)state;
    begin();
    struct alb_origin *o = found("local:///a/b/c.png", "a/b/c.png"),
                      *again = found("local:///a/b/c.png", "a/b/c.png");
    assert_memory_equal(o->identity, again->identity, sizeof(o->identity));
    assert_true(alb_str_eq(o->etag, again->etag) && o->etag.n > 2 && o->etag.p[0] == '"');
    assert_true(o->modified_ms > 0 && o->last_modified.n == 29);
    assert_true(alb_str_eq_c(o->content_type, "image/png"));
    alb_origin_unref(again);
    assert_true(alb_origin_is_same(o));
    assert_int_equal(alb_origin_reader_open(o, &reader, NULL), ALB_OK);
    assert_int_equal(alb_origin_read(reader, 0, &byte, 1, &got, NULL), ALB_OK);
    /* the same size, and the old time of modification put back */
    struct stat before;
    assert_int_equal(fstatat(st.room.localfd, "a/b/c.png", &before, 0), 0);
    int fd = openat(st.room.localfd, "a/b/c.png", O_WRONLY | O_CLOEXEC);
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    struct stat now = before;
    while (now.st_ctim.tv_sec == before.st_ctim.tv_sec && now.st_ctim.tv_nsec == before.st_ctim.tv_nsec) {
        assert_int_equal(pwrite(fd, body, N, 0), (ssize_t)N); /* until the file system's clock has moved */
        assert_int_equal(futimens(fd, times), 0);
        assert_int_equal(fstat(fd, &now), 0);
    }
    close(fd);
    assert_false(alb_origin_is_same(o));
    assert_int_equal(alb_origin_read(reader, 0, &byte, 1, &got, NULL), ALB_E_CORRUPT);
    assert_int_equal(got, 0);
    alb_origin_reader_close(&reader);
    again = found("local:///a/b/c.png", "a/b/c.png");
    assert_memory_not_equal(o->identity, again->identity, sizeof(o->identity));
    /* put in its place: who holds the old one holds it whole */
    room_file(&st.room, "local/new.png", outside, N);
    assert_int_equal(renameat(st.room.localfd, "new.png", st.room.localfd, "a/b/c.png"), 0);
    struct alb_origin_ask ask = ask_of("local:///a/b/c.png", st.policy);
    struct alb_origin *third = get(&st.room, &ask, NULL);
    assert_true(has_bytes(third, outside, N));
    assert_memory_not_equal(third->identity, again->identity, sizeof(third->identity));
    alb_origin_unref(o);
    alb_origin_unref(again);
    alb_origin_unref(third);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),    cmocka_unit_test(links),   cmocka_unit_test(special),
        cmocka_unit_test(refusals), cmocka_unit_test(changes),
    };
    alarm(120); /* a FIFO that is opened would wait for ever */
    body = picture(N, 11);
    outside = picture(N, 12);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(body);
    free(outside);
    return failed;
}
