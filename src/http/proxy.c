/* SPDX-License-Identifier: Apache-2.0
 *
 * See proxy.h. Lists are walked from the right: the last entry was written by the proxy that connected to us;
 * as long as an entry is a trusted proxy itself, the one to its left may be believed too.
 */
#include "http/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v4(struct alb_addr *out, const void *four)
{
    memcpy(out->b, v4_prefix, 12);
    memcpy(out->b + 12, four, 4);
    out->unix_peer = false;
}

static bool is_v4(const struct alb_addr *a)
{
    return memcmp(a->b, v4_prefix, 12) == 0;
}

void alb_addr_from_sockaddr(const struct sockaddr_storage *ss, struct alb_addr *out)
{
    memset(out, 0, sizeof(*out));
    if (ss->ss_family == AF_INET) {
        set_v4(out, &((const struct sockaddr_in *)(const void *)ss)->sin_addr);
    } else if (ss->ss_family == AF_INET6) {
        memcpy(out->b, &((const struct sockaddr_in6 *)(const void *)ss)->sin6_addr, 16);
    } else {
        out->unix_peer = true;
    }
}

bool alb_addr_parse(struct alb_str s, struct alb_addr *out)
{
    char text[ALB_ADDR_TEXT];
    struct in_addr four;
    size_t colon;

    memset(out, 0, sizeof(*out));
    if (s.n > 0 && s.p[0] == '[') {
        size_t end = alb_str_find(s, ']');

        if (end == ALB_STR_NPOS)
            return false;
        s = alb_str_sub(s, 1, end - 1);
    } else {
        colon = alb_str_find(s, ':');
        if (colon != ALB_STR_NPOS && colon == alb_str_rfind(s, ':'))
            s = alb_str_sub(s, 0, colon); /* one colon only: a port behind an IPv4 address */
    }
    if (!alb_str_to_c(s, text, sizeof(text)))
        return false;
    if (inet_pton(AF_INET, text, &four) == 1) {
        set_v4(out, &four);
        return true;
    }
    return inet_pton(AF_INET6, text, out->b) == 1;
}

bool alb_addr_is_local(const struct alb_addr *a)
{
    static const unsigned char one[16] = {[15] = 1};

    return a->unix_peer || (is_v4(a) && a->b[12] == 127) || memcmp(a->b, one, 16) == 0;
}

/* By hand: every request asks for it, and inet_ntop goes through printf. */
static size_t v4_text(const unsigned char four[4], char *out)
{
    size_t n = 0;

    for (int i = 0; i < 4; i++) {
        unsigned v = four[i];

        if (v >= 100)
            out[n++] = (char)('0' + v / 100);
        if (v >= 10)
            out[n++] = (char)('0' + v / 10 % 10);
        out[n++] = (char)('0' + v % 10);
        out[n++] = i < 3 ? '.' : '\0';
    }
    return n - 1;
}

size_t alb_addr_text(const struct alb_addr *a, char out[ALB_ADDR_TEXT])
{
    if (a->unix_peer) {
        memcpy(out, "unix", 5);
        return 4;
    }
    if (is_v4(a))
        return v4_text(a->b + 12, out);
    if (!inet_ntop(AF_INET6, a->b, out, ALB_ADDR_TEXT))
        out[0] = '\0';
    return strlen(out);
}

bool alb_cidr_parse(struct alb_str s, struct alb_cidr *out)
{
    struct alb_str host, bits;
    uint64_t n = 128;

    memset(out, 0, sizeof(*out));
    if (alb_str_eq_c(s, "unix")) {
        out->addr.unix_peer = true;
        return true;
    }
    if (alb_str_cut(s, '/', &host, &bits) && !alb_str_u64(bits, &n))
        return false;
    if (!alb_addr_parse(host, &out->addr))
        return false;
    if (host.n != s.n && alb_str_find(host, ':') == ALB_STR_NPOS)
        n += 96; /* the length of an IPv4 prefix */
    out->bits = (unsigned)n;
    return n <= 128;
}

static bool in_cidr(const struct alb_cidr *c, const struct alb_addr *a)
{
    unsigned whole = c->bits / 8, rest = c->bits % 8;

    if (c->addr.unix_peer || a->unix_peer)
        return c->addr.unix_peer && a->unix_peer;
    if (memcmp(c->addr.b, a->b, whole) != 0)
        return false;
    return rest == 0 || (c->addr.b[whole] ^ a->b[whole]) >> (8 - rest) == 0;
}

bool alb_cidr_has(const struct alb_cidr *list, size_t n, const struct alb_addr *a)
{
    for (size_t i = 0; i < n; i++)
        if (in_cidr(&list[i], a))
            return true;
    return false;
}

/* ---- forwarding headers -------------------------------------------------------------------------- */

/* Walks the values of one list header from the last line's last entry to the first: calls with *line = count
 * and rest.p == NULL to begin. */
struct back {
    const struct alb_head *h;
    enum alb_known_header id;
    unsigned line;       /* fields before this one are still to come */
    struct alb_str rest; /* of the line at hand */
};

static bool back_next(struct back *b, struct alb_str *entry)
{
    size_t comma;

    while (!b->rest.p) {
        if (b->line == 0)
            return false;
        b->line--;
        if (alb_str_eq_ci(b->h->fields[b->line].name, b->h->fields[b->h->known[b->id] - 1].name))
            b->rest = b->h->fields[b->line].value;
    }
    comma = alb_str_rfind(b->rest, ',');
    if (comma == ALB_STR_NPOS) {
        *entry = alb_str_trim(b->rest);
        b->rest = ALB_STR_NONE;
    } else {
        *entry = alb_str_trim(alb_str_from(b->rest, comma + 1));
        b->rest = alb_str_sub(b->rest, 0, comma);
    }
    return true;
}

