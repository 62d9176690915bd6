/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples that a script makes, in a folder of their own for the time of a test. Behind dark_world.h.
 */
#ifndef ALB_TESTS_IMAGE_SCRIPTED_H
#define ALB_TESTS_IMAGE_SCRIPTED_H

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/albumen-samples-XXXXXX";
static char *script;

/* Free with g_free. */
static inline struct alb_str sample_file(const char *name)
{
    char path[512];
    gchar *p = NULL;
    gsize n = 0;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (!g_file_get_contents(path, &p, &n, NULL))
        fail_msg("%s: no such sample", name);
    return (struct alb_str){p, n};
}

static inline int make_samples(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/usr/bin/python3", "python3", "-B", script, folder, NULL);
        _exit(127);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        print_error("%s failed\n", script);
        return -1;
    }
    return start(state);
}

static inline int remove_samples(void **state)
{
    struct dirent *e;
    DIR *d = opendir(folder);
    while (d && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
    rmdir(folder);
    return stop(state);
}

#endif
