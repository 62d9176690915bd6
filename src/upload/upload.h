/* SPDX-License-Identifier: Apache-2.0
 *
 * upload: bytes arrive, in pieces, over bad networks, and are never lost once we said that we have them. This
 * room knows no protocol: tus, resumable uploads for HTTP, multipart and Piwigo chunks are doors on it. It
 * needs no catalog: below DATA/uploads each upload is two files,
 *
 *   <id>.data    the bytes, nothing else; becomes the original as it is
 *   <id>.state   a checksummed record (upload/record.h): length, durable offset, mid-states of the hashes
 *                there, block sums so far, owner, metadata, result
 *
 * States of an upload (bytes: offset = what is durable and may be reported, length = -1 while deferred):
 *
 *            create               commit
 *   (none) ---------> UNANNOUNCED --------> OPEN       append*, commit*, release
 *                      |        \            |
 *              release |         \-----------+ finish, offset == length
 *   (none) <-----------+                     v
 *                              +-------> FINISHING ----+---> FINISHED   (result kept)
 *                 finish again |             |         \---> REJECTED   (code kept)
 *                              |             v the sink failed for now
 *                              +--------- COMPLETE
 *
 *   OPEN, FINISHED, REJECTED, a COMPLETE part --terminate, expiry--> (none)
 *   OPEN with all its bytes, COMPLETE         --terminate----------> (none)
 *
 * One session holds an upload at a time (its *holder*); others queue, first come first served, as futures:
 *
 *   - alb_upload_acquire grants at once, or gives a future; the step waits on it and goes on with the same
 *     session;
 *   - a newcomer asks the holder to stop: the holder's `interrupt` future ends and its next append says
 *     CONFLICT (alb_upload_interrupted tells). It commits what it has and releases; the first of the queue
 *     is granted;
 *   - a holder that others wait for already when it is granted is born interrupted: it may look and
 *     finish, but not append;
 *   - FINISHING is not interrupted: who comes then waits for the sink, and sees the result.
 *
 * Invariants (tests/unit/upload):
 *   U1  what view.offset says is durable, and stays: bytes below it never change and are never cut off,
 *       unless the upload is terminated, expires or is finished (law 5: a HEAD's offset is accepted by a
 *       later PATCH).
 *   U2  at most one session holds an upload; each waiting session gets exactly one grant or one error; a
 *       session that is released while it waits is never granted; the release of a granted one passes the
 *       upload on.
 *   U3  the sink takes an upload at most once at a time, and never again after it succeeded or refused;
 *       after a crash it may be offered again (the sink is idempotent by id).
 *   U4  an upload whose bytes are complete is finished without its client: by the running finish, or by
 *       the sweep, also after a restart, however long that takes: it does not expire before (nor does a
 *       FINAL one, whose client has sent all bytes, nor the parts that it may need).
 *   U5  an idle upload costs memory only (no descriptor, no hash state): alb_uploads_look says how much.
 *   U6  a full disk, a full limit or an I/O error changes no reported offset; everything stays resumable.
 *
 * What it costs in fsyncs: create + data + finish in one request: 1 (data) + what the sink does, and 2 more
 * (record, folder) unless the upload is transient or the sink can recall; create alone 2 (record, folder); a
 * commit 2 (data, record); finish of an announced one 2 (data, and its record sealed as COMPLETE, so that it
 * is never written again once the sink has linked it).
 *
 * Threads: all functions do file I/O and belong on the io pool or threads of their own, except
 * alb_upload_interrupted and those marked "no I/O". A session is used by one thread at a time. Lock:
 * UPLOAD_TABLE, never held over I/O or a callback.
 */
#ifndef ALB_UPLOAD_UPLOAD_H
#define ALB_UPLOAD_UPLOAD_H

#include "base/clock.h"
#include "base/future.h"
#include "base/hash.h"
#include "base/options.h"
#include "base/pool.h"
#include "upload/sink.h"

#define ALB_UPLOAD_ID_MAX 64 /* bytes; [A-Za-z0-9_-], also what an id given by a door may be */
#define ALB_UPLOAD_ID_PLAIN_MAX 200
#define ALB_UPLOAD_DEFERRED (-1)  /* length not known yet */
#define ALB_UPLOAD_ANYONE (-1)    /* acquire: do not compare owners */
#define ALB_UPLOAD_PARTS_MAX 1000 /* of one FINAL */
#define ALB_UPLOAD_PATH_MAX 1024  /* bytes of alb_upload_spec.path */

