/* SPDX-License-Identifier: Apache-2.0
 *
 * What the race tests of the tus door share: `albumen tusd`'s door over loopback, hooks that think in a
 * thread of their own and compare everything that they hear with the request and the upload that it should be
 * of, and a ledger of a thousand uploads. Included by one file each.
 */
#ifndef ALB_TESTS_TUS_RACE_H
#define ALB_TESTS_TUS_RACE_H

#include "../http/http_test.h"

#include "../http/served.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "doors/tus/tus.h"

#define ROUNDS 1000
#define BATCH 50 /* uploads at a time, at most */

/* What was told of one upload, and what its requests were answered. */
struct life {
    unsigned heard[ALB_TUS_HOOK_COUNT];
    int64_t progress; /* the largest offset of a POST_RECEIVE */
    bool begun;       /* its PATCH */
    unsigned patches; /* answered */
    int status;       /* of its PATCH */
    bool stopped;     /* … by a hook */
};

static struct {
    pthread_mutex_t m;
    /* under m */
    struct life lives[ROUNDS];
    struct alb_owner thinking[4 * BATCH];
    unsigned thinking_n;
    uint64_t random;
    /* atomic */
    atomic_bool over;
} all = {.m = PTHREAD_MUTEX_INITIALIZER};

static struct alb_uploads *uploads;
static struct alb_door_tus door;
static struct alb_tus_hooks hooks;
static char folder[64], ids[ROUNDS][8], metas[ROUNDS][64];
static int folder_fd, null_fd;

/* ---- hooks ---- */

static void verdict_free(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct alb_tus_verdict, obj));
}

static void answer(struct alb_owner *title, const struct alb_tus_verdict *say)
{
    struct alb_tus_verdict *v = alb_mem_alloc_nofail(sizeof(*v));

    *v = *say;
    alb_obj_init(&v->obj, verdict_free);
    (void)alb_future_settle(title, &v->obj);
}

/* "u17.PATCH" to 17; the request says whose it is. */
static unsigned number_of(struct alb_str request)
{
    unsigned long n = strtoul(request.p + 1, NULL, 10); /* ends at the dot */

    ALB_CHECK(request.p[0] == 'u' && n < ROUNDS);
    return (unsigned)n;
}

static const char *method_of(enum alb_tus_hook hook)
{
    static const char *const methods[ALB_TUS_HOOK_COUNT] = {
        [ALB_TUS_PRE_CREATE] = ".POST",      [ALB_TUS_POST_CREATE] = ".POST",
        [ALB_TUS_POST_RECEIVE] = ".PATCH",   [ALB_TUS_PRE_FINISH] = ".PATCH",
        [ALB_TUS_POST_FINISH] = ".PATCH",    [ALB_TUS_PRE_TERMINATE] = ".DELETE",
        [ALB_TUS_POST_TERMINATE] = ".DELETE"};

    return methods[hook];
}

/* T9: what a hook hears is of its own request and upload, as text too. */
static void check_event(const struct alb_tus_event *e, struct alb_str request, unsigned n)
{
    struct alb_buf out = ALB_BUF_INIT(10000);
    struct alb_json j;
    char want[100];

    alb_json_init(&j, &out);
    alb_tus_event_json(&j, e);
    bool stops = e->hook == ALB_TUS_POST_TERMINATE && alb_str_ends(request, ALB_STR(".PATCH"));
    if (method_of(e->hook) != NULL && !stops)
        ALB_CHECK(alb_str_ends(request, alb_str_c(method_of(e->hook))));
    if (e->req != NULL && alb_req_method(e->req) != ALB_M_POST)
        ALB_CHECK(alb_str_ends(alb_req_target(e->req), alb_str_c(ids[n])));
    if (e->hook != ALB_TUS_AUTHORISE && e->hook != ALB_TUS_PRE_CREATE) {
        ALB_CHECK(alb_str_eq_c(e->id, ids[n]) && alb_str_eq_c(e->metadata, metas[n]));
        (void)snprintf(want, sizeof(want), "{\"ID\":\"%s\",\"Size\":30,", ids[n]);
        ALB_CHECK(alb_str_starts(alb_buf_view(&out), alb_str_c(want)));
    }
    alb_buf_fini(&out);
}

