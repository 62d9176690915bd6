/* SPDX-License-Identifier: Apache-2.0
 *
 * A crash at every file call (contract: story.h).
 */
#include "story.h"

#include "kit.h"

#include <signal.h>
#include <sys/wait.h>

#include "crash.h"

/* How many calls there are, if it did not crash. */
static uint64_t one_crash(const struct story *s, enum crash_mode mode, uint64_t at, uint64_t seed)
{
    char path[64], image[80];
    int fds[2], status;
    uint64_t calls = 0;

    kit_dir_new(path);
    (void)snprintf(image, sizeof(image), "%s-image", path);
    assert_true(strlen(image) < sizeof(path));
    s->begin(path);
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        void *world = s->open(path);
        crash_begin(mode, at, path, image, seed);
        s->live(world);
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
    s->check(unplugged ? image : path);
    kit_dir_remove(path);
    kit_dir_remove(image);
    return calls;
}

void story_crash_anywhere(const struct story *s)
{
    const enum crash_mode modes[] = {CRASH_KILL, CRASH_KILL_HALF, CRASH_POWER, CRASH_POWER_MIXED,
                                     CRASH_POWER_MIXED};
#if defined(__SANITIZE_THREAD__)
    uint64_t stride = 5 * s->stride - 1;
#elif defined(__SANITIZE_ADDRESS__)
    uint64_t stride = 2 * s->stride - 1;
#else
    uint64_t stride = s->stride;
#endif
    uint64_t total = one_crash(s, CRASH_NEVER, 0, 0);

    assert_true(total > 3 * s->stride);
    if (getenv("ALB_TEST_FULL") != NULL)
        stride = 1;
    for (size_t m = 0; m < ALB_ARRAY_LEN(modes); m++) {
        for (uint64_t at = 1 + m % stride; at <= total; at += stride)
            (void)one_crash(s, modes[m], at, at * 10 + m);
    }
}
