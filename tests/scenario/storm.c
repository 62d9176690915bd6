/* SPDX-License-Identifier: Apache-2.0
 *
 * Many clients at once, for the test server (serverd.h). Verifies every answer; a client that waits longer
 * than the patience of the mode is a lost wake-up, and the run fails. Not part of the product.
 *
 *   http-storm ADDRESS load CONNECTIONS REQUESTS PATH        answers of PATH, all equal; prints the rate
 *   http-storm ADDRESS ready PID CONNECTIONS ROUNDS PATH     stops the server, makes exactly so many
 * connections ready, lets it go on http-storm ADDRESS hang SECONDS SEED                     connect, ask for
 * anything, leave in any way http-storm ADDRESS idle PID CONNECTIONS                  idle keep-alive
 * connections, memory per connection http-storm ADDRESS slow PID CONNECTIONS                  the same with
 * uploads that have begun http-storm ADDRESS events CLIENTS EVENTS                 server-sent events
 *   http-storm ADDRESS upload MEGABYTES [PATH]               one upload; prints MB/s
 *   http-storm bare MEGABYTES                                the same bytes into a bare recv loop
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_storage address;
static socklen_t address_n;

static void die(const char *what)
{
    fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void set_address(const char *text)
{
    if (strncmp(text, "unix:", 5) == 0) {
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        snprintf(un.sun_path, sizeof(un.sun_path), "%s", text + 5);
        memcpy(&address, &un, sizeof(un));
        address_n = sizeof(un);
    } else {
        struct sockaddr_in in = {.sin_family = AF_INET};
        const char *colon = strrchr(text, ':');
        char host[64];

        snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
        in.sin_port = htons((uint16_t)atoi(colon + 1));
        if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
            die("address");
        memcpy(&address, &in, sizeof(in));
        address_n = sizeof(in);
    }
}

static int dial(void)
{
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct timeval patience = {10, 0};

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, address_n) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static void say(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t k = send(fd, text, n, MSG_NOSIGNAL);

        if (k < 0)
            die("send");
        text += k;
        n -= (size_t)k;
    }
}

/* ---- answers ------------------------------------------------------------------------------------- */

struct answer {
    char buf[65536];
    size_t n;
    int status;
    size_t head, body; /* of a complete one */
};

/* -1: broken; 0: more; 1: complete. Only answers with Content-Length. */
static int look(struct answer *a)
{
    char *end, *length;

    a->buf[a->n] = '\0';
    end = strstr(a->buf, "\r\n\r\n");
    if (!end)
        return a->n < sizeof(a->buf) - 1 ? 0 : -1;
    if (sscanf(a->buf, "HTTP/1.1 %d ", &a->status) != 1)
        return -1;
    length = strcasestr(a->buf, "\r\nContent-Length: ");
    if (!length || length > end)
        return -1;
    a->head = (size_t)(end + 4 - a->buf);
    a->body = strtoul(length + 18, NULL, 10);
    return a->n >= a->head + a->body;
}

static bool ask(int fd, const char *path, struct answer *a)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path), done = 0;

    say(fd, text, (size_t)n);
    a->n = 0;
    while (done == 0) {
        ssize_t k = recv(fd, a->buf + a->n, sizeof(a->buf) - 1 - a->n, 0);

        if (k <= 0)
            return false;
        a->n += (size_t)k;
        done = look(a);
    }
    return done > 0;
}

static long memory_of(int pid)
{
    char path[64], line[256];
    long kb = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    f = fopen(path, "r");
    if (!f)
        die(path);
    while (fgets(line, sizeof(line), f))
        if (sscanf(line, "VmRSS: %ld", &kb) == 1)
            break;
    fclose(f);
    return kb * 1024;
}

/* Everything that was begun has ended, and its hooks have run. */
static void expect_quiet(void)
{
    static struct answer a;
    double until = now() + 20;
    int fd = dial();

    do { /* again: of those who have left, one may have come in only now */
        if (!ask(fd, "/quiet", &a) || a.status != 200)
            die("the server does not become quiet");
        if (!ask(fd, "/counts", &a) || now() > until)
            die("something is left open");
    } while (!strstr(a.buf, "open=0 "));
    printf("%s", a.buf + a.head);
    close(fd);
}

/* ---- load ---------------------------------------------------------------------------------------- */

struct client {
    int fd;
    struct answer a;
};

