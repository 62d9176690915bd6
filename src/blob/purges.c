/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of purges (contract: purges.h). Its file: a head of 16 bytes ("ALP2", u32 low half of the XXH3-64 of the
 * base, u64 base), then records in multiples of 16 bytes, appended:
 *
 *   0 u32 low half of XXH3-64 of what follows   4 u16 length of the text   6 u8 kind   7 u8 'P'
 *   8 i64 wall ms (RETIRED: a number; LOOKED: files removed, and << 40 the place behind the record / 16)
 *  16 text (KEPT: u64 number, and behind it u64 hash of the label, or the beginning), zeros to a multiple of 16
 *
 * The number of a purge is base + the place behind its record, so the order of appending is the order of numbers, for
 * all processes; one that was taken over from an older file (KEPT) says its number. In memory whole
 * labels are hashes (two that are equal purge too much), beginnings are texts.
 */
#include "blob/purges_priv.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"

#define STEP ALB_PURGES_STEP
#define RECORD_MAX ALB_PURGES_RECORD_MAX
#define NUMBER_LEN 8
#define LOOKED_FILES_MAX (((int64_t)1 << 40) - 1)
#define TABLE ALB_PURGES_TABLE
#define TRIES 3

/* BY: who asks for the purge of the next record. LOOKED: the files that the purge of that record touches were looked
 * for; one piece of a disk, so that a full one cannot cut it. */
#define WHOLE ALB_PURGES_WHOLE
#define PREFIX ALB_PURGES_PREFIX
#define RETIRED ALB_PURGES_RETIRED
#define BY ALB_PURGES_BY
#define LOOKED ALB_PURGES_LOOKED

/* ---- in memory; the lock is held ---- */

static uint64_t hash_of(struct alb_str label)
{
    char room[ALB_LABEL_MAX];

    label = alb_label_shorten(label, room);
    return alb_xxh3(label.p, label.n);
}

static struct alb_purge *place_of(struct alb_purges *p, uint64_t hash)
{
    size_t i = (size_t)hash % TABLE;

    while (p->table[i].number != 0 && p->table[i].hash != hash)
        i = (i + 1) % TABLE;
    return &p->table[i];
}

/* What is older says nothing beside it: so damage, which is many of them, takes the room of one. */
static void add_everything(struct alb_purges *p, uint64_t number, int64_t wall_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->prefix_count; i++) {
        uint64_t other = p->prefixes[i].number;
        if (other > number && kept + 1 < ALB_PURGE_PREFIXES_MAX) {
            p->prefixes[kept++] = p->prefixes[i];
            continue;
        }
        alb_mem_free(p->prefixes[i].text);
        number = other > number ? other : number;
    }
    p->prefixes[kept] = (struct alb_purge_prefix){.number = number, .wall_ms = wall_ms};
    p->prefix_count = kept + 1;
    if (number >= p->now && p->wholes > 0) {
        memset(p->table, 0, TABLE * sizeof(*p->table));
        p->wholes = 0;
    }
}

static void add_prefix(struct alb_purges *p, struct alb_str text, uint64_t number, int64_t wall_ms)
{
    bool room = text.n > 0 && p->prefix_count < ALB_PURGE_PREFIXES_MAX;
    char *copy = room ? alb_mem_alloc(text.n) : NULL;

    if (copy == NULL) { /* without room, too */
        add_everything(p, number, wall_ms);
        return;
    }
    memcpy(copy, text.p, text.n);
    p->prefixes[p->prefix_count++] = (struct alb_purge_prefix){copy, text.n, number, wall_ms};
}

static void add_whole(struct alb_purges *p, uint64_t hash, uint64_t number, int64_t wall_ms)
{
    if (p->wholes >= ALB_PURGES_MAX) {
        add_prefix(p, ALB_STR(""), number, wall_ms);
        return;
    }
    struct alb_purge *at = place_of(p, hash);
    p->wholes += at->number == 0;
    *at = (struct alb_purge){hash, number, wall_ms};
}

void alb_purges_everything_locked(struct alb_purges *p, uint64_t number) ALB_NO_LOCK_ANALYSIS
{
    alb_mutex_assert_held(&p->mtx);
    add_prefix(p, ALB_STR(""), number, alb_wall(p->clock));
    atomic_store(&p->any, true);
}

