/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of hooks by program: a folder of the test's own with scripts in it, and an event. Include once.
 */
#ifndef ALB_TEST_HOOKS_PROGRAMS_H
#define ALB_TEST_HOOKS_PROGRAMS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "hooks/hooks.h"

#define LONG_NS (60 * ALB_NS_PER_S)

static char folder[64];
static int folder_fd;
static struct alb_hook_event event = {.upload = {"{\"ID\":\"abc\"}", 12},
                                      .id = {"abc", 3},
                                      .size = 10,
                                      .offset = 5,
                                      .method = {"POST", 4},
                                      .uri = {"/files/", 7},
                                      .remote = {"127.0.0.1:1", 11},
                                      .host = {"h", 1}};

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/alb-hooks-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    close(folder_fd);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

/* In the place of the one before at once: it may be starting just now. */
static void script(const char *name, const char *text)
{
    char path[128], temporary[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(temporary, sizeof(temporary), "%s/script", folder);
    FILE *f = fopen(temporary, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s\n", text);
    assert_int_equal(fchmod(fileno(f), 0755), 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(temporary, path), 0);
}

static int64_t in(int64_t ns)
{
    return alb_deadline(alb_mono(alb_clock_real()), ns);
}

static struct alb_hooks *open_with(const struct alb_hooks_config *c)
{
    struct alb_hooks *h;
    struct alb_err err = ALB_ERR_INIT;
    assert_int_equal(alb_hooks_open(c, &h, &err), ALB_OK);
    return h;
}

#endif
