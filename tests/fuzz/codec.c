/* SPDX-License-Identifier: Apache-2.0
 *
 * Small parsers: percent, base64, hex, UUID, times, numbers, UTF-8. Every text that a strict parser accepts
 * must come back when its value is written again: one value, one text.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "fuzz.h"

static void fuzz_percent(struct alb_str s)
{
    struct alb_buf encoded = ALB_BUF_INIT(SIZE_MAX / 2);
    size_t n;

    char *out = alb_mem_alloc_nofail(s.n);
    if (alb_percent_decode(s, true, out, s.n, &n))
        ALB_CHECK(n <= s.n);
    alb_percent_encode(&encoded, s);
    ALB_CHECK(alb_buf_code(&encoded) == ALB_OK);
    ALB_CHECK(alb_percent_decode(alb_buf_view(&encoded), false, out, s.n, &n));
    ALB_CHECK(alb_str_eq(s, alb_str_n(out, n)));
    alb_buf_fini(&encoded);
    alb_mem_free(out);
}

static void fuzz_base64(struct alb_str s, enum alb_b64 alphabet)
{
    struct alb_buf again = ALB_BUF_INIT(SIZE_MAX / 2);
    size_t cap = s.n / 4 * 3 + 3;

    unsigned char *out = alb_mem_alloc_nofail(cap);
    int64_t n = alb_b64_decode(s, out, cap, alphabet);
    if (n >= 0) {
        alb_b64_encode(&again, out, (size_t)n, alphabet);
        ALB_CHECK(alb_str_eq(s, alb_buf_view(&again)));
        ALB_CHECK(n == 0 || alb_b64_decode(s, out, (size_t)n - 1, alphabet) == -1);
    }
    alb_buf_reset(&again);
    alb_b64_encode(&again, s.p, s.n, alphabet);
    unsigned char *back = alb_mem_alloc_nofail(s.n);
    ALB_CHECK(alb_b64_decode(alb_buf_view(&again), back, s.n, alphabet) == (int64_t)s.n);
    ALB_CHECK(s.n == 0 || memcmp(back, s.p, s.n) == 0);
    alb_mem_free(back);
    alb_buf_fini(&again);
    alb_mem_free(out);
}

static void fuzz_ids(struct alb_str s)
{
    struct alb_uuid u;
    char text[37];
    unsigned char raw[8];

    if (alb_uuid_parse(s, &u)) {
        alb_uuid_text(&u, text);
        ALB_CHECK(alb_str_eq_ci(s, alb_str_c(text)));
    }
    if (alb_hex_decode(s, raw, sizeof(raw))) {
        alb_hex(raw, sizeof(raw), text);
        ALB_CHECK(alb_str_eq_ci(s, alb_str_c(text)));
    }
}

static void fuzz_times(struct alb_str s)
{
    char http[30], rfc3339[25];
    int64_t ms, again;
    int offset;

    if (alb_time_http_parse(s.p, s.n, &ms)) {
        alb_time_http(ms, http);
        ALB_CHECK(alb_time_http_parse(http, 29, &again) && again == ms);
    }
    if (alb_time_rfc3339_parse(s.p, s.n, &ms, &offset)) {
        alb_time_rfc3339(ms, rfc3339);
        ALB_CHECK(offset > -24 * 60 && offset < 24 * 60);
        ALB_CHECK(alb_time_rfc3339_parse(rfc3339, 24, &again, &offset) && again == ms && offset == 0);
    }
}

static void fuzz_numbers(struct alb_str s)
{
    char text[32];
    uint64_t u;
    int64_t i;
    double d;

    if (alb_str_u64(s, &u)) {
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)u);
        ALB_CHECK(alb_str_ends(s, alb_str_c(text))); /* leading zeros are allowed */
    }
    if (alb_str_i64(s, &i)) {
        (void)snprintf(text, sizeof(text), "%lld", i < 0 ? -(long long)(i + 1) : (long long)i);
        ALB_CHECK(i < 0 || alb_str_ends(s, alb_str_c(text)));
    }
    if (alb_str_double(s, &d))
        ALB_CHECK(__builtin_isfinite(d));
    if (alb_str_hex_u64(s, &u))
        ALB_CHECK(s.n >= 1 && s.n <= 16);
}

static void fuzz_text(struct alb_str s)
{
    struct alb_str rest = s;
    uint32_t c;
    bool good = true;

    while (rest.n > 0 && good) {
        size_t len = alb_utf8_next(rest, &c);
        ALB_CHECK(len <= 4 && len <= rest.n && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff));
        good = len > 0;
        rest = alb_str_from(rest, len);
    }
    ALB_CHECK(good == alb_str_is_utf8(s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t which = fuzz_take_byte(&data, &size);
    struct alb_str s = alb_str_n((const char *)data, size);

    switch (which % 8) {
    case 0:
        fuzz_percent(s);
        break;
    case 1:
        fuzz_base64(s, ALB_B64_STD);
        break;
    case 2:
        fuzz_base64(s, ALB_B64_URL);
        break;
    case 3:
        fuzz_ids(s);
        break;
    case 4:
        fuzz_times(s);
        break;
    case 5:
        fuzz_numbers(s);
        break;
    default:
        fuzz_text(s);
        break;
    }
    return 0;
}