void alb_purges_forget_locked(struct alb_purges *p, uint64_t number)
{
    struct alb_purge *old = p->table;
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
    struct alb_purge *table = alb_mem_calloc(TABLE, sizeof(*table));
    if (table == NULL)
        return; /* they stay in force a little longer */
    p->table = table;
    p->wholes = 0;
    for (size_t i = 0; i < TABLE; i++)
        if (old[i].number > number)
            add_whole(p, old[i].hash, old[i].number, old[i].wall_ms);
    alb_mem_free(old);
    atomic_store(&p->any, p->wholes + p->prefix_count > 0);
}

/* ---- the file ---- */

static size_t record_size(size_t text_n)
{
    return STEP + (text_n + STEP - 1) / STEP * STEP;
}

size_t alb_purges_encode(enum alb_purges_kind kind, struct alb_str text, int64_t value,
                         unsigned char out[RECORD_MAX])
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
    if (n < STEP || p[7] != 'P' || p[6] < WHOLE || p[6] > ALB_PURGES_KEPT_PREFIX ||
        alb_purges_get_le(p + 4, 2) > ALB_LABEL_MAX)
        return 0;
    size_t size = record_size((size_t)alb_purges_get_le(p + 4, 2));
    return size <= n && alb_purges_get_le(p, 4) == (uint32_t)alb_xxh3(p + 4, size - 4) ? size : 0;
}

/* One that is known already stays as it is. */
static void apply_kept(struct alb_purges *p, bool whole, struct alb_str text, int64_t wall_ms)
{
    const unsigned char *bytes = (const unsigned char *)text.p;

    if (text.n < NUMBER_LEN || (whole && text.n != 2 * NUMBER_LEN))
        return;
    uint64_t number = alb_purges_get_le(bytes, NUMBER_LEN);
    if (whole) {
        uint64_t hash = alb_purges_get_le(bytes + NUMBER_LEN, NUMBER_LEN);
        if (place_of(p, hash)->number < number)
            add_whole(p, hash, number, wall_ms);
        return;
    }
    for (size_t i = 0; i < p->prefix_count; i++)
        if (p->prefixes[i].number == number)
            return;
    add_prefix(p, alb_str_from(text, NUMBER_LEN), number, wall_ms);
}

