/* SPDX-License-Identifier: Apache-2.0 */
#include "origins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_NS (60 * ALB_NS_PER_S)

static int64_t mono(void *ctx)
{
    (void)ctx;
    return alb_mono(alb_clock_real());
}

static int64_t wall(void *ctx)
{
    struct room *r = ctx;
    return atomic_load(&r->wall);
}

static int open_dir(struct room *r, const char *name)
{
    assert_int_equal(mkdirat(r->dirfd, name, 0700), 0);
    int fd = openat(r->dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

void room_open(struct room *r)
{
    memset(r, 0, sizeof(*r));
    strcpy(r->path, "/tmp/albumen-origins-XXXXXX");
    assert_non_null(mkdtemp(r->path));
    r->dirfd = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(r->dirfd >= 0);
    r->tmpfd = open_dir(r, "tmp");
    r->localfd = open_dir(r, "local");
    atomic_store(&r->wall, (int64_t)1800000000 * SECOND_MS);
    r->clock = (struct alb_clock){mono, wall, r};
    assert_int_equal(alb_quarantine_open(r->dirfd, (int64_t)1 << 24, 100, &r->clock, &r->quarantine, NULL),
                     ALB_OK);
    r->config = (struct alb_origins_config){.clock = &r->clock,
                                            .data_dirfd = r->dirfd,
                                            .tmp_dirfd = r->tmpfd,
                                            .cache_bytes = (int64_t)64 << 20,
                                            .quarantine = r->quarantine,
                                            .local_dirfd = r->localfd,
                                            .local_separator = '?',
                                            .jobs_max = 1000,
                                            .memory_max = (int64_t)32 << 20,
                                            .spool_max = (int64_t)256 << 20,
                                            .hot_max = 64,
                                            .recheck_ns = 5 * ALB_NS_PER_S};
}

void room_begin(struct room *r)
{
    const struct alb_pool_config pool = {.name = "io", .threads = 3, .queue_max = 100};
    const struct alb_fetch_config fetch = {.agent = "test/1", .transfers = 64, .queue = 64};
    assert_int_equal(alb_pool_new(&pool, &r->pool, NULL), ALB_OK);
    assert_int_equal(alb_fetch_open(&fetch, &r->fetch, NULL), ALB_OK);
    r->config.pool = r->pool;
    r->config.fetch = r->fetch;
    assert_int_equal(alb_origins_open(&r->config, &r->origins, NULL), ALB_OK);
}

void room_end(struct room *r)
{
    alb_origins_close(&r->origins);
    alb_fetch_close(&r->fetch);
    alb_pool_free(&r->pool);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void room_close(struct room *r)
{
    if (r->origins)
        room_end(r);
    alb_quarantine_close(&r->quarantine);
    close(r->dirfd);
    close(r->tmpfd);
    close(r->localfd);
    (void)nftw(r->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void room_file(struct room *r, const char *path, const void *p, size_t n)
{
    int fd = openat(r->dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    close(fd);
}

/* ---- every file below a folder ---- */

static struct {
    enum { COUNT, DAMAGE, REMOVE } what;
    long at;
    unsigned files;
} walk;

static int visit(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    unsigned char byte;
    if (flag != FTW_F || strcmp(path + ftw->base, "journal") == 0) /* no copy of anything */
        return 0;
    walk.files++;
    if (walk.what == COUNT)
        return 0;
    if (walk.what == REMOVE)
        return remove(path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t at = walk.at < 0 ? st->st_size + walk.at : walk.at;
    assert_true(fd >= 0 && at >= 0 && at < st->st_size);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    return 0;
}

static unsigned walk_below(struct room *r, const char *path)
{
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", r->path, path);
    walk.files = 0;
    (void)nftw(full, visit, 16, FTW_PHYS);
    return walk.files;
}

unsigned room_damage(struct room *r, const char *path, long at)
{
    walk.what = DAMAGE;
    walk.at = at;
    return walk_below(r, path);
}

unsigned room_remove(struct room *r, const char *path)
{
    walk.what = REMOVE;
    return walk_below(r, path);
}

unsigned room_files(struct room *r, const char *path)
{
    walk.what = COUNT;
    return walk_below(r, path);
}

/* ---- asking ---- */

static void policy_free(struct alb_obj *obj)
{
    free(ALB_CONTAINER_OF(obj, struct alb_origin_policy, obj));
}

struct alb_origin_policy *policy_new(void)
{
    struct alb_origin_policy *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    alb_obj_init(&p->obj, policy_free);
    p->reach = ALB_FETCH_LOOPBACK;
    p->local = true;
    p->redirects = 5;
    p->agent = "test/2";
    p->connect_ns = p->timeout_ns = LONG_NS;
    return p;
}

struct alb_origin_ask ask_of(const char *url, struct alb_origin_policy *policy)
{
    return (struct alb_origin_ask){.url = alb_str_c(url), .max_bytes = (int64_t)64 << 20, .policy = policy};
}

static void wake(struct alb_waiter *w, enum alb_wake why)
{
    struct asker *a = ALB_CONTAINER_OF(w, struct asker, waiter);
    assert_int_equal(why, ALB_WAKE_SETTLED);
    (void)sem_post(&a->woken);
}

enum alb_code asker_start(struct room *r, struct asker *a, const struct alb_origin_ask *ask)
{
    memset(a, 0, sizeof(*a));
    a->waiter.wake = wake;
    (void)sem_init(&a->woken, 0, 0);
    return alb_origin_start(r->origins, ask, &a->waiter, &a->future, NULL);
}

struct alb_origin *asker_end(struct asker *a, enum alb_code *code)
{
    while (sem_wait(&a->woken) != 0)
        ;
    struct alb_obj *obj = alb_future_result(a->future);
    struct alb_origin *o = obj ? alb_origin_ref(ALB_CONTAINER_OF(obj, struct alb_origin, obj)) : NULL;
    if (code)
        *code = alb_future_error(a->future, NULL);
    alb_future_unref(a->future);
    a->future = NULL;
    return o;
}

void asker_leave(struct asker *a)
{
    if (!alb_future_leave(a->future, &a->waiter))
        while (sem_wait(&a->woken) != 0)
            ;
    alb_future_unref(a->future);
    a->future = NULL;
}

struct alb_origin *get(struct room *r, const struct alb_origin_ask *ask, enum alb_code *code)
{
    struct asker a;
    enum alb_code begun = asker_start(r, &a, ask);
    if (begun == ALB_OK)
        return asker_end(&a, code);
    if (code)
        *code = begun;
    return NULL;
}

int get_failure(struct room *r, const struct alb_origin_ask *ask, enum alb_origin_failure failure)
{
    enum alb_code code;
    struct alb_origin *o = get(r, ask, &code);
    if (!o)
        fail_msg("%.*s: %s", ALB_STR_ARG(ask->url), alb_code_name(code));
    if (o->failure != failure)
        fail_msg("%.*s: %s, not %s: %s", ALB_STR_ARG(ask->url), alb_origin_failure_name(o->failure),
                 alb_origin_failure_name(failure), o->err.msg);
    assert_true(o->err.code != ALB_OK);
    assert_int_equal(alb_origin_fd(o), -1);
    int status = o->status;
    alb_origin_unref(o);
    return status;
}

void until_no_jobs(struct room *r)
{
    while (alb_origins_look(r->origins).jobs > 0)
        sched_yield();
}

bool has_bytes(struct alb_origin *o, const void *p, size_t n)
{
    struct alb_origin_reader *reader;
    unsigned char *got = malloc(n + 1);
    size_t have;
    if (!o || o->failure != ALB_ORIGIN_GOOD || !o->has_bytes || o->size != (int64_t)n)
        fail_msg("%s: %s", o ? alb_origin_failure_name(o->failure) : "none", o ? o->err.msg : "");
    assert_int_equal(pread(alb_origin_fd(o), got, n + 1, 0), (ssize_t)n);
    bool same = memcmp(got, p, n) == 0;
    memset(got, 0, n);
    assert_int_equal(alb_origin_reader_open(o, &reader, NULL), ALB_OK);
    assert_int_equal(alb_origin_read(reader, 0, got, n + 1, &have, NULL), ALB_OK);
    same = same && have == n && memcmp(got, p, n) == 0;
    assert_int_equal(alb_origin_read(reader, (int64_t)n / 2, got, 10, &have, NULL), ALB_OK);
    same =
        same && have == (n - n / 2 < 10 ? n - n / 2 : 10) && memcmp(got, (const char *)p + n / 2, have) == 0;
    alb_origin_reader_close(&reader);
    free(got);
    return same;
}

unsigned char *picture(size_t n, unsigned seed)
{
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                        0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    unsigned char *p = malloc(n);
    uint32_t x = seed * 2654435761u + 1;
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (unsigned char)(x >> 24);
    }
    memcpy(p, png, n < sizeof(png) ? n : sizeof(png));
    return p;
}
