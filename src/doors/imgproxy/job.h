/* SPDX-License-Identifier: Apache-2.0
 *
 * One request at the imgproxy door, between the parts of the door (door.h tells its way):
 *
 *   door.c      open, close, routes; drives a job from stage to stage     take.c     URL -> what is wanted, by whom
 *   sources.c   every source and further input, one after the other       decide.c   what becomes of it; the picture
 *   raw.c       bytes as they are                                         answer.c   headers, pictures, errors
 *   info.c      facts instead of a picture                                given.c    configured pictures, policy
 *   tell.c      what the log knows of it                              memo.c     what the same URL came to a moment ago
 *
 * A job lies in its request's arena, its references hang there too. One thread at a time (http.h). Every stage
 * returns what the driver does next; nothing is held while it waits but references.
 */
#ifndef ALB_DOORS_IMGPROXY_JOB_H
#define ALB_DOORS_IMGPROXY_JOB_H

#include "base/hash.h"
#include "base/lock.h"
#include "doors/common/picture.h"
#include "doors/imgproxy/compile.h"
#include "doors/imgproxy/door.h"

struct alb_imgproxy_policy { /* as the origins know it; `base` first */
    struct alb_origin_policy base;
    struct alb_imgproxy_config *config; /* a reference */
    bool http;
    char *agent; /* NUL-terminated copy */
    const char **keep; /* names of headers that go from sources to answers */
};

/* What hot answers stand on beside the request: as long as all of it is the same, so are they. */
struct alb_imgproxy_moment {
    int64_t second; /* wall time */
    uint64_t purges, sources;
};
struct alb_imgproxy_memo;

struct alb_imgproxy_door {
    struct alb_door_auth auth; /* first: alb_auth_require looks for it */
    /* fixed after open */
    struct alb_imgproxy_door_config config;
    struct alb_http_group group;
    struct alb_route routes[2];
    char *prefix, *pattern;
    struct alb_imgproxy_policy *policy; /* a reference */
    int64_t owners[ALB_IMGPROXY_PAIRS_MAX]; /* users, of the pairs of keys; 0: nobody's */
    struct alb_origin *watermark, *fallback;                /* configured ones, unless they are URLs */
    struct alb_imgproxy_source watermark_url, fallback_url; /* views into the config or `memory` */
    struct alb_arena *memory;
    struct alb_imgproxy_memo *memo; /* NULL: it would not help */
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_imgproxy_job *jobs; /* that a step has to do with, oldest last */
    /* atomic */
    atomic_uint_fast64_t requests, status[6], errors[8];
};

#define ALB_IMGPROXY_SUMS (ALB_IMGPROXY_HASH_SHA512 + 1)

/* What the driver does after a stage. */
enum alb_imgproxy_next {
    ALB_IMGPROXY_ON,   /* on to job->stage */
    ALB_IMGPROXY_WAIT, /* a wait helper of req.h was called */
    ALB_IMGPROXY_DONE, /* an answer is set */
    ALB_IMGPROXY_LATER /* on the loop only: the step must do it */
};
enum alb_imgproxy_stage {
    ALB_IMGPROXY_TAKE,
    ALB_IMGPROXY_SOURCES,
    ALB_IMGPROXY_FETCHING, /* job->future is that of input `at` */
    ALB_IMGPROXY_DECIDE,
    ALB_IMGPROXY_HASH, /* what the source must hash to, slice by slice */
    ALB_IMGPROXY_CHOSEN,
    ALB_IMGPROXY_RENDERING, /* job->future is that of the picture */
    ALB_IMGPROXY_ASKED,     /* job->future is that of a worker's words */
    ALB_IMGPROXY_SUMMING,   /* and the sums that /info tells, slice by slice */
};

struct alb_imgproxy_wrong { /* why there is no picture */
    int status;
    const char *text; /* public, a literal */
    enum alb_imgproxy_trouble trouble;
    struct alb_err err; /* precise: for the log and development mode */
};