static void apply(struct alb_purges *p, const unsigned char *r, uint64_t number)
{
    struct alb_str text = alb_str_n((const char *)r + STEP, (size_t)alb_purges_get_le(r + 4, 2));
    int64_t value = (int64_t)alb_purges_get_le(r + 8, 8);

    if (r[6] == RETIRED) {
        if ((uint64_t)value > p->offered)
            p->offered = (uint64_t)value;
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
    if (r[6] == ALB_PURGES_KEPT_WHOLE || r[6] == ALB_PURGES_KEPT_PREFIX) {
        apply_kept(p, r[6] == ALB_PURGES_KEPT_WHOLE, text, value);
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
enum alb_code alb_purges_follow_locked(struct alb_purges *p, struct alb_err *err) ALB_NO_LOCK_ANALYSIS
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
    int fd = atomic_load(&p->fd);
    off_t size = 0;

    /* Nobody needs its position (it is added to, and read at places that are named), and this takes less than fstat:
     * every answer from memory asks. */
    if (!p->shared ||
        (fd >= 0 && ((size = lseek(fd, 0, SEEK_END)) < 0 || size == atomic_load(&p->seen))))
        return;
    alb_mutex_lock(&p->mtx);
    if (alb_purges_is_lost(p))
        alb_ignore(alb_purges_load_locked(p, NULL), "the next question tries again");
    else if (!alb_purges_is_broken(p))
        alb_ignore(alb_purges_follow_locked(p, NULL), "the next question tries again");
    alb_mutex_unlock(&p->mtx);
}

void alb_purges_note(struct alb_purges *p, enum alb_code code, int sys)
{
    bool is = code != ALB_OK && sys != 0;

    if (!is && code != ALB_OK)
        return; /* that says nothing of the disk */
    alb_mutex_lock(&p->mtx);
    bool was = p->fault != 0;
    if (is && !was)
        p->fault_since_ms = alb_wall(p->clock);
    p->fault = is ? sys : 0;
    alb_mutex_unlock(&p->mtx);
    if (is != was)
        alb_stat_add(ALB_STAT_CACHE_FAULTY, is ? 1 : -1);
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

static enum alb_code append(struct alb_purges *p, enum alb_purges_kind kind, struct alb_str text, int64_t value,
                            struct alb_err *err)
{
    unsigned char record[RECORD_MAX];
    enum alb_code code = write_records(p, record, alb_purges_encode(kind, text, value, record), err);

    return code == ALB_OK ? alb_fs_sync(p->fd, err) : code;
}

static enum alb_code append_purge(struct alb_purges *p, enum alb_purges_kind kind, struct alb_str label,
                                  struct alb_str by, struct alb_err *err)
{
    unsigned char records[2 * RECORD_MAX];
    size_t n = alb_purges_encode(BY, alb_purge_by_cut(by), 0, records);

    n += alb_purges_encode(kind, label, alb_wall(p->clock), records + n);
    enum alb_code code = write_records(p, records, n, err);
    return code == ALB_OK ? alb_fs_sync(p->fd, err) : code;
}

/* Whether there is room for one more; which file it goes to. */
static enum alb_code find_room(struct alb_purges *p, unsigned *generation, struct alb_err *err)
{
    enum alb_code code = alb_purges_ready(p, err);

    if (code != ALB_OK)
        return code;
    follow(p);
    alb_mutex_lock(&p->mtx);
    bool full = p->wholes >= ALB_PURGES_MAX || p->prefix_count >= ALB_PURGE_PREFIXES_MAX ||
                p->at >= ALB_PURGES_FILE_MAX;
    *generation = p->generation;
    alb_mutex_unlock(&p->mtx);
    return full ? alb_fail(err, ALB_E_BUSY, "too many purges are in force; they are done with in about an hour")
                : ALB_OK;
}

/* What was just appended is read. Where it is not found, somebody has cut the file off in that moment. */
static enum alb_code see_own(struct alb_purges *p, bool *again, struct alb_err *err)
{
    uint64_t before = p->now;
    enum alb_code code = alb_purges_follow_locked(p, err);

    *again = code == ALB_OK && p->now == before;
    if (*again)
        alb_purges_break_locked(p);
    return code;
}

/* The writer's lock is held. What was written into a file that has lost its name meanwhile is written again. */
static enum alb_code add_record(struct alb_purges *p, struct alb_str label, bool prefix, struct alb_str by,
                                uint64_t *number, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    bool again = true;

    for (int i = 0; i < TRIES && again && code == ALB_OK; i++) {
        char room[ALB_LABEL_MAX];
        unsigned generation;
        code = find_room(p, &generation, err);
        if (code != ALB_OK)
            return code;
        alb_purges_hold(p);
        code = prefix ? append_purge(p, PREFIX, label, by, err)
                      : append_purge(p, WHOLE, alb_label_shorten(label, room), by, err);
        alb_mutex_lock(&p->mtx);
        again = alb_purges_is_lost(p) || p->generation != generation || alb_purges_is_broken(p);
        if (!again && code == ALB_OK)
            code = see_own(p, &again, err);
        *number = p->now;
        alb_mutex_unlock(&p->mtx);
        alb_purges_let_go(p);
    }
    return code == ALB_OK && again ? alb_fail(err, ALB_E_BUSY, "the list of purges changes too often") : code;
}

/* ---- questions ---- */

enum alb_code alb_purges_add(struct alb_purges *p, struct alb_str label, bool prefix, struct alb_str by,
                             uint64_t *number, struct alb_err *err)
{
    *number = 0;
    if (label.n == 0 || (prefix && label.n > ALB_LABEL_MAX - ALB_LABEL_CUT_HEX - 1))
        return alb_fail(err, ALB_E_INVALID, "a purge needs a text of at most %d bytes",
                        ALB_LABEL_MAX - ALB_LABEL_CUT_HEX - 2);
    struct alb_err why = ALB_ERR_INIT;
    alb_mutex_lock(&p->writer);
    enum alb_code code = add_record(p, label, prefix, by, number, &why);
    alb_purges_note(p, code, why.sys);
    alb_mutex_unlock(&p->writer);
    if (code != ALB_OK)
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    alb_stat_inc(ALB_STAT_CACHE_PURGES);
    return ALB_OK;
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
    const struct alb_purge *whole = place_of(p, hash_of(label));
    bool every = alb_str_eq_c(label, ALB_LABEL_ANY);
    uint64_t newest = every ? p->now : whole->number;

    for (size_t i = 0; i < p->prefix_count; i++) {
        const struct alb_purge_prefix *f = &p->prefixes[i];
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

    alb_mutex_lock(&p->writer);
    if (alb_purges_ready(p, &err) == ALB_OK &&
        append(p, RETIRED, ALB_STR_NONE, (int64_t)number, &err) == ALB_OK) { /* else the next pass tries again */
        alb_mutex_lock(&p->mtx);
        alb_ignore(alb_purges_follow_locked(p, NULL), "the next question tries again");
        alb_purges_forget_locked(p, number);
        alb_mutex_unlock(&p->mtx);
        alb_purges_shrink(p);
    }
    alb_mutex_unlock(&p->writer);
}

void alb_purges_forget(struct alb_purges *p)
{
    alb_mutex_lock(&p->mtx);
    alb_purges_forget_locked(p, p->offered);
    alb_mutex_unlock(&p->mtx);
}

/* Only while there is a fault: a record that says nothing, as durable as any. */
static enum alb_code try_disk(struct alb_purges *p, struct alb_err *err)
{
    enum alb_code code = append(p, RETIRED, ALB_STR_NONE, 0, err);

    if (code != ALB_OK)
        return code;
    alb_mutex_lock(&p->mtx);
    code = alb_purges_follow_locked(p, err);
    alb_mutex_unlock(&p->mtx);
    return code;
}

void alb_purges_tend(struct alb_purges *p)
{
    struct alb_err err = ALB_ERR_INIT;

    alb_mutex_lock(&p->writer);
    enum alb_code code = alb_purges_ready(p, &err);
    if (code == ALB_OK && alb_purges_look(p).fault != 0)
        code = try_disk(p, &err);
    alb_purges_note(p, code, err.sys);
    alb_purges_shrink(p);
    alb_mutex_unlock(&p->writer);
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
    struct alb_purges_view v = {.now = p->now,
                                .retired = p->retired,
                                .offered = p->offered,
                                .in_force = p->wholes + p->prefix_count,
                                .writable = p->writable,
                                .fault = p->fault,
                                .fault_since_ms = p->fault_since_ms};
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

/* No sync: it is only told. Of what stood in the file that this one replaced nothing is written. */
static bool write_looked(struct alb_purges *p, uint64_t number, int64_t files)
{
    unsigned char record[RECORD_MAX];
    int64_t told = files > LOOKED_FILES_MAX ? LOOKED_FILES_MAX : files;

    if (alb_purges_ready(p, NULL) != ALB_OK)
        return false;
    alb_mutex_lock(&p->mtx);
    uint64_t base = p->base;
    alb_mutex_unlock(&p->mtx);
    if (number <= base)
        return false;
    size_t n = alb_purges_encode(LOOKED, ALB_STR_NONE, (int64_t)((number - base) / STEP << 40) | told, record);
    return write_records(p, record, n, NULL) == ALB_OK;
}

void alb_purges_looked(struct alb_purges *p, uint64_t up_to)
{
    uint64_t number;
    int64_t files;
    bool due = true;

    alb_mutex_lock(&p->writer);
    while (due) {
        alb_mutex_lock(&p->mtx);
        due = alb_purge_notes_due(&p->notes, up_to, &number, &files);
        alb_mutex_unlock(&p->mtx);
        if (!due)
            break;
        bool written = write_looked(p, number, files);
        alb_mutex_lock(&p->mtx);
        if (written)
            alb_ignore(alb_purges_follow_locked(p, NULL), "the next question tries again");
        else
            alb_purge_notes_done(&p->notes, number, files);
        alb_mutex_unlock(&p->mtx);
    }
    alb_mutex_unlock(&p->writer);
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