static void load(int connections, long requests, const char *path)
{
    struct client *cs = calloc((size_t)connections, sizeof(*cs));
    struct epoll_event ev, events[64];
    char text[512];
    int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path), ep = epoll_create1(0);
    long sent = 0, done = 0;
    size_t body = 0;
    double begun = now();

    for (int i = 0; i < connections; i++) {
        cs[i].fd = dial();
        ev = (struct epoll_event){.events = EPOLLIN, .data.ptr = &cs[i]};
        if (epoll_ctl(ep, EPOLL_CTL_ADD, cs[i].fd, &ev) != 0)
            die("epoll");
        say(cs[i].fd, text, (size_t)n);
        sent++;
    }
    while (done < requests) {
        int k = epoll_wait(ep, events, 64, 10000);

        if (k <= 0) {
            fprintf(stderr, "storm: stalled after %ld of %ld answers\n", done, requests);
            exit(1);
        }
        for (int i = 0; i < k; i++) {
            struct client *c = events[i].data.ptr;
            ssize_t got = recv(c->fd, c->a.buf + c->a.n, sizeof(c->a.buf) - 1 - c->a.n, MSG_DONTWAIT);
            int said;

            if (got <= 0)
                die("recv");
            c->a.n += (size_t)got;
            said = look(&c->a);
            if (said < 0 || (said > 0 && (c->a.status != 200 || c->a.n != c->a.head + c->a.body ||
                                          (body && c->a.body != body)))) {
                fprintf(stderr, "storm: wrong answer: %s\n", c->a.buf);
                exit(1);
            }
            if (said == 0)
                continue;
            body = c->a.body;
            c->a.n = 0;
            done++;
            if (sent < requests) {
                say(c->fd, text, (size_t)n);
                sent++;
            }
        }
    }
    printf("load %s: %ld answers on %d connections, %.0f/s\n", path, done, connections,
           (double)done / (now() - begun));
    for (int i = 0; i < connections; i++)
        close(cs[i].fd);
    free(cs);
}

/* ---- exactly so many at once ---------------------------------------------------------------------- */

static void ready(int pid, int connections, int rounds, const char *path)
{
    int *fds = calloc((size_t)connections, sizeof(int));
    static struct answer a;
    char text[512];
    int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    double worst = 0;

    for (int i = 0; i < connections; i++) {
        fds[i] = dial();
        if (!ask(fds[i], "/hello", &a))
            die("first answer");
    }
    for (int r = 0; r < rounds; r++) {
        double t;

        kill(pid, SIGSTOP);
        for (int i = 0; i < connections; i++)
            say(fds[i], text, (size_t)n);
        kill(pid, SIGCONT);
        t = now();
        for (int i = 0; i < connections; i++) {
            int done = 0;

            for (a.n = 0; done == 0; done = look(&a)) {
                ssize_t k = recv(fds[i], a.buf + a.n, sizeof(a.buf) - 1 - a.n, 0);

                if (k <= 0)
                    die("an answer is missing");
                a.n += (size_t)k;
            }
            if (done < 0 || a.status != 200)
                die("wrong answer");
        }
        t = now() - t;
        worst = t > worst ? t : worst;
    }
    printf("ready %d x %d of %s: slowest round %.1f ms\n", connections, rounds, path, worst * 1000);
    for (int i = 0; i < connections; i++)
        close(fds[i]);
    free(fds);
}

/* ---- hang-ups ------------------------------------------------------------------------------------ */

struct victim {
    double until;
    unsigned seed;
    long asked, answered;
};

static void leave(int fd, unsigned *seed)
{
    struct linger rst = {1, 0};

    switch (rand_r(seed) % 3) {
    case 0:
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
        break;
    case 1:
        shutdown(fd, SHUT_WR);
        break;
    default:
        break;
    }
    close(fd);
}

