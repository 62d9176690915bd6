/* SPDX-License-Identifier: Apache-2.0
 *
 * The two files of an upload: what is written when, and what is believed when it is read again.
 *
 *   data is fdatasynced before the slot that counts it is written, and the slot is fdatasynced before the
 * offset is published in the entry: so an offset that anybody has seen is durable (U1); a slot whose
 * fdatasync failed may be on the disk or not: it does not count (its seq is above the entry's), and is wiped
 * before the data behind the durable offset changes; data is written only while its file has one name: once
 * the sink has linked it, it is an original.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "upload/priv.h"

#define COPY_PIECE ((size_t)256 * 1024)
#define SMALLEST_BLOCK 512

void alb_upload_close_files(struct alb_upload_session *s)
{
    alb_fs_close(&s->datafd);
    alb_fs_close(&s->statefd);
}

/* ---- data ---- */

static enum alb_code copy_bytes(int from, int to, int64_t n, struct alb_err *err)
{
    unsigned char *piece = alb_mem_alloc(COPY_PIECE);
    enum alb_code code = ALB_OK;

    if (piece == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to copy an upload");
    for (int64_t at = 0; at < n && code == ALB_OK;) {
        size_t want = n - at < (int64_t)COPY_PIECE ? (size_t)(n - at) : COPY_PIECE, got;
        code = alb_fs_pread_all(from, piece, want, at, &got, err);
        if (code == ALB_OK && got != want)
            code = alb_fail(err, ALB_E_CORRUPT, "the data of an upload is too short");
        if (code == ALB_OK)
            code = alb_fs_pwrite_all(to, piece, want, at, err);
        at += (int64_t)want;
    }
    alb_mem_free(piece);
    return code;
}

/* The file has another name (an original after a crash, or somebody's backup): it must not change. The upload
 * goes on with a copy of its own. */
static enum alb_code leave_to_others(struct alb_upload_session *s, struct alb_err *err)
{
    char name[ALB_UPLOAD_NAME_MAX], copy[ALB_UPLOAD_NAME_MAX];
    int fd = -1;

    alb_upload_data_name(s->u, s->e, name);
    alb_upload_state_name(s->u, s->e, ".copy", copy);
    enum alb_code code =
        alb_fs_open(s->u->dirfd, copy, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, &fd, err);
    if (code == ALB_OK)
        code = copy_bytes(s->datafd, fd, s->slot.offset, err);
    if (code == ALB_OK)
        code = alb_fs_datasync(fd, err);
    if (code == ALB_OK)
        code = alb_fs_rename(s->u->dirfd, copy, s->u->dirfd, name, err);
    if (code == ALB_OK)
        code = alb_fs_sync_dir(s->u->dirfd, err);
    if (code != ALB_OK) {
        alb_fs_close(&fd);
        return code;
    }
    alb_fs_close(&s->datafd);
    s->datafd = fd;
    return ALB_OK;
}

/* What may be missing: a file that never had a durable byte. */
static enum alb_code make_data(struct alb_upload_session *s, struct alb_err *err)
{
    enum alb_code code = alb_upload_make_data(s->u, s->e, &s->datafd, err);

    s->name_new = s->e->made_data = code == ALB_OK;
    return code;
}

enum alb_code alb_upload_open_data(struct alb_upload_session *s, struct alb_err *err)
{
    char name[ALB_UPLOAD_NAME_MAX];
    struct alb_err why = ALB_ERR_INIT;
    struct stat st;

