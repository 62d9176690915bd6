/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that may end a request, at the same time (T7): a hook stops it, its client resets, half closes,
 * falls silent or comes to its end, another request wants the upload, the server goes down. For each of a
 * thousand uploads the first one ends it, is the only one that is told of, and what was said of it is true
 * after a restart.
 */
#include "tus_race.h"

#define OURS 0 /* without accounts everybody is owner 0 */

/* What the disk and the records say after a restart. */
static void check_stored(unsigned n, int64_t least)
{
    struct alb_upload_brief brief;
    char name[32], is[40];
    size_t got = 0;
    int fd = -1;

    assert_int_equal(alb_upload_brief(uploads, alb_str_c(ids[n]), OURS, &brief, NULL), ALB_OK);
    assert_true(brief.offset >= least && brief.offset <= 30);
    (void)snprintf(name, sizeof(name), "up/%s", ids[n]);
    if (brief.offset == 0)
        return;
    assert_int_equal(alb_fs_open(folder_fd, name, O_RDONLY, 0, &fd, NULL), ALB_OK);
    assert_int_equal(alb_fs_pread_all(fd, is, sizeof(is), 0, &got, NULL), ALB_OK);
    alb_fs_close(&fd);
    assert_true((int64_t)got >= brief.offset);
    assert_memory_equal(is, bytes, (size_t)brief.offset);
}

static struct {
    unsigned number; /* of the batch */
    int fds[BATCH];  /* -1: its client has gone */
} batch;

/* The i-th in an order of this batch's own. */
static unsigned pick(unsigned i)
{
    static const unsigned steps[] = {1, 3, 7, 9, 11, 13, 17, 49}; /* prime to BATCH */

    return (i * steps[batch.number % ALB_ARRAY_LEN(steps)] + batch.number) % BATCH;
}

static void *clients_leave(void *arg)
{
    const struct linger reset = {1, 0};

    (void)arg;
    for (unsigned i = 0; i < BATCH; i++) {
        unsigned k = pick(i);
        switch (k % 4) {
        case 0:
            (void)setsockopt(batch.fds[k], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
            (void)close(batch.fds[k]);
            batch.fds[k] = -1;
            break;
        case 1:
            (void)shutdown(batch.fds[k], SHUT_WR);
            break;
        case 2:
            send_bytes(batch.fds[k], 5, 30);
            break;
        default: /* says no more */
            break;
        }
    }
    return NULL;
}

/* Others want the uploads; in the middle of it the server goes down. */
static void *others_come(void *arg)
{
    unsigned until = batch.number * 7 % BATCH;

    (void)arg;
    for (unsigned i = 0; i < until; i++)
        (void)ask_and_hear(batch.number * BATCH + pick(BATCH - 1 - i), "HEAD", "");
    alb_uploads_stop(uploads);
    return NULL;
}

static void wait_until_all_have_begun(void)
{
    int64_t deadline = soon(60000);
    unsigned begun = 0;

    while (begun < BATCH) {
        assert_true(alb_mono(alb_clock_real()) < deadline);
        (void)sched_yield();
        (void)pthread_mutex_lock(&all.m);
        begun = 0;
        for (unsigned i = 0; i < BATCH; i++)
            begun += all.lives[batch.number * BATCH + i].begun;
        (void)pthread_mutex_unlock(&all.m);
    }
}

/* The server's word, the client's, and what the hooks heard are the same. */
static int64_t check_end(unsigned i)
{
    const struct life *l = &all.lives[batch.number * BATCH + i];
    struct heard h = {0};

    if (batch.fds[i] >= 0) {
        h = hear(batch.fds[i]);
        assert_true(h.answers == 1 || (h.answers == 0 && i % 4 == 1)); /* who has half closed has gone */
    }
    (void)pthread_mutex_lock(&all.m);
    struct life now = *l;
    (void)pthread_mutex_unlock(&all.m);
    if (h.answers == 1) {
        assert_int_equal(now.patches, 1);
        assert_int_equal(h.status, now.status);
    }
    return h.offset;
}

static void check_told(unsigned i, int64_t offset)
{
    unsigned n = batch.number * BATCH + i;
    const struct life *l = &all.lives[n];
    bool done = l->status == 204, left = i % 4 < 2;

    /* Who leaves at the very moment at which "authorise" says yes is not asked further: nothing was touched. */
    assert_true(l->patches == 1 || (left && l->patches == 0 && l->heard[ALB_TUS_POST_RECEIVE] == 0));
    assert_int_equal(l->heard[ALB_TUS_POST_TERMINATE], l->stopped);
    assert_int_equal(l->heard[ALB_TUS_PRE_FINISH], done);
    assert_int_equal(l->heard[ALB_TUS_POST_FINISH], done);
    if (l->stopped)
        assert_false(alb_upload_known(uploads, alb_str_c(ids[n])));
    else
        check_stored(n, done ? 30 : offset);
}

static void everything_ends(void)
{
    static const int64_t patience[] = {20000, 1, 10, 50};
    pthread_t threads[3];
    int64_t offsets[BATCH], deadline = soon(60000);

    door.options.body_ns = patience[batch.number % ALB_ARRAY_LEN(patience)] * ALB_NS_PER_MS;
    for (unsigned i = 0; i < BATCH; i++)
        create(batch.number * BATCH + i);
    for (unsigned i = 0; i < BATCH; i++) {
        batch.fds[i] = begin_request(batch.number * BATCH + i, "PATCH", patch_headers);
        send_bytes(batch.fds[i], 0, 5);
    }
    wait_until_all_have_begun();
    atomic_store(&all.over, false);
    assert_int_equal(pthread_create(&threads[0], NULL, hooks_thread, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, clients_leave, NULL), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, others_come, NULL), 0);
    (void)pthread_join(threads[1], NULL);
    (void)pthread_join(threads[2], NULL);
    for (unsigned i = 0; i < BATCH; i++)
        offsets[i] = check_end(i);
    while (alb_http_look(server).requests > 0) { /* of those who have gone */
        assert_true(alb_mono(alb_clock_real()) < deadline);
        (void)sched_yield();
    }
    atomic_store(&all.over, true);
    (void)pthread_join(threads[0], NULL);
    close_world();
    open_world();
    for (unsigned i = 0; i < BATCH; i++)
        check_told(i, offsets[i]);
}

static void t7_the_first_cause_wins(void **state)
{
    (void)state;
    alb_log_setup(null_fd, ALB_LOG_JSON, ALB_LOG_ERROR);
    open_world();
    for (batch.number = 0; batch.number < ROUNDS / BATCH; batch.number++)
        everything_ends();
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t7_the_first_cause_wins, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
