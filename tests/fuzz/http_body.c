/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies in chunks, and forms. The second byte is the length of the pieces: whole and in pieces, the same
 * must come out. Pieces lie in memory of exactly their size.
 */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "fuzz.h"
#include "http/chunked.h"
#include "http/multipart.h"

static enum alb_chunked_state chunks(const char *p, size_t n, size_t piece, struct alb_buf *out, size_t *used)
{
    struct alb_chunked c;
    enum alb_chunked_state state;

    alb_chunked_init(&c);
    for (*used = 0; *used < n && c.state != ALB_CHUNK_END && c.state != ALB_CHUNK_BAD;) {
        size_t k = n - *used < piece ? n - *used : piece, payload, took;
        char *copy = alb_mem_alloc_nofail(k);

        memcpy(copy, p + *used, k);
        took = alb_chunked_decode(&c, copy, k, &payload);
        ALB_CHECK(took <= k && payload <= took);
        ALB_CHECK(took == k || c.state == ALB_CHUNK_END || c.state == ALB_CHUNK_BAD);
        alb_buf_add(out, copy, payload);
        *used += took;
        alb_mem_free(copy);
    }
    state = c.state;
    alb_chunked_fini(&c);
    return state;
}

static void fuzz_chunks(const char *p, size_t n, size_t piece)
{
    struct alb_buf a = ALB_BUF_INIT(1 << 20), b = ALB_BUF_INIT(1 << 20);
    size_t used_a, used_b;
    enum alb_chunked_state whole = chunks(p, n, n, &a, &used_a), cut = chunks(p, n, piece, &b, &used_b);

    ALB_CHECK(whole == cut && used_a == used_b);
    ALB_CHECK(alb_str_eq(alb_buf_view(&a), alb_buf_view(&b)));
    alb_buf_fini(&a);
    alb_buf_fini(&b);
}

/* Everything that came out, in a form that does not show the pieces. */
static void form(const char *p, size_t n, size_t piece, struct alb_buf *out)
{
    static struct alb_multipart m;
    bool over = false, open = false;

    if (!alb_multipart_init(&m, ALB_STR("multipart/form-data; boundary=\"X-\"")))
        return;
    for (size_t at = 0; at < n && !over; at += piece) {
        size_t k = n - at < piece ? n - at : piece;
        char *copy = alb_mem_alloc_nofail(k);
        struct alb_str in = {copy, k}, data;
        enum alb_multipart_event ev;

        memcpy(copy, p + at, k);
        while (!over && (ev = alb_multipart_next(&m, &in, &data)) != ALB_PART_MORE) {
            if (ev == ALB_PART_DATA) {
                ALB_CHECK(open && data.n > 0);
                alb_buf_str(out, data);
                continue;
            }
            ALB_CHECK(open == (ev == ALB_PART_END) || ev == ALB_PARTS_BAD);
            open = ev == ALB_PART_BEGIN;
            alb_buf_printf(out, "<%d>", (int)ev);
            if (open) {
                alb_buf_str(out, m.name);
                alb_buf_str(out, m.filename);
                alb_buf_str(out, m.type);
            }
            over = ev == ALB_PARTS_END || ev == ALB_PARTS_BAD;
        }
        ALB_CHECK(over || in.n == 0);
        alb_mem_free(copy);
    }
}

static void fuzz_form(const char *p, size_t n, size_t piece)
{
    struct alb_buf a = ALB_BUF_INIT(1 << 20), b = ALB_BUF_INIT(1 << 20);
    char out[64];
    struct alb_str value;

    form(p, n, n, &a);
    form(p, n, piece, &b);
    ALB_CHECK(alb_str_eq(alb_buf_view(&a), alb_buf_view(&b)));
    alb_buf_fini(&a);
    alb_buf_fini(&b);
    if (alb_header_param(alb_str_n(p, n), "name", out, sizeof(out), &value))
        ALB_CHECK(value.n <= sizeof(out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t which = fuzz_take_byte(&data, &size);
    size_t piece = (size_t)fuzz_take_byte(&data, &size) + 1;

    if (size == 0 || size > 20000)
        return 0;
    if (which & 1)
        fuzz_form((const char *)data, size, piece);
    else
        fuzz_chunks((const char *)data, size, piece);
    return 0;
}
