/* SPDX-License-Identifier: Apache-2.0
 * What the library's tests share: a library in a folder of its own (cheap passwords, a clock that is moved by
 * hand), waiting for futures, assets made up from numbers.
 */
#ifndef TEST_LIBRARY_KIT_H
#define TEST_LIBRARY_KIT_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/log.h"
#include "library/album.h"
#include "library/asset.h"
#include "library/auth.h"
#include "library/blob.h"
#include "library/change.h"
#include "library/job.h"
#include "library/search.h"
#include "library/source.h"
#include "library/timeline.h"

#define KIT_NOW 1700000000000LL

struct kit {
    char path[64];
    struct alb_manual_clock clock;
    struct alb_catalog_config catalog;
    struct alb_library_config library;
    struct alb_catalog *cat;
    struct alb_library *lib;
    struct alb_arena *arena; /* for reads; rewound by nobody */
};

static inline int kit_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void kit_open(struct kit *k)
{
    struct alb_err err = ALB_ERR_INIT;

    if (alb_catalog_open(&k->catalog, &k->cat, &err) != ALB_OK)
        fail_msg("open: %s", err.msg);
    k->library.catalog = k->cat;
    if (alb_library_open(&k->library, &k->lib, &err) != ALB_OK)
        fail_msg("open: %s", err.msg);
}

static inline void kit_close(struct kit *k)
{
    alb_library_close(&k->lib);
    alb_catalog_close(&k->cat);
}

static inline int kit_setup(void **state)
{
    struct kit *k = calloc(1, sizeof(*k));

    assert_non_null(k);
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_WARN);
    snprintf(k->path, sizeof(k->path), "/tmp/albumen-library-XXXXXX");
    assert_non_null(mkdtemp(k->path));
    alb_manual_clock_init(&k->clock, 1, KIT_NOW);
    k->catalog = (struct alb_catalog_config){
        .path = k->path, .holder = "test", .lock = true, .clock = &k->clock.clock};
    k->library = (struct alb_library_config){.clock = &k->clock.clock,
                                             .guests = true,
                                             .password_ops = crypto_pwhash_OPSLIMIT_MIN,
                                             .password_mem = crypto_pwhash_MEMLIMIT_MIN};
    k->arena = alb_arena_new((size_t)256 << 20);
    assert_non_null(k->arena);
    kit_open(k);
    *state = k;
    return 0;
}

