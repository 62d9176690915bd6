/* SPDX-License-Identifier: Apache-2.0
 * What the catalog's tests share: a folder of their own, an open catalog, units made of plain functions.
 */
#ifndef TEST_CATALOG_KIT_H
#define TEST_CATALOG_KIT_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "catalog/album.h"
#include "catalog/asset.h"
#include "catalog/blob.h"
#include "catalog/change.h"
#include "catalog/job.h"
#include "catalog/sqlite/engine.h"
#include "catalog/tag.h"
#include "catalog/user.h"

struct kit {
    char path[64];
    struct alb_catalog *cat;
    struct alb_catalog_config config;
};

static inline int kit_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void kit_reopen(struct kit *k)
{
    struct alb_err err = ALB_ERR_INIT;

    if (alb_catalog_open(&k->config, &k->cat, &err) != ALB_OK)
        fail_msg("open: %s (%s)", err.msg, err.where);
}

static inline int kit_setup(void **state)
{
    struct kit *k = calloc(1, sizeof(*k));

    assert_non_null(k);
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_WARN);
    snprintf(k->path, sizeof(k->path), "/tmp/albumen-catalog-XXXXXX");
    assert_non_null(mkdtemp(k->path));
    k->config = (struct alb_catalog_config){.path = k->path, .holder = "test", .lock = true};
    kit_reopen(k);
    *state = k;
    return 0;
}

static inline int kit_teardown(void **state)
{
    struct kit *k = *state;

    alb_catalog_close(&k->cat);
    nftw(k->path, kit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(k);
    return 0;
}

/* ---- a unit out of a function and a pointer; only for callers that wait ---- */

typedef enum alb_code kit_fn(struct alb_tx *tx, void *arg, struct alb_err *err);
struct kit_args {
    struct alb_obj obj;
    kit_fn *fn;
    void *arg;
};

static inline void kit_args_free(struct alb_obj *obj)
{
    free(ALB_CONTAINER_OF(obj, struct kit_args, obj));
}

static inline enum alb_code kit_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                     struct alb_err *err)
{
    struct kit_args *a = ALB_CONTAINER_OF(obj, struct kit_args, obj);

    (void)result;
    return a->fn(tx, a->arg, err);
}

static inline struct alb_catalog_unit kit_make(kit_fn *fn, void *arg)
{
    struct kit_args *a = calloc(1, sizeof(*a));

    assert_non_null(a);
    alb_obj_init(&a->obj, kit_args_free);
    a->fn = fn;
    a->arg = arg;
    return (struct alb_catalog_unit){.name = "test", .run = kit_unit, .args = &a->obj};
}

static inline enum alb_code kit_write(struct kit *k, kit_fn *fn, void *arg, struct alb_err *err)
{
    struct alb_catalog_unit unit = kit_make(fn, arg);

    return alb_catalog_write_now(k->cat, &unit, NULL, err);
}

static inline void kit_write_ok(struct kit *k, kit_fn *fn, void *arg)
{
    struct alb_err err = ALB_ERR_INIT;

    if (kit_write(k, fn, arg, &err) != ALB_OK)
        fail_msg("%s: %s (%s)", alb_code_name(err.code), err.msg, err.where ? err.where : "");
}

static inline struct alb_future *kit_start(struct kit *k, kit_fn *fn, void *arg)
{
    struct alb_catalog_unit unit = kit_make(fn, arg);
    struct alb_future *f;

    assert_int_equal(alb_catalog_write(k->cat, &unit, &f, NULL), ALB_OK);
    return f;
}

static inline enum alb_code kit_await(struct alb_future *f)
{
    enum alb_code code = alb_future_await(f, ALB_NEVER, NULL);

    alb_future_unref(f);
    return code;
}

/* ---- questions ---- */

static inline int64_t kit_ask_in(struct alb_snap *s, const char *sql)
{
    struct alb_buf text = ALB_BUF_INIT(4096);
    struct alb_q q;
    int64_t v = -1;

    alb_buf_c(&text, sql);
    alb_q_open_built(&q, s, &text);
    if (alb_q_first(&q))
        v = alb_q_int(&q, 0);
    assert_int_equal(alb_q_end(&q, NULL), ALB_OK);
    alb_buf_fini(&text);
    return v;
}

static inline int64_t kit_ask(struct kit *k, const char *sql)
{
    struct alb_snap *s;
    int64_t v;

    assert_int_equal(alb_catalog_read(k->cat, &s, NULL), ALB_OK);
    v = kit_ask_in(s, sql);
    alb_catalog_read_end(&s);
    return v;
}

static inline void kit_report(void *ctx, const char *what, const char *text)
{
    (void)ctx;
    print_message("# problem: %s: %s\n", what, text);
}

static inline void kit_check_clean(struct kit *k)
{
    struct alb_err err = ALB_ERR_INIT;
    uint64_t problems = 99;

    if (alb_catalog_check(k->cat, false, kit_report, NULL, &problems, &err) != ALB_OK)
        fail_msg("check: %s", err.msg);
    assert_int_equal(problems, 0);
}

/* ---- things ---- */

/* A published original that is made up from a number. */
static inline struct alb_blob_new kit_blob(uint64_t n, int64_t size)
{
    static _Thread_local char key[64];
    struct alb_blob_new b = {.size = size, .store = ALB_STR("disk")};

    alb_sha256(&n, sizeof(n), b.sha256);
    alb_sha1(&n, sizeof(n), b.sha1);
    snprintf(key, sizeof(key), "o/%llu", (unsigned long long)n);
    b.key = alb_str_c(key);
    b.sums = ALB_STR("12345678");
    return b;
}

/* One asset of a user with a file layer that only knows the capture time (0: none). */
static inline enum alb_code kit_insert_asset(struct alb_tx *tx, int64_t owner, uint64_t n,
                                             int64_t taken_local, int64_t *id, struct alb_err *err)
{
    struct alb_blob_new blob = kit_blob(n, 1000 + (int64_t)(n % 1000));
    struct alb_layer file = {.stated = ALB_FIELD_BIT(ALB_FIELD_CAPTURE)};
    struct alb_asset_row row = {.owner_id = owner,
                                .added_by = owner,
                                .name = ALB_STR("IMG_1.JPG"),
                                .mime = ALB_STR("image/jpeg"),
                                .personal = true,
                                .size = blob.size};
    struct alb_uuid uuid;
    bool known, revived;
    enum alb_code code = alb_catalog_blob_ensure(tx, &blob, &row.blob_id, &known, &revived, err);

    memcpy(row.sha1, blob.sha1, sizeof(row.sha1));
    file.capture = alb_capture_local(taken_local, false, 0);
    if (taken_local != 0)
        row.layers[ALB_LAYER_FILE] = &file;
    if (code == ALB_OK)
        code = alb_catalog_asset_insert(tx, &row, id, &uuid, err);
    return code;
}

#endif
