/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of requests. The first byte is where the bytes are cut: the scan must say the same of them whole, in
 * two pieces and byte by byte. What the parser accepts has only views into the head, obeys the rules of
 * framing, and is accepted again when it is written anew from its parts.
 */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "fuzz.h"
#include "http/parse.h"
#include "http/proxy.h"

static const struct alb_head_limits limits = {4096, 1024, 20};

/* Each piece is in memory of its own size. */
static int scan(const char *p, size_t n, size_t first, struct alb_head_scan *s)
{
    int said = ALB_SCAN_MORE;

    memset(s, 0, sizeof(*s));
    for (size_t have = first; said == ALB_SCAN_MORE && have <= n; have++) {
        char *copy = alb_mem_alloc_nofail(have);

        memcpy(copy, p, have);
        said = alb_head_scan(s, copy, have, &limits);
        alb_mem_free(copy);
        if (have < n && have >= first && first != 1)
            have = n - 1;
    }
    return said;
}

static void inside(struct alb_str s, const char *p, size_t n)
{
    ALB_CHECK(s.p == NULL || (s.p >= p && s.p + s.n <= p + n) || s.n == 1 /* the path of "http://host" */);
}

static void check_good(const struct alb_head *h, const char *p, size_t n)
{
    struct alb_buf again = ALB_BUF_INIT(65536);
    static struct alb_head h2;

    inside(h->method, p, n);
    inside(h->target, p, n);
    inside(h->path, p, n);
    inside(h->query, p, n);
    inside(h->host, p, n);
    ALB_CHECK(alb_is_token(h->method) && h->path.n > 0 && h->count <= limits.fields);
    ALB_CHECK(!(h->chunked && alb_head_known(h, ALB_H_CONTENT_LENGTH).p));
    ALB_CHECK(h->chunked == (h->length == -1) && h->length >= -1);
    ALB_CHECK(!h->v11 || h->host.n > 0);
    alb_buf_printf(&again, ALB_STR_FMT " " ALB_STR_FMT " HTTP/1.%d\r\n", ALB_STR_ARG(h->method),
                   ALB_STR_ARG(h->target), h->v11 ? 1 : 0);
    for (unsigned i = 0; i < h->count; i++) {
        inside(h->fields[i].name, p, n);
        inside(h->fields[i].value, p, n);
        ALB_CHECK(alb_is_token(h->fields[i].name));
        ALB_CHECK(memchr(h->fields[i].value.p, '\n', h->fields[i].value.n) == NULL);
        alb_buf_printf(&again, ALB_STR_FMT ":" ALB_STR_FMT "\r\n", ALB_STR_ARG(h->fields[i].name),
                       ALB_STR_ARG(h->fields[i].value));
    }
    alb_buf_c(&again, "\r\n");
    ALB_CHECK(alb_buf_code(&again) == ALB_OK);
    ALB_CHECK(alb_head_parse(again.p, again.n, &limits, &h2) == 0);
    ALB_CHECK(h2.length == h->length && h2.count == h->count && h2.keep_alive == h->keep_alive);
    ALB_CHECK(alb_str_eq(h2.path, h->path) && alb_str_eq(h2.host, h->host) && alb_str_eq(h2.query, h->query));
    alb_buf_fini(&again);
}

static void see(const struct alb_head *h)
{
    struct alb_cidr all = {.bits = 0};
    struct alb_addr peer = {.b = {1}};
    struct alb_seen seen;
    char text[ALB_ADDR_TEXT];

    alb_proxy_see(h, &peer, &all, 1, &seen);
    ALB_CHECK(alb_addr_text(&seen.client, text) < sizeof(text));
    ALB_CHECK(seen.host.p == NULL || alb_is_host(seen.host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct alb_head head;
    struct alb_head_scan whole, cut, bytes;
    size_t at = fuzz_take_byte(&data, &size);
    const char *p = (const char *)data;
    int said;

    if (size == 0 || size > 8192)
        return 0;
    at = 1 + at * size / 256;
    said = scan(p, size, size, &whole);
    /* A refusal of a limit may come earlier when the bytes come in pieces; everything else is the same. */
    ALB_CHECK(scan(p, size, at, &cut) == said || said >= 400);
    if (size < 600)
        ALB_CHECK(scan(p, size, 1, &bytes) == said || said >= 400);
    if (said != ALB_SCAN_DONE)
        return 0;
    ALB_CHECK(cut.at == whole.at && cut.start == whole.start && whole.at <= size);
    if (alb_head_parse(p + whole.start, whole.at - whole.start, &limits, &head) == 0) {
        check_good(&head, p, size);
        see(&head);
    }
    return 0;
}
