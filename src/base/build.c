/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the build id out of the note that the linker put into the running program. It is read once, by
 * whoever asks first; alb_panic only uses what was read before (dl_iterate_phdr takes a lock).
 */
#include "base/build.h"

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <string.h>

#ifndef ALB_VERSION
#error "ALB_VERSION is set by src/base/meson.build"
#endif

#define BUILD_ID_MAX 20

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char id_text[2 * BUILD_ID_MAX + 1] = "unknown";

static void take_id(const unsigned char *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    if (n > BUILD_ID_MAX)
        n = BUILD_ID_MAX;
    for (size_t i = 0; i < n; i++) {
        id_text[2 * i] = digits[p[i] >> 4];
        id_text[2 * i + 1] = digits[p[i] & 15];
    }
    id_text[2 * n] = '\0';
}

static bool find_in_notes(const unsigned char *p, size_t n)
{
    while (n >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, p, sizeof(note));
        size_t name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
        size_t desc = ((size_t)note.n_descsz + 3) & ~(size_t)3;
        if (n - sizeof(note) < name || n - sizeof(note) - name < desc)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(p + sizeof(note), "GNU", 4) == 0) {
            take_id(p + sizeof(note) + name, note.n_descsz);
            return true;
        }
        p += sizeof(note) + name + desc;
        n -= sizeof(note) + name + desc;
    }
    return false;
}

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_NOTE)
            continue;
        /* The loader gives addresses as numbers. */
        const unsigned char *p = (const unsigned char *)(info->dlpi_addr + ph->p_vaddr);
        if (find_in_notes(p, ph->p_memsz))
            break;
    }
    return 1; /* the first object is the program itself; the libraries do not matter */
}

static void find_id(void)
{
    (void)dl_iterate_phdr(look_at, NULL);
}

const char *alb_version(void)
{
    return ALB_VERSION;
}

const char *alb_build_id(void)
{
    (void)pthread_once(&once, find_id);
    return id_text;
}