/* T10, T7: forward only, each end once, and nothing behind it. */
static void note(const struct alb_tus_event *e, struct alb_str request)
{
    unsigned n = number_of(request);
    struct life *l = &all.lives[n];

    check_event(e, request, n);
    (void)pthread_mutex_lock(&all.m);
    l->heard[e->hook]++;
    l->begun = l->begun || (e->req != NULL && alb_req_method(e->req) == ALB_M_PATCH);
    if (e->hook == ALB_TUS_POST_RECEIVE) {
        ALB_CHECK(l->heard[ALB_TUS_POST_TERMINATE] + l->heard[ALB_TUS_POST_FINISH] == 0);
        ALB_CHECK(e->offset >= l->progress && e->offset <= 30);
        l->progress = e->offset;
    }
    ALB_CHECK(l->heard[ALB_TUS_POST_TERMINATE] <= 1 && l->heard[ALB_TUS_POST_FINISH] <= 1);
    (void)pthread_mutex_unlock(&all.m);
}

static enum alb_code ask_hook(void *ctx, const struct alb_tus_event *e, struct alb_future **future,
                              struct alb_err *err)
{
    struct alb_tus_verdict say = {0};
    struct alb_owner title;
    bool thinks = e->hook == ALB_TUS_POST_RECEIVE || e->hook == ALB_TUS_PRE_TERMINATE;
    unsigned n = number_of(alb_req_id(e->req));

    (void)ctx;
    (void)err;
    note(e, alb_req_id(e->req));
    ALB_CHECK(alb_future_new(future, &title) == ALB_OK);
    if (e->hook == ALB_TUS_PRE_CREATE) {
        say.id = alb_str_c(ids[n]);
        say.metadata = alb_str_c(metas[n]);
    }
    if (!thinks) {
        answer(&title, &say);
        return ALB_OK;
    }
    (void)pthread_mutex_lock(&all.m);
    ALB_CHECK(all.thinking_n < ALB_ARRAY_LEN(all.thinking));
    all.thinking[all.thinking_n++] = title;
    (void)pthread_mutex_unlock(&all.m);
    return ALB_OK;
}

static void tell_hook(void *ctx, const struct alb_tus_event *e)
{
    (void)ctx;
    note(e, alb_req_id(e->req));
}

static struct alb_obj *remember(void *ctx, const struct alb_req *req)
{
    struct alb_bytes *b = alb_bytes_copy(alb_req_id(req).p, alb_req_id(req).n);

    (void)ctx;
    ALB_CHECK(b != NULL);
    return &b->obj;
}

static void *keep_hook(void *ctx, const struct alb_tus_event *e)
{
    struct alb_str request = alb_bytes_view(ALB_CONTAINER_OF(e->request, struct alb_bytes, obj));

    (void)ctx;
    check_event(e, request, number_of(request));
    return alb_obj_ref(e->request);
}

static void let_go_hook(void *ctx, void *kept, bool tell)
{
    struct alb_obj *obj = kept;
    struct life *l = &all.lives[number_of(alb_bytes_view(ALB_CONTAINER_OF(obj, struct alb_bytes, obj)))];

    (void)ctx;
    (void)pthread_mutex_lock(&all.m);
    l->heard[ALB_TUS_POST_FINISH] += tell;
    ALB_CHECK(tell && l->heard[ALB_TUS_POST_FINISH] == 1);
    (void)pthread_mutex_unlock(&all.m);
    alb_obj_unref(obj);
}

static void answered(void *ctx, const struct alb_req *req, int status, const char *code)
{
    struct life *l = &all.lives[number_of(alb_req_id(req))];

    (void)ctx;
    if (alb_req_method(req) != ALB_M_PATCH)
        return;
    (void)pthread_mutex_lock(&all.m);
    l->patches++;
    l->status = status;
    l->stopped = code != NULL && strcmp(code, "ERR_UPLOAD_STOPPED") == 0;
    (void)pthread_mutex_unlock(&all.m);
}

/* One that thinks answers, in any order; every third of those who may stop it does. */
static bool think(void)
{
    struct alb_tus_verdict say = {0};
    struct alb_owner title = ALB_OWNER_NONE;

    (void)pthread_mutex_lock(&all.m);
    if (all.thinking_n > 0) {
        all.random = all.random * 6364136223846793005U + 1442695040888963407U;
        unsigned i = (unsigned)(all.random >> 33) % all.thinking_n;
        say.stop = (all.random >> 40) % 3 == 0;
        title = all.thinking[i];
        all.thinking[i] = all.thinking[--all.thinking_n];
    }
    (void)pthread_mutex_unlock(&all.m);
    if (title.future == NULL)
        return false;
    answer(&title, &say);
    return true;
}

/* The hooks' thread; T8: it looks into the requests that run, too. */
static void *hooks_thread(void *arg)
{
    (void)arg;
    for (unsigned i = 0; !atomic_load(&all.over) || think(); i++) {
        if (!think())
            (void)sched_yield();
        if (i % 16 == 0)
            alb_http_dump(server, null_fd);
    }
    return NULL;
}

