/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks by program: real scripts in a folder of the test's own.
 */
#include "programs.h"

#include <signal.h>

static const char *contents(const char *name)
{
    static char text[4096];
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static struct alb_hooks *open_hooks(void (*change)(struct alb_hooks_config *))
{
    struct alb_hooks_config c;
    alb_hooks_config_default(&c);
    c.dir = alb_str_c(folder);
    if (change)
        change(&c);
    return open_with(&c);
}

/* Every child has been reaped: there is none. */
static void assert_no_child(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void close_hooks(struct alb_hooks **h)
{
    alb_hooks_close(h, in(LONG_NS));
    assert_no_child();
}

static enum alb_code ask(struct alb_hooks *h, enum alb_hook_type type, struct alb_hook_reply **reply,
                         struct alb_err *err)
{
    struct alb_future *future;
    *reply = NULL;
    assert_int_equal(alb_hooks_ask(h, type, &event, &future, NULL), ALB_OK);
    enum alb_code code = alb_future_await(future, in(LONG_NS), err);
    struct alb_obj *obj = alb_future_result(future);
    if (obj)
        *reply = ALB_CONTAINER_OF(alb_obj_ref(obj), struct alb_hook_reply, obj);
    alb_future_unref(future);
    return code;
}

static void answers(void **state)
{
    (void)state;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_hook_reply *reply;
    script("pre-create", "cat > event; echo \"$TUS_ID $TUS_SIZE $TUS_OFFSET\" > env; pwd > cwd\n"
                         "echo '{\"RejectUpload\":true,\"HTTPResponse\":{\"StatusCode\":403}}'");
    struct alb_hooks *h = open_hooks(NULL);
    assert_int_equal(ask(h, ALB_HOOK_PRE_CREATE, &reply, &err), ALB_OK);
    assert_true(reply->reject_upload);
    assert_int_equal(reply->status, 403);
    alb_obj_unref(&reply->obj);
    assert_string_equal(contents("env"), "abc 10 5\n");
    assert_string_equal(
        contents("event"),
        "{\"Type\":\"pre-create\",\"Event\":{\"Upload\":{\"ID\":\"abc\"},\"HTTPRequest\":{\"Method\":"
        "\"POST\",\"URI\":\"/files/\",\"RemoteAddr\":\"127.0.0.1:1\",\"Header\":{\"Host\":[\"h\"]}}}}");
    assert_int_equal(strncmp(contents("cwd"), folder, strlen(folder)), 0);
    /* No such program: nothing to say. */
    assert_int_equal(ask(h, ALB_HOOK_PRE_FINISH, &reply, &err), ALB_OK);
    assert_false(reply->reject_upload);
    alb_obj_unref(&reply->obj);
    assert_int_equal(alb_hooks_look(h).invocations[ALB_HOOK_PRE_CREATE], 1);
    assert_int_equal(alb_hooks_look(h).errors[ALB_HOOK_PRE_CREATE], 0);
    close_hooks(&h);
}

/* A hook has the server's environment (PATH, its own settings), but not what signs the administrator in. */
static void no_password_in_the_environment(void **state)
{
    (void)state;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_hook_reply *reply;
    assert_int_equal(setenv("ALBUMEN_ADMIN_PASSWORD", "very secret", 1), 0);
    assert_int_equal(setenv("HOOK_SETTING", "mine", 1), 0);
    script("pre-create", "echo \"$HOOK_SETTING ${ALBUMEN_ADMIN_PASSWORD:-none}\" > env\n");
    struct alb_hooks *h = open_hooks(NULL);
    assert_int_equal(ask(h, ALB_HOOK_PRE_CREATE, &reply, &err), ALB_OK);
    alb_obj_unref(&reply->obj);
    close_hooks(&h);
    assert_int_equal(unsetenv("ALBUMEN_ADMIN_PASSWORD"), 0);
    assert_int_equal(unsetenv("HOOK_SETTING"), 0);
    assert_string_equal(contents("env"), "mine none\n");
}

static void failures(void **state)
{
    (void)state;
    struct alb_hook_reply *reply;
    static const struct {
        const char *text, *message;
    } bad[] = {{"echo no room; exit 3", "unexpected return code 3 from hook endpoint: no room\n"},
               {"kill -9 $$", "unexpected return code -1 from hook endpoint: "},
               {"echo no json", "not JSON"},
               {"head -c 3000000 /dev/zero", "printed more than"}};
    struct alb_hooks *h = open_hooks(NULL);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_err err = ALB_ERR_INIT;
        script("pre-create", bad[i].text);
        assert_int_equal(ask(h, ALB_HOOK_PRE_CREATE, &reply, &err), ALB_E_INTERNAL);
        if (!strstr(err.msg, bad[i].message))
            fail_msg("%s: %s", bad[i].text, err.msg);
        assert_int_equal(alb_hooks_look(h).errors[ALB_HOOK_PRE_CREATE], i + 1);
    }
    char path[128];
    struct alb_err err = ALB_ERR_INIT;
    snprintf(path, sizeof(path), "%s/pre-create", folder);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(ask(h, ALB_HOOK_PRE_CREATE, &reply, &err), ALB_E_INTERNAL);
    close_hooks(&h);
}

static void short_time(struct alb_hooks_config *c)
{
    c->ask_ns = 100 * ALB_NS_PER_MS;
}

static void wait_gone(pid_t pid)
{
    /* It was killed, and whoever inherited it reaps it in its own time. */
    int64_t until = in(LONG_NS);
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    for (;;) {
        char state = 'X';
        FILE *f = fopen(path, "r");
        if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1 || state == 'Z' || state == 'X') {
            if (f)
                fclose(f);
            return;
        }
        fclose(f);
        assert_true(alb_mono(alb_clock_real()) < until);
        sched_yield();
    }
}

