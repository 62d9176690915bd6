/* SPDX-License-Identifier: Apache-2.0
 *
 * The tus door: resumable uploads in two protocols on the same URLs,
 *
 *   tus 1.0.0 with every extension (https://tus.io/protocols/resumable-upload), and
 *   RUFH, Resumable Uploads for HTTP (draft-ietf-httpbis-resumable-upload, interop versions 3 to 8 and the
 *   newest text, which has no version header).
 *
 * `albumen serve` mounts it at /files/ for people who are signed in; `albumen tusd` mounts it where tusd
 * would, without accounts, with tusd's answers. The bytes and their durability are the upload room's, what
 * becomes of them is the sink's: ingest, or keep.
 *
 * A request is tus if it says Tus-Resumable; RUFH if it says Upload-Complete, Upload-Incomplete or
 * Upload-Draft-Interop-Version, or is a PATCH of application/partial-upload. HEAD, GET and DELETE without
 * any of these are answered for both.
 *
 * The answer that finishes an upload (POST or PATCH), and every later HEAD or PATCH of it, names the photo:
 *     Albumen-Asset: <uuid>      Albumen-Result: created | duplicate | restored
 * An answer that reports an error after bytes were stored still carries Upload-Offset (and Location).
 * Upload-Metadata keys that albumen understands: filename (or name), filetype (for downloads; what a photo is
 * its content decides), taken-at (RFC 3339: when the photo was taken, if the file does not say), modified-at
 * (RFC 3339), title, description, favorite (true), tags (paths, separated by commas), album (a personal album
 * by name, made in the same transaction if there is none).
 *
 * Threads: the door's own, by the rules of http.h. Hooks are called on io threads.
 */
#ifndef ALB_DOORS_TUS_TUS_H
#define ALB_DOORS_TUS_TUS_H

#include "doors/common/auth.h"
#include "upload/upload.h"

struct alb_blob_store;
struct alb_json;

/* ---- hooks -------------------------------------------------------------------------------------- */

enum alb_tus_hook {
    ALB_TUS_AUTHORISE, /* every request but OPTIONS, before anything is looked up: may reject it */
    ALB_TUS_PRE_CREATE,
    ALB_TUS_POST_CREATE,
    ALB_TUS_POST_RECEIVE, /* while a body comes in, every options.progress_ns if bytes did: asked, may stop
                             it; at the end of the body: told */
    ALB_TUS_PRE_FINISH,   /* the sink has the upload, the answer is not sent yet */
    ALB_TUS_POST_FINISH,
    ALB_TUS_PRE_TERMINATE,
    ALB_TUS_POST_TERMINATE,
    ALB_TUS_HOOK_COUNT
};
/* "pre-create" …; "authorise". */
const char *alb_tus_hook_name(enum alb_tus_hook hook);

/* What a hook hears. Views, valid during the call: copy what is needed later. */
struct alb_tus_event {
    enum alb_tus_hook hook;
    const struct alb_req *req;   /* for method, target, client and headers; NULL: `request` */
    struct alb_obj *request;     /* what hooks.remember made of it; NULL: no request did this */
    struct alb_str id;           /* empty before it has one, and for AUTHORISE of a creation */
    int64_t size;                /* or ALB_UPLOAD_DEFERRED */
    int64_t offset;              /* stored so far, in POST_RECEIVE also what is not durable yet */
    struct alb_str metadata;     /* as in Upload-Metadata: "key base64,key base64" */
    enum alb_upload_kind kind;   /* PARTIAL, FINAL: concatenation */
    struct alb_str parts;        /* FINAL: ids of the partial ones, separated by blanks */
    struct alb_str folder, path; /* plain layout: its folder, and where in it the bytes are; else empty */
};
/* The event's upload as tusd writes it into .info files and hook requests:
 *   {"ID","Size","SizeIsDeferred","Offset","MetaData","IsPartial","IsFinal","PartialUploads","Storage"} */
void alb_tus_event_json(struct alb_json *j, const struct alb_tus_event *e);
/* One pair more at the end of an Upload-Metadata value, for verdicts. */
void alb_tus_metadata_add(struct alb_buf *out, struct alb_str key, struct alb_str value);

/* What a hook answers: what an `ask` future settles with. Immutable; strings live as long as it. */
struct alb_tus_verdict {
    struct alb_obj obj;
    bool reject;         /* AUTHORISE (403), PRE_CREATE (400), PRE_TERMINATE (400): nothing happens */
    bool stop;           /* POST_RECEIVE: the body is not read on, the upload is terminated (400) */
    int status;          /* 0: not said. Replaces the status of the answer */
    struct alb_str body; /* p == NULL: not said. Replaces its body */
    const struct alb_header *headers; /* set in it; names that http keeps to itself are passed over */
    size_t header_count;
    struct alb_str id, path, metadata; /* PRE_CREATE: instead of what was asked; p == NULL: not said */
};