    if (s->datafd >= 0)
        return ALB_OK;
    alb_upload_data_name(s->u, s->e, name);
    if (!s->e->announced)
        return make_data(s, err);
    enum alb_code code = alb_fs_open(s->u->dirfd, name, O_RDWR | O_NOFOLLOW, 0, &s->datafd, &why);
    if (code == ALB_E_NOT_FOUND && s->slot.offset == 0)
        return make_data(s, err);
    if (code != ALB_OK)
        return alb_fail_sys(err, code == ALB_E_NOT_FOUND ? ALB_E_CORRUPT : code, why.sys, "%s", why.msg);
    if (fstat(s->datafd, &st) != 0)
        return alb_fail_sys(err, alb_code_of_errno(errno), errno, "stat %s", name);
    if (st.st_size < s->slot.offset)
        return alb_fail(err, ALB_E_CORRUPT, "%s has %lld bytes of %lld", name, (long long)st.st_size,
                        (long long)s->slot.offset);
    if (st.st_nlink > 1 && !s->u->plain) /* there the file is its owner's, who may name it as he likes */
        return leave_to_others(s, err);
    if (st.st_size > s->slot.offset)
        return alb_fs_truncate(s->datafd, s->slot.offset, err);
    return ALB_OK;
}

void alb_upload_place(struct alb_upload_session *s, int fd, int64_t from, int64_t n)
{
    if (s->position % SMALLEST_BLOCK != 0 || from % SMALLEST_BLOCK != 0 || n <= 0)
        return;
    if (alb_upload_open_data(s, NULL) == ALB_OK &&
        alb_fs_clone(fd, from, s->datafd, s->position, n, NULL) == ALB_OK)
        s->placed = s->position + n;
}

enum alb_code alb_upload_sync_data(struct alb_upload_session *s, struct alb_err *err)
{
    if (s->synced == s->position)
        return ALB_OK;
    enum alb_code code = alb_fs_datasync(s->datafd, err);
    if (code == ALB_OK)
        s->synced = s->position;
    return code;
}

/* ---- reading the record ---- */

/* A newer slot that did not count may be valid on the disk: it goes before anything that it speaks of
 * changes. */
static enum alb_code wipe_stale(struct alb_upload_session *s, struct alb_err *err)
{
    static const unsigned char none[ALB_RECORD_SLOT];
    enum alb_code code =
        alb_fs_pwrite_all(s->statefd, none, sizeof(none), alb_record_slot_at(&s->head, s->slot.seq + 1), err);

    return code == ALB_OK ? alb_fs_datasync(s->statefd, err) : code;
}

static enum alb_code read_file(struct alb_upload_session *s, const char *name, struct alb_err *err)
{
    int64_t size = 0;
    int flags = (s->shared ? O_RDONLY : O_RDWR) | O_NOFOLLOW;
    enum alb_code code = alb_fs_open(s->u->state_dirfd, name, flags, 0, &s->statefd, err);

    if (code == ALB_OK)
        code = alb_fs_size(s->statefd, &size, err);
    if (code != ALB_OK)
        return code;
    if (size < 0 || (uint64_t)size > ALB_RECORD_FILE_MAX)
        return alb_fail(err, ALB_E_CORRUPT, "%s has %lld bytes", name, (long long)size);
    s->record = alb_mem_alloc((size_t)size);
    if (s->record == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the state of an upload");
    return alb_fs_pread_all(s->statefd, s->record, (size_t)size, 0, &s->record_n, err);
}

/* Somebody else holds it and may write the record meanwhile: its head never changes, what changes is taken
 * from the table, and once it is over the slot that the table speaks of stands still. In this order: what is
 * read after the look into the table has that slot. */
static enum alb_code read_shared(struct alb_upload_session *s, const char *name, struct alb_err *err)
{
    struct alb_record_slot now = {0};
    struct alb_str sums;
    bool stale;

    alb_mutex_lock(&s->u->mtx);
    const struct alb_upload_entry *e = s->e;
    now.seq = e->seq;
    now.state = (enum alb_upload_state)e->state;
    now.length = e->length;
    now.offset = e->offset;
    now.expires_ms = e->expires_ms;
    bool gone = e->gone;
    bool still = now.state == ALB_UPLOAD_FINISHED || now.state == ALB_UPLOAD_REJECTED ||
                 (now.state == ALB_UPLOAD_COMPLETE && e->kind == ALB_UPLOAD_PARTIAL);
    alb_mutex_unlock(&s->u->mtx);
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = gone ? ALB_E_NOT_FOUND : read_file(s, name, &why);
    alb_fs_close(&s->statefd); /* who shares it never writes, and may stay for long */
    if (code == ALB_E_NOT_FOUND)
        return alb_fail(err, ALB_E_GONE, "the upload was removed");
    if (code != ALB_OK)
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    const unsigned char *p = (const unsigned char *)s->record;
    if (still) {
        code = alb_record_read(p, s->record_n, now.seq, &s->head, &s->slot, &sums, &stale, err);
        if (code == ALB_OK && s->slot.seq != now.seq)
            code = alb_fail(err, ALB_E_CORRUPT, "the state of an upload is not what was written");
    } else {
        code = alb_record_head_read(p, s->record_n, &s->head, err);
        s->slot = now;
    }
    s->length = s->slot.length;
    s->position = s->synced = s->slot.offset;
    return code;
}

static enum alb_code check_record(struct alb_upload_session *s, struct alb_err *err)
{
    struct alb_str sums;
    bool stale = false;
    enum alb_code code = alb_record_read((const unsigned char *)s->record, s->record_n, s->e->seq, &s->head,
                                         &s->slot, &sums, &stale, err);

