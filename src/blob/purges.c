/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of purges (contract: purges.h). Its file: a head of 16 bytes ("ALBPURG1", base), then records in multiples
 * of 16 bytes, appended:
 *
 *   0 u32 low half of XXH3-64 of what follows   4 u16 length of the text   6 u8 kind   7 u8 'P'
 *   8 i64 wall ms (RETIRED: a number; LOOKED: files removed, and << 40 the place behind the record / 16)
 *  16 text, zeros to a multiple of 16
 *
 * The number of a purge is base + the place behind its record, so the order of appending is the order of numbers, for
 * all processes. In memory whole labels are hashes (two that are equal purge too much), beginnings are texts.
 */
#include "blob/purges_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/publish.h"

#define NAME "purges"
#define MAGIC "ALBPURG1"
#define STEP 16
#define RECORD_MAX (STEP + ALB_LABEL_MAX + STEP)
#define SHRINK_FROM ((int64_t)1 << 20)
#define LOOKED_FILES_MAX (((int64_t)1 << 40) - 1)
#define TABLE (2 * (size_t)ALB_PURGES_MAX)

/* BY: who asks for the purge of the next record. LOOKED: the files that the purge of that record touches were looked
 * for; one piece of a disk, so that a full one cannot cut it. */
enum kind { WHOLE = 1, PREFIX, RETIRED, BY, LOOKED };

struct purge {
    uint64_t hash, number; /* number 0: free */
    int64_t wall_ms;
};
struct prefix {
    char *text; /* alb_mem */
    size_t n;
    uint64_t number;
    int64_t wall_ms;
};

struct alb_purges {
    /* fixed after open */
    const struct alb_clock *clock;
    int fd;
    bool shared;
    uint64_t base;
    /* under mtx */
    struct alb_mutex mtx;
    int64_t at; /* read up to here */
    struct purge *table;
    size_t wholes, prefix_count;
    struct prefix prefixes[ALB_PURGE_PREFIXES_MAX];
    uint64_t now, retired;
    struct alb_purge_notes notes;
    /* atomic */
    _Atomic int64_t seen; /* = at */
    atomic_bool any;      /* one is in force */
};

/* ---- in memory; the lock is held ---- */

static uint64_t hash_of(struct alb_str label)
{
    char room[ALB_LABEL_MAX];

    label = alb_label_shorten(label, room);
    return alb_xxh3(label.p, label.n);
}

static struct purge *place_of(struct alb_purges *p, uint64_t hash)
{
    size_t i = (size_t)hash % TABLE;

    while (p->table[i].number != 0 && p->table[i].hash != hash)
        i = (i + 1) % TABLE;
    return &p->table[i];
}

static void add_prefix(struct alb_purges *p, struct alb_str text, uint64_t number, int64_t wall_ms)
{
    char *copy = p->prefix_count < ALB_PURGE_PREFIXES_MAX ? alb_mem_alloc(text.n + 1) : NULL;

    if (copy == NULL) { /* no room: everything, in the last place */
        size_t last = p->prefix_count == 0 ? 0 : p->prefix_count - 1;
        if (p->prefix_count == 0)
            p->prefix_count = 1;
        p->prefixes[last].n = 0;
        p->prefixes[last].number = number;
        p->prefixes[last].wall_ms = wall_ms;
        return;
    }
    memcpy(copy, text.p, text.n);
    p->prefixes[p->prefix_count++] = (struct prefix){copy, text.n, number, wall_ms};
}

static void add_whole(struct alb_purges *p, uint64_t hash, uint64_t number, int64_t wall_ms)
{
    if (p->wholes >= ALB_PURGES_MAX) {
        add_prefix(p, ALB_STR(""), number, wall_ms);
        return;
    }
    struct purge *at = place_of(p, hash);
    p->wholes += at->number == 0;
    *at = (struct purge){hash, number, wall_ms};
}

static void forget_up_to(struct alb_purges *p, uint64_t number)
{
    struct purge *old = p->table;
    size_t kept = 0;

    if (number <= p->retired)
        return;
    p->retired = number;
    for (size_t i = 0; i < p->prefix_count; i++) {
        if (p->prefixes[i].number > number)
            p->prefixes[kept++] = p->prefixes[i];
        else
            alb_mem_free(p->prefixes[i].text);
    }
    p->prefix_count = kept;
    struct purge *table = alb_mem_calloc(TABLE, sizeof(*table));
    if (table == NULL)
        return; /* they stay in force a little longer */
    p->table = table;
    p->wholes = 0;
    for (size_t i = 0; i < TABLE; i++)
        if (old[i].number > number)
            add_whole(p, old[i].hash, old[i].number, old[i].wall_ms);
    alb_mem_free(old);
}

