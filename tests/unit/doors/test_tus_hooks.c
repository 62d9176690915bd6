/* SPDX-License-Identifier: Apache-2.0
 *
 * The tus door as `albumen tusd` mounts it: at a path of its own, without accounts, over the plain layout;
 * and its hooks: what they may change, that nothing is held while they think, that each is told once, and
 * what happens when everything comes at the same time (T2, T3). The races of hooks: test_tus_race_*.c.
 */
#include "../http/http_test.h"

#include "../http/served.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "doors/tus/tus.h"

#define PATCH_HEADERS "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"

/* Those who hang on: what they were asked and told, and what they answer. */
static struct {
    pthread_mutex_t m;
    /* under m */
    struct alb_tus_verdict say[ALB_TUS_HOOK_COUNT]; /* a template */
    bool fail[ALB_TUS_HOOK_COUNT], hold[ALB_TUS_HOOK_COUNT];
    unsigned count[ALB_TUS_HOOK_COUNT], answers;
    char last[ALB_TUS_HOOK_COUNT][2000]; /* the event as JSON */
    struct alb_owner held[64];
    enum alb_tus_hook held_hook[64];
    unsigned held_n, kept;
    char told_by[100]; /* path of the request that finished the last upload; "-": none */
    int last_status;
    char last_code[64];
} fake = {.m = PTHREAD_MUTEX_INITIALIZER};

static struct alb_uploads *uploads;
static struct alb_door_tus door;
static struct alb_tus_hooks hooks;
static char folder[64];
static int folder_fd;

static void verdict_free(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct alb_tus_verdict, obj));
}

static void answer(struct alb_owner *title, enum alb_tus_hook hook)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_tus_verdict *v = alb_mem_alloc_nofail(sizeof(*v));

    (void)pthread_mutex_lock(&fake.m);
    *v = fake.say[hook];
    bool fails = fake.fail[hook];
    (void)pthread_mutex_unlock(&fake.m);
    alb_obj_init(&v->obj, verdict_free);
    if (fails) {
        alb_obj_unref(&v->obj);
        (void)alb_fail(&err, ALB_E_INTERNAL, "told to fail");
        (void)alb_future_fail(title, &err);
    } else {
        (void)alb_future_settle(title, &v->obj);
    }
}

static void note(const struct alb_tus_event *e)
{
    struct alb_buf out = ALB_BUF_INIT(100000);
    struct alb_json j;

    alb_json_init(&j, &out);
    alb_tus_event_json(&j, e);
    (void)pthread_mutex_lock(&fake.m);
    fake.count[e->hook]++;
    (void)snprintf(fake.last[e->hook], sizeof(fake.last[0]), "%.*s", (int)out.n, out.p);
    (void)pthread_mutex_unlock(&fake.m);
    alb_buf_fini(&out);
    if (e->req != NULL)
        assert_non_null(alb_req_target(e->req).p); /* T9: the request is complete, and does not change */
}

static enum alb_code fake_ask(void *ctx, const struct alb_tus_event *e, struct alb_future **future,
                              struct alb_err *err)
{
    struct alb_owner title;

    (void)ctx;
    note(e);
    if (alb_future_new(future, &title) != ALB_OK)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    (void)pthread_mutex_lock(&fake.m);
    bool hold = fake.hold[e->hook] && fake.held_n < ALB_ARRAY_LEN(fake.held);
    if (hold) {
        fake.held_hook[fake.held_n] = e->hook;
        fake.held[fake.held_n++] = title;
    }
    (void)pthread_mutex_unlock(&fake.m);
    if (!hold)
        answer(&title, e->hook);
    return ALB_OK;
}

static void let_go(void)
{
    for (;;) {
        struct alb_owner title = ALB_OWNER_NONE;
        enum alb_tus_hook hook = 0;
        (void)pthread_mutex_lock(&fake.m);
        memset(fake.hold, 0, sizeof(fake.hold));
        if (fake.held_n > 0) {
            title = fake.held[--fake.held_n];
            hook = fake.held_hook[fake.held_n];
        }
        (void)pthread_mutex_unlock(&fake.m);
        if (title.future == NULL)
            return;
        answer(&title, hook);
    }
}

static void fake_tell(void *ctx, const struct alb_tus_event *e)
{
    (void)ctx;
    note(e);
}

static struct alb_obj *fake_remember(void *ctx, const struct alb_req *req)
{
    struct alb_str path = alb_req_path(req);
    struct alb_bytes *b = alb_bytes_copy(path.p, path.n);

    (void)ctx;
    assert_non_null(b);
    return &b->obj;
}

struct kept {
    enum alb_tus_hook hook;
    char path[100];
};

