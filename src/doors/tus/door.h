/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the tus door share. Each protocol is parsed into the same few questions to the upload
 * room, and its answers are written by answer.c. A request's state lies in its arena and is released by the
 * arena's hook, so a client that hangs up at any point leaves nothing held.
 *
 *   entry: CORS -> version -> rights -> AUTHORISE hook -> one of
 *     POST    PRE_CREATE -> create -> body | concatenation -> finish -> PRE_FINISH -> answer
 *     PATCH   acquire -> load -> body -> finish -> PRE_FINISH -> answer
 *     HEAD    acquire -> load -> answer            GET  read without holding
 *     DELETE  acquire -> look -> PRE_TERMINATE -> acquire -> terminate
 * Every wait is `t->next` = what goes on when it is over.
 */
#ifndef ALB_DOORS_TUS_DOOR_H
#define ALB_DOORS_TUS_DOOR_H

#include "doors/tus/alarm.h"
#include "doors/tus/digest.h"
#include "doors/tus/field.h"
#include "doors/tus/tus.h"
#include "http/http.h"
#include "library/original.h"

#define ALB_TUS_VERSION "1.0.0"
/* What HEAD repeats of a creation, Upload-Metadata and Upload-Concat together; more is refused there. */
#define ALB_TUS_ECHO_MAX (ALB_RES_LINES_MAX - ((size_t)48 << 10))

enum alb_tus_dialect {
    ALB_TUS_V1,
    ALB_TUS_RUFH,
    ALB_TUS_EITHER, /* HEAD, GET, DELETE that do not say: answered for both */
};

/* What can be wrong, in tusd's words; statuses and texts are in answer.c. */
enum alb_tus_word {
    ALB_TUS_FINE,
    ALB_TUS_BAD_VERSION,
    ALB_TUS_TOO_LARGE,   /* the upload */
    ALB_TUS_PAST_LENGTH, /* the body */
    ALB_TUS_BAD_TYPE,
    ALB_TUS_BAD_LENGTH,
    ALB_TUS_BAD_DEFER,
    ALB_TUS_BAD_OFFSET,
    ALB_TUS_WRONG_OFFSET,
    ALB_TUS_BAD_METADATA,
    ALB_TUS_BAD_CONCAT,
    ALB_TUS_UNFINISHED_PART,
    ALB_TUS_NO_CONCAT,
    ALB_TUS_FINAL_FIXED,
    ALB_TUS_AMBIGUOUS,
    ALB_TUS_BAD_CHECKSUM,
    ALB_TUS_CHECKSUM_DIFFERS,
    ALB_TUS_DIGEST_DIFFERS, /* RFC 9530 */
    ALB_TUS_BAD_FIELD,      /* RUFH: a field is missing, or does not belong there */
    ALB_TUS_COMPLETED,      /* RUFH: nothing can be appended any more */
    ALB_TUS_INCONSISTENT,   /* RUFH: lengths that differ */
    ALB_TUS_NOT_FOUND,
    ALB_TUS_INTERRUPTED,
    ALB_TUS_SHUTDOWN,
    ALB_TUS_LOCKED,
    ALB_TUS_SLOW_BODY,
    ALB_TUS_BROKEN_BODY,
    ALB_TUS_STOPPED,
    ALB_TUS_REJECTED,
    ALB_TUS_NO_TERMINATION,
    ALB_TUS_FORBIDDEN,
    ALB_TUS_BAD_ORIGIN,
    ALB_TUS_INTERNAL,
    ALB_TUS_BUSY,        /* too many questions are out */
    ALB_TUS_LONG_FIELDS, /* HEAD could not repeat them */
    ALB_TUS_WORD_COUNT
};

struct alb_tus;
struct alb_tus_notice;
typedef enum alb_step alb_tus_fn(struct alb_req *req, struct alb_tus *t);

