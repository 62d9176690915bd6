/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks while a client sends, another looks and removes, and somebody looks into the server, a thousand times:
 * each hook and each line of the log is of one request and one upload (T8, T9); progress goes forward, and ends
 * with the upload (T10).
 */
#include "tus_race.h"

static struct {
    pthread_barrier_t start, end;
    unsigned n;
    int patch, delete;
    bool over;
} turn;

static void *patches(void *arg)
{
    (void)arg;
    for (;;) {
        (void)pthread_barrier_wait(&turn.start);
        if (turn.over)
            return NULL;
        int fd = begin_request(turn.n, "PATCH", patch_headers);
        for (size_t i = 0; i < 30; i += 10)
            send_bytes(fd, i, i + 10);
        struct heard h = hear(fd);
        ALB_CHECK(h.answers == 1);
        turn.patch = h.status;
        (void)pthread_barrier_wait(&turn.end);
    }
}

static void *looks_and_deletes(void *arg)
{
    (void)arg;
    for (;;) {
        (void)pthread_barrier_wait(&turn.start);
        if (turn.over)
            return NULL;
        if (turn.n % 2 == 0)
            (void)ask_and_hear(turn.n, "HEAD", "");
        turn.delete = ask_and_hear(turn.n, "DELETE", "");
        if (turn.n % 2 == 1)
            ALB_CHECK(ask_and_hear(turn.n, "HEAD", "") == 404);
        (void)pthread_barrier_wait(&turn.end);
    }
}

static void check_turn(void)
{
    (void)pthread_mutex_lock(&all.m);
    struct life l = all.lives[turn.n];
    (void)pthread_mutex_unlock(&all.m);
    assert_true(turn.delete == 204 || (turn.delete == 404 && l.stopped));
    assert_int_equal(l.heard[ALB_TUS_POST_TERMINATE], 1);
    assert_int_equal(l.heard[ALB_TUS_POST_CREATE], 1);
    assert_int_equal(l.patches, 1);
    assert_int_equal(l.status, turn.patch);
    assert_int_equal(l.heard[ALB_TUS_PRE_FINISH], turn.patch == 204);
    assert_int_equal(l.heard[ALB_TUS_POST_FINISH], turn.patch == 204);
    struct alb_uploads_view v = alb_uploads_look(uploads);
    assert_int_equal(v.known + v.held + v.waiting, 0);
}

/* T8: each line of the log is of one request. */
static void check_log(void)
{
    char *p = NULL;
    size_t n = 0;
    unsigned lines = 0;

    assert_int_equal(alb_fs_read_file(folder_fd, "log", 100 << 20, &p, &n, NULL), ALB_OK);
    struct alb_str rest = alb_str_n(p, n), line;
    while (alb_str_next(&rest, '\n', &line)) {
        char text[4200], method[16], path[64], want[64];
        unsigned id;
        (void)snprintf(text, sizeof(text), ALB_STR_FMT, ALB_STR_ARG(line));
        const char *at = strstr(text, "\"id\":\"u");
        if (at == NULL)
            continue;
        assert_int_equal(sscanf(at, "\"id\":\"u%u.%15[A-Z]\"", &id, method), 2);
        (void)snprintf(want, sizeof(want), "\"method\":\"%s\",", method);
        assert_has(text, want);
        (void)snprintf(path, sizeof(path), "\"path\":\"/up/%s\",",
                       strcmp(method, "POST") == 0 ? "" : ids[id]);
        assert_has(text, path);
        lines++;
    }
    alb_mem_free(p);
    assert_int_equal(lines, 4 * ROUNDS);
}

static void t8_t9_t10_each_hears_of_its_own(void **state)
{
    pthread_t threads[3];
    int log = -1;

    (void)state;
    assert_int_equal(alb_fs_open(folder_fd, "log", O_WRONLY | O_CREAT | O_APPEND, 0600, &log, NULL), ALB_OK);
    alb_log_setup(log, ALB_LOG_JSON, ALB_LOG_INFO);
    open_world();
    turn.over = false;
    (void)pthread_barrier_init(&turn.start, NULL, 3);
    (void)pthread_barrier_init(&turn.end, NULL, 3);
    assert_int_equal(pthread_create(&threads[0], NULL, hooks_thread, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, patches, NULL), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, looks_and_deletes, NULL), 0);
    for (turn.n = 0; turn.n < ROUNDS; turn.n++) {
        create(turn.n);
        (void)pthread_barrier_wait(&turn.start);
        (void)pthread_barrier_wait(&turn.end);
        check_turn();
    }
    turn.over = true;
    (void)pthread_barrier_wait(&turn.start);
    atomic_store(&all.over, true);
    for (size_t i = 0; i < ALB_ARRAY_LEN(threads); i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_barrier_destroy(&turn.start);
    (void)pthread_barrier_destroy(&turn.end);
    close_world();
    alb_log_setup(null_fd, ALB_LOG_JSON, ALB_LOG_ERROR);
    alb_fs_close(&log);
    check_log();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t8_t9_t10_each_hears_of_its_own, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
