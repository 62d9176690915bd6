/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections by address, in a network of its own (peers of the loopback network are not limited); memory that
 * runs out, at every allocation of a loop and of a step in turn; and descriptors that somebody else holds too.
 */
#include "http_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "served.h"

/* ---- connections by address ------------------------------------------------------------------------- */

static enum alb_hot hot_ok(struct alb_req *req)
{
    alb_res_literal(req, ALB_STR("ok"));
    return ALB_HOT_HIT;
}

static const struct alb_route plain[] = {{.pattern = "/", .methods = ALB_M_GET, .hot = hot_ok}};

/* In the child a failed assertion of cmocka would go on with the other tests. */
#define must(x)                                                                                              \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                    \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

static bool set_address(int fd, const char *name, const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct ifreq r = {.ifr_flags = 0};

    (void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
        return false;
    memcpy(&r.ifr_addr, &in, sizeof(in));
    if (ioctl(fd, SIOCSIFADDR, &r) != 0)
        return false;
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    return ioctl(fd, SIOCSIFFLAGS, &r) == 0;
}

/* A network that only this process sees, with three addresses. */
static bool own_network(void)
{
    int fd;
    bool ok;

    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    ok = set_address(fd, "lo", "127.0.0.1") && set_address(fd, "lo:1", "192.0.2.1") &&
         set_address(fd, "lo:2", "192.0.2.2");
    (void)close(fd);
    return ok;
}

/* From that address to the server's i-th one. */
static int dial_from(const char *address, size_t i)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    struct timeval patience = {120, 0};
    char text[64], *colon;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(fd >= 0 && alb_http_server_address(server, i, text, sizeof(text)));
    colon = strrchr(text, ':');
    must(colon != NULL);
    *colon = '\0';
    to.sin_port = htons((uint16_t)atoi(colon + 1));
    must(inet_pton(AF_INET, text, &to.sin_addr) == 1 && inet_pton(AF_INET, address, &from.sin_addr) == 1);
    must(bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
    must(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

/* Asks, keeps the connection, and says whether it was answered (else it was turned away). */
static bool is_served(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    char out[1024];
    ssize_t n;

    (void)send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL); /* it may be shut already */
    n = recv(fd, out, sizeof(out) - 1, 0);
    must(n > 0);
    out[n] = '\0';
    if (strncmp(out, "HTTP/1.1 200 ", 13) == 0)
        return true;
    must(strncmp(out, "HTTP/1.1 503 ", 13) == 0 && strstr(out, "\r\nConnection: close\r\n") &&
         strstr(out, "\r\nRetry-After: "));
    return false;
}

static void child(void)
{
    const char *listen[] = {"192.0.2.1:0", "127.0.0.1:0"}, *trusted[] = {"192.0.2.2"};
    int64_t until = soon(120000);
    int a, b, more[4];
    bool again;

    if (!own_network())
        _exit(77);
    prepare(1, 16);
    config.listen = listen;
    config.listen_count = 2;
    config.limits.connections_per_address = 2;
    begin(plain, 1);
    a = dial_from("192.0.2.1", 0);
    must(is_served(a));
    b = dial_from("192.0.2.1", 0);
    must(is_served(b));
    more[0] = dial_from("192.0.2.1", 0);
    must(!is_served(more[0])); /* the third one of that address */
    (void)close(more[0]);
    more[0] = dial_from("192.0.2.2", 0);
    must(is_served(more[0])); /* another address */
    (void)close(more[0]);
    must(is_served(a)); /* who is there stays */
    (void)close(b);
    do { /* and makes room when it goes, as soon as the server has seen it */
        b = dial_from("192.0.2.1", 0);
        again = !is_served(b);
        (void)close(b);
    } while (again && alb_mono(alb_clock_real()) < until);
    must(!again);
    for (int i = 0; i < 4; i++) { /* of this machine: as many as there are */
        more[i] = dial_from("127.0.0.1", 1);
        must(is_served(more[i]));
    }
    for (int i = 0; i < 4; i++)
        (void)close(more[i]);
    (void)close(a);
    finish();
    prepare(1, 16);
    config.listen = listen;
    config.listen_count = 1;
    config.limits.connections_per_address = 1;
    config.trusted_proxies = trusted;
    config.trusted_proxy_count = 1;
    begin(plain, 1);
    for (int i = 0; i < 4; i++) { /* trusted proxies speak for many */
        more[i] = dial_from("192.0.2.2", 0);
        must(is_served(more[i]));
    }
    finish();
    _exit(0);
}

static void test_connections_by_address(void **state)
{
    int status = 0;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0)
        child();
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return; /* not allowed to make a network; cmocka 1.1.5 tells TAP that what is skipped is not ok */
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- memory ------------------------------------------------------------------------------------------ */

static int64_t query(struct alb_req *req, const char *name)
{
    struct alb_str text;
    int64_t n;

    return alb_req_query_get(req, name, &text) && alb_str_i64(text, &n) ? n : 0;
}

/* The n-th allocation of this thread fails, once; what it was before: did it? */
static void arm(struct alb_req *req)
{
    bool fired = alb_mem_fault_fired();

    alb_mem_fault(0, false);
    alb_res_literal(req, fired ? ALB_STR("fired") : ALB_STR("quiet"));
}

static enum alb_hot hot_arm(struct alb_req *req)
{
    arm(req);
    alb_mem_fault((uint64_t)query(req, "n"), true);
    return ALB_HOT_HIT;
}

static enum alb_step step_arm(struct alb_req *req)
{
    int64_t n = query(req, "n");

    arm(req);
    alb_mem_fault((uint64_t)n, true);
    return ALB_STEP_DONE;
}

static enum alb_step step_echo(struct alb_req *req)
{
    struct alb_str body = alb_req_body(req);

    alb_res_header(req, "X-Trailer", alb_req_trailer(req, "x-sum"));
    alb_res_copy(req, body.p, body.n);
    return ALB_STEP_DONE;
}

/* Counts what comes, tells of it, and answers with as much. */
static enum alb_step step_count(struct alb_req *req)
{
    const struct alb_header hint[] = {{"X-Hint", ALB_STR("1")}};
    uint64_t *n = alb_req_slot(req);
    struct alb_str view;

    if (!n) {
        n = alb_arena_calloc(alb_req_arena(req), 1, sizeof(*n));
        if (!n) {
            alb_res_error(req, ALB_E_NO_MEMORY, NULL);
            return ALB_STEP_DONE;
        }
        alb_req_set_slot(req, n);
        alb_req_interim(req, 104, hint, 1);
    }
    for (;;) {
        switch (alb_req_body_read(req, &view)) {
        case ALB_BODY_DATA:
            *n += view.n;
            alb_req_body_consume(req, view.n);
            break;
        case ALB_BODY_AGAIN:
            return alb_req_wait_body(req);
        case ALB_BODY_END:
            alb_res_header_i64(req, "X-Count", (int64_t)*n);
            return ALB_STEP_DONE;
        case ALB_BODY_GONE:
            alb_req_body_refuse(req);
            return ALB_STEP_DONE;
        }
    }
}

static enum alb_code read_x(void *ctx, uint64_t off, void *p, size_t n, size_t *got, struct alb_err *err)
{
    (void)ctx;
    (void)off;
    (void)err;
    memset(p, 'x', n);
    *got = n;
    return ALB_OK;
}

static enum alb_step step_source(struct alb_req *req)
{
    alb_res_etag(req, ALB_STR("t"), false);
    alb_res_source(req, 100000, read_x, NULL);
    return ALB_STEP_DONE;
}

static enum alb_step step_stream(struct alb_req *req)
{
    struct alb_buf b = ALB_BUF_INIT(1000);

    alb_buf_c(&b, "streamed");
    alb_res_stream(req);
    (void)alb_res_write_buf(req, &b);
    alb_buf_fini(&b);
    return ALB_STEP_DONE;
}

static const struct alb_route fault_routes[] = {
    {"/arm", ALB_M_GET, ALB_BODY_NONE, 0, 0, hot_arm, NULL},
    {"/arm/step", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, step_arm},
    {"/hot", ALB_M_GET, ALB_BODY_NONE, 0, 0, hot_ok, NULL},
    {"/echo", ALB_M_POST, ALB_BODY_SMALL, 0, 0, NULL, step_echo},
    {"/count", ALB_M_POST, ALB_BODY_STREAM, 0, 0, NULL, step_count},
    {"/source", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, step_source},
    {"/stream", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, step_stream},
};

/* What is asked under each plan, and a piece of the answer if it is a good one. */
static const struct {
    const char *request, *good;
    size_t body; /* further bytes behind it */
} asked[] = {
    {"GET /hot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\n\r\nok", 0},
    {"GET /hot HTTP/1.1\r\nHost: a\r\n\r\nGET /hot?2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
     "\r\n\r\nok", 0},
    {"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 ", 0},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 50000\r\n\r\n",
     "\r\nContent-Length: 50000\r\n", 50000},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
     "5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n",
     "\r\nX-Trailer: 7\r\n", 0},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
     "GET /hot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
     "\r\n\r\nok", 0},
    {"POST /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n",
     "\r\nX-Count: 60000\r\n", 60000},
    {"GET /source HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\nContent-Length: 100000\r\n", 0},
    {"GET /source HTTP/1.1\r\nHost: a\r\nConnection: close\r\nIf-None-Match: \"a\"\r\nIf-None-Match: "
     "\"b\"\r\n"
     "Range: bytes=0-9,20-29\r\n\r\n",
     "multipart/byteranges", 0},
    {"GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "streamed", 0},
};

