/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen-darkroom, the program that meets codecs. A program of its own: the server then links none of the
 * image libraries (20 MB and 100 shared objects less in its address space), and the allocator is watched
 * (oom.h) here only.
 */
#include <stdio.h>

#include "image/worker.h"

#if defined(__SANITIZE_THREAD__)
/* Its own thread makes every fork look like one with threads; the libraries' threads are not its business. */
const char *__tsan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void)
{
    return "die_after_fork=0:ignore_noninstrumented_modules=1";
}
#endif

int main(int argc, char **argv)
{
    if (argc > 1)
        return alb_zygote_main(argc, argv);
    fputs("albumen-darkroom is started by albumen; it has no use of its own.\n", stderr);
    return 64;
}
