/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks while a client sends, another looks and removes, and somebody looks into the server, for a thousand
 * uploads, several at a time: each hook and each line of the log is of one request and one upload (T8, T9);
 * progress goes forward, and ends with the upload (T10).
 */
#include "tus_race.h"

#define LANES 3 /* uploads at a time */

struct lane {
    pthread_t leader, sender;
    pthread_barrier_t start, end;
    unsigned n; /* the upload */
    int patch, delete;
    bool over;
};

static void *sends(void *arg)
{
    struct lane *a = arg;

    for (;;) {
        (void)pthread_barrier_wait(&a->start);
        if (a->over)
            return NULL;
        int fd = begin_request(a->n, "PATCH", patch_headers);
        for (size_t i = 0; i < 30; i += 10)
            send_bytes(fd, i, i + 10);
        struct heard h = hear(fd);
        ALB_CHECK(h.answers == 1);
        a->patch = h.status;
        (void)pthread_barrier_wait(&a->end);
    }
}

static void looks_and_deletes(struct lane *a)
{
    if (a->n % 2 == 0)
        (void)ask_and_hear(a->n, "HEAD", "");
    a->delete = ask_and_hear(a->n, "DELETE", "");
    if (a->n % 2 == 1)
        ALB_CHECK(ask_and_hear(a->n, "HEAD", "") == 404);
}

static void check_turn(const struct lane *a)
{
    (void)pthread_mutex_lock(&all.m);
    struct life l = all.lives[a->n];
    (void)pthread_mutex_unlock(&all.m);
    ALB_CHECK(a->delete == 204 || (a->delete == 404 && l.stopped));
    ALB_CHECK(l.heard[ALB_TUS_POST_TERMINATE] == 1 && l.heard[ALB_TUS_POST_CREATE] == 1);
    ALB_CHECK(l.patches == 1 && l.status == a->patch);
    ALB_CHECK(l.heard[ALB_TUS_PRE_FINISH] == (a->patch == 204));
    ALB_CHECK(l.heard[ALB_TUS_POST_FINISH] == (a->patch == 204));
    ALB_CHECK(!alb_upload_known(uploads, alb_str_c(ids[a->n])));
}

static void *leads(void *arg)
{
    struct lane *a = arg;

    (void)pthread_barrier_init(&a->start, NULL, 2);
    (void)pthread_barrier_init(&a->end, NULL, 2);
    ALB_CHECK(pthread_create(&a->sender, NULL, sends, a) == 0);
    for (; a->n < ROUNDS; a->n += LANES) {
        create(a->n);
        (void)pthread_barrier_wait(&a->start);
        looks_and_deletes(a);
        (void)pthread_barrier_wait(&a->end);
        check_turn(a);
    }
    a->over = true;
    (void)pthread_barrier_wait(&a->start);
    (void)pthread_join(a->sender, NULL);
    (void)pthread_barrier_destroy(&a->start);
    (void)pthread_barrier_destroy(&a->end);
    return NULL;
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
    static struct lane lanes[LANES];
    pthread_t thinker;
    int log = -1;

    (void)state;
    assert_int_equal(alb_fs_open(folder_fd, "log", O_WRONLY | O_CREAT | O_APPEND, 0600, &log, NULL), ALB_OK);
    alb_log_setup(log, ALB_LOG_JSON, ALB_LOG_INFO);
    open_world();
    assert_int_equal(pthread_create(&thinker, NULL, hooks_thread, NULL), 0);
    for (unsigned i = 0; i < LANES; i++) {
        lanes[i] = (struct lane){.n = i};
        assert_int_equal(pthread_create(&lanes[i].leader, NULL, leads, &lanes[i]), 0);
    }
    for (unsigned i = 0; i < LANES; i++)
        (void)pthread_join(lanes[i].leader, NULL);
    atomic_store(&all.over, true);
    (void)pthread_join(thinker, NULL);
    struct alb_uploads_view v = alb_uploads_look(uploads);
    assert_int_equal(v.known + v.held + v.waiting + v.stored_bytes, 0);
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
