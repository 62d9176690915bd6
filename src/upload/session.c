/* SPDX-License-Identifier: Apache-2.0
 *
 * One session: create, load, append, commit, roll back, terminate, release (contract: upload.h).
 *
 *   durable offset <= synced <= position
 *     slot.offset      data fdatasynced   appended, hashed
 */
#include <string.h>
#include <sys/statvfs.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/stat.h"
#include "upload/priv.h"

/* ---- create ---- */

enum alb_code alb_upload_check_room(struct alb_uploads *u, int64_t need, struct alb_err *err)
{
    struct statvfs vfs;

    if (need > u->limits.max_total || atomic_load(&u->stored) > u->limits.max_total - need)
        return alb_fail(err, ALB_E_NO_SPACE, "unfinished uploads hold as much as they may");
    if (fstatvfs(u->dirfd, &vfs) == 0) {
        uint64_t avail = (uint64_t)vfs.f_bavail * vfs.f_frsize;
        if (avail < (uint64_t)need || avail - (uint64_t)need < (uint64_t)u->limits.min_free)
            return alb_fail(err, ALB_E_NO_SPACE, "the disk has too little room for it");
    }
    return ALB_OK;
}

/* What an upload is, whatever the limits. */
static enum alb_code check_form(const struct alb_uploads *u, const struct alb_upload_spec *spec,
                                struct alb_err *err)
{
    if (spec->id.n > 0 && !alb_upload_id_usable(u, spec->id))
        return alb_fail(err, ALB_E_INVALID, "not an id of an upload");
    if (spec->md5 && spec->sha512)
        return alb_fail(err, ALB_E_INVALID, "an upload has one more hash, not two");
    if (spec->owner < 0 || spec->length < ALB_UPLOAD_DEFERRED)
        return alb_fail(err, ALB_E_INVALID, "owner %lld, length %lld", (long long)spec->owner,
                        (long long)spec->length);
    if (spec->length > ALB_BLOCKS_MAX * ALB_BLOCK_SIZE)
        return alb_fail(err, ALB_E_TOO_LARGE, "%lld bytes are more than any upload may have",
                        (long long)spec->length);
    if (spec->parts.n > ALB_RECORD_PARTS_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "a concatenation of too many parts");
    if (spec->path.n > 0 && !alb_upload_path_usable(u, spec->path))
        return alb_fail(err, ALB_E_INVALID, "not a path for an upload");
    return ALB_OK;
}

static enum alb_code check_limits(struct alb_uploads *u, const struct alb_upload_spec *spec,
                                  struct alb_err *err)
{
    if (spec->length > u->limits.max_bytes)
        return alb_fail(err, ALB_E_TOO_LARGE, "%lld bytes are more than an upload may have",
                        (long long)spec->length);
    if (spec->metadata.n > u->limits.metadata_max || spec->note.n > u->limits.metadata_max - spec->metadata.n)
        return alb_fail(err, ALB_E_TOO_LARGE, "%zu bytes of metadata", spec->metadata.n + spec->note.n);
    return alb_upload_check_room(u, spec->length > 0 ? spec->length : 0, err);
}

/* The views of the head point into its written form. */
static void own_texts(struct alb_record_head *head, const char *record)
{
    struct alb_str *const texts[] = {&head->id, &head->metadata, &head->note, &head->path, &head->parts};
    const char *at = record + ALB_RECORD_HEAD_FIXED;

    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++) {
        texts[i]->p = at;
        at += texts[i]->n;
    }
}

static enum alb_code prepare(struct alb_upload_session *s, const struct alb_upload_spec *spec,
                             struct alb_str id, struct alb_err *err)
{
    struct alb_buf record = ALB_BUF_INIT(ALB_RECORD_HEAD_MAX);