struct alb_imgproxy_job {
    struct alb_imgproxy_door *door;
    struct alb_req *req;
    struct alb_arena *arena;
    enum alb_imgproxy_stage stage;
    int64_t begun, deadline; /* monotonic */
    struct alb_imgproxy_moment moment; /* of the entry that made it, before anything was looked up */
    /* From the hot entry to the step: of the picture, which is not in memory. The inputs are there, without bytes. */
    bool has_key;
    struct alb_flight_key key;
    /* taken */
    struct alb_imgproxy_url url;
    bool is_signed;                  /* by a key: shared caches may keep what is public */
    struct alb_principal *principal; /* borrowed from `signer` or the request; NULL: no library */
    struct alb_principal *signer;    /* a reference, or NULL */
    struct alb_imgproxy_accept accept;
    const char *vary; /* a literal, or NULL */
    struct alb_imgproxy_request want;
    struct alb_imgproxy_wish wish;
    /* sources */
    unsigned at;
    struct alb_door_input input[ALB_PLAN_INPUTS];
    struct alb_str *forward; /* headers for origins */
    size_t forward_count;
    bool is_second;                  /* try: a file had changed while its picture was made */
    bool fell_back;                  /* input 0 is the fallback picture... */
    struct alb_imgproxy_wrong wrong; /* ...for this reason */
    /* waiting */
    struct alb_future *future; /* a reference */
    struct alb_future *pause;  /* one that is done, or NULL; a reference */
    /* a source that is sent and not made */
    bool is_looking, has_looked;    /* for its header, which may stay unknown */
    struct alb_image_header header; /* width 0: not known */
    /* bytes as they are, and hashing */
    struct alb_door_bytes bytes;
    struct alb_hash hash, sums[ALB_IMGPROXY_SUMS]; /* of hashsum; of /info, by enum alb_imgproxy_hash */
    int64_t hashed;
    /* the door's list */
    bool listed;
    bool told; /* what the log is to know */
    struct alb_imgproxy_job *prev, *next;
};

/* ---- take.c ---- */
/* on_loop: without I/O; LATER if it takes some. */
enum alb_imgproxy_next alb_imgproxy_take(struct alb_imgproxy_job *job, bool on_loop);

/* ---- sources.c ---- */
/* Every input from memory; false: something has to be asked for, and nothing is held. */
bool alb_imgproxy_sources_hot(struct alb_imgproxy_job *job);
enum alb_imgproxy_next alb_imgproxy_sources(struct alb_imgproxy_job *job);
enum alb_imgproxy_next alb_imgproxy_fetched(struct alb_imgproxy_job *job);
void alb_imgproxy_sources_drop(struct alb_imgproxy_job *job);
enum alb_type alb_imgproxy_source_type(const struct alb_imgproxy_job *job);

/* ---- decide.c ---- */
/* Long work goes to the end of the pool's queue: return what this returns, and be called again. */
enum alb_imgproxy_next alb_imgproxy_breathe(struct alb_imgproxy_job *job);
/* From memory, if that is how this request ends. */
bool alb_imgproxy_answer_hot(struct alb_imgproxy_job *job);
/* On the io pool, with a key: if the client has it, or from the disk if it is there and small. */
bool alb_imgproxy_answer_kept(struct alb_imgproxy_job *job);
enum alb_imgproxy_next alb_imgproxy_decide(struct alb_imgproxy_job *job);
enum alb_imgproxy_next alb_imgproxy_check_hash(struct alb_imgproxy_job *job);
enum alb_imgproxy_next alb_imgproxy_choose(struct alb_imgproxy_job *job);
enum alb_imgproxy_next alb_imgproxy_rendered(struct alb_imgproxy_job *job);

/* ---- raw.c ---- */
/* Opens the source for checked reading. */
enum alb_code alb_imgproxy_open_bytes(struct alb_imgproxy_job *job, struct alb_err *err) ALB_MUST_CHECK;
/* Looked at first, unless it is raw. type: its media type, a literal or in the arena. */
enum alb_imgproxy_next alb_imgproxy_send_bytes(struct alb_imgproxy_job *job, const char *type,
                                               const char *ending);

