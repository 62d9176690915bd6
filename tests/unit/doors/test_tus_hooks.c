/* SPDX-License-Identifier: Apache-2.0
 *
 * The tus door as `albumen tusd` mounts it: at a path of its own, without accounts, over the plain layout;
 * and its hooks: what they may change, that nothing is held while they think, that each is told once, and
 * what happens when everything comes at the same time (T2, T3). The races of hooks: test_tus_race_*.c.
 */
#include "tus_world.h"

/* ---- what hooks may do ---- */

static void a_creation_is_rejected(void **state)
{
    static const struct alb_header headers[] = {{"X-Why", {"tired", 5}}, {"Content-Length", {"7", 1}}};

    (void)state;
    fake.say[ALB_TUS_PRE_CREATE] = (struct alb_tus_verdict){
        .reject = true, .status = 402, .body = ALB_STR("pay"), .headers = headers, .header_count = 2};
    const char *text = post("Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n");
    assert_has(text, "HTTP/1.1 402");
    assert_has(text, "X-Why: tired");
    assert_has(text, "\r\n\r\npay");
    assert_null(strstr(text, "Location"));
    assert_has(fake.last[ALB_TUS_PRE_CREATE], "\"ID\":\"\",\"Size\":5,");
    assert_int_equal(count_of(ALB_TUS_POST_CREATE), 0);
    assert_int_equal(alb_uploads_look(uploads).known, 3);
    assert_string_equal(fake.last_code, "ERR_UPLOAD_REJECTED");
    fake.say[ALB_TUS_PRE_CREATE] = (struct alb_tus_verdict){0};
    fake.fail[ALB_TUS_PRE_CREATE] = true;
    assert_has(post("Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n"), "HTTP/1.1 500");
    assert_int_equal(alb_uploads_look(uploads).known, 3);
}

static void a_creation_is_changed(void **state)
{
    (void)state;
    fake.say[ALB_TUS_PRE_CREATE] = (struct alb_tus_verdict){.id = ALB_STR("2026/lake"),
                                                            .path = ALB_STR("else/where.bin"),
                                                            .metadata = ALB_STR("b Yg==,a YQ==,b Yw==,bad !"),
                                                            .status = 200};
    const char *text = post("Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\nX-Forwarded-Host: photos.example\r\n"
                            "X-Forwarded-Proto: https\r\n");
    assert_has(text, "HTTP/1.1 200");
    assert_has(text, "Location: https://photos.example/up/load/2026/lake\r\n");
    check_file(
        "up/2026/lake.info",
        "{\"ID\":\"2026/"
        "lake\",\"Size\":5,\"SizeIsDeferred\":false,\"Offset\":0,\"MetaData\":{\"a\":\"a\",\"b\":"
        "\"c\"},\"IsPartial\":false,\"IsFinal\":false,\"PartialUploads\":null,\"Storage\":{\"InfoPath\":"
        "\"up/2026/lake.info\",\"Path\":\"up/else/where.bin\",\"Type\":\"filestore\"}}");
    assert_has(fake.last[ALB_TUS_POST_CREATE], "\"ID\":\"2026/lake\"");
    assert_has(read_all(patch_open("2026/lake", 0, 5, "hello")), "HTTP/1.1 204");
    check_file("up/else/where.bin", "hello");
    assert_has(fake.last[ALB_TUS_POST_FINISH], "\"Offset\":5,");
    assert_has(simple("GET", "2026/lake"), "\r\n\r\nhello");
    assert_has(simple("DELETE", "2026/lake"), "HTTP/1.1 204");
    assert_int_equal(count_of(ALB_TUS_POST_TERMINATE), 1);
    assert_int_equal(file_size("up/else/where.bin"), -1);
    assert_int_equal(file_size("up/2026/lake.info"), -1);
}

