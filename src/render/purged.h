/* SPDX-License-Identifier: Apache-2.0
 *
 * By what a picture can be purged, and what purges do to its key. Private to src/render. Pure, but for the question to
 * the list of purges (blob/purges.h).
 */
#ifndef ALB_RENDER_PURGED_H
#define ALB_RENDER_PURGED_H

#include "blob/purges.h"
#include "render/render.h"

/* Nothing, as long as no purge touches it: then keys are as if there were none. */
void alb_render_purged_key(struct alb_purges *purges, const struct alb_render_ask *ask, struct alb_buf *out);
/* Its labels, for the file. */
void alb_render_labels(const struct alb_render_ask *ask, struct alb_buf *out);
/* The purges that its making knows of, from the fetching of its sources on. */
uint64_t alb_render_purges_known(struct alb_purges *purges, const struct alb_render_ask *ask);

#endif
