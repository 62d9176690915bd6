/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to upload: the table, an upload in it, a session. Who writes what:
 *   - struct alb_uploads and struct alb_upload_entry: under mtx (UPLOAD_TABLE), unless said otherwise;
 *   - struct alb_upload_session: the thread that uses it, except the group "under mtx".
 * What the lock's holder has to tell others (end futures) is collected in struct alb_upload_calls and done
 * after the lock is gone.
 */
#ifndef ALB_UPLOAD_PRIV_H
#define ALB_UPLOAD_PRIV_H

#include <stdatomic.h>

#include "base/lock.h"
#include "base/thread.h"
#include "blob/quarantine.h"
#include "blob/sums.h"
#include "upload/record.h"
#include "upload/upload.h"

#define ALB_UPLOAD_NAME_MAX (ALB_UPLOAD_PATH_MAX + 32)
#define ALB_UPLOAD_WAITERS_CAP 64

struct alb_upload_owner { /* a principal with unfinished uploads */
    struct alb_upload_owner *next;
    int64_t id, unfinished;
    int64_t finals;        /* concatenations among them */
    _Atomic int64_t bytes; /* of these; like alb_uploads.stored */
};

/* One upload in memory; everything else about it is in its record. */
struct alb_upload_entry {
    struct alb_upload_entry *next;           /* in its bucket */
    struct alb_upload_owner *owner;          /* NULL once it does not count any more */
    struct alb_upload_session *holder;       /* granted */
    struct alb_upload_session *first, *last; /* waiting */
    uint64_t seq;                            /* of the slot that counts */
    char *path; /* of its data, if the name does not follow from the id (plain layout); fixed after create */
    int64_t owner_id, length, offset, expires_ms;
    int64_t bytes;      /* that it counts for; the holder's */
    int64_t rest_until; /* monotonic: before that the sweep does not try again to bring it to its end */
    uint32_t refs;      /* the table's, one per session and one per assembly that it is a part of */
    uint32_t pins;      /* assemblies that have still to read it */
    uint16_t waiting;
    uint8_t state, kind;
    uint8_t tries; /* of the sweep */
    bool announced, hidden, gone, finishing;
    bool made_data, made_sidecar; /* before it is announced: these names are its own. The holder's */
    uint8_t id_n;
    char id[];
};

struct alb_upload_finishing;

struct alb_uploads {
    /* fixed after create */
    int dirfd, state_dirfd; /* uploads/, and where the records are (the same folder, unless plain) */
    const char *folder;     /* as it was configured; borrowed */
    bool plain, unhashed;
    unsigned file_mode, dir_mode;
    void (*sidecar)(void *ctx, const struct alb_upload_view *v, struct alb_buf *out);
    bool (*adopt)(void *ctx, struct alb_str sidecar, struct alb_arena *arena, struct alb_upload_spec *spec);
    void *sidecar_ctx; /* of both */
    const struct alb_clock *clock;
    struct alb_pool *pool;
    const struct alb_upload_sink *sink;
    struct alb_quarantine *quarantine;
    struct alb_upload_limits limits;
    void (*finished)(void *ctx, const struct alb_upload_view *view, struct alb_obj *witness);
    void *finished_ctx;
    struct alb_bytes *token; /* result of every grant */
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond idle; /* the last finish has ended */
    bool stopped;
    struct alb_upload_entry **buckets;
    size_t bucket_count;
    int64_t known, unfinished, held, waiting, id_bytes;
    struct alb_upload_owner **owners;
    size_t owner_buckets;
    struct alb_upload_finishing *finishing;
    int64_t finishing_n, ends_due; /* in the list; not yet through, free waits for these */
    size_t sweep_at;               /* bucket */
    struct alb_cond work;          /* for the assembler: something has come, or has ended */
    struct alb_upload_assembly *assemblies, *assemblies_last; /* to be looked at, first come first served */
    uint64_t parts_changed; /* a part was completed or removed: waiting assemblies look again */
    /* owned by open and free */
    struct alb_thread assembler;
    /* atomic */
    _Atomic int64_t stored; /* bytes of unfinished uploads, appended ones included */
};

struct alb_upload_session {
    struct alb_uploads *u;
    struct alb_upload_entry *e; /* a reference; NULL: known to the sink only */
    bool shared;                /* fixed after create: it only looks, and holds nothing */
    enum alb_upload_intent intent;
    struct alb_future *interrupt; /* fixed after create */
    atomic_bool interrupted;
    /* under mtx */
    bool granted, queued;
    enum alb_code refused; /* why the wait failed */
    struct alb_owner grant_title, interrupt_title;
    struct alb_upload_session *prev, *next;
    /* the user's thread */
    bool ready;     /* created or loaded */
    bool hashing;   /* hashes and sums stand at `position` */
    bool spoilt;    /* a commit failed */
    bool held_back; /* nothing becomes durable before commit */
    bool transient;
    bool adopting; /* what it finds is not its own before its record is there: never removed */
    bool name_new; /* the data file's name is not durable yet */
    int datafd, statefd;
    int64_t length;   /* as declared; the entry's after commit */
    int64_t position; /* next byte */
    int64_t synced;   /* fdatasynced up to here */
    int64_t placed;   /* bytes below lie in the data file before they are appended (alb_upload_place) */
    struct alb_hash hashes[ALB_RECORD_HASHES];
    struct alb_sums sums;
    char *record; /* the record's bytes; `head` looks into it */
    size_t record_n;
    struct alb_record_head head;
    struct alb_record_slot slot; /* what is durable */
    struct alb_bytes *recalled;  /* the sink's answer, if e is NULL */
    struct alb_obj *witness;     /* a reference, or NULL */
};

