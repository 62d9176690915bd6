/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks: other people's programs that are told of uploads and may have a say. The shapes, names and abilities
 * are those that integrators of tusd know (docs/doors/tusd.md), so their scripts and services work here.
 *
 *   pre-create      before an upload exists: may refuse it, choose its id, metadata and path, add to the answer
 *   post-create     it exists
 *   post-receive    bytes have come in: may stop the upload
 *   pre-finish      all bytes are there: may add to the answer
 *   post-finish     it is over
 *   pre-terminate   a client wants it removed: may refuse
 *   post-terminate  it is removed
 *   authorise       a request of any kind came in: may refuse it (ours; tusd has none)
 *
 * Two ways to call: a program per hook in a folder (`dir`/pre-create ...; JSON on its standard input,
 * TUS_ID, TUS_SIZE and TUS_OFFSET in its environment; no such program means nothing to say, at once), or a POST of the
 * same JSON to a URL. What the hook answers is a JSON object too (struct alb_hook_reply).
 *
 * alb_hooks_ask gives a future: a request waits on it as on any other (law 2), so no thread, lock or
 * transaction is held while a hook thinks. If nobody waits for it any more the hook is ended: the program and
 * all that it started in its process group are killed, the HTTP request is closed (law 8).
 * post-receive is asked as well, but only if there is room: it has places and a queue of its own, so that
 * programs that hang on it delay no other question; if both are full this progress is not heard of (counted
 * as dropped). When nobody waits for it any more, and at closing, it is not started, and what runs has
 * ALB_HOOKS_LEFT_NS to come to its end: it may just be writing down how far the upload was. The last progress
 * of a request is told, not asked, in the same places; never durable.
 *
 * alb_hooks_tell is for those that nobody waits for, in a bounded queue of its own, so that slow listeners
 * never delay a question. Without a spool it is best effort: told once, lost with the process. With one it is
 * durable: the event is on the disk when tell returns, is told at least once, also after a crash, and again
 * later, with growing pauses for about half a day, as long as the hook fails. A program that hangs is a hook
 * that fails: it has `tell_ns`, and then makes room for others.
 *
 *   QUEUED --a place is free--> RUNNING --ended, deadline, forsaken--> over: the future is done, the child is
 *                                 |  ^                                 reaped, its descriptors are closed
 *                          http: 5xx or no answer, attempts left
 *                                 v  |
 *                                PAUSED (back-off)
 *
 * Invariants:
 *   H1  every child is reaped by this room, exactly once, at the end of its run; its process group is only
 *       signalled before that, so never somebody else's.
 *   H2  a run is answered by its deadline, whatever the program or the server does: a program that ignores it
 *       is killed, with its group; what it writes beyond `output_max` is an error, not memory. It keeps its
 *       place until the system has let it go.
 *   H3  an event is a value: it is copied (as JSON) when ask or tell is called, and never looked at again.
 *   H4  no program outlives the server, whatever its end, kill -9 included (guard.c).
 *   H5  each future of ask ends exactly once; after alb_hooks_close none is left.
 *
 * Threads: ask, tell and look from any, without locks; one thread of this room ("hooks") starts the programs
 * and watches them, the fetch room's does HTTP. Lock: HOOKS. Bounds: see the config.
 */
#ifndef ALB_HOOKS_HOOKS_H
#define ALB_HOOKS_HOOKS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/future.h"
#include "base/obj.h"

struct alb_hooks;
struct alb_hook_run;

#define ALB_HOOKS_LEFT_NS (5 * ALB_NS_PER_S)

enum alb_hook_type {
    ALB_HOOK_PRE_CREATE,
    ALB_HOOK_POST_CREATE,
    ALB_HOOK_POST_RECEIVE,
    ALB_HOOK_PRE_FINISH,
    ALB_HOOK_POST_FINISH,
    ALB_HOOK_PRE_TERMINATE,
    ALB_HOOK_POST_TERMINATE,
    ALB_HOOK_AUTHORISE,
    ALB_HOOK_COUNT
};
const char *alb_hook_name(enum alb_hook_type type); /* "pre-create" */
bool alb_hook_parse(struct alb_str name, enum alb_hook_type *type) ALB_MUST_CHECK;
#define ALB_HOOK_BIT(type) (1u << (unsigned)(type))
#define ALB_HOOK_ALL (ALB_HOOK_BIT(ALB_HOOK_COUNT) - 1)

/* ---- what a hook is told ---- */

struct alb_hook_pair {
    struct alb_str key, value;
};
struct alb_hook_event {    /* borrowed during the call */
    struct alb_str upload; /* JSON object: ID, Size, SizeIsDeferred, Offset, MetaData, ... */
    struct alb_str id;     /* of the upload; empty before it has one */
    int64_t size, offset;  /* size 0: not known yet */
    /* the HTTP request that caused it */
    struct alb_str method, uri, remote, host;
    const struct alb_hook_pair *headers; /* as they came, names in any case; equal names keep their order */
    size_t header_count;
};

/* ---- what a hook may answer ---- */