/* ---- info.c ---- */
enum alb_imgproxy_next alb_imgproxy_ask_worker(struct alb_imgproxy_job *job);
/* The header of what is sent as it is: to job->header, then on to CHOSEN. What has none, or breaks a limit, is refused,
 * but an SVG: its size is for the debug headers alone. */
enum alb_imgproxy_next alb_imgproxy_ask_header(struct alb_imgproxy_job *job);
enum alb_imgproxy_next alb_imgproxy_told(struct alb_imgproxy_job *job);
enum alb_imgproxy_next alb_imgproxy_sum_up(struct alb_imgproxy_job *job);

/* ---- answer.c ---- */
void alb_imgproxy_error_page(struct alb_req *req, int status, struct alb_str text); /* for the group */
/* Sets the error; NULL text: that of the status. Always DONE. */
enum alb_imgproxy_next alb_imgproxy_fail(struct alb_imgproxy_job *job,
                                         const struct alb_imgproxy_wrong *wrong);
enum alb_imgproxy_next alb_imgproxy_refused(struct alb_imgproxy_job *job, enum alb_imgproxy_refusal no,
                                            const struct alb_err *err);
struct alb_imgproxy_wrong alb_imgproxy_wrong_of(enum alb_code code, const struct alb_err *err);
struct alb_imgproxy_wrong alb_imgproxy_wrong_origin(const struct alb_origin *o);
/* Headers that depend on the request and its sources: caching, validators, Vary, disposition and the rest. */
void alb_imgproxy_head(struct alb_imgproxy_job *job, struct alb_str etag, bool no_store, const char *ending);
void alb_imgproxy_picture(struct alb_imgproxy_job *job, const struct alb_picture *p);
/* Debug headers of what is sent as it is, if they are wanted. */
void alb_imgproxy_debug_source(const struct alb_imgproxy_job *job);

/* ---- memo.c ---- */
/* Whether any answer of such a door follows from what a memo knows. */
bool alb_imgproxy_memo_helps(const struct alb_imgproxy_config *config, bool library);
struct alb_imgproxy_memo *alb_imgproxy_memo_new(void) ALB_MUST_CHECK;
void alb_imgproxy_memo_free(struct alb_imgproxy_memo **memo);
void alb_imgproxy_moment_now(const struct alb_imgproxy_door *door, struct alb_req *req,
                             struct alb_imgproxy_moment *moment);
enum alb_imgproxy_memo_says {
    ALB_IMGPROXY_MEMO_NOTHING,
    ALB_IMGPROXY_MEMO_KEY,   /* only that: the picture is not in memory (nor, off the loop, small and on the disk) */
    ALB_IMGPROXY_MEMO_ANSWER /* it is set */
};
enum alb_imgproxy_memo_says alb_imgproxy_memo_answer(struct alb_imgproxy_door *door, struct alb_req *req,
                                                     const struct alb_imgproxy_moment *moment, bool on_loop);
/* The job's answer is set, from memory or from disk without a source being asked for anew; ask and its key. */
void alb_imgproxy_memo_keep(const struct alb_imgproxy_job *job, const struct alb_render_ask *ask,
                            const struct alb_flight_key *key);

/* ---- tell.c ---- */
/* Fields for the record of a request that is answered with what it asks for; format: that of the picture, a literal,
 * or NULL. */
void alb_imgproxy_tell(struct alb_imgproxy_job *job, const char *format);

/* ---- given.c ---- */
enum alb_code alb_imgproxy_given_open(struct alb_imgproxy_door *door, struct alb_err *err) ALB_MUST_CHECK;
struct alb_imgproxy_policy *alb_imgproxy_policy_new(struct alb_imgproxy_config *config,
                                                    bool http) ALB_MUST_CHECK;
/* A plain name in a folder of profiles. NOT_FOUND: no such file, or not a plain name. */
enum alb_code alb_imgproxy_profile(const struct alb_imgproxy_config *config, struct alb_str name,
                                   struct alb_origin **out, struct alb_err *err) ALB_MUST_CHECK;

#endif