/* ---- the file ---- */

static size_t record_size(size_t text_n)
{
    return STEP + (text_n + STEP - 1) / STEP * STEP;
}

static size_t encode(enum kind kind, struct alb_str text, int64_t value, unsigned char out[RECORD_MAX])
{
    size_t n = record_size(text.n);

    memset(out, 0, n);
    alb_purges_put_le(out + 4, text.n, 2);
    out[6] = (unsigned char)kind;
    out[7] = 'P';
    alb_purges_put_le(out + 8, (uint64_t)value, 8);
    if (text.n > 0)
        memcpy(out + STEP, text.p, text.n);
    alb_purges_put_le(out, alb_xxh3(out + 4, n - 4), 4);
    return n;
}

/* The size of the record at p, or 0: it is damaged. */
static size_t check(const unsigned char *p, size_t n)
{
    if (n < STEP || p[7] != 'P' || p[6] < WHOLE || p[6] > LOOKED ||
        alb_purges_get_le(p + 4, 2) > ALB_LABEL_MAX)
        return 0;
    size_t size = record_size((size_t)alb_purges_get_le(p + 4, 2));
    return size <= n && alb_purges_get_le(p, 4) == (uint32_t)alb_xxh3(p + 4, size - 4) ? size : 0;
}

static void apply(struct alb_purges *p, const unsigned char *r, uint64_t number)
{
    struct alb_str text = alb_str_n((const char *)r + STEP, (size_t)alb_purges_get_le(r + 4, 2));
    int64_t value = (int64_t)alb_purges_get_le(r + 8, 8);

    if (r[6] == RETIRED) {
        forget_up_to(p, (uint64_t)value);
        return;
    }
    if (r[6] == LOOKED) {
        alb_purge_notes_done(&p->notes, p->base + ((uint64_t)value >> 40) * STEP, value & LOOKED_FILES_MAX);
        return;
    }
    if (r[6] == BY) {
        alb_purge_notes_by(&p->notes, text);
        return;
    }
    p->now = number;
    alb_purge_notes_add(&p->notes, number, text, r[6] == PREFIX, value);
    if (r[6] == WHOLE)
        add_whole(p, alb_xxh3(text.p, text.n), number, value);
    else
        add_prefix(p, text, number, value);
}

/* Reads on from `at`. */
static enum alb_code follow_locked(struct alb_purges *p, struct alb_err *err)
{
    unsigned char piece[4 * RECORD_MAX];
    enum alb_code code = ALB_OK;
    size_t got = sizeof(piece);

    alb_mutex_assert_held(&p->mtx);
    while (code == ALB_OK && got >= STEP) {
        size_t done = 0, size = 0;
        code = alb_fs_pread_all(p->fd, piece, sizeof(piece), p->at, &got, err);
        while (code == ALB_OK && (size = check(piece + done, got - done)) > 0) {
            done += size;
            apply(p, piece + done - size, p->base + (uint64_t)p->at + done);
        }
        if (code == ALB_OK && done == 0 && got >= STEP) { /* damaged: who knows what it said */
            done = STEP;
            p->now = p->base + (uint64_t)p->at + done;
            add_prefix(p, ALB_STR(""), p->now, alb_wall(p->clock));
            alb_purge_notes_by(&p->notes, ALB_STR_NONE);
            alb_log_event(ALB_LOG_ERROR, "the list of purges is damaged: everything older is made again");
        }
        p->at += (int64_t)done;
    }
    atomic_store(&p->seen, p->at);
    atomic_store(&p->any, p->wholes + p->prefix_count > 0);
    return code;
}

static void follow(struct alb_purges *p)
{
    off_t size;

    /* Nobody needs its position (it is added to, and read at places that are named), and this takes less than fstat:
     * every answer from memory asks. */
    if (!p->shared || (size = lseek(p->fd, 0, SEEK_END)) < 0 || size == atomic_load(&p->seen))
        return;
    alb_mutex_lock(&p->mtx);
    alb_ignore(follow_locked(p, NULL), "the next question tries again");
    alb_mutex_unlock(&p->mtx);
}