    s->head = (struct alb_record_head){
        .id = id,
        .metadata = spec->metadata,
        .note = spec->note,
        .path = spec->path,
        .parts = spec->parts,
        .owner = spec->owner,
        .created_ms = alb_wall(s->u->clock),
        .kind = spec->kind,
        .md5 = spec->md5,
        .sha512 = spec->sha512,
    };
    enum alb_code code = alb_record_head_write(&s->head, &record, err);
    if (code != ALB_OK) {
        alb_buf_fini(&record);
        return code;
    }
    s->record = alb_buf_give(&record, &s->record_n);
    own_texts(&s->head, s->record);
    s->transient = spec->transient;
    s->length = s->slot.length = spec->length;
    s->slot.expires_ms = s->u->limits.keep_ms > 0 ? s->head.created_ms + s->u->limits.keep_ms : 0;
    return alb_upload_take_up(s, err);
}

static enum alb_code create(struct alb_uploads *u, const struct alb_upload_spec *spec, bool limited,
                            struct alb_upload_session **session, struct alb_err *err)
{
    unsigned char random[16];
    char random_id[2 * sizeof(random) + 1];
    struct alb_str id = spec->id;

    *session = NULL;
    enum alb_code code = check_form(u, spec, err);
    if (code == ALB_OK && limited)
        code = check_limits(u, spec, err);
    if (code != ALB_OK)
        return code;
    if (id.n == 0) {
        alb_random(random, sizeof(random));
        alb_hex(random, sizeof(random), random_id);
        id = alb_str_c(random_id);
    }
    struct alb_upload_session *s = alb_upload_session_new(u, ALB_UPLOAD_WRITE);
    struct alb_upload_entry *e = alb_upload_entry_new(id, spec->owner, spec->path);
    if (s == NULL || e == NULL)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for an upload");
    if (code == ALB_OK)
        code = prepare(s, spec, id, err);
    if (code == ALB_OK) {
        e->length = spec->length;
        e->expires_ms = s->slot.expires_ms;
        e->kind = (uint8_t)spec->kind;
        e->hidden = spec->transient;
        alb_mutex_lock(&u->mtx);
        code = u->stopped ? alb_fail(err, ALB_E_BUSY, "uploads are stopping")
                          : alb_upload_insert_locked(u, e, limited, err);
        if (code == ALB_OK)
            alb_upload_attach_locked(s, e);
        alb_mutex_unlock(&u->mtx);
    }
    if (code != ALB_OK) {
        if (e != NULL)
            alb_upload_entry_unref(e);
        if (s != NULL)
            alb_upload_session_free(s);
        return code;
    }
    s->ready = true;
    *session = s;
    return ALB_OK;
}

enum alb_code alb_upload_create(struct alb_uploads *u, const struct alb_upload_spec *spec,
                                struct alb_upload_session **session, struct alb_err *err)
{
    enum alb_code code = create(u, spec, true, session, err);

    if (code == ALB_OK)
        alb_stat_inc(ALB_STAT_UPLOADS_CREATED);
    return code;
}

enum alb_code alb_upload_create_found(struct alb_uploads *u, const struct alb_upload_spec *spec,
                                      struct alb_upload_session **session, struct alb_err *err)
{
    enum alb_code code = create(u, spec, false, session, err);

    if (code == ALB_OK)
        (*session)->adopting = true;
    return code;
}

/* ---- load and look ---- */

/* Its state or its bytes are lost: never rewound, so it goes; its client is told, and begins anew. */
static void deactivate(struct alb_upload_session *s)
{
    char name[ALB_UPLOAD_NAME_MAX];

    alb_upload_close_files(s);
    alb_upload_state_name(s->u, s->e, ".state", name);
    alb_upload_quarantine(s->u, name, s->e, "its state or its bytes are damaged");
    alb_upload_drop_entry(s, ALB_E_GONE);
}