/* Every answer is good, or an error, or the connection ends; nobody is left waiting. */
static bool ask_under_fault(size_t i)
{
    static char body[65536];
    char request[1024];
    const char *out;
    int fd = dial();

    memset(body, 'x', sizeof(body));
    (void)snprintf(request, sizeof(request), "%s", asked[i].request);
    say(fd, request);
    if (asked[i].body > 0)
        (void)send(fd, body, asked[i].body, MSG_NOSIGNAL);
    errno = 0;
    out = read_all(fd);
    if (errno == EAGAIN)
        fail_msg("no end: %s", asked[i].request);
    if (strstr(out, asked[i].good))
        return true;
    if (out[0] && !strstr(out, "HTTP/1.1 50") && strncmp(out, "HTTP/1.1 ", 9) != 0)
        fail_msg("%s: %s", asked[i].request, out);
    return false;
}

static bool arm_with(const char *path, unsigned n)
{
    char target[64];

    (void)snprintf(target, sizeof(target), "%s?n=%u", path, n);
    return strstr(get(target, ""), "quiet") == NULL; /* it may have struck this request as well */
}

static void sweep(const char *path)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(asked); i++) {
        unsigned n = 0;
        bool fired = true, good = false;

        while (fired) {
            assert_true(++n < 200);
            (void)arm_with(path, n);
            good = ask_under_fault(i);
            fired = arm_with(path, 0);
        }
        assert_true(good); /* no fault: a good answer */
    }
}

