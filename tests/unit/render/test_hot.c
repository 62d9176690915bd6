/* SPDX-License-Identifier: Apache-2.0
 * The hot cache: its bound, what a scan can do to it, what lives on, many threads.
 */
#include "fakes.h"

#include "render/hot.h"
#include "render/picture.h"

#define CAPACITY ((size_t)1 << 20)
#define BODY 1000

static struct alb_flight_key key_of(unsigned n)
{
    struct alb_flight_key key;
    uint64_t words[4];
    for (unsigned i = 0; i < 4; i++) {
        uint64_t x = (uint64_t)n * 4 + i + 0x9e3779b97f4a7c15u;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        words[i] = x ^ (x >> 31);
    }
    memcpy(key.b, words, sizeof(key.b));
    return key;
}

static struct alb_picture *picture(const struct alb_flight_key *key, size_t n)
{
    char *body = alb_mem_calloc(1, n);
    assert_non_null(body);
    struct alb_bytes *bytes = alb_bytes_copy(body, n);
    alb_mem_free(body);
    assert_non_null(bytes);
    struct alb_picture *p = alb_picture_new(key, bytes, ALB_FORMAT_JPEG, 1, 1);
    assert_non_null(p);
    return p;
}

static bool put(struct alb_hot_cache *c, unsigned n, size_t bytes)
{
    const struct alb_flight_key key = key_of(n);
    struct alb_picture *p = picture(&key, bytes);
    bool kept = alb_hot_cache_put(c, &key, p);
    alb_obj_unref(&p->obj);
    return kept;
}

static bool hit(struct alb_hot_cache *c, unsigned n)
{
    const struct alb_flight_key key = key_of(n);
    struct alb_picture *p = alb_hot_cache_get(c, &key, 0);
    if (p) {
        char etag[33];
        alb_hex(key.b, 16, etag);
        assert_string_equal(p->etag, etag); /* its own, not another's */
        alb_obj_unref(&p->obj);
    }
    return p != NULL;
}

static void test_keeps_and_bounds(void **state)
{
    struct alb_hot_cache *c = alb_hot_cache_new(CAPACITY);
    unsigned kept = 0;
    (void)state;
    assert_non_null(c);
    assert_false(hit(c, 1));
    for (unsigned i = 0; i < 5000; i++) {
        assert_true(put(c, i, BODY));
        assert_true(hit(c, i)); /* the newest is never the one that goes */
        assert_true(alb_hot_cache_bytes(c) <= CAPACITY);
    }
    for (unsigned i = 0; i < 5000; i++)
        kept += hit(c, i);
    assert_in_range(kept, CAPACITY / (BODY + 256) * 8 / 10, CAPACITY / BODY);
    alb_hot_cache_clear(c);
    assert_int_equal(alb_hot_cache_bytes(c), 0);
    assert_false(hit(c, 4999));
    assert_true(put(c, 1, BODY));
    alb_hot_cache_free(&c);
    assert_null(c);
    alb_hot_cache_free(&c);
}

static void test_too_large_is_not_kept(void **state)
{
    struct alb_hot_cache *c = alb_hot_cache_new(CAPACITY), *none = alb_hot_cache_new(0);
    (void)state;
    assert_false(put(c, 1, CAPACITY / 16 / 10));
    assert_true(put(c, 2, CAPACITY / 16 / 10 - 256));
    for (unsigned i = 10; i < 3000; i++)
        (void)put(c, i, CAPACITY / 16 / 10 - 256);
    assert_true(put(c, 3, CAPACITY / 16 / 10 - 256));
    assert_true(hit(c, 3));
    assert_false(put(none, 1, 1));
    assert_false(hit(none, 1));
    alb_hot_cache_free(&c);
    alb_hot_cache_free(&none);
}