enum alb_code alb_upload_load(struct alb_upload_session *s, struct alb_err *err)
{
    alb_mutex_lock(&s->u->mtx);
    bool granted = s->granted;
    enum alb_code refused = s->refused;
    alb_mutex_unlock(&s->u->mtx);
    if (refused != ALB_OK)
        return alb_fail(err, refused, "the upload is not to be had any more");
    ALB_CHECK(granted);
    if (s->ready)
        return ALB_OK;
    enum alb_code code = s->e != NULL ? alb_upload_read_record(s, err) : ALB_OK;
    if (code == ALB_OK)
        code = alb_upload_check_data(s, err);
    bool running = s->slot.state == ALB_UPLOAD_OPEN || s->slot.state == ALB_UPLOAD_COMPLETE;
    if (code == ALB_OK && s->intent == ALB_UPLOAD_WRITE && running && !s->shared) {
        if (s->slot.state == ALB_UPLOAD_OPEN)
            code = alb_upload_open_data(s, err);
        if (code == ALB_OK)
            code = alb_upload_take_up(s, err);
    }
    s->spoilt = code != ALB_OK;
    s->ready = code == ALB_OK;
    if (code == ALB_E_CORRUPT && !s->shared)
        deactivate(s);
    return code;
}

void alb_upload_look(const struct alb_upload_session *s, struct alb_upload_view *view)
{
    ALB_CHECK(s->ready || s->spoilt);
    alb_upload_describe_session(s, view);
}

void alb_upload_describe_session(const struct alb_upload_session *s, struct alb_upload_view *view)
{
    const struct alb_record_slot *slot = &s->slot;

    *view = (struct alb_upload_view){
        .id = s->head.id,
        .metadata = s->head.metadata,
        .note = s->head.note,
        .parts = s->head.parts,
        .path = s->head.path,
        .folder = s->u->plain ? alb_str_c(s->u->folder) : ALB_STR_NONE,
        .owner = s->head.owner,
        .created_ms = s->head.created_ms,
        .expires_ms = slot->expires_ms,
        .length = s->length,
        .offset = slot->offset,
        .kind = s->head.kind,
        .state = slot->state,
        .announced = s->e == NULL || s->shared || s->e->announced,
        .rejected = slot->rejected,
        .reason = alb_str_n(slot->reason, slot->reason_n),
    };
    if (s->recalled != NULL)
        view->result = alb_bytes_view(s->recalled);
    else if (slot->state == ALB_UPLOAD_FINISHED)
        view->result = alb_str_n((const char *)slot->result, slot->result_n);
}

int64_t alb_upload_position(const struct alb_upload_session *s)
{
    return s->position;
}

bool alb_upload_digest(const struct alb_upload_session *s, enum alb_hash_kind kind,
                       unsigned char out[ALB_HASH_MAX_LEN])
{
    for (unsigned i = 0; s->hashing && i < alb_upload_hash_count(s); i++) {
        if (s->hashes[i].kind == kind) {
            (void)alb_hash_final(&s->hashes[i], out);
            return true;
        }
    }
    return false;
}

/* ---- write ---- */

static enum alb_code may_write(const struct alb_upload_session *s, struct alb_err *err)
{
    ALB_CHECK(s->intent == ALB_UPLOAD_WRITE && (s->ready || s->spoilt));
    if (s->spoilt)
        return alb_fail(err, ALB_E_IO, "an earlier write of this session failed");
    if (s->shared)
        return alb_fail(err, ALB_E_CONFLICT, "the upload is put together by the server");
    if (s->slot.state != ALB_UPLOAD_OPEN)
        return alb_fail(err, ALB_E_CONFLICT, "the upload is complete");
    return ALB_OK;
}

enum alb_code alb_upload_declare(struct alb_upload_session *s, int64_t length, struct alb_err *err)
{
    if (s->length == length && length >= 0)
        return ALB_OK;
    enum alb_code code = may_write(s, err);
    if (code != ALB_OK)
        return code;
    if (s->length != ALB_UPLOAD_DEFERRED)
        return alb_fail(err, ALB_E_CONFLICT, "the length is %lld already", (long long)s->length);
    if (length < s->position)
        return alb_fail(err, ALB_E_INVALID, "length %lld, and %lld bytes are there", (long long)length,
                        (long long)s->position);
    if (length > s->u->limits.max_bytes)
        return alb_fail(err, ALB_E_TOO_LARGE, "%lld bytes are more than an upload may have",
                        (long long)length);
    s->length = length;
    return ALB_OK;
}