/* As in tusd, what is wrong with a hook's answer is not the client's fault, and Location is the upload's. */
static void a_creation_is_not_changed_to_nonsense(void **state)
{
    static const struct alb_header headers[] = {{"Location", {"http://else/", 12}}, {"X-A", {"b", 1}}};

    (void)state;
    fake.say[ALB_TUS_PRE_CREATE] = (struct alb_tus_verdict){.id = ALB_STR("/bad")};
    assert_has(post("Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n"), "HTTP/1.1 500");
    assert_string_equal(fake.last_code, "ERR_INTERNAL_SERVER_ERROR");
    fake.say[ALB_TUS_PRE_CREATE] = (struct alb_tus_verdict){.headers = headers, .header_count = 2};
    const char *text = post("Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n");
    assert_has(text, "HTTP/1.1 201");
    assert_has(text, "X-A: b");
    assert_has(text, "/up/load/");
    assert_null(strstr(text, "else"));
}

static void an_answer_is_changed_before_it_is_given(void **state)
{
    static const struct alb_header headers[] = {{"X-Photo", {"42", 2}}};

    (void)state;
    fake.say[ALB_TUS_PRE_FINISH] =
        (struct alb_tus_verdict){.status = 200, .headers = headers, .header_count = 1};
    create("a", "Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n");
    const char *text = read_all(patch_open("a", 0, 5, "hello"));
    assert_has(text, "HTTP/1.1 200");
    assert_has(text, "X-Photo: 42");
    assert_has(text, "Upload-Offset: 5");
    fake.say[ALB_TUS_PRE_FINISH].body = ALB_STR("<b>");
    create("c", "Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n");
    text = read_all(patch_open("c", 0, 5, "hello"));
    assert_has(text, "Content-Type: text/plain; charset=utf-8\r\n"); /* it did not say what its body is */
    assert_has(text, "\r\n\r\n<b>");
    fake.fail[ALB_TUS_PRE_FINISH] = true;
    create("b", "Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n");
    assert_has(read_all(patch_open("b", 0, 5, "hello")), "HTTP/1.1 500");
    assert_int_equal(count_of(ALB_TUS_POST_FINISH), 2); /* as in tusd: skipped for b */
    check_file("up/b", "hello");
    assert_has(simple("HEAD", "b"), "Upload-Offset: 5");
}

/* While a hook thinks, others have the upload. */
static void a_termination_is_asked_for(void **state)
{
    (void)state;
    create("a", "Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n");
    fake.hold[ALB_TUS_PRE_TERMINATE] = true;
    fake.say[ALB_TUS_PRE_TERMINATE] = (struct alb_tus_verdict){.reject = true};
    int fd = dial();
    ask(fd, "DELETE", "/up/load/a", "Tus-Resumable: 1.0.0\r\n");
    wait_count(ALB_TUS_PRE_TERMINATE, 1);
    assert_int_equal(alb_uploads_look(uploads).held, 0);
    assert_has(read_all(patch_open("a", 0, 2, "he")), "Upload-Offset: 2");
    let_go();
    assert_has(read_all(fd), "ERR_UPLOAD_TERMINATION_REJECTED");
    assert_has(simple("HEAD", "a"), "Upload-Offset: 2");
    fake.say[ALB_TUS_PRE_TERMINATE] = (struct alb_tus_verdict){0};
    assert_has(simple("DELETE", "a"), "HTTP/1.1 204");
    assert_has(simple("HEAD", "a"), "HTTP/1.1 404");
}

static void every_request_needs_to_be_allowed(void **state)
{
    static const char *const methods[] = {"HEAD", "GET", "DELETE", "PATCH"};

    (void)state;
    create("a", "Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n");
    fake.say[ALB_TUS_AUTHORISE] = (struct alb_tus_verdict){.reject = true, .status = 401};
    for (size_t i = 0; i < ALB_ARRAY_LEN(methods); i++)
        assert_has(simple(methods[i], "a"), "HTTP/1.1 401");
    assert_has(post("Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n"), "HTTP/1.1 401");
    assert_has(fake.last[ALB_TUS_AUTHORISE], "\"ID\":\"\"");
    fake.say[ALB_TUS_AUTHORISE] = (struct alb_tus_verdict){0};
    assert_has(simple("HEAD", "a"), "Upload-Offset: 0");
    assert_has(fake.last[ALB_TUS_AUTHORISE], "\"ID\":\"a\"");
}

