/* SPDX-License-Identifier: Apache-2.0
 *
 * Header values and targets: ranges, validators, queries, cookies, addresses, the PROXY protocol. The first
 * byte chooses.
 */
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "http/proxy.h"
#include "http/query.h"
#include "http/range.h"
#include "http/validators.h"

static void fuzz_range(struct alb_str s)
{
    static const uint64_t sizes[] = {0, 1, 100, (uint64_t)1 << 40, UINT64_MAX};

    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        struct alb_range r[ALB_RANGES_MAX];
        unsigned n;
        uint64_t total = 0;
        enum alb_range_kind kind = alb_range_parse(s, sizes[i], r, &n);

        ALB_CHECK(n <= ALB_RANGES_MAX && (kind == ALB_RANGE_PART) == (n > 0));
        for (unsigned k = 0; k < n; k++) {
            ALB_CHECK(r[k].len > 0 && r[k].off < sizes[i] && r[k].len <= sizes[i] - r[k].off);
            ALB_CHECK(r[k].len <= sizes[i] - total); /* never more than there is */
            total += r[k].len;
        }
    }
}

static void fuzz_validators(struct alb_str s)
{
    struct alb_conditions c = {s, s, s, s, s};
    struct alb_validators v = {true, ALB_STR("v1"), false, 1700000000000};

    (void)alb_decide(&c, true, &v);
    (void)alb_if_range_holds(&c, &v);
    /* A list that holds a tag for strong comparison holds it for weak comparison too. */
    if (alb_etag_in(s, v.etag, false, true))
        ALB_CHECK(alb_etag_in(s, v.etag, false, false));
}

static void fuzz_query(struct alb_str s)
{
    struct alb_arena *a = alb_arena_new(1 << 20);
    struct alb_str rest = s, key, value, out;
    size_t total = 0;

    ALB_CHECK(a != NULL);
    while (alb_query_next(&rest, &key, &value)) {
        total += key.n + value.n + 1;
        if (alb_query_decode(value, true, a, &out))
            ALB_CHECK(out.n <= value.n && memchr(out.p, 0, out.n) == NULL && out.p[out.n] == '\0');
    }
    ALB_CHECK(total <= s.n + 1);
    (void)alb_query_value(s, "a", a, &out);
    value = alb_cookie_get(s, "a");
    ALB_CHECK(value.p == NULL || (value.p >= s.p && value.p + value.n <= s.p + s.n));
    alb_arena_free(&a);
}

static void fuzz_address(struct alb_str s)
{
    struct alb_addr a, b;
    struct alb_cidr c;
    char text[ALB_ADDR_TEXT];

    if (alb_addr_parse(s, &a)) {
        size_t n = alb_addr_text(&a, text);

        ALB_CHECK(alb_addr_parse(alb_str_n(text, n), &b) && memcmp(&a, &b, sizeof(a)) == 0);
    }
    if (alb_cidr_parse(s, &c))
        ALB_CHECK(c.bits <= 128 && alb_cidr_has(&c, 1, &c.addr));
}

static void fuzz_proxy(struct alb_str s)
{
    struct alb_addr a = {.unix_peer = true};
    int whole = alb_proxy_parse(s.p, s.n, &a);

    ALB_CHECK(whole <= (int)s.n);
    for (size_t n = 1; n < s.n && n < 600; n++) { /* a beginning never says otherwise */
        int said = alb_proxy_parse(s.p, n, &a);

        ALB_CHECK(said == 0 || said == whole || whole == 0);
        ALB_CHECK(whole != 0 || said == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t which = fuzz_take_byte(&data, &size);
    struct alb_str s = {(const char *)data, size};

    if (size == 0 || size > 4096)
        return 0;
    switch (which % 5) {
    case 0:
        fuzz_range(s);
        break;
    case 1:
        fuzz_validators(s);
        break;
    case 2:
        fuzz_query(s);
        break;
    case 3:
        fuzz_address(s);
        break;
    default:
        fuzz_proxy(s);
        break;
    }
    return 0;
}
