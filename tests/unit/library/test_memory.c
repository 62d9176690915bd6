/* SPDX-License-Identifier: Apache-2.0
 * No memory on the caller's side: every public write and read is swept by failing its allocations one after
 * the other. Each time it says NO_MEMORY (or, for a bounded arena, TOO_LARGE) and leaves nothing behind; then
 * it works.
 */
#include "base/mem.h"
#include "kit.h"

struct world {
    struct kit *k;
    struct alb_principal *p;
    struct alb_uuid asset;
    int64_t album;
};

typedef enum alb_code try_fn(struct world *w, struct alb_future **f);

static enum alb_code try_create(struct world *w, struct alb_future **f)
{
    static uint64_t n = 100;
    struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, n++);
    struct alb_tag_name tag = {ALB_TAG_USER, ALB_STR("a/b")};
    struct alb_layer hint = {.stated = ALB_FIELD_BIT(ALB_FIELD_TITLE), .title = ALB_STR("t")};
    struct alb_job_new job = {.kind = ALB_STR("a")};

    a.person_tags = &tag;
    a.person_tag_count = 1;
    a.hint = &hint;
    a.jobs = &job;
    a.job_count = 1;
    return alb_library_asset_create(w->k->lib, &a, f, NULL);
}

static enum alb_code try_update(struct world *w, struct alb_future **f)
{
    struct alb_asset_update u = {.favorite = 1, .visibility = -1, .level = -1, .if_rev = ALB_ASSET_ANY_REV};

    return alb_library_asset_update(w->k->lib, w->p, &w->asset, &u, f, NULL);
}

static enum alb_code try_bulk(struct world *w, struct alb_future **f)
{
    return alb_library_bulk(w->k->lib, w->p, ALB_DOOR_WEB, ALB_BULK_FAVORITE, 1, &w->asset, 1, f, NULL);
}

static enum alb_code try_sign_in(struct world *w, struct alb_future **f)
{
    struct alb_device device = {.type = ALB_STR("x")};

    return alb_library_sign_in(w->k->lib, ALB_STR("admin"), ALB_STR("secret"), &device, f, NULL);
}

static enum alb_code try_password(struct world *w, struct alb_future **f)
{
    return alb_library_user_password(w->k->lib, ALB_USER_ADMIN, ALB_STR("secret"), 0, f, NULL);
}

static enum alb_code try_key(struct world *w, struct alb_future **f)
{
    return alb_library_key_new(w->k->lib, ALB_USER_ADMIN, ALB_STR("k"), ALB_STR_NONE, 0, f, NULL);
}

static enum alb_code try_lease(struct world *w, struct alb_future **f)
{
    struct alb_str kind = ALB_STR("a");

    return alb_library_job_lease(w->k->lib, &kind, 1, ALB_STR("me"), 1000, 1, f, NULL);
}

static enum alb_code try_share(struct world *w, struct alb_future **f)
{
    struct alb_share_new s = {.assets = &w->asset, .asset_count = 1};

    return alb_library_share_new(w->k->lib, w->p, &s, f, NULL);
}

static enum alb_code try_resolve(struct world *w, struct alb_future **f)
{
    struct alb_ref ref = {.by_uuid = true, .uuid = w->asset};
    struct alb_source *s;
    enum alb_code code = alb_library_resolve(w->k->lib, w->p, &ref, ALB_PURPOSE_ORIGINAL, &s, NULL);

    *f = NULL;
    alb_source_unref(s);
    return code;
}

static enum alb_code with_arena(struct world *w, bool search)
{
    struct alb_arena *a = alb_arena_new(1 << 20);
    struct alb_search q = alb_search_default();
    struct alb_timeline t = alb_timeline_default();
    struct alb_bucket *list;
    struct alb_found found;
    size_t count;
    enum alb_code code;

    if (a == NULL)
        return ALB_E_NO_MEMORY;
    q.with_tags = true;
    q.limit = 10;
    if (search)
        code = alb_library_search(w->k->lib, w->p, &q, a, &found, NULL);
    else
        code = alb_library_buckets(w->k->lib, w->p, &t, a, &list, &count, NULL);
    alb_arena_free(&a);
    return code;
}

static enum alb_code try_search(struct world *w, struct alb_future **f)
{
    *f = NULL;
    return with_arena(w, true);
}

static enum alb_code try_buckets(struct world *w, struct alb_future **f)
{
    *f = NULL;
    return with_arena(w, false);
}

static void sweep(struct world *w, const char *name, try_fn *fn)
{
    int n = 1;
    bool fired;

    do {
        struct alb_future *f = NULL;
        enum alb_code code;

        alb_mem_fault((uint64_t)n, true);
        code = fn(w, &f);
        fired = alb_mem_fault_fired();
        alb_mem_fault(0, true);
        if (code != ALB_OK && !(fired && (code == ALB_E_NO_MEMORY || code == ALB_E_TOO_LARGE)))
            fail_msg("%s, allocation %d: %s", name, n, alb_code_name(code));
        if (code == ALB_OK && f != NULL)
            assert_int_equal(alb_library_await(&f, NULL, NULL), ALB_OK);
        else
            assert_null(f);
        n++;
    } while (fired && n < 200);
    assert_true(n > 1 && n < 200);
}

static void test_sweep(void **state)
{
    static const struct {
        const char *name;
        try_fn *fn;
    } calls[] = {
        {"create", try_create},     {"update", try_update},   {"bulk", try_bulk},
        {"password", try_password}, {"sign-in", try_sign_in}, {"key", try_key},
        {"lease", try_lease},       {"share", try_share},     {"resolve", try_resolve},
        {"search", try_search},     {"buckets", try_buckets},
    };
    struct world w = {.k = *state};

    w.p = kit_as(w.k, ALB_USER_ADMIN);
    w.asset = kit_uuid(w.k, kit_add(w.k, ALB_USER_ADMIN, 1));
    for (size_t i = 0; i < ALB_ARRAY_LEN(calls); i++)
        sweep(&w, calls[i].name, calls[i].fn);
    kit_check_clean(w.k);
    alb_principal_unref(w.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_sweep, kit_setup, kit_teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