    if (code == ALB_OK && s->slot.seq != s->e->seq)
        code = alb_fail(err, ALB_E_CORRUPT, "not what was written");
    if (code == ALB_OK && stale && s->intent != ALB_UPLOAD_LOOK)
        code = wipe_stale(s, err);
    return code;
}

enum alb_code alb_upload_read_record(struct alb_upload_session *s, struct alb_err *err)
{
    const struct alb_str id = alb_str_n(s->e->id, s->e->id_n);
    char name[ALB_UPLOAD_NAME_MAX];
    struct alb_err why = ALB_ERR_INIT;

    alb_upload_state_name(s->u, s->e, ".state", name);
    if (s->shared)
        return read_shared(s, name, err);
    enum alb_code code = read_file(s, name, &why);
    if (code == ALB_OK)
        code = check_record(s, &why);
    if (code == ALB_OK && !alb_str_eq(s->head.id, id))
        code = alb_fail(&why, ALB_E_CORRUPT, "%s is of another upload", name);
    if (code != ALB_OK)
        return alb_fail_sys(err, code == ALB_E_NOT_FOUND ? ALB_E_CORRUPT : code, why.sys, "%s", why.msg);
    s->length = s->slot.length;
    s->position = s->synced = s->slot.offset;
    return ALB_OK;
}

/* ---- hashes and sums at the durable offset ---- */

unsigned alb_upload_hash_count(const struct alb_upload_session *s)
{
    if (s->u->unhashed)
        return 0;
    return s->head.md5 || s->head.sha512 ? 3 : 2;
}

static enum alb_hash_kind hash_kind(const struct alb_upload_session *s, unsigned i)
{
    static const enum alb_hash_kind kinds[ALB_RECORD_HASHES] = {ALB_HASH_SHA256, ALB_HASH_SHA1, ALB_HASH_MD5};

    return i == 2 && s->head.sha512 ? ALB_HASH_SHA512 : kinds[i];
}

static bool load_hashes(struct alb_upload_session *s)
{
    for (unsigned i = 0; i < alb_upload_hash_count(s); i++) {
        if (s->slot.offset == 0)
            alb_hash_init(&s->hashes[i], hash_kind(s, i));
        else if (!alb_hash_load(&s->hashes[i], hash_kind(s, i), s->slot.hashes[i].p, s->slot.hashes[i].n))
            return false;
    }
    return true;
}

/* From `from` to the durable offset, into the sums (the running block), or into everything. */
static enum alb_code read_again(struct alb_upload_session *s, int fd, int64_t from, bool hashes,
                                struct alb_err *err)
{
    unsigned char *piece = alb_mem_alloc(COPY_PIECE);
    enum alb_code code = ALB_OK;

    if (piece == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to read an upload");
    for (int64_t at = from; at < s->slot.offset && code == ALB_OK;) {
        int64_t left = s->slot.offset - at;
        size_t want = left < (int64_t)COPY_PIECE ? (size_t)left : COPY_PIECE, got;
        code = alb_fs_pread_all(fd, piece, want, at, &got, err);
        if (code == ALB_OK && got != want)
            code = alb_fail(err, ALB_E_CORRUPT, "the data of an upload is too short");
        if (code == ALB_OK)
            code = alb_sums_update(&s->sums, piece, want, err);
        for (unsigned i = 0; hashes && code == ALB_OK && i < alb_upload_hash_count(s); i++)
            alb_hash_update(&s->hashes[i], piece, want);
        at += (int64_t)want;
    }
    alb_mem_free(piece);
    return code;
}

/* The sums of complete blocks below the durable offset: from this session if it has them, else the record's.
 */
static enum alb_code begin_sums(struct alb_upload_session *s, bool known, struct alb_err *err)
{
    bool summed = known && !s->slot.unsummed;
    size_t n = summed ? (size_t)(s->slot.offset / ALB_BLOCK_SIZE) * ALB_BLOCK_SUM_LEN : 0;

