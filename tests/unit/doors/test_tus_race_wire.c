/* SPDX-License-Identifier: Apache-2.0
 *
 * T20, as far as HTTP/1.1 goes: a client resets, closes or half closes its connection while 104 and the
 * final answer are written to it, with and without a next request behind the first one, a thousand times over
 * loopback. What it has read until then is whole answers in their order and the beginning of one; what it was
 * told of is there for its next connection, and it goes on from there to the end; and nothing is left of those
 * who have gone: no connection, no descriptor, no upload that is held.
 */
#include "../http/http_test.h"

#include "../http/served.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "../blob/kit.h"

#include "doors/tus/tus.h"

#define CLIENTS 4
#define ROUNDS (1000 / CLIENTS)
#define BODY_MAX 3000
#define RUFH "Upload-Draft-Interop-Version: 6\r\n"

static struct alb_uploads *uploads;
static struct alb_door_tus door;
static char folder[64];
static int folder_fd;
static struct alb_err err;

/* ---- a route that tells of each piece ---- */

static void tell_of(struct alb_req *req, int64_t taken)
{
    const struct alb_header offset = {"Upload-Offset",
                                      alb_arena_printf(alb_req_arena(req), "%lld", (long long)taken)};

    alb_req_interim(req, 104, &offset, 1);
}

static enum alb_step tell(struct alb_req *req)
{
    int64_t *taken = alb_req_slot(req);
    struct alb_str piece, text;

    if (taken == NULL) {
        taken = ALB_ARENA_NEW(alb_req_arena(req), int64_t);
        ALB_CHECK(taken != NULL);
        alb_req_set_slot(req, taken);
    }
    for (;;) {
        switch (alb_req_body_read(req, &piece)) {
        case ALB_BODY_DATA:
            *taken += (int64_t)piece.n;
            alb_req_body_consume(req, piece.n);
            tell_of(req, *taken);
            break;
        case ALB_BODY_AGAIN:
            return alb_req_wait_body(req);
        case ALB_BODY_END:
            text = alb_arena_printf(alb_req_arena(req), "taken %lld", (long long)*taken);
            alb_res_copy(req, text.p, text.n);
            return ALB_STEP_DONE;
        case ALB_BODY_GONE:
            alb_res_error_status(req, 400, "gone");
            return ALB_STEP_DONE;
        }
    }
}

static enum alb_hot ping(struct alb_req *req)
{
    alb_res_copy(req, alb_req_query(req).p, alb_req_query(req).n);
    return ALB_HOT_HIT;
}

