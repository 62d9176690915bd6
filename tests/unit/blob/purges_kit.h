/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the list of purges share: a folder with a list in it, and short questions to it.
 */
#ifndef ALB_TESTS_BLOB_PURGES_KIT_H
#define ALB_TESTS_BLOB_PURGES_KIT_H

#include "kit.h"

#include "blob/cache.h"
#include "blob/purges.h"

static struct alb_err err;

struct world {
    char path[64];
    int fd, dir, tmp;
    struct alb_manual_clock clock;
};

KIT_UNUSED static struct alb_purges *open_list(struct world *w)
{
    struct alb_purges *p;
    const struct alb_purges_config config = {
        .dirfd = w->dir, .tmp_dirfd = w->tmp, .clock = &w->clock.clock, .shared = true};
    assert_ok(alb_purges_open(&config, &p, &err));
    return p;
}

KIT_UNUSED static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    alb_err_clear(&err);
    kit_quiet();
    kit_dir_new(w->path);
    alb_manual_clock_init(&w->clock, ALB_NS_PER_S, 1700000000000);
    w->fd = kit_dir_open(w->path);
    assert_ok(alb_fs_mkdirs(w->fd, "tmp", 0700, &err));
    assert_ok(alb_fs_mkdirs(w->fd, "cache", 0700, &err));
    w->dir = openat(w->fd, "cache", O_RDONLY | O_DIRECTORY);
    w->tmp = openat(w->fd, "tmp", O_RDONLY | O_DIRECTORY);
    *state = w;
    return 0;
}

KIT_UNUSED static int teardown(void **state)
{
    struct world *w = *state;

    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    (void)close(w->dir);
    (void)close(w->tmp);
    (void)close(w->fd);
    kit_dir_remove(w->path);
    free(w);
    return 0;
}

KIT_UNUSED static uint64_t newest(struct alb_purges *p, const char *label)
{
    const struct alb_str l = alb_str_c(label);

    return alb_purges_newest(p, &l, 1);
}

KIT_UNUSED static uint64_t add(struct alb_purges *p, const char *label, bool prefix)
{
    uint64_t number;

    assert_ok(alb_purges_add(p, alb_str_c(label), prefix, ALB_STR("ann"), &number, &err));
    assert_int_equal(number, alb_purges_now(p));
    return number;
}

static KIT_UNUSED struct alb_arena *arena;

KIT_UNUSED static size_t told(struct alb_purges *p, struct alb_purge_told **list)
{
    size_t n = 0;

    alb_arena_free(&arena);
    arena = alb_arena_new((size_t)1 << 20);
    assert_non_null(arena);
    assert_ok(alb_purges_recent(p, arena, list, &n, &err));
    return n;
}

KIT_UNUSED static void assert_told(struct alb_purges *p, size_t at, const char *label, bool prefix,
                                   int64_t files, bool done)
{
    struct alb_purge_told *list;

    assert_true(told(p, &list) > at);
    assert_true(alb_str_eq_c(list[at].label, label));
    assert_true(alb_str_eq_c(list[at].by, "ann"));
    assert_int_equal(list[at].prefix, prefix);
    assert_int_equal(list[at].files, files);
    assert_int_equal(list[at].done, done);
}

#endif
