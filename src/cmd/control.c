/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

#define MAGIC "ALBD"
#define CALL_MAX ((uint32_t)64 << 10)
#define WORDS_MAX 256
#define PATIENCE_S 10
#define CALLS_MAX 4             /* at the same time: a long check does not keep others from working */
#define REFUSED_MAX 16          /* callers who are being told that the server is busy */
#define REFUSED_NS ALB_NS_PER_S /* so long may one of them take to read that */

/* One call that runs now. */
struct slot {
    struct alb_control *control;
    struct alb_thread thread;
    int fd;
    atomic_bool ended; /* the thread only needs to be joined */
};

/* A caller who has its answer (busy) already. Closing over what it has sent would take the answer away again,
 * so that is read away, as it comes: nobody else waits for it. */
struct refused {
    int fd;        /* -1: free */
    int64_t until; /* real monotonic ns */
    size_t left;   /* bytes that are still read */
};

struct alb_control {
    /* fixed after start */
    struct alb_admin *admin;
    int listener, wake[2];
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct alb_thread thread;
    atomic_bool stopping;
    /* owned by the control thread */
    struct slot slots[CALLS_MAX];
    struct refused refused[REFUSED_MAX];
};

/* ---- bytes on a socket ---- */

static bool send_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* `until`: real monotonic ns, looked at between pieces, so that a byte now and then does not go on for ever.
 */
static bool receive_all(int fd, void *p, size_t n, int64_t until)
{
    char *at = p;
    while (n > 0) {
        if (alb_mono(alb_clock_real()) >= until)
            return false;
        ssize_t got = recv(fd, at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static bool send_frame(int fd, int kind, const void *p, size_t n)
{
    unsigned char head[5] = {(unsigned char)kind};
    uint32_t len = (uint32_t)n;
    memcpy(head + 1, &len, sizeof(len));
    return send_all(fd, head, sizeof(head)) && send_all(fd, p, n);
}

static bool address(const char *data, struct sockaddr_un *a)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(a->sun_path, sizeof(a->sun_path), "%s/control.sock", data);
    return n > 0 && (size_t)n < sizeof(a->sun_path);
}

/* ---- server ---- */

struct remote {
    struct alb_console console;
    int fd;
};

static bool remote_write(struct alb_console *c, int stream, struct alb_str text)
{
    return send_frame(ALB_CONTAINER_OF(c, struct remote, console)->fd, stream, text.p, text.n);
}

struct call {
    char *room; /* all words, each with a NUL behind; alb_mem */
    char *words[WORDS_MAX + 1];
    uint32_t count, variables; /* words without the secret; the last ones of them are NAME=value */
    struct alb_str secret;
};

static bool receive_words(int fd, struct call *call, int64_t until)
{
    size_t used = 0;
    for (uint32_t i = 0; i <= call->count; i++) { /* the secret comes last and is no word */
        uint32_t n;
        if (!receive_all(fd, &n, sizeof(n), until) || n >= CALL_MAX - used)
            return false;
        char *word = call->room + used;
        if (!receive_all(fd, word, n, until))
            return false;
        word[n] = '\0';
        used += (size_t)n + 1;
        if (i < call->count)
            call->words[i] = word;
        else
            call->secret = alb_str_n(word, n);
    }
    return true;
}

static bool receive_call(int fd, struct call *call)
{
    char magic[4];
    int64_t until = alb_deadline(alb_mono(alb_clock_real()), PATIENCE_S * ALB_NS_PER_S);
    if (!receive_all(fd, magic, sizeof(magic), until) || memcmp(magic, MAGIC, sizeof(magic)) != 0 ||
        !receive_all(fd, &call->count, sizeof(call->count), until) ||
        !receive_all(fd, &call->variables, sizeof(call->variables), until) || call->count < 1 ||
        call->count > WORDS_MAX || call->variables > call->count - 1)
        return false;
    call->room = alb_mem_calloc(1, CALL_MAX);
    return call->room && receive_words(fd, call, until);
}

static int run_call(struct alb_control *k, const struct call *call, struct alb_console *console)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_options *options = NULL;
    char **rest = NULL;
    char *argv[WORDS_MAX + 1] = {NULL}, *environment[WORDS_MAX + 1] = {NULL};
    const struct alb_admin_command *command = alb_admin_find(call->words[0]);
    if (!command) {
        alb_console_err(console, "albumen: the server does not know the command %s\n", call->words[0]);
        return 2;
    }
    uint32_t argc = call->count - 1 - call->variables;
    memcpy(argv, &call->words[1], argc * sizeof(argv[0]));
    memcpy(environment, &call->words[1 + argc], call->variables * sizeof(argv[0]));
    if (alb_options_parse(command->command, (int)argc, argv, environment, &options, &rest, &err) != ALB_OK) {
        alb_console_err(console, "albumen: %s\n", err.msg);
        return 2;
    }
    const struct alb_admin_call admin_call = {.options = options, .words = rest, .secret = call->secret};
    int status = command->run(k->admin, &admin_call, console);
    alb_options_free(&options);
    return status;
}

static void serve_call(struct alb_control *k, int fd)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct call call = {.room = NULL};
    struct remote remote = {.console = {.write = remote_write, .stop = &k->stopping}, .fd = fd};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (receive_call(fd, &call)) {
        alb_log(ALB_LOG_INFO, "command", ALB_LOG_C("name", call.words[0]),
                ALB_LOG_C("verb",
                          call.count > 1 + call.variables && call.words[1][0] != '-' ? call.words[1] : ""));
        int32_t status = run_call(k, &call, &remote.console);
        (void)send_frame(fd, 0, &status, sizeof(status));
    }
    if (call.room)
        alb_wipe(call.room, CALL_MAX);
    alb_mem_free(call.room);
}

