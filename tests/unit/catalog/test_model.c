/* SPDX-License-Identifier: Apache-2.0
 * The pure part: the merge function as a table, edits of a layer, limits of values, folding, months.
 */
#include "base/buf.h"
#include "kit.h"

#define T ALB_FIELD_BIT(ALB_FIELD_TITLE)

/* ---- merge ---- */

/* What each layer says of the title, from hint to person: a text, "-" nothing (explicit), NULL silent. */
static const struct {
    const char *hint, *file, *sidecar, *person;
    const char *effective; /* NULL: none */
    int source;
} titles[] = {
    {NULL, NULL, NULL, NULL, NULL, -1},
    {"h", NULL, NULL, NULL, "h", ALB_LAYER_HINT},
    {"h", "f", NULL, NULL, "f", ALB_LAYER_FILE},
    {"h", "f", "s", NULL, "s", ALB_LAYER_SIDECAR},
    {"h", "f", "s", "p", "p", ALB_LAYER_PERSON},
    {NULL, NULL, NULL, "p", "p", ALB_LAYER_PERSON},
    {"h", NULL, "s", NULL, "s", ALB_LAYER_SIDECAR},
    {"h", "f", "s", "-", NULL, ALB_LAYER_PERSON},
    {"h", "f", "-", NULL, NULL, ALB_LAYER_SIDECAR},
    {"h", "f", "-", "p", "p", ALB_LAYER_PERSON},
    {"-", "f", NULL, NULL, "f", ALB_LAYER_FILE},
    {"h", "-", NULL, NULL, NULL, ALB_LAYER_FILE},
};

static void say_title(struct alb_layer *l, const char *text)
{
    memset(l, 0, sizeof(*l));
    if (text == NULL)
        return;
    l->stated = T;
    if (strcmp(text, "-") == 0)
        l->empty = T;
    else
        l->title = alb_str_c(text);
}

static void test_merge_titles(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(titles); i++) {
        struct alb_layer l[ALB_LAYER_COUNT], e;
        const struct alb_layer *layers[ALB_LAYER_COUNT];
        int source[ALB_FIELD_COUNT];

        say_title(&l[ALB_LAYER_HINT], titles[i].hint);
        say_title(&l[ALB_LAYER_FILE], titles[i].file);
        say_title(&l[ALB_LAYER_SIDECAR], titles[i].sidecar);
        say_title(&l[ALB_LAYER_PERSON], titles[i].person);
        for (int k = 0; k < ALB_LAYER_COUNT; k++)
            layers[k] = l[k].stated != 0 ? &l[k] : NULL;
        alb_layer_merge(layers, &e, source);
        assert_int_equal(source[ALB_FIELD_TITLE], titles[i].source);
        assert_int_equal((e.stated & T) != 0, titles[i].effective != NULL);
        if (titles[i].effective != NULL)
            assert_true(alb_str_eq_c(e.title, titles[i].effective));
        else
            assert_int_equal(e.title.n, 0);
    }
}

/* Every field is taken whole from its own layer. */
static void test_merge_fields_are_independent(void **state)
{
    struct alb_layer file = {.stated = ALB_FIELDS_ALL,
                             .capture = alb_capture_local(1000, true, 60),
                             .title = ALB_STR("f"),
                             .description = ALB_STR("fd"),
                             .author = ALB_STR("fa"),
                             .latitude = 1,
                             .longitude = 2,
                             .rating = 3,
                             .rotation = 90};
    struct alb_layer person = {.stated = ALB_FIELD_BIT(ALB_FIELD_GPS) | ALB_FIELD_BIT(ALB_FIELD_RATING),
                               .empty = ALB_FIELD_BIT(ALB_FIELD_RATING),
                               .latitude = 50,
                               .longitude = 8};
    const struct alb_layer *layers[ALB_LAYER_COUNT] = {NULL, &file, NULL, &person};
    struct alb_layer e;

    (void)state;
    alb_layer_merge(layers, &e, NULL);
    assert_int_equal(e.stated, ALB_FIELDS_ALL & ~ALB_FIELD_BIT(ALB_FIELD_RATING));
    assert_true(e.latitude == 50 && e.longitude == 8);
    assert_int_equal(e.rating, 0);
    assert_int_equal(e.rotation, 90);
    assert_int_equal(e.capture.utc_ms, 1000 - 3600000);
    assert_true(alb_str_eq_c(e.author, "fa"));
}

static void test_overlay(void **state)
{
    struct alb_layer base, over;

    (void)state;
    say_title(&base, "old");
    base.stated |= ALB_FIELD_BIT(ALB_FIELD_RATING);
    base.rating = 4;
    say_title(&over, "new");
    alb_layer_overlay(&base, &over, 0);
    assert_true(alb_str_eq_c(base.title, "new"));
    assert_int_equal(base.rating, 4);
    say_title(&over, "-");
    alb_layer_overlay(&base, &over, ALB_FIELD_BIT(ALB_FIELD_RATING));
    assert_int_equal(base.stated, T);
    assert_int_equal(base.empty, T);
    say_title(&over, "again"); /* stating a field beats forgetting it in the same edit */
    alb_layer_overlay(&base, &over, T);
    assert_int_equal(base.empty, 0);
    assert_true(alb_str_eq_c(base.title, "again"));
    say_title(&over, NULL);
    alb_layer_overlay(&base, &over, T);
    assert_int_equal(base.stated, 0);
}

