/* SPDX-License-Identifier: Apache-2.0
 *
 * Durable notifications. With a spool, tell writes each event into a file before it returns, and the loop
 * takes its work from the folder alone: what a crash interrupts is told again after the restart (at least
 * once), and what fails is tried again later, with growing pauses, until it has been tried TRIES_MAX times.
 *
 *   .t<seq>          being written            <seq>-<tries>    waits; <seq> and <tries> in hex
 *
 * A file is renamed when it fails, and its time of modification is when its next try is due; so the whole
 * state is in the folder. It is read once, at the start: from then on the names are known, for a folder that
 * has filled while nobody listened is too large to be looked through between two questions.
 * What cannot be read is kept, like what failed; only what is damaged is given up.
 * Contents: one line of text, then id, headers and event, as the line says.
 * Threads: put from any; all else on the loop's. Lock: HOOKS, for the list of names; never while it reads or
 * writes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "hooks/priv.h"

#define FILES_MAX 100000
#define FILE_MAX ((size_t)3 * 1024 * 1024)
#define LINE_MAX_BYTES 256
#define FILL_MAX 256
#define TRIES_MAX 20
#define PAUSE_FIRST_MS 5000
#define PAUSE_MAX_MS (3600 * 1000)
#define NAME_BYTES 40

static void name_of(const struct alb_spool_entry *e, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "%016llx-%x", (unsigned long long)e->seq, e->tries);
}

static bool parse_name(const char *name, struct alb_spool_entry *e)
{
    struct alb_str seq, tries;
    uint64_t n;
    if (!alb_str_cut(alb_str_c(name), '-', &seq, &tries) || seq.n != 16 || !alb_str_hex_u64(seq, &e->seq) ||
        !alb_str_hex_u64(tries, &n) || n > TRIES_MAX)
        return false;
    e->tries = (unsigned)n;
    return true;
}

/* ---- the list ---- */

static int compare(const void *a, const void *b)
{
    const struct alb_spool_entry *x = a, *y = b;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return x->tries < y->tries ? -1 : x->tries > y->tries;
}

/* False: no memory. It comes after all others, or the list is sorted later. */
static bool append_locked(struct alb_hooks *h, const struct alb_spool_entry *e)
{
    if (h->spooled_count == h->spooled_room) {
        size_t room = h->spooled_room > 0 ? 2 * h->spooled_room : FILL_MAX;
        struct alb_spool_entry *p = alb_mem_realloc(h->spooled, room * sizeof(*p));
        if (!p)
            return false;
        h->spooled = p;
        h->spooled_room = room;
    }
    h->spooled[h->spooled_count++] = *e;
    return true;
}

static struct alb_spool_entry *find_locked(struct alb_hooks *h, const struct alb_spool_entry *e)
{
    struct alb_spool_entry *found = bsearch(e, h->spooled, h->spooled_count, sizeof(*e), compare);
    ALB_CHECK(found && found->taken); /* by the caller */
    return found;
}

static void forget(struct alb_hooks *h, const struct alb_spool_entry *e)
{
    alb_mutex_lock(&h->mtx);
    struct alb_spool_entry *at = find_locked(h, e), *end = h->spooled + h->spooled_count--;
    memmove(at, at + 1, (size_t)(end - at - 1) * sizeof(*at));
    alb_mutex_unlock(&h->mtx);
}

/* It waits (again). */
static void put_back(struct alb_hooks *h, const struct alb_spool_entry *e, unsigned tries, int64_t due)
{
    alb_mutex_lock(&h->mtx);
    struct alb_spool_entry *at = find_locked(h, e);
    at->tries = tries;
    at->due = due;
    at->taken = false;
    alb_mutex_unlock(&h->mtx);
}

static void drop(struct alb_hooks *h, const struct alb_spool_entry *e)
{
    char name[NAME_BYTES];
    name_of(e, name);
    alb_ignore(alb_fs_unlink(h->spool, name, NULL), "it would be told once more");
    forget(h, e);
}

/* ---- opening ---- */

