/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to upload: start.
 */
#ifndef ALB_UPLOAD_RECOVER_H
#define ALB_UPLOAD_RECOVER_H

#include "base/err.h"

struct alb_uploads;

/* Fills the table from uploads/. Nobody else uses it yet. */
enum alb_code alb_uploads_recover(struct alb_uploads *u, struct alb_err *err) ALB_MUST_CHECK;
/* After that: makes records for uploads that another program has left in the folder (plain layout). */
enum alb_code alb_uploads_adopt(struct alb_uploads *u, struct alb_err *err) ALB_MUST_CHECK;

#endif
