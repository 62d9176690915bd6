/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths of thumbor's language (doors/thumbor): to a value and to the canonical path, with another one on top, and what
 * the words in it are. Nothing harms; what is read is bounded and the same each time; and the canonical path of a value
 * without escapes reads back to that value.
 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "doors/thumbor/sign.h"
#include "doors/thumbor/url.h"
#include "doors/thumbor/words.h"
#include "fuzz.h"

#define MEMORY ((size_t)8 << 20)

static void check(const struct alb_thumbor_url *u)
{
    ALB_CHECK(u->width >= 0 && u->height >= 0 && u->trim_tolerance >= 0);
    ALB_CHECK(u->filter_count <= ALB_THUMBOR_FILTERS_MAX && (u->filter_count == 0 || u->filters));
    for (size_t i = 0; i < 4; i++)
        ALB_CHECK(u->padding[i] >= 0 && isfinite(u->crop[i]) && u->crop[i] >= 0);
    ALB_CHECK(!u->full || u->fit_in);
}

static void check_words(struct alb_arena *arena, const struct alb_thumbor_url *u)
{
    struct alb_thumbor_colour c;
    bool is_base64;
    (void)alb_thumbor_colour_image(u->image, &c);
    for (size_t i = 0; i < u->filter_count; i++) {
        struct alb_str rest = u->filters[i].args, arg;
        for (size_t n = 0; alb_thumbor_next_arg(&rest, &arg); n++) {
            ALB_CHECK(n <= u->filters[i].args.n && isfinite(alb_thumbor_float(arg)));
            (void)alb_thumbor_int(arg);
            c = alb_thumbor_colour(arg);
            ALB_CHECK(c.rgb <= 0xffffff);
            struct alb_str text = alb_thumbor_debase64(arena, alb_thumbor_unescape(arena, arg), &is_base64);
            ALB_CHECK(text.n <= arg.n);
        }
    }
}

static bool is_plain(const struct alb_thumbor_url *u)
{
    for (size_t i = 0; i < u->path.n; i++) {
        if (strchr("%+#", u->path.p[i]) || u->path.p[i] == '\0')
            return false;
    }
    return !u->is_base64 && u->hash.n == 0 && u->filter_count == 0;
}

/* Everything but what the canonical form leaves out. Filters may hold parentheses that it cannot say. */
static void check_again(struct alb_arena *arena, const struct alb_thumbor_url *u, struct alb_str form)
{
    struct alb_thumbor_url again = {0};
    struct alb_str whole = alb_arena_printf(arena, "unsafe/%.*s", ALB_STR_ARG(form));
    ALB_CHECK(alb_thumbor_url_apply(&again, arena, whole));
    if (!alb_str_eq(again.image, u->image)) /* a name that looks like one of the parts */
        return;
    ALB_CHECK(again.width == u->width && again.height == u->height && again.fit_in == u->fit_in);
    for (size_t i = 0; i < 4; i++)
        ALB_CHECK(!(again.crop[i] < u->crop[i]) && !(again.crop[i] > u->crop[i]));
    ALB_CHECK(alb_str_eq(alb_thumbor_url_canonical(arena, &again), form));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct alb_thumbor_signer signer = {ALB_HASH_SHA1, 0, {ALB_STR("k")}, 1};
    struct alb_str path = alb_str_n((const char *)data, size), form;
    struct alb_arena *arena = alb_arena_new(MEMORY);
    struct alb_thumbor_url u = {0};
    char out[ALB_THUMBOR_SIGNATURE_MAX + 1];

    ALB_CHECK(arena != NULL);
    if (size > ALB_THUMBOR_PATH_MAX || !alb_thumbor_url_apply(&u, arena, path)) {
        alb_arena_free(&arena);
        return 0;
    }
    check(&u);
    check_words(arena, &u);
    form = alb_thumbor_url_canonical(arena, &u);
    if (is_plain(&u) && form.n > 0)
        check_again(arena, &u, form);
    struct alb_str hash = alb_thumbor_sign(&signer, signer.secret[0], u.path, out);
    ALB_CHECK(hash.n == 28 && alb_thumbor_signed_by(&signer, hash, u.path) == 0);
    (void)alb_thumbor_signed_by(&signer, u.hash, u.path);
    if (alb_thumbor_url_apply(&u, arena, alb_str_sub(path, size / 2, size)))
        check(&u);
    alb_arena_free(&arena);
    return 0;
}
