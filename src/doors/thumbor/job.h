/* SPDX-License-Identifier: Apache-2.0
 *
 * One request at the thumbor door, between the parts of the door (door.h tells its way):
 *   door.c     open, close, routes; drives a job      take.c     URL -> what is wanted, by whom
 *   inputs.c   the image and what is laid over it     sources.c  other servers: addresses, headers, who may be asked
 *   upload.c   an image that comes with the request   make.c     the picture; what is kept of it
 *   meta.c     what is told of a picture              answer.c   headers, pictures, errors
 *   params.c   what is told of a path
 * A job lies in its request's arena, its references hang there too. One thread at a time (http.h).
 */
#ifndef ALB_DOORS_THUMBOR_JOB_H
#define ALB_DOORS_THUMBOR_JOB_H

#include "doors/common/picture.h"
#include "doors/thumbor/compile.h"
#include "doors/thumbor/door.h"
#include "render/order.h"

struct alb_thumbor_policy { /* as the origins know it; `base` first */
    struct alb_origin_policy base;
    const struct alb_thumbor_config *config;
    char *agent; /* NUL-terminated copy */
    const char **keep;
    char *names; /* of keep */
};

struct alb_thumbor_door {
    struct alb_door_auth auth; /* first: alb_auth_require looks for it */
    /* fixed after open */
    struct alb_thumbor_door_config config;
    struct alb_thumbor_policy *policy; /* a reference */
    struct alb_http_group group;
    struct alb_route routes[2];
    char pattern[64];
};

/* What the driver does after a stage. */
enum alb_thumbor_next {
    ALB_THUMBOR_ON,
    ALB_THUMBOR_WAIT, /* a wait helper of req.h was called */
    ALB_THUMBOR_DONE, /* an answer is set */
    ALB_THUMBOR_LATER /* on the loop only: the step must do it */
};
enum alb_thumbor_stage {
    ALB_THUMBOR_TAKE,
    ALB_THUMBOR_UPLOAD,
    ALB_THUMBOR_KEPT,
    ALB_THUMBOR_INPUTS,
    ALB_THUMBOR_FETCHING, /* job->future is that of input `at` */
    ALB_THUMBOR_CHOOSE,
    ALB_THUMBOR_RENDERING, /* job->future is that of the picture */
    ALB_THUMBOR_TELLING,   /* job->future is that of a worker's words on job->told */
};

struct alb_thumbor_asked { /* of meta/, beside what is always told */
    bool average, thumbhash;
    int64_t blurhash[2]; /* 0: not asked for */
};

struct alb_thumbor_job {
    struct alb_thumbor_door *door;
    struct alb_req *req;
    struct alb_arena *arena;
    enum alb_thumbor_stage stage;
    int64_t begun, deadline; /* monotonic */
    /* taken */
    struct alb_thumbor_url url;
    struct alb_str signed_path; /* what the signature is of, whatever base parameters say */
    struct alb_thumbor_result result;
    struct alb_thumbor_filters filters;
    struct alb_thumbor_wish wish;
    struct alb_thumbor_asked asked;
    bool is_signed, is_upload;
    bool is_decoded;                 /* signed_path: the request's, percent-decoded */
    bool varies;                     /* with Accept */
    struct alb_principal *principal; /* borrowed from `signer` or the request; NULL: no library */
    struct alb_principal *signer;    /* a reference, or NULL */
    /* inputs */
    unsigned at;
    struct alb_door_input input[ALB_PLAN_INPUTS]; /* the image, and those that are laid over it */
    struct alb_str *forward;                      /* headers for origins */
    size_t forward_count;
    bool is_second; /* try: a file had changed while its picture was made */
    /* the picture */
    struct alb_str label; /* of the render that is asked for now */
    struct alb_door_bytes bytes;
    struct alb_door_input told; /* the finished picture, of meta/ */
    struct alb_str etag;        /* of meta/ */
    struct alb_future *future;  /* a reference */
};

