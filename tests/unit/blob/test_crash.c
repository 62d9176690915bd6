/* SPDX-License-Identifier: Apache-2.0
 *
 * Kill -9 and power cuts at every file call of a process that fills a cache, heals and removes originals;
 * then a start on what is left: a cache answers with the right bytes or not at all, its books fit the disk,
 * and every original is whole. The same for the upkeep of a shared cache: purges that were acknowledged hold, what is too
 * old is no answer, claims can be taken. (The crash matrix of uploads is in tests/unit/upload.)
 */
#include "kit.h"

#include <sys/mman.h>

#include "blob/cache.h"
#include "blob/cache_index.h"
#include "blob/claims.h"
#include "blob/publish.h"
#include "blob/purges.h"
#include "story.h"

static struct alb_err err;

#define KEYS 12
#define LIMIT (64 * ALB_INDEX_PAGE)

struct world {
    struct kit_store k;
    struct alb_cache *c;
    struct alb_purges *purges; /* of the upkeep alone, from here on */
    int dir, tmp;
    struct alb_manual_clock clock;
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

static void live(void *world)
{
    struct world *w = world;
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

/* ---- the upkeep of a cache that processes share ---- */

#define LABELS 4
#define AGE_MS 3600000
#define START_MS 1700000000000

/* What the one that crashes has been told is durable; shared memory. */
static struct {
    bool purged[LABELS];
} *acked;

static void open_shared(struct world *w, int64_t wall_ms)
{
    alb_manual_clock_init(&w->clock, ALB_NS_PER_S, wall_ms);
    kit_quiet();
    w->k.fd = kit_dir_open(w->k.path);
    assert_ok(alb_publish_recover_shared(w->k.fd, &err));
    assert_ok(alb_quarantine_open(w->k.fd, 64 << 20, 100, alb_clock_real(), &w->k.quarantine, &err));
    const struct alb_cache_config cache = {.data_dirfd = w->k.fd,
                                           .folder = "cache",
                                           .limit = LIMIT,
                                           .clock = &w->clock.clock,
                                           .quarantine = w->k.quarantine,
                                           .shared = true,
                                           .max_age_ms = AGE_MS};
    assert_ok(alb_cache_open(&cache, &w->c, &err));
    w->dir = openat(w->k.fd, "cache", O_RDONLY | O_DIRECTORY);
    w->tmp = openat(w->k.fd, "tmp", O_RDONLY | O_DIRECTORY);
    const struct alb_purges_config purges = {
        .dirfd = w->dir, .tmp_dirfd = w->tmp, .clock = &w->clock.clock, .shared = true};
    assert_ok(alb_purges_open(&purges, &w->purges, &err));
}

static void close_shared(struct world *w)
{
    alb_purges_close(&w->purges);
    alb_cache_close(&w->c);
    alb_quarantine_close(&w->k.quarantine);
    (void)close(w->dir);
    (void)close(w->tmp);
    (void)close(w->k.fd);
}

static struct alb_str label_of(unsigned i, char room[16])
{
    (void)snprintf(room, 16, "t:%u", i % LABELS);
    return alb_str_c(room);
}

static void put_labelled(struct world *w, unsigned i)
{
    struct alb_derived_key k = key_of(i);
    unsigned char *b = kit_bytes(size_of(i), i);
    struct alb_buf text = ALB_BUF_INIT(100);
    char room[16];
    const struct alb_str label = label_of(i, room);

    alb_labels_write(&label, 1, &text);
    const struct alb_derived_front front = {
        .meta = ALB_STR("type"), .labels = alb_buf_view(&text), .purges = alb_purges_now(w->purges)};
    alb_ignore(alb_cache_put(w->c, &k, &front, alb_str_n((const char *)b, size_of(i)), NULL),
               "a crash is on its way");
    alb_buf_fini(&text);
    alb_mem_free(b);
}

static void purge(struct world *w, unsigned label)
{
    char room[16];
    uint64_t number;

    if (alb_purges_add(w->purges, label_of(label, room), false, ALB_STR("ann"), &number, NULL) == ALB_OK)
        acked->purged[label] = true;
}

static void remove_purged(struct world *w)
{
    size_t removed = 0;

    for (int cursor = 0; cursor >= 0;)
        alb_ignore(alb_cache_purge_step(w->c, w->purges, &cursor, &removed, NULL), "a crash is on its way");
}

static void upkeep(void *world)
{
    struct world *w = world;
    struct alb_cache_checked sum = {0};
    struct alb_claims *claims;
    struct alb_claim claim = {0};
    struct alb_derived_key k = key_of(3);
    struct alb_cache_scrub s;
    char path[64], name[ALB_DERIVED_NAME_MAX];

    for (unsigned i = 0; i < KEYS / 2; i++)
        put_labelled(w, i);
    purge(w, 1);
    alb_purges_retire(w->purges, 0); /* a record that says nothing */
    if (alb_claims_open(w->dir, &claims, NULL) == ALB_OK) {
        (void)alb_claim_take(claims, &k, &claim, 0);
        alb_claim_give(claims, &k);
        alb_claims_close(&claims);
    }
    alb_manual_clock_advance(&w->clock, 2 * AGE_MS * ALB_NS_PER_MS); /* those are too old now */
    for (unsigned i = KEYS / 2; i < KEYS; i++)
        if (i % LABELS != 1)
            put_labelled(w, i);
    purge(w, 2);
    remove_purged(w);
    alb_purges_looked(w->purges, alb_purges_now(w->purges));
    for (unsigned i = 0; i < 256; i++)
        (void)alb_cache_tend(w->c);
    k = key_of(KEYS - 1);
    alb_derived_name(&k, name);
    (void)snprintf(path, sizeof(path), "cache/%s", name);
    if (kit_exists(w->k.fd, path))
        kit_flip(w->k.fd, path, 3000);
    alb_cache_scrub_init(&s);
    while (alb_cache_scrub_step(w->c, &s, NULL, NULL, &sum)) {
    }
    alb_cache_close(&w->c); /* writes the journal anew */
}

static void check_upkeep(const char *path)
{
    struct world w = {0};
    struct alb_cache_checked sum = {0};
    struct alb_claims *claims;
    struct alb_claim claim = {0};
    uint64_t number;
    char room[16];

    memcpy(w.k.path, path, strlen(path) + 1);
    open_shared(&w, START_MS + 2 * AGE_MS);
    assert_int_equal(kit_count(w.k.fd, "tmp"), 0);
    for (unsigned i = 0; i < LABELS; i++) {
        const struct alb_str label = label_of(i, room);
        assert_true(!acked->purged[i] || alb_purges_newest(w.purges, &label, 1) > 0);
    }
    read_all(&w);
    alb_cache_tend_all(w.c);
    remove_purged(&w);
    for (unsigned i = 0; i < KEYS; i++) {
        struct alb_derived_key k = key_of(i);
        struct alb_derived d;
        bool gone = i < KEYS / 2 || acked->purged[i % LABELS];
        if (alb_cache_get(w.c, &k, &d, NULL) != ALB_OK)
            continue;
        assert_false(gone);
        alb_derived_fini(&d);
    }
    for (int64_t cursor = 0; cursor >= 0;)
        assert_ok(alb_cache_check_step(w.c, &cursor, &sum, &err));
    assert_int_equal(sum.bad, 0);
    assert_int_equal(sum.seen, alb_cache_look(w.c).files);
    assert_true(alb_cache_look(w.c).complete && alb_cache_look(w.c).bytes <= LIMIT);
    assert_int_equal(alb_cache_look(w.c).writes.code, ALB_OK);
    assert_ok(alb_purges_add(w.purges, ALB_STR("t:new"), false, ALB_STR_NONE, &number, &err));
    assert_ok(alb_claims_open(w.dir, &claims, &err));
    struct alb_derived_key k = key_of(3);
    assert_int_equal(alb_claim_take(claims, &k, &claim, 0), ALB_CLAIM_HELD);
    alb_claims_close(&claims);
    put_labelled(&w, KEYS);
    assert_int_equal(alb_cache_look(w.c).stored, 1);
    close_shared(&w);
}

/* ---- crashes ---- */

static struct world crashing;

static struct world *at(struct world *w, const char *path)
{
    memcpy(w->k.path, path, strlen(path) + 1);
    return w;
}

static void begin(const char *path)
{
    struct world w = {0};

    open_world(at(&w, path));
    close_world(&w);
}

static void *open_it(const char *path)
{
    open_world(at(&crashing, path));
    return &crashing;
}

static void begin_shared(const char *path)
{
    struct world w = {0};

    memset(acked, 0, sizeof(*acked));
    open_shared(at(&w, path), START_MS);
    close_shared(&w);
}

static void *open_it_shared(const char *path)
{
    open_shared(at(&crashing, path), START_MS);
    return &crashing;
}

static void a_crash_anywhere(void **state)
{
    (void)state;
    story_crash_anywhere(&(struct story){begin, open_it, live, check_after, 5});
}

static void a_crash_of_the_upkeep(void **state)
{
    (void)state;
    story_crash_anywhere(&(struct story){begin_shared, open_it_shared, upkeep, check_upkeep, 5});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_anywhere),
        cmocka_unit_test(a_crash_of_the_upkeep),
    };

    acked = mmap(NULL, sizeof(*acked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (acked == MAP_FAILED)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