/* The value of `name` in one Forwarded element, quotes removed; p == NULL: absent. */
static struct alb_str forwarded_part(struct alb_str element, const char *name)
{
    struct alb_str pair, key, value;

    while (alb_str_next(&element, ';', &pair)) {
        if (!alb_str_cut(alb_str_trim(pair), '=', &key, &value) || !alb_str_eq_ci(key, alb_str_c(name)))
            continue;
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = alb_str_sub(value, 1, value.n - 2);
        return value;
    }
    return ALB_STR_NONE;
}

static void take_scheme(struct alb_seen *out, struct alb_str s)
{
    if (alb_str_eq_ci(s, ALB_STR("https")))
        out->scheme = ALB_STR("https");
    else if (alb_str_eq_ci(s, ALB_STR("http")))
        out->scheme = ALB_STR("http");
}

static void see_forwarded(struct back *b, const struct alb_cidr *trusted, size_t n, struct alb_seen *out)
{
    struct alb_str element;

    while (alb_cidr_has(trusted, n, &out->client) && back_next(b, &element)) {
        struct alb_str host = forwarded_part(element, "host"), who = forwarded_part(element, "for");
        struct alb_addr a;

        take_scheme(out, forwarded_part(element, "proto"));
        if (alb_is_host(host))
            out->host = host;
        if (!who.p || !alb_addr_parse(who, &a)) {
            memset(&out->client, 0,
                   sizeof(out->client)); /* "unknown", "_hidden": an address that nobody has */
            return;
        }
        out->client = a;
    }
}

static void see_x_forwarded(const struct alb_head *h, const struct alb_cidr *trusted, size_t n,
                            struct alb_seen *out)
{
    struct back b = {h, ALB_H_X_FORWARDED_PROTO, h->count, ALB_STR_NONE};
    struct alb_str entry;

    if (h->known[ALB_H_X_FORWARDED_PROTO] && back_next(&b, &entry))
        take_scheme(out, entry);
    b = (struct back){h, ALB_H_X_FORWARDED_HOST, h->count, ALB_STR_NONE};
    if (h->known[ALB_H_X_FORWARDED_HOST] && back_next(&b, &entry) && alb_is_host(entry))
        out->host = entry;
    b = (struct back){h, ALB_H_X_FORWARDED_FOR, h->count, ALB_STR_NONE};
    if (!h->known[ALB_H_X_FORWARDED_FOR])
        return;
    while (alb_cidr_has(trusted, n, &out->client) && back_next(&b, &entry)) {
        struct alb_addr a;

        if (!alb_addr_parse(entry, &a))
            return;
        out->client = a;
    }
}

void alb_proxy_see(const struct alb_head *h, const struct alb_addr *peer, const struct alb_cidr *trusted,
                   size_t trusted_n, struct alb_seen *out)
{
    *out = (struct alb_seen){*peer, ALB_STR_NONE, ALB_STR_NONE};
    if (!alb_cidr_has(trusted, trusted_n, peer))
        return;
    if (h->known[ALB_H_FORWARDED]) {
        struct back b = {h, ALB_H_FORWARDED, h->count, ALB_STR_NONE};

        see_forwarded(&b, trusted, trusted_n, out);
    } else {
        see_x_forwarded(h, trusted, trusted_n, out);
    }
}

/* ---- PROXY protocol ------------------------------------------------------------------------------ */

/* "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n", at most 107 bytes. */
static int parse_v1(const char *p, size_t n, struct alb_addr *client)
{
    const char *lf = memchr(p, '\n', n < 107 ? n : 107);
    struct alb_str rest, word, family;
    struct alb_addr a;

    if (!lf)
        return n < 107 ? 0 : -1;
    if (lf - p < 8 || lf[-1] != '\r')
        return -1;
    rest = alb_str_n(p, (size_t)(lf - p) - 1);
    if (!alb_str_next(&rest, ' ', &word) || !alb_str_next(&rest, ' ', &family))
        return -1;
    if (alb_str_eq_c(family, "UNKNOWN"))
        return (int)(lf - p) + 1;
    if ((!alb_str_eq_c(family, "TCP4") && !alb_str_eq_c(family, "TCP6")) ||
        !alb_str_next(&rest, ' ', &word) || !alb_addr_parse(word, &a))
        return -1;
    *client = a;
    return (int)(lf - p) + 1;
}

static int parse_v2(const char *p, size_t n, struct alb_addr *client)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t len;

    if (n < 16)
        return 0;
    len = (size_t)u[14] << 8 | u[15];
    if (u[12] >> 4 != 2 || 16 + len > ALB_PROXY_HEAD_MAX)
        return -1;
    if (n < 16 + len)
        return 0;
    if ((u[12] & 15) == 0)
        return (int)(16 + len); /* LOCAL: a health check of the proxy itself */
    if ((u[12] & 15) != 1)
        return -1;
    if (u[13] >> 4 == 1 && len >= 12) {
        set_v4(client, u + 16);
    } else if (u[13] >> 4 == 2 && len >= 36) {
        memcpy(client->b, u + 16, 16);
        client->unix_peer = false;
    }
    return (int)(16 + len);
}

int alb_proxy_parse(const char *p, size_t n, struct alb_addr *client)
{
    static const char v1[] = "PROXY ", v2[] = "\r\n\r\n\0\r\nQUIT\n";
    size_t k1 = n < 6 ? n : 6, k2 = n < 12 ? n : 12;

    if (memcmp(p, v1, k1) == 0)
        return k1 < 6 ? 0 : parse_v1(p, n, client);
    if (memcmp(p, v2, k2) == 0)
        return k2 < 12 ? 0 : parse_v2(p, n, client);
    return -1;
}