struct alb_quarantine;
struct alb_uploads;
struct alb_upload_session;

struct alb_upload_limits {
    int64_t max_bytes;       /* of one upload: TOO_LARGE */
    int64_t max_total;       /* bytes of all unfinished ones: NO_SPACE */
    int64_t max_count;       /* uploads known: BUSY. Finished ones take half of it, if the sink can recall */
    int64_t max_per_owner;   /* unfinished ones: TOO_MANY */
    int64_t max_owner_bytes; /* of an owner's unfinished ones: NO_SPACE; 0: no limit of its own */
    int64_t min_free;        /* bytes of the disk that a creation must leave free: NO_SPACE */
    int64_t keep_ms;         /* an unfinished upload without progress; 0: for ever */
    int64_t keep_done_ms;    /* the answer of a finished one; 0: for ever */
    int64_t checkpoint;      /* bytes after which append commits by itself */
    size_t metadata_max;     /* bytes of metadata and note together: TOO_LARGE */
    unsigned waiters_max;    /* queue of one upload: BUSY */
};
/* The defaults of tbl/params.h, and the values of a parsed table. No I/O. */
void alb_upload_limits_default(struct alb_upload_limits *l);
void alb_upload_limits_options(struct alb_upload_limits *l, const struct alb_options *o);

struct alb_arena;
struct alb_upload_spec;
struct alb_upload_view;

/* Where the files of uploads lie, if not as said above (zeroed: as said above). The plain layout is for
 * `albumen tusd`: the bytes are <folder>/<id> from the first one on, <id>.info beside them says what the
 * upload is, and our records are in <folder>/.albumen/. Ids may have up to ALB_UPLOAD_ID_PLAIN_MAX bytes and
 * more kinds of them there: A-Za-z0-9-._~%!$'()*+,;=/:@ (no segment "." or "..", no slash at either end), and
 * the bytes may lie elsewhere (alb_upload_spec.path). */
struct alb_upload_layout {
    const char *folder; /* NULL: "uploads"; made if missing. Relative to data_dirfd; borrowed */
    bool plain;
    unsigned file_mode, dir_mode; /* & umask; 0: 0600, 0700 */
    bool unhashed;                /* the sink needs no SHA-256 and SHA-1: zeroes in its parcels */
    /* The content of <id>.info; written when the upload is announced and when its length becomes known. NULL:
     * no such file. `v.path` is where the bytes are. */
    void (*sidecar)(void *ctx, const struct alb_upload_view *v, struct alb_buf *out);
    /* The other way round, at start, for sidecars that no record speaks of: what the upload was created with
     * (strings in the arena, or views of the text). False: it is none. NULL: they are left alone. Their bytes
     * are believed as they are and never read here, so only for a sink that needs no hashes: unhashed. */
    bool (*adopt)(void *ctx, struct alb_str sidecar, struct alb_arena *arena, struct alb_upload_spec *spec);
    void *ctx;
};

struct alb_uploads_config {
    int data_dirfd; /* borrowed during open; the caller holds the lock of the data directory */
    const struct alb_clock *clock;
    struct alb_pool *pool;              /* finishing goes on there after its request has gone */
    const struct alb_upload_sink *sink; /* borrowed, outlives the uploads */
    struct alb_quarantine *quarantine;  /* borrowed; for damaged uploads. NULL: they are removed */
    struct alb_upload_limits limits;
    struct alb_upload_layout layout;
    /* The one place where the good end of an upload is heard of, whoever brought it about: its request, the
     * sweep, the assembler, the start. PARTIAL ones too, transient ones not. Called before that is on record:
     * once, and again if a crash or a failing disk comes between. `view` (borrowed) has no result yet;
     * `witness` (borrowed) is that of its session, or NULL. On io threads, the assembler's and at start;
     * file I/O at most. NULL: nobody wants to know. */
    void (*finished)(void *ctx, const struct alb_upload_view *view, struct alb_obj *witness);
    void *finished_ctx;
};

/* Start-up; recovery included: scans uploads/, throws away data that nothing was reported of, takes the
 * newest valid slot of each record, asks sink->recall for those that may have been finished. Blocks. */
