/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the tus door share. A request's state lies in its arena and is released by the arena's
 * hook, so a client that hangs up at any point leaves nothing held.
 *
 *   POST   CREATE -> BODY -> FINISH | stored        PATCH  ACQUIRE -> LOAD -> BODY -> FINISH | stored
 *   HEAD   ACQUIRE -> LOAD -> answer                DELETE ACQUIRE -> LOAD -> terminate
 */
#ifndef ALB_DOORS_TUS_DOOR_H
#define ALB_DOORS_TUS_DOOR_H

#include "doors/tus/tus.h"

#define ALB_TUS_VERSION "1.0.0"
#define ALB_TUS_EXTENSIONS "creation,creation-with-upload,termination"
#define ALB_TUS_PATH "/files/"

enum alb_tus_stage { ALB_TUS_BEGIN, ALB_TUS_ACQUIRE, ALB_TUS_BODY, ALB_TUS_FINISH };

struct alb_tus {
    struct alb_door_tus *door;
    enum alb_tus_stage stage;
    struct alb_upload_session *session; /* or NULL */
    struct alb_future *future;          /* what it waits for, a reference, or NULL */
    struct alb_str id;                  /* of the upload, arena */
    bool created;                       /* this request made it: 201 and Location */
    int64_t length;                     /* of the upload, once finishing */
};

/* The state of this request; made at the first call. NULL: an error is answered. */
struct alb_tus *alb_tus_of(struct alb_req *req);
/* Version, and the headers of every answer. False: 412 is answered. */
bool alb_tus_version_ok(struct alb_req *req);
/* Takes hold of the upload named in the path. True: *step says what the caller returns (waiting, or an error
 * is answered). False: session is held and loaded, go on. */
bool alb_tus_acquire(struct alb_req *req, struct alb_tus *t, enum alb_upload_intent intent,
                     enum alb_step *step);
/* An error answer; Upload-Offset and Location as far as they are known. */
enum alb_step alb_tus_fail(struct alb_req *req, struct alb_tus *t, const struct alb_err *err);
/* The answer to a body that will never be complete, with what is known as above. */
enum alb_step alb_tus_body_gone(struct alb_req *req, struct alb_tus *t);
void alb_tus_offset_header(struct alb_req *req, int64_t offset);
void alb_tus_result_headers(struct alb_req *req, struct alb_str result);
void alb_tus_location_header(struct alb_req *req, const struct alb_tus *t);
void alb_tus_expires_header(struct alb_req *req, int64_t expires_ms);

alb_step_fn alb_tus_post, alb_tus_patch, alb_tus_head, alb_tus_delete;

#endif