/* In one call, so that nothing of other processes comes in between. What a failing disk has taken half of before is
 * filled up first: records begin at multiples of STEP. */
static enum alb_code write_records(struct alb_purges *p, const unsigned char *records, size_t n,
                                   struct alb_err *err)
{
    static const unsigned char zeros[STEP];
    enum alb_code code = ALB_OK;
    struct stat st;

    if (fstat(p->fd, &st) == 0 && st.st_size % STEP != 0)
        code = alb_fs_write_all(p->fd, zeros, (size_t)(STEP - st.st_size % STEP), err);
    return code == ALB_OK ? alb_fs_write_all(p->fd, records, n, err) : code;
}

static enum alb_code append(struct alb_purges *p, enum kind kind, struct alb_str text, int64_t value,
                            struct alb_err *err)
{
    unsigned char record[RECORD_MAX];
    enum alb_code code = write_records(p, record, encode(kind, text, value, record), err);

    return code == ALB_OK ? alb_fs_sync(p->fd, err) : code;
}

static enum alb_code append_purge(struct alb_purges *p, enum kind kind, struct alb_str label,
                                  struct alb_str by, struct alb_err *err)
{
    unsigned char records[2 * RECORD_MAX];
    size_t n = encode(BY, alb_purge_by_cut(by), 0, records);

    n += encode(kind, label, alb_wall(p->clock), records + n);
    enum alb_code code = write_records(p, records, n, err);
    return code == ALB_OK ? alb_fs_sync(p->fd, err) : code;
}

/* ---- questions ---- */

enum alb_code alb_purges_add(struct alb_purges *p, struct alb_str label, bool prefix, struct alb_str by,
                             uint64_t *number, struct alb_err *err)
{
    char room[ALB_LABEL_MAX];

    *number = 0;
    if (label.n == 0 || (prefix && label.n > ALB_LABEL_MAX - ALB_LABEL_CUT_HEX - 1))
        return alb_fail(err, ALB_E_INVALID, "a purge needs a text of at most %d bytes",
                        ALB_LABEL_MAX - ALB_LABEL_CUT_HEX - 2);
    follow(p);
    alb_mutex_lock(&p->mtx);
    bool full = p->wholes >= ALB_PURGES_MAX || p->prefix_count >= ALB_PURGE_PREFIXES_MAX ||
                p->at >= ALB_PURGES_FILE_MAX;
    alb_mutex_unlock(&p->mtx);
    if (full)
        return alb_fail(err, ALB_E_BUSY, "too many purges are in force; they are done with in about an hour");
    enum alb_code code = prefix ? append_purge(p, PREFIX, label, by, err)
                                : append_purge(p, WHOLE, alb_label_shorten(label, room), by, err);
    if (code != ALB_OK)
        return code;
    alb_mutex_lock(&p->mtx);
    code = follow_locked(p, err);
    *number = p->now;
    alb_mutex_unlock(&p->mtx);
    alb_stat_inc(ALB_STAT_CACHE_PURGES);
    return code;
}

uint64_t alb_purges_now(struct alb_purges *p)
{
    if (p == NULL)
        return 0;
    follow(p);
    alb_mutex_lock(&p->mtx);
    uint64_t now = p->now;
    alb_mutex_unlock(&p->mtx);
    return now;
}

static uint64_t newest_of_locked(struct alb_purges *p, struct alb_str label)
{
    const struct purge *whole = place_of(p, hash_of(label));
    bool every = alb_str_eq_c(label, ALB_LABEL_ANY);
    uint64_t newest = every ? p->now : whole->number;

    for (size_t i = 0; i < p->prefix_count; i++) {
        const struct prefix *f = &p->prefixes[i];
        if (f->number > newest && label.n >= f->n &&
            memcmp(label.p, f->text == NULL ? "" : f->text, f->n) == 0)
            newest = f->number;
    }
    return newest;
}

uint64_t alb_purges_newest(struct alb_purges *p, const struct alb_str *labels, size_t count)
{
    uint64_t newest = 0;

    if (p == NULL)
        return 0;
    follow(p);
    if (!atomic_load(&p->any))
        return 0;
    alb_mutex_lock(&p->mtx);
    for (size_t i = 0; i < count; i++) {
        uint64_t n = newest_of_locked(p, labels[i]);
        newest = n > newest ? n : newest;
    }
    alb_mutex_unlock(&p->mtx);
    return newest;
}