    if (s->hashing) {
        s->sums.done.n = n;
        s->sums.part_n = 0;
        alb_xxh3_reset(s->sums.part);
        return ALB_OK;
    }
    alb_sums_fini(&s->sums);
    enum alb_code code = alb_sums_init(&s->sums, err);
    if (code != ALB_OK || n == 0)
        return code;
    alb_buf_add(&s->sums.done, s->record + alb_record_sums_at(&s->head), n);
    code = alb_buf_code(&s->sums.done);
    return code == ALB_OK ? ALB_OK : alb_fail(err, code, "no memory for block sums");
}

enum alb_code alb_upload_take_up(struct alb_upload_session *s, struct alb_err *err)
{
    bool known = load_hashes(s);
    bool complete = s->slot.state == ALB_UPLOAD_COMPLETE;
    int fd = s->datafd, own = -1;
    enum alb_code code = begin_sums(s, known, err);

    s->hashing = false;
    if (code != ALB_OK)
        return code;
    /* A complete upload has its last sum in the slot; its data may have been renamed by the sink. */
    bool reading = !known || (!complete && !s->slot.unsummed && s->slot.offset % ALB_BLOCK_SIZE != 0);
    if (reading && fd < 0) {
        char name[ALB_UPLOAD_NAME_MAX];
        alb_upload_data_name(s->u, s->e, name);
        code = alb_fs_open(s->u->dirfd, name, O_RDONLY | O_NOFOLLOW, 0, &own, err);
        fd = own;
    }
    if (code == ALB_OK && !known) {
        alb_log(ALB_LOG_WARN, "upload hashed again", ALB_LOG_STR("upload", s->head.id),
                ALB_LOG_INT("bytes", s->slot.offset));
        for (unsigned i = 0; i < alb_upload_hash_count(s); i++)
            alb_hash_init(&s->hashes[i], hash_kind(s, i));
    }
    if (code == ALB_OK && reading)
        code = read_again(s, fd, known ? s->slot.offset - s->slot.offset % ALB_BLOCK_SIZE : 0, !known, err);
    alb_fs_close(&own);
    s->hashing = code == ALB_OK;
    return code;
}

/* ---- writing the record ---- */

static int64_t expiry(const struct alb_upload_session *s, enum alb_upload_state state)
{
    const struct alb_upload_limits *l = &s->u->limits;
    bool done = state == ALB_UPLOAD_FINISHED || state == ALB_UPLOAD_REJECTED;
    bool waits_for_us = !done && (s->head.kind == ALB_UPLOAD_FINAL ||
                                  (s->head.kind == ALB_UPLOAD_NORMAL && state == ALB_UPLOAD_COMPLETE));
    int64_t keep = done ? l->keep_done_ms : waits_for_us ? 0 : l->keep_ms;

    return keep > 0 ? alb_wall(s->u->clock) + keep : 0;
}

/* What the slot says about the bytes so far. */
static void describe(const struct alb_upload_session *s, enum alb_upload_state state,
                     struct alb_record_slot *slot)
{
    *slot = s->slot;
    slot->seq = s->e->seq + 1;
    slot->state = state;
    slot->length = s->length;
    slot->offset = s->position;
    slot->expires_ms = expiry(s, state);
    slot->chain = slot->tail_sum = 0;
    if (state != ALB_UPLOAD_OPEN && state != ALB_UPLOAD_COMPLETE)
        return;
    slot->chain = alb_record_chain(0, alb_buf_view(&s->sums.done));
    if (s->sums.part_n > 0)
        slot->tail_sum = alb_xxh3_digest(s->sums.part);
    for (unsigned i = 0; i < alb_upload_hash_count(s); i++)
        slot->hashes[i].n = alb_hash_save(&s->hashes[i], slot->hashes[i].p);
}

/* The first record: everything in one write under a new name. */
static enum alb_code write_new(struct alb_upload_session *s, const struct alb_record_slot *slot,
                               struct alb_err *err)
{
    struct alb_buf all = ALB_BUF_INIT(ALB_RECORD_FILE_MAX);
    char name[ALB_UPLOAD_NAME_MAX];

