/* SPDX-License-Identifier: Apache-2.0
 *
 * What every door of pictures by URL does alike: holds the inputs of a picture, waits for those that other servers
 * have, reads their bytes as they are, asks for the picture and waits for it. What a door makes of a failure is its
 * own.
 *
 * Whoever waits has called a wait helper of req.h: its step returns ALB_STEP_WAIT, and is called again. Nothing is held
 * meanwhile but references, and `future`, a reference of the job's that is given back here when the next wait begins.
 * Threads: those of a request's steps; what says "hot" also the loop. No locks.
 */
#ifndef ALB_DOORS_COMMON_PICTURE_H
#define ALB_DOORS_COMMON_PICTURE_H

#include "http/http.h"
#include "library/original.h"
#include "library/source.h"
#include "render/origin.h"
#include "render/render.h"

/* ---- inputs ---- */

struct alb_door_input { /* one of both, a reference; none: not there yet */
    struct alb_source *asset;
    struct alb_origin *origin;
};
void alb_door_input_drop(struct alb_door_input *in);
enum alb_type alb_door_input_type(const struct alb_door_input *in);
int64_t alb_door_input_size(const struct alb_door_input *in);
/* What it is named by: 32 bytes in hex, as an ETag. Empty view: no memory. */
struct alb_str alb_door_input_name(const struct alb_door_input *in, struct alb_arena *arena);
/* Its origin forbids to keep it. */
bool alb_door_input_no_store(const struct alb_door_input *in);

/* Asks for it and waits. Not OK: nothing was begun. */
enum alb_code alb_door_origin_start(struct alb_req *req, struct alb_origins *origins,
                                    const struct alb_origin_ask *ask, int64_t deadline,
                                    struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* After that wait. *out, a reference: good, or with what is wrong with it (origin.h). */
enum alb_code alb_door_origin_end(struct alb_req *req, struct alb_future *future, struct alb_origin **out,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* What a client hears of a source that was not there with that status; 404 for what is none of an error. */
int alb_door_status_of_origin(int status);

/* ---- bytes as they are ---- */

struct alb_door_bytes { /* in a request's arena; zeroed: closed */
    struct alb_original *original;
    struct alb_origin_reader *reader;
};
/* For checked reading; open already: OK. store: for assets. */
enum alb_code alb_door_bytes_open(struct alb_door_bytes *b, struct alb_blob_store *store,
                                  const struct alb_door_input *in, struct alb_err *err) ALB_MUST_CHECK;
alb_read_fn alb_door_bytes_read; /* ctx: the bytes */
void alb_door_bytes_close(struct alb_door_bytes *b);

/* ---- the picture ---- */

/* The last part of its time belongs to the picture: who gets a slot after that has it for nothing, for nobody waits any
 * more when the picture is there. */
int64_t alb_door_end_of_line(int64_t begun, int64_t deadline);
/* As render makes it of a key, so that a client's conditions are decided before a slot is asked for. */
struct alb_str alb_door_etag(struct alb_arena *arena, const struct alb_flight_key *key);

enum alb_code alb_door_picture_start(struct alb_req *req, struct alb_render *render,
                                     const struct alb_render_ask *ask, int64_t deadline,
                                     struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
enum alb_door_made {
    ALB_DOOR_WAITS, /* it goes on in the place of another who has given up: wait again */
    ALB_DOOR_MADE,
    ALB_DOOR_CHANGED, /* a file has changed while its picture was made; *err says so */
    ALB_DOOR_FAILED
};
/* After that wait, with the same ask. *picture is borrowed from the future. */
enum alb_door_made alb_door_picture_end(struct alb_req *req, struct alb_render *render,
                                        const struct alb_render_ask *ask, int64_t deadline,
                                        struct alb_future *future, struct alb_picture **picture,
                                        struct alb_err *err);

#endif
