/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets: made at start from the configuration or taken over from systemd, shared by all loops;
 * and accepting, with the limits on connections. Whoever accepts gives the connection to the emptiest loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/stat.h"
#include "http/hand.h"

#define BACKLOG 4096
#define ACCEPT_BATCH 32 /* per turn, so that accepting never starves those who are there */
#define REFUSED_MAX 256 /* that are told so; beyond it connections are just closed */
#define SYSTEMD_FIRST_FD 3
#define PAUSE_NS (ALB_NS_PER_S / 4) /* without descriptors */

/* ---- opening ------------------------------------------------------------------------------------- */

static void name_of(int fd, char *out, size_t cap)
{
    struct sockaddr_storage ss = {0};
    struct sockaddr_un un;
    socklen_t n = sizeof(ss);
    struct alb_addr a;
    char text[ALB_ADDR_TEXT];
    struct alb_buf b = ALB_BUF_INIT(cap - 1);

    out[0] = '\0';
    if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
        return;
    if (ss.ss_family == AF_UNIX) {
        memcpy(&un, &ss, sizeof(un));
        alb_buf_printf(&b, "unix:%.*s", (int)sizeof(un.sun_path), un.sun_path);
    } else {
        alb_addr_from_sockaddr(&ss, &a);
        (void)alb_addr_text(&a, text);
        alb_buf_printf(&b, ss.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", text,
                       (unsigned)ntohs(((struct sockaddr_in *)(void *)&ss)->sin_port));
    }
    if (alb_buf_code(&b) == ALB_OK)
        memcpy(out, alb_buf_cstr(&b), b.n + 1);
    alb_buf_fini(&b);
}

/* Takes fd over, whatever it says. */
static enum alb_code add(struct alb_http *s, int fd, bool inherited, const char *path, struct alb_err *err)
{
    struct alb_listener *li = &s->listeners[s->listener_n];
    int on = 1, flags = fcntl(fd, F_GETFL);

    if (s->listener_n == ALB_LISTENERS_MAX) {
        (void)close(fd);
        return alb_fail(err, ALB_E_INVALID, "more than %d addresses to listen on", ALB_LISTENERS_MAX);
    }
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        int sys = errno;

        (void)close(fd);
        return alb_fail_sys(err, ALB_E_IO, sys, "listening socket");
    }
    *li = (struct alb_listener){.source = {ALB_SOURCE_LISTENER}, .fd = fd, .inherited = inherited};
    if (path)
        alb_ignore(alb_str_to_c(alb_str_c(path), li->path, sizeof(li->path)), "bind has accepted it");
    li->unix_socket = path != NULL;
    /* Accepted sockets inherit these. They fail on Unix sockets, where they are not needed. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    name_of(fd, li->text, sizeof(li->text));
    s->listener_n++;
    return ALB_OK;
}

static enum alb_code open_systemd(struct alb_http *s, struct alb_err *err)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    uint64_t who, count;

    if (!pid || !fds || !alb_str_u64(alb_str_c(pid), &who) || !alb_str_u64(alb_str_c(fds), &count) ||
        who != (uint64_t)getpid() || count == 0 || count > ALB_LISTENERS_MAX)
        return alb_fail(err, ALB_E_INVALID, "listen=systemd, but no sockets were passed (LISTEN_FDS)");
    for (int i = 0; i < (int)count; i++) {
        enum alb_code code = add(s, SYSTEMD_FIRST_FD + i, true, NULL, err);

        if (code != ALB_OK)
            return code;
    }
    return ALB_OK;
}

/* A socket file that nobody listens on any more is in the way of the new one; a live one stays. */
static bool is_stale(const struct sockaddr_un *un)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool stale =
        fd >= 0 && connect(fd, (const struct sockaddr *)un, sizeof(*un)) != 0 && errno == ECONNREFUSED;

    if (fd >= 0)
        (void)close(fd);
    return stale;
}