static const char *request_of(unsigned *seed, char *text, size_t cap)
{
    static const char *const plain[] = {"/hello",
                                        "/step",
                                        "/slow?ms=5",
                                        "/slow?ms=60000",
                                        "/flight/a?ms=3",
                                        "/flight/b?ms=3&resign=1",
                                        "/flight/c?ms=60000",
                                        "/told?ms=5",
                                        "/lines?n=100000",
                                        "/source?size=3000000",
                                        "/events?n=50&ms=1",
                                        "/slow?ms=60000&deadline=3",
                                        "/nowhere",
                                        "/etag"};
    static const char *const posts[] = {"/upload",     "/echo",    "/refuse",     "/middle?after=500",
                                        "/drainfirst", "/interim", "/stuck?ms=5", "/step"};

    if (rand_r(seed) % 2)
        snprintf(text, cap, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", plain[(size_t)rand_r(seed) % 14]);
    else if (rand_r(seed) % 2)
        snprintf(text, cap, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n",
                 posts[(size_t)rand_r(seed) % 8], rand_r(seed) % 200000,
                 rand_r(seed) % 4 ? "" : "Expect: 100-continue\r\n");
    else
        snprintf(text, cap, "POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                 posts[(size_t)rand_r(seed) % 8]);
    return text;
}

static void *victim_main(void *arg)
{
    struct victim *v = arg;
    static const char noise[20000];
    struct answer *a = malloc(sizeof(*a));

    while (now() < v->until) {
        int fd = dial(), turns = rand_r(&v->seed) % 4;
        char text[512], drop[4096];

        while (turns-- > 0 && ask(fd, turns % 2 ? "/hello" : "/step", a)) { /* in between, all must be well */
            v->answered++;
            if (a->status != 200 || a->body != 1024)
                die("a good request was answered wrongly");
        }
        request_of(&v->seed, text, sizeof(text));
        if (send(fd, text, strlen(text) - (rand_r(&v->seed) % 8 ? 0 : 3), MSG_NOSIGNAL) > 0 &&
            text[0] == 'P' && rand_r(&v->seed) % 2)
            (void)!send(fd, noise, (size_t)rand_r(&v->seed) % sizeof(noise), MSG_NOSIGNAL | MSG_DONTWAIT);
        v->asked++;
        if (rand_r(&v->seed) % 2) { /* a little patience, perhaps some bytes of an answer */
            struct pollfd p = {fd, POLLIN, 0};

            if (poll(&p, 1, rand_r(&v->seed) % 8) > 0)
                (void)!recv(fd, drop, sizeof(drop), MSG_DONTWAIT);
        }
        leave(fd, &v->seed);
    }
    free(a);
    return NULL;
}

static void hang(double seconds, unsigned seed)
{
    enum { THREADS = 16 };
    pthread_t t[THREADS];
    struct victim v[THREADS];
    long asked = 0, answered = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        v[i] = (struct victim){now() + seconds, seed * 1000 + i, 0, 0};
        if (pthread_create(&t[i], NULL, victim_main, &v[i]) != 0)
            die("thread");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        asked += v[i].asked;
        answered += v[i].answered;
    }
    printf("hang: %ld hang-ups, %ld good answers between them\n", asked, answered);
    expect_quiet();
}

/* ---- idle and slow ones, events, uploads ----------------------------------------------------------- */

static void idle(int pid, int connections, bool slow)
{
    int *fds = calloc((size_t)connections, sizeof(int));
    static const char begun[] =
        "POST /upload?hash=0 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n0123456789";
    static struct answer a;
    long before, after;
    int fd = dial();

    for (int i = 0; i < 200; i++) /* warm up: buffers that are kept */
        if (!ask(fd, "/step", &a))
            die("answer");
    before = memory_of(pid);
    for (int i = 0; i < connections; i++) {
        fds[i] = dial();
        if (slow)
            say(fds[i], begun, sizeof(begun) - 1);
        else if (!ask(fds[i], "/hello", &a))
            die("answer");
    }
    while (slow) { /* all have been dispatched */
        unsigned requests;

        if (!ask(fd, "/counts", &a) || sscanf(strstr(a.buf, "waiting="), "waiting=%u", &requests) != 1)
            die("counts");
        if (requests >= (unsigned)connections)
            break;
    }
    after = memory_of(pid);
    printf("%s: %d connections, %ld bytes each (%ld KB in all)\n", slow ? "slow uploads" : "idle",
           connections, (after - before) / connections, after / 1024);
    for (int i = 0; i < connections; i++)
        close(fds[i]);
    close(fd);
    free(fds);
    expect_quiet();
}

static void events(int clients, int count)
{
    int *fds = calloc((size_t)clients, sizeof(int)), *seen = calloc((size_t)clients, sizeof(int));
    int ep = epoll_create1(0), left = clients;
    struct epoll_event evs[256];
    char text[256];
    int n = snprintf(text, sizeof(text), "GET /events?n=%d&ms=100 HTTP/1.0\r\n\r\n", count);
    double begun = now();

    for (int i = 0; i < clients; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

        fds[i] = dial();
        say(fds[i], text, (size_t)n);
        epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev);
    }
    while (left > 0) {
        int k = epoll_wait(ep, evs, 256, 10000);

        if (k <= 0)
            die("events stalled");
        for (int e = 0; e < k; e++) {
            char buf[4096];
            uint32_t i = evs[e].data.u32;
            ssize_t got = recv(fds[i], buf, sizeof(buf), 0);

            if (got < 0)
                die("recv");
            for (ssize_t b = 0; b < got; b++)
                seen[i] += buf[b] == '\n' && b > 0 && buf[b - 1] == '\n';
            if (got == 0) {
                if (seen[i] != count) {
                    fprintf(stderr, "storm: client %u saw %d of %d events\n", i, seen[i], count);
                    exit(1);
                }
                close(fds[i]);
                left--;
            }
        }
    }
    printf("events: %d clients, %d each, %.1f s\n", clients, count, now() - begun);
    free(fds);
    free(seen);
    expect_quiet();
}

