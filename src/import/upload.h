/* SPDX-License-Identifier: Apache-2.0
 *
 * One file to the server by tus 1.0, at SERVER/files/. Creation carries the first bytes along (a small photo
 * is one request); a larger file goes on with PATCH. Its states:
 *
 *      CREATE --201--> SEND --204, all bytes--> done            done = the server said what became of it
 *        ^              | ^
 *        |     broken,  | | offset
 *        |     409, 5xx v |
 *        |             ASK (HEAD) --offset = length--> CLOSE (empty PATCH) --> VERIFY --has it--> done
 *        |              | 404, 410
 *        +--has it not--VERIFY (bulk-upload-check by SHA-1)
 *
 *  - The address of an upload that has begun is in the journal before more bytes are sent, so that another
 * run can go on with it.
 *  - Whatever two connections or two runs have put together is verified by SHA-1 before it counts as done.
 *  - The file is compared with what was hashed before the first and before the last byte; a file that changed
 *    meanwhile is not completed.
 * Threads: one at a time per call; env is shared and read-only.
 */
#ifndef ALB_IMPORT_UPLOAD_H
#define ALB_IMPORT_UPLOAD_H

#include "import/api.h"
#include "import/journal.h"
#include "import/tally.h"

struct alb_upload_env {
    struct alb_journal *journal; /* may be NULL */
    struct alb_tally *tally;
    struct alb_str tags; /* value of the metadata key `tags`; "" = none */
};

enum alb_upload_end {
    ALB_UPLOAD_CREATED,
    ALB_UPLOAD_DUPLICATE,
    ALB_UPLOAD_RESTORED,
    ALB_UPLOAD_FAILED,  /* err says why, in words for the report */
    ALB_UPLOAD_STOPPED, /* the run was stopped; what the server has stays and is remembered */
    ALB_UPLOAD_FATAL,   /* no further file can succeed (key refused, no tus there); err says why */
};
enum alb_upload_end alb_upload(struct alb_api *api, const struct alb_upload_env *env, struct alb_item *item,
                               struct alb_err *err);

/* The target below `base` that a Location means: absolute, from the root, or relative to /files/. Scheme and
 * host are ours, whatever a proxy made of them: the key goes nowhere else. False: no use. */
bool alb_upload_target(struct alb_str base, struct alb_str location, struct alb_buf *target) ALB_MUST_CHECK;
/* The value of Upload-Metadata. */
void alb_upload_metadata(const struct alb_item *item, struct alb_str tags, struct alb_buf *out);

#endif