enum alb_code alb_uploads_open(const struct alb_uploads_config *config, struct alb_uploads **u,
                               struct alb_err *err) ALB_MUST_CHECK;
/* New creations and acquires get BUSY, waiting sessions fail with BUSY, holders are interrupted. No I/O. */
void alb_uploads_stop(struct alb_uploads *u);
/* After stop, when no session is left: waits for running finishes, frees. Blocks. */
void alb_uploads_free(struct alb_uploads **u);

/* Expires what is over its time, and offers up to `finishes` complete but unfinished uploads to the sink
 * again (U4), and concatenations to the assembler; what goes on failing has rests, up to about an hour. Call
 * it after open and then every minute or so from a job. */
struct alb_upload_swept {
    int64_t expired, offered;
};
void alb_uploads_sweep(struct alb_uploads *u, unsigned finishes, struct alb_upload_swept *swept);

/* Whether the bytes of an upload that is complete, but not FINISHED, may not be here but where the sink has
 * put them: on a file system without hard links an original is made by renaming the upload's file, and until
 * the catalog has taken it, that is the only copy, without a row. While this says true nobody removes
 * originals for the lack of a row. Ask it before the catalog. */
bool alb_uploads_bytes_away(struct alb_uploads *u);

struct alb_uploads_view {
    int64_t known, unfinished, finishing, held, waiting;
    int64_t stored_bytes;     /* of unfinished ones, on disk */
    int64_t memory_bytes;     /* of the table with all idle uploads */
    int64_t oldest_finish_ns; /* age of the oldest running finish, 0 if none: /health looks at it */
};
struct alb_uploads_view alb_uploads_look(struct alb_uploads *u); /* no I/O */

/* ---- one upload ---- */

enum alb_upload_kind { /* numbers are part of the record's format */
                       ALB_UPLOAD_NORMAL,
                       ALB_UPLOAD_PARTIAL, /* its bytes are for a later concatenation: finish seals it and
                                              calls no sink */
                       ALB_UPLOAD_FINAL,   /* bytes are appended by the server, from partials; otherwise like
                                              NORMAL */
};

enum alb_upload_state {                      /* numbers are part of the record's format */
                        ALB_UPLOAD_OPEN,     /* more bytes to come (UNANNOUNCED too) */
                        ALB_UPLOAD_COMPLETE, /* all bytes are durable, the sink has not taken them yet: finish
                                                may be called */
                        ALB_UPLOAD_FINISHED, /* view.result */
                        ALB_UPLOAD_REJECTED, /* view.rejected: it will never be taken */
};

/* What a door says when it creates one. Copied. */
struct alb_upload_spec {
    struct alb_str id; /* empty: 128 random bits in hex; CONFLICT if taken, INVALID if not an id */
    int64_t owner;     /* principal; >= 0 */
    int64_t length;    /* or ALB_UPLOAD_DEFERRED */
    enum alb_upload_kind kind;
    bool md5, sha512;        /* compute MD5 (Piwigo) or SHA-512 too: one of them, else INVALID */
    bool transient;          /* its client cannot come back to it (multipart): nothing is remembered of it but
                                what the sink made; acquire does not find it */
    struct alb_str metadata; /* opaque: the door's own text, echoed as it came; the sink gets it too */
    struct alb_str note;     /* opaque: for the door and the sink */
    struct alb_str parts;    /* FINAL: ids of its partial uploads, in order, separated by one blank */
    struct alb_str path;     /* plain layout: where the bytes go, if not <id>; from its folder, or absolute */
};

/* Values at one moment. Strings are borrowed from the session, valid until it ends. */
struct alb_upload_view {
    struct alb_str id, metadata, note, parts;
    struct alb_str path;                   /* as in the spec; empty: the id */
    struct alb_str folder;                 /* of the plain layout, as it was configured; else empty */
    int64_t owner, created_ms, expires_ms; /* wall; expires_ms = 0: does not expire now */
    int64_t length;                        /* or ALB_UPLOAD_DEFERRED */
    int64_t offset;                        /* durable: may be reported */
    enum alb_upload_kind kind;
    enum alb_upload_state state;
    bool announced;         /* it survives this session */
    struct alb_str result;  /* of the sink, in FINISHED */
    enum alb_code rejected; /* in REJECTED */
    struct alb_str reason;  /* in REJECTED: text for the log */
};