/* A finish that runs: it owns the session, and goes on whoever waits (finish.c). */
struct alb_upload_finishing {
    struct alb_task task; /* first step after the sink's future has ended */
    struct alb_waiter waiter;
    struct alb_uploads *u;
    struct alb_upload_session *session;
    struct alb_owner title;   /* of what the door waits on */
    struct alb_future *taken; /* the sink's */
    struct alb_upload_parcel parcel;
    struct alb_bytes *sums;
    char name[ALB_UPLOAD_NAME_MAX];
    /* under mtx */
    int64_t since;
    struct alb_upload_finishing *prev, *next;
};

struct alb_upload_calls {
    struct alb_owner granted, interrupted;
    struct alb_owner refused[ALB_UPLOAD_WAITERS_CAP];
    unsigned refused_n;
    enum alb_code why;
};

/* ---- table.c ---- */

enum alb_code alb_upload_table_init(struct alb_uploads *u, struct alb_err *err) ALB_MUST_CHECK;
void alb_upload_table_fini(struct alb_uploads *u);
bool alb_upload_id_valid(struct alb_str id);
/* A new entry, one reference, not in the table; NULL: no memory. */
struct alb_upload_entry *alb_upload_entry_new(struct alb_str id, int64_t owner,
                                              struct alb_str path) ALB_MUST_CHECK;
void alb_upload_entry_unref(struct alb_upload_entry *e); /* under mtx, or not shared */
struct alb_upload_entry *alb_upload_find_locked(struct alb_uploads *u, struct alb_str id);
/* Puts it in (takes over the reference). CONFLICT, BUSY, TOO_MANY, NO_MEMORY. limited: false at start. */
enum alb_code alb_upload_insert_locked(struct alb_uploads *u, struct alb_upload_entry *e, bool limited,
                                       struct alb_err *err) ALB_MUST_CHECK;
void alb_upload_remove_locked(struct alb_uploads *u, struct alb_upload_entry *e);
/* It and its bytes do not count as unfinished any more. Safe twice. */
void alb_upload_uncount_locked(struct alb_uploads *u, struct alb_upload_entry *e);
/* Counts n bytes more (or less) for an unfinished upload, by its holder. */
void alb_upload_count_bytes(struct alb_uploads *u, struct alb_upload_entry *e, int64_t n);

/* ---- queue.c ---- */

/* Not yet of any upload; NULL: no memory. */
struct alb_upload_session *alb_upload_session_new(struct alb_uploads *u,
                                                  enum alb_upload_intent intent) ALB_MUST_CHECK;
/* Frees it; closes its files. It holds nothing. */
void alb_upload_session_free(struct alb_upload_session *s);
void alb_upload_attach_locked(struct alb_upload_session *s,
                              struct alb_upload_entry *e); /* becomes the holder */
void alb_upload_refuse_waiters_locked(struct alb_upload_entry *e, enum alb_code why,
                                      struct alb_upload_calls *calls);
void alb_upload_interrupt_locked(struct alb_upload_entry *e, struct alb_upload_calls *calls);
void alb_upload_calls_run(struct alb_uploads *u, struct alb_upload_calls *calls); /* without the lock */
/* The end of a granted session whose files are in order: passes the upload on, frees the session. */
void alb_upload_pass_on(struct alb_upload_session *s);

/* ---- layout.c ---- */

/* A path that a hook may choose for the data: no sidecar's name, nothing in our own folder. */
bool alb_upload_path_usable(const struct alb_uploads *u, struct alb_str path);
bool alb_upload_id_usable(const struct alb_uploads *u, struct alb_str id);
enum alb_code alb_upload_open_folders(struct alb_uploads *u, const struct alb_uploads_config *config,
                                      struct alb_err *err) ALB_MUST_CHECK;
void alb_upload_state_name_of(const struct alb_uploads *u, struct alb_str id, const char *ending,
                              char out[ALB_UPLOAD_NAME_MAX]);
void alb_upload_state_name(const struct alb_uploads *u, const struct alb_upload_entry *e, const char *ending,
                           char out[ALB_UPLOAD_NAME_MAX]); /* in state_dirfd */
void alb_upload_data_name(const struct alb_uploads *u, const struct alb_upload_entry *e,
                          char out[ALB_UPLOAD_NAME_MAX]); /* in dirfd */
