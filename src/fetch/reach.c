/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses are of the open internet (IANA special-purpose registries, RFC 6890 and its updates), and
 * what the others are. What is not known to be public is not: IPv6 outside of 2000::/3 has no public use.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "fetch/fetch.h"
#include "fetch/priv.h"

struct block {
    unsigned char b[16];
    unsigned bits, needs;
};

static const struct block v4_special[] = {
    {{0, 0, 0, 0}, 32, ALB_FETCH_LOOPBACK},      /* unspecified: connects to this machine */
    {{0}, 8, ALB_FETCH_OTHER},                   /* this network */
    {{10}, 8, ALB_FETCH_PRIVATE},                /* private */
    {{100, 64}, 10, ALB_FETCH_PRIVATE},          /* shared by carriers */
    {{127}, 8, ALB_FETCH_LOOPBACK},              /* loopback */
    {{169, 254}, 16, ALB_FETCH_LINK_LOCAL},      /* link-local; the metadata of clouds lives here */
    {{172, 16}, 12, ALB_FETCH_PRIVATE},          /* private */
    {{192, 0, 0}, 24, ALB_FETCH_PRIVATE},        /* protocol assignments */
    {{192, 0, 2}, 24, ALB_FETCH_PRIVATE},        /* documentation */
    {{192, 88, 99}, 24, ALB_FETCH_PRIVATE},      /* 6to4 relays */
    {{192, 168}, 16, ALB_FETCH_PRIVATE},         /* private */
    {{198, 18}, 15, ALB_FETCH_PRIVATE},          /* benchmarks */
    {{198, 51, 100}, 24, ALB_FETCH_PRIVATE},     /* documentation */
    {{203, 0, 113}, 24, ALB_FETCH_PRIVATE},      /* documentation */
    {{224, 0, 0}, 24, ALB_FETCH_LINK_LOCAL},     /* multicast on this link */
    {{224}, 4, ALB_FETCH_OTHER},                 /* multicast */
    {{255, 255, 255, 255}, 32, ALB_FETCH_OTHER}, /* broadcast */
    {{240}, 4, ALB_FETCH_PRIVATE},               /* reserved; some use it inside */
};

static const struct block v6_special[] = {
    {{0}, 128, ALB_FETCH_LOOPBACK},                                              /* unspecified */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, ALB_FETCH_LOOPBACK}, /* loopback */
    {{0xfe, 0x80}, 10, ALB_FETCH_LINK_LOCAL},                                    /* link-local */
    {{0xff, 0x01}, 16, ALB_FETCH_LOOPBACK},            /* multicast inside this machine */
    {{0xff, 0x02}, 16, ALB_FETCH_LINK_LOCAL},          /* multicast on this link */
    {{0xff}, 8, ALB_FETCH_OTHER},                      /* multicast */
    {{0x20, 0x01, 0x00, 0x00}, 23, ALB_FETCH_PRIVATE}, /* Teredo, ORCHID and others: none is a server's */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, ALB_FETCH_PRIVATE}, /* documentation */
    {{0x20, 0x02}, 16, ALB_FETCH_PRIVATE},             /* 6to4 */
    {{0x3f, 0xff, 0x00, 0x00}, 20, ALB_FETCH_PRIVATE}, /* documentation */
};

/* Where in an IPv6 address an IPv4 address lies. */
static const struct carrier {
    unsigned char b[16];
    unsigned bits;
    size_t at;
    unsigned char flip; /* Teredo writes it inverted */
    bool plain;         /* nothing but a carrier: as good as what it carries */
} carriers[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 12, 0, true}, /* mapped */
    {{0}, 96, 12, 0, false},                                       /* compatible */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12, 0, true},                   /* NAT64 */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, 12, 0, false},      /* NAT64 of a network's own */
    {{0x20, 0x02}, 16, 2, 0, false},                               /* 6to4 */
    {{0x20, 0x01, 0x00, 0x00}, 32, 12, 0xff, false},               /* Teredo */
};

static bool is_in(const unsigned char *address, const unsigned char *b, unsigned bits)
{
    size_t whole = bits / 8, rest = bits % 8;
    unsigned mask = rest ? (0xff00u >> rest) & 0xffu : 0;
    return memcmp(address, b, whole) == 0 && (rest == 0 || ((address[whole] ^ b[whole]) & mask) == 0);
}

