/* SPDX-License-Identifier: Apache-2.0
 *
 * Durable notifications. With a spool, tell writes each event into a file before it returns, and the loop
 * takes its work from the folder alone: what a crash interrupts is told again after the restart (at least
 * once), and what fails is tried again later, with growing pauses, until it has been tried TRIES_MAX times.
 *
 *   .t<seq>          being written            <seq>-<tries>    waits; <seq> and <tries> in hex
 *
 * A file is renamed when it fails, and its time of modification is when its next try is due; so the whole
 * state is in the folder. Contents: one line of text, then id, headers and event, as the line says.
 * Threads: put from any; all else on the loop's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

struct entry {
    uint64_t seq;
    unsigned tries;
};

static void name_of(const struct entry *e, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "%016llx-%x", (unsigned long long)e->seq, e->tries);
}

static bool parse_name(const char *name, struct entry *e)
{
    struct alb_str seq, tries;
    uint64_t n;
    if (!alb_str_cut(alb_str_c(name), '-', &seq, &tries) || seq.n != 16 || !alb_str_hex_u64(seq, &e->seq) ||
        !alb_str_hex_u64(tries, &n) || n > TRIES_MAX)
        return false;
    e->tries = (unsigned)n;
    return true;
}

static void drop(struct alb_hooks *h, const char *name)
{
    alb_ignore(alb_fs_unlink(h->spool, name, NULL), "it would be told once more");
    atomic_fetch_sub(&h->spooled, 1);
}

/* ---- opening ---- */

static enum alb_code count_files(struct alb_hooks *h, struct alb_err *err)
{
    int fd = dup(h->spool);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *d;
    if (!dir) {
        alb_fs_close(&fd);
        return alb_fail_sys(err, ALB_E_IO, errno, "the folder of hooks cannot be read");
    }
    rewinddir(dir);
    while ((d = readdir(dir)) != NULL) { /* NOLINT: the stream is ours alone */
        struct entry e;
        if (strncmp(d->d_name, ".t", 2) == 0)
            (void)unlinkat(h->spool, d->d_name,
                           0); /* a crash came before it was whole, and so was told to nobody */
        if (!parse_name(d->d_name, &e))
            continue;
        atomic_fetch_add(&h->spooled, 1);
        if (e.seq >= atomic_load(&h->spool_seq))
            atomic_store(&h->spool_seq, e.seq + 1);
    }
    (void)closedir(dir);
    return ALB_OK;
}