/* The client has fallen silent: the hook's answer ends it all the same. */
static void a_body_is_stopped(void **state)
{
    (void)state;
    create("a", "Tus-Resumable: 1.0.0\r\nUpload-Length: 1000\r\n");
    fake.hold[ALB_TUS_POST_RECEIVE] = true;
    fake.say[ALB_TUS_POST_RECEIVE] = (struct alb_tus_verdict){.stop = true, .body = ALB_STR("enough")};
    int fd = patch_open("a", 0, 1000, "hello");
    wait_count(ALB_TUS_POST_RECEIVE, 1);
    assert_has(fake.last[ALB_TUS_POST_RECEIVE], "\"Offset\":5,");
    let_go();
    const char *text = read_all(fd);
    assert_has(text, "HTTP/1.1 400");
    assert_has(text, "\r\n\r\nenough");
    assert_has(simple("HEAD", "a"), "HTTP/1.1 404");
    assert_int_equal(count_of(ALB_TUS_POST_TERMINATE), 1);
    assert_int_equal(file_size("up/a"), -1);
}

/* T2, T3: a newcomer at any moment, the last byte included. */
static void each_end_is_told_once(void **state)
{
    char id[16];

    (void)state;
    for (unsigned i = 0; i < 400; i++) { /* each some fsyncs: a busy disk must not make it minutes */
        (void)snprintf(id, sizeof(id), "u%u", i);
        create(id, "Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n");
        int one = patch_open(id, 0, 5, i % 2 == 0 ? "hello" : "hell");
        int two = dial();
        char target[64];
        (void)snprintf(target, sizeof(target), "/up/load/%s", id);
        ask(two, "HEAD", target, "Tus-Resumable: 1.0.0\r\n");
        if (i % 2 == 1)
            say(one, "o");
        assert_has(read_all(two), "Upload-Offset: ");
        const char *text = read_all(one);
        bool done = strstr(text, "HTTP/1.1 204") != NULL;
        if (!done) {
            const char *at = strstr(simple("HEAD", id), "Upload-Offset: ");
            int offset = at != NULL ? atoi(at + 15) : -1;
            assert_true(offset >= 0 && offset <= 5);
            assert_has(read_all(patch_open(id, offset, 5 - offset, "hello" + offset)), "HTTP/1.1 204");
        }
        (void)snprintf(target, sizeof(target), "up/%s", id);
        check_file(target, "hello");
        assert_has(read_all(patch_open(id, 5, 0, "")), "HTTP/1.1 204"); /* over: not told again */
        assert_int_equal(count_of(ALB_TUS_POST_FINISH), i + 1);
        assert_int_equal(count_of(ALB_TUS_PRE_FINISH), i + 1);
    }
    assert_int_equal(alb_uploads_look(uploads).held, 0);
}

