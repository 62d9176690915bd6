/* SPDX-License-Identifier: Apache-2.0
 *
 * Kill -9 and power cuts at every file call of a process that fills a cache, heals and removes originals;
 * then a start on what is left: a cache answers with the right bytes or not at all, its books fit the disk,
 * and every original is whole. (The crash matrix of uploads is in tests/unit/upload.)
 */
#include "kit.h"

#include <signal.h>
#include <sys/wait.h>

#include "blob/cache.h"
#include "blob/cache_index.h"
#include "crash.h"

static struct alb_err err;

#define KEYS 12
#define LIMIT (64 * ALB_INDEX_PAGE)

struct world {
    struct kit_store k;
    struct alb_cache *c;
};

static size_t size_of(unsigned i)
{
    return 3000 + i * 1700;
}

static struct alb_derived_key key_of(unsigned i)
{
    struct alb_derived_key k;

    kit_fill(k.b, sizeof(k.b), 0, i + 1);
    return k;
}

static void open_world(struct world *w)
{
    kit_store_open_at(&w->k);
    struct alb_cache_config config = {.data_dirfd = w->k.fd,
                                      .folder = "cache",
                                      .limit = LIMIT,
                                      .clock = alb_clock_real(),
                                      .quarantine = w->k.quarantine};
    assert_ok(alb_cache_open(&config, &w->c, &err));
}

static void close_world(struct world *w)
{
    alb_cache_close(&w->c);
    kit_store_close(&w->k);
}

static void put(struct world *w, unsigned i)
{
    struct alb_derived_key k = key_of(i);
    unsigned char *b = kit_bytes(size_of(i), i);

    const struct alb_derived_front front = {.meta = ALB_STR("type")};
    alb_ignore(alb_cache_put(w->c, &k, &front, alb_str_n((const char *)b, size_of(i)), NULL),
               "a crash is on its way");
    alb_mem_free(b);
}

static enum alb_code yes(void *arg, const unsigned char *sha256, bool *answer, struct alb_err *e)
{
    (void)arg;
    (void)sha256;
    (void)e;
    *answer = true;
    return ALB_OK;
}

static void live(struct world *w)
{
    struct kit_source a;
    struct alb_blob_publish p;
    struct alb_derived d;
    char path[128];
    bool removed;

    for (unsigned i = 0; i < KEYS; i++) {
        struct alb_derived_key k = key_of(i / 2);
        put(w, i);
        if (alb_cache_get(w->c, &k, &d, NULL) == ALB_OK)
            alb_derived_fini(&d);
    }
    struct alb_derived_key gone = key_of(3);
    alb_cache_purge(w->c, &gone);
    kit_source_new(&a, &w->k, "src", 100000, 5);
    alb_ignore(alb_blob_publish_path(&p, w->k.store, &a.src, NULL), "");
    alb_blob_publish_end(&p);
    (void)snprintf(path, sizeof(path), "originals/%s", p.key);
    (void)unlinkat(w->k.fd, "tmp/src", 0);
    kit_write_file(w->k.fd, "tmp/src", a.bytes, 100000);
    kit_flip(w->k.fd, path, 77777);
    alb_ignore(alb_blob_publish_path(&p, w->k.store, &a.src, NULL), "");
    alb_blob_publish_end(&p);
    alb_ignore(alb_blob_remove(w->k.store, a.src.sha256, yes, NULL, &removed, NULL), "");
    kit_source_end(&a);
}

/* A name without good bytes is possible only for the original that the test itself damaged. */
static enum alb_code whole(void *arg, const struct alb_blob_file *file, struct alb_err *e)
{
    struct world *w = arg;
    struct alb_blob_ref ref = {.size = file->size};
    char key[ALB_BLOB_KEY_MAX];

    memcpy(ref.sha256, file->sha256, 32);
    kit_key(&ref, key);
    (void)e;
    enum alb_code code = alb_blob_scrub(w->k.store, &ref, NULL, NULL);
    assert_true(code == ALB_OK || code == ALB_E_CORRUPT);
    assert_int_equal(file->size, 100000); /* never half */
    return ALB_OK;
}

/* The right bytes or none. */
static void read_all(struct world *w)
{
    for (unsigned i = 0; i < KEYS; i++) {
        struct alb_derived_key k = key_of(i);
        struct alb_derived d;
        if (alb_cache_get(w->c, &k, &d, NULL) != ALB_OK)
            continue;
        unsigned char *b = kit_bytes(size_of(i), i);
        assert_int_equal(d.body->n, size_of(i));
        assert_memory_equal(d.body->p, b, size_of(i));
        alb_mem_free(b);
        alb_derived_fini(&d);
    }
}

static void check_after(const char *path)
{
    struct world w = {0};
    struct alb_cache_checked sum = {0};

    memcpy(w.k.path, path, strlen(path) + 1);
    open_world(&w);
    assert_int_equal(kit_count(w.k.fd, "tmp"), 0);
    read_all(&w);
    alb_cache_tend_all(w.c); /* what the journal has lost is found */
    read_all(&w);
    assert_true(alb_cache_look(w.c).complete);
    for (int64_t cursor = 0; cursor >= 0;)
        assert_ok(alb_cache_check_step(w.c, &cursor, &sum, &err));
    assert_int_equal(sum.bad, 0); /* the reads above have found what was torn */
    assert_int_equal(sum.seen, alb_cache_look(w.c).files);
    assert_true(alb_cache_look(w.c).bytes <= LIMIT);
    for (int64_t cursor = 0; cursor >= 0;)
        assert_ok(alb_blob_walk_step(w.k.store, &cursor, whole, &w, &err));
    close_world(&w);
}

/* How many calls there are, if it did not crash. */
static uint64_t one_crash(enum crash_mode mode, uint64_t at, uint64_t seed)
{
    struct world w = {0};
    char image[80];
    int fds[2], status;
    uint64_t calls = 0;

    kit_dir_new(w.k.path);
    (void)snprintf(image, sizeof(image), "%s-image", w.k.path);
    assert_true(strlen(image) < sizeof(w.k.path));
    open_world(&w);
    close_world(&w);
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        open_world(&w);
        crash_begin(mode, at, w.k.path, image, seed);
        live(&w);
        calls = crash_calls();
        _exit(write(fds[1], &calls, sizeof(calls)) == sizeof(calls) ? 0 : 94);
    }
    (void)close(fds[1]);
    if (read(fds[0], &calls, sizeof(calls)) != (ssize_t)sizeof(calls))
        calls = 0;
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bool unplugged = WIFEXITED(status) && WEXITSTATUS(status) == CRASH_EXIT;
    assert_true(unplugged || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    check_after(unplugged ? image : w.k.path);
    kit_dir_remove(w.k.path);
    kit_dir_remove(image);
    return calls;
}

static void a_crash_anywhere(void **state)
{
    const enum crash_mode modes[] = {CRASH_KILL, CRASH_KILL_HALF, CRASH_POWER, CRASH_POWER_MIXED,
                                     CRASH_POWER_MIXED};
    bool full = getenv("ALB_TEST_FULL") != NULL;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    uint64_t stride = full ? 1 : 9;
#else
    uint64_t stride = full ? 1 : 5;
#endif
    uint64_t total = one_crash(CRASH_NEVER, 0, 0);

    (void)state;
    assert_true(total > 40);
    for (size_t m = 0; m < ALB_ARRAY_LEN(modes); m++) {
        for (uint64_t at = 1 + m % stride; at <= total; at += stride)
            (void)one_crash(modes[m], at, at * 10 + m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