static int setup(void **state)
{
    static const struct alb_route routes[] = {
        {.pattern = "/tell", .methods = ALB_M_POST, .body = ALB_BODY_STREAM, .step = tell},
        {.pattern = "/ping", .methods = ALB_M_GET, .hot = ping},
    };

    (void)state;
    kit_quiet();
    kit_dir_new(folder);
    folder_fd = kit_dir_open(folder);
    prepare(4, 256);
    struct alb_uploads_config u = {.data_dirfd = folder_fd,
                                   .clock = alb_clock_real(),
                                   .pool = pool,
                                   .sink = alb_upload_keep(),
                                   .layout = {.folder = "up", .plain = true, .unhashed = true}};
    alb_upload_limits_default(&u.limits);
    u.limits.min_free = 0;
    assert_ok(alb_uploads_open(&u, &uploads, &err));
    door = (struct alb_door_tus){.uploads = uploads};
    config.clock = alb_clock_real();
    config.limits.connections_per_address = 1000;
    assert_ok(alb_http_server_new(&config, &server, &err));
    assert_ok(alb_door_tus(server, &door, &err));
    assert_ok(alb_http_routes(server, &group, routes, ALB_ARRAY_LEN(routes), &err));
    assert_ok(alb_http_server_start(server, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    alb_uploads_stop(uploads);
    assert_int_equal(alb_http_server_stop(server, soon(120000)), ALB_OK);
    alb_http_server_free(&server);
    alb_uploads_free(&uploads);
    alb_pool_free(&pool);
    (void)close(folder_fd);
    kit_dir_remove(folder);
    return 0;
}

/* ---- a client ---- */

enum ending {
    READS_ALL,
    RESETS_AT_ONCE,
    RESETS_AFTER_104,
    RESETS_IN_ITS_BODY,
    RESETS_IN_AN_ANSWER,
    CLOSES,
    HALF_CLOSES,
    HALF_CLOSES_IN_ITS_BODY,
    ENDINGS
};

struct client {
    pthread_t thread;
    unsigned which;
    uint64_t random;
    unsigned hints, nameless; /* 104 that were read; creations whose URL it never learned */
    /* of this round */
    bool creates, complete, next;
    unsigned hints_now;
    enum ending ending;
    unsigned char body[BODY_MAX];
    size_t n, sent;
    char got[20000], location[200], tag[32];
    size_t got_n;
    int64_t said; /* offset in the final answer; -1: none */
    bool whole;   /* all answers have come */
};

static uint32_t dice(struct client *c, uint32_t n)
{
    c->random = c->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(c->random >> 33) % n;
}

static void send_all(int fd, const void *p, size_t n)
{
    (void)!send(fd, p, n, MSG_NOSIGNAL);
}

static void reset(int fd)
{
    const struct linger now = {1, 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)close(fd);
}

/* Up to `most` bytes more; false: there will be none. */
static bool hear(struct client *c, int fd, size_t most)
{
    size_t room = sizeof(c->got) - 1 - c->got_n;
    ssize_t n = recv(fd, c->got + c->got_n, most < room ? most : room, 0);

    if (n > 0)
        c->got_n += (size_t)n;
    c->got[c->got_n] = '\0';
    return n > 0;
}

/* Head and value of one answer at `at`; NULL: it is not all there. */
static const char *one_answer(const char *at, int *status, char *head, size_t cap, char *body,
                              size_t body_cap)
{
    const char *end = strstr(at, "\r\n\r\n"), *length;
    size_t n = 0;

    if (end == NULL)
        return NULL;
    ALB_CHECK(strncmp(at, "HTTP/1.1 ", 9) == 0); /* nothing of one answer inside another */
    *status = atoi(at + 9);
    (void)snprintf(head, cap, "%.*s\r\n", (int)(end - at), at);
    end += 4;
    length = strstr(head, "Content-Length: ");
    if (*status >= 200 && length != NULL)
        n = (size_t)atoi(length + 16);
    if (strlen(end) < n)
        return NULL;
    (void)snprintf(body, body_cap, "%.*s", (int)n, end);
    return end + n;
}

static void learn(struct client *c, const char *head)
{
    const char *location = strstr(head, "Location: http://a/"), *offset = strstr(head, "Upload-Offset: ");

    if (location != NULL)
        (void)sscanf(location, "Location: http://a%199[^\r]", c->location);
    if (offset != NULL)
        c->said = atoi(offset + 15);
}

/* 104 as often as may be, the answer, the answer to the next request, in this order; then no more. */
static void check_answers(struct client *c)
{
    char head[2000], body[2000], want[64];
    const char *at = c->got, *next;
    int status = 0, finals = 0;

    c->hints_now = 0;
    while (*at != '\0' && (next = one_answer(at, &status, head, sizeof(head), body, sizeof(body))) != NULL) {
        at = next;
        if (status == 104) {
            ALB_CHECK(finals == 0);
            c->hints_now++;
            if (c->creates)
                learn(c, head);
            continue;
        }
        finals++;
        if (finals == 1) {
            bool cut = c->sent < c->n;
            ALB_CHECK(status == (cut ? 400 : c->creates ? 201 : 200));
            if (c->creates)
                learn(c, head);
            (void)snprintf(want, sizeof(want), "taken %zu", c->n);
            ALB_CHECK(c->creates || cut || strcmp(body, want) == 0);
        } else {
            ALB_CHECK(finals == 2 && c->next && status == 200 && strcmp(body, c->tag) == 0);
        }
    }
    c->whole = *at == '\0' && finals == (c->next ? 2 : 1);
}

/* Head and body in pieces, the next request behind them. */
static void speak(struct client *c, int fd)
{
    char text[600];
    size_t until = c->n;

    (void)snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: a\r\n%s%sContent-Length: %zu\r\n\r\n",
                   c->creates ? "/files/" : "/tell", c->creates ? RUFH : "",
                   !c->creates   ? ""
                   : c->complete ? "Upload-Complete: ?1\r\n"
                                 : "Upload-Complete: ?0\r\n",
                   c->n);
    send_all(fd, text, strlen(text));
    if (c->ending == RESETS_IN_ITS_BODY || c->ending == HALF_CLOSES_IN_ITS_BODY)
        until = dice(c, (uint32_t)c->n);
    while (c->sent < until) {
        size_t n = 1 + dice(c, (uint32_t)(until - c->sent));
        send_all(fd, c->body + c->sent, n);
        c->sent += n;
    }
    if (c->sent < c->n || !c->next)
        return;
    (void)snprintf(text, sizeof(text), "GET /ping?%s HTTP/1.1\r\nHost: a\r\n\r\n", c->tag);
    send_all(fd, text, strlen(text));
}

static void end_it(struct client *c, int fd)
{
    switch (c->ending) {
    case RESETS_AFTER_104:
        while (strstr(c->got, "\r\n\r\n") == NULL && hear(c, fd, 4096))
            continue;
        break;
    case RESETS_IN_AN_ANSWER:
        (void)hear(c, fd, 1 + dice(c, 300));
        break;
    case HALF_CLOSES:
    case HALF_CLOSES_IN_ITS_BODY:
        (void)shutdown(fd, SHUT_WR);
        while (hear(c, fd, 4096))
            continue;
        break;
    case READS_ALL:
        while (check_answers(c), !c->whole)
            ALB_CHECK(hear(c, fd, 4096));
        break;
    case RESETS_AT_ONCE:
    case RESETS_IN_ITS_BODY:
    case CLOSES:
    case ENDINGS:
        break;
    }
    if (c->ending == CLOSES || c->ending == READS_ALL)
        (void)close(fd);
    else
        reset(fd);
}

/* ---- its next connection ---- */

/* One request and its answer on a connection of its own. */
static int again(struct client *c, const char *method, const char *headers, const void *p, size_t n)
{
    char text[600];
    int fd = dial(), status = 0;

    (void)snprintf(text, sizeof(text),
                   "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%sContent-Length: %zu\r\n%s\r\n",
                   method, c->location, RUFH, n, headers);
    send_all(fd, text, strlen(text));
    send_all(fd, p, n);
    c->got_n = 0;
    c->got[0] = '\0';
    while (hear(c, fd, sizeof(c->got)))
        continue;
    (void)close(fd);
    const char *at = c->got;
    while (strncmp(at, "HTTP/1.1 104", 12) == 0)
        at = strstr(at, "\r\n\r\n") + 4;
    ALB_CHECK(sscanf(at, "HTTP/1.1 %d", &status) == 1);
    return status;
}

static void go_on(struct client *c)
{
    char headers[200];

    ALB_CHECK(again(c, "HEAD", "", NULL, 0) == 204);
    const char *offset = strstr(c->got, "Upload-Offset: ");
    bool over = strstr(c->got, "Upload-Complete: ?1") != NULL;
    ALB_CHECK(offset != NULL);
    size_t at = (size_t)atoi(offset + 15);
    ALB_CHECK(at <= c->sent && (c->said < 0 || at == (size_t)c->said));
    ALB_CHECK(c->ending != READS_ALL || at == c->n);
    ALB_CHECK(!over || (at == c->n && c->complete));
    if (!over) {
        (void)snprintf(
            headers, sizeof(headers),
            "Content-Type: application/partial-upload\r\nUpload-Complete: ?1\r\nUpload-Offset: %zu\r\n", at);
        ALB_CHECK(again(c, "PATCH", headers, c->body + at, c->n - at) / 100 == 2);
    }
    ALB_CHECK(again(c, "GET", "", NULL, 0) == 200);
    const char *body = strstr(c->got, "\r\n\r\n") + 4;
    ALB_CHECK(c->got_n - (size_t)(body - c->got) == c->n && memcmp(body, c->body, c->n) == 0);
    ALB_CHECK(again(c, "DELETE", "", NULL, 0) == 204);
}

static void *run(void *arg)
{
    struct client *c = arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        c->ending = (enum ending)(round % ENDINGS);
        c->creates = dice(c, 4) > 0;
        c->complete = dice(c, 2) == 0;
        c->next = dice(c, 2) == 0;
        c->n = 1 + dice(c, BODY_MAX);
        for (size_t i = 0; i < c->n; i++) /* never the beginning of an answer, or of its end */
            c->body[i] = (unsigned char)('a' + dice(c, 26));
        (void)snprintf(c->tag, sizeof(c->tag), "c%u-r%u", c->which, round);
        c->sent = c->got_n = 0;
        c->said = -1;
        c->got[0] = c->location[0] = '\0';
        int fd = dial();
        speak(c, fd);
        end_it(c, fd);
        check_answers(c);
        ALB_CHECK(c->ending != READS_ALL || c->whole);
        c->hints += c->hints_now;
        if (c->location[0] != '\0')
            go_on(c);
        else
            c->nameless += c->creates;
    }
    return NULL;
}

/* ---- all of them ---- */

static bool all_is_quiet(int descriptors)
{
    struct alb_http_view h = alb_http_look(server);
    struct alb_uploads_view u = alb_uploads_look(uploads);

    return h.connections + h.requests + h.waiting == 0 && u.held + u.waiting + u.finishing == 0 &&
           kit_open_fds() == descriptors;
}

static void t20_clients_leave_at_any_byte(void **state)
{
    static struct client clients[CLIENTS];
    unsigned hints = 0, nameless = 0;
    int descriptors;

    (void)state;
    (void)get("/ping?warm", ""); /* what is opened once is open */
    descriptors = kit_open_fds();
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.which = i, .random = i * 1000003 + 17};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run, &clients[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        hints += clients[i].hints;
        nameless += clients[i].nameless;
    }
    int64_t deadline = soon(60000);
    while (!all_is_quiet(descriptors)) {
        assert_true(alb_mono(alb_clock_real()) < deadline);
        (void)sched_yield();
    }
    assert_true(hints > 0);
    assert_true(alb_uploads_look(uploads).known <= (int64_t)nameless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t20_clients_leave_at_any_byte, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
