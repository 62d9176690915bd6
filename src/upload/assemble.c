/* SPDX-License-Identifier: Apache-2.0
 *
 * Concatenation: one thread puts final uploads together from their parts (contract: upload.h,
 * alb_upload_assemble). It may take hours, so it is nobody's step: whoever asked waits on a future, or does
 * not.
 *
 *   queued --slice, slice, …--> all parts read --finish--> the sink's future ends ours
 *     |  \--the next part is not complete yet: waits for a part to change
 *     |--terminated: GONE        --stop: what is there is kept, the sweep goes on after the restart
 *     |--a part was terminated, or ran out of time, before it was read: REJECTED (GONE)
 *     |--a part is damaged: REJECTED (CORRUPT)
 *     \--I/O error: the future fails; the upload stays as it is, the sweep tries again
 *
 * An assembly holds its upload's session from beginning to end; nobody is asked to wait for it, for others
 * look at a final upload without holding it (queue.c). Only a termination interrupts. Its parts are pinned
 * until they are read: they do not expire, unless nobody goes on with the one that it waits for; being read
 * they are not held: a complete part never changes. Their bytes are read once, for the hashes and the check
 * (law 3); where the file system shares blocks, those that lie on them (the first part's do) are not written.
 * Slices go round all assemblies, so a short one never waits for a long one.
 *
 * Locks: UPLOAD_TABLE for the list, the pins and `parts_changed`; none over I/O.
 */
#include <fcntl.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "upload/priv.h"

#define SLICE ((int64_t)8 << 20)
#define PIECE ((size_t)1 << 20)

struct alb_upload_assembly {
    /* fixed after create */
    struct alb_uploads *u;
    struct alb_upload_entry **parts; /* references; pinned from `at` on */
    size_t count;
    /* owned by the assembler's thread */
    struct alb_upload_session *session;
    struct alb_owner title;          /* of the future that the creator got; none after a restart */
    size_t at;                       /* part being read */
    int64_t begins;                  /* where it begins in the whole */
    struct alb_upload_session *part; /* looks at its record; NULL: it is not begun */
    struct alb_sums sums;            /* of its bytes as they are read */
    struct alb_future *finish;
    struct alb_waiter waiter;
    /* under mtx */
    uint64_t seen; /* parts_changed when it had to wait */
    bool waits;
    struct alb_upload_assembly *next;
};

void alb_upload_part_changed_locked(struct alb_uploads *u, const struct alb_upload_entry *e)
{
    if (e->pins == 0)
        return;
    u->parts_changed++;
    alb_cond_broadcast(&u->work);
}

/* ---- parts ---- */

static void unpin_locked(struct alb_upload_assembly *a)
{
    for (size_t i = 0; i < a->count; i++) {
        if (i >= a->at)
            a->parts[i]->pins--;
        alb_upload_entry_unref(a->parts[i]);
    }
    a->count = 0;
}

static void end_part(struct alb_upload_assembly *a)
{
    alb_sums_fini(&a->sums);
    alb_upload_release(&a->part);
}

static void assembly_free(struct alb_upload_assembly *a)
{
    end_part(a);
    alb_mutex_lock(&a->u->mtx);
    unpin_locked(a);
    alb_mutex_unlock(&a->u->mtx);
    alb_future_unref(a->finish);
    alb_mem_free(a->parts);
    alb_mem_free(a);
}

static size_t count_parts(struct alb_str parts)
{
    size_t n = 0;
    struct alb_str id;

    while (parts.n > 0 && alb_str_next(&parts, ' ', &id))
        n++;
    return n;
}

static enum alb_code pin_locked(struct alb_upload_assembly *a, struct alb_str parts, struct alb_err *err)
{
    struct alb_upload_session *s = a->session;
    struct alb_str id;

    while (alb_str_next(&parts, ' ', &id)) {
        struct alb_upload_entry *e = NULL;
        if (alb_upload_id_usable(a->u, id))
            e = alb_upload_find_locked(a->u, id);
        if (e == NULL || e->owner_id != s->head.owner || !e->announced)
            return alb_fail(err, ALB_E_NOT_FOUND, "part %zu is no upload of this owner", a->count + 1);
        if (e->kind != ALB_UPLOAD_PARTIAL)
            return alb_fail(err, ALB_E_INVALID, "part %zu is no partial upload", a->count + 1);
        e->pins++;
        e->refs++;
        a->parts[a->count++] = e;
    }
    return ALB_OK;
}