void alb_purges_retire(struct alb_purges *p, uint64_t number)
{
    struct alb_err err = ALB_ERR_INIT;

    if (append(p, RETIRED, ALB_STR_NONE, (int64_t)number, &err) != ALB_OK)
        return; /* the next pass tries again */
    alb_mutex_lock(&p->mtx);
    alb_ignore(follow_locked(p, NULL), "the next question tries again");
    alb_mutex_unlock(&p->mtx);
}

uint64_t alb_purges_older_than(struct alb_purges *p, int64_t age_ns)
{
    int64_t before = alb_wall(p->clock) - age_ns / ALB_NS_PER_MS;
    uint64_t newest = 0;

    alb_mutex_lock(&p->mtx);
    for (size_t i = 0; p->wholes > 0 && i < TABLE; i++)
        if (p->table[i].number > newest && p->table[i].wall_ms <= before)
            newest = p->table[i].number;
    for (size_t i = 0; i < p->prefix_count; i++)
        if (p->prefixes[i].number > newest && p->prefixes[i].wall_ms <= before)
            newest = p->prefixes[i].number;
    alb_mutex_unlock(&p->mtx);
    return newest;
}

struct alb_purges_view alb_purges_look(struct alb_purges *p)
{
    follow(p);
    alb_mutex_lock(&p->mtx);
    struct alb_purges_view v = {p->now, p->retired, p->wholes + p->prefix_count};
    alb_mutex_unlock(&p->mtx);
    return v;
}

/* ---- what is told of the newest ---- */

void alb_purges_count(struct alb_purges *p, uint64_t number)
{
    alb_mutex_lock(&p->mtx);
    alb_purge_notes_count(&p->notes, number);
    alb_mutex_unlock(&p->mtx);
}

void alb_purges_looked(struct alb_purges *p, uint64_t up_to)
{
    uint64_t number;
    int64_t files;
    bool due = true;

    while (due) {
        unsigned char record[RECORD_MAX];
        alb_mutex_lock(&p->mtx);
        due = alb_purge_notes_due(&p->notes, up_to, &number, &files);
        alb_mutex_unlock(&p->mtx);
        if (!due)
            return;
        int64_t told = files > LOOKED_FILES_MAX ? LOOKED_FILES_MAX : files;
        size_t n = encode(LOOKED, ALB_STR_NONE, (int64_t)((number - p->base) / STEP << 40) | told, record);
        /* No sync: it is only told. Of what stood in the file that this one replaced nothing is written. */
        bool written = number > p->base && write_records(p, record, n, NULL) == ALB_OK;
        alb_mutex_lock(&p->mtx);
        if (written)
            alb_ignore(follow_locked(p, NULL), "the next question tries again");
        else
            alb_purge_notes_done(&p->notes, number, files);
        alb_mutex_unlock(&p->mtx);
    }
}

