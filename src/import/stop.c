/* SPDX-License-Identifier: Apache-2.0
 *
 * See stop.h.
 */
#include "import/stop.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "base/fs.h"

enum alb_code alb_stop_init(struct alb_stop *s, struct alb_err *err)
{
    atomic_init(&s->step, ALB_STOP_NONE);
    s->drain_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->abort_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->drain_fd >= 0 && s->abort_fd >= 0)
        return ALB_OK;
    int sys = errno;
    alb_stop_fini(s);
    return alb_fail_sys(err, alb_code_of_errno(sys), sys, "cannot make an event descriptor");
}

void alb_stop_fini(struct alb_stop *s)
{
    alb_fs_close(&s->drain_fd);
    alb_fs_close(&s->abort_fd);
}

void alb_stop_raise(struct alb_stop *s, enum alb_stop_step step)
{
    int was = atomic_load(&s->step);
    while (was < (int)step && !atomic_compare_exchange_weak(&s->step, &was, (int)step)) {
    }
    if (step >= ALB_STOP_DRAIN)
        alb_ignore(eventfd_write(s->drain_fd, 1), "full is as readable as one");
    if (step >= ALB_STOP_ABORT)
        alb_ignore(eventfd_write(s->abort_fd, 1), "full is as readable as one");
}