static enum alb_code check_piece(const struct alb_upload_session *s, int64_t off, size_t n,
                                 struct alb_err *err)
{
    int64_t most = s->length >= 0 ? s->length : s->u->limits.max_bytes;
    enum alb_code code = may_write(s, err);

    if (code != ALB_OK)
        return code;
    if (atomic_load(&s->interrupted))
        return alb_fail(err, ALB_E_CONFLICT, "upload interrupted: another request wants it");
    if (off != s->position)
        return alb_fail(err, ALB_E_CONFLICT, "bytes for %lld, the upload stands at %lld", (long long)off,
                        (long long)s->position);
    if (most < s->position || n > (uint64_t)(most - s->position))
        return alb_fail(err, ALB_E_TOO_LARGE, "%zu bytes at %lld pass the length %lld", n, (long long)off,
                        (long long)most);
    return ALB_OK;
}

static bool owner_is_full(const struct alb_upload_session *s)
{
    const struct alb_upload_limits *l = &s->u->limits;

    return l->max_owner_bytes > 0 && s->e->owner != NULL &&
           atomic_load(&s->e->owner->bytes) > l->max_owner_bytes;
}

static enum alb_code store_piece(struct alb_upload_session *s, const void *p, size_t n, struct alb_err *err)
{
    struct alb_uploads *u = s->u;
    enum alb_code code = alb_upload_open_data(s, err);

    if (code != ALB_OK)
        return code;
    alb_upload_count_bytes(u, s->e, (int64_t)n);
    if (atomic_load(&u->stored) > u->limits.max_total || owner_is_full(s))
        code = alb_fail(err, ALB_E_NO_SPACE, "unfinished uploads hold as much as they may");
    if (code == ALB_OK && s->position + (int64_t)n > s->placed)
        code = alb_fs_pwrite_all(s->datafd, p, n, s->position, err);
    if (code == ALB_OK && !s->slot.unsummed)
        code = alb_sums_update(&s->sums, p, n, err);
    if (code != ALB_OK) {
        alb_upload_count_bytes(u, s->e, -(int64_t)n);
        alb_ignore(alb_fs_truncate(s->datafd, s->position, NULL), "a full disk gets its half piece back");
        s->placed = 0;
        return code;
    }
    for (unsigned i = 0; i < alb_upload_hash_count(s); i++)
        alb_hash_update(&s->hashes[i], p, n);
    s->position += (int64_t)n;
    alb_stat_add(ALB_STAT_UPLOAD_BYTES, (int64_t)n);
    return ALB_OK;
}

enum alb_code alb_upload_append(struct alb_upload_session *s, int64_t off, const void *p, size_t n,
                                struct alb_err *err)
{
    enum alb_code code = check_piece(s, off, n, err);

    if (code == ALB_OK && n > 0)
        code = store_piece(s, p, n, err);
    if (code != ALB_OK || s->held_back || s->position - s->synced < s->u->limits.checkpoint)
        return code;
    /* Nobody was told of an unannounced upload: its bytes go to the disk in time, its record does not. */
    if (s->e->announced)
        return alb_upload_commit(s, err);
    code = alb_upload_sync_data(s, err);
    s->spoilt = code != ALB_OK;
    return code;
}

enum alb_code alb_upload_commit(struct alb_upload_session *s, struct alb_err *err)
{
    if (s->slot.state != ALB_UPLOAD_OPEN && !s->spoilt)
        return ALB_OK; /* everything is durable */
    enum alb_code code = may_write(s, err);
    if (code != ALB_OK)
        return code;
    s->held_back = false;
    if (s->e->announced && s->position == s->slot.offset && s->length == s->slot.length)
        return ALB_OK;
    code = alb_upload_open_data(s, err); /* an announced upload has both names from the beginning */
    if (code == ALB_OK)
        code = alb_upload_sync_data(s, err);
    if (code == ALB_OK && !s->transient)
        code = alb_upload_save(s, ALB_UPLOAD_OPEN, true, err);
    s->spoilt = code != ALB_OK;
    return code;
}