/* "/path[,mode]", mode in octal. */
static enum alb_code open_unix(struct alb_http *s, struct alb_str spec, struct alb_err *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct alb_str path = spec, mode = ALB_STR_NONE;
    size_t comma = alb_str_rfind(spec, ',');
    unsigned bits = 0;
    int fd;

    if (comma != ALB_STR_NPOS) {
        path = alb_str_sub(spec, 0, comma);
        mode = alb_str_from(spec, comma + 1);
        for (size_t i = 0; i < mode.n; i++) {
            if (mode.p[i] < '0' || mode.p[i] > '7' || mode.n > 4)
                return alb_fail(err, ALB_E_INVALID, "listen: the mode of a socket is octal, such as 0660");
            bits = bits * 8 + (unsigned)(mode.p[i] - '0');
        }
    }
    if (path.n == 0 || !alb_str_to_c(path, un.sun_path, sizeof(un.sun_path)))
        return alb_fail(err, ALB_E_INVALID, "listen: the path of a Unix socket has 1 to 107 bytes");
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return alb_fail_sys(err, ALB_E_IO, errno, "socket");
    if (is_stale(&un))
        (void)unlink(un.sun_path);
    if (bind(fd, (struct sockaddr *)&un, sizeof(un)) != 0 ||
        (mode.n > 0 && chmod(un.sun_path, (mode_t)bits) != 0) || listen(fd, BACKLOG) != 0) {
        int sys = errno;

        (void)close(fd);
        return alb_fail_sys(err, ALB_E_IO, sys, "listen unix:%s", un.sun_path);
    }
    return add(s, fd, false, un.sun_path, err);
}

static enum alb_code open_address(struct alb_http *s, const struct addrinfo *ai, const char *spec,
                                  struct alb_err *err)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

    if (fd < 0)
        return alb_fail_sys(err, ALB_E_IO, errno, "socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (s->config.reuse_port)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (ai->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int sys = errno;

        (void)close(fd);
        return alb_fail_sys(err, ALB_E_IO, sys, "listen %s", spec);
    }
    return add(s, fd, false, NULL, err);
}

/* "host:port", "[v6]:port", ":port" (every address). */
static enum alb_code open_tcp(struct alb_http *s, const char *spec, struct alb_err *err)
{
    struct alb_str whole = alb_str_c(spec), host, port;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *list;
    size_t colon = alb_str_rfind(whole, ':');
    char host_c[256], port_c[8];
    enum alb_code code = ALB_OK;
    uint64_t number;
    int rc;

    host = alb_str_sub(whole, 0, colon == ALB_STR_NPOS ? 0 : colon);
    port = colon == ALB_STR_NPOS ? whole : alb_str_from(whole, colon + 1);
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = alb_str_sub(host, 1, host.n - 2);
    if (!alb_str_to_c(host, host_c, sizeof(host_c)) || !alb_str_to_c(port, port_c, sizeof(port_c)) ||
        !alb_str_u64(port, &number) || number > 65535)
        return alb_fail(err, ALB_E_INVALID, "listen %s: not HOST:PORT", spec);
    rc = getaddrinfo(host_c[0] ? host_c : NULL, port_c, &hints, &list);
    if (rc != 0)
        return alb_fail(err, ALB_E_INVALID, "listen %s: %s", spec, gai_strerror(rc));
    for (const struct addrinfo *ai = list; ai && code == ALB_OK; ai = ai->ai_next)
        code = open_address(s, ai, spec, err);
    freeaddrinfo(list);
    return code;
}

enum alb_code alb_listen_open(struct alb_http *s, const char *spec, struct alb_err *err)
{
    struct alb_str text = alb_str_c(spec);

    if (alb_str_eq_c(text, "systemd"))
        return open_systemd(s, err);
    if (alb_str_starts(text, ALB_STR("unix:")))
        return open_unix(s, alb_str_from(text, 5), err);
    return open_tcp(s, spec, err);
}