static void test_memory(void **state)
{
    (void)state;
    prepare(1, 16);
    config.loops = 1;
    begin(fault_routes, ALB_ARRAY_LEN(fault_routes));
    sweep("/arm");
    sweep("/arm/step");
    finish();
}

/* ---- descriptors -------------------------------------------------------------------------------------- */

/* How many descriptors the epoll sets of this process watch. */
static unsigned watched(void)
{
    DIR *d = opendir("/proc/self/fdinfo");
    unsigned n = 0;
    char line[256];

    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);
        FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
        while (f && fgets(line, sizeof(line), f))
            n += strncmp(line, "tfd:", 4) == 0;
        if (f)
            (void)fclose(f);
    }
    (void)closedir(d);
    return n;
}

/* A child that is being started holds copies of all descriptors for a moment; here, for longer. */
static void test_closed_beside_a_child(void **state)
{
    int64_t deadline;
    unsigned before;
    int fd, hold[2];
    char answer[512];
    pid_t child;

    (void)state;
    prepare(1, 16);
    begin(plain, ALB_ARRAY_LEN(plain));
    before = watched();
    fd = dial();
    say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(recv(fd, answer, sizeof(answer), 0) > 0);
    assert_int_equal(watched(), before + 1);
    assert_int_equal(pipe(hold), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(hold[1]);
        _exit(read(hold[0], answer, 1) == 0 ? 0 : 1);
    }
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    deadline = soon(120000);
    while (alb_http_look(server).connections > 0 && alb_mono(alb_clock_real()) < deadline)
        (void)sched_yield();
    assert_int_equal(watched(), before); /* nothing is heard of it any more */
    (void)close(hold[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(hold[0]);
    (void)close(fd);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections_by_address),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_closed_beside_a_child),
    };

    alb_log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), ALB_LOG_LOGFMT,
                  ALB_LOG_ERROR); /* full of errors */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
