/* SPDX-License-Identifier: Apache-2.0
 * The note of an upload: pack and unpack are inverse, unpack trusts nothing; the text of a result.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "ingest/ingest.h"

static struct alb_arena *arena;

static int make_arena(void **state)
{
    (void)state;
    arena = alb_arena_new((size_t)1 << 20);
    return arena == NULL;
}

static int free_arena(void **state)
{
    (void)state;
    alb_arena_free(&arena);
    return 0;
}

static enum alb_code unpack(const char *note, struct alb_ingest_hints *h)
{
    return alb_ingest_hints_unpack(alb_str_c(note), arena, h, NULL);
}

static void assert_same_text(struct alb_str a, struct alb_str b)
{
    assert_int_equal(a.p == NULL, b.p == NULL);
    assert_true(alb_str_eq(a, b));
}

static void test_round_trip(void **state)
{
    struct alb_ingest_hints in, out;
    struct alb_buf note = ALB_BUF_INIT(65536);
    (void)state;
    alb_ingest_hints_init(&in);
    in.door = ALB_DOOR_PIWIGO;
    in.name = ALB_STR("a b\n%25\xc3\xa4.jpg");
    in.file_modified_ms = -5;
    in.has_taken = true;
    in.taken = alb_capture_utc(1234567, true, -150);
    in.title = ALB_STR(""); /* said to be empty */
    in.favorite = true;
    in.visibility = ALB_VIS_LOCKED;
    in.device_id = ALB_STR("12");
    in.device_asset_id = alb_str_n("x\0y", 3);
    for (size_t i = 0; i < ALB_INGEST_TAGS_MAX; i++)
        in.tags[in.tag_count++] = i % 2 ? ALB_STR("t/u") : ALB_STR(" ");
    alb_ingest_hints_pack(&in, &note);
    assert_int_equal(alb_buf_code(&note), ALB_OK);
    assert_int_equal(alb_ingest_hints_unpack(alb_buf_view(&note), arena, &out, NULL), ALB_OK);
    assert_int_equal(out.door, in.door);
    assert_same_text(out.name, in.name);
    assert_int_equal(out.file_modified_ms, in.file_modified_ms);
    assert_true(out.has_taken);
    assert_int_equal(out.taken.utc_ms, 1234567);
    assert_int_equal(out.taken.local_ms, in.taken.local_ms);
    assert_true(out.taken.has_offset);
    assert_int_equal(out.taken.offset_min, -150);
    assert_same_text(out.title, in.title);
    assert_same_text(out.description, in.description);
    assert_true(out.favorite);
    assert_int_equal(out.visibility, in.visibility);
    assert_same_text(out.device_id, in.device_id);
    assert_same_text(out.device_asset_id, in.device_asset_id);
    assert_int_equal(out.tag_count, in.tag_count);
    for (size_t i = 0; i < out.tag_count; i++)
        assert_same_text(out.tags[i], in.tags[i]);
    alb_buf_fini(&note);
}

static void test_what_is_left_out(void **state)
{
    struct alb_ingest_hints h;
    (void)state;
    assert_int_equal(unpack("", &h), ALB_OK);
    assert_int_equal(h.door, ALB_DOOR_TUS);
    assert_int_equal(h.visibility, ALB_VIS_TIMELINE);
    assert_null(h.name.p);
    assert_int_equal(unpack("from-a-newer-albumen 7\nname n\n\n", &h), ALB_OK);
    assert_true(alb_str_eq_c(h.name, "n"));
    assert_int_equal(unpack("taken 0\n", &h), ALB_OK);
    assert_true(h.has_taken && !h.taken.has_offset);
}

static void test_what_is_refused(void **state)
{
    static const char *const bad[] = {
        "name",
        "name\n",
        "name %4\n",
        "name %zz\n",
        "door x\n",
        "door -1\n",
        "door 5\n",
        "visibility 4\n",
        "visibility \n",
        "modified now\n",
        "taken \n",
        "offset 60\n",
        "taken 1\noffset 1081\n",
        "taken 9223372036854775807\n",
        "favorite 2\n",
        "favorite yes\n",
    };
    struct alb_ingest_hints h;
    struct alb_buf many = ALB_BUF_INIT(4096);
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        if (unpack(bad[i], &h) != ALB_E_INVALID)
            fail_msg("taken: %s", bad[i]);
    for (size_t i = 0; i <= ALB_INGEST_TAGS_MAX; i++)
        alb_buf_c(&many, "tag t\n");
    assert_int_equal(alb_ingest_hints_unpack(alb_buf_view(&many), arena, &h, NULL), ALB_E_INVALID);
    alb_buf_fini(&many);
    struct alb_arena *tiny = alb_arena_new(512);
    struct alb_buf large = ALB_BUF_INIT(4096);
    alb_buf_c(&large, "name ");
    for (int i = 0; i < 2000; i++)
        alb_buf_char(&large, 'n');
    assert_int_equal(alb_ingest_hints_unpack(alb_buf_view(&large), tiny, &h, NULL), ALB_E_NO_MEMORY);
    alb_buf_fini(&large);
    alb_arena_free(&tiny);
}

#define UUID "01234567-89ab-7def-8123-456789abcdef"

static void test_results(void **state)
{
    static const char *const bad[] = {"",           "created", "created ", "created x",
                                      "made " UUID, UUID,      " " UUID,   "created " UUID "0"};
    struct alb_ingest_result r;
    (void)state;
    assert_true(alb_ingest_result_parse(ALB_STR("restored " UUID), &r));
    assert_int_equal(r.as, ALB_RESTORED);
    assert_false(r.trashed);
    assert_true(alb_ingest_result_parse(ALB_STR("duplicate " UUID " trashed"), &r));
    assert_true(r.trashed);
    assert_true(alb_ingest_result_parse(ALB_STR("created " UUID " and more"), &r)); /* of a newer albumen */
    assert_false(r.trashed);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        if (alb_ingest_result_parse(alb_str_c(bad[i]), &r))
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_what_is_left_out),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_results),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