/* ---- the world ---- */

static void open_world(void)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_uploads_config u = {.data_dirfd = folder_fd,
                                   .clock = alb_clock_real(),
                                   .sink = alb_upload_keep(),
                                   .layout = {.folder = "up", .plain = true, .unhashed = true},
                                   .finished = alb_tus_upload_finished,
                                   .finished_ctx = &hooks};

    prepare(4, 256);
    u.pool = pool;
    alb_upload_limits_default(&u.limits);
    u.limits.keep_ms = u.limits.keep_done_ms = u.limits.min_free = 0;
    assert_int_equal(alb_uploads_open(&u, &uploads, &err), ALB_OK);
    hooks = (struct alb_tus_hooks){.asks = ~0U,
                                   .tells = ~0U,
                                   .ask = ask_hook,
                                   .tell = tell_hook,
                                   .remember = remember,
                                   .keep = keep_hook,
                                   .let_go = let_go_hook,
                                   .answered = answered};
    door = (struct alb_door_tus){.uploads = uploads,
                                 .options = {.base = "/up/",
                                             .like_tusd = true,
                                             .no_rufh = true,
                                             .body_ns = 20 * ALB_NS_PER_S,
                                             .lock_ns = 20 * ALB_NS_PER_S,
                                             .progress_ns = 1},
                                 .hooks = &hooks};
    config.clock = alb_clock_real();
    assert_int_equal(alb_http_server_new(&config, &server, &err), ALB_OK);
    assert_int_equal(alb_door_tus(server, &door, &err), ALB_OK);
    assert_int_equal(alb_http_server_start(server, &err), ALB_OK);
}

static void close_world(void)
{
    alb_uploads_stop(uploads);
    assert_int_equal(alb_http_server_stop(server, soon(60000)), ALB_OK);
    alb_http_server_free(&server);
    alb_uploads_free(&uploads);
    alb_pool_free(&pool);
}

static int setup(void **state)
{
    (void)state;
    memset(all.lives, 0, sizeof(all.lives));
    atomic_store(&all.over, false);
    for (unsigned i = 0; i < ROUNDS; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "u%u", i);
        (void)snprintf(metas[i], sizeof(metas[i]), "filename %c%c%c%c,a YQ==", 'A' + (int)(i % 26),
                       'A' + (int)(i / 26 % 26), 'A' + (int)(i / 676), 'A');
    }
    (void)snprintf(folder, sizeof(folder), "/tmp/alb-race-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(alb_fs_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &folder_fd, NULL), ALB_OK);
    assert_int_equal(alb_fs_open(AT_FDCWD, "/dev/null", O_WRONLY, 0, &null_fd, NULL), ALB_OK);
    return 0;
}

static int teardown(void **state)
{
    char command[100];

    (void)state;
    alb_fs_close(&folder_fd);
    alb_fs_close(&null_fd);
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command); /* NOLINT: a name of our own */
}

/* ---- clients ---- */

/* The head of a request; what follows it is the caller's. */
static int begin_request(unsigned n, const char *method, const char *headers)
{
    char text[600];
    int fd = dial();
    bool post = strcmp(method, "POST") == 0;

    (void)snprintf(text, sizeof(text),
                   "%s /up/%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n"
                   "X-Request-ID: %s.%s\r\n%s\r\n",
                   method, post ? "" : ids[n], ids[n], method, headers);
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    return fd;
}

struct heard {
    unsigned answers;
    int status;     /* of the last */
    int64_t offset; /* that it says; 0: none */
};

static struct heard hear(int fd)
{
    struct heard h = {0};
    char text[4000];
    size_t n = 0;
    ssize_t got;

    while (n < sizeof(text) - 1 && (got = recv(fd, text + n, sizeof(text) - 1 - n, 0)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    (void)close(fd);
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++, h.answers++)
        h.status = atoi(at + 9);
    const char *offset = strstr(text, "Upload-Offset: ");
    h.offset = offset != NULL ? atoi(offset + 15) : 0;
    return h;
}

static int ask_and_hear(unsigned n, const char *method, const char *headers)
{
    struct heard h = hear(begin_request(n, method, headers));

    ALB_CHECK(h.answers == 1);
    return h.status;
}

static const char patch_headers[] =
    "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: 30\r\n";
static const char bytes[] = "0123456789abcdefghij9876543210";

static void create(unsigned n)
{
    ALB_CHECK(ask_and_hear(n, "POST", "Upload-Length: 30\r\n") == 201);
}

static void send_bytes(int fd, size_t from, size_t to)
{
    (void)!send(fd, bytes + from, to - from, MSG_NOSIGNAL);
}

#endif