static void *slot_main(void *arg)
{
    struct slot *slot = arg;
    serve_call(slot->control, slot->fd);
    (void)shutdown(slot->fd, SHUT_RDWR); /* its descriptor is closed when the slot is used again */
    atomic_store(&slot->ended, true);
    return NULL;
}

static void slot_end(struct slot *slot)
{
    alb_thread_join(&slot->thread);
    alb_fs_close(&slot->fd);
}

/* False: all slots are in use (the caller reads that the server is busy). */
static bool slot_begin(struct alb_control *k, int fd)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        struct slot *slot = &k->slots[i];
        if (slot->thread.started && !atomic_load(&slot->ended))
            continue;
        slot_end(slot);
        slot->fd = fd;
        atomic_store(&slot->ended, false);
        if (alb_thread_start(&slot->thread, "command", slot_main, slot, NULL) == ALB_OK)
            return true;
        slot->fd = -1;
    }
    return false;
}

/* The answer fits into the buffer of a new socket, so sending it does not wait. */
static void refuse_call(struct alb_control *k, int fd)
{
    static const char text[] = "albumen: the server is busy with other commands, try again soon\n";
    const int32_t status = 1;
    struct refused *place = &k->refused[0];
    for (size_t i = 0; i < REFUSED_MAX && place->fd >= 0; i++)
        if (k->refused[i].fd < 0 || k->refused[i].until < place->until)
            place = &k->refused[i];
    alb_fs_close(&place->fd); /* all are in use: the oldest has had the most time */
    alb_ignore(fcntl(fd, F_SETFL, O_NONBLOCK) < 0, "then it would wait, and still be right");
    if (send_frame(fd, 2, text, sizeof(text) - 1))
        (void)send_frame(fd, 0, &status, sizeof(status));
    (void)shutdown(fd, SHUT_WR);
    *place = (struct refused){
        .fd = fd, .until = alb_deadline(alb_mono(alb_clock_real()), REFUSED_NS), .left = CALL_MAX};
}

