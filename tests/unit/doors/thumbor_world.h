/* SPDX-License-Identifier: Apache-2.0
 *
 * The world of test_thumbor_door.c: the door at the root without a library, as `albumen imagor` has it, over the real
 * darkroom, render, origins and HTTP on loopback; other servers are wire.h's; files come and go by hooks that remember.
 * Included once.
 */
#ifndef ALB_TESTS_THUMBOR_WORLD_H
#define ALB_TESTS_THUMBOR_WORLD_H

#include "../http/http_test.h"

#include "../fetch/wire.h"
#include "../http/served.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/timer.h"
#include "blob/purges.h"
#include "doors/thumbor/canvas.h"
#include "doors/thumbor/door.h"
#include "image/darkroom.h"
#include "render/origin_given.h"

static const char *program; /* albumen-darkroom */

static struct {
    struct alb_timers *timers;
    struct alb_darkroom *darkroom;
    struct alb_fetch *fetch;
    char folder[64]; /* of the list of purges */
    int dirfd, tmpfd;
    struct alb_purges *purges;
    struct alb_origins *origins;
    struct alb_render *render;
    struct alb_thumbor_door *door;
    struct alb_thumbor_config config;
    struct alb_thumbor_files files;
    struct wire wire;
    struct alb_plan_limits limits;
    unsigned char png[ALB_THUMBOR_CANVAS_LEN - 1]; /* one red pixel */
} world;

/* What the hooks saw, and what they give. */
static struct {
    pthread_mutex_t m;
    /* under m */
    unsigned loads, saves, looks, keeps;
    char saved[256], looked[1024], kept[1024], kept_bytes[2048];
    bool has_result;
    enum alb_code result_code;
} hooks = {.m = PTHREAD_MUTEX_INITIALIZER};

static void put(char *out, size_t cap, struct alb_str s)
{
    (void)snprintf(out, cap, "%.*s", (int)(s.n < cap ? s.n : cap - 1), s.n > 0 ? s.p : "");
}

static enum alb_code fake_load(void *ctx, struct alb_str image, struct alb_origin **out, struct alb_err *err)
{
    (void)ctx;
    (void)pthread_mutex_lock(&hooks.m);
    hooks.loads++;
    (void)pthread_mutex_unlock(&hooks.m);
    if (alb_str_eq_c(image, "here.png"))
        return alb_origin_given(alb_str_n((const char *)world.png, sizeof(world.png)), out, err);
    if (alb_str_eq_c(image, "text.png"))
        return alb_origin_given(ALB_STR("this is no picture at all, but a text of some length"), out, err);
    return alb_str_eq_c(image, "secret.png") ? alb_fail(err, ALB_E_INVALID, "no such names") : ALB_OK;
}

static void fake_save(void *ctx, struct alb_str image, struct alb_origin *origin)
{
    (void)ctx;
    assert_true(alb_origin_fd(origin) >= 0);
    (void)pthread_mutex_lock(&hooks.m);
    hooks.saves++;
    put(hooks.saved, sizeof(hooks.saved), image);
    (void)pthread_mutex_unlock(&hooks.m);
}

static enum alb_code fake_load_result(void *ctx, const struct alb_thumbor_result *r, struct alb_origin **out,
                                      struct alb_err *err)
{
    (void)ctx;
    (void)pthread_mutex_lock(&hooks.m);
    hooks.looks++;
    put(hooks.looked, sizeof(hooks.looked), r->path);
    bool has = hooks.has_result;
    enum alb_code code = hooks.result_code;
    (void)pthread_mutex_unlock(&hooks.m);
    if (code != ALB_OK)
        return alb_fail(err, code, "told to fail");
    return has ? alb_origin_given(alb_str_n((const char *)world.png, sizeof(world.png)), out, err) : ALB_OK;
}

static void fake_save_result(void *ctx, const struct alb_thumbor_result *r, struct alb_bytes *bytes)
{
    (void)ctx;
    (void)pthread_mutex_lock(&hooks.m);
    hooks.keeps++;
    put(hooks.kept, sizeof(hooks.kept), r->path);
    put(hooks.kept_bytes, sizeof(hooks.kept_bytes), alb_bytes_view(bytes));
    (void)pthread_mutex_unlock(&hooks.m);
}

