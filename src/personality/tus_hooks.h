/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the tus door and the hooks room: events into JSON, replies into verdicts. One for the process, as
 * there is one tus door. Used by `albumen tusd` and by `albumen serve`.
 */
#ifndef ALB_PERSONALITY_TUS_HOOKS_H
#define ALB_PERSONALITY_TUS_HOOKS_H

#include "doors/tus/tus.h"
#include "hooks/hooks.h"

/* Opens the room with `config` (its `result` is set here) and fills *table for the door; its `answered` is
 * the caller's. */
enum alb_code alb_tus_hooks_open(struct alb_hooks_config *config, struct alb_hooks **hooks,
                                 struct alb_tus_hooks *table, struct alb_err *err) ALB_MUST_CHECK;

/* The same for `albumen serve`, as its options say: *hooks NULL if they name nobody. Notifications are
 * durable (folder "hooks" in the data folder). Hooks see no credentials of people: no Authorization, Cookie,
 * key or session token, and no query. */
enum alb_code alb_tus_hooks_serve(const struct alb_options *o, int data_dirfd, struct alb_hooks **hooks,
                                  struct alb_tus_hooks *table, struct alb_err *err) ALB_MUST_CHECK;

#endif