/* What a refused caller has sent by now. */
static void drop_refused(struct refused *r)
{
    char drop[4096];
    ssize_t got;
    do {
        got = recv(r->fd, drop, sizeof(drop), MSG_DONTWAIT);
        if (got > 0)
            r->left -= (size_t)got < r->left ? (size_t)got : r->left;
    } while ((got > 0 && r->left > 0) || (got < 0 && errno == EINTR));
    if (got == 0 || r->left == 0 || (got < 0 && errno != EAGAIN))
        alb_fs_close(&r->fd);
}

/* Ends those whose time is over. Says how long poll may wait for the next one, in ms. */
static int end_refused(struct alb_control *k)
{
    int64_t now = alb_mono(alb_clock_real()), next = ALB_NEVER;
    for (size_t i = 0; i < REFUSED_MAX; i++) {
        if (k->refused[i].fd >= 0 && k->refused[i].until <= now)
            alb_fs_close(&k->refused[i].fd);
        if (k->refused[i].fd >= 0 && k->refused[i].until < next)
            next = k->refused[i].until;
    }
    return next == ALB_NEVER ? -1 : (int)((next - now) / ALB_NS_PER_MS) + 1;
}

/* Out of descriptors or memory: the listener stays ready, so wait a moment for something to be given back. */
static void wait_a_moment(struct alb_control *k)
{
    struct pollfd p = {.fd = k->wake[0], .events = POLLIN};
    (void)poll(&p, 1, 1000);
}

static void take_call(struct alb_control *k)
{
    int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EINTR && errno != ECONNABORTED)
            wait_a_moment(k);
    } else if (!slot_begin(k, fd)) {
        refuse_call(k, fd);
    }
}

static void *control_main(void *arg)
{
    struct alb_control *k = arg;
    while (!atomic_load(&k->stopping)) {
        struct pollfd p[REFUSED_MAX + 2];
        int timeout = end_refused(k);
        for (size_t i = 0; i < REFUSED_MAX; i++)
            p[i] = (struct pollfd){.fd = k->refused[i].fd, .events = POLLIN}; /* -1 is passed over */
        p[REFUSED_MAX] = (struct pollfd){.fd = k->listener, .events = POLLIN};
        p[REFUSED_MAX + 1] = (struct pollfd){.fd = k->wake[0], .events = POLLIN};
        if (poll(p, ALB_ARRAY_LEN(p), timeout) < 0 || p[REFUSED_MAX + 1].revents)
            continue;
        for (size_t i = 0; i < REFUSED_MAX; i++)
            if (p[i].revents)
                drop_refused(&k->refused[i]);
        if (p[REFUSED_MAX].revents)
            take_call(k);
    }
    for (size_t i = 0; i < REFUSED_MAX; i++)
        alb_fs_close(&k->refused[i].fd);
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (k->slots[i].fd >= 0)
            (void)shutdown(k->slots[i].fd, SHUT_RD); /* who has not said what it wants yet has had its time */
    for (size_t i = 0; i < CALLS_MAX; i++)
        slot_end(&k->slots[i]);
    return NULL;
}