static void *fake_keep(void *ctx, const struct alb_tus_event *e)
{
    struct kept *k = alb_mem_alloc_nofail(sizeof(*k));
    struct alb_buf out = ALB_BUF_INIT(100000);
    struct alb_json j;

    (void)ctx;
    assert_null(e->req);
    k->hook = e->hook;
    (void)snprintf(k->path, sizeof(k->path), "-");
    if (e->request != NULL) {
        struct alb_str path = alb_bytes_view(ALB_CONTAINER_OF(e->request, struct alb_bytes, obj));
        (void)snprintf(k->path, sizeof(k->path), ALB_STR_FMT, ALB_STR_ARG(path));
    }
    alb_json_init(&j, &out);
    alb_tus_event_json(&j, e);
    (void)pthread_mutex_lock(&fake.m);
    fake.kept++;
    (void)snprintf(fake.last[e->hook], sizeof(fake.last[0]), "%.*s", (int)out.n, out.p);
    (void)pthread_mutex_unlock(&fake.m);
    alb_buf_fini(&out);
    return k;
}

static void fake_let_go(void *ctx, void *kept, bool tell)
{
    struct kept *k = kept;

    (void)ctx;
    (void)pthread_mutex_lock(&fake.m);
    fake.kept--;
    fake.count[k->hook] += tell;
    (void)snprintf(fake.told_by, sizeof(fake.told_by), "%s", k->path);
    (void)pthread_mutex_unlock(&fake.m);
    alb_mem_free(k);
}

static void fake_answered(void *ctx, const struct alb_req *req, int status, const char *code)
{
    (void)ctx;
    (void)req;
    (void)pthread_mutex_lock(&fake.m);
    fake.answers++;
    fake.last_status = status;
    (void)snprintf(fake.last_code, sizeof(fake.last_code), "%s", code != NULL ? code : "");
    (void)pthread_mutex_unlock(&fake.m);
}

static unsigned count_of(enum alb_tus_hook hook)
{
    (void)pthread_mutex_lock(&fake.m);
    unsigned n = fake.count[hook];
    (void)pthread_mutex_unlock(&fake.m);
    return n;
}

static void wait_count(enum alb_tus_hook hook, unsigned n)
{
    int64_t deadline = soon(30000);

    while (count_of(hook) < n) {
        assert_true(alb_mono(alb_clock_real()) < deadline);
        (void)sched_yield();
    }
}

/* ---- the world ---- */

static void empty_folder(void)
{
    char command[100];

    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0); /* NOLINT: a name of our own */
}

/* As tusd leaves them. */
static void leave(const char *name, const char *text)
{
    char path[200];
    int fd = -1;

    (void)mkdirat(folder_fd, "up", 0755);
    (void)snprintf(path, sizeof(path), "up/%s", name);
    assert_int_equal(alb_fs_open(folder_fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &fd, NULL), ALB_OK);
    assert_int_equal(alb_fs_write_all(fd, text, strlen(text), NULL), ALB_OK);
    alb_fs_close(&fd);
}

static void leave_some(void)
{
    static const char info[] =
        "{\"ID\":\"%s\",\"Size\":%d,\"SizeIsDeferred\":%s,\"Offset\":0,\"MetaData\":{\"filename\":"
        "\"a b.txt\",\"filetype\":\"text/plain\"},\"IsPartial\":false,\"IsFinal\":false,"
        "\"PartialUploads\":null,\"Storage\":{\"InfoPath\":\"data/%s.info\",\"Path\":\"data/%s\","
        "\"Type\":\"filestore\"}}";
    static const struct {
        const char *id, *data, *deferred;
        int size;
    } found[] = {{"half", "hel", "false", 5},
                 {"whole", "hello", "false", 5},
                 {"open", "hel", "true", 0},
                 {"much", "hello", "false", 3},
                 {"lost", NULL, "false", 5}};
    char text[1000], name[32];

    for (size_t i = 0; i < ALB_ARRAY_LEN(found); i++) {
        (void)snprintf(name, sizeof(name), "%s.info", found[i].id);
        (void)snprintf(text, sizeof(text), info, found[i].id, found[i].size, found[i].deferred, found[i].id,
                       found[i].id);
        leave(name, text);
        if (found[i].data != NULL)
            leave(found[i].id, found[i].data);
    }
    leave("junk.info", "{");
    leave("junk", "mine");
}

