/* SPDX-License-Identifier: Apache-2.0
 * kill -9 while several threads write: whatever was acknowledged is there afterwards, the database opens
 * without help, references hold and every counter equals what the rows say (law 5).
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "kit.h"

#define THREADS 4
#define ROUNDS 12

struct writer {
    struct kit *k;
    uint64_t first; /* blobs are numbered per thread */
    int pipe;
};

struct one {
    uint64_t n;
    int64_t id;
};

/* A unit with everything: asset, layers, album link, tag, job. */
static enum alb_code insert_all(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct one *o = arg;
    struct alb_layer title = {.stated = ALB_FIELD_BIT(ALB_FIELD_TITLE), .title = ALB_STR("a title")};
    struct alb_tag_name name = {.scope = ALB_TAG_USER, .value = ALB_STR("crash/test")};
    struct alb_job_new job = {.kind = ALB_STR("asset.extract"), .subject = (int64_t)o->n};
    struct alb_person_write pw = {.values = &title, .actor = ALB_USER_ADMIN, .tag_add_count = 1};
    int64_t tag;
    bool changed;
    enum alb_code code =
        kit_insert_asset(tx, ALB_USER_ADMIN, o->n, (int64_t)(o->n % 20000 + 1) * 86400000, &o->id, err);

    if (code == ALB_OK)
        code = alb_catalog_tag_ensure(tx, &name, ALB_USER_ADMIN, &tag, err);
    pw.tags_add = &tag;
    if (code == ALB_OK)
        code = alb_catalog_person_write(tx, o->id, &pw, err);
    if (code == ALB_OK)
        code = alb_catalog_album_link(tx, 1, o->id, ALB_USER_ADMIN, &changed, err);
    if (code == ALB_OK && o->n % 3 == 0)
        code = alb_catalog_asset_set_trashed(tx, o->id, 1, err);
    return code == ALB_OK ? alb_catalog_job_add(tx, &job, err) : code;
}

static void *write_for_ever(void *arg)
{
    struct writer *w = arg;

    for (uint64_t n = w->first;; n++) {
        struct one o = {.n = n};

        if (kit_write(w->k, insert_all, &o, NULL) != ALB_OK)
            _exit(3);
        if (write(w->pipe, &o, sizeof(o)) !=
            (ssize_t)sizeof(o)) /* acknowledged: from here on it must be there */
            _exit(4);
    }
    return NULL;
}

static enum alb_code make_album(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct alb_album_new album = {.kind = ALB_ALBUM_PERSONAL, .name = ALB_STR("all")};
    struct alb_uuid uuid;
    int64_t id;

    (void)arg;
    return alb_catalog_album_insert(tx, &album, ALB_USER_ADMIN, ALB_USER_ADMIN, &id, &uuid, err);
}

/* The child: opens, writes with all threads, never returns. */
static void child(struct kit *k, int round, int fd)
{
    pthread_t t[THREADS];
    struct writer w[THREADS];

    k->config.checkpoint_bytes = 64 << 10; /* checkpoints are part of what is interrupted */
    if (alb_catalog_open(&k->config, &k->cat, NULL) != ALB_OK)
        _exit(2);
    for (int i = 0; i < THREADS; i++) {
        w[i] =
            (struct writer){.k = k, .first = ((uint64_t)round * THREADS + (uint64_t)i + 1) << 20, .pipe = fd};
        if (pthread_create(&t[i], NULL, write_for_ever, &w[i]) != 0)
            _exit(2);
    }
    pthread_join(t[0], NULL);
    _exit(5);
}

/* Reads acknowledgements until `enough` have come, kills, reads the rest. */
static size_t kill_after(pid_t pid, int fd, size_t enough, struct one *acked, size_t cap)
{
    size_t n = 0;

    while (n < cap && read(fd, &acked[n], sizeof(acked[n])) == (ssize_t)sizeof(acked[n]))
        if (++n == enough)
            kill(pid, SIGKILL);
    return n;
}

static void verify(struct kit *k, const struct one *acked, size_t n)
{
    struct alb_snap *s;

    assert_int_equal(alb_catalog_read(k->cat, &s, NULL), ALB_OK);
    for (size_t i = 0; i < n; i++) {
        struct alb_blob_new blob = kit_blob(acked[i].n, 0);
        struct alb_uuid uuid;
        int64_t id;
        bool trashed;

        assert_int_equal(alb_catalog_asset_by_sha1(s, ALB_USER_ADMIN, blob.sha1, &id, &uuid, &trashed, NULL),
                         ALB_OK);
        assert_int_equal(id, acked[i].id);
        assert_int_equal(trashed, acked[i].n % 3 == 0);
    }
    alb_catalog_read_end(&s);
}

static void test_kill(void **state)
{
    enum { CAP = 4000 };
    struct kit *k = *state;
    struct one *acked = calloc(CAP, sizeof(*acked));
    size_t total = 0;

    assert_non_null(acked);
    kit_write_ok(k, make_album, NULL);
    alb_catalog_close(&k->cat);
    for (int round = 0; round < ROUNDS; round++) {
        int fds[2], status;
        size_t n;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(fds[0]);
            child(k, round, fds[1]);
        }
        close(fds[1]);
        n = kill_after(pid, fds[0], 3 + (size_t)(round * 37) % 200, acked, CAP);
        close(fds[0]);
        waitpid(pid, &status, 0);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            fail_msg("the child ended by itself: %x", (unsigned)status);
        kit_reopen(k);
        verify(k, acked, n);
        kit_check_clean(k);
        assert_true(kit_ask(k, "SELECT count(*) FROM asset") >= (int64_t)(total + n));
        total += n;
        alb_catalog_close(&k->cat);
    }
    print_message("# %d kills, %zu acknowledged units\n", ROUNDS, total);
    kit_reopen(k);
    free(acked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kill, kit_setup, kit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