/* The sum of all lengths; ALB_UPLOAD_DEFERRED while one is not known. */
static enum alb_code total_locked(const struct alb_upload_assembly *a, int64_t *total, struct alb_err *err)
{
    *total = 0;
    for (size_t i = 0; i < a->count; i++) {
        int64_t length = a->parts[i]->length;
        if (length == ALB_UPLOAD_DEFERRED) {
            *total = ALB_UPLOAD_DEFERRED;
            return ALB_OK;
        }
        if (length > a->u->limits.max_bytes - *total) {
            *total = 0;
            return alb_fail(err, ALB_E_TOO_LARGE, "the parts together are more than an upload may have");
        }
        *total += length;
    }
    return ALB_OK;
}

static struct alb_upload_assembly *assembly_new(struct alb_upload_session *s, struct alb_err *err)
{
    size_t count = count_parts(s->head.parts);

    if (s->head.kind != ALB_UPLOAD_FINAL || count == 0 || count > ALB_UPLOAD_PARTS_MAX) {
        (void)alb_fail(err, ALB_E_INVALID, "a concatenation of %zu parts", count);
        return NULL;
    }
    struct alb_upload_assembly *a = alb_mem_calloc(1, sizeof(*a));
    if (a != NULL)
        a->parts = alb_mem_calloc(count, sizeof(struct alb_upload_entry *));
    if (a == NULL || a->parts == NULL) {
        alb_mem_free(a);
        (void)alb_fail(err, ALB_E_NO_MEMORY, "no memory for a concatenation");
        return NULL;
    }
    a->u = s->u;
    a->session = s;
    return a;
}

/* Everything about the parts that can be known now; declares the length if it is known. */
static enum alb_code look_at_parts(struct alb_upload_assembly *a, struct alb_err *err)
{
    struct alb_upload_session *s = a->session;
    int64_t total = ALB_UPLOAD_DEFERRED;

    alb_mutex_lock(&a->u->mtx);
    enum alb_code code = a->count == 0 ? pin_locked(a, s->head.parts, err) : ALB_OK;
    if (code == ALB_OK)
        code = total_locked(a, &total, err);
    alb_mutex_unlock(&a->u->mtx);
    if (code != ALB_OK || total == ALB_UPLOAD_DEFERRED || s->length == total)
        return code;
    code = alb_upload_check_room(a->u, total, err);
    return code == ALB_OK ? alb_upload_declare(s, total, err) : code;
}

static void queue_locked(struct alb_upload_assembly *a)
{
    struct alb_uploads *u = a->u;

    a->next = NULL;
    *(u->assemblies_last != NULL ? &u->assemblies_last->next : &u->assemblies) = a;
    u->assemblies_last = a;
}

/* Hands it to the assembler. BUSY: that has gone home, or is about to. */
static enum alb_code hand_over(struct alb_upload_assembly *a, struct alb_err *err)
{
    struct alb_uploads *u = a->u;

    alb_mutex_lock(&u->mtx);
    bool stopped = u->stopped;
    if (!stopped) {
        queue_locked(a);
        alb_cond_broadcast(&u->work);
    }
    alb_mutex_unlock(&u->mtx);
    return stopped ? alb_fail(err, ALB_E_BUSY, "uploads are stopping") : ALB_OK;
}

enum alb_code alb_upload_assemble(struct alb_upload_session **session, struct alb_future **future,
                                  struct alb_err *err)
{
    struct alb_upload_session *s = *session;
    struct alb_upload_assembly *a = assembly_new(s, err);

    *future = NULL;
    if (a == NULL)
        return err != NULL ? err->code : ALB_E_INVALID;
    enum alb_code code = look_at_parts(a, err);
    if (code == ALB_OK && alb_future_new(future, &a->title) != ALB_OK)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a concatenation");
    if (code == ALB_OK)
        code = alb_upload_commit(s, err);
    if (code == ALB_OK) {
        alb_future_describe_owner(&a->title, "assembler of uploads");
        alb_upload_close_files(s);
        code = hand_over(a, err);
    }
    if (code != ALB_OK) {
        (void)alb_future_fail(&a->title, err);
        alb_future_unref(*future);
        *future = NULL;
        assembly_free(a);
        return code;
    }
    *session = NULL;
    return ALB_OK;
}

/* ---- the end of one ---- */