struct alb_tus {
    struct alb_door_tus *door;
    alb_tus_fn *first;                  /* of the method */
    alb_tus_fn *next;                   /* goes on when the wait is over; NULL: nothing was begun yet */
    alb_tus_fn *then;                   /* goes on when the upload is held, or the hook has answered */
    struct alb_upload_session *session; /* or NULL */
    struct alb_future *future;          /* what it waits for, a reference, or NULL */
    enum alb_tus_dialect dialect;
    unsigned interop; /* of RUFH: 3..8; 0: the newest text */
    int64_t owner;
    struct alb_str id; /* of the upload, arena; empty: not known yet */
    bool created;      /* this request made it: 201 and Location */
    bool told;         /* it survives this request: Location may be given */
    /* creation */
    struct alb_upload_spec spec;   /* strings in the arena */
    struct alb_digest_whole whole; /* RUFH */
    /* body */
    bool complete; /* RUFH: this is the last piece */
    bool no_body;  /* what comes is not looked at */
    bool holding;  /* nothing counts before its digest is checked */
    struct alb_tus_digests digests;
    int64_t silent_since;        /* monotonic: since when no byte came */
    int64_t told_at, told_bytes; /* POST_RECEIVE: when (0: no body), and how far, was last said */
    int64_t shown_bytes;         /* RUFH: offset of the last 104 */
    enum alb_tus_hook asked;     /* the question that is out */
    struct alb_tus_alarm *alarm; /* of a POST_RECEIVE that is under way */
    /* finish */
    int64_t length;
    bool over;                     /* it was finished before: hooks have heard of it */
    struct alb_tus_event event;    /* strings in the arena */
    struct alb_bytes *result;      /* of the sink, a reference */
    struct alb_tus_notice *notice; /* POST_FINISH that waits for this request, a reference, or NULL */
    /* answers */
    struct alb_tus_verdict *verdicts[2]; /* references: PRE_CREATE's, and PRE_FINISH's or PRE_TERMINATE's */
    enum alb_tus_word word;
    int64_t expected, provided; /* WRONG_OFFSET, for problem details */
    /* GET */
    struct alb_upload_reader *reader;
    struct alb_source *source;
    struct alb_original *original;
};

/* ---- door.c ---- */

/* Waits for t->future (taken by the request), then goes on. */
enum alb_step alb_tus_wait(struct alb_req *req, struct alb_tus *t, const char *doing, alb_tus_fn *next);
/* Takes hold of the upload t->id, loads it, then goes on; or answers. */
enum alb_step alb_tus_acquire(struct alb_req *req, struct alb_tus *t, enum alb_upload_intent intent,
                              alb_tus_fn *then);
bool alb_tus_has_header(const struct alb_req *req, const char *name);
/* A field that has one value. p == NULL: it is not there, or comes twice and says different things. */
struct alb_str alb_tus_field(const struct alb_req *req, const char *name);
/* The id in the URL, decoded, without slashes behind it, as t->id. False: there is none. */
bool alb_tus_take_id(struct alb_req *req, struct alb_tus *t);

/* ---- answer.c ---- */

/* Error answers. The session, if there is one, is let go first (law 1); Upload-Offset and Location are said
 * as far as they are known. */
enum alb_step alb_tus_refuse(struct alb_req *req, struct alb_tus *t, enum alb_tus_word word);
enum alb_step alb_tus_fail(struct alb_req *req, struct alb_tus *t, const struct alb_err *err);
/* The answer to a body that will never be complete. */
enum alb_step alb_tus_body_gone(struct alb_req *req, struct alb_tus *t);
/* A good answer: what the hooks want of it. */
enum alb_step alb_tus_done(struct alb_req *req, struct alb_tus *t, int status);
void alb_tus_error(struct alb_req *req, int status, struct alb_str text); /* alb_error_fn */
const char *alb_tus_word_name(enum alb_tus_word word);                    /* "ERR_…", NULL for FINE */

void alb_tus_common_headers(struct alb_req *req, const struct alb_tus *t);
void alb_tus_offset_header(struct alb_req *req, int64_t offset);
void alb_tus_result_headers(struct alb_req *req, struct alb_str result);
/* The URL of the upload t->id: its path alone, and the whole. */
struct alb_str alb_tus_path(struct alb_req *req, const struct alb_tus *t);
struct alb_str alb_tus_location(struct alb_req *req, const struct alb_tus *t);
void alb_tus_location_header(struct alb_req *req, const struct alb_tus *t);
/* Of the answer that ends an upload which this request made. */
void alb_tus_made_header(struct alb_req *req, const struct alb_tus *t, struct alb_str result);
void alb_tus_expires_header(struct alb_req *req, const struct alb_tus *t, int64_t expires_ms);
void alb_tus_complete_header(struct alb_req *req, const struct alb_tus *t, bool complete); /* RUFH */
struct alb_str alb_tus_limits(struct alb_req *req, const struct alb_tus *t, int64_t expires_ms);
/* Everything about where it stands. */
void alb_tus_place_headers(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v);
int64_t alb_tus_max_bytes(const struct alb_door_tus *door); /* 0: none */

