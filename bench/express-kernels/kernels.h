/* SPDX-License-Identifier: Apache-2.0
 *
 * The hot kernels of the express lane as cases that can be counted and timed: a file for each family of them, whose
 * table main.c knows. One thread.
 */
#ifndef ALB_BENCH_EXPRESS_KERNELS_H
#define ALB_BENCH_EXPRESS_KERNELS_H

#include "base/attr.h"

enum way { WAY_BEST, WAY_SSE2, WAY_PLAIN, WAY_VIPS, WAY_COUNT };
#define BEST (1u << WAY_BEST)
#define SSE2 (1u << WAY_SSE2) /* left out on processors that have none */
#define PLAIN (1u << WAY_PLAIN)
#define VIPS (1u << WAY_VIPS)

struct job {
    const struct kernel *kernel;
    enum way way;
    size_t memory; /* bytes that the kernel works in; 0: not told */
    void *own;     /* of the kind */
};
/* make prepares all but the work itself; run does that, as often as it is called, and is what counts. */
struct kind {
    void (*make)(struct job *j);
    void (*run)(struct job *j);
    void (*drop)(struct job *j);
};
struct kernel {
    const char *name;
    unsigned ways;
    const struct kind *kind;
    const void *what; /* of the kind: what is asked for */
};

/* Each ends with one that has no name. */
extern const struct kernel kernels_jpeg[], kernels_light[], kernels_png[], kernels_resize[], kernels_webp[];

/* Rows like those of a photograph, the same ones everywhere: shades in several sizes, edges, and a sensor's noise. A
 * fourth sample is alpha. */
void kernel_photo(uint8_t *out, uint32_t width, uint32_t height, unsigned samples, uint32_t seed);
ALB_NORETURN void kernel_die(const char *what);

#endif