/* Creates an upload and holds it. Nothing is durable before the first commit (or finish): until then a
 * release or a crash leaves no trace, and the door must not report it. TOO_LARGE, TOO_MANY, NO_SPACE, BUSY,
 * INVALID. */
enum alb_code alb_upload_create(struct alb_uploads *u, const struct alb_upload_spec *spec,
                                struct alb_upload_session **session, struct alb_err *err) ALB_MUST_CHECK;

enum alb_upload_intent {
    ALB_UPLOAD_LOOK,      /* say where it stands (HEAD): stops a running writer, so that U1 holds */
    ALB_UPLOAD_WRITE,     /* append, declare, finish (PATCH) */
    ALB_UPLOAD_TERMINATE, /* DELETE */
};

/* Asks for the upload. ALB_OK and *future NULL: granted. ALB_OK and *future: wait until it is done (the
 * reference is the caller's), then call alb_upload_load. NOT_FOUND: no such upload of this owner. BUSY: too
 * many wait. The session belongs to the caller in any case of ALB_OK, and is released in the end, also if it
 * only waited. An id that is unknown here but that sink->recall knows is granted as FINISHED. */
enum alb_code alb_upload_acquire(struct alb_uploads *u, struct alb_str id, int64_t owner,
                                 enum alb_upload_intent intent, struct alb_upload_session **session,
                                 struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* First call after the grant: reads the record, and for WRITE cuts the data to the durable offset and takes
 * up the hashes there. The error of the wait (GONE: terminated meanwhile, BUSY: stopping), IO, or CORRUPT
 * (its bytes or its record are lost: deactivated, never rewound). Plain layout: GONE too, if its owner has moved
 * or removed the data. Not needed after create. */
enum alb_code alb_upload_load(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;
/* Granted and loaded, or created. No I/O. */
void alb_upload_look(const struct alb_upload_session *s, struct alb_upload_view *view);

/* Whether somebody waits for this upload. Any thread, no I/O. */
bool alb_upload_interrupted(const struct alb_upload_session *s);
/* A future (borrowed, until release) that ends (FAILED, CONFLICT) when somebody begins to wait: a step that
 * waits for its client's bytes waits for this too. Ends with CANCELLED at release. No I/O. */
struct alb_future *alb_upload_interrupt(const struct alb_upload_session *s);

/* Where the next byte goes: durable offset plus what was appended since. No I/O. */
int64_t alb_upload_position(const struct alb_upload_session *s);

/* Sets a deferred length: CONFLICT if another one is set, INVALID below the position, TOO_LARGE. Durable with
 * the next commit. Equal to a known one is fine. No I/O. */
enum alb_code alb_upload_declare(struct alb_upload_session *s, int64_t length,
                                 struct alb_err *err) ALB_MUST_CHECK;

/* Appends at `off`, which must be the position (else CONFLICT). Nothing of the piece is taken if it would
 * pass the length or a limit (TOO_LARGE, NO_SPACE). CONFLICT too when interrupted: commit and release.
 * NO_SPACE, IO: the piece is not taken, what came before it is; commit keeps that. Commits by itself every
 * limits.checkpoint bytes (not while held back). */
enum alb_code alb_upload_append(struct alb_upload_session *s, int64_t off, const void *p, size_t n,
                                struct alb_err *err) ALB_MUST_CHECK;
/* Makes the upload and all that was appended and declared durable, then publishes the offset. On failure the
 * durable offset is unchanged and the session is spoilt: only look and release remain; the client resumes
 * from the durable offset. */
enum alb_code alb_upload_commit(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;
/* From here on nothing becomes durable before commit, so that the bytes of one request can be checked as a
 * whole (Upload-Checksum, Content-Digest) and taken back: rollback cuts back to where hold_back was called. A
 * release without commit takes them back too. hold_back commits what came before it. */
enum alb_code alb_upload_hold_back(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_upload_rollback(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;

/* All bytes are there (position == length): hands them to the sink. Takes the session. *future (a reference
 * for the caller) settles with a struct alb_bytes, the sink's result, or fails with its code; it goes on
 * whether or not anybody waits. What the sink refuses for good (codes of alb_upload_refusal) makes the upload
 * REJECTED and frees its bytes; any other failure leaves it COMPLETE, durable, to be finished again. On a
 * code other than ALB_OK the session stays with the caller: CONFLICT (bytes are missing), IO and NO_SPACE (as
 * commit). In FINISHED and REJECTED the future is done at once with what was kept. */
enum alb_code alb_upload_finish(struct alb_upload_session **s, struct alb_future **future,
                                struct alb_err *err) ALB_MUST_CHECK;
/* What `finished` of the config is to be given besides, if this session's finish or assembly succeeds: the
 * session holds a reference until it is over, also behind finish and assemble. No I/O. */
void alb_upload_witness(struct alb_upload_session *s, struct alb_obj *witness);
bool alb_upload_refusal(enum alb_code code); /* INVALID, FORBIDDEN, TOO_LARGE, UNSUPPORTED, UNPROCESSABLE */
/* Whether the upload is there, for who tells a client where to go on: after a finish failed for now on a disk
 * so full that not even the state of a new upload could be kept, it is not. No I/O. */
bool alb_upload_known(struct alb_uploads *u, struct alb_str id);

/* ---- concatenation ---- */

/* Takes a session that has just created a FINAL upload: announces it, then puts its bytes together from its
 * partial uploads in a thread of its own, a slice at a time, as they become complete, and finishes it.
 * *future (a reference) is that of finish; it goes on whether or not anybody waits, and after a restart. On
 * failure the session stays with the caller. INVALID: a part is no partial upload of this owner, or the sum
 * of their lengths is more than an upload may have; NOT_FOUND: a part is unknown.
 *
 * While a FINAL upload is not finished, acquire for LOOK and WRITE grants at once, without taking it from the
 * assembler: the session may look (state OPEN), nothing else. TERMINATE stops it. A part that is terminated
 * before it was read makes it REJECTED (GONE), one whose bytes are not what was written too (CORRUPT); parts do
 * not expire before they are read. */
enum alb_code alb_upload_assemble(struct alb_upload_session **s, struct alb_future **future,
                                  struct alb_err *err) ALB_MUST_CHECK;

/* ---- without holding it ---- */

/* What the table knows of an announced upload at this moment. NOT_FOUND as acquire. No I/O. */
struct alb_upload_brief {
    enum alb_upload_kind kind;
    enum alb_upload_state state;
    int64_t length, offset; /* offset: durable */
};
enum alb_code alb_upload_brief(struct alb_uploads *u, struct alb_str id, int64_t owner,
                               struct alb_upload_brief *brief, struct alb_err *err) ALB_MUST_CHECK;

/* Reads the durable bytes of an upload while others write behind them, read or terminate it. NOT_FOUND: no
 * such upload; GONE: its bytes are not here (any more): the sink has them. The view's strings live as long as
 * the reader. One thread at a time per reader; file I/O. */
struct alb_upload_reader;
enum alb_code alb_upload_reader_open(struct alb_uploads *u, struct alb_str id, int64_t owner,
                                     struct alb_upload_reader **reader, struct alb_upload_view *view,
                                     struct alb_err *err) ALB_MUST_CHECK;
void alb_upload_reader_close(struct alb_upload_reader **reader); /* NULL inside is allowed */
/* [off, off + n), clamped at view.offset; *got says how many. */
enum alb_code alb_upload_reader_read(struct alb_upload_reader *reader, uint64_t off, void *p, size_t n,
                                     size_t *got, struct alb_err *err) ALB_MUST_CHECK;

/* The server is going down: what was interrupted was interrupted for that. Any thread, no I/O. */
bool alb_uploads_stopping(struct alb_uploads *u);

/* The digest of all bytes up to the position, as it was computed on the way. False: it was not. No I/O. */
bool alb_upload_digest(const struct alb_upload_session *s, enum alb_hash_kind kind,
                       unsigned char out[ALB_HASH_MAX_LEN]) ALB_MUST_CHECK;

/* Removes the upload and its files, durably; those who wait get GONE. What a sink that recalls has made of it
 * stays, and that the upload was removed is remembered for keep_done_ms (REJECTED, GONE), also of one that only
 * the sink remembered. BUSY: there is no place for that now. The session is released afterwards as ever. */
enum alb_code alb_upload_terminate(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;

/* Ends the session in any state, clears the pointer; NULL inside is allowed. Keeps what was appended (best
 * effort; commit first to know), unless held back or UNANNOUNCED. Then the next waiter is granted. */
void alb_upload_release(struct alb_upload_session **s);

#endif
