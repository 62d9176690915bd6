/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses are of the open internet (IANA special-purpose registries, RFC 6890 and its updates). What
 * is not known to be public is not: IPv6 outside of 2000::/3 has no public use.
 */
#include <netinet/in.h>
#include <string.h>

#include "fetch/priv.h"

struct block {
    unsigned char b[16];
    unsigned bits;
};

static const struct block v4_special[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* shared by carriers */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local; the metadata of clouds lives here */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relays */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, broadcast */
};

static const struct block v6_special[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* Teredo, ORCHID and other assignments: none is a server's */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4: carries an IPv4 address */
    {{0x3f, 0xff, 0x00, 0x00}, 20}, /* documentation */
};

static bool is_in(const unsigned char *address, const struct block *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t whole = list[i].bits / 8, rest = list[i].bits % 8;
        unsigned mask = rest ? (0xff00u >> rest) & 0xffu : 0;
        if (memcmp(address, list[i].b, whole) == 0 && ((address[whole] ^ list[i].b[whole]) & mask) == 0)
            return true;
    }
    return false;
}

static bool v4_is_public(const unsigned char *a)
{
    return !is_in(a, v4_special, ALB_ARRAY_LEN(v4_special));
}

bool alb_fetch_is_public(const struct sockaddr *address)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return v4_is_public((const unsigned char *)&in.sin_addr);
    }
    if (address->sa_family != AF_INET6)
        return false;
    struct sockaddr_in6 in;
    memcpy(&in, address, sizeof(in));
    const unsigned char *a = in.sin6_addr.s6_addr;
    if (memcmp(a, mapped, sizeof(mapped)) == 0 || memcmp(a, nat64, sizeof(nat64)) == 0)
        return v4_is_public(a + 12);
    return (a[0] & 0xe0) == 0x20 && !is_in(a, v6_special, ALB_ARRAY_LEN(v6_special));
}
