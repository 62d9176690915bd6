/* SPDX-License-Identifier: Apache-2.0
 *
 * Header fields of the tus door: structured fields, digests, checksums, concatenation lists, names of files.
 * The first byte chooses the parser.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/codec.h"
#include "doors/tus/digest.h"
#include "doors/tus/field.h"
#include "fuzz.h"

static void inside(struct alb_str part, struct alb_str whole)
{
    ALB_CHECK(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void items(struct alb_str s)
{
    bool yes;
    int64_t n;

    if (alb_sf_bool(s, &yes))
        ALB_CHECK(alb_str_find(s, yes ? '1' : '0') != ALB_STR_NPOS && !alb_sf_integer(s, &n));
    if (alb_sf_integer(s, &n))
        ALB_CHECK(n > -1000000000000000 && n < 1000000000000000);
}

static void dictionary(struct alb_str s)
{
    struct alb_str rest = s, key, value;
    bool broken = false;
    size_t count = 0;
    unsigned char bytes[64];

    while (alb_sf_dict_next(&rest, &key, &value, &broken)) {
        inside(key, s);
        ALB_CHECK(key.n > 0 && value.n > 0 && count++ < s.n);
        int64_t n = alb_sf_bytes(value, bytes, sizeof(bytes));
        ALB_CHECK(n >= -1 && n <= (int64_t)sizeof(bytes));
    }
    ALB_CHECK(rest.n == 0);
}

/* What is kept of the whole is read again as it was. */
static void whole(struct alb_str s)
{
    struct alb_digest_whole w, again;
    struct alb_buf note = ALB_BUF_INIT(1000);

    alb_digest_whole_read(s, &again);
    if (alb_digest_whole_parse(s, s, &w)) {
        alb_buf_c(&note, "name %0a\n");
        alb_digest_whole_write(&w, &note);
        alb_digest_whole_read(alb_buf_view(&note), &again);
        ALB_CHECK(again.given == w.given && again.wanted == w.wanted && again.want == w.want);
        ALB_CHECK(!w.given || (again.value.kind == w.value.kind && again.value.n == w.value.n &&
                               memcmp(again.value.p, w.value.p, w.value.n) == 0));
    }
    alb_buf_fini(&note);
}

/* What is accepted is a digest of that length, and can be said again. */
static void digests(struct alb_str s)
{
    static const size_t lengths[ALB_DIGEST_COUNT] = {20, 32, 16, 4, 4, 64};
    static const char *const names[ALB_DIGEST_COUNT - 1] = {"sha1", "sha256", "md5", "crc32c", "crc32"};
    struct alb_digest_value v, again;
    struct alb_tus_digests d = {0};

    if (alb_checksum_parse(s, &v)) {
        struct alb_buf out = ALB_BUF_INIT(1000);
        ALB_CHECK(v.n == lengths[v.kind]);
        alb_buf_c(&out, names[v.kind]);
        alb_buf_c(&out, " ");
        alb_b64_encode(&out, v.p, v.n, ALB_B64_STD);
        ALB_CHECK(alb_checksum_parse(alb_buf_view(&out), &again));
        ALB_CHECK(again.kind == v.kind && memcmp(again.p, v.p, v.n) == 0);
        alb_buf_fini(&out);
    }
    if (alb_digest_field_parse(s, &v) == 1) {
        ALB_CHECK(v.n == lengths[v.kind]);
        alb_digests_expect(&d, &v);
        alb_digests_update(&d, s.p, s.n);
        (void)!alb_digests_hold(&d);
    }
    whole(s);
}

static void lists(struct alb_str s, struct alb_arena *a)
{
    struct alb_str urls, id;
    bool broken = false;
    size_t count = 0;

    if (alb_concat_kind(s, &urls) != ALB_CONCAT_FINAL)
        return;
    inside(urls, s);
    while (alb_concat_next(&urls, ALB_STR("/files/"), a, &id, &broken)) {
        ALB_CHECK(id.n > 0 && alb_str_find(id, ' ') == ALB_STR_NPOS && count++ < s.n);
        ALB_CHECK(memchr(id.p, '\0', id.n) == NULL);
    }
}

static void names(struct alb_str s, struct alb_arena *a)
{
    struct alb_str type = alb_media_type(s);

    inside(type, s);
    ALB_CHECK(type.n == 0 || alb_str_find(type, '/') != ALB_STR_NPOS);
    ALB_CHECK(alb_str_is_utf8(alb_disposition_name(s, a)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alb_arena *arena = alb_arena_new((size_t)8 << 20);
    uint8_t which = fuzz_take_byte(&data, &size);
    struct alb_str s = alb_str_n((const char *)data, size);

    if (arena == NULL)
        return 0;
    if (which % 5 == 0)
        items(s);
    else if (which % 5 == 1)
        dictionary(s);
    else if (which % 5 == 2)
        digests(s);
    else if (which % 5 == 3)
        lists(s, arena);
    else
        names(s, arena);
    alb_arena_free(&arena);
    return 0;
}
