/* SPDX-License-Identifier: Apache-2.0
 *
 * What other servers say, and what is kept of it: addresses and redirects, freshness, notes, compressed bodies. The
 * first byte chooses.
 */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "fetch/inflate.h"
#include "fetch/url.h"
#include "fuzz.h"
#include "render/origin_fresh.h"
#include "render/origin_priv.h"

#define YEAR_MS ((int64_t)366 * 86400 * 1000)
#define NOW ((int64_t)784111777000)

/* What was parsed is parsed again to the same; and has no other scheme, nor an empty host. */
static void check_url(const struct alb_url *u)
{
    struct alb_url again;
    ALB_CHECK(u->host.n > 0 && u->path.n > 0 && u->path.p[0] == '/' && u->port > 0);
    ALB_CHECK(alb_str_starts(u->text, u->secure ? ALB_STR("https://") : ALB_STR("http://")));
    ALB_CHECK(!alb_str_has_control(u->text) && alb_str_find(u->text, '#') == ALB_STR_NPOS);
    if (alb_url_parse(u->text, &again, NULL) != ALB_OK)
        return; /* encoding has made it too long */
    ALB_CHECK(alb_str_eq(again.host, u->host) && again.port == u->port && again.secure == u->secure);
    ALB_CHECK(alb_str_eq(again.path, u->path) && alb_url_may_tell(u, &again));
    alb_url_fini(&again);
}

static void urls(struct alb_str s)
{
    struct alb_url base, u;
    struct alb_str first, second;
    (void)alb_str_cut(s, '\n', &first, &second);
    if (alb_url_parse(first, &base, NULL) != ALB_OK) {
        ALB_CHECK(base.memory == NULL);
        return;
    }
    check_url(&base);
    if (alb_url_resolve(&base, second, &u, NULL) == ALB_OK)
        check_url(&u);
    alb_url_fini(&u);
    alb_url_fini(&base);
}

static struct alb_str line(struct alb_str *rest)
{
    struct alb_str one;
    return alb_str_next(rest, '\n', &one) && one.n > 0 ? one : ALB_STR_NONE;
}

static void freshness(struct alb_str s)
{
    struct alb_origin_words w = {.cache_control = line(&s),
                                 .expires = line(&s),
                                 .date = line(&s),
                                 .age = line(&s),
                                 .pragma = line(&s),
                                 .vary = line(&s)};
    struct alb_origin_fresh all = alb_origin_fresh_of(&w, true, NOW - 1000, NOW);
    struct alb_origin_fresh mine = alb_origin_fresh_of(&w, false, NOW - 1000, NOW);
    ALB_CHECK(all.until_ms <= NOW + YEAR_MS && mine.until_ms <= NOW + YEAR_MS);
    ALB_CHECK(all.worded || all.until_ms == 0);
    ALB_CHECK(all.no_store == mine.no_store && all.always == mine.always);
}

static void notes(struct alb_str s)
{
    struct alb_origin_note n, again;
    struct alb_buf b = ALB_BUF_INIT((size_t)1 << 22);
    if (!alb_origin_note_read(s, &n))
        return;
    alb_origin_note_write(&n, &b);
    ALB_CHECK(alb_buf_code(&b) == ALB_OK);
    ALB_CHECK(alb_origin_note_read(alb_buf_view(&b), &again));
    ALB_CHECK(again.o.size == n.o.size && again.worded == n.worded && again.always == n.always);
    ALB_CHECK(alb_str_eq(again.sums, n.sums));
    ALB_CHECK(memcmp(again.o.identity, n.o.identity, sizeof(n.o.identity)) == 0);
    struct alb_origin *o = alb_origin_make(&n, NULL);
    if (o)
        ALB_CHECK(alb_str_eq(o->url, n.o.url) && alb_str_eq(o->etag, n.o.etag));
    alb_origin_unref(o);
    alb_buf_fini(&b);
}

static enum alb_code take(void *arg, const void *p, size_t n, struct alb_err *err)
{
    size_t *left = arg;
    ALB_CHECK(p && n > 0);
    if (n > *left)
        return alb_fail(err, ALB_E_TOO_LARGE, "enough");
    *left -= n;
    return ALB_OK;
}

/* In one piece and in small ones it is the same, as far as it was taken. */
static void inflate_it(struct alb_str encoding, struct alb_str s)
{
    size_t left[2] = {1 << 20, 1 << 20};
    const size_t pieces[2] = {s.n, 13};
    enum alb_code code[2] = {ALB_OK, ALB_OK};
    bool whole[2];
    for (size_t i = 0; i < 2; i++) {
        struct alb_inflate *in;
        if (alb_inflate_new(encoding, &in, NULL) != ALB_OK)
            return;
        for (size_t at = 0; at < s.n && code[i] == ALB_OK; at += pieces[i])
            code[i] = alb_inflate_feed(in, s.p + at, s.n - at < pieces[i] ? s.n - at : pieces[i], take,
                                       &left[i], NULL);
        whole[i] = alb_inflate_is_whole(in);
        alb_inflate_free(&in);
    }
    ALB_CHECK(code[0] == code[1]);
    if (code[0] == ALB_OK)
        ALB_CHECK(whole[0] == whole[1] && left[0] == left[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t which = fuzz_take_byte(&data, &size);
    struct alb_str s = alb_str_n((const char *)data, size);
    switch (which % 5) {
    case 0:
        urls(s);
        break;
    case 1:
        freshness(s);
        break;
    case 2:
        notes(s);
        break;
    case 3:
        inflate_it(ALB_STR("gzip"), s);
        break;
    default:
        inflate_it(ALB_STR("deflate"), s);
        break;
    }
    return 0;
}