/* ---- take.c ---- */
/* on_loop: without I/O; LATER if it takes some. */
enum alb_thumbor_next alb_thumbor_take(struct alb_thumbor_job *job, bool on_loop);

/* ---- upload.c ---- */
enum alb_thumbor_next alb_thumbor_upload(struct alb_thumbor_job *job);
/* For a path without an image, where uploads are on. */
enum alb_thumbor_next alb_thumbor_show_form(struct alb_thumbor_job *job);

/* ---- inputs.c ---- */
void alb_thumbor_inputs_drop(struct alb_thumbor_job *job);
/* All from memory; false: something has to be asked for, and nothing is held. */
bool alb_thumbor_inputs_hot(struct alb_thumbor_job *job);
enum alb_thumbor_next alb_thumbor_inputs(struct alb_thumbor_job *job);
enum alb_thumbor_next alb_thumbor_fetched(struct alb_thumbor_job *job);

/* ---- sources.c ---- */
/* Where the door may ask; NULL: no memory. `config` lives as long as the policy's last use. */
struct alb_thumbor_policy *
alb_thumbor_policy_new(const struct alb_thumbor_door_config *config) ALB_MUST_CHECK;
/* The address that an image's name stands for. NOT_FOUND: pictures are not had from other servers; INVALID: it is
 * none. */
enum alb_code alb_thumbor_address(const struct alb_thumbor_config *c, struct alb_arena *arena,
                                  struct alb_str image, struct alb_str *out,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* False: no memory. */
bool alb_thumbor_forward(struct alb_thumbor_job *job) ALB_MUST_CHECK;

/* ---- make.c ---- */
enum alb_thumbor_next alb_thumbor_kept(struct alb_thumbor_job *job);
/* From memory; false: the step must do it. */
bool alb_thumbor_make_hot(struct alb_thumbor_job *job);
enum alb_thumbor_next alb_thumbor_choose(struct alb_thumbor_job *job);
enum alb_thumbor_next alb_thumbor_rendered(struct alb_thumbor_job *job);
/* Of what may be kept, to whom keeps it. */
void alb_thumbor_keep(struct alb_thumbor_job *job, struct alb_bytes *bytes);

/* ---- meta.c ---- */
/* avgcolor(), thumbhash(), blurhash(X,Y); INVALID: arguments that are none. */
enum alb_code alb_thumbor_read_asked(const struct alb_thumbor_url *u, struct alb_thumbor_asked *asked,
                                     struct alb_err *err) ALB_MUST_CHECK;
enum alb_thumbor_next alb_thumbor_tell(struct alb_thumbor_job *job, const struct alb_picture *p);
enum alb_thumbor_next alb_thumbor_told(struct alb_thumbor_job *job);

/* ---- answer.c ---- */
/* Sets the error; text NULL: imagor's word for the code. Always DONE. */
enum alb_thumbor_next alb_thumbor_fail(struct alb_thumbor_job *job, const struct alb_err *err,
                                       const char *text);
enum alb_thumbor_next alb_thumbor_fail_status(struct alb_thumbor_job *job, const struct alb_err *err,
                                              int status, const char *text);
/* What is wrong with a source. */
enum alb_thumbor_next alb_thumbor_fail_origin(struct alb_thumbor_job *job, const struct alb_origin *o);
/* No picture could be made of what is there. */
enum alb_thumbor_next alb_thumbor_fail_making(struct alb_thumbor_job *job, const struct alb_err *err);
/* Headers that depend on request and source; ending: of the picture, NULL before it is there. */
void alb_thumbor_head(struct alb_thumbor_job *job, struct alb_str etag, bool no_store, const char *ending);
/* An input's own bytes. Always DONE. */
enum alb_thumbor_next alb_thumbor_send_bytes(struct alb_thumbor_job *job, const struct alb_door_input *in,
                                             const char *type);
void alb_thumbor_picture(struct alb_thumbor_job *job, const struct alb_picture *p);

/* ---- params.c ---- */
enum alb_thumbor_next alb_thumbor_tell_params(struct alb_thumbor_job *job);

#endif