    alb_upload_state_name(s->u, s->e, ".state", name);
    alb_buf_add(&all, s->record, s->record_n);
    char *slots = alb_buf_reserve(&all, (size_t)2 * ALB_RECORD_SLOT);
    if (slots != NULL) {
        memset(slots, 0, (size_t)2 * ALB_RECORD_SLOT);
        alb_record_slot_write(slot, (unsigned char *)slots + slot->seq % 2 * ALB_RECORD_SLOT);
        alb_buf_commit(&all, (size_t)2 * ALB_RECORD_SLOT);
    }
    if (slot->state == ALB_UPLOAD_OPEN || slot->state == ALB_UPLOAD_COMPLETE)
        alb_buf_str(&all, alb_buf_view(&s->sums.done));
    enum alb_code code = alb_buf_code(&all);
    if (code != ALB_OK)
        (void)alb_fail(err, code, "no memory for the state of an upload");
    if (code == ALB_OK)
        code = alb_fs_open(s->u->state_dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &s->statefd,
                           err);
    if (code == ALB_OK) {
        code = alb_fs_pwrite_all(s->statefd, all.p, all.n, 0, err);
        if (code != ALB_OK) {
            alb_fs_close(&s->statefd);
            alb_ignore(alb_fs_unlink(s->u->state_dirfd, name, NULL), "an empty record is removed at start");
        }
    }
    alb_buf_fini(&all);
    return code;
}

/* A later one: the sums that have come since, then the slot. The file was closed while the sink was at work.
 */
static enum alb_code write_next(struct alb_upload_session *s, const struct alb_record_slot *slot,
                                struct alb_err *err)
{
    unsigned char bytes[ALB_RECORD_SLOT];
    char name[ALB_UPLOAD_NAME_MAX];
    size_t known = (size_t)(s->slot.offset / ALB_BLOCK_SIZE) * ALB_BLOCK_SUM_LEN;
    enum alb_code code = ALB_OK;

    if (s->statefd < 0) {
        alb_upload_state_name(s->u, s->e, ".state", name);
        code = alb_fs_open(s->u->state_dirfd, name, O_RDWR | O_NOFOLLOW, 0, &s->statefd, err);
    }
    if (code == ALB_OK && s->hashing && s->sums.done.n > known)
        code = alb_fs_pwrite_all(s->statefd, s->sums.done.p + known, s->sums.done.n - known,
                                 alb_record_sums_at(&s->head) + (int64_t)known, err);
    alb_record_slot_write(slot, bytes);
    if (code == ALB_OK)
        code =
            alb_fs_pwrite_all(s->statefd, bytes, sizeof(bytes), alb_record_slot_at(&s->head, slot->seq), err);
    return code;
}

/* Everything on the disk, in an order that a crash may break off anywhere. */
static enum alb_code write_slot(struct alb_upload_session *s, const struct alb_record_slot *slot,
                                bool durable, struct alb_err *err)
{
    bool fresh = !s->e->announced;
    enum alb_code code = ALB_OK;

    if ((fresh && !s->adopting) || s->length != s->slot.length)
        code = alb_upload_write_sidecar(s, err);
    if (code == ALB_OK && durable && s->name_new && !fresh)
        code = alb_upload_sync_names(s->u, s->e, err); /* before a slot speaks of what lies under that name */
    if (code == ALB_OK)
        code = fresh ? write_new(s, slot, err) : write_next(s, slot, err);
    if (code == ALB_OK && durable)
        code = alb_fs_datasync(s->statefd, err);
    if (code == ALB_OK && durable && fresh)
        code = alb_upload_sync_names(s->u, s->e, err); /* both names */
    return code;
}

static void publish(struct alb_upload_session *s, const struct alb_record_slot *slot)
{
    struct alb_uploads *u = s->u;
    struct alb_upload_entry *e = s->e;

    s->slot = *slot;
    alb_mutex_lock(&u->mtx);
    e->seq = slot->seq;
    e->state = (uint8_t)slot->state;
    e->length = slot->length;
    e->offset = slot->offset;
    e->expires_ms = slot->expires_ms;
    e->announced = true;
    if (e->kind == ALB_UPLOAD_PARTIAL && slot->state == ALB_UPLOAD_COMPLETE)
        alb_upload_part_changed_locked(u, e);
    alb_mutex_unlock(&u->mtx);
}

enum alb_code alb_upload_save(struct alb_upload_session *s, enum alb_upload_state state, bool durable,
                              struct alb_err *err)
{
    struct alb_record_slot slot;

    describe(s, state, &slot);
    enum alb_code code = write_slot(s, &slot, durable, err);
    if (code != ALB_OK) {
        if (!s->e->announced && !s->adopting)
            alb_ignore(alb_upload_remove_files(s->u, s->e, NULL), "nobody was told of it");
        s->spoilt = true;
        return code;
    }
    if (durable)
        s->name_new = false;
    publish(s, &slot);
    return ALB_OK;
}
