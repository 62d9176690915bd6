/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen-darkroom, the program that meets codecs. A program of its own: the server then links none of the image
 * libraries (20 MB and 100 shared objects less in its address space), and the allocator is watched (oom.h) here only.
 */
#include <stdio.h>

#include "image/worker.h"

int main(int argc, char **argv)
{
    if (argc > 1)
        return alb_zygote_main(argc, argv);
    fputs("albumen-darkroom is started by albumen; it has no use of its own.\n", stderr);
    return 64;
}
