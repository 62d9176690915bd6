/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies that are sent from a memory file: the bytes that they would have from memory, whole and in parts, however the
 * client reads, and nothing is left behind by those who leave.
 */
#include "http_test.h"

#include "base/bytes_file.h"
#include "base/mem.h"
#include "served.h"

#define SIZE ((size_t)3 << 20) /* several calls, and more than a socket takes at once */

static struct alb_bytes *body;
static char *all; /* what a client has read */

static enum alb_hot hot_body(struct alb_req *req)
{
    alb_res_type(req, "image/png");
    alb_res_bytes(req, body);
    return ALB_HOT_HIT;
}

static enum alb_step step_body(struct alb_req *req)
{
    alb_res_type(req, "image/png");
    alb_res_bytes(req, body);
    return ALB_STEP_DONE;
}

static const struct alb_route routes[] = {
    {"/hot", ALB_M_GET, ALB_BODY_NONE, 0, 0, hot_body, NULL},
    {"/step", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, step_body},
};

static void open_server(void)
{
    char *p = alb_mem_alloc(SIZE);

    assert_non_null(p);
    all = alb_mem_alloc(3 * SIZE);
    assert_non_null(all);
    for (size_t i = 0; i < SIZE; i++)
        p[i] = (char)(i * 2654435761u >> 13);
    body = alb_bytes_copy(p, SIZE);
    alb_mem_free(p);
    assert_non_null(body);
    body = alb_bytes_into_file(body);
    assert_true(body->fd >= 0);
    prepare(2, 16);
    begin(routes, ALB_ARRAY_LEN(routes));
}

static void close_server(void)
{
    finish();
    assert_int_equal(atomic_load(&body->obj.refs), 1); /* whoever left gave it back */
    alb_bytes_unref(body);
    alb_mem_free(all);
}

/* Reads up to the end, `most` bytes at a time. */
static size_t read_in_pieces(int fd, size_t most)
{
    size_t n = 0;
    ssize_t got;

    while ((got = recv(fd, all + n, 3 * SIZE - n < most ? 3 * SIZE - n : most, 0)) > 0)
        n += (size_t)got;
    (void)close(fd);
    return n;
}

static const char *behind_head(size_t n, size_t *left)
{
    const char *end = memmem(all, n, "\r\n\r\n", 4);

    assert_non_null(end);
    *left = n - (size_t)(end + 4 - all);
    return end + 4;
}

static void test_whole(void **state)
{
    static const char *const targets[] = {"/hot", "/step"};

    (void)state;
    open_server();
    for (size_t i = 0; i < ALB_ARRAY_LEN(targets); i++) {
        size_t left;
        const char *p;
        int fd = dial();

        ask(fd, "GET", targets[i], "");
        p = behind_head(read_in_pieces(fd, SIZE), &left);
        assert_int_equal(left, SIZE);
        assert_memory_equal(p, body->p, SIZE);
        fd = dial();
        ask(fd, "HEAD", targets[i], "");
        (void)behind_head(read_in_pieces(fd, SIZE), &left);
        assert_int_equal(left, 0);
    }
    close_server();
}

/* A small window, and pieces that end anywhere: every call takes another part of it. */
static void test_slow_reader(void **state)
{
    int fd, room = 65536;
    size_t left;
    const char *p;

    (void)state;
    open_server();
    fd = dial();
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    ask(fd, "GET", "/hot", "");
    p = behind_head(read_in_pieces(fd, 7919), &left);
    assert_int_equal(left, SIZE);
    assert_memory_equal(p, body->p, SIZE);
    close_server();
}

static void test_parts(void **state)
{
    static const struct {
        const char *range;
        size_t off, n;
    } cases[] = {
        {"0-0", 0, 1},
        {"1-70000", 1, 70000},
        {"4097-", 4097, SIZE - 4097},
        {"-50001", SIZE - 50001, 50001},
        {"2000000-2000099", 2000000, 100},
    };

    (void)state;
    open_server();
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        char line[80];
        size_t left;
        const char *p;
        int fd = dial();

        (void)snprintf(line, sizeof(line), "Range: bytes=%s\r\n", cases[i].range);
        ask(fd, "GET", "/hot", line);
        p = behind_head(read_in_pieces(fd, SIZE), &left);
        assert_memory_equal(all, "HTTP/1.1 206 ", 13);
        assert_int_equal(left, cases[i].n);
        assert_memory_equal(p, body->p + cases[i].off, cases[i].n);
    }
    close_server();
}

/* The next answer on a connection begins where the body has ended. */
static void test_one_after_the_other(void **state)
{
    static const char text[] = "GET /hot HTTP/1.1\r\nHost: a\r\n\r\n"
                               "GET /step HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    size_t n, left;
    const char *p;
    int fd;

    (void)state;
    open_server();
    fd = dial();
    say(fd, text);
    n = read_in_pieces(fd, 65536);
    p = behind_head(n, &left);
    assert_true(left > 2 * SIZE);
    assert_memory_equal(p, body->p, SIZE);
    assert_memory_equal(p + SIZE, "HTTP/1.1 200 ", 13);
    assert_memory_equal(all + n - SIZE, body->p, SIZE);
    close_server();
}

/* Clients that leave with most of the body unread, at once or after some of it. */
static void test_hang_up(void **state)
{
    (void)state;
    open_server();
    for (int i = 0; i < 60; i++) {
        int fd = dial();

        ask(fd, "GET", i % 2 ? "/hot" : "/step", "");
        if (i % 3)
            assert_true(recv(fd, all, (size_t)i * 1000 + 1, 0) > 0);
        (void)close(fd);
    }
    assert_has(get("/nowhere", ""), "HTTP/1.1 404 ");
    close_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),   cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_parts),   cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_hang_up),
    };

    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
