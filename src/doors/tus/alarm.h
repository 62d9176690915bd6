/* SPDX-License-Identifier: Apache-2.0
 *
 * One future that ends when the first of two does: a body is waited for until its bytes come, another request
 * wants the upload, or a hook has answered. Private to src/doors/tus.
 *
 * Threads: made and dismissed by the request; the wakes of the two futures may come at any time between. Each
 * holds a reference, given back by its wake. Dismissing leaves both, so that a hook on which nobody waits any
 * more does not keep its place; a wake that is on its way already comes later, and finds nobody.
 */
#ifndef ALB_DOORS_TUS_ALARM_H
#define ALB_DOORS_TUS_ALARM_H

#include "base/future.h"

struct alb_tus_alarm;

/* Takes references of its own to both. NULL: no memory. */
struct alb_tus_alarm *alb_tus_alarm_new(struct alb_future *one, struct alb_future *other) ALB_MUST_CHECK;
/* Borrowed until dismiss; ends (FAILED) with the first of the two. */
struct alb_future *alb_tus_alarm_future(const struct alb_tus_alarm *a);
struct alb_future *alb_tus_alarm_other(const struct alb_tus_alarm *a); /* borrowed */
void alb_tus_alarm_dismiss(struct alb_tus_alarm **a);                  /* NULL inside is allowed */

#endif
