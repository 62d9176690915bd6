/* SPDX-License-Identifier: Apache-2.0
 *
 * The per-thread queue of callbacks (contract: callback.h). Nothing here is shared.
 */
#include "base/callback.h"

#include "base/check.h"
#include "base/lock.h"

static _Thread_local struct {
    bool active;
    struct alb_callback *head, *tail;
    const void *subject;
} mine;

void alb_callback_push(struct alb_callback *cb)
{
    cb->next = NULL;
    if (mine.active) {
        if (mine.tail != NULL)
            mine.tail->next = cb;
        else
            mine.head = cb;
        mine.tail = cb;
        return;
    }
    mine.active = true;
    for (;;) {
        cb->run(cb);
        cb = mine.head;
        if (cb == NULL)
            break;
        mine.head = cb->next;
        if (mine.head == NULL)
            mine.tail = NULL;
    }
    mine.active = false;
}

bool alb_callback_active(void)
{
    return mine.active;
}

void alb_callback_check_unlocked(void)
{
#ifdef ALB_LOCK_DEBUG
    char names[256];

    alb_lock_held_names(names, sizeof(names));
    if (names[0] != '\0')
        alb_panic(__FILE__, "a callback could be called with a lock held: %s", names);
#endif
}

void alb_callback_check_may_end(const void *subject)
{
#ifdef ALB_LOCK_DEBUG
    if (mine.subject != NULL && mine.subject != subject)
        alb_panic(__FILE__,
                  "a forsaken or reclaim callback ends something else than its own (callback.h, C5)");
#else
    (void)subject;
#endif
}

void alb_callback_enter(const void *subject)
{
    mine.subject = subject;
}

void alb_callback_leave(void)
{
    mine.subject = NULL;
}