/* The program and what it started are killed; also if it has ended and left a child that holds its output. */
static void deadline(void **state)
{
    (void)state;
    static const char *const slow[] = {
        "sleep 1000 & echo $! > pid.tmp; mv pid.tmp pid; trap '' TERM INT; wait",
        "sleep 1000 & echo $! > pid.tmp; mv pid.tmp pid"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(slow); i++) {
        struct alb_err err = ALB_ERR_INIT;
        struct alb_hook_reply *reply;
        struct alb_hooks *h = open_hooks(short_time);
        script("pre-create", slow[i]);
        assert_int_equal(ask(h, ALB_HOOK_PRE_CREATE, &reply, &err), ALB_E_TIMEOUT);
        if (contents("pid")) /* on a loaded machine it may not have come so far */
            wait_gone(atoi(contents("pid")));
        close_hooks(&h);
    }
}

static void never(struct alb_waiter *w, enum alb_wake why)
{
    (void)w;
    (void)why;
}

static void forsaken(void **state)
{
    (void)state;
    struct alb_future *future;
    struct alb_waiter w = {.wake = never};
    script("pre-create", "echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 1000");
    char path[128];
    snprintf(path, sizeof(path), "%s/pid", folder);
    (void)unlink(path);
    struct alb_hooks *h = open_hooks(NULL);
    assert_int_equal(alb_hooks_ask(h, ALB_HOOK_PRE_CREATE, &event, &future, NULL), ALB_OK);
    assert_true(alb_future_wait(future, &w));
    while (!contents("pid"))
        sched_yield();
    pid_t pid = atoi(contents("pid"));
    assert_true(alb_future_leave(future, &w));
    struct alb_err err = ALB_ERR_INIT;
    assert_int_equal(alb_future_await(future, in(LONG_NS), &err), ALB_E_CANCELLED);
    alb_future_unref(future);
    wait_gone(pid);
    close_hooks(&h);
}

static void one_place(struct alb_hooks_config *c)
{
    c->tells = c->progress = c->asks = 1;
    c->tell_queue = c->progress_queue = c->ask_queue = 2;
}

/* Progress has places of its own: programs that hang on it stand in nobody's way. When nobody waits for it
 * any more what has not begun never does, and what runs has a moment left. */