/* What tusd says at the end of a body, however short it was: where the upload stands now. */
static void the_end_of_each_body_is_told(void **state)
{
    (void)state;
    door.options.progress_ns = 1000 * ALB_NS_PER_S;
    create("a", "Tus-Resumable: 1.0.0\r\nUpload-Length: 10\r\n");
    assert_int_equal(count_of(ALB_TUS_POST_RECEIVE), 0);
    assert_has(read_all(patch_open("a", 0, 3, "abc")), "HTTP/1.1 204");
    assert_int_equal(count_of(ALB_TUS_POST_RECEIVE), 1);
    assert_has(fake.last[ALB_TUS_POST_RECEIVE], "\"Size\":10,\"SizeIsDeferred\":false,\"Offset\":3,");
    assert_has(read_all(patch_open("a", 3, 0, "")), "HTTP/1.1 204");
    assert_int_equal(count_of(ALB_TUS_POST_RECEIVE), 2);
    assert_has(read_all(patch_open("a", 1, 2, "xx")), "HTTP/1.1 409");
    assert_int_equal(count_of(ALB_TUS_POST_RECEIVE), 2);
    int64_t stored = alb_uploads_look(uploads).stored_bytes, deadline = soon(120000);
    int fd = patch_open("a", 3, 7, "de");
    while (alb_uploads_look(uploads).stored_bytes < stored + 2) {
        assert_true(alb_mono(alb_clock_real()) < deadline);
        (void)sched_yield();
    }
    assert_int_equal(close(fd), 0);
    wait_count(ALB_TUS_POST_RECEIVE, 3);
    assert_has(fake.last[ALB_TUS_POST_RECEIVE], "\"Offset\":5,");
    assert_has(read_all(patch_open("a", 5, 5, "fghij")), "HTTP/1.1 204");
    assert_int_equal(count_of(ALB_TUS_POST_RECEIVE), 4);
    assert_has(fake.last[ALB_TUS_POST_RECEIVE], "\"Offset\":10,");
    assert_has(read_all(patch_open("a", 10, 0, "")), "HTTP/1.1 204");
    create("b", "Tus-Resumable: 1.0.0\r\nUpload-Length: 0\r\n");
    assert_int_equal(count_of(ALB_TUS_POST_RECEIVE), 4);
}

/* ---- ends that no request sees ---- */

/* All bytes are there, but nobody was there any more to finish it: the sweep does. */
static void the_end_by_the_sweep_is_told(void **state)
{
    struct alb_upload_session *s = NULL;
    struct alb_future *future = NULL;
    struct alb_upload_swept swept;

    (void)state;
    create("a", "Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\n");
    assert_int_equal(alb_upload_acquire(uploads, ALB_STR("a"), 0, ALB_UPLOAD_WRITE, &s, &future, NULL),
                     ALB_OK);
    assert_null(future);
    assert_int_equal(alb_upload_load(s, NULL), ALB_OK);
    assert_int_equal(alb_upload_append(s, 0, "hello", 5, NULL), ALB_OK);
    assert_int_equal(alb_upload_commit(s, NULL), ALB_OK);
    alb_upload_release(&s);
    alb_uploads_sweep(uploads, 10, &swept);
    assert_int_equal(swept.offered, 1);
    wait_count(ALB_TUS_POST_FINISH, 1);
    assert_has(fake.last[ALB_TUS_POST_FINISH],
               "{\"ID\":\"a\",\"Size\":5,\"SizeIsDeferred\":false,\"Offset\":5,");
    assert_string_equal(fake.told_by, "-");
    alb_uploads_sweep(uploads, 10, &swept);
    assert_has(read_all(patch_open("a", 5, 0, "")), "HTTP/1.1 204");
    assert_int_equal(count_of(ALB_TUS_POST_FINISH), 1);
}

/* The POST has its answer long before the parts are there. */
static void the_end_of_a_long_concatenation_is_told(void **state)
{
    (void)state;
    door.options.assemble_ns = 1;
    door.options.like_tusd = false;
    create("a", "Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\nUpload-Concat: partial\r\n");
    create("b", "Tus-Resumable: 1.0.0\r\nUpload-Concat: final;/up/load/a /up/load/a\r\n");
    assert_int_equal(count_of(ALB_TUS_POST_FINISH), 0);
    /* Who brings the part is told at its own answer, which may come before or after: here after. */
    fake.hold[ALB_TUS_PRE_FINISH] = true;
    int fd = patch_open("a", 0, 5, "hello");
    wait_count(ALB_TUS_POST_FINISH, 1);
    assert_has(fake.last[ALB_TUS_POST_FINISH],
               "{\"ID\":\"b\",\"Size\":10,\"SizeIsDeferred\":false,\"Offset\":10,");
    assert_has(fake.last[ALB_TUS_POST_FINISH], "\"PartialUploads\":[\"a\",\"a\"]");
    assert_string_equal(fake.told_by, "/up/load/");
    check_file("up/b", "hellohello");
    wait_count(ALB_TUS_PRE_FINISH, 1);
    let_go();
    assert_has(read_all(fd), "HTTP/1.1 204");
    assert_int_equal(count_of(ALB_TUS_POST_FINISH), 2);
    assert_string_equal(fake.told_by, "/up/load/a");
}

