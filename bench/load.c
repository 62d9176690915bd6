/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-load PORT CONNECTIONS SECONDS FILE: asks a server on 127.0.0.1 for the paths in FILE, one a line, in turns, over
 * so many connections, each asking for the next when its answer is complete. Says "requests seconds p50 p99" (µs; until
 * the last byte of an answer).
 *
 * It costs less than a server does: bodies are thrown away in the kernel (MSG_TRUNC, tcp(7)), so that it is not what is
 * measured. That the bytes are right is for others to check. Any answer but 200 with a Content-Length ends it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096
#define PATHS_MAX 1024
#define HEAD_MAX 4096
#define SLOWEST_US 2000000 /* anything slower counts as that */

struct connection {
    int fd;
    int64_t asked_ns;
    uint64_t left; /* of the body */
    size_t head_n;
    bool in_body;
    char head[HEAD_MAX + 1];
};

static struct connection connections[CONNECTIONS_MAX];
static struct {
    char *text;
    size_t n;
} requests[PATHS_MAX];
static size_t request_count, next_request;
static uint32_t times[SLOWEST_US + 1];
static uint64_t answered;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench-load: %s: %s\n", what, errno ? strerror(errno) : "not what was expected");
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void read_paths(const char *file)
{
    char line[2000], text[2200];
    FILE *f = fopen(file, "r");

    if (f == NULL)
        die(file);
    while (request_count < PATHS_MAX && fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", line);
        requests[request_count].text = strdup(text);
        requests[request_count++].n = (size_t)n;
    }
    (void)fclose(f);
    if (request_count == 0)
        die("no paths");
}

static void ask(struct connection *c)
{
    size_t n = requests[next_request].n;

    c->asked_ns = now_ns();
    c->head_n = 0;
    c->in_body = false;
    if (send(c->fd, requests[next_request].text, n, MSG_NOSIGNAL) != (ssize_t)n)
        die("send");
    next_request = (next_request + 1) % request_count;
}

/* True: all of the head is there, and of the body what has come with it is counted. */
static bool take_head(struct connection *c)
{
    static const char length[] = "\r\ncontent-length:";
    const char *end, *at;

    c->head[c->head_n] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (end == NULL) {
        if (c->head_n == HEAD_MAX)
            die("a long head");
        return false;
    }
    at = strcasestr(c->head, length);
    if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0 || at == NULL || at > end)
        die(c->head);
    uint64_t body = strtoull(at + sizeof(length) - 1, NULL, 10),
             here = (uint64_t)(c->head + c->head_n - end - 4);
    if (here > body)
        die("more than the answer");
    c->left = body - here;
    c->in_body = true;
    return true;
}

/* False: nothing more has come. */
static bool read_some(struct connection *c)
{
    ssize_t got;

    if (c->in_body)
        got = recv(c->fd, NULL, c->left, MSG_TRUNC | MSG_DONTWAIT);
    else
        got = recv(c->fd, c->head + c->head_n, HEAD_MAX - c->head_n, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0)
        die("recv");
    if (c->in_body)
        c->left -= (uint64_t)got;
    else
        c->head_n += (size_t)got;
    return true;
}

static void go_on(struct connection *c)
{
    while (read_some(c)) {
        if (!c->in_body && !take_head(c))
            continue;
        if (c->left > 0)
            continue;
        int64_t us = (now_ns() - c->asked_ns) / 1000;
        times[us < SLOWEST_US ? us : SLOWEST_US]++;
        answered++;
        ask(c);
        return; /* its answer is not there yet */
    }
}

static void dial(struct connection *c, int epoll, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        die("connect");
    ask(c);
}

static unsigned slower_than(double share)
{
    uint64_t seen = 0;
    unsigned us = 0;

    while (us < SLOWEST_US && (seen += times[us]) < (uint64_t)((double)answered * share))
        us++;
    return us;
}

int main(int argc, char **argv)
{
    struct epoll_event events[256];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    long count = argc == 5 ? strtol(argv[2], NULL, 10) : 0;
    int64_t begin, end;

    if (count < 1 || count > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: bench-load PORT CONNECTIONS SECONDS FILE\n");
        return 2;
    }
    read_paths(argv[4]);
    begin = now_ns();
    end = begin + strtol(argv[3], NULL, 10) * 1000000000;
    for (long i = 0; i < count; i++)
        dial(&connections[i], epoll, (uint16_t)strtoul(argv[1], NULL, 10));
    while (now_ns() < end) {
        int n = epoll_wait(epoll, events, 256, 100);
        for (int i = 0; i < n; i++)
            go_on(events[i].data.ptr);
    }
    printf("%llu %.3f %u %u\n", (unsigned long long)answered, (double)(now_ns() - begin) / 1e9,
           slower_than(0.5), slower_than(0.99));
    return 0;
}