static void fail(struct alb_upload_assembly *a, const struct alb_err *why)
{
    struct alb_owner title = a->title;

    a->title = ALB_OWNER_NONE;
    alb_upload_release(&a->session);
    assembly_free(a); /* before anybody hears of it: its parts may expire now */
    (void)alb_future_fail(&title, why);
}

static void sink_done(struct alb_waiter *w, enum alb_wake why)
{
    struct alb_upload_assembly *a = ALB_CONTAINER_OF(w, struct alb_upload_assembly, waiter);
    struct alb_owner title = a->title;
    struct alb_err err = ALB_ERR_INIT;

    (void)why;
    a->title = ALB_OWNER_NONE;
    if (alb_future_error(a->finish, &err) == ALB_OK)
        (void)alb_future_settle(&title, alb_obj_ref(alb_future_result(a->finish)));
    else
        (void)alb_future_fail(&title, &err);
    assembly_free(a);
}

static void finish(struct alb_upload_assembly *a)
{
    struct alb_err err = ALB_ERR_INIT;

    if (alb_upload_finish(&a->session, &a->finish, &err) != ALB_OK) {
        alb_log_err("a concatenation cannot be finished", &err);
        fail(a, &err);
        return;
    }
    a->waiter.wake = sink_done;
    if (!alb_future_wait(a->finish, &a->waiter))
        sink_done(&a->waiter, ALB_WAKE_SETTLED);
}

/* It can never be put together. */
static void reject(struct alb_upload_assembly *a, const struct alb_err *why)
{
    alb_log_err("a concatenation is given up", why);
    a->session->length = a->session->position; /* what is over is whole, for the record */
    alb_upload_reject(a->session, why);
    fail(a, why);
}

/* ---- one slice ---- */

enum found { PART_READY, PART_NOT_YET, PART_GONE, NO_MORE_PARTS };

/* A pinned part lives on over its time, but one that nobody goes on with is waited for no longer than that:
 * otherwise the whole and all its parts would stay for ever. */
static bool is_given_up(const struct alb_upload_entry *e, int64_t now)
{
    return e->holder == NULL && e->first == NULL && e->state != ALB_UPLOAD_COMPLETE && e->expires_ms > 0 &&
           e->expires_ms <= now;
}

static enum found next_part(struct alb_upload_assembly *a, int64_t *length)
{
    enum found found = NO_MORE_PARTS;
    int64_t now = alb_wall(a->u->clock);

    alb_mutex_lock(&a->u->mtx);
    if (a->at < a->count) {
        const struct alb_upload_entry *e = a->parts[a->at];
        *length = e->length;
        found = e->gone || is_given_up(e, now)    ? PART_GONE
                : e->state == ALB_UPLOAD_COMPLETE ? PART_READY
                                                  : PART_NOT_YET;
        a->seen = a->u->parts_changed;
        a->waits = found == PART_NOT_YET;
    }
    alb_mutex_unlock(&a->u->mtx);
    return found;
}

/* Reads [from, from + n) of the part: into its sums, and to the end of the whole. */
static enum alb_code pass(struct alb_upload_assembly *a, int fd, int64_t from, int64_t n, bool append,
                          struct alb_err *err)
{
    struct alb_upload_session *s = a->session;
    unsigned char *piece = alb_mem_alloc(PIECE);
    enum alb_code code = ALB_OK;

    if (piece == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a concatenation");
    for (int64_t done = 0; done < n && code == ALB_OK;) {
        size_t want = n - done < (int64_t)PIECE ? (size_t)(n - done) : PIECE, got = 0;
        if (alb_upload_interrupted(s)) {
            code = alb_fail(err, ALB_E_CONFLICT, "interrupted");
            break;
        }
        code = alb_fs_pread_all(fd, piece, want, from + done, &got, err);
        if (code == ALB_OK && got != want)
            code = alb_fail(err, ALB_E_GONE, "a part is shorter than it was");
        if (code == ALB_OK)
            code = alb_sums_update(&a->sums, piece, want, err);
        if (code == ALB_OK && append)
            code = alb_upload_append(s, s->position, piece, want, err);
        done += (int64_t)want;
    }
    alb_mem_free(piece);
    return code;
}

/* Begins to check the part at hand against the sums of its record (law 3); what was read of it before a restart
 * is read once more for that. */
static enum alb_code begin_part(struct alb_upload_assembly *a, int fd, int64_t from, struct alb_err *err)
{
    struct alb_upload_session *s = alb_upload_session_new(a->u, ALB_UPLOAD_LOOK);
    enum alb_code code;