enum alb_code alb_purges_recent(struct alb_purges *p, struct alb_arena *a, struct alb_purge_told **list,
                                size_t *count, struct alb_err *err)
{
    *count = 0;
    *list = alb_arena_calloc(a, ALB_PURGES_RECENT, sizeof(**list));
    if (*list == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for the purges");
    follow(p);
    alb_mutex_lock(&p->mtx);
    for (size_t i = p->notes.count; i > 0; i--) {
        const struct alb_purge_note *note = &p->notes.list[i - 1];
        struct alb_purge_told *told = &(*list)[(*count)++];
        *told = note->told;
        told->files += note->fresh;
        told->label = alb_arena_str(a, note->told.label);
        told->by = alb_arena_str(a, note->told.by);
    }
    alb_mutex_unlock(&p->mtx);
    return alb_arena_code(a) == ALB_OK ? ALB_OK : alb_fail(err, alb_arena_code(a), "no room for the purges");
}

/* ---- open and close ---- */

/* Numbers go on where they cannot have been before, if the clock is about right. */
static enum alb_code make(const struct alb_purges_config *c, uint64_t base, unsigned how, struct alb_err *err)
{
    struct alb_publish f;
    unsigned char head[STEP];

    memcpy(head, MAGIC, 8);
    alb_purges_put_le(head + 8, base, 8);
    enum alb_code code = alb_publish_begin(&f, c->tmp_dirfd, err);
    if (code == ALB_OK)
        code = alb_fs_write_all(f.fd, head, sizeof(head), err);
    if (code == ALB_OK)
        code = alb_publish_commit(&f, c->dirfd, NAME, ALB_PUBLISH_DURABLE | how, NULL, NULL, err);
    alb_publish_end(&f);
    if (code != ALB_E_CONFLICT)
        return code;
    alb_err_clear(err); /* another process was faster */
    return ALB_OK;
}

static enum alb_code open_named(struct alb_purges *p, const struct alb_purges_config *c, struct alb_err *err)
{
    enum alb_code code = alb_fs_open(c->dirfd, NAME, O_RDWR | O_APPEND | O_NOFOLLOW, 0, &p->fd, err);

    if (code != ALB_OK &&
        (err->sys == EROFS || err->sys == EACCES)) { /* what was purged holds; no more can be */
        alb_err_clear(err);
        code = alb_fs_open(c->dirfd, NAME, O_RDONLY | O_NOFOLLOW, 0, &p->fd, err);
    }
    return code;
}

static enum alb_code open_file(struct alb_purges *p, const struct alb_purges_config *c, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    unsigned char head[STEP];
    size_t got = 0;
    uint64_t fresh = (uint64_t)alb_wall(c->clock) << 16;
    enum alb_code code = open_named(p, c, &why);

    if (code == ALB_E_NOT_FOUND) {
        code = make(c, fresh, ALB_PUBLISH_LINK, err);
        if (code == ALB_OK)
            code = open_named(p, c, err);
    } else if (code != ALB_OK) {
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    }
    if (code == ALB_OK)
        code = alb_fs_pread_all(p->fd, head, STEP, 0, &got, err);
    if (code != ALB_OK)
        return code;
    p->base = alb_purges_get_le(head + 8, 8);
    if (got == STEP && memcmp(head, MAGIC, 8) == 0)
        return ALB_OK;
    alb_log_event(ALB_LOG_ERROR, "the list of purges is damaged: everything older is made again");
    alb_fs_close(&p->fd);
    code = make(c, fresh, ALB_PUBLISH_REPLACE, err);
    if (code == ALB_OK)
        code = open_named(p, c, err);
    p->base = fresh;
    return code == ALB_OK ? append(p, PREFIX, ALB_STR_NONE, alb_wall(c->clock), err) : code;
}

/* A long list of what has been done with, while nobody else has it open: begun anew. */
static void shrink(struct alb_purges *p, const struct alb_purges_config *c)
{
    uint64_t base = p->base + (uint64_t)p->at;

    if (p->at > SHRINK_FROM && p->wholes + p->prefix_count == 0 && flock(p->fd, LOCK_EX | LOCK_NB) == 0 &&
        make(c, base, ALB_PUBLISH_REPLACE, NULL) == ALB_OK) {
        struct alb_err err = ALB_ERR_INIT;
        alb_fs_close(&p->fd);
        if (open_named(p, c, &err) == ALB_OK)
            p->base = base;
        p->at = STEP;
        atomic_store(&p->seen, p->at);
    }
    alb_ignore(flock(p->fd, LOCK_SH | LOCK_NB) != 0,
               "then nobody sees that we are here, and a list is not shortened");
}

enum alb_code alb_purges_open(const struct alb_purges_config *config, struct alb_purges **out,
                              struct alb_err *err)
{
    struct alb_purges *p = alb_mem_calloc(1, sizeof(*p));

    *out = p;
    if (p == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the list of purges");
    p->fd = -1;
    p->clock = config->clock;
    p->shared = config->shared;
    p->at = STEP;
    alb_mutex_init(&p->mtx, ALB_LOCK_CACHE_PURGES);
    p->table = alb_mem_calloc(TABLE, sizeof(*p->table));
    enum alb_code code = p->table != NULL ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for purges");
    if (code == ALB_OK)
        code = open_file(p, config, err);
    if (code == ALB_OK) {
        alb_mutex_lock(&p->mtx);
        p->now = p->base;
        code = follow_locked(p, err);
        if (code == ALB_OK)
            shrink(p, config);
        alb_mutex_unlock(&p->mtx);
    }
    if (code != ALB_OK)
        alb_purges_close(out);
    return code;
}

void alb_purges_close(struct alb_purges **purges)
{
    struct alb_purges *p = *purges;

    *purges = NULL;
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->prefix_count; i++)
        alb_mem_free(p->prefixes[i].text);
    alb_purge_notes_fini(&p->notes);
    alb_mem_free(p->table);
    alb_fs_close(&p->fd);
    alb_mutex_fini(&p->mtx);
    alb_mem_free(p);
}
