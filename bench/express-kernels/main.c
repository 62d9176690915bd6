/* SPDX-License-Identifier: Apache-2.0
 *
 * What the hot kernels of the express lane cost, case by case, in plain C, and the resizer against libvips' reduce.
 *
 *   express-kernels                 processor time of each case and way, in turns, medians
 *   express-kernels CASE WAY        does the work once, in measured(): for callgrind (express-kernels.py counts)
 *   express-kernels list            the cases and ways that this processor has, one pair a line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image/express/resize.h"
#include "kernels.h"

#define ROUNDS 21

static const struct kernel *const families[] = {kernels_resize, kernels_light, kernels_jpeg, kernels_png,
                                                kernels_webp};
static const char *const ways[WAY_COUNT] = {"best", "sse2", "plain", "vips"};

void kernel_die(const char *what)
{
    fprintf(stderr, "express-kernels: %s\n", what);
    exit(1);
}

static bool has(const struct kernel *k, enum way way)
{
    return k->ways >> way & 1 && (way != WAY_SSE2 || alb_resize_path_works(ALB_RESIZE_SSE2));
}

static void job_make(struct job *j, const struct kernel *k, enum way way)
{
    *j = (struct job){.kernel = k, .way = way};
    k->kind->make(j);
}

__attribute__((noinline)) static void measured(struct job *j)
{
    j->kernel->kind->run(j);
}

static double processor_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void time_kernel(const struct kernel *k)
{
    struct job jobs[WAY_COUNT];
    double us[WAY_COUNT][ROUNDS];
    for (enum way w = 0; w < WAY_COUNT; w++) {
        if (has(k, w))
            job_make(&jobs[w], k, w);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (enum way w = 0; w < WAY_COUNT; w++) {
            double before = processor_us();
            if (has(k, w))
                measured(&jobs[w]);
            us[w][round] = processor_us() - before;
        }
    }
    printf("%-20s", k->name);
    if (jobs[WAY_BEST].memory > 0)
        printf(" %7zu KB", jobs[WAY_BEST].memory >> 10);
    else
        printf(" %10s", "-");
    for (enum way w = 0; w < WAY_COUNT; w++) {
        qsort(us[w], ROUNDS, sizeof(double), compare);
        if (has(k, w)) {
            printf(" %9.0f", us[w][ROUNDS / 2]);
            k->kind->drop(&jobs[w]);
        } else {
            printf(" %9s", "-");
        }
    }
    printf("\n");
}

static void list_kernel(const struct kernel *k)
{
    for (enum way w = 0; w < WAY_COUNT; w++) {
        if (has(k, w))
            printf("%s %s\n", k->name, ways[w]);
    }
}

static bool run_once(const struct kernel *k, const char *name, const char *way)
{
    for (enum way w = 0; w < WAY_COUNT; w++) {
        struct job j;
        if (strcmp(k->name, name) != 0 || strcmp(ways[w], way) != 0 || !has(k, w))
            continue;
        job_make(&j, k, w);
        measured(&j);
        k->kind->drop(&j);
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    bool found = false;
    if (argc == 1)
        printf("microseconds            memory      best      sse2     plain      vips\n");
    for (size_t f = 0; f < ALB_ARRAY_LEN(families); f++) {
        for (const struct kernel *k = families[f]; k->name; k++) {
            if (argc == 1)
                time_kernel(k);
            else if (argc == 2 && strcmp(argv[1], "list") == 0)
                list_kernel(k);
            else if (argc == 3)
                found = run_once(k, argv[1], argv[2]) || found;
        }
    }
    if (argc == 3 && !found)
        kernel_die("no such case");
    return 0;
}