/* What people look at stays while somebody scrolls past ten times as much. */
static void test_a_scan_does_not_flush(void **state)
{
    struct alb_hot_cache *c = alb_hot_cache_new(CAPACITY);
    unsigned loved = 400, kept = 0;
    (void)state;
    for (unsigned i = 0; i < loved; i++)
        (void)put(c, i, BODY);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < loved; i++)
            (void)hit(c, i);
    for (unsigned i = 1000; i < 1000 + 10 * loved; i++)
        (void)put(c, i, BODY);
    for (unsigned i = 0; i < loved; i++)
        kept += hit(c, i);
    assert_in_range(kept, loved * 95 / 100, loved);
    alb_hot_cache_free(&c);
}

static void test_equal_keys_are_kept_once(void **state)
{
    struct alb_hot_cache *c = alb_hot_cache_new(CAPACITY);
    (void)state;
    assert_true(put(c, 1, BODY));
    size_t before = alb_hot_cache_bytes(c);
    assert_true(put(c, 1, BODY));
    assert_int_equal(alb_hot_cache_bytes(c), before);
    alb_hot_cache_free(&c);
}

static void test_what_is_too_old_goes(void **state)
{
    struct alb_hot_cache *c = alb_hot_cache_new(CAPACITY);
    const struct alb_flight_key key = key_of(1);
    (void)state;
    for (int64_t made_ms = 1000; made_ms < 3000; made_ms += 1000) {
        struct alb_picture *p = picture(&key, BODY);
        p->made_ms = made_ms;
        assert_true(alb_hot_cache_put(c, &key, p));
        struct alb_picture *found = alb_hot_cache_get(c, &key, made_ms);
        assert_ptr_equal(found, p);
        alb_obj_unref(&found->obj);
        assert_null(alb_hot_cache_get(c, &key, made_ms + 1));
        assert_int_equal(alb_hot_cache_bytes(c), 0);
        assert_false(hit(c, 1));
        alb_obj_unref(&p->obj);
    }
    alb_hot_cache_free(&c);
}

static void test_evicted_pictures_live_on(void **state)
{
    struct alb_hot_cache *c = alb_hot_cache_new(CAPACITY);
    const struct alb_flight_key key = key_of(1);
    (void)state;
    assert_true(put(c, 1, BODY));
    struct alb_picture *mine = alb_hot_cache_get(c, &key, 0);
    alb_hot_cache_free(&c);
    assert_int_equal(mine->bytes->n, BODY);
    alb_obj_unref(&mine->obj);
}

static void test_without_memory(void **state)
{
    struct alb_hot_cache *c;
    uint64_t n = 0;
    (void)state;
    do {
        alb_mem_fault(++n, false);
        c = alb_hot_cache_new(CAPACITY);
        alb_mem_fault(0, false);
    } while (!c);
    assert_true(n > 16);
    const struct alb_flight_key key = key_of(1);
    struct alb_picture *p = picture(&key, BODY);
    alb_mem_fault(1, true);
    assert_false(alb_hot_cache_put(c, &key, p));
    alb_mem_fault(0, false);
    assert_int_equal(atomic_load(&p->obj.refs), 1);
    alb_obj_unref(&p->obj);
    alb_hot_cache_free(&c);
}

static void *hammer(void *arg)
{
    struct alb_hot_cache *c = arg;
    uint32_t seed = (uint32_t)(uintptr_t)&seed;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned n = (seed >> 8) % 2000;
        if (!hit(c, n))
            (void)put(c, n, BODY + n);
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    struct alb_hot_cache *c = alb_hot_cache_new(CAPACITY);
    pthread_t ids[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, hammer, c), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    assert_true(alb_hot_cache_bytes(c) <= CAPACITY);
    alb_hot_cache_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_and_bounds),
        cmocka_unit_test(test_too_large_is_not_kept),
        cmocka_unit_test(test_a_scan_does_not_flush),
        cmocka_unit_test(test_equal_keys_are_kept_once),
        cmocka_unit_test(test_what_is_too_old_goes),
        cmocka_unit_test(test_evicted_pictures_live_on),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