/* ---- everything at once ---- */

static void drain(int fd)
{
    char text[4096];

    while (recv(fd, text, sizeof(text), 0) > 0)
        continue;
    (void)close(fd);
}

static void *disturb(void *arg)
{
    const char *const *what = arg;

    for (int i = 0; i < 150; i++) {
        int fd = dial();
        char target[64];
        (void)snprintf(target, sizeof(target), "/up/load/c%d", i % 5);
        if (strcmp(what[0], "PATCH") == 0) {
            ask(fd, "PATCH", target, PATCH_HEADERS "Upload-Offset: 0\r\nContent-Length: 50\r\n");
            say(fd, "hello");
            if (i % 3 == 0)
                drain(fd);
            else
                (void)close(fd);
        } else if (strcmp(what[0], "POST") == 0) {
            ask(fd, "POST", "/up/load/", "Tus-Resumable: 1.0.0\r\nUpload-Length: 50\r\n");
            drain(fd);
        } else {
            ask(fd, what[0], target, "Tus-Resumable: 1.0.0\r\n");
            drain(fd);
        }
        if (i % 10 == 9)
            let_go();
    }
    return NULL;
}

static void everything_at_once(void **state)
{
    static const char *methods[] = {"PATCH", "PATCH", "HEAD", "DELETE", "GET"};
    pthread_t threads[ALB_ARRAY_LEN(methods)];
    char id[16];

    (void)state;
    hooks.asks = ~0U & ~(1U << ALB_TUS_AUTHORISE);
    for (int i = 0; i < 5; i++) {
        (void)snprintf(id, sizeof(id), "c%d", i);
        create(id, "Tus-Resumable: 1.0.0\r\nUpload-Length: 50\r\n");
    }
    fake.say[ALB_TUS_POST_RECEIVE] = (struct alb_tus_verdict){.stop = true};
    fake.hold[ALB_TUS_POST_RECEIVE] = true;
    fake.say[ALB_TUS_PRE_TERMINATE] = (struct alb_tus_verdict){.reject = true};
    for (size_t i = 0; i < ALB_ARRAY_LEN(methods); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, disturb, &methods[i]), 0);
    for (size_t i = 0; i < ALB_ARRAY_LEN(methods); i++)
        (void)pthread_join(threads[i], NULL);
    let_go();
}

/* ---- what tusd has left ---- */

static void what_was_found_goes_on(void **state)
{
    (void)state;
    hooks.asks = 0;
    const char *text = simple("HEAD", "half");
    assert_has(text, "Upload-Offset: 3");
    assert_has(text, "Upload-Length: 5");
    assert_has(text, "filename YSBiLnR4dA==");
    assert_has(read_all(patch_open("half", 3, 2, "lo")), "HTTP/1.1 204");
    check_file("up/half", "hello");
    text = simple("GET", "whole");
    assert_has(text, "Content-Disposition: inline;filename=\"a b.txt\"");
    assert_has(text, "\r\n\r\nhello");
    assert_has(simple("HEAD", "open"), "Upload-Defer-Length: 1");
    assert_has(read_all(patch_open("open", 3, 2, "lo")), "Upload-Offset: 5");
    assert_has(simple("HEAD", "much"), "HTTP/1.1 404"); /* nothing fits: left alone */
    assert_has(simple("HEAD", "lost"), "HTTP/1.1 404");
    check_file("up/much", "hello");
    check_file("up/junk", "mine");
    check_file("up/junk.info", "{");
    assert_true(file_size("up/lost.info") > 0);
    assert_has(simple("DELETE", "whole"), "HTTP/1.1 204");
    assert_int_equal(file_size("up/whole"), -1);
}

