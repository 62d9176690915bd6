/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators allow and what URLs ask for: a pattern and a text, parted by a line break. Globs, URL patterns, prefixes
 * with stars, networks, and the address that an image of the thumbor door stands for. Nothing harms, matching ends, and
 * what must hold of any text holds.
 */
#include <string.h>

#include "base/check.h"
#include "doors/common/pattern.h"
#include "doors/thumbor/job.h"
#include "fuzz.h"

#define MEMORY ((size_t)1 << 20)

static bool is_plain(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr("*?[\\", s.p[i]))
            return false;
    return true;
}

static void check_globs(struct alb_str pattern, struct alb_str text)
{
    char all[2] = "*";
    bool fits = alb_door_glob(pattern, text);
    ALB_CHECK(!is_plain(pattern) || fits == alb_str_eq(pattern, text));
    ALB_CHECK(alb_door_glob(alb_str_c(all), text) == (alb_str_find(text, '/') == ALB_STR_NPOS));
    ALB_CHECK(!alb_door_glob(ALB_STR("[a"), text) && alb_door_glob(ALB_STR(""), text) == (text.n == 0));
}

static void check_patterns(struct alb_str pattern, struct alb_str text)
{
    struct alb_str group[ALB_DOOR_GROUPS_MAX];
    size_t end, groups;
    if (alb_door_prefix_match(pattern, text, &end, group, &groups)) {
        ALB_CHECK(end <= text.n && groups <= ALB_DOOR_GROUPS_MAX);
        for (size_t i = 0; i < groups; i++)
            ALB_CHECK(alb_str_find(group[i], '/') == ALB_STR_NPOS);
    }
    (void)alb_door_pattern_allows(pattern, text);
}

static void check_network(struct alb_str text)
{
    struct alb_fetch_network n;
    if (alb_fetch_network_parse(text, &n))
        ALB_CHECK(n.bits <= 128);
}

/* base: what stands before images, as an operator may have it. */
static void check_address(struct alb_str base, struct alb_str image)
{
    struct alb_arena *arena = alb_arena_new(MEMORY);
    struct alb_thumbor_config config;
    struct alb_str out;
    struct alb_err err = ALB_ERR_INIT;
    ALB_CHECK(arena != NULL);
    alb_thumbor_config_init(&config);
    ALB_CHECK(alb_thumbor_address(&config, arena, image, &out, &err) == ALB_E_NOT_FOUND); /* off */
    config.http.on = true;
    for (int with_base = 0; with_base < 2; with_base++) {
        config.http.base_url = with_base ? base : ALB_STR_NONE;
        alb_err_clear(&err);
        if (alb_thumbor_address(&config, arena, image, &out, &err) == ALB_OK)
            ALB_CHECK(out.n > 0 && alb_str_find_str(out, ALB_STR("://")) != ALB_STR_NPOS);
        else
            ALB_CHECK(err.msg[0] != '\0');
    }
    alb_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alb_str pattern, text;
    if (!alb_str_cut(alb_str_n((const char *)data, size), '\n', &pattern, &text) || pattern.n > 2000 ||
        text.n > 20000)
        return 0;
    if (memchr(pattern.p, '\0', pattern.n) || (text.n > 0 && memchr(text.p, '\0', text.n)))
        return 0;
    check_globs(pattern, text);
    check_patterns(pattern, text);
    check_network(text);
    check_address(pattern, text);
    return 0;
}