static inline int kit_teardown(void **state)
{
    struct kit *k = *state;

    kit_close(k);
    alb_arena_free(&k->arena);
    nftw(k->path, kit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(k);
    return 0;
}

static inline void kit_advance(struct kit *k, int64_t ms)
{
    alb_manual_clock_advance(&k->clock, ms * ALB_NS_PER_MS);
}

/* ---- waiting ---- */

/* The code a write ends with; *id and *n from its alb_done if it has one. */
static inline enum alb_code kit_end(enum alb_code begun, struct alb_future *f, int64_t *id)
{
    struct alb_obj *obj = NULL;
    enum alb_code code = begun;

    if (begun == ALB_OK)
        code = alb_library_await(&f, &obj, NULL);
    if (id != NULL)
        *id = code == ALB_OK ? ((struct alb_done *)(void *)obj)->id : 0;
    alb_obj_unref(obj);
    return code;
}

/* KIT(alb_library_x, args…): begins, waits, gives the code. */
#define KIT_ID(id, fn, ...) kit_end_id((id), &kit_future, fn(__VA_ARGS__, &kit_future, NULL))
#define KIT(fn, ...) KIT_ID(NULL, fn, __VA_ARGS__)
static _Thread_local struct alb_future *kit_future;
static inline enum alb_code kit_end_id(int64_t *id, struct alb_future **f, enum alb_code begun)
{
    struct alb_future *mine = *f;

    *f = NULL;
    return kit_end(begun, mine, id);
}

static inline void kit_check_clean_report(void *ctx, const char *what, const char *text)
{
    (void)ctx;
    print_message("# problem: %s: %s\n", what, text);
}

static inline void kit_check_clean(struct kit *k)
{
    uint64_t problems = 99;

    assert_int_equal(alb_library_check(k->lib, false, kit_check_clean_report, NULL, &problems, NULL), ALB_OK);
    assert_int_equal(problems, 0);
}

/* ---- people ---- */

static inline int64_t kit_user(struct kit *k, const char *name, int level)
{
    struct alb_user_new u = {
        .name = alb_str_c(name), .role = ALB_ROLE_USER, .level = level, .quota_bytes = -1};
    int64_t id;

    assert_int_equal(KIT_ID(&id, alb_library_user_add, k->lib, &u), ALB_OK);
    return id;
}

static inline struct alb_principal *kit_as(struct kit *k, int64_t user)
{
    struct alb_principal *p;

    assert_int_equal(alb_library_principal_user(k->lib, user, ALB_CRED_SIGNED, 0, INT64_MAX, &p, NULL),
                     ALB_OK);
    return p;
}

static inline struct alb_signed_in *kit_sign_in(struct kit *k, const char *login, const char *password)
{
    struct alb_device device = {.type = ALB_STR("test")};
    struct alb_future *f;
    struct alb_obj *obj;

    assert_int_equal(alb_library_sign_in(k->lib, alb_str_c(login), alb_str_c(password), &device, &f, NULL),
                     ALB_OK);
    if (alb_library_await(&f, &obj, NULL) != ALB_OK)
        return NULL;
    return (struct alb_signed_in *)(void *)obj;
}

/* ---- assets ---- */

static inline void kit_blob(struct alb_blob_new *b, uint64_t n)
{
    static _Thread_local char key[64];

    *b = (struct alb_blob_new){.size = 1000 + (int64_t)(n % 1000), .store = ALB_STR("disk")};
    alb_sha256(&n, sizeof(n), b->sha256);
    alb_sha1(&n, sizeof(n), b->sha1);
    snprintf(key, sizeof(key), "o/%llu", (unsigned long long)n);
    b->key = alb_str_c(key);
    b->sums = ALB_STR("12345678");
}

static inline struct alb_asset_new kit_asset(int64_t owner, uint64_t n)
{
    struct alb_asset_new a = {.owner_id = owner,
                              .actor_id = owner,
                              .door = ALB_DOOR_WEB,
                              .name = ALB_STR("IMG_1.JPG"),
                              .mime = ALB_STR("image/jpeg"),
                              .media = {.width = 4000, .height = 3000}};

    kit_blob(&a.blob, n);
    return a;
}

/* What creation says; the reference is the caller's. */
static inline struct alb_created *kit_create(struct kit *k, const struct alb_asset_new *a)
{
    struct alb_future *f;
    struct alb_obj *obj = NULL;
    struct alb_err err = ALB_ERR_INIT;

    if (alb_library_asset_create(k->lib, a, &f, &err) != ALB_OK ||
        alb_library_await(&f, &obj, &err) != ALB_OK)
        return NULL;
    return (struct alb_created *)(void *)obj;
}

static inline int64_t kit_add(struct kit *k, int64_t owner, uint64_t n)
{
    struct alb_asset_new a = kit_asset(owner, n);
    struct alb_created *c = kit_create(k, &a);
    int64_t id;

    assert_non_null(c);
    id = c->asset_id;
    alb_obj_unref(&c->obj);
    return id;
}

static inline struct alb_asset kit_get(struct kit *k, int64_t id)
{
    struct alb_asset a;

    assert_int_equal(alb_library_asset_by_id(k->lib, id, k->arena, &a, NULL), ALB_OK);
    return a;
}

static inline struct alb_uuid kit_uuid(struct kit *k, int64_t id)
{
    return kit_get(k, id).uuid;
}

static inline enum alb_code kit_bulk(struct kit *k, const struct alb_principal *p, enum alb_door door,
                                     enum alb_bulk_action action, int64_t value, int64_t id, int64_t *done)
{
    struct alb_uuid uuid = kit_uuid(k, id);
    struct alb_future *f;
    struct alb_obj *obj = NULL;
    enum alb_code code = alb_library_bulk(k->lib, p, door, action, value, &uuid, 1, &f, NULL);

    if (code == ALB_OK)
        code = alb_library_await(&f, &obj, NULL);
    *done = code == ALB_OK ? ((struct alb_bulk *)(void *)obj)->done : 0;
    alb_obj_unref(obj);
    return code;
}

#endif
