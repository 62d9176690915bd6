/* SPDX-License-Identifier: Apache-2.0
 * Keys: equal for equal pictures, different with every option, with the bytes and with a person's turn; and
 * the standard sizes.
 */
#include "fakes.h"
#include "render/sizes.h"

#define CHANGES 23

static struct alb_flight_key key_with(struct alb_source *source, const struct alb_plan_options *o)
{
    const struct alb_render_ask question = ask_of(source, o, ALB_LEASE_FOREGROUND, 7);
    struct alb_flight_key key;
    alb_render_key(NULL, &question, &key);
    return key;
}

static struct alb_plan_options changed(int which)
{
    struct alb_plan_options o = small_picture();
    switch (which) {
    case 0:
        break;
    case 1:
        o.fit = ALB_FIT_COVER;
        break;
    case 2:
        o.width = 257;
        break;
    case 3:
        o.height = 257;
        break;
    case 4:
        o.enlarge = true;
        break;
    case 5:
        o.turn = 90;
        break;
    case 6:
        o.flip_h = true;
        break;
    case 7:
        o.flip_v = true;
        break;
    case 8:
        o.ignore_orientation = true;
        break;
    case 9:
        o.gravity.x = 0.25;
        break;
    case 10:
        o.gravity.y = 0.25;
        break;
    case 11:
        o.output.format = ALB_FORMAT_WEBP;
        break;
    case 12:
        o.output.quality[ALB_FORMAT_JPEG] = 33;
        break;
    case 13:
        o.output.lossless = true;
        break;
    case 14:
        o.flatten = true;
        break;
    case 15:
        o.background = 0x010203;
        break;
    case 16:
        o.output.keep_metadata = true;
        break;
    case 17:
        o.output.profile = ALB_PROFILE_KEEP;
        break;
    case 18:
        o.frames = 9;
        break;
    case 19:
        o.page = 1;
        break;
    case 20:
        o.shrink_margin = 1700;
        break;
    case 21:
        o.lenient = true;
        break;
    case 22:
        o.fit = ALB_FIT_FORCE;
        break;
    default:
        fail();
    }
    return o;
}

static void test_keys_differ_with_every_option(void **state)
{
    struct alb_source *source = fake_source(1, "k");
    struct alb_flight_key keys[CHANGES];
    (void)state;
    for (int i = 0; i < CHANGES; i++) {
        const struct alb_plan_options o = changed(i);
        keys[i] = key_with(source, &o);
        const struct alb_flight_key again = key_with(source, &o);
        assert_memory_equal(&keys[i], &again, sizeof(again));
        for (int k = 0; k < i; k++)
            if (memcmp(&keys[i], &keys[k], sizeof(keys[i])) == 0)
                fail_msg("options %d and %d have the same key", i, k);
    }
    alb_source_unref(source);
}

static void test_keys_follow_the_bytes_and_the_turn(void **state)
{
    struct alb_source *a = fake_source(1, "k"), *b = fake_source(2, "k"), *same = fake_source(1, "elsewhere");
    const struct alb_plan_options o = small_picture(), turned = changed(5);
    (void)state;
    same->owner_id = 77; /* equal bytes are equal pictures, whoever owns them */
    same->asset_id = 78;
    struct alb_flight_key key = key_with(a, &o), other = key_with(b, &o), equal = key_with(same, &o);
    assert_memory_not_equal(&key, &other, sizeof(key));
    assert_memory_equal(&key, &equal, sizeof(key));
    a->rotation = 90; /* turned by a person, or asked for turned: the same picture */
    key = key_with(a, &o);
    other = key_with(same, &turned);
    assert_memory_equal(&key, &other, sizeof(key));
    a->rotation = 270;
    same->rotation = -90;
    key = key_with(a, &turned);
    other = key_with(same, &turned);
    assert_memory_equal(&key, &other, sizeof(key)); /* 360 is 0 */
    alb_source_unref(a);
    alb_source_unref(b);
    alb_source_unref(same);
}

static void set_header(struct alb_source *s, const struct alb_image_header *h,
                       char room[ALB_HEADER_PACKED_MAX])
{
    struct alb_buf packed = ALB_BUF_INIT(ALB_HEADER_PACKED_MAX);
    alb_header_pack(h, &packed);
    assert_int_equal(alb_buf_code(&packed), ALB_OK);
    memcpy(room, packed.p, packed.n);
    s->header = alb_str_n(room, packed.n);
    alb_buf_fini(&packed);
}

static void test_standard_sizes(void **state)
{
    struct alb_source *s = fake_source(1, "k");
    struct alb_image_header h = {.type = ALB_TYPE_PNG,
                                 .width = 800,
                                 .height = 600,
                                 .orientation = 1,
                                 .pages = 1,
                                 .alpha = true,
                                 .bits = 8,
                                 .space = ALB_SPACE_RGB};
    struct alb_plan_options o;
    char room[ALB_HEADER_PACKED_MAX];
    (void)state;
    alb_size_options(ALB_SIZE_THUMBNAIL, s, &o);
    assert_int_equal(o.output.format, ALB_FORMAT_JPEG);
    assert_int_equal(o.width, 512);
    assert_int_equal(o.frames, 0);
    alb_size_options(ALB_SIZE_FULL, s, &o);
    assert_int_equal(o.width, 0);
    set_header(s, &h, room);
    alb_size_options(ALB_SIZE_PREVIEW, s, &o);
    assert_int_equal(o.output.format, ALB_FORMAT_WEBP); /* keeps its transparency */
    h = (struct alb_image_header){.type = ALB_TYPE_GIF,
                                  .width = 100,
                                  .height = 100,
                                  .orientation = 1,
                                  .pages = 9,
                                  .animated = true,
                                  .bits = 8,
                                  .space = ALB_SPACE_RGB};
    set_header(s, &h, room);
    alb_size_options(ALB_SIZE_THUMBNAIL, s, &o);
    assert_int_equal(o.frames, 0); /* a still */
    alb_size_options(ALB_SIZE_PREVIEW, s, &o);
    assert_int_equal(o.frames, 9);
    struct alb_plan_limits limits;
    static struct alb_plan plan;
    alb_plan_limits_default(&limits);
    h.pages = limits.frames + 1; /* too long to be shown as it is: its first frame, not a refusal */
    set_header(s, &h, room);
    alb_size_options(ALB_SIZE_PREVIEW, s, &o);
    const struct alb_plan_ask ask = {.headers = &h, .header_count = 1, .options = &o, .limits = &limits};
    assert_int_equal(alb_plan_make(&ask, &plan, NULL), ALB_OK);
    h.pages = 1000;
    h.width = h.height = 4000;
    set_header(s, &h, room);
    alb_size_options(ALB_SIZE_FULL, s, &o);
    assert_int_equal(alb_plan_make(&ask, &plan, NULL), ALB_OK);
    s->header = ALB_STR_NONE; /* never probed */
    alb_size_options(ALB_SIZE_PREVIEW, s, &o);
    assert_int_equal(o.output.format, ALB_FORMAT_JPEG);
    alb_source_unref(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_differ_with_every_option),
        cmocka_unit_test(test_keys_follow_the_bytes_and_the_turn),
        cmocka_unit_test(test_standard_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
