/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims between processes: who waits is woken when the holder gives back, when it is killed, and when time is over; and
 * never after it has left.
 */
#include "kit.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "blob/claims.h"

#define LONG (600 * ALB_NS_PER_S)

static struct alb_err err;

struct world {
    char path[64];
    int fd;
    struct alb_claims *claims;
    /* the other process: holds key 1 from when it has written until it reads or dies */
    pid_t pid;
    int say[2], hear[2];
};

struct waiter {
    struct alb_claim claim;
    atomic_uint woken;
};

static void wake(struct alb_claim *claim)
{
    atomic_fetch_add(&ALB_CONTAINER_OF(claim, struct waiter, claim)->woken, 1);
}

static struct alb_derived_key key_of(uint64_t i)
{
    struct alb_derived_key k;

    kit_fill(k.b, sizeof(k.b), 0, i);
    return k;
}

static int64_t in(int64_t ns)
{
    return alb_deadline(alb_mono(alb_clock_real()), ns);
}

static void other_process(struct world *w)
{
    struct alb_claims *claims;
    struct alb_claim claim = {.wake = wake};
    struct alb_derived_key k = key_of(1);
    char c = 0;

    if (alb_claims_open(w->fd, &claims, NULL) != ALB_OK ||
        alb_claim_take(claims, &k, &claim, 0) != ALB_CLAIM_HELD)
        _exit(9);
    if (write(w->hear[1], "h", 1) != 1 || read(w->say[0], &c, 1) != 1)
        _exit(8);
    alb_claim_give(claims, &k);
    (void)pause();
    _exit(0);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    char c;

    alb_err_clear(&err);
    kit_quiet();
    kit_dir_new(w->path);
    w->fd = kit_dir_open(w->path);
    assert_int_equal(pipe(w->say), 0);
    assert_int_equal(pipe(w->hear), 0);
    w->pid = fork();
    assert_true(w->pid >= 0);
    if (w->pid == 0)
        other_process(w);
    assert_int_equal(read(w->hear[0], &c, 1), 1);
    assert_ok(alb_claims_open(w->fd, &w->claims, &err));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    int status;

    alb_claims_close(&w->claims);
    (void)kill(w->pid, SIGKILL);
    (void)waitpid(w->pid, &status, 0);
    for (int i = 0; i < 2; i++) {
        (void)close(w->say[i]);
        (void)close(w->hear[i]);
    }
    (void)close(w->fd);
    kit_dir_remove(w->path);
    free(w);
    return 0;
}

static void until_woken(struct waiter *a)
{
    while (atomic_load(&a->woken) == 0)
        (void)sched_yield();
}

static void what_is_free_is_held_at_once(void **state)
{
    struct world *w = *state;
    struct waiter a = {.claim = {.wake = wake}};
    struct alb_derived_key two = key_of(2), one = key_of(1);

    assert_int_equal(alb_claim_take(w->claims, &two, &a.claim, in(LONG)), ALB_CLAIM_HELD);
    assert_int_equal(alb_claim_take(w->claims, &one, &a.claim, 0),
                     ALB_CLAIM_NONE); /* taken, and no time to wait */
    alb_claim_give(w->claims, &two);
    alb_claim_leave(w->claims, &a.claim); /* safe */
    assert_int_equal(atomic_load(&a.woken), 0);
}

static void giving_back_wakes(void **state)
{
    struct world *w = *state;
    struct waiter a = {.claim = {.wake = wake}}, b = {.claim = {.wake = wake}};
    struct alb_derived_key one = key_of(1);

    assert_int_equal(alb_claim_take(w->claims, &one, &a.claim, in(LONG)), ALB_CLAIM_WAITING);
    assert_int_equal(alb_claim_take(w->claims, &one, &b.claim, in(LONG)), ALB_CLAIM_WAITING);
    alb_claim_leave(w->claims, &b.claim);
    assert_int_equal(write(w->say[1], "g", 1), 1);
    until_woken(&a);
    assert_int_equal(alb_claim_take(w->claims, &one, &a.claim, in(LONG)), ALB_CLAIM_HELD);
    alb_claim_give(w->claims, &one);
    assert_int_equal(atomic_load(&b.woken), 0); /* it had left */
}

static void death_wakes(void **state)
{
    struct world *w = *state;
    struct waiter a = {.claim = {.wake = wake}};
    struct alb_derived_key one = key_of(1);

    assert_int_equal(alb_claim_take(w->claims, &one, &a.claim, in(LONG)), ALB_CLAIM_WAITING);
    assert_int_equal(kill(w->pid, SIGKILL), 0);
    until_woken(&a);
    while (alb_claim_take(w->claims, &one, &a.claim, in(LONG)) ==
           ALB_CLAIM_WAITING) { /* an event of another kind */
        atomic_store(&a.woken, 0);
        until_woken(&a);
    }
    alb_claim_give(w->claims, &one);
}

static void time_wakes(void **state)
{
    struct world *w = *state;
    struct waiter a = {.claim = {.wake = wake}};
    struct alb_derived_key one = key_of(1);
    int64_t until = in(20 * ALB_NS_PER_MS);

    assert_int_equal(alb_claim_take(w->claims, &one, &a.claim, until), ALB_CLAIM_WAITING);
    until_woken(&a);
    while (alb_mono(alb_clock_real()) < until) /* woken by something else: asked again */
        (void)sched_yield();
    assert_int_equal(alb_claim_take(w->claims, &one, &a.claim, until), ALB_CLAIM_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_free_is_held_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(giving_back_wakes, setup, teardown),
        cmocka_unit_test_setup_teardown(death_wakes, setup, teardown),
        cmocka_unit_test_setup_teardown(time_wakes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
