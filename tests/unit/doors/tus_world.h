/* SPDX-License-Identifier: Apache-2.0
 *
 * The world of test_tus_hooks.c: `albumen tusd`'s door over loopback on the plain layout, and hooks that answer what
 * the test tells them, at once or when it says so. Included once.
 */
#ifndef ALB_TESTS_TUS_WORLD_H
#define ALB_TESTS_TUS_WORLD_H

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
    int64_t deadline = soon(120000);

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
    assert_int_equal(alb_http_server_stop(server, soon(120000)), ALB_OK);
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

#endif