/* ---- tusd's answers ---- */

static void answers_are_those_of_tusd(void **state)
{
    (void)state;
    hooks.asks = hooks.tells = 0;
    assert_has(
        post("Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"),
        "HTTP/1.1 201");
    assert_has(post("Upload-Length: 5\r\n"), "HTTP/1.1 412");
    assert_has(post("Tus-Resumable: 1.0.0\r\nUpload-Length: 10000001\r\n"), "ERR_MAX_SIZE_EXCEEDED");
    const char *text = post("Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\nUpload-Metadata: "
                            "filename ImEuanBnIg==,filetype aW1hZ2UvanBlZw==,broken !\r\n");
    const char *at = strstr(text, "/up/load/");
    char id[64];
    assert_non_null(at);
    (void)snprintf(id, sizeof(id), "%.32s", at + 9);
    int fd = dial();
    char target[128];
    (void)snprintf(target, sizeof(target), "/up/load/%s", id);
    ask(fd, "PATCH", target, "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: 0\r\n");
    assert_has(read_all(fd), "HTTP/1.1 400 Bad Request");
    assert_has(read_all(patch_open(id, 1, 1, "x")), "ERR_MISMATCHED_OFFSET");
    assert_has(read_all(patch_open(id, 0, 2, "he")), "Upload-Offset: 2");
    text = simple("GET", id); /* what is there, also before the end */
    assert_has(text, "Content-Type: image/jpeg");
    assert_has(text, "Content-Disposition: inline;filename=\"\\\"a.jpg\\\"\"");
    assert_has(text, "\r\n\r\nhe");
    fd = dial();
    ask(fd, "OPTIONS", "/up/load/", "");
    assert_has(read_all(fd),
               "Tus-Extension: creation,creation-with-upload,termination,concatenation,creation-defer-length,"
               "checksum,checksum-trailer\r\n");
    assert_has(post("Tus-Resumable: 1.0.0\r\nUpload-Concat: final;/up/load/nothing\r\n"), "HTTP/1.1 404");
    assert_string_equal(fake.last_code, "ERR_UPLOAD_NOT_FOUND");
}

/* A server that goes down says so to those whose body is on its way; what has come is kept. */
static void going_down_is_said(void **state)
{
    (void)state;
    hooks.asks = 1U << ALB_TUS_PRE_CREATE | 1U << ALB_TUS_POST_RECEIVE;
    create("a", "Tus-Resumable: 1.0.0\r\nUpload-Length: 50\r\n");
    int fd = patch_open("a", 0, 50, "hello");
    wait_count(ALB_TUS_POST_RECEIVE, 1);
    alb_uploads_stop(uploads);
    const char *text = read_all(fd);
    assert_has(text, "HTTP/1.1 503");
    assert_has(text, "Upload-Offset: 5");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_creation_is_rejected),
        T(a_creation_is_changed),
        T(a_creation_is_not_changed_to_nonsense),
        T(an_answer_is_changed_before_it_is_given),
        T(a_termination_is_asked_for),
        T(every_request_needs_to_be_allowed),
        T(a_body_is_stopped),
        T(each_end_is_told_once),
        T(the_end_of_each_body_is_told),
        T(the_end_by_the_sweep_is_told),
        T(the_end_of_a_long_concatenation_is_told),
        T(everything_at_once),
        T(what_was_found_goes_on),
        T(answers_are_those_of_tusd),
        T(going_down_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