static void push(int fd, long long bytes)
{
    static char block[262144];

    while (bytes > 0) {
        size_t n = bytes < (long long)sizeof(block) ? (size_t)bytes : sizeof(block);

        say(fd, block, n);
        bytes -= (long long)n;
    }
}

static void upload(long long megabytes, const char *path)
{
    static struct answer a;
    char text[512];
    long long bytes = megabytes * 1000000;
    int fd = dial(), n, done = 0;
    double begun = now();

    n = snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %lld\r\n\r\n", path,
                 bytes);
    say(fd, text, (size_t)n);
    push(fd, bytes);
    while (done == 0) {
        ssize_t k = recv(fd, a.buf + a.n, sizeof(a.buf) - 1 - a.n, 0);

        if (k <= 0)
            die("no answer");
        a.n += (size_t)k;
        done = look(&a);
    }
    snprintf(text, sizeof(text), "bytes=%lld ", bytes);
    if (done < 0 || a.status != 200 || !strstr(a.buf, text))
        die("wrong answer");
    printf("upload %s: %lld MB, %.0f MB/s\n", path, megabytes, (double)bytes / 1e6 / (now() - begun));
    close(fd);
}

static void *bare_main(void *arg)
{
    static char block[262144];
    int fd = accept(*(int *)arg, NULL, NULL);

    while (recv(fd, block, sizeof(block), 0) > 0)
        ;
    close(fd);
    return NULL;
}

static void bare(long long megabytes)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), client;
    double begun;
    pthread_t t;

    address_n = sizeof(in);
    if (bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0 || listen(fd, 1) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &address_n) != 0 ||
        pthread_create(&t, NULL, bare_main, &fd) != 0)
        die("bare");
    client = dial();
    begun = now();
    push(client, megabytes * 1000000);
    close(client);
    pthread_join(t, NULL);
    printf("bare recv loop: %lld MB, %.0f MB/s\n", megabytes, (double)megabytes / (now() - begun));
}

int main(int argc, char **argv)
{
    struct rlimit files;
    const char *mode = argc > 2 ? argv[2] : "";

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "bare") == 0) {
        bare(atoll(argv[2]));
        return 0;
    }
    if (argc > 2)
        set_address(argv[1]);
    if (argc == 6 && strcmp(mode, "load") == 0)
        load(atoi(argv[3]), atol(argv[4]), argv[5]);
    else if (argc == 7 && strcmp(mode, "ready") == 0)
        ready(atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), argv[6]);
    else if (argc == 5 && strcmp(mode, "hang") == 0)
        hang(atof(argv[3]), (unsigned)atoi(argv[4]));
    else if (argc == 5 && (strcmp(mode, "idle") == 0 || strcmp(mode, "slow") == 0))
        idle(atoi(argv[3]), atoi(argv[4]), mode[0] == 's');
    else if (argc == 5 && strcmp(mode, "events") == 0)
        events(atoi(argv[3]), atoi(argv[4]));
    else if (argc >= 4 && strcmp(mode, "upload") == 0)
        upload(atoll(argv[3]), argc > 4 ? argv[4] : "/upload?hash=0");
    else
        return fprintf(stderr, "usage: see the head of storm.c\n"), 2;
    return 0;
}