/* Another server: /red.png, /red.png?q, /typed (text/html), /headed (with headers), /status/NNN, /to/... (redirect), /cut */
static bool talk(struct wire_conn *c, void *arg)
{
    char text[64];
    int status;
    (void)arg;
    if (strncmp(c->path, "/status/", 8) == 0 && sscanf(c->path + 8, "%d", &status) == 1)
        return wire_sayf(c, "HTTP/1.1 %d Said\r\nContent-Length: 0\r\n\r\n", status);
    if (strncmp(c->path, "/to/", 4) == 0)
        return wire_sayf(
            c, "HTTP/1.1 302 Found\r\nLocation: http://localhost:%d/%s\r\nContent-Length: 0\r\n\r\n",
            c->wire->port, c->path + 4);
    if (strcmp(c->path, "/typed") == 0)
        return wire_answer(c, "Content-Type: text/html\r\n", world.png, sizeof(world.png));
    if (strcmp(c->path, "/headed") == 0)
        return wire_answer(c, "Content-Type: image/png\r\nCache-Control: max-age=77\r\nX-Thing: t\r\n",
                           world.png, sizeof(world.png));
    if (strcmp(c->path, "/told") == 0 &&
        (!wire_header(c, "X-Ask", text, sizeof(text)) || strcmp(text, "yes") != 0))
        return wire_say(c, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    if (strcmp(c->path, "/cut") == 0) {
        (void)wire_sayf(c, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
        (void)wire_send(c, world.png, sizeof(world.png));
        return false;
    }
    if (strcmp(c->path, "/text") == 0)
        return wire_answer(c, "Content-Type: text/plain\r\n", "this is no picture, whatever anybody says",
                           41);
    if (strcmp(c->path, "/missing") == 0)
        return wire_say(c, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    return wire_answer(c, "Content-Type: image/png\r\nCache-Control: max-age=600\r\n", world.png,
                       sizeof(world.png));
}

static void open_purges(void)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)snprintf(world.folder, sizeof(world.folder), "/tmp/alb-thumbor-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    world.dirfd = open(world.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(world.dirfd, "tmp", 0700), 0);
    world.tmpfd = openat(world.dirfd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(world.tmpfd >= 0);
    const struct alb_purges_config purges = {
        .dirfd = world.dirfd, .tmp_dirfd = world.tmpfd, .clock = alb_clock_real()};
    if (alb_purges_open(&purges, &world.purges, &err) != ALB_OK)
        fail_msg("%s", err.msg);
}

static void close_purges(void)
{
    char command[100];
    alb_purges_close(&world.purges);
    (void)close(world.tmpfd);
    (void)close(world.dirfd);
    (void)snprintf(command, sizeof(command), "rm -rf %s", world.folder);
    assert_int_equal(system(command), 0); /* NOLINT: a name of our own */
}

/* What is usual; a test changes it before it begins. */
static int setup(void **state)
{
    static const struct alb_thumbor_colour red = {ALB_THUMBOR_RGB, 0xff0000, 255};
    unsigned char canvas[ALB_THUMBOR_CANVAS_LEN];
    struct alb_darkroom_config darkroom;
    const struct alb_fetch_config fetch = {.agent = "test/1", .transfers = 16, .queue = 64};
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    memset(&world, 0, sizeof(world));
    assert_int_equal(alb_thumbor_canvas(&red, canvas), sizeof(world.png));
    memcpy(world.png, canvas, sizeof(world.png));
    wire_start(&world.wire, talk, NULL);
    prepare(4, 256);
    config.clock = alb_clock_real();
    world.timers = alb_timers_new(alb_clock_real(), 4096);
    assert_non_null(world.timers);
    assert_int_equal(alb_timers_start(world.timers, &err), ALB_OK);
    assert_int_equal(alb_fetch_open(&fetch, &world.fetch, &err), ALB_OK);
    open_purges();
    alb_darkroom_config_default(&darkroom);
    darkroom.program = program;
    darkroom.render_workers = 2;
    if (alb_darkroom_open(&darkroom, &world.darkroom, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    const struct alb_render_config render = {.clock = alb_clock_real(),
                                             .pool = pool,
                                             .timers = world.timers,
                                             .darkroom = world.darkroom,
                                             .purges = world.purges,
                                             .slots = 2,
                                             .vector_slots = darkroom.font_workers,
                                             .queue_max = 64,
                                             .budget_bytes = (uint64_t)1 << 30,
                                             .deadline_ns = 60 * ALB_NS_PER_S,
                                             .limits = darkroom.limits,
                                             .hot_bytes = (size_t)8 << 20};
    world.limits = darkroom.limits;
    assert_int_equal(alb_render_new(&render, &world.render, &err), ALB_OK);
    const struct alb_origins_config origins = {.clock = alb_clock_real(),
                                               .pool = pool,
                                               .fetch = world.fetch,
                                               .data_dirfd = -1,
                                               .tmp_dirfd = -1,
                                               .local_dirfd = -1,
                                               .jobs_max = 100,
                                               .memory_max = (int64_t)64 << 20,
                                               .spool_max = (int64_t)64 << 20,
                                               .hot_max = 64,
                                               .recheck_ns = 3600 * ALB_NS_PER_S};
    assert_int_equal(alb_origins_open(&origins, &world.origins, &err), ALB_OK);
    alb_thumbor_config_init(&world.config);
    world.config.allow_unsafe = true;
    world.config.http.on = true;
    world.config.http.agent = ALB_STR("test/1");
    world.config.http.timeout = 120 * ALB_NS_PER_S;
    world.config.timeout = 120000;
    return 0;
}

static void open_door(void)
{
    struct alb_err err = ALB_ERR_INIT;
    const struct alb_thumbor_door_config door = {.config = &world.config,
                                                 .prefix = "",
                                                 .render = world.render,
                                                 .origins = world.origins,
                                                 .limits = world.limits,
                                                 .files = &world.files};
    assert_int_equal(alb_thumbor_door_open(&door, &world.door, &err), ALB_OK);
    assert_int_equal(alb_http_server_new(&config, &server, &err), ALB_OK);
    assert_int_equal(alb_thumbor_door_mount(world.door, server, &err), ALB_OK);
    if (alb_http_server_start(server, &err) != ALB_OK)
        fail_msg("start: %s", err.msg);
}

static int teardown(void **state)
{
    (void)state;
    if (server) {
        assert_int_equal(alb_http_server_stop(server, soon(60000)), ALB_OK);
        alb_http_server_free(&server);
    }
    alb_origins_close(&world.origins);
    alb_thumbor_door_close(&world.door);
    alb_render_free(&world.render);
    alb_fetch_close(&world.fetch);
    alb_pool_free(&pool);
    alb_darkroom_close(&world.darkroom);
    alb_timers_free(&world.timers);
    close_purges();
    wire_stop(&world.wire);
    return 0;
}

/* ---- clients ---- */

/* The answer whole; its body may have NULs, *n says how long all of it is. */
static const char *answer_to(int fd, size_t *n)
{
    static char out[400000];
    ssize_t got;
    struct timeval patience = {120, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    *n = 0;
    while (*n < sizeof(out) - 1 && (got = recv(fd, out + *n, sizeof(out) - 1 - *n, 0)) > 0)
        *n += (size_t)got;
    out[*n] = '\0';
    (void)close(fd);
    return out;
}

static const char *ask_for(const char *method, const char *path, const char *headers)
{
    size_t n;
    int fd = dial();
    ask(fd, method, path, headers);
    return answer_to(fd, &n);
}

static const char *fetched(const char *path)
{
    return ask_for("GET", path, "");
}

/* "…/{port}/…": that of the other server. */
static const char *with_port(const char *path, char out[512])
{
    const char *at = strstr(path, "{port}");
    assert_non_null(at);
    (void)snprintf(out, 512, "%.*s%d%s", (int)(at - path), path, world.wire.port, at + 6);
    return out;
}

static const char *from_wire(const char *path)
{
    char text[512];
    return fetched(with_port(path, text));
}

static const char *body_of(const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

/* Its one value, cut at `cap`; empty: it is not there. */
static const char *header_of(const char *answer, const char *name)
{
    static char out[1024];
    char line[128];
    (void)snprintf(line, sizeof(line), "\r\n%s: ", name);
    const char *at = strcasestr(answer, line), *body = strstr(answer, "\r\n\r\n");
    out[0] = '\0';
    if (at && at < body) {
        at += strlen(line);
        (void)snprintf(out, sizeof(out), "%.*s", (int)strcspn(at, "\r"), at);
    }
    return out;
}

static int status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

#endif