/* When its next try is. A clock that was set back must not put it off for ever. */
static int64_t due_of(struct alb_hooks *h, const char *name, const struct alb_spool_entry *e)
{
    struct stat st;
    int64_t now = alb_hooks_now();
    if (e->tries == 0 || fstatat(h->spool, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return now;
    int64_t left =
        (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 - alb_wall(alb_clock_real());
    left = left < 0 ? 0 : left > PAUSE_MAX_MS ? PAUSE_MAX_MS : left;
    return alb_deadline(now, left * ALB_NS_PER_MS);
}

static enum alb_code read_folder(struct alb_hooks *h, struct alb_err *err)
{
    int fd = dup(h->spool);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *d;
    bool ok = true;
    if (!dir) {
        alb_fs_close(&fd);
        return alb_fail_sys(err, ALB_E_IO, errno, "the folder of hooks cannot be read");
    }
    rewinddir(dir);
    while (ok && (d = readdir(dir)) != NULL) { /* NOLINT: the stream is ours alone */
        struct alb_spool_entry e = {.taken = false};
        if (strncmp(d->d_name, ".t", 2) == 0)
            (void)unlinkat(h->spool, d->d_name,
                           0); /* a crash came before it was whole, and so was told to nobody */
        if (!parse_name(d->d_name, &e))
            continue;
        e.due = due_of(h, d->d_name, &e);
        ok = append_locked(h, &e); /* nobody else knows the room yet */
        if (e.seq >= h->spool_seq)
            h->spool_seq = e.seq + 1;
    }
    (void)closedir(dir);
    if (!ok)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the stored events of hooks");
    if (h->spooled_count > 0)
        qsort(h->spooled, h->spooled_count, sizeof(*h->spooled), compare);
    return ALB_OK;
}

enum alb_code alb_spool_open(struct alb_hooks *h, int dirfd, const char *folder, struct alb_err *err)
{
    h->spool_seq = 1;
    atomic_store(&h->spool_news, true);
    enum alb_code code = alb_fs_mkdirs(dirfd, folder, 0700, err);
    if (code == ALB_OK)
        code = alb_fs_open(dirfd, folder, O_RDONLY | O_DIRECTORY, 0, &h->spool, err);
    return code == ALB_OK ? read_folder(h, err) : code;
}

/* ---- writing ---- */

static void put_run(const struct alb_hook_run *run, struct alb_buf *out)
{
    struct alb_buf rest = ALB_BUF_INIT(FILE_MAX);
    alb_buf_str(&rest, alb_buf_view(&run->id));
    alb_buf_str(&rest, alb_buf_view(&run->headers));
    alb_buf_str(&rest, alb_bytes_view(run->event));
    struct alb_str v = alb_buf_view(&rest);
    alb_buf_printf(out, "albumen-hook 1 %s %lld %lld %zu %zu %zu %016llx\n", alb_hook_name(run->type),
                   (long long)run->size, (long long)run->offset, run->id.n, run->headers.n, run->event->n,
                   (unsigned long long)alb_xxh3(v.p, v.n));
    alb_buf_str(out, v);
    if (alb_buf_code(&rest) != ALB_OK)
        out->code = alb_buf_code(&rest);
    alb_buf_fini(&rest);
}

static enum alb_code write_file(struct alb_hooks *h, const char *temporary, const char *name,
                                struct alb_str text, struct alb_err *err)
{
    int fd = -1;
    enum alb_code code = alb_fs_open(h->spool, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, err);
    if (code == ALB_OK)
        code = alb_fs_write_all(fd, text.p, text.n, err);
    if (code == ALB_OK)
        code = alb_fs_datasync(fd, err);
    alb_fs_close(&fd);
    if (code == ALB_OK)
        code = alb_fs_rename(h->spool, temporary, h->spool, name, err);
    if (code == ALB_OK)
        code = alb_fs_sync_dir(h->spool, err);
    if (code != ALB_OK)
        (void)unlinkat(h->spool, temporary, 0);
    return code;
}

/* A place in the list, before there is a file. */
static bool reserve(struct alb_hooks *h, struct alb_spool_entry *e)
{
    alb_mutex_lock(&h->mtx);
    *e = (struct alb_spool_entry){.seq = h->spool_seq, .taken = true};
    bool ok = h->spooled_count < FILES_MAX && append_locked(h, e);
    if (ok)
        h->spool_seq++;
    alb_mutex_unlock(&h->mtx);
    return ok;
}

bool alb_spool_put(struct alb_hook_run *run)
{
    struct alb_hooks *h = run->room;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_spool_entry e;
    char temporary[NAME_BYTES], name[NAME_BYTES];
    if (!reserve(h, &e))
        return false;
    struct alb_buf text = ALB_BUF_INIT(FILE_MAX);
    put_run(run, &text);
    (void)snprintf(temporary, sizeof(temporary), ".t%016llx", (unsigned long long)e.seq);
    name_of(&e, name);
    enum alb_code code = alb_buf_code(&text);
    if (code == ALB_OK)
        code = write_file(h, temporary, name, alb_buf_view(&text), &err);
    alb_buf_fini(&text);
    if (code != ALB_OK) {
        forget(h, &e);
        alb_log_err("a hook's event cannot be stored", &err);
        return false;
    }
    run->seq = e.seq;
    return true;
}

void alb_spool_release(struct alb_hook_run *run, bool tell)
{
    struct alb_hooks *h = run->room;
    struct alb_spool_entry e = {.seq = run->seq, .tries = 0};
    if (!tell) {
        drop(h, &e);
        return;
    }
    put_back(h, &e, 0, alb_hooks_now());
    atomic_store(&h->spool_news, true);
}

/* ---- reading ---- */

static bool take_word(struct alb_str *line, struct alb_str *word)
{
    return alb_str_next(line, ' ', word);
}

static bool take_size(struct alb_str *line, size_t *n)
{
    struct alb_str word;
    uint64_t v;
    if (!take_word(line, &word) || !alb_str_u64(word, &v) || v > FILE_MAX)
        return false;
    *n = (size_t)v;
    return true;
}

static bool take_i64(struct alb_str *line, int64_t *v)
{
    struct alb_str word;
    return take_word(line, &word) && alb_str_i64(word, v);
}

struct line {
    enum alb_hook_type type;
    int64_t size, offset;
    size_t id, headers, event;
    uint64_t sum;
};

static bool parse_line(struct alb_str text, struct line *l)
{
    struct alb_str word;
    if (text.n > LINE_MAX_BYTES || !take_word(&text, &word) || !alb_str_eq_c(word, "albumen-hook") ||
        !take_word(&text, &word) || !alb_str_eq_c(word, "1") || !take_word(&text, &word))
        return false;
    return alb_hook_parse(word, &l->type) && take_i64(&text, &l->size) && take_i64(&text, &l->offset) &&
           take_size(&text, &l->id) && take_size(&text, &l->headers) && take_size(&text, &l->event) &&
           take_word(&text, &word) && alb_str_hex_u64(word, &l->sum);
}

/* A run out of a file's text. INVALID: it is damaged. */
static enum alb_code make_run(struct alb_hooks *h, struct alb_str text, struct alb_hook_run **out)
{
    struct alb_str first, rest;
    struct line l;
    *out = NULL;
    if (!alb_str_cut(text, '\n', &first, &rest) || !parse_line(first, &l) ||
        l.id + l.headers + l.event != rest.n || alb_xxh3(rest.p, rest.n) != l.sum)
        return ALB_E_INVALID;
    struct alb_hook_run *run = alb_hook_run_new(h, l.type, ALB_LANE_TELL, l.size, l.offset);
    if (!run)
        return ALB_E_NO_MEMORY;
    alb_buf_str(&run->id, alb_str_sub(rest, 0, l.id));
    alb_buf_str(&run->headers, alb_str_sub(rest, l.id, l.headers));
    run->event = alb_bytes_copy(rest.p + l.id + l.headers, l.event);
    if (!run->event || alb_buf_code(&run->id) != ALB_OK || alb_buf_code(&run->headers) != ALB_OK) {
        alb_hook_run_unref(run);
        return ALB_E_NO_MEMORY;
    }
    *out = run;
    return ALB_OK;
}

/* Its next try is after a pause, that grows with them. `count`: this was one. */
static void retry_later(struct alb_hooks *h, const struct alb_spool_entry *e, bool count)
{
    struct alb_spool_entry after = {.seq = e->seq, .tries = e->tries + (count ? 1 : 0)};
    char from[NAME_BYTES], to[NAME_BYTES];
    int64_t pause = PAUSE_FIRST_MS;
    for (unsigned i = 0; i < e->tries && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    pause = pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause;
    int64_t due = alb_wall(alb_clock_real()) + pause;
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000}};
    name_of(e, from);
    name_of(&after, to);
    bool noted = utimensat(h->spool, from, times, 0) == 0 &&
                 (!count || alb_fs_rename(h->spool, from, h->spool, to, NULL) == ALB_OK);
    if (!noted)
        alb_log(ALB_LOG_WARN, "the next try of a hook cannot be noted", ALB_LOG_C("file", from));
    int64_t next = alb_deadline(alb_hooks_now(), pause * ALB_NS_PER_MS);
    put_back(h, e, noted ? after.tries : e->tries, next);
    h->spool_next = next < h->spool_next ? next : h->spool_next;
}

static struct alb_hook_run *load(struct alb_hooks *h, const struct alb_spool_entry *e)
{
    char name[NAME_BYTES], *text = NULL;
    size_t n = 0;
    struct alb_hook_run *run = NULL;
    struct alb_err err = ALB_ERR_INIT;
    name_of(e, name);
    enum alb_code code = alb_fs_read_file(h->spool, name, FILE_MAX, &text, &n, &err);
    if (code == ALB_OK && (code = make_run(h, alb_str_n(text, n), &run)) == ALB_E_NO_MEMORY)
        (void)alb_fail(&err, code, "no memory for the stored event of a hook");
    alb_mem_free(text);
    if (run) {
        run->spooled = true;
        run->seq = e->seq;
        run->tries = e->tries;
    } else if (code == ALB_E_INVALID || code == ALB_E_TOO_LARGE) {
        alb_log(ALB_LOG_ERROR, "the stored event of a hook is damaged and is not told",
                ALB_LOG_C("file", name));
        drop(h, e);
    } else if (code == ALB_E_NOT_FOUND) {
        alb_log(ALB_LOG_ERROR, "the stored event of a hook was removed and is not told",
                ALB_LOG_C("file", name));
        forget(h, e);
    } else {
        alb_log_err("the stored event of a hook cannot be read now", &err);
        retry_later(h, e, e->tries + 1 < TRIES_MAX); /* it is not the hook's fault: never given up */
    }
    return run;
}

/* Takes the oldest that are due, at most FILL_MAX, in order. *more: there may be others; *next: when one is. */
static size_t collect(struct alb_hooks *h, struct alb_spool_entry list[FILL_MAX], int64_t now, bool *more,
                      int64_t *next)
{
    size_t n = 0;
    *next = ALB_NEVER;
    alb_mutex_lock(&h->mtx);
    for (size_t i = 0; i < h->spooled_count && n < FILL_MAX; i++) {
        struct alb_spool_entry *e = &h->spooled[i];
        if (e->taken)
            continue;
        if (e->due > now) {
            *next = e->due < *next ? e->due : *next;
            continue;
        }
        e->taken = true;
        list[n++] = *e;
    }
    alb_mutex_unlock(&h->mtx);
    *more = n == FILL_MAX;
    return n;
}

void alb_spool_fill(struct alb_hooks *h, int64_t now)
{
    struct alb_hook_queue *q = &h->lanes[ALB_LANE_TELL];
    struct alb_spool_entry list[FILL_MAX];
    bool more;
    if (q->waiting || (now < h->spool_next && !atomic_load(&h->spool_news)))
        return;
    atomic_store(&h->spool_news, false); /* before the look: who comes later is news again */
    size_t n = collect(h, list, alb_hooks_now(), &more, &h->spool_next);
    if (more)
        atomic_store(&h->spool_news, true);
    for (size_t i = 0; i < n; i++) {
        struct alb_hook_run *run = load(h, &list[i]);
        if (!run)
            continue;
        *q->waiting_end = run;
        q->waiting_end = &run->next;
    }
}

/* ---- ends ---- */

void alb_spool_ended(struct alb_hook_run *run, enum alb_code code)
{
    struct alb_spool_entry e = {.seq = run->seq, .tries = run->tries};
    if (code == ALB_E_CANCELLED) /* closing: it waits for the next start */
        return;
    if (code == ALB_OK) {
        drop(run->room, &e);
    } else if (run->tries + 1 >= TRIES_MAX) {
        alb_log(ALB_LOG_ERROR, "a hook failed too often and is given up",
                ALB_LOG_C("type", alb_hook_name(run->type)), ALB_LOG_STR("id", alb_buf_view(&run->id)));
        drop(run->room, &e);
    } else {
        retry_later(run->room, &e, true);
    }
}