enum alb_code alb_spool_open(struct alb_hooks *h, int dirfd, const char *folder, struct alb_err *err)
{
    atomic_store(&h->spool_seq, 1);
    atomic_store(&h->spool_news, true);
    enum alb_code code = alb_fs_mkdirs(dirfd, folder, 0700, err);
    if (code == ALB_OK)
        code = alb_fs_open(dirfd, folder, O_RDONLY | O_DIRECTORY, 0, &h->spool, err);
    return code == ALB_OK ? count_files(h, err) : code;
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

bool alb_spool_put(struct alb_hook_run *run)
{
    struct alb_hooks *h = run->room;
    struct alb_err err = ALB_ERR_INIT;
    struct entry e = {atomic_fetch_add(&h->spool_seq, 1), 0};
    char temporary[NAME_BYTES], name[NAME_BYTES];
    if (atomic_fetch_add(&h->spooled, 1) >= FILES_MAX) {
        atomic_fetch_sub(&h->spooled, 1);
        return false;
    }
    struct alb_buf text = ALB_BUF_INIT(FILE_MAX);
    put_run(run, &text);
    (void)snprintf(temporary, sizeof(temporary), ".t%016llx", (unsigned long long)e.seq);
    name_of(&e, name);
    enum alb_code code = alb_buf_code(&text);
    if (code == ALB_OK)
        code = write_file(h, temporary, name, alb_buf_view(&text), &err);
    alb_buf_fini(&text);
    if (code != ALB_OK) {
        atomic_fetch_sub(&h->spooled, 1);
        alb_log_err("a hook's event cannot be stored", &err);
        return false;
    }
    atomic_store(&h->spool_news, true);
    return true;
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

/* A run out of a file's text; NULL: damaged, or no memory. */
static struct alb_hook_run *make_run(struct alb_hooks *h, struct alb_str text)
{
    struct alb_str first, rest;
    struct line l;
    if (!alb_str_cut(text, '\n', &first, &rest) || !parse_line(first, &l) ||
        l.id + l.headers + l.event != rest.n || alb_xxh3(rest.p, rest.n) != l.sum)
        return NULL;
    struct alb_hook_run *run = alb_hook_run_new(h, l.type, ALB_LANE_TELL, l.size, l.offset);
    if (!run)
        return NULL;
    alb_buf_str(&run->id, alb_str_sub(rest, 0, l.id));
    alb_buf_str(&run->headers, alb_str_sub(rest, l.id, l.headers));
    run->event = alb_bytes_copy(rest.p + l.id + l.headers, l.event);
    if (run->event && alb_buf_code(&run->id) == ALB_OK && alb_buf_code(&run->headers) == ALB_OK)
        return run;
    alb_hook_run_unref(run);
    return NULL;
}

static struct alb_hook_run *load(struct alb_hooks *h, const struct entry *e)
{
    char name[NAME_BYTES], *text = NULL;
    size_t n = 0;
    struct alb_err err = ALB_ERR_INIT;
    name_of(e, name);
    enum alb_code code = alb_fs_read_file(h->spool, name, FILE_MAX, &text, &n, &err);
    struct alb_hook_run *run = code == ALB_OK ? make_run(h, alb_str_n(text, n)) : NULL;
    alb_mem_free(text);
    if (run) {
        run->spooled = true;
        run->seq = e->seq;
        run->tries = e->tries;
    } else if (code == ALB_OK || code == ALB_E_TOO_LARGE) {
        alb_log(ALB_LOG_ERROR, "the stored event of a hook is damaged and is not told",
                ALB_LOG_C("file", name));
        drop(h, name);
    } else {
        alb_log_err("the stored event of a hook cannot be read", &err);
    }
    return run;
}

static bool is_running(const struct alb_hooks *h, uint64_t seq)
{
    for (const struct alb_hook_run *run = h->lanes[ALB_LANE_TELL].running; run; run = run->next)
        if (run->spooled && run->seq == seq)
            return true;
    return false;
}

/* Milliseconds until its next try; 0: now. */
static int64_t wait_of(struct alb_hooks *h, const char *name, const struct entry *e, int64_t wall_ms)
{
    struct stat st;
    if (e->tries == 0 || fstatat(h->spool, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    int64_t due = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    /* A clock that was set back must not put it off for ever. */
    return due <= wall_ms ? 0 : due - wall_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : due - wall_ms;
}

/* The oldest that are due, at most FILL_MAX, in order. *more: there are others; *next_ms: until one is due.
 */
static size_t collect(struct alb_hooks *h, struct entry list[FILL_MAX], bool *more, int64_t *next_ms)
{
    int fd = dup(h->spool);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *d;
    size_t n = 0;
    int64_t wall = alb_wall(alb_clock_real());
    *more = false;
    *next_ms = PAUSE_MAX_MS;
    if (!dir) {
        alb_fs_close(&fd);
        *next_ms = PAUSE_FIRST_MS;
        return 0;
    }
    rewinddir(dir);
    while ((d = readdir(dir)) != NULL) { /* NOLINT: the stream is ours alone */
        struct entry e;
        if (!parse_name(d->d_name, &e) || is_running(h, e.seq))
            continue;
        int64_t wait = wait_of(h, d->d_name, &e, wall);
        if (wait > 0) {
            *next_ms = wait < *next_ms ? wait : *next_ms;
            continue;
        }
        *more = *more || n == FILL_MAX;
        size_t at = n < FILL_MAX ? n++ : FILL_MAX;
        for (; at > 0 && list[at - 1].seq > e.seq; at--)
            if (at < FILL_MAX)
                list[at] = list[at - 1];
        if (at < FILL_MAX)
            list[at] = e;
    }
    (void)closedir(dir);
    return n;
}

void alb_spool_fill(struct alb_hooks *h, int64_t now)
{
    struct alb_hook_queue *q = &h->lanes[ALB_LANE_TELL];
    struct entry list[FILL_MAX];
    bool more;
    int64_t next_ms;
    if (q->waiting || (now < h->spool_next && !atomic_load(&h->spool_news)))
        return;
    atomic_store(&h->spool_news, false); /* before the look: who comes later is news again */
    size_t n = collect(h, list, &more, &next_ms);
    h->spool_next = alb_deadline(now, next_ms * ALB_NS_PER_MS);
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

static void retry_later(struct alb_hook_run *run)
{
    struct alb_hooks *h = run->room;
    struct entry before = {run->seq, run->tries}, after = {run->seq, run->tries + 1};
    char from[NAME_BYTES], to[NAME_BYTES];
    int64_t pause = PAUSE_FIRST_MS;
    for (unsigned i = 0; i < run->tries && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    pause = pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause;
    int64_t due = alb_wall(alb_clock_real()) + pause;
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000}};
    name_of(&before, from);
    name_of(&after, to);
    if (utimensat(h->spool, from, times, 0) != 0 ||
        alb_fs_rename(h->spool, from, h->spool, to, NULL) != ALB_OK)
        alb_log(ALB_LOG_WARN, "the next try of a hook cannot be noted", ALB_LOG_C("file", from));
    int64_t next = alb_deadline(alb_hooks_now(), pause * ALB_NS_PER_MS);
    h->spool_next = next < h->spool_next ? next : h->spool_next;
}

void alb_spool_ended(struct alb_hook_run *run, enum alb_code code)
{
    struct entry e = {run->seq, run->tries};
    char name[NAME_BYTES];
    name_of(&e, name);
    if (code == ALB_E_CANCELLED) /* closing: it waits for the next start */
        return;
    if (code == ALB_OK) {
        drop(run->room, name);
    } else if (run->tries + 1 >= TRIES_MAX) {
        alb_log(ALB_LOG_ERROR, "a hook failed too often and is given up",
                ALB_LOG_C("type", alb_hook_name(run->type)), ALB_LOG_STR("id", alb_buf_view(&run->id)));
        drop(run->room, name);
    } else {
        retry_later(run);
    }
}