/* ---- cors.c ---- */

/* False: the origin is not allowed. Without options.cors: true, and nothing is set. */
bool alb_tus_cors(struct alb_req *req, const struct alb_door_tus *door, bool preflight);

/* ---- hook.c ---- */

bool alb_tus_asks(const struct alb_tus *t, enum alb_tus_hook hook);
/* Asks (holding nothing: the session is released before), then goes on with t->then(req, t); a rejection or a
 * failure is answered. */
enum alb_step alb_tus_ask(struct alb_req *req, struct alb_tus *t, struct alb_tus_event *e, alb_tus_fn *then);
void alb_tus_tell(struct alb_req *req, const struct alb_tus *t, struct alb_tus_event *e);
/* The session is about to be finished or assembled by this request: POST_FINISH is told of it, once both the
 * upload and this request have come to that (alb_tus_notice_end, or its own end). */
void alb_tus_notice_begin(struct alb_req *req, struct alb_tus *t);
void alb_tus_notice_end(struct alb_tus *t, bool tell);
void alb_tus_event_of(const struct alb_tus *t, const struct alb_upload_view *v, enum alb_tus_hook hook,
                      struct alb_tus_event *e);
/* POST_RECEIVE, if it is time, or when to come back (*wake_at). True: a hook wants this upload stopped. */
bool alb_tus_progress(struct alb_req *req, struct alb_tus *t, int64_t *wake_at);
/* The body is over (session held): nobody is asked any more, but POST_RECEIVE is told where it stands. Nothing
 * if there was no body, or if that is known. */
void alb_tus_last_progress(struct alb_req *req, struct alb_tus *t);

/* ---- methods ---- */

alb_tus_fn alb_tus_post, alb_tus_patch, alb_tus_head, alb_tus_get, alb_tus_delete;
/* rufh.c: parses a creation, or the fields of an append (session held). */
enum alb_tus_word alb_tus_rufh_creation(struct alb_req *req, struct alb_tus *t);
enum alb_tus_word alb_tus_rufh_append(struct alb_req *req, struct alb_tus *t,
                                      const struct alb_upload_view *v);
void alb_tus_rufh_interim(struct alb_req *req, struct alb_tus *t, int64_t offset);
/* body.c: takes the body in, finishes, answers. The session is held. */
/* Before that: Content-Length against the room there is (-1: not known), and what is said of checksums. */
enum alb_tus_word alb_tus_check_body(struct alb_req *req, struct alb_tus *t, int64_t room);
alb_tus_fn alb_tus_no_body; /* as if it had ended at once */
/* A body that is longer than its upload. In RUFH the client is wrong about what it uploads: from -08 on that
 * is the end of the upload. The session is held. */
enum alb_step alb_tus_past_length(struct alb_req *req, struct alb_tus *t);
enum alb_step alb_tus_take_body(struct alb_req *req, struct alb_tus *t);
enum alb_step alb_tus_finish(struct alb_req *req, struct alb_tus *t);
alb_tus_fn alb_tus_finished; /* t->future is the sink's */
/* Content-Type of the body is that of a piece. */
bool alb_tus_is_piece(const struct alb_req *req, const char *type);
/* concat.c: the creation is a final upload. */
enum alb_step alb_tus_concat(struct alb_req *req, struct alb_tus *t);
/* Before it is made, and before anybody is asked: whether the parts will do; t->length becomes their sum, or
 * DEFERRED while one is not known. */
enum alb_tus_word alb_tus_concat_look(struct alb_tus *t);
enum alb_tus_word alb_tus_concat_parse(struct alb_req *req, struct alb_tus *t);

#endif