void alb_listen_close(struct alb_http *s)
{
    for (size_t i = 0; i < s->listener_n; i++) {
        struct alb_listener *li = &s->listeners[i];

        if (li->fd < 0)
            continue;
        (void)close(li->fd);
        li->fd = -1;
        if (li->path[0] && !li->inherited)
            (void)unlink(li->path);
    }
}

/* ---- accepting ----------------------------------------------------------------------------------- */

static struct alb_loop *emptiest(struct alb_loop *mine)
{
    struct alb_http *s = mine->server;
    struct alb_loop *best = mine;
    unsigned least = atomic_load_explicit(&mine->conn_count, memory_order_relaxed);

    for (unsigned i = 0; i < s->loop_n; i++) {
        unsigned n = atomic_load_explicit(&s->loops[i].conn_count, memory_order_relaxed);

        if (n < least) {
            best = &s->loops[i];
            least = n;
        }
    }
    return best;
}

/* Clients of one /64 count as one address. Peers on this machine and trusted proxies are not limited: they
 * speak for many. */
static bool admit(struct alb_http *s, struct alb_conn *c)
{
    static const unsigned char v4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const struct alb_http_limits *lim = &s->config.limits;

    if (atomic_fetch_add_explicit(&s->connections, 1, memory_order_relaxed) < lim->connections) {
        if (alb_addr_is_local(&c->peer) || alb_cidr_has(s->trusted, s->trusted_n, &c->peer))
            return true;
        memcpy(c->key.b, c->peer.b, 16);
        if (memcmp(c->peer.b, v4, 12) != 0)
            memset(c->key.b + 8, 0, 8);
        c->counted = alb_tally_up(s->addresses, &c->key, lim->connections_per_address);
        if (c->counted)
            return true;
    }
    atomic_fetch_sub_explicit(&s->connections, 1, memory_order_relaxed);
    c->refused = true;
    return false;
}

static uint16_t port_of(const struct sockaddr_storage *ss)
{
    if (ss->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)ss)->sin_port);
    return ss->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)(const void *)ss)->sin6_port) : 0;
}

static void take_in(struct alb_loop *l, int fd, const struct sockaddr_storage *ss)
{
    struct alb_http *s = l->server;
    struct alb_loop *to = emptiest(l);
    struct alb_conn *c;
    struct alb_addr peer;

    alb_addr_from_sockaddr(ss, &peer);
    c = alb_conn_new(to, fd, &peer);
    if (!c)
        return;
    c->port = port_of(ss);
    alb_stat_inc(ALB_STAT_HTTP_ACCEPTED);
    if (admit(s, c)) {
        alb_stat_inc(ALB_STAT_HTTP_CONNECTIONS);
    } else {
        alb_stat_inc(ALB_STAT_HTTP_REFUSED);
        if (atomic_fetch_add_explicit(&s->refused, 1, memory_order_relaxed) >= REFUSED_MAX) {
            atomic_fetch_sub_explicit(&s->refused, 1, memory_order_relaxed);
            alb_conn_discard(c);
            return;
        }
    }
    atomic_fetch_add_explicit(&to->conn_count, 1, memory_order_relaxed);
    if (to == l)
        alb_conn_begin(c);
    else
        alb_loop_post_conn(to, c);
}

/* No descriptors left: waiting connections stay in the backlog; without a pause epoll would tell of them
 * again and again. */
static void pause_accepting(struct alb_loop *l)
{
    struct alb_http *s = l->server;

    if (l->paused)
        return;
    for (size_t i = 0; i < s->listener_n; i++)
        (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->listeners[i].fd, NULL);
    l->listening = 0;
    l->paused = true;
    alb_wheel_set(&l->wheel, &l->resume_accept, alb_deadline(l->now, PAUSE_NS));
}

void alb_listen_accept(struct alb_loop *l, struct alb_listener *li)
{
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage ss = {0};
        socklen_t n = sizeof(ss);
        int fd = accept4(li->fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            take_in(l, fd, &ss);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(l);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return; /* EAGAIN: another loop was faster, or all are in */
        }
    }
}