static void test_valid(void **state)
{
    struct alb_layer l = {0};
    const char *why;

    (void)state;
    assert_true(alb_layer_valid(&l, &why));
    l.rating = 9; /* silent: does not matter */
    assert_true(alb_layer_valid(&l, &why));
    l.stated = ALB_FIELD_BIT(ALB_FIELD_RATING);
    assert_false(alb_layer_valid(&l, &why));
    l.empty = l.stated;
    assert_true(alb_layer_valid(&l, &why));
    l = (struct alb_layer){.empty = 1};
    assert_false(alb_layer_valid(&l, &why));
    l = (struct alb_layer){.stated = 1u << 20};
    assert_false(alb_layer_valid(&l, &why));
    l = (struct alb_layer){.stated = ALB_FIELD_BIT(ALB_FIELD_GPS), .latitude = 90.1};
    assert_false(alb_layer_valid(&l, &why));
    l = (struct alb_layer){.stated = ALB_FIELD_BIT(ALB_FIELD_ROTATION), .rotation = 45};
    assert_false(alb_layer_valid(&l, &why));
    l = (struct alb_layer){.stated = T, .title = ALB_STR("a\xff")};
    assert_false(alb_layer_valid(&l, &why));
    l = (struct alb_layer){.stated = T, .title = ALB_STR("a\0b")};
    assert_false(alb_layer_valid(&l, &why));
    l = (struct alb_layer){.stated = ALB_FIELD_BIT(ALB_FIELD_CAPTURE)};
    l.capture = alb_capture_local(0, true, 2000);
    assert_false(alb_layer_valid(&l, &why));
}

/* ---- texts and times ---- */

static void test_fold(void **state)
{
    static const struct {
        const char *text, *key;
    } table[] = {
        {"", ""},
        {"IMG_0001.JPG", "img_0001.jpg"},
        {"Stra\xc3\x9f"
         "e",
         "strasse"},
        {"\xc3\x89t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
        {"E\xcc\x81", "\xc3\xa9"}, /* composed */
        {"\xef\xbc\xa1", "a"},     /* full width A */
        {"\xef\xac\x83", "ffi"},   /* ligature */
        {"A\xff"
         "B",
         "a\xff"
         "b"}, /* not UTF-8: bytes, ASCII folded */
    };
    struct alb_buf b = ALB_BUF_INIT(1024);

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        alb_buf_reset(&b);
        alb_fold(alb_str_c(table[i].text), &b);
        assert_int_equal(alb_buf_code(&b), ALB_OK);
        assert_true(alb_str_eq_c(alb_buf_view(&b), table[i].key));
    }
    alb_buf_fini(&b);
}

/* One letter that folds to eighteen: more than the room that is tried first. */
static void test_fold_grows(void **state)
{
    struct alb_buf text = ALB_BUF_INIT(1 << 16), b = ALB_BUF_INIT(1 << 20);

    (void)state;
    for (int i = 0; i < 100; i++)
        alb_buf_c(&text, "\xef\xb7\xba");
    alb_fold(alb_buf_view(&text), &b);
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    assert_true(b.n > text.n * 5);
    assert_true(alb_str_is_utf8(alb_buf_view(&b)));
    alb_buf_fini(&text);
    alb_buf_fini(&b);
}

static void test_months(void **state)
{
    (void)state;
    assert_int_equal(alb_month_of(0), 1970 * 12);
    assert_int_equal(alb_month_of(-1), 1969 * 12 + 11);
    assert_int_equal(alb_month_start(1970 * 12), 0);
    for (int32_t m = 1 * 12; m < 9999 * 12; m += 7) {
        assert_int_equal(alb_month_of(alb_month_start(m)), m);
        assert_int_equal(alb_month_of(alb_month_start(m + 1) - 1), m);
    }
}

static void test_capture(void **state)
{
    struct alb_capture c = alb_capture_local(1000000, true, -300);

    (void)state;
    assert_int_equal(c.utc_ms, 1000000 + 300 * 60000);
    c = alb_capture_utc(c.utc_ms, true, -300);
    assert_int_equal(c.local_ms, 1000000);
    c = alb_capture_local(5, false, 77);
    assert_int_equal(c.utc_ms, 5);
    assert_int_equal(c.offset_min, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_titles), cmocka_unit_test(test_merge_fields_are_independent),
        cmocka_unit_test(test_overlay),      cmocka_unit_test(test_valid),
        cmocka_unit_test(test_fold),         cmocka_unit_test(test_fold_grows),
        cmocka_unit_test(test_months),       cmocka_unit_test(test_capture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
