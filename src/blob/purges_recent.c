/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told of the newest purges (contract: purges_priv.h). Pure memory; its owner's lock is held.
 */
#include "blob/purges_priv.h"

#include <string.h>

#include "base/mem.h"

struct alb_str alb_purge_by_cut(struct alb_str by)
{
    uint32_t character;
    size_t n = 0;

    while (n < by.n) {
        size_t step = alb_utf8_next(alb_str_from(by, n), &character);
        if (step == 0 || n + step > ALB_PURGE_BY_MAX)
            break;
        n += step;
    }
    return alb_str_sub(by, 0, n);
}

void alb_purge_notes_by(struct alb_purge_notes *notes, struct alb_str by)
{
    notes->by_n = by.n <= sizeof(notes->by) ? by.n : 0;
    if (notes->by_n > 0)
        memcpy(notes->by, by.p, by.n);
}

void alb_purge_notes_add(struct alb_purge_notes *notes, uint64_t number, struct alb_str label, bool prefix,
                         int64_t wall_ms)
{
    char *text = alb_mem_alloc(label.n + notes->by_n + 1);

    if (text != NULL && notes->count == ALB_PURGES_RECENT) {
        alb_mem_free(notes->list[0].text);
        memmove(notes->list, notes->list + 1, sizeof(notes->list) - sizeof(notes->list[0]));
        notes->count--;
    }
    if (text != NULL) {
        memcpy(text, label.p, label.n);
        memcpy(text + label.n, notes->by, notes->by_n);
        const struct alb_purge_told told = {.number = number,
                                            .label = alb_str_n(text, label.n),
                                            .by = alb_str_n(text + label.n, notes->by_n),
                                            .wall_ms = wall_ms,
                                            .prefix = prefix};
        notes->list[notes->count++] = (struct alb_purge_note){.told = told, .text = text};
    }
    notes->by_n = 0;
}

static struct alb_purge_note *find(struct alb_purge_notes *notes, uint64_t number)
{
    for (size_t i = 0; i < notes->count; i++)
        if (notes->list[i].told.number == number)
            return &notes->list[i];
    return NULL;
}

void alb_purge_notes_count(struct alb_purge_notes *notes, uint64_t number)
{
    struct alb_purge_note *note = find(notes, number);

    if (note != NULL)
        note->fresh++;
}

bool alb_purge_notes_due(struct alb_purge_notes *notes, uint64_t up_to, uint64_t *number, int64_t *files)
{
    for (size_t i = 0; i < notes->count; i++) {
        struct alb_purge_note *note = &notes->list[i];
        if (note->told.number > up_to || (note->told.done && note->fresh == 0))
            continue;
        *number = note->told.number;
        *files = note->fresh;
        note->fresh = 0;
        note->told.done = true;
        return true;
    }
    return false;
}

void alb_purge_notes_done(struct alb_purge_notes *notes, uint64_t number, int64_t files)
{
    struct alb_purge_note *note = find(notes, number);

    if (note == NULL)
        return;
    note->told.done = true;
    note->told.files += files;
}

void alb_purge_notes_fini(struct alb_purge_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        alb_mem_free(notes->list[i].text);
    notes->count = 0;
}