    if (s == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a concatenation");
    alb_mutex_lock(&a->u->mtx);
    s->e = a->parts[a->at];
    s->e->refs++;
    s->shared = s->granted = true;
    alb_mutex_unlock(&a->u->mtx);
    a->part = s;
    code = alb_upload_load(s, err);
    if (code == ALB_OK)
        code = alb_sums_init(&a->sums, err);
    if (code == ALB_OK && from > 0 && !s->slot.unsummed)
        code = pass(a, fd, 0, from, false, err);
    return code;
}

/* Whether all that was read of the part is what was written. */
static enum alb_code check_part(struct alb_upload_assembly *a, struct alb_err *err)
{
    const struct alb_upload_session *s = a->part;
    size_t n = (size_t)(s->slot.offset / ALB_BLOCK_SIZE) * ALB_BLOCK_SUM_LEN;
    unsigned char tail[ALB_BLOCK_SUM_LEN];
    struct alb_bytes *sums;

    if (s->slot.unsummed)
        return ALB_OK; /* nobody knows what was written */
    sums = alb_sums_final(&a->sums);
    if (sums == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a concatenation");
    alb_block_sum_put(tail, s->slot.tail_sum);
    bool whole = s->slot.offset % ALB_BLOCK_SIZE == 0;
    bool right = sums->n == n + (whole ? 0 : sizeof(tail)) &&
                 (n == 0 || memcmp(sums->p, s->record + alb_record_sums_at(&s->head), n) == 0) &&
                 (whole || memcmp(sums->p + n, tail, sizeof(tail)) == 0);
    alb_bytes_unref(sums);
    return right ? ALB_OK : alb_fail(err, ALB_E_CORRUPT, "part %zu is damaged", a->at + 1);
}

/* Up to a slice of the part at hand; *done: it is read to its end. */
static enum alb_code read_part(struct alb_upload_assembly *a, int64_t length, bool *done, struct alb_err *err)
{
    struct alb_upload_session *s = a->session;
    char name[ALB_UPLOAD_NAME_MAX];
    int64_t from = s->position - a->begins, left = length - from;
    int fd = -1;

    *done = left <= SLICE;
    if (left <= 0)
        return ALB_OK;
    alb_upload_data_name(a->u, a->parts[a->at], name);
    enum alb_code code = alb_fs_open(a->u->dirfd, name, O_RDONLY | O_NOFOLLOW, 0, &fd, err);
    if (code == ALB_E_NOT_FOUND && err != NULL)
        err->code = code = ALB_E_GONE; /* terminated a moment ago */
    if (code == ALB_OK && a->part == NULL)
        code = begin_part(a, fd, from, err);
    if (code == ALB_OK) {
        alb_upload_place(s, fd, from, left < SLICE ? left : SLICE);
        code = pass(a, fd, from, left < SLICE ? left : SLICE, true, err);
    }
    if (code == ALB_OK && *done)
        code = check_part(a, err);
    alb_fs_close(&fd);
    return code;
}

static void part_done(struct alb_upload_assembly *a, int64_t length)
{
    end_part(a);
    a->begins += length;
    alb_mutex_lock(&a->u->mtx);
    a->parts[a->at++]->pins--;
    alb_mutex_unlock(&a->u->mtx);
}

static void again(struct alb_upload_assembly *a)
{
    if (a->waits) { /* it may take days: no descriptors meanwhile, and so nothing that is not durable */
        alb_ignore(alb_upload_commit(a->session, NULL), "then the next append says so");
        alb_upload_close_files(a->session);
    }
    alb_mutex_lock(&a->u->mtx);
    queue_locked(a);
    alb_mutex_unlock(&a->u->mtx);
}

static void why_stopped(const struct alb_upload_assembly *a, struct alb_err *err)
{
    alb_err_clear(err);
    (void)alb_fail(err, alb_uploads_stopping(a->u) ? ALB_E_BUSY : ALB_E_GONE,
                   "the concatenation was stopped");
}

static void step_part(struct alb_upload_assembly *a, int64_t length)
{
    struct alb_err err = ALB_ERR_INIT;
    bool done = false;
    enum alb_code code = read_part(a, length, &done, &err);

    if (code == ALB_OK) {
        if (done)
            part_done(a, length);
        again(a);
    } else if (code == ALB_E_GONE || code == ALB_E_CORRUPT) {
        reject(a, &err);
    } else {
        if (code == ALB_E_CONFLICT)
            why_stopped(a, &err);
        fail(a, &err);
    }
}

/* After a restart the parts are looked up here: its creator did that the first time. */
static bool ready(struct alb_upload_assembly *a, struct alb_err *err)
{
    enum alb_code code = look_at_parts(a, err);

    if (code == ALB_OK)
        return true;
    if (code == ALB_E_NOT_FOUND) {
        alb_err_clear(err);
        (void)alb_fail(err, ALB_E_GONE, "a part is not there any more");
    }
    if (alb_upload_refusal(err->code) || err->code == ALB_E_GONE)
        reject(a, err);
    else
        fail(a, err);
    return false;
}

static void step(struct alb_upload_assembly *a)
{
    struct alb_err err = ALB_ERR_INIT;
    int64_t length = 0;

    if (alb_uploads_stopping(a->u) || alb_upload_interrupted(a->session)) {
        why_stopped(a, &err);
        fail(a, &err);
        return;
    }
    if (!ready(a, &err))
        return;
    switch (next_part(a, &length)) {
    case PART_READY:
        step_part(a, length);
        break;
    case PART_NOT_YET:
        again(a);
        break;
    case PART_GONE:
        (void)alb_fail(&err, ALB_E_GONE, "a part was removed, or given up, before it was read");
        reject(a, &err);
        break;
    case NO_MORE_PARTS:
        finish(a);
        break;
    }
}

/* ---- the thread ---- */

/* The first that can go on; NULL: none can. */
static struct alb_upload_assembly *take_locked(struct alb_uploads *u)
{
    struct alb_upload_assembly *before = NULL, *a = u->assemblies;

