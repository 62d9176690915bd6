/* SPDX-License-Identifier: Apache-2.0
 *
 * One request at the thumbor door, between the parts of the door (door.h tells its way):
 *   door.c   open, close, routes; drives a job      take.c     URL -> what is wanted, by whom
 *   make.c   the source, and the picture            answer.c   headers, pictures, parameters, errors
 * A job lies in its request's arena, its references hang there too. One thread at a time (http.h).
 */
#ifndef ALB_DOORS_THUMBOR_JOB_H
#define ALB_DOORS_THUMBOR_JOB_H

#include "doors/thumbor/compile.h"
#include "doors/thumbor/door.h"
#include "library/original.h"

struct alb_thumbor_door {
    struct alb_door_auth auth; /* first: alb_auth_require looks for it */
    /* fixed after open */
    struct alb_thumbor_door_config config;
    struct alb_http_group group;
    struct alb_route routes[1];
    char pattern[64];
};

/* What the driver does after a stage. */
enum alb_thumbor_next {
    ALB_THUMBOR_ON,
    ALB_THUMBOR_WAIT, /* a wait helper of req.h was called */
    ALB_THUMBOR_DONE, /* an answer is set */
    ALB_THUMBOR_LATER /* on the loop only: the step must do it */
};
enum alb_thumbor_stage { ALB_THUMBOR_TAKE, ALB_THUMBOR_SOURCE, ALB_THUMBOR_RENDERING };

struct alb_thumbor_job {
    struct alb_thumbor_door *door;
    struct alb_req *req;
    struct alb_arena *arena;
    enum alb_thumbor_stage stage;
    int64_t begun, deadline; /* monotonic */
    struct alb_thumbor_url url;
    struct alb_thumbor_filters filters;
    struct alb_thumbor_wish wish;
    struct alb_str label; /* of the render that is asked for now */
    struct alb_ref ref[ALB_PLAN_INPUTS]; /* the image, and those that are laid over it */
    bool is_signed;
    bool varies;                                /* with Accept */
    struct alb_principal *principal;            /* borrowed from `signer` or the request */
    struct alb_principal *signer;               /* a reference, or NULL */
    struct alb_source *source[ALB_PLAN_INPUTS]; /* references */
    struct alb_original *original;              /* of raw() */
    struct alb_future *future;                  /* a reference */
};

/* on_loop: without I/O; LATER if it takes some. */
enum alb_thumbor_next alb_thumbor_take(struct alb_thumbor_job *job, bool on_loop);
void alb_thumbor_drop_sources(struct alb_thumbor_job *job);
/* From memory; false: the step must do it. */
bool alb_thumbor_make_hot(struct alb_thumbor_job *job);
enum alb_thumbor_next alb_thumbor_find_source(struct alb_thumbor_job *job);
enum alb_thumbor_next alb_thumbor_rendered(struct alb_thumbor_job *job);

void alb_thumbor_error_page(struct alb_req *req, int status, struct alb_str text); /* for the group */
/* Sets the error; text NULL: imagor's word for the code. Always DONE. */
enum alb_thumbor_next alb_thumbor_fail(struct alb_thumbor_job *job, const struct alb_err *err,
                                       const char *text);
/* Headers that depend on request and source; ending: of the picture, NULL before it is there. */
void alb_thumbor_head(struct alb_thumbor_job *job, struct alb_str etag, bool no_store, const char *ending);
/* The source's own bytes, from job->original. Always DONE. */
enum alb_thumbor_next alb_thumbor_send_bytes(struct alb_thumbor_job *job);
void alb_thumbor_picture(struct alb_thumbor_job *job, const struct alb_picture *p);
enum alb_thumbor_next alb_thumbor_tell_params(struct alb_thumbor_job *job);

#endif