/* The first that it is in; `other` if it is in none. */
static unsigned look_up(const unsigned char *address, const struct block *list, size_t n, unsigned other)
{
    for (size_t i = 0; i < n; i++)
        if (is_in(address, list[i].b, list[i].bits))
            return list[i].needs;
    return other;
}

static unsigned v4_needs(const unsigned char *a)
{
    return look_up(a, v4_special, ALB_ARRAY_LEN(v4_special), ALB_FETCH_PUBLIC);
}

/* Of an address that carries no other. */
static unsigned v6_needs(const unsigned char *a)
{
    unsigned other = (a[0] & 0xe0) == 0x20 ? ALB_FETCH_PUBLIC : ALB_FETCH_PRIVATE;
    return look_up(a, v6_special, ALB_ARRAY_LEN(v6_special), other);
}

static unsigned carried_needs(const unsigned char *a, const struct carrier *c)
{
    unsigned char v4[4];
    for (size_t i = 0; i < sizeof(v4); i++)
        v4[i] = (unsigned char)(a[c->at + i] ^ c->flip);
    return v4_needs(v4);
}

static unsigned v6_and_carried_needs(const unsigned char *a)
{
    static const unsigned char isatap[4] = {0x00, 0x00, 0x5e, 0xfe};
    const struct carrier *c = carriers;
    if (a[15] <= 1 && is_in(a, v6_special[0].b, 120)) /* :: and ::1 carry nothing */
        return ALB_FETCH_LOOPBACK;
    for (size_t i = 0; i < ALB_ARRAY_LEN(carriers); i++, c++)
        if (is_in(a, c->b, c->bits))
            return carried_needs(a, c) | (c->plain ? ALB_FETCH_PUBLIC : v6_needs(a));
    if ((a[8] & 0xfd) == 0 && memcmp(a + 9, isatap + 1, 3) == 0) {
        const struct carrier in_isatap = {.at = 12};
        return carried_needs(a, &in_isatap) | v6_needs(a);
    }
    return v6_needs(a);
}

unsigned alb_fetch_needs(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return v4_needs((const unsigned char *)&in.sin_addr);
    }
    if (address->sa_family != AF_INET6)
        return ALB_FETCH_OTHER;
    struct sockaddr_in6 in;
    memcpy(&in, address, sizeof(in));
    return v6_and_carried_needs(in.sin6_addr.s6_addr);
}

/* ---- networks ---- */

static void map_v4(const void *v4, unsigned char out[16])
{
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    memcpy(out + 12, v4, 4);
}

bool alb_fetch_network_parse(struct alb_str text, struct alb_fetch_network *out)
{
    struct alb_str address, length;
    char name[INET6_ADDRSTRLEN];
    unsigned char v4[4];
    uint64_t bits = 128;
    bool has_length = alb_str_cut(text, '/', &address, &length);
    if ((has_length && !alb_str_u64(length, &bits)) || !alb_str_to_c(address, name, sizeof(name)))
        return false;
    if (inet_pton(AF_INET, name, v4) == 1) {
        map_v4(v4, out->address);
        bits = has_length ? (bits > 32 ? 129 : bits + 96) : 128;
    } else if (inet_pton(AF_INET6, name, out->address) != 1) {
        return false;
    }
    out->bits = (unsigned)bits;
    return bits <= 128;
}

static bool in_any(const unsigned char *address, const struct alb_fetch_network *networks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_in(address, networks[i].address, networks[i].bits))
            return true;
    return false;
}

bool alb_fetch_is_in(const struct sockaddr *address, const struct alb_fetch_network *networks, size_t count)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    unsigned char mapped[16], carried[4];
    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        map_v4(&v4.sin_addr, mapped);
        return in_any(mapped, networks, count);
    }
    if (address->sa_family != AF_INET6)
        return count > 0;
    memcpy(&v6, address, sizeof(v6));
    const unsigned char *a = v6.sin6_addr.s6_addr;
    bool found = in_any(a, networks, count);
    for (size_t i = 0; i < ALB_ARRAY_LEN(carriers) && !found; i++) {
        if (!is_in(a, carriers[i].b, carriers[i].bits))
            continue;
        for (size_t k = 0; k < sizeof(carried); k++)
            carried[k] = (unsigned char)(a[carriers[i].at + k] ^ carriers[i].flip);
        map_v4(carried, mapped);
        found = in_any(mapped, networks, count);
    }
    return found;
}