enum alb_code alb_upload_hold_back(struct alb_upload_session *s, struct alb_err *err)
{
    enum alb_code code = may_write(s, err);

    if (code == ALB_OK && s->position != s->slot.offset)
        code = alb_upload_commit(s, err);
    s->held_back = code == ALB_OK;
    return code;
}

void alb_upload_forget_tail(struct alb_upload_session *s)
{
    alb_upload_count_bytes(s->u, s->e, s->slot.offset - s->position);
    s->position = s->synced = s->slot.offset;
    s->length = s->slot.length;
}

enum alb_code alb_upload_rollback(struct alb_upload_session *s, struct alb_err *err)
{
    enum alb_code code = may_write(s, err);

    if (code != ALB_OK)
        return code;
    s->held_back = false;
    if (s->position == s->slot.offset)
        return ALB_OK;
    alb_upload_forget_tail(s);
    code = alb_fs_truncate(s->datafd, s->position, err);
    if (code == ALB_OK)
        code = alb_upload_take_up(s, err);
    s->spoilt = code != ALB_OK;
    return code;
}

/* ---- end ---- */

void alb_upload_drop_entry(struct alb_upload_session *s, enum alb_code why)
{
    struct alb_upload_calls calls = {0};
    struct alb_uploads *u = s->u;
    struct alb_upload_entry *e = s->e;

    alb_mutex_lock(&u->mtx);
    if (!e->gone) {
        alb_upload_remove_locked(u, e);
        alb_upload_refuse_waiters_locked(e, why, &calls);
    }
    alb_mutex_unlock(&u->mtx);
    alb_upload_calls_run(u, &calls);
}

/* The sink remembers it: so must we that it was removed, or the next one who asks would be told of it again.
 */
static enum alb_code forget_result(struct alb_upload_session *s, struct alb_err *err)
{
    static const char why[] = "it was removed by its client";

    s->slot.rejected = ALB_E_GONE;
    s->slot.reason_n = sizeof(why) - 1;
    memcpy(s->slot.reason, why, sizeof(why) - 1);
    enum alb_code code = alb_upload_save(s, ALB_UPLOAD_REJECTED, true, err);
    if (code == ALB_OK)
        alb_stat_inc(ALB_STAT_UPLOADS_TERMINATED);
    return code;
}

/* An entry for an upload that only the sink remembers. A quarter of the table is never taken for such ones. */
static enum alb_code enter_again(struct alb_upload_session *s, bool *removed_already, struct alb_err *err)
{
    struct alb_uploads *u = s->u;
    struct alb_upload_entry *e = alb_upload_entry_new(s->head.id, s->head.owner, ALB_STR_NONE);
    enum alb_code code = ALB_OK;

    if (e == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for an upload");
    e->length = e->offset = s->length;
    e->state = ALB_UPLOAD_REJECTED; /* over: it is not counted */
    alb_mutex_lock(&u->mtx);
    const struct alb_upload_entry *there = alb_upload_find_locked(u, s->head.id);
    *removed_already = there != NULL && there->state == ALB_UPLOAD_REJECTED;
    if (u->stopped || u->known >= u->limits.max_count - u->limits.max_count / 4)
        code = alb_fail(err, ALB_E_BUSY, "no place to remember that an upload was removed");
    else
        code = alb_upload_insert_locked(u, e, false, err);
    if (code == ALB_OK)
        alb_upload_attach_locked(s, e);
    alb_mutex_unlock(&u->mtx);
    if (code != ALB_OK)
        alb_upload_entry_unref(e);
    return code;
}

/* The same for one that is not in the table any more. */
static enum alb_code forget_recalled(struct alb_upload_session *s, struct alb_err *err)
{
    struct alb_buf record = ALB_BUF_INIT(ALB_RECORD_HEAD_MAX);
    bool removed_already = false;

