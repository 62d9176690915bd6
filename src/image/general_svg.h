/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: an SVG that stays one, without anything that could run in a browser or make it ask others.
 *
 * What goes: scripts and event handlers, foreign content (HTML in any element), links that run (javascript:, data:text
 * and the like), `use` of other documents, animations that would put such a link or handler in later, style sheets that
 * import or name addresses, processing instructions, comments, the document type with its entities (internal ones are
 * expanded before). Names are compared without regard to case. Everything else stays as it was drawn. What is not
 * well-formed is refused: browsers would mend it in ways that nobody has looked at.
 */
#ifndef ALB_IMAGE_GENERAL_SVG_H
#define ALB_IMAGE_GENERAL_SVG_H

#include "base/buf.h"

/* UNPROCESSABLE: not well-formed, or its root is no <svg>. TOO_LARGE, NO_MEMORY by `out`. Pure but for the memory of
 * libxml2; one thread at a time. */
enum alb_code alb_svg_sanitise(struct alb_str source, struct alb_buf *out,
                               struct alb_err *err) ALB_MUST_CHECK;

#endif
