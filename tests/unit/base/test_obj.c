/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "base/check.h"
#include "base/obj.h"
#include "test.h"

struct thing {
    struct alb_obj obj;
    int *freed;
};

static void thing_free(struct alb_obj *obj)
{
    struct thing *t = ALB_CONTAINER_OF(obj, struct thing, obj);

    (*t->freed)++;
    alb_mem_free(t);
}

static struct thing *thing_new(int *freed)
{
    struct thing *t = alb_mem_alloc_nofail(sizeof(*t));

    alb_obj_init(&t->obj, thing_free);
    t->freed = freed;
    return t;
}

static void test_references(void **state)
{
    int freed = 0;

    (void)state;
    struct thing *t = thing_new(&freed);
    assert_ptr_equal(alb_obj_ref(&t->obj), &t->obj);
    alb_obj_unref(&t->obj);
    assert_int_equal(freed, 0);
    alb_obj_unref(&t->obj);
    assert_int_equal(freed, 1);
    assert_null(alb_obj_ref(NULL));
    alb_obj_unref(NULL);
}

#define THREADS 4
#define ROUNDS 20000

static void *ref_and_unref(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        alb_obj_unref(alb_obj_ref(arg));
    alb_obj_unref(arg); /* the one this thread was given */
    return NULL;
}

static void test_threads_share(void **state)
{
    pthread_t threads[THREADS];
    int freed = 0;

    (void)state;
    struct thing *t = thing_new(&freed);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, alb_obj_ref(&t->obj)), 0);
    alb_obj_unref(&t->obj); /* perhaps not the last */
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(freed, 1); /* read without a lock: the join ordered it */
}

static void keep(struct alb_obj *obj)
{
    (void)obj;
}

static void use_dead(void *arg)
{
    struct alb_obj obj;

    (void)arg;
    alb_obj_init(&obj, keep);
    alb_obj_unref(&obj);
    alb_obj_ref(&obj);
}

static void unref_twice(void *arg)
{
    struct alb_obj obj;

    (void)arg;
    alb_obj_init(&obj, keep);
    alb_obj_unref(&obj);
    alb_obj_unref(&obj);
}

static void test_stale_pointers(void **state)
{
    (void)state;
    expect_panic(use_dead, NULL, "magic");
    expect_panic(unref_twice, NULL, "magic");
}

static void test_bytes_copy(void **state)
{
    char text[] = "photo";

    (void)state;
    struct alb_bytes *b = alb_bytes_copy(text, 5);
    text[0] = 'X';
    assert_str(alb_bytes_view(b), "photo");
    struct alb_bytes *same = alb_bytes_ref(b);
    alb_bytes_unref(b);
    assert_str(alb_bytes_view(same), "photo");
    alb_bytes_unref(same);
    b = alb_bytes_copy(NULL, 0);
    assert_int_equal(b->n, 0);
    alb_bytes_unref(b);
    assert_null(alb_bytes_copy("", SIZE_MAX - 8));
    assert_null(alb_bytes_ref(NULL));
    alb_bytes_unref(NULL);
}

static void release(void *arg, const unsigned char *p, size_t n)
{
    assert_string_equal((const char *)p, "mapped");
    assert_int_equal(n, 6);
    ++*(int *)arg;
}

static void test_bytes_wrap(void **state)
{
    static const char text[] = "mapped";
    int released = 0;

    (void)state;
    struct alb_bytes *b = alb_bytes_wrap(text, 6, release, &released);
    assert_ptr_equal(b->p, text);
    alb_bytes_unref(alb_bytes_ref(b));
    assert_int_equal(released, 0);
    alb_bytes_unref(b);
    assert_int_equal(released, 1);
    b = alb_bytes_wrap(text, 6, NULL, NULL);
    alb_bytes_unref(b);
    alb_mem_fault(1, true);
    assert_null(alb_bytes_wrap(text, 6, release, &released));
    assert_int_equal(released, 1); /* not taken */
    alb_mem_fault(1, true);
    assert_null(alb_bytes_copy(text, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),     cmocka_unit_test(test_threads_share),
        cmocka_unit_test(test_stale_pointers), cmocka_unit_test(test_bytes_copy),
        cmocka_unit_test(test_bytes_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