/* A new file for its bytes, and the folders above it. */
enum alb_code alb_upload_make_data(const struct alb_uploads *u, const struct alb_upload_entry *e, int *fd,
                                   struct alb_err *err) ALB_MUST_CHECK;
/* Makes the names of its files durable. */
enum alb_code alb_upload_sync_names(const struct alb_uploads *u, const struct alb_upload_entry *e,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Makes it durable that they are gone. */
enum alb_code alb_upload_sync_removal(const struct alb_uploads *u, const struct alb_upload_entry *e,
                                      struct alb_err *err) ALB_MUST_CHECK;
/* With the length that the session has. */
enum alb_code alb_upload_write_sidecar(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;
/* Plain layout: neither data nor sidecar is there any more, so nothing need be remembered. The data alone may be
 * on a disk that comes back. */
bool alb_upload_taken_away(const struct alb_uploads *u, const struct alb_upload_entry *e);
/* Plain layout: whether the data are where and what the record says. GONE: they are not there (and if the
 * upload was taken away, it is forgotten); CORRUPT: they are shorter. */
enum alb_code alb_upload_check_data(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;
void alb_upload_remove_data(const struct alb_uploads *u, const struct alb_upload_entry *e);
/* Removes record and data, in this order: data without a record is swept at start. */
enum alb_code alb_upload_remove_files(const struct alb_uploads *u, const struct alb_upload_entry *e,
                                      struct alb_err *err) ALB_MUST_CHECK;
/* The record `state` to quarantine, and the data of e (may be NULL), unless the folder is others' too. */
void alb_upload_quarantine(struct alb_uploads *u, const char *state, const struct alb_upload_entry *e,
                           const char *why);

/* ---- files.c ---- */

/* Opens (WRITE: makes, if nothing is durable yet) the data file and cuts it to the durable offset. */
enum alb_code alb_upload_open_data(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;
/* Lets the data file share the blocks of [from, from + n) of fd from the position on, if the file system can
 * do that: then appending these bytes, which is next, writes nothing. */
void alb_upload_place(struct alb_upload_session *s, int fd, int64_t from, int64_t n);
/* Reads the record; sets head, slot, and from them length and position. */
enum alb_code alb_upload_read_record(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;
/* Takes up hashes and sums at the durable offset. */
enum alb_code alb_upload_take_up(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;
/* Makes the bytes up to the position durable, not the record. */
enum alb_code alb_upload_sync_data(struct alb_upload_session *s, struct alb_err *err) ALB_MUST_CHECK;
/* Writes the record with `state` at the position (result and refusal are in s->slot already), durable or not,
 * then publishes it in the entry. */
enum alb_code alb_upload_save(struct alb_upload_session *s, enum alb_upload_state state, bool durable,
                              struct alb_err *err) ALB_MUST_CHECK;
void alb_upload_close_files(struct alb_upload_session *s);
/* How many of a session's hashes are in use. */
unsigned alb_upload_hash_count(const struct alb_upload_session *s);

/* ---- session.c ---- */

/* As create, for an upload whose bytes are there already: they take no room, and no limit is in its way. */
enum alb_code alb_upload_create_found(struct alb_uploads *u, const struct alb_upload_spec *spec,
                                      struct alb_upload_session **session,
                                      struct alb_err *err) ALB_MUST_CHECK;
/* As alb_upload_look, in any state. */
void alb_upload_describe_session(const struct alb_upload_session *s, struct alb_upload_view *view);
/* Whether `need` more bytes fit into the limits and on the disk: NO_SPACE. */
enum alb_code alb_upload_check_room(struct alb_uploads *u, int64_t need, struct alb_err *err) ALB_MUST_CHECK;
/* Takes back what was appended and is not durable: counters only; the file is cut when it is next opened. */
void alb_upload_forget_tail(struct alb_upload_session *s);
/* Takes it out of the table; those who wait get `why`. Its files are the caller's. */
void alb_upload_drop_entry(struct alb_upload_session *s, enum alb_code why);

/* ---- finish.c ---- */

/* It will never be taken: REJECTED, durable, its bytes are given up; not announced: no trace is left. */
void alb_upload_reject(struct alb_upload_session *s, const struct alb_err *why);
/* It has come to its good end, which is not on record yet. */
void alb_upload_tell_finished(struct alb_upload_session *s);

/* ---- assemble.c ---- */

/* A partial upload is complete, or gone. */
void alb_upload_part_changed_locked(struct alb_uploads *u, const struct alb_upload_entry *e);
enum alb_code alb_upload_assembler_start(struct alb_uploads *u, struct alb_err *err) ALB_MUST_CHECK;
void alb_upload_assembler_join(struct alb_uploads *u); /* stopped, or never started */
/* Takes a session that holds a FINAL upload (from the sweep) back into work. */
void alb_upload_assemble_again(struct alb_upload_session *s);

#endif