/* Who hangs on to the door. All of it fixed before the server starts. While a hook is under way the request
 * waits on its future and holds no upload, no lock and no thread (laws 1 and 2). */
struct alb_tus_hooks {
    void *ctx;
    unsigned asks;  /* bits 1u << hook for which `ask` is called: AUTHORISE, PRE_*, POST_RECEIVE */
    unsigned tells; /* bits for which `tell` or `keep` is called: POST_* */
    /* Begins a question; must not block. *future (a reference for the caller) settles with a struct
     * alb_tus_verdict, or fails: then the answer is 500, except for POST_RECEIVE, where it is ignored. */
    enum alb_code (*ask)(void *ctx, const struct alb_tus_event *e, struct alb_future **future,
                         struct alb_err *err);
    /* Has happened; must not block. Who needs it durable writes a job. */
    void (*tell)(void *ctx, const struct alb_tus_event *e);
    /* POST_FINISH is about an upload, not about a request: it may come hours after the last of these. What
     * hooks hear of a request, kept for then (a reference; NULL: no memory). */
    struct alb_obj *(*remember)(void *ctx, const struct alb_req *req);
    /* As tell, in two halves: nobody hears of it before let_go(tell: true), but it is as durable as the table
     * can make it. NULL: it is lost, and that is logged. Any thread; file I/O. */
    void *(*keep)(void *ctx, const struct alb_tus_event *e);
    void (*let_go)(void *ctx, void *kept, bool tell);
    /* Every answer of the door, for counters: `code` is tusd's word for the error ("ERR_UPLOAD_NOT_FOUND"),
     * NULL if it is none. May be NULL; must not block. */
    void (*answered)(void *ctx, const struct alb_req *req, int status, const char *code);
};

/* For alb_uploads_config.finished, ctx: the table (a struct alb_tus_hooks): POST_FINISH of every upload, whoever
 * finishes it. If a request did, that is told behind its PRE_FINISH; if this fails and the door is like_tusd,
 * nothing is told. */
void alb_tus_upload_finished(void *hooks, const struct alb_upload_view *v, struct alb_obj *witness);

/* ---- the door ----------------------------------------------------------------------------------- */

/* CORS as tusd does it, instead of the server's: an Origin that is not allowed is 403 for every method. */
struct alb_tus_cors {
    bool (*allows)(void *ctx, struct alb_str origin);
    void *ctx;
    bool credentials;
    const char *methods, *headers, *expose; /* the whole lists */
    const char *max_age;
};

struct alb_tus_options {
    /* Where it is mounted: a path that begins and ends with '/'. NULL: "/files/". The path without its last
     * slash works for creations too. */
    const char *base;
    const char
        *location;     /* Location = this + id, if the door is known by another URL; NULL: from the request */
    int64_t max_bytes; /* Tus-Max-Size; 0: no limit but the upload room's, and none is announced */
    bool no_download, no_termination, no_concatenation, no_rufh;
    /* tusd's answers where they differ: 400 for a wrong content type or an interrupted upload, 500 for a lock
     * or a body that took too long, extensions that tusd has and no others, errors as "ERR_X: text". */
    bool like_tusd;
    bool forwarded;      /* scheme and host of Location from X-Forwarded-* and Forwarded, of anybody */
    int64_t body_ns;     /* longest silence in a body; 0: the server's own limits alone */
    int64_t lock_ns;     /* longest wait for another request to let go; 0: the request's deadline */
    int64_t assemble_ns; /* how long the POST of a concatenation waits for its end; 0: 10 s */
    int64_t progress_ns; /* between POST_RECEIVE; 0: 1 s */
    const struct alb_tus_cors *cors; /* NULL: the server's */
};

struct alb_door_tus {
    struct alb_door_auth auth; /* first. library NULL: no accounts, everybody is owner 0 */
    struct alb_uploads *uploads;
    struct alb_blob_store *store; /* of originals, for GET of what ingest took; NULL: GET reads the upload */
    int64_t max_bytes;            /* used if options.max_bytes is 0 */
    struct alb_tus_options options;
    const struct alb_tus_hooks *hooks; /* NULL: none */
};
/* Adds the routes; `door` must outlive the server. One door per process. */
enum alb_code alb_door_tus(struct alb_http *http, struct alb_door_tus *door,
                           struct alb_err *err) ALB_MUST_CHECK;

/* For struct alb_upload_layout.sidecar: writes tusd's .info file of an upload. ctx: NULL. */
void alb_tus_sidecar(void *ctx, const struct alb_upload_view *v, struct alb_buf *out);
/* For struct alb_upload_layout.adopt: reads such a file, as tusd or we wrote it. */
bool alb_tus_adopt(void *ctx, struct alb_str text, struct alb_arena *arena, struct alb_upload_spec *spec);

#endif