    while (a != NULL && a->waits && a->seen == u->parts_changed && !alb_upload_interrupted(a->session) &&
           !u->stopped) {
        before = a;
        a = a->next;
    }
    if (a == NULL)
        return NULL;
    *(before != NULL ? &before->next : &u->assemblies) = a->next;
    if (u->assemblies_last == a)
        u->assemblies_last = before;
    a->waits = false;
    return a;
}

static void *run(void *arg)
{
    struct alb_uploads *u = arg;

    alb_mutex_lock(&u->mtx);
    for (;;) {
        struct alb_upload_assembly *a = take_locked(u);
        if (a != NULL) {
            alb_mutex_unlock(&u->mtx);
            step(a);
            alb_mutex_lock(&u->mtx);
        } else if (u->stopped) {
            break;
        } else {
            alb_cond_wait(&u->work, &u->mtx);
        }
    }
    alb_mutex_unlock(&u->mtx);
    return NULL;
}

enum alb_code alb_upload_assembler_start(struct alb_uploads *u, struct alb_err *err)
{
    return alb_thread_start(&u->assembler, "uploads", run, u, err);
}

void alb_upload_assembler_join(struct alb_uploads *u)
{
    alb_thread_join(&u->assembler);
}

/* ---- after a restart ---- */

/* Bytes that were put together before it count, if all that is before them is known still. */
static void find_place(struct alb_upload_assembly *a)
{
    int64_t position = a->session->position;

    alb_mutex_lock(&a->u->mtx);
    while (a->at < a->count && a->parts[a->at]->length >= 0 &&
           a->begins + a->parts[a->at]->length <= position) {
        struct alb_upload_entry *e = a->parts[a->at++];
        a->begins += e->length;
        e->pins--;
    }
    alb_mutex_unlock(&a->u->mtx);
}

void alb_upload_assemble_again(struct alb_upload_session *s)
{
    struct alb_err err = ALB_ERR_INIT;

    if (alb_upload_load(s, &err) != ALB_OK) {
        alb_log_err("a concatenation cannot go on", &err);
        alb_upload_release(&s);
        return;
    }
    struct alb_upload_assembly *a = assembly_new(s, &err);
    if (a == NULL) {
        alb_log_err("a concatenation cannot go on", &err);
        if (alb_upload_refusal(err.code))
            alb_upload_reject(s, &err);
        alb_upload_release(&s);
        return;
    }
    if (!ready(a, &err))
        return;
    find_place(a);
    alb_upload_close_files(s);
    if (hand_over(a, &err) != ALB_OK)
        fail(a, &err);
}