    s->head.created_ms = alb_wall(s->u->clock); /* of this record: the sink does not say when it was */
    enum alb_code code = alb_record_head_write(&s->head, &record, err);

    if (code == ALB_OK)
        code = enter_again(s, &removed_already, err);
    if (code != ALB_OK) {
        alb_buf_fini(&record);
        return removed_already ? ALB_OK : code;
    }
    alb_mem_free(s->record);
    s->record = alb_buf_give(&record, &s->record_n);
    own_texts(&s->head, s->record);
    code = forget_result(s, err);
    if (code != ALB_OK)
        alb_upload_drop_entry(s, ALB_E_GONE);
    return code;
}

/* Whether it is remembered that this one was removed: then it stays so. */
static bool is_removed(const struct alb_upload_session *s)
{
    return s->slot.state == ALB_UPLOAD_REJECTED && s->slot.rejected == ALB_E_GONE;
}

enum alb_code alb_upload_terminate(struct alb_upload_session *s, struct alb_err *err)
{
    bool recalls = s->u->sink->recall != NULL;
    enum alb_code code = ALB_OK;

    ALB_CHECK(s->ready || s->spoilt);
    if (s->e == NULL)
        return forget_recalled(s, err);
    if (s->shared)
        return alb_fail(err, ALB_E_CONFLICT, "the upload is put together by the server");
    if (!s->e->gone && recalls && is_removed(s))
        return ALB_OK;
    if (!s->e->gone && recalls && s->slot.state == ALB_UPLOAD_FINISHED)
        return forget_result(s, err);
    if (!s->e->gone) {
        alb_upload_close_files(s);
        code = alb_upload_remove_files(s->u, s->e, err);
        if (code != ALB_OK)
            return code;
        code = alb_upload_sync_removal(s->u, s->e, err); /* if that fails it is gone all the same, for now */
        alb_stat_inc(ALB_STAT_UPLOADS_TERMINATED);
    }
    if (s->position > s->slot.offset)
        alb_upload_forget_tail(s);
    s->spoilt = true;
    alb_upload_drop_entry(s, ALB_E_GONE);
    return code;
}

/* What is left to do for a session that was granted and used. */
static void settle(struct alb_upload_session *s)
{
    bool tail = s->position > s->slot.offset;

    if (s->e->gone)
        return;
    if (!s->e->announced) {
        if (tail)
            alb_upload_forget_tail(s);
        alb_upload_close_files(s);
        if (s->name_new) /* in the plain layout the name may be that of somebody else's file */
            alb_upload_remove_data(s->u, s->e);
        alb_upload_drop_entry(s, ALB_E_GONE);
        return;
    }
    if (tail && s->ready && !s->spoilt && !s->held_back)
        alb_ignore(alb_upload_commit(s, NULL),
                   "who must know commits before; the client resumes where it can");
    if (s->position <= s->slot.offset)
        return;
    alb_upload_forget_tail(s);
    /* After a failed commit the record may speak of these bytes already. The next writer takes that back, and
     * cuts then; after a restart before that they are what it says. */
    if (!s->spoilt)
        alb_ignore(alb_fs_truncate(s->datafd, s->position, NULL), "the next writer cuts it anyway");
}

void alb_upload_release(struct alb_upload_session **session)
{
    struct alb_upload_session *s = *session;

    *session = NULL;
    if (s == NULL)
        return;
    if (s->e == NULL) {
        alb_upload_session_free(s);
        return;
    }
    alb_mutex_lock(&s->u->mtx);
    bool holds = s->e->holder == s;
    alb_mutex_unlock(&s->u->mtx);
    if (holds)
        settle(s);
    alb_upload_pass_on(s);
}