static int setup(void **state)
{
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    memset(fake.say, 0, sizeof(fake.say));
    memset(fake.fail, 0, sizeof(fake.fail));
    memset(fake.hold, 0, sizeof(fake.hold));
    memset(fake.count, 0, sizeof(fake.count));
    (void)snprintf(folder, sizeof(folder), "/tmp/alb-tus-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(alb_fs_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &folder_fd, &err), ALB_OK);
    leave_some();
    prepare(4, 256);
    struct alb_uploads_config u = {.data_dirfd = folder_fd,
                                   .clock = alb_clock_real(),
                                   .pool = pool,
                                   .sink = alb_upload_keep(),
                                   .layout = {.folder = "up",
                                              .plain = true,
                                              .unhashed = true,
                                              .sidecar = alb_tus_sidecar,
                                              .adopt = alb_tus_adopt},
                                   .finished = alb_tus_upload_finished,
                                   .finished_ctx = &hooks};
    alb_upload_limits_default(&u.limits);
    u.limits.keep_ms = u.limits.keep_done_ms = u.limits.min_free = 0;
    assert_int_equal(alb_uploads_open(&u, &uploads, &err), ALB_OK);
    hooks = (struct alb_tus_hooks){.asks = ~0U,
                                   .tells = ~0U,
                                   .ask = fake_ask,
                                   .tell = fake_tell,
                                   .remember = fake_remember,
                                   .keep = fake_keep,
                                   .let_go = fake_let_go,
                                   .answered = fake_answered};
    door = (struct alb_door_tus){.uploads = uploads,
                                 .options = {.base = "/up/load/",
                                             .like_tusd = true,
                                             .no_rufh = true,
                                             .forwarded = true,
                                             .max_bytes = 10000000,
                                             .body_ns = 20 * ALB_NS_PER_S,
                                             .lock_ns = 20 * ALB_NS_PER_S,
                                             .progress_ns = 1},
                                 .hooks = &hooks};
    config.clock = alb_clock_real();
    assert_int_equal(alb_http_server_new(&config, &server, &err), ALB_OK);
    assert_int_equal(alb_door_tus(server, &door, &err), ALB_OK);
    if (alb_http_server_start(server, &err) != ALB_OK)
        fail_msg("start: %s", err.msg);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    let_go();
    alb_uploads_stop(uploads);
    assert_int_equal(alb_http_server_stop(server, soon(20000)), ALB_OK);
    alb_http_server_free(&server);
    alb_uploads_free(&uploads);
    assert_int_equal(fake.kept, 0);
    alb_pool_free(&pool);
    alb_fs_close(&folder_fd);
    empty_folder();
    return 0;
}

static const char *post(const char *headers)
{
    int fd = dial();

    ask(fd, "POST", "/up/load/", headers);
    return read_all(fd);
}

static void create(const char *id, const char *headers)
{
    (void)pthread_mutex_lock(&fake.m);
    fake.say[ALB_TUS_PRE_CREATE] = (struct alb_tus_verdict){.id = alb_str_c(id)};
    (void)pthread_mutex_unlock(&fake.m);
    assert_has(post(headers), "HTTP/1.1 201");
}

static int patch_open(const char *id, int offset, int length, const char *body)
{
    char target[128], text[500];
    int fd = dial();

    (void)snprintf(target, sizeof(target), "/up/load/%s", id);
    (void)snprintf(text, sizeof(text), PATCH_HEADERS "Upload-Offset: %d\r\nContent-Length: %d\r\n", offset,
                   length);
    ask(fd, "PATCH", target, text);
    say(fd, body);
    return fd;
}

static const char *simple(const char *method, const char *id)
{
    char target[128];
    int fd = dial();

    (void)snprintf(target, sizeof(target), "/up/load/%s", id);
    ask(fd, method, target, "Tus-Resumable: 1.0.0\r\n");
    return read_all(fd);
}

static int64_t file_size(const char *name)
{
    int64_t size = -1;
    int fd = -1;

    if (alb_fs_open(folder_fd, name, O_RDONLY, 0, &fd, NULL) == ALB_OK)
        (void)!alb_fs_size(fd, &size, NULL);
    alb_fs_close(&fd);
    return size;
}

static void check_file(const char *name, const char *want)
{
    char *p = NULL;
    size_t n = 0;

    assert_int_equal(alb_fs_read_file(folder_fd, name, 100000, &p, &n, NULL), ALB_OK);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(p, want, n);
    alb_mem_free(p);
}

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
    for (unsigned i = 0; i < 1000; i++) {
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
    int64_t stored = alb_uploads_look(uploads).stored_bytes, deadline = soon(30000);
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
    assert_has(read_all(patch_open("a", 0, 5, "hello")), "HTTP/1.1 204");
    wait_count(ALB_TUS_POST_FINISH, 2);
    assert_has(fake.last[ALB_TUS_POST_FINISH],
               "{\"ID\":\"b\",\"Size\":10,\"SizeIsDeferred\":false,\"Offset\":10,");
    assert_has(fake.last[ALB_TUS_POST_FINISH], "\"PartialUploads\":[\"a\",\"a\"]");
    assert_string_equal(fake.told_by, "/up/load/");
    check_file("up/b", "hellohello");
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
