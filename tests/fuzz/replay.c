/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz target over its corpus without a fuzzer: replay CORPUS_DIR [N]. Each file is given whole, cut at
 * every length, and with random bytes changed; always in a piece of heap of exactly its size, so that ASan
 * sees a read behind the end. The changes come from a fixed seed: a run can be repeated. Bounded: at most
 * CUTS + CHANGES runs per file; of targets that take long only every N-th.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "fuzz.h"

#define FILE_MAX ((size_t)1 << 20)
#define CUTS 2048U
#define CHANGES 300U

static uint64_t random_state = 0x9e3779b97f4a7c15U;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

static void run(const char *p, size_t n)
{
    uint8_t *copy = alb_mem_alloc_nofail(n);

    if (n > 0)
        memcpy(copy, p, n);
    (void)LLVMFuzzerTestOneInput(copy, n);
    alb_mem_free(copy);
}

static void run_changed(char *p, size_t n)
{
    static const char sharp[] = "\0\xff\x80\x7f\r\n =:;,%+-\"\\/{}[]09aZ";
    size_t at[4];
    char old[4];
    unsigned count = 1 + next_random() % 4;

    for (unsigned i = 0; i < count; i++) {
        at[i] = next_random() % n;
        old[i] = p[at[i]];
        p[at[i]] =
            (next_random() & 1) != 0 ? sharp[next_random() % (sizeof(sharp) - 1)] : (char)next_random();
    }
    run(p, n);
    while (count-- > 0)
        p[at[count]] = old[count];
}

static bool replay(int dirfd, const char *name, unsigned every)
{
    struct alb_err err = ALB_ERR_INIT;
    char *p;
    size_t n;

    if (alb_fs_read_file(dirfd, name, FILE_MAX, &p, &n, &err) != ALB_OK) {
        fprintf(stderr, "replay: %s\n", err.msg);
        return false;
    }
    run(p, n);
    for (size_t cut = 0; cut < n && cut < CUTS; cut += every)
        run(p, cut);
    for (unsigned i = 0; i < CHANGES / every && n > 0; i++)
        run_changed(p, n);
    alb_mem_free(p);
    return true;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    uint64_t every = 1;
    bool ok = true;

    DIR *dir = argc == 2 || argc == 3 ? opendir(argv[1]) : NULL;
    if (dir == NULL || (argc == 3 && (!alb_str_u64(alb_str_c(argv[2]), &every) || every - 1 >= CHANGES))) {
        fprintf(stderr, "usage: %s CORPUS_DIR [N]\n", argv[0]);
        return 2;
    }
    for (struct dirent *e = readdir(dir); e != NULL && ok; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        ok = replay(dirfd(dir), e->d_name, (unsigned)every);
        files++;
    }
    (void)closedir(dir);
    printf("%u files\n", files);
    if (files == 0)
        fprintf(stderr, "replay: no seed in %s\n", argv[1]);
    return ok && files > 0 ? 0 : 1;
}
