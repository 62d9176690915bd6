/* SPDX-License-Identifier: Apache-2.0
 * The books: how answers, hits and renders are counted, and that what is asked for most is found among many.
 */
#include "fakes.h"

#include <stdio.h>

#include "render/books.h"
#include "render/job.h"

#define MANY 20000

static const struct world_options usual = {.hot_bytes = 4 << 20};

static struct alb_render_count count(struct world *w, enum alb_render_door door, enum alb_format format)
{
    struct alb_render_count c;
    alb_books_look(w->render->books, door, format, &c);
    return c;
}

static struct alb_render_ask question_of(struct alb_source *source, const struct alb_plan_options *o)
{
    struct alb_render_ask question = ask_of(source, o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    question.door = ALB_RENDER_DOOR_THUMBOR;
    return question;
}

static void start(struct world *w, const struct alb_render_ask *question, struct asker *a)
{
    struct alb_err err = ALB_ERR_INIT;
    *a = (struct asker){.settled = 0};
    assert_int_equal(alb_render_start(w->render, question, NULL, &a->future, &err), ALB_OK);
}

/* Made once for two who wait, then from memory, then from the disk; the client has it at the last. */
static void test_every_answer_is_counted_once(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_flight_key key;
    struct alb_source *source = fake_source(2, "k");
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = question_of(source, &o);
    struct alb_render_source top[4];
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual);
    start(&w, &question, &a);
    start(&w, &question, &b);
    until(fake_running() == 1);
    fake_finish(ALB_OK);
    until(asker_picture(&a) != NULL);
    size_t n = asker_picture(&a)->bytes->n;
    alb_render_answered(w.render, &question, asker_picture(&a), false, false);
    alb_render_answered(w.render, &question, asker_picture(&b), false, false);
    asker_end(&a);
    asker_end(&b);
    world_settle(&w);
    alb_render_key(w.render, &question, &key);
    struct alb_picture *p = alb_render_hot(w.render, &key);
    assert_non_null(p);
    alb_render_answered(w.render, &question, p, true, false);
    alb_render_answered(w.render, &question, p, true, true);
    alb_obj_unref(&p->obj);
    struct alb_render_count c = count(&w, ALB_RENDER_DOOR_THUMBOR, ALB_FORMAT_JPEG);
    assert_int_equal(c.answers, 4);
    assert_int_equal(c.memory, 2);
    assert_int_equal(c.made, 1);
    assert_int_equal(c.disk, 0);
    assert_int_equal(c.unchanged, 1);
    assert_int_equal(c.bytes, 3 * n);
    assert_int_equal(alb_render_count_hits(&c), 3);
    assert_int_equal(count(&w, ALB_RENDER_DOOR_OTHER, ALB_FORMAT_JPEG).answers, 0);
    assert_int_equal(alb_render_top(w.render, ALB_RENDER_TOP_ANSWERS, top, 4), 1);
    assert_int_equal(top[0].answers, 4);
    assert_int_equal(top[0].bytes, 3 * n);
    assert_int_equal(top[0].made, 1);
    assert_int_equal(top[0].over, 0);
    assert_memory_equal(top[0].name, "asset://", 8);

    alb_render_purges_retired(w.render); /* forgets what is in memory */
    start(&w, &question, &a);
    until(asker_picture(&a) != NULL);
    asker_end(&a);
    world_settle(&w);
    assert_int_equal(count(&w, ALB_RENDER_DOOR_THUMBOR, ALB_FORMAT_JPEG).disk, 1);
    assert_int_equal(count(&w, ALB_RENDER_DOOR_THUMBOR, ALB_FORMAT_JPEG).made, 1);
    alb_source_unref(source);
    world_close(&w);
}

static void answer_for(struct world *w, const char *name, const struct alb_picture *p)
{
    const struct alb_origin origin = {.asked = alb_str_c(name)};
    const struct alb_render_ask question = {.origin = (struct alb_origin *)(uintptr_t)&origin};
    alb_render_answered(w->render, &question, p, true, false);
}

/* Ten that are asked for again and again between as many strangers, each of whom comes once. */
static void test_what_is_asked_for_most_is_found(void **state)
{
    struct alb_render_source top[10];
    struct world w;
    char name[1200];
    bool met[10] = {false};
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &usual);
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "https://example.com/often/%u", i % 10);
        answer_for(&w, name, NULL);
        (void)snprintf(name, sizeof(name), "https://example.com/once/%u", i);
        answer_for(&w, name, NULL);
    }
    assert_int_equal(alb_render_top(w.render, ALB_RENDER_TOP_ANSWERS, top, 10), 10);
    for (size_t i = 0; i < 10; i++) {
        unsigned no;
        assert_int_equal(sscanf(top[i].name, "https://example.com/often/%u", &no), 1);
        met[no] = true;
        assert_true(top[i].answers >= MANY / 10 && top[i].answers - top[i].over <= MANY / 10);
        assert_true(i == 0 || top[i].answers <= top[i - 1].answers);
    }
    for (size_t i = 0; i < 10; i++)
        assert_true(met[i]);
    static struct alb_render_source all[200];
    uint64_t over = 0;
    size_t n = alb_render_top(w.render, ALB_RENDER_TOP_ANSWERS, all, ALB_ARRAY_LEN(all));
    for (size_t i = 10; i < n; i++) { /* strangers, who have taken over others' places */
        assert_memory_equal(all[i].name, "https://example.com/once/", 25);
        assert_int_equal(all[i].answers - all[i].over, 1);
        over += all[i].over;
    }
    assert_true(over > 0);
    assert_int_equal(alb_render_top(w.render, ALB_RENDER_TOP_BYTES, top, 10), 0); /* nobody got any */
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (unsigned i = 0; i < MANY; i++) /* a long one is cut */
        answer_for(&w, name, NULL);
    assert_int_equal(alb_render_top(w.render, ALB_RENDER_TOP_ANSWERS, top, 1), 1);
    assert_int_equal(strspn(top[0].name, "x"), ALB_RENDER_SOURCE_MAX - 1);
    assert_int_equal(strlen(top[0].name), ALB_RENDER_SOURCE_MAX - 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_answer_is_counted_once),
        cmocka_unit_test(test_what_is_asked_for_most_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