static enum alb_code open_listener(struct alb_control *k, const char *data, struct alb_err *err)
{
    struct sockaddr_un a;
    if (!address(data, &a))
        return alb_fail(err, ALB_E_INVALID, "the path of the data folder is too long for a socket: %s", data);
    memcpy(k->path, a.sun_path, sizeof(k->path));
    (void)unlink(k->path); /* ours: the data folder is locked */
    k->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* The mode is set before the name exists, and not by umask: that is the process's, and others make files.
     */
    if (k->listener < 0 || fchmod(k->listener, 0600) < 0 ||
        bind(k->listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(k->listener, 16) < 0 ||
        pipe2(k->wake, O_CLOEXEC) < 0)
        return alb_fail_sys(err, ALB_E_IO, errno, "control socket %s", k->path);
    return ALB_OK;
}

enum alb_code alb_control_start(const char *data, struct alb_admin *admin, struct alb_control **out,
                                struct alb_err *err)
{
    struct alb_control *k = alb_mem_calloc(1, sizeof(*k));
    *out = k;
    if (!k)
        return alb_fail(err, ALB_E_NO_MEMORY, "control socket");
    k->admin = admin;
    k->listener = k->wake[0] = k->wake[1] = -1;
    for (size_t i = 0; i < CALLS_MAX; i++) {
        k->slots[i].control = k;
        k->slots[i].fd = -1;
    }
    for (size_t i = 0; i < REFUSED_MAX; i++)
        k->refused[i].fd = -1;
    enum alb_code code = open_listener(k, data, err);
    if (code == ALB_OK)
        code = alb_thread_start(&k->thread, "control", control_main, k, err);
    if (code != ALB_OK)
        alb_control_stop(out);
    return code;
}

void alb_control_stop(struct alb_control **control)
{
    struct alb_control *k = *control;
    if (!k)
        return;
    *control = NULL;
    atomic_store(&k->stopping, true);
    while (k->thread.started && write(k->wake[1], "", 1) < 0 && errno == EINTR) {
    }
    alb_thread_join(&k->thread);
    if (k->listener >= 0)
        (void)unlink(k->path);
    alb_fs_close(&k->listener);
    alb_fs_close(&k->wake[0]);
    alb_fs_close(&k->wake[1]);
    alb_mem_free(k);
}

/* ---- caller ---- */

static bool send_word(int fd, const char *p, size_t n)
{
    uint32_t len = (uint32_t)n;
    return send_all(fd, &len, sizeof(len)) && send_all(fd, p, n);
}

/* The options that this process has from its environment hold for the command too. */
static bool is_ours(const char *variable)
{
    return strncmp(variable, "ALBUMEN_", 8) == 0;
}

static bool send_call(int fd, const char *command, int argc, char **argv, struct alb_str secret)
{
    uint32_t count = (uint32_t)argc + 1, variables = 0;
    for (char **e = environ; *e; e++)
        variables += is_ours(*e);
    count += variables;
    if (!send_all(fd, MAGIC, 4) || !send_all(fd, &count, sizeof(count)) ||
        !send_all(fd, &variables, sizeof(variables)) || !send_word(fd, command, strlen(command)))
        return false;
    for (int i = 0; i < argc; i++)
        if (!send_word(fd, argv[i], strlen(argv[i])))
            return false;
    for (char **e = environ; *e; e++)
        if (is_ours(*e) && !send_word(fd, *e, strlen(*e)))
            return false;
    return send_word(fd, secret.p, secret.n);
}

/* Passes the streams on until the exit status comes. */
static bool receive_answer(int fd, struct alb_console *console, int *status)
{
    for (;;) {
        unsigned char head[5];
        char text[4096];
        uint32_t n;
        if (!receive_all(fd, head, sizeof(head), ALB_NEVER))
            return false;
        memcpy(&n, head + 1, sizeof(n));
        if (n > sizeof(text) || !receive_all(fd, text, n, ALB_NEVER))
            return false;
        if (head[0] == 0) {
            int32_t code = 1;
            memcpy(&code, text, n < sizeof(code) ? n : sizeof(code));
            *status = code;
            return true;
        }
        (void)console->write(console, head[0], alb_str_n(text, n));
    }
}

bool alb_control_call(const char *data, const char *command, int argc, char **argv, struct alb_str secret,
                      struct alb_console *console, int *status)
{
    struct sockaddr_un a;
    int fd = -1;
    if (!address(data, &a))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        alb_fs_close(&fd);
        return false;
    }
    if (!send_call(fd, command, argc, argv, secret) || !receive_answer(fd, console, status)) {
        alb_console_err(console, "albumen: the server ended before it answered\n");
        *status = 1;
    }
    alb_fs_close(&fd);
    return true;
}
