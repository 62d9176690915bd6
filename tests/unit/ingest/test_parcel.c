/* SPDX-License-Identifier: Apache-2.0
 * What becomes of a parcel: the order of its stages, refusals, what is only "not now", what is kept although
 * it is damaged, and what is left out because the catalog would not take it.
 */
#include "fakes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "upload/upload.h"

#define UUID "01234567-89ab-7def-8123-456789abcdef"

int original_fd = -1;

static const char jpeg[] = "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00";
static const char xmp[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF/></x:xmpmeta>";

static struct alb_pool *pool;
static struct alb_ingest *ingest;
static char folder[] = "/tmp/albumen-ingest-XXXXXX";
static int dirfd_of_uploads = -1;

static int open_world(void **state)
{
    const struct alb_pool_config config = {.name = "io", .threads = 2, .queue_max = 10};
    (void)state;
    assert_int_equal(alb_pool_new(&config, &pool, NULL), ALB_OK);
    const struct alb_ingest_config ic = {.clock = alb_clock_real(),
                                         .pool = pool,
                                         .library = (struct alb_library *)(void *)&fake,
                                         .store = (struct alb_blob_store *)(void *)&fake,
                                         .darkroom = (struct alb_darkroom *)(void *)&fake,
                                         .probe_ns = 60 * ALB_NS_PER_S,
                                         .keep_ms = 1000};
    assert_int_equal(alb_ingest_new(&ic, &ingest, NULL), ALB_OK);
    assert_non_null(mkdtemp(folder));
    dirfd_of_uploads = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dirfd_of_uploads < 0;
}

static int close_world(void **state)
{
    (void)state;
    alb_ingest_free(&ingest);
    alb_pool_free(&pool);
    (void)close(original_fd);
    (void)unlinkat(dirfd_of_uploads, "up.data", 0);
    (void)close(dirfd_of_uploads);
    return rmdir(folder);
}

static void write_file(const void *p, size_t n)
{
    int fd = openat(dirfd_of_uploads, "up.data", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    (void)close(original_fd);
    original_fd = fd;
}

struct outcome {
    enum alb_code code;
    char text[128];
};

static bool transient;

/* Gives the bytes to the sink and waits for the end. */
static struct outcome take(const void *p, size_t n, struct alb_str note, bool present)
{
    struct outcome out = {.code = ALB_OK};
    struct alb_future *future = NULL;
    const struct alb_upload_sink *sink = alb_ingest_sink(ingest);
    struct alb_upload_parcel parcel = {.id = ALB_STR("0123456789abcdef"),
                                       .owner = 7,
                                       .size = (int64_t)n,
                                       .note = note,
                                       .dirfd = dirfd_of_uploads,
                                       .name = present ? "up.data" : "gone.data",
                                       .transient = transient,
                                       .present = present};
    memset(parcel.sha256, 3, sizeof(parcel.sha256));
    write_file(p, n);
    assert_int_equal(sink->take(sink->ctx, &parcel, &future, NULL), ALB_OK);
    out.code = alb_future_await(future, ALB_NEVER, NULL);
    if (out.code == ALB_OK) {
        const struct alb_bytes *b = ALB_CONTAINER_OF(alb_future_result(future), struct alb_bytes, obj);
        assert_true(alb_str_to_c(alb_bytes_view(b), out.text, sizeof(out.text)));
    }
    alb_future_unref(future);
    assert_int_equal(fake.pins, 0); /* unpinned before anybody hears of it */
    return out;
}

static struct outcome take_jpeg(void)
{
    return take(jpeg, sizeof(jpeg) - 1, ALB_STR(""), true);
}

static void test_the_usual_way(void **state)
{
    (void)state;
    fake_reset();
    fake.slices = 3;
    fake.with_meta = true;
    struct outcome o =
        take(jpeg, sizeof(jpeg) - 1,
             ALB_STR("door 2\nname IMG%201.JPG\nmodified 12345\ntaken 1000\noffset 60\ntitle T\n"
                     "favorite 1\nvisibility 1\ndevice d\ndevice-asset da\ntag x\ntag y%2Fz\n"),
             true);
    assert_int_equal(o.code, ALB_OK);
    assert_string_equal(o.text, "created " UUID);
    assert_string_equal(fake.order, "BPCE"); /* nothing unknown becomes an original */
    assert_string_equal(fake.name, "IMG 1.JPG");
    assert_string_equal(fake.mime, "image/jpeg");
    assert_string_equal(fake.key, "ab/cdef");
    assert_string_equal(fake.upload, "0123456789abcdef");
    assert_int_equal(fake.asset.upload_keep_ms, 1000);
    assert_string_equal(fake.title, "T");
    assert_string_equal(fake.tags, "x y/z a/b c ");
    assert_int_equal(fake.asset.owner_id, 7);
    assert_int_equal(fake.asset.door, ALB_DOOR_IMMICH);
    assert_int_equal(fake.asset.visibility, ALB_VIS_ARCHIVE);
    assert_true(fake.asset.favorite);
    assert_false(fake.asset.damaged);
    assert_int_equal(fake.asset.file_modified_ms, 12345);
    assert_int_equal(fake.asset.media.width, 40);
    assert_int_equal(fake.asset.media.orientation, 6);
    assert_int_equal(fake.asset.job_count, 1);
    assert_int_equal(fake.hint_stated, ALB_FIELD_BIT(ALB_FIELD_CAPTURE) | ALB_FIELD_BIT(ALB_FIELD_TITLE));
    assert_int_equal(fake.file_stated, ALB_FIELD_BIT(ALB_FIELD_TITLE)); /* a latitude of 91 says nothing */
}

/* An earlier run has renamed the file and did not come to its end. */
static void test_after_a_crash(void **state)
{
    (void)state;
    fake_reset();
    fake.slices = 2;
    fake.as = ALB_DUPLICATE;
    struct outcome o = take(jpeg, sizeof(jpeg) - 1, ALB_STR(""), false);
    assert_int_equal(o.code, ALB_OK);
    assert_string_equal(o.text, "duplicate " UUID);
    assert_string_equal(fake.order, "POVVBCE");
    fake_reset();
    fake.open = ALB_E_CORRUPT;
    assert_int_equal(take(jpeg, sizeof(jpeg) - 1, ALB_STR(""), false).code, ALB_E_CORRUPT);
    assert_string_equal(fake.order, "PE");
}

static void test_results(void **state)
{
    struct alb_ingest_result r;
    (void)state;
    fake_reset();
    fake.as = ALB_DUPLICATE;
    fake.trashed = true;
    struct outcome o = take_jpeg();
    assert_string_equal(o.text, "duplicate " UUID " trashed");
    assert_true(alb_ingest_result_parse(alb_str_c(o.text), &r));
    assert_int_equal(r.as, ALB_DUPLICATE);
    assert_true(r.trashed);
    fake_reset();
    fake.as = ALB_RESTORED;
    o = take_jpeg();
    assert_string_equal(o.text, "restored " UUID);
}

static void test_refusals(void **state)
{
    static const char text[] = "just words\n";
    (void)state;
    fake_reset();
    assert_int_equal(take("", 0, ALB_STR(""), true).code, ALB_E_UNPROCESSABLE);
    assert_string_equal(fake.order, "");
    assert_int_equal(take(text, sizeof(text) - 1, ALB_STR("name a.jpg\n"), true).code, ALB_E_UNPROCESSABLE);
    assert_string_equal(fake.order, "");
    assert_int_equal(take(xmp, sizeof(xmp) - 1, ALB_STR(""), true).code, ALB_E_UNPROCESSABLE);
    assert_string_equal(fake.order, "");
    fake.unknown = true; /* the probe knows better */
    assert_int_equal(take_jpeg().code, ALB_E_UNPROCESSABLE);
    assert_string_equal(fake.order, "B");
    fake_reset();
    fake.commit = ALB_E_TOO_LARGE; /* the quota; somebody else has these bytes */
    assert_int_equal(take_jpeg().code, ALB_E_TOO_LARGE);
    assert_string_equal(fake.order, "BPCE");
    fake_reset();
    fake.commit = ALB_E_TOO_LARGE; /* nobody has: what was published for it goes */
    fake.row = ALB_E_NOT_FOUND;
    assert_int_equal(take_jpeg().code, ALB_E_TOO_LARGE);
    assert_string_equal(fake.order, "BPCER");
    fake_reset();
    fake.commit = ALB_E_TOO_LARGE;
    fake.row = ALB_E_BUSY; /* not known: the sweep will see */
    assert_int_equal(take_jpeg().code, ALB_E_TOO_LARGE);
    assert_string_equal(fake.order, "BPCE");
    fake_reset();
    fake.commit = ALB_E_TOO_LARGE;
    fake.row = ALB_E_NOT_FOUND;
    fake.existed = true; /* not ours to remove */
    assert_int_equal(take_jpeg().code, ALB_E_TOO_LARGE);
    assert_string_equal(fake.order, "BPCE");
    fake_reset();
    fake.commit = ALB_E_IO; /* offered again: it is needed */
    fake.row = ALB_E_NOT_FOUND;
    assert_int_equal(take_jpeg().code, ALB_E_IO);
    assert_string_equal(fake.order, "BPCE");
    fake_reset();
    fake.commit = ALB_E_FORBIDDEN;
    assert_int_equal(take_jpeg().code, ALB_E_FORBIDDEN);
    fake_reset();
    fake.commit = ALB_E_UNPROCESSABLE; /* a forged SHA-1 */
    assert_int_equal(take_jpeg().code, ALB_E_UNPROCESSABLE);
}

/* Whatever fails that is not the file's fault leaves the upload where it is. */
static void test_not_now(void **state)
{
    (void)state;
    for (enum alb_code code = ALB_E_INVALID; code < ALB_CODE_COUNT; code++) {
        struct outcome o;
        fake_reset();
        fake.publish = code;
        o = take_jpeg();
        assert_true(o.code != ALB_OK && !alb_upload_refusal(o.code));
        fake_reset();
        fake.create = code;
        o = take_jpeg();
        assert_true(o.code != ALB_OK && !alb_upload_refusal(o.code));
        fake_reset();
        fake.commit = code;
        o = take_jpeg();
        assert_true(o.code != ALB_OK);
        assert_int_equal(alb_upload_refusal(o.code),
                         code == ALB_E_TOO_LARGE || code == ALB_E_FORBIDDEN || code == ALB_E_UNPROCESSABLE);
        fake_reset();
        fake.submit = code;
        o = take_jpeg();
        if (code != ALB_E_UNSUPPORTED)
            assert_true(o.code != ALB_OK && !alb_upload_refusal(o.code));
    }
    static const enum alb_code busy[] = {ALB_E_BUSY, ALB_E_CANCELLED, ALB_E_NO_MEMORY, ALB_E_NO_SPACE,
                                         ALB_E_IO};
    for (size_t i = 0; i < ALB_ARRAY_LEN(busy); i++) {
        fake_reset();
        fake.probe = busy[i];
        assert_int_equal(take_jpeg().code, busy[i]);
        assert_string_equal(fake.order, "B");
    }
    fake_reset();
    fake.probe = ALB_E_TIMEOUT; /* never ran */
    assert_int_equal(take_jpeg().code, ALB_E_TIMEOUT);
    fake.queued_ns = 40;
    fake.run_ns = 20;
    assert_int_equal(take_jpeg().code, ALB_E_TIMEOUT);
}

/* It may be the only copy. */
static void test_what_cannot_be_read_is_kept(void **state)
{
    static const struct {
        enum alb_code submit, probe;
        bool damaged;
    } cases[] = {{ALB_OK, ALB_E_UNPROCESSABLE, true}, {ALB_OK, ALB_E_TOO_LARGE, false},
                 {ALB_OK, ALB_E_UNSUPPORTED, false},  {ALB_OK, ALB_E_TIMEOUT, false},
                 {ALB_OK, ALB_E_INTERNAL, false},     {ALB_E_UNSUPPORTED, ALB_OK, false}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        fake_reset();
        fake.submit = cases[i].submit;
        fake.probe = cases[i].probe;
        fake.run_ns = 10;
        struct outcome o = take_jpeg();
        assert_int_equal(o.code, ALB_OK);
        assert_int_equal(fake.asset.damaged, cases[i].damaged);
        assert_string_equal(fake.mime, "image/jpeg");
        assert_int_equal(fake.asset.media.width, 0);
        assert_int_equal(fake.asset.job_count, 0); /* nothing to make ready */
    }
    fake_reset();
    fake.damaged = true; /* the probe itself says so */
    assert_int_equal(take_jpeg().code, ALB_OK);
    assert_true(fake.asset.damaged);
    assert_int_equal(fake.asset.job_count, 0);
}

/* Hints never cost the photo. */
static void test_bad_hints(void **state)
{
    struct alb_buf note = ALB_BUF_INIT(100000);
    (void)state;
    fake_reset();
    assert_int_equal(take(jpeg, sizeof(jpeg) - 1, ALB_STR("door 99\nname a.jpg\n"), true).code, ALB_OK);
    assert_string_equal(fake.name, "01234567.jpg");
    assert_int_equal(fake.asset.door, ALB_DOOR_TUS);
    fake_reset();
    alb_buf_c(&note, "taken 4000000000000000\ntag ok\ntag a//b\ntag %00\nname ");
    for (int i = 0; i < 300; i++)
        alb_buf_c(&note, "%C3%A4");
    alb_buf_c(&note, "%0A.jpeg\ntitle ");
    for (int i = 0; i < 5000; i++)
        alb_buf_char(&note, 't');
    alb_buf_char(&note, '\n');
    assert_int_equal(take(jpeg, sizeof(jpeg) - 1, alb_buf_view(&note), true).code, ALB_OK);
    assert_string_equal(fake.tags, "ok ");
    assert_int_equal(fake.hint_stated, 0);
    assert_true(strlen(fake.name) <= 255 && strlen(fake.name) > 240);
    assert_true(alb_str_is_utf8(alb_str_c(fake.name)));
    assert_string_equal(fake.name + strlen(fake.name) - 5, ".jpeg");
    assert_int_equal(take(jpeg, sizeof(jpeg) - 1, ALB_STR("name a%00b%0D%0Ac\n"), true).code, ALB_OK);
    assert_string_equal(fake.name, "a_b__c");
    alb_buf_fini(&note);
}

static void test_without_memory(void **state)
{
    const struct alb_upload_sink *sink = alb_ingest_sink(ingest);
    struct alb_upload_parcel parcel = {
        .id = ALB_STR("x"), .size = 0, .dirfd = -1, .name = "x", .present = true};
    (void)state;
    fake_reset();
    for (uint64_t n = 1;; n++) {
        struct alb_future *future = NULL;
        alb_mem_fault(n, true);
        enum alb_code code = sink->take(sink->ctx, &parcel, &future, NULL);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        if (code == ALB_OK) {
            code = alb_future_await(future, ALB_NEVER, NULL);
            assert_int_equal(code, fired ? ALB_E_NO_MEMORY : ALB_E_UNPROCESSABLE);
        }
        assert_true(code == ALB_E_NO_MEMORY || !fired);
        alb_future_unref(future);
        if (!fired)
            break;
    }
}

static void test_recall(void **state)
{
    (void)state;
    fake_reset();
    transient = true; /* nobody can ask */
    assert_int_equal(take_jpeg().code, ALB_OK);
    assert_int_equal(fake.asset.upload_keep_ms, 0);
    transient = false;
    const struct alb_upload_sink *sink = alb_ingest_sink(ingest);
    struct alb_bytes *result = NULL;
    int64_t owner = 0, size = 0;
    char text[128];
    fake_reset();
    assert_int_equal(sink->recall(sink->ctx, ALB_STR("other"), &owner, &size, &result, NULL),
                     ALB_E_NOT_FOUND);
    assert_null(result);
    fake.taken = (struct alb_taken){.owner_id = 7, .size = 99, .made = ALB_DUPLICATE, .trashed = true};
    assert_true(alb_uuid_parse(ALB_STR(UUID), &fake.taken.asset));
    assert_int_equal(sink->recall(sink->ctx, ALB_STR("known"), &owner, &size, &result, NULL), ALB_OK);
    assert_int_equal(owner, 7);
    assert_int_equal(size, 99);
    assert_true(alb_str_to_c(alb_bytes_view(result), text, sizeof(text)));
    assert_string_equal(text, "duplicate " UUID " trashed");
    alb_bytes_unref(result);

    /* Told to remember nothing, it does not say that it does. */
    struct alb_ingest *forgetful = NULL;
    const struct alb_ingest_config config = {.clock = alb_clock_real(), .pool = pool};
    assert_int_equal(alb_ingest_new(&config, &forgetful, NULL), ALB_OK);
    assert_true(alb_ingest_sink(forgetful)->recall == NULL);
    alb_ingest_free(&forgetful);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_usual_way), cmocka_unit_test(test_after_a_crash),
        cmocka_unit_test(test_results),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_not_now),       cmocka_unit_test(test_what_cannot_be_read_is_kept),
        cmocka_unit_test(test_bad_hints),     cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_recall),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