static void progress(void **state)
{
    (void)state;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_hook_reply *reply;
    struct alb_future *future[4];
    struct alb_waiter w[3] = {{.wake = never}, {.wake = never}, {.wake = never}};
    script("post-receive", "echo x >> begun; echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 1000");
    script("pre-create", "echo '{}'");
    struct alb_hooks *h = open_hooks(one_place);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(alb_hooks_ask(h, ALB_HOOK_POST_RECEIVE, &event, &future[i], NULL), ALB_OK);
        assert_true(alb_future_wait(future[i], &w[i]));
    }
    assert_int_equal(alb_hooks_ask(h, ALB_HOOK_POST_RECEIVE, &event, &future[3], NULL), ALB_E_BUSY);
    assert_int_equal(alb_hooks_look(h).dropped[ALB_HOOK_POST_RECEIVE], 1);
    assert_int_equal(ask(h, ALB_HOOK_PRE_CREATE, &reply, &err), ALB_OK);
    alb_obj_unref(&reply->obj);
    while (!contents("pid"))
        sched_yield();
    pid_t pid = atoi(contents("pid"));
    for (int i = 2; i >= 0; i--) {
        assert_true(alb_future_leave(future[i], &w[i]));
        assert_int_equal(alb_future_await(future[i], in(LONG_NS), &err),
                         i == 0 ? ALB_E_TIMEOUT : ALB_E_CANCELLED);
        alb_future_unref(future[i]);
    }
    wait_gone(pid);
    close_hooks(&h);
    assert_string_equal(contents("begun"), "x\n");
}

/* Nobody waits for progress at the end either. */
static void progress_at_the_end(void **state)
{
    (void)state;
    struct alb_future *future[2];
    script("post-receive", "echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 1000");
    struct alb_hooks *h = open_hooks(one_place);
    for (int i = 0; i < 2; i++)
        assert_int_equal(alb_hooks_ask(h, ALB_HOOK_POST_RECEIVE, &event, &future[i], NULL), ALB_OK);
    while (!contents("pid"))
        sched_yield();
    alb_hooks_close(&h, in(100 * LONG_NS)); /* the test would be ended before */
    assert_no_child();
    assert_int_equal(alb_future_error(future[0], NULL), ALB_E_TIMEOUT);
    assert_int_equal(alb_future_error(future[1], NULL), ALB_E_CANCELLED);
    alb_future_unref(future[0]);
    alb_future_unref(future[1]);
}

/* Tells do not stand in the way of asks; beyond the bounds they are refused; closing waits for them. */
static void bounds(void **state)
{
    (void)state;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_hook_reply *reply;
    struct alb_future *future[4];
    script("post-create",
           "i=0; while [ ! -e go ] && [ $i -lt 6000 ]; do sleep 0.01; i=$((i+1)); done; echo x >> told");
    script("pre-create", "echo '{}'");
    script("pre-finish", "i=0; while [ ! -e go ] && [ $i -lt 6000 ]; do sleep 0.01; i=$((i+1)); done");
    struct alb_hooks *h = open_hooks(one_place);
    for (int i = 0; i < 3; i++)
        assert_true(alb_hooks_tell(h, ALB_HOOK_POST_CREATE, &event));
    assert_false(alb_hooks_tell(h, ALB_HOOK_POST_CREATE, &event));
    assert_int_equal(alb_hooks_look(h).dropped[ALB_HOOK_POST_CREATE], 1);
    assert_int_equal(ask(h, ALB_HOOK_PRE_CREATE, &reply, &err), ALB_OK);
    alb_obj_unref(&reply->obj);
    while (alb_hooks_look(h).running + alb_hooks_look(h).waiting >
           3) /* answered, but not yet out of its place */
        sched_yield();
    for (int i = 0; i < 3; i++)
        assert_int_equal(alb_hooks_ask(h, ALB_HOOK_PRE_FINISH, &event, &future[i], NULL), ALB_OK);
    assert_int_equal(alb_hooks_ask(h, ALB_HOOK_PRE_FINISH, &event, &future[3], NULL), ALB_E_BUSY);
    assert_null(future[3]);
    script("go", "");
    close_hooks(&h);
    for (int i = 0; i < 3; i++) {
        assert_true(alb_future_done(future[i]));
        assert_non_null(alb_future_result(future[i]));
        alb_future_unref(future[i]);
    }
    assert_string_equal(contents("told"), "x\nx\nx\n");
}