struct alb_hook_reply { /* immutable; all zero if the hook had nothing to say */
    struct alb_obj obj;
    /* HTTPResponse, to be merged into the answer: */
    int status;                          /* 0: as it would be */
    struct alb_str body;                 /* empty: as it would be */
    const struct alb_hook_pair *headers; /* each replaces the header of its name */
    size_t header_count;
    bool reject_request;     /* authorise */
    bool reject_upload;      /* pre-create */
    bool reject_termination; /* pre-terminate */
    bool stop_upload;        /* post-receive */
    /* ChangeFileInfo of pre-create: */
    struct alb_str change_id; /* empty: no change; not checked here */
    bool change_metadata;     /* then metadata replaces all of it; sorted by key */
    const struct alb_hook_pair *metadata;
    size_t metadata_count;
    const struct alb_hook_pair *storage; /* "Path": where to keep the file */
    size_t storage_count;
    struct alb_arena *arena; /* private */
};
/* Reads a reply (NULL err allowed). Empty text is a reply without contents. INVALID: not JSON, or a member is
 * not of its kind. *reply is a reference. */
enum alb_code alb_hook_reply_parse(struct alb_str json, struct alb_hook_reply **reply,
                                   struct alb_err *err) ALB_MUST_CHECK;
/* The event as a hook reads it: {"Type","Event":{"Upload","HTTPRequest":{"Method","URI","RemoteAddr",
 * "Header"}}}; key order, names and escapes as tusd writes them. */
enum alb_code alb_hook_event_json(enum alb_hook_type type, const struct alb_hook_event *event,
                                  struct alb_buf *out) ALB_MUST_CHECK;

/* ---- the room ---- */

struct alb_hooks_config {   /* strings are copied */
    unsigned enabled;       /* ALB_HOOK_BIT of each */
    struct alb_str dir;     /* absolute folder of programs; or empty */
    struct alb_str url;     /* or empty; one of the two */
    struct alb_str forward; /* request headers that go along to the URL: "Authorization,Cookie" */
    unsigned attempts;      /* over HTTP, for 5xx answers and broken connections; >= 1 */
    int64_t backoff_ns;     /* between attempts */
    int64_t http_ns;        /* for all attempts of one call together; of an ask its turn included */
    size_t answer_max;      /* bytes of an answer over HTTP */
    bool insecure;          /* the URL's certificate is not checked */
    int64_t ask_ns;         /* longest wait for the answer of a program, its turn included */
    int64_t tell_ns;        /* longest run of a program that is told something */
    size_t output_max;      /* bytes that a program may print */
    /* runs at the same time, of each kind (progress: post-receive), and those that wait for a place */
    unsigned asks, progress, tells;
    unsigned ask_queue, progress_queue, tell_queue;
    int spool_dirfd;   /* borrowed during open; -1: no spool */
    const char *spool; /* folder for events, in spool_dirfd */
    size_t memory;     /* bytes of all events that wait or run */
    /* What the futures of ask settle with, made of a reply (borrowed): a reference, or NULL: no memory.
     * Called on a thread of these rooms, short. NULL: the reply itself. */
    struct alb_obj *(*result)(enum alb_hook_type type, struct alb_hook_reply *reply);
};
void alb_hooks_config_default(struct alb_hooks_config *c); /* no dir, no url */

enum alb_code alb_hooks_open(const struct alb_hooks_config *config, struct alb_hooks **hooks,
                             struct alb_err *err) ALB_MUST_CHECK;
/* True: somebody listens to this hook. NULL listens to nothing. */
bool alb_hooks_on(const struct alb_hooks *hooks, enum alb_hook_type type);

/* The future (a reference) settles with a struct alb_hook_reply (config.result), or fails: INTERNAL (the hook
 * failed: the message says how, in words for who runs the server), TIMEOUT, CANCELLED (stopping or forsaken),
 * NO_MEMORY. BUSY: too many wait. Only for hooks that are on. A post-receive that runs when nobody waits any
 * more ends with TIMEOUT, if it does not end by itself. */
enum alb_code alb_hooks_ask(struct alb_hooks *hooks, enum alb_hook_type type,
                            const struct alb_hook_event *event, struct alb_future **future,
                            struct alb_err *err) ALB_MUST_CHECK;
/* False: it is not on, or it cannot be kept: the queue or the disk is full (counted, and logged). With a
 * spool it writes and syncs a file: not on an event loop. */
bool alb_hooks_tell(struct alb_hooks *hooks, enum alb_hook_type type, const struct alb_hook_event *event);

/* A tell in two halves (not of post-receive): keep is as tell, but nobody hears of it before let_go says so
 * (tell: true), or that it is not to be told. With a spool it is durable from keep on, and is told after a
 * crash in between. NULL where tell says false, and if there is no such program. Each kept one is let go
 * before the room is closed. let_go may remove a file. */
struct alb_hook_run *alb_hooks_keep(struct alb_hooks *hooks, enum alb_hook_type type,
                                    const struct alb_hook_event *event) ALB_MUST_CHECK;
void alb_hooks_let_go(struct alb_hook_run *kept, bool tell);

/* New asks and tells are refused; what waits and runs goes on to its end until `deadline` (monotonic), then
 * it is ended; post-receive as above. What is in the spool does not begin any more, and what of it runs has
 * ALB_HOOKS_LEFT_NS: it is told again after the next start. Joins the thread, frees. Blocks. */
void alb_hooks_close(struct alb_hooks **hooks, int64_t deadline);

struct alb_hooks_view {
    uint64_t invocations[ALB_HOOK_COUNT], errors[ALB_HOOK_COUNT], dropped[ALB_HOOK_COUNT];
    unsigned waiting, running;
};
struct alb_hooks_view alb_hooks_look(struct alb_hooks *hooks);

#endif