/* At its deadline, closing ends what runs and what waits. */
static void cut(void **state)
{
    (void)state;
    struct alb_future *running, *waiting;
    script("pre-create", "exec sleep 1000");
    script("post-finish", "exec sleep 1000");
    struct alb_hooks *h = open_hooks(one_place);
    assert_int_equal(alb_hooks_ask(h, ALB_HOOK_PRE_CREATE, &event, &running, NULL), ALB_OK);
    assert_int_equal(alb_hooks_ask(h, ALB_HOOK_PRE_CREATE, &event, &waiting, NULL), ALB_OK);
    for (int i = 0; i < 3; i++)
        assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    alb_hooks_close(&h, in(0));
    assert_no_child();
    assert_int_equal(alb_future_error(running, NULL), ALB_E_CANCELLED);
    assert_int_equal(alb_future_error(waiting, NULL), ALB_E_CANCELLED);
    alb_future_unref(running);
    alb_future_unref(waiting);
}

static void only_one(struct alb_hooks_config *c)
{
    c->enabled = ALB_HOOK_BIT(ALB_HOOK_POST_FINISH);
}

static void enabled(void **state)
{
    (void)state;
    struct alb_hooks *h = open_hooks(only_one);
    assert_true(alb_hooks_on(h, ALB_HOOK_POST_FINISH));
    assert_false(alb_hooks_on(h, ALB_HOOK_PRE_CREATE));
    assert_false(alb_hooks_on(NULL, ALB_HOOK_POST_FINISH));
    assert_false(alb_hooks_tell(h, ALB_HOOK_POST_CREATE, &event));
    close_hooks(&h);
}

/* No place is waited for when there is nobody to be asked. */
static void who_is_not_there_needs_no_place(void **state)
{
    (void)state;
    struct alb_future *busy[2], *other;
    struct alb_hook_reply *reply;
    script("pre-finish", "i=0; while [ ! -e go ] && [ $i -lt 6000 ]; do sleep 0.01; i=$((i+1)); done");
    struct alb_hooks *h = open_hooks(one_place);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(alb_hooks_ask(h, ALB_HOOK_PRE_FINISH, &event, &busy[i], NULL), ALB_OK);
    assert_int_equal(ask(h, ALB_HOOK_PRE_CREATE, &reply, NULL), ALB_OK);
    assert_non_null(reply);
    assert_false(reply->reject_upload);
    alb_obj_unref(&reply->obj);
    assert_true(alb_hooks_tell(h, ALB_HOOK_POST_CREATE, &event));
    assert_null(alb_hooks_keep(h, ALB_HOOK_POST_CREATE, &event));
    assert_int_equal(alb_hooks_look(h).invocations[ALB_HOOK_PRE_CREATE], 1);
    assert_int_equal(alb_hooks_look(h).invocations[ALB_HOOK_POST_CREATE], 2);
    assert_int_equal(alb_hooks_look(h).dropped[ALB_HOOK_POST_CREATE], 0);
    script("pre-create", "echo '{\"RejectUpload\":true}'"); /* now there is */
    assert_int_equal(alb_hooks_ask(h, ALB_HOOK_PRE_CREATE, &event, &other, NULL), ALB_OK);
    assert_false(alb_future_done(other));
    script("go", "");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(alb_future_await(busy[i], in(LONG_NS), NULL), ALB_OK);
        alb_future_unref(busy[i]);
    }
    assert_int_equal(alb_future_await(other, in(LONG_NS), NULL), ALB_OK);
    reply = ALB_CONTAINER_OF(alb_future_result(other), struct alb_hook_reply, obj);
    assert_true(reply->reject_upload);
    alb_future_unref(other);
    close_hooks(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers, setup, teardown),
        cmocka_unit_test_setup_teardown(no_password_in_the_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(failures, setup, teardown),
        cmocka_unit_test_setup_teardown(deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(forsaken, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(progress, setup, teardown),
        cmocka_unit_test_setup_teardown(progress_at_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(cut, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_not_there_needs_no_place, setup, teardown),
        cmocka_unit_test_setup_teardown(enabled, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
